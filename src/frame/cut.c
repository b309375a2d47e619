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
	cut->segment = 0;
	cut->source_left = 0;
	cut->body_left = 0;
	cut->payload_left = frame->len - frame->header_len;
	cut->cut_size = UINT32_MAX;
	cut->next_index = 0;
	cut->verdict = 0;
	if (verify || (insert_vlan && frame->flags & FRAME_VLAN) ||
	    frame->flags & (FRAME_IP_CSUM | FRAME_L4_CSUM | FRAME_TSO | FRAME_CSUM_GOOD))
		offload_prepare(cut);
}

static bool next_source(struct frame_cut *cut)
{
	while (!cut->source_left) {
		const struct frame_segment *segment;

		if (cut->segment >= cut->frame->segments)
			return false;
		segment = &cut->frame->segment[cut->segment++];
		cut->source = segment->base;
		cut->source_left = segment->len;
	}
	return true;
}

static void drop_body(struct frame_cut *cut)
{
	while (cut->body_left && next_source(cut)) {
		uint32_t n = MIN(cut->body_left, cut->source_left);

		cut->source += n;
		cut->source_left -= n;
		cut->body_left -= n;
	}
	cut->body_left = 0;
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
	while (len && next_source(cut)) {
		uint32_t n = MIN(len, cut->source_left);

		if (likely(cut->sum_kind == SUM_NONE))
			copy_bytes(to, cut->source, n);
		else
			offload_copy(cut, to, cut->source, n);
		cut->source += n;
		cut->source_left -= n;
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

/* The head is completed where it is to go: that memory is not read again, so no load must wait. */
void frame_cut_deliver(struct frame_cut *cut, uint8_t *to)
{
	uint32_t end = cut->head_len + cut->body_left;

	cut->status = cut->verdict;
	if (cut->frame->flags & FRAME_TSO && likely(segment_deliver(cut, to)))
		return;
	copy_bytes(to, cut->head, cut->head_len);
	if (cut->sum_kind != SUM_NONE)
		offload_begin(cut, to);
	copy_body(cut, to + cut->head_len, cut->body_left);
	if (unlikely(end < cut->len))
		memset(to + end, 0, cut->len - end);
	if (cut->sum_kind != SUM_NONE)
		offload_end(cut, to);
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
