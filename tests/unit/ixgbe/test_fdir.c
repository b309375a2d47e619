// SPDX-License-Identifier: BSD-3-Clause
/* The flow director: filters as Linux's ixgbe_82599.c writes them, and what becomes of frames. */
#include "traffic.h"

#include "ixgbe/registers.h"

#define ADD (IXGBE_FDIRCMD_ADD | BIT(3) | BIT(11) | BIT(15)) /* update, last, queue enable */
#define TCP (2u << IXGBE_FDIRCMD_FLOW_SHIFT)
#define QUEUE(q) ((uint32_t)(q) << IXGBE_FDIRCMD_QUEUE_SHIFT)
#define PERFECT 0x4a067f11u    /* drop queue 127, flexible bytes: the EtherType */
#define OUR_SOURCE 0x0100000au /* 10.0.0.1, as IXGBE_WRITE_REG_BE32() writes it */
#define OUR_DESTINATION 0x0200000au
#define OUR_PORTS (7u << 16 | 1234)

static uint32_t pf_read(struct card *card, uint32_t offset)
{
	uint32_t value;

	assert_int_equal(ixgbe_pf_function_ops.bar_read(card->pf, 0, offset, &value, sizeof(value)),
			 PCIE_DONE);
	return value;
}

/* ixgbe_init_fdir_perfect_82599(), ixgbe_fdir_set_input_mask_82599(): destination address and port are compared. */
static void open_director(struct card *card)
{
	pf_write(card, IXGBE_FDIRCTRL, PERFECT);
	assert_true(pf_read(card, IXGBE_FDIRCTRL) & IXGBE_FDIRCTRL_INIT_DONE);
	pf_write(card, IXGBE_FDIRM,
		 IXGBE_FDIRM_VLANID | IXGBE_FDIRM_VLANP | IXGBE_FDIRM_POOL | IXGBE_FDIRM_FLEX);
	pf_write(card, IXGBE_FDIRTCPM, ~0xffff0000u);
	pf_write(card, IXGBE_FDIRUDPM, ~0xffff0000u);
	pf_write(card, IXGBE_FDIRSIP4M, UINT32_MAX);
	pf_write(card, IXGBE_FDIRDIP4M, 0);
}

/* Return: the command completed. */
static bool add(struct card *card, uint32_t destination, uint32_t ports, uint32_t name,
		uint32_t command)
{
	pf_write(card, IXGBE_FDIRIPSA, 0);
	pf_write(card, IXGBE_FDIRIPDA, destination);
	pf_write(card, IXGBE_FDIRPORT, ports);
	pf_write(card, IXGBE_FDIRVLAN, 0);
	pf_write(card, IXGBE_FDIRHASH, name);
	pf_write(card, IXGBE_FDIRCMD, ADD | command);
	return !(pf_read(card, IXGBE_FDIRCMD) & IXGBE_FDIRCMD_CMD);
}

/* ixgbe_fdir_erase_perfect_filter_82599(). Return: it was there. */
static bool erase(struct card *card, uint32_t name)
{
	uint32_t command;

	pf_write(card, IXGBE_FDIRHASH, name);
	pf_write(card, IXGBE_FDIRCMD, IXGBE_FDIRCMD_QUERY);
	command = pf_read(card, IXGBE_FDIRCMD);
	assert_int_equal(command & IXGBE_FDIRCMD_CMD, 0);
	if (!(command & IXGBE_FDIRCMD_FILTER_VALID))
		return false;
	pf_write(card, IXGBE_FDIRHASH, name);
	pf_write(card, IXGBE_FDIRCMD, IXGBE_FDIRCMD_REMOVE);
	return true;
}

static struct frame tcp_frame(void)
{
	struct frame frame = { .header_len = 64 };

	make_tcp4(frame.header, 64);
	frame.info = (struct frame_info){
		.l3 = FRAME_L3_IPV4, .l4 = FRAME_L4_TCP, .l3_offset = 14, .l4_offset = 34
	};
	return frame;
}

static int find(struct card *card, const struct frame *frame, unsigned int pool)
{
	const struct ixgbe_fdir *fdir = atomic_load(&card->pf->fdir);

	return fdir ? ixgbe_fdir_find(fdir, frame, pool) : IXGBE_FDIR_NONE;
}

/* --- filters ---------------- */

static void test_add_and_erase(void **state)
{
	struct card *card = *state;
	struct frame frame = tcp_frame();

	open_director(card);
	assert_int_equal(find(card, &frame, 8), IXGBE_FDIR_NONE);
	assert_true(add(card, OUR_DESTINATION, OUR_PORTS, 0x10001, TCP | QUEUE(33)));
	assert_int_equal(find(card, &frame, 8), 33);
	assert_true(add(card, OUR_DESTINATION, OUR_PORTS, 0x10001, TCP | QUEUE(34))); /* update */
	assert_int_equal(find(card, &frame, 8), 34);
	frame.header[33]++;
	assert_int_equal(find(card, &frame, 8), IXGBE_FDIR_NONE);
	frame.header[33]--;
	assert_false(erase(card, 0x20001));
	assert_true(erase(card, 0x10001));
	assert_false(erase(card, 0x10001));
	assert_int_equal(find(card, &frame, 8), IXGBE_FDIR_NONE);
}

static void test_masks(void **state)
{
	struct card *card = *state;
	struct frame frame = tcp_frame();

	open_director(card);
	assert_true(add(card, OUR_DESTINATION, OUR_PORTS ^ 1, 1, TCP | QUEUE(33)));
	assert_int_equal(find(card, &frame, 8), 33); /* the source port is not compared */
	frame.header[29]++;			     /* nor the source address */
	assert_int_equal(find(card, &frame, 8), 33);
	frame.header[37]++;
	assert_int_equal(find(card, &frame, 8), IXGBE_FDIR_NONE);
	frame.header[37]--;
	frame.info.l4 = FRAME_L4_UDP;
	assert_int_equal(find(card, &frame, 8), IXGBE_FDIR_NONE);
	frame.info.l4 = FRAME_L4_TCP;
	frame.info.l3 = FRAME_L3_IPV6;
	assert_int_equal(find(card, &frame, 8), IXGBE_FDIR_NONE);
	/* Any protocol, source only; the low byte does not count. */
	pf_write(card, IXGBE_FDIRCTRL, PERFECT);
	pf_write(card, IXGBE_FDIRM, 0x1f & ~IXGBE_FDIRM_VLANID);
	pf_write(card, IXGBE_FDIRSIP4M, 0xff000000);
	pf_write(card, IXGBE_FDIRDIP4M, UINT32_MAX);
	pf_write(card, IXGBE_FDIRIPSA, OUR_SOURCE & 0x00ffffffu);
	pf_write(card, IXGBE_FDIRVLAN, 0x2005);
	pf_write(card, IXGBE_FDIRCMD, ADD | QUEUE(35));
	frame = tcp_frame();
	assert_int_equal(find(card, &frame, 8), IXGBE_FDIR_NONE);
	frame.flags = FRAME_VLAN;
	frame.vlan = 0x6005;
	frame.header[29] = 0x77;
	assert_int_equal(find(card, &frame, 8), 35);
	frame.info.l4 = FRAME_L4_NONE;
	assert_int_equal(find(card, &frame, 8), 35);
}

/* A mask of single bits: in FDIRTCPM each port's bits are in reverse. */
static void test_port_mask_is_reversed(void **state)
{
	struct card *card = *state;
	struct frame frame = tcp_frame();

	open_director(card);
	pf_write(card, IXGBE_FDIRTCPM, ~(0x8000u << 16)); /* bit 0 of the destination port */
	assert_true(add(card, OUR_DESTINATION, 1u << 16, 1, TCP | QUEUE(40)));
	assert_int_equal(find(card, &frame, 8), 40);
	frame.header[37] = 9;
	assert_int_equal(find(card, &frame, 8), 40);
	frame.header[37] = 8;
	assert_int_equal(find(card, &frame, 8), IXGBE_FDIR_NONE);
}

static void test_flexible_bytes(void **state)
{
	struct card *card = *state;
	struct frame frame = tcp_frame();

	open_director(card);
	pf_write(card, IXGBE_FDIRM, 0x1f & ~IXGBE_FDIRM_FLEX);
	pf_write(card, IXGBE_FDIRDIP4M, UINT32_MAX);
	pf_write(card, IXGBE_FDIRVLAN, 0x0008u << 16); /* IXGBE_STORE_AS_BE16() */
	pf_write(card, IXGBE_FDIRCMD, ADD | QUEUE(36));
	assert_int_equal(find(card, &frame, 8), 36);
	frame.header[13] = 1;
	assert_int_equal(find(card, &frame, 8), IXGBE_FDIR_NONE);
}

static void test_refused(void **state)
{
	struct card *card = *state;
	struct frame frame = tcp_frame();

	open_director(card);
	assert_false(add(card, OUR_DESTINATION, OUR_PORTS, 1, TCP | QUEUE(15))); /* of VF 3 */
	assert_false(
		add(card, OUR_DESTINATION, OUR_PORTS, 1, TCP | IXGBE_FDIRCMD_IPV6 | QUEUE(33)));
	assert_int_equal(find(card, &frame, 8), IXGBE_FDIR_NONE);
	for (uint32_t i = 0; i < IXGBE_FDIR_FILTERS; i++)
		assert_true(
			add(card, OUR_DESTINATION + 1 + i, OUR_PORTS, i << 16, TCP | QUEUE(33)));
	assert_false(add(card, OUR_DESTINATION, OUR_PORTS, UINT32_MAX, TCP | QUEUE(33)));
	put_le32(frame.header + 30, OUR_DESTINATION + IXGBE_FDIR_FILTERS);
	assert_int_equal(find(card, &frame, 8), 33);
	assert_true(erase(card, 7u << 16));
	assert_true(add(card, OUR_DESTINATION, OUR_PORTS, UINT32_MAX, TCP | QUEUE(34)));
	put_le32(frame.header + 30, OUR_DESTINATION);
	assert_int_equal(find(card, &frame, 8), 34);
}

static void test_begins_anew(void **state)
{
	struct card *card = *state;
	struct frame frame = tcp_frame();

	open_director(card);
	assert_true(add(card, OUR_DESTINATION, OUR_PORTS, 1, TCP | QUEUE(33)));
	pf_write(card, IXGBE_FDIRCTRL, PERFECT);
	assert_int_equal(find(card, &frame, 8), IXGBE_FDIR_NONE);
	assert_false(erase(card, 1));
	open_director(card);
	assert_true(add(card, OUR_DESTINATION, OUR_PORTS, 1, TCP | QUEUE(33)));
	pf_write(card, IXGBE_CTRL, IXGBE_CTRL_RST);
	assert_null(atomic_load(&card->pf->fdir));
	assert_int_equal(pf_read(card, IXGBE_FDIRCMD), 0);
}

/* --- frames ---------------- */

/* As if the filter were one of VF 1's own; those of the PF driver's making never name a VF's queue. */
static void filter_for_vf(struct card *card, unsigned int queue, bool drop)
{
	card->pf->state->fdir[0] = (struct ixgbe_fdir_filter){
		.key = { .destination = OUR_DESTINATION, .ports = OUR_PORTS, .flow_pool = 2u << 8 },
		.queue = (uint8_t)queue,
		.drop = drop,
		.valid = 1,
	};
	assert_int_equal(ixgbe_fdir_publish(card->pf), 0);
}

/* Of three frames the first and the last are for the filter. */
static void send_three(struct card *card)
{
	for (unsigned int i = 0; i < 3; i++) {
		uint8_t *data = at(card, 0, TX_DATA + i * 0x1000);

		make_tcp4(data, 100);
		data[37] = (uint8_t)(i == 1 ? 8 : 7);
		tx_put_simple(card, 0, TX_DATA + i * 0x1000, 100);
	}
	tx_kick(card, 0);
	run(card, 0, 1);
}

/* The hash of a filter for the address @destination and nothing else, by which it finds its slot. */
static uint32_t hash_of(uint32_t destination)
{
	uint64_t sum = destination * 0xff51afd7ed558ccdull * 0xc4ceb9fe1a85ec53ull;

	return (uint32_t)(sum * 0x9e3779b97f4a7c15ull >> 40);
}

/*
 * Filters chosen so that all have one place would have each look-up, and each change of the table, go through all of
 * them. Those too far from their place are refused, and there is no harm in what was taken.
 */
static void test_collisions_are_bounded(void **state)
{
	struct card *card = *state;
	struct frame frame = tcp_frame();
	unsigned int taken = 0, tried = 0;

	open_director(card);
	pf_write(card, IXGBE_FDIRM,
		 IXGBE_FDIRM_VLANID | IXGBE_FDIRM_VLANP | IXGBE_FDIRM_POOL | IXGBE_FDIRM_FLEX |
			 IXGBE_FDIRM_L4P);
	for (uint32_t address = 1; tried < 100; address++) {
		if (hash_of(address) % (IXGBE_FDIR_FILTERS * 8) != 0)
			continue;
		taken += add(card, address, 0, tried++, QUEUE(33));
	}
	assert_in_range(taken, 16, 32);
	assert_true(add(card, OUR_DESTINATION, 0, tried, QUEUE(33)));
	assert_int_equal(find(card, &frame, 8), 33);
}

/* All places can be taken by filters that nobody chose for their hash. */
static void test_all_filters(void **state)
{
	struct card *card = *state;

	open_director(card);
	for (uint32_t i = 0; i < IXGBE_FDIR_FILTERS; i++)
		assert_true(
			add(card, OUR_DESTINATION + (i << 24), (i % 7) << 16, i, TCP | QUEUE(33)));
	assert_false(add(card, 1, 0, IXGBE_FDIR_FILTERS, TCP | QUEUE(33)));
}

static void test_frames_are_steered(void **state)
{
	struct card *card = *state;

	tx_open(card, 0, 64);
	for (unsigned int q = 0; q < 2; q++)
		rx_open(card, 1, q, 16, 15, SRRCTL_ADVANCED_2K, 0);
	open_director(card);
	filter_for_vf(card, 4 + 1, false);
	send_three(card);
	assert_int_equal(rx_head(card, 1, 0), 1);
	assert_int_equal(rx_head(card, 1, 1), 2);
	assert_int_equal(at(card, 1, RX_DATA)[37], 8);
	assert_int_equal(at(card, 1, RX_DATA + 0x100000)[37], 7);
	assert_int_equal(at(card, 1, RX_DATA + 0x101000)[37], 7);
	assert_int_equal(pf_read(card, IXGBE_FDIRMATCH), 2);
	assert_int_equal(pf_read(card, IXGBE_FDIRMATCH), 0);
	assert_int_equal(pf_read(card, IXGBE_FDIRMISS), 1);
	assert_int_equal(card->stats[1].rx_packets, 3);
	/* A queue of another pool: the filter does not count. */
	filter_for_vf(card, 8, false);
	send_three(card);
	assert_int_equal(rx_head(card, 1, 0), 4);
	assert_int_equal(pf_read(card, IXGBE_FDIRMATCH), 0);
}

static void test_frames_are_dropped(void **state)
{
	struct card *card = *state;

	tx_open(card, 0, 64);
	rx_open(card, 1, 0, 16, 15, SRRCTL_ADVANCED_2K, 0);
	open_director(card);
	filter_for_vf(card, IXGBE_FDIR_QUEUE_MASK, true);
	send_three(card);
	assert_int_equal(rx_head(card, 1, 0), 1);
	assert_int_equal(card->stats[1].rx_packets, 1);
	assert_int_equal(card->stats[1].drop[VPORT_DROP_RX_FILTERED], 2);
}

#define CARD_TEST(f) cmocka_unit_test_setup_teardown(f, card_setup, card_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		CARD_TEST(test_add_and_erase),
		CARD_TEST(test_masks),
		CARD_TEST(test_port_mask_is_reversed),
		CARD_TEST(test_flexible_bytes),
		CARD_TEST(test_refused),
		CARD_TEST(test_begins_anew),
		CARD_TEST(test_collisions_are_bounded),
		CARD_TEST(test_all_filters),
		CARD_TEST(test_frames_are_steered),
		CARD_TEST(test_frames_are_dropped),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
