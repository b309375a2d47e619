// SPDX-License-Identifier: BSD-3-Clause
/*
 * test_histogram.c - percentiles against those of the sorted samples, and the exact members.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <cmocka.h>

#include "pktgen/histogram.h"
#include "util/util.h"

#define SAMPLES 20000u
#define PRECISION 0.008 /* a step of 1/128 */

static int compare(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

	return x < y ? -1 : x > y;
}

/* From nanoseconds to minutes, every magnitude as likely. */
static uint64_t sample(void)
{
	return ((uint64_t)rand() << 16 ^ (uint64_t)rand()) >> (7 + rand() % 40); /* 40 bits */
}

static void test_percentiles(void **state)
{
	static const double percent[] = { 0.01, 1, 50, 90, 99, 99.9, 100 };
	static uint64_t value[SAMPLES];
	static struct histogram h, half[2];
	uint64_t sum = 0;

	srand(3);
	histogram_clear(&h);
	histogram_clear(&half[0]);
	histogram_clear(&half[1]);
	for (unsigned int i = 0; i < SAMPLES; i++) {
		value[i] = sample();
		sum += value[i];
		histogram_add(&half[i % 2], value[i]);
	}
	histogram_merge(&h, &half[0]);
	histogram_merge(&h, &half[1]);
	qsort(value, SAMPLES, sizeof(value[0]), compare);
	assert_int_equal(h.samples, SAMPLES);
	assert_int_equal(h.min, value[0]);
	assert_int_equal(h.max, value[SAMPLES - 1]);
	assert_true(histogram_mean(&h) == (double)sum / SAMPLES);
	for (unsigned int i = 0; i < ARRAY_SIZE(percent); i++) {
		unsigned int rank = (unsigned int)(percent[i] / 100 * SAMPLES + 0.5);
		uint64_t right = value[rank - 1], found = histogram_percentile(&h, percent[i]);

		assert_true(found >= right);
		assert_true((double)(found - right) <= (double)right * PRECISION);
	}
}

static void test_few_samples(void **state)
{
	static struct histogram h;

	histogram_clear(&h);
	assert_int_equal(histogram_percentile(&h, 50), 0);
	assert_true(histogram_mean(&h) == 0);
	histogram_add(&h, 5000);
	assert_int_equal(histogram_percentile(&h, 0.1), 5000);
	assert_int_equal(histogram_percentile(&h, 99.9), 5000);
	histogram_add(&h, UINT64_MAX / 4);			   /* beyond the bins */
	assert_int_equal(histogram_percentile(&h, 50), 5000 + 23); /* the step's end: 32 ns wide */
	assert_int_equal(h.max, UINT64_MAX / 4);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_percentiles),
		cmocka_unit_test(test_few_samples),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
