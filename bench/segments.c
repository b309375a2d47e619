/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * segments.c - 64-KiB TCP requests from one VF, cut by the card, to another.
 *
 *	segments CPU MILLISECONDS WINDOW SOCKET SOCKET
 *
 * A request is 65160 bytes of payload, 45 segments of 1448 bytes (1514-byte frames: TCP carries time stamps), in buffers of
 * 16 KiB, as much as a descriptor holds in Linux' drivers; the receiver has buffers of 2 KiB. WINDOW requests are under way:
 * as TCP does, the sender sends when what it sent has arrived, so nothing is cut in vain; what has not arrived after a
 * while is given up. Payload is written once, the headers of a request when it is sent.
 *
 * Prints one JSON object: bytes of frames received in the time that counts, and the nanoseconds it took; and how many
 * frames there were whose checksums the card found wrong.
 */
#include "fleet.h"

#include <arpa/inet.h>
#include <inttypes.h>
#include <netinet/in.h>
#include <netinet/ip.h>
#include <netinet/tcp.h>
#include <net/ethernet.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define RING 512
#define BURST 64
#define SEND_BUFFER 16384u
#define SEND_BUFFERS 1024u
#define RECEIVE_BUFFER 2048u
#define RECEIVE_BUFFERS (RING + 2 * BURST)
#define MSS 1448u
#define SEGMENTS 45u
#define TCP_HEADER 32u
#define HEADERS (ETHER_HDR_LEN + sizeof(struct iphdr) + TCP_HEADER)
#define REQUEST (HEADERS + SEGMENTS * MSS)
#define PIECES ((REQUEST + SEND_BUFFER - 1) / SEND_BUFFER)
#define FRAME_SEGMENTS_MAX (RING / SEGMENTS)
#define WARM_UP_NS 500000000ull
#define TURNS_PER_LOOK 256
#define GIVE_UP_NS 20000000ull
#define TCP_NOP_NOP_TIMESTAMP 0x0101080aul
#define ADDRESS_FROM 0xc6120001u /* 198.18.0.1, RFC 2544 */
#define ADDRESS_TO 0xc6120002u
#define PORT 5001

/**
 * struct flow - one TCP connection, one way.
 * @header: of the next request; its sequence number is kept in @sequence
 * @under_way: segments sent and not yet arrived
 * @alive_at, @alive_bytes: when something arrived last, @bytes then
 */
struct flow {
	struct softiov_pool *send_pool, *receive_pool;
	struct fleet_ship from, to;
	uint8_t header[HEADERS];
	uint32_t sequence, window, under_way;
	uint64_t bytes, bad, alive_at, alive_bytes;
};

static uint64_t now_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000000000ull + (uint64_t)t.tv_nsec;
}

/* The driver library puts the sum of the pseudo header where the card wants it. */
static void build_header(struct flow *flow)
{
	static const uint32_t options[] = { TCP_NOP_NOP_TIMESTAMP, 1, 1 };
	struct ether_header *ether = (struct ether_header *)flow->header;
	struct iphdr ip = { .version = 4,
			    .ihl = sizeof(ip) / 4,
			    .ttl = IPDEFTTL,
			    .protocol = IPPROTO_TCP,
			    .tot_len = htons(REQUEST - ETHER_HDR_LEN),
			    .frag_off = htons(IP_DF),
			    .saddr = htonl(ADDRESS_FROM),
			    .daddr = htonl(ADDRESS_TO) };
	struct tcphdr tcp = { .source = htons(PORT),
			      .dest = htons(PORT),
			      .doff = TCP_HEADER / 4,
			      .ack = 1,
			      .window = UINT16_MAX };
	uint8_t *at = flow->header + sizeof(*ether);

	memcpy(ether->ether_dhost, flow->to.info.mac, ETH_ALEN);
	memcpy(ether->ether_shost, flow->from.info.mac, ETH_ALEN);
	ether->ether_type = htons(ETHERTYPE_IP);
	memcpy(at, &ip, sizeof(ip));
	at += sizeof(ip);
	memcpy(at, &tcp, sizeof(tcp));
	at += sizeof(tcp);
	for (unsigned int i = 0; i < sizeof(options) / sizeof(options[0]); i++, at += 4) {
		uint32_t word = htonl(options[i]);

		memcpy(at, &word, sizeof(word));
	}
}

static void put_header(struct flow *flow, uint8_t *frame)
{
	uint32_t sequence = htonl(flow->sequence);

	memcpy(frame, flow->header, sizeof(flow->header));
	memcpy(frame + ETHER_HDR_LEN + sizeof(struct iphdr) + offsetof(struct tcphdr, seq),
	       &sequence, sizeof(sequence));
	flow->sequence += SEGMENTS * MSS;
}

/* Return: false if there are no buffers or descriptors for another request now. */
static bool send_request(struct flow *flow)
{
	struct softiov_packet packet[PIECES] = { 0 };
	uint32_t left = REQUEST;
	unsigned int n = 0;

	for (; n < PIECES; n++) {
		packet[n].data = softiov_pool_get(flow->send_pool);
		if (!packet[n].data)
			goto give_back;
		packet[n].len = left < SEND_BUFFER ? left : SEND_BUFFER;
		left -= packet[n].len;
		packet[n].flags = left ? SOFTIOV_MORE : 0;
	}
	packet[0].flags |= SOFTIOV_TSO | SOFTIOV_IP_CSUM | SOFTIOV_TCP_CSUM;
	packet[0].mss = MSS;
	packet[0].l2_len = ETHER_HDR_LEN;
	packet[0].l3_len = sizeof(struct iphdr);
	packet[0].l4_len = TCP_HEADER;
	put_header(flow, packet[0].data);
	if (softiov_tx_burst(flow->from.queue, packet, PIECES) == PIECES) {
		flow->under_way += SEGMENTS;
		return true;
	}
	flow->sequence -= SEGMENTS * MSS;
give_back:
	while (n)
		softiov_pool_put(flow->send_pool, packet[--n].data);
	return false;
}

static void receive(struct flow *flow)
{
	struct softiov_packet packet[BURST];
	unsigned int n = softiov_rx_burst(flow->to.queue, packet, BURST);

	for (unsigned int i = 0; i < n; i++) {
		flow->bytes += packet[i].len;
		flow->bad += (packet[i].flags & (SOFTIOV_IP_BAD | SOFTIOV_L4_BAD)) != 0;
		softiov_pool_put(flow->receive_pool, packet[i].data);
	}
	flow->under_way -= n < flow->under_way ? n : flow->under_way;
}

static void look(struct flow *flow, uint64_t now)
{
	if (flow->bytes != flow->alive_bytes) {
		flow->alive_bytes = flow->bytes;
		flow->alive_at = now;
	} else if (now > flow->alive_at + GIVE_UP_NS) {
		flow->under_way = 0;
		flow->alive_at = now;
	}
}

static uint64_t flow_run(struct flow *flow, uint64_t ns)
{
	uint64_t start = now_ns(), took;

	do {
		for (unsigned int i = 0; i < TURNS_PER_LOOK; i++) {
			receive(flow);
			softiov_tx_reclaim(
				flow->from.queue); /* buffers used again are in the cache */
			while (flow->under_way + SEGMENTS <= flow->window && send_request(flow))
				;
		}
		took = now_ns() - start;
		look(flow, start + took);
	} while (took < ns);
	return took;
}

static int flow_open(struct flow *flow, char **socket)
{
	struct softiov_pool_options send = { .buffers = SEND_BUFFERS, .buffer_size = SEND_BUFFER },
				    receive_from = { .buffers = RECEIVE_BUFFERS,
						     .buffer_size = RECEIVE_BUFFER };
	struct softiov_reason why = { "" };

	if (softiov_pool_create(&flow->send_pool, &send, &why))
		goto fail;
	if (softiov_pool_create(&flow->receive_pool, &receive_from, &why))
		goto fail_send_pool;
	if (ship_open(&flow->from, socket[0], flow->send_pool, RING, &why))
		goto fail_receive_pool;
	if (ship_open(&flow->to, socket[1], flow->receive_pool, RING, &why))
		goto fail_from;
	build_header(flow);
	return 0;
fail_from:
	ship_close(&flow->from);
fail_receive_pool:
	softiov_pool_destroy(flow->receive_pool);
fail_send_pool:
	softiov_pool_destroy(flow->send_pool);
fail:
	fprintf(stderr, "segments: %s\n", why.text);
	return -1;
}

static void flow_close(struct flow *flow)
{
	ship_close(&flow->to);
	ship_close(&flow->from);
	softiov_pool_destroy(flow->receive_pool);
	softiov_pool_destroy(flow->send_pool);
}

int main(int argc, char **argv)
{
	struct flow flow = { 0 };
	uint64_t took;
	cpu_set_t set;

	if (argc != 6) {
		fprintf(stderr, "usage: segments CPU MILLISECONDS WINDOW SOCKET SOCKET\n");
		return 2;
	}
	flow.window = (uint32_t)strtoul(argv[3], NULL, 10) * SEGMENTS;
	if (!flow.window || flow.window > FRAME_SEGMENTS_MAX * SEGMENTS) {
		fprintf(stderr, "segments: WINDOW is 1 to %u: %s\n", FRAME_SEGMENTS_MAX, argv[3]);
		return 2;
	}
	CPU_ZERO(&set);
	CPU_SET(atoi(argv[1]), &set);
	if (sched_setaffinity(0, sizeof(set), &set))
		perror("segments: cannot pin");
	if (flow_open(&flow, argv + 4))
		return 1;
	flow_run(&flow, WARM_UP_NS);
	flow.bytes = flow.bad = 0;
	took = flow_run(&flow, strtoull(argv[2], NULL, 10) * 1000000ull);
	printf("{\"bytes\": %" PRIu64 ", \"ns\": %" PRIu64 ", \"bad\": %" PRIu64 "}\n", flow.bytes,
	       took, flow.bad);
	flow_close(&flow);
	return flow.bytes && !flow.bad ? 0 : 1;
}
