// SPDX-License-Identifier: BSD-3-Clause
/*
 * decode.c - memory accesses: who answers an address, and how an access reaches its registers.
 *
 * A physical function answers in its BARs while Memory Space Enable is set. A VF has no BAR
 * registers: the VF BARs of its PF are arrays of one aperture for each VF, which answer while VF
 * Enable and VF MSE are set (9.2.1.1.1). An aperture may be larger than the BAR in it, when system
 * pages are: nobody answers in the rest.
 *
 * A card has few physical functions, so each look-up goes through all of them. It also tells for
 * how many bytes its answer is good: a long access needs no look-up for each of its dwords. Where a
 * system programs overlapping BARs the answer is one of them.
 *
 * Specification: PCI Express Base 5.0, 7.5.1.1.3 (Command), 7.5.1.2.1 (BARs), 9.2.1 and 9.3.3.3
 * (VF BARs, VF MSE).
 */
#include "pcie/internal.h"

#define DWORD 4u
#define NO_ANSWER 0xff
#define BUS_SHIFT 8

/* Nobody answers before @start, where there is somebody: no answer reaches further. */
static void ends_before(struct pcie_target *target, uint64_t address, uint64_t start)
{
	if (start > address)
		target->len = MIN(target->len, start - address);
}

static bool decode_bars(struct pcie_function *function, uint64_t address,
			struct pcie_target *target)
{
	if (!(pcie_command_in_force(function) & PCI_COMMAND_MEMORY))
		return false;
	for (unsigned int i = 0; i < PCIE_BARS; i++) {
		uint64_t size = function->layout->bar[i].size;
		uint64_t start = pcie_bar_address(function, i);

		if (!size)
			continue;
		if (address >= start && address - start < size) {
			*target = (struct pcie_target){ .function = function,
							.bar = i,
							.offset = address - start,
							.len = size - (address - start) };
			return true;
		}
		ends_before(target, address, start);
	}
	return false;
}

/* Inside VF BAR @bar of @pf, @offset bytes from its start. */
static bool decode_aperture(const struct pcie_hierarchy *hierarchy, const struct pcie_function *pf,
			    unsigned int bar, uint64_t offset, struct pcie_target *target)
{
	uint64_t aperture = vf_aperture(pf, bar), size = pf->layout->vf_bar[bar].size;
	unsigned int vf = (unsigned int)(offset / aperture);
	struct pcie_function *function;

	offset %= aperture;
	function = pcie_hierarchy_find(hierarchy, pcie_vf_routing_id(pf, vf));
	if (!function || offset >= size) {
		target->len = MIN(target->len, aperture - offset);
		return false;
	}
	*target = (struct pcie_target){
		.function = function, .bar = bar, .offset = offset, .len = size - offset
	};
	return true;
}

static bool decode_vf_bars(const struct pcie_hierarchy *hierarchy, const struct pcie_function *pf,
			   uint64_t address, struct pcie_target *target)
{
	if (!pf->layout->sriov || !pcie_vf_enabled(pf) || !pcie_vf_memory_enabled(pf))
		return false;
	for (unsigned int i = 0; i < PCIE_BARS; i++) {
		uint64_t start = pcie_vf_bar_address(pf, 0, i);

		if (!pf->layout->vf_bar[i].size)
			continue;
		if (address >= start && address - start < pcie_num_vfs(pf) * vf_aperture(pf, i) &&
		    decode_aperture(hierarchy, pf, i, address - start, target))
			return true;
		ends_before(target, address, start);
	}
	return false;
}

struct pcie_target pcie_hierarchy_decode(const struct pcie_hierarchy *hierarchy, uint8_t first_bus,
					 unsigned int buses, uint64_t address)
{
	struct pcie_target target = { .len = UINT64_MAX - address };

	for (unsigned int i = 0; i < hierarchy->physical_count; i++) {
		struct pcie_function *function = hierarchy->physical[i];
		unsigned int bus = function->routing_id >> BUS_SHIFT;

		if (bus < first_bus || bus - first_bus >= buses || !function->state->present)
			continue;
		if (decode_bars(function, address, &target) ||
		    decode_vf_bars(hierarchy, function, address, &target))
			return target;
	}
	return target;
}

int pcie_bar_read(const struct pcie_function *function, unsigned int bar, uint64_t offset,
		  void *data, uint32_t len)
{
	uint8_t *to = data;
	int result = PCIE_DONE;

	while (len) {
		uint32_t skip = offset % DWORD, take = MIN(len, DWORD - skip);
		uint8_t value[DWORD];
		int done = function->ops->bar_read(function->ctx, bar, offset - skip, value, DWORD);

		if (done < 0)
			memset(value, NO_ANSWER, DWORD);
		if (done == PCIE_QUIESCE)
			result = PCIE_QUIESCE;
		memcpy(to, value + skip, take);
		offset += take;
		to += take;
		len -= take;
	}
	return result;
}

int pcie_bar_write(const struct pcie_function *function, unsigned int bar, uint64_t offset,
		   const void *data, uint32_t len)
{
	uint32_t skip = (uint32_t)(-offset % DWORD); /* bytes before the first whole dword */
	const uint8_t *from = data;
	int result = PCIE_DONE;

	for (uint32_t i = skip; i + DWORD <= len; i += DWORD) {
		if (function->ops->bar_write(function->ctx, bar, offset + i, from + i, DWORD) ==
		    PCIE_QUIESCE)
			result = PCIE_QUIESCE;
	}
	return result;
}
