/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * tap_frame.c - a frame between a TAP descriptor and struct frame: virtio 1.2, section 5.1.6 (struct
 * virtio_net_hdr), as tun uses it.
 *
 * Both sides can leave checksum and segmentation to the other, but mean slightly different things:
 *
 *			virtio (Linux CHECKSUM_PARTIAL)		struct frame (82599, 7.2.4, 7.2.5)
 *	checksum	anywhere: csum_start, csum_offset	TCP, UDP, SCTP at l2_len + l3_len
 *	TCP checksum	pseudo-header with length		the same; without length for segmentation
 *	to be cut	complete headers			IP lengths and checksum are left to the cutter
 *	SCTP		never					CRC32c can be requested
 *	tunnels		never					l3_len may span one
 *
 * What virtio cannot say, or one IP packet of 64 KiB cannot hold, is cut and summed here, by frame_cut. What
 * struct frame cannot say is summed here on the way in. Everything else crosses as it is: the kernel's one
 * copy between our memory and its own is the only one.
 */
#include <linux/virtio_net.h>
#include <netinet/in.h>
#include <stddef.h>
#include <sys/uio.h>
#include "uplink/uplink.h"

#ifndef VIRTIO_NET_HDR_GSO_UDP_L4
#define VIRTIO_NET_HDR_GSO_UDP_L4 5
#endif

#define ETH_HEADER 14
#define ETH_TYPE 12
#define TAG_LEN 4
#define TAGS_MAX 2
#define TYPE_IPV4 0x0800
#define TYPE_IPV6 0x86dd
#define TYPE_VLAN 0x8100
#define TYPE_SVLAN 0x88a8
/* Header fields by offset, RFC 791, 8200, 9293, 768: headers lie at odd places. */
#define IPV4_MIN_LEN 20
#define IPV4_TOTAL 2
#define IPV4_CHECK 10
#define IPV6_LEN 40
#define IPV6_PAYLOAD 4
#define TCP_MIN_LEN 20
#define TCP_OFFSET 12 /* high half: header length in words */
#define TCP_FLAGS 13
#define TCP_CHECK 16
#define UDP_LEN 8
#define UDP_CHECK 6
#define IP_MAX_LEN 65535
#define TCP_CWR 0x80

/* Ones' complement sum folded to 16 bits, not inverted: what CHECKSUM_PARTIAL leaves in the field. */
static uint16_t fold(uint64_t sum)
{
	return (uint16_t)~csum_fold(sum);
}

static uint16_t be16(uint32_t value)
{
	return __builtin_bswap16((uint16_t)value);
}

/* Receive: from the kernel */

/* Where the network header begins, and its EtherType; behind at most two tags. */
static unsigned int parse_l2(const struct frame *frame, uint16_t *type)
{
	unsigned int len = ETH_HEADER;

	*type = get_be16(frame->header + ETH_TYPE);
	for (unsigned int n = 0; n < TAGS_MAX && (*type == TYPE_VLAN || *type == TYPE_SVLAN); n++) {
		if (len + TAG_LEN > frame->header_len)
			break;
		*type = get_be16(frame->header + len + 2);
		len += TAG_LEN;
	}
	return len;
}

/* The kernel's request in the words of struct frame. Return: false if there are none for it. */
static bool request_checksum(struct frame *frame, const struct virtio_net_hdr *vnet)
{
	unsigned int l4_min, l2;
	uint16_t type;

	if (frame->header_len < ETH_HEADER)
		return false;
	l2 = parse_l2(frame, &type);
	if (type != TYPE_IPV4 && type != TYPE_IPV6)
		return false;
	switch (vnet->csum_offset) {
	case TCP_CHECK:
		frame->l4_proto = IPPROTO_TCP;
		l4_min = TCP_MIN_LEN;
		break;
	case UDP_CHECK:
		frame->l4_proto = IPPROTO_UDP;
		l4_min = UDP_LEN;
		break;
	default:
		return false;
	}
	if (vnet->csum_start < l2 + IPV4_MIN_LEN || vnet->csum_start + l4_min > frame->header_len)
		return false;
	frame->l2_len = (uint16_t)l2;
	frame->l3_len = (uint16_t)(vnet->csum_start - l2);
	frame->flags |= FRAME_L4_CSUM;
	return true;
}

static int request_segmentation(struct frame *frame, const struct virtio_net_hdr *vnet)
{
	uint8_t *l4 = frame->header + vnet->csum_start, *field = l4 + vnet->csum_offset;
	uint8_t kind = vnet->gso_type & ~VIRTIO_NET_HDR_GSO_ECN;

	if (!(frame->flags & FRAME_L4_CSUM))
		return -EINVAL;
	switch (kind) {
	case VIRTIO_NET_HDR_GSO_TCPV4:
	case VIRTIO_NET_HDR_GSO_TCPV6:
		if (frame->l4_proto != IPPROTO_TCP)
			return -EINVAL;
		frame->l4_len = (l4[TCP_OFFSET] >> 4) * 4;
		break;
	case VIRTIO_NET_HDR_GSO_UDP_L4:
		if (frame->l4_proto != IPPROTO_UDP)
			return -EINVAL;
		frame->l4_len = UDP_LEN;
		break;
	default:
		return -EINVAL;
	}
	frame->mss = vnet->gso_size;
	frame->flags |= FRAME_TSO;
	/* The pseudo-header's length is to be that of each piece. */
	put_le16(field,
		 fold((uint64_t)get_le16(field) + (uint16_t)~be16(frame->len - vnet->csum_start)));
	return 0;
}

static int checksum_now(uint8_t *buffer, uint32_t len, const struct virtio_net_hdr *vnet)
{
	uint32_t field = (uint32_t)vnet->csum_start + vnet->csum_offset;
	uint16_t sum;

	if (field + sizeof(sum) > len)
		return -EINVAL;
	sum = csum_fold(csum_partial(buffer + vnet->csum_start, len - vnet->csum_start, 0));
	put_le16(buffer + field, sum);
	return 0;
}

static void take_header(struct frame *frame, struct frame_segment *segment, const uint8_t *buffer)
{
	frame->header_len = (uint16_t)MIN(frame->len, (uint32_t)FRAME_HEADER_MAX);
	memcpy(frame->header, buffer, frame->header_len);
	segment->base = buffer + frame->header_len;
	segment->len = frame->len - frame->header_len;
	frame->segment = segment;
	frame->segments = segment->len != 0;
}

int tap_read_frame(int fd, uint8_t *buffer, size_t size, struct frame_segment *segment,
		   struct frame *frame)
{
	struct virtio_net_hdr vnet;
	struct iovec iov[] = { { &vnet, sizeof(vnet) }, { buffer, size } };
	ssize_t n = readv(fd, iov, ARRAY_SIZE(iov));
	int error;

	if (n < 0)
		return errno == EAGAIN || errno == EINTR ? 0 : -errno;
	if ((size_t)n < sizeof(vnet))
		return -EINVAL;
	memset(frame, 0, offsetof(struct frame, header));
	frame->len = (uint32_t)((size_t)n - sizeof(vnet));
	frame->flags = FRAME_PAD;
	take_header(frame, segment, buffer);
	if (vnet.flags & VIRTIO_NET_HDR_F_NEEDS_CSUM) {
		if (!request_checksum(frame, &vnet)) {
			error = checksum_now(buffer, frame->len, &vnet);
			if (error)
				return error;
			take_header(frame, segment, buffer);
		}
	} else if (vnet.flags & VIRTIO_NET_HDR_F_DATA_VALID) {
		frame->flags |= FRAME_CSUM_GOOD;
	}
	if (vnet.gso_type != VIRTIO_NET_HDR_GSO_NONE) {
		error = request_segmentation(frame, &vnet);
		if (error)
			return error;
	}
	error = frame_finish(frame);
	return error ? error : 1;
}

/* Send: to the kernel */

static unsigned int checksum_offset(const struct frame *frame)
{
	return frame->l4_proto == IPPROTO_TCP ? TCP_CHECK : UDP_CHECK;
}

/* Can virtio say what is still to be done? */
static bool kernel_can(const struct frame *frame)
{
	const uint8_t *ip = frame->header + frame->l2_len;

	if (frame->flags & (FRAME_L4_CSUM | FRAME_TSO) && frame->l4_proto == IPPROTO_SCTP)
		return false;
	if (!(frame->flags & FRAME_TSO))
		return true;
	/* UDP segmentation is young; a tunnel has more headers to edit than the kernel knows of. */
	if (frame->l4_proto != IPPROTO_TCP || frame->len - frame->l2_len > IP_MAX_LEN)
		return false;
	return ip[0] >> 4 == 4 ? frame->l3_len == (ip[0] & 15) * 4 : frame->l3_len == IPV6_LEN;
}

/* Complete the headers at @ip of a request to cut, as the kernel expects them. */
static void complete_headers(const struct frame *frame, uint8_t *ip, struct virtio_net_hdr *vnet)
{
	uint32_t l4_total = frame->len - frame->l2_len - frame->l3_len;
	uint8_t *tcp = ip + frame->l3_len;
	bool ipv4 = ip[0] >> 4 == 4;

	if (ipv4)
		put_be16(ip + IPV4_TOTAL, (uint16_t)(frame->len - frame->l2_len));
	else
		put_be16(ip + IPV6_PAYLOAD, (uint16_t)l4_total);
	put_le16(tcp + TCP_CHECK, fold((uint64_t)get_le16(tcp + TCP_CHECK) + be16(l4_total)));
	if (l4_total - frame->l4_len <= frame->mss)
		return;
	vnet->gso_type = ipv4 ? VIRTIO_NET_HDR_GSO_TCPV4 : VIRTIO_NET_HDR_GSO_TCPV6;
	if (tcp[TCP_FLAGS] & TCP_CWR) /* only the first piece may carry it */
		vnet->gso_type |= VIRTIO_NET_HDR_GSO_ECN;
	vnet->gso_size = frame->mss;
}

/* The header with its tag back in place and the offload request. Return: its length. */
static unsigned int prepare_header(const struct frame *frame, uint8_t *header,
				   struct virtio_net_hdr *vnet)
{
	unsigned int tag = frame->flags & FRAME_VLAN ? TAG_LEN : 0;
	uint8_t *ip = header + tag + frame->l2_len;

	memcpy(header, frame->header, ETH_TYPE);
	memcpy(header + ETH_TYPE + tag, frame->header + ETH_TYPE, frame->header_len - ETH_TYPE);
	if (tag) {
		put_be16(header + ETH_TYPE, frame->vlan_tpid);
		put_be16(header + ETH_TYPE + 2, frame->vlan);
	}
	if (frame->flags & FRAME_TSO)
		complete_headers(frame, ip, vnet);
	if (frame->flags & FRAME_IP_CSUM && ip[0] >> 4 == 4) {
		put_le16(ip + IPV4_CHECK, 0);
		put_le16(ip + IPV4_CHECK, csum_fold(csum_partial(ip, (ip[0] & 15u) * 4, 0)));
	}
	if (frame->flags & (FRAME_L4_CSUM | FRAME_TSO)) {
		vnet->flags = VIRTIO_NET_HDR_F_NEEDS_CSUM;
		vnet->csum_start = (uint16_t)(tag + frame->l2_len + frame->l3_len);
		vnet->csum_offset = (uint16_t)checksum_offset(frame);
		vnet->hdr_len = vnet->gso_type ? vnet->csum_start + frame->l4_len : 0;
	} else if (frame->flags & FRAME_CSUM_GOOD) {
		vnet->flags = VIRTIO_NET_HDR_F_DATA_VALID;
	}
	return frame->header_len + tag;
}

static int write_whole(int fd, const struct frame *frame)
{
	static const uint8_t zero[FRAME_MIN_LEN];
	uint8_t header[FRAME_HEADER_MAX + TAG_LEN];
	struct virtio_net_hdr vnet = { 0 };
	struct iovec iov[FRAME_MAX_SEGMENTS + 3] = { { &vnet, sizeof(vnet) } };
	unsigned int n = 1;

	iov[n++] = (struct iovec){ header, prepare_header(frame, header, &vnet) };
	for (unsigned int i = 0; i < frame->segments; i++)
		iov[n++] = (struct iovec){ (void *)frame->segment[i].base, frame->segment[i].len };
	if (frame->len < FRAME_MIN_LEN)
		iov[n++] = (struct iovec){ (void *)zero, FRAME_MIN_LEN - frame->len };
	return writev(fd, iov, (int)n) < 0 ? -errno : 0;
}

static int write_cut(int fd, const struct frame *frame)
{
	static _Thread_local uint8_t buffer[FRAME_MAX_LEN + TAG_LEN];
	struct virtio_net_hdr vnet = { 0 };
	struct iovec iov[] = { { &vnet, sizeof(vnet) }, { buffer, 0 } };
	struct frame_cut cut;

	frame_cut_init(&cut, frame, true, false);
	while (frame_cut_next(&cut)) {
		if (cut.len > sizeof(buffer))
			return -EMSGSIZE;
		iov[1].iov_len = cut.len;
		frame_cut_copy(&cut, buffer, cut.len);
		frame_cut_end(&cut);
		if (writev(fd, iov, ARRAY_SIZE(iov)) < 0)
			return -errno;
	}
	return 0;
}

int tap_write_frame(int fd, const struct frame *frame)
{
	int error;

	if (frame->header_len < ETH_HEADER || frame->segments > FRAME_MAX_SEGMENTS)
		return -EINVAL;
	if (!kernel_can(frame))
		return write_cut(fd, frame);
	error = write_whole(fd, frame);
	/* A request that this kernel does not take, or does not like. */
	if (error == -EINVAL && frame->flags & (FRAME_L4_CSUM | FRAME_TSO))
		error = write_cut(fd, frame);
	return error;
}
