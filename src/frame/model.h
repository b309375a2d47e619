/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * model.h - where a device model and the data path meet: bursts of frames. Neither room includes
 * the other.
 */
#ifndef SOFTIOV_FRAME_MODEL_H
#define SOFTIOV_FRAME_MODEL_H

#include <stdbool.h>
#include <stdint.h>
#include "frame/frame.h"

_Static_assert(FRAME_BURST <= 64, "a choice of a burst's frames is a bitmap of one word");

#define BURST_SEGMENTS (FRAME_BURST * 8)

/**
 * struct frame_burst - frames of one transmit queue under way; owned by a worker.
 * @n: frames
 * @segments: used of @segment
 * @packets, @bytes: frames and bytes they will be delivered as (frame_count())
 * @plain: none of them asks for anything
 * @same_kind, @same_flow: bit i: frame i is of the kind, of the flow of frame i - 1 (frame/train.h); who is of the flow is
 *	of the kind, too
 * @due_ns: of a queue that gave nothing: its frames may not go before then, whatever its driver does; 0: nothing known
 */
struct frame_burst {
	unsigned int n;
	unsigned int segments;
	uint64_t packets, bytes, due_ns;
	bool plain;
	uint64_t same_kind, same_flow;
	struct frame frame[FRAME_BURST];
	struct frame_segment segment[BURST_SEGMENTS];
};

/** burst_alike() - bitmap of frame @i and those behind it that @same, a word of struct frame_burst, says to be alike. */
static inline uint64_t burst_alike(uint64_t same, unsigned int i)
{
	return (2ull << __builtin_ctzll(~(same >> i >> 1)) << i) - BIT64(i);
}

/**
 * struct model_ops - what a device model offers the data path. Worker only.
 * @tx_burst: decode what the driver posted into @burst (empty when called): at most FRAME_BURST
 *	frames, finished by frame_finish(). Frames the model itself drops (bad descriptor, DMA
 *	fault) it counts in the vport's stats. @now: CLOCK_MONOTONIC ns. Return: frames in @burst; 0
 *	with work done is possible (only bad frames).
 * @tx_complete: all of the last burst is delivered or dropped: write back completions, publish the
 *	head, raise causes.
 * @rx_burst: deliver frame i of @burst for each bit i of @wanted to the pool: pick queues, find descriptors, copy, write
 *	back, count (packets, bytes, drops) in the pool's stats, raise causes.
 * @irq_expire: signal moderated interrupts of the pool that are due; return the earliest time still
 *	due, or UINT64_MAX.
 */
struct model_ops {
	unsigned int (*tx_burst)(void *queue, struct frame_burst *burst, uint64_t now);
	void (*tx_complete)(void *queue, struct frame_burst *burst, uint64_t now);
	void (*rx_burst)(void *pool, const struct frame_burst *burst, uint64_t wanted,
			 uint64_t now);
	uint64_t (*irq_expire)(void *pool, uint64_t now);
};

#endif
