// SPDX-License-Identifier: BSD-3-Clause
/*
 * vfio_group.c - opening a PCI function through Linux VFIO, and the many reasons why that may fail.
 *
 * VFIO hands out a function with its IOMMU group: all functions that the IOMMU cannot tell apart, none of which may be
 * used by a driver of the kernel meanwhile ("viable"). The way is: sysfs names driver and group; /dev/vfio/GROUP is
 * opened (by one process at a time) and put into a container, /dev/vfio/vfio; the container gets its IOMMU type, the
 * group gives the function's descriptor. Opening resets the function.
 *
 * VFIO's no-IOMMU mode is refused: without an IOMMU the card would need the physical addresses of pinned memory, and
 * nothing would keep a wrong descriptor from anybody's memory.
 *
 * Specification: Linux, Documentation/driver-api/vfio.rst; <linux/vfio.h>.
 */
#include "vf/vfio_group.h"

#include <dirent.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/vfio.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>
#include "vf/vf.h"

#define NAME_MAX_LEN 64 /* of a function, driver or group */
#define BDF_DEVICES 32
#define BDF_FUNCTIONS 8

static const struct vfio_places linux_places = { "/sys/bus/pci/devices", "/dev/vfio" };

/* What is known of the function while it is being opened; @iommu_group is a number. */
struct opening {
	const struct vfio_places *places;
	char bdf[NAME_MAX_LEN];
	char iommu_group[NAME_MAX_LEN];
	struct softiov_reason *why;
};

/* "0000:03:10.0", nothing else: it becomes part of file names. Linux names functions in lower case. */
static int parse_bdf(struct opening *o, const char *text)
{
	unsigned int domain, bus, device, function;
	int end = 0;

	if (strspn(text, "0123456789abcdefABCDEF:.") != strlen(text) ||
	    sscanf(text, "%8x:%2x:%2x.%1x%n", &domain, &bus, &device, &function, &end) != 4 ||
	    text[end] || device >= BDF_DEVICES || function >= BDF_FUNCTIONS)
		return vf_fail(o->why, -SOFTIOV_ERR_ADDRESS,
			       "vfio:%.64s: not a PCI address such as 0000:03:10.0", text);
	snprintf(o->bdf, sizeof(o->bdf), "%04x:%02x:%02x.%x", domain, bus, device, function);
	return 0;
}

/* The last component of the symbolic link @link of function @bdf. Return: false when there is none. */
static bool link_name(const struct opening *o, const char *bdf, const char *link,
		      char name[NAME_MAX_LEN])
{
	char path[PATH_MAX], target[PATH_MAX];
	const char *slash;
	ssize_t len;

	snprintf(path, sizeof(path), "%s/%s/%s", o->places->devices, bdf, link);
	len = readlink(path, target, sizeof(target) - 1);
	if (len < 0)
		return false;
	target[len] = '\0';
	slash = strrchr(target, '/');
	snprintf(name, NAME_MAX_LEN, "%.*s", NAME_MAX_LEN - 1, slash ? slash + 1 : target);
	return true;
}

static int check_driver(const struct opening *o)
{
	char path[PATH_MAX], driver[NAME_MAX_LEN];

	snprintf(path, sizeof(path), "%s/%s", o->places->devices, o->bdf);
	if (access(path, F_OK))
		return vf_fail(o->why, -SOFTIOV_ERR_NOT_FOUND, "vfio:%s: no such PCI function",
			       o->bdf);
	if (!link_name(o, o->bdf, "driver", driver))
		return vf_fail(o->why, -ENXIO,
			       "vfio:%s: no driver; bind vfio-pci: modprobe vfio-pci; cd %s; echo "
			       "vfio-pci >driver_override; "
			       "echo %s >/sys/bus/pci/drivers_probe",
			       o->bdf, path, o->bdf);
	if (strcmp(driver, "vfio-pci"))
		return vf_fail(
			o->why, -SOFTIOV_ERR_OWNED,
			"vfio:%s: driver %s has it; bind vfio-pci: modprobe vfio-pci; cd %s; "
			"echo vfio-pci >driver_override; echo %s >driver/unbind; "
			"echo %s >/sys/bus/pci/drivers_probe",
			o->bdf, driver, path, o->bdf, o->bdf);
	return 0;
}

static bool is_noiommu(const struct opening *o)
{
	char path[PATH_MAX], name[NAME_MAX_LEN] = "";
	FILE *file;

	snprintf(path, sizeof(path), "%s/%s/iommu_group/name", o->places->devices, o->bdf);
	file = fopen(path, "re");
	if (file) {
		if (!fgets(name, sizeof(name), file))
			name[0] = '\0';
		fclose(file);
	}
	return !strncmp(name, "vfio-noiommu", strlen("vfio-noiommu"));
}

static int find_group(struct opening *o)
{
	if (!link_name(o, o->bdf, "iommu_group", o->iommu_group))
		return vf_fail(
			o->why, -EOPNOTSUPP,
			"vfio:%s: no IOMMU: switch it on in firmware and kernel (intel_iommu=on)",
			o->bdf);
	if (is_noiommu(o))
		return vf_fail(
			o->why, -EOPNOTSUPP,
			"vfio:%s: VFIO's no-IOMMU mode is not supported: switch on the IOMMU",
			o->bdf);
	return 0;
}

static int open_node(const struct opening *o, const char *name, int *fd)
{
	char path[PATH_MAX];

	snprintf(path, sizeof(path), "%s/%s", o->places->nodes, name);
	*fd = open(path, O_RDWR | O_CLOEXEC);
	if (*fd >= 0)
		return 0;
	switch (errno) {
	case EBUSY:
		return vf_fail(o->why, -SOFTIOV_ERR_OWNED,
			       "vfio:%s: its IOMMU group is in use (%s is open already)", o->bdf,
			       path);
	case EACCES:
	case EPERM:
		return vf_fail(o->why, -EACCES, "vfio:%s: no permission to open %s", o->bdf, path);
	case ENOENT:
		return vf_fail(o->why, -ENXIO, "vfio:%s: no %s: modprobe vfio-pci", o->bdf, path);
	default:
		return vf_fail(o->why, -errno, "vfio:%s: cannot open %s: %s", o->bdf, path,
			       strerror(errno));
	}
}

/* Does @driver leave a group viable? vfio-pci is VFIO itself, the others never touch the IOMMU. */
static bool harmless(const char *driver)
{
	return !strcmp(driver, "vfio-pci") || !strcmp(driver, "pci-stub") ||
	       !strcmp(driver, "pcieport");
}

/* Name the functions of the group that drivers of the kernel use. */
static int not_viable(const struct opening *o)
{
	char path[PATH_MAX], driver[NAME_MAX_LEN], others[160] = "";
	size_t used = 0;
	struct dirent *entry;
	DIR *dir;

	snprintf(path, sizeof(path), "%s/%s/iommu_group/devices", o->places->devices, o->bdf);
	dir = opendir(path);
	while (dir && (entry = readdir(dir))) {
		if (entry->d_name[0] == '.' || !link_name(o, entry->d_name, "driver", driver) ||
		    harmless(driver))
			continue;
		used += (size_t)snprintf(others + used, sizeof(others) - used, "%s%s (%s)",
					 used ? ", " : "", entry->d_name, driver);
		if (used >= sizeof(others))
			break;
	}
	if (dir)
		closedir(dir);
	return vf_fail(o->why, -SOFTIOV_ERR_OWNED,
		       "vfio:%s: drivers use other functions of its IOMMU group %s: %s", o->bdf,
		       o->iommu_group, others[0] ? others : "which ones sysfs does not say");
}

/* Put the group into the container. */
static int join(const struct opening *o, const struct vfio_group *group)
{
	struct vfio_group_status status = { .argsz = sizeof(status) };
	int version = ioctl(group->container, VFIO_GET_API_VERSION);

	if (version != VFIO_API_VERSION)
		return vf_fail(o->why, -EOPNOTSUPP,
			       "vfio:%s: %s/vfio does not speak VFIO's API version %d", o->bdf,
			       o->places->nodes, VFIO_API_VERSION);
	if (ioctl(group->group, VFIO_GROUP_GET_STATUS, &status))
		return vf_fail(o->why, -errno, "vfio:%s: status of IOMMU group %s: %s", o->bdf,
			       o->iommu_group, strerror(errno));
	if (!(status.flags & VFIO_GROUP_FLAGS_VIABLE))
		return not_viable(o);
	if (ioctl(group->group, VFIO_GROUP_SET_CONTAINER, &group->container)) {
		/* Newer kernels look for other drivers only now. */
		if (errno == EPERM || errno == EBUSY)
			return not_viable(o);
		return vf_fail(o->why, -errno, "vfio:%s: container for IOMMU group %s: %s", o->bdf,
			       o->iommu_group, strerror(errno));
	}
	return 0;
}

static int set_iommu(const struct opening *o, const struct vfio_group *group)
{
	long type = VFIO_TYPE1v2_IOMMU;

	if (ioctl(group->container, VFIO_CHECK_EXTENSION, type) <= 0)
		type = VFIO_TYPE1_IOMMU;
	if (!ioctl(group->container, VFIO_SET_IOMMU, type))
		return 0;
	if (errno == EPERM)
		return vf_fail(
			o->why, -EOPNOTSUPP,
			"vfio:%s: the IOMMU does not remap interrupts, so the function could "
			"forge them; to accept that: "
			"vfio_iommu_type1 allow_unsafe_interrupts=1",
			o->bdf);
	return vf_fail(o->why, errno == ENODEV ? -EOPNOTSUPP : -errno,
		       "vfio:%s: no type 1 IOMMU for it (%s): modprobe vfio_iommu_type1", o->bdf,
		       strerror(errno));
}

static int open_device(const struct opening *o, struct vfio_group *group)
{
	struct vfio_device_info info = { .argsz = sizeof(info) };

	group->device = ioctl(group->group, VFIO_GROUP_GET_DEVICE_FD, o->bdf);
	if (group->device < 0) {
		if (errno == EACCES)
			return vf_fail(
				o->why, -EACCES,
				"vfio:%s: its PF is bound to vfio-pci, too, and asks for a token",
				o->bdf);
		return vf_fail(o->why, errno == EBUSY ? -SOFTIOV_ERR_OWNED : -errno,
			       "vfio:%s: cannot be opened: %s", o->bdf, strerror(errno));
	}
	if (ioctl(group->device, VFIO_DEVICE_GET_INFO, &info) ||
	    !(info.flags & VFIO_DEVICE_FLAGS_PCI) ||
	    info.num_regions <= VFIO_PCI_CONFIG_REGION_INDEX ||
	    info.num_irqs <= VFIO_PCI_MSIX_IRQ_INDEX)
		return vf_fail(o->why, -SOFTIOV_ERR_NOT_VF, "vfio:%s: not a PCI function to VFIO",
			       o->bdf);
	return 0;
}

int vfio_group_open(struct vfio_group *group, const char *bdf, const struct vfio_places *places,
		    struct softiov_reason *why)
{
	struct opening o = { .places = places ? places : &linux_places, .why = why };
	int error;

	*group = (struct vfio_group){ -1, -1, -1 };
	error = parse_bdf(&o, bdf);
	if (!error)
		error = check_driver(&o);
	if (!error)
		error = find_group(&o);
	if (!error)
		error = open_node(&o, "vfio", &group->container);
	if (!error)
		error = open_node(&o, o.iommu_group, &group->group);
	if (!error)
		error = join(&o, group);
	if (!error)
		error = set_iommu(&o, group);
	if (!error)
		error = open_device(&o, group);
	if (error)
		vfio_group_close(group);
	return error;
}

void vfio_group_close(struct vfio_group *group)
{
	int *fds[] = { &group->device, &group->group, &group->container };

	for (unsigned int i = 0; i < sizeof(fds) / sizeof(fds[0]); i++) {
		if (*fds[i] >= 0)
			close(*fds[i]);
		*fds[i] = -1;
	}
}
