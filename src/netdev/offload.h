/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * offload.h - what the kernel leaves to be done to a frame (struct virtio_net_hdr), in the words of libsoftiov.
 */
#ifndef SOFTIOV_NETDEV_OFFLOAD_H
#define SOFTIOV_NETDEV_OFFLOAD_H

#include <linux/virtio_net.h>
#include <softiov/softiov.h>

/**
 * offload_request() - complete a frame of @pieces packets, whose data and len are set and the rest 0, as @vnet asks:
 * flags, header lengths, mss, the tag out of the data. The first piece, which holds the headers, has 60 bytes of room.
 * Return: 0, or -EINVAL, -EMSGSIZE for a frame that the card cannot send.
 */
int offload_request(const struct virtio_net_hdr *vnet, struct softiov_packet *packet,
		    unsigned int pieces);

#endif
