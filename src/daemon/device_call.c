/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * device_call.c - other threads queue calls and sleep; the device thread takes them one a turn of the event loop,
 * between the messages of guests, and wakes who waits. It never waits itself: the lock is held for a few
 * instructions only, by everybody.
 *
 * A call is a ticket on the heap with two owners, the caller and the device thread. Whoever comes last frees it, so
 * either may leave first: the caller when the queue is closed, the device thread in the usual case.
 *
 * control.c has a queue of its own: its calls are answered by a message instead of waking a thread, and one of them
 * goes on for many turns while the next ones wait.
 */
#include "daemon/device_call.h"

#include <event2/event.h>
#include <pthread.h>
#include <stdlib.h>
#include <sys/queue.h>

#include "util/util.h"

/**
 * struct device_ticket - a call.
 * @run, @run_later: one of them
 * @queued: on the queue; @answered: @result is there, nobody need wait; @owners: 1 or 2. All under the queue's lock
 */
struct device_ticket {
	struct device_queue *queue;
	int (*run)(void *ctx);
	void (*run_later)(struct device_ticket *ticket, void *ctx);
	void *ctx;
	bool answered;
	unsigned int owners;
	int result;
	TAILQ_ENTRY(device_ticket) link;
};

TAILQ_HEAD(ticket_list, device_ticket);

/**
 * struct device_queue - the queue.
 * @wake: activated by callers; @turn: a timer of zero length, which runs after the guests' messages
 * @out: calls whose callers wait and that are not on @queued any more: with the device thread, or with a later answer
 */
struct device_queue {
	struct event *wake, *turn;
	pthread_mutex_t lock;
	pthread_cond_t answered;
	struct ticket_list queued, out;
	bool closed;
};

/* With the lock. Return: what to free, after unlocking. */
static struct device_ticket *let_go(struct device_ticket *ticket)
{
	return --ticket->owners ? NULL : ticket;
}

/* With the lock; @ticket is on @out. */
static void settle(struct device_queue *queue, struct device_ticket *ticket, int result)
{
	if (ticket->answered)
		return; /* closed meanwhile */
	TAILQ_REMOVE(&queue->out, ticket, link);
	ticket->answered = true;
	ticket->result = result;
	pthread_cond_broadcast(&queue->answered);
}

void device_answer(struct device_ticket *ticket, int result)
{
	struct device_queue *queue = ticket->queue;
	struct device_ticket *garbage;

	pthread_mutex_lock(&queue->lock);
	settle(queue, ticket, result);
	garbage = let_go(ticket);
	pthread_mutex_unlock(&queue->lock);
	free(garbage);
}

static void next_turn(struct device_queue *queue)
{
	static const struct timeval now = { 0, 0 };

	event_add(queue->turn, &now);
}

static void on_wake(evutil_socket_t fd, short events, void *ctx)
{
	(void)fd, (void)events;
	next_turn(ctx);
}

static void on_turn(evutil_socket_t fd, short events, void *ctx)
{
	struct device_queue *queue = ctx;
	struct device_ticket *ticket;
	bool more;

	(void)fd, (void)events;
	pthread_mutex_lock(&queue->lock);
	ticket = TAILQ_FIRST(&queue->queued);
	if (ticket) {
		TAILQ_REMOVE(&queue->queued, ticket, link);
		TAILQ_INSERT_TAIL(&queue->out, ticket, link);
	}
	more = !TAILQ_EMPTY(&queue->queued);
	pthread_mutex_unlock(&queue->lock);
	if (more)
		next_turn(queue);
	if (!ticket)
		return;
	if (ticket->run_later)
		ticket->run_later(ticket, ticket->ctx);
	else
		device_answer(ticket, ticket->run(ticket->ctx));
}

/* Return: the result. Takes over the caller's share of @ticket. */
static int call(struct device_queue *queue, struct device_ticket *ticket)
{
	struct device_ticket *garbage;
	int result = -ESHUTDOWN;

	if (!ticket)
		return -ENOMEM;
	pthread_mutex_lock(&queue->lock);
	if (queue->closed) {
		ticket->owners--;
	} else {
		TAILQ_INSERT_TAIL(&queue->queued, ticket, link);
		pthread_mutex_unlock(&queue->lock); /* the device thread need not wait for this */
		event_active(queue->wake, EV_READ, 0);
		pthread_mutex_lock(&queue->lock);
		while (!ticket->answered)
			pthread_cond_wait(&queue->answered, &queue->lock);
		result = ticket->result;
	}
	garbage = let_go(ticket);
	pthread_mutex_unlock(&queue->lock);
	free(garbage);
	return result;
}

static struct device_ticket *new_ticket(struct device_queue *queue, void *ctx)
{
	struct device_ticket *ticket = calloc(1, sizeof(*ticket));

	if (ticket)
		*ticket = (struct device_ticket){ .queue = queue, .ctx = ctx, .owners = 2 };
	return ticket;
}

int device_call(struct device_queue *queue, int (*run)(void *ctx), void *ctx)
{
	struct device_ticket *ticket = new_ticket(queue, ctx);

	if (ticket)
		ticket->run = run;
	return call(queue, ticket);
}

int device_call_later(struct device_queue *queue,
		      void (*run)(struct device_ticket *ticket, void *ctx), void *ctx)
{
	struct device_ticket *ticket = new_ticket(queue, ctx);

	if (ticket)
		ticket->run_later = run;
	return call(queue, ticket);
}

struct device_queue *device_queue_create(struct event_base *base)
{
	struct device_queue *queue = calloc(1, sizeof(*queue));

	if (!queue)
		return NULL;
	TAILQ_INIT(&queue->queued);
	TAILQ_INIT(&queue->out);
	pthread_mutex_init(&queue->lock, NULL);
	pthread_cond_init(&queue->answered, NULL);
	queue->wake = event_new(base, -1, EV_PERSIST, on_wake, queue);
	queue->turn = evtimer_new(base, on_turn, queue);
	if (!queue->wake || !queue->turn) {
		device_queue_destroy(queue);
		return NULL;
	}
	event_add(queue->wake, NULL);
	return queue;
}

void device_queue_close(struct device_queue *queue)
{
	struct device_ticket *ticket;

	pthread_mutex_lock(&queue->lock);
	queue->closed = true;
	/* What has not begun never will: the device thread's share of it ends here. */
	while ((ticket = TAILQ_FIRST(&queue->queued))) {
		TAILQ_REMOVE(&queue->queued, ticket, link);
		TAILQ_INSERT_TAIL(&queue->out, ticket, link);
		ticket->owners--;
	}
	while ((ticket = TAILQ_FIRST(&queue->out)))
		settle(queue, ticket, -ESHUTDOWN);
	pthread_mutex_unlock(&queue->lock);
}

void device_queue_destroy(struct device_queue *queue)
{
	if (!queue)
		return;
	if (queue->wake)
		event_free(queue->wake);
	if (queue->turn)
		event_free(queue->turn);
	pthread_cond_destroy(&queue->answered);
	pthread_mutex_destroy(&queue->lock);
	free(queue);
}
