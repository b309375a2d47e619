// SPDX-License-Identifier: BSD-3-Clause
/*
 * irqs.c - MSI-X vectors of a VF: the client's eventfds, signalled by workers while the device
 * thread assigns and replaces them.
 *
 * A vector's slot is an atomic pointer to a struct notifier. Workers read it between two
 * quiescent points; the device thread swaps it and closes the old eventfd a grace period later,
 * so a worker never writes to a descriptor number that means something else by then.
 *
 * A guest enables MSI-X before its VMM assigns the eventfds. What is raised in between is latched
 * in @pending, as the pending bit array of a device does, and delivered with the assignment.
 * Signaller and assigner each write their part first and then look at the other's (sequentially
 * consistent), so one of them, or both, sees both; taking the pending bit decides who delivers.
 *
 * Masking is the device model's (irq.h); the vector mask bits of the table are the VMM's, who
 * emulates the table. Specification: PCI Express Base 5.0, 6.1.4.
 */
#include <stdlib.h>
#include <unistd.h>

#include "iovm/internal.h"

static void notifier_free(struct quiesce_head *head)
{
	struct notifier *notifier = container_of(head, struct notifier, head);

	close(notifier->fd);
	free(notifier);
}

/* Return: was there one before? It is closed after a grace period. */
static bool replace(struct iovm_vf *vf, unsigned int vector, struct notifier *notifier)
{
	struct notifier *old = atomic_exchange(&vf->notifier[vector], notifier);

	if (old)
		quiesce_call(vf->quiesce, &old->head, notifier_free);
	return old;
}

static bool take_pending(struct iovm_vf *vf, unsigned int vector)
{
	return atomic_fetch_and(&vf->pending, ~BIT64(vector)) & BIT64(vector);
}

void iovm_vf_signal(struct iovm_vf *vf, unsigned int vector)
{
	struct notifier *notifier;

	if (vector >= vf->vectors)
		return;
	if (!atomic_load_explicit(&vf->msix_enabled, memory_order_acquire)) {
		atomic_fetch_add_explicit(&vf->lost_signals, 1, memory_order_relaxed);
		return;
	}
	notifier = atomic_load(&vf->notifier[vector]);
	if (!notifier) {
		atomic_fetch_add_explicit(&vf->lost_signals, 1, memory_order_relaxed);
		atomic_fetch_or(&vf->pending, BIT64(vector));
		notifier = atomic_load(&vf->notifier[vector]);
		if (!notifier || !take_pending(vf, vector))
			return;
	}
	notify(notifier->fd);
}

unsigned int vf_irq_count(void *ctx, enum vfio_user_irq irq)
{
	struct iovm_vf *vf = ctx;

	return irq == VFIO_USER_MSIX ? vf->vectors : 0;
}

/* VFIO_USER_QUIESCE: the client may count on no signal to an eventfd it took back. */
int vf_irq_set(void *ctx, enum vfio_user_irq irq, unsigned int vector, int fd)
{
	struct iovm_vf *vf = ctx;
	struct notifier *notifier = NULL;
	bool replaced;

	if (irq != VFIO_USER_MSIX || vector >= vf->vectors)
		return -EINVAL;
	if (fd >= 0) {
		notifier = calloc(1, sizeof(*notifier));
		if (!notifier)
			return -ENOMEM;
		notifier->fd = fd;
	}
	replaced = replace(vf, vector, notifier);
	if (notifier && take_pending(vf, vector))
		notify(notifier->fd);
	return replaced ? VFIO_USER_QUIESCE : VFIO_USER_DONE;
}

void vf_irq_trigger(void *ctx, enum vfio_user_irq irq, unsigned int vector)
{
	struct iovm_vf *vf = ctx;
	struct notifier *notifier;

	if (irq != VFIO_USER_MSIX || vector >= vf->vectors)
		return;
	notifier = atomic_load(&vf->notifier[vector]);
	if (notifier)
		notify(notifier->fd);
}

void vf_intx_mask(void *ctx, bool masked)
{
	/* A VF has no INTx (9.3.4.1): the server refuses the index, its count is 0. */
}

/* Pending bits are those of MSI-X: off, there are none. */
void irqs_msix_enable(struct iovm_vf *vf, bool enable)
{
	atomic_store_explicit(&vf->msix_enabled, enable, memory_order_release);
	if (!enable)
		atomic_store(&vf->pending, 0);
}

void irqs_release_all(struct iovm_vf *vf)
{
	for (unsigned int i = 0; i < vf->vectors; i++)
		replace(vf, i, NULL);
	atomic_store(&vf->pending, 0);
}

unsigned int irqs_assigned(const struct iovm_vf *vf)
{
	unsigned int assigned = 0;

	for (unsigned int i = 0; i < vf->vectors; i++)
		assigned += atomic_load_explicit(&vf->notifier[i], memory_order_relaxed) != NULL;
	return assigned;
}
