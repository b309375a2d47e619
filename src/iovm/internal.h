/* SPDX-License-Identifier: BSD-3-Clause */
/* internal.h - what the files of this room share with each other and with nobody else. */
#ifndef SOFTIOV_IOVM_INTERNAL_H
#define SOFTIOV_IOVM_INTERNAL_H

#include <linux/pci_regs.h>
#include <stdatomic.h>

#include "iovm/iovm.h"
#include "util/log.h"
#include "util/quiesce.h"
#include "vfio_user/server.h"

/**
 * struct notifier - an eventfd as workers hold it: replaced as a whole, closed and freed after a
 * grace period.
 */
struct notifier {
	struct quiesce_head head;
	int fd;
};

/** struct iovm_vf - a managed VF. Workers read only what irqs.c says. */
struct iovm_vf {
	struct iovm_vf_config config;
	struct quiesce *quiesce;
	struct vfio_user_server *server;
	struct quiesce_head head;

	/* the function that the VM sees */
	struct pcie_layout layout;
	struct pcie_function function;
	unsigned int vectors;

	/* interrupts, see irqs.c */
	struct notifier *_Atomic notifier[IOVM_MAX_VECTORS];
	_Atomic uint64_t pending; /* raised before there was a notifier */
	_Atomic bool msix_enabled;
	_Atomic uint64_t lost_signals;

	/* the client */
	bool attached;
	bool want_shared; /* registers, from the next client on */
	int shared_fd;	  /* of this client, -1: trapped; the device model's */
	bool broken;
	bool orphan;		    /* the bare VF was taken away from under it */
	bool large_not_shared;	    /* a large map came without a file */
	bool look_at_memory;	    /* a large file was mapped: is it private? */
	uint64_t not_shared_faults; /* of earlier clients */
	struct log_limit limit;
};

/* virtual_config.c */
int virtual_config_compose(struct pcie_layout *layout, const struct pcie_function *pf,
			   const struct pcie_function *bare, struct reason *why);

/* irqs.c */
int vf_irq_set(void *ctx, enum vfio_user_irq irq, unsigned int vector, int fd);
unsigned int vf_irq_count(void *ctx, enum vfio_user_irq irq);
void vf_irq_trigger(void *ctx, enum vfio_user_irq irq, unsigned int vector);
void vf_intx_mask(void *ctx, bool masked);
void irqs_msix_enable(struct iovm_vf *vf, bool enable);
void irqs_release_all(struct iovm_vf *vf);
unsigned int irqs_assigned(const struct iovm_vf *vf);

/* regions.c */
void vf_region(void *ctx, unsigned int index, struct vfio_user_region *region);
int vf_read(void *ctx, unsigned int index, uint64_t offset, void *data, uint32_t len);
int vf_write(void *ctx, unsigned int index, uint64_t offset, const void *data, uint32_t len);

/* advice.c */
void advice_attached(struct iovm_vf *vf);
void advice_mapped(struct iovm_vf *vf, uint64_t size, int fd);
void advice_look(struct iovm_vf *vf);
const char *advice_text(const struct iovm_vf *vf);

/**
 * notify() - add 1 to the counter of eventfd @fd. Any thread; never blocks, even when the counter
 * is full and the eventfd is in blocking mode.
 */
void notify(int fd);

#endif
