// SPDX-License-Identifier: BSD-3-Clause
/*
 * test_queue.c - rings and bursts against the real daemon: every size of frame, every way around a ring, what happens
 * without buffers and without room, and that no buffer is ever lost.
 *
 * VF 0's registers are shared memory, VF 1's are reached by messages.
 */
#include <poll.h>
#include <signal.h>
#include <string.h>

#include "pair.h"
#include "util/util.h"
#include "vf/memory.h"

#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>

#define BURST 32u
#define BUFFER 2048u
#define ROOM 16384u
#define MIN_LEN 17u
#define FLOWS 64u
#define PF "0000:07:00.0"

static uint32_t expected_len(uint32_t len)
{
	return MAX(len, PAIR_MIN_LEN);
}

/* Does @got hold the frame of @len bytes with @seed, padded with zeros? */
static void check_frame(const uint8_t *got, uint32_t got_len, uint32_t len, const struct end *from,
			const struct end *to, uint32_t seed)
{
	static uint8_t want[ROOM];

	memset(want, 0, PAIR_MIN_LEN);
	frame_fill(want, len, from, to, seed);
	assert_int_equal(got_len, expected_len(len));
	assert_memory_equal(got, want, got_len);
}

/* Frames of @n sizes from @len on, one after the other, from @from to @to. */
static void carry_sizes(struct end *from, struct end *to, uint32_t len, uint32_t n)
{
	struct softiov_packet first;
	static uint8_t frame[ROOM];

	for (uint32_t i = len; i < len + n; i++) {
		frame_fill(frame, i, from, to, i);
		/* Pieces of odd sizes, too; a frame that fits goes as one. */
		send_bytes(from, frame, i, i <= BUFFER && i % 3 ? BUFFER : 300 + i % 1700, NULL);
	}
	for (uint32_t i = len; i < len + n; i++) {
		uint32_t got = receive_bytes(to, frame, sizeof(frame), &first);

		check_frame(frame, got, i, from, to, i);
		assert_int_equal(first.flags & SOFTIOV_VLAN, 0);
		assert_ptr_equal(vf_pool_buffer(to->pool, first.data), first.data);
	}
}

static void test_every_size(void **state)
{
	const struct pair_options options = { .b = 1, .max_frame = SOFTIOV_FRAME_MAX };
	struct pair pair;

	pair_open(&pair, *state, &options);
	assert_true(pair.a.info.shared_registers);
	assert_false(pair.b.info.shared_registers);
	for (uint32_t len = MIN_LEN; len <= SOFTIOV_FRAME_MAX; len += BURST) {
		uint32_t n = MIN(BURST, SOFTIOV_FRAME_MAX - len + 1);

		carry_sizes(&pair.a, &pair.b, len, n);
		carry_sizes(&pair.b, &pair.a, len, n);
	}
	pair_close(&pair);
}

/* A frame whole in one buffer of any size the library has; the card fills at most 16 KiB of it. */
static void test_buffer_sizes(void **state)
{
	static const uint32_t sizes[] = { 1024, 4096, 16384, 131072 };
	struct pair_options options = { .max_frame = SOFTIOV_FRAME_MAX, .b = 2 };
	static uint8_t frame[ROOM];
	struct softiov_packet first;
	struct pair pair;

	for (unsigned int i = 0; i < ARRAY_SIZE(sizes); i++) {
		options.pool.buffer_size = sizes[i];
		options.pool.buffers = 256;
		options.rings.rx_ring = options.rings.tx_ring = 64;
		pair_open(&pair, *state, &options);
		for (uint32_t len = 1000; len <= SOFTIOV_FRAME_MAX; len += 727) {
			uint32_t got;

			frame_fill(frame, len, &pair.a, &pair.b, len);
			send_bytes(&pair.a, frame, len, sizes[i], NULL);
			got = receive_bytes(&pair.b, frame, sizeof(frame), &first);
			check_frame(frame, got, len, &pair.a, &pair.b, len);
			assert_int_equal(first.len, MIN(len, sizes[i]));
		}
		pair_close(&pair);
	}
}

/* @total numbered frames in bursts of @burst; both ends go around their rings. */
static void carry_numbers(struct pair *pair, uint32_t total, uint32_t burst)
{
	struct softiov_packet packet[SOFTIOV_RING_MAX];
	uint64_t end = now_ns() + PAIR_PATIENCE_NS;
	uint32_t sent = 0, got = 0, ready = 0;

	while (got < total) {
		uint32_t n;

		for (; ready < burst && sent + ready < total; ready++) {
			packet[ready] =
				(struct softiov_packet){ .data = softiov_pool_get(pair->pool),
							 .len = PAIR_MIN_LEN };
			if (!packet[ready].data)
				break;
			frame_fill(packet[ready].data, PAIR_MIN_LEN, &pair->a, &pair->b, 0);
			put_le32((uint8_t *)packet[ready].data + 20, sent + ready);
		}
		/* No more under way than the receiver has descriptors: nothing may be lost. */
		n = sent - got < burst ? softiov_tx_burst(pair->a.queue, packet, ready) : 0;
		sent += n;
		ready -= n;
		memmove(packet, packet + n, ready * sizeof(packet[0]));

		struct softiov_packet in[SOFTIOV_RING_MAX];

		n = softiov_rx_burst(pair->b.queue, in, burst);
		for (uint32_t i = 0; i < n; i++) {
			assert_int_equal(in[i].len, PAIR_MIN_LEN);
			assert_int_equal(get_le32((uint8_t *)in[i].data + 20), got + i);
			softiov_pool_put(pair->pool, in[i].data);
		}
		got += n;
		if (!n)
			poll(NULL, 0, 1);
		assert_true(now_ns() < end);
	}
	assert_int_equal(ready, 0);
}

static void test_rings(void **state)
{
	static const uint16_t sizes[] = { 32, 40, 72, 128, 1000, 4096 };
	struct pair_options options = { .pool.buffers = 16384, .b = 2 };
	struct softiov_queue_stats a, b;
	struct pair pair;

	for (unsigned int i = 0; i < ARRAY_SIZE(sizes); i++) {
		uint32_t total = sizes[i] * 3u + 17;

		options.rings.rx_ring = options.rings.tx_ring = sizes[i];
		pair_open(&pair, *state, &options);
		carry_numbers(&pair, total, sizes[i] / 3);
		softiov_queue_stats(pair.a.queue, &a);
		softiov_queue_stats(pair.b.queue, &b);
		assert_int_equal(a.tx_packets, total);
		assert_int_equal(a.tx_bytes, total * PAIR_MIN_LEN);
		assert_int_equal(b.rx_packets, total);
		assert_int_equal(b.rx_bytes, total * PAIR_MIN_LEN);
		all_sent(&pair.a);
		pair_close(&pair);
	}
}

static void test_bad_starts(void **state)
{
	static const struct softiov_queue_options wrong[] = {
		{ 24, 64 }, { 64, 24 }, { 36, 64 }, { 4104, 64 }
	};
	const struct pair_options options = { .b = 2 };
	struct softiov_queue *queue = NULL;
	struct softiov_reason why;
	struct pair pair;

	pair_open(&pair, *state, &options);
	assert_int_equal(softiov_queue_start(&queue, pair.a.vf, 0, pair.pool, NULL, &why), -EBUSY);
	assert_non_null(strstr(why.text, softiov_vf_address(pair.a.vf)));
	assert_int_equal(softiov_queue_start(&queue, pair.a.vf, pair.a.info.queues, pair.pool, NULL,
					     &why),
			 -EINVAL);
	assert_int_equal(softiov_queue_start(&queue, pair.a.vf, 1, NULL, NULL, &why), -EINVAL);
	for (unsigned int i = 0; i < ARRAY_SIZE(wrong); i++)
		assert_int_equal(softiov_queue_start(&queue, pair.a.vf, 1, pair.pool, &wrong[i],
						     NULL),
				 -EINVAL);
	assert_null(queue);
	pair_close(&pair);
}

/* The receiver's pool runs dry: the card drops. When buffers come back, so do frames. */
static void test_pool_runs_dry(void **state)
{
	const struct softiov_pool_options few = { .buffers = 48 };
	const struct softiov_queue_options rings = { .rx_ring = 64 };
	struct softiov_packet packet[64], first;
	struct softiov_queue_stats stats;
	struct softiov_pool *pool, *small;
	uint8_t frame[PAIR_MIN_LEN];
	struct end a, b;
	unsigned int n = 0;

	assert_int_equal(softiov_pool_create(&pool, NULL, NULL), 0);
	assert_int_equal(softiov_pool_create(&small, &few, NULL), 0);
	end_open(&a, *state, 0, pool, NULL, 0);
	end_open(&b, *state, 2, small, &rings, 0);
	assert_int_equal(pool_free(small), 0);
	for (unsigned int round = 0; round < 3; round++) {
		uint64_t end = now_ns() + PAIR_PATIENCE_NS;

		for (uint32_t i = 0; i < few.buffers * 2; i++) {
			frame_fill(frame, sizeof(frame), &a, &b, i);
			send_bytes(&a, frame, sizeof(frame), BUFFER, NULL);
		}
		all_sent(&a);
		/* One buffer stays behind: the card is never told of the last (7.1.9). */
		while (n < few.buffers - 1) {
			n += softiov_rx_burst(b.queue, packet + n, ARRAY_SIZE(packet) - n);
			assert_true(now_ns() < end);
		}
		assert_int_equal(softiov_rx_burst(b.queue, packet + n, ARRAY_SIZE(packet) - n), 0);
		for (uint32_t i = 0; i < n; i++) {
			uint8_t want[PAIR_MIN_LEN];

			frame_fill(want, sizeof(want), &a, &b, i);
			assert_memory_equal(packet[i].data, want, sizeof(want));
			softiov_pool_put(small, packet[i].data);
		}
		n = softiov_rx_burst(b.queue, packet, ARRAY_SIZE(packet)); /* refills */
		assert_int_equal(n, 0);
	}
	softiov_queue_stats(b.queue, &stats);
	assert_true(stats.rx_no_buffer > 0);
	frame_fill(frame, sizeof(frame), &a, &b, 1);
	send_bytes(&a, frame, sizeof(frame), BUFFER, NULL);
	assert_int_equal(receive_bytes(&b, frame, sizeof(frame), &first), sizeof(frame));
	end_close(&a);
	end_close(&b);
	assert_int_equal(pool_free(small), few.buffers);
	softiov_pool_destroy(small);
	softiov_pool_destroy(pool);
}

static unsigned int make_packets(const struct pair *pair, struct softiov_packet *packet,
				 unsigned int n, uint16_t flags)
{
	for (unsigned int i = 0; i < n; i++) {
		packet[i] = (struct softiov_packet){ .data = softiov_pool_get(pair->pool),
						     .len = PAIR_MIN_LEN,
						     .flags = i + 1 < n ? flags : 0 };
		assert_non_null(packet[i].data);
		frame_fill(packet[i].data, PAIR_MIN_LEN, &pair->a, &pair->b, i);
	}
	return n;
}

/* A card that stands still: the ring fills up; a frame is taken whole or not at all; all comes back later. */
static void test_ring_is_full(void **state)
{
	const struct pair_options options = { .b = 2, .rings = { .tx_ring = 32 } };
	struct softiov_packet packet[64], frame[3];
	struct softiov_queue_stats stats;
	struct card *card = *state;
	struct pair pair;
	uint32_t before;

	pair_open(&pair, card, &options);
	before = pool_free(pair.pool);
	make_packets(&pair, packet, 40, 0);
	make_packets(&pair, frame, 3, SOFTIOV_MORE);
	card_signal(card, SIGSTOP);
	assert_int_equal(softiov_tx_burst(pair.a.queue, packet, 29), 29);
	assert_int_equal(softiov_tx_burst(pair.a.queue, frame, 3), 0);
	assert_int_equal(softiov_tx_burst(pair.a.queue, packet + 29, 11), 2);
	assert_int_equal(softiov_tx_burst(pair.a.queue, packet + 31, 9), 0);
	assert_int_equal(softiov_tx_reclaim(pair.a.queue), 31);
	softiov_queue_stats(pair.a.queue, &stats);
	assert_int_equal(stats.tx_full, 3);
	assert_int_equal(stats.tx_packets, 31);
	card_signal(card, SIGCONT);
	all_sent(&pair.a);
	assert_int_equal(softiov_tx_burst(pair.a.queue, frame, 3), 3);
	assert_int_equal(softiov_tx_burst(pair.a.queue, packet + 31, 9), 9);
	all_sent(&pair.a);
	assert_int_equal(pool_free(pair.pool), before);
	pair_close(&pair);
}

/* What no ring can hold is nobody's to wait for. */
static void test_frame_larger_than_the_ring(void **state)
{
	const struct pair_options options = { .b = 2, .rings = { .tx_ring = 32 } };
	struct softiov_packet packet[32];
	struct pair pair;
	uint32_t before;

	pair_open(&pair, *state, &options);
	before = pool_free(pair.pool);
	make_packets(&pair, packet, 32, SOFTIOV_MORE);
	assert_int_equal(softiov_tx_burst(pair.a.queue, packet, 31),
			 0); /* its last packet is not here */
	assert_int_equal(softiov_tx_burst(pair.a.queue, packet, 32), 32);
	assert_int_equal(softiov_tx_reclaim(pair.a.queue), 0);
	assert_int_equal(pool_free(pair.pool), before);
	make_packets(&pair, packet, 31, SOFTIOV_MORE);
	assert_int_equal(softiov_tx_burst(pair.a.queue, packet, 31), 31);
	all_sent(&pair.a);
	pair_close(&pair);
}

/* Take a frame from either of two queues. Return: which; *@packet: it. */
static unsigned int receive_either(struct softiov_queue *const queue[2],
				   struct softiov_packet *packet)
{
	uint64_t end = now_ns() + PAIR_PATIENCE_NS;

	for (;; poll(NULL, 0, 1)) {
		for (unsigned int i = 0; i < 2; i++)
			if (softiov_rx_burst(queue[i], packet, 1))
				return i;
		assert_true(now_ns() < end);
	}
}

/* Two queues share the flows, each flow stays with one; when one queue is stopped the other gets them all. */
static void test_two_queues(void **state)
{
	const struct pair_options options = { .b = 1 };
	struct softiov_queue *queue[2];
	struct softiov_packet packet;
	unsigned int which[FLOWS], got[2] = { 0 };
	uint32_t hash[FLOWS];
	struct pair pair;

	pair_open(&pair, *state, &options);
	queue[0] = pair.b.queue;
	assert_int_equal(softiov_queue_start(&queue[1], pair.b.vf, 1, pair.pool, NULL, NULL), 0);
	for (unsigned int i = 0; i < 2 * FLOWS; i++) {
		unsigned int flow = i % FLOWS, at;

		send_flow(&pair, flow);
		at = receive_either(queue, &packet);
		got[at]++;
		assert_true(packet.flags & SOFTIOV_HASH);
		if (i < FLOWS) {
			which[flow] = at;
			hash[flow] = packet.hash;
		}
		assert_int_equal(at, which[flow]);
		assert_int_equal(packet.hash, hash[flow]);
		softiov_pool_put(pair.pool, packet.data);
	}
	assert_true(got[0] > FLOWS / 4 && got[1] > FLOWS / 4);
	softiov_queue_stop(queue[1]);
	queue[1] = queue[0];
	for (unsigned int flow = 0; flow < FLOWS; flow++) {
		send_flow(&pair, flow);
		(void)receive_either(queue, &packet);
		assert_int_equal(packet.hash, hash[flow]);
		softiov_pool_put(pair.pool, packet.data);
	}
	pair_close(&pair);
}

/* What was received is sent on as it is, by the other VF, again and again; then stopped in mid-traffic. */
static void test_loop_and_stop(void **state)
{
	const struct pair_options options = { .b = 1 };
	struct softiov_packet packet[64];
	struct pair pair;
	uint64_t end;

	pair_open(&pair, *state, &options);
	for (unsigned int i = 0; i < 4; i++) {
		make_packets(&pair, packet, 64, 0);
		assert_int_equal(softiov_tx_burst(pair.a.queue, packet, 64), 64);
	}
	end = now_ns() + NSEC_PER_SEC / 2;
	while (now_ns() < end) {
		struct end *in = now_ns() & 256 ? &pair.a : &pair.b;
		unsigned int n = softiov_rx_burst(in->queue, packet, 64);

		for (unsigned int i = 0; i < n; i++) {
			uint8_t *frame = packet[i].data;

			frame_fill(frame, PAIR_MIN_LEN, in, in == &pair.a ? &pair.b : &pair.a, i);
		}
		assert_int_equal(softiov_tx_burst(in->queue, packet, n), n);
		if (!n)
			poll(NULL, 0, 1);
	}
	pair_close(&pair);
}

/* The PF driver makes the VF start anew while frames are under way. */
static void test_reset_in_traffic(void **state)
{
	const struct pair_options options = { .b = 1 };
	struct softiov_packet packet[64], first;
	uint64_t end = now_ns() + PAIR_PATIENCE_NS;
	uint8_t frame[PAIR_MIN_LEN];
	struct card *card = *state;
	struct pair pair;
	int events = 0;

	pair_open(&pair, card, &options);
	assert_int_equal(CARD_ADMIN(card, "vf", "set", PF, "vf", "1", "trust", "on"), 0);
	while (!(events & SOFTIOV_EVENT_RESET)) {
		make_packets(&pair, packet, 8, 0);
		for (unsigned int sent = 0; sent < 8;)
			sent += softiov_tx_burst(pair.a.queue, packet + sent, 8 - sent);
		events = softiov_vf_service(pair.b.vf);
		assert_true(events >= 0);
		assert_true(now_ns() < end);
		poll(NULL, 0, 1);
	}
	assert_int_equal(CARD_ADMIN(card, "vf", "set", PF, "vf", "1", "trust", "off"), 0);
	all_sent(&pair.a);
	for (events = 0; !(events & SOFTIOV_EVENT_RESET); poll(NULL, 0, 1)) {
		events = softiov_vf_service(pair.b.vf);
		assert_true(events >= 0);
		assert_true(now_ns() < end);
	}
	frame_fill(frame, sizeof(frame), &pair.a, &pair.b, 77);
	send_bytes(&pair.a, frame, sizeof(frame), BUFFER, NULL);
	do { /* what was sent after the first reset may be before it */
		uint32_t len = receive_bytes(&pair.b, frame, sizeof(frame), &first);

		assert_int_equal(len, sizeof(frame));
		frame_fill(packet[0].data, sizeof(frame), &pair.a, &pair.b, 77);
	} while (memcmp(frame, packet[0].data, sizeof(frame)) != 0);
	pair_close(&pair);
}

/* The card dies: bursts go on without effect, the stop returns every buffer. */
static void test_card_dies(void **state)
{
	const struct pair_options options = { .b = 1 };
	struct softiov_packet packet[64];
	struct card *card = *state;
	struct pair pair;

	pair_open(&pair, card, &options);
	make_packets(&pair, packet, 64, 0);
	assert_int_equal(softiov_tx_burst(pair.a.queue, packet, 32), 32);
	card_signal(card, SIGKILL);
	card_died(card);
	assert_int_equal(softiov_tx_burst(pair.a.queue, packet + 32, 16), 16);
	assert_int_equal(softiov_tx_burst(pair.b.queue, packet + 48, 16), 16);
	for (unsigned int i = 0; i < 3; i++) {
		unsigned int n = softiov_rx_burst(pair.b.queue, packet, 64);

		while (n)
			softiov_pool_put(pair.pool, packet[--n].data);
	}
	assert_int_equal(softiov_vf_service(pair.a.vf), -SOFTIOV_ERR_GONE);
	pair_close(&pair);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_every_size, card_setup, card_teardown),
		cmocka_unit_test_setup_teardown(test_buffer_sizes, card_setup, card_teardown),
		cmocka_unit_test_setup_teardown(test_rings, card_setup, card_teardown),
		cmocka_unit_test_setup_teardown(test_bad_starts, card_setup, card_teardown),
		cmocka_unit_test_setup_teardown(test_pool_runs_dry, card_setup, card_teardown),
		cmocka_unit_test_setup_teardown(test_ring_is_full, card_setup, card_teardown),
		cmocka_unit_test_setup_teardown(test_frame_larger_than_the_ring, card_setup,
						card_teardown),
		cmocka_unit_test_setup_teardown(test_two_queues, card_setup, card_teardown),
		cmocka_unit_test_setup_teardown(test_loop_and_stop, card_setup, card_teardown),
		cmocka_unit_test_setup_teardown(test_reset_in_traffic, card_setup, card_teardown),
		cmocka_unit_test_setup_teardown(test_card_dies, card_setup, card_teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
