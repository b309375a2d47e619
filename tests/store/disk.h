/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * disk.h - a directory as a disk has it: what was synced is there, what was written since may be, in part or not at all.
 *
 * Fed with the system calls of a traced process. Of names that were made, moved or removed since the directory was last
 * synced the first n are there, as on a file system with a journal of its names.
 */
#ifndef TESTS_STORE_DISK_H
#define TESTS_STORE_DISK_H

#include "tracer.h"

struct disk;

/** disk_make() - of directory @dir, which is empty. */
struct disk *disk_make(const char *dir);
void disk_free(struct disk *disk);

/** disk_call() - the tracer stands at the exit of a call. Return: has it changed what is on the disk or may be? */
bool disk_call(struct disk *disk, const struct tracer *tracer);

/** disk_fail() - power is lost: write to the empty directory @to what may be found then. */
void disk_fail(const struct disk *disk, const char *to, uint64_t *random);

#endif
