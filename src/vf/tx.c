// SPDX-License-Identifier: BSD-3-Clause
/*
 * tx.c - the transmit burst, and taking buffers back.
 *
 * A plain packet is one descriptor: written without a look at the ones around it, while the OR of all lengths and flags
 * is collected; only when that shows something out of the ordinary is the run looked at again, and the frame in question
 * posted by the general path (VLAN, checksums, segmentation, several buffers, more than 16 KiB).
 *
 * The card reports what it has sent in descriptors with RS alone. Those close a block: every @batch descriptors, and the
 * last one of every burst, so that no buffer waits for a later burst to be reported. Blocks are taken back as a whole;
 * one in which each descriptor has a buffer goes to the pool as one copy of pointers. That is done when a burst may run
 * out of descriptors, when the pool runs out of buffers, and in softiov_tx_reclaim().
 *
 * The card holds two contexts per queue (7.2.3.2.3): a frame that asks for what one of them says needs no context
 * descriptor.
 *
 * 82599 data sheet: 7.2.3 (descriptors, ring, write-back), 7.2.4 (segmentation), 7.2.5 (checksums).
 */
#include "util/util.h"
#include "vf/queue.h"
#include "vf/regs.h"

#define OFFLOADS                                                                \
	(SOFTIOV_VLAN | SOFTIOV_IP_CSUM | SOFTIOV_TCP_CSUM | SOFTIOV_UDP_CSUM | \
	 SOFTIOV_SCTP_CSUM | SOFTIOV_TSO)
#define CSUMS (OFFLOADS & ~SOFTIOV_VLAN)
#define DATA (TXD_DTYP_DATA | TXD_DEXT | TXD_IFCS)
#define DESCS_PER_LINE 4u
#define FETCH_MAX 64u
#define LEN_AND_FLAGS 1 /* quadword of struct softiov_packet */
#define FLAGS_SHIFT 32
/* What a plain packet has not: flags, or more bytes than a descriptor takes. */
#define NOT_PLAIN                                             \
	((uint64_t)(OFFLOADS | SOFTIOV_MORE) << FLAGS_SHIFT | \
	 (UINT32_MAX & ~(uint64_t)(TXD_LEN_MAX - 1)))
#define PAYLEN_MAX 0x3ffffull
#define TXD_LEN_MAX 16384u /* of the 16 bits there are: as Linux has it */

_Static_assert(offsetof(struct softiov_packet, len) == 8 &&
		       offsetof(struct softiov_packet, flags) == 12,
	       "length and flags of a packet are read as one quadword");

/* A descriptor goes with one store: there is room for few stores that wait for a line of another processor's. */
typedef uint64_t pair __attribute__((vector_size(16), aligned(8), may_alias));

static inline uint32_t room(const struct vf_tx_ring *ring)
{
	return ring->size - 1 - ring->used;
}

/* --- taking back ------------------------------------------------------------------------------ */

static void give_back(struct softiov_queue *queue, uint32_t at, uint32_t descs, bool each)
{
	struct softiov_pool *pool = queue->pool;
	void **buffer = &queue->tx.buffer[at];

	if (likely(each)) {
		memcpy(&pool->free[pool->top], buffer, descs * sizeof(*buffer));
		pool->top += descs;
		return;
	}
	for (uint32_t i = 0; i < descs; i++)
		if (buffer[i])
			vf_pool_put(pool, buffer[i]);
}

/* The oldest @descs descriptors are the driver's again. */
static void take_back(struct softiov_queue *queue, uint32_t descs, uint32_t packets)
{
	struct vf_tx_ring *ring = &queue->tx;
	uint32_t straight = MIN(descs, ring->size - ring->clean);
	bool each = descs == packets;

	give_back(queue, ring->clean, straight, each);
	if (unlikely(straight < descs))
		give_back(queue, 0, descs - straight, each);
	ring->clean = vf_wrap(ring->clean + descs, ring->size);
	ring->used -= descs;
	ring->packets -= packets;
}

/* Has the card reported the oldest block? */
static inline bool reported(const struct vf_tx_ring *ring)
{
	const struct vf_tx_block *block = &ring->block[ring->first];
	uint32_t last = vf_wrap(ring->clean + block->descs - 1, ring->size);

	return __atomic_load_n(&ring->desc[last].qword[1], __ATOMIC_ACQUIRE) & TXD_DD;
}

bool vf_tx_done(const struct softiov_queue *queue)
{
	return queue->tx.blocks && reported(&queue->tx);
}

void vf_tx_clean(struct softiov_queue *queue)
{
	struct vf_tx_ring *ring = &queue->tx;

	while (ring->blocks && reported(ring)) {
		struct vf_tx_block block = ring->block[ring->first];

		take_back(queue, block.descs, block.packets);
		ring->first = vf_wrap(ring->first + 1, ring->size);
		ring->blocks--;
	}
}

unsigned int softiov_tx_reclaim(struct softiov_queue *queue)
{
	vf_tx_clean(queue);
	return queue->tx.packets;
}

void vf_tx_reset(struct softiov_queue *queue)
{
	struct vf_tx_ring *ring = &queue->tx;

	while (ring->blocks--) {
		struct vf_tx_block block = ring->block[ring->first];

		take_back(queue, block.descs, block.packets);
		ring->first = vf_wrap(ring->first + 1, ring->size);
	}
	ring->blocks = ring->first = 0;
	ring->next = ring->clean = 0;
	ring->short_of_room = false;
	ring->context_next = 0;
	memset(ring->context, 0, sizeof(ring->context));
	memset(ring->desc, 0, ring->size * sizeof(ring->desc[0]));
}

/* --- posting ---------------------------------------------------------------------------------- */

/* The descriptors since the last block become one: the last of them reports. */
static void close_block(struct vf_tx_ring *ring)
{
	uint32_t last = (ring->next ? ring->next : ring->size) - 1;

	ring->desc[last].qword[1] |= TXD_RS;
	ring->block[vf_wrap(ring->first + ring->blocks, ring->size)] = ring->open;
	ring->blocks++;
	ring->open = (struct vf_tx_block){ 0 };
}

static inline void posted(struct vf_tx_ring *ring, uint32_t descs, uint32_t packets)
{
	ring->next = vf_wrap(ring->next + descs, ring->size);
	ring->used += descs;
	ring->packets += packets;
	ring->open.descs += (uint16_t)descs;
	ring->open.packets += (uint16_t)packets;
}

/* Only between frames: RS belongs into a frame's last descriptor. */
static inline void close_batch(struct vf_tx_ring *ring)
{
	if (ring->open.descs >= ring->batch)
		close_block(ring);
}

static void ring_the_card(struct softiov_queue *queue)
{
	struct vf_tx_ring *ring = &queue->tx;

	if (ring->open.descs)
		close_block(ring);
	if (likely(ring->tail))
		atomic_store_explicit(ring->tail, ring->next, memory_order_release);
	else
		vf_post(queue->vf, REG_VFTDT(queue->index), ring->next);
}

/*
 * Post up to @n plain packets in descriptors that follow each other. Return: how many; fewer than @n before one that is
 * not plain. What was written behind them does not count before the tail says so.
 */
static unsigned int post_plain(struct softiov_queue *queue,
			       const struct softiov_packet *restrict packet, unsigned int n)
{
	struct vf_tx_ring *ring = &queue->tx;
	struct vf_desc *restrict desc = &ring->desc[ring->next];
	void **restrict buffer = &ring->buffer[ring->next];
	const struct softiov_pool pool = *queue->pool;
	const pair delta = { queue->delta, 0 }, constant = { 0, DATA | TXD_EOP };
	const pair address = { UINT64_MAX, 0 }, length = { 0, UINT32_MAX };
	pair seen = { 0 }, lengths = { 0 };
	uint64_t bytes;
	unsigned int i;

	for (i = 0; i < n; i++) {
		const pair word = *(const pair *)(const void *)&packet[i];
		const pair len = word & length;

		seen |= word;
		lengths += len;
		*(pair *)&desc[i] =
			((word & address) + delta) | len | len << TXD_PAYLEN_SHIFT | constant;
		buffer[i] = vf_pool_buffer(&pool, packet[i].data);
	}
	bytes = lengths[LEN_AND_FLAGS];
	if (unlikely(seen[LEN_AND_FLAGS] & NOT_PLAIN)) {
		bytes = 0;
		for (i = 0; i < n; i++) {
			const uint64_t *from = (const uint64_t *)(const void *)&packet[i];

			if (from[LEN_AND_FLAGS] & NOT_PLAIN)
				break;
			bytes += packet[i].len;
		}
	}
	queue->stats.tx_packets += i;
	queue->stats.tx_bytes += bytes;
	return i;
}

/* --- any frame -------------------------------------------------------------------------------- */

/**
 * struct request - a frame on its way into the ring.
 * @packets, @descs: without the context; @len: of all
 * @context: what is asked for in terms of a context, @idx: which one, @new: it must be sent first
 */
struct request {
	unsigned int packets, descs, idx;
	uint64_t len;
	bool offload, new;
	struct vf_desc context;
};

static unsigned int descs_of(uint32_t len)
{
	return len ? (len - 1) / TXD_LEN_MAX + 1 : 1;
}

/* Return: false: the frame's last packet is not among the @n. */
static bool measure(struct request *request, const struct softiov_packet *packet, unsigned int n)
{
	for (unsigned int i = 0; i < n; i++) {
		request->packets++;
		request->descs += descs_of(packet[i].len);
		request->len += packet[i].len;
		if (!(packet[i].flags & SOFTIOV_MORE))
			return true;
	}
	return false;
}

static void choose_context(struct vf_tx_ring *ring, struct request *request)
{
	for (unsigned int i = 0; i < VF_CONTEXTS; i++) {
		const struct vf_desc *has = &ring->context[i];

		if (has->qword[0] == request->context.qword[0] &&
		    has->qword[1] == request->context.qword[1]) {
			request->idx = i;
			return;
		}
	}
	request->new = true;
	request->idx = ring->context_next;
}

static void post(struct softiov_queue *queue, uint64_t first, uint64_t second, void *buffer,
		 uint32_t packets)
{
	struct vf_tx_ring *ring = &queue->tx;

	ring->desc[ring->next] = (struct vf_desc){ { first, second } };
	ring->buffer[ring->next] = buffer;
	posted(ring, 1, packets);
}

static void post_context(struct softiov_queue *queue, const struct request *request)
{
	struct vf_tx_ring *ring = &queue->tx;

	ring->context[request->idx] = request->context;
	ring->context_next = (request->idx + 1) % VF_CONTEXTS;
	post(queue, request->context.qword[0],
	     request->context.qword[1] | (uint64_t)request->idx << TXD_IDX_SHIFT, NULL, 0);
}

/* What every descriptor of the frame says in its second quadword, but for length and EOP. */
static uint64_t command(const struct softiov_packet *packet, const struct request *request)
{
	uint64_t word = DATA, payload = request->len;

	if (request->offload)
		word |= TXD_CC | (uint64_t)request->idx << TXD_IDX_SHIFT;
	if (packet->flags & SOFTIOV_VLAN)
		word |= TXD_VLE;
	if (packet->flags & (CSUMS & ~SOFTIOV_IP_CSUM))
		word |= TXD_TXSM;
	if (packet->flags & (SOFTIOV_IP_CSUM | SOFTIOV_TSO) && !(packet->flags & SOFTIOV_IPV6))
		word |= TXD_IXSM;
	if (packet->flags & SOFTIOV_TSO) {
		word |= TXD_TSE;
		payload -= MIN(payload, (uint64_t)packet->l2_len + packet->l3_len + packet->l4_len);
	}
	return word | (payload & PAYLEN_MAX) << TXD_PAYLEN_SHIFT;
}

static void post_piece(struct softiov_queue *queue, const struct softiov_packet *packet,
		       uint64_t word, bool last)
{
	uint64_t address = vf_pool_iova(queue->pool, packet->data);
	uint32_t left = packet->len;

	for (; left > TXD_LEN_MAX; left -= TXD_LEN_MAX, address += TXD_LEN_MAX)
		post(queue, address, word | TXD_LEN_MAX, NULL, 0);
	post(queue, address, word | left | (last ? TXD_EOP : 0),
	     vf_pool_buffer(queue->pool, packet->data), 1);
}

/* A frame that no ring of this size can hold: nobody waits for it in vain. */
static void drop(struct softiov_queue *queue, const struct softiov_packet *packet, unsigned int n)
{
	for (unsigned int i = 0; i < n; i++)
		softiov_pool_put(queue->pool, packet[i].data);
}

/* Post the frame that begins @packet. Return: packets, 0: there is no room for it, or it is not all here. */
static unsigned int post_any(struct softiov_queue *queue, const struct softiov_packet *packet,
			     unsigned int n)
{
	struct request request = { .offload = packet->flags & OFFLOADS };
	uint64_t word;

	if (!measure(&request, packet, n))
		return 0;
	if (request.offload) {
		request.context = vf_tx_offload_context(packet);
		choose_context(&queue->tx, &request);
	}
	if (unlikely(request.descs + request.new >= queue->tx.size)) {
		drop(queue, packet, request.packets);
		queue->stats.tx_errors++;
		return request.packets;
	}
	if (request.descs + request.new > room(&queue->tx))
		return 0;
	if (packet->flags & CSUMS)
		vf_tx_offload_prepare(packet);
	if (request.new)
		post_context(queue, &request);
	word = command(packet, &request);
	for (unsigned int i = 0; i < request.packets; i++)
		post_piece(queue, &packet[i], word, i + 1 == request.packets);
	queue->stats.tx_packets++;
	queue->stats.tx_bytes += request.len;
	return request.packets;
}

/* --- the burst -------------------------------------------------------------------------------- */

static unsigned int post_all(struct softiov_queue *queue, const struct softiov_packet *packet,
			     unsigned int n)
{
	struct vf_tx_ring *ring = &queue->tx;
	unsigned int taken = 0, some, max;

	while (taken < n) {
		max = MIN(MIN(n - taken, room(ring)), ring->size - ring->next);
		max = MIN(max, ring->batch - ring->open.descs);
		some = post_plain(queue, &packet[taken], max);
		if (likely(some))
			posted(ring, some, some);
		else
			some = post_any(queue, &packet[taken], n - taken);
		if (unlikely(!some))
			break;
		taken += some;
		close_batch(ring);
	}
	return taken;
}

/* All lines that will be written at once, so that the waits for them overlap. */
static inline void fetch_descs(const struct vf_tx_ring *ring, unsigned int n)
{
	const struct vf_desc *desc = &ring->desc[ring->next];

	n = MIN(MIN(n, ring->size - ring->next), FETCH_MAX);
	for (unsigned int i = 0; i < n; i += DESCS_PER_LINE)
		vf_prefetch_write(&desc[i]);
}

unsigned int softiov_tx_burst(struct softiov_queue *queue, const struct softiov_packet *packet,
			      unsigned int n)
{
	struct vf_tx_ring *ring = &queue->tx;
	unsigned int taken;

	fetch_descs(ring, n);
	if (room(ring) < ring->size / 2 || room(ring) < n)
		vf_tx_clean(queue);
	taken = post_all(queue, packet, n);
	if (likely(taken))
		ring_the_card(queue);
	ring->short_of_room = taken < n;
	if (unlikely(ring->short_of_room)) {
		queue->stats.tx_full++;
		if (queue->napi)
			vf_napi_full(queue);
	}
	return taken;
}
