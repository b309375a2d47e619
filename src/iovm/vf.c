// SPDX-License-Identifier: BSD-3-Clause
/*
 * vf.c - a VF from VF Enable to its end: the socket, the client that comes and goes, resets.
 *
 * The VM sees a function of its own, with the composed configuration space, whose effects are
 * applied to what is really there: bus mastering to the DMA domain, Command and MSI-X control to
 * the bare VF's registers, a reset to the bare VF. The device model behind the bare VF cannot
 * tell a manager from a system that owns the whole card.
 *
 *	event			maps	eventfds  registers  configuration space
 *	FLR, DEVICE_RESET	stay	stay	  reset	     power-on (not sticky bits)
 *	client gone		go	go	  reset	     power-on
 *	orphaned		stay	stay	  stay	     stays
 *	revived			stay	stay	  power-on   stays, applied to the bare VF again
 *
 * An orphan is a VF whose client outlives the bare VF: the PF driver cleared VF Enable, in a VM that
 * knows nothing of the client's. All it has of the device is that registers answer.
 *
 * After anything that takes memory or eventfds away from workers the ops ask the server for a grace
 * period, so that the answer means "nobody touches them any more".
 *
 * A client that is gone may still hold a mapping of shared register pages: before the function is
 * reset the device model is told to stop using that file, and each client gets a fresh one. Where
 * registers are trapped it gets fresh pages all the same.
 */
#include <stdlib.h>

#include "iovm/internal.h"

/* Effects of the virtual function's configuration space. */

static void on_command(void *ctx, uint16_t command)
{
	struct iovm_vf *vf = ctx;
	uint16_t bare_command = command & PCI_COMMAND_MASTER; /* all that a bare VF has of it */

	if (vf->orphan)
		return; /* until there is a bare VF to master the bus */
	iommu_set_bus_master(vf->config.domain, command & PCI_COMMAND_MASTER);
	/* Taking it away asks for a grace period on the virtual function's own account. */
	(void)pcie_config_write(vf->config.bare, PCI_COMMAND, &bare_command, sizeof(bare_command));
}

static void on_msix(void *ctx, bool enable, bool function_mask)
{
	struct iovm_vf *vf = ctx;
	uint16_t control =
		(enable ? PCI_MSIX_FLAGS_ENABLE : 0) | (function_mask ? PCI_MSIX_FLAGS_MASKALL : 0);

	/* The bare VF, when it is enabled, may signal at once what it held back. */
	if (enable)
		irqs_msix_enable(vf, true);
	(void)pcie_config_write(vf->config.bare, vf->config.bare->layout->msix + PCI_MSIX_FLAGS,
				&control, sizeof(control));
	if (!enable)
		irqs_msix_enable(vf, false);
}

static int on_reset(void *ctx)
{
	struct iovm_vf *vf = ctx;

	atomic_store(&vf->pending, 0);
	return pcie_function_reset(vf->config.bare);
}

static const struct function_ops virtual_ops = {
	.reset = on_reset,
	.command = on_command,
	.msix = on_msix,
};

/* What the client asks for. */

static int vf_reset(void *ctx)
{
	struct iovm_vf *vf = ctx;

	return pcie_function_reset(&vf->function) == PCIE_QUIESCE ? VFIO_USER_QUIESCE
								  : VFIO_USER_DONE;
}

static int vf_dma_map(void *ctx, uint64_t iova, uint64_t size, uint32_t perm, int fd,
		      uint64_t offset)
{
	struct iovm_vf *vf = ctx;
	int error = iommu_map(vf->config.domain, iova, size, perm, fd, offset);

	if (!error)
		advice_mapped(vf, size, fd);
	return error;
}

static int vf_dma_unmap(void *ctx, uint64_t iova, uint64_t last, uint64_t *unmapped)
{
	struct iovm_vf *vf = ctx;
	int error = iommu_unmap(vf->config.domain, iova, last, unmapped);

	if (error)
		return error;
	return *unmapped ? VFIO_USER_QUIESCE : VFIO_USER_DONE;
}

static int share(struct iovm_vf *vf, bool shared)
{
	return vf->config.share ? vf->config.share(vf->config.ctx, shared) : -1;
}

static int vf_connected(void *ctx, pid_t pid, struct reason *why)
{
	struct iovm_vf *vf = ctx;
	int result = vf->config.admit ? vf->config.admit(vf->config.ctx, why) : VFIO_USER_DONE;

	if (result < 0)
		return result;
	vf->shared_fd = share(vf, vf->want_shared);
	if (vf->want_shared && vf->config.share && vf->shared_fd < 0)
		log_warning("%s: no shared register file: registers are trapped",
			    vf->config.socket_path);
	vf->broken = false;
	vf->attached = true;
	vf->config.state->client_pid = (uint32_t)pid;
	vf->config.state->attaches++;
	advice_attached(vf);
	if (vf->config.changed)
		vf->config.changed(vf->config.ctx, true);
	return result == PCIE_QUIESCE ? VFIO_USER_QUIESCE : VFIO_USER_DONE;
}

static int vf_disconnected(void *ctx)
{
	struct iovm_vf *vf = ctx;

	iommu_unmap_all(vf->config.domain);
	irqs_release_all(vf);
	vf->shared_fd = share(vf, false);
	(void)pcie_function_reset(&vf->function); /* a grace period follows in any case */
	pcie_function_init(&vf->function, &vf->layout, &vf->config.state->virtual_config,
			   vf->config.bare->routing_id, &virtual_ops, vf);
	vf->attached = false;
	vf->config.state->client_pid = 0;
	if (vf->config.changed)
		vf->config.changed(vf->config.ctx, false);
	return VFIO_USER_QUIESCE;
}

static uint64_t vf_patience_ns(void *ctx)
{
	struct iovm_vf *vf = ctx;

	return vf->config.patience_ns ? vf->config.patience_ns(vf->config.ctx) : 0;
}

static const struct vfio_user_ops ops = {
	.region = vf_region,
	.irq_count = vf_irq_count,
	.read = vf_read,
	.write = vf_write,
	.reset = vf_reset,
	.dma_map = vf_dma_map,
	.dma_unmap = vf_dma_unmap,
	.irq_set = vf_irq_set,
	.irq_trigger = vf_irq_trigger,
	.intx_mask = vf_intx_mask,
	.connected = vf_connected,
	.disconnected = vf_disconnected,
	.patience_ns = vf_patience_ns,
};

/* What the daemon asks for. */

static void vf_free(struct quiesce_head *head)
{
	struct iovm_vf *vf = container_of(head, struct iovm_vf, head);

	free((char *)vf->config.socket_path);
	free(vf);
}

static int compose(struct iovm_vf *vf, struct reason *why)
{
	int error = virtual_config_compose(&vf->layout, vf->config.pf, vf->config.bare, why);

	if (error)
		return error;
	vf->vectors = vf->layout.msix_vectors;
	pcie_function_init(&vf->function, &vf->layout, &vf->config.state->virtual_config,
			   vf->config.bare->routing_id, &virtual_ops, vf);
	return 0;
}

int iovm_vf_create(struct iovm_vf **out, struct event_base *base, struct quiesce *quiesce,
		   const struct iovm_vf_config *config, struct reason *why)
{
	struct vfio_user_listen listen = { .owner = config->owner,
					   .group = config->group,
					   .mode = config->mode };
	struct iovm_vf *vf = calloc(1, sizeof(*vf));
	int error;

	if (!vf)
		return refuse(why, -ENOMEM, "VF %u: out of memory", config->vf);
	vf->config = *config;
	vf->quiesce = quiesce;
	vf->want_shared = config->registers_shared;
	vf->shared_fd = -1;
	vf->config.socket_path = strdup(config->socket_path);
	if (!vf->config.socket_path) {
		error = refuse(why, -ENOMEM, "VF %u: out of memory", config->vf);
		goto fail;
	}
	error = compose(vf, why);
	if (error)
		goto fail;
	vf->config.state->client_pid = 0;
	listen.path = vf->config.socket_path;
	error = vfio_user_server_create(&vf->server, base, quiesce, &listen, &ops, vf, why);
	if (error)
		goto fail;
	*out = vf;
	return 0;

fail:
	vf_free(&vf->head);
	return error;
}

void iovm_vf_destroy(struct iovm_vf *vf)
{
	if (!vf)
		return;
	vfio_user_server_destroy(vf->server);
	quiesce_call(vf->quiesce, &vf->head, vf_free);
}

void iovm_vf_orphan(struct iovm_vf *vf)
{
	vf->orphan = true;
	iommu_set_bus_master(vf->config.domain, false);
}

void iovm_vf_revive(struct iovm_vf *vf)
{
	uint16_t control;

	vf->orphan = false;
	on_command(vf, pcie_command(&vf->function));
	pcie_config_read(&vf->function, vf->layout.msix + PCI_MSIX_FLAGS, &control,
			 sizeof(control));
	on_msix(vf, control & PCI_MSIX_FLAGS_ENABLE, control & PCI_MSIX_FLAGS_MASKALL);
}

void iovm_vf_check(struct iovm_vf *vf)
{
	if (!vf->attached)
		return;
	if (iommu_broken(vf->config.domain)) {
		vf->broken = true;
		vfio_user_server_disconnect(vf->server, "its memory file shrank while in use");
		return;
	}
	advice_look(vf);
}

void iovm_vf_info(struct iovm_vf *vf, struct iovm_vf_info *info)
{
	const struct vfio_user_stats *stats = vfio_user_server_stats(vf->server);
	uint16_t command = pcie_command(&vf->function);
	pid_t pid = (pid_t)vf->config.state->client_pid;

	*info = (struct iovm_vf_info){
		.client = !vf->attached ? 0
			  : pid		? pid
					: -1,
		.socket_path = vf->config.socket_path,
		.registers_shared = vf->attached ? vf->shared_fd >= 0 : vf->want_shared,
		.bus_master = command & PCI_COMMAND_MASTER,
		.memory_space = command & PCI_COMMAND_MEMORY,
		.msix = atomic_load_explicit(&vf->msix_enabled, memory_order_relaxed),
		.vectors = irqs_assigned(vf),
		.lost_signals = atomic_load_explicit(&vf->lost_signals, memory_order_relaxed),
		.messages = stats->messages,
		.message_errors = stats->errors,
		.attaches = vf->config.state->attaches,
		.broken = vf->broken,
		.orphan = vf->orphan,
		.advice = advice_text(vf),
	};
}

void iovm_vf_config_space(struct iovm_vf *vf, uint8_t config[PCIE_CONFIG_SIZE])
{
	pcie_config_read(&vf->function, 0, config, PCIE_CONFIG_SIZE);
}

struct pcie_function *iovm_vf_function(struct iovm_vf *vf)
{
	return &vf->function;
}

void iovm_vf_set_registers(struct iovm_vf *vf, bool shared)
{
	vf->want_shared = shared;
}
