/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * test_tap_frame.c - offload headers in both directions, over a pair of datagram sockets: they keep message
 * boundaries as a TAP does and need no privilege.
 */
#include "packets.h"

#include <fcntl.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>
#include "uplink/uplink.h"

#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>

#define HDR sizeof(struct virtio_net_hdr)

static int pair[2]; /* 0: our end, 1: the kernel's */
static uint8_t sent[PACKET_MAX], buffer[PACKET_MAX + 1024], back[HDR + PACKET_MAX];
static struct frame_segment segment;
static struct frame frame;

static int make_pair(void **unused)
{
	int size = 4 << 20;

	if (socketpair(AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK, 0, pair))
		return -1;
	for (int i = 0; i < 2; i++)
		setsockopt(pair[i], SOL_SOCKET, SO_SNDBUFFORCE, &size, sizeof(size));
	return 0;
}

static int close_pair(void **unused)
{
	close(pair[0]);
	close(pair[1]);
	return 0;
}

static void give(const struct virtio_net_hdr *vnet, const uint8_t *bytes, uint32_t len)
{
	struct iovec iov[] = { { (void *)vnet, HDR }, { (void *)bytes, len } };

	assert_int_equal(writev(pair[1], iov, 2), HDR + len);
}

static int receive(void)
{
	return tap_read_frame(pair[0], buffer, sizeof(buffer), &segment, &frame);
}

static uint32_t receive_packet(const struct packet *packet)
{
	struct virtio_net_hdr vnet;
	uint32_t len = packet_make(packet, sent, &vnet);

	give(&vnet, sent, len);
	assert_int_equal(receive(), 1);
	return len;
}

/* What the receiver of the frame would get, piece by piece; all must be good. Return: number of pieces. */
static unsigned int deliver(uint32_t payload, uint32_t headers)
{
	static uint8_t piece[FRAME_MAX_LEN + 4];
	struct frame_cut cut;
	uint32_t seen = 0;
	unsigned int n = 0;

	frame_cut_init(&cut, &frame, true, false);
	while (frame_cut_next(&cut)) {
		frame_cut_copy(&cut, piece, cut.len);
		frame_cut_end(&cut);
		assert_true(packet_is_good(piece, cut.len));
		for (uint32_t i = headers; i < cut.len && seen < payload; i++)
			assert_int_equal(piece[i], (uint8_t)(seen++ * 7));
		n++;
	}
	assert_int_equal(seen, payload);
	return n;
}

static void receive_plain(void **unused)
{
	const struct packet plain = { .udp = true, .payload = 1000 },
			    tiny = { .udp = true, .payload = 1 };

	assert_int_equal(receive(), 0);
	receive_packet(&plain);
	assert_int_equal(frame.flags, FRAME_PAD);
	assert_int_equal(frame.len, 1042);
	assert_int_equal(deliver(1000, 42), 1);
	receive_packet(&tiny);
	assert_int_equal(frame.segments, 0);
	assert_int_equal(deliver(1, 42), 1);
}

static void receive_partial_checksum(void **unused)
{
	for (unsigned int kind = 0; kind < 8; kind++) {
		const struct packet packet = { .udp = kind & 1,
					       .ipv6 = kind & 2,
					       .vlan = kind & 4 ? 0x2064 : 0,
					       .partial = true,
					       .payload = 777 };

		receive_packet(&packet);
		assert_int_equal(frame.flags,
				 FRAME_PAD | FRAME_L4_CSUM | (packet.vlan ? FRAME_VLAN : 0));
		assert_int_equal(frame.vlan, packet.vlan);
		assert_int_equal(frame.l2_len, 14);
		assert_int_equal(frame.l3_len, packet.ipv6 ? 40 : 20);
		assert_int_equal(frame.l4_proto, packet.udp ? IPPROTO_UDP : IPPROTO_TCP);
		assert_int_equal(deliver(777, packet_headers(&packet)), 1);
	}
}

static void receive_segmentation(void **unused)
{
	for (unsigned int kind = 0; kind < 8; kind++) {
		const struct packet packet = { .udp = kind & 1,
					       .ipv6 = kind & 2,
					       .vlan = kind & 4 ? 5 : 0,
					       .partial = true,
					       .mss = 1400,
					       .tcp_flags = 0x98,
					       .payload = 60001 };

		receive_packet(&packet);
		assert_true(frame.flags & FRAME_TSO);
		assert_int_equal(frame.mss, 1400);
		assert_int_equal(frame.l4_len, packet.udp ? 8 : 20);
		assert_int_equal(deliver(60001, packet_headers(&packet)), 43);
	}
}

static void receive_verified(void **unused)
{
	const struct packet packet = { .payload = 100 };
	struct virtio_net_hdr vnet;
	uint32_t len = packet_make(&packet, sent, &vnet);

	vnet.flags = VIRTIO_NET_HDR_F_DATA_VALID;
	give(&vnet, sent, len);
	assert_int_equal(receive(), 1);
	assert_int_equal(frame.flags, FRAME_PAD | FRAME_CSUM_GOOD);
}

/* A checksum that struct frame has no word for is finished at once. */
static void receive_other_checksum(void **unused)
{
	const struct packet packet = { .udp = true, .payload = 400 };
	struct virtio_net_hdr vnet;
	uint32_t len = packet_make(&packet, sent, &vnet), sum = 0;

	vnet.flags = VIRTIO_NET_HDR_F_NEEDS_CSUM;
	vnet.csum_start = 300; /* beyond the header copy */
	vnet.csum_offset = 2;
	put_be16(sent + 302, 0);
	give(&vnet, sent, len);
	assert_int_equal(receive(), 1);
	assert_int_equal(frame.flags, FRAME_PAD);
	for (uint32_t i = 300; i < len; i += 2)
		sum += (uint32_t)buffer[i] << 8 | (i + 1 < len ? buffer[i + 1] : 0);
	sum = (sum & 0xffff) + (sum >> 16);
	assert_int_equal((sum & 0xffff) + (sum >> 16), 0xffff);
}

static void receive_nonsense(void **unused)
{
	const struct packet packet = { .partial = true, .mss = 1000, .payload = 5000 };
	struct virtio_net_hdr good, vnet;
	uint32_t len = packet_make(&packet, sent, &good);

	give(&good, sent, 13);
	assert_int_equal(receive(), -EINVAL);
	assert_int_equal(write(pair[1], &good, HDR - 1), HDR - 1);
	assert_int_equal(receive(), -EINVAL);
	for (unsigned int seed = 0; seed < 2000; seed++) {
		uint8_t *raw = (uint8_t *)&vnet;
		int result;

		srandom(seed);
		vnet = good;
		for (unsigned int n = 0; n < 3; n++)
			raw[(unsigned int)random() % HDR] = (uint8_t)random();
		give(&vnet, sent, seed % 5 ? len : (uint32_t)random() % len);
		result = receive();
		assert_true(result == 1 || result == -EINVAL);
		if (result == 1) {
			uint32_t frames;
			uint64_t bytes;

			frame_count(&frame, &frames, &bytes);
			assert_true(frames >= 1 && frames <= len);
		}
	}
	vnet = good;
	vnet.gso_type = VIRTIO_NET_HDR_GSO_UDP; /* fragmentation: never offered */
	give(&vnet, sent, len);
	assert_int_equal(receive(), -EINVAL);
	vnet = good;
	vnet.gso_size = 0;
	give(&vnet, sent, len);
	assert_int_equal(receive(), -EINVAL);
}

static uint32_t taken(struct virtio_net_hdr *vnet, uint8_t **bytes)
{
	ssize_t n = read(pair[1], back, sizeof(back));

	assert_true(n >= (ssize_t)HDR);
	memcpy(vnet, back, HDR);
	*bytes = back + HDR;
	return (uint32_t)n - HDR;
}

/* What the kernel asked for comes back to it as it was: bytes and offload header. */
static void send_returns_what_was_received(void **unused)
{
	for (unsigned int kind = 0; kind < 16; kind++) {
		const struct packet packet = { .udp = kind & 1,
					       .ipv6 = kind & 2,
					       .vlan = kind & 4 ? 0x6007 : 0,
					       .mss = kind & 8 && !(kind & 1) ? 1448 : 0,
					       .partial = true,
					       .tcp_flags = kind & 4 ? 0x90 : 0x10,
					       .payload = 9000 };
		struct virtio_net_hdr vnet, before;
		uint32_t len = receive_packet(&packet);
		uint8_t *bytes;

		packet_make(&packet, sent, &before);
		assert_int_equal(tap_write_frame(pair[0], &frame), 0);
		assert_int_equal(taken(&vnet, &bytes), len);
		assert_memory_equal(bytes, sent, len);
		assert_memory_equal(&vnet, &before, HDR);
	}
}

/* As a driver of the 82599 leaves it: no IP lengths, no IP checksum, pseudo-header without length. */
static void send_completes_headers(void **unused)
{
	const struct packet packet = { .partial = true, .mss = 1000, .payload = 4000 };
	struct virtio_net_hdr vnet, before;
	uint8_t *bytes;
	uint32_t len = receive_packet(&packet);

	packet_make(&packet, sent, &before);
	put_le16(frame.header + 16, 0);
	put_le16(frame.header + 24, 0x5555);
	assert_int_equal(tap_write_frame(pair[0], &frame), 0);
	assert_int_equal(taken(&vnet, &bytes), len);
	assert_memory_equal(bytes, sent, len);
	assert_memory_equal(&vnet, &before, HDR);

	/* One piece is no segmentation. */
	frame.mss = 4000;
	assert_int_equal(tap_write_frame(pair[0], &frame), 0);
	taken(&vnet, &bytes);
	assert_int_equal(vnet.gso_type, VIRTIO_NET_HDR_GSO_NONE);
	assert_memory_equal(bytes, sent, len);
}

static void expect_pieces(uint32_t payload, uint32_t headers, unsigned int pieces)
{
	uint32_t seen = 0;

	for (unsigned int n = 0; n < pieces; n++) {
		struct virtio_net_hdr vnet;
		uint8_t *bytes;
		uint32_t len = taken(&vnet, &bytes);

		assert_int_equal(vnet.gso_type, VIRTIO_NET_HDR_GSO_NONE);
		assert_true(packet_is_good(bytes, len));
		for (uint32_t i = headers; i < len && seen < payload; i++)
			assert_int_equal(bytes[i], (uint8_t)(seen++ * 7));
	}
	assert_int_equal(seen, payload);
	assert_int_equal(read(pair[1], back, sizeof(back)), -1);
}

static void send_cuts_what_the_kernel_cannot(void **unused)
{
	const struct packet udp = {
		.udp = true, .partial = true, .mss = 1000, .payload = 4500, .vlan = 9
	};
	const struct packet tcp = { .partial = true, .mss = 8000, .payload = 65000 };
	static uint8_t more[20000];
	struct frame_segment two[2];

	receive_packet(&udp);
	assert_int_equal(tap_write_frame(pair[0], &frame), 0);
	expect_pieces(4500, packet_headers(&udp), 5);

	/* More than one IP packet can hold: the 82599 takes 256 KiB at once. */
	receive_packet(&tcp);
	for (uint32_t i = 0; i < sizeof(more); i++)
		more[i] = (uint8_t)((65000 + i) * 7);
	two[0] = segment;
	two[1] = (struct frame_segment){ more, sizeof(more) };
	frame.segment = two;
	frame.segments = 2;
	frame.len += sizeof(more);
	assert_int_equal(tap_write_frame(pair[0], &frame), 0);
	expect_pieces(85000, packet_headers(&tcp), 11);
}

static void send_pads_short_frames(void **unused)
{
	const struct packet packet = { .udp = true, .payload = 3, .vlan = 12 };
	struct virtio_net_hdr vnet;
	uint8_t *bytes;

	receive_packet(&packet);
	frame.flags |= FRAME_CSUM_GOOD;
	assert_int_equal(tap_write_frame(pair[0], &frame), 0);
	assert_int_equal(taken(&vnet, &bytes), 64);
	assert_int_equal(vnet.flags, VIRTIO_NET_HDR_F_DATA_VALID);
	assert_int_equal(get_be16(bytes + 12), 0x8100);
	assert_int_equal(get_be16(bytes + 14), 12);
	assert_true(packet_is_good(bytes, 60));
	for (unsigned int i = packet_headers(&packet) + 3; i < 64; i++)
		assert_int_equal(bytes[i], 0);
}

static void send_says_when_full(void **unused)
{
	const struct packet packet = { .payload = 1000 };
	int error, size = 1;

	receive_packet(&packet);
	setsockopt(pair[0], SOL_SOCKET, SO_SNDBUF, &size, sizeof(size));
	for (unsigned int n = 0; n < 10000; n++) {
		error = tap_write_frame(pair[0], &frame);
		if (error)
			break;
	}
	assert_int_equal(error, -EAGAIN);
}

static void no_partner(void **unused)
{
	struct frame *const frames[] = { &frame, &frame };
	enum uplink_fate fate[2];
	struct uplink *uplink;

	assert_int_equal(uplink_none(&uplink), 0);
	assert_string_equal(uplink->name, "none");
	uplink->ops->send(uplink, frames, 2, fate);
	assert_true(fate[0] == UPLINK_DOWN && fate[1] == UPLINK_DOWN);
	assert_int_equal(uplink->stats.tx_down, 2);
	assert_int_equal(uplink->ops->receive(uplink, &frame, 1), 0);
	assert_int_equal(uplink->ops->poll_fd(uplink), -1);
	uplink->ops->close(uplink);
}

#define TEST(function) cmocka_unit_test_setup_teardown(function, make_pair, close_pair)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(receive_plain),
		TEST(receive_partial_checksum),
		TEST(receive_segmentation),
		TEST(receive_verified),
		TEST(receive_other_checksum),
		TEST(receive_nonsense),
		TEST(send_returns_what_was_received),
		TEST(send_completes_headers),
		TEST(send_cuts_what_the_kernel_cannot),
		TEST(send_pads_short_frames),
		TEST(send_says_when_full),
		TEST(no_partner),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
