// SPDX-License-Identifier: BSD-3-Clause
/*
 * The agent: process 1 of a test guest. Runs shell commands for the test harness (tools/lab/lab),
 * any number of them side by side, and hands back their output and exit status exactly.
 *
 * Transport: the virtio-serial port named "softiov.agent", a byte stream whose other end is a Unix
 * socket of QEMU. Both directions carry frames, a struct frame followed by `length` bytes:
 *
 *   harness -> agent   HELLO   any bytes      answered by a HELLO with the same bytes
 *                      RUN     command line   run by /bin/sh in a session of its own; `id` names it
 *                      STDIN   bytes          to its standard input; no bytes: end of file
 *                      SIGNAL  int32          to its process group
 *   agent -> harness   HELLO
 *                      STDOUT, STDERR  bytes  in the order the command wrote them, per stream
 *                      EXIT    int32          wait(2) status; the last frame of a command
 *
 * A command has ended when its shell has: what background processes write to inherited pipes later
 * is lost.
 *
 * Each frame to the harness goes out in one write(), which virtio_console turns into one buffer, so
 * a guest that resets leaves no half frame behind. The harness reconnects after a reset, which
 * drops what was under way; a reader that sees no magic skips bytes until it does.
 *
 * As process 1 the agent also reaps orphans. It never exits.
 */
#define _GNU_SOURCE
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/signalfd.h>
#include <sys/wait.h>
#include <unistd.h>

#define PORT_NAME "softiov.agent"
#define FRAME_MAGIC 0x41495453u /* "STIA" */
#define CHUNK 8192		/* bytes of output per frame */
#define PAYLOAD_MAX 65536	/* bytes the harness may put into one frame */
#define COMMANDS_MAX 64

enum frame_type { HELLO = 1, RUN, STDIN, SIGNAL, STDOUT, STDERR, EXIT };

struct frame {
	uint32_t magic;
	uint32_t type;
	uint32_t id;
	uint32_t length;
};

/**
 * struct command - a command under way
 * @pid: its shell, 0 if this slot is free
 * @id: the harness's name for it
 * @fd: our ends of its standard input, output and error; -1 once closed
 * @input: bytes for its standard input that the pipe had no room for
 * @input_size: number of those bytes
 * @input_ended: close standard input once @input has drained
 */
struct command {
	pid_t pid;
	uint32_t id;
	int fd[3];
	char *input;
	size_t input_size;
	int input_ended;
};

static struct command commands[COMMANDS_MAX];
static int port;

static void complain(const char *what)
{
	fprintf(stderr, "agent: %s: %s\n", what, strerror(errno));
}

/* Find and open the harness's port. Without udev only sysfs knows the ports' names. */
static int open_port(void)
{
	char path[300], name[64];
	struct dirent *entry;
	DIR *dir = opendir("/sys/class/virtio-ports");
	int found = -1;

	while (dir && found < 0 && (entry = readdir(dir))) {
		FILE *file;

		snprintf(path, sizeof(path), "/sys/class/virtio-ports/%s/name", entry->d_name);
		file = fopen(path, "r");
		if (!file)
			continue;
		if (fgets(name, sizeof(name), file) && !strcmp(name, PORT_NAME "\n")) {
			snprintf(path, sizeof(path), "/dev/%s", entry->d_name);
			found = open(path, O_RDWR | O_CLOEXEC);
		}
		fclose(file);
	}
	if (dir)
		closedir(dir);
	return found;
}

/* Blocks while the harness does not read: commands then stall on full pipes, nothing is lost. */
static void send_frame(enum frame_type type, uint32_t id, const void *data, size_t length)
{
	static char buffer[sizeof(struct frame) + PAYLOAD_MAX];
	struct frame frame = { FRAME_MAGIC, type, id, length };
	size_t total = sizeof(frame) + length, done = 0;

	memcpy(buffer, &frame, sizeof(frame));
	memcpy(buffer + sizeof(frame), data, length);
	while (done < total) {
		ssize_t n = write(port, buffer + done, total - done);

		if (n > 0)
			done += n;
		else if (n < 0 && errno != EINTR && errno != EAGAIN)
			return complain("write to harness");
	}
}

static void send_exit(uint32_t id, int32_t status)
{
	send_frame(EXIT, id, &status, sizeof(status));
}

static struct command *find_command(uint32_t id)
{
	for (struct command *c = commands; c < commands + COMMANDS_MAX; c++)
		if (c->pid && c->id == id)
			return c;
	return NULL;
}

static void close_fd(int *fd)
{
	if (*fd >= 0)
		close(*fd);
	*fd = -1;
}

/* Pass on one chunk of output. Returns 0 when there is none now. */
static int pump_output(struct command *c, int stream)
{
	char data[CHUNK];
	ssize_t n;

	if (c->fd[stream] < 0)
		return 0;
	n = read(c->fd[stream], data, sizeof(data));
	if (n > 0)
		send_frame(stream == 1 ? STDOUT : STDERR, c->id, data, n);
	else if (n == 0 || errno != EAGAIN)
		close_fd(&c->fd[stream]);
	return n > 0;
}

static void pump_input(struct command *c)
{
	ssize_t n;

	if (c->fd[0] >= 0 && c->input_size) {
		n = write(c->fd[0], c->input, c->input_size);
		if (n > 0) {
			c->input_size -= n;
			memmove(c->input, c->input + n, c->input_size);
		} else if (n < 0 && errno != EAGAIN) {
			close_fd(&c->fd[0]);
		}
	}
	if (c->input_ended && !c->input_size)
		close_fd(&c->fd[0]);
}

static void take_input(struct command *c, const char *data, size_t length)
{
	char *grown;

	if (!length) {
		c->input_ended = 1;
	} else {
		grown = realloc(c->input, c->input_size + length);
		if (!grown)
			return complain("standard input");
		memcpy(grown + c->input_size, data, length);
		c->input = grown;
		c->input_size += length;
	}
	pump_input(c);
}

static void run_child(const char *line, int in, int out, int err)
{
	sigset_t none;

	setsid();
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	signal(SIGPIPE, SIG_DFL);
	dup2(in, 0);
	dup2(out, 1);
	dup2(err, 2);
	execl("/bin/sh", "sh", "-c", line, NULL);
	_exit(127);
}

static void start_command(uint32_t id, const char *line)
{
	int in[2] = { -1, -1 }, out[2] = { -1, -1 }, err[2] = { -1, -1 };
	struct command *c = commands;
	pid_t pid = -1;

	while (c < commands + COMMANDS_MAX && c->pid)
		c++;
	if (c < commands + COMMANDS_MAX && !pipe2(in, O_CLOEXEC) && !pipe2(out, O_CLOEXEC) &&
	    !pipe2(err, O_CLOEXEC))
		pid = fork();
	if (!pid)
		run_child(line, in[0], out[1], err[1]);
	close_fd(&in[0]);
	close_fd(&out[1]);
	close_fd(&err[1]);
	if (pid < 0) {
		static const char why[] = "agent: too many commands at once\n";

		close_fd(&in[1]);
		close_fd(&out[0]);
		close_fd(&err[0]);
		send_frame(STDERR, id, why, sizeof(why) - 1);
		send_exit(id, 126 << 8);
		return;
	}
	*c = (struct command){ .pid = pid, .id = id, .fd = { in[1], out[0], err[0] } };
	for (int i = 0; i < 3; i++)
		fcntl(c->fd[i], F_SETFL, O_NONBLOCK);
}

static void end_command(struct command *c, int status)
{
	for (int stream = 1; stream <= 2; stream++)
		while (pump_output(c, stream))
			;
	for (int i = 0; i < 3; i++)
		close_fd(&c->fd[i]);
	free(c->input);
	send_exit(c->id, status);
	c->pid = 0;
}

static void reap(void)
{
	int status;
	pid_t pid;

	while ((pid = waitpid(-1, &status, WNOHANG)) > 0)
		for (struct command *c = commands; c < commands + COMMANDS_MAX; c++)
			if (c->pid == pid)
				end_command(c, status);
}

/* @data is followed by a NUL that is not part of @length. */
static void handle_frame(const struct frame *frame, const char *data)
{
	struct command *c = find_command(frame->id);
	int32_t number;

	switch (frame->type) {
	case HELLO:
		send_frame(HELLO, frame->id, data, frame->length);
		break;
	case RUN:
		start_command(frame->id, data);
		break;
	case STDIN:
		if (c)
			take_input(c, data, frame->length);
		break;
	case SIGNAL:
		if (c && frame->length == sizeof(number)) {
			memcpy(&number, data, sizeof(number));
			kill(-c->pid, number);
		}
		break;
	}
}

/* Read what the harness sent and handle every frame that is complete. */
static void receive(void)
{
	static char buffer[2 * (sizeof(struct frame) + PAYLOAD_MAX)];
	static size_t have;
	ssize_t n = read(port, buffer + have, sizeof(buffer) - 1 - have);
	size_t at = 0;

	if (n <= 0) { /* the harness has gone; it starts afresh when it comes back */
		have = 0;
		usleep(20000);
		return;
	}
	have += n;
	while (have - at >= sizeof(struct frame)) {
		struct frame frame;
		char *data = buffer + at + sizeof(frame), saved;

		memcpy(&frame, buffer + at, sizeof(frame));
		if (frame.magic != FRAME_MAGIC || frame.length > PAYLOAD_MAX) {
			at++;
			continue;
		}
		if (have - at < sizeof(frame) + frame.length)
			break;
		saved = data[frame.length];
		data[frame.length] = 0;
		handle_frame(&frame, data);
		data[frame.length] = saved;
		at += sizeof(frame) + frame.length;
	}
	have -= at;
	memmove(buffer, buffer + at, have);
}

static int block_signals(void)
{
	sigset_t set;

	signal(SIGPIPE, SIG_IGN);
	sigemptyset(&set);
	sigaddset(&set, SIGCHLD);
	sigprocmask(SIG_BLOCK, &set, NULL);
	return signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
}

int main(void)
{
	int signals = block_signals();

	for (int tries = 0; (port = open_port()) < 0; tries++) {
		if (tries == 100)
			complain("no virtio-serial port " PORT_NAME);
		usleep(50000);
	}
	printf("agent: ready\n");
	fflush(stdout);
	for (;;) {
		struct pollfd fds[2 + 3 * COMMANDS_MAX] = { { port, POLLIN, 0 },
							    { signals, POLLIN, 0 } };
		struct pollfd *fd = fds + 2;
		struct signalfd_siginfo info;

		for (struct command *c = commands; c < commands + COMMANDS_MAX; c++, fd += 3)
			for (int i = 0; i < 3; i++) {
				fd[i].fd = c->pid && (i || c->input_size) ? c->fd[i] : -1;
				fd[i].events = i ? POLLIN : POLLOUT;
			}
		if (poll(fds, sizeof(fds) / sizeof(*fds), -1) < 0)
			continue;
		fd = fds + 2;
		for (struct command *c = commands; c < commands + COMMANDS_MAX; c++, fd += 3) {
			if (!c->pid)
				continue;
			if (fd[0].revents)
				pump_input(c);
			for (int stream = 1; stream <= 2; stream++)
				if (fd[stream].revents)
					pump_output(c, stream);
		}
		if (fds[1].revents) {
			while (read(signals, &info, sizeof(info)) > 0)
				;
			reap();
		}
		if (fds[0].revents)
			receive();
	}
}
