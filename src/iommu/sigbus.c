/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * sigbus.c - a client that truncates its memory file must not kill the daemon.
 *
 * Touching a page of a mapped file that lies beyond the file's end raises SIGBUS in the thread that
 * touched it: a worker in the middle of a copy. The handler puts anonymous zero pages over the
 * mapping, from the page on to its end (all of that is beyond the file's end too, and one system
 * call with at most one more entry in the process's limited table of mappings is better than one
 * for each page), marks the mapping as broken and returns: the copy goes on, with zeros. The client
 * has ruined its own memory and nobody else's; its owner sees iommu_broken() and disconnects it.
 * Other reasons for SIGBUS there, such as a failed memory module or a full hugetlbfs, end in the
 * same way.
 *
 * The handler uses only atomic loads and stores and mmap(), which is a bare system call. A mapping
 * cannot go away under it: whoever touches guest memory holds up the grace period. Everywhere else
 * SIGBUS does what it always does.
 */
#include "iommu/internal.h"

#include <signal.h>
#include <sys/mman.h>

static _Atomic unsigned int count;

unsigned int sigbus_count(void)
{
	return atomic_load_explicit(&count, memory_order_relaxed);
}

static bool replace_pages(uintptr_t address)
{
	struct mapping *mapping = mapping_find(address);
	uintptr_t base, page;
	size_t size, page_size;
	int prot = PROT_READ;

	if (!mapping)
		return false;
	base = atomic_load_explicit(&mapping->base, memory_order_relaxed);
	size = atomic_load_explicit(&mapping->size, memory_order_relaxed);
	page_size = atomic_load_explicit(&mapping->page_size, memory_order_relaxed);
	if (atomic_load_explicit(&mapping->writable, memory_order_relaxed))
		prot |= PROT_WRITE;
	page = address - (address - base) % page_size;
	if (mmap((void *)page, base + size - page, prot,
		 MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | MAP_FIXED, -1, 0) == MAP_FAILED)
		return false;
	atomic_store_explicit(&mapping->broken, true, memory_order_relaxed);
	atomic_fetch_add_explicit(&count, 1, memory_order_relaxed);
	return true;
}

static void handle_sigbus(int signal_number, siginfo_t *info, void *context)
{
	const struct sigaction default_action = { .sa_handler = SIG_DFL };
	int saved_errno = errno;

	/* Codes above 0 come from the kernel, with an address; the others were sent with kill(2).
	 */
	if (info->si_code <= 0 || !replace_pages((uintptr_t)info->si_addr)) {
		sigaction(SIGBUS, &default_action, NULL);
		/*
		 * A fault happens again on return, in its place; a sent signal has to be sent
		 * again.
		 */
		if (info->si_code <= 0)
			raise(SIGBUS);
	}
	errno = saved_errno;
}

int iommu_sigbus_guard(void)
{
	struct sigaction action = { .sa_sigaction = handle_sigbus, .sa_flags = SA_SIGINFO };

	sigemptyset(&action.sa_mask);
	return sigaction(SIGBUS, &action, NULL) < 0 ? -errno : 0;
}
