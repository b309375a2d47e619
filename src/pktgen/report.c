// SPDX-License-Identifier: BSD-3-Clause
/*
 * report.c - for people: a line a second, a summary.
 */
#include <stdio.h>

#include "pktgen/run.h"

#define MEGA 1e6
#define GIGA 1e9

void report_second(const struct run *run, double seconds)
{
	static uint64_t before[4];
	uint64_t now[4] = { 0 };

	for (unsigned int i = 0; i < run->ports; i++) {
		const struct port *port = &run->port[i];

		now[0] += atomic_load(&port->now.tx_packets);
		now[1] += atomic_load(&port->now.tx_bytes);
		now[2] += atomic_load(&port->now.rx_packets);
		now[3] += atomic_load(&port->now.rx_bytes);
	}
	printf("%6.0f s   sent %8.3f Mpps %8.3f Gbit/s   received %8.3f Mpps %8.3f Gbit/s\n",
	       seconds, (double)(now[0] - before[0]) / MEGA,
	       (double)(now[1] - before[1]) * 8 / GIGA, (double)(now[2] - before[2]) / MEGA,
	       (double)(now[3] - before[3]) * 8 / GIGA);
	fflush(stdout);
	memcpy(before, now, sizeof(now));
}

static void figures_text(const char *name, const struct figures *f)
{
	printf("%s\n"
	       "  sent      %12llu packets %15llu bytes   %8.3f Mpps %8.3f Gbit/s\n"
	       "  received  %12llu packets %15llu bytes   %8.3f Mpps %8.3f Gbit/s\n",
	       name, (unsigned long long)f->tx_packets, (unsigned long long)f->tx_bytes,
	       f->tx_pps / MEGA, f->tx_bps / GIGA, (unsigned long long)f->rx_packets,
	       (unsigned long long)f->rx_bytes, f->rx_pps / MEGA, f->rx_bps / GIGA);
	if (f->rx_no_buffer)
		printf("  out of buffers %llu times\n", (unsigned long long)f->rx_no_buffer);
}

static void verify_text(const struct verify_stats *v)
{
	printf("  verified  %12llu: lost %llu, duplicated %llu, reordered %llu, corrupt %llu; %llu "
	       "other\n",
	       (unsigned long long)v->checked, (unsigned long long)v->lost,
	       (unsigned long long)v->duplicated, (unsigned long long)v->reordered,
	       (unsigned long long)v->corrupt, (unsigned long long)v->other);
}

static void napi_text(const struct softiov_napi_stats *n)
{
	printf("  NAPI      %12llu interrupts, %llu polls (%.1f packets each, %llu spent the "
	       "budget),\n"
	       "            %llu re-arms, %llu raced by a packet, %llu spurious wake-ups; %s, %u "
	       "us "
	       "apart\n",
	       (unsigned long long)n->interrupts, (unsigned long long)n->polls,
	       n->polls ? (double)n->frames / (double)n->polls : 0,
	       (unsigned long long)n->budget_spent, (unsigned long long)n->rearms,
	       (unsigned long long)n->rearm_races, (unsigned long long)n->spurious,
	       moderation_name(n->moderation), n->interval_us);
}

static void latency_text(const char *name, const struct latency_figures *l)
{
	printf("latency %s\n"
	       "  %llu samples, %llu lost; us: min %.2f mean %.2f p50 %.2f p90 %.2f p99 %.2f p99.9 "
	       "%.2f max %.2f\n",
	       name, (unsigned long long)l->samples, (unsigned long long)l->lost, l->min_us,
	       l->mean_us, l->p50_us, l->p90_us, l->p99_us, l->p999_us, l->max_us);
}

void report_text(const struct run *run)
{
	static const char *const directions[] = { "there", "back" };
	struct latency_figures latency;
	struct figures f;

	for (unsigned int i = 0; i < run->ports; i++) {
		const struct port *port = &run->port[i];

		figures_of(port, &f);
		figures_text(port->address, &f);
		if (port->sink->verifier)
			verify_text(&f.verify);
		if (port->napi)
			napi_text(&port->napi_stats);
	}
	if (run->ports > 1) {
		figures_of_all(run, &f);
		figures_text("both", &f);
	}
	for (int i = 0; run->latency && i < PORTS_MAX; i++) {
		latency_of(run, i, &latency);
		latency_text(directions[i], &latency);
	}
	if (run->latency) {
		latency_of(run, -1, &latency);
		latency_text("both ways", &latency);
	}
}
