/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * life.c - requests that start and end VMs.
 */
#include "manager/internal.h"

/* Start */

static void start_with_tree(struct request *request)
{
	struct manager *manager = request->manager;
	struct failure failure = { 0 };
	json_t *record = vm_record(manager, request->uuid, &failure);
	struct spec spec;
	int error = -1;

	if (record && !vm_expect(manager, record, "halted", &failure) &&
	    !spec_make(manager, record, request->tree, true, &spec, &failure)) {
		error = run_launch(manager, &spec, request, &failure);
		spec_free(&spec);
	}
	json_decref(record);
	if (error)
		answer_failure(request, &failure);
}

void vm_start(struct request *request)
{
	struct failure failure = { 0 };

	if (check_members(request, PARAMS(NULL), &failure))
		answer_failure(request, &failure);
	else
		request_tree(request, start_with_tree);
}

/* Shutdown */

/* May it be ended now? Only by force while it has not started yet, or while somebody waits for the guest to obey. */
static int check_end(struct request *request, bool force, struct run **run, struct failure *failure)
{
	struct manager *manager = request->manager;
	json_t *record = vm_record(manager, request->uuid, failure);
	int error = -1;

	if (!record)
		return -1;
	*run = run_find(manager, request->uuid);
	if (*run && (force || (*run)->state == RUN_WAITING))
		error = 0;
	else
		error = vm_expect(manager, record, "running", failure);
	json_decref(record);
	return error;
}

void vm_shutdown(struct request *request)
{
	struct failure failure = { 0 };
	struct run *run;
	bool force;

	if (body_force(request, &force, &failure) || check_end(request, force, &run, &failure))
		answer_failure(request, &failure);
	else
		run_end(run, force, request);
}

/* Reboot */

static void on_reset(void *ctx, int error, const char *why)
{
	struct request *request = ctx;
	struct failure failure = { 0 };

	if (!error) {
		answer_ok(request);
		return;
	}
	fail(&failure, VM_START_FAILED, PARAMS(request->uuid, why), "VM %s: reset button: %s",
	     request->uuid, why);
	answer_failure(request, &failure);
}

void vm_reboot(struct request *request)
{
	struct failure failure = { 0 };
	struct run *run = NULL;
	json_t *record;
	bool force;
	int error = body_force(request, &force, &failure);

	record = error ? NULL : vm_record(request->manager, request->uuid, &failure);
	if (!record || vm_expect(request->manager, record, "running", &failure)) {
		json_decref(record);
		answer_failure(request, &failure);
		return;
	}
	run = run_find(request->manager, request->uuid);
	/* The reset button gives a VM nothing back that it lost with the daemon. */
	if (force && !(run->adopted && json_array_size(json_object_get(record, "pci"))))
		vmm_reset(run->vmm, on_reset, request);
	else
		run_again(run, force, request);
	json_decref(record);
}

/* What it would be */

static void args_with_tree(struct request *request)
{
	struct manager *manager = request->manager;
	struct failure failure = { 0 };
	json_t *record = vm_record(manager, request->uuid, &failure), *args = NULL;
	struct reason why = { "" };
	struct spec spec;

	if (record && !spec_make(manager, record, request->tree, false, &spec, &failure)) {
		args = vmm_command(&spec.vmm, &why);
		if (!args)
			fail(&failure, VM_START_FAILED, PARAMS(request->uuid, why.text), "%s",
			     why.text);
		spec_free(&spec);
	}
	json_decref(record);
	if (args)
		answer(request, json_pack("{s:o}", "args", args));
	else
		answer_failure(request, &failure);
}

void vm_qemu_args(struct request *request)
{
	request_tree(request, args_with_tree);
}

void vm_console(struct request *request)
{
	struct manager *manager = request->manager;
	struct failure failure = { 0 };
	json_t *record = vm_record(manager, request->uuid, &failure);
	char dir[192], console[256], log[256];

	if (!record) {
		answer_failure(request, &failure);
		return;
	}
	json_decref(record);
	snprintf(dir, sizeof(dir), "%s/vm/%s", manager->run_dir, request->uuid);
	snprintf(console, sizeof(console), "%s/console.sock", dir);
	snprintf(log, sizeof(log), "%s/console.log", dir);
	answer(request, json_pack("{s:s, s:s, s:b}", "socket", console, "log", log, "running",
				  run_find(manager, request->uuid) != NULL));
}
