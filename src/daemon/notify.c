/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * notify.c - the protocol of sd_notify(3): one datagram of NAME=VALUE lines to the Unix socket that NOTIFY_SOCKET names; a
 * leading '@' there means the abstract name space. WATCHDOG_USEC, when WATCHDOG_PID is ours or not given, is how long the
 * service manager waits for the next WATCHDOG=1 (sd_watchdog_enabled(3) advises half of it as period).
 *
 * This is not libsystemd's sd_notify() because that one waits when the service manager's queue is full, and every guest's
 * register access would wait with it. Here a message that does not fit is sent again a moment later; since all that we say is
 * a state (ready, stopping, status, alive), what is sent again is the state of then.
 */
#include "daemon/notify.h"

#include <errno.h>
#include <event2/event.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "util/log.h"
#include "util/util.h"

#define AGAIN_US 100000

static int parse_address(struct notify *notify, const char *name)
{
	size_t length = strlen(name);

	if ((name[0] != '/' && name[0] != '@') || !name[1] ||
	    length >= sizeof(notify->address.sun_path))
		return -EINVAL;
	notify->address.sun_family = AF_UNIX;
	memcpy(notify->address.sun_path, name, length);
	if (name[0] == '@')
		notify->address.sun_path[0] = '\0';
	notify->length = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + length);
	return 0;
}

static uint64_t parse_period(void)
{
	const char *usec = getenv("WATCHDOG_USEC"), *pid = getenv("WATCHDOG_PID");

	if (!usec || (pid && strtoll(pid, NULL, 10) != getpid()))
		return 0;
	return strtoull(usec, NULL, 10) / 2;
}

void notify_open(struct notify *notify)
{
	static const char *const names[] = { "NOTIFY_SOCKET", "WATCHDOG_USEC", "WATCHDOG_PID" };
	const char *name = getenv(names[0]);

	notify->fd = -1;
	if (!name)
		return;
	if (parse_address(notify, name)) {
		log_warning("NOTIFY_SOCKET '%s' is not the address of a socket", name);
		return;
	}
	notify->fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (notify->fd < 0)
		log_warning("NOTIFY_SOCKET: %s", strerror(errno));
	notify->period_us = parse_period();
	for (unsigned int i = 0; i < ARRAY_SIZE(names); i++)
		unsetenv(names[i]);
}

/* Return: may the message be forgotten? Nobody reads it, or somebody did. */
static bool try_send(const struct notify *notify, const char *text)
{
	ssize_t n = sendto(notify->fd, text, strlen(text), MSG_NOSIGNAL,
			   (const struct sockaddr *)&notify->address, notify->length);

	return n >= 0 || (errno != EAGAIN && errno != EINTR && errno != ENOBUFS);
}

static void arm(struct notify *notify)
{
	uint64_t us = notify->unsent ? AGAIN_US : notify->period_us;
	struct timeval after;

	if (!notify->timer || !us)
		return;
	if (notify->period_us && us > notify->period_us)
		us = notify->period_us;
	after.tv_sec = (time_t)(us / 1000000);
	after.tv_usec = (suseconds_t)(us % 1000000);
	event_add(notify->timer, &after);
}

static void say(struct notify *notify, const char *text)
{
	if (notify->fd < 0 || try_send(notify, text))
		return;
	notify->unsent = true;
	arm(notify);
}

/* All that is to be known, in one message. */
static bool say_state(const struct notify *notify)
{
	char text[sizeof(notify->status) + 64];

	snprintf(text, sizeof(text), "WATCHDOG=1\n%s%s%s", notify->ready ? "READY=1\n" : "",
		 notify->stopping ? "STOPPING=1\n" : "", notify->status);
	return try_send(notify, text);
}

static void on_timer(evutil_socket_t fd, short events, void *ctx)
{
	struct notify *notify = ctx;

	(void)fd, (void)events;
	if (notify->unsent)
		notify->unsent = !say_state(notify);
	else
		notify->unsent = !try_send(notify, "WATCHDOG=1");
	arm(notify);
}

int notify_watch(struct notify *notify, struct event_base *base)
{
	if (notify->fd < 0)
		return 0;
	notify->timer = event_new(base, -1, 0, on_timer, notify);
	if (!notify->timer)
		return -ENOMEM;
	arm(notify);
	return 0;
}

void notify_ready(struct notify *notify)
{
	if (!notify->ready)
		say(notify, "READY=1");
	notify->ready = true;
}

void notify_stopping(struct notify *notify)
{
	if (!notify->stopping)
		say(notify, "STOPPING=1");
	notify->stopping = true;
}

void notify_status(struct notify *notify, const char *format, ...)
{
	char status[sizeof(notify->status)] = "STATUS=";
	size_t used = strlen(status);
	va_list args;

	va_start(args, format);
	vsnprintf(status + used, sizeof(status) - used, format, args);
	va_end(args);
	if (!strcmp(status, notify->status))
		return;
	strcpy(notify->status, status);
	say(notify, status);
}

void notify_close(struct notify *notify)
{
	if (notify->timer)
		event_free(notify->timer);
	notify->timer = NULL;
	if (notify->fd >= 0)
		close(notify->fd);
	notify->fd = -1;
}
