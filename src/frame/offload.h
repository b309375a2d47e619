/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * offload.h - checksums and segmentation of a struct frame_cut: what offload.c and segment.c do for
 * cut.c. Private to the room.
 */
#ifndef SOFTIOV_FRAME_OFFLOAD_H
#define SOFTIOV_FRAME_OFFLOAD_H

#include "frame/frame.h"

/** enum sum_kind - what is done to L4 bytes while they are copied. */
enum sum_kind { SUM_NONE, SUM_INTERNET, SUM_CRC32C };

/**
 * offload_prepare() - once per frame: settle the head and what is to be summed, judge the IPv4
 * header.
 */
void offload_prepare(struct frame_cut *cut);
/**
 * offload_begin() - once per cut, before it is copied: sum up what lies in the head.
 * @head: with FRAME_TSO: a copy of the template, which is completed
 */
void offload_begin(struct frame_cut *cut, uint8_t *head);
/** offload_copy() - copy and sum @len contiguous bytes of the body. */
void offload_copy(struct frame_cut *cut, uint8_t *to, const uint8_t *from, uint32_t len);
/**
 * offload_find_field() - head bytes from cut->position on were copied to @to: remember where the
 * field went.
 */
void offload_find_field(struct frame_cut *cut, uint8_t *to, uint32_t len);
/**
 * offload_end() - store the checksum or compare it.
 * @to: the delivered frame, NULL when it lies in several buffers
 */
void offload_end(struct frame_cut *cut, uint8_t *to);

/** segment_prepare() - of offload_prepare(), with FRAME_TSO: what is head, what is body. */
void segment_prepare(struct frame_cut *cut);
/** segment_template() - of offload_prepare(): cut->header is the head; it becomes the template. */
void segment_template(struct frame_cut *cut);
/**
 * segment_head() - complete @head, a copy of the template, for the current cut but for the L4
 * checksum. Return: its part of that sum.
 */
uint64_t segment_head(const struct frame_cut *cut, uint8_t *head);
/** segment_run() - frame_cut_run() with FRAME_TSO. */
unsigned int segment_run(struct frame_cut *cut, uint8_t *const to[], unsigned int n,
			 uint32_t len[]);

/** cursor_fill() - have a byte at @body->at; frame_finish() has made sure that there is one. */
static inline void cursor_fill(struct frame_cursor *body)
{
	while (unlikely(!body->left)) {
		body->at = body->next->base;
		body->left = body->next->len;
		body->next++;
	}
}

/** cursor_step() - @len bytes, not more than are left, are done. */
static inline void cursor_step(struct frame_cursor *body, uint32_t len)
{
	body->at += len;
	body->left -= len;
}

#endif
