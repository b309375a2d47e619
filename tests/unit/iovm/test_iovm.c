// SPDX-License-Identifier: BSD-3-Clause
/* test_iovm.c - a client of a managed VF: attach, registers, DMA maps, resets, detach. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <linux/pci_regs.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "harness.h"

#define MB (1024 * 1024ull)
#define CONFIG 7

static int start(void **state)
{
	*state = rig_start();
	return 0;
}

static int stop(void **state)
{
	rig_stop(*state);
	return 0;
}

static uint32_t word, word_offset;

static void get_shared_word(struct rig *rig)
{
	assert_int_equal(pread(rig->model.share_fd, &word, sizeof(word), word_offset),
			 sizeof(word));
}

/* What the device model sees in the register file that it shares now. */
static uint32_t shared_word(struct rig *rig, uint32_t offset)
{
	word_offset = offset;
	rig_run(rig, get_shared_word);
	return word;
}

static void test_attach(void **state)
{
	struct rig *rig = *state;
	struct vfio_user_client *client;
	struct vfio_user_client_region region;
	struct iovm_vf_info info = rig_info(rig);
	uint32_t vectors;

	assert_int_equal(info.client, 0);
	assert_true(info.registers_shared);
	assert_null(info.advice);
	client = rig_connect(rig);
	info = rig_info(rig);
	assert_int_equal(info.client, getpid());
	assert_string_equal(info.socket_path, rig->socket);
	assert_int_equal(info.attaches, 1);
	assert_true(rig_model(rig)->attached);

	assert_int_equal(vfio_user_client_map_region(client, 0, &region), 0);
	assert_int_equal(region.size, BAR_SIZE);
	assert_int_equal(region.areas, 1);
	assert_int_equal(region.area[0].offset, SHARED_OFFSET);
	assert_int_equal(region.area[0].size, SHARED_SIZE);
	assert_non_null(region.area[0].map);
	((uint32_t *)region.area[0].map)[3] =
		0x12345678; /* offset in the file: offset in the BAR */
	assert_int_equal(shared_word(rig, SHARED_OFFSET + 12), 0x12345678);
	vfio_user_client_unmap_region(&region);

	assert_int_equal(vfio_user_client_map_region(client, MSIX_BAR, &region), 0);
	assert_int_equal(region.size, BAR_SIZE);
	assert_int_equal(region.areas, 0);
	assert_int_equal(vfio_user_client_map_region(client, CONFIG, &region), 0);
	assert_int_equal(region.size, PCIE_CONFIG_SIZE);
	for (uint32_t i = 0; i < 9; i++) {
		if (i == 0 || i == MSIX_BAR || i == CONFIG)
			continue;
		assert_int_equal(vfio_user_client_map_region(client, i, &region), 0);
		assert_int_equal(region.size, 0);
	}
	assert_int_equal(vfio_user_client_get_irq(client, 2, &vectors), 0);
	assert_int_equal(vectors, VECTORS);
	assert_int_equal(vfio_user_client_get_irq(client, 0, &vectors), 0);
	assert_int_equal(vectors, 0);
	vfio_user_client_close(client);
	rig_wait_detached(rig);
	assert_false(rig_model(rig)->attached);
}

static uint32_t bar_get(struct vfio_user_client *client, uint64_t offset, uint32_t len)
{
	uint32_t value = 0;

	assert_int_equal(vfio_user_client_read(client, 0, offset, &value, len), 0);
	return value;
}

static void bar_set(struct vfio_user_client *client, uint64_t offset, uint64_t value, uint32_t len)
{
	assert_int_equal(vfio_user_client_write(client, 0, offset, &value, len, false), 0);
}

static void vf_memory_off(struct rig *rig)
{
	uint16_t control = PCI_SRIOV_CTRL_VFE;

	pcie_config_write(&rig->pf, SRIOV + PCI_SRIOV_CTRL, &control, sizeof(control));
}

static void test_registers(void **state)
{
	struct rig *rig = *state;
	struct vfio_user_client *client = rig_connect(rig);
	uint8_t bytes[24] = { 0 }, read_back[24];
	unsigned int writes;
	uint64_t quad;

	/* Without Memory Space Enable nobody answers. */
	bar_set(client, 0x10, 1, 4);
	assert_int_equal(bar_get(client, 0x10, 4), 0xffffffff);
	assert_int_equal(rig_model(rig)->reads + rig_model(rig)->writes, 0);
	config_set(client, PCI_COMMAND, PCI_COMMAND_MEMORY, 2);

	bar_set(client, 0x10, 0x11223344, 4);
	assert_int_equal(bar_get(client, 0x10, 4), 0x11223344);
	assert_int_equal(bar_get(client, 0x11, 1), 0x33);
	assert_int_equal(bar_get(client, 0x12, 2), 0x1122);
	bar_set(client, 0x20, 0x5566778899aabbccull, 8); /* two registers */
	assert_int_equal(rig_model(rig)->reg[0x20 / 4], 0x99aabbcc);
	assert_int_equal(rig_model(rig)->reg[0x24 / 4], 0x55667788);
	assert_int_equal(vfio_user_client_read(client, 0, 0x20, &quad, 8), 0);
	assert_true(quad == 0x5566778899aabbccull);
	bar_set(client, 0x3ffc, 0xabcd, 4); /* the last one */
	assert_int_equal(rig_model(rig)->reg[0x3ffc / 4], 0xabcd);

	/* Less than a dword is not written. */
	writes = rig_model(rig)->writes;
	bar_set(client, 0x10, 0, 1);
	bar_set(client, 0x12, 0, 2);
	bar_set(client, 0x11, 0, 4);
	assert_int_equal(rig_model(rig)->writes, writes);
	memset(bytes, 0x5a, sizeof(bytes));
	assert_int_equal(vfio_user_client_write(client, 0, 0x32, bytes, 13, false), 0);
	assert_int_equal(rig_model(rig)->writes, writes + 2); /* 0x34 and 0x38 of 0x32 ... 0x3e */
	assert_int_equal(rig_model(rig)->reg[0x30 / 4], 0);
	assert_int_equal(rig_model(rig)->reg[0x34 / 4], 0x5a5a5a5a);
	assert_int_equal(rig_model(rig)->reg[0x3c / 4], 0);
	assert_int_equal(vfio_user_client_read(client, 0, 0x32, read_back, 13), 0);
	memset(bytes, 0, 2);
	memset(bytes + 10, 0, 3);
	assert_memory_equal(read_back, bytes, 13);

	/* A refused access is all ones, not a broken connection; a slow one is answered later. */
	rig_set_bar_result(rig, -EIO);
	assert_int_equal(bar_get(client, 0x10, 4), 0xffffffff);
	bar_set(client, 0x10, 0, 4);
	rig_set_bar_result(rig, PCIE_QUIESCE);
	bar_set(client, 0x10, 0x77, 4);
	assert_int_equal(bar_get(client, 0x10, 4), 0x77);
	rig_set_bar_result(rig, 0);

	/* VF MSE of the PF off: no VF answers. */
	rig_run(rig, vf_memory_off);
	assert_int_equal(bar_get(client, 0x10, 4), 0xffffffff);
	vfio_user_client_close(client);
}

static void test_msix_table(void **state)
{
	struct rig *rig = *state;
	struct vfio_user_client *client = rig_connect(rig);
	uint32_t entry[4], written[4] = { 0xfee00000, 0, 0x4041, 0 };

	config_set(client, PCI_COMMAND, PCI_COMMAND_MEMORY, 2);
	assert_int_equal(vfio_user_client_write(client, MSIX_BAR, 16, written, 16, false), 0);
	assert_memory_equal(&rig_model(rig)->msix_bar[4], written, 16);
	assert_int_equal(vfio_user_client_read(client, MSIX_BAR, 16, entry, 16), 0);
	assert_memory_equal(entry, written, 16);
	vfio_user_client_close(client);
}

static void test_command(void **state)
{
	struct rig *rig = *state;
	struct vfio_user_client *client = rig_connect(rig);
	struct iovm_vf_info info;

	start_function(client);
	info = rig_info(rig);
	assert_true(info.bus_master && info.memory_space && info.msix);
	assert_true(atomic_load(&rig->domain->bus_master));
	assert_int_equal(rig_model(rig)->command, PCI_COMMAND_MASTER);
	assert_int_equal(rig_model(rig)->commands, 1);
	assert_true(rig_model(rig)->msix_enable && !rig_model(rig)->msix_mask);
	assert_int_equal(rig_model(rig)->bare_command, PCI_COMMAND_MASTER);
	config_set(client, MSIX + PCI_MSIX_FLAGS, PCI_MSIX_FLAGS_ENABLE | PCI_MSIX_FLAGS_MASKALL,
		   2);
	assert_true(rig_model(rig)->msix_mask);

	/* Bus mastering is gone when the write is answered: not before the worker let go. */
	rig_hold(rig, true);
	vfio_user_client_set_timeout(client, 200);
	{
		uint16_t command = PCI_COMMAND_MEMORY;

		assert_int_equal(vfio_user_client_write(client, CONFIG, PCI_COMMAND, &command, 2,
							false),
				 -ETIMEDOUT);
	}
	assert_false(atomic_load(&rig->domain->bus_master));
	assert_int_equal(rig_model(rig)->command, 0);
	vfio_user_client_set_timeout(client, 5000);
	rig_hold(rig, false);
	assert_int_equal(config_get(client, PCI_COMMAND, 2), PCI_COMMAND_MEMORY);
	vfio_user_client_close(client);
}

static int make_file(uint64_t size)
{
	int fd = memfd_create("ram", MFD_CLOEXEC);

	assert_true(fd >= 0);
	assert_int_equal(ftruncate(fd, (off_t)size), 0);
	return fd;
}

static void test_dma(void **state)
{
	struct rig *rig = *state;
	struct vfio_user_client *client = rig_connect(rig);
	int fd = make_file(4 * MB);

	assert_int_equal(vfio_user_client_dma_map(client, 0, 2 * MB, 3, fd, 0), 0);
	assert_int_equal(vfio_user_client_dma_map(client, 0, 2 * MB, 3, fd, 0), 0);
	assert_int_equal(vfio_user_client_dma_map(client, MB, 2 * MB, 3, fd, 0), -EEXIST);
	assert_int_equal(vfio_user_client_dma_map(client, 4 * MB, 8 * MB, 3, fd, 0), -EINVAL);
	assert_int_equal(vfio_user_client_dma_map(client, 0xc0000000, MB, 1, -1, 0), 0);
	assert_int_equal(rig_summary(rig)->regions, 2);
	assert_int_equal(vfio_user_client_dma_unmap(client, MB, 2 * MB), -EINVAL);

	rig_hold(rig, true);
	assert_int_equal(vfio_user_client_dma_unmap(client, 0x40000000, MB), 0); /* nothing there */
	vfio_user_client_set_timeout(client, 200);
	assert_int_equal(vfio_user_client_dma_unmap(client, 0, 2 * MB), -ETIMEDOUT);
	vfio_user_client_set_timeout(client, 5000);
	rig_hold(rig, false);
	assert_int_equal(vfio_user_client_dma_unmap(client, 0xc0000000, MB), 0);
	assert_int_equal(rig_summary(rig)->regions, 0);
	close(fd);
	vfio_user_client_close(client);
}

/* @how: DEVICE_RESET or FLR. */
static void check_reset(struct rig *rig, struct vfio_user_client *client,
			void (*how)(struct vfio_user_client *))
{
	struct iovm_vf_info info;
	unsigned int resets = rig_model(rig)->resets;
	uint64_t count;
	int fd = make_file(MB), event = eventfd(0, EFD_NONBLOCK);

	start_function(client);
	config_set(client, PCI_BASE_ADDRESS_0, 0xfe000000, 4);
	assert_int_equal(vfio_user_client_dma_map(client, 0, MB, 3, fd, 0), 0);
	assert_int_equal(vfio_user_client_set_irqs(client, 2, 1, 1, &event), 0);
	how(client);
	assert_int_equal(rig_model(rig)->resets, resets + 1);
	assert_int_equal(rig_model(rig)->command, 0);
	assert_false(rig_model(rig)->msix_enable);
	assert_false(atomic_load(&rig->domain->bus_master));
	assert_int_equal(config_get(client, PCI_COMMAND, 2), 0);
	assert_int_equal(config_get(client, PCI_BASE_ADDRESS_0, 4), PCI_BASE_ADDRESS_MEM_TYPE_64);
	assert_int_equal(config_get(client, MSIX + PCI_MSIX_FLAGS, 2), VECTORS - 1);
	assert_int_equal(config_get(client, EXPRESS + PCI_EXP_DEVCTL, 2), 0x2810);
	assert_int_equal(rig_model(rig)->bare_command, 0);
	info = rig_info(rig);
	assert_int_equal(info.vectors, 1);
	assert_int_equal(rig_summary(rig)->regions, 1);

	start_function(client); /* and the eventfd still works */
	rig_signal(rig, 1);
	assert_int_equal(read(event, &count, 8), 8);
	assert_int_equal(vfio_user_client_dma_unmap(client, 0, MB), 0);
	assert_int_equal(vfio_user_client_disable_irq(client, 2), 0);
	close(event);
	close(fd);
}

static void device_reset(struct vfio_user_client *client)
{
	assert_int_equal(vfio_user_client_reset(client), 0);
}

static void function_level_reset(struct vfio_user_client *client)
{
	uint32_t control = config_get(client, EXPRESS + PCI_EXP_DEVCTL, 2);

	config_set(client, EXPRESS + PCI_EXP_DEVCTL, control | PCI_EXP_DEVCTL_BCR_FLR, 2);
}

static void test_reset(void **state)
{
	struct rig *rig = *state;
	struct vfio_user_client *client = rig_connect(rig);

	check_reset(rig, client, device_reset);
	check_reset(rig, client, function_level_reset);
	vfio_user_client_close(client);
}

static void test_reconnect(void **state)
{
	struct rig *rig = *state;
	struct vfio_user_client *client = rig_connect(rig);
	struct vfio_user_client_region ghost, region;
	struct iovm_vf_info info;
	int fd = make_file(MB), event = eventfd(0, EFD_NONBLOCK);

	assert_int_equal(vfio_user_client_map_region(client, 0, &ghost), 0);
	start_function(client);
	config_set(client, AER + PCI_ERR_UNCOR_MASK, 0x1000, 4); /* survives FLR */
	assert_int_equal(vfio_user_client_dma_map(client, 0, MB, 3, fd, 0), 0);
	assert_int_equal(vfio_user_client_set_irqs(client, 2, 0, 1, &event), 0);
	vfio_user_client_close(client);
	rig_wait_detached(rig);
	assert_int_equal(rig_model(rig)->resets, 1);
	assert_int_equal(rig_model(rig)->share_fd, -1);
	assert_int_equal(rig_summary(rig)->regions, 0);
	info = rig_info(rig);
	assert_int_equal(info.vectors, 0);
	assert_false(info.bus_master || info.memory_space || info.msix);
	assert_false(atomic_load(&rig->domain->bus_master));

	client = rig_connect(rig);
	info = rig_info(rig);
	assert_int_equal(info.attaches, 2);
	assert_int_equal(config_get(client, AER + PCI_ERR_UNCOR_MASK, 4), 0);
	/* The old client's mapping reaches nothing of the new one's registers. */
	assert_int_equal(vfio_user_client_map_region(client, 0, &region), 0);
	*(uint32_t *)ghost.area[0].map = 0xbad;
	assert_int_equal(*(uint32_t *)region.area[0].map, 0);
	assert_int_equal(shared_word(rig, SHARED_OFFSET), 0);
	vfio_user_client_unmap_region(&ghost);
	vfio_user_client_unmap_region(&region);
	vfio_user_client_close(client);
	close(event);
	close(fd);
}

static void set_trapped(struct rig *rig)
{
	iovm_vf_set_registers(rig->vf, false);
}

static void test_trapped(void **state)
{
	struct rig *rig = *state;
	struct vfio_user_client *client = rig_connect(rig);
	struct vfio_user_client_region region;

	rig_run(rig, set_trapped);
	assert_true(rig_info(rig).registers_shared); /* this client keeps what it has */
	assert_int_equal(vfio_user_client_map_region(client, 0, &region), 0);
	assert_int_equal(region.areas, 1);
	vfio_user_client_unmap_region(&region);
	vfio_user_client_close(client);
	rig_wait_detached(rig);
	assert_false(rig_info(rig).registers_shared);
	client = rig_connect(rig);
	assert_int_equal(vfio_user_client_map_region(client, 0, &region), 0);
	assert_int_equal(region.areas, 0);
	assert_false(rig_info(rig).registers_shared);
	vfio_user_client_close(client);
}

static void check(struct rig *rig)
{
	iovm_vf_check(rig->vf);
}

static void test_advice(void **state)
{
	struct rig *rig = *state;
	struct vfio_user_client *client = rig_connect(rig);
	int fd = make_file(32 * MB);
	void *mapped;

	assert_null(rig_info(rig).advice);
	/* Firmware alone, no RAM yet: advice until shared RAM is there. */
	assert_int_equal(vfio_user_client_dma_map(client, 0xfffc0000, 0x40000, 1, -1, 0), 0);
	assert_non_null(rig_info(rig).advice);
	assert_int_equal(vfio_user_client_dma_map(client, 0, 32 * MB, 3, fd, 0), 0);
	assert_null(rig_info(rig).advice);
	/* A display's memory without a file is normal, RAM without a file is not. */
	assert_int_equal(vfio_user_client_dma_map(client, 0xfd000000, 16 * MB, 3, -1, 0), 0);
	assert_null(rig_info(rig).advice);
	assert_int_equal(vfio_user_client_dma_map(client, 0x100000000, 64 * MB, 3, -1, 0), 0);
	assert_non_null(strstr(rig_info(rig).advice, "share=on"));
	vfio_user_client_close(client);
	rig_wait_detached(rig);
	assert_null(rig_info(rig).advice);

	/* A transfer that met such memory, however small. */
	client = rig_connect(rig);
	assert_int_equal(vfio_user_client_dma_map(client, 0, 32 * MB, 3, fd, 0), 0);
	assert_null(rig_info(rig).advice);
	iommu_fault_record(rig->domain, 0, 64, IOMMU_READ, IOMMU_FAULT_NOT_SHARED);
	assert_non_null(rig_info(rig).advice);
	vfio_user_client_close(client);
	rig_wait_detached(rig);

	/* Earlier clients' faults do not count; a file that is also mapped shared is no alarm. */
	client = rig_connect(rig);
	assert_int_equal(vfio_user_client_dma_map(client, 0, 32 * MB, 3, fd, 0), 0);
	assert_null(rig_info(rig).advice);
	mapped = mmap(NULL, 32 * MB, PROT_READ | PROT_WRITE, MAP_PRIVATE, fd, 0);
	rig_run(rig, check);
	assert_null(rig_info(rig).advice);
	munmap(mapped, 32 * MB);
	vfio_user_client_close(client);
	close(fd);
}

/* A client with a private map of its memory, as QEMU with share=off. Lives until @go is closed. */
static void private_client(int go)
{
	struct vfio_user_client *client;
	char path[64] = "";
	int fd = memfd_create("ram", MFD_CLOEXEC);

	if (read(go, path, sizeof(path)) != sizeof(path) || ftruncate(fd, 32 * MB) ||
	    mmap(NULL, 32 * MB, PROT_READ | PROT_WRITE, MAP_PRIVATE, fd, 0) == MAP_FAILED ||
	    vfio_user_client_connect(&client, path, NULL, NULL, NULL) ||
	    vfio_user_client_dma_map(client, 0, 32 * MB, 3, fd, 0))
		_exit(1);
	_exit(read(go, path, 1) != 0);
}

static void test_private_memory(void **state)
{
	struct iovm_vf_info info;
	struct rig *rig;
	int go[2], status;
	pid_t child;

	assert_int_equal(pipe(go), 0);
	child = fork(); /* before there are threads */
	if (!child) {
		close(go[1]);
		private_client(go[0]);
	}
	close(go[0]);
	rig = rig_start();
	assert_int_equal(write(go[1], rig->socket, sizeof(rig->socket)), sizeof(rig->socket));
	for (unsigned int i = 0; i < 5000; i++) {
		rig_run(rig, check);
		info = rig_info(rig);
		if (info.advice)
			break;
		usleep(1000);
	}
	assert_int_equal(info.client, child);
	assert_non_null(strstr(info.advice, "share=off"));
	close(go[1]);
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_int_equal(status, 0);
	rig_stop(rig);
}

static void touch(struct rig *rig)
{
	struct iommu_tlb tlb = { 0 };
	volatile uint8_t *byte;
	bool split = false;

	byte = iommu_translate(rig->domain, &tlb, 0, 1, IOMMU_READ, &split);
	assert_non_null(byte);
	(void)*byte;
}

static void test_file_shrinks(void **state)
{
	struct rig *rig = *state;
	struct vfio_user_client *client = rig_connect(rig);
	struct iovm_vf_info info;
	int fd = make_file(MB);

	assert_int_equal(iommu_sigbus_guard(), 0);
	start_function(client);
	assert_int_equal(vfio_user_client_dma_map(client, 0, MB, 3, fd, 0), 0);
	rig_run(rig, check);
	assert_int_equal(rig_info(rig).client, getpid());
	assert_int_equal(ftruncate(fd, 0), 0);
	rig_run(rig, touch);
	rig_run(rig, check);
	rig_wait_detached(rig);
	info = rig_info(rig);
	assert_true(info.broken);
	vfio_user_client_close(client);

	client = rig_connect(rig); /* the next one starts afresh */
	rig_run(rig, check);
	info = rig_info(rig);
	assert_false(info.broken);
	assert_int_equal(info.client, getpid());
	vfio_user_client_close(client);
	close(fd);
}

static void destroy(struct rig *rig)
{
	iovm_vf_destroy(rig->vf);
	rig->vf = NULL;
}

static void test_destroy_attached(void **state)
{
	struct rig *rig = *state;
	struct vfio_user_client *client = rig_connect(rig);
	int fd = make_file(MB);
	uint32_t id;

	assert_int_equal(vfio_user_client_dma_map(client, 0, MB, 3, fd, 0), 0);
	rig_run(rig, destroy);
	assert_false(rig_model(rig)->attached);
	assert_int_equal(rig_model(rig)->resets, 1);
	assert_int_equal(rig_summary(rig)->regions, 0);
	assert_int_equal(access(rig->socket, F_OK), -1);
	assert_int_not_equal(vfio_user_client_read(client, CONFIG, 0, &id, 4), 0);
	vfio_user_client_close(client);
	close(fd);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_attach, start, stop),
		cmocka_unit_test_setup_teardown(test_registers, start, stop),
		cmocka_unit_test_setup_teardown(test_msix_table, start, stop),
		cmocka_unit_test_setup_teardown(test_command, start, stop),
		cmocka_unit_test_setup_teardown(test_dma, start, stop),
		cmocka_unit_test_setup_teardown(test_reset, start, stop),
		cmocka_unit_test_setup_teardown(test_reconnect, start, stop),
		cmocka_unit_test_setup_teardown(test_trapped, start, stop),
		cmocka_unit_test_setup_teardown(test_advice, start, stop),
		cmocka_unit_test(test_private_memory),
		cmocka_unit_test_setup_teardown(test_file_shrinks, start, stop),
		cmocka_unit_test_setup_teardown(test_destroy_attached, start, stop),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
