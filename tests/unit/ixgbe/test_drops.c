/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * test_drops.c - where every frame goes: what a driver posts, good or bad, is in the burst or in one drop counter of its
 * VF; what becomes of it on the wire is received or in one drop counter of the receiver. Whatever state both are in.
 */
#include "traffic.h"

#define ROUNDS 3000
#define RING 64u
#define NOWHERE 0x7000000000ull /* in nobody's domain */
#define HEADERS 54u
#define JUMBO 9000u
#define MAXFRS_STANDARD (1518u << IXGBE_MAXFRS_SHIFT)
#define MAXFRS_JUMBO (9018u << IXGBE_MAXFRS_SHIFT)

static unsigned int any(unsigned int n)
{
	return (unsigned int)random() % n;
}

/* Why a sender's, a receiver's frames are dropped on this way: bitmaps of enum vport_drop. */
#define SENDER (BIT(VPORT_DROP_TX_BAD_DESCRIPTOR) | BIT(VPORT_DROP_TX_DMA_FAULT))
#define RECEIVER                                                          \
	(BIT(VPORT_DROP_RX_NO_DESCRIPTOR) | BIT(VPORT_DROP_RX_DISABLED) | \
	 BIT(VPORT_DROP_RX_TOO_LONG) | BIT(VPORT_DROP_RX_DMA_FAULT))

static uint64_t drops(const struct card *card, unsigned int vf)
{
	uint64_t total = 0;

	for (enum vport_drop i = 0; i < VPORT_DROPS; i++)
		total += card->stats[vf].drop[i];
	return total;
}

static void put_request(struct card *card, uint32_t payload, uint32_t mss)
{
	tx_put_context(card, 0, 0, 0, 14, 20, 1, 20, mss);
	tx_put(card, 0, GUEST_IOVA + TX_DATA, DATA | IXGBE_TXD_TSE | LAST | (HEADERS + payload),
	       PAYLEN(payload) | IXGBE_TXD_TXSM);
}

/* One frame of any kind; some make no sense, some are where there is no memory. */
static void put_any(struct card *card)
{
	switch (any(9)) {
	case 0:
		put_request(card, 1 + any(8000), 500 + any(1000));
		break;
	case 1:
		put_request(card, 1 + any(8000), any(IXGBE_TX_MSS_MIN));
		break;
	case 2:
		tx_put(card, 0, NOWHERE, DATA | LAST | 60, PAYLEN(60));
		break;
	case 3:
		tx_put_simple(card, 0, TX_DATA, any(14)); /* no Ethernet header */
		break;
	case 4:
		tx_put_simple(card, 0, TX_DATA, FRAME_MAX_LEN + 1 + any(1000));
		break;
	case 5: /* the second half is missing */
		tx_put(card, 0, GUEST_IOVA + TX_DATA, DATA | 100, PAYLEN(200));
		tx_put(card, 0, NOWHERE, DATA | LAST | 100, 0);
		break;
	case 6:
		tx_put_simple(card, 0, TX_DATA, JUMBO);
		break;
	default:
		tx_put_simple(card, 0, TX_DATA, 60 + any(1455));
	}
}

/* VF 1 as its driver, its PF or an accident may have left it. */
static void any_receiver(struct card *card)
{
	const uint32_t buffer_kib = any(8) ? 2 : any(17);

	rx_open(card, 1, 0, RING, any(3) ? RING - 1 : any(RING),
		buffer_kib | 1u << 25 | (any(2) ? IXGBE_SRRCTL_DROP_EN : 0), 0);
	pf_write(card, IXGBE_VFRE, any(10) ? UINT32_MAX : ~BIT(1));
	pf_write(card, IXGBE_RXCTRL, any(20) ? IXGBE_RXCTRL_RXEN : 0);
	pf_write(card, IXGBE_MAXFRS, any(3) ? MAXFRS_JUMBO : MAXFRS_STANDARD);
	if (!any(10))
		vf_write(card, 1, rx_block(0) + IXGBE_Q_CTL * 4, 0);
	if (!any(10))
		vf_write(card, 1, rx_block(0) + IXGBE_Q_BAH * 4, (uint32_t)(NOWHERE >> 32));
	for (unsigned int i = 0; i < RING; i++)
		if (!any(50))
			rx_desc(card, 1, 0, i)->dword[1] = (uint32_t)(NOWHERE >> 32);
}

static void test_every_frame_is_somewhere(void **state)
{
	struct card *card = *state;
	const struct vport_stats *from = &card->stats[0], *to = &card->stats[1];
	uint64_t posted = 0, decoded = 0, packets = 0;

	srandom(7);
	pf_write(card, IXGBE_HLREG0, IXGBE_HLREG0_JUMBOEN | IXGBE_HLREG0_TXPADEN);
	make_tcp4(at(card, 0, TX_DATA), HEADERS);
	tx_open(card, 0, 256);
	for (unsigned int round = 0; round < ROUNDS; round++) {
		unsigned int n = 1 + any(40);

		any_receiver(card);
		for (unsigned int i = 0; i < n; i++)
			put_any(card);
		posted += n;
		tx_kick(card, 0);
		while (tx_head(card, 0) != card->guest[0].tx_tail) {
			if (!tx_burst(card, 0))
				continue;
			decoded += card->burst.n;
			packets += card->burst.packets;
			ixgbe_model_ops.rx_burst(ixgbe_pool(card->pf, 1), &card->burst,
						 UINT64_MAX >> (FRAME_BURST - card->burst.n), 1000);
			tx_complete(card, 0);
		}
		assert_int_equal(decoded + drops(card, 0), posted);
		assert_int_equal(to->rx_packets + drops(card, 1), packets);
	}
	/* Every reason there is on this way has occurred, and no other. */
	for (enum vport_drop i = 0; i < VPORT_DROPS; i++) {
		assert_int_equal(from->drop[i] != 0, !!(SENDER & BIT(i)));
		assert_int_equal(to->drop[i] != 0, !!(RECEIVER & BIT(i)));
	}
	assert_true(to->rx_packets > packets / 4);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_every_frame_is_somewhere),
	};

	return cmocka_run_group_tests_name("drops", tests, NULL, NULL);
}
