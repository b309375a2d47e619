// SPDX-License-Identifier: BSD-3-Clause
/*
 * away.c - a VF as it looks to a system that has lent it to another one.
 *
 * All registers read 0 but VFMAILBOX, which says that the PF is in reset (RSTI). Drivers know that
 * state: they report no link, and wait. All ones, as a function reads that does not answer, would
 * tell them that the device was pulled out, for good.
 *
 * Source: data sheet 8.3.5.1; Linux ixgbevf (ixgbevf_check_remove(), ixgbevf_reset_hw_vf()).
 */
#include "ixgbe/registers.h"

static int away_read(void *ctx, unsigned int bar, uint64_t offset, void *data, uint32_t len)
{
	static const uint32_t mailbox = IXGBE_VFMAILBOX_RSTI;
	uint64_t in = offset - IXGBE_VFMAILBOX;

	(void)ctx;
	memset(data, 0, len);
	if (bar == 0 && in < sizeof(mailbox))
		memcpy(data, (const uint8_t *)&mailbox + in, MIN(len, sizeof(mailbox) - in));
	return PCIE_DONE;
}

static int away_write(void *ctx, unsigned int bar, uint64_t offset, const void *data, uint32_t len)
{
	(void)ctx, (void)bar, (void)offset, (void)data, (void)len;
	return PCIE_DONE;
}

const struct function_ops ixgbe_vf_away_ops = {
	.bar_read = away_read,
	.bar_write = away_write,
};
