/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * rss.h - receive side scaling: hash and queue of the frames of a burst. Worker only.
 *
 * Source: 82599 data sheet 7.1.2.8 and 8.2.3.7.12 (MRQC).
 */
#ifndef SOFTIOV_IXGBE_RSS_H
#define SOFTIOV_IXGBE_RSS_H

#include <linux/if_ether.h>
#include "frame/frame.h"
#include "ixgbe/desc.h"

struct ixgbe_pf;

#define IXGBE_RSS_KEY_DWORDS 10
#define IXGBE_RSS_INPUT_MAX 36	    /* two IPv6 addresses and two ports */
#define IXGBE_RSS_IPV4_ADDRESSES 12 /* offset of the two in the IP header */

/** struct ixgbe_rss_table - Toeplitz by nibbles of the input, built from @key. */
struct ixgbe_rss_table {
	uint32_t key[IXGBE_RSS_KEY_DWORDS];
	bool valid;
	uint32_t nibble[IXGBE_RSS_INPUT_MAX * 2][16];
};

/** ixgbe_rss_load() - have the table match the 40 key bytes of RSSRK, @key; cheap if it does. */
void ixgbe_rss_load(struct ixgbe_rss_table *table, const uint32_t key[IXGBE_RSS_KEY_DWORDS]);

/** ixgbe_rss_hash() - Toeplitz hash (7.1.2.8.1) of @len bytes at @offset of the input. */
uint32_t ixgbe_rss_hash(const struct ixgbe_rss_table *table, const uint8_t *input,
			unsigned int offset, unsigned int len);

/**
 * ixgbe_rss_frame() - the hash that MRQC's field selection @mrqc asks for.
 * Return: RSSTYPE, IXGBE_RXD_RSSTYPE_NONE with *@hash = 0 when no selected field is in the frame.
 */
uint32_t ixgbe_rss_frame(const struct ixgbe_rss_table *table, uint32_t mrqc,
			 const struct frame *frame, uint32_t *hash);

/**
 * struct ixgbe_rss_burst - where the frames of a burst go, and what was hashed for it.
 * @wanted: bit i of wanted[q]: frame i is for queue q of the pool
 * @hash, @type: (RSSTYPE) by frame; after ixgbe_rss_finish()
 * @late: all frames are for one queue: each is hashed when it is delivered
 * @last: the last frame that was hashed, NULL: none; @last_queue, @last_hash, @last_type: its
 */
struct ixgbe_rss_burst {
	uint64_t wanted[IXGBE_RETA_QUEUES];
	uint32_t hash[FRAME_BURST];
	uint8_t type[FRAME_BURST];
	bool late;
	uint8_t last_type;
	uint32_t last_hash;
	unsigned int last_queue;
	const struct frame *last;
	const struct ixgbe_pf *pf;
	uint32_t mrqc;
	unsigned int mask;
};

/**
 * ixgbe_rss_spread() - choose queues for the frames in the bitmap @wanted, all for @pool, which has
 * @queues queues. @same_flow: as in struct frame_burst, of these frames.
 */
void ixgbe_rss_spread(struct ixgbe_pf *pf, unsigned int pool, unsigned int queues,
		      const struct frame *frame, uint64_t wanted, uint64_t same_flow,
		      struct ixgbe_rss_burst *burst);

/** ixgbe_rss_hash_last() - hash @frame, which becomes the last. */
void ixgbe_rss_hash_last(struct ixgbe_rss_burst *burst, const struct frame *frame);

_Static_assert(offsetof(struct frame_info, ip_id) == sizeof(uint64_t), "all else is one word");

/* Are all fields that may be hashed the same? Good for IPv4, where comparing is cheaper than hashing. */
static inline bool ixgbe_rss_same_flow(const struct frame *frame, const struct frame *other)
{
	const uint8_t *addresses = frame->header + ETH_HLEN + IXGBE_RSS_IPV4_ADDRESSES;
	const uint8_t *others = other->header + ETH_HLEN + IXGBE_RSS_IPV4_ADDRESSES;
	uint64_t different = (get_le64(&frame->info) ^ get_le64(&other->info)) |
			     (get_le64(addresses) ^ get_le64(others)) |
			     (get_le32(frame->header + frame->info.l4_offset) ^
			      get_le32(other->header + other->info.l4_offset));

	return !different && frame->info.l3 == FRAME_L3_IPV4;
}

/* Hash and type of frame @i, @frame. Return: its queue. */
static inline unsigned int ixgbe_rss_find(struct ixgbe_rss_burst *burst, const struct frame *frame,
					  unsigned int i)
{
	if (frame->info.l3 == FRAME_L3_NONE) {
		burst->type[i] = IXGBE_RXD_RSSTYPE_NONE;
		burst->hash[i] = 0;
		return 0;
	}
	if (unlikely(!burst->last || !ixgbe_rss_same_flow(frame, burst->last)))
		ixgbe_rss_hash_last(burst, frame);
	burst->type[i] = burst->last_type;
	burst->hash[i] = burst->last_hash;
	return burst->last_queue;
}

/** ixgbe_rss_finish() - have hash and type of frame @i, @frame. */
static inline void ixgbe_rss_finish(struct ixgbe_rss_burst *burst, const struct frame *frame,
				    unsigned int i)
{
	if (burst->late)
		(void)ixgbe_rss_find(burst, frame, i);
}

#endif
