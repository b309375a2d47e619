/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * rx.h - a pool and its rings during one burst: what rx.c prepares and rx_frame.c fills. Private to
 * these two; worker only.
 */
#ifndef SOFTIOV_IXGBE_RX_H
#define SOFTIOV_IXGBE_RX_H

#include "ixgbe/internal.h"

#define RX_WINDOW 64u

/** struct rx_totals - counted over a burst, added up once. */
struct rx_totals {
	uint64_t packets, bytes, multicast, broadcast, csum_bad;
	uint64_t drop[VPORT_DROPS];
};

/**
 * struct rx_pool - a pool during one burst.
 * @max_len: without FCS and VLAN tag
 * @hash_wanted: RXCSUM.PCSD: the hash goes where IP ID and fragment checksum would
 * @same_kind: as in struct frame_burst
 * @same_flow: likewise, of the frames that the pool gets
 */
struct rx_pool {
	struct ixgbe_pool *pool;
	struct ixgbe_pf *pf;
	uint64_t now;
	uint32_t max_len;
	bool hash_wanted;
	uint64_t same_kind, same_flow;
	struct rx_totals totals;
	struct ixgbe_rss_burst rss;
};

/**
 * struct rx_window - the part of a ring that is being filled.
 * @free: descriptors the driver has given and that are not used yet
 * @offset: of desc[0], behind the head
 * @have: descriptors here, @next: the first unused; those before it are write-backs
 * @buffer: host memory of each descriptor's buffer, NULL: not found yet; good if @mapped is @have
 * @packets, @bytes, @no_descriptor: of this queue
 * @drop_en: the driver asked for frames without a descriptor to be dropped (SRRCTL, QDE)
 * @bad: the next buffer cannot be written
 * @refused: by the IOMMU: descriptors beyond those here
 * @closed: why the queue does not receive, if it does not
 */
struct rx_window {
	struct ixgbe_rxq *q;
	ixgbe_reg *block;
	uint32_t free, offset, have, next, mapped;
	uint32_t buffer_len;
	bool legacy, strip_vlan, drop_en, bad, refused;
	enum vport_drop closed;
	uint32_t packets, no_descriptor;
	uint64_t bytes;
	struct ixgbe_desc desc[RX_WINDOW];
	uint8_t *slot[RX_WINDOW];
	uint8_t *buffer[RX_WINDOW];
};

/**
 * rx_window_load() - have @n unused descriptors in the window, of which it has fewer; writes back
 * what is used up. @want: as many as may be useful soon. Return: false: the IOMMU refuses the ring.
 */
bool rx_window_load(struct rx_window *w, uint32_t n, uint32_t want);

/** rx_deliver() - the frames in the bitmap @wanted, in order, to an open window. */
void rx_deliver(struct rx_pool *pool, struct rx_window *w, const struct frame *frame,
		uint64_t wanted);

static inline void rx_drop(struct rx_pool *pool, enum vport_drop why, uint64_t packets)
{
	pool->totals.drop[why] += packets;
}

#endif
