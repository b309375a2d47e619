// SPDX-License-Identifier: BSD-3-Clause
/*
 * A VF that is not there, or not yours: what its registers say while somebody looks at them who must not think that
 * the device is gone.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "card.h"

#define VF 3
#define VFS 8

static int setup(void **state)
{
	card_setup(state);
	card_up(*state, IXGBE_GCR_EXT_VT_MODE_32, VFS);
	ixgbe_set_link(((struct card *)*state)->pf, true);
	return 0;
}

static bool in_reset(struct card *card, unsigned int vf)
{
	return vf_rd(card, vf, IXGBE_VFMAILBOX) & IXGBE_VFMAILBOX_RSTI;
}

static bool link_up(struct card *card, unsigned int vf)
{
	return vf_rd(card, vf, IXGBE_VFLINKS) & IXGBE_LINKS_UP;
}

static void enable(struct card *card, unsigned int vfs)
{
	if (vfs)
		assert_int_equal(ixgbe_pf_function_ops.vf_enable(card->pf, vfs), 0);
	else
		assert_int_equal(ixgbe_pf_function_ops.vf_disable(card->pf), PCIE_QUIESCE);
}

/* VF Enable goes while the VF's driver is at work, and comes back. */
static void test_vf_enable_off(void **state)
{
	struct card *card = *state;

	assert_false(in_reset(card, VF));
	assert_true(link_up(card, VF));
	vf_wr(card, VF, VFRX(0, IXGBE_Q_CTL), IXGBE_QCTL_ENABLE);
	enable(card, 0);
	assert_true(in_reset(card, VF));
	assert_false(link_up(card, VF));
	assert_int_not_equal(vf_rd(card, VF, IXGBE_VFSTATUS), UINT32_MAX);
	assert_int_equal(vf_rd(card, VF, VFRX(0, IXGBE_Q_CTL)) & IXGBE_QCTL_ENABLE, 0);

	/* Nothing of what its driver does reaches the PF, which may have other VFs by then. */
	pf_wr(card, IXGBE_EICR, UINT32_MAX);
	vf_wr(card, VF, IXGBE_VFMAILBOX, IXGBE_VFMAILBOX_VFU);
	vf_wr(card, VF, IXGBE_VFMAILBOX, IXGBE_VFMAILBOX_REQ | IXGBE_VFMAILBOX_ACK);
	vf_wr(card, VF, IXGBE_VFCTRL, IXGBE_VFCTRL_RST);
	assert_int_equal(ixgbe_vf_function_ops.reset(ixgbe_get_vf(card->pf, VF)), PCIE_QUIESCE);
	assert_int_equal(pf_rd(card, IXGBE_VFLRE0), 0);
	assert_int_equal(pf_rd(card, IXGBE_MBVFICR), 0);
	assert_int_equal(pf_rd(card, IXGBE_EICS) & IXGBE_EICR_MAILBOX, 0);

	/* Fewer than before: this one is still not there. */
	enable(card, VF);
	assert_false(in_reset(card, VF - 1));
	assert_true(in_reset(card, VF));
	assert_false(link_up(card, VF));
	enable(card, 0);
	enable(card, VFS);
	assert_false(in_reset(card, VF));
	assert_true(link_up(card, VF));
	vf_wr(card, VF, IXGBE_VFCTRL, IXGBE_VFCTRL_RST);
	assert_int_equal(pf_rd(card, IXGBE_VFLRE0), BIT(VF));
}

/* A reset of the PF: no link until its driver says that it is done. */
static void test_pf_reset(void **state)
{
	struct card *card = *state;

	pf_wr(card, IXGBE_CTRL, IXGBE_CTRL_RST);
	assert_true(in_reset(card, VF));
	assert_false(link_up(card, VF));
	pf_wr(card, IXGBE_CTRL_EXT, IXGBE_CTRL_EXT_PFRSTD);
	assert_int_equal(vf_rd(card, VF, IXGBE_VFMAILBOX), IXGBE_VFMAILBOX_RSTD);
	assert_true(link_up(card, VF));
}

static uint32_t away(unsigned int bar, uint64_t offset, uint32_t len)
{
	uint32_t value = 0xa5a5a5a5;

	assert_int_equal(ixgbe_vf_away_ops.bar_read(NULL, bar, offset, &value, len), PCIE_DONE);
	return len == sizeof(value) ? value : value & (BIT(len * 8) - 1);
}

static void test_away(void **state)
{
	struct card *card = *state;
	const uint32_t reset = IXGBE_VFCTRL_RST;

	for (uint32_t offset = 0; offset < IXGBE_VF_BAR_SIZE; offset += 4) {
		assert_int_equal(away(0, offset, 4),
				 offset == IXGBE_VFMAILBOX ? IXGBE_VFMAILBOX_RSTI : 0);
		assert_int_equal(away(IXGBE_VF_MSIX_BAR, offset, 4), 0);
	}
	assert_int_equal(away(0, IXGBE_VFMAILBOX, 1), IXGBE_VFMAILBOX_RSTI);
	assert_int_equal(away(0, IXGBE_VFMAILBOX + 1, 1), 0);
	assert_int_equal(away(0, IXGBE_VFMAILBOX + 2, 2), 0);
	assert_int_equal(ixgbe_vf_away_ops.bar_write(NULL, 0, IXGBE_VFCTRL, &reset, sizeof(reset)),
			 PCIE_DONE);
	assert_int_equal(pf_rd(card, IXGBE_VFLRE0), 0);
	assert_null(ixgbe_vf_away_ops.reset);
	assert_null(ixgbe_vf_away_ops.command);
	assert_null(ixgbe_vf_away_ops.msix);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_vf_enable_off, setup, card_teardown),
		cmocka_unit_test_setup_teardown(test_pf_reset, setup, card_teardown),
		cmocka_unit_test_setup_teardown(test_away, setup, card_teardown),
	};

	return cmocka_run_group_tests_name("away", tests, NULL, NULL);
}
