/* SPDX-License-Identifier: BSD-3-Clause */
/* request.h - from HTTP method, path and body to a checked struct api_call. Pure; management thread. */
#ifndef SOFTIOV_API_REQUEST_H
#define SOFTIOV_API_REQUEST_H

#include "api/api.h"

/**
 * api_parse() - fill @call, whose body the caller drops (json_decref()) also after a refusal. @body may be NULL (none).
 * Return: 0, or the HTTP status of the refusal with @why.
 */
int api_parse(enum api_method method, const char *path, const char *body, size_t body_len,
	      struct api_call *call, struct reason *why);

#endif
