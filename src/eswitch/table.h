/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * table.h - the compiled tables: what build.c makes and forward.c reads. Private to the room.
 *
 * Pools are kept as one 64-bit word per partition, because that is how filters and VLANs speak of
 * them; only the answer is a struct vport_set.
 */
#ifndef SOFTIOV_ESWITCH_TABLE_H
#define SOFTIOV_ESWITCH_TABLE_H

#include "eswitch/eswitch.h"

#define VLAN_VIDS 4096
#define VLAN_MASK 0xfff /* VID in a TCI */

#define MAC_EMPTY UINT64_MAX /* no MAC: those have 48 bits */
#define MAC_GROUP 1ull	     /* multicast bit: first byte on the wire, lowest byte of the word */
#define MAC_BROADCAST 0xffffffffffffull

/** struct mac_slot - one place of the hash table. */
struct mac_slot {
	uint64_t mac;	 /* byte 0 lowest; MAC_EMPTY: free */
	uint16_t rule;	 /* index of its struct mac_rule */
	uint16_t single; /* the only vport that has this address, 0: there are several or none */
	uint8_t known;	 /* an enabled pool has it: frames for it stay off the wire */
	uint8_t match;	 /* bit per enabled partition that has a filter for it */
};

/** struct mac_rule - who has an address. */
struct mac_rule {
	uint64_t receive[ESWITCH_PARTITIONS]; /* pools that may receive */
	uint64_t filter[ESWITCH_PARTITIONS];  /* pools as the filters say, for anti-spoofing */
};

/** struct vlan_class - what a tag means; shared by all VIDs without a VLAN filter of their own. */
struct vlan_class {
	uint64_t members[ESWITCH_PARTITIONS]; /* pools that take such frames */
	uint64_t owners[ESWITCH_PARTITIONS];  /* pools that may send them, for anti-spoofing */
	uint32_t pass;			      /* bit per partition: the VLAN table admits it */
};
#define VLAN_CLASS_UNTAGGED 0
#define VLAN_CLASS_BASE \
	1 /* 16 classes: VID without filter, by the partitions whose VLAN table has it */
#define VLAN_CLASSES_FIXED 17
#define VLAN_CLASSES_MAX (VLAN_CLASSES_FIXED + ESWITCH_PARTITIONS * ESWITCH_VLANS)

/** enum cast - the kind of a destination address. */
enum cast { UNICAST, MULTICAST, BROADCAST, CASTS };

/** struct part - one partition; all words hold only pools that may receive. */
struct part {
	uint64_t add[CASTS];	   /* pools that take every frame of the kind */
	uint64_t hash_pools[2];	   /* [UNICAST], [MULTICAST]: pools that take what hits the hash */
	uint64_t snoop;		   /* pools with ESWITCH_UC_PROMISC */
	uint64_t default_pool;	   /* one bit or none */
	uint8_t hash_used[2];	   /* [UNICAST], [MULTICAST]: the hash table is in use */
	uint8_t accept_all[CASTS]; /* frames nobody claimed pass the address filter too (FCTRL) */
	uint8_t mc_shift;
	uint8_t replicate;
	uint32_t hash[2][ESWITCH_HASH_BITS / 32];
};

/** struct sender - what a vport may do. */
struct sender {
	uint16_t flags; /* SENDER_* */
	uint16_t default_vlan;
};
#define SENDER_TX BIT(0)
#define SENDER_CHECK_MAC BIT(1)
#define SENDER_CHECK_VLAN BIT(2)
#define SENDER_VLAN_INSERT BIT(3)
#define SENDER_VLAN_NEVER BIT(4)
#define SENDER_LOOPBACK BIT(5)	   /* its frames may go to other pools */
#define SENDER_HEARS_ITSELF BIT(6) /* LLE */
#define SENDER_ALONE BIT(7)	/* not virtualized: all of its partition is one receiver, itself */
#define SENDER_REFLECTED BIT(8) /* MAC loopback: its frames come back to its partition, alone */
#define SENDER_CHECKS \
	(SENDER_CHECK_MAC | SENDER_CHECK_VLAN | SENDER_VLAN_INSERT | SENDER_VLAN_NEVER)

/**
 * struct eswitch_table - all of it in one block of memory.
 * @plain_local, @plain_wire: nothing but a MAC filter can claim a unicast frame from a pool, from
 *	the wire
 * @multiplier, @shift: the hash of a MAC is its product with @multiplier, shifted right
 * @probes: no MAC is farther than this from its place
 */
struct eswitch_table {
	unsigned int partitions;
	bool plain_local, plain_wire;
	uint8_t shift;
	uint16_t probes;
	uint32_t mask;
	uint64_t multiplier;
	struct mac_slot *slot;
	struct mac_rule *rule;
	struct vlan_class *vlan_class;
	struct sender sender[ESWITCH_VPORTS];
	uint16_t vlan[VLAN_VIDS]; /* VID: index of its class */
	struct part part[ESWITCH_PARTITIONS];
};

/** mac_word() - the six bytes at @p, of which eight must be readable. */
static inline uint64_t mac_word(const uint8_t *p)
{
	return get_le64(p) & MAC_BROADCAST;
}

/** mac_find() - the slot of @mac or NULL. */
static inline const struct mac_slot *mac_find(const struct eswitch_table *table, uint64_t mac)
{
	uint32_t i = (uint32_t)(mac * table->multiplier >> table->shift);

	for (unsigned int n = table->probes; n; n--, i = (i + 1) & table->mask) {
		const struct mac_slot *slot = &table->slot[i];

		if (slot->mac == mac)
			return slot;
		if (slot->mac == MAC_EMPTY)
			return NULL;
	}
	return NULL;
}

/**
 * mac_hash12() - the 12 bits of an address that index MTA and UTA: [47:36] of it as a number, or
 * lower by @shift.
 */
static inline unsigned int mac_hash12(uint64_t mac, unsigned int shift)
{
	static const uint8_t lowest[4] = { 36, 35, 34, 32 };

	return mac >> lowest[shift & 3] & 0xfff;
}

#endif
