// SPDX-License-Identifier: BSD-3-Clause
/*
 * test_stranger.c - vfio-user servers that are no card of ours: other devices, a VF without MSI-X, one whose PF driver
 * is deaf, one that wants nobody. Behind them is the fake device of the server's own tests: memory.
 */
#include <softiov/softiov.h>
#include "../vfio_user/harness.h"

#define VF_ID 0x10ed8086u
#define CAPABILITY_LIST 0x34
#define MSIX_AT 0x40
#define MSIX_ID 0x11
#define SHORT_MS 100

static char address[128];

static int set_up(void **state)
{
	int error = harness_setup(state);

	snprintf(address, sizeof(address), "unix:%s", h.path);
	return error;
}

static void become(uint32_t id, bool msix)
{
	uint8_t *config = h.fake.memory[VFIO_USER_REGION_CONFIG];

	memcpy(config, &id, sizeof(id));
	config[CAPABILITY_LIST] = msix ? MSIX_AT : 0;
	config[MSIX_AT] = MSIX_ID;
}

static void expect_error(int error, const char *words)
{
	const struct softiov_vf_options options = { .timeout_ms = SHORT_MS };
	struct softiov_reason why = { "" };
	struct softiov_vf *vf = NULL;
	int result;

	loop_start();
	result = softiov_vf_open(&vf, address, &options, &why);
	loop_stop();
	assert_string_equal(softiov_error_name(result), softiov_error_name(error));
	assert_null(vf);
	if (!strstr(why.text, words))
		fail_msg("\"%s\" is not in \"%s\"", words, why.text);
	pump(); /* the server sees the client go */
}

static void other_devices(void **state)
{
	static const uint32_t ids[] = { 0,	    UINT32_MAX, 0x10fb8086,
					0x15218086, 0x10001af4, 0x10ed1af4 };

	for (unsigned int i = 0; i < ARRAY_SIZE(ids); i++) {
		char words[32];

		become(ids[i], true);
		snprintf(words, sizeof(words), "%04x:%04x is not", ids[i] & 0xffff, ids[i] >> 16);
		expect_error(SOFTIOV_ERR_NOT_VF, words);
	}
}

static void no_msix(void **state)
{
	become(VF_ID, false);
	expect_error(SOFTIOV_ERR_NOT_VF, "MSI-X");
}

/* Registers that are memory: the mailbox never answers. */
static void a_deaf_pf(void **state)
{
	become(VF_ID, true);
	expect_error(SOFTIOV_ERR_NO_PF, "PF driver does not answer");
	assert_int_equal(h.fake.resets, 1);
}

/* Registers that are mapped, but only to be read: a store would be the end of the program. */
static void read_only(void **state)
{
	become(VF_ID, true);
	h.fake.bar0_read_only = true;
	expect_error(SOFTIOV_ERR_NO_PF, "PF driver does not answer");
}

static void refused(void **state)
{
	become(VF_ID, true);
	h.fake.refuse_connect = -EBUSY;
	expect_error(SOFTIOV_ERR_OWNED, "another driver");
	h.fake.refuse_connect = -EINVAL;
	expect_error(SOFTIOV_ERR_NOT_CARD, "does not speak");
}

#define TEST(test) cmocka_unit_test_setup_teardown(test, set_up, harness_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(other_devices), TEST(no_msix), TEST(a_deaf_pf), TEST(read_only), TEST(refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
