/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * roundrobin.c - many VFs that all send, in turn.
 *
 *	roundrobin CPU MILLISECONDS IN_FLIGHT PAUSE_US SOCKET SOCKET ...
 *
 * The VFs are pairs. Each VF sends IN_FLIGHT frames of 64 bytes to its partner; a frame that arrives there is sent again,
 * by the VF that it came from. All VFs share one pool, so nothing is built, copied or addressed anew on the way: the
 * client costs as little as it can. The VFs are served in turn, a burst each. After each turn the client sleeps for
 * PAUSE_US, if that is not 0: it leaves the processor to others.
 *
 * Prints "ready" when the frames go round and "start" and "stop" around the time that counts, then one JSON object:
 * frames received in that time, and the nanoseconds it took.
 */
#include "fleet.h"

#include <inttypes.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define RING 512
#define BURST 64
#define FRAME_LEN 64
#define MAC_LEN 6
#define ETHERTYPE_AT 12
#define ETHERTYPE_EXPERIMENT 0x88b5 /* IEEE 802 local experimental */
#define WARM_UP_NS 500000000ull
#define TURNS_PER_LOOK 64

static uint64_t now_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000000000ull + (uint64_t)t.tv_nsec;
}

static void build(uint8_t *frame, const struct fleet_ship *from, const struct fleet_ship *to)
{
	memset(frame, 0, FRAME_LEN);
	memcpy(frame, to->info.mac, MAC_LEN);
	memcpy(frame + MAC_LEN, from->info.mac, MAC_LEN);
	frame[ETHERTYPE_AT] = ETHERTYPE_EXPERIMENT >> 8;
	frame[ETHERTYPE_AT + 1] = ETHERTYPE_EXPERIMENT & 0xff;
}

static int inject(struct fleet *fleet, unsigned int frames)
{
	for (unsigned int i = 0; i < fleet->ships; i++) {
		for (unsigned int k = 0; k < frames; k++) {
			struct softiov_packet packet = { .data = softiov_pool_get(fleet->pool),
							 .len = FRAME_LEN };

			if (!packet.data)
				return -1;
			build(packet.data, &fleet->ship[i], &fleet->ship[i ^ 1]);
			if (softiov_tx_burst(fleet->ship[i].queue, &packet, 1) != 1)
				return -1;
		}
	}
	return 0;
}

/* What came to each VF goes out again at the one it came from. */
static uint64_t turn(struct fleet *fleet)
{
	struct softiov_packet packet[BURST];
	uint64_t received = 0;

	for (unsigned int i = 0; i < fleet->ships; i++) {
		unsigned int n = softiov_rx_burst(fleet->ship[i].queue, packet, BURST), sent;

		if (!n)
			continue;
		for (unsigned int k = 0; k < n; k++)
			packet[k].flags = 0;
		sent = softiov_tx_burst(fleet->ship[i ^ 1].queue, packet, n);
		for (; sent < n; sent++)
			softiov_pool_put(fleet->pool, packet[sent].data);
		received += n;
	}
	return received;
}

static uint64_t turns(struct fleet *fleet, const struct timespec *pause)
{
	uint64_t received = 0;

	for (unsigned int i = 0; i < TURNS_PER_LOOK; i++) {
		received += turn(fleet);
		if (pause->tv_nsec)
			nanosleep(pause, NULL);
	}
	return received;
}

static uint64_t circulate(struct fleet *fleet, const struct timespec *pause, uint64_t ns,
			  uint64_t *took)
{
	uint64_t received = 0, start = now_ns();

	do {
		received += turns(fleet, pause);
		*took = now_ns() - start;
	} while (*took < ns);
	return received;
}

static void say(const char *word)
{
	puts(word);
	fflush(stdout);
}

static int run(struct fleet *fleet, unsigned int in_flight, const struct timespec *pause,
	       uint64_t ns)
{
	uint64_t received, took;

	if (inject(fleet, in_flight)) {
		fprintf(stderr, "roundrobin: cannot send %u frames at once\n", in_flight);
		return 1;
	}
	say("ready");
	circulate(fleet, pause, WARM_UP_NS, &took);
	say("start");
	received = circulate(fleet, pause, ns, &took);
	say("stop");
	printf("{\"frames\": %" PRIu64 ", \"ns\": %" PRIu64 "}\n", received, took);
	if (!received)
		fprintf(stderr, "roundrobin: nothing comes round\n");
	return received ? 0 : 1;
}

int main(int argc, char **argv)
{
	struct fleet fleet;
	struct timespec pause = { 0 };
	unsigned int in_flight;
	cpu_set_t set;
	int status;

	if (argc < 7 || !(argc % 2)) {
		fprintf(stderr, "usage: roundrobin CPU MILLISECONDS IN_FLIGHT PAUSE_US SOCKET "
				"SOCKET ...\n");
		return 2;
	}
	in_flight = (unsigned int)strtoul(argv[3], NULL, 10);
	pause.tv_nsec = strtol(argv[4], NULL, 10) % 1000000 * 1000;
	CPU_ZERO(&set);
	CPU_SET(atoi(argv[1]), &set);
	if (sched_setaffinity(0, sizeof(set), &set))
		perror("roundrobin: cannot pin");
	if (fleet_open(&fleet, (const char *const *)argv + 5, (unsigned int)argc - 5, RING,
		       in_flight + BURST))
		return 1;
	status = run(&fleet, in_flight, &pause, strtoull(argv[2], NULL, 10) * 1000000ull);
	fleet_close(&fleet);
	return status;
}
