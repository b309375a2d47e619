// SPDX-License-Identifier: BSD-3-Clause
/* Statistics registers: what is cleared by reading, what never goes back, where a drop is counted. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>

#include <cmocka.h>

#include "card.h"

static void test_pf_counters_clear_on_read(void **state)
{
	struct card *card = *state;

	card->stats[0].rx_packets = 3;
	card->stats[0].rx_bytes = 300;
	card->stats[5].rx_packets = 4;
	card->stats[5].rx_bytes = 0x1200000000;
	card->stats[5].tx_packets = 9;
	assert_int_equal(pf_rd(card, IXGBE_GPRC), 7);
	assert_int_equal(pf_rd(card, IXGBE_GPRC), 0);
	assert_int_equal(pf_rd(card, IXGBE_TPR), 7);
	assert_int_equal(pf_rd(card, IXGBE_GORCL), 300 + 7 * 4);
	assert_int_equal(pf_rd(card, IXGBE_GORCH), 2); /* 36 bits */
	assert_int_equal(pf_rd(card, IXGBE_GORCL), 0);
	assert_int_equal(pf_rd(card, IXGBE_TXDGPC), 9);
	card->stats[0].rx_packets++;
	assert_int_equal(pf_rd(card, IXGBE_GPRC), 1);
	card->stats[1].drop[VPORT_DROP_TX_SPOOFED_MAC] = 2;
	assert_int_equal(pf_rd(card, IXGBE_SSVPC), 0);
	pf_wr(card, IXGBE_VMECM, 1 << 1);
	assert_int_equal(pf_rd(card, IXGBE_SSVPC), 2);
	card->state->rxq[7].packets = 11;
	assert_int_equal(pf_rd(card, IXGBE_QPRC + 3 * 0x40), 0);
	pf_wr(card, IXGBE_RQSMR + 4, 3u << 24);
	assert_int_equal(pf_rd(card, IXGBE_QPRC + 3 * 0x40), 11);
	assert_int_equal(pf_rd(card, IXGBE_QPRC + 3 * 0x40), 0);
}

static void test_vf_counters_stay(void **state)
{
	struct card *card = *state;

	card_up(card, IXGBE_GCR_EXT_VT_MODE_32, 4);
	card->state->pool[2] = (struct ixgbe_pool_state){
		.gprc = 0x100000005, .gorc = 0x1f00000007, .mprc = 6, .gptc = 8, .gotc = 0xe00000009
	};
	for (unsigned int i = 0; i < 2; i++) {
		assert_int_equal(vf_rd(card, 2, 0x101c), 5);
		assert_int_equal(vf_rd(card, 2, 0x1020), 7);
		assert_int_equal(vf_rd(card, 2, 0x1024), 0xf);
		assert_int_equal(vf_rd(card, 2, 0x1034), 6);
		assert_int_equal(vf_rd(card, 2, 0x201c), 8);
		assert_int_equal(vf_rd(card, 2, 0x2020), 9);
		assert_int_equal(vf_rd(card, 2, 0x2024), 0xe);
		assert_int_equal(pf_rd(card, IXGBE_PVFGPRC + 2 * 0x40), 5);
		assert_int_equal(pf_rd(card, IXGBE_PVFGORC_LSB + 2 * 0x40), 7);
		assert_int_equal(pf_rd(card, IXGBE_PVFGORC_MSB + 2 * 0x40), 0xf);
		assert_int_equal(pf_rd(card, IXGBE_PVFMPRC + 2 * 0x40), 6);
		assert_int_equal(pf_rd(card, IXGBE_PVFGPTC + 2 * 4), 8);
		assert_int_equal(pf_rd(card, IXGBE_PVFGOTC_LSB + 2 * 8), 9);
		assert_int_equal(pf_rd(card, IXGBE_PVFGOTC_MSB + 2 * 8), 0xe);
		vf_wr(card, 2, IXGBE_VFCTRL, IXGBE_VFCTRL_RST);
	}
	/* The high half belongs to the low half read before it. */
	card->state->pool[2].gorc = 0xfffffffff;
	assert_int_equal(vf_rd(card, 2, 0x1020), UINT32_MAX);
	card->state->pool[2].gorc++;
	assert_int_equal(vf_rd(card, 2, 0x1024), 0xf);
	card->state->pool[2].gorc = 0xfffffffff;
	assert_int_equal(pf_rd(card, IXGBE_PVFGORC_LSB + 2 * 0x40), UINT32_MAX);
	card->state->pool[2].gorc++;
	assert_int_equal(pf_rd(card, IXGBE_PVFGORC_MSB + 2 * 0x40), 0xf);
}

/*
 * A new client of a VF starts at 0. The PF's driver adds 2^32 or 2^36 when a VF's counter goes back
 * (UPDATE_VF_COUNTER_36bit()), so what it sees goes on.
 */
static void test_new_client_starts_at_zero(void **state)
{
	struct card *card = *state;

	card_up(card, IXGBE_GCR_EXT_VT_MODE_32, 4);
	card->state->pool[2] = (struct ixgbe_pool_state){
		.gprc = 5, .gorc = 0x300000000, .mprc = 1, .gptc = 8, .gotc = 900
	};
	ixgbe_vf_share(ixgbe_get_vf(card->pf, 2), false);
	assert_int_equal(vf_rd(card, 2, 0x101c), 0);
	assert_int_equal(vf_rd(card, 2, 0x201c), 0);
	card->state->pool[2].gprc = 2;
	card->state->pool[2].gorc = 7;
	assert_int_equal(pf_rd(card, IXGBE_PVFGPRC + 2 * 0x40), 7);
	assert_int_equal(pf_rd(card, IXGBE_PVFGORC_LSB + 2 * 0x40), 7);
	assert_int_equal(pf_rd(card, IXGBE_PVFGORC_MSB + 2 * 0x40), 3);
	assert_int_equal(pf_rd(card, IXGBE_PVFMPRC + 2 * 0x40), 1);
	assert_int_equal(pf_rd(card, IXGBE_PVFGPTC + 2 * 4), 8);
	assert_int_equal(pf_rd(card, IXGBE_PVFGOTC_LSB + 2 * 8), 900);
}

/*
 * Before it had VFs, the PF's own frames were in pool 0. `ip -s link show` must not show them as VF 0's, nor take the way
 * back from them to 0 for a counter that overflowed: Linux looks before VF Enable, too.
 */
static void test_vfs_begin_at_zero(void **state)
{
	struct card *card = *state;

	card->state->pool[0] = (struct ixgbe_pool_state){ .gprc = 40728, .gorc = 59466612 };
	assert_int_equal(pf_rd(card, IXGBE_PVFGPRC), 0);
	assert_int_equal(pf_rd(card, IXGBE_PVFGORC_LSB), 0);
	card_up(card, IXGBE_GCR_EXT_VT_MODE_32, 4);
	assert_int_equal(pf_rd(card, IXGBE_PVFGPRC), 0);
	assert_int_equal(pf_rd(card, IXGBE_PVFGORC_LSB), 0);
	assert_int_equal(pf_rd(card, IXGBE_PVFGORC_MSB), 0);
	card->state->pool[0].gprc += 3;
	card->state->pool[0].gorc += 300;
	assert_int_equal(pf_rd(card, IXGBE_PVFGPRC), 3);
	ixgbe_vf_share(ixgbe_get_vf(card->pf, 0), false);
	card->state->pool[0].gorc += 60;
	assert_int_equal(pf_rd(card, IXGBE_PVFGPRC), 3);
	assert_int_equal(pf_rd(card, IXGBE_PVFGORC_LSB), 360);
	assert_int_equal(pf_rd(card, IXGBE_PVFGORC_MSB), 0);
}

/* ixgbe_update_stats(): gprc is GPRC without MPC; "rx_no_dma_resources" is QPRDC. */
static void test_drops_of_the_rings(void **state)
{
	struct card *card = *state;

	card->stats[0].rx_packets = 10;
	card->state->rxq[0].drops = 4;
	card->state->rxq[1].missed = 3;
	assert_int_equal(pf_rd(card, IXGBE_GPRC), 13);
	assert_int_equal(pf_rd(card, IXGBE_TPR), 13);
	assert_int_equal(pf_rd(card, IXGBE_MPC), 3);
	assert_int_equal(pf_rd(card, IXGBE_MPC), 0);
	assert_int_equal(pf_rd(card, IXGBE_MPC + 4), 0); /* one packet buffer */
	assert_int_equal(pf_rd(card, IXGBE_QPRDC), 4);
	assert_int_equal(pf_rd(card, IXGBE_QPRDC), 0);
}

#define CARD_TEST(f) cmocka_unit_test_setup_teardown(f, card_setup, card_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		CARD_TEST(test_pf_counters_clear_on_read), CARD_TEST(test_vf_counters_stay),
		CARD_TEST(test_new_client_starts_at_zero), CARD_TEST(test_vfs_begin_at_zero),
		CARD_TEST(test_drops_of_the_rings),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
