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
 * What moderation is there for is few wake-ups of the driver, and two kinds of causes would have
 * most of them for nothing. One is the transmit completion: a device may put off its write-back
 * (82599 data sheet, 7.2.3.5: thresholds, and the interrupt timer), so it is patient here: it comes
 * along with the next received frame, or when the driver has not been woken for long. The other is
 * the cause that came while the driver polled with the vector disabled, of frames that it found:
 * hence the time it is held when the driver enables the vector. Both waits end by themselves, as
 * moderation does, and are multiples of the interval that the driver asked for (7.3.2.1.1): who
 * wants interrupts soon says so there. A sender that gets no other interrupts, because answers reach
 * another queue, waits for the completions before it sends more: its patience is short.
 *
 * Specification: PCI Express Base 5.0, 6.1.4 (MSI-X, mask and pending bits).
 */
#include "pcie/irq.h"

#define TIME_SHIFT \
	8 /* the time starts at bit 8, in units of 2^8 ns: the word with its low byte cleared */
#define TIME_UNIT_NS (1ull << TIME_SHIFT)
#define TIME_MASK (~(TIME_UNIT_NS - 1))

static uint64_t round_up(uint64_t ns)
{
	return (ns + TIME_UNIT_NS - 1) & TIME_MASK;
}

/* When what is owed may be signalled. */
static uint64_t due(uint64_t word, uint32_t interval_ns)
{
	uint64_t step = interval_ns < IRQ_PATIENCE_NS ? interval_ns : IRQ_PATIENCE_NS;
	uint64_t next = word & TIME_MASK;

	if (word & IRQ_PATIENT)
		next += step * (word & IRQ_COMPANY ? IRQ_PATIENCE : IRQ_PATIENCE_ALONE);
	return next;
}

static uint32_t interval_of(const struct irq_vector *vector)
{
	return atomic_load_explicit(&vector->interval_ns, memory_order_relaxed);
}

/* swap_result() - what a raise, held back, waits for is told to the caller. */
static struct irq_result held_result(uint64_t word, uint32_t interval_ns)
{
	struct irq_result result = { .signal = false };

	if ((word & IRQ_OWED) && (word & IRQ_ENABLED) && !(word & IRQ_MASKED))
		result.due_ns = due(word, interval_ns);
	return result;
}

static bool deliverable(uint64_t word, uint32_t interval_ns, uint64_t now)
{
	const uint64_t gates = IRQ_OWED | IRQ_ENABLED | IRQ_MASKED;

	return (word & gates) == (IRQ_OWED | IRQ_ENABLED) && now >= due(word, interval_ns);
}

/* The word after it was signalled at @now. The next time is rounded up: never early. */
static uint64_t after_signal(uint64_t word, uint64_t now, uint32_t interval_ns)
{
	uint64_t next = interval_ns ? round_up(now + interval_ns) : 0;

	word = word & IRQ_PATIENT ? word & ~(uint64_t)IRQ_COMPANY : word | IRQ_COMPANY;
	word &= ~(TIME_MASK | IRQ_OWED | IRQ_PATIENT);
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
	uint32_t interval = interval_of(vector);
	bool signal = deliverable(changed, interval, now);
	uint64_t next = signal ? after_signal(changed, now, interval) : changed;

	if (!atomic_compare_exchange_weak_explicit(&vector->word, old, next, memory_order_acq_rel,
						   memory_order_acquire))
		return false;
	if (signal) {
		atomic_fetch_add_explicit(&vector->signalled, 1, memory_order_relaxed);
		atomic_store_explicit(&vector->patient, 0, memory_order_relaxed);
	}
	*result = held_result(next, interval);
	result->signal = signal;
	return true;
}

/* The word after a raise: patient only if all that is owed is. */
static uint64_t after_raise(uint64_t word, bool patient)
{
	if (!patient)
		word &= ~(uint64_t)IRQ_PATIENT;
	else if (!(word & IRQ_OWED))
		word |= IRQ_PATIENT;
	return word | IRQ_CAUSE | IRQ_OWED;
}

static struct irq_result raise_cause(struct irq_vector *vector, uint64_t now, unsigned int count,
				     bool patient)
{
	uint64_t word = atomic_load_explicit(&vector->word, memory_order_acquire);
	struct irq_result result;

	atomic_fetch_add_explicit(&vector->causes, count, memory_order_relaxed);
	while (!swap(vector, &word, after_raise(word, patient), now, &result))
		;
	if (result.due_ns)
		atomic_fetch_add_explicit(&vector->held_by_moderation, count, memory_order_relaxed);
	else if (!result.signal)
		atomic_fetch_add_explicit(&vector->held_by_mask, count, memory_order_relaxed);
	return result;
}

struct irq_result irq_raise(struct irq_vector *vector, uint64_t now, unsigned int count)
{
	return raise_cause(vector, now, count, false);
}

struct irq_result irq_raise_patient(struct irq_vector *vector, uint64_t now, unsigned int count)
{
	uint32_t before = atomic_fetch_add_explicit(&vector->patient, count, memory_order_relaxed);

	return raise_cause(vector, now, count, before + count < IRQ_PATIENT_CAUSES);
}

/* The word after the driver enabled the vector at @now. */
static uint64_t after_enable(uint64_t word, uint64_t now, uint32_t interval_ns)
{
	uint64_t step = interval_ns < IRQ_PATIENCE_NS ? interval_ns : IRQ_PATIENCE_NS;
	uint64_t next = round_up(now + step * IRQ_LATCHED);

	if ((word & IRQ_ENABLED) || !(word & IRQ_CAUSE))
		return word | IRQ_ENABLED;
	if (interval_ns && next > (word & TIME_MASK))
		word = (word & ~TIME_MASK) | next;
	return word | IRQ_ENABLED | IRQ_OWED;
}

struct irq_result irq_enable(struct irq_vector *vector, uint64_t now)
{
	uint64_t word = atomic_load_explicit(&vector->word, memory_order_acquire);
	struct irq_result result;
	uint64_t changed;

	do {
		changed = after_enable(word, now, interval_of(vector));
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
		uint32_t interval = interval_of(vector);

		if (!deliverable(word, interval, now))
			return held_result(word, interval);
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
	const uint64_t keep = ~(uint64_t)(IRQ_CAUSE | IRQ_OWED | IRQ_PATIENT);

	return atomic_fetch_and_explicit(&vector->word, keep, memory_order_acq_rel) & IRQ_CAUSE;
}

void irq_reset(struct irq_vector *vector)
{
	irq_set_interval(vector, 0);
	atomic_store_explicit(&vector->patient, 0, memory_order_relaxed);
	atomic_store_explicit(&vector->word, 0, memory_order_release);
}
