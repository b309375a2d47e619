// SPDX-License-Identifier: BSD-3-Clause
/*
 * dma.c - guest memory: DMA_MAP, DMA_UNMAP, and DMA_WRITE towards the client.
 *
 * Here the form of a request is checked, arithmetic and file descriptor included; what overlaps
 * what is the device's business (its IOMMU domain). A map without fd is normal: ROM, VGA memory
 * and BARs of other devices.
 *
 * DMA_UNMAP names a range, not a map: everything inside goes, and nothing inside is success. With
 * a guest IOMMU QEMU unmaps ranges that end at exactly 2^64, so ranges are handled by their last
 * byte.
 *
 * DMA_WRITE is ours to number. Its replies come between the client's commands and are only used to
 * find errors; nothing ever waits for one, because QEMU answers from the loop that may be waiting
 * for us.
 *
 * Specification: "VFIO_USER_DMA_MAP", "VFIO_USER_DMA_UNMAP", "VFIO_USER_DMA_WRITE".
 */
#include "vfio_user/connection.h"

#include <fcntl.h>
#include <inttypes.h>
#include <sys/stat.h>

#define MAX_DMA_WRITE 65536u
#define DMA_WRITE_TIMEOUT_NS (5 * NSEC_PER_SEC)

/*
 * Only a regular file in memory is safe to mmap (no device, no pipe), open at least for what the
 * map permits. Only files in memory have seals, and F_GET_SEALS comes first: it asks nobody, while
 * fstat() of a FUSE file would wait for as long as the client, who may be its server, likes. A
 * client that wants F_WRITE without read access does not exist: mmap needs read access anyway.
 */
static int check_file(int fd, uint32_t perm, uint64_t offset, uint64_t size)
{
	struct stat st;
	int mode = fcntl(fd, F_GETFL);

	if (mode < 0 || (mode & O_PATH) || fcntl(fd, F_GET_SEALS) < 0 || fstat(fd, &st) ||
	    !S_ISREG(st.st_mode))
		return -EINVAL;
	if ((mode & O_ACCMODE) != O_RDWR &&
	    ((mode & O_ACCMODE) != O_RDONLY || (perm & VFIO_USER_DMA_WRITE)))
		return -EINVAL;
	if (offset % PAGE_SIZE_4K || offset > (uint64_t)st.st_size ||
	    size > (uint64_t)st.st_size - offset)
		return -EINVAL;
	return 0;
}

int command_dma_map(struct connection *c)
{
	const struct vfio_user_dma_map *map = (const void *)c->message.body;
	int fd = c->message.fd_count ? c->message.fds[0] : -1;
	struct vfio_user_server *server = c->server;
	int result;

	if (map->argsz < sizeof(*map) || !map->flags ||
	    (map->flags & ~(VFIO_USER_DMA_READ | VFIO_USER_DMA_WRITE)))
		return -EINVAL;
	if (!map->size || map->size % PAGE_SIZE_4K || map->address % PAGE_SIZE_4K ||
	    map->size - 1 > UINT64_MAX - map->address)
		return -EINVAL;
	if (fd >= 0 && check_file(fd, map->flags, map->offset, map->size))
		return -EINVAL;
	result = server->ops->dma_map(server->ctx, map->address, map->size, map->flags, fd,
				      fd >= 0 ? map->offset : 0);
	if (result >= 0)
		server->stats.maps++;
	return result;
}

int command_dma_unmap(struct connection *c)
{
	const struct vfio_user_dma_unmap *unmap = (const void *)c->message.body;
	struct vfio_user_server *server = c->server;
	struct vfio_user_dma_unmap *reply;
	uint64_t first = unmap->address, last, unmapped = 0;
	int result;

	if (unmap->argsz < sizeof(*unmap) || (unmap->flags & ~VFIO_USER_UNMAP_ALL))
		return -EINVAL;
	if (unmap->flags & VFIO_USER_UNMAP_ALL) {
		if (unmap->address || unmap->size)
			return -EINVAL;
		last = UINT64_MAX;
	} else {
		if (!unmap->size || unmap->size - 1 > UINT64_MAX - first)
			return -EINVAL;
		last = first + (unmap->size - 1);
	}
	reply = reply_buffer(c, sizeof(*reply));
	if (!reply)
		return -ENOMEM;
	result = server->ops->dma_unmap(server->ctx, first, last, &unmapped);
	if (result < 0)
		return result;
	server->stats.unmaps++;
	*reply = *unmap;
	reply->argsz = sizeof(*reply);
	reply->size = unmapped;
	return result;
}

static struct dma_write *find_free(struct connection *c)
{
	for (unsigned int i = 0; i < MAX_DMA_WRITES; i++) {
		struct dma_write *write = &c->dma_writes[i];

		if (write->used && now_ns() - write->sent_ns > DMA_WRITE_TIMEOUT_NS) {
			write->used = false;
			if (log_ratelimit(&c->server->limit))
				log_warning("%s: client %d: a DMA_WRITE was never answered",
					    c->server->path, (int)c->pid);
		}
		if (!write->used)
			return write;
	}
	return NULL;
}

static bool id_in_use(const struct connection *c, uint16_t id)
{
	for (unsigned int i = 0; i < MAX_DMA_WRITES; i++)
		if (c->dma_writes[i].used && c->dma_writes[i].id == id)
			return true;
	return false;
}

static int send_dma_write(struct connection *c, uint64_t iova, const uint8_t *data, uint32_t len)
{
	struct dma_write *write = find_free(c);
	struct {
		struct vfio_user_dma_access access;
		uint8_t data[MAX_DMA_WRITE];
	} payload;
	struct vfio_user_header header = {
		.command = VFIO_USER_CMD_DMA_WRITE,
		.size = (uint32_t)(sizeof(header) + sizeof(payload.access)) + len,
		.flags = VFIO_USER_TYPE_COMMAND,
	};
	int error;

	if (!write || c->queued + header.size > MAX_QUEUED_SIZE)
		return -ENOBUFS;
	while (id_in_use(c, c->next_id))
		c->next_id++;
	header.id = c->next_id++;
	payload.access.address = iova;
	payload.access.count = len;
	memcpy(payload.data, data, len);
	error = connection_send(c, &header, &payload, (uint32_t)sizeof(payload.access) + len, -1);
	if (error)
		return -ENOTCONN;
	*write = (struct dma_write){ .used = true, .id = header.id, .sent_ns = now_ns() };
	return 0;
}

int vfio_user_server_dma_write(struct vfio_user_server *server, uint64_t iova, const void *data,
			       uint32_t len)
{
	struct connection *c = server->client;
	const uint8_t *from = data;

	if (!c || c->phase != PHASE_RUNNING || c->broken)
		return -ENOTCONN;
	if (len > MAX_DMA_WRITE)
		return -EINVAL;
	while (len) {
		uint32_t part = MIN(len, c->peer.xfer_size);
		int error = send_dma_write(c, iova, from, part);

		if (error)
			return error;
		iova += part;
		from += part;
		len -= part;
	}
	return 0;
}

void dma_write_replied(struct connection *c)
{
	const struct vfio_user_header *h = &c->message.header;

	for (unsigned int i = 0; i < MAX_DMA_WRITES; i++) {
		struct dma_write *write = &c->dma_writes[i];

		if (!write->used || write->id != h->id)
			continue;
		write->used = false;
		if ((h->flags & VFIO_USER_FLAG_ERROR) && log_ratelimit(&c->server->limit))
			log_warning("%s: client %d: DMA_WRITE failed: %s", c->server->path,
				    (int)c->pid,
				    strerror(h->error < 4096 ? (int)h->error : EINVAL));
		return;
	}
	/* A late one is ignored; who sends replies to nothing again and again is broken. */
	if (++c->stray_replies >= MAX_STRAY_REPLIES)
		connection_break(c, "replies to commands that were never sent");
}
