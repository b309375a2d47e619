// SPDX-License-Identifier: BSD-3-Clause
/*
 * test_irq.c - the interrupt word: each rule, then threads against each other. The threaded test
 * models work that a raise announces and a driver that only looks when it is signalled: a lost
 * interrupt is work that nobody ever looks at.
 */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <pthread.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "pcie/irq.h"

#define MS 1000000ull

static void is(struct irq_result result, bool signal, uint64_t due_ns)
{
	assert_int_equal(result.signal, signal);
	assert_true(result.due_ns == due_ns);
}

static void test_disabled(void **state)
{
	struct irq_vector v = { 0 };

	is(irq_raise(&v, 1000, 3), false, 0);
	assert_true(irq_pending(&v));
	assert_false(irq_enabled(&v));
	assert_int_equal(v.causes, 3);
	assert_int_equal(v.held_by_mask, 3);
	is(irq_enable(&v, 2000), true, 0);
	assert_int_equal(v.signalled, 1);
	assert_true(irq_pending(&v));	    /* not acknowledged */
	is(irq_enable(&v, 2000), false, 0); /* enabled already: no second signal */
	is(irq_expire(&v, 9000), false, 0);
	assert_true(irq_clear(&v));
	assert_false(irq_clear(&v));
	irq_disable(&v);
	is(irq_enable(&v, 3000), false, 0);
	irq_disable(&v);
	is(irq_raise(&v, 4000, 1), false, 0);
	assert_int_equal(v.signalled, 1);
}

static void test_cause_not_acknowledged(void **state)
{
	struct irq_vector v = { 0 };

	irq_enable(&v, 0);
	is(irq_raise(&v, 1, 1), true, 0);
	is(irq_raise(&v, 2, 1), true, 0); /* a new raise is a new signal */
	irq_disable(&v);
	is(irq_enable(&v, 3), true, 0); /* the cause is still there */
	irq_clear(&v);
	irq_disable(&v);
	is(irq_enable(&v, 4), false, 0);
}

static void test_auto(void **state)
{
	struct irq_vector v = { 0 };

	irq_set_auto(&v, true, true);
	irq_enable(&v, 0);
	is(irq_raise(&v, 1, 1), true, 0);
	assert_false(irq_pending(&v));
	assert_false(irq_enabled(&v));
	is(irq_raise(&v, 2, 1), false, 0);
	is(irq_raise(&v, 3, 1), false, 0);
	assert_true(irq_pending(&v));
	is(irq_enable(&v, 4), true, 0);
	assert_false(irq_enabled(&v));
	assert_int_equal(v.causes, 3);
	assert_int_equal(v.signalled, 2);
	assert_int_equal(v.held_by_mask, 2);
	irq_set_auto(&v, true, false);
	irq_enable(&v, 5);
	is(irq_raise(&v, 6, 1), true, 0);
	assert_true(irq_enabled(&v));
}

static void test_moderation(void **state)
{
	struct irq_vector v = { 0 };
	uint64_t due;
	struct irq_result r;

	irq_set_auto(&v, true, false);
	irq_set_interval(&v, 100000);
	irq_enable(&v, 0);
	is(irq_raise(&v, 1000, 1), true, 0);
	r = irq_raise(&v, 2000, 2);
	due = r.due_ns;
	assert_false(r.signal);
	assert_true(due >= 101000 && due < 101000 + 256);
	assert_int_equal(v.held_by_moderation, 2);
	is(irq_expire(&v, due - 1), false, due);
	irq_disable(&v);
	is(irq_expire(&v, due), false, 0); /* held by mask now: irq_enable() will find it */
	r = irq_enable(&v, due);
	assert_true(!r.signal && r.due_ns > due); /* held for being latched */
	due = r.due_ns;
	is(irq_enable(&v, due - 1), false, due); /* is enabled already */
	is(irq_expire(&v, due), true, 0);
	is(irq_expire(&v, due + MS), false, 0);
	assert_int_equal(v.signalled, 2);
	/* A raise after its time needs no expiry. */
	is(irq_raise(&v, due + MS, 1), true, 0);
	/* Interval off: the time already set still counts, the next does not. */
	irq_set_interval(&v, 0);
	r = irq_raise(&v, due + MS + 1, 1);
	assert_true(!r.signal && r.due_ns > due + MS);
	is(irq_expire(&v, r.due_ns), true, 0);
	is(irq_raise(&v, r.due_ns, 1), true, 0);
}

/* @due_ns is @expected, rounded up to what the word can say. */
static void is_due(uint64_t due_ns, uint64_t expected)
{
	assert_in_range(due_ns, expected, expected + 256);
}

/* A driver that polled meanwhile has seen most of what is latched: no interrupt right away. */
static void test_latched_waits_when_enabled(void **state)
{
	const uint32_t interval = 50000;
	struct irq_vector v = { 0 };
	struct irq_result r;

	irq_set_auto(&v, true, true);
	irq_set_interval(&v, interval);
	irq_enable(&v, 0);
	is(irq_raise(&v, 5 * MS, 1), true, 0);
	is(irq_raise(&v, 6 * MS, 1), false, 0);
	r = irq_enable(&v, 7 * MS);
	assert_false(r.signal);
	is_due(r.due_ns, 7 * MS + IRQ_LATCHED * interval);
	is(irq_raise(&v, 7 * MS + 1, 1), false, r.due_ns); /* bound by it, too */
	is(irq_expire(&v, r.due_ns - 1), false, r.due_ns);
	is(irq_expire(&v, r.due_ns), true, 0);
	/* Nothing latched: nothing to hold. */
	irq_enable(&v, 8 * MS);
	is(irq_raise(&v, 8 * MS + 1, 1), true, 0);
	/* A longer interval that is not over counts, but does not make this wait longer. */
	irq_set_interval(&v, MS);
	irq_enable(&v, 20 * MS);
	is(irq_raise(&v, 20 * MS, 1), true, 0);
	irq_raise(&v, 20 * MS, 1);
	is_due(irq_enable(&v, 20 * MS + 1).due_ns, 21 * MS);
	irq_disable(&v);
	is_due(irq_enable(&v, 30 * MS).due_ns, 30 * MS + IRQ_LATCHED * IRQ_PATIENCE_NS);
}

static void test_patient(void **state)
{
	const uint32_t interval = 60000;
	const uint64_t patience = interval * (1 + IRQ_PATIENCE),
		       alone = interval * (1 + IRQ_PATIENCE_ALONE);
	struct irq_vector v = { 0 };
	struct irq_result r;

	irq_set_auto(&v, true, false);
	irq_set_interval(&v, interval);
	irq_enable(&v, 0);
	/* After a silence it is signalled as any other. */
	is(irq_raise_patient(&v, 10 * MS, 1), true, 0);
	/* Nothing else is signalled to this driver. */
	r = irq_raise_patient(&v, 10 * MS + interval * 2, 2);
	assert_false(r.signal);
	is_due(r.due_ns, 10 * MS + alone);
	assert_int_equal(v.held_by_moderation, 2);
	is(irq_expire(&v, r.due_ns - 1), false, r.due_ns);
	is(irq_expire(&v, r.due_ns), true, 0);
	/* Company ends the wait, as soon as moderation lets it ... */
	assert_false(irq_raise_patient(&v, r.due_ns + 1, 1).signal);
	is(irq_raise(&v, 20 * MS, 1), true, 0);
	/* ... and is expected again. */
	r = irq_raise_patient(&v, 21 * MS, 1);
	is_due(r.due_ns, 20 * MS + patience);
	is(irq_expire(&v, r.due_ns), true, 0);
	is(irq_raise(&v, 30 * MS, 1), true, 0);
	/* Who is owed a signal already does not become patient. */
	r = irq_raise(&v, 30 * MS + 1, 1);
	is_due(r.due_ns, 30 * MS + interval);
	is(irq_raise_patient(&v, 30 * MS + 2, 1), false, r.due_ns);
	is(irq_expire(&v, r.due_ns), true, 0);
	/* Patience stays with a cause that is latched while the driver polls. */
	irq_disable(&v);
	is(irq_raise_patient(&v, 31 * MS, 1), false, 0);
	is_due(irq_enable(&v, 40 * MS).due_ns, 40 * MS + interval * (IRQ_LATCHED + IRQ_PATIENCE));
	irq_clear(&v);
	is(irq_raise(&v, 41 * MS, 1), true, 0);
}

static void test_patience_has_limits(void **state)
{
	struct irq_vector v = { 0 };

	irq_set_auto(&v, true, false);
	irq_enable(&v, 0);
	is(irq_raise_patient(&v, MS, 1), true, 0); /* no moderation, no patience */
	is(irq_raise_patient(&v, MS, 1), true, 0);
	/* Many are as good as one that is not patient. */
	irq_set_interval(&v, 1000);
	is(irq_raise_patient(&v, 2 * MS, 1), true, 0);
	assert_false(irq_raise_patient(&v, 2 * MS + 2000, IRQ_PATIENT_CAUSES - 1).signal);
	is(irq_raise_patient(&v, 2 * MS + 2001, 1), true, 0);
	assert_false(irq_raise_patient(&v, 2 * MS + 4000, 1).signal);
	is(irq_raise_patient(&v, 2 * MS + 4001, IRQ_PATIENT_CAUSES), true, 0);
	/* However long the interval. */
	irq_set_interval(&v, MS);
	is(irq_raise(&v, 10 * MS, 1), true, 0);
	is_due(irq_raise_patient(&v, 11 * MS, 1).due_ns, 11 * MS + IRQ_PATIENCE * IRQ_PATIENCE_NS);
	irq_reset(&v);
	assert_int_equal(v.word, 0);
	assert_int_equal(v.patient, 0);
}

static void test_mask(void **state)
{
	struct irq_vector v = { 0 };

	irq_set_auto(&v, true, true);
	irq_enable(&v, 0);
	is(irq_mask(&v, true, 0), false, 0);
	is(irq_raise(&v, 1, 1), false, 0);
	assert_int_equal(v.held_by_mask, 1);
	is(irq_enable(&v, 2), false, 0);
	is(irq_expire(&v, 2), false, 0);
	is(irq_mask(&v, false, 3), true, 0);
	is(irq_mask(&v, false, 3), false, 0);
	assert_false(irq_enabled(&v));
	/* Acknowledged while masked: nothing is pending any more. */
	irq_mask(&v, true, 4);
	irq_raise(&v, 4, 1);
	irq_clear(&v);
	is(irq_mask(&v, false, 5), false, 0);
}

static void test_reset(void **state)
{
	struct irq_vector v = { 0 };

	irq_set_auto(&v, true, true);
	irq_set_interval(&v, 1000);
	irq_enable(&v, 0);
	irq_raise(&v, 1, 1);
	irq_raise(&v, 2, 1);
	irq_reset(&v);
	assert_false(irq_pending(&v));
	assert_false(irq_enabled(&v));
	assert_int_equal(v.word, 0);
	assert_int_equal(v.interval_ns, 0);
	assert_int_equal(v.causes, 2);
	assert_int_equal(v.signalled, 1);
}

/* Threads: raisers (workers), one that expires (timer), a driver that masks, polls, unmasks. */

#define RAISERS 3
#define RAISES 40000u

struct race {
	struct irq_vector vector;
	_Atomic uint64_t work;	  /* announced by raises */
	_Atomic uint64_t signals; /* "eventfd" */
	_Atomic uint64_t due;	  /* earliest expiry asked for, 0: none */
	_Atomic unsigned int raisers;
	_Atomic bool stop;
	_Atomic uint64_t last_signal_ns;
	_Atomic unsigned int too_early;
	uint32_t interval_ns;
	bool auto_disable, flip_mask;
	uint64_t seen; /* work found by the driver */
};

static uint64_t clock_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000000000ull + (uint64_t)t.tv_nsec;
}

/* @now is what the word was told: two of them must lie an interval apart. */
static void act(struct race *race, struct irq_result result, uint64_t now)
{
	if (result.signal) {
		uint64_t last = atomic_exchange(&race->last_signal_ns, now);

		/* Signallers may get here in the other order: then the later time is the last. */
		if (last && (now > last ? now - last : last - now) < race->interval_ns)
			atomic_fetch_add(&race->too_early, 1);
		atomic_fetch_add(&race->signals, 1);
	}
	if (result.due_ns)
		atomic_store(&race->due, result.due_ns);
}

static void *raiser(void *arg)
{
	struct race *race = arg;

	for (unsigned int i = 0; i < RAISES; i++) {
		uint64_t now = clock_ns();

		atomic_fetch_add(&race->work, 1);
		act(race,
		    i % 3 ? irq_raise(&race->vector, now, 1)
			  : irq_raise_patient(&race->vector, now, 1),
		    now);
		if (i % 64 == 0)
			sched_yield();
	}
	atomic_fetch_sub(&race->raisers, 1);
	return NULL;
}

static void *expirer(void *arg)
{
	struct race *race = arg;

	while (!atomic_load(&race->stop)) {
		uint64_t due = atomic_load(&race->due), now = clock_ns();

		if (due && now >= due && atomic_compare_exchange_strong(&race->due, &due, 0))
			act(race, irq_expire(&race->vector, now), now);
		else
			sched_yield();
	}
	return NULL;
}

static void *masker(void *arg)
{
	struct race *race = arg;
	bool masked = false;

	while (!atomic_load(&race->stop)) {
		uint64_t now = clock_ns();

		masked = !masked;
		act(race, irq_mask(&race->vector, masked, now), now);
		sched_yield();
	}
	act(race, irq_mask(&race->vector, false, clock_ns()), clock_ns());
	return NULL;
}

/* The driver of a guest: sleeps until signalled, takes all work that is there, enables. */
static void driver(struct race *race)
{
	uint64_t handled = 0, deadline = clock_ns() + 60 * 1000 * MS;

	act(race, irq_enable(&race->vector, clock_ns()), clock_ns());
	while (atomic_load(&race->raisers) || race->seen < RAISERS * RAISES) {
		uint64_t signals = atomic_load(&race->signals), now;

		assert_true(clock_ns() < deadline); /* else an interrupt was lost */
		if (signals == handled) {
			sched_yield();
			continue;
		}
		handled = signals;
		if (!race->auto_disable)
			irq_disable(&race->vector);
		race->seen = atomic_load(&race->work);
		now = clock_ns();
		act(race, irq_enable(&race->vector, now), now);
	}
}

static void run_race(uint32_t interval_ns, bool auto_disable, bool flip_mask)
{
	struct race race = { .interval_ns = interval_ns, .auto_disable = auto_disable };
	pthread_t raisers[RAISERS], timer, mask;
	uint64_t now;

	irq_set_auto(&race.vector, true, auto_disable);
	irq_set_interval(&race.vector, interval_ns);
	atomic_store(&race.raisers, RAISERS);
	pthread_create(&timer, NULL, expirer, &race);
	if (flip_mask)
		pthread_create(&mask, NULL, masker, &race);
	for (unsigned int i = 0; i < RAISERS; i++)
		pthread_create(&raisers[i], NULL, raiser, &race);
	driver(&race);
	for (unsigned int i = 0; i < RAISERS; i++)
		pthread_join(raisers[i], NULL);
	atomic_store(&race.stop, true);
	pthread_join(timer, NULL);
	if (flip_mask)
		pthread_join(mask, NULL);
	assert_true(race.seen == RAISERS * RAISES);
	assert_true(race.vector.causes == RAISERS * RAISES);
	assert_true(race.vector.signalled == race.signals);
	if (auto_disable) /* one thread at a time can signal: the times are exact */
		assert_int_equal(race.too_early, 0);
	/* Disabled: not even the last expiry signals. */
	irq_disable(&race.vector);
	now = clock_ns() + 1000 * MS;
	irq_raise(&race.vector, now, 1);
	is(irq_expire(&race.vector, now), false, 0);
	assert_true(irq_pending(&race.vector));
}

static void test_race(void **state)
{
	run_race(0, true, false);
	run_race(0, false, false);
}

static void test_race_moderated(void **state)
{
	run_race(20000, true, false);
	run_race(20000, false, false);
}

static void test_race_masked(void **state)
{
	run_race(0, true, true);
	run_race(5000, false, true);
}

/*
 * Many signal, one disables: after irq_disable() returned no swap may take the debt. Raises by
 * threads that all use one time: of all those calls at most one may signal within an interval.
 */
struct burst {
	struct irq_vector vector;
	_Atomic unsigned int signals, ready;
	_Atomic uint64_t now;
};

#define BURSTS 5000u

static void *burster(void *arg)
{
	struct burst *burst = arg;
	uint64_t last = 0, now;

	for (unsigned int i = 0; i < BURSTS; i++) {
		while ((now = atomic_load(&burst->now)) == last)
			sched_yield();
		last = now;
		if (irq_raise(&burst->vector, now, 1).signal)
			atomic_fetch_add(&burst->signals, 1);
		if (irq_expire(&burst->vector, now + 1).signal)
			atomic_fetch_add(&burst->signals, 1);
		atomic_fetch_add(&burst->ready, 1);
	}
	return NULL;
}

static void test_one_signal_per_interval(void **state)
{
	struct burst burst = { .now = 0 };
	pthread_t threads[RAISERS];

	irq_set_auto(&burst.vector, true, false);
	irq_set_interval(&burst.vector, 100000);
	irq_enable(&burst.vector, 0);
	for (unsigned int i = 0; i < RAISERS; i++)
		pthread_create(&threads[i], NULL, burster, &burst);
	for (unsigned int i = 1; i <= BURSTS; i++) {
		bool enabled = i % 4;

		if (enabled)
			irq_enable(&burst.vector, 0);
		else
			irq_disable(&burst.vector);
		atomic_store(&burst.signals, 0);
		atomic_store(&burst.ready, 0);
		atomic_store(&burst.now, i * MS);
		while (atomic_load(&burst.ready) < RAISERS)
			sched_yield();
		assert_int_equal(atomic_load(&burst.signals), enabled ? 1 : 0);
	}
	for (unsigned int i = 0; i < RAISERS; i++)
		pthread_join(threads[i], NULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_disabled),
		cmocka_unit_test(test_cause_not_acknowledged),
		cmocka_unit_test(test_auto),
		cmocka_unit_test(test_moderation),
		cmocka_unit_test(test_latched_waits_when_enabled),
		cmocka_unit_test(test_patient),
		cmocka_unit_test(test_patience_has_limits),
		cmocka_unit_test(test_mask),
		cmocka_unit_test(test_reset),
		cmocka_unit_test(test_race),
		cmocka_unit_test(test_race_moderated),
		cmocka_unit_test(test_race_masked),
		cmocka_unit_test(test_one_signal_per_interval),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
