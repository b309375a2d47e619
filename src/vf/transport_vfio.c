// SPDX-License-Identifier: BSD-3-Clause
/*
 * transport_vfio.c - the way to a PCI function through Linux VFIO: a VF inside a guest, or that of a real card.
 *
 * vfio_group.c opens the function. Its device descriptor is then one file in which each region (BAR, configuration
 * space) has a place of its own, found by VFIO_DEVICE_GET_REGION_INFO. What VFIO lets be mapped is mapped, so a register
 * access is one load or store; configuration space, which the kernel filters, is read and written by pread() and
 * pwrite(). Memory for DMA is pinned and entered into the IOMMU under the address that the caller chose, if the
 * platform leaves that address free (the window of interrupts below 4 GiB, for one, it never does). MSI-X vectors and
 * two notices of the kernel - "give the function back", "it failed" - arrive on eventfds.
 *
 * A function that was pulled out answers all reads with ones. Where that is seen, the class code in configuration space
 * tells whether it is so: no function has the class 0xffffff.
 *
 * Closing the device descriptor disables bus mastering and resets the function; the container takes its maps with it.
 *
 * Specification: <linux/vfio.h>; Linux, Documentation/driver-api/vfio.rst; PCI Express Base 2.3.2 (completion errors).
 */
#include "vf/transport.h"

#include <errno.h>
#include <inttypes.h>
#include <linux/pci_regs.h>
#include <linux/vfio.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <unistd.h>

#include "util/util.h"
#include "vf/vf.h"
#include "vf/vfio_group.h"
#include "vf/vfio_info.h"

#define REGIONS (VF_CONFIG + 1)
#define VECTORS_MAX 2048u /* of MSI-X */
#define ALL_ONES UINT32_MAX

_Static_assert((int)VF_CONFIG == (int)VFIO_PCI_CONFIG_REGION_INDEX &&
		       (int)VF_BAR0 == (int)VFIO_PCI_BAR0_REGION_INDEX,
	       "transport.h has VFIO's numbers");

/**
 * struct vfio - @region: what map_region() said, @described: whether it was asked; @place: of each region in the device
 * file; @iommu: answer of VFIO_IOMMU_GET_INFO; @notices: eventfd of the kernel's two notices; @vectors: with eventfds
 */
struct vfio {
	struct vf_transport transport;
	struct vfio_group group;
	struct vfio_region_info place[REGIONS];
	struct vf_region region[REGIONS];
	bool described[REGIONS];
	struct vfio_iommu_type1_info *iommu;
	int notices;
	uint32_t vectors;
	bool can_reset;
	_Atomic bool gone; /* also found by a queue's thread */
};

static struct vfio *vfio_of(const struct vf_transport *transport)
{
	return (struct vfio *)container_of(transport, struct vfio, transport);
}

/* --- regions --------------------------------------------------------------------------------- */

static int check_access(const struct vfio *v, uint32_t region, uint64_t offset, uint32_t len)
{
	if (v->gone)
		return -SOFTIOV_ERR_GONE;
	if (region >= REGIONS || len > v->place[region].size ||
	    offset > v->place[region].size - len)
		return -EINVAL;
	return 0;
}

/* Ask configuration space: is the function still there? Class and revision are never the kernel's own copy. */
static bool look_whether_gone(struct vfio *v)
{
	uint32_t class = ALL_ONES;
	off_t at = (off_t)v->place[VF_CONFIG].offset + PCI_CLASS_REVISION;

	if (pread(v->group.device, &class, sizeof(class), at) != sizeof(class) || class == ALL_ONES)
		v->gone = true;
	return v->gone;
}

static int vfio_read(struct vf_transport *transport, uint32_t region, uint64_t offset, void *data,
		     uint32_t len)
{
	struct vfio *v = vfio_of(transport);
	int error = check_access(v, region, offset, len);
	ssize_t done;

	if (error)
		return error;
	done = pread(v->group.device, data, len, (off_t)(v->place[region].offset + offset));
	if (done != (ssize_t)len)
		return look_whether_gone(v) ? -SOFTIOV_ERR_GONE : done < 0 ? -errno : -EIO;
	if (len == sizeof(uint32_t) && get_le32(data) == ALL_ONES && look_whether_gone(v))
		return -SOFTIOV_ERR_GONE;
	return 0;
}

static int vfio_write(struct vf_transport *transport, uint32_t region, uint64_t offset,
		      const void *data, uint32_t len, bool posted)
{
	struct vfio *v = vfio_of(transport);
	int error = check_access(v, region, offset, len);
	ssize_t done;

	if (error)
		return error;
	done = pwrite(v->group.device, data, len, (off_t)(v->place[region].offset + offset));
	if (done != (ssize_t)len)
		return look_whether_gone(v) ? -SOFTIOV_ERR_GONE : done < 0 ? -errno : -EIO;
	return 0;
}

/* Map what may be mapped of a region of which vfio_info_areas() has told the areas; keep those that worked. */
static void map_areas(const struct vfio *v, const struct vfio_region_info *info,
		      struct vf_region *region)
{
	int prot = (info->flags & VFIO_REGION_INFO_FLAG_READ ? PROT_READ : 0) |
		   (info->flags & VFIO_REGION_INFO_FLAG_WRITE ? PROT_WRITE : 0);
	unsigned int mapped = 0;

	for (unsigned int i = 0; i < region->areas; i++) {
		struct vf_area area = region->area[i];

		area.map = mmap(NULL, area.size, prot, MAP_SHARED, v->group.device,
				(off_t)(info->offset + area.offset));
		if (area.map != MAP_FAILED)
			region->area[mapped++] = area;
	}
	region->areas = mapped;
}

static int vfio_map_region(struct vf_transport *transport, uint32_t index, struct vf_region *region)
{
	struct vfio *v = vfio_of(transport);
	struct vfio_region_info question = { .index = index }, *info;

	if (v->gone)
		return -SOFTIOV_ERR_GONE;
	if (index >= REGIONS)
		return -EINVAL;
	if (!v->described[index]) {
		info = vfio_info_ask(v->group.device, VFIO_DEVICE_GET_REGION_INFO, &question,
				     sizeof(question));
		if (!info)
			return -errno;
		vfio_info_areas(info, &v->region[index]);
		map_areas(v, info, &v->region[index]);
		v->described[index] = true;
		free(info);
	}
	*region = v->region[index];
	return 0;
}

static void unmap_regions(struct vfio *v)
{
	for (unsigned int i = 0; i < REGIONS; i++)
		for (unsigned int j = 0; j < v->region[i].areas; j++)
			munmap(v->region[i].area[j].map, v->region[i].area[j].size);
}

/* Where each region is in the device file. A region that is not there has no size. */
static int find_regions(struct vfio *v)
{
	for (uint32_t i = 0; i < REGIONS; i++) {
		v->place[i] = (struct vfio_region_info){ .argsz = sizeof(v->place[i]), .index = i };
		if (ioctl(v->group.device, VFIO_DEVICE_GET_REGION_INFO, &v->place[i])) {
			if (errno != EINVAL)
				return -errno;
			v->place[i].size = 0;
		}
	}
	return v->place[VF_CONFIG].size ? 0 : -EPROTO;
}

/* --- DMA ------------------------------------------------------------------------------------- */

/* What an error of VFIO_IOMMU_MAP_DMA means, where errno(3) does not say it. */
static int explain_map(struct vfio *v, int error, uint64_t iova, uint64_t size)
{
	struct softiov_reason *why = &v->transport.why;
	struct rlimit limit = { RLIM_INFINITY, RLIM_INFINITY };
	uint64_t page = vfio_info_page_size(v->iommu);

	if (!vfio_info_has_iova(v->iommu, iova, size))
		return vf_fail(why, -ERANGE,
			       "the IOMMU has no room at %#" PRIx64 " for %" PRIu64 " KiB", iova,
			       size / 1024);
	switch (error) {
	case -ENOMEM:
		getrlimit(RLIMIT_MEMLOCK, &limit);
		if (limit.rlim_cur == RLIM_INFINITY)
			return vf_fail(why, error, "no memory to pin %" PRIu64 " KiB", size / 1024);
		return vf_fail(why, error,
			       "cannot pin %" PRIu64 " KiB: the limit of locked memory is %" PRIu64
			       " KiB (ulimit -l)",
			       size / 1024, (uint64_t)limit.rlim_cur / 1024);
	case -ENOSPC:
		return vf_fail(why, error,
			       "too many DMA maps: see dma_entry_limit of vfio_iommu_type1");
	case -EINVAL:
		return vf_fail(why, error,
			       "DMA maps must be multiples of the IOMMU's page of %" PRIu64
			       " bytes",
			       page);
	default:
		return vf_fail(why, error, "DMA map at %#" PRIx64 ": %s", iova, strerror(-error));
	}
}

static int vfio_dma_map(struct vf_transport *transport, uint64_t iova, uint64_t size, void *host,
			int fd, uint64_t offset)
{
	struct vfio *v = vfio_of(transport);
	struct vfio_iommu_type1_dma_map map = { .argsz = sizeof(map),
						.flags = VFIO_DMA_MAP_FLAG_READ |
							 VFIO_DMA_MAP_FLAG_WRITE,
						.vaddr = (uintptr_t)host,
						.iova = iova,
						.size = size };

	transport->why.text[0] = '\0';
	if (v->gone)
		return -SOFTIOV_ERR_GONE;
	if (!vfio_info_has_iova(v->iommu, iova, size))
		return explain_map(v, -ERANGE, iova, size);
	if (ioctl(v->group.container, VFIO_IOMMU_MAP_DMA, &map))
		return explain_map(v, -errno, iova, size);
	return 0;
}

/* Works on a function that is gone, too: it is the IOMMU that is spoken to. */
static int vfio_dma_unmap(struct vf_transport *transport, uint64_t iova, uint64_t size)
{
	struct vfio *v = vfio_of(transport);
	struct vfio_iommu_type1_dma_unmap unmap = { .argsz = sizeof(unmap),
						    .iova = iova,
						    .size = size };

	if (ioctl(v->group.container, VFIO_IOMMU_UNMAP_DMA, &unmap))
		return -errno;
	return unmap.size == size ? 0 : -ENOENT;
}

static int find_iommu(struct vfio *v)
{
	struct vfio_iommu_type1_info question = { .flags = 0 };

	v->iommu =
		vfio_info_ask(v->group.container, VFIO_IOMMU_GET_INFO, &question, sizeof(question));
	return v->iommu ? 0 : -errno;
}

/* --- interrupts ------------------------------------------------------------------------------ */

/* Return: how many interrupts index @irq has, or a negative errno. */
static int count_irqs(const struct vfio *v, uint32_t irq)
{
	struct vfio_irq_info info = { .argsz = sizeof(info), .index = irq };

	if (ioctl(v->group.device, VFIO_DEVICE_GET_IRQ_INFO, &info))
		return errno == EINVAL ? 0 : -errno; /* kernels know different indexes */
	return (int)MIN(info.count, VECTORS_MAX);
}

/* @n 0: none, which disables the index. */
static int set_irqs(const struct vfio *v, uint32_t irq, uint32_t n, const int *fds)
{
	size_t size = sizeof(struct vfio_irq_set) + n * sizeof(int);
	struct vfio_irq_set *set = calloc(1, size);
	int done;

	if (!set)
		return -ENOMEM;
	set->argsz = (uint32_t)size;
	set->flags = VFIO_IRQ_SET_ACTION_TRIGGER |
		     (n ? VFIO_IRQ_SET_DATA_EVENTFD : VFIO_IRQ_SET_DATA_NONE);
	set->index = irq;
	set->count = n;
	if (n)
		memcpy(set->data, fds, n * sizeof(int));
	done = ioctl(v->group.device, VFIO_DEVICE_SET_IRQS, set);
	free(set);
	/* A positive answer: so many vectors could be had. */
	return done > 0 ? -ENOSPC : done ? -errno : 0;
}

static int vfio_vectors(struct vf_transport *transport, uint32_t *n)
{
	int count = count_irqs(vfio_of(transport), VFIO_PCI_MSIX_IRQ_INDEX);

	*n = count < 0 ? 0 : (uint32_t)count;
	return count < 0 ? count : 0;
}

/* Another number of vectors than before needs MSI-X to be disabled first: the kernel cannot always add some. */
static int vfio_set_vectors(struct vf_transport *transport, uint32_t n, const int *fds)
{
	struct vfio *v = vfio_of(transport);
	int error = 0;

	if (v->gone)
		return -SOFTIOV_ERR_GONE;
	if (n > VECTORS_MAX)
		return -EINVAL;
	if (v->vectors && n != v->vectors)
		error = set_irqs(v, VFIO_PCI_MSIX_IRQ_INDEX, 0, NULL);
	if (error)
		return error;
	if (n != v->vectors)
		v->vectors = 0;
	if (n)
		error = set_irqs(v, VFIO_PCI_MSIX_IRQ_INDEX, n, fds);
	if (!error)
		v->vectors = n;
	return error;
}

/* Both notices mean the same to us: close the function. Not every one has both. */
static int take_notices(struct vfio *v)
{
	static const uint32_t notices[] = { VFIO_PCI_REQ_IRQ_INDEX, VFIO_PCI_ERR_IRQ_INDEX };

	v->notices = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (v->notices < 0)
		return -errno;
	for (unsigned int i = 0; i < ARRAY_SIZE(notices); i++) {
		int n = count_irqs(v, notices[i]);
		int error = n > 0 ? set_irqs(v, notices[i], 1, &v->notices) : n;

		if (error)
			return error;
	}
	return 0;
}

/* --- the whole ------------------------------------------------------------------------------- */

/* The kernel keeps configuration space, Bus Master too, over the reset. */
static int vfio_reset(struct vf_transport *transport)
{
	struct vfio *v = vfio_of(transport);
	int error = vfio_set_vectors(transport, 0, NULL);

	if (error)
		return error;
	if (!v->can_reset)
		return -EOPNOTSUPP;
	return ioctl(v->group.device, VFIO_DEVICE_RESET) ? -errno : 0;
}

static int vfio_fd(const struct vf_transport *transport)
{
	return vfio_of(transport)->notices;
}

static int vfio_serve(struct vf_transport *transport)
{
	struct vfio *v = vfio_of(transport);
	uint64_t count;

	if (read(v->notices, &count, sizeof(count)) == sizeof(count))
		v->gone = true;
	return v->gone ? -SOFTIOV_ERR_GONE : 0;
}

static void vfio_close(struct vf_transport *transport)
{
	struct vfio *v = vfio_of(transport);

	unmap_regions(v);
	vfio_group_close(&v->group);
	if (v->notices >= 0)
		close(v->notices);
	free(v->iommu);
	free(v);
}

static const struct vf_transport_ops vfio_ops = {
	.map_region = vfio_map_region,
	.read = vfio_read,
	.write = vfio_write,
	.dma_map = vfio_dma_map,
	.dma_unmap = vfio_dma_unmap,
	.vectors = vfio_vectors,
	.set_vectors = vfio_set_vectors,
	.reset = vfio_reset,
	.fd = vfio_fd,
	.hangup = POLLIN,
	.serve = vfio_serve,
	.close = vfio_close,
};

static int find_device(struct vfio *v)
{
	struct vfio_device_info info = { .argsz = sizeof(info) };

	if (ioctl(v->group.device, VFIO_DEVICE_GET_INFO, &info))
		return -errno;
	v->can_reset = info.flags & VFIO_DEVICE_FLAGS_RESET;
	return 0;
}

int vf_transport_vfio(struct vf_transport **transport, const char *bdf, struct softiov_reason *why)
{
	struct vfio *v = calloc(1, sizeof(*v));
	int error;

	if (!v)
		return vf_fail(why, -SOFTIOV_ERR_NO_MEMORY, "vfio:%.64s: out of memory", bdf);
	v->transport.ops = &vfio_ops;
	v->notices = -1;
	error = vfio_group_open(&v->group, bdf, NULL, why);
	if (error) {
		vfio_close(&v->transport);
		return error;
	}
	error = find_device(v);
	if (!error)
		error = find_regions(v);
	if (!error)
		error = find_iommu(v);
	if (!error)
		error = take_notices(v);
	if (error) {
		vfio_close(&v->transport);
		return vf_fail(why, error, "vfio:%s: VFIO does not describe it: %s", bdf,
			       strerror(-error));
	}
	*transport = &v->transport;
	return 0;
}
