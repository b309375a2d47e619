/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * fleet.h - many VFs in one program, one queue each, all on one pool of buffers.
 */
#ifndef SOFTIOV_BENCH_FLEET_H
#define SOFTIOV_BENCH_FLEET_H

#include <softiov/softiov.h>

/** struct fleet_ship - one VF. */
struct fleet_ship {
	struct softiov_vf *vf;
	struct softiov_queue *queue;
	struct softiov_vf_info info;
};

/** ship_open() - open the VF behind @socket and run its first queue. Return: 0, or -errno with @why. */
int ship_open(struct fleet_ship *ship, const char *socket, struct softiov_pool *pool, uint16_t ring,
	      struct softiov_reason *why);
void ship_close(struct fleet_ship *ship);

struct fleet {
	struct softiov_pool *pool;
	unsigned int ships;
	struct fleet_ship *ship;
};

/**
 * fleet_open() - open the VFs behind @n sockets; rings of @ring descriptors, the receive ring filled, and @spare buffers
 * beside those for each VF.
 * Return: 0, or -1 after telling stderr why; then nothing is open.
 */
int fleet_open(struct fleet *fleet, const char *const *socket, unsigned int n, uint16_t ring,
	       uint32_t spare);

/** fleet_close() - give all back. */
void fleet_close(struct fleet *fleet);

#endif
