/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * build.c - compile the partitions' tables into the one a worker reads.
 *
 * Everything that does not depend on the frame is decided here: receive enables are folded into
 * every set, MAC filters of all partitions become one hash table, VLAN table and VLAN filters
 * become one class per VID. A partition that is not virtualized (VT_CTL.VT_ENA clear) is one
 * receiver, its default pool, with the filters of the 82599's section 7.1.1; pool flags mean
 * nothing there. A virtualized one follows section 7.10.3.
 *
 * The hash multiplies the address by an odd number. Guests choose addresses too, as far as the PF
 * driver lets them; so numbers are tried until no address is far from its place, and nobody can
 * collide in all of them.
 */
#include "eswitch/eswitch.h"

#include <stdlib.h>
#include "eswitch/table.h"

#define PROBES_GOOD 4
#define HASH_TRIES 16
#define MACS_MAX (ESWITCH_PARTITIONS * ESWITCH_MACS)

static uint64_t pools_with(const struct eswitch_partition *partition, uint32_t flag)
{
	uint64_t pools = 0;

	for (unsigned int i = 0; i < ESWITCH_POOLS; i++)
		pools |= (uint64_t) !!(partition->pool[i].flags & flag) << i;
	return pools;
}

static uint64_t default_bit(const struct eswitch_partition *partition)
{
	return partition->default_pool >= 0 && partition->default_pool < ESWITCH_POOLS
		       ? BIT64(partition->default_pool)
		       : 0;
}

/* The pools that may receive at all. */
static uint64_t receivers(const struct eswitch_partition *partition)
{
	if (!partition->enabled)
		return 0;
	return partition->virtualized ? pools_with(partition, ESWITCH_RX_ENABLE)
				      : default_bit(partition);
}

static bool hash_in_use(const uint32_t *hash)
{
	uint32_t any = 0;

	for (unsigned int i = 0; i < ESWITCH_HASH_BITS / 32; i++)
		any |= hash[i];
	return any;
}

static void build_part(struct part *part, const struct eswitch_partition *partition)
{
	uint64_t rx = receivers(partition);
	uint32_t accept = partition->accept;

	if (partition->virtualized) {
		part->add[MULTICAST] = rx & pools_with(partition, ESWITCH_MC_PROMISC);
		part->add[BROADCAST] = rx & pools_with(partition, ESWITCH_ACCEPT_BROADCAST);
		part->hash_pools[UNICAST] = rx & pools_with(partition, ESWITCH_ACCEPT_UC_HASH);
		part->hash_pools[MULTICAST] = rx & pools_with(partition, ESWITCH_ACCEPT_MC_HASH);
		part->snoop = rx & pools_with(partition, ESWITCH_UC_PROMISC);
		part->default_pool = rx & default_bit(partition);
		part->accept_all[UNICAST] = !!(accept & ESWITCH_UC_PROMISC);
		part->accept_all[MULTICAST] = !!(accept & ESWITCH_MC_PROMISC);
		part->accept_all[BROADCAST] = !!(accept & ESWITCH_ACCEPT_BROADCAST);
	} else {
		part->add[UNICAST] = accept & ESWITCH_UC_PROMISC ? rx : 0;
		part->add[MULTICAST] = accept & ESWITCH_MC_PROMISC ? rx : 0;
		part->add[BROADCAST] = accept & ESWITCH_ACCEPT_BROADCAST ? rx : 0;
		part->hash_pools[UNICAST] = rx;
		part->hash_pools[MULTICAST] = rx;
	}
	part->mc_shift = partition->mc_shift;
	part->replicate = partition->replicate || !partition->virtualized;
	part->hash_used[UNICAST] = rx && hash_in_use(partition->uc_hash);
	part->hash_used[MULTICAST] = rx && partition->mc_enable && hash_in_use(partition->mc_hash);
	memcpy(part->hash[UNICAST], partition->uc_hash, sizeof(part->hash[UNICAST]));
	memcpy(part->hash[MULTICAST], partition->mc_hash, sizeof(part->hash[MULTICAST]));
}

static void build_senders(struct sender *sender, const struct eswitch_partition *partition)
{
	static const struct {
		uint32_t pool;
		uint16_t sender;
	} same[] = {
		{ ESWITCH_TX_ENABLE, SENDER_TX },
		{ ESWITCH_CHECK_MAC, SENDER_CHECK_MAC },
		{ ESWITCH_CHECK_VLAN, SENDER_CHECK_VLAN },
		{ ESWITCH_VLAN_INSERT, SENDER_VLAN_INSERT },
		{ ESWITCH_VLAN_NEVER, SENDER_VLAN_NEVER },
		{ ESWITCH_LOCAL_LOOPBACK, SENDER_HEARS_ITSELF },
	};
	uint16_t all = partition->mac_loopback ? SENDER_REFLECTED
		       : partition->loopback   ? SENDER_LOOPBACK
					       : 0;

	for (unsigned int i = 0; i < ESWITCH_POOLS; i++) {
		const struct eswitch_pool *pool = &partition->pool[i];

		sender[i].flags = all;
		if (!partition->virtualized) {
			sender[i].flags |= SENDER_TX | SENDER_ALONE;
		} else {
			for (unsigned int k = 0; k < ARRAY_SIZE(same); k++)
				sender[i].flags |= pool->flags & same[k].pool ? same[k].sender : 0;
		}
		if (!partition->transmit)
			sender[i].flags &= (uint16_t)~SENDER_TX;
		sender[i].default_vlan = pool->default_vlan;
	}
}

/* What a tag of class @class means to partition @p. @in_table: VLAN table bit of its VID. */
static void build_class(struct vlan_class *class, const struct eswitch_partition *partition,
			unsigned int p, bool in_table)
{
	bool pass = !partition->vlan_filter || in_table;

	if (pass)
		class->pass |= BIT(p);
	if (!partition->vlan_filter)
		class->members[p] = UINT64_MAX;
	else if (!partition->virtualized)
		class->members[p] = pass ? UINT64_MAX : 0;
	else
		class->members[p] = pass ? class->owners[p] : 0;
}

static void build_fixed_classes(struct eswitch_table *table,
				const struct eswitch_partition *const partition[ESWITCH_PARTITIONS])
{
	for (unsigned int p = 0; p < table->partitions; p++) {
		struct vlan_class *untagged = &table->vlan_class[VLAN_CLASS_UNTAGGED];

		if (!partition[p])
			continue;
		untagged->pass |= BIT(p);
		untagged->members[p] = partition[p]->vlan_filter && partition[p]->virtualized
					       ? pools_with(partition[p], ESWITCH_ACCEPT_UNTAGGED)
					       : UINT64_MAX;
		for (unsigned int bits = 0; bits < 16; bits++)
			build_class(&table->vlan_class[VLAN_CLASS_BASE + bits], partition[p], p,
				    bits >> p & 1);
	}
}

/* Every VID starts in the class that only its VLAN table bits decide. */
static void build_vids(struct eswitch_table *table,
		       const struct eswitch_partition *const partition[ESWITCH_PARTITIONS])
{
	for (unsigned int word = 0; word < VLAN_VIDS / 32; word++) {
		uint32_t in_table[ESWITCH_PARTITIONS] = { 0 };
		uint16_t *vid = &table->vlan[word * 32];

		for (unsigned int p = 0; p < table->partitions; p++) {
			if (partition[p])
				in_table[p] = partition[p]->vlan_table[word];
		}
		for (unsigned int i = 0; i < 32; i++)
			vid[i] =
				(uint16_t)(VLAN_CLASS_BASE + (in_table[0] >> i & 1) +
					   (in_table[1] >> i & 1) * 2 + (in_table[2] >> i & 1) * 4 +
					   (in_table[3] >> i & 1) * 8);
	}
}

/* VIDs with a VLAN filter get a class of their own. */
static void build_vlans(struct eswitch_table *table,
			const struct eswitch_partition *const partition[ESWITCH_PARTITIONS])
{
	unsigned int classes = VLAN_CLASSES_FIXED;

	build_fixed_classes(table, partition);
	build_vids(table, partition);
	for (unsigned int p = 0; p < table->partitions; p++) {
		if (!partition[p] || !partition[p]->virtualized)
			continue;
		for (unsigned int i = 0; i < ESWITCH_VLANS; i++) {
			const struct eswitch_vlan *vlan = &partition[p]->vlan[i];
			unsigned int vid = vlan->vid & VLAN_MASK;
			struct vlan_class *class;

			if (!vlan->valid)
				continue;
			if (table->vlan[vid] < VLAN_CLASSES_FIXED) {
				table->vlan_class[classes] = table->vlan_class[table->vlan[vid]];
				table->vlan[vid] = (uint16_t)classes++;
			}
			class = &table->vlan_class[table->vlan[vid]];
			class->owners[p] |= vlan->pools;
			build_class(class, partition[p], p,
				    partition[p]->vlan_table[vid / 32] >> (vid % 32) & 1);
		}
	}
}

/* A free place for @mac, which is not in the table; there are always free ones. */
static struct mac_slot *mac_place(struct eswitch_table *table, uint64_t mac)
{
	uint32_t i = (uint32_t)(mac * table->multiplier >> table->shift);
	unsigned int distance = 1;

	for (; table->slot[i].mac != MAC_EMPTY; i = (i + 1) & table->mask)
		distance++;
	table->probes = (uint16_t)MAX(table->probes, distance);
	return &table->slot[i];
}

static void hash_clear(struct eswitch_table *table)
{
	table->probes = 1;
	for (uint32_t i = 0; i <= table->mask; i++)
		table->slot[i] = (struct mac_slot){ .mac = MAC_EMPTY };
}

/* Try other multipliers while some address is too far from its place. */
static void hash_settle(struct eswitch_table *table, unsigned int macs)
{
	struct mac_slot all[MACS_MAX];
	unsigned int n = 0;

	if (table->probes <= PROBES_GOOD)
		return;
	for (uint32_t i = 0; i <= table->mask && n < macs; i++) {
		if (table->slot[i].mac != MAC_EMPTY)
			all[n++] = table->slot[i];
	}
	for (int try = 0; try < HASH_TRIES && table->probes > PROBES_GOOD; try++) {
		table->multiplier = table->multiplier * 0xd1342543de82ef95 + 2; /* stays odd */
		hash_clear(table);
		for (unsigned int i = 0; i < n; i++)
			*mac_place(table, all[i].mac) = all[i];
	}
}

static unsigned int add_macs(struct eswitch_table *table, const struct eswitch_partition *partition,
			     unsigned int p, unsigned int rules)
{
	uint64_t rx = receivers(partition);

	for (unsigned int i = 0; i < ESWITCH_MACS; i++) {
		const struct eswitch_mac *filter = &partition->mac[i];
		struct mac_slot *slot;
		struct mac_rule *rule;
		uint64_t mac;

		if (!filter->valid)
			continue;
		mac = mac_word(filter->mac); /* its padding follows it */
		slot = (struct mac_slot *)mac_find(table, mac);
		if (!slot) {
			slot = mac_place(table, mac);
			*slot = (struct mac_slot){ .mac = mac, .rule = (uint16_t)rules++ };
		}
		rule = &table->rule[slot->rule];
		rule->filter[p] |= filter->pools;
		rule->receive[p] |= partition->virtualized ? filter->pools & rx : rx;
		if (partition->enabled)
			slot->match |= BIT(p);
	}
	return rules;
}

/* @single is only for addresses of one partition: the others have a say about the rest. */
static void sum_up(struct mac_slot *slot, const struct mac_rule *rule)
{
	unsigned int pools = 0;

	for (unsigned int p = 0; p < ESWITCH_PARTITIONS; p++) {
		if (!rule->receive[p])
			continue;
		pools += (unsigned int)__builtin_popcountll(rule->receive[p]);
		slot->single =
			(uint16_t)eswitch_vport(p, (unsigned int)__builtin_ctzll(rule->receive[p]));
	}
	slot->known = pools > 0;
	if (pools != 1 || slot->match & (slot->match - 1))
		slot->single = 0;
}

static void build_macs(struct eswitch_table *table,
		       const struct eswitch_partition *const partition[ESWITCH_PARTITIONS])
{
	unsigned int rules = 0;

	table->multiplier =
		0x9e3779b97f4a7c15; /* 2^64 over the golden ratio; any odd number does */
	hash_clear(table);
	for (unsigned int p = 0; p < table->partitions; p++) {
		if (partition[p])
			rules = add_macs(table, partition[p], p, rules);
	}
	hash_settle(table, rules);
	for (uint32_t i = 0; i <= table->mask; i++) {
		if (table->slot[i].mac != MAC_EMPTY)
			sum_up(&table->slot[i], &table->rule[table->slot[i].rule]);
	}
}

static void find_plain(struct eswitch_table *table)
{
	table->plain_local = true;
	table->plain_wire = true;
	for (unsigned int p = 0; p < table->partitions; p++) {
		const struct part *part = &table->part[p];

		if (part->snoop || part->add[UNICAST] ||
		    (part->hash_used[UNICAST] && part->hash_pools[UNICAST]))
			table->plain_local = false;
		if (part->default_pool && (part->accept_all[UNICAST] || part->hash_used[UNICAST]))
			table->plain_wire = false;
	}
	table->plain_wire &= table->plain_local;
}

static unsigned int count_macs(const struct eswitch_partition *partition)
{
	unsigned int n = 0;

	for (unsigned int i = 0; i < ESWITCH_MACS; i++)
		n += !!partition->mac[i].valid;
	return n;
}

/* One zeroed block: the table, then its arrays, each on a cache line. */
static struct eswitch_table *allocate(unsigned int macs, unsigned int bits)
{
	size_t size = ALIGN_UP(sizeof(struct eswitch_table), 64), slots, rules, classes;
	struct eswitch_table *table;

	slots = size;
	size += ALIGN_UP(sizeof(struct mac_slot) << bits, 64);
	rules = size;
	size += ALIGN_UP(sizeof(struct mac_rule) * macs, 64);
	classes = size;
	size += ALIGN_UP(sizeof(struct vlan_class) * VLAN_CLASSES_MAX, 64);
	table = aligned_alloc(64, size);
	if (!table)
		return NULL;
	memset(table, 0, size);
	table->shift = (uint8_t)(64 - bits);
	table->mask = BIT(bits) - 1;
	table->slot = (struct mac_slot *)((char *)table + slots);
	table->rule = (struct mac_rule *)((char *)table + rules);
	table->vlan_class = (struct vlan_class *)((char *)table + classes);
	return table;
}

struct eswitch_table *
eswitch_build(const struct eswitch_partition *const partition[ESWITCH_PARTITIONS],
	      unsigned int partitions)
{
	unsigned int macs = 0, bits = 4;
	struct eswitch_table *table;

	partitions = MIN(partitions, (unsigned int)ESWITCH_PARTITIONS);
	for (unsigned int p = 0; p < partitions; p++)
		macs += partition[p] ? count_macs(partition[p]) : 0;
	while (BIT(bits) < macs * 4)
		bits++;
	table = allocate(macs, bits);
	if (!table)
		return NULL;
	table->partitions = partitions;
	for (unsigned int p = 0; p < partitions; p++) {
		if (!partition[p])
			continue;
		build_part(&table->part[p], partition[p]);
		build_senders(&table->sender[eswitch_vport(p, 0)], partition[p]);
	}
	build_macs(table, partition);
	build_vlans(table, partition);
	find_plain(table);
	return table;
}

void eswitch_free(struct eswitch_table *table)
{
	free(table);
}
