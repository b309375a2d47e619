// SPDX-License-Identifier: BSD-3-Clause
/*
 * advice.c - which QEMU option is missing when a VF's frames do not flow: almost always the guest's
 * memory is not shared.
 *
 * Some maps without a file are part of every machine: firmware, the memory of a display (16 MiB),
 * BARs of other devices. They are no reason for advice as long as nothing is moved there and RAM
 * itself is shared. These are: RAM-sized maps without a file, no shared memory at all, a transfer
 * that met memory without a file, and files that the VMM itself has mapped privately (share=off).
 */
#include "iovm/internal.h"

#define LARGE_MAP_BYTES (16ull << 20) /* more than the display's: RAM */

const char iovm_memory_not_shared[] =
	"guest memory is not shared: start QEMU with "
	"-object memory-backend-memfd,id=mem,size=SIZE,share=on -machine memory-backend=mem";
const char iovm_memory_private[] =
	"guest memory is private (share=off), frames would be lost: start QEMU with "
	"-object memory-backend-memfd,id=mem,size=SIZE,share=on -machine memory-backend=mem";

static uint64_t not_shared_faults(const struct iovm_vf *vf)
{
	return atomic_load_explicit(&vf->config.domain->state->fault_count[IOMMU_FAULT_NOT_SHARED],
				    memory_order_relaxed);
}

void advice_attached(struct iovm_vf *vf)
{
	vf->large_not_shared = false;
	vf->look_at_memory = false;
	vf->not_shared_faults = not_shared_faults(vf);
}

void advice_mapped(struct iovm_vf *vf, uint64_t size, int fd)
{
	if (fd < 0 && size > LARGE_MAP_BYTES)
		vf->large_not_shared = true;
	/* A guest IOMMU makes maps of single pages by the ten thousand: of files seen already. */
	if (fd >= 0 && size >= LARGE_MAP_BYTES)
		vf->look_at_memory = true;
}

/* The answer to one call's question is there at a later call. */
void advice_look(struct iovm_vf *vf)
{
	if (iommu_check_private_end(vf->config.domain) == 1 && log_ratelimit(&vf->limit))
		log_warning("%s: %s", vf->config.socket_path, iovm_memory_private);
	if (vf->look_at_memory &&
	    !iommu_check_private_begin(vf->config.domain, (pid_t)vf->config.state->client_pid))
		vf->look_at_memory = false;
}

const char *advice_text(const struct iovm_vf *vf)
{
	struct iommu_summary summary;

	if (!vf->attached)
		return NULL;
	iommu_summarize(vf->config.domain, &summary);
	if (summary.private_memory)
		return iovm_memory_private;
	if (not_shared_faults(vf) != vf->not_shared_faults)
		return iovm_memory_not_shared;
	if (!summary.not_shared_regions)
		return NULL;
	if (vf->large_not_shared || summary.not_shared_regions == summary.regions)
		return iovm_memory_not_shared;
	return NULL;
}
