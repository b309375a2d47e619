/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * manager.h - the VMs of this host and the VFs they are given: what may be assigned to whom, and the life of a VM from
 * start to end. Management thread.
 *
 * It keeps the inventory (store), runs VMs (vmm), and reaches the cards the way every client does: by requests of the API,
 * which the daemon carries out on the device thread. Requests for /v1/vm, /v1/network, /v1/sriov, /v1/pif, /v1/pci and
 * /v1/host come here; docs/api.md says what they mean.
 */
#ifndef SOFTIOV_MANAGER_MANAGER_H
#define SOFTIOV_MANAGER_MANAGER_H

#include "api/api.h"
#include "vmm/vmm.h"

struct manager;
struct event_base;

/**
 * struct manager_config - strings are copied.
 * @data_dir: of the inventory
 * @run_dir: of the daemon; running VMs have theirs in vm/UUID below it
 * @qemu: path, NULL: by PATH
 * @console_owner, @console_group, @console_mode: who may join a VM's console, as of a socket; mode 0: nobody but us
 * @api: for requests of our own
 */
struct manager_config {
	const char *data_dir, *run_dir, *qemu;
	enum vmm_accel accel;
	uid_t console_owner;
	gid_t console_group;
	mode_t console_mode;
	struct event_base *base;
	struct api_server *api;
};

/** manager_create() - open the inventory, take over VMs that still run. Return: 0 or -errno with @why. */
int manager_create(struct manager **manager, const struct manager_config *config,
		   struct reason *why);

/** manager_destroy() - after api_stop(), before api_destroy(). Running VMs are left alone. */
void manager_destroy(struct manager *manager);

/** manager_request() - take over @call, of kind API_MANAGE. Management thread. */
void manager_request(struct manager *manager, struct api_call *call);

/** manager_changed() - see struct api_config: what was set is kept. Management thread. */
void manager_changed(struct manager *manager, const struct api_call *call);

/**
 * manager_vfs_changed() - PFs have another number of VFs: give these their stored policy. @came_up: and the PFs as many VFs
 * as they had, because they have just come up. Any thread.
 */
void manager_vfs_changed(struct manager *manager, bool came_up);

/**
 * manager_shutdown() - power all running VMs off; meanwhile none starts. @done, on the management thread, when none is
 * left, or after @seconds: those that did not obey then go on. Any thread.
 */
void manager_shutdown(struct manager *manager, unsigned int seconds, void (*done)(void *ctx),
		      void *ctx);

/** manager_running() - how many VMs are not halted. Any thread. */
unsigned int manager_running(const struct manager *manager);

#endif
