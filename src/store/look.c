/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * look.c - an inventory is looked at before it is opened: of a newer schema, damaged, or not one at all, it stays exactly as
 * it is, its write-ahead log included.
 *
 * Opening a database in WAL mode, even to read, makes a -shm file, and its last closing checkpoints the log and removes it
 * (sqlite.org/wal.html, "Read-Only Databases"). Two ways read one without either, both with the directory locked, so that
 * no other softiovd writes meanwhile:
 *
 * - no log, or an empty one: all is in the database, which "immutable" (sqlite.org/uri.html) reads as a plain file;
 * - a log: it may hold what counts, the version not least. In exclusive locking mode the log's index is on the heap
 *   (sqlite.org/wal.html, "Use of WAL Without Shared-Memory"); the VFS "unix-none" grants that mode to a file that is open
 *   for reading only; and the checkpoint at closing is switched off (SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE).
 */
#include "store/look.h"

#include <fcntl.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "store/schema.h"

#define TEXT_MAX 128

static bool log_there(int dir_fd)
{
	struct stat st;

	return !fstatat(dir_fd, DB_NAME "-wal", &st, 0) && st.st_size > 0;
}

/* "file:PATH?immutable=1", with what means something in a URI as %XX. */
static char *immutable_uri(const char *path)
{
	char *uri = NULL;
	size_t size;
	FILE *out = open_memstream(&uri, &size);

	if (!out)
		return NULL;
	/* A path that begins with // would name a host; /./ in front changes nothing but that. */
	fputs(*path == '/' ? "file:/." : "file:", out);
	for (; *path; path++)
		fprintf(out, strchr("?#%", *path) ? "%%%02x" : "%c", *path);
	fputs("?immutable=1", out);
	if (fclose(out) == 0)
		return uri;
	free(uri);
	return NULL;
}

static int open_to_look(sqlite3 **db, int dir_fd, const char *path)
{
	const int flags = SQLITE_OPEN_READONLY | SQLITE_OPEN_NOMUTEX;
	char *uri;
	int rc;

	if (!log_there(dir_fd)) {
		uri = immutable_uri(path);
		if (!uri)
			return SQLITE_NOMEM;
		rc = sqlite3_open_v2(uri, db, flags | SQLITE_OPEN_URI, NULL);
		free(uri);
		return rc;
	}
	rc = sqlite3_open_v2(path, db, flags, "unix-none");
	if (rc == SQLITE_OK)
		rc = sqlite3_db_config(*db, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1, NULL);
	if (rc == SQLITE_OK)
		rc = sqlite3_exec(*db, "PRAGMA locking_mode = EXCLUSIVE", NULL, NULL, NULL);
	return rc;
}

/* The first column of the first row of @sql. */
static int ask(sqlite3 *db, const char *sql, char text[TEXT_MAX])
{
	sqlite3_stmt *stmt = NULL;
	int rc = sqlite3_prepare_v2(db, sql, -1, &stmt, NULL);

	if (rc == SQLITE_OK)
		rc = sqlite3_step(stmt);
	if (rc == SQLITE_ROW) {
		snprintf(text, TEXT_MAX, "%s", (const char *)sqlite3_column_text(stmt, 0));
		rc = SQLITE_OK;
	} else if (rc == SQLITE_DONE) {
		rc = SQLITE_CORRUPT; /* each of these questions has an answer */
	}
	sqlite3_finalize(stmt);
	return rc;
}

static int damaged(const char *path, const char *what, struct reason *why)
{
	return refuse(why, -EUCLEAN,
		      "%s is damaged (%.80s) and was not touched: move it and its -wal file away, "
		      "or restore a copy",
		      path, what);
}

static int failed(sqlite3 *db, int rc, const char *path, struct reason *why)
{
	int error = db ? sqlite3_system_errno(db) : 0;

	switch (rc & 0xff) {
	case SQLITE_CORRUPT:
		return damaged(path, sqlite3_errstr(rc), why);
	case SQLITE_NOTADB:
		return refuse(why, -EUCLEAN,
			      "%s is not an inventory and was not touched: move it away", path);
	case SQLITE_NOMEM:
		return refuse(why, -ENOMEM, "memory is short");
	default:
		error = error ? error : EIO;
		return refuse(why, -error, "%s cannot be read: %s (%s)", path, strerror(error),
			      sqlite3_errstr(rc));
	}
}

static int look_into(sqlite3 *db, const char *path, struct reason *why)
{
	char id[TEXT_MAX], version[TEXT_MAX], health[TEXT_MAX];
	int rc = ask(db, "PRAGMA application_id", id);

	if (rc == SQLITE_OK)
		rc = ask(db, "PRAGMA user_version", version);
	if (rc != SQLITE_OK)
		return failed(db, rc, path, why);
	if (atoi(id) != SCHEMA_APPLICATION_ID || atoi(version) < 1)
		return failed(db, SQLITE_NOTADB, path, why);
	if (atoi(version) > STORE_SCHEMA)
		return refuse(why, -EPROTONOSUPPORT,
			      "%s is of schema %s, written by a newer softiov; this one knows "
			      "schema %d and did not touch it: install the newer one",
			      path, version, STORE_SCHEMA);
	rc = ask(db, "PRAGMA quick_check(1)", health);
	if (rc != SQLITE_OK)
		return failed(db, rc, path, why);
	if (strcmp(health, "ok"))
		return damaged(path, health, why);
	return atoi(version);
}

int look(int dir_fd, const char *path, struct reason *why)
{
	sqlite3 *db = NULL;
	struct stat st;
	int rc, result;

	if (fstatat(dir_fd, DB_NAME, &st, 0))
		return refuse(why, -errno, "%s: %m", path);
	if (!S_ISREG(st.st_mode))
		return failed(NULL, SQLITE_NOTADB, path, why);
	rc = open_to_look(&db, dir_fd, path);
	result = rc == SQLITE_OK ? look_into(db, path, why) : failed(db, rc, path, why);
	sqlite3_close(db);
	return result;
}

int look_absent(int dir_fd, const char *path, struct reason *why)
{
	static const char *const logs[] = { DB_NAME "-wal", DB_NAME "-journal" };

	/* SQLite would write what is in them into the new database. */
	for (size_t i = 0; i < ARRAY_SIZE(logs); i++) {
		if (faccessat(dir_fd, logs[i], F_OK, 0) == 0)
			return refuse(why, -EUCLEAN,
				      "%s is gone but %s is beside it: restore the first or "
				      "move the second away",
				      path, logs[i]);
	}
	return 0;
}
