// SPDX-License-Identifier: BSD-3-Clause
/*
 * test_vmd_random.c - a guest that writes anything anywhere: 100000 accesses over all windows and the endpoint's own
 * configuration space, with interrupts, resets and clients that leave in between. Made for a build with sanitizers; the
 * device models of the harness check the bounds of whatever reaches them. The endpoint is in order afterwards.
 */
#include "harness.h"

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <cmocka.h>

#include <linux/pci_regs.h>
#include <stdlib.h>
#include <unistd.h>

#define ACCESSES 25000
#define LONGEST 4096u

static uint64_t random_state;

static uint64_t random64(void)
{
	random_state ^= random_state << 13;
	random_state ^= random_state >> 7;
	random_state ^= random_state << 17;
	return random_state * 0x2545f4914f6cdd1dull;
}

static uint64_t below(uint64_t end)
{
	return random64() % end;
}

/* Mostly a register that matters, sometimes anything. */
static uint64_t random_offset(unsigned int region)
{
	static const uint16_t interesting[] = { PCI_COMMAND,
						PCI_BASE_ADDRESS_0,
						PCI_BASE_ADDRESS_2,
						PCI_BASE_ADDRESS_4,
						VMCONFIG,
						MSIX + PCI_MSIX_FLAGS,
						EXPRESS + PCI_EXP_DEVCTL,
						SRIOV + PCI_SRIOV_CTRL,
						SRIOV + PCI_SRIOV_NUM_VF,
						SRIOV + PCI_SRIOV_SYS_PGSIZE,
						SRIOV + PCI_SRIOV_BAR,
						SRIOV + PCI_SRIOV_BAR + 4 * VF_MSIX_BAR };
	uint64_t reg = below(4) ? interesting[below(ARRAY_SIZE(interesting))] : below(4096);

	switch (region) {
	case CFGBAR:
		return (below(2) ? below(PFS) : below(0x100)) << 12 | reg;
	case MEMBAR1:
		return below(4) ? below(0x300000) : below(MEMBAR1_SIZE - 8);
	case MEMBAR2:
		return below(0x4000 - 8);
	default:
		return MIN(reg, 4096 - 8ull);
	}
}

/* Values that mean something: addresses in the windows, single bits, all ones. */
static uint64_t random_value(void)
{
	switch (below(6)) {
	case 0:
		return BIT64(below(64));
	case 1:
		return UINT64_MAX;
	case 2:
		return below(64);
	case 3:
		return MEMBAR1_ADDRESS + below(0x300000);
	case 4:
		return PCI_SRIOV_CTRL_VFE | PCI_SRIOV_CTRL_MSE;
	default:
		return random64();
	}
}

static uint32_t random_len(unsigned int region, uint64_t offset)
{
	static const uint64_t size[] = {
		[CFGBAR] = 0x100000, [MEMBAR1] = MEMBAR1_SIZE, [MEMBAR2] = 0x4000, [CONFIG] = 4096
	};

	if (below(50))
		return (uint32_t)(1 + below(8));
	return (uint32_t)(1 + below(MIN((uint64_t)LONGEST, size[region] - offset)));
}

static void random_access(struct rig *rig)
{
	static const unsigned int regions[] = { CFGBAR,	 CFGBAR,  CFGBAR, MEMBAR1,
						MEMBAR1, MEMBAR2, CONFIG };
	unsigned int region = regions[below(ARRAY_SIZE(regions))];
	uint64_t offset = random_offset(region);
	uint32_t len = random_len(region, offset);
	uint8_t data[LONGEST];

	for (uint32_t i = 0; i < len; i += 8) {
		uint64_t value = random_value();

		memcpy(data + i, &value, MIN(len - i, 8u));
	}
	if (below(3))
		(void)vfio_user_client_write(rig->client, region, offset, data, len, below(2));
	else
		(void)vfio_user_client_read(rig->client, region, offset, data, len);
}

static void something_else(struct rig *rig)
{
	switch (below(4)) {
	case 0:
		assert_int_equal(vfio_user_client_reset(rig->client), 0);
		break;
	case 1:
		guest_leave(rig);
		guest_connect(rig);
		break;
	default:
		guest_boot(rig);
		guest_place(rig);
		for (unsigned int pf = 0; pf < PFS; pf++)
			guest_set_config(rig, pf, SRIOV + PCI_SRIOV_CTRL,
					 below(2) * PCI_SRIOV_CTRL_VFE, 2);
		break;
	}
}

static void check_alive(struct rig *rig)
{
	atomic_store(&rig->storm, false);
	assert_int_equal(vfio_user_client_reset(rig->client), 0);
	guest_boot(rig);
	guest_place(rig);
	guest_enable_vfs(rig, 0, VFS);
	guest_write(rig, MEMBAR1, vf_bar(0, VFS - 1), 0x600d, 4);
	assert_int_equal(guest_read(rig, MEMBAR1, vf_bar(0, VFS - 1), 4), 0x600d);
	assert_int_equal(guest_config(rig, 1, PCI_VENDOR_ID, 4), 0x10fb8086);
}

static void run(uint64_t seed)
{
	struct rig *rig = rig_start();

	random_state = seed;
	guest_connect(rig);
	guest_boot(rig);
	guest_place(rig);
	atomic_store(&rig->storm, true);
	for (unsigned int i = 0; i < ACCESSES; i++) {
		random_access(rig);
		if (!below(500))
			something_else(rig);
	}
	check_alive(rig);
	rig_stop(rig);
}

static void test_seed_1(void **state)
{
	run(1);
}

static void test_seed_2(void **state)
{
	run(0x123456789abcdef);
}

static void test_seed_3(void **state)
{
	run(0xfeedfacecafe);
}

static void test_seed_4(void **state)
{
	run(82599);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_seed_1),
		cmocka_unit_test(test_seed_2),
		cmocka_unit_test(test_seed_3),
		cmocka_unit_test(test_seed_4),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
