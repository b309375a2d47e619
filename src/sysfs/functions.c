/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * functions.c - who is there: a list of all functions, made again whenever the cards say that something changed, looked
 * at by every request. So a look-up of a name costs the device thread nothing as long as no VF comes or goes.
 */
#include <stdlib.h>

#include "sysfs/internal.h"

#define ROOM_STEP 64

int sysfs_list_add(struct sysfs_list *list, const struct sysfs_function *function)
{
	if (list->count == list->room) {
		unsigned int room = list->room + ROOM_STEP;
		struct sysfs_function *grown =
			room > SYSFS_MAX_FUNCTIONS ? NULL
						   : realloc(list->function, room * sizeof(*grown));

		if (!grown)
			return -ENOMEM;
		list->function = grown;
		list->room = room;
	}
	list->function[list->count++] = *function;
	return 0;
}

static uint32_t key(const struct sysfs_function *function)
{
	return (uint32_t)function->domain << 16 | function->routing_id;
}

static int compare(const void *left, const void *right)
{
	uint32_t a = key(left), b = key(right);

	return a < b ? -1 : a > b;
}

int functions_refresh(struct sysfs *sysfs)
{
	/* Read first: what changes while the list is made is noticed the next time. */
	uint64_t generation = sysfs->ops->generation(sysfs->ctx);
	struct sysfs_list list = { NULL };
	int error;

	if (sysfs->listed && generation == sysfs->generation)
		return 0;
	error = sysfs->ops->list(sysfs->ctx, &list);
	if (error) {
		free(list.function);
		return error;
	}
	if (list.count)
		qsort(list.function, list.count, sizeof(*list.function), compare);
	functions_free(sysfs);
	sysfs->list = list;
	sysfs->generation = generation;
	sysfs->listed = true;
	return 0;
}

const struct sysfs_function *functions_find(const struct sysfs *sysfs, uint16_t domain,
					    uint16_t routing_id)
{
	const struct sysfs_function wanted = { .domain = domain, .routing_id = routing_id };

	if (!sysfs->list.count)
		return NULL;
	return bsearch(&wanted, sysfs->list.function, sysfs->list.count, sizeof(wanted), compare);
}

void functions_free(struct sysfs *sysfs)
{
	free(sysfs->list.function);
	sysfs->list = (struct sysfs_list){ NULL };
}
