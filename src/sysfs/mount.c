/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * mount.c - the tree's thread, its beginning and its end.
 *
 * One thread serves all requests, one after the other: the cards answer on the device thread one at a time anyway,
 * and nothing here needs a lock. A slow request (the number of VFs is changed, a tenth of a second) makes the
 * others wait; they are administrators' tools, and nobody on the data path or the device thread is among them.
 *
 * The thread sleeps in poll() on the FUSE device and on an eventfd that ends it. Unmounting would not: a mount that
 * is in use stays until its last user is gone. When the device is closed the kernel aborts what is under way and
 * every later access fails (ENOTCONN), so nobody who sits in the tree holds up the daemon's end, and vice versa.
 * The directory is unmounted lazily for the same reason. Nothing in this process may touch the tree while its
 * thread does not run.
 *
 * A daemon that was killed leaves a dead mount behind; the next one takes it away before it mounts its own.
 */
#define FUSE_USE_VERSION 312

#include <fcntl.h>
#include <fuse_lowlevel.h>
#include <limits.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <sys/mount.h>
#include <sys/vfs.h>
#include <sys/wait.h>
#include <unistd.h>

#include "sysfs/internal.h"

#define MAX_DEAD 16 /* mounts of killed daemons, one upon the other */

/** struct mount - @stop: eventfd, readable when the thread shall end. */
struct mount {
	char *path;
	struct fuse_session *session;
	pthread_t thread;
	int stop;
	bool made, mounted, running;
};

/* libfuse's last complaint: it returns no error. One session, on one thread at a time. */
static char complaint[sizeof(((struct reason *)0)->text)];

static void on_fuse_log(enum fuse_log_level level, const char *format, va_list args)
{
	(void)level;
	vsnprintf(complaint, sizeof(complaint), format, args);
	complaint[strcspn(complaint, "\n")] = '\0';
	log_debug("sysfs: %s", complaint);
}

/* fusermount3 is how a daemon that is not root unmounts what it mounted. */
static void unmount_by_helper(const char *path)
{
	pid_t pid = vfork();

	if (!pid) {
		execlp("fusermount3", "fusermount3", "-u", "-q", "-z", "--", path, NULL);
		_exit(127);
	}
	while (pid > 0 && waitpid(pid, NULL, 0) < 0 && errno == EINTR)
		;
}

static void unmount(const char *path)
{
	if (umount2(path, MNT_DETACH | UMOUNT_NOFOLLOW) && errno == EPERM)
		unmount_by_helper(path);
}

/* Nobody serves what is mounted there. What the kernel remembers of it hides that from stat(), not from statfs(). */
static bool is_dead(const char *path)
{
	struct statfs fs;

	return statfs(path, &fs) && (errno == ENOTCONN || errno == ECONNABORTED);
}

static bool is_mount_point(const char *path)
{
	struct stat here, above;
	char parent[PATH_MAX];

	snprintf(parent, sizeof(parent), "%s/..", path);
	return !lstat(path, &here) && !lstat(parent, &above) && here.st_dev != above.st_dev;
}

/* Make the directory; take away what killed daemons left there. */
static int prepare(struct mount *mount, struct reason *why)
{
	struct stat st;

	if (!mkdir(mount->path, 0755)) {
		mount->made = true;
		return 0;
	}
	if (errno != EEXIST)
		return refuse(why, -errno, "%s: %s", mount->path, strerror(errno));
	for (unsigned int i = 0; i < MAX_DEAD && is_dead(mount->path); i++)
		unmount(mount->path);
	if (lstat(mount->path, &st))
		return refuse(why, -errno, "%s: %s", mount->path, strerror(errno));
	if (!S_ISDIR(st.st_mode))
		return refuse(why, -ENOTDIR, "%s: not a directory", mount->path);
	if (is_mount_point(mount->path))
		return refuse(why, -EBUSY, "%s: something else is mounted there", mount->path);
	mount->made = true;
	return 0;
}

static void *serve(void *arg)
{
	struct mount *mount = arg;
	int fd = fuse_session_fd(mount->session);
	struct pollfd fds[] = { { .fd = fd, .events = POLLIN },
				{ .fd = mount->stop, .events = POLLIN } };
	struct fuse_buf buf = { .mem = NULL };

	while (!fuse_session_exited(mount->session)) {
		int len;

		if (poll(fds, ARRAY_SIZE(fds), -1) < 0 && errno != EINTR)
			break;
		if (fds[1].revents)
			break;
		len = fuse_session_receive_buf(mount->session, &buf);
		if (len == -EINTR || len == -EAGAIN)
			continue;
		if (len <= 0)
			break;
		fuse_session_process_buf(mount->session, &buf);
	}
	free(buf.mem);
	return NULL;
}

static int start_thread(struct mount *mount)
{
	sigset_t all, old;
	int error;

	sigfillset(&all); /* signals are the device thread's */
	pthread_sigmask(SIG_SETMASK, &all, &old);
	error = pthread_create(&mount->thread, NULL, serve, mount);
	pthread_sigmask(SIG_SETMASK, &old, NULL);
	if (error)
		return -error;
	pthread_setname_np(mount->thread, "softiov-sysfs");
	mount->running = true;
	return 0;
}

static int create_session(struct sysfs *sysfs, struct reason *why)
{
	/* Everybody may look, as at a kernel's; only root may let others into a FUSE mount. */
	char *argv[] = { (char *)"softiovd", (char *)"-o",
			 geteuid()
				 ? (char *)"default_permissions,noexec,fsname=softiov"
				 : (char *)"allow_other,default_permissions,noexec,fsname=softiov",
			 NULL };
	struct fuse_args args = FUSE_ARGS_INIT(3, argv);
	struct mount *mount = sysfs->mount;

	fuse_set_log_func(on_fuse_log);
	mount->session = fuse_session_new(&args, &sysfs_fuse_ops, sizeof(sysfs_fuse_ops), sysfs);
	fuse_opt_free_args(&args);
	if (!mount->session)
		return refuse(why, -ENOMEM, "%s", complaint);
	if (fuse_session_mount(mount->session, mount->path))
		return refuse(why, -EPERM, "%s",
			      complaint[0] ? complaint : "FUSE: the mount was refused");
	mount->mounted = true;
	return 0;
}

static int mount_tree(struct sysfs *sysfs, struct reason *why)
{
	struct mount *mount = sysfs->mount;
	int error = prepare(mount, why), fd;

	if (!error)
		error = create_session(sysfs, why);
	if (error)
		return error;
	fd = fuse_session_fd(mount->session);
	/* A request may be withdrawn between poll() and read(). */
	if (fcntl(fd, F_SETFL, fcntl(fd, F_GETFL) | O_NONBLOCK))
		return refuse(why, -errno, "FUSE: %s", strerror(errno));
	mount->stop = eventfd(0, EFD_CLOEXEC);
	if (mount->stop < 0)
		return refuse(why, -errno, "eventfd: %s", strerror(errno));
	error = start_thread(mount);
	return error ? refuse(why, error, "thread: %s", strerror(-error)) : 0;
}

int sysfs_start(struct sysfs **out, const char *path, const struct sysfs_ops *ops, void *ctx,
		struct reason *why)
{
	struct sysfs *sysfs = calloc(1, sizeof(*sysfs));
	int error;

	if (!sysfs)
		return refuse(why, -ENOMEM, "out of memory");
	sysfs->ops = ops;
	sysfs->ctx = ctx;
	sysfs->born = time(NULL);
	sysfs->mount = calloc(1, sizeof(*sysfs->mount));
	if (sysfs->mount) {
		sysfs->mount->stop = -1;
		sysfs->mount->path = strdup(path);
	}
	error = sysfs->mount && sysfs->mount->path ? mount_tree(sysfs, why)
						   : refuse(why, -ENOMEM, "out of memory");
	if (error)
		sysfs_stop(sysfs);
	else
		*out = sysfs;
	return error;
}

static void unmount_tree(struct mount *mount)
{
	if (mount->running) {
		eventfd_write(mount->stop, 1);
		pthread_join(mount->thread, NULL);
	}
	if (mount->mounted)
		fuse_session_unmount(mount->session); /* closes the device first */
	if (mount->session)
		fuse_session_destroy(mount->session);
	if (mount->stop >= 0)
		close(mount->stop);
	if (mount->made)
		rmdir(mount->path);
	free(mount->path);
	free(mount);
}

void sysfs_stop(struct sysfs *sysfs)
{
	if (!sysfs)
		return;
	if (sysfs->mount)
		unmount_tree(sysfs->mount);
	functions_free(sysfs);
	free(sysfs);
}
