/* SPDX-License-Identifier: BSD-3-Clause */
/* request.h - from HTTP method, path and body to a checked struct api_call. Pure; management thread. */
#ifndef SOFTIOV_API_REQUEST_H
#define SOFTIOV_API_REQUEST_H

#include "api/api.h"

enum api_method { API_GET, API_PATCH, API_POST, API_OTHER };

/**
 * api_parse() - fill @call. @body may be NULL (no body).
 * Return: 0, or the HTTP status of the refusal with @why.
 */
int api_parse(enum api_method method, const char *path, const char *body, size_t body_len,
	      struct api_call *call, struct reason *why);

#endif
