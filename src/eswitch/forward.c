/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * forward.c - who may send, and who gets it: 82599 data sheet, section 7.10.3 (packet switching).
 *
 * Ingress is the port VLAN (VMVIR) and anti-spoofing (PFVFSPOOF) of the sender's pool.
 *
 * Forwarding: each partition selects its pools as if the frame had come in from the wire (section
 * 7.10.3.3): exact filter, else hash, promiscuous pools, VLAN members, and its default pool when
 * the list is empty but the frame passed the partition's address and VLAN filters (FCTRL, VFTA).
 * The results are united. What differs for a local sender (section 7.10.3.4): it does not hear
 * itself, no default pool for unicast, and the wire is one more receiver of all that is not a
 * unicast for a known pool.
 *
 * Frames come in trains: within a burst, one that has the addresses and the tag of the one before is
 * not looked up again.
 *
 * Most frames are unicasts for one pool, or for the wire. When nothing but MAC filters can claim a
 * unicast, one hash look-up and one VLAN test decide; anything else takes the long way through all
 * partitions, which is not long either.
 */
#include "eswitch/eswitch.h"

#include "eswitch/table.h"

const char *eswitch_drop_name(enum eswitch_drop drop)
{
	static const char *const name[ESWITCH_DROPS] = {
		[ESWITCH_DELIVERED] = "delivered",
		[ESWITCH_DROP_TX_DISABLED] = "tx_disabled",
		[ESWITCH_DROP_SPOOF_MAC] = "tx_spoofed_mac",
		[ESWITCH_DROP_SPOOF_VLAN] = "tx_spoofed_vlan",
		[ESWITCH_DROP_NO_MATCH] = "tx_no_receiver",
	};

	return (unsigned int)drop < ESWITCH_DROPS && name[drop] ? name[drop] : "unknown";
}

/** struct pool_index - a vport taken apart. */
struct pool_index {
	unsigned int partition, pool;
};

static inline struct pool_index pool_of(unsigned int vport)
{
	return (struct pool_index){ (vport - 1) / ESWITCH_POOLS, (vport - 1) % ESWITCH_POOLS };
}

static inline const struct vlan_class *class_of(const struct eswitch_table *table,
						const struct eswitch_key *key)
{
	return &table->vlan_class[key->tagged ? table->vlan[key->vlan & VLAN_MASK]
					      : VLAN_CLASS_UNTAGGED];
}

static bool owns_source(const struct eswitch_table *table, struct pool_index pool, uint64_t mac)
{
	const struct mac_slot *slot = mac_find(table, mac);

	return slot && table->rule[slot->rule].filter[pool.partition] >> pool.pool & 1;
}

/* The tag as the port VLAN has it, and whether the sender may use it. */
static inline enum eswitch_drop ingress_vlan(const struct eswitch_table *table,
					     const struct sender *sender, unsigned int vport,
					     struct eswitch_key *key)
{
	struct pool_index pool = pool_of(vport);

	if (sender->flags & SENDER_VLAN_INSERT) {
		if (key->tagged && sender->flags & SENDER_CHECK_VLAN &&
		    (key->vlan ^ sender->default_vlan) & VLAN_MASK)
			return ESWITCH_DROP_SPOOF_VLAN;
		key->tagged = true;
		key->vlan = sender->default_vlan;
		return ESWITCH_DELIVERED;
	}
	if (sender->flags & SENDER_VLAN_NEVER)
		key->tagged = false;
	if (key->tagged && sender->flags & SENDER_CHECK_VLAN &&
	    !(class_of(table, key)->owners[pool.partition] >> pool.pool & 1))
		return ESWITCH_DROP_SPOOF_VLAN;
	return ESWITCH_DELIVERED;
}

/*
 * @known_source: an address that the sender was found to own, MAC_EMPTY: none yet. Senders have few,
 * so within a burst most need no look-up.
 */
static inline enum eswitch_drop ingress(const struct eswitch_table *table,
					const struct sender *sender, unsigned int vport,
					struct eswitch_key *key, uint64_t *known_source)
{
	if (vport == ESWITCH_UPLINK)
		return ESWITCH_DELIVERED;
	if (unlikely(!(sender->flags & SENDER_TX)))
		return ESWITCH_DROP_TX_DISABLED;
	if (sender->flags & SENDER_CHECK_MAC) {
		uint64_t source = mac_word(key->header + ETH_ALEN);

		if (unlikely(source != *known_source)) {
			if (!owns_source(table, pool_of(vport), source))
				return ESWITCH_DROP_SPOOF_MAC;
			*known_source = source;
		}
	}
	return ingress_vlan(table, sender, vport, key);
}

enum eswitch_drop eswitch_ingress(const struct eswitch_table *table, unsigned int vport,
				  struct eswitch_key *key)
{
	uint64_t known_source = MAC_EMPTY;

	return ingress(table, &table->sender[vport], vport, key, &known_source);
}

static unsigned int only(struct vport_set *to, unsigned int *single, unsigned int vport)
{
	*to = (struct vport_set){ 0 };
	vport_set_add(to, vport);
	*single = vport;
	return 1;
}

static inline bool hash_hit(const struct part *part, enum cast cast, uint64_t mac)
{
	unsigned int bit = mac_hash12(mac, part->mc_shift);

	return part->hash_used[cast] && part->hash[cast][bit / 32] >> (bit % 32) & 1;
}

/** struct packet - what forwarding knows about a frame. */
struct packet {
	uint64_t mac;
	enum cast cast; /* UNICAST unless told */
	bool wire;	/* came from there */
	const struct mac_slot *slot;
	const struct vlan_class *class;
};

/* Section 7.10.3.3, steps 1 to 7 and the receive enables, for partition @p. */
static uint64_t select_pools(const struct eswitch_table *table, const struct packet *packet,
			     unsigned int p)
{
	const struct part *part = &table->part[p];
	bool accepted = part->accept_all[packet->cast];
	uint64_t pools = 0;

	if (packet->slot) {
		pools = table->rule[packet->slot->rule].receive[p];
		accepted |= packet->slot->match >> p & 1;
	}
	if (packet->cast != BROADCAST && !pools && hash_hit(part, packet->cast, packet->mac)) {
		pools = part->hash_pools[packet->cast];
		accepted = true;
	}
	pools |= part->add[packet->cast];
	pools &= packet->class->members[p];
	if (!pools && accepted && packet->class->pass >> p & 1 &&
	    (packet->wire || packet->cast != UNICAST))
		pools = part->default_pool;
	return pools | (part->snoop & packet->class->members[p]);
}

/* Take the sender out of what its own partition selected. */
static uint64_t without_sender(const struct sender *sender, unsigned int pool, uint64_t pools)
{
	if (sender->flags & SENDER_HEARS_ITSELF)
		return pools;
	return sender->flags & SENDER_ALONE ? 0 : pools & ~BIT64(pool);
}

/*
 * The pools of all partitions, and the wire, become a set of vports: pool 0 of partition 0 is vport
 * 1.
 */
static unsigned int make_set(const uint64_t pools[ESWITCH_PARTITIONS], bool uplink,
			     struct vport_set *to, unsigned int *single)
{
	uint64_t carry = uplink;
	unsigned int n = uplink;

	*single = ESWITCH_UPLINK;
	for (unsigned int p = 0; p < ESWITCH_PARTITIONS; p++) {
		to->word[p] = pools[p] << 1 | carry;
		carry = pools[p] >> 63;
		if (pools[p]) {
			n += (unsigned int)__builtin_popcountll(pools[p]);
			*single = eswitch_vport(p, (unsigned int)__builtin_ctzll(pools[p]));
		}
	}
	to->word[ESWITCH_PARTITIONS] = carry;
	return n;
}

static unsigned int forward_all(const struct eswitch_table *table, unsigned int vport,
				const struct packet *packet, struct vport_set *to,
				unsigned int *single)
{
	struct pool_index sender = { .partition = UINT32_MAX };
	uint64_t pools[ESWITCH_PARTITIONS] = { 0 };
	bool uplink = false;

	if (!packet->wire) {
		sender = pool_of(vport);
		uplink = packet->cast != UNICAST || !packet->slot || !packet->slot->known;
	}
	for (unsigned int p = 0; p < table->partitions; p++) {
		pools[p] = select_pools(table, packet, p);
		if (p == sender.partition)
			pools[p] = without_sender(&table->sender[vport], sender.pool, pools[p]);
		if (packet->cast != UNICAST && !table->part[p].replicate)
			pools[p] &= -pools[p]; /* the first */
	}
	return make_set(pools, uplink, to, single);
}

/* MAC loopback: the sender's partition gets the frame from the wire, and nobody else does. */
static unsigned int reflect(const struct eswitch_table *table, unsigned int vport,
			    const struct eswitch_key *key, struct vport_set *to,
			    unsigned int *single)
{
	struct packet packet = { .mac = mac_word(key->header), .wire = true };
	uint64_t pools[ESWITCH_PARTITIONS] = { 0 };
	unsigned int p = pool_of(vport).partition;

	packet.slot = mac_find(table, packet.mac);
	packet.class = class_of(table, key);
	if (packet.mac & MAC_GROUP)
		packet.cast = packet.mac == MAC_BROADCAST ? BROADCAST : MULTICAST;
	pools[p] = select_pools(table, &packet, p);
	if (packet.cast != UNICAST && !table->part[p].replicate)
		pools[p] &= -pools[p];
	return make_set(pools, false, to, single);
}

/* Who gets frames that do not go to other pools. */
static unsigned int forward_out(const struct eswitch_table *table, unsigned int vport,
				const struct eswitch_key *key, struct vport_set *to,
				unsigned int *single)
{
	if (unlikely(table->sender[vport].flags & SENDER_REFLECTED))
		return reflect(table, vport, key, to, single);
	return only(to, single, ESWITCH_UPLINK);
}

/* May one look-up decide who gets a unicast frame of @vport? */
static inline bool is_plain(const struct eswitch_table *table, unsigned int vport)
{
	uint16_t flags = table->sender[vport].flags;

	if (vport == ESWITCH_UPLINK)
		return table->plain_wire;
	return table->plain_local && flags & SENDER_LOOPBACK && !(flags & SENDER_ALONE);
}

/* The only receiver of a unicast frame of a plain sender, or ESWITCH_ASK. */
static inline unsigned int forward_plain(const struct eswitch_table *table, unsigned int vport,
					 const struct mac_slot *slot, const struct eswitch_key *key)
{
	unsigned int to = slot ? slot->single : 0;

	if (likely(to && to != vport)) {
		struct pool_index pool = pool_of(to);

		if (likely(class_of(table, key)->members[pool.partition] >> pool.pool & 1))
			return to;
	} else if (!slot && vport != ESWITCH_UPLINK) {
		return ESWITCH_UPLINK;
	}
	return ESWITCH_ASK;
}

unsigned int eswitch_forward(const struct eswitch_table *table, unsigned int vport,
			     const struct eswitch_key *key, struct vport_set *to,
			     unsigned int *single)
{
	struct packet packet = { .mac = mac_word(key->header), .wire = vport == ESWITCH_UPLINK };

	if (unlikely(!packet.wire && !(table->sender[vport].flags & SENDER_LOOPBACK)))
		return forward_out(table, vport, key, to, single);
	packet.slot = mac_find(table, packet.mac);
	packet.class = class_of(table, key);
	if (unlikely(packet.mac & MAC_GROUP)) {
		packet.cast = packet.mac == MAC_BROADCAST ? BROADCAST : MULTICAST;
	} else if (likely(is_plain(table, vport))) {
		unsigned int receiver = forward_plain(table, vport, packet.slot, key);

		if (likely(receiver != ESWITCH_ASK))
			return only(to, single, receiver);
	}
	return forward_all(table, vport, &packet, to, single);
}

_Static_assert(offsetof(struct eswitch_key, vlan) == 8 && sizeof(struct eswitch_key) == 16,
	       "all but the header is one word");

/* Tag and verdict of @key. */
static inline uint64_t get_rest(const struct eswitch_key *key)
{
	return get_le64(&key->vlan);
}

static inline void decide(const struct eswitch_table *table, unsigned int vport, bool plain,
			  struct eswitch_key *key, uint64_t *known_source)
{
	uint64_t mac = mac_word(key->header);

	key->drop = (uint8_t)ingress(table, &table->sender[vport], vport, key, known_source);
	key->receiver = ESWITCH_ASK;
	if (likely(plain && !(mac & MAC_GROUP)))
		key->receiver = (uint16_t)forward_plain(table, vport, mac_find(table, mac), key);
}

uint64_t eswitch_burst(const struct eswitch_table *table, unsigned int vport,
		       struct eswitch_key *key, unsigned int n)
{
	uint64_t known_source = MAC_EMPTY, macs = 0, asked = 0, answer = 0, trains = 0;
	bool plain = is_plain(table, vport);
	uint32_t more_macs = 0;

	for (unsigned int i = 0; i < n; i++) {
		uint64_t head = get_le64(key[i].header), rest = get_rest(&key[i]);
		uint32_t tail = get_le32(key[i].header + sizeof(head));

		if (likely(i && head == macs && tail == more_macs && rest == asked)) {
			put_le64(&key[i].vlan, answer);
			continue;
		}
		trains |= BIT64(i);
		macs = head;
		more_macs = tail;
		asked = rest;
		decide(table, vport, plain, &key[i], &known_source);
		answer = get_rest(&key[i]);
	}
	return trains;
}
