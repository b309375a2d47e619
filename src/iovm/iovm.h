/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * iovm.h - the SR-IOV manager: gives each VF the complete virtual configuration space that the bare
 * VF lacks, opens its vfio-user socket, and knows who it is assigned to. Device thread.
 *
 * Composition: PCI Express Base 5.0 section 9.3.4 tells which registers a VF lacks and where a
 * manager finds the value: IDs from the PF (Vendor ID, VF Device ID of the SR-IOV capability), BARs
 * carved out of the PF's VF BARs, Command and MSI-X of its own, everything else from the bare VF.
 */
#ifndef SOFTIOV_IOVM_IOVM_H
#define SOFTIOV_IOVM_IOVM_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>
#include "iommu/iommu.h"
#include "pcie/function.h"
#include "util/util.h"

struct event_base;
struct quiesce;
struct iovm_vf;

#define IOVM_MAX_VECTORS 64 /* MSI-X vectors of a VF; their pending bits fill one register */

/** struct iovm_vf_state - what of an assigned VF lives in the card's state file. */
struct iovm_vf_state {
	struct pcie_function_state virtual_config;
	uint32_t client_pid;
	uint32_t attaches; /* clients so far */
};

/**
 * struct iovm_vf_config - a VF to manage. Pointers must outlive the VF; strings are copied.
 * @bare: at power-on; its configuration space and its ops reach the device model
 * @share: device model call that (re)makes the shared register file, see ixgbe_vf_share(); NULL:
 *	never shared
 * @shared_bar, @shared_offset, @shared_size: which part of which BAR it is; the offset in the file
 *	is the offset in the BAR
 * @admit: may a client have this VF now? A negative errno refuses it, @why is logged; PCIE_QUIESCE: it has it, but is
 *	answered only after a grace period, since workers may still serve who had the VF before. NULL: always
 * @changed: attach or detach happened (for logs and the data path); may be NULL. Must not destroy the VF. What the
 *	client had mapped workers may use until a grace period after the detach
 * @patience_ns: struct vfio_user_ops.patience_ns; NULL: never
 */
struct iovm_vf_config {
	const char *socket_path;
	uid_t owner;
	gid_t group;
	mode_t mode;
	bool registers_shared;
	const struct pcie_function *pf;
	struct pcie_function *bare;
	unsigned int vf;
	struct iommu_domain *domain;
	struct iovm_vf_state *state;
	int (*share)(void *ctx, bool shared);
	unsigned int shared_bar;
	uint32_t shared_offset, shared_size;
	int (*admit)(void *ctx, struct reason *why);
	void (*changed)(void *ctx, bool attached);
	uint64_t (*patience_ns)(void *ctx);
	void *ctx;
};

/**
 * iovm_vf_create() - compose the virtual configuration space and listen.
 * Return: 0 with *@vf set, or -errno with @why filled in.
 */
int iovm_vf_create(struct iovm_vf **vf, struct event_base *base, struct quiesce *quiesce,
		   const struct iovm_vf_config *config, struct reason *why);

/**
 * iovm_vf_destroy() - throw the client out and close; memory is freed after a grace period.
 * Nothing of struct iovm_vf_config is touched any more when this returns.
 */
void iovm_vf_destroy(struct iovm_vf *vf);

/**
 * iovm_vf_orphan() - the PF driver of another VM has taken the bare VF away (VF Enable = 0, or the card's VM is gone)
 * while a client has it: the client keeps the function, whose registers stay readable whatever VF MSE says, without bus
 * mastering. Let a grace period pass before anybody is told. The struct pcie_function of the bare VF must remain.
 */
void iovm_vf_orphan(struct iovm_vf *vf);

/**
 * iovm_vf_revive() - the bare VF of an orphan is there again, at power-on: what the client wrote into the virtual
 * configuration space is applied to it once more. Device thread.
 */
void iovm_vf_revive(struct iovm_vf *vf);

/**
 * iovm_vf_signal() - the device model raises MSI-X @vector: signal its eventfd if one is assigned.
 * Device thread, or a worker between two quiescent points. Never blocks, whatever the client does
 * to the eventfd.
 */
void iovm_vf_signal(struct iovm_vf *vf, unsigned int vector);

/**
 * iovm_vf_check() - look after @vf: throw out a client whose memory file shrank, notice memory
 * that is not really shared. Call it every second or so.
 */
void iovm_vf_check(struct iovm_vf *vf);

/** struct iovm_vf_info - for "softiov show". */
struct iovm_vf_info {
	pid_t client; /* 0: not attached, -1: attached, of a PID namespace we cannot see */
	const char *socket_path;
	bool registers_shared; /* mode in force; without a client that of the next one */
	bool bus_master, memory_space, msix;
	unsigned int vectors;  /* eventfds assigned */
	uint64_t lost_signals; /* raised with no eventfd assigned or MSI-X off */
	uint64_t messages, message_errors;
	uint32_t attaches;
	bool broken;	    /* its memory file shrank: client thrown out */
	bool orphan;	    /* there is no bare VF any more */
	const char *advice; /* NULL, or which QEMU option is missing */
};
void iovm_vf_info(struct iovm_vf *vf, struct iovm_vf_info *info);

/** Advice in words, for whoever else lets a VM have a function. */
extern const char iovm_memory_not_shared[], iovm_memory_private[];

/** iovm_vf_config_space() - the 4096 bytes a VM sees. */
void iovm_vf_config_space(struct iovm_vf *vf, uint8_t config[PCIE_CONFIG_SIZE]);

/** iovm_vf_function() - the function that a VM sees. Writes are the client's, while there is one. */
struct pcie_function *iovm_vf_function(struct iovm_vf *vf);

/** iovm_vf_set_registers() - shared or trapped from the next client on. */
void iovm_vf_set_registers(struct iovm_vf *vf, bool shared);

#endif
