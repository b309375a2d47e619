/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * card.c - build a card from its configuration: state file, ports, PFs with their device model and PF driver.
 *
 * The order is the hardware's: power (state file, configuration spaces, device model), then the wire, then the driver,
 * which speaks to the PF through configuration space and BAR 0 like any driver (struct pf_access below). When the
 * driver sets VF Enable, the write arrives here (card_vf.c) on its way to the device model and the VFs come to life.
 *
 * First VF Offset: 128 + 126 * floor(PF / 2), so that PF 2n and 2n + 1 share a range of 128 routing IDs.
 */
#include "daemon/card.h"

#include <fcntl.h>
#include <linux/pci_regs.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "daemon/card_internal.h"
#include "util/log.h"

#define FIRST_VF_OFFSET 128
#define FIRST_VF_OFFSET_STEP 126

/* The bus between the built-in PF driver and its PF */

static uint32_t access_config_read(void *ctx, uint16_t offset, unsigned int len)
{
	struct card_pf *pf = ctx;
	uint32_t value = 0;

	pcie_config_read(&pf->pcie, offset, &value, len);
	return value;
}

static int access_config_write(void *ctx, uint16_t offset, uint32_t value, unsigned int len)
{
	struct card_pf *pf = ctx;
	int result = pcie_config_write(&pf->pcie, offset, &value, len);

	iommu_set_bus_master(pf->domain, pcie_command(&pf->pcie) & PCI_COMMAND_MASTER);
	return result < 0 ? result : 0;
}

static uint32_t access_read(void *ctx, uint32_t offset)
{
	struct card_pf *pf = ctx;
	uint32_t value = 0;

	(void)ixgbe_pf_function_ops.bar_read(pf->model, 0, offset, &value, sizeof(value));
	return value;
}

static void access_write(void *ctx, uint32_t offset, uint32_t value)
{
	struct card_pf *pf = ctx;

	(void)ixgbe_pf_function_ops.bar_write(pf->model, 0, offset, &value, sizeof(value));
}

static int access_dma_map(void *ctx, uint64_t iova, uint64_t size, void *host)
{
	struct card_pf *pf = ctx;

	return iommu_map_host(pf->domain, iova, size, IOMMU_READ | IOMMU_WRITE, host);
}

/** struct settled - a callback of the PF driver that waits for a grace period. */
struct settled {
	struct quiesce_head head;
	void (*done)(void *ctx);
	void *ctx;
};

static void on_settled(struct quiesce_head *head)
{
	struct settled *settled = container_of(head, struct settled, head);

	settled->done(settled->ctx);
	free(settled);
}

static void access_settle(void *ctx, void (*done)(void *ctx), void *done_ctx)
{
	struct card_pf *pf = ctx;
	struct settled *settled = malloc(sizeof(*settled));

	if (!settled) {
		log_error("%s: out of memory, a change is applied without waiting for the workers",
			  pf->bdf);
		done(done_ctx);
		return;
	}
	*settled = (struct settled){ .done = done, .ctx = done_ctx };
	quiesce_call(pf->port->card->env->quiesce, &settled->head, on_settled);
}

static void access_dma_unmap(void *ctx, uint64_t iova, uint64_t size, void (*done)(void *ctx),
			     void *done_ctx)
{
	struct card_pf *pf = ctx;

	(void)iommu_unmap(pf->domain, iova, iova + size - 1, NULL);
	access_settle(ctx, done, done_ctx);
}

/* What the device model asks of the rest of the card */

static void wiring_changed(void *ctx)
{
	struct card_pf *pf = ctx;

	pf->port->dirty = true;
	pf->port->card->env->dirty(pf->port->card->env->ctx);
}

static void wiring_signal(void *ctx, int function, unsigned int vector)
{
	struct card_pf *pf = ctx;
	struct pf_driver *driver;
	struct iovm_vf *vf;

	if (function < 0) {
		driver = atomic_load_explicit(&pf->driver, memory_order_acquire);
		if (driver)
			pf_driver_interrupt(driver, vector);
		return;
	}
	vf = atomic_load_explicit(&pf->vf[function].iovm, memory_order_acquire);
	if (vf)
		iovm_vf_signal(vf, vector);
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

/* Addresses: the PF's and, by the same seed, its VFs' (pf_derive_mac()) */

static void mac_seed(const struct card_pf *pf, uint8_t seed[8])
{
	put_le64(seed, pf->port->card->config->serial + pf->function * 0x9e3779b97f4a7c15ull);
}

static void model_config(const struct card_pf *pf, struct ixgbe_config *config)
{
	uint8_t seed[8];

	*config = (struct ixgbe_config){
		.device_id = pf->port->card->config->device_id,
		.lan_id = (uint8_t)pf->port->index,
		.function = (uint8_t)pf->function,
		.multifunction = pf->port->card->ports * pf->port->card->config->port[0].pfs > 1,
		.first_vf_offset = FIRST_VF_OFFSET + FIRST_VF_OFFSET_STEP * (pf->function / 2),
		.total_vfs = IXGBE_MAX_VFS,
	};
	mac_seed(pf, seed);
	if (pf->config->mac.given)
		memcpy(config->mac, pf->config->mac.address, ETH_ALEN);
	else
		pf_derive_mac(seed, IXGBE_MAX_VFS, config->mac);
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

	pcie_bdf_format(card->config->domain, rid, pf->bdf);
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

/* Say why VFs or an interface are missing, but let the rest of the card run. */
static void driver_ready(void *ctx)
{
	struct card_pf *pf = ctx;
	const struct card_env *env = pf->port->card->env;

	log_info("%s: up with %u VFs%s%s", pf->bdf, pf->vfs,
		 pf->netdev[0] ? ", host interface " : "", pf->netdev);
	env->ready(env->ctx);
}

static bool may_create_tap(void)
{
	int fd = open("/dev/net/tun", O_RDWR | O_CLOEXEC);

	if (fd >= 0)
		close(fd);
	return fd >= 0 && geteuid() == 0;
}

static int start_driver(struct card_pf *pf, struct reason *why)
{
	const struct pf_access access = {
		.ctx = pf,
		.config_read = access_config_read,
		.config_write = access_config_write,
		.read = access_read,
		.write = access_write,
		.dma_map = access_dma_map,
		.dma_unmap = access_dma_unmap,
		.settle = access_settle,
	};
	struct pf_vf_policy policy[PF_MAX_VFS];
	struct pf_config config = { .num_vfs = pf->config->vfs,
				    .mtu = pf->config->mtu,
				    .policy = policy };
	struct pf_driver *driver = NULL;
	int error;

	card_vf_policy(pf, policy);
	mac_seed(pf, config.mac_seed);
	if (pf->config->netdev.kind == CONFIG_NETDEV_NAMED ||
	    (pf->config->netdev.kind == CONFIG_NETDEV_AUTO && may_create_tap()))
		memcpy(pf->netdev, pf->config->netdev.name, IFNAMSIZ);
	else if (pf->config->netdev.kind == CONFIG_NETDEV_AUTO)
		log_info("%s: no host interface %s: only root may create one", pf->bdf,
			 pf->config->netdev.name);
	config.netdev = pf->netdev[0] ? pf->netdev : NULL;
	error = pf_driver_create(&driver, pf->port->card->env->base, &access, &pf->state->driver,
				 &config, driver_ready, pf, why);
	if (!error)
		atomic_store_explicit(&pf->driver, driver, memory_order_release);
	return error;
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
		return refuse(why, error, "card %04x:%02x port %u: %s", card->config->domain,
			      card->config->bus, port->index, strerror(-error));
	port->dirty = true;
	for (unsigned int i = 0; i < port->pfs; i++) {
		error = create_function(&port->pf[i], why);
		if (error)
			return error;
		ixgbe_set_link(port->pf[i].model, uplink_link(port->uplink));
	}
	for (unsigned int i = 0; i < port->pfs; i++) {
		error = start_driver(&port->pf[i], why);
		if (error)
			return error;
	}
	return 0;
}

static int create_state(struct card *card, unsigned int pfs, struct reason *why)
{
	size_t stride = ALIGN_UP(ixgbe_state_size(), PAGE_SIZE_4K);
	size_t offset = ALIGN_UP(sizeof(struct card_state), PAGE_SIZE_4K);

	card->state_size = offset + pfs * stride;
	card->state = memfile_create("softiov-card", card->state_size, false, &card->state_fd);
	if (!card->state)
		return refuse(why, -errno, "card state file: %s", strerror(errno));
	card->state->magic = CARD_STATE_MAGIC;
	card->state->version = CARD_STATE_VERSION;
	card->state->pfs = pfs;
	card->state->model_offset = offset;
	card->state->model_stride = stride;
	return 0;
}

int card_create(struct card **result, const struct card_env *env, const struct config_card *config,
		struct reason *why)
{
	struct card *card = calloc(1, sizeof(*card));
	unsigned int functions = 0;
	int error;

	if (!card)
		return refuse(why, -ENOMEM, "out of memory");
	card->env = env;
	card->config = config;
	card->ports = config->ports;
	card->state_fd = -1;
	card->hierarchy = pcie_hierarchy_create();
	for (unsigned int i = 0; i < card->ports; i++) {
		struct card_port *port = &card->port[i];

		port->card = card;
		port->index = i;
		port->pfs = config->port[i].pfs;
		for (unsigned int k = 0; k < port->pfs; k++)
			port->pf[k] = (struct card_pf){
				.port = port,
				.function = functions++,
				.partition = k,
				.config = &config->port[i].pf[k],
			};
	}
	error = card->hierarchy ? create_state(card, functions, why)
				: refuse(why, -ENOMEM, "out of memory");
	for (unsigned int i = 0; !error && i < card->ports; i++) {
		for (unsigned int k = 0; k < card->port[i].pfs; k++)
			card->port[i].pf[k].state = &card->state->pf[card->port[i].pf[k].function];
		error = create_port(&card->port[i], why);
	}
	*result = card; /* the caller destroys it, whole or not */
	if (!error)
		card_publish(card);
	return error;
}

static void nothing(void *ctx)
{
	(void)ctx;
}

static void stop_driver(struct card_pf *pf)
{
	struct pf_driver *driver = atomic_exchange(&pf->driver, NULL);

	if (driver)
		pf_driver_destroy(driver, nothing, NULL);
}

void card_detach(struct card *card)
{
	for (unsigned int i = 0; i < card->ports; i++)
		for (unsigned int k = 0; k < card->port[i].pfs; k++) {
			card_vf_destroy_all(&card->port[i].pf[k]);
			stop_driver(&card->port[i].pf[k]);
		}
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
	if (card->hierarchy)
		pcie_hierarchy_destroy(card->hierarchy);
	if (card->state)
		munmap(card->state, card->state_size);
	if (card->state_fd >= 0)
		close(card->state_fd);
	free(card);
}
