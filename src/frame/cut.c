/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * cut.c - from one struct frame to the bytes that a receiver gets.
 *
 * A delivered frame is a head (private bytes: the header copy, or an edited one), a body (the
 * sender's bytes, copied once from its memory) and padding. The iterator keeps one cursor over the
 * body, which runs through all cuts. Without segmentation there is one cut and its head is the
 * frame's header copy itself, so the common frame costs one parse and one copy.
 *
 * Checksums are in offload.c, the heads of segments in segment.c; they cost nothing when nobody
 * asks for them: sum_kind is then SUM_NONE.
 */
#include "frame/frame.h"

#include "frame/copy.h"
#include "frame/offload.h"
#include "frame/protocol.h"

void frame_cut_init(struct frame_cut *cut, const struct frame *frame, bool insert_vlan, bool verify)
{
	cut->frame = frame;
	cut->insert_vlan = insert_vlan;
	cut->verify = verify;
	cut->more = true;
	cut->compute = false;
	cut->sum_kind = SUM_NONE;
	cut->tag_len = 0;
	cut->head_len = frame->header_len;
	cut->head = frame->header;
	cut->body = (struct frame_cursor){ .next = frame->segment };
	cut->body_left = 0;
	cut->payload_left = frame->len - frame->header_len;
	cut->cut_size = UINT32_MAX;
	cut->next_index = 0;
	cut->verdict = 0;
	if (verify || (insert_vlan && frame->flags & FRAME_VLAN) ||
	    frame->flags & (FRAME_IP_CSUM | FRAME_L4_CSUM | FRAME_TSO | FRAME_CSUM_GOOD))
		offload_prepare(cut);
}

static void drop_body(struct frame_cut *cut)
{
	while (cut->body_left) {
		uint32_t n;

		cursor_fill(&cut->body);
		n = MIN(cut->body_left, cut->body.left);
		cursor_step(&cut->body, n);
		cut->body_left -= n;
	}
}

bool frame_cut_next(struct frame_cut *cut)
{
	uint32_t body;

	if (unlikely(cut->body_left))
		drop_body(cut);
	if (!cut->more)
		return false;
	body = MIN(cut->payload_left, cut->cut_size);
	cut->payload_left -= body;
	cut->more = cut->payload_left;
	cut->index = cut->next_index++;
	cut->position = 0;
	cut->body_left = body;
	cut->len = cut->head_len + body;
	if (cut->frame->flags & FRAME_PAD)
		cut->len = MAX(cut->len, (uint32_t)FRAME_MIN_LEN + cut->tag_len);
	return true;
}

static void copy_body(struct frame_cut *cut, uint8_t *to, uint32_t len)
{
	cut->body_left -= len;
	while (len) {
		uint32_t n;

		cursor_fill(&cut->body);
		n = MIN(len, cut->body.left);
		if (likely(cut->sum_kind == SUM_NONE))
			copy_bytes(to, cut->body.at, n);
		else
			offload_copy(cut, to, cut->body.at, n);
		cursor_step(&cut->body, n);
		to += n;
		len -= n;
	}
}

static void copy_head(struct frame_cut *cut, uint8_t *to, uint32_t len)
{
	copy_bytes(to, cut->head + cut->position, len);
	if (unlikely(cut->compute))
		offload_find_field(cut, to, len);
}

void frame_cut_copy(struct frame_cut *cut, uint8_t *to, uint32_t len)
{
	uint32_t n;

	if (!cut->position && cut->sum_kind != SUM_NONE) {
		memset(cut->field_at, 0, sizeof(cut->field_at));
		offload_begin(cut, cut->header);
	}
	len = MIN(len, cut->len - cut->position);
	if (cut->position < cut->head_len) {
		n = MIN(len, cut->head_len - cut->position);
		copy_head(cut, to, n);
		cut->position += n;
		to += n;
		len -= n;
	}
	n = MIN(len, cut->body_left);
	cut->position += len;
	if (n) {
		copy_body(cut, to, n);
		to += n;
		len -= n;
	}
	if (len)
		memset(to, 0, len);
}

void frame_cut_end(struct frame_cut *cut)
{
	cut->status = cut->verdict;
	if (unlikely(cut->sum_kind != SUM_NONE))
		offload_end(cut, NULL);
}

static void deliver(struct frame_cut *cut, uint8_t *to)
{
	uint32_t end = cut->head_len + cut->body_left;

	cut->status = cut->verdict;
	copy_bytes(to, cut->head, cut->head_len);
	if (cut->sum_kind != SUM_NONE)
		offload_begin(cut, to);
	copy_body(cut, to + cut->head_len, cut->body_left);
	if (unlikely(end < cut->len))
		memset(to + end, 0, cut->len - end);
	if (cut->sum_kind != SUM_NONE)
		offload_end(cut, to);
}

unsigned int frame_cut_run(struct frame_cut *cut, uint8_t *const to[], unsigned int n,
			   uint32_t len[])
{
	if (cut->frame->flags & FRAME_TSO)
		return segment_run(cut, to, n, len);
	deliver(cut, to[0]);
	len[0] = cut->len;
	return 1;
}

void frame_cut_skip(struct frame_cut *cut)
{
	drop_body(cut);
	cut->position = cut->len;
}

void frame_count(const struct frame *frame, uint32_t *frames, uint64_t *bytes)
{
	uint32_t min_len = frame->flags & FRAME_PAD ? FRAME_MIN_LEN : 0;
	uint32_t header, payload, full, last;

	if (likely(!(frame->flags & FRAME_TSO))) {
		*frames = 1;
		*bytes = MAX(frame->len, min_len);
		return;
	}
	header = frame->l2_len + frame->l3_len + frame->l4_len;
	payload = frame->len - header;
	full = payload ? (payload - 1) / frame->mss : 0;
	last = payload - full * frame->mss;
	*frames = full + 1;
	*bytes = (uint64_t)full * MAX(header + frame->mss, min_len) + MAX(header + last, min_len);
}
