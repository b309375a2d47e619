// SPDX-License-Identifier: BSD-3-Clause
/*
 * figures.c - from counters to what a report says. Packets and bytes are those of the whole run; rates are those of the
 * measured time, which each port's thread took by itself.
 */
#include "pktgen/clock.h"
#include "pktgen/run.h"

void figures_of(const struct port *port, struct figures *f)
{
	const struct softiov_queue_stats *a = &port->begin.stats, *b = &port->end.stats;
	double seconds = clock_to_ns(port->end.ticks - port->begin.ticks) / (double)NSEC_PER_SEC;
	double per_second = seconds > 0 ? 1 / seconds : 0;

	*f = (struct figures){
		.seconds = seconds,
		.tx_packets = port->total.tx_packets,
		.tx_bytes = port->total.tx_bytes,
		.rx_packets = port->total.rx_packets,
		.rx_bytes = port->total.rx_bytes,
		.rx_no_buffer = port->total.rx_no_buffer,
		.tx_full = port->total.tx_full,
		.tx_pps = (double)(b->tx_packets - a->tx_packets) * per_second,
		.tx_bps = (double)(b->tx_bytes - a->tx_bytes) * 8 * per_second,
		.rx_pps = (double)(b->rx_packets - a->rx_packets) * per_second,
		.rx_bps = (double)(b->rx_bytes - a->rx_bytes) * 8 * per_second,
	};
	if (port->sink->verifier)
		f->verify = port->sink->verifier->stats;
}

void figures_of_all(const struct run *run, struct figures *all)
{
	*all = (struct figures){ 0 };
	for (unsigned int i = 0; i < run->ports; i++) {
		struct figures f;

		figures_of(&run->port[i], &f);
		all->seconds = MAX(all->seconds, f.seconds);
		all->tx_packets += f.tx_packets;
		all->tx_bytes += f.tx_bytes;
		all->rx_packets += f.rx_packets;
		all->rx_bytes += f.rx_bytes;
		all->rx_no_buffer += f.rx_no_buffer;
		all->tx_full += f.tx_full;
		all->tx_pps += f.tx_pps;
		all->tx_bps += f.tx_bps;
		all->rx_pps += f.rx_pps;
		all->rx_bps += f.rx_bps;
		all->verify.checked += f.verify.checked;
		all->verify.lost += f.verify.lost;
		all->verify.duplicated += f.verify.duplicated;
		all->verify.reordered += f.verify.reordered;
		all->verify.corrupt += f.verify.corrupt;
		all->verify.other += f.verify.other;
	}
}

void latency_of(const struct run *run, int from, struct latency_figures *f)
{
	struct histogram both;
	uint64_t lost = 0;

	histogram_clear(&both);
	*f = (struct latency_figures){ 0 };
	for (int i = 0; i < PORTS_MAX; i++) {
		if (from >= 0 && from != i)
			continue;
		histogram_merge(&both, latency_histogram(run, (unsigned int)i, &lost));
		f->lost += lost;
	}
	f->samples = both.samples;
	if (!f->samples)
		return;
	f->min_us = (double)both.min / 1000;
	f->mean_us = histogram_mean(&both) / 1000;
	f->p50_us = (double)histogram_percentile(&both, 50) / 1000;
	f->p90_us = (double)histogram_percentile(&both, 90) / 1000;
	f->p99_us = (double)histogram_percentile(&both, 99) / 1000;
	f->p999_us = (double)histogram_percentile(&both, 99.9) / 1000;
	f->max_us = (double)both.max / 1000;
}

const char *moderation_name(enum softiov_moderation moderation)
{
	static const char *const names[] = {
		[SOFTIOV_LATENCY] = "latency",
		[SOFTIOV_BALANCED] = "balanced",
		[SOFTIOV_BULK] = "bulk",
	};

	return moderation < ARRAY_SIZE(names) ? names[moderation] : "fixed";
}
