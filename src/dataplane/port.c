/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * port.c - the device thread's side of the data path: workers, ports, and what workers read of them.
 *
 * Workers read two published pointers: the list of their ports, and the configuration of each port. Both are replaced
 * as a whole and freed after a grace period, so a worker never sees half a change and traffic never stops for one.
 *
 * Two ports tied by a cable have the same worker, and each knows the other (struct dp_port.far): what one sends the other
 * receives in the same step. A port that goes is first forgotten by the other one.
 */
#include "dataplane/internal.h"

#include <stdlib.h>

static struct dp_port_list *list_create(unsigned int n)
{
	struct dp_port_list *list = calloc(1, sizeof(*list) + n * sizeof(list->port[0]));

	if (list)
		list->n = n;
	return list;
}

static void list_retired(struct quiesce_head *head)
{
	free(container_of(head, struct dp_port_list, retired));
}

static struct dp_port_list *list_of(struct dp_worker *worker)
{
	return atomic_load_explicit(&worker->ports,
				    memory_order_relaxed); /* we are the only writer */
}

static void list_replace(struct dp_worker *worker, struct dp_port_list *list)
{
	struct dp_port_list *old = list_of(worker);

	atomic_store_explicit(&worker->ports, list, memory_order_release);
	quiesce_call(worker->dp->quiesce, &old->retired, list_retired);
}

static void config_free(struct dp_config *config)
{
	if (!config)
		return;
	eswitch_free(config->table);
	free(config);
}

static void config_retired(struct quiesce_head *head)
{
	config_free(container_of(head, struct dp_config, retired));
}

static void port_free(struct dp_port *port)
{
	config_free(atomic_load_explicit(&port->config, memory_order_relaxed));
	free(port);
}

static void port_retired(struct quiesce_head *head)
{
	struct dp_port *port = container_of(head, struct dp_port, retired);
	void (*done)(void *ctx) = port->done;
	void *ctx = port->done_ctx;

	port_free(port);
	if (done)
		done(ctx);
}

/* The port at the other end of the cable @uplink. */
static struct dp_port *find_far(struct dp *dp, const struct uplink *uplink)
{
	const struct uplink *peer = uplink ? atomic_load(&uplink->peer) : NULL;

	for (unsigned int i = 0; peer && i < dp->workers; i++) {
		const struct dp_port_list *list = list_of(dp->worker[i]);

		for (unsigned int j = 0; j < list->n; j++)
			if (list->port[j]->uplink == peer)
				return list->port[j];
	}
	return NULL;
}

static void tie(struct dp_port *port, struct dp_port *far)
{
	atomic_store_explicit(&port->far, far, memory_order_release);
	atomic_store_explicit(&far->far, port, memory_order_release);
}

static void untie(struct dp_port *port)
{
	struct dp_port *far = atomic_load_explicit(&port->far, memory_order_relaxed);

	if (!far)
		return;
	atomic_store_explicit(&far->far, NULL, memory_order_release);
	atomic_store_explicit(&port->far, NULL, memory_order_release);
}

int dp_port_create(struct dp *dp, struct dp_port **out, struct uplink *uplink)
{
	struct dp_port *port, *far = find_far(dp, uplink);
	struct dp_worker *worker = far ? far->worker : dp->worker[dp->next_worker % dp->workers];
	struct dp_port_list *old = list_of(worker), *list;

	if (old->n >= DP_WORKER_PORTS)
		return -ENOSPC;
	list = list_create(old->n + 1);
	port = aligned_alloc(64, ALIGN_UP(sizeof(*port), (size_t)64));
	if (!list || !port) {
		free(list);
		free(port);
		return -ENOMEM;
	}
	memset(port, 0, sizeof(*port));
	port->worker = worker;
	port->uplink = uplink;
	dp_armed_init(&port->armed);
	memcpy(list->port, old->port, old->n * sizeof(old->port[0]));
	list->port[old->n] = port;
	dp->next_worker += !far;
	*out = port;
	list_replace(worker, list);
	if (far)
		tie(port, far);
	return 0;
}

void dp_port_destroy(struct dp_port *port, void (*done)(void *ctx), void *ctx)
{
	struct dp_worker *worker = port->worker;
	struct dp_port_list *old = list_of(worker), *list = list_create(old->n - 1);
	unsigned int n = 0;

	port->done = done;
	port->done_ctx = ctx;
	if (!list)
		abort(); /* a few bytes: nothing else works either */
	for (unsigned int i = 0; i < old->n; i++)
		if (old->port[i] != port)
			list->port[n++] = old->port[i];
	untie(port);
	list_replace(worker, list);
	quiesce_call(worker->dp->quiesce, &port->retired, port_retired);
}

void dp_port_publish(struct dp_port *port, struct dp_config *config)
{
	struct dp_config *old =
		atomic_exchange_explicit(&port->config, config, memory_order_acq_rel);

	if (old)
		quiesce_call(port->worker->dp->quiesce, &old->retired, config_retired);
	dp_port_kick(port);
}

int dp_create(struct dp **out, unsigned int workers, const int *cpu, const struct dp_policy *policy,
	      struct quiesce *quiesce, struct reason *why)
{
	struct dp *dp;
	int error = 0;

	if (!workers || workers > QUIESCE_MAX_WORKERS)
		return refuse(why, -EINVAL, "%u data-path workers: must be 1 to %u", workers,
			      QUIESCE_MAX_WORKERS);
	dp = calloc(1, sizeof(*dp) + workers * sizeof(dp->worker[0]));
	if (!dp)
		return refuse(why, -ENOMEM, "no memory for the data path");
	dp->quiesce = quiesce;
	dp->policy = *policy;
	for (unsigned int i = 0; i < workers; i++) {
		struct dp_worker *worker;

		error = dp_worker_create(dp, cpu ? cpu[i] : -1, &worker);
		if (error) {
			refuse(why, error, "cannot create data-path worker %u: %s", i,
			       strerror(-error));
			goto fail;
		}
		dp->worker[dp->workers++] = worker;
		atomic_store(&worker->ports, list_create(0));
		error = list_of(worker) ? dp_worker_start(worker) : -ENOMEM;
		if (error) {
			refuse(why, error, "cannot start data-path worker %u on CPU %d: %s", i,
			       worker->cpu, strerror(-error));
			goto fail;
		}
	}
	*out = dp;
	return 0;
fail:
	dp_destroy(dp);
	return error;
}

void dp_destroy(struct dp *dp)
{
	for (unsigned int i = 0; i < dp->workers; i++)
		dp_worker_stop(dp->worker[i]);
	for (unsigned int i = 0; i < dp->workers; i++) {
		struct dp_port_list *list = list_of(dp->worker[i]);

		for (unsigned int j = 0; list && j < list->n; j++)
			port_free(list->port[j]);
		free(list);
		dp_worker_free(dp->worker[i]);
	}
	free(dp);
}

unsigned int dp_workers(const struct dp *dp)
{
	return dp->workers;
}

void dp_worker_stats(const struct dp *dp, unsigned int worker, struct dp_worker_stats *stats)
{
	const struct dp_worker_stats *from = &dp->worker[worker]->stats;

	stats->loops = __atomic_load_n(&from->loops, __ATOMIC_RELAXED);
	stats->busy_loops = __atomic_load_n(&from->busy_loops, __ATOMIC_RELAXED);
	stats->busy_ns = __atomic_load_n(&from->busy_ns, __ATOMIC_RELAXED);
	stats->naps = __atomic_load_n(&from->naps, __ATOMIC_RELAXED);
	stats->nap_ns = __atomic_load_n(&from->nap_ns, __ATOMIC_RELAXED);
	stats->kicks = __atomic_load_n(&from->kicks, __ATOMIC_RELAXED);
	stats->quiesced = __atomic_load_n(&from->quiesced, __ATOMIC_RELAXED);
	stats->quiesce_ns_max = __atomic_load_n(&from->quiesce_ns_max, __ATOMIC_RELAXED);
	stats->round_ns_max = __atomic_load_n(&from->round_ns_max, __ATOMIC_RELAXED);
	stats->cpu = from->cpu;
}
