/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * napi.h - libsoftiov's interrupt mode: NAPI, as the Linux kernel does it.
 *
 * A queue pair is in one of three states:
 *
 *	ARMED	   its vector is unmasked, the thread may sleep on softiov_napi_fd()
 *	POLLING	   its vector is masked, the thread polls: bursts of at most @budget frames
 *	DISABLED   before softiov_napi_enable(), after softiov_napi_disable()
 *
 * An interrupt masks the vector (the card does it by itself: VTEIAM) and starts polling. A poll that spends its budget
 * stays POLLING. A poll that does not has emptied the ring: the vector is unmasked, the ring looked at once more - a
 * frame may have come in between - and only if it is still empty does the thread sleep. So no frame waits for the next
 * one's interrupt.
 *
 * The vector also fires when there is room again after a softiov_tx_burst() that did not take all. A completed transmit
 * fires nothing in a program that never finds its ring full.
 *
 * How often the card interrupts follows from what the last interval carried (adaptive moderation, VTEITR): few small
 * packets: at once; bulk: rarely.
 *
 *	softiov_napi_create(&napi, queue, NULL, poll, ctx, &why);
 *	softiov_napi_enable(napi);
 *	for (;;)
 *		if (softiov_napi_run(napi, SOFTIOV_NEVER) < 0)
 *			break;
 *
 * Threads and errors: see softiov.h; a NAPI context belongs to its queue's thread.
 *
 * Specification: 82599 data sheet 7.3 (interrupts), 7.3.2.1.1 (throttling), 8.3.5.5 (VF registers).
 */
#ifndef SOFTIOV_NAPI_H
#define SOFTIOV_NAPI_H

#include <softiov/softiov.h>

#ifdef __cplusplus
extern "C" {
#endif

struct softiov_napi;

#define SOFTIOV_NAPI_BUDGET 64

enum softiov_napi_state { SOFTIOV_NAPI_DISABLED, SOFTIOV_NAPI_ARMED, SOFTIOV_NAPI_POLLING };

/** enum softiov_moderation - classes of adaptive moderation: at most 100,000, 20,000, 8,000 interrupts a second. */
enum softiov_moderation { SOFTIOV_LATENCY, SOFTIOV_BALANCED, SOFTIOV_BULK };

/**
 * struct softiov_napi_options
 * @budget: frames of one poll; 0: SOFTIOV_NAPI_BUDGET
 * @interval_us: fixed time between interrupts, 1 ... 1022 (2 us steps); 0: adaptive
 * @no_moderation: an interrupt for every event; then @interval_us must be 0
 */
struct softiov_napi_options {
	uint32_t budget;
	uint32_t interval_us;
	bool no_moderation;
	uint32_t reserved[5];
};

/**
 * softiov_napi_create() - for @queue, which has none yet. A VF has two vectors for queues: only queues 0 and 1 can have
 * a NAPI context (-ENOSPC). @options may be NULL.
 * @poll: called by softiov_napi_run(): take at most @budget received frames (softiov_rx_burst()) and do what else the
 *	queue needs. Its return: frames taken; less than @budget says that the ring is empty.
 */
int softiov_napi_create(struct softiov_napi **napi, struct softiov_queue *queue,
			const struct softiov_napi_options *options,
			unsigned int (*poll)(void *ctx, unsigned int budget), void *ctx,
			struct softiov_reason *why);

/** softiov_napi_destroy() - disable and free; before its queue is stopped. NULL is fine. */
void softiov_napi_destroy(struct softiov_napi *napi);

/** softiov_napi_enable() - start: POLLING, so that what is in the ring already is found. */
int softiov_napi_enable(struct softiov_napi *napi);

/** softiov_napi_disable() - mask the vector. */
int softiov_napi_disable(struct softiov_napi *napi);

/**
 * softiov_napi_run() - one turn: ARMED, sleep until the interrupt, at most @timeout_ns (0: do not sleep), then go
 * POLLING; POLLING, poll once. Return: the state after it (SOFTIOV_NAPI_ARMED also after a timeout), or
 * -SOFTIOV_ERR_GONE: the card closed the connection.
 */
int softiov_napi_run(struct softiov_napi *napi, uint64_t timeout_ns);

/**
 * softiov_napi_fd() - for one's own poll() or epoll: while ARMED, call softiov_napi_run(napi, 0) when it is readable. A
 * reset of the VF (SOFTIOV_EVENT_RESET) leaves the context POLLING: call it then, too.
 */
int softiov_napi_fd(const struct softiov_napi *napi);

/**
 * struct softiov_napi_stats - since the creation.
 * @interrupts: the vector fired; @polls, @frames: how often polled and what for; @budget_spent: polls that took all
 * they might; @rearms: vector unmasked; @rearm_races: the second look found a frame; @spurious: interrupts whose first
 * poll found nothing; @moderation: class now; @interval_us: programmed now; @interval_changes: VTEITR writes
 */
struct softiov_napi_stats {
	uint64_t interrupts, polls, frames, budget_spent, rearms, rearm_races, spurious,
		interval_changes;
	enum softiov_napi_state state;
	enum softiov_moderation moderation;
	uint32_t interval_us;
	uint64_t reserved[8];
};
void softiov_napi_stats(const struct softiov_napi *napi, struct softiov_napi_stats *stats);

#ifdef __cplusplus
}
#endif

#endif
