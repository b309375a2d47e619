// SPDX-License-Identifier: BSD-3-Clause
/*
 * virt.c - what happens when registers of the switch, the pools and the queue arbiters are written.
 *
 * Three kinds. Registers that only feed the switch tables mark them stale. Registers that decide
 * which queue belongs to which pool also move queues. Enables stop queues when a bit goes from 1 to
 * 0: the write is then answered after a grace period.
 *
 * Source: data sheet 7.10, 8.2.3.7 to 8.2.3.10, 8.2.3.27; Linux ixgbe, ixgbevf.
 */
#include "ixgbe/registers.h"

IXGBE_WRITE(ixgbe_write_switch)
{
	uint32_t before = reg_load(access->store);

	access_store(access, value);
	if (reg_load(access->store) != before)
		ixgbe_changed(access->pf);
	return PCIE_DONE;
}

/* GCR_EXT, MTQC, MRQC, VT_CTL */
IXGBE_WRITE(ixgbe_write_mode)
{
	uint32_t before = reg_load(access->store);

	access_store(access, value);
	return reg_load(access->store) == before ? PCIE_DONE : ixgbe_rebind(access->pf);
}

/* RXCTRL, DMATXCTL, VFRE, VFTE */
IXGBE_WRITE(ixgbe_write_enable)
{
	uint32_t before = reg_load(access->store), after;

	access_store(access, value);
	after = reg_load(access->store);
	if (after != before)
		ixgbe_changed(access->pf);
	return before & ~after ? PCIE_QUIESCE : PCIE_DONE;
}

/* --- QDE: one drop-enable bit per queue, reached through an index (8.2.3.8.10) ---------------- */

IXGBE_READ(ixgbe_read_qde)
{
	unsigned int q = *value >> IXGBE_QDE_IDX_SHIFT & IXGBE_QDE_IDX_MASK;

	*value = q << IXGBE_QDE_IDX_SHIFT;
	if (ixgbe_rx_drop(access->pf, q))
		*value |= IXGBE_QDE_ENABLE;
	return PCIE_DONE;
}

IXGBE_WRITE(ixgbe_write_qde)
{
	unsigned int q = value >> IXGBE_QDE_IDX_SHIFT & IXGBE_QDE_IDX_MASK;
	_Atomic uint64_t *bitmap = &access->pf->state->drop_enable[q / 64];

	access_store(access, value);
	if (!(value & IXGBE_QDE_WRITE))
		return PCIE_DONE;
	if (value & IXGBE_QDE_ENABLE)
		atomic_fetch_or(bitmap, BIT64(q % 64));
	else
		atomic_fetch_and(bitmap, ~BIT64(q % 64));
	return PCIE_DONE;
}

/* --- RTTBCNRC, RTTDT1C: one register per transmit queue, chosen by RTTDQSEL (8.2.3.10) -------- */

static unsigned int rtt_queue(const struct ixgbe_access *access)
{
	return ixgbe_pf_reg(access->pf, IXGBE_RTTDQSEL) & IXGBE_RTTDQSEL_MASK;
}

IXGBE_READ(ixgbe_read_rtt)
{
	*value = access->pf->state->credit[rtt_queue(access)];
	return PCIE_DONE;
}

IXGBE_WRITE(ixgbe_write_rtt)
{
	access->pf->state->credit[rtt_queue(access)] = value;
	return PCIE_DONE;
}

IXGBE_READ(ixgbe_read_rate)
{
	*value = reg_load(&access->pf->state->rate[rtt_queue(access)]);
	return PCIE_DONE;
}

/* A queue that waits for its time by the old rate is asked anew. */
IXGBE_WRITE(ixgbe_write_rate)
{
	ixgbe_reg *rate = &access->pf->state->rate[rtt_queue(access)];

	if (reg_load(rate) == value)
		return PCIE_DONE;
	reg_store(rate, value);
	ixgbe_changed(access->pf);
	return PCIE_DONE;
}
