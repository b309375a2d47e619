/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * test_quiesce.c - grace periods: order, offline workers, callbacks that queue, and a stress that
 * frees what workers read. Run it under ThreadSanitizer and AddressSanitizer: a grace period that
 * is too short is a use after free.
 */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <poll.h>
#include <pthread.h>
#include <stdlib.h>
#include <unistd.h>

#include "util/quiesce.h"
#include "util/util.h"

#define STRESS_WORKERS 4
#define STRESS_SWAPS 20000

struct note {
	struct quiesce_head head;
	struct quiesce *q;
	int number;
	struct note *then; /* queued by the callback */
};

static int notes[64];
static int note_count;

static void note_done(struct quiesce_head *head)
{
	struct note *note = container_of(head, struct note, head);

	notes[note_count++] = note->number;
	if (note->then)
		quiesce_call(note->q, &note->then->head, note_done);
}

static struct quiesce *quiesce_setup(void)
{
	static struct quiesce q;

	note_count = 0;
	assert_int_equal(quiesce_init(&q), 0);
	return &q;
}

static bool kicked_within(struct quiesce *q, int ms)
{
	struct pollfd poll_fd = { .fd = q->kick_fd, .events = POLLIN };

	return poll(&poll_fd, 1, ms) == 1;
}

static bool kicked(struct quiesce *q)
{
	return kicked_within(q, 5000);
}

static void test_nobody(void **state)
{
	struct quiesce *q = quiesce_setup();
	struct note a = { .q = q, .number = 1 };

	quiesce_call(q, &a.head, note_done);
	assert_int_equal(note_count, 1);
	assert_false(quiesce_pending(q));
	quiesce_fini(q);
}

static void test_waits_for_all(void **state)
{
	struct quiesce *q = quiesce_setup();
	int one = quiesce_register(q), two = quiesce_register(q);
	struct note a = { .q = q, .number = 1 }, b = { .q = q, .number = 2 };

	quiesce_online(q, one);
	quiesce_online(q, two);
	quiesce_call(q, &a.head, note_done);
	quiesce_point(q, one);
	quiesce_call(q, &b.head, note_done);
	quiesce_poll(q);
	assert_int_equal(note_count, 0);
	assert_true(quiesce_pending(q));

	quiesce_point(q, two);
	assert_true(kicked(q));
	quiesce_poll(q);
	assert_int_equal(note_count, 1); /* @one has not passed since b */

	quiesce_offline(q, one);
	assert_true(kicked(q));
	quiesce_poll(q);
	assert_int_equal(note_count, 2);
	assert_int_equal(notes[0], 1);
	assert_int_equal(notes[1], 2);

	quiesce_point(q, two);
	quiesce_online(q, one);
	quiesce_point(q, one);
	assert_false(kicked_within(q, 5)); /* nobody waits */
	quiesce_unregister(q, one);
	quiesce_unregister(q, two);
	quiesce_fini(q);
}

static void test_napping_is_quiescent(void **state)
{
	struct quiesce *q = quiesce_setup();
	int slot = quiesce_register(q);
	struct note a = { .q = q, .number = 1 };

	quiesce_call(q, &a.head, note_done);
	assert_int_equal(note_count, 1);
	quiesce_online(q, slot);
	quiesce_call(q, &a.head, note_done);
	assert_int_equal(note_count, 1);
	quiesce_unregister(q, slot); /* a dead worker holds nobody up */
	assert_true(kicked(q));
	quiesce_poll(q);
	assert_int_equal(note_count, 2);
	quiesce_fini(q);
}

static void test_callback_queues(void **state)
{
	struct quiesce *q = quiesce_setup();
	int slot = quiesce_register(q);
	struct note c = { .q = q, .number = 3 };
	struct note a = { .q = q, .number = 1, .then = &c };
	struct note b = { .q = q, .number = 2 };

	quiesce_online(q, slot);
	quiesce_call(q, &a.head, note_done);
	quiesce_call(q, &b.head, note_done);
	quiesce_point(q, slot);
	quiesce_poll(q);
	assert_int_equal(note_count, 2); /* c was queued after the point */
	quiesce_point(q, slot);
	quiesce_poll(q);
	assert_int_equal(note_count, 3);
	assert_int_equal(notes[2], 3);
	quiesce_offline(q, slot);

	note_count = 0;
	quiesce_call(q, &a.head, note_done); /* all at once, nested */
	assert_int_equal(note_count, 2);
	quiesce_unregister(q, slot);
	quiesce_fini(q);
}

static void publish(void *ctx)
{
	struct quiesce *q = ctx;

	notes[note_count++] = (int)atomic_load(&q->epoch);
}

/* Collected changes are published before the grace period that shall cover them begins. */
static void test_publish_first(void **state)
{
	struct quiesce *q = quiesce_setup();
	struct note a = { .q = q, .number = 77 };

	q->publish = publish;
	q->publish_ctx = q;
	quiesce_call(q, &a.head, note_done);
	assert_int_equal(note_count, 2);
	assert_int_equal(notes[0], a.head.epoch - 1);
	assert_int_equal(notes[1], 77);
	quiesce_fini(q);
}

static void test_slots(void **state)
{
	struct quiesce *q = quiesce_setup();

	for (int i = 0; i < QUIESCE_MAX_WORKERS; i++)
		assert_int_equal(quiesce_register(q), i);
	assert_int_equal(quiesce_register(q), -ENOSPC);
	quiesce_unregister(q, 7);
	assert_int_equal(quiesce_register(q), 7);
	quiesce_fini(q);
}

/* What workers read: @value is the object's content, cleared before it is freed. */
struct object {
	struct quiesce_head head;
	uint64_t value[8];
};

static struct quiesce stress;
static struct object *_Atomic published;
static _Atomic bool stop;
static int freed;

static void *stress_worker(void *unused)
{
	int slot = quiesce_register(&stress);
	uint64_t turn = 0, errors = 0;

	quiesce_online(&stress, slot);
	while (!atomic_load_explicit(&stop, memory_order_relaxed)) {
		struct object *object = atomic_load_explicit(&published, memory_order_acquire);

		for (size_t i = 1; i < ARRAY_SIZE(object->value); i++)
			errors += object->value[i] != object->value[0] || !object->value[0];
		if (++turn % 64 == 0) {
			quiesce_offline(&stress, slot);
			usleep(1);
			quiesce_online(&stress, slot);
		} else {
			quiesce_point(&stress, slot);
		}
	}
	quiesce_unregister(&stress, slot);
	return (void *)(uintptr_t)errors;
}

static struct object *object_create(uint64_t value)
{
	struct object *object = malloc(sizeof(*object));

	for (size_t i = 0; i < ARRAY_SIZE(object->value); i++)
		object->value[i] = value;
	return object;
}

static void object_free(struct quiesce_head *head)
{
	struct object *object = container_of(head, struct object, head);

	memset(object->value, 0, sizeof(object->value));
	free(object);
	freed++;
}

static void wait_kick(struct quiesce *q)
{
	struct pollfd poll_fd = { .fd = q->kick_fd, .events = POLLIN };

	assert_int_equal(poll(&poll_fd, 1, 5000), 1); /* a lost kick would hang here */
	quiesce_poll(q);
}

static void test_stress(void **state)
{
	pthread_t threads[STRESS_WORKERS];
	void *errors;

	assert_int_equal(quiesce_init(&stress), 0);
	atomic_store(&published, object_create(1));
	for (int i = 0; i < STRESS_WORKERS; i++)
		pthread_create(&threads[i], NULL, stress_worker, NULL);
	for (uint64_t i = 2; i < STRESS_SWAPS; i++) {
		struct object *old = atomic_exchange(&published, object_create(i));

		quiesce_call(&stress, &old->head, object_free);
		if (i % 16 == 0) {
			while (quiesce_pending(&stress))
				wait_kick(&stress);
		}
	}
	atomic_store(&stop, true);
	for (int i = 0; i < STRESS_WORKERS; i++) {
		pthread_join(threads[i], &errors);
		assert_null(errors);
	}
	quiesce_fini(&stress);
	assert_false(quiesce_pending(&stress));
	assert_int_equal(freed, STRESS_SWAPS - 2);
	free(atomic_load(&published));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_nobody),
		cmocka_unit_test(test_waits_for_all),
		cmocka_unit_test(test_napping_is_quiescent),
		cmocka_unit_test(test_callback_queues),
		cmocka_unit_test(test_publish_first),
		cmocka_unit_test(test_slots),
		cmocka_unit_test(test_stress),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
