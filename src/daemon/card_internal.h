/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * card_internal.h - between the files that make up a card: card.c (power, ports, PFs), card_driver.c (the PF driver of
 * host mode), card_memory.c (addresses of BARs), card_vf.c (VFs), card_vm.c (the card in a VM), card_custody.c (who has
 * its VFs then), card_mode.c (from one mode to the other), publish.c.
 */
#ifndef SOFTIOV_DAEMON_CARD_INTERNAL_H
#define SOFTIOV_DAEMON_CARD_INTERNAL_H

#include "daemon/card.h"

/** card_changed() - see struct card.changes. */
static inline void card_changed(struct card *card)
{
	atomic_fetch_add(&card->changes, 1);
}

/* card.c */
/** card_mac_seed() - the VFs' addresses, and a PF's without one of its own, are derived from it. */
void card_mac_seed(const struct card_pf *pf, uint8_t seed[8]);

/** card_pf_power_on() - reset the PF with its VFs and give it power-on values, sticky bits too. */
void card_pf_power_on(struct card_pf *pf);

/* card_driver.c */
/** card_start_driver() - begin to drive the PF; env->ready, or card_driver_ready(), when it is up. */
int card_start_driver(struct card_pf *pf, struct reason *why);

/** card_stop_driver() - @done when it let go; at once when there is none. */
void card_stop_driver(struct card_pf *pf, void (*done)(void *ctx), void *ctx);

/* card_memory.c */
/** card_assign_memory() - addresses for the PF's BARs and VF BARs; at power-on, in host mode. */
void card_assign_memory(struct card_pf *pf);

/* card_mode.c */
/** card_driver_ready() - of a driver begun in the course of a change of mode. */
void card_driver_ready(struct card *card);

/* card_vf.c */
/** card_vf_ops() - the PF's function_ops: the model's, with VF Enable also creating and ending the VFs. */
void card_vf_ops(struct card_pf *pf);

/** card_vf_policy() - MAC, VLAN, … of the configuration file in the PF driver's words. */
void card_vf_policy(const struct card_pf *pf, struct pf_vf_policy policy[PF_MAX_VFS]);

/** card_vf_destroy_all() - throw out the clients, close the sockets; of orphans too. */
void card_vf_destroy_all(struct card_pf *pf);

/** card_vf_sweep() - one step towards an open socket for each VF that exists, and none for others without a client. */
void card_vf_sweep(struct card *card);

/* card_vm.c */
/** card_vm_start() - open the card's socket; no function has maps or a driver. Return: 0, or -errno with @why. */
int card_vm_start(struct card *card, struct reason *why);

/** card_vm_stop() - throw the VM out, close the socket. After a grace period: card_vm_leave(). */
void card_vm_stop(struct card *card);

/** card_vm_leave() - all DMA domains are on their own again. */
void card_vm_leave(struct card *card);

/** card_vm_check() - every second: its memory file shrank, or is private. */
void card_vm_check(struct card *card);

/* card.c */
/** card_port_patience_ns() - dp_port_patience_ns(); 0 where there is no data path. */
uint64_t card_port_patience_ns(const struct card_port *port);

/* card_custody.c */
/** card_vf_seen_init() - the VF as the card's VM sees it, at power-on. */
void card_vf_seen_init(struct card_vf *vf);

/** card_vf_admit() - iovm_vf_config.admit: give the VF away, if the card's VM does not use it. */
int card_vf_admit(void *ctx, struct reason *why);

/** card_vf_return() - its client is gone: home again after a grace period. */
void card_vf_return(struct card_vf *vf);

#endif
