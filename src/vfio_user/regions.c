// SPDX-License-Identifier: BSD-3-Clause
/*
 * regions.c - BARs, option ROM and configuration space: GET_REGION_INFO, REGION_READ,
 * REGION_WRITE, WRITE_MULTI.
 *
 * GET_REGION_INFO is asked twice when a region can be mapped: the first answer says how large the
 * whole one is, the second brings the list of areas and the memory file. Accesses are checked
 * against the region here, then handed to the device in slices of at most 4 KiB, one per step of
 * the connection, so a megabyte of ROM delays nobody else.
 *
 * Specification: "VFIO_USER_DEVICE_GET_REGION_INFO", "VFIO_USER_REGION_READ",
 * "VFIO_USER_REGION_WRITE", "VFIO_USER_REGION_WRITE_MULTI"; <linux/vfio.h>.
 */
#include "vfio_user/connection.h"

#define WRITE_MULTI_STEP 16 /* entries done in one step */

static void describe(struct connection *c, uint32_t index, struct vfio_user_region *region)
{
	*region = (struct vfio_user_region){ .fd = -1 };
	c->server->ops->region(c->server->ctx, index, region);
	if (region->fd < 0)
		region->areas = 0;
	region->areas = MIN(region->areas, (unsigned int)VFIO_USER_MAX_AREAS);
}

int command_get_region_info(struct connection *c)
{
	const struct vfio_user_region_info *asked = (const void *)c->message.body;
	uint32_t full = sizeof(struct vfio_user_region_info);
	struct vfio_user_sparse_mmap *sparse;
	struct vfio_user_region_info *info;
	struct vfio_user_sparse_area *area;
	struct vfio_user_region region;

	if (asked->argsz < sizeof(*asked) || asked->index >= VFIO_USER_REGIONS)
		return -EINVAL;
	describe(c, asked->index, &region);
	if (!c->peer.msg_fds)
		region.areas = 0; /* the memory file could not be passed */
	if (region.areas)
		full += (uint32_t)(sizeof(*sparse) + region.areas * sizeof(*area));
	info = reply_buffer(c, asked->argsz >= full ? full : (uint32_t)sizeof(*info));
	if (!info)
		return -ENOMEM;
	info->argsz = full;
	info->index = asked->index;
	info->size = region.size;
	if (!region.size)
		return 0;
	info->flags = (region.readable ? VFIO_USER_REGION_READ : 0) |
		      (region.writable ? VFIO_USER_REGION_WRITE : 0) |
		      (region.areas ? VFIO_USER_REGION_MMAP : 0);
	if (!region.areas || asked->argsz < full)
		return 0;

	info->flags |= VFIO_USER_REGION_CAPS;
	info->cap_offset = sizeof(*info);
	sparse = (void *)(info + 1);
	sparse->id = VFIO_USER_CAP_SPARSE_MMAP;
	sparse->version = 1;
	sparse->areas = region.areas;
	area = (void *)(sparse + 1);
	for (unsigned int i = 0; i < region.areas; i++) {
		area[i].offset = region.area[i].offset;
		area[i].size = region.area[i].size;
	}
	c->reply_fd = region.fd;
	return 0;
}

/* Does [@offset, @offset + @count) lie in region @index? Return: 0 or -EINVAL. */
static int check_access(struct connection *c, uint64_t offset, uint32_t index, uint32_t count,
			struct vfio_user_region *region)
{
	if (index >= VFIO_USER_REGIONS || count > MAX_XFER_SIZE)
		return -EINVAL;
	describe(c, index, region);
	if (count && (offset > region->size || count > region->size - offset))
		return -EINVAL;
	return 0;
}

/* A step is done: remember what the op wants at the end. Return: what the command returns. */
static int next_step(struct connection *c, int result, uint32_t done, uint32_t total)
{
	if (result < 0)
		return result;
	if (result == VFIO_USER_QUIESCE)
		c->quiesce = true;
	c->progress += done;
	return c->progress < total ? COMMAND_AGAIN : VFIO_USER_DONE;
}

int command_region_read(struct connection *c)
{
	const struct vfio_user_region_access *asked = (const void *)c->message.body;
	const struct vfio_user_ops *ops = c->server->ops;
	struct vfio_user_region region;
	uint32_t slice;
	int result = 0;

	if (!c->progress) {
		struct vfio_user_region_access *reply;

		if (check_access(c, asked->offset, asked->region, asked->count, &region) ||
		    (asked->count && !region.readable))
			return -EINVAL;
		reply = reply_buffer(c, (uint32_t)sizeof(*reply) + asked->count);
		if (!reply)
			return -ENOMEM;
		*reply = *asked;
	}
	slice = MIN(asked->count - c->progress, SLICE_SIZE);
	if (slice)
		result = ops->read(c->server->ctx, asked->region, asked->offset + c->progress,
				   c->reply + sizeof(*asked) + c->progress, slice);
	return next_step(c, result, slice, asked->count);
}

int command_region_write(struct connection *c)
{
	const struct vfio_user_region_access *asked = (const void *)c->message.body;
	const struct vfio_user_ops *ops = c->server->ops;
	struct vfio_user_region region;
	uint32_t slice;
	int result = 0;

	if (!c->progress) {
		struct vfio_user_region_access *reply;

		if (check_access(c, asked->offset, asked->region, asked->count, &region) ||
		    c->message.body_size != sizeof(*asked) + asked->count)
			return -EINVAL;
		reply = reply_buffer(c, sizeof(*reply));
		if (!reply)
			return -ENOMEM;
		*reply = *asked;
		if (!region.writable)
			return 0; /* like a bus: written, without effect */
	}
	slice = MIN(asked->count - c->progress, SLICE_SIZE);
	if (slice)
		result = ops->write(c->server->ctx, asked->region, asked->offset + c->progress,
				    c->message.body + sizeof(*asked) + c->progress, slice);
	return next_step(c, result, slice, asked->count);
}

/* All entries are checked before the first takes effect. */
static int check_entries(struct connection *c, const struct vfio_user_write_multi *multi)
{
	const struct vfio_user_write_entry *entry = (const void *)(multi + 1);
	struct vfio_user_region region;

	if (multi->count > VFIO_USER_WRITE_MULTI_MAX ||
	    c->message.body_size != sizeof(*multi) + multi->count * sizeof(*entry))
		return -EINVAL;
	for (uint64_t i = 0; i < multi->count; i++)
		if (entry[i].count > sizeof(entry[i].data) ||
		    check_access(c, entry[i].offset, entry[i].region, entry[i].count, &region))
			return -EINVAL;
	return 0;
}

int command_region_write_multi(struct connection *c)
{
	const struct vfio_user_write_multi *multi = (const void *)c->message.body;
	const struct vfio_user_write_entry *entry = (const void *)(multi + 1);
	const struct vfio_user_ops *ops = c->server->ops;
	uint32_t done = 0, total;
	int result = VFIO_USER_DONE;

	if (!c->progress) {
		struct vfio_user_write_multi *reply;

		if (check_entries(c, multi))
			return -EINVAL;
		reply = reply_buffer(c, sizeof(*reply));
		if (!reply)
			return -ENOMEM;
		*reply = *multi;
	}
	total = (uint32_t)multi->count;
	for (; done < WRITE_MULTI_STEP && c->progress + done < total && !c->dead; done++) {
		const struct vfio_user_write_entry *e = &entry[c->progress + done];
		struct vfio_user_region region;
		int r;

		describe(c, e->region, &region);
		if (!e->count || !region.writable)
			continue;
		r = ops->write(c->server->ctx, e->region, e->offset, e->data, e->count);
		if (r < 0)
			return r;
		result |= r;
	}
	return next_step(c, result, done, total);
}
