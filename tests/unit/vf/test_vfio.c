/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * test_vfio.c - opening a function through VFIO, with sysfs and /dev/vfio played by a folder and the kernel by
 * __wrap_ioctl(): every reason why it may fail is named. And the answers of INFO requests, sound and broken.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/vfio.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <cmocka.h>

#include "util/util.h"
#include "vf/vfio_group.h"
#include "vf/vfio_info.h"

#define BDF "0000:03:10.0"
#define OTHER "0000:03:10.2"

/* What the kernel answers. */
static struct {
	int version, set_container_errno, set_iommu_errno, device_errno;
	uint32_t group_flags, device_flags;
	bool has_v2;
	long iommu_type;
	uint32_t answer_size;
} kernel;

static char root[64];
static struct vfio_places places;
static char devices[96], nodes[96];

int __wrap_ioctl(int fd, unsigned long request, ...);

static int answer_info(void *question)
{
	struct vfio_region_info *info = question;

	if (info->argsz >= kernel.answer_size)
		memset(info + 1, 0x5a, info->argsz - sizeof(*info));
	info->argsz = kernel.answer_size;
	return 0;
}

static int fail_with(int error)
{
	errno = error;
	return error ? -1 : 0;
}

int __wrap_ioctl(int fd, unsigned long request, ...)
{
	va_list args;
	void *argument;

	va_start(args, request);
	argument = va_arg(args, void *);
	va_end(args);
	switch (request) {
	case VFIO_GET_API_VERSION:
		return kernel.version;
	case VFIO_CHECK_EXTENSION:
		return (long)argument == VFIO_TYPE1_IOMMU || kernel.has_v2;
	case VFIO_GROUP_GET_STATUS:
		((struct vfio_group_status *)argument)->flags = kernel.group_flags;
		return 0;
	case VFIO_GROUP_SET_CONTAINER:
		return fail_with(kernel.set_container_errno);
	case VFIO_SET_IOMMU:
		kernel.iommu_type = (long)argument;
		return fail_with(kernel.set_iommu_errno);
	case VFIO_GROUP_GET_DEVICE_FD:
		assert_string_equal(argument, BDF);
		return kernel.device_errno ? fail_with(kernel.device_errno) : dup(STDERR_FILENO);
	case VFIO_DEVICE_GET_INFO:
		*(struct vfio_device_info *)argument =
			(struct vfio_device_info){ .flags = kernel.device_flags,
						   .num_regions = VFIO_PCI_NUM_REGIONS,
						   .num_irqs = VFIO_PCI_NUM_IRQS };
		return 0;
	case VFIO_DEVICE_GET_REGION_INFO:
		return answer_info(argument);
	default:
		return fail_with(ENOTTY);
	}
}

static void folder(const char *name)
{
	char path[256];

	snprintf(path, sizeof(path), "%s/%s", root, name);
	assert_int_equal(mkdir(path, 0700), 0);
}

static void file(const char *name, const char *text)
{
	char path[256];
	FILE *out;

	snprintf(path, sizeof(path), "%s/%s", root, name);
	out = fopen(path, "w");
	assert_non_null(out);
	fputs(text, out);
	fclose(out);
}

static void link_to(const char *name, const char *target)
{
	char path[256];

	snprintf(path, sizeof(path), "%s/%s", root, name);
	unlink(path);
	assert_int_equal(symlink(target, path), 0);
}

static void forget(const char *name)
{
	char path[256];

	snprintf(path, sizeof(path), "%s/%s", root, name);
	assert_int_equal(unlink(path), 0);
}

/* A machine where BDF, bound to vfio-pci, can be had; its group 7 has another function without a driver. */
static int set_up(void **state)
{
	strcpy(root, "/tmp/test-vfio-XXXXXX");
	assert_non_null(mkdtemp(root));
	snprintf(devices, sizeof(devices), "%s/devices", root);
	snprintf(nodes, sizeof(nodes), "%s/nodes", root);
	places = (struct vfio_places){ devices, nodes };
	folder("devices");
	folder("devices/" BDF);
	folder("devices/" OTHER);
	folder("groups");
	folder("groups/7");
	folder("groups/7/devices");
	folder("groups/7/devices/" BDF);
	folder("groups/7/devices/" OTHER);
	folder("nodes");
	file("nodes/vfio", "");
	file("nodes/7", "");
	link_to("devices/" BDF "/driver", "../../bus/pci/drivers/vfio-pci");
	link_to("devices/" BDF "/iommu_group", "../../groups/7");
	memset(&kernel, 0, sizeof(kernel));
	kernel.has_v2 = true;
	kernel.group_flags = VFIO_GROUP_FLAGS_VIABLE;
	kernel.device_flags = VFIO_DEVICE_FLAGS_PCI | VFIO_DEVICE_FLAGS_RESET;
	return 0;
}

static int tear_down(void **state)
{
	char command[128];

	snprintf(command, sizeof(command), "rm -r '%s'", root);
	return system(command);
}

/* Open descriptors of this process: an error must not leave any behind. */
static int descriptors(void)
{
	int n = 0;

	for (int fd = 0; fd < 256; fd++)
		n += fcntl(fd, F_GETFD) >= 0;
	return n;
}

static void expect(const char *bdf, int error, const char *words)
{
	struct vfio_group group;
	struct softiov_reason why = { "" };
	int before = descriptors();

	assert_int_equal(vfio_group_open(&group, bdf, &places, &why), error);
	if (!strstr(why.text, words))
		fail_msg("\"%s\" lacks \"%s\"", why.text, words);
	assert_int_equal(descriptors(), before);
	assert_int_equal(vfio_group_open(&group, bdf, &places, NULL), error);
}

static void test_opens(void **state)
{
	struct vfio_group group;
	struct softiov_reason why;
	int before = descriptors();

	assert_int_equal(vfio_group_open(&group, BDF, &places, &why), 0);
	assert_int_equal(descriptors(), before + 3);
	assert_int_equal(kernel.iommu_type, VFIO_TYPE1v2_IOMMU);
	vfio_group_close(&group);
	vfio_group_close(&group);
	assert_int_equal(descriptors(), before);

	kernel.has_v2 = false;
	assert_int_equal(vfio_group_open(&group, BDF, &places, &why), 0);
	assert_int_equal(kernel.iommu_type, VFIO_TYPE1_IOMMU);
	vfio_group_close(&group);
}

static void test_address(void **state)
{
	static const char *const bad[] = {
		"",  "03:10.0",	      "0000:03:10",	  "0000:03:10.0/..", "../0000:03:10.0",
		"x", "0000:03:20.0",  "0000:03:10.8",	  "0000:03:10.0 ",   " 0000:03:10.0",
		"-", "0000:03:-1.0",  "0000:+3:10.0",	  "0000:003:10.0",   "0000:03:10.00",
		":", "0000:03:10.0.", "000000000:03:10.0"
	};

	for (unsigned int i = 0; i < ARRAY_SIZE(bad); i++)
		expect(bad[i], -SOFTIOV_ERR_ADDRESS, "not a PCI address");
	expect("0000:03:11.0", -SOFTIOV_ERR_NOT_FOUND, "0000:03:11.0: no such PCI function");
	expect("10000:0A:00.7", -SOFTIOV_ERR_NOT_FOUND, "10000:0a:00.7: no such PCI function");
}

static void test_driver(void **state)
{
	link_to("devices/" BDF "/driver", "../../bus/pci/drivers/ixgbevf");
	expect(BDF, -SOFTIOV_ERR_OWNED, "driver ixgbevf has it");
	expect(BDF, -SOFTIOV_ERR_OWNED,
	       "echo vfio-pci >driver_override; echo " BDF " >driver/unbind;");
	expect(BDF, -SOFTIOV_ERR_OWNED, "drivers_probe");
	forget("devices/" BDF "/driver");
	expect(BDF, -ENXIO, "no driver; bind vfio-pci");
	expect(BDF, -ENXIO,
	       "echo vfio-pci >driver_override; echo " BDF " >/sys/bus/pci/drivers_probe");
}

static void test_no_iommu(void **state)
{
	file("groups/7/name", "vfio-noiommu\n");
	expect(BDF, -EOPNOTSUPP, "no-IOMMU mode is not supported");
	forget("devices/" BDF "/iommu_group");
	expect(BDF, -EOPNOTSUPP, "no IOMMU: switch it on");
}

static void test_nodes(void **state)
{
	forget("nodes/7");
	expect(BDF, -ENXIO, "nodes/7: modprobe vfio-pci");
	forget("nodes/vfio");
	expect(BDF, -ENXIO, "nodes/vfio: modprobe vfio-pci");
	link_to("nodes/vfio", "vfio"); /* cannot be opened, even by root */
	expect(BDF, -ELOOP, "cannot open");
	forget("nodes/vfio");
	file("nodes/vfio", "");
	file("nodes/7", "");
	kernel.version = VFIO_API_VERSION + 1;
	expect(BDF, -EOPNOTSUPP, "API version 0");
}

static void test_group_in_use(void **state)
{
	static const int errors[] = { EPERM, EBUSY };

	link_to("devices/" OTHER "/driver", "../../bus/pci/drivers/ixgbevf");
	for (unsigned int i = 0; i < ARRAY_SIZE(errors); i++) {
		kernel.set_container_errno = errors[i];
		expect(BDF, -SOFTIOV_ERR_OWNED, "group 7: " OTHER " (ixgbevf)");
	}
	kernel.group_flags = 0;
	expect(BDF, -SOFTIOV_ERR_OWNED, "group 7: " OTHER " (ixgbevf)");
	link_to("devices/" OTHER "/driver", "../../bus/pci/drivers/pcieport");
	expect(BDF, -SOFTIOV_ERR_OWNED, "group 7: which ones sysfs does not say");
	kernel.group_flags = VFIO_GROUP_FLAGS_VIABLE;
	kernel.set_container_errno = ENODEV;
	expect(BDF, -ENODEV, "container for IOMMU group 7");
}

static void test_iommu(void **state)
{
	kernel.set_iommu_errno = EPERM;
	expect(BDF, -EOPNOTSUPP, "allow_unsafe_interrupts=1");
	kernel.set_iommu_errno = ENODEV;
	expect(BDF, -EOPNOTSUPP, "modprobe vfio_iommu_type1");
}

static void test_device(void **state)
{
	kernel.device_errno = EBUSY;
	expect(BDF, -SOFTIOV_ERR_OWNED, "cannot be opened");
	kernel.device_errno = EACCES;
	expect(BDF, -EACCES, "asks for a token");
	kernel.device_errno = EIO;
	expect(BDF, -EIO, "cannot be opened");
	kernel.device_errno = 0;
	kernel.device_flags = VFIO_DEVICE_FLAGS_PLATFORM;
	expect(BDF, -SOFTIOV_ERR_NOT_VF, "not a PCI function");
}

/* --- answers of INFO requests ---------------------------------------------------------------- */

static void test_ask(void **state)
{
	struct vfio_region_info question = { .index = 3 }, *info;
	uint8_t *rest;

	kernel.answer_size = sizeof(question) + 100;
	info = vfio_info_ask(0, VFIO_DEVICE_GET_REGION_INFO, &question, sizeof(question));
	assert_non_null(info);
	rest = (uint8_t *)(info + 1);
	assert_int_equal(info->argsz, kernel.answer_size);
	assert_int_equal(info->index, 3);
	assert_int_equal(rest[0], 0x5a);
	assert_int_equal(rest[99], 0x5a);
	free(info);

	kernel.answer_size = 1u << 30;
	assert_null(vfio_info_ask(0, VFIO_DEVICE_GET_REGION_INFO, &question, sizeof(question)));
	assert_int_equal(errno, EPROTO);
	assert_null(vfio_info_ask(0, VFIO_GET_API_VERSION + 99, &question, sizeof(question)));
	assert_int_equal(errno, ENOTTY);
}

/* A region of 16 KiB with an unknown capability and a list of areas. */
struct region_answer {
	struct vfio_region_info info;
	struct vfio_info_cap_header other;
	struct vfio_region_info_cap_sparse_mmap sparse;
	struct vfio_region_sparse_mmap_area area[4];
};

static struct region_answer region_answer(void)
{
	struct region_answer answer = {
		.info = { .argsz = sizeof(answer),
			  .size = 0x4000,
			  .cap_offset = offsetof(struct region_answer, other),
			  .flags = VFIO_REGION_INFO_FLAG_MMAP | VFIO_REGION_INFO_FLAG_CAPS },
		.other = { .id = 0x77, .next = offsetof(struct region_answer, sparse) },
		.sparse = { .header = { .id = VFIO_REGION_INFO_CAP_SPARSE_MMAP }, .nr_areas = 4 },
		/* one is empty, one goes past the end */
		.area = { { 0x1000, 0x1000 }, { 0, 0 }, { 0x3000, 0x2000 }, { 0x2000, 0x2000 } },
	};

	return answer;
}

static void test_areas(void **state)
{
	struct region_answer answer = region_answer();
	struct vf_region region = { .areas = 9 };

	vfio_info_areas(&answer.info, &region);
	assert_int_equal(region.size, 0x4000);
	assert_int_equal(region.areas, 2);
	assert_int_equal(region.area[0].offset, 0x1000);
	assert_int_equal(region.area[0].size, 0x1000);
	assert_int_equal(region.area[1].offset, 0x2000);
	assert_int_equal(region.area[1].size, 0x2000);

	answer.info.flags &= ~(uint32_t)VFIO_REGION_INFO_FLAG_CAPS;
	vfio_info_areas(&answer.info, &region);
	assert_int_equal(region.areas, 1);
	assert_int_equal(region.area[0].offset, 0);
	assert_int_equal(region.area[0].size, 0x4000);

	answer.info.flags = 0;
	vfio_info_areas(&answer.info, &region);
	assert_int_equal(region.areas, 0);
}

static void test_areas_out_of_bounds(void **state)
{
	struct region_answer answer = region_answer();
	struct vf_region region;

	answer.sparse.nr_areas = UINT32_MAX;
	vfio_info_areas(&answer.info, &region);
	assert_int_equal(region.areas, 2);

	answer.sparse.nr_areas = 4;
	answer.info.argsz = offsetof(struct region_answer, area) + sizeof(answer.area[0]);
	vfio_info_areas(&answer.info, &region);
	assert_int_equal(region.areas, 1);

	/* No list in bounds: as if there were none. A chain that goes back ends. */
	answer.info.argsz = offsetof(struct region_answer, sparse) + 4;
	vfio_info_areas(&answer.info, &region);
	assert_int_equal(region.area[0].size, 0x4000);
	answer.info.argsz = sizeof(answer);
	answer.other.next = offsetof(struct region_answer, other);
	vfio_info_areas(&answer.info, &region);
	assert_int_equal(region.area[0].size, 0x4000);
	answer.info.cap_offset = UINT32_MAX;
	vfio_info_areas(&answer.info, &region);
	assert_int_equal(region.area[0].size, 0x4000);
}

/* As an Intel IOMMU of 39 bits has it: all but the window of interrupts. */
struct iommu_answer {
	struct vfio_iommu_type1_info info;
	uint32_t pad;
	struct vfio_iommu_type1_info_cap_iova_range range;
	struct vfio_iova_range ranges[2];
};

static void test_iova(void **state)
{
	struct iommu_answer answer = {
		.info = { .argsz = sizeof(answer),
			  .flags = VFIO_IOMMU_INFO_PGSIZES | VFIO_IOMMU_INFO_CAPS,
			  .iova_pgsizes = ~0xfffull,
			  .cap_offset = offsetof(struct iommu_answer, range) },
		.range = { .header = { .id = VFIO_IOMMU_TYPE1_INFO_CAP_IOVA_RANGE },
			   .nr_iovas = 2 },
		.ranges = { { 0, 0xfedfffff }, { 0xfef00000, 0x7fffffffff } },
	};

	assert_true(vfio_info_has_iova(&answer.info, 1ull << 32, 1ull << 32));
	assert_true(vfio_info_has_iova(&answer.info, 0x7ffffff000, 0x1000));
	assert_false(vfio_info_has_iova(&answer.info, 0x7ffffff000, 0x2000));
	assert_false(vfio_info_has_iova(&answer.info, 0xfee00000, 0x1000));
	assert_false(vfio_info_has_iova(&answer.info, 0xfedff000, 0x2000));
	assert_false(vfio_info_has_iova(&answer.info, 1ull << 60, 0x1000));
	assert_false(vfio_info_has_iova(&answer.info, UINT64_MAX - 0xfff, 0x2000));
	assert_false(vfio_info_has_iova(&answer.info, 1ull << 32, 0));
	assert_int_equal(vfio_info_page_size(&answer.info), 4096);

	answer.info.iova_pgsizes = 0x10000;
	assert_int_equal(vfio_info_page_size(&answer.info), 0x10000);
	answer.info.flags = 0;
	assert_int_equal(vfio_info_page_size(&answer.info), 4096);
	assert_true(vfio_info_has_iova(&answer.info, 1ull << 60, 0x1000));
}

#define OPENING(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		OPENING(test_opens),
		OPENING(test_address),
		OPENING(test_driver),
		OPENING(test_no_iommu),
		OPENING(test_nodes),
		OPENING(test_group_in_use),
		OPENING(test_iommu),
		OPENING(test_device),
		cmocka_unit_test(test_ask),
		cmocka_unit_test(test_areas),
		cmocka_unit_test(test_areas_out_of_bounds),
		cmocka_unit_test(test_iova),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
