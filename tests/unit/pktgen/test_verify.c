// SPDX-License-Identifier: BSD-3-Clause
/*
 * test_verify.c - a generated frame passes; with any one byte changed it does not; lost, late, double
 * and foreign frames are told apart.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <cmocka.h>

#include "frame/frame.h"
#include "pktgen/verify.h"

#define FRAME 128u
#define MSS 100u

static const uint8_t alice[] = { 0x52, 0x54, 0, 0, 0, 1 }, bob[] = { 0x52, 0x54, 0, 0, 0, 2 };

struct fixture {
	struct verifier *verifier;
	struct template template;
	uint8_t frame[FRAME];
	struct softiov_packet packet;
};

static void setup(struct fixture *f, enum pktgen_proto proto)
{
	struct template_spec spec = { .proto = proto, .stamped = true };

	pattern_init();
	memcpy(spec.source, alice, ETH_ALEN);
	memcpy(spec.destination, bob, ETH_ALEN);
	f->verifier = verifier_create(true, MSS);
	template_build(&f->template, &spec, FRAME);
	f->packet = f->template.packet;
}

static void build(struct fixture *f, uint32_t sequence)
{
	memcpy(f->frame, pattern, FRAME);
	memcpy(f->frame, f->template.head, TEMPLATE_HEAD);
	stamp_write(&f->template, f->frame, MAGIC_COUNTED, 0, sequence);
	if (f->template.checksum_at)
		template_finish(&f->template, f->frame);
}

static bool receive(struct fixture *f, uint32_t sequence)
{
	build(f, sequence);
	return verifier_check(f->verifier, &f->packet, f->frame, FRAME);
}

static void assert_stats(const struct fixture *f, struct verify_stats want)
{
	assert_memory_equal(&f->verifier->stats, &want, sizeof(want));
}

static void test_in_order(void **state)
{
	for (enum pktgen_proto proto = PROTO_ETHER; proto <= PROTO_TCP6; proto++) {
		struct fixture f;

		setup(&f, proto);
		for (uint32_t i = 0; i < 100; i++)
			assert_true(receive(&f, i));
		verifier_finish(f.verifier, 100, NULL, 1);
		assert_stats(&f, (struct verify_stats){ .checked = 100 });
		assert_true(verify_clean(&f.verifier->stats));
		verifier_finish(f.verifier, 103, NULL, 1);
		assert_stats(&f, (struct verify_stats){ .checked = 100, .lost = 3 });
		free(f.verifier);
	}
}

static void test_every_byte_matters(void **state)
{
	for (uint32_t at = 0; at < FRAME; at++) {
		struct fixture f;

		setup(&f, PROTO_TCP4);
		assert_true(receive(&f, 0));
		build(&f, 1);
		f.frame[at] ^= 0x20;
		/* Destination and source MAC: another's frame, or not looked at. */
		assert_int_equal(verifier_check(f.verifier, &f.packet, f.frame, FRAME),
				 at < ETH_ALEN);
		if (at >= ETHER_LEN && f.verifier->stats.other == 0)
			assert_stats(&f, (struct verify_stats){ .checked = 2, .corrupt = 1 });
		free(f.verifier);
	}
}

static void test_lengths_and_flags(void **state)
{
	struct fixture f;

	setup(&f, PROTO_UDP4);
	build(&f, 0);
	assert_false(verifier_check(f.verifier, &f.packet, f.frame, FRAME - 1));
	f.packet.flags = SOFTIOV_VLAN;
	f.packet.vlan = 7;
	assert_false(verifier_check(f.verifier, &f.packet, f.frame, FRAME));
	f.packet.flags = SOFTIOV_L4_BAD;
	assert_false(verifier_check(f.verifier, &f.packet, f.frame, FRAME));
	f.packet.flags = SOFTIOV_L4_GOOD | SOFTIOV_IP_GOOD | SOFTIOV_HASH;
	assert_true(verifier_check(f.verifier, &f.packet, f.frame, FRAME));
	assert_stats(&f, (struct verify_stats){ .checked = 4, .corrupt = 3 });
	for (uint32_t len = 0; len < ETHER_LEN; len++)
		assert_false(verifier_check(f.verifier, &f.packet, f.frame, len));
	assert_int_equal(f.verifier->stats.other, ETHER_LEN);
	free(f.verifier);
}

static void test_lost_late_double(void **state)
{
	static const uint32_t order[] = { 0, 1, 5, 3, 3, 5, 6 };
	struct fixture f;

	setup(&f, PROTO_UDP6);
	for (unsigned int i = 0; i < ARRAY_SIZE(order); i++)
		assert_true(receive(&f, order[i]));
	assert_stats(&f, (struct verify_stats){
				 .checked = 7, .lost = 2, .duplicated = 2, .reordered = 1 });
	assert_false(verify_clean(&f.verifier->stats));
	/* Further back than the window: late, whatever it is. */
	assert_true(receive(&f, 7 + 2 * VERIFY_WINDOW));
	assert_true(receive(&f, 6));
	assert_stats(&f, (struct verify_stats){ .checked = 9,
						.lost = 2 + 2 * VERIFY_WINDOW - 1,
						.duplicated = 2,
						.reordered = 2 });
	free(f.verifier);
}

static void test_sequence_wraps(void **state)
{
	struct fixture f;

	setup(&f, PROTO_ETHER);
	f.verifier->next = UINT32_MAX - 1;
	for (uint32_t i = 0; i < 5; i++)
		assert_true(receive(&f, UINT32_MAX - 1 + i));
	assert_stats(&f, (struct verify_stats){ .checked = 5 });
	assert_int_equal(f.verifier->next, UINT32_MAX + 4ull);
	free(f.verifier);
}

static void test_others(void **state)
{
	struct fixture f;

	setup(&f, PROTO_UDP4);
	f.verifier->from_start = false;
	assert_true(receive(&f, 1000));
	build(&f, 1001);
	memcpy(f.frame + ETH_ALEN, bob, ETH_ALEN);
	assert_false(verifier_check(f.verifier, &f.packet, f.frame, FRAME));
	build(&f, 1001);
	put_be16(f.frame + 12, 0x0806);
	assert_false(verifier_check(f.verifier, &f.packet, f.frame, FRAME));
	assert_true(receive(&f, 1001));
	assert_stats(&f, (struct verify_stats){ .checked = 2, .other = 2 });
	free(f.verifier);
}

/* A segment of a stream, with the checksum that the card would give it. */
static bool receive_segment(struct fixture *f, uint32_t sequence)
{
	uint32_t headers = template_headers(PROTO_TCP4), len = headers + MSS / 2;
	uint8_t *tcp = f->frame + ETHER_LEN + IPV4_LEN;
	struct template_spec spec = { .proto = PROTO_TCP4 };
	uint8_t pseudo[12] = { [9] = PROTOCOL_TCP };

	memcpy(spec.source, alice, ETH_ALEN);
	memcpy(spec.destination, bob, ETH_ALEN);
	template_build(&f->template, &spec, len);
	memcpy(f->frame, f->template.head, TEMPLATE_HEAD);
	memcpy(f->frame + headers, pattern + sequence % PATTERN_PERIOD, len - headers);
	put_be16(tcp + 2, PORT_STREAM);
	put_be32(tcp + 4, sequence);
	put_le16(tcp + 16, 0);
	memcpy(pseudo, f->frame + ETHER_LEN + 12, 8);
	put_be16(pseudo + 10, TCP_LEN + MSS / 2);
	put_le16(tcp + 16, csum_fold(csum_partial(tcp, TCP_LEN + MSS / 2,
						  csum_partial(pseudo, sizeof(pseudo), 0))));
	return verifier_check(f->verifier, &f->packet, f->frame, len);
}

static void test_stream(void **state)
{
	struct fixture f;
	uint32_t sent[1] = { 250 };

	setup(&f, PROTO_TCP4);
	assert_true(receive_segment(&f, 0));
	assert_true(receive_segment(&f, 50));
	assert_true(receive_segment(&f, 200)); /* 100 bytes are missing: one segment */
	assert_true(receive_segment(&f, 50));
	assert_stats(&f, (struct verify_stats){ .checked = 4, .lost = 1, .duplicated = 1 });
	verifier_finish(f.verifier, 0, sent, 1);
	assert_stats(&f, (struct verify_stats){ .checked = 4, .lost = 1, .duplicated = 1 });
	sent[0] = 251;
	verifier_finish(f.verifier, 0, sent, 1);
	assert_stats(&f, (struct verify_stats){ .checked = 4, .lost = 2, .duplicated = 1 });
	free(f.verifier);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_in_order),
		cmocka_unit_test(test_every_byte_matters),
		cmocka_unit_test(test_lengths_and_flags),
		cmocka_unit_test(test_lost_late_double),
		cmocka_unit_test(test_sequence_wraps),
		cmocka_unit_test(test_others),
		cmocka_unit_test(test_stream),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
