/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * test_random.c - thousands of random frames, each delivered once by the room and once by the
 * reference: the bytes, the number of frames and the checksum status must agree.
 *
 * SEED=n repeats a run; the seed is printed.
 */
#include <netinet/in.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <cmocka.h>
#include "reference.h"
#include "frame/copy.h"
#include "frame/plain.h"

static struct ref_frame f;
static struct ref_load load;
static uint8_t expected[REF_MAX + 64];

#define RUN_MAX 8

/* Deliver the current cut and some behind it, each in one piece, into blocks of the first's size. */
static unsigned int deliver_run(struct frame_cut *cut, uint8_t *to, uint32_t len[RUN_MAX])
{
	unsigned int n = frame_cut_left(cut, (unsigned int)(1 + ref_random(RUN_MAX))), done;
	uint32_t room = cut->len;
	uint8_t *block[RUN_MAX];

	for (unsigned int i = 0; i < n; i++)
		block[i] = memset(malloc(room), 0x5a, room);
	done = frame_cut_run(cut, block, n, len);
	assert_int_equal(done, n);
	for (unsigned int i = 0; i < n; i++) {
		assert_in_range(len[i], 14, room);
		for (uint32_t at = len[i]; at < room; at++)
			assert_int_equal(block[i][at], 0x5a);
		memcpy(to, block[i], len[i]);
		to += len[i];
		free(block[i]);
	}
	return n;
}

/* Deliver the current cut into buffers of random sizes, each a block of its own, and join them. */
static void deliver_pieces(struct frame_cut *cut, uint8_t *to)
{
	uint8_t *block[64];
	uint32_t size[64], left = cut->len;
	unsigned int n = 0;

	while (left) {
		size[n] =
			(uint32_t)(1 + ref_random(1 + ref_random(ref_random(4) ? left
									       : MIN(left, 40u))));
		if (n == ARRAY_SIZE(block) - 1)
			size[n] = left;
		block[n] = malloc(size[n]);
		frame_cut_copy(cut, block[n], size[n]);
		left -= size[n++];
	}
	frame_cut_end(cut);
	for (unsigned int i = 0; i < n; i++) {
		memcpy(to, block[i], size[i]);
		to += size[i];
		free(block[i]);
	}
}

/* Deliver the current cut and perhaps some behind it, one after the other to @to. */
static unsigned int deliver(struct frame_cut *cut, uint8_t *to, uint32_t len[RUN_MAX])
{
	if (ref_random(2))
		return deliver_run(cut, to, len);
	len[0] = cut->len;
	deliver_pieces(cut, to);
	return 1;
}

static void compare(const uint8_t *got, uint32_t len, unsigned int index, unsigned int flags)
{
	for (uint32_t i = 0; i < len; i++) {
		if (got[i] != expected[i])
			fail_msg("cut %u, byte %u of %u: %02x, expected %02x (flags %x l3 %u l4 %u "
				 "payload at %u, mss %u, proto %u, tunnel %d, tag %d)",
				 index, i, len, got[i], expected[i], flags, f.l3, f.l4, f.header,
				 f.spec.mss, f.spec.l4, f.spec.tunnel, f.spec.tag);
	}
}

/* The short way, if it can be taken. */
static bool take_short_way(const struct frame *frame, uint8_t *to, uint32_t *status)
{
	if (frame->flags & FRAME_L4_CSUM)
		return frame_plain_complete(frame, to, status);
	if (!frame_plain_judge(frame, status))
		return frame_plain_verify(frame, to, status);
	frame_plain_copy(frame, to);
	return true;
}

/* It comes to the same as the iterator with @status. */
static void check_short_way(const struct frame *frame, unsigned int flags, uint32_t status)
{
	uint8_t *block = malloc(frame->len);
	uint32_t found, len = ref_cut(&f, flags, 0, false, expected);

	assert_int_equal(frame->len, len);
	if (take_short_way(frame, block, &found)) {
		compare(block, len, 0, flags);
		assert_int_equal(found, status);
	} else {
		assert_true(f.spec.l4 == IPPROTO_SCTP || frame->segments != 1 || f.l4 % 2 ||
			    frame->header_len % 2 || frame->header_len > 248);
	}
	free(block);
}

/* Deliver cut @n, perhaps some more. Return: the next. */
static unsigned int check_delivery(struct frame_cut *cut, unsigned int n, unsigned int flags,
				   bool insert_vlan, uint64_t *total)
{
	static uint8_t got[REF_MAX + 64];
	uint32_t len[RUN_MAX];
	const uint8_t *frame = got;
	unsigned int delivered = deliver(cut, got, len);

	for (unsigned int i = 0; i < delivered; i++, n++) {
		assert_int_equal(len[i], ref_cut(&f, flags, n, insert_vlan, expected));
		compare(frame, len[i], n, flags);
		*total += len[i] - (insert_vlan && f.spec.tag ? 4 : 0);
		frame += len[i];
	}
	return n;
}

/* Deliver @load, expecting @f cut by the reference, with @status. */
static void check(unsigned int flags, bool insert_vlan, bool verify, uint32_t status)
{
	struct frame_cut cut;
	uint32_t frames, n = 0;
	uint64_t bytes, total = 0;

	do
		copy_way = copy_way_usable((unsigned int)ref_random(3));
	while (!copy_way);
	assert_int_equal(frame_finish(&load.frame), 0);
	frame_count(&load.frame, &frames, &bytes);
	memset(&cut, 0xa5, sizeof(cut));
	frame_cut_init(&cut, &load.frame, insert_vlan, verify);
	while (frame_cut_next(&cut)) {
		assert_int_equal(cut.index, n);
		assert_int_equal(cut.len, ref_cut(&f, flags, n, insert_vlan, expected));
		if (ref_random(16) == 0) {
			total += cut.len - (insert_vlan && f.spec.tag ? 4 : 0);
			frame_cut_skip(&cut); /* the next ones must not suffer */
			n++;
		} else {
			n = check_delivery(&cut, n, flags, insert_vlan, &total);
			assert_int_equal(cut.status, status);
		}
	}
	assert_false(frame_cut_next(&cut));
	assert_int_equal(n, ref_cuts(&f, flags));
	assert_int_equal(frames, n);
	assert_int_equal(bytes, total);
	if (verify && !(load.frame.flags & FRAME_SPECIAL & ~FRAME_L4_CSUM) &&
	    !frame_is_padded(&load.frame))
		check_short_way(&load.frame, flags, status);
}

static unsigned int random_payload(unsigned int max)
{
	switch (ref_random(4)) {
	case 0:
		return (unsigned int)ref_random(MIN(max, 64u) + 1);
	case 1:
		return (unsigned int)ref_random(MIN(max, 2000u) + 1);
	default:
		return (unsigned int)ref_random(max + 1);
	}
}

static struct ref_spec random_spec(bool tso)
{
	static const uint8_t protocol[] = { IPPROTO_TCP, IPPROTO_UDP, IPPROTO_SCTP };
	struct ref_spec spec = {
		.ipv6 = ref_random(2),
		.inner_ipv6 = ref_random(2),
		.tunnel = ref_random(3) ? REF_PLAIN : (enum ref_tunnel)ref_random(REF_TUNNELS),
		.tag = (enum ref_tag)ref_random(REF_TAGS),
		.l4 = protocol[ref_random(tso ? 2 : 3)],
		.options = ref_random(3) ? 0 : (unsigned int)ref_random(5) * 8,
		.tcp_options = (unsigned int)ref_random(11) * 4,
		.mss = (unsigned int)(1 + ref_random(ref_random(2) ? 9000 : 1500)),
	};

	spec.payload = random_payload(tso ? 65535 : 8900);
	if (tso && spec.payload / 600 > spec.mss) /* few thousand small cuts are enough */
		spec.mss += spec.payload / 600;
	if (ref_random(4) == 0 && spec.payload < 3000)
		spec.mss = (unsigned int)(1 + ref_random(4));
	return spec;
}

/* The outer L4 header is where the checksum was computed: it is vouched for. */
static uint32_t computed_status(unsigned int flags)
{
	uint32_t status = 0;

	if (!f.spec.ipv6 && flags & (FRAME_IP_CSUM | FRAME_TSO))
		status |= FRAME_IP_CHECKED;
	if (f.spec.tunnel == REF_PLAIN && flags & (FRAME_L4_CSUM | FRAME_TSO))
		status |= FRAME_L4_CHECKED;
	return status;
}

static void random_flags(unsigned int *flags, bool *insert_vlan)
{
	if (ref_random(2))
		*flags |= FRAME_PAD;
	*insert_vlan = ref_random(2);
}

static void test_segmentation(void **ctx)
{
	(void)ctx;
	for (int i = 0; i < 1500; i++) {
		struct ref_spec spec = random_spec(true);
		unsigned int flags = FRAME_TSO;
		bool insert_vlan;

		random_flags(&flags, &insert_vlan);
		if (ref_random(2))
			flags |= FRAME_IP_CSUM | FRAME_L4_CSUM; /* implied anyway */
		ref_build(&f, &spec);
		ref_load(&load, &f, flags);
		check(flags, insert_vlan, ref_random(2), computed_status(flags));
		ref_unload(&load);
	}
}

static void test_checksums(void **ctx)
{
	(void)ctx;
	for (int i = 0; i < 6000; i++) {
		struct ref_spec spec = random_spec(false);
		unsigned int flags = FRAME_L4_CSUM;
		bool insert_vlan, verify = ref_random(2);
		uint32_t status;

		random_flags(&flags, &insert_vlan);
		if (ref_random(2))
			flags |= FRAME_IP_CSUM;
		ref_build(&f, &spec);
		ref_load(&load, &f, flags);
		status = computed_status(flags);
		if (verify && !spec.ipv6)
			status |= FRAME_IP_CHECKED;
		check(flags, insert_vlan, verify, status);
		ref_unload(&load);
	}
}

static void test_plain(void **ctx)
{
	(void)ctx;
	for (int i = 0; i < 4000; i++) {
		struct ref_spec spec = random_spec(false);
		unsigned int flags = 0;
		bool insert_vlan;

		random_flags(&flags, &insert_vlan);
		if (ref_random(3) == 0)
			flags |= FRAME_IP_CSUM;
		spec.trailing = (unsigned int)(ref_random(3) ? 0 : ref_random(20));
		ref_build(&f, &spec);
		ref_load(&load, &f, flags);
		check(flags, insert_vlan, false, computed_status(flags));
		ref_unload(&load);
	}
}

/* Frames as they come from the wire; some with one bit turned over. */
static void test_verify(void **ctx)
{
	(void)ctx;
	for (int i = 0; i < 6000; i++) {
		struct ref_spec spec = random_spec(false);
		unsigned int flags = 0;
		uint32_t status = FRAME_L4_CHECKED;
		bool insert_vlan;

		random_flags(&flags, &insert_vlan);
		spec.tunnel = REF_PLAIN;
		spec.trailing = (unsigned int)(ref_random(3) ? 0 : ref_random(20));
		ref_build(&f, &spec);
		if (!spec.ipv6)
			status |= FRAME_IP_CHECKED;
		if (ref_random(2) && spec.payload) {
			f.bytes[f.header + ref_random(spec.payload)] ^= 1 << ref_random(8);
			status |= FRAME_L4_BAD;
		}
		if (ref_random(4) == 0 && !spec.ipv6) {
			f.bytes[f.l3 + 8] ^= 1 << ref_random(8); /* TTL */
			status |= FRAME_IP_BAD;
		}
		ref_load(&load, &f, flags);
		check(flags, insert_vlan, true, status);
		ref_unload(&load);
	}
}

static uint16_t random_len(unsigned int usual)
{
	return (uint16_t)(ref_random(3) ? usual : ref_random(ref_random(2) ? 64 : 65536));
}

/* A request without sense, in a header that often looks like one with some. */
static void random_request(struct frame *frame)
{
	static const uint8_t version[] = { 0x45, 0x46, 0x4f, 0x44, 0x60, 0x00 };
	static const uint16_t type[] = { 0x0800, 0x86dd, 0x8100, 0x0806 };

	for (unsigned int i = 0; i < FRAME_HEADER_MAX; i++)
		frame->header[i] = (uint8_t)ref_random(256);
	put_be16(frame->header + 12, type[ref_random(ARRAY_SIZE(type))]);
	frame->header[14] = version[ref_random(ARRAY_SIZE(version))];
	frame->header[20] = (uint8_t)ref_random(64); /* IPv6 next header */
	frame->header[23] = ref_random(2) ? IPPROTO_TCP : IPPROTO_UDP;
	frame->flags = (uint16_t)ref_random(128);
	frame->header_len = (uint16_t)ref_random(ref_random(8) ? 257 : 65536);
	frame->l2_len = random_len(14);
	frame->l3_len = random_len(20);
	frame->l4_len = random_len(20);
	frame->l4_proto = (uint8_t)(ref_random(2)   ? IPPROTO_TCP
				    : ref_random(2) ? IPPROTO_UDP
				    : ref_random(2) ? IPPROTO_SCTP
						    : ref_random(256));
	frame->mss = random_len(100);
}

/* Whatever is asked for, what is let in is delivered as counted and touches nothing else. */
static void test_hostile(void **ctx)
{
	static uint8_t got[REF_MAX + 64];
	unsigned int let_in = 0;

	(void)ctx;
	for (int i = 0; i < 60000; i++) {
		uint32_t body = (uint32_t)(ref_random(3) ? 0 : ref_random(4000)), frames, n = 0;
		struct frame_segment *segment = load.segment;
		bool insert_vlan = ref_random(2), verify = ref_random(2);
		struct frame *frame = &load.frame;
		struct frame_cut cut;
		uint64_t bytes, total = 0;

		random_request(frame);
		*segment = (struct frame_segment){ calloc(1, body + 1), body };
		frame->segment = segment;
		frame->segments = 1;
		frame->len = frame->header_len + body + (ref_random(50) ? 0 : 1);
		if (frame_finish(frame) == 0) {
			let_in++;
			frame_count(frame, &frames, &bytes);
			frame_cut_init(&cut, frame, insert_vlan, verify);
			while (frame_cut_next(&cut)) {
				const uint8_t *delivered = got;
				uint32_t len[RUN_MAX];
				unsigned int some = deliver(&cut, got, len);

				n += some;
				for (unsigned int k = 0; k < some; k++) {
					total += len[k] - cut.tag_len;
					assert_in_range(len[k], 14, FRAME_MAX_LEN);
					/* nothing may rewrite the addresses that were checked */
					assert_memory_equal(delivered, frame->header, 12);
					delivered += len[k];
				}
			}
			assert_int_equal(n, frames);
			assert_int_equal(total, bytes);
		}
		free((void *)segment->base);
	}
	assert_in_range(let_in, 1000, 59000);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_plain),	  cmocka_unit_test(test_verify),
		cmocka_unit_test(test_checksums), cmocka_unit_test(test_segmentation),
		cmocka_unit_test(test_hostile),
	};
	const char *text = getenv("SEED");
	uint64_t seed = text ? strtoull(text, NULL, 0) : now_ns();

	printf("SEED=%llu\n", (unsigned long long)seed);
	ref_seed(seed * 0x9e3779b97f4a7c15);
	return cmocka_run_group_tests_name("frame random", tests, NULL, NULL);
}
