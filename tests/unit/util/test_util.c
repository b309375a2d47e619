/* SPDX-License-Identifier: BSD-3-Clause */
/* test_util.c - refusals, MAC addresses, memory files, the log's lines and its rate limit. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <fcntl.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "util/bdf.h"
#include "util/log.h"
#include "util/util.h"

static void test_refuse(void **state)
{
	struct reason why;

	assert_int_equal(refuse(&why, -EBUSY, "vf %d is assigned to %s", 3, "web"), -EBUSY);
	assert_string_equal(why.text, "vf 3 is assigned to web");
	assert_int_equal(refuse(NULL, -EINVAL, "nobody asked"), -EINVAL);
	refuse(&why, -EINVAL, "%0400d", 0);
	assert_int_equal(strlen(why.text), sizeof(why.text) - 1);
}

/* What cannot be told as it is is told as well as it can be. */
static void test_repair(void **state)
{
	static const struct {
		const char *text, *repaired;
	} cases[] = {
		{ "", "" },
		{ "/srv/\xe7\xbd\x91\xe5\x8d\xa1.img", "/srv/\xe7\xbd\x91\xe5\x8d\xa1.img" },
		{ "\xc3\xa4\xf0\x9f\x98\x80", "\xc3\xa4\xf0\x9f\x98\x80" },
		{ "a\xe7\xbd", "a" }, /* cut off */
		{ "a\xf0\x9f\x98", "a" },
		{ "a\xffz", "a?z" },
		{ "a\x80z", "a?z" },
		{ "a\xe7z\xbdz", "a?z?z" },
		{ "\xc0\xaf", "??" },		/* overlong */
		{ "\xe0\x80\xaf", "???" },	/* overlong */
		{ "\xed\xa0\x80", "???" },	/* half of a surrogate pair */
		{ "\xf4\x90\x80\x80", "????" }, /* above U+10FFFF */
	};

	for (unsigned int i = 0; i < ARRAY_SIZE(cases); i++) {
		char text[32];

		strcpy(text, cases[i].text);
		text_repair(text);
		assert_string_equal(text, cases[i].repaired);
	}
}

/* A long name is cut between two characters, wherever that is. */
static void test_refuse_cuts_characters(void **state)
{
	struct reason why;
	char name[400];

	for (unsigned int shift = 0; shift < 3; shift++) {
		memset(name, 'a', shift);
		for (unsigned int i = shift; i + 3 < sizeof(name); i += 3)
			strcpy(name + i, "\xe7\xbd\x91");
		refuse(&why, 0, "%s", name);
		assert_int_equal((strlen(why.text) - shift) % 3, 0);
		assert_true(strlen(why.text) > sizeof(why.text) - 4);
	}
}

/* Keys of the inventory and names in sysfs have one spelling. */
static void test_bdf_is_canonical(void **state)
{
	static const char *const others[] = {
		"",
		"0000:07:10",
		"07:10.0",
		"0000:07:10.8",
		"0000:07:20.0",
		"0000:07:1F.0",
		"0000:07:10.0 ",
		" 0000:07:10.0",
		"000:07:10.0",
		"0000:7:10.0",
		"0000:07:10.00",
		"0000:07:10,0",
		"00000:07:10.0",
		"0000:-7:10.0",
		"0000:0x:10.0",
	};

	assert_true(bdf_is_canonical("0000:07:10.0"));
	assert_true(bdf_is_canonical("abcd:ff:1f.7"));
	assert_false(bdf_is_canonical(NULL));
	for (unsigned int i = 0; i < ARRAY_SIZE(others); i++)
		assert_false(bdf_is_canonical(others[i]));
}

static void test_mac(void **state)
{
	static const char *const bad[] = { "",
					   "52:54:00:12:34",
					   "52:54:00:12:34:5",
					   "52:54:00:12:34:56:",
					   "52:54:00:12:34:5g",
					   "52-54-00-12-34-56",
					   "5254:00:12:34:56:",
					   " 2:54:00:12:34:56" };
	const uint8_t expected[ETH_ALEN] = { 0x52, 0x54, 0x00, 0xab, 0xCD, 0xef };
	uint8_t mac[ETH_ALEN];
	char text[18];

	assert_int_equal(mac_parse("52:54:00:aB:Cd:ef", mac), 0);
	assert_memory_equal(mac, expected, ETH_ALEN);
	assert_string_equal(mac_format(mac, text), "52:54:00:ab:cd:ef");
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++)
		assert_int_equal(mac_parse(bad[i], mac), -EINVAL);
	assert_int_equal(mac_parse(NULL, mac), -EINVAL);
	assert_memory_equal(mac, expected, ETH_ALEN);
}

static void test_bytes(void **state)
{
	uint8_t bytes[9] = { 0 };

	put_le32(bytes + 1, 0x11223344);
	assert_int_equal(bytes[1], 0x44);
	assert_int_equal(get_le16(bytes + 1), 0x3344);
	assert_int_equal(get_be32(bytes + 1), 0x44332211);
	put_be16(bytes + 1, 0x0806);
	assert_int_equal(bytes[1], 0x08);
	assert_int_equal(get_be16(bytes + 1), 0x0806);
	assert_int_equal(ALIGN_UP(4097, 4096), 8192);
}

/* An argument that changes between two reads must be read once. */
static void test_min_max(void **state)
{
	int reads = 0;

	assert_int_equal(MIN(++reads, 5), 1);
	assert_int_equal(MAX(++reads, MIN(1, 0)), 2);
	assert_int_equal(reads, 2);
}

static void test_memfile(void **state)
{
	uint8_t *memory;
	int fd;

	memory = memfile_create("softiov-test", 8192, true, &fd);
	assert_non_null(memory);
	assert_int_equal(fcntl(fd, F_GETFD) & FD_CLOEXEC, FD_CLOEXEC);
	memory[8191] = 1;
	assert_int_equal(ftruncate(fd, 4096), -1);
	assert_int_equal(ftruncate(fd, 16384), -1);
	assert_int_equal(fcntl(fd, F_ADD_SEALS, F_SEAL_WRITE), -1);
	munmap(memory, 8192);
	close(fd);

	memory = memfile_create("softiov-test", 8192, false, &fd);
	assert_non_null(memory);
	assert_int_equal(ftruncate(fd, 16384), 0);
	munmap(memory, 8192);
	close(fd);

	assert_null(memfile_create("softiov-test", 0, false, &fd));
	assert_int_equal(fd, -1);
}

/* What log_message() wrote, with stderr turned into a pipe. */
static void log_capture(char *text, size_t size, enum log_level level, const char *message)
{
	int saved = dup(STDERR_FILENO), pipe_fd[2];
	ssize_t len;

	assert_int_equal(pipe(pipe_fd), 0);
	dup2(pipe_fd[1], STDERR_FILENO);
	errno = ENOTTY;
	log_message(level, "%s", message);
	assert_int_equal(errno, ENOTTY);
	dup2(saved, STDERR_FILENO);
	close(saved);
	close(pipe_fd[1]);
	len = read(pipe_fd[0], text, size - 1);
	close(pipe_fd[0]);
	text[len < 0 ? 0 : len] = '\0';
}

static void test_log(void **state)
{
	static char huge[4000];
	char text[4096];

	unsetenv("JOURNAL_STREAM");
	log_capture(text, sizeof(text), LOG_LEVEL_ERROR, "a guest says \n\x1b[31m hello");
	assert_string_equal(text, "error: a guest says ??[31m hello\n");
	log_capture(text, sizeof(text), LOG_LEVEL_DEBUG, "hidden");
	assert_string_equal(text, "");
	log_set_level(LOG_LEVEL_DEBUG);
	log_capture(text, sizeof(text), LOG_LEVEL_DEBUG, "shown");
	assert_string_equal(text, "debug: shown\n");
	memset(huge, 'x', sizeof(huge) - 1);
	log_capture(text, sizeof(text), LOG_LEVEL_WARNING, huge);
	assert_in_range(strlen(text), 1000, 1024);
	assert_int_equal(text[strlen(text) - 1], '\n');
	setenv("JOURNAL_STREAM", "8:1", 1);
	log_capture(text, sizeof(text), LOG_LEVEL_INFO, "started");
	assert_string_equal(text, "<6>started\n");
	unsetenv("JOURNAL_STREAM");
}

static void test_ratelimit(void **state)
{
	struct log_limit limit = { 0 };
	int passed = 0;

	for (int i = 0; i < 1000; i++)
		passed += log_ratelimit(&limit);
	assert_int_equal(passed, 10);
	limit.window_start_ns -= 11 * NSEC_PER_SEC;
	assert_true(log_ratelimit(&limit));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_refuse),
		cmocka_unit_test(test_repair),
		cmocka_unit_test(test_refuse_cuts_characters),
		cmocka_unit_test(test_bdf_is_canonical),
		cmocka_unit_test(test_mac),
		cmocka_unit_test(test_bytes),
		cmocka_unit_test(test_min_max),
		cmocka_unit_test(test_memfile),
		cmocka_unit_test(test_log),
		cmocka_unit_test(test_ratelimit),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
