/* SPDX-License-Identifier: BSD-3-Clause */
/* line.h - command lines for tests of xe. */
#ifndef TESTS_XE_LINE_H
#define TESTS_XE_LINE_H

#include "xe/internal.h"

#define LINE_MAX_WORDS 16

/** struct line - a command line, parsed. */
struct line {
	struct xe xe;
	char *words[LINE_MAX_WORDS];
	int n;
};

/** line_start() - the words, without "xe", parsed and checked. Return: 0 or XE_USAGE. End with line_end(). */
int line_start(struct line *line, const char *const *words);
void line_end(struct line *line);

/** LINE() - the words as line_start() takes them. */
#define LINE(...) ((const char *const[]){ __VA_ARGS__, NULL })

#endif
