/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * reference.c - see reference.h. Nothing here is clever, on purpose; RFC 791, 1071, 8200, 9260,
 * 9293, 768, 7348, 2784.
 */
#include "reference.h"

#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>

static uint64_t state = 1;

void ref_seed(uint64_t seed)
{
	state = seed ? seed : 1;
}

uint64_t ref_random(uint64_t below)
{
	state ^= state << 13;
	state ^= state >> 7;
	state ^= state << 17;
	return below ? (state >> 11) % below : 0;
}

static void set16(uint8_t *p, unsigned int v)
{
	p[0] = (uint8_t)(v >> 8);
	p[1] = (uint8_t)v;
}

static unsigned int word(const uint8_t *p)
{
	return p[0] * 256u + p[1];
}

/* The sum, not complemented. */
static uint32_t sum16(const uint8_t *bytes, uint32_t len, uint32_t sum)
{
	for (uint32_t i = 0; i < len; i += 2) {
		sum += bytes[i] * 256u + (i + 1 < len ? bytes[i + 1] : 0);
		sum = (sum & 0xffff) + (sum >> 16);
	}
	return sum;
}

uint16_t ref_checksum(const uint8_t *bytes, uint32_t len, uint32_t start)
{
	return (uint16_t)~sum16(bytes, len, start);
}

uint32_t ref_crc32c(const uint8_t *bytes, uint32_t len)
{
	uint32_t crc = 0xffffffff;

	for (uint32_t i = 0; i < len; i++) {
		crc ^= bytes[i];
		for (int bit = 0; bit < 8; bit++)
			crc = crc & 1 ? (crc >> 1) ^ 0x82f63b78 : crc >> 1;
	}
	return ~crc;
}

static bool pseudo_is_ipv6(const struct ref_frame *f)
{
	return f->spec.tunnel == REF_PLAIN ? f->spec.ipv6 : f->spec.inner_ipv6;
}

static uint32_t pseudo_sum(const struct ref_frame *f, const uint8_t *bytes, uint32_t l4_len)
{
	const uint8_t *ip = bytes + f->pseudo_l3;
	uint32_t sum = pseudo_is_ipv6(f) ? sum16(ip + 8, 32, 0) : sum16(ip + 12, 8, 0);
	uint8_t rest[8] = { (uint8_t)(l4_len >> 24),
			    (uint8_t)(l4_len >> 16),
			    (uint8_t)(l4_len >> 8),
			    (uint8_t)l4_len,
			    0,
			    0,
			    0,
			    f->spec.l4 };

	return sum16(rest, sizeof(rest), sum);
}

static void fix_l4(const struct ref_frame *f, uint8_t *bytes, uint32_t len)
{
	uint8_t *l4 = bytes + f->l4;
	uint32_t l4_len = len - f->l4, crc;
	uint16_t sum;

	switch (f->spec.l4) {
	case IPPROTO_TCP:
		set16(l4 + 16, 0);
		set16(l4 + 16, ref_checksum(l4, l4_len, pseudo_sum(f, bytes, l4_len)));
		break;
	case IPPROTO_UDP:
		set16(l4 + 4, l4_len);
		set16(l4 + 6, 0);
		sum = ref_checksum(l4, l4_len, pseudo_sum(f, bytes, l4_len));
		set16(l4 + 6, sum ? sum : 0xffff);
		break;
	case IPPROTO_SCTP:
		memset(l4 + 8, 0, 4);
		crc = ref_crc32c(l4, l4_len);
		for (int i = 0; i < 4; i++)
			l4[8 + i] = (uint8_t)(crc >> (8 * i));
		break;
	}
}

void ref_fix(const struct ref_frame *f, uint8_t *bytes, uint32_t len)
{
	uint8_t *ip = bytes + f->l3;

	if (f->spec.ipv6) {
		set16(ip + 4, len - f->l3 - 40);
	} else {
		set16(ip + 2, len - f->l3);
		set16(ip + 10, 0);
		set16(ip + 10, ref_checksum(ip, 20 + f->spec.options, 0));
	}
	fix_l4(f, bytes, len);
}

static void put_random(struct ref_frame *f, unsigned int len)
{
	while (len--)
		f->bytes[f->len++] = (uint8_t)ref_random(256);
}

/* An IP header whose length field speaks of one full segment; @options as in the spec. */
static void put_ip(struct ref_frame *f, bool ipv6, uint8_t next, unsigned int options)
{
	uint8_t *ip = f->bytes + f->len;

	put_random(f, (ipv6 ? 40 : 20) + options);
	if (ipv6) {
		ip[0] = 0x60;
		ip[6] = options ? 0 : next;
		if (options) {
			ip[40] = next;
			ip[41] = (uint8_t)(options / 8 - 1);
		}
	} else {
		ip[0] = (uint8_t)(0x40 | (5 + options / 4));
		set16(ip + 6, 0x4000);
		ip[9] = next;
	}
}

static void put_tunnel(struct ref_frame *f)
{
	uint8_t next = f->spec.inner_ipv6 ? IPPROTO_IPV6 : IPPROTO_IPIP;
	uint8_t *p;

	switch (f->spec.tunnel) {
	case REF_VXLAN:
		put_ip(f, f->spec.ipv6, IPPROTO_UDP, f->spec.options);
		put_random(f, 8 + 8 + 12);
		p = f->bytes + f->len;
		set16(p, f->spec.inner_ipv6 ? 0x86dd : 0x0800);
		f->len += 2;
		break;
	case REF_GRE:
		put_ip(f, f->spec.ipv6, IPPROTO_GRE, f->spec.options);
		p = f->bytes + f->len;
		set16(p, 0);
		set16(p + 2, f->spec.inner_ipv6 ? 0x86dd : 0x0800);
		f->len += 4;
		break;
	default:
		put_ip(f, f->spec.ipv6, next, f->spec.options);
	}
}

static void put_l4(struct ref_frame *f)
{
	uint8_t *l4 = f->bytes + f->len;

	put_random(f, f->spec.l4 == IPPROTO_TCP	  ? 20 + f->spec.tcp_options
		      : f->spec.l4 == IPPROTO_UDP ? 8
						  : 12);
	if (f->spec.l4 == IPPROTO_TCP)
		l4[12] = (uint8_t)((5 + f->spec.tcp_options / 4) << 4);
}

void ref_build(struct ref_frame *f, const struct ref_spec *spec)
{
	f->spec = *spec;
	f->len = 0;
	f->tci = (uint16_t)ref_random(65536);
	put_random(f, 12);
	f->bytes[0] &= 0xfe;
	set16(f->bytes + 12, spec->ipv6 ? 0x86dd : 0x0800);
	f->len = f->l3 = f->pseudo_l3 = 14;
	if (spec->tunnel == REF_PLAIN) {
		put_ip(f, spec->ipv6, spec->l4, spec->options);
	} else {
		put_tunnel(f);
		f->pseudo_l3 = f->len;
		put_ip(f, spec->inner_ipv6, spec->l4, 0);
	}
	f->l4 = f->len;
	put_l4(f);
	f->header = f->len;
	put_random(f, spec->payload);
	ref_fix(f, f->bytes, f->len);
	put_random(f, spec->trailing);
}

void ref_prepare(const struct ref_frame *f, uint8_t *bytes, unsigned int flags)
{
	bool tso = flags & FRAME_TSO;
	uint32_t sum;

	if (flags & (FRAME_IP_CSUM | FRAME_TSO) && !f->spec.ipv6)
		set16(bytes + f->l3 + 10, (unsigned int)ref_random(65536));
	if (tso)
		set16(bytes + f->l3 + (f->spec.ipv6 ? 4 : 2), 0);
	if (tso && f->spec.l4 == IPPROTO_UDP)
		set16(bytes + f->l4 + 4, (unsigned int)ref_random(65536));
	if (!(flags & (FRAME_L4_CSUM | FRAME_TSO)))
		return;
	sum = pseudo_sum(f, bytes, tso ? 0 : f->len - f->l4);
	if (f->spec.l4 == IPPROTO_SCTP)
		memset(bytes + f->l4 + 8, (int)ref_random(256), 4);
	else
		set16(bytes + f->l4 + (f->spec.l4 == IPPROTO_TCP ? 16 : 6), sum);
}

unsigned int ref_cuts(const struct ref_frame *f, unsigned int flags)
{
	unsigned int cuts = 1;

	if (flags & FRAME_TSO) {
		for (uint32_t done = f->spec.mss; done < f->spec.payload; done += f->spec.mss)
			cuts++;
	}
	return cuts;
}

static uint32_t cut_tso(const struct ref_frame *f, unsigned int index, uint8_t *to)
{
	uint32_t offset = index * f->spec.mss, left = f->spec.payload - offset;
	uint32_t payload = left < f->spec.mss ? left : f->spec.mss;
	uint8_t *l4 = to + f->l4, *ip = to + f->l3;

	memcpy(to, f->bytes, f->header);
	memcpy(to + f->header, f->bytes + f->header + offset, payload);
	if (!f->spec.ipv6)
		set16(ip + 4, word(ip + 4) + index);
	if (f->spec.l4 == IPPROTO_TCP) {
		uint32_t sequence = word(l4 + 4) << 16 | word(l4 + 6);

		sequence += offset;
		set16(l4 + 4, sequence >> 16);
		set16(l4 + 6, sequence);
		if (payload < left)
			l4[13] &= 0xf6; /* PSH, FIN: last only */
		if (index)
			l4[13] &= 0x7f; /* CWR: first only */
	}
	ref_fix(f, to, f->header + payload);
	return f->header + payload;
}

uint32_t ref_cut(const struct ref_frame *f, unsigned int flags, unsigned int index,
		 bool insert_vlan, uint8_t *to)
{
	uint32_t len;

	if (flags & FRAME_TSO) {
		len = cut_tso(f, index, to);
	} else {
		len = f->len;
		memcpy(to, f->bytes, len);
	}
	if (flags & FRAME_PAD) {
		while (len < 60)
			to[len++] = 0;
	}
	if (insert_vlan && f->spec.tag != REF_UNTAGGED) {
		memmove(to + 16, to + 12, len - 12);
		set16(to + 12, 0x8100);
		set16(to + 14, f->tci);
		len += 4;
	}
	return len;
}

static void load_segments(struct ref_load *load, const uint8_t *from, uint32_t len)
{
	bool whole = ref_random(3) == 0;
	unsigned int n = 0;

	while (len) {
		uint32_t piece = (uint32_t)(1 + ref_random(1 + ref_random(len)));
		uint8_t *block;

		if (whole || n == FRAME_MAX_SEGMENTS - 1)
			piece = len;
		block = malloc(piece);
		memcpy(block, from, piece);
		load->segment[n++] = (struct frame_segment){ block, piece };
		from += piece;
		len -= piece;
	}
	load->frame.segments = (uint16_t)n;
	load->frame.segment = load->segment;
}

void ref_load(struct ref_load *load, const struct ref_frame *f, unsigned int flags)
{
	static uint8_t raw[REF_MAX + 4];
	uint32_t len = f->len, header;
	uint16_t tag_len = 0;

	memcpy(raw, f->bytes, len);
	ref_prepare(f, raw, flags);
	if (f->spec.tag == REF_TAG_IN_BAND) {
		memmove(raw + 16, raw + 12, len - 12);
		set16(raw + 12, 0x8100);
		set16(raw + 14, f->tci);
		tag_len = 4;
		len += 4;
	}
	header = f->header + tag_len;
	header += (uint32_t)ref_random((len < FRAME_HEADER_MAX ? len : FRAME_HEADER_MAX) - header +
				       1);
	load->frame.flags = (uint16_t)flags;
	if (f->spec.tag == REF_TAG_METADATA) {
		load->frame.flags |= FRAME_VLAN;
		load->frame.vlan = f->tci;
		load->frame.vlan_tpid = 0x8100;
	}
	load->frame.len = len;
	load->frame.header_len = (uint16_t)header;
	load->frame.l2_len = (uint16_t)(f->l3 + tag_len);
	load->frame.l3_len = (uint16_t)(f->l4 - f->l3);
	load->frame.l4_len = (uint16_t)(f->header - f->l4);
	load->frame.l4_proto = f->spec.l4;
	load->frame.mss = (uint16_t)f->spec.mss;
	memcpy(load->frame.header, raw, header);
	load_segments(load, raw + header, len - header);
}

void ref_unload(struct ref_load *load)
{
	for (unsigned int i = 0; i < load->frame.segments; i++)
		free((void *)load->segment[i].base);
}
