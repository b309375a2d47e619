/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * test_random.c - random ports, random frames: the compiled switch must answer like the slow one.
 *
 * Addresses, VLANs and hash bits are drawn from few values, so that frames meet filters often.
 * SEED=n repeats a run; the seed is printed. Times are printed, not judged.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <cmocka.h>
#include "slow.h"

static uint64_t state;
static struct slow_port port;

static uint64_t dice(uint64_t below)
{
	state ^= state << 13;
	state ^= state >> 7;
	state ^= state << 17;
	return (state >> 11) % below;
}

static bool one_in(unsigned int n)
{
	return dice(n) == 0;
}

static void random_mac(uint8_t *mac)
{
	memset(mac, 0, ETH_ALEN);
	if (one_in(6)) {
		memset(mac, 0xff, ETH_ALEN);
		return;
	}
	mac[0] = one_in(3) ? 0x33 : 0x52;
	mac[4] = (uint8_t)(dice(3) * 0x55);
	mac[5] = (uint8_t)dice(12);
}

static uint64_t random_pools(void)
{
	switch (dice(4)) {
	case 0:
		return 0;
	case 1:
		return dice(UINT64_MAX) | BIT64(63);
	default:
		return BIT64(dice(4)) | (one_in(5) ? BIT64(63) : 0);
	}
}

static uint16_t random_vid(void)
{
	static const uint16_t vid[] = { 0, 1, 2, 31, 32, 100, 4094, 4095 };

	return vid[dice(ARRAY_SIZE(vid))];
}

static void random_pool(struct eswitch_pool *pool, uint32_t likely_flags)
{
	pool->flags = likely_flags;
	for (uint32_t bit = 0; bit <= 12; bit++)
		pool->flags ^= one_in(8) ? BIT(bit) : 0;
	if (!one_in(6))
		pool->flags &= ~ESWITCH_UC_PROMISC;
	if (!one_in(8))
		pool->flags &= ~(ESWITCH_VLAN_INSERT | ESWITCH_VLAN_NEVER);
	pool->default_vlan = (uint16_t)(dice(8) << 13 | random_vid());
}

static void random_hash(uint32_t *hash)
{
	memset(hash, 0, ESWITCH_HASH_BITS / 8);
	for (unsigned int i = (unsigned int)dice(3) * 400; i; i--)
		hash[dice(ESWITCH_HASH_BITS / 32)] |= BIT(dice(32));
	if (one_in(6))
		memset(hash, 0xff, ESWITCH_HASH_BITS / 8);
}

static void random_partition(struct eswitch_partition *p, bool simple)
{
	const uint32_t usual = ESWITCH_RX_ENABLE | ESWITCH_TX_ENABLE | ESWITCH_ACCEPT_UNTAGGED |
			       ESWITCH_ACCEPT_BROADCAST | ESWITCH_CHECK_MAC;

	memset(p, 0, sizeof(*p));
	p->enabled = !one_in(8);
	p->transmit = !one_in(8);
	p->virtualized = simple || !one_in(4);
	p->loopback = !one_in(5);
	p->mac_loopback = one_in(12);
	p->replicate = !one_in(4);
	p->vlan_filter = !one_in(3);
	p->mc_enable = !one_in(3);
	p->mc_shift = (uint8_t)dice(4);
	p->default_pool = (int16_t)(one_in(4) ? -1 : one_in(2) ? 63 : (int16_t)dice(4));
	p->accept = simple ? 0
			   : (uint32_t)dice(UINT32_MAX) &
				     (ESWITCH_ACCEPT_BROADCAST | ESWITCH_MC_PROMISC);
	p->accept |= one_in(simple ? 12 : 3) ? ESWITCH_UC_PROMISC : 0;
	for (unsigned int i = 0; i < ESWITCH_POOLS; i++) {
		random_pool(&p->pool[i], usual);
		if (simple)
			p->pool[i].flags &= ~(ESWITCH_UC_PROMISC | ESWITCH_ACCEPT_UC_HASH);
	}
	for (unsigned int i = 0; i < ESWITCH_MACS; i += 1 + (unsigned int)dice(20)) {
		random_mac(p->mac[i].mac);
		p->mac[i].valid = !one_in(6);
		p->mac[i].pools = random_pools();
		p->mac[i].reserved = 0xff; /* must not be taken for a part of the address */
	}
	for (unsigned int i = 0; i < ESWITCH_VLANS; i += 1 + (unsigned int)dice(20)) {
		p->vlan[i].vid = random_vid();
		p->vlan[i].valid = !one_in(6);
		p->vlan[i].pools = random_pools();
	}
	for (unsigned int i = 0; i < 8; i++) {
		uint16_t vid = random_vid();

		p->vlan_table[vid / 32] |= BIT(vid % 32);
	}
	if (!simple && one_in(2))
		random_hash(p->uc_hash);
	random_hash(p->mc_hash);
}

static struct eswitch_table *random_port(bool simple)
{
	const struct eswitch_partition *partition[ESWITCH_PARTITIONS];

	port.partitions = 1 + (unsigned int)dice(ESWITCH_PARTITIONS);
	for (unsigned int i = 0; i < port.partitions; i++) {
		random_partition(&port.partition[i], simple);
		partition[i] = &port.partition[i];
		if (one_in(8)) { /* absent */
			memset(&port.partition[i], 0, sizeof(port.partition[i]));
			partition[i] = NULL;
		}
	}
	return eswitch_build(partition, port.partitions);
}

static void explain(unsigned int vport, const struct eswitch_key *key, const struct vport_set *to,
		    const struct vport_set *expected)
{
	const uint8_t *h = key->header;

	for (unsigned int i = 0; i < port.partitions; i++) {
		const struct eswitch_partition *p = &port.partition[i];

		printf("partition %u: enabled %u virtualized %u loopback %u replicate %u "
		       "vlan_filter %u mc %u shift %u default %d accept %x\n",
		       i, p->enabled, p->virtualized, p->loopback, p->replicate, p->vlan_filter,
		       p->mc_enable, p->mc_shift, p->default_pool, p->accept);
	}
	for (unsigned int i = 0; i < ESWITCH_VPORTS; i++) {
		if (vport_set_has(to, i) != vport_set_has(expected, i))
			printf("vport %u: %s\n", i,
			       vport_set_has(to, i) ? "unexpected" : "missing");
	}
	fail_msg("from %u to %02x:%02x:%02x:%02x:%02x:%02x, vlan %d", vport, h[0], h[1], h[2], h[3],
		 h[4], h[5], key->tagged ? key->vlan & 0xfff : -1);
}

static unsigned int bursts_decided;

static void compare(const struct eswitch_table *table, unsigned int vport, struct eswitch_key key)
{
	struct eswitch_key fast = key, slow = key;
	enum eswitch_drop drop = eswitch_ingress(table, vport, &fast);
	struct vport_set to, expected;
	unsigned int n, single = UINT32_MAX;

	assert_int_equal(drop, slow_ingress(&port, vport, &slow));
	assert_int_equal(fast.tagged, slow.tagged);
	assert_int_equal(fast.vlan, slow.vlan);

	memset(&to, 0xff, sizeof(to));
	n = eswitch_forward(table, vport, &fast, &to, &single);
	if (n != slow_forward(&port, vport, &slow, &expected) || memcmp(&to, &expected, sizeof(to)))
		explain(vport, &slow, &to, &expected);
	if (n == 1)
		assert_true(vport_set_has(&to, single));
}

/* A burst says of each frame what the frame alone would hear. */
static void compare_burst(const struct eswitch_table *table, unsigned int vport)
{
	uint8_t header[8][16] = { { 0 } };
	struct eswitch_key key[8], alone;

	for (unsigned int i = 0; i < 8; i++) {
		key[i] = (struct eswitch_key){ .header = header[i],
					       .tagged = one_in(2),
					       .vlan = (uint16_t)random_vid() };
		random_mac(header[i]);
		random_mac(header[i] + 6);
		if (i && one_in(2)) /* of one source */
			memcpy(header[i] + 6, header[i - 1] + 6, 6);
		if (i && one_in(2)) { /* trains */
			memcpy(header[i], header[i - 1], 12);
			key[i].tagged = key[i - 1].tagged;
			key[i].vlan = key[i - 1].vlan;
		}
	}
	for (unsigned int n = 0; n <= 8; n += 4) {
		struct eswitch_key burst[8];
		uint64_t trains;

		memcpy(burst, key, sizeof(burst));
		trains = eswitch_burst(table, vport, burst, n);
		assert_int_equal(trains >> n, 0);
		for (unsigned int i = 0; i < n; i++) {
			bool goes_on = i && !memcmp(header[i], header[i - 1], 12) &&
				       key[i].tagged == key[i - 1].tagged &&
				       key[i].vlan == key[i - 1].vlan;

			assert_int_equal(trains >> i & 1, !goes_on);
		}
		for (unsigned int i = 0; i < n; i++) {
			struct vport_set to;
			unsigned int single;

			alone = key[i];
			assert_int_equal(burst[i].drop, eswitch_ingress(table, vport, &alone));
			if (burst[i].drop)
				continue;
			assert_int_equal(burst[i].tagged, alone.tagged);
			assert_int_equal(burst[i].vlan, alone.vlan);
			if (burst[i].receiver == ESWITCH_ASK)
				continue;
			assert_int_equal(eswitch_forward(table, vport, &alone, &to, &single), 1);
			assert_int_equal(burst[i].receiver, single);
			bursts_decided++;
		}
	}
}

static unsigned int random_vport(void)
{
	unsigned int pool = (unsigned int)(one_in(4) ? 63 : dice(5));

	return one_in(4) ? ESWITCH_UPLINK
			 : eswitch_vport((unsigned int)dice(port.partitions), pool);
}

static void run(bool simple)
{
	for (int i = 0; i < 300; i++) {
		struct eswitch_table *table = random_port(simple);

		assert_non_null(table);
		for (int k = 0; k < 300; k++) {
			uint8_t header[14] = { 0 };
			struct eswitch_key key = { .header = header,
						   .tagged = one_in(2),
						   .vlan = (uint16_t)(dice(8) << 13 |
								      random_vid()) };

			random_mac(header);
			random_mac(header + 6);
			compare(table, random_vport(), key);
			compare_burst(table, random_vport());
		}
		eswitch_free(table);
	}
}

static void test_everything(void **ctx)
{
	(void)ctx;
	run(false);
}

/* Without promiscuous pools and hashes, so that the short way is taken. */
static void test_short_way(void **ctx)
{
	(void)ctx;
	bursts_decided = 0;
	run(true);
	assert_true(bursts_decided > 1000);
}

/* Four full partitions: every filter in use, addresses as a guest might choose them. */
static struct eswitch_table *full_port(uint64_t *build_ns)
{
	const struct eswitch_partition *partition[ESWITCH_PARTITIONS];
	struct eswitch_table *table = NULL;
	uint64_t best = UINT64_MAX;

	port.partitions = ESWITCH_PARTITIONS;
	for (unsigned int i = 0; i < ESWITCH_PARTITIONS; i++) {
		struct eswitch_partition *p = &port.partition[i];

		random_partition(p, true);
		p->enabled = p->transmit = p->virtualized = p->loopback = 1;
		p->accept = 0;
		for (unsigned int k = 0; k < ESWITCH_MACS; k++) {
			p->mac[k] = (struct eswitch_mac){ .pools = BIT64(k % 64),
							  .valid = 1,
							  .mac = { 2, 0, 0, 0, (uint8_t)i,
								   (uint8_t)k } };
			p->pool[k % 64].flags |=
				ESWITCH_RX_ENABLE | ESWITCH_TX_ENABLE | ESWITCH_ACCEPT_UNTAGGED;
			p->pool[k % 64].flags &= ~ESWITCH_VLAN_INSERT;
		}
		for (unsigned int k = 0; k < ESWITCH_VLANS; k++)
			p->vlan[k] = (struct eswitch_vlan){ .vid = (uint16_t)(i * 1000 + k),
							    .valid = 1,
							    .pools = UINT64_MAX };
		partition[i] = p;
	}
	for (int i = 0; i < 50; i++) {
		uint64_t start = now_ns();

		eswitch_free(table);
		table = eswitch_build(partition, ESWITCH_PARTITIONS);
		best = MIN(best, now_ns() - start);
	}
	*build_ns = best;
	return table;
}

static void test_full_port(void **ctx)
{
	enum { ROUNDS = 200000 };
	uint8_t header[256][14] = { 0 };
	uint64_t build_ns, start, found = 0;
	struct eswitch_table *table = full_port(&build_ns);

	(void)ctx;
	assert_non_null(table);
	for (unsigned int i = 0; i < 256; i++) {
		uint8_t *h = header[i];

		h[0] = h[6] = 2;
		h[4] = h[10] = (uint8_t)(i % 4);
		h[5] = (uint8_t)(i / 4);
		h[11] = (uint8_t)(63 - i / 4);
	}
	start = now_ns();
	for (unsigned int i = 0; i < ROUNDS; i++) {
		const uint8_t *h = header[i % 256];
		struct eswitch_key key = { .header = h };
		unsigned int from = eswitch_vport(h[10], h[11]), single = 0;
		struct vport_set to;

		if (eswitch_ingress(table, from, &key) == ESWITCH_DELIVERED &&
		    eswitch_forward(table, from, &key, &to, &single) == 1)
			found += single == eswitch_vport(h[4], h[5]);
	}
	start = now_ns() - start;
	assert_int_equal(found, ROUNDS);
	printf("build, 4 full partitions: %.1f us; ingress and forward, unicast: %.1f ns\n",
	       (double)build_ns / 1e3, (double)start / ROUNDS);
	eswitch_free(table);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_everything),
		cmocka_unit_test(test_short_way),
		cmocka_unit_test(test_full_port),
	};
	const char *text = getenv("SEED");
	uint64_t seed = text ? strtoull(text, NULL, 0) : now_ns();

	printf("SEED=%llu\n", (unsigned long long)seed);
	state = seed * 0x9e3779b97f4a7c15 | 1;
	return cmocka_run_group_tests_name("eswitch random", tests, NULL, NULL);
}
