/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * protocol.h - the vfio-user wire format: header, commands, payloads, flags and limits.
 *
 * Source: "vfio-user Protocol Specification", version 0.9.x as shipped with QEMU
 * (docs/interop/vfio-user.rst); the payloads that it inherits are those of Linux <linux/vfio.h>.
 * All fields are in host byte order (x86: little endian). The limits marked "QEMU" are not in the
 * specification but what QEMU's vfio-user-pci tolerates.
 */
#ifndef SOFTIOV_VFIO_USER_PROTOCOL_H
#define SOFTIOV_VFIO_USER_PROTOCOL_H

#include <stdint.h>

/* Specification, "Commands". Direction client to server but where noted. */
enum vfio_user_command {
	VFIO_USER_CMD_VERSION = 1,
	VFIO_USER_CMD_DMA_MAP = 2,
	VFIO_USER_CMD_DMA_UNMAP = 3,
	VFIO_USER_CMD_DEVICE_GET_INFO = 4,
	VFIO_USER_CMD_DEVICE_GET_REGION_INFO = 5,
	VFIO_USER_CMD_DEVICE_GET_REGION_IO_FDS = 6,
	VFIO_USER_CMD_DEVICE_GET_IRQ_INFO = 7,
	VFIO_USER_CMD_DEVICE_SET_IRQS = 8,
	VFIO_USER_CMD_REGION_READ = 9,
	VFIO_USER_CMD_REGION_WRITE = 10,
	VFIO_USER_CMD_DMA_READ = 11,  /* server to client */
	VFIO_USER_CMD_DMA_WRITE = 12, /* server to client */
	VFIO_USER_CMD_DEVICE_RESET = 13,
	VFIO_USER_CMD_DIRTY_PAGES = 14, /* withdrawn */
	VFIO_USER_CMD_REGION_WRITE_MULTI = 15,
	VFIO_USER_CMD_DEVICE_FEATURE = 16,
	VFIO_USER_CMD_MIG_DATA_READ = 17,
	VFIO_USER_CMD_MIG_DATA_WRITE = 18,
	VFIO_USER_CMDS
};

/* Specification, "Header". */
struct vfio_user_header {
	uint16_t id; /* chosen by the sender of the command, each side counts its own */
	uint16_t command;
	uint32_t size; /* of the whole message, this header included */
	uint32_t flags;
	uint32_t error; /* errno, in a reply with VFIO_USER_FLAG_ERROR */
};

#define VFIO_USER_FLAG_TYPE 0xfu
#define VFIO_USER_TYPE_COMMAND 0u
#define VFIO_USER_TYPE_REPLY 1u
#define VFIO_USER_FLAG_NO_REPLY 0x10u
#define VFIO_USER_FLAG_ERROR 0x20u

/* Specification, "VFIO_USER_VERSION"; a NUL-terminated JSON text follows. */
struct vfio_user_version {
	uint16_t major, minor;
};
#define VFIO_USER_MAJOR 0
#define VFIO_USER_MINOR 0

#define VFIO_USER_VERSION_REPLY_MAX 214 /* QEMU receives the reply in its request's buffer */

/* What a peer can do when its VERSION says nothing (specification, "Version data"). */
#define VFIO_USER_DEFAULT_MSG_FDS 1
#define VFIO_USER_DEFAULT_XFER_SIZE 1048576

/* Specification, "VFIO_USER_DMA_MAP" */
struct vfio_user_dma_map {
	uint32_t argsz, flags;
	uint64_t offset, address, size;
};
#define VFIO_USER_DMA_READ 1u  /* the device may read */
#define VFIO_USER_DMA_WRITE 2u /* the device may write */

/* Specification, "VFIO_USER_DMA_UNMAP" */
struct vfio_user_dma_unmap {
	uint32_t argsz, flags;
	uint64_t address, size;
};
#define VFIO_USER_UNMAP_BITMAP 1u
#define VFIO_USER_UNMAP_ALL 2u

/* struct vfio_device_info */
struct vfio_user_device_info {
	uint32_t argsz, flags, regions, irqs;
};
#define VFIO_USER_DEVICE_RESET 1u
#define VFIO_USER_DEVICE_PCI 2u

/* struct vfio_region_info; capabilities follow */
struct vfio_user_region_info {
	uint32_t argsz, flags, index, cap_offset;
	uint64_t size, offset;
};
#define VFIO_USER_REGION_READ 1u
#define VFIO_USER_REGION_WRITE 2u
#define VFIO_USER_REGION_MMAP 4u
#define VFIO_USER_REGION_CAPS 8u

/* struct vfio_region_info_cap_sparse_mmap; areas follow */
struct vfio_user_sparse_mmap {
	uint16_t id, version;
	uint32_t next; /* from the start of the region info, 0: last */
	uint32_t areas, reserved;
};
#define VFIO_USER_CAP_SPARSE_MMAP 1

struct vfio_user_sparse_area {
	uint64_t offset, size;
};

/* struct vfio_irq_info */
struct vfio_user_irq_info {
	uint32_t argsz, flags, index, count;
};
#define VFIO_USER_IRQ_EVENTFD 1u
#define VFIO_USER_IRQ_MASKABLE 2u
#define VFIO_USER_IRQ_AUTOMASKED 4u
#define VFIO_USER_IRQ_NORESIZE 8u

/* struct vfio_irq_set; with DATA_BOOL one byte per vector follows, with DATA_EVENTFD fds are
 * ancillary */
struct vfio_user_irq_set {
	uint32_t argsz, flags, index, start, count;
};
#define VFIO_USER_IRQ_DATA_NONE 1u
#define VFIO_USER_IRQ_DATA_BOOL 2u
#define VFIO_USER_IRQ_DATA_EVENTFD 4u
#define VFIO_USER_IRQ_DATA 7u
#define VFIO_USER_IRQ_MASK 8u
#define VFIO_USER_IRQ_UNMASK 16u
#define VFIO_USER_IRQ_TRIGGER 32u
#define VFIO_USER_IRQ_ACTION 56u

/* Specification, "VFIO_USER_REGION_READ", "VFIO_USER_REGION_WRITE"; data follows */
struct vfio_user_region_access {
	uint64_t offset;
	uint32_t region, count;
};

/* Specification, "VFIO_USER_DMA_READ", "VFIO_USER_DMA_WRITE"; data follows */
struct vfio_user_dma_access {
	uint64_t address, count;
};

/* Specification, "VFIO_USER_REGION_WRITE_MULTI": a count, then so many entries */
struct vfio_user_write_multi {
	uint64_t count;
};
struct vfio_user_write_entry {
	uint64_t offset;
	uint32_t region, count;
	uint8_t data[8];
};
#define VFIO_USER_WRITE_MULTI_MAX 200 /* QEMU sends no more */

_Static_assert(sizeof(struct vfio_user_header) == 16, "wire format");
_Static_assert(sizeof(struct vfio_user_version) == 4, "wire format");
_Static_assert(sizeof(struct vfio_user_dma_map) == 32, "wire format");
_Static_assert(sizeof(struct vfio_user_dma_unmap) == 24, "wire format");
_Static_assert(sizeof(struct vfio_user_device_info) == 16, "wire format");
_Static_assert(sizeof(struct vfio_user_region_info) == 32, "wire format");
_Static_assert(sizeof(struct vfio_user_sparse_mmap) == 16, "wire format");
_Static_assert(sizeof(struct vfio_user_irq_info) == 16, "wire format");
_Static_assert(sizeof(struct vfio_user_irq_set) == 20, "wire format");
_Static_assert(sizeof(struct vfio_user_region_access) == 16, "wire format");
_Static_assert(sizeof(struct vfio_user_write_entry) == 24, "wire format");

#endif
