/* SPDX-License-Identifier: BSD-3-Clause */
/* test_iommu_follow.c - domains that use the maps of a leader: f->domain leads, two others follow. */
#include "common.h"

#define FOLLOWERS 2
#define FOLLOWER_REQUESTER 0x0780

static uint8_t ram[8 * 4096] __attribute__((aligned(4096)));

struct follower {
	struct iommu_state *state;
	struct iommu_domain *domain;
	struct iommu_tlb tlb;
};
static struct follower follower[FOLLOWERS];

static int setup_all(void **state)
{
	struct fixture *f = fixture_create();

	*state = f;
	for (unsigned int i = 0; i < FOLLOWERS; i++) {
		struct follower *one = &follower[i];

		memset(one, 0, sizeof(*one));
		one->state = calloc(1, sizeof(*one->state));
		assert_int_equal(iommu_domain_create(&one->domain,
						     (uint16_t)(FOLLOWER_REQUESTER + 2 * i),
						     one->state, &f->quiesce),
				 0);
		iommu_set_bus_master(one->domain, true);
	}
	return 0;
}

static int teardown_all(void **state)
{
	struct fixture *f = *state;

	for (unsigned int i = 0; i < FOLLOWERS; i++)
		iommu_domain_destroy(follower[i].domain);
	iommu_domain_destroy(f->domain);
	quiesce_fini(&f->quiesce);
	for (unsigned int i = 0; i < FOLLOWERS; i++)
		free(follower[i].state);
	munmap(f->state, sizeof(*f->state));
	free(f);
	return 0;
}

static void follow(struct fixture *f)
{
	for (unsigned int i = 0; i < FOLLOWERS; i++)
		assert_int_equal(iommu_domain_follow(follower[i].domain, f->domain), 0);
}

static void map_ram(struct fixture *f, uint64_t iova, uint64_t offset)
{
	assert_int_equal(iommu_map_host(f->domain, iova, PAGE, RW, ram + offset), 0);
}

/* What follower @i finds at @iova. */
static uint8_t *look(unsigned int i, uint64_t iova)
{
	bool split = false;

	return iommu_translate(follower[i].domain, &follower[i].tlb, iova, 16, RW, &split);
}

/* Why follower @i found nothing at last. */
static int reason(unsigned int i)
{
	struct iommu_fault fault;

	assert_int_equal(iommu_faults(follower[i].domain, &fault, 1), 1);
	assert_int_equal(fault.requester, FOLLOWER_REQUESTER + 2 * i);
	return fault.reason;
}

static void test_maps_of_the_leader(void **state)
{
	struct fixture *f = *state;
	uint64_t walks;

	map_ram(f, 0x10000, 0);
	assert_null(look(0, 0x10000));
	follow(f);
	assert_ptr_equal(look(0, 0x10010), ram + 0x10);
	assert_ptr_equal(look(1, 0x10020), ram + 0x20);
	map_ram(f, 0x20000, PAGE);
	assert_ptr_equal(look(0, 0x20000), ram + PAGE);
	assert_ptr_equal(look(1, 0x20000), ram + PAGE);
	assert_ptr_equal(good(f, 0x20000, 16, RW), ram + PAGE);

	/* Each has a cache of its own, and counts for itself. */
	walks = atomic_load(&follower[0].state->translations);
	for (unsigned int i = 0; i < 100; i++)
		assert_ptr_equal(look(0, 0x20000 + i), ram + PAGE + i);
	assert_int_equal(atomic_load(&follower[0].state->translations), walks);
	assert_int_equal(atomic_load(&follower[1].state->translations), 2);
	assert_int_equal(atomic_load(&f->state->translations), 1);
}

/* Whatever the leader changes, no follower goes on with what it has cached. */
static void test_changes_of_the_leader(void **state)
{
	struct fixture *f = *state;

	follow(f);
	map_ram(f, 0x10000, 0);
	assert_ptr_equal(look(0, 0x10000), ram);
	assert_ptr_equal(look(1, 0x10000), ram);
	assert_int_equal(iommu_unmap(f->domain, 0x10000, 0x10fff, NULL), 0);
	assert_null(look(0, 0x10000));
	assert_int_equal(reason(0), IOMMU_FAULT_NOT_MAPPED);
	assert_null(look(1, 0x10000));
	map_ram(f, 0x10000, 2 * PAGE);
	assert_ptr_equal(look(0, 0x10000), ram + 2 * PAGE);

	iommu_set_bus_master(f->domain, false);
	assert_null(look(0, 0x10000));
	assert_int_equal(reason(0), IOMMU_FAULT_BUS_MASTER_OFF);
	iommu_set_bus_master(f->domain, true);
	assert_ptr_equal(look(0, 0x10000), ram + 2 * PAGE);

	/* Its client is gone. */
	iommu_unmap_all(f->domain);
	assert_null(look(0, 0x10000));
	assert_null(look(1, 0x10000));
	assert_int_equal(reason(1), IOMMU_FAULT_NOT_MAPPED);
}

static void test_bus_master_of_its_own(void **state)
{
	struct fixture *f = *state;

	follow(f);
	map_ram(f, 0x10000, 0);
	assert_ptr_equal(look(0, 0x10000), ram);
	iommu_set_bus_master(follower[0].domain, false);
	assert_null(look(0, 0x10000));
	assert_int_equal(reason(0), IOMMU_FAULT_BUS_MASTER_OFF);
	assert_ptr_equal(look(1, 0x10000), ram);
	assert_ptr_equal(good(f, 0x10000, 16, RW), ram);
	iommu_set_bus_master(follower[0].domain, true);
	assert_ptr_equal(look(0, 0x10000), ram);
}

static void test_faults_are_the_followers(void **state)
{
	struct fixture *f = *state;

	follow(f);
	assert_int_equal(iommu_map(f->domain, 0x30000, PAGE, RW, -1, 0), 0);
	assert_null(look(0, 0x30000));
	assert_int_equal(reason(0), IOMMU_FAULT_NOT_SHARED);
	assert_int_equal(follower[0].state->fault_count[IOMMU_FAULT_NOT_SHARED], 1);
	assert_int_equal(atomic_load(&follower[1].state->fault_next), 0);
	assert_int_equal(atomic_load(&f->state->fault_next), 0);
}

static void test_unfollow(void **state)
{
	struct fixture *f = *state;

	follow(f);
	map_ram(f, 0x10000, 0);
	assert_ptr_equal(look(0, 0x10000), ram);
	assert_ptr_equal(look(1, 0x10000), ram);
	assert_int_equal(iommu_domain_follow(follower[0].domain, NULL), 0);
	assert_null(look(0, 0x10000));
	assert_int_equal(reason(0), IOMMU_FAULT_NOT_MAPPED);
	assert_ptr_equal(look(1, 0x10000), ram);

	/* Its own maps again, whatever the leader does. */
	assert_int_equal(iommu_map_host(follower[0].domain, 0x10000, PAGE, RW, ram + PAGE), 0);
	assert_ptr_equal(look(0, 0x10000), ram + PAGE);
	iommu_unmap_all(f->domain);
	iommu_set_bus_master(f->domain, false);
	assert_ptr_equal(look(0, 0x10000), ram + PAGE);
	assert_null(look(1, 0x10000));
	assert_int_equal(iommu_domain_follow(follower[0].domain, NULL), 0);
	assert_ptr_equal(look(0, 0x10000), ram + PAGE);
}

static void test_refused(void **state)
{
	struct fixture *f = *state;
	struct iommu_domain *one = follower[0].domain, *two = follower[1].domain;
	int fd = file_create(PAGE);

	assert_int_equal(iommu_map_host(one, 0x10000, PAGE, RW, ram), 0);
	assert_int_equal(iommu_domain_follow(one, f->domain), -EBUSY);
	iommu_unmap_all(one);
	assert_int_equal(iommu_domain_follow(one, one), -EINVAL);
	assert_int_equal(iommu_domain_follow(one, f->domain), 0);
	assert_int_equal(iommu_domain_follow(one, f->domain), 0);
	assert_int_equal(iommu_domain_follow(two, one), -EINVAL);
	assert_int_equal(iommu_domain_follow(f->domain, two), -EBUSY);
	assert_int_equal(iommu_map_host(one, 0x10000, PAGE, RW, ram), -EBUSY);
	assert_int_equal(iommu_map(one, 0x10000, PAGE, RW, fd, 0), -EBUSY);
	assert_int_equal(iommu_map(one, 0x10000, PAGE, RW, -1, 0), -EBUSY);
	assert_int_equal(follower[0].state->regions, 0);
	close(fd);

	/* From one leader to another, at once. */
	map_ram(f, 0x10000, 0);
	assert_int_equal(iommu_map_host(two, 0x10000, PAGE, RW, ram + PAGE), 0);
	assert_ptr_equal(look(0, 0x10000), ram);
	assert_int_equal(iommu_domain_follow(one, two), 0);
	assert_ptr_equal(look(0, 0x10000), ram + PAGE);
	iommu_set_bus_master(f->domain, false);
	assert_ptr_equal(look(0, 0x10000), ram + PAGE);
	assert_int_equal(iommu_domain_follow(one, NULL), 0);
}

/* A follower that is destroyed is not told of changes any more. */
static void test_follower_destroyed(void **state)
{
	struct fixture *f = *state;

	follow(f);
	for (unsigned int i = 0; i < FOLLOWERS; i++) {
		iommu_domain_destroy(follower[i].domain);
		map_ram(f, (1 + i) * PAGE, i * PAGE);
		assert_int_equal(iommu_domain_create(&follower[i].domain,
						     (uint16_t)(FOLLOWER_REQUESTER + 2 * i),
						     follower[i].state, &f->quiesce),
				 0);
		assert_null(look(i, (1 + i) * PAGE));
	}
	assert_int_equal(iommu_domain_follow(f->domain, follower[0].domain), -EBUSY);
	iommu_unmap_all(f->domain);
	assert_int_equal(iommu_domain_follow(f->domain, follower[0].domain), 0);
	assert_int_equal(iommu_domain_follow(f->domain, NULL), 0);
}

#define TEST_ALL(name) cmocka_unit_test_setup_teardown(name, setup_all, teardown_all)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST_ALL(test_maps_of_the_leader),
		TEST_ALL(test_changes_of_the_leader),
		TEST_ALL(test_bus_master_of_its_own),
		TEST_ALL(test_faults_are_the_followers),
		TEST_ALL(test_unfollow),
		TEST_ALL(test_refused),
		TEST_ALL(test_follower_destroyed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
