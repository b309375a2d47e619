/* SPDX-License-Identifier: BSD-3-Clause */
/* test_record.c - what a captured root holds of what was read, and what it must not hold. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <fcntl.h>
#include <ftw.h>
#include <limits.h>
#include <sys/stat.h>
#include <unistd.h>
#include <cmocka.h>

#include "check/pci_config.h"
#include "check/root.h"

#define CONFIG "/sys/bus/pci/devices/0000:07:00.0/config"
#define SERIAL_AT 0x104

static char source[] = "/tmp/softiov-record-a-XXXXXX", copy[] = "/tmp/softiov-record-b-XXXXXX";

static void put(const char *path, const void *data, size_t size)
{
	char full[PATH_MAX];
	int fd;

	for (const char *slash = strchr(path + 1, '/'); slash; slash = strchr(slash + 1, '/')) {
		snprintf(full, sizeof(full), "%s%.*s", source, (int)(slash - path), path);
		mkdir(full, 0755);
	}
	snprintf(full, sizeof(full), "%s%s", source, path);
	fd = open(full, O_WRONLY | O_CREAT | O_TRUNC, 0644);
	assert_true(fd >= 0);
	assert_int_equal(write(fd, data, size), (ssize_t)size);
	close(fd);
}

static void put_text(const char *path, const char *text)
{
	put(path, text, strlen(text));
}

static int make(void **state)
{
	uint8_t config[PCI_CONFIG_BYTES] = { 0 };

	if (!mkdtemp(source) || !mkdtemp(copy))
		return -1;
	put_le32(config + 0x100, PCI_EXT_SERIAL_NUMBER | 1u << 16 | 0x200u << 20);
	memset(config + SERIAL_AT, 0xaa, 8);
	put_le32(config + 0x200, PCI_EXT_SRIOV | 1u << 16);
	put(CONFIG, config, sizeof(config));
	put_text("/proc/cmdline",
		 "root=UUID=1234 password=x intel_iommu=on iommu=pt pci=realloc\n");
	put_text("/proc/cpuinfo", "processor: 0\nflags: vmx\n\nprocessor: 1\nflags: vmx\n");
	put_text("/etc/xensource-inventory", "CONTROL_DOMAIN_UUID='42'\nPRODUCT_VERSION='8'\n");
	put_text("/secret", "never asked for\n");
	put_text("/softiov-check/facts", "unreadable: /hidden\n");
	put_text("/hidden", "x");
	return 0;
}

static int drop(const char *path, const struct stat *status, int type, struct FTW *walk)
{
	return remove(path);
}

static int clean(void **state)
{
	return nftw(source, drop, 8, FTW_DEPTH | FTW_PHYS) |
	       nftw(copy, drop, 8, FTW_DEPTH | FTW_PHYS);
}

static void read_everything(struct check_root *root)
{
	static const char *const files[] = { "/proc/cmdline", "/proc/cpuinfo", CONFIG,
					     "/etc/xensource-inventory" };
	char data[PCI_CONFIG_BYTES];
	struct root_names names;

	for (size_t i = 0; i < ARRAY_SIZE(files); i++)
		assert_true(root_read(root, files[i], data, sizeof(data)) > 0);
	assert_int_equal(root_read(root, "/hidden", data, sizeof(data)), -EACCES);
	assert_int_equal(root_read(root, "/nowhere", data, sizeof(data)), -ENOENT);
	assert_int_equal(root_list(root, "/sys/bus/pci/devices", &names), 0);
	assert_int_equal(names.n, 1);
	root_names_free(&names);
}

static void is_text(struct check_root *root, const char *path, const char *expected)
{
	char text[256];

	assert_int_equal(root_text(root, path, text, sizeof(text)), 0);
	assert_string_equal(text, expected);
}

static void test_record(void **state)
{
	uint8_t config[PCI_CONFIG_BYTES];
	struct check_facts facts = { 0 };
	struct check_root *root;
	struct reason why;

	fact_add(&facts, "qemu", "/home/alice/q/bin/qemu, version 11, not /home/bob");
	root = root_open(source, &why);
	assert_non_null(root);
	assert_int_equal(root_record(root, copy, &why), 0);
	read_everything(root);
	root_set_facts(root, &facts);
	assert_string_equal(fact_get(root_facts(root), "qemu"), facts.fact[0].value);
	assert_int_equal(root_record_end(root, &why), 0);
	root_close(root);

	root = root_open(copy, &why);
	assert_non_null(root);
	is_text(root, "/proc/cmdline", "intel_iommu=on iommu=pt pci=realloc");
	assert_string_equal(fact_get(root_facts(root), "qemu"), "~/q/bin/qemu, version 11, not ~");
	is_text(root, "/proc/cpuinfo", "processor: 0?flags: vmx");
	is_text(root, "/etc/xensource-inventory", "PRODUCT_VERSION='8'");
	assert_false(root_has(root, "/secret"));
	assert_false(root_has(root, "/hidden"));
	assert_int_equal(root_read(root, "/hidden", config, sizeof(config)), -EACCES);
	assert_int_equal(root_read(root, CONFIG, config, sizeof(config)), sizeof(config));
	assert_int_equal(get_le64(config + SERIAL_AT), 0);
	assert_int_equal(pci_find_ext(config, sizeof(config), PCI_EXT_SRIOV), 0x200);
	assert_int_equal(root_record(root, source, &why), -EINVAL);
	root_close(root);
}

/* What leads out of a captured root leads nowhere. */
static void test_links(void **state)
{
	char path[PATH_MAX], text[64];
	struct check_root *root;
	struct reason why;

	snprintf(path, sizeof(path), "%s/out", source);
	assert_int_equal(symlink("/etc/hostname", path), 0);
	snprintf(path, sizeof(path), "%s/up", source);
	assert_int_equal(symlink("../../../../../../etc", path), 0);
	root = root_open(source, &why);
	assert_non_null(root);
	assert_true(root_read(root, "/out", text, sizeof(text)) < 0);
	is_text(root, "/up/xensource-inventory", "CONTROL_DOMAIN_UUID='42'?PRODUCT_VERSION='8'");
	assert_int_equal(root_link(root, "/out", text, sizeof(text)), 0);
	assert_string_equal(text, "hostname");
	assert_int_equal(root_read(root, "/proc", text, sizeof(text)), -EINVAL);
	root_close(root);
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(test_record),
					    cmocka_unit_test(test_links) };

	return cmocka_run_group_tests(tests, make, clean);
}
