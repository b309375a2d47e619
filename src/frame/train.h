/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * train.h - frames of one kind, or even of one flow, that come one behind the other are parsed once.
 *
 * The first frame of a train, its head, is parsed. One behind it that has the same bytes wherever the
 * parser looks - type, IP version and header length, fragment, protocol - is of the same *kind*: what
 * struct frame says of it is the same but for lengths and identification. If addresses and ports are
 * the same, too, it is of the same *flow*, and switch and receiver decide as for the one before. What
 * may differ even then is what none of them asks for: lengths, identification, time to live, checksums,
 * payload. Whoever judges a frame by these looks at each.
 *
 * All is compared in the private header copies, with a few vectors. Trains are made of plain frames
 * (frame/plain.h) without IP, or of TCP or UDP over IPv4 without options or IPv6 without extension
 * headers, and without a tag in the bytes.
 */
#ifndef SOFTIOV_FRAME_TRAIN_H
#define SOFTIOV_FRAME_TRAIN_H

#include <emmintrin.h>
#include "frame/frame.h"
#include "frame/protocol.h"

#define TRAIN_VECTORS 3u
#define TRAIN_BYTES (TRAIN_VECTORS * 16u) /* of a header that are compared as vectors */
#define TRAIN_NONE UINT32_MAX

/** enum train_match - what a frame has in common with the train before it. */
enum train_match { TRAIN_NO, TRAIN_KIND, TRAIN_FLOW };

/**
 * struct train_masks - the bits of the first bytes that tell flows from each other, and kinds. All of
 * the latter are in the first two vectors.
 */
struct train_masks {
	_Alignas(16) uint8_t flow[TRAIN_BYTES], kind[TRAIN_BYTES];
};

/**
 * struct frame_train - what a frame must have to be one more of the train.
 * @last: the first bytes of a frame of the last flow
 * @flow, @kind: struct train_masks
 * @common: of all its frames, but for the identification: from @flags to @info
 * @min_len: of a frame whose headers are all there; TRAIN_NONE: there is no train
 * @id_mask: of the identification: 0 where there is none
 * @ipv6: addresses and ports go on behind TRAIN_BYTES: @rest and @port
 */
struct frame_train {
	__m128i last[TRAIN_VECTORS], flow[TRAIN_VECTORS], kind[2], common;
	uint32_t min_len;
	bool ipv6;
	uint16_t port, id_mask;
	uint64_t rest;
};

_Static_assert(offsetof(struct frame, flags) == 16 && offsetof(struct frame, mss) == 32 &&
		       offsetof(struct frame, info.ip_id) == 30,
	       "flags to info are one aligned vector, of which the identification is the end");

/** frame_common() - @flags to @info. */
static inline __m128i frame_common(const struct frame *frame)
{
	return _mm_load_si128((const __m128i *)(const void *)frame + 1);
}

static inline bool train_zero(__m128i v)
{
	return _mm_movemask_epi8(_mm_cmpeq_epi8(v, _mm_setzero_si128())) == 0xffff;
}

/** frame_same_kind() - are @a and @b, as frame_common() tells them, of one kind? */
static inline bool frame_same_kind(__m128i a, __m128i b)
{
	return train_zero(_mm_slli_si128(a ^ b, sizeof(uint16_t)));
}

/** frame_train_end() - the next frame is not in one train with those before. */
static inline void frame_train_end(struct frame_train *train)
{
	train->min_len = TRAIN_NONE;
}

/** frame_train_begin() - @frame, plain and finished, may be followed by others like it. */
void frame_train_begin(struct frame_train *train, const struct frame *frame);

/**
 * frame_train_match() - is a plain frame of @len bytes one more of the train, perhaps with a new flow?
 * @header: its private header copy, the first MIN(@len, 128) bytes
 */
static inline enum train_match frame_train_match(struct frame_train *train, const uint8_t *header,
						 uint32_t len)
{
	__m128i now[TRAIN_VECTORS], other[TRAIN_VECTORS];
	uint64_t rest;
	uint16_t port;

	if (unlikely(len < train->min_len || len > FRAME_MAX_LEN))
		return TRAIN_NO;
	for (unsigned int i = 0; i < TRAIN_VECTORS; i++) {
		now[i] = _mm_load_si128((const __m128i *)(const void *)header + i);
		other[i] = (now[i] ^ train->last[i]) & train->flow[i];
	}
	rest = get_le64(header + TRAIN_BYTES);
	port = get_le16(header + TRAIN_BYTES + sizeof(rest));
	if (likely(train_zero(other[0] | other[1] | other[2]) &&
		   (!train->ipv6 || (rest == train->rest && port == train->port))))
		return TRAIN_FLOW;
	if (unlikely(!train_zero((other[0] & train->kind[0]) | (other[1] & train->kind[1]))))
		return TRAIN_NO;
	for (unsigned int i = 0; i < TRAIN_VECTORS; i++)
		train->last[i] = now[i];
	train->rest = rest;
	train->port = port;
	return TRAIN_KIND;
}

/** frame_train_join() - it is: @frame has header and lengths, and gets all else. */
static inline void frame_train_join(const struct frame_train *train, struct frame *frame)
{
	_mm_store_si128((__m128i *)(void *)frame + 1, train->common);
	frame->info.ip_id = get_be16(frame->header + ETH_HEADER_LEN + IPV4_ID) & train->id_mask;
}

#endif
