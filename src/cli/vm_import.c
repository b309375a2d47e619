/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * vm_import.c - "softiov vm define --from-libvirt": the record that a libvirt domain XML file describes. Its functions are
 * assigned where they are VFs of ours; the others, and what else there is nothing for here, are named on stderr.
 */
#include "cli/vm.h"

#include <stdio.h>
#include <string.h>

#include "client/client.h"
#include "vmm/vmm.h"

json_t *vm_import(const char *path)
{
	struct reason why;
	json_t *record = vmm_import_libvirt(path, &why), *ignored;
	size_t i;

	if (!record) {
		fprintf(stderr, "softiov: %s\n", why.text);
		return NULL;
	}
	json_array_foreach (json_object_get(record, "ignored"), i, ignored)
		fprintf(stderr, "softiov: %s: left out: %s\n", path, json_string_value(ignored));
	json_object_del(record, "ignored");
	return record;
}

static bool is_ours(const json_t *functions, const char *address)
{
	const json_t *function;
	size_t i;

	json_array_foreach (functions, i, function)
		if (!strcmp(vm_text(function, "address"), address) &&
		    !strcmp(vm_text(function, "kind"), "VF"))
			return true;
	return false;
}

int vm_assign_imported(const struct cli *cli, json_t *record)
{
	json_t *wanted = json_incref(json_object_get(record, "functions"));
	struct client_refusal why = { 0 };
	json_t *here, *address, *config;
	char list[1024] = "";
	size_t i, len = 0, n = 0;

	json_object_del(record, "functions");
	if (!json_array_size(wanted)) {
		json_decref(wanted);
		return 0;
	}
	here = client_list(cli->socket, "/v1/pci", "functions", &why);
	if (!here) {
		json_decref(wanted);
		return cli_refuse(&why);
	}
	json_array_foreach (wanted, i, address) {
		if (!is_ours(here, json_string_value(address)))
			fprintf(stderr, "softiov: %s is no VF of softiov: not assigned\n",
				json_string_value(address));
		else if (len < sizeof(list))
			len += (size_t)snprintf(list + len, sizeof(list) - len, "%s%zu/%s",
						n ? "," : "", n, json_string_value(address)),
				n++;
	}
	config = json_object_get(record, "other-config");
	if (n && !config) {
		config = json_object();
		json_object_set_new(record, "other-config", config);
	}
	if (n)
		json_object_set_new(config, "pci", json_string(list));
	json_decref(here);
	json_decref(wanted);
	return 0;
}
