/* SPDX-License-Identifier: BSD-3-Clause */
/* test_forward.c - the journey of a frame, round by round, without threads. */
#include "fake.h"

struct fixture {
	struct fake *fake;
	struct dp_worker *worker;
	struct dp_port *port;
	struct dp_config *config;
};

static int setup(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));

	f->fake = fake_create();
	f->worker = aligned_alloc(64, ALIGN_UP(sizeof(*f->worker), 64));
	memset(f->worker, 0, sizeof(*f->worker));
	f->port = aligned_alloc(64, ALIGN_UP(sizeof(*f->port), 64));
	memset(f->port, 0, sizeof(*f->port));
	f->port->worker = f->worker;
	f->port->uplink = &f->fake->wire.uplink;
	dp_armed_init(&f->port->armed);
	f->config = fake_config(f->fake);
	atomic_store(&f->port->config, f->config);
	*state = f;
	return 0;
}

static int teardown(void **state)
{
	struct fixture *f = *state;

	eswitch_free(f->config->table);
	free(f->config);
	free(f->worker);
	free(f->port);
	fake_destroy(f->fake);
	free(f);
	return 0;
}

static void rebuild(struct fixture *f)
{
	bool link_up = f->config->link_up;

	eswitch_free(f->config->table);
	free(f->config);
	f->config = fake_config(f->fake);
	f->config->link_up = link_up;
	atomic_store(&f->port->config, f->config);
}

static void run(struct fixture *f)
{
	uint64_t now = 1;

	while (dp_poll_port(f->worker, f->port, false, now))
		now += DP_UPLINK_RECHECK_NS;
	for (unsigned int i = 0; i < ESWITCH_VPORTS; i++)
		assert_int_equal(f->worker->want[i], 0);
}

static const struct vport_stats *stats_of(const struct fixture *f, unsigned int pool)
{
	return &f->fake->pool[pool].stats;
}

static uint64_t tx_drops(const struct vport_stats *stats)
{
	uint64_t sum = 0;

	for (unsigned int i = VPORT_DROP_TX_DISABLED; i <= VPORT_DROP_TX_LINK_DOWN; i++)
		sum += stats->drop[i];
	return sum;
}

static void test_unicast(void **state)
{
	struct fixture *f = *state;

	for (uint32_t i = 0; i < 200; i++)
		fake_send_frame(f->fake, 0, 1 + (int)(i % 3), i);
	run(f);
	assert_int_equal(stats_of(f, 0)->tx_packets, 200);
	assert_int_equal(stats_of(f, 0)->tx_bytes, 200 * FAKE_FRAME_LEN);
	assert_int_equal(tx_drops(stats_of(f, 0)), 0);
	assert_int_equal(f->fake->queue[0].completed, 200);
	for (unsigned int pool = 1; pool < 4; pool++) {
		struct fake_pool *to = &f->fake->pool[pool];

		assert_int_equal(to->n, pool < 3 ? 67 : 66);
		for (unsigned int i = 0; i < to->n; i++)
			assert_int_equal(to->serial[i], i * 3 + pool - 1);
		assert_int_equal(to->sender[0], 0);
	}
	assert_int_equal(f->fake->wire.sent, 0);
}

static void test_wire(void **state)
{
	struct fixture *f = *state;

	for (uint32_t i = 0; i < 10; i++)
		fake_send_frame(f->fake, 0, 100, i);
	f->fake->wire.capacity = 7;
	run(f);
	assert_int_equal(stats_of(f, 0)->tx_packets, 10);
	assert_int_equal(f->fake->wire.sent, 7);
	assert_int_equal(f->fake->uplink_stats.rx_packets, 7);
	assert_int_equal(f->fake->uplink_stats.drop[VPORT_DROP_UPLINK_FULL], 3);
	assert_int_equal(f->fake->uplink_stats.drop[VPORT_DROP_UPLINK_DOWN], 0);
}

/* A wire that goes down and comes up again in the middle of a burst. */
static void test_wire_of_moods(void **state)
{
	static const enum uplink_fate fate[FRAME_BURST] = { UPLINK_FULL, UPLINK_SENT, UPLINK_DOWN,
							    UPLINK_SENT, UPLINK_DOWN };
	struct fixture *f = *state;

	for (uint32_t i = 0; i < 5; i++)
		fake_send_frame(f->fake, 0, 100, i);
	f->fake->wire.fate = fate;
	run(f);
	assert_int_equal(f->fake->wire.sent, 2);
	assert_int_equal(f->fake->wire.serial[1], 3);
	assert_int_equal(f->fake->uplink_stats.rx_packets, 2);
	assert_int_equal(f->fake->uplink_stats.drop[VPORT_DROP_UPLINK_FULL], 1);
	assert_int_equal(f->fake->uplink_stats.drop[VPORT_DROP_UPLINK_DOWN], 2);
}

static void test_no_wire(void **state)
{
	struct fixture *f = *state;
	struct uplink *none;

	assert_int_equal(uplink_none(&none), 0);
	for (int pass = 0; pass < 2; pass++) {
		f->port->uplink = pass ? none : NULL;
		fake_send_frame(f->fake, 0, 100, 0); /* for the wire only: lost */
		fake_send_frame(f->fake, 0, -1, 1);  /* for all: the others got it */
		run(f);
	}
	assert_int_equal(f->fake->uplink_stats.drop[VPORT_DROP_UPLINK_DOWN], 2);
	assert_int_equal(f->fake->uplink_stats.drop[VPORT_DROP_UPLINK_FULL], 0);
	assert_int_equal(f->fake->uplink_stats.rx_packets, 0);
	assert_int_equal(none->stats.tx_down, 2);
	assert_int_equal(stats_of(f, 0)->tx_packets, 4);
	assert_int_equal(f->fake->pool[1].n, 2);
	none->ops->close(none);
}

static void test_flood(void **state)
{
	struct fixture *f = *state;

	fake_send_frame(f->fake, 2, -1, 7);
	run(f);
	for (unsigned int i = 0; i < FAKE_POOLS; i++)
		assert_int_equal(f->fake->pool[i].n, i == 2 ? 0 : 1);
	assert_int_equal(f->fake->wire.sent, 1);
	assert_int_equal(f->fake->uplink_stats.rx_broadcast, 1);
	assert_int_equal(stats_of(f, 2)->tx_packets, 1);
}

/* Unicast and flooded frames of one sender stay in order at each receiver. */
static void test_order(void **state)
{
	struct fixture *f = *state;
	unsigned int expected = 0;

	for (uint32_t i = 0; i < 150; i++)
		fake_send_frame(f->fake, 3, i % 7 == 0 ? -1 : i % 2 ? 4 : 100, i);
	run(f);
	for (uint32_t i = 0; i < 150; i++)
		if (i % 7 == 0 || i % 2)
			assert_int_equal(f->fake->pool[4].serial[expected++], i);
	assert_int_equal(f->fake->pool[4].n, expected);
	for (unsigned int i = 1; i < f->fake->wire.sent; i++)
		assert_true(f->fake->wire.serial[i] > f->fake->wire.serial[i - 1]);
}

static void test_refused(void **state)
{
	struct fixture *f = *state;

	fake_frame(fake_next(f->fake, 0), 1, 2, 0); /* in somebody else's name */
	fake_post(f->fake, 0);
	run(f);
	assert_int_equal(stats_of(f, 0)->drop[VPORT_DROP_TX_SPOOFED_MAC], 1);

	f->fake->partition.pool[0].flags &= ~ESWITCH_TX_ENABLE;
	rebuild(f);
	fake_send_frame(f->fake, 0, 2, 0);
	run(f);
	assert_int_equal(stats_of(f, 0)->drop[VPORT_DROP_TX_DISABLED], 1);

	f->config->link_up = false;
	fake_send_frame(f->fake, 0, 2, 0);
	fake_send_frame(f->fake, 1, 2, 0);
	run(f);
	assert_int_equal(stats_of(f, 0)->drop[VPORT_DROP_TX_LINK_DOWN], 1);
	assert_int_equal(stats_of(f, 1)->drop[VPORT_DROP_TX_LINK_DOWN], 1);
	assert_int_equal(f->fake->queue[0].completed, 3);

	f->config->link_up = true;
	f->config->vport[eswitch_vport(0, 2)] = (struct dp_vport){ 0 };
	fake_send_frame(f->fake, 1, 2, 0);
	run(f);
	assert_int_equal(stats_of(f, 1)->drop[VPORT_DROP_TX_NO_RECEIVER], 1);
	assert_int_equal(stats_of(f, 0)->tx_packets + stats_of(f, 1)->tx_packets, 0);
	assert_int_equal(f->fake->pool[2].n, 0);
}

/* The port VLAN is what the receiver is told, not what the sender said. */
static void test_port_vlan(void **state)
{
	struct fixture *f = *state;
	struct frame *frame = fake_next(f->fake, 0);

	f->fake->partition.pool[0].flags |= ESWITCH_VLAN_INSERT;
	f->fake->partition.pool[0].default_vlan = 0x6005;
	rebuild(f);
	fake_frame(frame, 0, 100, 0);
	fake_post(f->fake, 0);
	run(f);
	assert_int_equal(f->worker->burst.frame[0].vlan, 0x6005);
	assert_true(f->worker->burst.frame[0].flags & FRAME_VLAN);
}

static void test_from_wire(void **state)
{
	struct fixture *f = *state;

	fake_frame(&f->fake->wire.incoming[0], 100, 5, 0);
	fake_frame(&f->fake->wire.incoming[1], 100, -1, 1);
	fake_frame(&f->fake->wire.incoming[2], 100, 101, 2);
	atomic_store(&f->fake->wire.n_incoming, 3);
	run(f);
	assert_int_equal(f->fake->pool[5].n, 2);
	assert_int_equal(f->fake->pool[6].n, 1);
	assert_int_equal(f->fake->wire.sent, 0);
	assert_int_equal(f->fake->uplink_stats.tx_packets, 2);
	assert_int_equal(f->fake->uplink_stats.drop[VPORT_DROP_TX_NO_RECEIVER], 1);
	assert_int_equal(f->fake->pool[5].sender[0], 100);
}

static void test_tso(void **state)
{
	struct fixture *f = *state;
	struct frame *frame = fake_next(f->fake, 0);
	static const uint8_t payload[10000];
	static const struct frame_segment segment = { payload, sizeof(payload) };
	uint8_t ip[] = { 0x45, 0, 0, 0, 0, 0, 0, 0, 64, 6, 0, 0, 10, 0, 0, 1, 10, 0, 0, 2 };

	fake_frame(frame, 0, 1, 0);
	memcpy(frame->header + 14, ip, sizeof(ip));
	put_be16(frame->header + 12, 0x0800);
	frame->header_len = 54;
	frame->header[14 + 20 + 12] = 0x50;
	frame->segment = &segment;
	frame->segments = 1;
	frame->len = 54 + sizeof(payload);
	frame->flags = FRAME_TSO;
	frame->mss = 1000;
	frame->l2_len = 14;
	frame->l3_len = frame->l4_len = 20;
	frame->l4_proto = 6;
	assert_int_equal(frame_finish(frame), 0);
	fake_post(f->fake, 0);
	run(f);
	assert_int_equal(stats_of(f, 0)->tx_packets, 10);
	assert_int_equal(stats_of(f, 0)->tx_bytes, 10 * 1054);
	assert_int_equal(stats_of(f, 0)->tx_tso_requests, 1);
	assert_int_equal(stats_of(f, 0)->tx_tso_segments, 10);
	assert_int_equal(stats_of(f, 0)->tx_csum, 10);
	f->config->link_up = false;
	*fake_next(f->fake, 0) = *frame;
	fake_post(f->fake, 0);
	run(f);
	assert_int_equal(stats_of(f, 0)->drop[VPORT_DROP_TX_LINK_DOWN], 10);
}

/* Every frame that enters is sent or in one drop counter; every copy is received or in one. */
static void test_sums(void **state)
{
	struct fixture *f = *state;
	uint64_t sent[FAKE_POOLS] = { 0 }, received = 0, copies = 0, drops = 0, completed = 0;
	unsigned int total = 0;

	srandom(1);
	f->fake->wire.capacity = 5;
	f->fake->pool[6].capacity = 3;
	f->fake->partition.pool[7].flags &= ~ESWITCH_TX_ENABLE;
	rebuild(f);
	for (int round = 0; round < 40; round++) {
		for (int i = 0; i < 50; i++, total++) {
			unsigned int sender = (unsigned int)random() % FAKE_POOLS;
			int to = (int)(random() % 12) - 1; /* 8, 9, 10: strangers */
			bool spoof = random() % 10 == 0;

			fake_frame(fake_next(f->fake, sender), spoof ? 77 : sender, to, total);
			fake_post(f->fake, sender);
			sent[sender]++;
			if (sender == 7 || spoof || to == (int)sender)
				continue;
			copies += to == -1 ? FAKE_POOLS : 1;
		}
		run(f);
	}
	for (unsigned int i = 0; i < FAKE_POOLS; i++) {
		const struct vport_stats *stats = stats_of(f, i);

		assert_int_equal(stats->tx_packets + tx_drops(stats), sent[i]);
		received += stats->rx_packets;
		drops += stats->drop[VPORT_DROP_RX_NO_DESCRIPTOR];
		completed += f->fake->queue[i].completed;
		assert_int_equal(stats->rx_packets, f->fake->pool[i].n);
	}
	received += f->fake->uplink_stats.rx_packets;
	drops += f->fake->uplink_stats.drop[VPORT_DROP_UPLINK_FULL];
	assert_true(drops > 0);
	assert_int_equal(received + drops, copies);
	assert_int_equal(completed, total);
}

static void test_armed(void **state)
{
	struct fixture *f = *state;
	struct fake_pool *one = &f->fake->pool[1], *two = &f->fake->pool[2];

	dp_armed_add(&f->port->armed, eswitch_vport(0, 1), 1000);
	dp_armed_add(&f->port->armed, eswitch_vport(0, 2), 3000);
	dp_armed_add(&f->port->armed, eswitch_vport(0, 2), 2000);
	dp_poll_port(f->worker, f->port, false, 999);
	assert_int_equal(one->expired + two->expired, 0);
	one->due_again = 2500;
	dp_poll_port(f->worker, f->port, false, 1000);
	assert_int_equal(one->expired, 1);
	assert_int_equal(two->expired, 0);
	assert_int_equal(f->port->armed.due_ns, 2000);
	dp_poll_port(f->worker, f->port, false, 2499);
	assert_int_equal(one->expired, 1);
	assert_int_equal(two->expired, 1);
	dp_poll_port(f->worker, f->port, false, 2500);
	assert_int_equal(one->expired, 2);
	assert_true(f->port->armed.due_ns == DP_NOT_DUE);
	dp_poll_port(f->worker, f->port, false, 10000);
	assert_int_equal(one->expired + two->expired, 3);

	/* A vport that vanished meanwhile. */
	dp_armed_add(&f->port->armed, eswitch_vport(0, 3), 11000);
	f->config->vport[eswitch_vport(0, 3)] = (struct dp_vport){ 0 };
	dp_poll_port(f->worker, f->port, false, 12000);
	assert_int_equal(f->fake->pool[3].expired, 0);
	assert_true(f->port->armed.due_ns == DP_NOT_DUE);
}

/* No statistics, no configuration, no queues: nothing to fall over. */
static void test_bare(void **state)
{
	struct fixture *f = *state;

	for (unsigned int i = 0; i < ESWITCH_VPORTS; i++)
		f->config->vport[i].stats = NULL;
	fake_send_frame(f->fake, 0, 100, 0);
	fake_send_frame(f->fake, 0, 0, 0);
	run(f);
	assert_int_equal(f->fake->wire.sent, 1);
	f->config->queues = 0;
	run(f);
	atomic_store(&f->port->config, NULL);
	assert_false(dp_poll_port(f->worker, f->port, false, UINT64_MAX));
}

/* A silent queue is asked again when its driver posts, and now and then anyway. */
static void test_doorbell(void **state)
{
	struct fixture *f = *state;
	struct fake_queue *queue = &f->fake->queue[0];
	unsigned int asked;

	dp_poll_port(f->worker, f->port, false, 1);
	asked = queue->asked;
	assert_int_equal(asked, 1);
	for (unsigned int i = 0; i < 8; i++)
		assert_false(dp_poll_port(f->worker, f->port, false, 2 + i));
	assert_int_equal(queue->asked, asked);
	fake_send_frame(f->fake, 0, 1, 7);
	assert_true(dp_poll_port(f->worker, f->port, false, 20));
	assert_int_equal(f->fake->pool[1].n, 1);
	asked = queue->asked;
	for (unsigned int i = 0; i < 64; i++)
		assert_false(dp_poll_port(f->worker, f->port, false, 30 + i));
	assert_in_range(queue->asked - asked, 2, 8);

	f->config->queue[0].doorbell = NULL; /* a model without one is always asked */
	asked = queue->asked;
	for (unsigned int i = 0; i < 10; i++)
		assert_false(dp_poll_port(f->worker, f->port, false, 100 + i));
	assert_int_equal(queue->asked, asked + 10);
}

#define SILENT 200u

/* Silent queues cost a working one little, however many they are, and none is forgotten. */
static void test_silent_queues(void **state)
{
	struct fixture *f = *state;
	struct dp_config *config =
		calloc(1, sizeof(*config) + (1 + SILENT) * sizeof(struct dp_tx_queue));
	struct fake_queue *silent = &f->fake->queue[1];
	uint32_t serial = 0;
	unsigned int asked;

	memcpy(config, f->config, sizeof(*config));
	config->queue[0] = f->config->queue[0];
	for (unsigned int i = 1; i <= SILENT; i++) {
		config->queue[i] = f->config->queue[1];
		config->queue[i].doorbell = NULL; /* so that each look is counted */
	}
	config->queues = 1 + SILENT;
	atomic_store(&f->port->config, config);
	asked = silent->asked;
	assert_false(dp_poll_port(f->worker, f->port, false, 1));
	assert_int_equal(silent->asked - asked, SILENT); /* nothing else to do */
	asked = silent->asked;
	assert_false(dp_poll_port(f->worker, f->port, true, 1)); /* but on another port */
	assert_in_range(silent->asked - asked, 1, 20);

	fake_send_frame(f->fake, 0, 2, serial++);
	assert_true(dp_poll_port(f->worker, f->port, false, 2));
	for (unsigned int i = 0; i < 2 * SILENT; i++) {
		fake_send_frame(f->fake, 0, 2, serial++);
		asked = silent->asked;
		assert_true(dp_poll_port(f->worker, f->port, false, 3 + i));
		assert_in_range(silent->asked - asked, 1, 20);
	}
	fake_send_frame(f->fake, 1, 2, 0);
	for (unsigned int i = 0; f->fake->pool[2].n < serial + 1; i++) {
		assert_true(i <= SILENT / 8);
		fake_send_frame(f->fake, 0, 2, serial++);
		dp_poll_port(f->worker, f->port, false, 1000 + i);
	}
	asked = silent->asked;
	for (unsigned int i = 0; i < 100; i++)
		dp_poll_port(f->worker, f->port, false, 2000 + i);
	assert_int_equal(silent->asked - asked, 100 * SILENT);
	atomic_store(&f->port->config, f->config);
	free(config);
}

/* A queue may come to work though nobody rings, and is asked in the end, whatever the others do. */
static void test_unrung(void **state)
{
	struct fixture *f = *state;
	const _Atomic unsigned int rung = 7;
	uint32_t serial = 0;

	for (unsigned int i = 1; i < FAKE_POOLS; i++)
		f->config->queue[i].doorbell = &rung;
	dp_poll_port(f->worker, f->port, false, 1);
	for (unsigned int i = 1; i < FAKE_POOLS; i++)
		fake_send_frame(f->fake, i, 0, serial++);
	for (unsigned int i = 0; i < 4 * FAKE_POOLS; i++) {
		fake_send_frame(f->fake, 0, 1, serial++);
		dp_poll_port(f->worker, f->port, false, 2 + i);
	}
	assert_int_equal(f->fake->pool[0].n, FAKE_POOLS - 1);
}

/* A queue whose frames must not go yet is not asked before their time, and holds up nobody. */
static void test_held_queue(void **state)
{
	struct fixture *f = *state;
	struct fake_queue *held = &f->fake->queue[0];
	unsigned int asked;

	atomic_store(&held->due, 5000);
	fake_send_frame(f->fake, 0, 2, 1);
	fake_send_frame(f->fake, 1, 2, 2);
	assert_true(dp_poll_port(f->worker, f->port, false, 1000));
	assert_int_equal(f->fake->pool[2].n, 1);
	assert_int_equal(f->port->tx_due_ns, 5000);
	asked = held->asked;
	for (uint64_t now = 1001; now < 5000; now++) {
		assert_false(dp_poll_port(f->worker, f->port, false, now));
		assert_int_equal(f->port->tx_due_ns, 5000);
	}
	fake_send_frame(f->fake, 0, 2, 3); /* the doorbell changes nothing */
	assert_false(dp_poll_port(f->worker, f->port, false, 4999));
	assert_int_equal(held->asked, asked);
	assert_true(dp_poll_port(f->worker, f->port, false, 5000));
	assert_int_equal(held->asked, asked + 1);
	assert_int_equal(f->fake->pool[2].n, 3);
	assert_true(f->port->tx_due_ns == DP_NOT_DUE);
	assert_false(dp_poll_port(f->worker, f->port, false, 5001));
	assert_true(f->port->tx_due_ns == DP_NOT_DUE);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_unicast),    TEST(test_wire),		 TEST(test_no_wire),
		TEST(test_unicast),    TEST(test_wire_of_moods), TEST(test_no_wire),
		TEST(test_flood),      TEST(test_order),	 TEST(test_refused),
		TEST(test_port_vlan),  TEST(test_from_wire),	 TEST(test_tso),
		TEST(test_sums),       TEST(test_armed),	 TEST(test_bare),
		TEST(test_doorbell),   TEST(test_silent_queues), TEST(test_unrung),
		TEST(test_held_queue),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
