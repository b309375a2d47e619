// SPDX-License-Identifier: BSD-3-Clause
/* pair.c - see pair.h */
#include "pair.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include <poll.h>
#include <string.h>
#include <unistd.h>

#include "util/util.h"

#define ETHERTYPE_EXPERIMENT 0x88b5
#define LOOK_US 50

uint32_t pool_free(const struct softiov_pool *pool)
{
	struct softiov_pool_info info;

	softiov_pool_info(pool, &info);
	return info.free;
}

void end_open(struct end *end, struct card *card, unsigned int vf, struct softiov_pool *pool,
	      const struct softiov_queue_options *rings, uint32_t max_frame)
{
	struct softiov_vf_options options = { .max_frame = max_frame };
	struct softiov_reason why = { "" };

	end->pool = pool;
	end->next = end->have = 0;
	if (softiov_vf_open(&end->vf, card_vf(card, vf), &options, &why) ||
	    softiov_queue_start(&end->queue, end->vf, 0, pool, rings, &why))
		fail_msg("%s", why.text);
	softiov_vf_info(end->vf, &end->info);
}

void end_close(struct end *end)
{
	while (end->next < end->have)
		softiov_pool_put(end->pool, end->in[end->next++].data);
	softiov_queue_stop(end->queue);
	softiov_vf_close(end->vf);
}

void pair_open(struct pair *pair, struct card *card, const struct pair_options *options)
{
	struct softiov_reason why = { "" };

	if (softiov_pool_create(&pair->pool, &options->pool, &why))
		fail_msg("%s", why.text);
	end_open(&pair->a, card, options->a, pair->pool, &options->rings, options->max_frame);
	end_open(&pair->b, card, options->b, pair->pool, &options->rings, options->max_frame);
}

void pair_close(struct pair *pair)
{
	struct softiov_pool_info info;

	end_close(&pair->a);
	end_close(&pair->b);
	softiov_pool_info(pair->pool, &info);
	assert_int_equal(info.free, info.buffers);
	softiov_pool_destroy(pair->pool);
}

void frame_fill(uint8_t *frame, uint32_t len, const struct end *from, const struct end *to,
		uint32_t seed)
{
	uint32_t value = seed * 2654435761u + len;

	memcpy(frame, to->info.mac, ETH_ALEN);
	memcpy(frame + ETH_ALEN, from->info.mac, ETH_ALEN);
	put_be16(frame + 2 * ETH_ALEN, ETHERTYPE_EXPERIMENT);
	for (uint32_t i = 14; i < len; i++) {
		value = value * 1664525u + 1013904223u;
		frame[i] = (uint8_t)(value >> 24);
	}
}

static bool patience_ends(uint64_t end)
{
	usleep(LOOK_US);
	return now_ns() > end;
}

void send_bytes(struct end *from, const uint8_t *frame, uint32_t len, uint32_t piece,
		const struct softiov_packet *how)
{
	struct softiov_packet packet[SOFTIOV_PIECES_MAX] = { 0 };
	uint64_t end = now_ns() + PAIR_PATIENCE_NS;
	unsigned int n = 0;

	if (how)
		packet[0] = *how;
	for (uint32_t at = 0; at < len; at += packet[n++].len) {
		assert_true(n < SOFTIOV_PIECES_MAX);
		packet[n].len = MIN(piece, len - at);
		packet[n].data = softiov_pool_get(from->pool);
		assert_non_null(packet[n].data);
		memcpy(packet[n].data, frame + at, packet[n].len);
		if (at + packet[n].len < len)
			packet[n].flags |= SOFTIOV_MORE;
	}
	while (!softiov_tx_burst(from->queue, packet, n))
		assert_false(patience_ends(end));
}

void send_flow(struct pair *pair, uint32_t flow)
{
	uint8_t frame[PAIR_MIN_LEN];

	frame_fill(frame, sizeof(frame), &pair->a, &pair->b, 0);
	memset(frame + 12, 0, sizeof(frame) - 12);
	put_be16(frame + 12, 0x0800);
	frame[14] = 0x45;
	put_be16(frame + 16, sizeof(frame) - 14);
	put_be32(frame + 26, 0x0a000000 + flow);
	send_bytes(&pair->a, frame, sizeof(frame), PAIR_MIN_LEN, NULL);
}

static const struct softiov_packet *next_packet(struct end *at)
{
	uint64_t end = now_ns() + PAIR_PATIENCE_NS;

	if (at->next < at->have)
		return &at->in[at->next++];
	at->next = at->have = 0;
	while (!(at->have = softiov_rx_burst(at->queue, at->in, END_BURST)))
		if (patience_ends(end))
			fail_msg("nothing arrived");
	assert_int_equal(at->in[at->have - 1].flags & SOFTIOV_MORE, 0);
	return &at->in[at->next++];
}

uint32_t receive_bytes(struct end *at, uint8_t *frame, uint32_t room, struct softiov_packet *first)
{
	const struct softiov_packet *packet = next_packet(at);
	uint32_t len = 0;

	*first = *packet;
	for (;; packet = next_packet(at)) {
		assert_true(len + packet->len <= room);
		memcpy(frame + len, packet->data, packet->len);
		len += packet->len;
		softiov_pool_put(at->pool, packet->data);
		if (!(packet->flags & SOFTIOV_MORE))
			return len;
	}
}

void nothing_arrives(struct end *at, unsigned int ms)
{
	struct softiov_packet packet[SOFTIOV_PIECES_MAX];

	assert_int_equal(at->next, at->have);
	poll(NULL, 0, (int)ms);
	assert_int_equal(softiov_rx_burst(at->queue, packet, SOFTIOV_PIECES_MAX), 0);
}

void all_sent(struct end *from)
{
	uint64_t end = now_ns() + PAIR_PATIENCE_NS;

	while (softiov_tx_reclaim(from->queue))
		assert_false(patience_ends(end));
}
