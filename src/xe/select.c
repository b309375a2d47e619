/* SPDX-License-Identifier: BSD-3-Clause */
/* select.c - the objects that a command line means: all of a class, those that its selectors leave, the one of a uuid. */
#include "xe/internal.h"
#include "xe/values.h"

#include <stdlib.h>
#include <string.h>

static json_t *fetch(const char *socket, const struct xe_class *class, struct client_refusal *why)
{
	json_t *records, *answer;

	if (class->list)
		records = client_list(socket, class->path, class->list, why);
	else {
		answer = client_call(socket, "GET", class->path, NULL, why);
		records = answer ? json_pack("[o]", answer) : NULL;
	}
	if (records && class->join && class->join(socket, records, why)) {
		json_decref(records);
		return NULL;
	}
	return records;
}

json_t *xe_records(const struct xe *xe, struct client_refusal *why)
{
	return fetch(xe->socket, xe->command->class, why);
}

static bool set_has(const json_t *set, const char *text)
{
	const json_t *member;
	size_t i;

	json_array_foreach (set, i, member)
		if (!strcmp(json_string_value(member), text))
			return true;
	return false;
}

static bool key_is(const json_t *record, const struct xe_field *field, const char *key,
		   const char *text)
{
	json_t *value = field->get(record, field);
	bool equal;

	if (xe_is_set(field))
		equal = set_has(value, text);
	else
		equal = json_object_get(value, key) && !strcmp(xe_text(value, key), text);
	json_decref(value);
	return equal;
}

static bool means(const struct xe *xe, const struct xe_param *param, const json_t *record)
{
	const struct xe_field *field;
	const char *key;
	char *text;
	bool equal;

	if (!strcmp(param->name, "vm"))
		return !strcmp(xe_text(record, "uuid"), param->value) ||
		       !strcmp(xe_text(record, "name-label"), param->value);
	field = xe_field(xe->command->class, param->name, &key);
	if (key)
		return key_is(record, field, key, param->value);
	text = xe_show(record, field);
	equal = text && !strcmp(text, param->value);
	free(text);
	return equal;
}

void xe_filter(const struct xe *xe, json_t *records)
{
	for (size_t i = 0; i < xe->n_params; i++) {
		const struct xe_param *param = &xe->param[i];

		if (!xe_is_selector(xe, param))
			continue;
		for (size_t k = json_array_size(records); k-- > 0;)
			if (!means(xe, param, json_array_get(records, k)))
				json_array_remove(records, k);
	}
}

json_t *xe_record(const struct xe *xe, const struct xe_class *class, const char *param,
		  struct client_refusal *why)
{
	const char *uuid = xe_value(xe, param);
	json_t *records = fetch(xe->socket, class, why);
	json_t *record, *found = NULL;
	size_t i;

	if (!records)
		return NULL;
	json_array_foreach (records, i, record)
		if (!strcmp(xe_text(record, "uuid"), uuid))
			found = json_incref(record);
	json_decref(records);
	if (!found)
		client_refuse(why, "UUID_INVALID", json_pack("[ss]", class->kind, uuid),
			      "no %s has the uuid '%s'", class->kind, uuid);
	return found;
}

static const struct xe_param *first_selector(const struct xe *xe)
{
	for (size_t i = 0; i < xe->n_params; i++)
		if (xe_is_selector(xe, &xe->param[i]))
			return &xe->param[i];
	return NULL;
}

static json_t *uuids_of(const json_t *records)
{
	json_t *uuids = json_array();
	const json_t *record;
	size_t i;

	json_array_foreach (records, i, record)
		json_array_append(uuids, json_object_get(record, "uuid"));
	return uuids;
}

json_t *xe_selected(const struct xe *xe, struct client_refusal *why)
{
	const struct xe_param *selector = first_selector(xe);
	const char *kind = xe->command->class->kind;
	json_t *records = xe_records(xe, why);
	size_t n;

	if (!records)
		return NULL;
	xe_filter(xe, records);
	n = json_array_size(records);
	if (n == 1 || (n && xe->multiple))
		return records;
	if (n)
		client_refuse(why, "NAME_AMBIGUOUS", uuids_of(records),
			      "%zu %ss match %s=%s: say which by uuid, or --multiple", n, kind,
			      selector->name, selector->value);
	else
		client_refuse(why, "UUID_INVALID", json_pack("[ss]", kind, selector->value),
			      "no %s matches %s=%s", kind, selector->name, selector->value);
	json_decref(records);
	return NULL;
}
