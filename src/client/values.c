/* SPDX-License-Identifier: BSD-3-Clause */
/* values.c - words for sizes, counts and disks. */
#include "client/client.h"

#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define DECIMAL 10

int client_parse_size(const char *text, uint64_t *bytes)
{
	static const char units[] = "KMGT";
	const char *unit;
	uint64_t n;
	char *end;

	if (!isdigit((unsigned char)text[0]))
		return -EINVAL;
	errno = 0;
	n = strtoull(text, &end, DECIMAL);
	if (errno)
		return -EINVAL;
	unit = *end ? strchr(units, *end) : NULL;
	if (unit) {
		unsigned int shift = 10 * (unsigned int)(unit - units + 1);

		if (n > UINT64_MAX >> shift)
			return -EINVAL;
		n <<= shift;
		end++;
		if (!strcmp(end, "iB"))
			end += strlen("iB");
	}
	if (*end || n > INT64_MAX)
		return -EINVAL;
	*bytes = n;
	return 0;
}

int client_parse_count(const char *text, unsigned int *count)
{
	char *end;
	unsigned long n;

	if (!isdigit((unsigned char)text[0]))
		return -EINVAL;
	errno = 0;
	n = strtoul(text, &end, DECIMAL);
	if (errno || *end || n < 1 || n > INT32_MAX)
		return -EINVAL;
	*count = (unsigned int)n;
	return 0;
}

/* One word behind the path. Return: 0 or -EINVAL. */
static int disk_option(json_t *disk, const char *word)
{
	if (!strcmp(word, "ro"))
		return json_object_set_new(disk, "read-only", json_true());
	if (!strcmp(word, "format=raw") || !strcmp(word, "format=qcow2"))
		return json_object_set_new(disk, "format", json_string(strchr(word, '=') + 1));
	return -EINVAL;
}

json_t *client_parse_disk(const char *text)
{
	char *words = strdup(text), *rest = words, *word;
	json_t *disk = NULL;

	word = words ? strsep(&rest, ",") : NULL;
	if (word && *word)
		disk = json_pack("{s:s s:s s:b}", "path", word, "format", "raw", "read-only", 0);
	while (disk && (word = strsep(&rest, ",")))
		if (disk_option(disk, word)) {
			json_decref(disk);
			disk = NULL;
		}
	free(words);
	return disk;
}

char *client_format_disk(const json_t *disk)
{
	const char *path = json_string_value(json_object_get(disk, "path"));
	const char *format = json_string_value(json_object_get(disk, "format"));
	char *text;

	if (asprintf(&text, "%s,format=%s%s", path ? path : "", format ? format : "raw",
		     json_is_true(json_object_get(disk, "read-only")) ? ",ro" : "") < 0)
		return NULL;
	return text;
}
