/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * check.c - "softiov check": can this machine do hardware SR-IOV, can it run softiov? It needs no daemon; only a guest named
 * by its VM's name is looked up in one.
 */
#include "check/check.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "cli/cli.h"
#include "client/client.h"

static void help(void)
{
	puts("usage: softiov check [--vmm kvm|xenserver|vsphere|hyperv] [--guest FILE|NAME] "
	     "[--root DIR] [--json]\n"
	     "       softiov check --capture DIR\n"
	     "Can this machine do hardware SR-IOV, and can it run softiov? Needs no daemon and no "
	     "adapter; as root it sees more.\n"
	     "  --vmm VMM      ask by the rules of this VMM; its answer about hardware SR-IOV "
	     "decides the exit status\n"
	     "  --guest GUEST  has this guest a VF driver? A module tree, a root file system, an "
	     "initramfs, a kernel\n"
	     "                 configuration, a raw disk image, or the name of a VM of softiov\n"
	     "  --root DIR     ask about the machine that was captured in DIR\n"
	     "  --capture DIR  copy what the check reads into the new folder DIR, without serial "
	     "numbers and the like\n"
	     "Exit status: 0 ready, 1 not ready, 3 could not tell, 2 wrong words. Without --vmm it "
	     "is that of softiov's question,\n"
	     "with it that of hardware SR-IOV with this VMM; both are always shown.");
}

/* The files of a VM of the inventory; borrowed from @vm. */
static void take_files(struct check_options *options, const json_t *vm)
{
	const char *initrd = json_string_value(json_object_get(vm, "initrd"));
	const json_t *disk;
	size_t i;

	if (initrd && *initrd)
		options->guest_file[options->guest_files++] = initrd;
	json_array_foreach (json_object_get(vm, "disks"), i, disk) {
		const char *path = json_string_value(json_object_get(disk, "path"));

		if (path && options->guest_files < CHECK_GUEST_FILES)
			options->guest_file[options->guest_files++] = path;
	}
	if (!options->guest_files)
		options->guest_problem = "the VM has neither an initrd nor a disk";
}

/* A file is a file; what is none may be a VM's name. Return: its record, for as long as the files are used. */
static json_t *find_guest(const struct cli *cli, struct check_options *options)
{
	struct client_refusal why = { 0 };
	json_t *vm;

	if (!access(options->guest, F_OK)) {
		options->guest_file[options->guest_files++] = options->guest;
		return NULL;
	}
	if (strchr(options->guest, '/') || access(cli->socket, F_OK)) {
		options->guest_problem = "no such file, and no daemon here that knows a VM of "
					 "this name";
		return NULL;
	}
	vm = client_find_vm(cli->socket, options->guest, &why);
	if (vm)
		take_files(options, vm);
	else
		options->guest_problem = "no such file, and no VM of this name, or several";
	client_refusal_clear(&why);
	return vm;
}

/* Return: 0, or EXIT_USAGE after a message. */
static int read_option(const char *word, const char *value, struct check_options *options)
{
	if (!strcmp(word, "--vmm"))
		return check_vmm_parse(value, &options->vmm)
			       ? cli_usage("--vmm '%s' is not kvm, xenserver, vsphere or hyperv",
					   value)
			       : EXIT_SUCCESS;
	if (!*value)
		return cli_usage("'%s' needs a value", word);
	if (!strcmp(word, "--guest"))
		options->guest = value;
	else if (!strcmp(word, "--root"))
		options->root = value;
	else if (!strcmp(word, "--capture"))
		options->capture = value;
	else
		return cli_usage("check knows: --vmm, --guest, --root, --capture, --json, not %s",
				 word);
	return EXIT_SUCCESS;
}

static int run(const struct cli *cli, struct check_options *options, bool json)
{
	json_t *vm = options->guest ? find_guest(cli, options) : NULL, *answer;
	struct check_result *result;
	int status = EXIT_REFUSED;
	struct reason why;

	result = check_run(options, &why);
	json_decref(vm);
	if (!result) {
		fprintf(stderr, "softiov: %s\n", why.text);
		/* Nothing was found out. */
		return (int)CHECK_COULD_NOT_TELL;
	}
	status = (int)check_verdict(result);
	if (options->capture) {
		printf("captured to %s: please look through it before you send it to anybody\n",
		       options->capture);
		status = EXIT_SUCCESS;
	} else if (json) {
		answer = check_json(result);
		json_dumpf(answer, stdout, JSON_INDENT(2));
		putchar('\n');
		json_decref(answer);
	} else {
		check_print(result);
	}
	free(result);
	return status;
}

int cmd_check(const struct cli *cli, int argc, char **argv)
{
	struct check_options options = { .guest_problem = "" };
	bool json = false;
	int status = EXIT_SUCCESS;

	for (int i = 0; i < argc && !status; i++) {
		if (!strcmp(argv[i], "--help") || !strcmp(argv[i], "-h")) {
			help();
			return EXIT_SUCCESS;
		}
		if (!strcmp(argv[i], "--json"))
			json = true;
		else if (argv[i][0] != '-' || i + 1 == argc)
			status = cli_usage(argv[i][0] == '-' ? "'%s' is not known, or needs a value"
							     : "check takes options only, not '%s'",
					   argv[i]);
		else
			status = read_option(argv[i], argv[i + 1], &options), i++;
	}
	if (!status && options.capture && (options.root || options.guest || json))
		status = cli_usage("--capture goes with no other option but --vmm");
	return status ? status : run(cli, &options, json);
}
