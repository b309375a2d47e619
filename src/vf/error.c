// SPDX-License-Identifier: BSD-3-Clause
/*
 * error.c - names of errors, and one line for a person.
 *
 * An error of the field has the name that softiov.h gives it, any other that of errno(3).
 */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "util/util.h"
#include "vf/vf.h"

static const struct {
	int error;
	const char *name;
} names[] = {
#define NAME(error)           \
	{                     \
		error, #error \
	}
	NAME(SOFTIOV_ERR_ADDRESS), NAME(SOFTIOV_ERR_NOT_FOUND), NAME(SOFTIOV_ERR_NOT_CARD),
	NAME(SOFTIOV_ERR_NOT_VF),  NAME(SOFTIOV_ERR_OWNED),	NAME(SOFTIOV_ERR_NO_PF),
	NAME(SOFTIOV_ERR_REFUSED), NAME(SOFTIOV_ERR_GONE),	NAME(SOFTIOV_ERR_NO_MEMORY),
#undef NAME
};

const char *softiov_error_name(int error)
{
	const char *name;

	error = abs(error);
	for (unsigned int i = 0; i < ARRAY_SIZE(names); i++)
		if (names[i].error == error)
			return names[i].name;
	name = strerrorname_np(error);
	return name ? name : "unknown error";
}

int vf_fail(struct softiov_reason *why, int error, const char *format, ...)
{
	va_list args;

	if (why) {
		va_start(args, format);
		vsnprintf(why->text, sizeof(why->text), format, args);
		va_end(args);
	}
	return error;
}

const char *softiov_version(void)
{
	return SOFTIOV_VERSION;
}
