/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * follow.h - what the user does with the interface is asked of the PF driver, and what the administrator does with the
 * VF shows on the interface.
 */
#ifndef SOFTIOV_NETDEV_FOLLOW_H
#define SOFTIOV_NETDEV_FOLLOW_H

#include <softiov/softiov.h>
#include "util/util.h"

#define FOLLOW_VLANS 4096
#define FOLLOW_MULTICAST_MAX 30 /* as many as the mailbox can carry */

/** struct follow_vlans - a bit for each VLAN. */
struct follow_vlans {
	uint64_t bit[FOLLOW_VLANS / 64];
};

/**
 * struct follow
 * @mac: of the VF, when it and the interface last had the same
 * @joined: VLANs asked for, granted or not; @mode, @multicast: the same of modes and groups
 * @refused: one bit for each kind of refusal that the user was told about
 * @again: the VF was reset: what was refused before may be granted now
 */
struct follow {
	struct softiov_vf *vf;
	int tap;
	uint8_t mac[ETH_ALEN];
	struct follow_vlans joined;
	enum softiov_rx_mode mode;
	uint8_t multicast[FOLLOW_MULTICAST_MAX][ETH_ALEN];
	unsigned int multicasts, refused;
	bool again;
};

/** follow_start() - @vf and the interface of TAP @tap, which has its address. */
void follow_start(struct follow *follow, struct softiov_vf *vf, int tap);

/**
 * follow_interface() - look at the interface, wherever it is, and make the VF receive what it wants: address, VLANs of
 * sub-interfaces, multicast groups, modes. What the PF driver refuses is said once.
 * Return: 0 or -errno; -EBADFD: the interface is gone, -SOFTIOV_ERR_GONE: the card is.
 */
int follow_interface(struct follow *follow);

/** follow_vf() - carrier, speed and address of the interface become those of the VF. */
void follow_vf(struct follow *follow, bool reset);

#endif
