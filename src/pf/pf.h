/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * pf.h - the PF driver of host mode: brings an 82599 PF up through its registers, enables SR-IOV, answers the VFs'
 * mailbox messages and sets their policy. Speaks to the card only through struct pf_access, so it is a driver like any
 * other. Device thread, except the network interface's pump thread.
 *
 * Mailbox protocol and order of steps: Linux ixgbe (ixgbe_sriov.c), data sheet section 7.10.2.9.
 */
#ifndef SOFTIOV_PF_PF_H
#define SOFTIOV_PF_PF_H

#include <stdbool.h>
#include <stdint.h>
#include "util/util.h"

#define PF_MAX_VFS 64
#define PF_LINK_MBPS 10000
#define PF_RATE_MIN 10 /* the card's rate factor ends at a thousandth of the link */

struct pf_driver;
struct event_base;

/**
 * struct pf_access - the bus as the driver sees it.
 * @config_read, @config_write: configuration space of the PF.
 * @read, @write: BAR0 registers. The pump thread too writes, but only tail registers of the PF's own queue.
 * @dma_map: make @size bytes of driver memory at @host visible to the PF at @iova.
 * @dma_unmap: take them away; @done runs after a grace period.
 * @settle: run @done(@done_ctx) once everything written so far has taken effect (a real driver would sleep or poll);
 *	may run it at once.
 * The provider, as an operating system's PCI core would, has assigned BARs and unmasked the entries of the MSI-X table;
 * vectors arrive through pf_driver_interrupt().
 */
struct pf_access {
	void *ctx;
	uint32_t (*config_read)(void *ctx, uint16_t offset, unsigned int len);
	int (*config_write)(void *ctx, uint16_t offset, uint32_t value, unsigned int len);
	uint32_t (*read)(void *ctx, uint32_t offset);
	void (*write)(void *ctx, uint32_t offset, uint32_t value);
	int (*dma_map)(void *ctx, uint64_t iova, uint64_t size, void *host);
	void (*dma_unmap)(void *ctx, uint64_t iova, uint64_t size, void (*done)(void *ctx),
			  void *done_ctx);
	void (*settle)(void *ctx, void (*done)(void *ctx), void *done_ctx);
};

/** enum pf_vf_link - "ip link set … vf N state". */
enum pf_vf_link { PF_VF_LINK_AUTO, PF_VF_LINK_ENABLE, PF_VF_LINK_DISABLE };

/** struct pf_vf_state - what the driver has granted a VF; in the card's state file. */
struct pf_vf_state {
	uint8_t mac[ETH_ALEN];	       /* in force now */
	uint8_t derived_mac[ETH_ALEN]; /* from card and VF number */
	uint8_t admin_mac[ETH_ALEN];   /* with mac_by_admin */
	uint8_t mac_by_admin; /* set by the administrator: an untrusted VF cannot change it */
	uint8_t active; /* its driver has sent RESET since the VF was last reset: the pool is open */
	uint8_t spoofchk, trusted, link; /* link: enum pf_vf_link */
	uint16_t vlan;			 /* port VLAN 1-4094, 0: none */
	uint8_t qos;			 /* 0-7 */
	uint8_t api;			 /* negotiated mailbox API code, 0: 1.0 */
	uint8_t clear_to_send;
	uint8_t xcast; /* mode granted */
	uint16_t multicast_hashes;
	uint16_t multicast_hash[30];
	uint8_t macvlans;
	uint8_t rss_query;
	uint32_t max_frame;
	uint32_t messages, nacks; /* mailbox counters */
	uint16_t vlans;		  /* VLAN filters its driver asked for */
	uint16_t max_tx_rate;	  /* Mbit/s of each of its transmit queues, 0: no limit */
};

/** struct pf_state - the PF driver in the card's state file; zeroed memory is a fresh start. */
struct pf_state {
	uint32_t num_vfs, up;
	struct pf_vf_state vf[PF_MAX_VFS];
};

/** struct pf_vf_policy - what the administrator says about a VF before there is one; @mac all zero: the derived address. */
struct pf_vf_policy {
	uint8_t mac[ETH_ALEN];
	uint16_t vlan; /* port VLAN, 0: none */
	uint8_t qos;
	bool spoofchk, trusted;
	uint16_t max_tx_rate; /* Mbit/s, 0: no limit */
};

/** struct pf_config - how this PF is to be run. */
struct pf_config {
	uint8_t mac_seed[8]; /* card and PF: VF MACs are derived from it */
	uint16_t num_vfs;    /* 0 - 63, or 64 without a network interface */
	const char *netdev;  /* name of the host's TAP interface, NULL: none */
	uint16_t mtu;	     /* of the interface; the PF itself is always ready for jumbo frames */
	/* PF_MAX_VFS of them, for VFs of later too; used by pf_driver_create() only. NULL: none. */
	const struct pf_vf_policy *policy;
};

/**
 * pf_driver_create() - probe and bring up the PF, then enable config->num_vfs VFs.
 * The VFs exist when @ready runs (maybe before this returns). Return: 0, or -errno with @why.
 */
int pf_driver_create(struct pf_driver **driver, struct event_base *base,
		     const struct pf_access *access, struct pf_state *state,
		     const struct pf_config *config, void (*ready)(void *ctx), void *ctx,
		     struct reason *why);

/** pf_driver_destroy() - disable SR-IOV, stop the queues; then @done. */
void pf_driver_destroy(struct pf_driver *driver, void (*done)(void *ctx), void *ctx);

/** pf_driver_interrupt() - the PF's MSI-X @vector fired. Any thread: the work happens on its own thread later. */
void pf_driver_interrupt(struct pf_driver *driver, unsigned int vector);

/**
 * Policy, in the words of "ip link set DEV vf N …". Each returns 0 or -errno with @why and changes nothing then.
 * A change that the guest must see clears CTS and pings the VF, whose driver then resets itself. @mac all zero: back
 * to the derived address. Settings outlive the VF: when NumVFs changes, VF n comes back as VF n was.
 */
int pf_set_vf_mac(struct pf_driver *driver, unsigned int vf, const uint8_t mac[ETH_ALEN],
		  struct reason *why);
/** pf_check_vf_mac() - would pf_set_vf_mac() be refused? For whoever changes several things or none. */
int pf_check_vf_mac(struct pf_driver *driver, unsigned int vf, const uint8_t mac[ETH_ALEN],
		    struct reason *why);
int pf_set_vf_vlan(struct pf_driver *driver, unsigned int vf, uint16_t vlan, uint8_t qos,
		   struct reason *why);
/**
 * pf_set_vf_rate() - @max_tx_rate: Mbit/s, PF_RATE_MIN to PF_LINK_MBPS, 0: no limit. Holds for each transmit queue of the
 * VF, as Linux ixgbe has it; the guest notices nothing but the pace.
 */
int pf_set_vf_rate(struct pf_driver *driver, unsigned int vf, unsigned int max_tx_rate,
		   struct reason *why);
int pf_set_vf_spoofchk(struct pf_driver *driver, unsigned int vf, bool on, struct reason *why);
int pf_set_vf_trust(struct pf_driver *driver, unsigned int vf, bool on, struct reason *why);
int pf_set_vf_link(struct pf_driver *driver, unsigned int vf, enum pf_vf_link link,
		   struct reason *why);
int pf_set_vf_rss_query(struct pf_driver *driver, unsigned int vf, bool on, struct reason *why);

/**
 * pf_vf_released() - the domain that had @vf gave it back (its client detached). The next one finds the VF as the
 * administrator left it: an address that the old guest chose is forgotten.
 */
void pf_vf_released(struct pf_driver *driver, unsigned int vf);

/**
 * pf_set_num_vfs() - change NumVFs while running: VF Enable off, NumVFs, VF Enable on, as "sriov_numvfs" does (from
 * non-zero to another non-zero number in one step here). @done runs when the VFs exist; @error then is 0 or -errno.
 * Return: 0, or -errno with @why at once (too many; change under way). The caller checks that no VF is attached.
 */
int pf_set_num_vfs(struct pf_driver *driver, unsigned int num_vfs,
		   void (*done)(void *ctx, int error), void *ctx, struct reason *why);
unsigned int pf_max_vfs(const struct pf_driver *driver);

const struct pf_state *pf_driver_state(const struct pf_driver *driver);
void pf_driver_mac(const struct pf_driver *driver, uint8_t mac[ETH_ALEN]);

/** struct pf_netdev_stats - frames pumped between the host's interface and the PF's rings. */
struct pf_netdev_stats {
	uint64_t to_card, from_card, to_card_dropped, from_card_dropped;
};
/** pf_netdev_stats() - Return: false when the PF has no interface. */
bool pf_netdev_stats(const struct pf_driver *driver, struct pf_netdev_stats *stats);

/** pf_derive_mac() - locally administered unicast address from a card's seed and a VF number (pure function). */
void pf_derive_mac(const uint8_t seed[8], unsigned int vf, uint8_t mac[ETH_ALEN]);

#endif
