/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * sysfs_bridge.c - what the sysfs tree asks of the cards. Each question is one short call on the device thread: the
 * functions of one PF, up to a page of configuration space, a write. The number of VFs takes several turns of the event
 * loop; whoever wrote it waits, the device thread does not.
 *
 * A write to configuration space is the host's, beside the PF driver or before a VM comes. Registers that would
 * take the function from under its driver are refused (EPERM, as a kernel that is locked down does): Command, BARs,
 * power state, MSI and MSI-X, SR-IOV control, and a function-level reset. The others are written as setpci would on
 * a host.
 */
#include "daemon/sysfs_bridge.h"

#include <linux/pci_regs.h>
#include <stdio.h>
#include <stdlib.h>

#include "daemon/device_call.h"
#include "sysfs/sysfs.h"

#define BARS_BYTES (PCIE_BARS * sizeof(uint32_t))
#define MSI_BYTES 24u /* with 64-bit address and masks */

struct sysfs_bridge {
	struct card *const *cards;
	const unsigned int *ncards;
	struct device_queue *queue;
	struct sysfs *sysfs;
};

/* On the device thread */

/** struct question - a call to the device thread: what is asked, and where the answer goes. */
struct question {
	struct sysfs_bridge *bridge;
	const struct sysfs_function *function;
	struct card_pf *listed; /* the PF whose functions are listed */
	struct sysfs_function *functions;
	unsigned int count;
	enum sysfs_view view;
	uint16_t offset;
	uint32_t len;
	void *data;
	const void *bytes;
	struct sysfs_resource *resource;
	unsigned int num_vfs;
	struct reason *why;
};

static struct card_pf *find_pf(const struct question *q, uint16_t rid)
{
	for (unsigned int i = 0; i < *q->bridge->ncards; i++) {
		struct card *card = q->bridge->cards[i];
		struct card_pf *pf = card->config->domain == q->function->domain
					     ? card_find_pf(card, rid)
					     : NULL;

		if (pf)
			return pf;
	}
	return NULL;
}

/* The VF that is asked about, if it is one and still there. */
static struct card_vf *find_vf(const struct question *q)
{
	struct card_pf *pf = find_pf(q, q->function->pf);

	if (!pf || !q->function->is_vf || q->function->vf >= pf->vfs ||
	    pcie_vf_routing_id(&pf->pcie, q->function->vf) != q->function->routing_id)
		return NULL;
	return &pf->vf[q->function->vf];
}

static bool vm_mode(const struct card_pf *pf)
{
	return pf->port->card->mode == CONFIG_MODE_VM;
}

static uint16_t sriov_register(const struct card_pf *pf, unsigned int field)
{
	uint16_t value = 0;

	if (pf->layout.sriov)
		pcie_config_read(&pf->pcie, (uint16_t)(pf->layout.sriov + field), &value,
				 sizeof(value));
	return value;
}

static enum sysfs_driver driver_of(const struct card_pf *pf, bool attached)
{
	if (attached)
		return SYSFS_CLIENT;
	return vm_mode(pf) && card_vm_client(pf->port->card) ? SYSFS_CLIENT : SYSFS_NO_DRIVER;
}

static struct sysfs_function describe_pf(struct card_pf *pf)
{
	const struct card *card = pf->port->card;
	const struct pf_driver *driver = atomic_load(&pf->driver);

	return (struct sysfs_function){
		.domain = card->config->domain,
		.routing_id = pf->pcie.routing_id,
		.root_bus = card->config->bus,
		.ari = sriov_register(card->pf[0], PCI_SRIOV_CTRL) & PCI_SRIOV_CTRL_ARI,
		.driver = vm_mode(pf) ? driver_of(pf, false) : SYSFS_PF_DRIVER,
		.total_vfs = (uint16_t)(driver ? pf_max_vfs(driver) : pf->layout.total_vfs),
		.num_vfs = (uint16_t)pf->vfs,
		.vf_offset = sriov_register(pf, PCI_SRIOV_VF_OFFSET),
		.vf_stride = sriov_register(pf, PCI_SRIOV_VF_STRIDE),
		.vf_device = sriov_register(pf, PCI_SRIOV_VF_DID),
		.vpd_size = pf->layout.vpd_len,
	};
}

static int list_pf(void *ctx)
{
	struct question *q = ctx;
	const struct sysfs_function pf = describe_pf(q->listed);

	q->functions[q->count++] = pf;
	for (unsigned int i = 0; i < q->listed->vfs; i++) {
		const struct card_vf *vf = &q->listed->vf[i];

		if (!atomic_load(&vf->iovm))
			continue; /* until the manager has it, a moment later */
		q->functions[q->count++] =
			(struct sysfs_function){ .domain = pf.domain,
						 .routing_id = vf->bare.routing_id,
						 .root_bus = pf.root_bus,
						 .ari = pf.ari,
						 .is_vf = true,
						 .pf = pf.routing_id,
						 .vf = (uint16_t)i,
						 .driver = driver_of(q->listed, vf->attached) };
	}
	return 0;
}

/* The configuration space that is asked for; NULL: gone. */
static struct pcie_function *space(const struct question *q)
{
	struct card_pf *pf;
	struct card_vf *vf;
	struct iovm_vf *iovm;

	if (!q->function->is_vf) {
		pf = find_pf(q, q->function->routing_id);
		return pf ? &pf->pcie : NULL;
	}
	vf = find_vf(q);
	if (!vf)
		return NULL;
	if (q->view == SYSFS_BARE)
		return vm_mode(vf->pf) ? &vf->seen : &vf->bare;
	iovm = atomic_load(&vf->iovm);
	return iovm ? iovm_vf_function(iovm) : NULL;
}

static int read_config(void *ctx)
{
	const struct question *q = ctx;
	const struct pcie_function *function = space(q);

	if (!function)
		return -ENODEV;
	pcie_config_read(function, q->offset, q->data, q->len);
	return 0;
}

/* May the host write to the function at all? */
static int check_owner(const struct question *q)
{
	struct card_vf *vf = q->function->is_vf ? find_vf(q) : NULL;
	struct card_pf *pf =
		q->function->is_vf ? (vf ? vf->pf : NULL) : find_pf(q, q->function->routing_id);

	if (!pf)
		return -ENODEV;
	if (vm_mode(pf))
		return refuse(q->why, -EPERM, "card %s belongs to a VM: softiov card unplug %s",
			      pf->port->card->address, pf->port->card->address);
	if (vf && vf->attached)
		return refuse(q->why, -EPERM, "it is attached to a VM");
	return 0;
}

/* Do the bytes change a bit of @size bytes at @at? */
static bool changes(const struct pcie_function *function, const struct question *q, unsigned int at,
		    unsigned int size)
{
	const uint8_t *bytes = q->bytes;

	for (unsigned int i = MAX(at, (unsigned int)q->offset);
	     i < MIN(at + size, q->offset + q->len); i++)
		if ((bytes[i - q->offset] ^ function->state->config[i]) & function->layout->mask[i])
			return true;
	return false;
}

static bool asks_for_reset(const struct pcie_function *function, const struct question *q)
{
	unsigned int high = function->layout->express + PCI_EXP_DEVCTL + 1u;

	return function->layout->express && high >= q->offset && high < q->offset + q->len &&
	       ((const uint8_t *)q->bytes)[high - q->offset] & (PCI_EXP_DEVCTL_BCR_FLR >> 8);
}

static bool takes_from_driver(const struct pcie_function *function, const struct question *q)
{
	const struct pcie_layout *layout = function->layout;

	return changes(function, q, PCI_COMMAND, sizeof(uint16_t)) ||
	       changes(function, q, PCI_BASE_ADDRESS_0, BARS_BYTES) ||
	       (layout->pm && changes(function, q, layout->pm + PCI_PM_CTRL, sizeof(uint16_t))) ||
	       (layout->msi && changes(function, q, layout->msi, MSI_BYTES)) ||
	       (layout->msix && changes(function, q, layout->msix, PCI_CAP_MSIX_SIZEOF)) ||
	       (layout->sriov && changes(function, q, layout->sriov, PCI_EXT_CAP_SRIOV_SIZEOF)) ||
	       asks_for_reset(function, q);
}

static int write_config(void *ctx)
{
	const struct question *q = ctx;
	struct pcie_function *function = space(q);
	int error = check_owner(q);

	if (error)
		return error;
	if (!function)
		return -ENODEV;
	if (takes_from_driver(function, q))
		return refuse(q->why, -EPERM,
			      "0x%x bytes at 0x%x would take the function from its driver", q->len,
			      q->offset);
	(void)pcie_config_write(function, q->offset, q->bytes, q->len);
	return 0;
}

static void resources_of_pf(const struct card_pf *pf, struct sysfs_resource *resource)
{
	for (unsigned int i = 0; i < PCIE_BARS; i++) {
		const struct pcie_bar *bar = &pf->layout.bar[i], *vf_bar = &pf->layout.vf_bar[i];
		uint64_t first = pcie_vf_bar_address(&pf->pcie, 0, i);

		if (bar->size)
			resource[i] =
				(struct sysfs_resource){ pcie_bar_address(&pf->pcie, i), bar->size,
							 bar->is_64bit, bar->prefetchable };
		if (vf_bar->size)
			resource[SYSFS_VF_RESOURCE + i] = (struct sysfs_resource){
				first,
				(pcie_vf_bar_address(&pf->pcie, 1, i) - first) *
					pf->layout.total_vfs,
				vf_bar->is_64bit, vf_bar->prefetchable
			};
	}
}

static int read_resources(void *ctx)
{
	const struct question *q = ctx;
	struct card_vf *vf = find_vf(q);
	struct card_pf *pf = vf ? vf->pf : find_pf(q, q->function->routing_id);

	if (!pf)
		return -ENODEV;
	if (!vf)
		resources_of_pf(pf, q->resource);
	for (unsigned int i = 0; vf && i < PCIE_BARS; i++) {
		const struct pcie_bar *bar = &pf->layout.vf_bar[i];
		uint64_t address = pcie_vf_bar_address(&pf->pcie, vf->index, i);

		if (bar->size) /* without VF BARs assigned it has no address, as the others */
			q->resource[i] = (struct sysfs_resource){
				pcie_vf_bar_address(&pf->pcie, 0, i) ? address : 0, bar->size,
				bar->is_64bit, bar->prefetchable
			};
	}
	return 0;
}

static int read_vpd(void *ctx)
{
	const struct question *q = ctx;
	const struct card_pf *pf = find_pf(q, q->function->routing_id);

	if (!pf || q->offset + q->len > pf->layout.vpd_len)
		return -ENODEV;
	memcpy(q->data, pf->layout.vpd_data + q->offset, q->len);
	return 0;
}

static int reset(void *ctx)
{
	const struct question *q = ctx;
	struct pcie_function *function = space(q);
	int error = check_owner(q);

	if (error == -EPERM)
		return -EBUSY; /* with the same reason */
	if (error)
		return error;
	if (!function)
		return -ENODEV;
	if (!q->function->is_vf)
		return refuse(q->why, -EBUSY, "its PF driver has it, and its VFs depend on it");
	/* Nobody has the VF, so there is nothing that workers would have to let go of. */
	(void)pcie_function_reset(function);
	return 0;
}

static void on_num_vfs(void *ctx, int error)
{
	device_answer(ctx, error);
}

static void set_num_vfs(struct device_ticket *ticket, void *ctx)
{
	const struct question *q = ctx;
	struct card_pf *pf = find_pf(q, q->function->routing_id);
	int error = pf ? card_pf_set_num_vfs(pf, q->num_vfs, on_num_vfs, ticket, q->why) : -ENODEV;

	if (error)
		device_answer(ticket, error);
}

/* On the tree's thread */

static uint64_t op_generation(void *ctx)
{
	const struct sysfs_bridge *bridge = ctx;
	uint64_t sum = 0;

	for (unsigned int i = 0; i < *bridge->ncards; i++)
		sum += atomic_load(&bridge->cards[i]->changes);
	return sum;
}

static int add_all(struct sysfs_list *list, const struct question *q)
{
	int error = 0;

	for (unsigned int i = 0; !error && i < q->count; i++)
		error = sysfs_list_add(list, &q->functions[i]);
	return error;
}

static int op_list(void *ctx, struct sysfs_list *list)
{
	struct sysfs_bridge *bridge = ctx;
	struct sysfs_function functions[1 + IXGBE_MAX_VFS];
	int error = 0;

	for (unsigned int i = 0; i < *bridge->ncards; i++) {
		const struct card *card = bridge->cards[i];

		for (unsigned int k = 0; !error && k < card->pfs; k++) {
			struct question q = { .bridge = bridge,
					      .listed = card->pf[k],
					      .functions = functions };

			error = device_call(bridge->queue, list_pf, &q);
			if (!error)
				error = add_all(list, &q);
		}
	}
	return error;
}

static int op_config_read(void *ctx, const struct sysfs_function *function, enum sysfs_view view,
			  uint16_t offset, void *data, uint32_t len)
{
	struct question q = { .bridge = ctx,
			      .function = function,
			      .view = view,
			      .offset = offset,
			      .len = len,
			      .data = data };

	return device_call(q.bridge->queue, read_config, &q);
}

static int op_config_write(void *ctx, const struct sysfs_function *function, uint16_t offset,
			   const void *data, uint32_t len, struct reason *why)
{
	struct question q = { .bridge = ctx,
			      .function = function,
			      .offset = offset,
			      .len = len,
			      .bytes = data,
			      .why = why };

	return device_call(q.bridge->queue, write_config, &q);
}

static int op_resources(void *ctx, const struct sysfs_function *function,
			struct sysfs_resource resource[SYSFS_RESOURCES])
{
	struct question q = { .bridge = ctx, .function = function, .resource = resource };

	return device_call(q.bridge->queue, read_resources, &q);
}

static int op_vpd_read(void *ctx, const struct sysfs_function *function, uint16_t offset,
		       void *data, uint32_t len)
{
	struct question q = {
		.bridge = ctx, .function = function, .offset = offset, .len = len, .data = data
	};

	return device_call(q.bridge->queue, read_vpd, &q);
}

static int op_set_num_vfs(void *ctx, const struct sysfs_function *function, unsigned int n,
			  struct reason *why)
{
	struct question q = { .bridge = ctx, .function = function, .num_vfs = n, .why = why };
	const struct card_env *env = q.bridge->cards[0]->env;
	int error = device_call_later(q.bridge->queue, set_num_vfs, &q);

	if (!error)
		env->vfs_changed(env->ctx);
	return error;
}

static int op_reset(void *ctx, const struct sysfs_function *function, struct reason *why)
{
	struct question q = { .bridge = ctx, .function = function, .why = why };

	return device_call(q.bridge->queue, reset, &q);
}

static const struct sysfs_ops ops = {
	.generation = op_generation,
	.list = op_list,
	.config_read = op_config_read,
	.config_write = op_config_write,
	.resources = op_resources,
	.vpd_read = op_vpd_read,
	.set_num_vfs = op_set_num_vfs,
	.reset = op_reset,
};

struct sysfs_bridge *sysfs_bridge_start(struct event_base *base, struct card *const *cards,
					const unsigned int *n, const char *run_dir)
{
	struct sysfs_bridge *bridge = calloc(1, sizeof(*bridge));
	struct reason why = { "out of memory" };
	char path[PATH_MAX];
	int error = -ENOMEM;

	snprintf(path, sizeof(path), "%.*s/sys", (int)sizeof(path) - (int)sizeof("/sys"), run_dir);
	if (bridge) {
		bridge->cards = cards;
		bridge->ncards = n;
		bridge->queue = device_queue_create(base);
	}
	if (bridge && bridge->queue)
		error = sysfs_start(&bridge->sysfs, path, &ops, bridge, &why);
	if (!error)
		return bridge;
	log_warning("no sysfs tree for lspci at %s: %s", path, why.text);
	sysfs_bridge_destroy(bridge);
	return NULL;
}

void sysfs_bridge_close(struct sysfs_bridge *bridge)
{
	if (!bridge)
		return;
	device_queue_close(bridge->queue);
	sysfs_stop(bridge->sysfs);
	bridge->sysfs = NULL;
}

void sysfs_bridge_destroy(struct sysfs_bridge *bridge)
{
	if (!bridge)
		return;
	device_queue_destroy(bridge->queue);
	free(bridge);
}
