// SPDX-License-Identifier: BSD-3-Clause
/*
 * bdf.c - routing IDs as people write them: domain:bus:device.function, "0000:07:10.0".
 *
 * A routing ID is bus (8 bits), device (5) and function (3); with ARI the last two are one 8-bit
 * function number, written the same way. PCI Express Base 5.0, 2.2.4.2.
 */
#include <stdio.h>

#include "util/bdf.h"

#define BUS_SHIFT 8
#define DEVICE_SHIFT 3
#define DEVICE_MASK 0x1fu
#define FUNCTION_MASK 0x7u

char *bdf_format(uint16_t domain, uint16_t routing_id, char *text)
{
	snprintf(text, BDF_BYTES, "%04x:%02x:%02x.%x", domain, routing_id >> BUS_SHIFT,
		 (routing_id >> DEVICE_SHIFT) & DEVICE_MASK, routing_id & FUNCTION_MASK);
	return text;
}

static int hex_digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	if (c >= 'A' && c <= 'F')
		return c - 'A' + 10;
	return -1;
}

/* Exactly @digits hexadecimal digits, then @end. Return: what follows, or NULL. */
static const char *parse_hex(const char *text, unsigned int digits, char end, unsigned int *value)
{
	*value = 0;
	while (digits--) {
		int digit = hex_digit(*text++);

		if (digit < 0)
			return NULL;
		*value = *value << 4 | (unsigned int)digit;
	}
	return *text == end ? text + 1 : NULL;
}

int bdf_parse(const char *text, uint16_t *domain, uint16_t *routing_id)
{
	unsigned int dom = 0, bus, device, function;
	const char *rest;

	if (!text)
		return -EINVAL;
	rest = parse_hex(text, 4, ':', &dom);
	if (!rest) {
		dom = 0;
		rest = text;
	}
	rest = parse_hex(rest, 2, ':', &bus);
	if (rest)
		rest = parse_hex(rest, 2, '.', &device);
	if (rest)
		rest = parse_hex(rest, 1, '\0', &function);
	if (!rest || device > DEVICE_MASK || function > FUNCTION_MASK)
		return -EINVAL;
	*domain = (uint16_t)dom;
	*routing_id = (uint16_t)(bus << BUS_SHIFT | device << DEVICE_SHIFT | function);
	return 0;
}

bool bdf_is_canonical(const char *text)
{
	uint16_t domain, routing_id;
	char again[BDF_BYTES];

	return !bdf_parse(text, &domain, &routing_id) &&
	       !strcmp(text, bdf_format(domain, routing_id, again));
}
