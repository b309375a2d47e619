// SPDX-License-Identifier: BSD-3-Clause
/*
 * memory.c - memory that VFs may reach: one sealed memory file per pool or pair of rings.
 *
 * A card made of software maps the same file, and does so only while nobody can make it smaller
 * under its hands; hence the seals (memfd_create(2), "File sealing"). All of it is faulted in at
 * once: what cannot be had is an error here and not a signal in mid-traffic, and no first access of
 * the card's waits for the kernel.
 *
 * Pages of 2 MiB spare both sides most of their TLB misses. The kernel has them only where somebody
 * reserved some (vm.nr_hugepages), so without them ordinary pages do.
 *
 * IOVAs are the process's, not a VF's: a buffer has the same address for every VF that may reach
 * it. They begin at 4 GiB, above the window of x86 interrupt messages (0xfee00000), and are
 * multiples of 2 MiB, so that a card's table may map large pages. The live ranges are few and kept
 * in a list in order; a new one takes the first gap that it fits in.
 */
#include "vf/memory.h"

#include <fcntl.h>
#include <linux/memfd.h>
#include <pthread.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "util/util.h"
#include "vf/vf.h"

#define HUGE_PAGE (2u << 20)
#define IOVA_FIRST (4ull << 30)
#define IOVA_END (1ull << 39) /* the least address width of an x86 IOMMU */
#define SEALS (F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL)

struct range {
	struct range *next;
	uint64_t iova, end;
};

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static struct range *ranges;

static int take_iova(uint64_t size, uint64_t *iova)
{
	struct range *new = malloc(sizeof(*new)), **link = &ranges;
	int error = 0;

	if (!new)
		return -ENOMEM;
	size = ALIGN_UP(size, (uint64_t)HUGE_PAGE);
	new->iova = IOVA_FIRST;
	pthread_mutex_lock(&lock);
	while (*link && (*link)->iova - new->iova < size) {
		new->iova = (*link)->end;
		link = &(*link)->next;
	}
	if (IOVA_END - new->iova < size) {
		error = -ENOMEM;
		free(new);
	} else {
		new->end = new->iova + size;
		new->next = *link;
		*link = new;
		*iova = new->iova;
	}
	pthread_mutex_unlock(&lock);
	return error;
}

static void give_iova(uint64_t iova)
{
	struct range **link = &ranges, *old;

	pthread_mutex_lock(&lock);
	while (*link && (*link)->iova != iova)
		link = &(*link)->next;
	old = *link;
	if (old)
		*link = old->next;
	pthread_mutex_unlock(&lock);
	free(old);
}

/* A sealed file of @size bytes, every page of it there. Return: 0 or -errno. */
static int make_file(struct vf_memory *memory, const char *name, uint64_t size, bool huge)
{
	int error;

	memory->fd = memfd_create(name, MFD_CLOEXEC | MFD_ALLOW_SEALING |
						(huge ? MFD_HUGETLB | MFD_HUGE_2MB : 0u));
	if (memory->fd < 0)
		return -errno;
	memory->size = ALIGN_UP(size, huge ? (uint64_t)HUGE_PAGE : PAGE_SIZE_4K);
	/* fallocate() reports what is not there to be had; touching it would be answered by SIGBUS. */
	if (ftruncate(memory->fd, (off_t)memory->size) ||
	    fallocate(memory->fd, 0, 0, (off_t)memory->size) ||
	    fcntl(memory->fd, F_ADD_SEALS, SEALS)) {
		error = -errno;
		goto fail;
	}
	memory->host = mmap(NULL, memory->size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_POPULATE,
			    memory->fd, 0);
	if (memory->host == MAP_FAILED) {
		error = -errno;
		goto fail;
	}
	memory->huge = huge;
	return 0;

fail:
	close(memory->fd);
	return error;
}

int vf_memory_create(struct vf_memory *memory, const char *name, uint64_t size,
		     enum softiov_pool_pages pages, struct softiov_reason *why)
{
	int error = -ENOMEM;

	*memory = (struct vf_memory){ 0 };
	if (pages != SOFTIOV_POOL_HUGE_NEVER)
		error = make_file(memory, name, size, true);
	if (error && pages == SOFTIOV_POOL_HUGE_ONLY) {
		*memory = (struct vf_memory){ 0 };
		return vf_fail(why, -SOFTIOV_ERR_NO_MEMORY,
			       "%s: %llu MiB in huge pages are not to be had: %s (reserve some: "
			       "vm.nr_hugepages)",
			       name,
			       (unsigned long long)(ALIGN_UP(size, (uint64_t)HUGE_PAGE) >> 20),
			       strerror(-error));
	}
	if (error)
		error = make_file(memory, name, size, false);
	if (error) {
		*memory = (struct vf_memory){ 0 };
		return vf_fail(why, -SOFTIOV_ERR_NO_MEMORY, "%s: no memory for %llu KiB: %s", name,
			       (unsigned long long)(size >> 10), strerror(-error));
	}
	error = take_iova(memory->size, &memory->iova);
	if (error) {
		munmap(memory->host, memory->size);
		close(memory->fd);
		*memory = (struct vf_memory){ 0 };
		return vf_fail(why, error, "%s: no DMA addresses left", name);
	}
	return 0;
}

void vf_memory_destroy(struct vf_memory *memory)
{
	if (!memory->host)
		return;
	give_iova(memory->iova);
	munmap(memory->host, memory->size);
	close(memory->fd);
	*memory = (struct vf_memory){ 0 };
}
