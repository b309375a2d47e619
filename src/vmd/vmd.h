/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * vmd.h - an Intel Volume Management Device: one PCI endpoint, plugged into a VM over vfio-user, behind which the
 * guest's stock vmd driver enumerates a PCI domain of its own. So a VM gets a whole card, PFs with their SR-IOV
 * capability and all the VFs they create, whose extended capabilities a VMM would hide from it otherwise.
 *
 * What is behind the endpoint is the pcie_hierarchy the daemon gives it; this room routes accesses, it knows no device:
 *
 *	BAR 0, CFGBAR	configuration space of bus, device, function as ECAM: bus << 20 | devfn << 12 | register;
 *			bus 0 there is @first_bus of the hierarchy; who is not there reads all ones
 *	BAR 2, MEMBAR1	memory window: an access at MEMBAR1 + offset belongs to the function with a BAR, or a VF BAR of
 *	BAR 4, MEMBAR2	its PF, at that (guest-physical) address; its first 8 KiB are the VMD's own MSI-X table and PBA
 *
 * The VMD's configuration space, and that it was told to bypass MSI remapping (VMCONFIG): children interrupt by their
 * own MSI-X table, a 32-bit write of the entry's data to its address, sent as a DMA_WRITE message.
 *
 * One DMA domain for all that is behind: the guest's IOMMU, if any, sees the VMD's requester ID only.
 *
 * Source: Linux drivers/pci/controller/vmd.c; PCI Express Base 5.0, 7.2.2 (ECAM), 7.7.2 (MSI-X), 9.2.1 (VF BARs).
 */
#ifndef SOFTIOV_VMD_VMD_H
#define SOFTIOV_VMD_VMD_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>
#include "iommu/iommu.h"
#include "pcie/function.h"
#include "util/util.h"

struct event_base;
struct quiesce;
struct vmd;

#define VMD_MAX_BUSES 4 /* size of CFGBAR: 1 MiB for each, a power of two */

/** struct vmd_state - what of the endpoint lives in the card's state file. */
struct vmd_state {
	struct pcie_function_state endpoint;
	struct iommu_state domain;
	uint32_t client_pid;
	uint32_t attaches; /* clients so far */
};

/**
 * struct vmd_config - an endpoint to make. Pointers must outlive it; strings are copied.
 * @hierarchy: what is behind the endpoint; functions come and go in it as VFs do
 * @first_bus, @buses: the part of it that is seen, @buses at most VMD_MAX_BUSES
 * @domain: of all that is behind it: filled by this room from the client's maps. Children's own domains follow it
 *	(iommu_domain_follow())
 * @attached: a VM has plugged the card in, or is gone (for logs); may be NULL. Before "gone" all functions behind were
 *	reset (hot reset) and all maps removed
 * @patience_ns: struct vfio_user_ops.patience_ns; NULL: never
 */
struct vmd_config {
	const char *socket_path;
	uid_t owner;
	gid_t group;
	mode_t mode;
	struct pcie_hierarchy *hierarchy;
	uint8_t first_bus;
	unsigned int buses;
	struct iommu_domain *domain;
	struct vmd_state *state;
	void (*attached)(void *ctx, bool attached);
	uint64_t (*patience_ns)(void *ctx);
	void *ctx;
};

/** vmd_create() - the endpoint at power-on, listening. Return: 0 with *@vmd set, or -errno with @why. Device thread. */
int vmd_create(struct vmd **vmd, struct event_base *base, struct quiesce *quiesce,
	       const struct vmd_config *config, struct reason *why);

/** vmd_destroy() - throw the client out and close; memory is freed after a grace period. Device thread. */
void vmd_destroy(struct vmd *vmd);

/**
 * vmd_signal() - function @routing_id behind the endpoint raises MSI-X @vector (< 64). Any thread, between two quiescent
 * points; never blocks. The device thread reads address and data from the function's table, through its BAR, and sends
 * the message; a vector raised twice before that is sent once.
 */
void vmd_signal(struct vmd *vmd, uint16_t routing_id, unsigned int vector);

/** vmd_check() - every second: throw out a client whose memory file shrank. */
void vmd_check(struct vmd *vmd);

/** struct vmd_info - for "softiov show". */
struct vmd_info {
	pid_t client; /* 0: not attached, -1: attached, of a PID namespace we cannot see */
	const char *socket_path;
	uint32_t attaches;
	uint64_t interrupts; /* messages sent */
	uint64_t
		lost_interrupts; /* raised with bus mastering off, without a client, or more than it takes */
	uint64_t messages, message_errors; /* of the socket */
};
void vmd_info(struct vmd *vmd, struct vmd_info *info);

#endif
