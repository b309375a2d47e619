/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * harness.h - a managed VF with a device model that only remembers, a device thread that serves its
 * socket, and a worker that can be told to hold on to what it has. The test itself is the client.
 */
#ifndef SOFTIOV_TEST_IOVM_HARNESS_H
#define SOFTIOV_TEST_IOVM_HARNESS_H

#include <pthread.h>
#include <semaphore.h>
#include <stdatomic.h>

#include "iovm/iovm.h"
#include "util/quiesce.h"
#include "vfio_user/client.h"

enum { MSIX = 0x70, EXPRESS = 0xa0, AER = 0x100, ARI = 0x150, SRIOV = 0x160 };

#define BAR_SIZE 0x4000u
#define MSIX_BAR 3
#define PBA_OFFSET 0x2000u
#define VECTORS 3u
#define SHARED_OFFSET 0x1000u
#define SHARED_SIZE 0x2000u
#define VF_NUMBER 5u

/* struct model - the device model behind the bare VF. */
struct model {
	uint32_t reg[BAR_SIZE / 4], msix_bar[BAR_SIZE / 4];
	unsigned int reads, writes, resets, commands, msix, shares, changes;
	uint16_t command, bare_command;
	bool msix_enable, msix_mask, attached;
	int share_fd; /* what share() made last */
	int bar_result;
	int admit_result;    /* what admit() answers */
	unsigned int admits; /* how often it was asked */
};

struct event;

struct rig {
	struct event_base *base;
	struct event *kick;
	struct quiesce *quiesce;
	pthread_t device, worker;
	sem_t done;

	struct pcie_layout pf_layout, bare_layout;
	struct pcie_function_state pf_state, bare_state;
	struct pcie_function pf, bare;
	struct iommu_state *iommu_state;
	struct iommu_domain *domain;
	struct iovm_vf_state state;
	struct model model;
	struct iovm_vf_config config;
	struct iovm_vf *vf;
	char directory[32], socket[64];

	_Atomic bool stop, hold, holding;
	_Atomic int raise_once; /* vector that the worker raises when it gets there, -1: none */
	_Atomic int raise;	/* vector that the worker raises all the time, -1: none */
};

/* rig_layouts() - PF and bare VF at power-on, SR-IOV on. No threads, no socket. */
void rig_layouts(struct rig *rig);

struct rig *rig_start(void);
void rig_stop(struct rig *rig);

/* rig_run() - run @f(@rig) on the device thread and wait for it. */
void rig_run(struct rig *rig, void (*f)(struct rig *rig));

/* rig_hold() - the worker stays before its quiescent point; returns when it does. */
void rig_hold(struct rig *rig, bool hold);

/* Snapshots taken on the device thread, valid until the next call. */
struct iovm_vf_info rig_info(struct rig *rig);
const struct model *rig_model(struct rig *rig);
const struct iommu_summary *rig_summary(struct rig *rig);

void rig_set_bar_result(struct rig *rig, int result);  /* of every later register access */
void rig_signal(struct rig *rig, unsigned int vector); /* from the device thread */
void rig_wait_detached(struct rig *rig);

struct vfio_user_client *rig_connect(struct rig *rig);

/* Configuration space, through the socket. */
uint32_t config_get(struct vfio_user_client *client, uint32_t offset, uint32_t len);
void config_set(struct vfio_user_client *client, uint32_t offset, uint32_t value, uint32_t len);

/* Memory on, bus master on, MSI-X on: as a driver leaves the function. */
void start_function(struct vfio_user_client *client);

#endif
