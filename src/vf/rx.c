// SPDX-License-Identifier: BSD-3-Clause
/*
 * rx.c - the receive burst.
 *
 * A descriptor that the card has filled is read and given its next buffer in one go, so its cache line comes over from
 * the card's processor once. The buffers are taken from the top of the pool's stack without a look at each: their
 * number is known to suffice before a run begins. What the common frame does not have - a second descriptor, an error of
 * the MAC, more bytes than a buffer - is found by looking at four descriptors' status together, and handled one frame at a
 * time.
 *
 * The card is not trusted: what it writes may make no sense and may change. A status is read once; a length beyond the
 * buffer, or a frame that does not end, costs that frame.
 *
 * The ring is one of @size descriptors of which the card is told of all but one (7.1.9). When the pool is empty, the
 * descriptors behind the last ready one hold old write-backs: they are never looked at.
 *
 * The order of reads: DD is in the second quadword, and the card writes it last; the first may be read after it only.
 *
 * 82599 data sheet: 7.1.6 (descriptors), 7.1.9 (ring), 7.1.11 (checksums), 7.4.2 (VLAN).
 */
#include "util/util.h"
#include "vf/queue.h"
#include "vf/regs.h"

#define GROUP 4u
#define DESCS_PER_LINE 4u
#define LINES_AHEAD 2u
#define L4CS_BIT 5  /* and IPCS above it */
#define TCPE_BIT 30 /* and IPE above it */
#define VP_BIT 3
#define RXE BIT64(29) /* error of the MAC: seen only where the PF lets such frames in */
#define LENGTH (RXD_LENGTH_MASK << RXD_LENGTH_SHIFT)
#define VLAN (0xffffull << RXD_VLAN_SHIFT)

_Static_assert(RXD_L4CS == BIT64(L4CS_BIT) && RXD_IPCS == BIT64(L4CS_BIT + 1) &&
		       RXD_TCPE == BIT64(TCPE_BIT) && RXD_IPE == BIT64(TCPE_BIT + 1) &&
		       RXD_VP == BIT64(VP_BIT),
	       "what the card found is looked up by these bits");

/** struct totals - of one burst. */
struct totals {
	uint64_t packets, bytes;
};

static inline uint64_t load_status(const struct vf_desc *desc)
{
	return __atomic_load_n(&desc->qword[1], __ATOMIC_ACQUIRE);
}

bool vf_rx_pending(const struct softiov_queue *queue)
{
	const struct vf_rx_ring *ring = &queue->rx;

	return ring->ready && load_status(&ring->desc[ring->next]) & RXD_DD;
}

bool vf_rx_dry(const struct softiov_queue *queue)
{
	return queue->rx.ready - queue->rx.untold <= 1 && !vf_rx_pending(queue);
}

/* --- giving descriptors to the card ----------------------------------------------------------- */

static void tell(struct softiov_queue *queue)
{
	struct vf_rx_ring *ring = &queue->rx;
	uint32_t last = vf_wrap(ring->next + ring->ready - 1, ring->size);

	ring->untold = 0;
	if (likely(ring->tail))
		atomic_store_explicit(ring->tail, last, memory_order_release);
	else
		vf_post(queue->vf, REG_VFRDT(queue->index), last);
}

/* Enough for a write, or the card has few. */
static inline bool worth_telling(const struct vf_rx_ring *ring)
{
	return ring->untold >= ring->batch ||
	       (ring->untold && ring->ready - ring->untold < ring->batch);
}

static inline void arm(struct vf_desc *desc, uint64_t address)
{
	desc->qword[0] = address;
	desc->qword[1] = 0;
}

/* The descriptors that have no buffer get one, as far as the pool goes. */
static void refill(struct softiov_queue *queue)
{
	struct vf_rx_ring *ring = &queue->rx;
	struct softiov_pool *pool = queue->pool;
	uint32_t missing = ring->size - ring->ready;

	if (unlikely(pool->top < missing))
		vf_tx_clean(queue);
	if (unlikely(!pool->top))
		queue->stats.rx_no_buffer++;
	missing = MIN(missing, pool->top);
	for (uint32_t at = vf_wrap(ring->next + ring->ready, ring->size); missing; missing--) {
		void *buffer = pool->free[--pool->top];

		ring->buffer[at] = buffer;
		arm(&ring->desc[at], (uint64_t)buffer + queue->delta);
		at = vf_wrap(at + 1, ring->size);
		ring->ready++;
		ring->untold++;
	}
}

void vf_rx_fill(struct softiov_queue *queue)
{
	if (queue->rx.ready < queue->rx.size)
		refill(queue);
	if (queue->rx.untold)
		tell(queue);
}

void vf_rx_reset(struct softiov_queue *queue)
{
	struct vf_rx_ring *ring = &queue->rx;

	for (; ring->ready; ring->ready--) {
		vf_pool_put(queue->pool, ring->buffer[ring->next]);
		ring->next = vf_wrap(ring->next + 1, ring->size);
	}
	ring->next = ring->untold = 0;
	ring->hide_vlan = queue->vf->info.port_vlan;
	ring->room = MIN(queue->pool->size, VF_RX_BUFFER_MAX);
	ring->uncommon = RXE | (LENGTH & ~((uint64_t)(ring->room - 1) << RXD_LENGTH_SHIFT));
	memset(ring->desc, 0, ring->size * sizeof(ring->desc[0]));
}

/* --- what the card found ---------------------------------------------------------------------- */

/* By IPCS and L4CS as bits 1 and 0, IPE and TCPE as bits 3 and 2. */
static const uint16_t verdict[16] = {
#define L4(index, ip)                                                                 \
	[index] = (ip), [(index) | 1] = (ip) | SOFTIOV_L4_GOOD, [(index) | 4] = (ip), \
	[(index) | 5] = (ip) | SOFTIOV_L4_BAD
	L4(0, 0),
	L4(2, SOFTIOV_IP_GOOD),
	L4(8, 0),
	L4(10, SOFTIOV_IP_BAD),
#undef L4
};

static inline uint32_t found(uint64_t type, uint64_t status)
{
	uint32_t checked = (uint32_t)status >> L4CS_BIT & 3;
	uint32_t wrong = (uint32_t)status >> TCPE_BIT;
	uint32_t vlan = (uint32_t)status >> VP_BIT & 1;
	uint32_t hash = (type & RXD_RSS_TYPE) != 0;

	return verdict[wrong << 2 | checked] | vlan * SOFTIOV_VLAN | hash * SOFTIOV_HASH;
}

_Static_assert(sizeof(struct softiov_packet) == 4 * sizeof(uint64_t) &&
		       offsetof(struct softiov_packet, len) == 8 &&
		       offsetof(struct softiov_packet, flags) == 12 &&
		       offsetof(struct softiov_packet, vlan) == 14 &&
		       offsetof(struct softiov_packet, hash) == 16,
	       "a packet is written as four quadwords");

/* The packet that a write-back describes. */
static inline void describe(struct softiov_packet *packet, void *data, uint64_t type,
			    uint64_t status, uint32_t flags)
{
	uint64_t *to = (uint64_t *)(void *)packet;
	uint64_t len = status >> RXD_LENGTH_SHIFT & RXD_LENGTH_MASK;

	to[0] = (uint64_t)data;
	to[1] = len | (uint64_t)flags << 32 | (status & VLAN);
	to[2] = type >> RXD_HASH_SHIFT;
	to[3] = 0;
}

/* --- the common frame ------------------------------------------------------------------------- */

/*
 * Take frame @i of a run and put @buffer in its place. @status was read before.
 */
static inline uint64_t take(struct vf_desc *restrict desc, void **restrict buffers, void *buffer,
			    uint64_t delta, uint64_t status, struct softiov_packet *restrict packet)
{
	uint64_t type = desc->qword[0];

	describe(packet, *buffers, type, status, found(type, status));
	*buffers = buffer;
	arm(desc, (uint64_t)buffer + delta);
	return status >> RXD_LENGTH_SHIFT & RXD_LENGTH_MASK;
}

/* Of up to @n frames in descriptors that follow each other: how many are there and common? They are taken. */
static unsigned int run(struct softiov_queue *queue, struct softiov_packet *restrict packet,
			unsigned int n, struct totals *totals)
{
	struct vf_rx_ring *ring = &queue->rx;
	struct vf_desc *restrict desc = &ring->desc[ring->next];
	void **restrict buffers = &ring->buffer[ring->next];
	void **restrict top = &queue->pool->free[queue->pool->top];
	const uint64_t delta = queue->delta, uncommon = ring->uncommon;
	uint64_t bytes = 0;
	unsigned int i = 0;

	for (; i + GROUP <= n; i += GROUP) {
		uint64_t s0 = load_status(&desc[i]), s1 = load_status(&desc[i + 1]);
		uint64_t s2 = load_status(&desc[i + 2]), s3 = load_status(&desc[i + 3]);

		if (((s0 & s1 & s2 & s3) & (RXD_DD | RXD_EOP)) != (RXD_DD | RXD_EOP) ||
		    (s0 | s1 | s2 | s3) & uncommon)
			break;
		vf_prefetch_write(&desc[i + LINES_AHEAD * DESCS_PER_LINE]);
		bytes += take(&desc[i], &buffers[i], *--top, delta, s0, &packet[i]);
		bytes += take(&desc[i + 1], &buffers[i + 1], *--top, delta, s1, &packet[i + 1]);
		bytes += take(&desc[i + 2], &buffers[i + 2], *--top, delta, s2, &packet[i + 2]);
		bytes += take(&desc[i + 3], &buffers[i + 3], *--top, delta, s3, &packet[i + 3]);
	}
	for (; i < n; i++) {
		uint64_t status = load_status(&desc[i]);

		if ((status & (RXD_DD | RXD_EOP | uncommon)) != (RXD_DD | RXD_EOP))
			break;
		bytes += take(&desc[i], &buffers[i], *--top, delta, status, &packet[i]);
	}
	queue->pool->top -= i;
	ring->next = vf_wrap(ring->next + i, ring->size);
	ring->untold += i;
	totals->packets += i;
	totals->bytes += bytes;
	return i;
}

/* --- any frame -------------------------------------------------------------------------------- */

/**
 * struct chain - the descriptors of a frame.
 * @descs: 0: it is not all there
 * @bad: it is none: an error of the MAC, a piece longer than a buffer, no end where the longest frame has one
 */
struct chain {
	unsigned int descs;
	bool bad;
	uint64_t status[SOFTIOV_PIECES_MAX];
};

static void follow(const struct vf_rx_ring *ring, struct chain *chain)
{
	uint32_t at = ring->next, max = MIN(ring->size - 1, SOFTIOV_PIECES_MAX + 0u);

	chain->descs = 0;
	chain->bad = false;
	for (unsigned int n = 0; n < MIN(max, ring->ready); n++) {
		uint64_t status = load_status(&ring->desc[at]);

		if (!(status & RXD_DD))
			return;
		chain->status[n] = status;
		chain->bad |= (status >> RXD_LENGTH_SHIFT & RXD_LENGTH_MASK) > ring->room;
		if (status & RXD_EOP || n + 1 == max) {
			chain->bad |= !(status & RXD_EOP) || status & RXE;
			chain->descs = n + 1;
			return;
		}
		at = vf_wrap(at + 1, ring->size);
	}
}

static void *leave(struct vf_rx_ring *ring)
{
	void *buffer = ring->buffer[ring->next];

	ring->next = vf_wrap(ring->next + 1, ring->size);
	ring->ready--;
	return buffer;
}

/*
 * Take the next frame, whatever it is, into at most @n packets; no refill. What was found is in the last descriptor
 * and belongs into the first packet.
 * Return: packets, 0: it does not fit or is not there. *@skipped: it was there and in error.
 */
static unsigned int take_any(struct softiov_queue *queue, struct softiov_packet *packet,
			     unsigned int n, struct totals *totals, bool *skipped)
{
	struct vf_rx_ring *ring = &queue->rx;
	struct chain chain;
	uint64_t type, last;

	follow(ring, &chain);
	*skipped = chain.descs && chain.bad;
	if (*skipped) {
		for (unsigned int i = 0; i < chain.descs; i++)
			vf_pool_put(queue->pool, leave(ring));
		queue->stats.rx_errors++;
		return 0;
	}
	if (!chain.descs || chain.descs > n)
		return 0;
	last = chain.status[chain.descs - 1];
	type = ring->desc[vf_wrap(ring->next + chain.descs - 1, ring->size)].qword[0];
	for (unsigned int i = 0; i < chain.descs; i++) {
		uint64_t len = chain.status[i] & LENGTH;
		uint32_t flags = i + 1 < chain.descs ? SOFTIOV_MORE : 0;

		if (i)
			describe(&packet[i], leave(ring), 0, len, flags);
		else
			describe(packet, leave(ring), type, len | (last & VLAN),
				 flags | found(type, last));
		totals->bytes += packet[i].len;
	}
	totals->packets++;
	return chain.descs;
}

static unsigned int take_many(struct softiov_queue *queue, struct softiov_packet *packet,
			      unsigned int n, struct totals *totals)
{
	unsigned int taken = 0, some;
	bool skipped;

	do {
		some = take_any(queue, &packet[taken], n - taken, totals, &skipped);
		taken += some;
	} while ((some || skipped) && taken < n);
	return taken;
}

/*
 * The tag of a port VLAN is not the VF's to see. The card only moves it out of the data, as any tag (7.4.2); Linux ixgbevf
 * looks away, too.
 */
static void forget_vlan(struct softiov_packet *packet, unsigned int n)
{
	for (unsigned int i = 0; i < n; i++) {
		packet[i].flags &= (uint16_t)~SOFTIOV_VLAN;
		packet[i].vlan = 0;
	}
}

/* --- the burst -------------------------------------------------------------------------------- */

unsigned int softiov_rx_burst(struct softiov_queue *queue, struct softiov_packet *packet,
			      unsigned int n)
{
	struct vf_rx_ring *ring = &queue->rx;
	struct totals totals = { 0 };
	unsigned int taken = 0;

	if (likely(ring->ready == ring->size)) {
		unsigned int some, max;

		do {
			max = MIN(MIN(n - taken, ring->size - ring->next), queue->pool->top);
			some = run(queue, &packet[taken], max, &totals);
			taken += some;
		} while (some && some == max && taken < n);
	}
	if (unlikely(taken < n && vf_rx_pending(queue)))
		taken += take_many(queue, &packet[taken], n - taken, &totals);
	if (unlikely(ring->hide_vlan))
		forget_vlan(packet, taken);
	if (unlikely(ring->ready < ring->size))
		refill(queue);
	if (worth_telling(ring))
		tell(queue);
	queue->stats.rx_packets += totals.packets;
	queue->stats.rx_bytes += totals.bytes;
	return taken;
}
