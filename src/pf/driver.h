/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * driver.h - inside the PF driver: its structure and what its files offer each other. Device thread
 * throughout, except where netdev.h says otherwise.
 *
 *	driver.c	probe, the order of the long operations, interrupts
 *	bringup.c	register values of a PF that is up
 *	filters.c	address, VLAN and multicast filters, shared between pools
 *	pool.c		one VF's pool: closed, opened, and its settings in registers
 *	mailbox.c	getting messages from and to the VFs
 *	messages.c	what each message means
 *	policy.c	what the administrator says
 *	netdev.c	the host's interface, rings.c its rings
 */
#ifndef SOFTIOV_PF_DRIVER_H
#define SOFTIOV_PF_DRIVER_H

#include <net/if.h>
#include "pf/pf.h"
#include "pf/regs.h"
#include "util/log.h"

struct event;
struct netdev;

#define PF_MAX_FRAME 9728 /* longest frame a VF may ask for, with FCS: 9.5 KiB (8.2.3.22.13) */
#define PF_STANDARD_FRAME 1518
#define ETH_FCS_LEN 4

/* MSI-X vectors of the PF. */
#define PF_VECTOR_QUEUE 0
#define PF_VECTOR_OTHER 1

/** struct pf_rar - a receive address filter; @pools 0: free. */
struct pf_rar {
	uint8_t mac[ETH_ALEN];
	uint64_t pools;
};

/** struct pf_vlvf - a shared VLAN filter; @valid: in use by some VF. */
struct pf_vlvf {
	uint16_t vid;
	bool valid;
	uint64_t pools;
};

/**
 * struct pf_driver - one PF.
 * @step: what goes on once the card has settled; NULL: no long operation under way.
 * @finish, @finish_ctx: whom to tell at its end. @error: how it went.
 * @next_vfs: number of VFs the operation under way leads to.
 * @pings: VFs that are to be pinged as soon as this can be done.
 * @held: VFs that rang and then took the buffer again: not looked at before the next interrupt.
 * @refused: VFs whose mailbox holds our bare NACK: no need to say it again.
 * @reply_ns: when the reply that VF has not acknowledged was posted; 0: none.
 * @rar, @vlvf, @mta: what those registers hold, so that a search costs no bus access.
 */
struct pf_driver {
	struct event_base *base;
	struct pf_access access;
	struct pf_state *state;
	struct pf_config config;
	char netdev_name[IFNAMSIZ];
	uint8_t mac[ETH_ALEN];
	uint16_t sriov; /* offset of the capability */
	uint16_t total_vfs;

	unsigned int pools, queues_per_pool, pf_pool;
	uint32_t reta[RETA_ENTRIES / 4];
	uint32_t rss_key[RSSRK_WORDS];

	void (*step)(struct pf_driver *driver);
	void (*finish)(void *ctx, int error);
	void (*ready)(void *ctx);
	void *finish_ctx, *ready_ctx;
	int error;
	unsigned int next_vfs;
	bool destroying;
	void (*destroyed)(void *ctx);
	void *destroyed_ctx;

	int interrupt_fd;
	struct event *interrupt, *work;

	uint64_t pings, refused, held;
	unsigned int first_vf; /* whose turn it is to be served first */
	uint64_t reply_ns[PF_MAX_VFS];
	struct log_limit limit[PF_MAX_VFS];

	struct pf_rar rar[RAR_ENTRIES];
	struct pf_vlvf vlvf[VLVF_ENTRIES];
	uint32_t mta[HASH_WORDS];

	struct netdev *netdev;
};

static inline uint32_t rd(const struct pf_driver *driver, uint32_t reg)
{
	return driver->access.read(driver->access.ctx, reg);
}

static inline void wr(const struct pf_driver *driver, uint32_t reg, uint32_t value)
{
	driver->access.write(driver->access.ctx, reg, value);
}

/** wr_bits() - set or clear @bits of a register. */
static inline void wr_bits(const struct pf_driver *driver, uint32_t reg, uint32_t bits, bool set)
{
	uint32_t value = rd(driver, reg);

	wr(driver, reg, set ? value | bits : value & ~bits);
}

static inline bool mac_is_zero(const uint8_t mac[ETH_ALEN])
{
	static const uint8_t zero[ETH_ALEN];

	return !memcmp(mac, zero, ETH_ALEN);
}

/** mac_is_unicast() - a valid address of one station. */
static inline bool mac_is_unicast(const uint8_t mac[ETH_ALEN])
{
	return !(mac[0] & 1) && !mac_is_zero(mac);
}

/* bringup.c */
/** pf_reset() - mask interrupts and reset the card; the rest after it has settled. */
void pf_reset(struct pf_driver *driver);
/** pf_bring_up() - program everything for @num_vfs VFs and end the reset for them. */
void pf_bring_up(struct pf_driver *driver, unsigned int num_vfs);

/* filters.c */
/** pf_filters_init() - all tables empty but the PF's own entries. */
void pf_filters_init(struct pf_driver *driver);
/** pf_add_mac() - @pool receives @mac. Return: 0 or -ENOSPC. */
int pf_add_mac(struct pf_driver *driver, const uint8_t mac[ETH_ALEN], unsigned int pool);
void pf_remove_mac(struct pf_driver *driver, const uint8_t mac[ETH_ALEN], unsigned int pool);
/** pf_remove_macs() - all addresses of @pool, but not @keep (may be NULL). */
void pf_remove_macs(struct pf_driver *driver, unsigned int pool, const uint8_t *keep);
/** pf_mac_owners() - pools that receive @mac. */
uint64_t pf_mac_owners(const struct pf_driver *driver, const uint8_t mac[ETH_ALEN]);
/** pf_free_macs() - filters nobody uses, without those that the VFs' own addresses may need. */
unsigned int pf_free_macs(const struct pf_driver *driver);
/** pf_add_vlan() - @vf is a member of VLAN @vid. Return: 0 or -ENOSPC. */
int pf_add_vlan(struct pf_driver *driver, uint16_t vid, unsigned int vf);
void pf_remove_vlan(struct pf_driver *driver, uint16_t vid, unsigned int vf);
void pf_remove_vlans(struct pf_driver *driver, unsigned int vf);
/** pf_has_vlan() - is @vf a member of VLAN @vid? */
bool pf_has_vlan(const struct pf_driver *driver, uint16_t vid, unsigned int vf);
/** pf_vlan_fits() - could @vf become a member of VLAN @vid once its other VLANs are gone? */
bool pf_vlan_fits(const struct pf_driver *driver, uint16_t vid, unsigned int vf);
/** pf_rebuild_mta() - the multicast table as the hashes of all VFs say. */
void pf_rebuild_mta(struct pf_driver *driver);

/* pool.c */
/** pf_pool_close() - VF @vf was reset: nothing of what its driver asked for remains. */
void pf_pool_close(struct pf_driver *driver, unsigned int vf);
/** pf_pool_open() - its driver is back: program its grants and let it receive and transmit. */
void pf_pool_open(struct pf_driver *driver, unsigned int vf);
/** pf_program_*() - one setting of @vf as the state says. */
void pf_program_enable(struct pf_driver *driver, unsigned int vf);
void pf_program_spoof(struct pf_driver *driver, unsigned int vf);
void pf_program_accept(struct pf_driver *driver, unsigned int vf);
void pf_program_tag(struct pf_driver *driver, unsigned int vf);
void pf_program_rate(struct pf_driver *driver, unsigned int vf);

/* mailbox.c */
/** pf_mailbox_service() - serve some VFs that want something; the rest soon. */
void pf_mailbox_service(struct pf_driver *driver);
/** pf_mailbox_write() - post @words of @msg to @vf. Return: 0 or -EBUSY (the VF holds the buffer). */
int pf_mailbox_write(struct pf_driver *driver, unsigned int vf, const uint32_t *msg,
		     unsigned int words);
/** pf_ping() - tell the VFs in @vfs that something changed, now or as soon as they can hear it. */
void pf_ping(struct pf_driver *driver, uint64_t vfs);
/** pf_restart_vf() - make the driver of @vf reset itself: withdraw "clear to send" and ping. */
void pf_restart_vf(struct pf_driver *driver, unsigned int vf);

/* policy.c */
/** pf_init_policy() - settings of VFs to come, in the state alone: bring-up programs them. Return: 0 or -errno, @why. */
int pf_init_policy(struct pf_driver *driver, const struct pf_vf_policy *policy, struct reason *why);

/* messages.c */
/** pf_message() - obey message @msg of @vf and turn it into the reply. Return: words to send, 0: none. */
unsigned int pf_message(struct pf_driver *driver, unsigned int vf, uint32_t msg[MAILBOX_WORDS]);

/* driver.c */
/** pf_work_soon() - call pf_mailbox_service() again from the event loop. */
void pf_work_soon(struct pf_driver *driver);

#endif
