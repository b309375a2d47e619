/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * plain.c - checksums of frames that ask for nothing.
 *
 * A short one lies whole in the header copy, as far as it is summed. The copy is private and in the
 * first-level cache, so summing it before delivery costs less than setting up a sum that goes along
 * with the copy. Of a long one the rest is summed while it is copied, as anywhere. Rules as in
 * offload.c; 82599 data sheet, section 7.1.11.
 */
#include "frame/plain.h"

#include <netinet/in.h>
#include "frame/l4.h"

/* Sum of @len bytes, at least 8 readable ones behind them; 32-bit words cannot overflow 64 bits. */
static inline uint64_t sum_words(const uint8_t *from, uint32_t len, uint64_t sum)
{
	uint64_t word;

	for (; len >= 8; len -= 8, from += 8) {
		word = get_le64(from);
		sum += (uint32_t)word + (word >> 32);
	}
	if (len) {
		word = get_le64(from) & (BIT64(8 * len) - 1);
		sum += (uint32_t)word + (word >> 32);
	}
	return sum;
}

/* A sum that contains its own checksum is all ones. Of four halfwords the second fold ends below 2^16 + 3. */
static inline bool verifies(uint64_t sum)
{
	sum = (sum & 0xffff) + (sum >> 16 & 0xffff) + (sum >> 32 & 0xffff) + (sum >> 48);
	return (sum & 0xffff) + (sum >> 16) == 0xffff;
}

static inline uint32_t judge_ipv4(const uint8_t *ip)
{
	uint64_t sum;

	if (likely((ip[0] & 15u) * 4 == IPV4_HEADER_LEN)) {
		uint64_t first = get_le64(ip), second = get_le64(ip + 8);

		sum = (uint64_t)get_le32(ip + 16) + (uint32_t)first + (first >> 32) +
		      (uint32_t)second + (second >> 32);
	} else {
		sum = sum_words(ip, (ip[0] & 15u) * 4, 0);
	}
	return verifies(sum) ? FRAME_IP_CHECKED : FRAME_IP_CHECKED | FRAME_IP_BAD;
}

static inline uint64_t pseudo_header(const struct frame *frame, uint32_t len)
{
	const uint8_t *ip = frame->header + frame->info.l3_offset;
	uint8_t protocol = frame->info.l4 == FRAME_L4_TCP ? IPPROTO_TCP : IPPROTO_UDP;
	uint64_t sum = (uint64_t)__builtin_bswap16(protocol) + __builtin_bswap16((uint16_t)len);

	if (frame->info.l3 == FRAME_L3_IPV4)
		return sum_words(ip + IPV4_SOURCE, IPV4_ADDRESSES_LEN, sum);
	return sum_words(ip + IPV6_SOURCE, IPV6_ADDRESSES_LEN, sum);
}

bool frame_plain_judge(const struct frame *frame, uint32_t *status)
{
	const struct frame_info *info = &frame->info;
	uint32_t len;

	*status = 0;
	if (frame->header_len > FRAME_HEADER_MAX - sizeof(uint64_t))
		return false;
	if (info->l3 == FRAME_L3_IPV4)
		*status = judge_ipv4(frame->header + info->l3_offset);
	if (info->l4 == FRAME_L4_NONE || l4_no_udp_checksum(frame))
		return true;
	len = l4_length(frame);
	if (!len)
		return true;
	if (info->l4 == FRAME_L4_SCTP || info->l4_offset + len > frame->header_len)
		return false;
	*status |=
		verifies(sum_words(frame->header + info->l4_offset, len, pseudo_header(frame, len)))
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
	len = l4_length(frame);
	left = len - in_head;
	sum = sum_words(l4, in_head, pseudo_header(frame, len));
	copy_bytes(to, frame->header, frame->header_len);
	to += frame->header_len;
	sum = csum_copy(to, segment->base, left, sum);
	if (unlikely(left < segment->len))
		copy_bytes(to + left, segment->base + left, segment->len - left);
	*status |= verifies(sum) ? FRAME_L4_CHECKED : FRAME_L4_CHECKED | FRAME_L4_BAD;
	return true;
}
