// SPDX-License-Identifier: BSD-3-Clause
/*
 * test_rings.c - rings without a card: the test writes the descriptors, and what it writes no card would. Whatever it
 * is, no packet reaches beyond its buffer, and no buffer is lost.
 */
#include <stdlib.h>
#include <string.h>

#include "util/util.h"
#include "vf/queue.h"
#include "vf/regs.h"

#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>

#define RING 64u
#define SMALL_RING 32u
#define BUFFER 2048u
#define BUFFERS 256u
#define BURST 64u
#define GOOD_LEN 100u
#define ROUNDS 20000u
#define LEN_MAX 65535u
#define GOOD (RXD_DD | RXD_EOP)
#define RXE BIT64(29)

/** struct rings - a queue; @head: of the card, the next descriptor that it writes. */
struct rings {
	struct softiov_vf vf;
	struct softiov_queue queue;
	_Atomic uint32_t rx_tail, tx_tail;
	uint32_t head;
};

static void rings_open(struct rings *r, uint32_t size, uint32_t buffer_size)
{
	const struct softiov_pool_options options = { .buffers = BUFFERS,
						      .buffer_size = buffer_size };
	struct softiov_queue *q = &r->queue;

	*r = (struct rings){ .head = 0 };
	assert_int_equal(softiov_pool_create(&q->pool, &options, NULL), 0);
	q->vf = &r->vf;
	q->delta = q->pool->memory.iova - (uint64_t)q->pool->memory.host;
	q->rx.size = q->tx.size = size;
	q->rx.batch = q->tx.batch = size / 8;
	q->rx.tail = &r->rx_tail;
	q->tx.tail = &r->tx_tail;
	q->rx.desc = aligned_alloc(64, size * sizeof(*q->rx.desc));
	q->tx.desc = aligned_alloc(64, size * sizeof(*q->tx.desc));
	q->rx.buffer = calloc(size, sizeof(*q->rx.buffer));
	q->tx.buffer = calloc(size, sizeof(*q->tx.buffer));
	q->tx.block = calloc(size, sizeof(*q->tx.block));
	assert_non_null(q->rx.desc);
	assert_non_null(q->tx.desc);
	assert_non_null(q->rx.buffer);
	assert_non_null(q->tx.buffer);
	assert_non_null(q->tx.block);
	vf_rx_reset(q);
	vf_tx_reset(q);
	vf_rx_fill(q);
}

static void rings_close(struct rings *r)
{
	struct softiov_queue *q = &r->queue;

	vf_rx_reset(q);
	vf_tx_reset(q);
	assert_int_equal(q->pool->top, BUFFERS);
	free(q->rx.desc);
	free(q->tx.desc);
	free(q->rx.buffer);
	free(q->tx.buffer);
	free(q->tx.block);
	softiov_pool_destroy(q->pool);
}

/* The card writes a descriptor. Return: false when it was given none. */
static bool write_back(struct rings *r, uint64_t status, uint32_t len)
{
	if (r->head == atomic_load(&r->rx_tail))
		return false;
	r->queue.rx.desc[r->head] =
		(struct vf_desc){ { UINT64_MAX, status | (uint64_t)len << RXD_LENGTH_SHIFT } };
	r->head = (r->head + 1) % r->queue.rx.size;
	return true;
}

/* Receive; every packet lies in its buffer and every frame has an end. Return: frames. */
static unsigned int receive(struct rings *r)
{
	struct softiov_packet packet[BURST];
	unsigned int n = softiov_rx_burst(&r->queue, packet, BURST), frames = 0;

	for (unsigned int i = 0; i < n; i++) {
		assert_ptr_equal(packet[i].data, vf_pool_buffer(r->queue.pool, packet[i].data));
		assert_in_range(packet[i].len, 0, r->queue.pool->size);
		frames += !(packet[i].flags & SOFTIOV_MORE);
		softiov_pool_put(r->queue.pool, packet[i].data);
	}
	if (n)
		assert_false(packet[n - 1].flags & SOFTIOV_MORE);
	return frames;
}

/* One frame that is too long for its buffer, at any place among good ones. */
static void test_length(void **state)
{
	static const uint32_t wrong[] = { BUFFER + 1, 2 * BUFFER, LEN_MAX };
	struct rings r;

	rings_open(&r, RING, BUFFER);
	for (unsigned int i = 0; i < 3 * ARRAY_SIZE(wrong) * 8; i++) {
		for (unsigned int j = 0; j < 8; j++)
			assert_true(write_back(&r, GOOD,
					       j == i % 8 ? wrong[i / 8 % ARRAY_SIZE(wrong)]
							  : GOOD_LEN));
		assert_int_equal(receive(&r), 7);
		assert_int_equal(r.queue.stats.rx_errors, i + 1);
	}
	assert_int_equal(r.queue.stats.rx_bytes, (uint64_t)r.queue.stats.rx_packets * GOOD_LEN);
	rings_close(&r);
}

/* A buffer filled to its last byte is a frame as any other. */
static void test_full_buffer(void **state)
{
	struct rings r;

	rings_open(&r, RING, BUFFER);
	for (unsigned int i = 0; i < 2 * RING; i++) {
		assert_true(write_back(&r, RXD_DD, BUFFER));
		assert_true(write_back(&r, GOOD, BUFFER));
		assert_true(write_back(&r, GOOD, BUFFER));
		assert_int_equal(receive(&r), 2);
	}
	assert_int_equal(r.queue.stats.rx_errors, 0);
	rings_close(&r);
}

/* The card fills at most 16 KiB of a buffer, whatever its size. */
static void test_large_buffer(void **state)
{
	struct rings r;

	rings_open(&r, RING, 4 * VF_RX_BUFFER_MAX);
	assert_true(write_back(&r, GOOD, VF_RX_BUFFER_MAX));
	assert_true(write_back(&r, GOOD, VF_RX_BUFFER_MAX + 1));
	assert_int_equal(receive(&r), 1);
	assert_int_equal(r.queue.stats.rx_errors, 1);
	rings_close(&r);
}

/* A frame without an end does not block the ring for ever. */
static void test_endless(void **state)
{
	static const uint32_t sizes[] = { SMALL_RING, RING };

	for (unsigned int i = 0; i < ARRAY_SIZE(sizes); i++) {
		struct rings r;
		unsigned int good = 0;

		rings_open(&r, sizes[i], BUFFER);
		while (write_back(&r, RXD_DD, GOOD_LEN))
			;
		while (!r.queue.stats.rx_errors)
			assert_int_equal(receive(&r), 0);
		for (unsigned int j = 0; j < 4 * sizes[i]; j++) {
			write_back(&r, GOOD, GOOD_LEN);
			good += receive(&r);
		}
		assert_in_range(good, 3 * sizes[i], 4 * sizes[i]);
		rings_close(&r);
	}
}

/* Anything at all, changed under the reader's hands, too. */
static void test_garbage(void **state)
{
	static const uint64_t status[] = { GOOD, GOOD, GOOD, RXD_DD, 0, GOOD | RXE, RXD_EOP };
	static const uint32_t len[] = { GOOD_LEN, GOOD_LEN, 0, BUFFER, BUFFER + 1, LEN_MAX };
	uint64_t frames = 0;
	struct rings r;

	srandom(1);
	rings_open(&r, RING, BUFFER);
	for (unsigned int i = 0; i < ROUNDS; i++) {
		for (long n = random() % BURST; n > 0; n--)
			write_back(&r, status[(size_t)random() % ARRAY_SIZE(status)],
				   len[(size_t)random() % ARRAY_SIZE(len)]);
		if (!(i % 16)) /* what it left out it writes, or it would wait for itself */
			for (unsigned int at = 0; at < RING; at++)
				r.queue.rx.desc[at].qword[1] |= RXD_DD;
		frames += receive(&r);
	}
	assert_int_equal(frames, r.queue.stats.rx_packets);
	assert_true(frames > ROUNDS);
	rings_close(&r);
}

/* A length that wraps when it is rounded up. */
static void test_absurd_transmit(void **state)
{
	struct softiov_packet packet = { .len = UINT32_MAX };
	struct rings r;

	rings_open(&r, RING, BUFFER);
	packet.data = softiov_pool_get(r.queue.pool);
	assert_int_equal(softiov_tx_burst(&r.queue, &packet, 1), 1);
	assert_int_equal(softiov_tx_reclaim(&r.queue), 0);
	assert_int_equal(r.queue.stats.tx_errors, 1);
	assert_int_equal(r.queue.stats.tx_packets, 0);
	rings_close(&r);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_length),	     cmocka_unit_test(test_full_buffer),
		cmocka_unit_test(test_large_buffer), cmocka_unit_test(test_endless),
		cmocka_unit_test(test_garbage),	     cmocka_unit_test(test_absurd_transmit),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
