/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * bdf.h - addresses of PCI functions as people write them: domain:bus:device.function. Any thread.
 */
#ifndef SOFTIOV_UTIL_BDF_H
#define SOFTIOV_UTIL_BDF_H

#include "util/util.h"

#define BDF_BYTES 16 /* what bdf_format() may write */

/** bdf_format() - "0000:07:10.0"; @text holds BDF_BYTES. Return: @text. */
char *bdf_format(uint16_t domain, uint16_t routing_id, char *text);

/** bdf_parse() - "0000:07:10.0" or "07:10.0", in either case; NULL is none. Return: 0 or -EINVAL. */
int bdf_parse(const char *text, uint16_t *domain, uint16_t *routing_id);

/** bdf_is_canonical() - is @text an address as bdf_format() writes it? NULL is none. */
bool bdf_is_canonical(const char *text);

#endif
