// SPDX-License-Identifier: BSD-3-Clause
/*
 * test_echo.c - docs/examples/echo.c does what it says: a program with nothing but the public headers and the shared
 * library, in a process of its own.
 */
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "pair.h"
#include "util/util.h"

#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>

#define FRAMES 200
#define LEN_MAX 1514
#define LINE_MAX_BYTES 512

/** struct program - the example running; what it writes to standard error comes through @output. */
struct program {
	pid_t pid;
	FILE *output;
};

static void program_start(struct program *program, const char *address)
{
	int pipe_fd[2];

	assert_int_equal(pipe(pipe_fd), 0);
	program->pid = fork();
	assert_true(program->pid >= 0);
	if (!program->pid) {
		dup2(pipe_fd[1], STDERR_FILENO);
		execl(ECHO, ECHO, address, NULL);
		_exit(127);
	}
	close(pipe_fd[1]);
	program->output = fdopen(pipe_fd[0], "r");
	assert_non_null(program->output);
}

/* The program ends by itself, with status 1 and one line. */
static void program_ends(struct program *program, char *line)
{
	int status;

	assert_non_null(fgets(line, LINE_MAX_BYTES, program->output));
	assert_int_equal(fgetc(program->output), EOF);
	fclose(program->output);
	assert_int_equal(waitpid(program->pid, &status, 0), program->pid);
	assert_true(WIFEXITED(status));
	assert_int_equal(WEXITSTATUS(status), 1);
}

static void program_kill(struct program *program)
{
	kill(program->pid, SIGTERM);
	assert_int_equal(waitpid(program->pid, NULL, 0), program->pid);
	fclose(program->output);
}

/* Its address is the administrator's, see card.h. */
static struct end echo;

static int set_up(void **state)
{
	echo = (struct end){ .info.mac = { 0x52, 0x54, 0, 0, 0, 0x22 } };
	return card_setup(state);
}

/* The first frame, which comes back more than once. */
static void fill_first(uint8_t *frame, const struct end *end)
{
	frame_fill(frame, PAIR_MIN_LEN, end, &echo, 0);
}

/* Has one come back from the address that the program has now? Others are of no interest. */
static bool came_back(struct end *end)
{
	struct softiov_packet packet;
	bool now = false;

	while (!now && softiov_rx_burst(end->queue, &packet, 1)) {
		now = !memcmp((uint8_t *)packet.data + ETH_ALEN, echo.info.mac, ETH_ALEN);
		softiov_pool_put(end->pool, packet.data);
	}
	return now;
}

/* Until the program has its VF frames to it are lost. */
static void await_first_echo(struct end *end)
{
	uint64_t end_ns = now_ns() + PAIR_PATIENCE_NS;
	const struct softiov_packet plain = { 0 };
	uint8_t frame[PAIR_MIN_LEN];

	fill_first(frame, end);
	do {
		assert_true(now_ns() < end_ns);
		send_bytes(end, frame, sizeof(frame), sizeof(frame), &plain);
		usleep(1000);
	} while (!came_back(end));
}

static uint32_t receive_other(struct end *end, uint8_t *frame)
{
	struct softiov_packet packet;
	uint8_t first[PAIR_MIN_LEN];
	uint32_t len;

	fill_first(first, end);
	do
		len = receive_bytes(end, frame, LEN_MAX, &packet);
	while (len == sizeof(first) && !memcmp(frame + 12, first + 12, sizeof(first) - 12));
	return len;
}

static void expect_echoes(struct end *end)
{
	const struct softiov_packet plain = { 0 };
	uint8_t sent[LEN_MAX], back[LEN_MAX];

	for (uint32_t i = 1; i <= FRAMES; i++) {
		uint32_t len = PAIR_MIN_LEN + i * 7 % (LEN_MAX - PAIR_MIN_LEN + 1);

		frame_fill(sent, len, end, &echo, i);
		send_bytes(end, sent, len, len, &plain);
		assert_int_equal(receive_other(end, back), len);
		assert_memory_equal(back, sent + 6, 6);
		assert_memory_equal(back + 6, sent, 6);
		assert_memory_equal(back + 12, sent + 12, len - 12);
	}
}

static void frames_come_back(void **state)
{
	struct softiov_pool *pool;
	struct program program;
	struct end end;

	assert_int_equal(softiov_pool_create(&pool, NULL, NULL), 0);
	end_open(&end, *state, 0, pool, NULL, 0);
	program_start(&program, card_vf(*state, 2));
	await_first_echo(&end);
	expect_echoes(&end);
	program_kill(&program);
	end_close(&end);
	softiov_pool_destroy(pool);
}

/* The change withdrew "clear to send" before it was answered; the VF's new start brings it back. */
static void await_restart(const struct card *card)
{
	uint64_t end_ns = now_ns() + PAIR_PATIENCE_NS;

	while (!card_clear_to_send(card, 2)) {
		assert_true(now_ns() < end_ns);
		usleep(1000);
	}
}

/* The administrator's change resets the VF of a program that knows nothing of it. */
static void frames_come_back_after_a_reset(void **state)
{
	static const char *const addresses[] = { "52:54:00:00:00:44", "52:54:00:00:00:45" };
	struct softiov_pool *pool;
	struct program program;
	struct end end;

	assert_int_equal(softiov_pool_create(&pool, NULL, NULL), 0);
	end_open(&end, *state, 0, pool, NULL, 0);
	program_start(&program, card_vf(*state, 2));
	await_first_echo(&end);
	for (unsigned int i = 0; i < ARRAY_SIZE(addresses); i++) {
		assert_int_equal(CARD_ADMIN(*state, "vf", "set", "0000:07:00.0", "vf", "2", "mac",
					    addresses[i]),
				 0);
		assert_int_equal(mac_parse(addresses[i], echo.info.mac), 0);
		await_restart(*state);
		await_first_echo(&end);
		expect_echoes(&end);
	}
	program_kill(&program);
	end_close(&end);
	softiov_pool_destroy(pool);
}

static void it_says_why_it_ends(void **state)
{
	struct softiov_pool *pool;
	struct program program;
	char line[LINE_MAX_BYTES];
	struct end end;

	program_start(&program, "tcp:1");
	program_ends(&program, line);
	assert_string_equal(line,
			    "echo: tcp:1: not an address: unix:PATH or vfio:DDDD:BB:DD.F is\n");

	assert_int_equal(softiov_pool_create(&pool, NULL, NULL), 0);
	end_open(&end, *state, 0, pool, NULL, 0);
	program_start(&program, card_vf(*state, 0));
	program_ends(&program, line);
	assert_non_null(strstr(line, "another driver has it\n"));

	program_start(&program, card_vf(*state, 2));
	await_first_echo(&end);
	end_close(&end);
	softiov_pool_destroy(pool);
	card_signal(*state, SIGKILL);
	card_died(*state);
	program_ends(&program, line);
	assert_non_null(strstr(line, "SOFTIOV_ERR_GONE\n"));
}

#define TEST(test) cmocka_unit_test_setup_teardown(test, set_up, card_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(frames_come_back),
		TEST(frames_come_back_after_a_reset),
		TEST(it_says_why_it_ends),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
