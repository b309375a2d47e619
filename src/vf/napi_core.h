/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * napi_core.h - the state machine of napi.h without a card: what it does to one goes through struct napi_ops.
 */
#ifndef SOFTIOV_VF_NAPI_CORE_H
#define SOFTIOV_VF_NAPI_CORE_H

#include <stdbool.h>
#include <stdint.h>
#include <softiov/napi.h>
#include "vf/moderation.h"

/** struct napi_work - what a poll did: @frames received, of @bytes; @completions: something sent was taken back. */
struct napi_work {
	unsigned int frames;
	uint64_t bytes;
	bool completions;
};

/**
 * struct napi_ops - a queue and its vector.
 * @arm: unmask the vector; may take effect some time after it returns, but surely
 * @mask: mask it; has taken effect on return
 * @fired: has the vector fired since this was last asked? After it did it is masked.
 * @pending: is there work for @poll?
 * @poll: take at most @budget frames
 * @throttle: least time between two interrupts
 * @now_ns: the time
 */
struct napi_ops {
	void (*arm)(void *ctx);
	void (*mask)(void *ctx);
	bool (*fired)(void *ctx);
	bool (*pending)(void *ctx);
	struct napi_work (*poll)(void *ctx, unsigned int budget);
	void (*throttle)(void *ctx, uint32_t interval_us);
	uint64_t (*now_ns)(void *ctx);
};

/**
 * struct napi_core - the machine; belongs to one thread.
 * @budget: frames of one poll, not 0
 * @adaptive: moderation chooses the interval
 * @armed: unmasking was asked for, and the vector has not been seen to fire since
 * @woken: the next poll is the first after an interrupt
 */
struct napi_core {
	const struct napi_ops *ops;
	void *ctx;
	unsigned int budget;
	bool adaptive, armed, woken;
	struct moderation moderation;
	struct softiov_napi_stats stats; /* state and all */
};

/** napi_core_enable() - POLLING, unless it was ARMED or POLLING already. */
void napi_core_enable(struct napi_core *core);

/** napi_core_disable() - DISABLED; the vector is masked and what it fired forgotten. */
void napi_core_disable(struct napi_core *core);

/** napi_core_restart() - the device was reset, its vector is masked: as enabled anew, if it was enabled. */
void napi_core_restart(struct napi_core *core);

/** napi_core_turn() - see softiov_napi_run(); ARMED: looks whether the vector fired, does not sleep. Return: the state. */
enum softiov_napi_state napi_core_turn(struct napi_core *core);

#endif
