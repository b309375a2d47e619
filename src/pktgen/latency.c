// SPDX-License-Identifier: BSD-3-Clause
/*
 * latency.c - one packet at a time, from A to B and from B to A in turns, timed by who sends and
 * receives it.
 *
 * The time runs from before the frame is posted until after it is taken from the ring: descriptors,
 * doorbell, switch, copy and write-back are in it, building the frame is not. Between two looks at the
 * ring there is nothing but the clock.
 *
 * With --rate, generators send in both directions beside it. Their frames carry another magic number
 * in the stamp.
 */
#include <stdio.h>
#include <stdlib.h>

#include "pktgen/clock.h"
#include "pktgen/run.h"

#define ROUNDS 1024
#define LOST_NS (1.0 * NSEC_PER_SEC)

/**
 * struct latency
 * @probe: builds the frames of each direction
 * @under_way: a probe is, from @from, with @sequence in its stamp, since @since
 * @probes: sent in PHASE_MEASURE
 */
struct latency {
	struct generator *probe[PORTS_MAX];
	struct histogram histogram[PORTS_MAX];
	uint64_t lost[PORTS_MAX];
	bool under_way;
	unsigned int from;
	uint32_t sequence;
	uint64_t since, probes;
	struct softiov_packet packet[SINK_MAX];
};

static void send_probe(struct latency *l, struct port *port)
{
	struct generator *probe = l->probe[l->from];
	struct softiov_packet packet = { .data = softiov_pool_get(port->pool) };

	if (!packet.data)
		return;
	l->sequence = probe->sequence;
	generator_head(probe, &packet);
	l->since = clock_stamp();
	if (softiov_tx_burst(port->queue, &packet, 1)) {
		l->under_way = true;
		l->probes++;
	} else {
		softiov_pool_put(port->pool, packet.data);
	}
}

static bool is_probe(const struct latency *l, const struct softiov_packet *packet)
{
	const struct template *t = l->probe[0]->template;
	const uint8_t *stamp = (const uint8_t *)packet->data + t->stamp_at;

	return packet->len >= t->stamp_at + STAMP_LEN &&
	       get_le16(stamp + STAMP_MAGIC) == MAGIC_PROBE &&
	       get_le32(stamp + STAMP_SEQUENCE) == l->sequence;
}

/* Receive. Return: the probe is among it. */
static bool receive(struct latency *l, struct port *port, bool expected)
{
	unsigned int n = softiov_rx_burst(port->queue, l->packet, port->sink->burst);
	bool found = false;

	for (unsigned int i = 0; i < n; i++) {
		found |= expected && is_probe(l, &l->packet[i]);
		softiov_pool_put(port->pool, l->packet[i].data);
	}
	return found;
}

/* The probe is there, or will never be: the other direction's turn. */
static void settle(struct latency *l, const struct lane *lane, uint64_t took, bool lost)
{
	l->under_way = false;
	if (lane->phase >= PHASE_MEASURE && lost)
		l->lost[l->from]++;
	else if (lane->phase >= PHASE_MEASURE)
		histogram_add(&l->histogram[l->from], (uint64_t)clock_to_ns(took));
	l->from = 1 - l->from;
}

void latency_slice(struct lane *lane)
{
	struct latency *l = lane->run->latency;

	for (unsigned int i = 0; i < ROUNDS; i++) {
		struct port *to = lane->port[1 - l->from];
		uint64_t took;
		bool found;

		if (!l->under_way && lane->phase < PHASE_DRAIN && !latency_done(lane->run))
			send_probe(l, lane->port[l->from]);
		found = receive(l, to, l->under_way);
		took = clock_stamp() - l->since;
		if (lane->run->options->rate > 0) {
			generator_send(lane->port[0]->generator);
			generator_send(lane->port[1]->generator);
			receive(l, lane->port[l->from], false);
		}
		if (found || (l->under_way && clock_to_ns(took) > LOST_NS))
			settle(l, lane, took, !found);
	}
	/* Without load, nothing is expected where the probe came from. */
	receive(l, lane->port[l->from], false);
}

bool latency_done(const struct run *run)
{
	const struct latency *l = run->latency;
	uint64_t count = run->options->count;

	return count && l->histogram[0].samples + l->lost[0] >= count &&
	       l->histogram[1].samples + l->lost[1] >= count;
}

int latency_create(struct run *run, struct softiov_reason *why)
{
	struct latency *l = calloc(1, sizeof(*l));
	int error = 0;

	if (!l) {
		snprintf(why->text, sizeof(why->text), "out of memory");
		return -ENOMEM;
	}
	run->latency = l;
	for (unsigned int i = 0; !error && i < PORTS_MAX; i++) {
		histogram_clear(&l->histogram[i]);
		error = generator_create(&l->probe[i], run->options, run->port[i].info.mac,
					 run->port[1 - i].info.mac, false, why);
		if (error)
			break;
		l->probe[i]->magic = MAGIC_PROBE;
		run->port[i].generator->left = run->options->rate > 0 ? UINT64_MAX : 0;
	}
	return error;
}

void latency_destroy(struct latency *l)
{
	if (!l)
		return;
	for (unsigned int i = 0; i < PORTS_MAX; i++)
		generator_destroy(l->probe[i]);
	free(l);
}

const struct histogram *latency_histogram(const struct run *run, unsigned int from, uint64_t *lost)
{
	*lost = run->latency->lost[from];
	return &run->latency->histogram[from];
}
