/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * vm.c - VMs: a row of table vm each, with rows of disk and other_config that go with it (foreign keys, ON DELETE CASCADE).
 *
 * A record is checked before a transaction begins; what is stored is complete, so what is read needs no defaults. What a
 * member means (which accel there is, whether a file exists) is the manager's to know.
 */
#include "store/db.h"

/* Members that are columns, in the order of VM_COLUMNS (statements.c), from the second column on. */
static const struct {
	const char *name;
	bool number;
} columns[] = {
	{ "name-label", false },  { "name-description", false }, { "memory", true },
	{ "vcpus", true },	  { "kernel", false },		 { "initrd", false },
	{ "kernel-args", false }, { "firmware", false },	 { "accel", false },
	{ "restart", false },
};

static const char *const members[] = {
	"name-label", "name-description", "memory",   "vcpus", "kernel",
	"initrd",     "kernel-args",	  "firmware", "accel", "restart",
	"disks",      "other-config",	  "pci",      "uuid",
};

#define DISK_MEMBERS 3 /* path, format, read-only */

static int check_disks(const json_t *disks, struct reason *why)
{
	const json_t *disk;
	size_t i;

	if (!json_is_array(disks))
		return refuse(why, -EINVAL, "disks must be an array");
	json_array_foreach (disks, i, disk) {
		if (!json_is_string(json_object_get(disk, "path")) ||
		    !json_is_string(json_object_get(disk, "format")) ||
		    !json_is_boolean(json_object_get(disk, "read-only")) ||
		    json_object_size(disk) != DISK_MEMBERS)
			return refuse(why, -EINVAL, "disk %zu must have path, format and read-only",
				      i);
	}
	return 0;
}

static int check_config(const json_t *config, struct reason *why)
{
	const char *name;
	json_t *value;

	if (!json_is_object(config))
		return refuse(why, -EINVAL, "other-config must be an object");
	json_object_foreach ((json_t *)config, name, value) {
		if (!json_is_string(value))
			return refuse(why, -EINVAL, "other-config:%s must be a string", name);
		if (!strcmp(name, "pci"))
			return refuse(why, -EINVAL,
				      "other-config:pci is not stored: functions are assigned");
	}
	return 0;
}

/* All of @record, or of what it has if it is @partial. */
static int check(const json_t *record, bool partial, struct reason *why)
{
	const json_t *value;
	int result = record_check(record, members, ARRAY_SIZE(members) - (partial ? 1 : 0), why);

	for (size_t i = 0; i < ARRAY_SIZE(columns) && result == 0; i++) {
		value = json_object_get(record, columns[i].name);
		if (!value && partial)
			continue;
		if (!(columns[i].number ? json_is_integer(value) : json_is_string(value)))
			return refuse(why, -EINVAL, "%s must be %s", columns[i].name,
				      columns[i].number ? "an integer" : "a string");
	}
	value = json_object_get(record, "disks");
	if (result == 0 && (value || !partial))
		result = check_disks(value, why);
	value = json_object_get(record, "other-config");
	if (result == 0 && (value || !partial))
		result = check_config(value, why);
	value = json_object_get(record, "pci");
	if (result == 0 && value)
		result = store_check_functions(value, why);
	if (result == 0 && !partial &&
	    !uuid_valid(json_string_value(json_object_get(record, "uuid"))))
		return refuse(why, -EINVAL, "uuid must be one, in lower case");
	return result;
}

static json_t *read_disks(struct store *store, const char *uuid, struct reason *why)
{
	sqlite3_stmt *stmt = db_query(store, STMT_DISKS, why, "s", uuid);
	json_t *disks = json_array();
	json_t *disk;
	int result = stmt && disks ? 1 : -ENOMEM;

	while (result > 0 && (result = db_next(store, stmt, why)) > 0) {
		disk = json_object();
		if (!disk || db_member(disk, "path", stmt, 0) ||
		    db_member(disk, "format", stmt, 1) ||
		    json_object_set_new(disk, "read-only",
					json_boolean(sqlite3_column_int(stmt, 2))) ||
		    json_array_append(disks, disk))
			result = -ENOMEM;
		json_decref(disk);
	}
	if (result == 0)
		return disks;
	if (stmt)
		db_end(stmt);
	json_decref(disks);
	return NULL;
}

static json_t *read_config(struct store *store, const char *uuid, struct reason *why)
{
	sqlite3_stmt *stmt = db_query(store, STMT_CONFIG, why, "s", uuid);
	json_t *config = json_object();
	int result = stmt && config ? 1 : -ENOMEM;

	while (result > 0 && (result = db_next(store, stmt, why)) > 0) {
		if (db_member(config, (const char *)sqlite3_column_text(stmt, 0), stmt, 1))
			result = -ENOMEM;
	}
	if (result == 0)
		return config;
	if (stmt)
		db_end(stmt);
	json_decref(config);
	return NULL;
}

/* The record of the row that @stmt is at. */
static json_t *read_vm(struct store *store, sqlite3_stmt *stmt, struct reason *why)
{
	const char *uuid = (const char *)sqlite3_column_text(stmt, 0);
	json_t *vm = json_object();
	bool failed;

	failed = !vm || db_member(vm, "uuid", stmt, 0);
	for (size_t i = 0; i < ARRAY_SIZE(columns) && !failed; i++) {
		if (columns[i].number)
			failed = json_object_set_new(
				vm, columns[i].name,
				json_integer(sqlite3_column_int64(stmt, (int)i + 1)));
		else
			failed = db_member(vm, columns[i].name, stmt, (int)i + 1);
	}
	if (!failed && !json_object_set_new(vm, "disks", read_disks(store, uuid, why)) &&
	    !json_object_set_new(vm, "other-config", read_config(store, uuid, why)) &&
	    !json_object_set_new(vm, "pci", store_functions(store, uuid, why)))
		return vm;
	json_decref(vm);
	return NULL;
}

/* The VMs that statement @id, bound to @uuid if it has one, gives; in a transaction that sees one state of all tables. */
static json_t *read_vms(struct store *store, enum statement id, const char *uuid,
			struct reason *why)
{
	sqlite3_stmt *stmt = NULL;
	json_t *vms = json_array();
	int result = db_begin(store, STMT_BEGIN, why);

	if (result == 0) {
		stmt = db_query(store, id, why, uuid ? "s" : "", uuid);
		result = stmt && vms ? 1 : -ENOMEM;
	}
	while (result > 0 && (result = db_next(store, stmt, why)) > 0) {
		if (json_array_append_new(vms, read_vm(store, stmt, why))) {
			db_end(stmt);
			result = -ENOMEM;
		}
	}
	result = db_finish(store, result, why);
	if (result == 0)
		return vms;
	json_decref(vms);
	errno = -result;
	return NULL;
}

json_t *store_vms(struct store *store, struct reason *why)
{
	refuse(why, 0, "memory is short");
	return read_vms(store, STMT_VMS, NULL, why);
}

json_t *store_vm(struct store *store, const char *uuid, struct reason *why)
{
	json_t *vms, *vm;

	refuse(why, 0, "memory is short");
	vms = read_vms(store, STMT_VM, uuid, why);
	if (!vms)
		return NULL;
	vm = json_incref(json_array_get(vms, 0));
	json_decref(vms);
	if (!vm)
		errno = -refuse(why, -ENOENT, "no VM %s", uuid);
	return vm;
}

int store_vm_exists(struct store *store, const char *uuid, struct reason *why)
{
	sqlite3_stmt *stmt = db_query(store, STMT_VM_EXISTS, why, "s", uuid);
	int result = stmt ? db_next(store, stmt, why) : -errno;

	if (result == 0)
		return refuse(why, -ENOENT, "no VM %s", uuid);
	if (result > 0)
		db_end(stmt);
	return result > 0 ? 0 : result;
}

static int write_row(struct store *store, enum statement id, const char *uuid, const json_t *record,
		     struct reason *why)
{
	const json_t *value[ARRAY_SIZE(columns)];

	for (size_t i = 0; i < ARRAY_SIZE(columns); i++)
		value[i] = json_object_get(record, columns[i].name);
	return db_change(store, id, why, "sjjjjjjjjjj", uuid, value[0], value[1], value[2],
			 value[3], value[4], value[5], value[6], value[7], value[8], value[9]);
}

static int write_disks(struct store *store, const char *uuid, const json_t *disks,
		       struct reason *why)
{
	const json_t *disk;
	size_t i;
	int result = db_change(store, STMT_DISKS_DELETE, why, "s", uuid);

	json_array_foreach (disks, i, disk) {
		if (result < 0)
			break;
		result = db_change(store, STMT_DISK_INSERT, why, "sijji", uuid, (int64_t)i,
				   json_object_get(disk, "path"), json_object_get(disk, "format"),
				   (int64_t)json_is_true(json_object_get(disk, "read-only")));
	}
	return result;
}

static int write_config(struct store *store, const char *uuid, const json_t *config,
			struct reason *why)
{
	const char *name;
	json_t *value;
	int result = db_change(store, STMT_CONFIG_DELETE, why, "s", uuid);

	json_object_foreach ((json_t *)config, name, value) {
		if (result < 0)
			break;
		result = db_change(store, STMT_CONFIG_INSERT, why, "ssj", uuid, name, value);
	}
	return result;
}

/* @record is whole; its disks, other-config and pci are written if they are in @changes. */
static int write_vm(struct store *store, enum statement id, const char *uuid, const json_t *record,
		    const json_t *changes, struct reason *why)
{
	const json_t *disks = json_object_get(changes, "disks");
	const json_t *config = json_object_get(changes, "other-config");
	const json_t *pci = json_object_get(changes, "pci");
	int result = write_row(store, id, uuid, record, why);

	if (result == -EEXIST)
		return refuse(why, -EEXIST, "a VM %s exists already", uuid);
	if (result >= 0 && disks)
		result = write_disks(store, uuid, disks, why);
	if (result >= 0 && config)
		result = write_config(store, uuid, config, why);
	if (result >= 0 && pci)
		result = store_assign_within(store, uuid, pci, NULL, why);
	return result < 0 ? result : 0;
}

int store_vm_insert(struct store *store, const json_t *record, struct reason *why)
{
	const char *uuid = json_string_value(json_object_get(record, "uuid"));
	int result = check(record, false, why);

	if (result == 0)
		result = db_begin(store, STMT_BEGIN_WRITE, why);
	if (result)
		return result;
	result = write_vm(store, STMT_VM_INSERT, uuid, record, record, why);
	return db_finish(store, result, why);
}

int store_vm_update(struct store *store, const char *uuid, const json_t *changes,
		    struct reason *why)
{
	json_t *record;
	int result = check(changes, true, why);

	if (result)
		return result;
	record = store_vm(store, uuid, why);
	if (!record)
		return -errno;
	if (json_object_update(record, (json_t *)changes))
		result = refuse(why, -ENOMEM, "memory is short");
	if (result == 0)
		result = db_begin(store, STMT_BEGIN_WRITE, why);
	if (result == 0) {
		result = write_vm(store, STMT_VM_UPDATE, uuid, record, changes, why);
		result = db_finish(store, result, why);
	}
	json_decref(record);
	return result;
}

int store_vm_delete(struct store *store, const char *uuid, struct reason *why)
{
	int changed = db_change(store, STMT_VM_DELETE, why, "s", uuid);

	if (changed == 0)
		return refuse(why, -ENOENT, "no VM %s", uuid);
	return changed < 0 ? changed : 0;
}
