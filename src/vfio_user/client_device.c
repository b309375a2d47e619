// SPDX-License-Identifier: BSD-3-Clause
/*
 * client_device.c - the driver side of vfio-user: what one can ask of a device.
 *
 * Each function is one command of the specification (or a few, when the server takes only so many
 * bytes or descriptors at a time). Nothing in a reply is used before it was checked.
 *
 * Specification: "VFIO_USER_DEVICE_GET_INFO" to "VFIO_USER_DEVICE_RESET"; <linux/vfio.h>.
 */
#include "vfio_user/client_wire.h"

#include <fcntl.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#define MAX_REGION_INFO 4096u /* region info with its capabilities */
#define MAX_VECTORS 2048u     /* of MSI-X */

int vfio_user_client_get_info(struct vfio_user_client *client, struct vfio_user_client_info *info)
{
	struct vfio_user_device_info asked = { .argsz = sizeof(asked) }, reply = { 0 };
	struct client_request r = { .command = VFIO_USER_CMD_DEVICE_GET_INFO,
				    .payload = &asked,
				    .payload_size = sizeof(asked),
				    .reply = &reply,
				    .reply_max = sizeof(reply) };
	int error = client_request(client, &r);

	if (error)
		return error;
	if (r.reply_size < sizeof(reply) || !(reply.flags & VFIO_USER_DEVICE_PCI) ||
	    reply.regions < 8 || reply.regions > 256 || reply.irqs > 256)
		return -EPROTO;
	info->regions = reply.regions;
	info->irqs = reply.irqs;
	info->reset = reply.flags & VFIO_USER_DEVICE_RESET;
	return 0;
}

/* Ask for region @index with room for @room bytes of answer. */
static int ask_region(struct vfio_user_client *client, uint32_t index, void *answer, uint32_t room,
		      uint32_t *size, int *fd)
{
	struct vfio_user_region_info asked = { .argsz = room, .index = index };
	struct client_request r = { .command = VFIO_USER_CMD_DEVICE_GET_REGION_INFO,
				    .payload = &asked,
				    .payload_size = sizeof(asked),
				    .reply = answer,
				    .reply_max = room,
				    .reply_fd = fd };
	int error = client_request(client, &r);

	if (!error && r.reply_size < sizeof(asked)) {
		if (*fd >= 0)
			close(*fd);
		*fd = -1;
		error = -EPROTO;
	}
	*size = r.reply_size;
	return error;
}

/* Find the list of areas among the capabilities. Return: NULL when there is none in bounds. */
static const struct vfio_user_sparse_mmap *find_sparse(const uint8_t *answer, uint32_t size)
{
	const struct vfio_user_region_info *info = (const void *)answer;
	uint32_t at = info->flags & VFIO_USER_REGION_CAPS ? info->cap_offset : 0;

	while (at >= sizeof(*info) && at % 8 == 0 && at <= size &&
	       size - at >= sizeof(struct vfio_user_sparse_mmap)) {
		const struct vfio_user_sparse_mmap *cap = (const void *)(answer + at);
		uint32_t room = size - at - (uint32_t)sizeof(*cap);

		if (cap->id == VFIO_USER_CAP_SPARSE_MMAP)
			return cap->areas <= room / sizeof(struct vfio_user_sparse_area) ? cap
											 : NULL;
		if (cap->next <= at)
			break; /* the end, or a loop */
		at = cap->next;
	}
	return NULL;
}

/*
 * Map one area, if that is safe: inside the region, page aligned, and from a file that has all of
 * it and cannot shrink, because an access past its end would kill us.
 */
static void map_area(struct vfio_user_client_area *area, uint64_t region_size, uint64_t file_offset,
		     int prot, int fd)
{
	uint64_t end;
	struct stat st;
	int seals = fcntl(fd, F_GET_SEALS);

	if (seals < 0 || !(seals & F_SEAL_SHRINK) || fstat(fd, &st) || !S_ISREG(st.st_mode))
		return;
	if (!area->size || area->offset > region_size || area->size > region_size - area->offset)
		return;
	if (area->offset > UINT64_MAX - file_offset || area->offset % PAGE_SIZE_4K ||
	    file_offset % PAGE_SIZE_4K || area->size > UINT64_MAX - area->offset - file_offset)
		return;
	end = file_offset + area->offset + area->size;
	if (end > (uint64_t)st.st_size)
		return;
	area->map =
		mmap(NULL, area->size, prot, MAP_SHARED, fd, (off_t)(file_offset + area->offset));
	if (area->map == MAP_FAILED)
		area->map = NULL;
}

static void map_areas(struct vfio_user_client_region *region, const uint8_t *answer, uint32_t size,
		      int fd)
{
	const struct vfio_user_region_info *info = (const void *)answer;
	const struct vfio_user_sparse_mmap *sparse = find_sparse(answer, size);
	const struct vfio_user_sparse_area *areas = (const void *)(sparse + 1);
	int prot = (region->readable ? PROT_READ : 0) | (region->writable ? PROT_WRITE : 0);

	region->areas = sparse ? MIN(sparse->areas, (uint32_t)VFIO_USER_CLIENT_AREAS) : 1;
	for (unsigned int i = 0; i < region->areas; i++) {
		struct vfio_user_client_area *area = &region->area[i];

		area->offset = sparse ? areas[i].offset : 0;
		area->size = sparse ? areas[i].size : region->size;
		map_area(area, region->size, info->offset, prot, fd);
	}
}

int vfio_user_client_map_region(struct vfio_user_client *client, uint32_t index,
				struct vfio_user_client_region *region)
{
	_Alignas(8) uint8_t answer[MAX_REGION_INFO];
	struct vfio_user_region_info *info = (void *)answer;
	uint32_t size;
	int fd, error;

	*region = (struct vfio_user_client_region){ 0 };
	error = ask_region(client, index, answer, sizeof(*info), &size, &fd);
	if (error)
		return error;
	if (info->argsz > sizeof(*info) && info->argsz <= sizeof(answer)) {
		if (fd >= 0)
			close(fd);
		error = ask_region(client, index, answer, info->argsz, &size, &fd);
		if (error)
			return error;
	}
	region->size = info->size;
	region->readable = info->flags & VFIO_USER_REGION_READ;
	region->writable = info->flags & VFIO_USER_REGION_WRITE;
	if (fd >= 0) {
		if (info->flags & VFIO_USER_REGION_MMAP)
			map_areas(region, answer, size, fd);
		close(fd);
	}
	return 0;
}

void vfio_user_client_unmap_region(struct vfio_user_client_region *region)
{
	for (unsigned int i = 0; i < region->areas; i++)
		if (region->area[i].map)
			munmap(region->area[i].map, region->area[i].size);
	region->areas = 0;
}

static uint32_t transfer_limit(const struct vfio_user_client *client)
{
	return MIN(client->server.xfer_size, CLIENT_MAX_XFER);
}

static int read_part(struct vfio_user_client *client, uint32_t region, uint64_t offset, void *data,
		     uint32_t len)
{
	struct vfio_user_region_access asked = { offset, region, len }, *reply;
	uint32_t size = (uint32_t)sizeof(asked) + len;
	struct client_request r = { .command = VFIO_USER_CMD_REGION_READ,
				    .payload = &asked,
				    .payload_size = sizeof(asked),
				    .reply_max = size };
	_Alignas(8) uint8_t small[64];
	int error;

	reply = r.reply = size <= sizeof(small) ? small : malloc(size);
	if (!reply)
		return -ENOMEM;
	error = client_request(client, &r);
	if (!error && (r.reply_size != size || reply->count != len))
		error = -EPROTO;
	if (!error)
		memcpy(data, reply + 1, len);
	if ((void *)reply != (void *)small)
		free(reply);
	return error;
}

int vfio_user_client_read(struct vfio_user_client *client, uint32_t region, uint64_t offset,
			  void *data, uint32_t len)
{
	uint8_t *to = data;

	do {
		uint32_t part = MIN(len, transfer_limit(client));
		int error = read_part(client, region, offset, to, part);

		if (error)
			return error;
		offset += part;
		to += part;
		len -= part;
	} while (len);
	return 0;
}

int vfio_user_client_write(struct vfio_user_client *client, uint32_t region, uint64_t offset,
			   const void *data, uint32_t len, bool posted)
{
	const uint8_t *from = data;

	do {
		uint32_t part = MIN(len, transfer_limit(client));
		struct vfio_user_region_access asked = { offset, region, part }, reply;
		struct client_request r = { .command = VFIO_USER_CMD_REGION_WRITE,
					    .posted = posted,
					    .payload = &asked,
					    .payload_size = sizeof(asked),
					    .data = from,
					    .data_size = part,
					    .reply = &reply,
					    .reply_max = sizeof(reply) };
		int error = client_request(client, &r);

		if (error)
			return error;
		offset += part;
		from += part;
		len -= part;
	} while (len);
	return 0;
}

int vfio_user_client_dma_map(struct vfio_user_client *client, uint64_t iova, uint64_t size,
			     uint32_t perm, int fd, uint64_t offset)
{
	struct vfio_user_dma_map asked = { .argsz = sizeof(asked),
					   .flags = perm,
					   .offset = offset,
					   .address = iova,
					   .size = size },
				 reply;
	struct client_request r = { .command = VFIO_USER_CMD_DMA_MAP,
				    .payload = &asked,
				    .payload_size = sizeof(asked),
				    .fds = &fd,
				    .fd_count = fd >= 0,
				    .reply = &reply,
				    .reply_max = sizeof(reply) };

	return client_request(client, &r);
}

int vfio_user_client_dma_unmap(struct vfio_user_client *client, uint64_t iova, uint64_t size)
{
	struct vfio_user_dma_unmap asked = { .argsz = sizeof(asked),
					     .address = iova,
					     .size = size },
				   reply;
	struct client_request r = { .command = VFIO_USER_CMD_DMA_UNMAP,
				    .payload = &asked,
				    .payload_size = sizeof(asked),
				    .reply = &reply,
				    .reply_max = sizeof(reply) };

	return client_request(client, &r);
}

int vfio_user_client_get_irq(struct vfio_user_client *client, uint32_t irq, uint32_t *vectors)
{
	struct vfio_user_irq_info asked = { .argsz = sizeof(asked), .index = irq }, reply = { 0 };
	struct client_request r = { .command = VFIO_USER_CMD_DEVICE_GET_IRQ_INFO,
				    .payload = &asked,
				    .payload_size = sizeof(asked),
				    .reply = &reply,
				    .reply_max = sizeof(reply) };
	int error = client_request(client, &r);

	if (error)
		return error;
	if (r.reply_size < sizeof(reply) || reply.count > MAX_VECTORS)
		return -EPROTO;
	*vectors = reply.count;
	return 0;
}

static int set_irqs(struct vfio_user_client *client, uint32_t irq, uint32_t flags, uint32_t start,
		    uint32_t count, const int *fds)
{
	struct vfio_user_irq_set asked = { .argsz = sizeof(asked),
					   .flags = flags,
					   .index = irq,
					   .start = start,
					   .count = count },
				 reply;
	struct client_request r = { .command = VFIO_USER_CMD_DEVICE_SET_IRQS,
				    .payload = &asked,
				    .payload_size = sizeof(asked),
				    .fds = fds,
				    .fd_count = fds ? count : 0,
				    .reply = &reply,
				    .reply_max = sizeof(reply) };

	return client_request(client, &r);
}

int vfio_user_client_set_irqs(struct vfio_user_client *client, uint32_t irq, uint32_t start,
			      uint32_t count, const int *fds)
{
	uint32_t limit = fds ? MIN(client->server.msg_fds, (uint32_t)CLIENT_MAX_FDS) : UINT32_MAX;

	if (!limit)
		return -ENOTSUP;
	while (count) {
		uint32_t part = MIN(count, limit);
		int error =
			set_irqs(client, irq, VFIO_USER_IRQ_DATA_EVENTFD | VFIO_USER_IRQ_TRIGGER,
				 start, part, fds);

		if (error)
			return error;
		start += part;
		count -= part;
		fds = fds ? fds + part : NULL;
	}
	return 0;
}

int vfio_user_client_disable_irq(struct vfio_user_client *client, uint32_t irq)
{
	return set_irqs(client, irq, VFIO_USER_IRQ_DATA_NONE | VFIO_USER_IRQ_TRIGGER, 0, 0, NULL);
}

int vfio_user_client_act_irq(struct vfio_user_client *client, uint32_t irq, uint32_t vector,
			     enum vfio_user_client_irq_action action)
{
	static const uint32_t flags[] = {
		[VFIO_USER_CLIENT_IRQ_MASK] = VFIO_USER_IRQ_MASK,
		[VFIO_USER_CLIENT_IRQ_UNMASK] = VFIO_USER_IRQ_UNMASK,
		[VFIO_USER_CLIENT_IRQ_TRIGGER] = VFIO_USER_IRQ_TRIGGER,
	};

	return set_irqs(client, irq, VFIO_USER_IRQ_DATA_NONE | flags[action], vector, 1, NULL);
}

int vfio_user_client_reset(struct vfio_user_client *client)
{
	struct client_request r = { .command = VFIO_USER_CMD_DEVICE_RESET };

	return client_request(client, &r);
}
