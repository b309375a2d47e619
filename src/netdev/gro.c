/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * gro.c - joining TCP segments, by the rules of the kernel's own GRO (Linux net/ipv4/tcp_offload.c, af_inet.c): what
 * is cut again later must come out as it came in.
 *
 * A segment joins the flow whose last one it follows: same addresses, ports, type of service, time to live, options,
 * acknowledgement and window, the next sequence number, and no flags but ACK and PSH. All but the last have the same
 * length; a shorter one, or one with PSH, ends the frame. IPv4 fragments stay alone, and segments that may be
 * fragmented on the way, whose identification would have to be kept. Only segments whose checksums the card has found
 * right are joined: the frame claims a right one.
 */
#include "netdev/gro.h"

#include <netinet/in.h>
#include "frame/frame.h"
#include "netdev/protocol.h"

/** struct segment - what a frame is, read once. @payload 0: not to be joined. */
struct segment {
	const struct softiov_packet *packet;
	uint16_t ip, tcp, headers;
	uint32_t payload;
	bool ipv6, tcp_flow;
};

static const uint8_t *at(const struct softiov_packet *packet, unsigned int offset)
{
	return (const uint8_t *)packet->data + offset;
}

/* Return: length of the IP packet, 0: not one with TCP right behind a plain header. */
static uint32_t parse_ip(struct segment *segment)
{
	const uint8_t *ip = at(segment->packet, ETH_HEADER_LEN);
	uint32_t room = segment->packet->len - ETH_HEADER_LEN, len;

	segment->ip = ETH_HEADER_LEN;
	switch (get_be16(at(segment->packet, ETH_TYPE))) {
	case ETH_TYPE_IPV4:
		if (room < IPV4_HEADER_LEN + TCP_HEADER_LEN || ip[0] != IPV4_PLAIN ||
		    ip[IPV4_PROTOCOL] != IPPROTO_TCP)
			return 0;
		segment->tcp = ETH_HEADER_LEN + IPV4_HEADER_LEN;
		len = get_be16(ip + IPV4_TOTAL_LENGTH);
		break;
	case ETH_TYPE_IPV6:
		if (room < IPV6_HEADER_LEN + TCP_HEADER_LEN || ip[0] >> 4 != 6 ||
		    ip[IPV6_NEXT_HEADER] != IPPROTO_TCP)
			return 0;
		segment->ipv6 = true;
		segment->tcp = ETH_HEADER_LEN + IPV6_HEADER_LEN;
		len = IPV6_HEADER_LEN + get_be16(ip + IPV6_PAYLOAD_LENGTH);
		break;
	default:
		return 0;
	}
	return len <= room ? len : 0;
}

static void parse(struct segment *segment, const struct softiov_packet *packet)
{
	uint16_t good;
	uint32_t len;

	*segment = (struct segment){ .packet = packet };
	if (packet->flags & SOFTIOV_MORE || packet->len < ETH_HEADER_LEN)
		return;
	len = parse_ip(segment);
	if (!len)
		return;
	segment->tcp_flow = true;
	good = segment->ipv6 ? SOFTIOV_L4_GOOD : SOFTIOV_L4_GOOD | SOFTIOV_IP_GOOD;
	if ((packet->flags & good) != good)
		return;
	segment->headers = segment->tcp + (*at(packet, segment->tcp + TCP_DATA_OFFSET) >> 4) * 4;
	if (segment->headers < segment->tcp + TCP_HEADER_LEN ||
	    segment->headers >= ETH_HEADER_LEN + len)
		return;
	if ((*at(packet, segment->tcp + TCP_FLAGS) & ~TCP_PSH) != TCP_ACK)
		return;
	if (!segment->ipv6 &&
	    get_be16(at(packet, segment->ip + IPV4_FRAGMENT)) != IPV4_DONT_FRAGMENT)
		return;
	segment->payload = ETH_HEADER_LEN + len - segment->headers;
}

static bool equal(const struct softiov_packet *a, const struct softiov_packet *b,
		  unsigned int offset, size_t len)
{
	return !memcmp(at(a, offset), at(b, offset), len);
}

/* Do both belong to one connection? */
static bool same_flow(const struct gro_flow *flow, const struct segment *segment)
{
	const struct softiov_packet *a = flow->first, *b = segment->packet;

	if (flow->tcp != segment->tcp || !equal(a, b, flow->tcp, TCP_SEQUENCE))
		return false;
	return flow->ipv6 ? equal(a, b, flow->ip + IPV6_SOURCE, IPV6_ADDRESSES_LEN)
			  : equal(a, b, flow->ip + IPV4_SOURCE, IPV4_ADDRESSES_LEN);
}

/* Would the kernel, cutting the flow's frame again, make this very segment? */
static bool fits(const struct gro_flow *flow, const struct segment *segment)
{
	const struct softiov_packet *a = flow->first, *b = segment->packet;
	uint16_t vlan = SOFTIOV_VLAN;

	if (flow->closed || !segment->payload || segment->payload > flow->mss ||
	    flow->headers != segment->headers || flow->segments == GRO_SEGMENTS ||
	    flow->headers - flow->ip + flow->payload + segment->payload > IP_LEN_MAX)
		return false;
	if (get_be32(at(b, segment->tcp + TCP_SEQUENCE)) != flow->next_sequence)
		return false;
	if ((a->flags & vlan) != (b->flags & vlan) || (a->flags & vlan && a->vlan != b->vlan))
		return false;
	if (flow->ipv6 ? !equal(a, b, 0, flow->ip + IPV6_PAYLOAD_LENGTH) ||
				 !equal(a, b, flow->ip + IPV6_NEXT_HEADER, 2)
		       : !equal(a, b, 0, flow->ip + IPV4_TOTAL_LENGTH) ||
				 !equal(a, b, flow->ip + IPV4_TTL, 1))
		return false;
	return equal(a, b, flow->tcp + TCP_ACKNOWLEDGEMENT, 4) &&
	       equal(a, b, flow->tcp + TCP_WINDOW, 2) &&
	       equal(a, b, flow->tcp + TCP_HEADER_LEN, flow->headers - flow->tcp - TCP_HEADER_LEN);
}

static void add_piece(struct gro_flow *flow, const void *data, size_t len)
{
	flow->iov[flow->pieces++] = (struct iovec){ (void *)data, len };
}

/* The first piece or pieces of a frame, its tag back in the bytes. Return: packets. */
static unsigned int start(struct gro_flow *flow, const struct softiov_packet *packet)
{
	unsigned int n = 0, head = 0;

	flow->first = packet;
	flow->segments = 1;
	flow->pieces = 0;
	memset(&flow->vnet, 0, sizeof(flow->vnet));
	add_piece(flow, &flow->vnet, sizeof(flow->vnet));
	if (packet->flags & SOFTIOV_VLAN && packet->len > ETH_TYPE) {
		head = ETH_TYPE;
		put_be16(flow->tag, ETH_TYPE_VLAN);
		put_be16(flow->tag + 2, packet->vlan);
		add_piece(flow, packet->data, head);
		add_piece(flow, flow->tag, sizeof(flow->tag));
	}
	add_piece(flow, at(packet, head), packet->len - head);
	while (packet[n].flags & SOFTIOV_MORE && n + 1 < SOFTIOV_PIECES_MAX) {
		n++;
		add_piece(flow, packet[n].data, packet[n].len);
	}
	return n + 1;
}

static void open_flow(struct gro_flow *flow, const struct segment *segment)
{
	const struct softiov_packet *packet = segment->packet;

	start(flow, packet);
	flow->ip = segment->ip;
	flow->tcp = segment->tcp;
	flow->headers = segment->headers;
	flow->ipv6 = segment->ipv6;
	flow->payload = segment->payload;
	flow->mss = (uint16_t)segment->payload;
	flow->next_sequence = get_be32(at(packet, segment->tcp + TCP_SEQUENCE)) + segment->payload;
	flow->closed = *at(packet, segment->tcp + TCP_FLAGS) & TCP_PSH;
}

static void join(struct gro_flow *flow, const struct segment *segment)
{
	uint8_t *flags = (uint8_t *)flow->first->data + flow->tcp + TCP_FLAGS;
	bool push = *at(segment->packet, segment->tcp + TCP_FLAGS) & TCP_PSH;

	if (flow->segments == 1) /* padding and the like ends here */
		flow->iov[flow->pieces - 1].iov_len -=
			flow->first->len - flow->headers - flow->payload;
	add_piece(flow, at(segment->packet, segment->headers), segment->payload);
	flow->segments++;
	flow->payload += segment->payload;
	flow->next_sequence += segment->payload;
	if (push)
		*flags |= TCP_PSH;
	flow->closed = push || segment->payload < flow->mss;
}

static uint16_t be16(uint32_t value)
{
	return __builtin_bswap16((uint16_t)value);
}

/* Headers and request of a joined frame: as if the sender's kernel had made it for a card that cuts. */
static void complete(struct gro_flow *flow)
{
	uint8_t *ip = (uint8_t *)flow->first->data + flow->ip,
		*tcp = (uint8_t *)flow->first->data + flow->tcp;
	unsigned int tag = flow->first->flags & SOFTIOV_VLAN ? VLAN_TAG_LEN : 0;
	uint32_t l4_len = flow->headers - flow->tcp + flow->payload;
	uint64_t sum = be16(l4_len) + be16(IPPROTO_TCP);

	if (flow->ipv6) {
		put_be16(ip + IPV6_PAYLOAD_LENGTH, (uint16_t)l4_len);
		sum = csum_partial(ip + IPV6_SOURCE, IPV6_ADDRESSES_LEN, sum);
	} else {
		put_be16(ip + IPV4_TOTAL_LENGTH, (uint16_t)(IPV4_HEADER_LEN + l4_len));
		put_le16(ip + IPV4_CHECKSUM, 0);
		put_le16(ip + IPV4_CHECKSUM, csum_fold(csum_partial(ip, IPV4_HEADER_LEN, 0)));
		sum = csum_partial(ip + IPV4_SOURCE, IPV4_ADDRESSES_LEN, sum);
	}
	put_le16(tcp + TCP_CHECKSUM, (uint16_t)~csum_fold(sum));
	flow->vnet.flags = VIRTIO_NET_HDR_F_NEEDS_CSUM;
	flow->vnet.gso_type = flow->ipv6 ? VIRTIO_NET_HDR_GSO_TCPV6 : VIRTIO_NET_HDR_GSO_TCPV4;
	flow->vnet.gso_size = flow->mss;
	flow->vnet.hdr_len = (uint16_t)(tag + flow->headers);
	flow->vnet.csum_start = (uint16_t)(tag + flow->tcp);
	flow->vnet.csum_offset = TCP_CHECKSUM;
}

static void write_flow(struct gro *gro, struct gro_flow *flow)
{
	if (flow->segments > 1) {
		complete(flow);
		gro->merged += flow->segments - 1;
	} else if (flow->first->flags & SOFTIOV_L4_GOOD) {
		flow->vnet.flags = VIRTIO_NET_HDR_F_DATA_VALID;
	}
	gro->write(gro->ctx, flow->iov, flow->pieces);
	flow->segments = 0;
}

static struct gro_flow *find(struct gro *gro, const struct segment *segment)
{
	for (unsigned int i = 0; i < gro->flows; i++)
		if (gro->flow[i].segments && same_flow(&gro->flow[i], segment))
			return &gro->flow[i];
	return NULL;
}

/* A place for a new flow: one of those that are free, or all of them. */
static struct gro_flow *make_room(struct gro *gro)
{
	if (gro->flows == GRO_FLOWS)
		gro_flush(gro);
	return &gro->flow[gro->flows++];
}

unsigned int gro_receive(struct gro *gro, const struct softiov_packet *packet)
{
	struct gro_flow *flow = NULL, *alone = &gro->flow[GRO_FLOWS];
	struct segment segment;
	unsigned int n;

	parse(&segment, packet);
	if (segment.tcp_flow)
		flow = find(gro, &segment);
	if (flow && fits(flow, &segment)) {
		join(flow, &segment);
		return 1;
	}
	if (flow)
		write_flow(gro, flow);
	if (segment.payload) {
		open_flow(flow ? flow : make_room(gro), &segment);
		return 1;
	}
	n = start(alone, packet);
	write_flow(gro, alone);
	return n;
}

void gro_flush(struct gro *gro)
{
	for (unsigned int i = 0; i < gro->flows; i++)
		if (gro->flow[i].segments)
			write_flow(gro, &gro->flow[i]);
	gro->flows = 0;
}
