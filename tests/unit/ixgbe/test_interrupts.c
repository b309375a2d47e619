// SPDX-License-Identifier: BSD-3-Clause
/* Interrupts of VF and PF: routing, latching, masks, auto-clear, auto-mask, moderation. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "card.h"

#define VF 1
#define Q 4 /* queues per pool: VF 1 has absolute queues 4 ... 7, the PF begins at 32 */
#define PFQ 32
#define NOW (1000 * NSEC_PER_SEC)

static int setup(void **state)
{
	card_setup(state);
	card_up(*state, IXGBE_GCR_EXT_VT_MODE_32, 8);
	return 0;
}

/* --- VF ---------------- */

/* rx0, tx0 -> 0; rx1, tx1 -> 1; mailbox -> 2, as ixgbevf with two queues. */
static void route_vf(struct card *card)
{
	vf_wr(card, VF, IXGBE_VTIVAR, 0x81818080);
	vf_wr(card, VF, IXGBE_VTIVAR_MISC, 0x82);
}

static void test_routing(void **state)
{
	struct card *card = *state;

	route_vf(card);
	vf_wr(card, VF, IXGBE_VTEIMS, 7);
	ixgbe_rx_cause(card->pf, VF * Q, 3, NOW);
	assert_int_equal(card_signalled(card, VF, 0), 1);
	ixgbe_tx_cause(card->pf, VF * Q + 1, 1, NOW);
	assert_int_equal(card_signalled(card, VF, 1), 1);
	ixgbe_rx_cause(card->pf, VF * Q + 2, 1, NOW); /* VTIVAR(1) is not valid */
	vf_wr(card, VF, IXGBE_VTIVAR + 4, 0x00000083);
	ixgbe_rx_cause(card->pf, VF * Q + 2, 1, NOW); /* there is no vector 3 */
	assert_int_equal(card->signals, 0);
	assert_int_equal(atomic_load(&ixgbe_irq(card->pf, VF, 0)->causes), 3);
	assert_null(ixgbe_irq(card->pf, VF, 3));
	assert_null(ixgbe_irq(card->pf, IXGBE_PF, 64));
}

/* iPXE: no MSI-X, nothing enabled, VTEICR polled. */
static void test_latched_while_masked(void **state)
{
	struct card *card = *state;

	vf_wr(card, VF, IXGBE_VTIVAR, 0x8180);
	assert_int_equal(vf_rd(card, VF, IXGBE_VTEICR), 0);
	ixgbe_rx_cause(card->pf, VF * Q, 1, NOW);
	ixgbe_tx_cause(card->pf, VF * Q, 1, NOW);
	assert_int_equal(card->signals, 0);
	assert_int_equal(vf_rd(card, VF, IXGBE_VTEICS), 3); /* shows, does not clear */
	assert_int_equal(vf_rd(card, VF, IXGBE_VTEICR), 3);
	assert_int_equal(vf_rd(card, VF, IXGBE_VTEICR), 0);
	ixgbe_rx_cause(card->pf, VF * Q, 1, NOW);
	vf_wr(card, VF, IXGBE_VTEICR, 1); /* or cleared by writing */
	vf_wr(card, VF, IXGBE_VTEIMS, 1);
	assert_int_equal(card->signals, 0);
}

static void test_mask_registers(void **state)
{
	struct card *card = *state;

	vf_wr(card, VF, IXGBE_VTEIMS, 5);
	vf_wr(card, VF, IXGBE_VTEIMS, 2);
	assert_int_equal(vf_rd(card, VF, IXGBE_VTEIMS), 7);
	vf_wr(card, VF, IXGBE_VTEIMC, 3);
	assert_int_equal(vf_rd(card, VF, IXGBE_VTEIMS), 4);
	vf_wr(card, VF, IXGBE_VTEIAC, UINT32_MAX);
	assert_int_equal(vf_rd(card, VF, IXGBE_VTEIAC), 7);
}

/* ixgbevf's cycle: signal masks and clears by itself, the end of NAPI unmasks. */
static void test_auto_clear_and_auto_mask(void **state)
{
	struct card *card = *state;

	route_vf(card);
	vf_wr(card, VF, IXGBE_VTEIAM, 7);
	vf_wr(card, VF, IXGBE_VTEIAC, 7);
	vf_wr(card, VF, IXGBE_VTEIMS, 7);
	ixgbe_rx_cause(card->pf, VF * Q, 1, NOW);
	assert_int_equal(card_signalled(card, VF, 0), 1);
	assert_int_equal(vf_rd(card, VF, IXGBE_VTEIMS), 6);
	assert_int_equal(vf_rd(card, VF, IXGBE_VTEICS), 0);
	ixgbe_rx_cause(card->pf, VF * Q, 1, NOW); /* while NAPI polls */
	assert_int_equal(card->signals, 0);
	vf_wr(card, VF, IXGBE_VTEIMS, 1);
	assert_int_equal(card_signalled(card, VF, 0), 1);
	vf_wr(card, VF, IXGBE_VTEIMS, 1);
	assert_int_equal(card->signals, 0); /* nothing new */
}

/* DPDK reads VTEICR in its handler and wants the bit of the vector that fired to be gone. */
static void test_auto_clear_alone(void **state)
{
	struct card *card = *state;

	route_vf(card);
	vf_wr(card, VF, IXGBE_VTEIAC, 3);
	vf_wr(card, VF, IXGBE_VTEIMS, 7);
	vf_wr(card, VF, IXGBE_VTEICS, 7);
	assert_int_equal(card->signals, 3);
	assert_int_equal(vf_rd(card, VF, IXGBE_VTEICR), 4);
}

/* ixgbevf's watchdog fires all queue vectors every two seconds. */
static void test_strobe(void **state)
{
	struct card *card = *state;

	vf_wr(card, VF, IXGBE_VTEIAC, 7);
	vf_wr(card, VF, IXGBE_VTEIMS, 1);
	vf_wr(card, VF, IXGBE_VTEICS, 3);
	assert_int_equal(card_signalled(card, VF, 0), 1);
	assert_int_equal(card->signals, 0);
	vf_wr(card, VF, IXGBE_VTEIMS, 2); /* the masked one was latched */
	assert_int_equal(card_signalled(card, VF, 1), 1);
}

static void test_moderation(void **state)
{
	struct card *card = *state;
	void *pool = ixgbe_pool(card->pf, VF);
	const uint64_t interval = 100000; /* ns */

	route_vf(card);
	vf_wr(card, VF, IXGBE_VTEITR, 0x80000000 | 50 << 3); /* 50 units of 2 us */
	assert_int_equal(vf_rd(card, VF, IXGBE_VTEITR), 50 << 3);
	vf_wr(card, VF, IXGBE_VTEIAC, 7);
	vf_wr(card, VF, IXGBE_VTEIMS, 7);
	ixgbe_rx_cause(card->pf, VF * Q, 1, NOW);
	assert_int_equal(card_signalled(card, VF, 0), 1);
	ixgbe_rx_cause(card->pf, VF * Q, 1, NOW + 10);
	assert_int_equal(card->signals, 0);
	assert_int_equal(card->arms, 1);
	assert_int_equal(card->arm_pool, VF);
	assert_in_range(card->arm_due, NOW + interval, NOW + interval + 512);
	assert_true(ixgbe_irq_expire(pool, NOW + interval / 2) == card->arm_due);
	assert_int_equal(card->signals, 0);
	assert_true(ixgbe_irq_expire(pool, card->arm_due) == UINT64_MAX);
	assert_int_equal(card_signalled(card, VF, 0), 1);
	/* Other vectors have intervals of their own. */
	ixgbe_rx_cause(card->pf, VF * Q + 1, 1, NOW);
	ixgbe_rx_cause(card->pf, VF * Q + 1, 1, NOW);
	assert_int_equal(card_signalled(card, VF, 1), 2);
}

/* A transmit completion alone is held longer, but where the driver has a small ring. */
static void test_completions_are_patient(void **state)
{
	struct card *card = *state;
	void *pool = ixgbe_pool(card->pf, VF);
	uint32_t *ring_len = &card->pf->state->txq[VF * Q].ring.len;
	const uint64_t interval = 10000;

	route_vf(card);
	vf_wr(card, VF, IXGBE_VTEITR, 0x80000000 | 5 << 3);
	vf_wr(card, VF, IXGBE_VTEIAC, 7);
	vf_wr(card, VF, IXGBE_VTEIMS, 7);
	*ring_len = 512 * 16;
	ixgbe_tx_cause(card->pf, VF * Q, 1, NOW);
	assert_int_equal(card_signalled(card, VF, 0), 1);
	ixgbe_tx_cause(card->pf, VF * Q, 1, NOW + interval * 2);
	assert_int_equal(card->signals, 0);
	assert_true(card->arm_due > NOW + interval * 2);
	ixgbe_rx_cause(card->pf, VF * Q, 1, NOW + interval * 2);
	assert_int_equal(card_signalled(card, VF, 0), 1);
	assert_true(ixgbe_irq_expire(pool, card->arm_due) == UINT64_MAX); /* came along */
	assert_int_equal(card->signals, 0);
	*ring_len = 256 * 16;
	ixgbe_tx_cause(card->pf, VF * Q, 1, NOW + interval * 4);
	assert_int_equal(card_signalled(card, VF, 0), 1);
}

static void test_function_mask(void **state)
{
	struct card *card = *state;
	struct ixgbe_vf *vf = ixgbe_get_vf(card->pf, VF);

	route_vf(card);
	vf_wr(card, VF, IXGBE_VTEIMS, 7);
	ixgbe_vf_function_ops.msix(vf, true, true);
	ixgbe_rx_cause(card->pf, VF * Q, 1, NOW);
	assert_int_equal(card->signals, 0);
	vf_wr(card, VF, IXGBE_VFCTRL, IXGBE_VFCTRL_RST); /* does not touch MSI-X */
	route_vf(card);
	vf_wr(card, VF, IXGBE_VTEIMS, 7);
	card->signals = 0;
	ixgbe_rx_cause(card->pf, VF * Q, 1, NOW);
	assert_int_equal(card->signals, 0);
	ixgbe_vf_function_ops.msix(vf, true, false);
	assert_int_equal(card_signalled(card, VF, 0), 1);
}

static void test_reset_masks_and_clears(void **state)
{
	struct card *card = *state;

	route_vf(card);
	vf_wr(card, VF, IXGBE_VTEITR, 50 << 3);
	vf_wr(card, VF, IXGBE_VTEICS, 7);
	vf_wr(card, VF, IXGBE_VTEIMS, 7);
	vf_wr(card, VF, IXGBE_VFCTRL, IXGBE_VFCTRL_RST);
	assert_int_equal(vf_rd(card, VF, IXGBE_VTEICR), 0);
	assert_int_equal(vf_rd(card, VF, IXGBE_VTEIMS), 0);
	assert_int_equal(vf_rd(card, VF, IXGBE_VTIVAR), 0);
	assert_int_equal(atomic_load(&ixgbe_irq(card->pf, VF, 0)->interval_ns), 0);
}

/* --- PF ---------------- */

static void test_pf_queue_vectors(void **state)
{
	struct card *card = *state;

	pf_wr(card, IXGBE_IVAR + PFQ / 2 * 4, 0x80 | 20); /* rx 32 -> vector 20 */
	pf_wr(card, IXGBE_EIMS_EX, BIT(20));
	pf_wr(card, IXGBE_EIAM_EX, UINT32_MAX);
	ixgbe_rx_cause(card->pf, PFQ, 1, NOW);
	assert_int_equal(card_signalled(card, IXGBE_PF, 20), 1);
	assert_int_equal(pf_rd(card, IXGBE_EIMS_EX), 0); /* auto-masked */
	assert_int_equal(pf_rd(card, IXGBE_EICS_EX), 0); /* and cleared */
	pf_wr(card, IXGBE_EICS_EX, BIT(20));
	assert_int_equal(card->signals, 0);
	pf_wr(card, IXGBE_EIMS_EX, BIT(20));
	assert_int_equal(card_signalled(card, IXGBE_PF, 20), 1);
}

static void test_pf_low_vectors_show_in_eicr(void **state)
{
	struct card *card = *state;

	pf_wr(card, IXGBE_IVAR + PFQ / 2 * 4, 0x8584);
	ixgbe_rx_cause(card->pf, PFQ, 1, NOW);
	ixgbe_tx_cause(card->pf, PFQ, 1, NOW);
	assert_int_equal(card->signals, 0);
	assert_int_equal(pf_rd(card, IXGBE_EICS), 0x30);
	pf_wr(card, IXGBE_EICR, 0x10);
	assert_int_equal(pf_rd(card, IXGBE_EICR), 0x20);
	assert_int_equal(pf_rd(card, IXGBE_EICR), 0);
	pf_wr(card, IXGBE_EIMS, 0x30);
	assert_int_equal(pf_rd(card, IXGBE_EIMS_EX), 0x30);
	pf_wr(card, IXGBE_EIAC, 0x20);
	pf_wr(card, IXGBE_EICS, 0x30);
	assert_int_equal(card_signalled(card, IXGBE_PF, 4), 1);
	assert_int_equal(card_signalled(card, IXGBE_PF, 5), 1);
	assert_int_equal(pf_rd(card, IXGBE_EICR), 0x10);
}

static void test_other_causes(void **state)
{
	struct card *card = *state;

	ixgbe_set_link(card->pf, true);
	assert_int_equal(card_signalled(card, IXGBE_PF, 1), 1);
	assert_int_equal(pf_rd(card, IXGBE_EICS), IXGBE_EICR_LSC);
	assert_int_equal(pf_rd(card, IXGBE_EICS), IXGBE_EICR_LSC);
	pf_wr(card, IXGBE_EICR, IXGBE_EICR_LSC);
	assert_int_equal(pf_rd(card, IXGBE_EICS), 0);
	/* A masked cause latches and is told when it is unmasked. */
	pf_wr(card, IXGBE_EIMC, IXGBE_EICR_MAILBOX);
	vf_wr(card, VF, IXGBE_VFMAILBOX, IXGBE_VFMAILBOX_REQ);
	assert_int_equal(card->signals, 0);
	pf_wr(card, IXGBE_EIMS, IXGBE_EICR_MAILBOX);
	assert_int_equal(card_signalled(card, IXGBE_PF, 1), 1);
	pf_wr(card, IXGBE_EIMS, IXGBE_EICR_MAILBOX); /* it is known already */
	assert_int_equal(card->signals, 0);
	assert_int_equal(pf_rd(card, IXGBE_EICR), IXGBE_EICR_MAILBOX);
	/* Bits without a cause never stick, so neither register reads as all ones. */
	pf_wr(card, IXGBE_EICS, UINT32_MAX);
	pf_wr(card, IXGBE_EIMS, UINT32_MAX);
	assert_int_not_equal(pf_rd(card, IXGBE_EIMS), UINT32_MAX);
	assert_int_not_equal(pf_rd(card, IXGBE_EICR), UINT32_MAX);
}

static void test_other_vector_is_moderated(void **state)
{
	struct card *card = *state;
	void *vf_pool = ixgbe_pool(card->pf, VF);

	pf_wr(card, IXGBE_EITR + 4, 0xff8); /* 1 ms, of the vector IVAR_MISC names */
	vf_wr(card, VF, IXGBE_VFMAILBOX, IXGBE_VFMAILBOX_REQ);
	vf_wr(card, VF, IXGBE_VFMAILBOX, IXGBE_VFMAILBOX_ACK);
	assert_int_equal(card_signalled(card, IXGBE_PF, 1), 1);
	assert_int_not_equal(card->arm_pool, VF);
	ixgbe_irq_expire(vf_pool, card->arm_due);
	assert_int_equal(card->signals, 0);
	ixgbe_irq_expire(ixgbe_pool(card->pf, card->arm_pool), card->arm_due);
	assert_int_equal(card_signalled(card, IXGBE_PF, 1), 1);
}

/* What waits for its time when the PF driver changes the mode of the pools, or VFs go, is signalled all the same. */
static void test_moderated_while_pools_change(void **state)
{
	struct card *card = *state;
	uint32_t mode = pf_rd(card, IXGBE_GCR_EXT), vt = pf_rd(card, IXGBE_VT_CTL);
	unsigned int pf_pool, vf_pool;
	uint64_t pf_due, vf_due;

	pf_wr(card, IXGBE_EITR + 4, 0xff8);
	vf_wr(card, VF, IXGBE_VFMAILBOX, IXGBE_VFMAILBOX_REQ);
	vf_wr(card, VF, IXGBE_VFMAILBOX, IXGBE_VFMAILBOX_ACK);
	assert_int_equal(card_signalled(card, IXGBE_PF, 1), 1);
	pf_pool = card->arm_pool;
	pf_due = card->arm_due;
	vf_wr(card, VF, IXGBE_VTEITR + 4, 0xff8);
	vf_wr(card, VF, IXGBE_VTEIMS, 2);
	vf_wr(card, VF, IXGBE_VTEICS, 2);
	vf_wr(card, VF, IXGBE_VTEICS, 2);
	assert_int_equal(card_signalled(card, VF, 1), 1);
	vf_pool = card->arm_pool;
	vf_due = card->arm_due;
	pf_wr(card, IXGBE_GCR_EXT, 0);
	pf_wr(card, IXGBE_VT_CTL, 0);
	ixgbe_irq_expire(ixgbe_pool(card->pf, pf_pool), pf_due);
	assert_int_equal(card_signalled(card, IXGBE_PF, 1), 1);
	ixgbe_irq_expire(ixgbe_pool(card->pf, vf_pool), vf_due);
	assert_int_equal(card_signalled(card, VF, 1), 1);
	pf_wr(card, IXGBE_GCR_EXT, mode);
	pf_wr(card, IXGBE_VT_CTL, vt);
}

/* Legacy mode (iPXE): everything is vector 0, EICR is polled, reading it masks what EIAM says. */
static void test_without_msix(void **state)
{
	struct card *card = *state;

	pf_wr(card, IXGBE_GPIE, 0);
	pf_wr(card, IXGBE_IVAR_MISC, 0);
	pf_wr(card, IXGBE_IVAR + PFQ / 2 * 4, 0x8180);
	pf_wr(card, IXGBE_EIAM, 0x1);
	pf_wr(card, IXGBE_EIMS, 0x3);
	ixgbe_tx_cause(card->pf, PFQ, 1, NOW);
	ixgbe_set_link(card->pf, true);
	assert_int_equal(card_signalled(card, IXGBE_PF, 0), 2);
	assert_int_equal(pf_rd(card, IXGBE_EICR), 0x2 | IXGBE_EICR_LSC);
	assert_int_equal(pf_rd(card, IXGBE_EIMS) & 0x3, 0x2);
}

static void test_ocd_keeps_queue_causes(void **state)
{
	struct card *card = *state;

	pf_wr(card, IXGBE_GPIE, IXGBE_GPIE_MSIX | IXGBE_GPIE_OCD | IXGBE_GPIE_EIAME);
	pf_wr(card, IXGBE_EICS, IXGBE_EICR_LSC | 1);
	assert_int_equal(pf_rd(card, IXGBE_EICR), IXGBE_EICR_LSC | 1);
	assert_int_equal(pf_rd(card, IXGBE_EICR), 1);
}

static void test_pf_reset_silences(void **state)
{
	struct card *card = *state;

	pf_wr(card, IXGBE_EIMS_EX, BIT(3));
	pf_wr(card, IXGBE_EICS, IXGBE_EICR_LSC | 2);
	card->signals = 0;
	pf_wr(card, IXGBE_CTRL, IXGBE_CTRL_RST);
	assert_int_equal(pf_rd(card, IXGBE_EICR), 0);
	assert_int_equal(pf_rd(card, IXGBE_EIMS), 0);
	ixgbe_set_link(card->pf, true);
	assert_int_equal(card->signals, 0);
}

#define CARD_TEST(f) cmocka_unit_test_setup_teardown(f, setup, card_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		CARD_TEST(test_routing),
		CARD_TEST(test_latched_while_masked),
		CARD_TEST(test_mask_registers),
		CARD_TEST(test_auto_clear_and_auto_mask),
		CARD_TEST(test_auto_clear_alone),
		CARD_TEST(test_strobe),
		CARD_TEST(test_moderation),
		CARD_TEST(test_completions_are_patient),
		CARD_TEST(test_function_mask),
		CARD_TEST(test_reset_masks_and_clears),
		CARD_TEST(test_pf_queue_vectors),
		CARD_TEST(test_pf_low_vectors_show_in_eicr),
		CARD_TEST(test_other_causes),
		CARD_TEST(test_other_vector_is_moderated),
		CARD_TEST(test_moderated_while_pools_change),
		CARD_TEST(test_without_msix),
		CARD_TEST(test_ocd_keeps_queue_causes),
		CARD_TEST(test_pf_reset_silences),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
