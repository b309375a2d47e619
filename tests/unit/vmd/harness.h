/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * harness.h - a VMD endpoint with two PFs behind it that make VFs and otherwise only remember, a device thread that
 * serves its socket, and a worker that can be told to hold on to what it has. The test itself is the guest: it holds the
 * other end of the socket.
 */
#ifndef SOFTIOV_TEST_VMD_HARNESS_H
#define SOFTIOV_TEST_VMD_HARNESS_H

#include <pthread.h>
#include <semaphore.h>
#include <stdatomic.h>

#include "util/quiesce.h"
#include "vfio_user/client.h"
#include "vmd/vmd.h"

enum { CFGBAR = 0, MEMBAR1 = 2, MEMBAR2 = 4, CONFIG = 7 };

/* Where the guest puts the windows. */
#define CFGBAR_ADDRESS 0x380000000000ull
#define MEMBAR1_ADDRESS 0xf0000000u
#define MEMBAR1_SIZE 0x2000000u
#define MEMBAR2_ADDRESS 0xfd000000u

/* The endpoint. */
enum { VMCAP = 0x40, VMCONFIG = 0x44, VMLOCK = 0x70, VMCONFIG_BYPASS = 2 };

/* The functions behind it. */
enum { MSI = 0x50, MSIX = 0x70, EXPRESS = 0xa0, ARI = 0x150, SRIOV = 0x160 };
#define FIRST_BUS 7u
#define PFS 2u
#define VFS 8u
#define VECTORS 64u /* of a PF; a VF has VF_VECTORS */
#define VF_VECTORS 3u
#define PF_BAR_SIZE 0x80000u
#define MSIX_BAR 4u /* of a PF; of a VF it is VF_MSIX_BAR */
#define VF_MSIX_BAR 3u
#define SMALL_BAR_SIZE 0x4000u
#define PBA_OFFSET 0x2000u

/* struct model - a PF or VF that remembers. */
struct model {
	struct rig *rig;
	unsigned int pf;
	struct pcie_function_state state;
	struct pcie_function function;
	uint32_t reg[PF_BAR_SIZE / 4], msix_bar[SMALL_BAR_SIZE / 4];
	unsigned int reads, writes, resets;
	int bar_result;
};

#define MAX_MESSAGES 4096
struct message {
	uint64_t address;
	uint32_t data, len;
};

struct event;

struct rig {
	struct event_base *base;
	struct event *kick;
	struct quiesce *quiesce;
	pthread_t device, worker;
	sem_t done;

	struct pcie_hierarchy *hierarchy;
	struct pcie_layout pf_layout[PFS], vf_layout;
	struct model pf[PFS], vf[PFS][VFS];
	unsigned int vfs[PFS];
	struct vmd_state *state;
	struct iommu_domain *domain;
	struct vmd *vmd;
	struct vmd_config config;
	unsigned int attaches, detaches;
	unsigned int resets_at_detach; /* of PF 0, when @attached was told */
	char directory[32], socket[64];

	_Atomic bool stop, hold, holding;
	_Atomic bool storm; /* the worker raises vectors of all functions all the time */

	/* the guest */
	struct vfio_user_client *client;
	struct message message[MAX_MESSAGES];
	unsigned int messages;
	bool refuse_messages; /* answer them with an error */
};

struct rig *rig_start(void);
struct rig *rig_start_buses(unsigned int buses);
void rig_stop(struct rig *rig);

/* rig_run() - run @f(@rig) on the device thread and wait for it. */
void rig_run(struct rig *rig, void (*f)(struct rig *rig));
/* rig_hold() - the worker stays before its quiescent point; returns when it does. */
void rig_hold(struct rig *rig, bool hold);
/* Snapshots taken on the device thread. */
struct vmd_info rig_info(struct rig *rig);
/* rig_signal() - as a worker would, from this thread. */
void rig_signal(struct rig *rig, uint16_t routing_id, unsigned int vector);
/* rig_settle() - all signals so far have been looked at, and what was sent has arrived. */
void rig_settle(struct rig *rig);

/* The guest. */
void guest_connect(struct rig *rig);
/* guest_leave() - it is gone, and all it left behind. */
void guest_leave(struct rig *rig);
uint32_t guest_read(struct rig *rig, unsigned int region, uint64_t offset, uint32_t len);
void guest_write(struct rig *rig, unsigned int region, uint64_t offset, uint64_t value,
		 uint32_t len);
/* Configuration space of @devfn on the first bus, through CFGBAR. */
uint32_t guest_config(struct rig *rig, unsigned int devfn, unsigned int offset, uint32_t len);
void guest_set_config(struct rig *rig, unsigned int devfn, unsigned int offset, uint32_t value,
		      uint32_t len);
/* guest_boot() - as a BIOS and the vmd driver leave the endpoint: windows placed, remapping bypassed. */
void guest_boot(struct rig *rig);
/* guest_place() - BARs and VF BARs of both PFs in MEMBAR1, memory, bus mastering and MSI-X on. */
void guest_place(struct rig *rig);
/* guest_enable_vfs() - of PF @pf; bus mastering and MSI-X of each VF on. */
void guest_enable_vfs(struct rig *rig, unsigned int pf, unsigned int numvfs);
/* guest_set_vector() - an MSI-X entry, at @table in MEMBAR1. */
void guest_set_vector(struct rig *rig, uint32_t table, unsigned int vector, uint64_t address,
		      uint32_t data, bool masked);

/* Where guest_place() puts things, as offsets in MEMBAR1. */
static inline uint32_t pf_bar(unsigned int pf)
{
	return pf * PF_BAR_SIZE;
}

static inline uint32_t pf_table(unsigned int pf)
{
	return PFS * PF_BAR_SIZE + pf * SMALL_BAR_SIZE;
}

static inline uint32_t vf_bar(unsigned int pf, unsigned int vf)
{
	return 0x200000u + (pf * 2 * VFS + vf) * SMALL_BAR_SIZE;
}

static inline uint32_t vf_table(unsigned int pf, unsigned int vf)
{
	return vf_bar(pf, VFS + vf);
}

static inline unsigned int vf_devfn(unsigned int pf, unsigned int vf)
{
	return 0x80 + pf + 2 * vf;
}

static inline uint16_t routing_id(unsigned int devfn)
{
	return (uint16_t)(FIRST_BUS << 8 | devfn);
}

#endif
