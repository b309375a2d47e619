/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * config.h - the daemon's configuration: what cards there are, what their ports are tied to, how workers behave.
 * Plain data; read once at start (or by --check-config), never changed afterwards.
 */
#ifndef SOFTIOV_DAEMON_CONFIG_H
#define SOFTIOV_DAEMON_CONFIG_H

#include <limits.h>
#include <net/if.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>
#include "util/util.h"

#define CONFIG_MAX_CARDS 8
#define CONFIG_MAX_PORTS 2
#define CONFIG_MAX_PFS_PER_PORT 4
#define CONFIG_MAX_VFS 64
#define CONFIG_MAX_WORKERS 16
#define CONFIG_CARD_BUSES 3 /* a card's VFs spill into the two buses after its own */

/** struct config_socket - who may use a socket. */
struct config_socket {
	uid_t owner; /* (uid_t)-1: the daemon's */
	gid_t group; /* (gid_t)-1: the daemon's */
	mode_t mode;
};

/** struct config_mac - an address, if one was given. */
struct config_mac {
	bool given;
	uint8_t address[ETH_ALEN];
};

/** struct config_vf - how a VF starts; "softiov vf set" may change the policy later. */
struct config_vf {
	struct config_mac mac;
	uint16_t vlan; /* 0: none */
	uint8_t qos;
	bool spoofchk, trust;
	uint16_t max_tx_rate; /* Mbit/s, 0: no limit */
	bool registers_shared;
	struct config_socket socket;
};

enum config_netdev_kind { CONFIG_NETDEV_AUTO, CONFIG_NETDEV_NONE, CONFIG_NETDEV_NAMED };

/** struct config_netdev - the host's interface to a PF; auto: svN where the daemon may create one. */
struct config_netdev {
	enum config_netdev_kind kind;
	char name[IFNAMSIZ];
};

struct config_pf {
	bool sriov; /* false: the PF is without the capability, so nobody can give it VFs */
	uint16_t vfs;
	struct config_netdev netdev;
	uint16_t mtu; /* of the interface */
	struct config_mac mac;
	struct config_vf vf[CONFIG_MAX_VFS];
};

enum config_uplink_kind { CONFIG_UPLINK_NONE, CONFIG_UPLINK_TAP, CONFIG_UPLINK_CABLE };

/** struct config_uplink - @name: of the interface, or of the cable; @line: of the file, with a cable */
struct config_uplink {
	enum config_uplink_kind kind;
	char name[IFNAMSIZ];
	unsigned int line;
};

struct config_port {
	struct config_uplink uplink;
	uint16_t uplink_mtu;
	unsigned int pfs; /* 1, 2 or 4 */
	struct config_pf pf[CONFIG_MAX_PFS_PER_PORT];
};

/** enum config_mode - who drives a card's PFs: this daemon, or the VM that plugs the card in. */
enum config_mode { CONFIG_MODE_HOST, CONFIG_MODE_VM };

/**
 * struct config_card - a card.
 * @mode: at start; "softiov card plug" and "unplug" change it later
 * @device_id: of its PFs
 * @socket: the card's own, in vm mode
 * @serial: its MAC addresses are derived from it
 */
struct config_card {
	uint16_t domain;
	uint8_t bus;
	enum config_mode mode;
	uint16_t device_id;
	struct config_socket socket;
	uint64_t serial;
	unsigned int ports;
	struct config_port port[CONFIG_MAX_PORTS];
};

enum config_accel { CONFIG_ACCEL_AUTO, CONFIG_ACCEL_KVM, CONFIG_ACCEL_TCG };

/**
 * struct config_vms - VMs of the daemon's own.
 * @data_dir: of the inventory, "": not said
 * @qemu: path of the program, "": by PATH
 */
struct config_vms {
	char data_dir[PATH_MAX];
	char qemu[PATH_MAX];
	enum config_accel accel;
};

struct config {
	char run_dir[PATH_MAX];
	struct config_vms vms;
	struct config_socket api;
	uint32_t workers;
	bool pinned;
	int cpu[CONFIG_MAX_WORKERS];
	uint32_t busy_us, nap_us, nap_max_us;
	bool always_busy;
	bool sysfs; /* mount the tree for lspci where that is possible */
	unsigned int cards;
	struct config_card card[CONFIG_MAX_CARDS];
};

/**
 * config_default() - what runs without any file: card 0000:07 with one port, one PF, 8 VFs.
 * Return: the configuration, owned by the caller (free()), or NULL.
 */
struct config *config_default(void);

/**
 * config_load() - read @path. Return: 0 with *@config set (free() it), or -errno with @why naming file, line, the
 * offending word and what is allowed.
 */
int config_load(const char *path, struct config **config, struct reason *why);

#endif
