/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * vmm.h - starting and stopping virtual machines (QEMU) with functions plugged in. Management thread: everything here runs
 * on the event base it was given, and what takes time is answered by a callback.
 *
 * A VM has a directory of its own, @dir, while it runs: qmp.sock (ours), console.sock (serial console, for one client at a
 * time; one that does not read holds the guest's console up after some 300 bytes), console.log (what was written there),
 * qemu.log (what QEMU itself said), both with a file .old of what was there before when they got long, pid, vars.fd (variables of UEFI firmware, a copy of the template beside it).
 */
#ifndef SOFTIOV_VMM_VMM_H
#define SOFTIOV_VMM_VMM_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>
#include "util/util.h"

#define VMM_MAX_FUNCTIONS 16
#define VMM_FREE_PORTS 4 /* root ports left empty, for hot plug */

struct event_base;

enum vmm_accel { VMM_AUTO, VMM_KVM, VMM_TCG };

/** struct vmm_qemu - what a QEMU can do, asked of itself. */
struct vmm_qemu {
	char path[256];
	char version[64];
	unsigned int major, minor;
	bool vfio_user; /* has the device vfio-user-pci: QEMU 10.1 or newer */
	bool unplug;	/* device_del of a vfio-user-pci device is not known to abort it */
};

/**
 * vmm_probe() - run @path (NULL: qemu-system-x86_64 by PATH) and ask. Waits for it, some 100 ms.
 * Return: 0, or -errno with @why: not there, not a QEMU.
 */
int vmm_probe(const char *path, struct vmm_qemu *qemu, struct reason *why);

/**
 * vmm_kvm_works() - has /dev/kvm been seen to run code as a processor does, not only to exist? Waits, up to some
 * seconds; the answer is kept. @why says what failed.
 */
bool vmm_kvm_works(struct reason *why);

/** struct vmm_disk, vmm_function, vmm_spec - a VM to run. Strings are borrowed for the call only. */
struct vmm_disk {
	const char *path, *format; /* "raw", "qcow2" */
	bool read_only;
};

struct vmm_function {
	const char *address; /* 0000:07:10.0 */
	const char *socket;
};

struct vmm_spec {
	const char *uuid, *name;
	uint64_t memory; /* bytes */
	unsigned int vcpus;
	const char *kernel, *initrd, *kernel_args, *firmware; /* NULL or "": none */
	unsigned int disks, functions;
	const struct vmm_disk *disk;
	struct vmm_function function[VMM_MAX_FUNCTIONS];
	enum vmm_accel accel;
	const struct vmm_qemu *qemu;
	const char *dir; /* of the running VM; made by vmm_start(), mode 0700 */
};

/**
 * vmm_command() - the command line that vmm_start() would run, an array of strings (the caller's). Checks what can be
 * checked before: QEMU too old, files that are not there or not readable.
 * Return: the array, or NULL with @why and errno: ENOENT, EACCES... of a file; ENOTSUP: QEMU or KVM; EINVAL: a value.
 */
json_t *vmm_command(const struct vmm_spec *spec, struct reason *why);

enum vmm_state { VMM_STARTING, VMM_RUNNING, VMM_STOPPING, VMM_ENDED };

/** struct vmm_ops - told on the event base's thread. */
struct vmm_ops {
	void (*running)(void *ctx); /* QEMU is up: the guest's processors run */
	/* The process is gone: by the guest's or our power-off (@clean), or not; @why in words. The last call of all. */
	void (*ended)(void *ctx, bool clean, const char *why);
	void *ctx;
};

struct vmm_vm;

/** vmm_forget_dir() - remove what runs of a VM have left in @dir: none of its, logs and variables neither, comes back. */
void vmm_forget_dir(const char *dir);

/** vmm_start() - Return: 0 with *@vm: QEMU is being started; or -errno with @why: nothing was. */
int vmm_start(struct vmm_vm **vm, struct event_base *base, const struct vmm_spec *spec,
	      const struct vmm_ops *ops, struct reason *why);

/**
 * vmm_adopt() - supervise a QEMU that an earlier daemon started in @dir. running() follows when its monitor has answered;
 * how one ends that is not our child is known only if it says so there.
 * Return: 0, -ESRCH: none runs there.
 */
int vmm_adopt(struct vmm_vm **vm, struct event_base *base, const char *dir, const char *uuid,
	      const struct vmm_ops *ops, struct reason *why);

/**
 * vmm_free() - forget it, whether it ended or not; QEMU is left as it is. No callback afterwards, also none of a vmm_done.
 * Not within a vmm_done, but well within vmm_ops.ended.
 */
void vmm_free(struct vmm_vm *vm);

enum vmm_state vmm_state(const struct vmm_vm *vm);
pid_t vmm_pid(const struct vmm_vm *vm);

/**
 * vmm_share_console() - let others join the console of a VM that runs, and read its log: the socket gets @owner, @group and
 * @mode as by chown(2), chmod(2); they may pass through the directory, where nothing else is theirs.
 * Return: 0, or -errno with @why; then it may be ours alone.
 */
int vmm_share_console(const struct vmm_vm *vm, uid_t owner, gid_t group, mode_t mode,
		      struct reason *why);

/* Once, on the base's thread; at once, before the function returns, if that refuses. @why: NULL without an error. */
typedef void vmm_done(void *ctx, int error, const char *why);

/** vmm_powerdown() - press the power button (ACPI); vmm_ops.ended tells when the guest obeyed. */
void vmm_powerdown(struct vmm_vm *vm, vmm_done *done, void *ctx);
/** vmm_kill() - end the process now. */
void vmm_kill(struct vmm_vm *vm);
/** vmm_reset() - the reset button. */
void vmm_reset(struct vmm_vm *vm, vmm_done *done, void *ctx);
/** vmm_plug() - hot plug into a free root port: -EBUSY none is free, -EEXIST it is plugged in already. */
void vmm_plug(struct vmm_vm *vm, const struct vmm_function *function, vmm_done *done, void *ctx);
/** vmm_unplug() - -EOPNOTSUPP at once, with the reason, on a QEMU that is known to abort. */
void vmm_unplug(struct vmm_vm *vm, const char *address, const struct vmm_qemu *qemu, vmm_done *done,
		void *ctx);

/**
 * vmm_import_libvirt() - a VM record (docs/api.md; with "functions": addresses of its <hostdev>s) from a libvirt domain XML
 * file. What is left out of it because there is nothing like it here is named in "ignored".
 * Return: the record, or NULL with @why (file and line).
 */
json_t *vmm_import_libvirt(const char *path, struct reason *why);

#endif
