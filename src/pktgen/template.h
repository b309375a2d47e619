/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * template.h - what generated frames look like, byte by byte, for who builds and who checks them.
 *
 * Ethernet | nothing, or IPv4/IPv6 and UDP/TCP | stamp, if frames are to be checked | pattern. Byte n of the pattern is a
 * function of n alone, n being the offset in the frame; in a TCP stream that the card cuts (--tso) it is the offset in the
 * stream, and there are no stamps.
 *
 * Stamp: magic, frame length, VLAN (0: untagged), 16 bits each, and a sequence number of 32 bits; little endian.
 */
#ifndef SOFTIOV_PKTGEN_TEMPLATE_H
#define SOFTIOV_PKTGEN_TEMPLATE_H

#include <softiov/softiov.h>
#include "util/util.h"

#define FRAME_SIZE_MIN 60u /* without FCS: IEEE 802.3's 64 */
#define STAMP_LEN 10u
#define STAMP_MAGIC 0
#define STAMP_SIZE 2
#define STAMP_VLAN 4
#define STAMP_SEQUENCE 6
#define MAGIC_COUNTED 0x5349u /* generated, sequence number counts */
#define MAGIC_PROBE 0x5350u   /* latency probe */

#define ETHERTYPE_IPV4 0x0800u
#define ETHERTYPE_IPV6 0x86ddu
#define ETHERTYPE_LOCAL 0x88b5u /* IEEE 802, local experimental */
#define ETHER_LEN 14u
#define IPV4_LEN 20u
#define IPV6_LEN 40u
#define UDP_LEN 8u
#define TCP_LEN 20u
#define PROTOCOL_TCP 6u
#define PROTOCOL_UDP 17u

#define PORT_FIRST 49152u /* source port of flow 0: the first dynamic one (RFC 6335) */
#define FLOWS_MAX 16384u
#define PORT_STAMPED 9u /* destination: discard (RFC 863) */
#define PORT_STREAM 19u /* ... of --tso: character generator (RFC 864) */

#define TEMPLATE_HEAD 96u /* holds every header and a stamp */
#define PATTERN_PERIOD 256u
#define PATTERN_MAX (16384u + PATTERN_PERIOD)

enum pktgen_proto { PROTO_ETHER, PROTO_UDP4, PROTO_UDP6, PROTO_TCP4, PROTO_TCP6 };

/**
 * struct template_spec
 * @stamped: there is a stamp
 * @checksum: the card computes checksums; else they are finished here (UDP over IPv4 goes without)
 * @mss: not 0: TCP requests that the card cuts
 */
struct template_spec {
	enum pktgen_proto proto;
	uint8_t source[ETH_ALEN], destination[ETH_ALEN];
	bool stamped, checksum;
	uint16_t mss;
};

/**
 * struct template - a frame of one size.
 * @head: its first bytes; writing all TEMPLATE_HEAD of them is right for every size
 * @stamp_at: where the stamp is, or would be: behind the headers
 * @port_at: of the source port, 0: none
 * @checksum_at: of the L4 checksum that template_finish() computes, 0: none; @sum: of what does not vary
 * @packet: flags and header lengths, no data
 */
struct template
{
	uint32_t len;
	uint16_t stamp_at, port_at, checksum_at;
	bool stamped;
	uint64_t sum;
	struct softiov_packet packet;
	uint8_t head[TEMPLATE_HEAD];
};

/** template_headers() - bytes of all headers. */
uint32_t template_headers(enum pktgen_proto proto);
/** template_build() - @len bytes a frame; with @spec->mss a request, headers included. */
void template_build(struct template *t, const struct template_spec *spec, uint32_t len);

/** pattern - byte n is the pattern at n; starting at a multiple of PATTERN_PERIOD is the same as starting at 0. */
extern uint8_t pattern[PATTERN_MAX];
void pattern_init(void);

/** template_finish() - the checksum of a frame at @to whose port or stamp was changed; t->checksum_at is not 0. */
void template_finish(const struct template *t, uint8_t *to);

static inline void stamp_write(const struct template *t, uint8_t *to, uint16_t magic, uint16_t vlan,
			       uint32_t sequence)
{
	uint8_t *stamp = to + t->stamp_at;

	put_le16(stamp + STAMP_MAGIC, magic);
	put_le16(stamp + STAMP_SIZE, (uint16_t)t->len);
	put_le16(stamp + STAMP_VLAN, vlan);
	put_le32(stamp + STAMP_SEQUENCE, sequence);
}

#endif
