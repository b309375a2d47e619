// SPDX-License-Identifier: BSD-3-Clause
/*
 * fdir.c - the flow director: perfect filters are honoured, signature filters are accepted.
 *
 * A signature filter (Linux's ATR) is a hint where a flow would best be received; it is taken and forgotten, and frames go
 * where RSS sends them. A perfect filter is somebody's will (ethtool -N): frames whose masked fields are equal to it
 * are received by its queue, before RSS, or dropped.
 *
 * Masks are the same for all filters, so a frame is reduced to one key and looked up once, in a hash table that the
 * device thread makes anew for every change. A filter that this card cannot honour is refused by a command that never
 * completes, which drivers report to whoever asked: more filters than there are places, IPv6, a queue outside the
 * PF's own. So is one whose neighbourhood in the hash table is full: that happens to who looks for such filters, and
 * neither the device thread nor a worker shall spend its time in there.
 *
 * Fields as Linux writes them (ixgbe_fdir_write_perfect_filter_82599()): addresses, their masks and the flexible
 * bytes as they are in the frame, the first byte lowest; ports and tag in host order; in FDIRTCPM and FDIRUDPM the bits of
 * each port are in reverse and inverted.
 *
 * Source: data sheet 7.1.2.7, 8.2.3.21; Linux ixgbe_82599.c.
 */
#include "ixgbe/fdir.h"

#include <stdlib.h>

#include "ixgbe/registers.h"

#define SLOTS (4 * IXGBE_FDIR_FILTERS) /* a power of two */
#define PROBES 32		       /* no filter is further from its place */
#define EMPTY 0
#define IPV4_SOURCE 12
#define IPV4_DESTINATION 16
#define FLOW_SHIFT 8 /* in flow_pool */
#define POOL_MASK 0xffu
#define VLAN_ID 0x0fffu
#define VLAN_PRIORITY 0xe000u

/**
 * struct ixgbe_fdir - see fdir.h.
 * @mask: of addresses, VLAN and flexible bytes, flow and pool; ports: @ports by L4 type
 * @flex_offset: of the two flexible bytes in the frame
 * @slot: number + 1 of the filter with this hash or an earlier one, EMPTY: none
 */
struct ixgbe_fdir {
	struct quiesce_head head;
	struct ixgbe_pf *pf;
	struct ixgbe_fdir_key mask;
	uint32_t ports[FRAME_L4_SCTP + 1];
	unsigned int flex_offset;
	uint16_t slot[SLOTS];
	struct ixgbe_fdir_filter filter[IXGBE_FDIR_FILTERS];
};

/* --- look-up ---------------- */

static uint32_t hash_key(const struct ixgbe_fdir_key *key)
{
	uint64_t sum = key->source * 0x9e3779b97f4a7c15ull;

	sum = (sum ^ key->destination) * 0xff51afd7ed558ccdull;
	sum = (sum ^ key->ports) * 0xc4ceb9fe1a85ec53ull;
	sum = (sum ^ key->vlan_flex ^ (uint64_t)key->flow_pool << 32) * 0x9e3779b97f4a7c15ull;
	return (uint32_t)(sum >> 40) % SLOTS;
}

static void apply_mask(const struct ixgbe_fdir *fdir, unsigned int l4, struct ixgbe_fdir_key *key)
{
	key->source &= fdir->mask.source;
	key->destination &= fdir->mask.destination;
	key->ports &= fdir->ports[l4];
	key->vlan_flex &= fdir->mask.vlan_flex;
	key->flow_pool &= fdir->mask.flow_pool;
}

static const struct ixgbe_fdir_filter *look_up(const struct ixgbe_fdir *fdir,
					       const struct ixgbe_fdir_key *key)
{
	uint32_t i = hash_key(key);

	for (unsigned int n = 0; n < PROBES && fdir->slot[i] != EMPTY; n++, i = (i + 1) % SLOTS) {
		const struct ixgbe_fdir_filter *filter = &fdir->filter[fdir->slot[i] - 1];

		if (memcmp(&filter->key, key, sizeof(*key)) == 0)
			return filter;
	}
	return NULL;
}

/* L4 type of a filter, FDIRCMD 6:5, and of a frame */
static const uint8_t l4_code[] = {
	[FRAME_L4_NONE] = 0,
	[FRAME_L4_UDP] = 1,
	[FRAME_L4_TCP] = 2,
	[FRAME_L4_SCTP] = 3,
};

static uint32_t ports_of(const struct frame *frame)
{
	const uint8_t *l4 = frame->header + frame->info.l4_offset;

	if (frame->info.l4 != FRAME_L4_TCP && frame->info.l4 != FRAME_L4_UDP)
		return 0;
	return (uint32_t)get_be16(l4 + 2) << 16 | get_be16(l4);
}

static uint32_t vlan_flex_of(const struct ixgbe_fdir *fdir, const struct frame *frame)
{
	uint32_t value = frame->flags & FRAME_VLAN ? frame->vlan : 0;

	if (fdir->flex_offset + 2 <= frame->header_len)
		value |= (uint32_t)get_le16(frame->header + fdir->flex_offset) << 16;
	return value;
}

int ixgbe_fdir_find(const struct ixgbe_fdir *fdir, const struct frame *frame, unsigned int pool)
{
	const uint8_t *l3 = frame->header + frame->info.l3_offset;
	const struct ixgbe_fdir_filter *filter;
	struct ixgbe_fdir_key key;

	if (frame->info.l3 != FRAME_L3_IPV4)
		return IXGBE_FDIR_NONE;
	key = (struct ixgbe_fdir_key){
		.source = get_le32(l3 + IPV4_SOURCE),
		.destination = get_le32(l3 + IPV4_DESTINATION),
		.ports = ports_of(frame),
		.vlan_flex = vlan_flex_of(fdir, frame),
		.flow_pool = (uint32_t)l4_code[frame->info.l4] << FLOW_SHIFT | pool,
	};
	apply_mask(fdir, frame->info.l4, &key);
	filter = look_up(fdir, &key);
	if (!filter)
		return IXGBE_FDIR_NONE;
	return filter->drop ? IXGBE_FDIR_DROP : filter->queue;
}

/* --- the table ---------------- */

static uint32_t reverse_halves(uint32_t value)
{
	uint32_t reversed = 0;

	for (unsigned int i = 0; i < 16; i++) {
		reversed |= (value >> i & 1) << (15 - i);
		reversed |= (value >> (16 + i) & 1) << (31 - i);
	}
	return reversed;
}

static void load_masks(const struct ixgbe_pf *pf, struct ixgbe_fdir *fdir)
{
	uint32_t fdirm = ixgbe_pf_reg(pf, IXGBE_FDIRM);
	struct ixgbe_fdir_key *mask = &fdir->mask;

	mask->source = ~ixgbe_pf_reg(pf, IXGBE_FDIRSIP4M);
	mask->destination = ~ixgbe_pf_reg(pf, IXGBE_FDIRDIP4M);
	mask->vlan_flex = (fdirm & IXGBE_FDIRM_VLANID ? 0 : VLAN_ID) |
			  (fdirm & IXGBE_FDIRM_VLANP ? 0 : VLAN_PRIORITY) |
			  (fdirm & IXGBE_FDIRM_FLEX ? 0 : 0xffff0000u);
	mask->flow_pool = (fdirm & IXGBE_FDIRM_POOL ? 0 : POOL_MASK) |
			  (fdirm & IXGBE_FDIRM_L4P ? 0 : 3u << FLOW_SHIFT);
	if (!(fdirm & IXGBE_FDIRM_L4P)) {
		fdir->ports[FRAME_L4_TCP] = reverse_halves(~ixgbe_pf_reg(pf, IXGBE_FDIRTCPM));
		fdir->ports[FRAME_L4_UDP] = reverse_halves(~ixgbe_pf_reg(pf, IXGBE_FDIRUDPM));
	}
	fdir->flex_offset = (ixgbe_pf_reg(pf, IXGBE_FDIRCTRL) >> IXGBE_FDIRCTRL_FLEX_SHIFT &
			     IXGBE_FDIRCTRL_FLEX_MASK) *
			    2;
}

static unsigned int l4_of(const struct ixgbe_fdir_key *key)
{
	static const uint8_t l4[] = { FRAME_L4_NONE, FRAME_L4_UDP, FRAME_L4_TCP, FRAME_L4_SCTP };

	return l4[key->flow_pool >> FLOW_SHIFT & 3];
}

/* The earlier of two filters with one key counts, as in a chain of the hardware. Return: false: no place. */
static bool insert(struct ixgbe_fdir *fdir, unsigned int number)
{
	struct ixgbe_fdir_filter *filter = &fdir->filter[number];
	uint32_t i;

	apply_mask(fdir, l4_of(&filter->key), &filter->key);
	if (look_up(fdir, &filter->key))
		return true;
	i = hash_key(&filter->key);
	for (unsigned int n = 0; n < PROBES; n++, i = (i + 1) % SLOTS) {
		if (fdir->slot[i] != EMPTY)
			continue;
		fdir->slot[i] = (uint16_t)(number + 1);
		return true;
	}
	return false;
}

static struct ixgbe_fdir *build(struct ixgbe_pf *pf)
{
	struct ixgbe_fdir *fdir = calloc(1, sizeof(*fdir));

	if (!fdir)
		return NULL;
	fdir->pf = pf;
	memcpy(fdir->filter, pf->state->fdir, sizeof(fdir->filter));
	load_masks(pf, fdir);
	for (unsigned int i = 0; i < IXGBE_FDIR_FILTERS; i++) {
		if (fdir->filter[i].valid && !insert(fdir, i)) {
			free(fdir);
			return NULL;
		}
	}
	return fdir;
}

static void free_old(struct quiesce_head *head)
{
	struct ixgbe_fdir *fdir = container_of(head, struct ixgbe_fdir, head);

	ixgbe_put(fdir->pf);
	free(fdir);
}

static bool any(const struct ixgbe_pf *pf)
{
	for (unsigned int i = 0; i < IXGBE_FDIR_FILTERS; i++) {
		if (pf->state->fdir[i].valid)
			return true;
	}
	return false;
}

int ixgbe_fdir_publish(struct ixgbe_pf *pf)
{
	struct ixgbe_fdir *fdir = NULL, *old;

	if (any(pf)) {
		fdir = build(pf);
		if (!fdir)
			return -ENOSPC;
	}
	old = atomic_exchange(&pf->fdir, fdir);
	if (old) {
		ixgbe_get(pf);
		quiesce_call(pf->quiesce, &old->head, free_old);
	}
	return 0;
}

void ixgbe_fdir_clear(struct ixgbe_pf *pf)
{
	if (!atomic_load(&pf->fdir))
		return;
	memset(pf->state->fdir, 0, sizeof(pf->state->fdir));
	ixgbe_fdir_publish(pf);
}

void ixgbe_fdir_destroy(struct ixgbe_pf *pf)
{
	free(atomic_load(&pf->fdir));
}

/* --- commands ---------------- */

static struct ixgbe_fdir_filter *filter_by_name(struct ixgbe_pf *pf, uint32_t name)
{
	for (unsigned int i = 0; i < IXGBE_FDIR_FILTERS; i++) {
		if (pf->state->fdir[i].valid && pf->state->fdir[i].name == name)
			return &pf->state->fdir[i];
	}
	return NULL;
}

static struct ixgbe_fdir_filter *free_place(struct ixgbe_pf *pf)
{
	for (unsigned int i = 0; i < IXGBE_FDIR_FILTERS; i++) {
		if (!pf->state->fdir[i].valid)
			return &pf->state->fdir[i];
	}
	return NULL;
}

/* VFs receive what the switch gives them, not what a filter of the PF takes from others. */
static bool acceptable(const struct ixgbe_pf *pf, uint32_t command)
{
	unsigned int queue = command >> IXGBE_FDIRCMD_QUEUE_SHIFT & IXGBE_FDIR_QUEUE_MASK;

	if (command & IXGBE_FDIRCMD_IPV6)
		return false;
	return command & IXGBE_FDIRCMD_DROP || queue >= ixgbe_vf_pools(pf) * ixgbe_pool_queues(pf);
}

static void fill(const struct ixgbe_pf *pf, struct ixgbe_fdir_filter *filter, uint32_t command)
{
	uint32_t flow = command >> IXGBE_FDIRCMD_FLOW_SHIFT & 3;
	uint32_t pool = command >> IXGBE_FDIRCMD_POOL_SHIFT;

	*filter = (struct ixgbe_fdir_filter){
		.key = { .source = ixgbe_pf_reg(pf, IXGBE_FDIRIPSA),
			 .destination = ixgbe_pf_reg(pf, IXGBE_FDIRIPDA),
			 .ports = ixgbe_pf_reg(pf, IXGBE_FDIRPORT),
			 .vlan_flex = ixgbe_pf_reg(pf, IXGBE_FDIRVLAN),
			 .flow_pool = flow << FLOW_SHIFT | (pool & POOL_MASK) },
		.name = ixgbe_pf_reg(pf, IXGBE_FDIRHASH),
		.queue = command >> IXGBE_FDIRCMD_QUEUE_SHIFT & IXGBE_FDIR_QUEUE_MASK,
		.drop = command & IXGBE_FDIRCMD_DROP ? 1 : 0,
		.valid = 1,
	};
}

/* Return: false: refused. */
static bool add(struct ixgbe_pf *pf, uint32_t command)
{
	struct ixgbe_fdir_filter *filter = filter_by_name(pf, ixgbe_pf_reg(pf, IXGBE_FDIRHASH));
	struct ixgbe_fdir_filter before;

	if (!filter)
		filter = free_place(pf);
	if (!filter || !acceptable(pf, command))
		return false;
	before = *filter;
	fill(pf, filter, command);
	if (!ixgbe_fdir_publish(pf))
		return true;
	*filter = before;
	return false;
}

static uint32_t perfect_command(struct ixgbe_pf *pf, uint32_t command)
{
	struct ixgbe_fdir_filter *filter = filter_by_name(pf, ixgbe_pf_reg(pf, IXGBE_FDIRHASH));
	uint32_t done = command & ~(IXGBE_FDIRCMD_CMD | IXGBE_FDIRCMD_FILTER_VALID);

	switch (command & IXGBE_FDIRCMD_CMD) {
	case IXGBE_FDIRCMD_ADD:
		return add(pf, command) ? done : command;
	case IXGBE_FDIRCMD_REMOVE:
		if (filter) {
			filter->valid = 0;
			(void)ixgbe_fdir_publish(pf); /* no memory: it goes with the next change */
		}
		return done;
	case IXGBE_FDIRCMD_QUERY:
		return filter ? done | IXGBE_FDIRCMD_FILTER_VALID : done;
	default:
		return done;
	}
}

IXGBE_WRITE(ixgbe_write_fdircmd)
{
	struct ixgbe_pf *pf = access->pf;

	if (ixgbe_pf_reg(pf, IXGBE_FDIRCTRL) & IXGBE_FDIRCTRL_PERFECT)
		value = perfect_command(pf, value);
	else
		value &= ~IXGBE_FDIRCMD_CMD;
	reg_store(access->store, value);
	return PCIE_DONE;
}

/* Writing it begins anew (8.2.3.21). */
IXGBE_WRITE(ixgbe_write_fdirctrl)
{
	access_store(access, value);
	ixgbe_fdir_clear(access->pf);
	return PCIE_DONE;
}

IXGBE_READ(ixgbe_read_fdirctrl)
{
	*value |= IXGBE_FDIRCTRL_INIT_DONE;
	return PCIE_DONE;
}
