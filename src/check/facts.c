/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * facts.c - captured facts and CPUID leaves: reading the lines, finding one. Both files may come from a stranger: lengths
 * are bounded, and nothing of them reaches a terminal with control characters in it.
 */
#include "check/facts.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define LINE_MAX_BYTES 512

void text_clean(char *text)
{
	for (; *text; text++)
		if ((unsigned char)*text < ' ' || (unsigned char)*text >= 0x7f)
			*text = '?';
}

const char *fact_get(const struct check_facts *facts, const char *name)
{
	for (unsigned int i = 0; i < facts->n; i++)
		if (!strcmp(facts->fact[i].name, name))
			return facts->fact[i].value;
	return NULL;
}

bool fact_is(const struct check_facts *facts, const char *name, const char *value)
{
	for (unsigned int i = 0; i < facts->n; i++)
		if (!strcmp(facts->fact[i].name, name) && !strcmp(facts->fact[i].value, value))
			return true;
	return false;
}

void fact_add(struct check_facts *facts, const char *name, const char *format, ...)
{
	struct check_fact *fact = &facts->fact[facts->n];
	va_list args;

	if (facts->n == FACTS_MAX)
		return;
	snprintf(fact->name, sizeof(fact->name), "%s", name);
	va_start(args, format);
	vsnprintf(fact->value, sizeof(fact->value), format, args);
	va_end(args);
	text_clean(fact->value);
	facts->n++;
}

const struct cpuid_leaf *fact_cpuid(const struct check_facts *facts, uint32_t leaf)
{
	for (unsigned int i = 0; i < facts->leaves; i++)
		if (facts->leaf[i].leaf == leaf && !facts->leaf[i].subleaf)
			return &facts->leaf[i];
	return NULL;
}

/* The next line into @line, cut if it is too long. Return: where the one after it starts, or NULL at the end. */
static const char *next_line(const char *text, char line[LINE_MAX_BYTES])
{
	size_t length = strcspn(text, "\n");

	if (!*text)
		return NULL;
	snprintf(line, LINE_MAX_BYTES, "%.*s",
		 (int)(length < LINE_MAX_BYTES ? length : LINE_MAX_BYTES - 1), text);
	return text + length + (text[length] == '\n');
}

void facts_parse(struct check_facts *facts, const char *text)
{
	char line[LINE_MAX_BYTES];

	while ((text = next_line(text, line))) {
		char *colon = strchr(line, ':');

		if (line[0] == '#' || !colon)
			continue;
		*colon++ = '\0';
		fact_add(facts, line, "%s", colon + strspn(colon, " \t"));
	}
}

void cpuid_parse(struct check_facts *facts, const char *text)
{
	char line[LINE_MAX_BYTES];

	while ((text = next_line(text, line)) && facts->leaves < CPUID_MAX) {
		struct cpuid_leaf *l = &facts->leaf[facts->leaves];

		if (sscanf(line, "%8x %8x %8x %8x %8x %8x", &l->leaf, &l->subleaf, &l->eax, &l->ebx,
			   &l->ecx, &l->edx) == 6)
			facts->leaves++;
	}
}
