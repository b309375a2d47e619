/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * test_iommu_threads.c - workers translate and touch memory while the device thread takes it away.
 *
 * The promise: once the grace period after an unmap is over, nobody touches the memory. The device
 * thread then writes to it without any synchronisation but that (ThreadSanitizer tells when the
 * promise is broken), and file pages are unmapped (a broken promise is a crash).
 */
#include "common.h"

#include <poll.h>
#include <pthread.h>

#define WORKERS 3
#define PAGES 48
#define CHANGES 6000
#define ALIVE 0x616c697665ull

static uint64_t ram[PAGES][PAGE / 8] __attribute__((aligned(4096)));
static struct fixture *f;
static struct iommu_domain *looked_up; /* by the workers */
static _Atomic bool stop;

struct page {
	struct quiesce_head head;
	unsigned int index;
	enum { FREE, MAPPED, QUIESCING } state;
};
static struct page pages[PAGES];

static uint64_t page_iova(unsigned int index)
{
	/* Each third page alone in its node, so that nodes come and go as well. */
	return index % 3 ? index * PAGE : index * 4 * MIB + GIB;
}

static void *worker_run(void *arg)
{
	uint64_t number = (uintptr_t)arg, errors = 0, turn = number, hits = 0;
	int slot = quiesce_register(&f->quiesce);
	struct iommu_tlb tlb[PAGES] = { 0 }; /* full of what is no more, but for the generation */

	quiesce_online(&f->quiesce, slot);
	while (!atomic_load_explicit(&stop, memory_order_relaxed)) {
		for (unsigned int i = 0; i < 16; i++) {
			unsigned int index = (unsigned int)(turn * 7 + i * 5) % PAGES;
			struct iommu_tlb *t = &tlb[index];
			uint64_t *host;
			bool split;

			host = (uint64_t *)iommu_translate(looked_up, t, page_iova(index), 64,
							   IOMMU_READ, &split);
			if (!host)
				continue;
			hits++;
			errors += host[0] != ALIVE;
			if (index % 2 == 0)
				host[1 + number] = turn; /* a line of its own in each page */
		}
		if (++turn % 256 == 0) {
			quiesce_offline(&f->quiesce, slot);
			usleep(10);
			quiesce_online(&f->quiesce, slot);
		} else {
			quiesce_point(&f->quiesce, slot);
		}
	}
	quiesce_unregister(&f->quiesce, slot);
	return (void *)(uintptr_t)(hits ? errors : 1);
}

static void page_free(struct quiesce_head *head)
{
	struct page *page = container_of(head, struct page, head);

	memset(ram[page->index], 0, sizeof(ram[page->index]));
	page->state = FREE;
}

static void page_map(struct page *page)
{
	unsigned int index = page->index;
	int fd, error;

	if (index % 2 == 0) {
		ram[index][0] = ALIVE;
		error = iommu_map_host(f->domain, page_iova(index), PAGE, RW, ram[index]);
	} else {
		const uint64_t alive = ALIVE;

		fd = memfd_create("test", MFD_CLOEXEC);
		assert_int_equal(ftruncate(fd, PAGE), 0);
		assert_int_equal(pwrite(fd, &alive, 8, 0), 8);
		error = iommu_map(f->domain, page_iova(index), PAGE, RW, fd, 0);
		close(fd);
	}
	assert_int_equal(error, 0);
	page->state = MAPPED;
}

static void page_unmap(struct page *page)
{
	uint64_t iova = page_iova(page->index), unmapped;

	assert_int_equal(iommu_unmap(f->domain, iova, iova + PAGE - 1, &unmapped), 0);
	assert_int_equal(unmapped, PAGE);
	page->state = QUIESCING;
	quiesce_call(&f->quiesce, &page->head, page_free);
}

static void wait_kick(void)
{
	struct pollfd poll_fd = { .fd = f->quiesce.kick_fd, .events = POLLIN };

	assert_int_equal(poll(&poll_fd, 1, 5000), 1);
	quiesce_poll(&f->quiesce);
}

/* Workers look up @domain while maps of f->domain come and go. */
static void unmap_under_load(struct iommu_domain *domain)
{
	pthread_t threads[WORKERS];
	uint64_t random = 12345;
	void *errors;

	looked_up = domain;
	atomic_store(&stop, false);
	for (unsigned int i = 0; i < PAGES; i++) {
		pages[i].index = i;
		page_map(&pages[i]);
	}
	for (uintptr_t i = 0; i < WORKERS; i++)
		pthread_create(&threads[i], NULL, worker_run, (void *)i);
	for (unsigned int i = 0; i < CHANGES; i++) {
		struct page *page;

		random = random * 6364136223846793005ull + 1442695040888963407ull;
		page = &pages[(random >> 33) % PAGES];
		if (page->state == MAPPED)
			page_unmap(page);
		else if (page->state == FREE)
			page_map(page);
		else
			wait_kick();
		if (i % 100 == 0) {
			iommu_set_bus_master(f->domain, false);
			iommu_set_bus_master(f->domain, true);
			usleep(100);
		}
	}
	atomic_store(&stop, true);
	for (unsigned int i = 0; i < WORKERS; i++) {
		pthread_join(threads[i], &errors);
		assert_null(errors);
	}
	quiesce_poll(&f->quiesce);
	assert_false(quiesce_pending(&f->quiesce));
	for (unsigned int i = 0; i < PAGES; i++)
		assert_true(pages[i].state != QUIESCING);
}

static void test_unmap_under_load(void **state)
{
	f = *state;
	unmap_under_load(f->domain);
}

/* The promise holds for those who follow. */
static void test_followed_under_load(void **state)
{
	struct iommu_state *follower_state = calloc(1, sizeof(*follower_state));
	struct iommu_domain *follower;

	f = *state;
	assert_int_equal(iommu_domain_create(&follower, REQUESTER + 1, follower_state, &f->quiesce),
			 0);
	iommu_set_bus_master(follower, true);
	assert_int_equal(iommu_domain_follow(follower, f->domain), 0);
	unmap_under_load(follower);
	iommu_domain_destroy(follower);
	free(follower_state);
}

static void *fault_run(void *arg)
{
	for (uint32_t i = 0; i < 20000; i++)
		iommu_fault_record(f->domain, (uint64_t)i << 32 | i, i, IOMMU_READ,
				   IOMMU_FAULT_NOT_MAPPED);
	return NULL;
}

/* Faults are recorded by all at once; who reads sees whole records only. */
static void test_faults_under_load(void **state)
{
	struct iommu_fault faults[IOMMU_FAULT_RECORDS];
	pthread_t threads[WORKERS];

	f = *state;
	for (unsigned int i = 0; i < WORKERS; i++)
		pthread_create(&threads[i], NULL, fault_run, NULL);
	while (atomic_load(&f->state->fault_next) < 50000) {
		unsigned int count = iommu_faults(f->domain, faults, ARRAY_SIZE(faults));

		for (unsigned int i = 0; i < count; i++) {
			assert_int_equal(faults[i].iova & UINT32_MAX, faults[i].len);
			assert_int_equal(faults[i].iova >> 32, faults[i].len);
		}
	}
	for (unsigned int i = 0; i < WORKERS; i++)
		pthread_join(threads[i], NULL);
	assert_int_equal(f->state->fault_count[IOMMU_FAULT_NOT_MAPPED], WORKERS * 20000);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_unmap_under_load),
		TEST(test_followed_under_load),
		TEST(test_faults_under_load),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
