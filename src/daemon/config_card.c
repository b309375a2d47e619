/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * config_card.c - what the configuration file says of a card: its ports, PFs and VFs, and of sockets.
 *
 * Order matters in one place: a PF's "vf-defaults" apply to every VF before the "vf" mapping changes some of them,
 * whichever stands first in the file; so a PF is read in two passes.
 */
#include <grp.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>

#include "daemon/config_internal.h"

#define DEFAULT_VFS 8
#define DEFAULT_BUS 0x07
#define DEFAULT_MTU 1500
#define MTU_MIN 68
#define MTU_MAX 9710
#define VLAN_MAX 4094
#define QOS_MAX 7
#define RATE_MIN 10 /* Mbit/s */
#define RATE_MAX 10000
#define LAST_BUS 256
#define DEVICE_82599_BACKPLANE 0x10f8
#define DEVICE_82599_SFP 0x10fb

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

const struct yaml_key config_socket_keys[] = {
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

#define VF_POLICY_KEYS                                                                            \
	{ "vlan", yaml_read_u16, FIELD(config_vf, vlan), .max = VLAN_MAX },                       \
		{ "qos", yaml_read_u8, FIELD(config_vf, qos), .max = QOS_MAX },                   \
		{ "spoofchk", yaml_read_bool, FIELD(config_vf, spoofchk) },                       \
		{ "trust", yaml_read_bool, FIELD(config_vf, trust) },                             \
		{ "max_tx_rate", read_rate, FIELD(config_vf, max_tx_rate) },                      \
		{ "registers", read_registers, FIELD(config_vf, registers_shared) },              \
	{                                                                                         \
		"socket", yaml_read_mapping, FIELD(config_vf, socket), .keys = config_socket_keys \
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
	{ "sriov", yaml_read_bool, FIELD(config_pf, sriov) },
	{ "vfs", yaml_read_u16, FIELD(config_pf, vfs), .max = CONFIG_MAX_VFS },
	{ "netdev", read_netdev, FIELD(config_pf, netdev) },
	{ "mtu", yaml_read_u16, FIELD(config_pf, mtu), .min = MTU_MIN, .max = MTU_MAX },
	{ "mac", read_mac, FIELD(config_pf, mac) },
	{ "vf-defaults", read_vf_defaults, FIELD(config_pf, vf) },
	{ "vf", yaml_read_ignored },
	{ NULL },
};

static const struct yaml_key pf_second_pass_keys[] = {
	{ "sriov", yaml_read_ignored },
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
	pf->sriov = true;
	pf->vfs = DEFAULT_VFS;
	pf->netdev.kind = CONFIG_NETDEV_AUTO;
	pf->mtu = DEFAULT_MTU;
	for (unsigned int i = 0; i < CONFIG_MAX_VFS; i++)
		pf->vf[i] = (struct config_vf){
			.spoofchk = true,
			.registers_shared = true,
			.socket = CONFIG_SOCKET_DEFAULT,
		};
}

static int read_pf(struct yaml_reader *r, yaml_node_t *node, struct config_pf *pf)
{
	int error;

	pf_default(pf);
	error = yaml_mapping(r, node, pf_keys, "pf", pf);
	if (!error)
		error = yaml_mapping(r, node, pf_second_pass_keys, "pf", pf);
	if (!pf->sriov)
		pf->vfs = 0;
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

const struct yaml_key config_card_keys[] = {
	{ "address", read_address },
	{ "mode", read_card_mode, FIELD(config_card, mode) },
	{ "device", read_device, FIELD(config_card, device_id) },
	{ "socket", yaml_read_mapping, FIELD(config_card, socket), .keys = config_socket_keys },
	{ "serial", read_serial, FIELD(config_card, serial) },
	{ "ports", read_ports },
	{ NULL },
};

void config_card_default(struct config_card *card)
{
	card->domain = 0;
	card->bus = DEFAULT_BUS;
	card->mode = CONFIG_MODE_HOST;
	card->device_id = DEVICE_82599_BACKPLANE;
	card->socket = CONFIG_SOCKET_DEFAULT;
	card->serial = 0;
	card->ports = 1;
	port_default(&card->port[0]);
}

uint64_t config_card_serial(const struct config_card *card)
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
