/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * crc32c.c - the CRC of SCTP (RFC 9260, appendix A: Castagnoli polynomial, reflected), alone and
 * while copying.
 *
 * With SSE4.2 the processor has an instruction for it, 8 bytes at a time; else a table of 256
 * entries, made before main(), takes one byte at a time: SCTP on such an old processor need not be
 * fast.
 */
#include "frame/frame.h"

#include <nmmintrin.h>
#include "frame/copy.h"

#define CRC32C_POLYNOMIAL 0x82f63b78u /* reflected */

static bool have_sse42;
static uint32_t table[256];

__attribute__((constructor)) static void crc32c_choose(void)
{
	__builtin_cpu_init();
	have_sse42 = __builtin_cpu_supports("sse4.2");
	for (uint32_t i = 0; i < 256; i++) {
		uint32_t crc = i;

		for (int bit = 0; bit < 8; bit++)
			crc = crc >> 1 ^ (crc & 1 ? CRC32C_POLYNOMIAL : 0);
		table[i] = crc;
	}
}

/* @to: NULL to only sum; a constant NULL or not in every caller, so the test costs nothing. */
static inline __attribute__((always_inline)) uint32_t crc_table(uint8_t *to, const uint8_t *from,
								size_t len, uint32_t crc)
{
	for (size_t i = 0; i < len; i++) {
		uint8_t v = from[i];

		if (to)
			to[i] = v;
		crc = crc >> 8 ^ table[(crc ^ v) & 0xff];
	}
	return crc;
}

__attribute__((target("sse4.2"))) static uint32_t crc_sse42(uint8_t *to, const uint8_t *from,
							    size_t len, uint32_t crc)
{
	uint64_t crc64 = crc;
	size_t i = 0;

	for (; i + 8 <= len; i += 8) {
		uint64_t v = get_le64(from + i);

		if (to)
			put_le64(to + i, v);
		crc64 = _mm_crc32_u64(crc64, v);
	}
	crc = (uint32_t)crc64;
	for (; i < len; i++) {
		uint8_t v = from[i];

		if (to)
			to[i] = v;
		crc = _mm_crc32_u8(crc, v);
	}
	return crc;
}

uint32_t crc32c(uint32_t crc, const void *data, size_t len)
{
	return have_sse42 ? crc_sse42(NULL, data, len, crc) : crc_table(NULL, data, len, crc);
}

uint32_t crc32c_copy(void *to, const void *from, size_t len, uint32_t crc)
{
	return have_sse42 ? crc_sse42(to, from, len, crc) : crc_table(to, from, len, crc);
}
