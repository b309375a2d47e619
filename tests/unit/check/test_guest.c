/* SPDX-License-Identifier: BSD-3-Clause */
/* test_guest.c - names of drivers; and guests' archives as strangers make them, read in this process, where sanitizers see. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>
#include <cmocka.h>

#include "check/guest.h"

#define ROUNDS 3000u

static int driver(const char *path)
{
	return vf_driver_by_file(path, strlen(path));
}

static void test_names(void **state)
{
	int mlx5 = vf_driver_of(0x15b3, 0x1016);

	assert_int_equal(vf_driver_of(0x8086, 0x10ed), VF_DRIVER_SOFTIOV);
	assert_int_equal(vf_driver_of(0x8086, 0x10fb), VF_DRIVER_NONE);
	assert_string_equal(vf_drivers[mlx5].module, "mlx5_core");
	assert_int_equal(driver("kernel/a/ixgbevf.ko"), VF_DRIVER_SOFTIOV);
	assert_int_equal(driver("ixgbevf.ko.zst"), VF_DRIVER_SOFTIOV);
	assert_int_equal(driver("a/mlx5-core.ko.xz"), mlx5);
	assert_int_equal(driver("a/xixgbevf.ko"), VF_DRIVER_NONE);
	assert_int_equal(driver("a/ixgbevf.ko.bak"), VF_DRIVER_NONE);
	assert_int_equal(driver("a/ixgbevf"), VF_DRIVER_NONE);
	assert_int_equal(driver(".ko"), VF_DRIVER_NONE);
	assert_int_equal(driver(""), VF_DRIVER_NONE);
	assert_int_equal(vf_driver_by_option("IXGBEVF", 7), VF_DRIVER_SOFTIOV);
	assert_int_equal(vf_driver_by_option("IXGBE", 5), VF_DRIVER_NONE);
	for (int i = 0; i < VF_DRIVERS; i++)
		assert_true(vf_drivers[i].module && vf_drivers[i].option && vf_drivers[i].drives);
}

static void test_lists(void **state)
{
	struct guest_found found = { 0 };

	guest_list(&found, "a/ixgbevf.ko.xz: b.ko ixgbevf.ko\na/iavf.ko:\n\na/b.ko: ixgbevf.ko",
		   false);
	assert_true(found.module[VF_DRIVER_SOFTIOV] && !found.built_in[VF_DRIVER_SOFTIOV]);
	assert_true(found.module[vf_driver_of(0x8086, 0x1889)]);
	assert_int_equal(found.modules, 3);
	guest_list(&found, "a/ixgbevf.ko\n", true);
	assert_true(found.built_in[VF_DRIVER_SOFTIOV]);
}

/* A member of a "newc" archive at @at. Return: where the next one starts. */
static size_t put_member(char *archive, size_t at, const char *name, size_t size)
{
	int n = sprintf(archive + at,
			"070701%08X%08X%08X%08X%08X%08X%08X%08X%08X%08X%08X%08X%08X%s", 1, 0100644,
			0, 0, 1, 0, (unsigned int)size, 0, 0, 0, 0, (unsigned int)strlen(name) + 1,
			0, name);
	size_t end = ALIGN_UP(at + (size_t)n + 1, (size_t)4);

	memset(archive + at + n, 0, end - at - (size_t)n + size + 4);
	return ALIGN_UP(end + size, (size_t)4);
}

static size_t make_archive(char *archive)
{
	size_t at = put_member(archive, 0, "kernel/x86/microcode", 100);

	at = put_member(archive, at, "TRAILER!!!", 0);
	at = put_member(archive, at, "lib/modules/6/ixgbevf.ko", 33);
	at = put_member(archive, at, "lib/modules/6/modules.builtin", 20);
	return put_member(archive, at, "TRAILER!!!", 0);
}

static int read_archive(const char *archive, size_t size, struct guest_found *found)
{
	int fd = memfd_create("guest", MFD_CLOEXEC), error;
	struct reason why;

	assert_true(fd >= 0);
	assert_int_equal(write(fd, archive, size), (ssize_t)size);
	*found = (struct guest_found){ 0 };
	error = guest_initramfs(fd, found, &why);
	close(fd);
	return error;
}

static void test_archive(void **state)
{
	char archive[2048];
	size_t size = make_archive(archive);
	struct guest_found found;

	assert_int_equal(read_archive(archive, size, &found), 0);
	assert_true(found.module[VF_DRIVER_SOFTIOV]);
	assert_int_equal(found.modules, 1);
	for (size_t cut = 6; cut < size; cut++)
		assert_true(read_archive(archive, cut, &found) <= 0);
	assert_int_equal(read_archive(archive, 50, &found), -EBADMSG);
}

static void test_random_archives(void **state)
{
	char archive[2048];
	struct guest_found found;

	srandom(3);
	for (unsigned int i = 0; i < ROUNDS; i++) {
		size_t size = make_archive(archive);
		int error;

		for (long n = random() % 8; n >= 0; n--)
			archive[random() % (long)size] =
				i & 1 ? "0123456789ABCDEFf\0"[random() % 18] : (char)random();
		error = read_archive(archive, size, &found);
		assert_true(error == 0 || error == -EBADMSG || error == -EOPNOTSUPP);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_names),
		cmocka_unit_test(test_lists),
		cmocka_unit_test(test_archive),
		cmocka_unit_test(test_random_archives),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
