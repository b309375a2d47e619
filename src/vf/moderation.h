/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * moderation.h - how often a vector may interrupt, by what it carries. Pure arithmetic.
 */
#ifndef SOFTIOV_VF_MODERATION_H
#define SOFTIOV_VF_MODERATION_H

#include <stdbool.h>
#include <stdint.h>
#include <softiov/napi.h>

/** struct moderation - @since_ns: when the interval began; @frames, @bytes: in it. Zeroed: SOFTIOV_LATENCY. */
struct moderation {
	enum softiov_moderation level;
	uint64_t since_ns, frames, bytes;
};

#define MODERATION_INTERVAL_NS 1000000u /* shortest that is judged */

/** moderation_class() - after an interval of @ns that carried @frames and @bytes, when it was @was before. */
enum softiov_moderation moderation_class(enum softiov_moderation was, uint64_t frames,
					 uint64_t bytes, uint64_t ns);

/** moderation_add() - frames came. */
static inline void moderation_add(struct moderation *moderation, uint64_t frames, uint64_t bytes)
{
	moderation->frames += frames;
	moderation->bytes += bytes;
}

/** moderation_update() - judge the interval if it is long enough, begin another. Return: is the class a new one? */
bool moderation_update(struct moderation *moderation, uint64_t now_ns);

/** moderation_interval_us() - least time between two interrupts of class @level. */
uint32_t moderation_interval_us(enum softiov_moderation level);

#endif
