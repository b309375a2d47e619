/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * guest_check.c - "softiov guest-check": where the script is that looks at a VF from inside a guest, or the script itself, so
 * that it can be copied there. It runs in the guest, by any POSIX shell.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli/cli.h"

#include "softiov-guest-check.h" /* made of data/guest-check: guest_check_script */

int cmd_guest_check(const struct cli *cli, int argc, char **argv)
{
	if (argc == 1 && !strcmp(argv[0], "--print")) {
		fputs(guest_check_script, stdout);
		return fflush(stdout) ? EXIT_REFUSED : EXIT_SUCCESS;
	}
	if (argc)
		return cli_usage("guest-check knows --print, not '%s'", argv[0]);
	if (access(GUEST_CHECK_PATH, R_OK)) {
		fprintf(stderr,
			"softiov: %s is not installed; softiov guest-check --print writes it to "
			"standard output\n",
			GUEST_CHECK_PATH);
		return EXIT_REFUSED;
	}
	puts(GUEST_CHECK_PATH);
	return EXIT_SUCCESS;
}
