// SPDX-License-Identifier: BSD-3-Clause
/*
 * notify.c - signal an eventfd that belongs to somebody we do not trust.
 *
 * write(2) will not do: the client shares the open file with us. It can take O_NONBLOCK away again
 * after we set it, and fill the counter to its maximum, at any instant: then the next write blocks
 * the worker, and every other VF of the port with it. There is no per-call "do not wait" for writes
 * to an eventfd. But the kernel itself signals eventfds without ever waiting, as completion notices
 * of asynchronous I/O (IOCB_FLAG_RESFD): so each thread submits an empty read of /dev/null that is
 * done before io_submit(2) returns and names the client's eventfd as the one to notify. It costs
 * about 1 µs, against 0.3 µs of a write.
 *
 * Where the kernel has no asynchronous I/O, a plain write must do.
 *
 * Specification: eventfd(2), io_submit(2), <linux/aio_abi.h>.
 */
#include <fcntl.h>
#include <linux/aio_abi.h>
#include <pthread.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "iovm/internal.h"

#define COMPLETIONS 64 /* room for so many before they must be taken out */

/* struct notify_context - one thread's. Freed when the thread ends. */
struct notify_context {
	aio_context_t aio; /* 0: not set up */
	unsigned int completions;
	bool tried;
};

static _Thread_local struct notify_context context;
static pthread_once_t once = PTHREAD_ONCE_INIT;
static pthread_key_t key;
static int null_fd = -1;

static void thread_ends(void *value)
{
	struct notify_context *c = value;

	syscall(SYS_io_destroy, c->aio);
	c->aio = 0;
}

static void prepare(void)
{
	null_fd = open("/dev/null", O_RDONLY | O_CLOEXEC);
	if (null_fd >= 0 && pthread_key_create(&key, thread_ends)) {
		close(null_fd);
		null_fd = -1;
	}
}

static void set_up(struct notify_context *c)
{
	c->tried = true;
	pthread_once(&once, prepare);
	if (null_fd < 0 || syscall(SYS_io_setup, COMPLETIONS, &c->aio))
		c->aio = 0;
	else
		pthread_setspecific(key, c);
	if (!c->aio)
		log_warning("no asynchronous I/O (%s): a client can block a worker",
			    strerror(errno));
}

static void take_completions(struct notify_context *c)
{
	struct io_event events[COMPLETIONS];

	syscall(SYS_io_getevents, c->aio, 0, COMPLETIONS, events, NULL);
	c->completions = 0;
}

static bool submit(struct notify_context *c, int fd)
{
	char nothing;
	struct iocb read_nothing = { .aio_lio_opcode = IOCB_CMD_PREAD,
				     .aio_fildes = (uint32_t)null_fd,
				     .aio_buf = (uintptr_t)&nothing,
				     .aio_flags = IOCB_FLAG_RESFD,
				     .aio_resfd = (uint32_t)fd };
	struct iocb *list[] = { &read_nothing };

	if (c->completions == COMPLETIONS)
		take_completions(c);
	c->completions++;
	return syscall(SYS_io_submit, c->aio, 1, list) == 1;
}

void notify(int fd)
{
	static const uint64_t one = 1;
	struct notify_context *c = &context;
	ssize_t written;

	if (!c->tried)
		set_up(c);
	if (c->aio && submit(c, fd))
		return;
	/* A counter that is full (EAGAIN) is a client that has been told already. */
	written = write(fd, &one, sizeof(one));
	(void)written;
}
