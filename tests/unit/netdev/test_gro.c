/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * test_gro.c - joined segments, cut again as a card would cut them, are byte for byte those that came, in order within
 * their flow; and those that must not be joined are not.
 */
#include <netinet/in.h>
#include <stdlib.h>
#include "netdev/gro.h"
#include "netdev/protocol.h"
#include "util/util.h"

#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>

#define FRAMES 128
#define FRAME_SIZE 2048
#define WHOLE_SIZE (70 * 1024)
#define FLOWS 12
#define OPTIONS_LEN 12

/** struct plan - a segment to make. */
struct plan {
	unsigned int flow, payload;
	bool ipv6, vlan, push, fin, fragmentable;
	uint16_t window;
	uint32_t sequence;
};

static uint8_t made[FRAMES][FRAME_SIZE], kept[FRAMES][FRAME_SIZE];
static struct softiov_packet packet[FRAMES];
static unsigned int flow_of[FRAMES], frames, writes, segments;
static bool taken[FRAMES];
static struct gro gro;

/* --- making segments, without the code under test -------------------------------------------- */

static uint32_t sum_bytes(const uint8_t *bytes, uint32_t len, uint32_t sum)
{
	for (uint32_t i = 0; i < len; i++) {
		sum += i % 2 ? bytes[i] : (uint32_t)bytes[i] << 8;
		sum = (sum & 0xffff) + (sum >> 16);
	}
	return sum;
}

static void finish_headers(uint8_t *frame, uint32_t len, bool ipv6)
{
	uint8_t *ip = frame + ETH_HEADER_LEN,
		*tcp = ip + (ipv6 ? IPV6_HEADER_LEN : IPV4_HEADER_LEN);
	uint32_t l4 = (uint32_t)(frame + len - tcp), sum = l4 + IPPROTO_TCP;

	if (ipv6) {
		put_be16(ip + IPV6_PAYLOAD_LENGTH, (uint16_t)l4);
		sum = sum_bytes(ip + IPV6_SOURCE, IPV6_ADDRESSES_LEN, sum);
	} else {
		put_be16(ip + IPV4_TOTAL_LENGTH, (uint16_t)(l4 + IPV4_HEADER_LEN));
		put_be16(ip + IPV4_CHECKSUM, 0);
		put_be16(ip + IPV4_CHECKSUM, (uint16_t)~sum_bytes(ip, IPV4_HEADER_LEN, 0));
		sum = sum_bytes(ip + IPV4_SOURCE, IPV4_ADDRESSES_LEN, sum);
	}
	put_be16(tcp + TCP_CHECKSUM, 0);
	put_be16(tcp + TCP_CHECKSUM, (uint16_t)~sum_bytes(tcp, l4, sum));
}

static uint32_t make_frame(const struct plan *plan, uint8_t *frame)
{
	uint8_t *ip = frame + ETH_HEADER_LEN,
		*tcp = ip + (plan->ipv6 ? IPV6_HEADER_LEN : IPV4_HEADER_LEN);
	uint8_t *payload = tcp + TCP_HEADER_LEN + OPTIONS_LEN;
	uint32_t len = (uint32_t)(payload - frame) + plan->payload;

	memset(frame, 0, (size_t)(payload - frame));
	frame[5] = 1;
	frame[11] = 2;
	put_be16(frame + ETH_TYPE, plan->ipv6 ? ETH_TYPE_IPV6 : ETH_TYPE_IPV4);
	ip[0] = plan->ipv6 ? 0x60 : IPV4_PLAIN;
	ip[plan->ipv6 ? IPV6_NEXT_HEADER : IPV4_PROTOCOL] = IPPROTO_TCP;
	if (!plan->ipv6)
		put_be16(ip + IPV4_FRAGMENT, plan->fragmentable ? 0 : IPV4_DONT_FRAGMENT);
	ip[plan->ipv6 ? IPV6_SOURCE : IPV4_SOURCE] = 10;
	put_be16(tcp, (uint16_t)(1000 + plan->flow));
	put_be32(tcp + TCP_SEQUENCE, plan->sequence);
	tcp[TCP_DATA_OFFSET] = (TCP_HEADER_LEN + OPTIONS_LEN) / 4 << 4;
	tcp[TCP_FLAGS] = TCP_ACK | (plan->push ? TCP_PSH : 0) | (plan->fin ? 1 : 0);
	put_be16(tcp + TCP_WINDOW, plan->window);
	for (unsigned int i = 0; i < plan->payload; i++)
		payload[i] = (uint8_t)rand();
	finish_headers(frame, len, plan->ipv6);
	return len;
}

static void add(const struct plan *plan)
{
	uint32_t len = make_frame(plan, made[frames]);

	memcpy(kept[frames], made[frames], len);
	packet[frames] = (struct softiov_packet){ .data = made[frames],
						  .len = len,
						  .flags = SOFTIOV_IP_GOOD | SOFTIOV_L4_GOOD,
						  .vlan = 42 };
	if (plan->vlan)
		packet[frames].flags |= SOFTIOV_VLAN;
	flow_of[frames++] = plan->flow;
}

/* --- judging what is written ----------------------------------------------------------------- */

/* The bytes are the next frame of its flow that was not seen yet. */
static void expect(const uint8_t *frame, uint32_t len)
{
	unsigned int flow =
		get_be16(frame + ETH_HEADER_LEN +
			 (get_be16(frame + ETH_TYPE) == ETH_TYPE_IPV6 ? IPV6_HEADER_LEN
								      : IPV4_HEADER_LEN)) -
		1000u;
	unsigned int i = 0;

	while (i < frames && (taken[i] || flow_of[i] != flow))
		i++;
	assert_true(i < frames);
	taken[i] = true;
	segments++;
	assert_int_equal(len, packet[i].len);
	assert_memory_equal(frame, kept[i], len);
}

/* Cut as a card does, data sheet 7.2.4. */
static void cut(const struct virtio_net_hdr *vnet, const uint8_t *whole, uint32_t len, uint32_t tag)
{
	bool ipv6 = vnet->gso_type == VIRTIO_NET_HDR_GSO_TCPV6;
	uint32_t tcp = vnet->csum_start - tag, head = vnet->hdr_len - tag, left = len - head;
	uint32_t sequence = get_be32(whole + tcp + TCP_SEQUENCE);
	uint8_t frame[FRAME_SIZE];

	assert_int_equal(vnet->flags, VIRTIO_NET_HDR_F_NEEDS_CSUM);
	assert_int_equal(vnet->csum_offset, TCP_CHECKSUM);
	assert_int_equal(vnet->gso_type, get_be16(whole + ETH_TYPE) == ETH_TYPE_IPV6
						 ? VIRTIO_NET_HDR_GSO_TCPV6
						 : VIRTIO_NET_HDR_GSO_TCPV4);
	assert_true(left > vnet->gso_size);
	for (const uint8_t *at = whole + head; left;) {
		uint32_t piece = MIN(left, (uint32_t)vnet->gso_size);

		memcpy(frame, whole, head);
		memcpy(frame + head, at, piece);
		put_be32(frame + tcp + TCP_SEQUENCE, sequence);
		at += piece;
		left -= piece;
		sequence += piece;
		if (left)
			frame[tcp + TCP_FLAGS] &= (uint8_t)~TCP_PSH;
		finish_headers(frame, head + piece, ipv6);
		expect(frame, head + piece);
	}
}

/* The kernel: headers of the whole must be right, too, its checksum but for the sum of its bytes. */
static void check_whole(const struct virtio_net_hdr *vnet, const uint8_t *whole, uint32_t len,
			uint32_t tag)
{
	static uint8_t copy[WHOLE_SIZE], right[WHOLE_SIZE];
	uint32_t tcp = vnet->csum_start - tag;

	memcpy(copy, whole, len);
	put_be16(copy + tcp + TCP_CHECKSUM, (uint16_t)~sum_bytes(copy + tcp, len - tcp, 0));
	memcpy(right, copy, len);
	finish_headers(right, len, vnet->gso_type == VIRTIO_NET_HDR_GSO_TCPV6);
	assert_memory_equal(copy, right, len);
}

static void take(void *ctx, const struct iovec *iov, unsigned int n)
{
	static uint8_t whole[WHOLE_SIZE];
	const struct virtio_net_hdr *vnet = iov[0].iov_base;
	uint32_t len = 0, tag = 0;

	assert_int_equal(iov[0].iov_len, sizeof(*vnet));
	for (unsigned int i = 1; i < n; i++) {
		assert_true(len + iov[i].iov_len <= sizeof(whole));
		memcpy(whole + len, iov[i].iov_base, iov[i].iov_len);
		len += (uint32_t)iov[i].iov_len;
	}
	if (get_be16(whole + ETH_TYPE) == ETH_TYPE_VLAN) {
		assert_int_equal(get_be16(whole + ETH_TYPE + 2), 42);
		tag = VLAN_TAG_LEN;
		memmove(whole + ETH_TYPE, whole + ETH_TYPE + tag, len - ETH_TYPE - tag);
		len -= tag;
	}
	writes++;
	if (vnet->gso_type == VIRTIO_NET_HDR_GSO_NONE) {
		expect(whole, len);
		return;
	}
	check_whole(vnet, whole, len, tag);
	cut(vnet, whole, len, tag);
}

static int reset(void **unused)
{
	frames = writes = segments = 0;
	memset(taken, 0, sizeof(taken));
	memset(&gro, 0, sizeof(gro));
	gro.write = take;
	return 0;
}

static void run(void)
{
	for (unsigned int i = 0; i < frames;)
		i += gro_receive(&gro, &packet[i]);
	gro_flush(&gro);
	assert_int_equal(segments, frames);
}

/* --- the tests ------------------------------------------------------------------------------- */

/* @n segments of one flow that follow each other. */
static void add_stream(struct plan plan, unsigned int n)
{
	for (unsigned int i = 0; i < n; i++) {
		add(&plan);
		plan.sequence += plan.payload;
	}
}

static void a_stream_is_one_frame(void **unused)
{
	static const struct plan kinds[] = {
		{ .payload = 1000 },
		{ .payload = 1000, .vlan = true },
		{ .payload = 1000, .ipv6 = true },
		{ .payload = 1000, .ipv6 = true, .vlan = true },
		{ .payload = 1000, .sequence = UINT32_MAX - 2500 },
	};

	for (size_t i = 0; i < ARRAY_SIZE(kinds); i++) {
		reset(NULL);
		add_stream(kinds[i], 20);
		run();
		assert_int_equal(writes, 1);
		assert_int_equal(gro.merged, 19);
	}
}

static void a_frame_ends(void **unused)
{
	struct plan plan = { .payload = 1000 };

	add_stream(plan, 3);
	plan.sequence = 3000;
	plan.push = true;
	add_stream(plan, 1);
	plan = (struct plan){ .payload = 1000, .sequence = 4000 };
	add_stream(plan, 2);
	plan.sequence = 6000;
	plan.payload = 10; /* short: the last */
	add_stream(plan, 2);
	run();
	assert_int_equal(writes, 3);
}

static void no_more_than_an_ip_packet_holds(void **unused)
{
	add_stream((struct plan){ .payload = 1448 }, 100);
	run();
	assert_int_equal(writes, 3); /* 45, 45, 10 */
}

static void what_must_not_be_joined(void **unused)
{
	static const struct plan second[] = {
		{ .payload = 100, .sequence = 101 }, /* a gap */
		{ .payload = 100, .sequence = 0 },   /* once more */
		{ .payload = 101, .sequence = 100 }, /* longer */
		{ .payload = 100, .sequence = 100, .fin = true },
		{ .payload = 100, .sequence = 100, .window = 7 },
		{ .payload = 100, .sequence = 100, .vlan = true },
		{ .payload = 100, .sequence = 100, .fragmentable = true },
		{ .payload = 0, .sequence = 100 }, /* an acknowledgement */
		{ .payload = 100, .sequence = 100, .flow = 1 },
	};

	for (size_t i = 0; i < ARRAY_SIZE(second); i++) {
		reset(NULL);
		add(&(struct plan){ .payload = 100 });
		add(&second[i]);
		run();
		assert_int_equal(writes, 2);
	}
}

static void only_what_the_card_verified(void **unused)
{
	add_stream((struct plan){ .payload = 100 }, 4);
	packet[1].flags = SOFTIOV_IP_GOOD | SOFTIOV_L4_BAD;
	packet[2].flags = SOFTIOV_IP_BAD | SOFTIOV_L4_GOOD;
	run();
	assert_int_equal(writes, 4);
}

static void padding_ends_with_its_frame(void **unused)
{
	struct plan plan = { .payload = 1 };

	add_stream(plan, 2);
	for (unsigned int i = 0; i < 2; i++)
		packet[i].len += 5; /* as short frames have behind the IP packet */
	gro_receive(&gro, &packet[0]);
	gro_receive(&gro, &packet[1]);
	for (unsigned int i = 0; i < 2; i++)
		packet[i].len -= 5;
	gro_flush(&gro);
	assert_int_equal(writes, 1);
	assert_int_equal(segments, 2);
}

/* More flows than there are places for, in every order and size. */
static void random_flows(void **unused)
{
	for (unsigned int round = 0; round < 500; round++) {
		struct plan plan[FLOWS];
		unsigned int flows = 1 + (unsigned int)rand() % FLOWS;

		reset(NULL);
		for (unsigned int i = 0; i < flows; i++)
			plan[i] = (struct plan){ .flow = i,
						 .ipv6 = rand() % 2,
						 .vlan = rand() % 4 == 0,
						 .sequence = (uint32_t)rand() };
		while (frames < FRAMES) {
			struct plan *next = &plan[(unsigned int)rand() % flows];

			next->payload = rand() % 8 ? 1400 : (unsigned int)rand() % 1400;
			next->push = rand() % 16 == 0;
			next->fin = rand() % 64 == 0;
			add(next);
			next->sequence += next->payload + (rand() % 32 == 0);
		}
		run();
	}
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(a_stream_is_one_frame, reset),
		cmocka_unit_test_setup(a_frame_ends, reset),
		cmocka_unit_test_setup(no_more_than_an_ip_packet_holds, reset),
		cmocka_unit_test_setup(what_must_not_be_joined, reset),
		cmocka_unit_test_setup(only_what_the_card_verified, reset),
		cmocka_unit_test_setup(padding_ends_with_its_frame, reset),
		cmocka_unit_test_setup(random_flows, reset),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
