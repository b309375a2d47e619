/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * queue.h - the 128 receive and 128 transmit queues of a PF, as the worker runs them.
 *
 * The driver's side of a queue is its 0x40-byte register block (IXGBE_Q_*), plain memory that a
 * guest may share: any value, at any time. The worker's side is here. Everything that decides
 * where DMA goes - ring base, size, head - is read once when the queue starts, checked, and kept
 * in the state below; the register block then only says "enabled", "tail" and, for receive,
 * buffer size and VLAN stripping.
 *
 * Who writes what:
 *  - @generation: the device thread, whenever a trapped access or a reset may have changed ENABLE
 *    or the ring (ixgbe_queue_restart()). The worker restarts the queue when it differs from @seen,
 *    so that an ENABLE that went off and on between two polls is not missed.
 *  - all else: the worker of the port.
 */
#ifndef SOFTIOV_IXGBE_QUEUE_H
#define SOFTIOV_IXGBE_QUEUE_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <linux/if_ether.h>
#include "frame/model.h"
#include "iommu/iommu.h"
#include "ixgbe/desc.h"
#include "ixgbe/rate.h"

struct ixgbe_home;
struct ixgbe_pf;
struct vport_stats;

/* A queue's register block (82599.md 2.2, 2.3), as dword indexes; same layout for both directions.
 */
#define IXGBE_Q_BAL (0x00 / 4)
#define IXGBE_Q_BAH (0x04 / 4)
#define IXGBE_Q_LEN (0x08 / 4)
#define IXGBE_Q_DCA (0x0c / 4)
#define IXGBE_Q_HEAD (0x10 / 4)
#define IXGBE_Q_SRRCTL (0x14 / 4) /* receive */
#define IXGBE_Q_TAIL (0x18 / 4)
#define IXGBE_Q_CTL (0x28 / 4)	  /* RXDCTL, TXDCTL */
#define IXGBE_Q_RSCCTL (0x2c / 4) /* receive */
#define IXGBE_Q_WBAL (0x38 / 4)	  /* transmit */
#define IXGBE_Q_WBAH (0x3c / 4)	  /* transmit */
#define IXGBE_Q_DWORDS (0x40 / 4)
/* Counters of the whole pool in the holes of its queue 0 */
#define IXGBE_Q_GPC (0x1c / 4)	/* VFGPRC, VFGPTC */
#define IXGBE_Q_GOCL (0x20 / 4) /* VFGORC, VFGOTC: low 32 of 36 bits */
#define IXGBE_Q_GOCH (0x24 / 4)
#define IXGBE_Q_MPRC (0x34 / 4) /* VFMPRC, receive */

#define IXGBE_QCTL_ENABLE BIT(25)
#define IXGBE_QCTL_SWFLSH BIT(26)
#define IXGBE_RXDCTL_VME BIT(30)

/* SRRCTL (82599.md 5.4) */
#define IXGBE_SRRCTL_BSIZEPKT(v) (((v)&0x1f) << 10) /* bytes */
#define IXGBE_SRRCTL_DESCTYPE(v) ((v) >> 25 & 0x7)
#define IXGBE_SRRCTL_DESCTYPE_LEGACY 0
#define IXGBE_SRRCTL_DESCTYPE_ADV_ONE 1
#define IXGBE_SRRCTL_DROP_EN BIT(28)

/**
 * struct ixgbe_ring - what the worker believes about a ring, read and checked once when it starts.
 * @seen: generation it started with
 * @base, @len: in bytes, as the register block said
 * @head: next descriptor of the device, < len / 16; published in the register block
 */
struct ixgbe_ring {
	uint32_t seen;
	uint32_t running;
	uint64_t base;
	uint32_t len;
	uint32_t head;
};

/** struct ixgbe_tx_context - one advanced context, checked when it is used. */
struct ixgbe_tx_context {
	uint16_t vlan, mss, ip_len;
	uint8_t mac_len, l4_len, l4t, valid;
};

/** struct ixgbe_txq_state - a transmit queue; in the state file. Zeroed memory: not running. */
struct ixgbe_txq_state {
	_Atomic uint32_t generation;
	uint32_t skipping; /* inside a frame that is too long, until its EOP */
	struct ixgbe_ring ring;
	struct ixgbe_tx_context context[IXGBE_TX_CONTEXTS];
	uint64_t packets, bytes; /* QPTC, QBTC: frames on the wire, after segmentation */
};

/** struct ixgbe_rxq_state - a receive queue; in the state file. Zeroed memory: not running. */
struct ixgbe_rxq_state {
	_Atomic uint32_t generation;
	uint32_t reserved;
	struct ixgbe_ring ring;
	uint64_t packets, bytes, drops; /* QPRC, QBRC, QPRDC */
	uint64_t missed;		/* MPC: dropped although the driver did not ask for drops */
};

/** struct ixgbe_pool_state - counters a VF sees, zeroed for each client; in the state file. */
struct ixgbe_pool_state {
	uint64_t gprc, gorc, mprc; /* VFGPRC, VFGORC, VFMPRC; shown modulo 2^32, 2^36, 2^32 */
	uint64_t gptc, gotc;	   /* VFGPTC, VFGOTC */
};

/**
 * struct ixgbe_fetcher - how a queue reaches its driver's memory. Worker only.
 * @home: where the queue lived when it started
 * @domain: of @home
 * @blocked: the ring could not be read at @blocked_at; not tried again before the map changes
 * @waiting: transmit: the frame at the head is incomplete while the tail is @waiting_tail
 */
struct ixgbe_fetcher {
	const struct ixgbe_home *home;
	struct iommu_domain *domain;
	struct iommu_tlb ring_tlb, buffer_tlb;
	uint64_t blocked_at; /* generation of the domain */
	bool blocked, waiting;
	uint16_t waiting_tail;
};

#define IXGBE_TX_BURST_DESCS 128u /* consumed per burst: bounded work */

/*
 * What bounds the work of one burst, whatever a guest asks for: 128 KiB (and one frame more) of requests that go beyond
 * a plain frame, in cuts no smaller than these. No TCP sends less: Linux stops at 48 (tcp_min_snd_mss).
 */
#define IXGBE_TX_BURST_BYTES (128u << 10)
#define IXGBE_TX_MSS_MIN 32u

/**
 * struct ixgbe_txq - a transmit queue at run time; handle of model_ops.tx_*. Worker only.
 * @taken: descriptors that the burst under way consumes, @left: posted behind them
 * @reports: of them want DD: entries of @report, offsets from the head
 * @pacer: of use with a rate limit only
 */
struct ixgbe_txq {
	struct ixgbe_pf *pf;
	struct ixgbe_txq_state *state;
	uint16_t index; /* absolute, 0 ... 127 */
	uint16_t taken, reports;
	uint32_t left;
	struct ixgbe_pacer pacer;
	struct ixgbe_fetcher fetcher;
	uint8_t report[IXGBE_TX_BURST_DESCS];
};

/** struct ixgbe_rxq - a receive queue at run time. Worker only. */
struct ixgbe_rxq {
	struct ixgbe_pf *pf;
	struct ixgbe_rxq_state *state;
	uint16_t index; /* absolute, 0 ... 127 */
	struct ixgbe_fetcher fetcher;
};

/** struct ixgbe_pool - a pool at run time; handle of model_ops.rx_burst and irq_expire. */
struct ixgbe_pool {
	struct ixgbe_pf *pf;
	struct ixgbe_pool_state *state;
	struct vport_stats *stats;
	uint16_t index; /* 0 ... 63 */
};

/** ixgbe_txq_init(), ixgbe_rxq_init() - at ixgbe_create(): tie queue @index to its state. */
void ixgbe_txq_init(struct ixgbe_txq *queue, struct ixgbe_pf *pf, unsigned int index,
		    struct ixgbe_txq_state *state);
void ixgbe_rxq_init(struct ixgbe_rxq *queue, struct ixgbe_pf *pf, unsigned int index,
		    struct ixgbe_rxq_state *state);

/**
 * ixgbe_queue_restart() - the ring may have changed: reset, ENABLE written, or the page replaced.
 * The worker reads base, length and head anew before it next touches the ring. Device thread.
 */
static inline void ixgbe_queue_restart(_Atomic uint32_t *generation)
{
	atomic_fetch_add_explicit(generation, 1, memory_order_release);
}

/* --- queue.c: rings of both directions. Worker only ------------------------------------- */

/**
 * ixgbe_ring_ready() - is the ring enabled and in a known state? Starts, restarts or stops it.
 * @home, @block: of the queue now. Return: descriptors in the ring, 0: leave it alone.
 */
uint32_t ixgbe_ring_ready(struct ixgbe_ring *ring, struct ixgbe_fetcher *fetcher,
			  const _Atomic uint32_t *generation, const struct ixgbe_home *home,
			  _Atomic uint32_t *block);

/** ixgbe_ring_posted() - descriptors between the head and @block's tail; 0 for a nonsense tail. */
static inline uint32_t ixgbe_ring_posted(const struct ixgbe_ring *ring, uint32_t tail)
{
	uint32_t count = ring->len / IXGBE_DESC_SIZE;

	if (unlikely(tail >= count))
		return 0;
	return tail >= ring->head ? tail - ring->head : tail + count - ring->head;
}

/**
 * ixgbe_ring_fetch() - copy up to @n descriptors out, once, from @offset behind the head.
 * @slot: with not NULL, where each can be written back. Return: how many; fewer than @n after a
 * fault, which blocks the ring until the map changes.
 */
unsigned int ixgbe_ring_fetch(const struct ixgbe_ring *ring, struct ixgbe_fetcher *fetcher,
			      unsigned int offset, unsigned int n, struct ixgbe_desc *desc,
			      uint8_t **slot);

/**
 * ixgbe_ring_prefetch() - bring up to @n descriptors from @offset behind the head near, for writing
 * if @write: the driver has written them on another processor. A hint; descriptors that it may still
 * be writing are better left alone.
 */
void ixgbe_ring_prefetch(const struct ixgbe_ring *ring, const struct ixgbe_fetcher *fetcher,
			 unsigned int offset, unsigned int n, bool write);

/** ixgbe_ring_slot() - host address for writing descriptor @offset behind the head, or NULL. */
uint8_t *ixgbe_ring_slot(const struct ixgbe_ring *ring, struct ixgbe_fetcher *fetcher,
			 unsigned int offset);

/** ixgbe_ring_advance() - the first @n descriptors are done: publish the head, unless restarted. */
void ixgbe_ring_advance(struct ixgbe_ring *ring, unsigned int n, const _Atomic uint32_t *generation,
			_Atomic uint32_t *block);

/**
 * struct ixgbe_dma_view - the cached translation of buffers, good for one burst: whoever takes a map
 * away waits until the worker has passed a quiescent point. @size 0: there is none.
 */
struct ixgbe_dma_view {
	uint64_t iova, size;
	uint8_t *host;
};

static inline struct ixgbe_dma_view ixgbe_dma_view(const struct ixgbe_fetcher *fetcher,
						   uint32_t perm)
{
	const struct iommu_tlb *tlb = &fetcher->buffer_tlb;
	bool valid = tlb->host && (tlb->perm & perm) == perm &&
		     tlb->generation == atomic_load_explicit(&fetcher->domain->generation,
							     memory_order_acquire);

	return (struct ixgbe_dma_view){
		.iova = tlb->iova,
		.size = valid ? tlb->last - tlb->iova + 1 : 0,
		.host = tlb->host,
	};
}

/** ixgbe_dma_viewed() - host address of [@address, @address + @len) if the view covers it, else NULL. */
static inline uint8_t *ixgbe_dma_viewed(const struct ixgbe_dma_view *view, uint64_t address,
					uint32_t len)
{
	uint64_t offset = address - view->iova;

	if (likely(offset < view->size && len - 1ull < view->size - offset))
		return view->host + offset;
	return NULL;
}

/** ixgbe_counter_add() - a counter with one writer that other threads read. */
static inline void ixgbe_counter_add(uint64_t *counter, uint64_t n)
{
	__atomic_store_n(counter, *counter + n, __ATOMIC_RELAXED);
}

/* --- tx_request.c --------------------------------------------------------------------------- */

/**
 * ixgbe_tx_request() - what @first, the first descriptor of @frame, asks the card to do with it.
 * @frame: with @len set; its offload fields and flags are filled.
 * Return: false for a request that makes no sense; the frame must be dropped.
 */
bool ixgbe_tx_request(const struct ixgbe_txq_state *state, const struct ixgbe_desc *first,
		      struct frame *frame);

/** ixgbe_tx_no_request() - @frame asks for nothing. */
static inline void ixgbe_tx_no_request(struct frame *frame)
{
	frame->vlan = 0;
	frame->vlan_tpid = ETH_P_8021Q;
	frame->mss = 0;
	frame->l2_len = frame->l3_len = frame->l4_len = 0;
	frame->l4_proto = 0;
}

/** ixgbe_tx_context() - remember a context descriptor. */
void ixgbe_tx_context(struct ixgbe_txq_state *state, const struct ixgbe_desc *desc);

/* --- functions of ixgbe_model_ops; see frame/model.h. Worker only ------------------------- */

unsigned int ixgbe_tx_burst(void *queue, struct frame_burst *burst, uint64_t now);
void ixgbe_tx_complete(void *queue, struct frame_burst *burst, uint64_t now);
void ixgbe_rx_burst(void *pool, const struct frame_burst *burst, uint64_t wanted, uint64_t now);

#endif
