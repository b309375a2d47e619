/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * gro.h - generic receive offload: TCP segments of one flow that arrived in a burst go to the kernel as one frame with
 * an offload request, so that the kernel's work is per 64 KiB and not per segment.
 */
#ifndef SOFTIOV_NETDEV_GRO_H
#define SOFTIOV_NETDEV_GRO_H

#include <linux/virtio_net.h>
#include <softiov/softiov.h>
#include <stdbool.h>
#include <sys/uio.h>

#define GRO_FLOWS 8
#define GRO_SEGMENTS 64
#define GRO_PIECES \
	(GRO_SEGMENTS + SOFTIOV_PIECES_MAX + 3) /* offload header, head, tag before them */

/**
 * struct gro_flow - one frame for the kernel in the making.
 * @first: its first segment; @headers: their length
 * @ip, @tcp: offsets of these headers; @payload: bytes so far; @mss: of every segment but the last
 * @segments: 1: goes out as it came
 * @closed: nothing can be added
 */
struct gro_flow {
	const struct softiov_packet *first;
	uint16_t headers, ip, tcp, mss;
	uint32_t next_sequence, payload;
	unsigned int segments, pieces;
	bool ipv6, closed;
	struct virtio_net_hdr vnet;
	uint8_t tag[4];
	struct iovec iov[GRO_PIECES];
};

/**
 * struct gro - @write gets each frame: an offload header and the bytes, in @n pieces.
 * @merged: segments that went out inside another one's frame
 */
struct gro {
	void (*write)(void *ctx, const struct iovec *iov, unsigned int n);
	void *ctx;
	unsigned int flows;
	uint64_t merged;
	struct gro_flow flow[GRO_FLOWS + 1]; /* the last one for what is no TCP segment */
};

/**
 * gro_receive() - a received frame of one or more packets (SOFTIOV_MORE). It is written now or by gro_flush(), in order
 * within a flow; its buffers must stay until then, and its headers may be changed.
 * Return: packets it had.
 */
unsigned int gro_receive(struct gro *gro, const struct softiov_packet *packet);

/** gro_flush() - write what is held back: at the end of each burst. */
void gro_flush(struct gro *gro);

#endif
