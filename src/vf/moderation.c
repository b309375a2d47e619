// SPDX-License-Identifier: BSD-3-Clause
/*
 * moderation.c - adaptive interrupt moderation.
 *
 * Three classes, as Linux' drivers of this family have them (ixgbevf_update_itr()): a conversation of single frames
 * wants its interrupt at once; a stream would drown in them. Which one it is shows in frames and in bytes per second:
 *
 *	LATENCY -> BALANCED	above 60,000 frames/s or 20 MB/s	back below 40,000 and 10 MB/s
 *	BALANCED -> BULK	above 200,000 frames/s or 100 MB/s	back below 120,000 and 60 MB/s
 *
 * 60,000 frames/s is more than two ends reach that wait for each other's frame, so asking and answering stays in
 * LATENCY; 100 MB/s is a stream of full frames at 1 Gb/s. The gap between going up and coming back keeps traffic at a
 * threshold from having the register, which may be a message away, written all the time; so does the least interval.
 * What is judged is an interval of at least a millisecond that ends when a ring is found empty; a silence belongs to
 * the interval in which it ends. The card's own timer runs from one interrupt to the next (7.3.2.1.1): after a silence
 * none is delayed, whatever the class.
 *
 * 82599 data sheet: 7.3.2.1.1 (interrupt throttling), 8.3.5.5 (VTEITR).
 */
#include "vf/moderation.h"

#include "util/util.h"

#define CLASSES 3

/** struct bounds - of a class, per second: above @up_* the next one, below both @down_* the one before. */
struct bounds {
	uint64_t up_frames, up_bytes, down_frames, down_bytes;
	uint32_t interval_us;
};

/* Intervals are multiples of the register's 2 us, rounded so that there are at most as many interrupts as promised. */
static const struct bounds bounds[CLASSES] = {
	[SOFTIOV_LATENCY] = { 60000, 20000000, 0, 0, 10 },
	[SOFTIOV_BALANCED] = { 200000, 100000000, 40000, 10000000, 50 },
	[SOFTIOV_BULK] = { UINT64_MAX, UINT64_MAX, 120000, 60000000, 126 },
};

static uint64_t per_second(uint64_t n, uint64_t ns)
{
	return (uint64_t)((double)n * (double)NSEC_PER_SEC / (double)ns);
}

static bool above(const struct bounds *of, uint64_t frames, uint64_t bytes)
{
	return frames > of->up_frames || bytes > of->up_bytes;
}

static bool below(const struct bounds *of, uint64_t frames, uint64_t bytes)
{
	return frames < of->down_frames && bytes < of->down_bytes;
}

enum softiov_moderation moderation_class(enum softiov_moderation was, uint64_t frames,
					 uint64_t bytes, uint64_t ns)
{
	unsigned int now = was;

	if (!ns)
		return was;
	frames = per_second(frames, ns);
	bytes = per_second(bytes, ns);
	while (now < SOFTIOV_BULK && above(&bounds[now], frames, bytes))
		now++;
	while (now > SOFTIOV_LATENCY && below(&bounds[now], frames, bytes))
		now--;
	return (enum softiov_moderation)now;
}

bool moderation_update(struct moderation *moderation, uint64_t now_ns)
{
	uint64_t ns = now_ns - moderation->since_ns;
	enum softiov_moderation was = moderation->level;

	if (ns < MODERATION_INTERVAL_NS)
		return false;
	moderation->level = moderation_class(was, moderation->frames, moderation->bytes, ns);
	moderation->since_ns = now_ns;
	moderation->frames = moderation->bytes = 0;
	return moderation->level != was;
}

uint32_t moderation_interval_us(enum softiov_moderation level)
{
	return bounds[level].interval_us;
}
