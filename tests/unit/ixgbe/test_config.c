// SPDX-License-Identifier: BSD-3-Clause
/* Configuration spaces: the offsets and values that drivers read without walking the lists. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>

#include <cmocka.h>

#include "ixgbe/ixgbe.h"

static const struct ixgbe_config config = {
	.device_id = 0x10f8,
	.mac = { 0x02, 0x53, 0x49, 0x01, 0x02, 0x03 },
	.total_vfs = 64,
};

static uint16_t word(const struct pcie_layout *layout, unsigned int offset)
{
	return get_le16(layout->reset + offset);
}

static uint32_t dword(const struct pcie_layout *layout, unsigned int offset)
{
	return get_le32(layout->reset + offset);
}

static void test_pf(void **state)
{
	struct pcie_layout *layout = calloc(1, sizeof(*layout));

	ixgbe_pf_layout(&config, layout);
	assert_int_equal(dword(layout, 0x00), 0x10f88086);
	assert_int_equal(dword(layout, 0x08), 0x02000001);
	assert_int_equal(layout->reset[0x0e], 0);
	assert_int_equal(layout->bar[0].size, IXGBE_PF_BAR_SIZE);
	assert_int_equal(layout->bar[4].size, 0x4000);
	assert_int_equal(word(layout, 0x72) & 0x7ff, 63); /* MSI-X: 64 vectors */
	assert_int_equal(dword(layout, 0x74) & 7, 4);
	assert_int_equal(dword(layout, 0x78), 0x2000 | 4);
	assert_int_equal(word(layout, 0xaa) & 0x20, 0);	    /* no transactions pending */
	assert_int_equal(word(layout, 0xb2) & 0x3ff, 0x82); /* 5 GT/s x8 */
	assert_int_equal(dword(layout, 0x100) & 0xffff, 0x0001);
	assert_int_equal(dword(layout, 0x140) & 0xffff, 0x0003);
	assert_int_equal(dword(layout, 0x144), 0xff010203);
	assert_int_equal(dword(layout, 0x148), 0x025349ff);
	assert_int_equal(dword(layout, 0x150) & 0xffff, 0x000e);
	assert_int_equal(dword(layout, 0x160) & 0xffff, 0x0010);
	assert_int_equal(word(layout, 0x160 + 0x0c), 64); /* InitialVFs */
	assert_int_equal(word(layout, 0x160 + 0x0e), 64); /* TotalVFs */
	assert_int_equal(word(layout, 0x160 + 0x14), 128);
	assert_int_equal(word(layout, 0x160 + 0x16), 2);
	assert_int_equal(word(layout, 0x160 + 0x1a), 0x10ed);
	assert_int_equal(dword(layout, 0x160 + 0x1c), 0x553);
	assert_int_equal(dword(layout, 0x160 + 0x20), 1);
	assert_int_equal(layout->vf_bar[0].size, IXGBE_VF_BAR_SIZE);
	assert_int_equal(layout->vf_bar[3].size, 0x4000);
	free(layout);
}

static void test_second_function(void **state)
{
	struct pcie_layout *layout = calloc(1, sizeof(*layout));
	struct ixgbe_config second = config;

	second.multifunction = true;
	ixgbe_pf_layout(&second, layout);
	assert_int_equal(layout->reset[0x0e], 0x80);
	assert_int_equal(layout->reset[0x155], 1); /* ARI: function 1 is next */
	memset(layout, 0, sizeof(*layout));
	second.function = 1;
	second.first_vf_offset = 256;
	ixgbe_pf_layout(&second, layout);
	assert_int_equal(layout->reset[0x155], 0);
	assert_int_equal(layout->reset[0x160 + 0x12], 1); /* dependency link */
	assert_int_equal(word(layout, 0x160 + 0x14), 256);
	free(layout);
}

static void test_bare_vf(void **state)
{
	struct pcie_layout *layout = calloc(1, sizeof(*layout));

	ixgbe_vf_layout(&config, layout);
	assert_int_equal(dword(layout, 0x00), 0xffffffff);
	assert_int_equal(dword(layout, 0x10), 0);
	assert_int_equal(layout->msix, 0x70);
	assert_int_equal(word(layout, 0x72) & 0x7ff, 2);
	assert_int_equal(dword(layout, 0x74) & 7, 3);
	assert_int_equal(layout->express, 0xa0);
	assert_true(dword(layout, 0xa4) & 0x10000000); /* FLR */
	free(layout);
}

/* As lspci shows a 82599 of silicon: ASPM L0s, no LnkCap2. */
static void test_link(void **state)
{
	struct pcie_layout *layout = calloc(1, sizeof(*layout));

	ixgbe_pf_layout(&config, layout);
	assert_int_equal(dword(layout, 0xac), 0x0001f482);
	assert_int_equal(dword(layout, 0xcc), 0);
	assert_int_equal(word(layout, 0x44) & 0x6000, 0x2000);
	memset(layout, 0, sizeof(*layout));
	ixgbe_vf_layout(&config, layout);
	assert_int_equal(dword(layout, 0xac), 0x0001f482);
	free(layout);
}

/* pci_vpd_read(): an address with flag 0; when the flag is 1 the data is there. */
static uint32_t vpd(struct pcie_function *function, uint16_t address)
{
	uint32_t data;
	uint16_t control;

	pcie_config_write(function, 0xe2, &address, sizeof(address));
	pcie_config_read(function, 0xe2, &control, sizeof(control));
	assert_int_equal(control, address | 0x8000);
	pcie_config_read(function, 0xe4, &data, sizeof(data));
	return data;
}

static void test_product_data(void **state)
{
	struct pcie_layout *layout = calloc(1, sizeof(*layout));
	struct pcie_function_state *bytes = calloc(1, sizeof(*bytes));
	struct pcie_function function;
	uint16_t store = 0x8000, control;
	uint8_t data[PCIE_VPD_MAX], sum = 0;
	unsigned int at;

	ixgbe_pf_layout(&config, layout);
	pcie_function_init(&function, layout, bytes, 0x0700, NULL, NULL);
	assert_int_equal(layout->reset[0xe0], 0x03);
	for (uint16_t i = 0; i < sizeof(data); i += 4)
		put_le32(data + i, vpd(&function, i));
	assert_int_equal(data[0], 0x82);
	at = 3u + get_le16(data + 1);
	assert_int_equal(data[at], 0x90);
	assert_memory_equal(data + at + 3, "PN\012SOFTIOV-82SN\014025349010203RV\001", 31);
	for (unsigned int i = 0; i < at + 35; i++)
		sum = (uint8_t)(sum + data[i]);
	assert_int_equal(sum, 0);
	assert_int_equal(at + 3 + get_le16(data + at + 1), at + 35);
	assert_int_equal(data[at + 35], 0x78);
	assert_int_equal(vpd(&function, 0x7ffc), 0);
	/* Nothing can be stored. */
	pcie_config_write(&function, 0xe2, &store, sizeof(store));
	pcie_config_read(&function, 0xe2, &control, sizeof(control));
	assert_int_equal(control, 0);
	assert_int_equal(vpd(&function, 0), get_le32(data));
	free(bytes);
	free(layout);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_pf),	     cmocka_unit_test(test_second_function),
		cmocka_unit_test(test_bare_vf),	     cmocka_unit_test(test_link),
		cmocka_unit_test(test_product_data),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
