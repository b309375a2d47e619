// SPDX-License-Identifier: BSD-3-Clause
/*
 * adopt.c - take over a QEMU that an earlier daemon started.
 *
 * QEMU itself wrote its process's number to the file "pid" (-pidfile). A number can
 * be another process's by now: so the process must have our VM's uuid on its command line.
 * The monitor is then connected to as after a start; a QEMU whose processors run is told as running once more.
 */
#include "vmm/internal.h"

#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define COMMAND_BYTES (256u * 1024)

/* The whole of a small file. Return: its length or -errno. */
static ssize_t read_file(const char *path, char *text, size_t size)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
	size_t used = 0;
	ssize_t n = 0;

	if (fd < 0)
		return -errno;
	while (used < size && (n = read(fd, text + used, size - used)) > 0)
		used += (size_t)n;
	n = n < 0 ? -errno : (ssize_t)used;
	close(fd);
	return n;
}

static pid_t noted_pid(const char *dir)
{
	char path[VMM_PATH_MAX], text[32] = "", *end;
	ssize_t n;
	long pid;

	if (snprintf(path, sizeof(path), "%s/" VMM_PID, dir) >= (int)sizeof(path))
		return 0;
	n = read_file(path, text, sizeof(text) - 1);
	if (n <= 0)
		return 0;
	pid = strtol(text, &end, 10);
	return (*end == '\n' || !*end) && pid > 1 && pid <= INT_MAX ? (pid_t)pid : 0;
}

/* Is @uuid the word behind -uuid on the process's command line? */
static bool runs_vm(pid_t pid, const char *uuid)
{
	char path[64], *text = malloc(COMMAND_BYTES);
	bool found = false, option = false;
	ssize_t length, at = 0;

	snprintf(path, sizeof(path), "/proc/%d/cmdline", pid);
	length = text ? read_file(path, text, COMMAND_BYTES - 1) : 0;
	if (length > 0)
		text[length] = '\0';
	while (!found && at < length) {
		found = option && !strcmp(text + at, uuid);
		option = !strcmp(text + at, "-uuid");
		at += (ssize_t)strlen(text + at) + 1;
	}
	free(text);
	return found;
}

int vmm_adopt(struct vmm_vm **vm, struct event_base *base, const char *dir, const char *uuid,
	      const struct vmm_ops *ops, struct reason *why)
{
	pid_t pid = noted_pid(dir);
	int error;

	if (!pid || !runs_vm(pid, uuid))
		return refuse(why, -ESRCH, "no QEMU runs in %s", dir);
	error = vmm_supervise(vm, base, dir, pid, false, ops, why);
	/* It may have ended, and its number be another's, between the look and the pidfd. */
	if (!error && !runs_vm(pid, uuid)) {
		vmm_free(*vm);
		error = refuse(why, -ESRCH, "no QEMU runs in %s", dir);
	}
	return error;
}
