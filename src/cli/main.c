/* SPDX-License-Identifier: BSD-3-Clause */
/* main.c - softiov: global options and the table of commands. */
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli/cli.h"
#include "xe/xe.h"

static const struct {
	const char *name;
	int (*run)(const struct cli *cli, int argc, char **argv);
} commands[] = {
	{ "show", cmd_show },		{ "vf", cmd_vf },	{ "pf", cmd_pf },
	{ "card", cmd_card },		{ "stop", cmd_stop },	{ "netdev", cmd_netdev },
	{ "lspci", cmd_lspci },		{ "vm", cmd_vm },	{ "xe", cmd_xe },
	{ "__complete", cmd_complete }, { "check", cmd_check }, { "guest-check", cmd_guest_check },
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
	     "  vf unset VF                         what was set of it is no longer kept\n"
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
	     "  vm list [--json]                    VMs that keep their VFs; VM: a name or a "
	     "uuid\n"
	     "  vm define NAME OPTIONS              OPTIONS: --memory 512M --vcpus N --kernel FILE "
	     "--initrd FILE\n"
	     "                                      --args WORDS --disk FILE[,format=qcow2][,ro] "
	     "--firmware FILE\n"
	     "                                      --restart never|on-failure|always --accel "
	     "auto|kvm|tcg\n"
	     "                                      --description TEXT --config KEY=VALUE\n"
	     "  vm define [NAME] --from-libvirt FILE [OPTIONS]\n"
	     "  vm set VM OPTIONS                   the same, and --name\n"
	     "  vm show VM [--json]\n"
	     "  vm start|delete|console VM          the console ends with Ctrl-]\n"
	     "  vm shutdown|reboot VM [--force]     the power button; with --force the plug, or "
	     "reset\n"
	     "  vm qemu-args VM [--json]            the command that start would run\n"
	     "  vm attach|detach VM VF              of a halted VM\n"
	     "  vm plug|unplug VM VF                of a running one, too\n"
	     "  vm move VM VF                       to this VM, from a halted one that has it\n"
	     "  xe WORDS                            XenServer's words for VMs; see softiov xe "
	     "help\n"
	     "  lspci [--bare] [OPTIONS]            lspci of the cards' functions; --bare: also as "
	     "the "
	     "bus has them\n"
	     "  check [--vmm VMM] [--guest GUEST]   can this machine do hardware SR-IOV, can it "
	     "run "
	     "softiov? See check --help\n"
	     "  guest-check [--print]               the script that looks at a VF from inside a "
	     "guest\n"
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

int cmd_xe(const struct cli *cli, int argc, char **argv)
{
	return xe_main(cli->socket, argc, argv);
}

static bool called_as(const char *path, const char *name)
{
	const char *slash = strrchr(path, '/');

	return !strcmp(slash ? slash + 1 : path, name);
}

int main(int argc, char **argv)
{
	struct cli cli = { .socket = default_socket() };
	int i = 1;

	if (argc && called_as(argv[0], "xe"))
		return cmd_xe(&cli, argc - 1, argv + 1);

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
