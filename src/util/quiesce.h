/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * quiesce.h - grace periods (QSBR): "call me once no worker can still hold what I just
 * unpublished".
 *
 * Workers read published pointers (switch tables, DMA maps, queue sets) without locks. Whoever
 * unpublishes one calls quiesce_call(): the callback runs on the device thread after every online
 * worker has passed a quiescent point, and at once when all of them nap. Nobody ever waits: a reply
 * that must not be sent earlier is sent by the callback.
 */
#ifndef SOFTIOV_UTIL_QUIESCE_H
#define SOFTIOV_UTIL_QUIESCE_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#define QUIESCE_MAX_WORKERS 64
#define QUIESCE_OFFLINE UINT64_MAX

/** struct quiesce_worker - one worker's view, alone on its cache line. */
struct quiesce_worker {
	_Alignas(64) _Atomic uint64_t seen; /* latest epoch passed, QUIESCE_OFFLINE while napping */
	_Atomic bool used;
};

/**
 * struct quiesce_head - a pending callback; embedded by the caller, who may free it only from the
 * callback.
 */
struct quiesce_head {
	struct quiesce_head *next;
	uint64_t epoch;
	void (*done)(struct quiesce_head *head);
};

/**
 * struct quiesce - one per process. Cache-line aligned: allocate it with aligned_alloc(), not with
 * malloc().
 */
struct quiesce {
	_Alignas(64) _Atomic uint64_t epoch;
	_Atomic int slots; /* workers beyond were never used */
	bool running;	   /* inside a callback */
	uint32_t look_ns;  /* the timer was set to expire so much later */
	int kick_fd;	   /* timerfd, readable when it is time for quiesce_poll() */
	/*
	 * What was changed but not yet published (changes are collected) must be published before a
	 * grace period begins: quiesce_call() calls this first. May be NULL; set once at start.
	 */
	void (*publish)(void *ctx);
	void *publish_ctx;
	struct quiesce_head *first, **last;
	struct quiesce_worker workers[QUIESCE_MAX_WORKERS];
};

/** quiesce_init() - prepare @q. Return: 0 or -errno. Device thread. */
int quiesce_init(struct quiesce *q);

/** quiesce_fini() - run what is still pending (all workers must be gone) and close the timer. */
void quiesce_fini(struct quiesce *q);

/** quiesce_register() - a new worker, offline. Return: its slot or -ENOSPC. Any thread. */
int quiesce_register(struct quiesce *q);

/** quiesce_unregister() - the worker of @slot has ended. Any thread. */
void quiesce_unregister(struct quiesce *q, int slot);

/**
 * quiesce_call() - run @done(@head) after a grace period. Device thread only.
 *
 * Runs @done before returning when every worker is offline: callers must be ready for that. Called
 * from a callback it only queues: callbacks run in the order of the calls, never nested.
 */
void quiesce_call(struct quiesce *q, struct quiesce_head *head,
		  void (*done)(struct quiesce_head *));

/**
 * quiesce_poll() - run the callbacks that are due; call it when kick_fd is readable. Device
 * thread.
 */
void quiesce_poll(struct quiesce *q);

/** quiesce_pending() - is any callback still waiting? Device thread. */
bool quiesce_pending(const struct quiesce *q);

/** quiesce_due() - does anybody wait for the worker of @slot? Worker. */
static inline bool quiesce_due(const struct quiesce *q, int slot)
{
	return atomic_load_explicit(&q->workers[slot].seen, memory_order_relaxed) !=
	       atomic_load_explicit(&q->epoch, memory_order_acquire);
}

/**
 * quiesce_point() - the worker of @slot holds no published pointer right now. Worker; call once
 * per loop.
 */
static inline void quiesce_point(struct quiesce *q, int slot)
{
	uint64_t epoch = atomic_load_explicit(&q->epoch, memory_order_acquire);

	if (atomic_load_explicit(&q->workers[slot].seen, memory_order_relaxed) != epoch)
		atomic_store_explicit(&q->workers[slot].seen, epoch, memory_order_seq_cst);
}

/** quiesce_offline() - the worker of @slot holds nothing until quiesce_online(). Worker. */
void quiesce_offline(struct quiesce *q, int slot);

/** quiesce_online() - the worker of @slot is about to read published pointers again. Worker. */
void quiesce_online(struct quiesce *q, int slot);

#endif
