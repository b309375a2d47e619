/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * complete.c - how a command line can go on: commands, the parameters that a command takes, and values, which the running
 * daemon knows: uuids, names, keys of maps, functions that are free. A candidate is the whole word.
 */
#include "xe/internal.h"
#include "xe/values.h"
#include "xe/xe.h"

#include <stdlib.h>
#include <string.h>

#define FILES ":files"

/** struct word - the word to complete: its name with what is before a value, and the value so far. */
struct word {
	const char *text;
	char *name; /* up to "=", or NULL */
	const char *value;
};

static void offer(const char *before, const char *candidate, const char *behind, const char *typed)
{
	if (!strncmp(candidate, typed, strlen(typed)))
		printf("%s%s%s\n", before, candidate, behind);
}

static void offer_commands(const char *typed)
{
	for (size_t i = 0; i < xe_n_commands; i++)
		offer("", xe_commands[i].name, "", typed);
	offer("", "help", "", typed);
}

static json_t *records_of(const char *socket, const struct xe_class *class)
{
	struct client_refusal why = { 0 };
	json_t *records = class->list ? client_list(socket, class->path, class->list, &why) : NULL;

	if (!class->list) {
		json_t *answer = client_call(socket, "GET", class->path, NULL, &why);

		records = answer ? json_pack("[o]", answer) : NULL;
	}
	client_refusal_clear(&why);
	return records;
}

static void offer_values(const char *socket, const struct xe_class *class, const char *member,
			 const struct word *word)
{
	json_t *records = records_of(socket, class), *record;
	char before[256];
	size_t i;

	snprintf(before, sizeof(before), "%s=", word->name);
	json_array_foreach (records, i, record)
		offer(before, xe_text(record, member), "", word->value);
	json_decref(records);
}

/* The names of the list so far, and one more. */
static void offer_fields(const struct xe_class *class, const struct word *word, bool list)
{
	const char *comma = list ? strrchr(word->value, ',') : NULL;
	const char *typed = comma ? comma + 1 : word->value;
	char before[1024];

	snprintf(before, sizeof(before), "%s=%.*s", word->name, (int)(typed - word->value),
		 word->value);
	for (size_t i = 0; i < class->n_fields; i++)
		offer(before, class->fields[i].name, "", typed);
	if (list && !comma)
		offer(before, "all", "", typed);
}

static void offer_states(const struct word *word)
{
	offer("power-state=", "halted", "", word->value);
	offer("power-state=", "running", "", word->value);
}

/* "0/0000:07:10.0,1/": the functions that nobody has, with the next number. */
static void offer_functions(const char *socket, const struct word *word)
{
	const char *comma = strrchr(word->value, ',');
	const char *typed = comma ? comma + 1 : word->value;
	json_t *functions = records_of(socket, &xe_pci), *function;
	char before[1024], candidate[64];
	unsigned int number = 0;
	size_t i;

	for (const char *at = word->value; at < typed; at++)
		number += *at == ',';
	snprintf(before, sizeof(before), "%s=%.*s", word->name, (int)(typed - word->value),
		 word->value);
	json_array_foreach (functions, i, function) {
		const char *address = xe_text(function, "address");

		if (strcmp(xe_text(function, "kind"), "VF") ||
		    json_is_string(json_object_get(function, "vm")) || strstr(word->value, address))
			continue;
		snprintf(candidate, sizeof(candidate), "%u/%s", number, address);
		offer(before, candidate, "", typed);
	}
	json_decref(functions);
}

/* Of the words before, the value of @name, or "". */
static const char *given(int argc, char **argv, const char *name)
{
	size_t len = strlen(name);

	for (int i = 0; i < argc; i++)
		if (!strncmp(argv[i], name, len) && argv[i][len] == '=')
			return argv[i] + len + 1;
	return "";
}

static void offer_keys(const char *socket, const struct xe_class *class, int argc, char **argv,
		       const struct word *word)
{
	const char *uuid = given(argc, argv, "uuid"), *key;
	const struct xe_field *field = xe_field(class, given(argc, argv, "param-name"), &key);
	json_t *records = records_of(socket, class), *record, *map, *value;
	size_t i;

	json_array_foreach (records, i, record) {
		if (strcmp(xe_text(record, "uuid"), uuid) || !field)
			continue;
		map = field->get(record, field);
		json_object_foreach (map, key, value)
			offer("param-key=", key, "", word->value);
		json_decref(map);
	}
	json_decref(records);
}

static void complete_value(const char *socket, const struct xe_command *command, int argc,
			   char **argv, const struct word *word)
{
	const char *name = word->name;

	if (!strcmp(name, "pif-uuid"))
		offer_values(socket, &xe_pif, "uuid", word);
	else if (!strcmp(name, "network-uuid"))
		offer_values(socket, &xe_network, "uuid", word);
	else if (!strcmp(name, "params") || !strcmp(name, "param-name"))
		offer_fields(command->class, word, !strcmp(name, "params"));
	else if (!strcmp(name, "param-key"))
		offer_keys(socket, command->class, argc, argv, word);
	else if (!strcmp(name, "uuid"))
		offer_values(socket, command->class, "uuid", word);
	else if (!strcmp(name, "vm")) {
		offer_values(socket, command->class, "name-label", word);
		offer_values(socket, command->class, "uuid", word);
	} else if (!strcmp(name, "name-label") && command->flags & XE_SELECTORS)
		offer_values(socket, command->class, "name-label", word);
	else if (!strcmp(name, "power-state"))
		offer_states(word);
	else if (!strcmp(name, "other-config:pci"))
		offer_functions(socket, word);
	else if (xe_listed("PV-kernel,PV-ramdisk,firmware,disk", name))
		puts(FILES);
}

/* Each name of a list that is not given yet. */
static void offer_list(const char *list, int argc, char **argv, const char *typed)
{
	char *names = strdup(list), *rest = names, *name;

	while ((name = strsep(&rest, ",")) && *name) {
		bool is_switch = xe_listed("force,all,multiple,minimal", name);

		if (!*given(argc, argv, name))
			offer(is_switch ? "--" : "", name, is_switch ? "" : "=", typed);
	}
	free(names);
}

static void offer_setters(const struct xe_command *command, int argc, char **argv,
			  const char *typed)
{
	bool selects = command->flags & XE_SELECTORS;

	for (size_t i = 0; i < command->class->n_fields; i++) {
		const struct xe_field *field = &command->class->fields[i];

		if (*given(argc, argv, field->name) || (!selects && !xe_is_writable(field)) ||
		    (!selects && xe_is_set(field)))
			continue;
		offer("", field->name, xe_is_map(field) ? ":" : "=", typed);
	}
	if (!selects)
		offer("", "other-config:pci", "=", typed);
}

static void complete_name(const struct xe_command *command, int argc, char **argv,
			  const char *typed)
{
	/* A switch is offered with its dashes. */
	const char *bare = strncmp(typed, "--", 2) ? typed : typed + 2;
	bool dashes = bare != typed;

	if (!dashes) {
		offer_list(command->required, argc, argv, typed);
		if (command->flags & XE_SELECTORS && command->run != xe_list)
			offer_list("vm", argc, argv, typed);
		if (command->flags & (XE_SELECTORS | XE_SETTERS))
			offer_setters(command, argc, argv, typed);
	}
	if (!dashes || *command->optional)
		offer_list(command->optional, argc, argv, bare);
	if (dashes || !*typed)
		offer_list(command->flags & XE_SELECTORS ? "minimal,multiple" : "minimal", argc,
			   argv, bare);
}

void xe_complete(const char *socket, int argc, char **argv)
{
	const struct xe_command *command;
	struct word word;
	const char *equals;

	if (argc > 2 && !strcmp(argv[0], "--socket")) {
		socket = argv[1];
		argc -= 2;
		argv += 2;
	}
	if (argc < 1)
		return;
	word.text = argv[argc - 1];
	if (argc == 1 || (argc == 2 && !strcmp(argv[0], "help"))) {
		offer_commands(word.text);
		return;
	}
	command = xe_find_command(argv[0]);
	equals = strchr(word.text, '=');
	if (!command)
		return;
	if (!equals) {
		complete_name(command, argc - 2, argv + 1, word.text);
		return;
	}
	word.name = strndup(word.text, (size_t)(equals - word.text));
	word.value = equals + 1;
	if (word.name)
		complete_value(socket, command, argc - 2, argv + 1, &word);
	free(word.name);
}
