/* SPDX-License-Identifier: BSD-3-Clause */
/* victim.h - the process that changes an inventory until it is killed. */
#ifndef TESTS_STORE_VICTIM_H
#define TESTS_STORE_VICTIM_H

#include <stdatomic.h>

#include "workload.h"

/**
 * struct report - what the victim has said, in memory that it shares with the tester and that outlives it.
 * @opens, @acknowledged: openings and changes that were answered
 * @failure: what it was answered that it should not have been
 */
struct report {
	atomic_uint opens, acknowledged;
	struct reason failure;
};

/**
 * struct victim - what it does.
 * @model: in the inventory at @dir now
 * @random: for the changes
 * @session_max: changes between an opening and a closing, at most; 0: opens and closes only
 */
struct victim {
	const char *dir;
	struct model model;
	uint64_t random;
	unsigned int session_max;
	struct report *report;
};

struct report *report_make(void);

/** victim_run() - of struct victim; does not return. */
void victim_run(void *victim);

#endif
