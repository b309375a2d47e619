/* SPDX-License-Identifier: BSD-3-Clause */
/* test_iommu.c - maps, unmaps, translation and faults of one domain, without files. */
#include "common.h"

static uint8_t ram[64 * 4096] __attribute__((aligned(4096)));

static void map_ram(struct fixture *f, uint64_t iova, uint64_t size, uint32_t perm, uint64_t offset)
{
	assert_int_equal(iommu_map_host(f->domain, iova, size, perm, ram + offset), 0);
}

static void test_permissions(void **state)
{
	struct fixture *f = *state;

	map_ram(f, 0x10000, 2 * PAGE, IOMMU_READ, 0);
	map_ram(f, 0x20000, 2 * PAGE, IOMMU_WRITE, 4 * PAGE);
	map_ram(f, 0x30000, 2 * PAGE, RW, 8 * PAGE);
	assert_ptr_equal(good(f, 0x10010, 100, IOMMU_READ), ram + 0x10);
	assert_int_equal(bad(f, 0x10010, 100, IOMMU_WRITE), IOMMU_FAULT_PERMISSION);
	assert_int_equal(bad(f, 0x10010, 100, RW), IOMMU_FAULT_PERMISSION);
	assert_ptr_equal(good(f, 0x20010, 100, IOMMU_WRITE), ram + 4 * PAGE + 0x10);
	assert_int_equal(bad(f, 0x20010, 100, IOMMU_READ), IOMMU_FAULT_PERMISSION);
	assert_ptr_equal(good(f, 0x30010, 100, RW), ram + 8 * PAGE + 0x10);
	assert_ptr_equal(good(f, 0x30010, 100, IOMMU_READ), ram + 8 * PAGE + 0x10);
}

static void test_edges(void **state)
{
	struct fixture *f = *state;

	map_ram(f, 0x10000, 2 * PAGE, RW, 0);
	assert_ptr_equal(good(f, 0x10000, 2 * PAGE, RW), ram);
	assert_ptr_equal(good(f, 0x11fff, 1, RW), ram + 2 * PAGE - 1);
	assert_int_equal(bad(f, 0xffff, 1, RW), IOMMU_FAULT_NOT_MAPPED);
	assert_int_equal(bad(f, 0xffff, 2, RW), IOMMU_FAULT_NOT_MAPPED);
	assert_int_equal(bad(f, 0x11fff, 2, RW), IOMMU_FAULT_NOT_MAPPED);
	assert_int_equal(bad(f, 0x12000, 1, RW), IOMMU_FAULT_NOT_MAPPED);
	assert_int_equal(bad(f, 0x10000, UINT32_MAX, RW), IOMMU_FAULT_NOT_MAPPED);
	assert_int_equal(bad(f, 0x10000, 0, RW), IOMMU_FAULT_NOT_MAPPED);
}

static void test_tlb(void **state)
{
	struct fixture *f = *state;
	uint64_t walks;

	map_ram(f, 0x1ff000, 8 * PAGE, RW, 0); /* 4-KiB leaves in two nodes, one run */
	good(f, 0x200000, 1, RW);
	walks = atomic_load(&f->state->translations);
	for (uint64_t i = 0; i < 8 * PAGE; i += 512)
		assert_ptr_equal(good(f, 0x1ff000 + i, 512, IOMMU_READ), ram + i);
	assert_int_equal(atomic_load(&f->state->translations), walks);

	/* Any change empties it; what is not there any more is not found. */
	map_ram(f, 0x400000, PAGE, RW, 16 * PAGE);
	good(f, 0x1ff000, 1, RW);
	assert_int_equal(atomic_load(&f->state->translations), walks + 1);
	assert_int_equal(iommu_unmap(f->domain, 0x1ff000, 0x206fff, NULL), 0);
	assert_int_equal(bad(f, 0x1ff000, 1, RW), IOMMU_FAULT_NOT_MAPPED);
}

static void test_straddle(void **state)
{
	struct fixture *f = *state;
	uint8_t data[3 * 4096], back[3 * 4096];
	uint32_t run;

	map_ram(f, 0x10000, PAGE, RW, 0);
	map_ram(f, 0x11000, PAGE, RW, PAGE);	 /* follows in host memory */
	map_ram(f, 0x12000, PAGE, RW, 8 * PAGE); /* does not */
	map_ram(f, 0x13000, PAGE, IOMMU_READ, 9 * PAGE);

	assert_ptr_equal(good(f, 0x10ff0, 0x20, RW), ram + 0xff0);
	assert_ptr_equal(good(f, 0x10000, 2 * PAGE, RW), ram);
	assert_int_equal(bad(f, 0x11ff0, 0x20, RW), -1);
	assert_int_equal(bad(f, 0x10000, 3 * PAGE, RW), -1);
	assert_ptr_equal(good(f, 0x12ff0, 0x20, IOMMU_READ), ram + 8 * PAGE + 0xff0);
	assert_int_equal(bad(f, 0x12ff0, 0x20, RW), IOMMU_FAULT_PERMISSION);
	assert_int_equal(bad(f, 0x10000, 4 * PAGE, RW), IOMMU_FAULT_PERMISSION);
	assert_int_equal(bad(f, 0x10000, 5 * PAGE, IOMMU_READ), IOMMU_FAULT_NOT_MAPPED);

	assert_ptr_equal(iommu_run(f->domain, &f->tlb, 0x11ff0, 0x20, RW, &run), ram + 0x1ff0);
	assert_int_equal(run, 0x10);
	assert_ptr_equal(iommu_run(f->domain, &f->tlb, 0x12000, 0x10, RW, &run), ram + 8 * PAGE);
	assert_int_equal(run, 0x10);
	assert_ptr_equal(iommu_run(f->domain, &f->tlb, 0x12000, UINT32_MAX, RW, &run),
			 ram + 8 * PAGE);
	assert_int_equal(run, PAGE);
	assert_null(iommu_run(f->domain, &f->tlb, 0x13000, 0x10, RW, &run));
	assert_null(iommu_run(f->domain, &f->tlb, 0x12000, 0, RW, &run));

	for (size_t i = 0; i < sizeof(data); i++)
		data[i] = (uint8_t)(i * 7 + i / 256);
	assert_int_equal(iommu_write(f->domain, &f->tlb, 0x10000, data, sizeof(data)), 0);
	assert_memory_equal(ram, data, 2 * PAGE);
	assert_memory_equal(ram + 8 * PAGE, data + 2 * PAGE, PAGE);
	assert_int_equal(iommu_read(f->domain, &f->tlb, 0x10000, back, sizeof(back)), 0);
	assert_memory_equal(back, data, sizeof(data));
	assert_int_equal(iommu_write(f->domain, &f->tlb, 0x12ff0, data, 0x20), -EFAULT);
	assert_int_equal(iommu_read(f->domain, &f->tlb, 0x13ff0, back, 0x20), -EFAULT);
	assert_int_equal(iommu_read(f->domain, &f->tlb, 0xdead000, back, 0), 0);
}

static void test_map_refused(void **state)
{
	struct fixture *f = *state;
	const uint64_t top = BIT64(IOMMU_ADDRESS_BITS);

	assert_int_equal(iommu_map_host(f->domain, 0x10000, 0, RW, ram), -EINVAL);
	assert_int_equal(iommu_map_host(f->domain, 0x10001, PAGE, RW, ram), -EINVAL);
	assert_int_equal(iommu_map_host(f->domain, 0x10000, PAGE + 1, RW, ram), -EINVAL);
	assert_int_equal(iommu_map_host(f->domain, 0x10000, PAGE, 0, ram), -EINVAL);
	assert_int_equal(iommu_map_host(f->domain, 0x10000, PAGE, 4 | RW, ram), -EINVAL);
	assert_int_equal(iommu_map_host(f->domain, 0x10000, PAGE, RW, NULL), -EINVAL);
	assert_int_equal(iommu_map_host(f->domain, top, PAGE, RW, ram), -EINVAL);
	assert_int_equal(iommu_map_host(f->domain, top - PAGE, 2 * PAGE, RW, ram), -EINVAL);
	assert_int_equal(iommu_map_host(f->domain, -PAGE, PAGE, RW, ram), -EINVAL);
	assert_int_equal(iommu_map_host(f->domain, PAGE, -PAGE, RW, ram), -EINVAL);
	assert_int_equal(f->state->regions, 0);
	map_ram(f, top - PAGE, PAGE, RW, 0);
	map_ram(f, 0, PAGE, RW, PAGE);
	assert_ptr_equal(good(f, top - 1, 1, RW), ram + PAGE - 1);
	assert_ptr_equal(good(f, 0, 1, RW), ram + PAGE);
}

static void test_address_width(void **state)
{
	struct fixture *f = *state;
	const uint64_t top = BIT64(IOMMU_ADDRESS_BITS);

	map_ram(f, top - PAGE, PAGE, RW, 0);
	assert_int_equal(bad(f, top, 1, RW), IOMMU_FAULT_ADDRESS_WIDTH);
	assert_int_equal(bad(f, top - 1, 2, RW), IOMMU_FAULT_ADDRESS_WIDTH);
	assert_int_equal(bad(f, UINT64_MAX, 1, RW), IOMMU_FAULT_ADDRESS_WIDTH);
	assert_int_equal(bad(f, UINT64_MAX, 2, RW), IOMMU_FAULT_ADDRESS_WIDTH);
	assert_int_equal(bad(f, UINT64_MAX - 100, UINT32_MAX, RW), IOMMU_FAULT_ADDRESS_WIDTH);
	assert_int_equal(bad(f, top | 0x1000, 1, RW), IOMMU_FAULT_ADDRESS_WIDTH);
}

static void test_overlap(void **state)
{
	struct fixture *f = *state;

	map_ram(f, 0x10000, 4 * PAGE, RW, 0);
	assert_int_equal(iommu_map_host(f->domain, 0x10000, 4 * PAGE, RW, ram), 0); /* identical */
	assert_int_equal(f->state->regions, 1);
	assert_int_equal(f->state->maps, 1);
	assert_int_equal(iommu_map_host(f->domain, 0x10000, 4 * PAGE, IOMMU_READ, ram), -EEXIST);
	assert_int_equal(iommu_map_host(f->domain, 0x10000, 4 * PAGE, RW, ram + PAGE), -EEXIST);
	assert_int_equal(iommu_map(f->domain, 0x10000, 4 * PAGE, RW, -1, 0), -EEXIST);
	assert_int_equal(iommu_map_host(f->domain, 0x10000, PAGE, RW, ram), -EEXIST);
	assert_int_equal(iommu_map_host(f->domain, 0x13000, PAGE, RW, ram), -EEXIST);
	assert_int_equal(iommu_map_host(f->domain, 0xf000, 2 * PAGE, RW, ram), -EEXIST);
	assert_int_equal(iommu_map_host(f->domain, 0xf000, 16 * PAGE, RW, ram), -EEXIST);
	assert_int_equal(iommu_map_host(f->domain, 0x13000, 2 * PAGE, RW, ram), -EEXIST);
	map_ram(f, 0xf000, PAGE, RW, 8 * PAGE);
	map_ram(f, 0x14000, PAGE, RW, 9 * PAGE);
	assert_int_equal(f->state->regions, 3);
	assert_ptr_equal(good(f, 0x10000, 4 * PAGE, RW), ram);
}

static void test_unmap(void **state)
{
	struct fixture *f = *state;
	uint64_t unmapped = 1;

	assert_int_equal(iommu_unmap(f->domain, 0, UINT64_MAX, &unmapped), 0);
	assert_int_equal(unmapped, 0);
	map_ram(f, 0x10000, 4 * PAGE, RW, 0);
	map_ram(f, 0x20000, PAGE, RW, 4 * PAGE);
	map_ram(f, 0x200000000, PAGE, RW, 5 * PAGE);

	/* Cuts: at the front, at the end, in the middle, and beside a map that would be inside. */
	assert_int_equal(iommu_unmap(f->domain, 0, 0x10fff, &unmapped), -EINVAL);
	assert_int_equal(unmapped, 0);
	assert_int_equal(iommu_unmap(f->domain, 0x11000, UINT64_MAX, NULL), -EINVAL);
	assert_int_equal(iommu_unmap(f->domain, 0x11000, 0x11fff, NULL), -EINVAL);
	assert_int_equal(iommu_unmap(f->domain, 0x13fff, 0x20fff, NULL), -EINVAL);
	assert_int_equal(iommu_unmap(f->domain, 0, 0x13ffe, NULL), -EINVAL);
	assert_int_equal(iommu_unmap(f->domain, 1, 0, NULL), -EINVAL);
	assert_int_equal(f->state->regions, 3);
	good(f, 0x10000, 4 * PAGE, RW);

	/* Nothing there: success. */
	assert_int_equal(iommu_unmap(f->domain, 0x14000, 0x1ffff, &unmapped), 0);
	assert_int_equal(unmapped, 0);
	assert_int_equal(iommu_unmap(f->domain, 0xfee00000, UINT32_MAX, &unmapped), 0);
	assert_int_equal(unmapped, 0);

	assert_int_equal(iommu_unmap(f->domain, 0x10000, 0x13fff, &unmapped), 0);
	assert_int_equal(unmapped, 4 * PAGE);
	assert_int_equal(bad(f, 0x10000, 1, RW), IOMMU_FAULT_NOT_MAPPED);
	good(f, 0x20000, 1, RW);
	/* As QEMU does with iommu=pt: the end is 2^64. */
	assert_int_equal(iommu_unmap(f->domain, 0xfef00000, UINT64_MAX, &unmapped), 0);
	assert_int_equal(unmapped, PAGE);
	good(f, 0x20000, 1, RW);
	map_ram(f, 0x30000, PAGE, RW, 0);
	assert_int_equal(f->state->unmaps, 2);
	iommu_unmap_all(f->domain);
	assert_int_equal(f->state->unmaps, 0);
	assert_int_equal(f->state->regions, 0);
	assert_int_equal(f->state->slots, 0);
	assert_int_equal(bad(f, 0x20000, 1, RW), IOMMU_FAULT_NOT_MAPPED);
}

static void test_not_shared(void **state)
{
	struct fixture *f = *state;
	struct iommu_summary summary;

	assert_int_equal(iommu_map(f->domain, 0xa0000, 0x20000, RW, -1, 0), 0);
	assert_int_equal(iommu_map(f->domain, 0xa0000, 0x20000, RW, -1, 0), 0);
	assert_int_equal(iommu_map(f->domain, 0xa0000, PAGE, RW, -1, 0), -EEXIST);
	map_ram(f, 0xc0000, PAGE, RW, 0);
	assert_int_equal(bad(f, 0xa0000, 1, RW), IOMMU_FAULT_NOT_SHARED);
	assert_int_equal(bad(f, 0xbffff, 2, RW), IOMMU_FAULT_NOT_SHARED);
	iommu_summarize(f->domain, &summary);
	assert_int_equal(summary.regions, 2);
	assert_int_equal(summary.not_shared_regions, 1);
	assert_int_equal(summary.bytes, 0x21000);
	assert_int_equal(summary.not_shared_bytes, 0x20000);
	assert_int_equal(summary.faults, 2);
	assert_int_equal(iommu_unmap(f->domain, 0xa0000, 0xbffff, NULL), 0);
	assert_int_equal(bad(f, 0xa0000, 1, RW), IOMMU_FAULT_NOT_MAPPED);
	iommu_summarize(f->domain, &summary);
	assert_int_equal(summary.not_shared_bytes, 0);
}

static void test_leaves(void **state)
{
	struct fixture *f = *state;
	struct iommu_summary summary;

	/* From 4 KiB to 3 GiB + 4 KiB: small leaves at both ends only. */
	assert_int_equal(iommu_map(f->domain, PAGE, 3 * GIB, RW, -1, 0), 0);
	iommu_summarize(f->domain, &summary);
	assert_int_equal(summary.leaves_4k, 512);
	assert_int_equal(summary.leaves_2m, 511);
	assert_int_equal(summary.leaves_1g, 2);
	/* All that 48 bits can address. */
	iommu_unmap_all(f->domain);
	assert_int_equal(iommu_map(f->domain, 0, BIT64(48), RW, -1, 0), 0);
	iommu_summarize(f->domain, &summary);
	assert_int_equal(summary.leaves_1g, BIT(18));
	assert_int_equal(bad(f, BIT64(47) + 5, 1, RW), IOMMU_FAULT_NOT_SHARED);
	iommu_unmap_all(f->domain);
	/* The widest region with the most leaves. */
	assert_int_equal(iommu_map(f->domain, PAGE, BIT64(48) - 2 * PAGE, RW, -1, 0), 0);
	assert_int_equal(bad(f, 0, 1, RW), IOMMU_FAULT_NOT_MAPPED);
	assert_int_equal(bad(f, BIT64(48) - 1, 1, RW), IOMMU_FAULT_NOT_MAPPED);
	assert_int_equal(bad(f, PAGE, UINT32_MAX, RW), IOMMU_FAULT_NOT_SHARED);
	assert_int_equal(bad(f, BIT64(48) - PAGE - 1, 1, RW), IOMMU_FAULT_NOT_SHARED);
	iommu_unmap_all(f->domain);
	iommu_summarize(f->domain, &summary);
	assert_int_equal(summary.leaves_4k + summary.leaves_2m + summary.leaves_1g, 0);
	assert_int_equal(summary.bytes, 0);
}

static void test_bus_master(void **state)
{
	struct fixture *f = *state;

	map_ram(f, 0x10000, PAGE, RW, 0);
	good(f, 0x10000, 1, RW); /* now cached */
	iommu_set_bus_master(f->domain, false);
	assert_int_equal(bad(f, 0x10000, 1, RW), IOMMU_FAULT_BUS_MASTER_OFF);
	assert_int_equal(bad(f, 0xdead000, 1, RW), IOMMU_FAULT_BUS_MASTER_OFF);
	assert_int_equal(f->state->bus_master, 0);
	iommu_set_bus_master(f->domain, true);
	good(f, 0x10000, 1, RW);
}

static void test_new_domain_is_off(void **state)
{
	struct fixture *f = fixture_create();
	struct iommu_domain *other;
	struct iommu_state *other_state = calloc(1, sizeof(*other_state));
	struct iommu_tlb tlb = { 0 };
	bool split;

	assert_int_equal(iommu_domain_create(&other, 1, other_state, &f->quiesce), 0);
	assert_null(iommu_translate(other, &tlb, 0, 1, RW, &split));
	assert_int_equal(other_state->fault[0].reason, IOMMU_FAULT_BUS_MASTER_OFF);
	assert_null(iommu_translate(other, &tlb, 0, 0, 0, &split));
	iommu_domain_destroy(other);
	free(other_state);
	fixture_destroy(f);
}

static void test_fault_records(void **state)
{
	struct fixture *f = *state;
	struct iommu_fault faults[IOMMU_FAULT_RECORDS + 8];
	uint64_t start = now_ns();

	assert_int_equal(iommu_faults(f->domain, faults, 8), 0);
	for (uint32_t i = 0; i < 100; i++)
		iommu_fault_record(f->domain, i * PAGE, i, IOMMU_WRITE, IOMMU_FAULT_NOT_MAPPED);
	iommu_fault_record(f->domain, 7, 8, IOMMU_READ, IOMMU_FAULT_PERMISSION);
	assert_int_equal(iommu_faults(f->domain, faults, ARRAY_SIZE(faults)), IOMMU_FAULT_RECORDS);
	assert_int_equal(faults[0].iova, 7);
	assert_int_equal(faults[0].perm, IOMMU_READ);
	assert_int_equal(faults[0].reason, IOMMU_FAULT_PERMISSION);
	for (uint32_t i = 1; i < IOMMU_FAULT_RECORDS; i++) {
		assert_int_equal(faults[i].iova, (100 - i) * PAGE);
		assert_int_equal(faults[i].len, 100 - i);
		assert_true(faults[i].time_ns <= faults[i - 1].time_ns);
	}
	assert_true(faults[0].time_ns > start);
	assert_int_equal(iommu_faults(f->domain, faults, 3), 3);
	assert_int_equal(f->state->fault_count[IOMMU_FAULT_NOT_MAPPED], 100);
	assert_int_equal(f->state->fault_count[IOMMU_FAULT_PERMISSION], 1);

	/* A process that died while it wrote leaves a busy slot; adoption frees it. */
	atomic_store(&f->state->fault_ticket[0], UINT64_MAX);
	for (int i = 0; i < IOMMU_FAULT_RECORDS; i++)
		iommu_fault_record(f->domain, 9, 1, IOMMU_READ, IOMMU_FAULT_PERMISSION);
	assert_int_equal(iommu_faults(f->domain, faults, 40), IOMMU_FAULT_RECORDS - 1);
	fixture_adopt(f);
	for (int i = 0; i < IOMMU_FAULT_RECORDS; i++)
		iommu_fault_record(f->domain, 9, 1, IOMMU_READ, IOMMU_FAULT_PERMISSION);
	assert_int_equal(iommu_faults(f->domain, faults, 40), IOMMU_FAULT_RECORDS);

	for (int i = 0; i < IOMMU_FAULT_REASONS; i++)
		assert_string_not_equal(iommu_fault_text(i), "unknown reason");
	assert_string_equal(iommu_fault_text(IOMMU_FAULT_REASONS), "unknown reason");
	assert_string_equal(iommu_fault_text(IOMMU_FAULT_NOT_MAPPED), "address not mapped");
}

static void test_full(void **state)
{
	struct fixture *f = *state;
	uint64_t unmapped;

	for (uint64_t i = 0; i < IOMMU_MAX_REGIONS; i++)
		map_ram(f, i * 2 * PAGE, PAGE, RW, (i % 64) * PAGE);
	assert_int_equal(iommu_map_host(f->domain, PAGE, PAGE, RW, ram), -ENOSPC);
	assert_int_equal(iommu_unmap(f->domain, 20 * PAGE, 21 * PAGE - 1, NULL), 0);
	map_ram(f, PAGE, PAGE, RW, 0);
	for (uint64_t i = 11; i < IOMMU_MAX_REGIONS; i += 999)
		assert_ptr_equal(good(f, i * 2 * PAGE, 1, RW), ram + (i % 64) * PAGE);
	assert_int_equal(iommu_unmap(f->domain, 0, UINT64_MAX, &unmapped), 0);
	assert_int_equal(unmapped, IOMMU_MAX_REGIONS * PAGE);
}

static void test_scattered(void **state)
{
	struct fixture *f = *state;
	uint64_t count = 0;
	int error = 0;

	/* One page in each GiB costs two nodes: the guest gets a refusal, not the host's memory. */
	while (!error && count < IOMMU_MAX_REGIONS)
		error = iommu_map_host(f->domain, count++ * GIB, PAGE, RW, ram);
	assert_int_equal(error, -ENOSPC);
	assert_in_range(count, 4000, 4100);
	iommu_unmap_all(f->domain);
	map_ram(f, 0, PAGE, RW, 0);
}

static void test_adopt(void **state)
{
	struct fixture *f = *state;
	struct iommu_summary summary;

	map_ram(f, 0x10000, PAGE, RW, 0);
	map_ram(f, 0x20000, PAGE, RW, PAGE);
	map_ram(f, 0x30000, PAGE, RW, 2 * PAGE);
	assert_int_equal(iommu_map(f->domain, 0x40000, PAGE, RW, -1, 0), 0);
	assert_int_equal(iommu_unmap(f->domain, 0x20000, 0x20fff, NULL), 0);
	fixture_adopt(f);

	assert_int_equal(f->state->regions, 3);
	assert_int_equal(f->state->maps, 4);
	iommu_summarize(f->domain, &summary);
	assert_int_equal(summary.bytes, 3 * PAGE);
	/* Bus mastering is as it was; memory is not there before it is mapped again. */
	assert_int_equal(bad(f, 0x10000, 1, RW), IOMMU_FAULT_NOT_MAPPED);
	assert_int_equal(bad(f, 0x40000, 1, RW), IOMMU_FAULT_NOT_SHARED);
	assert_int_equal(iommu_map_host(f->domain, 0x10000, 2 * PAGE, RW, ram), -EEXIST);
	map_ram(f, 0x10000, PAGE, RW, 0);
	assert_ptr_equal(good(f, 0x10000, 1, RW), ram);
	assert_int_equal(f->state->regions, 3);
	assert_int_equal(iommu_unmap(f->domain, 0x30000, 0x30fff, NULL), 0); /* never connected */
	map_ram(f, 0x50000, PAGE, RW, 0);
	map_ram(f, 0x60000, PAGE, RW, 0);
	map_ram(f, 0x70000, PAGE, RW, 0);
	assert_int_equal(f->state->slots, 5);
	assert_int_equal(f->state->regions, 5);
}

static void test_adopt_damaged(void **state)
{
	struct fixture *f = *state;

	for (uint64_t i = 0; i < 6; i++)
		map_ram(f, 0x10000 * i, PAGE, RW, 0);
	f->state->region[1].size = 0;
	f->state->region[2].iova = 0x30000;
	f->state->region[4].file = 17;
	f->state->region[5].perm = 9;
	f->state->regions = 12345;
	fixture_adopt(f);
	assert_int_equal(f->state->regions, 2); /* 0 and one of 2 and 3 */
	iommu_unmap_all(f->domain);
	f->state->slots = UINT32_MAX;
	fixture_adopt(f);
	assert_int_equal(f->state->regions, 0);
	map_ram(f, 0, PAGE, RW, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_permissions),	  TEST(test_edges),
		TEST(test_tlb),		  TEST(test_straddle),
		TEST(test_map_refused),	  TEST(test_address_width),
		TEST(test_overlap),	  TEST(test_unmap),
		TEST(test_not_shared),	  TEST(test_leaves),
		TEST(test_bus_master),	  cmocka_unit_test(test_new_domain_is_off),
		TEST(test_fault_records), TEST(test_full),
		TEST(test_scattered),	  TEST(test_adopt),
		TEST(test_adopt_damaged),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
