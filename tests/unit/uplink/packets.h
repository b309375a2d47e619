/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * packets.h - frames made by hand, and an independent look at what became of them.
 */
#ifndef TESTS_UNIT_UPLINK_PACKETS_H
#define TESTS_UNIT_UPLINK_PACKETS_H

#include <linux/virtio_net.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifndef VIRTIO_NET_HDR_GSO_UDP_L4
#define VIRTIO_NET_HDR_GSO_UDP_L4 5
#endif

#define PACKET_MAX 66000

/**
 * struct packet - what to make. @vlan: tag in the bytes, 0: none. @ipv6, @udp: else IPv4, TCP.
 * @mss: ask for segmentation. @partial: leave the L4 checksum to be completed, pseudo-header sum in place.
 */
struct packet {
	uint16_t vlan;
	bool ipv6, udp;
	uint8_t tcp_flags;
	uint16_t mss;
	bool partial;
	uint32_t payload;
};

/** packet_make() - payload byte i is i * 7. Return: length; @vnet filled. */
uint32_t packet_make(const struct packet *packet, uint8_t *bytes, struct virtio_net_hdr *vnet);

/** packet_payload() - where the payload of a made (maybe cut) frame begins. */
uint32_t packet_headers(const struct packet *packet);

/** packet_is_good() - lengths agree and all checksums are right, computed the slow way. */
bool packet_is_good(const uint8_t *bytes, uint32_t len);

#endif
