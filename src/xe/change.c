/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * change.c - "name=value" parameters as the body of a PATCH or POST: one request, so all of them take effect or none.
 *
 * Several parameters can mean the same member. Whether they agree is seen by doing all of them once more: what still
 * changes something has been overruled by another.
 */
#include "xe/internal.h"

#include <string.h>

#include "util/util.h"

/* When a VM is made, shorter names will do. */
static const struct {
	const char *name, *field;
} aliases[] = {
	{ "new-name-label", "name-label" },
	{ "memory", "memory-static-max" },
	{ "vcpus", "VCPUs-max" },
	{ "disk", "disks" },
};

const char *xe_canonical(const char *name)
{
	for (size_t i = 0; i < ARRAY_SIZE(aliases); i++)
		if (!strcmp(aliases[i].name, name))
			return aliases[i].field;
	return name;
}

static const struct xe_field *setter(const struct xe *xe, const struct xe_param *param,
				     const char **key)
{
	const struct xe_field *field;

	if (!strcmp(param->name, "uuid"))
		return NULL;
	field = xe_field(xe->command->class, xe_canonical(param->name), key);
	return field && xe_is_writable(field) ? field : NULL;
}

static int set_key(const struct xe_field *field, const char *key, const char *value,
		   json_t *changes)
{
	json_t *map = json_object_get(changes, field->member);

	if (!map) {
		map = json_object();
		json_object_set_new(changes, field->member, map);
	}
	return json_object_set_new(map, key, json_string(value));
}

static int apply_one(const struct xe *xe, const struct xe_param *param, const json_t *record,
		     json_t *changes)
{
	const char *key;
	const struct xe_field *field = setter(xe, param, &key);

	if (!field)
		return 0;
	if (xe_is_map(field))
		return set_key(field, key, param->value, changes);
	return field->set(field, record, param->value, changes);
}

/* Is @param not what @changes say in the end? A member of a set is in it, whatever else is. */
static bool overruled(const struct xe *xe, const struct xe_param *param, const json_t *record,
		      const json_t *changes)
{
	const char *key;
	const struct xe_field *field = setter(xe, param, &key);
	json_t *again;
	bool differ;

	if (!field || xe_is_set(field))
		return false;
	again = json_deep_copy(changes);
	apply_one(xe, param, record, again);
	differ = !json_equal(again, changes);
	json_decref(again);
	return differ;
}

int xe_apply(const struct xe *xe, const json_t *record, json_t *changes, struct client_refusal *why)
{
	const struct xe_param *param = xe->param;

	for (size_t i = 0; i < xe->n_params; i++)
		if (apply_one(xe, &param[i], record, changes))
			return client_refuse(why, "VALUE_INVALID",
					     json_pack("[ss]", param[i].name, param[i].value),
					     "'%s' is not a value for %s", param[i].value,
					     param[i].name);
	for (size_t i = 0; i < xe->n_params; i++)
		if (overruled(xe, &param[i], record, changes))
			return client_refuse(
				why, "VALUE_INVALID",
				json_pack("[ss]", param[i].name, param[i].value),
				"%s=%s contradicts another parameter, which means the same here",
				param[i].name, param[i].value);
	return 0;
}
