// SPDX-License-Identifier: BSD-3-Clause
/*
 * The mailbox, message by message, with each handshake that drivers use against it. The PF side is
 * scripted after the stock PF driver: lock, copy, ACK; lock, clear requests, copy, STS.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "card.h"

#define VF 3
#define REQ IXGBE_VFMAILBOX_REQ
#define ACK IXGBE_VFMAILBOX_ACK
#define VFU IXGBE_VFMAILBOX_VFU
#define PFU IXGBE_VFMAILBOX_PFU
#define PFSTS IXGBE_VFMAILBOX_PFSTS
#define PFACK IXGBE_VFMAILBOX_PFACK
#define RSTI IXGBE_VFMAILBOX_RSTI
#define RSTD IXGBE_VFMAILBOX_RSTD

/* Mailbox vector of the VF: 2, enabled, auto-clear. */
static int setup(void **state)
{
	struct card *card;

	card_setup(state);
	card = *state;
	card_up(card, IXGBE_GCR_EXT_VT_MODE_32, 8);
	vf_wr(card, VF, IXGBE_VTIVAR_MISC, IXGBE_IVAR_VALID | 2);
	vf_wr(card, VF, IXGBE_VTEIAC, 7);
	vf_wr(card, VF, IXGBE_VTEIMS, 7);
	return 0;
}

static uint32_t mailbox(struct card *card)
{
	return vf_rd(card, VF, IXGBE_VFMAILBOX);
}

static void ring(struct card *card, uint32_t bits)
{
	vf_wr(card, VF, IXGBE_VFMAILBOX, bits);
}

static void vf_words(struct card *card, uint32_t first, unsigned int n)
{
	for (unsigned int i = 0; i < n; i++)
		vf_wr(card, VF, IXGBE_VFMBMEM + i * 4, first + i);
}

static uint32_t pf_mailbox(void)
{
	return IXGBE_PFMAILBOX + VF * 4;
}

static uint32_t pf_word(unsigned int i)
{
	return IXGBE_PFMBMEM + VF * 64 + i * 4;
}

static bool pf_requested(struct card *card)
{
	return pf_rd(card, IXGBE_MBVFICR) & BIT(VF);
}

static bool pf_acknowledged(struct card *card)
{
	return pf_rd(card, IXGBE_MBVFICR) & BIT(16 + VF);
}

/* What the PF's interrupt handler does first. */
static bool pf_interrupted(struct card *card)
{
	uint32_t causes = pf_rd(card, IXGBE_EICS);

	pf_wr(card, IXGBE_EICR, causes & IXGBE_EICR_OTHER);
	return card_signalled(card, IXGBE_PF, 1) && causes & IXGBE_EICR_MAILBOX;
}

/* Return: word 0. */
static uint32_t pf_receive(struct card *card)
{
	uint32_t word;

	assert_true(pf_requested(card));
	pf_wr(card, IXGBE_MBVFICR, BIT(VF));
	pf_wr(card, pf_mailbox(), IXGBE_PFMAILBOX_PFU);
	assert_int_equal(pf_rd(card, pf_mailbox()), IXGBE_PFMAILBOX_PFU);
	word = pf_rd(card, pf_word(0));
	pf_wr(card, pf_mailbox(), IXGBE_PFMAILBOX_ACK);
	assert_int_equal(pf_rd(card, pf_mailbox()), 0);
	return word;
}

static void pf_send(struct card *card, uint32_t word)
{
	pf_wr(card, pf_mailbox(), IXGBE_PFMAILBOX_PFU);
	assert_int_equal(pf_rd(card, pf_mailbox()), IXGBE_PFMAILBOX_PFU);
	pf_wr(card, IXGBE_MBVFICR, BIT(VF) | BIT(16 + VF));
	pf_wr(card, pf_word(0), word);
	pf_wr(card, pf_mailbox(), IXGBE_PFMAILBOX_STS);
	assert_int_equal(pf_rd(card, pf_mailbox()), 0);
}

/* --- handshakes ---------------- */

/* ixgbevf and DPDK with a mailbox API below 1.5. */
static void test_legacy(void **state)
{
	struct card *card = *state;
	struct ixgbe_vf_info info;

	mailbox(card);
	ring(card, VFU);
	assert_int_equal(mailbox(card), VFU);
	vf_words(card, 1, 4);
	ring(card, REQ);
	assert_int_equal(mailbox(card), 0); /* the same write gave the buffer back */

	assert_true(pf_interrupted(card));
	assert_int_equal(pf_receive(card), 1);
	assert_int_equal(card_signalled(card, VF, 2), 1);
	pf_send(card, 0x80000001);
	assert_int_equal(card_signalled(card, VF, 2), 1);

	assert_int_equal(mailbox(card), PFSTS | PFACK);
	assert_int_equal(mailbox(card), 0); /* cleared by reading */
	ring(card, VFU);
	assert_int_equal(mailbox(card), VFU);
	assert_int_equal(vf_rd(card, VF, IXGBE_VFMBMEM), 0x80000001);
	assert_int_equal(vf_rd(card, VF, IXGBE_VFMBMEM + 4), 2); /* words nobody wrote */
	ring(card, ACK);
	assert_true(pf_interrupted(card));
	assert_true(pf_acknowledged(card));
	assert_false(pf_requested(card));
	ixgbe_vf_info(card->pf, VF, &info);
	assert_int_equal(info.mailbox_requests, 1);
}

/* API 1.5: the VF keeps the buffer while it rings and waits for PFACK before it lets go. */
static void test_esx(void **state)
{
	struct card *card = *state;

	ring(card, VFU);
	vf_words(card, 8, 2);
	ring(card, mailbox(card) | REQ);
	assert_int_equal(mailbox(card), VFU);
	assert_true(pf_requested(card));
	pf_wr(card, pf_mailbox(), IXGBE_PFMAILBOX_PFU);
	assert_int_equal(pf_rd(card, pf_mailbox()),
			 IXGBE_PFMAILBOX_VFU); /* not while the VF has it */
	assert_int_equal(pf_rd(card, pf_word(0)), 8);
	pf_wr(card, IXGBE_MBVFICR, BIT(VF));
	pf_wr(card, pf_mailbox(), IXGBE_PFMAILBOX_ACK);
	assert_int_equal(mailbox(card), VFU | PFACK);
	ring(card, 0);
	assert_int_equal(mailbox(card), 0);
	pf_send(card, 0x80000008);
	assert_int_equal(mailbox(card), PFSTS);
}

/* iPXE polls, and answers with one write of whatever is due. */
static void test_ipxe(void **state)
{
	struct card *card = *state;
	uint32_t seen;

	ring(card, VFU);
	assert_int_equal(mailbox(card), VFU);
	vf_words(card, 2, 3);
	ring(card, REQ);
	assert_int_equal(pf_receive(card), 2);
	ring(card, VFU); /* its next round */
	seen = mailbox(card);
	assert_int_equal(seen, VFU | PFACK);
	ring(card, 0);
	pf_send(card, 0x80000002);
	seen = mailbox(card);
	assert_int_equal(seen, PFSTS);
	assert_int_equal(vf_rd(card, VF, IXGBE_VFMBMEM), 0x80000002);
	ring(card, ACK);
	assert_true(pf_acknowledged(card));
}

/* A PF that answers before the VF looks: acknowledgement and answer must show in one read. */
static void test_ipxe_sees_ack_with_the_reply(void **state)
{
	struct card *card = *state;

	ring(card, VFU);
	vf_words(card, 2, 1);
	ring(card, REQ);
	pf_receive(card);
	pf_send(card, 0x40000002);
	assert_int_equal(mailbox(card), PFSTS | PFACK);
	/* Request and acknowledgement in one write. */
	ring(card, REQ | ACK);
	assert_int_equal(pf_rd(card, IXGBE_MBVFICR), BIT(VF) | BIT(16 + VF));
	/* STS and ACK in one write, by the PF. */
	pf_wr(card, pf_mailbox(), IXGBE_PFMAILBOX_STS | IXGBE_PFMAILBOX_ACK);
	assert_int_equal(mailbox(card), PFSTS | PFACK);
}

static void test_lock(void **state)
{
	struct card *card = *state;

	pf_wr(card, pf_mailbox(), IXGBE_PFMAILBOX_PFU);
	ring(card, VFU);
	assert_int_equal(mailbox(card), PFU);
	assert_int_equal(pf_rd(card, pf_mailbox()), IXGBE_PFMAILBOX_PFU);
	pf_wr(card, pf_mailbox(), 0);
	ring(card, VFU);
	assert_int_equal(mailbox(card), VFU);
	pf_wr(card, pf_mailbox(), IXGBE_PFMAILBOX_RVFU | IXGBE_PFMAILBOX_PFU);
	assert_int_equal(mailbox(card), PFU);
	pf_wr(card, pf_mailbox(), 0);
	assert_int_equal(mailbox(card), 0);
}

/* Drivers write back read-only and read-cleared bits that they saw earlier. */
static void test_stale_bits_are_ignored(void **state)
{
	struct card *card = *state;

	pf_send(card, 0x100);
	ring(card, PFU | PFSTS | PFACK | RSTI | RSTD);
	assert_int_equal(mailbox(card), PFSTS);
	assert_int_equal(pf_rd(card, IXGBE_MBVFICR), 0);
}

static void test_memory_is_shared_and_private(void **state)
{
	struct card *card = *state;

	for (unsigned int i = 0; i < 16; i++)
		pf_wr(card, pf_word(i), 0x1000 + i);
	for (unsigned int i = 0; i < 16; i++)
		assert_int_equal(vf_rd(card, VF, IXGBE_VFMBMEM + i * 4), 0x1000 + i);
	assert_int_equal(vf_rd(card, VF + 1, IXGBE_VFMBMEM), 0);
	assert_int_equal(vf_rd(card, VF - 1, IXGBE_VFMBMEM + 15 * 4), 0);
	assert_int_equal(vf_rd(card, VF, IXGBE_VFMBMEM + 16 * 4), 0);
}

/* A driver that resets its VF finds the last reply again; the next owner of the VF does not. */
static void test_memory_and_resets(void **state)
{
	struct card *card = *state;

	pf_wr(card, pf_word(3), 0x1003);
	vf_wr(card, VF, IXGBE_VFCTRL, IXGBE_VFCTRL_RST);
	assert_int_equal(vf_rd(card, VF, IXGBE_VFMBMEM + 3 * 4), 0x1003);
	ixgbe_vf_function_ops.reset(ixgbe_get_vf(card->pf, VF));
	assert_int_equal(vf_rd(card, VF, IXGBE_VFMBMEM + 3 * 4), 0);
}

static void test_requests_of_all_vfs(void **state)
{
	struct card *card = *state;

	ixgbe_pf_function_ops.vf_disable(card->pf);
	card_up(card, IXGBE_GCR_EXT_VT_MODE_64, 63);
	for (unsigned int v = 0; v < 63; v += 17) {
		vf_wr(card, v, IXGBE_VFMAILBOX, REQ);
		assert_int_equal(pf_rd(card, IXGBE_MBVFICR + v / 16 * 4), BIT(v % 16));
		pf_wr(card, IXGBE_MBVFICR + v / 16 * 4, BIT(v % 16));
		assert_int_equal(pf_rd(card, IXGBE_MBVFICR + v / 16 * 4), 0);
	}
}

/* --- resets ---------------- */

static void test_vf_reset(void **state)
{
	struct card *card = *state;
	struct ixgbe_vf_info info;

	pf_wr(card, IXGBE_VFRE, BIT(VF) | BIT(8));
	pf_wr(card, IXGBE_VFTE, BIT(VF) | BIT(8));
	pf_send(card, 0xa0000008);
	ring(card, VFU | REQ);
	pf_interrupted(card);
	assert_int_equal(vf_wr(card, VF, IXGBE_VFCTRL, IXGBE_VFCTRL_RST), PCIE_QUIESCE);
	assert_int_equal(vf_rd(card, VF, IXGBE_VFCTRL), 0);
	assert_true(pf_interrupted(card));
	assert_int_equal(pf_rd(card, IXGBE_VFLRE0), BIT(VF));
	assert_int_equal(pf_rd(card, IXGBE_VFLRE1), 0);
	assert_int_equal(mailbox(card), 0);
	assert_int_equal(vf_rd(card, VF, IXGBE_VFMBMEM), 0xa0000008); /* the memory is kept */
	assert_false(pf_requested(card)); /* what it had asked before is void */
	assert_int_equal(vf_rd(card, VF, IXGBE_VTEIMS), 0);
	assert_int_equal(vf_rd(card, VF, IXGBE_VTIVAR_MISC), 0);
	/* Its data path stays closed until the PF opens it; others are left alone. */
	assert_int_equal(pf_rd(card, IXGBE_VFRE), BIT(8));
	assert_int_equal(pf_rd(card, IXGBE_VFTE), BIT(8));
	ixgbe_vf_info(card->pf, VF, &info);
	assert_true(info.reset_pending);
	assert_false(info.receive_enabled);
	assert_int_equal(info.resets, 1);
	pf_wr(card, IXGBE_VFLREC, BIT(VF));
	assert_int_equal(pf_rd(card, IXGBE_VFLRE0), 0);
}

static void test_vflr_of_high_vfs(void **state)
{
	struct card *card = *state;

	ixgbe_pf_function_ops.vf_disable(card->pf);
	card_up(card, IXGBE_GCR_EXT_VT_MODE_64, 63);
	assert_int_equal(ixgbe_vf_function_ops.reset(ixgbe_get_vf(card->pf, 40)), PCIE_QUIESCE);
	assert_int_equal(pf_rd(card, IXGBE_VFLRE1), BIT(8));
	assert_int_equal(pf_rd(card, IXGBE_VFLRE0), 0);
	pf_wr(card, IXGBE_VFLREC + 4, BIT(8));
	assert_int_equal(pf_rd(card, IXGBE_VFLRE1), 0);
}

static void test_pf_reset_shows_rsti_then_rstd(void **state)
{
	struct card *card = *state;

	pf_wr(card, IXGBE_CTRL, IXGBE_CTRL_RST);
	assert_int_equal(mailbox(card), RSTI);
	assert_int_equal(mailbox(card), RSTI);
	vf_wr(card, VF, IXGBE_VFCTRL, IXGBE_VFCTRL_RST); /* does not end the PF's reset */
	assert_int_equal(mailbox(card), RSTI);
	vf_wr(card, VF, IXGBE_VTIVAR_MISC, IXGBE_IVAR_VALID | 2);
	pf_wr(card, IXGBE_CTRL_EXT, IXGBE_CTRL_EXT_PFRSTD | BIT(28));
	assert_int_equal(pf_rd(card, IXGBE_CTRL_EXT), BIT(28));
	assert_int_equal(vf_rd(card, VF, IXGBE_VTEICR), 4);
	assert_int_equal(mailbox(card), RSTD);
	assert_int_equal(mailbox(card), 0);
	/* Again without a reset in between: nothing to tell. */
	pf_wr(card, IXGBE_CTRL_EXT, IXGBE_CTRL_EXT_PFRSTD);
	assert_int_equal(mailbox(card), 0);
}

static void test_power_on_is_a_pf_not_ready(void **state)
{
	struct card *card = *state;

	ixgbe_pf_function_ops.vf_disable(card->pf);
	ixgbe_pf_function_ops.reset(card->pf);
	ixgbe_pf_function_ops.vf_enable(card->pf, 8);
	assert_int_equal(mailbox(card), RSTI);
}

static void test_new_vfs_start_clean(void **state)
{
	struct card *card = *state;

	pf_send(card, 0x80000001);
	ring(card, REQ | VFU);
	ixgbe_pf_function_ops.vf_disable(card->pf);
	assert_int_equal(pf_rd(card, IXGBE_MBVFICR), 0);
	assert_int_equal(pf_rd(card, IXGBE_VFLRE0), 0);
	ixgbe_pf_function_ops.vf_enable(card->pf, 8);
	assert_int_equal(mailbox(card), 0);
	assert_int_equal(vf_rd(card, VF, IXGBE_VFMBMEM), 0);
}

#define CARD_TEST(f) cmocka_unit_test_setup_teardown(f, setup, card_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		CARD_TEST(test_legacy),
		CARD_TEST(test_esx),
		CARD_TEST(test_ipxe),
		CARD_TEST(test_ipxe_sees_ack_with_the_reply),
		CARD_TEST(test_lock),
		CARD_TEST(test_stale_bits_are_ignored),
		CARD_TEST(test_memory_is_shared_and_private),
		CARD_TEST(test_memory_and_resets),
		CARD_TEST(test_requests_of_all_vfs),
		CARD_TEST(test_vf_reset),
		CARD_TEST(test_vflr_of_high_vfs),
		CARD_TEST(test_pf_reset_shows_rsti_then_rstd),
		CARD_TEST(test_power_on_is_a_pf_not_ready),
		CARD_TEST(test_new_vfs_start_clean),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
