/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * card.c - "softiov card plug", "card unplug": who drives a card, a VM or the daemon; and "card qemu-args", which prints
 * what plugs a whole card into a VM.
 */
#include "cli/cli.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define ADDRESS_LEN 7 /* "0000:07" */

static int set_mode(const struct cli *cli, const char *address, const char *mode)
{
	json_t *body = json_pack("{s:s}", "mode", mode);
	char path[64];
	int status;

	snprintf(path, sizeof(path), "/v1/card/%s", address);
	json_decref(cli_call(cli, "PATCH", path, body, &status));
	json_decref(body);
	return status;
}

static const json_t *find_card(const json_t *tree, const char *address)
{
	const json_t *card;
	size_t i;

	json_array_foreach (json_object_get(tree, "cards"), i, card)
		if (!strcmp(json_string_value(json_object_get(card, "address")), address))
			return card;
	return NULL;
}

/* The options go to stdout, for a command line; what a person must know besides to stderr. */
static int print_qemu_args(const json_t *card, const char *address)
{
	const char *socket = json_string_value(json_object_get(card, "socket"));

	if (!card) {
		fprintf(stderr, "softiov: no card %s here: see softiov show\n", address);
		return EXIT_REFUSED;
	}
	if (!socket) {
		fprintf(stderr,
			"softiov: card %s is in host mode: softiov card plug %s hands it to a VM\n",
			address, address);
		return EXIT_REFUSED;
	}
	cli_print_qemu_args(socket);
	fprintf(stderr, "The guest needs the module vmd, behind which it finds the card in a PCI "
			"domain of its "
			"own (10000:), and ixgbe.\n");
	return EXIT_SUCCESS;
}

static int qemu_args(const struct cli *cli, const char *address)
{
	json_t *tree;
	int status;

	tree = cli_call(cli, "GET", "/v1/show", NULL, &status);
	if (!tree)
		return status;
	status = print_qemu_args(find_card(tree, address), address);
	json_decref(tree);
	return status;
}

int cmd_card(const struct cli *cli, int argc, char **argv)
{
	const char *verb = argc ? argv[0] : "";

	if (strcmp(verb, "plug") && strcmp(verb, "unplug") && strcmp(verb, "qemu-args"))
		return cli_usage("card knows: plug, unplug, qemu-args%s%s", argc ? ", not " : "",
				 verb);
	if (argc != 2 || strlen(argv[1]) != ADDRESS_LEN)
		return cli_usage("card %s needs the address of one card like 0000:07", verb);
	if (!strcmp(verb, "qemu-args"))
		return qemu_args(cli, argv[1]);
	return set_mode(cli, argv[1], strcmp(verb, "plug") ? "host" : "vm");
}
