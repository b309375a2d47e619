/* SPDX-License-Identifier: BSD-3-Clause */
/* line.c - command lines for tests of xe: copies of the words, because parsing cuts them. */
#include "line.h"

#include <stdlib.h>
#include <string.h>

int line_start(struct line *line, const char *const *words)
{
	int status;

	memset(line, 0, sizeof(*line));
	while (words[line->n + 1]) {
		line->words[line->n] = strdup(words[line->n + 1]);
		line->n++;
	}
	line->xe.command = xe_find_command(words[0]);
	if (!line->xe.command)
		return XE_USAGE;
	status = xe_parse(&line->xe, line->n, line->words);
	return status ? status : xe_check(&line->xe);
}

void line_end(struct line *line)
{
	while (line->n)
		free(line->words[--line->n]);
}
