// SPDX-License-Identifier: BSD-3-Clause
/*
 * port.c - a VF made ready: opened, in its VLANs, one queue pair running, the link up.
 */
#include <poll.h>
#include <stdio.h>

#include "pktgen/clock.h"
#include "pktgen/run.h"

#define LINK_PATIENCE_NS (2 * NSEC_PER_SEC)
#define LINK_LOOK_MS 10
#define SLACK 64u /* buffers in hand, beyond the rings' and the bursts' */

static int refused(const struct port *port, int error, const char *what, unsigned int number,
		   struct softiov_reason *why)
{
	snprintf(why->text, sizeof(why->text), "%s: %s %u: %s", port->address, what, number,
		 softiov_error_name(error));
	return error;
}

static int join_vlans(struct port *port, const struct options *o, struct softiov_reason *why)
{
	for (unsigned int i = 0; i < o->vlans; i++) {
		int error = softiov_vf_set_vlan(port->vf, (uint16_t)(o->vlan + i), true);

		if (error)
			return refused(port, error, "the PF driver did not grant VLAN",
				       (unsigned int)o->vlan + i, why);
	}
	return 0;
}

/* Enough that no ring runs dry while the others are full. */
static int create_pool(struct port *port, const struct options *o, unsigned int ports,
		       struct softiov_reason *why)
{
	struct softiov_pool_options pool = {
		.buffers = (uint32_t)(2 * o->ring + HELD_MAX + SINK_MAX + SLACK) * ports,
		.buffer_size = (uint32_t)o->buffer,
		.pages = o->pages,
	};
	struct softiov_pool_info info;
	int error = softiov_pool_create(&port->pool, &pool, why);

	if (error)
		return error;
	port->own_pool = true;
	softiov_pool_info(port->pool, &info);
	port->huge = info.huge;
	return 0;
}

static int wait_for_link(struct port *port, struct softiov_reason *why)
{
	uint64_t end = now_ns() + LINK_PATIENCE_NS;

	for (;;) {
		struct pollfd fd = { .fd = softiov_vf_fd(port->vf), .events = POLLIN };
		int error = port_service(port, false, why);

		if (error)
			return error;
		softiov_vf_info(port->vf, &port->info);
		if (port->info.link_up)
			return 0;
		if (now_ns() > end)
			break;
		poll(&fd, 1, LINK_LOOK_MS);
	}
	snprintf(why->text, sizeof(why->text), "%s: its link is down", port->address);
	return -ENETDOWN;
}

int port_open(struct port *port, const struct options *o, unsigned int number, struct port *share,
	      struct softiov_reason *why)
{
	struct softiov_vf_options options = { .max_frame = o->max_frame };
	int error;

	port->address = o->address[number];
	error = softiov_vf_open(&port->vf, port->address, &options, why);
	if (error)
		return error;
	softiov_vf_info(port->vf, &port->info);
	error = join_vlans(port, o, why);
	if (error)
		return error;
	if (!share)
		return create_pool(port, o, o->mode == MODE_LOOP ? PORTS_MAX : 1, why);
	port->pool = share->pool;
	port->huge = share->huge;
	return 0;
}

int port_start(struct port *port, const struct options *o, struct softiov_reason *why)
{
	struct softiov_queue_options options = {
		.rx_ring = (uint16_t)o->ring,
		.tx_ring = (uint16_t)o->ring,
	};
	int error = generator_prepare(port->generator, port->pool);

	if (error) {
		snprintf(why->text, sizeof(why->text), "out of memory");
		return error;
	}
	error = softiov_queue_start(&port->queue, port->vf, 0, port->pool, &options, why);
	if (error)
		return error;
	if (port->generator) {
		port->generator->queue = port->queue;
		port->generator->pool = port->pool;
	}
	if (port->sink) {
		port->sink->queue = port->queue;
		port->sink->pool = port->pool;
	}
	return wait_for_link(port, why);
}

void port_close(struct port *port)
{
	softiov_napi_destroy(port->napi);
	if (port->generator && port->generator->pool)
		generator_drop(port->generator);
	if (port->queue)
		softiov_queue_stop(port->queue);
	softiov_vf_close(port->vf);
	if (port->own_pool)
		softiov_pool_destroy(port->pool);
	generator_destroy(port->generator);
	sink_destroy(port->sink);
}

int port_service(struct port *port, bool reset_is_fatal, struct softiov_reason *why)
{
	int events = softiov_vf_service(port->vf);
	struct softiov_vf_info info;

	if (events == -SOFTIOV_ERR_GONE) {
		snprintf(why->text, sizeof(why->text), "%s: the card is gone", port->address);
		return events;
	}
	if (events < 0) {
		snprintf(why->text, sizeof(why->text),
			 "%s: the PF driver had it start anew and does not answer: %s",
			 port->address, softiov_error_name(events));
		return events;
	}
	if (!(events & SOFTIOV_EVENT_RESET))
		return 0;
	softiov_vf_info(port->vf, &info);
	if (!reset_is_fatal && !memcmp(info.mac, port->info.mac, ETH_ALEN))
		return 0;
	snprintf(why->text, sizeof(why->text), "%s: the PF driver had it start anew%s",
		 port->address, reset_is_fatal ? "" : " with another MAC address");
	return -ECONNRESET;
}

void port_moment(const struct port *port, struct moment *moment)
{
	moment->ticks = clock_ticks();
	softiov_queue_stats(port->queue, &moment->stats);
}
