/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * tap.h - the TAP interface of a netdev. Its descriptors reach the interface wherever it is, also after it moved to
 * another network namespace or got another name. They keep alive the namespace it was made in, not the one it is in.
 */
#ifndef SOFTIOV_NETDEV_TAP_H
#define SOFTIOV_NETDEV_TAP_H

#include <net/if.h>
#include <stdbool.h>
#include "util/util.h"

/**
 * tap_create() - an interface @name in the thread's network namespace that is there as long as its descriptors are
 * open: one for each of @queues, non-blocking, each frame behind a struct virtio_net_hdr. It is down.
 * Return: 0, or -errno with @why.
 */
int tap_create(int fd[], unsigned int queues, const char *name, struct reason *why);

/** tap_name() - what it is called now. Return: false: it is gone. */
bool tap_name(int fd, char name[IFNAMSIZ]);
int tap_set_mac(int fd, const uint8_t mac[ETH_ALEN]);
int tap_set_carrier(int fd, bool up);

/** tap_set_speed() - what ethtool shows; of interface @name in the thread's network namespace. */
int tap_set_speed(const char *name, uint32_t mbps);
int tap_set_mtu(const char *name, unsigned int mtu);

#endif
