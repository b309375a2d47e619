/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * tx_finish.c - the second pass over a transmit burst: from buffers to frames.
 *
 * The header bytes are copied, the only copy decisions are made from, and frame_finish() checks the
 * offload request against them. Plain frames have none. They are finished in a tight loop, which also
 * finds out what each has in common with the one before (frame/train.h).
 *
 * A frame that turns out to be no good is dropped and counted; those behind it move up.
 *
 * 82599 data sheet: 7.2.4 (segmentation), 7.2.5 (checksum offload).
 */
#include "ixgbe/tx.h"

#include "frame/plain.h"

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
	struct tx_decoder *d;
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
	uint32_t head = MIN(len, TX_HEADER_COPY);
	struct frame_segment *segment;

	frame_train_take(frame->header, host, head, first);
	atomic_signal_fence(memory_order_seq_cst); /* as in copy_header() */
	frame->len = len;
	frame->header_len = (uint16_t)head;
	frame->segments = 0;
	if (len <= TX_HEADER_COPY)
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
		tx_drop(f->d, FRAME_BAD);
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
	const struct tx_decoder *d = f->d;
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
		tx_drop(f->d, FRAME_BAD);
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

void ixgbe_tx_finish(struct tx_decoder *d)
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
