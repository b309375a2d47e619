/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * test_qmp.c - the monitor's client against a peer that this test plays: one that speaks QMP in pieces, and several that do not.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <cmocka.h>
#include <event2/event.h>
#include <signal.h>
#include <sys/socket.h>
#include <unistd.h>

#include "vmm/qmp.h"

#define GREETING "{\"QMP\": {\"version\": {}, \"capabilities\": [\"oob\"]}}\r\n"
#define CAPABLE "{\"return\": {}, \"id\": 1}\r\n"
#define SHORT_MS 30

/** struct table - both ends, and what the client was told. @free_in: hang up within that callback. */
struct table {
	struct event_base *base;
	struct qmp *qmp;
	int peer;
	unsigned int ready, events, answers, closes;
	int error;
	char event[32], why[128], result[128];
	enum { NEVER, IN_READY, IN_EVENT, IN_ANSWER, IN_CLOSED } free_in;
};

static void maybe_free(struct table *t, int where)
{
	if ((int)t->free_in != where)
		return;
	qmp_free(t->qmp);
	t->qmp = NULL;
}

static void on_ready(void *ctx)
{
	struct table *t = ctx;

	t->ready++;
	maybe_free(t, IN_READY);
}

static void on_event(void *ctx, const char *name, const json_t *data)
{
	struct table *t = ctx;

	t->events++;
	snprintf(t->event, sizeof(t->event), "%s %s", name,
		 json_string_value(json_object_get(data, "reason")) ?: "-");
	maybe_free(t, IN_EVENT);
}

static void on_closed(void *ctx, const char *why)
{
	struct table *t = ctx;

	t->closes++;
	snprintf(t->why, sizeof(t->why), "%s", why);
	maybe_free(t, IN_CLOSED);
}

static void on_answer(void *ctx, int error, const json_t *result, const char *why)
{
	struct table *t = ctx;
	char *text = result ? json_dumps(result, JSON_COMPACT | JSON_ENCODE_ANY) : NULL;

	t->answers++;
	t->error = error;
	snprintf(t->result, sizeof(t->result), "%s", text ? text : why);
	free(text);
	if (error != -ECANCELED)
		maybe_free(t, IN_ANSWER);
}

static int setup(void **state)
{
	struct table *t = calloc(1, sizeof(*t));
	const struct qmp_ops ops = {
		.ready = on_ready, .event = on_event, .closed = on_closed, .ctx = t
	};
	int ends[2];

	signal(SIGPIPE, SIG_IGN);
	t->base = event_base_new();
	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends))
		return -1;
	t->peer = ends[1];
	*state = t;
	return qmp_open(&t->qmp, t->base, ends[0], &ops);
}

static int teardown(void **state)
{
	struct table *t = *state;

	qmp_free(t->qmp);
	if (t->peer >= 0)
		close(t->peer);
	event_base_free(t->base);
	free(t);
	return 0;
}

static void say(struct table *t, const char *text)
{
	assert_int_equal(write(t->peer, text, strlen(text)), strlen(text));
}

/* Let the client have its turns until there is nothing for it to do at once. */
static void turns(struct table *t)
{
	for (int i = 0; i < 20; i++)
		event_base_loop(t->base, EVLOOP_NONBLOCK);
}

/* Until @count changes; a test that hangs is ended by meson. */
static void wait_for(struct table *t, const unsigned int *count)
{
	while (!*count)
		event_base_loop(t->base, EVLOOP_ONCE);
}

static void heard(struct table *t, const char *expected)
{
	char text[512];
	ssize_t n = recv(t->peer, text, sizeof(text) - 1, MSG_DONTWAIT);

	text[n > 0 ? n : 0] = '\0';
	assert_string_equal(text, expected);
}

static void greet(struct table *t)
{
	say(t, GREETING);
	turns(t);
	heard(t, "{\"execute\":\"qmp_capabilities\",\"id\":1}\n");
	say(t, CAPABLE);
	turns(t);
}

static void greeting_then_capabilities(void **state)
{
	struct table *t = *state;

	turns(t);
	heard(t, ""); /* QEMU speaks first */
	greet(t);
	assert_int_equal(t->ready, 1);
}

static void commands_are_answered_by_their_ids(void **state)
{
	struct table *t = *state;
	struct table other = { .free_in = NEVER };

	greet(t);
	assert_int_equal(qmp_command(t->qmp, "a", json_pack("{s:i}", "x", 1), on_answer, t), 0);
	assert_int_equal(qmp_command(t->qmp, "b", NULL, on_answer, &other), 0);
	assert_int_equal(qmp_command(t->qmp, "c", NULL, NULL, NULL), 0);
	turns(t);
	heard(t, "{\"execute\":\"a\",\"id\":2,\"arguments\":{\"x\":1}}\n"
		 "{\"execute\":\"b\",\"id\":3}\n{\"execute\":\"c\",\"id\":4}\n");
	say(t, "{\"return\": {\"n\": 5}, \"id\": 3}\n"
	       "{\"error\": {\"class\": \"GenericError\", \"desc\": \"no such x\"}, \"id\": 2}\n"
	       "{\"return\": {}, \"id\": 4}\n{\"return\": {}, \"id\": 99}\n{\"return\": {}}\n");
	turns(t);
	assert_int_equal(other.error, 0);
	assert_string_equal(other.result, "{\"n\":5}");
	assert_int_equal(t->error, -EREMOTEIO);
	assert_string_equal(t->result, "no such x");
	assert_int_equal(t->answers + other.answers, 2);
	assert_int_equal(t->closes, 0);
}

static void lines_in_pieces_and_in_heaps(void **state)
{
	static const char line[] =
		"{\"event\": \"SHUTDOWN\", \"data\": {\"reason\": \"guest-shutdown\"}}\r\n";
	struct table *t = *state;

	greet(t);
	for (const char *c = line; *c; c++) {
		assert_int_equal(t->events, 0);
		assert_int_equal(write(t->peer, c, 1), 1);
		turns(t);
	}
	assert_int_equal(t->events, 1);
	assert_string_equal(t->event, "SHUTDOWN guest-shutdown");
	say(t, "\r\n{\"event\": \"STOP\"}\n{\"event\": \"RESUME\"}\n");
	turns(t);
	assert_int_equal(t->events, 3);
	assert_string_equal(t->event, "RESUME -");
}

static void who_does_not_speak_qmp_is_hung_up_on(void **state)
{
	static const struct {
		bool greeted;
		const char *text, *why;
	} lines[] = {
		{ false, "220 mail.example ESMTP\r\n", "is not QEMU's monitor" },
		{ false, "{\"event\": \"STOP\"}\n", "is not QEMU's monitor" },
		{ false, "[]\n", "is not QEMU's monitor" },
		{ true, "{\n", "is not QMP" },
		{ true, "{\"hello\": 1}\n", "is not QMP" },
		{ true, "5\n", "is not QMP" },
		{ true, "\xff\xfe\n", "is not QMP" },
	};

	for (unsigned int i = 0; i < ARRAY_SIZE(lines); i++) {
		void *one = NULL;
		struct table *t;

		assert_int_equal(setup(&one), 0);
		t = one;
		if (lines[i].greeted)
			greet(t);
		say(t, lines[i].text);
		say(t, "{\"event\": \"STOP\"}\n"); /* nobody listens any more */
		turns(t);
		assert_int_equal(t->closes, 1);
		assert_int_equal(t->events, 0);
		assert_non_null(strstr(t->why, lines[i].why));
		assert_int_equal(qmp_command(t->qmp, "a", NULL, on_answer, t), -EPIPE);
		teardown(&one);
	}
}

static void a_line_without_an_end(void **state)
{
	struct table *t = *state;
	char block[4096];

	memset(block, '[', sizeof(block));
	greet(t);
	for (unsigned int i = 0; !t->closes && i < 1024; i++) {
		assert_int_equal(write(t->peer, block, sizeof(block)), sizeof(block));
		turns(t);
	}
	assert_int_equal(t->closes, 1);
	assert_non_null(strstr(t->why, "a line that does not end"));
}

/* Deep nesting is jansson's to refuse; it must not be our stack's. */
static void a_line_of_brackets(void **state)
{
	struct table *t = *state;
	size_t size = 500000;
	char *line = malloc(size + 2);

	memset(line, '[', size);
	line[size] = '\n';
	greet(t);
	for (size_t sent = 0; sent <= size && !t->closes;) {
		ssize_t n = send(t->peer, line + sent, size + 1 - sent, MSG_DONTWAIT);

		sent += n > 0 ? (size_t)n : 0;
		turns(t);
	}
	turns(t);
	assert_int_equal(t->closes, 1);
	free(line);
}

static void silence_instead_of_a_greeting(void **state)
{
	struct table *t = *state;

	qmp_set_timeout(t->qmp, SHORT_MS);
	wait_for(t, &t->closes);
	assert_string_equal(t->why, "QEMU's monitor says nothing");
	assert_int_equal(t->ready, 0);
}

static void silence_instead_of_capabilities(void **state)
{
	struct table *t = *state;

	qmp_set_timeout(t->qmp, SHORT_MS);
	say(t, GREETING);
	wait_for(t, &t->closes);
	assert_string_equal(t->why, "QEMU's monitor did not answer in time");
}

static void silence_instead_of_an_answer(void **state)
{
	struct table *t = *state;

	greet(t);
	qmp_set_timeout(t->qmp, SHORT_MS);
	assert_int_equal(qmp_command(t->qmp, "a", NULL, on_answer, t), 0);
	wait_for(t, &t->answers);
	assert_int_equal(t->error, -ETIMEDOUT);
	/* What comes too late is dropped, what comes next is heard. */
	say(t, "{\"return\": {}, \"id\": 2}\n{\"event\": \"STOP\"}\n");
	turns(t);
	assert_int_equal(t->answers, 1);
	assert_int_equal(t->events, 1);
	assert_int_equal(t->closes, 0);
}

static void an_early_end(void **state)
{
	struct table *t = *state;

	greet(t);
	assert_int_equal(qmp_command(t->qmp, "a", NULL, on_answer, t), 0);
	say(t, "{\"event\": \"SHUTDOWN\", \"data\": {\"reason\": \"host-signal\"}}\n{\"ret");
	close(t->peer);
	t->peer = -1;
	turns(t);
	assert_string_equal(t->event, "SHUTDOWN host-signal"); /* last words are heard */
	assert_int_equal(t->answers, 1);
	assert_int_equal(t->error, -EPIPE);
	assert_int_equal(t->closes, 1);
}

/* In each callback the owner may let go. */
static void freed_in_a_callback(void **state)
{
	for (int where = IN_READY; where <= IN_CLOSED; where++) {
		void *one = NULL;
		struct table *t;

		assert_int_equal(setup(&one), 0);
		t = one;
		t->free_in = where;
		greet(t);
		if (t->qmp) {
			assert_int_equal(qmp_command(t->qmp, "a", NULL, on_answer, t), 0);
			assert_int_equal(qmp_command(t->qmp, "b", NULL, on_answer, t), 0);
			turns(t);
			say(t, "{\"event\": \"STOP\"}\n{\"return\": {}, \"id\": 2}\n"
			       "{\"event\": \"STOP\"}\ngarbage\n{\"event\": \"STOP\"}\n");
			turns(t);
		}
		assert_null(t->qmp);
		teardown(&one);
	}
}

static void freed_with_open_commands(void **state)
{
	struct table *t = *state;

	greet(t);
	assert_int_equal(qmp_command(t->qmp, "a", NULL, on_answer, t), 0);
	qmp_free(t->qmp);
	t->qmp = NULL;
	assert_int_equal(t->answers, 1);
	assert_int_equal(t->error, -ECANCELED);
	assert_int_equal(t->closes, 0);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(greeting_then_capabilities),
		TEST(commands_are_answered_by_their_ids),
		TEST(lines_in_pieces_and_in_heaps),
		cmocka_unit_test(who_does_not_speak_qmp_is_hung_up_on),
		TEST(a_line_without_an_end),
		TEST(a_line_of_brackets),
		TEST(silence_instead_of_a_greeting),
		TEST(silence_instead_of_capabilities),
		TEST(silence_instead_of_an_answer),
		TEST(an_early_end),
		cmocka_unit_test(freed_in_a_callback),
		TEST(freed_with_open_commands),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
