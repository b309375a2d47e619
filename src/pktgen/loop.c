// SPDX-License-Identifier: BSD-3-Clause
/*
 * loop.c - a closed loop: a fixed number of frames circulates, and nothing is built on the way.
 *
 * Frames from A to B and from B to A are built once. A frame that B received came from A, and A sends
 * it again, the very buffer with the very bytes: its source is A's address, so anti-spoofing lets it
 * pass, and its destination is B's. Both VFs reach the pool at the same addresses. So per packet the
 * client does what a driver must, two descriptors, and the switch is what is measured. DPDK's testpmd
 * does the same with `io` forwarding on two ports whose other ends are connected.
 *
 * Frames that the ring does not take at once wait for the next round.
 */
#include <stdio.h>
#include <stdlib.h>

#include "pktgen/run.h"

#define ROUNDS 64
#define BURST_DEFAULT 64u

/** struct direction - frames from @from to @to. @packet: @held received and not yet sent again. */
struct direction {
	struct softiov_queue *from, *to;
	unsigned int held;
	struct softiov_packet packet[2 * BURST_MAX];
};

struct loop {
	unsigned int burst;
	struct direction direction[PORTS_MAX];
};

static void turn(struct direction *d, unsigned int burst)
{
	unsigned int sent;

	if (d->held < burst)
		d->held += softiov_rx_burst(d->to, d->packet + d->held, burst);
	if (!d->held)
		return;
	sent = softiov_tx_burst(d->from, d->packet, d->held);
	d->held -= sent;
	if (sent && d->held)
		memmove(d->packet, d->packet + sent, d->held * sizeof(d->packet[0]));
}

static void drain(struct direction *d, struct softiov_pool *pool, unsigned int burst)
{
	if (!d->held)
		d->held = softiov_rx_burst(d->to, d->packet, burst);
	while (d->held)
		softiov_pool_put(pool, d->packet[--d->held].data);
}

void loop_slice(struct lane *lane)
{
	struct loop *loop = lane->run->loop;

	for (unsigned int i = 0; lane->phase < PHASE_DRAIN && i < ROUNDS; i++) {
		turn(&loop->direction[0], loop->burst);
		turn(&loop->direction[1], loop->burst);
	}
	for (unsigned int i = 0; lane->phase == PHASE_DRAIN && i < PORTS_MAX; i++)
		drain(&loop->direction[i], lane->port[i]->pool, loop->burst);
}

/* Build and send the frames that will circulate. */
static int launch(struct run *run, unsigned int from, struct softiov_reason *why)
{
	const struct options *o = run->options;
	struct generator *g = run->port[from].generator;

	g->left = o->in_flight;
	g->interval = 0;
	while (!generator_done(g)) {
		unsigned int held = g->held;
		uint64_t left = g->left;

		generator_send(g);
		if (g->held == held && g->left == left) {
			snprintf(why->text, sizeof(why->text),
				 "%s: its ring takes %llu frames, not %llu",
				 run->port[from].address, (unsigned long long)(o->in_flight - left),
				 (unsigned long long)o->in_flight);
			return -ENOSPC;
		}
	}
	return 0;
}

int loop_create(struct run *run, struct softiov_reason *why)
{
	struct loop *loop = calloc(1, sizeof(*loop));
	int error = 0;

	if (!loop) {
		snprintf(why->text, sizeof(why->text), "out of memory");
		return -ENOMEM;
	}
	run->loop = loop;
	loop->burst = run->options->burst ? (unsigned int)run->options->burst : BURST_DEFAULT;
	loop->burst = MAX(loop->burst, (unsigned int)SOFTIOV_PIECES_MAX);
	for (unsigned int i = 0; !error && i < PORTS_MAX; i++) {
		loop->direction[i].from = run->port[i].queue;
		loop->direction[i].to = run->port[1 - i].queue;
		error = launch(run, i, why);
	}
	return error;
}

void loop_destroy(struct loop *loop)
{
	free(loop);
}
