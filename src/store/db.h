/* SPDX-License-Identifier: BSD-3-Clause */
/* db.h - prepared statements, transactions and SQLite's errors in our words; inside this room. */
#ifndef SOFTIOV_STORE_DB_H
#define SOFTIOV_STORE_DB_H

#include <sqlite3.h>
#include "store/store.h"

#define UUID_LEN 36

/* Rows of the table in statements.c. */
enum statement {
	STMT_BEGIN,
	STMT_BEGIN_WRITE,
	STMT_COMMIT,
	STMT_ROLLBACK,
	STMT_VMS,
	STMT_VM,
	STMT_VM_EXISTS,
	STMT_VM_INSERT,
	STMT_VM_UPDATE,
	STMT_VM_DELETE,
	STMT_DISKS,
	STMT_DISK_INSERT,
	STMT_DISKS_DELETE,
	STMT_CONFIG,
	STMT_CONFIG_INSERT,
	STMT_CONFIG_DELETE,
	STMT_FUNCTIONS,
	STMT_HOLDER,
	STMT_ASSIGN,
	STMT_APPEND,
	STMT_RELEASE,
	STMT_RELEASE_ALL,
	STMT_POLICY,
	STMT_POLICIES,
	STMT_POLICY_SET,
	STMT_POLICY_CLEAR,
	STMT_NETWORKS,
	STMT_NETWORK_INSERT,
	STMT_NETWORK_DELETE,
	STMT_NETWORK_TIES,
	STMT_SRIOVS,
	STMT_SRIOV_INSERT,
	STMT_SRIOV_NUMVFS,
	STMT_SRIOV_DELETE,
	STMT_COUNT
};

extern const char *const store_statements[STMT_COUNT];

/**
 * struct store - an open inventory.
 * @dir_fd: the directory, locked (flock) as long as the inventory is open
 * @path: of the database, for messages
 */
struct store {
	sqlite3 *db;
	int dir_fd;
	char *path;
	sqlite3_stmt *statements[STMT_COUNT];
};

/** db_error() - SQLite's @rc (extended) as -errno, with @why. */
int db_error(struct store *store, int rc, struct reason *why);

/**
 * db_query() - bind values to a statement: one letter of @types each, 's' const char *, 'i' int64_t,
 * 'j' const json_t * (string or integer). Texts must live until the statement has ended.
 * Return: the statement, for db_next(), or NULL with errno and @why.
 */
sqlite3_stmt *db_query(struct store *store, enum statement id, struct reason *why,
		       const char *types, ...);

/** db_next() - Return: 1: a row; 0: no more; -errno with @why. The statement has ended unless it is 1. */
int db_next(struct store *store, sqlite3_stmt *stmt, struct reason *why);

/** db_end() - a statement whose other rows nobody wants. */
void db_end(sqlite3_stmt *stmt);

/** db_change() - a statement without rows, bound as by db_query(). Return: rows changed, or -errno with @why. */
int db_change(struct store *store, enum statement id, struct reason *why, const char *types, ...);

/** db_begin() - a transaction that reads (STMT_BEGIN) or may write (STMT_BEGIN_WRITE). Return: 0 or -errno. */
int db_begin(struct store *store, enum statement begin, struct reason *why);

/** db_finish() - commit if @result is 0, else undo. Return: @result, or why it could not be committed. */
int db_finish(struct store *store, int result, struct reason *why);

/** db_member() - object[name] = text of a column. Return: 0 or -1. */
int db_member(json_t *object, const char *name, sqlite3_stmt *stmt, int column);

/** names.c: is this the one spelling of a uuid, of a PCI function's address? @text may be NULL: no. */
bool uuid_valid(const char *text);
bool function_valid(const char *text);

/** names.c: refuse what is no object or has members that are not among @names. Return: 0 or -EINVAL with @why. */
int record_check(const json_t *record, const char *const *names, size_t count, struct reason *why);

/** store_functions() - addresses assigned to a VM, in order. Return: an array or NULL with errno and @why. */
json_t *store_functions(struct store *store, const char *uuid, struct reason *why);

/** store_vm_exists() - Return: 0, -ENOENT or other -errno with @why. */
int store_vm_exists(struct store *store, const char *uuid, struct reason *why);

/** store_check_functions() - an array of addresses? Return: 0 or -EINVAL. */
int store_check_functions(const json_t *functions, struct reason *why);

/** store_assign_within() - store_assign() as part of a transaction, of functions that were checked. */
int store_assign_within(struct store *store, const char *uuid, const json_t *functions,
			char other[UUID_LEN + 1], struct reason *why);

#endif
