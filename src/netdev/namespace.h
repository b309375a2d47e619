/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * namespace.h - network namespaces: network_namespaces(7).
 *
 * A namespace lives as long as a process is in it, a file names it (ip netns), or a descriptor refers to it: a socket or
 * TAP made in it, or one of the namespace itself. We want none of these for longer than a moment, so that the user's
 * namespace ends when the user is done with it.
 */
#ifndef SOFTIOV_NETDEV_NAMESPACE_H
#define SOFTIOV_NETDEV_NAMESPACE_H

#include "util/util.h"

/** namespace_open() - by name (as "ip netns" has it), path or process. Return: descriptor, or -errno with @why. */
int namespace_open(const char *which, struct reason *why);

/** namespace_leave() - put the thread in a new network namespace, which nobody else knows. */
int namespace_leave(struct reason *why);

/** namespace_move() - interface @name of the thread's namespace goes to @namespace, which the messages call @which. */
int namespace_move(const char *name, int namespace, const char *which, struct reason *why);

/**
 * namespace_enter() - be where TAP @tap_fd is, for a moment. @home: for namespace_return().
 * Return: 0 or -errno; -EBADFD: the TAP is gone.
 */
int namespace_enter(int tap_fd, int *home);
void namespace_return(int home);

#endif
