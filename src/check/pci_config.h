/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * pci_config.h - capabilities in captured configuration bytes, which may be cut short (64 bytes without root's rights, 256
 * without extended space) or damaged. PCI Local Bus specification 6.7, PCIe base specification 7.6, 7.7.
 */
#ifndef SOFTIOV_CHECK_PCI_CONFIG_H
#define SOFTIOV_CHECK_PCI_CONFIG_H

#include <stddef.h>
#include <stdint.h>

#define PCI_CONFIG_BYTES 4096u
#define PCI_CONFIG_CONVENTIONAL 256u
#define PCI_CONFIG_HEADER 64u

#define PCI_CAP_EXPRESS 0x10
#define PCI_EXT_SERIAL_NUMBER 0x0003
#define PCI_EXT_ACS 0x000d
#define PCI_EXT_ARI 0x000e
#define PCI_EXT_SRIOV 0x0010

/**
 * pci_find_cap(), pci_find_ext() - where a capability is, in ordinary and in extended configuration space.
 * @length: of what is there of @config
 * Return: its offset; 0: there is none; -ENODATA: the bytes end before that can be told; -EBADMSG: the list is damaged (a
 *	loop, or out of its space).
 */
int pci_find_cap(const uint8_t *config, size_t length, uint8_t id);
int pci_find_ext(const uint8_t *config, size_t length, uint16_t id);

#endif
