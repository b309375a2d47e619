/* SPDX-License-Identifier: BSD-3-Clause */
/* vm.h - what the files of "softiov vm" share. */
#ifndef SOFTIOV_CLI_VM_H
#define SOFTIOV_CLI_VM_H

#include "cli/cli.h"

/** vm_text() - a string member of a record, "" if there is none. */
const char *vm_text(const json_t *record, const char *member);

/** "softiov vm define", "softiov vm set"; @argv holds the words after them. Each returns the exit status. */
int vm_define(const struct cli *cli, int argc, char **argv);
int vm_set(const struct cli *cli, int argc, char **argv);

/** vm_import() - the record that the libvirt domain XML file @path describes (caller's), or NULL after a message. */
json_t *vm_import(const char *path);

/**
 * vm_assign_imported() - the "functions" of an imported @record that are VFs here become its other-config:pci,
 * "0/0000:07:10.0,1/…"; the others are named.
 * Return: 0 or an exit status after a message.
 */
int vm_assign_imported(const struct cli *cli, json_t *record);

#endif
