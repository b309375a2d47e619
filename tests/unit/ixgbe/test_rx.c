/* SPDX-License-Identifier: BSD-3-Clause */
/* test_rx.c - receive: which queue, which bytes, what the descriptors say. */
#include "traffic.h"

/* Verification suite of the Toeplitz hash, "Verifying the RSS Hash Calculation", Microsoft. */
static const uint8_t key[40] = { 0x6d, 0x5a, 0x56, 0xda, 0x25, 0x5b, 0x0e, 0xc2, 0x41, 0x67,
				 0x25, 0x3d, 0x43, 0xa3, 0x8f, 0xb0, 0xd0, 0xca, 0x2b, 0xcb,
				 0xae, 0x7b, 0x30, 0xb4, 0x77, 0xcb, 0x2d, 0xa3, 0x80, 0x30,
				 0xf2, 0x0c, 0x6a, 0x42, 0xb7, 0x3b, 0xbe, 0xac, 0x01, 0xfa };

static const struct {
	uint8_t source[4], destination[4];
	uint16_t source_port, destination_port;
	uint32_t ip, tcp;
} toeplitz4[] = {
	{ { 66, 9, 149, 187 }, { 161, 142, 100, 80 }, 2794, 1766, 0x323e8fc2, 0x51ccc178 },
	{ { 199, 92, 111, 2 }, { 65, 69, 140, 83 }, 14230, 4739, 0xd718262a, 0xc626b0ea },
	{ { 24, 19, 198, 95 }, { 12, 22, 207, 184 }, 12898, 38024, 0xd2d0a5de, 0x5c2b394a },
	{ { 38, 27, 205, 30 }, { 209, 142, 163, 6 }, 48228, 2217, 0x82989176, 0xafc7327f },
	{ { 153, 39, 163, 191 }, { 202, 188, 127, 2 }, 44251, 1303, 0x5d1809c5, 0x10e828a2 },
};

static const struct {
	uint16_t source[8], destination[8];
	uint16_t source_port, destination_port;
	uint32_t ip, tcp;
} toeplitz6[] = {
	{ { 0x3ffe, 0x2501, 0x200, 0x1fff, 0, 0, 0, 7 },
	  { 0x3ffe, 0x2501, 0x200, 3, 0, 0, 0, 1 },
	  2794,
	  1766,
	  0x2cc18cd5,
	  0x40207d3d },
	{ { 0x3ffe, 0x501, 8, 0, 0x260, 0x97ff, 0xfe40, 0xefab },
	  { 0xff02, 0, 0, 0, 0, 0, 0, 1 },
	  14230,
	  4739,
	  0x0f0c461c,
	  0xdde51bbf },
	{ { 0x3ffe, 0x1900, 0x4545, 3, 0x200, 0xf8ff, 0xfe21, 0x67cf },
	  { 0xfe80, 0, 0, 0, 0x200, 0xf8ff, 0xfe21, 0x67cf },
	  44251,
	  38024,
	  0x4b61e985,
	  0x02d1feef },
};

static uint64_t drops(struct card *card, unsigned int vf, enum vport_drop why)
{
	return card->stats[vf].drop[why];
}

/* VF 0 sends the @len bytes at TX_DATA in one descriptor; VF 1 receives. */
static void send_one(struct card *card, uint32_t len)
{
	tx_put_simple(card, 0, TX_DATA, len);
	tx_kick(card, 0);
	run(card, 0, 1);
}

/* --- the hash ------------------------------------------------------------------------------ */

static void make_ip4(struct frame *frame, unsigned int i, uint8_t protocol)
{
	memset(frame, 0, sizeof(*frame));
	make_tcp4(frame->header, 60);
	frame->header[23] = protocol;
	memcpy(frame->header + 26, toeplitz4[i].source, 4);
	memcpy(frame->header + 30, toeplitz4[i].destination, 4);
	put_be16(frame->header + 34, toeplitz4[i].source_port);
	put_be16(frame->header + 36, toeplitz4[i].destination_port);
	frame->header_len = 60;
	frame->len = 60;
}

static void make_ip6(struct frame *frame, unsigned int i, uint8_t protocol)
{
	memset(frame, 0, sizeof(*frame));
	put_be16(frame->header + 12, 0x86dd);
	frame->header[14] = 0x60;
	put_be16(frame->header + 18, 40);
	frame->header[20] = protocol;
	for (unsigned int w = 0; w < 8; w++) {
		put_be16(frame->header + 22 + w * 2, toeplitz6[i].source[w]);
		put_be16(frame->header + 38 + w * 2, toeplitz6[i].destination[w]);
	}
	put_be16(frame->header + 54, toeplitz6[i].source_port);
	put_be16(frame->header + 56, toeplitz6[i].destination_port);
	frame->header[66] = 0x50;
	frame->header_len = frame->len = 94;
}

static void expect_hash(const struct ixgbe_rss_table *table, uint32_t mrqc, struct frame *frame,
			uint32_t type, uint32_t expected)
{
	uint32_t hash;

	assert_int_equal(frame_finish(frame), 0);
	assert_int_equal(ixgbe_rss_frame(table, mrqc, frame, &hash), type);
	assert_int_equal(hash, expected);
}

static void test_toeplitz(void **state)
{
	struct ixgbe_rss_table table = { .valid = false };
	uint32_t dwords[IXGBE_RSS_KEY_DWORDS], all = 0x00f30000;
	struct frame frame;

	memcpy(dwords, key, sizeof(key));
	ixgbe_rss_load(&table, dwords);
	for (unsigned int i = 0; i < ARRAY_SIZE(toeplitz4); i++) {
		make_ip4(&frame, i, 6);
		expect_hash(&table, all, &frame, IXGBE_RXD_RSSTYPE_TCP4, toeplitz4[i].tcp);
		expect_hash(&table, IXGBE_MRQC_RSS_IP4, &frame, IXGBE_RXD_RSSTYPE_IP4,
			    toeplitz4[i].ip);
		expect_hash(&table, IXGBE_MRQC_RSS_UDP4, &frame, IXGBE_RXD_RSSTYPE_NONE, 0);
		put_be16(frame.header + 20, 0x2000); /* a fragment has no ports */
		expect_hash(&table, all, &frame, IXGBE_RXD_RSSTYPE_IP4, toeplitz4[i].ip);
		make_ip4(&frame, i, 17);
		expect_hash(&table, all, &frame, IXGBE_RXD_RSSTYPE_UDP4, toeplitz4[i].tcp);
		make_ip4(&frame, i, 47);
		expect_hash(&table, all, &frame, IXGBE_RXD_RSSTYPE_IP4, toeplitz4[i].ip);
	}
	for (unsigned int i = 0; i < ARRAY_SIZE(toeplitz6); i++) {
		make_ip6(&frame, i, 6);
		expect_hash(&table, all, &frame, IXGBE_RXD_RSSTYPE_TCP6, toeplitz6[i].tcp);
		expect_hash(&table, IXGBE_MRQC_RSS_IP6, &frame, IXGBE_RXD_RSSTYPE_IP6,
			    toeplitz6[i].ip);
		make_ip6(&frame, i, 17);
		expect_hash(&table, all, &frame, IXGBE_RXD_RSSTYPE_UDP6, toeplitz6[i].tcp);
	}
	make_frame(frame.header, 60);
	expect_hash(&table, all, &frame, IXGBE_RXD_RSSTYPE_NONE, 0);
	dwords[0] ^= 1; /* another key */
	ixgbe_rss_load(&table, dwords);
	make_ip4(&frame, 0, 6);
	assert_int_not_equal(ixgbe_rss_hash(&table, frame.header + 26, 0, 8), toeplitz4[0].ip);
}

static void open_rss(struct card *card, unsigned int vf, uint32_t rqpl)
{
	pf_write(card, IXGBE_MRQC, POOL_MODE_32 | 0x00f30000);
	pf_write(card, IXGBE_RXCSUM, IXGBE_RXCSUM_PCSD);
	for (unsigned int i = 0; i < 10; i++)
		pf_write(card, IXGBE_RSSRK + i * 4, get_le32(key + i * 4));
	for (unsigned int i = 0; i < 32; i++)
		pf_write(card, IXGBE_RETA + i * 4, 0x03020100);
	vf_write(card, vf, IXGBE_VFPSRTYPE, rqpl << IXGBE_PSRTYPE_RQPL_SHIFT);
}

/* --- write-back ---------------------------------------------------------------------------- */

static void expect_desc(struct card *card, unsigned int i, uint32_t dw0, uint32_t dw1, uint32_t dw2,
			uint32_t dw3)
{
	const struct ixgbe_desc *desc = rx_desc(card, 1, 0, i);

	assert_int_equal(desc->dword[0], dw0);
	assert_int_equal(desc->dword[1], dw1);
	assert_int_equal(desc->dword[2], dw2);
	assert_int_equal(desc->dword[3], dw3);
}

#define DONE (IXGBE_RXD_DD | IXGBE_RXD_EOP | IXGBE_RXD_LB)

static void test_advanced(void **state)
{
	struct card *card = *state;
	uint8_t *data = at(card, 0, TX_DATA), *got = at(card, 1, RX_DATA);

	tx_open(card, 0, 64);
	rx_open(card, 1, 0, 64, 63, SRRCTL_ADVANCED_2K, IXGBE_RXDCTL_VME);

	make_frame(data, 200); /* not IP */
	send_one(card, 200);
	expect_desc(card, 0, 0, 0, DONE, 200);
	assert_memory_equal(got, data, 200);

	make_tcp4(data, 200); /* both checksums are wrong; no hash: IP identification */
	send_one(card, 200);
	expect_desc(card, 1, 0x110, 0x1203,
		    DONE | IXGBE_RXD_IPCS | IXGBE_RXD_IPE | IXGBE_RXD_L4CS | IXGBE_RXD_TCPE, 200);
	assert_memory_equal(got + 0x1000, data, 200);

	put_le16(data + 24, csum_fold(csum_partial(data + 14, 20, 0)));
	put_le16(data + 50, tcp4_pseudo(data, 166));
	put_le16(data + 50, csum_fold(csum_partial(data + 34, 166, 0)));
	open_rss(card, 1, 0);
	send_one(card, 200);
	assert_int_equal(rx_desc(card, 1, 0, 2)->dword[0], 0x111);
	assert_int_not_equal(rx_desc(card, 1, 0, 2)->dword[1], 0x1203);
	assert_int_equal(rx_desc(card, 1, 0, 2)->dword[2], DONE | IXGBE_RXD_IPCS | IXGBE_RXD_L4CS);

	data[23] = 17; /* UDP without checksum, one of the few that is short: padded */
	put_be16(data + 16, 28);
	put_be16(data + 38, 8);
	put_le16(data + 40, 0);
	put_le16(data + 24, 0);
	put_le16(data + 24, csum_fold(csum_partial(data + 14, 20, 0)));
	send_one(card, 42);
	assert_int_equal(rx_desc(card, 1, 0, 3)->dword[0], 0x217);
	assert_int_equal(rx_desc(card, 1, 0, 3)->dword[2], DONE | IXGBE_RXD_IPCS);
	assert_int_equal(rx_desc(card, 1, 0, 3)->dword[3], 60);
	assert_memory_equal(got + 0x3000, data, 42);
	for (unsigned int i = 42; i < 60; i++)
		assert_int_equal(got[0x3000 + i], 0);

	assert_int_equal(rx_desc(card, 1, 0, 4)->dword[3], 0xdead0000); /* untouched */
	assert_int_equal(rx_head(card, 1, 0), 4);
	assert_int_equal(card->stats[1].rx_packets, 4);
	assert_int_equal(card->stats[1].rx_bytes, 660);
	assert_int_equal(card->stats[1].rx_csum_bad, 1);
	assert_int_equal(card->pf->state->rxq[4].packets, 4);
	assert_int_equal(card->pf->state->pool[1].gprc, 4);
	assert_int_equal(card->pf->state->pool[1].gorc, 660);
	assert_int_equal(card->guest[1].signals, 4);
}

static void test_ipv6_types(void **state)
{
	struct card *card = *state;
	struct frame frame;

	rx_open(card, 1, 0, 64, 63, SRRCTL_ADVANCED_2K, 0);
	make_ip6(&frame, 0, 6);
	frame.flags = FRAME_CSUM_GOOD;
	assert_int_equal(frame_finish(&frame), 0);
	receive(card, 1, &frame);
	assert_int_equal(rx_desc(card, 1, 0, 0)->dword[0], 0x140);
	assert_int_equal(rx_desc(card, 1, 0, 0)->dword[2] & IXGBE_RXD_LB, 0); /* from the wire */
	assert_int_equal(rx_desc(card, 1, 0, 0)->dword[2] & (IXGBE_RXD_L4CS | IXGBE_RXD_TCPE),
			 IXGBE_RXD_L4CS);
	make_ip6(&frame, 0, 0); /* hop by hop, then UDP */
	frame.header[54] = 17;
	frame.header[55] = 0;
	assert_int_equal(frame_finish(&frame), 0);
	receive(card, 1, &frame);
	assert_int_equal(rx_desc(card, 1, 0, 1)->dword[0], 0x2c0);
	make_ip4(&frame, 0, 132);
	frame.header[14] = 0x46; /* an option */
	assert_int_equal(frame_finish(&frame), 0);
	receive(card, 1, &frame);
	assert_int_equal(rx_desc(card, 1, 0, 2)->dword[0], 0x430);
}

static void test_legacy(void **state)
{
	struct card *card = *state;
	uint8_t *data = at(card, 0, TX_DATA);
	uint64_t address = rx_buffer(0, 0);

	tx_open(card, 0, 64);
	rx_open(card, 1, 0, 16, 8, SRRCTL_LEGACY_2K, 0);
	make_frame(data, 200);
	send_one(card, 200);
	expect_desc(card, 0, (uint32_t)address, (uint32_t)(address >> 32), 200,
		    IXGBE_RXL_DD | IXGBE_RXL_EOP);
	vf_write(card, 1, rx_block(0) + IXGBE_Q_CTL * 4, IXGBE_QCTL_ENABLE | IXGBE_RXDCTL_VME);
	make_tcp4(data + 4, 200);
	memmove(data, data + 4, 12);
	put_be16(data + 12, 0x8100);
	put_be16(data + 14, 0x6123);
	send_one(card, 204);
	assert_int_equal(rx_desc(card, 1, 0, 1)->dword[2], 200);
	assert_int_equal(rx_desc(card, 1, 0, 1)->dword[3],
			 0x61230000 | IXGBE_RXL_DD | IXGBE_RXL_EOP | IXGBE_RXL_VP | IXGBE_RXL_IPCS |
				 IXGBE_RXL_IPE | IXGBE_RXL_L4CS | IXGBE_RXL_TCPE);
	assert_int_equal(get_be16(at(card, 1, RX_DATA + 0x1000) + 12), 0x0800);
}

static void test_vlan(void **state)
{
	struct card *card = *state;
	uint8_t *data = at(card, 0, TX_DATA), *got = at(card, 1, RX_DATA);

	tx_open(card, 0, 64);
	make_frame(data, 100);
	put_be16(data + 12, 0x8100);
	put_be16(data + 14, 0xa00f);
	put_be16(data + 16, 0x88b5);
	rx_open(card, 1, 0, 64, 63, SRRCTL_ADVANCED_2K, IXGBE_RXDCTL_VME);
	send_one(card, 100);
	expect_desc(card, 0, 0, 0, DONE | IXGBE_RXD_VP, 0xa00fu << 16 | 96);
	assert_memory_equal(got, data, 12);
	assert_memory_equal(got + 12, data + 16, 84);
	vf_write(card, 1, rx_block(0) + IXGBE_Q_CTL * 4, IXGBE_QCTL_ENABLE);
	send_one(card, 100);
	expect_desc(card, 1, 0, 0, DONE | IXGBE_RXD_VP, 0xa00fu << 16 | 100);
	assert_memory_equal(got + 0x1000, data, 100);
	assert_int_equal(card->stats[1].rx_bytes, 192); /* the tag is no byte of the frame */
}

/* --- long frames --------------------------------------------------------------------------- */

static void test_jumbo(void **state)
{
	struct card *card = *state;
	uint8_t *data = at(card, 0, TX_DATA), *got = at(card, 1, RX_DATA);
	uint32_t len = 9000;

	pf_write(card, IXGBE_HLREG0, IXGBE_HLREG0_JUMBOEN);
	pf_write(card, IXGBE_MAXFRS, 9004u << IXGBE_MAXFRS_SHIFT);
	tx_open(card, 0, 64);
	make_frame(data, len + 1);
	rx_open(card, 1, 0, 64, 63, SRRCTL_ADVANCED_2K, IXGBE_RXDCTL_VME);
	send_one(card, len);
	for (unsigned int i = 0; i < 4; i++)
		expect_desc(card, i, 0, 0, IXGBE_RXD_DD, 2048);
	expect_desc(card, 4, 0, 0, DONE, len - 4 * 2048);
	for (unsigned int i = 0; i < 5; i++)
		assert_memory_equal(got + i * 0x1000, data + i * 2048, i < 4 ? 2048 : len - 8192);
	assert_int_equal(card->stats[1].rx_packets, 1);
	send_one(card, len + 1);
	assert_int_equal(drops(card, 1, VPORT_DROP_RX_TOO_LONG), 1);
	assert_int_equal(rx_head(card, 1, 0), 5);
	send_one(card, 2048); /* exactly one buffer */
	expect_desc(card, 5, 0, 0, DONE, 2048);

	/* 4 are left of 10: a frame of 5 does not fit, one of 4 does. */
	vf_write(card, 1, rx_block(0) + IXGBE_Q_TAIL * 4, 10);
	send_one(card, len);
	assert_int_equal(drops(card, 1, VPORT_DROP_RX_NO_DESCRIPTOR), 1);
	send_one(card, 8000);
	assert_int_equal(rx_head(card, 1, 0), 10);
	pf_write(card, IXGBE_HLREG0, 0);
	vf_write(card, 1, rx_block(0) + IXGBE_Q_TAIL * 4, 63);
	send_one(card, 1514);
	send_one(card, 1515);
	assert_int_equal(drops(card, 1, VPORT_DROP_RX_TOO_LONG), 2);
	assert_int_equal(rx_head(card, 1, 0), 11);
}

/* A buffer over maps that do not follow each other in host memory. */
static void test_scattered(void **state)
{
	struct card *card = *state;
	struct guest *guest = &card->guest[1];
	uint8_t *data = at(card, 0, TX_DATA);
	uint64_t iova = 0x40000000;

	tx_open(card, 0, 64);
	make_frame(data, 1500);
	rx_open(card, 1, 0, 64, 63, SRRCTL_ADVANCED_2K, 0);
	assert_int_equal(iommu_map(guest->domain, iova, 4096, IOMMU_WRITE, guest->fd, RX_DATA), 0);
	assert_int_equal(iommu_map(guest->domain, iova + 4096, 4096, IOMMU_WRITE, guest->fd,
				   RX_DATA + 0x8000),
			 0);
	rx_desc(card, 1, 0, 0)->dword[0] = (uint32_t)iova + 4096 - 100;
	rx_desc(card, 1, 0, 0)->dword[1] = 0;
	send_one(card, 1500);
	expect_desc(card, 0, 0, 0, DONE, 1500);
	assert_memory_equal(at(card, 1, RX_DATA + 4096 - 100), data, 100);
	assert_memory_equal(at(card, 1, RX_DATA + 0x8000), data + 100, 1400);
}

/* --- what cannot be delivered ---------------------------------------------------------------- */

static void test_no_descriptor(void **state)
{
	struct card *card = *state;

	tx_open(card, 0, 64);
	make_frame(at(card, 0, TX_DATA), 60);
	rx_open(card, 1, 0, 8, 0, SRRCTL_ADVANCED_2K, 0);
	send_one(card, 60); /* tail = head: none */
	assert_int_equal(drops(card, 1, VPORT_DROP_RX_NO_DESCRIPTOR), 1);
	for (unsigned int round = 0; round < 10; round++) {
		unsigned int tail = (round * 5 + 5) % 8;

		for (unsigned int i = 0; i < 5; i++)
			rx_fill(card, 1, 0, (round * 5 + i) % 8);
		vf_write(card, 1, rx_block(0) + IXGBE_Q_TAIL * 4, tail);
		for (unsigned int i = 0; i < 7; i++)
			tx_put_simple(card, 0, TX_DATA, 60);
		tx_kick(card, 0);
		run(card, 0, 1);
		assert_int_equal(rx_head(card, 1, 0), tail);
	}
	assert_int_equal(card->stats[1].rx_packets, 50);
	assert_int_equal(drops(card, 1, VPORT_DROP_RX_NO_DESCRIPTOR), 21);
	assert_int_equal(card->pf->state->rxq[4].drops, 21);
	assert_int_equal(card->guest[1].signals, 10);	      /* once per burst */
	vf_write(card, 1, rx_block(0) + IXGBE_Q_TAIL * 4, 9); /* nonsense */
	send_one(card, 60);
	assert_int_equal(drops(card, 1, VPORT_DROP_RX_NO_DESCRIPTOR), 22);
}

static void test_disabled(void **state)
{
	struct card *card = *state;
	uint64_t expected = 0;

	tx_open(card, 0, 64);
	make_frame(at(card, 0, TX_DATA), 60);
	send_one(card, 60); /* no queue was ever opened */
	assert_int_equal(drops(card, 1, VPORT_DROP_RX_DISABLED), ++expected);
	rx_open(card, 1, 0, 64, 63, SRRCTL_ADVANCED_2K, 0);
	pf_write(card, IXGBE_VFRE, 0xfffffffd);
	send_one(card, 60);
	assert_int_equal(drops(card, 1, VPORT_DROP_RX_DISABLED), ++expected);
	pf_write(card, IXGBE_VFRE, 0xffffffff);
	pf_write(card, IXGBE_RXCTRL, 0);
	send_one(card, 60);
	assert_int_equal(drops(card, 1, VPORT_DROP_RX_DISABLED), ++expected);
	pf_write(card, IXGBE_RXCTRL, IXGBE_RXCTRL_RXEN);
	vf_write(card, 1, rx_block(0) + IXGBE_Q_CTL * 4, 0);
	send_one(card, 60);
	assert_int_equal(drops(card, 1, VPORT_DROP_RX_DISABLED), ++expected);
	vf_write(card, 1, rx_block(0) + IXGBE_Q_CTL * 4, IXGBE_QCTL_ENABLE);
	vf_write(card, 1, rx_block(0) + IXGBE_Q_SRRCTL * 4, 1u << 25); /* buffers of no size */
	send_one(card, 60);
	assert_int_equal(drops(card, 1, VPORT_DROP_RX_DISABLED), ++expected);
	vf_write(card, 1, rx_block(0) + IXGBE_Q_SRRCTL * 4, SRRCTL_ADVANCED_2K);
	send_one(card, 60);
	assert_int_equal(card->stats[1].rx_packets, 1);
	assert_int_equal(drops(card, 1, VPORT_DROP_RX_DISABLED), expected);
}

/* A buffer that cannot be written stays; it is tried again with the next burst. */
static void test_fault(void **state)
{
	struct card *card = *state;
	struct guest *guest = &card->guest[1];

	tx_open(card, 0, 64);
	make_frame(at(card, 0, TX_DATA), 60);
	rx_open(card, 1, 0, 64, 63, SRRCTL_ADVANCED_2K, 0);
	rx_desc(card, 1, 0, 1)->dword[0] = 0x5000;
	rx_desc(card, 1, 0, 1)->dword[1] = 0;
	for (unsigned int i = 0; i < 5; i++)
		tx_put_simple(card, 0, TX_DATA, 60);
	tx_kick(card, 0);
	run(card, 0, 1);
	assert_int_equal(card->stats[1].rx_packets, 1);
	assert_int_equal(drops(card, 1, VPORT_DROP_RX_DMA_FAULT), 4);
	assert_int_equal(guest->iommu->fault_count[IOMMU_FAULT_NOT_MAPPED], 1);
	assert_int_equal(rx_head(card, 1, 0), 1);
	assert_int_equal(rx_desc(card, 1, 0, 1)->dword[0], 0x5000);
	assert_int_equal(iommu_map(guest->domain, 0x5000, 4096, RW, guest->fd, RX_DATA + 0x80000),
			 0);
	send_one(card, 60);
	assert_int_equal(card->stats[1].rx_packets, 2);
	assert_memory_equal(at(card, 1, RX_DATA + 0x80000), at(card, 0, TX_DATA), 60);

	/* The ring is gone: one fault, then silence until the map changes. */
	assert_int_equal(iommu_unmap(guest->domain, GUEST_IOVA, GUEST_IOVA + GUEST_SIZE - 1, NULL),
			 0);
	send_one(card, 60);
	assert_int_equal(drops(card, 1, VPORT_DROP_RX_DMA_FAULT), 5);
	send_one(card, 60);
	send_one(card, 60);
	assert_int_equal(guest->iommu->fault_count[IOMMU_FAULT_NOT_MAPPED], 2);
	assert_int_equal(drops(card, 1, VPORT_DROP_RX_DMA_FAULT), 7);
	assert_int_equal(iommu_map(guest->domain, GUEST_IOVA, GUEST_SIZE, RW, guest->fd, 0), 0);
	send_one(card, 60);
	assert_int_equal(card->stats[1].rx_packets, 3);
}

/* --- queues --------------------------------------------------------------------------------- */

static void test_spread(void **state)
{
	struct card *card = *state;
	uint8_t *data = at(card, 0, TX_DATA);
	uint32_t before[2];
	struct frame frame;

	tx_open(card, 0, 64);
	for (unsigned int q = 0; q < 2; q++)
		rx_open(card, 1, q, 64, 63, SRRCTL_ADVANCED_2K, 0);
	open_rss(card, 1, 1);
	for (unsigned int i = 0; i < ARRAY_SIZE(toeplitz4); i++) {
		unsigned int q = toeplitz4[i].tcp & 1, n = rx_head(card, 1, q);

		make_ip4(&frame, i, 6);
		memcpy(data, frame.header, 60);
		send_one(card, 60);
		assert_int_equal(rx_head(card, 1, q), n + 1);
		assert_int_equal(rx_desc(card, 1, q, n)->dword[1], toeplitz4[i].tcp);
		assert_int_equal(rx_desc(card, 1, q, n)->dword[0], 0x111);
	}
	assert_int_equal(rx_head(card, 1, 0) + rx_head(card, 1, 1), ARRAY_SIZE(toeplitz4));
	assert_int_equal(card->stats[1].rx_packets, ARRAY_SIZE(toeplitz4));
	vf_write(card, 1, IXGBE_VFPSRTYPE, 0); /* one queue: the hash stays */
	make_ip4(&frame, 4, 6);
	for (unsigned int i = 0; i < 3; i++)
		send_one(card, 60);
	assert_int_equal(card->stats[1].rx_packets, ARRAY_SIZE(toeplitz4) + 3);
	assert_true(rx_head(card, 1, 0) >= 3);

	/* Order within a queue, one signal per queue and burst. */
	vf_write(card, 1, IXGBE_VFPSRTYPE, 1u << IXGBE_PSRTYPE_RQPL_SHIFT);
	card->guest[1].signals = 0;
	before[0] = rx_head(card, 1, 0);
	before[1] = rx_head(card, 1, 1);
	for (unsigned int i = 0; i < 20; i++) {
		make_ip4(&frame, i % 5, 6);
		memcpy(data + i * 0x1000, frame.header, 60);
		data[i * 0x1000 + 59] = (uint8_t)i;
		tx_put_simple(card, 0, TX_DATA + i * 0x1000, 60);
	}
	tx_kick(card, 0);
	run(card, 0, 1);
	assert_int_equal(card->guest[1].signals, 2);
	for (unsigned int q = 0; q < 2; q++) {
		const uint8_t *got = at(card, 1, RX_DATA + q * 0x100000);

		for (unsigned int i = before[q] + 1; i < rx_head(card, 1, q); i++)
			assert_true(got[i * 0x1000 + 59] > got[(i - 1) * 0x1000 + 59]);
	}
}

/* Registers that contradict each other lead to no queue of anybody else. */
static void test_wild_modes(void **state)
{
	struct card *card = *state;
	struct frame frame;

	open_rss(card, 1, 7);
	for (unsigned int i = 0; i < 32; i++)
		pf_write(card, IXGBE_RETA + i * 4, 0x0f0f0f0f);
	make_ip4(&frame, 0, 6);
	for (uint32_t mode = 0; mode < 16; mode++) {
		for (uint32_t vt = 0; vt < 4; vt++) {
			pf_write(card, IXGBE_GCR_EXT, vt);
			pf_write(card, IXGBE_MRQC, mode | 0x00f30000);
			for (unsigned int pool = 0; pool < IXGBE_POOLS; pool++)
				receive(card, pool, &frame);
		}
	}
	pf_write(card, IXGBE_VT_CTL, 0);
	for (unsigned int pool = 0; pool < IXGBE_POOLS; pool++)
		receive(card, pool, &frame);
	for (unsigned int pool = 0; pool < IXGBE_POOLS; pool++) {
		assert_int_equal(card->stats[pool].rx_packets, 0);
		assert_int_equal(drops(card, pool, VPORT_DROP_RX_DISABLED), 65);
	}
}

static void test_multicast(void **state)
{
	struct card *card = *state;
	uint8_t *data = at(card, 0, TX_DATA);

	tx_open(card, 0, 64);
	rx_open(card, 1, 0, 64, 63, SRRCTL_ADVANCED_2K, 0);
	make_frame(data, 60);
	data[0] |= 1;
	send_one(card, 60);
	memset(data, 0xff, 6);
	send_one(card, 60);
	send_one(card, 60);
	assert_int_equal(card->stats[1].rx_multicast, 1);
	assert_int_equal(card->stats[1].rx_broadcast, 2);
	assert_int_equal(card->pf->state->pool[1].mprc, 1);
	assert_int_equal(card->stats[1].rx_packets, 3);
}

/* --- segmentation, end to end ---------------------------------------------------------------- */

#define TSO_PAYLOAD 60000u

static void send_tso(struct card *card, uint32_t mss)
{
	uint8_t *data = at(card, 0, TX_DATA);
	uint32_t len = 54 + TSO_PAYLOAD, piece;

	make_tcp4(data, len);
	put_be16(data + 16, 0);			   /* as drivers leave it */
	put_le16(data + 50, tcp4_pseudo(data, 0)); /* without the length */
	tx_put_context(card, 0, 1, 0, 14, 20, IXGBE_CTX_L4T_TCP, 20, mss);
	for (uint32_t sent = 0; sent < len; sent += piece) {
		piece = MIN(len - sent, 16384u);
		tx_put(card, 0, GUEST_IOVA + TX_DATA + sent,
		       DATA | IXGBE_TXD_TSE | (sent + piece == len ? LAST : 0) | piece,
		       sent ? 0
			    : PAYLEN(TSO_PAYLOAD) | IXGBE_TXD_CC | IDX(1) | IXGBE_TXD_TXSM |
				       IXGBE_TXD_IXSM);
	}
	tx_kick(card, 0);
	run(card, 0, 1);
}

/* A guest cannot keep the worker busy with cuts of a byte. */
static void test_tso_tiny_mss(void **state)
{
	struct card *card = *state;

	tx_open(card, 0, 64);
	rx_open(card, 1, 0, 128, 127, SRRCTL_ADVANCED_2K, 0);
	open_rss(card, 1, 0);
	send_tso(card, IXGBE_TX_MSS_MIN - 1);
	assert_int_equal(card->stats[0].drop[VPORT_DROP_TX_BAD_DESCRIPTOR], 1);
	assert_int_equal(card->stats[1].rx_packets, 0);
}

static void test_tso(void **state)
{
	struct card *card = *state;
	uint8_t *data = at(card, 0, TX_DATA);
	uint32_t mss = 1448, received = 0, n = (TSO_PAYLOAD + mss - 1) / mss;

	tx_open(card, 0, 64);
	rx_open(card, 1, 0, 128, 127, SRRCTL_ADVANCED_2K, 0);
	open_rss(card, 1, 0);
	send_tso(card, mss);
	assert_int_equal(rx_head(card, 1, 0), n);
	assert_int_equal(card->stats[1].rx_packets, n);
	assert_int_equal(card->guest[1].signals, 1);
	assert_int_equal(card->guest[0].signals, 1);
	assert_int_equal(card->pf->state->pool[0].gptc, n);
	for (uint32_t i = 0; i < n; i++) {
		const uint8_t *got = at(card, 1, RX_DATA + i * 0x1000);
		const struct ixgbe_desc *desc = rx_desc(card, 1, 0, i);
		uint32_t payload = MIN(mss, TSO_PAYLOAD - received);
		uint64_t sum;

		assert_int_equal(desc->dword[3], 54 + payload);
		assert_int_equal(desc->dword[2], DONE | IXGBE_RXD_IPCS | IXGBE_RXD_L4CS);
		assert_int_equal(desc->dword[0], 0x111);
		assert_int_equal(get_be16(got + 16), 40 + payload);
		assert_int_equal(get_be16(got + 18), 0x1203 + i);
		assert_int_equal(get_be32(got + 38), 1 + received);
		assert_int_equal(got[47], i + 1 == n ? 0x18 : 0x10); /* PSH on the last only */
		assert_int_equal(csum_fold(csum_partial(got + 14, 20, 0)), 0);
		sum = csum_partial(got + 26, 8, 0) + __builtin_bswap16(6) +
		      __builtin_bswap16((uint16_t)(20 + payload));
		assert_int_equal(csum_fold(csum_partial(got + 34, 20 + payload, sum)), 0);
		assert_memory_equal(got + 54, data + 54 + received, payload);
		received += payload;
	}
	assert_int_equal(received, TSO_PAYLOAD);
	assert_true(tx_desc(card, 0, 4)->dword[3] == IXGBE_TXD_DD);
	assert_int_equal(tx_head(card, 0), 5);
}

/* More segments than the ring has descriptors: what fits arrives, the rest is counted. */
static void test_tso_overflow(void **state)
{
	struct card *card = *state;
	uint32_t n = (TSO_PAYLOAD + 999) / 1000;

	tx_open(card, 0, 64);
	rx_open(card, 1, 0, 16, 11, SRRCTL_ADVANCED_2K, 0);
	send_tso(card, 1000);
	assert_int_equal(card->stats[1].rx_packets, 11);
	assert_int_equal(drops(card, 1, VPORT_DROP_RX_NO_DESCRIPTOR), n - 11);
	assert_int_equal(rx_head(card, 1, 0), 11);
	for (unsigned int i = 0; i < 11; i++)
		assert_int_equal(get_be32(at(card, 1, RX_DATA + i * 0x1000) + 38), 1 + i * 1000);
	/* Segments over several buffers, through the ring's end. */
	vf_write(card, 1, rx_block(0) + IXGBE_Q_SRRCTL * 4, 1u | 1u << 25);
	for (unsigned int i = 0; i < 16; i++)
		rx_fill(card, 1, 0, i);
	vf_write(card, 1, rx_block(0) + IXGBE_Q_TAIL * 4, 10);
	send_tso(card, 1448);
	/* 7 of two buffers each, and the short last one still fits. */
	assert_int_equal(card->stats[1].rx_packets, 11 + 8);
	assert_int_equal(rx_head(card, 1, 0), 10);
	assert_int_equal(rx_desc(card, 1, 0, 9)->dword[3], 54 + TSO_PAYLOAD % 1448);
	assert_int_equal(rx_desc(card, 1, 0, 15)->dword[2], IXGBE_RXD_DD);
	assert_int_equal(rx_desc(card, 1, 0, 15)->dword[3], 1024);
	assert_int_equal(rx_desc(card, 1, 0, 0)->dword[3], 1502 - 1024);
}

/* The driver's half: rings of nonsense. */
static void test_garbage(void **state)
{
	struct card *card = *state;
	uint64_t seed = 7, before;

	tx_open(card, 0, 64);
	make_tcp4(at(card, 0, TX_DATA), 1514);
	rx_open(card, 2, 0, 256, 255, SRRCTL_ADVANCED_2K, 0);
	for (unsigned int round = 0; round < 20000; round++) {
		seed = seed * 6364136223846793005ull + 1442695040888963407ull;
		if (round % 16 == 0)
			vf_write(card, 2, rx_block(0) + IXGBE_Q_SRRCTL * 4, (uint32_t)(seed >> 32));
		for (unsigned int i = 0; i < 8; i++) {
			struct ixgbe_desc *desc = rx_desc(card, 2, 0, (seed >> 20) & 255);

			seed = seed * 6364136223846793005ull + 1442695040888963407ull;
			desc->dword[0] = (uint32_t)(seed >> 13);
			desc->dword[1] = seed >> 62 ? 0 : (uint32_t)(seed >> 7);
			if (seed >> 61)
				desc->dword[0] =
					(uint32_t)(GUEST_IOVA + RX_DATA + (seed >> 30 & 0x1fffff));
		}
		vf_write(card, 2, rx_block(0) + IXGBE_Q_TAIL * 4, seed >> 17 & 0x1ff);
		for (unsigned int i = 0; i < 4; i++)
			tx_put_simple(card, 0, TX_DATA, 60 + (seed >> (i * 8)) % 1454);
		tx_kick(card, 0);
		before = card->stats[2].rx_packets;
		for (unsigned int i = 0; i < VPORT_DROPS; i++)
			before += drops(card, 2, i);
		run(card, 0, 2);
		for (unsigned int i = 0; i < VPORT_DROPS; i++)
			before -= drops(card, 2, i);
		assert_int_equal(before + 4, card->stats[2].rx_packets);
	}
	assert_true(card->stats[2].rx_packets > 100);
	assert_true(drops(card, 2, VPORT_DROP_RX_DMA_FAULT) > 100);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_toeplitz),	 TEST(test_advanced),	   TEST(test_ipv6_types),
		TEST(test_legacy),	 TEST(test_vlan),	   TEST(test_jumbo),
		TEST(test_scattered),	 TEST(test_no_descriptor), TEST(test_disabled),
		TEST(test_fault),	 TEST(test_spread),	   TEST(test_wild_modes),
		TEST(test_multicast),	 TEST(test_tso),	   TEST(test_tso_tiny_mss),
		TEST(test_tso_overflow), TEST(test_garbage),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
