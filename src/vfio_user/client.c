// SPDX-License-Identifier: BSD-3-Clause
/*
 * client.c - the driver side of vfio-user: connection, version, requests and replies.
 *
 * One socket carries both directions of requests. While a call waits for its reply the server may
 * ask for guest memory (DMA_READ, DMA_WRITE), and may itself wait for the answer, so whatever
 * arrives is served at once: messages are told apart by their type, replies by their id. A reply
 * that comes after its call gave up is recognised by its id and dropped; a message that is half
 * received at that time is completed by the next call, so framing is never lost.
 *
 * Specification: "Header", "VFIO_USER_VERSION", "VFIO_USER_DMA_READ", "VFIO_USER_DMA_WRITE".
 */
#include "vfio_user/client_wire.h"

#include <fcntl.h>
#include <poll.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <sys/un.h>
#include <unistd.h>

#define TIMEOUT_MS 5000
#define KERNEL_MAX_FDS 253 /* SCM_MAX_FD */
#define NSEC_PER_MSEC 1000000ull
#define USEC_PER_MSEC 1000
#define SERVE_MAX 64 /* messages of one turn: the caller has other things to do */
#define MSEC_PER_SEC 1000

static const char offered[] =
	"{\"capabilities\":{\"max_msg_fds\":16,\"max_data_xfer_size\":1048576,\"pgsizes\":4096}}";
_Static_assert(CLIENT_MAX_FDS == 16 && CLIENT_MAX_XFER == 1048576, "announced above");

static int lose(struct vfio_user_client *client, int error)
{
	client->lost = true;
	shutdown(client->fd, SHUT_RDWR);
	return error;
}

/* Wait until the socket is ready for @events. */
static int wait_for(struct vfio_user_client *client, short events, uint64_t deadline_ns)
{
	struct pollfd p = { .fd = client->fd, .events = events };

	for (;;) {
		uint64_t now = now_ns();
		uint64_t left = deadline_ns > now ? deadline_ns - now : 0;
		int n = poll(&p, 1, (int)((left + NSEC_PER_MSEC - 1) / NSEC_PER_MSEC));

		if (n > 0)
			return 0;
		if (n < 0 && errno != EINTR)
			return -errno;
		if (n == 0)
			return -ETIMEDOUT;
	}
}

static void attach_fds(struct msghdr *msg, void *control, const int *fds, unsigned int count)
{
	struct cmsghdr *h;

	msg->msg_control = control;
	msg->msg_controllen = CMSG_SPACE(count * sizeof(int));
	h = CMSG_FIRSTHDR(msg);
	h->cmsg_level = SOL_SOCKET;
	h->cmsg_type = SCM_RIGHTS;
	h->cmsg_len = CMSG_LEN(count * sizeof(int));
	memcpy(CMSG_DATA(h), fds, count * sizeof(int));
}

/* Send header, payload and data. A timeout half way loses framing, and so the connection. */
static int send_message(struct vfio_user_client *client, const struct vfio_user_header *header,
			const struct client_request *r)
{
	union {
		char bytes[CMSG_SPACE(CLIENT_MAX_FDS * sizeof(int))];
		struct cmsghdr align;
	} control = { 0 };
	struct iovec iov[] = { { (void *)(uintptr_t)header, sizeof(*header) },
			       { (void *)(uintptr_t)r->payload, r->payload_size },
			       { (void *)(uintptr_t)r->data, r->data_size } };
	uint64_t deadline_ns = now_ns() + client->timeout_ms * NSEC_PER_MSEC;
	struct msghdr msg = { .msg_iov = iov, .msg_iovlen = ARRAY_SIZE(iov) };
	uint32_t left = header->size;

	if (r->fd_count)
		attach_fds(&msg, control.bytes, r->fds, r->fd_count);
	while (left) {
		ssize_t n = sendmsg(client->fd, &msg, MSG_NOSIGNAL | MSG_DONTWAIT);

		if (n < 0 && (errno == EAGAIN || errno == EINTR)) {
			int error = wait_for(client, POLLOUT, deadline_ns);

			if (error)
				return left == header->size ? error : lose(client, error);
			continue;
		}
		if (n < 0)
			return lose(client, -ENOTCONN);
		left -= (uint32_t)n;
		msg.msg_control = NULL;
		msg.msg_controllen = 0;
		for (unsigned int i = 0; n && i < ARRAY_SIZE(iov); i++) {
			size_t part = MIN((size_t)n, iov[i].iov_len);

			iov[i].iov_base = (char *)iov[i].iov_base + part;
			iov[i].iov_len -= part;
			n -= (ssize_t)part;
		}
	}
	return 0;
}

/* Keep the first fd of a message, close the others: no reply has more than one. */
static void take_fds(struct client_incoming *in, struct msghdr *msg)
{
	for (struct cmsghdr *h = CMSG_FIRSTHDR(msg); h; h = CMSG_NXTHDR(msg, h)) {
		const unsigned char *data = CMSG_DATA(h);

		if (h->cmsg_level != SOL_SOCKET || h->cmsg_type != SCM_RIGHTS)
			continue;
		for (size_t n = (h->cmsg_len - CMSG_LEN(0)) / sizeof(int); n; n--) {
			int fd;

			memcpy(&fd, data, sizeof(fd));
			data += sizeof(fd);
			if (in->fd < 0)
				in->fd = fd;
			else
				close(fd);
		}
	}
}

static ssize_t receive_header(struct vfio_user_client *client)
{
	union {
		char bytes[CMSG_SPACE(KERNEL_MAX_FDS * sizeof(int))];
		struct cmsghdr align;
	} control;
	struct client_incoming *in = &client->in;
	struct iovec iov = { (char *)&in->header + in->received,
			     sizeof(in->header) - in->received };
	struct msghdr msg = { .msg_iov = &iov,
			      .msg_iovlen = 1,
			      .msg_control = control.bytes,
			      .msg_controllen = sizeof(control.bytes) };
	ssize_t n = recvmsg(client->fd, &msg, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);

	if (n >= 0)
		take_fds(in, &msg);
	return n;
}

/* The header is complete: is its size believable, and is there room? */
static int prepare_body(struct vfio_user_client *client)
{
	struct client_incoming *in = &client->in;
	uint32_t size = in->header.size;

	if (size < sizeof(in->header) || size - sizeof(in->header) > CLIENT_MAX_BODY)
		return lose(client, -EPROTO);
	in->body_size = size - (uint32_t)sizeof(in->header);
	if (in->body_size > in->capacity) {
		uint8_t *p = realloc(in->body, in->body_size);

		if (!p)
			return lose(client, -ENOMEM);
		in->body = p;
		in->capacity = in->body_size;
	}
	return 0;
}

/* Receive until a message is complete. Return: 0, -EAGAIN when the socket is empty, or -errno. */
static int receive_message(struct vfio_user_client *client)
{
	struct client_incoming *in = &client->in;
	const uint32_t header_size = sizeof(in->header);

	while (in->received < header_size || in->received < in->header.size) {
		ssize_t n;

		if (in->received < header_size)
			n = receive_header(client);
		else
			n = recv(client->fd, in->body + (in->received - header_size),
				 in->header.size - in->received, MSG_DONTWAIT);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0 && errno == EAGAIN)
			return -EAGAIN;
		if (n <= 0)
			return lose(client, -ENOTCONN);
		in->received += (uint32_t)n;
		if (in->received == header_size && prepare_body(client))
			return -EPROTO;
	}
	return 0;
}

static void drop_message(struct client_incoming *in)
{
	if (in->fd >= 0)
		close(in->fd);
	in->fd = -1;
	in->received = 0;
}

/* Do what a DMA_READ or DMA_WRITE asks. @reply has room for the access and what is read. */
static int access_memory(struct vfio_user_client *client, struct vfio_user_dma_access *reply)
{
	const struct client_incoming *in = &client->in;
	const struct vfio_user_client_ops *ops = client->ops;
	uint32_t len = (uint32_t)reply->count;

	if (reply->count > CLIENT_MAX_XFER)
		return -E2BIG;
	if (in->header.command == VFIO_USER_CMD_DMA_READ) {
		if (in->body_size != sizeof(*reply))
			return -EINVAL;
		return ops && ops->dma_read
			       ? ops->dma_read(client->ctx, reply->address, reply + 1, len)
			       : -ENODEV;
	}
	if (in->body_size != sizeof(*reply) + len)
		return -EINVAL;
	return ops && ops->dma_write
		       ? ops->dma_write(client->ctx, reply->address, in->body + sizeof(*reply), len)
		       : -ENODEV;
}

/* Answer a request of the server. */
static int serve(struct vfio_user_client *client)
{
	const struct client_incoming *in = &client->in;
	struct vfio_user_header header = { .id = in->header.id,
					   .command = in->header.command,
					   .flags = VFIO_USER_TYPE_REPLY };
	struct vfio_user_dma_access *reply = NULL;
	struct client_request out = { 0 };
	bool reads = in->header.command == VFIO_USER_CMD_DMA_READ;
	int error = -ENOTSUP;

	if (reads || in->header.command == VFIO_USER_CMD_DMA_WRITE) {
		struct vfio_user_dma_access asked = { 0 };

		if (in->body_size >= sizeof(asked))
			memcpy(&asked, in->body, sizeof(asked));
		out.payload_size = sizeof(asked);
		if (reads && asked.count <= CLIENT_MAX_XFER)
			out.payload_size += (uint32_t)asked.count;
		reply = calloc(1, out.payload_size);
		if (reply)
			*reply = asked;
		if (!reply)
			error = -ENOMEM;
		else if (in->body_size < sizeof(asked))
			error = -EINVAL;
		else
			error = access_memory(client, reply);
		out.payload = reply;
	}
	if (error) {
		header.flags |= VFIO_USER_FLAG_ERROR;
		header.error = (uint32_t)-error;
		out.payload_size = 0;
	}
	header.size = (uint32_t)sizeof(header) + out.payload_size;
	error = in->header.flags & VFIO_USER_FLAG_NO_REPLY ? 0
							   : send_message(client, &header, &out);
	free(reply);
	return error;
}

static bool is_pending(const struct vfio_user_client *client, uint16_t id)
{
	return client->pending[id / 8] & BIT(id % 8);
}

/* The reply @r waits for has arrived. */
static int take_reply(struct vfio_user_client *client, struct client_request *r)
{
	struct client_incoming *in = &client->in;

	if (in->header.flags & VFIO_USER_FLAG_ERROR)
		return in->header.error && in->header.error < 4096 ? -(int)in->header.error : -EIO;
	if (in->header.command != r->command || in->body_size > r->reply_max)
		return -EPROTO;
	r->reply_size = in->body_size;
	if (in->body_size)
		memcpy(r->reply, in->body, in->body_size);
	if (r->reply_fd) {
		*r->reply_fd = in->fd;
		in->fd = -1;
	}
	return 0;
}

/*
 * Deal with one complete message; @r is the request with number @id, or NULL when none is under
 * way.
 * Return: 1 when it was the reply to @r (and *@result is set), 0 when not, or -errno.
 */
static int dispatch(struct vfio_user_client *client, struct client_request *r, uint16_t id,
		    int *result)
{
	struct client_incoming *in = &client->in;
	uint32_t type = in->header.flags & VFIO_USER_FLAG_TYPE;
	int done = 0;

	if (type == VFIO_USER_TYPE_COMMAND) {
		done = serve(client);
	} else if (type == VFIO_USER_TYPE_REPLY && is_pending(client, in->header.id)) {
		client->pending[in->header.id / 8] &= (uint8_t)~BIT(in->header.id % 8);
		if (r && in->header.id == id) {
			*result = take_reply(client, r);
			done = 1;
		}
	} else {
		done = lose(client, -EPROTO);
	}
	drop_message(in);
	return done;
}

int client_request(struct vfio_user_client *client, struct client_request *r)
{
	struct vfio_user_header header = {
		.command = (uint16_t)r->command,
		.size = (uint32_t)sizeof(header) + r->payload_size + r->data_size,
		.flags = VFIO_USER_TYPE_COMMAND | (r->posted ? VFIO_USER_FLAG_NO_REPLY : 0),
	};
	uint64_t deadline_ns;
	int error, result = 0;

	if (r->reply_fd)
		*r->reply_fd = -1;
	if (client->lost)
		return -ENOTCONN;
	for (unsigned int i = 0; is_pending(client, client->next_id); i++, client->next_id++)
		if (i == UINT16_MAX)
			return lose(client, -ETIMEDOUT);
	header.id = client->next_id++;
	error = send_message(client, &header, r);
	if (error || r->posted)
		return error;
	client->pending[header.id / 8] |= (uint8_t)BIT(header.id % 8);

	deadline_ns = now_ns() + client->timeout_ms * NSEC_PER_MSEC;
	do {
		error = receive_message(client);
		if (error == -EAGAIN) {
			error = wait_for(client, POLLIN, deadline_ns);
		} else if (!error) {
			error = dispatch(client, r, header.id, &result);
			/* A server that talks on and on about other things is silent, too. */
			if (!error && now_ns() >= deadline_ns)
				error = -ETIMEDOUT;
		}
	} while (!error);
	return error < 0 ? error : result;
}

int vfio_user_client_serve(struct vfio_user_client *client)
{
	int error = 0;

	if (client->lost)
		return -ENOTCONN;
	for (unsigned int i = 0; i < SERVE_MAX && !error; i++) {
		error = receive_message(client);
		if (!error)
			error = dispatch(client, NULL, 0, NULL);
	}
	return error == -EAGAIN ? 0 : error;
}

static int negotiate(struct vfio_user_client *client, struct reason *why)
{
	struct {
		struct vfio_user_version version;
		char text[4096];
	} reply;
	struct vfio_user_version asked = { VFIO_USER_MAJOR, VFIO_USER_MINOR };
	struct client_request r = { .command = VFIO_USER_CMD_VERSION,
				    .payload = &asked,
				    .payload_size = sizeof(asked),
				    .data = offered,
				    .data_size = sizeof(offered),
				    .reply = &reply,
				    .reply_max = sizeof(reply) };
	int error = client_request(client, &r);

	if (error == -EBUSY)
		return refuse(why, error, "the device is in use by another client");
	if (error)
		return refuse(why, error, "no answer to VERSION: %s", strerror(-error));
	if (r.reply_size < sizeof(reply.version) || reply.version.major != VFIO_USER_MAJOR ||
	    reply.version.minor > VFIO_USER_MINOR)
		return refuse(why, -EPROTO, "the server speaks another version of vfio-user");
	error = vfio_user_capabilities_parse(reply.text, r.reply_size - sizeof(reply.version),
					     &client->server);
	if (error)
		return refuse(why, -EPROTO, "the server's capabilities make no sense");
	return 0;
}

static int attach(struct vfio_user_client **out, int fd, unsigned int timeout_ms,
		  const struct vfio_user_client_ops *ops, void *ctx, struct reason *why)
{
	struct vfio_user_client *client = calloc(1, sizeof(*client));
	int error;

	if (!client) {
		close(fd);
		return refuse(why, -ENOMEM, "out of memory");
	}
	client->fd = fd;
	client->timeout_ms = timeout_ms;
	client->ops = ops;
	client->ctx = ctx;
	client->in.fd = -1;
	error = negotiate(client, why);
	if (error) {
		vfio_user_client_close(client);
		return error;
	}
	*out = client;
	return 0;
}

int vfio_user_client_attach(struct vfio_user_client **client, int fd,
			    const struct vfio_user_client_ops *ops, void *ctx, struct reason *why)
{
	return attach(client, fd, TIMEOUT_MS, ops, ctx, why);
}

/* connect() waits for room in the listener's queue, for as long as a send may take (socket(7)). */
static int connect_within(int fd, const struct sockaddr_un *name, unsigned int timeout_ms)
{
	struct timeval t = { .tv_sec = timeout_ms / MSEC_PER_SEC,
			     .tv_usec = timeout_ms % MSEC_PER_SEC * USEC_PER_MSEC };

	if (setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &t, sizeof(t)) ||
	    connect(fd, (const struct sockaddr *)name, sizeof(*name)))
		return errno == EAGAIN ? -ETIMEDOUT : -errno;
	return 0;
}

int vfio_user_client_connect_within(struct vfio_user_client **client, const char *path,
				    unsigned int timeout_ms, const struct vfio_user_client_ops *ops,
				    void *ctx, struct reason *why)
{
	struct sockaddr_un name = { .sun_family = AF_UNIX };
	int fd, error;

	if (strlen(path) >= sizeof(name.sun_path))
		return refuse(why, -ENAMETOOLONG, "%s: too long for the name of a Unix socket",
			      path);
	strcpy(name.sun_path, path);
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return refuse(why, -errno, "%s: %s", path, strerror(errno));
	error = connect_within(fd, &name, timeout_ms);
	if (error) {
		close(fd);
		return refuse(why, error, "cannot connect to %s: %s", path, strerror(-error));
	}
	return attach(client, fd, timeout_ms, ops, ctx, why);
}

int vfio_user_client_connect(struct vfio_user_client **client, const char *path,
			     const struct vfio_user_client_ops *ops, void *ctx, struct reason *why)
{
	return vfio_user_client_connect_within(client, path, TIMEOUT_MS, ops, ctx, why);
}

void vfio_user_client_close(struct vfio_user_client *client)
{
	if (!client)
		return;
	drop_message(&client->in);
	free(client->in.body);
	close(client->fd);
	free(client);
}

void vfio_user_client_set_timeout(struct vfio_user_client *client, unsigned int timeout_ms)
{
	client->timeout_ms = timeout_ms;
}

int vfio_user_client_fd(const struct vfio_user_client *client)
{
	return client->fd;
}
