/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * acpi.h - the two ACPI tables by which firmware says that there is an IOMMU: DMAR (Intel VT-d specification 8.1) and IVRS
 * (AMD I/O virtualization specification 5.2).
 */
#ifndef SOFTIOV_CHECK_ACPI_H
#define SOFTIOV_CHECK_ACPI_H

#include "util/util.h"

/** struct acpi_iommu - what one of them says. */
struct acpi_iommu {
	unsigned int units;				      /* DRHD or IVHD structures */
	bool interrupt_remapping, x2apic_opt_out, dma_opt_in; /* DMAR flags */
	bool hidden; /* the signature is XMAR: Xen uses the IOMMU and hides it from Dom0 */
};

/** acpi_dmar(), acpi_ivrs() - Return: 0, or -EBADMSG with @why: not such a table, cut short, checksum, structures. */
int acpi_dmar(const uint8_t *table, size_t length, struct acpi_iommu *iommu, struct reason *why);
int acpi_ivrs(const uint8_t *table, size_t length, struct acpi_iommu *iommu, struct reason *why);

#endif
