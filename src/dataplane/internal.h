/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * internal.h - workers and ports inside the data path.
 */
#ifndef SOFTIOV_DATAPLANE_INTERNAL_H
#define SOFTIOV_DATAPLANE_INTERNAL_H

#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include "dataplane/dataplane.h"
#include "uplink/uplink.h"

#define DP_WORKER_PORTS 64 /* most ports of one worker */
#define DP_NOT_DUE UINT64_MAX
#define DP_LATE_NS \
	500000 /* an interrupt that waits no longer than this for the end of a nap does not end it */

#define DP_GATHER_UNIT_NS 1000000ull /* of rates: bytes per millisecond */
#define DP_GATHER_BYTES 65536u	     /* what is worth a wake-up */
#define DP_GATHER_MIN_RATE 10000u    /* 10 MB/s: below, frames are not kept waiting ... */
#define DP_GATHER_MIN_NS 100000u     /* ... and not where a pause would be shorter than this */
#define DP_GATHER_MAX_NS 500000u     /* longest time that frames are kept waiting */

#define DP_UPLINK_RECHECK_NS 20000 /* an uplink that had nothing is not asked again before this */

/**
 * struct dp_armed - moderated interrupts that wait for their time. Any thread arms, the worker expires.
 * @due_ns: not later than the earliest of @vport_due_ns
 * @set: vports whose @vport_due_ns counts
 */
struct dp_armed {
	_Alignas(64) _Atomic uint64_t due_ns;
	_Atomic uint64_t set[ESWITCH_SET_WORDS];
	_Atomic uint64_t vport_due_ns[ESWITCH_VPORTS];
};

/**
 * struct dp_port - one physical port.
 * @far: the port at the other end of the cable that is its uplink, of the same worker; NULL: no cable, or none there
 * @tx_due_ns: worker: when the first of the queues comes to its turn that had to wait in this round
 * @uplink_next_ns: worker: when to ask the uplink next
 * @uplink_mute: worker: the uplink ended a nap and has given nothing since; leave it out of the next nap
 */
struct dp_port {
	struct dp_worker *worker;
	struct uplink *uplink; /* may be NULL: tied to nothing */
	_Atomic(struct dp_port *) far;
	_Atomic(struct dp_config *) config;
	struct dp_armed armed;
	uint64_t tx_due_ns, uplink_next_ns;
	bool uplink_mute;
	/* device thread */
	struct quiesce_head retired;
	void (*done)(void *ctx);
	void *done_ctx;
};

/** struct dp_port_list - the ports of a worker: immutable once published. */
struct dp_port_list {
	struct quiesce_head retired;
	unsigned int n;
	struct dp_port *port[];
};

/**
 * struct dp_gather - how fast data comes.
 * @rate: bytes per DP_GATHER_UNIT_NS
 * @bytes, @hots: at @since_ns: sent by the vports with a hot queue, number of hot queues
 */
struct dp_gather {
	uint64_t rate, bytes, since_ns;
	unsigned int hots;
};

/**
 * struct dp_worker - one data-path thread.
 * @wake_ns: when the nap that is announced or under way ends; 0: awake, no kick needed
 * @gather_ns: in a stream, how long its senders are left alone (gather.c), and no nap is longer; else 0
 * @nap_ns: length of the next nap; 0: still polling
 * @want: per receiver, which frames of the burst it gets; all zero between bursts
 */
struct dp_worker {
	_Alignas(64) _Atomic uint64_t wake_ns;
	_Atomic uint64_t gather_ns;
	_Alignas(64) struct dp *dp;
	_Atomic(struct dp_port_list *) ports;
	_Atomic bool stop;
	int kick_fd;
	int slot; /* in struct quiesce */
	int cpu;  /* pinned to, -1: not */
	bool started;
	pthread_t thread;
	uint64_t idle_since_ns, last_point_ns, nap_ns;
	struct dp_gather gather;
	struct dp_worker_stats stats; /* stored by the worker, relaxed */

	unsigned int polled;			 /* of @poll in the last nap */
	struct pollfd poll[1 + DP_WORKER_PORTS]; /* the kick, then the uplinks */

	uint64_t want[ESWITCH_VPORTS];
	struct frame_burst burst;
};

struct dp {
	struct quiesce *quiesce;
	struct dp_policy policy;
	unsigned int workers, next_worker;
	struct dp_worker *worker[];
};

/** stat_add() - counters have one writer; readers on other threads must see whole values. */
static inline void stat_add(uint64_t *counter, uint64_t n)
{
	__atomic_store_n(counter, *counter + n, __ATOMIC_RELAXED);
}

/** atomic_min() - lower @value to @to unless it is lower already. */
static inline void atomic_min(_Atomic uint64_t *value, uint64_t to)
{
	uint64_t old = atomic_load(value);

	while (to < old && !atomic_compare_exchange_weak(value, &old, to))
		;
}

/* forward.c: the @n frames of the worker's burst, sent by vport @source, go where they belong. */
void dp_forward(struct dp_worker *worker, struct dp_port *port, const struct dp_config *config,
		unsigned int source, unsigned int n, uint64_t now);

/* poll.c: one round over a port; @busy: the worker had frames in its last. Return: was there any frame? */
bool dp_poll_port(struct dp_worker *worker, struct dp_port *port, bool busy, uint64_t now);

/* armed.c */
void dp_armed_init(struct dp_armed *armed);
void dp_armed_add(struct dp_armed *armed, unsigned int vport, uint64_t due_ns);
void dp_armed_expire(struct dp_armed *armed, const struct dp_config *config, uint64_t now);

/* gather.c: look at what has come since last time, unless that is not long ago. Worker. */
void dp_gather_judge(struct dp_gather *gather, const struct dp_port_list *list, uint64_t now);
/* How long to nap right after work, so that data comes together; 0: poll on. */
uint64_t dp_gather_ns(const struct dp_gather *gather);

/* worker.c */
int dp_worker_create(struct dp *dp, int cpu, struct dp_worker **worker);
int dp_worker_start(struct dp_worker *worker);
/** dp_worker_kick() - end its nap, announced or under way. Any thread. */
void dp_worker_kick(struct dp_worker *worker);
void dp_worker_stop(struct dp_worker *worker);
void dp_worker_free(struct dp_worker *worker);

#endif
