// SPDX-License-Identifier: BSD-3-Clause
/*
 * listen.c - the name of a server in the file system.
 *
 * A Unix socket outlives its process as a dead file. connect() tells the two apart: refused means
 * nobody listens, and the file is replaced; anything else means that it is in use, and it is left
 * alone.
 *
 * Permissions are in force before the first client can connect: fchmod() before bind() gives the
 * inode its mode (less the umask), owner and final mode follow before listen(), and until listen()
 * every connect() is refused.
 */
#include "vfio_user/connection.h"

#include <fcntl.h>
#include <libgen.h>
#include <limits.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#define BACKLOG 8

/* Is somebody listening on the socket file @name? Return: 0 no, it may be removed; -errno with
 * @why. */
static int probe(const struct sockaddr_un *name, struct reason *why)
{
	struct stat st;
	int fd, error;

	if (lstat(name->sun_path, &st))
		return errno == ENOENT
			       ? 0
			       : refuse(why, -errno, "%s: %s", name->sun_path, strerror(errno));
	if (!S_ISSOCK(st.st_mode))
		return refuse(why, -EEXIST,
			      "%s exists and is not a socket: remove it or choose another name",
			      name->sun_path);
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0)
		return refuse(why, -errno, "%s: %s", name->sun_path, strerror(errno));
	error = connect(fd, (const struct sockaddr *)name, sizeof(*name)) ? errno : 0;
	close(fd);
	if (error == ECONNREFUSED || error == ENOENT)
		return 0;
	if (error == 0 || error == EAGAIN)
		return refuse(why, -EADDRINUSE,
			      "%s is in use: another process listens on it, stop that one first",
			      name->sun_path);
	return refuse(why, -error, "%s exists and cannot be probed: %s", name->sun_path,
		      strerror(error));
}

/* Turn a failed bind() into words that say what to do. */
static int refuse_bind(const char *path, int error, struct reason *why)
{
	char copy[PATH_MAX];
	const char *folder;

	snprintf(copy, sizeof(copy), "%s", path);
	folder = dirname(copy);
	switch (error) {
	case ENOENT:
		return refuse(why, -error, "cannot create %s: there is no directory %s, create it",
			      path, folder);
	case EACCES:
	case EPERM:
		return refuse(why, -error,
			      "cannot create %s: no permission to write in %s, change its owner or "
			      "run as another user",
			      path, folder);
	case EADDRINUSE:
		return refuse(why, -error, "cannot create %s: somebody else just created it", path);
	default:
		return refuse(why, -error, "cannot create %s: %s", path, strerror(error));
	}
}

/* Owner and permission bits of the new name, which nobody can connect to yet. */
static int set_access(const struct vfio_user_listen *listen, struct reason *why)
{
	if ((listen->owner != (uid_t)-1 || listen->group != (gid_t)-1) &&
	    lchown(listen->path, listen->owner, listen->group))
		return refuse(why, -errno, "cannot give %s to user %d, group %d: %s", listen->path,
			      (int)listen->owner, (int)listen->group, strerror(errno));
	if (chmod(listen->path, listen->mode & 07777))
		return refuse(why, -errno, "cannot set the mode of %s: %s", listen->path,
			      strerror(errno));
	return 0;
}

int listen_open(struct vfio_user_server *server, const struct vfio_user_listen *how,
		struct reason *why)
{
	struct sockaddr_un name = { .sun_family = AF_UNIX };
	struct stat st;
	int error;

	if (strlen(how->path) >= sizeof(name.sun_path))
		return refuse(why, -ENAMETOOLONG,
			      "a Unix socket's name may have %zu bytes, this one has %zu: %s",
			      sizeof(name.sun_path) - 1, strlen(how->path), how->path);
	strcpy(name.sun_path, how->path);
	error = probe(&name, why);
	if (error)
		return error;
	if (unlink(how->path) && errno != ENOENT)
		return refuse(why, -errno, "cannot replace the stale socket %s: %s", how->path,
			      strerror(errno));

	server->fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (server->fd < 0)
		return refuse(why, -errno, "%s: %s", how->path, strerror(errno));
	if (fchmod(server->fd, how->mode & 07777) ||
	    bind(server->fd, (const struct sockaddr *)&name, sizeof(name))) {
		error = refuse_bind(how->path, errno, why);
		goto fail;
	}
	if (lstat(how->path, &st)) {
		error = refuse(why, -errno, "%s: %s", how->path, strerror(errno));
		goto fail;
	}
	server->device = st.st_dev;
	server->inode = st.st_ino;
	error = set_access(how, why);
	if (error)
		goto fail;
	if (listen(server->fd, BACKLOG)) {
		error = refuse(why, -errno, "%s: %s", how->path, strerror(errno));
		goto fail;
	}
	return 0;

fail:
	listen_close(server);
	return error;
}

void listen_close(struct vfio_user_server *server)
{
	struct stat st;

	if (server->fd < 0)
		return;
	close(server->fd);
	server->fd = -1;
	if (server->inode && lstat(server->path, &st) == 0 && st.st_dev == server->device &&
	    st.st_ino == server->inode)
		unlink(server->path);
}
