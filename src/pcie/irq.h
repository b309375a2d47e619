/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * irq.h - an MSI-X vector with cause, mask and moderation in one atomic word, so that any thread
 * may raise, mask or unmask it and exactly one of them signals it.
 *
 * Bits 63:8 of the word are the earliest time of the next signal in units of 256 ns of
 * CLOCK_MONOTONIC (0: no limit); the low bits are enum irq_word.
 *
 * A cause that meets an enabled vector before its time is *held by moderation*: irq_raise() and
 * irq_enable() return the time at which irq_expire() must be called. A cause that meets a
 * disabled vector is *held by mask*; enabling holds what it finds for IRQ_LATCHED intervals, because
 * the driver has just looked and most such causes are of what it saw.
 *
 * A *patient* cause (a transmit completion: nobody waits for it as for a received frame) is held
 * until one comes that is not, or IRQ_PATIENT_CAUSES have gathered, or IRQ_PATIENCE intervals have
 * passed after the end of the one that moderation asks for; IRQ_PATIENCE_ALONE, where company is not
 * to be expected because nothing else was signalled last time.
 * Without moderation nothing is patient.
 */
#ifndef SOFTIOV_PCIE_IRQ_H
#define SOFTIOV_PCIE_IRQ_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#define IRQ_LATCHED 2	       /* intervals from enabling to a signal for what was latched */
#define IRQ_PATIENCE 36	       /* intervals */
#define IRQ_PATIENCE_ALONE 10  /* intervals */
#define IRQ_PATIENCE_NS 80000u /* an interval counts as no longer here */
#define IRQ_PATIENT_CAUSES 32

/** enum irq_word - low bits of the word. */
enum irq_word {
	IRQ_CAUSE = 1 << 0,   /* cause pending: raised and neither auto-cleared nor acknowledged */
	IRQ_ENABLED = 1 << 1, /* enabled by the driver (interrupt mask set) */
	IRQ_AUTO_CLEAR = 1 << 2,   /* clear the cause when signalled */
	IRQ_AUTO_DISABLE = 1 << 3, /* disable when signalled */
	IRQ_MASKED = 1 << 4,	   /* by MSI-X function or vector mask */
	IRQ_OWED = 1 << 5,	   /* raised and not yet signalled; the MSI-X pending bit */
	IRQ_PATIENT = 1 << 6,	   /* all that is owed may wait for company */
	IRQ_COMPANY = 1 << 7,	   /* what was signalled last was not patient */
};

/**
 * struct irq_vector - one vector; lives in the card's state file. Zeroed memory: disabled, no
 * cause, no limit.
 */
struct irq_vector {
	_Atomic uint64_t word;
	_Atomic uint32_t interval_ns;	     /* minimum time between signals, 0: none */
	_Atomic uint32_t patient;	     /* patient causes since the last signal */
	_Atomic uint64_t causes;	     /* raises, coalesced or not */
	_Atomic uint64_t held_by_mask;	     /* raises that found the vector disabled */
	_Atomic uint64_t held_by_moderation; /* raises that came too early */
	_Atomic uint64_t signalled;
};

/** struct irq_ops - @signal: deliver (eventfd write, MSI write). Any thread; must not block. */
struct irq_ops {
	void (*signal)(void *ctx, unsigned int vector);
};

/**
 * struct irq_result - what the caller must do.
 * @signal: deliver now
 * @due_ns: 0, or when to call irq_expire()
 */
struct irq_result {
	bool signal;
	uint64_t due_ns;
};

/** irq_raise() - a cause happened @count times (>= 1) at @now (CLOCK_MONOTONIC ns). */
struct irq_result irq_raise(struct irq_vector *vector, uint64_t now, unsigned int count);
/** irq_raise_patient() - the same, of a cause that may wait for company. */
struct irq_result irq_raise_patient(struct irq_vector *vector, uint64_t now, unsigned int count);
/** irq_enable() - the driver unmasks; a pending cause is held by moderation, from @now on, or signalled. */
struct irq_result irq_enable(struct irq_vector *vector, uint64_t now);
void irq_disable(struct irq_vector *vector);
/** irq_mask() - MSI-X mask bit (vector or function). */
struct irq_result irq_mask(struct irq_vector *vector, bool masked, uint64_t now);
/** irq_expire() - moderation time may have come; @due_ns again if still early. */
struct irq_result irq_expire(struct irq_vector *vector, uint64_t now);
void irq_set_auto(struct irq_vector *vector, bool auto_clear, bool auto_disable);
void irq_set_interval(struct irq_vector *vector, uint32_t interval_ns);
bool irq_pending(const struct irq_vector *vector);
bool irq_enabled(const struct irq_vector *vector);
/** irq_clear() - the driver acknowledges: drop the cause. Return: was it pending? */
bool irq_clear(struct irq_vector *vector);
/** irq_reset() - function reset: disabled, no cause, no interval; counters stay. */
void irq_reset(struct irq_vector *vector);

#endif
