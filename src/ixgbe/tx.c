/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * tx.c - from transmit descriptors to frames.
 *
 * A burst goes in two passes over at most IXGBE_TX_BURST_DESCS descriptors, copied out once:
 *
 *  1. Decode: contexts are remembered, each frame's descriptors are checked, its buffers translated
 *     and its first bytes prefetched. Nothing of the frame itself is read, so the misses of all
 *     frames overlap.
 *  2. Finish (tx_finish.c): the header bytes are copied and found to be good.
 *
 * A frame that makes no sense is dropped and counted, its descriptors are consumed like any others:
 * the driver sees them completed and the queue goes on. A frame without its last descriptor waits;
 * one with more than FRAME_MAX_SEGMENTS descriptors is skipped up to its EOP.
 *
 * Completion (ixgbe_tx_complete) comes when every receiver has its copy: DD in the descriptors that
 * asked for it (RS), then the head, then one interrupt cause.
 *
 * 82599 data sheet: 7.2.3 (descriptors), 7.2.3.5 (write-back).
 */
#include "ixgbe/tx.h"

#define L4_HEADER_MIN 20u /* copied behind MACLEN + IPLEN when L4LEN is not given */
#define CACHE_LINE 64u
#define QUEUES_AHEAD 4u

/* Every descriptor begins a segment, every page boundary may, and a frame that does not fit is left. */
_Static_assert(2 * IXGBE_TX_BURST_DESCS + IXGBE_TX_BURST_BYTES / PAGE_SIZE_4K +
			       FRAME_MAX_SEGMENTS <=
		       BURST_SEGMENTS,
	       "a burst never runs out of segments");

/* --- descriptors ---------------------------------------------------------------------------- */

static uint64_t buffer_address(const struct ixgbe_desc *desc)
{
	return get_le64(&desc->dword[0]);
}

static void consume(struct tx_decoder *d, unsigned int n)
{
	for (unsigned int i = 0; i < n; i++, d->next++)
		if (d->desc[d->next].dword[2] & IXGBE_TXD_RS)
			d->q->report[d->q->reports++] = (uint8_t)d->next;
}

/* Descriptors of the frame that begins at @next, with its EOP; 0: the EOP is not among the fetched. */
static unsigned int frame_descs(const struct tx_decoder *d)
{
	for (unsigned int i = d->next; i < d->n; i++)
		if (d->desc[i].dword[2] & IXGBE_TXD_EOP && ixgbe_txd_data(&d->desc[i]))
			return i - d->next + 1;
	return 0;
}

/* --- first pass ------------------------------------------------------------------------------ */

/* Add the host memory of [@address, @address + @len) to the frame's segments. */
static enum tx_outcome add_buffer(struct tx_decoder *d, struct frame *frame, uint64_t address,
				  uint32_t len)
{
	struct ixgbe_fetcher *fetcher = &d->q->fetcher;
	struct iommu_domain *domain = fetcher->domain;
	struct frame_segment *segment = &d->burst->segment[d->burst->segments];
	bool split = false;
	uint8_t *host;

	if (frame->segments >= FRAME_MAX_SEGMENTS)
		return FRAME_BAD;
	host = iommu_translate(domain, &fetcher->buffer_tlb, address, len, IOMMU_READ, &split);
	if (likely(host)) {
		segment[frame->segments++] = (struct frame_segment){ .base = host, .len = len };
		return FRAME_OK;
	}
	if (!split)
		return FRAME_FAULT;
	for (uint32_t run; len; len -= run, address += run) {
		if (frame->segments >= FRAME_MAX_SEGMENTS)
			return FRAME_BAD;
		host = iommu_run(domain, &fetcher->buffer_tlb, address, len, IOMMU_READ, &run);
		if (!host)
			return FRAME_FAULT;
		segment[frame->segments++] = (struct frame_segment){ .base = host, .len = run };
	}
	return FRAME_OK;
}

static enum tx_outcome add_buffers(struct tx_decoder *d, struct frame *frame, unsigned int n)
{
	const struct ixgbe_desc *desc = &d->desc[d->next];
	bool advanced = ixgbe_txd_advanced(desc);

	for (unsigned int i = 0; i < n; i++, desc++) {
		uint32_t len = IXGBE_TXD_LEN(desc->dword[2]);
		enum tx_outcome outcome;

		if (unlikely(!ixgbe_txd_data(desc) || ixgbe_txd_advanced(desc) != advanced))
			return FRAME_BAD;
		if (unlikely(!len))
			continue;
		outcome = add_buffer(d, frame, buffer_address(desc), len);
		if (unlikely(outcome != FRAME_OK))
			return outcome;
		frame->len += len;
	}
	return FRAME_OK;
}

static uint16_t header_bytes(const struct frame *frame)
{
	uint32_t want = TX_HEADER_COPY;

	if (unlikely(frame->flags & (FRAME_TSO | FRAME_IP_CSUM | FRAME_L4_CSUM)))
		want = MAX(want, (uint32_t)frame->l2_len + frame->l3_len +
					 MAX(frame->l4_len, (uint16_t)L4_HEADER_MIN));
	want = MIN(want, (uint32_t)FRAME_HEADER_MAX);
	return (uint16_t)MIN(want, frame->len);
}

/* The frame of @n descriptors at @next becomes the burst's next frame, but for its header. */
static enum tx_outcome decode_frame(struct tx_decoder *d, unsigned int n)
{
	struct frame *frame = &d->burst->frame[d->burst->n];
	const struct ixgbe_desc *first = &d->desc[d->next];
	enum tx_outcome outcome;

	frame->segment = &d->burst->segment[d->burst->segments];
	frame->segments = 0;
	frame->flags = d->flags;
	frame->len = 0;
	outcome = add_buffers(d, frame, n);
	if (unlikely(outcome != FRAME_OK))
		return outcome;
	if (unlikely(!frame->segments || !ixgbe_tx_request(d->q->state, first, frame)))
		return FRAME_BAD;
	d->header_want[d->burst->n] = header_bytes(frame);
	__builtin_prefetch(frame->segment->base);
	if (frame->segment->len > CACHE_LINE)
		__builtin_prefetch(frame->segment->base + CACHE_LINE);
	d->burst->segments += frame->segments;
	d->burst->n++;
	d->bytes += frame->len;
	return FRAME_OK;
}

/* Upper half of a descriptor that is a whole frame and asks for nothing, and what it must not have. */
#define PLAIN (IXGBE_TXD_DEXT | IXGBE_TXD_DTYP_DATA << IXGBE_TXD_DTYP_SHIFT | IXGBE_TXD_EOP)
#define PLAIN_MASK (PLAIN | IXGBE_TXD_DTYP_MASK | IXGBE_TXD_TSE | IXGBE_TXD_VLE)
#define PLAIN_OPTIONS ((uint64_t)(IXGBE_TXD_IXSM | IXGBE_TXD_TXSM | IXGBE_TXD_IPSEC) << 32)

static inline bool is_plain(uint64_t upper)
{
	return (upper & (PLAIN_MASK | PLAIN_OPTIONS)) == PLAIN &&
	       IXGBE_TXD_PAYLEN(upper >> 32) == IXGBE_TXD_LEN(upper);
}

/*
 * Consume descriptors as long as each is a plain frame whose buffer the cached translation covers:
 * the common case of decode_next(), in one piece. Mostly one asks for the same as the one before.
 */
static void decode_plain(struct tx_decoder *d)
{
	const struct ixgbe_dma_view view = ixgbe_dma_view(&d->q->fetcher, IOMMU_READ);
	unsigned int max = MIN(d->n - d->next, FRAME_BURST - d->burst->n), n;
	const struct ixgbe_desc *desc = &d->desc[d->next];
	const uint8_t **host = &d->host[d->burst->n];
	uint32_t *lens = &d->len[d->burst->n], len = 0;
	uint64_t before = 0, last_offset = 0;

	if (unlikely(d->q->state->skipping))
		return;
	for (n = 0; n < max; n++) {
		uint64_t upper = get_le64(&desc[n].dword[2]);
		uint64_t offset = buffer_address(&desc[n]) - view.iova;
		const uint8_t *at = view.host + offset;

		if ((upper & ~(uint64_t)IXGBE_TXD_RS) != before) {
			len = IXGBE_TXD_LEN((uint32_t)upper);
			if (unlikely(!is_plain(upper) || !len || len > view.size))
				break;
			before = upper & ~(uint64_t)IXGBE_TXD_RS;
			last_offset = view.size - len;
		}
		if (unlikely(offset > last_offset))
			break;
		host[n] = at;
		lens[n] = len;
		__builtin_prefetch(at);
		if (len > CACHE_LINE)
			__builtin_prefetch(at + CACHE_LINE);
		if (upper & IXGBE_TXD_RS)
			d->q->report[d->q->reports++] = (uint8_t)(d->next + n);
	}
	if (n)
		d->plain |= UINT64_MAX >> (FRAME_BURST - n) << d->burst->n;
	d->next += n;
	d->burst->n += n;
}

/* Go to the EOP of a frame that is too long. */
static void skip_frame(struct tx_decoder *d)
{
	unsigned int n = frame_descs(d);

	d->q->state->skipping = !n;
	consume(d, n ? n : d->n - d->next);
}

static void drop_frame(struct tx_decoder *d, unsigned int n)
{
	tx_drop(d, FRAME_BAD);
	if (n)
		consume(d, n);
	else
		skip_frame(d);
}

/* Consume what comes next: a context, a frame, or garbage. Return: false: it is not there yet. */
static bool decode_next(struct tx_decoder *d)
{
	const struct ixgbe_desc *desc = &d->desc[d->next];
	enum tx_outcome outcome;
	unsigned int n;

	if (unlikely(d->q->state->skipping)) {
		skip_frame(d);
		return true;
	}
	if (ixgbe_txd_context(desc)) {
		ixgbe_tx_context(d->q->state, desc);
		consume(d, 1);
		return true;
	}
	if (unlikely(!ixgbe_txd_data(desc))) {
		drop_frame(d, 1);
		return true;
	}
	n = frame_descs(d);
	if (unlikely(!n && d->n - d->next <= FRAME_MAX_SEGMENTS))
		return false;
	if (unlikely(!n || n > FRAME_MAX_SEGMENTS)) {
		drop_frame(d, n);
		return true;
	}
	outcome = decode_frame(d, n);
	if (unlikely(outcome != FRAME_OK))
		tx_drop(d, outcome);
	consume(d, n);
	return true;
}

static bool has_room(const struct tx_decoder *d)
{
	const struct frame_burst *burst = d->burst;

	return burst->n < FRAME_BURST && burst->segments + FRAME_MAX_SEGMENTS <= BURST_SEGMENTS &&
	       d->bytes < d->bytes_max;
}

/* --- the queue ------------------------------------------------------------------------------- */

/* Descriptors worth looking at, and the register block in *@block. */
static uint32_t posted(struct ixgbe_txq *q, ixgbe_reg **block)
{
	const struct ixgbe_home *home = ixgbe_home(q->pf, q->index);
	struct ixgbe_txq_state *state = q->state;
	uint32_t seen = state->ring.seen, tail;

	*block = atomic_load_explicit(&home->tx, memory_order_acquire);
	if (!ixgbe_tx_started(q->pf, q->index) ||
	    !ixgbe_ring_ready(&state->ring, &q->fetcher, &state->generation, home, *block))
		return 0;
	if (unlikely(state->ring.seen != seen)) {
		memset(state->context, 0, sizeof(state->context));
		state->skipping = false;
	}
	/* Only now: a tail older than the head would bring back what the ring held before a reset. */
	tail = reg_load(&(*block)[IXGBE_Q_TAIL]);
	if (q->fetcher.waiting && q->fetcher.waiting_tail == tail)
		return 0;
	return ixgbe_ring_posted(&state->ring, tail);
}

static void set_waiting(struct ixgbe_txq *q, bool waiting, uint32_t tail)
{
	q->fetcher.waiting = waiting;
	q->fetcher.waiting_tail = (uint16_t)tail;
}

static uint16_t frame_flags(const struct ixgbe_pf *pf)
{
	bool pad = ixgbe_pf_reg(pf, IXGBE_HLREG0) & IXGBE_HLREG0_TXPADEN;

	return FRAME_LOOPBACK | (pad ? FRAME_PAD : 0);
}

/* An idle worker looks at hundreds of queues in a row: have what it reads of a later one at hand. */
static void prefetch_ahead(const struct ixgbe_txq *q)
{
	unsigned int ahead = q->index + QUEUES_AHEAD;

	if (ahead >= IXGBE_QUEUES)
		return;
	__builtin_prefetch(ixgbe_tx_regs(q->pf, ahead));
	__builtin_prefetch(q->pf->txq[ahead].state);
}

unsigned int ixgbe_tx_burst(void *queue, struct frame_burst *burst, uint64_t now)
{
	struct ixgbe_txq *q = queue;
	struct tx_decoder d;
	ixgbe_reg *block;
	uint32_t n = posted(q, &block), count;
	bool limited;

	if (likely(!n)) {
		prefetch_ahead(q);
		return 0;
	}
	if (!(ixgbe_pf_reg(q->pf, IXGBE_DMATXCTL) & IXGBE_DMATXCTL_TE))
		return 0;
	limited = reg_load(&q->pf->state->rate[q->index]) & IXGBE_RTTBCNRC_ENABLE;
	d.bytes_max = IXGBE_TX_BURST_BYTES;
	if (unlikely(limited)) {
		d.bytes_max = ixgbe_rate_open(q, now, &burst->due_ns);
		if (!d.bytes_max)
			return 0;
	}
	count = q->state->ring.len / IXGBE_DESC_SIZE;
	d.q = q;
	d.burst = burst;
	d.stats = &q->pf->stats[q->fetcher.home->pool];
	d.flags = frame_flags(q->pf);
	d.next = 0;
	d.bytes = 0;
	d.plain = 0;
	d.n = ixgbe_ring_fetch(&q->state->ring, &q->fetcher, 0, MIN(n, IXGBE_TX_BURST_DESCS),
			       d.desc, NULL);
	q->reports = 0;
	do {
		if (likely(!limited))
			decode_plain(&d);
	} while (d.next < d.n && has_room(&d) && decode_next(&d));
	set_waiting(q, !d.next && d.n == n, (q->state->ring.head + n) % count);
	q->taken = (uint16_t)d.next;
	q->left = n - d.next;
	ixgbe_tx_finish(&d);
	if (unlikely(limited))
		ixgbe_rate_charge(q, burst, q->left && !q->fetcher.waiting);
	if (unlikely(!burst->n && q->taken))
		ixgbe_tx_complete(q, burst, now); /* nobody else will */
	return burst->n;
}

/* DD is the last thing the driver gets to see of a frame: after it the buffers are its own again. */
static unsigned int write_back(struct ixgbe_txq *q)
{
	unsigned int written = 0;

	for (; written < q->reports; written++) {
		uint8_t *slot = ixgbe_ring_slot(&q->state->ring, &q->fetcher, q->report[written]);

		if (unlikely(!slot))
			break;
		__atomic_store_n((uint32_t *)(void *)slot + 3, IXGBE_TXD_DD, __ATOMIC_RELEASE);
	}
	return written;
}

static void count_burst(const struct ixgbe_txq *q, const struct frame_burst *burst)
{
	struct ixgbe_pool_state *pool = q->pf->pool[q->fetcher.home->pool].state;

	ixgbe_counter_add(&q->state->packets, burst->packets);
	ixgbe_counter_add(&q->state->bytes, burst->bytes);
	ixgbe_counter_add(&pool->gptc, burst->packets);
	ixgbe_counter_add(&pool->gotc, burst->bytes);
}

void ixgbe_tx_complete(void *queue, struct frame_burst *burst, uint64_t now)
{
	struct ixgbe_txq *q = queue;
	unsigned int written = write_back(q);

	ixgbe_ring_advance(&q->state->ring, q->taken, &q->state->generation,
			   ixgbe_tx_regs(q->pf, q->index));
	ixgbe_ring_prefetch(&q->state->ring, &q->fetcher, 0, MIN(q->left, IXGBE_TX_BURST_DESCS),
			    false);
	if (burst->packets)
		count_burst(q, burst);
	q->taken = 0;
	if (written)
		ixgbe_tx_cause(q->pf, q->index, written, now);
}
