// SPDX-License-Identifier: BSD-3-Clause
/* test_vmd_irqs.c - MSI-X of the functions behind the endpoint, as messages to the guest. */
#include "harness.h"

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <cmocka.h>

#include <linux/pci_regs.h>
#include <poll.h>
#include <unistd.h>

#define MSI_ADDRESS 0xfee01000u
#define MSI_DATA 0x4020u

/* Both PFs and two VFs of each run; vector n of a PF's table has data MSI_DATA + n. */
static int setup(void **state)
{
	struct rig *rig = rig_start();

	*state = rig;
	guest_connect(rig);
	guest_boot(rig);
	guest_place(rig);
	for (unsigned int pf = 0; pf < PFS; pf++) {
		guest_enable_vfs(rig, pf, 2);
		for (unsigned int vector = 0; vector < VECTORS; vector++)
			guest_set_vector(rig, pf_table(pf), vector, MSI_ADDRESS, MSI_DATA + vector,
					 false);
	}
	guest_set_vector(rig, vf_table(1, 1), 2, 0x1fee02000ull, 0x8001, false);
	return 0;
}

static int teardown(void **state)
{
	rig_stop(*state);
	return 0;
}

/* Exactly these have come since @from. */
static void expect(struct rig *rig, unsigned int from, unsigned int count)
{
	rig_settle(rig);
	assert_int_equal(rig->messages - from, count);
}

static void expect_lost(struct rig *rig, uint64_t lost)
{
	expect(rig, rig->messages, 0);
	assert_int_equal(rig_info(rig).lost_interrupts, lost);
}

static void expect_message(const struct rig *rig, unsigned int index, uint64_t address,
			   uint32_t data)
{
	assert_true(index < rig->messages);
	assert_int_equal(rig->message[index].len, 4);
	assert_true(rig->message[index].address == address);
	assert_int_equal(rig->message[index].data, data);
}

static void test_message(void **state)
{
	struct rig *rig = *state;

	rig_signal(rig, routing_id(0), 0);
	expect(rig, 0, 1);
	expect_message(rig, 0, MSI_ADDRESS, MSI_DATA);
	rig_signal(rig, routing_id(1), 63);
	expect(rig, 1, 1);
	expect_message(rig, 1, MSI_ADDRESS, MSI_DATA + 63);
	rig_signal(rig, routing_id(vf_devfn(1, 1)), 2);
	expect(rig, 2, 1);
	expect_message(rig, 2, 0x1fee02000ull, 0x8001);
	assert_int_equal(rig_info(rig).interrupts, 3);
	assert_int_equal(rig_info(rig).lost_interrupts, 0);
}

static void signal_thrice(struct rig *rig)
{
	for (unsigned int i = 0; i < 3; i++) {
		rig_signal(rig, routing_id(0), 5);
		rig_signal(rig, routing_id(0), 6);
	}
}

/* What is raised again before the device thread looks is one message. */
static void test_coalesced(void **state)
{
	struct rig *rig = *state;

	rig_run(rig, signal_thrice);
	expect(rig, 0, 2);
	expect_message(rig, 0, MSI_ADDRESS, MSI_DATA + 5);
	expect_message(rig, 1, MSI_ADDRESS, MSI_DATA + 6);
}

static void mask(struct rig *rig, uint32_t table, unsigned int vector, bool masked)
{
	guest_write(rig, MEMBAR1, table + vector * PCI_MSIX_ENTRY_SIZE + PCI_MSIX_ENTRY_VECTOR_CTRL,
		    masked, 4);
}

/* Raised, then masked: the message waits, and goes where the entry points by then. */
static void test_masked_entry(void **state)
{
	struct rig *rig = *state;

	mask(rig, pf_table(0), 7, true);
	(void)guest_read(rig, MEMBAR1, pf_table(0), 4);
	rig_signal(rig, routing_id(0), 7);
	rig_signal(rig, routing_id(0), 8);
	expect(rig, 0, 1);
	expect_message(rig, 0, MSI_ADDRESS, MSI_DATA + 8);
	guest_write(rig, MEMBAR1, pf_bar(0), 1, 4); /* a write that changes nothing about it */
	expect(rig, 1, 0);
	guest_set_vector(rig, pf_table(0), 7, MSI_ADDRESS + 0x1000, 0x55, false);
	expect(rig, 1, 1);
	expect_message(rig, 1, MSI_ADDRESS + 0x1000, 0x55);
	assert_int_equal(rig_info(rig).lost_interrupts, 0);
}

/* A table that holds nothing - of a VF that is lent, say - has no message: it does not go to address 0. */
static void test_empty_entry(void **state)
{
	struct rig *rig = *state;

	guest_set_vector(rig, pf_table(0), 9, 0, 0, false);
	rig_signal(rig, routing_id(0), 9);
	expect_lost(rig, 1);
	assert_int_equal(rig->messages, 0);
	/* After a reset it is masked, too: then the message waits for its address. */
	guest_set_vector(rig, pf_table(0), 9, 0, 0, true);
	rig_signal(rig, routing_id(0), 9);
	expect(rig, 0, 0);
	guest_set_vector(rig, pf_table(0), 9, MSI_ADDRESS, 0x99, false);
	expect(rig, 0, 1);
	expect_message(rig, 0, MSI_ADDRESS, 0x99);
	assert_int_equal(rig_info(rig).lost_interrupts, 1);
}

static void test_masked_function(void **state)
{
	const uint16_t flags = MSIX + PCI_MSIX_FLAGS, on = PCI_MSIX_FLAGS_ENABLE;
	struct rig *rig = *state;

	guest_set_config(rig, 1, flags, on | PCI_MSIX_FLAGS_MASKALL, 2);
	rig_signal(rig, routing_id(1), 1);
	rig_signal(rig, routing_id(1), 2);
	rig_signal(rig, routing_id(0), 3);
	expect(rig, 0, 1);
	guest_set_config(rig, 1, flags, on, 2);
	expect(rig, 1, 2);
	expect_message(rig, 1, MSI_ADDRESS, MSI_DATA + 1);
	expect_message(rig, 2, MSI_ADDRESS, MSI_DATA + 2);

	/* Switched off meanwhile: gone, and counted. */
	guest_set_config(rig, 1, flags, on | PCI_MSIX_FLAGS_MASKALL, 2);
	rig_signal(rig, routing_id(1), 1);
	expect(rig, 3, 0);
	guest_set_config(rig, 1, flags, 0, 2);
	expect_lost(rig, 1);
	guest_set_config(rig, 1, flags, on, 2);
	expect_lost(rig, 1);
}

/* A driver that found no MSI-X to its taste. */
static void test_msi(void **state)
{
	struct rig *rig = *state;

	guest_set_config(rig, 0, MSIX + PCI_MSIX_FLAGS, 0, 2);
	guest_set_config(rig, 0, MSI + PCI_MSI_ADDRESS_LO, MSI_ADDRESS, 4);
	guest_set_config(rig, 0, MSI + PCI_MSI_ADDRESS_HI, 1, 4);
	guest_set_config(rig, 0, MSI + PCI_MSI_DATA_64, 0x4077, 2);
	guest_set_config(rig, 0, MSI + PCI_MSI_FLAGS, PCI_MSI_FLAGS_ENABLE, 2);
	rig_signal(rig, routing_id(0), 0);
	rig_signal(rig, routing_id(0), 1); /* there is one vector */
	expect(rig, 0, 1);
	expect_message(rig, 0, 0x100000000 + MSI_ADDRESS, 0x4077);
	assert_int_equal(rig_info(rig).lost_interrupts, 1);

	guest_set_config(rig, 0, MSI + PCI_MSI_MASK_64, 1, 4);
	rig_signal(rig, routing_id(0), 0);
	expect(rig, 1, 0);
	guest_set_config(rig, 0, MSI + PCI_MSI_MASK_64, 0, 4);
	expect(rig, 1, 1);
	guest_set_config(rig, 0, MSI + PCI_MSI_FLAGS, 0, 2);
	rig_signal(rig, routing_id(0), 0);
	expect_lost(rig, 2);
}

/* Who may not send is not heard. */
static void test_may_not_send(void **state)
{
	struct rig *rig = *state;
	const uint16_t memory = PCI_COMMAND_MEMORY, all = memory | PCI_COMMAND_MASTER;

	guest_set_config(rig, 0, PCI_COMMAND, memory, 2);
	rig_signal(rig, routing_id(0), 0);
	expect_lost(rig, 1);
	guest_set_config(rig, 0, PCI_COMMAND, all, 2);
	guest_write(rig, CONFIG, PCI_COMMAND, memory, 2);
	rig_signal(rig, routing_id(0), 0);
	expect_lost(rig, 2);
	guest_write(rig, CONFIG, PCI_COMMAND, all, 2);
	guest_write(rig, CONFIG, VMCONFIG, 0, 2);
	rig_signal(rig, routing_id(0), 0);
	expect_lost(rig, 3);
	guest_write(rig, CONFIG, VMCONFIG, VMCONFIG_BYPASS, 2);
	rig_signal(rig, routing_id(0), 0);
	expect(rig, 0, 1);
}

/* Vectors and functions that are not there. */
static void test_nonsense(void **state)
{
	struct rig *rig = *state;

	rig_signal(rig, routing_id(0), 64);
	rig_signal(rig, routing_id(0), UINT32_MAX);
	rig_signal(rig, routing_id(vf_devfn(0, 0)), VF_VECTORS);
	rig_signal(rig, routing_id(vf_devfn(0, 5)), 0);
	rig_signal(rig, 0, 0);
	rig_signal(rig, (FIRST_BUS + 1) << 8, 0);
	rig_signal(rig, 0xffff, 0);
	expect_lost(rig, 7);
}

/* The function goes while its interrupt is on the way. */
static void signal_and_reset(struct rig *rig)
{
	rig_signal(rig, routing_id(vf_devfn(0, 0)), 0);
	rig_signal(rig, routing_id(1), 0);
	(void)pcie_function_reset(&rig->pf[0].function);
}

static void test_vanished(void **state)
{
	struct rig *rig = *state;

	guest_set_vector(rig, vf_table(0, 0), 0, MSI_ADDRESS, 0x77, false);
	rig_run(rig, signal_and_reset);
	expect(rig, 0, 1);
	expect_message(rig, 0, MSI_ADDRESS, MSI_DATA);
	assert_int_equal(rig_info(rig).lost_interrupts, 1);
}

static void hold_back(struct rig *rig)
{
	mask(rig, pf_table(0), 1, true);
	(void)guest_read(rig, MEMBAR1, pf_table(0), 4);
	rig_signal(rig, routing_id(0), 1);
	expect(rig, 0, 0);
}

/* What waits is gone with a reset, and with the client. */
static void test_held_over_reset(void **state)
{
	struct rig *rig = *state;

	hold_back(rig);
	assert_int_equal(vfio_user_client_reset(rig->client), 0);
	assert_int_equal(rig_info(rig).lost_interrupts, 1);
	guest_boot(rig);
	guest_place(rig);
	guest_set_vector(rig, pf_table(0), 1, MSI_ADDRESS, 0, false);
	expect(rig, 0, 0);

	hold_back(rig);
	guest_leave(rig);
	rig_signal(rig, routing_id(0), 2);
	guest_connect(rig);
	expect_lost(rig, 3);
}

/* The guest's memory is where it says: an error of its own is none of ours. */
static void test_refused_by_guest(void **state)
{
	struct rig *rig = *state;

	rig->refuse_messages = true;
	for (unsigned int i = 0; i < 200; i++) {
		rig_signal(rig, routing_id(0), i % VECTORS);
		expect(rig, i, 1);
	}
	assert_int_equal(guest_config(rig, 0, PCI_VENDOR_ID, 4), 0x10fb8086);
}

static void signal_all(struct rig *rig)
{
	for (unsigned int pf = 0; pf < PFS; pf++)
		for (unsigned int vector = 0; vector < VECTORS; vector++)
			rig_signal(rig, routing_id(pf), vector);
}

/* More than the client takes at a time: all the same each comes, once. */
static void test_too_many(void **state)
{
	struct rig *rig = *state;
	struct pollfd readable = { .fd = vfio_user_client_fd(rig->client), .events = POLLIN };
	unsigned int seen[VECTORS] = { 0 };

	rig_run(rig, signal_all);
	while (rig->messages < PFS * VECTORS) {
		assert_int_equal(poll(&readable, 1, 5000), 1);
		assert_true(vfio_user_client_serve(rig->client) >= 0);
	}
	usleep(20000);
	expect(rig, 0, PFS * VECTORS);
	for (unsigned int i = 0; i < rig->messages; i++)
		seen[rig->message[i].data - MSI_DATA]++;
	for (unsigned int i = 0; i < VECTORS; i++)
		assert_int_equal(seen[i], PFS);
	assert_int_equal(rig_info(rig).interrupts, PFS * VECTORS);
	assert_int_equal(rig_info(rig).lost_interrupts, 0);
}

/* A worker raises without end while functions, tables, resets and the client come and go. */
static void test_storm(void **state)
{
	struct rig *rig = *state;
	unsigned int before;

	atomic_store(&rig->storm, true);
	for (unsigned int i = 0; i < 30; i++) {
		guest_set_config(rig, 0, SRIOV + PCI_SRIOV_CTRL, 0, 2);
		guest_enable_vfs(rig, 0, 1 + i % VFS);
		mask(rig, pf_table(1), i % VECTORS, i % 2);
		if (i % 10 == 9) {
			assert_int_equal(vfio_user_client_reset(rig->client), 0);
			guest_boot(rig);
			guest_place(rig);
		}
		if (i % 15 == 14) {
			guest_leave(rig);
			guest_connect(rig);
			guest_boot(rig);
			guest_place(rig);
		}
	}
	atomic_store(&rig->storm, false);
	rig_hold(rig, true); /* the worker has seen it */
	rig_hold(rig, false);
	rig_settle(rig);
	before = rig->messages;
	guest_set_vector(rig, pf_table(0), 0, MSI_ADDRESS, 0x99, false);
	rig_signal(rig, routing_id(0), 0);
	expect(rig, before, 1);
	expect_message(rig, before, MSI_ADDRESS, 0x99);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_message),	     TEST(test_coalesced), TEST(test_masked_entry),
		TEST(test_masked_function),  TEST(test_msi),	   TEST(test_may_not_send),
		TEST(test_nonsense),	     TEST(test_vanished),  TEST(test_held_over_reset),
		TEST(test_refused_by_guest), TEST(test_too_many),  TEST(test_storm),
		TEST(test_empty_entry),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
