// SPDX-License-Identifier: BSD-3-Clause
/*
 * commands.c - the table of commands: which exist, how small a payload may be, how many fds may
 * come along.
 *
 * The form that all commands share is checked here, once, before a command's function looks at its
 * payload. Reply sizes are part of the contract: QEMU drops a connection whose reply exceeds what
 * it has reserved, so each function builds at most the payload of the specification, and an error
 * is the bare header.
 */
#include "vfio_user/connection.h"

static int command_get_info(struct connection *c)
{
	const struct vfio_user_device_info *asked = (const void *)c->message.body;
	struct vfio_user_device_info *info;

	if (asked->argsz < sizeof(*asked))
		return -EINVAL;
	info = reply_buffer(c, sizeof(*info));
	if (!info)
		return -ENOMEM;
	info->argsz = sizeof(*info);
	info->flags = VFIO_USER_DEVICE_RESET | VFIO_USER_DEVICE_PCI;
	info->regions = VFIO_USER_REGIONS;
	info->irqs = VFIO_USER_IRQS;
	return 0;
}

static int command_reset(struct connection *c)
{
	return c->server->ops->reset(c->server->ctx);
}

/* Commands we know of and do not offer. */
static int command_unsupported(struct connection *c)
{
	return -ENOTSUP;
}

/* Commands that only a server sends. */
static int command_wrong_way(struct connection *c)
{
	return -EINVAL;
}

static const struct command {
	const char *name;
	int (*execute)(struct connection *c);
	uint32_t min_body, max_fds;
} commands[VFIO_USER_CMDS] = {
	[VFIO_USER_CMD_VERSION] = { "VERSION", command_version, sizeof(struct vfio_user_version),
				    0 },
	[VFIO_USER_CMD_DMA_MAP] = { "DMA_MAP", command_dma_map, sizeof(struct vfio_user_dma_map),
				    1 },
	[VFIO_USER_CMD_DMA_UNMAP] = { "DMA_UNMAP", command_dma_unmap,
				      sizeof(struct vfio_user_dma_unmap), 0 },
	[VFIO_USER_CMD_DEVICE_GET_INFO] = { "DEVICE_GET_INFO", command_get_info,
					    sizeof(struct vfio_user_device_info), 0 },
	[VFIO_USER_CMD_DEVICE_GET_REGION_INFO] = { "DEVICE_GET_REGION_INFO",
						   command_get_region_info,
						   sizeof(struct vfio_user_region_info), 0 },
	[VFIO_USER_CMD_DEVICE_GET_REGION_IO_FDS] = { "DEVICE_GET_REGION_IO_FDS",
						     command_unsupported, 0, 0 },
	[VFIO_USER_CMD_DEVICE_GET_IRQ_INFO] = { "DEVICE_GET_IRQ_INFO", command_get_irq_info,
						sizeof(struct vfio_user_irq_info), 0 },
	[VFIO_USER_CMD_DEVICE_SET_IRQS] = { "DEVICE_SET_IRQS", command_set_irqs,
					    sizeof(struct vfio_user_irq_set), MAX_MSG_FDS },
	[VFIO_USER_CMD_REGION_READ] = { "REGION_READ", command_region_read,
					sizeof(struct vfio_user_region_access), 0 },
	[VFIO_USER_CMD_REGION_WRITE] = { "REGION_WRITE", command_region_write,
					 sizeof(struct vfio_user_region_access), 0 },
	[VFIO_USER_CMD_DMA_READ] = { "DMA_READ", command_wrong_way, 0, 0 },
	[VFIO_USER_CMD_DMA_WRITE] = { "DMA_WRITE", command_wrong_way, 0, 0 },
	[VFIO_USER_CMD_DEVICE_RESET] = { "DEVICE_RESET", command_reset, 0, 0 },
	[VFIO_USER_CMD_DIRTY_PAGES] = { "DIRTY_PAGES", command_unsupported, 0, 0 },
	[VFIO_USER_CMD_REGION_WRITE_MULTI] = { "REGION_WRITE_MULTI", command_region_write_multi,
					       sizeof(struct vfio_user_write_multi), 0 },
	[VFIO_USER_CMD_DEVICE_FEATURE] = { "DEVICE_FEATURE", command_unsupported, 0, 0 },
	[VFIO_USER_CMD_MIG_DATA_READ] = { "MIG_DATA_READ", command_unsupported, 0, 0 },
	[VFIO_USER_CMD_MIG_DATA_WRITE] = { "MIG_DATA_WRITE", command_unsupported, 0, 0 },
};

static const struct command *find(unsigned int command)
{
	return command < ARRAY_SIZE(commands) && commands[command].name ? &commands[command] : NULL;
}

const char *command_name(unsigned int command)
{
	const struct command *known = find(command);

	return known ? known->name : "unknown command";
}

int command_execute(struct connection *c)
{
	const struct message *m = &c->message;
	const struct command *command = find(m->header.command);

	if (!command || m->body_size < command->min_body || m->fds_lost ||
	    m->fd_count > command->max_fds)
		return -EINVAL;
	return command->execute(c);
}
