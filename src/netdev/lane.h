/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * lane.h - a queue pair of the VF and a queue of the TAP, and the frames between them. One thread.
 */
#ifndef SOFTIOV_NETDEV_LANE_H
#define SOFTIOV_NETDEV_LANE_H

#include <softiov/napi.h>
#include "netdev/gro.h"
#include "netdev/netdev.h"

#define LANE_BUFFER_SIZE \
	16384 /* every frame fits in one; a segmentation request of 64 KiB and its headers in five */
#define LANE_REQUEST_PIECES 5
#define LANE_RX_RING 2048 /* a burst of segmentation requests is thousands of frames */
#define LANE_TX_RING 256
#define LANE_BURST 32 /* frames from the TAP at a time */
#define LANE_PACKETS (LANE_BURST + LANE_REQUEST_PIECES)
/* Buffers of a pool, for each lane: both rings, those under way, those for the next read. */
#define LANE_BUFFERS \
	(LANE_RX_RING + LANE_TX_RING + NETDEV_BUDGET_MAX + LANE_PACKETS + LANE_REQUEST_PIECES)

/**
 * struct lane_stats - frames; a segmentation request is one.
 * @sent, @received: carried; @sent_dropped: the card has no words for it, or no buffer was free; @received_dropped: the
 *	kernel did not take it; the interface may be down
 * @joined: received segments that went on inside another one's frame
 */
struct lane_stats {
	uint64_t sent, sent_dropped, received, received_dropped, joined;
};

/**
 * struct lane
 * @napi: NULL: polled
 * @interrupted: the NAPI context wants to run; @polling: it wants to run again
 * @tap_ready: there may be frames to read; @tap_gone: the interface is no more
 * @waiting: packets that the transmit ring had no room for
 * @next: buffers for the next read
 */
struct lane {
	struct softiov_queue *queue;
	struct softiov_napi *napi;
	struct softiov_pool *pool;
	int tap;
	bool interrupted, polling, tap_ready, tap_gone;
	unsigned int waiting;
	struct softiov_packet packet[LANE_PACKETS];
	void *next[LANE_REQUEST_PIECES];
	struct lane_stats stats;
	struct gro gro;
};

/**
 * lane_start() - run queue pair @index of @vf for TAP queue @tap, with NAPI or, @poll, without. Everything else in
 * @lane is 0. Return: 0 or -errno with @why; lane_stop() in any case.
 */
int lane_start(struct lane *lane, struct softiov_vf *vf, unsigned int index,
	       struct softiov_pool *pool, int tap, const struct netdev_options *options,
	       struct reason *why);
void lane_stop(struct lane *lane);

/** lane_receive() - from the card to the TAP, at most @budget frames. Return: how many; fewer: there are no more. */
unsigned int lane_receive(struct lane *lane, unsigned int budget);

/** lane_send() - a burst from the TAP to the card, while @tap_ready. */
void lane_send(struct lane *lane);

#endif
