/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * ceiling.c - how many frames a second one core can move between descriptor rings if it does nothing else.
 *
 *	ceiling SWITCH_CPU CLIENT_CPU MILLISECONDS SIZE...
 *
 * Two ports, each with a ring of frames to send and a ring of buffers to receive into; 16 bytes a descriptor. The client
 * keeps the transmit rings full and takes what arrives; the mover, on its own core, carries every frame to the other
 * port: it reads the descriptor, hashes the first eight bytes of the frame into a table it then looks into, copies the
 * frame once and writes both descriptors back. It asks nobody whether it may (no bounds, no translation, no addresses
 * compared, no counters), so a switch that does its work can only be slower. The distance is what the work costs.
 *
 * Prints one JSON object: {"SIZE": frames received per second, ...}.
 */
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>

#define RING 512u
#define BURST 64u
#define CLIENT_BURST 32u
#define HASH_BITS 6
#define HASH_FACTOR 0x9e3779b97f4a7c15ull
#define SMALL_BUFFER 2048u
#define LARGE_BUFFER 16384u
#define HUGE_PAGE (2ul << 20)
#define HEADER 14
#define ROUNDS_PER_LOOK 2000
#define WARM_UP_NS 300000000ull
#define CACHE_LINE 64

struct descriptor {
	void *frame;
	uint32_t len;
	_Atomic uint32_t done; /* the mover is finished with it */
};

struct port {
	struct descriptor *tx, *rx;
	/* What one side writes and the other reads: a cache line for each. */
	_Alignas(CACHE_LINE) _Atomic uint32_t tx_tail;
	_Alignas(CACHE_LINE) _Atomic uint32_t rx_tail;
	/* The mover's own. */
	_Alignas(CACHE_LINE) uint32_t tx_head, rx_head;
	/* The client's own. */
	_Alignas(CACHE_LINE) uint32_t tx_next, tx_clean, rx_next;
};

struct run {
	struct port port[2];
	atomic_bool stop;
	uint32_t size;
	int mover_cpu, client_cpu;
	uint64_t hits; /* keeps the look-up from being optimised away */
};

static uint32_t ring_next(uint32_t at, uint32_t by)
{
	return (at + by) % RING;
}

static uint64_t now_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000000000ull + (uint64_t)t.tv_nsec;
}

static void pin(int cpu)
{
	cpu_set_t set;

	CPU_ZERO(&set);
	CPU_SET(cpu, &set);
	if (sched_setaffinity(0, sizeof(set), &set))
		perror("ceiling: cannot pin a thread");
}

static uint32_t movable(struct port *from, struct port *to)
{
	uint32_t posted = atomic_load_explicit(&from->tx_tail, memory_order_acquire),
		 room = atomic_load_explicit(&to->rx_tail, memory_order_acquire),
		 n = (posted - from->tx_head) % RING;

	if (n > (room - to->rx_head) % RING)
		n = (room - to->rx_head) % RING;
	return n < BURST ? n : BURST;
}

static uint64_t move(struct port *from, struct port *to, const uint64_t *table)
{
	uint32_t n = movable(from, to);
	uint64_t hits = 0, key;

	for (uint32_t i = 0; i < n; i++)
		__builtin_prefetch(from->tx[ring_next(from->tx_head, i)].frame);
	for (uint32_t i = 0; i < n; i++) {
		const struct descriptor *tx = &from->tx[ring_next(from->tx_head, i)];
		struct descriptor *rx = &to->rx[ring_next(to->rx_head, i)];

		memcpy(&key, tx->frame, sizeof(key));
		key *= HASH_FACTOR;
		hits += table[key >> (64 - HASH_BITS)] == key;
		memcpy(rx->frame, tx->frame, tx->len);
		rx->len = tx->len;
	}
	for (uint32_t i = 0; i < n; i++) {
		atomic_store_explicit(&to->rx[ring_next(to->rx_head, i)].done, 1,
				      memory_order_release);
		atomic_store_explicit(&from->tx[ring_next(from->tx_head, i)].done, 1,
				      memory_order_release);
	}
	from->tx_head = ring_next(from->tx_head, n);
	to->rx_head = ring_next(to->rx_head, n);
	return hits;
}

static void *mover_main(void *arg)
{
	struct run *run = arg;
	uint64_t table[1 << HASH_BITS] = { 0 }, hits = 0;

	pin(run->mover_cpu);
	while (!atomic_load_explicit(&run->stop, memory_order_relaxed)) {
		hits += move(&run->port[0], &run->port[1], table);
		hits += move(&run->port[1], &run->port[0], table);
	}
	run->hits = hits;
	return NULL;
}

static void client_send(struct port *port, uint32_t size)
{
	uint32_t n = 0;

	for (; n < CLIENT_BURST && ring_next(port->tx_next, 1) != port->tx_clean; n++) {
		struct descriptor *tx = &port->tx[port->tx_next];

		memset(tx->frame, 0xaa, HEADER);
		tx->len = size;
		atomic_store_explicit(&tx->done, 0, memory_order_relaxed);
		port->tx_next = ring_next(port->tx_next, 1);
	}
	if (n)
		atomic_store_explicit(&port->tx_tail, port->tx_next, memory_order_release);
	while ((port->tx_next - port->tx_clean) % RING >= CLIENT_BURST &&
	       atomic_load_explicit(&port->tx[ring_next(port->tx_clean, CLIENT_BURST - 1)].done,
				    memory_order_acquire))
		port->tx_clean = ring_next(port->tx_clean, CLIENT_BURST);
}

static uint32_t client_receive(struct port *port)
{
	uint32_t n = 0;

	for (; n < CLIENT_BURST; n++) {
		struct descriptor *rx = &port->rx[port->rx_next];

		if (!atomic_load_explicit(&rx->done, memory_order_acquire))
			break;
		(void)*(volatile uint8_t *)rx->frame;
		atomic_store_explicit(&rx->done, 0, memory_order_relaxed);
		port->rx_next = ring_next(port->rx_next, 1);
	}
	if (n)
		atomic_store_explicit(&port->rx_tail, ring_next(port->rx_next, RING - 1),
				      memory_order_release);
	return n;
}

/* Frames received per second over about @ns. */
static double client_run(struct run *run, uint64_t ns)
{
	uint64_t start = now_ns(), took, received = 0;

	do {
		for (unsigned int i = 0; i < ROUNDS_PER_LOOK; i++) {
			client_send(&run->port[0], run->size);
			received += client_receive(&run->port[0]);
			client_send(&run->port[1], run->size);
			received += client_receive(&run->port[1]);
		}
		took = now_ns() - start;
	} while (took < ns);
	return (double)received * 1e9 / (double)took;
}

static uint32_t buffer_size(uint32_t size)
{
	return size <= SMALL_BUFFER ? SMALL_BUFFER : LARGE_BUFFER;
}

static size_t memory_size(uint32_t buffer)
{
	size_t size = 4ul * RING * (buffer + sizeof(struct descriptor));

	return (size + HUGE_PAGE - 1) / HUGE_PAGE * HUGE_PAGE;
}

static uint8_t *memory_get(size_t size)
{
	int flags = MAP_PRIVATE | MAP_ANONYMOUS | MAP_POPULATE;
	void *memory = mmap(NULL, size, PROT_READ | PROT_WRITE, flags | MAP_HUGETLB, -1, 0);

	if (memory == MAP_FAILED) {
		fprintf(stderr, "ceiling: no huge pages, using ordinary ones\n");
		memory = mmap(NULL, size, PROT_READ | PROT_WRITE, flags, -1, 0);
	}
	return memory == MAP_FAILED ? NULL : memory;
}

static void rings_init(struct run *run, uint8_t *memory, uint32_t buffer)
{
	for (unsigned int i = 0; i < 2; i++) {
		struct port *port = &run->port[i];

		memset(port, 0, sizeof(*port));
		port->tx = (struct descriptor *)memory;
		port->rx = port->tx + RING;
		memory += 2 * RING * sizeof(struct descriptor);
		for (unsigned int k = 0; k < RING; k++, memory += 2ul * buffer) {
			port->tx[k] = (struct descriptor){ .frame = memory, .done = 1 };
			port->rx[k] = (struct descriptor){ .frame = memory + buffer };
		}
		port->rx_tail = RING - 1;
	}
}

static int measure(struct run *run, uint32_t size, uint64_t ns, double *rate)
{
	size_t bytes = memory_size(buffer_size(size));
	uint8_t *memory = memory_get(bytes);
	pthread_t mover;
	int error;

	if (!memory)
		return -1;
	run->size = size;
	atomic_store(&run->stop, false);
	rings_init(run, memory, buffer_size(size));
	error = pthread_create(&mover, NULL, mover_main, run);
	if (!error) {
		pin(run->client_cpu);
		client_run(run, WARM_UP_NS);
		*rate = client_run(run, ns);
		atomic_store(&run->stop, true);
		pthread_join(mover, NULL);
	}
	munmap(memory, bytes);
	return error ? -1 : 0;
}

int main(int argc, char **argv)
{
	static struct run run;
	uint64_t ns;
	double rate;

	if (argc < 5) {
		fprintf(stderr, "usage: ceiling SWITCH_CPU CLIENT_CPU MILLISECONDS SIZE...\n");
		return 2;
	}
	run.mover_cpu = atoi(argv[1]);
	run.client_cpu = atoi(argv[2]);
	ns = strtoull(argv[3], NULL, 10) * 1000000ull;
	putchar('{');
	for (int i = 4; i < argc; i++) {
		unsigned long size = strtoul(argv[i], NULL, 10);

		if (size < HEADER || size > LARGE_BUFFER ||
		    measure(&run, (uint32_t)size, ns, &rate)) {
			fprintf(stderr, "ceiling: cannot measure frames of %s bytes\n", argv[i]);
			return 1;
		}
		printf("%s\"%lu\": %.0f", i > 4 ? ", " : "", size, rate);
	}
	printf("}\n");
	return 0;
}
