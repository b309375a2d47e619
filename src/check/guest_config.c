/* SPDX-License-Identifier: BSD-3-Clause */
/* guest_config.c - a kernel's configuration (/boot/config-…, /proc/config.gz): lines CONFIG_NAME=y or =m. */
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "check/expand.h"
#include "check/guest.h"

#define CONFIG_BYTES (2u << 20)
#define OPTIONS_AT_LEAST 10u /* or it is some other text */
#define PREFIX "CONFIG_"

static ssize_t read_text(int fd, char *text)
{
	struct expander *expander;
	size_t length = 0;
	ssize_t n = 1;

	if (lseek(fd, 0, SEEK_SET) < 0)
		return -errno;
	expander = expander_open(fd);
	if (!expander && lseek(fd, 0, SEEK_SET) < 0)
		return -errno;
	while (n > 0 && length < CONFIG_BYTES) {
		n = expander ? expander_read(expander, text + length, CONFIG_BYTES - length)
			     : read(fd, text + length, CONFIG_BYTES - length);
		if (n > 0)
			length += (size_t)n;
	}
	expander_close(expander);
	return n < 0 ? -EBADMSG : (ssize_t)length;
}

/* Return: how many options there are. */
static unsigned int read_options(const char *text, struct guest_found *found)
{
	unsigned int options = 0;

	for (; *text; text += strcspn(text, "\n"), text += *text == '\n') {
		const char *name = text + strlen(PREFIX);
		int driver;

		if (strncmp(text, PREFIX, strlen(PREFIX)))
			continue;
		options++;
		driver = vf_driver_by_option(name, strcspn(name, "=\n"));
		name += strcspn(name, "=\n");
		if (driver == VF_DRIVER_NONE || *name != '=')
			continue;
		found->built_in[driver] |= name[1] == 'y';
		found->module[driver] |= name[1] == 'm';
	}
	return options;
}

int guest_config(int fd, struct guest_found *found, struct reason *why)
{
	char *text = calloc(1, CONFIG_BYTES + 1);
	ssize_t length = text ? read_text(fd, text) : -ENOMEM;
	int error = 0;

	*found = (struct guest_found){ 0 };
	snprintf(found->kind, sizeof(found->kind), "kernel configuration");
	if (length < 0 || read_options(text, found) < OPTIONS_AT_LEAST)
		error = refuse(why, -EOPNOTSUPP, "not a kernel configuration");
	free(text);
	return error;
}
