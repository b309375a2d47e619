/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * config.c - the configuration file, YAML read by libyaml.
 *
 * Each kind of mapping in the file (the file itself, a card, a port, a PF, a VF) has one table of keys below; the
 * table is the file's grammar and the source of the "allowed: …" in error messages. A value is stored as soon as it is
 * read and checked; what spans several values (overlapping cards, names used twice) is checked at the end.
 *
 * Order matters in one place: a PF's "vf-defaults" apply to every VF before the "vf" list changes some of them,
 * whichever stands first in the file.
 */
#include "daemon/config.h"

#include <grp.h>
#include <pwd.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>
#include <yaml.h>

#define DEFAULT_VFS 8
#define DEFAULT_BUS 0x07
#define MTU_MIN 68
#define MTU_MAX 9710
#define IDLE_MAX_US 100000

struct parser {
	const char *file;
	yaml_document_t document;
	struct reason *why;
};

/** struct key - a key of a mapping: its name and who stores its value in @object. */
struct key {
	const char *name;
	int (*store)(struct parser *p, yaml_node_t *node, void *object);
};

static int fail(struct parser *p, const yaml_node_t *node, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

static int fail(struct parser *p, const yaml_node_t *node, const char *format, ...)
{
	char text[200];
	va_list args;

	va_start(args, format);
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	return refuse(p->why, -EINVAL, "%s:%zu: %s", p->file, node->start_mark.line + 1, text);
}

static const char *scalar(const yaml_node_t *node)
{
	return node->type == YAML_SCALAR_NODE ? (const char *)node->data.scalar.value : NULL;
}

static yaml_node_t *child(struct parser *p, int id)
{
	return yaml_document_get_node(&p->document, id);
}

static void list_keys(const struct key *keys, char *text, size_t size)
{
	size_t used = 0;

	text[0] = '\0';
	for (; keys->name && used < size; keys++)
		used += (size_t)snprintf(text + used, size - used, "%s%s", used ? ", " : "",
					 keys->name);
}

static const struct key *find_key(const struct key *keys, const char *name)
{
	for (; keys->name; keys++)
		if (!strcmp(keys->name, name))
			return keys;
	return NULL;
}

/* Store every key of the mapping @node; @what names the kind of mapping in errors. */
static int read_mapping(struct parser *p, yaml_node_t *node, const struct key *keys,
			const char *what, void *object)
{
	if (node->type != YAML_MAPPING_NODE)
		return fail(p, node, "%s must be a mapping (key: value)", what);
	for (yaml_node_pair_t *pair = node->data.mapping.pairs.start;
	     pair < node->data.mapping.pairs.top; pair++) {
		yaml_node_t *name = child(p, pair->key);
		const char *text = scalar(name);
		const struct key *key = text ? find_key(keys, text) : NULL;
		int error;

		if (!key) {
			char allowed[160];

			list_keys(keys, allowed, sizeof(allowed));
			return fail(p, name, "unknown key '%s' in %s; allowed: %s",
				    text ? text : "?", what, allowed);
		}
		for (yaml_node_pair_t *other = node->data.mapping.pairs.start; other < pair;
		     other++) {
			const char *earlier = scalar(child(p, other->key));

			if (earlier && !strcmp(earlier, text))
				return fail(p, name, "key '%s' appears twice in %s", text, what);
		}
		error = key->store(p, child(p, pair->value), object);
		if (error)
			return error;
	}
	return 0;
}

static int read_number(struct parser *p, yaml_node_t *node, const char *what, long min, long max,
		       long *value)
{
	const char *text = scalar(node);
	char *end;

	*value = min;
	if (text && *text) {
		errno = 0;
		*value = strtol(text, &end, 10);
		if (!errno && !*end && *value >= min && *value <= max)
			return 0;
	}
	return fail(p, node, "%s '%s' is not a number from %ld to %ld", what, text ? text : "?",
		    min, max);
}

static int read_bool(struct parser *p, yaml_node_t *node, const char *what, bool *value)
{
	const char *text = scalar(node);

	if (text && (!strcmp(text, "on") || !strcmp(text, "true") || !strcmp(text, "yes"))) {
		*value = true;
		return 0;
	}
	if (text && (!strcmp(text, "off") || !strcmp(text, "false") || !strcmp(text, "no"))) {
		*value = false;
		return 0;
	}
	return fail(p, node, "%s '%s' is not one of: on, off", what, text ? text : "?");
}

static int read_mac(struct parser *p, yaml_node_t *node, uint8_t mac[ETH_ALEN], bool *has)
{
	static const uint8_t zero[ETH_ALEN];
	const char *text = scalar(node);

	if (!text || mac_parse(text, mac) || mac[0] & 1 || !memcmp(mac, zero, ETH_ALEN))
		return fail(p, node, "mac '%s' is not a unicast address like \"52:54:00:12:34:56\"",
			    text ? text : "?");
	*has = true;
	return 0;
}

static int read_ifname(struct parser *p, yaml_node_t *node, const char *text, char name[IFNAMSIZ])
{
	size_t len = strlen(text);

	if (!len || len >= IFNAMSIZ || strpbrk(text, "/ \t:%"))
		return fail(p, node, "'%s' is not an interface name (1 to %d characters)", text,
			    IFNAMSIZ - 1);
	memcpy(name, text, len + 1);
	return 0;
}

static int read_mtu(struct parser *p, yaml_node_t *node, uint16_t *mtu)
{
	long value;
	int error = read_number(p, node, "mtu", MTU_MIN, MTU_MAX, &value);

	if (!error)
		*mtu = (uint16_t)value;
	return error;
}

/* Sockets */

static int store_owner(struct parser *p, yaml_node_t *node, void *object)
{
	struct config_socket *socket = object;
	const char *text = scalar(node);
	struct passwd *user = text ? getpwnam(text) : NULL;
	char *end = NULL;
	long id = text ? strtol(text, &end, 10) : -1;

	if (user)
		socket->owner = user->pw_uid;
	else if (end && end != text && !*end && id >= 0)
		socket->owner = (uid_t)id;
	else
		return fail(p, node, "owner '%s' is neither a user of this machine nor a number",
			    text ? text : "?");
	return 0;
}

static int store_group(struct parser *p, yaml_node_t *node, void *object)
{
	struct config_socket *socket = object;
	const char *text = scalar(node);
	struct group *group = text ? getgrnam(text) : NULL;
	char *end = NULL;
	long id = text ? strtol(text, &end, 10) : -1;

	if (group)
		socket->group = group->gr_gid;
	else if (end && end != text && !*end && id >= 0)
		socket->group = (gid_t)id;
	else
		return fail(p, node, "group '%s' is neither a group of this machine nor a number",
			    text ? text : "?");
	return 0;
}

static int store_mode(struct parser *p, yaml_node_t *node, void *object)
{
	struct config_socket *socket = object;
	const char *text = scalar(node);
	char *end = NULL;
	unsigned long mode = text ? strtoul(text, &end, 8) : 0;

	if (!text || !*text || *end || mode > 0777)
		return fail(p, node, "mode '%s' is not an octal number from \"0000\" to \"0777\"",
			    text ? text : "?");
	socket->mode = (mode_t)mode;
	return 0;
}

static const struct key socket_keys[] = {
	{ "owner", store_owner },
	{ "group", store_group },
	{ "mode", store_mode },
	{ NULL, NULL },
};

/* A VF */

static int store_vf_mac(struct parser *p, yaml_node_t *node, void *object)
{
	struct config_vf *vf = object;

	return read_mac(p, node, vf->mac, &vf->has_mac);
}

static int store_vf_vlan(struct parser *p, yaml_node_t *node, void *object)
{
	struct config_vf *vf = object;
	long value;
	int error = read_number(p, node, "vlan", 0, 4094, &value);

	if (!error)
		vf->vlan = (uint16_t)value;
	return error;
}

static int store_vf_qos(struct parser *p, yaml_node_t *node, void *object)
{
	struct config_vf *vf = object;
	long value;
	int error = read_number(p, node, "qos", 0, 7, &value);

	if (!error)
		vf->qos = (uint8_t)value;
	return error;
}

static int store_vf_spoofchk(struct parser *p, yaml_node_t *node, void *object)
{
	return read_bool(p, node, "spoofchk", &((struct config_vf *)object)->spoofchk);
}

static int store_vf_trust(struct parser *p, yaml_node_t *node, void *object)
{
	return read_bool(p, node, "trust", &((struct config_vf *)object)->trust);
}

static int store_vf_registers(struct parser *p, yaml_node_t *node, void *object)
{
	struct config_vf *vf = object;
	const char *text = scalar(node);

	if (text && !strcmp(text, "shared"))
		vf->registers_shared = true;
	else if (text && !strcmp(text, "trapped"))
		vf->registers_shared = false;
	else
		return fail(p, node, "registers '%s' is not one of: shared, trapped",
			    text ? text : "?");
	return 0;
}

static int store_vf_socket(struct parser *p, yaml_node_t *node, void *object)
{
	return read_mapping(p, node, socket_keys, "socket", &((struct config_vf *)object)->socket);
}

static const struct key vf_keys[] = {
	{ "mac", store_vf_mac },       { "vlan", store_vf_vlan },
	{ "qos", store_vf_qos },       { "spoofchk", store_vf_spoofchk },
	{ "trust", store_vf_trust },   { "registers", store_vf_registers },
	{ "socket", store_vf_socket }, { NULL, NULL },
};

/* The same without what must differ from VF to VF. */
static const struct key vf_default_keys[] = {
	{ "vlan", store_vf_vlan },
	{ "qos", store_vf_qos },
	{ "spoofchk", store_vf_spoofchk },
	{ "trust", store_vf_trust },
	{ "registers", store_vf_registers },
	{ "socket", store_vf_socket },
	{ NULL, NULL },
};

/* A PF */

static int store_pf_vfs(struct parser *p, yaml_node_t *node, void *object)
{
	long value;
	int error = read_number(p, node, "vfs", 0, CONFIG_MAX_VFS, &value);

	if (!error)
		((struct config_pf *)object)->vfs = (uint16_t)value;
	return error;
}

static int store_pf_netdev(struct parser *p, yaml_node_t *node, void *object)
{
	struct config_pf *pf = object;
	const char *text = scalar(node);

	if (!text)
		return fail(p, node, "netdev must be auto, none or an interface name");
	if (!strcmp(text, "auto")) {
		pf->netdev = CONFIG_NETDEV_AUTO;
		return 0;
	}
	if (!strcmp(text, "none")) {
		pf->netdev = CONFIG_NETDEV_NONE;
		return 0;
	}
	pf->netdev = CONFIG_NETDEV_NAMED;
	return read_ifname(p, node, text, pf->netdev_name);
}

static int store_pf_mtu(struct parser *p, yaml_node_t *node, void *object)
{
	return read_mtu(p, node, &((struct config_pf *)object)->mtu);
}

static int store_pf_mac(struct parser *p, yaml_node_t *node, void *object)
{
	struct config_pf *pf = object;

	return read_mac(p, node, pf->mac, &pf->has_mac);
}

static int store_pf_vf_defaults(struct parser *p, yaml_node_t *node, void *object)
{
	struct config_pf *pf = object;
	struct config_vf defaults = pf->vf[0];
	int error = read_mapping(p, node, vf_default_keys, "vf-defaults", &defaults);

	for (unsigned int i = 0; !error && i < CONFIG_MAX_VFS; i++)
		pf->vf[i] = defaults;
	return error;
}

static int store_pf_vf(struct parser *p, yaml_node_t *node, void *object)
{
	struct config_pf *pf = object;
	int error = 0;

	if (node->type != YAML_MAPPING_NODE)
		return fail(p, node, "vf must be a mapping from VF number to its settings");
	for (yaml_node_pair_t *pair = node->data.mapping.pairs.start;
	     !error && pair < node->data.mapping.pairs.top; pair++) {
		long number;

		error = read_number(p, child(p, pair->key), "VF number", 0, CONFIG_MAX_VFS - 1,
				    &number);
		if (!error)
			error = read_mapping(p, child(p, pair->value), vf_keys, "vf",
					     &pf->vf[number]);
	}
	return error;
}

static int store_nothing(struct parser *p, yaml_node_t *node, void *object)
{
	(void)p, (void)node, (void)object;
	return 0;
}

/* Two passes: defaults first, then everything else. */
static const struct key pf_first_keys[] = {
	{ "vfs", store_pf_vfs }, { "netdev", store_pf_netdev },		  { "mtu", store_pf_mtu },
	{ "mac", store_pf_mac }, { "vf-defaults", store_pf_vf_defaults }, { "vf", store_nothing },
	{ NULL, NULL },
};

static const struct key pf_second_keys[] = {
	{ "vfs", store_nothing }, { "netdev", store_nothing },	    { "mtu", store_nothing },
	{ "mac", store_nothing }, { "vf-defaults", store_nothing }, { "vf", store_pf_vf },
	{ NULL, NULL },
};

static void pf_default(struct config_pf *pf)
{
	memset(pf, 0, sizeof(*pf));
	pf->vfs = DEFAULT_VFS;
	pf->netdev = CONFIG_NETDEV_AUTO;
	pf->mtu = 1500;
	for (unsigned int i = 0; i < CONFIG_MAX_VFS; i++)
		pf->vf[i] = (struct config_vf){
			.spoofchk = true,
			.registers_shared = true,
			.socket = { .owner = (uid_t)-1, .group = (gid_t)-1, .mode = 0600 },
		};
}

static int read_pf(struct parser *p, yaml_node_t *node, struct config_pf *pf)
{
	int error;

	pf_default(pf);
	error = read_mapping(p, node, pf_first_keys, "pf", pf);
	if (!error)
		error = read_mapping(p, node, pf_second_keys, "pf", pf);
	if (!error && pf->netdev != CONFIG_NETDEV_NONE && pf->vfs == CONFIG_MAX_VFS) {
		if (pf->netdev == CONFIG_NETDEV_NAMED)
			return fail(p, node,
				    "64 VFs leave no pool for the PF's own interface: use vfs: 63 "
				    "or netdev: none");
		pf->netdev = CONFIG_NETDEV_NONE;
	}
	return error;
}

/* A port */

static int store_port_uplink(struct parser *p, yaml_node_t *node, void *object)
{
	struct config_port *port = object;
	const char *text = scalar(node);

	if (text && !strcmp(text, "none")) {
		port->uplink = CONFIG_UPLINK_NONE;
		return 0;
	}
	if (text && !strncmp(text, "tap:", 4)) {
		port->uplink = CONFIG_UPLINK_TAP;
		return read_ifname(p, node, text + 4, port->uplink_name);
	}
	return fail(p, node, "uplink '%s' is not one of: none, tap:NAME", text ? text : "?");
}

static int store_port_mtu(struct parser *p, yaml_node_t *node, void *object)
{
	return read_mtu(p, node, &((struct config_port *)object)->uplink_mtu);
}

static int store_port_pfs(struct parser *p, yaml_node_t *node, void *object)
{
	struct config_port *port = object;
	int error = 0;

	if (node->type != YAML_SEQUENCE_NODE)
		return fail(p, node, "pfs must be a list of PFs");
	port->pfs = 0;
	for (yaml_node_item_t *item = node->data.sequence.items.start;
	     !error && item < node->data.sequence.items.top; item++) {
		if (port->pfs == CONFIG_MAX_PFS_PER_PORT)
			return fail(p, child(p, *item), "a port carries 1, 2 or 4 PFs");
		error = read_pf(p, child(p, *item), &port->pf[port->pfs++]);
	}
	if (!error && port->pfs != 1 && port->pfs != 2 && port->pfs != 4)
		return fail(p, node, "a port carries 1, 2 or 4 PFs, not %u", port->pfs);
	return error;
}

static const struct key port_keys[] = {
	{ "uplink", store_port_uplink },
	{ "uplink-mtu", store_port_mtu },
	{ "pfs", store_port_pfs },
	{ NULL, NULL },
};

static void port_default(struct config_port *port)
{
	port->uplink = CONFIG_UPLINK_NONE;
	port->uplink_mtu = 1500;
	port->pfs = 1;
	pf_default(&port->pf[0]);
}

/* A card */

static int store_card_address(struct parser *p, yaml_node_t *node, void *object)
{
	struct config_card *card = object;
	const char *text = scalar(node);
	unsigned int domain, bus;
	char rest;

	if (!text || strlen(text) != 7 || sscanf(text, "%4x:%2x%c", &domain, &bus, &rest) != 2 ||
	    bus + CONFIG_CARD_BUSES > 256)
		return fail(p, node,
			    "address '%s' is not a domain and bus like \"0000:07\", bus at most fd",
			    text ? text : "?");
	card->domain = (uint16_t)domain;
	card->bus = (uint8_t)bus;
	return 0;
}

static int store_card_serial(struct parser *p, yaml_node_t *node, void *object)
{
	struct config_card *card = object;
	const char *text = scalar(node);
	char *end = NULL;

	errno = 0;
	card->serial = text ? strtoull(text, &end, 16) : 0;
	if (!text || !*text || *end || errno)
		return fail(p, node, "serial '%s' is not a hexadecimal number of at most 16 digits",
			    text ? text : "?");
	return 0;
}

static int store_card_ports(struct parser *p, yaml_node_t *node, void *object)
{
	struct config_card *card = object;
	int error = 0;

	if (node->type != YAML_SEQUENCE_NODE)
		return fail(p, node, "ports must be a list of ports");
	card->ports = 0;
	for (yaml_node_item_t *item = node->data.sequence.items.start;
	     !error && item < node->data.sequence.items.top; item++) {
		struct config_port *port = &card->port[card->ports];

		if (card->ports == CONFIG_MAX_PORTS)
			return fail(p, child(p, *item), "a card has 1 or 2 ports");
		port_default(port);
		error = read_mapping(p, child(p, *item), port_keys, "port", port);
		card->ports++;
	}
	if (!error && !card->ports)
		return fail(p, node, "a card has 1 or 2 ports");
	return error;
}

static const struct key card_keys[] = {
	{ "address", store_card_address },
	{ "serial", store_card_serial },
	{ "ports", store_card_ports },
	{ NULL, NULL },
};

/* Stable over restarts, different from machine to machine. */
static uint64_t default_serial(const struct config_card *card)
{
	uint64_t hash = 0xcbf29ce484222325ull; /* FNV-1a */
	char id[64] = "";
	FILE *f = fopen("/etc/machine-id", "re");

	if (f) {
		if (!fgets(id, sizeof(id), f))
			id[0] = '\0';
		fclose(f);
	}
	snprintf(id + strcspn(id, "\n"), 16, "/%04x:%02x", card->domain, card->bus);
	for (const char *c = id; *c; c++)
		hash = (hash ^ (uint8_t)*c) * 0x100000001b3ull;
	return hash;
}

static void card_default(struct config_card *card)
{
	card->domain = 0;
	card->bus = DEFAULT_BUS;
	card->ports = 1;
	port_default(&card->port[0]);
}

/* The whole file */

static int store_run_dir(struct parser *p, yaml_node_t *node, void *object)
{
	struct config *config = object;
	const char *text = scalar(node);

	if (!text || text[0] != '/' || strlen(text) > 60)
		return fail(p, node,
			    "run-dir '%s' is not an absolute path of at most 60 characters",
			    text ? text : "?");
	snprintf(config->run_dir, sizeof(config->run_dir), "%s", text);
	return 0;
}

static int store_api(struct parser *p, yaml_node_t *node, void *object)
{
	return read_mapping(p, node, socket_keys, "api", &((struct config *)object)->api);
}

static int store_workers(struct parser *p, yaml_node_t *node, void *object)
{
	long value;
	int error = read_number(p, node, "workers", 1, CONFIG_MAX_WORKERS, &value);

	if (!error)
		((struct config *)object)->workers = (unsigned int)value;
	return error;
}

static int store_cpus(struct parser *p, yaml_node_t *node, void *object)
{
	struct config *config = object;
	unsigned int n = 0;

	if (node->type != YAML_SEQUENCE_NODE)
		return fail(p, node, "cpus must be a list of processor numbers, one a worker");
	for (yaml_node_item_t *item = node->data.sequence.items.start;
	     item < node->data.sequence.items.top; item++) {
		long value;
		int error = read_number(p, child(p, *item), "cpu", 0,
					sysconf(_SC_NPROCESSORS_CONF) - 1, &value);

		if (error)
			return error;
		if (n == CONFIG_MAX_WORKERS)
			return fail(p, node, "at most %d workers", CONFIG_MAX_WORKERS);
		config->cpu[n++] = (int)value;
	}
	for (unsigned int i = n; n && i < CONFIG_MAX_WORKERS; i++)
		config->cpu[i] = config->cpu[i % n];
	config->pinned = n > 0;
	return 0;
}

static int read_us(struct parser *p, yaml_node_t *node, const char *what, uint32_t *us)
{
	long value;
	int error = read_number(p, node, what, 0, IDLE_MAX_US, &value);

	if (!error)
		*us = (uint32_t)value;
	return error;
}

static int store_busy_us(struct parser *p, yaml_node_t *node, void *object)
{
	return read_us(p, node, "busy-us", &((struct config *)object)->busy_us);
}

static int store_nap_us(struct parser *p, yaml_node_t *node, void *object)
{
	return read_us(p, node, "nap-us", &((struct config *)object)->nap_us);
}

static int store_nap_max_us(struct parser *p, yaml_node_t *node, void *object)
{
	return read_us(p, node, "nap-max-us", &((struct config *)object)->nap_max_us);
}

static int store_always_busy(struct parser *p, yaml_node_t *node, void *object)
{
	return read_bool(p, node, "always-busy", &((struct config *)object)->always_busy);
}

static const struct key idle_keys[] = {
	{ "busy-us", store_busy_us },
	{ "nap-us", store_nap_us },
	{ "nap-max-us", store_nap_max_us },
	{ "always-busy", store_always_busy },
	{ NULL, NULL },
};

static int store_idle(struct parser *p, yaml_node_t *node, void *object)
{
	return read_mapping(p, node, idle_keys, "idle", object);
}

static int store_cards(struct parser *p, yaml_node_t *node, void *object)
{
	struct config *config = object;
	int error = 0;

	if (node->type != YAML_SEQUENCE_NODE)
		return fail(p, node, "cards must be a list of cards");
	config->cards = 0;
	for (yaml_node_item_t *item = node->data.sequence.items.start;
	     !error && item < node->data.sequence.items.top; item++) {
		struct config_card *card = &config->card[config->cards];

		if (config->cards == CONFIG_MAX_CARDS)
			return fail(p, child(p, *item), "at most %d cards", CONFIG_MAX_CARDS);
		card_default(card);
		error = read_mapping(p, child(p, *item), card_keys, "card", card);
		for (unsigned int i = 0; !error && i < config->cards; i++) {
			const struct config_card *other = &config->card[i];

			if (other->domain == card->domain &&
			    abs(other->bus - card->bus) < CONFIG_CARD_BUSES)
				return fail(p, child(p, *item),
					    "card %04x:%02x owns buses %02x to %02x and overlaps "
					    "card %04x:%02x",
					    card->domain, card->bus, card->bus,
					    card->bus + CONFIG_CARD_BUSES - 1, other->domain,
					    other->bus);
		}
		config->cards++;
	}
	if (!error && !config->cards)
		return fail(p, node, "no card: leave the key out for the default card");
	return error;
}

static const struct key file_keys[] = {
	{ "run-dir", store_run_dir },
	{ "api", store_api },
	{ "workers", store_workers },
	{ "cpus", store_cpus },
	{ "idle", store_idle },
	{ "cards", store_cards },
	{ NULL, NULL },
};

/* What no single key can tell: names and addresses that must be unique; serials and names not given. */
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

			if (port->uplink == CONFIG_UPLINK_TAP)
				names[used++] = port->uplink_name;
			for (unsigned int k = 0; k < port->pfs; k++, next_netdev++) {
				struct config_pf *pf = &port->pf[k];

				if (pf->netdev == CONFIG_NETDEV_AUTO)
					snprintf(pf->netdev_name, IFNAMSIZ, "sv%u", next_netdev);
				if (pf->netdev != CONFIG_NETDEV_NONE)
					names[used++] = pf->netdev_name;
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

struct config *config_default(void)
{
	struct config *config = calloc(1, sizeof(*config));
	const char *runtime = getenv("XDG_RUNTIME_DIR");

	if (!config)
		return NULL;
	if (geteuid() == 0 || !runtime || strlen(runtime) > 50)
		strcpy(config->run_dir, "/run/softiov");
	else
		snprintf(config->run_dir, sizeof(config->run_dir), "%s/softiov", runtime);
	config->api =
		(struct config_socket){ .owner = (uid_t)-1, .group = (gid_t)-1, .mode = 0600 };
	config->workers = 1;
	config->busy_us = 50;
	config->nap_us = 50;
	config->nap_max_us = 1500;
	config->cards = 1;
	card_default(&config->card[0]);
	(void)complete("default", config, NULL);
	return config;
}

int config_load(const char *path, struct config **result, struct reason *why)
{
	struct parser p = { .file = path, .why = why };
	struct config *config = NULL;
	yaml_parser_t yaml;
	yaml_node_t *root;
	FILE *f = fopen(path, "re");
	int error = 0;

	if (!f)
		return refuse(why, -errno, "%s: %s", path, strerror(errno));
	if (!yaml_parser_initialize(&yaml)) {
		fclose(f);
		return refuse(why, -ENOMEM, "%s: out of memory", path);
	}
	yaml_parser_set_input_file(&yaml, f);
	if (!yaml_parser_load(&yaml, &p.document)) {
		error = refuse(why, -EINVAL, "%s:%zu: not valid YAML: %s", path,
			       yaml.problem_mark.line + 1,
			       yaml.problem ? yaml.problem : "unknown problem");
		goto out_parser;
	}
	config = config_default();
	if (!config) {
		error = refuse(why, -ENOMEM, "%s: out of memory", path);
		goto out_document;
	}
	config->card[0].serial = 0;
	root = yaml_document_get_root_node(&p.document);
	if (root)
		error = read_mapping(&p, root, file_keys, "the file", config);
	if (!error)
		error = complete(path, config, why);
	if (error)
		free(config);
	else
		*result = config;
out_document:
	yaml_document_delete(&p.document);
out_parser:
	yaml_parser_delete(&yaml);
	fclose(f);
	return error;
}
