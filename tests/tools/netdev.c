/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * netdev: "softiov netdev" as a program that needs no library, for guests of tests/vm.
 *
 *	netdev ADDRESS NAME	unix:PATH or vfio:DDDD:BB:DD.F as interface NAME
 */
#include "netdev/netdev.h"

#include <stdio.h>

int main(int argc, char **argv)
{
	struct netdev_options options = { .budget = NETDEV_BUDGET_DEFAULT, .queues = 1 };
	struct reason why;

	if (argc != 3) {
		fprintf(stderr, "usage: netdev ADDRESS NAME\n");
		return 2;
	}
	options.address = options.shown = argv[1];
	options.name = argv[2];
	if (!netdev_run(&options, &why))
		return 0;
	fprintf(stderr, "netdev: %s\n", why.text);
	return 1;
}
