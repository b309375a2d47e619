/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * plain.c - checksums of frames that ask for nothing, or for an L4 checksum and nothing else.
 *
 * A short one lies whole in the header copy, as far as it is summed. The copy is private and in the
 * first-level cache, so summing it before delivery costs less than setting up a sum that goes along
 * with the copy. Of a long one the rest is summed while it is copied, as anywhere. Rules as in
 * offload.c; 82599 data sheet, section 7.1.11.
 */
#include "frame/plain.h"

#include <netinet/in.h>
#include "frame/l4.h"

static inline uint64_t pseudo_header(const struct frame *frame, uint32_t len)
{
	const uint8_t *ip = frame->header + frame->info.l3_offset;
	uint8_t protocol = frame->info.l4 == FRAME_L4_TCP ? IPPROTO_TCP : IPPROTO_UDP;
	uint64_t sum = (uint64_t)__builtin_bswap16(protocol) + __builtin_bswap16((uint16_t)len);

	if (frame->info.l3 == FRAME_L3_IPV4)
		return sum_words(ip + IPV4_SOURCE, IPV4_ADDRESSES_LEN, sum);
	return sum_words(ip + IPV6_SOURCE, IPV6_ADDRESSES_LEN, sum);
}

/* From some length on vectors are worth a call. */
static inline uint64_t sum_l4(const uint8_t *l4, uint32_t len, uint64_t sum)
{
	return len < 64 ? sum_words(l4, len, sum) : copy_way->add(l4, len, sum);
}

bool frame_plain_judge_l4(const struct frame *frame, uint32_t *status)
{
	const struct frame_info *info = &frame->info;
	uint32_t len = l4_length(frame);

	if (!len)
		return true;
	if (info->l4 == FRAME_L4_SCTP || info->l4_offset + len > frame->header_len)
		return false;
	*status |= sum_verifies(
			   sum_l4(frame->header + info->l4_offset, len, pseudo_header(frame, len)))
			   ? FRAME_L4_CHECKED
			   : FRAME_L4_CHECKED | FRAME_L4_BAD;
	return true;
}

bool frame_plain_verify(const struct frame *frame, uint8_t *to, uint32_t *status)
{
	const struct frame_segment *segment = frame->segment;
	const uint8_t *l4 = frame->header + frame->info.l4_offset;
	uint32_t in_head = frame->header_len - frame->info.l4_offset, len, left;
	uint64_t sum;

	if (unlikely(frame->info.l4 == FRAME_L4_SCTP || frame->segments != 1 || in_head % 2 ||
		     frame->header_len > FRAME_HEADER_MAX - sizeof(uint64_t)))
		return false;
	copy_soon(segment->base, segment->len);
	len = l4_length(frame);
	left = len - in_head;
	sum = sum_l4(l4, in_head, pseudo_header(frame, len));
	copy_bytes(to, frame->header, frame->header_len);
	to += frame->header_len;
	sum = csum_copy(to, segment->base, left, sum);
	if (unlikely(left < segment->len))
		copy_bytes(to + left, segment->base + left, segment->len - left);
	*status |= sum_verifies(sum) ? FRAME_L4_CHECKED : FRAME_L4_CHECKED | FRAME_L4_BAD;
	return true;
}

bool frame_plain_complete(const struct frame *frame, uint8_t *to, uint32_t *status)
{
	const struct frame_info *info = &frame->info;
	uint32_t start = frame->l2_len + frame->l3_len, in_head = frame->header_len - start;
	bool tcp = frame->l4_proto == IPPROTO_TCP;
	uint64_t sum;
	uint16_t field;

	if (unlikely(frame->l4_proto == IPPROTO_SCTP || frame->segments > 1 ||
		     (in_head % 2 && frame->segments) ||
		     frame->header_len > FRAME_HEADER_MAX - sizeof(uint64_t)))
		return false;
	if (frame->segments)
		copy_soon(frame->segment->base, frame->segment->len);
	sum = sum_l4(frame->header + start, in_head, 0);
	copy_bytes(to, frame->header, frame->header_len);
	if (frame->segments)
		sum = csum_copy(to + frame->header_len, frame->segment->base, frame->segment->len,
				sum);
	field = csum_folded(sum);
	if (unlikely(!field && !tcp))
		field = UDP_CHECKSUM_ZERO;
	put_le16(to + start + (tcp ? TCP_CHECKSUM : UDP_CHECKSUM), field);
	*status = info->l3 == FRAME_L3_IPV4 ? judge_ipv4(frame->header + info->l3_offset) : 0;
	if (info->l4 != FRAME_L4_NONE && info->l4_offset == start)
		*status |= FRAME_L4_CHECKED;
	return true;
}
