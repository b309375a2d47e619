/* SPDX-License-Identifier: BSD-3-Clause */
/* internal.h - what the files of xe share: classes and their fields, commands, one command line and its output. */
#ifndef SOFTIOV_XE_INTERNAL_H
#define SOFTIOV_XE_INTERNAL_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

#include "client/client.h"

#define XE_DONE 0
#define XE_REFUSED 1
#define XE_USAGE 2

/** enum xe_access - one value, a map of strings by key, or a set of strings; read-only or not. As shown behind a name. */
enum xe_access { XE_RO, XE_RW, XE_MRO, XE_MRW, XE_SRO, XE_SRW };

/**
 * struct xe_field - a parameter of a class: what it is called and how it comes out of, and goes into, a record of the API.
 * @member: of the record; what @get and @set make of it is theirs
 * @get: the value (caller's reference): a string, an object of strings or an array of strings
 * @set: put what setting @text changes into @changes, the body of a PATCH or POST. @record: as it is now, {} of a new one.
 *	Return: 0 or -EINVAL. Of a set (XE_SRW) @text is one more member.
 */
struct xe_field {
	const char *name;
	enum xe_access access;
	const char *member;
	json_t *(*get)(const json_t *record, const struct xe_field *field);
	int (*set)(const struct xe_field *field, const json_t *record, const char *text,
		   json_t *changes);
};

/**
 * struct xe_class - a kind of object.
 * @name: in commands; @kind: in refusals
 * @path: of the API, its answer's @list is the array of records; without @list the answer is the only one
 * @shown: the fields that NAME-list shows, separated by commas
 * @join: NULL, or adds to the records what other requests tell. Return: 0, or CLIENT_REFUSED with @why.
 */
struct xe_class {
	const char *name, *kind, *path, *list;
	const struct xe_field *fields;
	size_t n_fields;
	const char *shown;
	int (*join)(const char *socket, json_t *records, struct client_refusal *why);
};

extern const struct xe_class xe_vm, xe_pif, xe_network, xe_sriov, xe_pci, xe_host;

/** struct xe_param - "name=value" of the command line; "--name" has the value "true". */
struct xe_param {
	const char *name, *value;
};

#define XE_MAX_PARAMS 256

struct xe_command;

/** struct xe - one command line. */
struct xe {
	const char *socket;
	const struct xe_command *command;
	size_t n_params;
	struct xe_param param[XE_MAX_PARAMS];
	bool minimal, force, multiple, all;
};

/** What parameters a command takes beside those in its row. */
#define XE_SELECTORS 1 /* fields of the class select objects; "vm=NAME-or-uuid" */
#define XE_SETTERS 2   /* fields of the class that can be set */
#define XE_PAIRS 4     /* any name: keys of a map */

/** struct xe_command - @required, @optional: names of parameters, separated by commas. */
struct xe_command {
	const char *name;
	const struct xe_class *class;
	int (*run)(struct xe *xe);
	const char *required, *optional;
	unsigned int flags;
	const char *help;
};

extern const struct xe_command xe_commands[];
extern const size_t xe_n_commands;
const struct xe_command *xe_find_command(const char *name);

/* words.c */

/** xe_parse() - the words after the command's name, which are cut at their "=", into @xe. Return: 0 or XE_USAGE after a message. */
int xe_parse(struct xe *xe, int argc, char **argv);
/** xe_check() - has the command what it requires, and nothing it does not know? Return: 0 or XE_USAGE after a message. */
int xe_check(const struct xe *xe);
/** xe_value() - of the parameter @name, or NULL. */
const char *xe_value(const struct xe *xe, const char *name);
/** xe_is_selector() - does this parameter select objects? */
bool xe_is_selector(const struct xe *xe, const struct xe_param *param);
/** xe_listed() - is @name one of the names in @list, which commas separate? */
bool xe_listed(const char *list, const char *name);
/** xe_usage() - "xe: MESSAGE" and a hint on stderr. Return: XE_USAGE. */
int xe_usage(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* fields.c */

/**
 * xe_field() - the field that @name, @len bytes, means: "name", "map:key" or "set:contains".
 * @key: set to what is behind the colon, or NULL
 */
const struct xe_field *xe_field(const struct xe_class *class, const char *name, const char **key);
bool xe_is_map(const struct xe_field *field);
bool xe_is_set(const struct xe_field *field);
bool xe_is_writable(const struct xe_field *field);
/** xe_show() - a field's value as text (caller frees), "" if there is none; NULL: out of memory. */
char *xe_show(const json_t *record, const struct xe_field *field);
/* change.c */

/** xe_canonical() - the field's name for a parameter that has a shorter one when a VM is made: memory, vcpus, disk, … */
const char *xe_canonical(const char *name);
/**
 * xe_apply() - put into @changes what all parameters that set fields mean, and nothing else. xe_check() found their names
 * right.
 * Return: 0, or CLIENT_REFUSED with @why: not such a value, or one contradicts another.
 */
int xe_apply(const struct xe *xe, const json_t *record, json_t *changes,
	     struct client_refusal *why);

/* select.c */

/** xe_records() - all records of the class (caller's), or NULL with @why. */
json_t *xe_records(const struct xe *xe, struct client_refusal *why);
/** xe_filter() - remove from @records those that the command line's selectors do not mean. */
void xe_filter(const struct xe *xe, json_t *records);
/** xe_record() - the one with the uuid of parameter @param (caller's), or NULL with @why. */
json_t *xe_record(const struct xe *xe, const struct xe_class *class, const char *param,
		  struct client_refusal *why);
/** xe_selected() - records to do something with (caller's): one, or more with --multiple; or NULL with @why. */
json_t *xe_selected(const struct xe *xe, struct client_refusal *why);

/* print.c */

/** xe_print_records() - the fields that @shown names ("all": every one), as text or, minimal, the first of each. */
int xe_print_records(const struct xe *xe, const json_t *records, const char *shown);
/** xe_print_text() - one value. */
void xe_print_text(const struct xe *xe, const char *text);
/** xe_print_refusal() - on stderr; clears @why. Return: XE_REFUSED. */
int xe_print_refusal(struct client_refusal *why);

/* The commands. */
int xe_list(struct xe *xe);
int xe_param_list(struct xe *xe);
int xe_param_get(struct xe *xe);
int xe_param_set(struct xe *xe);
int xe_param_add(struct xe *xe);
int xe_param_remove(struct xe *xe);
int xe_param_clear(struct xe *xe);
int xe_vm_create(struct xe *xe);
int xe_vm_start(struct xe *xe);
int xe_vm_shutdown(struct xe *xe);
int xe_vm_reboot(struct xe *xe);
int xe_vm_uninstall(struct xe *xe);
int xe_vm_destroy(struct xe *xe);
int xe_console(struct xe *xe);
int xe_network_create(struct xe *xe);
int xe_network_destroy(struct xe *xe);
int xe_sriov_create(struct xe *xe);
int xe_sriov_destroy(struct xe *xe);

#endif
