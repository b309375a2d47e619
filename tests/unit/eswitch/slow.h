/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * slow.h - the switch by the letter of the data sheet, pool by pool, straight from the registers'
 * tables. Slow and plain; the compiled switch is held against it.
 */
#ifndef TESTS_ESWITCH_SLOW_H
#define TESTS_ESWITCH_SLOW_H

#include "eswitch/eswitch.h"

/** struct slow_port - the partitions of a port. */
struct slow_port {
	struct eswitch_partition partition[ESWITCH_PARTITIONS];
	unsigned int partitions;
};

enum eswitch_drop slow_ingress(const struct slow_port *port, unsigned int vport,
			       struct eswitch_key *key);
unsigned int slow_forward(const struct slow_port *port, unsigned int vport,
			  const struct eswitch_key *key, struct vport_set *to);

#endif
