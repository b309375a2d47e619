// SPDX-License-Identifier: BSD-3-Clause
/* card.c - layouts with the capability offsets and sizes of the 82599. */
#include <stdlib.h>
#include "card.h"

static const struct pcie_ids ids = { .vendor = 0x8086,
				     .device = 0x10f8,
				     .subsystem_vendor = 0x8086,
				     .subsystem = 0x000c,
				     .revision = 1,
				     .class_code = 0x020000 };

void card_pf_layout(struct pcie_layout *layout, unsigned int function)
{
	struct pcie_sriov_config sriov = { .total_vfs = TOTAL_VFS,
					   .first_vf_offset =
						   (uint16_t)(128 + 126 * (function / 2)),
					   .vf_stride = 2,
					   .vf_device_id = 0x10ed,
					   .function_dependency_link = (uint8_t)function,
					   .supported_page_sizes = SUPPORTED_PAGES };

	sriov.vf_bar[0] = (struct pcie_bar){ .size = VF_BAR_SIZE, .is_64bit = true };
	sriov.vf_bar[3] = (struct pcie_bar){ .size = VF_BAR_SIZE, .is_64bit = true };
	pcie_layout_init(layout, &ids, true);
	pcie_add_bar(layout, 0, 0x80000, true, false);
	pcie_add_bar(layout, 4, 0x4000, true, true);
	pcie_add_pm(layout, PM);
	pcie_add_msi(layout, MSI);
	pcie_add_msix(layout, MSIX, 64, 4, 0, 0x2000);
	pcie_add_express(layout, EXPRESS, 2, 8);
	pcie_add_aer(layout, AER);
	pcie_add_serial(layout, SERIAL, SERIAL_NUMBER);
	pcie_add_ari(layout, ARI, (uint8_t)(function + 1));
	pcie_add_sriov(layout, SRIOV, &sriov);
}

void card_vf_layout(struct pcie_layout *layout)
{
	pcie_layout_init_vf(layout, &ids);
	pcie_add_msix(layout, MSIX, 3, 3, 0, 0x2000);
	pcie_add_express(layout, EXPRESS, 2, 8);
	pcie_add_aer(layout, AER);
	pcie_add_ari(layout, ARI, 0);
}

static int note_reset(void *ctx)
{
	struct notes *notes = ctx;

	notes->resets++;
	return notes->reset_result;
}

static void note_command(void *ctx, uint16_t command)
{
	struct notes *notes = ctx;

	notes->commands++;
	notes->command = command;
}

static void note_msix(void *ctx, bool enable, bool function_mask)
{
	struct notes *notes = ctx;

	notes->msix++;
	notes->msix_enable = enable;
	notes->msix_mask = function_mask;
}

static int note_vf_enable(void *ctx, unsigned int numvfs)
{
	struct notes *notes = ctx;

	notes->vf_enables++;
	notes->numvfs = numvfs;
	return notes->enable_result;
}

static int note_vf_disable(void *ctx)
{
	struct notes *notes = ctx;

	notes->vf_disables++;
	return notes->disable_result;
}

const struct function_ops notes_ops = { .reset = note_reset,
					.command = note_command,
					.msix = note_msix,
					.vf_enable = note_vf_enable,
					.vf_disable = note_vf_disable };

struct card_function *card_pf(unsigned int function)
{
	struct card_function *card = calloc(1, sizeof(*card));

	card_pf_layout(&card->layout, function);
	pcie_function_init(&card->function, &card->layout, &card->state,
			   (uint16_t)(0x0700 + function), &notes_ops, &card->notes);
	return card;
}

struct card_function *card_vf(void)
{
	struct card_function *card = calloc(1, sizeof(*card));

	card_vf_layout(&card->layout);
	pcie_function_init(&card->function, &card->layout, &card->state, 0x0780, &notes_ops,
			   &card->notes);
	return card;
}

uint64_t get(const struct pcie_function *function, unsigned int offset, unsigned int len)
{
	uint64_t value = 0;

	pcie_config_read(function, (uint16_t)offset, &value, len);
	return value;
}

int set(struct pcie_function *function, unsigned int offset, uint64_t value, unsigned int len)
{
	return pcie_config_write(function, (uint16_t)offset, &value, len);
}
