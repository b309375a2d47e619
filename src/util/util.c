/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * util.c - refusals, MAC addresses, memory files.
 *
 * A memory file that leaves the daemon is sealed against any change of size: whoever holds a
 * descriptor could otherwise truncate it and turn our next access into SIGBUS (memfd_create(2),
 * "File sealing").
 */
#include "util/util.h"

#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <sys/mman.h>
#include <unistd.h>

#define MAC_TEXT_LEN 17

/* How many bytes the first byte of a character stands for, and the smallest character of so many; 0: none begins so. */
static unsigned int utf8_length(uint8_t first, uint32_t *least)
{
	static const uint32_t smallest[] = { 0, 0, 0x80, 0x800, 0x10000 };
	unsigned int length = first < 0x80	       ? 1
			      : (first & 0xe0) == 0xc0 ? 2
			      : (first & 0xf0) == 0xe0 ? 3
			      : (first & 0xf8) == 0xf0 ? 4
						       : 0;

	*least = smallest[length];
	return length;
}

/* Of the character at @text. Return: its bytes; 0: it is none; -1: it is cut off. */
static int utf8_character(const char *text)
{
	uint32_t least, c = (uint8_t)text[0];
	unsigned int length = utf8_length((uint8_t)c, &least);

	if (length <= 1)
		return (int)length;
	c &= 0x7fu >> length;
	for (unsigned int i = 1; i < length; i++) {
		if (!text[i])
			return -1;
		if (((uint8_t)text[i] & 0xc0) != 0x80)
			return 0;
		c = c << 6 | ((uint8_t)text[i] & 0x3f);
	}
	return c < least || c > 0x10ffff || (c >= 0xd800 && c <= 0xdfff) ? 0 : (int)length;
}

void text_repair(char *text)
{
	while (*text) {
		int length = utf8_character(text);

		if (length < 0)
			*text = '\0';
		else if (!length)
			*text++ = '?';
		else
			text += length;
	}
}

int refuse(struct reason *why, int error, const char *format, ...)
{
	va_list args;

	if (why) {
		va_start(args, format);
		vsnprintf(why->text, sizeof(why->text), format, args);
		va_end(args);
		text_repair(why->text);
	}
	return error;
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

int mac_parse(const char *text, uint8_t mac[ETH_ALEN])
{
	uint8_t parsed[ETH_ALEN];

	if (!text || strnlen(text, MAC_TEXT_LEN + 1) != MAC_TEXT_LEN)
		return -EINVAL;
	for (unsigned int i = 0; i < ETH_ALEN; i++, text += 3) {
		int high = hex_digit(text[0]);
		int low = hex_digit(text[1]);

		if (high < 0 || low < 0 || text[2] != (i == ETH_ALEN - 1 ? '\0' : ':'))
			return -EINVAL;
		parsed[i] = (uint8_t)(high << 4 | low);
	}
	memcpy(mac, parsed, ETH_ALEN);
	return 0;
}

char *mac_format(const uint8_t mac[ETH_ALEN], char *text)
{
	snprintf(text, MAC_TEXT_LEN + 1, "%02x:%02x:%02x:%02x:%02x:%02x", mac[0], mac[1], mac[2],
		 mac[3], mac[4], mac[5]);
	return text;
}

void *memfile_create(const char *name, size_t size, bool seal, int *fd)
{
	void *memory;
	int saved_errno;

	*fd = memfd_create(name, MFD_CLOEXEC | MFD_ALLOW_SEALING);
	if (*fd < 0)
		return NULL;
	if (ftruncate(*fd, (off_t)size) < 0)
		goto fail;
	if (seal && fcntl(*fd, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL) < 0)
		goto fail;
	memory = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, *fd, 0);
	if (memory == MAP_FAILED)
		goto fail;
	return memory;
fail:
	saved_errno = errno;
	close(*fd);
	*fd = -1;
	errno = saved_errno;
	return NULL;
}
