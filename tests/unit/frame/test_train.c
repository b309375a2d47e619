/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * test_train.c - what a frame takes over from the train it is in is what parsing it finds.
 *
 * Random frames with random changes against the one before; SEED=n repeats a run, the seed is printed.
 */
#include <netinet/in.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <cmocka.h>
#include "reference.h"
#include "frame/plain.h"
#include "frame/train.h"

#define ROUNDS 200000
#define COPIED 128u /* of a frame's first bytes, as a transmitter does */

/* Fields that all frames of a flow may differ in: offset and mask. */
static const struct {
	unsigned int at;
	uint8_t bits;
} free4[] = { { 15, 0xff }, { 16, 0xff }, { 17, 0xff }, { 18, 0xff }, { 19, 0xff }, { 20, 0xc0 },
	      { 22, 0xff }, { 24, 0xff }, { 25, 0xff }, { 38, 0xff }, { 50, 0xff } },
  free6[] = { { 14, 0x0f }, { 15, 0xff }, { 16, 0xff }, { 17, 0xff }, { 18, 0xff },
	      { 19, 0xff }, { 21, 0xff }, { 58, 0xff }, { 70, 0xff } };

static struct frame head, next;
static __m128i first[TRAIN_VECTORS]; /* of @next */

static void random_bytes(uint8_t *to, size_t n)
{
	for (size_t i = 0; i < n; i++)
		to[i] = (uint8_t)ref_random(256);
}

/* A frame that may be the head of a train; its length is not yet set. */
static void random_head(uint8_t *header)
{
	random_bytes(header, FRAME_HEADER_MAX);
	switch (ref_random(4)) {
	case 0:
		put_be16(header + ETH_TYPE, 0x88b5); /* local experimental */
		break;
	case 1:
		put_be16(header + ETH_TYPE, ETH_TYPE_IPV6);
		header[14] = 0x60;
		header[20] = ref_random(2) ? IPPROTO_TCP : IPPROTO_UDP;
		break;
	default:
		put_be16(header + ETH_TYPE, ETH_TYPE_IPV4);
		header[14] = IPV4_NO_OPTIONS;
		header[20] = header[21] = 0;
		header[23] = ref_random(2) ? IPPROTO_TCP : IPPROTO_UDP;
	}
}

static void set_len(struct frame *frame, uint32_t len)
{
	frame->len = len;
	frame->header_len = (uint16_t)MIN(len, COPIED);
	frame->flags = FRAME_LOOPBACK;
	frame->vlan = 0;
	frame->segments = 0;
}

static uint32_t random_len(void)
{
	return (uint32_t)(ref_random(4) ? 74 + ref_random(100)
					: 14 + ref_random(FRAME_MAX_LEN - 13));
}

/* All that switch and receivers look at to tell flows from each other. */
static bool same_flow(const struct frame *a, const struct frame *b)
{
	unsigned int addresses = a->info.l3 == FRAME_L3_IPV4 ? IPV4_SOURCE : IPV6_SOURCE;
	unsigned int len = a->info.l3 == FRAME_L3_IPV4 ? IPV4_ADDRESSES_LEN : IPV6_ADDRESSES_LEN;

	if (memcmp(a->header, b->header, ETH_HEADER_LEN))
		return false;
	return a->info.l3 == FRAME_L3_NONE ||
	       (!memcmp(a->header + ETH_HEADER_LEN + addresses,
			b->header + ETH_HEADER_LEN + addresses, len) &&
		!memcmp(a->header + a->info.l4_offset, b->header + a->info.l4_offset, 4));
}

/* @next comes from a guest's memory, where it has @len bytes. */
static void take_next(uint32_t len)
{
	uint8_t *guest = malloc(len); /* nothing behind it is read */

	set_len(&next, len);
	for (uint32_t i = 0; i < len; i++)
		guest[i] = i < sizeof(next.header) ? next.header[i] : 0;
	memset(next.header, 0x5a, sizeof(next.header));
	frame_train_take(next.header, guest, next.header_len, first);
	assert_memory_equal(next.header, guest, next.header_len);
	for (uint32_t i = next.header_len; i < sizeof(next.header); i++)
		assert_int_equal(next.header[i], 0x5a);
	free(guest);
}

/* Does @next, which differs from @head, get what parsing it finds? Return: how it was taken. */
static enum train_match check_next(struct frame_train *train)
{
	enum train_match match = frame_train_match(train, first, next.len);
	struct frame parsed = next;

	if (match == TRAIN_NO)
		return match;
	frame_train_join(train, &next, first);
	assert_int_equal(frame_plain_finish(&parsed), 0);
	assert_memory_equal(&next.info, &parsed.info, sizeof(next.info));
	assert_int_equal(next.flags, parsed.flags);
	assert_int_equal(next.vlan, parsed.vlan);
	assert_int_equal(next.vlan_tpid, parsed.vlan_tpid);
	assert_int_equal(next.len, parsed.len);
	assert_int_equal(next.header_len, parsed.header_len);
	assert_true(frame_same_kind(frame_common(&head), frame_common(&parsed)));
	if (match == TRAIN_FLOW)
		assert_true(same_flow(&head, &parsed));
	return match;
}

static void test_any_change(void **state)
{
	unsigned int seen[TRAIN_FLOW + 1] = { 0 };

	for (unsigned int round = 0; round < ROUNDS; round++) {
		struct frame_train train;

		random_head(head.header);
		set_len(&head, random_len());
		assert_int_equal(frame_plain_finish(&head), 0);
		frame_train_begin(&train, &head);
		memcpy(next.header, head.header, sizeof(next.header));
		for (uint64_t changes = ref_random(3); changes; changes--)
			next.header[ref_random(80)] ^= (uint8_t)(1u << ref_random(8));
		take_next(random_len() + (ref_random(8) ? 0 : FRAME_MAX_LEN));
		seen[check_next(&train)]++;
	}
	for (unsigned int i = 0; i < ARRAY_SIZE(seen); i++)
		assert_true(seen[i] > ROUNDS / 100);
}

/* What may differ within a flow does not end it, and another flow of the kind is known as one. */
static void test_flow_goes_on(void **state)
{
	for (unsigned int round = 0; round < ROUNDS; round++) {
		bool ipv4, ipv6;
		struct frame_train train;

		random_head(head.header);
		set_len(&head, 74 + (uint32_t)ref_random(2000));
		assert_int_equal(frame_plain_finish(&head), 0);
		ipv4 = head.info.l3 == FRAME_L3_IPV4;
		ipv6 = head.info.l3 == FRAME_L3_IPV6;
		frame_train_begin(&train, &head);
		memcpy(next.header, head.header, sizeof(next.header));
		for (unsigned int i = 0; ipv4 && i < ARRAY_SIZE(free4); i++)
			next.header[free4[i].at] ^= (uint8_t)ref_random(256) & free4[i].bits;
		for (unsigned int i = 0; ipv6 && i < ARRAY_SIZE(free6); i++)
			next.header[free6[i].at] ^= (uint8_t)ref_random(256) & free6[i].bits;
		take_next(74 + (uint32_t)ref_random(2000));
		assert_int_equal(check_next(&train), TRAIN_FLOW);
		next.header[ref_random(12)] ^= 1; /* an address */
		take_next(next.len);
		assert_int_equal(check_next(&train), TRAIN_KIND);
		memcpy(head.header, next.header, sizeof(head.header));
		assert_int_equal(check_next(&train), TRAIN_FLOW);
	}
}

/* Frames that nothing less than parsing knows. */
static void test_no_train(void **state)
{
	static const struct {
		unsigned int at;
		uint8_t value;
	} change[] = { { 14, 0x46 }, { 14, 0x44 },	   { 20, 0x20 },
		       { 21, 1 },    { 23, IPPROTO_ICMP }, { 23, IPPROTO_SCTP } };

	for (unsigned int i = 0; i < ARRAY_SIZE(change); i++) {
		struct frame_train train;

		do {
			random_head(head.header);
		} while (get_be16(head.header + ETH_TYPE) != ETH_TYPE_IPV4);
		head.header[change[i].at] = change[i].value;
		set_len(&head, 100);
		assert_int_equal(frame_plain_finish(&head), 0);
		frame_train_begin(&train, &head);
		memcpy(next.header, head.header, sizeof(next.header));
		take_next(head.len);
		assert_int_equal(check_next(&train), TRAIN_NO);
	}
}

/* A tag in the bytes is taken out of them, which no frame behind has behind it. */
static void test_tag(void **state)
{
	struct frame_train train;

	random_head(head.header);
	put_be16(head.header + ETH_TYPE, ETH_TYPE_VLAN);
	set_len(&head, 100);
	assert_int_equal(frame_plain_finish(&head), 0);
	assert_true(head.flags & FRAME_VLAN);
	frame_train_begin(&train, &head);
	memcpy(next.header, head.header, sizeof(next.header));
	take_next(head.len);
	assert_int_equal(check_next(&train), TRAIN_NO);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_any_change),
		cmocka_unit_test(test_flow_goes_on),
		cmocka_unit_test(test_no_train),
		cmocka_unit_test(test_tag),
	};
	const char *seed = getenv("SEED");
	uint64_t number = seed ? strtoull(seed, NULL, 0) : now_ns();

	printf("SEED=%llu\n", (unsigned long long)number);
	ref_seed(number);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
