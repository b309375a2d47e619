/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * schema.c - the tables.
 *
 * What must never be is made impossible here, whoever writes: a function is the primary key of its assignment, so no two
 * VMs can have it; an assignment, disk or setting names a VM that exists; tables are STRICT, so a number is a number
 * (sqlite.org/stricttables.html). Functions and uuids have one spelling each (names.c), or "0000:07:10.A" would be another
 * key than "0000:07:10.a".
 *
 * Versions: schema_migrations[] is one step for each. A step is never edited once it was released; a new one is added and
 * STORE_SCHEMA counted up. An application_id (sqlite.org/pragma.html#pragma_application_id) tells our files from others.
 */
#include "store/schema.h"

/* Version 1. 1936289654 is SCHEMA_APPLICATION_ID. */
static const char version_1[] = "CREATE TABLE vm("
				" uuid TEXT NOT NULL PRIMARY KEY CHECK(length(uuid) = 36),"
				" name_label TEXT NOT NULL,"
				" name_description TEXT NOT NULL,"
				" memory INTEGER NOT NULL,"
				" vcpus INTEGER NOT NULL,"
				" kernel TEXT NOT NULL,"
				" initrd TEXT NOT NULL,"
				" kernel_args TEXT NOT NULL,"
				" firmware TEXT NOT NULL,"
				" accel TEXT NOT NULL,"
				" restart TEXT NOT NULL"
				") STRICT, WITHOUT ROWID;"
				"CREATE TABLE disk("
				" vm TEXT NOT NULL REFERENCES vm(uuid) ON DELETE CASCADE,"
				" position INTEGER NOT NULL,"
				" path TEXT NOT NULL,"
				" format TEXT NOT NULL,"
				" read_only INTEGER NOT NULL CHECK(read_only IN (0, 1)),"
				" PRIMARY KEY(vm, position)"
				") STRICT, WITHOUT ROWID;"
				"CREATE TABLE other_config("
				" vm TEXT NOT NULL REFERENCES vm(uuid) ON DELETE CASCADE,"
				" name TEXT NOT NULL CHECK(name <> 'pci'),"
				" value TEXT NOT NULL,"
				" PRIMARY KEY(vm, name)"
				") STRICT, WITHOUT ROWID;"
				"CREATE TABLE assignment("
				" function TEXT NOT NULL PRIMARY KEY,"
				" vm TEXT NOT NULL REFERENCES vm(uuid) ON DELETE CASCADE,"
				" position INTEGER NOT NULL,"
				" UNIQUE(vm, position)"
				") STRICT, WITHOUT ROWID;"
				"CREATE TABLE policy("
				" function TEXT NOT NULL,"
				" member TEXT NOT NULL,"
				" value TEXT NOT NULL," /* JSON */
				" PRIMARY KEY(function, member)"
				") STRICT, WITHOUT ROWID;"
				"CREATE TABLE network("
				" uuid TEXT NOT NULL PRIMARY KEY CHECK(length(uuid) = 36),"
				" name_label TEXT NOT NULL,"
				" name_description TEXT NOT NULL"
				") STRICT, WITHOUT ROWID;"
				"CREATE TABLE sriov("
				" uuid TEXT NOT NULL PRIMARY KEY CHECK(length(uuid) = 36),"
				" network TEXT NOT NULL REFERENCES network(uuid),"
				" pf TEXT NOT NULL UNIQUE,"
				" numvfs INTEGER NOT NULL"
				") STRICT, WITHOUT ROWID;"
				"CREATE INDEX sriov_network ON sriov(network);"
				"PRAGMA application_id = 1936289654;"
				"PRAGMA user_version = 1;";

_Static_assert(SCHEMA_APPLICATION_ID == 1936289654, "as in version_1");

const char *const schema_migrations[STORE_SCHEMA] = { version_1 };

int schema_migrate(sqlite3 *db, const char *const *migrations, int from, int to)
{
	int rc = sqlite3_exec(db, "BEGIN IMMEDIATE", NULL, NULL, NULL);

	if (rc != SQLITE_OK)
		return rc;
	for (int version = from; version < to && rc == SQLITE_OK; version++)
		rc = sqlite3_exec(db, migrations[version], NULL, NULL, NULL);
	if (rc == SQLITE_OK)
		rc = sqlite3_exec(db, "COMMIT", NULL, NULL, NULL);
	if (rc != SQLITE_OK)
		sqlite3_exec(db, "ROLLBACK", NULL, NULL, NULL);
	return rc;
}
