/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * test_messages.c - the mailbox protocol from the VF driver's side, message by message: what is granted, what
 * is refused and to whom, and what then stands in the registers.
 */
#include "fake_card.h"

#include <stdlib.h>

#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>

#define OK (MSG_ACK | MSG_CTS)
#define NO (MSG_NACK | MSG_CTS)
#define INFO(n) ((uint32_t)(n) << 16)

static const uint8_t mac_a[ETH_ALEN] = { 0x02, 0, 0, 0, 0, 0x0a };
static const uint8_t mac_b[ETH_ALEN] = { 0x02, 0, 0, 0, 0, 0x0b };

static bool pool_bit(const struct fake_card *card, uint32_t low_register, unsigned int vf)
{
	return fake_reg(card, low_register + 4 * (vf / 32)) >> (vf % 32) & 1;
}

static void reset_opens_the_pool(void **unused)
{
	struct fake_card *card = fake_create(40); /* 64 pools of 2 queues */
	uint32_t msg[MAILBOX_WORDS] = { MSG_RESET };
	uint8_t mac[ETH_ALEN];

	assert_false(pool_bit(card, REG_VFRE(0), 33));
	vf_reset(card, 33, false);
	vf_ask(card, 33, msg);
	/* Drivers compare word 0 as a whole: no CTS here. */
	assert_int_equal(msg[0], MSG_RESET | MSG_ACK);
	pf_derive_mac(card->pf_config.mac_seed, 33, mac);
	assert_memory_equal(msg + 1, mac, ETH_ALEN);
	assert_int_equal(msg[3], 0);
	for (unsigned int i = 4; i < MAILBOX_WORDS; i++)
		assert_int_equal(msg[i], 0);

	assert_true(pool_bit(card, REG_VFRE(0), 33));
	assert_true(pool_bit(card, REG_VFTE(0), 33));
	assert_false(pool_bit(card, REG_VFRE(0), 32));
	assert_true(fake_pools_of_mac(card, mac) == BIT64(33));
	assert_true(fake_pools_of_vlan(card, 0) & BIT64(33));
	assert_int_equal(fake_reg(card, REG_VMOLR(33)), VMOLR_AUPE | VMOLR_BAM);
	assert_int_equal(fake_reg(card, REG_PFVFSPOOF(33)) &
				 (PFVFSPOOF_MAC(33) | PFVFSPOOF_VLAN(33)),
			 PFVFSPOOF_MAC(33) | PFVFSPOOF_VLAN(33));
	assert_true(card->queue_drop[1] == (BIT64(2) | BIT64(3))); /* queues 66, 67 */
	assert_true(card->state.vf[33].active && card->state.vf[33].clear_to_send);
	fake_destroy(card);
}

static void nothing_before_reset(void **unused)
{
	struct fake_card *card = fake_create(4);
	uint32_t msg[MAILBOX_WORDS] = { MSG_API_NEGOTIATE, MSG_API_11 };

	assert_int_equal(vf_ask(card, 1, msg), MSG_API_NEGOTIATE | MSG_NACK);
	assert_int_equal(vf_say(card, 1, MSG_SET_VLAN | INFO(1), 5),
			 MSG_SET_VLAN | INFO(1) | MSG_NACK);
	assert_true(fake_pools_of_vlan(card, 5) == 0);
	assert_int_equal(card->state.vf[1].nacks, 2);
	fake_destroy(card);
}

static void own_replies_are_ignored(void **unused)
{
	struct fake_card *card = fake_create(4);
	const uint32_t echo[] = { MSG_SET_VLAN | MSG_ACK, 5 };
	uint32_t msg[MAILBOX_WORDS];

	vf_start(card, 0, MSG_API_11);
	assert_true(vf_post(card, 0, echo, 2));
	fake_run(card);
	assert_false(vf_take(card, 0, msg));
	fake_destroy(card);
}

static void versions(void **unused)
{
	static const uint32_t spoken[] = { MSG_API_10, MSG_API_11, MSG_API_12, MSG_API_13 };
	static const uint32_t refused[] = { MSG_API_20, 5, 6, 7, 8, 100, UINT32_MAX };
	struct fake_card *card = fake_create(4);

	vf_start(card, 0, MSG_API_10);
	for (unsigned int i = 0; i < ARRAY_SIZE(spoken); i++) {
		assert_int_equal(vf_say(card, 0, MSG_API_NEGOTIATE, spoken[i]),
				 MSG_API_NEGOTIATE | OK);
		assert_int_equal(card->state.vf[0].api, spoken[i]);
	}
	for (unsigned int i = 0; i < ARRAY_SIZE(refused); i++)
		assert_int_equal(vf_say(card, 0, MSG_API_NEGOTIATE, refused[i]),
				 MSG_API_NEGOTIATE | NO);
	assert_int_equal(card->state.vf[0].api, MSG_API_13);
	fake_destroy(card);
}

static void queues(void **unused)
{
	struct fake_card *card = fake_create(8);
	uint32_t msg[MAILBOX_WORDS] = { MSG_GET_QUEUES };

	vf_start(card, 0, MSG_API_10);
	assert_int_equal(vf_say(card, 0, MSG_GET_QUEUES, 0), MSG_GET_QUEUES | NO);
	vf_start(card, 0, MSG_API_11);
	assert_int_equal(vf_ask(card, 0, msg), MSG_GET_QUEUES | OK);
	assert_int_equal(msg[MSG_TX_QUEUES], 4);
	assert_int_equal(msg[MSG_RX_QUEUES], 4);
	assert_int_equal(msg[MSG_TRANSPARENT_VLAN], 0);

	assert_int_equal(pf_set_vf_vlan(card->driver, 0, 100, 0, NULL), 0);
	vf_start(card, 0, MSG_API_13);
	msg[0] = MSG_GET_QUEUES;
	vf_ask(card, 0, msg);
	assert_int_equal(msg[MSG_TRANSPARENT_VLAN], 1);
	fake_destroy(card);

	card = fake_create(40);
	vf_start(card, 39, MSG_API_12);
	msg[0] = MSG_GET_QUEUES;
	vf_ask(card, 39, msg);
	assert_int_equal(msg[MSG_RX_QUEUES], 2);
	fake_destroy(card);
}

static void mac_by_guest(void **unused)
{
	static const uint8_t zero[ETH_ALEN], multicast[ETH_ALEN] = { 1, 0, 0x5e };
	struct fake_card *card = fake_create(4);
	uint8_t derived[ETH_ALEN];
	uint32_t msg[MAILBOX_WORDS] = { MSG_RESET };

	pf_derive_mac(card->pf_config.mac_seed, 0, derived);
	vf_start(card, 0, MSG_API_13);
	assert_int_equal(vf_mac(card, 0, MSG_SET_MAC_ADDR, mac_a), MSG_SET_MAC_ADDR | OK);
	assert_true(fake_pools_of_mac(card, mac_a) == BIT64(0));
	assert_true(fake_pools_of_mac(card, derived) == 0);
	assert_int_equal(vf_mac(card, 0, MSG_SET_MAC_ADDR, zero), MSG_SET_MAC_ADDR | NO);
	assert_int_equal(vf_mac(card, 0, MSG_SET_MAC_ADDR, multicast), MSG_SET_MAC_ADDR | NO);
	assert_memory_equal(card->state.vf[0].mac, mac_a, ETH_ALEN);

	/* It stays while the same guest's driver resets its VF ... */
	vf_reset(card, 0, true);
	assert_true(fake_pools_of_mac(card, mac_a) == 0);
	vf_ask(card, 0, msg);
	assert_memory_equal(msg + 1, mac_a, ETH_ALEN);
	assert_true(fake_pools_of_mac(card, mac_a) == BIT64(0));
	/* ... and the next guest does not inherit it. */
	vf_reset(card, 0, true);
	pf_vf_released(card->driver, 0);
	msg[0] = MSG_RESET;
	vf_ask(card, 0, msg);
	assert_memory_equal(msg + 1, derived, ETH_ALEN);
	fake_destroy(card);
}

static void mac_of_others(void **unused)
{
	struct fake_card *card = fake_create(4);

	vf_start(card, 0, MSG_API_13);
	vf_start(card, 1, MSG_API_13);
	assert_int_equal(vf_mac(card, 0, MSG_SET_MAC_ADDR, mac_a), MSG_SET_MAC_ADDR | OK);
	assert_int_equal(vf_mac(card, 1, MSG_SET_MAC_ADDR, mac_a), MSG_SET_MAC_ADDR | NO);
	assert_int_equal(vf_mac(card, 1, MSG_SET_MAC_ADDR, fake_pf_mac), MSG_SET_MAC_ADDR | NO);
	assert_int_equal(vf_mac(card, 1, MSG_SET_MACVLAN | INFO(1), mac_a),
			 MSG_SET_MACVLAN | INFO(1) | NO);
	/* Not even while the owner is away. */
	vf_reset(card, 0, true);
	assert_int_equal(vf_mac(card, 1, MSG_SET_MAC_ADDR, mac_a), MSG_SET_MAC_ADDR | NO);
	assert_int_equal(vf_mac(card, 1, MSG_SET_MAC_ADDR, card->state.vf[3].derived_mac),
			 MSG_SET_MAC_ADDR | NO);
	vf_start(card, 0, MSG_API_13);
	/* Who is trusted may share: two VFs bonded in one guest. */
	assert_int_equal(pf_set_vf_trust(card->driver, 1, true, NULL), 0);
	vf_start(card, 1, MSG_API_13);
	assert_int_equal(vf_mac(card, 1, MSG_SET_MAC_ADDR, mac_a), MSG_SET_MAC_ADDR | OK);
	assert_true(fake_pools_of_mac(card, mac_a) == (BIT64(0) | BIT64(1)));
	fake_destroy(card);
}

static void mac_by_admin(void **unused)
{
	struct fake_card *card = fake_create(4);
	uint32_t msg[MAILBOX_WORDS] = { MSG_RESET };

	vf_start(card, 2, MSG_API_13);
	assert_int_equal(pf_set_vf_mac(card->driver, 2, mac_a, NULL), 0);
	vf_reset(card, 2, false);
	vf_ask(card, 2, msg);
	assert_int_equal(msg[0], MSG_RESET | MSG_ACK);
	assert_memory_equal(msg + 1, mac_a, ETH_ALEN);

	assert_int_equal(vf_mac(card, 2, MSG_SET_MAC_ADDR, mac_b), MSG_SET_MAC_ADDR | NO);
	assert_int_equal(vf_mac(card, 2, MSG_SET_MAC_ADDR, mac_a), MSG_SET_MAC_ADDR | OK);
	assert_int_equal(vf_mac(card, 2, MSG_SET_MACVLAN | INFO(1), mac_b),
			 MSG_SET_MACVLAN | INFO(1) | NO);
	assert_int_equal(vf_say(card, 2, MSG_SET_MACVLAN, 0), MSG_SET_MACVLAN | OK);

	/* Trust lifts it; taking trust away restores the administrator's word. */
	assert_int_equal(pf_set_vf_trust(card->driver, 2, true, NULL), 0);
	vf_start(card, 2, MSG_API_13);
	assert_int_equal(vf_mac(card, 2, MSG_SET_MAC_ADDR, mac_b), MSG_SET_MAC_ADDR | OK);
	assert_int_equal(pf_set_vf_trust(card->driver, 2, false, NULL), 0);
	assert_true(fake_pools_of_mac(card, mac_a) == BIT64(2));
	assert_true(fake_pools_of_mac(card, mac_b) == 0);
	fake_destroy(card);
}

static uint32_t multicast(struct fake_card *card, unsigned int vf, unsigned int n, uint16_t first)
{
	uint32_t msg[MAILBOX_WORDS] = { MSG_SET_MULTICAST | INFO(n) };

	for (unsigned int i = 0; i < 30; i++)
		msg[1 + i / 2] |= (uint32_t)(first + i) << (16 * (i % 2));
	return vf_ask(card, vf, msg);
}

static bool in_mta(const struct fake_card *card, unsigned int hash)
{
	return fake_reg(card, REG_MTA(hash / 32)) >> (hash % 32) & 1;
}

static void multicast_lists(void **unused)
{
	struct fake_card *card = fake_create(4);
	unsigned int bits = 0;

	vf_start(card, 0, MSG_API_13);
	vf_start(card, 1, MSG_API_13);
	assert_int_equal(multicast(card, 0, 3, 0x100), MSG_SET_MULTICAST | INFO(3) | OK);
	assert_int_equal(multicast(card, 1, 2, 0x102), MSG_SET_MULTICAST | INFO(2) | OK);
	for (unsigned int hash = 0x100; hash <= 0x103; hash++)
		assert_true(in_mta(card, hash));
	assert_false(in_mta(card, 0x104));
	assert_true(fake_reg(card, REG_VMOLR(0)) & VMOLR_ROMPE);

	/* What VF 1 still wants stays when VF 0 wants nothing. */
	assert_int_equal(multicast(card, 0, 0, 0), MSG_SET_MULTICAST | OK);
	assert_false(in_mta(card, 0x101));
	assert_true(in_mta(card, 0x102));
	assert_false(fake_reg(card, REG_VMOLR(0)) & VMOLR_ROMPE);
	vf_reset(card, 1, true);
	assert_false(in_mta(card, 0x102));

	/* A count beyond the list is the whole list. Hashes have 12 bits whatever a guest writes. */
	vf_start(card, 0, MSG_API_13);
	assert_int_equal(multicast(card, 0, 255, 0xfff0), MSG_SET_MULTICAST | INFO(255) | OK);
	assert_int_equal(card->state.vf[0].multicast_hashes, 30);
	for (unsigned int n = 0; n < HASH_WORDS; n++)
		bits += (unsigned int)__builtin_popcount(fake_reg(card, REG_MTA(n)));
	assert_int_equal(bits, 30);
	fake_destroy(card);
}

static void vlans(void **unused)
{
	struct fake_card *card = fake_create(4);

	vf_start(card, 0, MSG_API_13);
	vf_start(card, 1, MSG_API_13);
	assert_int_equal(vf_say(card, 0, MSG_SET_VLAN | INFO(1), 100), MSG_SET_VLAN | INFO(1) | OK);
	assert_int_equal(vf_say(card, 1, MSG_SET_VLAN | INFO(1), 100), MSG_SET_VLAN | INFO(1) | OK);
	assert_int_equal(vf_say(card, 1, MSG_SET_VLAN | INFO(1), 100), MSG_SET_VLAN | INFO(1) | OK);
	assert_true(fake_pools_of_vlan(card, 100) == (BIT64(0) | BIT64(1)));
	assert_int_equal(card->state.vf[1].vlans, 1);
	assert_true(fake_reg(card, REG_VFTA(3)) >> 4 & 1);
	assert_int_equal(vf_say(card, 0, MSG_SET_VLAN, 100), MSG_SET_VLAN | OK);
	assert_true(fake_pools_of_vlan(card, 100) == BIT64(1));
	assert_int_equal(vf_say(card, 1, MSG_SET_VLAN, 100), MSG_SET_VLAN | OK);
	assert_true(fake_pools_of_vlan(card, 100) == 0);
	assert_false(fake_reg(card, REG_VFTA(3)) >> 4 & 1);

	/* VLAN 0 stays: untagged frames. */
	assert_int_equal(vf_say(card, 0, MSG_SET_VLAN, 0), MSG_SET_VLAN | OK);
	assert_int_equal(vf_say(card, 0, MSG_SET_VLAN | INFO(1), 0), MSG_SET_VLAN | INFO(1) | OK);
	assert_true(fake_pools_of_vlan(card, 0) & BIT64(0));
	/* Deleting what one has not. */
	assert_int_equal(vf_say(card, 0, MSG_SET_VLAN, 7), MSG_SET_VLAN | OK);
	assert_int_equal(card->state.vf[0].vlans, 0);
	fake_destroy(card);
}

static void vlan_filters_run_out(void **unused)
{
	struct fake_card *card = fake_create(4);

	vf_start(card, 0, MSG_API_13);
	vf_start(card, 1, MSG_API_13);
	for (uint32_t vid = 1; vid < VLVF_ENTRIES; vid++)
		assert_int_equal(vf_say(card, 0, MSG_SET_VLAN | INFO(1), vid),
				 MSG_SET_VLAN | INFO(1) | OK);
	assert_int_equal(vf_say(card, 1, MSG_SET_VLAN | INFO(1), 200), MSG_SET_VLAN | INFO(1) | NO);
	assert_int_equal(vf_say(card, 1, MSG_SET_VLAN | INFO(1), 63), MSG_SET_VLAN | INFO(1) | OK);
	vf_reset(card, 0, true);
	assert_true(fake_pools_of_vlan(card, 1) == 0);
	assert_true(fake_pools_of_vlan(card, 63) == BIT64(1));
	assert_int_equal(vf_say(card, 1, MSG_SET_VLAN | INFO(1), 200), MSG_SET_VLAN | INFO(1) | OK);
	fake_destroy(card);
}

static void port_vlan_refuses_others(void **unused)
{
	struct fake_card *card = fake_create(4);

	assert_int_equal(pf_set_vf_vlan(card->driver, 0, 10, 0, NULL), 0);
	vf_start(card, 0, MSG_API_13);
	assert_int_equal(vf_say(card, 0, MSG_SET_VLAN | INFO(1), 20), MSG_SET_VLAN | INFO(1) | NO);
	assert_int_equal(vf_say(card, 0, MSG_SET_VLAN | INFO(1), 0), MSG_SET_VLAN | INFO(1) | NO);
	assert_true(fake_pools_of_vlan(card, 10) == BIT64(0));
	assert_true(fake_pools_of_vlan(card, 20) == 0);
	assert_false(fake_pools_of_vlan(card, 0) & BIT64(0));
	fake_destroy(card);
}

static void largest_frame(void **unused)
{
	struct fake_card *card = fake_create(4);

	vf_start(card, 0, MSG_API_10);
	assert_int_equal(vf_say(card, 0, MSG_SET_LPE, 1518), MSG_SET_LPE | OK);
	assert_int_equal(vf_say(card, 0, MSG_SET_LPE, 1519), MSG_SET_LPE | NO);
	vf_start(card, 0, MSG_API_11);
	assert_int_equal(vf_say(card, 0, MSG_SET_LPE, 9728), MSG_SET_LPE | OK);
	assert_int_equal(card->state.vf[0].max_frame, 9728);
	assert_int_equal(vf_say(card, 0, MSG_SET_LPE, 9729), MSG_SET_LPE | NO);
	assert_int_equal(vf_say(card, 0, MSG_SET_LPE, 67), MSG_SET_LPE | NO);
	assert_int_equal(vf_say(card, 0, MSG_SET_LPE, UINT32_MAX), MSG_SET_LPE | NO);
	assert_int_equal(fake_reg(card, REG_MAXFRS) >> MAXFRS_MFS_SHIFT, 9732);
	fake_destroy(card);
}

static void macvlans(void **unused)
{
	struct fake_card *card = fake_create(2);
	uint8_t mac[ETH_ALEN] = { 0x02, 0x11 };
	uint32_t add = MSG_SET_MACVLAN | INFO(2);

	vf_start(card, 0, MSG_API_13);
	assert_int_equal(vf_mac(card, 0, MSG_SET_MACVLAN | INFO(1), mac_a),
			 MSG_SET_MACVLAN | INFO(1) | OK);
	assert_int_equal(vf_mac(card, 0, add, mac_b), add | OK);
	assert_int_equal(vf_mac(card, 0, add, mac_b), add | OK);
	assert_int_equal(card->state.vf[0].macvlans, 2);
	assert_true(fake_pools_of_mac(card, mac_a) == BIT64(0));
	/* The check against spoofing goes on: it knows these addresses too. */
	assert_true(fake_reg(card, REG_PFVFSPOOF(0)) & PFVFSPOOF_MAC(0));
	assert_int_equal(vf_mac(card, 0, MSG_SET_MACVLAN | INFO(1), mac_b),
			 MSG_SET_MACVLAN | INFO(1) | OK);
	assert_true(fake_pools_of_mac(card, mac_a) == 0);
	assert_int_equal(vf_say(card, 0, MSG_SET_MACVLAN, 0), MSG_SET_MACVLAN | OK);
	assert_true(fake_pools_of_mac(card, mac_b) == 0);
	assert_true(fake_pools_of_mac(card, card->state.vf[0].mac) == BIT64(0));

	for (uint8_t n = 1; n <= 16; n++) {
		mac[5] = n;
		assert_int_equal(vf_mac(card, 0, add, mac), add | OK);
	}
	mac[5] = 17;
	assert_int_equal(vf_mac(card, 0, add, mac), add | NO);
	fake_destroy(card);
}

/* However many further addresses guests ask for, each VF's own still finds a filter. */
static void macvlans_leave_room(void **unused)
{
	struct fake_card *card = fake_create(64);
	uint32_t add = MSG_SET_MACVLAN | INFO(2);
	unsigned int granted = 0;

	for (unsigned int vf = 0; vf < 32; vf++) {
		vf_start(card, vf, MSG_API_13);
		for (uint8_t n = 0; n < 16; n++) {
			uint8_t mac[ETH_ALEN] = { 0x02, 0x22, 0, 0, (uint8_t)vf, n };

			granted += vf_mac(card, vf, add, mac) == (add | OK);
		}
	}
	assert_int_equal(granted, 127 - 16 - 64);
	for (unsigned int vf = 32; vf < 64; vf++) {
		vf_start(card, vf, MSG_API_13);
		assert_true(fake_pools_of_mac(card, card->state.vf[vf].mac) == BIT64(vf));
	}
	fake_destroy(card);
}

static void rss_query(void **unused)
{
	struct fake_card *card = fake_create(8);
	uint32_t msg[MAILBOX_WORDS] = { MSG_GET_RETA };

	vf_start(card, 0, MSG_API_12);
	assert_int_equal(vf_ask(card, 0, msg), MSG_GET_RETA | NO);
	assert_int_equal(vf_say(card, 0, MSG_GET_RSS_KEY, 0), MSG_GET_RSS_KEY | NO);
	assert_int_equal(pf_set_vf_rss_query(card->driver, 0, true, NULL), 0);
	msg[0] = MSG_GET_RETA;
	assert_int_equal(vf_ask(card, 0, msg), MSG_GET_RETA | OK);
	for (unsigned int i = 0; i < RETA_ENTRIES; i++) {
		uint32_t entry = fake_reg(card, REG_RETA(i / 4)) >> (8 * (i % 4)) & 0xff;

		assert_int_equal(entry, i % 4);
		assert_int_equal(msg[1 + i / 16] >> (2 * (i % 16)) & 3, entry);
	}
	msg[0] = MSG_GET_RSS_KEY;
	assert_int_equal(vf_ask(card, 0, msg), MSG_GET_RSS_KEY | OK);
	for (unsigned int i = 0; i < RSSRK_WORDS; i++)
		assert_int_equal(msg[1 + i], fake_reg(card, REG_RSSRK(i)));
	vf_start(card, 0, MSG_API_11);
	assert_int_equal(vf_say(card, 0, MSG_GET_RETA, 0), MSG_GET_RETA | NO);
	fake_destroy(card);
}

static uint32_t xcast(struct fake_card *card, uint32_t mode, uint32_t *granted)
{
	uint32_t msg[MAILBOX_WORDS] = { MSG_UPDATE_XCAST_MODE, mode };

	vf_ask(card, 0, msg);
	*granted = msg[1];
	return msg[0];
}

static void xcast_modes(void **unused)
{
	struct fake_card *card = fake_create(4);
	uint32_t yes = MSG_UPDATE_XCAST_MODE | OK, no = MSG_UPDATE_XCAST_MODE | NO, granted;

	vf_start(card, 0, MSG_API_11);
	assert_int_equal(xcast(card, MSG_XCAST_MULTI, &granted), no);
	vf_start(card, 0, MSG_API_12);
	assert_int_equal(xcast(card, MSG_XCAST_PROMISC, &granted), no);
	assert_int_equal(xcast(card, MSG_XCAST_MULTI, &granted), yes);
	assert_int_equal(granted, MSG_XCAST_MULTI);
	/* Without trust: less, not nothing. */
	assert_int_equal(xcast(card, MSG_XCAST_ALLMULTI, &granted), yes);
	assert_int_equal(granted, MSG_XCAST_MULTI);
	assert_false(fake_reg(card, REG_VMOLR(0)) & VMOLR_MPE);
	vf_start(card, 0, MSG_API_13);
	assert_int_equal(xcast(card, MSG_XCAST_PROMISC, &granted), yes);
	assert_int_equal(granted, MSG_XCAST_MULTI);
	assert_int_equal(xcast(card, 4, &granted), no);
	assert_int_equal(xcast(card, UINT32_MAX, &granted), no);

	assert_int_equal(pf_set_vf_trust(card->driver, 0, true, NULL), 0);
	vf_start(card, 0, MSG_API_13);
	assert_int_equal(xcast(card, MSG_XCAST_PROMISC, &granted), no);
	assert_int_equal(xcast(card, MSG_XCAST_ALLMULTI, &granted), yes);
	assert_int_equal(granted, MSG_XCAST_ALLMULTI);
	assert_true(fake_reg(card, REG_VMOLR(0)) & VMOLR_MPE);
	assert_int_equal(xcast(card, MSG_XCAST_NONE, &granted), yes);
	assert_false(fake_reg(card, REG_VMOLR(0)) & VMOLR_MPE);
	fake_destroy(card);
}

static void link_state(void **unused)
{
	struct fake_card *card = fake_create(4);
	uint32_t msg[MAILBOX_WORDS] = { MSG_GET_LINK_STATE };

	vf_start(card, 0, MSG_API_11);
	assert_int_equal(vf_ask(card, 0, msg), MSG_GET_LINK_STATE | NO);
	vf_start(card, 0, MSG_API_12);
	msg[0] = MSG_GET_LINK_STATE;
	assert_int_equal(vf_ask(card, 0, msg), MSG_GET_LINK_STATE | OK);
	assert_int_equal(msg[1], 1);
	assert_int_equal(pf_set_vf_link(card->driver, 0, PF_VF_LINK_DISABLE, NULL), 0);
	vf_start(card, 0, MSG_API_12);
	msg[0] = MSG_GET_LINK_STATE;
	vf_ask(card, 0, msg);
	assert_int_equal(msg[1], 0);
	fake_destroy(card);
}

static void unknown_messages(void **unused)
{
	static const uint32_t types[] = { 0, 0x07, 0x0d, 0x0e, 0x0f, 0x11, 0x12, 0x100, 0xffff };
	struct fake_card *card = fake_create(4);

	vf_start(card, 0, MSG_API_13);
	for (unsigned int i = 0; i < ARRAY_SIZE(types); i++)
		assert_int_equal(vf_say(card, 0, types[i] | INFO(9), 1), types[i] | INFO(9) | NO);
	fake_destroy(card);
}

/* A reset leaves nothing of what the driver asked for. */
static void reset_forgets(void **unused)
{
	struct fake_card *card = fake_create(4);

	vf_start(card, 0, MSG_API_13);
	vf_say(card, 0, MSG_SET_VLAN | INFO(1), 100);
	vf_mac(card, 0, MSG_SET_MACVLAN | INFO(1), mac_a);
	multicast(card, 0, 2, 0x10);
	vf_say(card, 0, MSG_SET_LPE, 9000);
	vf_reset(card, 0, true);
	assert_true(fake_pools_of_vlan(card, 100) == 0);
	assert_true(fake_pools_of_vlan(card, 0) == 0);
	assert_true(fake_pools_of_mac(card, mac_a) == 0);
	assert_true(fake_pools_of_mac(card, card->state.vf[0].mac) == 0);
	assert_false(pool_bit(card, REG_VFRE(0), 0));
	assert_false(pool_bit(card, REG_VFTE(0), 0));
	assert_int_equal(card->state.vf[0].api, MSG_API_10);
	assert_int_equal(card->state.vf[0].max_frame, 1518);
	assert_true(card->vflre == 0);
	/* And the VF is as new. */
	assert_int_equal(vf_say(card, 0, MSG_SET_LPE, 1518), MSG_SET_LPE | MSG_NACK);
	fake_destroy(card);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(reset_opens_the_pool),
		cmocka_unit_test(nothing_before_reset),
		cmocka_unit_test(own_replies_are_ignored),
		cmocka_unit_test(versions),
		cmocka_unit_test(queues),
		cmocka_unit_test(mac_by_guest),
		cmocka_unit_test(mac_of_others),
		cmocka_unit_test(mac_by_admin),
		cmocka_unit_test(multicast_lists),
		cmocka_unit_test(vlans),
		cmocka_unit_test(vlan_filters_run_out),
		cmocka_unit_test(port_vlan_refuses_others),
		cmocka_unit_test(largest_frame),
		cmocka_unit_test(macvlans),
		cmocka_unit_test(macvlans_leave_room),
		cmocka_unit_test(rss_query),
		cmocka_unit_test(xcast_modes),
		cmocka_unit_test(link_state),
		cmocka_unit_test(unknown_messages),
		cmocka_unit_test(reset_forgets),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
