/* SPDX-License-Identifier: BSD-3-Clause */
/* victim.c - see victim.h. */
#include "victim.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

struct report *report_make(void)
{
	struct report *report = mmap(NULL, sizeof(*report), PROT_READ | PROT_WRITE,
				     MAP_SHARED | MAP_ANONYMOUS, -1, 0);

	if (report == MAP_FAILED) {
		perror("mmap");
		exit(1);
	}
	return report;
}

void victim_run(void *arg)
{
	struct victim *victim = arg;
	struct report *report = victim->report;
	uint64_t length = ~victim->random; /* of sessions: a sequence of its own */
	struct store *store;

	for (;;) {
		if (store_open(&store, victim->dir, &report->failure))
			_exit(1);
		atomic_fetch_add(&report->opens, 1);
		for (uint32_t n = random_next(&length, victim->session_max + 1); n > 0; n--) {
			if (!workload_step(&victim->model, &victim->random, store,
					   &report->failure))
				_exit(1);
			atomic_fetch_add(&report->acknowledged, 1);
		}
		store_close(store);
	}
}
