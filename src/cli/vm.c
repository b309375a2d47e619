/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * vm.c - "softiov vm VERB NAME": VMs that keep their VFs, for people who do not think in xe. NAME is a name or a uuid.
 *
 * "attach" and "detach" say which VFs a VM has when it starts, and want it halted; "plug" and "unplug" reach a running one.
 */
#include "cli/vm.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "client/client.h"

#define MIB_SHIFT 20

const char *vm_text(const json_t *record, const char *member)
{
	const char *text = json_string_value(json_object_get(record, member));

	return text ? text : "";
}

static long long number(const json_t *record, const char *member)
{
	return (long long)json_integer_value(json_object_get(record, member));
}

static void print_json(const json_t *json)
{
	json_dumpf(json, stdout, JSON_INDENT(2));
	putchar('\n');
}

/* "0000:07:10.0 0000:07:10.2" */
static void print_functions(const json_t *vm)
{
	const json_t *address;
	size_t i;

	json_array_foreach (json_object_get(vm, "pci"), i, address)
		printf("%s%s", i ? " " : "", json_string_value(address));
	if (!json_array_size(json_object_get(vm, "pci")))
		putchar('-');
	putchar('\n');
}

static int list(const struct cli *cli, bool json)
{
	struct client_refusal why = { 0 };
	json_t *vms = client_list(cli->socket, "/v1/vm", "vms", &why), *vm;
	size_t i;

	if (!vms)
		return cli_refuse(&why);
	if (json)
		print_json(vms);
	else if (json_array_size(vms))
		printf("%-36s  %-8s %9s %5s  %-20s  %s\n", "UUID", "STATE", "MEMORY", "VCPUS",
		       "NAME", "VFS");
	json_array_foreach (vms, i, vm) {
		if (json)
			break;
		printf("%-36s  %-8s %5lld MiB %5lld  %-20s  ", vm_text(vm, "uuid"),
		       vm_text(vm, "power-state"), number(vm, "memory") >> MIB_SHIFT,
		       number(vm, "vcpus"), vm_text(vm, "name-label"));
		print_functions(vm);
	}
	json_decref(vms);
	return EXIT_SUCCESS;
}

static void print_line(const json_t *vm, const char *member, const char *name)
{
	if (*vm_text(vm, member))
		printf("  %-12s %s\n", name, vm_text(vm, member));
}

static void print_vm(const json_t *vm)
{
	json_t *value;
	const char *key;
	size_t i;

	printf("VM %s  %s  %s\n", vm_text(vm, "name-label"), vm_text(vm, "uuid"),
	       vm_text(vm, "power-state"));
	print_line(vm, "name-description", "description");
	if (json_is_integer(json_object_get(vm, "pid")))
		printf("  %-12s %lld\n", "process", number(vm, "pid"));
	printf("  %-12s %lld MiB\n  %-12s %lld\n", "memory", number(vm, "memory") >> MIB_SHIFT,
	       "vcpus", number(vm, "vcpus"));
	print_line(vm, "kernel", "kernel");
	print_line(vm, "initrd", "initrd");
	print_line(vm, "kernel-args", "args");
	print_line(vm, "firmware", "firmware");
	json_array_foreach (json_object_get(vm, "disks"), i, value) {
		char *disk = client_format_disk(value);

		printf("  %-12s %s\n", "disk", disk ? disk : "");
		free(disk);
	}
	print_line(vm, "accel", "accel");
	print_line(vm, "restart", "restart");
	printf("  %-12s ", "VFs");
	print_functions(vm);
	json_object_foreach (json_object_get(vm, "other-config"), key, value)
		printf("  config       %s=%s\n", key, json_string_value(value));
}

static int show(const struct cli *cli, const json_t *vm, bool json)
{
	if (json)
		print_json(vm);
	else
		print_vm(vm);
	return EXIT_SUCCESS;
}

/* A word as a shell reads it back. */
static void print_quoted(const char *word)
{
	static const char plain[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
				    "@%_+=:,./-";

	if (*word && word[strspn(word, plain)] == '\0') {
		fputs(word, stdout);
		return;
	}
	putchar('\'');
	for (; *word; word++)
		if (*word == '\'')
			fputs("'\\''", stdout);
		else
			putchar(*word);
	putchar('\'');
}

static bool is_option(const json_t *word)
{
	return json_is_string(word) && json_string_value(word)[0] == '-';
}

/* One option with its value a line, and a backslash where the command goes on. */
static void print_command(const json_t *args)
{
	const json_t *word;
	size_t i;

	json_array_foreach (args, i, word) {
		if (i)
			fputs(is_option(word) ? " \\\n  " : " ", stdout);
		print_quoted(json_string_value(word));
	}
	putchar('\n');
}

static int qemu_args(const struct cli *cli, const json_t *vm, bool json)
{
	struct client_refusal why = { 0 };
	json_t *answer =
		client_vm_call(cli->socket, "GET", vm_text(vm, "uuid"), "qemu-args", NULL, &why);

	if (!answer)
		return cli_refuse(&why);
	if (json)
		print_json(json_object_get(answer, "args"));
	else
		print_command(json_object_get(answer, "args"));
	json_decref(answer);
	return EXIT_SUCCESS;
}

static int request(const struct cli *cli, const json_t *vm, const char *method, const char *verb,
		   json_t *body)
{
	struct client_refusal why = { 0 };
	json_t *answer = client_vm_call(cli->socket, method, vm_text(vm, "uuid"), verb, body, &why);

	json_decref(body);
	if (!answer)
		return cli_refuse(&why);
	json_decref(answer);
	return EXIT_SUCCESS;
}

static int start(const struct cli *cli, const json_t *vm, bool flag)
{
	return request(cli, vm, "POST", "start", NULL);
}

static int shut_down(const struct cli *cli, const json_t *vm, bool force)
{
	return request(cli, vm, "POST", "shutdown", json_pack("{s:b}", "force", force));
}

static int reboot(const struct cli *cli, const json_t *vm, bool force)
{
	return request(cli, vm, "POST", "reboot", json_pack("{s:b}", "force", force));
}

static int delete (const struct cli *cli, const json_t *vm, bool flag)
{
	return request(cli, vm, "DELETE", NULL, NULL);
}

static int console(const struct cli *cli, const json_t *vm, bool flag)
{
	struct client_refusal why = { 0 };

	return client_console(cli->socket, vm_text(vm, "uuid"), &why) ? cli_refuse(&why)
								      : EXIT_SUCCESS;
}

/** struct verb - what is done with one VM. @flag: the option it knows, or NULL. */
static const struct verb {
	const char *name, *flag;
	int (*run)(const struct cli *cli, const json_t *vm, bool flag);
} verbs[] = {
	{ "show", "--json", show },	      { "start", NULL, start },
	{ "shutdown", "--force", shut_down }, { "reboot", "--force", reboot },
	{ "delete", NULL, delete },	      { "console", NULL, console },
	{ "qemu-args", "--json", qemu_args },
};

/** struct function_verb - what is done with one VM and one function. @halted: only while the VM does not run. */
static const struct function_verb {
	const char *name, *request;
	bool halted;
} function_verbs[] = {
	{ "attach", "plug", true },    { "detach", "unplug", true }, { "plug", "plug", false },
	{ "unplug", "unplug", false }, { "move", "take", false },
};

static int run_verb(const struct cli *cli, const struct verb *verb, int argc, char **argv)
{
	bool flag = argc == 2 && verb->flag && !strcmp(argv[1], verb->flag);
	struct client_refusal why = { 0 };
	json_t *vm;
	int status;

	if (argc < 1 || argv[0][0] == '-' || (argc > 1 && !flag))
		return cli_usage("vm %s needs the name or uuid of one VM%s%s", verb->name,
				 verb->flag ? ", and knows " : "", verb->flag ? verb->flag : "");
	vm = client_find_vm(cli->socket, argv[0], &why);
	if (!vm)
		return cli_refuse(&why);
	status = verb->run(cli, vm, flag);
	json_decref(vm);
	return status;
}

static int run_function_verb(const struct cli *cli, const struct function_verb *verb, int argc,
			     char **argv)
{
	struct client_refusal why = { 0 };
	json_t *vm;
	int status;

	if (argc != 2 || argv[0][0] == '-')
		return cli_usage(
			"vm %s needs the name or uuid of a VM and the address of a VF like "
			"0000:07:10.0",
			verb->name);
	vm = client_find_vm(cli->socket, argv[0], &why);
	if (!vm)
		return cli_refuse(&why);
	if (verb->halted && strcmp(vm_text(vm, "power-state"), "halted")) {
		client_refuse(&why, "VM_BAD_POWER_STATE", NULL,
			      "VM %s is %s: softiov vm %s reaches a running one", argv[0],
			      vm_text(vm, "power-state"), verb->request);
		status = cli_refuse(&why);
	} else
		status = request(cli, vm, "POST", verb->request,
				 json_pack("{s:s}", "function", argv[1]));
	json_decref(vm);
	return status;
}

int cmd_vm(const struct cli *cli, int argc, char **argv)
{
	const char *verb = argc ? argv[0] : "";
	bool json = argc == 2 && !strcmp(argv[1], "--json");

	if (!strcmp(verb, "list"))
		return argc == 1 || json ? list(cli, json)
					 : cli_usage("vm list knows: --json, not %s", argv[1]);
	if (!strcmp(verb, "define"))
		return vm_define(cli, argc - 1, argv + 1);
	if (!strcmp(verb, "set"))
		return vm_set(cli, argc - 1, argv + 1);
	for (size_t i = 0; i < sizeof(verbs) / sizeof(verbs[0]); i++)
		if (!strcmp(verbs[i].name, verb))
			return run_verb(cli, &verbs[i], argc - 1, argv + 1);
	for (size_t i = 0; i < sizeof(function_verbs) / sizeof(function_verbs[0]); i++)
		if (!strcmp(function_verbs[i].name, verb))
			return run_function_verb(cli, &function_verbs[i], argc - 1, argv + 1);
	return cli_usage(
		"vm knows: list, show, define, set, start, shutdown, reboot, delete, console, "
		"qemu-args, attach, detach, move, plug, unplug%s%s",
		argc ? ", not " : "", verb);
}
