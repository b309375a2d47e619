/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * queue.c - what transmit and receive rings have in common: starting, fetching, publishing.
 *
 * A ring is started when the worker first finds it enabled, and again whenever something says that
 * its driver set it up anew: the device thread bumped the generation, the queue moved to another
 * home, or - registers shared with the guest, where ENABLE can go off and on between two looks -
 * base, length or head in the register block are no longer what the ring was started with or has
 * published. Only a start reads them; a driver that plays with them meanwhile harms itself alone.
 *
 * A ring that the IOMMU refuses is left alone until the map changes, so that a queue pointing
 * nowhere costs one look per round and one fault record, not a stream of them.
 *
 * 82599 data sheet: 7.1.9 (receive ring), 7.2.3.3 (transmit ring), 8.2.3.8 and 8.2.3.9.
 */
#include "ixgbe/internal.h"

#define CACHE_LINE 64u

void ixgbe_txq_init(struct ixgbe_txq *queue, struct ixgbe_pf *pf, unsigned int index,
		    struct ixgbe_txq_state *state)
{
	memset(queue, 0, sizeof(*queue));
	queue->pf = pf;
	queue->index = (uint16_t)index;
	queue->state = state;
}

void ixgbe_rxq_init(struct ixgbe_rxq *queue, struct ixgbe_pf *pf, unsigned int index,
		    struct ixgbe_rxq_state *state)
{
	memset(queue, 0, sizeof(*queue));
	queue->pf = pf;
	queue->index = (uint16_t)index;
	queue->state = state;
}

static uint64_t block_base(const ixgbe_reg *block)
{
	return (uint64_t)reg_load(&block[IXGBE_Q_BAH]) << 32 |
	       (reg_load(&block[IXGBE_Q_BAL]) & IXGBE_QBAL_MASK);
}

static uint32_t block_len(const ixgbe_reg *block)
{
	return reg_load(&block[IXGBE_Q_LEN]) & IXGBE_QLEN_MASK;
}

static bool still_same(const struct ixgbe_ring *ring, const ixgbe_reg *block)
{
	return ring->running && reg_load(&block[IXGBE_Q_HEAD]) == ring->head &&
	       block_base(block) == ring->base && block_len(block) == ring->len;
}

static void start(struct ixgbe_ring *ring, struct ixgbe_fetcher *fetcher, uint32_t generation,
		  const struct ixgbe_home *home, ixgbe_reg *block)
{
	uint32_t head = reg_load(&block[IXGBE_Q_HEAD]);

	*fetcher = (struct ixgbe_fetcher){ .home = home, .domain = home->domain };
	ring->seen = generation;
	ring->base = block_base(block);
	ring->len = block_len(block);
	ring->head = head < ring->len / IXGBE_DESC_SIZE ? head : 0;
	if (ring->head != head)
		reg_store(&block[IXGBE_Q_HEAD], ring->head);
	ring->running = 1;
}

uint32_t ixgbe_ring_ready(struct ixgbe_ring *ring, struct ixgbe_fetcher *fetcher,
			  const _Atomic uint32_t *generation, const struct ixgbe_home *home,
			  ixgbe_reg *block)
{
	uint32_t now = atomic_load_explicit(generation, memory_order_acquire);

	if (!(reg_load(&block[IXGBE_Q_CTL]) & IXGBE_QCTL_ENABLE)) {
		ring->running = 0;
		return 0;
	}
	if (unlikely(fetcher->home != home || ring->seen != now || !still_same(ring, block)))
		start(ring, fetcher, now, home, block);
	if (unlikely(fetcher->blocked)) {
		if (fetcher->blocked_at == fetcher->domain->generation)
			return 0;
		fetcher->blocked = false;
	}
	return ring->len / IXGBE_DESC_SIZE;
}

static void block_ring(struct ixgbe_fetcher *fetcher)
{
	fetcher->blocked = true;
	fetcher->blocked_at = fetcher->domain->generation;
}

/* Descriptor @offset behind the head: its address, and how many follow before the ring wraps. */
static uint64_t desc_address(const struct ixgbe_ring *ring, unsigned int offset,
			     unsigned int *straight)
{
	uint32_t count = ring->len / IXGBE_DESC_SIZE, index = ring->head + offset;

	if (index >= count)
		index -= count;
	*straight = count - index;
	return ring->base + (uint64_t)index * IXGBE_DESC_SIZE;
}

/* Host address of up to @n descriptors; *@n: how many of them are contiguous there. */
static uint8_t *map_descs(struct ixgbe_fetcher *fetcher, uint64_t address, unsigned int *n,
			  uint32_t perm)
{
	struct iommu_domain *domain = fetcher->domain;
	uint32_t len = *n * IXGBE_DESC_SIZE, run;
	bool split = false;
	uint8_t *host;

	host = iommu_translate(domain, &fetcher->ring_tlb, address, len, perm, &split);
	if (likely(host))
		return host;
	host = split ? iommu_run(domain, &fetcher->ring_tlb, address, len, perm, &run) : NULL;
	if (!host)
		return NULL;
	*n = run / IXGBE_DESC_SIZE; /* maps are aligned to pages: never 0 */
	return host;
}

static void tell_slots(uint8_t **slot, uint8_t *host, size_t n)
{
	for (size_t i = 0; i < n; i++)
		slot[i] = host + i * IXGBE_DESC_SIZE;
}

unsigned int ixgbe_ring_fetch(const struct ixgbe_ring *ring, struct ixgbe_fetcher *fetcher,
			      unsigned int offset, unsigned int n, struct ixgbe_desc *desc,
			      uint8_t **slot)
{
	unsigned int fetched = 0;

	while (fetched < n) {
		unsigned int straight, some;
		uint64_t address = desc_address(ring, offset + fetched, &straight);
		uint8_t *host;

		some = MIN(n - fetched, straight);
		host = map_descs(fetcher, address, &some, IOMMU_READ);
		if (host && slot)
			host = map_descs(fetcher, address, &some, IOMMU_WRITE);
		if (unlikely(!host || !some)) {
			block_ring(fetcher);
			break;
		}
		memcpy(&desc[fetched], host, some * sizeof(desc[0]));
		if (slot)
			tell_slots(&slot[fetched], host, some);
		fetched += some;
	}
	/* The driver may rewrite the ring at any time: nothing may be read from it a second time. */
	atomic_signal_fence(memory_order_seq_cst);
	return fetched;
}

void ixgbe_ring_prefetch(const struct ixgbe_ring *ring, const struct ixgbe_fetcher *fetcher,
			 unsigned int offset, unsigned int n, bool write)
{
	const struct iommu_tlb *tlb = &fetcher->ring_tlb;
	unsigned int straight;
	uint64_t address = desc_address(ring, offset, &straight);
	const uint8_t *host = tlb->host + (address - tlb->iova);

	n = MIN(n, straight) * IXGBE_DESC_SIZE;
	if (address < tlb->iova || address + n - 1 > tlb->last)
		return;
	for (unsigned int i = 0; i < n; i += CACHE_LINE) {
		if (write)
			__builtin_prefetch(host + i, 1);
		else
			__builtin_prefetch(host + i);
	}
}

uint8_t *ixgbe_ring_slot(const struct ixgbe_ring *ring, struct ixgbe_fetcher *fetcher,
			 unsigned int offset)
{
	unsigned int one = 1, straight;
	uint8_t *host;

	host = map_descs(fetcher, desc_address(ring, offset, &straight), &one, IOMMU_WRITE);
	if (unlikely(!host))
		block_ring(fetcher);
	return host;
}

void ixgbe_ring_advance(struct ixgbe_ring *ring, unsigned int n, const _Atomic uint32_t *generation,
			ixgbe_reg *block)
{
	uint32_t count = ring->len / IXGBE_DESC_SIZE;

	ring->head += n;
	if (ring->head >= count)
		ring->head -= count;
	/* A reset may have come in between: its head is 0, and the next look starts the ring anew. */
	if (likely(atomic_load_explicit(generation, memory_order_acquire) == ring->seen))
		reg_store(&block[IXGBE_Q_HEAD], ring->head);
}
