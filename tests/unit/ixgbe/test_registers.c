// SPDX-License-Identifier: BSD-3-Clause
/* The register windows of PF and VF: tables, reset values, masks, aliases, and robustness. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>

#include <cmocka.h>

#include "card.h"

/* --- tables ---------------- */

static void test_tables_have_no_overlap(void **state)
{
	assert_true(ixgbe_map_build(&ixgbe_pf_map));
	assert_true(ixgbe_map_build(&ixgbe_vf_map));
}

static void test_every_row_is_found(void **state)
{
	const struct ixgbe_register_map *maps[] = { &ixgbe_pf_map, &ixgbe_vf_map };

	for (unsigned int m = 0; m < ARRAY_SIZE(maps); m++) {
		for (unsigned int r = 0; r < maps[m]->rows; r++) {
			const struct ixgbe_register *row = &maps[m]->table[r];
			unsigned int index;

			assert_non_null(row->name);
			for (unsigned int i = 0; i < MAX(row->count, 1); i++) {
				assert_ptr_equal(ixgbe_map_find(maps[m],
								row->offset + i * row->stride,
								&index),
						 row);
				assert_int_equal(index, i);
			}
		}
	}
}

/* RAL0 and RAH0 hold the permanent address, not their row's reset value. */
static bool holds_mac(const struct ixgbe_register *row, unsigned int index)
{
	return index == 0 && (strcmp(row->name, "RAL") == 0 || strcmp(row->name, "RAH") == 0);
}

/* A row whose stored value is what a read gives and a write changes. */
static bool plain(const struct ixgbe_register *row)
{
	return !row->read || row->read == ixgbe_read_queue || row->read == ixgbe_read_queue_alias;
}

/* Writing it has effects that change other rows. */
static bool disruptive(const struct ixgbe_register *row)
{
	return row->offset == IXGBE_CTRL || row->offset == IXGBE_GCR_EXT ||
	       row->offset == IXGBE_VT_CTL || row->offset == IXGBE_EERD ||
	       row->offset == IXGBE_FDIRCMD;
}

static bool is_head(const struct ixgbe_register *row)
{
	return strcmp(row->name + strlen(row->name) - 2, "DH") == 0;
}

static void check_row(struct card *card, const struct ixgbe_register *row,
		      uint32_t (*rd)(struct card *, uint32_t),
		      int (*wr)(struct card *, uint32_t, uint32_t))
{
	for (unsigned int i = 0; plain(row) && i < MAX(row->count, 1); i++) {
		uint32_t offset = row->offset + i * row->stride;

		if (!holds_mac(row, i))
			assert_int_equal(rd(card, offset), row->reset);
		if (disruptive(row) || is_head(row))
			continue;
		wr(card, offset, UINT32_MAX);
		assert_int_equal(rd(card, offset), (row->reset & ~row->mask) | row->mask);
		wr(card, offset, 0);
		assert_int_equal(rd(card, offset), row->reset & ~row->mask);
	}
}

static int vf0_wr(struct card *card, uint32_t offset, uint32_t value)
{
	return vf_wr(card, 0, offset, value);
}

static uint32_t vf0_rd(struct card *card, uint32_t offset)
{
	return vf_rd(card, 0, offset);
}

static void test_pf_reset_values_and_masks(void **state)
{
	struct card *card = *state;

	for (unsigned int r = 0; r < ixgbe_pf_map.rows; r++)
		if (!ixgbe_pf_map.table[r].at &&
		    ixgbe_pf_map.table[r].read != ixgbe_read_queue_alias)
			check_row(card, &ixgbe_pf_map.table[r], pf_rd, pf_wr);
}

static void test_vf_reset_values_and_masks(void **state)
{
	struct card *card = *state;

	card_up(card, IXGBE_GCR_EXT_VT_MODE_32, 1);
	for (unsigned int r = 0; r < ixgbe_vf_map.rows; r++)
		check_row(card, &ixgbe_vf_map.table[r], vf0_rd, vf0_wr);
}

static void test_reset_restores_everything(void **state)
{
	struct card *card = *state;

	for (uint32_t offset = 0; offset < IXGBE_PF_REG_BYTES; offset += 4)
		if (offset != IXGBE_CTRL)
			pf_wr(card, offset, 0x5a5a5a5a);
	assert_int_equal(pf_wr(card, IXGBE_CTRL, IXGBE_CTRL_RST), PCIE_QUIESCE);
	for (unsigned int r = 0; r < ixgbe_pf_map.rows; r++) {
		const struct ixgbe_register *row = &ixgbe_pf_map.table[r];

		for (unsigned int i = 0; plain(row) && i < MAX(row->count, 1); i++)
			if (!holds_mac(row, i) && row->offset != IXGBE_SW_FW_SYNC)
				assert_int_equal(pf_rd(card, row->offset + i * row->stride),
						 row->reset);
	}
}

/* --- values drivers depend on ---------------- */

static void test_nothing_reads_as_a_missing_device(void **state)
{
	struct card *card = *state;

	for (uint32_t offset = 0; offset < IXGBE_PF_BAR_SIZE; offset += 4)
		assert_int_not_equal(pf_rd(card, offset), UINT32_MAX);
	for (unsigned int v = 0; v < IXGBE_MAX_VFS; v += 21)
		for (uint32_t offset = 0; offset < IXGBE_VF_BAR_SIZE; offset += 4)
			assert_int_not_equal(vf_rd(card, v, offset), UINT32_MAX);
}

static void test_unlisted_offsets(void **state)
{
	struct card *card = *state;
	static const uint32_t holes[] = { 0x00004, 0x04000, 0x15f00, 0x1fffc, 0x20000, 0x7fffc };

	for (unsigned int i = 0; i < ARRAY_SIZE(holes); i++) {
		assert_int_equal(pf_wr(card, holes[i], 0x12345678), PCIE_DONE);
		assert_int_equal(pf_rd(card, holes[i]), 0);
	}
	vf_wr(card, 0, 0x3100, 0x12345678);
	assert_int_equal(vf_rd(card, 0, 0x3100), 0);
}

static void test_identity(void **state)
{
	struct card *card = *state;

	assert_int_equal(pf_rd(card, IXGBE_RAL), get_le32(card_mac));
	assert_int_equal(pf_rd(card, IXGBE_RAH), get_le16(card_mac + 4) | IXGBE_RAH_AV);
	assert_int_equal(pf_rd(card, IXGBE_STATUS), IXGBE_STATUS_GIO);
	assert_int_equal(pf_rd(card, IXGBE_FWSM), 0x8000);
	assert_int_equal(pf_rd(card, IXGBE_RXPBSIZE), 512 << 10);
	assert_int_equal(pf_rd(card, IXGBE_AUTOC), 0xc0018000);
	assert_int_not_equal(pf_rd(card, IXGBE_ANLP1) & 0xf0000, 0);
	assert_true(pf_rd(card, IXGBE_RDRXCTL) & IXGBE_RDRXCTL_DMAIDONE);
	assert_true(pf_rd(card, IXGBE_FDIRCTRL) & IXGBE_FDIRCTRL_INIT_DONE);
}

static void test_aliases_share_storage(void **state)
{
	struct card *card = *state;

	pf_wr(card, 0x5408, 0x11223344);
	pf_wr(card, 0x540c, 0x800c5566);
	assert_int_equal(pf_rd(card, 0xa208), 0x11223344);
	assert_int_equal(pf_rd(card, 0xa20c), 0x80005566); /* reserved bits do not stick */
	pf_wr(card, 0xa27c, 0x8000abcd);
	assert_int_equal(pf_rd(card, 0x547c), 0x8000abcd);
	pf_wr(card, 0x548c, 0x20000000);
	assert_int_equal(pf_rd(card, 0xea0c), 0x20000000);
	pf_wr(card, 0x2104, 0x02000002);
	assert_int_equal(pf_rd(card, PFRX(1, IXGBE_Q_SRRCTL)), 0x02000002);
	pf_wr(card, PFRX(2, IXGBE_Q_DCA), 0x1000);
	assert_int_equal(pf_rd(card, 0x2208), 0x1000);
}

static void test_semaphores(void **state)
{
	struct card *card = *state;

	assert_int_equal(pf_rd(card, IXGBE_SWSM), 0);
	assert_int_equal(pf_rd(card, IXGBE_SWSM), IXGBE_SWSM_SMBI);
	pf_wr(card, IXGBE_SWSM, IXGBE_SWSM_SMBI | IXGBE_SWSM_SWESMBI);
	assert_int_equal(pf_rd(card, IXGBE_SWSM), IXGBE_SWSM_SMBI | IXGBE_SWSM_SWESMBI);
	pf_wr(card, IXGBE_SWSM, 0);
	assert_int_equal(pf_rd(card, IXGBE_SWSM), 0);
	pf_wr(card, IXGBE_SW_FW_SYNC, UINT32_MAX);
	assert_int_equal(pf_rd(card, IXGBE_SW_FW_SYNC) & 0x3e0, 0);
}

static void test_polls_end_at_once(void **state)
{
	struct card *card = *state;

	pf_wr(card, IXGBE_CTRL, IXGBE_CTRL_GIO_DIS);
	assert_int_equal(pf_rd(card, IXGBE_CTRL), IXGBE_CTRL_GIO_DIS);
	assert_int_equal(pf_rd(card, IXGBE_STATUS) & IXGBE_STATUS_GIO, 0);
	pf_wr(card, IXGBE_CTRL, IXGBE_CTRL_RST | IXGBE_CTRL_LRST);
	assert_int_equal(pf_rd(card, IXGBE_CTRL), 0);
	assert_true(pf_rd(card, IXGBE_STATUS) & IXGBE_STATUS_GIO);
	pf_wr(card, IXGBE_MSCA, IXGBE_MSCA_COMMAND | 0x1234);
	assert_int_equal(pf_rd(card, IXGBE_MSCA), 0x1234);
	assert_int_equal(pf_rd(card, IXGBE_MSRWD) >> 16, 0xffff);
	pf_wr(card, IXGBE_FDIRCMD, 0x7f);
	assert_int_equal(pf_rd(card, IXGBE_FDIRCMD) & IXGBE_FDIRCMD_CMD, 0);
	assert_int_equal(pf_rd(card, IXGBE_SECRXSTAT), IXGBE_SECSTAT_OFF_DIS);
	pf_wr(card, IXGBE_SECRXCTRL, IXGBE_SEC_DIS);
	assert_int_equal(pf_rd(card, IXGBE_SECRXSTAT), IXGBE_SECSTAT_OFF_DIS | IXGBE_SECSTAT_RDY);
	pf_wr(card, IXGBE_EEC, IXGBE_EEC_REQ);
	assert_int_equal(pf_rd(card, IXGBE_EEC), 0x3000 | 0x340); /* never granted */
	pf_wr(card, IXGBE_AUTOC, IXGBE_AUTOC_RESET | IXGBE_AUTOC_AN_RESTART);
	assert_int_equal(pf_rd(card, IXGBE_AUTOC), IXGBE_AUTOC_RESET);
	pf_wr(card, IXGBE_I2CCTL, 0);
	assert_int_equal(pf_rd(card, IXGBE_I2CCTL), 0);
	pf_wr(card, IXGBE_I2CCTL, IXGBE_I2CCTL_CLK_OUT);
	assert_int_equal(pf_rd(card, IXGBE_I2CCTL), IXGBE_I2CCTL_CLK_OUT | IXGBE_I2CCTL_CLK_IN);
}

static uint16_t eerd(struct card *card, unsigned int word)
{
	uint32_t value;

	pf_wr(card, IXGBE_EERD, word << 2 | IXGBE_EERD_START);
	value = pf_rd(card, IXGBE_EERD);
	assert_true(value & IXGBE_EERD_DONE);
	return (uint16_t)(value >> 16);
}

/* The walk that drivers make at probe: words 0 ... 0x3e, then every section that has a pointer. */
static void test_eeprom_checksum(void **state)
{
	struct card *card = *state;
	uint16_t sum = 0;

	for (unsigned int word = 0; word < 0x3f; word++)
		sum = (uint16_t)(sum + eerd(card, word));
	for (unsigned int word = 0x03; word < 0x0f; word++) {
		uint16_t pointer = eerd(card, word), length;

		if (pointer == 0 || pointer == 0xffff)
			continue;
		length = eerd(card, pointer);
		for (unsigned int i = 1; length != 0xffff && i <= length; i++)
			sum = (uint16_t)(sum + eerd(card, pointer + i));
	}
	assert_int_equal((uint16_t)(sum + eerd(card, 0x3f)), 0xbaba);
	assert_int_equal(eerd(card, 0x2c), 0x81);
	assert_int_equal(eerd(card, 0x15), 0xfafa);
}

static void test_link(void **state)
{
	struct card *card = *state;

	assert_int_equal(pf_rd(card, IXGBE_LINKS), 0);
	ixgbe_set_link(card->pf, true);
	assert_true(ixgbe_link(card->pf));
	assert_int_equal(pf_rd(card, IXGBE_LINKS), 0xf0000000);
	assert_int_equal(vf_rd(card, 0, IXGBE_VFLINKS), 0); /* there is no VF yet */
	assert_true(pf_rd(card, IXGBE_STATUS) & IXGBE_STATUS_LINK_UP);
	assert_true(vf_rd(card, 0, IXGBE_VFSTATUS) & IXGBE_STATUS_LINK_UP);
	assert_int_equal(pf_rd(card, IXGBE_EICR), IXGBE_EICR_LSC);
	assert_int_equal(pf_rd(card, IXGBE_EICR), 0);
	assert_true(card->changes);
	pf_wr(card, IXGBE_CTRL, IXGBE_CTRL_RST);
	assert_true(ixgbe_link(card->pf));
	card_up(card, IXGBE_GCR_EXT_VT_MODE_32, 1);
	assert_int_equal(vf_rd(card, 0, IXGBE_VFLINKS), 0xf0000000);
}

static void test_systim_runs_and_can_be_set(void **state)
{
	struct card *card = *state;
	uint64_t first, second;

	assert_int_equal(pf_rd(card, IXGBE_SYSTIML), 0);
	pf_wr(card, IXGBE_TIMINCA, 1u << 24 | 0xcccccc); /* 2^21 units per nanosecond */
	pf_wr(card, IXGBE_SYSTIML, 0);
	pf_wr(card, IXGBE_SYSTIMH, 0x1000);
	first = pf_rd(card, IXGBE_SYSTIML);
	first |= (uint64_t)pf_rd(card, IXGBE_SYSTIMH) << 32;
	second = pf_rd(card, IXGBE_SYSTIML);
	second |= (uint64_t)pf_rd(card, IXGBE_SYSTIMH) << 32;
	assert_true(first >= 0x1000ull << 32);
	assert_true(second > first);
	assert_true(second - (0x1000ull << 32) < (10 * NSEC_PER_SEC) << 21);
}

/* --- accesses nobody should make ---------------- */

static void test_access_sizes(void **state)
{
	struct card *card = *state;
	const struct function_ops *ops = &ixgbe_pf_function_ops;
	uint64_t wide = 0x1122334455667788;
	uint16_t half = 0x99aa;
	uint8_t byte;

	ops->bar_write(card->pf, 0, IXGBE_RETA, &wide, 8);
	assert_int_equal(pf_rd(card, IXGBE_RETA), 0x55667788);
	assert_int_equal(pf_rd(card, IXGBE_RETA + 4), 0x11223344);
	ops->bar_write(card->pf, 0, IXGBE_RETA, &half, 2);
	assert_int_equal(pf_rd(card, IXGBE_RETA), 0x55667788);
	ops->bar_read(card->pf, 0, IXGBE_RETA + 1, &byte, 1);
	assert_int_equal(byte, 0x77);
	wide = 0;
	ops->bar_read(card->pf, 0, IXGBE_RETA, &wide, 8);
	assert_true(wide == 0x1122334455667788);
	assert_int_equal(ops->bar_read(card->pf, 2, 0, &byte, 1), -EINVAL);
	assert_int_equal(ops->bar_write(card->pf, 1, 0, &byte, 1), -EINVAL);
}

static uint32_t noise(void)
{
	static const uint32_t favourites[] = { 0, UINT32_MAX, 1, 0x80000000, 0x02000000 };

	if (rand() % 2)
		return favourites[(unsigned int)rand() % ARRAY_SIZE(favourites)];
	return (uint32_t)rand() << 16 ^ (uint32_t)rand();
}

/* A hundred thousand accesses of any kind to both windows: sanitizers watch, STATUS stays sane. */
static void test_random_accesses(void **state)
{
	static const uint32_t lengths[] = { 1, 2, 4, 4, 4, 4, 8 };
	struct card *card = *state;

	srand(82599);
	card_up(card, IXGBE_GCR_EXT_VT_MODE_64, 63);
	for (unsigned int i = 0; i < 100000; i++) {
		bool pf = rand() % 2, write = rand() % 2;
		const struct function_ops *ops =
			pf ? &ixgbe_pf_function_ops : &ixgbe_vf_function_ops;
		uint32_t size = pf ? IXGBE_PF_REG_BYTES : IXGBE_VF_BAR_SIZE;
		void *ctx = pf ? (void *)card->pf
			       : (void *)ixgbe_get_vf(card->pf, (unsigned int)rand() % 64);
		uint32_t len = lengths[(unsigned int)rand() % ARRAY_SIZE(lengths)];
		uint64_t offset = noise() % (size - len + 1), data = noise();
		unsigned int bar = rand() % 16 ? 0 : pf ? IXGBE_PF_MSIX_BAR : IXGBE_VF_MSIX_BAR;

		if (bar)
			offset %= IXGBE_MSIX_BAR_SIZE - 8;
		if (rand() % 8)
			offset &= ~3ull;
		card->signals = 0;
		if (write)
			assert_true(ops->bar_write(ctx, bar, offset, &data, len) >= 0);
		else
			assert_true(ops->bar_read(ctx, bar, offset, &data, len) >= 0);
		if (i % 1000 == 0) {
			assert_int_not_equal(pf_rd(card, IXGBE_STATUS), UINT32_MAX);
			ixgbe_partition(card->pf);
			ixgbe_poll(card->pf);
		}
	}
}

/* --- MSI-X tables ---------------- */

static void test_msix_table(void **state)
{
	struct card *card = *state;
	struct ixgbe_vf *vf = ixgbe_get_vf(card->pf, 0);
	const struct function_ops *ops = &ixgbe_vf_function_ops;
	uint32_t address = 0xfee00000, control = 1, value;

	ops->bar_read(vf, 3, 0x2c, &value, 4);
	assert_int_equal(value, 1);
	ops->bar_write(vf, 3, 0x10, &address, 4);
	ops->bar_write(vf, 3, 0x1c, &control, 4);
	vf_wr(card, 0, IXGBE_VTEIMS, 7);
	vf_wr(card, 0, IXGBE_VTEICS, 2);
	assert_int_equal(card_signalled(card, 0, 1), 0);
	ops->bar_read(vf, 3, 0x2000, &value, 4);
	assert_int_equal(value, 2);
	control = 0;
	ops->bar_write(vf, 3, 0x1c, &control, 4);
	assert_int_equal(card_signalled(card, 0, 1), 1);
	ops->bar_read(vf, 3, 0x2000, &value, 4);
	assert_int_equal(value, 0);
	ops->bar_write(vf, 3, 0x30, &address, 4); /* beyond the three vectors */
	ops->bar_read(vf, 3, 0x30, &value, 4);
	assert_int_equal(value, 0);
}

#define CARD_TEST(f) cmocka_unit_test_setup_teardown(f, card_setup, card_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_tables_have_no_overlap),
		cmocka_unit_test(test_every_row_is_found),
		CARD_TEST(test_pf_reset_values_and_masks),
		CARD_TEST(test_vf_reset_values_and_masks),
		CARD_TEST(test_reset_restores_everything),
		CARD_TEST(test_nothing_reads_as_a_missing_device),
		CARD_TEST(test_unlisted_offsets),
		CARD_TEST(test_identity),
		CARD_TEST(test_aliases_share_storage),
		CARD_TEST(test_semaphores),
		CARD_TEST(test_polls_end_at_once),
		CARD_TEST(test_eeprom_checksum),
		CARD_TEST(test_link),
		CARD_TEST(test_systim_runs_and_can_be_set),
		CARD_TEST(test_access_sizes),
		CARD_TEST(test_random_accesses),
		CARD_TEST(test_msix_table),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
