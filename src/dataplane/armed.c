/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * armed.c - moderated interrupts: any thread arms a vport, its worker expires it when due.
 *
 * Arming lowers the vport's due time, then sets its bit, then lowers the port's due time. The worker looks at one
 * word, the port's due time; only when that has come does it visit the vports whose bit is set. It takes the port's due
 * time away first, then looks at the bits: whoever arms too late for that look lowers the due time after it was taken
 * and is seen next time. A visit too many is harmless: the model answers irq_expire() with the time still due.
 */
#include "dataplane/internal.h"

void dp_armed_init(struct dp_armed *armed)
{
	memset(armed, 0, sizeof(*armed));
	atomic_store(&armed->due_ns, DP_NOT_DUE);
	for (unsigned int i = 0; i < ESWITCH_VPORTS; i++)
		atomic_store_explicit(&armed->vport_due_ns[i], DP_NOT_DUE, memory_order_relaxed);
}

void dp_armed_add(struct dp_armed *armed, unsigned int vport, uint64_t due_ns)
{
	uint64_t bit = BIT64(vport % 64);

	atomic_min(&armed->vport_due_ns[vport], due_ns);
	if (!(atomic_load(&armed->set[vport / 64]) & bit))
		atomic_fetch_or(&armed->set[vport / 64], bit);
	atomic_min(&armed->due_ns, due_ns);
}

static void expire_vport(struct dp_armed *armed, const struct dp_config *config, unsigned int vport,
			 uint64_t now)
{
	const struct dp_vport *to = &config->vport[vport];
	uint64_t due;

	/* Bit before time before model: what is armed meanwhile is either seen by irq_expire() or armed again. */
	atomic_fetch_and(&armed->set[vport / 64], ~BIT64(vport % 64));
	atomic_exchange(&armed->vport_due_ns[vport], DP_NOT_DUE);
	if (!to->ops)
		return;
	due = to->ops->irq_expire(to->pool, now);
	if (due != DP_NOT_DUE)
		dp_armed_add(armed, vport, due);
}

void dp_armed_expire(struct dp_armed *armed, const struct dp_config *config, uint64_t now)
{
	uint64_t next = DP_NOT_DUE;

	if (likely(atomic_load(&armed->due_ns) > now))
		return;
	atomic_exchange(&armed->due_ns, DP_NOT_DUE);
	for (unsigned int i = 0; i < ESWITCH_SET_WORDS; i++) {
		uint64_t left = atomic_load(&armed->set[i]);

		for (; left; left &= left - 1) {
			unsigned int vport = i * 64 + (unsigned int)__builtin_ctzll(left);
			uint64_t due = atomic_load(&armed->vport_due_ns[vport]);

			if (due <= now)
				expire_vport(armed, config, vport, now);
			else if (due < next)
				next = due;
		}
	}
	atomic_min(&armed->due_ns, next);
}
