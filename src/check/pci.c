/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * pci.c - functions by /sys/bus/pci/devices (Documentation/ABI/testing/sysfs-bus-pci). Numbers of VFs come from sysfs, which
 * everybody may read, and else from the SR-IOV capability (PCIe base specification 9.3.3). Whether VF BARs have addresses is
 * in rows 7 to 12 of "resource" (start, end, flags): rows 0-5 are BARs, 6 is the expansion ROM. Who is above a function is
 * told by the bridges' secondary bus numbers, so a captured root needs no tree of folders.
 */
#include "check/pci.h"

#include <stdio.h>
#include <stdlib.h>

#define DEVICES "/sys/bus/pci/devices"
#define PATH_BYTES 320

#define HEADER_TYPE 0x0eu
#define HEADER_TYPE_MASK 0x7fu
#define HEADER_BRIDGE 1
#define SECONDARY_BUS 0x19u

#define EXP_DEVCAP2 0x24
#define EXP_DEVCTL2 0x28
#define EXP_ARI_FORWARDING BIT(5)

#define SRIOV_TOTALVFS 0x0e
#define SRIOV_NUMVFS 0x10
#define SRIOV_VF_DEVICE 0x1a
#define SRIOV_END 0x40

#define RESOURCE_IOV_FIRST 7
#define RESOURCE_IOV_LAST 12
#define IORESOURCE_UNSET 0x20000000ull
#define RESOURCE_BYTES 4096u

static int function_path(char *path, const struct pci_function *function, const char *file)
{
	return snprintf(path, PATH_BYTES, DEVICES "/%s/%s", function->address, file);
}

static int function_number(struct check_root *root, const struct pci_function *function,
			   const char *file, uint64_t *number)
{
	char path[PATH_BYTES];

	function_path(path, function, file);
	return root_number(root, path, number);
}

static void read_ids(struct check_root *root, struct pci_function *function)
{
	uint64_t number;

	if (!function_number(root, function, "vendor", &number))
		function->vendor = (uint16_t)number;
	if (!function_number(root, function, "device", &number))
		function->device = (uint16_t)number;
	if (!function_number(root, function, "class", &number))
		function->class = (uint32_t)number & 0xffffff;
}

static int read_function(struct check_root *root, const char *name, struct pci_function *function)
{
	uint8_t config[PCI_CONFIG_BYTES];
	unsigned int device, number;
	char path[PATH_BYTES], link[32];
	int end = 0;
	ssize_t length;

	if (sscanf(name, "%8x:%2x:%2x.%1u%n", &function->domain, &function->bus, &device, &number,
		   &end) != 4 ||
	    name[end] || strlen(name) >= sizeof(function->address))
		return -EINVAL;
	snprintf(function->address, sizeof(function->address), "%s", name);
	read_ids(root, function);
	function_path(path, function, "physfn");
	function->is_vf = !root_link(root, path, link, sizeof(link));
	function_path(path, function, "config");
	length = root_read(root, path, config, sizeof(config));
	if (length <= 0)
		return 0;
	function->config = malloc((size_t)length);
	if (!function->config)
		return -ENOMEM;
	memcpy(function->config, config, (size_t)length);
	function->length = (size_t)length;
	return 0;
}

int pci_read(struct check_root *root, struct pci_list *list)
{
	struct root_names names;
	int error = root_list(root, DEVICES, &names);

	*list = (struct pci_list){ .readable = !error };
	if (error)
		return error == -ENOMEM ? error : 0;
	list->function = calloc(names.n + 1, sizeof(*list->function));
	if (!list->function)
		error = -ENOMEM;
	for (size_t i = 0; i < names.n && !error; i++) {
		struct pci_function *function = &list->function[list->n];

		*function = (struct pci_function){ .domain = 0 };
		error = read_function(root, names.name[i], function);
		if (!error)
			list->n++;
		else if (error != -ENOMEM)
			error = 0;
	}
	root_names_free(&names);
	if (error)
		pci_free(list);
	return error;
}

void pci_free(struct pci_list *list)
{
	for (size_t i = 0; i < list->n; i++)
		free(list->function[i].config);
	free(list->function);
	*list = (struct pci_list){ 0 };
}

static enum pci_answer found(int offset)
{
	if (offset == -EBADMSG)
		return PCI_DAMAGED;
	if (offset < 0)
		return PCI_NO_CONFIG;
	return offset ? PCI_YES : PCI_NO;
}

/* A conventional function has no extended space; an Express one has, even where 256 bytes are all that can be read. */
static int find_ext(const struct pci_function *function, uint16_t id)
{
	int express = pci_find_cap(function->config, function->length, PCI_CAP_EXPRESS);

	return express <= 0 ? express : pci_find_ext(function->config, function->length, id);
}

static const struct pci_function *find_port(const struct pci_list *list,
					    const struct pci_function *below)
{
	for (size_t i = 0; i < list->n; i++) {
		const struct pci_function *port = &list->function[i];

		if (port->domain == below->domain && port->length >= PCI_CONFIG_HEADER &&
		    (port->config[HEADER_TYPE] & HEADER_TYPE_MASK) == HEADER_BRIDGE &&
		    port->config[SECONDARY_BUS] == below->bus && port != below)
			return port;
	}
	return NULL;
}

static void read_port(struct pci_sriov *sriov)
{
	const struct pci_function *port = sriov->port;
	int express = pci_find_cap(port->config, port->length, PCI_CAP_EXPRESS);

	sriov->port_acs = found(find_ext(port, PCI_EXT_ACS));
	sriov->port_ari = found(express);
	if (express <= 0)
		return;
	if ((size_t)express + EXP_DEVCTL2 + 2 > port->length) {
		sriov->port_ari = PCI_NO_CONFIG;
		return;
	}
	if (!(get_le32(port->config + express + EXP_DEVCAP2) & EXP_ARI_FORWARDING))
		sriov->port_ari = PCI_NO;
	sriov->port_ari_enabled =
		get_le16(port->config + express + EXP_DEVCTL2) & EXP_ARI_FORWARDING;
}

static void read_bars(struct check_root *root, const struct pci_function *function,
		      struct pci_sriov *sriov)
{
	char path[PATH_BYTES], *text = calloc(1, RESOURCE_BYTES + 1), *line = text, *save = NULL;
	unsigned long long start, end, flags;
	bool missing = false;

	sriov->assigned = PCI_NO_CONFIG;
	function_path(path, function, "resource");
	if (!text || root_read(root, path, text, RESOURCE_BYTES) <= 0) {
		free(text);
		return;
	}
	line = strtok_r(text, "\n", &save);
	for (int row = 0; line; row++, line = strtok_r(NULL, "\n", &save)) {
		if (row < RESOURCE_IOV_FIRST || row > RESOURCE_IOV_LAST ||
		    sscanf(line, "%llx %llx %llx", &start, &end, &flags) != 3)
			continue;
		if (start && end > start && !(flags & IORESOURCE_UNSET))
			sriov->bar_bytes += end - start + 1;
		else
			missing |= end || flags;
	}
	sriov->assigned = sriov->bar_bytes && !missing ? PCI_YES : PCI_NO;
	free(text);
}

/* Hexadecimal, without 0x. */
static void read_vf_device(struct check_root *root, const struct pci_function *function,
			   struct pci_sriov *sriov)
{
	char path[PATH_BYTES], text[16], *end;
	unsigned long number;

	function_path(path, function, "sriov_vf_device");
	if (root_text(root, path, text, sizeof(text)))
		return;
	number = strtoul(text, &end, 16);
	if (end != text && !*end && number <= UINT16_MAX)
		sriov->vf_device = (uint16_t)number;
}

/* From the capability, then from sysfs, which knows better: drivers may allow less. */
static void read_numbers(struct check_root *root, const struct pci_function *function,
			 struct pci_sriov *sriov)
{
	int at = find_ext(function, PCI_EXT_SRIOV);
	uint64_t number;

	sriov->has = found(at);
	if (at > 0 && (size_t)at + SRIOV_END > function->length) {
		sriov->has = PCI_NO_CONFIG;
	} else if (at > 0) {
		sriov->total = get_le16(function->config + at + SRIOV_TOTALVFS);
		sriov->enabled = get_le16(function->config + at + SRIOV_NUMVFS);
		sriov->vf_device = get_le16(function->config + at + SRIOV_VF_DEVICE);
	}
	if (function_number(root, function, "sriov_totalvfs", &number)) {
		/* With SR-IOV in the kernel, a PF has this file. */
		if (sriov->has == PCI_NO_CONFIG && fact_is(root_facts(root), "kernel-pci-iov", "y"))
			sriov->has = PCI_NO;
		return;
	}
	sriov->has = PCI_YES;
	sriov->total = (unsigned int)MIN(number, (uint64_t)UINT16_MAX);
	if (!function_number(root, function, "sriov_numvfs", &number))
		sriov->enabled = (unsigned int)MIN(number, (uint64_t)UINT16_MAX);
	read_vf_device(root, function, sriov);
}

void pci_sriov_read(struct check_root *root, const struct pci_list *list,
		    const struct pci_function *function, struct pci_sriov *sriov)
{
	char path[PATH_BYTES];

	*sriov = (struct pci_sriov){ .has = PCI_NO };
	read_numbers(root, function, sriov);
	if (sriov->has != PCI_YES)
		return;
	function_path(path, function, "driver");
	if (root_link(root, path, sriov->driver, sizeof(sriov->driver)))
		sriov->driver[0] = '\0';
	read_bars(root, function, sriov);
	sriov->ari = found(find_ext(function, PCI_EXT_ARI));
	sriov->port = find_port(list, function);
	if (sriov->port)
		read_port(sriov);
}
