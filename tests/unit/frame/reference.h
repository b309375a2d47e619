/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * reference.h - frames made and cut by the plainest code that can do it, to hold the frame room
 * against. Every checksum is computed from scratch by the textbook, from the finished bytes.
 */
#ifndef TESTS_FRAME_REFERENCE_H
#define TESTS_FRAME_REFERENCE_H

#include <stdbool.h>
#include <stdint.h>
#include "frame/frame.h"

#define REF_MAX (FRAME_MAX_TSO + 512)

enum ref_tunnel { REF_PLAIN, REF_VXLAN, REF_GRE, REF_IP_IN_IP, REF_TUNNELS };
enum ref_tag { REF_UNTAGGED, REF_TAG_IN_BAND, REF_TAG_METADATA, REF_TAGS };

/**
 * struct ref_spec - what frame to make.
 * @options: bytes of IPv4 options (multiple of 4) or of one IPv6 hop-by-hop header (multiple of 8)
 * @trailing: bytes behind the IP packet
 */
struct ref_spec {
	bool ipv6, inner_ipv6;
	enum ref_tunnel tunnel;
	enum ref_tag tag;
	uint8_t l4; /* IPPROTO_* */
	unsigned int options, tcp_options, payload, mss, trailing;
};

/** struct ref_frame - the right frame, before it is cut; offsets without the tag. */
struct ref_frame {
	struct ref_spec spec;
	uint32_t len;
	uint16_t tci;
	unsigned int l3, pseudo_l3, l4,
		header; /* outer IP, IP that the L4 belongs to, L4, payload */
	uint8_t bytes[REF_MAX];
};

void ref_seed(uint64_t seed);
uint64_t ref_random(uint64_t below);

/**
 * ref_build() - a frame with random addresses and payload; correct unless it is too long for IP.
 */
void ref_build(struct ref_frame *f, const struct ref_spec *spec);

/** ref_fix() - set the outer lengths and all checksums of @len bytes laid out like @f. */
void ref_fix(const struct ref_frame *f, uint8_t *bytes, uint32_t len);

/** ref_prepare() - make @bytes, a copy of @f, what a driver hands to hardware. @flags: FRAME_* */
void ref_prepare(const struct ref_frame *f, uint8_t *bytes, unsigned int flags);

/** ref_cuts(), ref_cut() - how many frames, and what the receiver must get. Return: its length. */
unsigned int ref_cuts(const struct ref_frame *f, unsigned int flags);
uint32_t ref_cut(const struct ref_frame *f, unsigned int flags, unsigned int index,
		 bool insert_vlan, uint8_t *to);

uint16_t ref_checksum(const uint8_t *bytes, uint32_t len, uint32_t start);
uint32_t ref_crc32c(const uint8_t *bytes, uint32_t len);

/**
 * struct ref_load - a struct frame in the room's terms, its pieces in blocks of their exact size.
 */
struct ref_load {
	struct frame frame;
	struct frame_segment segment[FRAME_MAX_SEGMENTS];
};

/** ref_load() - hand @f over as a transmitter does, cut into random pieces. Not yet finished. */
void ref_load(struct ref_load *load, const struct ref_frame *f, unsigned int flags);
void ref_unload(struct ref_load *load);

#endif
