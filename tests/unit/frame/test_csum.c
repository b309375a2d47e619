/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * test_csum.c - Internet checksum and CRC32c of every length, alignment and code path.
 *
 * Built twice: as it is, and with PORTABLE, which compiles the room's two files in here on a
 * processor that "has" neither AVX2 nor SSE4.2.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <cmocka.h>
#include "reference.h"
#include "frame/copy.h"

#ifdef PORTABLE
#define __builtin_cpu_supports(feature) 0
#include "frame/crc32c.c"
#include "frame/csum.c"
#endif

#define MAX_LEN 1100

static uint8_t data[MAX_LEN + 64];

static void fill(bool ones)
{
	for (size_t i = 0; i < sizeof(data); i++)
		data[i] = ones ? 0xff : (uint8_t)ref_random(256);
}

/* csum_fold() gives memory order. */
static uint16_t folded(uint64_t sum)
{
	return __builtin_bswap16(csum_fold(sum));
}

static void check_sums(unsigned int at, unsigned int len)
{
	uint8_t *to = malloc(len);
	uint16_t sum = ref_checksum(data + at, len, 0);

	assert_int_equal(folded(csum_partial(data + at, len, 0)), sum);
	assert_int_equal(folded(csum_copy(to, data + at, len, 0)), sum);
	assert_memory_equal(to, data + at, len);
	free(to);
}

static void test_sum_every_length(void **ctx)
{
	(void)ctx;
	for (int ones = 0; ones < 2; ones++) {
		fill(ones);
		for (unsigned int len = 1; len <= MAX_LEN; len++)
			check_sums(len % 37, len);
	}
}

static void test_sum_in_pieces(void **ctx)
{
	(void)ctx;
	fill(false);
	for (int i = 0; i < 2000; i++) {
		unsigned int len = (unsigned int)ref_random(MAX_LEN), left = len, at = 0;
		uint64_t sum = 0;

		while (left) {
			unsigned int n = (unsigned int)(1 + ref_random(left));

			sum = at & 1 ? csum_turn(csum_partial(data + at, n, csum_turn(sum)))
				     : csum_partial(data + at, n, sum);
			at += n;
			left -= n;
		}
		assert_int_equal(folded(sum), ref_checksum(data, len, 0));
	}
}

static void test_sum_known(void **ctx)
{
	/* RFC 1071, section 3: the example's sum is ddf2. */
	static const uint8_t example[] = { 0x00, 0x01, 0xf2, 0x03, 0xf4, 0xf5, 0xf6, 0xf7 };
	/* The carries of the largest sums. */
	(void)ctx;
	assert_int_equal(folded(csum_partial(example, sizeof(example), 0)), 0xffff & ~0xddf2);
	assert_int_equal(csum_fold(UINT64_MAX), 0);
	assert_int_equal(csum_fold(0), 0xffff);
	assert_int_equal(csum_fold(0xffff0000ffff0001), 0xfffe);
}

static void test_crc(void **ctx)
{
	(void)ctx;
	assert_int_equal(~crc32c(~0u, "123456789", 9), 0xe3069283); /* the usual check value */
	fill(false);
	for (unsigned int len = 1; len < 300; len++) {
		uint8_t *to = malloc(len);
		uint32_t crc = ref_crc32c(data + len % 13, len);

		assert_int_equal(~crc32c(~0u, data + len % 13, len), crc);
		assert_int_equal(~crc32c_copy(to, data + len % 13, len, ~0u), crc);
		assert_memory_equal(to, data + len % 13, len);
		free(to);
	}
}

static void test_copy(void **ctx)
{
	(void)ctx;
	fill(false);
	for (unsigned int len = 1; len < 400; len++) {
		uint8_t *to = malloc(len), *from = malloc(len);

		memcpy(from, data + len % 29, len);
		copy_bytes(to, from, len);
		assert_memory_equal(to, from, len);
		free(to);
		free(from);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_sum_every_length),
		cmocka_unit_test(test_sum_in_pieces),
		cmocka_unit_test(test_sum_known),
		cmocka_unit_test(test_crc),
		cmocka_unit_test(test_copy),
	};

	ref_seed(7);
	return cmocka_run_group_tests_name("frame csum", tests, NULL, NULL);
}
