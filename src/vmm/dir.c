// SPDX-License-Identifier: BSD-3-Clause
/*
 * dir.c - a VM's directory: made, cleared for the next run, kept from growing without end, and removed.
 *
 * Both logs are written by QEMU, opened for appending: the console's at the guest's bidding, its own maybe too (a device
 * that complains of a driver). The directory is mostly on a tmpfs, so a guest that writes for ever would take the host's
 * memory. Whoever appends goes on at the end, wherever that is now: so a log that got long is copied away and cut to
 * nothing under QEMU's hands. What comes in between is lost. Space for the copy may be short; the log is cut anyway.
 */
#include "vmm/internal.h"

#include <fcntl.h>
#include <stdio.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <unistd.h>

#include "util/log.h"

#define DIR_MODE 0700
#define FILE_MODE 0600
#define DIR_BYTES (VMM_PATH_MAX - 32) /* vmm_start() allows for far less */

/* From where @in stands to its end. */
static int copy(int in, int out)
{
	ssize_t n;

	do
		n = sendfile(out, in, NULL, VMM_LOG_MAX);
	while (n > 0);
	return n < 0 ? -errno : 0;
}

/* There as a whole or not at all: what is there is kept by every later start. */
static int copy_file(const char *from, const char *to, struct reason *why)
{
	int in = open(from, O_RDONLY | O_CLOEXEC), out = -1, error = in < 0 ? -errno : 0;
	char half[VMM_PATH_MAX];

	if (!error && snprintf(half, sizeof(half), "%s" VMM_NEW, to) >= (int)sizeof(half))
		error = -ENAMETOOLONG;
	if (!error) {
		out = open(half, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, FILE_MODE);
		error = out < 0 ? -errno : copy(in, out);
	}
	if (out >= 0 && close(out) && !error)
		error = -errno;
	if (!error && rename(half, to))
		error = -errno;
	if (error && out >= 0)
		unlink(half);
	if (in >= 0)
		close(in);
	return error ? refuse(why, error, "cannot copy %s to %s: %s", from, to, strerror(-error))
		     : 0;
}

/* Ours and nobody else's, also if it was there: whoever may write in it has QEMU's monitor. */
static int make_dir(const char *dir, struct reason *why)
{
	struct stat st;

	if (mkdir(dir, DIR_MODE) && errno != EEXIST)
		return refuse(why, -errno, "cannot make %s: %s", dir, strerror(errno));
	if (lstat(dir, &st))
		return refuse(why, -errno, "%s: %s", dir, strerror(errno));
	if (!S_ISDIR(st.st_mode))
		return refuse(why, -ENOTDIR, "%s: not a directory", dir);
	if (st.st_uid != geteuid())
		return refuse(why, -EPERM, "%s belongs to another user", dir);
	if ((st.st_mode & ALLPERMS) != DIR_MODE && chmod(dir, DIR_MODE))
		return refuse(why, -errno, "%s: %s", dir, strerror(errno));
	return 0;
}

static int remove_stale(const char *dir, struct reason *why)
{
	static const char *const stale[] = { VMM_QMP, VMM_CONSOLE, VMM_PID };
	char path[VMM_PATH_MAX];

	for (unsigned int i = 0; i < ARRAY_SIZE(stale); i++) {
		snprintf(path, sizeof(path), "%s/%s", dir, stale[i]);
		if (unlink(path) && errno != ENOENT)
			return refuse(why, -errno, "cannot remove %s: %s", path, strerror(errno));
	}
	return 0;
}

/* Nothing but what is ours by name: whoever put something else there may want it. */
void vmm_forget_dir(const char *dir)
{
	static const char *const names[] = {
		VMM_QMP,
		VMM_CONSOLE,
		VMM_PID,
		VMM_CONSOLE_LOG,
		VMM_CONSOLE_LOG VMM_OLD,
		VMM_QEMU_LOG,
		VMM_QEMU_LOG VMM_OLD,
		VMM_VARS,
		VMM_VARS VMM_NEW,
	};
	int fd = open(dir, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);

	if (fd < 0)
		return;
	for (unsigned int i = 0; i < ARRAY_SIZE(names); i++)
		unlinkat(fd, names[i], 0);
	close(fd);
	rmdir(dir);
}

int vmm_prepare_dir(const struct vmm_spec *spec, struct reason *why)
{
	char path[VMM_PATH_MAX], vars[VMM_PATH_MAX];
	int error = make_dir(spec->dir, why);

	if (!error)
		error = remove_stale(spec->dir, why);
	if (error)
		return error;
	snprintf(path, sizeof(path), "%s/" VMM_VARS, spec->dir);
	if (spec->firmware && *spec->firmware && vmm_vars_template(spec->firmware, vars) &&
	    access(path, F_OK))
		return copy_file(vars, path, why);
	return 0;
}

/* Change who may use the socket @path, and nothing that has been put in its place. */
static int give_socket(const char *path, uid_t owner, gid_t group, mode_t mode)
{
	int fd = open(path, O_PATH | O_NOFOLLOW | O_CLOEXEC), error = 0;
	char same[64];
	struct stat st;

	if (fd < 0)
		return -errno;
	snprintf(same, sizeof(same), "/proc/self/fd/%d", fd);
	if (fstat(fd, &st))
		error = -errno;
	else if (!S_ISSOCK(st.st_mode))
		error = -ENOTSOCK;
	else if (fchownat(fd, "", owner, group, AT_EMPTY_PATH) || chmod(same, mode))
		error = -errno;
	close(fd);
	return error;
}

int vmm_share_console(const struct vmm_vm *vm, uid_t owner, gid_t group, mode_t mode,
		      struct reason *why)
{
	const uid_t nobody = (uid_t)-1;
	const gid_t no_group = (gid_t)-1;
	bool other = mode & S_IRWXO || (owner != nobody && owner != geteuid());
	char path[VMM_PATH_MAX];
	int error;

	/* Behind the monitor is all that QEMU may do. */
	snprintf(path, sizeof(path), "%.*s/" VMM_QMP, DIR_BYTES, vm->dir);
	error = give_socket(path, nobody, no_group, FILE_MODE);
	snprintf(path, sizeof(path), "%.*s/" VMM_CONSOLE, DIR_BYTES, vm->dir);
	if (!error)
		error = give_socket(path, owner, group, mode);
	if (!error &&
	    (lchown(vm->dir, nobody, group) ||
	     chmod(vm->dir, DIR_MODE | (mode & S_IRWXG ? S_IXGRP : 0) | (other ? S_IXOTH : 0))))
		error = -errno;
	return error ? refuse(why, error, "console of %s: %s", vm->dir, strerror(-error)) : 0;
}

/* For whoever may read the log. */
static void keep_end(int log, const struct stat *st, const char *path)
{
	char old[VMM_PATH_MAX];
	int out;

	if (snprintf(old, sizeof(old), "%s" VMM_OLD, path) >= (int)sizeof(old) ||
	    lseek(log, st->st_size - (off_t)VMM_LOG_MAX, SEEK_SET) < 0)
		return;
	out = open(old, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, FILE_MODE);
	if (out < 0)
		return;
	(void)fchmod(out, st->st_mode & DEFFILEMODE);
	(void)sendfile(out, log, NULL, VMM_LOG_MAX);
	close(out);
}

static void trim(const char *path)
{
	int log = open(path, O_RDWR | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
	struct stat st;

	if (log < 0)
		return;
	if (!fstat(log, &st) && S_ISREG(st.st_mode) && st.st_size > (off_t)VMM_LOG_MAX) {
		keep_end(log, &st, path);
		if (ftruncate(log, 0))
			log_warning("cannot cut %s: %s", path, strerror(errno));
	}
	close(log);
}

void vmm_trim_logs(const char *dir)
{
	static const char *const logs[] = { VMM_CONSOLE_LOG, VMM_QEMU_LOG };
	char path[VMM_PATH_MAX];

	for (unsigned int i = 0; i < ARRAY_SIZE(logs); i++)
		if (snprintf(path, sizeof(path), "%s/%s", dir, logs[i]) < (int)sizeof(path))
			trim(path);
}
