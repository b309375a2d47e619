/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * print.c - output as XenServer's xe writes it, so that scripts that cut it up go on working. A record is one field a
 * line, the first name to the left, the others to the right before the colon, two empty lines behind it. Minimal output is
 * one line: the first field of each record, between commas; a comma or backslash in it has a backslash before it.
 */
#include "xe/internal.h"

#include <stdlib.h>
#include <string.h>

#define INDENT 4 /* columns before the longest name */

static const char *const access_names[] = {
	[XE_RO] = " ( RO)",  [XE_RW] = " ( RW)",  [XE_MRO] = " (MRO)",
	[XE_MRW] = " (MRW)", [XE_SRO] = " (SRO)", [XE_SRW] = " (SRW)",
};

static void print_escaped(const char *text)
{
	for (; *text; text++) {
		if (*text == ',' || *text == '\\')
			putchar('\\');
		putchar(*text);
	}
}

static bool is_shown(const struct xe_field *field, const char *shown)
{
	return !strcmp(shown, "all") || xe_listed(shown, field->name);
}

static int width_of(const struct xe_class *class, const char *shown)
{
	size_t width = 0, len;

	for (size_t i = 0; i < class->n_fields; i++) {
		if (!is_shown(&class->fields[i], shown))
			continue;
		len = strlen(class->fields[i].name) + strlen(access_names[class->fields[i].access]);
		width = len > width ? len : width;
	}
	return (int)width + INDENT;
}

static int print_name(const struct xe_field *field, int width, bool first)
{
	int len = (int)(strlen(field->name) + strlen(access_names[field->access]));
	int space = width - len;

	return printf("%*s%s%s%*s: ", first ? 0 : space, "", field->name,
		      access_names[field->access], first ? space : 0, "");
}

static int print_record(const struct xe_class *class, const json_t *record, const char *shown,
			int width)
{
	bool first = true;

	for (size_t i = 0; i < class->n_fields; i++) {
		const struct xe_field *field = &class->fields[i];
		char *text;

		if (!is_shown(field, shown))
			continue;
		text = xe_show(record, field);
		if (!text)
			return -1;
		print_name(field, width, first);
		puts(text);
		free(text);
		first = false;
	}
	if (!first)
		printf("\n\n");
	return 0;
}

static int print_minimal(const struct xe_class *class, const json_t *records, const char *shown)
{
	const struct xe_field *field = class->fields;
	const json_t *record;
	size_t i;

	while (field < class->fields + class->n_fields && !is_shown(field, shown))
		field++;
	json_array_foreach (records, i, record) {
		char *text = field < class->fields + class->n_fields ? xe_show(record, field)
								     : strdup("");

		if (!text)
			return -1;
		if (i)
			putchar(',');
		print_escaped(text);
		free(text);
	}
	putchar('\n');
	return 0;
}

int xe_print_records(const struct xe *xe, const json_t *records, const char *shown)
{
	const struct xe_class *class = xe->command->class;
	int width = width_of(class, shown);
	const json_t *record;
	int error = 0;
	size_t i;

	if (xe->minimal)
		error = print_minimal(class, records, shown);
	else
		json_array_foreach (records, i, record)
			error = error ? error : print_record(class, record, shown, width);
	if (!error)
		return XE_DONE;
	fprintf(stderr, "xe: out of memory\n");
	return XE_REFUSED;
}

void xe_print_text(const struct xe *xe, const char *text)
{
	if (xe->minimal)
		print_escaped(text);
	else
		fputs(text, stdout);
	putchar('\n');
}

int xe_print_refusal(struct client_refusal *why)
{
	const json_t *param;
	size_t i;

	fprintf(stderr, "%s%s\n", *why->code ? "" : "xe: ", why->text);
	if (*why->code) {
		fprintf(stderr, "Error code: %s\nError parameters: ", why->code);
		json_array_foreach (why->params, i, param)
			fprintf(stderr, "%s%s", i ? ", " : "", json_string_value(param));
		fputc('\n', stderr);
	}
	client_refusal_clear(why);
	return XE_REFUSED;
}
