// SPDX-License-Identifier: BSD-3-Clause
/* test_pcie.c - configuration space: values, masks, effects, reset; BDFs; hierarchy. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <linux/pci_regs.h>
#include <stdlib.h>

#include "card.h"
#include "util/bdf.h"

struct expected {
	unsigned int offset, len;
	uint64_t value;
};

static void expect_all(const struct pcie_function *function, const struct expected *expected,
		       size_t count)
{
	for (size_t i = 0; i < count; i++)
		if (get(function, expected[i].offset, expected[i].len) != expected[i].value)
			fail_msg("offset 0x%x: 0x%llx, expected 0x%llx", expected[i].offset,
				 (unsigned long long)get(function, expected[i].offset,
							 expected[i].len),
				 (unsigned long long)expected[i].value);
}

static void test_pf_values(void **state)
{
	static const struct expected expected[] = {
		{ PCI_VENDOR_ID, 2, 0x8086 },
		{ PCI_DEVICE_ID, 2, 0x10f8 },
		{ PCI_COMMAND, 2, 0 },
		{ PCI_STATUS, 2, PCI_STATUS_CAP_LIST },
		{ PCI_CLASS_REVISION, 4, 0x02000001 },
		{ PCI_HEADER_TYPE, 1, 0x80 },
		{ PCI_BASE_ADDRESS_0, 8, 0x4 },
		{ PCI_BASE_ADDRESS_2, 8, 0 },
		{ PCI_BASE_ADDRESS_4, 8, 0xc },
		{ PCI_SUBSYSTEM_VENDOR_ID, 4, 0x000c8086 },
		{ PCI_ROM_ADDRESS, 4, 0 },
		{ PCI_CAPABILITY_LIST, 1, PM },
		{ PCI_INTERRUPT_PIN, 1, 0 },
		{ PM, 4, 0x4823 << 16 | MSI << 8 | 0x01 },
		{ PM + PCI_PM_CTRL, 2, 0x0008 },
		{ MSI, 4, 0x0180 << 16 | MSIX << 8 | 0x05 },
		{ MSIX, 4, 63 << 16 | EXPRESS << 8 | 0x11 },
		{ MSIX + PCI_MSIX_TABLE, 4, 4 },
		{ MSIX + PCI_MSIX_PBA, 4, 0x2004 },
		{ EXPRESS, 4, 0x00020010 },
		{ EXPRESS + PCI_EXP_DEVCAP, 4, 0x10008cc2 },
		{ EXPRESS + PCI_EXP_DEVCTL, 2, 0x2810 },
		{ EXPRESS + PCI_EXP_DEVSTA, 2, 0 }, /* no transactions pending */
		{ EXPRESS + PCI_EXP_LNKCAP, 2, 0x0082 },
		{ EXPRESS + PCI_EXP_LNKSTA, 2, 0x1082 },
		{ EXPRESS + PCI_EXP_DEVCAP2, 4, 0x1f },
		{ EXPRESS + PCI_EXP_LNKCAP2, 4, 0x6 },
		{ EXPRESS + PCI_EXP_LNKCTL2, 2, 0x2 },
		{ AER, 4, SERIAL << 20 | 1 << 16 | 0x0001 },
		{ AER + PCI_ERR_UNCOR_SEVER, 4, 0x00062010 },
		{ AER + PCI_ERR_COR_MASK, 4, 0x2000 },
		{ AER + PCI_ERR_CAP, 4, 0xa0 },
		{ SERIAL, 4, ARI << 20 | 1 << 16 | 0x0003 },
		{ SERIAL + 4, 8, SERIAL_NUMBER },
		{ ARI, 4, SRIOV << 20 | 1 << 16 | 0x000e },
		{ ARI + 4, 4, 0x0100 },
		{ SRIOV, 4, 0x00010010 },
	};
	struct card_function *pf = card_pf(0);

	expect_all(&pf->function, expected, ARRAY_SIZE(expected));
	free(pf);
}

/* Every byte of a bare VF that is not 0 (chapter 9.3.4 and 9.3.5). */
static void test_bare_vf(void **state)
{
	static const struct expected expected[] = {
		{ PCI_VENDOR_ID, 4, 0xffffffff },
		{ PCI_STATUS, 2, PCI_STATUS_CAP_LIST },
		{ PCI_CLASS_REVISION, 4, 0x02000001 },
		{ PCI_SUBSYSTEM_VENDOR_ID, 4, 0x000c8086 },
		{ PCI_CAPABILITY_LIST, 1, MSIX },
		{ MSIX, 4, 2 << 16 | EXPRESS << 8 | 0x11 },
		{ MSIX + PCI_MSIX_TABLE, 4, 3 },
		{ MSIX + PCI_MSIX_PBA, 4, 0x2003 },
		{ EXPRESS, 4, 0x00020010 },
		{ EXPRESS + PCI_EXP_DEVCAP, 4, 0x10008cc2 },
		{ EXPRESS + PCI_EXP_LNKCAP, 4, 0x00400082 },
		{ EXPRESS + PCI_EXP_DEVCAP2, 4, 0x1f },
		{ EXPRESS + PCI_EXP_LNKCAP2, 4, 0x6 },
		{ AER, 4, ARI << 20 | 1 << 16 | 0x0001 },
		{ AER + PCI_ERR_CAP, 4, 0xa0 },
		{ ARI, 4, 0x0001000e },
	};
	struct card_function *vf = card_vf();
	uint8_t zero[PCIE_CONFIG_SIZE] = { 0 };
	uint8_t config[PCIE_CONFIG_SIZE];

	expect_all(&vf->function, expected, ARRAY_SIZE(expected));
	pcie_config_read(&vf->function, 0, config, sizeof(config));
	for (size_t i = 0; i < ARRAY_SIZE(expected); i++)
		memset(config + expected[i].offset, 0, expected[i].len);
	assert_memory_equal(config, zero, sizeof(config));

	set(&vf->function, PCI_COMMAND, 0xffff, 2);
	assert_int_equal(get(&vf->function, PCI_COMMAND, 2), PCI_COMMAND_MASTER);
	assert_int_equal(vf->notes.command, PCI_COMMAND_MASTER);
	for (unsigned int bar = PCI_BASE_ADDRESS_0; bar <= PCI_BASE_ADDRESS_5; bar += 4) {
		set(&vf->function, bar, 0xffffffff, 4);
		assert_int_equal(get(&vf->function, bar, 4), 0);
	}
	/* The link and error reporting are the PF's. */
	set(&vf->function, EXPRESS + PCI_EXP_DEVCTL, 0x7fff, 2);
	assert_int_equal(get(&vf->function, EXPRESS + PCI_EXP_DEVCTL, 2), 0);
	set(&vf->function, AER + PCI_ERR_UNCOR_MASK, 0xffffffff, 4);
	assert_int_equal(get(&vf->function, AER + PCI_ERR_UNCOR_MASK, 4), 0);
	free(vf);
}

static void test_bar_sizing(void **state)
{
	struct card_function *pf = card_pf(0);
	struct pcie_function *f = &pf->function;

	set(f, PCI_BASE_ADDRESS_0, UINT64_MAX, 8);
	assert_true(get(f, PCI_BASE_ADDRESS_0, 8) == 0xfffffffffff80004);
	set(f, PCI_BASE_ADDRESS_0, 0xffffffff, 4);
	set(f, PCI_BASE_ADDRESS_4, 0xffffffff, 4);
	assert_int_equal(get(f, PCI_BASE_ADDRESS_4, 4), 0xffffc00c);
	set(f, PCI_BASE_ADDRESS_2, 0xffffffff, 4); /* absent */
	assert_int_equal(get(f, PCI_BASE_ADDRESS_2, 4), 0);
	set(f, PCI_ROM_ADDRESS, 0xfffff800, 4);
	assert_int_equal(get(f, PCI_ROM_ADDRESS, 4), 0);

	set(f, PCI_BASE_ADDRESS_0, 0x2345678abcdefull, 8); /* type bits and low bits stay */
	assert_true(get(f, PCI_BASE_ADDRESS_0, 8) == 0x2345678a80004ull);
	assert_true(pcie_bar_address(f, 0) == 0x2345678a80000ull);
	assert_true(pcie_bar_address(f, 1) == 0);
	assert_true(pcie_bar_address(f, 6) == 0);
	set(f, PCI_BASE_ADDRESS_4 + 1, 0x40, 1); /* byte by byte */
	set(f, PCI_BASE_ADDRESS_4 + 3, 0xfe, 1);
	assert_true(pcie_bar_address(f, 4) == 0xfeff4000);
	free(pf);
}

static void test_large_bar(void **state)
{
	struct card_function *pf = card_pf(0);

	pcie_add_bar(&pf->layout, 2, 8ull << 30, true, true);
	pcie_function_init(&pf->function, &pf->layout, &pf->state, 0x700, NULL, NULL);
	set(&pf->function, PCI_BASE_ADDRESS_2, UINT64_MAX, 8);
	assert_true(get(&pf->function, PCI_BASE_ADDRESS_2, 8) == 0xfffffffe0000000cull);
	free(pf);
}

/* Whatever is written: read-only bits keep their value and write-1-to-clear bits never get set. */
static void test_random_writes(void **state)
{
	struct card_function *pf = card_pf(0), *vf = card_vf();
	struct card_function *card[] = { pf, vf };
	uint64_t random = 0x9e3779b97f4a7c15ull;

	for (unsigned int round = 0; round < 200000; round++) {
		struct card_function *c = card[round & 1];
		const uint8_t *reset = c->layout.reset, *mask = c->layout.mask;
		unsigned int len, offset;

		random ^= random << 13;
		random ^= random >> 7;
		random ^= random << 17;
		len = 1 + (random & 7);
		offset = (random >> 8) % (round % 3 ? 0x1b0 : PCIE_CONFIG_SIZE - 8);
		set(&c->function, offset, random * 0x2545f4914f6cdd1dull, len);
		for (unsigned int i = offset; i < offset + len; i++)
			assert_int_equal((c->state.config[i] ^ reset[i]) & ~mask[i] & 0xff, 0);
	}
	free(pf);
	free(vf);
}

static void test_write_one_to_clear(void **state)
{
	struct card_function *pf = card_pf(0);
	struct pcie_function *f = &pf->function;

	put_le16(pf->state.config + PCI_STATUS,
		 PCI_STATUS_CAP_LIST | PCI_STATUS_REC_MASTER_ABORT | PCI_STATUS_DETECTED_PARITY);
	set(f, PCI_COMMAND, PCI_STATUS_REC_MASTER_ABORT << 16, 4);
	assert_int_equal(get(f, PCI_STATUS, 2), PCI_STATUS_CAP_LIST | PCI_STATUS_DETECTED_PARITY);
	set(f, PCI_STATUS, 0, 2);
	assert_int_equal(get(f, PCI_STATUS, 2), PCI_STATUS_CAP_LIST | PCI_STATUS_DETECTED_PARITY);
	set(f, PCI_STATUS, 0xffff, 2);
	assert_int_equal(get(f, PCI_STATUS, 2), PCI_STATUS_CAP_LIST);
	free(pf);
}

static void test_command(void **state)
{
	struct card_function *pf = card_pf(0);
	struct pcie_function *f = &pf->function;

	assert_int_equal(set(f, PCI_COMMAND, 0xffff, 2), PCIE_DONE);
	assert_int_equal(get(f, PCI_COMMAND, 2), 0x0546);
	assert_int_equal(pcie_command(f), 0x0546);
	assert_int_equal(pf->notes.commands, 1);
	assert_int_equal(pf->notes.command, 0x0546);
	set(f, PCI_COMMAND, 0x0006, 2); /* neither memory nor master changed */
	assert_int_equal(pf->notes.commands, 1);
	assert_int_equal(set(f, PCI_COMMAND, 0x0004, 2), PCIE_DONE);
	assert_int_equal(pf->notes.commands, 2);
	assert_int_equal(set(f, PCI_COMMAND, 0x0002, 1), PCIE_QUIESCE); /* bus master taken away */
	assert_int_equal(pf->notes.command, 0x0002);
	free(pf);
}

static void test_msix_control(void **state)
{
	struct card_function *pf = card_pf(0);
	struct pcie_function *f = &pf->function;

	set(f, MSIX + PCI_MSIX_FLAGS, 0xffff, 2);
	assert_int_equal(get(f, MSIX + PCI_MSIX_FLAGS, 2), 0xc03f);
	assert_int_equal(pf->notes.msix, 1);
	assert_true(pf->notes.msix_enable && pf->notes.msix_mask);
	set(f, MSIX + PCI_MSIX_FLAGS, 0x8000, 2);
	assert_true(pf->notes.msix_enable && !pf->notes.msix_mask);
	set(f, MSIX + PCI_MSIX_FLAGS, 0x8005, 2);
	assert_int_equal(pf->notes.msix, 2);
	set(f, MSIX + PCI_MSIX_FLAGS + 1, 0, 1);
	assert_false(pf->notes.msix_enable);
	set(f, MSIX + PCI_MSIX_TABLE, 0xffffffff, 4);
	assert_int_equal(get(f, MSIX + PCI_MSIX_TABLE, 4), 4);
	free(pf);
}

static void test_msi(void **state)
{
	struct card_function *pf = card_pf(0);
	struct pcie_function *f = &pf->function;

	set(f, MSI + PCI_MSI_FLAGS, 0xffff, 2);
	assert_int_equal(get(f, MSI + PCI_MSI_FLAGS, 2), 0x01f1);
	set(f, MSI + PCI_MSI_ADDRESS_LO, UINT64_MAX, 8);
	assert_true(get(f, MSI + PCI_MSI_ADDRESS_LO, 8) == 0xfffffffffffffffcull);
	set(f, MSI + PCI_MSI_DATA_64, 0xffffffff, 4);
	assert_int_equal(get(f, MSI + PCI_MSI_DATA_64, 4), 0xffff);
	set(f, MSI + PCI_MSI_MASK_64, UINT64_MAX, 8);
	assert_int_equal(get(f, MSI + PCI_MSI_MASK_64, 8), 1);
	free(pf);
}

static void test_power_states(void **state)
{
	struct card_function *pf = card_pf(0);
	struct pcie_function *f = &pf->function;

	set(f, PCI_COMMAND, 0x0006, 2);
	set(f, MSIX + PCI_MSIX_FLAGS, 0x8000, 2);
	assert_int_equal(set(f, PM + PCI_PM_CTRL, 3, 2), PCIE_QUIESCE);
	assert_int_equal(get(f, PM + PCI_PM_CTRL, 2), 0x000b);
	assert_int_equal(pf->notes.command, 0);
	assert_int_equal(get(f, PCI_COMMAND, 2), 0x0006);
	set(f, PCI_COMMAND, 0, 2); /* cannot be told apart while in D3hot */
	set(f, PCI_COMMAND, 6, 2);
	assert_int_equal(pf->notes.commands, 2);
	for (unsigned int unsupported = 1; unsupported <= 2; unsupported++) {
		set(f, PM + PCI_PM_CTRL, unsupported, 2);
		assert_int_equal(get(f, PM + PCI_PM_CTRL, 2), 0x000b);
	}
	assert_int_equal(set(f, PM + PCI_PM_CTRL, 0x0100, 2), PCIE_DONE);
	assert_int_equal(get(f, PM + PCI_PM_CTRL, 2), 0x0108);
	assert_int_equal(pf->notes.command, 0x0006); /* No_Soft_Reset: as it was */
	assert_int_equal(get(f, MSIX + PCI_MSIX_FLAGS, 2), 0x803f);
	assert_int_equal(pf->notes.resets, 0);
	free(pf);
}

static void test_function_level_reset(void **state)
{
	struct card_function *pf = card_pf(0);
	struct pcie_function *f = &pf->function;

	set(f, PCI_COMMAND, 0x0006, 2);
	set(f, PCI_BASE_ADDRESS_0, 0xfe000000, 4);
	set(f, PCI_INTERRUPT_LINE, 11, 1);
	set(f, MSIX + PCI_MSIX_FLAGS, 0x8000, 2);
	set(f, AER + PCI_ERR_UNCOR_MASK, 0x1000, 4);
	set(f, EXPRESS + PCI_EXP_DEVCTL, 0x5020, 2);
	put_le32(pf->state.config + AER + PCI_ERR_UNCOR_STATUS, PCI_ERR_UNC_UNSUP);

	assert_int_equal(set(f, EXPRESS + PCI_EXP_DEVCTL, 0xa820, 2), PCIE_QUIESCE);
	assert_int_equal(pf->notes.resets, 1);
	assert_int_equal(pf->notes.command, 0);
	assert_false(pf->notes.msix_enable);
	assert_int_equal(get(f, PCI_COMMAND, 2), 0);
	assert_int_equal(get(f, PCI_BASE_ADDRESS_0, 4), 4);
	assert_int_equal(get(f, PCI_INTERRUPT_LINE, 1), 0);
	assert_int_equal(get(f, MSIX + PCI_MSIX_FLAGS, 2), 63);
	/* Bit 15 reads 0; Max_Payload_Size stays, the rest of Device Control does not (6.6.2). */
	assert_int_equal(get(f, EXPRESS + PCI_EXP_DEVCTL, 2), 0x2830);
	/* Sticky: error records and masks. */
	assert_int_equal(get(f, AER + PCI_ERR_UNCOR_MASK, 4), 0x1000);
	assert_int_equal(get(f, AER + PCI_ERR_UNCOR_STATUS, 4), PCI_ERR_UNC_UNSUP);

	/* Nothing in flight, nothing to wait for - unless the model says so. */
	assert_int_equal(set(f, EXPRESS + PCI_EXP_DEVCTL + 1, 0x80, 1), PCIE_DONE);
	pf->notes.reset_result = PCIE_QUIESCE;
	assert_int_equal(set(f, EXPRESS + PCI_EXP_DEVCTL, 0x80, 1), PCIE_DONE);
	assert_int_equal(pf->notes.resets, 2);
	assert_int_equal(set(f, EXPRESS + PCI_EXP_DEVCAP, 0x8000ull << 32, 8), PCIE_QUIESCE);
	assert_int_equal(pf->notes.resets, 3);
	assert_int_equal(pcie_function_reset(f), PCIE_QUIESCE);
	assert_int_equal(pf->notes.resets, 4);
	free(pf);
}

static void test_absent(void **state)
{
	struct card_function *vf = card_vf();

	vf->state.present = 0;
	assert_int_equal(get(&vf->function, MSIX, 4), 0xffffffff);
	set(&vf->function, MSIX + PCI_MSIX_FLAGS, 0x8000, 2);
	assert_int_equal(vf->notes.msix, 0);
	vf->state.present = 1;
	assert_int_equal(get(&vf->function, MSIX + PCI_MSIX_FLAGS, 2), 2);
	free(vf);
}

static void test_bdf(void **state)
{
	static const char *const bad[] = { "",
					   "07:10",
					   "07:20.0",
					   "07:10.8",
					   "7:10.0",
					   "0000:07:10.0 ",
					   "000:07:10.0",
					   "00000:07:10.0",
					   "0000:07:10.",
					   "0000-07:10.0",
					   "g0:00.0" };
	uint16_t domain, id;
	char text[16];

	assert_string_equal(bdf_format(0, 0x0780, text), "0000:07:10.0");
	assert_string_equal(bdf_format(0x1abc, 0xffff, text), "1abc:ff:1f.7");
	assert_int_equal(bdf_parse("0000:07:1f.7", &domain, &id), 0);
	assert_int_equal(domain, 0);
	assert_int_equal(id, 0x07ff);
	assert_int_equal(bdf_parse("1ABC:09:0F.6", &domain, &id), 0);
	assert_int_equal(domain, 0x1abc);
	assert_int_equal(id, 0x097e);
	assert_int_equal(bdf_parse("07:00.1", &domain, &id), 0);
	assert_int_equal(domain, 0);
	assert_int_equal(id, 0x0701);
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++)
		assert_int_equal(bdf_parse(bad[i], &domain, &id), -EINVAL);
	assert_int_equal(bdf_parse(NULL, &domain, &id), -EINVAL);
	for (unsigned int i = 0; i <= UINT16_MAX; i++) {
		assert_int_equal(bdf_parse(bdf_format(0, (uint16_t)i, text), &domain, &id), 0);
		assert_int_equal(id, i);
	}
}

static void test_hierarchy(void **state)
{
	struct pcie_hierarchy *hierarchy = pcie_hierarchy_create();
	struct card_function *pf = card_pf(0), *vf = card_vf(), *other = card_vf();

	assert_int_equal(pcie_hierarchy_add(hierarchy, &pf->function), 0);
	assert_int_equal(pcie_hierarchy_add(hierarchy, &vf->function), 0);
	assert_int_equal(pcie_hierarchy_add(hierarchy, &other->function), -EEXIST);
	assert_ptr_equal(pcie_hierarchy_find(hierarchy, 0x0700), &pf->function);
	assert_ptr_equal(pcie_hierarchy_find(hierarchy, 0x0780), &vf->function);
	assert_null(pcie_hierarchy_find(hierarchy, 0xffff));
	pcie_hierarchy_remove(hierarchy, &other->function); /* never was there */
	assert_ptr_equal(pcie_hierarchy_find(hierarchy, 0x0780), &vf->function);
	pcie_hierarchy_remove(hierarchy, &vf->function);
	assert_null(pcie_hierarchy_find(hierarchy, 0x0780));
	pcie_hierarchy_destroy(hierarchy);
	free(pf);
	free(vf);
	free(other);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_pf_values),
		cmocka_unit_test(test_bare_vf),
		cmocka_unit_test(test_bar_sizing),
		cmocka_unit_test(test_large_bar),
		cmocka_unit_test(test_random_writes),
		cmocka_unit_test(test_write_one_to_clear),
		cmocka_unit_test(test_command),
		cmocka_unit_test(test_msix_control),
		cmocka_unit_test(test_msi),
		cmocka_unit_test(test_power_states),
		cmocka_unit_test(test_function_level_reset),
		cmocka_unit_test(test_absent),
		cmocka_unit_test(test_bdf),
		cmocka_unit_test(test_hierarchy),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
