/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * silent.c - VFs with their rings enabled and filled that say nothing.
 *
 *	silent SOCKET...
 *
 * Prints "ready" when all of them are up, and ends with its standard input.
 */
#include "fleet.h"

#include <stdio.h>

#define RING 512

int main(int argc, char **argv)
{
	struct fleet fleet;

	if (argc < 2) {
		fprintf(stderr, "usage: silent SOCKET...\n");
		return 2;
	}
	if (fleet_open(&fleet, (const char *const *)argv + 1, (unsigned int)argc - 1, RING, 0))
		return 1;
	puts("ready");
	fflush(stdout);
	while (getchar() != EOF)
		;
	fleet_close(&fleet);
	return 0;
}
