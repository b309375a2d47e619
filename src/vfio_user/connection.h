/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * connection.h - inside the vfio-user server: one connection, and the server as its connections
 * see it.
 *
 * Private to src/vfio_user. Device thread only.
 */
#ifndef SOFTIOV_VFIO_USER_CONNECTION_H
#define SOFTIOV_VFIO_USER_CONNECTION_H

#include <event2/event.h>
#include <event2/event_struct.h>
#include <sys/queue.h>
#include "util/log.h"
#include "util/quiesce.h"
#include "util/util.h"
#include "vfio_user/capabilities.h"
#include "vfio_user/protocol.h"
#include "vfio_user/server.h"

/* What VERSION announces, and what framing enforces whatever the client believes. */
#define MAX_MSG_FDS 16
#define MAX_XFER_SIZE 1048576u
#define MAX_DMA_MAPS 65535
#define MAX_VERSION_SIZE 4096u	/* a whole VERSION message */
#define MAX_COMMAND_SIZE 65536u /* any other message without bulk data */
#define MAX_WRITE_SIZE                                               \
	(MAX_XFER_SIZE + (uint32_t)sizeof(struct vfio_user_header) + \
	 (uint32_t)sizeof(struct vfio_user_region_access))
#define MAX_QUEUED_SIZE (256u * 1024) /* send queue, before DMA_WRITEs are refused */
#define MAX_DMA_WRITES 64	      /* DMA_WRITEs that wait for their reply */
#define MAX_STRAY_REPLIES 16	      /* replies to nothing, before the client is thrown out */

#define KERNEL_MAX_FDS 253 /* SCM_MAX_FD: the most that one sendmsg() can carry */
#define SLICE_SIZE 4096u   /* bytes of a region access done in one step */

/*
 * What a command returns besides a negative errno, VFIO_USER_DONE and VFIO_USER_QUIESCE: call it
 * again soon (others get their turn first), or once the server has no client any more.
 */
#define COMMAND_AGAIN 2
#define COMMAND_WAIT 3

enum connection_phase {
	PHASE_HANDSHAKE, /* VERSION has not been answered */
	PHASE_RUNNING,	 /* this is the server's client */
	PHASE_CLOSING,	 /* flush what is queued, then close */
};

/** struct message - a message being received or executed. */
struct message {
	struct vfio_user_header header;
	uint32_t received; /* bytes so far, header included */
	bool complete;
	uint8_t *body;
	uint32_t body_size, capacity;
	unsigned int fd_count;
	int fds[MAX_MSG_FDS]; /* a command that gives one away replaces it by -1 */
	bool fds_lost;	      /* there were more, or the kernel could not hand over all */
};

/** struct outgoing - a message, or the rest of one, that the socket did not take yet. */
struct outgoing {
	STAILQ_ENTRY(outgoing) link;
	uint32_t size, sent;
	int fd; /* to go with the first byte, -1: none; not owned */
	uint8_t data[];
};

/** struct dma_write - a DMA_WRITE that waits for its reply. */
struct dma_write {
	bool used;
	uint16_t id;
	uint64_t sent_ns;
};

/**
 * struct connection - a client, or somebody who would like to be.
 *
 * Lives until the last reference is gone: the server's list, a run in progress, a grace period.
 */
struct connection {
	struct vfio_user_server *server; /* one reference */
	TAILQ_ENTRY(connection) link;
	unsigned int refs;
	enum connection_phase phase;
	bool dead;	     /* closed; only references keep it */
	bool broken;	     /* to be closed from the event loop */
	bool waiting;	     /* for the server to be without client */
	bool quiescing;	     /* for the workers */
	bool running;	     /* connection_run() is on the stack */
	bool patient;	     /* nothing is read before @resume */
	unsigned int posted; /* messages in a row that wanted no reply */
	int fd;
	pid_t pid;
	struct event readable, writable, deadline, resume;

	struct message message;
	uint32_t progress; /* of a command that is done in steps */
	bool quiesce;	   /* a step asked for a grace period */
	int result;	   /* to be sent after it */
	struct quiesce_head grace;

	uint8_t *reply; /* payload being built */
	uint32_t reply_size, reply_capacity;
	int reply_fd;

	STAILQ_HEAD(outgoing_queue, outgoing) queue;
	uint32_t queued; /* bytes */

	struct vfio_user_capabilities peer;
	unsigned int stray_replies;
	uint16_t next_id;
	struct dma_write dma_writes[MAX_DMA_WRITES];

	int unmask_fd; /* eventfd by which KVM unmasks INTx, -1: none */
	struct event unmask;
};

TAILQ_HEAD(connection_list, connection);

/** struct vfio_user_server - a listening socket and who is connected to it. */
struct vfio_user_server {
	struct event_base *base;
	struct quiesce *quiesce;
	const struct vfio_user_ops *ops;
	void *ctx;
	unsigned int refs; /* the owner, each connection, a grace period */
	bool dead;	   /* destroyed by its owner: @ops must not be called any more */
	char *path;
	int fd;
	dev_t device; /* of the socket's inode: only our own is unlinked */
	ino_t inode;
	struct event acceptable, accept_again;
	struct connection_list connections;
	unsigned int connection_count;
	struct connection *client; /* who owns the device */
	struct connection *waiter; /* who will, once the predecessor's traces are gone */
	bool draining;		   /* a client's disappearance waits for the workers */
	struct quiesce_head drain;
	struct log_limit limit;
	struct vfio_user_stats stats;
};

/* server.c */

/** server_admit() - VERSION was accepted. Return: what @connected returned, COMMAND_WAIT or -EBUSY. */
int server_admit(struct vfio_user_server *server, struct connection *c);

/** server_forget() - @c is closed: tell the device, admit the one who waits. */
void server_forget(struct vfio_user_server *server, struct connection *c);

void server_put(struct vfio_user_server *server);

/* listen.c */

/** listen_open() - the socket of @server as @listen asks. Return: 0 or -errno with @why filled in.
 */
int listen_open(struct vfio_user_server *server, const struct vfio_user_listen *listen,
		struct reason *why);

/** listen_close() - close it and remove its name. */
void listen_close(struct vfio_user_server *server);

/* connection.c */

/** connection_open() - take over the accepted socket @fd (closed on error). Return: 0 or -errno. */
int connection_open(struct vfio_user_server *server, int fd);

/** connection_close() - at once, whatever is going on. @c lives on while somebody holds a
 * reference. */
void connection_close(struct connection *c);

/** connection_break() - close @c from the event loop; read no further message. */
void connection_break(struct connection *c, const char *why);

/** connection_resume() - continue with the message at hand, from the event loop. */
void connection_resume(struct connection *c);

/** connection_hung_up() - has the other side closed? What it sent before may still wait to be read.
 */
bool connection_hung_up(const struct connection *c);

/**
 * connection_send() - send a message, now or when the socket takes it.
 * @fd: to be passed along, not consumed; -1: none
 * Return: 0 or -errno; the connection is then broken.
 */
int connection_send(struct connection *c, const struct vfio_user_header *header,
		    const void *payload, uint32_t size, int fd);

/** send_reply() - answer the message at hand, unless it wants no reply: success (0) or -errno. */
void send_reply(struct connection *c, int result);

/** reply_buffer() - @size zeroed bytes of reply payload. Return: NULL when out of memory. */
void *reply_buffer(struct connection *c, uint32_t size);

/* receive.c */

/**
 * message_receive() - take the next bytes of the message at hand.
 * Return: 1 after some progress, 0 when the socket is empty, -errno when it is of no use any more.
 */
int message_receive(struct connection *c);

/* commands.c and the files by subject: each executes the message of @c; see COMMAND_AGAIN for what
 * is returned. */

int command_execute(struct connection *c);
const char *command_name(unsigned int command);

int command_version(struct connection *c);	      /* version.c */
int command_dma_map(struct connection *c);	      /* dma.c */
int command_dma_unmap(struct connection *c);	      /* dma.c */
void dma_write_replied(struct connection *c);	      /* dma.c */
int command_get_irq_info(struct connection *c);	      /* irqs.c */
int command_set_irqs(struct connection *c);	      /* irqs.c */
void intx_unmask_set(struct connection *c, int fd);   /* irqs.c */
int command_get_region_info(struct connection *c);    /* regions.c */
int command_region_read(struct connection *c);	      /* regions.c */
int command_region_write(struct connection *c);	      /* regions.c */
int command_region_write_multi(struct connection *c); /* regions.c */

#endif
