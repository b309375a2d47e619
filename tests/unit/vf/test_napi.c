// SPDX-License-Identifier: BSD-3-Clause
/*
 * test_napi.c - the NAPI state machine against a fake device, in every order of events up to a depth.
 *
 * An order is a word over device events and S, a step of the thread: it runs to just before the next thing it does to
 * the device. So events fall between any two of these, not only between turns:
 *
 *	A  a frame arrives in the ring
 *	D  the interrupt, if there is cause for one, reaches the program
 *	P  an unmasking that was posted takes effect
 *	X  the program disables NAPI, and enables it again	(between turns)
 *	R  the device is reset, and NAPI told			(between turns)
 *
 * When the word ends, nothing more arrives; what is under way goes its way. Then no frame may be in the ring: it would
 * lie there with the thread asleep.
 *
 * Devices: an 82599, which keeps a cause that meets a masked vector and fires when it is unmasked, with unmasking at
 * once and posted; and one that keeps nothing, with unmasking at once.
 */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <stdio.h>
#include <string.h>

#include "util/util.h"
#include "vf/napi_core.h"

#define DEPTH_MAX 16
#define FRAME_BYTES 64

/** struct kind - of a device. */
struct kind {
	const char *name;
	bool keeps_causes, posted;
};

static const struct kind kinds[] = {
	{ "82599, unmasking at once", true, false },
	{ "82599, unmasking posted", true, true },
	{ "causes not kept, unmasking at once", false, false },
};

/**
 * struct device - fake.
 * @cause, @unmasked: of the vector; @fired: the eventfd; @posted: unmaskings under way
 * @word, @at: the events and how far they got; @in_turn: S means go on
 * others: counted to be compared
 */
struct device {
	const struct kind *kind;
	struct napi_core core;
	unsigned int ring;
	bool cause, unmasked, fired;
	unsigned int posted;
	const char *word;
	bool in_turn;
	bool woken;
	uint64_t arrived, lost, delivered, polls, spent, arms, looks_that_found, spurious;
};

/* --- the device --------------------------------------------------------------------------------- */

static void arrive(struct device *d)
{
	d->ring++;
	d->arrived++;
	if (d->unmasked || d->kind->keeps_causes)
		d->cause = true;
}

static bool deliverable(const struct device *d)
{
	return d->cause && d->unmasked;
}

static void deliver(struct device *d)
{
	if (!deliverable(d))
		return;
	d->cause = d->unmasked = false;
	if (!d->fired)
		d->delivered++;
	d->fired = true;
}

static void take_effect(struct device *d)
{
	if (!d->posted)
		return;
	d->posted--;
	d->unmasked = true;
}

static void event(struct device *d, char symbol)
{
	if (symbol == 'A')
		arrive(d);
	else if (symbol == 'D')
		deliver(d);
	else if (symbol == 'P')
		take_effect(d);
}

/* The thread is about to do something: what the device does before. */
static void before(struct device *d)
{
	if (!d->in_turn)
		return;
	while (*d->word && *d->word != 'S')
		event(d, *d->word++);
	if (*d->word)
		d->word++;
}

/* --- what the machine does to it ------------------------------------------------------------------ */

static void arm(void *ctx)
{
	struct device *d = ctx;

	before(d);
	d->arms++;
	if (d->kind->posted)
		d->posted++;
	else
		d->unmasked = true;
}

static void mask(void *ctx)
{
	struct device *d = ctx;

	before(d);
	while (d->posted) /* messages keep their order */
		take_effect(d);
	d->unmasked = false;
}

static bool fired(void *ctx)
{
	struct device *d = ctx;
	bool was;

	before(d);
	was = d->fired;
	d->fired = false;
	return was;
}

static bool pending(void *ctx)
{
	struct device *d = ctx;

	before(d);
	d->looks_that_found += d->ring > 0;
	return d->ring;
}

static struct napi_work take(void *ctx, unsigned int budget)
{
	struct device *d = ctx;
	struct napi_work work;

	before(d);
	work.frames = MIN(d->ring, budget);
	work.bytes = (uint64_t)work.frames * FRAME_BYTES;
	work.completions = false;
	d->ring -= work.frames;
	d->polls++;
	d->spent += work.frames == budget;
	d->spurious += d->woken && !work.frames;
	d->woken = false;
	return work;
}

static void throttle(void *ctx, uint32_t interval_us)
{
	fail_msg("time stands still: no new interval of %u us", interval_us);
}

static uint64_t no_time(void *ctx)
{
	return 0;
}

static const struct napi_ops ops = {
	.arm = arm,
	.mask = mask,
	.fired = fired,
	.pending = pending,
	.poll = take,
	.throttle = throttle,
	.now_ns = no_time,
};

/* --- one order of events -------------------------------------------------------------------------- */

static void turn(struct device *d)
{
	enum softiov_napi_state was = d->core.stats.state, is;

	d->in_turn = true;
	is = napi_core_turn(&d->core);
	d->in_turn = false;
	if (was == SOFTIOV_NAPI_ARMED && is == SOFTIOV_NAPI_POLLING)
		d->woken = true;
}

static void disable_and_enable(struct device *d)
{
	napi_core_disable(&d->core);
	assert_int_equal(d->core.stats.state, SOFTIOV_NAPI_DISABLED);
	turn(d);
	assert_int_equal(d->core.stats.state, SOFTIOV_NAPI_DISABLED);
	napi_core_enable(&d->core);
	d->woken = false;
}

static void reset(struct device *d)
{
	d->posted = 0;
	d->cause = d->unmasked = d->woken = false;
	d->lost += d->ring;
	d->ring = 0;
	napi_core_restart(&d->core);
}

/* No more frames: the machine must come to rest, with all of them taken. */
static void settle(struct device *d, const char *word)
{
	unsigned int turns = 0;

	for (;;) {
		while (d->posted)
			take_effect(d);
		deliver(d);
		if (d->core.stats.state == SOFTIOV_NAPI_ARMED && !d->fired)
			break;
		turn(d);
		if (++turns > 8 + d->arrived)
			fail_msg("%s, budget %u, %s: never rests", d->kind->name, d->core.budget,
				 word);
	}
	if (d->ring)
		fail_msg("%s, budget %u, %s: asleep with %u in the ring", d->kind->name,
			 d->core.budget, word, d->ring);
	if (!d->unmasked)
		fail_msg("%s, budget %u, %s: asleep and masked", d->kind->name, d->core.budget,
			 word);
}

static void compare(const struct device *d, const char *word)
{
	const struct softiov_napi_stats *s = &d->core.stats;

	if (s->frames + d->lost != d->arrived || s->interrupts != d->delivered ||
	    s->polls != d->polls || s->budget_spent != d->spent || s->rearms != d->arms ||
	    s->rearm_races != d->looks_that_found || s->spurious != d->spurious ||
	    s->interval_changes)
		fail_msg("%s, budget %u, %s: a counter is wrong", d->kind->name, d->core.budget,
			 word);
}

static void play(const struct kind *kind, unsigned int budget, const char *word)
{
	struct device d = { .kind = kind, .word = word };

	d.core.ops = &ops;
	d.core.ctx = &d;
	d.core.budget = budget;
	d.core.adaptive = true;
	napi_core_enable(&d.core);
	while (*d.word) {
		char symbol = *d.word++;

		if (symbol == 'S')
			turn(&d);
		else if (symbol == 'X')
			disable_and_enable(&d);
		else if (symbol == 'R')
			reset(&d);
		else
			event(&d, symbol);
	}
	settle(&d, word);
	compare(&d, word);
}

/* Every word of @depth over @symbols. */
static uint64_t play_all(const char *symbols, unsigned int depth)
{
	unsigned int n = (unsigned int)strlen(symbols), digit[DEPTH_MAX] = { 0 }, i;
	char word[DEPTH_MAX + 1] = "";
	uint64_t words = 0;

	do {
		for (i = 0; i < depth; i++)
			word[i] = symbols[digit[i]];
		for (i = 0; i < ARRAY_SIZE(kinds); i++) {
			play(&kinds[i], 1, word);
			play(&kinds[i], SOFTIOV_NAPI_BUDGET, word);
		}
		words++;
		for (i = 0; i < depth && ++digit[i] == n; i++)
			digit[i] = 0;
	} while (i < depth);
	return words;
}

/* --- tests ------------------------------------------------------------------------------------------ */

static void test_every_order(void **state)
{
	assert_int_equal(play_all("ADPS", 10), 1 << 20);
}

/* Fewer symbols, longer words: here nothing is posted, and what the thread does between two steps is more. */
static void test_longer_orders(void **state)
{
	assert_int_equal(play_all("ADS", 13), 1594323);
}

static void test_every_order_with_restarts(void **state)
{
	assert_int_equal(play_all("ADPSXR", 7), 279936);
}

/* What people see: a frame wakes, a burst spends budgets, the last poll rearms. */
static void test_story(void **state)
{
	struct device d = { .kind = &kinds[0], .word = "" };
	const struct softiov_napi_stats *s = &d.core.stats;

	d.core.ops = &ops;
	d.core.ctx = &d;
	d.core.budget = 2;
	assert_int_equal(napi_core_turn(&d.core), SOFTIOV_NAPI_DISABLED);
	napi_core_enable(&d.core);
	assert_int_equal(s->state, SOFTIOV_NAPI_POLLING);
	assert_int_equal(napi_core_turn(&d.core), SOFTIOV_NAPI_ARMED);
	assert_int_equal(napi_core_turn(&d.core), SOFTIOV_NAPI_ARMED);
	assert_int_equal(s->interrupts, 0);
	arrive(&d);
	deliver(&d);
	assert_int_equal(napi_core_turn(&d.core), SOFTIOV_NAPI_POLLING);
	assert_int_equal(s->interrupts, 1);
	for (unsigned int i = 0; i < 4; i++)
		arrive(&d);
	assert_int_equal(napi_core_turn(&d.core), SOFTIOV_NAPI_POLLING);
	assert_int_equal(napi_core_turn(&d.core), SOFTIOV_NAPI_POLLING);
	assert_int_equal(s->budget_spent, 2);
	assert_int_equal(napi_core_turn(&d.core), SOFTIOV_NAPI_ARMED);
	assert_int_equal(s->frames, 5);
	assert_int_equal(s->rearms, 2);
	deliver(&d); /* the cause of those polled */
	assert_int_equal(napi_core_turn(&d.core), SOFTIOV_NAPI_POLLING);
	assert_int_equal(napi_core_turn(&d.core), SOFTIOV_NAPI_ARMED);
	assert_int_equal(s->spurious, 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_story),
		cmocka_unit_test(test_every_order),
		cmocka_unit_test(test_longer_orders),
		cmocka_unit_test(test_every_order_with_restarts),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
