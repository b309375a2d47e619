// SPDX-License-Identifier: BSD-3-Clause
/* test_sriov.c - the rules of the SR-IOV capability, one by one; routing IDs; VF BARs. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <linux/pci_regs.h>
#include <stdlib.h>

#include "card.h"

enum { CTRL = SRIOV + PCI_SRIOV_CTRL, NUM_VF = SRIOV + PCI_SRIOV_NUM_VF };
enum { SYS_PGSIZE = SRIOV + PCI_SRIOV_SYS_PGSIZE, VF_BAR = SRIOV + PCI_SRIOV_BAR };

static int make_pf(void **state)
{
	*state = card_pf(0);
	return 0;
}

static int free_pf(void **state)
{
	free(*state);
	return 0;
}

static void test_values(void **state)
{
	struct pcie_function *f = &((struct card_function *)*state)->function;

	assert_int_equal(get(f, SRIOV + PCI_SRIOV_CAP, 4), 0); /* no VF migration */
	assert_int_equal(get(f, CTRL, 4), 0);
	assert_int_equal(get(f, SRIOV + PCI_SRIOV_INITIAL_VF, 2), 64);
	assert_int_equal(get(f, SRIOV + PCI_SRIOV_TOTAL_VF, 2), 64);
	assert_int_equal(get(f, NUM_VF, 2), 0);
	assert_int_equal(get(f, SRIOV + PCI_SRIOV_FUNC_LINK, 2), 0);
	assert_int_equal(get(f, SRIOV + PCI_SRIOV_VF_OFFSET, 2), 128);
	assert_int_equal(get(f, SRIOV + PCI_SRIOV_VF_STRIDE, 2), 2);
	assert_int_equal(get(f, SRIOV + PCI_SRIOV_VF_DID, 2), 0x10ed);
	assert_int_equal(get(f, SRIOV + PCI_SRIOV_SUP_PGSIZE, 4), 0x553);
	assert_int_equal(get(f, SYS_PGSIZE, 4), 1);
	assert_int_equal(get(f, VF_BAR, 8), 4);
	assert_int_equal(get(f, VF_BAR + 12, 8), 4);
	assert_int_equal(get(f, SRIOV + PCI_SRIOV_VFM, 4), 0);
}

static void test_enable_and_disable(void **state)
{
	struct card_function *pf = *state;
	struct pcie_function *f = &pf->function;

	assert_int_equal(set(f, NUM_VF, 8, 2), PCIE_DONE);
	assert_int_equal(pcie_num_vfs(f), 8);
	assert_false(pcie_vf_enabled(f));
	assert_int_equal(set(f, CTRL, 0xffff, 2), PCIE_DONE);
	assert_int_equal(get(f, CTRL, 2),
			 PCI_SRIOV_CTRL_VFE | PCI_SRIOV_CTRL_MSE | PCI_SRIOV_CTRL_ARI);
	assert_true(pcie_vf_enabled(f) && pcie_vf_memory_enabled(f));
	assert_int_equal(pf->notes.vf_enables, 1);
	assert_int_equal(pf->notes.numvfs, 8);
	set(f, CTRL, PCI_SRIOV_CTRL_VFE, 2); /* VF MSE alone may change at any time */
	assert_false(pcie_vf_memory_enabled(f));
	assert_int_equal(pf->notes.vf_enables, 1);
	assert_int_equal(pf->notes.vf_disables, 0);
	pf->notes.disable_result = PCIE_QUIESCE;
	assert_int_equal(set(f, CTRL, 0, 2), PCIE_QUIESCE);
	assert_int_equal(pf->notes.vf_disables, 1);
	assert_false(pcie_vf_enabled(f));
	assert_int_equal(pcie_num_vfs(f), 8);
}

static void test_numvfs_locked_while_enabled(void **state)
{
	struct card_function *pf = *state;
	struct pcie_function *f = &pf->function;

	set(f, NUM_VF, 8, 2);
	set(f, CTRL, PCI_SRIOV_CTRL_VFE, 2);
	set(f, NUM_VF, 9, 2);
	set(f, NUM_VF + 1, 1, 1);
	assert_int_equal(pcie_num_vfs(f), 8);
	set(f, CTRL, 0, 2);
	set(f, NUM_VF, 9, 2);
	assert_int_equal(pcie_num_vfs(f), 9);
}

static void test_numvfs_out_of_range(void **state)
{
	static const unsigned int bad[] = { 0, TOTAL_VFS + 1, UINT16_MAX };
	struct card_function *pf = *state;
	struct pcie_function *f = &pf->function;

	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		set(f, NUM_VF, bad[i], 2);
		set(f, CTRL, PCI_SRIOV_CTRL_VFE | PCI_SRIOV_CTRL_MSE, 2);
		assert_int_equal(get(f, CTRL, 2), PCI_SRIOV_CTRL_MSE);
		assert_int_equal(pf->notes.vf_enables, 0);
	}
	set(f, NUM_VF, TOTAL_VFS, 2);
	set(f, CTRL, PCI_SRIOV_CTRL_VFE, 2);
	assert_true(pcie_vf_enabled(f));
}

static void test_model_refuses(void **state)
{
	struct card_function *pf = *state;
	struct pcie_function *f = &pf->function;

	pf->notes.enable_result = -ENOMEM;
	set(f, NUM_VF, 1, 2);
	set(f, CTRL, PCI_SRIOV_CTRL_VFE, 2);
	assert_false(pcie_vf_enabled(f));
	assert_int_equal(pf->notes.vf_enables, 1);
	assert_int_equal(pf->notes.vf_disables, 0);
	set(f, NUM_VF, 2, 2); /* still writable */
	assert_int_equal(pcie_num_vfs(f), 2);
}

static void test_system_page_size(void **state)
{
	static const uint32_t bad[] = { 0, 0x3, 0x4, 0x8, 0x551, 0x80000000, UINT32_MAX };
	struct card_function *pf = *state;
	struct pcie_function *f = &pf->function;

	set(f, SYS_PGSIZE, 0x10, 4);
	assert_int_equal(get(f, SYS_PGSIZE, 4), 0x10);
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		set(f, SYS_PGSIZE, bad[i], 4);
		assert_int_equal(get(f, SYS_PGSIZE, 4), 0x10);
	}
	set(f, NUM_VF, 1, 2);
	set(f, CTRL, PCI_SRIOV_CTRL_VFE, 2);
	set(f, SYS_PGSIZE, 1, 4);
	assert_int_equal(get(f, SYS_PGSIZE, 4), 0x10);
	set(f, CTRL, 0, 2);
	set(f, SYS_PGSIZE, 1, 4);
	assert_int_equal(get(f, SYS_PGSIZE, 4), 1);
}

static void test_ari_capable_hierarchy(void **state)
{
	struct card_function *pf = *state, *pf1 = card_pf(1);
	struct pcie_function *f = &pf->function;

	set(f, CTRL, PCI_SRIOV_CTRL_ARI, 2);
	assert_int_equal(get(f, CTRL, 2), PCI_SRIOV_CTRL_ARI);
	assert_int_equal(get(f, SRIOV + PCI_SRIOV_VF_OFFSET, 4), 0x00020080);
	pcie_function_reset(f);
	assert_int_equal(get(f, CTRL, 2), PCI_SRIOV_CTRL_ARI);
	set(f, NUM_VF, 1, 2);
	set(f, CTRL, PCI_SRIOV_CTRL_VFE, 2); /* cleared in the write that enables */
	set(f, CTRL, PCI_SRIOV_CTRL_VFE | PCI_SRIOV_CTRL_ARI, 2);
	assert_int_equal(get(f, CTRL, 2), PCI_SRIOV_CTRL_VFE);
	set(&pf1->function, CTRL, PCI_SRIOV_CTRL_ARI, 2);
	assert_int_equal(get(&pf1->function, CTRL, 2), 0);
	free(pf1);
}

static void test_pf_reset_disables(void **state)
{
	struct card_function *pf = *state;
	struct pcie_function *f = &pf->function;

	pf->notes.disable_result = PCIE_QUIESCE;
	set(f, SYS_PGSIZE, 0x10, 4);
	set(f, NUM_VF, 8, 2);
	set(f, VF_BAR, 0xf0000000, 4);
	set(f, CTRL, PCI_SRIOV_CTRL_VFE | PCI_SRIOV_CTRL_MSE, 2);
	assert_int_equal(set(f, EXPRESS + PCI_EXP_DEVCTL, PCI_EXP_DEVCTL_BCR_FLR, 2), PCIE_QUIESCE);
	assert_int_equal(pf->notes.vf_disables, 1);
	assert_int_equal(pf->notes.resets, 1);
	assert_int_equal(get(f, CTRL, 2), 0);
	assert_int_equal(get(f, NUM_VF, 2), 0);
	assert_int_equal(get(f, SYS_PGSIZE, 4), 1);
	assert_int_equal(get(f, VF_BAR, 8), 4);
}

/* The list: PFs 0-1 07:10.0-1f.7, 2-3 08:00.0-0f.7, 4-5 08:10.0-1f.7, 6-7 09:00.0-0f.7. */
static void test_routing_ids(void **state)
{
	static const uint16_t first[] = { 0x0780, 0x0800, 0x0880, 0x0900 };
	static uint8_t seen[UINT16_MAX + 1];

	for (unsigned int n = 0; n < 8; n++) {
		struct card_function *pf = card_pf(n);

		seen[pf->function.routing_id]++;
		for (unsigned int vf = 0; vf < TOTAL_VFS; vf++) {
			uint16_t id = pcie_vf_routing_id(&pf->function, vf);

			assert_int_equal(id, first[n / 2] + n % 2 + 2 * vf);
			seen[id]++;
		}
		free(pf);
	}
	for (unsigned int id = 0; id <= UINT16_MAX; id++)
		assert_int_equal(seen[id],
				 (id >= 0x700 && id < 0x708) || (id >= 0x780 && id < 0x980));
}

static void test_vf_bars(void **state)
{
	struct pcie_function *f = &((struct card_function *)*state)->function;

	for (unsigned int bit = 0; bit < 32; bit++) {
		uint64_t page = 1ull << (bit + 12), step = page > VF_BAR_SIZE ? page : VF_BAR_SIZE;

		if (!(SUPPORTED_PAGES & BIT(bit)))
			continue;
		set(f, VF_BAR, 0x123ffffc000ull, 8);
		set(f, VF_BAR + 12, 0xe0000000, 8);
		set(f, SYS_PGSIZE, BIT(bit), 4);
		/* A larger page takes address bits away at once ... */
		assert_true(pcie_vf_bar_address(f, 0, 0) == (0x123ffffc000ull & ~(step - 1)));
		/* ... and shows in the size. */
		set(f, VF_BAR, UINT64_MAX, 8);
		assert_true(get(f, VF_BAR, 8) == (~(step - 1) | 4));
		set(f, VF_BAR, 0x100000000000ull | (step - 16), 8);
		for (unsigned int vf = 0; vf < TOTAL_VFS; vf++) {
			assert_true(pcie_vf_bar_address(f, vf, 0) == 0x100000000000ull + vf * step);
			assert_true(pcie_vf_bar_address(f, vf, 3) == 0xe0000000 + vf * step);
		}
	}
	assert_true(pcie_vf_bar_address(f, 1, 1) == 0);
	assert_true(pcie_vf_bar_address(f, 1, 2) == 0);
	assert_true(pcie_vf_bar_address(f, 1, 6) == 0);
	set(f, VF_BAR + 8, UINT32_MAX, 4);
	assert_int_equal(get(f, VF_BAR + 8, 4), 0);
}

static void test_not_a_pf(void **state)
{
	struct card_function *vf = card_vf();

	assert_false(pcie_vf_enabled(&vf->function));
	assert_false(pcie_vf_memory_enabled(&vf->function));
	assert_int_equal(pcie_num_vfs(&vf->function), 0);
	assert_true(pcie_vf_bar_address(&vf->function, 0, 0) == 0);
	set(&vf->function, CTRL, 0xffff, 2);
	assert_int_equal(get(&vf->function, CTRL, 2), 0);
	free(vf);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_values, make_pf, free_pf),
		cmocka_unit_test_setup_teardown(test_enable_and_disable, make_pf, free_pf),
		cmocka_unit_test_setup_teardown(test_numvfs_locked_while_enabled, make_pf, free_pf),
		cmocka_unit_test_setup_teardown(test_numvfs_out_of_range, make_pf, free_pf),
		cmocka_unit_test_setup_teardown(test_model_refuses, make_pf, free_pf),
		cmocka_unit_test_setup_teardown(test_system_page_size, make_pf, free_pf),
		cmocka_unit_test_setup_teardown(test_ari_capable_hierarchy, make_pf, free_pf),
		cmocka_unit_test_setup_teardown(test_pf_reset_disables, make_pf, free_pf),
		cmocka_unit_test(test_routing_ids),
		cmocka_unit_test_setup_teardown(test_vf_bars, make_pf, free_pf),
		cmocka_unit_test(test_not_a_pf),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
