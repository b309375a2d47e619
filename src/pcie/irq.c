// SPDX-License-Identifier: BSD-3-Clause
/*
 * irq.c - one MSI-X vector as one atomic word.
 *
 * Cause, enable, mask and moderation time change together by compare-and-swap, so every
 * transition has one place in one order, and the thread whose swap makes the vector deliverable
 * is the one that signals it. A vector is deliverable when a raise is still *owed* to the driver,
 * the vector is enabled and unmasked, and its time has come. Nothing is lost: a raise stays owed
 * in the word until some swap takes it to signal, and every swap that ends the reason for waiting
 * (irq_enable(), irq_mask(), irq_expire(), another irq_raise()) looks for it. Nothing is doubled:
 * the swap that signals takes the debt with it and moves the earliest time of the next signal in
 * the same step.
 *
 * The cause itself may outlive the signal (bit 2 clear): it stays readable until the driver
 * acknowledges it with irq_clear(), and enabling a disabled vector with a cause signals it anew,
 * as the interrupt cause register of a device does.
 *
 * Specification: PCI Express Base 5.0, 6.1.4 (MSI-X, mask and pending bits).
 */
#include "pcie/irq.h"

#define TIME_SHIFT \
	8 /* the time starts at bit 8, in units of 2^8 ns: the word with its low byte cleared */
#define TIME_UNIT_NS (1ull << TIME_SHIFT)
#define TIME_MASK (~(TIME_UNIT_NS - 1))

/* swap_result() - what a raise, held back, waits for is told to the caller. */
static struct irq_result held_result(uint64_t word)
{
	struct irq_result result = { .signal = false };

	if ((word & IRQ_OWED) && (word & IRQ_ENABLED) && !(word & IRQ_MASKED))
		result.due_ns = word & TIME_MASK;
	return result;
}

static bool deliverable(uint64_t word, uint64_t now)
{
	const uint64_t gates = IRQ_OWED | IRQ_ENABLED | IRQ_MASKED;

	return (word & gates) == (IRQ_OWED | IRQ_ENABLED) && now >= (word & TIME_MASK);
}

/* The word after it was signalled at @now. The next time is rounded up: never early. */
static uint64_t after_signal(uint64_t word, uint64_t now, uint32_t interval_ns)
{
	uint64_t next = interval_ns ? (now + interval_ns + TIME_UNIT_NS - 1) & TIME_MASK : 0;

	word &= ~(TIME_MASK | IRQ_OWED);
	if (word & IRQ_AUTO_CLEAR)
		word &= ~(uint64_t)IRQ_CAUSE;
	if (word & IRQ_AUTO_DISABLE)
		word &= ~(uint64_t)IRQ_ENABLED;
	return word | next;
}

/*
 * Replace *@old by @changed, or by @changed as it is after a signal when it is deliverable.
 * Return: false when another thread was faster; *@old is then what it wrote.
 */
static bool swap(struct irq_vector *vector, uint64_t *old, uint64_t changed, uint64_t now,
		 struct irq_result *result)
{
	bool signal = deliverable(changed, now);
	uint32_t interval = atomic_load_explicit(&vector->interval_ns, memory_order_relaxed);
	uint64_t next = signal ? after_signal(changed, now, interval) : changed;

	if (!atomic_compare_exchange_weak_explicit(&vector->word, old, next, memory_order_acq_rel,
						   memory_order_acquire))
		return false;
	if (signal)
		atomic_fetch_add_explicit(&vector->signalled, 1, memory_order_relaxed);
	*result = held_result(next);
	result->signal = signal;
	return true;
}

struct irq_result irq_raise(struct irq_vector *vector, uint64_t now, unsigned int count)
{
	uint64_t word = atomic_load_explicit(&vector->word, memory_order_acquire);
	struct irq_result result;

	atomic_fetch_add_explicit(&vector->causes, count, memory_order_relaxed);
	while (!swap(vector, &word, word | IRQ_CAUSE | IRQ_OWED, now, &result))
		;
	if (result.due_ns)
		atomic_fetch_add_explicit(&vector->held_by_moderation, count, memory_order_relaxed);
	else if (!result.signal)
		atomic_fetch_add_explicit(&vector->held_by_mask, count, memory_order_relaxed);
	return result;
}

struct irq_result irq_enable(struct irq_vector *vector, uint64_t now)
{
	uint64_t word = atomic_load_explicit(&vector->word, memory_order_acquire);
	struct irq_result result;
	uint64_t changed;

	do {
		changed = word | IRQ_ENABLED;
		if (!(word & IRQ_ENABLED) && (word & IRQ_CAUSE))
			changed |= IRQ_OWED;
	} while (!swap(vector, &word, changed, now, &result));
	return result;
}

void irq_disable(struct irq_vector *vector)
{
	atomic_fetch_and_explicit(&vector->word, ~(uint64_t)IRQ_ENABLED, memory_order_acq_rel);
}

struct irq_result irq_mask(struct irq_vector *vector, bool masked, uint64_t now)
{
	uint64_t word = atomic_load_explicit(&vector->word, memory_order_acquire);
	struct irq_result result;
	uint64_t changed;

	do
		changed = masked ? word | IRQ_MASKED : word & ~(uint64_t)IRQ_MASKED;
	while (!swap(vector, &word, changed, now, &result));
	return result;
}

struct irq_result irq_expire(struct irq_vector *vector, uint64_t now)
{
	uint64_t word = atomic_load_explicit(&vector->word, memory_order_acquire);
	struct irq_result result;

	do {
		if (!deliverable(word, now))
			return held_result(word);
	} while (!swap(vector, &word, word, now, &result));
	return result;
}

void irq_set_auto(struct irq_vector *vector, bool auto_clear, bool auto_disable)
{
	uint64_t word = atomic_load_explicit(&vector->word, memory_order_relaxed);
	uint64_t bits = (auto_clear ? IRQ_AUTO_CLEAR : 0) | (auto_disable ? IRQ_AUTO_DISABLE : 0);
	const uint64_t keep = ~(uint64_t)(IRQ_AUTO_CLEAR | IRQ_AUTO_DISABLE);

	while (!atomic_compare_exchange_weak_explicit(&vector->word, &word, (word & keep) | bits,
						      memory_order_acq_rel, memory_order_relaxed))
		;
}

void irq_set_interval(struct irq_vector *vector, uint32_t interval_ns)
{
	atomic_store_explicit(&vector->interval_ns, interval_ns, memory_order_relaxed);
}

bool irq_pending(const struct irq_vector *vector)
{
	return atomic_load_explicit(&vector->word, memory_order_acquire) & IRQ_CAUSE;
}

bool irq_enabled(const struct irq_vector *vector)
{
	return atomic_load_explicit(&vector->word, memory_order_acquire) & IRQ_ENABLED;
}

bool irq_clear(struct irq_vector *vector)
{
	const uint64_t keep = ~(uint64_t)(IRQ_CAUSE | IRQ_OWED);

	return atomic_fetch_and_explicit(&vector->word, keep, memory_order_acq_rel) & IRQ_CAUSE;
}

void irq_reset(struct irq_vector *vector)
{
	irq_set_interval(vector, 0);
	atomic_store_explicit(&vector->word, 0, memory_order_release);
}
