/* SPDX-License-Identifier: BSD-3-Clause */
/* test_change.c - what parameters become in a request. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "line.h"

/* A PATCH of @words applied to @record is @expected, or NULL: refused as VALUE_INVALID. */
static void check(const char *const *words, const char *record, const char *expected)
{
	json_t *before = json_loads(record, 0, NULL), *changes = json_object();
	json_t *wanted = expected ? json_loads(expected, 0, NULL) : NULL;
	struct client_refusal why = { 0 };
	struct line line;
	int error;

	assert_non_null(before);
	assert_int_equal(line_start(&line, words), 0);
	error = xe_apply(&line.xe, before, changes, &why);
	if (expected) {
		assert_int_equal(error, 0);
		assert_non_null(wanted);
		if (!json_equal(changes, wanted))
			print_error("%s\n", json_dumps(changes, 0));
		assert_true(json_equal(changes, wanted));
	} else {
		assert_int_equal(error, CLIENT_REFUSED);
		assert_string_equal(why.code, "VALUE_INVALID");
		assert_int_equal(json_array_size(why.params), 2);
	}
	client_refusal_clear(&why);
	line_end(&line);
	json_decref(wanted);
	json_decref(changes);
	json_decref(before);
}

static void test_create(void **state)
{
	check(LINE("vm-create", "name-label=a", "memory=1GiB", "vcpus=2", "PV-kernel=/k",
		   "PV-ramdisk=/i", "PV-args=a=b", "disk=/d,ro", "disk=/e,format=qcow2",
		   "other-config:pci=0/0000:07:10.0"),
	      "{}",
	      "{\"name-label\": \"a\", \"memory\": 1073741824, \"vcpus\": 2, \"kernel\": \"/k\", "
	      "\"initrd\": \"/i\", \"kernel-args\": \"a=b\", \"disks\": [{\"path\": \"/d\", "
	      "\"format\": \"raw\", \"read-only\": true}, {\"path\": \"/e\", \"format\": "
	      "\"qcow2\", \"read-only\": false}], \"other-config\": {\"pci\": "
	      "\"0/0000:07:10.0\"}}");
	check(LINE("vm-install", "new-name-label=a", "template=t"), "{}",
	      "{\"name-label\": \"a\"}");
}

static void test_set(void **state)
{
	check(LINE("vm-param-set", "uuid=x", "other-config:a=1", "other-config:b=2"), "{}",
	      "{\"other-config\": {\"a\": \"1\", \"b\": \"2\"}}");
	check(LINE("vm-param-set", "uuid=x", "PV-args="), "{}", "{\"kernel-args\": \"\"}");
	check(LINE("vm-param-set", "uuid=x", "memory-static-max=1024", "memory-dynamic-max=1K"),
	      "{}", "{\"memory\": 1024}");
	check(LINE("vm-param-set", "uuid=x", "memory-static-max=1024", "memory-dynamic-max=2K"),
	      "{}", NULL);
	check(LINE("vm-param-set", "uuid=x", "memory-static-max=much"), "{}", NULL);
	check(LINE("vm-param-set", "uuid=x", "VCPUs-max=0"), "{}", NULL);
	check(LINE("vm-param-set", "uuid=x", "actions-after-crash=explode"), "{}", NULL);
	check(LINE("vm-create", "name-label=x", "disk="), "{}", NULL);
	check(LINE("vm-create", "name-label=x", "disk=/a,format=vmdk"), "{}", NULL);
}

static void test_restart(void **state)
{
#define SHUTDOWN(what) LINE("vm-param-set", "uuid=x", "actions-after-shutdown=" what)
#define CRASH(what) LINE("vm-param-set", "uuid=x", "actions-after-crash=" what)
#define NOW(what) "{\"restart\": \"" what "\"}"
	check(SHUTDOWN("restart"), NOW("never"), NOW("always"));
	check(SHUTDOWN("Destroy"), NOW("always"), NOW("on-failure"));
	check(SHUTDOWN("destroy"), NOW("on-failure"), NOW("on-failure"));
	check(SHUTDOWN("destroy"), "{}", NOW("never"));
	check(CRASH("restart"), NOW("never"), NOW("on-failure"));
	check(CRASH("restart"), NOW("always"), NOW("always"));
	check(CRASH("destroy"), NOW("always"), NOW("never"));
	check(LINE("vm-param-set", "uuid=x", "actions-after-shutdown=restart",
		   "actions-after-crash=restart"),
	      NOW("never"), NOW("always"));
	check(LINE("vm-param-set", "uuid=x", "actions-after-crash=restart",
		   "actions-after-shutdown=destroy"),
	      NOW("always"), NOW("on-failure"));
	check(LINE("vm-param-set", "uuid=x", "actions-after-shutdown=restart",
		   "actions-after-crash=destroy"),
	      NOW("never"), NULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_create),
		cmocka_unit_test(test_set),
		cmocka_unit_test(test_restart),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
