/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * namespace.c - finding, entering and leaving network namespaces: network_namespaces(7), setns(2), ip-netns(8).
 *
 * The TAP for another namespace is made in a namespace of our own and moved. Its descriptors keep alive the one it was
 * made in (tun takes a reference when /dev/net/tun is opened), so the user's namespace does not hang on us; nor does a
 * half-made interface ever show where the host's own are. Later the way back to it is the TAP itself (TUNGETDEVNETNS).
 */
#include "netdev/namespace.h"

#include <ctype.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/if_tun.h>
#include <linux/nsfs.h>
#include <net/if.h>
#include <sched.h>
#include <stdio.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <unistd.h>
#include "netdev/rtnl.h"
#include "util/log.h"

#define NAMES_FOLDER "/run/netns"
#define OWN_NAMESPACE "/proc/thread-self/ns/net"

static bool is_number(const char *text)
{
	for (const char *c = text; *c; c++)
		if (!isdigit((unsigned char)*c))
			return false;
	return *text;
}

static int check_kind(int fd, const char *which, struct reason *why)
{
	if (ioctl(fd, NS_GET_NSTYPE) == CLONE_NEWNET)
		return fd;
	close(fd);
	return refuse(why, -EINVAL, "%s is not a network namespace", which);
}

int namespace_open(const char *which, struct reason *why)
{
	char path[PATH_MAX];
	int fd;

	if (strchr(which, '/'))
		snprintf(path, sizeof(path), "%s", which);
	else
		snprintf(path, sizeof(path), NAMES_FOLDER "/%s", which);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0 && errno == ENOENT && is_number(which)) {
		snprintf(path, sizeof(path), "/proc/%s/ns/net", which);
		fd = open(path, O_RDONLY | O_CLOEXEC);
		if (fd < 0 && errno == ENOENT)
			return refuse(why, -ENOENT,
				      "there is no network namespace and no process %s", which);
	}
	if (fd >= 0)
		return check_kind(fd, which, why);
	if (errno == ENOENT)
		return refuse(why, -errno, "there is no network namespace %s: see ip netns", which);
	return refuse(why, -errno, "cannot open network namespace %s: %s", path, strerror(errno));
}

int namespace_leave(struct reason *why)
{
	if (!unshare(CLONE_NEWNET))
		return 0;
	if (errno == EPERM)
		return refuse(
			why, -errno,
			"no permission to make an interface for another network namespace: it "
			"takes CAP_SYS_ADMIN (be root, or run inside unshare -Urn)");
	return refuse(why, -errno, "cannot make a network namespace: %s", strerror(errno));
}

int namespace_move(const char *name, int namespace, const char *which, struct reason *why)
{
	struct rtnl_request request;
	int error;

	rtnl_start(&request, RTM_SETLINK, 0);
	request.link.ifi_index = (int)if_nametoindex(name);
	rtnl_put(&request, IFLA_NET_NS_FD, &namespace, sizeof(namespace));
	error = rtnl_call(&request, NULL, NULL);
	switch (error) {
	case 0:
		return 0;
	case -EEXIST:
		return refuse(why, error,
			      "there is an interface %s in %s already: choose another --name", name,
			      which);
	case -EPERM:
		return refuse(
			why, error,
			"no permission to put an interface into network namespace %s: it takes "
			"CAP_NET_ADMIN there",
			which);
	default:
		return refuse(why, error, "cannot move interface %s to network namespace %s: %s",
			      name, which, strerror(-error));
	}
}

static bool same(int one, int other)
{
	struct stat a, b;

	return !fstat(one, &a) && !fstat(other, &b) && a.st_ino == b.st_ino && a.st_dev == b.st_dev;
}

int namespace_enter(int tap_fd, int *home)
{
	int there = ioctl(tap_fd, TUNGETDEVNETNS), error = 0;

	*home = -1;
	if (there < 0)
		return -errno;
	*home = open(OWN_NAMESPACE, O_RDONLY | O_CLOEXEC);
	if (*home < 0 || (!same(*home, there) && setns(there, CLONE_NEWNET) < 0))
		error = -errno;
	close(there);
	if (error)
		namespace_return(*home);
	return error;
}

void namespace_return(int home)
{
	if (home < 0)
		return;
	/* Who may not come back stays, which works as well. */
	if (setns(home, CLONE_NEWNET) < 0)
		log_debug("no way back to the network namespace of before: %s", strerror(errno));
	close(home);
}
