/* SPDX-License-Identifier: BSD-3-Clause */
/* test_words.c - which command lines are right, before any daemon is asked. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "line.h"

static void check(const char *const *words, int expected)
{
	struct line line;
	int status = line_start(&line, words);

	if (status != expected)
		print_error("%s %s …: %d, not %d\n", words[0], words[1] ? words[1] : "", status,
			    expected);
	assert_int_equal(status, expected);
	line_end(&line);
}

static void test_right(void **state)
{
	check(LINE("vm-list"), 0);
	check(LINE("vm-list", "power-state=running", "params=all", "--minimal"), 0);
	check(LINE("vm-list", "other-config:pci=0/0000:07:10.0"), 0);
	check(LINE("vm-list", "allowed-operations:contains=start", "--all"), 0);
	check(LINE("vm-param-list", "uuid=x"), 0);
	check(LINE("vm-param-get", "uuid=x", "param-name=other-config", "param-key=pci"), 0);
	check(LINE("vm-param-set", "other-config:pci=0/0000:07:10.0", "uuid=x"), 0);
	check(LINE("vm-param-set", "uuid=x", "name-description="), 0);
	check(LINE("vm-param-add", "uuid=x", "param-name=other-config", "any=thing"), 0);
	check(LINE("vm-start", "vm=a"), 0);
	check(LINE("vm-start", "name-label=a", "--multiple"), 0);
	check(LINE("vm-shutdown", "uuid=x", "--force"), 0);
	check(LINE("vm-shutdown", "uuid=x", "force=true"), 0);
	check(LINE("vm-create", "name-label=a", "memory=1GiB", "disk=/a", "disk=/b"), 0);
	check(LINE("vm-install", "new-name-label=a", "template=any"), 0);
	check(LINE("network-sriov-create", "pif-uuid=a", "network-uuid=b"), 0);
}

static void test_wrong(void **state)
{
	check(LINE("vm-explode"), XE_USAGE);
	check(LINE("vm-list", "colour=red"), XE_USAGE);
	check(LINE("vm-list", "vm=a"), XE_USAGE);
	check(LINE("vm-list", "running"), XE_USAGE);
	check(LINE("vm-list", "-s", "host"), XE_USAGE);
	check(LINE("vm-list", "--force"), XE_USAGE);
	check(LINE("vm-list", "name-label:x=y"), XE_USAGE);
	check(LINE("vm-list", "other-config:=y"), XE_USAGE);
	check(LINE("vm-list", "allowed-operations:has=start"), XE_USAGE);
	check(LINE("vm-list", "minimal=maybe"), XE_USAGE);
	check(LINE("vm-list", "name-label=a", "name-label=b"), XE_USAGE);
	check(LINE("vm-param-list"), XE_USAGE);
	check(LINE("vm-param-list", "vm=a"), XE_USAGE);
	check(LINE("vm-param-get", "uuid=x"), XE_USAGE);
	check(LINE("vm-param-set", "name-label=x"), XE_USAGE);
	check(LINE("vm-param-set", "uuid=x", "power-state=halted"), XE_USAGE);
	check(LINE("vm-param-set", "uuid=x", "other-config=x"), XE_USAGE);
	check(LINE("vm-param-set", "uuid=x", "other-config:=x"), XE_USAGE);
	check(LINE("vm-param-set", "uuid=x", "disks=/a"), XE_USAGE);
	check(LINE("vm-param-set", "uuid=x", "memory=1GiB"), XE_USAGE);
	check(LINE("vm-create", "memory=1GiB"), XE_USAGE);
	check(LINE("vm-start", "vm=a", "--force"), XE_USAGE);
	check(LINE("pif-list", "vm=a"), XE_USAGE);
	check(LINE("network-sriov-create", "pif-uuid=a"), XE_USAGE);
}

static void test_values(void **state)
{
	struct line line;

	assert_int_equal(line_start(&line,
				    LINE("vm-param-set", "uuid=x", "PV-args=a=b c=d", "--minimal")),
			 0);
	assert_string_equal(xe_value(&line.xe, "PV-args"), "a=b c=d");
	assert_null(xe_value(&line.xe, "PV-kernel"));
	assert_true(line.xe.minimal);
	assert_false(line.xe.force);
	line_end(&line);
}

static void test_selectors(void **state)
{
	struct line line;

	assert_int_equal(line_start(&line, LINE("vm-list", "params=all", "power-state=halted",
						"--minimal", "--multiple")),
			 0);
	assert_false(xe_is_selector(&line.xe, &line.xe.param[0]));
	assert_true(xe_is_selector(&line.xe, &line.xe.param[1]));
	assert_false(xe_is_selector(&line.xe, &line.xe.param[2]));
	assert_false(xe_is_selector(&line.xe, &line.xe.param[3]));
	line_end(&line);
}

/* Every command is found by its name, and every class by its default fields. */
static void test_table(void **state)
{
	for (size_t i = 0; i < xe_n_commands; i++) {
		const struct xe_command *command = &xe_commands[i];
		size_t shown = 0;

		assert_ptr_equal(xe_find_command(command->name), command);
		assert_false(command->flags & XE_SETTERS && command->flags & XE_SELECTORS);
		for (size_t k = 0; k < command->class->n_fields; k++) {
			const struct xe_field *field = &command->class->fields[k];

			shown += xe_listed(command->class->shown, field->name);
			assert_non_null(field->get);
			assert_int_equal(field->set != NULL,
					 xe_is_writable(field) && field->access != XE_MRW);
		}
		for (const char *at = command->class->shown; at; at = strchr(at + 1, ','))
			shown--;
		assert_int_equal(shown, 0);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_right),  cmocka_unit_test(test_wrong),
		cmocka_unit_test(test_values), cmocka_unit_test(test_selectors),
		cmocka_unit_test(test_table),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
