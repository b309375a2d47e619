// SPDX-License-Identifier: BSD-3-Clause
/*
 * template.c - build a frame once.
 *
 * Addresses are those set aside for benchmarks: 198.18.0.0/15 (RFC 2544, appendix C.2.2) and
 * 2001:2::/48 (RFC 5180). What the card is to compute is left 0: checksums, and for segmentation the
 * length in the IP header.
 *
 * A checksum finished here is that of the frame with port and stamp 0, summed up once, plus port and
 * stamp, which lie at even offsets (RFC 1071, section 2).
 */
#include "pktgen/template.h"

#include "frame/frame.h"

#define IPV4_VERSION_IHL 0x45
#define IPV4_DONT_FRAGMENT 0x4000
#define IPV6_VERSION 0x60
#define TTL 64
#define TCP_OFFSET 0x50
#define TCP_ACK_PSH 0x18
#define TCP_WINDOW 0xffff
#define UDP_CHECKSUM_AT 6
#define TCP_CHECKSUM_AT 16
#define IPV4_CHECKSUM_AT 10
#define IPV4_SOURCE_AT 12
#define IPV6_SOURCE_AT 8

uint8_t pattern[PATTERN_MAX];

/* An odd factor: every value of a byte comes up once in a period, neighbours differ in many bits. */
void pattern_init(void)
{
	for (unsigned int i = 0; i < PATTERN_MAX; i++)
		pattern[i] = (uint8_t)(i * 167 + 13);
}

static bool is_ipv4(enum pktgen_proto proto)
{
	return proto == PROTO_UDP4 || proto == PROTO_TCP4;
}

static bool is_tcp(enum pktgen_proto proto)
{
	return proto == PROTO_TCP4 || proto == PROTO_TCP6;
}

static uint32_t l3_len(enum pktgen_proto proto)
{
	return proto == PROTO_ETHER ? 0 : is_ipv4(proto) ? IPV4_LEN : IPV6_LEN;
}

static uint32_t l4_len(enum pktgen_proto proto)
{
	return proto == PROTO_ETHER ? 0 : is_tcp(proto) ? TCP_LEN : UDP_LEN;
}

uint32_t template_headers(enum pktgen_proto proto)
{
	return ETHER_LEN + l3_len(proto) + l4_len(proto);
}

static void put_ipv4(uint8_t *ip, const struct template_spec *spec, uint32_t len)
{
	static const uint8_t addresses[] = { 198, 18, 0, 1, 198, 18, 0, 2 };

	memset(ip, 0, IPV4_LEN);
	ip[0] = IPV4_VERSION_IHL;
	put_be16(ip + 2, spec->mss ? 0 : (uint16_t)len);
	put_be16(ip + 6, IPV4_DONT_FRAGMENT);
	ip[8] = TTL;
	ip[9] = is_tcp(spec->proto) ? PROTOCOL_TCP : PROTOCOL_UDP;
	memcpy(ip + IPV4_SOURCE_AT, addresses, sizeof(addresses));
	if (!spec->checksum && !spec->mss)
		put_le16(ip + IPV4_CHECKSUM_AT, csum_fold(csum_partial(ip, IPV4_LEN, 0)));
}

static void put_ipv6(uint8_t *ip, const struct template_spec *spec, uint32_t len)
{
	static const uint8_t prefix[] = { 0x20, 0x01, 0x00, 0x02 };

	memset(ip, 0, IPV6_LEN);
	ip[0] = IPV6_VERSION;
	put_be16(ip + 4, spec->mss ? 0 : (uint16_t)(len - IPV6_LEN));
	ip[6] = is_tcp(spec->proto) ? PROTOCOL_TCP : PROTOCOL_UDP;
	ip[7] = TTL;
	for (unsigned int i = 0; i < 2; i++) {
		memcpy(ip + IPV6_SOURCE_AT + 16 * i, prefix, sizeof(prefix));
		ip[IPV6_SOURCE_AT + 16 * i + 15] = (uint8_t)(i + 1);
	}
}

static void put_l4(uint8_t *l4, const struct template_spec *spec, uint32_t len)
{
	memset(l4, 0, l4_len(spec->proto));
	put_be16(l4, PORT_FIRST);
	put_be16(l4 + 2, spec->mss ? PORT_STREAM : PORT_STAMPED);
	if (is_tcp(spec->proto)) {
		l4[12] = TCP_OFFSET;
		l4[13] = TCP_ACK_PSH;
		put_be16(l4 + 14, TCP_WINDOW);
	} else {
		put_be16(l4 + 4, (uint16_t)len);
	}
}

/* Sum of the pseudo-header (RFC 9293 section 3.1, RFC 8200 section 8.1). */
static uint64_t pseudo_sum(const uint8_t *ip, enum pktgen_proto proto, uint32_t len)
{
	uint8_t tail[8] = { 0 };
	uint64_t sum = is_ipv4(proto) ? csum_partial(ip + IPV4_SOURCE_AT, 8, 0)
				      : csum_partial(ip + IPV6_SOURCE_AT, 32, 0);

	put_be16(tail, (uint16_t)(len >> 16));
	put_be16(tail + 2, (uint16_t)len);
	tail[7] = is_tcp(proto) ? PROTOCOL_TCP : PROTOCOL_UDP;
	return csum_partial(tail, sizeof(tail), sum);
}

/* Leave the L4 checksum to the card, or prepare template_finish(). */
static void checksum(struct template *t, const struct template_spec *spec, uint8_t *frame)
{
	uint32_t l4_at = ETHER_LEN + l3_len(spec->proto);
	uint32_t field = l4_at + (is_tcp(spec->proto) ? TCP_CHECKSUM_AT : UDP_CHECKSUM_AT);
	uint32_t len = t->len - l4_at;

	if (spec->checksum || spec->mss) {
		t->packet.flags |= is_ipv4(spec->proto) ? SOFTIOV_IP_CSUM : SOFTIOV_IPV6;
		t->packet.flags |= is_tcp(spec->proto) ? SOFTIOV_TCP_CSUM : SOFTIOV_UDP_CSUM;
	} else if (spec->proto != PROTO_UDP4) {
		uint8_t varied[2];

		t->checksum_at = (uint16_t)field;
		memcpy(varied, frame + t->port_at, sizeof(varied));
		put_le16(frame + t->port_at, 0);
		t->sum = csum_partial(frame + l4_at, len,
				      pseudo_sum(frame + ETHER_LEN, spec->proto, len));
		memcpy(frame + t->port_at, varied, sizeof(varied));
	}
}

void template_finish(const struct template *t, uint8_t *to)
{
	uint64_t sum = csum_partial(to + t->port_at, sizeof(uint16_t), t->sum);
	uint16_t folded;

	if (t->stamped)
		sum = csum_partial(to + t->stamp_at, STAMP_LEN, sum);
	folded = csum_fold(sum);
	put_le16(to + t->checksum_at, folded ? folded : UINT16_MAX);
}

void template_build(struct template *t, const struct template_spec *spec, uint32_t len)
{
	uint8_t frame[PATTERN_MAX];
	uint32_t l3 = l3_len(spec->proto), headers = template_headers(spec->proto);

	*t = (struct template){ .len = len,
				.stamp_at = (uint16_t)headers,
				.stamped = spec->stamped };
	memcpy(frame, pattern, sizeof(frame));
	memcpy(frame, spec->destination, ETH_ALEN);
	memcpy(frame + ETH_ALEN, spec->source, ETH_ALEN);
	put_be16(frame + 2 * ETH_ALEN, !l3		      ? ETHERTYPE_LOCAL
				       : is_ipv4(spec->proto) ? ETHERTYPE_IPV4
							      : ETHERTYPE_IPV6);
	if (spec->stamped)
		memset(frame + headers, 0, STAMP_LEN);
	t->packet = (struct softiov_packet){ .len = len, .l2_len = ETHER_LEN };
	if (l3) {
		uint8_t *ip = frame + ETHER_LEN;

		t->packet.l3_len = (uint16_t)l3;
		t->packet.l4_len = (uint8_t)l4_len(spec->proto);
		t->port_at = (uint16_t)(ETHER_LEN + l3);
		if (is_ipv4(spec->proto))
			put_ipv4(ip, spec, len - ETHER_LEN);
		else
			put_ipv6(ip, spec, len - ETHER_LEN);
		put_l4(ip + l3, spec, len - ETHER_LEN - l3);
		checksum(t, spec, frame);
	}
	if (spec->mss) {
		t->packet.flags |= SOFTIOV_TSO;
		t->packet.mss = spec->mss;
	}
	memcpy(t->head, frame, TEMPLATE_HEAD);
	if (t->checksum_at)
		template_finish(t, t->head);
}
