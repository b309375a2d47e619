// SPDX-License-Identifier: BSD-3-Clause
/*
 * qmp.c - the QEMU machine protocol, client side.
 *
 * QEMU's docs/interop/qmp-spec: each message is a JSON object on a line of its own. QEMU speaks first, a greeting with
 * member "QMP"; the client answers with qmp_capabilities and may then give commands, each with an id that its answer
 * repeats ("return" or "error"). Events ("event") come at any time in between.
 *
 * The other end is a process that a hostile guest may have taken over. So a line has a largest length, a greeting and each
 * answer a deadline, and whoever sends what is not QMP is hung up on. An answer to an id that nobody waits for (any more)
 * is dropped. Deadlines are all the same length, so the open commands' list is in order of their deadlines, and one timer
 * looks at its head.
 */
#include "vmm/qmp.h"

#include <event2/buffer.h>
#include <event2/bufferevent.h>
#include <event2/event.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/queue.h>
#include <unistd.h>

#define LINE_MAX_BYTES (1024u * 1024)
#define TIMEOUT_MS 10000u
#define NSEC_PER_MSEC 1000000ull
#define USEC_PER_MSEC 1000

struct command {
	STAILQ_ENTRY(command) list;
	json_int_t id;
	uint64_t deadline; /* now_ns() */
	qmp_done *done;
	void *ctx;
};

STAILQ_HEAD(commands, command);

/**
 * struct qmp - @gone: set when this is freed within a callback, so that who called back touches nothing any more
 */
struct qmp {
	struct qmp_ops ops;
	struct bufferevent *bev;
	struct event *timer;
	struct commands open;
	json_int_t next_id;
	uint64_t timeout_ns, greeting_deadline;
	bool greeted, closing;
	bool *gone;
};

static void cancel_commands(struct commands *commands)
{
	struct command *command;

	while ((command = STAILQ_FIRST(commands))) {
		STAILQ_REMOVE_HEAD(commands, list);
		if (command->done)
			command->done(command->ctx, -ECANCELED, NULL, "canceled");
		free(command);
	}
}

void qmp_free(struct qmp *qmp)
{
	if (!qmp)
		return;
	if (qmp->gone)
		*qmp->gone = true;
	qmp->closing = true;
	cancel_commands(&qmp->open);
	if (qmp->timer)
		event_free(qmp->timer);
	bufferevent_free(qmp->bev);
	free(qmp);
}

/* Answer @command. Return: false: the client freed us. */
static bool answer(struct qmp *qmp, struct command *command, int error, const json_t *result,
		   const char *why)
{
	bool gone = false, *outer = qmp->gone;

	/* cppcheck-suppress autoVariables ; taken back below, unless there is no qmp any more */
	qmp->gone = &gone;
	if (command->done)
		command->done(command->ctx, error, result, why);
	free(command);
	if (!gone)
		qmp->gone = outer;
	else if (outer)
		*outer = true;
	return !gone;
}

/* Nothing more comes of this: tell all who wait, then the owner. */
void qmp_hang_up(struct qmp *qmp, const char *why)
{
	struct command *command;

	if (qmp->closing)
		return;
	qmp->closing = true;
	bufferevent_disable(qmp->bev, EV_READ | EV_WRITE);
	event_del(qmp->timer);
	while ((command = STAILQ_FIRST(&qmp->open))) {
		STAILQ_REMOVE_HEAD(&qmp->open, list);
		if (!answer(qmp, command, -EPIPE, NULL, why))
			return;
	}
	qmp->ops.closed(qmp->ops.ctx, why);
}

static void arm(struct qmp *qmp)
{
	const struct command *first = STAILQ_FIRST(&qmp->open);
	uint64_t now = now_ns(), due = qmp->greeted ? 0 : qmp->greeting_deadline;
	struct timeval tv;

	if (first && (!due || first->deadline < due))
		due = first->deadline;
	if (!due) {
		event_del(qmp->timer);
		return;
	}
	due = due > now ? (due - now) / NSEC_PER_MSEC + 1 : 0;
	tv.tv_sec = (time_t)(due / 1000);
	tv.tv_usec = (suseconds_t)(due % 1000) * USEC_PER_MSEC;
	event_add(qmp->timer, &tv);
}

static void on_timer(evutil_socket_t fd, short what, void *ctx)
{
	struct qmp *qmp = ctx;
	struct command *first;
	uint64_t now = now_ns();

	if (!qmp->greeted && now >= qmp->greeting_deadline) {
		qmp_hang_up(qmp, "QEMU's monitor says nothing");
		return;
	}
	while ((first = STAILQ_FIRST(&qmp->open)) && now >= first->deadline) {
		STAILQ_REMOVE_HEAD(&qmp->open, list);
		if (!answer(qmp, first, -ETIMEDOUT, NULL, "QEMU's monitor did not answer in time"))
			return;
	}
	arm(qmp);
}

void qmp_set_timeout(struct qmp *qmp, unsigned int ms)
{
	qmp->timeout_ns = ms * NSEC_PER_MSEC;
	qmp->greeting_deadline = now_ns() + qmp->timeout_ns;
	arm(qmp);
}

static int send_line(struct qmp *qmp, const json_t *message)
{
	char *text = json_dumps(message, JSON_COMPACT);
	int error = -ENOMEM;

	if (text && !bufferevent_write(qmp->bev, text, strlen(text)) &&
	    !bufferevent_write(qmp->bev, "\n", 1))
		error = 0;
	free(text);
	return error;
}

int qmp_command(struct qmp *qmp, const char *name, json_t *arguments, qmp_done *done, void *ctx)
{
	struct command *command;
	json_t *message;
	int error;

	message = json_pack("{s:s, s:I, s:o*}", "execute", name, "id", qmp->next_id, "arguments",
			    arguments);
	command = calloc(1, sizeof(*command));
	if (!message || !command || qmp->closing) {
		error = message && command ? -EPIPE : -ENOMEM;
		goto out;
	}
	*command = (struct command){
		.id = qmp->next_id, .deadline = now_ns() + qmp->timeout_ns, .done = done, .ctx = ctx
	};
	error = send_line(qmp, message);
	if (error)
		goto out;
	qmp->next_id++;
	STAILQ_INSERT_TAIL(&qmp->open, command, list);
	command = NULL;
	arm(qmp);
out:
	free(command);
	json_decref(message);
	return error;
}

static void on_capabilities(void *ctx, int error, const json_t *result, const char *why)
{
	struct qmp *qmp = ctx;

	if (error == -EPIPE || error == -ECANCELED)
		return; /* it is hung up on */
	if (error)
		qmp_hang_up(qmp, why);
	else
		qmp->ops.ready(qmp->ops.ctx);
}

static void on_greeting(struct qmp *qmp)
{
	qmp->greeted = true;
	if (qmp_command(qmp, "qmp_capabilities", NULL, on_capabilities, qmp))
		qmp_hang_up(qmp, "memory is short");
}

static struct command *take(struct commands *commands, json_int_t id)
{
	struct command *command = STAILQ_FIRST(commands);

	while (command && command->id != id)
		command = STAILQ_NEXT(command, list);
	if (command)
		STAILQ_REMOVE(commands, command, command, list);
	return command;
}

static void on_answer(struct qmp *qmp, const json_t *message)
{
	const json_t *error = json_object_get(message, "error");
	json_int_t id = json_integer_value(json_object_get(message, "id"));
	const char *why = json_string_value(json_object_get(error, "desc"));
	struct command *command = take(&qmp->open, id);

	if (!command)
		return;
	if (error)
		answer(qmp, command, -EREMOTEIO, NULL, why ? why : "QEMU refused it");
	else
		answer(qmp, command, 0, json_object_get(message, "return"), NULL);
}

static void on_message(struct qmp *qmp, const json_t *message)
{
	const char *event = json_string_value(json_object_get(message, "event"));

	if (!qmp->greeted) {
		if (json_object_get(message, "QMP"))
			on_greeting(qmp);
		else
			qmp_hang_up(qmp, "what listens there is not QEMU's monitor");
	} else if (event) {
		qmp->ops.event(qmp->ops.ctx, event, json_object_get(message, "data"));
	} else if (json_object_get(message, "return") || json_object_get(message, "error")) {
		on_answer(qmp, message);
	} else {
		qmp_hang_up(qmp, "QEMU's monitor sent what is not QMP");
	}
}

static void on_line(struct qmp *qmp, const char *line, size_t length)
{
	json_t *message;

	if (!length)
		return;
	message = json_loadb(line, length, 0, NULL);
	if (json_is_object(message))
		on_message(qmp, message);
	else
		qmp_hang_up(qmp, qmp->greeted ? "QEMU's monitor sent what is not QMP"
					      : "what listens there is not QEMU's monitor");
	json_decref(message);
}

static void on_read(struct bufferevent *bev, void *ctx)
{
	struct evbuffer *input = bufferevent_get_input(bev);
	struct qmp *qmp = ctx;
	bool gone = false;
	size_t length;
	char *line;

	qmp->gone = &gone;
	while (!gone && !qmp->closing &&
	       (line = evbuffer_readln(input, &length, EVBUFFER_EOL_CRLF))) {
		on_line(qmp, line, length);
		free(line);
	}
	if (gone)
		return;
	if (!qmp->closing && evbuffer_get_length(input) >= LINE_MAX_BYTES)
		qmp_hang_up(qmp, "QEMU's monitor sent a line that does not end");
	if (gone)
		return;
	qmp->gone = NULL;
	if (!qmp->closing)
		arm(qmp);
}

/* A command that could not be written is not the end yet: why QEMU ended may still wait to be read. */
static void on_close(struct bufferevent *bev, short what, void *ctx)
{
	if (!(what & BEV_EVENT_WRITING))
		qmp_hang_up(ctx, "QEMU closed its monitor");
}

int qmp_open(struct qmp **out, struct event_base *base, int fd, const struct qmp_ops *ops)
{
	struct qmp *qmp = calloc(1, sizeof(*qmp));

	if (!qmp || evutil_make_socket_nonblocking(fd))
		goto fail;
	STAILQ_INIT(&qmp->open);
	qmp->ops = *ops;
	qmp->next_id = 1;
	qmp->bev = bufferevent_socket_new(base, fd, BEV_OPT_CLOSE_ON_FREE);
	if (!qmp->bev)
		goto fail;
	bufferevent_setcb(qmp->bev, on_read, NULL, on_close, qmp);
	bufferevent_setwatermark(qmp->bev, EV_READ, 0, LINE_MAX_BYTES);
	qmp->timer = evtimer_new(base, on_timer, qmp);
	if (!qmp->timer || bufferevent_enable(qmp->bev, EV_READ | EV_WRITE)) {
		qmp_free(qmp);
		return -ENOMEM;
	}
	qmp_set_timeout(qmp, TIMEOUT_MS);
	*out = qmp;
	return 0;
fail:
	free(qmp);
	close(fd);
	return -ENOMEM;
}
