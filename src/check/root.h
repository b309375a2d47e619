/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * root.h - where the readiness check reads: the machine itself, or a captured root (--root), a folder with copies of the
 * files that matter and, for what is no file, softiov-check/facts and softiov-check/cpuid (docs/check.md). One thread.
 */
#ifndef SOFTIOV_CHECK_ROOT_H
#define SOFTIOV_CHECK_ROOT_H

#include <sys/types.h>
#include "check/facts.h"
#include "util/util.h"

/** struct root_names - the sorted entries of a folder, without "." and "..". */
struct root_names {
	char **name;
	size_t n;
};

struct check_root;

/**
 * root_open() - @dir: a captured root, or NULL: this machine.
 * Return: the root (root_close()), or NULL with @why.
 */
struct check_root *root_open(const char *dir, struct reason *why);
void root_close(struct check_root *root);

/**
 * root_record() - from now on copy what is read into the new or empty folder @dir, without what is secret (record.c).
 * Return: 0 or -errno with @why.
 */
int root_record(struct check_root *root, const char *dir, struct reason *why);
/** root_record_end() - what was recorded is complete. Return: 0, or -errno with @why: something could not be written. */
int root_record_end(struct check_root *root, struct reason *why);

/** root_facts() - what is no file: the captured or, after root_live(), this machine's. Valid as long as the root. */
const struct check_facts *root_facts(const struct check_root *root);
/** root_is_live() - is it this machine itself? */
bool root_is_live(const struct check_root *root);
/** root_set_facts() - of a live root: what was found out; recorded too. */
void root_set_facts(struct check_root *root, const struct check_facts *facts);

/**
 * root_read() - up to @size bytes of the regular file @path ("/sys/…").
 * Return: how many, or -errno: -ENOENT, -EACCES (also: was unreadable when captured), -EINVAL not a regular file.
 */
ssize_t root_read(struct check_root *root, const char *path, void *data, size_t size);

/** root_text() - the same as a string, cut at @size, without white space at its end, control characters as '?'. */
int root_text(struct check_root *root, const char *path, char *text, size_t size);

/** root_number() - a file that holds one number, decimal or 0x. Return: 0 or -errno (-EINVAL not a number). */
int root_number(struct check_root *root, const char *path, uint64_t *number);

/** root_list() - Return: 0 with @names (root_names_free()), or -errno. Of very large folders the first 65536. */
int root_list(struct check_root *root, const char *path, struct root_names *names);
void root_names_free(struct root_names *names);

/** root_link() - the last part of what the link @path points to. Return: 0 or -errno. */
int root_link(struct check_root *root, const char *path, char *text, size_t size);

/** root_has() - is there anything at @path? */
bool root_has(struct check_root *root, const char *path);

#endif
