/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * show.c - the tree card -> port -> PF -> VF as text. What is zero is left out; what needs the administrator's
 * attention (advice, DMA faults, drops) is on lines of its own.
 */
#include "cli/cli.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char *text(const json_t *object, const char *name)
{
	const char *value = json_string_value(json_object_get(object, name));

	return value ? value : "-";
}

static long long number(const json_t *object, const char *name)
{
	return (long long)json_integer_value(json_object_get(object, name));
}

static bool is(const json_t *object, const char *name)
{
	return json_is_true(json_object_get(object, name));
}

static void show_drops(const char *indent, const json_t *stats)
{
	const json_t *drops = json_object_get(stats, "drops");
	const char *name;
	json_t *value;
	bool any = false;

	json_object_foreach ((json_t *)drops, name, value)
		if (json_integer_value(value)) {
			printf("%s%s %lld", any ? ", " : indent, name,
			       (long long)json_integer_value(value));
			any = true;
		}
	if (any)
		putchar('\n');
}

static void show_faults(const char *indent, const json_t *function)
{
	const json_t *list = json_object_get(function, "faults");
	const json_t *latest = json_array_get(list, 0);

	if (latest)
		printf("%sDMA faults %lld, latest: %s %s of %lld bytes at %s: %s (%s)\n", indent,
		       number(json_object_get(function, "dma"), "faults"),
		       text(latest, "requester"), text(latest, "access"), number(latest, "length"),
		       text(latest, "address"), text(latest, "reason"), text(latest, "time"));
}

/* Without a MAC: that is the business of a PF driver in a VM. */
static void show_vf_policy(const json_t *vf)
{
	if (!json_object_get(vf, "mac"))
		return;
	printf("  %s", text(vf, "mac"));
	if (number(vf, "vlan"))
		printf(" vlan %lld", number(vf, "vlan"));
	if (number(vf, "qos"))
		printf(" qos %lld", number(vf, "qos"));
	if (!is(vf, "spoofchk"))
		printf(" spoofchk off");
	if (is(vf, "trust"))
		printf(" trust on");
	if (number(vf, "max_tx_rate"))
		printf(" max_tx_rate %lld Mbit/s", number(vf, "max_tx_rate"));
	if (strcmp(text(vf, "state"), "auto"))
		printf(" state %s", text(vf, "state"));
}

static void show_custody(const json_t *vf)
{
	const char *custody = text(vf, "custody");
	bool running = is(vf, "receive_enabled") && is(vf, "transmit_enabled");

	if (json_is_integer(json_object_get(vf, "attached")))
		printf("  attached to process %lld%s%s\n", number(vf, "attached"),
		       strcmp(custody, "orphan") ? "" : ", taken away by the card's VM",
		       running ? "" : ", driver not running");
	else if (!strcmp(custody, "host"))
		printf("  free\n");
	else
		printf("  with the card's VM%s\n", running ? "" : ", driver not running");
}

static void show_vf(const json_t *vf)
{
	static const char indent[] = "            ";
	const json_t *stats = json_object_get(vf, "stats");
	const json_t *irq, *dma = json_object_get(vf, "dma");
	size_t i;

	printf("      VF %-2lld %s", number(vf, "vf"), text(vf, "address"));
	show_vf_policy(vf);
	show_custody(vf);
	if (number(stats, "tx_packets") || number(stats, "rx_packets"))
		printf("%stx %lld packets %lld bytes, rx %lld packets %lld bytes\n", indent,
		       number(stats, "tx_packets"), number(stats, "tx_bytes"),
		       number(stats, "rx_packets"), number(stats, "rx_bytes"));
	show_drops(indent, stats);
	json_array_foreach (json_object_get(vf, "interrupts"), i, irq)
		if (number(irq, "causes"))
			printf("%svector %lld: causes %lld, held by mask %lld, held by moderation "
			       "%lld, signalled %lld\n",
			       indent, number(irq, "vector"), number(irq, "causes"),
			       number(irq, "held_by_mask"), number(irq, "held_by_moderation"),
			       number(irq, "signalled"));
	if (number(dma, "regions"))
		printf("%sDMA: %lld maps of %lld MiB, %lld map and %lld unmap requests, %lld "
		       "translations\n",
		       indent, number(dma, "regions"), number(dma, "bytes") >> 20,
		       number(dma, "maps"), number(dma, "unmaps"), number(dma, "translations"));
	show_faults(indent, vf);
	if (json_object_get(vf, "advice"))
		printf("%s! %s\n", indent, text(vf, "advice"));
}

static void show_pf(const json_t *pf)
{
	const json_t *vf;
	size_t i;

	printf("    PF %s  %s", text(pf, "address"), text(pf, "mac"));
	if (json_is_string(json_object_get(pf, "netdev")))
		printf("  interface %s", text(pf, "netdev"));
	printf("  VFs %lld of %lld\n", number(pf, "numvfs"), number(pf, "maxvfs"));
	show_drops("         ", json_object_get(pf, "stats"));
	show_faults("         ", pf);
	json_array_foreach (json_object_get(pf, "vfs"), i, vf)
		show_vf(vf);
}

static void show_port(const json_t *port)
{
	const json_t *pf, *uplink = json_object_get(port, "uplink"),
			  *link = json_object_get(port, "link");
	size_t i;

	printf("  port %lld  uplink %s  link %s", number(port, "port"), text(uplink, "name"),
	       is(link, "up") ? "up" : "down");
	if (is(link, "up"))
		printf(" %lld Mb/s", number(link, "speed_mbps"));
	if (number(uplink, "tx_packets") || number(uplink, "rx_packets"))
		printf("  tx %lld rx %lld packets", number(uplink, "tx_packets"),
		       number(uplink, "rx_packets"));
	putchar('\n');
	json_array_foreach (json_object_get(port, "pfs"), i, pf)
		show_pf(pf);
}

/* Of a card in vm mode: where a VM gets it, and which one has it. */
static void show_driver(const json_t *card)
{
	printf("  socket %s", text(card, "socket"));
	if (json_is_integer(json_object_get(card, "attached")))
		printf("  driven by process %lld", number(card, "attached"));
	else
		printf("  waits for a VM");
}

static void show_card(const json_t *card)
{
	const json_t *port;
	size_t i;

	printf("card %s  mode %s  device %s", text(card, "address"), text(card, "mode"),
	       text(card, "device"));
	if (json_object_get(card, "socket"))
		show_driver(card);
	putchar('\n');
	if (json_object_get(card, "advice"))
		printf("  ! %s\n", text(card, "advice"));
	json_array_foreach (json_object_get(card, "ports"), i, port)
		show_port(port);
}

int cmd_show(const struct cli *cli, int argc, char **argv)
{
	bool json = argc == 1 && !strcmp(argv[0], "--json");
	const json_t *card;
	json_t *tree;
	int status;
	size_t i;

	if (argc && !json)
		return cli_usage("show knows: --json, not %s", argv[0]);
	tree = cli_call(cli, "GET", "/v1/show", NULL, &status);
	if (!tree)
		return status;
	if (json) {
		json_dumpf(tree, stdout, JSON_INDENT(2));
		putchar('\n');
	} else {
		json_array_foreach (json_object_get(tree, "cards"), i, card)
			show_card(card);
	}
	json_decref(tree);
	return EXIT_SUCCESS;
}
