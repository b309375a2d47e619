/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * copy.c - how fast one core copies: what segmentation is compared with.
 *
 *	copy CPU MILLISECONDS LENGTH FROM_BYTES TO_BYTES
 *
 * Copies LENGTH bytes at a time with the C library's memcpy(), walking round an area of FROM_BYTES and one of TO_BYTES: the
 * memory that the buffers of a sender and of a receiver take, so that both find their data in the same caches.
 *
 * Prints one JSON object: bytes copied per second.
 */
#include <sched.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>

#define HUGE_PAGE (2ul << 20)
#define WARM_UP_NS 200000000ull
#define COPIES_PER_LOOK 64

struct area {
	uint8_t *memory;
	size_t size, at;
};

static uint64_t now_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000000000ull + (uint64_t)t.tv_nsec;
}

static int area_get(struct area *area, size_t size)
{
	size_t whole = (size + HUGE_PAGE - 1) / HUGE_PAGE * HUGE_PAGE;
	int flags = MAP_PRIVATE | MAP_ANONYMOUS | MAP_POPULATE;
	void *memory = mmap(NULL, whole, PROT_READ | PROT_WRITE, flags | MAP_HUGETLB, -1, 0);

	if (memory == MAP_FAILED)
		memory = mmap(NULL, whole, PROT_READ | PROT_WRITE, flags, -1, 0);
	if (memory == MAP_FAILED)
		return -1;
	memset(memory, 1, whole);
	*area = (struct area){ .memory = memory, .size = size };
	return 0;
}

static void *area_next(struct area *area, size_t len)
{
	void *here;

	if (area->at + len > area->size)
		area->at = 0;
	here = area->memory + area->at;
	area->at += len;
	return here;
}

static double copy(struct area *from, struct area *to, size_t len, uint64_t ns)
{
	uint64_t copied = 0, start = now_ns(), took;

	do {
		for (unsigned int i = 0; i < COPIES_PER_LOOK; i++) {
			memcpy(area_next(to, len), area_next(from, len), len);
			__asm__ volatile("" ::: "memory"); /* the copies are wanted */
		}
		copied += COPIES_PER_LOOK * len;
		took = now_ns() - start;
	} while (took < ns);
	return (double)copied * 1e9 / (double)took;
}

int main(int argc, char **argv)
{
	struct area from, to;
	size_t len, from_size, to_size;
	cpu_set_t set;

	if (argc != 6) {
		fprintf(stderr, "usage: copy CPU MILLISECONDS LENGTH FROM_BYTES TO_BYTES\n");
		return 2;
	}
	len = strtoul(argv[3], NULL, 10);
	from_size = strtoul(argv[4], NULL, 10);
	to_size = strtoul(argv[5], NULL, 10);
	CPU_ZERO(&set);
	CPU_SET(atoi(argv[1]), &set);
	if (sched_setaffinity(0, sizeof(set), &set))
		perror("copy: cannot pin");
	if (!len || from_size < len || to_size < len || area_get(&from, from_size) ||
	    area_get(&to, to_size)) {
		fprintf(stderr, "copy: no such areas\n");
		return 1;
	}
	copy(&from, &to, len, WARM_UP_NS);
	printf("{\"bytes_per_second\": %.0f}\n",
	       copy(&from, &to, len, strtoull(argv[2], NULL, 10) * 1000000ull));
	return 0;
}
