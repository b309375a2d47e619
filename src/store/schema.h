/* SPDX-License-Identifier: BSD-3-Clause */
/* schema.h - the tables of the inventory and how they come from one version to the next; inside this room. */
#ifndef SOFTIOV_STORE_SCHEMA_H
#define SOFTIOV_STORE_SCHEMA_H

#include <sqlite3.h>
#include "store/store.h"

#define SCHEMA_APPLICATION_ID 0x73696f76 /* "siov", PRAGMA application_id */

/* schema_migrations - [n] leads from version n to n + 1 and sets PRAGMA user_version itself. */
extern const char *const schema_migrations[STORE_SCHEMA];

/**
 * schema_migrate() - run migrations @from to @to - 1, in one transaction: all or none.
 * Return: SQLITE_OK, or the error of SQLite, with the database as it was.
 */
int schema_migrate(sqlite3 *db, const char *const *migrations, int from, int to);

#endif
