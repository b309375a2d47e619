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

#define VF_VECTORS 3 /* of an 82599 VF: two for queues ... */
#define VF_QUEUE_VECTORS 2
#define VF_MAILBOX_VECTOR 2 /* ... one for mailbox and link */
#define VF_POOLS_MAX 16
#define VF_VLANS 4096
#define VF_MULTICAST_MAX 30

struct vf_pool_map {
	struct softiov_pool *pool;
	unsigned int queues; /* that need it */
};

/**
 * struct vf_mailbox - @seen: bits of VFMAILBOX that reading clears, seen and not dealt with; @handshake: as from API 1.5
 */
struct vf_mailbox {
	uint32_t seen;
	bool handshake;
};

/**
 * struct softiov_vf
 * @bar: BAR 0; vf_register() finds a register in its mapped areas
 * @vector: eventfds, made when opened
 * @events: epoll descriptor over the mailbox vector and the transport; what softiov_vf_fd() returns
 * @gone: the card is; stays so. Set by any thread
 * @reset_due: the PF driver wants the VF to start anew; @reset_ns: when it last did; @looked_ns: last look at the card
 * @link_allowed: by the administrator
 * @vlan, @multicast, @mode, @own_mac, @mac_set: what was configured, to be asked for again after a reset
 * @multicast_type: which bits of an address its hash is
 */
struct softiov_vf {
	struct vf_transport *transport;
	char *address;
	struct softiov_vf_options options;
	struct softiov_vf_info info;
	struct vf_region bar;
	int vector[VF_VECTORS];
	int events;
	atomic_bool gone;
	bool reset_due, link_allowed;
	uint64_t reset_ns, looked_ns;
	struct vf_mailbox mailbox;
	struct softiov_queue *queue[SOFTIOV_QUEUES_MAX];
	struct vf_pool_map pool[VF_POOLS_MAX];
	uint64_t vlan[VF_VLANS / 64];
	uint8_t multicast[VF_MULTICAST_MAX][6];
	unsigned int multicasts;
	enum softiov_rx_mode mode;
	uint8_t own_mac[6];
	bool mac_set;
	uint32_t multicast_type;
};

/** vf_fail() - fill @why (may be NULL) and return @error. The text begins with the device's address. */
int vf_fail(struct softiov_reason *why, int error, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

/*
 * Registers of BAR 0, by byte offset. vf_register() gives the mapped register, NULL where it is reached by messages
 * only. vf_read() and vf_write() take either way; vf_post() does not wait for the effect. On a transport error reads
 * return all ones and @vf->gone is set, as a PCI device that is gone behaves.
 */
_Atomic uint32_t *vf_register(const struct softiov_vf *vf, uint32_t offset);
uint32_t vf_read(struct softiov_vf *vf, uint32_t offset);
void vf_write(struct softiov_vf *vf, uint32_t offset, uint32_t value);
void vf_post(struct softiov_vf *vf, uint32_t offset, uint32_t value);

/** vf_start() - reset, mailbox, queues, interrupts; filters and queues are as after a reset. Return: as vf_mailbox_ask(). */
int vf_start(struct softiov_vf *vf, struct softiov_reason *why);

/** vf_look_at_link() - up to date @info. Return: has it changed? */
bool vf_look_at_link(struct softiov_vf *vf);

/* filters.c: ask for what was configured. vf_restore_filters() takes a refusal for an answer. */
int vf_ask_max_frame(struct softiov_vf *vf);
int vf_ask_mac(struct softiov_vf *vf, const uint8_t mac[6]);
int vf_restore_filters(struct softiov_vf *vf);

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
