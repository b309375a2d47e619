/* SPDX-License-Identifier: BSD-3-Clause */
/* look.h - what is there, before anything is written; inside this room. */
#ifndef SOFTIOV_STORE_LOOK_H
#define SOFTIOV_STORE_LOOK_H

#include "store/store.h"

#define DB_NAME "inventory.db"

/**
 * look() - read the inventory @path of directory @dir_fd without changing a byte of it or beside it.
 * Return: its schema's version; -EPROTONOSUPPORT: newer than ours; -EUCLEAN: damaged or none; other -errno; @why.
 */
int look(int dir_fd, const char *path, struct reason *why);

/** look_absent() - is there nothing that a new inventory would meet? Return: 0; -EUCLEAN with @why: logs without it. */
int look_absent(int dir_fd, const char *path, struct reason *why);

#endif
