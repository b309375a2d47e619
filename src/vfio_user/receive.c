// SPDX-License-Identifier: BSD-3-Clause
/*
 * receive.c - from bytes to one message.
 *
 * A header may arrive in pieces, and so may a body. File descriptors travel with the first byte of
 * a message; the kernel can hand over those of several sends in one call, so header and body are
 * received by separate calls and no fd can be taken for another message's. The size in a header is
 * believed only within the limits of its command; a header that lies about it means that framing
 * is lost, and the connection is closed.
 *
 * Specification: "Message sizes", "Header".
 */
#include "vfio_user/connection.h"

#include <stdlib.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

#define RECEIVE_MAX 65536u /* bytes taken from the socket in one step */

/* Framing is lost, or soon will be: say so if the client can be told, and close. */
static int protocol_error(struct connection *c, const char *what)
{
	if (log_ratelimit(&c->server->limit))
		log_warning("%s: client %d: %s, closing", c->server->path, (int)c->pid, what);
	if ((c->message.header.flags & VFIO_USER_FLAG_TYPE) == VFIO_USER_TYPE_COMMAND)
		send_reply(c, -EINVAL);
	c->server->stats.errors++;
	c->phase = PHASE_CLOSING;
	return 1;
}

static int header_received(struct connection *c)
{
	const struct vfio_user_header *h = &c->message.header;
	uint32_t type = h->flags & VFIO_USER_FLAG_TYPE, limit = MAX_COMMAND_SIZE;
	struct message *m = &c->message;

	if (type != VFIO_USER_TYPE_COMMAND && type != VFIO_USER_TYPE_REPLY)
		return protocol_error(c, "message of unknown type");
	if (h->size < sizeof(*h))
		return protocol_error(c, "message shorter than its header");
	if (c->phase == PHASE_HANDSHAKE) {
		if (type != VFIO_USER_TYPE_COMMAND || h->command != VFIO_USER_CMD_VERSION)
			return protocol_error(c, "first message is not VERSION");
		limit = MAX_VERSION_SIZE;
	} else if (type == VFIO_USER_TYPE_COMMAND && h->command == VFIO_USER_CMD_REGION_WRITE) {
		limit = MAX_WRITE_SIZE;
	}
	if (h->size > limit)
		return protocol_error(c, "message too large");

	m->body_size = h->size - (uint32_t)sizeof(*h);
	if (m->body_size > m->capacity) {
		uint8_t *p = realloc(m->body, m->body_size);

		if (!p)
			return -ENOMEM;
		m->body = p;
		m->capacity = m->body_size;
	}
	m->complete = m->body_size == 0;
	return 1;
}

/* Take the fds of @msg; what exceeds our announced limit is closed at once. */
static void take_fds(struct message *m, struct msghdr *msg)
{
	for (struct cmsghdr *h = CMSG_FIRSTHDR(msg); h; h = CMSG_NXTHDR(msg, h)) {
		const unsigned char *data = CMSG_DATA(h);

		if (h->cmsg_level != SOL_SOCKET || h->cmsg_type != SCM_RIGHTS)
			continue;
		for (size_t n = (h->cmsg_len - CMSG_LEN(0)) / sizeof(int); n; n--) {
			int fd;

			memcpy(&fd, data, sizeof(fd));
			data += sizeof(fd);
			if (m->fd_count < ARRAY_SIZE(m->fds)) {
				m->fds[m->fd_count++] = fd;
			} else {
				close(fd);
				m->fds_lost = true;
			}
		}
	}
	if (msg->msg_flags & MSG_CTRUNC)
		m->fds_lost = true;
}

static int receive_header(struct connection *c)
{
	union {
		char bytes[CMSG_SPACE(KERNEL_MAX_FDS * sizeof(int))];
		struct cmsghdr align;
	} control;
	struct message *m = &c->message;
	struct iovec iov = { (char *)&m->header + m->received, sizeof(m->header) - m->received };
	struct msghdr msg = { .msg_iov = &iov,
			      .msg_iovlen = 1,
			      .msg_control = control.bytes,
			      .msg_controllen = sizeof(control.bytes) };
	ssize_t n;

	n = recvmsg(c->fd, &msg, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);
	if (n < 0)
		return errno == EAGAIN || errno == EINTR ? 0 : -errno;
	take_fds(m, &msg);
	if (n == 0)
		return -ESHUTDOWN;
	m->received += (uint32_t)n;
	return m->received == sizeof(m->header) ? header_received(c) : 1;
}

/* Plain recv(): the kernel discards fds that were attached to body bytes, where none belong. */
static int receive_body(struct connection *c)
{
	struct message *m = &c->message;
	uint32_t at = m->received - (uint32_t)sizeof(m->header);
	ssize_t n;

	n = recv(c->fd, m->body + at, MIN(m->body_size - at, RECEIVE_MAX), MSG_DONTWAIT);
	if (n < 0)
		return errno == EAGAIN || errno == EINTR ? 0 : -errno;
	if (n == 0)
		return -ESHUTDOWN;
	m->received += (uint32_t)n;
	m->complete = m->received == m->header.size;
	return 1;
}

/* Return: 1 after some progress, 0 when the socket is empty, -errno when it is of no use any more.
 */
int message_receive(struct connection *c)
{
	return c->message.received < sizeof(c->message.header) ? receive_header(c)
							       : receive_body(c);
}
