/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * log.h - messages for the administrator, one line each, to stderr (and so to the journal). Any
 * thread except that workers never log per packet.
 */
#ifndef SOFTIOV_UTIL_LOG_H
#define SOFTIOV_UTIL_LOG_H

#include <stdbool.h>

enum log_level { LOG_LEVEL_ERROR, LOG_LEVEL_WARNING, LOG_LEVEL_INFO, LOG_LEVEL_DEBUG };

void log_set_level(enum log_level level);
bool log_enabled(enum log_level level);
void log_message(enum log_level level, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

#define log_error(...) log_message(LOG_LEVEL_ERROR, __VA_ARGS__)
#define log_warning(...) log_message(LOG_LEVEL_WARNING, __VA_ARGS__)
#define log_info(...) log_message(LOG_LEVEL_INFO, __VA_ARGS__)
#define log_debug(...)                                             \
	do {                                                       \
		if (log_enabled(LOG_LEVEL_DEBUG))                  \
			log_message(LOG_LEVEL_DEBUG, __VA_ARGS__); \
	} while (0)

/**
 * log_ratelimit() - may a guest-caused message be logged now? At most 10 per @state and 10 s, so no
 * guest fills the disk. @state: static zero-initialised, one per call site or per guest.
 */
struct log_limit {
	unsigned long long window_start_ns;
	unsigned int count;
};
bool log_ratelimit(struct log_limit *state);

#endif
