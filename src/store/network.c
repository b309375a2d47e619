/* SPDX-License-Identifier: BSD-3-Clause */
/* network.c - networks and their ties to PFs. A PF has one tie at most; a network with ties cannot go. */
#include "store/db.h"

/* One of the two kinds: which members it has (in the order of its columns) and its statements. */
static const struct kind {
	const char *what;
	const char *members[4];
	size_t count;
	const char *types; /* 's' string, 'i' integer */
	enum statement list, delete;
} kinds[] = {
	[STORE_NETWORK] = { "network",
			    { "uuid", "name-label", "name-description" },
			    3,
			    "sss",
			    STMT_NETWORKS,
			    STMT_NETWORK_DELETE },
	[STORE_SRIOV] = { "SR-IOV tie",
			  { "uuid", "network", "pf", "numvfs" },
			  4,
			  "sssi",
			  STMT_SRIOVS,
			  STMT_SRIOV_DELETE },
};

static json_t *read_record(const struct kind *kind, sqlite3_stmt *stmt)
{
	json_t *record = json_object();
	int failed = !record;

	for (int i = 0; i < (int)kind->count && !failed; i++) {
		if (kind->types[i] == 'i')
			failed = json_object_set_new(record, kind->members[i],
						     json_integer(sqlite3_column_int64(stmt, i)));
		else
			failed = db_member(record, kind->members[i], stmt, i);
	}
	if (!failed)
		return record;
	json_decref(record);
	return NULL;
}

json_t *store_list(struct store *store, enum store_kind kind, struct reason *why)
{
	sqlite3_stmt *stmt = db_query(store, kinds[kind].list, why, "");
	json_t *list = json_array();
	int result = !stmt ? -errno : list ? 1 : refuse(why, -ENOMEM, "memory is short");

	while (result > 0 && (result = db_next(store, stmt, why)) > 0) {
		if (json_array_append_new(list, read_record(&kinds[kind], stmt)))
			result = refuse(why, -ENOMEM, "memory is short");
	}
	if (result == 0)
		return list;
	if (stmt)
		db_end(stmt);
	json_decref(list);
	errno = -result;
	return NULL;
}

static int check(const struct kind *kind, const json_t *record, struct reason *why)
{
	const json_t *value;
	int result = record_check(record, kind->members, kind->count, why);

	for (size_t i = 0; i < kind->count && result == 0; i++) {
		value = json_object_get(record, kind->members[i]);
		if (!(kind->types[i] == 'i' ? json_is_integer(value) : json_is_string(value)))
			result = refuse(why, -EINVAL, "%s must be %s", kind->members[i],
					kind->types[i] == 'i' ? "an integer" : "a string");
	}
	if (result == 0 && !uuid_valid(json_string_value(json_object_get(record, "uuid"))))
		return refuse(why, -EINVAL, "uuid must be one, in lower case");
	value = json_object_get(record, "pf");
	if (result == 0 && value && !function_valid(json_string_value(value)))
		return refuse(why, -EINVAL, "pf must be an address as 0000:07:00.0");
	return result;
}

int store_insert(struct store *store, enum store_kind kind, const json_t *record,
		 struct reason *why)
{
	const json_t *value[ARRAY_SIZE(kinds[0].members)];
	int result = check(&kinds[kind], record, why);

	if (result)
		return result;
	for (size_t i = 0; i < kinds[kind].count; i++)
		value[i] = json_object_get(record, kinds[kind].members[i]);
	if (kind == STORE_NETWORK)
		result = db_change(store, STMT_NETWORK_INSERT, why, "jjj", value[0], value[1],
				   value[2]);
	else
		result = db_change(store, STMT_SRIOV_INSERT, why, "jjjj", value[0], value[1],
				   value[2], value[3]);
	if (result == -ENOENT)
		refuse(why, result, "no network %s", json_string_value(value[1]));
	else if (result == -EEXIST && kind == STORE_SRIOV)
		refuse(why, result, "PF %s is tied to a network already, or the uuid is taken",
		       json_string_value(value[2]));
	else if (result == -EEXIST)
		refuse(why, result, "a network %s exists already", json_string_value(value[0]));
	return result < 0 ? result : 0;
}

int store_sriov_numvfs(struct store *store, const char *uuid, json_int_t numvfs, struct reason *why)
{
	int result = db_change(store, STMT_SRIOV_NUMVFS, why, "si", uuid, (int64_t)numvfs);

	if (result == 0)
		return refuse(why, -ENOENT, "no %s %s", kinds[STORE_SRIOV].what, uuid);
	return result < 0 ? result : 0;
}

/* Is a PF tied to network @uuid? Return: 0, -EBUSY or other -errno with @why. */
static int refuse_tied(struct store *store, const char *uuid, struct reason *why)
{
	sqlite3_stmt *stmt = db_query(store, STMT_NETWORK_TIES, why, "s", uuid);
	int result = stmt ? db_next(store, stmt, why) : -errno;

	if (result <= 0)
		return result;
	refuse(why, -EBUSY, "PF %s is tied to network %s",
	       (const char *)sqlite3_column_text(stmt, 0), uuid);
	db_end(stmt);
	return -EBUSY;
}

int store_delete(struct store *store, enum store_kind kind, const char *uuid, struct reason *why)
{
	int result = db_begin(store, STMT_BEGIN_WRITE, why);

	if (result)
		return result;
	if (kind == STORE_NETWORK)
		result = refuse_tied(store, uuid, why);
	if (result == 0)
		result = db_change(store, kinds[kind].delete, why, "s", uuid);
	if (result == 0)
		result = refuse(why, -ENOENT, "no %s %s", kinds[kind].what, uuid);
	return db_finish(store, result < 0 ? result : 0, why);
}
