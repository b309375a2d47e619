// SPDX-License-Identifier: BSD-3-Clause
/*
 * json.c - for programs: one object. docs/pktgen.md describes its members.
 */
#include <jansson.h>
#include <stdio.h>

#include "pktgen/run.h"

#define MEGA 1e6
#define GIGA 1e9

static json_t *number(uint64_t value)
{
	return json_integer((json_int_t)value);
}

static void put_figures(json_t *to, const struct figures *f)
{
	json_object_set_new(to, "seconds", json_real(f->seconds));
	json_object_set_new(to, "tx_packets", number(f->tx_packets));
	json_object_set_new(to, "tx_bytes", number(f->tx_bytes));
	json_object_set_new(to, "rx_packets", number(f->rx_packets));
	json_object_set_new(to, "rx_bytes", number(f->rx_bytes));
	json_object_set_new(to, "rx_no_buffer", number(f->rx_no_buffer));
	json_object_set_new(to, "tx_full", number(f->tx_full));
	json_object_set_new(to, "tx_mpps", json_real(f->tx_pps / MEGA));
	json_object_set_new(to, "tx_gbps", json_real(f->tx_bps / GIGA));
	json_object_set_new(to, "rx_mpps", json_real(f->rx_pps / MEGA));
	json_object_set_new(to, "rx_gbps", json_real(f->rx_bps / GIGA));
}

static json_t *verify_json(const struct verify_stats *v)
{
	json_t *to = json_object();

	json_object_set_new(to, "checked", number(v->checked));
	json_object_set_new(to, "lost", number(v->lost));
	json_object_set_new(to, "duplicated", number(v->duplicated));
	json_object_set_new(to, "reordered", number(v->reordered));
	json_object_set_new(to, "corrupt", number(v->corrupt));
	json_object_set_new(to, "other", number(v->other));
	return to;
}

static json_t *napi_json(const struct softiov_napi_stats *n)
{
	json_t *to = json_object();

	json_object_set_new(to, "interrupts", number(n->interrupts));
	json_object_set_new(to, "polls", number(n->polls));
	json_object_set_new(to, "frames", number(n->frames));
	json_object_set_new(to, "frames_per_poll",
			    json_real(n->polls ? (double)n->frames / (double)n->polls : 0));
	json_object_set_new(to, "budget_spent", number(n->budget_spent));
	json_object_set_new(to, "rearms", number(n->rearms));
	json_object_set_new(to, "rearm_races", number(n->rearm_races));
	json_object_set_new(to, "spurious", number(n->spurious));
	json_object_set_new(to, "interval_changes", number(n->interval_changes));
	json_object_set_new(to, "moderation", json_string(moderation_name(n->moderation)));
	json_object_set_new(to, "interval_us", number(n->interval_us));
	return to;
}

static json_t *latency_json(const struct run *run, int from)
{
	struct latency_figures l;
	json_t *to = json_object();

	latency_of(run, from, &l);
	json_object_set_new(to, "samples", number(l.samples));
	json_object_set_new(to, "lost", number(l.lost));
	json_object_set_new(to, "min_us", json_real(l.min_us));
	json_object_set_new(to, "mean_us", json_real(l.mean_us));
	json_object_set_new(to, "p50_us", json_real(l.p50_us));
	json_object_set_new(to, "p90_us", json_real(l.p90_us));
	json_object_set_new(to, "p99_us", json_real(l.p99_us));
	json_object_set_new(to, "p999_us", json_real(l.p999_us));
	json_object_set_new(to, "max_us", json_real(l.max_us));
	return to;
}

static json_t *port_json(const struct run *run, unsigned int i)
{
	const struct port *port = &run->port[i];
	json_t *to = json_object();
	struct figures f;
	char mac[18];

	figures_of(port, &f);
	json_object_set_new(to, "address", json_string(port->address));
	json_object_set_new(to, "mac", json_string(mac_format(port->info.mac, mac)));
	put_figures(to, &f);
	if (port->sink->verifier)
		json_object_set_new(to, "verify", verify_json(&f.verify));
	if (port->napi)
		json_object_set_new(to, "napi", napi_json(&port->napi_stats));
	if (run->latency)
		json_object_set_new(to, "latency", latency_json(run, (int)i));
	return to;
}

void report_json(const struct run *run)
{
	const struct options *o = run->options;
	json_t *top = json_object(), *ports = json_array(), *sizes = json_array();
	struct figures f;

	for (unsigned int i = 0; i < o->sizes; i++)
		json_array_append_new(sizes, json_integer(o->size[i]));
	for (unsigned int i = 0; i < run->ports; i++)
		json_array_append_new(ports, port_json(run, i));
	figures_of_all(run, &f);
	json_object_set_new(top, "mode", json_string(pktgen_mode_names[o->mode]));
	json_object_set_new(top, "sizes", sizes);
	json_object_set_new(top, "tso", number(o->tso));
	json_object_set_new(top, "huge_pages", json_boolean(run->port[0].huge));
	put_figures(top, &f);
	if (o->verify)
		json_object_set_new(top, "verify", verify_json(&f.verify));
	if (run->latency)
		json_object_set_new(top, "latency", latency_json(run, -1));
	json_object_set_new(top, "ports", ports);
	json_dumpf(top, stdout, JSON_COMPACT | JSON_REAL_PRECISION(6));
	putchar('\n');
	json_decref(top);
}
