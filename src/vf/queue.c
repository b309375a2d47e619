// SPDX-License-Identifier: BSD-3-Clause
/*
 * queue.c - a queue pair comes and goes.
 *
 * Set-up follows Linux' ixgbevf_configure_tx_ring() and ixgbevf_configure_rx_ring(): everything is programmed while the
 * queue is off; then it is enabled, and only when the card says that it is are descriptors given to it. The card may
 * look at registers in shared pages only now and then; it does so at once when it sees an access that traps, so a read
 * of VFSTATUS follows.
 *
 * When a queue is disabled the card may still be writing. It says when it is done by ENABLE reading 0; where the
 * register is plain memory that says nothing, but the answer to a read of VFSTATUS is given only after the last write.
 * A real card wants some time more (4.6.7.1.2).
 *
 * TXDCTL.WTHRESH is 0: with it the card reports each descriptor that asks for it, and others not at all (7.2.3.4.2).
 *
 * 82599 data sheet: 4.6.7 (receive), 4.6.8 (transmit), 8.3.5.6, 8.3.5.7.
 */
#include <pthread.h>
#include <stdlib.h>

#include "util/util.h"
#include "vf/queue.h"
#include "vf/regs.h"

#define DESC_SIZE ((uint32_t)sizeof(struct vf_desc))
#define RING_STEP 8u
#define BATCH_MAX 64u
#define BATCHES_MIN 8u	/* in a ring */
#define TX_PREFETCH 32u /* descriptors; PTHRESH and HTHRESH as Linux has them */
#define TX_HOST 1u
#define LOOK_NS 100000u
#define SETTLE_NS 100000u
#define DRAIN_NS (50 * NSEC_PER_SEC / 1000)
#define RELAXED_READS BIT(9) /* DCA_RXCTRL, DCA_TXCTRL: of descriptors; 8.2.3.11 */
#define RELAXED_DATA_READS BIT(13)
#define REG_VFDCA_RXCTRL(queue) (0x100c + 0x40 * (queue))
#define REG_VFDCA_TXCTRL(queue) (0x200c + 0x40 * (queue))

static void nap(uint64_t ns)
{
	struct timespec time = { .tv_nsec = (long)ns };

	nanosleep(&time, NULL);
}

/* --- registers -------------------------------------------------------------------------------- */

/* Wait until ENABLE of @reg reads as @on. */
static int wait_enabled(struct softiov_vf *vf, uint32_t reg, bool on)
{
	uint64_t end = now_ns() + vf->options.timeout_ms * (NSEC_PER_SEC / 1000);

	while (!!(vf_read(vf, reg) & RXDCTL_ENABLE) != on) {
		if (vf->gone)
			return -SOFTIOV_ERR_GONE;
		if (now_ns() > end)
			return -ETIMEDOUT;
		nap(LOOK_NS);
	}
	return vf->gone ? -SOFTIOV_ERR_GONE : 0;
}

static void program_tx(struct softiov_queue *queue, uint64_t iova)
{
	struct softiov_vf *vf = queue->vf;
	unsigned int i = queue->index;

	vf_write(vf, REG_VFTDBAL(i), (uint32_t)iova);
	vf_write(vf, REG_VFTDBAH(i), (uint32_t)(iova >> 32));
	vf_write(vf, REG_VFTDLEN(i), queue->tx.size * DESC_SIZE);
	vf_write(vf, REG_VFTDWBAH(i), 0);
	vf_write(vf, REG_VFTDWBAL(i), 0);
	vf_write(vf, REG_VFDCA_TXCTRL(i), RELAXED_READS | RELAXED_DATA_READS);
	vf_write(vf, REG_VFTDH(i), 0);
	vf_write(vf, REG_VFTDT(i), 0);
	vf_write(vf, REG_VFTXDCTL(i),
		 TXDCTL_ENABLE | TX_HOST << TXDCTL_HTHRESH_SHIFT |
			 TX_PREFETCH << TXDCTL_PTHRESH_SHIFT);
}

static void program_rx(struct softiov_queue *queue, uint64_t iova)
{
	struct softiov_vf *vf = queue->vf;
	unsigned int i = queue->index;
	uint32_t buffer = MIN(queue->pool->size, VF_RX_BUFFER_MAX);

	vf_write(vf, REG_VFRDBAL(i), (uint32_t)iova);
	vf_write(vf, REG_VFRDBAH(i), (uint32_t)(iova >> 32));
	vf_write(vf, REG_VFRDLEN(i), queue->rx.size * DESC_SIZE);
	vf_write(vf, REG_VFDCA_RXCTRL(i), RELAXED_READS);
	vf_write(vf, REG_VFRDH(i), 0);
	vf_write(vf, REG_VFRDT(i), 0);
	vf_write(vf, REG_VFSRRCTL(i),
		 SRRCTL_DESCTYPE_ONE_BUFFER | SRRCTL_DROP_EN | buffer >> SRRCTL_BSIZEPACKET_SHIFT);
	vf_write(vf, REG_VFRXDCTL(i), RXDCTL_ENABLE | RXDCTL_VME);
}

/* How many of the VF's queues the card may choose from: those that run from 0 on, a power of two. */
static void program_spread(struct softiov_vf *vf)
{
	unsigned int n = 0, log2 = 0;

	while (n < SOFTIOV_QUEUES_MAX && vf->queue[n])
		n++;
	while (2u << log2 <= n)
		log2++;
	vf_write(vf, REG_VFPSRTYPE, log2 << VFPSRTYPE_RQPL_SHIFT);
}

void vf_queue_route(struct softiov_queue *queue, bool rx, bool tx)
{
	static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER; /* two queues share a register */
	unsigned int i = queue->index;
	uint32_t value, mask, entry = i | VTIVAR_VALID;

	mask = 0xffu << VTIVAR_RX_SHIFT(i) | 0xffu << VTIVAR_TX_SHIFT(i);
	pthread_mutex_lock(&lock);
	value = vf_read(queue->vf, REG_VTIVAR(i)) & ~mask;
	if (rx)
		value |= entry << VTIVAR_RX_SHIFT(i);
	if (tx)
		value |= entry << VTIVAR_TX_SHIFT(i);
	vf_write(queue->vf, REG_VTIVAR(i), value);
	pthread_mutex_unlock(&lock);
}

int vf_queue_setup(struct softiov_queue *queue, struct softiov_reason *why)
{
	struct softiov_vf *vf = queue->vf;
	uint64_t iova = queue->memory.iova;
	int error;

	vf_rx_reset(queue);
	vf_tx_reset(queue);
	program_tx(queue, iova + (uint64_t)((uint8_t *)queue->tx.desc - queue->memory.host));
	program_rx(queue, iova + (uint64_t)((uint8_t *)queue->rx.desc - queue->memory.host));
	(void)vf_read(vf, REG_VFSTATUS);
	error = wait_enabled(vf, REG_VFTXDCTL(queue->index), true);
	if (!error)
		error = wait_enabled(vf, REG_VFRXDCTL(queue->index), true);
	if (error)
		return vf_fail(why, error, "%s: queue %u does not start: %s", vf->address,
			       queue->index, softiov_error_name(error));
	queue->rx.tail = vf_register(vf, REG_VFRDT(queue->index));
	queue->tx.tail = vf_register(vf, REG_VFTDT(queue->index));
	vf_rx_fill(queue);
	program_spread(vf); /* now that it receives */
	(void)vf_read(vf, REG_VFSTATUS);
	return 0;
}

void vf_queue_disable(struct softiov_queue *queue)
{
	struct softiov_vf *vf = queue->vf;

	vf_write(vf, REG_VFRXDCTL(queue->index), 0);
	vf_write(vf, REG_VFTXDCTL(queue->index), 0);
	(void)vf_read(vf, REG_VFSTATUS);
	if (wait_enabled(vf, REG_VFRXDCTL(queue->index), false) ||
	    wait_enabled(vf, REG_VFTXDCTL(queue->index), false))
		return;
	nap(SETTLE_NS);
	(void)vf_read(vf, REG_VFSTATUS);
}

/* --- coming ----------------------------------------------------------------------------------- */

static int check(struct softiov_vf *vf, unsigned int index, const struct softiov_pool *pool,
		 const struct softiov_queue_options *options, struct softiov_reason *why)
{
	const uint32_t ring[] = { options->rx_ring, options->tx_ring };

	if (index >= vf->info.queues)
		return vf_fail(why, -EINVAL, "%s: no queue %u: the PF driver grants %u",
			       vf->address, index, vf->info.queues);
	if (vf->queue[index])
		return vf_fail(why, -EBUSY, "%s: queue %u runs already", vf->address, index);
	if (!pool)
		return vf_fail(why, -EINVAL, "%s: queue %u has no pool", vf->address, index);
	for (unsigned int i = 0; i < ARRAY_SIZE(ring); i++)
		if (ring[i] < SOFTIOV_RING_MIN || ring[i] > SOFTIOV_RING_MAX || ring[i] % RING_STEP)
			return vf_fail(why, -EINVAL,
				       "%s: a ring of %u: must be a multiple of %u, %u ... %u",
				       vf->address, ring[i], RING_STEP, SOFTIOV_RING_MIN,
				       SOFTIOV_RING_MAX);
	return 0;
}

static uint32_t batch(uint32_t size)
{
	return MIN(size / BATCHES_MIN, BATCH_MAX);
}

static int make_rings(struct softiov_queue *queue, const struct softiov_queue_options *options,
		      struct softiov_reason *why)
{
	uint64_t rx_bytes = ALIGN_UP((uint64_t)options->rx_ring * DESC_SIZE, PAGE_SIZE_4K);
	uint64_t tx_bytes = (uint64_t)options->tx_ring * DESC_SIZE;
	struct vf_rx_ring *rx = &queue->rx;
	struct vf_tx_ring *tx = &queue->tx;
	int error;

	error = vf_memory_create(&queue->memory, "softiov rings", rx_bytes + tx_bytes,
				 SOFTIOV_POOL_HUGE_NEVER, why);
	if (error)
		return error;
	rx->desc = (struct vf_desc *)(void *)queue->memory.host;
	tx->desc = (struct vf_desc *)(void *)(queue->memory.host + rx_bytes);
	rx->size = options->rx_ring;
	tx->size = options->tx_ring;
	rx->batch = batch(rx->size);
	tx->batch = batch(tx->size);
	rx->buffer = calloc(rx->size, sizeof(*rx->buffer));
	tx->buffer = calloc(tx->size, sizeof(*tx->buffer));
	tx->block = calloc(tx->size, sizeof(*tx->block));
	if (!rx->buffer || !tx->buffer || !tx->block)
		return vf_fail(why, -SOFTIOV_ERR_NO_MEMORY, "%s: out of memory",
			       queue->vf->address);
	return 0;
}

static int map(struct softiov_queue *queue, struct softiov_reason *why)
{
	struct vf_transport *transport = queue->vf->transport;
	const struct vf_memory *memory = &queue->memory;
	int error;

	error = transport->ops->dma_map(transport, memory->iova, memory->size, memory->host,
					memory->fd, 0);
	if (error)
		return vf_fail(why, error, "%s: the rings of queue %u cannot be mapped: %s",
			       queue->vf->address, queue->index,
			       vf_transport_words(transport, error));
	queue->rings_mapped = true;
	error = vf_map_pool(queue->vf, queue->pool, why);
	queue->pool_mapped = !error;
	return error;
}

/* Undo what is done, in any state; the card does not use the queue. */
static void release(struct softiov_queue *queue)
{
	struct vf_transport *transport = queue->vf->transport;

	if (queue->rings_mapped)
		(void)transport->ops->dma_unmap(transport, queue->memory.iova, queue->memory.size);
	if (queue->pool_mapped)
		vf_unmap_pool(queue->vf, queue->pool);
	vf_memory_destroy(&queue->memory);
	free(queue->rx.buffer);
	free(queue->tx.buffer);
	free(queue->tx.block);
	free(queue);
}

int softiov_queue_start(struct softiov_queue **out, struct softiov_vf *vf, unsigned int index,
			struct softiov_pool *pool, const struct softiov_queue_options *given,
			struct softiov_reason *why)
{
	struct softiov_queue_options options = { 0 };
	struct softiov_queue *queue;
	int error;

	if (given)
		options = *given;
	options.rx_ring = options.rx_ring ? options.rx_ring : SOFTIOV_RING_DEFAULT;
	options.tx_ring = options.tx_ring ? options.tx_ring : SOFTIOV_RING_DEFAULT;
	error = check(vf, index, pool, &options, why);
	if (error)
		return error;
	queue = calloc(1, sizeof(*queue));
	if (!queue)
		return vf_fail(why, -SOFTIOV_ERR_NO_MEMORY, "%s: out of memory", vf->address);
	queue->vf = vf;
	queue->pool = pool;
	queue->index = index;
	queue->delta = pool->memory.iova - (uint64_t)pool->memory.host;
	error = make_rings(queue, &options, why);
	if (!error)
		error = map(queue, why);
	if (error) {
		release(queue);
		return error;
	}
	vf->queue[index] = queue;
	error = vf_queue_setup(queue, why);
	if (error) {
		softiov_queue_stop(queue);
		return error;
	}
	*out = queue;
	return 0;
}

/* --- going ------------------------------------------------------------------------------------ */

/* Frames that are posted get a moment to leave. */
static void drain(struct softiov_queue *queue)
{
	uint64_t end = now_ns() + DRAIN_NS;

	while (softiov_tx_reclaim(queue) && !queue->vf->gone && now_ns() < end) {
		(void)vf_read(queue->vf, REG_VFSTATUS);
		nap(LOOK_NS);
	}
}

void softiov_queue_stop(struct softiov_queue *queue)
{
	struct softiov_vf *vf;

	if (!queue)
		return;
	vf = queue->vf;
	drain(queue);
	vf->queue[queue->index] = NULL;
	program_spread(vf);
	vf_queue_disable(queue);
	vf_rx_reset(queue);
	vf_tx_reset(queue);
	release(queue);
}

void softiov_queue_stats(const struct softiov_queue *queue, struct softiov_queue_stats *stats)
{
	*stats = queue->stats;
}
