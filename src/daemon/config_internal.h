/* SPDX-License-Identifier: BSD-3-Clause */
/* config_internal.h - between the files that read the configuration: config.c (the file) and config_card.c (a card). */
#ifndef SOFTIOV_DAEMON_CONFIG_INTERNAL_H
#define SOFTIOV_DAEMON_CONFIG_INTERNAL_H

#include "daemon/config.h"
#include "daemon/yaml_reader.h"

#define FIELD(type, member) .offset = offsetof(struct type, member)

/* The daemon's own user and group, nobody else. */
#define CONFIG_SOCKET_DEFAULT                                        \
	(struct config_socket)                                       \
	{                                                            \
		.owner = (uid_t)-1, .group = (gid_t)-1, .mode = 0600 \
	}

extern const struct yaml_key config_socket_keys[]; /* of a struct config_socket */
extern const struct yaml_key config_card_keys[];   /* of a struct config_card */

/** config_card_default() - what a card is of which the file says nothing; the serial is not given. */
void config_card_default(struct config_card *card);

/** config_card_serial() - for a card without one: stable over restarts, different from machine to machine. */
uint64_t config_card_serial(const struct config_card *card);

#endif
