/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * cable.c - a cable between two ports of this daemon: what one sends the other receives, as two 82599 ports joined
 * by a direct-attach cable (data sheet 3.7, "Network Interfaces").
 *
 * No frame is kept here. A worker that has put a burst into one end switches it at the other end's port in the same
 * step, out of the sender's memory and with its offload requests uncut: dataplane/forward.c. So a payload byte is copied
 * once, into its receiver, there is no queue that could be full, and nothing to poll. What is here is who is tied to
 * whom, and the counters of both ends.
 *
 * An end waits in a list under its name until the other one is made. Who is tied is known to the device thread; the
 * worker reads @peer only to count, and an end is closed when no worker can hold it any more.
 */
#include <stdio.h>
#include <stdlib.h>
#include "uplink/uplink.h"

/** struct cable - one end. @changed: told that the other end came or went. */
struct cable {
	struct uplink uplink;
	char name[UPLINK_CABLE_NAME_MAX + 1];
	void (*changed)(void *ctx);
	void *ctx;
	struct cable *next;
};

static struct cable *all; /* device thread */

static struct cable *to_cable(struct uplink *uplink)
{
	return container_of(uplink, struct cable, uplink);
}

static void cable_send(struct uplink *uplink, struct frame *const frame[], unsigned int n,
		       enum uplink_fate fate[])
{
	struct uplink *peer = atomic_load_explicit(&uplink->peer, memory_order_acquire);
	uint64_t packets = 0, bytes = 0;

	if (!peer) {
		uplink_send_nowhere(uplink, n, fate);
		return;
	}
	for (unsigned int i = 0; i < n; i++) {
		uint32_t frames;
		uint64_t frame_bytes;

		frame_count(frame[i], &frames, &frame_bytes);
		packets += frames;
		bytes += frame_bytes;
	}
	uplink_fate_all(fate, n, UPLINK_SENT);
	uplink->stats.tx_packets += packets;
	uplink->stats.tx_bytes += bytes;
	peer->stats.rx_packets += packets;
	peer->stats.rx_bytes += bytes;
}

static unsigned int cable_receive(struct uplink *uplink, struct frame *frame, unsigned int max)
{
	return 0; /* they came when they were sent */
}

static int cable_poll_fd(const struct uplink *uplink)
{
	return -1;
}

static void cable_close(struct uplink *uplink)
{
	struct cable *cable = to_cable(uplink), **at;
	struct uplink *peer = atomic_load(&uplink->peer);

	for (at = &all; *at != cable; at = &(*at)->next)
		;
	*at = cable->next;
	if (peer) {
		atomic_store(&peer->peer, NULL);
		to_cable(peer)->changed(to_cable(peer)->ctx);
	}
	free(cable);
}

static const struct uplink_ops cable_ops = {
	.send = cable_send,
	.receive = cable_receive,
	.poll_fd = cable_poll_fd,
	.close = cable_close,
};

/* The end of @name that waits for another; @ends: how many there are. */
static struct cable *find_end(const char *name, unsigned int *ends)
{
	struct cable *found = NULL;

	*ends = 0;
	for (struct cable *cable = all; cable; cable = cable->next) {
		if (strcmp(cable->name, name))
			continue;
		found = cable;
		++*ends;
	}
	return found;
}

int uplink_cable(struct uplink **uplink, const char *name, void (*changed)(void *ctx), void *ctx,
		 struct reason *why)
{
	struct cable *cable, *other;
	unsigned int ends;

	if (!*name || strlen(name) > UPLINK_CABLE_NAME_MAX)
		return refuse(why, *name ? -ENAMETOOLONG : -EINVAL,
			      "cable name \"%s\" must have 1 to %d characters", name,
			      UPLINK_CABLE_NAME_MAX);
	other = find_end(name, &ends);
	if (ends > 1)
		return refuse(why, -EBUSY, "cable %s ties two ports already", name);
	cable = calloc(1, sizeof(*cable));
	if (!cable)
		return refuse(why, -ENOMEM, "out of memory");
	cable->uplink.ops = &cable_ops;
	cable->uplink.is_cable = true;
	snprintf(cable->uplink.name, sizeof(cable->uplink.name), "cable:%s", name);
	strcpy(cable->name, name);
	cable->changed = changed;
	cable->ctx = ctx;
	cable->next = all;
	all = cable;
	if (other) {
		atomic_store(&cable->uplink.peer, &other->uplink);
		atomic_store(&other->uplink.peer, &cable->uplink);
		other->changed(other->ctx);
	}
	*uplink = &cable->uplink;
	return 0;
}
