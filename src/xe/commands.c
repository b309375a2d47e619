/* SPDX-License-Identifier: BSD-3-Clause */
/* commands.c - the table of commands: what each takes, and what it is for. */
#include "xe/internal.h"

#include <string.h>

#include "util/util.h"

/* What every class has. */
#define READERS(class)                                                                                 \
	{ class "-list",                                                                               \
	  CLASS,                                                                                       \
	  xe_list,                                                                                     \
	  "",                                                                                          \
	  "params,all",                                                                                \
	  XE_SELECTORS,                                                                                \
	  "lists them; PARAM=VALUE selects, params=PARAM,... or params=all says what is shown" },      \
		{ class "-param-list", CLASS, xe_param_list, "uuid", "", 0, "all parameters of one" }, \
	{                                                                                              \
		class "-param-get", CLASS, xe_param_get, "uuid,param-name", "param-key", 0,            \
			"one parameter of one; of a map one key with param-key="                       \
	}

const struct xe_command xe_commands[] = {
	{ "console", &xe_vm, xe_console, "", "", XE_SELECTORS,
	  "joins the terminal to the VM's console; Ctrl-] ends" },
#define CLASS &xe_host
	READERS("host"),
#undef CLASS
	{ "network-create", &xe_network, xe_network_create, "name-label", "name-description", 0,
	  "makes a network, a name that interfaces are tied to; prints its uuid" },
	{ "network-destroy", &xe_network, xe_network_destroy, "uuid", "", 0, "forgets a network" },
#define CLASS &xe_network
	READERS("network"),
#undef CLASS
	{ "network-sriov-create", &xe_sriov, xe_sriov_create, "pif-uuid,network-uuid", "", 0,
	  "creates the virtual functions of a physical interface; prints a uuid" },
	{ "network-sriov-destroy", &xe_sriov, xe_sriov_destroy, "uuid", "", 0,
	  "takes them away; refused while one is in use" },
#define CLASS &xe_sriov
	READERS("network-sriov"),
#undef CLASS
#define CLASS &xe_pci
	READERS("pci"),
#undef CLASS
#define CLASS &xe_pif
	READERS("pif"),
#undef CLASS
	{ "vm-create", &xe_vm, xe_vm_create, "name-label", "memory,vcpus,disk", XE_SETTERS,
	  "makes a VM: memory=512MiB vcpus=N PV-kernel=FILE PV-ramdisk=FILE PV-args=WORDS "
	  "disk=FILE[,format=qcow2][,ro] ...; prints its uuid" },
	{ "vm-destroy", &xe_vm, xe_vm_destroy, "uuid", "", 0, "forgets a halted VM" },
	{ "vm-install", &xe_vm, xe_vm_create, "new-name-label", "template,memory,vcpus,disk",
	  XE_SETTERS, "the same as vm-create; template= has no effect here" },
#define CLASS &xe_vm
	READERS("vm"),
#undef CLASS
	{ "vm-param-set", &xe_vm, xe_param_set, "uuid", "", XE_SETTERS,
	  "sets parameters: PARAM=VALUE, of a map MAP:KEY=VALUE, e.g. "
	  "other-config:pci=0/0000:07:10.0" },
	{ "vm-param-add", &xe_vm, xe_param_add, "uuid,param-name", "param-key", XE_PAIRS,
	  "adds KEY=VALUE to a map, or param-key= to a set" },
	{ "vm-param-remove", &xe_vm, xe_param_remove, "uuid,param-name,param-key", "", 0,
	  "removes from a map or a set" },
	{ "vm-param-clear", &xe_vm, xe_param_clear, "uuid,param-name", "", 0,
	  "makes a parameter empty" },
	{ "vm-reboot", &xe_vm, xe_vm_reboot, "", "force", XE_SELECTORS,
	  "shuts down and starts again; --force: the reset button" },
	{ "vm-shutdown", &xe_vm, xe_vm_shutdown, "", "force", XE_SELECTORS,
	  "presses the power button; --force: pulls the plug" },
	{ "vm-start", &xe_vm, xe_vm_start, "", "", XE_SELECTORS, "starts" },
	{ "vm-uninstall", &xe_vm, xe_vm_uninstall, "", "force", XE_SELECTORS,
	  "forgets a VM after asking; --force: without, and running or not" },
};

const size_t xe_n_commands = ARRAY_SIZE(xe_commands);

const struct xe_command *xe_find_command(const char *name)
{
	for (size_t i = 0; i < xe_n_commands; i++)
		if (!strcmp(xe_commands[i].name, name))
			return &xe_commands[i];
	return NULL;
}
