/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * config.c - the configuration file, YAML read by libyaml.
 *
 * Each kind of mapping in the file (the file itself, a card, a port, a PF, a VF) has one table of keys below, read by
 * yaml_reader.c. A value is stored as soon as it is read and checked; what spans several values (overlapping cards,
 * names used twice) is checked at the end.
 *
 * Order matters in one place: a PF's "vf-defaults" apply to every VF before the "vf" mapping changes some of them,
 * whichever stands first in the file; so a PF is read in two passes.
 */
#include "daemon/config.h"

#include <grp.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "daemon/yaml_reader.h"

#define DEFAULT_VFS 8
#define DEFAULT_BUS 0x07
#define DEFAULT_MTU 1500
#define MTU_MIN 68
#define MTU_MAX 9710
#define VLAN_MAX 4094
#define QOS_MAX 7
#define RATE_MIN 10 /* Mbit/s */
#define RATE_MAX 10000
#define IDLE_MAX_US 100000
#define RUN_DIR_MAX 60 /* with the longest socket name it fits a socket address */
#define LAST_BUS 256
#define DEVICE_82599_BACKPLANE 0x10f8
#define DEVICE_82599_SFP 0x10fb

#define FIELD(type, member) .offset = offsetof(struct type, member)

/* Sockets */

/* @id is what the name stands for, -1 when nobody has it; then it must be a number. */
static int store_id(struct yaml_reader *r, yaml_node_t *node, const struct yaml_key *key, long id,
		    unsigned int *field)
{
	const char *text = yaml_text(node);
	char *end;

	if (id < 0) {
		id = strtol(text, &end, 10);
		if (!*text || *end || id < 0)
			return yaml_fail(r, node,
					 "%s '%s' is neither known to this machine nor a number",
					 key->name, text);
	}
	*field = (unsigned int)id;
	return 0;
}

static int read_owner(struct yaml_reader *r, yaml_node_t *node, const struct yaml_key *key,
		      void *field)
{
	const struct passwd *user = getpwnam(yaml_text(node));

	return store_id(r, node, key, user ? (long)user->pw_uid : -1, field);
}

static int read_group(struct yaml_reader *r, yaml_node_t *node, const struct yaml_key *key,
		      void *field)
{
	const struct group *group = getgrnam(yaml_text(node));

	return store_id(r, node, key, group ? (long)group->gr_gid : -1, field);
}

static int read_mode(struct yaml_reader *r, yaml_node_t *node, const struct yaml_key *key,
		     void *field)
{
	const char *text = yaml_text(node);
	char *end;
	unsigned long mode = strtoul(text, &end, 8);

	if (!*text || *end || mode > 0777)
		return yaml_fail(r, node,
				 "%s '%s' is not an octal number from \"0000\" to \"0777\"",
				 key->name, text);
	*(mode_t *)field = (mode_t)mode;
	return 0;
}

static const struct yaml_key socket_keys[] = {
	{ "owner", read_owner, FIELD(config_socket, owner) },
	{ "group", read_group, FIELD(config_socket, group) },
	{ "mode", read_mode, FIELD(config_socket, mode) },
	{ NULL },
};

/* Addresses and names */

static int read_mac(struct yaml_reader *r, yaml_node_t *node, const struct yaml_key *key,
		    void *field)
{
	static const uint8_t zero[ETH_ALEN];
	struct config_mac *mac = field;
	const char *text = yaml_text(node);

	if (mac_parse(text, mac->address) || mac->address[0] & 1 ||
	    !memcmp(mac->address, zero, ETH_ALEN))
		return yaml_fail(r, node,
				 "%s '%s' is not a unicast address like \"52:54:00:12:34:56\"",
				 key->name, text);
	mac->given = true;
	return 0;
}

static int store_ifname(struct yaml_reader *r, yaml_node_t *node, const char *text,
			char name[IFNAMSIZ])
{
	size_t len = strlen(text);

	if (!len || len >= IFNAMSIZ || strpbrk(text, "/ \t:%?"))
		return yaml_fail(r, node, "'%s' is not an interface name (1 to %d characters)",
				 text, IFNAMSIZ - 1);
	memcpy(name, text, len + 1);
	return 0;
}

/* A VF */

static int read_registers(struct yaml_reader *r, yaml_node_t *node, const struct yaml_key *key,
			  void *field)
{
	const char *text = yaml_text(node);
	bool shared = !strcmp(text, "shared");

	if (!shared && strcmp(text, "trapped"))
		return yaml_fail(r, node, "%s '%s' is not one of: shared, trapped", key->name,
				 text);
	*(bool *)field = shared;
	return 0;
}

static int read_rate(struct yaml_reader *r, yaml_node_t *node, const struct yaml_key *key,
		     void *field)
{
	long mbps;
	int error = yaml_number(r, node, key->name, 0, RATE_MAX, &mbps);

	if (!error && mbps && mbps < RATE_MIN)
		return yaml_fail(r, node, "%s '%ld' is not 0 (no limit) or %d to %d Mbit/s",
				 key->name, mbps, RATE_MIN, RATE_MAX);
	*(uint16_t *)field = (uint16_t)(error ? 0 : mbps);
	return error;
}

#define VF_POLICY_KEYS                                                                     \
	{ "vlan", yaml_read_u16, FIELD(config_vf, vlan), .max = VLAN_MAX },                \
		{ "qos", yaml_read_u8, FIELD(config_vf, qos), .max = QOS_MAX },            \
		{ "spoofchk", yaml_read_bool, FIELD(config_vf, spoofchk) },                \
		{ "trust", yaml_read_bool, FIELD(config_vf, trust) },                      \
		{ "max_tx_rate", read_rate, FIELD(config_vf, max_tx_rate) },               \
		{ "registers", read_registers, FIELD(config_vf, registers_shared) },       \
	{                                                                                  \
		"socket", yaml_read_mapping, FIELD(config_vf, socket), .keys = socket_keys \
	}

static const struct yaml_key vf_keys[] = {
	{ "mac", read_mac, FIELD(config_vf, mac) },
	VF_POLICY_KEYS,
	{ NULL },
};

/* The same without what must differ from VF to VF. */
static const struct yaml_key vf_default_keys[] = { VF_POLICY_KEYS, { NULL } };

/* A PF */

static int read_netdev(struct yaml_reader *r, yaml_node_t *node, const struct yaml_key *key,
		       void *field)
{
	struct config_netdev *netdev = field;
	const char *text = yaml_text(node);

	(void)key;
	if (!strcmp(text, "auto")) {
		netdev->kind = CONFIG_NETDEV_AUTO;
		return 0;
	}
	if (!strcmp(text, "none")) {
		netdev->kind = CONFIG_NETDEV_NONE;
		return 0;
	}
	netdev->kind = CONFIG_NETDEV_NAMED;
	return store_ifname(r, node, text, netdev->name);
}

static int read_vf_defaults(struct yaml_reader *r, yaml_node_t *node, const struct yaml_key *key,
			    void *field)
{
	struct config_vf *vf = field, defaults = vf[0];
	int error = yaml_mapping(r, node, vf_default_keys, key->name, &defaults);

	for (unsigned int i = 0; i < CONFIG_MAX_VFS; i++)
		vf[i] = defaults;
	return error;
}

static int read_vfs(struct yaml_reader *r, yaml_node_t *node, const struct yaml_key *key,
		    void *field)
{
	struct config_vf *vf = field;
	int error = 0;

	if (node->type != YAML_MAPPING_NODE)
		return yaml_fail(r, node, "%s must be a mapping from VF number to its settings",
				 key->name);
	for (yaml_node_pair_t *pair = node->data.mapping.pairs.start;
	     !error && pair < node->data.mapping.pairs.top; pair++) {
		long n;

		error = yaml_number(r, yaml_node(r, pair->key), "VF number", 0, CONFIG_MAX_VFS - 1,
				    &n);
		if (!error)
			error = yaml_mapping(r, yaml_node(r, pair->value), vf_keys, "vf", &vf[n]);
	}
	return error;
}

static const struct yaml_key pf_keys[] = {
	{ "vfs", yaml_read_u16, FIELD(config_pf, vfs), .max = CONFIG_MAX_VFS },
	{ "netdev", read_netdev, FIELD(config_pf, netdev) },
	{ "mtu", yaml_read_u16, FIELD(config_pf, mtu), .min = MTU_MIN, .max = MTU_MAX },
	{ "mac", read_mac, FIELD(config_pf, mac) },
	{ "vf-defaults", read_vf_defaults, FIELD(config_pf, vf) },
	{ "vf", yaml_read_ignored },
	{ NULL },
};

static const struct yaml_key pf_second_pass_keys[] = {
	{ "vfs", yaml_read_ignored },
	{ "netdev", yaml_read_ignored },
	{ "mtu", yaml_read_ignored },
	{ "mac", yaml_read_ignored },
	{ "vf-defaults", yaml_read_ignored },
	{ "vf", read_vfs, FIELD(config_pf, vf) },
	{ NULL },
};

static void pf_default(struct config_pf *pf)
{
	memset(pf, 0, sizeof(*pf));
	pf->vfs = DEFAULT_VFS;
	pf->netdev.kind = CONFIG_NETDEV_AUTO;
	pf->mtu = DEFAULT_MTU;
	for (unsigned int i = 0; i < CONFIG_MAX_VFS; i++)
		pf->vf[i] = (struct config_vf){
			.spoofchk = true,
			.registers_shared = true,
			.socket = { .owner = (uid_t)-1, .group = (gid_t)-1, .mode = 0600 },
		};
}

static int read_pf(struct yaml_reader *r, yaml_node_t *node, struct config_pf *pf)
{
	int error;

	pf_default(pf);
	error = yaml_mapping(r, node, pf_keys, "pf", pf);
	if (!error)
		error = yaml_mapping(r, node, pf_second_pass_keys, "pf", pf);
	if (error || pf->vfs < CONFIG_MAX_VFS || pf->netdev.kind == CONFIG_NETDEV_NONE)
		return error;
	if (pf->netdev.kind == CONFIG_NETDEV_NAMED)
		return yaml_fail(r, node,
				 "64 VFs leave no pool for the PF's own interface: use vfs: 63 or "
				 "netdev: none");
	pf->netdev.kind = CONFIG_NETDEV_NONE;
	return 0;
}

/* A port */

static int store_cable(struct yaml_reader *r, yaml_node_t *node, const char *name,
		       struct config_uplink *uplink)
{
	size_t len = strlen(name);

	if (!len || len >= sizeof(uplink->name) || strpbrk(name, "/ \t:"))
		return yaml_fail(r, node, "'%s' is not the name of a cable (1 to %zu characters)",
				 name, sizeof(uplink->name) - 1);
	uplink->kind = CONFIG_UPLINK_CABLE;
	uplink->line = (unsigned int)node->start_mark.line + 1;
	memcpy(uplink->name, name, len + 1);
	return 0;
}

static int read_uplink(struct yaml_reader *r, yaml_node_t *node, const struct yaml_key *key,
		       void *field)
{
	struct config_uplink *uplink = field;
	const char *text = yaml_text(node);

	if (!strcmp(text, "none")) {
		uplink->kind = CONFIG_UPLINK_NONE;
		return 0;
	}
	if (!strncmp(text, "cable:", 6))
		return store_cable(r, node, text + 6, uplink);
	if (strncmp(text, "tap:", 4))
		return yaml_fail(r, node, "%s '%s' is not one of: none, tap:NAME, cable:NAME",
				 key->name, text);
	uplink->kind = CONFIG_UPLINK_TAP;
	return store_ifname(r, node, text + 4, uplink->name);
}

static int read_pfs(struct yaml_reader *r, yaml_node_t *node, const struct yaml_key *key,
		    void *field)
{
	struct config_port *port = field;
	long n = yaml_length(node);
	int error = 0;

	if (n != 1 && n != 2 && n != 4)
		return yaml_fail(r, node, "%s must be a list: a port carries 1, 2 or 4 PFs",
				 key->name);
	port->pfs = (unsigned int)n;
	for (long i = 0; !error && i < n; i++)
		error = read_pf(r, yaml_item(r, node, i), &port->pf[i]);
	return error;
}

static const struct yaml_key port_keys[] = {
	{ "uplink", read_uplink, FIELD(config_port, uplink) },
	{ "uplink-mtu", yaml_read_u16, FIELD(config_port, uplink_mtu), .min = MTU_MIN,
	  .max = MTU_MAX },
	{ "pfs", read_pfs },
	{ NULL },
};

static void port_default(struct config_port *port)
{
	port->uplink.kind = CONFIG_UPLINK_NONE;
	port->uplink_mtu = DEFAULT_MTU;
	port->pfs = 1;
	pf_default(&port->pf[0]);
}

/* A card */

static int read_address(struct yaml_reader *r, yaml_node_t *node, const struct yaml_key *key,
			void *field)
{
	struct config_card *card = field;
	const char *text = yaml_text(node);
	unsigned int domain, bus;
	char rest;

	if (strlen(text) != 7 || sscanf(text, "%4x:%2x%c", &domain, &bus, &rest) != 2 ||
	    bus + CONFIG_CARD_BUSES > LAST_BUS)
		return yaml_fail(r, node,
				 "%s '%s' is not a domain and bus like \"0000:07\", bus at most fd",
				 key->name, text);
	card->domain = (uint16_t)domain;
	card->bus = (uint8_t)bus;
	return 0;
}

static int read_serial(struct yaml_reader *r, yaml_node_t *node, const struct yaml_key *key,
		       void *field)
{
	const char *text = yaml_text(node);
	char *end;
	unsigned long long serial;

	errno = 0;
	serial = strtoull(text, &end, 16);
	if (!*text || *end || errno)
		return yaml_fail(r, node,
				 "%s '%s' is not a hexadecimal number of at most 16 digits",
				 key->name, text);
	*(uint64_t *)field = serial;
	return 0;
}

static int read_ports(struct yaml_reader *r, yaml_node_t *node, const struct yaml_key *key,
		      void *field)
{
	struct config_card *card = field;
	long n = yaml_length(node);
	int error = 0;

	if (n < 1 || n > CONFIG_MAX_PORTS)
		return yaml_fail(r, node, "%s must be a list: a card has 1 or 2 ports", key->name);
	card->ports = (unsigned int)n;
	for (long i = 0; !error && i < n; i++) {
		port_default(&card->port[i]);
		error = yaml_mapping(r, yaml_item(r, node, i), port_keys, "port", &card->port[i]);
	}
	return error;
}

static int read_card_mode(struct yaml_reader *r, yaml_node_t *node, const struct yaml_key *key,
			  void *field)
{
	const char *text = yaml_text(node);
	bool vm = !strcmp(text, "vm");

	if (!vm && strcmp(text, "host"))
		return yaml_fail(r, node, "%s '%s' is not one of: host, vm", key->name, text);
	*(enum config_mode *)field = vm ? CONFIG_MODE_VM : CONFIG_MODE_HOST;
	return 0;
}

static int read_device(struct yaml_reader *r, yaml_node_t *node, const struct yaml_key *key,
		       void *field)
{
	const char *text = yaml_text(node);
	bool sfp = !strcmp(text, "10fb");

	if (!sfp && strcmp(text, "10f8"))
		return yaml_fail(r, node, "%s '%s' is not one of: 10f8, 10fb", key->name, text);
	*(uint16_t *)field = sfp ? DEVICE_82599_SFP : DEVICE_82599_BACKPLANE;
	return 0;
}

static const struct yaml_key card_keys[] = {
	{ "address", read_address },
	{ "mode", read_card_mode, FIELD(config_card, mode) },
	{ "device", read_device, FIELD(config_card, device_id) },
	{ "socket", yaml_read_mapping, FIELD(config_card, socket), .keys = socket_keys },
	{ "serial", read_serial, FIELD(config_card, serial) },
	{ "ports", read_ports },
	{ NULL },
};

static void card_default(struct config_card *card)
{
	card->domain = 0;
	card->bus = DEFAULT_BUS;
	card->mode = CONFIG_MODE_HOST;
	card->device_id = DEVICE_82599_BACKPLANE;
	card->socket =
		(struct config_socket){ .owner = (uid_t)-1, .group = (gid_t)-1, .mode = 0600 };
	card->serial = 0;
	card->ports = 1;
	port_default(&card->port[0]);
}

/* Stable over restarts, different from machine to machine. */
static uint64_t default_serial(const struct config_card *card)
{
	uint64_t hash = 0xcbf29ce484222325ull; /* FNV-1a */
	char id[64] = "";
	FILE *f = fopen("/etc/machine-id", "re");

	if (f) {
		if (!fgets(id, sizeof(id) / 2, f))
			id[0] = '\0';
		fclose(f);
	}
	snprintf(id + strcspn(id, "\n"), sizeof(id) / 2, "/%04x:%02x", card->domain, card->bus);
	for (const char *c = id; *c; c++)
		hash = (hash ^ (uint8_t)*c) * 0x100000001b3ull;
	return hash;
}

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

static int read_card(struct yaml_reader *r, yaml_node_t *node, struct config *config)
{
	struct config_card *card = &config->card[config->cards];
	int error;

	card_default(card);
	error = yaml_mapping(r, node, card_keys, "card", card);
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

static const struct yaml_key idle_keys[] = {
	{ "busy-us", yaml_read_u32, FIELD(config, busy_us), .max = IDLE_MAX_US },
	{ "nap-us", yaml_read_u32, FIELD(config, nap_us), .max = IDLE_MAX_US },
	{ "nap-max-us", yaml_read_u32, FIELD(config, nap_max_us), .max = IDLE_MAX_US },
	{ "always-busy", yaml_read_bool, FIELD(config, always_busy) },
	{ NULL },
};

static const struct yaml_key file_keys[] = {
	{ "run-dir", read_run_dir, FIELD(config, run_dir) },
	{ "api", yaml_read_mapping, FIELD(config, api), .keys = socket_keys },
	{ "workers", yaml_read_u32, FIELD(config, workers), .min = 1, .max = CONFIG_MAX_WORKERS },
	{ "cpus", read_cpus },
	{ "idle", yaml_read_mapping, .keys = idle_keys },
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
			card->serial = default_serial(card);
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
	config->api =
		(struct config_socket){ .owner = (uid_t)-1, .group = (gid_t)-1, .mode = 0600 };
	config->workers = 1;
	config->busy_us = 50;
	config->nap_us = 50;
	config->nap_max_us = 2500;
	config->cards = 1;
	card_default(&config->card[0]);
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
