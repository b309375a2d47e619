// SPDX-License-Identifier: BSD-3-Clause
/* test_decode.c - who answers a memory access, for how many bytes, and how it reaches the registers. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <linux/pci_regs.h>
#include <stdlib.h>

#include "card.h"

#define BASE 0x4080000000ull
#define VF_BASE 0x90000000ull
#define PF_BAR_SIZE 0x80000ull
#define MSIX_BAR 4
#define VF_MSIX_BAR 3
#define FIRST_BUS 7 /* of the functions of card.c */

struct bus {
	struct pcie_hierarchy *hierarchy;
	struct card_function *pf[2], *vf[TOTAL_VFS];
};

static void place(struct pcie_function *f, unsigned int offset, uint64_t address)
{
	set(f, offset, address, 4);
	set(f, offset + 4, address >> 32, 4);
}

static int make_bus(void **state)
{
	struct bus *bus = calloc(1, sizeof(*bus));

	bus->hierarchy = pcie_hierarchy_create();
	for (unsigned int i = 0; i < 2; i++) {
		bus->pf[i] = card_pf(i);
		assert_int_equal(pcie_hierarchy_add(bus->hierarchy, &bus->pf[i]->function), 0);
		place(&bus->pf[i]->function, PCI_BASE_ADDRESS_0, BASE + i * PF_BAR_SIZE);
		set(&bus->pf[i]->function, PCI_COMMAND, PCI_COMMAND_MEMORY, 2);
	}
	*state = bus;
	return 0;
}

static int free_bus(void **state)
{
	struct bus *bus = *state;

	for (unsigned int i = 0; i < TOTAL_VFS; i++)
		free(bus->vf[i]);
	free(bus->pf[0]);
	free(bus->pf[1]);
	pcie_hierarchy_destroy(bus->hierarchy);
	free(bus);
	return 0;
}

static struct pcie_target decode(const struct bus *bus, uint64_t address)
{
	return pcie_hierarchy_decode(bus->hierarchy, FIRST_BUS, 1, address);
}

static void expect(const struct bus *bus, uint64_t address, const struct card_function *who,
		   unsigned int bar, uint64_t offset, uint64_t len)
{
	struct pcie_target target = decode(bus, address);

	assert_ptr_equal(target.function, &who->function);
	assert_int_equal(target.bar, bar);
	assert_true(target.offset == offset && target.len == len);
}

static void expect_nobody(const struct bus *bus, uint64_t address, uint64_t len)
{
	struct pcie_target target = decode(bus, address);

	assert_null(target.function);
	assert_true(target.len == len);
}

static void test_bars(void **state)
{
	struct bus *bus = *state;

	place(&bus->pf[0]->function, PCI_BASE_ADDRESS_0 + 4 * MSIX_BAR, 0x1000000);
	expect(bus, BASE, bus->pf[0], 0, 0, PF_BAR_SIZE);
	expect(bus, BASE + 0x1234, bus->pf[0], 0, 0x1234, PF_BAR_SIZE - 0x1234);
	expect(bus, BASE + PF_BAR_SIZE, bus->pf[1], 0, 0, PF_BAR_SIZE);
	expect(bus, BASE + 2 * PF_BAR_SIZE - 1, bus->pf[1], 0, PF_BAR_SIZE - 1, 1);
	expect(bus, 0x1000004, bus->pf[0], MSIX_BAR, 4, 0x3ffc);
	expect_nobody(bus, BASE - 8, 8);
	expect_nobody(bus, 0x1000000 - 0x10, 0x10);
	expect_nobody(bus, BASE + 2 * PF_BAR_SIZE, UINT64_MAX - BASE - 2 * PF_BAR_SIZE);
}

static void test_who_may_not_answer(void **state)
{
	struct bus *bus = *state;
	struct pcie_function *pf = &bus->pf[0]->function;
	struct pcie_target target;

	set(pf, PCI_COMMAND, PCI_COMMAND_MASTER, 2);
	expect_nobody(bus, BASE, PF_BAR_SIZE);
	set(pf, PCI_COMMAND, PCI_COMMAND_MEMORY, 2);
	set(pf, PM + PCI_PM_CTRL, 3, 2);
	assert_int_equal(pcie_command_in_force(pf) & PCI_COMMAND_MEMORY, 0);
	assert_int_equal(pcie_command(pf) & PCI_COMMAND_MEMORY, PCI_COMMAND_MEMORY);
	expect_nobody(bus, BASE, PF_BAR_SIZE);
	set(pf, PM + PCI_PM_CTRL, 0, 2);
	expect(bus, BASE, bus->pf[0], 0, 0, PF_BAR_SIZE);
	pf->state->present = 0;
	expect_nobody(bus, BASE, PF_BAR_SIZE);
	pf->state->present = 1;

	/* Buses that are not looked at. */
	target = pcie_hierarchy_decode(bus->hierarchy, FIRST_BUS + 1, 4, BASE);
	assert_null(target.function);
	target = pcie_hierarchy_decode(bus->hierarchy, FIRST_BUS - 2, 2, BASE);
	assert_null(target.function);
	target = pcie_hierarchy_decode(bus->hierarchy, FIRST_BUS - 2, 3, BASE);
	assert_ptr_equal(target.function, pf);

	pcie_hierarchy_remove(bus->hierarchy, pf);
	expect_nobody(bus, BASE, PF_BAR_SIZE);
	expect(bus, BASE + PF_BAR_SIZE, bus->pf[1], 0, 0, PF_BAR_SIZE);
}

static void add_vfs(struct bus *bus, unsigned int numvfs)
{
	struct pcie_function *pf = &bus->pf[0]->function;

	place(pf, SRIOV + PCI_SRIOV_BAR, VF_BASE);
	place(pf, SRIOV + PCI_SRIOV_BAR + 4 * VF_MSIX_BAR, 2 * VF_BASE);
	set(pf, SRIOV + PCI_SRIOV_NUM_VF, numvfs, 2);
	set(pf, SRIOV + PCI_SRIOV_CTRL, PCI_SRIOV_CTRL_VFE | PCI_SRIOV_CTRL_MSE, 2);
	for (unsigned int i = 0; i < numvfs; i++) {
		bus->vf[i] = card_vf();
		bus->vf[i]->function.routing_id = pcie_vf_routing_id(pf, i);
		assert_int_equal(pcie_hierarchy_add(bus->hierarchy, &bus->vf[i]->function), 0);
	}
}

static void test_vf_bars(void **state)
{
	struct bus *bus = *state;
	struct pcie_function *pf = &bus->pf[0]->function;

	add_vfs(bus, 3);
	expect(bus, VF_BASE, bus->vf[0], 0, 0, VF_BAR_SIZE);
	expect(bus, VF_BASE + 2 * VF_BAR_SIZE + 8, bus->vf[2], 0, 8, VF_BAR_SIZE - 8);
	expect(bus, 2 * VF_BASE + VF_BAR_SIZE, bus->vf[1], VF_MSIX_BAR, 0, VF_BAR_SIZE);
	expect_nobody(bus, VF_BASE + 3 * VF_BAR_SIZE, VF_BASE - 3 * VF_BAR_SIZE);

	/* Not affected by the PF's own memory enable; a VF that is not there leaves a hole. */
	set(pf, PCI_COMMAND, 0, 2);
	expect(bus, VF_BASE, bus->vf[0], 0, 0, VF_BAR_SIZE);
	pcie_hierarchy_remove(bus->hierarchy, &bus->vf[1]->function);
	expect_nobody(bus, VF_BASE + VF_BAR_SIZE + 0x10, VF_BAR_SIZE - 0x10);
	expect(bus, VF_BASE + 2 * VF_BAR_SIZE, bus->vf[2], 0, 0, VF_BAR_SIZE);

	set(pf, SRIOV + PCI_SRIOV_CTRL, PCI_SRIOV_CTRL_VFE, 2);
	assert_null(decode(bus, VF_BASE).function);
	set(pf, SRIOV + PCI_SRIOV_CTRL, PCI_SRIOV_CTRL_MSE, 2);
	assert_null(decode(bus, VF_BASE).function);
}

static void test_system_pages(void **state)
{
	const uint64_t page = 0x10000;
	struct bus *bus = *state;

	set(&bus->pf[0]->function, SRIOV + PCI_SRIOV_SYS_PGSIZE, page >> 12, 4);
	add_vfs(bus, 2);
	expect(bus, VF_BASE + page, bus->vf[1], 0, 0, VF_BAR_SIZE);
	expect_nobody(bus, VF_BASE + VF_BAR_SIZE, page - VF_BAR_SIZE);
}

/* A guest may place BARs anywhere: at the end of all addresses, at 0, all at the same. */
static void test_edges(void **state)
{
	struct bus *bus = *state;
	const struct pcie_function *pf = &bus->pf[0]->function;

	place(&bus->pf[0]->function, PCI_BASE_ADDRESS_0, UINT64_MAX);
	expect(bus, UINT64_MAX, bus->pf[0], 0, PF_BAR_SIZE - 1, 1);
	expect(bus, -PF_BAR_SIZE, bus->pf[0], 0, 0, PF_BAR_SIZE);
	assert_true(decode(bus, 0).function == pf); /* BAR 4, never placed */
	place(&bus->pf[0]->function, PCI_BASE_ADDRESS_0, BASE + PF_BAR_SIZE);
	assert_non_null(decode(bus, BASE + PF_BAR_SIZE).function);
	add_vfs(bus, TOTAL_VFS);
	place(&bus->pf[0]->function, SRIOV + PCI_SRIOV_BAR, UINT64_MAX);
	assert_non_null(decode(bus, UINT64_MAX).function);
}

static void test_hierarchy_is_full(void **state)
{
	struct pcie_hierarchy *hierarchy = pcie_hierarchy_create();
	struct card_function *one = card_pf(0);
	struct pcie_function *functions = calloc(PCIE_HIERARCHY_PHYSICAL + 1, sizeof(*functions));

	for (unsigned int i = 0; i <= PCIE_HIERARCHY_PHYSICAL; i++) {
		functions[i] = one->function;
		functions[i].routing_id = (uint16_t)i;
		assert_int_equal(pcie_hierarchy_add(hierarchy, &functions[i]),
				 i < PCIE_HIERARCHY_PHYSICAL ? 0 : -ENOSPC);
	}
	pcie_hierarchy_remove(hierarchy, &functions[3]);
	assert_int_equal(pcie_hierarchy_add(hierarchy, &functions[PCIE_HIERARCHY_PHYSICAL]), 0);
	assert_int_equal(pcie_hierarchy_add(hierarchy, &functions[5]), -EEXIST);
	free(functions);
	free(one);
	pcie_hierarchy_destroy(hierarchy);
}

/* Registers of a device model: dwords, one of which it refuses. */
struct registers {
	uint32_t reg[4];
	unsigned int accesses;
	int result;
};

static int reg_read(void *ctx, unsigned int bar, uint64_t offset, void *data, uint32_t len)
{
	struct registers *r = ctx;

	assert_true(bar == 2 && len == 4 && offset % 4 == 0 && offset < sizeof(r->reg));
	r->accesses++;
	put_le32(data, r->reg[offset / 4]);
	return offset == 12 ? -EIO : r->result;
}

static int reg_write(void *ctx, unsigned int bar, uint64_t offset, const void *data, uint32_t len)
{
	struct registers *r = ctx;

	assert_true(bar == 2 && len == 4 && offset % 4 == 0 && offset < sizeof(r->reg));
	r->accesses++;
	r->reg[offset / 4] = get_le32(data);
	return r->result;
}

static void test_accesses(void **state)
{
	static const struct function_ops ops = { .bar_read = reg_read, .bar_write = reg_write };
	struct registers r = { .reg = { 0x03020100, 0x07060504, 0x0b0a0908, 0x0f0e0d0c } };
	const struct pcie_function f = { .ops = &ops, .ctx = &r };
	uint8_t data[16];

	assert_int_equal(pcie_bar_read(&f, 2, 1, data, 1), PCIE_DONE);
	assert_int_equal(data[0], 1);
	assert_int_equal(pcie_bar_read(&f, 2, 3, data, 6), PCIE_DONE);
	assert_memory_equal(data, "\3\4\5\6\7\10", 6);
	assert_int_equal(r.accesses, 4);
	assert_int_equal(pcie_bar_read(&f, 2, 8, data, 8), PCIE_DONE);
	assert_memory_equal(data, "\10\11\12\13\377\377\377\377", 8);

	assert_int_equal(pcie_bar_write(&f, 2, 0, "\x10\x11\x12\x13\x14\x15\x16\x17", 8),
			 PCIE_DONE);
	assert_int_equal(r.reg[0], 0x13121110);
	assert_int_equal(r.reg[1], 0x17161514);
	/* Only whole dwords are written. */
	assert_int_equal(pcie_bar_write(&f, 2, 3, "\x20\x21\x22\x23\x24\x25", 6), PCIE_DONE);
	assert_int_equal(r.reg[0], 0x13121110);
	assert_int_equal(r.reg[1], 0x24232221);
	assert_int_equal(r.reg[2], 0x0b0a0908);
	assert_int_equal(pcie_bar_write(&f, 2, 4, "\x30\x31\x32", 3), PCIE_DONE);
	assert_int_equal(r.reg[1], 0x24232221);

	r.result = PCIE_QUIESCE;
	assert_int_equal(pcie_bar_read(&f, 2, 8, data, 8), PCIE_QUIESCE);
	assert_int_equal(pcie_bar_write(&f, 2, 0, "\0\0\0\0", 4), PCIE_QUIESCE);
	assert_int_equal(pcie_bar_write(&f, 2, 0, "\0\0\0\0", 2), PCIE_DONE);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, make_bus, free_bus)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_bars),
		TEST(test_who_may_not_answer),
		TEST(test_vf_bars),
		TEST(test_system_pages),
		TEST(test_edges),
		cmocka_unit_test(test_hierarchy_is_full),
		cmocka_unit_test(test_accesses),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
