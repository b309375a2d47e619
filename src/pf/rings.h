/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * rings.h - a receive and a transmit queue of the PF with their buffers, in one piece of memory. The pump
 * thread's while it runs, else the device thread's.
 */
#ifndef SOFTIOV_PF_RINGS_H
#define SOFTIOV_PF_RINGS_H

#include "frame/frame.h"
#include "pf/pf.h"
#include "pf/regs.h"

#define RX_DESCRIPTORS 1024
#define RX_BUFFER 2048
#define RX_CHAIN_MAX 8 /* descriptors of one frame: the longest has 5 */
/* A slot takes the longest frame that the host sends: 64 KiB and headers, as up to 5 pieces. */
#define TX_SLOTS 256
#define TX_SLOT_SIZE (68 * 1024)
#define TX_DESCRIPTORS \
	2048	     /* >= TX_SLOTS * (1 context + 5 pieces), so that slots alone can run out */
#define TX_REPORT 32 /* completion is asked for once in so many slots; divides TX_SLOTS */

/** struct ring_memory - what the card sees. */
struct ring_memory {
	struct pf_desc rx[RX_DESCRIPTORS];
	struct pf_desc tx[TX_DESCRIPTORS];
	uint8_t rx_buffer[RX_DESCRIPTORS][RX_BUFFER];
	_Alignas(PAGE_SIZE_4K) uint8_t tx_buffer[TX_SLOTS][TX_SLOT_SIZE];
};

/**
 * struct rings - @queue: absolute number. @rx_next: next descriptor that the card will write. @tx_next: next
 * descriptor to post. @tx_slot, @tx_clean: slots filled and reclaimed so far. @tx_last: where a slot ends.
 */
struct rings {
	const struct pf_access *access;
	struct ring_memory *memory;
	int fd;
	unsigned int queue;
	uint32_t rx_next;
	uint32_t tx_next, tx_slot, tx_clean;
	uint16_t tx_last[TX_SLOTS];
	struct frame_segment segment[RX_CHAIN_MAX];
};

/** rings_create() - memory for the rings, mapped for the PF. Return: 0 or -errno. */
int rings_create(struct rings *rings, const struct pf_access *access);
/** rings_unmap() - take the memory from the PF, then @done, which may call rings_free(). */
void rings_unmap(struct rings *rings, void (*done)(void *ctx), void *ctx);
void rings_free(struct rings *rings);

/** rings_enable() - empty rings, queue @queue of a card that was reset. */
void rings_enable(struct rings *rings, unsigned int queue);
void rings_disable(struct rings *rings);

/** enum rings_result - what rings_receive() found. */
enum rings_result { RINGS_EMPTY, RINGS_FRAME, RINGS_BAD };
/** rings_receive() - the next frame, valid until rings_received(). BAD: frame to be dropped. */
enum rings_result rings_receive(struct rings *rings, struct frame *frame,
				unsigned int *descriptors);
/** rings_received() - give @descriptors back to the card; rings_refill() tells it so. */
void rings_received(struct rings *rings, unsigned int descriptors);
void rings_refill(struct rings *rings);

/** rings_tx_slot() - a free buffer of TX_SLOT_SIZE bytes, or NULL. */
uint8_t *rings_tx_slot(struct rings *rings);
/** rings_transmit() - post @frame, read into that buffer by tap_read_frame(). */
void rings_transmit(struct rings *rings, const struct frame *frame);
void rings_tx_kick(struct rings *rings);
/** rings_reclaim() - Return: true if slots became free. */
bool rings_reclaim(struct rings *rings);

#endif
