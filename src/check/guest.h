/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * guest.h - which VF drivers a guest has, by a file of it: a module tree or a root file system in a folder, an initramfs, a
 * kernel configuration, a disk image. The files may come from anybody.
 */
#ifndef SOFTIOV_CHECK_GUEST_H
#define SOFTIOV_CHECK_GUEST_H

#include "check/drivers.h"
#include "util/util.h"

#define GUEST_LIST_BYTES (8u << 20) /* of modules.dep and the like that are read */

/** struct guest_found - what was seen. @kind: "initramfs" … @modules: how many modules of any kind. */
struct guest_found {
	char kind[64];
	unsigned int modules;
	bool module[VF_DRIVERS], built_in[VF_DRIVERS];
};

/**
 * guest_inspect() - look into @path, in a process of its own with bounded memory and time.
 * Return: 0 with @found; -ENOENT and the like; -EBADMSG: damaged; -EOPNOTSUPP: nothing in it can be told; with @why.
 */
int guest_inspect(const char *path, struct guest_found *found, struct reason *why);

/** The kinds; for guest.c. Each as guest_inspect(), with -EOPNOTSUPP: not of this kind. @fd: at its start. */
int guest_tree(const char *path, struct guest_found *found, struct reason *why);
int guest_initramfs(int fd, struct guest_found *found, struct reason *why);
int guest_config(int fd, struct guest_found *found, struct reason *why);
int guest_disk(int fd, const char *path, struct guest_found *found, struct reason *why);

/** guest_file_name() - a file of that name is in it. */
void guest_file_name(struct guest_found *found, const char *path, size_t length);
/** guest_list() - the text of a modules.dep or (@built_in) modules.builtin. */
void guest_list(struct guest_found *found, const char *text, bool built_in);

#endif
