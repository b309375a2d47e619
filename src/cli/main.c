/* SPDX-License-Identifier: BSD-3-Clause */
/* main.c - softiov: global options and the table of commands. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli/cli.h"

static const struct {
	const char *name;
	int (*run)(const struct cli *cli, int argc, char **argv);
} commands[] = {
	{ "show", cmd_show }, { "vf", cmd_vf },	    { "pf", cmd_pf },
	{ "card", cmd_card }, { "stop", cmd_stop }, { "netdev", cmd_netdev },
};

static void help(void)
{
	puts("usage: softiov [--socket PATH] COMMAND\n"
	     "  show [--json]                       cards, ports, PFs, VFs, who is attached, "
	     "counters\n"
	     "  vf set PF vf N WORDS                e.g. softiov vf set 0000:07:00.0 vf 3 vlan "
	     "100\n"
	     "  vf set VF WORDS                     WORDS: mac ADDRESS | vlan 0-4094 | qos 0-7 | "
	     "spoofchk on|off |\n"
	     "                                      trust on|off | state auto|enable|disable | "
	     "query_rss on|off |\n"
	     "                                      registers shared|trapped | max_tx_rate "
	     "0|10-10000 (Mbit/s)\n"
	     "  vf qemu-args VF                     what plugs this VF into a VM\n"
	     "  pf set PF numvfs N                  how many VFs there are\n"
	     "  card plug CARD                      hand a card, e.g. 0000:07, to the VM that "
	     "plugs "
	     "it in\n"
	     "  card unplug CARD                    take it back\n"
	     "  card qemu-args CARD                 what plugs this card into a VM\n"
	     "  stop [--force]                      end the daemon; with --force also under "
	     "running VMs\n"
	     "  netdev VF [--netns NAME|PATH|PID] [--name NAME] [--mode interrupt|poll] [--budget "
	     "N] "
	     "[--queues N]\n"
	     "                                      the VF as network interface NAME (eth0), here "
	     "or "
	     "there, until SIGTERM\n"
	     "Exit status: 0 done, 1 refused, 2 wrong words.");
}

static const char *default_socket(void)
{
	static char path[256];
	const char *runtime = getenv("XDG_RUNTIME_DIR");

	if (geteuid() == 0 || !runtime || access("/run/softiov/softiov.sock", W_OK) == 0)
		return "/run/softiov/softiov.sock";
	snprintf(path, sizeof(path), "%s/softiov/softiov.sock", runtime);
	return path;
}

int main(int argc, char **argv)
{
	struct cli cli = { .socket = default_socket() };
	int i = 1;

	for (; i < argc && argv[i][0] == '-'; i++) {
		if (!strcmp(argv[i], "--help") || !strcmp(argv[i], "-h")) {
			help();
			return EXIT_SUCCESS;
		}
		if (!strcmp(argv[i], "--version")) {
			printf("softiov %s\n", SOFTIOV_VERSION);
			return EXIT_SUCCESS;
		}
		if (strcmp(argv[i], "--socket") || i + 1 == argc)
			return cli_usage(strcmp(argv[i], "--socket") ? "unknown option '%s'"
								     : "'%s' needs a path",
					 argv[i]);
		cli.socket = argv[++i];
	}
	if (i == argc)
		return cli_usage("no command");
	for (size_t k = 0; k < sizeof(commands) / sizeof(commands[0]); k++)
		if (!strcmp(commands[k].name, argv[i]))
			return commands[k].run(&cli, argc - i - 1, argv + i + 1);
	return cli_usage("unknown command '%s'", argv[i]);
}
