/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * rx.c - a burst of frames for a pool: its queues, and their descriptors.
 *
 * A burst for a pool is spread over its queues by RSS and delivered queue by queue, each frame in
 * the order in which it came (rx_frame.c). For a queue:
 *
 *  - Descriptors are reserved for many frames at once: a window of them is copied out of the ring,
 *    once, together with the addresses where they will be written back.
 *  - The write-back is prepared in the window and written in batches, in ring order: drivers take
 *    what is done as one piece from their head on. Of each descriptor the half with length and DD
 *    is stored last, as one 64-bit store with release order: Linux takes LENGTH != 0, DPDK takes DD
 *    for "done". The descriptors of a frame go out first to last, like the hardware's: a driver
 *    that finds a frame without its EOP yet keeps what it has and comes back.
 *
 * A queue without free descriptors drops, whatever DROP_EN says: holding the frame would block the
 * others.
 *
 * 82599 data sheet: 7.1.2 (queue assignment), 7.1.9 (ring).
 */
#include "ixgbe/rx.h"

#include <linux/if_ether.h>

#define DEFAULT_MAX_FRAME 1518u /* with FCS; when jumbo frames are off */

static void drop_frames(struct rx_pool *r, enum vport_drop why, const struct frame *frame,
			uint64_t wanted)
{
	for (; wanted; wanted &= wanted - 1) {
		uint32_t packets;
		uint64_t bytes;

		frame_count(&frame[__builtin_ctzll(wanted)], &packets, &bytes);
		rx_drop(r, why, packets);
	}
}

/* --- the window ------------------------------------------------------------------------------ */

static void write_back(struct rx_window *w)
{
	uint32_t n = w->next;

	for (uint32_t i = 0; i < n; i++) {
		uint64_t *slot = (uint64_t *)(void *)w->slot[i], half[2];

		memcpy(half, &w->desc[i], sizeof(half));
		__atomic_store_n(&slot[0], half[0], __ATOMIC_RELAXED);
		__atomic_store_n(&slot[1], half[1], __ATOMIC_RELEASE);
	}
}

bool rx_window_load(struct rx_window *w, uint32_t n, uint32_t want)
{
	uint32_t left = w->have - w->next;

	if (unlikely(w->refused))
		return false;
	write_back(w);
	memmove(w->desc, &w->desc[w->next], left * sizeof(w->desc[0]));
	memmove(w->slot, &w->slot[w->next], left * sizeof(w->slot[0]));
	w->offset += w->next;
	w->next = 0;
	want = MIN(MIN(MAX(want, n), w->free), RX_WINDOW);
	w->have = left + ixgbe_ring_fetch(&w->q->state->ring, &w->q->fetcher, w->offset + left,
					  want - left, &w->desc[left], &w->slot[left]);
	w->mapped = 0;
	w->refused = w->have < want;
	return w->have >= n;
}

/* --- one queue ------------------------------------------------------------------------------- */

/* Look at the queue's registers, once per burst. Return: false: it does not receive. */
static bool open_window(struct rx_window *w, struct ixgbe_pf *pf, unsigned int index)
{
	struct ixgbe_rxq *q = &pf->rxq[index];
	const struct ixgbe_home *home = ixgbe_home(pf, index);
	struct ixgbe_ring *ring = &q->state->ring;
	uint32_t srrctl;

	w->q = q;
	w->block = atomic_load_explicit(&home->rx, memory_order_acquire);
	w->closed = VPORT_DROP_RX_DISABLED;
	if (!ixgbe_rx_started(pf, index))
		return false;
	if (!ixgbe_ring_ready(ring, &q->fetcher, &q->state->generation, home, w->block)) {
		if (ring->running && q->fetcher.blocked)
			w->closed = VPORT_DROP_RX_DMA_FAULT;
		return false;
	}
	srrctl = reg_load(&w->block[IXGBE_Q_SRRCTL]);
	w->buffer_len = IXGBE_SRRCTL_BSIZEPKT(srrctl);
	w->legacy = IXGBE_SRRCTL_DESCTYPE(srrctl) == IXGBE_SRRCTL_DESCTYPE_LEGACY;
	w->drop_en = srrctl & IXGBE_SRRCTL_DROP_EN || ixgbe_rx_drop(pf, index);
	w->strip_vlan = reg_load(&w->block[IXGBE_Q_CTL]) & IXGBE_RXDCTL_VME;
	w->free = ixgbe_ring_posted(ring, reg_load(&w->block[IXGBE_Q_TAIL]));
	w->offset = w->have = w->next = 0;
	w->packets = w->no_descriptor = 0;
	w->bytes = 0;
	w->bad = w->refused = false;
	return w->buffer_len;
}

static void close_window(struct rx_pool *r, struct rx_window *w)
{
	struct ixgbe_rxq_state *state = w->q->state;

	write_back(w);
	if (w->offset + w->next)
		ixgbe_ring_advance(&state->ring, w->offset + w->next, &state->generation, w->block);
	ixgbe_ring_prefetch(&state->ring, &w->q->fetcher, 0, MIN(w->free, RX_WINDOW), true);
	if (w->no_descriptor)
		ixgbe_counter_add(w->drop_en ? &state->drops : &state->missed, w->no_descriptor);
	if (!w->packets)
		return;
	ixgbe_counter_add(&state->packets, w->packets);
	ixgbe_counter_add(&state->bytes, w->bytes);
	r->totals.packets += w->packets;
	r->totals.bytes += w->bytes;
	ixgbe_rx_cause(r->pf, w->q->index, w->packets, r->now);
}

/* Deliver the frames in the bitmap @wanted to queue @index. */
static void deliver(struct rx_pool *r, unsigned int index, const struct frame *frame,
		    uint64_t wanted)
{
	struct rx_window w;

	if (likely(open_window(&w, r->pf, index))) {
		(void)rx_window_load(&w, 0, (uint32_t)__builtin_popcountll(wanted));
		rx_deliver(r, &w, frame, wanted);
		close_window(r, &w);
		return;
	}
	drop_frames(r, w.closed, frame, wanted);
	if (w.closed == VPORT_DROP_RX_DISABLED)
		ixgbe_counter_add(&w.q->state->drops, (uint64_t)__builtin_popcountll(wanted));
}

/* --- the pool -------------------------------------------------------------------------------- */

static void add_totals(const struct rx_pool *r)
{
	const struct rx_totals *t = &r->totals;
	struct vport_stats *stats = r->pool->stats;
	struct ixgbe_pool_state *state = r->pool->state;

	for (unsigned int i = 0; i < VPORT_DROPS; i++)
		if (unlikely(t->drop[i]))
			ixgbe_counter_add(&stats->drop[i], t->drop[i]);
	if (!t->packets)
		return;
	ixgbe_counter_add(&stats->rx_packets, t->packets);
	ixgbe_counter_add(&stats->rx_bytes, t->bytes);
	ixgbe_counter_add(&state->gprc, t->packets);
	ixgbe_counter_add(&state->gorc, t->bytes);
	if (t->multicast) {
		ixgbe_counter_add(&stats->rx_multicast, t->multicast);
		ixgbe_counter_add(&state->mprc, t->multicast);
	}
	if (t->broadcast)
		ixgbe_counter_add(&stats->rx_broadcast, t->broadcast);
	if (t->csum_bad)
		ixgbe_counter_add(&stats->rx_csum_bad, t->csum_bad);
}

static uint32_t max_frame(const struct ixgbe_pf *pf)
{
	bool jumbo = ixgbe_pf_reg(pf, IXGBE_HLREG0) & IXGBE_HLREG0_JUMBOEN;
	uint32_t max =
		jumbo ? ixgbe_pf_reg(pf, IXGBE_MAXFRS) >> IXGBE_MAXFRS_SHIFT : DEFAULT_MAX_FRAME;

	return max > ETH_FCS_LEN ? max - ETH_FCS_LEN : 0;
}

/* --- the flow director ------------------------------------------------------------------------ */

static void take(struct rx_pool *r, int queue, const struct frame *frame, uint64_t frames)
{
	if (!frames)
		return;
	for (unsigned int i = 0; i < IXGBE_RETA_QUEUES; i++)
		r->rss.wanted[i] &= ~frames;
	ixgbe_counter_add(&r->pf->state->fdir_match, (uint64_t)__builtin_popcountll(frames));
	if (queue == IXGBE_FDIR_DROP)
		drop_frames(r, VPORT_DROP_RX_FILTERED, frame, frames);
	else
		deliver(r, (unsigned int)queue, frame, frames);
}

/*
 * Frames that a perfect filter names go to its queue, if that is one of the pool's, first to last; RSS has the others.
 * Neighbours for one queue go together.
 */
static void filter_flows(struct rx_pool *r, const struct ixgbe_fdir *fdir, unsigned int first,
			 unsigned int queues, const struct frame *frame, uint64_t wanted)
{
	int queue = IXGBE_FDIR_NONE;
	uint64_t frames = 0;

	for (; wanted; wanted &= wanted - 1) {
		unsigned int i = (unsigned int)__builtin_ctzll(wanted);
		int to = ixgbe_fdir_find(fdir, &frame[i], r->pool->index);

		if (to >= 0 && ((unsigned int)to < first || (unsigned int)to >= first + queues))
			to = IXGBE_FDIR_NONE;
		if (to == IXGBE_FDIR_NONE) {
			ixgbe_counter_add(&r->pf->state->fdir_miss, 1);
			continue;
		}
		if (to != queue) {
			take(r, queue, frame, frames);
			frames = 0;
		}
		queue = to;
		frames |= BIT64(i);
	}
	take(r, queue, frame, frames);
}

void ixgbe_rx_burst(void *ctx, const struct frame_burst *burst, uint64_t wanted, uint64_t now)
{
	const struct frame *frame = burst->frame;
	struct ixgbe_pool *pool = ctx;
	struct ixgbe_pf *pf = pool->pf;
	unsigned int queues = ixgbe_pool_queues(pf);
	unsigned int first = queues < IXGBE_QUEUES ? pool->index * queues : 0;
	const struct ixgbe_fdir *fdir = atomic_load_explicit(&pf->fdir, memory_order_acquire);
	struct rx_pool r;

	r.pool = pool;
	r.pf = pf;
	r.now = now;
	r.max_len = max_frame(pf);
	r.hash_wanted = ixgbe_pf_reg(pf, IXGBE_RXCSUM) & IXGBE_RXCSUM_PCSD;
	/* Filters may part what else goes together. */
	r.same_kind = unlikely(fdir) ? 0 : burst->same_kind;
	r.same_flow = unlikely(fdir) ? 0 : burst->same_flow & wanted & wanted << 1;
	memset(&r.totals, 0, sizeof(r.totals));
	if (likely(first < IXGBE_QUEUES && ixgbe_rx_allowed(pf, pool->index))) {
		ixgbe_rss_spread(pf, pool->index, queues, frame, wanted, r.same_flow, &r.rss);
		if (unlikely(fdir))
			filter_flows(&r, fdir, first, queues, frame, wanted);
		for (unsigned int i = 0; i < IXGBE_RETA_QUEUES; i++)
			if (r.rss.wanted[i])
				deliver(&r, first + i, frame, r.rss.wanted[i]);
	} else {
		drop_frames(&r, VPORT_DROP_RX_DISABLED, frame, wanted);
	}
	add_totals(&r);
}
