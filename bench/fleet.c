/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * fleet.c - open many VFs with libsoftiov.
 *
 * A VF takes about ten descriptors (socket, register pages, eventfds), so the limit of the process is raised as far as
 * it goes before the first is opened.
 */
#include "fleet.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>

#define BUFFER_SIZE 2048
#define ADDRESS_MAX 160

static void raise_file_limit(void)
{
	struct rlimit limit;

	if (!getrlimit(RLIMIT_NOFILE, &limit)) {
		limit.rlim_cur = limit.rlim_max;
		setrlimit(RLIMIT_NOFILE, &limit);
	}
}

int ship_open(struct fleet_ship *ship, const char *socket, struct softiov_pool *pool, uint16_t ring,
	      struct softiov_reason *why)
{
	struct softiov_queue_options options = { .rx_ring = ring, .tx_ring = ring };
	char address[ADDRESS_MAX];
	int error;

	snprintf(address, sizeof(address), "unix:%s", socket);
	error = softiov_vf_open(&ship->vf, address, NULL, why);
	if (error)
		return error;
	softiov_vf_info(ship->vf, &ship->info);
	error = softiov_queue_start(&ship->queue, ship->vf, 0, pool, &options, why);
	if (error)
		softiov_vf_close(ship->vf);
	return error;
}

void ship_close(struct fleet_ship *ship)
{
	softiov_queue_stop(ship->queue);
	softiov_vf_close(ship->vf);
}

int fleet_open(struct fleet *fleet, const char *const *socket, unsigned int n, uint16_t ring,
	       uint32_t spare)
{
	struct softiov_pool_options options = { .buffers = n * (ring + spare),
						.buffer_size = BUFFER_SIZE };
	struct softiov_reason why = { "" };

	raise_file_limit();
	*fleet = (struct fleet){ .ship = calloc(n, sizeof(*fleet->ship)) };
	if (!fleet->ship || softiov_pool_create(&fleet->pool, &options, &why))
		goto fail;
	for (; fleet->ships < n; fleet->ships++)
		if (ship_open(&fleet->ship[fleet->ships], socket[fleet->ships], fleet->pool, ring,
			      &why))
			goto fail;
	return 0;
fail:
	fprintf(stderr, "%s\n", why.text);
	fleet_close(fleet);
	return -1;
}

void fleet_close(struct fleet *fleet)
{
	while (fleet->ships)
		ship_close(&fleet->ship[--fleet->ships]);
	softiov_pool_destroy(fleet->pool);
	free(fleet->ship);
	*fleet = (struct fleet){ 0 };
}
