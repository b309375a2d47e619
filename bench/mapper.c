/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * mapper.c - a VF's driver that maps and unmaps memory as fast as it is answered.
 *
 *	mapper CPU SECONDS SOCKET
 *
 * Each round maps 2 MiB of a memory file for the device and takes them back, over vfio-user. The answer to the second
 * comes after a grace period of all workers. Prints one JSON object: how many rounds there were, and how long they took:
 * median, 99.9 of 100 and longest, in microseconds.
 */
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>
#include "vfio_user/client.h"

#define MEMORY_SIZE (2ul << 20)
#define IOVA (1ull << 32)
#define READ_WRITE 3
#define ROUNDS_MAX (1u << 20)

struct times {
	unsigned int n;
	uint64_t ns[ROUNDS_MAX];
};

static struct times times;

static int by_size(const void *a, const void *b)
{
	uint64_t left = *(const uint64_t *)a, right = *(const uint64_t *)b;

	return (left > right) - (left < right);
}

/* The @share-th part of the sorted times, in microseconds. */
static double quantile(double share)
{
	unsigned int at = (unsigned int)(share * times.n);

	return (double)times.ns[at < times.n ? at : times.n - 1] / (double)NSEC_PER_USEC;
}

static int map_and_unmap(struct vfio_user_client *client, int fd, uint64_t end)
{
	uint64_t start = now_ns(), now;

	for (; start < end && times.n < ROUNDS_MAX; start = now) {
		int error = vfio_user_client_dma_map(client, IOVA, MEMORY_SIZE, READ_WRITE, fd, 0);

		if (!error)
			error = vfio_user_client_dma_unmap(client, IOVA, MEMORY_SIZE);
		if (error) {
			fprintf(stderr, "mapper: %s\n", strerror(-error));
			return error;
		}
		now = now_ns();
		times.ns[times.n++] = now - start;
	}
	return 0;
}

static int run(const char *socket, double seconds)
{
	struct vfio_user_client *client;
	struct reason why = { "" };
	int fd, error = -1;
	void *memory = memfile_create("mapper", MEMORY_SIZE, true, &fd);

	if (!memory) {
		perror("mapper: memory");
		return -1;
	}
	if (vfio_user_client_connect(&client, socket, NULL, NULL, &why)) {
		fprintf(stderr, "mapper: %s\n", why.text);
	} else {
		error = map_and_unmap(client, fd, now_ns() + (uint64_t)(seconds * NSEC_PER_SEC));
		vfio_user_client_close(client);
	}
	munmap(memory, MEMORY_SIZE);
	close(fd);
	return error;
}

int main(int argc, char **argv)
{
	cpu_set_t set;

	if (argc != 4) {
		fprintf(stderr, "usage: mapper CPU SECONDS SOCKET\n");
		return 2;
	}
	CPU_ZERO(&set);
	CPU_SET(atoi(argv[1]), &set);
	if (sched_setaffinity(0, sizeof(set), &set))
		perror("mapper: cannot pin");
	if (run(argv[3], atof(argv[2])) || !times.n)
		return 1;
	qsort(times.ns, times.n, sizeof(times.ns[0]), by_size);
	printf("{\"rounds\": %u, \"p50_us\": %.1f, \"p999_us\": %.1f, \"max_us\": %.1f}\n", times.n,
	       quantile(0.5), quantile(0.999), quantile(1));
	return 0;
}
