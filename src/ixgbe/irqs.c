// SPDX-License-Identifier: BSD-3-Clause
/*
 * irqs.c - from a cause to a message: queue -> IVAR -> vector -> mask and moderation -> MSI-X; and
 * the interrupt registers of a VF.
 *
 * Cause, mask, auto-clear, auto-mask and moderation of a vector are one atomic word (pcie/irq.h).
 * So VTEICR is not stored: bit n is "vector n has a cause", VTEIMS bit n is "vector n is enabled".
 * A cause is latched whether or not it is enabled and whether or not MSI-X is on; drivers that poll
 * VTEICR need no more than that.
 *
 * Workers raise, the device thread programs. IVAR is read anew for every burst. Transmit completions
 * are patient (pcie/irq.h) where the driver has a ring so large that it cannot be full of what they
 * wait for.
 *
 * Source: data sheet 7.3, 8.3.5.5; Linux ixgbe, ixgbevf.
 */
#include "ixgbe/registers.h"

#define IVAR_ENTRY_BITS 8 /* four entries a register: rx 2n, tx 2n, rx 2n + 1, tx 2n + 1 */
#define NO_VECTOR -1
#define PATIENT_RING 512u /* descriptors; IRQ_PATIENT_CAUSES requests rarely take as many */

/* --- delivery ---------------- */

/*
 * Moderated messages of a VF wait with its number, whether or not there is such a pool just now, and those of the PF with
 * the last one, whoever has that: what was armed must be found when it is due, whatever the pools' mode is by then.
 */
#define PF_IRQ_POOL (IXGBE_POOLS - 1u)

_Static_assert(IXGBE_POOLS == IXGBE_MAX_VFS, "each VF has a pool to wait with");

void ixgbe_irq_deliver(struct ixgbe_pf *pf, int function, unsigned int vector,
		       struct irq_result result)
{
	const struct ixgbe_wiring *wiring = &pf->wiring;

	if (result.signal && wiring->signal)
		wiring->signal(wiring->ctx, function, vector);
	else if (result.due_ns && wiring->arm)
		wiring->arm(wiring->ctx,
			    function == IXGBE_PF ? PF_IRQ_POOL : (unsigned int)function,
			    result.due_ns);
}

struct irq_vector *ixgbe_irq_vector(struct ixgbe_pf *pf, int function, unsigned int vector)
{
	if (function == IXGBE_PF)
		return vector < IXGBE_PF_VECTORS ? &pf->state->irq[vector] : NULL;
	if (function < 0 || function >= IXGBE_MAX_VFS || vector >= IXGBE_VF_VECTORS)
		return NULL;
	return &pf->state->vf[function].irq[vector];
}

const struct irq_vector *ixgbe_irq(struct ixgbe_pf *pf, int function, unsigned int vector)
{
	return ixgbe_irq_vector(pf, function, vector);
}

/* One IVAR byte -> vector, or NO_VECTOR. */
static int routed(uint32_t ivar, unsigned int entry, uint32_t vector_mask)
{
	uint32_t byte = ivar >> (entry * IVAR_ENTRY_BITS);

	return byte & IXGBE_IVAR_VALID ? (int)(byte & vector_mask) : NO_VECTOR;
}

static struct irq_result raise_tx(struct ixgbe_pf *pf, unsigned int q, struct irq_vector *vector,
				  unsigned int count, uint64_t now)
{
	if (pf->state->txq[q].ring.len < PATIENT_RING * IXGBE_DESC_SIZE)
		return irq_raise(vector, now, count);
	return irq_raise_patient(vector, now, count);
}

static void queue_cause(struct ixgbe_pf *pf, unsigned int q, bool tx, unsigned int count,
			uint64_t now)
{
	const struct ixgbe_home *home = ixgbe_home(pf, q);
	unsigned int entry = home->slot % 2 * 2 + tx, n = home->slot / 2;
	struct irq_vector *vector;
	int to;

	if (home->function == IXGBE_PF)
		to = routed(ixgbe_pf_reg(pf, IXGBE_IVAR + n * 4), entry, IXGBE_IVAR_PF_VECTOR);
	else
		to = routed(ixgbe_vf_reg(pf, (unsigned int)home->function, IXGBE_VTIVAR + n * 4),
			    entry, IXGBE_IVAR_VF_VECTOR);
	if (to == NO_VECTOR)
		return;
	vector = ixgbe_irq_vector(pf, home->function, (unsigned int)to);
	if (vector)
		ixgbe_irq_deliver(pf, home->function, ixgbe_message(pf, home->function, to),
				  tx ? raise_tx(pf, q, vector, count, now)
				     : irq_raise(vector, now, count));
}

void ixgbe_rx_cause(struct ixgbe_pf *pf, unsigned int q, unsigned int count, uint64_t now)
{
	queue_cause(pf, q, false, count, now);
}

void ixgbe_tx_cause(struct ixgbe_pf *pf, unsigned int q, unsigned int count, uint64_t now)
{
	queue_cause(pf, q, true, count, now);
}

void ixgbe_mailbox_cause(struct ixgbe_vf *vf)
{
	uint32_t ivar = reg_load(&vf->state->reg[IXGBE_VTIVAR_MISC / 4]);
	int to = routed(ivar, 0, IXGBE_IVAR_VF_VECTOR);

	if (to != NO_VECTOR && to < IXGBE_VF_VECTORS)
		ixgbe_irq_deliver(vf->pf, (int)vf->index, (unsigned int)to,
				  irq_raise(&vf->state->irq[to], now_ns(), 1));
}

/* --- moderation ends ---------------- */

/* Signal @vector if it is due now. Return: when to look again, or UINT64_MAX. */
static uint64_t expire(struct ixgbe_pf *pf, int function, unsigned int message,
		       struct irq_vector *vector, uint64_t now)
{
	struct irq_result result = irq_expire(vector, now);

	if (result.signal && pf->wiring.signal)
		pf->wiring.signal(pf->wiring.ctx, function, message);
	return !result.signal && result.due_ns ? result.due_ns : UINT64_MAX;
}

static uint64_t expire_pf(struct ixgbe_pf *pf, uint64_t now)
{
	struct ixgbe_state *state = pf->state;
	uint64_t next, due = UINT64_MAX;

	for (unsigned int i = 0; i < IXGBE_PF_VECTORS; i++) {
		next = expire(pf, IXGBE_PF, ixgbe_message(pf, IXGBE_PF, (int)i), &state->irq[i],
			      now);
		due = MIN(due, next);
	}
	next = expire(pf, IXGBE_PF, ixgbe_other_message(pf), &state->irq_other, now);
	return MIN(due, next);
}

uint64_t ixgbe_irq_expire(void *handle, uint64_t now)
{
	struct ixgbe_pool *pool = handle;
	struct ixgbe_pf *pf = pool->pf;
	uint64_t due = UINT64_MAX;

	for (unsigned int i = 0; i < IXGBE_VF_VECTORS; i++) {
		uint64_t next = expire(pf, pool->index, i, &pf->state->vf[pool->index].irq[i], now);

		due = MIN(due, next);
	}
	if (pool->index == PF_IRQ_POOL) {
		uint64_t next = expire_pf(pf, now);

		due = MIN(due, next);
	}
	return due;
}

/* --- VF registers ---------------- */

static struct irq_vector *vf_vectors(const struct ixgbe_access *access)
{
	return access->vf->state->irq;
}

IXGBE_READ(ixgbe_read_vteicr)
{
	*value = 0;
	for (unsigned int i = 0; i < IXGBE_VF_VECTORS; i++) {
		if (irq_clear(&vf_vectors(access)[i]))
			*value |= BIT(i);
	}
	return PCIE_DONE;
}

IXGBE_WRITE(ixgbe_write_vteicr)
{
	for (unsigned int i = 0; i < IXGBE_VF_VECTORS; i++) {
		if (value & BIT(i))
			irq_clear(&vf_vectors(access)[i]);
	}
	return PCIE_DONE;
}

IXGBE_READ(ixgbe_read_vteics)
{
	*value = 0;
	for (unsigned int i = 0; i < IXGBE_VF_VECTORS; i++) {
		if (irq_pending(&vf_vectors(access)[i]))
			*value |= BIT(i);
	}
	return PCIE_DONE;
}

IXGBE_WRITE(ixgbe_write_vteics)
{
	uint64_t now = now_ns();

	for (unsigned int i = 0; i < IXGBE_VF_VECTORS; i++) {
		if (value & BIT(i))
			ixgbe_irq_deliver(access->pf, (int)access->vf->index, i,
					  irq_raise(&vf_vectors(access)[i], now, 1));
	}
	return PCIE_DONE;
}

IXGBE_READ(ixgbe_read_vteims)
{
	*value = 0;
	for (unsigned int i = 0; i < IXGBE_VF_VECTORS; i++) {
		if (irq_enabled(&vf_vectors(access)[i]))
			*value |= BIT(i);
	}
	return PCIE_DONE;
}

IXGBE_WRITE(ixgbe_write_vteims)
{
	uint64_t now = now_ns();

	for (unsigned int i = 0; i < IXGBE_VF_VECTORS; i++) {
		if (value & BIT(i))
			ixgbe_irq_deliver(access->pf, (int)access->vf->index, i,
					  irq_enable(&vf_vectors(access)[i], now));
	}
	return PCIE_DONE;
}

IXGBE_WRITE(ixgbe_write_vteimc)
{
	for (unsigned int i = 0; i < IXGBE_VF_VECTORS; i++) {
		if (value & BIT(i))
			irq_disable(&vf_vectors(access)[i]);
	}
	return PCIE_DONE;
}

/* VTEIAC, VTEIAM */
IXGBE_WRITE(ixgbe_write_vtauto)
{
	uint32_t clear, disable;

	access_store(access, value);
	clear = reg_load(&access->vf->state->reg[IXGBE_VTEIAC / 4]);
	disable = reg_load(&access->vf->state->reg[IXGBE_VTEIAM / 4]);
	for (unsigned int i = 0; i < IXGBE_VF_VECTORS; i++)
		irq_set_auto(&vf_vectors(access)[i], clear & BIT(i), disable & BIT(i));
	return PCIE_DONE;
}

IXGBE_WRITE(ixgbe_write_vteitr)
{
	access_store(access, value);
	irq_set_interval(&vf_vectors(access)[access->index], ixgbe_eitr_ns(value));
	return PCIE_DONE;
}

/* The MSI-X masks belong to configuration space and table: they are not part of this reset. */
void ixgbe_irq_reset_vf(struct ixgbe_vf *vf)
{
	for (unsigned int i = 0; i < IXGBE_VF_VECTORS; i++)
		irq_reset(&vf->state->irq[i]);
	ixgbe_msix_apply(vf->pf, (int)vf->index);
}
