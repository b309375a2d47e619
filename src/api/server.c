/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * server.c - the management thread: libevent's HTTP server on a Unix socket.
 *
 * A request is checked in form (request.c) and submitted to the daemon, which answers whenever it is done, from its
 * own thread; those for the manager go to it, on this thread. The answer is put on a queue and the management thread is
 * woken to send it. A client that goes away meanwhile only loses its answer. The manager's own requests to the cards take
 * the same way and end in a function instead of a connection.
 */
#include "api/api.h"
#include "api/request.h"

#include <event2/buffer.h>
#include <event2/event.h>
#include <event2/http.h>
#include <event2/keyvalq_struct.h>
#include <event2/thread.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/queue.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "util/log.h"

#define MAX_BODY 65536
#define MAX_HEADERS 8192
#define REQUEST_TIMEOUT_S 30
#define BACKLOG 64

/** struct pending - a call and what is needed to answer it. */
struct pending {
	struct api_call call; /* first: api_answer() gets its address */
	struct api_server *server;
	struct evhttp_request *request; /* NULL: the client is gone, or it is ours */
	api_done *done;			/* of a request of our own */
	void *arg;
	int status;
	json_t *body;
	TAILQ_ENTRY(pending) link;
};

TAILQ_HEAD(pending_list, pending);

struct api_server {
	struct api_config config;
	char path[sizeof(((struct sockaddr_un *)0)->sun_path)];
	struct event_base *base;
	struct evhttp *http;
	struct event *wake;
	pthread_t thread;
	pthread_mutex_t lock; /* answered */
	struct pending_list answered;
	bool stopping, running;
};

static void send_json(struct evhttp_request *request, int status, const json_t *body)
{
	struct evbuffer *buffer = evbuffer_new();
	char *text = body ? json_dumps(body, JSON_INDENT(2)) : NULL;

	if (buffer && text)
		evbuffer_add_printf(buffer, "%s\n", text);
	evhttp_add_header(evhttp_request_get_output_headers(request), "Content-Type",
			  "application/json");
	evhttp_send_reply(request, status, NULL, buffer);
	free(text);
	if (buffer)
		evbuffer_free(buffer);
}

static void send_error(struct evhttp_request *request, int status, const char *why)
{
	json_t *body = json_pack("{s:s}", "error", why);

	send_json(request, status, body);
	json_decref(body);
}

static void on_client_gone(struct evhttp_connection *connection, void *ctx)
{
	struct pending *pending = ctx;

	(void)connection;
	pending->request = NULL;
}

static enum api_method method_of(struct evhttp_request *request)
{
	switch (evhttp_request_get_command(request)) {
	case EVHTTP_REQ_GET:
		return API_GET;
	case EVHTTP_REQ_PATCH:
		return API_PATCH;
	case EVHTTP_REQ_POST:
		return API_POST;
	case EVHTTP_REQ_DELETE:
		return API_DELETE;
	default:
		return API_OTHER;
	}
}

/* Hand the call to those who carry it out. */
static void dispatch(struct pending *pending)
{
	const struct api_config *config = &pending->server->config;

	if (pending->call.kind == API_MANAGE)
		config->manage(config->manage_ctx, &pending->call);
	else
		config->submit(config->ctx, &pending->call);
}

static void free_pending(struct pending *pending)
{
	json_decref(pending->call.body);
	json_decref(pending->body);
	free(pending);
}

static void on_request(struct evhttp_request *request, void *ctx)
{
	struct api_server *server = ctx;
	struct evbuffer *input = evhttp_request_get_input_buffer(request);
	size_t len = evbuffer_get_length(input);
	const char *path = evhttp_uri_get_path(evhttp_request_get_evhttp_uri(request));
	struct pending *pending = calloc(1, sizeof(*pending));
	struct reason why;
	int status;

	if (!pending) {
		send_error(request, HTTP_SERVUNAVAIL, "out of memory");
		return;
	}
	status = api_parse(method_of(request), path ? path : "",
			   (const char *)evbuffer_pullup(input, -1), len, &pending->call, &why);
	if (status) {
		free_pending(pending);
		send_error(request, status, why.text);
		return;
	}
	pending->server = server;
	pending->request = request;
	evhttp_connection_set_closecb(evhttp_request_get_connection(request), on_client_gone,
				      pending);
	dispatch(pending);
}

int api_request(struct api_server *server, enum api_method method, const char *path,
		const json_t *body, api_done *done, void *arg)
{
	struct pending *pending = calloc(1, sizeof(*pending));
	char *text = body ? json_dumps(body, JSON_COMPACT) : NULL;
	struct reason why = { "" };
	int status;

	if (!pending || (body && !text)) {
		free(pending);
		free(text);
		return -ENOMEM;
	}
	status = api_parse(method, path, text, text ? strlen(text) : 0, &pending->call, &why);
	free(text);
	pending->server = server;
	pending->done = done;
	pending->arg = arg;
	if (status)
		api_answer(&pending->call, status, json_pack("{s:s}", "error", why.text));
	else
		dispatch(pending);
	return 0;
}

static void finish(struct pending *pending)
{
	struct api_server *server = pending->server;
	enum api_kind kind = pending->call.kind;

	if (pending->status == HTTP_OK && server->config.changed &&
	    (kind == API_VF_SET || kind == API_PF_SET || kind == API_CARD_SET))
		server->config.changed(server->config.manage_ctx, &pending->call);
	if (pending->done)
		pending->done(pending->arg, pending->status, pending->body);
	if (pending->request) {
		evhttp_connection_set_closecb(evhttp_request_get_connection(pending->request), NULL,
					      NULL);
		send_json(pending->request, pending->status, pending->body);
	}
	free_pending(pending);
}

static void on_answers(evutil_socket_t fd, short events, void *ctx)
{
	struct api_server *server = ctx;
	struct pending_list ready = TAILQ_HEAD_INITIALIZER(ready);
	struct pending *pending;
	static const struct timeval last_words = { 0, 100000 }; /* for answers on their way out */

	(void)fd, (void)events;
	pthread_mutex_lock(&server->lock);
	TAILQ_CONCAT(&ready, &server->answered, link);
	if (server->stopping)
		event_base_loopexit(server->base, &last_words);
	pthread_mutex_unlock(&server->lock);

	while ((pending = TAILQ_FIRST(&ready))) {
		TAILQ_REMOVE(&ready, pending, link);
		finish(pending);
	}
}

void api_answer(struct api_call *call, int status, json_t *body)
{
	struct pending *pending = container_of(call, struct pending, call);
	struct api_server *server = pending->server;

	pending->status = status;
	pending->body = body;
	pthread_mutex_lock(&server->lock);
	TAILQ_INSERT_TAIL(&server->answered, pending, link);
	pthread_mutex_unlock(&server->lock);
	event_active(server->wake, EV_READ, 0);
}

void api_refuse(struct api_call *call, int error, const char *why)
{
	int status;

	switch (-error) {
	case EINVAL:
	case ERANGE:
		status = HTTP_BADREQUEST;
		break;
	case ENODEV:
	case ENOENT:
		status = HTTP_NOTFOUND;
		break;
	case ENOMEM:
	case ESHUTDOWN:
		status = HTTP_SERVUNAVAIL;
		break;
	default:
		status = 409;
	}
	api_answer(call, status, json_pack("{s:s}", "error", why));
}

/* Is somebody answering on @path? A socket file that nobody listens on is left over from a crash. */
static bool socket_in_use(const struct sockaddr_un *address)
{
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	bool used = fd >= 0 && connect(fd, (const struct sockaddr *)address, sizeof(*address)) == 0;

	if (fd >= 0)
		close(fd);
	return used;
}

static int listen_on(struct api_server *server, struct reason *why)
{
	const struct api_config *config = &server->config;
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	mode_t mask;
	int fd, error;
	bool bound;

	if (strlen(config->path) >= sizeof(address.sun_path))
		return refuse(why, -ENAMETOOLONG, "%s: socket path longer than %zu characters",
			      config->path, sizeof(address.sun_path) - 1);
	strcpy(address.sun_path, config->path);
	strcpy(server->path, config->path);
	if (socket_in_use(&address))
		return refuse(why, -EADDRINUSE,
			      "%s is in use: is another softiovd running? Stop it or use --run-dir",
			      config->path);
	unlink(config->path);
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0)
		return refuse(why, -errno, "socket: %s", strerror(errno));
	mask = umask(0777 & ~config->mode);
	error = bind(fd, (struct sockaddr *)&address, sizeof(address)) ? -errno : 0;
	umask(mask);
	bound = !error;
	if (!error && (config->owner != (uid_t)-1 || config->group != (gid_t)-1) &&
	    chown(config->path, config->owner, config->group))
		error = -errno;
	if (!error && listen(fd, BACKLOG))
		error = -errno;
	if (error) {
		if (bound)
			unlink(config->path);
		close(fd);
		return refuse(why, error, "%s: %s", config->path, strerror(-error));
	}
	return fd;
}

static void *serve(void *ctx)
{
	struct api_server *server = ctx;

	pthread_setname_np(pthread_self(), "softiov-api");
	event_base_dispatch(server->base);
	return NULL;
}

/* Answers that came too late to be sent: only those who asked from within still hear them. */
static void drop_answers(struct api_server *server)
{
	struct pending *pending;

	while ((pending = TAILQ_FIRST(&server->answered))) {
		TAILQ_REMOVE(&server->answered, pending, link);
		if (pending->request)
			evhttp_connection_set_closecb(
				evhttp_request_get_connection(pending->request), NULL, NULL);
		pending->request = NULL;
		finish(pending);
	}
}

static void free_server(struct api_server *server)
{
	server->config.changed = NULL;
	drop_answers(server);
	if (server->http)
		evhttp_free(server->http);
	if (server->wake)
		event_free(server->wake);
	if (server->base)
		event_base_free(server->base);
	pthread_mutex_destroy(&server->lock);
	free(server);
}

int api_create(struct api_server **result, const struct api_config *config, struct reason *why)
{
	struct api_server *server = calloc(1, sizeof(*server));
	int fd;

	if (!server)
		return refuse(why, -ENOMEM, "out of memory");
	evthread_use_pthreads();
	server->config = *config;
	pthread_mutex_init(&server->lock, NULL);
	TAILQ_INIT(&server->answered);
	server->base = event_base_new();
	server->http = server->base ? evhttp_new(server->base) : NULL;
	server->wake =
		server->base ? event_new(server->base, -1, EV_PERSIST, on_answers, server) : NULL;
	if (!server->http || !server->wake) {
		free_server(server);
		return refuse(why, -ENOMEM, "out of memory");
	}
	fd = listen_on(server, why);
	if (fd < 0) {
		free_server(server);
		return fd;
	}
	server->config.path = server->path;
	evhttp_set_allowed_methods(server->http, EVHTTP_REQ_GET | EVHTTP_REQ_PATCH |
							 EVHTTP_REQ_POST | EVHTTP_REQ_PUT |
							 EVHTTP_REQ_DELETE | EVHTTP_REQ_HEAD);
	evhttp_set_max_body_size(server->http, MAX_BODY);
	evhttp_set_max_headers_size(server->http, MAX_HEADERS);
	evhttp_set_timeout(server->http, REQUEST_TIMEOUT_S);
	evhttp_set_gencb(server->http, on_request, server);
	event_add(server->wake, NULL);
	if (evhttp_accept_socket(server->http, fd)) {
		close(fd);
		unlink(server->path);
		free_server(server);
		return refuse(why, -ENOMEM, "out of memory");
	}
	*result = server;
	return 0;
}

struct event_base *api_base(const struct api_server *server)
{
	return server->base;
}

int api_start(struct api_server *server, struct reason *why)
{
	int error = -pthread_create(&server->thread, NULL, serve, server);

	if (error)
		return refuse(why, error, "management thread: %s", strerror(-error));
	server->running = true;
	return 0;
}

void api_stop(struct api_server *server)
{
	if (!server)
		return;
	if (server->running) {
		pthread_mutex_lock(&server->lock);
		server->stopping = true;
		pthread_mutex_unlock(&server->lock);
		event_active(server->wake, EV_READ, 0);
		pthread_join(server->thread, NULL);
		server->running = false;
	}
	drop_answers(server);
}

void api_destroy(struct api_server *server)
{
	if (!server)
		return;
	unlink(server->path);
	free_server(server);
}
