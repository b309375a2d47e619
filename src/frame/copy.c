/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * copy.c - one pass over bytes: copy them, add them up for the Internet checksum, or both.
 *
 * A partial sum is a 64-bit ones' complement number: the sum of all 64-bit words of the data,
 * carries added back at the bottom. 2^16 - 1 divides 2^64 - 1, so folding it to 16 bits at the end
 * gives the same as adding 16-bit words, in memory byte order: no swapping anywhere (RFC 1071,
 * section 2 (A) to (C)).
 *
 * Vectors have no carry. Words are added up twice instead: whole, which gives the sum modulo 2^64,
 * and shifted right by 32, which gives the exact sum of the upper halves; that of the lower halves
 * is the difference. So the sum costs three operations a vector and hides behind the store: copying
 * with it takes no longer than copying without.
 *
 * Two things can make a copy several times slower, and are why memcpy() is not good enough here
 * (figures from Zen 4):
 *  - A load is held up by an earlier store that has the same low address bits, until the processor
 *    knows that they differ in the others. When the target lies a little behind the source modulo
 *    64 KiB, as buffers of equally made pools do, every load going up meets the store just before
 *    it: six times as long. Going down, none does.
 *  - A store over the end of a page takes as long as twenty others, so it pays to align the target.
 *    And "rep movsb", which memcpy() may choose, takes fifteen times as long when it is not.
 *
 * The way to go is chosen once, before main(): by a variable rather than an ifunc, whose resolvers
 * run before sanitizers and relocations are ready. 512-bit vectors are used where they do not slow
 * the processor down (from Ice Lake and Zen 4 on), of which AVX512_VBMI2 is the mark.
 *
 * The bytes come from memory that a guest may change meanwhile: each is loaded once, and that value
 * is both stored and summed. LOADED_ONCE() keeps the compiler from reading it a second time.
 */
#include "frame/copy.h"

#include <immintrin.h>

#define INLINE static inline __attribute__((always_inline))
#define AVX2 __attribute__((target("avx2")))
#define AVX512 __attribute__((target("avx512f,avx512bw")))

#define SHORT 32u	      /* bytes; fewer go through general registers */
#define ALIGN_WORTH_IT 512u   /* bytes */
#define ALIAS_MODULO 0x10000u /* see above; bytes */
#define ALIAS_DISTANCE 0x400u

/* The flags @copy and @add, and the length of a word, are constants in every caller. */

/** struct run - @blocks equal blocks from offset @at on, up or down. */
struct run {
	size_t at, blocks;
	ptrdiff_t step;
};

INLINE struct run run_over(const uint8_t *to, const uint8_t *from, size_t at, size_t len,
			   size_t block, bool copy)
{
	size_t blocks = (len - at) / block;
	bool down = copy && ((uintptr_t)to - (uintptr_t)from) % ALIAS_MODULO < ALIAS_DISTANCE;

	return down && blocks ? (struct run){ at + (blocks - 1) * block, blocks, -(ptrdiff_t)block }
			      : (struct run){ at, blocks, (ptrdiff_t)block };
}

/* --- general registers ----------------------------------------------------------------------- */

/** struct sums - of 64-bit words: @whole modulo 2^64, @upper of their upper halves. */
struct sums {
	uint64_t whole, upper;
};

/* The @len bytes at @at, at most 8, as a word that has them as memory has. */
INLINE void pass_word(struct sums *sums, uint8_t *to, const uint8_t *from, size_t at, size_t len,
		      bool copy)
{
	uint64_t word = 0;

	memcpy(&word, from + at, len);
	if (copy) {
		LOADED_ONCE("r", word);
		memcpy(to + at, &word, len);
	}
	sums->whole += word;
	sums->upper += word >> 32;
}

/* Upper halves count 2^32, which is 1 modulo 2^16 - 1. Nothing overflows below 16 GiB. */
INLINE uint64_t total(const struct sums *sums)
{
	return sums->whole - (sums->upper << 32) + sums->upper;
}

/* The bytes from @at up to @len. */
INLINE uint64_t pass_words(uint8_t *to, const uint8_t *from, size_t at, size_t len, uint64_t sum,
			   bool copy)
{
	struct sums sums = { 0, 0 };

	for (; len - at >= 8; at += 8)
		pass_word(&sums, to, from, at, 8, copy);
	if ((len - at) & 4) {
		pass_word(&sums, to, from, at, 4, copy);
		at += 4;
	}
	if ((len - at) & 2) {
		pass_word(&sums, to, from, at, 2, copy);
		at += 2;
	}
	if ((len - at) & 1)
		pass_word(&sums, to, from, at, 1, copy);
	return csum_add(sum, total(&sums));
}

static void copy_general(void *to, const void *from, size_t len)
{
	memcpy(to, from, len);
}

static uint64_t copy_add_general(void *to, const void *from, size_t len, uint64_t sum)
{
	return pass_words(to, from, 0, len, sum, true);
}

static uint64_t add_general(const void *from, size_t len, uint64_t sum)
{
	return pass_words(NULL, from, 0, len, sum, false);
}

/* --- AVX2 ------------------------------------------------------------------------------------ */

/** struct sums_256 - four struct sums at once. */
struct sums_256 {
	__m256i whole, upper;
};

AVX2 INLINE __m256i load_256(const uint8_t *from)
{
	__m256i v = _mm256_loadu_si256((const __m256i *)from);

	LOADED_ONCE("x", v);
	return v;
}

AVX2 INLINE void take_256(struct sums_256 *sums, __m256i v, uint8_t *to, size_t at, bool copy,
			  bool add)
{
	if (copy)
		_mm256_storeu_si256((__m256i *)(to + at), v);
	if (add) {
		sums->whole = _mm256_add_epi64(sums->whole, v);
		sums->upper = _mm256_add_epi64(sums->upper, _mm256_srli_epi64(v, 32));
	}
}

AVX2 INLINE uint64_t total_256(const struct sums_256 *sums)
{
	__m256i lower = _mm256_sub_epi64(sums->whole, _mm256_slli_epi64(sums->upper, 32));
	__m256i four = _mm256_add_epi64(lower, sums->upper);
	__m128i two =
		_mm_add_epi64(_mm256_castsi256_si128(four), _mm256_extracti128_si256(four, 1));

	return (uint64_t)_mm_cvtsi128_si64(two) + (uint64_t)_mm_extract_epi64(two, 1);
}

AVX2 INLINE uint64_t pass_avx2(uint8_t *to, const uint8_t *from, size_t len, uint64_t sum,
			       bool copy, bool add)
{
	struct sums_256 sums = { _mm256_setzero_si256(), _mm256_setzero_si256() };
	struct run run = run_over(to, from, 0, len, 64, copy);
	size_t at = run.blocks * 64;

	for (; run.blocks; run.blocks--, run.at += (size_t)run.step) {
		__m256i a = load_256(from + run.at), b = load_256(from + run.at + 32);

		take_256(&sums, a, to, run.at, copy, add);
		take_256(&sums, b, to, run.at + 32, copy, add);
	}
	if (len - at >= 32) {
		take_256(&sums, load_256(from + at), to, at, copy, add);
		at += 32;
	}
	return pass_words(to, from, at, len, csum_add(sum, total_256(&sums)), copy);
}

AVX2 static void copy_avx2(void *to, const void *from, size_t len)
{
	(void)pass_avx2(to, from, len, 0, true, false);
}

AVX2 static uint64_t copy_add_avx2(void *to, const void *from, size_t len, uint64_t sum)
{
	return len < SHORT ? copy_add_general(to, from, len, sum)
			   : pass_avx2(to, from, len, sum, true, true);
}

AVX2 static uint64_t add_avx2(const void *from, size_t len, uint64_t sum)
{
	return len < SHORT ? add_general(from, len, sum)
			   : pass_avx2(NULL, from, len, sum, false, true);
}

/* --- AVX-512 --------------------------------------------------------------------------------- */

/** struct sums_512 - eight struct sums at once. */
struct sums_512 {
	__m512i whole, upper;
};

AVX512 INLINE __m512i load_512(const uint8_t *from)
{
	__m512i v = _mm512_loadu_si512(from);

	LOADED_ONCE("v", v);
	return v;
}

AVX512 INLINE void add_512(struct sums_512 *sums, __m512i v)
{
	sums->whole = _mm512_add_epi64(sums->whole, v);
	sums->upper = _mm512_add_epi64(sums->upper, _mm512_srli_epi64(v, 32));
}

AVX512 INLINE void take_512(struct sums_512 *sums, __m512i v, uint8_t *to, size_t at, bool copy,
			    bool add)
{
	if (copy)
		_mm512_storeu_si512(to + at, v);
	if (add)
		add_512(sums, v);
}

/* At most 63 bytes at @at; those behind them are not touched. */
AVX512 INLINE void pass_part_512(struct sums_512 *sums, uint8_t *to, const uint8_t *from, size_t at,
				 size_t len, bool copy, bool add)
{
	__mmask64 mask = BIT64(len) - 1;
	__m512i v = _mm512_maskz_loadu_epi8(mask, from + at);

	LOADED_ONCE("v", v);
	if (copy)
		_mm512_mask_storeu_epi8(to + at, mask, v);
	if (add)
		add_512(sums, v);
}

AVX512 INLINE uint64_t total_512(const struct sums_512 *sums)
{
	__m512i lower = _mm512_sub_epi64(sums->whole, _mm512_slli_epi64(sums->upper, 32));

	return (uint64_t)_mm512_reduce_add_epi64(_mm512_add_epi64(lower, sums->upper));
}

AVX512 INLINE uint64_t pass_avx512(uint8_t *to, const uint8_t *from, size_t len, uint64_t sum,
				   bool copy, bool add)
{
	struct sums_512 sums = { _mm512_setzero_si512(), _mm512_setzero_si512() };
	size_t at = copy && len >= ALIGN_WORTH_IT ? -(uintptr_t)to % 64 : 0;
	struct run run;

	if (add && at % 2)
		at = 0; /* words would be summed from an odd offset on */
	if (at)
		pass_part_512(&sums, to, from, 0, at, copy, add);
	run = run_over(to, from, at, len, 128, copy);
	at += run.blocks * 128;
	for (; run.blocks; run.blocks--, run.at += (size_t)run.step) {
		__m512i a = load_512(from + run.at), b = load_512(from + run.at + 64);

		take_512(&sums, a, to, run.at, copy, add);
		take_512(&sums, b, to, run.at + 64, copy, add);
	}
	if (len - at >= 64) {
		take_512(&sums, load_512(from + at), to, at, copy, add);
		at += 64;
	}
	if (len - at)
		pass_part_512(&sums, to, from, at, len - at, copy, add);
	return csum_add(sum, total_512(&sums));
}

AVX512 static void copy_avx512(void *to, const void *from, size_t len)
{
	(void)pass_avx512(to, from, len, 0, true, false);
}

AVX512 static uint64_t copy_add_avx512(void *to, const void *from, size_t len, uint64_t sum)
{
	return pass_avx512(to, from, len, sum, true, true);
}

AVX512 static uint64_t add_avx512(const void *from, size_t len, uint64_t sum)
{
	return pass_avx512(NULL, from, len, sum, false, true);
}

/* --- the choice ------------------------------------------------------------------------------ */

static const struct copy_way way[] = {
	{ "general", copy_general, copy_add_general, add_general },
	{ "AVX2", copy_avx2, copy_add_avx2, add_avx2 },
	{ "AVX-512", copy_avx512, copy_add_avx512, add_avx512 },
};

const struct copy_way *copy_way = &way[0];

const struct copy_way *copy_way_usable(unsigned int n)
{
	unsigned int usable = 1;

	__builtin_cpu_init();
	if (__builtin_cpu_supports("avx2"))
		usable = __builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512vbmi2")
				 ? 3
				 : 2;
	return n < usable ? &way[n] : NULL;
}

__attribute__((constructor)) static void choose(void)
{
	for (unsigned int n = 0; copy_way_usable(n); n++)
		copy_way = copy_way_usable(n);
}
