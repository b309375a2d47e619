// SPDX-License-Identifier: BSD-3-Clause
/*
 * server.c - one function's socket: who may be the client of the device behind it, and when.
 *
 * A device has one client. Every connection may shake hands; the first whose VERSION is accepted
 * becomes the client, so somebody who connects and stays silent keeps nobody out. A later VERSION
 * is answered EBUSY: QEMU fails at once with a message, while an unanswered one would hang for
 * five seconds.
 *
 * When the client is gone the device drops its maps and eventfds, which takes a grace period. A
 * new client may arrive before that is over, or even before the end of file of the old one was
 * read (a restarted VM is quick): it waits, one at a time, and its VERSION is answered when no
 * trace of the predecessor is left.
 *
 * Whoever may open the socket may do so a thousand times a second: every message that he can cause
 * goes through the server's rate limit.
 *
 * The server's memory lives as long as its owner, a connection or a grace period needs it.
 */
#include "vfio_user/connection.h"

#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#define MAX_CONNECTIONS 8
#define ACCEPT_PAUSE_MS 100

void server_put(struct vfio_user_server *server)
{
	if (--server->refs)
		return;
	free(server->path);
	free(server);
}

/* The way is free: let the waiter repeat its VERSION. */
static void wake_waiter(struct vfio_user_server *server)
{
	struct connection *waiter = server->waiter;

	if (!waiter || server->client || server->draining)
		return;
	server->waiter = NULL;
	connection_resume(waiter);
}

int server_admit(struct vfio_user_server *server, struct connection *c)
{
	struct reason why = { "" };
	int result;

	if (server->dead)
		return -ESHUTDOWN;
	if (server->client || server->draining) {
		if (server->waiter || (server->client && !connection_hung_up(server->client))) {
			if (log_ratelimit(&server->limit))
				log_info("%s: client %d: refused, client %d is connected",
					 server->path, (int)c->pid,
					 (int)vfio_user_server_client(server));
			return -EBUSY;
		}
		server->waiter = c;
		return COMMAND_WAIT;
	}
	result = server->ops->connected(server->ctx, c->pid, &why);
	if (result < 0) {
		if (log_ratelimit(&server->limit))
			log_warning("%s: client %d: refused: %s", server->path, (int)c->pid,
				    why.text[0] ? why.text : strerror(-result));
		return result;
	}
	if (c->dead)
		return -ENOTCONN; /* the op destroyed us: connection_close() could not know of a
				     client */
	server->client = c;
	server->stats.connects++;
	if (log_ratelimit(&server->limit))
		log_info("%s: client %d: connected", server->path, (int)c->pid);
	return result;
}

static void drained(struct quiesce_head *head)
{
	struct vfio_user_server *server = container_of(head, struct vfio_user_server, drain);

	server->draining = false;
	wake_waiter(server);
	server_put(server);
}

void server_forget(struct vfio_user_server *server, struct connection *c)
{
	TAILQ_REMOVE(&server->connections, c, link);
	server->connection_count--;
	if (server->waiter == c)
		server->waiter = NULL;
	if (server->client != c)
		return;
	server->client = NULL;
	if (log_ratelimit(&server->limit))
		log_info("%s: client %d: gone", server->path, (int)c->pid);
	if (server->ops->disconnected(server->ctx) == VFIO_USER_QUIESCE) {
		server->draining = true;
		server->refs++;
		quiesce_call(server->quiesce, &server->drain, drained);
	} else {
		wake_waiter(server);
	}
}

static void pause_accept(struct vfio_user_server *server)
{
	static const struct timeval pause = { 0, ACCEPT_PAUSE_MS * 1000 };

	event_del(&server->acceptable);
	event_add(&server->accept_again, &pause);
}

static void on_accept_again(evutil_socket_t fd, short events, void *arg)
{
	struct vfio_user_server *server = arg;

	event_add(&server->acceptable, NULL);
}

static void on_acceptable(evutil_socket_t listener, short events, void *arg)
{
	struct vfio_user_server *server = arg;
	int fd = accept4(listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);

	if (fd < 0) {
		/* Out of descriptors or memory: the event stays ready, do not spin on it. */
		if (errno != EAGAIN && errno != EINTR && errno != ECONNABORTED) {
			if (log_ratelimit(&server->limit))
				log_error("%s: cannot accept: %s", server->path, strerror(errno));
			pause_accept(server);
		}
		return;
	}
	if (server->connection_count >= MAX_CONNECTIONS) {
		if (log_ratelimit(&server->limit))
			log_warning("%s: too many connections, closing a new one", server->path);
		close(fd);
		return;
	}
	if (connection_open(server, fd) && log_ratelimit(&server->limit))
		log_error("%s: out of memory", server->path);
}

int vfio_user_server_create(struct vfio_user_server **out, struct event_base *base,
			    struct quiesce *quiesce, const struct vfio_user_listen *listen,
			    const struct vfio_user_ops *ops, void *ctx, struct reason *why)
{
	struct vfio_user_server *server = calloc(1, sizeof(*server));
	int error;

	if (!server)
		return refuse(why, -ENOMEM, "%s: out of memory", listen->path);
	server->base = base;
	server->quiesce = quiesce;
	server->ops = ops;
	server->ctx = ctx;
	server->refs = 1;
	server->fd = -1;
	TAILQ_INIT(&server->connections);
	server->path = strdup(listen->path);
	if (!server->path) {
		error = refuse(why, -ENOMEM, "%s: out of memory", listen->path);
		goto fail;
	}
	error = listen_open(server, listen, why);
	if (error)
		goto fail;
	event_assign(&server->acceptable, base, server->fd, EV_READ | EV_PERSIST, on_acceptable,
		     server);
	event_assign(&server->accept_again, base, -1, 0, on_accept_again, server);
	event_add(&server->acceptable, NULL);
	*out = server;
	return 0;

fail:
	server_put(server);
	return error;
}

void vfio_user_server_destroy(struct vfio_user_server *server)
{
	struct connection *c;

	if (!server)
		return;
	server->waiter = NULL;
	event_del(&server->acceptable);
	event_del(&server->accept_again);
	listen_close(server);
	while ((c = TAILQ_FIRST(&server->connections)) != NULL)
		connection_close(c);
	server->dead = true;
	server_put(server);
}

void vfio_user_server_disconnect(struct vfio_user_server *server, const char *why)
{
	if (server->client)
		connection_break(server->client, why);
}

pid_t vfio_user_server_client(const struct vfio_user_server *server)
{
	return server->client ? server->client->pid : 0;
}

const struct vfio_user_stats *vfio_user_server_stats(const struct vfio_user_server *server)
{
	return &server->stats;
}
