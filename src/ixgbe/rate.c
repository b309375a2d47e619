/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * rate.c - the transmit rate limiter: each of the 128 queues may have one (RTTDQSEL, RTTBCNRC).
 *
 * RTTBCNRC holds the rate factor, the link's speed divided by the queue's rate: a frame takes as many times longer as it
 * would on the link. So each frame takes some of the queue's time, and a queue whose time is taken up to a moment ahead
 * waits for that moment. Time that was not used is lost, but for what MMW_SIZE bytes take (RTTBCNRM): so much may go at
 * once after a silence. Frames count as they are on the wire with FCS, without preamble and gap, a segmentation request
 * as the frames it becomes.
 *
 * Hardware looks at a queue in every microsecond; a worker looks when it comes by, and it may come late. What a queue with
 * frames waiting loses by that is its worker's fault, and it may make up for it: up to LATE_UNITS.
 *
 * A queue waits without being asked: tx_burst says when its time comes (struct frame_burst.due_ns), and then it sends what
 * MMW_SIZE allows, not frame by frame. The queues beside it do not notice. A request to cut goes out whole, however long,
 * and the queue waits the longer.
 *
 * Without link frames are drained at once: they go nowhere, and drivers wait for that (ixgbe_watchdog_flush_tx()).
 *
 * Source: data sheet 7.7.2.3 (transmit rate scheduler), 8.2.3.10 (RTTBCNRC, RTTBCNRM); Linux ixgbe_set_vf_rate_limit().
 */
#include "ixgbe/internal.h"

#define UNITS_PER_NS 64u
#define LATE_UNITS \
	(50000000ull * UNITS_PER_NS) /* 50 ms: a worker may be without processor for so long */
#define FCS_LEN 4u
#define TAG_LEN 4u
#define KIB 1024u

/*
 * A byte takes 0.8 ns at 10 Gbit/s, which is 51.2 units; the factor has 14 fractional bits, so bytes times factor times
 * 51.2 / 16384 = 1 / 320.
 */
#define FACTORS_PER_UNIT 320u

static uint32_t factor_of(const struct ixgbe_pacer *pacer)
{
	return pacer->bcnrc & IXGBE_RTTBCNRC_FACTOR;
}

static uint64_t units_of(const struct ixgbe_pacer *pacer, uint64_t bytes)
{
	return bytes * factor_of(pacer) / FACTORS_PER_UNIT;
}

uint32_t ixgbe_pacer_open(struct ixgbe_pacer *pacer, uint32_t bcnrc, uint32_t mmw, uint64_t now,
			  uint64_t *due)
{
	uint64_t clock = now * UNITS_PER_NS, window, allowed;

	if (unlikely(pacer->bcnrc != bcnrc)) /* what it owes by another rate is forgotten */
		*pacer = (struct ixgbe_pacer){ .bcnrc = bcnrc };
	if (!factor_of(pacer))
		return IXGBE_TX_BURST_BYTES;
	window = units_of(pacer, (uint64_t)(mmw & IXGBE_RTTBCNRM_MMW_SIZE) * KIB);
	allowed = pacer->waits ? MAX(window, LATE_UNITS) : window;
	if (pacer->paid > clock) {
		pacer->waits = true;
		*due = (pacer->paid + window + UNITS_PER_NS - 1) / UNITS_PER_NS;
		return 0;
	}
	if (clock - pacer->paid > allowed)
		pacer->paid = clock - allowed;
	return (uint32_t)MIN((clock - pacer->paid) * FACTORS_PER_UNIT / factor_of(pacer) + 1,
			     (uint64_t)IXGBE_TX_BURST_BYTES);
}

void ixgbe_pacer_charge(struct ixgbe_pacer *pacer, uint64_t bytes, bool waits)
{
	pacer->paid += units_of(pacer, bytes);
	pacer->waits = waits;
}

uint32_t ixgbe_rate_open(struct ixgbe_txq *q, uint64_t now, uint64_t *due)
{
	uint32_t bcnrc = reg_load(&q->pf->state->rate[q->index]);

	if (!atomic_load_explicit(&q->pf->state->link_up, memory_order_relaxed)) {
		q->pacer = (struct ixgbe_pacer){ 0 }; /* what goes nowhere takes no time */
		return IXGBE_TX_BURST_BYTES;
	}
	return ixgbe_pacer_open(&q->pacer, bcnrc, ixgbe_pf_reg(q->pf, IXGBE_RTTBCNRM), now, due);
}

void ixgbe_rate_charge(struct ixgbe_txq *q, const struct frame_burst *burst, bool waits)
{
	uint64_t bytes = burst->bytes + burst->packets * FCS_LEN;

	for (unsigned int i = 0; i < burst->n; i++) {
		uint32_t packets;
		uint64_t frame_bytes;

		if (!(burst->frame[i].flags & FRAME_VLAN))
			continue;
		frame_count(&burst->frame[i], &packets, &frame_bytes);
		bytes += (uint64_t)packets * TAG_LEN;
	}
	ixgbe_pacer_charge(&q->pacer, bytes, waits);
}
