/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * facts.h - what the check must know that is no file: answers of the processor (CPUID leaves) and of trials (does /dev/kvm
 * work, are memory files sealed), as lines of text that can be captured. Formats: docs/check.md.
 */
#ifndef SOFTIOV_CHECK_FACTS_H
#define SOFTIOV_CHECK_FACTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define FACT_NAME 32
#define FACT_VALUE 224
#define FACTS_MAX 96
#define CPUID_MAX 64

/** struct check_fact - one line "name: value". */
struct check_fact {
	char name[FACT_NAME], value[FACT_VALUE];
};

/** struct cpuid_leaf - one line "LEAF SUBLEAF EAX EBX ECX EDX", all hexadecimal. */
struct cpuid_leaf {
	uint32_t leaf, subleaf, eax, ebx, ecx, edx;
};

/** struct check_facts - all of them; what does not fit is left out. */
struct check_facts {
	unsigned int n, leaves;
	struct check_fact fact[FACTS_MAX];
	struct cpuid_leaf leaf[CPUID_MAX];
};

/** fact_get() - the value of the first fact of that name, or NULL. */
const char *fact_get(const struct check_facts *facts, const char *name);
/** fact_is() - is there a fact "name: value"? Of several with one name any will do. */
bool fact_is(const struct check_facts *facts, const char *name, const char *value);
/** fact_add() - one more; control characters become '?'. */
void fact_add(struct check_facts *facts, const char *name, const char *format, ...)
	__attribute__((format(printf, 3, 4)));
/** fact_cpuid() - a CPUID leaf, or NULL: not known. */
const struct cpuid_leaf *fact_cpuid(const struct check_facts *facts, uint32_t leaf);

/** facts_parse(), cpuid_parse() - add the lines of a captured file; what is not of the form is passed over. */
void facts_parse(struct check_facts *facts, const char *text);
void cpuid_parse(struct check_facts *facts, const char *text);

/** text_clean() - replace what a terminal might obey by '?'. */
void text_clean(char *text);

#endif
