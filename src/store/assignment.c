/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * assignment.c - which function is whose. The function is the primary key: whatever is written, it is in one row, of one VM.
 *
 * A list is replaced by removing the VM's rows and writing them anew, in a transaction that has the write lock from its
 * start (BEGIN IMMEDIATE): who holds a function is read and decided in the state that is changed.
 */
#include "store/db.h"

#include <stdio.h>

json_t *store_functions(struct store *store, const char *uuid, struct reason *why)
{
	sqlite3_stmt *stmt = db_query(store, STMT_FUNCTIONS, why, "s", uuid);
	json_t *functions = json_array();
	int result = stmt && functions ? 1 : -ENOMEM;

	while (result > 0 && (result = db_next(store, stmt, why)) > 0) {
		if (json_array_append_new(functions,
					  json_string((const char *)sqlite3_column_text(stmt, 0))))
			result = -ENOMEM;
	}
	if (result == 0)
		return functions;
	if (stmt)
		db_end(stmt);
	json_decref(functions);
	errno = ENOMEM;
	return NULL;
}

static int holder(struct store *store, const char *function, char uuid[UUID_LEN + 1],
		  struct reason *why)
{
	sqlite3_stmt *stmt = db_query(store, STMT_HOLDER, why, "s", function);
	int result = stmt ? db_next(store, stmt, why) : -errno;

	if (result == 0)
		return refuse(why, -ENOENT, "%s is nobody's", function);
	if (result < 0)
		return result;
	snprintf(uuid, UUID_LEN + 1, "%s", (const char *)sqlite3_column_text(stmt, 0));
	db_end(stmt);
	return 0;
}

static int assign_one(struct store *store, const char *uuid, const char *function, size_t position,
		      char other[UUID_LEN + 1], struct reason *why)
{
	char found[UUID_LEN + 1];
	int result = holder(store, function, found, why);

	if (result == -ENOENT) {
		result = db_change(store, STMT_ASSIGN, why, "ssi", function, uuid,
				   (int64_t)position);
		return result < 0 ? result : 0;
	}
	if (result)
		return result;
	/* What the VM had was removed before: this is the second time in its list. */
	if (!strcmp(found, uuid))
		return refuse(why, -EEXIST, "%s is named twice", function);
	if (other)
		memcpy(other, found, sizeof(found));
	return refuse(why, -EBUSY, "%s is assigned to VM %s", function, found);
}

int store_check_functions(const json_t *functions, struct reason *why)
{
	const json_t *function;
	size_t i;

	if (!json_is_array(functions))
		return refuse(why, -EINVAL, "functions must be an array of addresses");
	json_array_foreach (functions, i, function) {
		if (!function_valid(json_string_value(function)))
			return refuse(why, -EINVAL, "'%s' is not an address as 0000:07:10.0",
				      json_is_string(function) ? json_string_value(function) : "");
	}
	return 0;
}

int store_assign_within(struct store *store, const char *uuid, const json_t *functions,
			char other[UUID_LEN + 1], struct reason *why)
{
	const json_t *function;
	size_t i;
	int result = store_vm_exists(store, uuid, why);

	if (result == 0)
		result = db_change(store, STMT_RELEASE_ALL, why, "s", uuid);
	json_array_foreach (functions, i, function) {
		if (result < 0)
			break;
		result = assign_one(store, uuid, json_string_value(function), i, other, why);
	}
	return result < 0 ? result : 0;
}

int store_assign(struct store *store, const char *uuid, const json_t *functions,
		 char other[UUID_LEN + 1], struct reason *why)
{
	int result = store_check_functions(functions, why);

	if (result == 0)
		result = db_begin(store, STMT_BEGIN_WRITE, why);
	if (result)
		return result;
	result = store_assign_within(store, uuid, functions, other, why);
	return db_finish(store, result, why);
}

int store_move(struct store *store, const char *function, const char *to, struct reason *why)
{
	int result;

	if (!function_valid(function))
		return refuse(why, -EINVAL, "'%s' is not an address as 0000:07:10.0", function);
	result = db_begin(store, STMT_BEGIN_WRITE, why);
	if (result)
		return result;
	result = store_vm_exists(store, to, why);
	if (result == 0)
		result = db_change(store, STMT_RELEASE, why, "s", function);
	if (result >= 0)
		result = db_change(store, STMT_APPEND, why, "ss", function, to);
	return db_finish(store, result < 0 ? result : 0, why);
}

int store_holder(struct store *store, const char *function, char uuid[UUID_LEN + 1])
{
	return holder(store, function, uuid, NULL);
}
