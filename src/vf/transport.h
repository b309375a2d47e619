/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * transport.h - the two ways to a PCI function: vfio-user over a Unix socket, Linux VFIO. What a transport offers is
 * what VFIO offers: regions, DMA maps, eventfds for vectors, reset. It knows nothing of an 82599.
 *
 * Regions and interrupts have VFIO's numbers: 0 ... 5 BARs, 7 configuration space; interrupt 2 is MSI-X.
 * Functions return 0 or a negative errno, -SOFTIOV_ERR_GONE when the function is there no more. One thread at a time.
 */
#ifndef SOFTIOV_VF_TRANSPORT_H
#define SOFTIOV_VF_TRANSPORT_H

#include <stdbool.h>
#include <stdint.h>
#include <string.h>
#include <softiov/softiov.h>

#define VF_BAR0 0
#define VF_CONFIG 7
#define VF_AREAS_MAX 16

/** struct vf_area - a part of a region that is mapped: plain memory, or device memory. */
struct vf_area {
	uint64_t offset, size;
	void *map;
};

/** struct vf_region - @size 0: absent. Mapped areas belong to the transport and end with it. */
struct vf_region {
	uint64_t size;
	unsigned int areas;
	struct vf_area area[VF_AREAS_MAX];
};

struct vf_transport;

/**
 * struct vf_transport_ops
 * @map_region: describe region @index and map what may be mapped
 * @read, @write: @len bytes of a region; @posted: the caller does not need to know when it took effect
 * @dma_map: let the function read and write [@iova, @iova + @size): memory @host, which is file @fd at @offset
 * @dma_unmap: the function is done with it on return
 * @vectors: how many MSI-X vectors there are
 * @set_vectors: eventfds of vectors 0 ... @n - 1; @n 0 takes them away. Descriptors are not consumed.
 * @reset: function-level reset; maps stay, vectors are disabled
 * @fd: readable when @serve has something to do, or -1
 * @hangup: what poll() says of @fd when the other side is gone, besides POLLHUP and POLLERR
 * @serve: handle what came in, never waits; -SOFTIOV_ERR_GONE: the other side is gone
 * @close: frees all
 */
struct vf_transport_ops {
	int (*map_region)(struct vf_transport *transport, uint32_t index, struct vf_region *region);
	int (*read)(struct vf_transport *transport, uint32_t region, uint64_t offset, void *data,
		    uint32_t len);
	int (*write)(struct vf_transport *transport, uint32_t region, uint64_t offset,
		     const void *data, uint32_t len, bool posted);
	int (*dma_map)(struct vf_transport *transport, uint64_t iova, uint64_t size, void *host,
		       int fd, uint64_t offset);
	int (*dma_unmap)(struct vf_transport *transport, uint64_t iova, uint64_t size);
	int (*vectors)(struct vf_transport *transport, uint32_t *n);
	int (*set_vectors)(struct vf_transport *transport, uint32_t n, const int *fds);
	int (*reset)(struct vf_transport *transport);
	int (*fd)(const struct vf_transport *transport);
	short hangup;
	int (*serve)(struct vf_transport *transport);
	void (*close)(struct vf_transport *transport);
};

/** struct vf_transport - @why: what was wrong when dma_map() last failed, in words; empty: its errno says all. */
struct vf_transport {
	const struct vf_transport_ops *ops;
	struct softiov_reason why;
};

/** vf_transport_words() - what was wrong with dma_map(), which answered @error. */
static inline const char *vf_transport_words(const struct vf_transport *transport, int error)
{
	return transport->why.text[0] ? transport->why.text : strerror(-error);
}

/** vf_transport_unix() - connect to vfio-user socket @path. */
int vf_transport_unix(struct vf_transport **transport, const char *path, unsigned int timeout_ms,
		      struct softiov_reason *why);

/** vf_transport_vfio() - open PCI function @bdf ("0000:03:10.0"), which is bound to vfio-pci. */
int vf_transport_vfio(struct vf_transport **transport, const char *bdf, struct softiov_reason *why);

#endif
