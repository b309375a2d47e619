/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * publish.c - what the workers of a card read: each port's switch tables and transmit queues, compiled from its PFs'
 * registers whenever they changed. Changes are collected: one burst of register writes makes one new configuration.
 */
#include "daemon/card_internal.h"

#include <stdlib.h>

#include "util/log.h"

_Static_assert(ESWITCH_PARTITIONS *IXGBE_QUEUES <= DP_TX_QUEUES, "all queues of a port are polled");

static unsigned int list_queues(struct card_port *port, struct dp_tx_queue *list, unsigned int max)
{
	unsigned int n = 0;

	for (unsigned int i = 0; i < port->pfs; i++) {
		void *queue[IXGBE_QUEUES];
		uint8_t pool[IXGBE_QUEUES];
		unsigned int found = ixgbe_tx_queues(port->pf[i].model, queue, pool, IXGBE_QUEUES);

		for (unsigned int k = 0; k < found && n < max; k++, n++)
			list[n] = (struct dp_tx_queue){
				.ops = &ixgbe_model_ops,
				.queue = queue[k],
				.doorbell = ixgbe_tx_doorbell(queue[k]),
				.vport = (uint16_t)eswitch_vport(i, pool[k]),
			};
	}
	return n;
}

static struct dp_config *compile(struct card_port *port)
{
	const struct eswitch_partition *partition[ESWITCH_PARTITIONS] = { NULL };
	unsigned int max = port->pfs * IXGBE_QUEUES;
	struct dp_config *config = calloc(1, sizeof(*config) + max * sizeof(config->queue[0]));

	if (!config)
		return NULL;
	config->link_up = ixgbe_link(port->pf[0].model);
	config->queues = list_queues(port, config->queue, max);
	config->vport[ESWITCH_UPLINK].stats = &port->card->state->uplink[port->index];
	for (unsigned int i = 0; i < port->pfs; i++) {
		struct card_pf *pf = &port->pf[i];

		partition[i] = ixgbe_partition(pf->model);
		for (unsigned int pool = 0; pool < IXGBE_POOLS; pool++)
			config->vport[eswitch_vport(i, pool)] = (struct dp_vport){
				.ops = &ixgbe_model_ops,
				.pool = ixgbe_pool(pf->model, pool),
				.stats = &pf->state->stats[pool],
			};
	}
	config->table = eswitch_build(partition, port->pfs);
	if (!config->table) {
		free(config);
		return NULL;
	}
	return config;
}

void card_publish(struct card *card)
{
	for (unsigned int i = 0; i < card->ports; i++) {
		struct card_port *port = &card->port[i];
		struct dp_config *config;

		if (!port->dirty || !port->dp || !port->pf[port->pfs - 1].model)
			continue;
		port->dirty = false;
		config = compile(port);
		if (config) {
			dp_port_publish(port->dp, config);
		} else {
			/* What the old tables point to may go: better no traffic until the next change. */
			log_error("port %u: out of memory, its traffic stands still", i);
			dp_port_publish(port->dp, NULL);
			port->dirty = true;
		}
	}
}

void card_poll(struct card *card)
{
	for (unsigned int i = 0; i < card->pfs; i++)
		ixgbe_poll(card->pf[i]->model);
}

void card_check(struct card *card)
{
	card_vm_check(card);
	for (unsigned int i = 0; i < card->pfs; i++)
		for (unsigned int v = 0; v < IXGBE_MAX_VFS; v++)
			if (card_managed(card->pf[i], v))
				iovm_vf_check(atomic_load(&card->pf[i]->vf[v].iovm));
}

struct card_pf *card_find_pf(struct card *card, uint16_t routing_id)
{
	for (unsigned int i = 0; i < card->pfs; i++)
		if (card->pf[i]->pcie.routing_id == routing_id)
			return card->pf[i];
	return NULL;
}

struct card_vf *card_find_vf(struct card *card, uint16_t routing_id)
{
	for (unsigned int i = 0; i < card->pfs; i++)
		for (unsigned int v = 0; v < IXGBE_MAX_VFS; v++) {
			struct card_vf *vf = card_managed(card->pf[i], v);

			if (vf && vf->bare.routing_id == routing_id)
				return vf;
		}
	return NULL;
}

static unsigned int pf_attached(struct card_pf *pf)
{
	unsigned int n = 0;

	for (unsigned int v = 0; v < IXGBE_MAX_VFS; v++)
		n += pf->vf[v].attached;
	return n;
}

unsigned int card_attached(struct card *card)
{
	unsigned int n = card_vm_client(card) != 0;

	for (unsigned int i = 0; i < card->pfs; i++)
		n += pf_attached(card->pf[i]);
	return n;
}

struct pf_driver *card_pf_driver(struct card_pf *pf, struct reason *why)
{
	struct pf_driver *driver = atomic_load(&pf->driver);
	struct card *card = pf->port->card;
	pid_t client = card_vm_client(card);

	if (driver)
		return driver;
	if (card->change.active)
		refuse(why, 0, "card %s: its mode is just being changed", card->address);
	else if (client)
		refuse(why, 0, "%s is driven by a VM (process %d): use ip link there", pf->bdf,
		       (int)client);
	else if (card->mode == CONFIG_MODE_VM)
		refuse(why, 0, "%s is driven by the VM that plugs card %s in: use ip link there",
		       pf->bdf, card->address);
	else
		refuse(why, 0, "%s has no driver: the daemon's log says why", pf->bdf);
	return NULL;
}

int card_pf_set_num_vfs(struct card_pf *pf, unsigned int numvfs, void (*done)(void *ctx, int error),
			void *ctx, struct reason *why)
{
	struct pf_driver *driver = card_pf_driver(pf, why);
	unsigned int attached = pf_attached(pf);

	if (!driver)
		return -EBUSY;
	if (attached && numvfs != pf->vfs)
		return refuse(why, -EBUSY,
			      "%s: %u of its VFs are attached to VMs: stop these first", pf->bdf,
			      attached);
	return pf_set_num_vfs(driver, numvfs, done, ctx, why);
}
