/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * main.c - one command line of xe from its first word to its exit status; help. "xe __complete WORDS" is for shells
 * (data/completion).
 */
#include "xe/internal.h"
#include "xe/xe.h"

#include <stdlib.h>
#include <string.h>

static const char about[] =
	"xe of softiov " SOFTIOV_VERSION ": drives QEMU on this host through softiovd.\n"
	"It has the words of XenServer's xe for VMs, networks and functions, "
	"and is not XenServer's.\n";

static void print_names(void)
{
	for (size_t i = 0; i < xe_n_commands; i++)
		printf("%s%s", i ? "," : "", xe_commands[i].name);
	putchar('\n');
}

/* "a,b" as " a= b=". */
static void print_params(const char *list, const char *form)
{
	while (*list) {
		int len = (int)strcspn(list, ",");

		printf(form, len, list);
		list += len + (list[len] == ',');
	}
}

static int help_about(const char *name)
{
	const struct xe_command *command = xe_find_command(name);

	if (!command)
		return xe_usage("unknown command '%s'", name);
	printf("xe %s", command->name);
	print_params(command->required, " %.*s=");
	print_params(command->optional, " [%.*s=]");
	if (command->flags & XE_SELECTORS)
		printf(command->run == xe_list ? " [PARAM=VALUE ...]"
					       : " vm=NAME|uuid=UUID|PARAM=VALUE ...");
	if (command->flags & (XE_SETTERS | XE_PAIRS))
		printf(" [%s=VALUE ...]", command->flags & XE_SETTERS ? "PARAM" : "KEY");
	printf("\n    %s\n", command->help);
	return XE_DONE;
}

static int help(int argc, char **argv)
{
	const char *name = NULL;

	for (int i = 0; i < argc; i++) {
		if (!strcmp(argv[i], "--minimal")) {
			print_names();
			return XE_DONE;
		}
		if (strcmp(argv[i], "--all"))
			name = argv[i];
	}
	if (name)
		return help_about(name);
	printf("%s\nusage: xe [--socket PATH] COMMAND [PARAM=VALUE ...] [--minimal] [--force] "
	       "[--multiple]\n"
	       "       xe help COMMAND\n\n",
	       about);
	for (size_t i = 0; i < xe_n_commands; i++)
		printf("  %s\n", xe_commands[i].name);
	printf("\nExit status: 0 done, 1 refused, 2 wrong words.\n");
	return XE_DONE;
}

static int run(const char *socket, const char *name, int argc, char **argv)
{
	struct xe *xe = calloc(1, sizeof(*xe));
	int status;

	if (!xe) {
		fprintf(stderr, "xe: out of memory\n");
		return XE_REFUSED;
	}
	xe->socket = socket;
	xe->command = xe_find_command(name);
	if (xe->command)
		status = xe_parse(xe, argc, argv);
	else
		status = xe_usage("unknown command '%s'", name);
	if (!status)
		status = xe_check(xe);
	if (!status)
		status = xe->command->run(xe);
	free(xe);
	return status;
}

int xe_main(const char *socket, int argc, char **argv)
{
	int i = 0;

	for (; i < argc && argv[i][0] == '-'; i++) {
		if (!strcmp(argv[i], "--version")) {
			fputs(about, stdout);
			return XE_DONE;
		}
		if (!strcmp(argv[i], "--help") || !strcmp(argv[i], "-h"))
			return help(0, NULL);
		if (strcmp(argv[i], "--socket"))
			return xe_usage("unknown option '%s'", argv[i]);
		if (i + 1 == argc)
			return xe_usage("--socket needs a path");
		socket = argv[++i];
	}
	if (i == argc)
		return xe_usage("no command");
	if (!strcmp(argv[i], "__complete")) {
		xe_complete(socket, argc - i - 1, argv + i + 1);
		return XE_DONE;
	}
	if (!strcmp(argv[i], "help"))
		return help(argc - i - 1, argv + i + 1);
	return run(socket, argv[i], argc - i - 1, argv + i + 1);
}
