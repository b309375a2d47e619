// SPDX-License-Identifier: BSD-3-Clause
/*
 * irqs_pf.c - the interrupt registers of the PF.
 *
 * Vectors 0 ... 63 have their causes and masks in the irq_vector words: EICR, EICS and EIMS show
 * the first sixteen, EICS_EX and EIMS_EX all of them. Causes 31:16 ("other": mailbox, link, ...)
 * are bits of their own with masks of their own; together they send the message that IVAR_MISC
 * names, throttled by that vector's EITR. They stay in EICR until the driver clears them.
 *
 * Without GPIE.MSIX every message is vector 0.
 *
 * Source: data sheet 7.3.1, 8.2.3.5; Linux ixgbe, ixgbevf.
 */
#include "ixgbe/registers.h"

#define QUEUE_VECTORS 16  /* of EICR */
#define EX_VECTORS 32	  /* of one _EX register */
#define IVAR_MISC_OTHER 8 /* where its byte begins */
#define OTHER 0x5fff0000u /* causes that exist: all but 29 and 31 */

static bool msix_mode(const struct ixgbe_pf *pf)
{
	return ixgbe_pf_reg(pf, IXGBE_GPIE) & IXGBE_GPIE_MSIX;
}

unsigned int ixgbe_message(const struct ixgbe_pf *pf, int function, int vector)
{
	return function != IXGBE_PF || msix_mode(pf) ? (unsigned int)vector : 0;
}

static uint32_t ivar_other(const struct ixgbe_pf *pf)
{
	return ixgbe_pf_reg(pf, IXGBE_IVAR_MISC) >> IVAR_MISC_OTHER;
}

unsigned int ixgbe_other_message(const struct ixgbe_pf *pf)
{
	return msix_mode(pf) ? ivar_other(pf) & IXGBE_IVAR_PF_VECTOR : 0;
}

uint32_t ixgbe_eitr_ns(uint32_t eitr)
{
	return ((eitr & IXGBE_EITR_MASK) >> IXGBE_EITR_SHIFT) * IXGBE_EITR_UNIT_NS;
}

static uint32_t eitr_offset(unsigned int vector)
{
	return vector < IXGBE_EITR_LOW_COUNT
		       ? IXGBE_EITR + vector * 4
		       : IXGBE_EITR_HIGH + (vector - IXGBE_EITR_LOW_COUNT) * 4;
}

/* --- other causes ---------------- */

static void raise_other(struct ixgbe_pf *pf)
{
	if (msix_mode(pf) && !(ivar_other(pf) & IXGBE_IVAR_VALID))
		return;
	ixgbe_irq_deliver(pf, IXGBE_PF, ixgbe_other_message(pf),
			  irq_raise(&pf->state->irq_other, now_ns(), 1));
}

void ixgbe_other_cause(struct ixgbe_pf *pf, uint32_t causes)
{
	pf->state->eicr_other |= causes & OTHER;
	if (causes & OTHER & pf->state->eims_other)
		raise_other(pf);
}

static void clear_other(struct ixgbe_pf *pf, uint32_t causes)
{
	struct ixgbe_state *state = pf->state;

	state->eicr_other &= ~causes;
	if (!(state->eicr_other & state->eims_other))
		irq_clear(&state->irq_other);
}

static void enable_other(struct ixgbe_pf *pf, uint32_t causes)
{
	uint32_t new = causes &OTHER & ~pf->state->eims_other;

	pf->state->eims_other |= new;
	if (new & pf->state->eicr_other)
		raise_other(pf);
}

static void disable_other(struct ixgbe_pf *pf, uint32_t causes)
{
	pf->state->eims_other &= ~causes;
	if (!(pf->state->eicr_other & pf->state->eims_other))
		irq_clear(&pf->state->irq_other);
}

/* --- vectors ---------------- */

static uint32_t pending(struct ixgbe_pf *pf, unsigned int first, unsigned int n)
{
	uint32_t bits = 0;

	for (unsigned int i = 0; i < n; i++)
		bits |= irq_pending(&pf->state->irq[first + i]) ? BIT(i) : 0;
	return bits;
}

static uint32_t vectors_enabled(struct ixgbe_pf *pf, unsigned int first, unsigned int n)
{
	uint32_t bits = 0;

	for (unsigned int i = 0; i < n; i++)
		bits |= irq_enabled(&pf->state->irq[first + i]) ? BIT(i) : 0;
	return bits;
}

/* Return: which of @bits had a cause. */
static uint32_t clear(struct ixgbe_pf *pf, uint32_t bits)
{
	uint32_t had = 0;

	for (unsigned int i = 0; i < QUEUE_VECTORS; i++) {
		if (bits & BIT(i) && irq_clear(&pf->state->irq[i]))
			had |= BIT(i);
	}
	return had;
}

static void raise(struct ixgbe_pf *pf, unsigned int first, unsigned int n, uint32_t bits)
{
	uint64_t now = now_ns();

	for (unsigned int i = first; i < first + n; i++) {
		if (bits & BIT(i - first))
			ixgbe_irq_deliver(pf, IXGBE_PF, ixgbe_message(pf, IXGBE_PF, (int)i),
					  irq_raise(&pf->state->irq[i], now, 1));
	}
}

static void enable(struct ixgbe_pf *pf, unsigned int first, unsigned int n, uint32_t bits)
{
	uint64_t now = now_ns();

	for (unsigned int i = first; i < first + n; i++) {
		if (bits & BIT(i - first))
			ixgbe_irq_deliver(pf, IXGBE_PF, ixgbe_message(pf, IXGBE_PF, (int)i),
					  irq_enable(&pf->state->irq[i], now));
	}
}

static void disable(struct ixgbe_pf *pf, unsigned int first, unsigned int n, uint32_t bits)
{
	for (unsigned int i = 0; i < n; i++) {
		if (bits & BIT(i))
			irq_disable(&pf->state->irq[first + i]);
	}
}

/* --- EICR, EICS, EIMS, EIMC ---------------- */

/*
 * With GPIE.OCD a read clears the other causes only; without GPIE.EIAME it also masks what EIAM
 * names (8.2.3.5.8).
 */
IXGBE_READ(ixgbe_read_eicr)
{
	struct ixgbe_pf *pf = access->pf;
	uint32_t gpie = ixgbe_pf_reg(pf, IXGBE_GPIE);
	uint32_t clears = gpie & IXGBE_GPIE_OCD ? IXGBE_EICR_OCD_CLEARS : UINT32_MAX;

	*value = pending(pf, 0, QUEUE_VECTORS) & ~clears;
	*value |= clear(pf, clears & IXGBE_EICR_QUEUES) | pf->state->eicr_other;
	clear_other(pf, clears);
	if (*value && !(gpie & IXGBE_GPIE_EIAME)) {
		disable(pf, 0, QUEUE_VECTORS, ixgbe_pf_reg(pf, IXGBE_EIAM));
		disable_other(pf, ixgbe_pf_reg(pf, IXGBE_EIAM) & IXGBE_EICR_OTHER);
	}
	return PCIE_DONE;
}

IXGBE_WRITE(ixgbe_write_eicr)
{
	clear(access->pf, value & IXGBE_EICR_QUEUES);
	clear_other(access->pf, value & IXGBE_EICR_OTHER);
	return PCIE_DONE;
}

/* Linux looks at the causes here, then clears them in EICR. */
IXGBE_READ(ixgbe_read_eics)
{
	*value = pending(access->pf, 0, QUEUE_VECTORS) | access->pf->state->eicr_other;
	return PCIE_DONE;
}

IXGBE_WRITE(ixgbe_write_eics)
{
	raise(access->pf, 0, QUEUE_VECTORS, value);
	if (value & IXGBE_EICR_OTHER)
		ixgbe_other_cause(access->pf, value);
	return PCIE_DONE;
}

IXGBE_READ(ixgbe_read_eims)
{
	*value = vectors_enabled(access->pf, 0, QUEUE_VECTORS) | access->pf->state->eims_other;
	return PCIE_DONE;
}

IXGBE_WRITE(ixgbe_write_eims)
{
	enable(access->pf, 0, QUEUE_VECTORS, value);
	enable_other(access->pf, value);
	return PCIE_DONE;
}

IXGBE_WRITE(ixgbe_write_eimc)
{
	disable(access->pf, 0, QUEUE_VECTORS, value);
	disable_other(access->pf, value & IXGBE_EICR_OTHER);
	return PCIE_DONE;
}

/* --- the same by vector ---------------- */

IXGBE_READ(ixgbe_read_eics_ex)
{
	*value = pending(access->pf, access->index * EX_VECTORS, EX_VECTORS);
	return PCIE_DONE;
}

IXGBE_WRITE(ixgbe_write_eics_ex)
{
	raise(access->pf, access->index * EX_VECTORS, EX_VECTORS, value);
	return PCIE_DONE;
}

IXGBE_READ(ixgbe_read_eims_ex)
{
	*value = vectors_enabled(access->pf, access->index * EX_VECTORS, EX_VECTORS);
	return PCIE_DONE;
}

IXGBE_WRITE(ixgbe_write_eims_ex)
{
	enable(access->pf, access->index * EX_VECTORS, EX_VECTORS, value);
	return PCIE_DONE;
}

IXGBE_WRITE(ixgbe_write_eimc_ex)
{
	disable(access->pf, access->index * EX_VECTORS, EX_VECTORS, value);
	return PCIE_DONE;
}

/* --- auto-clear, auto-mask, moderation ---------------- */

/* Vectors beyond EIAC always clear their cause when the message goes out (7.3.1.4). */
static void apply_auto(struct ixgbe_pf *pf)
{
	uint32_t gpie = ixgbe_pf_reg(pf, IXGBE_GPIE), eiac = ixgbe_pf_reg(pf, IXGBE_EIAC);
	uint32_t eiam = ixgbe_pf_reg(pf, IXGBE_EIAM) & IXGBE_EICR_QUEUES;

	for (unsigned int i = 0; i < IXGBE_PF_VECTORS; i++) {
		uint32_t ex = ixgbe_pf_reg(pf, IXGBE_EIAM_EX + i / EX_VECTORS * 4);
		bool mask = ex >> (i % EX_VECTORS) & 1, auto_clear = true;

		if (i < QUEUE_VECTORS) {
			mask |= eiam >> i & 1;
			auto_clear = eiac >> i & 1;
		}
		irq_set_auto(&pf->state->irq[i], auto_clear && msix_mode(pf),
			     mask && gpie & IXGBE_GPIE_EIAME);
	}
}

static void apply_intervals(struct ixgbe_pf *pf)
{
	for (unsigned int i = 0; i < IXGBE_PF_VECTORS; i++)
		irq_set_interval(&pf->state->irq[i],
				 ixgbe_eitr_ns(ixgbe_pf_reg(pf, eitr_offset(i))));
	irq_set_interval(&pf->state->irq_other,
			 ixgbe_eitr_ns(ixgbe_pf_reg(pf, eitr_offset(ixgbe_other_message(pf)))));
}

/* GPIE, EIAC, EIAM, EIAM_EX, IVAR_MISC */
IXGBE_WRITE(ixgbe_write_auto)
{
	access_store(access, value);
	apply_auto(access->pf);
	apply_intervals(access->pf);
	ixgbe_msix_apply(access->pf, IXGBE_PF); /* the other causes may have another message now */
	return PCIE_DONE;
}

IXGBE_WRITE(ixgbe_write_eitr)
{
	access_store(access, value);
	apply_intervals(access->pf);
	return PCIE_DONE;
}

void ixgbe_irq_reset_pf(struct ixgbe_pf *pf)
{
	struct ixgbe_state *state = pf->state;

	for (unsigned int i = 0; i < IXGBE_PF_VECTORS; i++)
		irq_reset(&state->irq[i]);
	state->eicr_other = state->eims_other = 0;
	/* Causes have masks of their own; their message is always on and never holds a cause. */
	irq_reset(&state->irq_other);
	irq_set_auto(&state->irq_other, true, false);
	irq_enable(&state->irq_other, now_ns());
	ixgbe_msix_apply(pf, IXGBE_PF);
}
