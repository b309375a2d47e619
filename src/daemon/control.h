/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * control.h - API calls carried out on the device thread, each in steps short enough not to hold up a guest.
 */
#ifndef SOFTIOV_DAEMON_CONTROL_H
#define SOFTIOV_DAEMON_CONTROL_H

#include "api/api.h"
#include "daemon/card.h"

struct control;

/**
 * control_create() - @stop is called (device thread) when a client may stop the daemon; @vms says how many VMs of ours run.
 * Return: the control, or NULL. @cards may still grow until the event loop runs.
 */
struct control *control_create(struct event_base *base, struct card *const *cards,
			       const unsigned int *n, const struct dp *dp,
			       unsigned int (*vms)(void *ctx), void (*stop)(void *ctx), void *ctx);

/** control_close() - the daemon stops: refuse the calls that wait and all that come. Those begun end by themselves. */
void control_close(struct control *control);

/** control_destroy() - after api_destroy(): nobody submits any more. */
void control_destroy(struct control *control);

/** control_submit() - take over @call. Any thread; the answer comes from the device thread. */
void control_submit(void *control, struct api_call *call);

#endif
