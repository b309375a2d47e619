/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * card.h - layouts with the capability offsets and sizes of the 82599, and a device model that
 * notes what it is told.
 */
#ifndef SOFTIOV_TEST_PCIE_CARD_H
#define SOFTIOV_TEST_PCIE_CARD_H

#include "pcie/function.h"

enum { PM = 0x40, MSI = 0x50, MSIX = 0x70, EXPRESS = 0xa0 };
enum { AER = 0x100, SERIAL = 0x140, ARI = 0x150, SRIOV = 0x160 };

#define TOTAL_VFS 64
#define SUPPORTED_PAGES 0x553u
#define VF_BAR_SIZE 0x4000u
#define SERIAL_NUMBER 0x1b2176ffff001122ull

void card_pf_layout(struct pcie_layout *layout, unsigned int function);
void card_vf_layout(struct pcie_layout *layout);

/* struct notes - every call that reached the device model. */
struct notes {
	unsigned int commands, msix, resets, vf_enables, vf_disables;
	uint16_t command;
	bool msix_enable, msix_mask;
	unsigned int numvfs;
	int enable_result, disable_result, reset_result; /* what the model answers */
};
extern const struct function_ops notes_ops;

/* struct card_function - a function at power-on. */
struct card_function {
	struct pcie_layout layout;
	struct pcie_function_state state;
	struct pcie_function function;
	struct notes notes;
};
struct card_function *card_pf(unsigned int function);
struct card_function *card_vf(void);

uint64_t get(const struct pcie_function *function, unsigned int offset, unsigned int len);
int set(struct pcie_function *function, unsigned int offset, uint64_t value, unsigned int len);

#endif
