// SPDX-License-Identifier: BSD-3-Clause
/*
 * ixgbe.c - a PF and its VFs as PCI functions: birth and death, BAR accesses, what the rest of the
 * card asks.
 *
 * Registers are dwords. A longer access is made of dwords in ascending order; a shorter read is cut
 * out of its dword (with that dword's side effects, as on the bus); a shorter or unaligned write
 * does nothing, because no register here defines one.
 *
 * Accesses that unmap something from workers return PCIE_QUIESCE; nothing here ever waits.
 *
 * Source: data sheet chapters 8 and 9; Linux ixgbe, ixgbevf.
 */
#include "ixgbe/registers.h"

#include <stdlib.h>

#define COMMAND_BUS_MASTER 0x0004 /* PCI Express Base 5.0, 7.5.1.1.3 */

/* --- life ---------------- */

size_t ixgbe_state_size(void)
{
	return sizeof(struct ixgbe_state);
}

void ixgbe_get(struct ixgbe_pf *pf)
{
	pf->references++;
}

void ixgbe_put(struct ixgbe_pf *pf)
{
	if (--pf->references)
		return;
	for (unsigned int v = 0; v < IXGBE_MAX_VFS; v++)
		ixgbe_vf_pages_destroy(&pf->vf[v]);
	ixgbe_fdir_destroy(pf);
	free(pf->eeprom);
	free(pf);
}

static void init_queues(struct ixgbe_pf *pf)
{
	for (unsigned int q = 0; q < IXGBE_QUEUES; q++) {
		ixgbe_rxq_init(&pf->rxq[q], pf, q, &pf->state->rxq[q]);
		ixgbe_txq_init(&pf->txq[q], pf, q, &pf->state->txq[q]);
	}
	for (unsigned int p = 0; p < IXGBE_POOLS; p++)
		pf->pool[p] = (struct ixgbe_pool){ .pf = pf,
						   .state = &pf->state->pool[p],
						   .stats = &pf->stats[p],
						   .index = (uint16_t)p };
}

static int init_vfs(struct ixgbe_pf *pf, struct iommu_domain *const domain[IXGBE_MAX_VFS])
{
	for (unsigned int v = 0; v < IXGBE_MAX_VFS; v++) {
		struct ixgbe_vf *vf = &pf->vf[v];

		*vf = (struct ixgbe_vf){ .pf = pf,
					 .state = &pf->state->vf[v],
					 .domain = domain[v],
					 .index = v,
					 .pages_fd = -1 };
	}
	ixgbe_homes_init(pf);
	for (unsigned int v = 0; v < IXGBE_MAX_VFS; v++) {
		int error = ixgbe_vf_pages_create(&pf->vf[v]);

		if (error)
			return error;
	}
	return 0;
}

static void power_on(struct ixgbe_pf *pf)
{
	pf->state->version = IXGBE_STATE_VERSION;
	ixgbe_pf_reset(pf);
	ixgbe_msix_power_on(pf, IXGBE_PF);
	for (unsigned int v = 0; v < IXGBE_MAX_VFS; v++)
		ixgbe_vf_power_on(&pf->vf[v]);
}

static bool build_maps(void)
{
	static bool built;

	if (!built)
		built = ixgbe_map_build(&ixgbe_pf_map) && ixgbe_map_build(&ixgbe_vf_map);
	return built;
}

int ixgbe_create(struct ixgbe_pf **out, const struct ixgbe_config *config, void *state,
		 struct iommu_domain *pf_domain,
		 struct iommu_domain *const vf_domain[IXGBE_MAX_VFS], struct vport_stats *stats,
		 struct quiesce *quiesce, const struct ixgbe_wiring *wiring)
{
	struct ixgbe_pf *pf;
	int error;

	if (!build_maps())
		return -EINVAL;
	pf = calloc(1, sizeof(*pf));
	if (!pf)
		return -ENOMEM;
	pf->references = 1;
	pf->state = state;
	pf->config = *config;
	pf->wiring = *wiring;
	pf->quiesce = quiesce;
	pf->domain = pf_domain;
	pf->stats = stats;
	pf->eeprom = ixgbe_eeprom_create(config);
	ixgbe_sfp_init(pf);
	error = init_vfs(pf, vf_domain);
	if (error || !pf->eeprom) {
		ixgbe_put(pf);
		return -ENOMEM;
	}
	init_queues(pf);
	if (pf->state->version != IXGBE_STATE_VERSION)
		power_on(pf);
	if (ixgbe_fdir_publish(pf)) {
		ixgbe_put(pf);
		return -ENOMEM;
	}
	ixgbe_rebind(pf);
	*out = pf;
	return 0;
}

/* Grace periods that are still running keep the memory until they end. */
void ixgbe_destroy(struct ixgbe_pf *pf)
{
	if (!pf)
		return;
	pf->wiring = (struct ixgbe_wiring){ .ctx = NULL };
	ixgbe_put(pf);
}

/* --- BAR accesses ---------------- */

typedef int (*dword_read)(void *ctx, uint32_t offset, uint32_t *value);
typedef int (*dword_write)(void *ctx, uint32_t offset, uint32_t value);

static int read_dwords(void *ctx, uint64_t offset, void *data, uint32_t len, dword_read read)
{
	uint8_t *to = data;
	int result = PCIE_DONE;

	memset(data, 0, len);
	while (len) {
		uint32_t in = offset % 4, n = MIN(len, 4 - in), value;

		result |= read(ctx, (uint32_t)(offset - in), &value);
		memcpy(to, (uint8_t *)&value + in, n);
		to += n;
		offset += n;
		len -= n;
	}
	return result;
}

static int write_dwords(void *ctx, uint64_t offset, const void *data, uint32_t len,
			dword_write write)
{
	const uint8_t *from = data;
	int result = PCIE_DONE;

	if (offset % 4 || len % 4)
		return PCIE_DONE;
	for (uint32_t i = 0; i < len; i += 4)
		result |= write(ctx, (uint32_t)offset + i, get_le32(from + i));
	return result;
}

static int pf_register_read(void *ctx, uint32_t offset, uint32_t *value)
{
	return ixgbe_pf_read(ctx, offset, value);
}

static int pf_register_write(void *ctx, uint32_t offset, uint32_t value)
{
	return ixgbe_pf_write(ctx, offset, value);
}

static int pf_msix_read(void *ctx, uint32_t offset, uint32_t *value)
{
	return ixgbe_msix_read(ctx, IXGBE_PF, offset, value);
}

static int pf_msix_write(void *ctx, uint32_t offset, uint32_t value)
{
	return ixgbe_msix_write(ctx, IXGBE_PF, offset, value);
}

/*
 * A trapped access to page 0 is the occasion to notice what the guest did in the pages it shares.
 * Whatever stopped there is answered for here.
 */
static int vf_register_read(void *ctx, uint32_t offset, uint32_t *value)
{
	struct ixgbe_vf *vf = ctx;
	int result = ixgbe_vf_read(vf, offset, value);

	if (vf->shared)
		result |= ixgbe_vf_sync(vf);
	return result;
}

static int vf_register_write(void *ctx, uint32_t offset, uint32_t value)
{
	struct ixgbe_vf *vf = ctx;
	int result = ixgbe_vf_write(vf, offset, value);

	if (vf->shared)
		result |= ixgbe_vf_sync(vf);
	return result;
}

static int vf_msix_read(void *ctx, uint32_t offset, uint32_t *value)
{
	struct ixgbe_vf *vf = ctx;

	return ixgbe_msix_read(vf->pf, (int)vf->index, offset, value);
}

static int vf_msix_write(void *ctx, uint32_t offset, uint32_t value)
{
	struct ixgbe_vf *vf = ctx;

	return ixgbe_msix_write(vf->pf, (int)vf->index, offset, value);
}

static int pf_bar_read(void *ctx, unsigned int bar, uint64_t offset, void *data, uint32_t len)
{
	if (bar != 0 && bar != IXGBE_PF_MSIX_BAR)
		return -EINVAL;
	return read_dwords(ctx, offset, data, len, bar ? pf_msix_read : pf_register_read);
}

static int pf_bar_write(void *ctx, unsigned int bar, uint64_t offset, const void *data,
			uint32_t len)
{
	if (bar != 0 && bar != IXGBE_PF_MSIX_BAR)
		return -EINVAL;
	return write_dwords(ctx, offset, data, len, bar ? pf_msix_write : pf_register_write);
}

static int vf_bar_read(void *ctx, unsigned int bar, uint64_t offset, void *data, uint32_t len)
{
	if (bar != 0 && bar != IXGBE_VF_MSIX_BAR)
		return -EINVAL;
	return read_dwords(ctx, offset, data, len, bar ? vf_msix_read : vf_register_read);
}

static int vf_bar_write(void *ctx, unsigned int bar, uint64_t offset, const void *data,
			uint32_t len)
{
	if (bar != 0 && bar != IXGBE_VF_MSIX_BAR)
		return -EINVAL;
	return write_dwords(ctx, offset, data, len, bar ? vf_msix_write : vf_register_write);
}

/* --- the other effects of configuration space ---------------- */

static void set_bus_master(struct ixgbe_pf *pf, struct iommu_domain *domain, uint16_t command)
{
	iommu_set_bus_master(domain, command & COMMAND_BUS_MASTER);
	ixgbe_changed(pf);
}

static void pf_command(void *ctx, uint16_t command)
{
	struct ixgbe_pf *pf = ctx;

	set_bus_master(pf, pf->domain, command);
}

static void vf_command(void *ctx, uint16_t command)
{
	struct ixgbe_vf *vf = ctx;

	set_bus_master(vf->pf, vf->domain, command);
}

static void pf_msix(void *ctx, bool enable, bool function_mask)
{
	struct ixgbe_pf *pf = ctx;

	pf->state->function_masked = enable && function_mask;
	pf->state->msix_disabled = !enable;
	ixgbe_msix_apply(pf, IXGBE_PF);
}

static void vf_msix(void *ctx, bool enable, bool function_mask)
{
	struct ixgbe_vf *vf = ctx;

	vf->state->function_masked = enable && function_mask;
	ixgbe_msix_apply(vf->pf, (int)vf->index);
}

static int pf_function_reset(void *ctx)
{
	struct ixgbe_pf *pf = ctx;

	ixgbe_pf_reset(pf);
	ixgbe_pf_reg_set(pf, IXGBE_SWSM, 0);
	ixgbe_pf_reg_set(pf, IXGBE_SW_FW_SYNC, 0);
	ixgbe_msix_power_on(pf, IXGBE_PF);
	return PCIE_QUIESCE;
}

static int vf_function_reset(void *ctx)
{
	struct ixgbe_vf *vf = ctx;

	ixgbe_vf_reset(vf);
	/* The next owner must learn nothing of this one (PCI Express Base 5.0, 6.6.2). */
	memset(vf->state->mailbox.mem, 0, sizeof(vf->state->mailbox.mem));
	ixgbe_msix_power_on(vf->pf, (int)vf->index);
	return PCIE_QUIESCE;
}

static int pf_vf_enable(void *ctx, unsigned int numvfs)
{
	struct ixgbe_pf *pf = ctx;

	if (numvfs > pf->config.total_vfs || numvfs > IXGBE_MAX_VFS)
		return -EINVAL;
	for (unsigned int v = 0; v < numvfs; v++) {
		ixgbe_vf_power_on(&pf->vf[v]);
		ixgbe_pvf_restart(&pf->vf[v]);
	}
	pf->state->num_vfs = numvfs;
	ixgbe_rebind(pf);
	return 0;
}

static int pf_vf_disable(void *ctx)
{
	struct ixgbe_pf *pf = ctx;

	for (unsigned int v = 0; v < pf->state->num_vfs; v++)
		ixgbe_vf_reset(&pf->vf[v]);
	pf->state->num_vfs = 0;
	pf->state->vflre = pf->state->vfreq = pf->state->vfack = 0;
	ixgbe_rebind(pf);
	return PCIE_QUIESCE;
}

const struct function_ops ixgbe_pf_function_ops = {
	.bar_read = pf_bar_read,
	.bar_write = pf_bar_write,
	.reset = pf_function_reset,
	.command = pf_command,
	.msix = pf_msix,
	.vf_enable = pf_vf_enable,
	.vf_disable = pf_vf_disable,
};

const struct function_ops ixgbe_vf_function_ops = {
	.bar_read = vf_bar_read,
	.bar_write = vf_bar_write,
	.reset = vf_function_reset,
	.command = vf_command,
	.msix = vf_msix,
};

const struct model_ops ixgbe_model_ops = {
	.tx_burst = ixgbe_tx_burst,
	.tx_complete = ixgbe_tx_complete,
	.rx_burst = ixgbe_rx_burst,
	.irq_expire = ixgbe_irq_expire,
};

/* --- what the card asks ---------------- */

void ixgbe_poll(struct ixgbe_pf *pf)
{
	for (unsigned int v = 0; v < pf->state->num_vfs; v++) {
		if (!pf->vf[v].shared)
			continue;
		ixgbe_vf_sync(&pf->vf[v]);
		ixgbe_vf_counters(&pf->vf[v]);
	}
}

void ixgbe_set_link(struct ixgbe_pf *pf, bool up)
{
	if (atomic_exchange(&pf->state->link_up, up) == up)
		return;
	ixgbe_other_cause(pf, IXGBE_EICR_LSC);
	ixgbe_changed(pf);
}

bool ixgbe_link(const struct ixgbe_pf *pf)
{
	return atomic_load(&pf->state->link_up);
}

static void ring_info(const ixgbe_reg *block, bool *enabled, uint16_t *head, uint16_t *tail,
		      uint16_t *size)
{
	uint32_t descriptors = (reg_load(&block[IXGBE_Q_LEN]) & IXGBE_QLEN_MASK) / IXGBE_DESC_SIZE;

	*enabled = reg_load(&block[IXGBE_Q_CTL]) & IXGBE_QCTL_ENABLE;
	*head = (uint16_t)reg_load(&block[IXGBE_Q_HEAD]);
	*tail = (uint16_t)reg_load(&block[IXGBE_Q_TAIL]);
	*size = (uint16_t)MIN(descriptors, (uint32_t)UINT16_MAX);
}

/* Queue 0 of the PF is the first that no VF has. */
static struct ixgbe_home *home_of_function(struct ixgbe_pf *pf, int function, unsigned int queue)
{
	if (function == IXGBE_PF) {
		queue += ixgbe_vf_pools(pf) * ixgbe_pool_queues(pf);
		return queue < IXGBE_QUEUES ? &pf->own[queue] : NULL;
	}
	if (function < 0 || function >= IXGBE_MAX_VFS || queue >= IXGBE_VF_QUEUES)
		return NULL;
	return &pf->vf[function].home[queue];
}

int ixgbe_queue_info(struct ixgbe_pf *pf, int function, unsigned int queue,
		     struct ixgbe_queue_info *info)
{
	struct ixgbe_home *home = home_of_function(pf, function, queue);

	*info = (struct ixgbe_queue_info){ .rx_enabled = false };
	if (!home || home->queue < 0)
		return -ENOENT;
	ring_info(atomic_load(&home->rx), &info->rx_enabled, &info->rx_head, &info->rx_tail,
		  &info->rx_size);
	ring_info(atomic_load(&home->tx), &info->tx_enabled, &info->tx_head, &info->tx_tail,
		  &info->tx_size);
	info->rx_packets = pf->state->rxq[home->queue].packets;
	info->rx_bytes = pf->state->rxq[home->queue].bytes;
	info->tx_packets = pf->state->txq[home->queue].packets;
	info->tx_bytes = pf->state->txq[home->queue].bytes;
	return 0;
}

void ixgbe_vf_info(struct ixgbe_pf *pf, unsigned int vf, struct ixgbe_vf_info *info)
{
	*info = (struct ixgbe_vf_info){ .reset_pending = false };
	if (vf >= IXGBE_MAX_VFS)
		return;
	info->reset_pending = pf->state->vflre >> vf & 1;
	info->receive_enabled = ixgbe_pool_bit(pf, IXGBE_VFRE, vf);
	info->transmit_enabled = ixgbe_pool_bit(pf, IXGBE_VFTE, vf);
	info->resets = pf->state->vf[vf].resets;
	info->mailbox_requests = pf->state->vf[vf].mailbox_requests;
}
