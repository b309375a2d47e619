// SPDX-License-Identifier: BSD-3-Clause
/*
 * button.c - the buttons at the front of a VM: power and reset.
 *
 * The power button is ACPI's: the guest is asked, and it may take its time or not obey at all. So done means that it was
 * pressed; the end of the process tells that the guest obeyed.
 */
#include "vmm/internal.h"

#include <stdlib.h>

/** struct press - a button that is being pressed, for whom. */
struct press {
	struct vmm_vm *vm;
	enum vmm_state then; /* the VM's state when it was pressed */
	vmm_done *done;
	void *ctx;
};

static void on_pressed(void *ctx, int error, const json_t *result, const char *why)
{
	struct press *press = ctx, copy = *press;

	free(press);
	if (error == -ECANCELED)
		return;
	if (!error && copy.vm->state == VMM_RUNNING)
		copy.vm->state = copy.then;
	if (copy.done)
		copy.done(copy.ctx, error, why);
}

static void push(struct vmm_vm *vm, const char *command, enum vmm_state then, vmm_done *done,
		 void *ctx)
{
	struct press *press;
	int error = -ENOTCONN;

	if (vm->qmp && (vm->state == VMM_RUNNING || vm->state == VMM_STOPPING)) {
		press = malloc(sizeof(*press));
		if (press) {
			*press = (struct press){ vm, then, done, ctx };
			error = qmp_command(vm->qmp, command, NULL, on_pressed, press);
		} else {
			error = -ENOMEM;
		}
		if (error)
			free(press);
	}
	if (error && done)
		done(ctx, error,
		     error == -ENOMEM ? "memory is short" : "the VM's monitor is not connected");
}

void vmm_powerdown(struct vmm_vm *vm, vmm_done *done, void *ctx)
{
	push(vm, "system_powerdown", VMM_STOPPING, done, ctx);
}

void vmm_reset(struct vmm_vm *vm, vmm_done *done, void *ctx)
{
	push(vm, "system_reset", VMM_RUNNING, done, ctx);
}
