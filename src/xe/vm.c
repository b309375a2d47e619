/* SPDX-License-Identifier: BSD-3-Clause */
/* vm.c - the life of VMs: made, started, shut down, rebooted, forgotten; and their consoles. */
#include "xe/internal.h"
#include "xe/values.h"

#include <string.h>
#include <strings.h>

#define ANSWER_SIZE 64

typedef int vm_operation(const struct xe *xe, const json_t *vm, struct client_refusal *why);

int xe_vm_create(struct xe *xe)
{
	const char *template = xe_value(xe, "template");
	struct client_refusal why = { 0 };
	json_t *nothing = json_object(), *record = json_object(), *answer = NULL;

	if (template)
		fprintf(stderr, "xe: note: there are no templates here, '%s' has no effect\n",
			template);
	if (!xe_apply(xe, nothing, record, &why))
		answer = client_call(xe->socket, "POST", xe->command->class->path, record, &why);
	json_decref(record);
	json_decref(nothing);
	if (!answer)
		return xe_print_refusal(&why);
	xe_print_text(xe, xe_text(answer, "uuid"));
	json_decref(answer);
	return XE_DONE;
}

/* @operation on every VM that is meant, as far as it goes. */
static int for_selected(const struct xe *xe, vm_operation *operation)
{
	struct client_refusal why = { 0 };
	json_t *vms, *vm;
	int status = XE_DONE;
	size_t i, selectors = 0;

	for (i = 0; i < xe->n_params; i++)
		selectors += xe_is_selector(xe, &xe->param[i]);
	if (!selectors)
		return xe_usage("%s needs vm=, uuid= or another selector", xe->command->name);
	vms = xe_selected(xe, &why);
	if (!vms)
		return xe_print_refusal(&why);
	json_array_foreach (vms, i, vm)
		if (operation(xe, vm, &why))
			status = xe_print_refusal(&why);
	json_decref(vms);
	return status;
}

static int call(const struct xe *xe, const json_t *vm, const char *verb, bool force,
		struct client_refusal *why)
{
	json_t *body = json_pack("{s:b}", "force", force);
	json_t *answer = client_vm_call(xe->socket, "POST", xe_text(vm, "uuid"), verb,
					strcmp(verb, "start") ? body : NULL, why);

	json_decref(body);
	json_decref(answer);
	return answer ? 0 : CLIENT_REFUSED;
}

static int start(const struct xe *xe, const json_t *vm, struct client_refusal *why)
{
	return call(xe, vm, "start", false, why);
}

static int shut_down(const struct xe *xe, const json_t *vm, struct client_refusal *why)
{
	return call(xe, vm, "shutdown", xe->force, why);
}

static int reboot(const struct xe *xe, const json_t *vm, struct client_refusal *why)
{
	return call(xe, vm, "reboot", xe->force, why);
}

static int destroy(const struct xe *xe, const json_t *vm, struct client_refusal *why)
{
	json_t *answer = client_vm_call(xe->socket, "DELETE", xe_text(vm, "uuid"), NULL, NULL, why);

	json_decref(answer);
	return answer ? 0 : CLIENT_REFUSED;
}

/* Disks are files of their owner's: they stay. */
static bool is_confirmed(const json_t *vm)
{
	char answer[ANSWER_SIZE] = "";

	printf("The following items are about to be destroyed\nVM : %s (%s)\nType 'yes' to "
	       "continue\n",
	       xe_text(vm, "uuid"), xe_text(vm, "name-label"));
	fflush(stdout);
	if (fgets(answer, sizeof(answer), stdin))
		answer[strcspn(answer, "\r\n")] = '\0';
	return !strcasecmp(answer, "yes");
}

static int uninstall(const struct xe *xe, const json_t *vm, struct client_refusal *why)
{
	const char *state = xe_text(vm, "power-state");

	if (!xe->force && !is_confirmed(vm))
		return client_refuse(why, "", NULL, "VM %s stays: 'yes' was not typed",
				     xe_text(vm, "uuid"));
	if (xe->force && strcmp(state, "halted") && call(xe, vm, "shutdown", true, why))
		return CLIENT_REFUSED;
	return destroy(xe, vm, why);
}

static int attach(const struct xe *xe, const json_t *vm, struct client_refusal *why)
{
	return client_console(xe->socket, xe_text(vm, "uuid"), why);
}

int xe_vm_start(struct xe *xe)
{
	return for_selected(xe, start);
}

int xe_vm_shutdown(struct xe *xe)
{
	return for_selected(xe, shut_down);
}

int xe_vm_reboot(struct xe *xe)
{
	return for_selected(xe, reboot);
}

int xe_vm_uninstall(struct xe *xe)
{
	return for_selected(xe, uninstall);
}

int xe_console(struct xe *xe)
{
	if (xe->multiple)
		return xe_usage("one terminal has one console");
	return for_selected(xe, attach);
}

int xe_vm_destroy(struct xe *xe)
{
	struct client_refusal why = { 0 };
	json_t *vm = xe_record(xe, xe->command->class, "uuid", &why);
	int error = vm ? destroy(xe, vm, &why) : CLIENT_REFUSED;

	json_decref(vm);
	return error ? xe_print_refusal(&why) : XE_DONE;
}
