// SPDX-License-Identifier: BSD-3-Clause
/*
 * accel.c - does KVM work here? A small guest is tried (kvm_guest.c), once.
 *
 * It runs in a process of its own, which an alarm ends: a KVM that does not work may let its guest run for ever, and nothing
 * but a signal makes it return.
 *
 * SOFTIOV_ACCEL=kvm|tcg is the answer, if set: for who knows better.
 */
#include "vmm/internal.h"

#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>
#include "vmm/kvm_guest.h"

#define TRY_S 3

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;

static void try_in_child(int answer)
{
	struct reason why = { "" };
	sigset_t alarms;
	int error;

	signal(SIGALRM, SIG_DFL);
	sigemptyset(&alarms);
	sigaddset(&alarms, SIGALRM);
	sigprocmask(SIG_UNBLOCK, &alarms, NULL);
	alarm(TRY_S);
	error = kvm_guest_run(&why);
	if (write(answer, why.text, strlen(why.text)) < 0)
		error = -errno;
	_exit(error ? 1 : 0);
}

static bool try(struct reason *why)
{
	struct reason text = { "" };
	int ends[2], status = -1;
	pid_t pid;

	if (pipe2(ends, O_CLOEXEC)) {
		refuse(why, 0, "cannot make a pipe: %s", strerror(errno));
		return false;
	}
	pid = fork();
	if (!pid)
		try_in_child(ends[1]);
	close(ends[1]);
	if (pid > 0) {
		while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
			;
		if (read(ends[0], text.text, sizeof(text.text) - 1) < 0)
			text.text[0] = '\0';
	}
	close(ends[0]);
	if (!status)
		return true;
	refuse(why, 0, "%s",
	       text.text[0] ? text.text : "a guest under KVM did not get anywhere within 3 s");
	return false;
}

bool vmm_kvm_works(struct reason *why)
{
	static bool tried, works;
	static struct reason kept;
	const char *accel = getenv("SOFTIOV_ACCEL");
	bool answer;

	if (accel && !strcmp(accel, "kvm"))
		return true;
	if (accel && !strcmp(accel, "tcg")) {
		refuse(why, 0, "SOFTIOV_ACCEL says tcg");
		return false;
	}
	pthread_mutex_lock(&lock);
	if (!tried)
		works = try(&kept);
	tried = true;
	answer = works;
	if (why)
		*why = kept;
	pthread_mutex_unlock(&lock);
	return answer;
}
