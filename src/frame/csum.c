/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * csum.c - the Internet checksum (RFC 1071), alone and while copying. What a partial sum is and how
 * it is made: copy.c.
 */
#include "frame/frame.h"

#include "frame/copy.h"

/* The upper half of a sum of two turned halves is their ones' complement sum, carry included. */
uint16_t csum_fold(uint64_t sum)
{
	uint32_t half = (uint32_t)((sum + (sum << 32 | sum >> 32)) >> 32);

	return (uint16_t) ~((half + (half << 16 | half >> 16)) >> 16);
}

uint64_t csum_partial(const void *data, size_t len, uint64_t sum)
{
	return copy_way->add(data, len, sum);
}

uint64_t csum_copy(void *to, const void *from, size_t len, uint64_t sum)
{
	return copy_way->copy_add(to, from, len, sum);
}
