/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * log.c - one message, one line, one write.
 *
 * A message is formatted into a buffer on the stack and leaves with a single write(2), so that
 * lines of several threads never mix and no lock is held while the disk is slow. Parts of a message
 * may come from a guest (a name, a JSON error): control characters become '?', or a guest could
 * forge lines and terminal escapes. Under systemd (JOURNAL_STREAM is set) a line carries its
 * priority as "<3>", see sd-daemon(3).
 */
#include "util/log.h"

#include <errno.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "util/util.h"

#define LINE_BYTES 1024
#define LIMIT_WINDOW_NS (10 * NSEC_PER_SEC)
#define LIMIT_MESSAGES 10

static _Atomic int log_level = LOG_LEVEL_INFO;

static const struct {
	const char *word;
	int priority; /* syslog(3) */
} levels[] = {
	[LOG_LEVEL_ERROR] = { "error: ", 3 },
	[LOG_LEVEL_WARNING] = { "warning: ", 4 },
	[LOG_LEVEL_INFO] = { "", 6 },
	[LOG_LEVEL_DEBUG] = { "debug: ", 7 },
};

void log_set_level(enum log_level level)
{
	atomic_store_explicit(&log_level, (int)level, memory_order_relaxed);
}

bool log_enabled(enum log_level level)
{
	return (int)level <= atomic_load_explicit(&log_level, memory_order_relaxed);
}

static void make_printable(char *text)
{
	for (; *text; text++) {
		if ((unsigned char)*text < ' ' || *text == 0x7f)
			*text = '?';
	}
}

void log_message(enum log_level level, const char *format, ...)
{
	int saved_errno = errno;
	char line[LINE_BYTES];
	size_t used = 0;
	va_list args;
	int len;

	if (!log_enabled(level))
		return;
	if (getenv("JOURNAL_STREAM"))
		used = (size_t)sprintf(line, "<%d>", levels[level].priority);
	used += (size_t)sprintf(line + used, "%s", levels[level].word);
	va_start(args, format);
	len = vsnprintf(line + used, sizeof(line) - used - 1, format, args);
	va_end(args);
	if (len < 0)
		goto out;
	make_printable(line + used);
	used = strlen(line);
	line[used++] = '\n';
	if (write(STDERR_FILENO, line, used) < 0) {
		/* Nobody is left to tell. */
	}
out:
	errno = saved_errno;
}

/*
 * Relaxed atomics: when two threads share a @state a few messages more or less than ten may pass,
 * which does not matter; a data race would.
 */
bool log_ratelimit(struct log_limit *state)
{
	unsigned long long now = now_ns();
	unsigned long long start = __atomic_load_n(&state->window_start_ns, __ATOMIC_RELAXED);

	if (!start || now - start >= LIMIT_WINDOW_NS) {
		__atomic_store_n(&state->window_start_ns, now, __ATOMIC_RELAXED);
		__atomic_store_n(&state->count, 0, __ATOMIC_RELAXED);
	}
	if (__atomic_load_n(&state->count, __ATOMIC_RELAXED) >= LIMIT_MESSAGES)
		return false;
	__atomic_fetch_add(&state->count, 1, __ATOMIC_RELAXED);
	return true;
}
