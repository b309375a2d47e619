/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * clock.h - time for the hot loops: the processor's time stamp counter where it runs evenly, else CLOCK_MONOTONIC.
 */
#ifndef SOFTIOV_PKTGEN_CLOCK_H
#define SOFTIOV_PKTGEN_CLOCK_H

#include <x86intrin.h>
#include "util/util.h"

/** struct pktgen_clock - set once by clock_start(), before there are threads. */
struct pktgen_clock {
	bool tsc;
	double ticks_per_ns;
};
extern struct pktgen_clock pktgen_clock;

/** clock_start() - choose and calibrate; takes some 20 ms. */
void clock_start(void);

static inline uint64_t clock_ticks(void)
{
	return pktgen_clock.tsc ? __rdtsc() : now_ns();
}

/** clock_stamp() - clock_ticks() that neither earlier nor later instructions cross. */
static inline uint64_t clock_stamp(void)
{
	uint64_t ticks;

	_mm_lfence();
	ticks = clock_ticks();
	_mm_lfence();
	return ticks;
}

static inline uint64_t clock_from_ns(double ns)
{
	return (uint64_t)(ns * pktgen_clock.ticks_per_ns);
}

static inline double clock_to_ns(uint64_t ticks)
{
	return (double)ticks / pktgen_clock.ticks_per_ns;
}

#endif
