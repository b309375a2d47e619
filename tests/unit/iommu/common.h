/* SPDX-License-Identifier: BSD-3-Clause */
/* common.h - a domain with its state and grace periods, for the tests of this room. */
#ifndef TEST_IOMMU_COMMON_H
#define TEST_IOMMU_COMMON_H

#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "iommu/iommu.h"
#include "util/quiesce.h"

#define KIB 1024ull
#define MIB (1024 * KIB)
#define GIB (1024 * MIB)
#define PAGE 4096ull
#define RW (IOMMU_READ | IOMMU_WRITE)
#define REQUESTER 0x0710

struct fixture {
	struct quiesce quiesce;
	struct iommu_state *state;
	struct iommu_domain *domain;
	struct iommu_tlb tlb;
};

static inline struct fixture *fixture_create(void)
{
	struct fixture *f = aligned_alloc(64, ALIGN_UP(sizeof(*f), 64));

	memset(f, 0, sizeof(*f));
	assert_int_equal(quiesce_init(&f->quiesce), 0);
	f->state = mmap(NULL, sizeof(*f->state), PROT_READ | PROT_WRITE,
			MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	assert_ptr_not_equal(f->state, MAP_FAILED);
	assert_int_equal(iommu_domain_create(&f->domain, REQUESTER, f->state, &f->quiesce), 0);
	iommu_set_bus_master(f->domain, true);
	return f;
}

static inline void fixture_destroy(struct fixture *f)
{
	iommu_domain_destroy(f->domain);
	quiesce_fini(&f->quiesce);
	munmap(f->state, sizeof(*f->state));
	free(f);
}

/* The process goes and comes back: only the state stays. */
static inline void fixture_adopt(struct fixture *f)
{
	iommu_domain_destroy(f->domain);
	memset(&f->tlb, 0, sizeof(f->tlb));
	assert_int_equal(iommu_domain_create(&f->domain, REQUESTER, f->state, &f->quiesce), 0);
}

static inline int setup(void **state)
{
	*state = fixture_create();
	return 0;
}

static inline int teardown(void **state)
{
	fixture_destroy(*state);
	return 0;
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

/* A memory file of @size bytes; the first 8 bytes of each page tell its offset. */
static inline int file_create(uint64_t size)
{
	int fd = memfd_create("test", MFD_CLOEXEC | MFD_ALLOW_SEALING);

	assert_true(fd >= 0);
	assert_int_equal(ftruncate(fd, (off_t)size), 0);
	for (uint64_t offset = 0; offset < size && size <= 64 * MIB; offset += PAGE)
		assert_int_equal(pwrite(fd, &offset, 8, (off_t)offset), 8);
	return fd;
}

/* Translate and expect success without a split. */
static inline uint8_t *good(struct fixture *f, uint64_t iova, uint32_t len, uint32_t perm)
{
	bool split = false;
	uint8_t *host = iommu_translate(f->domain, &f->tlb, iova, len, perm, &split);

	assert_non_null(host);
	return host;
}

/* Translate, expect NULL; return the reason of the fault that was recorded, or -1 for a split. */
static inline int bad(struct fixture *f, uint64_t iova, uint32_t len, uint32_t perm)
{
	uint64_t faults = atomic_load(&f->state->fault_next);
	struct iommu_fault fault;
	bool split = false;

	assert_null(iommu_translate(f->domain, &f->tlb, iova, len, perm, &split));
	if (split) {
		assert_int_equal(atomic_load(&f->state->fault_next), faults);
		return -1;
	}
	assert_int_equal(atomic_load(&f->state->fault_next), faults + 1);
	assert_int_equal(iommu_faults(f->domain, &fault, 1), 1);
	assert_true(fault.iova == iova && fault.len == len && fault.perm == perm);
	assert_int_equal(fault.requester, REQUESTER);
	return fault.reason;
}

#endif
