/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * slow.c - see slow.h. 82599 data sheet, sections 7.1.1 (filters) and 7.10.3 (packet switching).
 */
#include "slow.h"

/** struct question - one frame, one partition. */
struct question {
	const struct eswitch_partition *partition;
	const struct eswitch_key *key;
	bool from_wire;
};

static bool is_group(const struct eswitch_key *key)
{
	return key->header[0] & 1;
}

static bool is_broadcast(const struct eswitch_key *key)
{
	return memcmp(key->header, "\xff\xff\xff\xff\xff\xff", ETH_ALEN) == 0;
}

static bool is_unicast(const struct eswitch_key *key)
{
	return !is_group(key);
}

static bool is_multicast(const struct eswitch_key *key)
{
	return is_group(key) && !is_broadcast(key);
}

/* Is there a valid filter for @mac? Adds its pools to @pools. */
static bool exact_match(const struct eswitch_partition *partition, const uint8_t *mac,
			uint64_t *pools)
{
	bool found = false;

	for (int i = 0; i < ESWITCH_MACS; i++) {
		if (partition->mac[i].valid && !memcmp(partition->mac[i].mac, mac, ETH_ALEN)) {
			*pools |= partition->mac[i].pools;
			found = true;
		}
	}
	return found;
}

static bool hash_match(const struct eswitch_partition *partition, const uint32_t *hash,
		       const uint8_t *mac)
{
	/* Bits of the address as a 48-bit number whose low byte is the first on the wire. */
	static const int lowest[4] = { 36, 35, 34, 32 };
	uint64_t number = 0;
	unsigned int bit;

	for (int i = 0; i < ETH_ALEN; i++)
		number |= (uint64_t)mac[i] << (8 * i);
	bit = (number >> lowest[partition->mc_shift & 3]) & 0xfff;
	return hash[bit / 32] >> (bit % 32) & 1;
}

static bool in_vlan_table(const struct eswitch_partition *partition, unsigned int vid)
{
	return partition->vlan_table[vid / 32] >> (vid % 32) & 1;
}

/* Is the pool in the pool list of the tag's VLAN filter? */
static bool in_vlan_filter(const struct eswitch_partition *partition, unsigned int vid,
			   unsigned int pool)
{
	for (int i = 0; i < ESWITCH_VLANS; i++) {
		const struct eswitch_vlan *vlan = &partition->vlan[i];

		if (vlan->valid && vlan->vid == vid && vlan->pools >> pool & 1)
			return true;
	}
	return false;
}

/* The VLAN filter in front of the pools. */
static bool passes_vlan_table(const struct question *q)
{
	return !q->partition->vlan_filter || !q->key->tagged ||
	       in_vlan_table(q->partition, q->key->vlan & 0xfff);
}

/* The address filter in front of the pools: exact, hash, FCTRL. */
static bool passes_address_filter(const struct question *q)
{
	const struct eswitch_partition *p = q->partition;
	uint64_t ignored = 0;

	if (exact_match(p, q->key->header, &ignored))
		return true;
	if (is_broadcast(q->key))
		return p->accept & ESWITCH_ACCEPT_BROADCAST;
	if (is_multicast(q->key))
		return p->accept & ESWITCH_MC_PROMISC ||
		       (p->mc_enable && hash_match(p, p->mc_hash, q->key->header));
	return p->accept & ESWITCH_UC_PROMISC || hash_match(p, p->uc_hash, q->key->header);
}

static bool pool_takes_vlan(const struct question *q, unsigned int pool)
{
	if (!q->partition->vlan_filter)
		return true;
	if (!q->key->tagged)
		return q->partition->pool[pool].flags & ESWITCH_ACCEPT_UNTAGGED;
	return passes_vlan_table(q) && in_vlan_filter(q->partition, q->key->vlan & 0xfff, pool);
}

static uint64_t default_pool(const struct eswitch_partition *partition)
{
	return partition->default_pool >= 0 ? BIT64(partition->default_pool) : 0;
}

static uint64_t enabled_pools(const struct eswitch_partition *partition)
{
	uint64_t pools = 0;

	for (unsigned int i = 0; i < ESWITCH_POOLS; i++) {
		if (partition->pool[i].flags & ESWITCH_RX_ENABLE)
			pools |= BIT64(i);
	}
	return pools;
}

/* Section 7.10.3.3, step by step. */
static uint64_t virtualized_pools(const struct question *q)
{
	const struct eswitch_partition *p = q->partition;
	uint64_t list = 0, enabled = enabled_pools(p), snoopers = 0;
	bool unicast_hash, multicast_hash;

	exact_match(p, q->key->header, &list);
	list &= enabled;
	unicast_hash = is_unicast(q->key) && !list && hash_match(p, p->uc_hash, q->key->header);
	multicast_hash = is_multicast(q->key) && !list && p->mc_enable &&
			 hash_match(p, p->mc_hash, q->key->header);
	for (unsigned int i = 0; i < ESWITCH_POOLS; i++) {
		uint32_t flags = p->pool[i].flags;

		if ((is_broadcast(q->key) && flags & ESWITCH_ACCEPT_BROADCAST) ||
		    (unicast_hash && flags & ESWITCH_ACCEPT_UC_HASH) ||
		    (multicast_hash && flags & ESWITCH_ACCEPT_MC_HASH) ||
		    (is_multicast(q->key) && flags & ESWITCH_MC_PROMISC))
			list |= BIT64(i);
		if (flags & ESWITCH_UC_PROMISC && pool_takes_vlan(q, i))
			snoopers |= BIT64(i);
		if (!pool_takes_vlan(q, i))
			list &= ~BIT64(i);
	}
	list &= enabled;
	if (!list && passes_address_filter(q) && passes_vlan_table(q) &&
	    (q->from_wire || !is_unicast(q->key)))
		list = default_pool(p);
	return (list | snoopers) & enabled;
}

static uint64_t wanted_pools(const struct question *q)
{
	if (!q->partition->enabled)
		return 0;
	if (q->partition->virtualized)
		return virtualized_pools(q);
	return passes_address_filter(q) && passes_vlan_table(q) ? default_pool(q->partition) : 0;
}

/* A unicast that an enabled pool has a filter for is not for the wire. */
static bool is_local(const struct slow_port *port, const struct eswitch_key *key)
{
	for (unsigned int i = 0; i < port->partitions; i++) {
		const struct eswitch_partition *p = &port->partition[i];
		uint64_t pools = 0;

		if (!p->enabled || !exact_match(p, key->header, &pools))
			continue;
		if (p->virtualized ? pools & enabled_pools(p) : default_pool(p))
			return true;
	}
	return false;
}

static void unite(struct vport_set *to, const struct eswitch_partition *partition,
		  unsigned int index, uint64_t pools, bool only_one)
{
	for (unsigned int i = 0; i < ESWITCH_POOLS; i++) {
		if (!(pools >> i & 1))
			continue;
		vport_set_add(to, eswitch_vport(index, i));
		if (only_one)
			return;
	}
	(void)partition;
}

static unsigned int count_of(struct vport_set set)
{
	unsigned int n = 0;

	while (vport_set_pop(&set) >= 0)
		n++;
	return n;
}

/* As if it came in from the wire, for this partition alone. */
static unsigned int reflect(const struct slow_port *port, unsigned int own,
			    const struct eswitch_key *key, struct vport_set *to)
{
	const struct eswitch_partition *p = &port->partition[own];
	struct question q = { p, key, true };

	unite(to, p, own, wanted_pools(&q), is_group(key) && p->virtualized && !p->replicate);
	return count_of(*to);
}

unsigned int slow_forward(const struct slow_port *port, unsigned int vport,
			  const struct eswitch_key *key, struct vport_set *to)
{
	unsigned int own = (vport - 1) / ESWITCH_POOLS, pool = (vport - 1) % ESWITCH_POOLS;
	bool from_wire = vport == ESWITCH_UPLINK;

	memset(to, 0, sizeof(*to));
	if (!from_wire && port->partition[own].mac_loopback)
		return reflect(port, own, key, to);
	if (!from_wire && !port->partition[own].loopback) {
		vport_set_add(to, ESWITCH_UPLINK);
		return 1;
	}
	for (unsigned int i = 0; i < port->partitions; i++) {
		const struct eswitch_partition *p = &port->partition[i];
		struct question q = { p, key, from_wire };
		uint64_t pools = wanted_pools(&q);

		if (!from_wire && i == own) {
			if (!p->virtualized)
				pools = 0;
			else if (!(p->pool[pool].flags & ESWITCH_LOCAL_LOOPBACK))
				pools &= ~BIT64(pool);
		}
		unite(to, p, i, pools, is_group(key) && p->virtualized && !p->replicate);
	}
	if (!from_wire && (is_group(key) || !is_local(port, key)))
		vport_set_add(to, ESWITCH_UPLINK);
	return count_of(*to);
}

enum eswitch_drop slow_ingress(const struct slow_port *port, unsigned int vport,
			       struct eswitch_key *key)
{
	unsigned int pool = (vport - 1) % ESWITCH_POOLS;
	const struct eswitch_partition *p;
	uint64_t pools = 0;
	uint32_t flags;

	if (vport == ESWITCH_UPLINK)
		return ESWITCH_DELIVERED;
	p = &port->partition[(vport - 1) / ESWITCH_POOLS];
	flags = p->pool[pool].flags;
	if (!p->transmit || (p->virtualized && !(flags & ESWITCH_TX_ENABLE)))
		return ESWITCH_DROP_TX_DISABLED;
	if (!p->virtualized)
		return ESWITCH_DELIVERED;
	exact_match(p, key->header + ETH_ALEN, &pools);
	if (flags & ESWITCH_CHECK_MAC && !(pools >> pool & 1))
		return ESWITCH_DROP_SPOOF_MAC;
	if (flags & ESWITCH_VLAN_INSERT) {
		if (key->tagged && flags & ESWITCH_CHECK_VLAN &&
		    (key->vlan & 0xfff) != (p->pool[pool].default_vlan & 0xfff))
			return ESWITCH_DROP_SPOOF_VLAN;
		key->tagged = true;
		key->vlan = p->pool[pool].default_vlan;
		return ESWITCH_DELIVERED;
	}
	if (flags & ESWITCH_VLAN_NEVER)
		key->tagged = false;
	if (key->tagged && flags & ESWITCH_CHECK_VLAN &&
	    !in_vlan_filter(p, key->vlan & 0xfff, pool))
		return ESWITCH_DROP_SPOOF_VLAN;
	return ESWITCH_DELIVERED;
}
