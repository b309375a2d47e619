/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * client_wire.h - inside the vfio-user client: requests and replies.
 *
 * Private to src/vfio_user.
 */
#ifndef SOFTIOV_VFIO_USER_CLIENT_WIRE_H
#define SOFTIOV_VFIO_USER_CLIENT_WIRE_H

#include "vfio_user/capabilities.h"
#include "vfio_user/client.h"
#include "vfio_user/protocol.h"

#define CLIENT_MAX_FDS 16
#define CLIENT_MAX_XFER 1048576u
#define CLIENT_MAX_BODY (CLIENT_MAX_XFER + 64)

/** struct client_incoming - a message being received; survives a timeout half way. */
struct client_incoming {
	struct vfio_user_header header;
	uint32_t received;
	uint8_t *body;
	uint32_t body_size, capacity;
	int fd; /* at most one is ever wanted */
};

struct vfio_user_client {
	int fd;
	bool lost;
	unsigned int timeout_ms;
	const struct vfio_user_client_ops *ops;
	void *ctx;
	struct vfio_user_capabilities server;
	uint16_t next_id;
	uint8_t pending[65536 / 8]; /* ids that a late reply may still use */
	struct client_incoming in;
};

/**
 * struct client_request - a command and where its reply goes.
 * @data: sent after @payload
 * @reply, @reply_max: a longer reply is an error; @reply_size is what came
 * @reply_fd: when not NULL, the fd that came with the reply or -1, owned by the caller
 */
struct client_request {
	enum vfio_user_command command;
	bool posted;
	const void *payload;
	uint32_t payload_size;
	const void *data;
	uint32_t data_size;
	const int *fds;
	unsigned int fd_count;
	void *reply;
	uint32_t reply_max, reply_size;
	int *reply_fd;
};

/** client_request() - send it and, unless posted, wait for the reply. Return: 0 or -errno. */
int client_request(struct vfio_user_client *client, struct client_request *request);

#endif
