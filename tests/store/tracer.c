/* SPDX-License-Identifier: BSD-3-Clause */
/* tracer.c - see tracer.h; ptrace(2), "Syscall-stops". */
#include "tracer.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/ptrace.h>
#include <sys/uio.h>
#include <sys/user.h>
#include <sys/wait.h>
#include <unistd.h>

#define SYSCALL_STOP (SIGTRAP | 0x80) /* PTRACE_O_TRACESYSGOOD */

static void must(bool works, const char *what)
{
	if (works)
		return;
	perror(what);
	exit(1);
}

void tracer_start(struct tracer *tracer, void (*run)(void *arg), void *arg)
{
	int status;

	fflush(NULL);
	tracer->pid = fork();
	must(tracer->pid >= 0, "fork");
	if (tracer->pid == 0) {
		must(ptrace(PTRACE_TRACEME, 0, NULL, NULL) == 0, "PTRACE_TRACEME");
		raise(SIGSTOP);
		run(arg);
		_exit(1);
	}
	must(waitpid(tracer->pid, &status, 0) == tracer->pid && WIFSTOPPED(status), "waitpid");
	must(ptrace(PTRACE_SETOPTIONS, tracer->pid, NULL,
		    PTRACE_O_TRACESYSGOOD | PTRACE_O_EXITKILL) == 0,
	     "PTRACE_SETOPTIONS");
}

bool tracer_next(struct tracer *tracer)
{
	int status;

	do {
		must(ptrace(PTRACE_SYSCALL, tracer->pid, NULL, 0) == 0, "PTRACE_SYSCALL");
		must(waitpid(tracer->pid, &status, 0) == tracer->pid, "waitpid");
		if (!WIFSTOPPED(status))
			return false;
	} while (WSTOPSIG(status) != SYSCALL_STOP);
	return true;
}

void tracer_look(struct tracer *tracer)
{
	struct __ptrace_syscall_info info;

	must(ptrace(PTRACE_GET_SYSCALL_INFO, tracer->pid, sizeof(info), &info) > 0,
	     "PTRACE_GET_SYSCALL_INFO");
	tracer->entry = info.op == PTRACE_SYSCALL_INFO_ENTRY;
	if (!tracer->entry) {
		tracer->result = info.exit.rval;
		return;
	}
	tracer->number = info.entry.nr;
	for (int i = 0; i < SYSCALL_ARGS; i++)
		tracer->args[i] = info.entry.args[i];
}

void tracer_shorten(struct tracer *tracer, uint64_t length)
{
	struct user_regs_struct regs;

	must(ptrace(PTRACE_GETREGS, tracer->pid, NULL, &regs) == 0, "PTRACE_GETREGS");
	regs.rdx = length; /* the third argument on x86-64 */
	must(ptrace(PTRACE_SETREGS, tracer->pid, NULL, &regs) == 0, "PTRACE_SETREGS");
}

size_t tracer_read(const struct tracer *tracer, void *to, uint64_t address, size_t length)
{
	struct iovec local = { to, length };
	struct iovec remote = { (void *)(uintptr_t)address, length };
	ssize_t n = process_vm_readv(tracer->pid, &local, 1, &remote, 1, 0);

	return n < 0 ? 0 : (size_t)n;
}

void tracer_kill(struct tracer *tracer)
{
	int status;

	must(kill(tracer->pid, SIGKILL) == 0, "kill");
	/* An exit stop may come before the end. */
	do {
		must(waitpid(tracer->pid, &status, 0) == tracer->pid, "waitpid");
	} while (WIFSTOPPED(status));
	must(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL, "the child was not killed");
}
