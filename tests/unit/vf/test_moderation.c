// SPDX-License-Identifier: BSD-3-Clause
/*
 * test_moderation.c - classes of interrupt moderation by rates, and when they change.
 */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include "util/util.h"
#include "vf/moderation.h"

#define MS 1000000ull
#define SMALL 64
#define FULL 1514

/** struct row - @rate frames of @bytes a second make @then out of @was. */
struct row {
	enum softiov_moderation was;
	uint64_t rate;
	uint32_t bytes;
	enum softiov_moderation then;
};

static const struct row rows[] = {
	/* silence, a conversation */
	{ SOFTIOV_LATENCY, 0, SMALL, SOFTIOV_LATENCY },
	{ SOFTIOV_LATENCY, 10000, SMALL, SOFTIOV_LATENCY },
	{ SOFTIOV_LATENCY, 60000, SMALL, SOFTIOV_LATENCY },
	{ SOFTIOV_LATENCY, 13000, FULL, SOFTIOV_LATENCY },
	{ SOFTIOV_BALANCED, 39000, SMALL, SOFTIOV_LATENCY },
	{ SOFTIOV_BULK, 0, SMALL, SOFTIOV_LATENCY },
	{ SOFTIOV_BULK, 6000, FULL, SOFTIOV_LATENCY },
	/* more: by frames, by bytes */
	{ SOFTIOV_LATENCY, 61000, SMALL, SOFTIOV_BALANCED },
	{ SOFTIOV_LATENCY, 14000, FULL, SOFTIOV_BALANCED },
	{ SOFTIOV_LATENCY, 200000, SMALL, SOFTIOV_BALANCED },
	/* in the gap it stays what it was */
	{ SOFTIOV_BALANCED, 41000, SMALL, SOFTIOV_BALANCED },
	{ SOFTIOV_LATENCY, 41000, SMALL, SOFTIOV_LATENCY },
	{ SOFTIOV_BALANCED, 7000, FULL, SOFTIOV_BALANCED },
	{ SOFTIOV_BALANCED, 150000, SMALL, SOFTIOV_BALANCED },
	{ SOFTIOV_BULK, 150000, SMALL, SOFTIOV_BULK },
	{ SOFTIOV_BALANCED, 60000, FULL, SOFTIOV_BALANCED },
	{ SOFTIOV_BULK, 60000, FULL, SOFTIOV_BULK },
	/* streams */
	{ SOFTIOV_LATENCY, 201000, SMALL, SOFTIOV_BULK },
	{ SOFTIOV_BALANCED, 201000, SMALL, SOFTIOV_BULK },
	{ SOFTIOV_LATENCY, 81000, FULL, SOFTIOV_BULK },
	{ SOFTIOV_BALANCED, 81000, FULL, SOFTIOV_BULK },
	{ SOFTIOV_BULK, 20000000, SMALL, SOFTIOV_BULK },
	/* one below its bound does not bring it down while the other is not */
	{ SOFTIOV_BULK, 119000, FULL, SOFTIOV_BULK },
	{ SOFTIOV_BULK, 119000, SMALL, SOFTIOV_BALANCED },
	{ SOFTIOV_BULK, 39000, FULL, SOFTIOV_BALANCED },
};

static void test_classes(void **state)
{
	static const uint64_t intervals[] = { MS, 10 * MS, 1000 * MS };

	for (unsigned int i = 0; i < ARRAY_SIZE(rows); i++) {
		for (unsigned int j = 0; j < ARRAY_SIZE(intervals); j++) {
			uint64_t frames = rows[i].rate * intervals[j] / NSEC_PER_SEC;
			enum softiov_moderation then = moderation_class(
				rows[i].was, frames, frames * rows[i].bytes, intervals[j]);

			if (then != rows[i].then)
				fail_msg("row %u: class %d instead of %d", i, then, rows[i].then);
		}
	}
	assert_int_equal(moderation_class(SOFTIOV_BALANCED, 5, 5, 0), SOFTIOV_BALANCED);
}

/* What a class promises in napi.h, and what VTEITR can hold. */
static void test_intervals(void **state)
{
	static const uint32_t promised[] = { 100000, 20000, 8000 };

	for (unsigned int i = 0; i < ARRAY_SIZE(promised); i++) {
		uint32_t us = moderation_interval_us((enum softiov_moderation)i);

		assert_true(us && us <= 1022 && us % 2 == 0);
		assert_true(1000000 / us <= promised[i]);
		assert_true(1000000 / us > promised[i] * 95 / 100);
	}
}

static void test_judged_by_the_interval(void **state)
{
	struct moderation m = { .since_ns = 5000 * MS };
	uint64_t now = m.since_ns;

	moderation_add(&m, 300, 300 * SMALL); /* 300,000 a second, but not for long enough */
	assert_false(moderation_update(&m, now + MS / 2));
	assert_true(moderation_update(&m, now + MS));
	assert_int_equal(m.level, SOFTIOV_BULK);
	now += MS;
	moderation_add(&m, 300, 300 * SMALL);
	assert_false(moderation_update(&m, now + MS)); /* still */
	assert_int_equal(m.level, SOFTIOV_BULK);
	now += MS;
	moderation_add(&m, 300, 300 * SMALL); /* after a silence */
	assert_true(moderation_update(&m, now + 1000 * MS));
	assert_int_equal(m.level, SOFTIOV_LATENCY);
	assert_false(moderation_update(&m, now + 1002 * MS));
	assert_int_equal(m.level, SOFTIOV_LATENCY);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_classes),
		cmocka_unit_test(test_intervals),
		cmocka_unit_test(test_judged_by_the_interval),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
