/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * ixgbe.h - the Intel 82599 as drivers see it: one PF with its up to 64 VFs. Registers, mailbox, EEPROM, descriptors.
 *
 * Register accesses, resets and all calls here run on the device thread unless said otherwise. The burst functions in
 * ixgbe_model_ops run on the port's worker. The model turns register writes into switch tables (ixgbe_partition()) and
 * a set of transmit queues (ixgbe_tx_queues()) and says through struct ixgbe_wiring when they changed.
 *
 * Sources: Intel 82599 data sheet; Linux ixgbe and ixgbevf; DPDK net/ixgbe.
 */
#ifndef SOFTIOV_IXGBE_IXGBE_H
#define SOFTIOV_IXGBE_IXGBE_H

#include <stdbool.h>
#include <stdint.h>
#include "eswitch/eswitch.h"
#include "eswitch/stats.h"
#include "frame/model.h"
#include "iommu/iommu.h"
#include "pcie/function.h"
#include "pcie/irq.h"

#define IXGBE_DEVICE_BACKPLANE 0x10f8 /* KX4/KX/KR */
#define IXGBE_DEVICE_SFP 0x10fb	      /* SFP+, with a direct-attach copper cable in the cage */
#define IXGBE_MAX_VFS 64
#define IXGBE_POOLS 64
#define IXGBE_VF_VECTORS 3
#define IXGBE_PF_VECTORS 64
#define IXGBE_QUEUES 128 /* per PF and direction */

#define IXGBE_PF_BAR_SIZE 0x80000 /* BAR0 */
#define IXGBE_PF_MSIX_BAR 4
#define IXGBE_VF_BAR_SIZE 0x4000 /* BAR0; pages 1 and 2 are the queue registers */
#define IXGBE_VF_MSIX_BAR 3
#define IXGBE_VF_SHARED_OFFSET 0x1000
#define IXGBE_VF_SHARED_SIZE 0x2000

struct ixgbe_pf;
struct ixgbe_vf;
struct quiesce;

/** struct ixgbe_config - straps of a PF. */
struct ixgbe_config {
	uint16_t device_id; /* IXGBE_DEVICE_* */
	uint8_t mac
		[ETH_ALEN]; /* permanent address, from which the VFs' are derived by the PF driver */
	uint8_t lan_id;	    /* port: STATUS.LAN_ID is 0 for function 0 */
	uint8_t function;   /* PF number on the card: function number */
	bool multifunction;
	uint16_t first_vf_offset;
	uint16_t total_vfs; /* 64; 0: no SR-IOV capability */
};

/**
 * struct ixgbe_wiring - how the model reaches the rest of the card. @function: -1 the PF, else a VF number.
 * @changed: switch tables, queue set or link changed: collect and publish soon (device thread, may be called often).
 * @signal: deliver MSI-X @vector of @function. Any thread.
 * @arm: a moderated interrupt of @pool is due at @due_ns. Any thread.
 * @kick: the worker may have work although it naps. Any thread.
 */
struct ixgbe_wiring {
	void (*changed)(void *ctx);
	void (*signal)(void *ctx, int function, unsigned int vector);
	void (*arm)(void *ctx, unsigned int pool, uint64_t due_ns);
	void (*kick)(void *ctx);
	void *ctx;
};

/** ixgbe_state_size() - bytes of the card's state file that one PF with its VFs needs (zeroed: power-on). */
size_t ixgbe_state_size(void);

/**
 * ixgbe_create() - a PF at power-on over @state.
 * @pf_domain, @vf_domain: DMA domains of the requesters, not owned. @stats: one per pool, not owned.
 * Return: 0 with *@pf set, or -errno.
 */
int ixgbe_create(struct ixgbe_pf **pf, const struct ixgbe_config *config, void *state,
		 struct iommu_domain *pf_domain,
		 struct iommu_domain *const vf_domain[IXGBE_MAX_VFS], struct vport_stats *stats,
		 struct quiesce *quiesce, const struct ixgbe_wiring *wiring);
void ixgbe_destroy(struct ixgbe_pf *pf);

/** ixgbe_pf_layout(), ixgbe_vf_layout() - configuration space with the 82599's values. */
void ixgbe_pf_layout(const struct ixgbe_config *config, struct pcie_layout *layout);
void ixgbe_vf_layout(const struct ixgbe_config *config, struct pcie_layout *layout);

/** The function behind the PF (ctx: struct ixgbe_pf) and behind a VF (ctx: struct ixgbe_vf). */
extern const struct function_ops ixgbe_pf_function_ops;
extern const struct function_ops ixgbe_vf_function_ops;
extern const struct model_ops ixgbe_model_ops;

/**
 * ixgbe_vf_away_ops - the function behind a VF for who is not its owner now (ctx: unused). Its registers read as those
 * of a VF whose PF is in reset, which no driver takes for a device that is gone; writes and resets have no effect.
 */
extern const struct function_ops ixgbe_vf_away_ops;

struct ixgbe_vf *ixgbe_get_vf(struct ixgbe_pf *pf, unsigned int vf);

/**
 * ixgbe_vf_share() - from now on a client may map register pages 1 and 2 (@shared), or every access is trapped.
 * A fresh memory file is made each time, so that an earlier client that keeps its map reaches nothing.
 * Return: with @shared the memory file (owned by the model, valid until the next call; offset = BAR offset), else -1.
 */
int ixgbe_vf_share(struct ixgbe_vf *vf, bool shared);

/** ixgbe_poll() - notice queues that a guest enabled or disabled in shared pages; call it many times a second. */
void ixgbe_poll(struct ixgbe_pf *pf);

/** ixgbe_set_link() - the wire has a partner. */
void ixgbe_set_link(struct ixgbe_pf *pf, bool up);
bool ixgbe_link(const struct ixgbe_pf *pf);

/** ixgbe_partition() - the switch tables of this PF as its registers say; valid until the next register write. */
const struct eswitch_partition *ixgbe_partition(struct ixgbe_pf *pf);

/** ixgbe_pool() - handle of a pool for model_ops.rx_burst and irq_expire. */
void *ixgbe_pool(struct ixgbe_pf *pf, unsigned int pool);

/** ixgbe_tx_queues() - enabled transmit queues: fills @queue and @pool (each @max); returns how many there are. */
unsigned int ixgbe_tx_queues(struct ixgbe_pf *pf, void **queue, uint8_t *pool, unsigned int max);

/**
 * ixgbe_tx_doorbell() - the tail register of a queue that ixgbe_tx_queues() listed: it changes when the driver posts.
 * Valid until a grace period after the next wiring->changed().
 */
const _Atomic uint32_t *ixgbe_tx_doorbell(void *queue);

/** ixgbe_vf_pools() - pools that belong to VFs now (0 when VFs are off); the PF's pools start there. */
unsigned int ixgbe_vf_pools(const struct ixgbe_pf *pf);

/** ixgbe_irq() - vector of @function (-1: PF), for counters. NULL beyond the function's vectors. */
const struct irq_vector *ixgbe_irq(struct ixgbe_pf *pf, int function, unsigned int vector);

/** struct ixgbe_queue_info - a queue pair of a function, for "softiov show". */
struct ixgbe_queue_info {
	bool rx_enabled, tx_enabled;
	uint16_t rx_head, rx_tail, rx_size, tx_head, tx_tail, tx_size;
	uint64_t rx_packets, rx_bytes, tx_packets, tx_bytes;
};
int ixgbe_queue_info(struct ixgbe_pf *pf, int function, unsigned int queue,
		     struct ixgbe_queue_info *info);

/** struct ixgbe_vf_info - what the driver of a VF has reached. */
struct ixgbe_vf_info {
	bool reset_pending, receive_enabled, transmit_enabled;
	uint32_t resets;
	uint64_t mailbox_requests; /* messages sent by the VF */
};
void ixgbe_vf_info(struct ixgbe_pf *pf, unsigned int vf, struct ixgbe_vf_info *info);

#endif
