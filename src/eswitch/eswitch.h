/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * eswitch.h - the embedded layer-2 switch of one port. Pure logic: no threads, sockets or guest
 * memory.
 *
 * One switch per port. Its vports are the uplink and, for each of up to 4 partitions (one per PF),
 * 64 pools: a VF's pool or the PF's own. Destination sets are bitmaps over them. A device model
 * turns its registers into the tables of its partition (struct eswitch_partition); eswitch_build()
 * compiles all partitions of a port into one immutable struct eswitch_table, which the owner
 * publishes to the workers and frees after a grace period.
 *
 * Rules follow the 82599 data sheet's "Packet Switching" (7.10.3) and "Virtualization" chapters;
 * where partitions meet, each decides for itself and the results are united.
 */
#ifndef SOFTIOV_ESWITCH_ESWITCH_H
#define SOFTIOV_ESWITCH_ESWITCH_H

#include <stdbool.h>
#include <stdint.h>
#include "util/util.h"

#define ESWITCH_PARTITIONS 4
#define ESWITCH_POOLS 64 /* per partition */
#define ESWITCH_VPORTS (1 + ESWITCH_PARTITIONS * ESWITCH_POOLS)
#define ESWITCH_UPLINK 0u
#define ESWITCH_SET_WORDS 5

/** eswitch_vport() - the vport of @pool of @partition. */
static inline unsigned int eswitch_vport(unsigned int partition, unsigned int pool)
{
	return 1 + partition * ESWITCH_POOLS + pool;
}

/** struct vport_set - a set of vports. */
struct vport_set {
	uint64_t word[ESWITCH_SET_WORDS];
};

#define ESWITCH_MACS 128       /* receive address filters per partition */
#define ESWITCH_VLANS 64       /* shared VLAN filters per partition */
#define ESWITCH_HASH_BITS 4096 /* multicast and unicast hash tables, bits */

/* struct eswitch_pool.flags */
#define ESWITCH_RX_ENABLE BIT(0)	/* pool may receive */
#define ESWITCH_TX_ENABLE BIT(1)	/* pool may transmit */
#define ESWITCH_ACCEPT_UNTAGGED BIT(2)	/* AUPE */
#define ESWITCH_ACCEPT_BROADCAST BIT(3) /* BAM */
#define ESWITCH_ACCEPT_MC_HASH BIT(4)	/* ROMPE: multicast that hits the multicast hash */
#define ESWITCH_ACCEPT_UC_HASH BIT(5)	/* ROPE: unicast that hits the unicast hash */
#define ESWITCH_MC_PROMISC BIT(6)	/* MPE */
#define ESWITCH_UC_PROMISC BIT(7) /* everything of its partition's VLANs, also unicast for others */
#define ESWITCH_CHECK_MAC BIT(8)  /* anti-spoof: source MAC must be a filter of this pool */
#define ESWITCH_CHECK_VLAN BIT(9) /* anti-spoof: tag must be a VLAN of this pool */
#define ESWITCH_LOCAL_LOOPBACK BIT(10) /* LLE: gets its own frames back */
#define ESWITCH_VLAN_INSERT BIT(11)    /* VMVIR 01: default_vlan on everything it sends */
#define ESWITCH_VLAN_NEVER BIT(12)     /* VMVIR 10: never insert a tag on transmit */

struct eswitch_pool {
	uint32_t flags;
	uint16_t default_vlan; /* TCI, with ESWITCH_VLAN_INSERT */
	uint16_t reserved;
};

struct eswitch_mac {
	uint64_t pools; /* bitmap; 0 with @valid: received by nobody */
	uint8_t mac[ETH_ALEN];
	uint8_t valid;
	uint8_t reserved;
};

struct eswitch_vlan {
	uint64_t pools;
	uint16_t vid;
	uint16_t valid;
	uint32_t reserved;
};

/**
 * struct eswitch_partition - one PF's tables as its registers say. Plain data, lives in the card's
 * state file.
 * @enabled: this PF exists and receives at all (RXCTRL.RXEN)
 * @transmit: this PF transmits at all (DMATXCTL.TE)
 * @virtualized: pools are in use (VT_CTL.VT_ENA); else every frame that passes the filters goes to
 *	@default_pool, and flags of pools and pool bitmaps of filters mean nothing
 * @loopback: frames of its pools may go to other pools of the port (PFDTXGSWC.LBEN, VEB); else only
 *	to the wire (VEPA)
 * @mac_loopback: what its pools send comes back to it as if from the wire, and goes nowhere else (HLREG0.LPBK)
 * @replicate: broadcast and multicast go to all matching pools (VT_CTL.REPLEN); else only to the
 *	first
 * @default_pool: pool of frames that passed this partition's own address filters (a MAC filter, a
 *	hash hit, @accept) and its VLAN table, but that no pool claimed; unicast only from the wire;
 *	-1: dropped
 * @vlan_filter: VLNCTRL.VFE
 * @mc_shift: which 12 bits of a multicast address index the hash: 0 [47:36], 1 [46:35], 2 [45:34],
 *	3 [43:32]
 * @mc_enable: MCSTCTRL.MFE
 * @accept: FCTRL: ESWITCH_ACCEPT_BROADCAST, ESWITCH_MC_PROMISC, ESWITCH_UC_PROMISC: what passes the
 *	address filters without a filter
 */
struct eswitch_partition {
	uint8_t enabled, transmit, virtualized, loopback, replicate, vlan_filter, mc_enable,
		mc_shift;
	int16_t default_pool;
	uint8_t mac_loopback, reserved;
	uint32_t accept;
	struct eswitch_pool pool[ESWITCH_POOLS];
	struct eswitch_mac mac[ESWITCH_MACS];
	struct eswitch_vlan vlan[ESWITCH_VLANS];
	uint32_t vlan_table[4096 / 32];		  /* VFTA */
	uint32_t mc_hash[ESWITCH_HASH_BITS / 32]; /* MTA */
	uint32_t uc_hash[ESWITCH_HASH_BITS / 32]; /* UTA */
};

/** struct eswitch_table - the compiled, immutable look-up tables of one port. */
struct eswitch_table;

/**
 * eswitch_build() - compile @partition[0 … @partitions-1]; NULL entries are absent PFs.
 * Under 100 µs for 4 x 64 pools. Return: the table, owned by the caller (eswitch_free()), or NULL
 * (no memory).
 */
struct eswitch_table *
eswitch_build(const struct eswitch_partition *const partition[ESWITCH_PARTITIONS],
	      unsigned int partitions);
void eswitch_free(struct eswitch_table *table);

/** enum eswitch_drop - why a frame went no further; each is one named counter. */
enum eswitch_drop {
	ESWITCH_DELIVERED = 0,
	ESWITCH_DROP_TX_DISABLED, /* the sender's pool may not transmit */
	ESWITCH_DROP_SPOOF_MAC,	  /* anti-spoof: source MAC */
	ESWITCH_DROP_SPOOF_VLAN,  /* anti-spoof: VLAN */
	ESWITCH_DROP_NO_MATCH,	  /* no vport wants it (wrong MAC or VLAN) */
	ESWITCH_DROPS
};
const char *eswitch_drop_name(enum eswitch_drop drop);

/**
 * struct eswitch_key - what the switch looks at, and what eswitch_burst() says of it.
 * @header: destination MAC, source MAC, EtherType: 14 bytes, untagged
 * @vlan: TCI, with @tagged
 * @drop: enum eswitch_drop
 * @receiver: the only vport that gets it, or ESWITCH_ASK
 * @reserved: 0, as are @drop and @receiver when eswitch_burst() is called
 */
struct eswitch_key {
	const uint8_t *header;
	uint16_t vlan;
	bool tagged;
	uint8_t drop;
	uint16_t receiver;
	uint16_t reserved;
};
#define ESWITCH_ASK UINT16_MAX /* several get it, or none: eswitch_forward() tells */

/**
 * eswitch_ingress() - may @vport send this? Applies port VLAN (may set key->tagged and key->vlan)
 * and anti-spoofing. Call before eswitch_forward(). The uplink is always admitted. Return:
 * ESWITCH_DELIVERED or the drop reason.
 */
enum eswitch_drop eswitch_ingress(const struct eswitch_table *table, unsigned int vport,
				  struct eswitch_key *key);

/**
 * eswitch_forward() - who gets it: fills @to and returns the number of destinations, 0: nobody
 * (drop as NO_MATCH).
 * @single: when exactly one destination, its vport (so that the unicast path need not scan @to);
 *	else undefined. The sender is not among them unless its pool has local loopback.
 */
unsigned int eswitch_forward(const struct eswitch_table *table, unsigned int vport,
			     const struct eswitch_key *key, struct vport_set *to,
			     unsigned int *single);

/**
 * eswitch_burst() - eswitch_ingress() and, as far as one look-up decides, eswitch_forward(), for @n
 * frames of one sender, at most 64: fills @drop and, of frames not dropped, @receiver.
 * Return: bit i: frame i begins a train: those behind it, up to the next, have its addresses, tag and
 * verdict.
 */
uint64_t eswitch_burst(const struct eswitch_table *table, unsigned int vport,
		       struct eswitch_key *key, unsigned int n);

static inline bool vport_set_has(const struct vport_set *set, unsigned int vport)
{
	return set->word[vport / 64] >> (vport % 64) & 1;
}

static inline void vport_set_add(struct vport_set *set, unsigned int vport)
{
	set->word[vport / 64] |= BIT64(vport % 64);
}

static inline void vport_set_remove(struct vport_set *set, unsigned int vport)
{
	set->word[vport / 64] &= ~BIT64(vport % 64);
}

/** vport_set_pop() - remove and return the lowest vport, -1 when empty. */
static inline int vport_set_pop(struct vport_set *set)
{
	for (unsigned int i = 0; i < ESWITCH_SET_WORDS; i++) {
		if (set->word[i]) {
			unsigned int bit = (unsigned int)__builtin_ctzll(set->word[i]);

			set->word[i] &= set->word[i] - 1;
			return (int)(i * 64 + bit);
		}
	}
	return -1;
}

#endif
