/* SPDX-License-Identifier: BSD-3-Clause */
/* test_open.c - making and opening: what is refused and stays untouched, two openers, no space, nothing to write to. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <dirent.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "store/schema.h"
#include "store/store.h"

#define NET "c0000000-0000-4000-8000-000000000003"
#define FILES_MAX 8
#define BYTES_MAX 200000

struct fixture {
	char dir[64], path[80];
	struct reason why;
};

/* All files of a directory, for "not one byte". */
struct snapshot {
	unsigned int count;
	struct {
		char name[64];
		size_t size;
		struct timespec mtime;
		uint8_t bytes[BYTES_MAX];
	} file[FILES_MAX];
};

static int setup(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));

	snprintf(f->dir, sizeof(f->dir), "/tmp/softiov-test-XXXXXX");
	assert_non_null(mkdtemp(f->dir));
	snprintf(f->path, sizeof(f->path), "%s/inventory.db", f->dir);
	*state = f;
	return 0;
}

static int teardown(void **state)
{
	struct fixture *f = *state;
	DIR *dir = opendir(f->dir);
	struct dirent *entry;

	while ((entry = readdir(dir)) != NULL)
		unlinkat(dirfd(dir), entry->d_name, 0);
	closedir(dir);
	assert_int_equal(rmdir(f->dir), 0);
	free(f);
	return 0;
}

static struct snapshot *take(const char *path)
{
	struct snapshot *s = calloc(1, sizeof(*s));
	DIR *dir = opendir(path);
	struct dirent **names;
	struct stat st;
	int n = scandir(path, &names, NULL, alphasort);

	for (int i = 0; i < n; i++) {
		int fd = openat(dirfd(dir), names[i]->d_name, O_RDONLY);

		assert_int_equal(fstat(fd, &st), 0);
		if (S_ISREG(st.st_mode)) {
			assert_true(s->count < FILES_MAX && st.st_size <= BYTES_MAX);
			snprintf(s->file[s->count].name, 64, "%.60s", names[i]->d_name);
			s->file[s->count].size = (size_t)st.st_size;
			s->file[s->count].mtime = st.st_mtim;
			assert_int_equal(read(fd, s->file[s->count].bytes, BYTES_MAX), st.st_size);
			s->count++;
		}
		close(fd);
		free(names[i]);
	}
	free(names);
	closedir(dir);
	return s;
}

static void expect_refused(struct fixture *f, int error, const char *word)
{
	struct snapshot *before = take(f->dir);
	struct snapshot *after;
	struct store *store = (void *)1;

	assert_int_equal(store_open(&store, f->dir, &f->why), error);
	assert_null(store);
	if (!strstr(f->why.text, word))
		fail_msg("'%s' is not in '%s'", word, f->why.text);
	after = take(f->dir);
	assert_memory_equal(before, after, sizeof(*before));
	free(before);
	free(after);
}

static void make(struct fixture *f)
{
	struct store *store;

	assert_int_equal(store_open(&store, f->dir, &f->why), 0);
	store_close(store);
}

static void run_sql(struct fixture *f, const char *sql)
{
	sqlite3 *db;

	assert_int_equal(sqlite3_open(f->path, &db), SQLITE_OK);
	assert_int_equal(sqlite3_exec(db, sql, NULL, NULL, NULL), SQLITE_OK);
	sqlite3_close(db);
}

/* As above, by a process that is killed before it closes: the change is in the log only. */
static void run_sql_killed(struct fixture *f, const char *sql)
{
	pid_t pid = fork();
	sqlite3 *db;

	if (pid == 0) {
		if (sqlite3_open(f->path, &db) == SQLITE_OK)
			sqlite3_exec(db, sql, NULL, NULL, NULL);
		raise(SIGKILL);
	}
	assert_int_equal(waitpid(pid, NULL, 0), pid);
}

static void overwrite(const char *path, off_t offset, const char *bytes)
{
	int fd = open(path, O_WRONLY | O_CREAT, 0600);

	assert_int_equal(pwrite(fd, bytes, strlen(bytes), offset), strlen(bytes));
	close(fd);
}

static int insert_network(struct store *store, const char *description, struct reason *why)
{
	json_t *net = json_pack("{s:s, s:s, s:s}", "uuid", NET, "name-label", "lan",
				"name-description", description);
	int result = store_insert(store, STORE_NETWORK, net, why);

	json_decref(net);
	return result;
}

static void test_modes(void **state)
{
	struct fixture *f = *state;
	struct stat st;

	assert_int_equal(rmdir(f->dir), 0);
	make(f);
	assert_int_equal(stat(f->dir, &st), 0);
	assert_int_equal(st.st_mode & 0777, 0700);
	assert_int_equal(stat(f->path, &st), 0);
	assert_int_equal(st.st_mode & 0777, 0600);
}

static void test_newer(void **state)
{
	struct fixture *f = *state;

	make(f);
	run_sql(f, "PRAGMA user_version = 2; CREATE TABLE later(x)");
	expect_refused(f, -EPROTONOSUPPORT, "schema 2");
}

/* Its writer was killed: what says that it is newer is in the log, and the log stays. */
static void test_newer_in_log(void **state)
{
	struct fixture *f = *state;
	char log[96], memory[96];

	make(f);
	run_sql_killed(f, "PRAGMA user_version = 3");
	snprintf(log, sizeof(log), "%s-wal", f->path);
	assert_int_equal(access(log, F_OK), 0);
	expect_refused(f, -EPROTONOSUPPORT, "schema 3");
	/* After a power loss there may be no -shm file. */
	snprintf(memory, sizeof(memory), "%s-shm", f->path);
	assert_int_equal(unlink(memory), 0);
	expect_refused(f, -EPROTONOSUPPORT, "schema 3");
}

static void test_damaged(void **state)
{
	struct fixture *f = *state;

	make(f);
	overwrite(f->path, 4096, "this page was a table's root");
	expect_refused(f, -EUCLEAN, f->path);
	overwrite(f->path, 0, "SQLite format 4");
	expect_refused(f, -EUCLEAN, "not an inventory");
	assert_int_equal(truncate(f->path, 0), 0);
	expect_refused(f, -EUCLEAN, "not an inventory");
}

static void test_stranger(void **state)
{
	struct fixture *f = *state;

	run_sql(f, "CREATE TABLE mail(x); PRAGMA user_version = 1");
	expect_refused(f, -EUCLEAN, "not an inventory");
	assert_int_equal(unlink(f->path), 0);
	assert_int_equal(mkdir(f->path, 0700), 0);
	expect_refused(f, -EUCLEAN, "not an inventory");
	assert_int_equal(rmdir(f->path), 0);
}

static void test_lacks_table(void **state)
{
	struct fixture *f = *state;

	make(f);
	run_sql(f, "DROP TABLE policy");
	expect_refused(f, -EUCLEAN, "policy");
}

static void test_log_alone(void **state)
{
	struct fixture *f = *state;
	char log[96];

	snprintf(log, sizeof(log), "%s-wal", f->path);
	overwrite(log, 0, "somebody's changes");
	expect_refused(f, -EUCLEAN, "inventory.db-wal");
}

static void test_two(void **state)
{
	struct fixture *f = *state;
	struct store *first, *second;

	assert_int_equal(store_open(&first, f->dir, &f->why), 0);
	assert_int_equal(store_open(&second, f->dir, &f->why), -EBUSY);
	assert_non_null(strstr(f->why.text, "another softiovd"));
	assert_null(second);
	assert_int_equal(insert_network(first, "", &f->why), 0);
	store_close(first);
	make(f);
}

/* Somebody writes with the program sqlite3 and does not end. */
static void test_locked(void **state)
{
	struct fixture *f = *state;
	struct store *store;
	sqlite3 *db;

	assert_int_equal(store_open(&store, f->dir, &f->why), 0);
	assert_int_equal(sqlite3_open(f->path, &db), SQLITE_OK);
	assert_int_equal(sqlite3_exec(db, "BEGIN IMMEDIATE", NULL, NULL, NULL), SQLITE_OK);
	assert_int_equal(insert_network(store, "", &f->why), -EAGAIN);
	assert_non_null(strstr(f->why.text, "another program"));
	sqlite3_close(db);
	assert_int_equal(insert_network(store, "", &f->why), 0);
	store_close(store);
}

/* Names that mean something in a URI. */
static void test_odd_path(void **state)
{
	struct fixture *f = *state;
	struct fixture odd = *f;

	snprintf(odd.dir, sizeof(odd.dir), "%.40s/a?b#%%41", f->dir);
	snprintf(odd.path, sizeof(odd.path), "%s/inventory.db", odd.dir);
	make(&odd);
	make(&odd);
	assert_int_equal(unlink(odd.path), 0);
	assert_int_equal(rmdir(odd.dir), 0);
}

static void test_no_directory(void **state)
{
	struct fixture *f = *state;
	struct store *store;

	assert_int_equal(store_open(&store, "/nonexistent/softiov", &f->why), -ENOENT);
	assert_int_equal(store_open(&store, "/dev/null", &f->why), -ENOTDIR);
}

/* A small tmpfs, in a mount namespace of a child's own. */
static void in_child(struct fixture *f, const char *size, void (*run)(struct fixture *f))
{
	pid_t pid = fork();
	int status;

	if (pid == 0) {
		if (unshare(CLONE_NEWNS) && unshare(CLONE_NEWUSER | CLONE_NEWNS))
			_exit(100);
		if (mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL) ||
		    mount("none", f->dir, "tmpfs", 0, size))
			_exit(101);
		run(f);
		_exit(0);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
}

static void must(bool works, int code)
{
	if (!works)
		_exit(code);
}

static void disk_full(struct fixture *f)
{
	static char text[500000];
	struct store *store;
	json_t *list;

	memset(text, 'x', sizeof(text) - 1);
	must(store_open(&store, f->dir, &f->why) == 0, 1);
	must(insert_network(store, text, &f->why) == -ENOSPC, 2);
	must(strstr(f->why.text, f->path), 3);
	list = store_list(store, STORE_NETWORK, &f->why);
	must(list && json_array_size(list) == 0, 4);
	json_decref(list);
	/* What is small enough still goes in. */
	must(insert_network(store, "small", &f->why) == 0, 5);
	store_close(store);
	must(store_open(&store, f->dir, &f->why) == 0, 6);
	list = store_list(store, STORE_NETWORK, &f->why);
	must(list && json_array_size(list) == 1, 7);
	json_decref(list);
	store_close(store);
}

static void no_space_to_make(struct fixture *f)
{
	struct store *store;

	must(store_open(&store, f->dir, &f->why) == -ENOSPC, 2);
	/* Nothing half-made is left. */
	must(access(f->path, F_OK) != 0, 4);
	strcat(f->path, ".new");
	must(access(f->path, F_OK) != 0, 5);
}

static void read_only(struct fixture *f)
{
	struct store *store;

	must(store_open(&store, f->dir, &f->why) == 0, 1);
	store_close(store);
	must(mount("none", f->dir, NULL, MS_REMOUNT | MS_RDONLY, NULL) == 0, 2);
	must(store_open(&store, f->dir, &f->why) == -EROFS, 3);
	must(strstr(f->why.text, "cannot be written") != NULL, 4);
	must(mount("none", f->dir, NULL, MS_REMOUNT, NULL) == 0, 5);
	must(unlink(f->path) == 0, 6);
	must(mount("none", f->dir, NULL, MS_REMOUNT | MS_RDONLY, NULL) == 0, 7);
	must(store_open(&store, f->dir, &f->why) == -EROFS, 8);
}

static void test_disk_full(void **state)
{
	in_child(*state, "size=400k", disk_full);
}

static void test_no_space_to_make(void **state)
{
	in_child(*state, "size=16k", no_space_to_make);
}

static void test_read_only(void **state)
{
	in_child(*state, "size=400k", read_only);
}

static void test_migrate(void **state)
{
	static const char *const steps[] = { "CREATE TABLE a(x); PRAGMA user_version = 1",
					     "CREATE TABLE b(x); PRAGMA user_version = 2",
					     "CREATE TABLE c(x); CREATE TABLE a(x)" };
	sqlite3_stmt *stmt;
	sqlite3 *db;

	assert_int_equal(sqlite3_open(":memory:", &db), SQLITE_OK);
	assert_int_equal(schema_migrate(db, steps, 0, 1), SQLITE_OK);
	/* The third fails: the second is not done either. */
	assert_int_equal(schema_migrate(db, steps, 1, 3), SQLITE_ERROR);
	assert_int_equal(sqlite3_exec(db, "SELECT * FROM b", NULL, NULL, NULL), SQLITE_ERROR);
	assert_int_equal(schema_migrate(db, steps, 1, 2), SQLITE_OK);
	assert_int_equal(sqlite3_prepare_v2(db, "PRAGMA user_version", -1, &stmt, NULL), SQLITE_OK);
	assert_int_equal(sqlite3_step(stmt), SQLITE_ROW);
	assert_int_equal(sqlite3_column_int(stmt, 0), 2);
	sqlite3_finalize(stmt);
	sqlite3_close(db);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_modes, setup, teardown),
		cmocka_unit_test_setup_teardown(test_newer, setup, teardown),
		cmocka_unit_test_setup_teardown(test_newer_in_log, setup, teardown),
		cmocka_unit_test_setup_teardown(test_damaged, setup, teardown),
		cmocka_unit_test_setup_teardown(test_stranger, setup, teardown),
		cmocka_unit_test_setup_teardown(test_lacks_table, setup, teardown),
		cmocka_unit_test_setup_teardown(test_log_alone, setup, teardown),
		cmocka_unit_test_setup_teardown(test_two, setup, teardown),
		cmocka_unit_test_setup_teardown(test_locked, setup, teardown),
		cmocka_unit_test_setup_teardown(test_odd_path, setup, teardown),
		cmocka_unit_test_setup_teardown(test_no_directory, setup, teardown),
		cmocka_unit_test_setup_teardown(test_disk_full, setup, teardown),
		cmocka_unit_test_setup_teardown(test_no_space_to_make, setup, teardown),
		cmocka_unit_test_setup_teardown(test_read_only, setup, teardown),
		cmocka_unit_test(test_migrate),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
