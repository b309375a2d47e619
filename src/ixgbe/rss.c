/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * rss.c - receive side scaling: the Toeplitz hash, the fields it is computed over, and the queue it
 * leads to.
 *
 * Each set bit b of the input (most significant first) contributes the 32 bits of the key that
 * start at its bit b. The table holds that sum for every value of every nibble of the input, 4.5
 * KiB, so a TCP/IPv4 hash is 24 look-ups in 1.5 KiB that stay in the cache.
 *
 * The 7 low bits of the hash pick an entry of RETA. Without pools that is the queue; with pools a
 * pool's PSRTYPE.RQPL says how many low bits of it count, and key and table serve all pools.
 *
 * 82599 data sheet, 7.1.2.8 (hash function, field order, redirection) and 8.2.3.7.12 (MRQC).
 */
#include "ixgbe/internal.h"

#include <linux/if_ether.h>

_Static_assert(FRAME_BURST == 64, "a burst is a bitmap of one word");

#define IPV4_ADDRESSES_LEN 8u
#define IPV6_ADDRESSES 8
#define IPV6_ADDRESSES_LEN 32u
#define PORTS_LEN 4u

#define RSS_FIELDS                                                                              \
	(IXGBE_MRQC_RSS_TCP4 | IXGBE_MRQC_RSS_IP4 | IXGBE_MRQC_RSS_UDP4 | IXGBE_MRQC_RSS_TCP6 | \
	 IXGBE_MRQC_RSS_IP6 | IXGBE_MRQC_RSS_UDP6)

/* The 32 key bits from bit @bit on; the key register holds byte 0 in its low bits. */
static uint32_t key_window(const uint32_t key[IXGBE_RSS_KEY_DWORDS], unsigned int bit)
{
	uint8_t bytes[IXGBE_RSS_KEY_DWORDS * 4 + 1] = { 0 };
	uint64_t window = 0;

	memcpy(bytes, key, IXGBE_RSS_KEY_DWORDS * 4);
	for (unsigned int i = 0; i < 5; i++)
		window = window << 8 | bytes[bit / 8 + i];
	return (uint32_t)(window >> (8 - bit % 8));
}

static void build(struct ixgbe_rss_table *table)
{
	for (unsigned int position = 0; position < ARRAY_SIZE(table->nibble); position++) {
		for (unsigned int value = 0; value < 16; value++) {
			uint32_t sum = 0;

			for (unsigned int bit = 0; bit < 4; bit++)
				if (value & 8u >> bit)
					sum ^= key_window(table->key, position * 4 + bit);
			table->nibble[position][value] = sum;
		}
	}
}

void ixgbe_rss_load(struct ixgbe_rss_table *table, const uint32_t key[IXGBE_RSS_KEY_DWORDS])
{
	if (likely(table->valid && memcmp(table->key, key, sizeof(table->key)) == 0))
		return;
	memcpy(table->key, key, sizeof(table->key));
	build(table);
	table->valid = true;
}

uint32_t ixgbe_rss_hash(const struct ixgbe_rss_table *table, const uint8_t *input,
			unsigned int offset, unsigned int len)
{
	uint32_t hash = 0;

	for (unsigned int i = 0; i < len; i++) {
		const uint32_t(*row)[16] = &table->nibble[(offset + i) * 2];

		hash ^= row[0][input[i] >> 4] ^ row[1][input[i] & 15];
	}
	return hash;
}

static uint32_t hash_ports(const struct ixgbe_rss_table *table, const struct frame *frame,
			   const struct frame_info *info, unsigned int offset)
{
	return ixgbe_rss_hash(table, frame->header + info->l4_offset, offset, PORTS_LEN);
}

static uint32_t hash_ipv4(const struct ixgbe_rss_table *table, uint32_t mrqc,
			  const struct frame *frame, const struct frame_info *info, uint32_t *hash)
{
	const uint8_t *addresses = frame->header + info->l3_offset + IXGBE_RSS_IPV4_ADDRESSES;
	uint32_t type = IXGBE_RXD_RSSTYPE_NONE;

	if (info->l4 == FRAME_L4_TCP && mrqc & IXGBE_MRQC_RSS_TCP4)
		type = IXGBE_RXD_RSSTYPE_TCP4;
	else if (info->l4 == FRAME_L4_UDP && mrqc & IXGBE_MRQC_RSS_UDP4)
		type = IXGBE_RXD_RSSTYPE_UDP4;
	else if (mrqc & IXGBE_MRQC_RSS_IP4)
		type = IXGBE_RXD_RSSTYPE_IP4;
	else
		return type;
	*hash = ixgbe_rss_hash(table, addresses, 0, IPV4_ADDRESSES_LEN);
	if (type != IXGBE_RXD_RSSTYPE_IP4)
		*hash ^= hash_ports(table, frame, info, IPV4_ADDRESSES_LEN);
	return type;
}

static uint32_t hash_ipv6(const struct ixgbe_rss_table *table, uint32_t mrqc,
			  const struct frame *frame, const struct frame_info *info, uint32_t *hash)
{
	const uint8_t *addresses = frame->header + info->l3_offset + IPV6_ADDRESSES;
	uint32_t type = IXGBE_RXD_RSSTYPE_NONE;

	if (info->l4 == FRAME_L4_TCP && mrqc & IXGBE_MRQC_RSS_TCP6)
		type = IXGBE_RXD_RSSTYPE_TCP6;
	else if (info->l4 == FRAME_L4_UDP && mrqc & IXGBE_MRQC_RSS_UDP6)
		type = IXGBE_RXD_RSSTYPE_UDP6;
	else if (mrqc & IXGBE_MRQC_RSS_IP6)
		type = IXGBE_RXD_RSSTYPE_IP6;
	else
		return type;
	*hash = ixgbe_rss_hash(table, addresses, 0, IPV6_ADDRESSES_LEN);
	if (type != IXGBE_RXD_RSSTYPE_IP6)
		*hash ^= hash_ports(table, frame, info, IPV6_ADDRESSES_LEN);
	return type;
}

uint32_t ixgbe_rss_frame(const struct ixgbe_rss_table *table, uint32_t mrqc,
			 const struct frame *frame, uint32_t *hash)
{
	*hash = 0;
	switch (frame->info.l3) {
	case FRAME_L3_IPV4:
		return hash_ipv4(table, mrqc, frame, &frame->info, hash);
	case FRAME_L3_IPV6:
		return hash_ipv6(table, mrqc, frame, &frame->info, hash);
	default:
		return IXGBE_RXD_RSSTYPE_NONE;
	}
}

static bool uses_rss(uint32_t mrqc)
{
	uint32_t mode = mrqc & IXGBE_MRQC_MODE;

	/* All frames are of traffic class 0, whose queues are the first sixteen or more. */
	return mrqc & RSS_FIELDS && (mode == IXGBE_MRQC_RSS || mode == IXGBE_MRQC_RSS_8TC ||
				     mode == IXGBE_MRQC_RSS_4TC || mode == IXGBE_MRQC_VMDQ_RSS32 ||
				     mode == IXGBE_MRQC_VMDQ_RSS64);
}

static unsigned int queue_mask(const struct ixgbe_pf *pf, unsigned int pool, unsigned int queues)
{
	uint32_t psrtype;

	if (queues >= IXGBE_QUEUES)
		return IXGBE_RETA_QUEUES - 1;
	psrtype = ixgbe_pf_reg(pf, IXGBE_PSRTYPE + pool * 4);
	return (BIT(psrtype >> IXGBE_PSRTYPE_RQPL_SHIFT) - 1) & (queues - 1);
}

static unsigned int redirect(const struct ixgbe_pf *pf, uint32_t hash)
{
	uint32_t entry = hash & (IXGBE_RETA_ENTRIES - 1);

	return ixgbe_pf_reg(pf, IXGBE_RETA + (entry & ~3u)) >> (entry % 4 * 8) &
	       (IXGBE_RETA_QUEUES - 1);
}

static void load_key(struct ixgbe_pf *pf)
{
	uint32_t key[IXGBE_RSS_KEY_DWORDS];

	for (unsigned int i = 0; i < IXGBE_RSS_KEY_DWORDS; i++)
		key[i] = ixgbe_pf_reg(pf, IXGBE_RSSRK + i * 4);
	ixgbe_rss_load(&pf->rss, key);
}

void ixgbe_rss_hash_last(struct ixgbe_rss_burst *burst, const struct frame *frame)
{
	burst->last = frame;
	burst->last_type =
		(uint8_t)ixgbe_rss_frame(&burst->pf->rss, burst->mrqc, frame, &burst->last_hash);
	burst->last_queue = burst->last_type != IXGBE_RXD_RSSTYPE_NONE
				    ? redirect(burst->pf, burst->last_hash) & burst->mask
				    : 0;
}

void ixgbe_rss_spread(struct ixgbe_pf *pf, unsigned int pool, unsigned int queues,
		      const struct frame *frame, uint64_t wanted, uint64_t same_flow,
		      struct ixgbe_rss_burst *burst)
{
	burst->pf = pf;
	burst->mrqc = ixgbe_pf_reg(pf, IXGBE_MRQC);
	burst->last = NULL;
	burst->late = false;
	memset(burst->wanted, 0, sizeof(burst->wanted));
	if (!uses_rss(burst->mrqc)) {
		memset(burst->hash, 0, sizeof(burst->hash));
		memset(burst->type, IXGBE_RXD_RSSTYPE_NONE, sizeof(burst->type));
		burst->wanted[0] = wanted;
		return;
	}
	load_key(pf);
	burst->mask = queue_mask(pf, pool, queues);
	if (!burst->mask) {
		burst->late = true;
		burst->wanted[0] = wanted;
		return;
	}
	while (wanted) {
		unsigned int i = (unsigned int)__builtin_ctzll(wanted);
		uint64_t flow = burst_alike(same_flow, i);

		burst->wanted[ixgbe_rss_find(burst, &frame[i], i)] |= flow;
		for (unsigned int k = i + 1; k < FRAME_BURST && flow >> k; k++) {
			burst->type[k] = burst->type[i];
			burst->hash[k] = burst->hash[i];
		}
		wanted &= ~flow;
	}
}
