// SPDX-License-Identifier: BSD-3-Clause
/*
 * stats.c - statistics registers, computed when read from counters that only grow.
 *
 * The PF's are cleared by reading: each remembers the sum it last showed and shows what came since.
 * A 36-bit pair is taken when its low half is read and cleared when its high half is read. The VFs'
 * are cleared for a new client only, and not as the PF sees them: its driver takes a step back for a wrap. The high half of
 * a pair is taken when the low half is read, so that no carry falls in between.
 *
 * A frame that finds no free descriptor is gone: QPRDC has it where the driver asked for that (SRRCTL.DROP_EN, QDE) or
 * the queue is off. Elsewhere silicon would hold it until its packet buffer overflows; here it goes at once, and MPC has
 * it. GPRC and TPR contain what MPC counts, as on silicon (Linux subtracts it).
 *
 * Ports here have no FCS; the registers count it (8.2.3.26).
 *
 * Source: data sheet 8.2.3.26, 8.2.3.27, 8.3.5; Linux ixgbe, ixgbevf.
 */
#include "ixgbe/registers.h"

#define FCS_LEN 4u
#define HIGH_MASK 0xfu	 /* of a 36-bit pair */
#define QUEUES_PER_MAP 4 /* RQSMR, TQSM: one byte per queue */
#define MAP_BITS 8
#define MAP_MASK 0xfu

static uint64_t load64(const uint64_t *counter)
{
	return __atomic_load_n(counter, __ATOMIC_RELAXED); /* a worker adds to it meanwhile */
}

/* Sum over all pools of the counter at @offset of struct vport_stats. */
static uint64_t pools_sum(const struct ixgbe_pf *pf, size_t offset)
{
	uint64_t sum = 0;

	for (unsigned int p = 0; p < IXGBE_POOLS; p++)
		sum += load64((const uint64_t *)((const char *)&pf->stats[p] + offset));
	return sum;
}
#define SUM(pf, member) pools_sum(pf, offsetof(struct vport_stats, member))

/* Dropped for want of a descriptor where no drop was asked for. */
static uint64_t missed_sum(const struct ixgbe_pf *pf)
{
	uint64_t sum = 0;

	for (unsigned int q = 0; q < IXGBE_QUEUES; q++)
		sum += load64(&pf->state->rxq[q].missed);
	return sum;
}

/* SSVPC counts only pools whose VMECM bit is set. */
static uint64_t spoofed_sum(const struct ixgbe_pf *pf)
{
	uint64_t sum = 0;

	for (unsigned int p = 0; p < IXGBE_POOLS; p++) {
		if (ixgbe_pool_bit(pf, IXGBE_VMECM, p))
			sum += load64(&pf->stats[p].drop[VPORT_DROP_TX_SPOOFED_MAC]) +
			       load64(&pf->stats[p].drop[VPORT_DROP_TX_SPOOFED_VLAN]);
	}
	return sum;
}

static uint64_t port_counter(const struct ixgbe_pf *pf, unsigned int id)
{
	switch (id) {
	case IXGBE_COUNT_FDIRMATCH:
		return load64(&pf->state->fdir_match);
	case IXGBE_COUNT_FDIRMISS:
		return load64(&pf->state->fdir_miss);
	case IXGBE_COUNT_MPC:
		return missed_sum(pf);
	case IXGBE_COUNT_GPRC:
	case IXGBE_COUNT_TPR:
		return SUM(pf, rx_packets) + missed_sum(pf);
	case IXGBE_COUNT_BPRC:
		return SUM(pf, rx_broadcast);
	case IXGBE_COUNT_MPRC:
		return SUM(pf, rx_multicast);
	case IXGBE_COUNT_GPTC:
	case IXGBE_COUNT_TPT:
	case IXGBE_COUNT_TXDGPC:
		return SUM(pf, tx_packets);
	case IXGBE_COUNT_GORC:
	case IXGBE_COUNT_TOR:
		return SUM(pf, rx_bytes) + FCS_LEN * SUM(pf, rx_packets);
	case IXGBE_COUNT_GOTC:
		return SUM(pf, tx_bytes) + FCS_LEN * SUM(pf, tx_packets);
	case IXGBE_COUNT_ROC:
		return SUM(pf, drop[VPORT_DROP_RX_TOO_LONG]);
	case IXGBE_COUNT_SSVPC:
		return spoofed_sum(pf);
	default:
		return 0;
	}
}

/* RQSMR and TQSM say which of the 16 counters each of the 128 queues belongs to. */
static bool mapped(const struct ixgbe_pf *pf, uint32_t map, unsigned int q, unsigned int counter)
{
	uint32_t value = ixgbe_pf_reg(pf, map + q / QUEUES_PER_MAP * 4);

	return (value >> (q % QUEUES_PER_MAP * MAP_BITS) & MAP_MASK) == counter;
}

static uint64_t queue_counter(const struct ixgbe_pf *pf, unsigned int id)
{
	unsigned int kind = (id - IXGBE_COUNT_QPRC) / IXGBE_QSTAT_QUEUES * IXGBE_QSTAT_QUEUES +
			    IXGBE_COUNT_QPRC;
	unsigned int counter = id - kind;
	bool tx = kind >= IXGBE_COUNT_QPTC;
	uint64_t sum = 0;

	for (unsigned int q = 0; q < IXGBE_QUEUES; q++) {
		const struct ixgbe_rxq_state *rxq = &pf->state->rxq[q];
		const struct ixgbe_txq_state *txq = &pf->state->txq[q];

		if (!mapped(pf, tx ? IXGBE_TQSM : IXGBE_RQSMR, q, counter))
			continue;
		switch (kind) {
		case IXGBE_COUNT_QPRC:
			sum += load64(&rxq->packets);
			break;
		case IXGBE_COUNT_QBRC:
			sum += load64(&rxq->bytes) + FCS_LEN * load64(&rxq->packets);
			break;
		case IXGBE_COUNT_QPRDC:
			sum += load64(&rxq->drops);
			break;
		case IXGBE_COUNT_QPTC:
			sum += load64(&txq->packets);
			break;
		default:
			sum += load64(&txq->bytes) + FCS_LEN * load64(&txq->packets);
			break;
		}
	}
	return sum;
}

/* --- the PF's, cleared by reading ---------------- */

static uint64_t sum_of(const struct ixgbe_pf *pf, unsigned int id)
{
	return id < IXGBE_COUNT_QPRC ? port_counter(pf, id) : queue_counter(pf, id);
}

/* VMECM and the queue maps can take counters out of a sum: never below what was shown. */
static uint64_t since_base(const struct ixgbe_counter *counter, uint64_t sum)
{
	return sum > counter->base ? sum - counter->base : 0;
}

IXGBE_READ(ixgbe_read_counter)
{
	unsigned int id = access->row->arg + access->index;
	struct ixgbe_counter *counter = &access->pf->state->counter[id];
	uint64_t sum = sum_of(access->pf, id);

	*value = (uint32_t)since_base(counter, sum);
	counter->base = sum;
	return PCIE_DONE;
}

IXGBE_READ(ixgbe_read_counter_low)
{
	unsigned int id = access->row->arg + access->index;
	struct ixgbe_counter *counter = &access->pf->state->counter[id];

	counter->latched = since_base(counter, sum_of(access->pf, id));
	*value = (uint32_t)counter->latched;
	return PCIE_DONE;
}

IXGBE_READ(ixgbe_read_counter_high)
{
	unsigned int id = access->row->arg + access->index;
	struct ixgbe_counter *counter = &access->pf->state->counter[id];

	*value = (uint32_t)(counter->latched >> 32) & HIGH_MASK;
	counter->base += counter->latched;
	counter->latched = 0;
	return PCIE_DONE;
}

/* --- the VFs', not cleared by reading ---------------- */

static uint32_t latch_pair(uint64_t counter, uint32_t *high)
{
	*high = (uint32_t)(counter >> 32) & HIGH_MASK;
	return (uint32_t)counter;
}

/*
 * The PF's view; rows say by offset which counter they are. A VF that is not there has counted nothing: Linux looks at
 * those it is about to enable, and what the PF itself did in that pool would be a step back once the VF begins at 0.
 */
IXGBE_READ(ixgbe_read_pvf_counter)
{
	const struct ixgbe_pool_state *pool = &access->pf->state->pool[access->index];
	struct ixgbe_pvf_counters *pvf = &access->pf->state->pvf[access->index];

	if (access->index >= access->pf->state->num_vfs) {
		*value = 0;
		return PCIE_DONE;
	}
	switch (access->row->offset) {
	case IXGBE_PVFGPRC:
		*value = (uint32_t)(pvf->gprc + load64(&pool->gprc));
		break;
	case IXGBE_PVFGORC_LSB:
		*value = latch_pair(pvf->gorc + load64(&pool->gorc), &pvf->gorc_high);
		break;
	case IXGBE_PVFGORC_MSB:
		*value = pvf->gorc_high;
		break;
	case IXGBE_PVFMPRC:
		*value = (uint32_t)(pvf->mprc + load64(&pool->mprc));
		break;
	case IXGBE_PVFGPTC:
		*value = (uint32_t)(pvf->gptc + load64(&pool->gptc));
		break;
	case IXGBE_PVFGOTC_LSB:
		*value = latch_pair(pvf->gotc + load64(&pool->gotc), &pvf->gotc_high);
		break;
	default:
		*value = pvf->gotc_high;
		break;
	}
	return PCIE_DONE;
}

/* The VF's own view, where its page is trapped. */
IXGBE_READ(ixgbe_read_vf_counter)
{
	struct ixgbe_vf_state *vf = access->vf->state;
	const struct ixgbe_pool_state *pool = &access->pf->state->pool[access->vf->index];
	bool rx = access->offset < IXGBE_VF_TX_PAGE;

	switch (access->offset % IXGBE_Q_STRIDE / 4) {
	case IXGBE_Q_GPC:
		*value = (uint32_t)load64(rx ? &pool->gprc : &pool->gptc);
		break;
	case IXGBE_Q_GOCL:
		*value = rx ? latch_pair(load64(&pool->gorc), &vf->gorc_high)
			    : latch_pair(load64(&pool->gotc), &vf->gotc_high);
		break;
	case IXGBE_Q_GOCH:
		*value = rx ? vf->gorc_high : vf->gotc_high;
		break;
	default:
		*value = (uint32_t)load64(&pool->mprc);
		break;
	}
	return PCIE_DONE;
}

/*
 * A guest reads its shared page without asking us, so the counters there are brought up to date many times a second.
 * It reads a 36-bit counter in two halves; a carry between them is seen wrong only if it falls between the two reads.
 */
void ixgbe_vf_counters(struct ixgbe_vf *vf)
{
	const struct ixgbe_pool_state *pool = &vf->pf->state->pool[vf->index];
	ixgbe_reg *rx = atomic_load(&vf->home[0].rx), *tx = atomic_load(&vf->home[0].tx);
	uint64_t gorc = load64(&pool->gorc), gotc = load64(&pool->gotc);

	reg_store(&rx[IXGBE_Q_GPC], (uint32_t)load64(&pool->gprc));
	reg_store(&rx[IXGBE_Q_GOCL], (uint32_t)gorc);
	reg_store(&rx[IXGBE_Q_GOCH], (uint32_t)(gorc >> 32) & HIGH_MASK);
	reg_store(&rx[IXGBE_Q_MPRC], (uint32_t)load64(&pool->mprc));
	reg_store(&tx[IXGBE_Q_GPC], (uint32_t)load64(&pool->gptc));
	reg_store(&tx[IXGBE_Q_GOCL], (uint32_t)gotc);
	reg_store(&tx[IXGBE_Q_GOCH], (uint32_t)(gotc >> 32) & HIGH_MASK);
}

/*
 * A VF begins, and so does the PF driver's account of it, at 0: what its pool counted belongs to an earlier VF, or to the
 * PF itself while it had no VFs. The VF's own registers go on: a client that outlived VF Enable looks at them.
 */
void ixgbe_pvf_restart(struct ixgbe_vf *vf)
{
	const struct ixgbe_pool_state *pool = &vf->pf->state->pool[vf->index];

	vf->pf->state->pvf[vf->index] = (struct ixgbe_pvf_counters){ .gprc = -load64(&pool->gprc),
								     .gorc = -load64(&pool->gorc),
								     .mprc = -load64(&pool->mprc),
								     .gptc = -load64(&pool->gptc),
								     .gotc = -load64(&pool->gotc) };
}

/*
 * What the earlier client did is not the next one's business; the PF goes on counting. A worker that is not through with
 * its last burst may still write one of them back; the call for the next client comes when there is no such worker.
 */
void ixgbe_vf_clear_counters(struct ixgbe_vf *vf)
{
	struct ixgbe_pool_state *pool = &vf->pf->state->pool[vf->index];
	struct ixgbe_pvf_counters *pvf = &vf->pf->state->pvf[vf->index];
	uint64_t *counter[] = { &pool->gprc, &pool->gorc, &pool->mprc, &pool->gptc, &pool->gotc };
	uint64_t *earlier[] = { &pvf->gprc, &pvf->gorc, &pvf->mprc, &pvf->gptc, &pvf->gotc };

	for (unsigned int i = 0; i < ARRAY_SIZE(counter); i++) {
		*earlier[i] += load64(counter[i]);
		__atomic_store_n(counter[i], 0, __ATOMIC_RELAXED);
	}
	vf->state->gorc_high = vf->state->gotc_high = 0;
	ixgbe_vf_counters(vf);
}
