// SPDX-License-Identifier: BSD-3-Clause
/*
 * vmd.c - an endpoint from its creation to its end: the socket, the VM that comes and goes, resets.
 *
 *	event			maps	functions behind	configuration space
 *	FLR, DEVICE_RESET	stay	hot reset		power-on (not sticky bits)
 *	client gone		go	hot reset		power-on
 *
 * What takes memory or registers away from workers asks the server for a grace period, so that the
 * answer means "nobody touches them any more".
 *
 * The endpoint's own MSI-X vector exists because a driver may want one; nothing ever raises it, so
 * its eventfd is closed as soon as it comes.
 */
#include <stdlib.h>
#include <unistd.h>

#include "vmd/internal.h"

/* What the client asks for. */

static unsigned int irq_count(void *ctx, enum vfio_user_irq irq)
{
	return irq == VFIO_USER_MSIX ? VMD_VECTORS : 0;
}

static int irq_set(void *ctx, enum vfio_user_irq irq, unsigned int vector, int fd)
{
	if (irq != VFIO_USER_MSIX || vector >= VMD_VECTORS)
		return -EINVAL;
	if (fd >= 0)
		close(fd);
	return VFIO_USER_DONE;
}

static void irq_trigger(void *ctx, enum vfio_user_irq irq, unsigned int vector)
{
	/* A test of eventfds, of which there are none. */
}

static void intx_mask(void *ctx, bool masked)
{
	/* There is no INTx: the server refuses the index, its count is 0. */
}

static int reset(void *ctx)
{
	struct vmd *vmd = ctx;

	return quiesce_too(pcie_function_reset(&vmd->endpoint));
}

static int dma_map(void *ctx, uint64_t iova, uint64_t size, uint32_t perm, int fd, uint64_t offset)
{
	const struct vmd *vmd = ctx;

	return iommu_map(vmd->config.domain, iova, size, perm, fd, offset);
}

static int dma_unmap(void *ctx, uint64_t iova, uint64_t last, uint64_t *unmapped)
{
	const struct vmd *vmd = ctx;
	int error = iommu_unmap(vmd->config.domain, iova, last, unmapped);

	if (error)
		return error;
	return *unmapped ? VFIO_USER_QUIESCE : VFIO_USER_DONE;
}

static int connected(void *ctx, pid_t pid, struct reason *why)
{
	struct vmd *vmd = ctx;

	vmd->attached = true;
	vmd->config.state->client_pid = (uint32_t)pid;
	vmd->config.state->attaches++;
	if (vmd->config.attached)
		vmd->config.attached(vmd->config.ctx, true);
	return 0;
}

static int disconnected(void *ctx)
{
	struct vmd *vmd = ctx;

	iommu_unmap_all(vmd->config.domain);
	(void)pcie_function_reset(&vmd->endpoint); /* a grace period follows in any case */
	endpoint_power_on(vmd);
	vmd->attached = false;
	vmd->config.state->client_pid = 0;
	if (vmd->config.attached)
		vmd->config.attached(vmd->config.ctx, false);
	return VFIO_USER_QUIESCE;
}

static uint64_t patience_ns(void *ctx)
{
	const struct vmd *vmd = ctx;

	return vmd->config.patience_ns ? vmd->config.patience_ns(vmd->config.ctx) : 0;
}

static const struct vfio_user_ops ops = {
	.region = vmd_region,
	.irq_count = irq_count,
	.read = vmd_read,
	.write = vmd_write,
	.reset = reset,
	.dma_map = dma_map,
	.dma_unmap = dma_unmap,
	.irq_set = irq_set,
	.irq_trigger = irq_trigger,
	.intx_mask = intx_mask,
	.connected = connected,
	.disconnected = disconnected,
	.patience_ns = patience_ns,
};

/* What the daemon asks for. */

static void vmd_free(struct quiesce_head *head)
{
	struct vmd *vmd = container_of(head, struct vmd, head);

	irqs_close(vmd);
	free((char *)vmd->config.socket_path);
	free(vmd);
}

static int check_config(const struct vmd_config *config, struct reason *why)
{
	unsigned int end = config->first_bus + config->buses;

	if (!config->buses || config->buses > VMD_MAX_BUSES || end > UINT8_MAX + 1)
		return refuse(why, -EINVAL, "%s: %u buses from %u on, at most %u are possible",
			      config->socket_path, config->buses, config->first_bus, VMD_MAX_BUSES);
	return 0;
}

static int open_socket(struct vmd *vmd, struct event_base *base, struct reason *why)
{
	const struct vfio_user_listen listen = { .path = vmd->config.socket_path,
						 .owner = vmd->config.owner,
						 .group = vmd->config.group,
						 .mode = vmd->config.mode };
	int error = irqs_open(vmd, base);

	if (error)
		return refuse(why, error, "%s: eventfd: %s", listen.path, strerror(-error));
	error = vfio_user_server_create(&vmd->server, base, vmd->quiesce, &listen, &ops, vmd, why);
	if (error)
		irqs_stop(vmd);
	return error;
}

int vmd_create(struct vmd **out, struct event_base *base, struct quiesce *quiesce,
	       const struct vmd_config *config, struct reason *why)
{
	int error = check_config(config, why);
	struct vmd *vmd;

	if (error)
		return error;
	vmd = calloc(1, sizeof(*vmd));
	if (!vmd)
		return refuse(why, -ENOMEM, "%s: out of memory", config->socket_path);
	vmd->config = *config;
	vmd->quiesce = quiesce;
	vmd->wake_fd = -1;
	vmd->config.socket_path = strdup(config->socket_path);
	if (!vmd->config.socket_path) {
		error = refuse(why, -ENOMEM, "%s: out of memory", config->socket_path);
		goto fail;
	}
	endpoint_layout(vmd);
	endpoint_power_on(vmd);
	vmd->config.state->client_pid = 0;
	error = open_socket(vmd, base, why);
	if (error)
		goto fail;
	*out = vmd;
	return 0;

fail:
	vmd_free(&vmd->head);
	return error;
}

void vmd_destroy(struct vmd *vmd)
{
	if (!vmd)
		return;
	vfio_user_server_destroy(vmd->server);
	irqs_stop(vmd);
	quiesce_call(vmd->quiesce, &vmd->head, vmd_free);
}

void vmd_check(struct vmd *vmd)
{
	if (vmd->attached && iommu_broken(vmd->config.domain))
		vfio_user_server_disconnect(vmd->server, "its memory file shrank while in use");
}

void vmd_info(struct vmd *vmd, struct vmd_info *info)
{
	const struct vfio_user_stats *stats = vfio_user_server_stats(vmd->server);
	pid_t pid = (pid_t)vmd->config.state->client_pid;

	*info = (struct vmd_info){
		.client = !vmd->attached ? 0
			  : pid		 ? pid
					 : -1,
		.socket_path = vmd->config.socket_path,
		.attaches = vmd->config.state->attaches,
		.interrupts = vmd->sent,
		.lost_interrupts = atomic_load_explicit(&vmd->lost, memory_order_relaxed),
		.messages = stats->messages,
		.message_errors = stats->errors,
	};
}
