/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * poll.c - which queues a worker asks for frames in a round.
 *
 * A port may have hundreds of queues of which a few are at work, and looking at one costs a cache miss. So queues that
 * gave frames lately are *hot*: asked in every round. Of the others only the doorbell is looked at, and while there is
 * work only that of a few per round, in turn: what silent queues cost does not grow with their number, and a queue that
 * wakes is found within some tens of rounds, about 100 microseconds. When neither this port has work nor any had in the
 * round before, as before a nap, all are looked at.
 *
 * A queue may also wait for something else than its driver, such as an address that is mapped at last. So now and then
 * a queue is asked though nobody rang.
 *
 * And a queue may have frames that must not go yet (struct frame_burst.due_ns): it is not asked before their time, and no
 * nap lasts longer.
 */
#include "dataplane/internal.h"

#define DOORBELLS_AHEAD 8
#define COLD_PER_ROUND 16u   /* doorbells looked at while there is work */
#define ROUNDS_TO_COOL 64u   /* a hot queue that gives nothing for so many rounds is not hot */
#define ROUNDS_TO_ASK_ALL 16 /* so many without work, and all are asked once, rung or not */

/* 1 + the doorbell, 0 without one: as struct dp_tx_queue.quiet_at notes it. */
static uint64_t doorbell(const struct dp_tx_queue *from)
{
	return from->doorbell ? 1ull + atomic_load_explicit(from->doorbell, memory_order_acquire)
			      : 0;
}

/* The queue's time has not come. Before a nap all queues are asked, so it does not last longer. */
static void hold(struct dp_port *port, struct dp_tx_queue *from, uint64_t due_ns)
{
	from->due_ns = due_ns;
	from->quiet_at = 0;
	port->tx_due_ns = MIN(port->tx_due_ns, due_ns);
}

static bool ask(struct dp_worker *worker, struct dp_port *port, const struct dp_config *config,
		struct dp_tx_queue *from, uint64_t now)
{
	struct frame_burst *burst = &worker->burst;
	uint64_t rung = doorbell(from); /* before the queue looks: what comes later rings again */
	unsigned int n;

	if (likely(rung && rung == from->quiet_at))
		return false;
	if (unlikely(from->due_ns > now)) {
		hold(port, from, from->due_ns);
		return false;
	}
	burst->n = 0;
	burst->segments = 0;
	burst->plain = false;
	burst->same_kind = burst->same_flow = 0;
	burst->due_ns = 0;
	n = from->ops->tx_burst(from->queue, burst, now);
	from->quiet_at = n ? 0 : rung;
	if (!n) {
		if (unlikely(burst->due_ns))
			hold(port, from, burst->due_ns);
		return false;
	}
	dp_forward(worker, port, config, from->vport, n, now);
	from->ops->tx_complete(from->queue, burst, now);
	return true;
}

static bool ask_hot(struct dp_worker *worker, struct dp_port *port, struct dp_config *config,
		    uint64_t now)
{
	bool busy = false;

	for (unsigned int i = 0; i < config->hots;) {
		struct dp_tx_queue *from = &config->queue[config->hot[i]];

		if (from->rounds_idle++ == ROUNDS_TO_COOL) {
			from->is_hot = false;
			config->hot[i] = config->hot[--config->hots];
			continue;
		}
		if (ask(worker, port, config, from, now)) {
			from->rounds_idle = 0;
			busy = true;
		}
		i++;
	}
	return busy;
}

/* Look at @n queues from where the last round ended. */
static bool ask_cold(struct dp_worker *worker, struct dp_port *port, struct dp_config *config,
		     unsigned int n, uint64_t now)
{
	bool busy = false;

	for (unsigned int i = 0; i < n; i++) {
		unsigned int ahead = config->cursor + DOORBELLS_AHEAD;
		struct dp_tx_queue *from = &config->queue[config->cursor];

		if (ahead < config->queues)
			__builtin_prefetch((const void *)config->queue[ahead].doorbell);
		if (!from->is_hot && ask(worker, port, config, from, now)) {
			from->is_hot = true;
			from->rounds_idle = 0;
			config->hot[config->hots++] = (uint16_t)config->cursor;
			busy = true;
		}
		if (++config->cursor == config->queues)
			config->cursor = 0;
	}
	return busy;
}

/*
 * Asking an uplink is a system call, so one that had nothing is left alone for a few microseconds while the worker
 * polls the guests.
 */
static bool ask_uplink(struct dp_worker *worker, struct dp_port *port,
		       const struct dp_config *config, uint64_t now)
{
	struct uplink *uplink = port->uplink;
	unsigned int n;

	if (!uplink || now < port->uplink_next_ns)
		return false;
	worker->burst.plain = false;
	worker->burst.same_kind = worker->burst.same_flow = 0;
	n = uplink->ops->receive(uplink, worker->burst.frame, FRAME_BURST);
	if (!n) {
		port->uplink_next_ns = now + DP_UPLINK_RECHECK_NS;
		return false;
	}
	port->uplink_mute = false;
	dp_forward(worker, port, config, ESWITCH_UPLINK, n, now);
	return true;
}

/* Have queues asked though nobody rang: the next in turn while there is work, else all at times. */
static void forget_quiet(struct dp_config *config, bool busy)
{
	unsigned int n = busy ? 1 : config->queues;

	if (!busy && ++config->rounds_idle % ROUNDS_TO_ASK_ALL)
		return;
	for (; n; n--) {
		config->queue[config->forgotten].quiet_at = 0;
		if (++config->forgotten == config->queues)
			config->forgotten = 0;
	}
}

bool dp_poll_port(struct dp_worker *worker, struct dp_port *port, bool busy, uint64_t now)
{
	struct dp_config *config = atomic_load_explicit(&port->config, memory_order_acquire);
	bool found;

	if (unlikely(!config))
		return false;
	port->tx_due_ns = DP_NOT_DUE;
	found = ask_hot(worker, port, config, now);
	busy |= found;
	if (config->queues) {
		forget_quiet(config, busy);
		found |= ask_cold(worker, port, config,
				  busy ? MIN(config->queues, COLD_PER_ROUND) : config->queues, now);
	}
	found |= ask_uplink(worker, port, config, now);
	dp_armed_expire(&port->armed, config, now);
	return found;
}
