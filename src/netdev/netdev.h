/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * netdev.h - a VF as a network interface of a container or network namespace: the VF driver (libsoftiov) on one side, a
 * TAP interface with offloads on the other. What "softiov netdev" runs.
 */
#ifndef SOFTIOV_NETDEV_NETDEV_H
#define SOFTIOV_NETDEV_NETDEV_H

#include <stdbool.h>
#include "util/util.h"

#define NETDEV_MTU_MAX 9710u /* of the 82599 and its stock drivers */
#define NETDEV_QUEUES_MAX 2  /* vectors for queues that a VF has */
#define NETDEV_BUDGET_MAX 256
#define NETDEV_BUDGET_DEFAULT 64

/**
 * struct netdev_options
 * @address: of the VF, as softiov_vf_open() takes it; @shown: as the user called it
 * @netns: name of a network namespace, path of its file, or a process in it; NULL: the caller's
 * @name: of the interface
 * @poll: poll all the time instead of sleeping until the VF interrupts
 * @budget: received frames of one poll, 1 ... NETDEV_BUDGET_MAX
 * @queues: queue pairs, 1 ... NETDEV_QUEUES_MAX, if the VF has as many; one thread serves them
 */
struct netdev_options {
	const char *address, *shown, *netns, *name;
	bool poll;
	unsigned int budget, queues;
};

/**
 * netdev_run() - make the interface, print a line when it is there, and carry frames until SIGTERM, SIGINT or SIGHUP
 * comes or the interface goes (removed, or with its namespace). SIGUSR1 prints counters. Blocks these signals in the
 * calling thread, and may leave it in a network namespace of its own.
 * Return: 0 with the VF given back, or -errno with @why: nothing is left behind then, either.
 */
int netdev_run(const struct netdev_options *options, struct reason *why);

#endif
