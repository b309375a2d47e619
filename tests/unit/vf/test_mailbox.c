// SPDX-License-Identifier: BSD-3-Clause
/*
 * test_mailbox.c - the VF driver against a PF driver that does what the real one of this project never does: speaks
 * other versions, assigns no address, keeps silent, is reset.
 */
#include <poll.h>
#include <stdlib.h>

#include "fake_pf.h"
#include "util/util.h"

#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>

#define COMMAND 4
#define MASTER_MEMORY 6
#define PATIENCE_S 20
#define SHORT_MS 30

/* --- tests ------------------------------------------------------------------------------------ */

static int try_open(struct softiov_vf **vf, struct softiov_reason *why)
{
	const struct softiov_vf_options options = { .timeout_ms = SHORT_MS };

	return softiov_vf_open(vf, "unix:/fake", &options, why);
}

static struct softiov_vf *open_vf(void)
{
	struct softiov_reason why = { "" };
	struct softiov_vf *vf = NULL;

	if (try_open(&vf, &why))
		fail_msg("%s", why.text);
	return vf;
}

static void expect_error(int error)
{
	struct softiov_reason why = { "" };
	struct softiov_vf *vf = NULL;

	assert_string_equal(softiov_error_name(try_open(&vf, &why)), softiov_error_name(error));
	assert_ptr_equal(strstr(why.text, "unix:/fake: "), why.text);
	assert_null(vf);
}

static struct softiov_vf_info info_of(const struct softiov_vf *vf)
{
	struct softiov_vf_info info;

	softiov_vf_info(vf, &info);
	return info;
}

static void await(struct softiov_vf *vf, int events)
{
	struct pollfd p = { .fd = softiov_vf_fd(vf), .events = POLLIN };
	uint64_t end = now_ns() + PATIENCE_S * NSEC_PER_SEC;
	int seen = 0;

	while ((seen & events) != events) {
		int result;

		assert_true(now_ns() < end);
		assert_true(poll(&p, 1, 50) >= 0);
		result = softiov_vf_service(vf);
		if (result >= 0)
			seen |= result;
	}
}

static void every_version(void **state)
{
	static const struct {
		uint32_t number, minor, queues;
	} cases[] = { { 0, 0, 1 }, { 2, 1, 2 }, { 3, 2, 2 }, { 4, 3, 2 },
		      { 5, 4, 2 }, { 6, 5, 2 }, { 8, 5, 2 } };

	for (unsigned int i = 0; i < ARRAY_SIZE(cases); i++) {
		struct softiov_vf *vf;

		fake_setup(state);
		fake.api = cases[i].number;
		vf = open_vf();
		assert_int_equal(info_of(vf).mailbox_api, cases[i].minor);
		assert_int_equal(info_of(vf).queues, cases[i].queues);
		assert_memory_equal(info_of(vf).mac, fake_mac, 6);
		assert_true(fake_asked(MSG_SET_LPE, 1518));
		assert_int_equal(fake.config[COMMAND / 4] & MASTER_MEMORY, MASTER_MEMORY);
		assert_int_equal(softiov_vf_set_vlan(vf, 9, true), 0);
		assert_true(fake_asked(MSG_SET_VLAN | 1u << MSG_INFO_SHIFT, 9));
		softiov_vf_close(vf);
	}
}

static void modes_need_a_version(void **state)
{
	struct softiov_vf *vf;

	fake.api = 2;
	vf = open_vf();
	assert_int_equal(softiov_vf_set_mode(vf, SOFTIOV_RX_NORMAL), 0);
	assert_int_equal(softiov_vf_set_mode(vf, SOFTIOV_RX_ALL_MULTICAST), -EOPNOTSUPP);
	softiov_vf_close(vf);
	fake.api = 3;
	vf = open_vf();
	assert_int_equal(softiov_vf_set_mode(vf, SOFTIOV_RX_ALL_MULTICAST), 0);
	assert_int_equal(softiov_vf_set_mode(vf, SOFTIOV_RX_PROMISCUOUS), -EOPNOTSUPP);
	softiov_vf_close(vf);
	fake.api = 4;
	vf = open_vf();
	assert_int_equal(softiov_vf_set_mode(vf, SOFTIOV_RX_PROMISCUOUS), 0);
	fake.mode_max = XCAST_MULTI; /* granted, but less */
	assert_int_equal(softiov_vf_set_mode(vf, SOFTIOV_RX_PROMISCUOUS), -SOFTIOV_ERR_REFUSED);
	softiov_vf_close(vf);
}

static void odd_answers(void **state)
{
	struct softiov_vf *vf;

	fake.queues = 0;
	vf = open_vf();
	assert_int_equal(info_of(vf).queues, 1);
	softiov_vf_close(vf);
	fake.queues = 1000;
	fake.refuse = BIT(MSG_GET_LINK_STATE); /* PF drivers from before it */
	vf = open_vf();
	assert_int_equal(info_of(vf).queues, SOFTIOV_QUEUES_MAX);
	assert_true(info_of(vf).link_up);
	softiov_vf_close(vf);
	fake.refuse = BIT(MSG_SET_LPE);
	expect_error(SOFTIOV_ERR_REFUSED);
}

static void no_address_assigned(void **state)
{
	struct softiov_vf *vf;
	uint8_t mac[6];

	fake.no_mac = true;
	vf = open_vf();
	memcpy(mac, info_of(vf).mac, 6);
	assert_int_equal(mac[0] & 3, 2); /* local, unicast */
	assert_true(fake_asked(MSG_SET_MAC_ADDR, get_le32(mac)));
	softiov_vf_close(vf);
}

static void speeds(void **state)
{
	static const struct {
		uint32_t links, mbps;
	} cases[] = { { VFLINKS_UP | VFLINKS_10G, 10000 },
		      { VFLINKS_UP | VFLINKS_1G, 1000 },
		      { VFLINKS_UP | VFLINKS_100M, 100 },
		      { VFLINKS_UP, 0 },
		      { VFLINKS_10G, 0 } };

	for (unsigned int i = 0; i < ARRAY_SIZE(cases); i++) {
		struct softiov_vf *vf;

		fake.reg[REG_VFLINKS / 4] = cases[i].links;
		vf = open_vf();
		assert_int_equal(info_of(vf).link_up, !!(cases[i].links & VFLINKS_UP));
		assert_int_equal(info_of(vf).link_mbps, cases[i].mbps);
		softiov_vf_close(vf);
	}
}

/* 01:00:5e:01:a5:c3: the PF driver says which twelve bits of c3a5 count. */
static void multicast_hashes(void **state)
{
	static const uint8_t group[3][6] = { { 1, 0, 0x5e, 1, 0xa5, 0xc3 },
					     { 1, 0, 0x5e, 1, 0xa5, 0xc3 },
					     { 1, 0, 0x5e, 1, 0, 0 } };
	static const uint32_t hash[] = { 0xc3a, 0x874, 0x0e9, 0x3a5 };

	for (unsigned int i = 0; i < ARRAY_SIZE(hash); i++) {
		struct softiov_vf *vf;

		fake.multicast_type = i;
		vf = open_vf();
		assert_int_equal(softiov_vf_set_multicast(vf, group, 3), 0);
		assert_true(fake_asked(MSG_SET_MULTICAST | 3u << MSG_INFO_SHIFT,
				       hash[i] | hash[i] << 16));
		assert_int_equal(fake.word2[fake.logged - 1], 0);
		softiov_vf_close(vf);
	}
}

static void a_silent_pf(void **state)
{
	fake.silent = BIT(MSG_RESET);
	expect_error(SOFTIOV_ERR_NO_PF);
	fake.silent = BIT(MSG_GET_QUEUES);
	expect_error(SOFTIOV_ERR_NO_PF);
	fake.silent = 0;
	fake.in_reset = FAKE_FOR_GOOD; /* for good */
	expect_error(SOFTIOV_ERR_NO_PF);
	fake.in_reset = 3;
	softiov_vf_close(open_vf());
	fake.gone = true;
	expect_error(SOFTIOV_ERR_GONE);
}

/* There is always a message, never the answer. */
static void a_babbling_pf(void **state)
{
	fake.silent = UINT32_MAX;
	fake.babbles = true;
	expect_error(SOFTIOV_ERR_NO_PF);
}

static void other_devices(void **state)
{
	static const struct {
		uint32_t id;
		int error;
	} cases[] = { { 0x10ed8086, 0 },
		      { 0x15158086, 0 },
		      { 0x15658086, 0 },
		      { 0x10fb8086, SOFTIOV_ERR_NOT_VF },
		      { 0x10ed1af4, SOFTIOV_ERR_NOT_VF },
		      { 0xffffffff, SOFTIOV_ERR_NOT_VF } };

	for (unsigned int i = 0; i < ARRAY_SIZE(cases); i++) {
		fake.config[0] = cases[i].id;
		if (cases[i].error)
			expect_error(cases[i].error);
		else
			softiov_vf_close(open_vf());
	}
}

/* The PF driver may say something of its own before it answers. */
static void news_before_the_reply(void **state)
{
	struct softiov_vf *vf = open_vf();

	fake.news = 0x100 | MSG_CTS;
	assert_int_equal(softiov_vf_set_vlan(vf, 9, true), 0);
	assert_int_equal(fake.news, 0);
	assert_int_equal(softiov_vf_service(vf), 0);
	assert_int_equal(fake.resets, 1);
	softiov_vf_close(vf);
}

static void configure_all(struct softiov_vf *vf)
{
	static const uint8_t group[6] = { 1, 0, 0x5e, 0, 0xa5, 0xc3 };
	static const uint8_t mac[6] = { 0x52, 0x54, 0, 0, 0, 7 };

	assert_int_equal(softiov_vf_set_mac(vf, mac), 0);
	assert_int_equal(softiov_vf_set_vlan(vf, 1, true), 0);
	assert_int_equal(softiov_vf_set_vlan(vf, 63, true), 0);
	assert_int_equal(softiov_vf_set_vlan(vf, 64, true), 0);
	assert_int_equal(softiov_vf_set_vlan(vf, 64, false), 0);
	assert_int_equal(softiov_vf_set_vlan(vf, 4094, true), 0);
	assert_int_equal(softiov_vf_set_multicast(vf, &group, 1), 0);
	assert_int_equal(softiov_vf_set_mode(vf, SOFTIOV_RX_ALL_MULTICAST), 0);
}

static void expect_all_asked_again(void)
{
	const uint32_t join = MSG_SET_VLAN | 1u << MSG_INFO_SHIFT;

	assert_true(fake_asked(MSG_SET_LPE, 1518));
	assert_true(fake_asked(MSG_SET_MAC_ADDR, 0x5452));
	assert_true(fake_asked(join, 1));
	assert_true(fake_asked(join, 63));
	assert_false(fake_asked(join, 64));
	assert_true(fake_asked(join, 4094));
	assert_true(fake_asked(MSG_SET_MULTICAST | 1u << MSG_INFO_SHIFT, 0xc3a));
	assert_true(fake_asked(MSG_UPDATE_XCAST_MODE, XCAST_ALLMULTI));
}

static void a_reset_restores_all(void **state)
{
	struct softiov_vf *vf = open_vf();

	configure_all(vf);
	fake.clear_to_send = false;
	fake_say(0x100); /* without CTS: start anew */
	await(vf, SOFTIOV_EVENT_RESET);
	assert_int_equal(fake.resets, 2);
	expect_all_asked_again();
	assert_int_equal(info_of(vf).mac[5], 7);
	assert_true(info_of(vf).link_up);

	/* What is refused now is no reason to stop; the wishes stay. */
	fake.refuse = BIT(MSG_SET_MAC_ADDR) | BIT(MSG_SET_VLAN) | BIT(MSG_UPDATE_XCAST_MODE);
	fake_say(MSG_NACK);
	await(vf, SOFTIOV_EVENT_RESET);
	expect_all_asked_again();
	assert_memory_equal(info_of(vf).mac, fake_mac, 6);
	fake.refuse = 0;
	fake_say(MSG_NACK);
	await(vf, SOFTIOV_EVENT_RESET);
	expect_all_asked_again();
	assert_int_equal(info_of(vf).mac[5], 7);
	softiov_vf_close(vf);
}

/* The PF driver answers with a NACK that lacks CTS: first a reset, please. */
static void a_request_meets_a_reset(void **state)
{
	struct softiov_vf *vf = open_vf();

	fake.clear_to_send = false;
	assert_int_equal(softiov_vf_set_vlan(vf, 9, true), -EAGAIN);
	await(vf, SOFTIOV_EVENT_RESET);
	assert_int_equal(softiov_vf_set_vlan(vf, 9, true), 0);
	fake.in_reset = FAKE_FOR_GOOD;
	assert_int_equal(softiov_vf_set_vlan(vf, 10, true), -EAGAIN);
	softiov_vf_close(vf);
}

/* While the PF is in its reset the link is down, and nobody waits for it. */
static void the_pf_is_reset(void **state)
{
	struct softiov_vf *vf = open_vf();

	fake.in_reset = FAKE_FOR_GOOD;
	await(vf, SOFTIOV_EVENT_LINK);
	assert_false(info_of(vf).link_up);
	assert_int_equal(fake.resets, 1);
	fake.in_reset = 0;
	fake_signal(VFMAILBOX_RSTD);
	await(vf, SOFTIOV_EVENT_RESET | SOFTIOV_EVENT_LINK);
	assert_true(info_of(vf).link_up);
	softiov_vf_close(vf);
}

static void a_reset_fails_and_is_tried_again(void **state)
{
	struct softiov_vf *vf = open_vf();
	uint64_t end = now_ns() + PATIENCE_S * NSEC_PER_SEC;
	int result = 0;

	configure_all(vf);
	fake.silent = BIT(MSG_RESET);
	fake_say(MSG_NACK);
	while (result != -SOFTIOV_ERR_NO_PF && now_ns() < end) {
		poll(NULL, 0, 10);
		result = softiov_vf_service(vf);
	}
	assert_int_equal(result, -SOFTIOV_ERR_NO_PF);
	fake.silent = 0;
	await(vf, SOFTIOV_EVENT_RESET);
	expect_all_asked_again();
	softiov_vf_close(vf);
}

/* A function that was reset by somebody else has lost bus mastering and its vectors. */
static void the_function_was_reset(void **state)
{
	struct softiov_vf *vf = open_vf();

	fake.config[COMMAND / 4] = 0;
	fake_say(MSG_NACK);
	fake.vectors = 0;
	await(vf, SOFTIOV_EVENT_RESET);
	assert_int_equal(fake.config[COMMAND / 4] & MASTER_MEMORY, MASTER_MEMORY);
	assert_int_equal(fake.vectors, VF_VECTORS);
	softiov_vf_close(vf);
}

static void the_link_follows(void **state)
{
	struct softiov_vf *vf = open_vf();

	fake.reg[REG_VFLINKS / 4] = 0;
	fake_say(0x100 | MSG_CTS);
	await(vf, SOFTIOV_EVENT_LINK);
	assert_false(info_of(vf).link_up);
	fake.reg[REG_VFLINKS / 4] = VFLINKS_UP | VFLINKS_1G;
	fake_say(0x100 | MSG_CTS);
	await(vf, SOFTIOV_EVENT_LINK);
	assert_int_equal(info_of(vf).link_mbps, 1000);
	assert_int_equal(fake.resets, 1);
	assert_int_equal(fake.reg[REG_VTIVAR_MISC / 4], VTIVAR_VALID | VF_MAILBOX_VECTOR);
	softiov_vf_close(vf);
}

static void a_card_that_is_gone_reads_all_ones(void **state)
{
	struct softiov_vf *vf = open_vf();

	fake.gone = true;
	assert_int_equal(vf_read(vf, REG_VFSTATUS), UINT32_MAX);
	assert_int_equal(softiov_vf_set_vlan(vf, 9, true), -SOFTIOV_ERR_GONE);
	assert_int_equal(softiov_vf_service(vf), -SOFTIOV_ERR_GONE);
	softiov_vf_close(vf);
}

#define TEST(test) cmocka_unit_test_setup(test, fake_setup)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(every_version),
		TEST(modes_need_a_version),
		TEST(odd_answers),
		TEST(no_address_assigned),
		TEST(speeds),
		TEST(multicast_hashes),
		TEST(a_silent_pf),
		TEST(a_babbling_pf),
		TEST(other_devices),
		TEST(news_before_the_reply),
		TEST(a_reset_restores_all),
		TEST(a_request_meets_a_reset),
		TEST(the_pf_is_reset),
		TEST(a_reset_fails_and_is_tried_again),
		TEST(the_function_was_reset),
		TEST(the_link_follows),
		TEST(a_card_that_is_gone_reads_all_ones),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
