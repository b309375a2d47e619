/* SPDX-License-Identifier: BSD-3-Clause */
/* test_probe.c - what a QEMU says of itself, and programs that are none. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <cmocka.h>
#include <sys/wait.h>

#include "vmm/internal.h"

static void a_qemu_with_vfio_user(void **state)
{
	struct vmm_qemu qemu;
	struct reason why;

	assert_int_equal(vmm_probe(DATA "/qemu-11.1", &qemu, &why), 0);
	assert_string_equal(qemu.path, DATA "/qemu-11.1");
	assert_string_equal(qemu.version, "11.1.3");
	assert_int_equal(qemu.major, 11);
	assert_int_equal(qemu.minor, 1);
	assert_true(qemu.vfio_user);
	assert_false(qemu.unplug);
}

static void an_old_one_is_found_and_has_no_vfio_user(void **state)
{
	struct vmm_qemu qemu;
	struct reason why;

	assert_int_equal(vmm_probe(DATA "/qemu-7.2", &qemu, &why), 0);
	assert_string_equal(qemu.version, "7.2.19");
	assert_false(qemu.vfio_user);
	assert_true(qemu.unplug);
}

static void one_that_is_new_enough_and_built_without(void **state)
{
	struct vmm_qemu qemu;
	struct reason why;

	assert_int_equal(vmm_probe(DATA "/qemu-10.2-built-without", &qemu, &why), 0);
	assert_int_equal(qemu.major, 10);
	assert_int_equal(qemu.minor, 2);
	assert_false(qemu.vfio_user);
	assert_false(qemu.unplug);
}

static void by_path(void **state)
{
	char *path = strdup(getenv("PATH"));
	struct vmm_qemu qemu;
	struct reason why;

	setenv("PATH", "/nowhere:" DATA, 1);
	assert_int_equal(vmm_probe("qemu-11.1", &qemu, &why), 0);
	assert_string_equal(qemu.path, DATA "/qemu-11.1");
	assert_int_equal(vmm_probe(NULL, &qemu, &why), -ENOENT);
	assert_non_null(strstr(why.text, "no qemu-system-x86_64 in PATH"));
	setenv("PATH", path, 1);
	free(path);
}

static void what_is_no_qemu(void **state)
{
	struct vmm_qemu qemu;
	struct reason why;

	assert_int_equal(vmm_probe(DATA "/not-qemu", &qemu, &why), -EINVAL);
	assert_non_null(strstr(why.text, "not-qemu is not a QEMU: it says 'hello'"));
	assert_int_equal(vmm_probe("/bin/false", &qemu, &why), -EINVAL);
	assert_int_equal(vmm_probe("/no/such/qemu", &qemu, &why), -ENOENT);
	assert_non_null(strstr(why.text, "/no/such/qemu"));
	assert_int_equal(vmm_probe("/etc/passwd", &qemu, &why), -EACCES);
}

static void a_program_that_says_too_much_or_does_not_end(void **state)
{
	char *flood[] = { "/bin/sh", "-c", "head -c 1000000 /dev/zero | tr '\\0' x", NULL };
	char *hang[] = { "/bin/sh", "-c", "echo begun; exec sleep 1000", NULL };
	char *fails[] = { "/bin/sh", "-c", "exit 7", NULL };
	char *silent[] = { "/bin/sh", "-c", "exec >&- 2>&-; exec sleep 1000", NULL };
	char output[64];
	struct reason why;

	assert_int_equal(vmm_run(silent, output, sizeof(output), 200, &why), -ETIMEDOUT);
	assert_int_equal(vmm_run(flood, output, sizeof(output), 10000, &why), 0);
	assert_int_equal(strlen(output), sizeof(output) - 1);
	assert_int_equal(vmm_run(hang, output, sizeof(output), 200, &why), -ETIMEDOUT);
	assert_int_equal(WEXITSTATUS(vmm_run(fails, output, sizeof(output), 10000, &why)), 7);
	assert_string_equal(output, "");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_qemu_with_vfio_user),
		cmocka_unit_test(an_old_one_is_found_and_has_no_vfio_user),
		cmocka_unit_test(one_that_is_new_enough_and_built_without),
		cmocka_unit_test(by_path),
		cmocka_unit_test(what_is_no_qemu),
		cmocka_unit_test(a_program_that_says_too_much_or_does_not_end),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
