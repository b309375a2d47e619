// SPDX-License-Identifier: BSD-3-Clause
/*
 * pool.c - equal buffers in one piece of memory, and a stack of those that nobody holds.
 *
 * Last in, first out: the buffer used last is the one most likely in the processor's caches.
 */
#include <stdlib.h>

#include "util/util.h"
#include "vf/memory.h"
#include "vf/vf.h"

#define BUFFERS 4096u
#define BUFFERS_MAX (1u << 24)
#define BUFFER_SIZE 2048u
#define BUFFER_SIZE_MIN 1024u
#define BUFFER_SIZE_MAX 131072u
#define CACHE_LINE 64u

/* Check @options and fill in defaults. */
static int complete(struct softiov_pool_options *options, struct softiov_reason *why)
{
	if (!options->buffers)
		options->buffers = BUFFERS;
	if (!options->buffer_size)
		options->buffer_size = BUFFER_SIZE;
	if (options->buffers > BUFFERS_MAX)
		return vf_fail(why, -EINVAL, "pool: %u buffers are too many: at most %u",
			       options->buffers, BUFFERS_MAX);
	if (options->buffer_size < BUFFER_SIZE_MIN || options->buffer_size > BUFFER_SIZE_MAX ||
	    options->buffer_size & (options->buffer_size - 1))
		return vf_fail(why, -EINVAL,
			       "pool: a buffer of %u bytes: must be a power of two, %u ... %u",
			       options->buffer_size, BUFFER_SIZE_MIN, BUFFER_SIZE_MAX);
	if (options->pages > SOFTIOV_POOL_HUGE_NEVER)
		return vf_fail(why, -EINVAL, "pool: pages is none of SOFTIOV_POOL_HUGE_*");
	return 0;
}

/* The first buffer on top. */
static void fill(struct softiov_pool *pool)
{
	pool->top = pool->buffers;
	for (uint32_t i = 0; i < pool->buffers; i++)
		pool->free[i] =
			pool->memory.host + (uint64_t)(pool->buffers - 1 - i) * pool->stride;
}

int softiov_pool_create(struct softiov_pool **out, const struct softiov_pool_options *given,
			struct softiov_reason *why)
{
	struct softiov_pool_options options = { 0 };
	struct softiov_pool *pool;
	int error;

	if (given)
		options = *given;
	error = complete(&options, why);
	if (error)
		return error;
	pool = calloc(1, sizeof(*pool));
	if (!pool)
		return vf_fail(why, -SOFTIOV_ERR_NO_MEMORY, "pool: out of memory");
	pool->buffers = options.buffers;
	pool->size = options.buffer_size;
	pool->stride = pool->size + CACHE_LINE;
	pool->reciprocal = UINT64_MAX / pool->stride + 1;
	pool->free = calloc(pool->buffers, sizeof(*pool->free));
	if (!pool->free) {
		error = vf_fail(why, -SOFTIOV_ERR_NO_MEMORY, "pool: out of memory");
		goto fail;
	}
	error = vf_memory_create(&pool->memory, "softiov pool",
				 (uint64_t)pool->buffers * pool->stride, options.pages, why);
	if (error)
		goto fail;
	fill(pool);
	*out = pool;
	return 0;

fail:
	softiov_pool_destroy(pool);
	return error;
}

void softiov_pool_destroy(struct softiov_pool *pool)
{
	if (!pool)
		return;
	vf_memory_destroy(&pool->memory);
	free(pool->free);
	free(pool);
}

void softiov_pool_info(const struct softiov_pool *pool, struct softiov_pool_info *info)
{
	*info = (struct softiov_pool_info){
		.buffers = pool->buffers,
		.buffer_size = pool->size,
		.free = pool->top,
		.huge = pool->memory.huge,
	};
}

void *softiov_pool_get(struct softiov_pool *pool)
{
	return vf_pool_get(pool);
}

void softiov_pool_put(struct softiov_pool *pool, void *data)
{
	vf_pool_put(pool, vf_pool_buffer(pool, data));
}
