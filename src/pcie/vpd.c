// SPDX-License-Identifier: BSD-3-Clause
/*
 * vpd.c - vital product data: what a card is called, its part and serial number, read by its owner's tools.
 *
 * Four bytes at a time: an address written with flag 0 asks for them, flag 1 says that they are in the data register; here
 * they are at once. All of it is read-only, so an address written with flag 1, which would store the data register, is
 * answered (flag 0) and changes nothing. Beyond the end there are zeros.
 *
 * Specification: PCI Local Bus 3.0, Appendix I; PCI Express Base 5.0, 6.28 (resource types) and 7.9.19 (capability).
 */
#include <assert.h>
#include "pcie/internal.h"

#define RESOURCE_NAME 0x82 /* large resources, then their length in 16 bits */
#define RESOURCE_READ_ONLY 0x90
#define RESOURCE_END 0x78
#define RESOURCE_HEADER 3
#define KEYWORD_HEADER 3 /* two letters and a length */
#define CHECKSUM_KEYWORD "RV"

static void put(struct pcie_layout *layout, const void *data, size_t len)
{
	assert(layout->vpd_len + len <= PCIE_VPD_MAX);
	memcpy(layout->vpd_data + layout->vpd_len, data, len);
	layout->vpd_len = (uint16_t)(layout->vpd_len + len);
}

static void put_resource(struct pcie_layout *layout, uint8_t type, size_t len)
{
	const uint8_t header[RESOURCE_HEADER] = { type, (uint8_t)len, (uint8_t)(len >> 8) };

	put(layout, header, sizeof(header));
}

static void put_keyword(struct pcie_layout *layout, const char *keyword, const void *value,
			size_t len)
{
	const uint8_t length = (uint8_t)len;

	put(layout, keyword, KEYWORD_HEADER - 1);
	put(layout, &length, 1);
	put(layout, value, len);
}

/* All bytes up to and with the checksum add up to 0 (PCI Local Bus 3.0, I.3.1.1). */
static void put_checksum(struct pcie_layout *layout)
{
	uint8_t sum = 0, checksum = 0;
	unsigned int at;

	put_keyword(layout, CHECKSUM_KEYWORD, &checksum, sizeof(checksum));
	at = layout->vpd_len - 1u;
	for (unsigned int i = 0; i < at; i++)
		sum = (uint8_t)(sum + layout->vpd_data[i]);
	layout->vpd_data[at] = (uint8_t)-sum;
}

void pcie_add_vpd(struct pcie_layout *layout, uint16_t offset, const char *name, const char *part,
		  const char *serial)
{
	const uint8_t end = RESOURCE_END;

	link_capability(layout, offset, PCI_CAP_ID_VPD);
	layout->vpd = offset;
	field16(layout, offset + PCI_VPD_ADDR, UINT16_MAX, FIELD_RW);
	field32(layout, offset + PCI_VPD_DATA, UINT32_MAX, FIELD_RW);
	put_resource(layout, RESOURCE_NAME, strlen(name));
	put(layout, name, strlen(name));
	put_resource(layout, RESOURCE_READ_ONLY,
		     3 * KEYWORD_HEADER + strlen(part) + strlen(serial) + 1);
	put_keyword(layout, "PN", part, strlen(part));
	put_keyword(layout, "SN", serial, strlen(serial));
	put_checksum(layout);
	put(layout, &end, sizeof(end));
}

void vpd_written(struct pcie_function *function, uint16_t offset, uint32_t len)
{
	const struct pcie_layout *layout = function->layout;
	uint8_t *vpd = function->state->config + layout->vpd;
	unsigned int flag = layout->vpd + PCI_VPD_ADDR + 1u;
	uint16_t address;

	if (!layout->vpd || flag < offset || flag >= offset + len)
		return;
	address = get_le16(vpd + PCI_VPD_ADDR);
	put_le16(vpd + PCI_VPD_ADDR, address ^ PCI_VPD_ADDR_F);
	if (address & PCI_VPD_ADDR_F)
		return;
	for (unsigned int i = 0; i < sizeof(uint32_t); i++)
		vpd[PCI_VPD_DATA + i] =
			address + i < layout->vpd_len ? layout->vpd_data[address + i] : 0;
}
