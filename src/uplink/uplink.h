/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * uplink.h - what a port's wire is tied to. Opened by the management or device thread, used by the port's worker.
 *
 * Kinds now: "none" (no link partner: transmits are counted as uplink_down; link state as configured), "tap" (a TAP
 * interface of the host) and "cable" (two ports of this daemon, of one card or of two).
 */
#ifndef SOFTIOV_UPLINK_UPLINK_H
#define SOFTIOV_UPLINK_UPLINK_H

#include <stdatomic.h>
#include <stdint.h>
#include "frame/frame.h"

struct uplink;

/** struct uplink_stats - one writer: the worker. */
struct uplink_stats {
	uint64_t tx_packets, tx_bytes, tx_full, tx_down, rx_packets, rx_bytes, rx_errors;
};

/** enum uplink_fate - what became of a frame that was to be sent. */
enum uplink_fate { UPLINK_SENT, UPLINK_FULL, UPLINK_DOWN };

/**
 * struct uplink_ops - one kind of uplink.
 * @send: put @n frames on the wire and say of each what became of it. Never blocks; what does not fit is dropped and
 *	counted in its stats (tx_full, or tx_down without a wire).
 * @receive: at most @max frames into @frame (headers, segments as struct frame says; memory owned by the uplink and
 *	valid until the next call). Returns the number.
 * @poll_fd: readable when @receive has work, -1: none.
 * @close: frees all.
 */
struct uplink_ops {
	void (*send)(struct uplink *uplink, struct frame *const frame[], unsigned int n,
		     enum uplink_fate fate[]);
	unsigned int (*receive)(struct uplink *uplink, struct frame *frame, unsigned int max);
	int (*poll_fd)(const struct uplink *uplink);
	void (*close)(struct uplink *uplink);
};

/**
 * struct uplink - one port's wire.
 * @name: "none", "tap:softiov0", "cable:left"
 * @is_cable: an end of a cable: @send only counts. The frames are switched by the port at the other end before their
 *	sender hears of it, so both ports belong to one worker (dataplane/forward.c).
 * @peer: the other end; NULL: it is not there, or this is no cable
 */
struct uplink {
	const struct uplink_ops *ops;
	struct uplink_stats stats;
	char name[32];
	bool is_cable;
	struct uplink *_Atomic peer;
};

/** uplink_link() - does the wire have a partner? Device thread. */
static inline bool uplink_link(const struct uplink *uplink)
{
	return !uplink->is_cable || atomic_load(&uplink->peer);
}

/** uplink_fate_all() - @n frames that share one. */
static inline void uplink_fate_all(enum uplink_fate fate[], unsigned int n, enum uplink_fate all)
{
	for (unsigned int i = 0; i < n; i++)
		fate[i] = all;
}

/** uplink_send_nowhere() - the wire has no partner: all @n frames are lost. Worker. */
static inline void uplink_send_nowhere(struct uplink *uplink, unsigned int n,
				       enum uplink_fate fate[])
{
	uplink_fate_all(fate, n, UPLINK_DOWN);
	uplink->stats.tx_down += n;
}

/** uplink_none() - Return: 0 with *@uplink set, or -ENOMEM. */
int uplink_none(struct uplink **uplink);

/**
 * uplink_tap() - create (or attach to) TAP interface @ifname, bring it up with MTU @mtu.
 * Uses IFF_VNET_HDR so that checksum and TCP segmentation requests cross whole in both directions.
 * Return: 0, or -errno with @why: e.g. no permission (needs CAP_NET_ADMIN), name too long, interface is not a TAP.
 */
int uplink_tap(struct uplink **uplink, const char *ifname, unsigned int mtu, struct reason *why);

#define UPLINK_CABLE_NAME_MAX 15

/**
 * uplink_cable() - an end of cable @name; the two ends of one name find each other, in any order. Device thread.
 * @changed: the other end came or went: uplink_link() tells. Not called for this end's own making and closing.
 * Return: 0, or -errno with @why: -EBUSY: the cable ties two ports already.
 */
int uplink_cable(struct uplink **uplink, const char *name, void (*changed)(void *ctx), void *ctx,
		 struct reason *why);

/*
 * TAP descriptors are also what the PF driver's network interface (svN) is made of.
 */
/** tap_open() - Return: a non-blocking TAP fd (IFF_TAP | IFF_NO_PI | IFF_VNET_HDR), interface set up, or -errno. */
int tap_open(const char *ifname, const uint8_t mac[ETH_ALEN] /* may be NULL */, unsigned int mtu,
	     struct reason *why);

/** tap_read_frame() - one frame from a TAP fd into @buffer (>= 64 KiB + 256) as a struct frame with one segment.
 * Return: 1, 0 (nothing there), or -errno. */
int tap_read_frame(int fd, uint8_t *buffer, size_t size, struct frame_segment *segment,
		   struct frame *frame);

/** tap_write_frame() - one (uncut, unpadded, tag re-inserted) frame to a TAP fd. Return: 0 or -errno (-EAGAIN: full). */
int tap_write_frame(int fd, const struct frame *frame);

#endif
