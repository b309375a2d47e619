/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * sysfs_bridge.h - the cards as the sysfs tree sees them: RUN_DIR/sys. Device thread.
 */
#ifndef SOFTIOV_DAEMON_SYSFS_BRIDGE_H
#define SOFTIOV_DAEMON_SYSFS_BRIDGE_H

#include "daemon/card.h"

struct sysfs_bridge;

/**
 * sysfs_bridge_start() - mount the tree and serve it; requests are answered as soon as the event loop runs. Where that
 * cannot be, a warning tells why.
 * Return: the bridge, or NULL: there is no tree.
 */
struct sysfs_bridge *sysfs_bridge_start(struct event_base *base, struct card *const *cards,
					const unsigned int *n, const char *run_dir);

/** sysfs_bridge_close() - the daemon stops: unmount. Who waits for an answer gets an error. */
void sysfs_bridge_close(struct sysfs_bridge *bridge);

/** sysfs_bridge_destroy() - after card_destroy(): nothing is under way any more. NULL is allowed, as for close. */
void sysfs_bridge_destroy(struct sysfs_bridge *bridge);

#endif
