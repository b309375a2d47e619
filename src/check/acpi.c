/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * acpi.c - DMAR and IVRS. Header: ACPI specification 5.2.6 (signature, length, checksum: all bytes add up to 0). Behind it a
 * fixed part, then structures with a type and a length each: remapping structures (VT-d 8.2) or I/O virtualization blocks
 * (AMD 5.2.2). Firmware has bugs, and captured tables come from strangers: every length is checked.
 */
#include "check/acpi.h"

#define HEADER_BYTES 36u
#define LENGTH_AT 4u
#define BODY_AT 48u /* of both tables */

#define DMAR_FLAGS_AT 37u
#define DMAR_INTR_REMAP BIT(0)
#define DMAR_X2APIC_OPT_OUT BIT(1)
#define DMAR_DMA_OPT_IN BIT(2)
#define DMAR_DRHD 0

#define IVHD_FIRST 0x10
#define IVHD_EFR 0x11
#define IVHD_ACPI 0x40
#define BLOCK_HEADER_BYTES 4u

/* Signature, length and checksum. Return: the table's length, or -EBADMSG. */
static int check_header(const uint8_t *table, size_t length, const char *name, struct reason *why)
{
	uint32_t claimed;
	uint8_t sum = 0;

	if (length < HEADER_BYTES)
		return refuse(why, -EBADMSG, "%s is cut short (%zu bytes)", name, length);
	if (memcmp(table, name, 4))
		return refuse(why, -EBADMSG, "the table %s has another signature", name);
	claimed = get_le32(table + LENGTH_AT);
	if (claimed < BODY_AT || claimed > length)
		return refuse(why, -EBADMSG, "%s says it has %u bytes, %zu are there", name,
			      claimed, length);
	for (uint32_t i = 0; i < claimed; i++)
		sum = (uint8_t)(sum + table[i]);
	if (sum)
		return refuse(why, -EBADMSG, "%s has a wrong checksum", name);
	return (int)claimed;
}

int acpi_dmar(const uint8_t *table, size_t length, struct acpi_iommu *iommu, struct reason *why)
{
	bool hidden = length >= 4 && !memcmp(table, "XMAR", 4);
	int end = check_header(table, length, hidden ? "XMAR" : "DMAR", why);

	*iommu = (struct acpi_iommu){ .hidden = hidden };
	if (end < 0)
		return end;
	iommu->interrupt_remapping = table[DMAR_FLAGS_AT] & DMAR_INTR_REMAP;
	iommu->x2apic_opt_out = table[DMAR_FLAGS_AT] & DMAR_X2APIC_OPT_OUT;
	iommu->dma_opt_in = table[DMAR_FLAGS_AT] & DMAR_DMA_OPT_IN;
	for (unsigned int at = BODY_AT, size; at < (unsigned int)end; at += size) {
		size = at + BLOCK_HEADER_BYTES <= (unsigned int)end ? get_le16(table + at + 2) : 0;
		if (size < BLOCK_HEADER_BYTES || at + size > (unsigned int)end)
			return refuse(why, -EBADMSG, "DMAR has a damaged structure at byte %u", at);
		if (get_le16(table + at) == DMAR_DRHD)
			iommu->units++;
	}
	return 0;
}

int acpi_ivrs(const uint8_t *table, size_t length, struct acpi_iommu *iommu, struct reason *why)
{
	int end = check_header(table, length, "IVRS", why);

	*iommu = (struct acpi_iommu){ .interrupt_remapping = true }; /* every AMD-Vi can */
	if (end < 0)
		return end;
	for (unsigned int at = BODY_AT, size; at < (unsigned int)end; at += size) {
		size = at + BLOCK_HEADER_BYTES <= (unsigned int)end ? get_le16(table + at + 2) : 0;
		if (size < BLOCK_HEADER_BYTES || at + size > (unsigned int)end)
			return refuse(why, -EBADMSG, "IVRS has a damaged block at byte %u", at);
		/* One unit can be described by blocks of several types: the first type counts. */
		if (table[at] == IVHD_FIRST)
			iommu->units++;
		else if ((table[at] == IVHD_EFR || table[at] == IVHD_ACPI) && !iommu->units)
			iommu->units++;
	}
	return 0;
}
