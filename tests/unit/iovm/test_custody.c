// SPDX-License-Identifier: BSD-3-Clause
/*
 * test_custody.c - a VF whose PF driver sits in another VM: who may have it, and what is left of it for its client when
 * that PF driver takes the bare VF away and gives it back.
 */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <linux/pci_regs.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <unistd.h>

#include "harness.h"

#define MB (1024 * 1024ull)
#define CONFIG 7
#define REGISTER 0x10

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

static uint32_t bar_get(struct vfio_user_client *client, uint64_t offset)
{
	uint32_t value = 0;

	assert_int_equal(vfio_user_client_read(client, 0, offset, &value, sizeof(value)), 0);
	return value;
}

static void bar_set(struct vfio_user_client *client, uint64_t offset, uint32_t value)
{
	assert_int_equal(vfio_user_client_write(client, 0, offset, &value, sizeof(value), false),
			 0);
}

static int admit_result;

static void set_admit_result(struct rig *rig)
{
	rig->model.admit_result = admit_result;
}

static void admit(struct rig *rig, int result)
{
	admit_result = result;
	rig_run(rig, set_admit_result);
}

/* VF Enable = 0 in the VM that has the PF. */
static void take_away(struct rig *rig)
{
	uint16_t control = 0;

	pcie_config_write(&rig->pf, SRIOV + PCI_SRIOV_CTRL, &control, sizeof(control));
	iovm_vf_orphan(rig->vf);
}

/* VF Enable = 1: the bare VF and its device model are at power-on. */
static void give_back(struct rig *rig)
{
	uint16_t control = PCI_SRIOV_CTRL_VFE | PCI_SRIOV_CTRL_MSE;

	pcie_config_write(&rig->pf, SRIOV + PCI_SRIOV_CTRL, &control, sizeof(control));
	pcie_function_init(&rig->bare, &rig->bare_layout, &rig->bare_state, rig->bare.routing_id,
			   rig->bare.ops, rig->bare.ctx);
	rig->model.command = 0;
	rig->model.msix_enable = rig->model.msix_mask = false;
	memset(rig->model.reg, 0, sizeof(rig->model.reg));
	iovm_vf_revive(rig->vf);
}

static void test_refused(void **state)
{
	struct rig *rig = *state;
	struct vfio_user_client *client;
	struct iovm_vf_info info;

	admit(rig, -EBUSY);
	assert_int_equal(vfio_user_client_connect(&client, rig->socket, NULL, NULL, NULL), -EBUSY);
	info = rig_info(rig);
	assert_int_equal(info.client, 0);
	assert_int_equal(info.attaches, 0);
	assert_int_equal(rig_model(rig)->admits, 1);
	assert_int_equal(rig_model(rig)->changes, 0); /* nobody heard of it */
	assert_int_equal(rig_model(rig)->shares, 0);

	admit(rig, 0); /* the refusal was of that moment */
	client = rig_connect(rig);
	assert_int_equal(rig_info(rig).client, getpid());
	assert_int_equal(rig_model(rig)->admits, 2);
	vfio_user_client_close(client);
}

/* A worker may be serving the one who had the VF before: not a word to the next one until it let go. */
static void test_admitted_after_grace(void **state)
{
	struct rig *rig = *state;
	struct vfio_user_client *client;

	admit(rig, PCIE_QUIESCE);
	rig_hold(rig, true);
	assert_int_equal(vfio_user_client_connect_within(&client, rig->socket, 200, NULL, NULL,
							 NULL),
			 -ETIMEDOUT);
	rig_hold(rig, false);
	rig_wait_detached(rig);
	client = rig_connect(rig);
	assert_int_equal(rig_info(rig).client, getpid());
	bar_set(client, REGISTER, 1); /* a connection like any other */
	assert_int_equal(config_get(client, PCI_VENDOR_ID, 2), 0x8086);
	vfio_user_client_close(client);
}

static void test_orphan(void **state)
{
	struct rig *rig = *state;
	struct vfio_user_client *client = rig_connect(rig);
	int fd = memfd_create("ram", MFD_CLOEXEC), event = eventfd(0, EFD_NONBLOCK);
	uint64_t count;

	assert_int_equal(ftruncate(fd, MB), 0);
	start_function(client);
	bar_set(client, REGISTER, 0x1234);
	assert_int_equal(vfio_user_client_dma_map(client, 0, MB, 3, fd, 0), 0);
	assert_int_equal(vfio_user_client_set_irqs(client, 2, 1, 1, &event), 0);
	assert_true(atomic_load(&rig->domain->bus_master));

	rig_run(rig, take_away);
	assert_true(rig_info(rig).orphan);
	assert_int_equal(rig_info(rig).client, getpid());
	/* Without VF MSE nobody else would answer; all ones would be the end for the driver. */
	assert_int_equal(bar_get(client, REGISTER), 0x1234);
	assert_false(atomic_load(&rig->domain->bus_master));
	/* Nothing the client does brings DMA back, but it may see what it wrote. */
	config_set(client, PCI_COMMAND, 0, 2);
	assert_int_equal(bar_get(client, REGISTER), UINT32_MAX);
	config_set(client, PCI_COMMAND, PCI_COMMAND_MEMORY | PCI_COMMAND_MASTER, 2);
	assert_int_equal(config_get(client, PCI_COMMAND, 2),
			 PCI_COMMAND_MEMORY | PCI_COMMAND_MASTER);
	assert_false(atomic_load(&rig->domain->bus_master));
	/* Its maps come and go, as its VM's memory does. */
	assert_int_equal(vfio_user_client_dma_unmap(client, 0, MB), 0);
	assert_int_equal(vfio_user_client_dma_map(client, MB, MB, 3, fd, 0), 0);

	rig_run(rig, give_back);
	assert_false(rig_info(rig).orphan);
	assert_true(atomic_load(&rig->domain->bus_master));
	assert_int_equal(rig_model(rig)->command, PCI_COMMAND_MASTER);
	assert_int_equal(rig_model(rig)->bare_command, PCI_COMMAND_MASTER);
	assert_true(rig_model(rig)->msix_enable && !rig_model(rig)->msix_mask);
	assert_int_equal(bar_get(client, REGISTER), 0);
	assert_int_equal(rig_summary(rig)->regions, 1);
	rig_signal(rig, 1);
	assert_int_equal(read(event, &count, sizeof(count)), sizeof(count));
	vfio_user_client_close(client);
	close(event);
	close(fd);
}

/* What was off when the bare VF came back stays off. */
static void test_revived_at_rest(void **state)
{
	struct rig *rig = *state;
	struct vfio_user_client *client = rig_connect(rig);

	start_function(client);
	rig_run(rig, take_away);
	config_set(client, PCI_COMMAND, PCI_COMMAND_MEMORY, 2);
	config_set(client, MSIX + PCI_MSIX_FLAGS, PCI_MSIX_FLAGS_ENABLE | PCI_MSIX_FLAGS_MASKALL,
		   2);
	rig_run(rig, give_back);
	assert_false(atomic_load(&rig->domain->bus_master));
	assert_int_equal(rig_model(rig)->command, 0);
	assert_true(rig_model(rig)->msix_enable && rig_model(rig)->msix_mask);
	config_set(client, PCI_COMMAND, PCI_COMMAND_MEMORY | PCI_COMMAND_MASTER, 2);
	assert_true(atomic_load(&rig->domain->bus_master));
	vfio_user_client_close(client);
}

/* The driver of an orphan resets it, its VM goes, the next one comes: no way back to DMA in all that. */
static void test_orphan_is_left(void **state)
{
	struct rig *rig = *state;
	struct vfio_user_client *client = rig_connect(rig);
	unsigned int resets;

	start_function(client);
	rig_run(rig, take_away);
	resets = rig_model(rig)->resets;
	assert_int_equal(vfio_user_client_reset(client), 0);
	assert_int_equal(rig_model(rig)->resets, resets + 1);
	start_function(client);
	assert_false(atomic_load(&rig->domain->bus_master));
	vfio_user_client_close(client);
	rig_wait_detached(rig);
	assert_false(rig_model(rig)->attached);
	assert_true(rig_info(rig).orphan);
	assert_false(rig_info(rig).bus_master);

	client = rig_connect(rig);
	start_function(client);
	assert_false(atomic_load(&rig->domain->bus_master));
	vfio_user_client_close(client);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_refused, start, stop),
		cmocka_unit_test_setup_teardown(test_admitted_after_grace, start, stop),
		cmocka_unit_test_setup_teardown(test_orphan, start, stop),
		cmocka_unit_test_setup_teardown(test_revived_at_rest, start, stop),
		cmocka_unit_test_setup_teardown(test_orphan_is_left, start, stop),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
