/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * csum.c - the Internet checksum (RFC 1071), alone and while copying.
 *
 * A partial sum is a 64-bit ones' complement number: the sum of all 64-bit words of the data,
 * carries added back at the bottom. 2^16 - 1 divides 2^64 - 1, so folding it to 16 bits at the end
 * gives the same as adding 16-bit words, in memory byte order: no swapping anywhere (RFC 1071,
 * section 2 (A) to (C)).
 *
 * Long pieces go through AVX2 where the processor has it: 32-bit words are added into 64-bit lanes,
 * which cannot overflow below 16 GiB. Short ones - headers, small frames - are faster in general
 * registers. The choice is a variable set before main() rather than an ifunc, whose resolvers run
 * before sanitizers and relocations are ready.
 *
 * The bytes come from memory that a guest may change meanwhile: each word is loaded once, and that
 * value is both stored and summed.
 */
#include "frame/frame.h"

#include <immintrin.h>
#include "frame/copy.h"

#define AVX2_WORTH_IT 256 /* bytes */

static bool have_avx2;

__attribute__((constructor)) static void csum_choose(void)
{
	__builtin_cpu_init();
	have_avx2 = __builtin_cpu_supports("avx2");
}

uint16_t csum_fold(uint64_t sum)
{
	sum = (sum >> 32) + (uint32_t)sum;
	sum = (sum >> 32) + (uint32_t)sum;
	sum = (sum >> 16) + (uint16_t)sum;
	sum = (sum >> 16) + (uint16_t)sum;
	sum = (sum >> 16) + (uint16_t)sum;
	return (uint16_t)~sum;
}

/* Load 8 bytes, store them too if this is a copy. @copy is a constant in every caller. */
static inline __attribute__((always_inline)) uint64_t word64(uint8_t *to, const uint8_t *from,
							     bool copy)
{
	uint64_t v;

	memcpy(&v, from, sizeof(v));
	if (copy)
		memcpy(to, &v, sizeof(v));
	return v;
}

static inline __attribute__((always_inline)) uint64_t sum_tail(uint8_t *to, const uint8_t *from,
							       size_t len, uint64_t sum, bool copy)
{
	uint64_t last = 0;

	/* At most 7 bytes, gathered into one word as they lie in memory. */
	if (len & 4) {
		uint32_t v;

		memcpy(&v, from, sizeof(v));
		if (copy)
			memcpy(to, &v, sizeof(v));
		last = v;
		from += 4;
		to += copy ? 4 : 0;
	}
	if (len & 2) {
		uint16_t v;

		memcpy(&v, from, sizeof(v));
		if (copy)
			memcpy(to, &v, sizeof(v));
		sum = csum_add(sum, v);
		from += 2;
		to += copy ? 2 : 0;
	}
	if (len & 1) {
		uint8_t v = *from;

		if (copy)
			*to = v;
		sum = csum_add(sum, v);
	}
	return csum_add(sum, last);
}

static inline __attribute__((always_inline)) uint64_t sum_words(uint8_t *to, const uint8_t *from,
								size_t len, uint64_t sum, bool copy)
{
	uint64_t carry = 0;

	while (len >= 32) {
		uint64_t a = word64(to, from, copy);
		uint64_t b = word64(to + (copy ? 8 : 0), from + 8, copy);
		uint64_t c = word64(to + (copy ? 16 : 0), from + 16, copy);
		uint64_t d = word64(to + (copy ? 24 : 0), from + 24, copy);

		carry += __builtin_add_overflow(sum, a, &sum);
		carry += __builtin_add_overflow(sum, b, &sum);
		carry += __builtin_add_overflow(sum, c, &sum);
		carry += __builtin_add_overflow(sum, d, &sum);
		from += 32;
		to += copy ? 32 : 0;
		len -= 32;
	}
	while (len >= 8) {
		carry += __builtin_add_overflow(sum, word64(to, from, copy), &sum);
		from += 8;
		to += copy ? 8 : 0;
		len -= 8;
	}
	return sum_tail(to, from, len, csum_add(sum, carry), copy);
}

/* Sums whole 64-byte blocks, at least one; the caller does the rest. */
__attribute__((target("avx2"))) static inline __attribute__((always_inline)) uint64_t
sum_avx2(uint8_t *to, const uint8_t *from, size_t blocks, bool copy)
{
	const __m256i low = _mm256_set1_epi64x(0xffffffff);
	__m256i even0 = _mm256_setzero_si256(), odd0 = even0, even1 = even0, odd1 = even0;
	uint64_t lane[4], sum = 0;

	for (; blocks; blocks--, from += 64) {
		__m256i a = _mm256_loadu_si256((const __m256i *)from);
		__m256i b = _mm256_loadu_si256((const __m256i *)(from + 32));

		if (copy) {
			_mm256_storeu_si256((__m256i *)to, a);
			_mm256_storeu_si256((__m256i *)(to + 32), b);
			to += 64;
		}
		even0 = _mm256_add_epi64(even0, _mm256_and_si256(a, low));
		odd0 = _mm256_add_epi64(odd0, _mm256_srli_epi64(a, 32));
		even1 = _mm256_add_epi64(even1, _mm256_and_si256(b, low));
		odd1 = _mm256_add_epi64(odd1, _mm256_srli_epi64(b, 32));
	}
	/* Odd words count 2^32, which is 1 modulo 2^16 - 1. */
	even0 = _mm256_add_epi64(_mm256_add_epi64(even0, even1), _mm256_add_epi64(odd0, odd1));
	_mm256_storeu_si256((__m256i *)lane, even0);
	for (int i = 0; i < 4; i++)
		sum = csum_add(sum, lane[i]);
	return sum;
}

__attribute__((target("avx2"))) static uint64_t partial_avx2(const uint8_t *from, size_t blocks)
{
	return sum_avx2(NULL, from, blocks, false);
}

__attribute__((target("avx2"))) static uint64_t copy_avx2(uint8_t *to, const uint8_t *from,
							  size_t blocks)
{
	return sum_avx2(to, from, blocks, true);
}

uint64_t csum_partial(const void *data, size_t len, uint64_t sum)
{
	const uint8_t *from = data;

	if (len >= AVX2_WORTH_IT && have_avx2) {
		size_t blocks = len / 64;

		sum = csum_add(sum, partial_avx2(from, blocks));
		from += blocks * 64;
		len %= 64;
	}
	return sum_words(NULL, from, len, sum, false);
}

uint64_t csum_copy(void *to, const void *from, size_t len, uint64_t sum)
{
	const uint8_t *source = from;
	uint8_t *target = to;

	if (len >= AVX2_WORTH_IT && have_avx2) {
		size_t blocks = len / 64;

		sum = csum_add(sum, copy_avx2(target, source, blocks));
		source += blocks * 64;
		target += blocks * 64;
		len %= 64;
	}
	return sum_words(target, source, len, sum, true);
}
