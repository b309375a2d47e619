/* SPDX-License-Identifier: BSD-3-Clause */
/* param.c - CLASS-list and CLASS-param-list, -get, -set, -add, -remove, -clear: the same for every class. */
#include "xe/internal.h"
#include "xe/values.h"

#include <stdlib.h>
#include <string.h>

#define PATH_SIZE 512

/* Are the names of @list fields of the class? */
static int check_names(const struct xe *xe, const char *list)
{
	char *names = strdup(list), *rest = names, *name;
	const char *key;
	int status = 0;

	while (!status && (name = strsep(&rest, ",")))
		if (!xe_field(xe->command->class, name, &key) || key)
			status = xe_usage("a %s has no parameter %s", xe->command->class->name,
					  name);
	free(names);
	return status;
}

int xe_list(struct xe *xe)
{
	const char *shown = xe_value(xe, "params");
	struct client_refusal why = { 0 };
	json_t *records;
	int status = 0;

	if (!shown)
		shown = xe->command->class->shown;
	if (strcmp(shown, "all"))
		status = check_names(xe, shown);
	if (status)
		return status;
	records = xe_records(xe, &why);
	if (!records)
		return xe_print_refusal(&why);
	if (!xe->all)
		xe_filter(xe, records);
	status = xe_print_records(xe, records, shown);
	json_decref(records);
	return status;
}

int xe_param_list(struct xe *xe)
{
	struct client_refusal why = { 0 };
	json_t *record = xe_record(xe, xe->command->class, "uuid", &why);
	json_t *records;
	int status;

	if (!record)
		return xe_print_refusal(&why);
	records = json_pack("[o]", record);
	status = xe_print_records(xe, records, "all");
	json_decref(records);
	return status;
}

/* The field that param-name= names, or NULL after a message. */
static const struct xe_field *named_field(const struct xe *xe)
{
	const char *name = xe_value(xe, "param-name"), *key;
	const struct xe_field *field = xe_field(xe->command->class, name, &key);

	if (field && !key)
		return field;
	xe_usage("a %s has no parameter %s", xe->command->class->name, name);
	return NULL;
}

static int print_key(const struct xe *xe, const json_t *record, const struct xe_field *field,
		     const char *key, struct client_refusal *why)
{
	json_t *map = field->get(record, field);
	const json_t *value = json_object_get(map, key);

	if (value)
		xe_print_text(xe, json_string_value(value));
	else
		client_refuse(why, "VALUE_INVALID", json_pack("[ss]", "param-key", key),
			      "%s of %s %s has no key '%s'", field->name, xe->command->class->kind,
			      xe_text(record, "uuid"), key);
	json_decref(map);
	return *why->code ? xe_print_refusal(why) : XE_DONE;
}

int xe_param_get(struct xe *xe)
{
	const struct xe_field *field = named_field(xe);
	const char *key = xe_value(xe, "param-key");
	struct client_refusal why = { 0 };
	json_t *record;
	int status = XE_DONE;
	char *text;

	if (!field)
		return XE_USAGE;
	record = xe_record(xe, xe->command->class, "uuid", &why);
	if (!record)
		return xe_print_refusal(&why);
	if (key && xe_is_map(field))
		status = print_key(xe, record, field, key, &why);
	else {
		text = xe_show(record, field);
		xe_print_text(xe, text ? text : "");
		free(text);
	}
	json_decref(record);
	return status;
}

/* PATCH the record with what @make puts into the changes. */
static int patch(struct xe *xe, int (*make)(const struct xe *xe, const json_t *record,
					    json_t *changes, struct client_refusal *why))
{
	struct client_refusal why = { 0 };
	json_t *record = xe_record(xe, xe->command->class, "uuid", &why);
	json_t *changes = json_object(), *answer = NULL;
	char path[PATH_SIZE];

	if (record && !make(xe, record, changes, &why)) {
		snprintf(path, sizeof(path), "%s/%s", xe->command->class->path,
			 xe_text(record, "uuid"));
		answer = client_call(xe->socket, "PATCH", path, changes, &why);
	}
	json_decref(changes);
	json_decref(record);
	if (!answer)
		return xe_print_refusal(&why);
	json_decref(answer);
	return XE_DONE;
}

/* How many parameters there are, without those that are about the output. */
static size_t n_given(const struct xe *xe)
{
	return xe->n_params - (xe_value(xe, "minimal") ? 1 : 0);
}

int xe_param_set(struct xe *xe)
{
	if (n_given(xe) < 2)
		return xe_usage("%s needs a parameter to set", xe->command->name);
	return patch(xe, xe_apply);
}

static int add_to_map(const struct xe *xe, const struct xe_field *field, const json_t *record,
		      json_t *changes, struct client_refusal *why)
{
	json_t *map = field->get(record, field), *added = json_object();
	const char *twice = NULL;

	json_object_set_new(changes, field->member, added);
	for (size_t i = 0; i < xe->n_params; i++) {
		const char *name = xe->param[i].name;

		if (!strcmp(name, "uuid") || !strcmp(name, "param-name") ||
		    !strcmp(name, "minimal"))
			continue;
		if (json_object_get(map, name))
			twice = name;
		json_object_set_new(added, name, json_string(xe->param[i].value));
	}
	if (twice)
		client_refuse(why, "MAP_DUPLICATE_KEY",
			      json_pack("[sssss]", xe->command->class->kind, field->name,
					xe_text(record, "uuid"), twice, xe_text(map, twice)),
			      "%s of %s %s has the key '%s' already: vm-param-set changes it",
			      field->name, xe->command->class->kind, xe_text(record, "uuid"),
			      twice);
	json_decref(map);
	return twice ? CLIENT_REFUSED : 0;
}

static int make_addition(const struct xe *xe, const json_t *record, json_t *changes,
			 struct client_refusal *why)
{
	const char *name = xe_value(xe, "param-name"), *member = xe_value(xe, "param-key"), *key;
	const struct xe_field *field = xe_field(xe->command->class, name, &key);

	if (xe_is_map(field))
		return add_to_map(xe, field, record, changes, why);
	if (!field->set(field, record, member, changes))
		return 0;
	return client_refuse(why, "VALUE_INVALID", json_pack("[ss]", name, member),
			     "'%s' is not a value for %s", member, name);
}

/* Is @field one that can be added to? Return: 0 or XE_USAGE after a message. */
static int check_container(const struct xe_field *field)
{
	if (!field)
		return XE_USAGE;
	if (field->access == XE_MRW || field->access == XE_SRW)
		return 0;
	return xe_usage("%s is %s", field->name,
			xe_is_map(field) || xe_is_set(field) ? "read-only"
							     : "neither a map nor a set");
}

int xe_param_add(struct xe *xe)
{
	const struct xe_field *field = named_field(xe);
	int status = check_container(field);

	if (status)
		return status;
	if (xe_is_set(field) && !xe_value(xe, "param-key"))
		return xe_usage("%s is a set: param-key= says what to add", field->name);
	if (xe_is_map(field) && (xe_value(xe, "param-key") || n_given(xe) < 3))
		return xe_usage("%s is a map: KEY=VALUE says what to add", field->name);
	return patch(xe, make_addition);
}

/* The array behind a set without the member shown as @text. Return: whether it was there. */
static bool without(const struct xe_field *field, const json_t *record, const char *text,
		    json_t *changes)
{
	json_t *shown = field->get(record, field);
	json_t *members = json_copy(json_object_get(record, field->member));
	bool found = false;

	for (size_t i = json_array_size(shown); i-- > 0 && !found;) {
		found = !strcmp(json_string_value(json_array_get(shown, i)), text);
		if (found)
			json_array_remove(members, i);
	}
	json_object_set_new(changes, field->member, members);
	json_decref(shown);
	return found;
}

static int make_removal(const struct xe *xe, const json_t *record, json_t *changes,
			struct client_refusal *why)
{
	const char *name = xe_value(xe, "param-name"), *key = xe_value(xe, "param-key"), *colon;
	const struct xe_field *field = xe_field(xe->command->class, name, &colon);
	bool found;

	if (xe_is_map(field)) {
		json_t *map = field->get(record, field);

		found = json_object_get(map, key);
		json_decref(map);
		json_object_set_new(changes, field->member, json_pack("{s:n}", key));
	} else
		found = without(field, record, key, changes);
	if (found)
		return 0;
	return client_refuse(why, "VALUE_INVALID", json_pack("[ss]", "param-key", key),
			     "%s of %s %s has no '%s'", name, xe->command->class->kind,
			     xe_text(record, "uuid"), key);
}

int xe_param_remove(struct xe *xe)
{
	int status = check_container(named_field(xe));

	return status ? status : patch(xe, make_removal);
}

static int make_empty(const struct xe *xe, const json_t *record, json_t *changes,
		      struct client_refusal *why)
{
	const char *name = xe_value(xe, "param-name"), *key;
	const struct xe_field *field = xe_field(xe->command->class, name, &key);
	json_t *empty, *value;

	if (xe_is_set(field))
		return json_object_set_new(changes, field->member, json_array());
	if (xe_is_map(field)) {
		json_t *map = field->get(record, field);

		empty = json_object();
		json_object_foreach (map, key, value)
			json_object_set_new(empty, key, json_null());
		json_decref(map);
		return json_object_set_new(changes, field->member, empty);
	}
	if (!field->set(field, record, "", changes))
		return 0;
	return client_refuse(why, "VALUE_INVALID", json_pack("[ss]", name, ""),
			     "%s cannot be empty", name);
}

int xe_param_clear(struct xe *xe)
{
	const struct xe_field *field = named_field(xe);

	if (!field)
		return XE_USAGE;
	if (!xe_is_writable(field))
		return xe_usage("%s is read-only", field->name);
	return patch(xe, make_empty);
}
