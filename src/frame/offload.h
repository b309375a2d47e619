/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * offload.h - header editing and checksums of a struct frame_cut. Private to the room.
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

#endif
