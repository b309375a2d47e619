/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * workload.h - random changes of an inventory, and what must be in it after each of them.
 *
 * Changes come from a seed, so who knows the seed and how many were done knows the contents: the process that is killed
 * does them on an inventory, the one that looks afterwards on a model alone.
 */
#ifndef TESTS_STORE_WORKLOAD_H
#define TESTS_STORE_WORKLOAD_H

#include <stdbool.h>
#include <stdint.h>

#include "store/store.h"

#define MODEL_VMS 6
#define MODEL_FUNCTIONS 12
#define MODEL_NETWORKS 3
#define MODEL_PFS 2

/**
 * struct model - what is in an inventory. All zero: nothing.
 * @vm: version that all members of the VM's record are made from; 0: no such VM
 * @functions: of the VM, @count of them, in order
 * @policy: version of the VF's policy; 0: none
 * @tie: of a PF: network + 1; 0: none
 */
struct model {
	struct {
		uint32_t version;
		unsigned int count;
		unsigned int functions[MODEL_FUNCTIONS];
	} vm[MODEL_VMS];
	uint32_t policy[MODEL_FUNCTIONS];
	bool network[MODEL_NETWORKS];
	unsigned int tie[MODEL_PFS];
};

/** random_next() - a number below @limit from @state (splitmix64). */
uint32_t random_next(uint64_t *state, uint32_t limit);

/**
 * workload_step() - do the next change on @model and, unless it is NULL, on @store.
 * Return: did the store answer what it had to?
 */
bool workload_step(struct model *model, uint64_t *random, struct store *store, struct reason *why);

/** enum outcome - which of two models an inventory is like; OUTCOME_SAME: they are alike, and it is like both. */
enum outcome { OUTCOME_BEFORE, OUTCOME_AFTER, OUTCOME_SAME, OUTCOME_BROKEN };

/**
 * workload_verify() - open the inventory in @dir: is it sound, and all of it as in @before or as in @after?
 * Says what is wrong on standard error.
 */
enum outcome workload_verify(const char *dir, const struct model *before,
			     const struct model *after);

/** directory_make(), directory_clear() - where files cost least (tmpfs); ... and what is in it. */
void directory_make(char path[64]);
void directory_clear(const char *path);

#endif
