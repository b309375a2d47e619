/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * server.h - the device side of vfio-user: one listening Unix socket per function, one client at a
 * time.
 *
 * The server owns sockets, framing, version negotiation, reply order and every check of a
 * message's form. What the device is it learns through struct vfio_user_ops. All calls both ways
 * happen on the device thread (the libevent base given at creation). No call blocks.
 *
 * Specification: the vfio-user protocol 0.x as QEMU implements it.
 */
#ifndef SOFTIOV_VFIO_USER_SERVER_H
#define SOFTIOV_VFIO_USER_SERVER_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>
#include "util/util.h"

struct event_base;
struct quiesce;
struct vfio_user_server;

#define VFIO_USER_REGIONS 9 /* 0-5 BARs, 6 ROM, 7 configuration space, 8 VGA */
#define VFIO_USER_REGION_ROM 6
#define VFIO_USER_REGION_CONFIG 7
#define VFIO_USER_MAX_AREAS 4

enum vfio_user_irq {
	VFIO_USER_INTX,
	VFIO_USER_MSI,
	VFIO_USER_MSIX,
	VFIO_USER_ERR,
	VFIO_USER_REQ,
	VFIO_USER_IRQS
};

/*
 * What an op that changes state returns besides a negative errno: VFIO_USER_QUIESCE asks the
 * server to send the reply (and to take this client's next message) only after a grace period, so
 * that no worker still uses what was taken away.
 */
#define VFIO_USER_DONE 0
#define VFIO_USER_QUIESCE 1

/** struct vfio_user_area - part of a region that the client may mmap; page aligned. */
struct vfio_user_area {
	uint64_t offset, size;
};

/** struct vfio_user_region - what the client is told of a region; size 0: absent. */
struct vfio_user_region {
	uint64_t size;
	bool readable, writable;
	int fd;		    /* -1: no mmap; else the memory file, owned by the device; */
	unsigned int areas; /* file offset = region offset; 0 areas: no mmap */
	struct vfio_user_area area[VFIO_USER_MAX_AREAS];
};

/**
 * struct vfio_user_ops - the device behind a socket.
 *
 * @region: describe region @index; called for every GET_REGION_INFO and access, must be
 *	constant while a client is attached.
 * @irq_count: vectors of interrupt index @irq (0: none).
 * @read, @write: access @len bytes at @offset of region @index; bounds are already checked
 *	against @region, @len is 1 … 4096. Either may return VFIO_USER_QUIESCE (data already
 *	filled in).
 * @reset: DEVICE_RESET; keeps DMA maps and eventfds.
 * @dma_map: @fd is -1 for memory that was not shared, else a regular file that the device
 *	dups or maps if it keeps it: the server closes its own copy. @perm: bit 0 device may read,
 *	bit 1 device may write. -EEXIST on overlap, -ENOSPC when full; an identical map again is
 *	0.
 * @dma_unmap: remove all maps inside [@iova, @last] (inclusive); @last may be UINT64_MAX.
 *	-EINVAL when the range cuts a map (nothing changed). Sets *@unmapped to the bytes removed.
 * @irq_set: assign eventfd @fd to @vector, or take it away with -1. The device owns @fd from
 *	now on and must close the one it replaces only after a grace period. It is an eventfd and
 *	non-blocking, as far as a client that shares the file can be trusted. On error the server
 *	closes @fd.
 * @irq_trigger: the client asks to fire the vector (loop back test).
 * @intx_mask: INTx masked (true) or unmasked.
 * @connected: VERSION was exchanged; a negative errno refuses the client (it is sent that; @why is
 *	logged). VFIO_USER_QUIESCE: it is the client, and is answered after a grace period.
 * @disconnected: the client is gone, for whatever reason. All maps and eventfds are to be
 *	dropped by the device, and it is reset; returns VFIO_USER_QUIESCE or VFIO_USER_DONE like
 *	@reset. The next client is answered after that.
 * @patience_ns: the client has posted some writes and asked nothing between, and all are taken. For how many nanoseconds
 *	may what comes next wait in the socket, so that one wake-up serves more of it? 0: not at all. NULL: never
 */
struct vfio_user_ops {
	void (*region)(void *ctx, unsigned int index, struct vfio_user_region *region);
	unsigned int (*irq_count)(void *ctx, enum vfio_user_irq irq);
	int (*read)(void *ctx, unsigned int index, uint64_t offset, void *data, uint32_t len);
	int (*write)(void *ctx, unsigned int index, uint64_t offset, const void *data,
		     uint32_t len);
	int (*reset)(void *ctx);
	int (*dma_map)(void *ctx, uint64_t iova, uint64_t size, uint32_t perm, int fd,
		       uint64_t offset);
	int (*dma_unmap)(void *ctx, uint64_t iova, uint64_t last, uint64_t *unmapped);
	int (*irq_set)(void *ctx, enum vfio_user_irq irq, unsigned int vector, int fd);
	void (*irq_trigger)(void *ctx, enum vfio_user_irq irq, unsigned int vector);
	void (*intx_mask)(void *ctx, bool masked);
	int (*connected)(void *ctx, pid_t pid, struct reason *why);
	int (*disconnected)(void *ctx);
	uint64_t (*patience_ns)(void *ctx);
};

/** struct vfio_user_listen - where and for whom a socket is made. */
struct vfio_user_listen {
	const char *path;
	uid_t owner; /* (uid_t)-1: unchanged */
	gid_t group; /* (gid_t)-1: unchanged */
	mode_t mode; /* permission bits of the socket, e.g. 0600 */
};

/**
 * vfio_user_server_create() - listen on a socket.
 * A stale socket file (nobody listens) is replaced; one in use is refused with -EADDRINUSE and
 * @why.
 * Return: 0 with *@server set, or -errno with @why filled in. @ops and @ctx must outlive the
 * server.
 */
int vfio_user_server_create(struct vfio_user_server **server, struct event_base *base,
			    struct quiesce *quiesce, const struct vfio_user_listen *listen,
			    const struct vfio_user_ops *ops, void *ctx, struct reason *why);

/**
 * vfio_user_server_destroy() - close the listening socket (and unlink its path) and the client.
 * Calls @disconnected if there was one; no op is called afterwards. The memory is freed after a
 * grace period when one is under way.
 */
void vfio_user_server_destroy(struct vfio_user_server *server);

/**
 * vfio_user_server_disconnect() - throw the client out, e.g. when its memory file shrank under us.
 * May be called from an op: no further message is taken, and @disconnected is called soon, from
 * the event loop.
 */
void vfio_user_server_disconnect(struct vfio_user_server *server, const char *why);

/** vfio_user_server_client() - process ID of the client, 0 when there is none. */
pid_t vfio_user_server_client(const struct vfio_user_server *server);

/**
 * vfio_user_server_dma_write() - write guest memory by message, e.g. an MSI of a device without
 * eventfds.
 * @len at most 64 KiB. Fire and forget: errors are logged. Return: 0, -ENOTCONN, -ENOBUFS when the
 * client does not take them fast enough, or -EINVAL.
 */
int vfio_user_server_dma_write(struct vfio_user_server *server, uint64_t iova, const void *data,
			       uint32_t len);

/** struct vfio_user_stats - what a socket has seen since it was made, for "softiov show". */
struct vfio_user_stats {
	uint64_t messages, errors, maps, unmaps, connects;
};

/** vfio_user_server_stats() - the counters; valid until the server is destroyed. */
const struct vfio_user_stats *vfio_user_server_stats(const struct vfio_user_server *server);

#endif
