/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * finish.c - the one place where a frame from outside is checked; everything behind it relies on
 * it.
 *
 * The transmitter gives raw bytes and an offload request, both chosen by a guest. What is promised
 * from here on:
 * @len is the sum of the pieces; the outer tag is in @vlan; with an offload flag, every header
 *	field that will be written lies inside @header and behind the EtherType - an offset into the
 *	MAC addresses would let a guest rewrite its source address after the anti-spoofing check.
 *
 * Rules of the request: 82599 data sheet, sections 7.2.3.2.3 (context descriptor), 7.2.4
 * (segmentation) and 7.2.5 (checksum offload).
 */
#include "frame/frame.h"

#include <netinet/in.h>
#include "frame/parse.h"
#include "frame/protocol.h"

#define FRAME_OFFLOADS (FRAME_IP_CSUM | FRAME_L4_CSUM | FRAME_TSO)

static int take_tag(struct frame *frame)
{
	uint8_t *tag = frame->header + ETH_TYPE;

	if (frame->header_len < ETH_HEADER_LEN + VLAN_TAG_LEN)
		return -EINVAL;
	if (frame->flags & FRAME_OFFLOADS) {
		if (frame->l2_len < ETH_HEADER_LEN + VLAN_TAG_LEN)
			return -EINVAL;
		frame->l2_len -= VLAN_TAG_LEN;
	}
	frame->vlan_tpid = ETH_TYPE_VLAN;
	frame->vlan = get_be16(tag + 2);
	frame->flags |= FRAME_VLAN;
	frame->len -= VLAN_TAG_LEN;
	frame->header_len -= VLAN_TAG_LEN;
	memmove(tag, tag + VLAN_TAG_LEN, frame->header_len - ETH_TYPE);
	return 0;
}

/* The IP header at l2_len. A request for a header that is not IPv4 is one for no checksum. */
static int check_l3(struct frame *frame)
{
	const uint8_t *ip = frame->header + frame->l2_len;
	unsigned int left, len;

	if (frame->l2_len >= frame->header_len)
		return -EINVAL;
	left = frame->header_len - frame->l2_len;
	len = (ip[0] & 15u) * 4;
	if (ip[0] >> 4 == 4) {
		if (len < IPV4_HEADER_LEN || len > left ||
		    (frame->flags & FRAME_TSO && len > frame->l3_len))
			return -EINVAL;
		if (frame->flags & FRAME_TSO)
			frame->flags |= FRAME_IP_CSUM;
		return 0;
	}
	frame->flags &= (uint16_t)~FRAME_IP_CSUM;
	if (frame->flags & FRAME_TSO && (ip[0] >> 4 != 6 || frame->l3_len < IPV6_HEADER_LEN))
		return -EINVAL;
	return 0;
}

/* The L4 header behind l2_len + l3_len. */
static int check_l4(struct frame *frame)
{
	unsigned int offset = frame->l2_len + frame->l3_len, len;

	switch (frame->l4_proto) {
	case IPPROTO_TCP:
		len = TCP_HEADER_LEN;
		break;
	case IPPROTO_UDP:
		len = UDP_HEADER_LEN;
		break;
	case IPPROTO_SCTP:
		len = SCTP_HEADER_LEN;
		break;
	default:
		return -EINVAL;
	}
	return offset + len <= frame->header_len ? 0 : -EINVAL;
}

static int check_tso(struct frame *frame)
{
	unsigned int header = frame->l2_len + frame->l3_len + frame->l4_len;
	unsigned int tag = frame->flags & FRAME_VLAN ? VLAN_TAG_LEN : 0;
	uint32_t payload;

	if (!frame->mss || header > frame->header_len)
		return -EINVAL;
	if (frame->l4_proto == IPPROTO_TCP
		    ? frame->l4_len < TCP_HEADER_LEN
		    : frame->l4_proto != IPPROTO_UDP || frame->l4_len < UDP_HEADER_LEN)
		return -EINVAL;
	payload = frame->len - header;
	if (payload > FRAME_MAX_TSO || header + MIN(payload, frame->mss) + tag > FRAME_MAX_LEN)
		return -EINVAL;
	frame->flags |= FRAME_L4_CSUM;
	return 0;
}

static int check_offloads(struct frame *frame)
{
	int error;

	if (frame->l2_len < ETH_HEADER_LEN)
		return -EINVAL;
	if (frame->flags & (FRAME_IP_CSUM | FRAME_TSO)) {
		error = check_l3(frame);
		if (error)
			return error;
	}
	if (frame->flags & (FRAME_L4_CSUM | FRAME_TSO)) {
		error = check_l4(frame);
		if (error)
			return error;
	}
	return frame->flags & FRAME_TSO ? check_tso(frame) : 0;
}

int frame_finish(struct frame *frame)
{
	uint64_t len = frame->header_len;

	if (frame->header_len < ETH_HEADER_LEN || frame->header_len > FRAME_HEADER_MAX)
		return -EINVAL;
	for (unsigned int i = 0; i < frame->segments; i++)
		len += frame->segment[i].len;
	if (len != frame->len)
		return -EINVAL;
	if (!(frame->flags & FRAME_VLAN)) {
		frame->vlan_tpid = ETH_TYPE_VLAN; /* of a tag the switch may add */
		if (get_be16(frame->header + ETH_TYPE) == ETH_TYPE_VLAN) {
			int error = take_tag(frame);

			if (error)
				return error;
		}
	}
	if (unlikely(frame->flags & FRAME_OFFLOADS)) {
		int error = check_offloads(frame);

		if (error)
			return error;
	}
	if (!(frame->flags & FRAME_TSO) &&
	    frame->len + (frame->flags & FRAME_VLAN ? VLAN_TAG_LEN : 0) > FRAME_MAX_LEN)
		return -EINVAL;
	frame_parse(frame);
	return 0;
}
