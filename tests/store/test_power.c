/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * test_power.c - the power goes while an inventory is made and changed. The system calls of the process that does it are
 * followed by a model of the disk (disk.h); at points picked at random, what may be on that disk is written to another
 * directory, with what was not synced lost, kept or torn. An inventory must open there that is sound and has all that was
 * answered; the change in flight is there as a whole or not at all.
 *
 * STORE_POWER_LOSSES says how many, STORE_SEED repeats a run.
 */
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include "disk.h"
#include "victim.h"

#define LOSSES 2000
#define LOSSES_A_RUN 100 /* then once more from an empty directory */
#define ONE_IN 8	 /* calls that change the disk */
#define SESSION_MAX 12

struct run {
	char dir[64], found[64];
	struct model model;    /* after ... */
	unsigned int replayed; /* ... this many changes, by ... */
	uint64_t changes;      /* ... this sequence */
	uint64_t random;
	struct report *report;
	unsigned int losses, outcomes[OUTCOME_BROKEN], answered;
};

static unsigned int number(const char *name, unsigned int otherwise)
{
	const char *text = getenv(name);

	return text ? (unsigned int)strtoul(text, NULL, 0) : otherwise;
}

static bool lose_power(struct run *run, const struct disk *disk)
{
	struct model after;
	uint64_t next;
	enum outcome outcome;

	for (; run->replayed < run->report->acknowledged; run->replayed++)
		workload_step(&run->model, &run->changes, NULL, NULL);
	after = run->model;
	next = run->changes;
	workload_step(&after, &next, NULL, NULL);
	directory_clear(run->found);
	disk_fail(disk, run->found, &run->random);
	outcome = workload_verify(run->found, &run->model, &after);
	if (outcome == OUTCOME_BROKEN)
		return false;
	run->outcomes[outcome]++;
	run->losses++;
	return true;
}

static bool one_run(struct run *run, unsigned int until)
{
	struct victim victim = { .dir = run->dir, .session_max = SESSION_MAX };
	struct disk *disk = disk_make(run->dir);
	struct tracer tracer = { 0 };
	bool works = true;

	directory_clear(run->dir);
	memset(run->report, 0, sizeof(*run->report));
	memset(&run->model, 0, sizeof(run->model));
	run->replayed = 0;
	run->changes = victim.random = run->losses;
	victim.report = run->report;
	tracer_start(&tracer, victim_run, &victim);
	while (works && run->losses < until) {
		if (!tracer_next(&tracer)) {
			fprintf(stderr, "the victim failed: %s\n", run->report->failure.text);
			disk_free(disk);
			return false;
		}
		tracer_look(&tracer);
		if (!tracer.entry && disk_call(disk, &tracer) &&
		    random_next(&run->random, ONE_IN) == 0)
			works = lose_power(run, disk);
	}
	tracer_kill(&tracer);
	run->answered += run->report->acknowledged;
	disk_free(disk);
	return works;
}

int main(void)
{
	unsigned int losses = number("STORE_POWER_LOSSES", LOSSES);
	unsigned int seed = number("STORE_SEED", (unsigned int)time(NULL));
	struct run run = { .random = seed, .report = report_make() };

	directory_make(run.dir);
	directory_make(run.found);
	while (run.losses < losses) {
		if (!one_run(&run, MIN(run.losses + LOSSES_A_RUN, losses))) {
			fprintf(stderr, "power loss %u, STORE_SEED=%u; what was found is in %s\n",
				run.losses, seed, run.found);
			return 1;
		}
	}
	directory_clear(run.dir);
	directory_clear(run.found);
	rmdir(run.dir);
	rmdir(run.found);
	printf("%u power losses, %u changes answered, all are there; the one in flight: %u not "
	       "done, %u done, %u without effect; broken: 0\n",
	       run.losses, run.answered, run.outcomes[OUTCOME_BEFORE], run.outcomes[OUTCOME_AFTER],
	       run.outcomes[OUTCOME_SAME]);
	return 0;
}
