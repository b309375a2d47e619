/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * tx.c - from transmit descriptors to frames.
 *
 * A burst goes in two passes over at most IXGBE_TX_BURST_DESCS descriptors, copied out once:
 *
 *  1. Decode: contexts are remembered, each frame's descriptors are checked, its buffers translated
 *     and its first bytes prefetched. Nothing of the frame itself is read, so the misses of all
 *     frames overlap.
 *  2. Finish: the header bytes are copied (the only copy decisions are made from) and
 *     frame_finish() checks the offload request against them.
 *
 * A frame that makes no sense is dropped and counted, its descriptors are consumed like any others:
 * the driver sees them completed and the queue goes on. A frame without its last descriptor waits;
 * one with more than FRAME_MAX_SEGMENTS descriptors is skipped up to its EOP.
 *
 * Completion (ixgbe_tx_complete) comes when every receiver has its copy: DD in the descriptors that
 * asked for it (RS), then the head, then one interrupt cause.
 *
 * 82599 data sheet: 7.2.3 (descriptors), 7.2.4 (segmentation), 7.2.5 (checksum offload), 7.2.3.5
 * (write-back).
 */
#include "frame/plain.h"
#include "frame/train.h"
#include "ixgbe/internal.h"

#define HEADER_COPY TRAIN_COPY_MAX /* of a frame without offloads, or with short headers */
#define L4_HEADER_MIN 20u	   /* copied behind MACLEN + IPLEN when L4LEN is not given */
#define CACHE_LINE 64u
#define QUEUES_AHEAD 4u

/* Every descriptor begins a segment, every page boundary may, and a frame that does not fit is left. */
_Static_assert(2 * IXGBE_TX_BURST_DESCS + IXGBE_TX_BURST_BYTES / PAGE_SIZE_4K +
			       FRAME_MAX_SEGMENTS <=
		       BURST_SEGMENTS,
	       "a burst never runs out of segments");

/** enum outcome - of a frame's descriptors. */
enum outcome { FRAME_OK, FRAME_BAD, FRAME_FAULT };

/**
 * struct decoder - one burst.
 * @n: descriptors fetched, @next: the first not yet consumed
 * @bytes: of frames that may be cut, bounded so that one guest's requests do not hold up the others; of all frames
 *	with a rate limit, which bounds them too
 * @plain: bit i: frame i was found by decode_plain(): @len[i] bytes at @host[i]
 * @header_want: per other frame, header bytes to copy in the second pass
 */
struct decoder {
	struct ixgbe_txq *q;
	struct frame_burst *burst;
	struct vport_stats *stats;
	uint16_t flags; /* of every frame */
	unsigned int n, next;
	uint32_t bytes, bytes_max;
	uint64_t plain;
	uint16_t header_want[FRAME_BURST];
	const uint8_t *host[FRAME_BURST];
	uint32_t len[FRAME_BURST];
	struct ixgbe_desc desc[IXGBE_TX_BURST_DESCS];
};

static void count_drop(const struct decoder *d, enum outcome outcome)
{
	enum vport_drop why =
		outcome == FRAME_BAD ? VPORT_DROP_TX_BAD_DESCRIPTOR : VPORT_DROP_TX_DMA_FAULT;

	ixgbe_counter_add(&d->stats->drop[why], 1);
}

/* --- descriptors ---------------------------------------------------------------------------- */

static uint64_t buffer_address(const struct ixgbe_desc *desc)
{
	return get_le64(&desc->dword[0]);
}

static void consume(struct decoder *d, unsigned int n)
{
	for (unsigned int i = 0; i < n; i++, d->next++)
		if (d->desc[d->next].dword[2] & IXGBE_TXD_RS)
			d->q->report[d->q->reports++] = (uint8_t)d->next;
}

/* Descriptors of the frame that begins at @next, with its EOP; 0: the EOP is not among the fetched. */
static unsigned int frame_descs(const struct decoder *d)
{
	for (unsigned int i = d->next; i < d->n; i++)
		if (d->desc[i].dword[2] & IXGBE_TXD_EOP && ixgbe_txd_data(&d->desc[i]))
			return i - d->next + 1;
	return 0;
}

/* --- first pass ------------------------------------------------------------------------------ */

/* Add the host memory of [@address, @address + @len) to the frame's segments. */
static enum outcome add_buffer(struct decoder *d, struct frame *frame, uint64_t address,
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

static enum outcome add_buffers(struct decoder *d, struct frame *frame, unsigned int n)
{
	const struct ixgbe_desc *desc = &d->desc[d->next];
	bool advanced = ixgbe_txd_advanced(desc);

	for (unsigned int i = 0; i < n; i++, desc++) {
		uint32_t len = IXGBE_TXD_LEN(desc->dword[2]);
		enum outcome outcome;

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
	uint32_t want = HEADER_COPY;

	if (unlikely(frame->flags & (FRAME_TSO | FRAME_IP_CSUM | FRAME_L4_CSUM)))
		want = MAX(want, (uint32_t)frame->l2_len + frame->l3_len +
					 MAX(frame->l4_len, (uint16_t)L4_HEADER_MIN));
	want = MIN(want, (uint32_t)FRAME_HEADER_MAX);
	return (uint16_t)MIN(want, frame->len);
}

/* The frame of @n descriptors at @next becomes the burst's next frame, but for its header. */
static enum outcome decode_frame(struct decoder *d, unsigned int n)
{
	struct frame *frame = &d->burst->frame[d->burst->n];
	const struct ixgbe_desc *first = &d->desc[d->next];
	enum outcome outcome;

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
static void decode_plain(struct decoder *d)
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
static void skip_frame(struct decoder *d)
{
	unsigned int n = frame_descs(d);

	d->q->state->skipping = !n;
	consume(d, n ? n : d->n - d->next);
}

static void drop_frame(struct decoder *d, unsigned int n)
{
	count_drop(d, FRAME_BAD);
	if (n)
		consume(d, n);
	else
		skip_frame(d);
}

/* Consume what comes next: a context, a frame, or garbage. Return: false: it is not there yet. */
static bool decode_next(struct decoder *d)
{
	const struct ixgbe_desc *desc = &d->desc[d->next];
	enum outcome outcome;
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
		count_drop(d, outcome);
	consume(d, n);
	return true;
}

static bool has_room(const struct decoder *d)
{
	const struct frame_burst *burst = d->burst;

	return burst->n < FRAME_BURST && burst->segments + FRAME_MAX_SEGMENTS <= BURST_SEGMENTS &&
	       d->bytes < d->bytes_max;
}

/* --- second pass ----------------------------------------------------------------------------- */

/* Move the first @want bytes of the frame from its segments to its header. */
static void copy_header(struct frame_burst *burst, struct frame *frame, unsigned int want)
{
	struct frame_segment *segment = &burst->segment[frame->segment - burst->segment];

	frame->header_len = 0;
	while (frame->header_len < want) {
		uint32_t n = MIN(want - frame->header_len, segment->len);

		memcpy(frame->header + frame->header_len, segment->base, n);
		frame->header_len += (uint16_t)n;
		segment->base += n;
		segment->len -= n;
		if (!segment->len) {
			segment++;
			frame->segments--;
		}
	}
	frame->segment = segment;
	/* Guest memory: what was decided from these bytes must not be decided again from others. */
	atomic_signal_fence(memory_order_seq_cst);
}

/**
 * struct finisher - the second pass over a burst: what is good of it so far.
 * @kinds, @flows: bit i: good frame i is of another kind, of another flow than the one before
 * @common: of the last good frame
 */
struct finisher {
	struct decoder *d;
	struct frame_burst *burst;
	unsigned int good;
	uint64_t packets, bytes;
	uint64_t kinds, flows;
	__m128i common;
};

/* The header and the rest of a plain frame. */
static inline void take_plain(struct frame_burst *burst, struct frame *frame, const uint8_t *host,
			      uint32_t len, __m128i *first)
{
	uint32_t head = MIN(len, HEADER_COPY);
	struct frame_segment *segment;

	frame_train_take(frame->header, host, head, first);
	atomic_signal_fence(memory_order_seq_cst); /* as in copy_header() */
	frame->len = len;
	frame->header_len = (uint16_t)head;
	frame->segments = 0;
	if (len <= HEADER_COPY)
		return;
	segment = &burst->segment[burst->segments++];
	*segment = (struct frame_segment){ .base = host + head, .len = len - head };
	frame->segment = segment;
	frame->segments = 1;
}

/* @frame is the head of a train. Return: false: it is not good. */
static __attribute__((noinline)) bool begin_train(struct finisher *f, struct frame_train *train,
						  struct frame *frame)
{
	uint64_t bit = BIT64(frame - f->burst->frame);

	frame->flags = f->d->flags;
	frame->vlan = 0;
	if (unlikely(frame_plain_finish(frame))) {
		count_drop(f->d, FRAME_BAD);
		return false;
	}
	frame_train_begin(train, frame);
	f->common = frame_common(frame);
	f->kinds |= bit;
	f->flows |= bit;
	return true;
}

/* Frames @from ... @to - 1, all plain. */
static void finish_plain(struct finisher *f, unsigned int from, unsigned int to)
{
	const struct decoder *d = f->d;
	struct frame_burst *burst = f->burst;
	struct frame *frame = &burst->frame[f->good];
	uint32_t min_len = d->flags & FRAME_PAD ? FRAME_MIN_LEN : 0;
	struct frame_train train;
	uint64_t bytes = 0;

	frame_train_end(&train);
	for (unsigned int i = from; i < to; i++) {
		uint32_t len = d->len[i];
		__m128i first[TRAIN_VECTORS];
		enum train_match match;

		take_plain(burst, frame, d->host[i], len, first);
		match = frame_train_match(&train, first, len);
		if (likely(match != TRAIN_NO)) {
			frame_train_join(&train, frame, first);
			if (unlikely(match != TRAIN_FLOW))
				f->flows |= BIT64(frame - burst->frame);
		} else {
			if (!begin_train(f, &train, frame))
				continue;
			len = frame->len; /* without a tag */
		}
		bytes += MAX(len, min_len);
		frame++;
	}
	f->packets += (uint64_t)(frame - burst->frame) - f->good;
	f->good = (unsigned int)(frame - burst->frame);
	f->bytes += bytes;
}

/* Frame @i, any but a plain one. */
static void finish_special(struct finisher *f, unsigned int i)
{
	struct frame *frame = &f->burst->frame[i];
	uint32_t packets;
	uint64_t bytes;
	__m128i common;

	copy_header(f->burst, frame, f->d->header_want[i]);
	if (unlikely(frame_finish(frame))) {
		count_drop(f->d, FRAME_BAD);
		return;
	}
	frame_count(frame, &packets, &bytes);
	f->packets += packets;
	f->bytes += bytes;
	common = frame_common(frame);
	if (!f->good || !frame_same_kind(common, f->common))
		f->kinds |= BIT64(f->good);
	f->flows |= BIT64(f->good);
	f->common = common;
	if (unlikely(f->good != i))
		f->burst->frame[f->good] = *frame;
	f->good++;
}

static unsigned int run_of_ones(uint64_t bits)
{
	return ~bits ? (unsigned int)__builtin_ctzll(~bits) : 64;
}

static void finish_frames(struct decoder *d)
{
	struct frame_burst *burst = d->burst;
	struct finisher f = { .d = d, .burst = burst };
	unsigned int n = burst->n;
	uint64_t good;

	for (unsigned int i = 0; i < n;) {
		unsigned int plain = run_of_ones(d->plain >> i);

		if (plain) {
			finish_plain(&f, i, i + plain);
			i += plain;
		} else {
			finish_special(&f, i++);
		}
	}
	burst->n = f.good;
	burst->packets = f.packets;
	burst->bytes = f.bytes;
	burst->plain = n && f.good == n && d->plain == UINT64_MAX >> (FRAME_BURST - n);
	good = f.good ? UINT64_MAX >> (FRAME_BURST - f.good) : 0;
	burst->same_kind = good & ~f.kinds;
	burst->same_flow = good & ~f.flows;
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
	struct decoder d;
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
	finish_frames(&d);
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
