/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * copy.h - the copies of the frame room: plain, with an Internet checksum, with a CRC32c. Private
 * to the room.
 */
#ifndef SOFTIOV_FRAME_COPY_H
#define SOFTIOV_FRAME_COPY_H

#include <emmintrin.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include "util/util.h"

/**
 * struct copy_way - how bytes are moved and added up; which registers, that is.
 * @copy: memcpy()
 * @copy_add, @add: csum_copy() and csum_partial()
 */
struct copy_way {
	const char *name;
	void (*copy)(void *to, const void *from, size_t len);
	uint64_t (*copy_add)(void *to, const void *from, size_t len, uint64_t sum);
	uint64_t (*add)(const void *from, size_t len, uint64_t sum);
};

/** copy_way - the fastest that this processor has; set before main(), by tests again. */
extern const struct copy_way *copy_way;

/** copy_way_usable() - the @n-th way that this processor has, or NULL: that many there are not. */
const struct copy_way *copy_way_usable(unsigned int n);

/** csum_add() - ones' complement addition of two partial sums. */
static inline uint64_t csum_add(uint64_t a, uint64_t b)
{
	a += b;
	return a + (a < b);
}

/**
 * csum_turn() - @sum as seen from an odd offset, and back: a byte that sits at an odd offset of the
 * summed range is the other half of its 16-bit word. Turning, adding a piece as if it began at an
 * even offset, and turning back puts every byte into its right half (RFC 1071, section 2 (B)).
 */
static inline uint64_t csum_turn(uint64_t sum)
{
	return sum << 8 | sum >> 56;
}

/**
 * csum_folded() - csum_fold(). The upper half of the sum of a number and its turned self is the
 * ones' complement sum of its halves, carry included.
 */
static inline uint16_t csum_folded(uint64_t sum)
{
	uint32_t half = (uint32_t)((sum + (sum << 32 | sum >> 32)) >> 32);

	return (uint16_t) ~((half + (half << 16 | half >> 16)) >> 16);
}

/** crc32c_copy() - crc32c() of the very bytes it copies. */
uint32_t crc32c_copy(void *to, const void *from, size_t len, uint32_t crc);

#define COPY_SOON 1024u /* bytes; the processor sees for itself what comes then */
#define COPY_LINE 64u

/** copy_soon() - @len bytes will be copied: they may come near while their header is dealt with. */
static inline void copy_soon(const uint8_t *from, uint32_t len)
{
	if (len < COPY_SOON)
		return;
	for (uint32_t at = 0; at < COPY_SOON; at += COPY_LINE)
		__builtin_prefetch(from + at);
}

/* Memory that a guest may change: have the compiler use @x, which was loaded there, and not load it again. */
#define LOADED_ONCE(constraint, x) __asm__("" : "+" constraint(x))

/** copy_16() - 16 bytes through one vector register. */
static inline void copy_16(uint8_t *to, const uint8_t *from)
{
	_mm_storeu_si128((__m128i *)to, _mm_loadu_si128((const __m128i *)from));
}

/**
 * copy_bytes() - a copy that does not call for the sizes of small frames: a frame of 60 to 128
 * bytes is a few pairs of loads and stores, the last of which overlap.
 */
static inline void copy_bytes(uint8_t *to, const uint8_t *from, size_t len)
{
	if (len - 32 > 128 - 32) {
		copy_way->copy(to, from, len);
		return;
	}
	copy_16(to, from);
	copy_16(to + 16, from + 16);
	if (len > 64) {
		copy_16(to + 32, from + 32);
		copy_16(to + 48, from + 48);
		if (len > 96) {
			copy_16(to + len - 64, from + len - 64);
			copy_16(to + len - 48, from + len - 48);
		}
	}
	copy_16(to + len - 32, from + len - 32);
	copy_16(to + len - 16, from + len - 16);
}

#endif
