/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * card_vf.c - a VF's birth and death. The PF driver's write of VF Enable reaches the PF's function_ops: first the
 * device model gives the VFs their pools, then each VF becomes a bare PCI function on the bus and the manager gives it
 * a virtual configuration space and a socket. VF Enable = 0 goes the other way round.
 *
 * In vm mode the PF driver knows nothing of the clients of its VFs, and nothing that it does may cost a client its
 * device: a VF with a client that ceases to exist is an orphan until it exists again, or until the client is gone. Nor
 * may it cost other guests time, whatever it does to VF Enable: the VFs are on the bus at once, but their sockets are
 * opened and closed later, one a turn of the event loop (the *sweep*). Until then a VF without a bare VF is an orphan
 * too, and one without a socket simply has none yet.
 */
#include "daemon/card_internal.h"

#include <event2/event.h>
#include <stdio.h>
#include <unistd.h>

#include "util/bdf.h"
#include "util/log.h"

static bool vm_mode(const struct card_vf *vf)
{
	return vf->pf->port->card->mode == CONFIG_MODE_VM;
}

struct card_vf *card_managed(struct card_pf *pf, unsigned int vf)
{
	return vf < IXGBE_MAX_VFS && atomic_load(&pf->vf[vf].iovm) ? &pf->vf[vf] : NULL;
}

/* A timer of zero length runs after the guests' messages. */
static void sweep_soon(struct card *card)
{
	static const struct timeval now = { 0, 0 };

	if (!event_pending(card->sweep, EV_TIMEOUT, NULL))
		event_add(card->sweep, &now);
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
	card_changed(vf->pf->port->card);
	if (attached)
		return;
	if (driver)
		pf_vf_released(driver,
			       vf->index); /* the next guest starts with nothing of this one's */
	if (vm_mode(vf)) {
		card_vf_return(vf);
		sweep_soon(vf->pf->port->card); /* if it was an orphan */
	}
}

/* The bus: that of the card's own VM, or, without one, nobody's */

static struct pcie_function *on_bus(struct card_vf *vf)
{
	return vm_mode(vf) ? &vf->seen : &vf->bare;
}

static void name(struct card_vf *vf)
{
	const struct card *card = vf->pf->port->card;
	char bdf[sizeof(vf->bdf)];

	bdf_format(card->config->domain, vf->bare.routing_id, bdf);
	memcpy(vf->bdf, bdf, sizeof(bdf));
	snprintf(vf->socket, sizeof(vf->socket), "%.80s/%s.sock", card->env->config->run_dir, bdf);
}

/* At power-on. */
static int enter_bus(struct card_vf *vf, struct reason *why)
{
	struct card_pf *pf = vf->pf;
	int error;

	pcie_function_init(&vf->bare, &pf->vf_layout, &pf->state->vf[vf->index].bare,
			   pcie_vf_routing_id(&pf->pcie, vf->index), &ixgbe_vf_function_ops,
			   ixgbe_get_vf(pf->model, vf->index));
	card_vf_seen_init(vf);
	name(vf);
	card_changed(pf->port->card);
	error = pcie_hierarchy_add(pf->port->card->hierarchy, on_bus(vf));
	return error ? refuse(why, error, "%s: address in use", vf->bdf) : 0;
}

static void leave_bus(struct card_vf *vf)
{
	card_changed(vf->pf->port->card);
	pcie_hierarchy_remove(vf->pf->port->card->hierarchy, on_bus(vf));
}

/* The socket */

static uint64_t vf_patience_ns(void *ctx)
{
	const struct card_vf *vf = ctx;

	return card_port_patience_ns(vf->pf->port);
}

static int open_socket(struct card_vf *vf, struct reason *why)
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
		.patience_ns = vf_patience_ns,
		.ctx = vf,
	};
	struct iovm_vf *iovm;
	int error = iovm_vf_create(&iovm, env->base, env->quiesce, &iovm_config, why);

	if (!error)
		atomic_store_explicit(&vf->iovm, iovm, memory_order_release);
	card_changed(pf->port->card);
	return error;
}

static void close_socket(struct card_vf *vf)
{
	struct iovm_vf *iovm = atomic_exchange(&vf->iovm, NULL);

	if (iovm)
		iovm_vf_destroy(iovm);
}

/* Host mode: the PF driver says that VFs are there, and they are. */

static int create_vf(struct card_vf *vf, struct reason *why)
{
	int error = enter_bus(vf, why);

	if (!error)
		error = open_socket(vf, why);
	if (error)
		leave_bus(vf);
	return error;
}

static void destroy_vf(struct card_vf *vf)
{
	atomic_store_explicit(&vf->home, false, memory_order_release);
	close_socket(vf);
	leave_bus(vf);
}

/* Vm mode */

static int begin_vf(struct card_vf *vf, struct reason *why)
{
	struct iovm_vf *iovm = atomic_load(&vf->iovm);
	int error = enter_bus(vf, why);

	if (error)
		return error;
	if (vf->attached && log_ratelimit(&vf->limit))
		log_info("%s: given back by the card's VM to the one that has it", vf->bdf);
	if (iovm)
		iovm_vf_revive(iovm);
	vf->no_socket = false;
	atomic_store_explicit(&vf->home, !vf->attached && !vf->returning, memory_order_release);
	sweep_soon(vf->pf->port->card);
	return 0;
}

static void end_vf(struct card_vf *vf)
{
	struct iovm_vf *iovm = atomic_load(&vf->iovm);

	if (vf->attached && log_ratelimit(&vf->limit))
		log_info("%s: taken away by the card's VM from the one that has it", vf->bdf);
	if (iovm)
		iovm_vf_orphan(iovm);
	atomic_store_explicit(&vf->home, false, memory_order_release);
	leave_bus(vf);
	sweep_soon(vf->pf->port->card);
}

/* Return: was there anything to be done? */
static bool sweep_vf(struct card_vf *vf)
{
	bool open = atomic_load_explicit(&vf->iovm, memory_order_relaxed);
	struct reason why = { "" };

	if (card_vf_exists(vf) && !open && !vf->no_socket) {
		vf->no_socket = open_socket(vf, &why) != 0;
		if (vf->no_socket && log_ratelimit(&vf->limit))
			log_error("%s: other VMs cannot have it: %s", vf->bdf, why.text);
		return true;
	}
	if (card_vf_exists(vf) || !open || vf->attached)
		return false;
	close_socket(vf);
	return true;
}

void card_vf_sweep(struct card *card)
{
	if (card->mode != CONFIG_MODE_VM || card->closing)
		return;
	for (unsigned int i = 0; i < card->pfs; i++)
		for (unsigned int v = 0; v < IXGBE_MAX_VFS; v++)
			if (sweep_vf(&card->pf[i]->vf[v])) {
				sweep_soon(card);
				return;
			}
}

static void end_all(struct card_pf *pf)
{
	bool vm = pf->port->card->mode == CONFIG_MODE_VM;

	while (pf->vfs) {
		struct card_vf *vf = &pf->vf[--pf->vfs];

		if (vm)
			end_vf(vf);
		else
			destroy_vf(vf);
	}
}

void card_vf_destroy_all(struct card_pf *pf)
{
	pf->vfs = 0;
	for (unsigned int i = 0; i < IXGBE_MAX_VFS; i++)
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
	return ixgbe_pf_function_ops.reset(pf->model);
}

static void pf_command(void *ctx, uint16_t command)
{
	ixgbe_pf_function_ops.command(((struct card_pf *)ctx)->model, command);
}

static void pf_msix(void *ctx, bool enable, bool function_mask)
{
	ixgbe_pf_function_ops.msix(((struct card_pf *)ctx)->model, enable, function_mask);
}

static int pf_vf_enable(void *ctx, unsigned int numvfs)
{
	static struct log_limit limit;
	struct card_pf *pf = ctx;
	struct reason why = { "" };
	int error = ixgbe_pf_function_ops.vf_enable(pf->model, numvfs);

	while (!error && pf->vfs < numvfs) {
		struct card_vf *vf = &pf->vf[pf->vfs];

		error = vm_mode(vf) ? begin_vf(vf, &why) : create_vf(vf, &why);
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
