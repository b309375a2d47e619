/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * card_driver.c - the PF driver of host mode and the bus it reaches its PF by: configuration space and BAR 0, DMA that
 * the PF's domain maps, interrupts (card.c). It gets no more than a driver in a VM's kernel has.
 */
#include "daemon/card_internal.h"

#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

#include "util/log.h"

/* The bus */

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

/* The driver's beginning and end */

static void driver_ready(void *ctx)
{
	struct card_pf *pf = ctx;
	struct card *card = pf->port->card;

	log_info("%s: up with %u VFs%s%s", pf->bdf, pf->vfs,
		 pf->netdev[0] ? ", host interface " : "", pf->netdev);
	if (card->change.beginning)
		card_driver_ready(card);
	else
		card->env->ready(card->env->ctx);
}

static bool may_create_tap(void)
{
	int fd = open("/dev/net/tun", O_RDWR | O_CLOEXEC);

	if (fd >= 0)
		close(fd);
	return fd >= 0 && geteuid() == 0;
}

int card_start_driver(struct card_pf *pf, struct reason *why)
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

	card_assign_memory(pf);
	card_vf_policy(pf, policy);
	card_mac_seed(pf, config.mac_seed);
	if (pf->config->netdev.kind == CONFIG_NETDEV_NAMED ||
	    (pf->config->netdev.kind == CONFIG_NETDEV_AUTO && may_create_tap()))
		memcpy(pf->netdev, pf->config->netdev.name, IFNAMSIZ);
	else if (pf->config->netdev.kind == CONFIG_NETDEV_AUTO)
		log_info("%s: no host interface %s: only root may create one", pf->bdf,
			 pf->config->netdev.name);
	config.netdev = pf->netdev[0] ? pf->netdev : NULL;
	error = pf_driver_create(&driver, pf->port->card->env->base, &access, &pf->state->driver,
				 &config, driver_ready, pf, why);
	if (error)
		pf->netdev[0] = '\0';
	else
		atomic_store_explicit(&pf->driver, driver, memory_order_release);
	card_changed(pf->port->card);
	return error;
}

void card_stop_driver(struct card_pf *pf, void (*done)(void *ctx), void *ctx)
{
	struct pf_driver *driver = atomic_exchange(&pf->driver, NULL);

	pf->netdev[0] = '\0';
	if (driver)
		pf_driver_destroy(driver, done, ctx);
	else
		done(ctx);
}
