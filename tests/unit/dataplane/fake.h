/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * fake.h - a device model and an uplink made of arrays, for the tests of this room.
 *
 * A sender's queue holds frames that the test puts there; a pool remembers what it got. Sender s is
 * pool s of partition 0 and has the address 02:00:00:00:00:<s>; every frame carries a serial number
 * behind the Ethernet header.
 */
#ifndef TEST_DATAPLANE_FAKE_H
#define TEST_DATAPLANE_FAKE_H

#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>

#include "dataplane/internal.h"

#define FAKE_POOLS 8
#define FAKE_LOG 4096
#define FAKE_FRAME_LEN 60

/** struct fake_queue - frames to send: [taken, posted) of @frame are waiting. */
struct fake_queue {
	struct frame *frame; /* [FAKE_LOG] */
	_Atomic unsigned int posted, taken, completed;
	unsigned int asked;
	_Atomic uint64_t due; /* frames may not go before */
	unsigned int bursts;  /* tx_burst calls without a tx_complete: at most one */
};

/** struct fake_pool - what a receiver got. */
struct fake_pool {
	unsigned int index;
	_Atomic unsigned int n;
	uint32_t serial[FAKE_LOG];
	uint8_t sender[FAKE_LOG]; /* the last byte of its address */
	unsigned int capacity;	  /* per burst; the rest is dropped as rx_no_descriptor */
	struct vport_stats stats;
	_Atomic uint64_t expired, due_again;
	_Atomic uint64_t expired_at;
};

struct fake_uplink {
	struct uplink uplink;
	struct frame *incoming; /* [FRAME_BURST] */
	_Atomic unsigned int n_incoming, asked;
	unsigned int sent, capacity;
	const enum uplink_fate *fate; /* NULL: by capacity */
	uint32_t serial[FAKE_LOG];
	int fd;
};

struct fake {
	struct eswitch_partition partition;
	struct fake_queue queue[FAKE_POOLS];
	struct fake_pool pool[FAKE_POOLS];
	struct vport_stats uplink_stats;
	struct fake_uplink wire;
};

static inline void fake_mac(uint8_t mac[ETH_ALEN], unsigned int pool)
{
	memset(mac, 0, ETH_ALEN);
	mac[0] = 2;
	mac[5] = (uint8_t)pool;
}

/* --- the model ----------------------------------------------------------------------------- */

static inline unsigned int fake_tx_burst(void *ctx, struct frame_burst *burst, uint64_t now)
{
	struct fake_queue *q = ctx;
	unsigned int posted = atomic_load(&q->posted), taken = atomic_load(&q->taken);

	q->asked++;
	assert_int_equal(q->bursts, 0);
	if (taken < posted && now < atomic_load(&q->due)) {
		burst->due_ns = atomic_load(&q->due);
		return 0;
	}
	while (taken < posted && burst->n < FRAME_BURST)
		burst->frame[burst->n++] = q->frame[taken++ % FAKE_LOG];
	atomic_store(&q->taken, taken);
	q->bursts = burst->n ? 1 : 0;
	return burst->n;
}

static inline void fake_tx_complete(void *ctx, struct frame_burst *burst, uint64_t now)
{
	struct fake_queue *q = ctx;

	assert_int_equal(q->bursts, 1);
	q->bursts = 0;
	atomic_fetch_add(&q->completed, burst->n);
}

static inline uint32_t fake_serial(const struct frame *frame)
{
	return get_le32(frame->header + 16);
}

static inline void fake_rx_burst(void *ctx, const struct frame_burst *burst, uint64_t wanted,
				 uint64_t now)
{
	struct fake_pool *pool = ctx;

	for (unsigned int i = 0; wanted; i++, wanted &= wanted - 1) {
		const struct frame *frame = &burst->frame[__builtin_ctzll(wanted)];
		unsigned int at = atomic_load(&pool->n);
		uint32_t packets;
		uint64_t bytes;

		frame_count(frame, &packets, &bytes);
		if (i >= pool->capacity) {
			stat_add(&pool->stats.drop[VPORT_DROP_RX_NO_DESCRIPTOR], packets);
			continue;
		}
		stat_add(&pool->stats.rx_packets, packets);
		stat_add(&pool->stats.rx_bytes, bytes);
		pool->serial[at % FAKE_LOG] = fake_serial(frame);
		pool->sender[at % FAKE_LOG] = frame->header[2 * ETH_ALEN - 1];
		atomic_store(&pool->n, at + 1);
	}
}

static inline uint64_t fake_irq_expire(void *ctx, uint64_t now)
{
	struct fake_pool *pool = ctx;

	atomic_store(&pool->expired_at, now);
	atomic_fetch_add(&pool->expired, 1);
	return atomic_exchange(&pool->due_again, UINT64_MAX);
}

static const struct model_ops fake_ops = {
	.tx_burst = fake_tx_burst,
	.tx_complete = fake_tx_complete,
	.rx_burst = fake_rx_burst,
	.irq_expire = fake_irq_expire,
};

/* --- the uplink ---------------------------------------------------------------------------- */

/* Takes what there is room for, unless it is told the fate of each. */
static inline void fake_send(struct uplink *uplink, struct frame *const frame[], unsigned int n,
			     enum uplink_fate fate[])
{
	struct fake_uplink *wire = container_of(uplink, struct fake_uplink, uplink);

	for (unsigned int i = 0; i < n; i++) {
		fate[i] = wire->fate	       ? wire->fate[i]
			  : i < wire->capacity ? UPLINK_SENT
					       : UPLINK_FULL;
		if (fate[i] == UPLINK_SENT)
			wire->serial[wire->sent++ % FAKE_LOG] = fake_serial(frame[i]);
	}
}

static inline unsigned int fake_receive(struct uplink *uplink, struct frame *frame,
					unsigned int max)
{
	struct fake_uplink *wire = container_of(uplink, struct fake_uplink, uplink);
	unsigned int n = MIN(atomic_load(&wire->n_incoming), max);

	for (unsigned int i = 0; i < n; i++)
		frame[i] = wire->incoming[i];
	atomic_store(&wire->n_incoming, 0);
	atomic_fetch_add(&wire->asked, 1);
	return n;
}

static inline int fake_poll_fd(const struct uplink *uplink)
{
	return container_of(uplink, const struct fake_uplink, uplink)->fd;
}

static const struct uplink_ops fake_uplink_ops = {
	.send = fake_send,
	.receive = fake_receive,
	.poll_fd = fake_poll_fd,
};

/* --- the world ----------------------------------------------------------------------------- */

static inline struct fake *fake_create(void)
{
	struct fake *fake = calloc(1, sizeof(*fake));
	struct eswitch_partition *p = &fake->partition;

	p->enabled = p->transmit = p->virtualized = p->loopback = p->replicate = 1;
	p->default_pool = -1;
	p->accept = ESWITCH_ACCEPT_BROADCAST;
	for (unsigned int i = 0; i < FAKE_POOLS; i++) {
		p->pool[i].flags = ESWITCH_RX_ENABLE | ESWITCH_TX_ENABLE | ESWITCH_ACCEPT_UNTAGGED |
				   ESWITCH_ACCEPT_BROADCAST | ESWITCH_CHECK_MAC;
		p->mac[i].pools = BIT64(i);
		p->mac[i].valid = 1;
		fake_mac(p->mac[i].mac, i);
		fake->queue[i].frame =
			aligned_alloc(_Alignof(struct frame), FAKE_LOG * sizeof(struct frame));
		fake->pool[i].index = i;
		fake->pool[i].capacity = FRAME_BURST;
		atomic_init(&fake->pool[i].due_again, UINT64_MAX);
	}
	fake->wire.uplink.ops = &fake_uplink_ops;
	fake->wire.capacity = FRAME_BURST;
	fake->wire.fd = -1;
	fake->wire.incoming =
		aligned_alloc(_Alignof(struct frame), FRAME_BURST * sizeof(struct frame));
	return fake;
}

static inline void fake_destroy(struct fake *fake)
{
	for (unsigned int i = 0; i < FAKE_POOLS; i++)
		free(fake->queue[i].frame);
	free(fake->wire.incoming);
	free(fake);
}

static inline struct dp_config *fake_config(struct fake *fake)
{
	const struct eswitch_partition *partitions[ESWITCH_PARTITIONS] = { &fake->partition };
	struct dp_config *config =
		calloc(1, sizeof(*config) + FAKE_POOLS * sizeof(config->queue[0]));

	config->table = eswitch_build(partitions, 1);
	config->link_up = true;
	config->vport[ESWITCH_UPLINK].stats = &fake->uplink_stats;
	for (unsigned int i = 0; i < FAKE_POOLS; i++) {
		unsigned int vport = eswitch_vport(0, i);

		config->vport[vport] = (struct dp_vport){ .ops = &fake_ops,
							  .pool = &fake->pool[i],
							  .stats = &fake->pool[i].stats };
		config->queue[i] = (struct dp_tx_queue){ .ops = &fake_ops,
							 .queue = &fake->queue[i],
							 .doorbell = &fake->queue[i].posted,
							 .vport = (uint16_t)vport };
	}
	config->queues = FAKE_POOLS;
	return config;
}

/* A frame from pool @sender (or a stranger) to @to: a pool, -1 broadcast, else a stranger. */
static inline void fake_frame(struct frame *frame, unsigned int sender, int to, uint32_t serial)
{
	memset(frame, 0, sizeof(*frame));
	frame->header_len = FAKE_FRAME_LEN;
	frame->len = FAKE_FRAME_LEN;
	if (to < 0)
		memset(frame->header, 0xff, ETH_ALEN);
	else
		fake_mac(frame->header, (unsigned int)to);
	fake_mac(frame->header + ETH_ALEN, sender);
	frame->header[12] = 0x88;
	frame->header[13] = 0xb5; /* local experimental */
	put_le32(frame->header + 16, serial);
	assert_int_equal(frame_finish(frame), 0);
}

/* The slot for the next frame of @queue; fake_post() makes it visible. */
static inline struct frame *fake_next(struct fake *fake, unsigned int queue)
{
	return &fake->queue[queue].frame[atomic_load(&fake->queue[queue].posted) % FAKE_LOG];
}

static inline void fake_post(struct fake *fake, unsigned int queue)
{
	atomic_fetch_add(&fake->queue[queue].posted, 1);
}

static inline void fake_send_frame(struct fake *fake, unsigned int sender, int to, uint32_t serial)
{
	fake_frame(fake_next(fake, sender), sender, to, serial);
	fake_post(fake, sender);
}

#endif
