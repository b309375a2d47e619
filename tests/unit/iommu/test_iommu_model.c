/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * test_iommu_model.c - random maps, unmaps and translations against a model that is too simple to
 * be wrong: a list of regions that is searched from the start for every byte range.
 */
#include "common.h"

#include <stdio.h>

#define OPERATIONS 50000
#define MODEL_REGIONS 512
#define WINDOW_PAGES 4096 /* 16 MiB, around a border of 1 GiB */
#define WINDOW (GIB - WINDOW_PAGES / 2 * PAGE)
#define FILE_PAGES 4096

struct model_region {
	uint64_t iova, size, offset;
	uint32_t perm; /* 0: free */
	bool shared;
};

static struct model_region model[MODEL_REGIONS];
static uint64_t random_state;

static uint64_t random_below(uint64_t limit)
{
	random_state = random_state * 6364136223846793005ull + 1442695040888963407ull;
	return (random_state >> 33) % limit;
}

static struct model_region *model_at(uint64_t iova)
{
	for (size_t i = 0; i < MODEL_REGIONS; i++) {
		if (model[i].perm && iova >= model[i].iova && iova - model[i].iova < model[i].size)
			return &model[i];
	}
	return NULL;
}

static int model_map(const struct model_region *new)
{
	struct model_region *free_slot = NULL;

	for (size_t i = 0; i < MODEL_REGIONS; i++) {
		struct model_region *there = &model[i];

		if (!there->perm)
			free_slot = there;
		else if (there->iova == new->iova && there->size == new->size &&
			 there->perm == new->perm && there->shared == new->shared &&
			 there->offset == new->offset)
			return 0;
	}
	for (size_t i = 0; i < MODEL_REGIONS; i++) {
		if (model[i].perm && model[i].iova < new->iova + new->size &&new->iova <
					     model[i].iova + model[i].size)
			return -EEXIST;
	}
	if (!free_slot)
		return 1; /* the model is full: do not ask */
	*free_slot = *new;
	return 0;
}

static int model_unmap(uint64_t iova, uint64_t last, uint64_t *unmapped)
{
	*unmapped = 0;
	for (size_t i = 0; i < MODEL_REGIONS; i++) {
		uint64_t region_last = model[i].iova + model[i].size - 1;

		if (!model[i].perm || region_last < iova || model[i].iova > last)
			continue;
		if (model[i].iova < iova || region_last > last)
			return -EINVAL;
	}
	for (size_t i = 0; i < MODEL_REGIONS; i++) {
		if (model[i].perm && model[i].iova >= iova && model[i].iova <= last) {
			*unmapped += model[i].size;
			model[i].perm = 0;
		}
	}
	return 0;
}

/* Return: -1 split, -2 fine with *@offset set, else the reason of the fault. */
static int model_translate(uint64_t iova, uint32_t len, uint32_t perm, uint64_t *offset)
{
	bool contiguous = true, writable = false;

	for (uint64_t at = iova; at < iova + len;) {
		const struct model_region *region = model_at(at);
		uint64_t here;

		if (!region)
			return IOMMU_FAULT_NOT_MAPPED;
		if ((region->perm & perm) != perm)
			return IOMMU_FAULT_PERMISSION;
		if (!region->shared)
			return IOMMU_FAULT_NOT_SHARED;
		here = region->offset + (at - region->iova);
		if (at == iova) {
			*offset = here;
			writable = region->perm & IOMMU_WRITE;
		}
		/* Files mapped for reading only are somewhere else. */
		contiguous = contiguous && here == *offset + (at - iova) &&
			     writable == !!(region->perm & IOMMU_WRITE);
		at = region->iova + region->size;
	}
	return contiguous ? -2 : -1;
}

static void random_map(struct fixture *f, int fd)
{
	struct model_region new = { .perm = 1 + (uint32_t)random_below(3),
				    .shared = random_below(8) != 0 };
	uint64_t pages = random_below(4) ? 1 + random_below(4) : 1 + random_below(1200);
	int expected;

	if (random_below(16) == 0) {
		new = model[random_below(MODEL_REGIONS)]; /* perhaps identical */
		if (!new.perm)
			return;
	} else {
		new.iova = WINDOW + random_below(WINDOW_PAGES) * PAGE;
		new.size = pages *PAGE;
		/* Often contiguous with its neighbours. */
		new.offset = random_below(2) ? (new.iova - WINDOW) % (2048 * PAGE)
					     : random_below(2048) * PAGE;
		if (!new.shared)
			new.offset = 0;
	}
	expected = model_map(&new);
	if (expected == 1)
		return;
	assert_int_equal(iommu_map(f->domain, new.iova, new.size, new.perm, new.shared ? fd : -1,
				   new.offset),
			 expected);
}

static void random_unmap(struct fixture *f)
{
	uint64_t iova = WINDOW + random_below(WINDOW_PAGES) * PAGE;
	uint64_t last = iova + (1 + random_below(64)) * PAGE - 1;
	uint64_t expected_bytes, bytes;
	const struct model_region *region;
	int expected;

	switch (random_below(8)) {
	case 0: /* wide */
		last = random_below(4) ? iova + random_below(WINDOW_PAGES) * PAGE : UINT64_MAX;
		break;
	case 1: /* odd ends */
		iova += random_below(PAGE);
		last += random_below(PAGE);
		break;
	case 2:
	case 3: /* exact */
		region = model_at(iova);
		if (!region)
			return;
		iova = region->iova;
		last = iova + region->size - 1;
		break;
	}
	expected = model_unmap(iova, last, &expected_bytes);
	assert_int_equal(iommu_unmap(f->domain, iova, last, &bytes), expected);
	assert_int_equal(bytes, expected_bytes);
}

static void random_translate(struct fixture *f)
{
	uint64_t iova = WINDOW + random_below(WINDOW_PAGES * PAGE);
	uint32_t len = 1 + (uint32_t)random_below(random_below(2) ? 2000 : 40000);
	uint32_t perm = 1 + (uint32_t)random_below(3), run;
	uint64_t offset = 0;
	int expected = model_translate(iova, len, perm, &offset);
	uint8_t *host;

	if (expected != -2) {
		assert_int_equal(bad(f, iova, len, perm), expected);
		return;
	}
	host = good(f, iova, len, perm);
	for (uint64_t at = ALIGN_UP(offset, PAGE); at + 8 < offset + len; at += PAGE)
		assert_int_equal(get_le64(host + (at - offset)), at);
	assert_ptr_equal(iommu_run(f->domain, &f->tlb, iova, len, perm, &run), host);
	assert_int_equal(run, len);
}

static void check_totals(struct fixture *f)
{
	struct iommu_summary summary;
	uint32_t regions = 0;
	uint64_t bytes = 0;

	for (size_t i = 0; i < MODEL_REGIONS; i++) {
		regions += model[i].perm != 0;
		bytes += model[i].perm ? model[i].size : 0;
	}
	iommu_summarize(f->domain, &summary);
	assert_int_equal(summary.regions, regions);
	assert_int_equal(summary.bytes, bytes);
}

static void test_model(void **state)
{
	struct fixture *f = *state;
	int fd = file_create(FILE_PAGES * PAGE);
	const char *seed = getenv("TEST_SEED");

	random_state = seed ? strtoull(seed, NULL, 0) : now_ns();
	print_message("TEST_SEED=%llu\n", (unsigned long long)random_state);
	for (int i = 0; i < OPERATIONS; i++) {
		switch (random_below(4)) {
		case 0:
			random_map(f, fd);
			break;
		case 1:
			random_unmap(f);
			break;
		default:
			random_translate(f);
		}
		if (i % 1000 == 0)
			check_totals(f);
	}
	iommu_unmap_all(f->domain);
	assert_int_equal(f->state->regions, 0);
	close(fd);
}

int main(void)
{
	const struct CMUnitTest tests[] = { TEST(test_model) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}
