/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * test_rate.c - the transmit rate limiter against a clock that the test turns: what a queue sends in a second, what it
 * sends at once, and when it says it is to be asked.
 */
#include "traffic.h"

#define LINK_MBPS 10000u
#define MMW_KIB 4u /* what Linux ixgbe writes to RTTBCNRM */
#define RING 512u
#define FCS 4u
#define MSEC 1000000ull
#define SEC 1000000000ull
#define START (1000 * SEC)

/* As ixgbe_set_vf_rate_limit() writes it, for the queue @q; @mbps 0: no limit. */
static void set_rate(struct card *card, unsigned int q, unsigned int mbps)
{
	pf_write(card, IXGBE_RTTBCNRM, MMW_KIB);
	pf_write(card, IXGBE_RTTDQSEL, q);
	pf_write(card, IXGBE_RTTBCNRC, mbps ? IXGBE_RTTBCNRC_ENABLE | (LINK_MBPS << 14) / mbps : 0);
}

static unsigned int burst_at(struct card *card, unsigned int vf, uint64_t now)
{
	card->burst.n = card->burst.segments = 0;
	card->burst.due_ns = 0;
	return ixgbe_model_ops.tx_burst(txq(card, vf), &card->burst, now);
}

static uint64_t wire_bytes(const struct card *card)
{
	return card->burst.bytes + card->burst.packets * FCS;
}

/* Have all but one descriptor of the ring filled with frames of @len bytes. */
static void fill(struct card *card, unsigned int vf, uint32_t len)
{
	while ((card->guest[vf].tx_tail + 1) % RING != tx_head(card, vf))
		tx_put_simple(card, vf, TX_DATA, len);
	tx_kick(card, vf);
}

static void start(struct card *card, unsigned int mbps, uint32_t len)
{
	set_rate(card, 0, mbps);
	tx_open(card, 0, RING);
	make_frame(at(card, 0, TX_DATA), len);
	fill(card, 0, len);
}

/**
 * struct outcome - of a run.
 * @bytes: sent, @most: in one step, @asked: how often the queue was asked
 */
struct outcome {
	uint64_t bytes, most;
	unsigned int asked;
};

/* A worker that asks when the queue is due, but up to @late ns later, for @time ns. The ring is always full. */
static struct outcome work(struct card *card, uint64_t *now, uint64_t time, uint64_t late,
			   uint32_t len)
{
	struct outcome out = { 0 };
	uint64_t end = *now + time;

	while (*now < end) {
		out.asked++;
		if (burst_at(card, 0, *now)) {
			out.bytes += wire_bytes(card);
			out.most = MAX(out.most, wire_bytes(card));
			ixgbe_model_ops.tx_complete(txq(card, 0), &card->burst, *now);
			fill(card, 0, len);
			*now += 500; /* a burst takes its time, too */
		} else {
			assert_true(card->burst.due_ns > *now);
			*now = card->burst.due_ns + (late ? (uint64_t)random() % late : 0);
		}
	}
	return out;
}

static void assert_rate(const struct outcome *out, uint64_t time, unsigned int mbps)
{
	double asked = (double)mbps * 1e6 / 8 * (double)time / 1e9;

	if ((double)out->bytes < asked * 0.97 || (double)out->bytes > asked * 1.03)
		fail_msg("%u Mbit/s: %.0f bytes instead of %.0f", mbps, (double)out->bytes, asked);
}

static const unsigned int rates[] = { 10, 11, 33, 100, 777, 1000, 2500, 5000, 9000 };

/* In the long run, whatever the frames are and however late the worker comes. */
static void test_long_run(void **state)
{
	struct card *card = *state;
	static const uint32_t lens[] = { 60, 590, 1514 };
	static const uint64_t lates[] = { 0, 3000, 50000, 3 * MSEC, 30 * MSEC };
	uint64_t now = START;

	srandom(1);
	start(card, 1000, 1514);
	for (unsigned int r = 0; r < ARRAY_SIZE(rates); r++) {
		for (unsigned int i = 0; i < ARRAY_SIZE(lens) * ARRAY_SIZE(lates); i++) {
			uint32_t len = lens[i % ARRAY_SIZE(lens)];
			uint64_t late = lates[i / ARRAY_SIZE(lens)];
			uint64_t time = rates[r] < 100 ? 5 * SEC : MAX(250 * MSEC, 70 * late);
			struct outcome out;

			if (rates[r] > 1000 && len == 60) /* more than a step of 64 in 500 ns */
				continue;
			set_rate(card, 0, rates[r]);
			(void)work(card, &now, 10 * MSEC, 0, len); /* frames of the last length */
			tx_open(card, 0, RING);
			make_frame(at(card, 0, TX_DATA), len);
			fill(card, 0, len);
			out = work(card, &now, time, late, len);
			assert_rate(&out, time, rates[r]);
		}
	}
}

/* A worker that comes in time sends little at once, and not many times for that little. */
static void test_bursts_are_bounded(void **state)
{
	struct card *card = *state;
	uint64_t now = START;

	for (unsigned int r = 0; r < ARRAY_SIZE(rates); r++) {
		uint64_t time = 100 * MSEC;
		struct outcome out;

		start(card, rates[r], 1514);
		out = work(card, &now, time, 0, 1514);
		assert_in_range(out.most, 1518, MMW_KIB * 1024 + 2 * 1518);
		/* Twice per MMW_SIZE: once to send, once to hear when next; if a step's 500 ns are little. */
		assert_true(rates[r] > 1000 ||
			    out.asked <= 4 + 2 * (1 + out.bytes / (MMW_KIB * 1024)));
		now += SEC;
	}
}

/* Silence earns MMW_SIZE and no more. */
static void test_silence(void **state)
{
	struct card *card = *state;
	uint64_t now = START;
	struct outcome out;

	start(card, 100, 1514);
	(void)work(card, &now, 10 * MSEC, 0, 1514);
	/* The driver takes a break when all is sent. */
	while (tx_head(card, 0) != card->guest[0].tx_tail) {
		if (burst_at(card, 0, now))
			ixgbe_model_ops.tx_complete(txq(card, 0), &card->burst, now);
		now = MAX(now + 1, card->burst.due_ns);
	}
	now += 10 * SEC;
	fill(card, 0, 1514);
	out = work(card, &now, MSEC, 0, 1514);
	assert_in_range(out.bytes, 100000000 / 8 / 1000 - 1518,
			100000000 / 8 / 1000 + MMW_KIB * 1024 + 2 * 1518);
}

/* A request is accounted as what it becomes on the wire; it goes at once and the queue waits for it. */
static void test_tso(void **state)
{
	struct card *card = *state;
	const uint32_t headers = 54, payload = 40000, mss = 1000;
	const uint64_t wire = payload + payload / mss * (headers + FCS);
	uint64_t now = START;

	set_rate(card, 0, 100);
	tx_open(card, 0, 64);
	make_tcp4(at(card, 0, TX_DATA), headers);
	for (unsigned int i = 0; i < 2; i++) {
		tx_put_context(card, 0, 0, 0, 14, 20, 1, 20, mss);
		tx_put(card, 0, GUEST_IOVA + TX_DATA,
		       DATA | IXGBE_TXD_TSE | LAST | (headers + payload),
		       PAYLEN(payload) | IXGBE_TXD_IXSM | IXGBE_TXD_TXSM);
	}
	tx_kick(card, 0);
	assert_int_equal(burst_at(card, 0, now), 1);
	assert_int_equal(wire_bytes(card), wire);
	ixgbe_model_ops.tx_complete(txq(card, 0), &card->burst, now);
	assert_int_equal(burst_at(card, 0, now), 0);
	/* 80 ns a byte; MMW_SIZE was there and is waited for again. */
	assert_in_range(card->burst.due_ns - now, wire * 80 - 10, wire * 80 + 10);
	assert_int_equal(burst_at(card, 0, card->burst.due_ns), 1);
}

static void test_others_are_free(void **state)
{
	struct card *card = *state;
	uint64_t now = START;

	start(card, 10, 1514);
	tx_open(card, 1, RING);
	make_frame(at(card, 1, TX_DATA), 1514);
	fill(card, 1, 1514);
	(void)work(card, &now, MSEC, 0, 1514);
	for (unsigned int i = 0; i < 7; i++) {
		assert_int_equal(burst_at(card, 1, now), FRAME_BURST);
		ixgbe_model_ops.tx_complete(txq(card, 1), &card->burst, now);
	}
}

/* Of two queues of a VF each has its own; a reset of the PF takes all limits away. */
static void test_registers(void **state)
{
	struct card *card = *state;
	uint32_t value = 1;

	set_rate(card, 0, 10);
	set_rate(card, 127, 1000);
	for (unsigned int q = 0; q < IXGBE_QUEUES; q++) {
		uint32_t expected = q == 0     ? IXGBE_RTTBCNRC_ENABLE | 1000 << 14
				    : q == 127 ? IXGBE_RTTBCNRC_ENABLE | 10 << 14
					       : 0;

		pf_write(card, IXGBE_RTTDQSEL, q);
		assert_int_equal(ixgbe_pf_function_ops.bar_read(card->pf, 0, IXGBE_RTTBCNRC, &value,
								sizeof(value)),
				 PCIE_DONE);
		assert_int_equal(value, expected);
	}
	pf_write(card, IXGBE_CTRL, IXGBE_CTRL_RST);
	pf_write(card, IXGBE_RTTDQSEL, 0);
	assert_int_equal(ixgbe_pf_function_ops.bar_read(card->pf, 0, IXGBE_RTTBCNRC, &value,
							sizeof(value)),
			 PCIE_DONE);
	assert_int_equal(value, 0);
}

/* Limits come and go while frames wait: debts of another rate are forgotten, and nonsense limits nothing. */
static void test_changes(void **state)
{
	struct card *card = *state;
	uint64_t now = START;
	struct outcome out;

	start(card, 10, 1514);
	(void)work(card, &now, 50 * MSEC, 0, 1514);
	while (burst_at(card, 0, now))
		ixgbe_model_ops.tx_complete(txq(card, 0), &card->burst, now);
	set_rate(card, 0, 9000);
	assert_true(burst_at(card, 0, now) > 0);
	ixgbe_model_ops.tx_complete(txq(card, 0), &card->burst, now);
	fill(card, 0, 1514);
	out = work(card, &now, 100 * MSEC, 0, 1514);
	assert_rate(&out, 100 * MSEC, 9000);

	set_rate(card, 0, 0);
	fill(card, 0, 1514);
	assert_int_equal(burst_at(card, 0, now), FRAME_BURST);
	ixgbe_model_ops.tx_complete(txq(card, 0), &card->burst, now);
	pf_write(card, IXGBE_RTTBCNRC, IXGBE_RTTBCNRC_ENABLE); /* a factor of 0 */
	for (unsigned int i = 0; i < 3; i++) {
		assert_int_equal(burst_at(card, 0, now), FRAME_BURST);
		ixgbe_model_ops.tx_complete(txq(card, 0), &card->burst, now);
	}
	pf_write(card, IXGBE_RTTBCNRC, UINT32_MAX); /* 0.6 Mbit/s */
	pf_write(card, IXGBE_RTTBCNRM, 0);
	fill(card, 0, 1514);
	assert_int_equal(burst_at(card, 0, now), 1);
	ixgbe_model_ops.tx_complete(txq(card, 0), &card->burst, now);
	assert_int_equal(burst_at(card, 0, now), 0);
	assert_in_range(card->burst.due_ns - now, 19 * MSEC, 20 * MSEC);
}

/* Frames that go nowhere do not keep the driver waiting, nor those that go when the link is back. */
static void test_link_down(void **state)
{
	struct card *card = *state;
	uint64_t now = START;

	start(card, 10, 1514);
	(void)work(card, &now, MSEC, 0, 1514);
	ixgbe_set_link(card->pf, false);
	fill(card, 0, 1514);
	for (unsigned int i = 0; i < 7; i++) {
		assert_int_equal(burst_at(card, 0, now), FRAME_BURST);
		ixgbe_model_ops.tx_complete(txq(card, 0), &card->burst, now);
	}
	ixgbe_set_link(card->pf, true);
	fill(card, 0, 1514);
	assert_in_range(burst_at(card, 0, now), 1, FRAME_BURST);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_long_run), TEST(test_bursts_are_bounded), TEST(test_silence),
		TEST(test_tso),	     TEST(test_others_are_free),    TEST(test_registers),
		TEST(test_changes),  TEST(test_link_down),
	};

	return cmocka_run_group_tests_name("rate", tests, NULL, NULL);
}
