/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * capabilities.h - what the other side of a connection can take, as its VERSION message says.
 *
 * Private to src/vfio_user; used by server and client.
 */
#ifndef SOFTIOV_VFIO_USER_CAPABILITIES_H
#define SOFTIOV_VFIO_USER_CAPABILITIES_H

#include <stddef.h>
#include <stdint.h>

/** struct vfio_user_capabilities - fds per message, bytes of data per message. */
struct vfio_user_capabilities {
	uint32_t msg_fds, xfer_size;
};

/**
 * vfio_user_capabilities_parse() - the @size bytes at @text, from an untrusted peer.
 * What is missing gets the specification's default. Return: 0 or -EINVAL.
 */
int vfio_user_capabilities_parse(const char *text, size_t size,
				 struct vfio_user_capabilities *capabilities);

#endif
