/* SPDX-License-Identifier: BSD-3-Clause */
/* tracer.h - a child process that goes from one end of a system call to the other as it is told (ptrace(2)). */
#ifndef TESTS_STORE_TRACER_H
#define TESTS_STORE_TRACER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#define SYSCALL_ARGS 6

/**
 * struct tracer - a child that stands still at the entry or the exit of a system call.
 * @number, @args: of the call, at both ends
 * @result: at its exit: value or -errno
 */
struct tracer {
	pid_t pid;
	bool entry;
	uint64_t number;
	uint64_t args[SYSCALL_ARGS];
	int64_t result;
};

/** tracer_start() - fork a child that waits, then calls @run(@arg), which must not return. */
void tracer_start(struct tracer *tracer, void (*run)(void *arg), void *arg);

/** tracer_next() - let it go on to the next end of a system call. Return: false: it has ended by itself. */
bool tracer_next(struct tracer *tracer);

/** tracer_look() - fill @entry, @number, @args and @result. */
void tracer_look(struct tracer *tracer);

/** tracer_shorten() - at the entry of a write: only @length bytes will be written. */
void tracer_shorten(struct tracer *tracer, uint64_t length);

/** tracer_read() - copy the child's memory. Return: bytes copied. */
size_t tracer_read(const struct tracer *tracer, void *to, uint64_t address, size_t length);

/** tracer_kill() - SIGKILL, where it stands: at an entry the call is not carried out. */
void tracer_kill(struct tracer *tracer);

#endif
