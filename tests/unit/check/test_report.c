/* SPDX-License-Identifier: BSD-3-Clause */
/* test_report.c - rows make verdicts; lines of facts and CPUID leaves are read as they are written. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <cmocka.h>

#include "check/facts.h"
#include "check/report.h"
#include "util/util.h"

static void test_verdicts(void **state)
{
	struct check_answer *answer = calloc(1, sizeof(*answer));

	assert_non_null(answer);
	assert_int_equal(answer_verdict(answer), CHECK_READY);
	row_add(answer, CHECK_NOTE, "a", "A", "x");
	assert_int_equal(answer_verdict(answer), CHECK_READY);
	row_add(answer, CHECK_UNKNOWN, "b", "B", "x");
	assert_int_equal(answer_verdict(answer), CHECK_COULD_NOT_TELL);
	row_add(answer, CHECK_NO, "c", "C", "x");
	row_add(answer, CHECK_UNKNOWN, "d", "D", "x");
	assert_int_equal(answer_verdict(answer), CHECK_NOT_READY);
	for (unsigned int i = 0; i < 2 * CHECK_ROWS; i++)
		row_needs(row_add(answer, CHECK_OK, "e", "E", "%u", i), "nothing");
	assert_int_equal(answer->rows, CHECK_ROWS);
	assert_int_equal(answer_verdict(answer), CHECK_NOT_READY);
	free(answer);
}

static void test_json(void **state)
{
	struct check_answer *answer = calloc(1, sizeof(*answer));
	struct check_row *row;
	json_t *json;

	assert_non_null(answer);
	snprintf(answer->question, sizeof(answer->question), "Why?");
	row = row_add(answer, CHECK_NO, "id", "What", "%s", "a\x1b[2J\xff");
	row_todo(row, "this");
	json = answer_json(answer);
	row_add(answer, CHECK_OK, "id", "What", "x");
	assert_string_equal(json_string_value(json_object_get(json, "verdict")), "not ready");
	json_t *first = json_array_get(json_object_get(json, "rows"), 0);

	assert_string_equal(json_string_value(json_object_get(first, "found")), "a?[2J?");
	assert_string_equal(json_string_value(json_object_get(first, "todo")), "this");
	assert_null(json_object_get(first, "object"));
	json_decref(json);
	free(answer);
}

static void test_facts(void **state)
{
	struct check_facts *facts = calloc(1, sizeof(*facts));
	char line[2048];

	assert_non_null(facts);
	facts_parse(facts, "# note: no\nkvm: works\n\nno colon\nunreadable: /a\nunreadable: /b");
	assert_int_equal(facts->n, 3);
	assert_string_equal(fact_get(facts, "kvm"), "works");
	assert_null(fact_get(facts, "# note"));
	assert_true(fact_is(facts, "unreadable", "/b") && !fact_is(facts, "unreadable", "/c"));
	memset(line, 'x', sizeof(line) - 1);
	line[sizeof(line) - 1] = '\0';
	line[100] = ':';
	for (unsigned int i = 0; i < 2 * FACTS_MAX; i++)
		facts_parse(facts, line);
	assert_int_equal(facts->n, FACTS_MAX);

	cpuid_parse(facts,
		    "0 0 16 756e6547 6c65746e 49656e69\nnonsense\n80000001 00000000 1 2 3 4\n"
		    "00000001 00000000 00000000 00000000 00000020");
	assert_int_equal(facts->leaves, 2);
	assert_int_equal(fact_cpuid(facts, 0)->ebx, 0x756e6547);
	assert_int_equal(fact_cpuid(facts, 0x80000001)->edx, 4);
	assert_null(fact_cpuid(facts, 1));
	for (unsigned int i = 0; i < 2 * CPUID_MAX; i++)
		cpuid_parse(facts, "2 0 1 2 3 4\n");
	assert_int_equal(facts->leaves, CPUID_MAX);
	free(facts);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_verdicts),
		cmocka_unit_test(test_json),
		cmocka_unit_test(test_facts),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
