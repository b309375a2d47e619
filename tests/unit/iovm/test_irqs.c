// SPDX-License-Identifier: BSD-3-Clause
/* test_irqs.c - eventfds of a managed VF: assigned, latched, replaced under fire, hostile. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <fcntl.h>
#include <linux/pci_regs.h>
#include <poll.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "harness.h"
#include "iovm/internal.h"

#define MSIX_INDEX 2

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

static uint64_t taken(int event)
{
	uint64_t count = 0;

	return read(event, &count, sizeof(count)) == sizeof(count) ? count : 0;
}

static void test_assign_and_take(void **state)
{
	struct rig *rig = *state;
	struct vfio_user_client *client = rig_connect(rig);
	int event[VECTORS];

	for (unsigned int i = 0; i < VECTORS; i++)
		event[i] = eventfd(0, EFD_NONBLOCK);
	start_function(client);
	assert_int_equal(vfio_user_client_set_irqs(client, MSIX_INDEX, 0, VECTORS, event), 0);
	assert_int_equal(rig_info(rig).vectors, VECTORS);
	for (unsigned int i = 0; i < VECTORS; i++) {
		rig_signal(rig, i);
		for (unsigned int k = 0; k < VECTORS; k++)
			assert_int_equal(taken(event[k]), k == i);
	}
	rig_signal(rig, VECTORS); /* no such vector */
	rig_signal(rig, UINT32_MAX);
	assert_int_equal(
		vfio_user_client_act_irq(client, MSIX_INDEX, 2, VFIO_USER_CLIENT_IRQ_TRIGGER), 0);
	assert_int_equal(taken(event[2]), 1);

	assert_int_equal(vfio_user_client_set_irqs(client, MSIX_INDEX, 1, 1, NULL), 0);
	assert_int_equal(rig_info(rig).vectors, VECTORS - 1);
	assert_int_equal(vfio_user_client_disable_irq(client, MSIX_INDEX), 0);
	rig_signal(rig, 0);
	assert_int_equal(taken(event[0]), 0);
	assert_int_equal(rig_info(rig).lost_signals, 1);
	for (unsigned int i = 0; i < VECTORS; i++)
		close(event[i]);
	vfio_user_client_close(client);
}

/* What is raised before the VMM has assigned the eventfd comes with the assignment, once. */
static void test_latched(void **state)
{
	struct rig *rig = *state;
	struct vfio_user_client *client = rig_connect(rig);
	int event = eventfd(0, EFD_NONBLOCK);

	rig_signal(rig, 1); /* MSI-X off: no pending bit */
	start_function(client);
	assert_int_equal(vfio_user_client_set_irqs(client, MSIX_INDEX, 1, 1, &event), 0);
	assert_int_equal(taken(event), 0);
	assert_int_equal(vfio_user_client_set_irqs(client, MSIX_INDEX, 1, 1, NULL), 0);

	rig_signal(rig, 1);
	rig_signal(rig, 1);
	assert_int_equal(vfio_user_client_set_irqs(client, MSIX_INDEX, 1, 1, &event), 0);
	assert_int_equal(taken(event), 1);
	assert_int_equal(vfio_user_client_set_irqs(client, MSIX_INDEX, 1, 1, &event), 0);
	assert_int_equal(taken(event), 0);

	/* Pending bits do not outlive MSI-X Enable. */
	assert_int_equal(vfio_user_client_set_irqs(client, MSIX_INDEX, 1, 1, NULL), 0);
	rig_signal(rig, 1);
	config_set(client, MSIX + PCI_MSIX_FLAGS, 0, 2);
	config_set(client, MSIX + PCI_MSIX_FLAGS, PCI_MSIX_FLAGS_ENABLE, 2);
	assert_int_equal(vfio_user_client_set_irqs(client, MSIX_INDEX, 1, 1, &event), 0);
	assert_int_equal(taken(event), 0);
	assert_int_equal(rig_info(rig).lost_signals, 4);
	close(event);
	vfio_user_client_close(client);
}

/* Taking an eventfd back is answered when no worker can signal it any more. */
static void test_replaced_after_grace(void **state)
{
	struct rig *rig = *state;
	struct vfio_user_client *client = rig_connect(rig);
	int event = eventfd(0, EFD_NONBLOCK);

	start_function(client);
	assert_int_equal(vfio_user_client_set_irqs(client, MSIX_INDEX, 0, 1, &event), 0);
	rig_hold(rig, true);
	vfio_user_client_set_timeout(client, 200);
	assert_int_equal(vfio_user_client_set_irqs(client, MSIX_INDEX, 0, 1, NULL), -ETIMEDOUT);
	vfio_user_client_set_timeout(client, 5000);
	rig_hold(rig, false);
	assert_int_equal(config_get(client, PCI_VENDOR_ID, 2), 0x8086);
	close(event);
	vfio_user_client_close(client);
}

/* A worker raises all the time while eventfds come and go: each one assigned gets a signal. */
static void test_swap_under_fire(void **state)
{
	struct rig *rig = *state;
	struct vfio_user_client *client = rig_connect(rig);

	start_function(client);
	atomic_store(&rig->raise, 2);
	for (unsigned int i = 0; i < 300; i++) {
		int event = eventfd(0, EFD_NONBLOCK);
		struct pollfd poll_event = { .fd = event, .events = POLLIN };

		assert_int_equal(vfio_user_client_set_irqs(client, MSIX_INDEX, 2, 1, &event), 0);
		assert_int_equal(poll(&poll_event, 1, 5000), 1);
		if (i % 3 == 0) {
			assert_int_equal(vfio_user_client_set_irqs(client, MSIX_INDEX, 2, 1, NULL),
					 0);
			taken(event);
			usleep(100);
			assert_int_equal(taken(event), 0);
		}
		close(event);
	}
	vfio_user_client_close(client);
	rig_wait_detached(rig);
	atomic_store(&rig->raise, -1);
}

/* One raise races with the assignment: whoever is first, there is one signal. */
static void test_latch_race(void **state)
{
	struct rig *rig = *state;
	struct vfio_user_client *client = rig_connect(rig);
	int event = eventfd(0, EFD_NONBLOCK);
	struct pollfd poll_event = { .fd = event, .events = POLLIN };

	start_function(client);
	for (unsigned int i = 0; i < 1000; i++) {
		atomic_store(&rig->raise_once, 0);
		for (volatile unsigned int k = 0; k < i * 20; k++)
			;
		assert_int_equal(vfio_user_client_set_irqs(client, MSIX_INDEX, 0, 1, &event), 0);
		assert_int_equal(poll(&poll_event, 1, 5000), 1);
		assert_int_equal(vfio_user_client_set_irqs(client, MSIX_INDEX, 0, 1, NULL), 0);
		assert_int_equal(taken(event), 1);
	}
	close(event);
	vfio_user_client_close(client);
}

/* The client makes the eventfd block and fills it: whoever signals must not notice. */
static void test_hostile_eventfd(void **state)
{
	struct rig *rig = *state;
	struct vfio_user_client *client = rig_connect(rig);
	const uint64_t full = UINT64_MAX - 1;
	int event = eventfd(0, EFD_NONBLOCK);

	start_function(client);
	assert_int_equal(vfio_user_client_set_irqs(client, MSIX_INDEX, 0, 1, &event), 0);
	assert_int_equal(write(event, &full, sizeof(full)), sizeof(full));
	assert_int_equal(fcntl(event, F_SETFL, 0), 0);
	alarm(20);
	for (unsigned int i = 0; i < 200; i++)
		rig_signal(rig, 0);
	atomic_store(&rig->raise, 0);
	usleep(10000);
	atomic_store(&rig->raise, -1);
	rig_hold(rig, true); /* the worker still gets there */
	rig_hold(rig, false);
	alarm(0);
	close(event);
	vfio_user_client_close(client);
}

static void test_notify_counts(void **state)
{
	int event = eventfd(0, EFD_NONBLOCK);

	for (unsigned int i = 0; i < 1000; i++)
		notify(event);
	assert_int_equal(taken(event), 1000);
	close(event);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_assign_and_take, start, stop),
		cmocka_unit_test_setup_teardown(test_latched, start, stop),
		cmocka_unit_test_setup_teardown(test_replaced_after_grace, start, stop),
		cmocka_unit_test_setup_teardown(test_swap_under_fire, start, stop),
		cmocka_unit_test_setup_teardown(test_latch_race, start, stop),
		cmocka_unit_test_setup_teardown(test_hostile_eventfd, start, stop),
		cmocka_unit_test(test_notify_counts),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
