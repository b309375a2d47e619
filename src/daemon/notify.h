/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * notify.h - what the daemon tells the service manager that started it: that it is ready, that it stops, what it does, and
 * that it is alive. Device thread: a device thread that hangs sends no watchdog message any more, and is noticed.
 *
 * Without a service manager (no NOTIFY_SOCKET in the environment) every function does nothing.
 */
#ifndef SOFTIOV_DAEMON_NOTIFY_H
#define SOFTIOV_DAEMON_NOTIFY_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/socket.h>
#include <sys/un.h>

struct event;
struct event_base;

/**
 * struct notify - zeroed, then notify_open().
 * @fd: of a datagram socket, -1: nobody to tell
 * @period_us: of the watchdog's messages, half of what the service manager waits; 0: it does not watch
 * @ready, @stopping: has been said, or waits to be
 * @status: the last one, for a person
 * @unsent: what the service manager's full queue did not take: sent again, all of it, by the timer
 */
struct notify {
	int fd;
	struct sockaddr_un address;
	socklen_t length;
	uint64_t period_us;
	struct event *timer;
	bool ready, stopping, unsent;
	char status[128];
};

/**
 * notify_open() - read the environment, and take out of it what children must not say in our name. Before any thread.
 * A NOTIFY_SOCKET that is none is logged and ignored: the service manager will find out that nothing comes.
 */
void notify_open(struct notify *notify);

/** notify_watch() - from now on @base's turning is what the watchdog sees. Return: 0 or -ENOMEM. */
int notify_watch(struct notify *notify, struct event_base *base);

void notify_ready(struct notify *notify);
void notify_stopping(struct notify *notify);

/** notify_status() - one line; sent if it is another one than before. */
void notify_status(struct notify *notify, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

/** notify_close() - without a word. */
void notify_close(struct notify *notify);

#endif
