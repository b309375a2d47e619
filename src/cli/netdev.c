/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * netdev.c - "softiov netdev": a VF as a network interface. It needs no word from the daemon's API, only the VF's socket:
 * beside the API's, by the VF's PCI address.
 */
#include <limits.h>
#include <net/if.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli/cli.h"
#include "netdev/netdev.h"

#define DEFAULT_NAME "eth0"

static bool is_pci_address(const char *text)
{
	static const char form[] = "xxxx:xx:xx.x";
	size_t i;

	for (i = 0; form[i]; i++)
		if (form[i] == 'x' ? !strchr("0123456789abcdef", text[i]) || !text[i]
				   : text[i] != form[i])
			return false;
	return !text[i];
}

/* "0000:07:10.0" becomes unix:RUN/0000:07:10.0.sock. Return: 0 or an exit status after a message. */
static int find_socket(const struct cli *cli, const char *vf, char *address, size_t size)
{
	const char *slash = strrchr(cli->socket, '/');
	int folder = slash ? (int)(slash - cli->socket) : 1;
	char path[PATH_MAX];

	snprintf(path, sizeof(path), "%.*s/%s.sock", folder, slash ? cli->socket : ".", vf);
	snprintf(address, size, "unix:%s", path);
	if (!access(path, F_OK))
		return EXIT_SUCCESS;
	if (access(cli->socket, F_OK))
		fprintf(stderr,
			"softiov: no daemon has its sockets in %.*s: is softiovd running? "
			"(--socket PATH names "
			"another)\n",
			folder, slash ? cli->socket : ".");
	else
		fprintf(stderr, "softiov: no VF %s here: see softiov show\n", vf);
	return EXIT_REFUSED;
}

static int resolve(const struct cli *cli, const char *text, char *address, size_t size)
{
	if (is_pci_address(text))
		return find_socket(cli, text, address, size);
	if ((strncmp(text, "unix:", strlen("unix:")) && strncmp(text, "vfio:", strlen("vfio:"))) ||
	    !strchr(text, ':')[1])
		return cli_usage("'%s' is not a PCI address like 0000:07:10.0, nor unix:PATH or "
				 "vfio:ADDRESS",
				 text);
	snprintf(address, size, "%s", text);
	return EXIT_SUCCESS;
}

/* netdevice names: dev_valid_name() of Linux; no '%', which asks for a number. */
static int check_name(const char *name)
{
	if (strlen(name) >= IFNAMSIZ)
		return cli_usage("interface name '%s' is longer than %d characters", name,
				 IFNAMSIZ - 1);
	if (!*name || !strcmp(name, ".") || !strcmp(name, "..") || strpbrk(name, "/:% \t\n\v\f\r"))
		return cli_usage("'%s' cannot be the name of an interface", name);
	return EXIT_SUCCESS;
}

static int read_number(const char *word, const char *text, unsigned int max, unsigned int *number)
{
	char *end;
	unsigned long value = strtoul(text, &end, 10);

	if (*end || !*text || *text == '-' || !value || value > max)
		return cli_usage("%s '%s' is not 1 to %u", word, text, max);
	*number = (unsigned int)value;
	return EXIT_SUCCESS;
}

static int read_option(const char *word, const char *value, struct netdev_options *options)
{
	if (!strcmp(word, "--netns")) {
		options->netns = value;
		return *value ? EXIT_SUCCESS
			      : cli_usage("--netns needs a name, a path or a process");
	}
	if (!strcmp(word, "--name")) {
		options->name = value;
		return check_name(value);
	}
	if (!strcmp(word, "--budget"))
		return read_number(word, value, NETDEV_BUDGET_MAX, &options->budget);
	if (!strcmp(word, "--queues"))
		return read_number(word, value, NETDEV_QUEUES_MAX, &options->queues);
	if (strcmp(word, "--mode"))
		return cli_usage(
			"netdev knows: --netns, --name, --mode, --budget, --queues, not %s", word);
	options->poll = !strcmp(value, "poll");
	return options->poll || !strcmp(value, "interrupt")
		       ? EXIT_SUCCESS
		       : cli_usage("--mode '%s' is not interrupt or poll", value);
}

int cmd_netdev(const struct cli *cli, int argc, char **argv)
{
	struct netdev_options options = { .name = DEFAULT_NAME,
					  .budget = NETDEV_BUDGET_DEFAULT,
					  .queues = 1 };
	char address[PATH_MAX + sizeof("unix:")];
	struct reason why;
	int status = EXIT_SUCCESS;

	if (argc < 1 || argv[0][0] == '-')
		return cli_usage("netdev needs the address of a VF");
	options.shown = argv[0];
	for (int i = 1; i < argc && !status; i += 2)
		status = i + 1 < argc ? read_option(argv[i], argv[i + 1], &options)
				      : cli_usage("'%s' needs a value", argv[i]);
	if (!status)
		status = resolve(cli, argv[0], address, sizeof(address));
	if (status)
		return status;
	options.address = address;
	if (!netdev_run(&options, &why))
		return EXIT_SUCCESS;
	fprintf(stderr, "softiov: %s\n", why.text);
	return EXIT_REFUSED;
}
