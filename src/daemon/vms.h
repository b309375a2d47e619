/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * vms.h - the daemon's VMs: the manager between the API's thread and the device thread. Device thread, if nothing else
 * is said. A daemon whose inventory cannot be opened goes on without VMs: cards do not depend on them.
 */
#ifndef SOFTIOV_DAEMON_VMS_H
#define SOFTIOV_DAEMON_VMS_H

#include "api/api.h"
#include "daemon/config.h"

struct vms;
struct event_base;

/** vms_create() - @attached: how many VFs and cards have a client. Return: what there is, without an inventory, or NULL. */
struct vms *vms_create(struct event_base *base, unsigned int (*attached)(void *ctx), void *ctx);

/** vms_manage(), vms_changed() - of struct api_config, with the vms as context. Management thread. */
void vms_manage(void *vms, struct api_call *call);
void vms_changed(void *vms, const struct api_call *call);

/** vms_open() - between api_create() and api_start(): open the inventory. If that fails, its reason is logged and told. */
void vms_open(struct vms *vms, const struct config *config, struct api_server *api);

/** vms_vfs_changed() - PFs have another number of VFs, because they @came_up or not. Any thread. */
void vms_vfs_changed(struct vms *vms, bool came_up);

/** vms_running() - how many VMs are not halted. */
unsigned int vms_running(const struct vms *vms);

/** vms_power_off() - press all power buttons; @done when no VM is left, or after @seconds. */
void vms_power_off(struct vms *vms, unsigned int seconds, void (*done)(void *ctx), void *ctx);

/** vms_destroy() - between api_stop() and api_destroy(). */
void vms_destroy(struct vms *vms);

#endif
