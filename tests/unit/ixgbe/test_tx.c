/* SPDX-License-Identifier: BSD-3-Clause */
/* test_tx.c - transmit descriptors: what becomes a frame, what is dropped, what is written back. */
#include "traffic.h"

#include <netinet/in.h>

static uint64_t bad(struct card *card, unsigned int vf)
{
	return card->stats[vf].drop[VPORT_DROP_TX_BAD_DESCRIPTOR];
}

static uint64_t faults(struct card *card, unsigned int vf)
{
	return card->stats[vf].drop[VPORT_DROP_TX_DMA_FAULT];
}

static bool done(struct card *card, unsigned int vf, unsigned int i)
{
	return tx_desc(card, vf, i)->dword[3] == IXGBE_TXD_DD;
}

/* The bytes of frame @i of the burst are those at @offset. */
static void assert_frame(struct card *card, unsigned int i, const uint8_t *expected, uint32_t len)
{
	const struct frame *frame = &card->burst.frame[i];
	uint32_t at_byte = frame->header_len;

	assert_true(i < card->burst.n);
	assert_int_equal(frame->len, len);
	assert_memory_equal(frame->header, expected, frame->header_len);
	for (unsigned int s = 0; s < frame->segments; s++) {
		assert_memory_equal(frame->segment[s].base, expected + at_byte,
				    frame->segment[s].len);
		at_byte += frame->segment[s].len;
	}
	assert_int_equal(at_byte, len);
}

static void test_simple(void **state)
{
	struct card *card = *state;

	tx_open(card, 0, 64);
	make_frame(at(card, 0, TX_DATA), 60);
	make_frame(at(card, 0, TX_DATA + 0x1000), 1514);
	tx_put_simple(card, 0, TX_DATA, 60);
	tx_put_simple(card, 0, TX_DATA + 0x1000, 1514);
	assert_int_equal(tx_burst(card, 0), 0); /* the tail says when */
	tx_kick(card, 0);
	assert_int_equal(tx_burst(card, 0), 2);
	assert_frame(card, 0, at(card, 0, TX_DATA), 60);
	assert_frame(card, 1, at(card, 0, TX_DATA + 0x1000), 1514);
	assert_int_equal(card->burst.frame[0].header_len, 60);
	assert_int_equal(card->burst.frame[0].segments, 0);
	assert_int_equal(card->burst.frame[1].header_len, 128);
	assert_int_equal(card->burst.frame[1].segments, 1);
	assert_int_equal(card->burst.frame[0].flags, FRAME_LOOPBACK | FRAME_PAD);
	assert_false(done(card, 0, 0));
	assert_int_equal(tx_head(card, 0), 0);
	tx_complete(card, 0);
	assert_true(done(card, 0, 0));
	assert_true(done(card, 0, 1));
	assert_int_equal(tx_head(card, 0), 2);
	assert_int_equal(card->guest[0].signals, 1);
	assert_int_equal(card->pf->state->txq[0].packets, 2);
	assert_int_equal(card->pf->state->txq[0].bytes, 1574);
	assert_int_equal(card->pf->state->pool[0].gptc, 2);
	assert_int_equal(card->pf->state->pool[0].gotc, 1574);
	assert_int_equal(tx_burst(card, 0), 0);
	pf_write(card, IXGBE_HLREG0, 0);
	tx_put_simple(card, 0, TX_DATA, 60);
	tx_kick(card, 0);
	assert_int_equal(tx_burst(card, 0), 1);
	assert_int_equal(card->burst.frame[0].flags, FRAME_LOOPBACK);
}

/* DD only where RS asks for it; it leaves nothing of the old dword. */
static void test_write_back(void **state)
{
	struct card *card = *state;

	tx_open(card, 0, 64);
	make_frame(at(card, 0, TX_DATA), 60);
	for (int i = 0; i < 10; i++)
		tx_put(card, 0, GUEST_IOVA + TX_DATA,
		       DATA | IXGBE_TXD_EOP | (i % 4 == 3 ? IXGBE_TXD_RS : 0) | 60, PAYLEN(60));
	tx_kick(card, 0);
	assert_int_equal(tx_burst(card, 0), 10);
	tx_complete(card, 0);
	for (unsigned int i = 0; i < 10; i++)
		assert_int_equal(tx_desc(card, 0, i)->dword[3], i % 4 == 3 ? 1 : PAYLEN(60));
	assert_int_equal(tx_desc(card, 0, 3)->dword[2], DATA | LAST | 60);
	assert_int_equal(tx_head(card, 0), 10);
	assert_int_equal(card->guest[0].signals, 1);
	tx_put(card, 0, GUEST_IOVA + TX_DATA, DATA | IXGBE_TXD_EOP | 60, PAYLEN(60));
	tx_kick(card, 0);
	assert_int_equal(tx_burst(card, 0), 1);
	tx_complete(card, 0);
	assert_int_equal(card->guest[0].signals, 1); /* nothing reported, nothing raised */
	assert_int_equal(tx_head(card, 0), 11);
}

static void test_legacy(void **state)
{
	struct card *card = *state;
	struct frame *frame = &card->burst.frame[0];
	uint8_t *data;

	tx_open(card, 0, 64);
	data = at(card, 0, TX_DATA);
	make_tcp4(data, 100);
	tx_put(card, 0, GUEST_IOVA + TX_DATA, LAST | 100, 0);
	tx_put(card, 0, GUEST_IOVA + TX_DATA, LAST | IXGBE_TXD_VLE | 100, 0x2064u << 16);
	tx_put(card, 0, GUEST_IOVA + TX_DATA, LAST | IXGBE_TXD_IC | 50u << 16 | 100, 34 << 8);
	tx_put(card, 0, GUEST_IOVA + TX_DATA, LAST | IXGBE_TXD_IC | 24u << 16 | 100, 14 << 8);
	tx_put(card, 0, GUEST_IOVA + TX_DATA, LAST | IXGBE_TXD_IC | 30u << 16 | 100, 14 << 8);
	tx_put(card, 0, GUEST_IOVA + TX_DATA, LAST | IXGBE_TXD_IC | 20u << 16 | 100, 4 << 8);
	tx_kick(card, 0);
	assert_int_equal(tx_burst(card, 0), 5);
	assert_frame(card, 0, data, 100);
	assert_int_equal(frame[0].flags & FRAME_VLAN, 0);
	assert_true(frame[1].flags & FRAME_VLAN);
	assert_int_equal(frame[1].vlan, 0x2064);
	assert_int_equal(frame[1].vlan_tpid, 0x8100);
	assert_true(frame[2].flags & FRAME_L4_CSUM);
	assert_int_equal(frame[2].l4_proto, IPPROTO_TCP);
	assert_int_equal(frame[2].l2_len, 14);
	assert_int_equal(frame[2].l3_len, 20);
	assert_int_equal(frame[3].flags & (FRAME_IP_CSUM | FRAME_L4_CSUM), FRAME_IP_CSUM);
	assert_int_equal(frame[3].l2_len, 14);
	assert_int_equal(frame[4].l4_proto, IPPROTO_TCP); /* CSO - CSS: TCP, wherever it begins */
	assert_int_equal(bad(card, 0), 1);
	tx_complete(card, 0);
	for (unsigned int i = 0; i < 6; i++)
		assert_true(done(card, 0, i));
}

static void test_pieces(void **state)
{
	struct card *card = *state;
	uint8_t *data = at(card, 0, TX_DATA);
	static const uint32_t cuts[] = { 0, 1, 14, 60, 127, 128, 129, 700, 700, 1000 };

	tx_open(card, 0, 64);
	make_frame(data, 1000);
	for (unsigned int i = 0; i + 1 < ARRAY_SIZE(cuts); i++)
		tx_put(card, 0, GUEST_IOVA + TX_DATA + cuts[i],
		       DATA | (i + 2 == ARRAY_SIZE(cuts) ? LAST : 0) | (cuts[i + 1] - cuts[i]),
		       i ? 0 : PAYLEN(1000));
	tx_kick(card, 0);
	assert_int_equal(tx_burst(card, 0), 1);
	assert_frame(card, 0, data, 1000);
	assert_int_equal(card->burst.frame[0].header_len, 128);
	tx_complete(card, 0);
	assert_int_equal(tx_head(card, 0), 9);
	assert_int_equal(bad(card, 0), 0);
}

/* A buffer over maps that do not follow each other in host memory. */
static void test_scattered(void **state)
{
	struct card *card = *state;
	struct guest *guest = &card->guest[0];
	uint8_t expected[3 * 4096];
	uint64_t iova = 0x40000000;

	tx_open(card, 0, 64);
	for (unsigned int i = 0; i < 3; i++) {
		assert_int_equal(iommu_map(guest->domain, iova + i * 4096, 4096, IOMMU_READ,
					   guest->fd, TX_DATA + (2 - i) * 0x4000),
				 0);
	}
	make_frame(expected, sizeof(expected));
	for (unsigned int i = 0; i < 3; i++)
		memcpy(at(card, 0, TX_DATA + (2 - i) * 0x4000), expected + i * 4096, 4096);
	tx_put(card, 0, iova, DATA | LAST | 9000, PAYLEN(9000));
	tx_put(card, 0, iova + 4096 - 20, DATA | LAST | 100, PAYLEN(100));
	tx_put(card, 0, iova + 8192, DATA | LAST | 4097, PAYLEN(4097)); /* one byte too far */
	tx_kick(card, 0);
	assert_int_equal(tx_burst(card, 0), 2);
	assert_frame(card, 0, expected, 9000);
	assert_int_equal(card->burst.frame[0].segments, 3);
	assert_frame(card, 1, expected + 4096 - 20, 100);
	assert_int_equal(faults(card, 0), 1);
	tx_complete(card, 0);
	assert_true(done(card, 0, 2));
}

static void test_contexts(void **state)
{
	struct card *card = *state;
	struct frame *frame = &card->burst.frame[0];

	tx_open(card, 0, 64);
	make_tcp4(at(card, 0, TX_DATA), 1054);
	tx_put_context(card, 0, 0, 0x123, 14, 20, IXGBE_CTX_L4T_TCP, 0, 0);
	tx_put_context(card, 0, 1, 0, 14, 20, IXGBE_CTX_L4T_TCP, 20, 100);
	tx_put(card, 0, GUEST_IOVA + TX_DATA, DATA | LAST | 1054,
	       PAYLEN(1054) | IXGBE_TXD_CC | IXGBE_TXD_TXSM | IXGBE_TXD_IXSM);
	tx_put(card, 0, GUEST_IOVA + TX_DATA, DATA | LAST | IXGBE_TXD_VLE | 1054,
	       PAYLEN(1054) | IXGBE_TXD_CC);
	tx_put(card, 0, GUEST_IOVA + TX_DATA, DATA | LAST | IXGBE_TXD_TSE | 1054,
	       PAYLEN(1000) | IXGBE_TXD_CC | IDX(1) | IXGBE_TXD_TXSM);
	tx_kick(card, 0);
	assert_int_equal(tx_burst(card, 0), 3);
	assert_int_equal(frame[0].flags & (FRAME_IP_CSUM | FRAME_L4_CSUM | FRAME_TSO | FRAME_VLAN),
			 FRAME_IP_CSUM | FRAME_L4_CSUM);
	assert_int_equal(frame[0].l4_proto, IPPROTO_TCP);
	assert_int_equal(frame[0].l2_len, 14);
	assert_int_equal(frame[0].l3_len, 20);
	assert_true(frame[1].flags & FRAME_VLAN);
	assert_int_equal(frame[1].vlan, 0x123);
	assert_true(frame[2].flags & FRAME_TSO);
	assert_int_equal(frame[2].mss, 100);
	assert_int_equal(frame[2].l4_len, 20);
	tx_complete(card, 0);
	assert_int_equal(tx_head(card, 0), 5);
	assert_int_equal(tx_desc(card, 0, 0)->dword[3], 0); /* contexts: no RS, no DD */
	assert_int_equal(card->pf->state->pool[0].gptc, 12);

	/* They stay for later frames ... */
	tx_put(card, 0, GUEST_IOVA + TX_DATA, DATA | LAST | IXGBE_TXD_TSE | 1054,
	       PAYLEN(1000) | IXGBE_TXD_CC | IDX(1));
	tx_kick(card, 0);
	assert_int_equal(tx_burst(card, 0), 1);
	tx_complete(card, 0);
	/* ... but not over a reset. */
	vf_write(card, 0, IXGBE_VFCTRL, IXGBE_VFCTRL_RST);
	pf_write(card, IXGBE_VFTE, 0xffffffff);
	tx_open(card, 0, 64);
	tx_put(card, 0, GUEST_IOVA + TX_DATA, DATA | LAST | IXGBE_TXD_TSE | 1054,
	       PAYLEN(1000) | IXGBE_TXD_CC | IDX(1));
	tx_put(card, 0, GUEST_IOVA + TX_DATA, DATA | LAST | 1054, PAYLEN(1054) | IXGBE_TXD_CC);
	tx_kick(card, 0);
	assert_int_equal(tx_burst(card, 0), 1); /* CC alone needs none */
	assert_int_equal(bad(card, 0), 1);
}

/* An in-band tag becomes metadata; with VLE it stays inside the inserted one. */
static void test_in_band_tag(void **state)
{
	struct card *card = *state;
	uint8_t *data = at(card, 0, TX_DATA);

	tx_open(card, 0, 64);
	make_frame(data, 100);
	put_be16(data + 12, 0x8100);
	put_be16(data + 14, 0x0042);
	put_be16(data + 16, 0x88b5);
	tx_put_simple(card, 0, TX_DATA, 100);
	tx_put_context(card, 0, 0, 0x99, 14, 0, 0, 0, 0);
	tx_put(card, 0, GUEST_IOVA + TX_DATA, DATA | LAST | IXGBE_TXD_VLE | 100, PAYLEN(100));
	tx_kick(card, 0);
	assert_int_equal(tx_burst(card, 0), 2);
	assert_int_equal(card->burst.frame[0].vlan, 0x42);
	assert_int_equal(card->burst.frame[0].len, 96);
	assert_int_equal(card->burst.frame[1].vlan, 0x99);
	assert_frame(card, 1, data, 100);
}

static void test_waits_for_eop(void **state)
{
	struct card *card = *state;
	uint8_t *data = at(card, 0, TX_DATA);

	tx_open(card, 0, 64);
	make_frame(data, 300);
	tx_put_simple(card, 0, TX_DATA, 60);
	tx_put(card, 0, GUEST_IOVA + TX_DATA, DATA | 100, PAYLEN(300));
	tx_put(card, 0, GUEST_IOVA + TX_DATA + 100, DATA | 100, 0);
	tx_kick(card, 0);
	assert_int_equal(tx_burst(card, 0), 1);
	tx_complete(card, 0);
	assert_int_equal(tx_head(card, 0), 1);
	assert_int_equal(tx_burst(card, 0), 0);
	tx_put(card, 0, GUEST_IOVA + TX_DATA + 200, DATA | LAST | 100, 0);
	tx_kick(card, 0);
	assert_int_equal(tx_burst(card, 0), 1);
	assert_frame(card, 0, data, 300);
	tx_complete(card, 0);
	assert_int_equal(tx_head(card, 0), 4);
	assert_int_equal(bad(card, 0), 0);
}

/* One frame of nonsense between two good ones. */
static void expect_bad(struct card *card, unsigned int descs, uint64_t frames)
{
	uint64_t before = bad(card, 0);
	uint32_t head = tx_head(card, 0);

	tx_put_simple(card, 0, TX_DATA, 1054);
	tx_kick(card, 0);
	assert_int_equal(tx_burst(card, 0), 1);
	assert_int_equal(card->burst.frame[0].len, 1054);
	tx_complete(card, 0);
	assert_int_equal(bad(card, 0), before + frames);
	assert_int_equal(tx_head(card, 0), (head + descs + 1) % 256);
}

static void test_bad(void **state)
{
	struct card *card = *state;
	uint64_t data = GUEST_IOVA + TX_DATA;

	tx_open(card, 0, 256);
	make_tcp4(at(card, 0, TX_DATA), 1054);
	tx_put(card, 0, data, DATA | LAST | 1054, PAYLEN(1053)); /* PAYLEN */
	expect_bad(card, 1, 1);
	tx_put(card, 0, data, DATA | LAST, 0); /* no bytes */
	expect_bad(card, 1, 1);
	tx_put_simple(card, 0, TX_DATA, 13); /* shorter than its header */
	expect_bad(card, 1, 1);
	tx_put(card, 0, data, IXGBE_TXD_DEXT | 7u << 20 | LAST | 60, PAYLEN(60)); /* DTYP */
	expect_bad(card, 1, 1);
	tx_put(card, 0, data, DATA | LAST | 1054, PAYLEN(1054) | IXGBE_TXD_TXSM); /* no context */
	expect_bad(card, 1, 1);
	tx_put(card, 0, data, DATA | LAST | 1054, PAYLEN(1054) | IXGBE_TXD_IXSM | IDX(7));
	expect_bad(card, 1, 1);
	tx_put_context(card, 0, 0, 0, 14, 20, 3, 20, 100); /* L4T 3 */
	tx_put(card, 0, data, DATA | LAST | 1054, PAYLEN(1054) | IXGBE_TXD_TXSM);
	expect_bad(card, 2, 1);
	tx_put_context(card, 0, 0, 0, 14, 20, IXGBE_CTX_L4T_TCP, 20, 0); /* MSS 0 */
	tx_put(card, 0, data, DATA | LAST | IXGBE_TXD_TSE | 1054, PAYLEN(1000));
	expect_bad(card, 2, 1);
	tx_put_context(card, 0, 0, 0, 14, 20, IXGBE_CTX_L4T_TCP, 20, 100);
	tx_put(card, 0, data, DATA | LAST | IXGBE_TXD_TSE | 1054, PAYLEN(1054)); /* PAYLEN */
	expect_bad(card, 2, 1);
	tx_put_context(card, 0, 0, 0, 127, 511, IXGBE_CTX_L4T_TCP, 255, 100); /* headers */
	tx_put(card, 0, data, DATA | LAST | IXGBE_TXD_TSE | 1054, PAYLEN(1054 - 127 - 511 - 255));
	expect_bad(card, 2, 1);
	tx_put(card, 0, data, DATA | LAST | 1054, PAYLEN(1054) | IXGBE_TXD_IPSEC);
	expect_bad(card, 1, 1);
	tx_put(card, 0, data, DATA | 500, PAYLEN(1054)); /* a context inside a frame */
	tx_put_context(card, 0, 0, 0, 14, 20, 0, 0, 0);
	tx_put(card, 0, data, DATA | LAST | 554, 0);
	expect_bad(card, 3, 1);
	tx_put(card, 0, data, DATA | 500, PAYLEN(1054)); /* legacy inside advanced */
	tx_put(card, 0, data, LAST | 554, 0);
	expect_bad(card, 2, 1);
	tx_put(card, 0, data, DATA | LAST | 20000, PAYLEN(20000)); /* longer than any frame */
	expect_bad(card, 1, 1);
	for (unsigned int i = 0; i <= FRAME_MAX_SEGMENTS; i++)
		tx_put(card, 0, data, DATA | (i == FRAME_MAX_SEGMENTS ? LAST : 0) | 20,
		       PAYLEN(1300));
	expect_bad(card, FRAME_MAX_SEGMENTS + 1, 1);
	assert_int_equal(faults(card, 0), 0);
}

/* A frame of more descriptors than are looked at in one burst: skipped to its end. */
static void test_endless_frame(void **state)
{
	struct card *card = *state;
	unsigned int last;

	tx_open(card, 0, 512);
	make_frame(at(card, 0, TX_DATA), 60);
	for (unsigned int i = 0; i < 300; i++)
		tx_put(card, 0, GUEST_IOVA + TX_DATA, DATA | 20, PAYLEN(60));
	tx_kick(card, 0);
	for (unsigned int i = 0; i < 5; i++)
		assert_int_equal(tx_burst(card, 0), 0);
	assert_int_equal(tx_head(card, 0), 300);
	last = tx_put(card, 0, GUEST_IOVA + TX_DATA, DATA | LAST | 20, 0);
	tx_put_simple(card, 0, TX_DATA, 60);
	tx_kick(card, 0);
	assert_int_equal(tx_burst(card, 0), 1);
	tx_complete(card, 0);
	assert_true(done(card, 0, last));
	assert_int_equal(tx_head(card, 0), 302);
	assert_int_equal(bad(card, 0), 1);
}

static void test_fault(void **state)
{
	struct card *card = *state;
	struct iommu_fault fault;

	tx_open(card, 0, 64);
	make_frame(at(card, 0, TX_DATA), 60);
	tx_put(card, 0, 0x1000, DATA | LAST | 60, PAYLEN(60));
	tx_put(card, 0, GUEST_IOVA + GUEST_SIZE - 59, DATA | LAST | 60, PAYLEN(60));
	tx_put(card, 0, UINT64_MAX - 10, DATA | LAST | 60, PAYLEN(60));
	tx_put_simple(card, 0, TX_DATA, 60);
	tx_kick(card, 0);
	assert_int_equal(tx_burst(card, 0), 1);
	tx_complete(card, 0);
	assert_int_equal(faults(card, 0), 3);
	assert_int_equal(bad(card, 0), 0);
	for (unsigned int i = 0; i < 4; i++)
		assert_true(done(card, 0, i));
	assert_int_equal(iommu_faults(card->guest[0].domain, &fault, 1), 1);
	assert_int_equal(fault.perm, IOMMU_READ);
	assert_int_equal(fault.len, 60);
}

/* A ring that is nowhere costs one fault, and works once it is mapped. */
static void test_ring_fault(void **state)
{
	struct card *card = *state;
	struct guest *guest = &card->guest[0];
	uint64_t before;

	tx_open(card, 0, 64);
	make_frame(at(card, 0, TX_DATA), 60);
	tx_put_simple(card, 0, TX_DATA, 60);
	assert_int_equal(iommu_unmap(guest->domain, GUEST_IOVA, GUEST_IOVA + GUEST_SIZE - 1, NULL),
			 0);
	tx_kick(card, 0);
	before = guest->iommu->fault_count[IOMMU_FAULT_NOT_MAPPED];
	for (unsigned int i = 0; i < 10; i++)
		assert_int_equal(tx_burst(card, 0), 0);
	assert_int_equal(guest->iommu->fault_count[IOMMU_FAULT_NOT_MAPPED], before + 1);
	assert_int_equal(iommu_map(guest->domain, GUEST_IOVA, GUEST_SIZE, RW, guest->fd, 0), 0);
	assert_int_equal(tx_burst(card, 0), 1);
	tx_complete(card, 0);
	assert_true(done(card, 0, 0));

	/* Readable, but not writable: the frame goes, its DD does not. */
	assert_int_equal(iommu_unmap(guest->domain, GUEST_IOVA, GUEST_IOVA + GUEST_SIZE - 1, NULL),
			 0);
	assert_int_equal(iommu_map(guest->domain, GUEST_IOVA, GUEST_SIZE, IOMMU_READ, guest->fd, 0),
			 0);
	tx_put_simple(card, 0, TX_DATA, 60);
	tx_kick(card, 0);
	assert_int_equal(tx_burst(card, 0), 1);
	tx_complete(card, 0);
	assert_false(done(card, 0, 1));
	assert_int_equal(guest->iommu->fault_count[IOMMU_FAULT_PERMISSION], 1);
	assert_int_equal(guest->signals, 1);
}

static void test_wrap(void **state)
{
	struct card *card = *state;
	unsigned int sent = 0;

	tx_open(card, 0, 8);
	make_frame(at(card, 0, TX_DATA), 1000);
	for (unsigned int round = 0; round < 20; round++) {
		unsigned int at_desc = card->guest[0].tx_tail;

		for (unsigned int i = 0; i < 5; i++)
			tx_put(card, 0, GUEST_IOVA + TX_DATA + i * 200,
			       DATA | (i == 4 ? LAST : 0) | 200, i ? 0 : PAYLEN(1000));
		tx_kick(card, 0);
		assert_int_equal(tx_burst(card, 0), 1);
		assert_frame(card, 0, at(card, 0, TX_DATA), 1000);
		tx_complete(card, 0);
		sent += 5;
		assert_int_equal(tx_head(card, 0), sent % 8);
		assert_true(done(card, 0, (at_desc + 4) % 8));
	}
}

static void test_bounds(void **state)
{
	struct card *card = *state;

	tx_open(card, 0, 512);
	make_frame(at(card, 0, TX_DATA), 60);
	for (unsigned int i = 0; i < 300; i++)
		tx_put_simple(card, 0, TX_DATA, 60);
	tx_kick(card, 0);
	assert_int_equal(tx_burst(card, 0), FRAME_BURST);
	tx_complete(card, 0);
	for (unsigned int left = 300 - FRAME_BURST; left;) {
		unsigned int n = tx_burst(card, 0);

		assert_true(n && n <= FRAME_BURST);
		left -= n;
		tx_complete(card, 0);
	}
	/* As many segments as fit the burst, the rest next time. */
	for (unsigned int f = 0; f < 12; f++)
		for (unsigned int i = 0; i < 40; i++)
			tx_put(card, 0, GUEST_IOVA + TX_DATA + i, DATA | (i == 39 ? LAST : 0) | 30,
			       PAYLEN(1200));
	tx_kick(card, 0);
	for (unsigned int left = 12; left;) {
		unsigned int n = tx_burst(card, 0);

		assert_true(n);
		assert_true(card->burst.segments <= BURST_SEGMENTS);
		left -= n;
		tx_complete(card, 0);
	}
	assert_int_equal(bad(card, 0), 0);
}

static void test_enables(void **state)
{
	struct card *card = *state;

	tx_open(card, 0, 64);
	make_frame(at(card, 0, TX_DATA), 60);
	tx_put_simple(card, 0, TX_DATA, 60);
	tx_kick(card, 0);
	pf_write(card, IXGBE_DMATXCTL, 0);
	assert_int_equal(tx_burst(card, 0), 0);
	pf_write(card, IXGBE_DMATXCTL, IXGBE_DMATXCTL_TE);
	vf_write(card, 0, tx_block(0) + IXGBE_Q_CTL * 4, 0);
	assert_int_equal(tx_burst(card, 0), 0);
	vf_write(card, 0, tx_block(0) + IXGBE_Q_CTL * 4, IXGBE_QCTL_ENABLE);
	vf_write(card, 0, tx_block(0) + IXGBE_Q_TAIL * 4, 64); /* beyond the ring */
	assert_int_equal(tx_burst(card, 0), 0);
	vf_write(card, 0, tx_block(0) + IXGBE_Q_TAIL * 4, 1);
	assert_int_equal(tx_burst(card, 0), 1);
	tx_complete(card, 0);
	vf_write(card, 0, tx_block(0) + IXGBE_Q_LEN * 4, 0); /* no ring at all */
	vf_write(card, 0, tx_block(0) + IXGBE_Q_TAIL * 4, 2);
	assert_int_equal(tx_burst(card, 0), 0);
	assert_int_equal(tx_burst(card, 0), 0);
}

/* ENABLE off and on between two looks, registers shared: base and head tell. */
static void test_silent_restart(void **state)
{
	struct card *card = *state;
	ixgbe_reg *block = ixgbe_tx_regs(card->pf, 0);

	tx_open(card, 0, 64);
	make_frame(at(card, 0, TX_DATA), 60);
	for (unsigned int i = 0; i < 5; i++)
		tx_put_simple(card, 0, TX_DATA, 60);
	tx_kick(card, 0);
	assert_int_equal(tx_burst(card, 0), 5);
	tx_complete(card, 0);
	reg_store(&block[IXGBE_Q_HEAD], 0);
	reg_store(&block[IXGBE_Q_TAIL], 0);
	card->guest[0].tx_tail = 0;
	assert_int_equal(tx_burst(card, 0), 0);
	tx_put_simple(card, 0, TX_DATA, 60);
	reg_store(&block[IXGBE_Q_TAIL], 1);
	assert_int_equal(tx_burst(card, 0), 1);
	tx_complete(card, 0);
	assert_int_equal(tx_head(card, 0), 1);
	reg_store(&block[IXGBE_Q_HEAD], 0xffff); /* no descriptor of this ring */
	reg_store(&block[IXGBE_Q_TAIL], 0);
	assert_int_equal(tx_burst(card, 0), 0);
	assert_int_equal(tx_head(card, 0), 0);
}

/* A reset between burst and completion: the head stays where the reset put it. */
static void test_reset_under_way(void **state)
{
	struct card *card = *state;

	tx_open(card, 0, 64);
	make_frame(at(card, 0, TX_DATA), 60);
	for (unsigned int i = 0; i < 5; i++)
		tx_put_simple(card, 0, TX_DATA, 60);
	tx_kick(card, 0);
	assert_int_equal(tx_burst(card, 0), 5);
	vf_write(card, 0, IXGBE_VFCTRL, IXGBE_VFCTRL_RST);
	tx_complete(card, 0);
	assert_int_equal(tx_head(card, 0), 0);
	assert_int_equal(tx_burst(card, 0), 0);
}

/* A million descriptors of nonsense: no crash, bounded work, every one is consumed. */
static void test_garbage(void **state)
{
	struct card *card = *state;
	uint64_t total = 0, entered = 0, seed = 42;
	unsigned int idle = 0;

	tx_open(card, 1, 1024);
	for (unsigned int i = 0; i < 256 * 1024 / 8; i++) {
		seed = seed * 6364136223846793005ull + 1442695040888963407ull;
		put_le64(at(card, 1, TX_DATA + i * 8), seed);
	}
	while (total < 1000000) {
		for (unsigned int i = 0; i < 500; i++, total++) {
			uint32_t dw2, dw3;
			uint64_t quad;

			seed = seed * 6364136223846793005ull + 1442695040888963407ull;
			quad = seed >> 60 ? GUEST_IOVA + TX_DATA + (seed >> 20 & 0x3ffff) : seed;
			seed = seed * 6364136223846793005ull + 1442695040888963407ull;
			dw2 = (uint32_t)(seed >> 32);
			dw3 = (uint32_t)(seed >> 3);
			if (seed & 1) /* likelier to pass the first checks */
				dw2 = (dw2 & ~0x00f0f000u) | DATA;
			if ((seed & 6) == 6) {
				dw2 |= IXGBE_TXD_EOP;
				dw3 = (dw3 & 0x3f7f) | PAYLEN(dw2 & 0xffff);
			}
			if ((seed & 0x70) == 0x70) {
				quad = (quad & 0xffff0000) | 14 << 9 | 20;
				dw2 = CONTEXT | (dw2 & 0x1800);
			}
			tx_put(card, 1, quad, dw2, dw3);
		}
		tx_kick(card, 1);
		for (unsigned int i = 0; i < 40; i++) {
			if (tx_burst(card, 1)) {
				entered += card->burst.n;
				for (unsigned int f = 0; f < card->burst.n; f++)
					assert_true(card->burst.frame[f].header_len >= 14);
				tx_complete(card, 1);
			}
		}
		idle = (card->guest[1].tx_tail - tx_head(card, 1)) & 1023;
		assert_true(idle <= FRAME_MAX_SEGMENTS); /* at most one unfinished frame */
	}
	assert_true(entered > 1000);
	assert_true(bad(card, 1) > 1000);
	assert_true(faults(card, 1) > 100);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_simple),	   TEST(test_write_back),      TEST(test_legacy),
		TEST(test_pieces),	   TEST(test_scattered),       TEST(test_contexts),
		TEST(test_in_band_tag),	   TEST(test_waits_for_eop),   TEST(test_bad),
		TEST(test_endless_frame),  TEST(test_fault),	       TEST(test_ring_fault),
		TEST(test_wrap),	   TEST(test_bounds),	       TEST(test_enables),
		TEST(test_silent_restart), TEST(test_reset_under_way), TEST(test_garbage),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
