/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * forward.c - the journey of a frame, burst by burst:
 *
 *	transmit queue -> may the sender send it? -> who wants it? -> each receiver takes its share -> completions
 *
 * A burst is sorted by receiver before anything is delivered: bit i of want[vport] says that the vport gets frame i. So
 * a receiver is called once per burst, whether its frames came by unicast or by flooding, and finds them in the order
 * in which the sender sent them; nothing is allocated and nothing is sorted.
 *
 * Counting (eswitch/stats.h): a frame that somebody gets is counted as sent (tx_packets) by its sender, else in exactly
 * one drop counter of the sender. Each copy is counted by its receiver, as received or in exactly one drop counter: by
 * the model for a pool, here for the uplink. A segmentation request counts as the frames it becomes.
 *
 * Switch rules: 82599 data sheet, 7.10.3.
 */
#include "dataplane/internal.h"

_Static_assert(ESWITCH_VPORTS <= ESWITCH_SET_WORDS * 64, "every vport has a bit");

/* Which counter of the sender each decision of the switch belongs to. */
static const uint8_t drop_counter[ESWITCH_DROPS] = {
	[ESWITCH_DROP_TX_DISABLED] = VPORT_DROP_TX_DISABLED,
	[ESWITCH_DROP_SPOOF_MAC] = VPORT_DROP_TX_SPOOFED_MAC,
	[ESWITCH_DROP_SPOOF_VLAN] = VPORT_DROP_TX_SPOOFED_VLAN,
	[ESWITCH_DROP_NO_MATCH] = VPORT_DROP_TX_NO_RECEIVER,
};

/** struct round - one burst on its way from one sender. */
struct round {
	struct dp_worker *worker;
	struct dp_port *port;
	const struct dp_config *config;
	unsigned int source;
	uint64_t now;
	struct vport_set receivers;
	uint64_t only_wire; /* frames nobody but the uplink gets */
	uint64_t packets, bytes, csum, tso_requests, tso_segments;
};

static struct vport_stats *round_stats(const struct round *round)
{
	return round->config->vport[round->source].stats;
}

static inline void count_frame(const struct frame *frame, uint32_t *packets, uint64_t *bytes)
{
	if (likely(!(frame->flags & FRAME_TSO))) {
		*packets = 1;
		*bytes = frame_wire_len(frame);
	} else {
		frame_count(frame, packets, bytes);
	}
}

static void drop_frame(struct vport_stats *stats, enum vport_drop why, const struct frame *frame)
{
	uint32_t packets;
	uint64_t bytes;

	if (!stats)
		return;
	count_frame(frame, &packets, &bytes);
	stat_add(&stats->drop[why], packets);
}

static bool is_there(const struct round *round, unsigned int vport)
{
	return round->config->vport[vport].ops || vport == ESWITCH_UPLINK;
}

/* Have @vport get the frames in the bitmap @frames. Return: does it exist? */
static bool want(struct round *round, unsigned int vport, uint64_t frames)
{
	if (unlikely(!is_there(round, vport)))
		return false;
	round->worker->want[vport] |= frames;
	vport_set_add(&round->receivers, vport);
	return true;
}

/* Have all who want frame @i get it. Return: does anybody? */
static bool want_asked(struct round *round, unsigned int i, const struct eswitch_key *key)
{
	unsigned int single, copies, wanted = 0;
	struct vport_set to;
	int vport;

	copies = eswitch_forward(round->config->table, round->source, key, &to, &single);
	if (copies == 1 && single == ESWITCH_UPLINK)
		round->only_wire |= BIT64(i);
	while (copies && (vport = vport_set_pop(&to)) >= 0)
		wanted += want(round, (unsigned int)vport, BIT64(i));
	return wanted;
}

static void drop_frames(struct round *round, const struct frame *frame, unsigned int n,
			enum vport_drop why)
{
	for (unsigned int i = 0; i < n; i++)
		drop_frame(round_stats(round), why, &frame[i]);
}

static void count_sent(struct round *round, const struct frame *frame, unsigned int n)
{
	uint64_t packets = 0, bytes = 0;

	for (unsigned int i = 0; i < n; i++) {
		uint32_t cuts;
		uint64_t cut_bytes;

		count_frame(&frame[i], &cuts, &cut_bytes);
		packets += cuts;
		bytes += cut_bytes;
		if (likely(!(frame[i].flags & (FRAME_TSO | FRAME_IP_CSUM | FRAME_L4_CSUM))))
			continue;
		round->csum += cuts;
		if (frame[i].flags & FRAME_TSO) {
			round->tso_requests++;
			round->tso_segments += cuts;
		}
	}
	round->packets += packets;
	round->bytes += bytes;
}

/* Frames @from ... @to - 1 have the same verdict: that of @key. */
static void sort_run(struct round *round, struct frame *frame, const struct eswitch_key *key,
		     unsigned int from, unsigned int to)
{
	uint64_t run = (UINT64_MAX >> (FRAME_BURST - (to - from))) << from;
	enum vport_drop why = drop_counter[key->drop];
	bool wanted = !key->drop;

	if (likely(wanted)) {
		if (likely(key->receiver != ESWITCH_ASK))
			wanted = want(round, key->receiver, run);
		else
			wanted = want_asked(round, from, key);
		if (key->receiver == ESWITCH_UPLINK)
			round->only_wire |= run;
		why = VPORT_DROP_TX_NO_RECEIVER;
	}
	if (likely(wanted))
		count_sent(round, &frame[from], to - from);
	else
		drop_frames(round, &frame[from], to - from, why);
}

/* The frame leaves with the tag that the port VLAN says. */
static inline void set_tag(struct frame *frame, const struct eswitch_key *key)
{
	uint16_t flags = frame->flags & (uint16_t)~FRAME_VLAN;

	frame->vlan = key->vlan;
	frame->flags = key->tagged ? flags | FRAME_VLAN : flags;
}

static inline bool same_verdict(const struct eswitch_key *key, const struct eswitch_key *other)
{
	return key->receiver == other->receiver && key->drop == other->drop &&
	       key->receiver != ESWITCH_ASK;
}

/* Which frames may be sent, and who gets them? */
static void sort_burst(struct round *round, struct frame *frame, unsigned int n)
{
	struct eswitch_key key[FRAME_BURST];

	for (unsigned int i = 0; i < n; i++) {
		frame[i].source = (uint16_t)round->source;
		key[i] = (struct eswitch_key){ .header = frame[i].header,
					       .vlan = frame[i].vlan,
					       .tagged = frame[i].flags & FRAME_VLAN };
	}
	eswitch_burst(round->config->table, round->source, key, n);
	for (unsigned int from = 0, to; from < n; from = to) {
		for (to = from; to < n; to++) {
			if (unlikely(to > from && !same_verdict(&key[to], &key[from])))
				break;
			set_tag(&frame[to], &key[to]);
		}
		sort_run(round, frame, &key[from], from, to);
	}
}

static void count_wire(struct vport_stats *stats, const struct frame *frame)
{
	uint32_t packets;
	uint64_t bytes;

	count_frame(frame, &packets, &bytes);
	stat_add(&stats->rx_packets, packets);
	stat_add(&stats->rx_bytes, bytes);
	if (frame->header[0] & 1) {
		static const uint8_t broadcast[ETH_ALEN] = { 0xff, 0xff, 0xff, 0xff, 0xff, 0xff };

		if (memcmp(frame->header, broadcast, ETH_ALEN) == 0)
			stat_add(&stats->rx_broadcast, packets);
		else
			stat_add(&stats->rx_multicast, packets);
	}
}

/*
 * An uplink tells how many frames it took and, by its own counters, why not the others: no wire at all, or a full one.
 * A flooded frame that finds no wire is no loss: the others got it.
 */
static void send_to_wire(struct round *round, struct frame *frames, uint64_t wanted)
{
	struct uplink *uplink = round->port->uplink;
	struct vport_stats *stats = round->config->vport[ESWITCH_UPLINK].stats;
	uint64_t down = uplink ? uplink->stats.tx_down : 0;
	struct frame *list[FRAME_BURST];
	unsigned int n = 0, taken;
	bool is_down;

	for (; wanted; wanted &= wanted - 1)
		list[n++] = &frames[__builtin_ctzll(wanted)];
	taken = uplink ? uplink->ops->send(uplink, list, n) : 0;
	is_down = !uplink || uplink->stats.tx_down != down;
	if (!stats)
		return;
	for (unsigned int i = 0; i < n; i++) {
		const struct frame *frame = list[i];

		if (i < taken)
			count_wire(stats, frame);
		else if (!is_down)
			drop_frame(stats, VPORT_DROP_UPLINK_FULL, frame);
		else if (round->only_wire & BIT64(frame - frames))
			drop_frame(stats, VPORT_DROP_UPLINK_DOWN, frame);
	}
}

static void deliver(struct round *round, struct frame *frames)
{
	int vport;

	while ((vport = vport_set_pop(&round->receivers)) >= 0) {
		const struct dp_vport *to = &round->config->vport[vport];
		uint64_t wanted = round->worker->want[vport];

		round->worker->want[vport] = 0;
		if (vport == ESWITCH_UPLINK)
			send_to_wire(round, frames, wanted);
		else
			to->ops->rx_burst(to->pool, frames, wanted, round->now);
	}
}

static void count_round(const struct round *round)
{
	struct vport_stats *stats = round_stats(round);

	if (!stats || !round->packets)
		return;
	stat_add(&stats->tx_packets, round->packets);
	stat_add(&stats->tx_bytes, round->bytes);
	if (round->csum)
		stat_add(&stats->tx_csum, round->csum);
	if (round->tso_requests) {
		stat_add(&stats->tx_tso_requests, round->tso_requests);
		stat_add(&stats->tx_tso_segments, round->tso_segments);
	}
}

void dp_forward(struct dp_worker *worker, struct dp_port *port, const struct dp_config *config,
		unsigned int source, unsigned int n, uint64_t now)
{
	struct round round = {
		.worker = worker,
		.port = port,
		.config = config,
		.source = source,
		.now = now,
	};
	struct frame *frames = worker->burst.frame;

	if (likely(config->link_up))
		sort_burst(&round, frames, n);
	else
		drop_frames(&round, frames, n, VPORT_DROP_TX_LINK_DOWN);
	count_round(&round);
	deliver(&round, frames);
}
