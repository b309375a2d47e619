/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * fault.c - refused accesses: counted by reason, the latest kept with their address.
 *
 * Workers and the device thread record, anybody reads, nobody locks. A writer draws a ticket; the
 * record goes to slot ticket modulo IOMMU_FAULT_RECORDS. The slot's @fault_ticket is the lock of
 * that slot: BUSY while it is written, then ticket + 1. A writer that finds the slot busy, or
 * already holding a later record, drops its own: it is counted all the same. A reader takes a
 * record only if the slot shows the expected ticket before and after the copy.
 *
 * Ordering: a record is stored in 64-bit words with release and loaded with acquire. A reader that
 * got a word of a newer record therefore also sees the BUSY that was stored before it, and discards
 * the copy.
 *
 * All of it lives in the state file. A process that is killed leaves at most busy slots, cleared at
 * adoption.
 */
#include "iommu/internal.h"

#include <time.h>

#define BUSY UINT64_MAX
#define FAULT_WORDS (sizeof(struct iommu_fault) / sizeof(uint64_t))

_Static_assert(sizeof(struct iommu_fault) % sizeof(uint64_t) == 0, "records are copied by words");

union fault_words {
	struct iommu_fault fault;
	uint64_t word[FAULT_WORDS];
};

const char *iommu_fault_text(enum iommu_fault_reason reason)
{
	static const char *const text[] = {
		[IOMMU_FAULT_NOT_MAPPED] = "address not mapped",
		[IOMMU_FAULT_PERMISSION] = "mapped, but not for this direction",
		[IOMMU_FAULT_NOT_SHARED] = "memory not shared",
		[IOMMU_FAULT_ADDRESS_WIDTH] = "address beyond 48 bits",
		[IOMMU_FAULT_BUS_MASTER_OFF] = "bus mastering is off",
	};

	return (unsigned int)reason < ARRAY_SIZE(text) ? text[reason] : "unknown reason";
}

void fault_adopt(struct iommu_state *state)
{
	for (unsigned int i = 0; i < IOMMU_FAULT_RECORDS; i++) {
		if (atomic_load(&state->fault_ticket[i]) == BUSY)
			atomic_store(&state->fault_ticket[i], 0);
	}
}

static uint64_t realtime_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_REALTIME, &t);
	return (uint64_t)t.tv_sec * NSEC_PER_SEC + (uint64_t)t.tv_nsec;
}

static bool slot_lock(struct iommu_state *state, unsigned int slot, uint64_t ticket)
{
	uint64_t held = atomic_load_explicit(&state->fault_ticket[slot], memory_order_relaxed);

	/* BUSY is above all tickets. */
	return held <= ticket &&
	       atomic_compare_exchange_strong(&state->fault_ticket[slot], &held, BUSY);
}

void iommu_fault_record(struct iommu_domain *domain, uint64_t iova, uint32_t len, uint32_t perm,
			enum iommu_fault_reason reason)
{
	struct iommu_state *state = domain->state;
	union fault_words record = { .fault = { .iova = iova,
						.len = len,
						.requester = domain->requester,
						.perm = (uint8_t)perm,
						.reason = (uint8_t)reason } };
	uint64_t ticket, *to;
	unsigned int slot;

	atomic_fetch_add_explicit(&state->fault_count[reason], 1, memory_order_relaxed);
	ticket = atomic_fetch_add_explicit(&state->fault_next, 1, memory_order_relaxed);
	slot = ticket % IOMMU_FAULT_RECORDS;
	if (!slot_lock(state, slot, ticket))
		return;
	record.fault.time_ns = realtime_ns();
	to = (uint64_t *)&state->fault[slot];
	for (unsigned int i = 0; i < FAULT_WORDS; i++)
		__atomic_store_n(&to[i], record.word[i], __ATOMIC_RELEASE);
	atomic_store_explicit(&state->fault_ticket[slot], ticket + 1, memory_order_release);
}

static bool fault_copy(const struct iommu_state *state, uint64_t ticket, struct iommu_fault *fault)
{
	unsigned int slot = ticket % IOMMU_FAULT_RECORDS;
	const uint64_t *from = (const uint64_t *)&state->fault[slot];
	const _Atomic uint64_t *lock = &state->fault_ticket[slot];
	union fault_words record;

	if (atomic_load_explicit(lock, memory_order_acquire) != ticket + 1)
		return false;
	for (unsigned int i = 0; i < FAULT_WORDS; i++)
		record.word[i] = __atomic_load_n(&from[i], __ATOMIC_ACQUIRE);
	if (atomic_load_explicit(lock, memory_order_relaxed) != ticket + 1)
		return false;
	*fault = record.fault;
	return true;
}

unsigned int iommu_faults(const struct iommu_domain *domain, struct iommu_fault *fault,
			  unsigned int max)
{
	uint64_t next = atomic_load_explicit(&domain->state->fault_next, memory_order_relaxed);
	uint64_t oldest = next - MIN(next, (uint64_t)IOMMU_FAULT_RECORDS);
	unsigned int copied = 0;

	while (next > oldest && copied < max) {
		if (fault_copy(domain->state, --next, &fault[copied]))
			copied++;
	}
	return copied;
}
