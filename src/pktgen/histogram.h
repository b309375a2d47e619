/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * histogram.h - times in nanoseconds, log-linear: 128 steps for each power of two, so a percentile is true to 0.8 %.
 */
#ifndef SOFTIOV_PKTGEN_HISTOGRAM_H
#define SOFTIOV_PKTGEN_HISTOGRAM_H

#include <stdint.h>

#define HISTOGRAM_STEP_BITS 7
#define HISTOGRAM_VALUE_BITS 40 /* 18 minutes; longer ones count as that */
#define HISTOGRAM_BINS ((HISTOGRAM_VALUE_BITS - HISTOGRAM_STEP_BITS + 1) << HISTOGRAM_STEP_BITS)

struct histogram {
	uint64_t samples, sum, min, max;
	uint64_t bin[HISTOGRAM_BINS];
};

void histogram_clear(struct histogram *h);
void histogram_add(struct histogram *h, uint64_t ns);
/** histogram_merge() - add all of @from. */
void histogram_merge(struct histogram *h, const struct histogram *from);
/** histogram_percentile() - the value that @percent of all samples do not exceed; 0 without samples. */
uint64_t histogram_percentile(const struct histogram *h, double percent);
double histogram_mean(const struct histogram *h);

#endif
