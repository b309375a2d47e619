// SPDX-License-Identifier: BSD-3-Clause
/*
 * verify.c - check received frames against what template.h says they are.
 *
 * The frame itself tells what it is: EtherType and destination port. Lengths and checksums in its
 * headers are checked in software, whatever the card found; then the stamp (or, in a TCP stream, the
 * sequence number) and every byte of the pattern.
 *
 * Sequence numbers: whoever skips some counts them as lost until they turn up; a window of bits tells
 * a late frame from a duplicate. In a stream a segment before the expected one is a duplicate.
 */
#include "pktgen/verify.h"

#include <stdlib.h>

#include "frame/frame.h"

#define ETHERTYPE_AT 12
#define VLAN_ID 0xfffu

/* A frame taken apart: where its parts are; ports and len from its headers. */
struct parts {
	const uint8_t *data;
	uint32_t len;	  /* as the headers say */
	uint32_t body_at; /* behind the headers */
	uint32_t l4_at;
	uint8_t protocol;
	bool ipv4, ipv6;
	uint16_t source_port, destination_port;
};

struct verifier *verifier_create(bool from_start, uint32_t mss)
{
	struct verifier *v = calloc(1, sizeof(*v));

	if (!v)
		return NULL;
	v->from_start = from_start;
	v->mss = mss ? mss : 1;
	for (unsigned int i = 0; from_start && i < FLOWS_MAX; i++)
		v->known[i] = true;
	return v;
}

/* Return: false if it is no kind of frame that is generated here. */
static bool take_apart(struct parts *p, const uint8_t *data, uint32_t len)
{
	uint16_t type = get_be16(data + ETHERTYPE_AT);

	*p = (struct parts){ .data = data, .len = len, .body_at = ETHER_LEN };
	if (type == ETHERTYPE_LOCAL)
		return true;
	p->ipv4 = type == ETHERTYPE_IPV4;
	p->ipv6 = type == ETHERTYPE_IPV6;
	p->l4_at = ETHER_LEN + (p->ipv4 ? IPV4_LEN : IPV6_LEN);
	if (!(p->ipv4 || p->ipv6) || len < p->l4_at + TCP_LEN)
		return false;
	p->protocol = data[ETHER_LEN + (p->ipv4 ? 9 : 6)];
	p->len = ETHER_LEN + (p->ipv4 ? get_be16(data + ETHER_LEN + 2)
				      : IPV6_LEN + get_be16(data + ETHER_LEN + 4));
	p->body_at = p->l4_at + (p->protocol == PROTOCOL_TCP ? TCP_LEN : UDP_LEN);
	p->source_port = get_be16(data + p->l4_at);
	p->destination_port = get_be16(data + p->l4_at + 2);
	return (p->protocol == PROTOCOL_TCP || p->protocol == PROTOCOL_UDP) &&
	       (p->destination_port == PORT_STAMPED || p->destination_port == PORT_STREAM);
}

static bool checksums_right(const struct parts *p)
{
	const uint8_t *ip = p->data + ETHER_LEN;
	uint8_t rest[4] = { 0, p->protocol };
	uint64_t sum;

	if (p->ipv4 && csum_fold(csum_partial(ip, IPV4_LEN, 0)))
		return false;
	if (p->ipv4 && p->protocol == PROTOCOL_UDP && !get_le16(p->data + p->l4_at + 6))
		return true; /* RFC 768: none */
	put_be16(rest + 2, (uint16_t)(p->len - p->l4_at));
	sum = csum_partial(rest, sizeof(rest), 0);
	sum = csum_partial(ip + (p->ipv4 ? 12 : 8), p->ipv4 ? 8 : 32, sum);
	return !csum_fold(csum_partial(p->data + p->l4_at, p->len - p->l4_at, sum));
}

static bool is_seen(const struct verifier *v, uint64_t sequence)
{
	return v->seen[sequence % VERIFY_WINDOW / 64] & BIT64(sequence % 64);
}

static void set_seen(struct verifier *v, uint64_t sequence, bool seen)
{
	uint64_t *word = &v->seen[sequence % VERIFY_WINDOW / 64];

	*word = seen ? *word | BIT64(sequence % 64) : *word & ~BIT64(sequence % 64);
}

static void observe(struct verifier *v, uint32_t short_sequence)
{
	uint64_t sequence =
		v->next + (uint64_t)(int64_t)(int32_t)(short_sequence - (uint32_t)v->next);

	if (sequence >= v->next && sequence < BIT64(63)) {
		uint64_t skipped = sequence - v->next;

		for (uint64_t i = 0; i < MIN(skipped, (uint64_t)VERIFY_WINDOW); i++)
			set_seen(v, sequence - 1 - i, false);
		v->stats.lost += skipped;
		v->next = sequence + 1;
	} else if (v->next - sequence <= VERIFY_WINDOW && is_seen(v, sequence)) {
		v->stats.duplicated++;
	} else {
		v->stats.reordered++;
		v->stats.lost -= v->stats.lost ? 1 : 0;
	}
	set_seen(v, sequence, true);
}

static bool check_stamped(struct verifier *v, const struct parts *p,
			  const struct softiov_packet *packet, uint32_t len)
{
	const uint8_t *stamp = p->data + p->body_at;
	uint32_t body = p->body_at + STAMP_LEN;
	uint16_t vlan = packet->flags & SOFTIOV_VLAN ? packet->vlan & VLAN_ID : 0;
	uint32_t sequence = get_le32(stamp + STAMP_SEQUENCE);

	if (len < body || p->len != len || get_le16(stamp + STAMP_MAGIC) != MAGIC_COUNTED ||
	    get_le16(stamp + STAMP_SIZE) != len || get_le16(stamp + STAMP_VLAN) != vlan ||
	    memcmp(p->data + body, pattern + body, len - body))
		return false;
	if (!v->started && !v->from_start)
		v->next = sequence;
	observe(v, sequence);
	return true;
}

static bool check_stream(struct verifier *v, const struct parts *p)
{
	uint32_t flow = (uint16_t)(p->source_port - PORT_FIRST);
	uint32_t sequence = get_be32(p->data + p->l4_at + 4), len = p->len - p->body_at;
	int32_t ahead;

	if (flow >= FLOWS_MAX || p->protocol != PROTOCOL_TCP)
		return false;
	if (memcmp(p->data + p->body_at, pattern + sequence % PATTERN_PERIOD, len))
		return false;
	if (!v->known[flow])
		v->stream[flow] = sequence;
	v->known[flow] = true;
	ahead = (int32_t)(sequence - v->stream[flow]);
	if (ahead < 0) {
		v->stats.duplicated++;
		return true;
	}
	v->stats.lost += ((uint32_t)ahead + v->mss - 1) / v->mss;
	v->stream[flow] = sequence + len;
	return true;
}

bool verifier_check(struct verifier *v, const struct softiov_packet *packet, const uint8_t *data,
		    uint32_t len)
{
	struct parts p;
	bool good = false;

	if (len < ETHER_LEN || len > PATTERN_MAX - PATTERN_PERIOD || !take_apart(&p, data, len) ||
	    (v->started && memcmp(v->source, data + ETH_ALEN, ETH_ALEN))) {
		v->stats.other++;
		return false;
	}
	if (p.len <= len && p.len > p.body_at &&
	    !(packet->flags & (SOFTIOV_IP_BAD | SOFTIOV_L4_BAD)) &&
	    (!p.l4_at || checksums_right(&p)))
		good = p.destination_port == PORT_STREAM ? check_stream(v, &p)
							 : check_stamped(v, &p, packet, len);
	if (!v->started)
		memcpy(v->source, data + ETH_ALEN, ETH_ALEN);
	v->started = true;
	v->stats.checked++;
	v->stats.corrupt += !good;
	return good;
}

void verifier_finish(struct verifier *v, uint64_t sent, const uint32_t *stream, unsigned int flows)
{
	if (!stream) {
		v->stats.lost += sent > v->next ? sent - v->next : 0;
		return;
	}
	for (unsigned int i = 0; i < flows; i++) {
		int32_t behind = (int32_t)(stream[i] - v->stream[i]);

		v->stats.lost += behind > 0 ? ((uint32_t)behind + v->mss - 1) / v->mss : 0;
	}
}
