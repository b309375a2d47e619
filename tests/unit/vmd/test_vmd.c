// SPDX-License-Identifier: BSD-3-Clause
/* test_vmd.c - the endpoint and its windows as a guest meets them: scan, BARs, SR-IOV, resets, the end. */
#include "harness.h"

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <cmocka.h>

#include <linux/pci_regs.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#define NOBODY 0xffffffffu

static int setup(void **state)
{
	struct rig *rig = rig_start();

	*state = rig;
	guest_connect(rig);
	return 0;
}

static int teardown(void **state)
{
	rig_stop(*state);
	return 0;
}

static uint64_t region_size(struct rig *rig, unsigned int index)
{
	struct vfio_user_client_region region;

	assert_int_equal(vfio_user_client_map_region(rig->client, index, &region), 0);
	assert_int_equal(region.areas, 0);
	return region.size;
}

/* What Linux's vmd driver and QEMU look at. */
static void test_endpoint(void **state)
{
	struct rig *rig = *state;
	uint32_t vectors;

	assert_int_equal(guest_read(rig, CONFIG, PCI_VENDOR_ID, 4), 0x28c08086);
	assert_int_equal(guest_read(rig, CONFIG, PCI_CLASS_REVISION, 4) >> 8, 0x010400);
	assert_int_equal(guest_read(rig, CONFIG, PCI_BASE_ADDRESS_0, 4),
			 PCI_BASE_ADDRESS_MEM_TYPE_64 | PCI_BASE_ADDRESS_MEM_PREFETCH);
	assert_int_equal(guest_read(rig, CONFIG, PCI_BASE_ADDRESS_2, 4), 0);
	assert_int_equal(guest_read(rig, CONFIG, PCI_BASE_ADDRESS_4, 4), 0);
	assert_int_equal(region_size(rig, CFGBAR), 0x100000);
	assert_int_equal(region_size(rig, 1), 0);
	assert_int_equal(region_size(rig, MEMBAR1), MEMBAR1_SIZE);
	assert_int_equal(region_size(rig, MEMBAR2), 0x4000);
	assert_int_equal(region_size(rig, 6), 0);
	assert_int_equal(region_size(rig, CONFIG), 4096);
	assert_int_equal(vfio_user_client_get_irq(rig->client, 2, &vectors), 0);
	assert_int_equal(vectors, 1);

	assert_int_equal(guest_read(rig, CONFIG, VMCAP, 4), 0);
	assert_int_equal(guest_read(rig, CONFIG, VMCONFIG, 4), 0);
	assert_int_equal(guest_read(rig, CONFIG, VMLOCK, 4), 0);
	guest_write(rig, CONFIG, VMCAP, NOBODY, 4);
	guest_write(rig, CONFIG, VMCONFIG, NOBODY, 4);
	guest_write(rig, CONFIG, VMLOCK, NOBODY, 4);
	assert_int_equal(guest_read(rig, CONFIG, VMCAP, 4), 0);
	assert_int_equal(guest_read(rig, CONFIG, VMCONFIG, 4), VMCONFIG_BYPASS);
	assert_int_equal(guest_read(rig, CONFIG, VMLOCK, 4), 0);
	guest_write(rig, CONFIG, VMCONFIG, 0, 2);
	assert_int_equal(guest_read(rig, CONFIG, VMCONFIG, 4), 0);
}

static void test_capabilities(void **state)
{
	struct rig *rig = *state;
	unsigned int seen = 0, at = guest_read(rig, CONFIG, PCI_CAPABILITY_LIST, 1);

	for (unsigned int i = 0; at; i++, at = guest_read(rig, CONFIG, at + 1, 1)) {
		uint32_t id = guest_read(rig, CONFIG, at, 1);

		assert_true(i < 8 && at % 4 == 0 && at > VMLOCK);
		seen |= id == PCI_CAP_ID_MSIX ? 1 : id == PCI_CAP_ID_EXP ? 2 : 4;
		if (id == PCI_CAP_ID_MSIX) {
			assert_int_equal(guest_read(rig, CONFIG, at + PCI_MSIX_FLAGS, 2) & 0x7ff,
					 0);
			assert_int_equal(guest_read(rig, CONFIG, at + PCI_MSIX_TABLE, 4), MEMBAR2);
			assert_int_equal(guest_read(rig, CONFIG, at + PCI_MSIX_PBA, 4),
					 0x1000 | MEMBAR2);
		}
	}
	assert_int_equal(seen, 3);
	assert_int_equal(guest_read(rig, CONFIG, PCI_CFG_SPACE_SIZE, 4), 0);
}

/* Its own table is memory, nothing else of the first 8 KiB is; eventfds are taken and never used. */
static void test_own_vectors(void **state)
{
	int fd = memfd_create("not an eventfd", 0);
	struct rig *rig = *state;

	guest_boot(rig);
	guest_write(rig, MEMBAR2, 0, 0xfee01000, 4);
	guest_write(rig, MEMBAR2, 8, 0x4041, 4);
	guest_write(rig, MEMBAR2, 12, 0x1122334455667788, 8); /* half of it behind the table */
	guest_write(rig, MEMBAR2, 0x1000, NOBODY, 4);
	assert_int_equal(guest_read(rig, MEMBAR2, 0, 4), 0xfee01000);
	assert_int_equal(guest_read(rig, MEMBAR2, 8, 4), 0x4041);
	assert_int_equal(guest_read(rig, MEMBAR2, 12, 4), 0x55667788);
	assert_int_equal(guest_read(rig, MEMBAR2, 16, 4), 0);
	assert_int_equal(guest_read(rig, MEMBAR2, 0x1000, 4), 0);
	assert_int_equal(guest_read(rig, MEMBAR2, 0x1ffc, 4), 0);
	assert_int_equal(guest_read(rig, MEMBAR2, 0x2000, 4), NOBODY);
	assert_int_equal(guest_read(rig, MEMBAR2, 0x3ffc, 4), NOBODY);
	assert_int_equal(vfio_user_client_set_irqs(rig->client, 2, 0, 1, &fd), -EINVAL);
	assert_int_equal(vfio_user_client_disable_irq(rig->client, 2), 0);
	close(fd);
}

/* pci_scan_slot(): one register of each function; who is not there reads all ones. */
static void test_scan(void **state)
{
	struct rig *rig = *state;
	unsigned int found = 0;

	guest_boot(rig);
	for (unsigned int devfn = 0; devfn < 0x100; devfn++) {
		uint32_t id = guest_config(rig, devfn, PCI_VENDOR_ID, 4);

		if (devfn < PFS)
			found += id == 0x10fb8086;
		else
			assert_int_equal(id, NOBODY);
	}
	assert_int_equal(found, PFS);
	assert_int_equal(guest_config(rig, 1, PCI_DEVICE_ID, 2), 0x10fb);
	assert_int_equal(guest_config(rig, 1, PCI_HEADER_TYPE, 1), 0x80);
	assert_int_equal(guest_config(rig, 1, PCI_DEVICE_ID + 1, 1), 0x10);
	assert_int_equal(guest_config(rig, 2, PCI_HEADER_TYPE, 1), 0xff);
	assert_int_equal(guest_config(rig, 2, PCI_COMMAND, 2), 0xffff);
	guest_set_config(rig, 2, PCI_COMMAND, 0x1234, 2);
	assert_int_equal(guest_config(rig, 2, PCI_COMMAND, 2), 0xffff);
	assert_int_equal(guest_config(rig, 0, PCI_COMMAND, 2), 0);
}

/* An access that is longer than a register, or not aligned, is one of each dword. */
static void test_config_sizes(void **state)
{
	uint8_t space[2 * 4096], direct[4096];
	struct rig *rig = *state;
	uint64_t value;

	assert_int_equal(vfio_user_client_read(rig->client, CFGBAR, 0, space, sizeof(space)), 0);
	for (unsigned int i = 0; i < 4096; i += 4)
		put_le32(direct + i, guest_config(rig, 1, i, 4));
	assert_memory_equal(space + 4096, direct, sizeof(direct));
	assert_int_equal(vfio_user_client_read(rig->client, CFGBAR, 0, &value, 8), 0);
	assert_int_equal(value & UINT32_MAX, 0x10fb8086);
	assert_int_equal(value >> 32, guest_config(rig, 0, PCI_COMMAND, 4));
	assert_int_equal(vfio_user_client_read(rig->client, CFGBAR, 1, &value, 8), 0);
	assert_memory_equal(&value, space + 1, 8);
	/* From the end of one function into the next. */
	assert_int_equal(vfio_user_client_read(rig->client, CFGBAR, 0x1fff, &value, 8), 0);
	assert_memory_equal((uint8_t *)&value + 1, "\xff\xff\xff\xff\xff\xff\xff", 7);

	value = PCI_COMMAND_MEMORY;
	assert_int_equal(vfio_user_client_write(rig->client, CFGBAR, PCI_COMMAND, &value, 8, false),
			 0);
	value = 0x40ull << 32; /* the second dword */
	assert_int_equal(vfio_user_client_write(rig->client, CFGBAR, PCI_CLASS_REVISION, &value, 8,
						false),
			 0);
	assert_int_equal(guest_config(rig, 0, PCI_COMMAND, 2), PCI_COMMAND_MEMORY);
	assert_int_equal(guest_config(rig, 0, PCI_CACHE_LINE_SIZE, 1), 0x40);
	guest_set_config(rig, 0, PCI_COMMAND, 0, 1);
	assert_int_equal(guest_config(rig, 0, PCI_COMMAND, 2), 0);
}

static void test_sizing(void **state)
{
	struct rig *rig = *state;

	guest_boot(rig);
	guest_set_config(rig, 0, PCI_BASE_ADDRESS_0, NOBODY, 4);
	assert_int_equal(guest_config(rig, 0, PCI_BASE_ADDRESS_0, 4), 0xfff80004);
	guest_set_config(rig, 0, PCI_ROM_ADDRESS, NOBODY, 4);
	assert_int_equal(guest_config(rig, 0, PCI_ROM_ADDRESS, 4), 0);
	guest_set_config(rig, 1, SRIOV + PCI_SRIOV_BAR, NOBODY, 4);
	assert_int_equal(guest_config(rig, 1, SRIOV + PCI_SRIOV_BAR, 4), 0xffffc004);
	assert_int_equal(guest_config(rig, 0, SRIOV, 2), PCI_EXT_CAP_ID_SRIOV);
	assert_int_equal(guest_config(rig, 0, SRIOV + PCI_SRIOV_TOTAL_VF, 2), VFS);
}

static void test_vfs_appear(void **state)
{
	struct rig *rig = *state;

	guest_boot(rig);
	guest_place(rig);
	assert_int_equal(guest_config(rig, vf_devfn(0, 0), MSIX, 2), 0xffff);
	guest_enable_vfs(rig, 0, 3);
	guest_enable_vfs(rig, 1, VFS);
	/* 10.0, 10.2, 10.4 and 10.1, 10.3 ... 11.7; a bare VF has no IDs. */
	assert_int_equal(guest_config(rig, 0x80, PCI_VENDOR_ID, 4), NOBODY);
	assert_int_equal(guest_config(rig, 0x80, PCI_CAPABILITY_LIST, 1), MSIX);
	assert_int_equal(guest_config(rig, 0x84, PCI_CAPABILITY_LIST, 1), MSIX);
	assert_int_equal(guest_config(rig, 0x86, PCI_CAPABILITY_LIST, 1), 0xff);
	assert_int_equal(guest_config(rig, 0x8f, PCI_CAPABILITY_LIST, 1), MSIX);
	guest_set_config(rig, 0, SRIOV + PCI_SRIOV_CTRL, 0, 2);
	assert_int_equal(guest_config(rig, 0x80, PCI_CAPABILITY_LIST, 1), 0xff);
	assert_int_equal(guest_config(rig, 0x81, PCI_CAPABILITY_LIST, 1), MSIX);
}

static void test_memory_of_pfs(void **state)
{
	struct rig *rig = *state;
	uint64_t value;

	guest_boot(rig);
	assert_int_equal(guest_read(rig, MEMBAR1, pf_bar(0), 4), NOBODY);
	guest_place(rig);
	guest_write(rig, MEMBAR1, pf_bar(0) + 0x100, 0x11223344, 4);
	guest_write(rig, MEMBAR1, pf_bar(1) + 0x100, 0x8877665555667788, 8);
	assert_int_equal(guest_read(rig, MEMBAR1, pf_bar(0) + 0x100, 4), 0x11223344);
	assert_int_equal(guest_read(rig, MEMBAR1, pf_bar(0) + 0x101, 1), 0x33);
	assert_int_equal(guest_read(rig, MEMBAR1, pf_bar(0) + 0x102, 2), 0x1122);
	assert_int_equal(vfio_user_client_read(rig->client, MEMBAR1, pf_bar(1) + 0x100, &value, 8),
			 0);
	assert_true(value == 0x8877665555667788);
	guest_write(rig, MEMBAR1, pf_bar(0) + 0x100, 0xff, 1); /* less than a register: dropped */
	assert_int_equal(guest_read(rig, MEMBAR1, pf_bar(0) + 0x100, 4), 0x11223344);
	assert_int_equal(rig->pf[0].reg[0x100 / 4], 0x11223344);
	assert_int_equal(rig->pf[1].reg[0x104 / 4], 0x88776655);

	/* Half of an access may be somebody else's. */
	guest_write(rig, MEMBAR1, pf_bar(1), 0xaaaaaaaa, 4);
	guest_write(rig, MEMBAR1, pf_bar(1) - 4, 0xbbbbbbbb, 4);
	assert_int_equal(vfio_user_client_read(rig->client, MEMBAR1, pf_bar(1) - 4, &value, 8), 0);
	assert_true(value == 0xaaaaaaaabbbbbbbb);

	guest_set_config(rig, 0, PCI_COMMAND, PCI_COMMAND_MASTER, 2);
	assert_int_equal(guest_read(rig, MEMBAR1, pf_bar(0) + 0x100, 4), NOBODY);
	assert_int_equal(guest_read(rig, MEMBAR1, pf_bar(1) + 0x100, 4), 0x55667788);
}

/* The window's address counts, not the window's offset. */
static void test_windows_move(void **state)
{
	struct rig *rig = *state;

	guest_boot(rig);
	guest_place(rig);
	guest_write(rig, MEMBAR1, pf_bar(0), 0x01020304, 4);
	guest_write(rig, CONFIG, PCI_BASE_ADDRESS_2, MEMBAR1_ADDRESS - MEMBAR1_SIZE, 4);
	assert_int_equal(guest_read(rig, MEMBAR1, pf_bar(0), 4), NOBODY);
	guest_set_config(rig, 0, PCI_BASE_ADDRESS_0, MEMBAR1_ADDRESS - MEMBAR1_SIZE + 0x100000, 4);
	assert_int_equal(guest_read(rig, MEMBAR1, 0x100000, 4), 0x01020304);
	/* The other window serves as well. */
	guest_write(rig, CONFIG, PCI_BASE_ADDRESS_4, MEMBAR1_ADDRESS + pf_bar(1), 4);
	guest_write(rig, MEMBAR2, 0x2010, 0x0a0b0c0d, 4);
	assert_int_equal(guest_read(rig, MEMBAR2, 0x1ffc, 4), 0);
	assert_int_equal(rig->pf[1].reg[0x2010 / 4], 0x0a0b0c0d);
}

static void test_memory_of_vfs(void **state)
{
	struct rig *rig = *state;

	guest_boot(rig);
	guest_place(rig);
	guest_enable_vfs(rig, 0, 4);
	guest_enable_vfs(rig, 1, 2);
	for (unsigned int vf = 0; vf < 4; vf++) {
		guest_write(rig, MEMBAR1, vf_bar(0, vf) + 0x3ffc, 0x1000 + vf, 4);
		guest_write(rig, MEMBAR1, vf_table(0, vf), 0x2000 + vf, 4);
	}
	guest_write(rig, MEMBAR1, vf_bar(1, 1), 0x3000, 4);
	for (unsigned int vf = 0; vf < 4; vf++) {
		assert_int_equal(guest_read(rig, MEMBAR1, vf_bar(0, vf) + 0x3ffc, 4), 0x1000 + vf);
		assert_int_equal(rig->vf[0][vf].reg[0x3ffc / 4], 0x1000 + vf);
		assert_int_equal(rig->vf[0][vf].msix_bar[0], 0x2000 + vf);
	}
	assert_int_equal(rig->vf[1][1].reg[0], 0x3000);
	assert_int_equal(guest_read(rig, MEMBAR1, vf_bar(0, 4), 4), NOBODY);
	assert_int_equal(guest_read(rig, MEMBAR1, vf_bar(1, 2), 4), NOBODY);

	guest_set_config(rig, 0, SRIOV + PCI_SRIOV_CTRL, PCI_SRIOV_CTRL_VFE, 2);
	assert_int_equal(guest_read(rig, MEMBAR1, vf_bar(0, 0) + 0x3ffc, 4), NOBODY);
	assert_int_equal(guest_read(rig, MEMBAR1, vf_bar(1, 1), 4), 0x3000);
}

/* System pages larger than a VF's BAR: its part begins at each page, nobody is in the rest. */
static void test_apertures(void **state)
{
	struct rig *rig = *state;
	const uint32_t page = 0x10000;
	uint64_t value;

	guest_boot(rig);
	guest_place(rig);
	guest_set_config(rig, 0, SRIOV + PCI_SRIOV_SYS_PGSIZE, page >> 12, 4);
	guest_enable_vfs(rig, 0, 2);
	guest_write(rig, MEMBAR1, vf_bar(0, 0) + page + 4, 0x600d, 4);
	assert_int_equal(guest_read(rig, MEMBAR1, vf_bar(0, 0) + page + 4, 4), 0x600d);
	assert_int_equal(rig->vf[0][1].reg[1], 0x600d);
	assert_int_equal(guest_read(rig, MEMBAR1, vf_bar(0, 0) + SMALL_BAR_SIZE - 4, 4), 0);
	assert_int_equal(guest_read(rig, MEMBAR1, vf_bar(0, 0) + SMALL_BAR_SIZE, 4), NOBODY);
	assert_int_equal(
		vfio_user_client_read(rig->client, MEMBAR1, vf_bar(0, 0) + page - 4, &value, 8), 0);
	assert_true(value == NOBODY);
	assert_int_equal(guest_read(rig, MEMBAR1, vf_bar(0, 0) + page + SMALL_BAR_SIZE, 4), NOBODY);
}

/* The device's own "wait for the workers" reaches whoever waits for the answer. */
static void test_quiesce(void **state)
{
	struct rig *rig = *state;
	uint32_t value = 1;

	guest_boot(rig);
	guest_place(rig);
	guest_enable_vfs(rig, 0, 2);
	vfio_user_client_set_timeout(rig->client, 50);

	rig_hold(rig, true);
	value = 0;
	assert_int_equal(vfio_user_client_write(rig->client, CFGBAR, SRIOV + PCI_SRIOV_CTRL, &value,
						2, false),
			 -ETIMEDOUT);
	rig_hold(rig, false);
	vfio_user_client_set_timeout(rig->client, 5000);
	assert_int_equal(guest_config(rig, 0, SRIOV + PCI_SRIOV_CTRL, 2), 0);

	rig->pf[0].bar_result = PCIE_QUIESCE;
	rig_hold(rig, true);
	vfio_user_client_set_timeout(rig->client, 50);
	assert_int_equal(vfio_user_client_write(rig->client, MEMBAR1, pf_bar(0), &value, 4, false),
			 -ETIMEDOUT);
	rig_hold(rig, false);
	vfio_user_client_set_timeout(rig->client, 5000);
	assert_int_equal(guest_read(rig, MEMBAR1, pf_bar(0), 4), 0);
}

static void test_model_refuses(void **state)
{
	struct rig *rig = *state;

	guest_boot(rig);
	guest_place(rig);
	rig->pf[0].bar_result = -EIO;
	assert_int_equal(guest_read(rig, MEMBAR1, pf_bar(0), 4), NOBODY);
	guest_write(rig, MEMBAR1, pf_bar(0), 1, 4);
	assert_int_equal(guest_read(rig, MEMBAR1, pf_bar(1), 4), 0);
}

static void check_at_power_on(struct rig *rig, unsigned int resets)
{
	assert_int_equal(guest_read(rig, CONFIG, PCI_COMMAND, 2), 0);
	assert_int_equal(guest_read(rig, CONFIG, VMCONFIG, 2), 0);
	assert_int_equal(guest_read(rig, CONFIG, PCI_BASE_ADDRESS_2, 4), 0);
	for (unsigned int pf = 0; pf < PFS; pf++) {
		assert_int_equal(rig->pf[pf].resets, resets);
		assert_int_equal(rig->vfs[pf], 0);
		assert_int_equal(guest_config(rig, pf, PCI_COMMAND, 2), 0);
		assert_int_equal(guest_config(rig, pf, PCI_BASE_ADDRESS_0, 4), 4);
		assert_int_equal(guest_config(rig, pf, SRIOV + PCI_SRIOV_CTRL, 2), 0);
		assert_int_equal(guest_config(rig, vf_devfn(pf, 0), MSIX, 2), 0xffff);
	}
	assert_int_equal(atomic_load(&rig->domain->bus_master), 0);
}

static void run_card(struct rig *rig)
{
	guest_boot(rig);
	guest_place(rig);
	guest_enable_vfs(rig, 0, 3);
	guest_enable_vfs(rig, 1, 2);
	assert_int_equal(atomic_load(&rig->domain->bus_master), 1);
}

static uint32_t regions(struct rig *rig)
{
	return rig->state->domain.regions;
}

/* DEVICE_RESET, and FLR of the endpoint: a hot reset of all behind it. Maps stay. */
static void test_reset(void **state)
{
	int fd = memfd_create("ram", MFD_ALLOW_SEALING);
	struct rig *rig = *state;

	assert_int_equal(ftruncate(fd, 0x10000), 0);
	assert_int_equal(vfio_user_client_dma_map(rig->client, 0x100000, 0x10000, 3, fd, 0), 0);
	run_card(rig);
	assert_int_equal(vfio_user_client_reset(rig->client), 0);
	check_at_power_on(rig, 1);
	assert_int_equal(regions(rig), 1);
	run_card(rig);
	guest_write(rig, CONFIG, 0x90 + PCI_EXP_DEVCTL, PCI_EXP_DEVCTL_BCR_FLR, 2);
	check_at_power_on(rig, 2);
	assert_int_equal(regions(rig), 1);
	assert_int_equal(vfio_user_client_dma_unmap(rig->client, 0x100000, 0x10000), 0);
	assert_int_equal(regions(rig), 0);
	close(fd);
}

/* The VM is gone: all is as before it came, and it is told when that is so. */
static void test_client_gone(void **state)
{
	struct rig *rig = *state;
	int fd = memfd_create("ram", MFD_ALLOW_SEALING);
	struct vmd_info info;

	assert_int_equal(ftruncate(fd, 0x10000), 0);
	for (unsigned int i = 1; i <= 3; i++) {
		info = rig_info(rig);
		assert_int_equal(info.client, getpid());
		assert_int_equal(info.attaches, i);
		assert_int_equal(rig->attaches, i);
		assert_int_equal(vfio_user_client_dma_map(rig->client, 0, 0x10000, 3, fd, 0), 0);
		run_card(rig);
		guest_leave(rig);
		assert_int_equal(rig->detaches, i);
		assert_int_equal(rig->resets_at_detach, i);
		assert_int_equal(regions(rig), 0);
		guest_connect(rig);
		check_at_power_on(rig, i);
	}
	close(fd);
}

/* The second VM is refused, the first goes on. */
static void test_in_use(void **state)
{
	struct vfio_user_client *other;
	struct rig *rig = *state;

	run_card(rig);
	assert_int_equal(vfio_user_client_connect(&other, rig->socket, NULL, NULL, NULL), -EBUSY);
	assert_int_equal(guest_config(rig, 0, PCI_VENDOR_ID, 4), 0x10fb8086);
	assert_int_equal(rig->detaches, 0);
}

static struct iommu_domain *follower;

static void follow(struct rig *rig)
{
	assert_int_equal(iommu_domain_follow(follower, rig->domain), 0);
	iommu_set_bus_master(follower, true);
}

static void destroy_follower(struct rig *rig)
{
	iommu_domain_destroy(follower);
}

/* DMA of a function behind the endpoint: the client's maps, while the endpoint masters the bus. */
static void test_dma(void **state)
{
	struct iommu_state *follower_state = calloc(1, sizeof(*follower_state));
	int fd = memfd_create("ram", MFD_ALLOW_SEALING);
	struct iommu_tlb tlb = { 0 };
	struct rig *rig = *state;
	uint32_t value = 0x12345678;

	assert_int_equal(ftruncate(fd, 0x10000), 0);
	assert_int_equal(
		iommu_domain_create(&follower, routing_id(0), follower_state, rig->quiesce), 0);
	rig_run(rig, follow);
	assert_int_equal(vfio_user_client_dma_map(rig->client, 0x40000, 0x10000, 3, fd, 0), 0);
	assert_int_equal(iommu_write(follower, &tlb, 0x40010, &value, 4), -EFAULT);
	guest_boot(rig);
	assert_int_equal(iommu_write(follower, &tlb, 0x40010, &value, 4), 0);
	assert_int_equal(pread(fd, &value, 4, 0x10), 4);
	assert_int_equal(value, 0x12345678);
	guest_write(rig, CONFIG, PCI_COMMAND, PCI_COMMAND_MEMORY, 2);
	assert_int_equal(iommu_write(follower, &tlb, 0x40010, &value, 4), -EFAULT);
	guest_write(rig, CONFIG, PCI_COMMAND, PCI_COMMAND_MASTER, 2);
	assert_int_equal(iommu_write(follower, &tlb, 0x40010, &value, 4), 0);
	guest_leave(rig);
	assert_int_equal(iommu_write(follower, &tlb, 0x40010, &value, 4), -EFAULT);
	rig_run(rig, destroy_follower);
	guest_connect(rig);
	free(follower_state);
	close(fd);
}

static void check_now(struct rig *rig)
{
	vmd_check(rig->vmd);
}

/* A client whose memory file shrinks is thrown out when somebody meets it. */
static void test_memory_shrinks(void **state)
{
	int fd = memfd_create("ram", MFD_ALLOW_SEALING);
	struct iommu_tlb tlb = { 0 };
	struct rig *rig = *state;
	uint32_t value = 1;

	assert_int_equal(iommu_sigbus_guard(), 0);
	assert_int_equal(ftruncate(fd, 0x10000), 0);
	assert_int_equal(vfio_user_client_dma_map(rig->client, 0, 0x10000, 3, fd, 0), 0);
	run_card(rig);
	rig_run(rig, check_now);
	assert_int_equal(rig_info(rig).client, getpid());
	assert_int_equal(ftruncate(fd, 0), 0);
	assert_int_equal(iommu_write(rig->domain, &tlb, 0x10, &value, 4), 0);
	rig_run(rig, check_now);
	guest_leave(rig);
	assert_int_equal(rig->detaches, 1);
	close(fd);
}

static void test_buses(void **state)
{
	struct reason why = { "" };
	struct vmd_config config;
	struct rig *rig = *state;
	struct vmd *vmd;

	config = rig->config;
	config.buses = 0;
	assert_int_equal(vmd_create(&vmd, rig->base, rig->quiesce, &config, &why), -EINVAL);
	assert_non_null(strstr(why.text, rig->socket));
	config.buses = VMD_MAX_BUSES + 1;
	assert_int_equal(vmd_create(&vmd, rig->base, rig->quiesce, &config, &why), -EINVAL);
	config.buses = 2;
	config.first_bus = 255;
	assert_int_equal(vmd_create(&vmd, rig->base, rig->quiesce, &config, &why), -EINVAL);
}

/* Buses beyond the last, up to the power of two that a BAR must be, are empty. */
static void test_three_buses(void **state)
{
	struct rig *rig = rig_start_buses(3);

	guest_connect(rig);
	assert_int_equal(region_size(rig, CFGBAR), 0x400000);
	assert_int_equal(guest_config(rig, 0, PCI_VENDOR_ID, 4), 0x10fb8086);
	for (unsigned int bus = 1; bus < 4; bus++)
		assert_int_equal(guest_config(rig, bus << 8, PCI_VENDOR_ID, 4), NOBODY);
	rig_stop(rig);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_endpoint),	  TEST(test_capabilities),
		TEST(test_own_vectors),	  TEST(test_scan),
		TEST(test_config_sizes),  TEST(test_sizing),
		TEST(test_vfs_appear),	  TEST(test_memory_of_pfs),
		TEST(test_windows_move),  TEST(test_memory_of_vfs),
		TEST(test_apertures),	  TEST(test_quiesce),
		TEST(test_model_refuses), TEST(test_reset),
		TEST(test_client_gone),	  TEST(test_in_use),
		TEST(test_dma),		  TEST(test_memory_shrinks),
		TEST(test_buses),	  cmocka_unit_test(test_three_buses),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
