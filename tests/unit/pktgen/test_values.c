// SPDX-License-Identifier: BSD-3-Clause
/*
 * test_values.c - numbers, lists, ranges, rates and times of the command line, and what is none.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "pktgen/options.h"

static void test_number(void **state)
{
	static const char *const wrong[] = { "",   "-1",   "+1", " 1",	"1 ",
					     "1x", "0x10", "9",	 "101", "99999999999999999999" };
	uint64_t value;

	assert_int_equal(value_number("10", 10, 100, &value), 0);
	assert_int_equal(value, 10);
	assert_int_equal(value_number("100", 10, 100, &value), 0);
	assert_int_equal(value, 100);
	for (unsigned int i = 0; i < ARRAY_SIZE(wrong); i++)
		assert_int_equal(value_number(wrong[i], 10, 100, &value), -EINVAL);
}

static void test_list(void **state)
{
	static const char *const wrong[] = { "", ",", "1,", ",1", "1,,2", "1;2", "1,2,3,4", "11" };
	uint16_t value[3];
	unsigned int n;

	assert_int_equal(value_list("1,10,3", 1, 10, value, 3, &n), 0);
	assert_int_equal(n, 3);
	assert_int_equal(value[0], 1);
	assert_int_equal(value[1], 10);
	assert_int_equal(value[2], 3);
	assert_int_equal(value_list("7", 1, 10, value, 1, &n), 0);
	assert_int_equal(n, 1);
	for (unsigned int i = 0; i < ARRAY_SIZE(wrong); i++)
		assert_int_equal(value_list(wrong[i], 1, 10, value, 3, &n), -EINVAL);
}

static void test_range(void **state)
{
	static const char *const wrong[] = { "", "-", "1-", "-1", "2-1", "0-1", "1-11", "1-2-3" };
	uint64_t first, last;

	assert_int_equal(value_range("3-10", 1, 10, &first, &last), 0);
	assert_int_equal(first, 3);
	assert_int_equal(last, 10);
	assert_int_equal(value_range("4", 1, 10, &first, &last), 0);
	assert_int_equal(first, 4);
	assert_int_equal(last, 4);
	for (unsigned int i = 0; i < ARRAY_SIZE(wrong); i++)
		assert_int_equal(value_range(wrong[i], 1, 10, &first, &last), -EINVAL);
}

static void test_rate(void **state)
{
	static const struct {
		const char *text;
		double value;
		bool bits;
	} right[] = {
		{ "1000", 1000, false },     { "0", 0, false },		{ "250pps", 250, false },
		{ "1.5Mpps", 1.5e6, false }, { "3kpps", 3000, false },	{ "500mbit", 5e8, true },
		{ "2.5Gbit", 2.5e9, true },  { "64kbit", 64000, true },
	};
	static const char *const wrong[] = { "",    "fast", "-1",   "1 Mpps", "1mpps!",
					     "nan", "inf",  "0x10", "1e30",   "Mpps" };
	double value;
	bool bits;

	for (unsigned int i = 0; i < ARRAY_SIZE(right); i++) {
		assert_int_equal(value_rate(right[i].text, &value, &bits), 0);
		assert_true(value == right[i].value && bits == right[i].bits);
	}
	for (unsigned int i = 0; i < ARRAY_SIZE(wrong); i++)
		assert_int_equal(value_rate(wrong[i], &value, &bits), -EINVAL);
}

static void test_seconds_and_choice(void **state)
{
	static const char *const names[] = { "try", "huge", NULL };
	double value;

	assert_int_equal(value_seconds("2.5", &value), 0);
	assert_true(value == 2.5);
	assert_int_equal(value_seconds("2s", &value), -EINVAL);
	assert_int_equal(value_seconds("inf", &value), -EINVAL);
	assert_int_equal(value_seconds("99999999999", &value), -EINVAL);
	assert_int_equal(value_choice("huge", names), 1);
	assert_int_equal(value_choice("hug", names), -EINVAL);
	assert_int_equal(value_choice("", names), -EINVAL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_number),
		cmocka_unit_test(test_list),
		cmocka_unit_test(test_range),
		cmocka_unit_test(test_rate),
		cmocka_unit_test(test_seconds_and_choice),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
