// SPDX-License-Identifier: BSD-3-Clause
/*
 * vm.c - the life of a VM's QEMU, from its start to its last words.
 *
 *	STARTING --(monitor greets, processors run)--> RUNNING --(power button, kill)--> STOPPING
 *	    any of them --(process gone)--> ENDED
 *
 * The process is watched by a pidfd, which works for one that an earlier daemon started just as well, and which no other
 * process can come by. QEMU makes the monitor's socket itself, some 100 ms after its start: until then connecting is
 * tried again. Why it ended it says there, in the event SHUTDOWN, its last one; so when the process is gone, what the
 * monitor's socket still holds is read before anybody is told.
 *
 * A QEMU that we start and that has no monitor is of no use, and is ended. One that runs a guest, or was adopted, never is
 * for that: its monitor is tried again once a second, and meanwhile it can be killed, and its end is seen.
 */
#include "vmm/internal.h"

#include <stdio.h>
#include <stdlib.h>
#include <signal.h>
#include <sys/pidfd.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#define RETRY_US 20000
#define START_S 60
#define RECONNECT_S 1
#define LAST_EVENTS_S 1
#define LOGS_S 5

static void set_timer(struct event *timer, time_t seconds, suseconds_t us)
{
	struct timeval tv = { .tv_sec = seconds, .tv_usec = us };

	event_add(timer, &tv);
}

/* How a process of ours ended, in words. */
static void how_ended(const struct vmm_vm *vm, struct reason *why)
{
	struct reason words;
	const char *colon;

	vmm_last_words(vm->dir, &words);
	colon = words.text[0] ? ": " : "";
	if (vm->how == CLD_EXITED)
		refuse(why, 0, "QEMU ended with status %d%s%.180s", vm->status, colon, words.text);
	else if (vm->how)
		refuse(why, 0, "QEMU was ended by signal %d (%s)%s%.180s", vm->status,
		       strsignal(vm->status), colon, words.text);
	else
		refuse(why, 0, "QEMU is gone, and whose child it was does not know why%s%.160s",
		       colon, words.text);
}

/* Is this a power-off, and not an accident? (QEMU, qapi/run-state.json, ShutdownCause) */
static bool was_clean(const struct vmm_vm *vm, struct reason *why)
{
	static const struct {
		const char *cause, *words;
	} clean[] = {
		{ "guest-shutdown", "the guest powered off" },
		{ "host-qmp-quit", "QEMU was told to quit" },
		{ "host-signal", "QEMU was told to end by a signal" },
		{ "host-ui", "QEMU was told to quit" },
	};
	bool failed = vm->how && (vm->how != CLD_EXITED || vm->status);

	if (vm->killed && !vm->why_killed.text[0]) {
		refuse(why, 0, "the plug was pulled");
		return true;
	}
	if (vm->killed) {
		*why = vm->why_killed;
		return false;
	}
	for (unsigned int i = 0; !failed && i < ARRAY_SIZE(clean); i++) {
		if (!strcmp(vm->shutdown, clean[i].cause)) {
			refuse(why, 0, "%s", clean[i].words);
			return true;
		}
	}
	if (!failed && !strcmp(vm->shutdown, "guest-panic"))
		refuse(why, 0, "the guest's kernel panicked");
	else
		how_ended(vm, why);
	return false;
}

/* The last thing that is done with @vm, if the owner frees it. */
static void finish(struct vmm_vm *vm)
{
	void (*ended)(void *ctx, bool clean, const char *why) = vm->ops.ended;
	struct reason why;
	bool clean = was_clean(vm, &why);
	void *ctx = vm->ops.ctx;

	vmm_device_deleted(vm, NULL, "QEMU is gone");
	event_del(vm->deadline);
	event_del(vm->retry);
	event_del(vm->logs);
	vm->state = VMM_ENDED;
	ended(ctx, clean, why.text);
}

static void kill_because(struct vmm_vm *vm, const char *why)
{
	if (vm->exited || vm->killed)
		return;
	vm->killed = true;
	snprintf(vm->why_killed.text, sizeof(vm->why_killed.text), "%s", why);
	pidfd_send_signal(vm->pidfd, SIGKILL, NULL, 0);
}

static void on_exit_of_qemu(evutil_socket_t fd, short what, void *ctx)
{
	siginfo_t info = { 0 };
	struct vmm_vm *vm = ctx;

	if (vm->child && !waitid(P_PIDFD, (id_t)vm->pidfd, &info, WEXITED) && info.si_pid) {
		vm->how = info.si_code;
		vm->status = info.si_status;
	}
	vm->exited = true;
	event_del(vm->retry);
	if (vm->qmp)
		set_timer(vm->deadline, LAST_EVENTS_S, 0);
	else
		finish(vm);
}

static void on_deadline(evutil_socket_t fd, short what, void *ctx)
{
	struct vmm_vm *vm = ctx;

	if (vm->exited && vm->qmp)
		qmp_hang_up(vm->qmp, "QEMU is gone");
	else if (vm->exited)
		finish(vm);
	else if (vm->state == VMM_STARTING && vm->child)
		kill_because(vm, vm->hung_up.text[0] ? vm->hung_up.text
						     : "QEMU does not answer at its monitor");
}

static void started(struct vmm_vm *vm)
{
	if (vm->state != VMM_STARTING || vm->exited)
		return;
	event_del(vm->deadline);
	vm->state = VMM_RUNNING;
	if (vm->ops.running)
		vm->ops.running(vm->ops.ctx);
}

static void on_status(void *ctx, int error, const json_t *result, const char *why)
{
	if (!error && json_is_true(json_object_get(result, "running")))
		started(ctx);
}

static void on_ready(void *ctx)
{
	struct vmm_vm *vm = ctx;

	qmp_command(vm->qmp, "query-status", NULL, on_status, vm);
}

static void on_event(void *ctx, const char *name, const json_t *data)
{
	struct vmm_vm *vm = ctx;
	const char *reason = json_string_value(json_object_get(data, "reason"));

	if (!strcmp(name, "SHUTDOWN")) {
		snprintf(vm->shutdown, sizeof(vm->shutdown), "%s", reason ? reason : "");
		if (!vm->exited)
			vm->state = VMM_STOPPING;
	} else if (!strcmp(name, "RESUME")) {
		started(vm);
	} else if (!strcmp(name, "DEVICE_DELETED")) {
		const char *id = json_string_value(json_object_get(data, "device"));

		if (id)
			vmm_device_deleted(vm, id, NULL);
	}
}

static void on_hang_up(void *ctx, const char *why)
{
	struct vmm_vm *vm = ctx;

	qmp_free(vm->qmp);
	vm->qmp = NULL;
	refuse(&vm->hung_up, 0, "%s", why);
	if (vm->exited)
		finish(vm);
	else if (vm->state == VMM_STARTING &&
		 vm->child) /* mostly because it ends: its log says why */
		set_timer(vm->deadline, LAST_EVENTS_S, 0);
	else
		set_timer(vm->retry, RECONNECT_S, 0);
}

/* Return: a connection, or -1: nobody listens there. */
static int call_monitor(const char *dir)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	char path[VMM_PATH_MAX];
	int n = snprintf(path, sizeof(path), "%s/" VMM_QMP, dir), fd;

	if (n < 0 || (size_t)n >= sizeof(address.sun_path)) /* vmm_start() has refused it */
		return -1;
	memcpy(address.sun_path, path, (size_t)n);
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0 || !connect(fd, (struct sockaddr *)&address, sizeof(address)))
		return fd;
	close(fd);
	return -1;
}

/* Connect to the monitor; again, if nobody listens there yet. */
static void on_retry(evutil_socket_t fd, short what, void *ctx)
{
	struct vmm_vm *vm = ctx;
	const struct qmp_ops ops = {
		.ready = on_ready, .event = on_event, .closed = on_hang_up, .ctx = vm
	};

	fd = call_monitor(vm->dir);
	if (fd >= 0 && !qmp_open(&vm->qmp, vm->base, fd, &ops))
		return;
	if (vm->state == VMM_STARTING && vm->child)
		set_timer(vm->retry, 0, RETRY_US);
	else
		set_timer(vm->retry, RECONNECT_S, 0);
}

static void on_logs(evutil_socket_t fd, short what, void *ctx)
{
	const struct vmm_vm *vm = ctx;

	vmm_trim_logs(vm->dir);
}

int vmm_supervise(struct vmm_vm **out, struct event_base *base, const char *dir, pid_t pid,
		  bool child, const struct vmm_ops *ops, struct reason *why)
{
	static const struct timeval often = { .tv_sec = LOGS_S };
	struct vmm_vm *vm = calloc(1, sizeof(*vm));
	int error = -ENOMEM;

	if (!vm)
		return refuse(why, error, "memory is short");
	vm->base = base;
	vm->ops = *ops;
	vm->pid = pid;
	vm->child = child;
	snprintf(vm->dir, sizeof(vm->dir), "%s", dir);
	vm->pidfd = pidfd_open(pid, 0);
	if (vm->pidfd < 0) {
		error = refuse(why, -errno, "process %d: %s", pid, strerror(errno));
		goto fail;
	}
	vm->exit_event = event_new(base, vm->pidfd, EV_READ, on_exit_of_qemu, vm);
	vm->retry = evtimer_new(base, on_retry, vm);
	vm->deadline = evtimer_new(base, on_deadline, vm);
	vm->logs = event_new(base, -1, EV_PERSIST, on_logs, vm);
	if (!vm->exit_event || !vm->retry || !vm->deadline || !vm->logs ||
	    event_add(vm->exit_event, NULL) || event_add(vm->logs, &often)) {
		error = refuse(why, -ENOMEM, "memory is short");
		goto fail;
	}
	set_timer(vm->deadline, START_S, 0);
	set_timer(vm->retry, 0, 0);
	*out = vm;
	return 0;
fail:
	vmm_free(vm);
	return error;
}

int vmm_start(struct vmm_vm **vm, struct event_base *base, const struct vmm_spec *spec,
	      const struct vmm_ops *ops, struct reason *why)
{
	json_t *command = vmm_command(spec, why);
	pid_t pid;
	int error;

	if (!command)
		return -errno;
	error = vmm_prepare_dir(spec, why);
	if (!error)
		error = vmm_spawn(command, spec->dir, &pid, why);
	json_decref(command);
	if (error)
		return error;
	error = vmm_supervise(vm, base, spec->dir, pid, true, ops, why);
	if (error) {
		kill(pid, SIGKILL);
		waitpid(pid, NULL, 0);
	}
	return error;
}

void vmm_free(struct vmm_vm *vm)
{
	if (!vm)
		return;
	for (unsigned int i = 0; i < VMM_PORTS_MAX; i++)
		if (vm->unplugging[i].deadline)
			event_free(vm->unplugging[i].deadline);
	qmp_free(vm->qmp);
	if (vm->exit_event)
		event_free(vm->exit_event);
	if (vm->retry)
		event_free(vm->retry);
	if (vm->deadline)
		event_free(vm->deadline);
	if (vm->logs)
		event_free(vm->logs);
	if (vm->pidfd >= 0)
		close(vm->pidfd);
	free(vm);
}

enum vmm_state vmm_state(const struct vmm_vm *vm)
{
	return vm->state;
}

pid_t vmm_pid(const struct vmm_vm *vm)
{
	return vm->pid;
}

void vmm_kill(struct vmm_vm *vm)
{
	if (vm->state == VMM_ENDED)
		return;
	vm->state = VMM_STOPPING;
	kill_because(vm, "");
}
