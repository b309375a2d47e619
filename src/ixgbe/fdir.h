/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * fdir.h - the flow director's perfect filters: flows that the PF driver sends to a queue of its choice, or nowhere.
 *
 * The device thread adds and removes filters in the state file and publishes a look-up table made of all of them; the
 * worker looks frames up in it, once per frame, while there are filters.
 *
 * Source: 82599 data sheet 7.1.2.7 and 8.2.3.21.
 */
#ifndef SOFTIOV_IXGBE_FDIR_H
#define SOFTIOV_IXGBE_FDIR_H

#include <stdint.h>
#include "frame/frame.h"

struct ixgbe_pf;

#define IXGBE_FDIR_FILTERS 512 /* silicon: 2048 at least; ethtool numbers them below that */
#define IXGBE_FDIR_QUEUE_MASK 0x7fu

/** struct ixgbe_fdir_key - what a filter compares; of a frame what the masks leave. */
struct ixgbe_fdir_key {
	uint32_t source, destination; /* IPv4, the first byte lowest */
	uint32_t ports;		      /* FDIRPORT: destination 31:16, source 15:0 */
	uint32_t vlan_flex;	      /* FDIRVLAN: flexible bytes 31:16, tag 15:0 */
	uint32_t flow_pool;	      /* L4 type (FDIRCMD 6:5) 9:8, pool 7:0 */
};

/**
 * struct ixgbe_fdir_filter - a filter in the state file.
 * @name: FDIRHASH: bucket and software index, by which it is found again; @valid: in use
 * @queue: absolute receive queue; @drop: frames go nowhere
 */
struct ixgbe_fdir_filter {
	struct ixgbe_fdir_key key;
	uint32_t name;
	uint8_t queue, drop, valid, reserved;
};

/** struct ixgbe_fdir - the published look-up table. Immutable. */
struct ixgbe_fdir;

/* ixgbe_fdir_find() returns a queue (0 ... 127), or */
#define IXGBE_FDIR_NONE -1 /* no filter matches */
#define IXGBE_FDIR_DROP -2

/** ixgbe_fdir_find() - what becomes of @frame, which came to @pool. Worker. */
int ixgbe_fdir_find(const struct ixgbe_fdir *fdir, const struct frame *frame, unsigned int pool);

/** ixgbe_fdir_clear() - reset, or FDIRCTRL was written: no filters. Device thread. */
void ixgbe_fdir_clear(struct ixgbe_pf *pf);
/** ixgbe_fdir_publish() - make the table anew from the state file. -ENOSPC: it stays as it was. Device thread. */
int ixgbe_fdir_publish(struct ixgbe_pf *pf);
/** ixgbe_fdir_destroy() - no worker looks any more. */
void ixgbe_fdir_destroy(struct ixgbe_pf *pf);

#endif
