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
 * All is compared in registers, with the very vectors that make the private header copy: reading back
 * what was stored a moment ago costs more than all the rest, because where the last bytes are stored
 * depends on the length, which the processor has to guess. Trains are made of plain frames
 * (frame/plain.h) without IP, or of TCP or UDP over IPv4 without options or IPv6 without extension
 * headers, and without a tag in the bytes.
 */
#ifndef SOFTIOV_FRAME_TRAIN_H
#define SOFTIOV_FRAME_TRAIN_H

#include <emmintrin.h>
#include "frame/copy.h"
#include "frame/frame.h"
#include "frame/protocol.h"

#define TRAIN_VECTORS 4u /* the last one for IPv6 only */
#define TRAIN_BYTES (TRAIN_VECTORS * 16u)
#define TRAIN_LEN_MIN 48u /* of a frame: all vectors but the last */
#define TRAIN_COPY_MAX 128u
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
 * @last: the first vectors of a frame of the last flow
 * @flow, @kind: struct train_masks
 * @common: of all its frames, but for the identification: from @flags to @info
 * @min_len: of a frame whose headers are all there; TRAIN_NONE: there is no train
 * @id_mask: of the identification: 0 where there is none
 * @ipv6: the last vector is compared, too
 */
struct frame_train {
	__m128i last[TRAIN_VECTORS], flow[TRAIN_VECTORS], kind[2], common;
	uint32_t min_len;
	bool ipv6;
	uint16_t id_mask;
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

/**
 * frame_train_begin() - @frame, plain, finished and with no less than TRAIN_LEN_MIN bytes, may be
 * followed by others like it.
 */
void frame_train_begin(struct frame_train *train, const struct frame *frame);

static inline __m128i train_take(uint8_t *to, const uint8_t *from)
{
	__m128i v = _mm_loadu_si128((const __m128i *)(const void *)from);

	LOADED_ONCE("x", v);
	_mm_storeu_si128((__m128i *)(void *)to, v);
	return v;
}

/**
 * frame_train_take() - copy the first @n bytes of a frame, at most TRAIN_COPY_MAX, from a guest's
 * memory to @header. Addresses, tags and protocols, all in the first 32, are read once; those behind may be read
 * twice, where vectors overlap: a guest that changes ports or the last bytes of an IPv4 address meanwhile changes
 * to which queue of the receiver its frame goes (RSS), nothing else.
 * @first: what was read, as vectors; of fewer than TRAIN_LEN_MIN bytes nothing, the last one with TRAIN_BYTES
 */
static inline void frame_train_take(uint8_t *header, const uint8_t *from, uint32_t n,
				    __m128i first[TRAIN_VECTORS])
{
	if (unlikely(n < TRAIN_LEN_MIN)) {
		memset(first, 0, TRAIN_BYTES);
		copy_bytes(header, from, n);
		return;
	}
	for (unsigned int i = 0; i < TRAIN_VECTORS - 1; i++)
		first[i] = train_take(header + i * 16, from + i * 16);
	if (n <= TRAIN_BYTES) {
		first[TRAIN_VECTORS - 1] = train_take(header + n - 16, from + n - 16);
		return;
	}
	first[TRAIN_VECTORS - 1] = train_take(header + TRAIN_BYTES - 16, from + TRAIN_BYTES - 16);
	if (n > 96) {
		copy_16(header + 64, from + 64);
		copy_16(header + 80, from + 80);
	}
	copy_16(header + n - 32, from + n - 32);
	copy_16(header + n - 16, from + n - 16);
}

static inline __m128i train_other(const struct frame_train *train, const __m128i *first,
				  unsigned int i)
{
	return (first[i] ^ train->last[i]) & train->flow[i];
}

/**
 * frame_train_match() - is a plain frame of @len bytes one more of the train, perhaps with a new flow?
 * @first: its first bytes, by frame_train_take()
 */
static inline enum train_match frame_train_match(struct frame_train *train, const __m128i *first,
						 uint32_t len)
{
	__m128i other[TRAIN_VECTORS - 1];

	if (unlikely(len < train->min_len || len > FRAME_MAX_LEN))
		return TRAIN_NO;
	for (unsigned int i = 0; i < TRAIN_VECTORS - 1; i++)
		other[i] = train_other(train, first, i);
	if (likely(train_zero(other[0] | other[1] | other[2]) &&
		   (!train->ipv6 || train_zero(train_other(train, first, 3)))))
		return TRAIN_FLOW;
	if (unlikely(!train_zero((other[0] & train->kind[0]) | (other[1] & train->kind[1]))))
		return TRAIN_NO;
	for (unsigned int i = 0; i < TRAIN_VECTORS; i++)
		train->last[i] = first[i];
	return TRAIN_KIND;
}

/** frame_train_join() - it is: @frame has header and lengths, and gets all else. */
static inline void frame_train_join(const struct frame_train *train, struct frame *frame,
				    const __m128i *first)
{
	uint16_t id = (uint16_t)_mm_extract_epi16(first[1], 1); /* byte 18 of the header */

	_mm_store_si128((__m128i *)(void *)frame + 1, train->common);
	frame->info.ip_id = __builtin_bswap16(id) & train->id_mask;
}

#endif
