// SPDX-License-Identifier: BSD-3-Clause
/*
 * test_pool.c - memory that VFs may reach, and the buffers in it. Whether there are huge pages the test decides: it
 * stands in for memfd_create().
 */
#include <fcntl.h>
#include <linux/memfd.h>
#include <stdint.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "util/util.h"
#include "vf/memory.h"

#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>

#define HUGE_PAGE (2u << 20)
#define CACHE_LINE 64
#define IOVA_FIRST (4ull << 30)

static enum { NO_HUGE_PAGES, HUGE_PAGES, NO_MEMORY } machine;
static unsigned int huge_files;

int __real_memfd_create(const char *name, unsigned int flags);
int __wrap_memfd_create(const char *name, unsigned int flags);

int __wrap_memfd_create(const char *name, unsigned int flags)
{
	if (machine == NO_MEMORY || (flags & MFD_HUGETLB && machine == NO_HUGE_PAGES)) {
		errno = ENOMEM;
		return -1;
	}
	huge_files += !!(flags & MFD_HUGETLB);
	return __real_memfd_create(name, flags & MFD_CLOEXEC ? MFD_CLOEXEC | MFD_ALLOW_SEALING : 0);
}

static int set_up(void **state)
{
	machine = NO_HUGE_PAGES;
	huge_files = 0;
	return 0;
}

static struct softiov_pool *pool_of(uint32_t buffers, uint32_t size, enum softiov_pool_pages pages)
{
	const struct softiov_pool_options options = { buffers, size, pages };
	struct softiov_reason why = { "" };
	struct softiov_pool *pool = NULL;
	int error = softiov_pool_create(&pool, &options, &why);

	if (error)
		fail_msg("%s: %s", softiov_error_name(error), why.text);
	return pool;
}

static void defaults(void **state)
{
	struct softiov_pool_info info;
	struct softiov_pool *pool;

	assert_int_equal(softiov_pool_create(&pool, NULL, NULL), 0);
	softiov_pool_info(pool, &info);
	assert_int_equal(info.buffers, 4096);
	assert_int_equal(info.buffer_size, 2048);
	assert_int_equal(info.free, 4096);
	assert_false(info.huge);
	softiov_pool_destroy(pool);
	softiov_pool_destroy(NULL);
}

static void sizes_are_checked(void **state)
{
	static const struct softiov_pool_options wrong[] = {
		{ .buffer_size = 512 },	   { .buffer_size = 3000 },
		{ .buffer_size = 262144 }, { .buffers = (1u << 24) + 1 },
		{ .buffers = UINT32_MAX }, { .pages = SOFTIOV_POOL_HUGE_NEVER + 1 },
	};
	struct softiov_pool *pool = NULL;

	for (unsigned int i = 0; i < ARRAY_SIZE(wrong); i++) {
		struct softiov_reason why = { "" };

		assert_int_equal(softiov_pool_create(&pool, &wrong[i], &why), -EINVAL);
		assert_non_null(strstr(why.text, "pool: "));
		assert_null(pool);
	}
	softiov_pool_destroy(pool_of(1, 1024, SOFTIOV_POOL_HUGE_NEVER));
	softiov_pool_destroy(pool_of(7, 131072, SOFTIOV_POOL_HUGE_NEVER));
}

/* Every buffer once, all of them different, none beyond the end. */
static void each_buffer_is_given_once(void **state)
{
	struct softiov_pool *pool = pool_of(100, 2048, SOFTIOV_POOL_HUGE_NEVER);
	struct softiov_pool_info info;
	uint8_t *data[100];

	for (unsigned int i = 0; i < 100; i++) {
		data[i] = softiov_pool_get(pool);
		assert_non_null(data[i]);
		assert_true(data[i] >= pool->memory.host &&
			    data[i] + 2048 <= pool->memory.host + pool->memory.size);
		assert_int_equal((uintptr_t)data[i] % CACHE_LINE, 0);
		memset(data[i], (int)i, 2048);
	}
	assert_null(softiov_pool_get(pool));
	for (unsigned int i = 0; i < 100; i++) {
		assert_int_equal(data[i][0], i);
		assert_int_equal(data[i][2047], i);
		softiov_pool_put(pool, data[i] + i * 20); /* any address in it will do */
	}
	softiov_pool_info(pool, &info);
	assert_int_equal(info.free, 100);
	assert_ptr_equal(softiov_pool_get(pool), data[99]); /* the last back is the first out */
	softiov_pool_destroy(pool);
}

static void addresses_for_the_card(void **state)
{
	struct softiov_pool *a = pool_of(512, 2048, SOFTIOV_POOL_HUGE_NEVER);
	struct softiov_pool *b = pool_of(1500, 2048, SOFTIOV_POOL_HUGE_NEVER);
	struct softiov_pool *c = pool_of(1, 1024, SOFTIOV_POOL_HUGE_NEVER);
	const uint8_t *data = softiov_pool_get(b);
	uint64_t was_b = b->memory.iova;

	assert_int_equal(a->memory.iova, IOVA_FIRST);
	assert_int_equal(b->memory.iova, IOVA_FIRST + HUGE_PAGE);
	assert_int_equal(c->memory.iova, IOVA_FIRST + 3 * HUGE_PAGE);
	assert_int_equal(vf_pool_iova(b, data + 5), was_b + (uint64_t)(data + 5 - b->memory.host));

	/* What fits into the gap goes there, what does not goes behind. */
	softiov_pool_destroy(b);
	b = pool_of(4096, 2048, SOFTIOV_POOL_HUGE_NEVER);
	assert_int_equal(b->memory.iova, IOVA_FIRST + 4 * HUGE_PAGE);
	softiov_pool_destroy(b);
	b = pool_of(1400, 2048, SOFTIOV_POOL_HUGE_NEVER);
	assert_int_equal(b->memory.iova, was_b);
	softiov_pool_destroy(a);
	softiov_pool_destroy(b);
	softiov_pool_destroy(c);
}

/* Nobody, not even this process, can make the file smaller under the card's hands. */
static void the_file_is_sealed(void **state)
{
	struct softiov_pool *pool = pool_of(10, 2048, SOFTIOV_POOL_HUGE_NEVER);
	int seals = fcntl(pool->memory.fd, F_GET_SEALS);
	struct stat st;

	assert_int_equal(seals & F_SEAL_SHRINK, F_SEAL_SHRINK);
	assert_int_equal(ftruncate(pool->memory.fd, 0), -1);
	assert_int_equal(fstat(pool->memory.fd, &st), 0);
	assert_int_equal(st.st_size, pool->memory.size);
	assert_int_equal(pool->memory.size % 4096, 0);
	assert_true(pool->memory.size >= 10 * 2048);
	assert_true((uint64_t)st.st_blocks * 512 >= pool->memory.size); /* all of it is there */
	softiov_pool_destroy(pool);
}

static void without_huge_pages(void **state)
{
	const struct softiov_pool_options only = { .pages = SOFTIOV_POOL_HUGE_ONLY };
	struct softiov_reason why = { "" };
	struct softiov_pool_info info;
	struct softiov_pool *pool;

	assert_int_equal(softiov_pool_create(&pool, &only, &why), -SOFTIOV_ERR_NO_MEMORY);
	assert_non_null(strstr(why.text, "huge pages"));
	pool = pool_of(0, 0, SOFTIOV_POOL_HUGE_TRY);
	softiov_pool_info(pool, &info);
	assert_false(info.huge);
	assert_int_equal(huge_files, 0);
	softiov_pool_destroy(pool);
}

static void with_huge_pages(void **state)
{
	struct softiov_pool_info info;
	struct softiov_pool *pool;

	machine = HUGE_PAGES;
	pool = pool_of(10, 2048, SOFTIOV_POOL_HUGE_TRY);
	softiov_pool_info(pool, &info);
	assert_true(info.huge);
	assert_int_equal(pool->memory.size, HUGE_PAGE);
	softiov_pool_destroy(pool);
	softiov_pool_destroy(pool_of(10, 2048, SOFTIOV_POOL_HUGE_ONLY));
	assert_int_equal(huge_files, 2);
	pool = pool_of(10, 2048, SOFTIOV_POOL_HUGE_NEVER);
	softiov_pool_info(pool, &info);
	assert_false(info.huge);
	assert_int_equal(huge_files, 2);
	softiov_pool_destroy(pool);
}

static void without_any_memory(void **state)
{
	struct softiov_reason why = { "" };
	struct softiov_pool *pool = NULL;

	machine = NO_MEMORY;
	assert_int_equal(softiov_pool_create(&pool, NULL, &why), -SOFTIOV_ERR_NO_MEMORY);
	assert_non_null(strstr(why.text, " KiB"));
	assert_null(pool);
}

static void errors_have_names(void **state)
{
	assert_string_equal(softiov_error_name(-SOFTIOV_ERR_GONE), "SOFTIOV_ERR_GONE");
	assert_string_equal(softiov_error_name(SOFTIOV_ERR_GONE), "SOFTIOV_ERR_GONE");
	assert_string_equal(softiov_error_name(-SOFTIOV_ERR_OWNED), "SOFTIOV_ERR_OWNED");
	assert_string_equal(softiov_error_name(-EMFILE), "EMFILE");
	assert_string_equal(softiov_error_name(-9999), "unknown error");
	assert_string_equal(softiov_version(), SOFTIOV_VERSION);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(defaults, set_up),
		cmocka_unit_test_setup(sizes_are_checked, set_up),
		cmocka_unit_test_setup(each_buffer_is_given_once, set_up),
		cmocka_unit_test_setup(addresses_for_the_card, set_up),
		cmocka_unit_test_setup(the_file_is_sealed, set_up),
		cmocka_unit_test_setup(without_huge_pages, set_up),
		cmocka_unit_test_setup(with_huge_pages, set_up),
		cmocka_unit_test_setup(without_any_memory, set_up),
		cmocka_unit_test_setup(errors_have_names, set_up),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
