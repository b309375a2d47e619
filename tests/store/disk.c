/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * disk.c - see disk.h. A system call that would change a file in a way this does not model ends the test. The -shm file is
 * left out: it is never synced, and after a power loss anything may be in it.
 */
#include "disk.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "workload.h"

#define FILES_MAX 4096
#define NAMES_MAX 8
#define FDS_MAX 64
#define SECTOR 512
#define SHM_SIZE 32768
#define NAME_LEN 32

enum { FD_NONE = -1, FD_DIRECTORY = -2 }; /* otherwise a file's number */

struct image {
	uint8_t *bytes;
	size_t size;
};

/* One write or, without bytes, truncation to @offset. */
struct change {
	size_t offset, length;
	uint8_t *bytes;
};

struct file {
	struct image synced;
	struct change *pending;
	unsigned int count;
};

/* @name is file @file from now on (FD_NONE: is gone), and @old, if any, is gone. */
struct name_change {
	char name[NAME_LEN], old[NAME_LEN];
	int file;
};

struct names {
	struct {
		char name[NAME_LEN];
		int file;
	} entry[NAMES_MAX];
};

struct disk {
	const char *dir;
	struct file files[FILES_MAX];
	int file_count;
	struct names synced, now;
	struct name_change *pending;
	unsigned int count;
	int fds[FDS_MAX];
};

static void give_up(const char *what, uint64_t number)
{
	fprintf(stderr, "disk: %s (%lu)\n", what, (unsigned long)number);
	exit(1);
}

static int *find(struct names *names, const char *name, bool make)
{
	for (int i = 0; i < NAMES_MAX; i++) {
		if (!strcmp(names->entry[i].name, name))
			return &names->entry[i].file;
	}
	for (int i = 0; i < NAMES_MAX && make; i++) {
		if (names->entry[i].file != FD_NONE)
			continue;
		snprintf(names->entry[i].name, NAME_LEN, "%s", name);
		return &names->entry[i].file;
	}
	if (make)
		give_up("too many names", NAMES_MAX);
	return NULL;
}

static void apply_name(struct names *names, const struct name_change *change)
{
	int *old = *change->old ? find(names, change->old, false) : NULL;

	if (old)
		*old = FD_NONE;
	*find(names, change->name, true) = change->file;
}

static void change_name(struct disk *disk, const char *name, const char *old, int file)
{
	struct name_change change = { .file = file };

	snprintf(change.name, NAME_LEN, "%s", name);
	snprintf(change.old, NAME_LEN, "%s", old);
	apply_name(&disk->now, &change);
	disk->pending = realloc(disk->pending, (disk->count + 1) * sizeof(change));
	disk->pending[disk->count++] = change;
}

static void image_resize(struct image *image, size_t size)
{
	if (size > image->size) {
		image->bytes = realloc(image->bytes, size);
		memset(image->bytes + image->size, 0, size - image->size);
	}
	image->size = size;
}

static void image_write(struct image *image, const struct change *change, size_t from, size_t to)
{
	if (change->offset + to > image->size)
		image_resize(image, change->offset + to);
	memcpy(image->bytes + change->offset + from, change->bytes + from, to - from);
}

static void image_apply(struct image *image, const struct change *change)
{
	if (change->bytes)
		image_write(image, change, 0, change->length);
	else
		image_resize(image, change->offset);
}

/* Of the sectors of a write each is there or not. */
static void image_tear(struct image *image, const struct change *change, uint64_t *random)
{
	size_t from, to;

	for (from = 0; from < change->length; from = to) {
		to = MIN(from + SECTOR - (change->offset + from) % SECTOR, change->length);
		if (random_next(random, 2))
			image_write(image, change, from, to);
	}
}

static void file_change(struct file *file, size_t offset, uint8_t *bytes, size_t length)
{
	file->pending = realloc(file->pending, (file->count + 1) * sizeof(file->pending[0]));
	file->pending[file->count++] = (struct change){ offset, length, bytes };
}

static void file_sync(struct file *file)
{
	for (unsigned int i = 0; i < file->count; i++) {
		image_apply(&file->synced, &file->pending[i]);
		free(file->pending[i].bytes);
	}
	file->count = 0;
}

/* The name within the directory of a path given to a call; NULL: elsewhere, or -shm. @path is filled. */
static const char *name_of(const struct disk *disk, const struct tracer *tracer, int dir_fd,
			   uint64_t address, char path[256])
{
	size_t length = strlen(disk->dir);
	const char *name = path;

	memset(path, 0, 256);
	if (!tracer_read(tracer, path, address, 255)) /* up to the end of the page */
		tracer_read(tracer, path, address,
			    4096 - address % 4096 < 255 ? 4096 - address % 4096 : 255);
	if (!strncmp(path, disk->dir, length) && path[length] == '/')
		name = path + length + 1;
	else if (dir_fd < 0 || dir_fd >= FDS_MAX || disk->fds[dir_fd] != FD_DIRECTORY)
		return NULL;
	length = strlen(name);
	if (length >= NAME_LEN)
		give_up("a long name", length);
	if (!strcmp(name, ".") || !strcmp(name, "..") || strchr(name, '/') ||
	    (length > 4 && !strcmp(name + length - 4, "-shm")))
		return NULL;
	return name;
}

static bool opened(struct disk *disk, const struct tracer *tracer)
{
	char path[256];
	int dir_fd = (int)tracer->args[0];
	const char *name = name_of(disk, tracer, dir_fd, tracer->args[1], path);
	int fd = (int)tracer->result;
	int *file;

	if (fd >= FDS_MAX)
		give_up("too many descriptors", (uint64_t)fd);
	disk->fds[fd] = FD_NONE;
	if (!strcmp(path, disk->dir) ||
	    (!strcmp(path, ".") && dir_fd >= 0 && disk->fds[dir_fd] == FD_DIRECTORY))
		disk->fds[fd] = FD_DIRECTORY;
	if (!name)
		return false;
	if (tracer->args[2] & O_TRUNC)
		give_up("O_TRUNC is not modelled", tracer->args[2]);
	file = find(&disk->now, name, false);
	if (file && *file != FD_NONE) {
		disk->fds[fd] = *file;
		return false;
	}
	if (disk->file_count == FILES_MAX)
		give_up("too many files", FILES_MAX);
	disk->fds[fd] = disk->file_count++;
	change_name(disk, name, "", disk->fds[fd]);
	return true;
}

static bool removed(struct disk *disk, const struct tracer *tracer, int dir_fd, uint64_t address)
{
	char path[256];
	const char *name = name_of(disk, tracer, dir_fd, address, path);

	if (name)
		change_name(disk, name, "", FD_NONE);
	return name;
}

static bool renamed(struct disk *disk, const struct tracer *tracer)
{
	char from_path[256], to_path[256];
	const char *from = name_of(disk, tracer, (int)tracer->args[0], tracer->args[1], from_path);
	const char *to = name_of(disk, tracer, (int)tracer->args[2], tracer->args[3], to_path);

	if (!from || !to)
		give_up("a rename out of the directory", tracer->number);
	change_name(disk, to, from, *find(&disk->now, from, false));
	return true;
}

static void sync_names(struct disk *disk)
{
	disk->synced = disk->now;
	disk->count = 0;
}

static bool changed(struct disk *disk, const struct tracer *tracer, int on)
{
	struct file *file = on >= 0 ? &disk->files[on] : NULL;
	size_t length = (size_t)tracer->result;
	uint8_t *bytes;

	switch (tracer->number) {
	case SYS_fsync:
	case SYS_fdatasync:
		if (file)
			file_sync(file);
		else
			sync_names(disk);
		return true;
	case SYS_pwrite64:
		bytes = malloc(length);
		if (tracer_read(tracer, bytes, tracer->args[1], length) != length)
			give_up("the written bytes cannot be read", length);
		file_change(file, tracer->args[3], bytes, length);
		return true;
	case SYS_ftruncate:
		file_change(file, tracer->args[1], NULL, 0);
		return true;
	case SYS_write:
	case SYS_writev:
	case SYS_pwritev:
	case SYS_fallocate:
		give_up("a call that is not modelled", tracer->number);
		return false;
	case SYS_close:
		disk->fds[tracer->args[0]] = FD_NONE;
		return false;
	default:
		return false;
	}
}

bool disk_call(struct disk *disk, const struct tracer *tracer)
{
	if (tracer->result < 0)
		return false;
	switch (tracer->number) {
	case SYS_openat:
		return opened(disk, tracer);
	case SYS_open:
	case SYS_creat:
	case SYS_rename:
	case SYS_renameat2:
		give_up("a call that is not modelled", tracer->number);
		return false;
	case SYS_unlink:
		return removed(disk, tracer, FD_NONE, tracer->args[0]);
	case SYS_unlinkat:
		return removed(disk, tracer, (int)tracer->args[0], tracer->args[1]);
	case SYS_renameat:
		return renamed(disk, tracer);
	default:
		if (tracer->args[0] >= FDS_MAX || disk->fds[tracer->args[0]] == FD_NONE)
			return false;
		return changed(disk, tracer, disk->fds[tracer->args[0]]);
	}
}

static void write_file(const char *dir, const char *name, const uint8_t *bytes, size_t size)
{
	char path[128];
	FILE *out;

	snprintf(path, sizeof(path), "%s/%s", dir, name);
	out = fopen(path, "w");
	if (!out || (size && fwrite(bytes, size, 1, out) != 1) || fclose(out))
		give_up("cannot write a file", size);
}

/* What was synced, and of what was not: nothing, the first writes, or some sectors of each. */
static void fail_file(const struct file *file, const char *to, const char *name, uint64_t *random)
{
	struct image image = { NULL, 0 };
	unsigned int whole = random_next(random, file->count + 1);
	bool tear = random_next(random, 2);

	image_resize(&image, file->synced.size);
	if (image.size)
		memcpy(image.bytes, file->synced.bytes, image.size);
	for (unsigned int i = 0; i < file->count; i++) {
		if (i < whole && (!tear || random_next(random, 2)))
			image_apply(&image, &file->pending[i]);
		else if (tear && file->pending[i].bytes)
			image_tear(&image, &file->pending[i], random);
	}
	write_file(to, name, image.bytes, image.size);
	free(image.bytes);
}

void disk_fail(const struct disk *disk, const char *to, uint64_t *random)
{
	struct names names = disk->synced;
	unsigned int count = random_next(random, disk->count + 1);
	uint8_t junk[SHM_SIZE];

	for (unsigned int i = 0; i < count; i++)
		apply_name(&names, &disk->pending[i]);
	for (unsigned int i = 0; i < NAMES_MAX; i++) {
		if (names.entry[i].file != FD_NONE)
			fail_file(&disk->files[names.entry[i].file], to, names.entry[i].name,
				  random);
	}
	for (unsigned int i = 0; i < sizeof(junk); i++)
		junk[i] = (uint8_t)random_next(random, 256);
	if (random_next(random, 2))
		write_file(to, "inventory.db-shm", junk, sizeof(junk));
}

struct disk *disk_make(const char *dir)
{
	struct disk *disk = calloc(1, sizeof(*disk));

	disk->dir = dir;
	for (int i = 0; i < FDS_MAX; i++)
		disk->fds[i] = FD_NONE;
	for (int i = 0; i < NAMES_MAX; i++)
		disk->synced.entry[i].file = disk->now.entry[i].file = FD_NONE;
	return disk;
}

void disk_free(struct disk *disk)
{
	for (int i = 0; i < disk->file_count; i++) {
		file_sync(&disk->files[i]);
		free(disk->files[i].synced.bytes);
		free(disk->files[i].pending);
	}
	free(disk->pending);
	free(disk);
}
