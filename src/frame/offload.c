/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * offload.c - checksums: 82599 data sheet, sections 7.2.5 (transmit) and 7.1.11 (receive).
 *
 * IPv4 header checksum. Over the header's own length, the field taken as zero. Linux leaves the
 * complement of the tunnel headers in that field, because hardware sums over l3_len; this comes to
 * the same.
 *
 * Summing. The part of the sum that lies in the head is taken before the copy, the body is summed
 * while it is copied, and the result is stored at the end where the field went: the receiver's
 * memory is written, never read back.
 *
 * Verifying. Outer headers only, and only when the lengths in them make sense: a frame that
 * contradicts itself is delivered unjudged. Bytes behind the IP packet (padding of short frames)
 * are not part of the sum.
 */
#include "frame/offload.h"

#include <netinet/in.h>
#include "frame/copy.h"
#include "frame/l4.h"
#include "frame/protocol.h"

static uint16_t to_be16(uint32_t v)
{
	return __builtin_bswap16((uint16_t)v);
}

static unsigned int ipv4_len(const uint8_t *ip)
{
	return (ip[0] & 15u) * 4;
}

static void ipv4_checksum(uint8_t *ip)
{
	put_le16(ip + IPV4_CHECKSUM, 0);
	put_le16(ip + IPV4_CHECKSUM, csum_fold(csum_partial(ip, ipv4_len(ip), 0)));
}

/* Copy the head to where it can be edited, the tag in its place. */
static void private_head(struct frame_cut *cut)
{
	const struct frame *frame = cut->frame;
	uint16_t len = cut->head_len;

	if (cut->insert_vlan && frame->flags & FRAME_VLAN) {
		cut->tag_len = VLAN_TAG_LEN;
		put_be16(cut->header + ETH_TYPE, frame->vlan_tpid);
		put_be16(cut->header + ETH_TYPE + 2, frame->vlan);
		memcpy(cut->header, frame->header, ETH_TYPE);
		memcpy(cut->header + ETH_TYPE + VLAN_TAG_LEN, frame->header + ETH_TYPE,
		       len - ETH_TYPE);
	} else {
		copy_bytes(cut->header, frame->header, len);
	}
	cut->head = cut->header;
	cut->head_len = len + cut->tag_len;
}

static void set_kind(struct frame_cut *cut, uint8_t protocol)
{
	cut->sum_kind = protocol == IPPROTO_SCTP ? SUM_CRC32C : SUM_INTERNET;
	cut->field_len = protocol == IPPROTO_SCTP ? 4 : 2;
	cut->field = (uint16_t)(cut->sum_start + cut->tag_len +
				(protocol == IPPROTO_TCP   ? TCP_CHECKSUM
				 : protocol == IPPROTO_UDP ? UDP_CHECKSUM
							   : SCTP_CHECKSUM));
}

static bool is_outer_l4(const struct frame_cut *cut)
{
	return cut->frame->info.l4 != FRAME_L4_NONE && cut->frame->info.l4_offset == cut->sum_start;
}

static void prepare_compute(struct frame_cut *cut)
{
	const struct frame *frame = cut->frame;

	cut->compute = true;
	cut->sum_start = frame->l2_len + frame->l3_len;
	cut->sum_end = frame->len;
	cut->seed = 0;
	set_kind(cut, frame->l4_proto);
	if (is_outer_l4(cut))
		cut->verdict |= FRAME_L4_CHECKED;
}

static void prepare_verify_l4(struct frame_cut *cut)
{
	static const uint8_t protocol[] = { [FRAME_L4_TCP] = IPPROTO_TCP,
					    [FRAME_L4_UDP] = IPPROTO_UDP,
					    [FRAME_L4_SCTP] = IPPROTO_SCTP };
	const struct frame_info *info = &cut->frame->info;
	const uint8_t *ip = cut->frame->header + info->l3_offset;
	uint32_t len;

	if (info->l4 == FRAME_L4_NONE || l4_no_udp_checksum(cut->frame))
		return;
	len = l4_length(cut->frame);
	if (!len)
		return;
	cut->sum_start = info->l4_offset;
	cut->sum_end = info->l4_offset + len;
	set_kind(cut, protocol[info->l4]);
	if (cut->sum_kind == SUM_CRC32C)
		return;
	cut->seed = (uint64_t)to_be16(protocol[info->l4]) + to_be16(len);
	cut->seed = info->l3 == FRAME_L3_IPV4
			    ? csum_partial(ip + IPV4_SOURCE, IPV4_ADDRESSES_LEN, cut->seed)
			    : csum_partial(ip + IPV6_SOURCE, IPV6_ADDRESSES_LEN, cut->seed);
}

static void judge_ipv4(struct frame_cut *cut)
{
	const uint8_t *ip = cut->frame->header + cut->frame->info.l3_offset;

	cut->verdict |= FRAME_IP_CHECKED;
	if (csum_fold(csum_partial(ip, ipv4_len(ip), 0)))
		cut->verdict |= FRAME_IP_BAD;
}

void offload_prepare(struct frame_cut *cut)
{
	const struct frame *frame = cut->frame;
	uint16_t flags = frame->flags;
	bool ipv4 = frame->info.l3 == FRAME_L3_IPV4;

	if (flags & FRAME_TSO)
		segment_prepare(cut);
	if (flags & (FRAME_IP_CSUM | FRAME_TSO) || (cut->insert_vlan && flags & FRAME_VLAN))
		private_head(cut);

	if (flags & FRAME_IP_CSUM) {
		if (!(flags & FRAME_TSO)) /* else for each cut */
			ipv4_checksum(cut->header + cut->tag_len + frame->l2_len);
		if (ipv4 && frame->info.l3_offset == frame->l2_len)
			cut->verdict |= FRAME_IP_CHECKED;
	} else if (ipv4 && flags & FRAME_CSUM_GOOD) {
		cut->verdict |= FRAME_IP_CHECKED;
	} else if (ipv4 && cut->verify) {
		judge_ipv4(cut);
	}

	if (flags & FRAME_L4_CSUM)
		prepare_compute(cut);
	else if (flags & FRAME_CSUM_GOOD && frame->info.l4 != FRAME_L4_NONE &&
		 !l4_no_udp_checksum(frame))
		cut->verdict |= FRAME_L4_CHECKED;
	else if (cut->verify && !(flags & FRAME_CSUM_GOOD))
		prepare_verify_l4(cut);
	if (flags & FRAME_TSO)
		segment_template(cut);
}

/* --- once per cut ---------------------------------------------------------------------------- */

static uint32_t crc_of_head(const uint8_t *sctp, uint32_t len)
{
	static const uint8_t zero[4];
	uint32_t crc = crc32c(~0u, sctp, SCTP_CHECKSUM);

	crc = crc32c(crc, zero, sizeof(zero));
	return crc32c(crc, sctp + SCTP_HEADER_LEN, len - SCTP_HEADER_LEN);
}

void offload_begin(struct frame_cut *cut, uint8_t *head)
{
	const struct frame *frame = cut->frame;
	const uint8_t *l4 = cut->head + cut->tag_len + cut->sum_start; /* as delivered */
	uint32_t in_head;

	if (frame->flags & FRAME_TSO) {
		in_head = frame->l4_len;
		cut->sum_left = cut->body_left;
		cut->sum = segment_head(cut, head);
	} else {
		in_head = MIN(cut->sum_end, (uint32_t)frame->header_len) - cut->sum_start;
		cut->sum_left = cut->sum_end - cut->sum_start - in_head;
		if (cut->sum_kind == SUM_INTERNET)
			cut->sum = csum_partial(l4, in_head, cut->seed);
		else
			cut->crc = crc_of_head(l4, in_head);
	}
	cut->odd = in_head & 1;
}

void offload_copy(struct frame_cut *cut, uint8_t *to, const uint8_t *from, uint32_t len)
{
	uint32_t n = MIN(len, cut->sum_left);

	if (cut->sum_kind == SUM_CRC32C) {
		cut->crc = crc32c_copy(to, from, n, cut->crc);
	} else if (cut->odd) {
		cut->sum = csum_turn(csum_copy(to, from, n, csum_turn(cut->sum)));
	} else {
		cut->sum = csum_copy(to, from, n, cut->sum);
	}
	cut->odd ^= n & 1;
	cut->sum_left -= n;
	if (n < len)
		copy_bytes(to + n, from + n, len - n);
}

void offload_find_field(struct frame_cut *cut, uint8_t *to, uint32_t len)
{
	for (unsigned int i = 0; i < cut->field_len; i++) {
		/* Wraps, and so is too large, for a byte that an earlier buffer took. */
		uint32_t offset = cut->field + i - cut->position;

		if (offset < len)
			cut->field_at[i] = to + offset;
	}
}

/* What belongs into the field. */
static uint32_t checksum(const struct frame_cut *cut)
{
	uint16_t sum;

	if (cut->sum_kind == SUM_CRC32C)
		return ~cut->crc;
	sum = csum_fold(cut->sum);
	return !sum && cut->frame->l4_proto == IPPROTO_UDP ? UDP_CHECKSUM_ZERO : sum;
}

/* The field lies somewhere, or nowhere if the receiver gave up half way. */
static void scatter(struct frame_cut *cut, uint32_t value)
{
	for (unsigned int i = 0; i < cut->field_len; i++, value >>= 8)
		if (likely(cut->field_at[i]))
			*cut->field_at[i] = (uint8_t)value;
}

void offload_end(struct frame_cut *cut, uint8_t *to)
{
	bool good;

	if (cut->compute) {
		if (unlikely(!to))
			scatter(cut, checksum(cut));
		else if (likely(cut->sum_kind == SUM_INTERNET))
			put_le16(to + cut->field, (uint16_t)checksum(cut));
		else
			put_le32(to + cut->field, checksum(cut));
		return;
	}
	good = cut->sum_kind == SUM_CRC32C ? ~cut->crc == get_le32(cut->head + cut->field)
					   : !csum_fold(cut->sum);
	cut->status |= FRAME_L4_CHECKED | (good ? 0 : FRAME_L4_BAD);
}
