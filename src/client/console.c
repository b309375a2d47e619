/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * console.c - standard input and output joined to the Unix socket of a VM's serial console.
 *
 * A terminal is put in raw mode: every key is the guest's but Ctrl-], which ends. What is typed waits in a buffer while the
 * guest does not read, so that Ctrl-] works then, too. A pipe is passed on as it is; after its end the guest's output goes
 * on, so that "echo reboot | …" shows what comes of it, and a signal ends.
 */
#include "client/client.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <termios.h>
#include <unistd.h>

#define ESCAPE 0x1d /* Ctrl-] */
#define BUFFER 65536
#define CHUNK 4096

/** struct console - @typed: read from standard input and not yet taken by the guest. */
struct console {
	int sock;
	bool terminal, input_ended, ended;
	size_t typed;
	char buffer[BUFFER];
	struct termios saved;
};

static volatile sig_atomic_t interrupted;

static void on_signal(int number)
{
	interrupted = number;
}

static void set_up(struct console *console)
{
	struct sigaction action = { .sa_handler = on_signal };
	struct termios raw;

	sigaction(SIGINT, &action, NULL);
	sigaction(SIGTERM, &action, NULL);
	sigaction(SIGHUP, &action, NULL);
	signal(SIGPIPE, SIG_IGN);
	console->terminal = isatty(STDIN_FILENO) && !tcgetattr(STDIN_FILENO, &console->saved);
	if (!console->terminal)
		return;
	fprintf(stderr, "Connected; Ctrl-] ends.\n");
	raw = console->saved;
	cfmakeraw(&raw);
	tcsetattr(STDIN_FILENO, TCSADRAIN, &raw);
}

static void restore(const struct console *console)
{
	if (!console->terminal)
		return;
	tcsetattr(STDIN_FILENO, TCSADRAIN, &console->saved);
	fputc('\n', stderr);
}

static void read_input(struct console *console)
{
	char *at = console->buffer + console->typed;
	ssize_t got = read(STDIN_FILENO, at, sizeof(console->buffer) - console->typed);
	const char *escape;

	if (got <= 0) {
		console->input_ended = got == 0 || errno != EINTR;
		return;
	}
	escape = console->terminal ? memchr(at, ESCAPE, (size_t)got) : NULL;
	console->ended = escape;
	console->typed += escape ? (size_t)(escape - at) : (size_t)got;
}

static void send_typed(struct console *console)
{
	ssize_t sent =
		send(console->sock, console->buffer, console->typed, MSG_DONTWAIT | MSG_NOSIGNAL);

	if (sent <= 0)
		return;
	console->typed -= (size_t)sent;
	memmove(console->buffer, console->buffer + sent, console->typed);
}

static void show_output(struct console *console)
{
	char data[CHUNK];
	ssize_t got = recv(console->sock, data, sizeof(data), MSG_DONTWAIT);
	ssize_t at = 0, put;

	if (got <= 0) {
		console->ended = got == 0 || (errno != EAGAIN && errno != EINTR);
		return;
	}
	while (at < got && !interrupted) {
		put = write(STDOUT_FILENO, data + at, (size_t)(got - at));
		if (put < 0 && errno != EINTR) {
			console->ended = true; /* nobody reads it any more */
			return;
		}
		at += put > 0 ? put : 0;
	}
}

static void join(struct console *console)
{
	while (!console->ended && !interrupted) {
		bool room = console->typed < sizeof(console->buffer);
		struct pollfd fds[] = {
			{ .fd = console->sock,
			  .events = (short)(POLLIN | (console->typed ? POLLOUT : 0)) },
			{ .fd = console->input_ended || !room ? -1 : STDIN_FILENO,
			  .events = POLLIN },
		};

		if (poll(fds, 2, -1) < 0)
			continue;
		if (fds[1].revents)
			read_input(console);
		if (console->typed)
			send_typed(console);
		if (fds[0].revents & ~POLLOUT)
			show_output(console);
	}
}

static int attach(const char *path, struct client_refusal *why)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	static struct console console;

	if (strlen(path) >= sizeof(address.sun_path))
		return client_refuse(why, "", NULL, "console %s: the path is too long", path);
	memcpy(address.sun_path, path, strlen(path) + 1);
	console.sock = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (console.sock < 0 ||
	    connect(console.sock, (const struct sockaddr *)&address, sizeof(address))) {
		client_refuse(why, "", NULL, "console %s: %s", path, strerror(errno));
		if (console.sock >= 0)
			close(console.sock);
		return CLIENT_REFUSED;
	}
	set_up(&console);
	join(&console);
	restore(&console);
	close(console.sock);
	return 0;
}

int client_console(const char *socket, const char *uuid, struct client_refusal *why)
{
	json_t *answer = client_vm_call(socket, "GET", uuid, "console", NULL, why);
	const char *path = json_string_value(json_object_get(answer, "socket"));
	int error;

	if (!answer)
		return CLIENT_REFUSED;
	if (path && json_is_true(json_object_get(answer, "running")))
		error = attach(path, why);
	else
		error = client_refuse(why, "VM_BAD_POWER_STATE",
				      json_pack("[sss]", uuid, "running", "halted"),
				      "VM %s does not run: there is no console", uuid);
	json_decref(answer);
	return error;
}
