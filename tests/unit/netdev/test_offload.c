/* SPDX-License-Identifier: BSD-3-Clause */
/* test_offload.c - what the kernel may ask for, what it may not, and anything. */
#include <netinet/in.h>
#include <stdlib.h>
#include "netdev/offload.h"
#include "netdev/protocol.h"
#include "util/util.h"

#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>

#define ROOM 16384

/** struct request - a frame, what the kernel says of it, and what the card is to be asked. */
struct request {
	const char *what;
	uint8_t frame[80]; /* the first bytes; the rest is 0 */
	uint32_t len;
	struct virtio_net_hdr vnet;
	int error;
	uint16_t flags;
	uint8_t l2_len, l4_len;
	uint16_t l3_len, mss;
};

#define CSUM(start, offset)                             \
	.vnet = { .flags = VIRTIO_NET_HDR_F_NEEDS_CSUM, \
		  .csum_start = (start),                \
		  .csum_offset = (offset) }
#define TSO(start, type, size)                           \
	.vnet = { .flags = VIRTIO_NET_HDR_F_NEEDS_CSUM,  \
		  .csum_start = (start),                 \
		  .csum_offset = TCP_CHECKSUM,           \
		  .gso_type = VIRTIO_NET_HDR_GSO_##type, \
		  .gso_size = (size) }
#define IPV4(at, proto) [at] = 0x08, 0, 0x45, [(at) + 11] = (proto)
#define IPV6(at, next) [at] = 0x86, 0xdd, 0x60, [(at) + 8] = (next)
#define TAG(at) [at] = 0x81, 0, 0, 42

static uint8_t buffer[ROOM];

static const struct request requests[] = {
	{ "nothing", { IPV4(12, IPPROTO_TCP) }, 100 },
	{ "no IP", { [12] = 8, 6 }, 42 },
	{ "TCP", { IPV4(12, IPPROTO_TCP) }, 100, CSUM(34, 16), 0, SOFTIOV_TCP_CSUM, 14, 0, 20 },
	{ "UDP", { IPV4(12, IPPROTO_UDP) }, 100, CSUM(34, 6), 0, SOFTIOV_UDP_CSUM, 14, 0, 20 },
	{ "TCP over IPv6",
	  { IPV6(12, IPPROTO_TCP) },
	  100,
	  CSUM(54, 16),
	  0,
	  SOFTIOV_TCP_CSUM | SOFTIOV_IPV6,
	  14,
	  0,
	  40 },
	{ "behind a routing header",
	  { IPV6(12, 43) },
	  100,
	  CSUM(62, 16),
	  0,
	  SOFTIOV_TCP_CSUM | SOFTIOV_IPV6,
	  14,
	  0,
	  48 },
	{ "tagged",
	  { TAG(12), IPV4(16, IPPROTO_TCP) },
	  100,
	  CSUM(38, 16),
	  0,
	  SOFTIOV_TCP_CSUM | SOFTIOV_VLAN,
	  14,
	  0,
	  20 },
	{ "twice tagged",
	  { TAG(12), TAG(16), IPV4(20, IPPROTO_TCP) },
	  100,
	  CSUM(42, 16),
	  0,
	  SOFTIOV_TCP_CSUM | SOFTIOV_VLAN,
	  18,
	  0,
	  20 },
	{ "inside a tunnel: summed here", { IPV4(12, IPPROTO_UDP) }, 150, CSUM(84, 16), 0, 0 },
	{ "another protocol: summed here", { IPV4(12, 33) }, 100, CSUM(34, 6), 0, 0 },
	{ "ICMP: summed here", { IPV4(12, 1) }, 100, CSUM(34, 2), 0, 0 },
	{ "sum beyond the end", { IPV4(12, IPPROTO_TCP) }, 50, CSUM(34, 16), -EINVAL },
	{ "sum far beyond the end", { IPV4(12, IPPROTO_TCP) }, 100, CSUM(65535, 65535), -EINVAL },
	{ "sum inside the tag", { TAG(12) }, 100, CSUM(2, 16), -EINVAL },
	{ "to be cut",
	  { IPV4(12, IPPROTO_TCP), [46] = 0x80 },
	  9000,
	  TSO(34, TCPV4, 1448),
	  0,
	  SOFTIOV_TCP_CSUM | SOFTIOV_TSO,
	  14,
	  32,
	  20,
	  1448 },
	{ "IPv6 to be cut, tagged",
	  { TAG(12), IPV6(16, IPPROTO_TCP), [70] = 0x50 },
	  9000,
	  TSO(58, TCPV6, 1440),
	  0,
	  SOFTIOV_TCP_CSUM | SOFTIOV_TSO | SOFTIOV_IPV6 | SOFTIOV_VLAN,
	  14,
	  20,
	  40,
	  1440 },
	{ "cut into nothing",
	  { IPV4(12, IPPROTO_TCP), [46] = 0x80 },
	  9000,
	  TSO(34, TCPV4, 0),
	  -EINVAL },
	{ "short TCP header",
	  { IPV4(12, IPPROTO_TCP), [46] = 0x40 },
	  9000,
	  TSO(34, TCPV4, 1448),
	  -EINVAL },
	{ "cut UDP", { IPV4(12, IPPROTO_TCP), [46] = 0x80 }, 9000, TSO(34, UDP, 1448), -EINVAL },
	{ "cut what is no TCP",
	  { IPV4(12, IPPROTO_UDP), [46] = 0x80 },
	  9000,
	  TSO(34, TCPV4, 1448),
	  -EINVAL },
	{ "cut without a checksum",
	  { IPV4(12, IPPROTO_TCP), [46] = 0x80 },
	  9000,
	  .vnet = { .gso_type = VIRTIO_NET_HDR_GSO_TCPV4, .gso_size = 1448 },
	  .error = -EINVAL },
	{ "too long", { IPV4(12, IPPROTO_TCP) }, 9729, .error = -EMSGSIZE },
	{ "too short", { 1 }, 13, .error = -EINVAL },
};

static void check(const struct request *request)
{
	struct softiov_packet packet = { .data = buffer, .len = request->len };
	bool vlan = request->flags & SOFTIOV_VLAN;
	int error;

	memset(buffer, 0, sizeof(buffer));
	memcpy(buffer, request->frame, sizeof(request->frame));
	print_message("%s\n", request->what);
	error = offload_request(&request->vnet, &packet, 1);
	assert_int_equal(error, request->error);
	if (error)
		return;
	assert_int_equal(packet.flags, request->flags);
	assert_int_equal(packet.l2_len, request->l2_len);
	assert_int_equal(packet.l3_len, request->l3_len);
	assert_int_equal(packet.l4_len, request->l4_len);
	assert_int_equal(packet.mss, request->mss);
	assert_int_equal(packet.vlan, vlan ? 42 : 0);
	assert_int_equal(packet.len, MAX(request->len - (vlan ? 4 : 0), 60u));
}

static void requests_of_the_kernel(void **unused)
{
	for (size_t i = 0; i < ARRAY_SIZE(requests); i++)
		check(&requests[i]);
}

static void what_is_summed_here_is_right(void **unused)
{
	struct request request = { "", { IPV4(12, 33) }, 100, CSUM(35, 6) };
	struct softiov_packet packet = { .data = buffer, .len = request.len };
	uint32_t sum = 0;

	memset(buffer, 0, sizeof(buffer));
	memcpy(buffer, request.frame, sizeof(request.frame));
	for (unsigned int i = 35; i < 100; i++)
		buffer[i] = (uint8_t)rand();
	put_be16(buffer + 35 + 6, 0); /* no pseudo-header in it */
	assert_int_equal(offload_request(&request.vnet, &packet, 1), 0);
	for (unsigned int i = 35; i < 100; i++)
		sum += (i - 35) % 2 ? buffer[i] : (uint32_t)buffer[i] << 8;
	while (sum >> 16)
		sum = (sum & 0xffff) + (sum >> 16);
	assert_int_equal(sum, 0xffff);
}

/* Whatever it says: headers lie within the first piece, and nothing outside is touched. */
static void anything(void **unused)
{
	for (unsigned int round = 0; round < 300000; round++) {
		uint32_t len = 1 + (uint32_t)rand() % 200;
		uint8_t *frame = malloc(MAX(len, 60u));
		struct softiov_packet packet[2] = { { .data = frame, .len = len },
						    { .data = buffer, .len = 100 } };
		struct virtio_net_hdr vnet;

		assert_non_null(frame);
		for (uint32_t i = 0; i < len; i++)
			frame[i] = (uint8_t)rand();
		if (len > 24 && rand() % 4)
			memcpy(frame + 12, "\x08\x00\x45", 3);
		if (len > 24 && rand() % 2)
			frame[23] = IPPROTO_TCP;
		for (size_t i = 0; i < sizeof(vnet); i++)
			((uint8_t *)&vnet)[i] = (uint8_t)rand();
		if (rand() % 2)
			vnet = (struct virtio_net_hdr){
				.flags = VIRTIO_NET_HDR_F_NEEDS_CSUM,
				.gso_type = VIRTIO_NET_HDR_GSO_TCPV4,
				.gso_size = 1000,
				.csum_start = (uint16_t)(rand() % 2 ? 34 : rand() % 300),
				.csum_offset = TCP_CHECKSUM
			};
		if (!offload_request(&vnet, packet, 1 + (unsigned int)rand() % 2) &&
		    packet->flags & SOFTIOV_TSO) {
			assert_true(packet->mss);
			assert_in_range(packet->l2_len + packet->l3_len + packet->l4_len, 54,
					packet->len);
		}
		free(frame);
	}
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(requests_of_the_kernel),
		cmocka_unit_test(what_is_summed_here_is_right),
		cmocka_unit_test(anything),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
