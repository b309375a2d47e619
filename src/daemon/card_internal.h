/* SPDX-License-Identifier: BSD-3-Clause */
/* card_internal.h - between the files that make up a card: card.c (power and PFs), card_vf.c (VFs), publish.c. */
#ifndef SOFTIOV_DAEMON_CARD_INTERNAL_H
#define SOFTIOV_DAEMON_CARD_INTERNAL_H

#include "daemon/card.h"

/** card_vf_ops() - the PF's function_ops: the model's, with VF Enable also creating and destroying the VFs. */
void card_vf_ops(struct card_pf *pf);

/** card_vf_policy() - MAC, VLAN, … of the configuration file in the PF driver's words. */
void card_vf_policy(const struct card_pf *pf, struct pf_vf_policy policy[PF_MAX_VFS]);

/** card_vf_destroy_all() - throw out the clients, close the sockets. */
void card_vf_destroy_all(struct card_pf *pf);

#endif
