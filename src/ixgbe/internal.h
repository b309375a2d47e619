/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * internal.h - what the files of this room share: the PF's state and its run-time side.
 *
 * Threads. The device thread writes everything here except what queue.h gives to the worker. The
 * worker reads registers, always as single 32-bit atomic loads: a plain PF register through
 * ixgbe_pf_reg(), a VF's page-0 register through ixgbe_vf_reg(), a queue's block through its home.
 *
 * Which memory is a queue's register block? The PF numbers its queues 0 ... 127. In pool mode queue
 * v * Q + i is VF v's own queue i and its registers are in that VF's pages 1 and 2 (a separate
 * memory file, perhaps mapped by the guest); every other queue's block is private to the PF. Such a
 * place is a struct ixgbe_home. Homes are created once and never change owner or DMA domain; only
 * which home an absolute queue has changes (VFs come and go, pool mode changes).
 *
 * When may the worker touch a queue? If it is *started*: the device thread has seen ENABLE in the
 * block, bumped the queue's generation, and set the queue's bit. A stop clears the bit; the access
 * that stopped it is answered after a grace period. So per burst, in this order:
 *
 *	home = ixgbe_home(pf, q);	if it is not the home the queue started with: restart first
 *	started = ixgbe_rx_started(pf, q), ixgbe_rx_allowed(pf, home->pool)
 *	generation: if it is not the one seen: restart first (drop TLBs, read base, size, head)
 *	ENABLE in the block: a guest with shared pages may have cleared it just now
 *
 * A home with another domain never meets a translation cached for the earlier one because the
 * comparison of homes comes first.
 */
#ifndef SOFTIOV_IXGBE_INTERNAL_H
#define SOFTIOV_IXGBE_INTERNAL_H

#include <stdatomic.h>
#include "ixgbe/fdir.h"
#include "ixgbe/ixgbe.h"
#include "ixgbe/queue.h"
#include "ixgbe/regs.h"
#include "ixgbe/rss.h"
#include "util/quiesce.h"

#define IXGBE_PF_REG_BYTES 0x20000 /* every PF register lies below */
#define IXGBE_PAGE_BYTES 0x1000
#define IXGBE_VF_QUEUES 8 /* register blocks in a VF's page 1 and in its page 2 */
#define IXGBE_MBMEM_DWORDS 16
#define IXGBE_PF -1 /* a "function" number: the PF itself; VFs count from 0 */
#define IXGBE_STATE_VERSION 2

typedef _Atomic uint32_t ixgbe_reg; /* a register: one dword, always accessed whole */

/** struct ixgbe_mailbox - between one VF and the PF; data sheet 7.10.2.9.1. */
struct ixgbe_mailbox {
	uint32_t mem[IXGBE_MBMEM_DWORDS]; /* VFMBMEM and PFMBMEM(vf) are the same memory */
	uint8_t vfu, pfu;		  /* who owns the buffer; never both */
	uint8_t pfsts, pfack, rstd;	  /* cleared when the VF reads them */
	uint8_t reserved[3];
};

/** struct ixgbe_vf_state - a VF without its queue pages. */
struct ixgbe_vf_state {
	ixgbe_reg reg[IXGBE_PAGE_BYTES / 4]; /* page 0: plain registers, by offset */
	struct ixgbe_mailbox mailbox;
	struct irq_vector irq[IXGBE_VF_VECTORS]; /* VTEICR is their pending, VTEIMS their enabled */
	uint32_t msix_table[IXGBE_VF_VECTORS * 4];
	uint32_t function_masked; /* MSI-X function mask */
	uint32_t resets;
	uint32_t gorc_high, gotc_high; /* VFGORC, VFGOTC: bits 35:32 when bits 31:0 were read */
	uint64_t mailbox_requests;
};

/* struct ixgbe_i2c.phase */
enum ixgbe_i2c_phase {
	IXGBE_I2C_IDLE,
	IXGBE_I2C_ADDRESS, /* after a start */
	IXGBE_I2C_OFFSET,  /* the byte address of a write */
	IXGBE_I2C_REFUSE,  /* more bytes of a write */
	IXGBE_I2C_SEND,	   /* the module sends */
};

/**
 * struct ixgbe_i2c - where the SFP+ module is in a transfer.
 * @bits: of the byte under way, 9 with its acknowledge, @shift: those that came
 * @offset: byte address in its page, @pulls: it holds the data line low
 */
struct ixgbe_i2c {
	uint8_t phase, bits, shift, offset, reading, pulls;
	uint8_t reserved[2];
};

#define IXGBE_SFP_PAGE 256

/**
 * struct ixgbe_pvf_counters - what the PF sees of a VF's counters and the VF does not.
 * @gprc ... @gotc: to be added: counted for earlier clients of the VF, less what was before the VF (modulo 2^64)
 * @gorc_high, @gotc_high: bits 35:32 when the PF read bits 31:0
 */
struct ixgbe_pvf_counters {
	uint64_t gprc, gorc, mprc, gptc, gotc;
	uint32_t gorc_high, gotc_high;
};

/**
 * struct ixgbe_counter - a clear-on-read register over a sum that never goes back.
 * @base: the sum that reads as zero
 * @latched: a register pair's value when its low half was read; reading the high half clears both
 */
struct ixgbe_counter {
	uint64_t base, latched;
};

/* struct ixgbe_state.counter: one per register or pair; those with QUEUES in the name are arrays */
enum ixgbe_counter_id {
	IXGBE_COUNT_FDIRMATCH,
	IXGBE_COUNT_FDIRMISS,
	IXGBE_COUNT_MPC,
	IXGBE_COUNT_GPRC,
	IXGBE_COUNT_BPRC,
	IXGBE_COUNT_MPRC,
	IXGBE_COUNT_GPTC,
	IXGBE_COUNT_GORC,
	IXGBE_COUNT_GOTC,
	IXGBE_COUNT_ROC,
	IXGBE_COUNT_TOR,
	IXGBE_COUNT_TPR,
	IXGBE_COUNT_TPT,
	IXGBE_COUNT_SSVPC,
	IXGBE_COUNT_TXDGPC,
	IXGBE_COUNT_QPRC,
	IXGBE_COUNT_QBRC = IXGBE_COUNT_QPRC + IXGBE_QSTAT_QUEUES,
	IXGBE_COUNT_QPRDC = IXGBE_COUNT_QBRC + IXGBE_QSTAT_QUEUES,
	IXGBE_COUNT_QPTC = IXGBE_COUNT_QPRDC + IXGBE_QSTAT_QUEUES,
	IXGBE_COUNT_QBTC = IXGBE_COUNT_QPTC + IXGBE_QSTAT_QUEUES,
	IXGBE_COUNTERS = IXGBE_COUNT_QBTC + IXGBE_QSTAT_QUEUES
};

/**
 * struct ixgbe_state - a PF with its VFs in the card's state file. Zeroed memory: power-on pending.
 * @version: IXGBE_STATE_VERSION once powered on
 * @rx_started, @tx_started: bit q: the worker may run queue q; see above
 * @drop_enable: QDE, bit q
 * @eicr_other, @eims_other: causes 31:16 of EICR and their mask
 * @irq: EICR/EICS_EX and EIMS/EIMS_EX by vector; @irq_other: the message IVAR_MISC sends for causes
 *	31:16, apart from @irq because those causes have masks of their own
 * @msix_disabled: MSI-X was on and is off now: its masks do not count
 * @vflre: bit v: VF v was reset; @vfreq, @vfack: MBVFICR by VF
 * @pf_ready: CTRL_EXT.PFRSTD was written since the last PF reset; else VFs read RSTI
 */
struct ixgbe_state {
	uint32_t version;
	_Atomic uint32_t num_vfs;
	_Atomic uint32_t link_up;
	uint32_t pf_ready;
	_Atomic uint64_t rx_started[IXGBE_QUEUES / 64];
	_Atomic uint64_t tx_started[IXGBE_QUEUES / 64];
	_Atomic uint64_t drop_enable[IXGBE_QUEUES / 64];
	uint64_t vflre, vfreq, vfack;
	uint32_t eicr_other, eims_other;
	struct irq_vector irq[IXGBE_PF_VECTORS];
	struct irq_vector irq_other;
	uint32_t msix_table[IXGBE_PF_VECTORS * 4];
	uint32_t function_masked, msix_disabled;
	ixgbe_reg rate[IXGBE_QUEUES];  /* RTTBCNRC, chosen by RTTDQSEL */
	uint32_t credit[IXGBE_QUEUES]; /* RTTDT1C, likewise */
	struct ixgbe_counter counter[IXGBE_COUNTERS];
	struct ixgbe_pvf_counters pvf[IXGBE_MAX_VFS];
	struct ixgbe_i2c i2c;
	struct ixgbe_fdir_filter fdir[IXGBE_FDIR_FILTERS];
	uint64_t fdir_match, fdir_miss; /* FDIRMATCH, FDIRMISS; worker */
	uint64_t systim, systim_ns;	/* SYSTIM was @systim at CLOCK_MONOTONIC @systim_ns */
	ixgbe_reg reg[IXGBE_PF_REG_BYTES / 4];		  /* plain registers, by offset */
	ixgbe_reg rx_block[IXGBE_QUEUES][IXGBE_Q_DWORDS]; /* homes of the PF's own queues */
	ixgbe_reg tx_block[IXGBE_QUEUES][IXGBE_Q_DWORDS];
	struct ixgbe_rxq_state rxq[IXGBE_QUEUES];
	struct ixgbe_txq_state txq[IXGBE_QUEUES];
	struct ixgbe_pool_state pool[IXGBE_POOLS];
	struct ixgbe_vf_state vf[IXGBE_MAX_VFS];
	struct eswitch_partition partition;
};

/**
 * struct ixgbe_home - where a queue pair lives.
 * @rx, @tx: its two register blocks; change when a VF's pages are replaced
 * @domain: of whoever drives it; fixed
 * @function: IXGBE_PF or the VF; fixed
 * @slot: number in its function: queue of the VF, absolute queue of the PF; fixed
 * @pool: of the VF fixed; of a PF queue it changes with the pool mode
 * @queue: absolute queue that has this home, -1: none. Device thread.
 */
struct ixgbe_home {
	ixgbe_reg *_Atomic rx;
	ixgbe_reg *_Atomic tx;
	struct iommu_domain *domain;
	int16_t function;
	uint8_t slot;
	_Atomic uint8_t pool;
	int16_t queue;
};

/**
 * struct ixgbe_vf - run-time side of a VF; ctx of ixgbe_vf_function_ops.
 * @pages: three pages of a memory file; pages[1 * 1024 + n] is VF BAR0 offset 0x1000 + 4n
 * @pages_fd: that file, @shared: a client may hold it
 * @draining: a queue was stopped and its grace period is not over; @drain_again: another since
 */
struct ixgbe_vf {
	struct ixgbe_pf *pf;
	struct ixgbe_vf_state *state;
	struct iommu_domain *domain;
	unsigned int index;
	ixgbe_reg *pages;
	int pages_fd;
	bool shared;
	bool draining, drain_again;
	struct quiesce_head drain;
	struct ixgbe_home home[IXGBE_VF_QUEUES];
};

/** struct ixgbe_pf - run-time side of a PF; ctx of ixgbe_pf_function_ops. */
struct ixgbe_pf {
	struct ixgbe_state *state;
	struct ixgbe_config config;
	struct ixgbe_wiring wiring;
	struct quiesce *quiesce;
	struct iommu_domain *domain;
	struct vport_stats *stats; /* by pool */
	bool partition_dirty;
	unsigned int references; /* owner, and grace periods under way */
	uint16_t *eeprom;
	struct ixgbe_fdir *_Atomic fdir;	       /* NULL: no perfect filters */
	uint8_t sfp_page[IXGBE_SFP_PAGE];	       /* identification of the SFP+ module */
	struct ixgbe_home *_Atomic home[IXGBE_QUEUES]; /* by absolute queue; never NULL */
	struct ixgbe_home own[IXGBE_QUEUES];
	struct ixgbe_vf vf[IXGBE_MAX_VFS];
	struct ixgbe_rxq rxq[IXGBE_QUEUES];
	struct ixgbe_txq txq[IXGBE_QUEUES];
	struct ixgbe_pool pool[IXGBE_POOLS];
	struct ixgbe_rss_table rss; /* worker only */
};

/* --- registers as any thread reads them ---------------- */

static inline uint32_t reg_load(const ixgbe_reg *reg)
{
	return atomic_load_explicit(reg, memory_order_acquire);
}

static inline void reg_store(ixgbe_reg *reg, uint32_t value)
{
	atomic_store_explicit(reg, value, memory_order_release);
}

/** ixgbe_pf_reg() - a plain PF register at its canonical @offset (never an alias). */
static inline uint32_t ixgbe_pf_reg(const struct ixgbe_pf *pf, uint32_t offset)
{
	return reg_load(&pf->state->reg[offset / 4]);
}

static inline void ixgbe_pf_reg_set(struct ixgbe_pf *pf, uint32_t offset, uint32_t value)
{
	reg_store(&pf->state->reg[offset / 4], value);
}

/** ixgbe_vf_reg() - a plain page-0 register of a VF. */
static inline uint32_t ixgbe_vf_reg(const struct ixgbe_pf *pf, unsigned int vf, uint32_t offset)
{
	return reg_load(&pf->state->vf[vf].reg[offset / 4]);
}

/** ixgbe_pool_bit() - bit @pool of a bitmap in two consecutive PF registers: VFRE, VFTE, … */
static inline bool ixgbe_pool_bit(const struct ixgbe_pf *pf, uint32_t offset, unsigned int pool)
{
	return ixgbe_pf_reg(pf, offset + pool / 32 * 4) >> (pool % 32) & 1;
}

static inline bool ixgbe_virtualized(const struct ixgbe_pf *pf)
{
	return ixgbe_pf_reg(pf, IXGBE_VT_CTL) & IXGBE_VT_CTL_VT_ENA;
}

/* --- queues ---------------- */

/** ixgbe_home() - of absolute queue @q; load it once per burst. */
static inline const struct ixgbe_home *ixgbe_home(const struct ixgbe_pf *pf, unsigned int q)
{
	return atomic_load_explicit(&pf->home[q], memory_order_acquire);
}

/** ixgbe_rx_regs(), ixgbe_tx_regs() - block of absolute queue @q, indexed by IXGBE_Q_*. */
static inline ixgbe_reg *ixgbe_rx_regs(const struct ixgbe_pf *pf, unsigned int q)
{
	return atomic_load_explicit(&ixgbe_home(pf, q)->rx, memory_order_acquire);
}

static inline ixgbe_reg *ixgbe_tx_regs(const struct ixgbe_pf *pf, unsigned int q)
{
	return atomic_load_explicit(&ixgbe_home(pf, q)->tx, memory_order_acquire);
}

static inline bool ixgbe_rx_started(const struct ixgbe_pf *pf, unsigned int q)
{
	return atomic_load_explicit(&pf->state->rx_started[q / 64], memory_order_acquire) >>
		       (q % 64) &
	       1;
}

static inline bool ixgbe_tx_started(const struct ixgbe_pf *pf, unsigned int q)
{
	return atomic_load_explicit(&pf->state->tx_started[q / 64], memory_order_acquire) >>
		       (q % 64) &
	       1;
}

/** ixgbe_rx_drop() - QDE of queue @q: drop when no descriptor is free, whatever SRRCTL says. */
static inline bool ixgbe_rx_drop(const struct ixgbe_pf *pf, unsigned int q)
{
	return atomic_load_explicit(&pf->state->drop_enable[q / 64], memory_order_acquire) >>
		       (q % 64) &
	       1;
}

/** ixgbe_rx_allowed(), ixgbe_tx_allowed() - global enable and, with pools, VFRE or VFTE. */
static inline bool ixgbe_rx_allowed(const struct ixgbe_pf *pf, unsigned int pool)
{
	return ixgbe_pf_reg(pf, IXGBE_RXCTRL) & IXGBE_RXCTRL_RXEN &&
	       (!ixgbe_virtualized(pf) || ixgbe_pool_bit(pf, IXGBE_VFRE, pool));
}

static inline bool ixgbe_tx_allowed(const struct ixgbe_pf *pf, unsigned int pool)
{
	return ixgbe_pf_reg(pf, IXGBE_DMATXCTL) & IXGBE_DMATXCTL_TE &&
	       (!ixgbe_virtualized(pf) || ixgbe_pool_bit(pf, IXGBE_VFTE, pool));
}

/**
 * ixgbe_pool_queues() - Q, queues per pool: 2, 4 or 8; IXGBE_QUEUES without pools. Pool p has the
 * absolute queues p * Q ... p * Q + Q - 1. Any thread.
 */
unsigned int ixgbe_pool_queues(const struct ixgbe_pf *pf);

/* homes.c: which home an absolute queue has, and when it is started */
void ixgbe_homes_init(struct ixgbe_pf *pf);
/** ixgbe_rebind() - VFs or pool mode changed: every queue gets its home. PCIE_QUIESCE: moved. */
int ixgbe_rebind(struct ixgbe_pf *pf);
/** ixgbe_home_sync() - start or stop @home's queue as ENABLE says. PCIE_QUIESCE: stopped. */
int ixgbe_home_sync(struct ixgbe_pf *pf, struct ixgbe_home *home);
/** ixgbe_vf_sync() - all queues of a VF, before or after an access that may have changed them. */
int ixgbe_vf_sync(struct ixgbe_vf *vf);
/** ixgbe_home_reset() - power-on values in both blocks, counters kept; stops the queues. */
int ixgbe_home_reset(struct ixgbe_pf *pf, struct ixgbe_home *home);
/** ixgbe_home_of() - as ixgbe_home(), for the device thread, which may change it. */
struct ixgbe_home *ixgbe_home_of(struct ixgbe_pf *pf, unsigned int q);
/** ixgbe_vf_counters() - write the VF's counters into the holes of its queue 0. Device thread. */
void ixgbe_vf_counters(struct ixgbe_vf *vf);
/** ixgbe_pvf_restart() - the PF's registers count from 0 for this VF, which VF Enable just made. Device thread. */
void ixgbe_pvf_restart(struct ixgbe_vf *vf);
/** ixgbe_vf_clear_counters() - the VF's registers count from 0 again, for a new client. Device thread. */
void ixgbe_vf_clear_counters(struct ixgbe_vf *vf);

/* --- interrupts (irqs.c) ---------------- */

/**
 * ixgbe_rx_cause(), ixgbe_tx_cause() - absolute queue @q has @count completions to announce: IVAR,
 * mask, moderation, signal. Once per burst and queue. Any thread.
 */
void ixgbe_rx_cause(struct ixgbe_pf *pf, unsigned int q, unsigned int count, uint64_t now);
void ixgbe_tx_cause(struct ixgbe_pf *pf, unsigned int q, unsigned int count, uint64_t now);
/** ixgbe_irq_expire() - model_ops.irq_expire; @pool: struct ixgbe_pool. Worker. */
uint64_t ixgbe_irq_expire(void *pool, uint64_t now);

/** ixgbe_mailbox_cause() - the PF wrote STS or ACK: VF's VTIVAR_MISC. */
void ixgbe_mailbox_cause(struct ixgbe_vf *vf);
/** ixgbe_other_cause() - causes 31:16 of the PF's EICR. */
void ixgbe_other_cause(struct ixgbe_pf *pf, uint32_t causes);
void ixgbe_irq_reset_pf(struct ixgbe_pf *pf);
void ixgbe_irq_reset_vf(struct ixgbe_vf *vf);

/* --- the rest ---------------- */

/** ixgbe_changed() - switch tables, queue set or link changed. */
static inline void ixgbe_changed(struct ixgbe_pf *pf)
{
	pf->partition_dirty = true;
	if (pf->wiring.changed)
		pf->wiring.changed(pf->wiring.ctx);
}

#endif
