/* SPDX-License-Identifier: BSD-3-Clause */
/* values.c - members of records that become values of fields as they are, and back. */
#include "xe/values.h"

#include <errno.h>

#define NO_REFERENCE "<not in database>"

const char *xe_text(const json_t *record, const char *member)
{
	const char *text = json_string_value(json_object_get(record, member));

	return text ? text : "";
}

json_t *xe_get_text(const json_t *record, const struct xe_field *field)
{
	json_t *value = json_object_get(record, field->member);

	if (json_is_string(value))
		return json_incref(value);
	if (json_is_integer(value))
		return json_sprintf("%lld", (long long)json_integer_value(value));
	if (json_is_boolean(value))
		return json_string(json_is_true(value) ? "true" : "false");
	return json_string("");
}

json_t *xe_get_reference(const json_t *record, const struct xe_field *field)
{
	json_t *value = json_object_get(record, field->member);

	return json_is_string(value) ? json_incref(value) : json_string(NO_REFERENCE);
}

json_t *xe_get_constant(const json_t *record, const struct xe_field *field)
{
	return json_string(field->member);
}

json_t *xe_get_json(const json_t *record, const struct xe_field *field)
{
	return json_incref(json_object_get(record, field->member));
}

int xe_set_text(const struct xe_field *field, const json_t *record, const char *text,
		json_t *changes)
{
	return json_object_set_new(changes, field->member, json_string(text)) ? -EINVAL : 0;
}

int xe_set_size(const struct xe_field *field, const json_t *record, const char *text,
		json_t *changes)
{
	uint64_t bytes;

	if (client_parse_size(text, &bytes))
		return -EINVAL;
	return json_object_set_new(changes, field->member, json_integer((json_int_t)bytes));
}

int xe_set_count(const struct xe_field *field, const json_t *record, const char *text,
		 json_t *changes)
{
	unsigned int count;

	if (client_parse_count(text, &count))
		return -EINVAL;
	return json_object_set_new(changes, field->member, json_integer(count));
}
