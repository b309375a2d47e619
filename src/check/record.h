/* SPDX-License-Identifier: BSD-3-Clause */
/* record.h - writes a captured root: what the check read, without what is nobody else's business. For root.c only. */
#ifndef SOFTIOV_CHECK_RECORD_H
#define SOFTIOV_CHECK_RECORD_H

#include "check/root.h"

struct recorder;

/** recorder_open() - @dir is made, or is an empty folder. Return: the recorder, or NULL with @why. */
struct recorder *recorder_open(const char *dir, struct reason *why);
/** recorder_end() - write the facts. Return: 0, or the first error of all, with @why. */
int recorder_end(struct recorder *recorder, struct reason *why);
/** recorder_close() - NULL does nothing. */
void recorder_close(struct recorder *recorder);

/** Copies of what was read. The first failure is kept for recorder_end(). */
void recorder_file(struct recorder *recorder, const char *path, const void *data, size_t size);
void recorder_folder(struct recorder *recorder, const char *path, const struct root_names *names);
void recorder_link(struct recorder *recorder, const char *path, const char *target);
void recorder_touch(struct recorder *recorder, const char *path);
void recorder_unreadable(struct recorder *recorder, const char *path);
void recorder_facts(struct recorder *recorder, const struct check_facts *facts);

#endif
