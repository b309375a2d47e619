/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * gather.c - how long a worker that ran out of frames leaves senders of bulk data alone.
 *
 * Polling on finds the next frame at once and suits two kinds of traffic: one that comes so fast that there is hardly
 * a pause, and one that waits for each answer. A stream of data at a moderate rate is neither: each of its bursts found
 * at once is one wake-up of the receiving driver and one of the worker, and those cost more than moving the data does.
 * So at such rates the worker naps right after work, as long as DP_GATHER_BYTES take to come together.
 *
 * The rate is that of all vports with a hot queue (poll.c), judged over some milliseconds, and what was before counts
 * half as much after each such time: one burst does not make a stream, and one that has ended is soon forgotten. Where
 * the set of hot queues changes, counters of others come in: that time is not judged.
 */
#include "dataplane/internal.h"

#define JUDGE_NS 4000000u /* a rate is judged over no less, and forgotten by half */

/* What the vports with a hot queue have sent so far. */
static uint64_t hot_bytes(const struct dp_port_list *list, unsigned int *hots)
{
	uint64_t bytes = 0;

	*hots = 0;
	for (unsigned int i = 0; i < list->n; i++) {
		const struct dp_config *config =
			atomic_load_explicit(&list->port[i]->config, memory_order_acquire);

		for (unsigned int j = 0; config && j < config->hots; j++) {
			const struct vport_stats *stats =
				config->vport[config->queue[config->hot[j]].vport].stats;

			bytes += stats ? stats->tx_bytes : 0;
		}
		*hots += config ? config->hots : 0;
	}
	return bytes;
}

void dp_gather_judge(struct dp_gather *gather, const struct dp_port_list *list, uint64_t now)
{
	uint64_t bytes, ns = now - gather->since_ns;
	unsigned int hots, halvings;

	if (ns < JUDGE_NS)
		return;
	halvings = (unsigned int)MIN(ns / JUDGE_NS, 63u);
	bytes = hot_bytes(list, &hots);
	gather->rate >>= halvings;
	if (hots == gather->hots && bytes >= gather->bytes) {
		uint64_t rate = (bytes - gather->bytes) * DP_GATHER_UNIT_NS / ns;

		gather->rate += rate - (rate >> halvings);
	}
	gather->hots = hots;
	gather->bytes = bytes;
	gather->since_ns = now;
}

uint64_t dp_gather_ns(const struct dp_gather *gather)
{
	uint64_t ns;

	if (gather->rate < DP_GATHER_MIN_RATE)
		return 0;
	ns = DP_GATHER_BYTES * DP_GATHER_UNIT_NS / gather->rate;
	return ns < DP_GATHER_MIN_NS ? 0 : MIN(ns, (uint64_t)DP_GATHER_MAX_NS);
}
