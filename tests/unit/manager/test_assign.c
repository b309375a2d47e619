/* SPDX-License-Identifier: BSD-3-Clause */
/* test_assign.c - lists of functions in XenServer's words, and back. */
#include "manager/internal.h" /* before cmocka's fail() */

#include "house.h"

static const struct {
	const char *text, *result; /* what it is in our words; NULL: refused */
	enum code code;
} words[] = {
	{ "", "", 0 },
	{ "0/0000:07:10.0", "0/0000:07:10.0", 0 },
	{ "0/0000:07:10.0,1/0000:07:10.2", "0/0000:07:10.0,1/0000:07:10.2", 0 },
	{ "1/0000:07:10.0,0/0000:07:10.2", "0/0000:07:10.2,1/0000:07:10.0", 0 },
	{ "0/0000:07:10.0,0/0000:07:10.2", "0/0000:07:10.0,1/0000:07:10.2", 0 },
	{ "9/ABCD:EF:1F.7,3/0000:07:10.2,3/0000:07:10.0",
	  "0/0000:07:10.2,1/0000:07:10.0,2/abcd:ef:1f.7", 0 },
	{ "007/0000:07:10.0", "0/0000:07:10.0", 0 },
	{ ",", NULL, PCI_ADDRESS_INVALID },
	{ "0/0000:07:10.0,", NULL, PCI_ADDRESS_INVALID },
	{ ",0/0000:07:10.0", NULL, PCI_ADDRESS_INVALID },
	{ "0/0000:07:10.0,,1/0000:07:10.2", NULL, PCI_ADDRESS_INVALID },
	{ "0000:07:10.0", NULL, PCI_ADDRESS_INVALID },
	{ "/0000:07:10.0", NULL, PCI_ADDRESS_INVALID },
	{ "x/0000:07:10.0", NULL, PCI_ADDRESS_INVALID },
	{ "+1/0000:07:10.0", NULL, PCI_ADDRESS_INVALID },
	{ " 1/0000:07:10.0", NULL, PCI_ADDRESS_INVALID },
	{ "0/ 000:07:10.0", NULL, PCI_ADDRESS_INVALID },
	{ "0/0000:07:20.0", NULL, PCI_ADDRESS_INVALID },
	{ "0/0000:07:10.8", NULL, PCI_ADDRESS_INVALID },
	{ "0/0000:07:1g.0", NULL, PCI_ADDRESS_INVALID },
	{ "0/0000:07:10.01", NULL, PCI_ADDRESS_INVALID },
	{ "0/0000-07:10.0", NULL, PCI_ADDRESS_INVALID },
	{ "0/07:10.0", NULL, PCI_ADDRESS_INVALID },
	{ "18446744073709551616/0000:07:10.0", NULL, PCI_ADDRESS_INVALID },
	{ "0/0000:07:10.0,1/0000:07:10.0", NULL, PCI_DEVICE_DUPLICATE },
	{ "0/000a:07:10.0,1/000A:07:10.0", NULL, PCI_DEVICE_DUPLICATE },
};

static void test_words(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(words); i++) {
		struct failure failure = { 0 };
		json_t *functions = assign_parse(words[i].text, &failure), *text;

		if (!words[i].result) {
			if (functions || failure.code != words[i].code)
				fail_msg("'%s': code %u", words[i].text, failure.code);
			json_decref(failure.params);
			continue;
		}
		if (!functions)
			fail_msg("'%s': %s", words[i].text, failure.text);
		text = assign_format(functions);
		assert_string_equal(json_string_value(text), words[i].result);
		json_decref(text);
		json_decref(functions);
	}
}

/* As many as a VM takes, and one more; a long word is not cut into a good one. */
static void test_limits(void **state)
{
	struct failure failure = { 0 };
	char text[1024] = "", back[sizeof(text) + 32];
	json_t *functions, *formatted;

	(void)state;
	for (unsigned int i = 0; i < VMM_MAX_FUNCTIONS; i++)
		snprintf(text + strlen(text), sizeof(text) - strlen(text), "%s%u/0000:07:%02x.0",
			 i ? "," : "", i, i);
	functions = assign_parse(text, &failure);
	assert_int_equal(json_array_size(functions), VMM_MAX_FUNCTIONS);
	formatted = assign_format(functions);
	assert_string_equal(json_string_value(formatted), text);
	json_decref(formatted);
	json_decref(functions);
	snprintf(back, sizeof(back), "%s,16/0000:08:00.0", text);
	assert_null(assign_parse(back, &failure));
	assert_int_equal(failure.code, VALUE_INVALID);
	memset(text, '0', sizeof(text) - 1);
	strcpy(text + 100, "/0000:07:10.0");
	assert_null(assign_parse(text, &failure));
	assert_int_equal(failure.code, PCI_ADDRESS_INVALID);
	json_decref(failure.params);
}

int test_assign(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_words),
		cmocka_unit_test(test_limits),
	};

	return cmocka_run_group_tests_name("assign", tests, NULL, NULL);
}
