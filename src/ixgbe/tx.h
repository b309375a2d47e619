/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * tx.h - a transmit burst between its two passes: what tx.c finds in descriptors and tx_finish.c makes
 * frames of. Private to these two; worker only.
 */
#ifndef SOFTIOV_IXGBE_TX_H
#define SOFTIOV_IXGBE_TX_H

#include "frame/train.h"
#include "ixgbe/internal.h"

#define TX_HEADER_COPY TRAIN_COPY_MAX /* of a frame without offloads, or with short headers */

/** enum tx_outcome - of a frame's descriptors. */
enum tx_outcome { FRAME_OK, FRAME_BAD, FRAME_FAULT };

/**
 * struct tx_decoder - one burst.
 * @n: descriptors fetched, @next: the first not yet consumed
 * @bytes: of frames that may be cut, bounded so that one guest's requests do not hold up the others; of all frames
 *	with a rate limit, which bounds them too
 * @plain: bit i: frame i was found by decode_plain(): @len[i] bytes at @host[i]
 * @header_want: per other frame, header bytes to copy in the second pass
 */
struct tx_decoder {
	struct ixgbe_txq *q;
	struct frame_burst *burst;
	struct vport_stats *stats;
	uint16_t flags; /* of every frame */
	unsigned int n, next;
	uint32_t bytes, bytes_max;
	uint64_t plain;
	uint16_t header_want[FRAME_BURST];
	const uint8_t *host[FRAME_BURST];
	uint32_t len[FRAME_BURST];
	struct ixgbe_desc desc[IXGBE_TX_BURST_DESCS];
};

static inline void tx_drop(const struct tx_decoder *d, enum tx_outcome outcome)
{
	enum vport_drop why =
		outcome == FRAME_BAD ? VPORT_DROP_TX_BAD_DESCRIPTOR : VPORT_DROP_TX_DMA_FAULT;

	ixgbe_counter_add(&d->stats->drop[why], 1);
}

/** ixgbe_tx_finish() - the second pass: the good ones of the burst's frames, complete. */
void ixgbe_tx_finish(struct tx_decoder *decoder);

#endif
