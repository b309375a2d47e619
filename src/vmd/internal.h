/* SPDX-License-Identifier: BSD-3-Clause */
/* internal.h - what the files of this room share with each other and with nobody else. */
#ifndef SOFTIOV_VMD_INTERNAL_H
#define SOFTIOV_VMD_INTERNAL_H

#include <event2/event.h>
#include <event2/event_struct.h>
#include <linux/pci_regs.h>
#include <stdatomic.h>

#include "util/log.h"
#include "util/quiesce.h"
#include "vfio_user/server.h"
#include "vmd/vmd.h"

/* BARs of the endpoint, as Linux' vmd.c names them. */
enum vmd_bar { VMD_CFGBAR = 0, VMD_MEMBAR1 = 2, VMD_MEMBAR2 = 4 };

#define VMD_BUS_SIZE (1ull << 20) /* of CFGBAR: 256 functions of 4 KiB */
#define VMD_MEMBAR1_SIZE \
	(32ull << 20) /* 8 PFs of 512 + 16 KiB with 64 VFs of 2 x 16 KiB: 20.2 MiB */
#define VMD_MEMBAR2_SIZE 0x4000ull
#define VMD_MEMBAR2_OWN 0x2000u /* the rest is the children's */
#define VMD_VECTORS 1u
#define VMD_MSIX_TABLE 0u
#define VMD_MSIX_PBA 0x1000u

#define VMD_FUNCTIONS_PER_BUS 256u
#define VMD_SLOTS (VMD_MAX_BUSES * VMD_FUNCTIONS_PER_BUS)
#define VMD_SLOTS_PER_WORD 64u

/**
 * struct vmd - an endpoint. A *slot* is a routing ID counted from bus @first_bus on. Any thread touches what irqs.c
 * says, the rest is the device thread's.
 */
struct vmd {
	struct vmd_config config;
	struct quiesce *quiesce;
	struct quiesce_head head;
	struct vfio_user_server *server;
	bool attached;

	/* the endpoint itself */
	struct pcie_layout layout;
	struct pcie_function endpoint;
	uint8_t table[VMD_VECTORS *
		      PCI_MSIX_ENTRY_SIZE]; /* plain memory: the endpoint has nothing to say */

	/* interrupts of the functions behind it, see irqs.c */
	int wake_fd;
	struct event wake, retry;
	_Atomic bool awake;
	_Atomic uint64_t ready[VMD_SLOTS / VMD_SLOTS_PER_WORD]; /* slots with pending vectors */
	_Atomic uint64_t pending[VMD_SLOTS];			/* vectors to be sent */
	uint64_t held[VMD_SLOTS]; /* vectors that the table masks by now */
	uint64_t sent;
	_Atomic uint64_t lost;
};

/* endpoint.c: configuration space of the endpoint, reset of all that is behind it. */
void endpoint_layout(struct vmd *vmd);
/** endpoint_power_on() - power-on values, sticky bits too. */
void endpoint_power_on(struct vmd *vmd);
bool endpoint_bus_master(const struct vmd *vmd);
/** endpoint_bypasses_remapping() - may children interrupt by messages of their own? */
bool endpoint_bypasses_remapping(const struct vmd *vmd);

/* regions.c */
void vmd_region(void *ctx, unsigned int index, struct vfio_user_region *region);
int vmd_read(void *ctx, unsigned int index, uint64_t offset, void *data, uint32_t len);
int vmd_write(void *ctx, unsigned int index, uint64_t offset, const void *data, uint32_t len);

/* irqs.c */
int irqs_open(struct vmd *vmd, struct event_base *base);
/** irqs_stop() - no event any more; irqs_close() - nobody signals any more. */
void irqs_stop(struct vmd *vmd);
void irqs_close(struct vmd *vmd);
/** irqs_reset() - what is pending is gone, and counted as lost. */
void irqs_reset(struct vmd *vmd);
/** irqs_written() - the guest wrote to a register of @routing_id: its vectors may not be masked any more. */
void irqs_written(struct vmd *vmd, uint16_t routing_id);

static inline int quiesce_too(int result)
{
	return result == PCIE_QUIESCE ? VFIO_USER_QUIESCE : VFIO_USER_DONE;
}

#endif
