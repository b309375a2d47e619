/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * test_csum.c - Internet checksum, CRC32c and copies of every length, alignment and code path.
 *
 * Copies and sums are tested in every way that this processor has. The CRC is tested twice: as it
 * is, and with PORTABLE, which compiles its file in here on a processor that "has" no SSE4.2.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <cmocka.h>
#include "reference.h"
#include "frame/copy.h"

#ifdef PORTABLE
#define __builtin_cpu_supports(feature) 0
#include "frame/crc32c.c"
#endif

#define MAX_LEN 1100
#define PAGE 4096u
#define ALIASES 0x10000u /* buffers that are so far apart look the same to the store queue */

static uint8_t data[MAX_LEN + 64];

/* In every way in turn; the processor has at least the first. */
#define FOR_EACH_WAY(n) for (unsigned int n = 0; (copy_way = copy_way_usable(n)); n++)

static int fastest_way(void **ctx)
{
	unsigned int n = 0;

	(void)ctx;
	while (copy_way_usable(n + 1))
		n++;
	copy_way = copy_way_usable(n);
	return 0;
}

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
	FOR_EACH_WAY(way)
	for (int ones = 0; ones < 2; ones++) {
		fill(ones);
		for (unsigned int len = 0; len <= MAX_LEN; len++)
			check_sums(len % 37, len);
	}
}

static void test_sum_in_pieces(void **ctx)
{
	(void)ctx;
	fill(false);
	FOR_EACH_WAY(way)
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

/* A sum that has come near its end goes on from the beginning. */
static void test_sum_carries(void **ctx)
{
	(void)ctx;
	fill(true);
	FOR_EACH_WAY(way)
	for (unsigned int len = 2; len <= MAX_LEN; len += 2)
		for (uint64_t sum = UINT64_MAX - 2; sum; sum++)
			assert_int_equal(csum_fold(csum_partial(data, len, sum)),
					 csum_fold(csum_add(sum, 0xffff)));
}

/*
 * One copy between pages that end, or begin, where the bytes do: @from and @to are the pages,
 * between others that cannot be touched.
 */
static void check_copy(uint8_t *to, uint8_t *from, size_t pages, unsigned int len, bool at_end)
{
	size_t offset = at_end ? pages - len : 0;
	uint64_t sum = 0;

	for (int add = 0; add < 2; add++) {
		memset(to, 0x5a, pages);
		if (add)
			sum = csum_copy(to + offset, from + offset, len, 0);
		else
			copy_bytes(to + offset, from + offset, len);
		assert_memory_equal(to + offset, from + offset, len);
		for (size_t i = 0; i < pages; i++)
			if (i < offset || i >= offset + len)
				assert_int_equal(to[i], 0x5a);
	}
	assert_int_equal(folded(sum), ref_checksum(from + offset, len, 0));
	assert_int_equal(folded(csum_partial(from + offset, len, 0)),
			 ref_checksum(from + offset, len, 0));
}

static uint8_t *between_walls(size_t pages)
{
	uint8_t *memory =
		mmap(NULL, pages + 2 * PAGE, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	assert_ptr_not_equal(memory, MAP_FAILED);
	assert_int_equal(mprotect(memory + PAGE, pages, PROT_READ | PROT_WRITE), 0);
	return memory + PAGE;
}

/* Not a byte beyond the bytes is read or written. */
static void test_bounds(void **ctx)
{
	uint8_t *from = between_walls(PAGE), *to = between_walls(PAGE);

	(void)ctx;
	for (unsigned int i = 0; i < PAGE; i++)
		from[i] = (uint8_t)ref_random(256);
	FOR_EACH_WAY(way)
	for (unsigned int len = 0; len < PAGE; len += len < 700 ? 1 : 61) {
		check_copy(to, from, PAGE, len, false);
		check_copy(to, from, PAGE, len, true);
	}
	munmap(from - PAGE, 3 * PAGE);
	munmap(to - PAGE, 3 * PAGE);
}

/* Every alignment of the two, and every distance that decides on the direction. */
static void test_alignments(void **ctx)
{
	static uint8_t memory[2 * ALIASES + 4 * PAGE];
	uint8_t *from = memory + PAGE;

	(void)ctx;
	for (size_t i = 0; i < sizeof(memory); i++)
		memory[i] = (uint8_t)ref_random(256);
	FOR_EACH_WAY(way)
	for (int i = 0; i < 4000; i++) {
		unsigned int len = (unsigned int)ref_random(ref_random(4) ? 2000 : PAGE);
		uint8_t *start = from + ref_random(64);
		uint8_t *to = start + ALIASES + ref_random(i & 1 ? 2 * PAGE : 256) - 64;
		uint8_t before = to[-1], behind = to[len];

		assert_int_equal(folded(csum_copy(to, start, len, 0)), ref_checksum(start, len, 0));
		assert_memory_equal(to, start, len);
		memset(to, 0, len);
		copy_bytes(to, start, len);
		assert_memory_equal(to, start, len);
		assert_int_equal(to[-1], before);
		assert_int_equal(to[len], behind);
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

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_teardown(test_sum_every_length, fastest_way),
		cmocka_unit_test_teardown(test_sum_in_pieces, fastest_way),
		cmocka_unit_test_teardown(test_sum_known, fastest_way),
		cmocka_unit_test_teardown(test_sum_carries, fastest_way),
		cmocka_unit_test_teardown(test_bounds, fastest_way),
		cmocka_unit_test_teardown(test_alignments, fastest_way),
		cmocka_unit_test_teardown(test_crc, fastest_way),
	};

	ref_seed(7);
	return cmocka_run_group_tests_name("frame csum", tests, NULL, NULL);
}
