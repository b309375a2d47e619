/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * plain.h - delivering the frame that asks for nothing: no cutting, no checksum to compute, no tag
 * to insert. Most frames are such, and for them the iterator of frame.h would be all ceremony: one
 * copy of the header, one of what follows.
 */
#ifndef SOFTIOV_FRAME_PLAIN_H
#define SOFTIOV_FRAME_PLAIN_H

#include "frame/copy.h"
#include "frame/frame.h"
#include "frame/l4.h"
#include "frame/parse.h"
#include "frame/protocol.h"

/* Flags that no plain frame has; FRAME_VLAN is one more where the tag must go into the bytes. */
#define FRAME_SPECIAL (FRAME_IP_CSUM | FRAME_L4_CSUM | FRAME_TSO | FRAME_CSUM_GOOD)

/** frame_is_padded() - is it delivered longer than it is? */
static inline bool frame_is_padded(const struct frame *frame)
{
	return frame->len < FRAME_MIN_LEN && frame->flags & FRAME_PAD;
}

/**
 * frame_plain_finish() - frame_finish() for a frame that is plain and in at most one segment.
 */
static inline int frame_plain_finish(struct frame *frame)
{
	uint16_t type = get_be16(frame->header + ETH_TYPE);

	if (unlikely(frame->len - ETH_HEADER_LEN > FRAME_MAX_LEN - ETH_HEADER_LEN ||
		     type == ETH_TYPE_VLAN))
		return frame_finish(frame);
	frame->vlan_tpid = ETH_TYPE_VLAN;
	if (type == ETH_TYPE_IPV4 || type == ETH_TYPE_IPV6)
		frame_parse(frame);
	else
		frame->info = (struct frame_info){ 0 };
	return 0;
}

/* Partial sum (csum.c) of @len bytes, behind which 8 more are readable. */
static inline uint64_t sum_words(const uint8_t *from, uint32_t len, uint64_t sum)
{
	for (; len >= sizeof(uint64_t); len -= sizeof(uint64_t), from += sizeof(uint64_t))
		sum = csum_add(sum, get_le64(from));
	return len ? csum_add(sum, get_le64(from) & (BIT64(8 * len) - 1)) : sum;
}

/*
 * A sum that contains its own checksum is all ones, that is zero modulo 2^16 - 1, which divides
 * 2^64 - 1. No sum here is zero: there is a version or a protocol in it.
 */
static inline bool sum_verifies(uint64_t sum)
{
	return sum % 0xffff == 0;
}

static inline uint32_t judge_ipv4(const uint8_t *ip)
{
	uint64_t sum = csum_add(get_le64(ip), get_le64(ip + 8));

	sum = csum_add(sum, get_le32(ip + 16));
	if (unlikely((ip[0] & 15u) * 4 > IPV4_HEADER_LEN))
		sum = sum_words(ip + IPV4_HEADER_LEN, (ip[0] & 15u) * 4 - IPV4_HEADER_LEN, sum);
	return sum_verifies(sum) ? FRAME_IP_CHECKED : FRAME_IP_CHECKED | FRAME_IP_BAD;
}

/** frame_plain_usual() - TCP or UDP over IPv4 without options, not a fragment? */
static inline bool frame_plain_usual(const struct frame *frame)
{
	const struct frame_info *info = &frame->info;

	return info->l3 == FRAME_L3_IPV4 && !info->ip_options &&
	       (info->l4 == FRAME_L4_TCP || info->l4 == FRAME_L4_UDP) &&
	       frame->header_len <= FRAME_HEADER_MAX - sizeof(uint64_t);
}

/** frame_plain_judge_l4() - the part of frame_plain_judge() that is for the L4 checksum, if there is one. */
bool frame_plain_judge_l4(const struct frame *frame, uint32_t *status);

/**
 * frame_plain_judge() - verify the checksums of a plain frame with IP in it, before it is copied.
 * @status: as struct frame_cut has it after frame_cut_end()
 * Return: false: they cover bytes beyond the header copy, to be summed while they are copied.
 */
static inline bool frame_plain_judge(const struct frame *frame, uint32_t *status)
{
	*status = 0;
	if (unlikely(frame->header_len > FRAME_HEADER_MAX - sizeof(uint64_t)))
		return false;
	if (frame->info.l3 == FRAME_L3_IPV4)
		*status = judge_ipv4(frame->header + frame->info.l3_offset);
	if (frame->info.l4 == FRAME_L4_NONE || l4_no_udp_checksum(frame))
		return true;
	return frame_plain_judge_l4(frame, status);
}

/** frame_plain_judge_usual() - frame_plain_judge() of a frame that is frame_plain_usual(). */
static inline bool frame_plain_judge_usual(const struct frame *frame, bool udp, uint32_t *status)
{
	const uint8_t *ip = frame->header + ETH_HEADER_LEN, *l4 = ip + IPV4_HEADER_LEN;
	uint64_t sum = csum_add(get_le64(ip), get_le64(ip + 8));

	sum = csum_add(sum, get_le32(ip + 16));
	*status = FRAME_IP_CHECKED;
	if (unlikely(!sum_verifies(sum)))
		*status |= FRAME_IP_BAD;
	if (udp && !get_le16(l4 + UDP_CHECKSUM))
		return true;
	return frame_plain_judge_l4(frame, status);
}

/**
 * frame_plain_verify() - deliver a frame that frame_plain_judge() has left unjudged. @status: what
 * it found of IP; what is found of L4 is added.
 * Return: false: it takes the iterator; nothing was done.
 */
bool frame_plain_verify(const struct frame *frame, uint8_t *to, uint32_t *status);

/**
 * frame_plain_complete() - deliver a frame that would be plain but for FRAME_L4_CSUM.
 * @status: as struct frame_cut has it after frame_cut_end(), IP verified
 * Return: false: it takes the iterator; nothing was done.
 */
bool frame_plain_complete(const struct frame *frame, uint8_t *to, uint32_t *status);

/** frame_plain_copy() - all @frame->len bytes of a plain frame, without its tag. */
static inline void frame_plain_copy(const struct frame *frame, uint8_t *to)
{
	if (unlikely(frame->segments))
		copy_soon(frame->segment->base, frame->segment->len);
	copy_bytes(to, frame->header, frame->header_len);
	if (likely(!frame->segments))
		return;
	to += frame->header_len;
	for (unsigned int i = 0; i < frame->segments; i++) {
		copy_bytes(to, frame->segment[i].base, frame->segment[i].len);
		to += frame->segment[i].len;
	}
}

#endif
