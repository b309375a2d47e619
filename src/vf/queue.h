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

#define VF_RX_BUFFER_MAX 16384u /* that the card fills of a buffer: SRRCTL.BSIZEPACKET (8.3.5.6) */
#define VF_CONTEXTS 2		/* that the card remembers for a transmit queue */

/** struct vf_desc - a descriptor as two little-endian quadwords (data sheet 7.1.6, 7.2.3). */
struct vf_desc {
	_Alignas(16) uint64_t qword[2];
};

/**
 * struct vf_rx_ring - the receive ring.
 * @buffer: of each descriptor; the write-back overwrites the address
 * @tail: register, NULL: by message
 * @size: descriptors
 * @next: the first that the card may have filled
 * @ready: from @next on, have a buffer. The card is told of all of them but the last, for a tail that meets the head
 *	means an empty ring; so @ready is 0 only before the first.
 * @untold: of them, made ready since the tail was last written; @batch: how many are worth writing it
 * @hide_vlan: tags are the PF driver's own
 * @room: bytes that the card may write to a buffer, a power of two
 * @uncommon: bits of a status that the common frame has not: errors, lengths of @room and more
 */
struct vf_rx_ring {
	struct vf_desc *desc;
	void **buffer;
	_Atomic uint32_t *tail;
	uint32_t size, next, ready, untold, batch;
	bool hide_vlan;
	uint32_t room;
	uint64_t uncommon;
};

/**
 * struct vf_tx_block - descriptors of which the last reports that all are sent (RS).
 * @packets: as many as @descs when each descriptor has a buffer
 */
struct vf_tx_block {
	uint16_t descs, packets;
};

/**
 * struct vf_tx_ring - the transmit ring.
 * @buffer: what goes back to the pool when a descriptor is sent, may be NULL
 * @next: the next to post; @clean: the first not known to be sent; @used: from there on, posted; at most @size - 1
 * @block: the blocks from @clean on, in a ring of @size; @first of @blocks
 * @open: posted and not yet in a block; @batch: closes it
 * @context: what the card's two contexts hold, 0: nothing; @context_next: to be replaced next
 * @short_of_room: the last burst was not taken as a whole
 */
struct vf_tx_ring {
	struct vf_desc *desc;
	void **buffer;
	_Atomic uint32_t *tail;
	uint32_t size, next, clean, used, packets;
	struct vf_tx_block *block;
	uint32_t first, blocks;
	struct vf_tx_block open;
	uint32_t batch;
	struct vf_desc context[VF_CONTEXTS];
	unsigned int context_next;
	bool short_of_room;
};

struct softiov_queue {
	struct softiov_vf *vf;
	struct softiov_pool *pool;
	struct softiov_napi *napi;
	unsigned int index;
	uint64_t delta; /* host address + delta: IOVA, for the pool's buffers */
	struct vf_rx_ring rx;
	struct vf_tx_ring tx;
	struct softiov_queue_stats stats;
	struct vf_memory memory; /* of both rings */
	bool rings_mapped, pool_mapped;
};

/**
 * vf_prefetch_write() - have a cache line here before it is written: the card, on another processor, had it last.
 * GCC's builtin would fetch it for reading on plain x86-64.
 */
static inline void vf_prefetch_write(const void *line)
{
#ifdef __x86_64__
	__asm__ volatile("prefetchw %0" : : "m"(*(const char *)line));
#else
	__builtin_prefetch(line, 1);
#endif
}

/** vf_wrap() - @index of a ring, which may be past its end by less than a turn. */
static inline uint32_t vf_wrap(uint32_t index, uint32_t size)
{
	return index >= size ? index - size : index;
}

/** vf_queue_route() - queue.c: whether receiving and sending are causes of the queue's vector, its index. */
void vf_queue_route(struct softiov_queue *queue, bool rx, bool tx);

/** vf_rx_pending() - has the card filled the next descriptor? */
bool vf_rx_pending(const struct softiov_queue *queue);

/** vf_rx_dry() - the card has no descriptor left, and only a refill can change that. */
bool vf_rx_dry(const struct softiov_queue *queue);

/** vf_rx_fill() - give the card what buffers the pool has. */
void vf_rx_fill(struct softiov_queue *queue);

/** vf_tx_done() - has the card reported something that is not yet taken back? */
bool vf_tx_done(const struct softiov_queue *queue);

/** vf_tx_clean() - take back what is reported. */
void vf_tx_clean(struct softiov_queue *queue);

/** vf_rx_reset(), vf_tx_reset() - an empty ring; its buffers go back to the pool. The card must not use it. */
void vf_rx_reset(struct softiov_queue *queue);
void vf_tx_reset(struct softiov_queue *queue);

/** vf_tx_offload_context() - the context descriptor that @packet asks for, without its index. */
struct vf_desc vf_tx_offload_context(const struct softiov_packet *packet);

/** vf_tx_offload_prepare() - write into the headers what the card wants to find there. */
void vf_tx_offload_prepare(const struct softiov_packet *packet);

/** vf_napi_full() - napi.c: @queue found no room; have an interrupt tell when there is some. */
void vf_napi_full(struct softiov_queue *queue);

#endif
