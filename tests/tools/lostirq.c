/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * lostirq.c - does an interrupt get lost? Single packets at random gaps from one VF to another that sleeps.
 *
 *	lostirq [-n PACKETS] [-s SEED] [-m] ADDRESS ADDRESS
 *
 * The sender sends packet n + 1 only when the receiver has seen packet n, so nothing that comes later wakes up a
 * receiver that missed one. The receiver is in interrupt mode (napi.h), sleeps without a timeout that could help it,
 * and asks nothing else of its VF. A packet that it has not seen after a second is a failure; then one more is sent, to
 * tell a lost interrupt from a lost packet.
 *
 * What may go wrong goes wrong while the receiver is about to sleep. So most gaps are about as long as it takes to get
 * there: 0 to 40 us; and in half of its polls the receiver dawdles before it tells the library that the ring is empty,
 * so that the next packet comes before, during and after the unmasking. Now and then a gap of milliseconds lets all
 * of it fall asleep. Threads that wait yield the processor: there may be fewer of them than threads.
 *
 * Prints one JSON object. Exit status 0: all were seen; 1: one was not, or something else failed; 2: wrong words.
 * -m: no interrupt moderation.
 */
#include <errno.h>
#include <linux/futex.h>
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/random.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include <softiov/napi.h>
#include "util/util.h"

#define FRAME_LEN 64u
#define SEQUENCE_AT 14 /* behind the Ethernet header */
#define ETHERTYPE_LOCAL 0x88b5
#define PATIENCE_NS NSEC_PER_SEC
#define LOOK_NS (20 * 1000 * 1000ull)
#define RECEIVER_SLEEP_NS (1000 * NSEC_PER_SEC) /* no help */
#define GAP_NS 40000u
#define LONG_GAP_NS 3000000u
#define LONG_GAP_ONE_IN 2000u
#define EAGER_NS 30000u /* how long the sender looks before it sleeps */
#define BURST 64u
#define LAST UINT32_MAX

/** struct end - one VF with its queue. */
struct end {
	struct softiov_vf *vf;
	struct softiov_pool *pool;
	struct softiov_queue *queue;
	struct softiov_vf_info info;
};

/**
 * struct receiver - @seen: sequence number seen last, also a futex; @waiting: the sender sleeps on it
 */
struct receiver {
	struct end end;
	struct softiov_napi *napi;
	_Atomic uint32_t seen;
	_Atomic bool waiting;
	_Atomic int error;
	uint64_t random, sleeps;
};

/* xorshift64*: enough to mix gaps. */
static uint64_t next_random(uint64_t *state)
{
	*state ^= *state >> 12;
	*state ^= *state << 25;
	*state ^= *state >> 27;
	return *state * 0x2545f4914f6cdd1dull >> 16;
}

static long futex(_Atomic uint32_t *word, int operation, uint32_t value, uint64_t ns)
{
	struct timespec timeout = { .tv_sec = (time_t)(ns / NSEC_PER_SEC),
				    .tv_nsec = (long)(ns % NSEC_PER_SEC) };

	return syscall(SYS_futex, word, operation, value, &timeout, NULL, 0);
}

static void dawdle(uint64_t ns)
{
	uint64_t end = now_ns() + ns;

	while (now_ns() < end)
		sched_yield();
}

/* --- the receiver ----------------------------------------------------------------------------- */

static void see(struct receiver *r, uint32_t sequence)
{
	if (sequence != LAST && sequence != atomic_load(&r->seen) + 1)
		atomic_store(&r->error, EILSEQ);
	atomic_store(&r->seen, sequence);
	if (atomic_load(&r->waiting))
		futex(&r->seen, FUTEX_WAKE_PRIVATE, 1, 0);
}

static unsigned int poll_receiver(void *ctx, unsigned int budget)
{
	struct receiver *r = ctx;
	struct softiov_packet packet[BURST];
	unsigned int n = softiov_rx_burst(r->end.queue, packet, MIN(budget, BURST));
	uint64_t random = next_random(&r->random);

	for (unsigned int i = 0; i < n; i++) {
		see(r, get_le32((const uint8_t *)packet[i].data + SEQUENCE_AT));
		softiov_pool_put(r->end.pool, packet[i].data);
	}
	if (n && random & 1)
		dawdle((random >> 1) % GAP_NS);
	return n;
}

static void *receive(void *arg)
{
	struct receiver *r = arg;
	enum softiov_napi_state before = SOFTIOV_NAPI_POLLING;

	while (atomic_load(&r->seen) != LAST) {
		int state;

		r->sleeps += before == SOFTIOV_NAPI_ARMED;
		state = softiov_napi_run(r->napi, RECEIVER_SLEEP_NS);
		if (state < 0) {
			atomic_store(&r->error, -state);
			return NULL;
		}
		before = (enum softiov_napi_state)state;
	}
	return NULL;
}

/* --- the sender ------------------------------------------------------------------------------- */

static int send_packet(struct end *from, const struct end *to, uint32_t sequence)
{
	struct softiov_packet packet = { .len = FRAME_LEN };
	uint8_t *frame;

	(void)softiov_tx_reclaim(from->queue);
	frame = softiov_pool_get(from->pool);
	if (!frame)
		return -ENOBUFS;
	memset(frame, 0, FRAME_LEN);
	memcpy(frame, to->info.mac, ETH_ALEN);
	memcpy(frame + ETH_ALEN, from->info.mac, ETH_ALEN);
	put_le16(frame + 2 * ETH_ALEN, __builtin_bswap16(ETHERTYPE_LOCAL));
	put_le32(frame + SEQUENCE_AT, sequence);
	packet.data = frame;
	return softiov_tx_burst(from->queue, &packet, 1) == 1 ? 0 : -ENOBUFS;
}

/*
 * Return: the receiver saw @sequence in time. A look that took longer than it should counts as one: for that long the
 * machine did not run us, and maybe nobody.
 */
static bool wait_seen(struct receiver *r, uint32_t sequence)
{
	uint64_t start = now_ns(), waited = 0;

	while (waited < PATIENCE_NS) {
		uint32_t seen = atomic_load(&r->seen);

		if (seen == sequence)
			return true;
		if (!waited && now_ns() - start < EAGER_NS) {
			sched_yield();
			continue;
		}
		atomic_store(&r->waiting, true);
		if (atomic_load(&r->seen) == seen)
			futex(&r->seen, FUTEX_WAIT_PRIVATE, seen, LOOK_NS);
		atomic_store(&r->waiting, false);
		waited += LOOK_NS;
	}
	return atomic_load(&r->seen) == sequence;
}

static void pause_for(uint64_t *random)
{
	uint64_t value = next_random(random);

	if (value % LONG_GAP_ONE_IN == 0) {
		struct timespec gap = { .tv_nsec = (long)((value >> 16) % LONG_GAP_NS) };

		nanosleep(&gap, NULL);
	} else if (value & 1) {
		dawdle((value >> 16) % GAP_NS);
	}
}

/* Packet @sequence is overdue: does the next one bring it? */
static int overdue(struct end *from, struct receiver *r, uint32_t sequence, uint64_t seed)
{
	int error = send_packet(from, &r->end, sequence + 1);

	fprintf(stderr, "lostirq: packet %u of seed %llu was not seen within 1 s; %s\n", sequence,
		(unsigned long long)seed,
		!error && wait_seen(r, sequence + 1)
			? "the next one brought it: an interrupt is lost"
			: "nor with the next one");
	return -ETIMEDOUT;
}

static int send_all(struct end *from, struct receiver *r, uint32_t packets, uint64_t seed,
		    uint64_t *longest)
{
	uint64_t random = seed;

	for (uint32_t n = 1; n <= packets; n++) {
		uint64_t sent;
		int error;

		pause_for(&random);
		sent = now_ns();
		error = send_packet(from, &r->end, n);
		if (error) {
			fprintf(stderr, "lostirq: packet %u cannot be sent\n", n);
			return error;
		}
		if (!wait_seen(r, n))
			return overdue(from, r, n, seed);
		*longest = MAX(*longest, now_ns() - sent);
		if (atomic_load(&r->error)) {
			fprintf(stderr, "lostirq: at packet %u: %s\n", n,
				softiov_error_name(atomic_load(&r->error)));
			return -EIO;
		}
	}
	return 0;
}

/* --- all of it -------------------------------------------------------------------------------- */

static int open_end(struct end *end, const char *address)
{
	struct softiov_pool_options options = { .buffers = 2048, .pages = SOFTIOV_POOL_HUGE_NEVER };
	struct softiov_reason why;
	int error = softiov_vf_open(&end->vf, address, NULL, &why);

	if (!error)
		error = softiov_pool_create(&end->pool, &options, &why);
	if (!error)
		error = softiov_queue_start(&end->queue, end->vf, 0, end->pool, NULL, &why);
	if (error)
		fprintf(stderr, "lostirq: %s\n", why.text);
	else
		softiov_vf_info(end->vf, &end->info);
	return error;
}

static void close_end(struct end *end)
{
	if (end->queue)
		softiov_queue_stop(end->queue);
	softiov_vf_close(end->vf);
	softiov_pool_destroy(end->pool);
}

static void report(const struct receiver *r, uint32_t packets, uint64_t seed, uint64_t ns,
		   uint64_t longest)
{
	struct softiov_napi_stats stats;

	softiov_napi_stats(r->napi, &stats);
	printf("{\"seed\": %llu, \"packets\": %u, \"seconds\": %.2f, \"sleeps\": %llu, "
	       "\"interrupts\": %llu, \"polls\": %llu, \"rearms\": %llu, \"rearm_races\": %llu, "
	       "\"spurious\": %llu, \"longest_us\": %.1f}\n",
	       (unsigned long long)seed, packets, (double)ns / NSEC_PER_SEC,
	       (unsigned long long)r->sleeps, (unsigned long long)stats.interrupts,
	       (unsigned long long)stats.polls, (unsigned long long)stats.rearms,
	       (unsigned long long)stats.rearm_races, (unsigned long long)stats.spurious,
	       (double)longest / 1000);
}

static int run(struct end *from, struct receiver *r, uint32_t packets, uint64_t seed,
	       const struct softiov_napi_options *options)
{
	struct softiov_reason why;
	uint64_t start, longest = 0;
	pthread_t thread;
	int error = softiov_napi_create(&r->napi, r->end.queue, options, poll_receiver, r, &why);

	if (error) {
		fprintf(stderr, "lostirq: %s\n", why.text);
		return error;
	}
	error = softiov_napi_enable(r->napi);
	if (!error)
		error = -pthread_create(&thread, NULL, receive, r);
	if (error) {
		fprintf(stderr, "lostirq: %s\n", softiov_error_name(error));
		return error;
	}
	start = now_ns();
	error = send_all(from, r, packets, seed, &longest);
	if (error) /* the receiver may never wake up */
		exit(EXIT_FAILURE);
	start = now_ns() - start;
	error = send_packet(from, &r->end, LAST);
	pthread_join(thread, NULL);
	report(r, packets, seed, start, longest);
	return error;
}

int main(int argc, char **argv)
{
	struct softiov_napi_options options = { 0 };
	static struct receiver receiver;
	struct end sender = { 0 };
	uint64_t seed = 0;
	uint32_t packets = 1000000;
	int option, error;

	(void)!getrandom(&seed, sizeof(uint32_t), 0);
	while ((option = getopt(argc, argv, "n:s:m")) != -1) {
		if (option == 'n')
			packets = (uint32_t)strtoul(optarg, NULL, 10);
		else if (option == 's')
			seed = strtoull(optarg, NULL, 10);
		else if (option == 'm')
			options.no_moderation = true;
		else
			return 2;
	}
	if (argc - optind != 2 || !packets || packets >= LAST - 1) {
		fprintf(stderr, "usage: lostirq [-n PACKETS] [-s SEED] [-m] ADDRESS ADDRESS\n");
		return 2;
	}
	seed += !seed;
	receiver.random = ~seed;
	prctl(PR_SET_TIMERSLACK, 1);
	error = open_end(&sender, argv[optind]);
	if (!error)
		error = open_end(&receiver.end, argv[optind + 1]);
	if (!error)
		error = run(&sender, &receiver, packets, seed, &options);
	softiov_napi_destroy(receiver.napi);
	close_end(&receiver.end);
	close_end(&sender);
	return error ? EXIT_FAILURE : EXIT_SUCCESS;
}
