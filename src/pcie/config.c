// SPDX-License-Identifier: BSD-3-Clause
/*
 * config.c - reads and writes of configuration space, and what a write brings about.
 *
 * A write goes byte by byte through the masks of the layout, so that requesters may use any size
 * and alignment. Then the few registers with effects are compared with what they were before:
 * Command, the power state, MSI-X control, SR-IOV. BARs need no code of their own: all ones
 * written to a register whose low bits are read-only read back as the size.
 *
 * A function that is not in D0 neither answers memory accesses nor masters the bus (5.3.1.4.1),
 * so the device model is told a Command register without those bits; the register itself keeps
 * them.
 *
 * Specification: PCI Express Base 5.0, 5.3 (power states), 6.6.2 (function-level reset), 7.5.1.1.3
 * (Command), 7.5.3.4 (Device Control), 7.7.2.2 (MSI-X Message Control).
 */
#include "pcie/internal.h"

#define COMMAND_EFFECTS (PCI_COMMAND_MEMORY | PCI_COMMAND_MASTER)
#define MSIX_EFFECTS (PCI_MSIX_FLAGS_ENABLE | PCI_MSIX_FLAGS_MASKALL)
#define PM_D0 0
#define PM_D3HOT 3
#define NO_FUNCTION 0xff /* every byte of a read that nobody answers */

/* struct effects - the registers whose change the device model hears of. */
struct effects {
	uint16_t command; /* as in force: without what the power state forbids */
	uint16_t msix;
	uint16_t pm_state;
	struct sriov_before sriov;
};

static uint16_t power_state(const struct pcie_function *function)
{
	const uint8_t *config = function->state->config;

	if (!function->layout->pm)
		return PM_D0;
	return get_le16(config + function->layout->pm + PCI_PM_CTRL) & PCI_PM_CTRL_STATE_MASK;
}

uint16_t pcie_command_in_force(const struct pcie_function *function)
{
	uint16_t command = pcie_command(function);

	return power_state(function) == PM_D0 ? command : command & (uint16_t)~COMMAND_EFFECTS;
}

static struct effects effects_of(const struct pcie_function *function)
{
	uint16_t msix = function->layout->msix;

	return (struct effects){
		.command = pcie_command_in_force(function),
		.msix = msix ? get_le16(function->state->config + msix + PCI_MSIX_FLAGS) : 0,
		.pm_state = power_state(function),
		.sriov = sriov_before(function),
	};
}

/* Return: PCIE_QUIESCE when the function may not master the bus any more. */
static int tell_model(const struct pcie_function *function, const struct effects *before)
{
	const struct function_ops *ops = function->ops;
	struct effects now = effects_of(function);
	uint16_t changed = now.command ^ before->command;

	if ((changed & COMMAND_EFFECTS) && ops->command)
		ops->command(function->ctx, now.command);
	if (((now.msix ^ before->msix) & MSIX_EFFECTS) && ops->msix)
		ops->msix(function->ctx, now.msix & PCI_MSIX_FLAGS_ENABLE,
			  now.msix & PCI_MSIX_FLAGS_MASKALL);
	return changed & before->command & PCI_COMMAND_MASTER ? PCIE_QUIESCE : PCIE_DONE;
}

void pcie_function_init(struct pcie_function *function, const struct pcie_layout *layout,
			struct pcie_function_state *state, uint16_t routing_id,
			const struct function_ops *ops, void *ctx)
{
	static const struct function_ops no_ops;

	*function = (struct pcie_function){ .layout = layout,
					    .state = state,
					    .ops = ops ? ops : &no_ops,
					    .ctx = ctx,
					    .routing_id = routing_id };
	memcpy(state->config, layout->reset, sizeof(state->config));
	state->present = 1;
}

void pcie_config_read(const struct pcie_function *function, uint16_t offset, void *data,
		      uint32_t len)
{
	if (function->state->present)
		memcpy(data, function->state->config + offset, len);
	else
		memset(data, NO_FUNCTION, len);
}

static void write_byte(struct pcie_function *function, unsigned int offset, uint8_t value)
{
	const struct pcie_layout *layout = function->layout;
	uint8_t mask = layout->mask[offset] & (uint8_t)~sriov_locked(function, offset);
	uint8_t old = function->state->config[offset];

	old &= (uint8_t) ~(value & layout->w1c[offset]);
	function->state->config[offset] = (uint8_t)((old & ~mask) | (value & mask));
}

/* A write of a state that the function does not have is discarded (7.5.2.2). */
static void refuse_power_state(struct pcie_function *function, uint16_t before)
{
	uint16_t state = power_state(function);
	uint8_t *pmcsr = function->state->config + function->layout->pm + PCI_PM_CTRL;

	if (state != PM_D0 && state != PM_D3HOT)
		*pmcsr = (uint8_t)((*pmcsr & ~PCI_PM_CTRL_STATE_MASK) | before);
}

/* Initiate Function Level Reset: bit 15 of Device Control, reads 0. */
static bool asks_for_reset(const struct pcie_function *function, uint16_t offset,
			   const uint8_t *data, uint32_t len)
{
	uint16_t express = function->layout->express;
	unsigned int high = express + PCI_EXP_DEVCTL + 1u;

	if (!express || high < offset || high >= offset + len)
		return false;
	return data[high - offset] & (PCI_EXP_DEVCTL_BCR_FLR >> 8);
}

int pcie_config_write(struct pcie_function *function, uint16_t offset, const void *data,
		      uint32_t len)
{
	struct effects before = effects_of(function);
	const uint8_t *byte = data;
	int result;

	if (!function->state->present)
		return PCIE_DONE;
	for (uint32_t i = 0; i < len; i++)
		write_byte(function, offset + i, byte[i]);
	refuse_power_state(function, before.pm_state);
	vpd_written(function, offset, len);
	result = tell_model(function, &before);
	if (sriov_after(function, &before.sriov) == PCIE_QUIESCE)
		result = PCIE_QUIESCE;
	if (asks_for_reset(function, offset, data, len) &&
	    pcie_function_reset(function) == PCIE_QUIESCE)
		result = PCIE_QUIESCE;
	return result;
}

int pcie_function_reset(struct pcie_function *function)
{
	const struct pcie_layout *layout = function->layout;
	struct effects before = effects_of(function);
	uint8_t *config = function->state->config;
	int result;

	for (unsigned int i = 0; i < PCIE_CONFIG_SIZE; i++)
		config[i] = (uint8_t)((layout->reset[i] & ~layout->sticky[i]) |
				      (config[i] & layout->sticky[i]));
	/* VFs are children of the PF's reset: VF Enable is clear now (9.2.2.3). */
	result = sriov_after(function, &before.sriov);
	if (tell_model(function, &before) == PCIE_QUIESCE)
		result = PCIE_QUIESCE;
	if (function->ops->reset && function->ops->reset(function->ctx) == PCIE_QUIESCE)
		result = PCIE_QUIESCE;
	return result;
}

uint16_t pcie_command(const struct pcie_function *function)
{
	return get_le16(function->state->config + PCI_COMMAND);
}

uint64_t bar_register_address(const struct pcie_function *function, unsigned int offset,
			      const struct pcie_bar bars[PCIE_BARS], unsigned int bar)
{
	const uint8_t *reg = function->state->config + offset + bar * sizeof(uint32_t);
	uint64_t address;

	if (bar >= PCIE_BARS || !bars[bar].size)
		return 0;
	address = get_le32(reg) & (uint32_t)PCI_BASE_ADDRESS_MEM_MASK;
	if (bars[bar].is_64bit)
		address |= (uint64_t)get_le32(reg + sizeof(uint32_t)) << 32;
	return address;
}

uint64_t pcie_bar_address(const struct pcie_function *function, unsigned int bar)
{
	return bar_register_address(function, PCI_BASE_ADDRESS_0, function->layout->bar, bar);
}
