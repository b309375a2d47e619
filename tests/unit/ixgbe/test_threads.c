// SPDX-License-Identifier: BSD-3-Clause
/*
 * A worker that raises causes and follows homes while the device thread resets, moves and masks
 * everything: for the thread and address sanitizers. The worker passes quiescent points as a real
 * one does, so register pages may only go away behind it.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>

#include <cmocka.h>
#include <pthread.h>

#include "card.h"

#define ROUNDS 20000
#define VFS 31

struct worker {
	struct card *card;
	int slot;
	_Atomic bool stop;
	uint64_t looks;
};

static void ignore_signal(void *ctx, int function, unsigned int vector)
{
}

static void ignore_arm(void *ctx, unsigned int pool, uint64_t due_ns)
{
}

static uint32_t look_at(struct ixgbe_pf *pf, unsigned int q)
{
	const struct ixgbe_home *home = ixgbe_home(pf, q);
	const ixgbe_reg *rx = ixgbe_rx_regs(pf, q), *tx = ixgbe_tx_regs(pf, q);
	uint32_t seen = reg_load(&rx[IXGBE_Q_TAIL]) ^ reg_load(&tx[IXGBE_Q_TAIL]);

	if (ixgbe_rx_started(pf, q) && ixgbe_rx_allowed(pf, home->pool))
		seen ^= atomic_load(&pf->state->rxq[q].generation);
	if (ixgbe_tx_started(pf, q) && ixgbe_tx_allowed(pf, home->pool) && ixgbe_rx_drop(pf, q))
		seen ^= atomic_load(&pf->state->txq[q].generation);
	return seen;
}

static void *work(void *ctx)
{
	struct worker *worker = ctx;
	struct card *card = worker->card;
	volatile uint32_t sink = 0;

	quiesce_online(card->quiesce, worker->slot);
	for (unsigned int q = 0; !worker->stop; q = (q + 1) % IXGBE_QUEUES) {
		uint64_t now = now_ns();

		sink ^= look_at(card->pf, q);
		ixgbe_rx_cause(card->pf, q, 1, now);
		ixgbe_tx_cause(card->pf, q, 1, now);
		ixgbe_irq_expire(ixgbe_pool(card->pf, q % IXGBE_POOLS), now);
		worker->looks++;
		quiesce_point(card->quiesce, worker->slot);
	}
	quiesce_offline(card->quiesce, worker->slot);
	return NULL;
}

static void one_change(struct card *card)
{
	unsigned int v = (unsigned int)rand() % VFS;
	uint32_t value = (uint32_t)rand();

	switch (rand() % 12) {
	case 0:
		vf_wr(card, v, IXGBE_VFCTRL, IXGBE_VFCTRL_RST);
		break;
	case 1:
		ixgbe_vf_share(ixgbe_get_vf(card->pf, v), value & 1);
		break;
	case 2:
		pf_wr(card, IXGBE_GCR_EXT, value & IXGBE_GCR_EXT_VT_MODE);
		break;
	case 3:
		pf_wr(card, IXGBE_VFRE, value);
		pf_wr(card, IXGBE_VFTE, ~value);
		break;
	case 4:
		vf_wr(card, v, IXGBE_VTIVAR + value % 4 * 4, value | 0x80808080);
		break;
	case 5:
		vf_wr(card, v, value % 2 ? IXGBE_VTEIMS : IXGBE_VTEIMC, 7);
		break;
	case 6:
		vf_wr(card, v, IXGBE_VTEITR + value % 3 * 4, value);
		break;
	case 7:
		pf_wr(card, IXGBE_IVAR + value % 64 * 4, value | 0x80808080);
		break;
	case 8:
		pf_wr(card, IXGBE_EIMS_EX + value % 2 * 4, value);
		break;
	case 9:
		pf_wr(card, IXGBE_MTQC, value & 0xf);
		pf_wr(card, IXGBE_VT_CTL, value | IXGBE_VT_CTL_VT_ENA);
		break;
	case 10:
		if (value % 64 == 0) {
			ixgbe_pf_function_ops.vf_disable(card->pf);
			ixgbe_pf_function_ops.vf_enable(card->pf, VFS);
		}
		break;
	default:
		vf_wr(card, v, VFRX(value % 8, IXGBE_Q_CTL), value);
		vf_wr(card, v, VFTX(value % 8, IXGBE_Q_CTL), value);
		break;
	}
}

static void test_changes_under_a_worker(void **state)
{
	struct card *card = *state;
	struct worker worker = { .card = card, .slot = quiesce_register(card->quiesce) };
	pthread_t thread;

	srand(1);
	card->pf->wiring.signal = ignore_signal;
	card->pf->wiring.arm = ignore_arm;
	card_up(card, IXGBE_GCR_EXT_VT_MODE_32, VFS);
	assert_int_equal(pthread_create(&thread, NULL, work, &worker), 0);
	for (unsigned int i = 0; i < ROUNDS; i++) {
		one_change(card);
		quiesce_poll(card->quiesce);
	}
	worker.stop = true;
	pthread_join(thread, NULL);
	quiesce_unregister(card->quiesce, worker.slot);
	quiesce_poll(card->quiesce);
	assert_true(worker.looks > 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_changes_under_a_worker, card_setup,
						card_teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
