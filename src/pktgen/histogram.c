// SPDX-License-Identifier: BSD-3-Clause
/*
 * histogram.c - log-linear bins.
 *
 * Below 128 ns a bin holds one value. From there on the bins of a power of two are 128 equal steps:
 * the bin's number is the value's exponent followed by the 7 bits after its highest. Least, greatest
 * and mean are kept exactly.
 */
#include "pktgen/histogram.h"

#include <string.h>

#include "util/util.h"

#define STEPS BIT(HISTOGRAM_STEP_BITS)
#define VALUE_MAX (BIT64(HISTOGRAM_VALUE_BITS) - 1)

void histogram_clear(struct histogram *h)
{
	memset(h, 0, sizeof(*h));
	h->min = UINT64_MAX;
}

static unsigned int bin_of(uint64_t ns)
{
	unsigned int shift;

	if (ns < STEPS)
		return (unsigned int)ns;
	shift = 63u - (unsigned int)__builtin_clzll(ns) - HISTOGRAM_STEP_BITS;
	return ((shift + 1) << HISTOGRAM_STEP_BITS) + (unsigned int)((ns >> shift) & (STEPS - 1));
}

/* The greatest value that falls into @bin. */
static uint64_t greatest(unsigned int bin)
{
	unsigned int shift = bin >> HISTOGRAM_STEP_BITS;

	if (!shift)
		return bin;
	return (((uint64_t)(bin & (STEPS - 1)) + STEPS + 1) << (shift - 1)) - 1;
}

void histogram_add(struct histogram *h, uint64_t ns)
{
	h->samples++;
	h->sum += ns;
	h->min = MIN(h->min, ns);
	h->max = MAX(h->max, ns);
	h->bin[bin_of(MIN(ns, VALUE_MAX))]++;
}

void histogram_merge(struct histogram *h, const struct histogram *from)
{
	h->samples += from->samples;
	h->sum += from->sum;
	h->min = MIN(h->min, from->min);
	h->max = MAX(h->max, from->max);
	for (unsigned int i = 0; i < HISTOGRAM_BINS; i++)
		h->bin[i] += from->bin[i];
}

uint64_t histogram_percentile(const struct histogram *h, double percent)
{
	uint64_t below = 0, rank = (uint64_t)(percent / 100 * (double)h->samples + 0.5);

	rank = MAX(rank, 1ull);
	for (unsigned int i = 0; h->samples && i < HISTOGRAM_BINS; i++) {
		below += h->bin[i];
		if (below >= rank)
			return MAX(h->min, MIN(h->max, greatest(i)));
	}
	return h->max;
}

double histogram_mean(const struct histogram *h)
{
	return h->samples ? (double)h->sum / (double)h->samples : 0;
}
