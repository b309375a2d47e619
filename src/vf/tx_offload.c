// SPDX-License-Identifier: BSD-3-Clause
/*
 * tx_offload.c - what a frame asks the card to do with it, as a context descriptor, and what the card wants to find in
 * its headers.
 *
 * The card adds what it sums to what the checksum field holds: so the driver puts the sum of the pseudo header there
 * (RFC 9293, 3.1; RFC 8200, 8.1), without the length when the card will cut the frame (7.2.4.7.3, 7.2.5.2). Linux' stack
 * leaves a frame in that state; a program need not know. Headers that are not whole in the first buffer, or that are
 * not what the flags say, are left alone: the card drops such a frame.
 *
 * 82599 data sheet: 7.2.3.2.3 (context), 7.2.4 (segmentation), 7.2.5 (checksums).
 */
#include <netinet/in.h>

#include "util/util.h"
#include "vf/queue.h"
#include "vf/regs.h"

#define ETH_HEADER 14u
#define MACLEN_MAX 0x7fu
#define IPLEN_MAX 0x1ffu
#define IPV4_LENGTH 2
#define IPV4_CHECKSUM 10
#define IPV4_ADDRESSES 12
#define IPV4_HEADER 20u
#define IPV6_LENGTH 4
#define IPV6_ADDRESSES 8
#define IPV6_HEADER 40u
#define TCP_CHECKSUM 16u
#define UDP_CHECKSUM 6u
#define SCTP_CHECKSUM 8u
#define L4_CSUMS (SOFTIOV_TCP_CSUM | SOFTIOV_UDP_CSUM | SOFTIOV_SCTP_CSUM | SOFTIOV_TSO)

struct vf_desc vf_tx_offload_context(const struct softiov_packet *packet)
{
	uint16_t flags = packet->flags;
	uint64_t l2_len = packet->l2_len ? packet->l2_len : ETH_HEADER;
	struct vf_desc context;

	context.qword[0] = (l2_len & MACLEN_MAX) << CTX_MACLEN_SHIFT;
	context.qword[1] = TXD_DTYP_CONTEXT | TXD_DEXT;
	if (flags & SOFTIOV_VLAN)
		context.qword[0] |= (uint64_t)packet->vlan << CTX_VLAN_SHIFT;
	if (flags & (L4_CSUMS | SOFTIOV_IP_CSUM)) {
		context.qword[0] |= packet->l3_len & IPLEN_MAX;
		if (!(flags & SOFTIOV_IPV6))
			context.qword[1] |= CTX_IPV4;
	}
	if (flags & (SOFTIOV_TCP_CSUM | SOFTIOV_TSO))
		context.qword[1] |= CTX_L4T_TCP;
	else if (flags & SOFTIOV_SCTP_CSUM)
		context.qword[1] |= CTX_L4T_SCTP;
	if (flags & SOFTIOV_TSO)
		context.qword[1] |= (uint64_t)packet->l4_len << CTX_L4LEN_SHIFT |
				    (uint64_t)packet->mss << CTX_MSS_SHIFT;
	return context;
}

static uint32_t sum_words(const uint8_t *bytes, unsigned int len)
{
	uint32_t sum = 0;

	for (unsigned int i = 0; i < len; i += 2)
		sum += get_be16(bytes + i);
	return sum;
}

static uint16_t fold(uint32_t sum)
{
	while (sum >> 16)
		sum = (sum & 0xffff) + (sum >> 16);
	return (uint16_t)sum;
}

/* The pseudo header of the IP header @ip: addresses, protocol and, unless it will be cut, length. */
static uint16_t pseudo_header(const uint8_t *ip, const struct softiov_packet *packet,
			      uint32_t protocol)
{
	uint32_t len, sum;

	if (packet->flags & SOFTIOV_IPV6) {
		sum = sum_words(ip + IPV6_ADDRESSES, 2 * sizeof(struct in6_addr));
		len = get_be16(ip + IPV6_LENGTH) + IPV6_HEADER - packet->l3_len;
	} else {
		sum = sum_words(ip + IPV4_ADDRESSES, 2 * sizeof(struct in_addr));
		len = (uint32_t)get_be16(ip + IPV4_LENGTH) - packet->l3_len;
	}
	if (!(packet->flags & SOFTIOV_TSO))
		sum += len & 0xffff;
	return fold(sum + protocol);
}

static void prepare_l4(const struct softiov_packet *packet, const uint8_t *ip, uint8_t *l4,
		       uint32_t left)
{
	if (packet->flags & SOFTIOV_SCTP_CSUM) {
		if (left >= SCTP_CHECKSUM + 4)
			put_le32(l4 + SCTP_CHECKSUM, 0);
	} else if (packet->flags & SOFTIOV_UDP_CSUM) {
		if (left >= UDP_CHECKSUM + 2)
			put_be16(l4 + UDP_CHECKSUM, pseudo_header(ip, packet, IPPROTO_UDP));
	} else if (left >= TCP_CHECKSUM + 2) {
		put_be16(l4 + TCP_CHECKSUM, pseudo_header(ip, packet, IPPROTO_TCP));
	}
}

void vf_tx_offload_prepare(const struct softiov_packet *packet)
{
	bool ipv6 = packet->flags & SOFTIOV_IPV6;
	uint32_t headers = (uint32_t)packet->l2_len + packet->l3_len;
	uint8_t *ip = (uint8_t *)packet->data + packet->l2_len;

	if (packet->l3_len < (ipv6 ? IPV6_HEADER : IPV4_HEADER) || headers > packet->len ||
	    ip[0] >> 4 != (ipv6 ? 6 : 4))
		return;
	if (!ipv6 && packet->flags & (SOFTIOV_IP_CSUM | SOFTIOV_TSO))
		put_le16(ip + IPV4_CHECKSUM, 0);
	if (packet->flags & L4_CSUMS)
		prepare_l4(packet, ip, ip + packet->l3_len, packet->len - headers);
}
