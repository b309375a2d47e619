// SPDX-License-Identifier: BSD-3-Clause
/*
 * clock.c - choose a clock.
 *
 * The time stamp counter costs 10 ns and no memory access. It serves when it is invariant: the same
 * rate whatever the processor's frequency and sleep state (CPUID 0x80000007, EDX bit 8; AMD64
 * Architecture Programmer's Manual volume 3, appendix E.4.6; Intel SDM volume 3, 18.17.1). Its rate
 * is measured against CLOCK_MONOTONIC, the two read next to each other at both ends: an error of
 * 100 ns over 20 ms is 5 ppm.
 */
#include "pktgen/clock.h"

#include <cpuid.h>

#define CPUID_POWER_MANAGEMENT 0x80000007u
#define CPUID_INVARIANT_TSC BIT(8)
#define CALIBRATION_NS (20 * 1000 * 1000)
#define READINGS 5

struct pktgen_clock pktgen_clock = { .ticks_per_ns = 1 };

/* Both clocks at one time: of several readings the one that took least. */
static void read_both(uint64_t *tsc, uint64_t *ns)
{
	uint64_t best = UINT64_MAX;

	for (int i = 0; i < READINGS; i++) {
		uint64_t before = __rdtsc(), now = now_ns(), after = __rdtsc();

		if (after - before < best) {
			best = after - before;
			*tsc = before + best / 2;
			*ns = now;
		}
	}
}

void clock_start(void)
{
	struct timespec pause = { .tv_nsec = CALIBRATION_NS };
	unsigned int a, b, c, d = 0;
	uint64_t tsc[2] = { 0 }, ns[2] = { 0 };

	if (!__get_cpuid(CPUID_POWER_MANAGEMENT, &a, &b, &c, &d) || !(d & CPUID_INVARIANT_TSC))
		return;
	read_both(&tsc[0], &ns[0]);
	nanosleep(&pause, NULL);
	read_both(&tsc[1], &ns[1]);
	pktgen_clock.ticks_per_ns = (double)(tsc[1] - tsc[0]) / (double)(ns[1] - ns[0]);
	pktgen_clock.tsc = true;
}
