/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * test_device_call.c - calls from other threads: each is answered once and by the device thread, at once or later, and
 * whoever waits when the queue is closed is woken. Meant for ThreadSanitizer, too.
 */
#include <event2/event.h>
#include <event2/thread.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>

#include "daemon/device_call.h"
#include "util/util.h"

#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>

#define CALLERS 4
#define CALLS 500
#define PENDING 8

struct device {
	struct event_base *base;
	struct device_queue *queue;
	pthread_t thread;
	unsigned int ran; /* device thread's own, so that ThreadSanitizer sees any other one */
	struct device_ticket *pending[PENDING];
	unsigned int npending;
	_Atomic unsigned int taken; /* of @pending */
};

static int create(void **state)
{
	struct device *d = calloc(1, sizeof(*d));

	assert_non_null(d);
	evthread_use_pthreads();
	d->base = event_base_new();
	d->queue = device_queue_create(d->base);
	assert_non_null(d->queue);
	d->thread = pthread_self();
	*state = d;
	return 0;
}

static int destroy(void **state)
{
	struct device *d = *state;

	device_queue_destroy(d->queue);
	event_base_free(d->base);
	free(d);
	return 0;
}

struct sum {
	struct device *device;
	int a, b;
};

static int add(void *ctx)
{
	struct sum *sum = ctx;

	assert_true(pthread_equal(pthread_self(), sum->device->thread));
	sum->device->ran++;
	return sum->a + sum->b;
}

static void *call_often(void *arg)
{
	struct device *d = arg;
	uintptr_t wrong = 0;

	for (int i = 0; i < CALLS; i++) {
		struct sum sum = { d, i, 2 * i };

		wrong += device_call(d->queue, add, &sum) != 3 * i;
	}
	return (void *)wrong;
}

/* struct joiner - the device thread's loop runs until all @threads have ended. */
struct joiner {
	struct event_base *base;
	pthread_t *threads;
	unsigned int n;
	uintptr_t wrong;
};

static void *join_all(void *arg)
{
	struct joiner *joiner = arg;

	for (unsigned int i = 0; i < joiner->n; i++) {
		void *result;

		pthread_join(joiner->threads[i], &result);
		joiner->wrong += (uintptr_t)result;
	}
	event_base_loopexit(joiner->base, NULL);
	return NULL;
}

static uintptr_t run(struct device *d, void *(*function)(void *), unsigned int n)
{
	pthread_t threads[CALLERS + PENDING], joining;
	struct joiner joiner = { d->base, threads, n, 0 };

	for (unsigned int i = 0; i < n; i++)
		assert_int_equal(pthread_create(&threads[i], NULL, function, d), 0);
	assert_int_equal(pthread_create(&joining, NULL, join_all, &joiner), 0);
	event_base_loop(d->base, EVLOOP_NO_EXIT_ON_EMPTY);
	pthread_join(joining, NULL);
	return joiner.wrong;
}

static void test_every_call_is_answered(void **state)
{
	struct device *d = *state;

	assert_int_equal(run(d, call_often, CALLERS), 0);
	assert_int_equal(d->ran, CALLERS * CALLS);
	device_queue_close(d->queue);
}

/* Answers that come later, in another order than the calls. */

static void answer_all(struct device *d)
{
	while (d->npending) {
		struct device_ticket *ticket = d->pending[--d->npending];

		device_answer(ticket, (int)d->npending);
	}
}

static void take(struct device_ticket *ticket, void *ctx)
{
	struct device *d = ctx;

	d->pending[d->npending++] = ticket;
	atomic_fetch_add(&d->taken, 1);
	if (d->npending == PENDING)
		answer_all(d);
}

static void *call_later(void *arg)
{
	struct device *d = arg;
	int answer = device_call_later(d->queue, take, d);

	return (void *)(uintptr_t)(answer < 0 || answer >= PENDING);
}

static void test_later_answers(void **state)
{
	struct device *d = *state;

	assert_int_equal(run(d, call_later, PENDING), 0);
	assert_int_equal(d->taken, PENDING);
	device_queue_close(d->queue);
}

/* Half of the callers hold tickets that nobody has answered, the others are on the queue, when it is closed. */

static void hold(struct device_ticket *ticket, void *ctx)
{
	struct device *d = ctx;

	d->pending[d->npending++] = ticket;
	atomic_fetch_add(&d->taken, 1);
	if (d->npending == PENDING / 2)
		device_queue_close(d->queue); /* this thread is the device thread */
}

static void *call_in_vain(void *arg)
{
	struct device *d = arg;
	struct sum sum = { d, 1, 1 };

	if (device_call_later(d->queue, hold, d) != -ESHUTDOWN)
		return (void *)1;
	/* Closed is closed. */
	return (void *)(uintptr_t)(device_call(d->queue, add, &sum) != -ESHUTDOWN);
}

static void test_closing_wakes_all(void **state)
{
	struct device *d = *state;

	assert_int_equal(run(d, call_in_vain, PENDING), 0);
	assert_int_equal(d->ran, 0);
	assert_int_equal(d->taken, PENDING / 2);
	answer_all(d); /* too late, and harmless */
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_every_call_is_answered, create, destroy),
		cmocka_unit_test_setup_teardown(test_later_answers, create, destroy),
		cmocka_unit_test_setup_teardown(test_closing_wakes_all, create, destroy),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
