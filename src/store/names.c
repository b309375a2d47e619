/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * names.c - uuids and addresses of functions have one spelling, because they are keys: lower case, RFC 4122 section 3 and
 * Linux's "%04x:%02x:%02x.%d" (drivers/pci/probe.c, pci_setup_device()).
 */
#include "store/db.h"

#include "util/bdf.h"

/* 'x' stands for a lower-case hexadecimal digit, anything else for itself. */
static bool matches(const char *text, const char *pattern)
{
	for (; *pattern; text++, pattern++) {
		if (*pattern != 'x' ? *text != *pattern
				    : !*text || !strchr("0123456789abcdef", *text))
			return false;
	}
	return *text == '\0';
}

bool uuid_valid(const char *text)
{
	return text && matches(text, "xxxxxxxx-xxxx-xxxx-xxxx-xxxxxxxxxxxx");
}

bool function_valid(const char *text)
{
	return bdf_is_canonical(text);
}

int record_check(const json_t *record, const char *const *names, size_t count, struct reason *why)
{
	const char *name;
	json_t *value;
	size_t i;

	if (!json_is_object(record))
		return refuse(why, -EINVAL, "a record must be an object");
	json_object_foreach ((json_t *)record, name, value) {
		for (i = 0; i < count && strcmp(names[i], name); i++)
			;
		if (i == count)
			return refuse(why, -EINVAL, "'%s' is not a member that can be stored",
				      name);
	}
	return 0;
}
