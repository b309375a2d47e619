// SPDX-License-Identifier: BSD-3-Clause
/*
 * Queues and pools: who owns which queue in each mode, start and stop, shared register pages, and
 * the switch tables made from the filter registers.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cmocka.h>

#include "card.h"

#define EN IXGBE_QCTL_ENABLE

static void bus_master_on(struct card *card)
{
	ixgbe_pf_function_ops.command(card->pf, 0x4);
	for (unsigned int v = 0; v < IXGBE_MAX_VFS; v++)
		ixgbe_vf_function_ops.command(ixgbe_get_vf(card->pf, v), 0x4);
}

/* --- ownership ---------------- */

static void test_windows_in_every_mode(void **state)
{
	static const struct {
		uint32_t mode;
		unsigned int queues, vfs;
	} modes[] = {
		{ IXGBE_GCR_EXT_VT_MODE_64, 2, 63 },
		{ IXGBE_GCR_EXT_VT_MODE_32, 4, 31 },
		{ IXGBE_GCR_EXT_VT_MODE_16, 8, 15 },
	};
	struct card *card = *state;

	for (unsigned int m = 0; m < ARRAY_SIZE(modes); m++) {
		unsigned int queues = modes[m].queues, last = modes[m].vfs - 1;
		unsigned int q = last * queues + queues - 1;

		card_up(card, modes[m].mode, modes[m].vfs);
		assert_int_equal(ixgbe_pool_queues(card->pf), queues);
		assert_int_equal(ixgbe_vf_pools(card->pf), modes[m].vfs);
		pf_wr(card, 0x0d000 + (q - 64) * 0x40, 0x12345680);
		assert_int_equal(vf_rd(card, last, VFRX(queues - 1, IXGBE_Q_BAL)), 0x12345680);
		vf_wr(card, last, VFTX(queues - 1, IXGBE_Q_WBAL), 0x777);
		assert_int_equal(pf_rd(card, PFTX(q, IXGBE_Q_WBAL)), 0x777);
		assert_int_equal(ixgbe_home(card->pf, q)->pool, last);
		assert_ptr_equal(ixgbe_home(card->pf, q)->domain, card->vf_domain[last]);
		assert_int_equal(ixgbe_home(card->pf, q + 1)->function, IXGBE_PF);
		assert_int_equal(ixgbe_home(card->pf, q + 1)->pool, modes[m].vfs);
		ixgbe_pf_function_ops.vf_disable(card->pf);
		assert_int_equal(ixgbe_home(card->pf, q)->function, IXGBE_PF);
		assert_int_equal(pf_rd(card, 0x0d000 + (q - 64) * 0x40), 0);
		pf_wr(card, IXGBE_CTRL, IXGBE_CTRL_RST);
	}
	assert_int_equal(ixgbe_pool_queues(card->pf), IXGBE_QUEUES);
	assert_int_equal(ixgbe_vf_pools(card->pf), 0);
}

static void test_mode_without_gcr_ext(void **state)
{
	struct card *card = *state;

	pf_wr(card, IXGBE_VT_CTL, IXGBE_VT_CTL_VT_ENA);
	pf_wr(card, IXGBE_MTQC, 0xa);
	assert_int_equal(ixgbe_pool_queues(card->pf), 4);
	pf_wr(card, IXGBE_MTQC, 0x6);
	assert_int_equal(ixgbe_pool_queues(card->pf), 2);
	pf_wr(card, IXGBE_MTQC, 0);
	pf_wr(card, IXGBE_MRQC, IXGBE_MRQC_VMDQ_RSS32);
	assert_int_equal(ixgbe_pool_queues(card->pf), 4);
}

static void test_vf_enable_limits(void **state)
{
	struct card *card = *state;

	assert_int_equal(ixgbe_pf_function_ops.vf_enable(card->pf, 65), -EINVAL);
	assert_int_equal(ixgbe_pf_function_ops.vf_enable(card->pf, 64), 0);
	assert_int_equal(pf_rd(card, IXGBE_STATUS),
			 IXGBE_STATUS_GIO | IXGBE_STATUS_IOV_ACTIVE | 64 << 10);
	assert_int_equal(vf_rd(card, 63, IXGBE_VFSTATUS), pf_rd(card, IXGBE_STATUS));
	assert_int_equal(ixgbe_pf_function_ops.vf_disable(card->pf), PCIE_QUIESCE);
	assert_int_equal(pf_rd(card, IXGBE_STATUS), IXGBE_STATUS_GIO);
}

/* --- start and stop ---------------- */

static void test_trapped_start_and_stop(void **state)
{
	struct card *card = *state;
	unsigned int q = 2 * 4 + 1;
	uint32_t generation;

	card_up(card, IXGBE_GCR_EXT_VT_MODE_32, 8);
	generation = card->state->rxq[q].generation;
	assert_int_equal(vf_wr(card, 2, VFRX(1, IXGBE_Q_CTL), EN), PCIE_DONE);
	assert_true(ixgbe_rx_started(card->pf, q));
	assert_false(ixgbe_tx_started(card->pf, q));
	assert_int_not_equal(card->state->rxq[q].generation, generation);
	assert_true(card->changes);
	generation = card->state->rxq[q].generation;
	assert_int_equal(vf_wr(card, 2, VFRX(1, IXGBE_Q_CTL), EN | IXGBE_RXDCTL_VME), PCIE_DONE);
	assert_int_equal(card->state->rxq[q].generation, generation); /* still the same ring */
	assert_int_equal(vf_wr(card, 2, VFRX(1, IXGBE_Q_CTL), IXGBE_RXDCTL_VME), PCIE_QUIESCE);
	assert_false(ixgbe_rx_started(card->pf, q));
	assert_int_equal(vf_rd(card, 2, VFRX(1, IXGBE_Q_CTL)), IXGBE_RXDCTL_VME);
	/* The PF stops a VF's queue in its own window. */
	vf_wr(card, 2, VFTX(1, IXGBE_Q_CTL), EN);
	assert_int_equal(card->kicks, 1);
	assert_int_equal(pf_wr(card, PFTX(q, IXGBE_Q_CTL), IXGBE_QCTL_SWFLSH), PCIE_QUIESCE);
	assert_int_equal(vf_rd(card, 2, VFTX(1, IXGBE_Q_CTL)), 0);
	assert_false(ixgbe_tx_started(card->pf, q));
}

static void test_head_belongs_to_the_device(void **state)
{
	struct card *card = *state;

	card_up(card, IXGBE_GCR_EXT_VT_MODE_32, 8);
	vf_wr(card, 0, VFRX(0, IXGBE_Q_HEAD), 7);
	assert_int_equal(vf_rd(card, 0, VFRX(0, IXGBE_Q_HEAD)), 7);
	vf_wr(card, 0, VFRX(0, IXGBE_Q_CTL), EN);
	vf_wr(card, 0, VFRX(0, IXGBE_Q_HEAD), 0);
	assert_int_equal(vf_rd(card, 0, VFRX(0, IXGBE_Q_HEAD)), 7);
	vf_wr(card, 0, VFTX(0, IXGBE_Q_TAIL), 0x12345);
	assert_int_equal(vf_rd(card, 0, VFTX(0, IXGBE_Q_TAIL)), 0x2345);
	assert_int_equal(card->kicks, 1);
}

static unsigned int listed(struct card *card, uint8_t *pool)
{
	void *queue[IXGBE_QUEUES];

	return ixgbe_tx_queues(card->pf, queue, pool, IXGBE_QUEUES);
}

static void test_listed_transmit_queues(void **state)
{
	struct card *card = *state;
	uint8_t pool[IXGBE_QUEUES];

	card_up(card, IXGBE_GCR_EXT_VT_MODE_32, 8);
	vf_wr(card, 3, VFTX(1, IXGBE_Q_CTL), EN);
	pf_wr(card, PFTX(32, IXGBE_Q_CTL), EN);
	assert_int_equal(listed(card, pool), 0);
	bus_master_on(card);
	assert_int_equal(listed(card, pool), 0);
	pf_wr(card, IXGBE_VFTE, BIT(3) | BIT(8));
	assert_int_equal(listed(card, pool), 2);
	assert_int_equal(pool[0], 3);
	assert_int_equal(pool[1], 8);
	ixgbe_vf_function_ops.command(ixgbe_get_vf(card->pf, 3), 0);
	assert_int_equal(listed(card, pool), 1);
	assert_int_equal(pool[0], 8);
	assert_int_equal(pf_wr(card, IXGBE_VFTE, BIT(3)), PCIE_QUIESCE);
	assert_int_equal(listed(card, pool), 0);
	pf_wr(card, IXGBE_VFTE, BIT(8));
	assert_int_equal(pf_wr(card, IXGBE_DMATXCTL, 0), PCIE_QUIESCE);
	assert_int_equal(listed(card, pool), 0);
	assert_int_equal(pf_wr(card, IXGBE_RXCTRL, 0), PCIE_QUIESCE);
}

static void test_vf_reset_stops_and_forgets(void **state)
{
	struct card *card = *state;
	uint32_t generation;

	card_up(card, IXGBE_GCR_EXT_VT_MODE_32, 8);
	vf_wr(card, 1, VFTX(0, IXGBE_Q_BAL), 0x1000);
	vf_wr(card, 1, VFTX(0, IXGBE_Q_LEN), 0x1000);
	vf_wr(card, 1, VFTX(0, IXGBE_Q_HEAD), 5);
	vf_wr(card, 1, VFTX(0, IXGBE_Q_TAIL), 9);
	vf_wr(card, 1, VFTX(0, IXGBE_Q_CTL), EN);
	vf_wr(card, 1, IXGBE_VFPSRTYPE, 1u << 29);
	assert_int_equal(pf_rd(card, IXGBE_PSRTYPE + 4), 1u << 29);
	generation = card->state->txq[4].generation;
	vf_wr(card, 1, IXGBE_VFCTRL, IXGBE_VFCTRL_RST);
	assert_false(ixgbe_tx_started(card->pf, 4));
	assert_int_not_equal(card->state->txq[4].generation, generation);
	for (unsigned int dword = 0; dword < IXGBE_Q_DWORDS; dword++)
		if (dword != IXGBE_Q_DCA)
			assert_int_equal(vf_rd(card, 1, VFTX(0, dword)), 0);
	assert_int_equal(pf_rd(card, IXGBE_PSRTYPE + 4), 0);
	/* A PF driver that switches the stale queue on and off finds nothing in it. */
	pf_wr(card, PFTX(4, IXGBE_Q_CTL), EN);
	assert_int_equal(pf_rd(card, PFTX(4, IXGBE_Q_HEAD)), pf_rd(card, PFTX(4, IXGBE_Q_TAIL)));
}

/* A VF that is no more may still have a client: what it does reaches no pool, which is the PF's now. */
static void test_vf_that_is_gone_reaches_no_pool(void **state)
{
	struct card *card = *state;

	card_up(card, IXGBE_GCR_EXT_VT_MODE_32, 2);
	vf_wr(card, 1, IXGBE_VFPSRTYPE, 1u << 29);
	assert_int_equal(ixgbe_pf_function_ops.vf_disable(card->pf), PCIE_QUIESCE);
	pf_wr(card, IXGBE_PSRTYPE + 4, 2u << 29);
	vf_wr(card, 1, IXGBE_VFPSRTYPE, 1u << 29);
	assert_int_equal(pf_rd(card, IXGBE_PSRTYPE + 4), 2u << 29);
	vf_wr(card, 1, IXGBE_VFCTRL, IXGBE_VFCTRL_RST);
	assert_int_equal(pf_rd(card, IXGBE_PSRTYPE + 4), 2u << 29);
	assert_int_equal(ixgbe_pf_function_ops.vf_enable(card->pf, 2), 0);
	assert_int_equal(pf_rd(card, IXGBE_PSRTYPE + 4), 0);
}

static void test_pf_reset_stops_everything(void **state)
{
	struct card *card = *state;
	uint8_t pool[IXGBE_QUEUES];

	card_up(card, IXGBE_GCR_EXT_VT_MODE_32, 8);
	bus_master_on(card);
	vf_wr(card, 1, VFTX(0, IXGBE_Q_CTL), EN);
	pf_wr(card, PFRX(33, IXGBE_Q_CTL), EN);
	assert_int_equal(pf_wr(card, IXGBE_CTRL, IXGBE_CTRL_LRST), PCIE_QUIESCE);
	for (unsigned int q = 0; q < IXGBE_QUEUES; q++) {
		assert_false(ixgbe_rx_started(card->pf, q));
		assert_false(ixgbe_tx_started(card->pf, q));
	}
	assert_int_equal(listed(card, pool), 0);
	assert_int_equal(vf_rd(card, 1, VFTX(0, IXGBE_Q_CTL)), 0);
	assert_int_equal(pf_rd(card, IXGBE_VT_CTL), 0);
}

/* --- shared pages ---------------- */

struct guest {
	int fd;
	ixgbe_reg *page; /* what the guest maps: pages 1 and 2 */
	int worker;
};

static ixgbe_reg *guest_reg(struct guest *guest, uint32_t offset)
{
	return &guest->page[(offset - IXGBE_VF_SHARED_OFFSET) / 4];
}

static void share(struct card *card, unsigned int vf, struct guest *guest)
{
	guest->fd = ixgbe_vf_share(ixgbe_get_vf(card->pf, vf), true);
	assert_true(guest->fd >= 0);
	guest->page = mmap(NULL, IXGBE_VF_SHARED_SIZE, PROT_READ | PROT_WRITE, MAP_SHARED,
			   guest->fd, IXGBE_VF_SHARED_OFFSET);
	assert_ptr_not_equal(guest->page, MAP_FAILED);
}

static void test_shared_pages_are_the_registers(void **state)
{
	struct card *card = *state;
	struct guest guest;

	card_up(card, IXGBE_GCR_EXT_VT_MODE_32, 8);
	vf_wr(card, 2, VFRX(0, IXGBE_Q_LEN), 0x800);
	share(card, 2, &guest);
	assert_int_equal(*guest_reg(&guest, VFRX(0, IXGBE_Q_LEN)), 0x800);
	assert_int_equal(*guest_reg(&guest, VFRX(0, IXGBE_Q_GPC)), 0);
	card->state->pool[2].gprc = 78;
	card->state->pool[2].gotc = 0x312345678;
	ixgbe_poll(card->pf);
	assert_int_equal(*guest_reg(&guest, VFRX(0, IXGBE_Q_GPC)), 78);
	assert_int_equal(*guest_reg(&guest, VFTX(0, IXGBE_Q_GOCL)), 0x12345678);
	assert_int_equal(*guest_reg(&guest, VFTX(0, IXGBE_Q_GOCH)), 3);
	assert_int_equal(ftruncate(guest.fd, 0), -1); /* nobody can take the memory away */
	*guest_reg(&guest, VFTX(1, IXGBE_Q_TAIL)) = 42;
	assert_int_equal(pf_rd(card, PFTX(9, IXGBE_Q_TAIL)), 42);
	munmap(guest.page, IXGBE_VF_SHARED_SIZE);
}

static void test_shared_enable_is_noticed(void **state)
{
	struct card *card = *state;
	struct guest guest;

	card_up(card, IXGBE_GCR_EXT_VT_MODE_32, 8);
	share(card, 2, &guest);
	*guest_reg(&guest, VFRX(0, IXGBE_Q_CTL)) = EN;
	*guest_reg(&guest, VFTX(0, IXGBE_Q_CTL)) = EN;
	assert_false(ixgbe_rx_started(card->pf, 8));
	assert_int_equal(vf_rd_result(card, 2, IXGBE_VFLINKS), PCIE_DONE); /* any trapped access */
	assert_true(ixgbe_rx_started(card->pf, 8));
	assert_true(ixgbe_tx_started(card->pf, 8));
	card->changes = 0;
	ixgbe_poll(card->pf);
	assert_int_equal(card->changes, 0);
	*guest_reg(&guest, VFRX(0, IXGBE_Q_CTL)) = 0;
	ixgbe_poll(card->pf);
	assert_true(card->changes);
	assert_false(ixgbe_rx_started(card->pf, 8));
	munmap(guest.page, IXGBE_VF_SHARED_SIZE);
}

/* What a driver reads before it frees its buffers is answered after the grace period, not later. */
static void test_shared_disable_holds_the_answer(void **state)
{
	struct card *card = *state;
	struct guest guest;
	int worker = quiesce_register(card->quiesce);

	card_up(card, IXGBE_GCR_EXT_VT_MODE_32, 8);
	share(card, 2, &guest);
	*guest_reg(&guest, VFRX(0, IXGBE_Q_CTL)) = EN;
	ixgbe_poll(card->pf);
	assert_int_equal(vf_rd_result(card, 2, IXGBE_VFSTATUS), PCIE_DONE);
	quiesce_online(card->quiesce, worker);
	*guest_reg(&guest, VFRX(0, IXGBE_Q_CTL)) = 0;
	ixgbe_poll(card->pf); /* the poll saw it first */
	assert_int_equal(vf_rd_result(card, 2, IXGBE_VFLINKS), PCIE_DONE);
	assert_int_equal(vf_rd_result(card, 2, IXGBE_VFSTATUS), PCIE_QUIESCE);
	assert_int_equal(vf_wr(card, 2, IXGBE_VFPSRTYPE, 0), PCIE_QUIESCE);
	assert_int_equal(vf_rd_result(card, 1, IXGBE_VFSTATUS), PCIE_DONE);
	quiesce_point(card->quiesce, worker);
	quiesce_poll(card->quiesce);
	assert_int_equal(vf_rd_result(card, 2, IXGBE_VFSTATUS), PCIE_DONE);
	/* Seen by the very access. */
	*guest_reg(&guest, VFRX(0, IXGBE_Q_CTL)) = EN;
	ixgbe_poll(card->pf);
	*guest_reg(&guest, VFRX(0, IXGBE_Q_CTL)) = 0;
	assert_int_equal(vf_wr(card, 2, IXGBE_VFPSRTYPE, 0), PCIE_QUIESCE);
	quiesce_offline(card->quiesce, worker);
	quiesce_poll(card->quiesce);
	quiesce_unregister(card->quiesce, worker);
	munmap(guest.page, IXGBE_VF_SHARED_SIZE);
}

/* A client that keeps its map after it was replaced reaches nothing. */
static void test_earlier_client_is_cut_off(void **state)
{
	struct card *card = *state;
	struct guest first, second;
	uint32_t generation;

	card_up(card, IXGBE_GCR_EXT_VT_MODE_32, 8);
	share(card, 2, &first);
	*guest_reg(&first, VFRX(0, IXGBE_Q_LEN)) = 0x1000;
	share(card, 2, &second);
	assert_int_equal(*guest_reg(&second, VFRX(0, IXGBE_Q_LEN)), 0x1000);
	generation = card->state->rxq[8].generation;
	*guest_reg(&first, VFRX(0, IXGBE_Q_CTL)) = EN;
	ixgbe_poll(card->pf);
	assert_int_equal(card->state->rxq[8].generation, generation);
	assert_int_equal(vf_rd(card, 2, VFRX(0, IXGBE_Q_CTL)), 0);
	assert_int_equal(ixgbe_vf_share(ixgbe_get_vf(card->pf, 2), false), -1);
	*guest_reg(&second, VFRX(0, IXGBE_Q_LEN)) = 0;
	assert_int_equal(vf_rd(card, 2, VFRX(0, IXGBE_Q_LEN)), 0x1000);
	munmap(first.page, IXGBE_VF_SHARED_SIZE);
	munmap(second.page, IXGBE_VF_SHARED_SIZE);
}

/* Holes between registers are memory too, and counters tell what somebody did. */
static void test_next_client_finds_nothing(void **state)
{
	struct card *card = *state;
	struct ixgbe_pool_state *pool = &card->state->pool[2];
	const uint32_t secret = 0x5ec7e7 & ~EN;
	struct guest first, second;

	card_up(card, IXGBE_GCR_EXT_VT_MODE_32, 8);
	share(card, 2, &first);
	for (uint32_t i = 0; i < IXGBE_VF_SHARED_SIZE / 4; i++)
		first.page[i] = secret;
	pool->gprc = pool->gptc = 7;
	pool->gorc = 5ull << 32;
	vf_rd(card, 2, VFRX(0, IXGBE_Q_GOCL));

	assert_int_equal(ixgbe_vf_share(ixgbe_get_vf(card->pf, 2), false), -1);
	ixgbe_vf_function_ops.reset(ixgbe_get_vf(card->pf, 2));
	share(card, 2, &second);
	for (uint32_t i = 0; i < IXGBE_VF_SHARED_SIZE / 4; i++)
		assert_int_not_equal(second.page[i], secret);
	assert_int_equal(*guest_reg(&second, VFRX(0, IXGBE_Q_GPC)), 0);
	assert_int_equal(vf_rd(card, 2, VFTX(0, IXGBE_Q_GPC)), 0);
	assert_int_equal(vf_rd(card, 2, VFRX(0, IXGBE_Q_GOCH)), 0);
	munmap(first.page, IXGBE_VF_SHARED_SIZE);
	munmap(second.page, IXGBE_VF_SHARED_SIZE);
}

/* The model may be destroyed while a grace period still refers to it. */
static void test_destroy_with_a_grace_period_under_way(void **state)
{
	struct card *card = *state;
	int worker = quiesce_register(card->quiesce);

	card_up(card, IXGBE_GCR_EXT_VT_MODE_32, 8);
	quiesce_online(card->quiesce, worker);
	vf_wr(card, 2, IXGBE_VFCTRL, IXGBE_VFCTRL_RST);
	ixgbe_vf_share(ixgbe_get_vf(card->pf, 3), true);
	ixgbe_destroy(card->pf);
	card->pf = NULL;
	quiesce_offline(card->quiesce, worker);
	quiesce_poll(card->quiesce);
	quiesce_unregister(card->quiesce, worker);
}

/* --- switch tables ---------------- */

static void test_partition_without_pools(void **state)
{
	struct card *card = *state;
	const struct eswitch_partition *partition;

	pf_wr(card, IXGBE_FCTRL, IXGBE_FCTRL_BAM | IXGBE_FCTRL_UPE);
	pf_wr(card, IXGBE_MPSAR_LO, 0);
	partition = ixgbe_partition(card->pf);
	assert_false(partition->enabled);
	assert_false(partition->transmit);
	assert_false(partition->virtualized);
	assert_int_equal(partition->default_pool, 0);
	assert_int_equal(partition->accept, ESWITCH_ACCEPT_BROADCAST | ESWITCH_UC_PROMISC);
	assert_memory_equal(partition->mac[0].mac, card_mac, ETH_ALEN);
	assert_true(partition->mac[0].valid);
	assert_int_equal(partition->mac[0].pools, 1);
	assert_true(partition->pool[0].flags & ESWITCH_RX_ENABLE);
	assert_int_equal(partition->pool[1].flags, 0);
}

static void test_partition_with_pools(void **state)
{
	struct card *card = *state;
	const struct eswitch_partition *partition;

	card_up(card, IXGBE_GCR_EXT_VT_MODE_32, 8);
	pf_wr(card, IXGBE_RAL + 8 * 9, 0x44332211);
	pf_wr(card, IXGBE_RAH + 8 * 9, IXGBE_RAH_AV | 0x6655);
	pf_wr(card, IXGBE_MPSAR_LO + 8 * 9, BIT(5));
	pf_wr(card, IXGBE_MPSAR_HI + 8 * 9, BIT(1));
	pf_wr(card, IXGBE_VFRE, BIT(5));
	pf_wr(card, IXGBE_VFTE + 4, BIT(1));
	pf_wr(card, IXGBE_VMOLR + 4 * 5, IXGBE_VMOLR_AUPE | IXGBE_VMOLR_BAM | IXGBE_VMOLR_ROMPE);
	pf_wr(card, IXGBE_PFVFSPOOF, BIT(5) | BIT(8 + 6));
	pf_wr(card, IXGBE_PFVMTXSW, BIT(7));
	pf_wr(card, IXGBE_VMVIR + 4 * 5, 0x40000000 | 3 << 13 | 100);
	pf_wr(card, IXGBE_VMVIR + 4 * 6, 0x80000000);
	pf_wr(card, IXGBE_VLVF + 4 * 2, IXGBE_VLVF_VIEN | 100);
	pf_wr(card, IXGBE_VLVFB + 8 * 2, BIT(5));
	pf_wr(card, IXGBE_VLVFB + 8 * 2 + 4, BIT(31));
	pf_wr(card, IXGBE_VLNCTRL, IXGBE_VLNCTRL_VFE | 0x8100);
	pf_wr(card, IXGBE_MCSTCTRL, IXGBE_MCSTCTRL_MFE | 2);
	pf_wr(card, IXGBE_MTA + 4 * 127, 0xabcd);
	pf_wr(card, IXGBE_PFUTA + 4 * 3, 0x1234);
	pf_wr(card, IXGBE_VFTA + 4 * 3, BIT(4));
	pf_wr(card, IXGBE_PFDTXGSWC, IXGBE_PFDTXGSWC_LBEN);
	partition = ixgbe_partition(card->pf);
	assert_true(partition->enabled && partition->transmit && partition->virtualized);
	assert_true(partition->loopback && partition->replicate && partition->vlan_filter);
	assert_int_equal(partition->default_pool, 8);
	assert_int_equal(partition->mc_enable, 1);
	assert_int_equal(partition->mc_shift, 2);
	assert_memory_equal(partition->mac[9].mac, "\x11\x22\x33\x44\x55\x66", ETH_ALEN);
	assert_true(partition->mac[9].pools == (BIT64(33) | BIT64(5)));
	assert_int_equal(partition->pool[5].flags,
			 ESWITCH_RX_ENABLE | ESWITCH_ACCEPT_UNTAGGED | ESWITCH_ACCEPT_BROADCAST |
				 ESWITCH_ACCEPT_MC_HASH | ESWITCH_CHECK_MAC | ESWITCH_VLAN_INSERT);
	assert_int_equal(partition->pool[5].default_vlan, 3 << 13 | 100);
	assert_int_equal(partition->pool[6].flags, ESWITCH_CHECK_VLAN | ESWITCH_VLAN_NEVER);
	assert_int_equal(partition->pool[7].flags, ESWITCH_LOCAL_LOOPBACK);
	assert_int_equal(partition->pool[33].flags, ESWITCH_TX_ENABLE);
	assert_int_equal(partition->vlan[2].vid, 100);
	assert_true(partition->vlan[2].pools == (BIT64(63) | BIT64(5)));
	assert_int_equal(partition->mc_hash[127], 0xabcd);
	assert_int_equal(partition->uc_hash[3], 0x1234);
	assert_int_equal(partition->vlan_table[3], BIT(4));
	pf_wr(card, IXGBE_VT_CTL, IXGBE_VT_CTL_VT_ENA | IXGBE_VT_CTL_DIS_DEFPL);
	assert_int_equal(ixgbe_partition(card->pf)->default_pool, -1);
	assert_false(ixgbe_partition(card->pf)->replicate);
}

static void test_changes_are_told_once_per_change(void **state)
{
	struct card *card = *state;

	pf_wr(card, IXGBE_MTA, 1);
	assert_int_equal(card->changes, 1);
	pf_wr(card, IXGBE_MTA, 1);
	pf_wr(card, IXGBE_RETA, 1);
	assert_int_equal(card->changes, 1);
}

static void test_indirect_registers(void **state)
{
	struct card *card = *state;

	pf_wr(card, IXGBE_QDE, IXGBE_QDE_WRITE | 77 << 8 | IXGBE_QDE_ENABLE);
	assert_true(ixgbe_rx_drop(card->pf, 77));
	assert_false(ixgbe_rx_drop(card->pf, 76));
	assert_int_equal(pf_rd(card, IXGBE_QDE), 77 << 8 | 1);
	pf_wr(card, IXGBE_QDE, IXGBE_QDE_WRITE | 77 << 8);
	assert_false(ixgbe_rx_drop(card->pf, 77));
	pf_wr(card, IXGBE_RTTDQSEL, 5);
	pf_wr(card, IXGBE_RTTBCNRC, 0x80004000);
	pf_wr(card, IXGBE_RTTDQSEL, 6);
	assert_int_equal(pf_rd(card, IXGBE_RTTBCNRC), 0);
	pf_wr(card, IXGBE_RTTDQSEL, 5);
	assert_int_equal(pf_rd(card, IXGBE_RTTBCNRC), 0x80004000);
	assert_int_equal(pf_rd(card, IXGBE_RTTDT1C), 0);
}

static void test_queue_info(void **state)
{
	struct card *card = *state;
	struct ixgbe_queue_info info;

	card_up(card, IXGBE_GCR_EXT_VT_MODE_32, 8);
	pf_wr(card, PFTX(32, IXGBE_Q_LEN), 512 * 16);
	pf_wr(card, PFTX(32, IXGBE_Q_TAIL), 12);
	pf_wr(card, PFTX(32, IXGBE_Q_CTL), EN);
	card->state->txq[32].packets = 5;
	assert_int_equal(ixgbe_queue_info(card->pf, IXGBE_PF, 0, &info), 0);
	assert_true(info.tx_enabled);
	assert_false(info.rx_enabled);
	assert_int_equal(info.tx_size, 512);
	assert_int_equal(info.tx_tail, 12);
	assert_int_equal(info.tx_packets, 5);
	assert_int_equal(ixgbe_queue_info(card->pf, 0, 3, &info), 0);
	assert_int_equal(ixgbe_queue_info(card->pf, 0, 4, &info), -ENOENT); /* beyond its pool */
	assert_int_equal(ixgbe_queue_info(card->pf, 8, 0, &info), -ENOENT); /* no such VF */
	assert_int_equal(ixgbe_queue_info(card->pf, 64, 0, &info), -ENOENT);
	assert_int_equal(ixgbe_queue_info(card->pf, IXGBE_PF, 96, &info), -ENOENT);
}

#define CARD_TEST(f) cmocka_unit_test_setup_teardown(f, card_setup, card_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		CARD_TEST(test_windows_in_every_mode),
		CARD_TEST(test_mode_without_gcr_ext),
		CARD_TEST(test_vf_enable_limits),
		CARD_TEST(test_trapped_start_and_stop),
		CARD_TEST(test_head_belongs_to_the_device),
		CARD_TEST(test_listed_transmit_queues),
		CARD_TEST(test_vf_reset_stops_and_forgets),
		CARD_TEST(test_vf_that_is_gone_reaches_no_pool),
		CARD_TEST(test_pf_reset_stops_everything),
		CARD_TEST(test_shared_pages_are_the_registers),
		CARD_TEST(test_shared_enable_is_noticed),
		CARD_TEST(test_shared_disable_holds_the_answer),
		CARD_TEST(test_earlier_client_is_cut_off),
		CARD_TEST(test_next_client_finds_nothing),
		CARD_TEST(test_destroy_with_a_grace_period_under_way),
		CARD_TEST(test_partition_without_pools),
		CARD_TEST(test_partition_with_pools),
		CARD_TEST(test_changes_are_told_once_per_change),
		CARD_TEST(test_indirect_registers),
		CARD_TEST(test_queue_info),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
