/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * softiov.h - libsoftiov: drive a virtual function (VF) of an Intel 82599-class network card from any program.
 *
 *	struct softiov_vf *vf;
 *	struct softiov_pool *pool;
 *	struct softiov_queue *queue;
 *	struct softiov_reason why;
 *
 *	softiov_vf_open(&vf, "unix:/run/softiov/0000:07:10.0.sock", NULL, &why);
 *	softiov_pool_create(&pool, NULL, &why);
 *	softiov_queue_start(&queue, vf, 0, pool, NULL, &why);
 *	n = softiov_rx_burst(queue, packets, 64);	... or sleep: see napi.h
 *
 * A VF is reached in two ways, by the same driver code:
 *
 *	unix:PATH		a vfio-user socket of softiovd: no VM, no root
 *	vfio:DDDD:BB:DD.F	Linux VFIO: a VF inside a guest, or that of a real card, bound to vfio-pci
 *
 * Threads. The library starts none. A VF is opened, closed, configured and serviced (softiov_vf_*) by one thread at a
 * time; starting and stopping its queues, creating and destroying their NAPI contexts belongs to that. A running queue,
 * with its pool and its NAPI context (softiov_rx_burst, softiov_tx_*, softiov_pool_*, softiov_napi_*), belongs to one
 * thread at a time; it may be another one than the VF's, except that no queue may be in use while softiov_vf_service()
 * resets the VF or the VF is closed: a program with threads of their own for queues holds these while it calls
 * softiov_vf_service(). Several queues, of one VF or of several, may share a pool when one
 * thread runs them all.
 *
 * Errors. Unless said otherwise functions return 0 or a negative errno. What has a name of the field's own:
 * see SOFTIOV_ERR_*; softiov_error_name() gives the name of any. Arguments out of their bounds are -EINVAL. A @why, which may be NULL, is filled in on error with
 * one line that names the device and what is wrong with it.
 *
 * Options, whose members @reserved are for later versions, are zeroed first and then filled in.
 *
 * Sizes are in bytes, times in the unit that the name ends in, addresses host addresses of this process, numbers in
 * host byte order.
 *
 * Specification: Intel 82599 10 GbE Controller data sheet, section 8.3 (VF registers), 7.1 and 7.2 (descriptors).
 */
#ifndef SOFTIOV_SOFTIOV_H
#define SOFTIOV_SOFTIOV_H

#include <errno.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#define SOFTIOV_QUEUES_MAX 8 /* queue pairs that a VF's registers have room for */
#define SOFTIOV_RING_MIN 32
#define SOFTIOV_RING_MAX 4096
#define SOFTIOV_RING_DEFAULT 512
#define SOFTIOV_FRAME_MAX 9724 /* longest frame, without FCS */
#define SOFTIOV_TSO_MAX 262143 /* longest segmentation request: PAYLEN is 18 bits */
#define SOFTIOV_PIECES_MAX 40  /* buffers of one frame, as Linux' drivers have it */
#define SOFTIOV_NEVER UINT64_MAX

/* Errors with a meaning of their own; functions return their negatives. */
#define SOFTIOV_ERR_ADDRESS EINVAL   /* not an address of the two kinds above */
#define SOFTIOV_ERR_NOT_FOUND ENOENT /* no such socket, no such PCI device */
#define SOFTIOV_ERR_NOT_CARD EPROTO  /* what answers there does not speak vfio-user */
#define SOFTIOV_ERR_NOT_VF ENODEV    /* a PCI device, but not a VF of the 82599 class */
#define SOFTIOV_ERR_OWNED EBUSY	     /* another driver has it */
#define SOFTIOV_ERR_NO_PF EHOSTDOWN  /* the PF driver does not answer on the mailbox */
#define SOFTIOV_ERR_REFUSED EPERM    /* the PF driver refused (policy) */
#define SOFTIOV_ERR_GONE ENOTCONN    /* the card is gone: close the VF */
#define SOFTIOV_ERR_NO_MEMORY ENOMEM /* also: no huge pages, with SOFTIOV_POOL_HUGE_ONLY */

/**
 * softiov_error_name() - "SOFTIOV_ERR_GONE" for -SOFTIOV_ERR_GONE (and so for -ENOTCONN of any cause), else errno's own name.
 * Static.
 */
const char *softiov_error_name(int error);

/** struct softiov_reason - one line for a person, without a line feed. */
struct softiov_reason {
	char text[256];
};

/* --- memory ---------------------------------------------------------------------------------- */

struct softiov_pool;

enum softiov_pool_pages {
	SOFTIOV_POOL_HUGE_TRY, /* 2-MiB pages where there are any, else ordinary ones */
	SOFTIOV_POOL_HUGE_ONLY,
	SOFTIOV_POOL_HUGE_NEVER,
};

/**
 * struct softiov_pool_options - a 0 asks for the default.
 * @buffers: 4096
 * @buffer_size: a power of two, 1024 ... 131072; 2048. Receive uses at most 16384 of it per descriptor; a longer frame
 *	arrives in several.
 */
struct softiov_pool_options {
	uint32_t buffers;
	uint32_t buffer_size;
	enum softiov_pool_pages pages;
	uint32_t reserved[5];
};

/**
 * softiov_pool_create() - memory that VFs may reach: equal buffers in one sealed memory file.
 * A pool is independent of VFs; softiov_queue_start() lets its VF reach it, so a buffer received by one VF can be sent
 * by another as it is. Each buffer is owned by one side at a time: the program (softiov_pool_get(), softiov_rx_burst())
 * or the library (softiov_pool_put(), softiov_tx_burst()). @options may be NULL.
 */
int softiov_pool_create(struct softiov_pool **pool, const struct softiov_pool_options *options,
			struct softiov_reason *why);

/** softiov_pool_destroy() - after the queues that use it are stopped; NULL is fine. */
void softiov_pool_destroy(struct softiov_pool *pool);

/** struct softiov_pool_info - @huge: in 2-MiB pages; @free: buffers nobody holds. */
struct softiov_pool_info {
	uint32_t buffers, buffer_size, free;
	bool huge;
	uint32_t reserved[4];
};
void softiov_pool_info(const struct softiov_pool *pool, struct softiov_pool_info *info);

/** softiov_pool_get() - a buffer, now the program's. Return: its first byte, or NULL: none is free. */
void *softiov_pool_get(struct softiov_pool *pool);

/** softiov_pool_put() - give back the buffer that @data points into. */
void softiov_pool_put(struct softiov_pool *pool, void *data);

/* --- the VF ---------------------------------------------------------------------------------- */

struct softiov_vf;

/**
 * struct softiov_vf_options - a 0 asks for the default.
 * @timeout_ms: how long to wait for an answer of the card or the PF driver; 2000. A card that gives none is gone
 *	(-SOFTIOV_ERR_GONE).
 * @max_frame: longest frame to receive, without FCS and VLAN tag, 64 ... SOFTIOV_FRAME_MAX; 1514
 */
struct softiov_vf_options {
	uint32_t timeout_ms;
	uint32_t max_frame;
	uint32_t reserved[6];
};

/**
 * softiov_vf_open() - take VF @address: check that it is one, reset it, and ask the PF driver for its MAC address,
 * mailbox API and queues. No queue runs yet. @options may be NULL.
 */
int softiov_vf_open(struct softiov_vf **vf, const char *address,
		    const struct softiov_vf_options *options, struct softiov_reason *why);

/**
 * softiov_vf_close() - stop and free its queues, give the VF back, free it; NULL is fine. Their NAPI contexts are destroyed
 * before. Pools stay.
 */
void softiov_vf_close(struct softiov_vf *vf);

/**
 * struct softiov_vf_info
 * @mac: what the PF driver granted, or softiov_vf_set_mac()
 * @device_id: PCI device ID (vendor 0x8086)
 * @mailbox_api: version agreed with the PF driver, 0 (1.0) ... 5 (1.5)
 * @queues: queue pairs the PF driver grants
 * @port_vlan: the PF driver adds and removes a VLAN tag for this VF (it does not say which); the VF joins none itself
 * @shared_registers: queue registers are plain memory: ringing the card costs no system call
 * @link_up, @link_mbps: as of the last softiov_vf_service()
 * @max_frame: longest frame to receive, as in the options
 */
struct softiov_vf_info {
	uint8_t mac[6];
	uint16_t device_id;
	uint32_t mailbox_api;
	uint32_t queues;
	bool port_vlan;
	bool shared_registers;
	bool link_up;
	uint32_t link_mbps;
	uint32_t max_frame;
	uint32_t reserved[8];
};
void softiov_vf_info(const struct softiov_vf *vf, struct softiov_vf_info *info);

/** softiov_vf_address() - as given to softiov_vf_open(); lives as long as @vf. */
const char *softiov_vf_address(const struct softiov_vf *vf);

/**
 * What a VF asks of its PF driver over the mailbox (data sheet 4.6.11, 8.3.5.1). Each may take up to the timeout.
 * softiov_vf_set_mac(): unicast address. softiov_vf_set_vlan(): join or leave VLAN @id, 1 ... 4094.
 * softiov_vf_set_multicast(): receive these @n group addresses, at most 30, instead of those before.
 * softiov_vf_set_mode(): what else to receive.
 * Return: also -SOFTIOV_ERR_REFUSED, -SOFTIOV_ERR_NO_PF, -SOFTIOV_ERR_GONE, -EOPNOTSUPP: the PF driver is too old to
 * know the mode, -EAGAIN: the PF driver wants the VF to start anew, call softiov_vf_service() first.
 */
enum softiov_rx_mode { SOFTIOV_RX_NORMAL, SOFTIOV_RX_ALL_MULTICAST, SOFTIOV_RX_PROMISCUOUS };
int softiov_vf_set_mac(struct softiov_vf *vf, const uint8_t mac[6]);
int softiov_vf_set_vlan(struct softiov_vf *vf, uint16_t id, bool join);
int softiov_vf_set_multicast(struct softiov_vf *vf, const uint8_t (*mac)[6], unsigned int n);
int softiov_vf_set_mode(struct softiov_vf *vf, enum softiov_rx_mode mode);

/*
 * Events of softiov_vf_service(). LINK: the link went up or down. RESET: the PF driver made the VF start anew: queues
 * run again with what was configured, frames under way are lost, their buffers back in their pools, the MAC may be
 * another.
 */
#define SOFTIOV_EVENT_LINK 1u
#define SOFTIOV_EVENT_RESET 2u

/**
 * softiov_vf_service() - look after the VF: link state, messages and resets of the PF driver, is the card still there?
 * Call it when softiov_vf_fd() is readable and, for safety, every second. Does not wait, except during a reset.
 * Return: events (SOFTIOV_EVENT_*, 0: nothing new), or -SOFTIOV_ERR_GONE, or -SOFTIOV_ERR_NO_PF: a reset did not
 * succeed, no queue runs; a later call tries again.
 */
int softiov_vf_service(struct softiov_vf *vf);

/** softiov_vf_fd() - readable (poll, epoll) when softiov_vf_service() has something to do. Owned by @vf. */
int softiov_vf_fd(const struct softiov_vf *vf);

/* --- queues ---------------------------------------------------------------------------------- */

struct softiov_queue;

/* struct softiov_packet.flags, both ways */
#define SOFTIOV_MORE 0x0001 /* the frame goes on in the next packet of the array */
#define SOFTIOV_VLAN 0x0002 /* vlan holds the tag, which is not in the data */
/* ... to send: checksums to compute, of L4 at most one */
#define SOFTIOV_IP_CSUM 0x0004 /* IPv4 header */
#define SOFTIOV_TCP_CSUM 0x0008
#define SOFTIOV_UDP_CSUM 0x0010
#define SOFTIOV_SCTP_CSUM 0x0020
#define SOFTIOV_TSO 0x0040  /* cut into TCP segments of mss payload bytes; implies checksums */
#define SOFTIOV_IPV6 0x0080 /* with TSO or a checksum: the header at l2_len is IPv6 */
/* ... received: checksums that the card looked at */
#define SOFTIOV_IP_GOOD 0x0100
#define SOFTIOV_IP_BAD 0x0200
#define SOFTIOV_L4_GOOD 0x0400
#define SOFTIOV_L4_BAD 0x0800
#define SOFTIOV_HASH 0x1000 /* hash is valid */

/**
 * struct softiov_packet - a frame, or with SOFTIOV_MORE a piece of one, in one buffer of the queue's pool.
 * @data: first byte; anywhere in the buffer when sent, its first byte when received
 * @len: bytes here. The frame begins with the Ethernet header, has no FCS, and is 17 ... SOFTIOV_FRAME_MAX bytes
 *	long (with TSO up to SOFTIOV_TSO_MAX).
 * @flags: of the frame in its first piece; the other pieces carry SOFTIOV_MORE only. When received, what the card found
 *	is in the first piece, too.
 * @vlan: tag control information, with SOFTIOV_VLAN
 * @mss: TCP payload bytes of a segment, with SOFTIOV_TSO
 * @hash: RSS hash, received with SOFTIOV_HASH
 * @l2_len, @l3_len, @l4_len: header lengths, for TSO and checksums: Ethernet (and tags in the data), IP, and, for TSO, TCP
 */
struct softiov_packet {
	void *data;
	uint32_t len;
	uint16_t flags;
	uint16_t vlan;
	uint32_t hash;
	uint16_t mss;
	uint16_t l3_len;
	uint8_t l2_len, l4_len;
	uint8_t reserved[6];
};

/** struct softiov_queue_options - ring sizes in descriptors, multiples of 8; 0: SOFTIOV_RING_DEFAULT. */
struct softiov_queue_options {
	uint16_t rx_ring, tx_ring;
	uint32_t reserved[3];
};

/**
 * softiov_queue_start() - run queue pair @index (0 ... info.queues - 1) with buffers of @pool. The receive ring is
 * filled as far as the pool allows. @options may be NULL.
 * Return: also -EBUSY: it runs already; -ENOSPC: the VF reaches 16 other pools; -ETIMEDOUT: the card does not start it.
 */
int softiov_queue_start(struct softiov_queue **queue, struct softiov_vf *vf, unsigned int index,
			struct softiov_pool *pool, const struct softiov_queue_options *options,
			struct softiov_reason *why);

/**
 * softiov_queue_stop() - the card touches its rings and buffers no more; buffers in them go back to the pool. Frames that
 * are posted get a moment to leave. Its NAPI context is destroyed before. NULL is fine.
 */
void softiov_queue_stop(struct softiov_queue *queue);

/**
 * softiov_rx_burst() - take up to @n packets that have arrived; whole frames only (@n at least SOFTIOV_PIECES_MAX if
 * frames may be longer than a buffer). Their buffers are the caller's: send them or put them back. The ring is refilled
 * from the pool; when that is empty it runs dry and the card drops. Never waits, never fails: a card that is gone shows
 * in softiov_vf_service(). Return: packets.
 */
unsigned int softiov_rx_burst(struct softiov_queue *queue, struct softiov_packet *packet,
			      unsigned int n);

/**
 * softiov_tx_burst() - post up to @n packets and ring the card once. The buffers of those taken are the library's and
 * return to the pool when sent. What is not taken, for want of descriptors, stays the caller's; a frame is taken whole
 * or not at all. The packets must make sense (lengths, flags): what the card cannot send it drops and counts;
 * what needs more descriptors than the ring has is dropped here (tx_errors).
 * Return: packets taken.
 */
unsigned int softiov_tx_burst(struct softiov_queue *queue, const struct softiov_packet *packet,
			      unsigned int n);

/**
 * softiov_tx_reclaim() - take back the buffers of what is sent by now; softiov_tx_burst() does so by itself when it
 * runs short, so only a program that wants its last buffers back needs it. Return: packets not yet sent.
 */
unsigned int softiov_tx_reclaim(struct softiov_queue *queue);

/**
 * struct softiov_queue_stats - since the start; packets are frames, a TSO request counts as one.
 * @rx_no_buffer: times a refill found the pool empty; @tx_full: bursts that were not taken whole
 * @rx_errors: frames that the card reported in error, or whose descriptors made no sense; not handed out
 * @tx_errors: frames that no ring of this size can hold; taken and dropped
 */
struct softiov_queue_stats {
	uint64_t rx_packets, rx_bytes;
	uint64_t tx_packets, tx_bytes;
	uint64_t rx_no_buffer, tx_full;
	uint64_t rx_errors, tx_errors;
	uint64_t reserved[8];
};
void softiov_queue_stats(const struct softiov_queue *queue, struct softiov_queue_stats *stats);

/** softiov_version() - "0.1.0". Static. */
const char *softiov_version(void);

#ifdef __cplusplus
}
#endif

#endif
