/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * cli.h - softiov, the command line: a thin client of the daemon's API.
 *
 * Exit status: 0 done, 1 refused or not reachable, 2 wrong words. Every command checks its own words; the daemon checks
 * what they mean.
 */
#ifndef SOFTIOV_CLI_CLI_H
#define SOFTIOV_CLI_CLI_H

#include <jansson.h>
#include <stdbool.h>

#define EXIT_REFUSED 1
#define EXIT_USAGE 2

/** struct cli - global options. */
struct cli {
	const char *socket; /* of the daemon's API */
	bool json;
};

/**
 * cli_call() - one request. @body may be NULL (not owned).
 * @exit_status: set to 0, or to what the command ends with: EXIT_USAGE when the daemon found the words wrong,
 *	EXIT_REFUSED otherwise
 * Return: the reply (caller's reference) with status 200, else NULL after a message on stderr.
 */
json_t *cli_call(const struct cli *cli, const char *method, const char *path, const json_t *body,
		 int *exit_status);

struct client_refusal;

/** cli_refuse() - "softiov: WHY" on stderr; clears @why. Return: EXIT_REFUSED. */
int cli_refuse(struct client_refusal *why);

/** cli_usage() - "softiov: MESSAGE" and a hint on stderr. Return: EXIT_USAGE. */
int cli_usage(const char *format, ...) __attribute__((format(printf, 1, 2)));

/** cli_print_qemu_args() - the options that plug the function behind @socket into a VM, on stdout. */
void cli_print_qemu_args(const char *socket);

/** The commands; @argv holds the words after the command's name. Each returns the exit status. */
int cmd_show(const struct cli *cli, int argc, char **argv);
int cmd_vf(const struct cli *cli, int argc, char **argv);
int cmd_pf(const struct cli *cli, int argc, char **argv);
int cmd_card(const struct cli *cli, int argc, char **argv);
int cmd_stop(const struct cli *cli, int argc, char **argv);
int cmd_netdev(const struct cli *cli, int argc, char **argv);
int cmd_lspci(const struct cli *cli, int argc, char **argv);
int cmd_vm(const struct cli *cli, int argc, char **argv);
int cmd_check(const struct cli *cli, int argc, char **argv);
int cmd_guest_check(const struct cli *cli, int argc, char **argv);
int cmd_xe(const struct cli *cli, int argc, char **argv);

/** cmd_complete() - "softiov __complete WORDS": how the last word can go on, one candidate a line; for shells. */
int cmd_complete(const struct cli *cli, int argc, char **argv);

#endif
