/* SPDX-License-Identifier: BSD-3-Clause */
/* fake.h - cards for the tree to show: two PFs, one with SR-IOV and VFs on two buses, and what the tree did to them. */
#ifndef TEST_SYSFS_FAKE_H
#define TEST_SYSFS_FAKE_H

#include "sysfs/internal.h"

#define FAKE_TOTAL_VFS 63
#define FAKE_PF 0x0700
#define FAKE_OFFSET 128
#define FAKE_STRIDE 2
#define FAKE_VPD 24

struct fake {
	struct sysfs tree;
	uint64_t generation;
	unsigned int listings;
	uint16_t num_vfs;
	int attached;	 /* VF with a client, -1: none */
	bool gone, vm;	 /* every call: -ENODEV; the card is in a VM */
	int set_num_vfs; /* what the last call asked for, -1: none */
	unsigned int resets, config_writes;
	uint16_t written_at;
	uint32_t written_len;
};

/** fake_init() - 8 VFs. */
void fake_init(struct fake *fake);
void fake_fini(struct fake *fake);

/** fake_change() - something changed: the tree must ask again. */
void fake_change(struct fake *fake);

#endif
