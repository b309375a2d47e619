// SPDX-License-Identifier: BSD-3-Clause
/*
 * hierarchy.c - which function answers to which routing ID, over all buses of a card.
 *
 * A flat table, one pointer for each of the 65536 routing IDs: look-up is one load, and the pages
 * of buses that the card does not have are never touched. Physical functions are in a list of their
 * own as well, because a memory access (decode.c) asks them alone. PCI Express Base 5.0, 7.3.
 */
#include <stdlib.h>
#include "pcie/internal.h"

struct pcie_hierarchy *pcie_hierarchy_create(void)
{
	return calloc(1, sizeof(struct pcie_hierarchy));
}

void pcie_hierarchy_destroy(struct pcie_hierarchy *hierarchy)
{
	free(hierarchy);
}

int pcie_hierarchy_add(struct pcie_hierarchy *hierarchy, struct pcie_function *function)
{
	struct pcie_function **slot = &hierarchy->function[function->routing_id];

	if (*slot)
		return -EEXIST;
	if (!layout_is_vf(function->layout)) {
		if (hierarchy->physical_count == PCIE_HIERARCHY_PHYSICAL)
			return -ENOSPC;
		hierarchy->physical[hierarchy->physical_count++] = function;
	}
	*slot = function;
	return 0;
}

void pcie_hierarchy_remove(struct pcie_hierarchy *hierarchy, struct pcie_function *function)
{
	struct pcie_function **slot = &hierarchy->function[function->routing_id];

	if (*slot != function)
		return;
	*slot = NULL;
	for (unsigned int i = 0; i < hierarchy->physical_count; i++) {
		if (hierarchy->physical[i] != function)
			continue;
		hierarchy->physical[i] = hierarchy->physical[--hierarchy->physical_count];
		return;
	}
}

struct pcie_function *pcie_hierarchy_find(const struct pcie_hierarchy *hierarchy,
					  uint16_t routing_id)
{
	return hierarchy->function[routing_id];
}
