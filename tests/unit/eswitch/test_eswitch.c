/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * test_eswitch.c - the switch's decisions, as tables to be read.
 *
 * The port of every case, before its setup changes it: partition 0 as Linux sets up a PF with VFs:
 * VFs in pools 0 to 3, the PF's own pool 8 is the default pool; partition 1 the same with VFs 0 and
 * 1. "0.2" is pool 2 of partition 0, and its MAC; "wire" is the uplink. VLAN filtering is on;
 * VLAN 10 is of 0.0, 0.1 and 1.0, VLAN 20 of 0.2 and 0.3, VLAN 30 is known, but of no pool.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <cmocka.h>
#include "slow.h"
#include "eswitch/stats.h"

#define PF 8
#define UNTAGGED (-1)

static struct slow_port port;

static struct eswitch_partition *part(unsigned int index)
{
	return &port.partition[index];
}

static void add_mac(unsigned int index, unsigned int slot, uint64_t pools, const uint8_t *mac)
{
	struct eswitch_mac *entry = &part(index)->mac[slot];

	entry->valid = 1;
	entry->pools = pools;
	memcpy(entry->mac, mac, ETH_ALEN);
}

static void add_vlan(unsigned int index, unsigned int slot, uint16_t vid, uint64_t pools)
{
	part(index)->vlan[slot] = (struct eswitch_vlan){ .valid = 1, .vid = vid, .pools = pools };
	part(index)->vlan_table[vid / 32] |= BIT(vid % 32);
}

static void add_pool(unsigned int index, unsigned int pool)
{
	const uint8_t mac[] = { 0x52, 0x54, 0, 0, (uint8_t)index, (uint8_t)pool };

	part(index)->pool[pool].flags = ESWITCH_RX_ENABLE | ESWITCH_TX_ENABLE |
					ESWITCH_ACCEPT_UNTAGGED | ESWITCH_ACCEPT_BROADCAST |
					ESWITCH_CHECK_MAC | ESWITCH_CHECK_VLAN;
	add_mac(index, pool, BIT64(pool), mac);
}

static void add_partition(unsigned int index, unsigned int vfs)
{
	*part(index) = (struct eswitch_partition){
		.enabled = 1,
		.transmit = 1,
		.virtualized = 1,
		.loopback = 1,
		.replicate = 1,
		.vlan_filter = 1,
		.default_pool = PF,
		.accept = ESWITCH_ACCEPT_BROADCAST,
	};
	for (unsigned int i = 0; i < vfs; i++)
		add_pool(index, i);
	add_pool(index, PF);
	part(index)->pool[PF].flags &= ~(ESWITCH_CHECK_MAC | ESWITCH_CHECK_VLAN);
	add_vlan(index, 0, 0, UINT64_MAX);
}

static void set_up_port(void)
{
	port.partitions = 2;
	add_partition(0, 4);
	add_partition(1, 2);
	add_vlan(0, 1, 10, BIT64(0) | BIT64(1));
	add_vlan(0, 2, 20, BIT64(2) | BIT64(3));
	add_vlan(0, 3, 30, 0);
	add_vlan(1, 1, 10, BIT64(0));
}

/*
 * Setups. The hash bits are of 33:33:00:ab:cd:ef: as a number, 0xefcdab003333, whose bits [47:36],
 * [46:35], [45:34] and [43:32] are efc, df9, bf3 and fcd.
 */
#define SETUP(name, statements) \
	static void name(void)  \
	{                       \
		statements;     \
	}
#define FLAGS(index, number) part(index)->pool[number].flags

static void set_hash(uint32_t *hash, unsigned int bit)
{
	hash[bit / 32] |= BIT(bit % 32);
}

SETUP(usual, )
SETUP(vepa, part(0)->loopback = 0)
SETUP(no_replication, part(0)->replicate = 0)
SETUP(vf1_rx_off, FLAGS(0, 1) &= ~ESWITCH_RX_ENABLE)
SETUP(vf1_tx_off, FLAGS(0, 1) &= ~ESWITCH_TX_ENABLE)
SETUP(rx_off, part(0)->enabled = 0)
SETUP(tx_off, part(0)->transmit = 0)
SETUP(pf_upe, part(0)->accept |= ESWITCH_UC_PROMISC)
SETUP(no_default, (part(0)->accept |= ESWITCH_UC_PROMISC, part(0)->default_pool = -1))
SETUP(bad_default, (part(0)->accept |= ESWITCH_UC_PROMISC, part(0)->default_pool = 64))
SETUP(pf_snoops, FLAGS(0, PF) |= ESWITCH_UC_PROMISC)
SETUP(vf0_hears_itself, FLAGS(0, 0) |= ESWITCH_LOCAL_LOOPBACK)
SETUP(vf0_no_spoof_check, FLAGS(0, 0) &= ~(ESWITCH_CHECK_MAC | ESWITCH_CHECK_VLAN))
SETUP(vf1_no_untagged, FLAGS(0, 1) &= ~ESWITCH_ACCEPT_UNTAGGED)
SETUP(vf1_no_broadcast, FLAGS(0, 1) &= ~ESWITCH_ACCEPT_BROADCAST)
SETUP(vf1_allmulti, FLAGS(0, 1) |= ESWITCH_MC_PROMISC)
SETUP(pf_allmulti, part(0)->accept |= ESWITCH_MC_PROMISC)
SETUP(no_filter, part(0)->vlan_filter = 0)
SETUP(not_in_table, part(0)->vlan_table[0] &= ~BIT(10))
SETUP(vf2_rope, (FLAGS(0, 2) |= ESWITCH_ACCEPT_UC_HASH, set_hash(part(0)->uc_hash, 0x209)))
SETUP(uc_hash_only, set_hash(part(0)->uc_hash, 0x209))
SETUP(vf1_port_vlan, (FLAGS(0, 1) |= ESWITCH_VLAN_INSERT, part(0)->pool[1].default_vlan = 0x6014,
		      part(0)->vlan[2].pools |= BIT64(1), FLAGS(0, 1) &= ~ESWITCH_ACCEPT_UNTAGGED))
SETUP(port_vlan_no_check, (vf1_port_vlan(), FLAGS(0, 1) &= ~ESWITCH_CHECK_VLAN))
SETUP(vf0_no_tags, FLAGS(0, 0) |= ESWITCH_VLAN_NEVER)
SETUP(shared_mac, part(0)->mac[1].pools |= BIT64(2) | BIT64(63); FLAGS(0, 63) = FLAGS(0, 2))
SETUP(same_mac_twice, add_mac(1, 50, BIT64(1), part(0)->mac[1].mac))
SETUP(mac_of_nobody, part(0)->mac[1].pools = 0)
SETUP(exact_multicast, add_mac(0, 60, BIT64(3), (const uint8_t *)"\x33\x33\x00\xab\xcd\xef"))
SETUP(plain_pf, (part(0)->virtualized = 0, part(0)->default_pool = 0, part(0)->vlan_filter = 0,
		 memset(part(0)->mac, 0, sizeof(part(0)->mac)),
		 memset(part(0)->pool, 0, sizeof(part(0)->pool)),
		 add_mac(0, 0, 0, (const uint8_t *)"\x52\x54\x00\x00\x00\x00")))
SETUP(plain_reflected, (plain_pf(), part(0)->mac_loopback = 1))
SETUP(reflected, (part(0)->mac_loopback = 1, vf1_no_broadcast()))
SETUP(plain_promisc, (plain_pf(), part(0)->accept |= ESWITCH_UC_PROMISC))
SETUP(plain_vlans, (plain_pf(), part(0)->vlan_filter = 1))
SETUP(plain_uta, (plain_pf(), set_hash(part(0)->uc_hash, 0x209)))

static void mc_hash(unsigned int shift, unsigned int bit)
{
	FLAGS(0, 1) |= ESWITCH_ACCEPT_MC_HASH;
	part(0)->mc_enable = 1;
	part(0)->mc_shift = (uint8_t)shift;
	set_hash(part(0)->mc_hash, bit);
}
SETUP(mta0, mc_hash(0, 0xefc))
SETUP(mta1, mc_hash(1, 0xdf9))
SETUP(mta2, mc_hash(2, 0xbf3))
SETUP(mta3, mc_hash(3, 0xfcd))
SETUP(mta_wrong_shift, mc_hash(1, 0xefc))
SETUP(mta_off, (mc_hash(0, 0xefc), part(0)->mc_enable = 0))
SETUP(mta_and_exact, (mc_hash(0, 0xefc), exact_multicast()))
SETUP(mta_for_nobody, (mc_hash(0, 0xefc), FLAGS(0, 1) &= ~ESWITCH_ACCEPT_MC_HASH))

/**
 * struct decision - one case.
 * @from: "wire" or a pool
 * @to: a pool's MAC, "all", or an address
 * @source: a pool's MAC or an address; NULL: the sender's own
 * @vlan: TCI or UNTAGGED
 * @expected: who gets it, in order; "-": nobody; or the drop reason
 */
struct decision {
	void (*setup)(void);
	const char *from, *to, *source;
	int vlan;
	const char *expected;
};

#define UNKNOWN "52:54:00:00:99:20" /* hashes to 0x209 with shift 0 */
#define MULTICAST "33:33:00:ab:cd:ef"
#define EVERY_POOL "0.0 0.1 0.2 0.3 0.8 1.0 1.1 1.8"

static const struct decision unicast[] = {
	{ usual, "0.0", "0.1", NULL, UNTAGGED, "0.1" },
	{ usual, "0.0", "1.1", NULL, UNTAGGED, "1.1" }, /* partitions of a port reach each other */
	{ usual, "1.8", "0.8", NULL, UNTAGGED, "0.8" },
	{ usual, "wire", "0.1", UNKNOWN, UNTAGGED, "0.1" },
	{ usual, "0.0", UNKNOWN, NULL, UNTAGGED, "wire" },
	{ usual, "wire", UNKNOWN, UNKNOWN, UNTAGGED,
	  "-" },				      /* never back, and PFs not promiscuous */
	{ usual, "0.0", "0.0", NULL, UNTAGGED, "-" }, /* to itself: local, but not heard */
	{ vf0_hears_itself, "0.0", "0.0", NULL, UNTAGGED, "0.0" },
	{ vf0_hears_itself, "0.0", "0.1", NULL, UNTAGGED, "0.1" },
	{ vf1_rx_off, "wire", "0.1", UNKNOWN, UNTAGGED, "0.8" }, /* step 7: accepted, list empty */
	{ vf1_rx_off, "0.0", "0.1", NULL, UNTAGGED, "wire" },	 /* no enabled pool has it */
	{ rx_off, "wire", "0.1", UNKNOWN, UNTAGGED, "-" },
	{ rx_off, "1.0", "0.1", NULL, UNTAGGED, "wire" },
	{ shared_mac, "0.0", "0.1", NULL, UNTAGGED, "0.1 0.2 0.63" },
	{ shared_mac, "0.2", "0.1", NULL, UNTAGGED, "0.1 0.63" },
	{ same_mac_twice, "0.0", "0.1", NULL, UNTAGGED, "0.1 1.1" },
	{ mac_of_nobody, "0.0", "0.1", NULL, UNTAGGED, "wire" },
	{ mac_of_nobody, "wire", "0.1", UNKNOWN, UNTAGGED, "0.8" },
};

static const struct decision default_pools[] = {
	{ pf_upe, "wire", UNKNOWN, UNKNOWN, UNTAGGED, "0.8" },
	{ pf_upe, "0.0", UNKNOWN, NULL, UNTAGGED, "wire" },	 /* not for local senders */
	{ pf_upe, "wire", "0.1", UNKNOWN, UNTAGGED, "0.1" },	 /* claimed */
	{ pf_upe, "wire", "1.1", UNKNOWN, UNTAGGED, "0.8 1.1" }, /* each PF decides for itself */
	{ no_default, "wire", UNKNOWN, UNKNOWN, UNTAGGED, "-" },
	{ bad_default, "wire", UNKNOWN, UNKNOWN, UNTAGGED, "-" },
	{ uc_hash_only, "wire", UNKNOWN, UNKNOWN, UNTAGGED, "0.8" },
	{ vf2_rope, "wire", UNKNOWN, UNKNOWN, UNTAGGED, "0.2" },
	{ vf2_rope, "0.0", UNKNOWN, NULL, UNTAGGED, "wire 0.2" }, /* a hash hit is no exact match */
	{ vf2_rope, "0.2", UNKNOWN, NULL, UNTAGGED, "wire" },
	{ usual, "wire", MULTICAST, UNKNOWN, UNTAGGED, "-" },
	{ pf_allmulti, "wire", MULTICAST, UNKNOWN, UNTAGGED, "0.8" },
	{ pf_allmulti, "0.0", MULTICAST, NULL, UNTAGGED, "wire 0.8" },
	{ mta_for_nobody, "wire", MULTICAST, UNKNOWN, UNTAGGED, "0.8" },
};

static const struct decision promiscuous[] = {
	{ pf_snoops, "wire", UNKNOWN, UNKNOWN, UNTAGGED, "0.8" },
	{ pf_snoops, "0.0", UNKNOWN, NULL, UNTAGGED, "wire 0.8" },
	{ pf_snoops, "0.0", "0.1", NULL, UNTAGGED, "0.1 0.8" },
	{ pf_snoops, "wire", "1.1", UNKNOWN, UNTAGGED, "0.8 1.1" },
	{ pf_snoops, "0.8", UNKNOWN, NULL, UNTAGGED, "wire" },
	{ pf_snoops, "0.0", "0.1", NULL, 10, "0.1" }, /* not of its VLANs */
	{ pf_snoops, "0.0", MULTICAST, NULL, UNTAGGED, "wire 0.8" },
	{ vepa, "0.0", UNKNOWN, NULL, UNTAGGED, "wire" },
};

static const struct decision broadcast[] = {
	{ usual, "wire", "all", UNKNOWN, UNTAGGED, EVERY_POOL },
	{ usual, "0.1", "all", NULL, UNTAGGED, "wire 0.0 0.2 0.3 0.8 1.0 1.1 1.8" },
	{ usual, "1.8", "all", NULL, UNTAGGED, "wire 0.0 0.1 0.2 0.3 0.8 1.0 1.1" },
	{ vf1_no_broadcast, "wire", "all", UNKNOWN, UNTAGGED, "0.0 0.2 0.3 0.8 1.0 1.1 1.8" },
	{ vf1_rx_off, "wire", "all", UNKNOWN, UNTAGGED, "0.0 0.2 0.3 0.8 1.0 1.1 1.8" },
	{ vf0_hears_itself, "0.0", "all", NULL, UNTAGGED, "wire " EVERY_POOL },
	{ no_replication, "wire", "all", UNKNOWN, UNTAGGED, "0.0 1.0 1.1 1.8" },
	{ no_replication, "0.0", "all", NULL, UNTAGGED, "wire 0.1 1.0 1.1 1.8" },
	{ vepa, "0.0", "all", NULL, UNTAGGED, "wire" },
	{ vepa, "1.0", "all", NULL, UNTAGGED, "wire 0.0 0.1 0.2 0.3 0.8 1.1 1.8" },
	{ usual, "0.0", "all", NULL, 10, "wire 0.1 1.0" },
	{ usual, "wire", "all", UNKNOWN, 20, "0.2 0.3" },
};

static const struct decision multicast[] = {
	{ vf1_allmulti, "wire", MULTICAST, UNKNOWN, UNTAGGED, "0.1" },
	{ vf1_allmulti, "1.0", MULTICAST, NULL, UNTAGGED, "wire 0.1" },
	{ vf1_allmulti, "0.1", MULTICAST, NULL, UNTAGGED, "wire" },
	{ mta0, "wire", MULTICAST, UNKNOWN, UNTAGGED, "0.1" },
	{ mta1, "wire", MULTICAST, UNKNOWN, UNTAGGED, "0.1" },
	{ mta2, "wire", MULTICAST, UNKNOWN, UNTAGGED, "0.1" },
	{ mta3, "wire", MULTICAST, UNKNOWN, UNTAGGED, "0.1" },
	{ mta_wrong_shift, "wire", MULTICAST, UNKNOWN, UNTAGGED, "-" },
	{ mta_off, "wire", MULTICAST, UNKNOWN, UNTAGGED, "-" },
	{ mta0, "0.0", MULTICAST, NULL, UNTAGGED, "wire 0.1" },
	{ exact_multicast, "wire", MULTICAST, UNKNOWN, UNTAGGED, "0.3" },
	{ exact_multicast, "0.0", MULTICAST, NULL, UNTAGGED, "wire 0.3" },
	{ mta_and_exact, "wire", MULTICAST, UNKNOWN, UNTAGGED, "0.3" }, /* hash: only if empty */
};

static const struct decision vlans[] = {
	{ usual, "0.0", "0.1", NULL, 10, "0.1" },
	{ usual, "0.0", "0.1", NULL, 0xe00a, "0.1" }, /* the VID counts, not the priority */
	{ usual, "0.0", "1.0", NULL, 10, "1.0" },
	{ usual, "0.0", "1.1", NULL, 10, "-" },	      /* local, but not of that VLAN */
	{ usual, "wire", "0.2", UNKNOWN, 10, "0.8" }, /* admitted by the table: step 7 */
	{ usual, "wire", "0.1", UNKNOWN, 30, "0.8" },
	{ usual, "wire", "0.1", UNKNOWN, 31, "-" }, /* not in the VLAN table */
	{ usual, "0.0", "0.1", NULL, 0, "0.1" },    /* priority tag: VLAN 0 */
	{ not_in_table, "wire", "0.1", UNKNOWN, 10, "-" },
	{ vf1_no_untagged, "0.0", "0.1", NULL, UNTAGGED, "-" },
	{ vf1_no_untagged, "0.0", "0.1", NULL, 10, "0.1" },
	{ no_filter, "wire", "0.1", UNKNOWN, 99, "0.1" },
};

static const struct decision spoofing[] = {
	{ usual, "0.0", "0.1", "0.1", UNTAGGED, "tx_spoofed_mac" },
	{ usual, "0.0", "0.1", UNKNOWN, UNTAGGED, "tx_spoofed_mac" },
	{ usual, "0.0", "0.1", "1.0", UNTAGGED, "tx_spoofed_mac" }, /* a filter of the other PF */
	{ usual, "0.8", "0.1", UNKNOWN, UNTAGGED, "0.1" },	    /* PF: not checked */
	{ vf0_no_spoof_check, "0.0", "0.1", UNKNOWN, UNTAGGED, "0.1" },
	{ usual, "0.0", "0.2", NULL, 20, "tx_spoofed_vlan" },
	{ usual, "0.0", "0.2", NULL, 99, "tx_spoofed_vlan" },
	{ vf0_no_spoof_check, "0.0", "0.2", NULL, 20, "0.2" },
	{ not_in_table, "0.0", UNKNOWN, NULL, 10,
	  "wire" }, /* its filter, whatever the table says */
	{ vf1_tx_off, "0.1", "0.0", NULL, UNTAGGED, "tx_disabled" },
	{ tx_off, "0.0", "0.1", NULL, UNTAGGED, "tx_disabled" },
	{ tx_off, "1.0", "0.1", NULL, UNTAGGED, "0.1" },
	{ vf1_rx_off, "0.1", "0.0", NULL, UNTAGGED, "0.0" }, /* still the owner of its MAC */
	{ usual, "wire", "0.1", "0.1", UNTAGGED, "0.1" },
};

static const struct decision port_vlans[] = {
	{ vf1_port_vlan, "0.1", "0.2", NULL, UNTAGGED, "0.2" }, /* in VLAN 20 from here on */
	{ vf1_port_vlan, "0.1", "0.0", NULL, UNTAGGED, "-" },
	{ vf1_port_vlan, "0.1", "all", NULL, UNTAGGED, "wire 0.2 0.3" },
	{ vf1_port_vlan, "0.1", "0.2", NULL, 20, "0.2" },
	{ vf1_port_vlan, "0.1", "0.0", NULL, 10, "tx_spoofed_vlan" },
	{ vf1_port_vlan, "0.2", "0.1", NULL, 20, "0.1" },
	{ vf1_port_vlan, "0.0", "0.1", NULL, UNTAGGED, "-" },
	{ port_vlan_no_check, "0.1", "0.2", NULL, 10, "0.2" }, /* overridden */
	{ vf0_no_tags, "0.0", "0.2", NULL, 20, "0.2" },	       /* its tag is taken off */
};

static const struct decision not_virtualized[] = {
	{ plain_pf, "wire", "0.0", UNKNOWN, UNTAGGED, "0.0" },
	{ plain_pf, "wire", "0.0", UNKNOWN, 77, "0.0" },
	{ plain_pf, "wire", UNKNOWN, UNKNOWN, UNTAGGED, "-" },
	{ plain_pf, "wire", "all", UNKNOWN, UNTAGGED, "0.0 1.0 1.1 1.8" },
	{ plain_pf, "0.0", "1.0", UNKNOWN, UNTAGGED, "1.0" },
	{ plain_pf, "0.5", "0.0", UNKNOWN, UNTAGGED, "-" }, /* one receiver, never of its own */
	{ plain_pf, "1.0", "0.0", NULL, UNTAGGED, "0.0" },
	{ plain_reflected, "0.0", "all", UNKNOWN, UNTAGGED, "0.0" },
	{ plain_reflected, "0.0", "0.0", NULL, UNTAGGED, "0.0" },
	{ plain_reflected, "0.0", "1.0", NULL, UNTAGGED, "-" },
	{ plain_reflected, "wire", "all", UNKNOWN, UNTAGGED, "0.0 1.0 1.1 1.8" },
	{ plain_reflected, "1.0", "0.0", NULL, UNTAGGED, "0.0" },
	{ reflected, "0.0", "all", NULL, UNTAGGED, "0.0 0.2 0.3 0.8" },
	{ reflected, "0.0", "0.1", NULL, UNTAGGED, "0.1" },
	{ plain_promisc, "wire", UNKNOWN, UNKNOWN, UNTAGGED, "0.0" },
	{ plain_promisc, "1.0", "1.1", NULL, UNTAGGED, "0.0 1.1" },
	{ plain_promisc, "wire", MULTICAST, UNKNOWN, UNTAGGED, "-" }, /* that would be MPE */
	{ plain_vlans, "wire", "0.0", UNKNOWN, 10, "0.0" },
	{ plain_vlans, "wire", "0.0", UNKNOWN, 99, "-" },
	{ plain_vlans, "wire", "0.0", UNKNOWN, UNTAGGED, "0.0" },
	{ plain_uta, "wire", UNKNOWN, UNKNOWN, UNTAGGED, "0.0" },
};

static unsigned int vport_of(const char *name)
{
	unsigned int index, pool;

	if (sscanf(name, "%u.%u", &index, &pool) == 2)
		return eswitch_vport(index, pool);
	return ESWITCH_UPLINK;
}

static void put_mac(uint8_t *to, const char *name)
{
	unsigned int index, pool;

	if (!strcmp(name, "all"))
		memset(to, 0xff, ETH_ALEN);
	else if (strchr(name, ':'))
		assert_int_equal(mac_parse(name, to), 0);
	else if (sscanf(name, "%u.%u", &index, &pool) == 2)
		memcpy(to, (uint8_t[]){ 0x52, 0x54, 0, 0, (uint8_t)index, (uint8_t)pool },
		       ETH_ALEN);
}

/* The set in words; every member is popped, so each is named exactly once. */
static void put_set(char *text, size_t size, struct vport_set set, unsigned int n)
{
	size_t used = 0;
	int vport;

	snprintf(text, size, "-");
	while ((vport = vport_set_pop(&set)) >= 0) {
		used += (size_t)(vport ? snprintf(text + used, size - used, "%s%d.%d",
						  used ? " " : "", (vport - 1) / 64,
						  (vport - 1) % 64)
				       : snprintf(text + used, size - used, "wire"));
		n--;
	}
	assert_int_equal(n, 0);
}

static struct eswitch_table *build(void)
{
	const struct eswitch_partition *partition[ESWITCH_PARTITIONS] = { part(0), part(1) };

	return eswitch_build(partition, port.partitions);
}

static void decide(const struct eswitch_table *table, const struct decision *c, char *text,
		   size_t size)
{
	uint8_t header[14] = { 0 };
	struct eswitch_key key = { .header = header,
				   .tagged = c->vlan >= 0,
				   .vlan = (uint16_t)c->vlan };
	unsigned int from = vport_of(c->from), single = UINT32_MAX, n;
	enum eswitch_drop drop;
	struct vport_set to;

	put_mac(header, c->to);
	put_mac(header + 6, c->source ? c->source : c->from);
	drop = eswitch_ingress(table, from, &key);
	if (drop) {
		snprintf(text, size, "%s", eswitch_drop_name(drop));
		return;
	}
	n = eswitch_forward(table, from, &key, &to, &single);
	put_set(text, size, to, n);
	if (n == 1)
		assert_true(vport_set_has(&to, single));
}

static void check_table(const char *name, const struct decision *table, unsigned int n)
{
	unsigned int failed = 0;

	for (unsigned int i = 0; i < n; i++) {
		struct eswitch_table *compiled;
		char got[2048];

		set_up_port();
		table[i].setup();
		compiled = build();
		assert_non_null(compiled);
		decide(compiled, &table[i], got, sizeof(got));
		eswitch_free(compiled);
		if (!strcmp(got, table[i].expected))
			continue;
		printf("%s[%u]: %s to %s: \"%s\", expected \"%s\"\n", name, i, table[i].from,
		       table[i].to, got, table[i].expected);
		failed++;
	}
	assert_int_equal(failed, 0);
}

#define TABLE_TEST(name)                                    \
	static void test_##name(void **ctx)                 \
	{                                                   \
		(void)ctx;                                  \
		check_table(#name, name, ARRAY_SIZE(name)); \
	}
TABLE_TEST(unicast)
TABLE_TEST(default_pools)
TABLE_TEST(promiscuous)
TABLE_TEST(broadcast)
TABLE_TEST(multicast)
TABLE_TEST(vlans)
TABLE_TEST(spoofing)
TABLE_TEST(port_vlans)
TABLE_TEST(not_virtualized)

/* What ingress says about the tag is what the frame leaves with. */
static void test_tag_on_the_way_out(void **ctx)
{
	uint8_t header[14] = { 0 };
	struct eswitch_key key = { .header = header };
	struct eswitch_table *table;

	(void)ctx;
	set_up_port();
	vf1_port_vlan();
	vf0_no_tags();
	table = build();
	put_mac(header, UNKNOWN);
	put_mac(header + 6, "0.1");
	assert_int_equal(eswitch_ingress(table, eswitch_vport(0, 1), &key), ESWITCH_DELIVERED);
	assert_true(key.tagged);
	assert_int_equal(key.vlan, 0x6014);
	put_mac(header + 6, "0.0");
	assert_int_equal(eswitch_ingress(table, eswitch_vport(0, 0), &key), ESWITCH_DELIVERED);
	assert_false(key.tagged);
	eswitch_free(table);
}

/* No partitions, absent partitions: nobody there, nobody may send, nothing breaks. */
static void test_empty(void **ctx)
{
	const struct eswitch_partition *none[ESWITCH_PARTITIONS] = { NULL };
	static const uint8_t header[14] = { 0xff, 0xff, 0xff, 0xff, 0xff, 0xff };
	struct eswitch_key key = { .header = header };

	(void)ctx;
	for (unsigned int n = 0; n <= ESWITCH_PARTITIONS; n++) {
		struct eswitch_table *table = eswitch_build(none, n);
		unsigned int single;
		struct vport_set to;

		assert_non_null(table);
		assert_int_equal(eswitch_ingress(table, 0, &key), ESWITCH_DELIVERED);
		assert_int_equal(eswitch_forward(table, 0, &key, &to, &single), 0);
		assert_int_equal(vport_set_pop(&to), -1);
		assert_int_equal(eswitch_ingress(table, 1, &key), ESWITCH_DROP_TX_DISABLED);
		eswitch_free(table);
	}
	eswitch_free(NULL);
}

static void test_names(void **ctx)
{
	(void)ctx;
	for (int i = 0; i < ESWITCH_DROPS; i++)
		assert_string_not_equal(eswitch_drop_name((enum eswitch_drop)i), "unknown");
	assert_string_equal(vport_drop_name(VPORT_DROP_TX_SPOOFED_MAC),
			    eswitch_drop_name(ESWITCH_DROP_SPOOF_MAC));
	assert_string_equal(vport_drop_name(VPORT_DROPS), "unknown");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_unicast),		cmocka_unit_test(test_default_pools),
		cmocka_unit_test(test_promiscuous),	cmocka_unit_test(test_broadcast),
		cmocka_unit_test(test_multicast),	cmocka_unit_test(test_vlans),
		cmocka_unit_test(test_spoofing),	cmocka_unit_test(test_port_vlans),
		cmocka_unit_test(test_not_virtualized), cmocka_unit_test(test_tag_on_the_way_out),
		cmocka_unit_test(test_empty),		cmocka_unit_test(test_names),
	};

	return cmocka_run_group_tests_name("eswitch", tests, NULL, NULL);
}
