/* SPDX-License-Identifier: BSD-3-Clause */
/* test_tables.c - ACPI tables and capability lists as firmware and strangers have them: right, cut short, damaged, random. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <cmocka.h>

#include "check/acpi.h"
#include "check/pci_config.h"

#define DRHD_BYTES 16u
#define BODY_AT 48u
#define TABLE_BYTES (BODY_AT + 2 * DRHD_BYTES)
#define ROUNDS 200000u

static void fix_checksum(uint8_t *table, size_t length)
{
	uint8_t sum = 0;

	table[9] = 0;
	for (size_t i = 0; i < length; i++)
		sum = (uint8_t)(sum + table[i]);
	table[9] = (uint8_t)-sum;
}

static void make_dmar(uint8_t table[TABLE_BYTES])
{
	memset(table, 0, TABLE_BYTES);
	memcpy(table, "DMAR", 4);
	put_le32(table + 4, TABLE_BYTES);
	table[37] = 1 | 4;
	put_le16(table + BODY_AT + 2, DRHD_BYTES);
	put_le16(table + BODY_AT + DRHD_BYTES, 1); /* RMRR */
	put_le16(table + BODY_AT + DRHD_BYTES + 2, DRHD_BYTES);
	fix_checksum(table, TABLE_BYTES);
}

static void test_dmar(void **state)
{
	uint8_t table[TABLE_BYTES];
	struct acpi_iommu iommu;
	struct reason why;

	make_dmar(table);
	assert_int_equal(acpi_dmar(table, sizeof(table), &iommu, &why), 0);
	assert_int_equal(iommu.units, 1);
	assert_true(iommu.interrupt_remapping && iommu.dma_opt_in && !iommu.x2apic_opt_out);
	assert_false(iommu.hidden);
	memcpy(table, "XMAR", 4);
	fix_checksum(table, sizeof(table));
	assert_int_equal(acpi_dmar(table, sizeof(table), &iommu, &why), 0);
	assert_true(iommu.hidden);
}

static void test_dmar_damaged(void **state)
{
	uint8_t table[TABLE_BYTES];
	struct acpi_iommu iommu;
	struct reason why;

	make_dmar(table);
	for (size_t length = 0; length < sizeof(table); length++)
		assert_int_equal(acpi_dmar(table, length, &iommu, &why), -EBADMSG);
	table[40] ^= 1;
	assert_int_equal(acpi_dmar(table, sizeof(table), &iommu, &why), -EBADMSG);
	assert_non_null(strstr(why.text, "checksum"));
	for (unsigned int size = 0; size < 100; size++) {
		make_dmar(table);
		put_le16(table + BODY_AT + 2, (uint16_t)size);
		fix_checksum(table, sizeof(table));
		assert_int_equal(acpi_dmar(table, sizeof(table), &iommu, &why),
				 size == DRHD_BYTES || size == 2 * DRHD_BYTES ? 0 : -EBADMSG);
	}
	assert_int_equal(acpi_ivrs(table, sizeof(table), &iommu, &why), -EBADMSG);
}

static void test_ivrs(void **state)
{
	uint8_t table[BODY_AT + 2 * 24] = "IVRS";
	struct acpi_iommu iommu;
	struct reason why;

	/* The same unit by a block of an old and one of a newer type. */
	put_le32(table + 4, sizeof(table));
	table[BODY_AT] = 0x10;
	put_le16(table + BODY_AT + 2, 24);
	table[BODY_AT + 24] = 0x11;
	put_le16(table + BODY_AT + 26, 24);
	fix_checksum(table, sizeof(table));
	assert_int_equal(acpi_ivrs(table, sizeof(table), &iommu, &why), 0);
	assert_int_equal(iommu.units, 1);
	put_le16(table + BODY_AT + 26, 25);
	fix_checksum(table, sizeof(table));
	assert_int_equal(acpi_ivrs(table, sizeof(table), &iommu, &why), -EBADMSG);
}

/* Each table lies at the end of memory of its own, so that a sanitizer sees every byte read too far. */
static void test_random_tables(void **state)
{
	struct acpi_iommu iommu;
	struct reason why;

	srandom(1);
	for (unsigned int i = 0; i < ROUNDS; i++) {
		size_t length = (size_t)random() % (TABLE_BYTES + 1);
		uint8_t whole[TABLE_BYTES], *table = malloc(length + !length);
		int error;

		assert_non_null(table);
		make_dmar(whole);
		for (long n = random() % 6; n >= 0; n--)
			whole[random() % TABLE_BYTES] = (uint8_t)random();
		memcpy(whole, i & 1 ? "DMAR" : "IVRS", 4);
		put_le32(whole + 4, (uint32_t)(i & 2 ? (uint32_t)length : (uint32_t)random()));
		if (length > 9)
			fix_checksum(whole, length);
		memcpy(table, whole, length);
		error = (i & 1 ? acpi_dmar : acpi_ivrs)(table, length, &iommu, &why);
		assert_true(error == 0 || error == -EBADMSG);
		assert_true(iommu.units <= length / 4);
		free(table);
	}
}

static void put_ext(uint8_t *config, unsigned int at, unsigned int id, unsigned int next)
{
	put_le32(config + at, id | 1u << 16 | next << 20);
}

static void test_lists(void **state)
{
	uint8_t config[PCI_CONFIG_BYTES] = { 0 };

	assert_int_equal(pci_find_cap(config, sizeof(config), PCI_CAP_EXPRESS), 0);
	config[6] = 0x10;
	config[0x34] = 0x50;
	config[0x50] = 0x01;
	config[0x51] = 0xe0;
	config[0xe0] = PCI_CAP_EXPRESS;
	assert_int_equal(pci_find_cap(config, sizeof(config), PCI_CAP_EXPRESS), 0xe0);
	assert_int_equal(pci_find_cap(config, sizeof(config), 0x11), 0);
	assert_int_equal(pci_find_cap(config, 64, PCI_CAP_EXPRESS), -ENODATA);
	assert_int_equal(pci_find_cap(config, 63, PCI_CAP_EXPRESS), -ENODATA);
	config[0xe1] = 0x50;
	assert_int_equal(pci_find_cap(config, sizeof(config), 0x11), -EBADMSG);
	config[0xe1] = 0x20;
	assert_int_equal(pci_find_cap(config, sizeof(config), 0x11), -EBADMSG);

	assert_int_equal(pci_find_ext(config, sizeof(config), PCI_EXT_SRIOV), 0);
	assert_int_equal(pci_find_ext(config, 256, PCI_EXT_SRIOV), -ENODATA);
	put_ext(config, 0x100, PCI_EXT_SERIAL_NUMBER, 0xffc);
	put_ext(config, 0xffc, PCI_EXT_SRIOV, 0);
	assert_int_equal(pci_find_ext(config, sizeof(config), PCI_EXT_SRIOV), 0xffc);
	assert_int_equal(pci_find_ext(config, 0xfff, PCI_EXT_SRIOV), -ENODATA);
	put_ext(config, 0xffc, PCI_EXT_ARI, 0x100);
	assert_int_equal(pci_find_ext(config, sizeof(config), PCI_EXT_SRIOV), -EBADMSG);
	put_ext(config, 0xffc, PCI_EXT_ARI, 0x0c0);
	assert_int_equal(pci_find_ext(config, sizeof(config), PCI_EXT_SRIOV), -EBADMSG);
	put_le32(config + 0x100, 0xffffffff);
	assert_int_equal(pci_find_ext(config, sizeof(config), PCI_EXT_SRIOV), 0);
}

static void test_random_lists(void **state)
{
	srandom(2);
	for (unsigned int i = 0; i < ROUNDS / 20; i++) {
		size_t length = i & 1 ? PCI_CONFIG_BYTES : (size_t)random() % PCI_CONFIG_BYTES;
		uint8_t *config = malloc(length + !length);
		int at;

		assert_non_null(config);
		for (size_t k = 0; k < length; k++)
			config[k] = (uint8_t)random();
		at = pci_find_cap(config, length, PCI_CAP_EXPRESS);
		assert_true(at <= 0 || (at >= 64 && (size_t)at + 2 <= length));
		at = pci_find_ext(config, length, PCI_EXT_SRIOV);
		assert_true(at <= 0 || (at >= 256 && (size_t)at + 4 <= length));
		free(config);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_dmar),  cmocka_unit_test(test_dmar_damaged),
		cmocka_unit_test(test_ivrs),  cmocka_unit_test(test_random_tables),
		cmocka_unit_test(test_lists), cmocka_unit_test(test_random_lists),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
