/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * internal.h - what the files of src/vmm share: names of what lies in a VM's directory, limits, the running VM.
 */
#ifndef SOFTIOV_VMM_INTERNAL_H
#define SOFTIOV_VMM_INTERNAL_H

#include "vmm/vmm.h"

#include <event2/event.h>
#include "vmm/qmp.h"

#define VMM_QMP "qmp.sock"
#define VMM_CONSOLE "console.sock"
#define VMM_CONSOLE_LOG "console.log"
#define VMM_QEMU_LOG "qemu.log"
#define VMM_OLD ".old" /* behind a log's name: what was in it before */
#define VMM_NEW ".new" /* behind a file's name: it is not complete yet */
#define VMM_PID "pid"
#define VMM_VARS "vars.fd" /* variables of a UEFI firmware */
#define VMM_PATH_MAX 4096

#define VMM_MIB (1024ull * 1024)
#define VMM_MIN_MEMORY (64 * VMM_MIB)
#define VMM_MAX_VCPUS 64
#define VMM_MAX_DISKS 14
#define VMM_PORTS_MAX (VMM_MAX_FUNCTIONS + VMM_FREE_PORTS)

/* Ids in QEMU: "port3" is a root port, "vf3-0000-07-10.0" the function that is plugged into it. */
#define VMM_PORT_ID "port%u"
#define VMM_FUNCTION_ID "vf%u-%s"
#define VMM_ID_MAX 64

/**
 * vmm_run() - run a program, wait for it and collect what it says on both its outputs.
 * @argv: its words, @argv[0] a path
 * @output: filled, zero-terminated, what is longer is dropped
 * @timeout_ms: of its whole run, it is killed then
 * Return: its status as of waitpid(), or -errno (-ETIMEDOUT) with @why.
 */
int vmm_run(char *const argv[], char *output, size_t size, int timeout_ms, struct reason *why);

/** vmm_spawn_with_output() - start @argv in a session of its own, both its outputs to @output. Return: 0 or -errno. */
int vmm_spawn_with_output(char *const argv[], int output, pid_t *pid);

/** vmm_function_device() - the arguments of device_add for @function in root port @port. */
json_t *vmm_function_device(const struct vmm_function *function, unsigned int port);

/** vmm_function_id() - @id holds VMM_ID_MAX bytes; an address is at most "0000:07:10.0". Return: 0 or -EINVAL. */
int vmm_function_id(char *id, unsigned int port, const char *address);

/** vmm_vars_template() - of firmware @code: its variables are a file of their own beside it. @path: VMM_PATH_MAX bytes. */
bool vmm_vars_template(const char *code, char *path);

#define VMM_LOG_MAX (4 * VMM_MIB)

/**
 * vmm_prepare_dir() - make @spec's directory, or take what an earlier run left there away but for logs and variables.
 * Return: 0, or -errno with @why: also if it is not ours.
 */
int vmm_prepare_dir(const struct vmm_spec *spec, struct reason *why);

/** vmm_trim_logs() - whichever log is longer than VMM_LOG_MAX: its last part becomes the file ".old" of it, and it is empty. */
void vmm_trim_logs(const char *dir);

/** vmm_last_words() - the last line that QEMU wrote to its log, "" if none. */
void vmm_last_words(const char *dir, struct reason *words);

/**
 * vmm_spawn() - start @command in @dir as a session of its own: nothing inherited but standard input (none) and both
 * outputs, which go to its log.
 * Return: 0 with *@pid, or -errno with @why.
 */
int vmm_spawn(const json_t *command, const char *dir, pid_t *pid, struct reason *why);

/** struct vmm_unplugging - an unplug that waits for the guest to let go; one at a time for each port. */
struct vmm_unplugging {
	char id[VMM_ID_MAX];
	struct event *deadline;
	struct vmm_vm *vm;
	vmm_done *done; /* NULL: this one is free */
	void *ctx;
};

/**
 * struct vmm_vm - a running QEMU
 * @pid, @pidfd: of the process; @child: ours, so we are told how it ended
 * @exited, @status: it is gone; as of waitid(): CLD_EXITED... in @how
 * @qmp: NULL before it listens and after it hung up
 * @retry: until it listens; @deadline: of its start, and of what it may still say after its end
 * @logs: now and then, for their length
 * @shutdown: its own reason for ending (QMP: ShutdownCause), "" if none
 * @killed: by us; @why_killed: in words, "" if somebody asked for it; @hung_up: what its monitor did
 * @ports_taken: bit n: an operation is under way at root port n
 */
struct vmm_vm {
	struct event_base *base;
	struct vmm_ops ops;
	enum vmm_state state;
	char dir[VMM_PATH_MAX];
	pid_t pid;
	int pidfd;
	bool child, exited;
	int how, status;
	struct event *exit_event, *retry, *deadline, *logs;
	struct qmp *qmp;
	char shutdown[32];
	bool killed;
	struct reason why_killed, hung_up;
	uint32_t ports_taken;
	struct vmm_unplugging unplugging[VMM_PORTS_MAX];
};

/** vmm_supervise() - begin to look after process @pid in @dir. Return: 0 or -errno with @why. */
int vmm_supervise(struct vmm_vm **vm, struct event_base *base, const char *dir, pid_t pid,
		  bool child, const struct vmm_ops *ops, struct reason *why);

/** vmm_device_deleted() - QEMU's event for device @id; a NULL @id: the VM is gone, all that wait are told @why. */
void vmm_device_deleted(struct vmm_vm *vm, const char *id, const char *why);

#endif
