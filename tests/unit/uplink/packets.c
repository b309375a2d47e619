/* SPDX-License-Identifier: BSD-3-Clause */
/* packets.c - see packets.h; on purpose without the frame room's checksum functions. */
#include "packets.h"

#include <netinet/in.h>
#include <string.h>
#include "util/util.h"

#define ETH 14
#define TAG 4
#define TCP_LEN 20
#define UDP_LEN 8

static uint32_t sum_bytes(const uint8_t *bytes, uint32_t len, uint32_t sum)
{
	for (uint32_t i = 0; i < len; i++) {
		sum += i % 2 ? bytes[i] : (uint32_t)bytes[i] << 8;
		sum = (sum & 0xffff) + (sum >> 16);
	}
	return sum;
}

static uint32_t pseudo(const uint8_t *ip, uint8_t protocol, uint32_t l4_len)
{
	uint32_t sum = sum_bytes(ip[0] >> 4 == 4 ? ip + 12 : ip + 8, ip[0] >> 4 == 4 ? 8 : 32, 0);

	sum += protocol + l4_len;
	while (sum >> 16)
		sum = (sum & 0xffff) + (sum >> 16);
	return sum;
}

static uint32_t ip_len(const struct packet *packet)
{
	return packet->ipv6 ? 40 : 20;
}

static uint32_t l4_len(const struct packet *packet)
{
	return packet->udp ? UDP_LEN : TCP_LEN;
}

uint32_t packet_headers(const struct packet *packet)
{
	return ETH + (packet->vlan ? TAG : 0) + ip_len(packet) + l4_len(packet);
}

static void make_ip(const struct packet *packet, uint8_t *ip, uint32_t l4_total)
{
	uint8_t protocol = packet->udp ? IPPROTO_UDP : IPPROTO_TCP;

	if (packet->ipv6) {
		ip[0] = 0x60;
		put_be16(ip + 4, (uint16_t)l4_total);
		ip[6] = protocol;
		ip[7] = 64;
		ip[8] = ip[24] = 0xfd;
		ip[23] = 2;
		ip[39] = 1;
		return;
	}
	ip[0] = 0x45;
	put_be16(ip + 2, (uint16_t)(20 + l4_total));
	put_be16(ip + 4, 0x1234);
	ip[8] = 64;
	ip[9] = protocol;
	put_be32(ip + 12, 0x0a000002);
	put_be32(ip + 16, 0x0a000001);
	put_be16(ip + 10, (uint16_t)~sum_bytes(ip, 20, 0));
}

static void make_l4(const struct packet *packet, uint8_t *l4, uint32_t l4_total)
{
	put_be16(l4, 5000);
	put_be16(l4 + 2, 6000);
	if (packet->udp) {
		put_be16(l4 + 4, (uint16_t)l4_total);
		return;
	}
	put_be32(l4 + 4, 1000000);
	l4[12] = 5 << 4;
	l4[13] = packet->tcp_flags;
	put_be16(l4 + 14, 65535);
}

static void make_vnet(const struct packet *packet, uint32_t start, uint32_t field,
		      struct virtio_net_hdr *vnet)
{
	memset(vnet, 0, sizeof(*vnet));
	if (packet->partial) {
		vnet->flags = VIRTIO_NET_HDR_F_NEEDS_CSUM;
		vnet->csum_start = (uint16_t)start;
		vnet->csum_offset = (uint16_t)field;
	}
	if (packet->mss) {
		vnet->gso_size = packet->mss;
		vnet->hdr_len = (uint16_t)packet_headers(packet);
		vnet->gso_type = packet->udp	? VIRTIO_NET_HDR_GSO_UDP_L4
				 : packet->ipv6 ? VIRTIO_NET_HDR_GSO_TCPV6
						: VIRTIO_NET_HDR_GSO_TCPV4;
		if (packet->tcp_flags & 0x80)
			vnet->gso_type |= VIRTIO_NET_HDR_GSO_ECN;
	}
}

uint32_t packet_make(const struct packet *packet, uint8_t *bytes, struct virtio_net_hdr *vnet)
{
	static const uint8_t macs[12] = { 0x02, 0, 0, 0, 0, 1, 0x02, 0, 0, 0, 0, 2 };
	uint32_t ip_at = ETH + (packet->vlan ? TAG : 0), l4_at = ip_at + ip_len(packet);
	uint32_t l4_total = l4_len(packet) + packet->payload, field = packet->udp ? 6 : 16, sum;
	uint8_t *ip = bytes + ip_at, *l4 = bytes + l4_at;

	memset(bytes, 0, packet_headers(packet));
	memcpy(bytes, macs, sizeof(macs));
	if (packet->vlan) {
		put_be16(bytes + 12, 0x8100);
		put_be16(bytes + 14, packet->vlan);
	}
	put_be16(bytes + ip_at - 2, packet->ipv6 ? 0x86dd : 0x0800);
	for (uint32_t i = 0; i < packet->payload; i++)
		l4[l4_len(packet) + i] = (uint8_t)(i * 7);
	make_ip(packet, ip, l4_total);
	make_l4(packet, l4, l4_total);
	sum = pseudo(ip, packet->udp ? IPPROTO_UDP : IPPROTO_TCP, l4_total);
	put_be16(l4 + field, (uint16_t)(packet->partial ? sum : ~sum_bytes(l4, l4_total, sum)));
	make_vnet(packet, l4_at, field, vnet);
	return l4_at + l4_total;
}

bool packet_is_good(const uint8_t *bytes, uint32_t len)
{
	uint32_t at = get_be16(bytes + 12) == 0x8100 ? ETH + TAG : ETH, ip_header, total, l4_total;
	const uint8_t *ip = bytes + at;
	uint8_t protocol;

	if (get_be16(ip - 2) == 0x0800) {
		ip_header = (ip[0] & 15u) * 4;
		total = get_be16(ip + 2);
		protocol = ip[9];
		if (sum_bytes(ip, ip_header, 0) != 0xffff)
			return false;
	} else {
		ip_header = 40;
		total = 40u + get_be16(ip + 4);
		protocol = ip[6];
	}
	/* Short frames are padded. */
	if (at + total > len || (len > 60 && at + total != len))
		return false;
	l4_total = total - ip_header;
	if (protocol == IPPROTO_UDP && get_be16(ip + ip_header + 4) != l4_total)
		return false;
	return sum_bytes(ip + ip_header, l4_total, pseudo(ip, protocol, l4_total)) == 0xffff;
}
