// SPDX-License-Identifier: BSD-3-Clause
/*
 * test_interrupts.c - NAPI on a queue of the real daemon: sleeping and being woken, by frames, by room in the transmit
 * ring, by the card's death.
 */
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <softiov/napi.h>
#include "pair.h"
#include "util/util.h"

#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>

#define SINGLES 3000
#define LEN 64u
#define WAIT_NS NSEC_PER_SEC /* for a frame that is there: the card naps for milliseconds */
#define LATER_US 100000
#define RING 32
#define PF "0000:07:00.0"

/** struct listener - a queue in interrupt mode that counts. */
struct listener {
	struct end *end;
	struct softiov_napi *napi;
	unsigned int frames, largest;
};

static unsigned int take(void *ctx, unsigned int budget)
{
	struct listener *listener = ctx;
	struct softiov_packet packet[SOFTIOV_NAPI_BUDGET];
	unsigned int n = softiov_rx_burst(listener->end->queue, packet,
					  MIN(budget, (unsigned int)SOFTIOV_NAPI_BUDGET));

	for (unsigned int i = 0; i < n; i++)
		softiov_pool_put(listener->end->pool, packet[i].data);
	listener->frames += n;
	listener->largest = MAX(listener->largest, n);
	return n;
}

static void listen_at(struct listener *listener, struct end *end,
		      const struct softiov_napi_options *options)
{
	struct softiov_reason why;

	memset(listener, 0, sizeof(*listener));
	listener->end = end;
	if (softiov_napi_create(&listener->napi, end->queue, options, take, listener, &why))
		fail_msg("%s", why.text);
	assert_int_equal(softiov_napi_enable(listener->napi), 0);
}

/* Until it sleeps, having nothing to do. */
static void settle(struct listener *listener)
{
	int state;

	do
		state = softiov_napi_run(listener->napi, 0);
	while (state == SOFTIOV_NAPI_POLLING);
	assert_int_equal(state, SOFTIOV_NAPI_ARMED);
}

/* Until it has @frames frames: each sleep must end by itself. */
static void hear(struct listener *listener, unsigned int frames)
{
	struct softiov_napi_stats before, after;

	while (listener->frames < frames) {
		softiov_napi_stats(listener->napi, &before);
		assert_true(softiov_napi_run(listener->napi, WAIT_NS) >= 0);
		softiov_napi_stats(listener->napi, &after);
		if (before.state == SOFTIOV_NAPI_ARMED && after.state == SOFTIOV_NAPI_ARMED)
			fail_msg("slept for a second with a frame in the ring or under way");
	}
}

static void send_one(struct pair *pair)
{
	uint8_t frame[LEN];

	frame_fill(frame, LEN, &pair->a, &pair->b, 1);
	send_bytes(&pair->a, frame, LEN, LEN, NULL);
}

/* Single frames at odd moments: before the machine sleeps, while, after. None may wait for another. */
static void carry_singles(struct pair *pair, const struct softiov_napi_options *options)
{
	struct softiov_napi_stats stats;
	struct listener listener;

	listen_at(&listener, &pair->b, options);
	for (unsigned int i = 0; i < SINGLES; i++) {
		send_one(pair);
		if (i % 3 == 1)
			settle(&listener);
		else if (i % 3 == 2)
			usleep((useconds_t)(random() % 300));
		hear(&listener, i + 1);
	}
	settle(&listener);
	softiov_napi_stats(listener.napi, &stats);
	assert_int_equal(stats.state, SOFTIOV_NAPI_ARMED);
	assert_int_equal(stats.frames, SINGLES);
	assert_true(stats.interrupts > 0);
	assert_true(stats.interrupts >= stats.spurious);
	assert_true(stats.polls >= stats.budget_spent + stats.rearm_races);
	assert_true(stats.rearms <= stats.polls);
	softiov_napi_destroy(listener.napi);
}

static void test_no_frame_waits(void **state)
{
	static const struct softiov_napi_options options[] = {
		{ .budget = 1 }, { .budget = 64 }, { .no_moderation = true }, { .interval_us = 200 }
	};
	const struct pair_options ends = { .b = 2 };
	struct pair pair;

	pair_open(&pair, *state, &ends);
	for (unsigned int i = 0; i < ARRAY_SIZE(options); i++)
		carry_singles(&pair, &options[i]);
	pair_close(&pair);
}

/* A burst: budgets are spent, the vector fires once for many. */
static void test_budget(void **state)
{
	const struct pair_options ends = { .b = 1 };
	struct softiov_napi_stats stats;
	struct listener listener;
	struct pair pair;

	for (unsigned int budget = 1; budget <= 64; budget *= 8) {
		const struct softiov_napi_options options = { .budget = budget };

		pair_open(&pair, *state, &ends);
		listen_at(&listener, &pair.b, &options);
		settle(&listener);
		for (unsigned int i = 0; i < 200; i++)
			send_one(&pair);
		all_sent(&pair.a);
		hear(&listener, 200);
		settle(&listener);
		softiov_napi_stats(listener.napi, &stats);
		assert_int_equal(stats.frames, 200);
		assert_int_equal(listener.largest, budget);
		assert_true(stats.budget_spent >= 200 / budget);
		assert_true(stats.interrupts >= 1);
		softiov_napi_destroy(listener.napi);
		pair_close(&pair);
	}
}

/* Each queue has a vector of its own. */
static void test_two_vectors(void **state)
{
	const struct pair_options ends = { .b = 2 };
	struct listener listener[2];
	struct softiov_napi_stats stats;
	struct end second;
	struct pair pair;

	pair_open(&pair, *state, &ends);
	second = pair.b;
	assert_int_equal(softiov_queue_start(&second.queue, pair.b.vf, 1, pair.pool, NULL, NULL),
			 0);
	listen_at(&listener[0], &pair.b, NULL);
	listen_at(&listener[1], &second, NULL);
	assert_int_not_equal(softiov_napi_fd(listener[0].napi), softiov_napi_fd(listener[1].napi));
	for (unsigned int flow = 0; flow < 100; flow++) {
		struct pollfd fds[2];

		settle(&listener[0]);
		settle(&listener[1]);
		for (unsigned int i = 0; i < 2; i++)
			fds[i] = (struct pollfd){ .fd = softiov_napi_fd(listener[i].napi),
						  .events = POLLIN };
		send_flow(&pair, flow);
		while (listener[0].frames + listener[1].frames <= flow) {
			assert_true(poll(fds, 2, 1000) > 0);
			for (unsigned int i = 0; i < 2; i++)
				if (fds[i].revents)
					settle(&listener[i]);
		}
	}
	for (unsigned int i = 0; i < 2; i++) {
		softiov_napi_stats(listener[i].napi, &stats);
		assert_true(stats.frames > 20);
		assert_true(stats.interrupts > 20);
		softiov_napi_destroy(listener[i].napi);
	}
	softiov_queue_stop(second.queue);
	pair_close(&pair);
}

static void test_options(void **state)
{
	static const struct softiov_napi_options wrong[] = {
		{ .interval_us = 1023 }, { .interval_us = 10, .no_moderation = true }
	};
	const struct softiov_napi_options odd = { .interval_us = 201 };
	const struct pair_options ends = { .b = 1 };
	struct softiov_napi_stats stats;
	struct softiov_napi *napi = NULL;
	struct softiov_reason why;
	struct listener listener;
	struct pair pair;

	pair_open(&pair, *state, &ends);
	for (unsigned int i = 0; i < ARRAY_SIZE(wrong); i++)
		assert_int_equal(softiov_napi_create(&napi, pair.a.queue, &wrong[i], take, NULL,
						     &why),
				 -EINVAL);
	listen_at(&listener, &pair.a, &odd);
	assert_int_equal(softiov_napi_create(&napi, pair.a.queue, NULL, take, NULL, &why), -EBUSY);
	assert_null(napi);
	softiov_napi_stats(listener.napi, &stats);
	assert_int_equal(stats.state, SOFTIOV_NAPI_POLLING);
	assert_int_equal(stats.interval_us, 202);
	assert_int_equal(softiov_napi_disable(listener.napi), 0);
	assert_int_equal(softiov_napi_run(listener.napi, SOFTIOV_NEVER), SOFTIOV_NAPI_DISABLED);
	softiov_napi_destroy(listener.napi);
	softiov_napi_destroy(NULL);
	pair_close(&pair);
}

/* Disabled it hears nothing; enabled again it finds what came meanwhile. */
static void test_disabled(void **state)
{
	const struct pair_options ends = { .b = 2 };
	struct listener listener;
	struct pollfd fd;
	struct pair pair;

	pair_open(&pair, *state, &ends);
	listen_at(&listener, &pair.b, NULL);
	settle(&listener);
	assert_int_equal(softiov_napi_disable(listener.napi), 0);
	send_one(&pair);
	all_sent(&pair.a);
	fd = (struct pollfd){ .fd = softiov_napi_fd(listener.napi), .events = POLLIN };
	assert_int_equal(poll(&fd, 1, 20), 0);
	assert_int_equal(softiov_napi_enable(listener.napi), 0);
	hear(&listener, 1);
	settle(&listener);
	send_one(&pair);
	assert_int_equal(poll(&fd, 1, 1000), 1);
	hear(&listener, 2);
	softiov_napi_destroy(listener.napi);
	pair_close(&pair);
}

static void *later(void *ctx)
{
	usleep(LATER_US);
	card_signal(ctx, SIGCONT);
	return NULL;
}

/* The transmit ring is full, the card stands still: when it goes on, the vector fires for want of room. */
static void test_woken_by_room(void **state)
{
	const struct pair_options ends = { .b = 2, .rings = { .tx_ring = RING } };
	struct card *card = *state;
	struct softiov_packet packet[RING];
	struct softiov_napi_stats before, after;
	struct listener listener;
	struct pair pair;
	pthread_t thread;

	pair_open(&pair, card, &ends);
	listen_at(&listener, &pair.a, NULL);
	settle(&listener);
	/* Once more than the ring has: this asks for the interrupt, and the card must answer. */
	for (unsigned int round = 0; round < 3; round++) {
		unsigned int n = 0;

		do {
			for (unsigned int i = 0; i < RING; i++) {
				packet[i] = (struct softiov_packet){
					.data = softiov_pool_get(pair.pool), .len = LEN
				};
				frame_fill(packet[i].data, LEN, &pair.a, &pair.b, i);
			}
			n = softiov_tx_burst(pair.a.queue, packet, RING);
			for (unsigned int i = n; i < RING; i++)
				softiov_pool_put(pair.pool, packet[i].data);
		} while (n == RING);
		softiov_napi_stats(listener.napi, &before);
		card_signal(card, SIGSTOP);
		assert_int_equal(pthread_create(&thread, NULL, later, card), 0);
		do
			assert_true(softiov_napi_run(listener.napi, WAIT_NS) >= 0);
		while (softiov_tx_reclaim(pair.a.queue) == RING - 1);
		pthread_join(thread, NULL);
		settle(&listener);
		softiov_napi_stats(listener.napi, &after);
		assert_true(after.interrupts > before.interrupts ||
			    after.rearm_races > before.rearm_races);
	}
	softiov_napi_destroy(listener.napi);
	pair_close(&pair);
}

/* The PF driver makes the VF start anew: the vector works as before. */
static void test_reset(void **state)
{
	const struct pair_options ends = { .b = 2 };
	uint64_t end = now_ns() + PAIR_PATIENCE_NS;
	struct card *card = *state;
	struct listener listener;
	struct pair pair;
	int events = 0;

	pair_open(&pair, card, &ends);
	listen_at(&listener, &pair.b, &(struct softiov_napi_options){ .interval_us = 300 });
	settle(&listener);
	assert_int_equal(CARD_ADMIN(card, "vf", "set", PF, "vf", "2", "trust", "off"), 0);
	for (; !(events & SOFTIOV_EVENT_RESET); poll(NULL, 0, 1)) {
		events = softiov_vf_service(pair.b.vf);
		assert_true(events >= 0);
		assert_true(now_ns() < end);
	}
	for (unsigned int i = 0; i < 50; i++) {
		send_one(&pair);
		hear(&listener, i + 1);
		settle(&listener);
	}
	softiov_napi_destroy(listener.napi);
	pair_close(&pair);
}

static void *kill_later(void *ctx)
{
	usleep(LATER_US);
	card_signal(ctx, SIGKILL);
	return NULL;
}

static void test_card_dies(void **state)
{
	const struct pair_options ends = { .b = 1 };
	struct card *card = *state;
	struct listener listener;
	struct pair pair;
	pthread_t thread;

	pair_open(&pair, card, &ends);
	listen_at(&listener, &pair.a, NULL);
	settle(&listener);
	assert_int_equal(pthread_create(&thread, NULL, kill_later, card), 0);
	assert_int_equal(softiov_napi_run(listener.napi, SOFTIOV_NEVER), -SOFTIOV_ERR_GONE);
	assert_int_equal(softiov_napi_run(listener.napi, SOFTIOV_NEVER), -SOFTIOV_ERR_GONE);
	pthread_join(thread, NULL);
	card_died(card);
	softiov_napi_destroy(listener.napi);
	pair_close(&pair);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_no_frame_waits, card_setup, card_teardown),
		cmocka_unit_test_setup_teardown(test_budget, card_setup, card_teardown),
		cmocka_unit_test_setup_teardown(test_two_vectors, card_setup, card_teardown),
		cmocka_unit_test_setup_teardown(test_options, card_setup, card_teardown),
		cmocka_unit_test_setup_teardown(test_disabled, card_setup, card_teardown),
		cmocka_unit_test_setup_teardown(test_woken_by_room, card_setup, card_teardown),
		cmocka_unit_test_setup_teardown(test_reset, card_setup, card_teardown),
		cmocka_unit_test_setup_teardown(test_card_dies, card_setup, card_teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
