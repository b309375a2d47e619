/* SPDX-License-Identifier: BSD-3-Clause */
/* test_accel.c - KVM is tried, once, unless somebody knows better. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <cmocka.h>
#include <sys/wait.h>
#include <unistd.h>

#include "vmm/kvm_guest.h"
#include "vmm/vmm.h"

static void somebody_knows_better(void **state)
{
	struct reason why = { "" };

	setenv("SOFTIOV_ACCEL", "kvm", 1);
	assert_true(vmm_kvm_works(&why));
	setenv("SOFTIOV_ACCEL", "tcg", 1);
	assert_false(vmm_kvm_works(&why));
	assert_non_null(strstr(why.text, "SOFTIOV_ACCEL"));
	unsetenv("SOFTIOV_ACCEL");
}

/* The same guest, run by hand, says the same; a no has its reason. */
static void it_is_tried(void **state)
{
	struct reason why = { "" }, again = { "" };
	bool works = vmm_kvm_works(&why);
	int status;
	pid_t pid = fork();

	if (!pid) {
		alarm(3);
		_exit(kvm_guest_run(NULL) ? 1 : 0);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(works, status == 0);
	assert_int_equal(works, !why.text[0]);
	assert_int_equal(vmm_kvm_works(&again), works);
	assert_string_equal(why.text, again.text);
	assert_int_equal(vmm_kvm_works(NULL), works);
	assert_int_equal(waitpid(-1, NULL, WNOHANG), -1); /* nobody is left behind */
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(somebody_knows_better),
		cmocka_unit_test(it_is_tried),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
