/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * memory.h - memory that a VF may reach: a sealed memory file, mapped here, with an address (IOVA) that is the same for
 * every VF. IOVAs are handed out process-wide from 4 GiB up, so they never meet the interrupt window below.
 */
#ifndef SOFTIOV_VF_MEMORY_H
#define SOFTIOV_VF_MEMORY_H

#include <stdbool.h>
#include <stdint.h>
#include <softiov/softiov.h>

/** struct vf_memory - @size a multiple of the page size, @huge: 2-MiB pages; all zero: none. */
struct vf_memory {
	uint8_t *host;
	uint64_t iova;
	uint64_t size;
	int fd;
	bool huge;
};

/** vf_memory_create() - at least @size zeroed bytes, all faulted in. Any thread. */
int vf_memory_create(struct vf_memory *memory, const char *name, uint64_t size,
		     enum softiov_pool_pages pages, struct softiov_reason *why);
void vf_memory_destroy(struct vf_memory *memory);

/**
 * struct softiov_pool - see softiov.h; the inlines are for queue.c.
 * @size: of a buffer; @stride: from one buffer to the next, longer by a cache line, or the first
 *	bytes of all buffers would compete for the same few sets of a cache
 * @reciprocal: 2^64 / @stride, rounded up: what divides by it
 * @free: stack of buffers nobody holds, by first byte; @top of them
 */
struct softiov_pool {
	struct vf_memory memory;
	uint32_t size, stride, buffers;
	uint64_t reciprocal;
	uint32_t top;
	void **free;
};

static inline uint64_t vf_pool_iova(const struct softiov_pool *pool, const void *data)
{
	return pool->memory.iova + (uint64_t)((const uint8_t *)data - pool->memory.host);
}

/** vf_pool_index() - number of the buffer that holds the byte at @offset of the pool's memory. */
static inline uint64_t vf_pool_index(const struct softiov_pool *pool, uint64_t offset)
{
	return (uint64_t)((unsigned __int128)offset * pool->reciprocal >> 64);
}

/** vf_pool_buffer() - first byte of the buffer @data points into. */
static inline void *vf_pool_buffer(const struct softiov_pool *pool, const void *data)
{
	uint64_t offset = (uint64_t)((const uint8_t *)data - pool->memory.host);

	return pool->memory.host + vf_pool_index(pool, offset) * pool->stride;
}

/** vf_pool_get() - softiov_pool_get(). */
static inline void *vf_pool_get(struct softiov_pool *pool)
{
	return pool->top ? pool->free[--pool->top] : NULL;
}

/** vf_pool_put() - give back @buffer, which is a buffer's first byte. */
static inline void vf_pool_put(struct softiov_pool *pool, void *buffer)
{
	pool->free[pool->top++] = buffer;
}

#endif
