/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * segment.c - the cuts of a segmentation request: 82599 data sheet, section 7.2.4.
 *
 * The header, l2_len + l3_len + l4_len bytes, is replicated; two layers are edited and no others:
 * the IP header at l2_len (IPv4: total length, identification, checksum; IPv6: payload length) and
 * the L4 header behind l3_len (TCP: sequence, flags, checksum; UDP: length, checksum). l3_len may
 * span a tunnel: then the headers in between, from the outer UDP or GRE header to the inner IP
 * header, are sent as they are. The stack has prepared them for one full segment and sends a
 * shorter last one by itself (Linux GSO_PARTIAL; its outer UDP checksum holds for all segments,
 * because each inner one sums up to the same pseudo-header). For segmentation software leaves in
 * the L4 checksum field the sum of the pseudo-header without its length, which is added here.
 *
 * A cut costs little beyond its copy: the head is kept as a template without the fields that differ
 * from cut to cut, and its sums are known. A copy of it is completed where it is to go, values
 * written are added to the sums, and the receiver's memory is never read. Usually every cut goes
 * into one buffer: then one loop makes them all, with its state in registers.
 */
#include "frame/offload.h"

#include <netinet/in.h>
#include "frame/copy.h"
#include "frame/protocol.h"

static inline uint16_t to_be16(uint32_t v)
{
	return __builtin_bswap16((uint16_t)v);
}

void segment_prepare(struct frame_cut *cut)
{
	const struct frame *frame = cut->frame;

	cut->head_len = frame->l2_len + frame->l3_len + frame->l4_len;
	cut->body.at = frame->header + cut->head_len; /* the body begins in the header copy */
	cut->body.left = frame->header_len - cut->head_len;
	cut->payload_left = frame->len - cut->head_len;
	cut->cut_size = frame->mss;
}

/* Take out of the head what differs from cut to cut, and sum up the rest. */
void segment_template(struct frame_cut *cut)
{
	const struct frame *frame = cut->frame;
	uint8_t *ip = cut->header + cut->tag_len + frame->l2_len, *l4 = ip + frame->l3_len;

	if (ip[0] >> 4 == 4) {
		put_le16(ip + IPV4_TOTAL_LENGTH, 0);
		put_le16(ip + IPV4_ID, 0);
		put_le16(ip + IPV4_CHECKSUM, 0);
		cut->ip_sum = csum_partial(ip, (ip[0] & 15u) * 4, 0);
	}
	if (frame->l4_proto == IPPROTO_TCP) {
		put_le32(l4 + TCP_SEQUENCE, 0);
		l4[TCP_FLAGS] = 0;
	} else {
		put_le16(l4 + UDP_LENGTH, 0);
	}
	cut->seed = csum_partial(l4, frame->l4_len, 0);
}

/**
 * struct request - what the cuts share, at hand for the loop: the receiver's memory may be anywhere,
 * so the compiler would load it anew after every store.
 */
struct request {
	const uint8_t *head;
	uint64_t ip_sum, l4_sum;
	uint32_t head_len, ip, l3_len, l4_len, field; /* offsets, lengths */
	uint32_t mss, min_len, sequence;
	uint16_t id;
	uint8_t tcp_flags;
	bool ipv4, tcp;
};

static inline struct request request_of(const struct frame_cut *cut)
{
	const struct frame *frame = cut->frame;
	const uint8_t *ip = frame->header + frame->l2_len, *l4 = ip + frame->l3_len;
	bool tcp = frame->l4_proto == IPPROTO_TCP; /* else the header is shorter */

	return (struct request){
		.head = cut->header,
		.ip_sum = cut->ip_sum,
		.l4_sum = cut->seed,
		.head_len = cut->head_len,
		.ip = cut->tag_len + frame->l2_len,
		.l3_len = frame->l3_len,
		.l4_len = frame->l4_len,
		.field = cut->field,
		.mss = frame->mss,
		.min_len = frame->flags & FRAME_PAD ? FRAME_MIN_LEN + cut->tag_len : 0,
		.sequence = tcp ? get_be32(l4 + TCP_SEQUENCE) : 0,
		.id = get_be16(ip + IPV4_ID),
		.tcp_flags = tcp ? l4[TCP_FLAGS] : 0,
		.ipv4 = ip[0] >> 4 == 4,
		.tcp = tcp,
	};
}

/** struct segment - what tells a cut from the others. */
struct segment {
	uint32_t index, body;
	bool more; /* come after it */
};

/* @len: from the IP header on. Total length and identification are neighbours. */
static inline void edit_ip(const struct request *r, struct segment segment, uint8_t *ip,
			   uint32_t len)
{
	uint32_t both;

	if (!r->ipv4) {
		put_be16(ip + IPV6_PAYLOAD_LENGTH, (uint16_t)(len - IPV6_HEADER_LEN));
		return;
	}
	both = (uint32_t)to_be16(r->id + segment.index) << 16 | to_be16(len);
	put_le32(ip + IPV4_TOTAL_LENGTH, both);
	put_le16(ip + IPV4_CHECKSUM, csum_folded(csum_add(r->ip_sum, both)));
}

/* Return: the sum of what was written. */
static inline uint64_t edit_tcp(const struct request *r, struct segment segment, uint8_t *tcp)
{
	uint32_t sequence = __builtin_bswap32(r->sequence + segment.index * r->mss);
	uint8_t flags = r->tcp_flags;

	if (segment.more)
		flags &= (uint8_t) ~(TCP_FIN | TCP_PSH);
	if (segment.index)
		flags &= (uint8_t)~TCP_CWR;
	tcp[TCP_FLAGS] = flags;
	put_le32(tcp + TCP_SEQUENCE, sequence);
	return (uint64_t)to_be16(flags) + sequence;
}

/* All fields but the L4 checksum. Return: the sum of the L4 header and the pseudo-header. */
static inline uint64_t edit_head(const struct request *r, struct segment segment, uint8_t *head)
{
	uint8_t *ip = head + r->ip, *l4 = ip + r->l3_len;
	uint32_t len = r->l4_len + segment.body;
	uint64_t sum = to_be16(len); /* in the pseudo-header */

	edit_ip(r, segment, ip, r->l3_len + len);
	if (likely(r->tcp)) {
		sum += edit_tcp(r, segment, l4);
	} else {
		put_be16(l4 + UDP_LENGTH, (uint16_t)len);
		sum += to_be16(len);
	}
	return csum_add(r->l4_sum, sum);
}

uint64_t segment_head(const struct frame_cut *cut, uint8_t *head)
{
	const struct request r = request_of(cut);

	return edit_head(&r, (struct segment){ cut->index, cut->body_left, cut->more }, head);
}

/* @len bytes of the body. @odd: they begin at an odd offset of the sum. Return: the sum. */
static inline uint64_t copy_body(struct frame_cursor *body, uint8_t *to, uint32_t len, uint64_t sum,
				 bool odd)
{
	sum = odd ? csum_turn(sum) : sum;
	while (len) {
		uint32_t n;

		cursor_fill(body);
		n = MIN(len, body->left);
		sum = copy_way->copy_add(to, body->at, n, sum);
		if (n % 2) {
			sum = csum_turn(sum);
			odd = !odd;
		}
		cursor_step(body, n);
		to += n;
		len -= n;
	}
	return odd ? csum_turn(sum) : sum;
}

/* The cut into @to. Return: its length. */
static inline uint32_t deliver(const struct request *r, struct segment segment,
			       struct frame_cursor *body, uint8_t *to)
{
	uint32_t len = r->head_len + segment.body;
	uint64_t sum;
	uint16_t field;

	copy_soon(body->at, segment.body);
	copy_bytes(to, r->head, r->head_len);
	sum = edit_head(r, segment, to);
	sum = copy_body(body, to + r->head_len, segment.body, sum, r->l4_len % 2);
	field = csum_folded(sum);
	if (unlikely(!field && !r->tcp))
		field = UDP_CHECKSUM_ZERO;
	put_le16(to + r->field, field);
	if (likely(len >= r->min_len))
		return len;
	memset(to + len, 0, r->min_len - len);
	return r->min_len;
}

unsigned int segment_run(struct frame_cut *cut, uint8_t *const to[], unsigned int n, uint32_t len[])
{
	const struct request request = request_of(cut);
	struct segment segment = { cut->index, cut->body_left, cut->more };
	struct frame_cursor body = cut->body;
	uint32_t left = cut->payload_left;
	unsigned int done = 0;

	for (;;) {
		len[done] = deliver(&request, segment, &body, to[done]);
		done++;
		if (!left || done == n)
			break;
		segment.index++;
		segment.body = MIN(left, request.mss);
		left -= segment.body;
		segment.more = left;
	}
	cut->next_index = segment.index + 1;
	cut->payload_left = left;
	cut->more = left;
	cut->body = body;
	cut->body_left = 0;
	cut->status = cut->verdict;
	return done;
}
