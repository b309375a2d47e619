/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * number.c - numbers as a kernel's attributes read them: Linux lib/kstrtox.c. A sign where one is allowed, a base by
 * prefix (0x, 0), digits, at most one line feed, the end.
 */
#include <limits.h>

#include "sysfs/internal.h"

static int digit_of(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	c |= 0x20; /* lower case */
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : INT_MAX;
}

static const char *base_of(const char *text, unsigned int *base)
{
	*base = 10;
	if (text[0] != '0')
		return text;
	*base = 8;
	if ((text[1] | 0x20) != 'x' || digit_of(text[2]) >= 16)
		return text;
	*base = 16;
	return text + 2;
}

static int parse_digits(const char *text, uint64_t max, uint64_t *value)
{
	unsigned int base;
	uint64_t result = 0;
	bool overflow = false;
	const char *p = base_of(text, &base), *first = p;

	for (; digit_of(*p) < (int)base; p++)
		overflow |= __builtin_mul_overflow(result, (uint64_t)base, &result) ||
			    __builtin_add_overflow(result, (uint64_t)digit_of(*p), &result);
	if (p == first)
		return -EINVAL;
	if (overflow)
		return -ERANGE;
	if (*p == '\n')
		p++;
	if (*p)
		return -EINVAL;
	if (result > max)
		return -ERANGE;
	*value = result;
	return 0;
}

int parse_unsigned(const char *text, uint64_t max, uint64_t *value)
{
	return parse_digits(text + (*text == '+'), max, value);
}

int parse_int(const char *text, int *value)
{
	bool negative = *text == '-';
	uint64_t magnitude;
	int error = negative ? parse_digits(text + 1, (uint64_t)INT_MAX + 1, &magnitude)
			     : parse_unsigned(text, INT_MAX, &magnitude);

	if (!error)
		*value = (int)(negative ? -(int64_t)magnitude : (int64_t)magnitude);
	return error;
}

int parse_bool(const char *text, bool *value)
{
	char first = text[0] | 0x20, second = first ? text[1] | 0x20 : '\0';

	*value = text[0] == '1' || first == 'y' || first == 't' || (first == 'o' && second == 'n');
	if (*value || text[0] == '0' || first == 'n' || first == 'f' ||
	    (first == 'o' && second == 'f'))
		return 0;
	return -EINVAL;
}
