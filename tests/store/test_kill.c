/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * test_kill.c - a process that changes an inventory is killed (SIGKILL) at the entry or the exit of a system call picked
 * at random, or in the middle of a write. Then the inventory opens, is sound, and has all that was answered; the change in
 * flight is there as a whole or not at all.
 *
 * Every ANEW_EVERY-th kill meets an inventory that is just being made, every fourth is followed by one more while the
 * inventory is opened again. STORE_KILLS says how many kills, STORE_SEED repeats a run.
 */
#include <stdio.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "tracer.h"
#include "victim.h"

#define KILLS 1000
#define STOPS_MAX 1200	    /* some openings, changes, checkpoints and closings */
#define STOPS_MAX_ANEW 600  /* making an inventory and the first changes */
#define STOPS_MAX_AGAIN 400 /* one opening and closing, with the log to recover */
#define TEAR_STOPS_MAX 400  /* the wait for a write */
#define SESSION_MAX 12
#define ANEW_EVERY 20

struct tally {
	unsigned int kills, again, torn, anew, changes;
	unsigned int outcomes[OUTCOME_BROKEN];
};

static unsigned int number(const char *name, unsigned int otherwise)
{
	const char *text = getenv(name);

	return text ? (unsigned int)strtoul(text, NULL, 0) : otherwise;
}

/* Run @victim for up to @stops ends of system calls and kill it. Return: false: it ended by itself, with a failure. */
static bool kill_at(struct victim *victim, uint32_t stops, uint64_t *random, struct tally *tally)
{
	bool tear = random_next(random, 4) == 0;
	unsigned int patience = TEAR_STOPS_MAX;
	struct tracer tracer;

	tracer_start(&tracer, victim_run, victim);
	for (;;) {
		if (!tracer_next(&tracer)) {
			fprintf(stderr, "the victim failed: %s\n", victim->report->failure.text);
			return false;
		}
		if (stops > 0 && --stops > 0)
			continue;
		/* The next write is cut short, if there is one soon: who only opens may have nothing to write. */
		if (!tear || patience-- == 0)
			break;
		tracer_look(&tracer);
		if (!tracer.entry || tracer.number != SYS_pwrite64 || tracer.args[2] < 2)
			continue;
		tracer_shorten(&tracer, 1 + random_next(random, (uint32_t)tracer.args[2] - 1));
		tracer_next(&tracer);
		tally->torn++;
		break;
	}
	tracer_kill(&tracer);
	return true;
}

static bool one_round(const char *dir, struct model *model, uint64_t *random, struct report *report,
		      struct tally *tally)
{
	bool anew = tally->kills % ANEW_EVERY == 0;
	struct victim victim = { .dir = dir, .session_max = SESSION_MAX, .report = report };
	struct victim opener = { .dir = dir, .report = report };
	struct model after;
	enum outcome outcome;

	if (anew) {
		directory_clear(dir);
		memset(model, 0, sizeof(*model));
		tally->anew++;
	}
	victim.model = *model;
	victim.random = tally->kills;
	memset(report, 0, sizeof(*report));
	if (!kill_at(&victim, random_next(random, anew ? STOPS_MAX_ANEW : STOPS_MAX), random,
		     tally))
		return false;
	tally->kills++;
	for (unsigned int i = 0; i < report->acknowledged; i++)
		workload_step(model, &victim.random, NULL, NULL);
	tally->changes += report->acknowledged;
	after = *model;
	workload_step(&after, &victim.random, NULL, NULL);

	if (random_next(random, 4) == 0) {
		if (!kill_at(&opener, random_next(random, STOPS_MAX_AGAIN), random, tally))
			return false;
		tally->again++;
	}
	outcome = workload_verify(dir, model, &after);
	if (outcome == OUTCOME_BROKEN)
		return false;
	tally->outcomes[outcome]++;
	if (outcome == OUTCOME_AFTER)
		*model = after;
	return true;
}

int main(void)
{
	unsigned int kills = number("STORE_KILLS", KILLS);
	unsigned int seed = number("STORE_SEED", (unsigned int)time(NULL));
	struct report *report = report_make();
	struct tally tally = { 0 };
	struct model model = { 0 };
	uint64_t random = seed;
	char dir[64];

	directory_make(dir);
	while (tally.kills < kills) {
		if (!one_round(dir, &model, &random, report, &tally)) {
			fprintf(stderr, "kill %u, STORE_SEED=%u; the inventory is left in %s\n",
				tally.kills, seed, dir);
			return 1;
		}
	}
	directory_clear(dir);
	rmdir(dir);
	printf("%u kills (and %u more while opening again): %u in the middle of a write, %u from "
	       "an empty directory\n"
	       "%u changes were answered, all are there; the one in flight: %u not done, %u done, "
	       "%u without effect; broken: 0\n",
	       tally.kills, tally.again, tally.torn, tally.anew, tally.changes,
	       tally.outcomes[OUTCOME_BEFORE], tally.outcomes[OUTCOME_AFTER],
	       tally.outcomes[OUTCOME_SAME]);
	return 0;
}
