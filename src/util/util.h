/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * util.h - the few helpers that every room uses: time, arithmetic, little-endian bytes,
 * human-readable refusals.
 */
#ifndef SOFTIOV_UTIL_UTIL_H
#define SOFTIOV_UTIL_UTIL_H

#include <errno.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <time.h>

#define likely(x) __builtin_expect(!!(x), 1)
#define unlikely(x) __builtin_expect(!!(x), 0)
#define ARRAY_SIZE(a) (sizeof(a) / sizeof((a)[0]))
#define container_of(ptr, type, member) ((type *)((char *)(ptr)-offsetof(type, member)))
#define BIT(n) (1u << (n))
#define BIT64(n) (1ull << (n))
/* MIN(), MAX() read each argument once: atomics and guest memory change between two reads. */
#define MIN(a, b) PICK_ONCE(a, <, b, __COUNTER__)
#define MAX(a, b) PICK_ONCE(a, >, b, __COUNTER__)
#define PICK_ONCE(a, op, b, id) PICK_NAMED(a, op, b, id)
#define PICK_NAMED(a, op, b, id)                                  \
	({                                                        \
		__auto_type _left##id = (a);                      \
		__auto_type _right##id = (b);                     \
		_left##id op _right##id ? _left##id : _right##id; \
	})
#define ALIGN_UP(x, a) (((x) + (a)-1) & ~((__typeof__(x))(a)-1))

#define NSEC_PER_SEC 1000000000ull
#define NSEC_PER_USEC 1000u
#define PAGE_SIZE_4K 4096u
#define ETH_ALEN 6

/** now_ns() - CLOCK_MONOTONIC in nanoseconds; no system call on Linux (vDSO). */
static inline uint64_t now_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * NSEC_PER_SEC + (uint64_t)t.tv_nsec;
}

static inline uint16_t get_le16(const void *p)
{
	uint16_t v;

	memcpy(&v, p, sizeof(v));
	return v; /* x86-64 only: the host is little endian */
}

static inline uint32_t get_le32(const void *p)
{
	uint32_t v;

	memcpy(&v, p, sizeof(v));
	return v;
}

static inline uint64_t get_le64(const void *p)
{
	uint64_t v;

	memcpy(&v, p, sizeof(v));
	return v;
}

static inline void put_le16(void *p, uint16_t v)
{
	memcpy(p, &v, sizeof(v));
}

static inline void put_le32(void *p, uint32_t v)
{
	memcpy(p, &v, sizeof(v));
}

static inline void put_le64(void *p, uint64_t v)
{
	memcpy(p, &v, sizeof(v));
}

static inline uint16_t get_be16(const void *p)
{
	return __builtin_bswap16(get_le16(p));
}

static inline uint32_t get_be32(const void *p)
{
	return __builtin_bswap32(get_le32(p));
}

static inline void put_be16(void *p, uint16_t v)
{
	put_le16(p, __builtin_bswap16(v));
}

static inline void put_be32(void *p, uint32_t v)
{
	put_le32(p, __builtin_bswap32(v));
}

/** struct reason - why something was refused, in words for the person who asked. */
struct reason {
	char text[256];
};

/**
 * text_repair() - make @text UTF-8 (RFC 3629), which JSON is made of: a character that was cut off at its end goes, and
 * every other byte that is part of none becomes '?'.
 */
void text_repair(char *text);

/**
 * refuse() - fill @why (may be NULL) and return @error (negative errno), so refusals are one
 * statement. Names of files may hold any byte; what is filled in is UTF-8.
 */
int refuse(struct reason *why, int error, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

/** mac_parse() - "52:54:00:12:34:56" into @mac. Return: 0 or -EINVAL. */
int mac_parse(const char *text, uint8_t mac[ETH_ALEN]);

/** mac_format() - lower case, colons; @text holds at least 18 bytes. Return: @text. */
char *mac_format(const uint8_t mac[ETH_ALEN], char *text);

/**
 * memfile_create() - a memory file of @size bytes, mapped shared.
 * @name: shown in /proc/self/maps
 * @seal: forbid any later change of size (F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL)
 * @fd: set to the descriptor, owned by the caller (O_CLOEXEC)
 * Return: the mapping, owned by the caller (munmap), or NULL with errno set.
 */
void *memfile_create(const char *name, size_t size, bool seal, int *fd);

#endif
