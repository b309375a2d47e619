// SPDX-License-Identifier: BSD-3-Clause
/*
 * test_run.c - the program as a user runs it, against a daemon of the test's own: what it exits with.
 */
#include <fcntl.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include "../vf/card.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#define DONE 0
#define FAILED 1

/* Sink for a moment, with the summary going to @output. Return: exit status. */
static int sink(const char *address, const char *output, const char *format)
{
	pid_t pid = fork();
	int status;

	assert_true(pid >= 0);
	if (!pid) {
		int fd = open(output, O_WRONLY), quiet = open("/dev/null", O_WRONLY);

		dup2(fd, STDOUT_FILENO);
		dup2(quiet, STDERR_FILENO);
		execl(PKTGEN, PKTGEN, "rx", "--duration", "0.1", address, format, NULL);
		_exit(127);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFEXITED(status));
	return WEXITSTATUS(status);
}

static void test_summary(void **state)
{
	const char *address = card_vf(*state, 0);

	assert_int_equal(sink(address, "/dev/null", NULL), DONE);
	assert_int_equal(sink(address, "/dev/null", "--json"), DONE);
	assert_int_equal(sink(address, "/dev/full", NULL), FAILED);
	assert_int_equal(sink(address, "/dev/full", "--json"), FAILED);
}

static void test_nobody_there(void **state)
{
	assert_int_equal(sink("unix:/nonexistent/vf.sock", "/dev/null", NULL), FAILED);
}

#define WITH_CARD(test) cmocka_unit_test_setup_teardown(test, card_setup, card_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = { WITH_CARD(test_summary),
					    cmocka_unit_test(test_nobody_there) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}
