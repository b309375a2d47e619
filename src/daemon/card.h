/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * card.h - a card: its state file and how the rooms are wired together to make it. Device thread.
 *
 * Ownership is a tree: card -> port -> PF -> VF. What a card *is* lies in struct card_state, one private memory file;
 * everything here is look-up, wiring and threads, and can be rebuilt from it.
 */
#ifndef SOFTIOV_DAEMON_CARD_H
#define SOFTIOV_DAEMON_CARD_H

#include <stdatomic.h>
#include "daemon/config.h"
#include "dataplane/dataplane.h"
#include "eswitch/stats.h"
#include "iommu/iommu.h"
#include "iovm/iovm.h"
#include "ixgbe/ixgbe.h"
#include "pcie/function.h"
#include "pf/pf.h"
#include "uplink/uplink.h"
#include "util/log.h"
#include "util/quiesce.h"
#include "vmd/vmd.h"

#define CARD_MAX_PFS (CONFIG_MAX_PORTS * CONFIG_MAX_PFS_PER_PORT)
#define CARD_STATE_MAGIC 0x31564f4954464f53ull /* "SOFTIOV1" */
#define CARD_STATE_VERSION 2

struct event_base;

/**
 * struct card_vf_state, card_pf_state, card_state - the state file; the device model's part follows each PF.
 * @bare, @seen: see struct card_vf
 */
struct card_vf_state {
	struct pcie_function_state bare, seen;
	struct iovm_vf_state iovm;
	struct iommu_state domain;
};

struct card_pf_state {
	struct pcie_function_state function;
	struct pf_state driver;
	struct vport_stats stats[ESWITCH_POOLS];
	struct iommu_state domain;
	struct card_vf_state vf[IXGBE_MAX_VFS];
};

struct card_state {
	uint64_t magic;
	uint32_t version, pfs;
	uint64_t model_offset,
		model_stride; /* ixgbe state of PF n: model_offset + n * model_stride */
	struct vport_stats uplink[CONFIG_MAX_PORTS];
	struct vmd_state vmd;
	struct card_pf_state pf[CARD_MAX_PFS];
};

/**
 * struct card_vf - a VF. It *exists* while VF Enable says so: its index is below card_pf.vfs. One that does not and yet
 * is managed is an orphan: the PF driver, in a VM, took it away, maybe from under a client.
 *
 * In vm mode a VF is *home* while the card's own VM may use it, and away from when a client comes until a grace period
 * after it left (@returning).
 *
 * @bare: as the manager has it; what a client does reaches the device model through it
 * @seen: as the card's own VM sees it (vm mode): the model while the VF is home, a PF in reset while it is away
 * @iovm: who manages its socket, NULL: there is none. Workers read it to signal, and @home to know whom
 * @no_socket: opening it failed
 */
struct card_vf {
	struct card_pf *pf;
	unsigned int index;
	struct pcie_function bare, seen;
	struct iommu_domain *domain;
	struct iovm_vf *_Atomic iovm;
	_Atomic bool home;
	bool attached, returning, no_socket;
	struct quiesce_head returned;
	char bdf[16];
	char socket[120];
	bool registers_shared; /* from the next client on */
	struct log_limit limit;
};

struct card_pf {
	struct card_port *port;
	unsigned int function;	/* on the card */
	unsigned int partition; /* on the port */
	const struct config_pf *config;
	struct card_pf_state *state;
	struct pcie_layout layout, vf_layout;
	struct pcie_function pcie;
	struct iommu_domain *domain;
	struct ixgbe_pf *model;
	struct pf_driver *_Atomic driver; /* of host mode */
	struct function_ops ops;	  /* the model's, with VF Enable routed through the card */
	char bdf[16];
	char netdev[IFNAMSIZ]; /* "": none */
	unsigned int vfs;      /* in existence */
	struct card_vf vf[IXGBE_MAX_VFS];
};

struct card_port {
	struct card *card;
	unsigned int index;
	struct uplink *uplink;
	struct dp_port *dp;
	bool dirty; /* something a worker reads changed and is not yet published */
	unsigned int pfs;
	struct card_pf pf[CONFIG_MAX_PFS_PER_PORT];
};

/** struct card_env - what all cards share; outlives them. */
struct card_env {
	struct event_base *base;
	struct quiesce *quiesce;
	struct dp *dp;
	const struct config *config;
	void (*ready)(void *ctx);	/* a PF is up and its VFs exist; once per PF */
	void (*dirty)(void *ctx);	/* a port needs publishing: call card_publish() soon */
	void (*vfs_changed)(void *ctx); /* by sysfs: a PF has another number of VFs; any thread */
	void *ctx;
};

/** struct card_change - a change of mode under way; see card_mode.c. */
struct card_change {
	bool active;
	bool beginning;	      /* the PF drivers begin, in host mode again */
	unsigned int pending; /* PF drivers that have not ended, or begun, yet */
	int error;
	struct reason why;
	struct quiesce_head grace;
	void (*done)(void *ctx, int error, const char *why);
	void *ctx;
};

/**
 * struct card - a card.
 * @mode: in force
 * @vmd: in vm mode the endpoint by which a VM gets the card; workers read it to signal
 * @leader: the DMA domain of that VM, which all functions it drives follow
 * @maps_seen: how many maps the VM had made when its memory was looked at
 * @sweep: timer, pending while sockets of VFs may have to be opened or closed; see card_vf.c
 * @changes: grows when a function comes or goes, or somebody takes it or leaves it. Any thread may read it
 */
struct card {
	const struct card_env *env;
	const struct config_card *config;
	char address[8]; /* "0000:07" */
	enum config_mode mode;
	struct vmd *_Atomic vmd;
	struct iommu_domain *leader;
	uint64_t maps_seen;
	struct event *sweep;
	_Atomic uint64_t changes;
	struct card_change change;
	bool closing;	  /* card_detach() was called */
	char socket[120]; /* of @vmd */
	struct log_limit limit;
	struct card_state *state;
	size_t state_size;
	int state_fd;
	struct pcie_hierarchy *hierarchy;
	unsigned int ports, pfs;
	struct card_port port[CONFIG_MAX_PORTS];
	struct card_pf *pf[CARD_MAX_PFS]; /* of all ports, by function number */
};

/** card_create() - power the card on, bring its PFs up, enable VFs, open the sockets. Return: 0 or -errno, @why. */
int card_create(struct card **card, const struct card_env *env, const struct config_card *config,
		struct reason *why);

/**
 * The end of a card has three parts: card_detach() throws out all clients and lets the PF drivers begin their end;
 * card_workers_gone() says that dp_destroy() took the ports; card_destroy(), when no grace period is left, frees.
 */
void card_detach(struct card *card);
void card_workers_gone(struct card *card);
void card_destroy(struct card *card);

/** card_publish() - hand every dirty port's tables and queues to its worker. */
void card_publish(struct card *card);

/** card_poll() - many times a second: notice what guests did in shared register pages. */
void card_poll(struct card *card);

/** card_check() - every second: throw out clients whose memory shrank. */
void card_check(struct card *card);

/** card_find_pf(), card_find_vf() - by routing ID; NULL: not there. */
struct card_pf *card_find_pf(struct card *card, uint16_t routing_id);
struct card_vf *card_find_vf(struct card *card, uint16_t routing_id);

/** card_vf_exists() - by VF Enable and NumVFs. */
static inline bool card_vf_exists(const struct card_vf *vf)
{
	return vf->index < vf->pf->vfs;
}

/** card_managed() - VF @vf of @pf, existing or orphan; NULL: neither. */
struct card_vf *card_managed(struct card_pf *pf, unsigned int vf);

/** card_attached() - VFs with a client; the VM that has the whole card counts as one more device. */
unsigned int card_attached(struct card *card);

/** card_pf_set_num_vfs() - as pf_set_num_vfs(), refused while a VF is attached, and in vm mode. */
int card_pf_set_num_vfs(struct card_pf *pf, unsigned int numvfs, void (*done)(void *ctx, int error),
			void *ctx, struct reason *why);

/** card_pf_driver() - the PF driver, or NULL with @why: who drives the PF instead. */
struct pf_driver *card_pf_driver(struct card_pf *pf, struct reason *why);

/** card_vm_advice() - what is wrong with the command line of the VM that has the card, NULL: nothing. */
const char *card_vm_advice(const struct card *card);

/** card_vm_client() - the process that has the card plugged in, as vmd_info.client. */
pid_t card_vm_client(struct card *card);

/** card_pf_mac() - the PF's permanent address. */
void card_pf_mac(const struct card_pf *pf, uint8_t mac[ETH_ALEN]);

/**
 * card_set_mode() - hand the card to a VM, or take it back. Nothing happens when it is in @mode already. Refused while a
 * VM has the card or a VF. @done runs when it is over, maybe before this returns; @why is of an @error.
 * Return: 0, or -errno with @why at once.
 */
int card_set_mode(struct card *card, enum config_mode mode,
		  void (*done)(void *ctx, int error, const char *why), void *ctx,
		  struct reason *why);

#endif
