/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * harness.h - a server with a fake device behind it, and a peer that sends any bytes it likes.
 *
 * Raw tests run the event loop from the test itself, so each step is deterministic. Tests of the
 * synchronous client run it in a thread (loop_start(), loop_stop()).
 */
#ifndef SOFTIOV_TEST_VFIO_USER_HARNESS_H
#define SOFTIOV_TEST_VFIO_USER_HARNESS_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <cmocka.h>
#include <event2/event.h>
#include <sys/stat.h>
#include <unistd.h>
#include "util/log.h"
#include "util/quiesce.h"
#include "util/util.h"
#include "vfio_user/protocol.h"
#include "vfio_user/server.h"

#define BAR0 0 /* 64 KiB, two areas can be mapped */
#define BAR0_SIZE 65536
#define BAR2 2 /* 16 KiB, messages only */
#define BAR2_SIZE 16384
#define BAR4 4 /* 2 MiB, messages only */
#define BAR4_SIZE 0x200000
#define ROM_SIZE 8192
#define CONFIG_SIZE 4096
#define MSIX_VECTORS 40
#define FAKE_MAPS 64

struct fake_map {
	uint64_t iova, size, offset;
	uint32_t perm;
	bool used, has_file;
	ino_t inode;
};

/** struct fake - the device, and what was asked of it. */
struct fake {
	uint8_t *memory[VFIO_USER_REGIONS];
	int bar0_fd;
	struct fake_map maps[FAKE_MAPS];
	int eventfds[VFIO_USER_IRQS][MSIX_VECTORS];
	unsigned int intx_count;
	unsigned int resets, connects, disconnects, triggers, masks, unmasks;
	unsigned int reads, writes, irq_sets;
	uint32_t longest;	  /* access */
	int refuse_connect;	  /* what @connected returns */
	int map_error, irq_error; /* what @dma_map, @irq_set return */
	unsigned int irq_error_at;
	bool bar0_read_only;
	bool quiesce_unmap, quiesce_reset, quiesce_write, quiesce_disconnect, quiesce_irq;
	void (*on_write)(void); /* runs inside @write */
	uint64_t patience_ns;
	pid_t pid;
	uint8_t order[64]; /* first bytes of writes to BAR2, in order */
	unsigned int ordered;
};

/** struct harness - everything a test has. */
struct harness {
	char folder[48], path[64];
	struct event_base *base;
	struct event *kick;
	struct quiesce quiesce;
	int worker;
	struct fake fake;
	struct vfio_user_server *server;
	int fds_before;
};
extern struct harness h;

/** struct answer - a message that came back. */
struct answer {
	struct vfio_user_header header;
	uint8_t body[VFIO_USER_DEFAULT_XFER_SIZE + 64];
	uint32_t size; /* of the body */
	int fds[16];
	unsigned int fd_count;
};

int harness_setup(void **state);
int harness_teardown(void **state);
int harness_listen(struct vfio_user_server **server, const char *path, struct reason *why);
void fake_init(struct fake *fake);

/** open_fds() - how many descriptors this process has. */
int open_fds(void);

/** memory_file() - a memory file, not sealed. */
int memory_file(size_t size);

/** pump() - let the server do what it can do now. */
void pump(void);

/**
 * worker_busy() - from now on grace periods do not end; worker_idle() ends them.
 * worker_release() is worker_idle() for a loop in a thread.
 */
void worker_busy(void);
void worker_idle(void);
void worker_release(void);

/* A peer: a non-blocking socket. */
int peer_connect(void);
int peer_open(void); /* connect and shake hands like QEMU */
void peer_send(int fd, const void *data, size_t size, const int *fds, unsigned int fd_count);

/** peer_post() - send a whole message. */
void peer_post(int fd, uint16_t id, uint16_t command, uint32_t flags, const void *body,
	       uint32_t size, const int *fds, unsigned int fd_count);

/** peer_receive() - Return: 1 with *@answer, 0 at the end of file, -1 when nothing comes. */
int peer_receive(int fd, struct answer *answer);

/**
 * peer_call() - post a command, take its reply, check that it is a proper one.
 * Return: the errno of the reply, 0 for success, -1 when the connection was closed instead.
 */
int peer_call(int fd, uint16_t command, const void *body, uint32_t size, const int *fds,
	      unsigned int fd_count, struct answer *answer);

/** assert_alive() - the connection works and its next message is the reply to a new request. */
void assert_alive(int fd);

/** assert_closed() - the server has closed, after nothing else or after an error reply. */
void assert_closed(int fd);
void assert_refused(int fd, int error);

/** loop_start() - run the event loop in a thread until loop_stop(). */
void loop_start(void);
void loop_stop(void);

#endif
