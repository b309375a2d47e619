/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * card_vf.c - a VF's birth and death. The PF driver's write of VF Enable reaches the PF's function_ops: first the
 * device model gives the VFs their pools, then each VF becomes a bare PCI function on the bus and the manager gives it
 * a virtual configuration space and a socket. VF Enable = 0 goes the other way round.
 */
#include "daemon/card_internal.h"

#include <stdio.h>
#include <unistd.h>

#include "util/log.h"

static int vf_share(void *ctx, bool shared)
{
	struct card_vf *vf = ctx;

	return ixgbe_vf_share(ixgbe_get_vf(vf->pf->model, vf->index), shared);
}

static void vf_changed(void *ctx, bool attached)
{
	struct card_vf *vf = ctx;
	struct pf_driver *driver = atomic_load(&vf->pf->driver);

	if (log_ratelimit(&vf->limit))
		log_info("%s: %s", vf->bdf, attached ? "attached" : "detached");
	if (!attached && driver)
		pf_vf_released(driver,
			       vf->index); /* the next guest starts with nothing of this one's */
}

static int create_vf(struct card_vf *vf, struct reason *why)
{
	struct card_pf *pf = vf->pf;
	struct card *card = pf->port->card;
	const struct config_vf *config = &pf->config->vf[vf->index];
	uint16_t rid = pcie_vf_routing_id(&pf->pcie, vf->index);
	const struct iovm_vf_config iovm_config = {
		.socket_path = vf->socket,
		.owner = config->socket.owner,
		.group = config->socket.group,
		.mode = config->socket.mode,
		.registers_shared = config->registers_shared,
		.pf = &pf->pcie,
		.bare = &vf->bare,
		.vf = vf->index,
		.domain = vf->domain,
		.state = &pf->state->vf[vf->index].iovm,
		.share = vf_share,
		.shared_bar = 0,
		.shared_offset = IXGBE_VF_SHARED_OFFSET,
		.shared_size = IXGBE_VF_SHARED_SIZE,
		.changed = vf_changed,
		.ctx = vf,
	};
	struct iovm_vf *iovm;
	char bdf[sizeof(vf->bdf)];
	int error;

	pcie_bdf_format(card->config->domain, rid, bdf);
	memcpy(vf->bdf, bdf, sizeof(bdf));
	snprintf(vf->socket, sizeof(vf->socket), "%.80s/%s.sock", card->env->config->run_dir, bdf);
	pcie_function_init(&vf->bare, &pf->vf_layout, &pf->state->vf[vf->index].bare, rid,
			   &ixgbe_vf_function_ops, ixgbe_get_vf(pf->model, vf->index));
	error = pcie_hierarchy_add(card->hierarchy, &vf->bare);
	if (error)
		return refuse(why, error, "%s: address in use", vf->bdf);
	error = iovm_vf_create(&iovm, card->env->base, card->env->quiesce, &iovm_config, why);
	if (error) {
		pcie_hierarchy_remove(card->hierarchy, &vf->bare);
		return error;
	}
	atomic_store_explicit(&vf->iovm, iovm, memory_order_release);
	return 0;
}

static void destroy_vf(struct card_vf *vf)
{
	struct iovm_vf *iovm = atomic_exchange(&vf->iovm, NULL);

	if (!iovm)
		return;
	iovm_vf_destroy(iovm);
	pcie_hierarchy_remove(vf->pf->port->card->hierarchy, &vf->bare);
}

void card_vf_destroy_all(struct card_pf *pf)
{
	while (pf->vfs)
		destroy_vf(&pf->vf[--pf->vfs]);
}

/* function_ops of the PF; ctx is the card_pf, the model's own ctx is pf->model. */

static int pf_bar_read(void *ctx, unsigned int bar, uint64_t offset, void *data, uint32_t len)
{
	return ixgbe_pf_function_ops.bar_read(((struct card_pf *)ctx)->model, bar, offset, data,
					      len);
}

static int pf_bar_write(void *ctx, unsigned int bar, uint64_t offset, const void *data,
			uint32_t len)
{
	return ixgbe_pf_function_ops.bar_write(((struct card_pf *)ctx)->model, bar, offset, data,
					       len);
}

static int pf_reset(void *ctx)
{
	struct card_pf *pf = ctx;

	card_vf_destroy_all(pf);
	return ixgbe_pf_function_ops.reset ? ixgbe_pf_function_ops.reset(pf->model) : PCIE_DONE;
}

static void pf_command(void *ctx, uint16_t command)
{
	if (ixgbe_pf_function_ops.command)
		ixgbe_pf_function_ops.command(((struct card_pf *)ctx)->model, command);
}

static void pf_msix(void *ctx, bool enable, bool function_mask)
{
	if (ixgbe_pf_function_ops.msix)
		ixgbe_pf_function_ops.msix(((struct card_pf *)ctx)->model, enable, function_mask);
}

static int pf_vf_enable(void *ctx, unsigned int numvfs)
{
	struct card_pf *pf = ctx;
	struct reason why = { "" };
	int error = ixgbe_pf_function_ops.vf_enable(pf->model, numvfs);

	while (!error && pf->vfs < numvfs) {
		struct card_vf *vf = &pf->vf[pf->vfs];

		vf->pf = pf;
		vf->index = pf->vfs;
		vf->registers_shared = pf->config->vf[vf->index].registers_shared;
		error = create_vf(vf, &why);
		if (!error)
			pf->vfs++;
	}
	if (error) {
		log_error("%s: VF %u: %s", pf->bdf, pf->vfs,
			  why.text[0] ? why.text : strerror(-error));
		card_vf_destroy_all(pf);
		(void)ixgbe_pf_function_ops.vf_disable(pf->model);
	}
	return error;
}

static int pf_vf_disable(void *ctx)
{
	struct card_pf *pf = ctx;

	card_vf_destroy_all(pf);
	return ixgbe_pf_function_ops.vf_disable(pf->model);
}

void card_vf_ops(struct card_pf *pf)
{
	pf->ops = (struct function_ops){
		.bar_read = pf_bar_read,
		.bar_write = pf_bar_write,
		.reset = pf_reset,
		.command = pf_command,
		.msix = pf_msix,
		.vf_enable = pf_vf_enable,
		.vf_disable = pf_vf_disable,
	};
}

void card_vf_policy(const struct card_pf *pf, struct pf_vf_policy policy[PF_MAX_VFS])
{
	_Static_assert(CONFIG_MAX_VFS == PF_MAX_VFS, "one entry for each VF there can be");

	for (unsigned int i = 0; i < PF_MAX_VFS; i++) {
		const struct config_vf *config = &pf->config->vf[i];

		policy[i] = (struct pf_vf_policy){ .vlan = config->vlan,
						   .qos = config->qos,
						   .spoofchk = config->spoofchk,
						   .max_tx_rate = config->max_tx_rate,
						   .trusted = config->trust };
		if (config->mac.given)
			memcpy(policy[i].mac, config->mac.address, ETH_ALEN);
	}
}
