/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * card.c - build a card from its configuration: state file, ports, PFs with their device model and who drives them.
 *
 * The order is the hardware's: power (state file, configuration spaces, device model), then the wire, then the driver,
 * which speaks to the PF through configuration space and BARs like any driver: this daemon's own (card_driver.c), or one
 * in a VM (card_vm.c). When the driver sets VF Enable, the write arrives here (card_vf.c) on its way to the device model
 * and the VFs come to life.
 *
 * First VF Offset: 128 + 126 * floor(PF / 2), so that PF 2n and 2n + 1 share a range of 128 routing IDs.
 */
#include "daemon/card.h"

#include <event2/event.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "daemon/card_internal.h"
#include "util/bdf.h"
#include "util/log.h"

#define FIRST_VF_OFFSET 128
#define FIRST_VF_OFFSET_STEP 126

/* What the device model asks of the rest of the card */

static void wiring_changed(void *ctx)
{
	struct card_pf *pf = ctx;

	pf->port->dirty = true;
	pf->port->card->env->dirty(pf->port->card->env->ctx);
}

/* To whoever drives the PF: a driver here, or the VM that has the card. */
static void signal_pf(struct card_pf *pf, unsigned int vector)
{
	struct pf_driver *driver = atomic_load_explicit(&pf->driver, memory_order_acquire);
	struct vmd *vmd = atomic_load_explicit(&pf->port->card->vmd, memory_order_acquire);

	if (driver)
		pf_driver_interrupt(driver, vector);
	else if (vmd)
		vmd_signal(vmd, pf->pcie.routing_id, vector);
}

/* To the VM that has the card while the VF is home, else to the VF's client. */
static void signal_vf(struct card_vf *vf, unsigned int vector)
{
	struct iovm_vf *iovm;
	struct vmd *vmd;

	if (atomic_load_explicit(&vf->home, memory_order_acquire)) {
		vmd = atomic_load_explicit(&vf->pf->port->card->vmd, memory_order_acquire);
		if (vmd)
			vmd_signal(vmd, vf->bare.routing_id, vector);
		return;
	}
	iovm = atomic_load_explicit(&vf->iovm, memory_order_acquire);
	if (iovm)
		iovm_vf_signal(iovm, vector);
}

static void wiring_signal(void *ctx, int function, unsigned int vector)
{
	struct card_pf *pf = ctx;

	if (function < 0)
		signal_pf(pf, vector);
	else
		signal_vf(&pf->vf[function], vector);
}

static void wiring_arm(void *ctx, unsigned int pool, uint64_t due_ns)
{
	struct card_pf *pf = ctx;

	if (pf->port->dp)
		dp_port_arm(pf->port->dp, eswitch_vport(pf->partition, pool), due_ns);
}

static void wiring_kick(void *ctx)
{
	struct card_pf *pf = ctx;

	if (pf->port->dp)
		dp_port_kick(pf->port->dp);
}

uint64_t card_port_patience_ns(const struct card_port *port)
{
	return port->dp ? dp_port_patience_ns(port->dp) : 0;
}

/* Addresses: the PF's and, by the same seed, its VFs' (pf_derive_mac()) */

void card_mac_seed(const struct card_pf *pf, uint8_t seed[8])
{
	put_le64(seed, pf->port->card->config->serial + pf->function * 0x9e3779b97f4a7c15ull);
}

void card_pf_mac(const struct card_pf *pf, uint8_t mac[ETH_ALEN])
{
	uint8_t seed[8];

	if (pf->config->mac.given) {
		memcpy(mac, pf->config->mac.address, ETH_ALEN);
		return;
	}
	card_mac_seed(pf, seed);
	pf_derive_mac(seed, IXGBE_MAX_VFS, mac);
}

static void model_config(const struct card_pf *pf, struct ixgbe_config *config)
{
	*config = (struct ixgbe_config){
		.device_id = pf->port->card->config->device_id,
		.lan_id = (uint8_t)pf->port->index,
		.function = (uint8_t)pf->function,
		.multifunction = pf->port->card->pfs > 1,
		.first_vf_offset = FIRST_VF_OFFSET + FIRST_VF_OFFSET_STEP * (pf->function / 2),
		.total_vfs = pf->config->sriov ? IXGBE_MAX_VFS : 0,
	};
	card_pf_mac(pf, config->mac);
}

static int create_function(struct card_pf *pf, struct reason *why)
{
	struct card *card = pf->port->card;
	uint16_t rid = (uint16_t)(card->config->bus << 8 | pf->function);
	const struct ixgbe_wiring wiring = {
		.changed = wiring_changed,
		.signal = wiring_signal,
		.arm = wiring_arm,
		.kick = wiring_kick,
		.ctx = pf,
	};
	struct iommu_domain *vf_domain[IXGBE_MAX_VFS];
	struct ixgbe_config config;
	void *model_state;
	int error;

	bdf_format(card->config->domain, rid, pf->bdf);
	model_config(pf, &config);
	ixgbe_pf_layout(&config, &pf->layout);
	ixgbe_vf_layout(&config, &pf->vf_layout);
	error = iommu_domain_create(&pf->domain, rid, &pf->state->domain, card->env->quiesce);
	for (unsigned int i = 0; !error && i < IXGBE_MAX_VFS; i++) {
		uint16_t vf_rid = (uint16_t)(rid + config.first_vf_offset + 2 * i);

		error = iommu_domain_create(&pf->vf[i].domain, vf_rid, &pf->state->vf[i].domain,
					    card->env->quiesce);
		vf_domain[i] = pf->vf[i].domain;
	}
	if (error)
		return refuse(why, error, "%s: DMA domains: %s", pf->bdf, strerror(-error));

	model_state = (char *)card->state + card->state->model_offset +
		      pf->function * card->state->model_stride;
	error = ixgbe_create(&pf->model, &config, model_state, pf->domain, vf_domain,
			     pf->state->stats, card->env->quiesce, &wiring);
	if (error)
		return refuse(why, error, "%s: device model: %s", pf->bdf, strerror(-error));
	card_vf_ops(pf);
	pcie_function_init(&pf->pcie, &pf->layout, &pf->state->function, rid, &pf->ops, pf);
	error = pcie_hierarchy_add(card->hierarchy, &pf->pcie);
	if (error)
		return refuse(why, error, "%s: address in use", pf->bdf);
	return 0;
}

void card_pf_power_on(struct card_pf *pf)
{
	(void)pcie_function_reset(&pf->pcie);
	pcie_function_init(&pf->pcie, &pf->layout, &pf->state->function, pf->pcie.routing_id,
			   &pf->ops, pf);
}

/* The other end of a cable came or went. */
static void cable_changed(void *ctx)
{
	struct card_port *port = ctx;

	for (unsigned int i = 0; i < port->pfs; i++)
		if (port->pf[i].model)
			ixgbe_set_link(port->pf[i].model, uplink_link(port->uplink));
}

static int open_uplink(struct card_port *port, const struct config_port *config, struct reason *why)
{
	if (config->uplink.kind == CONFIG_UPLINK_TAP)
		return uplink_tap(&port->uplink, config->uplink.name, config->uplink_mtu, why);
	if (config->uplink.kind == CONFIG_UPLINK_CABLE)
		return uplink_cable(&port->uplink, config->uplink.name, cable_changed, port, why);
	return uplink_none(&port->uplink);
}

static int create_port(struct card_port *port, struct reason *why)
{
	struct card *card = port->card;
	const struct config_port *config = &card->config->port[port->index];
	int error = open_uplink(port, config, why);

	if (error)
		return error;
	error = dp_port_create(card->env->dp, &port->dp, port->uplink);
	if (error)
		return refuse(why, error, "card %s port %u: %s", card->address, port->index,
			      strerror(-error));
	port->dirty = true;
	for (unsigned int i = 0; i < port->pfs; i++) {
		error = create_function(&port->pf[i], why);
		if (error)
			return error;
		ixgbe_set_link(port->pf[i].model, uplink_link(port->uplink));
	}
	return 0;
}

static int create_state(struct card *card, struct reason *why)
{
	size_t stride = ALIGN_UP(ixgbe_state_size(), PAGE_SIZE_4K);
	size_t offset = ALIGN_UP(sizeof(struct card_state), PAGE_SIZE_4K);

	card->state_size = offset + card->pfs * stride;
	card->state = memfile_create("softiov-card", card->state_size, false, &card->state_fd);
	if (!card->state)
		return refuse(why, -errno, "card state file: %s", strerror(errno));
	card->state->magic = CARD_STATE_MAGIC;
	card->state->version = CARD_STATE_VERSION;
	card->state->pfs = card->pfs;
	card->state->model_offset = offset;
	card->state->model_stride = stride;
	for (unsigned int i = 0; i < card->pfs; i++)
		card->pf[i]->state = &card->state->pf[i];
	return 0;
}

static int create_leader(struct card *card, struct reason *why)
{
	uint16_t rid = (uint16_t)(card->config->bus << 8);
	int error = iommu_domain_create(&card->leader, rid, &card->state->vmd.domain,
					card->env->quiesce);

	return error ? refuse(why, error, "card %s: DMA domain: %s", card->address,
			      strerror(-error))
		     : 0;
}

/* In vm mode a PF is as ready as it can be before there is a VM. */
static int start(struct card *card, struct reason *why)
{
	int error = 0;

	if (card->mode == CONFIG_MODE_VM) {
		error = card_vm_start(card, why);
		for (unsigned int i = 0; !error && i < card->pfs; i++)
			card->env->ready(card->env->ctx);
		return error;
	}
	for (unsigned int i = 0; !error && i < card->pfs; i++)
		error = card_start_driver(card->pf[i], why);
	return error;
}

static void on_sweep(evutil_socket_t fd, short events, void *ctx)
{
	(void)fd, (void)events;
	card_vf_sweep(ctx);
}

static void lay_out_pf(struct card_port *port, unsigned int partition)
{
	struct card_pf *pf = &port->pf[partition];
	struct card *card = port->card;

	pf->port = port;
	pf->function = card->pfs;
	pf->partition = partition;
	pf->config = &card->config->port[port->index].pf[partition];
	for (unsigned int i = 0; i < IXGBE_MAX_VFS; i++) {
		pf->vf[i].pf = pf;
		pf->vf[i].index = i;
		pf->vf[i].registers_shared = pf->config->vf[i].registers_shared;
	}
	card->pf[card->pfs++] = pf;
}

/* What is in the structures before anything is made of it. */
static void lay_out(struct card *card)
{
	const struct config_card *config = card->config;

	snprintf(card->address, sizeof(card->address), "%04x:%02x", config->domain, config->bus);
	card->mode = config->mode;
	card->ports = config->ports;
	card->state_fd = -1;
	for (unsigned int i = 0; i < card->ports; i++) {
		struct card_port *port = &card->port[i];

		port->card = card;
		port->index = i;
		port->pfs = config->port[i].pfs;
		for (unsigned int k = 0; k < port->pfs; k++)
			lay_out_pf(port, k);
	}
}

int card_create(struct card **result, const struct card_env *env, const struct config_card *config,
		struct reason *why)
{
	struct card *card = calloc(1, sizeof(*card));
	int error;

	if (!card)
		return refuse(why, -ENOMEM, "out of memory");
	card->env = env;
	card->config = config;
	lay_out(card);
	card->hierarchy = pcie_hierarchy_create();
	card->sweep = evtimer_new(env->base, on_sweep, card);
	error = card->hierarchy && card->sweep ? create_state(card, why)
					       : refuse(why, -ENOMEM, "out of memory");
	if (!error)
		error = create_leader(card, why);
	for (unsigned int i = 0; !error && i < card->ports; i++)
		error = create_port(&card->port[i], why);
	if (!error)
		error = start(card, why);
	*result = card; /* the caller destroys it, whole or not */
	if (!error)
		card_publish(card);
	return error;
}

static void nothing(void *ctx)
{
	(void)ctx;
}

void card_detach(struct card *card)
{
	card->closing = true;
	if (!card->hierarchy)
		return; /* there was no memory for it: nothing was made */
	for (unsigned int i = 0; i < card->pfs; i++) {
		card_vf_destroy_all(card->pf[i]);
		card_stop_driver(card->pf[i], nothing, NULL);
	}
	card_vm_stop(card);
}

void card_workers_gone(struct card *card)
{
	for (unsigned int i = 0; i < card->ports; i++)
		card->port[i].dp = NULL;
}

static void destroy_pf(struct card_pf *pf)
{
	if (pf->pcie.state)
		pcie_hierarchy_remove(pf->port->card->hierarchy, &pf->pcie);
	if (pf->model)
		ixgbe_destroy(pf->model);
	for (unsigned int i = 0; i < IXGBE_MAX_VFS; i++)
		if (pf->vf[i].domain)
			iommu_domain_destroy(pf->vf[i].domain);
	if (pf->domain)
		iommu_domain_destroy(pf->domain);
}

void card_destroy(struct card *card)
{
	for (unsigned int i = 0; i < card->ports; i++) {
		struct card_port *port = &card->port[i];

		for (unsigned int k = 0; k < port->pfs; k++)
			destroy_pf(&port->pf[k]);
		if (port->uplink)
			port->uplink->ops->close(port->uplink);
	}
	if (card->leader)
		iommu_domain_destroy(card->leader);
	if (card->sweep)
		event_free(card->sweep);
	if (card->hierarchy)
		pcie_hierarchy_destroy(card->hierarchy);
	if (card->state)
		munmap(card->state, card->state_size);
	if (card->state_fd >= 0)
		close(card->state_fd);
	free(card);
}
