/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * open.c - making, opening and closing an inventory.
 *
 * One softiovd at a time: the directory itself is locked (flock(2)), so there is no lock file to be left over, and a kill
 * ends the lock. SQLite's own locks stay as they are: recovery of the write-ahead log and "sqlite3 inventory.db" work.
 *
 * A new one is made under another name, synced, and renamed: inventory.db is complete whenever it is there. From then on all
 * writes go through the log (sqlite.org/wal.html); synchronous=FULL syncs it at each commit, so what was answered survives a
 * power loss (sqlite.org/pragma.html#pragma_synchronous).
 */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "store/db.h"
#include "store/look.h"
#include "store/schema.h"

#define NEW_NAME DB_NAME ".new"
#define DIR_MODE 0700
#define FILE_MODE 0600
#define BUSY_TIMEOUT_MS 2000

/* trusted_schema, cell_size_check: sqlite.org/security.html, "Untrusted SQLite Database Files". */
static const char settings[] = "PRAGMA foreign_keys = ON;"
			       "PRAGMA synchronous = FULL;"
			       "PRAGMA trusted_schema = OFF;"
			       "PRAGMA cell_size_check = ON;";

static int lock_directory(struct store *store, const char *dir, struct reason *why)
{
	if (mkdir(dir, DIR_MODE) && errno != EEXIST)
		return refuse(why, -errno, "cannot make directory %s: %m", dir);
	store->dir_fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (store->dir_fd < 0)
		return refuse(why, -errno, "cannot open directory %s: %m", dir);
	if (flock(store->dir_fd, LOCK_EX | LOCK_NB) == 0)
		return 0;
	if (errno == EWOULDBLOCK)
		return refuse(why, -EBUSY,
			      "the inventory in %s is in use by another softiovd: stop that one, "
			      "or give this one a directory of its own",
			      dir);
	return refuse(why, -errno, "cannot lock directory %s: %m", dir);
}

static void remove_new(int dir_fd)
{
	unlinkat(dir_fd, NEW_NAME, 0);
	unlinkat(dir_fd, NEW_NAME "-wal", 0);
	unlinkat(dir_fd, NEW_NAME "-shm", 0);
	unlinkat(dir_fd, NEW_NAME "-journal", 0);
}

/* Tables, and WAL mode as a property of the file. No journal: what is not complete is thrown away. */
static int fill_new(struct store *store, const char *new_path, struct reason *why)
{
	int rc = sqlite3_open_v2(new_path, &store->db, SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX,
				 NULL);
	int closed, result = 0;

	sqlite3_extended_result_codes(store->db, 1);
	if (rc == SQLITE_OK)
		rc = sqlite3_exec(store->db, "PRAGMA journal_mode = OFF", NULL, NULL, NULL);
	if (rc == SQLITE_OK)
		rc = schema_migrate(store->db, schema_migrations, 0, STORE_SCHEMA);
	if (rc == SQLITE_OK)
		rc = sqlite3_exec(store->db, "PRAGMA journal_mode = WAL", NULL, NULL, NULL);
	if (rc != SQLITE_OK)
		result = db_error(store, rc, why);
	closed = sqlite3_close(store->db);
	store->db = NULL;
	return result || closed == SQLITE_OK ? result
					     : refuse(why, -EIO, "cannot close %s", new_path);
}

static int sync_at(int dir_fd, const char *name, int flags)
{
	int fd = openat(dir_fd, name, flags | O_CLOEXEC);
	int result = fd < 0 || fsync(fd) ? -errno : 0;

	if (fd >= 0)
		close(fd);
	return result;
}

/* The file, its name, and the directory's own name, in case that is as new. */
static int publish_new(int dir_fd)
{
	int result = sync_at(dir_fd, NEW_NAME, O_RDWR);

	if (result == 0 && renameat(dir_fd, NEW_NAME, dir_fd, DB_NAME))
		result = -errno;
	if (result == 0)
		result = sync_at(dir_fd, ".", O_RDONLY | O_DIRECTORY);
	if (result == 0)
		result = sync_at(dir_fd, "..", O_RDONLY | O_DIRECTORY);
	return result;
}

static int create(struct store *store, struct reason *why)
{
	char *new_path = NULL;
	int fd, result;

	result = look_absent(store->dir_fd, store->path, why);
	if (result)
		return result;
	remove_new(store->dir_fd);
	fd = openat(store->dir_fd, NEW_NAME, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, FILE_MODE);
	if (fd < 0)
		return refuse(why, -errno, "cannot make %s: %m", store->path);
	close(fd);
	if (asprintf(&new_path, "%s.new", store->path) < 0)
		result = refuse(why, -ENOMEM, "memory is short");
	else
		result = fill_new(store, new_path, why);
	if (result == 0) {
		result = publish_new(store->dir_fd);
		if (result)
			refuse(why, result, "cannot make %s: %s", store->path, strerror(-result));
	}
	if (result)
		remove_new(store->dir_fd);
	free(new_path);
	return result;
}

/* Is the log in use? A file system without shared memory maps would leave another mode, and say so only here. */
static int require_wal(struct store *store, struct reason *why)
{
	sqlite3_stmt *stmt = NULL;
	int rc = sqlite3_prepare_v2(store->db, "PRAGMA journal_mode = WAL", -1, &stmt, NULL);
	int result = 0;

	if (rc == SQLITE_OK)
		rc = sqlite3_step(stmt);
	if (rc != SQLITE_ROW)
		result = db_error(store, rc, why);
	else if (strcmp((const char *)sqlite3_column_text(stmt, 0), "wal"))
		result = refuse(why, -EOPNOTSUPP, "%s cannot have a write-ahead log here",
				store->path);
	sqlite3_finalize(stmt);
	return result;
}

static int prepare_statements(struct store *store, struct reason *why)
{
	int rc = SQLITE_OK;

	for (unsigned int i = 0; i < STMT_COUNT && rc == SQLITE_OK; i++)
		rc = sqlite3_prepare_v3(store->db, store_statements[i], -1,
					SQLITE_PREPARE_PERSISTENT, &store->statements[i], NULL);
	if (rc == SQLITE_ERROR)
		return refuse(why, -EUCLEAN, "%s lacks a part (%s): restore a copy", store->path,
			      sqlite3_errmsg(store->db));
	return rc == SQLITE_OK ? 0 : db_error(store, rc, why);
}

static int open_database(struct store *store, int version, struct reason *why)
{
	int result;
	int rc = sqlite3_open_v2(store->path, &store->db,
				 SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX, NULL);

	sqlite3_extended_result_codes(store->db, 1);
	if (rc == SQLITE_OK)
		rc = sqlite3_busy_timeout(store->db, BUSY_TIMEOUT_MS);
	if (rc == SQLITE_OK)
		rc = sqlite3_exec(store->db, settings, NULL, NULL, NULL);
	if (rc != SQLITE_OK)
		return db_error(store, rc, why);
	/* SQLite opens for reading what it cannot open for writing. */
	if (sqlite3_db_readonly(store->db, "main"))
		return refuse(why, -EROFS, "%s cannot be written", store->path);
	result = require_wal(store, why);
	if (result)
		return result;
	if (version < STORE_SCHEMA) {
		rc = schema_migrate(store->db, schema_migrations, version, STORE_SCHEMA);
		if (rc != SQLITE_OK)
			return db_error(store, rc, why);
	}
	return prepare_statements(store, why);
}

static int open_or_create(struct store *store, const char *dir, struct reason *why)
{
	int version = STORE_SCHEMA;
	int result = 0;

	if (faccessat(store->dir_fd, DB_NAME, F_OK, 0) && errno == ENOENT) {
		result = create(store, why);
	} else {
		version = look(store->dir_fd, store->path, why);
		if (version < 0)
			return version;
	}
	if (result == 0 && faccessat(store->dir_fd, ".", W_OK | X_OK, AT_EACCESS))
		result = refuse(why, -errno, "directory %s cannot be written: %m", dir);
	return result ? result : open_database(store, version, why);
}

int store_open(struct store **opened, const char *dir, struct reason *why)
{
	struct store *store = calloc(1, sizeof(*store));
	int result;

	*opened = NULL;
	if (!store)
		return refuse(why, -ENOMEM, "memory is short");
	store->dir_fd = -1;
	if (asprintf(&store->path, "%s/%s", dir, DB_NAME) < 0) {
		store->path = NULL;
		result = refuse(why, -ENOMEM, "memory is short");
	} else {
		result = lock_directory(store, dir, why);
	}
	if (result == 0)
		result = open_or_create(store, dir, why);
	if (result)
		store_close(store);
	else
		*opened = store;
	return result;
}

void store_close(struct store *store)
{
	if (!store)
		return;
	for (unsigned int i = 0; i < STMT_COUNT; i++)
		sqlite3_finalize(store->statements[i]);
	sqlite3_close(store->db);
	if (store->dir_fd >= 0)
		close(store->dir_fd); /* which ends the lock */
	free(store->path);
	free(store);
}
