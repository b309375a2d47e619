/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * traffic.h - a card in pool mode whose VFs have memory and rings made by hand, for the tests of
 * transmit and receive. All registers are written as a driver would: through the BARs.
 *
 * Each VF has a memory file of GUEST_SIZE bytes, mapped in its own domain at GUEST_IOVA.
 */
#ifndef TEST_IXGBE_TRAFFIC_H
#define TEST_IXGBE_TRAFFIC_H

#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "ixgbe/internal.h"

#define VFS 4
#define GUEST_IOVA 0x10000000ull
#define GUEST_SIZE 0x400000u
#define TX_RING 0x00000u /* offsets in the guest's memory; queue q's ring is q * RING_STEP on */
#define RX_RING 0x40000u
#define RING_STEP 0x10000u
#define TX_DATA 0x100000u
#define RX_DATA 0x200000u
#define RW (IOMMU_READ | IOMMU_WRITE)

#define POOL_MODE_32 0xau /* MRQC, MTQC */

struct guest {
	uint8_t *memory;
	int fd;
	struct iommu_state *iommu;
	struct iommu_domain *domain;
	uint32_t tx_tail, rx_tail[2];
	unsigned int signals;
};

struct card {
	struct quiesce quiesce;
	struct ixgbe_pf *pf;
	void *state;
	struct iommu_state *nobody_state;
	struct iommu_domain *nobody;
	struct vport_stats stats[IXGBE_POOLS];
	struct guest guest[VFS];
	struct frame_burst burst;
	unsigned int armed;
};

static inline void *zeroed(size_t size)
{
	void *memory = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	assert_ptr_not_equal(memory, MAP_FAILED);
	return memory;
}

static inline void vf_write(struct card *card, unsigned int vf, uint32_t offset, uint32_t value)
{
	int result = ixgbe_vf_function_ops.bar_write(ixgbe_get_vf(card->pf, vf), 0, offset, &value,
						     sizeof(value));

	assert_true(result >= 0);
}

static inline uint32_t vf_read(struct card *card, unsigned int vf, uint32_t offset)
{
	uint32_t value;
	int result = ixgbe_vf_function_ops.bar_read(ixgbe_get_vf(card->pf, vf), 0, offset, &value,
						    sizeof(value));

	assert_true(result >= 0);
	return value;
}

static inline void pf_write(struct card *card, uint32_t offset, uint32_t value)
{
	int result = ixgbe_pf_function_ops.bar_write(card->pf, 0, offset, &value, sizeof(value));

	assert_true(result >= 0);
}

static inline void on_signal(void *ctx, int function, unsigned int vector)
{
	struct card *card = ctx;

	if (function >= 0 && function < VFS)
		card->guest[function].signals++;
}

static inline void on_arm(void *ctx, unsigned int pool, uint64_t due_ns)
{
	((struct card *)ctx)->armed++;
}

static inline void guest_create(struct card *card, unsigned int vf)
{
	struct guest *guest = &card->guest[vf];

	guest->iommu = zeroed(sizeof(*guest->iommu));
	assert_int_equal(iommu_domain_create(&guest->domain, (uint16_t)(0x780 + 2 * vf),
					     guest->iommu, &card->quiesce),
			 0);
	guest->memory = memfile_create("guest", GUEST_SIZE, false, &guest->fd);
	assert_non_null(guest->memory);
	assert_int_equal(iommu_map(guest->domain, GUEST_IOVA, GUEST_SIZE, RW, guest->fd, 0), 0);
	iommu_set_bus_master(guest->domain, true);
}

static inline int card_setup(void **state)
{
	static const struct ixgbe_config config = { .device_id = 0x10f8,
						    .mac = { 2, 0, 0, 0, 0, 1 },
						    .first_vf_offset = 128,
						    .total_vfs = 64 };
	struct card *card = aligned_alloc(64, ALIGN_UP(sizeof(*card), 64));
	struct ixgbe_wiring wiring = { .signal = on_signal, .arm = on_arm, .ctx = card };
	struct iommu_domain *domain[IXGBE_MAX_VFS];

	memset(card, 0, sizeof(*card));
	assert_int_equal(quiesce_init(&card->quiesce), 0);
	card->state = zeroed(ixgbe_state_size());
	card->nobody_state = zeroed(sizeof(*card->nobody_state));
	assert_int_equal(iommu_domain_create(&card->nobody, 0, card->nobody_state, &card->quiesce),
			 0);
	for (unsigned int v = 0; v < VFS; v++)
		guest_create(card, v);
	for (unsigned int v = 0; v < IXGBE_MAX_VFS; v++)
		domain[v] = v < VFS ? card->guest[v].domain : card->nobody;
	assert_int_equal(ixgbe_create(&card->pf, &config, card->state, card->nobody, domain,
				      card->stats, &card->quiesce, &wiring),
			 0);
	assert_int_equal(ixgbe_pf_function_ops.vf_enable(card->pf, VFS), 0);
	pf_write(card, IXGBE_VT_CTL, IXGBE_VT_CTL_VT_ENA | IXGBE_VT_CTL_REPLEN);
	pf_write(card, IXGBE_GCR_EXT, IXGBE_GCR_EXT_VT_MODE_32);
	pf_write(card, IXGBE_MTQC, POOL_MODE_32);
	pf_write(card, IXGBE_MRQC, POOL_MODE_32);
	pf_write(card, IXGBE_RXCTRL, IXGBE_RXCTRL_RXEN);
	pf_write(card, IXGBE_DMATXCTL, IXGBE_DMATXCTL_TE);
	pf_write(card, IXGBE_VFRE, 0xffffffff);
	pf_write(card, IXGBE_VFTE, 0xffffffff);
	ixgbe_set_link(card->pf, true);
	*state = card;
	return 0;
}

static inline int card_teardown(void **state)
{
	struct card *card = *state;

	ixgbe_destroy(card->pf);
	for (unsigned int v = 0; v < VFS; v++) {
		struct guest *guest = &card->guest[v];

		iommu_domain_destroy(guest->domain);
		quiesce_poll(&card->quiesce);
		munmap(guest->iommu, sizeof(*guest->iommu));
		munmap(guest->memory, GUEST_SIZE);
		close(guest->fd);
	}
	iommu_domain_destroy(card->nobody);
	quiesce_fini(&card->quiesce);
	munmap(card->nobody_state, sizeof(*card->nobody_state));
	munmap(card->state, ixgbe_state_size());
	free(card);
	return 0;
}

/* --- rings --------------------------------------------------------------------------------- */

static inline void write_block(struct card *card, unsigned int vf, uint32_t block, uint32_t ring,
			       unsigned int count)
{
	vf_write(card, vf, block + IXGBE_Q_BAL * 4, (uint32_t)(GUEST_IOVA + ring));
	vf_write(card, vf, block + IXGBE_Q_BAH * 4, (uint32_t)((GUEST_IOVA + ring) >> 32));
	vf_write(card, vf, block + IXGBE_Q_LEN * 4, count * IXGBE_DESC_SIZE);
	vf_write(card, vf, block + IXGBE_Q_HEAD * 4, 0);
	vf_write(card, vf, block + IXGBE_Q_TAIL * 4, 0);
}

static inline uint32_t tx_block(unsigned int q)
{
	return IXGBE_VF_TX_PAGE + q * IXGBE_Q_STRIDE;
}

static inline uint32_t rx_block(unsigned int q)
{
	return IXGBE_VF_RX_PAGE + q * IXGBE_Q_STRIDE;
}

/* Transmit queue 0 of @vf with @count descriptors; VTIVAR: its interrupt is vector 1. */
static inline void tx_open(struct card *card, unsigned int vf, unsigned int count)
{
	write_block(card, vf, tx_block(0), TX_RING, count);
	vf_write(card, vf, tx_block(0) + IXGBE_Q_CTL * 4, IXGBE_QCTL_ENABLE);
	card->guest[vf].tx_tail = 0;
	vf_write(card, vf, IXGBE_VTIVAR, 0x8180 | 0x81800000);
	vf_write(card, vf, IXGBE_VTEIAC, 0x7);
	vf_write(card, vf, IXGBE_VTEIMS, 0x7);
}

static inline uint64_t rx_buffer(unsigned int q, unsigned int i)
{
	return GUEST_IOVA + RX_DATA + q * 0x100000 + i * 0x1000;
}

static inline struct ixgbe_desc *rx_desc(struct card *card, unsigned int vf, unsigned int q,
					 unsigned int i)
{
	return (struct ixgbe_desc *)(void *)(card->guest[vf].memory + RX_RING + q * RING_STEP) + i;
}

static inline void rx_fill(struct card *card, unsigned int vf, unsigned int q, unsigned int i)
{
	struct ixgbe_desc *desc = rx_desc(card, vf, q, i);
	uint64_t address = rx_buffer(q, i);

	desc->dword[0] = (uint32_t)address;
	desc->dword[1] = (uint32_t)(address >> 32);
	desc->dword[2] = 0xdeadbeef; /* the header address: means nothing */
	desc->dword[3] = 0xdead0000;
}

/* Receive queue @q of @vf with @count descriptors, of which @given are handed over. */
static inline void rx_open(struct card *card, unsigned int vf, unsigned int q, unsigned int count,
			   unsigned int given, uint32_t srrctl, uint32_t rxdctl)
{
	write_block(card, vf, rx_block(q), RX_RING + q * RING_STEP, count);
	vf_write(card, vf, rx_block(q) + IXGBE_Q_SRRCTL * 4, srrctl);
	for (unsigned int i = 0; i < count; i++)
		rx_fill(card, vf, q, i);
	vf_write(card, vf, rx_block(q) + IXGBE_Q_CTL * 4, IXGBE_QCTL_ENABLE | rxdctl);
	vf_write(card, vf, rx_block(q) + IXGBE_Q_TAIL * 4, given);
	vf_write(card, vf, IXGBE_VTIVAR, 0x8180 | 0x81800000);
	vf_write(card, vf, IXGBE_VTEIAC, 0x7);
	vf_write(card, vf, IXGBE_VTEIMS, 0x7);
}

#define SRRCTL_ADVANCED_2K (2u | 1u << 25 | IXGBE_SRRCTL_DROP_EN)
#define SRRCTL_LEGACY_2K 2u

static inline struct ixgbe_desc *tx_desc(struct card *card, unsigned int vf, unsigned int i)
{
	return (struct ixgbe_desc *)(void *)(card->guest[vf].memory + TX_RING) + i;
}

static inline uint32_t tx_count(struct card *card, unsigned int vf)
{
	return vf_read(card, vf, tx_block(0) + IXGBE_Q_LEN * 4) / IXGBE_DESC_SIZE;
}

/* Put one descriptor in the ring; tx_kick() tells the card. Return: its index. */
static inline unsigned int tx_put(struct card *card, unsigned int vf, uint64_t quad, uint32_t dw2,
				  uint32_t dw3)
{
	struct guest *guest = &card->guest[vf];
	unsigned int i = guest->tx_tail;

	*tx_desc(card, vf, i) =
		(struct ixgbe_desc){ { (uint32_t)quad, (uint32_t)(quad >> 32), dw2, dw3 } };
	guest->tx_tail = (i + 1) % tx_count(card, vf);
	return i;
}

static inline void tx_kick(struct card *card, unsigned int vf)
{
	vf_write(card, vf, tx_block(0) + IXGBE_Q_TAIL * 4, card->guest[vf].tx_tail);
}

#define DATA (IXGBE_TXD_DEXT | IXGBE_TXD_DTYP_DATA << 20 | IXGBE_TXD_IFCS)
#define LAST (IXGBE_TXD_EOP | IXGBE_TXD_RS)
#define CONTEXT (IXGBE_TXD_DEXT | IXGBE_TXD_DTYP_CONTEXT << 20)
#define PAYLEN(len) ((uint32_t)(len) << 14)
#define IDX(n) ((uint32_t)(n) << 4)

/* The two quads of a context descriptor. */
static inline unsigned int tx_put_context(struct card *card, unsigned int vf, unsigned int idx,
					  unsigned int vlan, unsigned int maclen,
					  unsigned int iplen, unsigned int l4t, unsigned int l4len,
					  unsigned int mss)
{
	return tx_put(card, vf, vlan << 16 | maclen << 9 | iplen, CONTEXT | l4t << 11,
		      IDX(idx) | l4len << 8 | mss << 16);
}

/* A frame in one advanced descriptor, no offloads. */
static inline unsigned int tx_put_simple(struct card *card, unsigned int vf, uint32_t offset,
					 uint32_t len)
{
	return tx_put(card, vf, GUEST_IOVA + offset, DATA | LAST | len, PAYLEN(len));
}

static inline uint8_t *at(struct card *card, unsigned int vf, uint32_t offset)
{
	return card->guest[vf].memory + offset;
}

static inline struct ixgbe_txq *txq(struct card *card, unsigned int vf)
{
	return &card->pf->txq[vf * 4];
}

static inline uint32_t tx_head(struct card *card, unsigned int vf)
{
	return vf_read(card, vf, tx_block(0) + IXGBE_Q_HEAD * 4);
}

static inline uint32_t rx_head(struct card *card, unsigned int vf, unsigned int q)
{
	return vf_read(card, vf, rx_block(q) + IXGBE_Q_HEAD * 4);
}

/* One burst of @vf's queue into card->burst. */
static inline unsigned int tx_burst(struct card *card, unsigned int vf)
{
	card->burst.n = card->burst.segments = 0;
	return ixgbe_model_ops.tx_burst(txq(card, vf), &card->burst, 1000);
}

static inline void tx_complete(struct card *card, unsigned int vf)
{
	ixgbe_model_ops.tx_complete(txq(card, vf), &card->burst, 1000);
}

/* @frame comes for @pool, from anywhere. */
static inline void receive(struct card *card, unsigned int pool, const struct frame *frame)
{
	card->burst.frame[0] = *frame;
	card->burst.same_kind = card->burst.same_flow = 0;
	ixgbe_model_ops.rx_burst(ixgbe_pool(card->pf, pool), &card->burst, 1, 1);
}

/* Everything @from has posted goes to pool @to, burst by burst. */
static inline void run(struct card *card, unsigned int from, unsigned int to)
{
	while (tx_burst(card, from)) {
		ixgbe_model_ops.rx_burst(ixgbe_pool(card->pf, to), &card->burst,
					 UINT64_MAX >> (FRAME_BURST - card->burst.n), 1000);
		tx_complete(card, from);
	}
}

/* --- frames -------------------------------------------------------------------------------- */

/* Fill @len bytes with a pattern, Ethernet header with an experimental type in front. */
static inline void make_frame(uint8_t *to, uint32_t len)
{
	for (uint32_t i = 0; i < len; i++)
		to[i] = (uint8_t)(i * 7 + len);
	memcpy(to, (const uint8_t[]){ 2, 0, 0, 0, 0, 2, 2, 0, 0, 0, 0, 1, 0x88, 0xb5 }, 14);
}

/* A TCP/IPv4 frame of @len bytes, checksums left 0. */
static inline void make_tcp4(uint8_t *to, uint32_t len)
{
	static const uint8_t headers[] = { 2,  0,    0,	   0,	 0,  2, 2, 0,	 0,  0, 0,
					   1,  0x08, 0x00, 0x45, 0,  0, 0, 0x12, 3,  0, 0,
					   64, 6,    0,	   0,	 10, 0, 0, 1,	 10, 0, 0,
					   2,  4,    0xd2, 0,	 7,  0, 0, 0,	 1,  0, 0,
					   0,  0,    0x50, 0x18, 1,  0, 0, 0,	 0,  0 };

	make_frame(to, len);
	memcpy(to, headers, sizeof(headers));
	put_be16(to + 16, (uint16_t)(len - 14));
}

static inline uint16_t tcp4_pseudo(const uint8_t *frame, uint32_t tcp_len)
{
	uint64_t sum = csum_partial(frame + 26, 8, 0);

	return (uint16_t)~csum_fold(sum + __builtin_bswap16(6) +
				    __builtin_bswap16((uint16_t)tcp_len));
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, card_setup, card_teardown)

#endif
