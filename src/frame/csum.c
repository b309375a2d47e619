/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * csum.c - the Internet checksum (RFC 1071), alone and while copying. What a partial sum is and how
 * it is made: copy.c.
 */
#include "frame/frame.h"

#include "frame/copy.h"

uint16_t csum_fold(uint64_t sum)
{
	return csum_folded(sum);
}

uint64_t csum_partial(const void *data, size_t len, uint64_t sum)
{
	return copy_way->add(data, len, sum);
}

uint64_t csum_copy(void *to, const void *from, size_t len, uint64_t sum)
{
	return copy_way->copy_add(to, from, len, sum);
}
