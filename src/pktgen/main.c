/* SPDX-License-Identifier: BSD-3-Clause */
/* main.c - softiov-pktgen. */
#include "pktgen/run.h"

int main(int argc, char **argv)
{
	static struct options options;
	int status = options_parse(&options, argc, argv);

	return status ? status - 1 : run_options(&options);
}
