/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * stats.c - the names of the drop counters, from the one list in stats.h.
 */
#include "eswitch/stats.h"

#include "util/util.h"

const char *vport_drop_name(enum vport_drop drop)
{
	static const char *const names[VPORT_DROPS] = {
#define X(id, name) [VPORT_DROP_##id] = (name),
		VPORT_DROP_LIST(X)
#undef X
	};

	return (unsigned int)drop < ARRAY_SIZE(names) ? names[drop] : "unknown";
}
