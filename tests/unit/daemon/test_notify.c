/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * test_notify.c - a service manager's end of the socket: what the messages say, what happens when they find its queue full,
 * and what the whole daemon says from start to end.
 */
#include <event2/event.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "daemon/notify.h"
#include "util/util.h"

#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>

#define WAIT_MS 20000

/** struct manager - @path: of the socket; @dir: where it is, and where a daemon may have its own */
struct manager {
	int fd;
	char dir[64], path[96];
};

static void bind_to(struct manager *m, const char *name, socklen_t length)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };

	memcpy(address.sun_path, name, length);
	m->fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	assert_true(m->fd >= 0);
	assert_int_equal(bind(m->fd, (struct sockaddr *)&address,
			      (socklen_t)(offsetof(struct sockaddr_un, sun_path) + length)),
			 0);
}

static int set_up(void **state)
{
	struct manager *m = calloc(1, sizeof(*m));

	assert_non_null(m);
	strcpy(m->dir, "/tmp/test-notify-XXXXXX");
	assert_non_null(mkdtemp(m->dir));
	snprintf(m->path, sizeof(m->path), "%s/notify", m->dir);
	bind_to(m, m->path, (socklen_t)strlen(m->path));
	assert_int_equal(setenv("NOTIFY_SOCKET", m->path, 1), 0);
	unsetenv("WATCHDOG_USEC");
	unsetenv("WATCHDOG_PID");
	*state = m;
	return 0;
}

static int tear_down(void **state)
{
	struct manager *m = *state;

	char command[96];

	close(m->fd);
	snprintf(command, sizeof(command), "rm -r %s", m->dir); /* with what a daemon kept there */
	assert_int_equal(system(command), 0);
	free(m);
	return 0;
}

/* The next message; "": none came in time. */
static const char *hear(struct manager *m, int wait_ms)
{
	static char text[512];
	struct pollfd pollfd = { .fd = m->fd, .events = POLLIN };
	ssize_t n = 0;

	if (poll(&pollfd, 1, wait_ms) == 1)
		n = recv(m->fd, text, sizeof(text) - 1, MSG_DONTWAIT);
	text[n > 0 ? n : 0] = '\0';
	return text;
}

static void test_words(void **state)
{
	struct manager *m = *state;
	struct notify n = { 0 };

	notify_open(&n);
	assert_null(getenv("NOTIFY_SOCKET")); /* of no use to children */
	assert_int_equal(n.period_us, 0);
	notify_status(&n, "cards: %d", 1);
	assert_string_equal(hear(m, WAIT_MS), "STATUS=cards: 1");
	notify_status(&n, "cards: %d", 1);
	notify_ready(&n);
	notify_ready(&n);
	assert_string_equal(hear(m, WAIT_MS), "READY=1");
	notify_status(&n, "cards: %d", 2);
	assert_string_equal(hear(m, WAIT_MS), "STATUS=cards: 2");
	notify_stopping(&n);
	assert_string_equal(hear(m, WAIT_MS), "STOPPING=1");
	assert_string_equal(hear(m, 0), "");
	notify_close(&n);
}

static void test_abstract(void **state)
{
	struct manager *m = *state, other;
	struct notify n = { 0 };
	char name[64];

	snprintf(name, sizeof(name), "@test-notify-%d", getpid());
	assert_int_equal(setenv("NOTIFY_SOCKET", name, 1), 0);
	name[0] = '\0';
	bind_to(&other, name, (socklen_t)(1 + strlen(name + 1)));
	notify_open(&n);
	notify_ready(&n);
	assert_string_equal(hear(&other, WAIT_MS), "READY=1");
	assert_string_equal(hear(m, 0), "");
	notify_close(&n);
	close(other.fd);
}

static void test_nobody(void **state)
{
	static const char *const names[] = { NULL, "", "@", "relative", "vsock:2:1234" };

	(void)state;
	for (unsigned int i = 0; i < ARRAY_SIZE(names); i++) {
		struct notify n = { 0 };

		if (names[i])
			setenv("NOTIFY_SOCKET", names[i], 1);
		else
			unsetenv("NOTIFY_SOCKET");
		notify_open(&n);
		assert_int_equal(n.fd, -1);
		assert_int_equal(notify_watch(&n, NULL), 0);
		notify_ready(&n);
		notify_status(&n, "nobody hears");
		notify_close(&n);
	}
}

static void test_watchdog(void **state)
{
	struct manager *m = *state;
	struct event_base *base = event_base_new();
	struct notify n = { 0 };
	char other[16];

	assert_non_null(base);
	setenv("WATCHDOG_USEC", "20000", 1);
	snprintf(other, sizeof(other), "%d", getppid());
	setenv("WATCHDOG_PID", other, 1);
	notify_open(&n);
	assert_int_equal(n.period_us, 0); /* somebody else is watched */
	notify_close(&n);

	setenv("NOTIFY_SOCKET", m->path, 1);
	setenv("WATCHDOG_USEC", "20000", 1);
	notify_open(&n);
	assert_int_equal(n.period_us, 10000);
	assert_int_equal(notify_watch(&n, base), 0);
	assert_string_equal(hear(m, 50), ""); /* the loop does not turn */
	for (unsigned int i = 0; i < 3; i++) {
		event_base_loop(base, EVLOOP_ONCE);
		assert_string_equal(hear(m, WAIT_MS), "WATCHDOG=1");
	}
	notify_close(&n);
	event_base_free(base);
}

static void test_full_queue(void **state)
{
	struct manager *m = *state;
	struct event_base *base = event_base_new();
	struct notify n = { 0 };
	unsigned int i;

	assert_non_null(base);
	notify_open(&n);
	assert_int_equal(notify_watch(&n, base), 0);
	for (i = 0; i < 100000 && !n.unsent; i++)
		notify_status(&n, "%u", i);
	assert_true(n.unsent);
	notify_ready(&n);
	notify_status(&n, "the last");
	while (hear(m, 0)[0])
		;
	event_base_loop(base, EVLOOP_ONCE);
	assert_string_equal(hear(m, WAIT_MS), "WATCHDOG=1\nREADY=1\nSTATUS=the last");
	assert_false(n.unsent);
	assert_int_equal(event_base_loop(base, EVLOOP_NONBLOCK), 1); /* nothing more to do */
	notify_close(&n);
	event_base_free(base);
}

/* The whole daemon: not ready before its sockets are there, watched, and ending in order. */
static void test_daemon(void **state)
{
	static const char config_text[] = "cards: [ { address: \"0000:07\", ports: [ { pfs: [ { "
					  "vfs: 2, netdev: none } ] } ] } ]\n";
	struct manager *m = *state;
	char config[96], socket[96];
	const char *said;
	int status = -1;
	pid_t pid;
	FILE *file;

	snprintf(config, sizeof(config), "%s/config.yaml", m->dir);
	snprintf(socket, sizeof(socket), "%s/softiov.sock", m->dir);
	file = fopen(config, "w");
	assert_non_null(file);
	assert_true(fputs(config_text, file) >= 0);
	assert_int_equal(fclose(file), 0);
	setenv("WATCHDOG_USEC", "200000", 1);
	pid = fork();
	assert_true(pid >= 0);
	if (!pid) {
		execl(SOFTIOVD, SOFTIOVD, "--log-level", "error", "--run-dir", m->dir, "--config",
		      config, NULL);
		_exit(127);
	}
	do
		said = hear(m, WAIT_MS);
	while (!strcmp(said, "WATCHDOG=1"));
	assert_string_equal(said, "STATUS=cards: 1; VFs and cards in use: 0");
	assert_string_equal(hear(m, WAIT_MS), "READY=1");
	assert_int_equal(access(socket, F_OK), 0);
	assert_string_equal(hear(m, WAIT_MS), "WATCHDOG=1");
	assert_int_equal(kill(pid, SIGTERM), 0);
	do
		said = hear(m, WAIT_MS);
	while (!strcmp(said, "WATCHDOG=1"));
	assert_string_equal(said, "STOPPING=1");
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_words, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_abstract, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_nobody, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_watchdog, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_full_queue, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_daemon, set_up, tear_down),
	};

	return cmocka_run_group_tests_name("notify", tests, NULL, NULL);
}
