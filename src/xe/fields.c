/* SPDX-License-Identifier: BSD-3-Clause */
/* fields.c - a class's fields by their names, and their values as text, whatever the class. */
#include "xe/internal.h"

#include <stdlib.h>
#include <string.h>

bool xe_is_map(const struct xe_field *field)
{
	return field->access == XE_MRO || field->access == XE_MRW;
}

bool xe_is_set(const struct xe_field *field)
{
	return field->access == XE_SRO || field->access == XE_SRW;
}

bool xe_is_writable(const struct xe_field *field)
{
	return field->access == XE_RW || field->access == XE_MRW || field->access == XE_SRW;
}

const struct xe_field *xe_field(const struct xe_class *class, const char *name, const char **key)
{
	const char *colon = strchr(name, ':');
	size_t len = colon ? (size_t)(colon - name) : strlen(name);
	const struct xe_field *field = NULL;

	for (size_t i = 0; i < class->n_fields && !field; i++)
		if (strlen(class->fields[i].name) == len &&
		    !strncmp(class->fields[i].name, name, len))
			field = &class->fields[i];
	*key = colon ? colon + 1 : NULL;
	if (field && colon && !xe_is_map(field) && !xe_is_set(field))
		return NULL;
	return field;
}

static int by_name(const void *a, const void *b)
{
	return strcmp(*(const char *const *)a, *(const char *const *)b);
}

/* "key: value; key: value", in the order of the keys. */
static void show_map(FILE *out, json_t *map)
{
	size_t n = json_object_size(map), i = 0;
	const char **keys = calloc(n + 1, sizeof(*keys));
	const char *key;
	json_t *value;

	if (!keys)
		return;
	json_object_foreach (map, key, value)
		keys[i++] = key;
	qsort(keys, n, sizeof(*keys), by_name);
	for (i = 0; i < n; i++)
		fprintf(out, "%s%s: %s", i ? "; " : "", keys[i],
			json_string_value(json_object_get(map, keys[i])));
	free(keys);
}

static void show_set(FILE *out, const json_t *set)
{
	const json_t *member;
	size_t i;

	json_array_foreach (set, i, member)
		fprintf(out, "%s%s", i ? "; " : "", json_string_value(member));
}

char *xe_show(const json_t *record, const struct xe_field *field)
{
	json_t *value = field->get(record, field);
	char *text = NULL;
	size_t size;
	FILE *out = open_memstream(&text, &size);

	if (!out) {
		json_decref(value);
		return NULL;
	}
	if (json_is_object(value))
		show_map(out, value);
	else if (json_is_array(value))
		show_set(out, value);
	else if (json_is_string(value))
		fputs(json_string_value(value), out);
	json_decref(value);
	fclose(out);
	return text;
}
