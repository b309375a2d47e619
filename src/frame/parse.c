/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * parse.c - what is in a frame: the outer headers, as the receive descriptor reports them.
 *
 * Only the private header copy is read, so nothing can change underfoot; a header that does not lie
 * whole in the copy is not reported. The IPv6 extension chain is followed for a bounded number of
 * headers (82599: the parser gives up likewise; a frame it cannot follow is delivered without L4
 * classification). Sections 7.1.2.8 and 7.1.11 of the 82599 data sheet; RFC 8200 section 4.
 */
#include "frame/parse.h"

#include <netinet/in.h>
#include "frame/protocol.h"

#define IPV6_EXTENSIONS_MAX 8

static void parse_l4(const struct frame *frame, struct frame_info *info, uint8_t protocol,
		     unsigned int offset)
{
	unsigned int left = frame->header_len - offset;

	if (protocol == IPPROTO_TCP && left >= TCP_HEADER_LEN)
		info->l4 = FRAME_L4_TCP;
	else if (protocol == IPPROTO_UDP && left >= UDP_HEADER_LEN)
		info->l4 = FRAME_L4_UDP;
	else if (protocol == IPPROTO_SCTP && left >= SCTP_HEADER_LEN)
		info->l4 = FRAME_L4_SCTP;
	else
		return;
	info->l4_offset = (uint8_t)offset;
}

#define COMMON_HEADERS (ETH_HEADER_LEN + IPV4_HEADER_LEN + TCP_HEADER_LEN)

/* TCP or UDP behind an IPv4 header without options, not a fragment. Return: is it? */
static bool parse_common(const struct frame *frame, struct frame_info *info)
{
	const uint8_t *ip = frame->header + ETH_HEADER_LEN;
	bool tcp = ip[IPV4_PROTOCOL] == IPPROTO_TCP;

	if (unlikely(frame->header_len < COMMON_HEADERS || ip[0] != IPV4_NO_OPTIONS ||
		     get_be16(ip + IPV4_FRAGMENT) & IPV4_FRAGMENT_MASK ||
		     (!tcp && ip[IPV4_PROTOCOL] != IPPROTO_UDP)))
		return false;
	*info = (struct frame_info){
		.l3 = FRAME_L3_IPV4,
		.l4 = tcp ? FRAME_L4_TCP : FRAME_L4_UDP,
		.l3_offset = ETH_HEADER_LEN,
		.l4_offset = ETH_HEADER_LEN + IPV4_HEADER_LEN,
		.ip_id = get_be16(ip + IPV4_ID),
	};
	return true;
}

static void parse_ipv4(const struct frame *frame, struct frame_info *info)
{
	const uint8_t *ip = frame->header + ETH_HEADER_LEN;
	unsigned int len = (ip[0] & 15u) * 4;

	if (frame->header_len < ETH_HEADER_LEN + IPV4_HEADER_LEN || ip[0] >> 4 != 4 ||
	    len < IPV4_HEADER_LEN || ETH_HEADER_LEN + len > frame->header_len)
		return;
	info->l3 = FRAME_L3_IPV4;
	info->l3_offset = ETH_HEADER_LEN;
	info->ip_options = len > IPV4_HEADER_LEN;
	info->ip_id = get_be16(ip + IPV4_ID);
	info->fragment = get_be16(ip + IPV4_FRAGMENT) & IPV4_FRAGMENT_MASK;
	if (!info->fragment)
		parse_l4(frame, info, ip[IPV4_PROTOCOL], ETH_HEADER_LEN + len);
}

static void parse_ipv6_extensions(const struct frame *frame, struct frame_info *info, uint8_t next)
{
	unsigned int offset = ETH_HEADER_LEN + IPV6_HEADER_LEN;

	for (int i = 0; i < IPV6_EXTENSIONS_MAX; i++) {
		switch (next) {
		case IPV6_FRAGMENT:
			info->fragment = true;
			info->ip_options = true;
			return;
		case IPV6_ROUTING:
		case IPV6_DESTINATION:
			info->rerouted = true;
			break;
		case IPV6_HOP_BY_HOP:
			break;
		default:
			parse_l4(frame, info, next, offset);
			return;
		}
		info->ip_options = true;
		if (offset + 8 > frame->header_len)
			return;
		next = frame->header[offset];
		offset += (frame->header[offset + 1] + 1u) * 8;
		if (offset > frame->header_len)
			return;
	}
}

static void parse_ipv6(const struct frame *frame, struct frame_info *info)
{
	const uint8_t *ip = frame->header + ETH_HEADER_LEN;

	if (frame->header_len < ETH_HEADER_LEN + IPV6_HEADER_LEN || ip[0] >> 4 != 6)
		return;
	info->l3 = FRAME_L3_IPV6;
	info->l3_offset = ETH_HEADER_LEN;
	parse_ipv6_extensions(frame, info, ip[IPV6_NEXT_HEADER]);
}

void frame_parse(struct frame *frame)
{
	struct frame_info *info = &frame->info;

	uint16_t type = get_be16(frame->header + ETH_TYPE);

	if (likely(type == ETH_TYPE_IPV4 && parse_common(frame, info)))
		return;
	*info = (struct frame_info){ 0 };
	switch (type) {
	case ETH_TYPE_IPV4:
		parse_ipv4(frame, info);
		break;
	case ETH_TYPE_IPV6:
		parse_ipv6(frame, info);
		break;
	}
}
