/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * card.h - a PF with its VFs for the register tests: real domains and grace periods, and wiring that
 * remembers what it was told.
 */
#ifndef SOFTIOV_TESTS_IXGBE_CARD_H
#define SOFTIOV_TESTS_IXGBE_CARD_H

#include "ixgbe/registers.h"

#define CARD_SIGNALS 256

struct card_signal {
	int function;
	unsigned int vector;
};

struct card {
	struct ixgbe_pf *pf;
	struct ixgbe_state *state;
	struct iommu_domain *pf_domain, *vf_domain[IXGBE_MAX_VFS];
	struct iommu_state *domain_state;
	struct vport_stats stats[IXGBE_POOLS];
	struct quiesce *quiesce;
	unsigned int changes, kicks, signals, arms;
	struct card_signal signal[CARD_SIGNALS];
	unsigned int arm_pool;
	uint64_t arm_due;
};

extern const uint8_t card_mac[ETH_ALEN];

/** card_setup(), card_setup_sfp(), card_teardown() - cmocka fixtures, a backplane or SFP+; *state is a struct card. */
int card_setup(void **state);
int card_setup_sfp(void **state);
int card_teardown(void **state);

/* Register accesses as a bus makes them. The *_q variants also tell what was answered. */
uint32_t pf_rd(struct card *card, uint32_t offset);
int pf_wr(struct card *card, uint32_t offset, uint32_t value);
uint32_t vf_rd(struct card *card, unsigned int vf, uint32_t offset);
int vf_rd_result(struct card *card, unsigned int vf, uint32_t offset);
int vf_wr(struct card *card, unsigned int vf, uint32_t offset, uint32_t value);

/** card_up() - what a PF driver does before VFs can work: pools of @vt_mode, VF Enable, PFRSTD. */
void card_up(struct card *card, uint32_t vt_mode, unsigned int vfs);

/** card_signalled() - how often MSI-X @vector of @function was sent since the last call. */
unsigned int card_signalled(struct card *card, int function, unsigned int vector);

/* A queue's registers in a VF's own window. */
#define VFRX(queue, dword) (IXGBE_VF_RX_PAGE + (queue)*IXGBE_Q_STRIDE + (dword)*4)
#define VFTX(queue, dword) (IXGBE_VF_TX_PAGE + (queue)*IXGBE_Q_STRIDE + (dword)*4)
#define PFRX(queue, dword) (IXGBE_RX_WINDOW + (queue)*IXGBE_Q_STRIDE + (dword)*4)
#define PFTX(queue, dword) (IXGBE_TX_WINDOW + (queue)*IXGBE_Q_STRIDE + (dword)*4)

#endif
