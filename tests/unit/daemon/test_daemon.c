/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * test_daemon.c - the program as a whole: what a configuration file comes to, and its end, which must be clean
 * whatever is under way. Workers that never nap are the hard case: every grace period takes time.
 */
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "util/util.h"

#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>

#define START_S 20
#define ANSWER_BYTES (1u << 20)

static const char config_text[] =
	"idle: { always-busy: on }\n"
	"cards:\n"
	"  - address: \"0000:07\"\n"
	"    ports:\n"
	"      - uplink: none\n"
	"        pfs:\n"
	"          - vfs: 4\n"
	"            netdev: none\n"
	"            vf: { 1: { mac: \"52:54:00:00:00:33\", vlan: 100, trust: on } }\n";

struct daemon {
	char dir[64], config[96], socket[96];
	pid_t pid;
};

static int connect_to(const struct daemon *d)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	assert_true(fd >= 0);
	snprintf(address.sun_path, sizeof(address.sun_path), "%s", d->socket);
	if (!connect(fd, (struct sockaddr *)&address, sizeof(address)))
		return fd;
	close(fd);
	return -1;
}

static void say(int fd, const char *method, const char *path, const char *body)
{
	char text[512];
	int len = snprintf(
		text, sizeof(text),
		"%s %s HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Length: %zu\r\n\r\n%s",
		method, path, strlen(body), body);

	assert_int_equal(send(fd, text, (size_t)len, MSG_NOSIGNAL), len);
}

/* Return: the whole answer, to be freed. */
static char *hear(int fd)
{
	char *text = calloc(1, ANSWER_BYTES);
	size_t used = 0;
	ssize_t n;

	assert_non_null(text);
	while ((n = read(fd, text + used, ANSWER_BYTES - 1 - used)) > 0)
		used += (size_t)n;
	close(fd);
	return text;
}

static int daemon_start(void **state)
{
	struct daemon *d = calloc(1, sizeof(*d));
	FILE *file;

	assert_non_null(d);
	strcpy(d->dir, "/tmp/test-softiovd-XXXXXX");
	assert_non_null(mkdtemp(d->dir));
	snprintf(d->config, sizeof(d->config), "%s/config.yaml", d->dir);
	snprintf(d->socket, sizeof(d->socket), "%s/softiov.sock", d->dir);
	file = fopen(d->config, "w");
	assert_non_null(file);
	assert_true(fputs(config_text, file) >= 0);
	assert_int_equal(fclose(file), 0);

	d->pid = fork();
	assert_true(d->pid >= 0);
	if (!d->pid) {
		execl(SOFTIOVD, SOFTIOVD, "--log-level", "error", "--run-dir", d->dir, "--config",
		      d->config, NULL);
		_exit(127);
	}
	*state = d;
	return 0;
}

/* A call that is answered by the device thread: the cards are there. */
static char *show(const struct daemon *d)
{
	uint64_t end = now_ns() + START_S * NSEC_PER_SEC;
	int fd;

	while ((fd = connect_to(d)) < 0) {
		assert_int_equal(waitpid(d->pid, NULL, WNOHANG), 0);
		assert_true(now_ns() < end);
		poll(NULL, 0, 5);
	}
	say(fd, "GET", "/v1/show", "");
	return hear(fd);
}

/* The VFs exist: the PF driver is up. */
static void wait_for_vfs(const struct daemon *d)
{
	uint64_t end = now_ns() + START_S * NSEC_PER_SEC;
	char *tree = show(d);

	while (!strstr(tree, "\"vf\": 3")) {
		free(tree);
		assert_true(now_ns() < end);
		tree = show(d);
	}
	free(tree);
}

static void expect_clean_end(const struct daemon *d)
{
	int status;

	assert_int_equal(waitpid(d->pid, &status, 0), d->pid);
	assert_true(WIFEXITED(status));
	assert_int_equal(WEXITSTATUS(status), 0);
	assert_int_equal(access(d->socket, F_OK), -1);
}

/* What is kept on purpose: the inventory, one file, in the directory that is its place by default. */
static void remove_inventory(const struct daemon *d)
{
	char path[128];

	snprintf(path, sizeof(path), "%s/inventory/inventory.db", d->dir);
	assert_int_equal(unlink(path), 0);
	*strrchr(path, '/') = '\0';
	assert_int_equal(rmdir(path), 0);
}

static int daemon_clean_up(void **state)
{
	struct daemon *d = *state;

	kill(d->pid, SIGKILL);
	waitpid(d->pid, NULL, 0);
	unlink(d->config);
	remove_inventory(d);
	assert_int_equal(rmdir(d->dir), 0); /* nothing else was left behind */
	free(d);
	return 0;
}

static void policy_of_the_file(void **state)
{
	struct daemon *d = *state;
	char *tree;

	wait_for_vfs(d);
	tree = show(d);
	assert_non_null(strstr(tree, "\"mac\": \"52:54:00:00:00:33\""));
	assert_non_null(strstr(tree, "\"vlan\": 100"));
	assert_non_null(strstr(tree, "\"trust\": true"));
	free(tree);
	kill(d->pid, SIGTERM);
	expect_clean_end(d);
}

/* A refused change leaves nothing of itself, whatever else it asked for. */
static void all_or_nothing(void **state)
{
	struct daemon *d = *state;
	uint64_t end = now_ns() + START_S * NSEC_PER_SEC;
	char *answer = NULL;

	do { /* until the VFs are there */
		int fd;

		free(answer);
		assert_true(now_ns() < end);
		free(show(d));
		fd = connect_to(d);
		say(fd, "PATCH", "/v1/pf/0000:07:00.0/vf/2",
		    "{\"vlan\": 345, \"mac\": \"52:54:00:00:00:33\"}");
		answer = hear(fd);
	} while (strstr(answer, "has no VF"));
	assert_non_null(strstr(answer, "is already assigned to VF 1"));
	free(answer);
	answer = show(d);
	assert_null(strstr(answer, "\"vlan\": 345"));
	free(answer);
	kill(d->pid, SIGTERM);
	expect_clean_end(d);
}

/* VFs are being changed and the tree is being told when the word to stop comes. */
static void ends_in_the_middle(void **state)
{
	struct daemon *d = *state;
	int fd[4];

	free(show(d));
	for (unsigned int i = 0; i < ARRAY_SIZE(fd); i++) {
		fd[i] = connect_to(d);
		assert_true(fd[i] >= 0);
	}
	say(fd[0], "PATCH", "/v1/pf/0000:07:00.0", "{\"numvfs\": 32}");
	say(fd[1], "POST", "/v1/stop", "{}");
	say(fd[2], "GET", "/v1/show", "");
	say(fd[3], "PATCH", "/v1/pf/0000:07:00.0", "{\"numvfs\": 8}");
	for (unsigned int i = 0; i < ARRAY_SIZE(fd); i++)
		free(hear(fd[i]));
	expect_clean_end(d);
}

static void set_mode(const struct daemon *d, const char *body, const char *answer)
{
	int fd = connect_to(d);
	char *said;

	assert_true(fd >= 0);
	say(fd, "PATCH", "/v1/card/0000:07", body);
	said = hear(fd);
	if (!strstr(said, answer))
		fail_msg("%s: %s", body, said);
	free(said);
}

static void changes_hands(void **state)
{
	struct daemon *d = *state;
	char *tree;

	free(show(d)); /* and at once: its PF is just coming up */
	for (unsigned int i = 0; i < 3; i++) {
		set_mode(d, "{\"mode\": \"vm\"}", "\"ok\": true");
		tree = show(d);
		assert_non_null(strstr(tree, "\"mode\": \"vm\""));
		assert_non_null(strstr(tree, "/card-0000:07.sock"));
		assert_null(strstr(tree, "\"vf\": 0"));
		free(tree);
		set_mode(d, "{\"mode\": \"host\"}", "\"ok\": true");
		tree = show(d);
		assert_non_null(strstr(tree, "\"mode\": \"host\""));
		assert_non_null(strstr(tree, "\"mac\": \"52:54:00:00:00:33\""));
		assert_non_null(strstr(tree, "\"vf\": 3"));
		free(tree);
	}
	kill(d->pid, SIGTERM);
	expect_clean_end(d);
}

/* The word to stop comes while the card changes hands; the change is answered all the same. */
static void ends_between_hands(struct daemon *d, const char *mode)
{
	int fd[3];

	for (unsigned int i = 0; i < ARRAY_SIZE(fd); i++) {
		fd[i] = connect_to(d);
		assert_true(fd[i] >= 0);
	}
	say(fd[0], "PATCH", "/v1/card/0000:07", mode);
	say(fd[1], "PATCH", "/v1/card/0000:07", "{\"mode\": \"vm\"}");
	say(fd[2], "POST", "/v1/stop", "{}");
	for (unsigned int i = 0; i < ARRAY_SIZE(fd); i++) {
		char *answer = hear(fd[i]);

		assert_non_null(strstr(answer, "HTTP/1.1 "));
		free(answer);
	}
	expect_clean_end(d);
}

static void ends_on_the_way_to_a_vm(void **state)
{
	wait_for_vfs(*state);
	ends_between_hands(*state, "{\"mode\": \"vm\"}");
}

static void ends_on_the_way_back(void **state)
{
	wait_for_vfs(*state);
	set_mode(*state, "{\"mode\": \"vm\"}", "\"ok\": true");
	ends_between_hands(*state, "{\"mode\": \"host\"}");
}

#define DAEMON_TEST(test) cmocka_unit_test_setup_teardown(test, daemon_start, daemon_clean_up)

int main(void)
{
	const struct CMUnitTest tests[] = {
		DAEMON_TEST(policy_of_the_file),      DAEMON_TEST(all_or_nothing),
		DAEMON_TEST(ends_in_the_middle),      DAEMON_TEST(ends_in_the_middle),
		DAEMON_TEST(ends_in_the_middle),      DAEMON_TEST(ends_in_the_middle),
		DAEMON_TEST(changes_hands),	      DAEMON_TEST(ends_on_the_way_to_a_vm),
		DAEMON_TEST(ends_on_the_way_to_a_vm), DAEMON_TEST(ends_on_the_way_back),
		DAEMON_TEST(ends_on_the_way_back),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
