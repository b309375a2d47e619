/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * offload.c - from the kernel's offload request to that of the card: virtio 1.2, section 5.1.6 (struct virtio_net_hdr,
 * as tun uses it), 82599 data sheet 7.2.4 (segmentation), 7.2.5 (checksums).
 *
 * The kernel says where a checksum begins and where it goes; the card wants to know which protocol that is and how long
 * the headers before it are. So Ethernet header, tags and IP header are read here, and the kernel's numbers must agree
 * with what is found. A frame whose request makes no sense ends, and nothing else does. What the card has no words for -
 * another protocol, or a checksum inside a tunnel - is summed here.
 */
#include "netdev/offload.h"

#include <netinet/in.h>
#include "frame/frame.h"
#include "netdev/protocol.h"

#define TAGS_MAX 2
#define IPLEN_MAX 511 /* 9 bits of the context descriptor */
#define IPV6_HOP_BY_HOP 0
#define IPV6_ROUTING 43
#define IPV6_DESTINATION 60

/* Take the outermost tag out of the bytes. */
static void take_tag(struct softiov_packet *packet)
{
	uint8_t *data = packet->data;

	if (packet->len < ETH_HEADER_LEN + VLAN_TAG_LEN ||
	    get_be16(data + ETH_TYPE) != ETH_TYPE_VLAN)
		return;
	packet->vlan = get_be16(data + ETH_TYPE + 2);
	packet->flags |= SOFTIOV_VLAN;
	memmove(data + VLAN_TAG_LEN, data, ETH_TYPE);
	packet->data = data + VLAN_TAG_LEN;
	packet->len -= VLAN_TAG_LEN;
}

/* Where the network header begins, behind tags that stay in the bytes; @type: its EtherType. */
static unsigned int parse_l2(const struct softiov_packet *packet, uint16_t *type)
{
	const uint8_t *data = packet->data;
	unsigned int len = ETH_HEADER_LEN;

	*type = get_be16(data + ETH_TYPE);
	for (unsigned int n = 0;
	     n < TAGS_MAX && (*type == ETH_TYPE_VLAN || *type == ETH_TYPE_SVLAN); n++) {
		if (len + VLAN_TAG_LEN > packet->len)
			break;
		*type = get_be16(data + len + 2);
		len += VLAN_TAG_LEN;
	}
	return len;
}

/*
 * Is what lies between @ip and L4 protocol @l4, @len bytes, one IP header with what belongs to it? IPv6: of any length if
 * extensions follow, which the kernel has walked along to find csum_start.
 */
static bool is_ip_header(const uint8_t *ip, unsigned int len, uint16_t type, uint8_t l4)
{
	if (type == ETH_TYPE_IPV4)
		return len >= IPV4_HEADER_LEN && ip[0] >> 4 == 4 && len == (ip[0] & 15u) * 4 &&
		       ip[IPV4_PROTOCOL] == l4;
	if (type != ETH_TYPE_IPV6 || len < IPV6_HEADER_LEN || ip[0] >> 4 != 6)
		return false;
	switch (ip[IPV6_NEXT_HEADER]) {
	case IPV6_HOP_BY_HOP:
	case IPV6_ROUTING:
	case IPV6_DESTINATION:
		return len > IPV6_HEADER_LEN;
	default:
		return len == IPV6_HEADER_LEN && ip[IPV6_NEXT_HEADER] == l4;
	}
}

/* Can the card compute the checksum at @start + @offset? Then say so in @packet. */
static bool request_checksum(struct softiov_packet *packet, unsigned int start, unsigned int offset)
{
	bool tcp = offset == TCP_CHECKSUM;
	unsigned int l4_min = tcp ? TCP_HEADER_LEN : UDP_HEADER_LEN, l2;
	uint16_t type;

	if ((!tcp && offset != UDP_CHECKSUM) || start > IPLEN_MAX || start + l4_min > packet->len)
		return false;
	l2 = parse_l2(packet, &type);
	if (start < l2 || !is_ip_header((const uint8_t *)packet->data + l2, start - l2, type,
					tcp ? IPPROTO_TCP : IPPROTO_UDP))
		return false;
	packet->l2_len = (uint8_t)l2;
	packet->l3_len = (uint16_t)(start - l2);
	packet->flags |= tcp ? SOFTIOV_TCP_CSUM : SOFTIOV_UDP_CSUM;
	if (type == ETH_TYPE_IPV6)
		packet->flags |= SOFTIOV_IPV6;
	return true;
}

static int checksum_now(const struct softiov_packet *packet, unsigned int start,
			unsigned int offset)
{
	uint8_t *data = packet->data;
	uint16_t sum;

	if (start > packet->len || start + offset + sizeof(sum) > packet->len)
		return -EINVAL;
	sum = csum_fold(csum_partial(data + start, packet->len - start, 0));
	put_le16(data + start + offset, sum);
	return 0;
}

static int request_segmentation(struct softiov_packet *packet, const struct virtio_net_hdr *vnet)
{
	unsigned int start = packet->l2_len + packet->l3_len;
	const uint8_t *tcp = (const uint8_t *)packet->data + start;
	uint8_t kind = vnet->gso_type & ~VIRTIO_NET_HDR_GSO_ECN;

	if (kind != VIRTIO_NET_HDR_GSO_TCPV4 && kind != VIRTIO_NET_HDR_GSO_TCPV6)
		return -EINVAL;
	if (!(packet->flags & SOFTIOV_TCP_CSUM) || !vnet->gso_size)
		return -EINVAL;
	packet->l4_len = (uint8_t)(tcp[TCP_DATA_OFFSET] >> 4) * 4;
	if (packet->l4_len < TCP_HEADER_LEN || start + packet->l4_len > packet->len)
		return -EINVAL;
	packet->mss = vnet->gso_size;
	packet->flags |= SOFTIOV_TSO;
	return 0;
}

static void pad(struct softiov_packet *packet)
{
	if (packet->len >= ETH_MIN_LEN)
		return;
	memset((uint8_t *)packet->data + packet->len, 0, ETH_MIN_LEN - packet->len);
	packet->len = ETH_MIN_LEN;
}

int offload_request(const struct virtio_net_hdr *vnet, struct softiov_packet *packet,
		    unsigned int pieces)
{
	bool segment = vnet->gso_type != VIRTIO_NET_HDR_GSO_NONE;
	unsigned int start = vnet->csum_start;
	uint32_t len = 0;
	int error = 0;

	if (packet->len < ETH_HEADER_LEN)
		return -EINVAL;
	take_tag(packet);
	for (unsigned int i = 0; i < pieces; i++) {
		if (i + 1 < pieces)
			packet[i].flags |= SOFTIOV_MORE;
		len += packet[i].len;
	}
	if (!segment && (pieces > 1 || len > SOFTIOV_FRAME_MAX))
		return -EMSGSIZE;
	if (vnet->flags & VIRTIO_NET_HDR_F_NEEDS_CSUM) {
		if (packet->flags & SOFTIOV_VLAN)
			start -= VLAN_TAG_LEN; /* below 0 is above all that there is */
		if (!request_checksum(packet, start, vnet->csum_offset)) {
			if (segment)
				return -EINVAL;
			error = checksum_now(packet, start, vnet->csum_offset);
		}
	}
	if (segment)
		error = request_segmentation(packet, vnet);
	if (!segment && !error)
		pad(packet);
	return error;
}
