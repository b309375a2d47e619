/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * set.c - the commands that change something: "softiov vf set" and "unset", "softiov pf set", "softiov stop"; and
 * "softiov vf qemu-args", which prints what plugs a VF into a VM. Words as in "ip link set DEV vf N …".
 */
#include "cli/cli.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/** struct word - a setting: its name and how its value becomes JSON. */
struct word {
	const char *name;
	json_t *(*value)(const char *text);
	const char *allowed;
};

static json_t *value_string(const char *text)
{
	return json_string(text);
}

static json_t *value_number(const char *text)
{
	char *end;
	long n = strtol(text, &end, 10);

	return *text && !*end ? json_integer(n) : NULL;
}

static json_t *value_switch(const char *text)
{
	if (!strcmp(text, "on"))
		return json_true();
	return strcmp(text, "off") ? NULL : json_false();
}

static const struct word vf_words[] = {
	{ "mac", value_string, "an address" },
	{ "vlan", value_number, "0 to 4094" },
	{ "qos", value_number, "0 to 7" },
	{ "spoofchk", value_switch, "on or off" },
	{ "trust", value_switch, "on or off" },
	{ "state", value_string, "auto, enable or disable" },
	{ "query_rss", value_switch, "on or off" },
	{ "registers", value_string, "shared or trapped" },
	{ "max_tx_rate", value_number, "0 or 10 to 10000 (Mbit/s)" },
	{ NULL, NULL, NULL },
};

static const struct word pf_words[] = {
	{ "numvfs", value_number, "0 to 64" },
	{ NULL, NULL, NULL },
};

/* Pairs of name and value into @body. Return: 0 or EXIT_USAGE. */
static int read_words(const struct word *words, int argc, char **argv, json_t *body)
{
	for (int i = 0; i < argc; i += 2) {
		const struct word *word = words;
		json_t *value;

		while (word->name && strcmp(word->name, argv[i]))
			word++;
		if (!word->name)
			return cli_usage("unknown word '%s'", argv[i]);
		if (i + 1 == argc)
			return cli_usage("'%s' needs a value: %s", argv[i], word->allowed);
		value = word->value(argv[i + 1]);
		if (!value)
			return cli_usage("%s '%s' is not %s", argv[i], argv[i + 1], word->allowed);
		if (json_object_get(body, word->name)) {
			json_decref(value);
			return cli_usage("'%s' is given twice", argv[i]);
		}
		json_object_set_new(body, word->name, value);
	}
	return json_object_size(body) ? 0 : cli_usage("nothing to set");
}

static int patch(const struct cli *cli, const char *path, json_t *body)
{
	int status;

	json_decref(cli_call(cli, "PATCH", path, body, &status));
	json_decref(body);
	return status;
}

/* vf set 0000:07:00.0 vf 3 … or vf set 0000:07:10.6 … */
static int vf_set(const struct cli *cli, int argc, char **argv)
{
	json_t *body;
	char path[128];
	int used = 1, status;

	if (argc < 1)
		return cli_usage("vf set needs the address of a VF, or of a PF and 'vf N'");
	if (strlen(argv[0]) > 15)
		return cli_usage("'%s' is not a PCI address like 0000:07:10.0", argv[0]);
	snprintf(path, sizeof(path), "/v1/vf/%s", argv[0]);
	if (argc > 1 && !strcmp(argv[1], "vf")) {
		json_t *number = argc > 2 ? value_number(argv[2]) : NULL;

		if (!number || json_integer_value(number) < 0)
			return cli_usage("'vf' needs the number of a VF");
		snprintf(path, sizeof(path), "/v1/pf/%s/vf/%lld", argv[0],
			 (long long)json_integer_value(number));
		json_decref(number);
		used = 3;
	}
	body = json_object();
	status = read_words(vf_words, argc - used, argv + used, body);
	if (status) {
		json_decref(body);
		return status;
	}
	return patch(cli, path, body);
}

/* vf unset 0000:07:10.6: what was set of it is kept no longer. */
static int vf_unset(const struct cli *cli, int argc, char **argv)
{
	char path[128];
	int status;

	if (argc != 1 || strlen(argv[0]) > 15)
		return cli_usage("vf unset needs the address of one VF like 0000:07:10.0");
	snprintf(path, sizeof(path), "/v1/vf/%s/policy", argv[0]);
	json_decref(cli_call(cli, "DELETE", path, NULL, &status));
	return status;
}

static json_t *find_vf(json_t *tree, const char *address)
{
	json_t *card, *port, *pf, *vf;
	size_t i, k, l, m;

	json_array_foreach (json_object_get(tree, "cards"), i, card)
		json_array_foreach (json_object_get(card, "ports"), k, port)
			json_array_foreach (json_object_get(port, "pfs"), l, pf)
				json_array_foreach (json_object_get(pf, "vfs"), m, vf)
					if (!strcmp(json_string_value(
							    json_object_get(vf, "address")),
						    address))
						return vf;
	return NULL;
}

void cli_print_qemu_args(const char *socket)
{
	printf("-object memory-backend-memfd,id=mem,size=1G,share=on -m 1G -machine "
	       "q35,memory-backend=mem "
	       "-device pcie-root-port,id=rp0 "
	       "-device '{\"driver\":\"vfio-user-pci\",\"bus\":\"rp0\","
	       "\"socket\":{\"path\":\"%s\",\"type\":\"unix\"}}'\n",
	       socket);
}

static int vf_qemu_args(const struct cli *cli, int argc, char **argv)
{
	json_t *tree, *vf;
	int status;

	if (argc != 1)
		return cli_usage("vf qemu-args needs the address of one VF");
	tree = cli_call(cli, "GET", "/v1/show", NULL, &status);
	if (!tree)
		return status;
	vf = find_vf(tree, argv[0]);
	if (vf)
		cli_print_qemu_args(json_string_value(json_object_get(vf, "socket")));
	else
		fprintf(stderr, "softiov: no VF %s here: see softiov show\n", argv[0]);
	json_decref(tree);
	return vf ? EXIT_SUCCESS : EXIT_REFUSED;
}

int cmd_vf(const struct cli *cli, int argc, char **argv)
{
	if (argc && !strcmp(argv[0], "set"))
		return vf_set(cli, argc - 1, argv + 1);
	if (argc && !strcmp(argv[0], "unset"))
		return vf_unset(cli, argc - 1, argv + 1);
	if (argc && !strcmp(argv[0], "qemu-args"))
		return vf_qemu_args(cli, argc - 1, argv + 1);
	return cli_usage("vf knows: set, unset, qemu-args%s%s", argc ? ", not " : "",
			 argc ? argv[0] : "");
}

int cmd_pf(const struct cli *cli, int argc, char **argv)
{
	json_t *body;
	char path[128];
	int status;

	if (!argc || strcmp(argv[0], "set"))
		return cli_usage("pf knows: set%s%s", argc ? ", not " : "", argc ? argv[0] : "");
	if (argc < 2 || strlen(argv[1]) > 15)
		return cli_usage("pf set needs the address of a PF like 0000:07:00.0");
	snprintf(path, sizeof(path), "/v1/pf/%s", argv[1]);
	body = json_object();
	status = read_words(pf_words, argc - 2, argv + 2, body);
	if (status) {
		json_decref(body);
		return status;
	}
	return patch(cli, path, body);
}

int cmd_stop(const struct cli *cli, int argc, char **argv)
{
	json_t *body;
	int status;
	bool force = argc == 1 && !strcmp(argv[0], "--force");

	if (argc && !force)
		return cli_usage("stop knows: --force, not %s", argv[0]);
	body = json_pack("{s:b}", "force", force);
	json_decref(cli_call(cli, "POST", "/v1/stop", body, &status));
	json_decref(body);
	return status;
}
