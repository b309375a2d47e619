// SPDX-License-Identifier: BSD-3-Clause
/*
 * connection.c - the life of one connection: messages are received, executed and answered.
 *
 * A connection is a state machine on a non-blocking socket:
 *
 *	receive header with its fds -> receive body -> execute -> [grace period] -> reply -> ...
 *
 * One message at a time, in the order of arrival, as the specification's "Message sizes" and
 * "Header" sections demand. While a message waits for a grace period, or a reply for room in the
 * socket, nothing more is read: the client feels back-pressure and every buffer stays bounded. A
 * run of the machine ends after a few dozen steps or some ten microseconds, so one client cannot
 * keep the device thread from the others; a command with much to do is itself cut into steps
 * (COMMAND_AGAIN).
 *
 * Hazards. An op may disconnect this client or destroy the server: after each op @dead must be
 * looked at, and memory is held by reference counts. QEMU takes fds and header in one recvmsg(),
 * so both leave in one sendmsg(); the kernel never splits the first 16 bytes.
 */
#include "vfio_user/connection.h"

#include <fcntl.h>
#include <inttypes.h>
#include <poll.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

#define RUN_STEPS 64
#define RUN_NS 40000
#define PATIENT_AFTER 16u	/* posted writes without a request between them */
#define KEEP_BUFFER_SIZE 65536u /* larger buffers are given back after use */
#define HANDSHAKE_SECONDS 5
#define FLUSH_SECONDS 1

static void connection_put(struct connection *c)
{
	if (--c->refs)
		return;
	server_put(c->server);
	free(c->message.body);
	free(c->reply);
	free(c);
}

static void message_drop_fds(struct message *m)
{
	for (unsigned int i = 0; i < m->fd_count; i++)
		if (m->fds[i] >= 0)
			close(m->fds[i]);
	m->fd_count = 0;
	m->fds_lost = false;
}

static bool connection_blocked(const struct connection *c)
{
	return c->dead || c->broken || c->waiting || c->quiescing || c->phase == PHASE_CLOSING ||
	       !STAILQ_EMPTY(&c->queue);
}

/* Continue from the event loop. Adding a pending timer again would put it off for ever. */
static void schedule_resume(struct connection *c)
{
	static const struct timeval at_once = { 0, 0 };

	if (c->patient || !event_pending(&c->resume, EV_TIMEOUT, NULL))
		event_add(&c->resume, &at_once);
	c->patient = false;
}

/* Wait for exactly what can be done next. */
static void connection_update_events(struct connection *c)
{
	static const struct timeval flush_time = { FLUSH_SECONDS, 0 };

	if (c->dead || c->broken)
		return;
	if (c->phase == PHASE_CLOSING && STAILQ_EMPTY(&c->queue)) {
		connection_close(c);
		return;
	}
	if (c->phase == PHASE_CLOSING && !event_pending(&c->deadline, EV_TIMEOUT, NULL))
		event_add(&c->deadline, &flush_time);
	if (connection_blocked(c) || c->message.complete || c->patient)
		event_del(&c->readable);
	else
		event_add(&c->readable, NULL);
	if (STAILQ_EMPTY(&c->queue))
		event_del(&c->writable);
	else
		event_add(&c->writable, NULL);
	if (!connection_blocked(c) && c->message.complete)
		schedule_resume(c);
}

void connection_close(struct connection *c)
{
	struct outgoing *out;

	if (c->dead)
		return;
	c->dead = true;
	event_del(&c->readable);
	event_del(&c->writable);
	event_del(&c->deadline);
	event_del(&c->resume);
	intx_unmask_set(c, -1);
	close(c->fd);
	c->fd = -1;
	while ((out = STAILQ_FIRST(&c->queue)) != NULL) {
		STAILQ_REMOVE_HEAD(&c->queue, link);
		free(out);
	}
	c->queued = 0;
	/* A command in progress still looks at its message: connection_run() drops the fds then. */
	if (!c->running)
		message_drop_fds(&c->message);
	server_forget(c->server, c);
	connection_put(c);
}

void connection_break(struct connection *c, const char *why)
{
	if (c->dead || c->broken)
		return;
	if (log_ratelimit(&c->server->limit))
		log_info("%s: client %d: disconnected: %s", c->server->path, (int)c->pid, why);
	c->broken = true;
	event_del(&c->readable);
	event_del(&c->writable);
	schedule_resume(c);
}

void connection_resume(struct connection *c)
{
	c->waiting = false;
	if (!c->running)
		connection_update_events(c);
}

bool connection_hung_up(const struct connection *c)
{
	struct pollfd p = { .fd = c->fd, .events = POLLRDHUP };

	return c->broken || (poll(&p, 1, 0) > 0 && (p.revents & (POLLRDHUP | POLLHUP | POLLERR)));
}

/* One sendmsg(). Return: bytes taken, 0 when there is no room, or -errno. */
static ssize_t send_some(struct connection *c, struct iovec *iov, unsigned int count, int fd)
{
	union {
		char bytes[CMSG_SPACE(sizeof(int))];
		struct cmsghdr align;
	} control = { 0 };
	struct msghdr m = { .msg_iov = iov, .msg_iovlen = count };
	ssize_t n;

	if (fd >= 0) {
		struct cmsghdr *h;

		m.msg_control = control.bytes;
		m.msg_controllen = sizeof(control.bytes);
		h = CMSG_FIRSTHDR(&m);
		h->cmsg_level = SOL_SOCKET;
		h->cmsg_type = SCM_RIGHTS;
		h->cmsg_len = CMSG_LEN(sizeof(int));
		memcpy(CMSG_DATA(h), &fd, sizeof(fd));
	}
	do
		n = sendmsg(c->fd, &m, MSG_NOSIGNAL | MSG_DONTWAIT);
	while (n < 0 && errno == EINTR);
	if (n < 0)
		return errno == EAGAIN ? 0 : -errno;
	return n;
}

int connection_send(struct connection *c, const struct vfio_user_header *header,
		    const void *payload, uint32_t size, int fd)
{
	uint32_t total = (uint32_t)sizeof(*header) + size;
	struct outgoing *out;
	ssize_t sent = 0;

	if (c->dead || c->broken)
		return -ENOTCONN;
	if (STAILQ_EMPTY(&c->queue)) {
		struct iovec iov[] = { { (void *)(uintptr_t)header, sizeof(*header) },
				       { (void *)(uintptr_t)payload, size } };

		sent = send_some(c, iov, size ? 2 : 1, fd);
		if (sent < 0) {
			connection_break(c, strerror((int)-sent));
			return (int)sent;
		}
		if ((uint32_t)sent == total)
			return 0;
	}
	out = malloc(sizeof(*out) + total);
	if (!out) {
		connection_break(c, "out of memory");
		return -ENOMEM;
	}
	out->size = total;
	out->sent = (uint32_t)sent;
	out->fd = sent ? -1 : fd;
	memcpy(out->data, header, sizeof(*header));
	if (size)
		memcpy(out->data + sizeof(*header), payload, size);
	STAILQ_INSERT_TAIL(&c->queue, out, link);
	c->queued += total - out->sent;
	if (!c->running)
		connection_update_events(c);
	return 0;
}

static void flush(struct connection *c)
{
	struct outgoing *out;

	while (!c->broken && (out = STAILQ_FIRST(&c->queue)) != NULL) {
		struct iovec iov = { out->data + out->sent, out->size - out->sent };
		ssize_t n = send_some(c, &iov, 1, out->fd);

		if (n < 0)
			connection_break(c, strerror((int)-n));
		if (n <= 0)
			return;
		out->fd = -1;
		out->sent += (uint32_t)n;
		c->queued -= (uint32_t)n;
		if (out->sent < out->size)
			return;
		STAILQ_REMOVE_HEAD(&c->queue, link);
		free(out);
	}
}

void *reply_buffer(struct connection *c, uint32_t size)
{
	if (size > c->reply_capacity) {
		uint8_t *p = realloc(c->reply, size);

		if (!p)
			return NULL;
		c->reply = p;
		c->reply_capacity = size;
	}
	memset(c->reply, 0, size);
	c->reply_size = size;
	return c->reply;
}

void send_reply(struct connection *c, int result)
{
	struct vfio_user_header header = {
		.id = c->message.header.id,
		.command = c->message.header.command,
		.size = sizeof(header),
		.flags = VFIO_USER_TYPE_REPLY,
	};

	if (c->message.header.flags & VFIO_USER_FLAG_NO_REPLY)
		return;
	if (result) {
		header.flags |= VFIO_USER_FLAG_ERROR;
		header.error = result > -4096 && result < 0 ? (uint32_t)-result : EINVAL;
		connection_send(c, &header, NULL, 0, -1);
		return;
	}
	header.size += c->reply_size;
	connection_send(c, &header, c->reply, c->reply_size, c->reply_fd);
}

/* Large messages are rare (a ROM, a fuzzer): do not keep a megabyte per function for them. */
static void trim(uint8_t **buffer, uint32_t *capacity)
{
	if (*capacity > KEEP_BUFFER_SIZE) {
		free(*buffer);
		*buffer = NULL;
		*capacity = 0;
	}
}

/* The message is executed, with success (0) or -errno: answer it and get ready for the next. */
static void finish(struct connection *c, int result)
{
	struct message *m = &c->message;

	message_drop_fds(m);
	c->server->stats.messages++;
	if (result) {
		c->server->stats.errors++;
		log_debug("%s: client %d: %s: %s", c->server->path, (int)c->pid,
			  command_name(m->header.command), strerror(-result));
	}
	if (!c->dead) {
		send_reply(c, result);
		if (result && c->phase == PHASE_HANDSHAKE)
			c->phase = PHASE_CLOSING; /* nobody continues after half a negotiation */
	}
	c->posted = m->header.flags & VFIO_USER_FLAG_NO_REPLY ? c->posted + 1 : 0;
	m->complete = false;
	m->received = 0;
	c->progress = 0;
	c->quiesce = false;
	c->result = 0;
	c->reply_size = 0;
	c->reply_fd = -1;
	trim(&m->body, &m->capacity);
	trim(&c->reply, &c->reply_capacity);
}

static void grace_over(struct quiesce_head *head)
{
	struct connection *c = container_of(head, struct connection, grace);

	c->quiescing = false;
	finish(c, c->result);
	if (!c->running)
		connection_update_events(c);
	connection_put(c);
}

/* Execute the message, or one more step of it. */
static void execute(struct connection *c)
{
	int result;

	if ((c->message.header.flags & VFIO_USER_FLAG_TYPE) == VFIO_USER_TYPE_REPLY) {
		dma_write_replied(c);
		message_drop_fds(&c->message);
		c->message.complete = false;
		c->message.received = 0;
		return;
	}
	result = command_execute(c);
	if (!c->dead && result == COMMAND_AGAIN)
		return;
	if (!c->dead && result == COMMAND_WAIT) {
		c->waiting = true;
		return;
	}
	if (result == VFIO_USER_QUIESCE) {
		c->quiesce = true;
		result = 0;
	}
	if (result > 0)
		result = -EINVAL;
	if (c->quiesce && !c->dead) {
		c->result = result;
		c->quiescing = true;
		c->refs++;
		quiesce_call(c->server->quiesce, &c->grace, grace_over);
		return;
	}
	finish(c, result);
}

/*
 * A driver that only writes waits for nobody: its next writes may come together. One that also asks (or maps, under a
 * guest IOMMU) would wait for its answer.
 */
static void be_patient(struct connection *c)
{
	const struct vfio_user_ops *ops = c->server->ops;
	struct timeval wait;
	uint64_t ns;

	if (c->posted < PATIENT_AFTER || c->message.received || connection_blocked(c) ||
	    !ops->patience_ns)
		return;
	ns = ops->patience_ns(c->server->ctx);
	if (!ns)
		return;
	wait.tv_sec = (time_t)(ns / NSEC_PER_SEC);
	wait.tv_usec = (suseconds_t)(ns % NSEC_PER_SEC / NSEC_PER_USEC);
	c->patient = true;
	event_add(&c->resume, &wait);
}

/* A client that was answered now rarely has sent its next message already: better ask the event loop. */
static bool is_answered(const struct connection *c)
{
	const struct message *m = &c->message;

	return !m->complete && !m->received && !(m->header.flags & VFIO_USER_FLAG_NO_REPLY);
}

static void connection_run(struct connection *c)
{
	uint64_t end = now_ns() + RUN_NS;
	int r = 1;

	c->refs++;
	c->running = true;
	for (int steps = RUN_STEPS; steps && !connection_blocked(c) && r > 0; steps--) {
		if (!c->message.complete)
			r = message_receive(c);
		if (!connection_blocked(c) && c->message.complete)
			execute(c);
		if (is_answered(c) || now_ns() > end)
			break;
	}
	c->running = false;
	if (c->dead) {
		message_drop_fds(&c->message);
	} else if (r < 0) {
		if (r != -ESHUTDOWN && log_ratelimit(&c->server->limit))
			log_info("%s: client %d: %s", c->server->path, (int)c->pid, strerror(-r));
		connection_close(c);
	} else {
		if (!r)
			be_patient(c);
		connection_update_events(c);
	}
	connection_put(c);
}

static void on_readable(evutil_socket_t fd, short events, void *arg)
{
	connection_run(arg);
}

static void on_writable(evutil_socket_t fd, short events, void *arg)
{
	struct connection *c = arg;

	flush(c);
	connection_update_events(c);
}

static void on_resume(evutil_socket_t fd, short events, void *arg)
{
	struct connection *c = arg;

	c->patient = false;
	if (c->broken)
		connection_close(c);
	else
		connection_run(c);
}

static void on_deadline(evutil_socket_t fd, short events, void *arg)
{
	struct connection *c = arg;

	if (c->phase == PHASE_RUNNING)
		return;
	if (c->phase == PHASE_HANDSHAKE && log_ratelimit(&c->server->limit))
		log_info("%s: client %d: no complete VERSION within %d s", c->server->path,
			 (int)c->pid, HANDSHAKE_SECONDS);
	connection_close(c);
}

int connection_open(struct vfio_user_server *server, int fd)
{
	static const struct timeval handshake = { HANDSHAKE_SECONDS, 0 };
	struct connection *c = calloc(1, sizeof(*c));
	struct ucred peer = { 0 };
	socklen_t size = sizeof(peer);

	if (!c) {
		close(fd);
		return -ENOMEM;
	}
	if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &size))
		peer.pid = 0;
	c->server = server;
	c->refs = 1;
	c->fd = fd;
	c->pid = peer.pid;
	c->reply_fd = -1;
	c->unmask_fd = -1;
	STAILQ_INIT(&c->queue);
	event_assign(&c->readable, server->base, fd, EV_READ | EV_PERSIST, on_readable, c);
	event_assign(&c->writable, server->base, fd, EV_WRITE | EV_PERSIST, on_writable, c);
	event_assign(&c->deadline, server->base, -1, 0, on_deadline, c);
	event_assign(&c->resume, server->base, -1, 0, on_resume, c);
	server->refs++;
	server->connection_count++;
	TAILQ_INSERT_TAIL(&server->connections, c, link);
	event_add(&c->readable, NULL);
	event_add(&c->deadline, &handshake);
	return 0;
}
