// SPDX-License-Identifier: BSD-3-Clause
/*
 * test_offload.c - what a queue asks of the card: VLAN tags, checksums, segmentation. What arrives is judged by software
 * that shares nothing with the card or the library.
 *
 * The headers are sent with wrong bytes where the card has to put its own.
 */
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>

#include "pair.h"
#include "util/util.h"

#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>

#define L2 14u
#define IPV4 20u
#define IPV6 40u
#define TCP 32u /* with options */
#define UDP 8u
#define SCTP 12u
#define ROOM 65536u
#define HEADERS_MAX (L2 + IPV6 + TCP)
#define TCP_SEQUENCE 4
#define TCP_OFFSET 12
#define TCP_FLAGS 13
#define TCP_CHECKSUM 16
#define TCP_PSH_ACK 0x18
#define TCP_PSH 0x08
#define UDP_LENGTH 4
#define UDP_CHECKSUM 6
#define SCTP_CHECKSUM 8
#define IPV4_LENGTH 2
#define IPV4_ID 4
#define IPV4_CHECKSUM 10
#define IPV6_LENGTH 4
#define SEQUENCE 0xfffff000u /* wraps */
#define ID 0xfffe	     /* wraps */

/** struct kind - of an IP packet. */
struct kind {
	bool ipv6;
	uint8_t protocol;
};

static const struct kind kinds[] = {
	{ false, IPPROTO_TCP }, { false, IPPROTO_UDP }, { false, IPPROTO_SCTP },
	{ true, IPPROTO_TCP },	{ true, IPPROTO_UDP },	{ true, IPPROTO_SCTP },
};

static uint32_t l3_len(const struct kind *kind)
{
	return kind->ipv6 ? IPV6 : IPV4;
}

static uint32_t l4_len(const struct kind *kind)
{
	return kind->protocol == IPPROTO_TCP ? TCP : kind->protocol == IPPROTO_UDP ? UDP : SCTP;
}

static unsigned int checksum_at(const struct kind *kind)
{
	return kind->protocol == IPPROTO_TCP   ? TCP_CHECKSUM
	       : kind->protocol == IPPROTO_UDP ? UDP_CHECKSUM
					       : SCTP_CHECKSUM;
}

/* --- software ---------------------------------------------------------------------------------- */

static uint32_t sum(const uint8_t *bytes, uint32_t len, uint32_t so_far)
{
	uint64_t total = so_far;

	for (uint32_t i = 0; i < len; i++)
		total += i % 2 ? bytes[i] : (uint32_t)bytes[i] << 8;
	while (total >> 16)
		total = (total & 0xffff) + (total >> 16);
	return (uint32_t)total;
}

/* CRC-32C, bit by bit (RFC 9260, appendix A). */
static uint32_t crc32c(const uint8_t *bytes, uint32_t len)
{
	uint32_t crc = ~0u;

	for (uint32_t i = 0; i < len; i++) {
		crc ^= bytes[i];
		for (unsigned int bit = 0; bit < 8; bit++)
			crc = crc >> 1 ^ (crc & 1 ? 0x82f63b78u : 0);
	}
	return ~crc;
}

static void check_sctp(const uint8_t *l4, uint32_t len)
{
	uint8_t copy[2048];

	assert_true(len <= sizeof(copy));
	memcpy(copy, l4, len);
	put_le32(copy + SCTP_CHECKSUM, 0);
	assert_int_equal(get_le32(l4 + SCTP_CHECKSUM), crc32c(copy, len));
}

/* Are all checksums of the packet behind the Ethernet header right? @len: of the IP packet. */
static void check_checksums(const uint8_t *ip, const struct kind *kind, uint32_t len)
{
	const uint8_t *l4 = ip + l3_len(kind);
	uint32_t l4_bytes = len - l3_len(kind), pseudo;

	if (!kind->ipv6)
		assert_int_equal(sum(ip, IPV4, 0), 0xffff);
	if (kind->protocol == IPPROTO_SCTP) {
		check_sctp(l4, l4_bytes);
		return;
	}
	pseudo = kind->ipv6 ? sum(ip + 8, 32, 0) : sum(ip + 12, 8, 0);
	assert_int_equal(sum(l4, l4_bytes, pseudo + kind->protocol + l4_bytes), 0xffff);
}

/* --- frames ------------------------------------------------------------------------------------ */

static void fill_ip(uint8_t *ip, const struct kind *kind, uint32_t len)
{
	if (kind->ipv6) {
		memset(ip, 0, IPV6);
		ip[0] = 6 << 4;
		put_be16(ip + IPV6_LENGTH, (uint16_t)(len - IPV6));
		ip[6] = kind->protocol;
		ip[7] = 64;
		for (unsigned int i = 8; i < IPV6; i++)
			ip[i] = (uint8_t)(i * 37);
		return;
	}
	memset(ip, 0, IPV4);
	ip[0] = 4 << 4 | IPV4 / 4;
	put_be16(ip + IPV4_LENGTH, (uint16_t)len);
	put_be16(ip + IPV4_ID, ID);
	ip[8] = 64;
	ip[9] = kind->protocol;
	put_be16(ip + IPV4_CHECKSUM, 0xdead);
	put_be32(ip + 12, 0x0a000001);
	put_be32(ip + 16, 0x0a0000fe);
}

static void fill_l4(uint8_t *l4, const struct kind *kind, uint32_t payload)
{
	memset(l4, 0, l4_len(kind));
	put_be16(l4, 4000);
	put_be16(l4 + 2, 5000);
	if (kind->protocol == IPPROTO_TCP) {
		put_be32(l4 + TCP_SEQUENCE, SEQUENCE);
		l4[TCP_OFFSET] = TCP / 4 << 4;
		l4[TCP_FLAGS] = TCP_PSH_ACK;
		memset(l4 + 20, 1, TCP - 20); /* no operation */
	} else if (kind->protocol == IPPROTO_UDP) {
		put_be16(l4 + UDP_LENGTH, (uint16_t)(UDP + payload));
	}
	put_be16(l4 + checksum_at(kind), 0xbeef);
}

/* Return: its length. */
static uint32_t fill_packet(uint8_t *frame, const struct pair *pair, const struct kind *kind,
			    uint32_t payload)
{
	uint32_t headers = L2 + l3_len(kind) + l4_len(kind);

	frame_fill(frame, headers + payload, &pair->a, &pair->b, payload);
	put_be16(frame + 12, kind->ipv6 ? 0x86dd : 0x0800);
	fill_ip(frame + L2, kind, headers - L2 + payload);
	fill_l4(frame + L2 + l3_len(kind), kind, payload);
	return headers + payload;
}

static struct softiov_packet request(const struct kind *kind)
{
	struct softiov_packet how = {
		.l2_len = L2,
		.l3_len = (uint16_t)l3_len(kind),
		.l4_len = (uint8_t)l4_len(kind),
		.flags = kind->protocol == IPPROTO_TCP	 ? SOFTIOV_TCP_CSUM
			 : kind->protocol == IPPROTO_UDP ? SOFTIOV_UDP_CSUM
							 : SOFTIOV_SCTP_CSUM,
	};

	how.flags |= kind->ipv6 ? SOFTIOV_IPV6 : SOFTIOV_IP_CSUM;
	return how;
}

/* --- tests ------------------------------------------------------------------------------------- */

static void test_checksums(void **state)
{
	const struct pair_options options = { .b = 1 };
	static uint8_t frame[ROOM], sent[ROOM];
	struct softiov_packet first;
	struct pair pair;

	pair_open(&pair, *state, &options);
	for (unsigned int i = 0; i < ARRAY_SIZE(kinds); i++) {
		const struct kind *kind = &kinds[i];
		struct softiov_packet how = request(kind);
		uint32_t headers = L2 + l3_len(kind) + l4_len(kind);

		for (uint32_t payload = 20; payload + headers <= 1514; payload += 93) {
			uint32_t len = fill_packet(sent, &pair, kind, payload), got;

			/* In one piece, in two with the headers apart, with the headers in the first. */
			send_bytes(&pair.a, sent, len, payload % 2 ? len : headers + payload % 7,
				   &how);
			got = receive_bytes(&pair.b, frame, sizeof(frame), &first);
			assert_int_equal(got, len);
			check_checksums(frame + L2, kind, len - L2);
			assert_memory_equal(frame + headers, sent + headers, payload);
			assert_true(first.flags & SOFTIOV_L4_GOOD);
			assert_int_equal(!!(first.flags & SOFTIOV_IP_GOOD), !kind->ipv6);
			assert_int_equal(first.flags & (SOFTIOV_IP_BAD | SOFTIOV_L4_BAD), 0);
		}
	}
	pair_close(&pair);
}

/* Not asked for: what is wrong stays wrong, and the receiver is told. */
static void test_wrong_checksums(void **state)
{
	const struct pair_options options = { .b = 1 };
	static uint8_t frame[ROOM], sent[ROOM];
	struct softiov_packet first;
	struct pair pair;

	pair_open(&pair, *state, &options);
	for (unsigned int i = 0; i < ARRAY_SIZE(kinds); i++) {
		uint32_t len = fill_packet(sent, &pair, &kinds[i], 100);

		send_bytes(&pair.a, sent, len, len, NULL);
		assert_int_equal(receive_bytes(&pair.b, frame, sizeof(frame), &first), len);
		assert_memory_equal(frame, sent, len);
		assert_true(first.flags & SOFTIOV_L4_BAD);
		assert_int_equal(!!(first.flags & SOFTIOV_IP_BAD), !kinds[i].ipv6);
		assert_int_equal(first.flags & (SOFTIOV_IP_GOOD | SOFTIOV_L4_GOOD), 0);
	}
	pair_close(&pair);
}

/* Only the header's checksum; and contexts that alternate: two are remembered, a third replaces one. */
static void test_contexts(void **state)
{
	const struct pair_options options = { .b = 1 };
	static uint8_t frame[ROOM], sent[ROOM];
	struct softiov_packet first;
	struct pair pair;

	pair_open(&pair, *state, &options);
	for (unsigned int i = 0; i < 60; i++) {
		const struct kind *kind = &kinds[i < 30 ? i % 2 : i % 3];
		struct softiov_packet how = request(kind);
		uint32_t len = fill_packet(sent, &pair, kind, 100 + i);

		if (i % 5 == 4)
			how.flags = SOFTIOV_IP_CSUM;
		send_bytes(&pair.a, sent, len, len, &how);
		assert_int_equal(receive_bytes(&pair.b, frame, sizeof(frame), &first), len);
		assert_true(first.flags & SOFTIOV_IP_GOOD);
		if (i % 5 == 4) {
			assert_int_equal(sum(frame + L2, IPV4, 0), 0xffff);
			assert_true(first.flags & SOFTIOV_L4_BAD);
		} else {
			check_checksums(frame + L2, kind, len - L2);
			assert_true(first.flags & SOFTIOV_L4_GOOD);
		}
	}
	pair_close(&pair);
}

static void join(struct pair *pair, uint16_t id)
{
	assert_int_equal(softiov_vf_set_vlan(pair->a.vf, id, true), 0);
	assert_int_equal(softiov_vf_set_vlan(pair->b.vf, id, true), 0);
}

/* A tag in the packet's field or in its data: the receiver finds it in the field. */
static void test_vlan(void **state)
{
	static const uint16_t tags[] = { 5, 4000, 0x6005, 4000, 5, 6 };
	const struct pair_options options = { .b = 1 };
	uint8_t frame[256], sent[256], tagged[256];
	struct softiov_packet first;
	struct pair pair;

	pair_open(&pair, *state, &options);
	join(&pair, 5);
	join(&pair, 6);
	join(&pair, 4000);
	for (unsigned int i = 0; i < ARRAY_SIZE(tags); i++) {
		struct softiov_packet how = { .flags = SOFTIOV_VLAN, .vlan = tags[i] };
		uint32_t len = 100 + i;

		frame_fill(sent, len, &pair.a, &pair.b, i);
		memcpy(tagged, sent, 12);
		put_be16(tagged + 12, 0x8100);
		put_be16(tagged + 14, tags[i]);
		memcpy(tagged + 16, sent + 12, len - 12);
		send_bytes(&pair.a, sent, len, len, &how);
		send_bytes(&pair.a, tagged, len + 4, len + 4, NULL);
		for (unsigned int j = 0; j < 2; j++) {
			assert_int_equal(receive_bytes(&pair.b, frame, sizeof(frame), &first), len);
			assert_memory_equal(frame, sent, len);
			assert_true(first.flags & SOFTIOV_VLAN);
			assert_int_equal(first.vlan, tags[i]);
		}
	}
	frame_fill(sent, 100, &pair.a, &pair.b, 0);
	send_bytes(&pair.a, sent, 100, 100,
		   &(struct softiov_packet){ .flags = SOFTIOV_VLAN, .vlan = 9 });
	nothing_arrives(&pair.b, 20); /* not a member */
	pair_close(&pair);
}

/* Put segment @frame of @len bytes behind the others. Return: its payload. */
static uint32_t check_segment(const uint8_t *frame, uint32_t len, const struct kind *kind,
			      const uint8_t *sent, uint32_t offset, unsigned int index, bool last)
{
	uint32_t headers = L2 + l3_len(kind) + TCP, payload = len - headers;
	const uint8_t *ip = frame + L2, *tcp = ip + l3_len(kind);

	check_checksums(ip, kind, len - L2);
	if (kind->ipv6) {
		assert_int_equal(get_be16(ip + IPV6_LENGTH), len - L2 - IPV6);
	} else {
		assert_int_equal(get_be16(ip + IPV4_LENGTH), len - L2);
		assert_int_equal(get_be16(ip + IPV4_ID), (uint16_t)(ID + index));
	}
	assert_int_equal(get_be32(tcp + TCP_SEQUENCE), SEQUENCE + offset);
	assert_int_equal(!!(tcp[TCP_FLAGS] & TCP_PSH), last);
	assert_memory_equal(frame, sent, 12);
	assert_memory_equal(frame + headers, sent + headers + offset, payload);
	return payload;
}

/* @payload bytes in buffers with @piece bytes each come out as segments of @mss. */
static void carry_tso(struct pair *pair, const struct kind *kind, uint32_t payload, uint16_t mss,
		      uint32_t piece, uint16_t vlan)
{
	static uint8_t sent[ROOM + HEADERS_MAX], frame[ROOM];
	struct softiov_packet how = request(kind), first;
	uint32_t len = fill_packet(sent, pair, kind, payload), offset = 0;

	how.flags = SOFTIOV_TSO | (kind->ipv6 ? SOFTIOV_IPV6 : 0) | (vlan ? SOFTIOV_VLAN : 0);
	how.mss = mss;
	how.vlan = vlan;
	send_bytes(&pair->a, sent, len, piece, &how);
	for (unsigned int i = 0; offset < payload; i++) {
		uint32_t want = MIN(payload - offset, mss);
		uint32_t got = receive_bytes(&pair->b, frame, sizeof(frame), &first);

		assert_int_equal(got, MAX(len - payload + want, PAIR_MIN_LEN));
		assert_int_equal(check_segment(frame, got, kind, sent, offset, i,
					       offset + want == payload),
				 want);
		assert_true(first.flags & SOFTIOV_L4_GOOD);
		assert_int_equal(!!(first.flags & SOFTIOV_VLAN), !!vlan);
		offset += want;
	}
}

static void test_tso_in_pieces(void **state)
{
	const struct pair_options options = { .b = 1, .max_frame = SOFTIOV_FRAME_MAX };
	struct pair pair;

	pair_open(&pair, *state, &options);
	join(&pair, 5);
	for (unsigned int i = 0; i < ARRAY_SIZE(kinds); i++) {
		if (kinds[i].protocol != IPPROTO_TCP)
			continue;
		carry_tso(&pair, &kinds[i], 65000, 1448, 2048, 0);
		carry_tso(&pair, &kinds[i], 65000, 536, 1999, 5);
		carry_tso(&pair, &kinds[i], 40000, 8948, 2048, 0);
		carry_tso(&pair, &kinds[i], 1449, 1448, 2048, 0);
		carry_tso(&pair, &kinds[i], 1448, 1448, 700, 5);
		carry_tso(&pair, &kinds[i], 10, 1448, 2048, 0);
	}
	pair_close(&pair);
}

/* One buffer, more than a descriptor takes. */
static void test_tso_in_one(void **state)
{
	const struct pair_options options = { .b = 1,
					      .pool = { .buffer_size = 131072, .buffers = 300 },
					      .rings = { 128, 64 } };
	struct pair pair;

	pair_open(&pair, *state, &options);
	for (unsigned int i = 0; i < ARRAY_SIZE(kinds); i++) {
		if (kinds[i].protocol != IPPROTO_TCP)
			continue;
		for (uint32_t payload = 16300; payload < 16400; payload += 7)
			carry_tso(&pair, &kinds[i], payload, 1448, 131072, 0);
		carry_tso(&pair, &kinds[i], 65400, 1448, 131072, 0);
	}
	pair_close(&pair);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_checksums, card_setup, card_teardown),
		cmocka_unit_test_setup_teardown(test_wrong_checksums, card_setup, card_teardown),
		cmocka_unit_test_setup_teardown(test_contexts, card_setup, card_teardown),
		cmocka_unit_test_setup_teardown(test_vlan, card_setup, card_teardown),
		cmocka_unit_test_setup_teardown(test_tso_in_pieces, card_setup, card_teardown),
		cmocka_unit_test_setup_teardown(test_tso_in_one, card_setup, card_teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
