/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * file.c - files of clients, mapped into the process: each once, however many maps and domains use
 * it.
 *
 * A client sends a descriptor of its memory with every single map; under a guest IOMMU that is one
 * per 4-KiB page. So descriptors are never kept, and a file, known by (device, inode), is mapped as
 * a whole. Maps for reading only get a mapping of their own that the processor cannot write.
 *
 * A file that grew gets a second, larger mapping. The first stays where it is as long as regions
 * point into it.
 *
 * Nothing here trusts the descriptor. Regular files only, opened for what the map asks, not sealed
 * against it: a mapping found by its inode must give nobody what mmap() of his own descriptor would
 * refuse. And files in memory only (tmpfs, memfd, hugetlbfs): a worker that touches a page of a
 * FUSE file would wait for as long as the client likes, and so would whoever asks for its size.
 * Those that have seals are files in memory, which fcntl() tells without asking the file system.
 *
 * The last user gone, a mapping is removed after a grace period, unless somebody uses it again by
 * then (at reset QEMU takes all RAM away for microseconds). Removing the page tables of a large
 * guest takes milliseconds, which the device thread does not have: a short-lived thread does it.
 */
#include "iommu/internal.h"

#include <fcntl.h>
#include <linux/magic.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

#define UNMAP_INLINE_BYTES (64ull << 20)

static _Atomic(struct mapping *) mappings;
static struct mapping *spare_mappings;

int file_inspect(int fd, uint32_t perm, struct file_info *info)
{
	struct stat st;
	int flags, mode, seals;

	flags = fcntl(fd, F_GETFL);
	seals = fcntl(fd, F_GET_SEALS);
	if (flags < 0 || (flags & O_PATH) || seals < 0 || fstat(fd, &st) < 0 ||
	    !S_ISREG(st.st_mode))
		return -EINVAL;
	mode = flags & O_ACCMODE;
	if (mode == O_WRONLY || ((perm & IOMMU_WRITE) && mode != O_RDWR))
		return -EINVAL;
	info->device = st.st_dev;
	info->inode = st.st_ino;
	info->size = (uint64_t)st.st_size;
	info->writable = perm & IOMMU_WRITE;
	if (info->writable && (seals & (F_SEAL_WRITE | F_SEAL_FUTURE_WRITE)))
		return -EINVAL;
	return 0;
}

bool mapping_suits(const struct mapping *mapping, const struct file_info *info, uint64_t end)
{
	return mapping->inode == info->inode && mapping->device == info->device &&
	       atomic_load_explicit(&mapping->writable, memory_order_relaxed) == info->writable &&
	       atomic_load_explicit(&mapping->size, memory_order_relaxed) >= end &&
	       !atomic_load_explicit(&mapping->broken, memory_order_relaxed);
}

struct mapping *mapping_find(uintptr_t address)
{
	struct mapping *mapping = atomic_load_explicit(&mappings, memory_order_acquire);

	while (mapping) {
		uintptr_t base = atomic_load_explicit(&mapping->base, memory_order_relaxed);
		size_t size = atomic_load_explicit(&mapping->size, memory_order_relaxed);

		if (address >= base && address - base < size)
			return mapping;
		mapping = atomic_load_explicit(&mapping->next, memory_order_acquire);
	}
	return NULL;
}

/* Return: the page size of @fd's file system, or -EINVAL when it is not one in memory. */
static long memory_page_size(int fd)
{
	struct statfs fs;

	if (fstatfs(fd, &fs) < 0)
		return -EINVAL;
	switch (fs.f_type) {
	case HUGETLBFS_MAGIC:
		return fs.f_bsize;
	case TMPFS_MAGIC:
		return PAGE_SIZE_4K;
	default:
		return -EINVAL;
	}
}

static struct mapping *mapping_alloc(void)
{
	struct mapping *mapping = spare_mappings;

	if (!mapping)
		return calloc(1, sizeof(*mapping));
	spare_mappings = atomic_load_explicit(&mapping->next, memory_order_relaxed);
	return mapping;
}

static void mapping_recycle(struct mapping *mapping)
{
	atomic_store_explicit(&mapping->size, 0, memory_order_relaxed);
	atomic_store_explicit(&mapping->next, spare_mappings, memory_order_relaxed);
	spare_mappings = mapping;
}

static int mapping_create(struct mapping **created, int fd, const struct file_info *info,
			  struct quiesce *quiesce)
{
	struct mapping *mapping;
	long page_size;
	void *base;

	page_size = memory_page_size(fd);
	if (page_size < 0)
		return (int)page_size;
	mapping = mapping_alloc();
	if (!mapping)
		return -ENOMEM;
	base = mmap(NULL, info->size, PROT_READ | (info->writable ? PROT_WRITE : 0), MAP_SHARED, fd,
		    0);
	if (base == MAP_FAILED) {
		mapping_recycle(mapping);
		return errno == ENOMEM ? -ENOMEM : -EINVAL;
	}
	madvise(base, info->size, MADV_DONTDUMP); /* a guest's memory is not for our core files */

	mapping->device = info->device;
	mapping->inode = info->inode;
	mapping->users = 0;
	mapping->quiesce = quiesce;
	atomic_store_explicit(&mapping->base, (uintptr_t)base, memory_order_relaxed);
	atomic_store_explicit(&mapping->size, info->size, memory_order_relaxed);
	atomic_store_explicit(&mapping->page_size, (size_t)page_size, memory_order_relaxed);
	atomic_store_explicit(&mapping->writable, info->writable, memory_order_relaxed);
	atomic_store_explicit(&mapping->broken, false, memory_order_relaxed);
	atomic_store_explicit(&mapping->next, atomic_load_explicit(&mappings, memory_order_relaxed),
			      memory_order_relaxed);
	atomic_store_explicit(&mappings, mapping, memory_order_release);
	*created = mapping;
	return 0;
}

int mapping_get(struct mapping **mapping, int fd, const struct file_info *info, uint64_t end,
		struct quiesce *quiesce)
{
	struct mapping *found = atomic_load_explicit(&mappings, memory_order_relaxed);
	int error;

	while (found && !(found->quiesce == quiesce && mapping_suits(found, info, end)))
		found = atomic_load_explicit(&found->next, memory_order_relaxed);
	if (!found) {
		error = mapping_create(&found, fd, info, quiesce);
		if (error)
			return error;
	}
	found->users++;
	*mapping = found;
	return 0;
}

struct unmap_job {
	void *base;
	size_t size;
};

static void *unmap_thread(void *arg)
{
	struct unmap_job *job = arg;

	munmap(job->base, job->size);
	free(job);
	return NULL;
}

int run_by_thread(void *(*function)(void *arg), void *arg)
{
	pthread_attr_t attr;
	sigset_t all, saved;
	pthread_t thread;
	int error;

	pthread_attr_init(&attr);
	pthread_attr_setdetachstate(&attr, PTHREAD_CREATE_DETACHED);
	sigfillset(&all); /* signals are for the threads that expect them */
	pthread_sigmask(SIG_BLOCK, &all, &saved);
	error = pthread_create(&thread, &attr, function, arg);
	pthread_sigmask(SIG_SETMASK, &saved, NULL);
	pthread_attr_destroy(&attr);
	return -error;
}

static int unmap_by_thread(void *base, size_t size)
{
	struct unmap_job *job = malloc(sizeof(*job));
	int error;

	if (!job)
		return -ENOMEM;
	*job = (struct unmap_job){ .base = base, .size = size };
	error = run_by_thread(unmap_thread, job);
	if (error)
		free(job);
	return error;
}

static void mapping_destroy(struct mapping *mapping)
{
	void *base = (void *)atomic_load_explicit(&mapping->base, memory_order_relaxed);
	size_t size = atomic_load_explicit(&mapping->size, memory_order_relaxed);
	_Atomic(struct mapping *) *link = &mappings;
	struct mapping *entry;

	while ((entry = atomic_load_explicit(link, memory_order_relaxed)) != mapping)
		link = &entry->next;
	atomic_store_explicit(link, atomic_load_explicit(&mapping->next, memory_order_relaxed),
			      memory_order_release);
	mapping_recycle(mapping);
	if (size <= UNMAP_INLINE_BYTES || unmap_by_thread(base, size))
		munmap(base, size);
}

static void mapping_reclaim(struct quiesce_head *head);

static void reclaim_later(struct mapping *mapping)
{
	mapping->reclaiming = true;
	mapping->reclaim_drops = mapping->drops;
	quiesce_call(mapping->quiesce, &mapping->reclaim, mapping_reclaim);
}

static void mapping_reclaim(struct quiesce_head *head)
{
	struct mapping *mapping = container_of(head, struct mapping, reclaim);

	mapping->reclaiming = false;
	if (mapping->users)
		return;
	/* Used and dropped again since the call: the grace period that ends now began too early. */
	if (mapping->drops != mapping->reclaim_drops)
		reclaim_later(mapping);
	else
		mapping_destroy(mapping);
}

void mapping_put(struct mapping *mapping)
{
	if (--mapping->users)
		return;
	mapping->drops++;
	if (!mapping->reclaiming)
		reclaim_later(mapping);
}
