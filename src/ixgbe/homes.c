// SPDX-License-Identifier: BSD-3-Clause
/*
 * homes.c - which register blocks an absolute queue has, and when the worker may run it.
 *
 * The mode (GCR_EXT, MTQC or MRQC, and VT_CTL) divides the 128 queues into pools; pools below
 * NumVFs are the VFs'. Whenever a VF comes or goes or the mode changes, every queue is given its
 * home anew; one that gets another home is stopped first and starts over there.
 *
 * A queue is started when ENABLE is seen in its block and stopped when it is seen gone: at once
 * where the write is trapped, by ixgbe_home_sync() where a guest writes the page itself.
 *
 * Source: data sheet 7.2.1.2.1, 7.10.2.7.2, 8.2.3.8, 8.2.3.9; Linux ixgbe, ixgbevf.
 */
#include "ixgbe/registers.h"

struct ixgbe_home *ixgbe_home_of(struct ixgbe_pf *pf, unsigned int q)
{
	return atomic_load(&pf->home[q]);
}

/* --- pool mode ---------------- */

static unsigned int queues_by_gcr_ext(uint32_t gcr_ext)
{
	switch (gcr_ext & IXGBE_GCR_EXT_VT_MODE) {
	case IXGBE_GCR_EXT_VT_MODE_16:
		return 8;
	case IXGBE_GCR_EXT_VT_MODE_32:
		return 4;
	case IXGBE_GCR_EXT_VT_MODE_64:
		return 2;
	default:
		return 0;
	}
}

static unsigned int queues_by_mtqc(uint32_t mtqc)
{
	if (!(mtqc & IXGBE_MTQC_VT_ENA))
		return 0;
	switch (mtqc >> IXGBE_MTQC_NUM_SHIFT & IXGBE_MTQC_NUM_16) {
	case IXGBE_MTQC_NUM_32:
		return 4;
	case IXGBE_MTQC_NUM_16:
		return 8;
	default:
		return 2;
	}
}

static unsigned int queues_by_mrqc(uint32_t mrqc)
{
	switch (mrqc & IXGBE_MRQC_MODE) {
	case IXGBE_MRQC_VMDQ_RSS32:
	case IXGBE_MRQC_VMDQ_4TC:
		return 4;
	case IXGBE_MRQC_VMDQ_8TC:
		return 8;
	default:
		return 2;
	}
}

unsigned int ixgbe_pool_queues(const struct ixgbe_pf *pf)
{
	unsigned int queues;

	if (!ixgbe_virtualized(pf))
		return IXGBE_QUEUES;
	queues = queues_by_gcr_ext(ixgbe_pf_reg(pf, IXGBE_GCR_EXT));
	if (!queues)
		queues = queues_by_mtqc(ixgbe_pf_reg(pf, IXGBE_MTQC));
	return queues ? queues : queues_by_mrqc(ixgbe_pf_reg(pf, IXGBE_MRQC));
}

unsigned int ixgbe_vf_pools(const struct ixgbe_pf *pf)
{
	uint32_t vfs = atomic_load(&pf->state->num_vfs);

	return ixgbe_virtualized(pf) ? MIN(vfs, IXGBE_QUEUES / ixgbe_pool_queues(pf)) : 0;
}

/* --- start and stop ---------------- */

static bool set_started(_Atomic uint64_t *bitmap, unsigned int q, bool on)
{
	uint64_t bit = BIT64(q % 64);

	if (on)
		return !(atomic_fetch_or(&bitmap[q / 64], bit) & bit);
	return atomic_fetch_and(&bitmap[q / 64], ~bit) & bit;
}

static bool enabled(ixgbe_reg *_Atomic *block)
{
	return reg_load(&atomic_load(block)[IXGBE_Q_CTL]) & IXGBE_QCTL_ENABLE;
}

/* Return: +1 started, -1 stopped, 0 as it was. The generation changes before the worker looks. */
static int follow_enable(_Atomic uint64_t *started, _Atomic uint32_t *generation, unsigned int q,
			 bool on)
{
	if (on == (bool)(atomic_load(&started[q / 64]) >> (q % 64) & 1))
		return 0;
	ixgbe_queue_restart(generation);
	set_started(started, q, on);
	return on ? 1 : -1;
}

int ixgbe_home_sync(struct ixgbe_pf *pf, struct ixgbe_home *home)
{
	struct ixgbe_state *state = pf->state;
	int rx, tx, q = home->queue;

	if (q < 0)
		return PCIE_DONE;
	rx = follow_enable(state->rx_started, &state->rxq[q].generation, q, enabled(&home->rx));
	tx = follow_enable(state->tx_started, &state->txq[q].generation, q, enabled(&home->tx));
	if (rx || tx)
		ixgbe_changed(pf);
	if (tx > 0 && pf->wiring.kick)
		pf->wiring.kick(pf->wiring.ctx);
	return rx < 0 || tx < 0 ? PCIE_QUIESCE : PCIE_DONE;
}

static int stop(struct ixgbe_pf *pf, unsigned int q)
{
	bool rx = set_started(pf->state->rx_started, q, false);
	bool tx = set_started(pf->state->tx_started, q, false);

	ixgbe_queue_restart(&pf->state->rxq[q].generation);
	ixgbe_queue_restart(&pf->state->txq[q].generation);
	return rx || tx ? PCIE_QUIESCE : PCIE_DONE;
}

/* --- who lives where ---------------- */

static struct ixgbe_home *home_by_mode(struct ixgbe_pf *pf, unsigned int q, unsigned int queues,
				       unsigned int vf_pools)
{
	unsigned int pool = q / queues, slot = q % queues;

	if (pool < vf_pools && slot < IXGBE_VF_QUEUES)
		return &pf->vf[pool].home[slot];
	return &pf->own[q];
}

int ixgbe_rebind(struct ixgbe_pf *pf)
{
	unsigned int queues = ixgbe_pool_queues(pf), vf_pools = ixgbe_vf_pools(pf);
	int result = PCIE_DONE;

	for (unsigned int q = 0; q < IXGBE_QUEUES; q++) {
		atomic_store(&pf->own[q].pool, (uint8_t)(q / queues));
		if (ixgbe_home_of(pf, q) == home_by_mode(pf, q, queues, vf_pools))
			continue;
		ixgbe_home_of(pf, q)->queue = -1;
		result |= stop(pf, q);
	}
	for (unsigned int q = 0; q < IXGBE_QUEUES; q++) {
		struct ixgbe_home *home = home_by_mode(pf, q, queues, vf_pools);

		if (ixgbe_home_of(pf, q) == home)
			continue;
		atomic_store(&pf->home[q], home);
		home->queue = (int16_t)q;
		ixgbe_home_sync(pf, home);
		result |= PCIE_QUIESCE;
	}
	ixgbe_changed(pf);
	return result;
}

static void home_init(struct ixgbe_home *home, struct iommu_domain *domain, int function,
		      unsigned int slot)
{
	home->domain = domain;
	home->function = (int16_t)function;
	home->slot = (uint8_t)slot;
	home->queue = -1;
}

void ixgbe_homes_init(struct ixgbe_pf *pf)
{
	for (unsigned int q = 0; q < IXGBE_QUEUES; q++) {
		struct ixgbe_home *home = &pf->own[q];

		home_init(home, pf->domain, IXGBE_PF, q);
		atomic_init(&home->rx, pf->state->rx_block[q]);
		atomic_init(&home->tx, pf->state->tx_block[q]);
		home->queue = (int16_t)q;
		atomic_init(&pf->home[q], home);
	}
	for (unsigned int v = 0; v < IXGBE_MAX_VFS; v++) {
		for (unsigned int i = 0; i < IXGBE_VF_QUEUES; i++) {
			home_init(&pf->vf[v].home[i], pf->vf[v].domain, (int)v, i);
			atomic_init(&pf->vf[v].home[i].pool, (uint8_t)v);
		}
	}
}

/* --- register blocks ---------------- */

/* Reset values of a block; what is not listed is 0. Holes with counters are left alone. */
static void reset_block(ixgbe_reg *block, bool rx)
{
	static const uint8_t cleared[] = { IXGBE_Q_BAL, IXGBE_Q_BAH,  IXGBE_Q_LEN,   IXGBE_Q_HEAD,
					   IXGBE_Q_CTL, IXGBE_Q_TAIL, IXGBE_Q_RSCCTL };

	for (unsigned int i = 0; i < ARRAY_SIZE(cleared); i++)
		reg_store(&block[cleared[i]], 0);
	reg_store(&block[IXGBE_Q_DCA], rx ? IXGBE_DCA_RXCTRL_RESET : IXGBE_DCA_TXCTRL_RESET);
	if (rx) {
		reg_store(&block[IXGBE_Q_SRRCTL], IXGBE_SRRCTL_RESET);
	} else {
		reg_store(&block[IXGBE_Q_WBAL], 0);
		reg_store(&block[IXGBE_Q_WBAH], 0);
	}
}

int ixgbe_home_reset(struct ixgbe_pf *pf, struct ixgbe_home *home)
{
	int result = PCIE_DONE;

	/* Generation first: a worker that publishes a head later sees that it is stale. */
	if (home->queue >= 0)
		result = stop(pf, (unsigned int)home->queue);
	reset_block(atomic_load(&home->rx), true);
	reset_block(atomic_load(&home->tx), false);
	if (result == PCIE_QUIESCE)
		ixgbe_changed(pf);
	return result;
}

/* Where an access to a queue register goes: the VF's block @index, or the PF's absolute queue. */
static struct ixgbe_home *addressed(const struct ixgbe_access *access, bool *rx)
{
	unsigned int q = access->index;

	if (access->vf) {
		*rx = access->offset < IXGBE_VF_TX_PAGE;
		return &access->vf->home[q];
	}
	*rx = access->offset < IXGBE_TX_WINDOW || access->offset >= IXGBE_RX_WINDOW_HIGH;
	if (access->offset >= IXGBE_RX_WINDOW_HIGH)
		q += IXGBE_RX_WINDOW_QUEUES;
	return ixgbe_home_of(access->pf, q);
}

static ixgbe_reg *block_of(struct ixgbe_home *home, bool rx)
{
	return rx ? atomic_load(&home->rx) : atomic_load(&home->tx);
}

static int write_dword(const struct ixgbe_access *access, struct ixgbe_home *home, bool rx,
		       unsigned int dword, uint32_t value)
{
	ixgbe_reg *block = block_of(home, rx);
	struct ixgbe_pf *pf = access->pf;

	/* The head is the device's; drivers write it (with 0) before they enable the queue. */
	if (dword == IXGBE_Q_HEAD && reg_load(&block[IXGBE_Q_CTL]) & IXGBE_QCTL_ENABLE)
		return PCIE_DONE;
	reg_store(&block[dword], value & access->row->mask);
	if (dword == IXGBE_Q_CTL)
		return ixgbe_home_sync(pf, home);
	if (dword == IXGBE_Q_TAIL && !rx && pf->wiring.kick)
		pf->wiring.kick(pf->wiring.ctx);
	return PCIE_DONE;
}

IXGBE_READ(ixgbe_read_queue)
{
	bool rx;
	struct ixgbe_home *home = addressed(access, &rx);

	*value = reg_load(&block_of(home, rx)[access->offset % IXGBE_Q_STRIDE / 4]) &
		 access->row->mask;
	return PCIE_DONE;
}

IXGBE_WRITE(ixgbe_write_queue)
{
	bool rx;
	struct ixgbe_home *home = addressed(access, &rx);

	return write_dword(access, home, rx, access->offset % IXGBE_Q_STRIDE / 4, value);
}

/* SRRCTL and DCA_RXCTRL of the first sixteen queues at a second place. */
static unsigned int alias_dword(const struct ixgbe_access *access)
{
	return access->offset < IXGBE_DCA_RXCTRL_LEGACY ? IXGBE_Q_SRRCTL : IXGBE_Q_DCA;
}

IXGBE_READ(ixgbe_read_queue_alias)
{
	struct ixgbe_home *home = ixgbe_home_of(access->pf, access->index);

	*value = reg_load(&block_of(home, true)[alias_dword(access)]);
	return PCIE_DONE;
}

IXGBE_WRITE(ixgbe_write_queue_alias)
{
	struct ixgbe_home *home = ixgbe_home_of(access->pf, access->index);

	return write_dword(access, home, true, alias_dword(access), value);
}

/* --- what the data path is told ---------------- */

static bool bus_master(const struct iommu_domain *domain)
{
	return atomic_load(&domain->bus_master);
}

unsigned int ixgbe_tx_queues(struct ixgbe_pf *pf, void **queue, uint8_t *pool, unsigned int max)
{
	unsigned int n = 0;

	for (unsigned int q = 0; q < IXGBE_QUEUES && n < max; q++) {
		const struct ixgbe_home *home = ixgbe_home(pf, q);

		if (!ixgbe_tx_started(pf, q) || !ixgbe_tx_allowed(pf, home->pool) ||
		    !bus_master(home->domain))
			continue;
		queue[n] = &pf->txq[q];
		pool[n++] = home->pool;
	}
	return n;
}

const _Atomic uint32_t *ixgbe_tx_doorbell(void *queue)
{
	const struct ixgbe_txq *q = queue;

	return &ixgbe_tx_regs(q->pf, q->index)[IXGBE_Q_TAIL];
}

void *ixgbe_pool(struct ixgbe_pf *pf, unsigned int pool)
{
	return pool < IXGBE_POOLS ? &pf->pool[pool] : NULL;
}
