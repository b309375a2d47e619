// SPDX-License-Identifier: BSD-3-Clause
/*
 * values.c - numbers, ranges, rates and words of the command line. Whole words only: "12x" is none.
 */
#include <ctype.h>
#include <math.h>
#include <stdlib.h>
#include <strings.h>

#include "pktgen/options.h"

#define SECONDS_MAX (366 * 24 * 3600.0)
#define RATE_MAX 1e12

/* The number that @text begins with; @end: what follows it. */
static int leading_number(const char *text, uint64_t min, uint64_t max, uint64_t *value,
			  const char **end)
{
	char *rest;

	if (!isdigit((unsigned char)text[0]))
		return -EINVAL;
	errno = 0;
	*value = strtoull(text, &rest, 10);
	*end = rest;
	return errno || *value < min || *value > max ? -EINVAL : 0;
}

int value_number(const char *text, uint64_t min, uint64_t max, uint64_t *value)
{
	const char *end;

	return leading_number(text, min, max, value, &end) || *end ? -EINVAL : 0;
}

/* A decimal number without sign, exponent or words such as "inf". */
static int leading_decimal(const char *text, double *value, const char **end)
{
	char *rest;

	if (!isdigit((unsigned char)text[0]) || !strncasecmp(text, "0x", 2))
		return -EINVAL;
	*value = strtod(text, &rest);
	*end = rest;
	return isfinite(*value) ? 0 : -EINVAL;
}

int value_seconds(const char *text, double *value)
{
	const char *end;

	if (leading_decimal(text, value, &end) || *end || *value > SECONDS_MAX)
		return -EINVAL;
	return 0;
}

int value_list(const char *text, uint64_t min, uint64_t max, uint16_t *value, unsigned int n,
	       unsigned int *found)
{
	for (*found = 0; *found < n; text++) {
		uint64_t number;

		if (leading_number(text, min, max, &number, &text))
			return -EINVAL;
		value[(*found)++] = (uint16_t)number;
		if (*text != ',')
			return *text ? -EINVAL : 0;
	}
	return -EINVAL;
}

int value_range(const char *text, uint64_t min, uint64_t max, uint64_t *first, uint64_t *last)
{
	if (leading_number(text, min, max, first, &text))
		return -EINVAL;
	*last = *first;
	if (*text == '-' && leading_number(text + 1, *first, max, last, &text))
		return -EINVAL;
	return *text ? -EINVAL : 0;
}

int value_rate(const char *text, double *value, bool *bits)
{
	static const struct {
		const char *name;
		double factor;
		bool bits;
	} units[] = {
		{ "", 1, false },	{ "pps", 1, false },   { "kpps", 1e3, false },
		{ "mpps", 1e6, false }, { "kbit", 1e3, true }, { "mbit", 1e6, true },
		{ "gbit", 1e9, true },
	};
	const char *unit;

	if (leading_decimal(text, value, &unit))
		return -EINVAL;
	for (unsigned int i = 0; i < ARRAY_SIZE(units); i++) {
		if (strcasecmp(unit, units[i].name))
			continue;
		*value *= units[i].factor;
		*bits = units[i].bits;
		return *value <= RATE_MAX ? 0 : -EINVAL;
	}
	return -EINVAL;
}

int value_choice(const char *text, const char *const *names)
{
	for (int i = 0; names[i]; i++)
		if (!strcmp(text, names[i]))
			return i;
	return -EINVAL;
}
