/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * pci_config.c - walks both capability lists. A list cannot have more members than fit in its space; whoever has more goes
 * round in a loop.
 */
#include "check/pci_config.h"

#include "util/util.h"

#define STATUS 0x06u
#define STATUS_CAP_LIST BIT(4)
#define CAP_POINTER 0x34u
#define CAP_NEXT_MASK 0xfcu
#define CAPS_MAX ((PCI_CONFIG_CONVENTIONAL - PCI_CONFIG_HEADER) / 4)

#define EXT_START PCI_CONFIG_CONVENTIONAL
#define EXT_NEXT_SHIFT 20
#define EXT_NEXT_MASK 0xffcu
#define EXT_ABSENT 0xffffffffu /* what a bus answers where nobody does */
#define EXTS_MAX ((PCI_CONFIG_BYTES - EXT_START) / 4)

int pci_find_cap(const uint8_t *config, size_t length, uint8_t id)
{
	unsigned int at, n;

	if (length < PCI_CONFIG_HEADER)
		return -ENODATA;
	if (!(get_le16(config + STATUS) & STATUS_CAP_LIST))
		return 0;
	at = config[CAP_POINTER] & CAP_NEXT_MASK;
	for (n = 0; at && n < CAPS_MAX; n++) {
		if (at < PCI_CONFIG_HEADER)
			return -EBADMSG;
		if (at + 2 > length)
			return -ENODATA;
		if (config[at] == id)
			return (int)at;
		at = config[at + 1] & CAP_NEXT_MASK;
	}
	return at ? -EBADMSG : 0;
}

int pci_find_ext(const uint8_t *config, size_t length, uint16_t id)
{
	unsigned int at = EXT_START, n;

	for (n = 0; at && n < EXTS_MAX; n++) {
		uint32_t header;

		if (at < EXT_START)
			return -EBADMSG;
		if (at + sizeof(header) > length)
			return -ENODATA;
		header = get_le32(config + at);
		if (n == 0 && (!header || header == EXT_ABSENT))
			return 0;
		if ((header & 0xffff) == id)
			return (int)at;
		at = header >> EXT_NEXT_SHIFT & EXT_NEXT_MASK;
	}
	return at ? -EBADMSG : 0;
}
