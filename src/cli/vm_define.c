/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * vm_define.c - "softiov vm define" and "vm set": options become members of a VM's record, one request carries them all.
 * --from-libvirt starts from the record that a libvirt domain XML file describes (vm_import.c).
 */
#include "cli/vm.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "client/client.h"

/** struct option - an option with a value: the member it sets, and how. */
struct option {
	const char *name, *member;
	json_t *(*value)(const char *text);
	const char *allowed;
};

static json_t *read_size(const char *text)
{
	uint64_t bytes;

	return client_parse_size(text, &bytes) ? NULL : json_integer((json_int_t)bytes);
}

static json_t *read_count(const char *text)
{
	unsigned int count;

	return client_parse_count(text, &count) ? NULL : json_integer(count);
}

/* A file as the daemon finds it, which is in another directory. */
static json_t *read_path(const char *text)
{
	char *here = *text && *text != '/' ? getcwd(NULL, 0) : NULL;
	json_t *path = here ? json_sprintf("%s/%s", here, text) : json_string(text);

	free(here);
	return path;
}

static json_t *read_disk(const char *text)
{
	json_t *disk = client_parse_disk(text);

	if (disk)
		json_object_set_new(disk, "path", read_path(vm_text(disk, "path")));
	return disk;
}

static const struct option options[] = {
	{ "--name", "name-label", json_string, "a name" },
	{ "--description", "name-description", json_string, "a text" },
	{ "--memory", "memory", read_size, "a size like 512M" },
	{ "--vcpus", "vcpus", read_count, "a number" },
	{ "--kernel", "kernel", read_path, "a file" },
	{ "--initrd", "initrd", read_path, "a file" },
	{ "--args", "kernel-args", json_string, "a kernel command line" },
	{ "--firmware", "firmware", read_path, "a file" },
	{ "--disk", "disks", read_disk, "PATH[,format=raw|qcow2][,ro]" },
	{ "--accel", "accel", json_string, "auto, kvm or tcg" },
	{ "--restart", "restart", json_string, "never, on-failure or always" },
	{ "--config", "other-config", NULL, "KEY=VALUE" },
	{ NULL },
};

/* KEY=VALUE; without a value the key goes. */
static int add_config(json_t *record, const char *text)
{
	const char *equals = strchr(text, '=');
	json_t *config = json_object_get(record, "other-config");
	char *key;
	int error;

	if (!equals || equals == text)
		return -1;
	if (!config) {
		config = json_object();
		json_object_set_new(record, "other-config", config);
	}
	key = strndup(text, (size_t)(equals - text));
	error = json_object_set_new(config, key, equals[1] ? json_string(equals + 1) : json_null());
	free(key);
	return error;
}

static int add_disk(json_t *record, json_t *disk, bool first)
{
	if (first)
		json_object_set_new(record, "disks", json_array());
	return json_array_append_new(json_object_get(record, "disks"), disk);
}

/* @seen: names of the options that were given. Return: 0 or EXIT_USAGE. */
static int add_option(json_t *record, json_t *seen, const char *name, const char *text)
{
	const struct option *option = options;
	bool again = json_object_get(seen, name), is_disk = !strcmp(name, "--disk");
	json_t *value;

	while (option->name && strcmp(option->name, name))
		option++;
	if (!option->name)
		return cli_usage("unknown option '%s'", name);
	if (!text)
		return cli_usage("'%s' needs a value: %s", name, option->allowed);
	json_object_set_new(seen, name, json_true());
	if (!option->value)
		return add_config(record, text)
			       ? cli_usage("%s '%s' is not %s", name, text, option->allowed)
			       : 0;
	if (again && !is_disk)
		return cli_usage("'%s' is given twice", name);
	value = option->value(text);
	if (!value)
		return cli_usage("%s '%s' is not %s", name, text, option->allowed);
	return is_disk ? add_disk(record, value, !again)
		       : json_object_set_new(record, option->member, value);
}

static int read_options(json_t *record, int argc, char **argv)
{
	json_t *seen = json_object();
	int status = 0;

	for (int i = 0; i < argc && !status; i += 2)
		status = add_option(record, seen, argv[i], i + 1 < argc ? argv[i + 1] : NULL);
	json_decref(seen);
	return status;
}

static int post(const struct cli *cli, const json_t *record)
{
	struct client_refusal why = { 0 };
	json_t *answer = client_call(cli->socket, "POST", "/v1/vm", record, &why);

	if (!answer)
		return cli_refuse(&why);
	puts(vm_text(answer, "uuid"));
	json_decref(answer);
	return EXIT_SUCCESS;
}

int vm_define(const struct cli *cli, int argc, char **argv)
{
	const char *name = argc && argv[0][0] != '-' ? argv[0] : NULL;
	int at = name ? 1 : 0, status = 0;
	bool import = argc > at + 1 && !strcmp(argv[at], "--from-libvirt");
	json_t *record;

	if (!name && !import)
		return cli_usage("vm define needs a name, or --from-libvirt FILE");
	record = import ? vm_import(argv[at + 1]) : json_object();
	if (!record)
		return EXIT_REFUSED;
	if (name)
		json_object_set_new(record, "name-label", json_string(name));
	at += import ? 2 : 0;
	status = read_options(record, argc - at, argv + at);
	if (!status)
		status = vm_assign_imported(cli, record);
	if (!status)
		status = post(cli, record);
	json_decref(record);
	return status;
}

int vm_set(const struct cli *cli, int argc, char **argv)
{
	struct client_refusal why = { 0 };
	json_t *changes, *vm = NULL, *answer = NULL;
	int status;

	if (argc < 2 || argv[0][0] == '-')
		return cli_usage("vm set needs the name or uuid of a VM and what to set");
	changes = json_object();
	status = read_options(changes, argc - 1, argv + 1);
	if (!status) {
		vm = client_find_vm(cli->socket, argv[0], &why);
		if (vm)
			answer = client_vm_call(cli->socket, "PATCH", vm_text(vm, "uuid"), NULL,
						changes, &why);
		status = answer ? EXIT_SUCCESS : cli_refuse(&why);
	}
	json_decref(answer);
	json_decref(vm);
	json_decref(changes);
	return status;
}
