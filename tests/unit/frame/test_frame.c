/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * test_frame.c - the parser, the checks at the door, and the cases of the iterator that deserve a
 * name. What random frames cover is in test_random.c.
 */
#include <netinet/in.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <cmocka.h>
#include "reference.h"
#include "frame/parse.h"
#include "frame/protocol.h"

static struct ref_frame f;
static struct ref_load load;

/* A frame that lies whole in the header copy. */
static struct frame *whole(const struct ref_spec *spec, unsigned int flags)
{
	ref_build(&f, spec);
	assert_true(f.len <= FRAME_HEADER_MAX);
	load.frame = (struct frame){
		.flags = (uint16_t)flags,
		.len = f.len,
		.header_len = (uint16_t)f.len,
		.l2_len = (uint16_t)f.l3,
		.l3_len = (uint16_t)(f.l4 - f.l3),
		.l4_len = (uint16_t)(f.header - f.l4),
		.l4_proto = spec->l4,
		.mss = 100,
	};
	memcpy(load.frame.header, f.bytes, f.len);
	ref_prepare(&f, load.frame.header, flags);
	return &load.frame;
}

static struct frame_info parse(struct frame *frame)
{
	frame_parse(frame);
	return frame->info;
}

static void test_parse_plain(void **ctx)
{
	static const struct {
		uint8_t ipv6, proto, l4;
		unsigned int options;
	} cases[] = {
		{ 0, IPPROTO_TCP, FRAME_L4_TCP, 0 },   { 0, IPPROTO_UDP, FRAME_L4_UDP, 40 },
		{ 0, IPPROTO_SCTP, FRAME_L4_SCTP, 4 }, { 0, IPPROTO_ICMP, FRAME_L4_NONE, 0 },
		{ 1, IPPROTO_TCP, FRAME_L4_TCP, 0 },   { 1, IPPROTO_UDP, FRAME_L4_UDP, 24 },
		{ 1, IPPROTO_SCTP, FRAME_L4_SCTP, 8 }, { 1, IPPROTO_ICMPV6, FRAME_L4_NONE, 8 },
	};

	(void)ctx;
	for (unsigned int i = 0; i < ARRAY_SIZE(cases); i++) {
		struct ref_spec spec = { .ipv6 = cases[i].ipv6,
					 .l4 = cases[i].proto,
					 .options = cases[i].options,
					 .payload = 20 };
		struct frame_info info = parse(whole(&spec, 0));

		assert_int_equal(info.l3, cases[i].ipv6 ? FRAME_L3_IPV6 : FRAME_L3_IPV4);
		assert_int_equal(info.l3_offset, 14);
		assert_int_equal(info.l4, cases[i].l4);
		assert_int_equal(info.l4_offset, cases[i].l4 ? f.l4 : 0);
		assert_int_equal(info.ip_options, cases[i].options > 0);
		assert_false(info.fragment);
		if (!cases[i].ipv6)
			assert_int_equal(info.ip_id, f.bytes[18] << 8 | f.bytes[19]);
	}
}

static void test_parse_fragments(void **ctx)
{
	struct ref_spec spec = { .l4 = IPPROTO_UDP, .payload = 30 };
	struct frame *frame = whole(&spec, 0);
	struct frame_info info;

	(void)ctx;
	put_be16(frame->header + 20, 0x2000); /* first fragment: more to come */
	info = parse(frame);
	assert_true(info.fragment);
	assert_int_equal(info.l4, FRAME_L4_NONE);
	put_be16(frame->header + 20, 0x0001); /* last */
	assert_true(parse(frame).fragment);
	put_be16(frame->header + 20, 0x4000); /* DF is none */
	assert_false(parse(frame).fragment);

	spec = (struct ref_spec){ .ipv6 = true, .l4 = IPPROTO_UDP, .payload = 30, .options = 8 };
	frame = whole(&spec, 0);
	frame->header[20] = IPPROTO_FRAGMENT;
	info = parse(frame);
	assert_true(info.fragment);
	assert_int_equal(info.l4, FRAME_L4_NONE);
}

/* Headers that are not what they say, or do not lie in the copy. */
static void test_parse_hostile(void **ctx)
{
	struct ref_spec v4 = { .l4 = IPPROTO_TCP },
			v6 = { .ipv6 = true, .l4 = IPPROTO_TCP, .options = 8 };
	struct frame *frame = whole(&v4, 0);

	(void)ctx;
	for (uint16_t len = 14; len <= f.len; len++) {
		struct frame_info info;

		frame->header_len = len;
		info = parse(frame);
		assert_int_equal(info.l3, len >= 34 ? FRAME_L3_IPV4 : FRAME_L3_NONE);
		assert_int_equal(info.l4, len >= 54 ? FRAME_L4_TCP : FRAME_L4_NONE);
	}
	frame->header[14] = 0x44; /* IHL 4 */
	assert_int_equal(parse(frame).l3, FRAME_L3_NONE);
	frame->header[14] = 0x4f; /* IHL 15: beyond */
	assert_int_equal(parse(frame).l3, FRAME_L3_NONE);
	frame->header[14] = 0x65;
	assert_int_equal(parse(frame).l3, FRAME_L3_NONE);

	frame = whole(&v6, 0);
	for (unsigned int len = 0; len < 256; len++) {
		frame->header[55] = (uint8_t)len; /* extension length */
		if (len)
			assert_int_equal(parse(frame).l4, FRAME_L4_NONE);
	}
	/* A chain of extensions is followed so far and no farther. */
	memset(frame->header + 54, 0, FRAME_HEADER_MAX - 54);
	frame->header_len = FRAME_HEADER_MAX;
	frame->header[20] = IPV6_HOP_BY_HOP;
	assert_int_equal(parse(frame).l4, FRAME_L4_NONE);
	frame->header[20] = frame->header[54] = IPV6_ROUTING;
	assert_true(parse(frame).rerouted);
}

static void test_finish_tag(void **ctx)
{
	struct ref_spec spec = { .l4 = IPPROTO_UDP, .payload = 50 };
	struct frame *frame = whole(&spec, 0);

	(void)ctx;
	memmove(frame->header + 16, frame->header + 12, f.len - 12);
	put_be16(frame->header + 12, 0x8100);
	put_be16(frame->header + 14, 0xe123);
	frame->header_len = (uint16_t)(f.len + 4);
	frame->len = f.len + 4;
	assert_int_equal(frame_finish(frame), 0);
	assert_true(frame->flags & FRAME_VLAN);
	assert_int_equal(frame->vlan, 0xe123);
	assert_int_equal(frame->vlan_tpid, 0x8100);
	assert_int_equal(frame->len, f.len);
	assert_memory_equal(frame->header, f.bytes, f.len);

	/* A tag of its own: what is in the bytes is the inner one and stays. */
	put_be16(frame->header + 12, 0x8100);
	assert_int_equal(frame_finish(frame), 0);
	assert_int_equal(frame->len, f.len);
	assert_int_equal(frame->vlan, 0xe123);
}

/** struct bad - one field made wrong in a request that is right. */
struct bad {
	const char *name;
	unsigned int flags;
	uint8_t l4;
	void (*spoil)(struct frame *frame);
};

#define SPOIL(name, statement)                \
	static void name(struct frame *frame) \
	{                                     \
		statement;                    \
	}
SPOIL(fine, (void)frame)
SPOIL(short_header, frame->header_len = 13)
SPOIL(long_header, frame->header_len = FRAME_HEADER_MAX + 1)
SPOIL(header_beyond_frame, frame->header_len++)
SPOIL(longer_than_pieces, frame->len++)
SPOIL(shorter_than_pieces, frame->len--)
SPOIL(no_l2, frame->l2_len = 0)
SPOIL(l2_in_mac, frame->l2_len = 13)
SPOIL(l2_beyond, frame->l2_len = 127)
SPOIL(l3_beyond, frame->l3_len = 511)
SPOIL(l4_beyond, frame->l4_len = 255)
SPOIL(l4_field_beyond, frame->l3_len = (uint16_t)(frame->header_len - 14 - 19))
SPOIL(no_mss, frame->mss = 0)
SPOIL(short_l4, frame->l4_len = 7)
SPOIL(no_l3, frame->l3_len = 0)
SPOIL(not_ip, frame->header[14] = 0x55)
SPOIL(short_ihl, frame->header[14] = 0x44)
SPOIL(long_ihl, (frame->header[14] = 0x4f, frame->header_len = 60, frame->len = 60))
SPOIL(ihl_beyond_l3, frame->header[14] = 0x46)
SPOIL(protocol, frame->l4_proto = IPPROTO_ICMP)
SPOIL(sctp, frame->l4_proto = IPPROTO_SCTP)
SPOIL(tag_half, (frame->header_len = 17, frame->len = 17, put_be16(frame->header + 12, 0x8100)))
SPOIL(tag_outside_l2, put_be16(frame->header + 12, 0x8100))

#define CSUM (FRAME_IP_CSUM | FRAME_L4_CSUM)

static void test_finish_hostile(void **ctx)
{
	static const struct bad good[] = {
		{ "plain", 0, IPPROTO_TCP, fine },
		{ "checksums", CSUM, IPPROTO_TCP, fine },
		{ "segmentation", FRAME_TSO, IPPROTO_TCP, fine },
		{ "lengths without an offload mean nothing", 0, IPPROTO_TCP, l3_beyond },
		{ "ip checksum of what is not ip", FRAME_IP_CSUM, IPPROTO_TCP, not_ip },
		{ "sctp checksum", FRAME_L4_CSUM, IPPROTO_SCTP, fine },
	};
	static const struct bad bad[] = {
		{ "header < 14", 0, IPPROTO_TCP, short_header },
		{ "header > 256", 0, IPPROTO_TCP, long_header },
		{ "header > frame", 0, IPPROTO_TCP, header_beyond_frame },
		{ "pieces < len", 0, IPPROTO_TCP, longer_than_pieces },
		{ "pieces > len", 0, IPPROTO_TCP, shorter_than_pieces },
		{ "half a tag", 0, IPPROTO_TCP, tag_half },
		{ "tag outside l2", CSUM, IPPROTO_TCP, tag_outside_l2 },
		{ "l2 0", FRAME_IP_CSUM, IPPROTO_TCP, no_l2 },
		{ "l2 in the addresses", FRAME_IP_CSUM, IPPROTO_TCP, l2_in_mac },
		{ "l2 in the addresses, l4", FRAME_L4_CSUM, IPPROTO_TCP, l2_in_mac },
		{ "l2 beyond", FRAME_IP_CSUM, IPPROTO_TCP, l2_beyond },
		{ "l3 beyond", FRAME_L4_CSUM, IPPROTO_TCP, l3_beyond },
		{ "field beyond", FRAME_L4_CSUM, IPPROTO_TCP, l4_field_beyond },
		{ "l4 beyond", FRAME_TSO, IPPROTO_TCP, l4_beyond },
		{ "mss 0", FRAME_TSO, IPPROTO_TCP, no_mss },
		{ "tcp header of 7", FRAME_TSO, IPPROTO_TCP, short_l4 },
		{ "udp header of 7", FRAME_TSO, IPPROTO_UDP, short_l4 },
		{ "no l3", FRAME_TSO, IPPROTO_TCP, no_l3 },
		{ "tso of what is not ip", FRAME_TSO, IPPROTO_TCP, not_ip },
		{ "ihl 4", FRAME_IP_CSUM, IPPROTO_TCP, short_ihl },
		{ "ihl beyond the header", FRAME_IP_CSUM, IPPROTO_TCP, long_ihl },
		{ "ihl beyond l3", FRAME_TSO, IPPROTO_TCP, ihl_beyond_l3 },
		{ "no such protocol", FRAME_L4_CSUM, IPPROTO_TCP, protocol },
		{ "tso of sctp", FRAME_TSO, IPPROTO_TCP, sctp },
	};

	(void)ctx;
	for (unsigned int i = 0; i < ARRAY_SIZE(good) + ARRAY_SIZE(bad); i++) {
		const struct bad *c = i < ARRAY_SIZE(good) ? &good[i] : &bad[i - ARRAY_SIZE(good)];
		struct ref_spec spec = { .l4 = c->l4, .payload = 30 };
		struct frame *frame = whole(&spec, c->flags);
		int error;

		c->spoil(frame);
		error = frame_finish(frame);
		if (error != (i < ARRAY_SIZE(good) ? 0 : -EINVAL))
			fail_msg("%s: %d", c->name, error);
	}
}

static void test_finish_lengths(void **ctx)
{
	static uint8_t body[FRAME_MAX_TSO + 1];
	struct ref_spec spec = { .l4 = IPPROTO_TCP };
	struct frame_segment segment = { .base = body };
	struct frame *frame = whole(&spec, 0);

	(void)ctx;
	frame->segment = &segment;
	frame->segments = 1;
	segment.len = FRAME_MAX_LEN - f.len;
	frame->len = FRAME_MAX_LEN;
	assert_int_equal(frame_finish(frame), 0);
	frame->flags |= FRAME_VLAN; /* the tag counts */
	assert_int_equal(frame_finish(frame), -EINVAL);
	segment.len -= 4;
	frame->len -= 4;
	assert_int_equal(frame_finish(frame), 0);

	frame->flags = FRAME_TSO;
	segment.len = FRAME_MAX_TSO;
	frame->len = f.len + FRAME_MAX_TSO;
	assert_int_equal(frame_finish(frame), 0);
	frame->mss = 65535; /* cuts too long */
	assert_int_equal(frame_finish(frame), -EINVAL);
	frame->mss = (uint16_t)(FRAME_MAX_LEN - f.len);
	assert_int_equal(frame_finish(frame), 0);
	segment.len++;
	frame->len++;
	assert_int_equal(frame_finish(frame), -EINVAL);
}

static uint32_t deliver(struct frame *frame, bool verify, uint8_t *to)
{
	struct frame_cut cut;

	assert_int_equal(frame_finish(frame), 0);
	frame_cut_init(&cut, frame, false, verify);
	assert_true(frame_cut_next(&cut));
	frame_cut_copy(&cut, to, cut.len);
	frame_cut_end(&cut);
	assert_false(frame_cut_next(&cut));
	return cut.status;
}

/* RFC 768: a sum of zero is sent as ffff; zero means that there is none. */
static void test_udp_zero(void **ctx)
{
	struct ref_spec spec = { .l4 = IPPROTO_UDP, .payload = 2 };
	struct frame *frame = whole(&spec, 0);
	uint8_t got[FRAME_HEADER_MAX];

	(void)ctx;
	/* With its own checksum as payload word added, the sum becomes zero. */
	put_be16(f.bytes + f.header, 0);
	ref_fix(&f, f.bytes, f.len);
	put_be16(f.bytes + f.header, get_be16(f.bytes + f.l4 + UDP_CHECKSUM));
	memcpy(frame->header, f.bytes, f.len);
	frame->flags = FRAME_L4_CSUM;
	ref_prepare(&f, frame->header, frame->flags);
	assert_int_equal(deliver(frame, true, got), FRAME_IP_CHECKED | FRAME_L4_CHECKED);
	assert_int_equal(get_be16(got + f.l4 + UDP_CHECKSUM), 0xffff);

	frame->flags = 0;
	put_be16(frame->header + f.l4 + UDP_CHECKSUM, 0);
	assert_int_equal(deliver(frame, true, got), FRAME_IP_CHECKED);
	frame->flags = FRAME_CSUM_GOOD;
	assert_int_equal(deliver(frame, true, got), FRAME_IP_CHECKED);
}

static void test_status(void **ctx)
{
	struct ref_spec spec = { .l4 = IPPROTO_TCP, .payload = 9, .trailing = 5 };
	struct frame *frame = whole(&spec, 0);
	uint8_t got[FRAME_HEADER_MAX];
	const uint32_t good = FRAME_IP_CHECKED | FRAME_L4_CHECKED;

	(void)ctx;
	assert_int_equal(deliver(frame, false, got), 0);
	assert_int_equal(deliver(frame, true, got), good);
	frame->header[f.len - 1] ^= 1; /* behind the packet */
	assert_int_equal(deliver(frame, true, got), good);
	frame->header[f.header] ^= 1;
	assert_int_equal(deliver(frame, true, got), good | FRAME_L4_BAD);
	frame->flags = FRAME_CSUM_GOOD; /* believed */
	assert_int_equal(deliver(frame, true, got), good);
	frame->flags = 0;
	put_be16(frame->header + 16, (uint16_t)(f.len - 13)); /* total length beyond the frame */
	assert_int_equal(deliver(frame, true, got), FRAME_IP_CHECKED | FRAME_IP_BAD);
	put_be16(frame->header + 20, 0x2000); /* a fragment has no L4 */
	assert_int_equal(deliver(frame, true, got), FRAME_IP_CHECKED | FRAME_IP_BAD);

	/* An IPv6 routing header hides the last destination. */
	spec = (struct ref_spec){ .ipv6 = true, .l4 = IPPROTO_UDP, .options = 24, .payload = 9 };
	frame = whole(&spec, 0);
	assert_int_equal(deliver(frame, true, got), FRAME_L4_CHECKED);
	frame->header[20] = IPV6_ROUTING;
	assert_int_equal(deliver(frame, true, got), 0);
}

/*
 * What Linux hands over for a TCP stream in VXLAN (GSO_PARTIAL): whole segments only, the inner
 * lengths of one segment, and in the outer header checksum the complement of the tunnel headers.
 * The inner packet of every cut must be right in itself.
 */
static void test_tunnel_segmentation(void **ctx)
{
	struct ref_spec spec = {
		.tunnel = REF_VXLAN, .l4 = IPPROTO_TCP, .payload = 4 * 1000, .mss = 1000
	};
	uint8_t *inner, got[2048];
	struct frame_cut cut;
	unsigned int inner_len;

	(void)ctx;
	ref_build(&f, &spec);
	inner = f.bytes + f.pseudo_l3;
	inner_len = f.header - f.pseudo_l3 + 1000;
	put_be16(inner + IPV4_TOTAL_LENGTH, (uint16_t)inner_len);
	put_be16(inner + IPV4_CHECKSUM, 0);
	put_be16(inner + IPV4_CHECKSUM, ref_checksum(inner, 20, 0));
	ref_load(&load, &f, FRAME_TSO);
	put_be16(load.frame.header + 24, ref_checksum(f.bytes + 34, f.l4 - 34, 0));
	assert_int_equal(frame_finish(&load.frame), 0);
	frame_cut_init(&cut, &load.frame, false, false);
	for (unsigned int i = 0; i < 4; i++) {
		uint32_t pseudo = 0;

		assert_true(frame_cut_next(&cut));
		assert_int_equal(cut.len, f.header + 1000);
		frame_cut_copy(&cut, got, cut.len);
		frame_cut_end(&cut);
		assert_int_equal(cut.status, FRAME_IP_CHECKED);
		assert_int_equal(ref_checksum(got + 14, 20, 0), 0);
		assert_int_equal(get_be16(got + 16), cut.len - 14);
		assert_int_equal(get_be16(got + 18), (uint16_t)(get_be16(f.bytes + 18) + i));
		assert_memory_equal(got + 34, f.bytes + 34, f.l4 - 34); /* the tunnel, untouched */
		for (int k = 12; k < 20; k += 2)
			pseudo += get_be16(got + f.pseudo_l3 + k);
		pseudo += IPPROTO_TCP + inner_len - 20;
		pseudo = (pseudo & 0xffff) + (pseudo >> 16);
		assert_int_equal(ref_checksum(got + f.l4, inner_len - 20, pseudo), 0);
	}
	assert_false(frame_cut_next(&cut));
	ref_unload(&load);
}

/* An outer checksum covers the inner IP header, whose checksum is computed on the way. */
static void test_tunnel_checksum(void **ctx)
{
	struct ref_spec spec = { .l4 = IPPROTO_TCP, .tunnel = REF_VXLAN, .payload = 9 };
	struct frame *frame = whole(&spec, 0);
	uint8_t *udp = f.bytes + 34, *inner = f.bytes + f.pseudo_l3, got[FRAME_HEADER_MAX];
	uint32_t len = f.len - 34, pseudo = IPPROTO_UDP + len;
	struct frame_cut cut;

	(void)ctx;
	put_be16(inner + 10, 0);
	put_be16(inner + 10, ref_checksum(inner, 20, 0));
	for (int i = 26; i < 34; i += 2)
		pseudo += get_be16(f.bytes + i);
	put_be16(udp + 4, (uint16_t)len);
	put_be16(udp + 6, 0);
	put_be16(udp + 6, ref_checksum(udp, len, pseudo));
	memcpy(frame->header, f.bytes, f.len);

	put_be16(frame->header + f.pseudo_l3 + 10, 0);
	frame->flags = FRAME_IP_CSUM;
	frame->l2_len = (uint16_t)f.pseudo_l3;
	assert_int_equal(frame_finish(frame), 0);
	frame_cut_init(&cut, frame, false, true);
	assert_true(frame_cut_next(&cut));
	frame_cut_copy(&cut, got, cut.len);
	frame_cut_end(&cut);
	assert_memory_equal(got, f.bytes, f.len);
	assert_int_equal(cut.status, FRAME_L4_CHECKED);
}

static void test_copy_is_bounded(void **ctx)
{
	struct ref_spec spec = { .l4 = IPPROTO_UDP };
	struct frame *frame = whole(&spec, FRAME_PAD);
	struct frame_cut cut;
	uint8_t got[100];

	(void)ctx;
	memset(got, 0xee, sizeof(got));
	assert_int_equal(frame_finish(frame), 0);
	frame_cut_init(&cut, frame, false, false);
	assert_true(frame_cut_next(&cut));
	assert_int_equal(cut.len, 60);
	frame_cut_copy(&cut, got, sizeof(got));
	frame_cut_copy(&cut, got + 60, 40);
	frame_cut_end(&cut);
	assert_memory_equal(got, f.bytes, f.len);
	for (unsigned int i = f.len; i < sizeof(got); i++)
		assert_int_equal(got[i], i < 60 ? 0 : 0xee);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_parse_plain),
		cmocka_unit_test(test_parse_fragments),
		cmocka_unit_test(test_parse_hostile),
		cmocka_unit_test(test_finish_tag),
		cmocka_unit_test(test_finish_hostile),
		cmocka_unit_test(test_finish_lengths),
		cmocka_unit_test(test_udp_zero),
		cmocka_unit_test(test_status),
		cmocka_unit_test(test_tunnel_segmentation),
		cmocka_unit_test(test_tunnel_checksum),
		cmocka_unit_test(test_copy_is_bounded),
	};

	ref_seed(11);
	return cmocka_run_group_tests_name("frame", tests, NULL, NULL);
}
