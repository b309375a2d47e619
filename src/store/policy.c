/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * policy.c - what each VF is to be set to: one row a member, its value as JSON text (RFC 8259), so that a member that
 * docs/api.md gets later needs no new column. Which members there are and which values they take the API knows.
 */
#include "store/db.h"

#include <stdlib.h>

/* object[member of the row] = its value */
static int add_member(json_t *policy, sqlite3_stmt *stmt)
{
	const char *member = (const char *)sqlite3_column_text(stmt, 0);
	const char *text = (const char *)sqlite3_column_text(stmt, 1);

	return json_object_set_new(policy, member,
				   text ? json_loads(text, JSON_DECODE_ANY, NULL) : NULL);
}

/* The object of a function in @policies, made if it is not there. */
static json_t *policy_of(json_t *policies, const char *function)
{
	json_t *policy = json_object_get(policies, function);

	if (!policy && json_object_set_new(policies, function, json_object()) == 0)
		policy = json_object_get(policies, function);
	return policy;
}

static json_t *read_policies(struct store *store, const char *function)
{
	sqlite3_stmt *stmt = function ? db_query(store, STMT_POLICY, NULL, "s", function)
				      : db_query(store, STMT_POLICIES, NULL, "");
	json_t *all = json_object();
	json_t *policy;
	int result = !stmt ? -errno : all ? 1 : -ENOMEM;

	while (result > 0 && (result = db_next(store, stmt, NULL)) > 0) {
		policy =
			function ? all : policy_of(all, (const char *)sqlite3_column_text(stmt, 2));
		if (!policy || add_member(policy, stmt))
			result = -ENOMEM;
	}
	if (result == 0)
		return all;
	if (stmt)
		db_end(stmt);
	json_decref(all);
	errno = -result;
	return NULL;
}

json_t *store_policy(struct store *store, const char *function)
{
	return read_policies(store, function);
}

json_t *store_policies(struct store *store)
{
	return read_policies(store, NULL);
}

static int check(const char *function, const json_t *members, struct reason *why)
{
	const char *name;
	json_t *value;

	if (!function_valid(function))
		return refuse(why, -EINVAL, "'%s' is not an address as 0000:07:10.0", function);
	if (!json_is_object(members))
		return refuse(why, -EINVAL, "a policy must be an object");
	json_object_foreach ((json_t *)members, name, value) {
		if (!json_is_string(value) && !json_is_integer(value) && !json_is_boolean(value))
			return refuse(why, -EINVAL,
				      "%s must be a string, an integer, true or false", name);
	}
	return 0;
}

static int set_member(struct store *store, const char *function, const char *name,
		      const json_t *value, struct reason *why)
{
	char *text = json_dumps(value, JSON_ENCODE_ANY);
	int result;

	if (!text)
		return refuse(why, -ENOMEM, "memory is short");
	result = db_change(store, STMT_POLICY_SET, why, "sss", function, name, text);
	free(text);
	return result < 0 ? result : 0;
}

int store_policy_set(struct store *store, const char *function, const json_t *members,
		     struct reason *why)
{
	const char *name;
	json_t *value;
	int result = check(function, members, why);

	if (result == 0)
		result = db_begin(store, STMT_BEGIN_WRITE, why);
	if (result)
		return result;
	json_object_foreach ((json_t *)members, name, value) {
		result = set_member(store, function, name, value, why);
		if (result)
			break;
	}
	return db_finish(store, result, why);
}

int store_policy_clear(struct store *store, const char *function, struct reason *why)
{
	int changed = db_change(store, STMT_POLICY_CLEAR, why, "s", function);

	return changed < 0 ? changed : 0;
}
