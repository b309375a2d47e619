// SPDX-License-Identifier: BSD-3-Clause
/*
 * What Linux's ixgbe does to the PF's registers, in its order, and what it takes for an error. Each test names the
 * function of the driver that it follows.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>

#include <cmocka.h>

#include "card.h"

/* --- ethtool -t: ixgbe_reg_test(), reg_test_82599[] ---------------- */

static const struct {
	uint32_t offset;
	unsigned int count, stride;
	uint32_t mask, write;
} patterns[] = {
	{ IXGBE_FCRTL, 1, 0x40, 0x8007fff0, 0x8007fff0 },
	{ IXGBE_FCRTH, 1, 0x40, 0x8007fff0, 0x8007fff0 },
	{ IXGBE_PFCTOP, 1, 0x40, UINT32_MAX, UINT32_MAX },
	{ IXGBE_VLNCTRL, 1, 0x40, 0, 0 },
	{ PFRX(0, IXGBE_Q_BAL), 4, 0x40, 0xffffff80, 0xffffff80 },
	{ PFRX(0, IXGBE_Q_BAH), 4, 0x40, UINT32_MAX, UINT32_MAX },
	{ PFRX(0, IXGBE_Q_LEN), 4, 0x40, 0x000fff80, 0x000fffff },
	{ PFRX(0, IXGBE_Q_TAIL), 4, 0x40, 0x0000ffff, 0x0000ffff },
	{ IXGBE_FCTTV, 1, 0x40, UINT32_MAX, UINT32_MAX },
	{ PFTX(0, IXGBE_Q_BAL), 4, 0x40, 0xffffff80, UINT32_MAX },
	{ PFTX(0, IXGBE_Q_BAH), 4, 0x40, UINT32_MAX, UINT32_MAX },
	{ PFTX(0, IXGBE_Q_LEN), 4, 0x40, 0x000fff80, 0x000fff80 },
	{ IXGBE_RAL_LOW, 16, 8, UINT32_MAX, UINT32_MAX },
	{ IXGBE_RAH_LOW, 16, 8, 0x8001ffff, 0x800cffff },
	{ IXGBE_MTA, 128, 4, UINT32_MAX, UINT32_MAX },
};

static void check_pattern(struct card *card, uint32_t offset, uint32_t mask, uint32_t write)
{
	static const uint32_t values[] = { 0x5a5a5a5a, 0xa5a5a5a5, 0, UINT32_MAX };
	uint32_t before = pf_rd(card, offset);

	for (unsigned int i = 0; i < ARRAY_SIZE(values); i++) {
		pf_wr(card, offset, values[i] & write);
		assert_int_equal(pf_rd(card, offset), values[i] & write & mask);
	}
	pf_wr(card, offset, before);
}

static void test_register_test(void **state)
{
	struct card *card = *state;
	uint32_t status = pf_rd(card, IXGBE_STATUS);

	pf_wr(card, IXGBE_STATUS, 0x7ffff30f);
	assert_int_equal(pf_rd(card, IXGBE_STATUS), status);
	for (unsigned int q = 0; q < 4; q++)
		pf_wr(card, PFRX(q, IXGBE_Q_CTL), IXGBE_QCTL_ENABLE);
	for (unsigned int i = 0; i < ARRAY_SIZE(patterns); i++) {
		for (unsigned int k = 0; k < patterns[i].count; k++)
			check_pattern(card, patterns[i].offset + k * patterns[i].stride,
				      patterns[i].mask, patterns[i].write);
	}
	pf_wr(card, IXGBE_RXCTRL, 1);
	assert_int_equal(pf_rd(card, IXGBE_RXCTRL) & 1, 1);
}

/* ixgbe_setup_loopback_test(): MAC loopback, and the link forced up. */
static void test_loopback_test(void **state)
{
	struct card *card = *state;

	assert_false(ixgbe_partition(card->pf)->mac_loopback);
	pf_wr(card, IXGBE_HLREG0, pf_rd(card, IXGBE_HLREG0) | IXGBE_HLREG0_LPBK);
	assert_true(ixgbe_partition(card->pf)->mac_loopback);
	pf_wr(card, IXGBE_CTRL, IXGBE_CTRL_RST);
	assert_false(ixgbe_partition(card->pf)->mac_loopback);
}

/* --- one interrupt for everything: MSI, GPIE 0 ---------------- */

/* ixgbe_intr_test(): a cause with its mask open is sent, as vector 0, and EICR shows it; others are not sent. */
static void test_interrupt_test(void **state)
{
	struct card *card = *state;

	pf_wr(card, IXGBE_EIMC, UINT32_MAX);
	for (unsigned int i = 0; i < 10; i++) {
		uint32_t mask = BIT(i);

		pf_wr(card, IXGBE_EIMC, ~mask & 0x7fff);
		pf_wr(card, IXGBE_EICS, ~mask & 0x7fff);
		assert_int_equal(card->signals, 0);
		assert_int_equal(pf_rd(card, IXGBE_EICR) & mask, 0);
		pf_wr(card, IXGBE_EIMS, mask);
		pf_wr(card, IXGBE_EICS, mask);
		assert_int_equal(card_signalled(card, IXGBE_PF, 0), 1);
		assert_int_equal(pf_rd(card, IXGBE_EICR) & mask, mask);
	}
}

/* ixgbe_intr(): EIMC, EICR (clears; EIAM masks), poll, EIMS again. */
static void test_one_interrupt(void **state)
{
	struct card *card = *state;

	pf_wr(card, IXGBE_EIAM, 0xffff);
	pf_wr(card, IXGBE_IVAR, 0x8080); /* rx 0 and tx 0 to vector 0 */
	pf_rd(card, IXGBE_EICR);
	pf_wr(card, IXGBE_EIMS, 0xffff | IXGBE_EICR_LSC | IXGBE_EICR_MAILBOX);
	ixgbe_rx_cause(card->pf, 0, 1, now_ns());
	assert_int_equal(card_signalled(card, IXGBE_PF, 0), 1);
	pf_wr(card, IXGBE_EIMC, IXGBE_EICR_LSC);
	assert_int_equal(pf_rd(card, IXGBE_EICR), 1);
	ixgbe_rx_cause(card->pf, 0, 1, now_ns());
	assert_int_equal(card->signals, 0); /* masked until the poll is over */
	pf_wr(card, IXGBE_EIMS, 0xffff);
	assert_int_equal(card_signalled(card, IXGBE_PF, 0), 1);
	ixgbe_set_link(card->pf, true);
	assert_int_equal(card->signals, 0);
	pf_wr(card, IXGBE_EIMS, IXGBE_EICR_LSC);
	assert_int_equal(card_signalled(card, IXGBE_PF, 0), 1);
	assert_true(pf_rd(card, IXGBE_EICR) & IXGBE_EICR_LSC);
}

/* A driver that turned MSI-X off left its table masked; what it then has is MSI. */
static void test_msi_after_msix(void **state)
{
	struct card *card = *state;
	const struct function_ops *ops = &ixgbe_pf_function_ops;
	uint32_t address = 0xfee00000, masked = IXGBE_MSIX_CONTROL_MASK;

	ops->msix(card->pf, true, false);
	ops->bar_write(card->pf, IXGBE_PF_MSIX_BAR, 0, &address, sizeof(address));
	ops->bar_write(card->pf, IXGBE_PF_MSIX_BAR, IXGBE_MSIX_CONTROL, &masked, sizeof(masked));
	pf_wr(card, IXGBE_EIMS, 1);
	pf_wr(card, IXGBE_EICS, 1);
	assert_int_equal(card->signals, 0);
	pf_rd(card, IXGBE_EICR);
	ops->msix(card->pf, false, false);
	pf_wr(card, IXGBE_EICS, 1);
	assert_int_equal(card_signalled(card, IXGBE_PF, 0), 1);
}

/* --- ixgbe_msix_other() ---------------- */

static void test_other_interrupt(void **state)
{
	struct card *card = *state;
	uint32_t eicr;

	card_up(card, IXGBE_GCR_EXT_VT_MODE_32, 2);
	pf_wr(card, IXGBE_EIAC, 0x4000ffff);
	pf_wr(card, IXGBE_EIMS, 0x4000ffff | IXGBE_EICR_LSC | IXGBE_EICR_MAILBOX);
	vf_wr(card, 1, IXGBE_VFMAILBOX, IXGBE_VFMAILBOX_VFU);
	vf_wr(card, 1, IXGBE_VFMAILBOX, IXGBE_VFMAILBOX_REQ);
	assert_int_equal(card_signalled(card, IXGBE_PF, 1), 1);
	eicr = pf_rd(card, IXGBE_EICS);
	eicr &= 0xffff0000;
	assert_int_equal(eicr, IXGBE_EICR_MAILBOX);
	pf_wr(card, IXGBE_EICR, eicr);
	assert_int_equal(pf_rd(card, IXGBE_EICS) & 0xffff0000, 0);
	ixgbe_set_link(card->pf, true);
	assert_int_equal(card_signalled(card, IXGBE_PF, 1), 1);
	pf_wr(card, IXGBE_EIMC, IXGBE_EICR_LSC);
	assert_int_equal(pf_rd(card, IXGBE_EICS), IXGBE_EICR_LSC);
}

/* --- flow director ---------------- */

/* ixgbe_fdir_enable_82599(), ixgbe_reinit_fdir_tables_82599(), ixgbe_fdir_add_signature_filter_82599() */
static void test_signature_filters_are_taken(void **state)
{
	struct card *card = *state;
	uint64_t hash_and_command = 0x1234 | (uint64_t)(IXGBE_FDIRCMD_ADD | BIT(11)) << 32;

	pf_wr(card, IXGBE_FDIRHKEY, 0x3dad14e2);
	pf_wr(card, IXGBE_FDIRSKEY, 0x174d3614);
	pf_wr(card, IXGBE_FDIRCTRL, 0x4a060001);
	assert_true(pf_rd(card, IXGBE_FDIRCTRL) & IXGBE_FDIRCTRL_INIT_DONE);
	ixgbe_pf_function_ops.bar_write(card->pf, 0, IXGBE_FDIRHASH, &hash_and_command,
					sizeof(hash_and_command));
	assert_int_equal(pf_rd(card, IXGBE_FDIRCMD) & IXGBE_FDIRCMD_CMD, 0);
	pf_wr(card, IXGBE_FDIRCMD, pf_rd(card, IXGBE_FDIRCMD) | BIT(8)); /* CLEARHT */
	pf_wr(card, IXGBE_FDIRCMD, pf_rd(card, IXGBE_FDIRCMD) & ~BIT(8));
	assert_int_equal(pf_rd(card, IXGBE_FDIRCMD) & (IXGBE_FDIRCMD_CMD | BIT(8)), 0);
}

/* --- link ---------------- */

/* ixgbe_reset_pipeline_82599() */
static void test_pipeline_reset(void **state)
{
	struct card *card = *state;
	uint32_t autoc = pf_rd(card, IXGBE_AUTOC) | IXGBE_AUTOC_AN_RESTART;

	pf_wr(card, IXGBE_AUTOC, autoc ^ 4u << 13);
	assert_int_not_equal(pf_rd(card, IXGBE_ANLP1) & 0x000f0000, 0);
	pf_wr(card, IXGBE_AUTOC, autoc);
	assert_int_equal(pf_rd(card, IXGBE_AUTOC), autoc & ~IXGBE_AUTOC_AN_RESTART);
}

/* ixgbe_init_ipsec_offload(): both say that there is none, or ESP would be offered. */
static void test_no_ipsec(void **state)
{
	struct card *card = *state;

	assert_true(pf_rd(card, IXGBE_SECTXSTAT) & IXGBE_SECSTAT_OFF_DIS);
	assert_true(pf_rd(card, IXGBE_SECRXSTAT) & IXGBE_SECSTAT_OFF_DIS);
}

/* --- all queues: no SR-IOV, ixgbe_configure_*_ring() for 64 pairs ---------------- */

static void test_every_queue_starts(void **state)
{
	struct card *card = *state;
	void *queue[IXGBE_QUEUES];
	uint8_t pool[IXGBE_QUEUES];

	iommu_set_bus_master(card->pf_domain, true);
	pf_wr(card, IXGBE_DMATXCTL, IXGBE_DMATXCTL_TE);
	for (unsigned int q = 0; q < 64; q++) {
		pf_wr(card, PFTX(q, IXGBE_Q_CTL), IXGBE_QCTL_ENABLE);
		pf_wr(card, PFRX(q, IXGBE_Q_CTL), IXGBE_QCTL_ENABLE);
		assert_true(pf_rd(card, PFTX(q, IXGBE_Q_CTL)) & IXGBE_QCTL_ENABLE);
		assert_true(pf_rd(card, PFRX(q, IXGBE_Q_CTL)) & IXGBE_QCTL_ENABLE);
		assert_true(ixgbe_rx_started(card->pf, q));
	}
	assert_int_equal(ixgbe_tx_queues(card->pf, queue, pool, IXGBE_QUEUES), 64);
	for (unsigned int i = 0; i < 64; i++)
		assert_int_equal(pool[i], 0);
	/* ixgbe_disable_rx(): the last window is IXGBE_RX_WINDOW_HIGH's */
	pf_wr(card, IXGBE_RX_WINDOW_HIGH + 63 * IXGBE_Q_STRIDE + IXGBE_Q_CTL * 4,
	      IXGBE_QCTL_ENABLE);
	assert_true(ixgbe_rx_started(card->pf, 127));
	pf_wr(card, IXGBE_CTRL, IXGBE_CTRL_RST);
	assert_int_equal(ixgbe_tx_queues(card->pf, queue, pool, IXGBE_QUEUES), 0);
	assert_false(ixgbe_rx_started(card->pf, 127));
}

/* ixgbe_setup_mrqc() with traffic classes and no pools: RSS goes on among the queues of class 0. */
static void test_rss_with_traffic_classes(void **state)
{
	static const uint32_t modes[] = { IXGBE_MRQC_RSS, IXGBE_MRQC_RSS_8TC, IXGBE_MRQC_RSS_4TC };
	struct card *card = *state;
	struct frame frame = { .header_len = 64, .info = { .l3 = FRAME_L3_IPV4, .l3_offset = 14 } };

	for (unsigned int i = 0; i < 32; i++)
		pf_wr(card, IXGBE_RETA + i * 4, 0x03030303);
	for (unsigned int i = 0; i < ARRAY_SIZE(modes); i++) {
		struct ixgbe_rss_burst burst;

		pf_wr(card, IXGBE_MRQC, modes[i] | IXGBE_MRQC_RSS_IP4);
		ixgbe_rss_spread(card->pf, 0, IXGBE_QUEUES, &frame, 1, 0, &burst);
		assert_true(burst.wanted[3] == 1);
		assert_true(burst.wanted[0] == 0);
	}
}

#define CARD_TEST(f) cmocka_unit_test_setup_teardown(f, card_setup, card_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		CARD_TEST(test_register_test),
		CARD_TEST(test_loopback_test),
		CARD_TEST(test_interrupt_test),
		CARD_TEST(test_one_interrupt),
		CARD_TEST(test_msi_after_msix),
		CARD_TEST(test_other_interrupt),
		CARD_TEST(test_signature_filters_are_taken),
		CARD_TEST(test_pipeline_reset),
		CARD_TEST(test_no_ipsec),
		CARD_TEST(test_every_queue_starts),
		CARD_TEST(test_rss_with_traffic_classes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
