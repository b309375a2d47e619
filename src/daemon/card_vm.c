/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * card_vm.c - the card in a VM: the endpoint by which the VM gets it. All functions of the card reach memory with the
 * endpoint's requester ID: their DMA domains follow the one that the VM maps, the leader. Of its VFs: card_custody.c.
 */
#include "daemon/card_internal.h"

#include <stdio.h>

#include "util/log.h"

#define BUS_SHIFT 8
#define SMALL_MAPS_BYTES (64ull << 20) /* firmware and displays, which are never shared */

static void vm_changed(void *ctx, bool attached)
{
	struct card *card = ctx;

	card_changed(card);
	if (!log_ratelimit(&card->limit))
		return;
	if (attached)
		log_info("card %s: plugged into a VM (process %d)", card->address,
			 (int)card->state->vmd.client_pid);
	else
		log_info("card %s: its VM is gone", card->address);
}

/* Register writes to functions of all ports come by one socket. */
static uint64_t vm_patience_ns(void *ctx)
{
	const struct card *card = ctx;
	uint64_t ns = UINT64_MAX;

	for (unsigned int i = 0; i < card->ports; i++)
		ns = MIN(ns, card_port_patience_ns(&card->port[i]));
	return ns;
}

/* All domains follow @leader; NULL: none any more. */
static int follow(struct card *card, struct iommu_domain *leader)
{
	int error = 0;

	for (unsigned int i = 0; !error && i < card->pfs; i++) {
		error = iommu_domain_follow(card->pf[i]->domain, leader);
		for (unsigned int v = 0; !error && v < IXGBE_MAX_VFS; v++)
			error = iommu_domain_follow(card->pf[i]->vf[v].domain, leader);
	}
	return error;
}

/* From the card's own bus to that of the last VF there can be. */
static unsigned int count_buses(const struct card *card)
{
	unsigned int last = 0;

	for (unsigned int i = 0; i < card->pfs; i++) {
		unsigned int id = pcie_vf_routing_id(&card->pf[i]->pcie, IXGBE_MAX_VFS - 1);

		last = MAX(last, id);
	}
	return (last >> BUS_SHIFT) - card->config->bus + 1;
}

static int open_endpoint(struct card *card, struct vmd **vmd, struct reason *why)
{
	const struct vmd_config config = {
		.socket_path = card->socket,
		.owner = card->config->socket.owner,
		.group = card->config->socket.group,
		.mode = card->config->socket.mode,
		.hierarchy = card->hierarchy,
		.first_bus = card->config->bus,
		.buses = count_buses(card),
		.domain = card->leader,
		.state = &card->state->vmd,
		.attached = vm_changed,
		.patience_ns = vm_patience_ns,
		.ctx = card,
	};

	snprintf(card->socket, sizeof(card->socket), "%.80s/card-%s.sock",
		 card->env->config->run_dir, card->address);
	return vmd_create(vmd, card->env->base, card->env->quiesce, &config, why);
}

int card_vm_start(struct card *card, struct reason *why)
{
	struct vmd *vmd;
	int error = follow(card, card->leader);

	if (error) {
		card_vm_leave(card);
		return refuse(why, error, "card %s: DMA domains: %s", card->address,
			      strerror(-error));
	}
	error = open_endpoint(card, &vmd, why);
	if (error) {
		card_vm_leave(card);
		return error;
	}
	atomic_store_explicit(&card->vmd, vmd, memory_order_release);
	log_info("card %s: waits for a VM at %s", card->address, card->socket);
	return 0;
}

void card_vm_stop(struct card *card)
{
	vmd_destroy(atomic_exchange(&card->vmd, NULL));
}

void card_vm_leave(struct card *card)
{
	(void)follow(card, NULL); /* which nothing forbids */
}

/* Memory that is not the guest's: looked for when maps have settled, as iovm does for a VF. */
static void look_at_memory(struct card *card)
{
	uint64_t maps = card->state->vmd.domain.maps;

	if (iommu_check_private_end(card->leader) == 1 && log_ratelimit(&card->limit))
		log_warning("card %s: %s", card->address, iovm_memory_private);
	if (maps != card->maps_seen &&
	    !iommu_check_private_begin(card->leader, card_vm_client(card)))
		card->maps_seen = maps;
}

void card_vm_check(struct card *card)
{
	struct vmd *vmd = atomic_load_explicit(&card->vmd, memory_order_relaxed);

	if (!vmd)
		return;
	vmd_check(vmd);
	if (card_vm_client(card) > 0)
		look_at_memory(card);
	else
		card->maps_seen = 0;
}

const char *card_vm_advice(const struct card *card)
{
	struct iommu_summary summary;

	iommu_summarize(card->leader, &summary);
	if (summary.private_memory)
		return iovm_memory_private;
	if (summary.not_shared_bytes > SMALL_MAPS_BYTES ||
	    (summary.regions && summary.not_shared_regions == summary.regions))
		return iovm_memory_not_shared;
	return NULL;
}

pid_t card_vm_client(struct card *card)
{
	struct vmd *vmd = atomic_load_explicit(&card->vmd, memory_order_relaxed);
	struct vmd_info info = { .client = 0 };

	if (vmd)
		vmd_info(vmd, &info);
	return info.client;
}
