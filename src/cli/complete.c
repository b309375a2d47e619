/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * complete.c - how a command line of softiov can go on, for the shells' completion (data/completion): what a word can be is
 * known here, by the words before it, and by the running daemon, which knows VMs and functions. ":files" stands for file
 * names.
 */
#include "cli/cli.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/vm.h"
#include "client/client.h"
#include "xe/xe.h"

static const char commands[] =
	"show,vf,pf,card,stop,netdev,vm,xe,lspci,check,guest-check,--socket,--help,--version";
static const char vm_verbs[] =
	"list,show,define,set,start,shutdown,reboot,delete,console,qemu-args,attach,"
	"detach,move,plug,unplug";
static const char vm_options[] =
	"--memory,--vcpus,--kernel,--initrd,--args,--disk,--firmware,--accel,"
	"--restart,--description,--config";

/** struct after - what can come behind a word that is an option or a verb. */
static const struct after {
	const char *word, *candidates;
} after[] = {
	{ "--kernel", ":files" },
	{ "--initrd", ":files" },
	{ "--firmware", ":files" },
	{ "--disk", ":files" },
	{ "--from-libvirt", ":files" },
	{ "--socket", ":files" },
	{ "--restart", "never,on-failure,always" },
	{ "--accel", "auto,kvm,tcg" },
	{ "--mode", "interrupt,poll" },
};

/** struct form - the words behind a command: each a list of candidates, or "@vm", "@vf", "@pf", "@card". */
static const struct form {
	const char *command, *verb;
	const char *word[2];
	const char *options;
} forms[] = {
	{ "vm", "list", { NULL }, "--json" },
	{ "vm", "show", { "@vm" }, "--json" },
	{ "vm", "define", { NULL }, vm_options },
	{ "vm", "set", { "@vm" }, vm_options },
	{ "vm", "start", { "@vm" }, "" },
	{ "vm", "shutdown", { "@vm" }, "--force" },
	{ "vm", "reboot", { "@vm" }, "--force" },
	{ "vm", "delete", { "@vm" }, "" },
	{ "vm", "console", { "@vm" }, "" },
	{ "vm", "qemu-args", { "@vm" }, "--json" },
	{ "vm", "attach", { "@vm", "@vf" }, "" },
	{ "vm", "detach", { "@vm", "@vf" }, "" },
	{ "vm", "move", { "@vm", "@vf" }, "" },
	{ "vm", "plug", { "@vm", "@vf" }, "" },
	{ "vm", "unplug", { "@vm", "@vf" }, "" },
	{ "vf",
	  "set",
	  { "@vf" },
	  "mac,vlan,qos,spoofchk,trust,state,query_rss,registers,max_tx_rate" },
	{ "vf", "unset", { "@vf" }, "" },
	{ "vf", "qemu-args", { "@vf" }, "" },
	{ "pf", "set", { "@pf", "numvfs" }, "" },
	{ "card", "plug", { "@card" }, "" },
	{ "card", "unplug", { "@card" }, "" },
	{ "card", "qemu-args", { "@card" }, "" },
};

static void offer(const char *candidate, const char *typed)
{
	if (!strncmp(candidate, typed, strlen(typed)))
		puts(candidate);
}

static void offer_list(const char *list, const char *typed)
{
	char *words = strdup(list), *rest = words, *word;

	while ((word = strsep(&rest, ",")))
		if (*word)
			offer(word, *word == ':' ? "" : typed);
	free(words);
}

static void offer_records(const struct cli *cli, const char *path, const char *list,
			  const char *member, const char *kind, const char *typed)
{
	struct client_refusal why = { 0 };
	json_t *records = client_list(cli->socket, path, list, &why), *record;
	size_t i;

	json_array_foreach (records, i, record)
		if (!kind || !strcmp(vm_text(record, "kind"), kind))
			offer(vm_text(record, member), typed);
	json_decref(records);
	client_refusal_clear(&why);
}

static void offer_cards(const struct cli *cli, const char *typed)
{
	struct client_refusal why = { 0 };
	json_t *cards = client_list(cli->socket, "/v1/show", "cards", &why), *card;
	size_t i;

	json_array_foreach (cards, i, card)
		offer(vm_text(card, "address"), typed);
	json_decref(cards);
	client_refusal_clear(&why);
}

static void offer_word(const struct cli *cli, const char *candidates, const char *typed)
{
	if (!strcmp(candidates, "@vm")) {
		offer_records(cli, "/v1/vm", "vms", "name-label", NULL, typed);
		offer_records(cli, "/v1/vm", "vms", "uuid", NULL, typed);
	} else if (!strcmp(candidates, "@vf"))
		offer_records(cli, "/v1/pci", "functions", "address", "VF", typed);
	else if (!strcmp(candidates, "@pf"))
		offer_records(cli, "/v1/pci", "functions", "address", "PF", typed);
	else if (!strcmp(candidates, "@card"))
		offer_cards(cli, typed);
	else
		offer_list(candidates, typed);
}

static const char *behind(const char *word)
{
	for (size_t i = 0; i < sizeof(after) / sizeof(after[0]); i++)
		if (!strcmp(after[i].word, word))
			return after[i].candidates;
	return NULL;
}

/* The verbs of @command, from the forms. */
static void offer_verbs(const char *command, const char *typed)
{
	if (!strcmp(command, "vm"))
		offer_list(vm_verbs, typed);
	else if (!strcmp(command, "show"))
		offer("--json", typed);
	else if (!strcmp(command, "stop"))
		offer("--force", typed);
	else
		for (size_t i = 0; i < sizeof(forms) / sizeof(forms[0]); i++)
			if (!strcmp(forms[i].command, command))
				offer(forms[i].verb, typed);
}

/* @argv: the command, its verb, words; the last one is to complete. */
static void complete_form(const struct cli *cli, int argc, char **argv)
{
	const char *typed = argv[argc - 1];
	int position = argc - 3;

	for (size_t i = 0; i < sizeof(forms) / sizeof(forms[0]); i++) {
		const struct form *form = &forms[i];

		if (strcmp(form->command, argv[0]) || strcmp(form->verb, argv[1]))
			continue;
		if (position < 2 && form->word[position])
			offer_word(cli, form->word[position], typed);
		else
			offer_list(form->options, typed);
		if (form->options == vm_options && position == 0 && !form->word[0])
			offer("--from-libvirt", typed);
		else if (form->options == vm_options && form->word[0] && position)
			offer("--name", typed);
	}
}

static void complete(const struct cli *cli, int argc, char **argv)
{
	const char *candidates = argc > 1 ? behind(argv[argc - 2]) : NULL;

	if (candidates)
		offer_list(candidates, argv[argc - 1]);
	else if (argc == 1)
		offer_list(commands, argv[0]);
	else if (!strcmp(argv[0], "netdev") && argc == 2)
		offer_word(cli, "@vf", argv[1]);
	else if (!strcmp(argv[0], "netdev"))
		offer_list("--netns,--name,--mode,--budget,--queues", argv[argc - 1]);
	else if (argc == 2)
		offer_verbs(argv[0], argv[1]);
	else
		complete_form(cli, argc, argv);
}

int cmd_complete(const struct cli *cli, int argc, char **argv)
{
	struct cli asked = *cli;

	if (argc < 1)
		return cli_usage("__complete needs the words so far");
	if (argc > 2 && !strcmp(argv[0], "--socket")) {
		asked.socket = argv[1];
		argv += 2;
		argc -= 2;
	}
	if (argc > 1 && !strcmp(argv[0], "xe"))
		xe_complete(asked.socket, argc - 1, argv + 1);
	else
		complete(&asked, argc, argv);
	return EXIT_SUCCESS;
}
