/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * vfio_group.h - from the address of a PCI function to Linux VFIO's three descriptors: container, group, device.
 */
#ifndef SOFTIOV_VF_VFIO_GROUP_H
#define SOFTIOV_VF_VFIO_GROUP_H

#include <softiov/softiov.h>

/** struct vfio_places - where Linux shows PCI functions ("/sys/bus/pci/devices") and VFIO its nodes ("/dev/vfio"). */
struct vfio_places {
	const char *devices, *nodes;
};

/** struct vfio_group - open descriptors; -1: not open. The function is reset when the last of them is closed. */
struct vfio_group {
	int container, group, device;
};

/**
 * vfio_group_open() - take PCI function @bdf ("0000:03:10.0", hexadecimal), alone in a container with a type 1 IOMMU.
 * @places: NULL: those of Linux
 * Return: 0, or -SOFTIOV_ERR_ADDRESS: @bdf is no PCI address; -SOFTIOV_ERR_NOT_FOUND: there is no such function;
 * -SOFTIOV_ERR_OWNED: another driver has it, or part of its group, or the group is in use; -SOFTIOV_ERR_NOT_VF: it is
 * not a PCI function to VFIO; -ENXIO: it has no driver; -EACCES: no permission; -EOPNOTSUPP: no IOMMU, or none that is
 * safe. @why names what to do about it.
 */
int vfio_group_open(struct vfio_group *group, const char *bdf, const struct vfio_places *places,
		    struct softiov_reason *why);

/** vfio_group_close() - give the function back. */
void vfio_group_close(struct vfio_group *group);

#endif
