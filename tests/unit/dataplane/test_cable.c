/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * test_cable.c - two ports of one worker on the ends of a cable, without threads. Pool p of the right port has the
 * address that a frame to RIGHT + p is for.
 */
#include "fake.h"

#define RIGHT 16

struct side {
	struct fake *fake;
	struct uplink *uplink;
	struct dp_port *port;
	struct dp_config *config;
	unsigned int changes;
};

struct fixture {
	struct dp_worker *worker;
	struct side left, right;
	uint64_t now;
};

static void changed(void *ctx)
{
	++*(unsigned int *)ctx;
}

static void make_port(struct side *side, struct dp_worker *worker)
{
	struct reason why;

	assert_int_equal(uplink_cable(&side->uplink, "c", changed, &side->changes, &why), 0);
	side->port = aligned_alloc(64, ALIGN_UP(sizeof(*side->port), 64));
	memset(side->port, 0, sizeof(*side->port));
	side->port->worker = worker;
	side->port->uplink = side->uplink;
	dp_armed_init(&side->port->armed);
	side->config = fake_config(side->fake);
	atomic_store(&side->port->config, side->config);
}

static int setup(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));

	f->worker = aligned_alloc(64, ALIGN_UP(sizeof(*f->worker), 64));
	memset(f->worker, 0, sizeof(*f->worker));
	f->left.fake = fake_create();
	f->right.fake = fake_create();
	for (unsigned int i = 0; i < FAKE_POOLS; i++) {
		fake_mac(f->right.fake->partition.mac[i].mac, RIGHT + i);
		f->right.fake->partition.pool[i].flags &= ~ESWITCH_CHECK_MAC;
	}
	make_port(&f->left, f->worker);
	make_port(&f->right, f->worker);
	atomic_store(&f->left.port->far, f->right.port);
	atomic_store(&f->right.port->far, f->left.port);
	*state = f;
	return 0;
}

static void end_side(struct side *side)
{
	if (side->uplink)
		side->uplink->ops->close(side->uplink);
	eswitch_free(side->config->table);
	free(side->config);
	free(side->port);
	fake_destroy(side->fake);
}

static int teardown(void **state)
{
	struct fixture *f = *state;

	end_side(&f->left);
	end_side(&f->right);
	free(f->worker);
	free(f);
	return 0;
}

static void run(struct fixture *f)
{
	bool busy;

	do {
		f->now += DP_UPLINK_RECHECK_NS;
		busy = dp_poll_port(f->worker, f->left.port, false, f->now);
		busy |= dp_poll_port(f->worker, f->right.port, false, f->now);
	} while (busy);
	for (unsigned int i = 0; i < ESWITCH_VPORTS; i++)
		assert_int_equal(f->worker->want[i], 0);
}

/* One round of the left port alone: what crosses arrives in the same step. */
static void test_unicast(void **state)
{
	struct fixture *f = *state;
	struct fake_pool *to = &f->right.fake->pool[3];

	for (uint32_t i = 0; i < 50; i++)
		fake_send_frame(f->left.fake, 0, RIGHT + 3, i);
	assert_true(dp_poll_port(f->worker, f->left.port, false, 1));
	assert_int_equal(to->n, 50);
	for (uint32_t i = 0; i < 50; i++) {
		assert_int_equal(to->serial[i], i);
		assert_int_equal(to->sender[i], ESWITCH_UPLINK);
	}
	assert_int_equal(f->left.fake->queue[0].completed, 50);
	assert_int_equal(f->left.fake->pool[0].stats.tx_packets, 50);
	assert_int_equal(f->left.fake->uplink_stats.rx_packets, 50);
	assert_int_equal(f->left.uplink->stats.tx_packets, 50);
	assert_int_equal(f->right.uplink->stats.rx_bytes, 50 * FAKE_FRAME_LEN);
	assert_int_equal(f->right.fake->uplink_stats.tx_packets, 50);
	assert_int_equal(f->right.fake->uplink_stats.tx_bytes, 50 * FAKE_FRAME_LEN);
	assert_int_equal(to->stats.rx_packets, 50);
}

/* Some frames cross, some stay, and the order of each receiver's is the sender's. */
static void test_mixed(void **state)
{
	struct fixture *f = *state;
	unsigned int near = 0, far = 0;

	for (uint32_t i = 0; i < 150; i++)
		fake_send_frame(f->left.fake, 3, i % 7 == 0 ? -1 : i % 2 ? 4 : RIGHT + 4, i);
	run(f);
	for (uint32_t i = 0; i < 150; i++) {
		if (i % 7 == 0 || i % 2)
			assert_int_equal(f->left.fake->pool[4].serial[near++], i);
		if (i % 7 == 0 || i % 2 == 0)
			assert_int_equal(f->right.fake->pool[4].serial[far++], i);
	}
	assert_int_equal(f->left.fake->pool[4].n, near);
	assert_int_equal(f->right.fake->pool[4].n, far);
	assert_int_equal(f->right.fake->pool[5].n, 22);
}

/* All get it once, and it does not come back. */
static void test_broadcast(void **state)
{
	struct fixture *f = *state;

	fake_frame(fake_next(f->right.fake, 2), RIGHT + 2, -1, 7);
	fake_post(f->right.fake, 2);
	run(f);
	for (unsigned int i = 0; i < FAKE_POOLS; i++) {
		assert_int_equal(f->right.fake->pool[i].n, i == 2 ? 0 : 1);
		assert_int_equal(f->left.fake->pool[i].n, 1);
	}
	assert_int_equal(f->right.uplink->stats.tx_packets, 1);
	assert_int_equal(f->right.uplink->stats.rx_packets, 0);
	assert_int_equal(f->left.uplink->stats.rx_packets, 1);
	assert_int_equal(f->left.uplink->stats.tx_packets, 0);
}

/* Nobody at the other end wants it: dropped there, once, and not by the sender. */
static void test_stranger(void **state)
{
	struct fixture *f = *state;

	fake_send_frame(f->left.fake, 0, 100, 0);
	run(f);
	assert_int_equal(f->left.fake->pool[0].stats.tx_packets, 1);
	assert_int_equal(f->right.fake->uplink_stats.tx_packets, 0);
	assert_int_equal(f->right.fake->uplink_stats.drop[VPORT_DROP_TX_NO_RECEIVER], 1);
	assert_int_equal(f->right.uplink->stats.tx_packets, 0);
}

static void test_full_receiver(void **state)
{
	struct fixture *f = *state;

	f->right.fake->pool[1].capacity = 10;
	for (uint32_t i = 0; i < 40; i++)
		fake_send_frame(f->left.fake, 0, RIGHT + 1 + (int)(i % 2), i);
	run(f);
	assert_int_equal(f->right.fake->pool[1].n, 10);
	assert_int_equal(f->right.fake->pool[1].stats.drop[VPORT_DROP_RX_NO_DESCRIPTOR], 10);
	assert_int_equal(f->right.fake->pool[2].n, 20); /* is not held up */
	assert_int_equal(f->left.fake->pool[0].stats.tx_packets, 40);
	assert_int_equal(f->left.fake->queue[0].completed, 40);
	for (unsigned int i = 0; i < VPORT_DROPS; i++) {
		assert_int_equal(f->left.fake->pool[0].stats.drop[i], 0);
		assert_int_equal(f->left.fake->uplink_stats.drop[i], 0);
		assert_int_equal(f->right.fake->uplink_stats.drop[i], 0);
	}
}

/* A request crosses whole, out of the memory where it lies. */
static void test_tso(void **state)
{
	struct fixture *f = *state;
	struct frame *frame = fake_next(f->left.fake, 0);
	static const uint8_t payload[10000];
	static const struct frame_segment segment = { payload, sizeof(payload) };
	const uint8_t ip[] = { 0x45, 0, 0, 0, 0, 0, 0, 0, 64, 6, 0, 0, 10, 0, 0, 1, 10, 0, 0, 2 };
	const struct frame *seen = &f->worker->burst.frame[0];

	fake_frame(frame, 0, RIGHT + 1, 0);
	memcpy(frame->header + 14, ip, sizeof(ip));
	put_be16(frame->header + 12, 0x0800);
	frame->header_len = 54;
	frame->header[14 + 20 + 12] = 0x50;
	frame->segment = &segment;
	frame->segments = 1;
	frame->len = 54 + sizeof(payload);
	frame->flags = FRAME_TSO | FRAME_LOOPBACK;
	frame->mss = 1000;
	frame->l2_len = 14;
	frame->l3_len = frame->l4_len = 20;
	frame->l4_proto = 6;
	assert_int_equal(frame_finish(frame), 0);
	fake_post(f->left.fake, 0);
	run(f);
	assert_int_equal(f->right.fake->pool[1].n, 1);
	assert_int_equal(f->right.fake->pool[1].stats.rx_packets, 10);
	assert_int_equal(f->left.uplink->stats.tx_packets, 10);
	assert_int_equal(f->right.uplink->stats.rx_bytes, 10 * 1054);
	assert_int_equal(f->right.fake->uplink_stats.tx_tso_requests, 1);
	assert_ptr_equal(seen->segment, &segment);
	assert_true(seen->flags & FRAME_TSO);
	assert_int_equal(seen->mss, 1000);
	assert_false(seen->flags & FRAME_LOOPBACK); /* it came from the wire */
}

/* The tag that the port VLAN of one end put on is what the other end goes by. */
static void test_vlan(void **state)
{
	struct fixture *f = *state;
	struct eswitch_partition *left = &f->left.fake->partition,
				 *right = &f->right.fake->partition;

	left->pool[0].flags |= ESWITCH_VLAN_INSERT;
	left->pool[0].default_vlan = 0x6005;
	right->vlan_filter = 1;
	right->vlan_table[0] = BIT(5) | BIT(6);
	right->vlan[1] = (struct eswitch_vlan){ .pools = BIT64(1), .vid = 5, .valid = 1 };
	right->vlan[2] = (struct eswitch_vlan){ .pools = BIT64(2), .vid = 6, .valid = 1 };
	for (unsigned int i = 0; i < 2; i++) {
		struct side *side = i ? &f->right : &f->left;

		eswitch_free(side->config->table);
		free(side->config);
		side->config = fake_config(side->fake);
		atomic_store(&side->port->config, side->config);
	}
	fake_send_frame(f->left.fake, 0, RIGHT + 1, 0);
	fake_send_frame(f->left.fake, 0, RIGHT + 2, 1); /* not of this VLAN */
	fake_send_frame(f->left.fake, 0, -1, 2);
	run(f);
	assert_int_equal(f->right.fake->pool[1].n, 2);
	assert_int_equal(f->right.fake->pool[2].n, 0);
	assert_true(f->worker->burst.frame[0].flags & FRAME_VLAN);
	assert_int_equal(f->worker->burst.frame[0].vlan, 0x6005);
}

/* Both talk at once; nothing is lost and nothing is counted twice. */
static void test_both_ways(void **state)
{
	struct fixture *f = *state;

	for (uint32_t i = 0; i < 1000; i++) {
		fake_send_frame(f->left.fake, 0, RIGHT + 1, i);
		fake_frame(fake_next(f->right.fake, 1), RIGHT + 1, 0, i);
		fake_post(f->right.fake, 1);
	}
	run(f);
	assert_int_equal(f->left.fake->pool[0].n, 1000);
	assert_int_equal(f->right.fake->pool[1].n, 1000);
	assert_int_equal(f->left.uplink->stats.tx_packets, 1000);
	assert_int_equal(f->left.uplink->stats.rx_packets, 1000);
	assert_int_equal(f->right.uplink->stats.tx_packets, 1000);
	assert_int_equal(f->right.uplink->stats.rx_packets, 1000);
}

/* The link of one end alone is down; then that port stands still, then it is gone. */
static void test_removal(void **state)
{
	struct fixture *f = *state;
	const struct vport_stats *wire = &f->left.fake->uplink_stats;

	f->right.config->link_up = false;
	fake_send_frame(f->left.fake, 0, RIGHT + 1, 0);
	run(f);
	assert_int_equal(f->right.fake->uplink_stats.drop[VPORT_DROP_TX_LINK_DOWN], 1);
	assert_int_equal(wire->rx_packets, 1);

	atomic_store(&f->right.port->config, NULL);
	fake_send_frame(f->left.fake, 0, RIGHT + 1, 1);
	run(f);
	assert_int_equal(wire->drop[VPORT_DROP_UPLINK_DOWN], 1);

	atomic_store(&f->left.port->far, NULL);
	f->right.uplink->ops->close(f->right.uplink);
	f->right.uplink = NULL;
	assert_int_equal(f->left.changes, 2);
	assert_false(uplink_link(f->left.uplink));
	fake_send_frame(f->left.fake, 0, RIGHT + 1, 2);
	fake_send_frame(f->left.fake, 0, -1, 3);
	run(f);
	assert_int_equal(wire->drop[VPORT_DROP_UPLINK_DOWN], 2); /* the others got the last one */
	assert_int_equal(wire->rx_packets, 1);
	assert_int_equal(f->left.uplink->stats.tx_down, 3);
	assert_int_equal(f->left.fake->pool[1].n, 1);
	assert_int_equal(f->left.fake->queue[0].completed, 4);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_unicast),	  TEST(test_mixed),	TEST(test_broadcast),
		TEST(test_stranger),	  TEST(test_tso),	TEST(test_vlan),
		TEST(test_full_receiver), TEST(test_both_ways), TEST(test_removal),
	};

	return cmocka_run_group_tests_name("cable", tests, NULL, NULL);
}
