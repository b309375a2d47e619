/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * pair.h - two VFs of a test's card with a queue each, and frames between them.
 */
#ifndef SOFTIOV_TEST_VF_PAIR_H
#define SOFTIOV_TEST_VF_PAIR_H

#include <stdbool.h>
#include <stdint.h>
#include <softiov/softiov.h>
#include "card.h"

#define PAIR_PATIENCE_NS (10 * 1000000000ull)
#define PAIR_MIN_LEN 60u /* the card pads what is shorter */

#define END_BURST 64u

/** struct end - one VF with its queue 0; several ends may have one pool. @in: received and not yet asked for. */
struct end {
	struct softiov_vf *vf;
	struct softiov_pool *pool;
	struct softiov_queue *queue;
	struct softiov_vf_info info;
	struct softiov_packet in[END_BURST];
	unsigned int next, have;
};

/** struct pair_options - 0: the library's default. @a, @b: which VFs of the card. */
struct pair_options {
	unsigned int a, b;
	struct softiov_pool_options pool;
	struct softiov_queue_options rings;
	uint32_t max_frame;
};

struct pair {
	struct softiov_pool *pool;
	struct end a, b;
};

/** pair_open() - both ends, with one pool. Fails the test when it cannot. */
void pair_open(struct pair *pair, struct card *card, const struct pair_options *options);

/** pair_close() - checks that every buffer has come back. */
void pair_close(struct pair *pair);

/** end_open(), end_close() - one end; the pool is the caller's. */
void end_open(struct end *end, struct card *card, unsigned int vf, struct softiov_pool *pool,
	      const struct softiov_queue_options *rings, uint32_t max_frame);
void end_close(struct end *end);

uint32_t pool_free(const struct softiov_pool *pool);

/** frame_fill() - a frame of @len bytes from @from to @to: addresses, an EtherType, and bytes that follow from @seed. */
void frame_fill(uint8_t *frame, uint32_t len, const struct end *from, const struct end *to,
		uint32_t seed);

/**
 * send_bytes() - send @len bytes as one frame, as first said by @how, in buffers with at most @piece bytes each; waits for
 * room.
 */
void send_bytes(struct end *from, const uint8_t *frame, uint32_t len, uint32_t piece,
		const struct softiov_packet *how);

/** send_flow() - from a to b an IPv4 packet without anything behind its header, its source address made from @flow. */
void send_flow(struct pair *pair, uint32_t flow);

/**
 * receive_bytes() - the next frame that arrives at @at, put together; waits for it. Return: its length; *@first: its
 * first packet.
 */
uint32_t receive_bytes(struct end *at, uint8_t *frame, uint32_t room, struct softiov_packet *first);

/** nothing_arrives() - in the next @ms. */
void nothing_arrives(struct end *at, unsigned int ms);

/** all_sent() - wait until the card has sent what was posted. */
void all_sent(struct end *from);

#endif
