/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * netdev.h - the PF's own network interface on the host: a TAP, a queue pair of the PF's pool and a thread
 * that pumps between them. Device thread, except netdev_interrupt().
 */
#ifndef SOFTIOV_PF_NETDEV_H
#define SOFTIOV_PF_NETDEV_H

#include "pf/pf.h"

struct netdev;

/**
 * netdev_create() - open the TAP @name with address @mac, make the rings and map them for the PF.
 * @access must outlive it. Return: 0, or -errno with @why.
 */
int netdev_create(struct netdev **netdev, const struct pf_access *access, const char *name,
		  const uint8_t mac[ETH_ALEN], unsigned int mtu, struct reason *why);

/** netdev_start() - program absolute queue @queue of a card that was reset, and start pumping. */
void netdev_start(struct netdev *netdev, unsigned int queue);

/** netdev_stop() - stop pumping and both queues; DMA ends once the card has settled. */
void netdev_stop(struct netdev *netdev);

/** netdev_destroy() - of a stopped one: unmap and free, then @done. NULL is fine. */
void netdev_destroy(struct netdev *netdev, void (*done)(void *ctx), void *ctx);

/** netdev_interrupt() - the queue's vector fired. Any thread. */
void netdev_interrupt(struct netdev *netdev);

void netdev_stats(const struct netdev *netdev, struct pf_netdev_stats *stats);

#endif
