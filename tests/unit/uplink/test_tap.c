/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * test_tap.c - the kernel's own TAP, in a network namespace: the interface, frames as the kernel makes and
 * takes them, and TCP between two kernels' ends through two uplinks.
 */
#include "netns.h"
#include "packets.h"

#include <arpa/inet.h>
#include <net/if.h>
#include <netinet/in.h>
#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>
#include "uplink/uplink.h"

#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>

#define HDR sizeof(struct virtio_net_hdr)
#define TRANSFER (24u << 20)

static const uint8_t peer_mac[ETH_ALEN] = { 0x02, 0, 0, 0, 0, 9 };
static uint8_t bytes[HDR + PACKET_MAX];

static void refusals(void **unused)
{
	struct uplink *uplink, *other;
	struct reason why;

	assert_int_equal(uplink_tap(&uplink, "a-name-too-long-for-it", 1500, &why), -ENAMETOOLONG);
	assert_int_equal(uplink_tap(&uplink, "", 1500, &why), -EINVAL);
	assert_int_equal(uplink_tap(&uplink, "lo", 1500, &why), -EINVAL);
	assert_non_null(strstr(why.text, "lo exists and is not a TAP"));
	assert_int_equal(uplink_tap(&uplink, "t0", 1500, &why), 0);
	assert_int_equal(uplink_tap(&other, "t0", 1500, &why), -EBUSY);
	assert_non_null(strstr(why.text, "t0 is in use"));
	assert_int_equal(uplink_tap(&other, "t1", 100000, &why), -EINVAL);
	assert_non_null(strstr(why.text, "MTU 100000"));
	uplink->ops->close(uplink);
	assert_int_equal(if_nametoindex("t0"), 0);
	assert_int_equal(if_nametoindex("t1"), 0);
}

static void interface(void **unused)
{
	static const uint8_t mac[ETH_ALEN] = { 0x02, 0xaa, 0xbb, 0xcc, 0xdd, 0xee };
	struct reason why;
	uint8_t found[ETH_ALEN];
	int fd = tap_open("sv0", mac, 9000, &why);

	assert_true(fd >= 0);
	assert_true(if_get_mac("sv0", found));
	assert_memory_equal(found, mac, ETH_ALEN);
	assert_int_equal(if_get_mtu("sv0"), 9000);
	close(fd);
}

static struct uplink *open_t0(int *sock)
{
	struct uplink *uplink;
	struct reason why;
	struct frame frame;

	if (uplink_tap(&uplink, "t0", 1500, &why))
		fail_msg("%s", why.text);
	assert_string_equal(uplink->name, "tap:t0");
	assert_true(if_address("t0", "10.0.0.1"));
	assert_true(if_neighbour("t0", "10.0.0.2", peer_mac));
	*sock = packet_socket("t0");
	assert_true(*sock >= 0);
	while (uplink->ops->receive(uplink, &frame, 1))
		;
	return uplink;
}

static void check_pieces(const struct frame *frame, uint32_t headers, uint32_t payload,
			 unsigned int pieces)
{
	static uint8_t piece[FRAME_MAX_LEN + 4];
	struct frame_cut cut;
	unsigned int n = 0;
	uint32_t seen = 0;

	frame_cut_init(&cut, frame, true, false);
	while (frame_cut_next(&cut)) {
		frame_cut_copy(&cut, piece, cut.len);
		frame_cut_end(&cut);
		assert_true(packet_is_good(piece, cut.len));
		for (uint32_t i = headers; i < cut.len && seen < payload; i++)
			assert_int_equal(piece[i], (uint8_t)(seen++ * 7));
		n++;
	}
	assert_int_equal(n, pieces);
	assert_int_equal(seen, payload);
}

/* The host's UDP leaves its checksum to the card. */
static void host_sends_udp(void **unused)
{
	struct sockaddr_in to = { .sin_family = AF_INET, .sin_port = htons(7) };
	struct pollfd ready = { .events = POLLIN };
	struct frame frame;
	uint8_t data[1000];
	int sock, udp = socket(AF_INET, SOCK_DGRAM, 0);
	struct uplink *uplink = open_t0(&sock);

	for (unsigned int i = 0; i < sizeof(data); i++)
		data[i] = (uint8_t)(i * 7);
	inet_pton(AF_INET, "10.0.0.2", &to.sin_addr);
	assert_int_equal(sendto(udp, data, sizeof(data), 0, (struct sockaddr *)&to, sizeof(to)),
			 1000);
	ready.fd = uplink->ops->poll_fd(uplink);
	assert_int_equal(poll(&ready, 1, 1000), 1);
	assert_int_equal(uplink->ops->receive(uplink, &frame, 1), 1);
	assert_memory_equal(frame.header, peer_mac, ETH_ALEN);
	assert_true(frame.flags & FRAME_L4_CSUM);
	assert_int_equal(frame.l4_proto, IPPROTO_UDP);
	check_pieces(&frame, 42, 1000, 1);
	assert_int_equal(uplink->stats.rx_packets, 1);
	assert_int_equal(uplink->stats.rx_bytes, 1042);
	close(udp);
	close(sock);
	uplink->ops->close(uplink);
}

static void host_sends_gso(void **unused)
{
	int sock;
	struct uplink *uplink = open_t0(&sock);

	for (unsigned int kind = 0; kind < 8; kind++) {
		const struct packet packet = { .udp = kind & 1,
					       .ipv6 = kind & 2,
					       .vlan = kind & 4 ? 0x4005 : 0,
					       .partial = true,
					       .mss = 1000,
					       .tcp_flags = 0x90,
					       .payload = 30500 };
		struct virtio_net_hdr vnet;
		uint32_t len = packet_make(&packet, bytes + HDR, &vnet);
		struct frame frame[4];

		memcpy(bytes, &vnet, HDR);
		if (write(sock, bytes, HDR + len) < 0 && packet.udp && errno == EINVAL)
			continue; /* a kernel without UDP segmentation */
		assert_int_equal(uplink->ops->receive(uplink, frame, 4), 1);
		assert_true(frame[0].flags & FRAME_TSO);
		assert_int_equal(frame[0].mss, 1000);
		assert_int_equal(frame[0].vlan, packet.vlan);
		check_pieces(&frame[0], packet_headers(&packet), 30500, 31);
	}
	close(sock);
	uplink->ops->close(uplink);
}

static void host_receives(void **unused)
{
	static uint8_t raw[PACKET_MAX];
	int sock, fd[2];
	struct uplink *uplink = open_t0(&sock);

	assert_int_equal(socketpair(AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK, 0, fd), 0);
	for (unsigned int kind = 0; kind < 8; kind++) {
		const struct packet packet = { .udp = kind & 1,
					       .ipv6 = kind & 2,
					       .partial = true,
					       .mss = kind & 4 && !(kind & 1) ? 1200 : 0,
					       .payload = kind & 4 ? 20000 : 900 };
		struct virtio_net_hdr vnet, seen;
		struct frame frame, *one = &frame;
		struct frame_segment segment;
		enum uplink_fate fate;
		uint32_t len;

		if (packet.udp && packet.payload > 1000)
			continue;
		/* By way of a socket pair, to have it as a frame. */
		len = packet_make(&packet, bytes + HDR, &vnet);
		memcpy(bytes, &vnet, HDR);
		assert_int_equal(write(fd[1], bytes, HDR + len), HDR + len);
		assert_int_equal(tap_read_frame(fd[0], raw, sizeof(raw), &segment, &frame), 1);
		uplink->ops->send(uplink, &one, 1, &fate);
		assert_int_equal(fate, UPLINK_SENT);
		assert_int_equal(read(sock, bytes, sizeof(bytes)), HDR + len);
		memcpy(&seen, bytes, HDR);
		assert_int_equal(seen.gso_size, packet.mss);
		assert_int_equal(seen.flags & VIRTIO_NET_HDR_F_NEEDS_CSUM,
				 VIRTIO_NET_HDR_F_NEEDS_CSUM);
		packet_make(&packet, raw, &vnet);
		assert_memory_equal(bytes + HDR, raw, len);
	}
	assert_true(uplink->stats.tx_packets > 17);
	assert_int_equal(uplink->stats.tx_full + uplink->stats.tx_down, 0);
	close(fd[0]);
	close(fd[1]);
	close(sock);
	uplink->ops->close(uplink);
}

static void wire_is_down(void **unused)
{
	struct frame frame = { .header_len = 60, .len = 60 }, *one = &frame;
	struct ifreq ifr = { .ifr_name = "t0" };
	struct uplink *uplink;
	enum uplink_fate fate;
	int sock;

	uplink = open_t0(&sock);
	close(sock);
	sock = socket(AF_INET, SOCK_DGRAM, 0);
	assert_int_equal(ioctl(sock, SIOCSIFFLAGS, &ifr), 0);
	close(sock);
	uplink->ops->send(uplink, &one, 1, &fate);
	assert_int_equal(fate, UPLINK_DOWN);
	assert_int_equal(uplink->stats.tx_down, 1);
	uplink->ops->close(uplink);
}

/*
 * TCP between two namespaces, their TAPs tied together by the test: each end's kernel checks all that the
 * other's left to be done.
 */
struct end {
	int netns;
	struct uplink *uplink;
	const char *address;
};

static struct end ends[2] = { { .address = "10.1.0.1" }, { .address = "10.1.0.2" } };
static _Atomic bool tie_stop;
static unsigned int tied_tso[2];

static void *make_end(void *ctx)
{
	struct end *end = ctx;
	struct reason why = { "" };

	end->netns = netns_new();
	if (end->netns >= 0 && !uplink_tap(&end->uplink, "end", 9000, &why) &&
	    if_address("end", end->address))
		return end;
	fprintf(stderr, "%s\n", why.text);
	return NULL;
}

static void *tie(void *unused)
{
	static struct frame frame[FRAME_BURST];
	struct frame *burst[FRAME_BURST];
	enum uplink_fate fate[FRAME_BURST];
	struct pollfd fds[2];

	for (unsigned int i = 0; i < 2; i++)
		fds[i] = (struct pollfd){ ends[i].uplink->ops->poll_fd(ends[i].uplink), POLLIN, 0 };
	while (!atomic_load(&tie_stop)) {
		poll(fds, 2, 10);
		for (unsigned int i = 0; i < 2; i++) {
			unsigned int n =
				ends[i].uplink->ops->receive(ends[i].uplink, frame, FRAME_BURST);

			for (unsigned int k = 0; k < n; k++) {
				burst[k] = &frame[k];
				tied_tso[i] += frame[k].flags & FRAME_TSO ? 1 : 0;
			}
			ends[!i].uplink->ops->send(ends[!i].uplink, burst, n, fate);
		}
	}
	return NULL;
}

static int socket_in(int netns)
{
	int sock;

	assert_int_equal(setns(netns, CLONE_NEWNET), 0);
	sock = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	assert_true(sock >= 0);
	return sock;
}

static void *send_all(void *ctx)
{
	uint32_t value[4096], next = 0;

	for (unsigned int sent = 0; sent < TRANSFER; sent += sizeof(value)) {
		for (unsigned int i = 0; i < ARRAY_SIZE(value); i++)
			value[i] = next++ * 2654435761u;
		if (send(*(int *)ctx, value, sizeof(value), 0) != sizeof(value))
			break;
	}
	shutdown(*(int *)ctx, SHUT_WR);
	return NULL;
}

static void tcp_through_two_uplinks(void **unused)
{
	struct sockaddr_in address = { .sin_family = AF_INET, .sin_port = htons(5001) };
	pthread_t thread, tying, sending;
	int listener, client, server;
	uint32_t value, next = 0;
	void *made;
	size_t got;

	for (unsigned int i = 0; i < 2; i++) {
		pthread_create(&thread, NULL, make_end, &ends[i]);
		pthread_join(thread, &made);
		assert_non_null(made);
	}
	pthread_create(&tying, NULL, tie, NULL);
	inet_pton(AF_INET, ends[1].address, &address.sin_addr);
	listener = socket_in(ends[1].netns);
	assert_int_equal(bind(listener, (struct sockaddr *)&address, sizeof(address)), 0);
	assert_int_equal(listen(listener, 1), 0);
	client = socket_in(ends[0].netns);
	assert_int_equal(connect(client, (struct sockaddr *)&address, sizeof(address)), 0);
	server = accept(listener, NULL, NULL);
	assert_true(server >= 0);

	pthread_create(&sending, NULL, send_all, &client);
	for (got = 0; recv(server, &value, sizeof(value), MSG_WAITALL) == sizeof(value);
	     got += sizeof(value))
		if (value != next++ * 2654435761u)
			fail_msg("byte %zu differs", got);
	assert_int_equal(got, TRANSFER);
	pthread_join(sending, NULL);
	atomic_store(&tie_stop, true);
	pthread_join(tying, NULL);
	assert_true(tied_tso[0] > 0);
	for (unsigned int i = 0; i < 2; i++) {
		assert_int_equal(ends[i].uplink->stats.rx_errors, 0);
		ends[i].uplink->ops->close(ends[i].uplink);
		close(ends[i].netns);
	}
	close(client);
	close(server);
	close(listener);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(refusals),
		cmocka_unit_test(interface),
		cmocka_unit_test(host_sends_udp),
		cmocka_unit_test(host_sends_gso),
		cmocka_unit_test(host_receives),
		cmocka_unit_test(wire_is_down),
		cmocka_unit_test(tcp_through_two_uplinks),
	};
	int status = netns_enter();

	return status ? status : cmocka_run_group_tests(tests, NULL, NULL);
}
