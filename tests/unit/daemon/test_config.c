/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * test_config.c - the configuration file: what is accepted, and that every refusal names file, line, word and what is
 * allowed.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>
#include <cmocka.h>

#include "daemon/config.h"

static int load(const char *text, struct config **config, struct reason *why)
{
	char path[] = "/tmp/softiov-config-XXXXXX";
	int fd = mkstemp(path), error;

	assert_true(fd >= 0);
	assert_int_equal(write(fd, text, strlen(text)), (ssize_t)strlen(text));
	close(fd);
	error = config_load(path, config, why);
	unlink(path);
	return error;
}

/* Each refusal: the file, the line it must name, and words that must be in the message. */
static const struct refusal {
	const char *text;
	const char *line;
	const char *words[3];
} refusals[] = {
	{ "workerz: 2\n", ":1:", { "unknown key 'workerz'", "workers", "cards" } },
	{ "workers: 0\n", ":1:", { "workers '0'", "1 to 16" } },
	{ "workers: many\n", ":1:", { "workers 'many'", "1 to 16" } },
	{ "workers: [1]\n", ":1:", { "workers" } },
	{ "workers: 1\nworkers: 2\n", ":2:", { "twice" } },
	{ "- a\n", ":1:", { "mapping" } },
	{ "workers: {\n", ":", { "not valid YAML" } },
	{ "run-dir: relative\n", ":1:", { "absolute path" } },
	{ "api: { mode: \"999\" }\n", ":1:", { "mode '999'", "octal" } },
	{ "api: { owner: no-such-user-here }\n", ":1:", { "no-such-user-here" } },
	{ "api: { group: no-such-group-here }\n", ":1:", { "no-such-group-here" } },
	{ "cpus: [4096]\n", ":1:", { "cpu '4096'" } },
	{ "idle:\n  busy-us: -1\n", ":2:", { "busy-us '-1'" } },
	{ "sysfs: on\n", ":1:", { "sysfs 'on'", "auto, off" } },
	{ "idle:\n  always-busy: maybe\n", ":2:", { "always-busy 'maybe'", "on, off" } },
	{ "vms: { data-dir: here }\n", ":1:", { "data-dir 'here'", "absolute path" } },
	{ "vms:\n  qemu: qemu-system-x86_64\n",
	  ":2:",
	  { "qemu 'qemu-system-x86_64'", "absolute" } },
	{ "vms:\n  accel: xen\n", ":2:", { "accel 'xen'", "auto, kvm, tcg" } },
	{ "vms: { memory: 1 }\n", ":1:", { "unknown key 'memory'", "data-dir" } },
	{ "cards:\n  - address: \"7\"\n", ":2:", { "address '7'", "0000:07" } },
	{ "cards:\n  - address: \"0000:fe\"\n", ":2:", { "at most fd" } },
	{ "cards: []\n", ":1:", { "1 to 8 cards" } },
	{ "cards:\n  - address: \"0000:07\"\n  - address: \"0000:09\"\n",
	  ":3:",
	  { "overlaps card 0000:07" } },
	{ "cards:\n  - address: \"0000:07\"\n    mode: guest\n",
	  ":3:",
	  { "mode 'guest'", "host, vm" } },
	{ "cards:\n  - device: 10fc\n", ":2:", { "device '10fc'", "10f8, 10fb" } },
	{ "cards:\n  - device: 8086:10fb\n", ":2:", { "device '8086:10fb'", "10f8, 10fb" } },
	{ "cards:\n  - mode: vm\n    socket: { mode: \"888\" }\n",
	  ":3:",
	  { "mode '888'", "octal" } },
	{ "cards:\n  - mode: vm\n    socket: vm.sock\n", ":3:", { "socket" } },
	{ "cards:\n  - serial: xyz\n", ":2:", { "serial 'xyz'", "hexadecimal" } },
	{ "cards:\n  - ports: []\n", ":2:", { "1 or 2 ports" } },
	{ "cards:\n  - ports:\n      - {}\n      - {}\n      - {}\n", ":3:", { "1 or 2 ports" } },
	{ "cards:\n  - ports:\n      - uplink: wifi\n",
	  ":3:",
	  { "uplink 'wifi'", "none, tap:NAME, cable:NAME" } },
	{ "cards:\n  - ports:\n      - uplink: \"cable:\"\n", ":3:", { "name of a cable" } },
	{ "cards:\n  - ports:\n      - uplink: cable:a-name-that-is-too-long\n",
	  ":3:",
	  { "1 to 15 characters" } },
	{ "cards:\n  - ports:\n      - uplink: cable:left\n      - uplink: cable:right\n",
	  ":3:",
	  { "cable 'left'", "one port" } },
	{ "cards:\n  - ports:\n      - uplink: cable:x\n      - uplink: cable:x\n"
	  "  - address: \"0000:0a\"\n    ports:\n      - uplink: cable:x\n",
	  ":7:",
	  { "cable 'x'", "two ports already" } },
	{ "cards:\n  - ports:\n      - uplink: \"tap:\"\n", ":3:", { "interface name" } },
	{ "cards:\n  - ports:\n      - uplink: tap:a-name-that-is-too-long\n",
	  ":3:",
	  { "1 to 15 characters" } },
	{ "cards:\n  - ports:\n      - pfs: [{}, {}, {}]\n", ":3:", { "1, 2 or 4 PFs" } },
	{ "cards:\n  - ports:\n      - pfs:\n        - vfs: 65\n",
	  ":4:",
	  { "vfs '65'", "0 to 64" } },
	{ "cards:\n  - ports:\n      - pfs:\n        - {vfs: 64, netdev: sv9}\n",
	  ":4:",
	  { "63", "netdev: none" } },
	{ "cards:\n  - ports:\n      - pfs:\n        - mtu: 67\n",
	  ":4:",
	  { "mtu '67'", "68 to 9710" } },
	{ "cards:\n  - ports:\n      - pfs:\n        - vf:\n            64: {}\n",
	  ":5:",
	  { "VF number '64'" } },
	{ "cards:\n  - ports:\n      - pfs:\n        - vf:\n            1: {mac: "
	  "\"01:00:00:00:00:00\"}\n",
	  ":5:",
	  { "unicast" } },
	{ "cards:\n  - ports:\n      - pfs:\n        - vf:\n            1: {vlan: 4095}\n",
	  ":5:",
	  { "vlan '4095'" } },
	{ "cards:\n  - ports:\n      - pfs:\n        - vf-defaults: {mac: \"52:54:00:00:00:01\"}\n",
	  ":4:",
	  { "unknown key 'mac'" } },
	{ "cards:\n  - ports:\n      - pfs:\n        - vf-defaults: {registers: fast}\n",
	  ":4:",
	  { "registers 'fast'", "shared, trapped" } },
	{ "cards:\n  - ports:\n      - pfs:\n        - vf-defaults: {max_tx_rate: 9}\n",
	  ":4:",
	  { "max_tx_rate '9'", "10 to 10000" } },
	{ "cards:\n  - ports:\n      - pfs:\n        - vf:\n            1: {max_tx_rate: 10001}\n",
	  ":5:",
	  { "max_tx_rate '10001'" } },
	{ "cards:\n  - ports:\n      - uplink: tap:x0\n        pfs:\n        - netdev: x0\n",
	  "",
	  { "'x0' is used twice" } },
};

static void test_refusals(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(refusals); i++) {
		struct config *config = NULL;
		struct reason why = { "" };
		int error = load(refusals[i].text, &config, &why);

		if (error >= 0)
			fail_msg("accepted: %s", refusals[i].text);
		assert_null(config);
		if (!strstr(why.text, refusals[i].line))
			fail_msg("'%s' does not name line '%s'", why.text, refusals[i].line);
		for (size_t k = 0; k < ARRAY_SIZE(refusals[i].words) && refusals[i].words[k]; k++)
			if (!strstr(why.text, refusals[i].words[k]))
				fail_msg("'%s' lacks '%s'", why.text, refusals[i].words[k]);
	}
}

static void test_default(void **state)
{
	struct config *config = config_default();

	(void)state;
	assert_non_null(config);
	assert_int_equal(config->cards, 1);
	assert_int_equal(config->card[0].bus, 7);
	assert_int_equal(config->card[0].mode, CONFIG_MODE_HOST);
	assert_int_equal(config->card[0].device_id, 0x10f8);
	assert_int_equal(config->card[0].socket.mode, 0600);
	assert_int_equal(config->card[0].ports, 1);
	assert_int_equal(config->card[0].port[0].pf[0].vfs, 8);
	assert_string_equal(config->card[0].port[0].pf[0].netdev.name, "sv0");
	assert_true(config->card[0].port[0].pf[0].vf[7].registers_shared);
	assert_true(config->card[0].serial != 0);
	free(config);
}

/* The commented file in etc/ says it shows the defaults: it must load and be them. */
static void test_sample_is_default(void **state)
{
	struct config *sample = NULL, *expected = config_default();
	struct reason why = { "" };

	(void)state;
	if (config_load(SAMPLE_CONFIG, &sample, &why))
		fail_msg("%s", why.text);
	strcpy(expected->run_dir, "/run/softiov"); /* differs for users without root */
	assert_memory_equal(sample, expected, sizeof(*sample));
	free(sample);
	free(expected);
}

static void test_values(void **state)
{
	static const char text[] =
		"run-dir: /tmp/x\n"
		"workers: 2\n"
		"cpus: [0]\n"
		"vms: { data-dir: /tmp/data, qemu: /opt/qemu, accel: tcg }\n"
		"idle: { busy-us: 0, nap-us: 10, nap-max-us: 20, always-busy: on }\n"
		"cards:\n"
		"  - address: \"0001:10\"\n"
		"    serial: \"ff\"\n"
		"    ports:\n"
		"      - uplink: tap:up0\n"
		"        uplink-mtu: 9000\n"
		"        pfs:\n"
		"          - vf:\n"
		"              2: { mac: \"52:54:00:00:00:02\", vlan: 7, qos: 3, registers: "
		"shared, "
		"max_tx_rate: 10000 }\n"
		"            vf-defaults: { registers: trapped, spoofchk: off, trust: on,\n"
		"                           socket: { mode: \"0660\", owner: 0 } }\n"
		"            vfs: 4\n"
		"            netdev: none\n"
		"          - { vfs: 64 }\n"
		"      - pfs: [{}, {}, {sriov: off, vfs: 4}, {}]\n"
		"  - address: \"0001:13\"\n"
		"    mode: vm\n"
		"    device: 10fb\n"
		"    socket: { owner: 7, group: 8, mode: \"0660\" }\n"
		"  - { address: \"0001:16\", mode: host, device: \"10f8\" }\n";
	struct config *config = NULL;
	struct reason why = { "" };
	const struct config_pf *pf;

	(void)state;
	if (load(text, &config, &why))
		fail_msg("%s", why.text);
	assert_string_equal(config->run_dir, "/tmp/x");
	assert_int_equal(config->workers, 2);
	assert_true(config->pinned && config->always_busy);
	assert_string_equal(config->vms.data_dir, "/tmp/data");
	assert_string_equal(config->vms.qemu, "/opt/qemu");
	assert_int_equal(config->vms.accel, CONFIG_ACCEL_TCG);
	assert_int_equal(config->cards, 3);
	assert_int_equal(config->card[0].domain, 1);
	assert_true(config->card[0].serial == 0xff);
	assert_int_equal(config->card[0].port[0].uplink.kind, CONFIG_UPLINK_TAP);
	assert_string_equal(config->card[0].port[0].uplink.name, "up0");
	pf = &config->card[0].port[0].pf[0];
	assert_int_equal(pf->vfs, 4);
	assert_int_equal(pf->netdev.kind, CONFIG_NETDEV_NONE);
	assert_false(pf->vf[1].registers_shared); /* the default, though it stands after "vf" */
	assert_true(pf->vf[2].registers_shared);
	assert_true(pf->vf[2].mac.given && pf->vf[2].trust && !pf->vf[2].spoofchk);
	assert_int_equal(pf->vf[2].vlan, 7);
	assert_int_equal(pf->vf[2].qos, 3);
	assert_int_equal(pf->vf[2].max_tx_rate, 10000);
	assert_int_equal(pf->vf[3].max_tx_rate, 0);
	assert_int_equal(pf->vf[3].socket.mode, 0660);
	assert_int_equal(pf->vf[3].socket.owner, 0);
	/* 64 VFs leave no pool for an interface, so "auto" means none. */
	assert_int_equal(config->card[0].port[0].pf[1].netdev.kind, CONFIG_NETDEV_NONE);
	assert_int_equal(config->card[0].port[1].pfs, 4);
	assert_true(config->card[0].port[1].pf[1].sriov);
	assert_false(config->card[0].port[1].pf[2].sriov);
	assert_int_equal(config->card[0].port[1].pf[2].vfs, 0);
	assert_string_equal(config->card[0].port[1].pf[3].netdev.name, "sv5");
	assert_int_equal(config->card[1].mode, CONFIG_MODE_VM);
	assert_int_equal(config->card[1].device_id, 0x10fb);
	assert_int_equal(config->card[1].socket.owner, 7);
	assert_int_equal(config->card[1].socket.group, 8);
	assert_int_equal(config->card[1].socket.mode, 0660);
	assert_int_equal(config->card[2].mode, CONFIG_MODE_HOST);
	assert_int_equal(config->card[2].device_id, 0x10f8);
	assert_int_equal(config->card[2].socket.owner, (uid_t)-1);
	free(config);
}

static void test_cables(void **state)
{
	static const char text[] = "cards:\n"
				   "  - ports:\n"
				   "      - uplink: cable:a\n"
				   "      - uplink: cable:sv0\n" /* no interface */
				   "  - address: \"0000:0a\"\n"
				   "    ports:\n"
				   "      - uplink: cable:sv0\n"
				   "      - uplink: cable:a\n";
	struct config *config = NULL;
	struct reason why = { "" };

	(void)state;
	if (load(text, &config, &why))
		fail_msg("%s", why.text);
	for (unsigned int i = 0; i < 2; i++) {
		const struct config_uplink *end = &config->card[i].port[i].uplink;

		assert_int_equal(end->kind, CONFIG_UPLINK_CABLE);
		assert_string_equal(end->name, "a");
	}
	assert_string_equal(config->card[1].port[0].uplink.name, "sv0");
	free(config);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_default), cmocka_unit_test(test_sample_is_default),
		cmocka_unit_test(test_values),	cmocka_unit_test(test_refusals),
		cmocka_unit_test(test_cables),
	};

	return cmocka_run_group_tests_name("config", tests, NULL, NULL);
}
