/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * test_sysfs.c - the tree without FUSE: every path, what is in each file, what a write brings about or is refused with,
 * against what Linux drivers/pci/pci-sysfs.c and drivers/pci/iov.c would say.
 */
#include <stdio.h>
#include <stdlib.h>

#include "fake.h"

#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>

#define PF "devices/pci0000:07/0000:07:00.0/"
#define VF "devices/pci0000:07/0000:07:10.2/"
#define RANDOM_INODES 200000

static int create(void **state)
{
	struct fake *fake = malloc(sizeof(*fake));

	assert_non_null(fake);
	fake_init(fake);
	*state = fake;
	return 0;
}

static int destroy(void **state)
{
	fake_fini(*state);
	free(*state);
	return 0;
}

/* Walk as the kernel does, through inode numbers; symbolic links are not followed. */
static int walk(struct fake *fake, const char *path, struct node *node)
{
	char copy[256], *rest = copy, *name;
	int error = functions_refresh(&fake->tree);

	*node = (struct node){ .kind = NODE_ROOT };
	snprintf(copy, sizeof(copy), "%s", path);
	while (!error && (name = strsep(&rest, "/"))) {
		struct node parent;

		assert_int_equal(node_of(node_ino(node), &parent), 0);
		if (*name)
			error = tree_lookup(&fake->tree, &parent, name, node);
	}
	return error;
}

static const struct attribute *find(struct fake *fake, const char *path, struct access *access)
{
	struct node node;

	assert_int_equal(walk(fake, path, &node), 0);
	assert_int_equal(node.kind, NODE_ATTRIBUTE);
	*access = (struct access){ .sysfs = &fake->tree,
				   .function = functions_find(&fake->tree, node.domain,
							      node.routing_id),
				   .view = node.view,
				   .privileged = true };
	assert_non_null(access->function);
	return attribute_get(node.index);
}

static int read_at(struct fake *fake, const char *path, uint64_t offset, void *data, size_t len)
{
	struct access access;
	const struct attribute *attribute = find(fake, path, &access);

	return attribute_read(attribute, &access, offset, data, len);
}

static void assert_reads(struct fake *fake, const char *path, const char *expected)
{
	char text[SYSFS_PAGE + 1];
	int len = read_at(fake, path, 0, text, SYSFS_PAGE);

	assert_true(len >= 0);
	text[len] = '\0';
	assert_string_equal(text, expected);
}

static int write_text(struct fake *fake, const char *path, const char *text)
{
	struct access access;
	const struct attribute *attribute = find(fake, path, &access);
	int result = attribute_write(attribute, &access, 0, text, strlen(text));

	return result == (int)strlen(text) ? 0 : result;
}

static void assert_links(struct fake *fake, const char *path, const char *expected)
{
	char target[SYSFS_TARGET_MAX];
	struct node node;

	assert_int_equal(walk(fake, path, &node), 0);
	assert_int_equal(tree_readlink(&fake->tree, &node, target), 0);
	assert_string_equal(target, expected);
}

static void test_paths(void **state)
{
	static const char *const missing[] = { "bus/usb",
					       "bus/pci/devices/0000:07:10.1",
					       "bus/pci/devices/0000:07:12.0",
					       "bus/pci/devices/7:10.0",
					       "bus/pci/devices/0000:07:10.00",
					       "bus/pci/devices/0000:07:10.2x",
					       "bus/pci/devices/",
					       "devices/pci0000:08",
					       "devices/pci0000:07/0001:20:00.0",
					       PF "physfn",
					       PF "virtfn8",
					       VF "virtfn0",
					       VF "driver",
					       VF "sriov_numvfs",
					       VF "vpd",
					       "devices/pci0001:20/0001:20:00.0/sriov_numvfs",
					       "bus/pci/drivers/vfio-user/0000:07:10.0",
					       "bare/bare",
					       "bare/" PF "reset" };
	struct fake *fake = *state;
	struct node node;

	for (unsigned int i = 0; i < ARRAY_SIZE(missing); i++) {
		bool whole = missing[i][strlen(missing[i]) - 1] != '/';

		assert_int_equal(walk(fake, missing[i], &node), whole ? -ENOENT : 0);
	}
	assert_int_equal(walk(fake, PF "vendor/x", &node), -ENOTDIR);
	assert_links(fake, "bus/pci/devices/0000:07:10.2",
		     "../../../devices/pci0000:07/0000:07:10.2");
	assert_links(fake, "bus/pci/devices/0001:20:00.0",
		     "../../../devices/pci0001:20/0001:20:00.0");
	assert_links(fake, "bus/pci/drivers/softiov-pf/0000:07:00.0",
		     "../../../../devices/pci0000:07/0000:07:00.0");
	assert_links(fake, PF "driver", "../../../bus/pci/drivers/softiov-pf");
	assert_links(fake, PF "subsystem", "../../../bus/pci");
	assert_links(fake, PF "virtfn1", "../0000:07:10.2");
	assert_links(fake, VF "physfn", "../0000:07:00.0");
	assert_int_equal(fake->listings, 1);
}

static void test_comings_and_goings(void **state)
{
	struct fake *fake = *state;
	struct node node, driver;
	struct stat st;

	assert_int_equal(walk(fake, VF "vendor", &node), 0);
	fake->attached = 1;
	fake_change(fake);
	assert_links(fake, VF "driver", "../../../bus/pci/drivers/vfio-user");
	assert_int_equal(walk(fake, "bus/pci/drivers/vfio-user/0000:07:10.2", &driver), 0);
	fake->attached = -1;
	fake->num_vfs = 1;
	fake_change(fake);
	assert_int_equal(functions_refresh(&fake->tree), 0);
	assert_int_equal(tree_stat(&fake->tree, &node, &st), -ENOENT);
	assert_int_equal(tree_stat(&fake->tree, &driver, &st), -ENOENT);
	assert_int_equal(walk(fake, PF "virtfn1", &node), -ENOENT);
	assert_int_equal(walk(fake, PF "virtfn0", &node), 0);
	fake->gone = true;
	fake_change(fake);
	assert_int_equal(functions_refresh(&fake->tree), -ENODEV);
}

static void test_text(void **state)
{
	struct fake *fake = *state;
	char line[64];

	assert_reads(fake, PF "vendor", "0x8086\n");
	assert_reads(fake, PF "device", "0x10fb\n");
	assert_reads(fake, VF "device", "0x10ed\n");
	assert_reads(fake, PF "subsystem_device", "0x000c\n");
	assert_reads(fake, PF "revision", "0x01\n");
	assert_reads(fake, PF "class", "0x020000\n");
	assert_reads(fake, VF "modalias",
		     "pci:v00008086d000010EDsv00008086sd0000000Cbc02sc00i00\n");
	assert_reads(fake, PF "uevent",
		     "DRIVER=softiov-pf\nPCI_CLASS=20000\nPCI_ID=8086:10FB\n"
		     "PCI_SUBSYS_ID=8086:000C\nPCI_SLOT_NAME=0000:07:00.0\n"
		     "MODALIAS=pci:v00008086d000010FBsv00008086sd0000000Cbc02sc00i00\n");
	assert_reads(fake, PF "max_link_speed", "5.0 GT/s PCIe\n");
	assert_reads(fake, PF "max_link_width", "8\n");
	assert_reads(fake, PF "current_link_speed", "2.5 GT/s PCIe\n");
	assert_reads(fake, PF "current_link_width", "4\n");
	assert_reads(fake, PF "enable", "1\n");
	assert_reads(fake, VF "enable", "0\n");
	assert_reads(fake, PF "sriov_totalvfs", "63\n");
	assert_reads(fake, PF "sriov_numvfs", "8\n");
	assert_reads(fake, PF "sriov_offset", "128\n");
	assert_reads(fake, PF "sriov_stride", "2\n");
	assert_reads(fake, PF "sriov_vf_device", "10ed\n");
	assert_reads(fake, PF "reset_method", "flr\n");
	/* Seven lines to the VF BAR, then a 32-bit prefetchable one without an address. */
	assert_int_equal(read_at(fake, PF "resource", 57 * 7, line, 57), 57);
	assert_memory_equal(line, "0x0000000000000000 0x0000000000000fff 0x0000000020042208\n", 57);
	assert_int_equal(read_at(fake, PF "resource", 0, line, 57), 57);
	assert_memory_equal(line, "0x0000380700000000 0x0000380700003fff 0x0000000000140204\n", 57);
	assert_int_equal(read_at(fake, PF "resource", 57 * 13, line, 57), 0);
	/* Cuts of a page of text. */
	assert_int_equal(read_at(fake, PF "vendor", 2, line, 3), 3);
	assert_memory_equal(line, "808", 3);
	assert_int_equal(read_at(fake, PF "vendor", 7, line, 3), 0);
	assert_int_equal(read_at(fake, PF "vendor", UINT64_MAX, line, 3), 0);
}

static void test_bare(void **state)
{
	struct fake *fake = *state;
	const struct attribute *attribute;
	struct access access;
	struct node node;

	assert_reads(fake, "bare/" VF "vendor", "0xffff\n");
	assert_reads(fake, "bare/" PF "vendor", "0x8086\n");
	fake->attached = 1;
	fake_change(fake);
	assert_int_equal(walk(fake, "bare/" VF "driver", &node), -ENOENT);
	assert_int_equal(walk(fake, "bare/" VF "physfn", &node), 0);
	for (unsigned int i = 0; (attribute = attribute_get(i)); i++)
		assert_int_equal(attribute_mode(attribute, SYSFS_BARE) & 0222, 0);
	attribute = find(fake, "bare/" PF "sriov_numvfs", &access);
	assert_int_equal(attribute_mode(attribute, access.view), 0444);
}

static void test_config(void **state)
{
	struct fake *fake = *state;
	uint8_t bytes[SYSFS_PAGE + 8], page[SYSFS_PAGE] = { 0 };
	struct access access;
	const struct attribute *config = find(fake, VF "config", &access);

	assert_int_equal(attribute_read(config, &access, 0, bytes, sizeof(bytes)), 4096);
	assert_int_equal(bytes[0xfff], 0xff);
	assert_int_equal(attribute_read(config, &access, 4093, bytes, 8), 3);
	assert_int_equal(attribute_read(config, &access, 4096, bytes, 8), 0);
	assert_int_equal(attribute_read(config, &access, UINT64_MAX, bytes, 8), 0);
	access.privileged = false;
	assert_int_equal(attribute_read(config, &access, 0, bytes, sizeof(bytes)), 64);
	assert_int_equal(attribute_read(config, &access, 63, bytes, 8), 1);
	assert_int_equal(attribute_read(config, &access, 64, bytes, 8), 0);

	assert_int_equal(attribute_write(config, &access, 4094, page, 8), 2);
	assert_int_equal(fake->written_at, 4094);
	assert_int_equal(fake->written_len, 2);
	assert_int_equal(attribute_write(config, &access, 4096, page, 1), -EFBIG);
	assert_int_equal(attribute_write(config, &access, UINT64_MAX, page, 1), -EFBIG);
	assert_int_equal(attribute_write(config, &access, 0, page, 0), 0);
	assert_int_equal(fake->config_writes, 1);
	fake->vm = true;
	assert_int_equal(attribute_write(config, &access, 0, page, 4), -EPERM);

	assert_int_equal(read_at(fake, PF "vpd", 20, bytes, 100), 4);
	assert_int_equal(read_at(fake, PF "vpd", 24, bytes, 100), 0);
}

static void test_numvfs(void **state)
{
	static const struct {
		const char *text;
		int error;
	} refused[] = {
		{ "", 0 },
		{ "\n", -EINVAL },
		{ "x", -EINVAL },
		{ "-1", -EINVAL },
		{ "8 ", -EINVAL },
		{ " 8", -EINVAL },
		{ "8\n\n", -EINVAL },
		{ "8x", -EINVAL },
		{ "0x", -EINVAL },
		{ "08", -EINVAL },
		{ "64", -ERANGE },
		{ "65535", -ERANGE },
		{ "65536", -EINVAL },
		{ "99999999999999999999", -EINVAL },
		{ "4", -EBUSY },
		{ "63\n", -EBUSY },
		{ "8", 0 },
		{ "+8\n", 0 },
		{ "0x8", 0 },
		{ "010", 0 },
	};
	struct fake *fake = *state;

	for (unsigned int i = 0; i < ARRAY_SIZE(refused); i++)
		assert_int_equal(write_text(fake, PF "sriov_numvfs", refused[i].text),
				 refused[i].error);
	assert_int_equal(fake->set_num_vfs, -1); /* nobody was asked */
	fake->attached = 1;
	assert_int_equal(write_text(fake, PF "sriov_numvfs", "0"), -EBUSY);
	fake->attached = -1;
	assert_int_equal(write_text(fake, PF "sriov_numvfs", "0\n"), 0);
	assert_reads(fake, PF "sriov_numvfs", "0\n");
	assert_int_equal(write_text(fake, PF "sriov_numvfs", "63"), 0);
	assert_int_equal(fake->set_num_vfs, 63);
	assert_reads(fake, PF "sriov_numvfs", "63\n");
	fake->vm = true;
	fake_change(fake);
	assert_int_equal(write_text(fake, PF "sriov_numvfs", "63"), 0);
	assert_int_equal(write_text(fake, PF "sriov_numvfs", "0"), -ENOENT);
}

static void test_other_writes(void **state)
{
	struct fake *fake = *state;

	assert_int_equal(write_text(fake, VF "reset", "1\n"), 0);
	assert_int_equal(fake->resets, 1);
	assert_int_equal(write_text(fake, VF "reset", "0"), -EINVAL);
	assert_int_equal(write_text(fake, VF "reset", "one"), -EINVAL);
	assert_int_equal(write_text(fake, PF "reset", "1"), -EBUSY);
	assert_int_equal(write_text(fake, PF "enable", "yes"), -EINVAL);
	assert_int_equal(write_text(fake, PF "enable", "1"), -EBUSY);
	assert_int_equal(write_text(fake, PF "remove", "1"), -EPERM);
	assert_int_equal(write_text(fake, PF "remove", "0"), 0);
	assert_int_equal(write_text(fake, PF "remove", "?"), -EINVAL);
	assert_int_equal(write_text(fake, PF "rescan", "1"), 0);
	assert_int_equal(write_text(fake, PF "numa_node", "-1"), 0);
	assert_int_equal(write_text(fake, PF "numa_node", "0"), -EPERM);
	assert_int_equal(write_text(fake, PF "numa_node", "1024"), -EINVAL);
	assert_int_equal(write_text(fake, PF "numa_node", "-2"), -EINVAL);
	assert_int_equal(write_text(fake, VF "sriov_vf_msix_count", "3"), -EOPNOTSUPP);
	assert_int_equal(write_text(fake, VF "sriov_vf_msix_count", "-3"), -EINVAL);
	assert_reads(fake, PF "sriov_drivers_autoprobe", "1\n");
	assert_int_equal(write_text(fake, PF "sriov_drivers_autoprobe", "maybe"), -EINVAL);
	assert_int_equal(write_text(fake, PF "sriov_drivers_autoprobe", "off"), 0);
	assert_reads(fake, PF "sriov_drivers_autoprobe", "0\n");
	assert_int_equal(write_text(fake, PF "sriov_drivers_autoprobe", "Y\n"), 0);
	assert_reads(fake, PF "sriov_drivers_autoprobe", "1\n");
}

/* Every entry of every directory is found again by its name, and its inode number says the same of it. */
struct visit {
	struct fake *fake;
	const struct node *directory;
	unsigned int entries;
};

static bool visit(void *ctx, const char *name, const struct node *child)
{
	struct visit *v = ctx, below = { v->fake, child, 0 };
	struct node found, again;
	struct stat st;

	v->entries++;
	assert_int_equal(tree_lookup(&v->fake->tree, v->directory, name, &found), 0);
	assert_int_equal(node_ino(&found), node_ino(child));
	assert_int_equal(node_of(node_ino(child), &again), 0);
	assert_int_equal(node_ino(&again), node_ino(child));
	assert_int_equal(tree_stat(&v->fake->tree, child, &st), 0);
	assert_int_equal(st.st_ino, node_ino(child));
	if (S_ISDIR(st.st_mode)) {
		struct node parent = tree_parent(&v->fake->tree, child);

		assert_int_equal(node_ino(&parent), node_ino(v->directory));
		tree_list(&v->fake->tree, child, visit, &below);
		v->entries += below.entries;
	}
	return true;
}

static void test_whole_tree(void **state)
{
	const struct node root = { .kind = NODE_ROOT };
	struct visit v = { *state, &root, 0 };

	v.fake->attached = 3;
	assert_int_equal(functions_refresh(&v.fake->tree), 0);
	tree_list(&v.fake->tree, &root, visit, &v);
	assert_true(v.entries > 2 * 10 * 20); /* both views, ten functions */
}

/* An inode number is a caller's word: whatever it says, nothing is read that is not there. */
static void test_random_inodes(void **state)
{
	struct fake *fake = *state;
	char target[SYSFS_TARGET_MAX];
	unsigned int known = 0;

	assert_int_equal(functions_refresh(&fake->tree), 0);
	srandom(1);
	for (unsigned int i = 0; i < RANDOM_INODES; i++) {
		uint64_t ino = (uint64_t)random() << 32 ^ (uint64_t)random();
		struct node node, child;
		struct stat st;

		/* Half of them of a function that exists. */
		if (i & 1)
			ino = (ino & ~0xffffffffull & (BIT64(47) - 1)) | (FAKE_PF + FAKE_OFFSET);
		if (node_of(ino, &node))
			continue;
		known += !tree_stat(&fake->tree, &node, &st);
		(void)tree_readlink(&fake->tree, &node, target);
		(void)tree_lookup(&fake->tree, &node, "vendor", &child);
		child = tree_parent(&fake->tree, &node);
	}
	assert_true(known > RANDOM_INODES / 100);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_paths, create, destroy),
		cmocka_unit_test_setup_teardown(test_comings_and_goings, create, destroy),
		cmocka_unit_test_setup_teardown(test_text, create, destroy),
		cmocka_unit_test_setup_teardown(test_bare, create, destroy),
		cmocka_unit_test_setup_teardown(test_config, create, destroy),
		cmocka_unit_test_setup_teardown(test_numvfs, create, destroy),
		cmocka_unit_test_setup_teardown(test_other_writes, create, destroy),
		cmocka_unit_test_setup_teardown(test_whole_tree, create, destroy),
		cmocka_unit_test_setup_teardown(test_random_inodes, create, destroy),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
