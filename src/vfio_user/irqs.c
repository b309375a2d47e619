// SPDX-License-Identifier: BSD-3-Clause
/*
 * irqs.c - interrupts: GET_IRQ_INFO and SET_IRQS.
 *
 * A SET_IRQS message has one kind of data (none, a byte per vector, an eventfd per vector) and one
 * action. All of it is checked before any vector is touched. The meanings, as QEMU uses them:
 *
 *	EVENTFD | TRIGGER, count fds	assign them
 *	EVENTFD | TRIGGER, no fds	take count eventfds away
 *	NONE | TRIGGER, start 0 count 0	take all of the index away
 *	NONE or BOOL | TRIGGER		fire (a loop back test)
 *	NONE or BOOL | MASK, UNMASK	INTx only: others are masked in their own tables
 *	EVENTFD | UNMASK		INTx only: KVM tells the end of interrupt by an eventfd
 *
 * An eventfd of the client is written by threads that must never block: it must really be an
 * eventfd, non-blocking.
 *
 * Specification: "VFIO_USER_DEVICE_GET_IRQ_INFO", "VFIO_USER_DEVICE_SET_IRQS"; <linux/vfio.h>.
 */
#include "vfio_user/connection.h"

#include <fcntl.h>
#include <stdio.h>
#include <sys/uio.h>
#include <unistd.h>

static unsigned int vectors(struct connection *c, uint32_t index)
{
	return c->server->ops->irq_count(c->server->ctx, (enum vfio_user_irq)index);
}

int command_get_irq_info(struct connection *c)
{
	const struct vfio_user_irq_info *asked = (const void *)c->message.body;
	struct vfio_user_irq_info *info;
	uint32_t count;

	if (asked->argsz < sizeof(*asked) || asked->index >= VFIO_USER_IRQS)
		return -EINVAL;
	count = vectors(c, asked->index);
	/* QEMU complains about an empty error interrupt, but takes an error for "there is none". */
	if (!count && (asked->index == VFIO_USER_ERR || asked->index == VFIO_USER_REQ))
		return -EINVAL;
	info = reply_buffer(c, sizeof(*info));
	if (!info)
		return -ENOMEM;
	info->argsz = sizeof(*info);
	info->index = asked->index;
	info->count = count;
	info->flags = VFIO_USER_IRQ_EVENTFD;
	if (asked->index == VFIO_USER_INTX)
		info->flags |= VFIO_USER_IRQ_MASKABLE | VFIO_USER_IRQ_AUTOMASKED;
	return 0;
}

/* An eventfd, and one that does not block: "already signalled" is all that a full counter means. */
static bool usable_eventfd(int fd)
{
	static const char expected[] = "anon_inode:[eventfd]";
	char link[32], target[sizeof(expected)];
	int flags = fcntl(fd, F_GETFL);

	snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
	if (flags < 0 || readlink(link, target, sizeof(target)) != sizeof(expected) - 1 ||
	    memcmp(target, expected, sizeof(expected) - 1) != 0)
		return false;
	return (flags & O_NONBLOCK) || fcntl(fd, F_SETFL, flags | O_NONBLOCK) == 0;
}

static void on_unmask(evutil_socket_t fd, short events, void *arg)
{
	struct connection *c = arg;
	uint64_t count;
	struct iovec iov = { &count, sizeof(count) };

	/* The client shares the file's flags and can make it block again: ask for this one call. */
	if (preadv2(fd, &iov, 1, -1, RWF_NOWAIT) == sizeof(count))
		c->server->ops->intx_mask(c->server->ctx, false);
	else if (errno != EAGAIN)
		intx_unmask_set(c, -1);
}

void intx_unmask_set(struct connection *c, int fd)
{
	if (c->unmask_fd >= 0) {
		event_del(&c->unmask);
		close(c->unmask_fd);
	}
	c->unmask_fd = fd;
	if (fd >= 0) {
		event_assign(&c->unmask, c->server->base, fd, EV_READ | EV_PERSIST, on_unmask, c);
		event_add(&c->unmask, NULL);
	}
}

static bool set_is_valid(const struct message *m, const struct vfio_user_irq_set *set,
			 uint32_t count)
{
	uint32_t data = set->flags & VFIO_USER_IRQ_DATA, action = set->flags & VFIO_USER_IRQ_ACTION;

	if (set->flags != (data | action) || __builtin_popcount(data) != 1 ||
	    __builtin_popcount(action) != 1)
		return false;
	if (set->start >= count || set->count > count - set->start)
		return false;
	if (!set->count &&
	    (data != VFIO_USER_IRQ_DATA_NONE || action != VFIO_USER_IRQ_TRIGGER || set->start))
		return false;
	if (data == VFIO_USER_IRQ_DATA_BOOL && m->body_size != sizeof(*set) + set->count)
		return false;
	if (m->fd_count && (data != VFIO_USER_IRQ_DATA_EVENTFD || m->fd_count != set->count))
		return false;
	if (action != VFIO_USER_IRQ_TRIGGER && set->index != VFIO_USER_INTX)
		return false;
	if (action == VFIO_USER_IRQ_MASK && data == VFIO_USER_IRQ_DATA_EVENTFD)
		return false;
	for (unsigned int i = 0; i < m->fd_count; i++)
		if (!usable_eventfd(m->fds[i]))
			return false;
	return true;
}

/* Give @count vectors their eventfds, or none when the message has no fds. */
static int assign(struct connection *c, const struct vfio_user_irq_set *set, uint32_t count)
{
	struct vfio_user_server *server = c->server;
	struct message *m = &c->message;
	int result = VFIO_USER_DONE;

	for (uint32_t i = 0; i < count && !c->dead; i++) {
		int fd = m->fd_count ? m->fds[i] : -1;
		int r = server->ops->irq_set(server->ctx, (enum vfio_user_irq)set->index,
					     set->start + i, fd);

		if (r < 0) {
			if (result == VFIO_USER_QUIESCE)
				c->quiesce = true;
			return r;
		}
		if (m->fd_count)
			m->fds[i] = -1; /* the device's now */
		result |= r;
	}
	return result;
}

/* Fire, mask or unmask the vectors; with BOOL only those whose byte is set. */
static int act(struct connection *c, const struct vfio_user_irq_set *set)
{
	const uint8_t *chosen = (const uint8_t *)(set + 1);
	struct vfio_user_server *server = c->server;

	for (uint32_t i = 0; i < set->count && !c->dead; i++) {
		if ((set->flags & VFIO_USER_IRQ_DATA_BOOL) && !chosen[i])
			continue;
		if (set->flags & VFIO_USER_IRQ_TRIGGER)
			server->ops->irq_trigger(server->ctx, (enum vfio_user_irq)set->index,
						 set->start + i);
		else
			server->ops->intx_mask(server->ctx, set->flags & VFIO_USER_IRQ_MASK);
	}
	return 0;
}

int command_set_irqs(struct connection *c)
{
	const struct vfio_user_irq_set *set = (const void *)c->message.body;
	struct message *m = &c->message;
	uint32_t count;

	if (set->argsz < sizeof(*set) || set->index >= VFIO_USER_IRQS)
		return -EINVAL;
	count = vectors(c, set->index);
	if (!set_is_valid(m, set, count))
		return -EINVAL;
	if (set->flags == (VFIO_USER_IRQ_DATA_EVENTFD | VFIO_USER_IRQ_UNMASK)) {
		intx_unmask_set(c, m->fd_count ? m->fds[0] : -1);
		m->fd_count = 0;
		return 0;
	}
	if (!set->count) {
		if (set->index == VFIO_USER_INTX)
			intx_unmask_set(c, -1);
		return assign(c, set, count);
	}
	if (set->flags & VFIO_USER_IRQ_DATA_EVENTFD)
		return assign(c, set, set->count);
	return act(c, set);
}
