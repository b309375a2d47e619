// SPDX-License-Identifier: BSD-3-Clause
/*
 * msix.c - MSI-X tables of PF and VFs: four dwords per vector, and the pending bits.
 *
 * Host mode delivers by eventfd and leaves the tables untouched: an entry that was never given an
 * address does not mask, although its mask bit is set after reset as the specification says. A PF driver that turned
 * MSI-X off and uses MSI left its table masked: the table does not count then.
 *
 * Source: PCI Express Base 5.0, 7.7.2; data sheet 9.3.6.8; Linux ixgbe, ixgbevf.
 */
#include "ixgbe/registers.h"

#define ENTRY_DWORDS (IXGBE_MSIX_ENTRY_SIZE / 4)
#define CONTROL_DWORD (IXGBE_MSIX_CONTROL / 4)

static uint32_t *table_of(struct ixgbe_pf *pf, int function, unsigned int *vectors)
{
	*vectors = function == IXGBE_PF ? IXGBE_PF_VECTORS : IXGBE_VF_VECTORS;
	return function == IXGBE_PF ? pf->state->msix_table : pf->state->vf[function].msix_table;
}

static bool function_masked(const struct ixgbe_pf *pf, int function)
{
	return function == IXGBE_PF ? pf->state->function_masked
				    : pf->state->vf[function].function_masked;
}

static bool masked(const struct ixgbe_pf *pf, int function, const uint32_t *entry)
{
	bool programmed = entry[0] || entry[1];

	if (function == IXGBE_PF && pf->state->msix_disabled)
		return false;
	return function_masked(pf, function) ||
	       (programmed && entry[CONTROL_DWORD] & IXGBE_MSIX_CONTROL_MASK);
}

static void apply(struct ixgbe_pf *pf, int function, unsigned int vector, const uint32_t *table)
{
	bool mask = masked(pf, function, &table[vector * ENTRY_DWORDS]);
	uint64_t now = now_ns();

	ixgbe_irq_deliver(pf, function, ixgbe_message(pf, function, (int)vector),
			  irq_mask(ixgbe_irq_vector(pf, function, vector), mask, now));
	if (function == IXGBE_PF && vector == ixgbe_other_message(pf))
		ixgbe_irq_deliver(pf, function, vector, irq_mask(&pf->state->irq_other, mask, now));
}

void ixgbe_msix_apply(struct ixgbe_pf *pf, int function)
{
	unsigned int vectors;
	const uint32_t *table = table_of(pf, function, &vectors);

	for (unsigned int i = 0; i < vectors; i++)
		apply(pf, function, i, table);
}

static uint32_t pending_bits(struct ixgbe_pf *pf, int function, unsigned int first,
			     unsigned int vectors, const uint32_t *table)
{
	uint32_t bits = 0;

	for (unsigned int i = first; i < MIN(vectors, first + 32); i++) {
		if (masked(pf, function, &table[i * ENTRY_DWORDS]) &&
		    irq_pending(ixgbe_irq_vector(pf, function, i)))
			bits |= BIT(i - first);
	}
	return bits;
}

int ixgbe_msix_read(struct ixgbe_pf *pf, int function, uint64_t offset, uint32_t *value)
{
	unsigned int vectors;
	const uint32_t *table = table_of(pf, function, &vectors);

	*value = 0;
	if (offset < vectors * IXGBE_MSIX_ENTRY_SIZE)
		*value = table[offset / 4];
	else if (offset >= IXGBE_MSIX_PBA && offset < IXGBE_MSIX_PBA + ALIGN_UP(vectors, 32) / 8)
		*value = pending_bits(pf, function, (unsigned int)(offset - IXGBE_MSIX_PBA) * 8,
				      vectors, table);
	return PCIE_DONE;
}

int ixgbe_msix_write(struct ixgbe_pf *pf, int function, uint64_t offset, uint32_t value)
{
	unsigned int vectors;
	uint32_t *table = table_of(pf, function, &vectors);

	if (offset >= vectors * IXGBE_MSIX_ENTRY_SIZE)
		return PCIE_DONE;
	if (offset % IXGBE_MSIX_ENTRY_SIZE == IXGBE_MSIX_CONTROL)
		value &= IXGBE_MSIX_CONTROL_MASK;
	table[offset / 4] = value;
	apply(pf, function, (unsigned int)(offset / IXGBE_MSIX_ENTRY_SIZE), table);
	return PCIE_DONE;
}

void ixgbe_msix_power_on(struct ixgbe_pf *pf, int function)
{
	unsigned int vectors;
	uint32_t *table = table_of(pf, function, &vectors);

	memset(table, 0, vectors * IXGBE_MSIX_ENTRY_SIZE);
	for (unsigned int i = 0; i < vectors; i++)
		table[i * ENTRY_DWORDS + CONTROL_DWORD] = IXGBE_MSIX_CONTROL_MASK;
	ixgbe_msix_apply(pf, function);
}
