/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * worker.c - a data-path thread: poll, and get out of the way when there is nothing to poll for.
 *
 * Each loop is one round over the ports of the worker and one quiescent point (util/quiesce.h). Idle, it backs off by
 * steps: it polls on for busy_us, relaxing the processor more and more, then naps, each nap twice as long as the last
 * up to nap_max_us. One frame brings it back to polling. Under a stream of data at a moderate rate it does not poll on
 * but naps at once, to find more at the end of the nap (gather.c).
 *
 * A nap must not sleep through work:
 *  - It is announced in @wake_ns before the round that precedes it. Whoever makes work first stores the work, then
 *    reads @wake_ns; the worker stores @wake_ns, then looks for the work; all sequentially consistent. Either the
 *    worker finds the work or the other finds the announcement, and writes the eventfd. So one round per nap suffices,
 *    and 128 idle queues cost one look each per millisecond.
 *  - It ends no later than the earliest moderated interrupt is due; one armed later for an earlier time kicks, unless
 *    the nap is about to end: an interrupt that is half a millisecond late is cheaper than a worker that is woken for it.
 *  - A guest that writes a tail register in shared memory kicks nobody: it waits for the end of the nap. One whose
 *    register is trapped kicks, but ends no nap whose purpose is that data comes together.
 *
 * A napping worker is offline for grace periods and looks up everything anew when it wakes.
 */
#include "dataplane/internal.h"

#include <sched.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <sys/prctl.h>
#include <unistd.h>

#define RELAX_MAX 32 /* pauses per idle loop, about a microsecond */

/* The worker this thread is: it need not kick itself. */
static _Thread_local const struct dp_worker *this_worker;

static void stat_set(uint64_t *counter, uint64_t value)
{
	__atomic_store_n(counter, value, __ATOMIC_RELAXED);
}

void dp_worker_kick(struct dp_worker *worker)
{
	uint64_t one = 1;

	/* An exchange, so that of many kicks in one nap only the first is a system call. */
	if (worker == this_worker || !atomic_exchange(&worker->wake_ns, 0))
		return;
	if (write(worker->kick_fd, &one, sizeof(one)) < 0)
		return; /* the counter is full: it is readable */
}

void dp_port_kick(struct dp_port *port)
{
	if (!atomic_load(&port->worker->gather_ns))
		dp_worker_kick(port->worker);
}

uint64_t dp_port_patience_ns(const struct dp_port *port)
{
	return atomic_load(&port->worker->gather_ns);
}

void dp_port_arm(struct dp_port *port, unsigned int vport, uint64_t due_ns)
{
	dp_armed_add(&port->armed, vport, due_ns);
	if (atomic_load(&port->worker->wake_ns) > due_ns + DP_LATE_NS)
		dp_worker_kick(port->worker);
}

static void announce_nap(struct dp_worker *worker, uint64_t wake_ns)
{
	atomic_store(&worker->wake_ns, wake_ns);
}

static bool forward_ports(struct dp_worker *worker, const struct dp_port_list *list, bool busy,
			  uint64_t now)
{
	bool found = false;

	for (unsigned int i = 0; i < list->n; i++)
		found |= dp_poll_port(worker, list->port[i], busy, now);
	return found;
}

/* When the nap must end: as announced, or when the first interrupt or a queue that had to wait is due. */
static uint64_t nap_end(const struct dp_worker *worker, const struct dp_port_list *list,
			uint64_t now)
{
	uint64_t end = now + worker->nap_ns;

	for (unsigned int i = 0; i < list->n; i++) {
		struct dp_port *port = list->port[i];

		if (!atomic_load(&port->config))
			continue; /* it stands still; who publishes one kicks us */
		end = MIN(end, MIN(port->tx_due_ns, atomic_load(&port->armed.due_ns)));
	}
	return end;
}

static void listen_to(struct pollfd *to, int fd)
{
	to->fd = fd;
	to->events = POLLIN;
	to->revents = 0;
}

static void listen_before_nap(struct dp_worker *worker, const struct dp_port_list *list)
{
	listen_to(&worker->poll[0], worker->kick_fd);
	for (unsigned int i = 0; i < list->n; i++) {
		struct dp_port *port = list->port[i];
		const struct uplink *uplink = port->uplink;

		listen_to(&worker->poll[1 + i],
			  uplink && !port->uplink_mute ? uplink->ops->poll_fd(uplink) : -1);
		port->uplink_mute = false;
	}
	worker->polled = 1 + list->n;
}

static void drain_kicks(struct dp_worker *worker)
{
	uint64_t kicks;

	if (worker->poll[0].revents &&
	    read(worker->kick_fd, &kicks, sizeof(kicks)) == (ssize_t)sizeof(kicks))
		stat_add(&worker->stats.kicks, kicks);
}

/*
 * Ask the uplinks that woke us at once. One that is readable but gives nothing (an interface in trouble) must not keep
 * us awake: unless it gives a frame before, it sits out the next nap. The ports may have changed while we slept.
 */
static void heed_uplinks(const struct dp_worker *worker, const struct dp_port_list *list)
{
	for (unsigned int i = 0; i < list->n && 1 + i < worker->polled; i++) {
		const struct pollfd *heard = &worker->poll[1 + i];
		struct dp_port *port = list->port[i];

		if (heard->revents && port->uplink &&
		    port->uplink->ops->poll_fd(port->uplink) == heard->fd) {
			port->uplink_next_ns = 0;
			port->uplink_mute = true;
		}
	}
}

static struct dp_port_list *current_ports(struct dp_worker *worker)
{
	return atomic_load_explicit(&worker->ports, memory_order_acquire);
}

static void nap(struct dp_worker *worker, const struct dp_port_list *list, uint64_t now)
{
	uint64_t end = nap_end(worker, list, now), woken;
	struct timespec timeout;

	if (end <= now) {
		announce_nap(worker, 0);
		return;
	}
	timeout.tv_sec = (time_t)((end - now) / NSEC_PER_SEC);
	timeout.tv_nsec = (long)((end - now) % NSEC_PER_SEC);
	listen_before_nap(worker, list);

	quiesce_offline(worker->dp->quiesce, worker->slot); /* @list is not ours from here */
	if (ppoll(worker->poll, worker->polled, &timeout, NULL) < 0)
		worker->polled = 0; /* interrupted */
	announce_nap(worker, 0);
	quiesce_online(worker->dp->quiesce, worker->slot);

	if (worker->polled) {
		drain_kicks(worker);
		heed_uplinks(worker, current_ports(worker));
	}
	woken = now_ns();
	stat_add(&worker->stats.naps, 1);
	stat_add(&worker->stats.nap_ns, woken - now);
	worker->last_point_ns = woken;
}

static void quiescent_point(struct dp_worker *worker, uint64_t now)
{
	uint64_t took = now > worker->last_point_ns ? now - worker->last_point_ns : 0, begun;

	if (took > worker->stats.round_ns_max)
		stat_set(&worker->stats.round_ns_max, took);
	worker->last_point_ns = MAX(now, worker->last_point_ns);
	if (likely(!quiesce_due(worker->dp->quiesce, worker->slot)))
		return;
	begun = now_ns(); /* no system call: that would cost more than what it measures */
	quiesce_point(worker->dp->quiesce, worker->slot);
	took = now_ns() - begun;
	stat_add(&worker->stats.quiesced, 1);
	if (took > worker->stats.quiesce_ns_max)
		stat_set(&worker->stats.quiesce_ns_max, took);
}

/* Nothing found: is it time for a nap, and of what length? Return: 0 to poll on. */
static uint64_t first_nap(struct dp_worker *worker, const struct dp_port_list *list, uint64_t now)
{
	const struct dp_policy *policy = &worker->dp->policy;
	uint64_t gather;

	if (policy->always_busy)
		return 0;
	dp_gather_judge(&worker->gather, list, now);
	gather = dp_gather_ns(&worker->gather);
	atomic_store(&worker->gather_ns, gather);
	if (gather)
		return MIN(gather, (uint64_t)MAX(policy->nap_max_us, 1u) * NSEC_PER_USEC);
	if (now - worker->idle_since_ns < (uint64_t)policy->busy_us * NSEC_PER_USEC)
		return 0;
	return (uint64_t)MAX(policy->nap_us, 1u) * NSEC_PER_USEC;
}

/* Still polling: the longer idle, the gentler. */
static void relax(const struct dp_worker *worker, uint64_t now)
{
	uint64_t half_ns = (uint64_t)worker->dp->policy.busy_us * NSEC_PER_USEC / 2;
	unsigned int pauses = now - worker->idle_since_ns < half_ns ? 1 : RELAX_MAX;

	while (pauses--)
		__builtin_ia32_pause();
}

/* Nothing came while it napped. */
static void nap_again(struct dp_worker *worker, const struct dp_port_list *list, uint64_t now)
{
	uint64_t max = (uint64_t)MAX(worker->dp->policy.nap_max_us, 1u) * NSEC_PER_USEC;

	if (atomic_load(&worker->gather_ns))
		worker->nap_ns = first_nap(worker, list, now); /* until the stream is forgotten */
	else
		worker->nap_ns = MIN(worker->nap_ns * 2, max);
}

static void work(struct dp_worker *worker)
{
	uint64_t busy_from = 0;
	bool busy = false;

	while (!atomic_load_explicit(&worker->stop, memory_order_acquire)) {
		const struct dp_port_list *list = current_ports(worker);
		uint64_t now = now_ns();

		if (worker->nap_ns)
			announce_nap(worker, now + worker->nap_ns);
		stat_add(&worker->stats.loops, 1);
		if (busy_from)
			stat_add(&worker->stats.busy_ns, now - busy_from);
		busy_from = 0;
		busy = forward_ports(worker, list, busy, now);
		if (busy) {
			if (worker->nap_ns)
				announce_nap(worker, 0);
			worker->nap_ns = 0;
			worker->idle_since_ns = busy_from = now;
			stat_add(&worker->stats.busy_loops, 1);
		} else if (worker->nap_ns) {
			nap(worker, list, now);
			nap_again(worker, current_ports(worker), now);
		} else {
			worker->nap_ns = first_nap(worker, list, now);
			if (!worker->nap_ns)
				relax(worker, now);
		}
		quiescent_point(worker, now);
	}
}

static void *worker_main(void *arg)
{
	struct dp_worker *worker = arg;

	this_worker = worker;
	prctl(PR_SET_NAME, "softiov-worker");
	prctl(PR_SET_TIMERSLACK,
	      1000ul); /* the default, 50 µs, is more than most moderation intervals */
	worker->idle_since_ns = worker->last_point_ns = now_ns();
	quiesce_online(worker->dp->quiesce, worker->slot);
	work(worker);
	quiesce_offline(worker->dp->quiesce, worker->slot);
	return NULL;
}

int dp_worker_create(struct dp *dp, int cpu, struct dp_worker **out)
{
	struct dp_worker *worker = aligned_alloc(64, ALIGN_UP(sizeof(*worker), (size_t)64));

	if (!worker)
		return -ENOMEM;
	memset(worker, 0, sizeof(*worker));
	worker->dp = dp;
	worker->cpu = cpu;
	worker->stats.cpu = cpu;
	worker->kick_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (worker->kick_fd < 0) {
		int error = -errno;

		free(worker);
		return error;
	}
	worker->slot = quiesce_register(dp->quiesce);
	if (worker->slot < 0) {
		int error = worker->slot;

		close(worker->kick_fd);
		free(worker);
		return error;
	}
	*out = worker;
	return 0;
}

int dp_worker_start(struct dp_worker *worker)
{
	pthread_attr_t attr;
	cpu_set_t set;
	int error;

	pthread_attr_init(&attr);
	CPU_ZERO(&set);
	error = worker->cpu >= CPU_SETSIZE ? EINVAL : 0;
	if (!error && worker->cpu >= 0) {
		CPU_SET(worker->cpu, &set);
		error = pthread_attr_setaffinity_np(&attr, sizeof(set), &set);
	}
	if (!error)
		error = pthread_create(&worker->thread, &attr, worker_main, worker);
	pthread_attr_destroy(&attr);
	worker->started = !error;
	return -error;
}

/* Ends the thread; grace periods no longer wait for it. */
void dp_worker_stop(struct dp_worker *worker)
{
	atomic_store(&worker->stop, true);
	if (worker->started) {
		dp_worker_kick(worker);
		pthread_join(worker->thread, NULL);
		worker->started = false;
	}
	quiesce_unregister(worker->dp->quiesce, worker->slot);
}

void dp_worker_free(struct dp_worker *worker)
{
	close(worker->kick_fd);
	free(worker);
}
