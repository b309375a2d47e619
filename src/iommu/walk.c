/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * walk.c - what workers do when their cached translation does not help.
 *
 * The generation is loaded before the table is read. A map change that comes in between changes the
 * generation after the table: what was read from the old table is then stored in the tlb under the
 * old generation, and is never used again. What the caller holds in his hand stays good until his
 * next quiescent point, because whoever changed the map waits for that before he tells anybody.
 *
 * The tlb gets the whole region, and the regions behind it as far as the request reaches and as
 * they follow each other in host memory as well: under a guest IOMMU every page is a region of its
 * own.
 */
#include "iommu/internal.h"

#define RESOLVED IOMMU_FAULT_REASONS

static enum iommu_fault_reason region_check(const struct region *region, uint32_t perm)
{
	if (!region)
		return IOMMU_FAULT_NOT_MAPPED;
	if ((region->perm & perm) != perm)
		return IOMMU_FAULT_PERMISSION;
	if (!region->host)
		return IOMMU_FAULT_NOT_SHARED;
	return RESOLVED;
}

/*
 * Check all of [@iova, @iova + @len) and fill @tlb with the run that begins at or before @iova.
 * Return: the reason of a fault, or RESOLVED.
 */
static enum iommu_fault_reason resolve(struct iommu_domain *domain, struct iommu_tlb *tlb,
				       uint64_t iova, uint32_t len, uint32_t perm)
{
	uint64_t generation = atomic_load_explicit(&domain->generation, memory_order_acquire);
	const struct iommu_private *source =
		atomic_load_explicit(&domain->private->source, memory_order_acquire);
	const struct table *table = &source->table;
	uint64_t last = iova + len - 1;
	enum iommu_fault_reason reason;
	const struct region *region;
	bool contiguous = true;

	atomic_fetch_add_explicit(&domain->state->translations, 1, memory_order_relaxed);
	if (!atomic_load_explicit(&domain->bus_master, memory_order_relaxed) ||
	    !atomic_load_explicit(&source->domain.bus_master, memory_order_relaxed))
		return IOMMU_FAULT_BUS_MASTER_OFF;
	if (!len)
		return IOMMU_FAULT_NOT_MAPPED;
	if (last < iova || last >> IOMMU_ADDRESS_BITS)
		return IOMMU_FAULT_ADDRESS_WIDTH;

	region = table_look_up(table, iova);
	reason = region_check(region, perm);
	if (reason != RESOLVED)
		return reason;
	*tlb = (struct iommu_tlb){ .iova = region->iova,
				   .last = region->last,
				   .host = region->host,
				   .perm = region->perm,
				   .generation = generation };
	for (uint64_t reached = region->last; reached < last; reached = region->last) {
		region = table_look_up(table, reached + 1);
		reason = region_check(region, perm);
		if (reason != RESOLVED)
			return reason;
		/* A region that begins elsewhere was put there while we walk: do not trust the sum.
		 */
		contiguous = contiguous && region->iova == reached + 1 &&
			     region->host == tlb->host + (region->iova - tlb->iova);
		if (!contiguous)
			continue;
		tlb->last = region->last;
		tlb->perm &= region->perm;
	}
	return RESOLVED;
}

uint8_t *iommu_walk(struct iommu_domain *domain, struct iommu_tlb *tlb, uint64_t iova, uint32_t len,
		    uint32_t perm, bool *split)
{
	enum iommu_fault_reason reason = resolve(domain, tlb, iova, len, perm);

	if (reason != RESOLVED) {
		iommu_fault_record(domain, iova, len, perm, reason);
		*split = false;
		return NULL;
	}
	if (tlb->last - iova < len - 1) {
		*split = true;
		return NULL;
	}
	return tlb->host + (iova - tlb->iova);
}

static bool tlb_holds(const struct iommu_domain *domain, const struct iommu_tlb *tlb, uint64_t iova,
		      uint32_t perm)
{
	return tlb->generation == atomic_load_explicit(&domain->generation, memory_order_acquire) &&
	       (tlb->perm & perm) == perm && tlb->host && iova >= tlb->iova && iova <= tlb->last;
}

uint8_t *iommu_run(struct iommu_domain *domain, struct iommu_tlb *tlb, uint64_t iova, uint32_t len,
		   uint32_t perm, uint32_t *run)
{
	enum iommu_fault_reason reason;

	if (!len || !tlb_holds(domain, tlb, iova, perm)) {
		reason = resolve(domain, tlb, iova, MIN(len, 1u), perm);
		if (reason != RESOLVED) {
			iommu_fault_record(domain, iova, len, perm, reason);
			return NULL;
		}
	}
	*run = (uint32_t)MIN((uint64_t)len - 1, tlb->last - iova) + 1;
	return tlb->host + (iova - tlb->iova);
}

int iommu_read(struct iommu_domain *domain, struct iommu_tlb *tlb, uint64_t iova, void *data,
	       uint32_t len)
{
	for (uint32_t run; len; len -= run, iova += run, data = (uint8_t *)data + run) {
		const uint8_t *host = iommu_run(domain, tlb, iova, len, IOMMU_READ, &run);

		if (!host)
			return -EFAULT;
		memcpy(data, host, run);
	}
	return 0;
}

int iommu_write(struct iommu_domain *domain, struct iommu_tlb *tlb, uint64_t iova, const void *data,
		uint32_t len)
{
	for (uint32_t run; len; len -= run, iova += run, data = (const uint8_t *)data + run) {
		uint8_t *host = iommu_run(domain, tlb, iova, len, IOMMU_WRITE, &run);

		if (!host)
			return -EFAULT;
		memcpy(host, data, run);
	}
	return 0;
}
