/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * l4.h - what the headers of a finished frame say of the L4 checksum.
 */
#ifndef SOFTIOV_FRAME_L4_H
#define SOFTIOV_FRAME_L4_H

#include "frame/frame.h"
#include "frame/protocol.h"

/**
 * l4_length() - the length of the L4 packet, from the IP header.
 * Return: 0 when it is not to be judged: the frame contradicts itself.
 */
static inline uint32_t l4_length(const struct frame *frame)
{
	const struct frame_info *info = &frame->info;
	const uint8_t *ip = frame->header + info->l3_offset, *l4 = frame->header + info->l4_offset;
	uint32_t ip_len = info->l3 == FRAME_L3_IPV4
				  ? get_be16(ip + IPV4_TOTAL_LENGTH)
				  : IPV6_HEADER_LEN + get_be16(ip + IPV6_PAYLOAD_LENGTH);
	uint32_t headers = info->l4_offset - info->l3_offset, len;

	if (info->l3_offset + ip_len > frame->len || ip_len < headers || info->rerouted)
		return 0;
	len = ip_len - headers;
	switch (info->l4) {
	case FRAME_L4_TCP:
		return len >= TCP_HEADER_LEN ? len : 0;
	case FRAME_L4_UDP:
		return get_be16(l4 + UDP_LENGTH) == len && len >= UDP_HEADER_LEN ? len : 0;
	case FRAME_L4_SCTP:
		return len >= SCTP_HEADER_LEN ? len : 0;
	default:
		return 0;
	}
}

/** l4_no_udp_checksum() - RFC 768: a field of zero says that there is none. */
static inline bool l4_no_udp_checksum(const struct frame *frame)
{
	return frame->info.l4 == FRAME_L4_UDP &&
	       !get_le16(frame->header + frame->info.l4_offset + UDP_CHECKSUM);
}

#endif
