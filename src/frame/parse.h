/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * parse.h - the outer headers of a frame. Private to the room: frame_finish() calls it.
 */
#ifndef SOFTIOV_FRAME_PARSE_H
#define SOFTIOV_FRAME_PARSE_H

#include "frame/frame.h"

/** frame_parse() - fill @frame->info from the header copy, the tag of which is taken out. */
void frame_parse(struct frame *frame);

#endif
