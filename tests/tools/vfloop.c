// SPDX-License-Identifier: BSD-3-Clause
/*
 * vfloop.c - what a packet costs a program that uses libsoftiov, in ticks of the time stamp counter.
 *
 *	vfloop SECONDS LENGTH IN_FLIGHT RING ADDRESS ADDRESS
 *
 * IN_FLIGHT packets of LENGTH bytes travel from each of two VFs to the other: one thread receives a burst from one VF and
 * sends the same buffers on the other, for SECONDS, in both directions in turn. Prints packets per second (both
 * directions added up) and the ticks that one packet spent in softiov_rx_burst() and in softiov_tx_burst(), refill and
 * reclaim included; calls that found nothing count apart.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <x86intrin.h>

#include <softiov/softiov.h>
#include "util/util.h"

#define BURST 64u
#define SIDES 2
#define ETHERTYPE_EXPERIMENT 0x88b5
#define CHECK_EVERY 4096u
#define STEP 32u
#define STEPS 1024u

/**
 * struct cost - of calls that moved something, and of those that did not.
 * @full: full bursts by their ticks in steps of STEP, for the median: the mean suffers when others want the processor
 */
struct cost {
	uint64_t packets, calls, ticks, empty_calls, empty_ticks;
	uint64_t full[STEPS];
};

struct side {
	struct softiov_vf *vf;
	struct softiov_queue *queue;
	struct softiov_vf_info info;
	struct cost rx, tx;
	uint64_t kept_back;
};

static void count(struct cost *cost, unsigned int packets, uint64_t ticks)
{
	if (packets) {
		cost->packets += packets;
		cost->calls++;
		cost->ticks += ticks;
		if (packets == BURST)
			cost->full[MIN(ticks / STEP, STEPS - 1ull)]++;
	} else {
		cost->empty_calls++;
		cost->empty_ticks += ticks;
	}
}

static int open_side(struct side *side, const char *address, struct softiov_pool *pool,
		     uint16_t ring, struct softiov_reason *why)
{
	struct softiov_queue_options options = { .rx_ring = ring, .tx_ring = ring };
	int error = softiov_vf_open(&side->vf, address, NULL, why);

	if (error)
		return error;
	softiov_vf_info(side->vf, &side->info);
	return softiov_queue_start(&side->queue, side->vf, 0, pool, &options, why);
}

/* Return: packets on their way. */
static unsigned int seed(struct side *from, const struct side *to, struct softiov_pool *pool,
			 uint32_t len, unsigned int n)
{
	unsigned int sent = 0;

	for (; sent < n; sent++) {
		struct softiov_packet packet = { .data = softiov_pool_get(pool), .len = len };

		if (!packet.data)
			break;
		memset(packet.data, 0, len);
		memcpy(packet.data, to->info.mac, ETH_ALEN);
		memcpy((uint8_t *)packet.data + ETH_ALEN, from->info.mac, ETH_ALEN);
		put_be16((uint8_t *)packet.data + 2 * ETH_ALEN, ETHERTYPE_EXPERIMENT);
		if (!softiov_tx_burst(from->queue, &packet, 1)) {
			softiov_pool_put(pool, packet.data);
			break;
		}
	}
	return sent;
}

/* What @in received goes out on @out, where it came from. */
static void relay(struct side *in, struct side *out)
{
	struct softiov_packet packet[BURST];
	uint64_t start = __rdtsc(), middle;
	unsigned int n = softiov_rx_burst(in->queue, packet, BURST), sent = 0;

	middle = __rdtsc();
	count(&in->rx, n, middle - start);
	while (sent < n) {
		unsigned int some;

		start = __rdtsc();
		some = softiov_tx_burst(out->queue, &packet[sent], n - sent);
		count(&out->tx, some, __rdtsc() - start);
		out->kept_back += sent + some < n;
		sent += some;
	}
}

/* Ticks of a packet in the median full burst. */
static double median(const struct cost *a, const struct cost *b)
{
	uint64_t all = 0, so_far = 0;

	for (unsigned int i = 0; i < STEPS; i++)
		all += a->full[i] + b->full[i];
	for (unsigned int i = 0; i < STEPS; i++) {
		so_far += a->full[i] + b->full[i];
		if (so_far * 2 > all)
			return (i + 0.5) * STEP / BURST;
	}
	return 0;
}

static void print_cost(const char *what, const struct cost *a, const struct cost *b)
{
	uint64_t packets = a->packets + b->packets, calls = a->calls + b->calls;
	uint64_t empty = a->empty_calls + b->empty_calls;

	printf("%s: %.1f ticks a packet, in the median full burst %.1f; %.1f packets a call; "
	       "%.1f ticks a call for nothing, %.2f of those a call\n",
	       what, packets ? (double)(a->ticks + b->ticks) / (double)packets : 0.0, median(a, b),
	       calls ? (double)packets / (double)calls : 0.0,
	       empty ? (double)(a->empty_ticks + b->empty_ticks) / (double)empty : 0.0,
	       calls ? (double)empty / (double)calls : 0.0);
}

static void run(struct side *side, double seconds)
{
	uint64_t start = now_ns(), end = start + (uint64_t)(seconds * 1e9), ns;
	uint64_t first = __rdtsc();
	unsigned int turns = 0;

	for (;;) {
		relay(&side[0], &side[1]);
		relay(&side[1], &side[0]);
		if (++turns % CHECK_EVERY == 0 && now_ns() >= end)
			break;
	}
	ns = now_ns() - start;
	printf("%.2f Mpps, %.2f ticks a ns\n",
	       (double)(side[0].rx.packets + side[1].rx.packets) / (double)ns * 1e3,
	       (double)(__rdtsc() - first) / (double)ns);
	print_cost("rx", &side[0].rx, &side[1].rx);
	print_cost("tx", &side[0].tx, &side[1].tx);
	printf("kept back: %llu\n", (unsigned long long)(side[0].kept_back + side[1].kept_back));
}

int main(int argc, char **argv)
{
	static struct side side[SIDES];
	struct softiov_pool_options options = { 0 };
	struct softiov_pool *pool = NULL;
	struct softiov_reason why;
	unsigned int n, ring;
	uint32_t len;
	int error;

	if (argc != 7) {
		fprintf(stderr, "usage: vfloop SECONDS LENGTH IN_FLIGHT RING ADDRESS ADDRESS\n");
		return 2;
	}
	len = (uint32_t)strtoul(argv[2], NULL, 10);
	n = (unsigned int)strtoul(argv[3], NULL, 10);
	ring = (unsigned int)strtoul(argv[4], NULL, 10);
	options.buffers = 2 * SIDES * ring + SIDES * n;
	error = softiov_pool_create(&pool, &options, &why);
	for (unsigned int i = 0; !error && i < SIDES; i++)
		error = open_side(&side[i], argv[5 + i], pool, (uint16_t)ring, &why);
	if (error) {
		fprintf(stderr, "vfloop: %s\n", why.text);
	} else {
		unsigned int there = seed(&side[0], &side[1], pool, len, n) +
				     seed(&side[1], &side[0], pool, len, n);

		printf("%u bytes, %u in flight\n", len, there);
		run(side, strtod(argv[1], NULL));
	}
	for (unsigned int i = 0; i < SIDES; i++) {
		softiov_queue_stop(side[i].queue);
		softiov_vf_close(side[i].vf);
	}
	softiov_pool_destroy(pool);
	return error ? 1 : 0;
}
