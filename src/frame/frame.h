/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * frame.h - an Ethernet frame on its way through the card: host segments plus an offload request,
 * neutral to devices.
 *
 * A transmitter (a device model's tx_burst or an uplink) fills struct frame; the switch reads its
 * header; receivers (a model's rx_burst or an uplink) read it through a struct frame_cut, which
 * yields the one frame, or - for a TCP segmentation request - frame after frame of at most MSS
 * payload, with headers and checksums finished on the way.
 *
 * Guest memory can change between two reads, so the first bytes are copied once, into @header:
 * every decision and the delivered header come from that copy. All other bytes are copied exactly
 * once, from the sender's memory to the receiver's.
 *
 * The outermost VLAN tag is always metadata (@vlan), never in @header: frame_finish() takes it out
 * of the bytes.
 */
#ifndef SOFTIOV_FRAME_FRAME_H
#define SOFTIOV_FRAME_FRAME_H

#include <stdbool.h>
#include <stdint.h>
#include "util/util.h"

#define FRAME_BURST 64
#define FRAME_HEADER_MAX 256 /* headers longer than this are refused by the transmitters */
#define FRAME_MAX_SEGMENTS 64
#define FRAME_MIN_LEN 60     /* without FCS */
#define FRAME_MAX_LEN 9728   /* 9.5 KiB without FCS: MTU 9710 + Ethernet header + VLAN tag */
#define FRAME_MAX_TSO 262144 /* PAYLEN is 18 bits */

/* struct frame.flags */
#define FRAME_VLAN BIT(0)      /* vlan holds a tag */
#define FRAME_IP_CSUM BIT(1)   /* compute the IPv4 header checksum at l2_len */
#define FRAME_L4_CSUM BIT(2)   /* compute the checksum of l4_proto at l2_len + l3_len */
#define FRAME_TSO BIT(3)       /* cut into segments of mss payload bytes */
#define FRAME_PAD BIT(4)       /* pad to FRAME_MIN_LEN with zeroes */
#define FRAME_CSUM_GOOD BIT(5) /* checksums are known to be right (the wire side verified them) */
#define FRAME_LOOPBACK BIT(6)  /* came from a vport of this switch, not from the wire */

/**
 * struct frame_segment - contiguous host bytes of the sender; valid until the worker's next
 * quiescent point.
 */
struct frame_segment {
	const uint8_t *base;
	uint32_t len;
};

/** enum frame_l3, frame_l4 - of struct frame_info. */
enum frame_l3 { FRAME_L3_NONE, FRAME_L3_IPV4, FRAME_L3_IPV6 };
enum frame_l4 { FRAME_L4_NONE, FRAME_L4_TCP, FRAME_L4_UDP, FRAME_L4_SCTP };

/**
 * struct frame_info - the outer headers of a frame, for receive status, RSS and checksum
 * verification.
 * @l3_offset, @l4_offset: in the untagged frame, 0 when absent; within FRAME_HEADER_MAX
 * @ip_options: IPv4 options or IPv6 extension headers present
 * @fragment: an IP fragment (no L4 then)
 * @rerouted: IPv6 routing or destination options present: the addresses may not be those of the
 *	pseudo-header
 * @ip_id: IPv4 identification, host order
 */
struct frame_info {
	uint8_t l3, l4;
	bool ip_options, fragment, rerouted;
	uint8_t l3_offset, l4_offset;
	uint8_t reserved; /* no padding: all but @ip_id is compared as one word */
	uint16_t ip_id;
};

/**
 * struct frame - one frame.
 * @segment: @segments pieces that follow the header copy: the bytes already in @header are not in
 *	them
 * @len: whole frame without FCS and without the VLAN tag that @vlan holds (for TSO: before cutting)
 * @header_len: bytes in @header; all of a short frame
 * @vlan: TCI in host order, with FRAME_VLAN
 * @vlan_tpid: 0x8100 or 0x88a8
 * @info: by frame_finish()
 * @l2_len, @l3_len, @l4_len: as the transmit context gave them, @l2_len without the tag taken out;
 *	offsets into @header (checked: their sum <= @header_len when an offload flag is set)
 * @l4_proto: IPPROTO_TCP, IPPROTO_UDP or IPPROTO_SCTP, with FRAME_L4_CSUM or FRAME_TSO
 * @mss: payload bytes per cut frame, with FRAME_TSO; never 0
 *
 * @flags to @info are one vector: what the frames of a train have in common (frame/train.h).
 */
struct frame {
	const struct frame_segment *segment;
	uint32_t len;
	uint16_t header_len;
	uint16_t segments;
	uint16_t flags;
	uint16_t vlan;
	uint16_t vlan_tpid;
	struct frame_info info;
	uint16_t mss;
	uint16_t l2_len, l3_len, l4_len;
	uint8_t l4_proto;
	_Alignas(64) uint8_t header[FRAME_HEADER_MAX];
};

/**
 * frame_finish() - complete a frame whose @header, @header_len, @segment, @segments, @len and
 * offload fields a transmitter has filled with the raw bytes: takes an in-band tag (TPID 0x8100)
 * out of @header into @vlan unless the transmitter set FRAME_VLAN itself, checks that the offload
 * request fits the header, and finds the outer headers, once for all receivers (@info). FRAME_TSO implies FRAME_L4_CSUM and, for IPv4, FRAME_IP_CSUM.
 *
 * The header copy must hold the first min(@len, 128) bytes for the parser, and with offloads
 * everything up to the end of the L4 header (at most FRAME_HEADER_MAX).
 *
 * Return: 0, or -EINVAL for a frame that must be dropped (too short: < 14; headers beyond @header;
 * MSS 0; too long; length not the sum of the pieces; an offload inside the MAC addresses).
 */
int frame_finish(struct frame *frame);

/* struct frame_cut.status: what the receiver is told about checksums of the frame delivered */
#define FRAME_IP_CHECKED BIT(0)
#define FRAME_IP_BAD BIT(1)
#define FRAME_L4_CHECKED BIT(2)
#define FRAME_L4_BAD BIT(3)

/**
 * struct frame_cursor - the next byte of a body: @left of them from @at on, then those of @next.
 */
struct frame_cursor {
	const struct frame_segment *next;
	const uint8_t *at;
	uint32_t left;
};

/**
 * struct frame_cut - iterator over the frames that one struct frame becomes for one receiver.
 *
 *	frame_cut_init(&cut, frame, insert_vlan, verify);
 *	while (frame_cut_next(&cut)) {
 *		... cut.len bytes are to be delivered ...
 *		frame_cut_copy(&cut, buffer, n);	(any number of times, cut.len bytes in all)
 *		frame_cut_end(&cut);			(the L4 checksum is written, cut.status set)
 *	}
 *
 * The buffers may be of any sizes. They are only written, never read; until frame_cut_end() they
 * must stay valid, for a computed L4 checksum is stored last, wherever its field came to lie.
 * Status speaks of the outer headers: a checksum computed inside a tunnel is not reported.
 */
struct frame_cut {
	const struct frame *frame;
	uint32_t len;	  /* of the frame being delivered, padded if FRAME_PAD */
	uint32_t status;  /* valid after frame_cut_end() */
	uint32_t index;	  /* 0 for the first cut */
	bool insert_vlan; /* put the tag back into the bytes */
	bool verify;	  /* verify checksums that were not requested to be computed */
	/* private */
	bool more;		     /* cuts are left */
	bool compute;		     /* the sum is to be stored, not compared */
	bool odd;		     /* the next body byte is at an odd offset of the sum */
	uint8_t sum_kind, field_len; /* of the L4 checksum */
	uint8_t tag_len;	     /* inserted bytes */
	uint16_t head_len, field;    /* offsets and lengths count the inserted tag ... */
	uint32_t sum_start, sum_end; /* ... these two do not */
	uint32_t next_index, cut_size;
	uint32_t position, body_left, payload_left, sum_left;
	uint32_t verdict, crc;
	uint64_t ip_sum, seed; /* what goes into the sums of all cuts */
	uint64_t sum;
	const uint8_t *head;
	struct frame_cursor body;
	uint8_t *field_at[4];
	uint8_t header[FRAME_HEADER_MAX + 4];
};

/**
 * frame_cut_init() - start; @frame must have passed frame_finish() and stay unchanged.
 * @insert_vlan: deliver the tag in the bytes, if there is one; cut.len then includes it
 * @verify: sum up and judge the checksums that nobody vouches for
 */
void frame_cut_init(struct frame_cut *cut, const struct frame *frame, bool insert_vlan,
		    bool verify);
/** frame_cut_next() - step to the next frame to deliver. Return: false when there are no more. */
bool frame_cut_next(struct frame_cut *cut);
/** frame_cut_copy() - the next @len bytes of it; bytes beyond cut.len are left alone. */
void frame_cut_copy(struct frame_cut *cut, uint8_t *to, uint32_t len);
/** frame_cut_end() - it is all copied: store the checksum, fill cut.status. */
void frame_cut_end(struct frame_cut *cut);

/**
 * frame_cut_run() - all of that for several frames, each into one buffer: for the current one and
 * those behind it, @n at most. @to: the buffers, each with room for @cut->len bytes
 * @len: set to the length of each. Return: how many frames, at least 1; cut.status is that of all.
 */
unsigned int frame_cut_run(struct frame_cut *cut, uint8_t *const to[], unsigned int n,
			   uint32_t len[]);

/** frame_cut_left() - frames from the current one on, at most @max. */
static inline unsigned int frame_cut_left(const struct frame_cut *cut, unsigned int max)
{
	if (likely(!cut->payload_left))
		return MIN(1u, max);
	return MIN(1 + (cut->payload_left + cut->cut_size - 1) / cut->cut_size, max);
}

/**
 * frame_cut_skip() - do not deliver the current cut (no descriptors left); call instead of copying
 * it.
 */
void frame_cut_skip(struct frame_cut *cut);

/** frame_wire_len() - bytes that a frame without FRAME_TSO is delivered as, without a tag. */
static inline uint32_t frame_wire_len(const struct frame *frame)
{
	return frame->flags & FRAME_PAD && frame->len < FRAME_MIN_LEN ? FRAME_MIN_LEN : frame->len;
}

/**
 * frame_count() - frames and bytes that will be delivered (cuts of a TSO request counted one by
 * one, @bytes without FCS and with padding, without a tag held as metadata).
 */
void frame_count(const struct frame *frame, uint32_t *frames, uint64_t *bytes);

/*
 * Internet checksum (RFC 1071) building blocks, also used by drivers.
 */
/** csum_partial() - @sum plus @len bytes; pieces of odd length only last. */
uint64_t csum_partial(const void *data, size_t len, uint64_t sum);
/** csum_copy() - csum_partial() of the very bytes it copies. */
uint64_t csum_copy(void *to, const void *from, size_t len, uint64_t sum);
/**
 * csum_fold() - the checksum: complemented, in memory byte order (store it as it is). 0 when data
 * verify.
 */
uint16_t csum_fold(uint64_t sum);
/**
 * crc32c() - RFC 9260 appendix A; starts at ~0, the complement of the result is stored little
 * endian.
 */
uint32_t crc32c(uint32_t crc, const void *data, size_t len);

#endif
