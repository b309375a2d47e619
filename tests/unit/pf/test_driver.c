/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * test_driver.c - bring-up, the administrator's policy, news to the VFs, and changes of the number of VFs.
 */
#include "fake_card.h"

#include <linux/pci_regs.h>
#include <stdlib.h>

#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>

#define INFO(n) ((uint32_t)(n) << 16)

static const uint8_t mac_a[ETH_ALEN] = { 0x02, 0, 0, 0, 0, 0x0a };
static const uint8_t mac_b[ETH_ALEN] = { 0x02, 0, 0, 0, 0, 0x0b };

static uint16_t sriov(const struct fake_card *card, unsigned int offset)
{
	return get_le16(card->config + FAKE_SRIOV + offset);
}

/* Values: what Linux ixgbe writes on "echo 8 > sriov_numvfs". */
static void bring_up_of_8(void **unused)
{
	struct fake_card *card = fake_create(8);

	assert_int_equal(card->ready_calls, 1);
	assert_int_equal(card->resets, 1);
	assert_int_equal(card->state.num_vfs, 8);
	assert_int_equal(fake_reg(card, REG_GCR_EXT), 2);
	assert_int_equal(fake_reg(card, REG_MTQC), 0xa);
	assert_int_equal(fake_reg(card, REG_MRQC) & 0xf, 0xa);
	assert_int_equal(fake_reg(card, REG_GPIE) >> 14 & 3, 2);
	assert_int_equal(fake_reg(card, REG_RTTDCS) & RTTDCS_ARBDIS, 0);
	assert_int_equal(fake_reg(card, REG_PFDTXGSWC), 1);
	/* Without an interface nobody takes what nobody claims. */
	assert_int_equal(fake_reg(card, REG_VT_CTL),
			 VT_CTL_VT_ENA | VT_CTL_REPLEN | VT_CTL_DIS_DEFPL);
	assert_int_equal(fake_reg(card, REG_VFRE(0)), 0);
	assert_int_equal(fake_reg(card, REG_RXCTRL), 1);
	assert_int_equal(fake_reg(card, REG_DMATXCTL), 1);
	assert_int_equal(fake_reg(card, REG_VLNCTRL), 0x40008100);
	assert_true(fake_reg(card, REG_HLREG0) & HLREG0_JUMBOEN);
	assert_true(fake_reg(card, REG_EIMS) & EICR_MAILBOX);
	assert_int_equal(fake_reg(card, REG_IVAR_MISC), 0x8100);

	assert_true(card->ready);
	assert_false(card->vfe_before_rstd);
	assert_int_equal(sriov(card, PCI_SRIOV_NUM_VF), 8);
	assert_int_equal(sriov(card, PCI_SRIOV_CTRL), PCI_SRIOV_CTRL_VFE | PCI_SRIOV_CTRL_MSE);
	assert_int_equal(get_le16(card->config + PCI_COMMAND),
			 PCI_COMMAND_MEMORY | PCI_COMMAND_MASTER);
	assert_true(get_le16(card->config + FAKE_MSIX + PCI_MSIX_FLAGS) & PCI_MSIX_FLAGS_ENABLE);
	fake_destroy(card);
}

static void layouts(void **unused)
{
	static const struct {
		unsigned int vfs, gcr_ext, mtqc, mrqc;
	} expected[] = {
		{ 0, 2, 0xa, 0xa }, { 32, 2, 0xa, 0xa }, { 33, 3, 6, 0xb }, { 64, 3, 6, 0xb }
	};

	for (unsigned int i = 0; i < ARRAY_SIZE(expected); i++) {
		struct fake_card *card = fake_create(expected[i].vfs);

		assert_int_equal(fake_reg(card, REG_GCR_EXT), expected[i].gcr_ext);
		assert_int_equal(fake_reg(card, REG_MTQC), expected[i].mtqc);
		assert_int_equal(fake_reg(card, REG_MRQC) & 0xf, expected[i].mrqc);
		assert_int_equal(sriov(card, PCI_SRIOV_CTRL) & PCI_SRIOV_CTRL_VFE,
				 expected[i].vfs != 0);
		fake_destroy(card);
	}
}

static void refuses_bad_cards(void **unused)
{
	struct fake_card *card = fake_card_new(65);
	struct reason why;

	assert_int_equal(fake_probe(card, &why), -ERANGE);
	assert_string_equal(why.text, "65 VFs are too many: this PF can have 64");
	card->pf_config.num_vfs = 1;
	put_le32(card->config + FAKE_SRIOV, 0xffffffff); /* a chain without end */
	assert_int_equal(fake_probe(card, &why), -ERANGE);
	assert_string_equal(why.text, "1 VFs are too many: this PF can have 0");
	put_le32(card->config + FAKE_SRIOV, PCI_EXT_CAP_ID_SRIOV | 1 << 16);
	card->reg[REG_RAL(0) / 4] = card->reg[REG_RAH(0) / 4] = 0;
	assert_int_equal(fake_probe(card, &why), -EADDRNOTAVAIL);
	card->driver = NULL;
	fake_destroy(card);
}

static void no_vfs_when_refused(void **unused)
{
	struct fake_card *card = fake_card_new(4);

	card->refuse_vfe = true;
	assert_int_equal(fake_probe(card, NULL), 0);
	assert_int_equal(card->ready_calls, 1);
	assert_int_equal(card->state.num_vfs, 0);
	assert_int_equal(pf_set_vf_trust(card->driver, 0, true, NULL), -ENOENT);
	fake_destroy(card);
}

static void bring_up_in_steps(void **unused)
{
	struct fake_card *card = fake_card_new(2);
	struct reason why;

	card->defer = true;
	assert_int_equal(fake_probe(card, NULL), 0);
	assert_int_equal(pf_set_num_vfs(card->driver, 3, NULL, NULL, &why), -EBUSY);
	/* What is said about VFs to come holds when they come. */
	assert_int_equal(pf_set_vf_mac(card->driver, 2, mac_a, NULL), -ENOENT);
	assert_int_equal(pf_set_vf_mac(card->driver, 0, mac_a, NULL), 0);
	assert_int_equal(pf_set_vf_vlan(card->driver, 0, 44, 0, NULL), 0);
	fake_settle(card); /* VFs off */
	assert_int_equal(card->resets, 1);
	assert_false(card->ready);
	fake_settle(card); /* reset */
	assert_true(card->ready);
	assert_int_equal(sriov(card, PCI_SRIOV_CTRL), 0);
	fake_settle(card); /* registers */
	assert_int_equal(sriov(card, PCI_SRIOV_CTRL) & PCI_SRIOV_CTRL_VFE, PCI_SRIOV_CTRL_VFE);

	/* A VF that is quicker than the card settles is heard afterwards. */
	vf_reset(card, 1, false);
	assert_true(vf_post(card, 1, &(uint32_t){ MSG_RESET }, 1));
	fake_run(card);
	assert_int_equal(card->ready_calls, 0);
	assert_false(card->state.vf[1].active);
	fake_settle(card);
	assert_int_equal(card->ready_calls, 1);
	fake_run(card);
	assert_true(card->state.vf[1].active);
	assert_true(fake_pools_of_vlan(card, 44) == BIT64(0));
	vf_start(card, 0, MSG_API_13);
	assert_true(fake_pools_of_mac(card, mac_a) == BIT64(0));
	card->defer = false;
	fake_destroy(card);
}

/* What the configuration says holds from a VF's first moment, however slow the card, and for VFs of later. */
static void policy_before_the_vfs(void **unused)
{
	struct pf_vf_policy policy[PF_MAX_VFS];
	struct fake_card *card = fake_card_new(2);
	struct reason why = { "" };

	for (unsigned int vf = 0; vf < PF_MAX_VFS; vf++)
		policy[vf] = (struct pf_vf_policy){ .vlan = 7, .qos = 1, .spoofchk = true };
	memcpy(policy[1].mac, mac_a, ETH_ALEN);
	policy[1].trusted = true;
	policy[1].spoofchk = false;
	policy[1].max_tx_rate = 10;
	policy[3].max_tx_rate = 10000;
	card->pf_config.policy = policy;
	card->defer = true;
	assert_int_equal(fake_probe(card, &why), 0);
	card->pf_config.policy = NULL;
	memset(policy, 0xff, sizeof(policy));
	for (unsigned int step = 0; step < 4; step++)
		fake_settle(card);
	assert_int_equal(card->ready_calls, 1);
	card->defer = false;
	assert_true(card->state.vf[1].mac_by_admin && card->state.vf[1].trusted);
	assert_int_equal(fake_reg(card, REG_PFVFSPOOF(0)) & 3, 1);
	assert_int_equal(card->rate[4], 0x80000000 | 1000 << 14);
	assert_int_equal(card->rate[12], 0);
	assert_true(fake_pools_of_vlan(card, 7) == 3);
	vf_start(card, 1, MSG_API_13);
	assert_true(fake_pools_of_mac(card, mac_a) == BIT64(1));

	assert_int_equal(pf_set_num_vfs(card->driver, 4, NULL, NULL, &why), 0);
	fake_run(card);
	assert_true(fake_pools_of_vlan(card, 7) == 0xf);
	assert_int_equal(card->rate[12], 0x80000000 | 1 << 14);
	vf_start(card, 3, MSG_API_13);
	assert_int_equal(fake_reg(card, REG_VMVIR(3)), 0x40000000 | 1 << 13 | 7);
	fake_destroy(card);
}

static void refuses_bad_policy(void **unused)
{
	struct pf_vf_policy policy[PF_MAX_VFS] = { 0 };
	struct fake_card *card = fake_card_new(64);
	struct reason why = { "" };

	card->pf_config.policy = policy;
	memcpy(policy[2].mac, mac_a, ETH_ALEN);
	memcpy(policy[5].mac, mac_a, ETH_ALEN);
	assert_int_equal(fake_probe(card, &why), -EADDRINUSE);
	assert_string_equal(why.text, "02:00:00:00:00:0a is already assigned to VF 2");
	policy[0].max_tx_rate = 1;
	assert_int_equal(fake_probe(card, &why), -EINVAL);
	assert_non_null(strstr(why.text, "max_tx_rate 1"));
	policy[0].max_tx_rate = 0;
	policy[5].mac[0] = 1;
	assert_int_equal(fake_probe(card, &why), -EINVAL);
	policy[5].mac[0] = 2;
	policy[5].mac[5] = 0x0b;
	for (unsigned int vf = 0; vf < PF_MAX_VFS; vf++)
		policy[vf].vlan = (uint16_t)(1 + vf);
	assert_int_equal(fake_probe(card, &why), -ENOSPC);
	policy[9].vlan = 1;
	assert_int_equal(fake_probe(card, &why), 0);
	fake_destroy(card);
}

static void derived_addresses(void **unused)
{
	uint8_t seen[PF_MAX_VFS][ETH_ALEN], other[ETH_ALEN];

	for (unsigned int vf = 0; vf < PF_MAX_VFS; vf++) {
		pf_derive_mac((const uint8_t *)"card-A-0", vf, seen[vf]);
		assert_int_equal(seen[vf][0] & 3, 2);
		for (unsigned int i = 0; i < vf; i++)
			assert_memory_not_equal(seen[vf], seen[i], ETH_ALEN);
		pf_derive_mac((const uint8_t *)"card-A-0", vf, other);
		assert_memory_equal(other, seen[vf], ETH_ALEN);
		pf_derive_mac((const uint8_t *)"card-A-1", vf, other);
		assert_memory_not_equal(other, seen[vf], ETH_ALEN);
	}
}

/*
 * How a stock driver comes to reset itself: ping without CTS, which it acknowledges; a bare NACK, which stays
 * in its mailbox however often it looks.
 */
static void expect_restart(struct fake_card *card, unsigned int vf)
{
	uint32_t msg[MAILBOX_WORDS];

	assert_false(card->state.vf[vf].clear_to_send);
	fake_run(card);
	assert_true(vf_take(card, vf, msg));
	assert_int_equal(msg[0], MSG_PF_CONTROL);
	fake_run(card);
	assert_true(vf_take(card, vf, msg));
	assert_int_equal(msg[0], MSG_NACK);
	fake_run(card);
	assert_false(vf_take(card, vf, msg));
	assert_int_equal(fake_reg(card, REG_PFMBMEM(vf, 0)), MSG_NACK);
	assert_int_equal(vf_say(card, vf, MSG_SET_LPE, 1518), MSG_SET_LPE | MSG_NACK);
	vf_start(card, vf, MSG_API_13);
}

static void mac_policy(void **unused)
{
	static const uint8_t zero[ETH_ALEN], multicast[ETH_ALEN] = { 1 };
	struct fake_card *card = fake_create(4);
	struct reason why;

	/* Before a driver is there: no ping, only the setting. */
	assert_int_equal(pf_set_vf_mac(card->driver, 3, mac_b, &why), 0);
	fake_run(card);
	assert_true(card->sts == 0);

	vf_start(card, 0, MSG_API_13);
	assert_int_equal(pf_set_vf_mac(card->driver, 0, mac_a, &why), 0);
	assert_true(fake_pools_of_mac(card, mac_a) == BIT64(0));
	expect_restart(card, 0);
	/* The same again: nothing to see for the guest. */
	assert_int_equal(pf_set_vf_mac(card->driver, 0, mac_a, &why), 0);
	assert_true(card->state.vf[0].clear_to_send);

	assert_int_equal(pf_set_vf_mac(card->driver, 0, multicast, &why), -EINVAL);
	assert_int_equal(pf_set_vf_mac(card->driver, 0, fake_pf_mac, &why), -EADDRINUSE);
	assert_int_equal(pf_set_vf_mac(card->driver, 0, mac_b, &why), -EADDRINUSE);
	assert_string_equal(why.text, "02:00:00:00:00:0b is already assigned to VF 3");
	assert_int_equal(pf_set_vf_mac(card->driver, 4, mac_b, &why), -ENOENT);
	assert_int_equal(pf_set_vf_mac(card->driver, 4000000000u, mac_b, &why), -ENOENT);
	assert_memory_equal(card->state.vf[0].mac, mac_a, ETH_ALEN);

	assert_int_equal(pf_set_vf_mac(card->driver, 0, zero, &why), 0);
	assert_false(card->state.vf[0].mac_by_admin);
	assert_memory_equal(card->state.vf[0].mac, card->state.vf[0].derived_mac, ETH_ALEN);
	expect_restart(card, 0);
	fake_destroy(card);
}

static void admin_takes_mac_from_guest(void **unused)
{
	struct fake_card *card = fake_create(4);

	vf_start(card, 0, MSG_API_13);
	vf_start(card, 1, MSG_API_13);
	vf_start(card, 2, MSG_API_13);
	vf_mac(card, 0, MSG_SET_MAC_ADDR, mac_a);
	vf_mac(card, 2, MSG_SET_MACVLAN | INFO(1), mac_b);
	assert_true(fake_pools_of_mac(card, mac_a) == BIT64(0));
	assert_true(fake_pools_of_mac(card, mac_b) == BIT64(2));
	assert_int_equal(pf_set_vf_mac(card->driver, 1, mac_a, NULL), 0);
	assert_memory_equal(card->state.vf[1].mac, mac_a, ETH_ALEN);
	/* The other guest hears no more of what is sent there, and its driver is told. */
	assert_true(fake_pools_of_mac(card, mac_a) == BIT64(1));
	assert_memory_equal(card->state.vf[0].mac, card->state.vf[0].derived_mac, ETH_ALEN);
	expect_restart(card, 0);
	assert_int_equal(pf_set_vf_mac(card->driver, 3, mac_b, NULL), 0);
	assert_true(fake_pools_of_mac(card, mac_b) == 0);
	fake_destroy(card);
}

static void vlan_policy(void **unused)
{
	struct fake_card *card = fake_create(4);
	struct reason why;

	vf_start(card, 1, MSG_API_13);
	vf_say(card, 1, MSG_SET_VLAN | INFO(1), 77);
	assert_int_equal(pf_set_vf_vlan(card->driver, 1, 100, 5, &why), 0);
	assert_int_equal(fake_reg(card, REG_VMVIR(1)), 0x40000000 | 5 << 13 | 100);
	assert_int_equal(fake_reg(card, REG_VMOLR(1)) & VMOLR_AUPE, 0);
	assert_true(fake_pools_of_vlan(card, 100) == BIT64(1));
	/* No other VLAN, nor untagged frames, from this moment. */
	assert_true(fake_pools_of_vlan(card, 77) == 0);
	assert_false(fake_pools_of_vlan(card, 0) & BIT64(1));
	expect_restart(card, 1);
	assert_true(fake_pools_of_vlan(card, 100) == BIT64(1));
	assert_int_equal(fake_reg(card, REG_VMVIR(1)), 0x40000000 | 5 << 13 | 100);

	assert_int_equal(pf_set_vf_vlan(card->driver, 1, 200, 0, &why), 0);
	assert_true(fake_pools_of_vlan(card, 100) == 0);
	assert_true(fake_pools_of_vlan(card, 200) == BIT64(1));
	assert_int_equal(pf_set_vf_vlan(card->driver, 1, 4095, 0, &why), -EINVAL);
	assert_int_equal(pf_set_vf_vlan(card->driver, 1, 1, 8, &why), -EINVAL);
	assert_int_equal(pf_set_vf_vlan(card->driver, 1, 0, 0, &why), 0);
	assert_int_equal(fake_reg(card, REG_VMVIR(1)), 0);
	assert_int_equal(fake_reg(card, REG_VMOLR(1)) & VMOLR_AUPE, VMOLR_AUPE);
	assert_true(fake_pools_of_vlan(card, 200) == 0);
	assert_true(fake_pools_of_vlan(card, 0) & BIT64(1));
	fake_destroy(card);
}

static void port_vlan_keeps_its_filter(void **unused)
{
	struct fake_card *card = fake_create(4);
	struct reason why;

	assert_int_equal(pf_set_vf_vlan(card->driver, 1, 100, 0, &why), 0);
	vf_start(card, 0, MSG_API_13);
	for (uint32_t vid = 1; vid < VLVF_ENTRIES - 1; vid++)
		assert_int_equal(vf_say(card, 0, MSG_SET_VLAN | INFO(1), vid),
				 MSG_SET_VLAN | INFO(1) | MSG_ACK | MSG_CTS);
	assert_int_equal(pf_set_vf_vlan(card->driver, 2, 101, 0, &why), -ENOSPC);
	assert_int_equal(card->state.vf[2].vlan, 0);
	/* A VF that gives up the only VLAN in a filter can have another in its place. */
	assert_int_equal(pf_set_vf_vlan(card->driver, 1, 102, 0, &why), 0);
	vf_start(card, 1, MSG_API_13);
	assert_true(fake_pools_of_vlan(card, 102) == BIT64(1));
	fake_destroy(card);
}

/* Every queue of the VF, nobody else's; it outlives resets of the VF and of the card. */
static void tx_rates(void **unused)
{
	struct fake_card *card = fake_create(16); /* 32 pools of 4 queues */
	struct reason why = { "" };

	vf_start(card, 3, MSG_API_13);
	assert_int_equal(pf_set_vf_rate(card->driver, 3, 100, &why), 0);
	assert_int_equal(fake_reg(card, REG_RTTBCNRM), 4);
	assert_true(card->state.vf[3].clear_to_send); /* nothing the guest must know */
	for (unsigned int pass = 0; pass < 2; pass++) {
		for (unsigned int q = 0; q < QUEUES; q++)
			assert_int_equal(card->rate[q], q / 4 == 3 ? 0x80000000 | 100 << 14 : 0);
		vf_start(card, 3, MSG_API_13);
	}
	assert_int_equal(pf_set_num_vfs(card->driver, 40, NULL, NULL, &why), 0);
	fake_run(card);
	for (unsigned int q = 0; q < QUEUES; q++)
		assert_int_equal(card->rate[q], q / 2 == 3 ? 0x80000000 | 100 << 14 : 0);
	assert_int_equal(pf_set_vf_rate(card->driver, 3, 3000, &why), 0);
	assert_int_equal(card->rate[6], 0x80000000 | (10000 << 14) / 3000);
	assert_int_equal(pf_set_vf_rate(card->driver, 3, 9, &why), -EINVAL);
	assert_string_equal(why.text,
			    "max_tx_rate 9 is out of range: 0 (none), or 10 to 10000 Mbit/s");
	assert_int_equal(pf_set_vf_rate(card->driver, 3, 10001, &why), -EINVAL);
	assert_int_equal(pf_set_vf_rate(card->driver, 40, 100, &why), -ENOENT);
	assert_int_equal(card->state.vf[3].max_tx_rate, 3000);
	assert_int_equal(pf_set_vf_rate(card->driver, 3, 0, &why), 0);
	assert_int_equal(card->rate[6], 0);
	fake_destroy(card);
}

static void other_policy(void **unused)
{
	struct fake_card *card = fake_create(16);

	vf_start(card, 9, MSG_API_13);
	assert_int_equal(fake_reg(card, REG_PFVFSPOOF(9)), 0xffff);
	assert_int_equal(pf_set_vf_spoofchk(card->driver, 9, false, NULL), 0);
	assert_int_equal(fake_reg(card, REG_PFVFSPOOF(9)), 0xfdfd);
	assert_int_equal(fake_reg(card, REG_PFVFSPOOF(0)), 0xffff);
	assert_true(card->state.vf[9].clear_to_send);

	assert_int_equal(pf_set_vf_trust(card->driver, 9, true, NULL), 0);
	expect_restart(card, 9);
	vf_say(card, 9, MSG_UPDATE_XCAST_MODE, MSG_XCAST_ALLMULTI);
	assert_true(fake_reg(card, REG_VMOLR(9)) & VMOLR_MPE);
	assert_int_equal(pf_set_vf_trust(card->driver, 9, false, NULL), 0);
	assert_false(fake_reg(card, REG_VMOLR(9)) & VMOLR_MPE);
	expect_restart(card, 9);

	assert_int_equal(pf_set_vf_link(card->driver, 9, PF_VF_LINK_DISABLE, NULL), 0);
	assert_int_equal(fake_reg(card, REG_VFRE(9)) >> 9 & 1, 0);
	assert_int_equal(fake_reg(card, REG_VFTE(9)) >> 9 & 1, 0);
	expect_restart(card, 9);
	assert_int_equal(fake_reg(card, REG_VFRE(9)) >> 9 & 1, 0);
	assert_int_equal(pf_set_vf_link(card->driver, 9, PF_VF_LINK_AUTO, NULL), 0);
	assert_int_equal(fake_reg(card, REG_VFRE(9)) >> 9 & 1, 1);
	assert_int_equal(pf_set_vf_link(card->driver, 9, (enum pf_vf_link)3, NULL), -EINVAL);
	fake_destroy(card);
}

static void link_change_is_told(void **unused)
{
	struct fake_card *card = fake_create(4);
	uint32_t msg[MAILBOX_WORDS];

	vf_start(card, 0, MSG_API_13);
	vf_start(card, 2, MSG_API_13);
	fake_raise(card, EICR_LSC);
	fake_run(card);
	assert_true(card->sts == (BIT64(0) | BIT64(2)));
	assert_true(vf_take(card, 2, msg));
	assert_int_equal(msg[0], MSG_PF_CONTROL | MSG_CTS);
	/* A ping that nobody reads (iPXE) does not stop the next one. */
	card->sts = 0;
	fake_raise(card, EICR_LSC);
	fake_run(card);
	assert_true(card->sts == (BIT64(0) | BIT64(2)));
	fake_destroy(card);
}

static void news_wait_for_the_mailbox(void **unused)
{
	struct fake_card *card = fake_create(4);
	uint32_t msg[MAILBOX_WORDS] = { MSG_SET_LPE, 1518 };

	vf_start(card, 0, MSG_API_13);
	/* The VF is just writing. */
	card->vfu = BIT64(0);
	fake_raise(card, EICR_LSC);
	fake_run(card);
	assert_true(card->sts == 0);
	card->vfu = 0;
	assert_int_equal(vf_ask(card, 0, msg), MSG_SET_LPE | MSG_ACK | MSG_CTS);
	assert_true(vf_take(card, 0, msg));
	assert_int_equal(msg[0], MSG_PF_CONTROL | MSG_CTS);
	fake_run(card);

	/* A reply that the VF has not read is not overwritten. */
	msg[0] = MSG_SET_LPE;
	msg[1] = 1518;
	assert_true(vf_post(card, 0, msg, 2));
	fake_run(card);
	fake_raise(card, EICR_LSC);
	fake_run(card);
	assert_true(vf_take(card, 0, msg));
	assert_int_equal(msg[0], MSG_SET_LPE | MSG_ACK | MSG_CTS);
	fake_run(card);
	assert_true(vf_take(card, 0, msg));
	assert_int_equal(msg[0], MSG_PF_CONTROL | MSG_CTS);
	fake_run(card);

	/* Nor is a request that the PF has not read; both are served, in order. */
	msg[0] = MSG_SET_LPE;
	msg[1] = 1518;
	assert_true(vf_post(card, 0, msg, 2));
	fake_raise(card, EICR_LSC);
	fake_run(card);
	assert_true(vf_take(card, 0, msg));
	assert_int_equal(msg[0], MSG_SET_LPE | MSG_ACK | MSG_CTS);
	fake_run(card);
	assert_true(vf_take(card, 0, msg));
	assert_int_equal(msg[0], MSG_PF_CONTROL | MSG_CTS);
	fake_destroy(card);
}

/* A guest that keeps its buffer or never stops ringing harms only itself. */
static void hostile_guest(void **unused)
{
	struct fake_card *card = fake_create(64);
	unsigned int before;

	vf_start(card, 0, MSG_API_13);
	vf_start(card, 1, MSG_API_13);
	card->vfu |= BIT64(0);
	assert_true(vf_post(card, 0, &(uint32_t){ MSG_SET_LPE }, 1));
	before = card->accesses;
	fake_run(card);
	assert_true(card->accesses - before < 100);
	assert_int_equal(vf_say(card, 1, MSG_SET_LPE, 1518), MSG_SET_LPE | MSG_ACK | MSG_CTS);
	card->vfu = 0;
	assert_true(vf_post(card, 0, &(uint32_t){ MSG_SET_LPE }, 1));
	fake_run(card);
	assert_true(card->sts & BIT64(0));
	fake_destroy(card);
}

/* More of them than are served in one pass: the device thread has better things to do than to look. */
static void hostile_guests(void **unused)
{
	struct fake_card *card = fake_create(64);
	unsigned int before;

	for (unsigned int vf = 0; vf < 40; vf++) {
		vf_start(card, vf, MSG_API_13);
		assert_true(vf_post(card, vf, &(uint32_t){ MSG_SET_LPE }, 1));
		card->vfu |= BIT64(vf);
	}
	fake_run(card);
	before = card->accesses;
	fake_run(card);
	assert_int_equal(card->accesses, before);
	vf_start(card, 50, MSG_API_13);
	assert_int_equal(vf_say(card, 50, MSG_SET_LPE, 1518), MSG_SET_LPE | MSG_ACK | MSG_CTS);
	card->vfu &= ~BIT64(39);
	vf_reset(card, 50, true);
	assert_true(card->sts & BIT64(39));
	fake_destroy(card);
}

static void everybody_at_once(void **unused)
{
	struct fake_card *card = fake_create(64);
	uint32_t msg[MAILBOX_WORDS] = { MSG_RESET };
	unsigned int before;

	for (unsigned int vf = 0; vf < 64; vf++) {
		vf_reset(card, vf, false);
		assert_true(vf_post(card, vf, msg, 1));
	}
	fake_run(card);
	assert_true(card->sts == UINT64_MAX);
	for (unsigned int vf = 0; vf < 64; vf++) {
		assert_true(vf_take(card, vf, msg));
		assert_int_equal(msg[0], MSG_RESET | MSG_ACK);
		assert_memory_equal(msg + 1, card->state.vf[vf].derived_mac, ETH_ALEN);
	}
	fake_run(card);
	assert_int_equal(fake_reg(card, REG_VFRE(0)), UINT32_MAX);
	assert_int_equal(fake_reg(card, REG_VFTE(32)), UINT32_MAX);
	before = card->accesses;
	fake_raise(card, EICR_LSC);
	fake_run(card);
	assert_true(card->sts == UINT64_MAX);
	assert_true(card->accesses - before < 1000);
	fake_destroy(card);
}

/* iPXE acknowledges the last reply and rings for the next message in one write. */
static void request_and_ack_together(void **unused)
{
	struct fake_card *card = fake_create(1);
	uint32_t msg[MAILBOX_WORDS] = { MSG_RESET };

	vf_reset(card, 0, false);
	card->reg[REG_MBVFICR(0) / 4] |= MBVFICR_VFACK(0);
	vf_ask(card, 0, msg);
	assert_int_equal(msg[0], MSG_RESET | MSG_ACK);
	assert_false(vf_take(card, 0, msg)); /* no NACK for the stray acknowledgement */
	fake_destroy(card);
}

static int changed_to;
static unsigned int changes;

static void on_changed(void *ctx, int error)
{
	changed_to = error;
	changes++;
}

static void number_of_vfs(void **unused)
{
	struct fake_card *card = fake_create(8);
	struct reason why;

	changes = 0;
	vf_start(card, 1, MSG_API_13);
	assert_int_equal(pf_set_vf_mac(card->driver, 1, mac_a, NULL), 0);
	assert_int_equal(pf_set_num_vfs(card->driver, 65, on_changed, NULL, &why), -ERANGE);
	assert_int_equal(pf_set_num_vfs(card->driver, 48, on_changed, NULL, &why), 0);
	assert_int_equal(changes, 1);
	assert_int_equal(changed_to, 0);
	assert_int_equal(card->state.num_vfs, 48);
	assert_int_equal(sriov(card, PCI_SRIOV_NUM_VF), 48);
	assert_int_equal(fake_reg(card, REG_GCR_EXT), 3);
	assert_int_equal(card->resets, 2);
	/* All VFs are new, but what the administrator said about VF 1 holds. */
	assert_false(card->state.vf[1].active);
	assert_memory_equal(card->state.vf[1].mac, mac_a, ETH_ALEN);
	assert_true(card->state.vf[1].mac_by_admin);
	vf_start(card, 47, MSG_API_13);

	assert_int_equal(pf_set_num_vfs(card->driver, 0, on_changed, NULL, &why), 0);
	assert_int_equal(sriov(card, PCI_SRIOV_CTRL), 0);
	assert_int_equal(pf_set_num_vfs(card->driver, 1, on_changed, NULL, &why), 0);
	vf_start(card, 0, MSG_API_13);
	card->refuse_vfe = true;
	assert_int_equal(pf_set_num_vfs(card->driver, 2, on_changed, NULL, &why), 0);
	assert_int_equal(changed_to, -EIO);
	assert_int_equal(card->state.num_vfs, 0);
	fake_destroy(card);
}

static void on_destroyed(void *ctx)
{
	(*(unsigned int *)ctx)++;
}

static void destruction(void **unused)
{
	struct fake_card *card = fake_create(8);
	unsigned int destroyed = 0;

	card->defer = true;
	assert_int_equal(pf_set_num_vfs(card->driver, 4, NULL, NULL, NULL), 0);
	/* In the middle of something: that first. */
	pf_driver_destroy(card->driver, on_destroyed, &destroyed);
	while (!destroyed)
		fake_settle(card);
	assert_int_equal(sriov(card, PCI_SRIOV_CTRL), 0);
	assert_int_equal(fake_reg(card, REG_RXCTRL), 0);
	assert_int_equal(card->state.up, 0);
	card->driver = NULL;
	fake_destroy(card);
}

static void settings_survive_a_restart(void **unused)
{
	struct fake_card *card = fake_create(4), *next = fake_card_new(4);

	assert_int_equal(pf_set_vf_vlan(card->driver, 2, 55, 0, NULL), 0);
	assert_int_equal(pf_set_vf_mac(card->driver, 2, mac_a, NULL), 0);
	/* As after a crash: the state is all that is left. */
	next->state = card->state;
	assert_int_equal(fake_probe(next, NULL), 0);
	assert_memory_equal(next->state.vf[2].mac, mac_a, ETH_ALEN);
	assert_true(fake_pools_of_vlan(next, 55) == BIT64(2));
	fake_destroy(next);
	fake_destroy(card);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(bring_up_of_8),
		cmocka_unit_test(layouts),
		cmocka_unit_test(refuses_bad_cards),
		cmocka_unit_test(no_vfs_when_refused),
		cmocka_unit_test(bring_up_in_steps),
		cmocka_unit_test(policy_before_the_vfs),
		cmocka_unit_test(refuses_bad_policy),
		cmocka_unit_test(derived_addresses),
		cmocka_unit_test(mac_policy),
		cmocka_unit_test(admin_takes_mac_from_guest),
		cmocka_unit_test(vlan_policy),
		cmocka_unit_test(port_vlan_keeps_its_filter),
		cmocka_unit_test(tx_rates),
		cmocka_unit_test(other_policy),
		cmocka_unit_test(link_change_is_told),
		cmocka_unit_test(news_wait_for_the_mailbox),
		cmocka_unit_test(hostile_guest),
		cmocka_unit_test(hostile_guests),
		cmocka_unit_test(everybody_at_once),
		cmocka_unit_test(request_and_ack_together),
		cmocka_unit_test(number_of_vfs),
		cmocka_unit_test(destruction),
		cmocka_unit_test(settings_survive_a_restart),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
