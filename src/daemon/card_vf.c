/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * card_vf.c - a VF's birth and death. The PF driver's write of VF Enable reaches the PF's function_ops: first the
 * device model gives the VFs their pools, then each VF becomes a bare PCI function on the bus and the manager gives it
 * a virtual configuration space and a socket. VF Enable = 0 goes the other way round.
 *
 * In vm mode the PF driver knows nothing of the clients of its VFs, and nothing that it does may cost a client its
 * device: a VF with a client that ceases to exist is an orphan until it exists again, or until the client is gone.
 */
#include "daemon/card_internal.h"

#include <event2/event.h>
#include <stdio.h>
#include <unistd.h>

#include "util/log.h"

static bool vm_mode(const struct card_vf *vf)
{
	return vf->pf->port->card->mode == CONFIG_MODE_VM;
}

struct card_vf *card_managed(struct card_pf *pf, unsigned int vf)
{
	return vf < IXGBE_MAX_VFS && atomic_load(&pf->vf[vf].iovm) ? &pf->vf[vf] : NULL;
}

/* What the manager asks and tells */

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
	vf->attached = attached;
	if (attached)
		return;
	if (driver)
		pf_vf_released(driver,
			       vf->index); /* the next guest starts with nothing of this one's */
	if (vm_mode(vf)) {
		card_vf_return(vf);
		event_active(vf->pf->port->card->reap, EV_TIMEOUT, 0); /* if it was an orphan */
	}
}

/* Life and death */

/* On the bus of the card's own VM, or, without one, of nobody. */
static struct pcie_function *on_bus(struct card_vf *vf)
{
	return vm_mode(vf) ? &vf->seen : &vf->bare;
}

static void power_on(struct card_vf *vf)
{
	struct card_pf *pf = vf->pf;

	pcie_function_init(&vf->bare, &pf->vf_layout, &pf->state->vf[vf->index].bare,
			   pcie_vf_routing_id(&pf->pcie, vf->index), &ixgbe_vf_function_ops,
			   ixgbe_get_vf(pf->model, vf->index));
	card_vf_seen_init(vf);
}

static int open_vf(struct card_vf *vf, struct iovm_vf **iovm, struct reason *why)
{
	struct card_pf *pf = vf->pf;
	const struct card_env *env = pf->port->card->env;
	const struct config_vf *config = &pf->config->vf[vf->index];
	const struct iovm_vf_config iovm_config = {
		.socket_path = vf->socket,
		.owner = config->socket.owner,
		.group = config->socket.group,
		.mode = config->socket.mode,
		.registers_shared = vf->registers_shared,
		.pf = &pf->pcie,
		.bare = &vf->bare,
		.vf = vf->index,
		.domain = vf->domain,
		.state = &pf->state->vf[vf->index].iovm,
		.share = vf_share,
		.shared_bar = 0,
		.shared_offset = IXGBE_VF_SHARED_OFFSET,
		.shared_size = IXGBE_VF_SHARED_SIZE,
		.admit = vm_mode(vf) ? card_vf_admit : NULL,
		.changed = vf_changed,
		.ctx = vf,
	};

	return iovm_vf_create(iovm, env->base, env->quiesce, &iovm_config, why);
}

static int create_vf(struct card_vf *vf, struct reason *why)
{
	struct card *card = vf->pf->port->card;
	char bdf[sizeof(vf->bdf)];
	struct iovm_vf *iovm;
	int error;

	vf->registers_shared = vf->pf->config->vf[vf->index].registers_shared;
	power_on(vf);
	pcie_bdf_format(card->config->domain, vf->bare.routing_id, bdf);
	memcpy(vf->bdf, bdf, sizeof(bdf));
	snprintf(vf->socket, sizeof(vf->socket), "%.80s/%s.sock", card->env->config->run_dir, bdf);
	error = pcie_hierarchy_add(card->hierarchy, on_bus(vf));
	if (error)
		return refuse(why, error, "%s: address in use", vf->bdf);
	error = open_vf(vf, &iovm, why);
	if (error) {
		pcie_hierarchy_remove(card->hierarchy, on_bus(vf));
		return error;
	}
	atomic_store_explicit(&vf->iovm, iovm, memory_order_release);
	atomic_store_explicit(&vf->home, vm_mode(vf) && !vf->returning, memory_order_release);
	return 0;
}

static void destroy_vf(struct card_vf *vf)
{
	struct iovm_vf *iovm = atomic_exchange(&vf->iovm, NULL);

	if (!iovm)
		return;
	atomic_store(&vf->home, false);
	iovm_vf_destroy(iovm);
	pcie_hierarchy_remove(vf->pf->port->card->hierarchy, on_bus(vf));
}

/* The VF ceases to exist by the PF driver's will. */
static void end_vf(struct card_vf *vf)
{
	if (!vm_mode(vf) || !vf->attached) {
		destroy_vf(vf);
		return;
	}
	if (log_ratelimit(&vf->limit))
		log_info("%s: taken away by the card's VM from the one that has it", vf->bdf);
	iovm_vf_orphan(atomic_load(&vf->iovm));
	pcie_hierarchy_remove(vf->pf->port->card->hierarchy, on_bus(vf));
}

/* It exists again while its client is still there. */
static int revive_vf(struct card_vf *vf, struct reason *why)
{
	int error;

	power_on(vf);
	error = pcie_hierarchy_add(vf->pf->port->card->hierarchy, on_bus(vf));
	if (error)
		return refuse(why, error, "%s: address in use", vf->bdf);
	if (log_ratelimit(&vf->limit))
		log_info("%s: given back by the card's VM to the one that has it", vf->bdf);
	iovm_vf_revive(atomic_load(&vf->iovm));
	return 0;
}

static int begin_vf(struct card_vf *vf, struct reason *why)
{
	if (vf->attached)
		return revive_vf(vf, why);
	destroy_vf(vf); /* an orphan whose client has just gone */
	return create_vf(vf, why);
}

static void end_all(struct card_pf *pf)
{
	while (pf->vfs)
		end_vf(&pf->vf[--pf->vfs]);
}

void card_vf_destroy_all(struct card_pf *pf)
{
	pf->vfs = 0;
	for (unsigned int i = 0; i < IXGBE_MAX_VFS; i++)
		destroy_vf(&pf->vf[i]);
}

void card_vf_reap(struct card_pf *pf)
{
	for (unsigned int i = pf->vfs; i < IXGBE_MAX_VFS; i++)
		if (!pf->vf[i].attached)
			destroy_vf(&pf->vf[i]);
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

	end_all(pf);
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
	static struct log_limit limit;
	struct card_pf *pf = ctx;
	struct reason why = { "" };
	int error = ixgbe_pf_function_ops.vf_enable(pf->model, numvfs);

	while (!error && pf->vfs < numvfs) {
		error = begin_vf(&pf->vf[pf->vfs], &why);
		if (!error)
			pf->vfs++;
	}
	if (error) {
		if (log_ratelimit(&limit))
			log_error("%s: VF %u: %s", pf->bdf, pf->vfs,
				  why.text[0] ? why.text : strerror(-error));
		end_all(pf);
		(void)ixgbe_pf_function_ops.vf_disable(pf->model);
	}
	return error;
}

static int pf_vf_disable(void *ctx)
{
	struct card_pf *pf = ctx;

	end_all(pf);
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
