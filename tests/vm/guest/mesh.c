// SPDX-License-Identifier: BSD-3-Clause
/*
 * mesh: ping from each of many network namespaces to each other one.
 *
 *   mesh SECONDS NAMESPACE=ADDRESS...
 *
 * Per namespace: a raw ICMP socket made there sends one echo request to every other address and
 * waits, at most SECONDS, for all replies. One process, for a machine with 63 VFs: 3906 runs of
 * ping would take minutes there.
 *
 * Writes {"pairs": n, "answered": n}; pairs without an answer are named on standard error.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/ip.h>
#include <netinet/ip_icmp.h>
#include <poll.h>
#include <sched.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define PEERS_MAX 256

struct peer {
	const char *name;
	struct in_addr address;
};

static struct peer peers[PEERS_MAX];
static unsigned int peer_count;

static void fail(const char *what)
{
	perror(what);
	exit(1);
}

static double now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec + t.tv_nsec / 1e9;
}

static void enter(const char *namespace)
{
	char path[128];
	int fd;

	snprintf(path, sizeof(path), "/run/netns/%s", namespace);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0 || setns(fd, CLONE_NEWNET))
		fail(path);
	close(fd);
}

static uint16_t checksum(const uint16_t *words, size_t bytes)
{
	uint32_t sum = 0;

	for (size_t i = 0; i < bytes / 2; i++)
		sum += words[i];
	sum = (sum & 0xffff) + (sum >> 16);
	return (uint16_t) ~(sum + (sum >> 16));
}

static void send_request(int fd, unsigned int from, unsigned int to)
{
	struct icmphdr request = { .type = ICMP_ECHO };
	struct sockaddr_in address = { .sin_family = AF_INET, .sin_addr = peers[to].address };

	request.un.echo.id = htons((uint16_t)from);
	request.un.echo.sequence = htons((uint16_t)to);
	request.checksum = checksum((const uint16_t *)&request, sizeof(request));
	if (sendto(fd, &request, sizeof(request), 0, (struct sockaddr *)&address, sizeof(address)) <
	    0)
		perror(peers[to].name);
}

/* Which peer's answer to @from this is, -1: something else. */
static int answer_of(const unsigned char *packet, size_t length, unsigned int from)
{
	struct icmphdr reply;
	struct iphdr ip;
	unsigned int to;

	if (length < sizeof(ip))
		return -1;
	memcpy(&ip, packet, sizeof(ip));
	if (length < ip.ihl * 4 + sizeof(reply))
		return -1;
	memcpy(&reply, packet + ip.ihl * 4, sizeof(reply));
	to = ntohs(reply.un.echo.sequence);
	if (reply.type != ICMP_ECHOREPLY || ntohs(reply.un.echo.id) != from || to >= peer_count ||
	    ip.saddr != peers[to].address.s_addr)
		return -1;
	return (int)to;
}

/* Return: how many of the other namespaces answered. */
static unsigned int ping_all(unsigned int from, double seconds)
{
	char answered[PEERS_MAX] = { 0 };
	unsigned int count = 0;
	struct pollfd pfd = { .events = POLLIN };
	double end = now() + seconds, left;

	enter(peers[from].name);
	pfd.fd = socket(AF_INET, SOCK_RAW | SOCK_CLOEXEC, IPPROTO_ICMP);
	if (pfd.fd < 0)
		fail("socket");
	for (unsigned int to = 0; to < peer_count; to++)
		if (to != from)
			send_request(pfd.fd, from, to);
	while (count < peer_count - 1 && (left = end - now()) > 0) {
		unsigned char packet[512];
		ssize_t n;
		int to;

		if (poll(&pfd, 1, (int)(left * 1000) + 1) <= 0)
			continue;
		n = recv(pfd.fd, packet, sizeof(packet), 0);
		to = n > 0 ? answer_of(packet, (size_t)n, from) : -1;
		if (to >= 0 && !answered[to]) {
			answered[to] = 1;
			count++;
		}
	}
	for (unsigned int to = 0; to < peer_count; to++)
		if (to != from && !answered[to])
			fprintf(stderr, "mesh: %s: no answer from %s\n", peers[from].name,
				peers[to].name);
	close(pfd.fd);
	return count;
}

int main(int argc, char **argv)
{
	unsigned int answered = 0;

	for (int i = 2; i < argc && peer_count < PEERS_MAX; i++) {
		char *address = strchr(argv[i], '=');

		if (address)
			*address++ = 0;
		if (!address || !inet_aton(address, &peers[peer_count].address))
			break;
		peers[peer_count++].name = argv[i];
	}
	if (argc < 4 || peer_count != (unsigned int)argc - 2) {
		fprintf(stderr, "usage: mesh SECONDS NAMESPACE=ADDRESS...\n");
		return 2;
	}
	for (unsigned int from = 0; from < peer_count; from++)
		answered += ping_all(from, strtod(argv[1], NULL));
	printf("{\"pairs\": %u, \"answered\": %u}\n", peer_count * (peer_count - 1), answered);
	return answered != peer_count * (peer_count - 1);
}
