/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * words.c - the command line: "name=value", "--name" for name=true. Which names a command takes is known before the daemon
 * is asked: a wrong one is a usage error, a wrong value is not.
 */
#include "xe/internal.h"

#include <stdarg.h>
#include <string.h>

int xe_usage(const char *format, ...)
{
	va_list args;

	va_start(args, format);
	fprintf(stderr, "xe: ");
	vfprintf(stderr, format, args);
	fprintf(stderr, "; see xe help\n");
	va_end(args);
	return XE_USAGE;
}

const char *xe_value(const struct xe *xe, const char *name)
{
	for (size_t i = 0; i < xe->n_params; i++)
		if (!strcmp(xe->param[i].name, name))
			return xe->param[i].value;
	return NULL;
}

bool xe_listed(const char *list, const char *name)
{
	size_t len = strlen(name);

	while (list && *list) {
		size_t word = strcspn(list, ",");

		if (word == len && !strncmp(list, name, len))
			return true;
		list += word + (list[word] == ',');
	}
	return false;
}

static int parse_word(struct xe *xe, char *word)
{
	struct xe_param *param = &xe->param[xe->n_params];
	char *equals;

	if (!strncmp(word, "--", 2)) {
		param->name = word + 2;
		param->value = "true";
	} else if (word[0] == '-')
		return xe_usage("unknown option '%s': there is neither user nor server but this "
				"host",
				word);
	else
		param->name = word;
	equals = strchr(word, '=');
	if (equals) {
		*equals = '\0';
		param->value = equals + 1;
	} else if (word[0] != '-')
		return xe_usage("'%s' is not of the form name=value", word);
	if (strcmp(xe_canonical(param->name), "disks") && xe_value(xe, param->name))
		return xe_usage("%s is given twice", param->name);
	xe->n_params++;
	return 0;
}

/* A switch is there, or "true" or "false". */
static int read_switch(const struct xe *xe, const char *name, bool *on)
{
	const char *value = xe_value(xe, name);

	*on = value && !strcmp(value, "true");
	if (!value || *on || !strcmp(value, "false"))
		return 0;
	return xe_usage("%s is true or false, not '%s'", name, value);
}

int xe_parse(struct xe *xe, int argc, char **argv)
{
	int status = 0;

	for (int i = 0; i < argc && !status; i++)
		status = xe->n_params < XE_MAX_PARAMS ? parse_word(xe, argv[i])
						      : xe_usage("too many words");
	if (!status)
		status = read_switch(xe, "minimal", &xe->minimal);
	if (!status)
		status = read_switch(xe, "force", &xe->force);
	if (!status)
		status = read_switch(xe, "multiple", &xe->multiple);
	if (!status)
		status = read_switch(xe, "all", &xe->all);
	return status;
}

static bool is_named(const struct xe *xe, const char *name)
{
	const struct xe_command *command = xe->command;

	return !strcmp(name, "minimal") || xe_listed(command->required, name) ||
	       xe_listed(command->optional, name);
}

/* A key of a map, what a set contains, or the field as it is shown. */
static bool may_select(const struct xe *xe, const char *name)
{
	const struct xe_field *field;
	const char *key;

	if (!strcmp(name, "vm"))
		return xe->command->class == &xe_vm && xe->command->run != xe_list;
	field = xe_field(xe->command->class, name, &key);
	if (field && key && xe_is_set(field))
		return !strcmp(key, "contains");
	return field && (!key || *key);
}

static int check_setter(const struct xe *xe, const char *name)
{
	const char *key;
	const struct xe_field *field = xe_field(xe->command->class, xe_canonical(name), &key);
	bool creates = !xe_listed(xe->command->required, "uuid");

	if (!field || (strcmp(name, field->name) && !key && !creates))
		return xe_usage("%s does not know the parameter %s", xe->command->name, name);
	if (!xe_is_writable(field))
		return xe_usage("%s is read-only", field->name);
	if (xe_is_map(field) && (!key || !*key))
		return xe_usage("%s is a map: say %s:KEY=VALUE", field->name, field->name);
	if (xe_is_set(field) && (key || !creates))
		return xe_usage("%s is a set: use %s-param-add and -remove", field->name,
				xe->command->class->name);
	return 0;
}

static int check_param(const struct xe *xe, const struct xe_param *param)
{
	unsigned int flags = xe->command->flags;

	if (is_named(xe, param->name))
		return 0;
	if (flags & XE_SELECTORS && (!strcmp(param->name, "multiple") ||
				     (xe->command->class && may_select(xe, param->name))))
		return 0;
	if (flags & XE_PAIRS)
		return 0;
	if (flags & XE_SETTERS)
		return check_setter(xe, param->name);
	return xe_usage("%s does not know the parameter %s", xe->command->name, param->name);
}

bool xe_is_selector(const struct xe *xe, const struct xe_param *param)
{
	return xe->command->flags & XE_SELECTORS && !is_named(xe, param->name) &&
	       strcmp(param->name, "multiple");
}

/* The first name of @list that is not given. Return: its length, 0: all are. */
static int first_missing(const struct xe *xe, const char **list)
{
	while (*list && **list) {
		size_t len = strcspn(*list, ",");
		size_t i = 0;

		while (i < xe->n_params &&
		       (strlen(xe->param[i].name) != len || strncmp(xe->param[i].name, *list, len)))
			i++;
		if (i == xe->n_params)
			return (int)len;
		*list += len + ((*list)[len] == ',');
	}
	return 0;
}

int xe_check(const struct xe *xe)
{
	const char *missing = xe->command->required;
	int len, status = 0;

	for (size_t i = 0; i < xe->n_params && !status; i++)
		status = check_param(xe, &xe->param[i]);
	if (status)
		return status;
	len = first_missing(xe, &missing);
	if (len)
		return xe_usage("%s needs %.*s=", xe->command->name, len, missing);
	return 0;
}
