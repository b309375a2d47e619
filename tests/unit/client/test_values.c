/* SPDX-License-Identifier: BSD-3-Clause */
/* test_values.c - the words for sizes, counts and disks. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <cmocka.h>

#include "client/client.h"

static void test_sizes(void **state)
{
	static const struct {
		const char *text;
		uint64_t bytes;
	} good[] = {
		{ "1", 1 },
		{ "536870912", 512ull << 20 },
		{ "512M", 512ull << 20 },
		{ "512MiB", 512ull << 20 },
		{ "3K", 3072 },
		{ "2GiB", 2ull << 30 },
		{ "1T", 1ull << 40 },
	};
	static const char *const bad[] = {
		"",
		"M",
		"-1",
		"1.5G",
		"512 M",
		"512MB",
		"512m",
		"1GG",
		"1GiBx",
		"lots",
		"0x10",
		"99999999999999999999",
		"9000000000000T",
		"9223372036854775808",
	};
	uint64_t bytes;

	for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
		assert_int_equal(client_parse_size(good[i].text, &bytes), 0);
		assert_int_equal(bytes, good[i].bytes);
	}
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		bytes = 7;
		assert_int_equal(client_parse_size(bad[i], &bytes), -EINVAL);
		assert_int_equal(bytes, 7);
	}
}

static void test_counts(void **state)
{
	static const char *const bad[] = { "", "0", "-1", "+1", "2x", " 1", "4294967296", "two" };
	unsigned int count;

	assert_int_equal(client_parse_count("1", &count), 0);
	assert_int_equal(count, 1);
	assert_int_equal(client_parse_count("288", &count), 0);
	assert_int_equal(count, 288);
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		assert_int_equal(client_parse_count(bad[i], &count), -EINVAL);
}

static void check_disk(const char *text, const char *shown)
{
	json_t *disk = client_parse_disk(text);
	char *back;

	assert_non_null(disk);
	back = client_format_disk(disk);
	assert_string_equal(back, shown);
	free(back);
	json_decref(disk);
}

static void test_disks(void **state)
{
	static const char *const bad[] = { "", ",ro", "/a,rw", "/a,format=vmdk", "/a,", "/a,ro,x" };

	check_disk("/a", "/a,format=raw");
	check_disk("/a b,ro", "/a b,format=raw,ro");
	check_disk("/a,format=qcow2", "/a,format=qcow2");
	check_disk("/a,ro,format=qcow2", "/a,format=qcow2,ro");
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		assert_null(client_parse_disk(bad[i]));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_sizes),
		cmocka_unit_test(test_counts),
		cmocka_unit_test(test_disks),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
