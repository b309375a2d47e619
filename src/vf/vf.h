/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * vf.h - a VF as the library's own files see it: registers, vectors, queues.
 */
#ifndef SOFTIOV_VF_VF_H
#define SOFTIOV_VF_VF_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <softiov/softiov.h>
#include "vf/transport.h"

struct softiov_napi;

#define VF_VECTORS 3		/* of an 82599 VF: two for queues ... */
#define VF_QUEUE_VECTORS 2
#define VF_MAILBOX_VECTOR 2	/* ... one for mailbox and link */
#define VF_POOLS_MAX 16
#define VF_VLANS 4096
#define VF_MULTICAST_MAX 30

struct vf_pool_map {
	struct softiov_pool *pool;
	unsigned int queues; /* that need it */
};

/**
 * struct softiov_vf
 * @bar: BAR 0; vf_register() finds a register in its mapped areas
 * @vector: eventfds, made when opened
 * @events: epoll descriptor over the mailbox vector and the transport; what softiov_vf_fd() returns
 * @vlan, @multicast, @mode, @mac_set: what was configured, to be asked for again after a reset
 */
struct softiov_vf {
	struct vf_transport *transport;
	char *address;
	struct softiov_vf_options options;
	struct softiov_vf_info info;
	struct vf_region bar;
	int vector[VF_VECTORS];
	int events;
	bool gone;
	struct softiov_queue *queue[SOFTIOV_QUEUES_MAX];
	struct vf_pool_map pool[VF_POOLS_MAX];
	uint64_t vlan[VF_VLANS / 64];
	uint8_t multicast[VF_MULTICAST_MAX][6];
	unsigned int multicasts;
	enum softiov_rx_mode mode;
	bool mac_set;
};

/** vf_fail() - fill @why (may be NULL) with "ADDRESS: text" and return @error. */
int vf_fail(struct softiov_reason *why, int error, const char *format, ...) __attribute__((format(printf, 3, 4)));

/*
 * Registers of BAR 0, by byte offset. vf_register() gives the mapped register, NULL where it is reached by messages
 * only. vf_read() and vf_write() take either way; vf_post() does not wait for the effect. On a transport error reads
 * return all ones and @vf->gone is set, as a PCI device that is gone behaves.
 */
_Atomic uint32_t *vf_register(const struct softiov_vf *vf, uint32_t offset);
uint32_t vf_read(struct softiov_vf *vf, uint32_t offset);
void vf_write(struct softiov_vf *vf, uint32_t offset, uint32_t value);
void vf_post(struct softiov_vf *vf, uint32_t offset, uint32_t value);

/** vf_map_pool(), vf_unmap_pool() - let the VF reach a pool; counted, so each queue calls both once. */
int vf_map_pool(struct softiov_vf *vf, struct softiov_pool *pool, struct softiov_reason *why);
void vf_unmap_pool(struct softiov_vf *vf, struct softiov_pool *pool);

/*
 * queue.c, for vf.c: the registers of queue pair @queue->index are as after a reset.
 * vf_queue_setup() gives all buffers in the rings back to the pool, programs base, length, size, VTIVAR, enables both
 * directions and fills the receive ring. vf_queue_disable() disables both and waits until the card says so (or is gone).
 */
int vf_queue_setup(struct softiov_queue *queue, struct softiov_reason *why);
void vf_queue_disable(struct softiov_queue *queue);

/** napi.c, for vf.c: program vector, VTEITR and masks of a NAPI context again after a reset. @napi may be NULL. */
void vf_napi_setup(struct softiov_napi *napi);

#endif
