/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * test_worker.c - threads: naps and what ends them, publishing under traffic, ports that come and go.
 *
 * Nothing here measures time. A nap of an hour shows that it was a kick that ended it; what must
 * happen is waited for.
 */
#include "fake.h"

#include <sys/eventfd.h>
#include <unistd.h>

#define FOREVER_US 3600000000u
#define ROUNDS 2000

struct fixture {
	struct quiesce *quiesce;
	struct fake *fake;
	struct dp *dp;
	struct dp_port *port;
};

static void start(struct fixture *f, const struct dp_policy *policy, unsigned int workers)
{
	struct reason why;

	assert_int_equal(dp_create(&f->dp, workers, NULL, policy, f->quiesce, &why), 0);
	assert_int_equal(dp_port_create(f->dp, &f->port, &f->fake->wire.uplink), 0);
	dp_port_publish(f->port, fake_config(f->fake));
}

static int setup(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));

	f->quiesce = aligned_alloc(64, ALIGN_UP(sizeof(*f->quiesce), 64));
	assert_int_equal(quiesce_init(f->quiesce), 0);
	f->fake = fake_create();
	*state = f;
	return 0;
}

static int teardown(void **state)
{
	struct fixture *f = *state;

	if (f->dp)
		dp_destroy(f->dp);
	quiesce_fini(f->quiesce);
	fake_destroy(f->fake);
	free(f->quiesce);
	free(f);
	return 0;
}

/* Run grace periods, as the device thread does, until @value reaches @target. */
#define wait_for(f, value, target)                  \
	do {                                        \
		while ((value) < (target)) {        \
			quiesce_poll((f)->quiesce); \
			usleep(100);                \
		}                                   \
	} while (0)

static uint64_t naps(const struct fixture *f)
{
	struct dp_worker_stats stats;

	dp_worker_stats(f->dp, 0, &stats);
	return stats.naps;
}

static bool is_napping(const struct fixture *f)
{
	return atomic_load(&f->quiesce->workers[f->dp->worker[0]->slot].seen) == QUIESCE_OFFLINE;
}

static const struct dp_policy one_long_nap = { .busy_us = 10,
					       .nap_us = FOREVER_US,
					       .nap_max_us = FOREVER_US };

static void test_kick_ends_nap(void **state)
{
	struct fixture *f = *state;

	start(f, &one_long_nap, 1);
	for (unsigned int i = 0; i < 50; i++) {
		wait_for(f, is_napping(f), true);
		fake_send_frame(f->fake, 0, 1, i);
		dp_port_kick(f->port);
		wait_for(f, f->fake->pool[1].n, i + 1);
	}
	assert_int_equal(f->fake->queue[0].completed, 50);
	assert_true(naps(f) >= 49);
}

/* Kicks that race with a worker about to nap. */
static void test_kick_race(void **state)
{
	struct fixture *f = *state;
	struct dp_policy eager = { .busy_us = 0, .nap_us = FOREVER_US, .nap_max_us = FOREVER_US };

	start(f, &eager, 1);
	for (unsigned int i = 0; i < ROUNDS; i++) {
		fake_send_frame(f->fake, 0, 1, i);
		dp_port_kick(f->port);
		while (atomic_load(&f->fake->pool[1].n) <= i)
			;
	}
}

static void test_arm_ends_nap(void **state)
{
	struct fixture *f = *state;
	struct fake_pool *pool = &f->fake->pool[3];

	start(f, &one_long_nap, 1);
	for (unsigned int i = 0; i < 20; i++) {
		uint64_t due = now_ns() + (i % 4) * 300000;

		if (i % 2)
			wait_for(f, is_napping(f), true);
		dp_port_arm(f->port, eswitch_vport(0, 3), due);
		wait_for(f, pool->expired, i + 1);
		assert_true(pool->expired_at >= due);
	}
	/* One that is still early is asked again. */
	pool->due_again = now_ns() + 1000000;
	dp_port_arm(f->port, eswitch_vport(0, 3), 1);
	wait_for(f, pool->expired, 22);
}

static void test_wire_ends_nap(void **state)
{
	struct fixture *f = *state;
	uint64_t one = 1;

	f->fake->wire.fd = eventfd(0, EFD_NONBLOCK);
	start(f, &one_long_nap, 1);
	wait_for(f, is_napping(f), true);
	fake_frame(&f->fake->wire.incoming[0], 100, 5, 0);
	atomic_store(&f->fake->wire.n_incoming, 1);
	assert_int_equal(write(f->fake->wire.fd, &one, sizeof(one)), sizeof(one));
	wait_for(f, f->fake->pool[5].n, 1);
	/* The descriptor stays readable though nothing comes: it does not keep the worker awake. */
	wait_for(f, is_napping(f), true);
	dp_destroy(f->dp);
	f->dp = NULL;
	close(f->fake->wire.fd);
}

static void test_short_naps(void **state)
{
	struct fixture *f = *state;
	struct dp_policy policy = DP_POLICY_DEFAULT;

	start(f, &policy, 1);
	wait_for(f, naps(f), 20);
	fake_send_frame(f->fake, 0, 1, 0); /* nobody kicks: shared registers */
	wait_for(f, f->fake->pool[1].n, 1);
}

#define MS 1000000ull

/* How long to let data come together, after @bytes in each of @times periods of 5 ms. */
static uint64_t gather_after(struct dp_gather *gather, struct fake *fake, uint64_t *now,
			     unsigned int times, uint64_t bytes)
{
	struct dp_config *config = fake_config(fake);
	struct dp_port port = { 0 };
	struct dp_port_list *list = calloc(1, sizeof(*list) + sizeof(list->port[0]));

	atomic_store(&port.config, config);
	list->n = 1;
	list->port[0] = &port;
	config->hot[0] = 0;
	config->hots = 1;
	dp_gather_judge(gather, list, *now);
	while (times--) {
		*now += 5 * MS;
		config->vport[config->queue[0].vport].stats->tx_bytes += bytes;
		dp_gather_judge(gather, list, *now);
	}
	free(list);
	eswitch_free(config->table);
	free(config);
	return dp_gather_ns(gather);
}

/* Only a stream of moderate rate is worth waiting for. */
static void test_gather(void **state)
{
	struct fixture *f = *state;
	struct dp_gather gather = { 0 };
	uint64_t now = 1000 * MS;

	assert_int_equal(dp_gather_ns(&gather), 0);
	assert_int_equal(gather_after(&gather, f->fake, &now, 20, 40000), 0); /* 8 MB/s */
	assert_int_equal(gather_after(&gather, f->fake, &now, 20, 500000), DP_GATHER_MAX_NS);
	assert_in_range(gather_after(&gather, f->fake, &now, 20, 1250000), 200000, 300000);
	assert_int_equal(gather_after(&gather, f->fake, &now, 20, 5000000), 0); /* 1 GB/s */
	assert_int_equal(gather_after(&gather, f->fake, &now, 20, 500000), DP_GATHER_MAX_NS);
	assert_int_equal(gather_after(&gather, f->fake, &now, 6, 0),
			 0); /* forgotten in 30 ms ... */
	gather_after(&gather, f->fake, &now, 20, 500000);
	now += 30 * MS; /* ... also without a look at it meanwhile */
	assert_int_equal(gather_after(&gather, f->fake, &now, 0, 0), 0);
}

/* Another queue that becomes hot brings all that it ever sent: that is no rate. */
static void test_gather_ignores_newcomers(void **state)
{
	struct fixture *f = *state;
	struct dp_gather gather = { .since_ns = 1000 * MS, .hots = 0, .bytes = 0 };
	uint64_t now = 1010 * MS;

	f->fake->pool[0].stats.tx_bytes = 1ull << 40;
	assert_int_equal(gather_after(&gather, f->fake, &now, 0, 0), 0);
	assert_int_equal(gather.rate, 0);
	assert_int_equal(gather_after(&gather, f->fake, &now, 20, 500000), DP_GATHER_MAX_NS);
}

/* It would poll on for an hour, but not under a stream. */
static void test_naps_under_a_stream(void **state)
{
	struct fixture *f = *state;
	struct dp_policy policy = { .busy_us = FOREVER_US, .nap_us = 1, .nap_max_us = 1000 };
	uint32_t serial = 0;

	start(f, &policy, 1);
	fake_send_frame(f->fake, 0, 1, serial++);
	wait_for(f, f->fake->pool[1].n, serial);
	usleep(10000);
	assert_int_equal(naps(f), 0);
	assert_int_equal(dp_port_patience_ns(f->port), 0);
	while (!naps(f)) {
		for (unsigned int i = 0; i < FAKE_LOG / 2; i++)
			fake_send_frame(f->fake, 0, 1, serial++);
		wait_for(f, f->fake->pool[1].n, serial);
		usleep(1000); /* some 100 MB/s */
	}
	/* Forgotten, it polls on. */
	while (dp_port_patience_ns(f->port))
		usleep(100);
	fake_send_frame(f->fake, 0, 1, serial++);
	wait_for(f, f->fake->pool[1].n, serial);
}

/* Doorbells wait in a stream, and end a nap again when it is over. */
static void test_kicks_in_a_stream(void **state)
{
	struct fixture *f = *state;
	struct dp_policy policy = { .busy_us = 10, .nap_us = FOREVER_US, .nap_max_us = FOREVER_US };
	struct dp_worker_stats before, after;
	unsigned int tries = 0;
	uint64_t kicks = 0;
	uint32_t serial = 0;

	start(f, &policy, 1);
	while (tries < 20) {
		for (unsigned int i = 0; i < FAKE_LOG / 2; i++)
			fake_send_frame(f->fake, 0, 1, serial++);
		dp_port_kick(f->port);
		wait_for(f, f->fake->pool[1].n, serial);
		dp_worker_stats(f->dp, 0, &before);
		for (unsigned int i = 0; i < 10; i++) {
			usleep(100); /* some 100 MB/s */
			if (dp_port_patience_ns(f->port))
				dp_port_kick(f->port);
		}
		dp_worker_stats(f->dp, 0, &after);
		if (dp_port_patience_ns(f->port)) {
			kicks += after.kicks - before.kicks;
			tries++;
		}
	}
	assert_true(kicks < 20); /* of some 200: it may have ended for a moment */
	while (dp_port_patience_ns(f->port))
		usleep(100);
	for (unsigned int i = 0; i < 20; i++) {
		wait_for(f, is_napping(f), true);
		fake_send_frame(f->fake, 0, 1, serial++);
		dp_port_kick(f->port);
		wait_for(f, f->fake->pool[1].n, serial);
	}
}

static void test_always_busy(void **state)
{
	struct fixture *f = *state;
	struct dp_policy policy = { .always_busy = true };
	struct dp_worker_stats stats = { 0 };

	start(f, &policy, 1);
	fake_send_frame(f->fake, 0, 1, 0);
	wait_for(f, f->fake->pool[1].n, 1);
	while (stats.loops < 1000)
		dp_worker_stats(f->dp, 0, &stats);
	assert_int_equal(stats.naps, 0);
	assert_true(stats.busy_loops >= 1);
}

/* Configurations are replaced while frames flow: none is lost, all keep their order. */
static void test_publish_under_traffic(void **state)
{
	struct fixture *f = *state;
	struct dp_policy policy = { .always_busy = true };
	struct dp_worker_stats stats;
	uint32_t serial = 0;

	start(f, &policy, 1);
	for (unsigned int i = 0; i < ROUNDS; i++) {
		for (unsigned int j = 0; j < 3; j++)
			fake_send_frame(f->fake, 0, 1, serial++);
		dp_port_publish(f->port, fake_config(f->fake));
		quiesce_poll(f->quiesce);
		wait_for(f, f->fake->pool[1].n + FAKE_LOG / 2, serial);
	}
	wait_for(f, f->fake->pool[1].n, serial);
	for (uint32_t i = serial - FAKE_LOG; i < serial; i++)
		assert_int_equal(f->fake->pool[1].serial[i % FAKE_LOG], i);
	wait_for(f, !quiesce_pending(f->quiesce), true);
	dp_worker_stats(f->dp, 0, &stats);
	assert_true(stats.quiesced >= 1 && stats.quiesced <= ROUNDS);
	assert_true(stats.quiesce_ns_max > 0);
}

static void count(void *ctx)
{
	(*(unsigned int *)ctx)++;
}

/* Ports come and go beside one that carries traffic. */
static void test_ports(void **state)
{
	struct fixture *f = *state;
	struct dp_policy policy = DP_POLICY_DEFAULT;
	struct fake *other = fake_create();
	unsigned int gone = 0;
	struct dp_port *port;

	start(f, &policy, 2);
	assert_int_equal(dp_workers(f->dp), 2);
	for (unsigned int i = 0; i < 200; i++) {
		assert_int_equal(dp_port_create(f->dp, &port, NULL), 0);
		dp_port_publish(port, fake_config(other));
		fake_send_frame(other, 1, 2, i);
		dp_port_kick(port);
		fake_send_frame(f->fake, 0, 1, i);
		wait_for(f, other->pool[2].n, i + 1);
		dp_port_destroy(port, count, &gone);
		wait_for(f, gone, i + 1);
	}
	wait_for(f, f->fake->pool[1].n, 200);
	fake_destroy(other);
}

static void test_too_many_ports(void **state)
{
	struct fixture *f = *state;
	struct dp_policy policy = DP_POLICY_DEFAULT;
	struct dp_port *port;
	int error = 0;
	unsigned int n = 1;

	start(f, &policy, 1);
	while (!(error = dp_port_create(f->dp, &port, NULL)))
		n++;
	assert_int_equal(error, -ENOSPC);
	assert_int_equal(n, DP_WORKER_PORTS);
}

static void test_refusals(void **state)
{
	struct fixture *f = *state;
	struct dp_policy policy = DP_POLICY_DEFAULT;
	int cpu[] = { 1 << 20 };
	struct reason why;
	struct dp *dp;

	assert_int_equal(dp_create(&dp, 0, NULL, &policy, f->quiesce, &why), -EINVAL);
	assert_non_null(strstr(why.text, "0 data-path workers"));
	assert_int_equal(dp_create(&dp, 1, cpu, &policy, f->quiesce, &why), -EINVAL);
	assert_non_null(strstr(why.text, "CPU 1048576"));
}

static uint64_t loops(const struct fixture *f)
{
	struct dp_worker_stats stats;

	dp_worker_stats(f->dp, 0, &stats);
	return stats.loops;
}

/* A port that stands still keeps nobody awake, whatever is due there, and nothing is lost by that. */
static void test_nap_without_configuration(void **state)
{
	struct fixture *f = *state;
	struct reason why;

	assert_int_equal(dp_create(&f->dp, 1, NULL, &one_long_nap, f->quiesce, &why), 0);
	assert_int_equal(dp_port_create(f->dp, &f->port, NULL), 0);
	dp_port_arm(f->port, eswitch_vport(0, 3), now_ns());
	wait_for(f, loops(f) != 0, true); /* offline before that, too */
	wait_for(f, is_napping(f), true);
	assert_int_equal(f->fake->pool[3].expired, 0);
	dp_port_publish(f->port, fake_config(f->fake));
	wait_for(f, f->fake->pool[3].expired, 1);
}

/* A nap lasts no longer than until the frames of a queue may go. */
static void test_due_queue_ends_nap(void **state)
{
	struct fixture *f = *state;

	for (unsigned int i = 0; i < FAKE_POOLS; i++)
		atomic_store(&f->fake->queue[i].due, now_ns() + 20 * 1000000ull * (1 + i));
	for (unsigned int i = 0; i < FAKE_POOLS; i++)
		fake_send_frame(f->fake, i, (int)((i + 1) % FAKE_POOLS), i);
	start(f, &one_long_nap, 1);
	for (unsigned int i = 0; i < FAKE_POOLS; i++)
		wait_for(f, atomic_load(&f->fake->pool[i].n), 1);
	assert_true(now_ns() >= atomic_load(&f->fake->queue[FAKE_POOLS - 1].due));
}

static void note(void *ctx)
{
	++*(unsigned int *)ctx;
}

/* Ports on one cable have one worker and know each other, as long as there are two. */
static void test_cable(void **state)
{
	struct fixture *f = *state;
	struct uplink *end[2];
	struct dp_port *tied[3];
	struct reason why;
	unsigned int changes = 0, gone = 0;

	start(f, &one_long_nap, 3); /* one port already */
	for (unsigned int i = 0; i < 2; i++)
		assert_int_equal(uplink_cable(&end[i], "c", note, &changes, &why), 0);
	assert_int_equal(dp_port_create(f->dp, &tied[0], end[0]), 0);
	assert_null(tied[0]->far);
	assert_int_equal(dp_port_create(f->dp, &tied[1], end[1]), 0);
	assert_int_equal(dp_port_create(f->dp, &tied[2], NULL), 0);
	assert_ptr_equal(tied[0]->worker, tied[1]->worker);
	assert_ptr_not_equal(tied[0]->worker, f->port->worker);
	assert_ptr_not_equal(tied[2]->worker, f->port->worker);
	assert_ptr_not_equal(tied[2]->worker, tied[0]->worker);
	assert_ptr_equal(tied[0]->far, tied[1]);
	assert_ptr_equal(tied[1]->far, tied[0]);

	dp_port_destroy(tied[0], note, &gone);
	assert_null(tied[1]->far);
	wait_for(f, gone, 1);
	assert_int_equal(dp_port_create(f->dp, &tied[0], end[0]), 0);
	assert_ptr_equal(tied[0]->worker, tied[1]->worker);
	assert_ptr_equal(tied[1]->far, tied[0]);
	dp_destroy(f->dp);
	f->dp = NULL;
	for (unsigned int i = 0; i < 2; i++)
		end[i]->ops->close(end[i]);
	assert_int_equal(changes, 2);
}

#define FAR 16 /* pool p at the far end has the address FAR + p */
#define BATCH 50u

/* A cable's far end comes and goes under traffic: every frame arrives, or the near wire says that it did not. */
static void test_cable_under_traffic(void **state)
{
	struct fixture *f = *state;
	struct fake *far = fake_create();
	const struct vport_stats *near_wire = &f->fake->uplink_stats,
				 *far_wire = &far->uplink_stats;
	struct uplink *end[2];
	struct dp_port *port;
	struct reason why;
	unsigned int changes = 0, gone = 0, sent = 0;

	for (unsigned int i = 0; i < FAKE_POOLS; i++)
		fake_mac(far->partition.mac[i].mac, FAR + i);
	assert_int_equal(dp_create(&f->dp, 1, NULL, &(struct dp_policy)DP_POLICY_DEFAULT,
				   f->quiesce, &why),
			 0);
	for (unsigned int i = 0; i < 2; i++)
		assert_int_equal(uplink_cable(&end[i], "c", note, &changes, &why), 0);
	assert_int_equal(dp_port_create(f->dp, &f->port, end[0]), 0);
	dp_port_publish(f->port, fake_config(f->fake));
	for (unsigned int round = 0; round < 60; round++) {
		if (round % 2 == 0) {
			assert_int_equal(dp_port_create(f->dp, &port, end[1]), 0);
			dp_port_publish(port, fake_config(far));
		}
		for (unsigned int i = 0; i < BATCH; i++)
			fake_send_frame(f->fake, 0, FAR + (int)(i % 2), sent++);
		dp_port_kick(f->port);
		if (round % 2) {
			dp_port_destroy(port, note, &gone);
			wait_for(f, gone, 1 + round / 2);
		} else if (round % 4) {
			wait_for(f, atomic_load(&f->fake->queue[0].completed), sent);
		}
	}
	wait_for(f, atomic_load(&f->fake->queue[0].completed), sent);
	dp_destroy(f->dp);
	f->dp = NULL;
	assert_int_equal(f->fake->pool[0].stats.tx_packets, sent);
	assert_int_equal(near_wire->rx_packets + near_wire->drop[VPORT_DROP_UPLINK_DOWN], sent);
	assert_int_equal(far_wire->tx_packets, near_wire->rx_packets);
	assert_int_equal(far->pool[0].n + far->pool[1].n, near_wire->rx_packets);
	assert_true(near_wire->rx_packets >= BATCH);
	for (unsigned int i = 0; i < 2; i++)
		end[i]->ops->close(end[i]);
	fake_destroy(far);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_kick_ends_nap),
		TEST(test_kick_race),
		TEST(test_arm_ends_nap),
		TEST(test_wire_ends_nap),
		TEST(test_short_naps),
		TEST(test_nap_without_configuration),
		TEST(test_gather),
		TEST(test_gather_ignores_newcomers),
		TEST(test_naps_under_a_stream),
		TEST(test_kicks_in_a_stream),
		TEST(test_always_busy),
		TEST(test_publish_under_traffic),
		TEST(test_ports),
		TEST(test_due_queue_ends_nap),
		TEST(test_cable),
		TEST(test_cable_under_traffic),
		TEST(test_too_many_ports),
		TEST(test_refusals),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
