// SPDX-License-Identifier: BSD-3-Clause
/*
 * generate.c - prepare frames, hand them over in bursts, at a rate.
 *
 * How a frame comes about depends on what varies, and the choice is made once, when the generator is
 * made: a function for each way, without a question inside its loop.
 *
 *	same	 nothing varies and every buffer of the pool holds the frame already: take a buffer
 *	heads	 headers are written, payload is there: buffers of the pool also receive
 *	varied	 ... and sizes, source ports and VLANs take turns
 *	checked	 ... and a stamp: slower, with questions
 *	pieces	 frames and TCP requests longer than a buffer
 *
 * Every buffer holds the pattern from the beginning, and what is received holds it too; since a
 * buffer's size is a multiple of the pattern's period, it is right in any piece of a frame. A stream
 * (--tso) that is verified has its payload written for each request.
 *
 * The rate is kept by counting time: a burst is due when the time of all bursts before it is over.
 * Who fell behind by more than a few milliseconds does not make up for it.
 */
#include "pktgen/generate.h"

#include <stdio.h>
#include <stdlib.h>

#include "pktgen/clock.h"

#define BURST_DEFAULT 32u
#define BURST_PACED_NS 20000.0 /* at a given rate, a burst is what is due in that time */
#define BEHIND_MAX_NS 5000000.0
#define TCP_SEQUENCE_AT 4

/* --- ways to fill ---------------------------------------------------------------------------- */

static void fill_same(struct generator *g, unsigned int n)
{
	unsigned int i;

	for (i = 0; i < n; i++) {
		void *data = softiov_pool_get(g->pool);

		if (!data)
			break;
		g->packet[g->held + i].data = data;
	}
	g->held += i;
	g->left -= i;
}

/* Step to the next of what takes turns. */
static inline void turn(struct generator *g)
{
	g->at = g->at + 1 == g->templates ? 0 : g->at + 1;
	g->flow = g->flow + 1 == g->flows ? 0 : g->flow + 1;
	g->vlan_at = (uint16_t)(g->vlan_at + 1) == g->vlans ? 0 : (uint16_t)(g->vlan_at + 1);
}

/* @varied, @ports and @sums are constants in every caller. */
static inline __attribute__((always_inline)) void fill_heads(struct generator *g, unsigned int n,
							     bool varied, bool ports, bool sums)
{
	struct softiov_packet *packet = g->packet + g->held;
	unsigned int i;

	for (i = 0; i < n; i++) {
		const struct template *t = &g->template[varied ? g->at : 0];
		uint8_t *data = softiov_pool_get(g->pool);

		if (!data)
			break;
		memcpy(data, t->head, TEMPLATE_HEAD);
		if (varied) {
			packet[i] = t->packet;
			packet[i].vlan = (uint16_t)(g->vlan + g->vlan_at);
		}
		if (ports)
			put_be16(data + t->port_at, (uint16_t)(PORT_FIRST + g->flow));
		if (sums)
			template_finish(t, data);
		packet[i].data = data;
		if (varied)
			turn(g);
	}
	g->held += i;
	g->left -= i;
}

static void fill_heads_only(struct generator *g, unsigned int n)
{
	fill_heads(g, n, false, false, false);
}

static void fill_varied(struct generator *g, unsigned int n)
{
	fill_heads(g, n, true, true, false);
}

static void fill_varied_ether(struct generator *g, unsigned int n)
{
	fill_heads(g, n, true, false, false);
}

static void fill_varied_sums(struct generator *g, unsigned int n)
{
	fill_heads(g, n, true, true, true);
}

void generator_head(struct generator *g, struct softiov_packet *packet)
{
	const struct template *t = &g->template[g->at];
	uint8_t *data = packet->data;
	uint16_t vlan = g->vlan ? (uint16_t)(g->vlan + g->vlan_at) : 0;

	*packet = t->packet;
	packet->data = data;
	packet->vlan = vlan;
	memcpy(data, t->head, TEMPLATE_HEAD);
	if (t->port_at)
		put_be16(data + t->port_at, (uint16_t)(PORT_FIRST + g->flow));
	if (t->stamped)
		stamp_write(t, data, g->magic, vlan, g->sequence++);
	if (t->checksum_at)
		template_finish(t, data);
	turn(g);
}

static void fill_checked(struct generator *g, unsigned int n)
{
	for (; n; n--) {
		struct softiov_packet *packet = &g->packet[g->held];

		packet->data = softiov_pool_get(g->pool);
		if (!packet->data)
			return;
		generator_head(g, packet);
		g->held++;
		g->left--;
	}
}

/* --- frames in pieces ------------------------------------------------------------------------ */

/* Take buffers for a frame of @len bytes. Return: pieces, 0: there are not enough. */
static unsigned int take_pieces(struct generator *g, struct softiov_packet *packet, uint32_t len)
{
	unsigned int n = 0;

	for (uint32_t at = 0; at < len; at += g->buffer_size, n++) {
		void *data = softiov_pool_get(g->pool);

		if (!data) {
			while (n)
				softiov_pool_put(g->pool, packet[--n].data);
			return 0;
		}
		memcpy(data, pattern, TEMPLATE_HEAD); /* may have been a first piece before */
		packet[n] = (struct softiov_packet){ .data = data, .flags = SOFTIOV_MORE };
		packet[n].len = MIN(len - at, g->buffer_size);
	}
	return n;
}

/* Write bytes from @from on as the stream has them, across @n pieces. */
static void write_stream(struct softiov_packet *packet, unsigned int n, uint32_t from,
			 uint32_t sequence)
{
	for (unsigned int i = 0; i < n; from = 0, i++) {
		uint8_t *to = packet[i].data;

		for (uint32_t at = from; at < packet[i].len;) {
			uint32_t len = MIN(packet[i].len - at, PATTERN_MAX - PATTERN_PERIOD);

			memcpy(to + at, pattern + sequence % PATTERN_PERIOD, len);
			sequence += len;
			at += len;
		}
	}
}

/* The whole frame's length, flags and head into its pieces. */
static void head_of_pieces(struct generator *g, struct softiov_packet *packet, unsigned int n)
{
	uint32_t sequence = g->stream ? g->stream[g->flow] : 0, flow = g->flow;
	uint32_t headers = g->template[g->at].stamp_at, len = packet->len;

	generator_head(g, packet);
	packet->len = len;
	packet->flags |= SOFTIOV_MORE;
	packet[n - 1].flags &= (uint16_t)~SOFTIOV_MORE;
	if (!g->stream)
		return;
	put_be32((uint8_t *)packet->data + ETHER_LEN + packet->l3_len + TCP_SEQUENCE_AT, sequence);
	g->stream[flow] += g->payload;
	if (g->verify)
		write_stream(packet, n, headers, sequence);
}

static void fill_pieces(struct generator *g, unsigned int n)
{
	for (; n; n--) {
		struct softiov_packet *packet = &g->packet[g->held];
		unsigned int pieces;

		pieces = take_pieces(g, packet, g->template[g->at].len);
		if (!pieces)
			return;
		head_of_pieces(g, packet, pieces);
		g->held += pieces;
		g->left--;
	}
}

/* --- making one ------------------------------------------------------------------------------ */

static void choose_fill(struct generator *g, const struct options *o, bool clean)
{
	const struct template *t = g->template;
	bool varied = g->templates > 1 || o->flows > 1 || o->vlans > 1;
	uint32_t longest = 0;

	for (unsigned int i = 0; i < g->templates; i++)
		longest = MAX(longest, t[i].len);
	if (longest > g->buffer_size || o->tso)
		g->fill = fill_pieces;
	else if (t->stamped)
		g->fill = fill_checked;
	else if (!varied)
		g->fill = clean ? fill_same : fill_heads_only;
	else if (!t->port_at)
		g->fill = fill_varied_ether;
	else
		g->fill = t->checksum_at ? fill_varied_sums : fill_varied;
	for (unsigned int i = 0; i < HELD_MAX; i++) {
		g->packet[i] = t->packet;
		g->packet[i].vlan = g->vlan;
	}
}

static void build_templates(struct generator *g, const struct options *o,
			    const struct template_spec *spec)
{
	for (unsigned int i = 0; i < g->templates; i++) {
		template_build(&g->template[i], spec,
			       o -> tso ? (uint32_t)o -> tso + template_headers(o->proto)
					: o -> size[i]);
		if (o->vlans)
			g->template[i].packet.flags |= SOFTIOV_VLAN;
	}
}

static void set_pace(struct generator *g, const struct options *o)
{
	unsigned int pieces = 1, burst = o->burst ? (unsigned int)o->burst : BURST_DEFAULT;

	if (!o->burst && o->rate > 0)
		burst = MIN(burst, 1 + (unsigned int)(o->rate * BURST_PACED_NS / NSEC_PER_SEC));
	for (unsigned int i = 0; i < g->templates; i++)
		pieces = MAX(pieces, (g->template[i].len + g->buffer_size - 1) / g->buffer_size);
	g->burst = MAX(1u, MIN(burst, BURST_MAX / pieces));
	g->batch = g->burst * pieces;
	if (o->rate <= 0)
		return;
	g->interval = (double)NSEC_PER_SEC / o->rate * pktgen_clock.ticks_per_ns;
	g->next = (double)clock_ticks();
}

int generator_create(struct generator **out, const struct options *o,
		     const uint8_t source[ETH_ALEN], const uint8_t destination[ETH_ALEN],
		     bool clean, struct softiov_reason *why)
{
	struct template_spec spec = {
		.proto = o->proto,
		.stamped = (o->verify && !o->tso) || o->mode == MODE_LATENCY,
		.checksum = o->checksum,
		.mss = o->tso ? (uint16_t)o->mss : 0,
	};
	struct generator *g = calloc(1, sizeof(*g));

	if (!g)
		goto fail;
	g->templates = o->tso ? 1 : o->sizes;
	g->template = calloc(g->templates, sizeof(*g->template));
	if (!g->template)
		goto fail;
	if (o->tso) {
		g->stream = calloc(o->flows, sizeof(*g->stream));
		if (!g->stream)
			goto fail;
	}
	memcpy(spec.source, source, ETH_ALEN);
	memcpy(spec.destination, destination, ETH_ALEN);
	g->flows = (unsigned int)o->flows;
	g->vlan = o->vlan;
	g->vlans = MAX(o->vlans, (uint16_t)1);
	g->magic = MAGIC_COUNTED;
	g->left = o->count ? o->count : UINT64_MAX;
	g->payload = (uint32_t)o->tso;
	g->buffer_size = (uint32_t)o->buffer;
	g->verify = o->verify;
	build_templates(g, o, &spec);
	choose_fill(g, o, clean);
	set_pace(g, o);
	*out = g;
	return 0;

fail:
	generator_destroy(g);
	snprintf(why->text, sizeof(why->text), "out of memory");
	return -ENOMEM;
}

void generator_destroy(struct generator *g)
{
	if (!g)
		return;
	free(g->template);
	free(g->stream);
	free(g);
}

/* --- buffers --------------------------------------------------------------------------------- */

void generator_restore(const struct generator *g, uint8_t *buffer, uint32_t len)
{
	memcpy(buffer, pattern, MIN(len, PATTERN_MAX));
	if (g && g->fill == fill_same)
		memcpy(buffer, g->template[0].head, TEMPLATE_HEAD);
}

int generator_prepare(const struct generator *g, struct softiov_pool *pool)
{
	struct softiov_pool_info info;
	void **buffer;
	uint32_t n;

	softiov_pool_info(pool, &info);
	buffer = calloc(info.free, sizeof(*buffer));
	if (!buffer)
		return -ENOMEM;
	for (n = 0; n < info.free; n++) {
		buffer[n] = softiov_pool_get(pool);
		for (uint32_t at = 0; at < info.buffer_size; at += PATTERN_MAX - PATTERN_PERIOD)
			generator_restore(at ? NULL : g, (uint8_t *)buffer[n] + at,
					  MIN(info.buffer_size - at, PATTERN_MAX - PATTERN_PERIOD));
	}
	while (n)
		softiov_pool_put(pool, buffer[--n]);
	free(buffer);
	return 0;
}

/* --- sending --------------------------------------------------------------------------------- */

/* How many frames are due. */
static unsigned int due(struct generator *g)
{
	unsigned int n = g->left < g->burst ? (unsigned int)g->left : g->burst;
	double now, behind;

	if (g->interval <= 0)
		return n;
	now = (double)clock_ticks();
	behind = now - g->next;
	if (behind < 0)
		return 0;
	if (behind > (double)clock_from_ns(BEHIND_MAX_NS))
		g->next = now;
	g->next += g->interval * n;
	return n;
}

void generator_send(struct generator *g)
{
	unsigned int sent;

	if (g->held < g->batch)
		g->fill(g, due(g));
	if (!g->held)
		return;
	sent = softiov_tx_burst(g->queue, g->packet, g->held);
	g->held -= sent;
	if (sent && g->held)
		memmove(g->packet, g->packet + sent, g->held * sizeof(g->packet[0]));
}

uint64_t generator_wait_ns(const struct generator *g)
{
	double left = g->next - (double)clock_ticks();

	if (g->held || (g->left && (g->interval <= 0 || left <= 0)))
		return 0;
	return g->left ? (uint64_t)(left / pktgen_clock.ticks_per_ns) : SOFTIOV_NEVER;
}

void generator_drop(struct generator *g)
{
	for (unsigned int i = 0; i < g->held; i++)
		softiov_pool_put(g->pool, g->packet[i].data);
	g->held = 0;
}
