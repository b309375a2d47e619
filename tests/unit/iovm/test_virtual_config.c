// SPDX-License-Identifier: BSD-3-Clause
/* test_virtual_config.c - every byte that a VM sees, and what it can write. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <linux/pci_regs.h>
#include <stdlib.h>

#include "harness.h"
#include "iovm/internal.h"

struct expected {
	unsigned int offset, len;
	uint32_t value;
};

/* All dwords that are not 0. */
static const struct expected power_on[] = {
	{ PCI_VENDOR_ID, 4, 0x10ed8086 },
	{ PCI_COMMAND, 4, PCI_STATUS_CAP_LIST << 16 },
	{ PCI_CLASS_REVISION, 4, 0x02000001 },
	{ PCI_BASE_ADDRESS_0, 4, PCI_BASE_ADDRESS_MEM_TYPE_64 },
	{ PCI_BASE_ADDRESS_3, 4, PCI_BASE_ADDRESS_MEM_TYPE_64 },
	{ PCI_SUBSYSTEM_VENDOR_ID, 4, 0x7a111af4 },
	{ PCI_CAPABILITY_LIST, 4, MSIX },
	{ MSIX, 4, (VECTORS - 1) << 16 | EXPRESS << 8 | 0x11 },
	{ MSIX + 4, 4, MSIX_BAR },
	{ MSIX + 8, 4, PBA_OFFSET | MSIX_BAR },
	{ EXPRESS, 4, 0x00020010 },
	{ EXPRESS + PCI_EXP_DEVCAP, 4, 0x10008cc2 }, /* FLR, 512 bytes */
	{ EXPRESS + PCI_EXP_DEVCTL, 4, 0x2810 },
	{ EXPRESS + PCI_EXP_LNKCAP, 4, 0x00400082 },
	{ EXPRESS + PCI_EXP_LNKCTL, 4, 0x10820000 }, /* 5 GT/s x8 */
	{ EXPRESS + PCI_EXP_DEVCAP2, 4, 0x1f },
	{ EXPRESS + PCI_EXP_LNKCAP2, 4, 0x6 },
	{ EXPRESS + PCI_EXP_LNKCTL2, 4, 0x2 },
	{ AER, 4, ARI << 20 | 1 << 16 | 0x0001 },
	{ AER + PCI_ERR_UNCOR_SEVER, 4, 0x00062010 },
	{ AER + PCI_ERR_COR_MASK, 4, 0x2000 },
	{ AER + PCI_ERR_CAP, 4, 0xa0 },
	{ ARI, 4, 1 << 16 | 0x000e },
};

/* Dwords that change when all ones are written everywhere but to Initiate FLR. */
static const struct expected writable[] = {
	{ PCI_COMMAND, 4, PCI_STATUS_CAP_LIST << 16 | 0x0546 },
	{ PCI_CACHE_LINE_SIZE, 4, 0xff },
	{ PCI_BASE_ADDRESS_0, 4, 0xffffc004 },
	{ PCI_BASE_ADDRESS_1, 4, 0xffffffff },
	{ PCI_BASE_ADDRESS_3, 4, 0xffffc004 },
	{ PCI_BASE_ADDRESS_4, 4, 0xffffffff },
	{ PCI_INTERRUPT_LINE, 4, 0xff },
	{ MSIX, 4, 0xc0000000 | (VECTORS - 1) << 16 | EXPRESS << 8 | 0x11 },
	{ EXPRESS + PCI_EXP_DEVCTL, 4, 0x78ff },
	{ EXPRESS + PCI_EXP_LNKCTL, 4, 0x108200cb },
	{ EXPRESS + PCI_EXP_DEVCTL2, 4, 0x1f },
	{ EXPRESS + PCI_EXP_LNKCTL2, 4, 0x1fbf },
	{ AER + PCI_ERR_UNCOR_MASK, 4, 0x001ff010 },
	{ AER + PCI_ERR_UNCOR_SEVER, 4, 0x001ff010 },
	{ AER + PCI_ERR_COR_MASK, 4, 0x31c1 },
	{ AER + PCI_ERR_CAP, 4, 0x1e0 },
};

static void apply(uint8_t *config, const struct expected *expected, size_t count)
{
	for (size_t i = 0; i < count; i++)
		put_le32(config + expected[i].offset, expected[i].value);
}

static void compare(const uint8_t *config, const uint8_t *wanted)
{
	for (unsigned int i = 0; i < PCIE_CONFIG_SIZE; i += 4)
		if (get_le32(config + i) != get_le32(wanted + i))
			fail_msg("offset 0x%03x: 0x%08x, expected 0x%08x", i, get_le32(config + i),
				 get_le32(wanted + i));
}

static void test_every_byte(void **state)
{
	struct rig *rig = calloc(1, sizeof(*rig));
	uint8_t config[PCIE_CONFIG_SIZE], wanted[PCIE_CONFIG_SIZE] = { 0 };
	struct pcie_function_state function_state;
	struct pcie_function function;
	struct pcie_layout layout;
	struct reason why;

	rig_layouts(rig);
	assert_int_equal(virtual_config_compose(&layout, &rig->pf, &rig->bare, &why), 0);
	pcie_function_init(&function, &layout, &function_state, rig->bare.routing_id, NULL, NULL);
	pcie_config_read(&function, 0, config, sizeof(config));
	apply(wanted, power_on, ARRAY_SIZE(power_on));
	compare(config, wanted);

	for (unsigned int i = 0; i < PCIE_CONFIG_SIZE; i++) {
		uint8_t ones = i == EXPRESS + PCI_EXP_DEVCTL + 1 ? 0x7f : 0xff;

		pcie_config_write(&function, (uint16_t)i, &ones, 1);
	}
	pcie_config_read(&function, 0, config, sizeof(config));
	apply(wanted, writable, ARRAY_SIZE(writable));
	compare(config, wanted);

	/* Type bits stay whatever address is written. */
	memset(config, 0, sizeof(config));
	pcie_config_write(&function, PCI_BASE_ADDRESS_0, config, 24);
	pcie_config_read(&function, 0, config, sizeof(config));
	assert_int_equal(get_le32(config + PCI_BASE_ADDRESS_0), PCI_BASE_ADDRESS_MEM_TYPE_64);
	assert_int_equal(get_le32(config + PCI_BASE_ADDRESS_3), PCI_BASE_ADDRESS_MEM_TYPE_64);
	free(rig);
}

static void test_serial_number(void **state)
{
	struct rig *rig = calloc(1, sizeof(*rig));
	struct pcie_layout layout;

	rig_layouts(rig);
	pcie_add_serial(&rig->bare_layout, 0x160, 0x1122334455667788ull);
	memcpy(rig->bare_state.config, rig->bare_layout.reset, PCIE_CONFIG_SIZE);
	assert_int_equal(virtual_config_compose(&layout, &rig->pf, &rig->bare, NULL), 0);
	assert_true(get_le64(layout.reset + layout.dsn + 4) == 0x1122334455667788ull);
	free(rig);
}

/* A layout that would crash the VMM is refused with a reason. */
static void test_refused(void **state)
{
	static const struct {
		unsigned int bar;
		uint32_t table, pba;
		uint16_t vectors;
	} bad[] = { { 2, 0, 0x2000, VECTORS },
		    { 3, BAR_SIZE - 8, 0x2000, VECTORS },
		    { 3, 0, BAR_SIZE, VECTORS },
		    { 3, 0, 0x2000, IOVM_MAX_VECTORS + 1 } };
	struct rig *rig = calloc(1, sizeof(*rig));
	struct pcie_layout layout;
	struct pcie_ids ids = { 0 };
	struct reason why;

	rig_layouts(rig);
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		why.text[0] = '\0';
		pcie_layout_init_vf(&rig->bare_layout, &ids);
		pcie_add_msix(&rig->bare_layout, MSIX, bad[i].vectors, bad[i].bar, bad[i].table,
			      bad[i].pba);
		pcie_add_express(&rig->bare_layout, EXPRESS, 2, 8);
		memcpy(rig->bare_state.config, rig->bare_layout.reset, PCIE_CONFIG_SIZE);
		assert_int_equal(virtual_config_compose(&layout, &rig->pf, &rig->bare, &why),
				 -EINVAL);
		assert_true(why.text[0]);
	}
	assert_int_equal(virtual_config_compose(&layout, &rig->bare, &rig->bare, &why), -EINVAL);
	free(rig);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_every_byte),
		cmocka_unit_test(test_serial_number),
		cmocka_unit_test(test_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
