/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * parse.h - the outer headers of a frame; frame_finish() and frame_plain_finish() look for them.
 */
#ifndef SOFTIOV_FRAME_PARSE_H
#define SOFTIOV_FRAME_PARSE_H

#include "frame/frame.h"

/** frame_parse() - fill @frame->info from the header copy, the tag of which is taken out. */
void frame_parse(struct frame *frame);

#endif
