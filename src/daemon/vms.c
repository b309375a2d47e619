/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * vms.c - the manager and the daemon. The manager lives on the management thread; what it has to tell the device thread
 * is one event: the VMs are off. Then their clients' sockets are about to be closed, too, and a moment is waited for that.
 */
#include "daemon/vms.h"

#include <event2/event.h>
#include <stdio.h>
#include <stdlib.h>

#include "manager/manager.h"
#include "util/log.h"

#define DETACH_MS 50	/* look this often whether the clients are gone */
#define DETACH_LOOKS 40 /* and so many times */

struct vms {
	struct manager *manager; /* NULL: none, @why */
	struct reason why;
	unsigned int (*attached)(void *ctx);
	void *attached_ctx;
	struct event *off, *look;
	unsigned int looks;
	void (*done)(void *ctx);
	void *done_ctx;
};

void vms_manage(void *ctx, struct api_call *call)
{
	struct vms *vms = ctx;
	char text[sizeof(vms->why.text) + 32];

	if (vms->manager) {
		manager_request(vms->manager, call);
		return;
	}
	snprintf(text, sizeof(text), "no VMs here: %s", vms->why.text);
	api_answer(call, 503,
		   json_pack("{s:s, s:s, s:[]}", "error", text, "code", "INTERNAL_ERROR",
			     "params"));
}

void vms_changed(void *ctx, const struct api_call *call)
{
	struct vms *vms = ctx;

	if (vms->manager)
		manager_changed(vms->manager, call);
}

static enum vmm_accel accel_of(const struct config *config)
{
	switch (config->vms.accel) {
	case CONFIG_ACCEL_KVM:
		return VMM_KVM;
	case CONFIG_ACCEL_TCG:
		return VMM_TCG;
	default:
		return VMM_AUTO;
	}
}

void vms_open(struct vms *vms, const struct config *config, struct api_server *api)
{
	const struct manager_config manager = {
		.data_dir = config->vms.data_dir,
		.run_dir = config->run_dir,
		.qemu = config->vms.qemu[0] ? config->vms.qemu : NULL,
		.accel = accel_of(config),
		.console_owner = config->api.owner,
		.console_group = config->api.group,
		.console_mode = config->api.mode,
		.base = api_base(api),
		.api = api,
	};

	if (manager_create(&vms->manager, &manager, &vms->why))
		log_warning("no VMs here: %s (vms: data-dir: of the configuration names another "
			    "directory)",
			    vms->why.text);
}

void vms_vfs_changed(struct vms *vms, bool came_up)
{
	if (vms->manager)
		manager_vfs_changed(vms->manager, came_up);
}

unsigned int vms_running(const struct vms *vms)
{
	return vms->manager ? manager_running(vms->manager) : 0;
}

/* Power off */

static void on_look(evutil_socket_t fd, short events, void *ctx)
{
	static const struct timeval soon = { .tv_usec = DETACH_MS * 1000 };
	struct vms *vms = ctx;

	(void)fd, (void)events;
	if (vms->attached(vms->attached_ctx) && vms->looks++ < DETACH_LOOKS)
		event_add(vms->look, &soon);
	else
		vms->done(vms->done_ctx);
}

static void on_off(evutil_socket_t fd, short events, void *ctx)
{
	struct vms *vms = ctx;

	vms->looks = 0;
	on_look(fd, events, vms);
}

/* Management thread. */
static void tell_off(void *ctx)
{
	struct vms *vms = ctx;

	event_active(vms->off, EV_READ, 0);
}

void vms_power_off(struct vms *vms, unsigned int seconds, void (*done)(void *ctx), void *ctx)
{
	vms->done = done;
	vms->done_ctx = ctx;
	log_info("powering off %u VMs", vms_running(vms));
	manager_shutdown(vms->manager, seconds, tell_off, vms);
}

struct vms *vms_create(struct event_base *base, unsigned int (*attached)(void *ctx), void *ctx)
{
	struct vms *vms = calloc(1, sizeof(*vms));

	if (!vms)
		return NULL;
	vms->attached = attached;
	vms->attached_ctx = ctx;
	vms->off = event_new(base, -1, EV_PERSIST, on_off, vms);
	vms->look = evtimer_new(base, on_look, vms);
	if (vms->off && vms->look)
		return vms;
	vms_destroy(vms);
	return NULL;
}

void vms_destroy(struct vms *vms)
{
	if (!vms)
		return;
	manager_destroy(vms->manager);
	if (vms->off)
		event_free(vms->off);
	if (vms->look)
		event_free(vms->look);
	free(vms);
}
