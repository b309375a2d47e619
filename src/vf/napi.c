// SPDX-License-Identifier: BSD-3-Clause
/*
 * napi.c - NAPI for a queue of a VF: napi_core.c wired to a vector.
 *
 * Vector n is that of queue n; the VF's third vector is the mailbox's. The vector masks itself and forgets its cause when
 * it fires (VTEIAM, VTEIAC) and is unmasked through VTEIMS: one write, which may take effect later. It fires into an
 * eventfd; who sleeps also listens for the end of the connection to the card.
 *
 * What raises the vector's cause: always receiving. Sending does so only while somebody waits for room: a completion
 * means nothing to a program that sends on, and would wake it for each of its bursts. The first burst that is not taken
 * as a whole routes the completions to the vector, too (VTIVAR); they stay routed until ROUTED_RESTS sleeps in a row
 * found nobody waiting. A completion that came before the routing took effect has raised nothing: one that is there right
 * after is made up for by raising the cause by hand (VTEICS).
 *
 * A receive ring without any buffer keeps the machine polling: no frame can come, so no interrupt would.
 *
 * 82599 data sheet: 7.3 (interrupts), 8.3.5.5 (registers).
 */
#include <poll.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <softiov/napi.h>
#include "util/util.h"
#include "vf/napi_core.h"
#include "vf/queue.h"
#include "vf/regs.h"

#define INTERVAL_STEP_US 2u
#define INTERVAL_MAX_US 1022u
#define ROUTED_RESTS 64u

/**
 * struct softiov_napi - see napi.h.
 * @fixed_us: interval asked for, 0 with @core.adaptive or no moderation
 * @tx_routed: completions raise the vector; @rests: sleeps since somebody waited for room
 */
struct softiov_napi {
	struct napi_core core;
	struct softiov_queue *queue;
	unsigned int (*poll)(void *ctx, unsigned int budget);
	void *ctx;
	uint32_t fixed_us;
	bool tx_routed;
	unsigned int rests;
};

static uint32_t vector_bit(const struct softiov_napi *napi)
{
	return BIT(napi->queue->index);
}

/* --- what the machine does to the card --------------------------------------------------------- */

static void stop_routing(struct softiov_napi *napi)
{
	if (napi->queue->tx.short_of_room) {
		napi->rests = 0;
	} else if (++napi->rests >= ROUTED_RESTS) {
		napi->tx_routed = false;
		vf_queue_route(napi->queue, true, false);
	}
}

static void arm(void *ctx)
{
	struct softiov_napi *napi = ctx;

	if (unlikely(napi->tx_routed))
		stop_routing(napi);
	vf_post(napi->queue->vf, REG_VTEIMS, vector_bit(napi));
}

static void mask(void *ctx)
{
	struct softiov_napi *napi = ctx;

	vf_write(napi->queue->vf, REG_VTEIMC, vector_bit(napi));
}

static bool fired(void *ctx)
{
	const struct softiov_napi *napi = ctx;
	uint64_t times;

	return read(softiov_napi_fd(napi), &times, sizeof(times)) == (ssize_t)sizeof(times);
}

static bool pending(void *ctx)
{
	const struct softiov_napi *napi = ctx;
	const struct softiov_queue *queue = napi->queue;

	return vf_rx_pending(queue) || vf_rx_dry(queue) || (napi->tx_routed && vf_tx_done(queue));
}

static struct napi_work poll_queue(void *ctx, unsigned int budget)
{
	struct softiov_napi *napi = ctx;
	struct softiov_queue *queue = napi->queue;
	uint64_t before = queue->stats.rx_bytes;
	struct napi_work work = { .completions = napi->tx_routed && vf_tx_done(queue) };

	if (work.completions)
		vf_tx_clean(queue);
	work.frames = napi->poll(napi->ctx, budget);
	work.bytes = queue->stats.rx_bytes - before;
	return work;
}

static void throttle(void *ctx, uint32_t interval_us)
{
	struct softiov_napi *napi = ctx;
	uint32_t steps = (interval_us + INTERVAL_STEP_US - 1) / INTERVAL_STEP_US;

	vf_post(napi->queue->vf, REG_VTEITR(napi->queue->index),
		steps << VTEITR_INTERVAL_SHIFT | VTEITR_CNT_WDIS);
}

static uint64_t time_ns(void *ctx)
{
	(void)ctx;
	return now_ns();
}

static const struct napi_ops ops = {
	.arm = arm,
	.mask = mask,
	.fired = fired,
	.pending = pending,
	.poll = poll_queue,
	.throttle = throttle,
	.now_ns = time_ns,
};

void vf_napi_full(struct softiov_queue *queue)
{
	struct softiov_napi *napi = queue->napi;

	napi->rests = 0;
	if (napi->tx_routed)
		return;
	napi->tx_routed = true;
	vf_queue_route(queue, true, true);
	if (vf_tx_done(queue))
		vf_post(queue->vf, REG_VTEICS, vector_bit(napi));
}

/* --- coming and going -------------------------------------------------------------------------- */

/* The registers of the vector, which is masked. What concerns all vectors is vf.c's. */
static void program(struct softiov_napi *napi)
{
	vf_queue_route(napi->queue, true, napi->tx_routed);
	throttle(napi, napi->core.stats.interval_us);
}

void vf_napi_setup(struct softiov_napi *napi)
{
	if (!napi)
		return;
	program(napi);
	napi_core_restart(&napi->core);
}

static int check(const struct softiov_queue *queue, const struct softiov_napi_options *options,
		 struct softiov_reason *why)
{
	const char *address = softiov_vf_address(queue->vf);

	if (queue->napi)
		return vf_fail(why, -EBUSY, "%s: queue %u has a NAPI context", address,
			       queue->index);
	if (queue->index >= VF_QUEUE_VECTORS)
		return vf_fail(why, -ENOSPC, "%s: no interrupt vector for queue %u: only for %u",
			       address, queue->index, VF_QUEUE_VECTORS);
	if (options->interval_us > INTERVAL_MAX_US ||
	    (options->no_moderation && options->interval_us))
		return vf_fail(why, -EINVAL, "%s: no such interrupt moderation", address);
	return 0;
}

int softiov_napi_create(struct softiov_napi **out, struct softiov_queue *queue,
			const struct softiov_napi_options *given,
			unsigned int (*poll)(void *ctx, unsigned int budget), void *ctx,
			struct softiov_reason *why)
{
	struct softiov_napi_options options = { 0 };
	struct softiov_napi *napi;
	int error;

	if (given)
		options = *given;
	error = check(queue, &options, why);
	if (error)
		return error;
	napi = calloc(1, sizeof(*napi));
	if (!napi)
		return vf_fail(why, -SOFTIOV_ERR_NO_MEMORY, "%s: out of memory",
			       softiov_vf_address(queue->vf));
	napi->queue = queue;
	napi->poll = poll;
	napi->ctx = ctx;
	napi->core.ops = &ops;
	napi->core.ctx = napi;
	napi->core.budget = options.budget ? options.budget : SOFTIOV_NAPI_BUDGET;
	napi->core.adaptive = !options.interval_us && !options.no_moderation;
	napi->core.stats.interval_us = napi->core.adaptive
					       ? moderation_interval_us(SOFTIOV_LATENCY)
					       : ALIGN_UP(options.interval_us, INTERVAL_STEP_US);
	queue->napi = napi;
	program(napi);
	if (queue->vf->gone) {
		error = vf_fail(why, -SOFTIOV_ERR_GONE, "%s: the card is gone",
				softiov_vf_address(queue->vf));
		queue->napi = NULL;
		free(napi);
		return error;
	}
	*out = napi;
	return 0;
}

void softiov_napi_destroy(struct softiov_napi *napi)
{
	if (!napi)
		return;
	(void)softiov_napi_disable(napi);
	vf_queue_route(napi->queue, false, false);
	napi->queue->napi = NULL;
	free(napi);
}

int softiov_napi_enable(struct softiov_napi *napi)
{
	napi_core_enable(&napi->core);
	return napi->queue->vf->gone ? -SOFTIOV_ERR_GONE : 0;
}

int softiov_napi_disable(struct softiov_napi *napi)
{
	napi_core_disable(&napi->core);
	return napi->queue->vf->gone ? -SOFTIOV_ERR_GONE : 0;
}

/* --- running ----------------------------------------------------------------------------------- */

/* Until the vector fires or the card hangs up. Return: 0, also after a timeout or a signal, or -SOFTIOV_ERR_GONE. */
static int sleep_until_fired(struct softiov_napi *napi, uint64_t timeout_ns)
{
	const struct vf_transport *transport = napi->queue->vf->transport;
	struct pollfd fds[] = {
		{ .fd = softiov_napi_fd(napi), .events = POLLIN },
		{ .fd = transport->ops->fd(transport), .events = transport->ops->hangup },
	};
	struct timespec timeout = { .tv_sec = (time_t)(timeout_ns / NSEC_PER_SEC),
				    .tv_nsec = (long)(timeout_ns % NSEC_PER_SEC) };

	if (ppoll(fds, ARRAY_SIZE(fds), timeout_ns == SOFTIOV_NEVER ? NULL : &timeout, NULL) < 0)
		return 0;
	return fds[1].revents ? -SOFTIOV_ERR_GONE : 0;
}

int softiov_napi_run(struct softiov_napi *napi, uint64_t timeout_ns)
{
	int error;

	if (napi->core.stats.state == SOFTIOV_NAPI_ARMED) {
		error = sleep_until_fired(napi, timeout_ns);
		if (error)
			return error;
	}
	if (unlikely(napi->queue->vf->gone))
		return -SOFTIOV_ERR_GONE;
	return (int)napi_core_turn(&napi->core);
}

int softiov_napi_fd(const struct softiov_napi *napi)
{
	return napi->queue->vf->vector[napi->queue->index];
}

void softiov_napi_stats(const struct softiov_napi *napi, struct softiov_napi_stats *stats)
{
	*stats = napi->core.stats;
}
