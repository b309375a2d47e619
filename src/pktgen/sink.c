// SPDX-License-Identifier: BSD-3-Clause
/*
 * sink.c - three ways to receive: give back; give back as it was; check and give back.
 *
 * Frames and bytes are counted by the queue (softiov_queue_stats()), so the first does nothing else.
 */
#include "pktgen/sink.h"

#include <stdio.h>
#include <stdlib.h>

#define BURST_DEFAULT 64u

static unsigned int take_plain(struct sink *s, unsigned int n)
{
	n = softiov_rx_burst(s->queue, s->packet, n);
	for (unsigned int i = 0; i < n; i++)
		softiov_pool_put(s->pool, s->packet[i].data);
	return n;
}

static void restore(const struct sink *s, const struct softiov_packet *packet)
{
	generator_restore(s->generator, packet->data, packet->len);
}

/* Where next to nothing arrives, but all buffers must stay what they are. */
static unsigned int take_restoring(struct sink *s, unsigned int n)
{
	n = softiov_rx_burst(s->queue, s->packet, n);
	for (unsigned int i = 0; i < n; i++) {
		restore(s, &s->packet[i]);
		softiov_pool_put(s->pool, s->packet[i].data);
	}
	return n;
}

/* Return: the frame that begins with packet @at in one piece; @end: the packet behind it. */
static const uint8_t *gather(struct sink *s, unsigned int at, unsigned int *end, uint32_t *len)
{
	uint32_t piece;

	*len = 0;
	*end = at;
	do {
		piece = MIN(s->packet[*end].len, (uint32_t)sizeof(s->frame) - *len);
		memcpy(s->frame + *len, s->packet[*end].data, piece);
		*len += piece;
	} while (s->packet[(*end)++].flags & SOFTIOV_MORE);
	return s->frame;
}

static unsigned int take_checked(struct sink *s, unsigned int n)
{
	unsigned int frames = 0, end;

	n = softiov_rx_burst(s->queue, s->packet, n);
	for (unsigned int at = 0; at < n; at = end, frames++) {
		uint32_t len;
		const uint8_t *frame = gather(s, at, &end, &len);
		bool good = verifier_check(s->verifier, &s->packet[at], frame, len);

		for (unsigned int i = at; i < end; i++) {
			if (!good)
				restore(s, &s->packet[i]);
			softiov_pool_put(s->pool, s->packet[i].data);
		}
	}
	return frames;
}

int sink_create(struct sink **out, const struct options *o, const struct generator *generator,
		bool counts, struct softiov_reason *why)
{
	struct sink *s = calloc(1, sizeof(*s));

	if (!s)
		goto fail;
	s->burst = MAX(o->burst ? (unsigned int)o->burst : BURST_DEFAULT,
		       (unsigned int)SOFTIOV_PIECES_MAX);
	s->generator = generator;
	s->take = counts ? take_plain : take_restoring;
	if (counts && o->verify) {
		s->verifier = verifier_create(o->mode != MODE_RX, (uint32_t)o->mss);
		if (!s->verifier)
			goto fail;
		s->take = take_checked;
	}
	*out = s;
	return 0;

fail:
	sink_destroy(s);
	snprintf(why->text, sizeof(why->text), "out of memory");
	return -ENOMEM;
}

void sink_destroy(struct sink *s)
{
	if (!s)
		return;
	free(s->verifier);
	free(s);
}
