/* SPDX-License-Identifier: BSD-3-Clause */
/* report.c - collecting rows; verdicts; both forms of output, text and JSON. */
#include "check/report.h"

#include <stdarg.h>
#include <stdio.h>

#include "check/facts.h"
#include "util/util.h"

#define LABEL_WIDTH 11

static const char *const state_words[] = {
	[CHECK_OK] = "ok", [CHECK_NOTE] = "note", [CHECK_UNKNOWN] = "unknown", [CHECK_NO] = "no"
};

struct check_row *row_add(struct check_answer *answer, enum check_state state, const char *id,
			  const char *what, const char *found, ...)
{
	struct check_row *row = &answer->row[answer->rows];
	va_list args;

	if (answer->rows < CHECK_ROWS)
		answer->rows++;
	*row = (struct check_row){ .id = id, .what = what, .state = state };
	va_start(args, found);
	vsnprintf(row->found, sizeof(row->found), found, args);
	va_end(args);
	text_clean(row->found);
	return row;
}

void row_needs(struct check_row *row, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	vsnprintf(row->needed, sizeof(row->needed), format, args);
	va_end(args);
	text_clean(row->needed);
}

void row_todo(struct check_row *row, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	vsnprintf(row->todo, sizeof(row->todo), format, args);
	va_end(args);
	text_clean(row->todo);
}

enum check_verdict answer_verdict(const struct check_answer *answer)
{
	enum check_verdict verdict = CHECK_READY;

	for (unsigned int i = 0; i < answer->rows; i++) {
		if (answer->row[i].state == CHECK_NO)
			return CHECK_NOT_READY;
		if (answer->row[i].state == CHECK_UNKNOWN)
			verdict = CHECK_COULD_NOT_TELL;
	}
	return verdict;
}

const char *verdict_words(enum check_verdict verdict)
{
	switch (verdict) {
	case CHECK_READY:
		return "ready";
	case CHECK_NOT_READY:
		return "not ready";
	default:
		return "could not tell";
	}
}

static void print_line(const char *label, const char *text)
{
	if (*text)
		printf("  %*s %-*s%s\n", (int)sizeof("unknown") - 1, "", LABEL_WIDTH, label, text);
}

void answer_print(const struct check_answer *answer)
{
	printf("%s %s\n", answer->question, verdict_words(answer_verdict(answer)));
	for (unsigned int i = 0; i < answer->rows; i++) {
		const struct check_row *row = &answer->row[i];

		printf("  %-*s %s%s%s\n", (int)sizeof("unknown") - 1, state_words[row->state],
		       row->object, *row->object ? ": " : "", row->what);
		print_line("found", row->found);
		print_line("needed", row->needed);
		print_line("what to do", row->todo);
	}
}

static json_t *row_json(const struct check_row *row)
{
	return json_pack("{s:s, s:s, s:s*, s:s, s:s, s:s, s:s*}", "id", row->id, "what", row->what,
			 "object", *row->object ? row->object : NULL, "state",
			 state_words[row->state], "found", row->found, "needed", row->needed,
			 "todo", *row->todo ? row->todo : NULL);
}

json_t *answer_json(const struct check_answer *answer)
{
	json_t *rows = json_array();

	for (unsigned int i = 0; i < answer->rows; i++)
		json_array_append_new(rows, row_json(&answer->row[i]));
	return json_pack("{s:s, s:s, s:o}", "question", answer->question, "verdict",
			 verdict_words(answer_verdict(answer)), "rows", rows);
}
