/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * rx.c - from frames to receive descriptors: the one copy.
 *
 * A burst for a pool is spread over its queues by RSS and delivered queue by queue, each frame in
 * the order in which it came. For a queue:
 *
 *  - Descriptors are reserved for many frames at once: a window of them is copied out of the ring,
 *    once, together with the addresses where they will be written back.
 *  - A frame's buffers are all translated before the first byte is copied; so it is delivered whole
 *    or not at all, and no descriptor is lost to a frame that is dropped.
 *  - The write-back is prepared in the window and written in batches, in ring order: drivers take
 *    what is done as one piece from their head on. Of each descriptor the half with length and DD
 *    is stored last, as one 64-bit store with release order: Linux takes LENGTH != 0, DPDK takes DD
 *    for "done". The descriptors of a frame go out first to last, like the hardware's: a driver
 *    that finds a frame without its EOP yet keeps what it has and comes back.
 *
 * A queue without free descriptors drops, whatever DROP_EN says: holding the frame would block the
 * others. A buffer that the IOMMU refuses stays where it is: a completion without data does not
 * exist, so the frame is dropped and the next one tries again.
 *
 * 82599 data sheet: 7.1.2 (queue assignment), 7.1.5, 7.1.6 (descriptors), 7.1.9 (ring), 7.1.11
 * (checksums), 7.4 (VLAN).
 */
#include "ixgbe/internal.h"

#include <linux/if_ether.h>

#define VLAN_TAG_LEN 4u
#define DEFAULT_MAX_FRAME 1518u /* with FCS; when jumbo frames are off */
#define WINDOW 64u
#define FRAME_DESCS_MAX 16u /* of the longest frame in the smallest buffers, 1 KiB */
#define FRAME_PIECES_MAX 64u
#define PREFETCH_AHEAD 4u

_Static_assert(FRAME_MAX_LEN <= FRAME_DESCS_MAX * 1024, "a frame fits its descriptors");
_Static_assert(FRAME_DESCS_MAX <= WINDOW, "a frame fits the window");

/** struct totals - counted over a burst, added up once. */
struct totals {
	uint64_t packets, bytes, multicast, broadcast, csum_bad;
	uint64_t drop[VPORT_DROPS];
};

/** struct receiver - a pool during one burst. */
struct receiver {
	struct ixgbe_pool *pool;
	struct ixgbe_pf *pf;
	uint64_t now;
	uint32_t n;	  /* frames */
	uint32_t max_len; /* without FCS and VLAN tag */
	bool hash_wanted; /* RXCSUM.PCSD: the hash goes where IP ID and fragment checksum would */
	struct totals totals;
	struct ixgbe_rss_burst rss;
};

/**
 * struct window - the part of a ring that is being filled.
 * @free: descriptors the driver has given and that are not used yet
 * @offset: of desc[0], behind the head
 * @have: descriptors here, @next: the first unused; those before it are write-backs
 * @packets, @bytes, @no_descriptor: of this queue
 * @bad: the next buffer cannot be written
 * @closed: why the queue does not receive, if it does not
 */
struct window {
	struct ixgbe_rxq *q;
	ixgbe_reg *block;
	uint32_t free, offset, have, next;
	uint32_t buffer_len;
	bool legacy, strip_vlan, bad;
	enum vport_drop closed;
	uint32_t packets, no_descriptor;
	uint64_t bytes;
	struct ixgbe_desc desc[WINDOW];
	uint8_t *slot[WINDOW];
};

/** struct piece - contiguous host memory of a receive buffer. */
struct piece {
	uint8_t *host;
	uint32_t len;
};

static void drop(struct receiver *r, enum vport_drop why, uint64_t packets)
{
	r->totals.drop[why] += packets;
}

static void drop_frame(struct receiver *r, enum vport_drop why, const struct frame *frame)
{
	uint32_t packets;
	uint64_t bytes;

	frame_count(frame, &packets, &bytes);
	drop(r, why, packets);
}

/* --- the window ------------------------------------------------------------------------------ */

static void write_back(struct window *w)
{
	for (uint32_t i = 0; i < w->next; i++) {
		uint64_t *slot = (uint64_t *)(void *)w->slot[i], half[2];

		memcpy(half, &w->desc[i], sizeof(half));
		__atomic_store_n(&slot[0], half[0], __ATOMIC_RELAXED);
		__atomic_store_n(&slot[1], half[1], __ATOMIC_RELEASE);
	}
}

/* Have @n unused descriptors in the window; @want: as many as may be useful soon. */
static bool reserve(struct window *w, uint32_t n, uint32_t want)
{
	uint32_t left = w->have - w->next;

	if (likely(left >= n))
		return true;
	write_back(w);
	memmove(w->desc, &w->desc[w->next], left * sizeof(w->desc[0]));
	memmove(w->slot, &w->slot[w->next], left * sizeof(w->slot[0]));
	w->offset += w->next;
	w->next = 0;
	want = MIN(MIN(MAX(want, n), w->free), WINDOW);
	w->have = left + ixgbe_ring_fetch(&w->q->state->ring, &w->q->fetcher, w->offset + left,
					  want - left, &w->desc[left], &w->slot[left]);
	return w->have >= n;
}

static uint64_t buffer_address(const struct ixgbe_desc *desc)
{
	return (uint64_t)desc->dword[1] << 32 | desc->dword[0];
}

/* Bring the next buffers near, if the cached translation covers them. */
static void prefetch_buffer(const struct window *w, uint32_t i)
{
	if (i < w->have)
		__builtin_prefetch(ixgbe_dma_cached(&w->q->fetcher, buffer_address(&w->desc[i]), 1,
						    IOMMU_WRITE),
				   1);
}

/* --- one frame ------------------------------------------------------------------------------- */

/* Host memory for @len bytes of one buffer. Return: pieces added, 0: the IOMMU refuses. */
static unsigned int map_buffer(struct window *w, const struct ixgbe_desc *desc, uint32_t len,
			       struct piece *piece, unsigned int room)
{
	struct ixgbe_fetcher *fetcher = &w->q->fetcher;
	struct iommu_domain *domain = fetcher->domain;
	uint64_t address = buffer_address(desc);
	unsigned int n = 0;
	bool split = false;

	piece->host =
		iommu_translate(domain, &fetcher->buffer_tlb, address, len, IOMMU_WRITE, &split);
	piece->len = len;
	if (likely(piece->host))
		return 1;
	if (!split)
		return 0;
	for (uint32_t run; len; len -= run, address += run) {
		uint8_t *host;

		if (n >= room)
			return 0;
		host = iommu_run(domain, &fetcher->buffer_tlb, address, len, IOMMU_WRITE, &run);
		if (!host)
			return 0;
		piece[n++] = (struct piece){ .host = host, .len = run };
	}
	return n;
}

/* All buffers of a frame of @len bytes. Return: pieces, 0: the IOMMU refuses one. */
static unsigned int map_buffers(struct window *w, uint32_t len, struct piece *piece)
{
	unsigned int n = 0;

	for (uint32_t i = w->next; len; i++) {
		uint32_t some = MIN(len, w->buffer_len);
		unsigned int added;

		added = n < FRAME_PIECES_MAX
				? map_buffer(w, &w->desc[i], some, &piece[n], FRAME_PIECES_MAX - n)
				: 0;
		if (unlikely(!added))
			return 0;
		n += added;
		len -= some;
	}
	return n;
}

static uint32_t packet_type(const struct frame_info *info)
{
	static const uint32_t l4[] = {
		[FRAME_L4_NONE] = 0,
		[FRAME_L4_TCP] = IXGBE_RXD_TCP,
		[FRAME_L4_UDP] = IXGBE_RXD_UDP,
		[FRAME_L4_SCTP] = IXGBE_RXD_SCTP,
	};

	switch (info->l3) {
	case FRAME_L3_IPV4:
		return l4[info->l4] | IXGBE_RXD_IPV4 | (info->ip_options ? IXGBE_RXD_IPV4E : 0);
	case FRAME_L3_IPV6:
		return l4[info->l4] | IXGBE_RXD_IPV6 | (info->ip_options ? IXGBE_RXD_IPV6E : 0);
	default:
		return 0;
	}
}

/* Advanced write-back, status and errors of the last descriptor (7.1.6.2). */
static uint32_t advanced_status(const struct frame_cut *cut)
{
	const struct frame *frame = cut->frame;
	uint32_t status = IXGBE_RXD_DD | IXGBE_RXD_EOP;

	if (frame->flags & FRAME_LOOPBACK)
		status |= IXGBE_RXD_LB;
	if (frame->flags & FRAME_VLAN)
		status |= IXGBE_RXD_VP;
	if (cut->status & FRAME_IP_CHECKED)
		status |= IXGBE_RXD_IPCS;
	if (cut->status & FRAME_IP_BAD)
		status |= IXGBE_RXD_IPE;
	if (cut->status & FRAME_L4_CHECKED)
		status |= IXGBE_RXD_L4CS | (cut->frame->info.l4 == FRAME_L4_UDP ? IXGBE_RXD_UDPCS : 0);
	if (cut->status & FRAME_L4_BAD)
		status |= IXGBE_RXD_TCPE;
	return status;
}

/* Legacy write-back, status 7:0 and errors 15:8 of the last descriptor (7.1.5). */
static uint32_t legacy_status(const struct frame_cut *cut)
{
	uint32_t status = IXGBE_RXL_DD | IXGBE_RXL_EOP;

	if (cut->frame->flags & FRAME_VLAN)
		status |= IXGBE_RXL_VP;
	if (cut->status & FRAME_IP_CHECKED)
		status |= IXGBE_RXL_IPCS;
	if (cut->status & FRAME_IP_BAD)
		status |= IXGBE_RXL_IPE;
	if (cut->status & FRAME_L4_CHECKED)
		status |= IXGBE_RXL_L4CS | (cut->frame->info.l4 == FRAME_L4_UDP ? IXGBE_RXL_UDPCS : 0);
	if (cut->status & FRAME_L4_BAD)
		status |= IXGBE_RXL_TCPE;
	return status;
}

static void complete_legacy(struct window *w, const struct frame_cut *cut)
{
	uint32_t vlan = cut->frame->flags & FRAME_VLAN ? cut->frame->vlan : 0;

	for (uint32_t left = cut->len; left; w->next++) {
		struct ixgbe_desc *desc = &w->desc[w->next];
		uint32_t len = MIN(left, w->buffer_len);

		left -= len;
		desc->dword[2] = len;
		desc->dword[3] =
			left ? IXGBE_RXL_DD : legacy_status(cut) | vlan << IXGBE_RXL_VLAN_SHIFT;
	}
}

static void complete_advanced(struct receiver *r, struct window *w, const struct frame_cut *cut,
			      unsigned int i)
{
	uint32_t type = packet_type(&cut->frame->info) | r->rss.type[i];
	uint32_t hash = r->hash_wanted ? r->rss.hash[i] : cut->frame->info.ip_id;
	uint32_t vlan = cut->frame->flags & FRAME_VLAN ? cut->frame->vlan : 0;

	for (uint32_t left = cut->len; left; w->next++) {
		struct ixgbe_desc *desc = &w->desc[w->next];
		uint32_t len = MIN(left, w->buffer_len);

		left -= len;
		desc->dword[0] = type;
		desc->dword[1] = hash;
		desc->dword[2] = left ? IXGBE_RXD_DD : advanced_status(cut);
		desc->dword[3] = len | (left ? 0 : vlan << IXGBE_RXD_VLAN_SHIFT);
	}
}

static void count_delivered(struct receiver *r, struct window *w, const struct frame_cut *cut,
			    uint32_t tag)
{
	static const uint8_t broadcast[ETH_ALEN] = { 0xff, 0xff, 0xff, 0xff, 0xff, 0xff };
	const uint8_t *header = cut->frame->header;

	w->packets++;
	w->bytes += cut->len - tag;
	if (unlikely(cut->status & (FRAME_IP_BAD | FRAME_L4_BAD)))
		r->totals.csum_bad++;
	if (unlikely(header[0] & 1)) {
		if (memcmp(header, broadcast, ETH_ALEN) == 0)
			r->totals.broadcast++;
		else
			r->totals.multicast++;
	}
}

/* Where the current cut goes: checks, descriptors, memory. Return: pieces, 0: dropped and counted. */
static unsigned int place(struct receiver *r, struct window *w, const struct frame_cut *cut,
			  uint32_t tag, uint32_t want, struct piece *piece)
{
	uint32_t descs = 1;
	unsigned int pieces;

	if (unlikely(cut->len - tag > r->max_len)) {
		drop(r, VPORT_DROP_RX_TOO_LONG, 1);
		return 0;
	}
	if (unlikely(cut->len > w->buffer_len))
		descs = (cut->len + w->buffer_len - 1) / w->buffer_len;
	if (unlikely(descs > w->free)) {
		drop(r, VPORT_DROP_RX_NO_DESCRIPTOR, 1);
		w->no_descriptor++;
		return 0;
	}
	if (unlikely(w->bad || descs > FRAME_DESCS_MAX || !reserve(w, descs, want))) {
		w->bad = true;
		drop(r, VPORT_DROP_RX_DMA_FAULT, 1);
		return 0;
	}
	prefetch_buffer(w, w->next + PREFETCH_AHEAD);
	pieces = map_buffers(w, cut->len, piece);
	if (unlikely(!pieces)) {
		w->bad = true; /* the other frames of the burst would meet the same buffer */
		drop(r, VPORT_DROP_RX_DMA_FAULT, 1);
		return 0;
	}
	w->free -= descs;
	return pieces;
}

static void deliver_frame(struct receiver *r, struct window *w, const struct frame *frame,
			  unsigned int i, uint32_t want)
{
	bool insert = !w->strip_vlan && frame->flags & FRAME_VLAN;
	uint32_t tag = insert ? VLAN_TAG_LEN : 0;
	struct piece piece[FRAME_PIECES_MAX];
	struct frame_cut cut;

	frame_cut_init(&cut, frame, insert, !(frame->flags & FRAME_CSUM_GOOD));
	while (frame_cut_next(&cut)) {
		unsigned int pieces = place(r, w, &cut, tag, want, piece);

		if (unlikely(!pieces)) {
			frame_cut_skip(&cut);
			continue;
		}
		for (unsigned int p = 0; p < pieces; p++)
			frame_cut_copy(&cut, piece[p].host, piece[p].len);
		frame_cut_end(&cut);
		if (likely(!w->legacy))
			complete_advanced(r, w, &cut, i);
		else
			complete_legacy(w, &cut);
		count_delivered(r, w, &cut, tag);
	}
}

/* --- one queue ------------------------------------------------------------------------------- */

/* Look at the queue's registers, once per burst. Return: false: it does not receive. */
static bool open_window(struct window *w, struct ixgbe_pf *pf, unsigned int index)
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
	w->strip_vlan = reg_load(&w->block[IXGBE_Q_CTL]) & IXGBE_RXDCTL_VME;
	w->free = ixgbe_ring_posted(ring, reg_load(&w->block[IXGBE_Q_TAIL]));
	w->offset = w->have = w->next = 0;
	w->packets = w->no_descriptor = 0;
	w->bytes = 0;
	w->bad = false;
	return w->buffer_len;
}

static void close_window(struct receiver *r, struct window *w)
{
	struct ixgbe_rxq_state *state = w->q->state;

	write_back(w);
	if (w->offset + w->next)
		ixgbe_ring_advance(&state->ring, w->offset + w->next, &state->generation, w->block);
	if (w->no_descriptor)
		ixgbe_counter_add(&state->drops, w->no_descriptor);
	if (!w->packets)
		return;
	ixgbe_counter_add(&state->packets, w->packets);
	ixgbe_counter_add(&state->bytes, w->bytes);
	r->totals.packets += w->packets;
	r->totals.bytes += w->bytes;
	ixgbe_rx_cause(r->pf, w->q->index, w->packets, r->now);
}

/* Deliver the frames in the bitmap @wanted to queue @index. */
static void deliver(struct receiver *r, unsigned int index, struct frame *const frame[],
		    uint64_t wanted)
{
	struct window w;
	bool receives = open_window(&w, r->pf, index);

	for (; wanted; wanted &= wanted - 1) {
		unsigned int i = (unsigned int)__builtin_ctzll(wanted);

		if (likely(receives))
			deliver_frame(r, &w, frame[i], i,
				      r->n - i + (frame[i]->flags & FRAME_TSO ? WINDOW : 0));
		else
			drop_frame(r, w.closed, frame[i]);
	}
	if (likely(receives))
		close_window(r, &w);
}

/* --- the pool -------------------------------------------------------------------------------- */

static void add_totals(const struct receiver *r)
{
	const struct totals *t = &r->totals;
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

void ixgbe_rx_burst(void *ctx, struct frame *const frame[], unsigned int n, uint64_t now)
{
	struct ixgbe_pool *pool = ctx;
	struct ixgbe_pf *pf = pool->pf;
	unsigned int queues = ixgbe_pool_queues(pf);
	unsigned int first = queues < IXGBE_QUEUES ? pool->index * queues : 0;
	struct receiver r;

	r.pool = pool;
	r.pf = pf;
	r.now = now;
	r.n = n;
	r.max_len = max_frame(pf);
	r.hash_wanted = ixgbe_pf_reg(pf, IXGBE_RXCSUM) & IXGBE_RXCSUM_PCSD;
	memset(&r.totals, 0, sizeof(r.totals));
	if (likely(first < IXGBE_QUEUES && ixgbe_rx_allowed(pf, pool->index))) {
		ixgbe_rss_spread(pf, pool->index, queues, frame, n, &r.rss);
		for (unsigned int i = 0; i < IXGBE_RETA_QUEUES; i++)
			if (r.rss.wanted[i])
				deliver(&r, first + i, frame, r.rss.wanted[i]);
	} else {
		for (unsigned int i = 0; i < n; i++)
			drop_frame(&r, VPORT_DROP_RX_DISABLED, frame[i]);
	}
	add_totals(&r);
}
