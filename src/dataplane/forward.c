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
 * Cables: where the wire is a cable to another port of this worker, what was put on it is switched there when everybody
 * here has his share: the same frames and host memory, as a burst from that port's uplink. It ends there, for nothing
 * that came from an uplink leaves by it.
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
	uint64_t only_wire;  /* frames nobody but the uplink gets */
	struct dp_port *far; /* at the other end of the cable ... */
	const struct dp_config *far_config;
	uint64_t crossing; /* ... that these frames were put on */
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

/* Have all who want the frames in the bitmap @frames, which have @key, get them. Return: does anybody? */
static bool want_asked(struct round *round, const struct eswitch_key *key, uint64_t frames)
{
	unsigned int single, copies, wanted = 0;
	struct vport_set to;
	int vport;

	copies = eswitch_forward(round->config->table, round->source, key, &to, &single);
	if (copies == 1 && single == ESWITCH_UPLINK)
		round->only_wire |= frames;
	while (copies && (vport = vport_set_pop(&to)) >= 0)
		wanted += want(round, (unsigned int)vport, frames);
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

/* The frames leave with the tag that the port VLAN says: all of one kind with the same. */
static void set_tag(struct frame *frame, unsigned int n, const struct eswitch_key *key)
{
	for (unsigned int i = 0; i < n; i++) {
		frame[i].vlan = key->vlan;
		if (key->tagged)
			frame[i].flags |= FRAME_VLAN;
		else
			frame[i].flags &= (uint16_t)~FRAME_VLAN;
	}
}

/* Frames @from ... @to - 1 are a train: addresses, tag and verdict are those of @key. */
static void sort_train(struct round *round, struct frame *frame, const struct eswitch_key *key,
		       unsigned int from, unsigned int to)
{
	uint64_t train = (UINT64_MAX >> (FRAME_BURST - (to - from))) << from;
	const struct frame_burst *burst = &round->worker->burst;
	enum vport_drop why = drop_counter[key->drop];
	bool wanted = false;

	if (likely(!key->drop)) {
		why = VPORT_DROP_TX_NO_RECEIVER;
		wanted = likely(key->receiver != ESWITCH_ASK) ? want(round, key->receiver, train)
							      : want_asked(round, key, train);
		if (key->receiver == ESWITCH_UPLINK)
			round->only_wire |= train;
	}
	if (unlikely(key->tagged != !!(frame[from].flags & FRAME_VLAN) ||
		     key->vlan != frame[from].vlan))
		set_tag(&frame[from], to - from, key);
	if (unlikely(!wanted)) {
		drop_frames(round, &frame[from], to - from, why);
	} else if (likely(burst->plain && to - from == burst->n)) {
		round->packets += burst->packets;
		round->bytes += burst->bytes;
	} else {
		count_sent(round, &frame[from], to - from);
	}
}

/* Which frames may be sent, and who gets them? Of frames of one flow only the first is looked at. */
static void sort_burst(struct round *round, struct frame *frame, unsigned int n)
{
	uint64_t heads = ~round->worker->burst.same_flow & UINT64_MAX >> (FRAME_BURST - n), trains;
	struct eswitch_key key[FRAME_BURST];
	uint8_t at[FRAME_BURST];
	unsigned int keys = 0;

	for (; heads; heads &= heads - 1) {
		const struct frame *head = &frame[__builtin_ctzll(heads)];

		at[keys] = (uint8_t)(head - frame);
		key[keys++] = (struct eswitch_key){ .header = head->header,
						    .vlan = head->vlan,
						    .tagged = head->flags & FRAME_VLAN };
	}
	trains = eswitch_burst(round->config->table, round->source, key, keys);
	while (trains) {
		unsigned int first = (unsigned int)__builtin_ctzll(trains);

		trains &= trains - 1;
		sort_train(round, frame, &key[first], at[first],
			   trains ? at[__builtin_ctzll(trains)] : n);
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

static void put_on_cable(struct round *round, struct frame *const list[], unsigned int n,
			 uint64_t wanted, enum uplink_fate fate[])
{
	struct uplink *uplink = round->port->uplink;

	round->far = atomic_load_explicit(&round->port->far, memory_order_acquire);
	if (round->far)
		round->far_config = atomic_load_explicit(&round->far->config, memory_order_acquire);
	if (!round->far_config) { /* nobody serves the other end */
		uplink_send_nowhere(uplink, n, fate);
		return;
	}
	uplink->ops->send(uplink, list, n, fate);
	/* A cable takes all or nothing. */
	round->crossing = fate[0] == UPLINK_SENT ? wanted : 0;
}

static void put_on_wire(struct round *round, struct frame *const list[], unsigned int n,
			uint64_t wanted, enum uplink_fate fate[])
{
	struct uplink *uplink = round->port->uplink;

	if (!uplink)
		uplink_fate_all(fate, n, UPLINK_DOWN);
	else if (uplink->is_cable)
		put_on_cable(round, list, n, wanted, fate);
	else
		uplink->ops->send(uplink, list, n, fate);
}

/* A flooded frame that finds no wire is no loss: the others got it. */
static void send_to_wire(struct round *round, struct frame *frames, uint64_t wanted)
{
	struct vport_stats *stats = round->config->vport[ESWITCH_UPLINK].stats;
	enum uplink_fate fate[FRAME_BURST] = { UPLINK_SENT };
	struct frame *list[FRAME_BURST];
	uint64_t left = wanted;
	unsigned int n = 0;

	do {
		list[n++] = &frames[__builtin_ctzll(left)];
		left &= left - 1;
	} while (left);
	put_on_wire(round, list, n, wanted, fate);
	if (!stats)
		return;
	for (unsigned int i = 0; i < n; i++) {
		const struct frame *frame = list[i];

		if (fate[i] == UPLINK_SENT)
			count_wire(stats, frame);
		else if (fate[i] == UPLINK_FULL)
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
			to->ops->rx_burst(to->pool, &round->worker->burst, wanted, round->now);
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

static void forward(struct round *round, struct frame *frames, unsigned int n)
{
	if (likely(round->config->link_up))
		sort_burst(round, frames, n);
	else
		drop_frames(round, frames, n, VPORT_DROP_TX_LINK_DOWN);
	count_round(round);
	deliver(round, frames);
}

/* At the other end of the cable. Everybody at this end has his share: the frames may change. */
static void cross(const struct round *near, struct frame *frames)
{
	struct round round = {
		.worker = near->worker,
		.port = near->far,
		.config = near->far_config,
		.source = ESWITCH_UPLINK,
		.now = near->now,
	};
	struct frame_burst *burst = &near->worker->burst;
	uint64_t behind =
		near->crossing & near->crossing << 1; /* who has the one before in front of him */
	uint64_t same_kind = 0, same_flow = 0;
	unsigned int n = 0;

	for (uint64_t left = near->crossing; left; left &= left - 1, n++) {
		unsigned int i = (unsigned int)__builtin_ctzll(left);

		if (unlikely(i != n))
			frames[n] = frames[i];
		frames[n].flags &= (uint16_t)~FRAME_LOOPBACK;
		same_kind |= ((behind & burst->same_kind) >> i & 1) << n;
		same_flow |= ((behind & burst->same_flow) >> i & 1) << n;
	}
	burst->same_kind = same_kind;
	burst->same_flow = same_flow;
	forward(&round, frames, n);
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

	forward(&round, frames, n);
	if (unlikely(round.crossing))
		cross(&round, frames);
}
