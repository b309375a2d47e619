/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * db.c - how this room speaks with SQLite: statements (sqlite.org/c3ref/bind_blob.html), transactions, errors.
 *
 * A statement that has given all its rows, or failed, is reset at once: an open one would keep a read transaction, and with
 * it the write-ahead log, from ending (sqlite.org/wal.html, "Avoiding Excessively Large WAL Files").
 */
#include "store/db.h"

#include <stdarg.h>

/* The errno behind an input/output error, as far as SQLite knows it. */
static int io_error(struct store *store)
{
	int error = sqlite3_system_errno(store->db);

	if (error == EFBIG || error == EDQUOT)
		return ENOSPC;
	return error ? error : EIO;
}

static int constraint_error(struct store *store, int rc, struct reason *why)
{
	const char *text = sqlite3_errmsg(store->db);

	switch (rc) {
	case SQLITE_CONSTRAINT_PRIMARYKEY:
	case SQLITE_CONSTRAINT_UNIQUE:
		return refuse(why, -EEXIST, "that exists already in the inventory (%s)", text);
	case SQLITE_CONSTRAINT_FOREIGNKEY:
		return refuse(why, -ENOENT, "what this refers to is not in the inventory (%s)",
			      text);
	default:
		return refuse(why, -EINVAL, "the inventory cannot hold this value (%s)", text);
	}
}

int db_error(struct store *store, int rc, struct reason *why)
{
	const char *path = store->path;
	int error;

	switch (rc & 0xff) { /* the primary code, sqlite.org/rescode.html */
	case SQLITE_CONSTRAINT:
		return constraint_error(store, rc, why);
	case SQLITE_BUSY:
	case SQLITE_LOCKED:
		return refuse(why, -EAGAIN, "another program keeps %s locked: end it, try again",
			      path);
	case SQLITE_FULL:
		return refuse(why, -ENOSPC, "no space to write %s: make room, try again", path);
	case SQLITE_NOMEM:
		return refuse(why, -ENOMEM, "memory is short");
	case SQLITE_TOOBIG:
		return refuse(why, -E2BIG, "too long for the inventory");
	case SQLITE_READONLY:
		return refuse(why, -EROFS, "%s cannot be written", path);
	case SQLITE_CORRUPT:
	case SQLITE_NOTADB:
		return refuse(why, -EUCLEAN,
			      "%s is damaged (%s): move it and its -wal file away, or restore a "
			      "copy",
			      path, sqlite3_errstr(rc));
	case SQLITE_IOERR:
	case SQLITE_CANTOPEN:
	case SQLITE_PERM:
	case SQLITE_AUTH:
		error = io_error(store);
		return refuse(why, -error, "%s: %s (%s)", path, strerror(error),
			      sqlite3_errstr(rc));
	default:
		return refuse(why, -EIO, "%s: %s", path, sqlite3_errmsg(store->db));
	}
}

static int bind_json(sqlite3_stmt *stmt, int index, const json_t *value)
{
	if (json_is_integer(value))
		return sqlite3_bind_int64(stmt, index, json_integer_value(value));
	return sqlite3_bind_text64(stmt, index, json_string_value(value), json_string_length(value),
				   SQLITE_STATIC, SQLITE_UTF8);
}

static int bind(sqlite3_stmt *stmt, const char *types, va_list values)
{
	int rc = SQLITE_OK;

	for (int index = 1; *types && rc == SQLITE_OK; types++, index++) {
		if (*types == 's')
			rc = sqlite3_bind_text(stmt, index, va_arg(values, const char *), -1,
					       SQLITE_STATIC);
		else if (*types == 'i')
			rc = sqlite3_bind_int64(stmt, index, va_arg(values, int64_t));
		else
			rc = bind_json(stmt, index, va_arg(values, const json_t *));
	}
	return rc;
}

static sqlite3_stmt *query(struct store *store, enum statement id, struct reason *why,
			   const char *types, va_list values)
{
	sqlite3_stmt *stmt = store->statements[id];
	int rc = bind(stmt, types, values);

	if (rc == SQLITE_OK)
		return stmt;
	db_end(stmt);
	errno = -db_error(store, rc, why);
	return NULL;
}

sqlite3_stmt *db_query(struct store *store, enum statement id, struct reason *why,
		       const char *types, ...)
{
	sqlite3_stmt *stmt;
	va_list values;

	va_start(values, types);
	stmt = query(store, id, why, types, values);
	va_end(values);
	return stmt;
}

int db_next(struct store *store, sqlite3_stmt *stmt, struct reason *why)
{
	int rc = sqlite3_step(stmt);
	int result = 0;

	if (rc == SQLITE_ROW)
		return 1;
	if (rc != SQLITE_DONE)
		result = db_error(store, rc, why);
	db_end(stmt);
	return result;
}

void db_end(sqlite3_stmt *stmt)
{
	sqlite3_reset(stmt);
	sqlite3_clear_bindings(stmt);
}

int db_change(struct store *store, enum statement id, struct reason *why, const char *types, ...)
{
	sqlite3_stmt *stmt;
	va_list values;
	int result;

	va_start(values, types);
	stmt = query(store, id, why, types, values);
	va_end(values);
	if (!stmt)
		return -errno;
	result = db_next(store, stmt, why);
	return result ? result : sqlite3_changes(store->db);
}

int db_begin(struct store *store, enum statement begin, struct reason *why)
{
	int result = db_change(store, begin, why, "");

	return result < 0 ? result : 0;
}

int db_finish(struct store *store, int result, struct reason *why)
{
	int committed;

	if (result == 0) {
		committed = db_change(store, STMT_COMMIT, why, "");
		if (committed >= 0)
			return 0;
		result = committed;
	}
	/* Some errors have undone it already: sqlite.org/lang_transaction.html, section 3. */
	if (!sqlite3_get_autocommit(store->db))
		db_change(store, STMT_ROLLBACK, NULL, "");
	return result;
}

int db_member(json_t *object, const char *name, sqlite3_stmt *stmt, int column)
{
	const char *text = (const char *)sqlite3_column_text(stmt, column);
	int length = sqlite3_column_bytes(stmt, column);

	return json_object_set_new(object, name, text ? json_stringn(text, (size_t)length) : NULL);
}
