/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * dataplane.h - the workers: poll transmit queues, classify, hand each burst to its receivers, raise interrupts.
 *
 * A port with all queues of its vports belongs to one worker. Workers never block, allocate, log per packet or take a
 * lock. They read a published struct dp_config per port; dp_port_publish() replaces it and frees the old one after a
 * grace period. An idle worker backs off by steps: busy, pause, naps that grow to nap_max; it never naps past the
 * earliest interrupt due, and dp_port_kick() ends a nap.
 *
 * The data path never sees a register or a descriptor: a device model gives it struct model_ops.
 */
#ifndef SOFTIOV_DATAPLANE_DATAPLANE_H
#define SOFTIOV_DATAPLANE_DATAPLANE_H

#include <stdbool.h>
#include <stdint.h>
#include "eswitch/eswitch.h"
#include "eswitch/stats.h"
#include "frame/model.h"
#include "util/quiesce.h"

struct uplink;
struct dp;
struct dp_port;

#define DP_TX_QUEUES 512 /* of a port, at most */

/** struct dp_vport - a vport as the data path sees it; all NULL: absent. */
struct dp_vport {
	const struct model_ops *ops;
	void *pool;		   /* for rx_burst, irq_expire */
	struct vport_stats *stats; /* in the state file */
};

/**
 * struct dp_tx_queue - a transmit queue to poll: only enabled queues are listed.
 * @doorbell: a word that changes whenever the driver posts, valid as long as the configuration; NULL: none. A queue that
 *	had nothing is not asked again until its doorbell has changed, so silent queues cost one load each.
 * @quiet_at, @due_ns, @rounds_idle, @is_hot: the worker's own notes (poll.c); @quiet_at: 1 + the doorbell when the queue
 *	last had nothing, 0: ask it; @due_ns: but not before that
 */
struct dp_tx_queue {
	const struct model_ops *ops;
	void *queue;
	const _Atomic uint32_t *doorbell;
	uint64_t quiet_at, due_ns;
	uint16_t vport;
	uint16_t rounds_idle;
	bool is_hot;
};

/**
 * struct dp_config - what a worker reads of a port; but for the worker's notes immutable once published, freed by the
 * data path.
 */
struct dp_config {
	struct eswitch_table *table; /* owned: freed with the configuration */
	bool link_up;		     /* else transmits are drained and counted tx_link_down */
	struct dp_vport vport[ESWITCH_VPORTS]; /* [ESWITCH_UPLINK]: only stats */
	struct quiesce_head retired;	       /* private: how it is freed once replaced */
	unsigned int hots, cursor, rounds_idle, forgotten; /* private: of the worker */
	uint16_t hot[DP_TX_QUEUES];			   /* likewise */
	unsigned int queues;				   /* at most DP_TX_QUEUES */
	struct dp_tx_queue queue[];			   /* malloc'ed as one block */
};

/** struct dp_policy - how an idle worker behaves; times in microseconds. */
struct dp_policy {
	uint32_t busy_us;    /* spin this long after the last work, or not at all: gather.c */
	uint32_t nap_us;     /* first nap */
	uint32_t nap_max_us; /* naps double up to this */
	bool always_busy;    /* never nap */
};
#define DP_POLICY_DEFAULT                                                             \
	{                                                                             \
		.busy_us = 50, .nap_us = 50, .nap_max_us = 3000, .always_busy = false \
	}

/** dp_create() - start @workers threads, each pinned to @cpu[i] when @cpu is not NULL. Return: 0 or -errno with @why. */
int dp_create(struct dp **dp, unsigned int workers, const int *cpu, const struct dp_policy *policy,
	      struct quiesce *quiesce, struct reason *why);
/**
 * dp_destroy() - stop the threads, free the ports. Device thread. What was retired is freed by the grace periods still
 * pending: call quiesce_poll() or quiesce_fini() afterwards.
 */
void dp_destroy(struct dp *dp);

/**
 * dp_port_create() - a port served by the next worker in turn, tied to @uplink (not owned); where that is a cable, by the
 * worker that has the port at its other end. Device thread.
 */
int dp_port_create(struct dp *dp, struct dp_port **port, struct uplink *uplink);
/**
 * dp_port_destroy() - take a port away from its worker; freed after a grace period, then @done(@ctx). Device thread.
 * @done may be NULL. Nobody may arm, kick or publish the port any more.
 */
void dp_port_destroy(struct dp_port *port, void (*done)(void *ctx), void *ctx);

/** dp_port_publish() - replace what the worker reads; takes ownership of @config. NULL: stand still. Device thread. */
void dp_port_publish(struct dp_port *port, struct dp_config *config);

/** dp_port_arm() - vport's moderated interrupt is due at @due_ns: the worker will call irq_expire(). Any thread. */
void dp_port_arm(struct dp_port *port, unsigned int vport, uint64_t due_ns);

/** dp_port_kick() - a driver may have posted frames: end a nap, unless one of a stream. Any thread. */
void dp_port_kick(struct dp_port *port);
/**
 * dp_port_patience_ns() - how long drivers' register writes may wait for company, as their frames do in a stream.
 * Return: nanoseconds, 0: not at all. Any thread.
 */
uint64_t dp_port_patience_ns(const struct dp_port *port);

/** struct dp_worker_stats - for "softiov show". */
struct dp_worker_stats {
	uint64_t loops, busy_loops, naps, nap_ns, kicks;
	uint64_t busy_ns;	 /* what the busy loops took: over packets, the cost of one */
	uint64_t quiesced;	 /* grace periods that waited for this worker while it was awake */
	uint64_t quiesce_ns_max; /* the longest that one of them took */
	uint64_t round_ns_max;	 /* longest time between two quiescent points, naps not counted */
	int cpu;
};
unsigned int dp_workers(const struct dp *dp);
void dp_worker_stats(const struct dp *dp, unsigned int worker, struct dp_worker_stats *stats);

#endif
