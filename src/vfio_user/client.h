/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * client.h - the driver side of vfio-user: a PCI device behind a Unix socket.
 *
 * Synchronous: a call sends its request and returns with the answer, or -ETIMEDOUT; the connection
 * survives a late answer. While it waits it serves the server's own requests (DMA_READ,
 * DMA_WRITE). A client is used by one thread at a time.
 *
 * The server is not trusted: sizes, counts, descriptors and files it sends are checked, and a
 * region is mapped only from a memory file that can no longer shrink; any other is reached by
 * messages.
 *
 * Unless said otherwise functions return 0 or a negative errno: what the server answered, or
 * -ETIMEDOUT, -ENOTCONN (connection lost, final) or -EPROTO (nonsense from the server).
 */
#ifndef SOFTIOV_VFIO_USER_CLIENT_H
#define SOFTIOV_VFIO_USER_CLIENT_H

#include <stdbool.h>
#include <stdint.h>
#include "util/util.h"

struct vfio_user_client;

#define VFIO_USER_CLIENT_AREAS 16

/**
 * struct vfio_user_client_ops - the server's access to memory that it got no descriptor for.
 * Both return 0 or a negative errno for the server; a missing one is -ENODEV.
 */
struct vfio_user_client_ops {
	int (*dma_read)(void *ctx, uint64_t iova, void *data, uint32_t len);
	int (*dma_write)(void *ctx, uint64_t iova, const void *data, uint32_t len);
};

/**
 * vfio_user_client_connect() - connect to the socket @path and agree on a version.
 * @ops: may be NULL; else it and @ctx must outlive the client
 * @why: filled in on error, may be NULL
 */
int vfio_user_client_connect(struct vfio_user_client **client, const char *path,
			     const struct vfio_user_client_ops *ops, void *ctx, struct reason *why);

/**
 * vfio_user_client_connect_within() - the same; neither connecting nor agreeing nor any later call waits longer than
 * @timeout_ms.
 */
int vfio_user_client_connect_within(struct vfio_user_client **client, const char *path,
				    unsigned int timeout_ms, const struct vfio_user_client_ops *ops,
				    void *ctx, struct reason *why);

/** vfio_user_client_attach() - the same over a connected socket @fd, which is consumed. */
int vfio_user_client_attach(struct vfio_user_client **client, int fd,
			    const struct vfio_user_client_ops *ops, void *ctx, struct reason *why);

/** vfio_user_client_close() - disconnect and free; mapped areas stay until they are unmapped. */
void vfio_user_client_close(struct vfio_user_client *client);

/** vfio_user_client_set_timeout() - how long a call waits for its answer; 5000 ms at first. */
void vfio_user_client_set_timeout(struct vfio_user_client *client, unsigned int timeout_ms);

/** vfio_user_client_fd() - the socket, to be polled for reading. */
int vfio_user_client_fd(const struct vfio_user_client *client);

/** vfio_user_client_serve() - answer requests of the server that have arrived; does not wait. */
int vfio_user_client_serve(struct vfio_user_client *client);

/** struct vfio_user_client_info - the answer to DEVICE_GET_INFO. */
struct vfio_user_client_info {
	uint32_t regions, irqs;
	bool reset; /* DEVICE_RESET is offered */
};
int vfio_user_client_get_info(struct vfio_user_client *client, struct vfio_user_client_info *info);

/** struct vfio_user_client_area - a part of a region; @map is NULL where messages must do. */
struct vfio_user_client_area {
	uint64_t offset, size;
	void *map;
};

/** struct vfio_user_client_region - a BAR, the ROM or configuration space; size 0: absent. */
struct vfio_user_client_region {
	uint64_t size;
	bool readable, writable;
	unsigned int areas;
	struct vfio_user_client_area area[VFIO_USER_CLIENT_AREAS];
};

/** vfio_user_client_map_region() - describe region @index and map what may be mapped. */
int vfio_user_client_map_region(struct vfio_user_client *client, uint32_t index,
				struct vfio_user_client_region *region);

/** vfio_user_client_unmap_region() - undo the mappings; also after vfio_user_client_close(). */
void vfio_user_client_unmap_region(struct vfio_user_client_region *region);

/** vfio_user_client_read() - @len bytes, in as many messages as the server needs. */
int vfio_user_client_read(struct vfio_user_client *client, uint32_t region, uint64_t offset,
			  void *data, uint32_t len);

/**
 * vfio_user_client_write() - the other way.
 * @posted: do not wait for an answer. Posted writes take effect before any later request, but in no order with
 *	accesses to mapped areas; their errors are lost.
 */
int vfio_user_client_write(struct vfio_user_client *client, uint32_t region, uint64_t offset,
			   const void *data, uint32_t len, bool posted);

/**
 * vfio_user_client_dma_map() - let the device reach memory.
 * @perm: bit 0 the device may read, bit 1 the device may write
 * @fd: the memory file with the memory at @offset, not consumed; -1: by messages only
 */
int vfio_user_client_dma_map(struct vfio_user_client *client, uint64_t iova, uint64_t size,
			     uint32_t perm, int fd, uint64_t offset);

/** vfio_user_client_dma_unmap() - take it back; the device is done with it on return. */
int vfio_user_client_dma_unmap(struct vfio_user_client *client, uint64_t iova, uint64_t size);

/**
 * vfio_user_client_get_irq() - the number of vectors of interrupt index @irq.
 * @irq: 0 INTx, 1 MSI, 2 MSI-X, 3 error, 4 request
 */
int vfio_user_client_get_irq(struct vfio_user_client *client, uint32_t irq, uint32_t *vectors);

/**
 * vfio_user_client_set_irqs() - the eventfds of @count vectors from @start.
 * @fds: @count eventfds, not consumed; NULL takes the present ones away
 */
int vfio_user_client_set_irqs(struct vfio_user_client *client, uint32_t irq, uint32_t start,
			      uint32_t count, const int *fds);

/** vfio_user_client_disable_irq() - take all eventfds of index @irq away. */
int vfio_user_client_disable_irq(struct vfio_user_client *client, uint32_t irq);

enum vfio_user_client_irq_action {
	VFIO_USER_CLIENT_IRQ_MASK,
	VFIO_USER_CLIENT_IRQ_UNMASK,
	VFIO_USER_CLIENT_IRQ_TRIGGER,
};

/** vfio_user_client_act_irq() - mask or unmask (INTx), or fire @vector as a test. */
int vfio_user_client_act_irq(struct vfio_user_client *client, uint32_t irq, uint32_t vector,
			     enum vfio_user_client_irq_action action);

/** vfio_user_client_reset() - DEVICE_RESET: maps and eventfds stay. */
int vfio_user_client_reset(struct vfio_user_client *client);

#endif
