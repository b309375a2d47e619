/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * card_custody.c - who has a VF of a card in a VM. It has two sides: the card's own VM, on whose bus it is, and its
 * socket.
 *
 *	home		the VM may use it like any VF; its domain follows the leader (card_vm.c), its interrupts go to the VM
 *	away		a client of the socket has it; its domain is its own, interrupts go to the client. The VM still
 *			reads the bare VF's configuration space, and registers that say that the PF is in reset
 *	returning	its client is gone, and workers may still hold what they took from its rings: away for everybody
 *
 * Whoever gets a VF gets it reset, and after a grace period: descriptors of the one who had it must not be translated by
 * the maps of the one who has it now. What the VM writes into the bare VF's configuration space meanwhile is kept, and
 * takes effect when the VF is home again.
 *
 * A VF whose rings the VM has enabled is not given away: the VM would lose an interface that is up.
 */
#include "daemon/card_internal.h"

#include <linux/pci_regs.h>

#include "util/log.h"

/* The bare VF as the card's own VM sees it: the device model while the VF is home. ctx: struct card_vf. */

static bool home(const struct card_vf *vf)
{
	return atomic_load_explicit(&vf->home, memory_order_relaxed);
}

static struct ixgbe_vf *model(const struct card_vf *vf)
{
	return ixgbe_get_vf(vf->pf->model, vf->index);
}

static const struct function_ops *behind(const struct card_vf *vf)
{
	return home(vf) ? &ixgbe_vf_function_ops : &ixgbe_vf_away_ops;
}

static int seen_bar_read(void *ctx, unsigned int bar, uint64_t offset, void *data, uint32_t len)
{
	struct card_vf *vf = ctx;

	return behind(vf)->bar_read(model(vf), bar, offset, data, len);
}

static int seen_bar_write(void *ctx, unsigned int bar, uint64_t offset, const void *data,
			  uint32_t len)
{
	struct card_vf *vf = ctx;

	return behind(vf)->bar_write(model(vf), bar, offset, data, len);
}

static int seen_reset(void *ctx)
{
	struct card_vf *vf = ctx;

	return home(vf) ? ixgbe_vf_function_ops.reset(model(vf)) : PCIE_DONE;
}

static void seen_command(void *ctx, uint16_t command)
{
	struct card_vf *vf = ctx;

	if (home(vf))
		ixgbe_vf_function_ops.command(model(vf), command);
}

static void seen_msix(void *ctx, bool enable, bool function_mask)
{
	struct card_vf *vf = ctx;

	if (home(vf))
		ixgbe_vf_function_ops.msix(model(vf), enable, function_mask);
}

static const struct function_ops seen_ops = {
	.bar_read = seen_bar_read,
	.bar_write = seen_bar_write,
	.reset = seen_reset,
	.command = seen_command,
	.msix = seen_msix,
};

void card_vf_seen_init(struct card_vf *vf)
{
	pcie_function_init(&vf->seen, &vf->pf->vf_layout, &vf->pf->state->vf[vf->index].seen,
			   vf->bare.routing_id, &seen_ops, vf);
}

/* From the card's VM to a client and back. */

static bool rings_enabled(const struct card_vf *vf)
{
	struct ixgbe_queue_info info;

	for (unsigned int i = 0; !ixgbe_queue_info(vf->pf->model, (int)vf->index, i, &info); i++)
		if (info.rx_enabled || info.tx_enabled)
			return true;
	return false;
}

static void give_away(struct card_vf *vf)
{
	atomic_store_explicit(&vf->home, false, memory_order_release);
	(void)iommu_domain_follow(vf->domain, NULL);
	ixgbe_vf_function_ops.command(model(vf), 0);
	ixgbe_vf_function_ops.msix(model(vf), false, false);
	(void)ixgbe_vf_function_ops.reset(model(vf));
	pcie_function_init(&vf->bare, &vf->pf->vf_layout, &vf->pf->state->vf[vf->index].bare,
			   vf->bare.routing_id, &ixgbe_vf_function_ops, model(vf));
}

int card_vf_admit(void *ctx, struct reason *why)
{
	struct card_vf *vf = ctx;
	struct card *card = vf->pf->port->card;

	if (!card_vf_exists(vf))
		return refuse(why, -ENODEV, "%s: the card's VM has taken it away", vf->bdf);
	if (vf->returning)
		return refuse(why, -EBUSY, "%s: who had it has just gone: try again", vf->bdf);
	if (rings_enabled(vf))
		return refuse(why, -EBUSY,
			      "%s: the card's own VM (process %d) uses it: set its interface down "
			      "there first",
			      vf->bdf, (int)card_vm_client(card));
	give_away(vf);
	return PCIE_QUIESCE;
}

/* What the VM wrote into the bare VF's configuration space while it had no effect. */
static void apply_seen(struct card_vf *vf)
{
	uint16_t control =
		get_le16(vf->seen.state->config + vf->seen.layout->msix + PCI_MSIX_FLAGS);

	ixgbe_vf_function_ops.command(model(vf), pcie_command_in_force(&vf->seen));
	ixgbe_vf_function_ops.msix(model(vf), control & PCI_MSIX_FLAGS_ENABLE,
				   control & PCI_MSIX_FLAGS_MASKALL);
}

static void on_returned(struct quiesce_head *head)
{
	struct card_vf *vf = container_of(head, struct card_vf, returned);
	struct card *card = vf->pf->port->card;
	int error;

	vf->returning = false;
	if (card->mode != CONFIG_MODE_VM || card->closing)
		return;
	error = iommu_domain_follow(vf->domain, card->leader);
	if (error) {
		log_error("%s: its DMA domain does not follow: %s", vf->bdf, strerror(-error));
		return;
	}
	if (!card_vf_exists(vf))
		return;
	apply_seen(vf);
	atomic_store_explicit(&vf->home, true, memory_order_release);
}

void card_vf_return(struct card_vf *vf)
{
	if (vf->returning)
		return;
	vf->returning = true;
	quiesce_call(vf->pf->port->card->env->quiesce, &vf->returned, on_returned);
}
