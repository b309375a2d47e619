/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * queue.h - a queue pair: a receive and a transmit ring in the library's memory. queue.c sets it up, rx.c and tx.c are
 * the bursts.
 */
#ifndef SOFTIOV_VF_QUEUE_H
#define SOFTIOV_VF_QUEUE_H

#include <softiov/softiov.h>
#include "vf/memory.h"
#include "vf/vf.h"

struct softiov_napi;

/** struct vf_desc - a descriptor as two little-endian quadwords (data sheet 7.1.6, 7.2.3). */
struct vf_desc {
	_Alignas(16) uint64_t qword[2];
};

/**
 * struct vf_rx_ring - @next: the first the card may have filled; @filled: one behind the last given to the card; all
 * modulo @mask + 1... @tail: register, NULL: by message. @buffer: the buffer in each descriptor.
 */
struct vf_rx_ring {
	struct vf_desc *desc;
	void **buffer;
	_Atomic uint32_t *tail;
	uint32_t mask, next, filled;
};

/** struct vf_tx_ring - @next: the next to post, @clean: the first not known to be sent. */
struct vf_tx_ring {
	struct vf_desc *desc;
	void **buffer;
	_Atomic uint32_t *tail;
	uint32_t mask, next, clean;
};

struct softiov_queue {
	struct softiov_vf *vf;
	struct softiov_pool *pool;
	struct softiov_napi *napi;
	unsigned int index;
	struct vf_memory memory; /* of both rings */
	struct vf_rx_ring rx;
	struct vf_tx_ring tx;
	struct softiov_queue_stats stats;
};

/** vf_rx_pending() - has the card filled the next descriptor? */
bool vf_rx_pending(const struct softiov_queue *queue);

#endif
