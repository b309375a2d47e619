/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * config.c - the configuration file, YAML read by libyaml.
 *
 * Each kind of mapping in the file (the file itself here; a card, a port, a PF, a VF in config_card.c) has one table of
 * keys, read by yaml_reader.c. A value is stored as soon as it is read and checked; what spans several values
 * (overlapping cards, names used twice) is checked at the end.
 */
#include "daemon/config.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "daemon/config_internal.h"

#define IDLE_MAX_US 100000
#define VM_PATH_MAX 255
#define RUN_DIR_MAX 60 /* with the longest socket name it fits a socket address */

/* The whole file */

static int read_run_dir(struct yaml_reader *r, yaml_node_t *node, const struct yaml_key *key,
			void *field)
{
	const char *text = yaml_text(node);

	if (text[0] != '/' || strlen(text) > RUN_DIR_MAX)
		return yaml_fail(r, node,
				 "%s '%s' is not an absolute path of at most %d characters",
				 key->name, text, RUN_DIR_MAX);
	strcpy(field, text);
	return 0;
}

static int read_cpus(struct yaml_reader *r, yaml_node_t *node, const struct yaml_key *key,
		     void *field)
{
	struct config *config = field;
	long n = yaml_length(node);
	int error = 0;

	if (n < 1 || n > CONFIG_MAX_WORKERS)
		return yaml_fail(r, node, "%s must be a list of 1 to %d processor numbers",
				 key->name, CONFIG_MAX_WORKERS);
	for (long i = 0; !error && i < CONFIG_MAX_WORKERS; i++) {
		long cpu;

		error = yaml_number(r, yaml_item(r, node, i % n), "cpu", 0,
				    sysconf(_SC_NPROCESSORS_CONF) - 1, &cpu);
		config->cpu[i] = (int)cpu;
	}
	config->pinned = true;
	return error;
}

static int read_sysfs(struct yaml_reader *r, yaml_node_t *node, const struct yaml_key *key,
		      void *field)
{
	const char *text = yaml_text(node);

	if (strcmp(text, "auto") && strcmp(text, "off"))
		return yaml_fail(r, node, "%s '%s' is not one of: auto, off", key->name, text);
	*(bool *)field = !strcmp(text, "auto");
	return 0;
}

static int read_card(struct yaml_reader *r, yaml_node_t *node, struct config *config)
{
	struct config_card *card = &config->card[config->cards];
	int error;

	config_card_default(card);
	error = yaml_mapping(r, node, config_card_keys, "card", card);
	for (unsigned int i = 0; !error && i < config->cards; i++) {
		const struct config_card *other = &config->card[i];

		if (other->domain == card->domain &&
		    abs(other->bus - card->bus) < CONFIG_CARD_BUSES)
			return yaml_fail(r, node,
					 "card %04x:%02x owns buses %02x to %02x and overlaps card "
					 "%04x:%02x",
					 card->domain, card->bus, card->bus,
					 card->bus + CONFIG_CARD_BUSES - 1, other->domain,
					 other->bus);
	}
	config->cards++;
	return error;
}

static int read_cards(struct yaml_reader *r, yaml_node_t *node, const struct yaml_key *key,
		      void *field)
{
	struct config *config = field;
	long n = yaml_length(node);
	int error = 0;

	if (n < 1 || n > CONFIG_MAX_CARDS)
		return yaml_fail(r, node, "%s must be a list of 1 to %d cards", key->name,
				 CONFIG_MAX_CARDS);
	config->cards = 0;
	for (long i = 0; !error && i < n; i++)
		error = read_card(r, yaml_item(r, node, i), config);
	return error;
}

/* An absolute path of any length that a path may have. */
static int read_path(struct yaml_reader *r, yaml_node_t *node, const struct yaml_key *key,
		     void *field)
{
	const char *text = yaml_text(node);

	if (text[0] != '/' || strlen(text) > VM_PATH_MAX)
		return yaml_fail(r, node,
				 "%s '%s' is not an absolute path of at most %d characters",
				 key->name, text, VM_PATH_MAX);
	strcpy(field, text);
	return 0;
}

static int read_accel(struct yaml_reader *r, yaml_node_t *node, const struct yaml_key *key,
		      void *field)
{
	static const char *const words[] = { "auto", "kvm", "tcg" }; /* enum config_accel */
	const char *text = yaml_text(node);

	for (unsigned int i = 0; i < ARRAY_SIZE(words); i++) {
		if (strcmp(text, words[i]))
			continue;
		*(enum config_accel *)field = (enum config_accel)i;
		return 0;
	}
	return yaml_fail(r, node, "%s '%s' is not one of: auto, kvm, tcg", key->name, text);
}

static const struct yaml_key vms_keys[] = {
	{ "data-dir", read_path, FIELD(config_vms, data_dir) },
	{ "qemu", read_path, FIELD(config_vms, qemu) },
	{ "accel", read_accel, FIELD(config_vms, accel) },
	{ NULL },
};

static const struct yaml_key idle_keys[] = {
	{ "busy-us", yaml_read_u32, FIELD(config, busy_us), .max = IDLE_MAX_US },
	{ "nap-us", yaml_read_u32, FIELD(config, nap_us), .max = IDLE_MAX_US },
	{ "nap-max-us", yaml_read_u32, FIELD(config, nap_max_us), .max = IDLE_MAX_US },
	{ "always-busy", yaml_read_bool, FIELD(config, always_busy) },
	{ NULL },
};

static const struct yaml_key file_keys[] = {
	{ "run-dir", read_run_dir, FIELD(config, run_dir) },
	{ "api", yaml_read_mapping, FIELD(config, api), .keys = config_socket_keys },
	{ "workers", yaml_read_u32, FIELD(config, workers), .min = 1, .max = CONFIG_MAX_WORKERS },
	{ "cpus", read_cpus },
	{ "idle", yaml_read_mapping, .keys = idle_keys },
	{ "vms", yaml_read_mapping, FIELD(config, vms), .keys = vms_keys },
	{ "sysfs", read_sysfs, FIELD(config, sysfs) },
	{ "cards", read_cards },
	{ NULL },
};

/* A cable has two ends. @end: one of them. */
static int check_cable(const char *file, const struct config *config,
		       const struct config_uplink *end, struct reason *why)
{
	unsigned int ends = 0;

	for (unsigned int c = 0; c < config->cards; c++) {
		for (unsigned int i = 0; i < config->card[c].ports; i++) {
			const struct config_uplink *uplink = &config->card[c].port[i].uplink;

			if (uplink->kind != CONFIG_UPLINK_CABLE || strcmp(uplink->name, end->name))
				continue;
			if (++ends > 2)
				return refuse(why, -EINVAL,
					      "%s:%u: cable '%s' has two ports already", file,
					      uplink->line, end->name);
		}
	}
	if (ends < 2)
		return refuse(why, -EINVAL,
			      "%s:%u: cable '%s' ties one port to nothing: a second one must name "
			      "it too",
			      file, end->line, end->name);
	return 0;
}

/* What no single key can tell: serials and names not given, names used twice, cables with one end. */
static int complete(const char *file, struct config *config, struct reason *why)
{
	const char *names[CONFIG_MAX_CARDS * CONFIG_MAX_PORTS * (1 + CONFIG_MAX_PFS_PER_PORT)];
	unsigned int used = 0, next_netdev = 0;

	for (unsigned int c = 0; c < config->cards; c++) {
		struct config_card *card = &config->card[c];

		if (!card->serial)
			card->serial = config_card_serial(card);
		for (unsigned int i = 0; i < card->ports; i++) {
			struct config_port *port = &card->port[i];

			if (port->uplink.kind == CONFIG_UPLINK_TAP)
				names[used++] = port->uplink.name;
			if (port->uplink.kind == CONFIG_UPLINK_CABLE &&
			    check_cable(file, config, &port->uplink, why))
				return -EINVAL;
			for (unsigned int k = 0; k < port->pfs; k++, next_netdev++) {
				struct config_netdev *netdev = &port->pf[k].netdev;

				if (netdev->kind == CONFIG_NETDEV_AUTO)
					snprintf(netdev->name, IFNAMSIZ, "sv%u", next_netdev);
				if (netdev->kind != CONFIG_NETDEV_NONE)
					names[used++] = netdev->name;
			}
		}
	}
	for (unsigned int i = 0; i < used; i++)
		for (unsigned int k = 0; k < i; k++)
			if (!strcmp(names[i], names[k]))
				return refuse(why, -EINVAL, "%s: interface '%s' is used twice",
					      file, names[i]);
	return 0;
}

/* All but what complete() adds. */
static struct config *bare_default(void)
{
	struct config *config = calloc(1, sizeof(*config));
	const char *runtime = getenv("XDG_RUNTIME_DIR");

	if (!config)
		return NULL;
	if (geteuid() == 0 || !runtime || strlen(runtime) + strlen("/softiov") > RUN_DIR_MAX)
		strcpy(config->run_dir, "/run/softiov");
	else
		snprintf(config->run_dir, sizeof(config->run_dir), "%s/softiov", runtime);
	config->api = CONFIG_SOCKET_DEFAULT;
	config->workers = 1;
	config->busy_us = 50;
	config->nap_us = 50;
	config->nap_max_us = 3000;
	config->sysfs = true;
	config->cards = 1;
	config_card_default(&config->card[0]);
	return config;
}

struct config *config_default(void)
{
	struct config *config = bare_default();

	if (config)
		(void)complete("default", config, NULL);
	return config;
}

static int read_document(struct yaml_reader *reader, struct config **result)
{
	struct config *config = bare_default();
	yaml_node_t *root = yaml_document_get_root_node(&reader->document);
	int error = 0;

	if (!config)
		return refuse(reader->why, -ENOMEM, "%s: out of memory", reader->file);
	if (root) /* an empty file is the default */
		error = yaml_mapping(reader, root, file_keys, "the file", config);
	if (!error)
		error = complete(reader->file, config, reader->why);
	if (error)
		free(config);
	else
		*result = config;
	return error;
}

int config_load(const char *path, struct config **config, struct reason *why)
{
	struct yaml_reader reader = { .file = path, .why = why };
	yaml_parser_t parser;
	FILE *f = fopen(path, "re");
	int error;

	if (!f)
		return refuse(why, -errno, "%s: %s", path, strerror(errno));
	if (!yaml_parser_initialize(&parser)) {
		fclose(f);
		return refuse(why, -ENOMEM, "%s: out of memory", path);
	}
	yaml_parser_set_input_file(&parser, f);
	if (yaml_parser_load(&parser, &reader.document)) {
		error = read_document(&reader, config);
		yaml_document_delete(&reader.document);
	} else {
		error = refuse(why, -EINVAL, "%s:%zu: not valid YAML: %s", path,
			       parser.problem_mark.line + 1,
			       parser.problem ? parser.problem : "unknown problem");
	}
	yaml_parser_delete(&parser);
	fclose(f);
	return error;
}
