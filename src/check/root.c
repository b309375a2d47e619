/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * root.c - reading the machine, or a captured root in its place. Links of a captured root lead nowhere out of it
 * (openat2(2), RESOLVE_IN_ROOT), and only regular files are read. What is read can be recorded, so that a capture holds what
 * the check needs and nothing else.
 */
#include "check/root.h"

#include <dirent.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/openat2.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "check/record.h"

#define FACTS_PATH "/softiov-check/facts"
#define CPUID_PATH "/softiov-check/cpuid"
#define FACTS_BYTES 65536u
#define NAMES_MAX 65536u

struct check_root {
	int dir;
	bool live;
	struct recorder *recorder; /* NULL: nothing is recorded */
	struct check_facts facts;
};

static int root_openat(const struct check_root *root, const char *path, int flags)
{
	struct open_how how = { .flags = (uint64_t)(flags | O_CLOEXEC | O_NONBLOCK | O_NOCTTY),
				.resolve = RESOLVE_IN_ROOT };
	int fd;

	if (flags & O_PATH)
		how.flags = (uint64_t)(flags | O_CLOEXEC);
	if (root->live)
		fd = open(path, (int)how.flags);
	else
		fd = (int)syscall(SYS_openat2, root->dir, path, &how, sizeof(how));
	return fd < 0 ? -errno : fd;
}

static int read_captured(struct check_root *root, const char *path,
			 void (*parse)(struct check_facts *facts, const char *text))
{
	char *text = calloc(1, FACTS_BYTES + 1);
	ssize_t length = text ? root_read(root, path, text, FACTS_BYTES) : -ENOMEM;

	if (length > 0)
		parse(&root->facts, text);
	free(text);
	return length < 0 && length != -ENOENT ? (int)length : 0;
}

struct check_root *root_open(const char *dir, struct reason *why)
{
	struct check_root *root = calloc(1, sizeof(*root));
	int error = 0;

	if (!root) {
		refuse(why, -ENOMEM, "out of memory");
		return NULL;
	}
	root->live = !dir;
	root->dir = open(dir ? dir : "/", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (root->dir < 0)
		error = -errno;
	if (!error && dir)
		error = read_captured(root, FACTS_PATH, facts_parse);
	if (!error && dir)
		error = read_captured(root, CPUID_PATH, cpuid_parse);
	if (!error)
		return root;
	refuse(why, error, "cannot read %s: %s", dir ? dir : "/", strerror(-error));
	root_close(root);
	return NULL;
}

void root_close(struct check_root *root)
{
	if (!root)
		return;
	recorder_close(root->recorder);
	if (root->dir >= 0)
		close(root->dir);
	free(root);
}

int root_record(struct check_root *root, const char *dir, struct reason *why)
{
	root->recorder = recorder_open(dir, why);
	return root->recorder ? 0 : -EINVAL;
}

int root_record_end(struct check_root *root, struct reason *why)
{
	return root->recorder ? recorder_end(root->recorder, why) : 0;
}

const struct check_facts *root_facts(const struct check_root *root)
{
	return &root->facts;
}

bool root_is_live(const struct check_root *root)
{
	return root->live;
}

void root_set_facts(struct check_root *root, const struct check_facts *facts)
{
	root->facts = *facts;
	if (root->recorder)
		recorder_facts(root->recorder, facts);
}

static ssize_t read_all(int fd, void *data, size_t size)
{
	struct stat status;
	size_t length = 0;
	ssize_t n = 1;

	if (fstat(fd, &status))
		return -errno;
	if (!S_ISREG(status.st_mode))
		return -EINVAL;
	while (length < size && n > 0) {
		n = read(fd, (char *)data + length, size - length);
		if (n < 0 && errno == EINTR)
			n = 1;
		else if (n > 0)
			length += (size_t)n;
		else if (n < 0 && !length)
			return -errno;
	}
	return (ssize_t)length;
}

ssize_t root_read(struct check_root *root, const char *path, void *data, size_t size)
{
	ssize_t length;
	int fd;

	fd = fact_is(&root->facts, "unreadable", path) ? -EACCES
						       : root_openat(root, path, O_RDONLY);
	length = fd < 0 ? fd : read_all(fd, data, size);
	if (fd >= 0)
		close(fd);
	if (root->recorder && length >= 0)
		recorder_file(root->recorder, path, data, (size_t)length);
	else if (root->recorder && (length == -EACCES || length == -EPERM))
		recorder_unreadable(root->recorder, path);
	return length;
}

int root_text(struct check_root *root, const char *path, char *text, size_t size)
{
	ssize_t length = root_read(root, path, text, size - 1);

	text[MAX(length, (ssize_t)0)] = '\0';
	if (length < 0)
		return (int)length;
	length = (ssize_t)strlen(text);
	while (length && strchr(" \t\n", text[length - 1]))
		text[--length] = '\0';
	text_clean(text);
	return 0;
}

int root_number(struct check_root *root, const char *path, uint64_t *number)
{
	char text[32], *end;
	int error = root_text(root, path, text, sizeof(text));

	if (error)
		return error;
	*number = strtoull(text, &end, 0);
	return end == text || *end ? -EINVAL : 0;
}

static int by_name(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

static int add_name(struct root_names *names, const char *name)
{
	char **more;

	if (!(names->n & (names->n - 1))) {
		more = realloc(names->name, MAX(2 * names->n, (size_t)1) * sizeof(*more));
		if (!more)
			return -ENOMEM;
		names->name = more;
	}
	names->name[names->n] = strdup(name);
	return names->name[names->n] ? (names->n++, 0) : -ENOMEM;
}

int root_list(struct check_root *root, const char *path, struct root_names *names)
{
	int fd = root_openat(root, path, O_RDONLY | O_DIRECTORY), error = 0;
	struct dirent *entry;
	DIR *dir;

	*names = (struct root_names){ 0 };
	if (fd < 0)
		return fd;
	dir = fdopendir(fd);
	if (!dir) {
		close(fd);
		return -ENOMEM;
	}
	while (!error && names->n < NAMES_MAX && (entry = readdir(dir)))
		if (strcmp(entry->d_name, ".") && strcmp(entry->d_name, ".."))
			error = add_name(names, entry->d_name);
	closedir(dir);
	if (error)
		root_names_free(names);
	else if (names->n)
		qsort(names->name, names->n, sizeof(*names->name), by_name);
	if (!error && root->recorder)
		recorder_folder(root->recorder, path, names);
	return error;
}

void root_names_free(struct root_names *names)
{
	for (size_t i = 0; i < names->n; i++)
		free(names->name[i]);
	free(names->name);
	*names = (struct root_names){ 0 };
}

int root_link(struct check_root *root, const char *path, char *text, size_t size)
{
	int fd = root_openat(root, path, O_PATH | O_NOFOLLOW);
	char target[PATH_MAX], *slash;
	ssize_t length;

	if (fd < 0)
		return fd;
	length = readlinkat(fd, "", target, sizeof(target) - 1);
	close(fd);
	if (length < 0)
		return -EINVAL;
	target[length] = '\0';
	slash = strrchr(target, '/');
	snprintf(text, size, "%s", slash ? slash + 1 : target);
	if (root->recorder)
		recorder_link(root->recorder, path, text);
	text_clean(text);
	return 0;
}

bool root_has(struct check_root *root, const char *path)
{
	int fd = root_openat(root, path, O_PATH | O_NOFOLLOW);
	struct stat status = { 0 };
	struct root_names none = { 0 };

	if (fd < 0)
		return false;
	if (fstat(fd, &status))
		status.st_mode = 0;
	close(fd);
	if (root->recorder && S_ISDIR(status.st_mode))
		recorder_folder(root->recorder, path, &none);
	else if (root->recorder)
		recorder_touch(root->recorder, path);
	return true;
}
