/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * report.h - the answers: two questions, each with rows of what was found, what is needed and what to do, and a verdict.
 */
#ifndef SOFTIOV_CHECK_REPORT_H
#define SOFTIOV_CHECK_REPORT_H

#include <jansson.h>

#define CHECK_ROWS 256u
#define CHECK_OBJECT 20
#define CHECK_TEXT 320

/**
 * enum check_state - what a row means. A note decides nothing.
 * The verdict is "not ready" with a CHECK_NO, else "could not tell" with a CHECK_UNKNOWN, else "ready".
 */
enum check_state { CHECK_OK, CHECK_NOTE, CHECK_UNKNOWN, CHECK_NO };
enum check_verdict { CHECK_READY = 0, CHECK_NOT_READY = 1, CHECK_COULD_NOT_TELL = 3 };

/** struct check_row - @id names it in --json and never changes; @object: the PCI address it is about, or "". */
struct check_row {
	const char *id, *what;
	enum check_state state;
	char object[CHECK_OBJECT];
	char found[CHECK_TEXT], needed[CHECK_TEXT], todo[CHECK_TEXT];
};

/** struct check_answer - one question. The row after the last takes what does not fit; it is never shown. */
struct check_answer {
	const char *id;
	char question[96];
	unsigned int rows;
	struct check_row row[CHECK_ROWS + 1];
};

/** row_add() - a row with what was found. Return: it, for row_needs() and row_todo(). */
struct check_row *row_add(struct check_answer *answer, enum check_state state, const char *id,
			  const char *what, const char *found, ...)
	__attribute__((format(printf, 5, 6)));
void row_needs(struct check_row *row, const char *format, ...)
	__attribute__((format(printf, 2, 3)));
void row_todo(struct check_row *row, const char *format, ...) __attribute__((format(printf, 2, 3)));

enum check_verdict answer_verdict(const struct check_answer *answer);
const char *verdict_words(enum check_verdict verdict);
/** answer_print() - on stdout. */
void answer_print(const struct check_answer *answer);
/** answer_json() - Return: an object (the caller's), or NULL: out of memory. */
json_t *answer_json(const struct check_answer *answer);

#endif
