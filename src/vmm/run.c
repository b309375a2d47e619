// SPDX-License-Identifier: BSD-3-Clause
/*
 * run.c - run a program to its end and collect what it says.
 *
 * For short questions only (a QEMU's version): the caller waits. A program that does not end in time, or a child of its
 * that keeps the pipe open, is left behind killed. posix_spawn() and not fork(): the daemon has threads and much memory.
 */
#include "vmm/internal.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <sys/pidfd.h>
#include <sys/wait.h>
#include <unistd.h>

#define FIRST_OTHER_FD 3
#define NSEC_PER_MSEC 1000000ull

extern char **environ;

/* All signals as a program expects them when it starts. */
static int plain_signals(posix_spawnattr_t *attr)
{
	sigset_t none, all;
	int error;

	sigemptyset(&none);
	sigfillset(&all);
	error = posix_spawnattr_setsigmask(attr, &none);
	if (!error)
		error = posix_spawnattr_setsigdefault(attr, &all);
	if (!error)
		error = posix_spawnattr_setflags(
			attr, POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETSID);
	return error;
}

int vmm_spawn_with_output(char *const argv[], int output, pid_t *pid)
{
	posix_spawn_file_actions_t actions;
	posix_spawnattr_t attr;
	int error;

	error = posix_spawn_file_actions_init(&actions);
	if (error)
		return -error;
	error = posix_spawnattr_init(&attr);
	if (error)
		goto out_actions;
	error = plain_signals(&attr);
	if (!error)
		error = posix_spawn_file_actions_addopen(&actions, STDIN_FILENO, "/dev/null",
							 O_RDONLY, 0);
	if (!error)
		error = posix_spawn_file_actions_adddup2(&actions, output, STDOUT_FILENO);
	if (!error)
		error = posix_spawn_file_actions_adddup2(&actions, output, STDERR_FILENO);
	if (!error)
		error = posix_spawn_file_actions_addclosefrom_np(&actions, FIRST_OTHER_FD);
	if (!error)
		error = posix_spawn(pid, argv[0], &actions, &attr, argv, environ);
	posix_spawnattr_destroy(&attr);
out_actions:
	posix_spawn_file_actions_destroy(&actions);
	return -error;
}

/* Until the other end is closed. Return: 0 or -ETIMEDOUT. */
static int collect(int fd, char *output, size_t size, uint64_t deadline)
{
	char rest[4096] = "";
	size_t used = 0;

	for (;;) {
		uint64_t now = now_ns();
		struct pollfd pfd = { .fd = fd, .events = POLLIN };
		bool full = used + 1 >= size;
		ssize_t n;

		output[used] = '\0';
		if (now >= deadline ||
		    poll(&pfd, 1, (int)((deadline - now) / NSEC_PER_MSEC) + 1) == 0)
			return -ETIMEDOUT;
		n = read(fd, full ? rest : output + used, full ? sizeof(rest) : size - used - 1);
		if (n > 0)
			used += full ? 0 : (size_t)n;
		else if (n == 0)
			return 0;
		else if (errno != EINTR && errno != EAGAIN)
			return -errno;
	}
}

/* Both its outputs may be closed long before it ends. Return: 0 or -errno: not until @deadline. */
static int await_end(pid_t pid, uint64_t deadline)
{
	struct pollfd pfd = { .fd = pidfd_open(pid, 0), .events = POLLIN };
	int n = -1;

	while (pfd.fd >= 0 && n < 0) {
		uint64_t now = now_ns();

		n = poll(&pfd, 1, now < deadline ? (int)((deadline - now) / NSEC_PER_MSEC) + 1 : 0);
		if (n < 0 && errno != EINTR)
			break;
	}
	if (pfd.fd >= 0)
		close(pfd.fd);
	return n > 0 ? 0 : -ETIMEDOUT;
}

int vmm_run(char *const argv[], char *output, size_t size, int timeout_ms, struct reason *why)
{
	uint64_t deadline = now_ns() + (uint64_t)timeout_ms * NSEC_PER_MSEC;
	int ends[2], status = 0, error;
	pid_t pid;

	if (pipe2(ends, O_CLOEXEC))
		return refuse(why, -errno, "cannot make a pipe: %s", strerror(errno));
	error = vmm_spawn_with_output(argv, ends[1], &pid);
	close(ends[1]);
	if (error) {
		close(ends[0]);
		return refuse(why, error, "cannot run %s: %s", argv[0], strerror(-error));
	}
	error = collect(ends[0], output, size, deadline);
	close(ends[0]);
	if (!error)
		error = await_end(pid, deadline);
	if (error)
		kill(-pid, SIGKILL);
	while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
		;
	if (error)
		return refuse(why, error, "%s does not end", argv[0]);
	return status;
}
