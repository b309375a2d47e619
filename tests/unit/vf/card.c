// SPDX-License-Identifier: BSD-3-Clause
/* card.c - see card.h */
#include "card.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "util/util.h"

#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>

#define WORDS_MAX 16
#define BYTES_MAX 4096
#define TREE_BYTES (1u << 20)
#define STOP_MS 20

static const char config_text[] = "sysfs: off\n" /* a killed daemon leaves its mount */
				  "cards:\n"
				  "  - address: \"0000:07\"\n"
				  "    ports:\n"
				  "      - uplink: none\n"
				  "        pfs:\n"
				  "          - vfs: 4\n"
				  "            netdev: none\n"
				  "            vf:\n"
				  "              1: { registers: trapped }\n"
				  "              2: { mac: \"52:54:00:00:00:22\", trust: on }\n"
				  "              3: { vlan: 100 }\n";

static void write_config(const struct card *card)
{
	FILE *file = fopen(card->config, "w");

	assert_non_null(file);
	assert_true(fputs(config_text, file) >= 0);
	assert_int_equal(fclose(file), 0);
}

/* The last line of a start says "ready". */
static bool is_ready(const struct card *card)
{
	char text[BYTES_MAX] = { 0 };
	FILE *file = fopen(card->log, "r");
	size_t n = file ? fread(text, 1, sizeof(text) - 1, file) : 0;

	if (file)
		fclose(file);
	return n && strstr(text, "ready: ");
}

static void run(const struct card *card)
{
	int fd = open(card->log, O_WRONLY | O_CREAT | O_APPEND, 0600);

	if (fd < 0 || dup2(fd, STDERR_FILENO) < 0 || dup2(fd, STDOUT_FILENO) < 0)
		_exit(126);
	unsetenv("JOURNAL_STREAM");
	execl(SOFTIOVD, SOFTIOVD, "--run-dir", card->dir, "--config", card->config, NULL);
	_exit(127);
}

int card_setup(void **state)
{
	uint64_t end = now_ns() + CARD_PATIENCE_S * NSEC_PER_SEC;
	struct card *card = calloc(1, sizeof(*card));

	assert_non_null(card);
	strcpy(card->dir, "/tmp/test-softiov-vf-XXXXXX");
	assert_non_null(mkdtemp(card->dir));
	snprintf(card->config, sizeof(card->config), "%s/config.yaml", card->dir);
	snprintf(card->log, sizeof(card->log), "%s/log", card->dir);
	snprintf(card->socket, sizeof(card->socket), "%s/softiov.sock", card->dir);
	write_config(card);
	card->pid = fork();
	assert_true(card->pid >= 0);
	if (!card->pid)
		run(card);
	while (!is_ready(card)) {
		assert_int_equal(waitpid(card->pid, NULL, WNOHANG), 0);
		assert_true(now_ns() < end);
		poll(NULL, 0, 5);
	}
	*state = card;
	return 0;
}

int card_teardown(void **state)
{
	struct card *card = *state;
	char command[128];

	if (card->pid) {
		kill(card->pid, SIGCONT);
		do /* a test that failed left its VFs open: the daemon wants to be told twice */
			kill(card->pid, SIGTERM);
		while (!poll(NULL, 0, STOP_MS) && !waitpid(card->pid, NULL, WNOHANG));
	}
	snprintf(command, sizeof(command), "rm -r %s", card->dir);
	assert_int_equal(system(command), 0);
	free(card);
	return 0;
}

const char *card_vf(struct card *card, unsigned int vf)
{
	snprintf(card->address, sizeof(card->address), "unix:%s/0000:07:%02x.%x.sock", card->dir,
		 0x10 + vf * 2 / 8, vf * 2 % 8);
	return card->address;
}

int card_admin(const struct card *card, const char *const *argv)
{
	const char *words[WORDS_MAX] = { SOFTIOV, "--socket", card->socket };
	unsigned int n = 3;
	int status;
	pid_t pid;

	while (*argv) {
		assert_true(n < WORDS_MAX - 1);
		words[n++] = *argv++;
	}
	pid = fork();
	assert_true(pid >= 0);
	if (!pid) {
		execv(SOFTIOV, (char *const *)(uintptr_t)words);
		_exit(127);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFEXITED(status));
	return WEXITSTATUS(status);
}

bool card_clear_to_send(const struct card *card, unsigned int vf)
{
	static const char said[] = "\"clear_to_send\": ";
	char command[256], number[32];
	static char tree[TREE_BYTES];
	const char *at;
	FILE *output;
	size_t size;

	snprintf(command, sizeof(command), "%s --socket %s show --json", SOFTIOV, card->socket);
	output = popen(command, "r");
	assert_non_null(output);
	size = fread(tree, 1, sizeof(tree) - 1, output);
	assert_int_equal(pclose(output), 0);
	tree[size] = 0;
	snprintf(number, sizeof(number), "\"vf\": %u,", vf);
	at = strstr(tree, number);
	assert_non_null(at);
	at = strstr(at, said);
	assert_non_null(at);
	return !strncmp(at + strlen(said), "true", 4);
}

void card_signal(const struct card *card, int number)
{
	assert_int_equal(kill(card->pid, number), 0);
}

void card_died(struct card *card)
{
	assert_int_equal(waitpid(card->pid, NULL, 0), card->pid);
	card->pid = 0;
}
