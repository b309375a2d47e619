// SPDX-License-Identifier: BSD-3-Clause
/*
 * registers.c - access to BAR 0: a load or store where the transport mapped the register, else a
 * message.
 *
 * All ones from a mapped register may mean that the function was pulled out: the transport, asked for
 * the same, knows.
 *
 * A function that is gone answers reads with all ones and swallows writes, as on a bus (PCI Express
 * Base 2.3.2); no access to it waits any more, so nobody who loops over registers waits long.
 */
#include "vf/vf.h"

_Atomic uint32_t *vf_register(const struct softiov_vf *vf, uint32_t offset)
{
	for (unsigned int i = 0; i < vf->bar.areas; i++) {
		const struct vf_area *area = &vf->bar.area[i];

		if (offset >= area->offset && offset - area->offset < area->size)
			return (_Atomic uint32_t *)((uint8_t *)area->map + (offset - area->offset));
	}
	return NULL;
}

uint32_t vf_read(struct softiov_vf *vf, uint32_t offset)
{
	const _Atomic uint32_t *reg = vf_register(vf, offset);
	uint32_t value;

	if (reg) {
		value = atomic_load_explicit(reg, memory_order_acquire);
		if (value != UINT32_MAX)
			return value;
	}
	if (vf->gone)
		return UINT32_MAX;
	if (vf->transport->ops->read(vf->transport, VF_BAR0, offset, &value, sizeof(value))) {
		vf->gone = true;
		return UINT32_MAX;
	}
	return value;
}

static void write_register(struct softiov_vf *vf, uint32_t offset, uint32_t value, bool posted)
{
	_Atomic uint32_t *reg = vf_register(vf, offset);

	if (reg) {
		atomic_store_explicit(reg, value, memory_order_release);
		return;
	}
	if (vf->gone)
		return;
	if (vf->transport->ops->write(vf->transport, VF_BAR0, offset, &value, sizeof(value),
				      posted))
		vf->gone = true;
}

void vf_write(struct softiov_vf *vf, uint32_t offset, uint32_t value)
{
	write_register(vf, offset, value, false);
}

void vf_post(struct softiov_vf *vf, uint32_t offset, uint32_t value)
{
	write_register(vf, offset, value, true);
}
