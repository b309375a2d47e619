/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * plug.c - functions that come and go one at a time: plug, unplug, take. The inventory decides first, so of two who want
 * a VF at once one wins; then the VM that runs is told, and if it refuses, the assignment is again what it was.
 */
#include "manager/internal.h"

#include "util/log.h"

static const char *const function_member[] = { "function", NULL };

/* The "function" of the body into request->address. */
static int take_function(struct request *request, struct failure *failure)
{
	const char *text = body_string(request, "function");

	if (check_members(request, function_member, failure))
		return -1;
	if (text && address_normal(text, request->address))
		return 0;
	return fail(failure, PCI_ADDRESS_INVALID, PARAMS(text ? text : ""),
		    "'%s' is not a PCI address like 0000:07:10.0", text ? text : "");
}

static bool has_function(const json_t *record, const char *address)
{
	const json_t *function;
	size_t i;

	json_array_foreach (json_object_get(record, "pci"), i, function)
		if (!strcmp(json_string_value(function), address))
			return true;
	return false;
}

/* The list of @record without @address. */
static json_t *without(const json_t *record, const char *address)
{
	json_t *functions = json_array(), *function;
	size_t i;

	json_array_foreach (json_object_get(record, "pci"), i, function)
		if (strcmp(json_string_value(function), address))
			json_array_append(functions, function);
	return functions;
}

static int take_away(struct manager *manager, const json_t *record, const char *address,
		     struct failure *failure)
{
	const char *uuid = string_of(record, "uuid");
	json_t *functions = without(record, address);
	struct reason why = { "" };
	int error = store_assign(manager->store, uuid, functions, NULL, &why);

	if (error)
		assign_failed(manager, error, uuid, functions, &why, failure);
	json_decref(functions);
	return error;
}

/* Is the VM in a state in which functions may come and go? Return: 0 with *@run (NULL: halted), or -1. */
static int check_state(struct manager *manager, const json_t *record, struct run **run,
		       struct failure *failure)
{
	*run = run_find(manager, string_of(record, "uuid"));
	if (!*run || (*run)->state == RUN_RUNNING)
		return 0;
	return vm_expect(manager, record, "running", failure);
}

/* Into a VM that runs */

/* Has @record the functions of @other, in whatever order? */
static bool same_functions(const json_t *record, const json_t *other)
{
	const json_t *functions = json_object_get(record, "pci"), *function;
	size_t i;

	json_array_foreach (functions, i, function)
		if (!has_function(other, json_string_value(function)))
			return false;
	return json_array_size(functions) == json_array_size(json_object_get(other, "pci"));
}

/* Back to the VM that had it, and to its place there, unless that VM was given others meanwhile. Return: 0 or -errno. */
static int return_function(struct request *request)
{
	struct store *store = request->manager->store;
	const char *uuid = string_of(request->former, "uuid");
	int error = store_move(store, request->address, uuid, NULL);
	json_t *record = error ? NULL : store_vm(store, uuid, NULL);

	if (record && same_functions(record, request->former))
		store_assign(store, uuid, json_object_get(request->former, "pci"), NULL, NULL);
	json_decref(record);
	return error;
}

/* What give() did. A function that cannot go back to where it was is nobody's then. */
static int undo_give(struct request *request, struct failure *failure)
{
	json_t *record = vm_record(request->manager, request->uuid, failure);
	int error = 0;

	if (record && has_function(record, request->address) &&
	    (!request->former || return_function(request)))
		error = take_away(request->manager, record, request->address, failure);
	json_decref(record);
	return error;
}

static void on_plugged(void *ctx, int error, const char *why)
{
	struct request *request = ctx;
	struct failure failure = { 0 }, second = { 0 };

	if (!error) {
		answer_ok(request);
		return;
	}
	fail(&failure, PLUG_FAILED, PARAMS(request->uuid, request->address, why),
	     "%s cannot be plugged in: %s", request->address, why);
	if (undo_give(request, &second))
		log_error("%s stays assigned to VM %s: %s", request->address, request->uuid,
			  second.text);
	json_decref(second.params);
	answer_failure(request, &failure);
}

static void plug_in(struct request *request, struct run *run, const struct node *node)
{
	const struct vmm_function function = {
		.address = request->address,
		.socket = string_of(node->vf, "socket"),
	};

	if (run)
		vmm_plug(run->vmm, &function, on_plugged, request);
	else
		answer_ok(request);
}

/* Plug */

static int check_plug(struct request *request, const json_t *record, struct run **run,
		      struct node *node, struct failure *failure)
{
	struct manager *manager = request->manager;
	char holder[UUID_BYTES];

	if (check_state(manager, record, run, failure))
		return -1;
	if (!store_holder(manager->store, request->address, holder))
		return fail(failure, PCI_DEVICE_IN_USE, PARAMS(request->address, holder),
			    "%s is assigned to VM %s", request->address, holder);
	if (json_array_size(json_object_get(record, "pci")) >= VMM_MAX_FUNCTIONS)
		return fail(failure, VALUE_INVALID, PARAMS("pci", request->address),
			    "a VM takes at most %d functions", VMM_MAX_FUNCTIONS);
	if (*run && !manager->qemu.vfio_user && manager->qemu_known)
		return fail(failure, QEMU_TOO_OLD, PARAMS(manager->qemu.version, NEEDED_QEMU),
			    "QEMU %s has no vfio-user-pci", manager->qemu.version);
	return assign_usable(manager, request->tree, request->address, node, failure);
}

/* The function becomes the VM's last one. */
static int give(struct request *request, struct failure *failure)
{
	struct manager *manager = request->manager;
	json_t *functions = json_pack("[s]", request->address);
	struct reason why = { "" };
	int error = store_move(manager->store, request->address, request->uuid, &why);

	if (error)
		assign_failed(manager, error, request->uuid, functions, &why, failure);
	json_decref(functions);
	return error;
}

static void plug_with_tree(struct request *request)
{
	struct failure failure = { 0 };
	json_t *record = vm_record(request->manager, request->uuid, &failure);
	struct run *run;
	struct node node;

	if (record && !check_plug(request, record, &run, &node, &failure) &&
	    !give(request, &failure))
		plug_in(request, run, &node);
	else
		answer_failure(request, &failure);
	json_decref(record);
}

void vm_plug(struct request *request)
{
	struct failure failure = { 0 };

	if (take_function(request, &failure))
		answer_failure(request, &failure);
	else
		request_tree(request, plug_with_tree);
}

/* Unplug */

static void on_unplugged(void *ctx, int error, const char *why)
{
	struct request *request = ctx;
	struct manager *manager = request->manager;
	struct failure failure = { 0 };
	json_t *record = NULL;

	if (error == -EOPNOTSUPP)
		fail(&failure, UNPLUG_UNSAFE, PARAMS(request->address, manager->qemu.version), "%s",
		     why);
	else if (error)
		fail(&failure, PLUG_FAILED, PARAMS(request->uuid, request->address, why),
		     "%s cannot be unplugged: %s", request->address, why);
	else
		record = vm_record(manager, request->uuid, &failure);
	if (record && !take_away(manager, record, request->address, &failure))
		answer_ok(request);
	else
		answer_failure(request, &failure);
	json_decref(record);
}

static int check_unplug(struct request *request, const json_t *record, struct run **run,
			struct failure *failure)
{
	struct reason why = { "" };

	if (!has_function(record, request->address))
		return fail(failure, PCI_DEVICE_MISSING, PARAMS(request->address),
			    "%s is not assigned to VM %s", request->address,
			    string_of(record, "name-label"));
	if (check_state(request->manager, record, run, failure))
		return -1;
	/* A VM taken over from a former daemon: nobody has asked this QEMU yet. */
	if (*run && spec_qemu(request->manager, &why))
		return fail(failure, UNPLUG_UNSAFE, PARAMS(request->address, "?"), "%s", why.text);
	return 0;
}

void vm_unplug(struct request *request)
{
	struct manager *manager = request->manager;
	struct failure failure = { 0 };
	json_t *record = NULL;
	struct run *run = NULL;
	int error = take_function(request, &failure);

	if (!error)
		record = vm_record(manager, request->uuid, &failure);
	if (!record || check_unplug(request, record, &run, &failure))
		answer_failure(request, &failure);
	else if (run)
		vmm_unplug(run->vmm, request->address, &manager->qemu, on_unplugged, request);
	else
		on_unplugged(request, 0, "");
	json_decref(record);
}

/* Take */

/* The VM that has it now, if any, must be halted. */
static int check_take(struct request *request, const json_t *record, struct run **run,
		      struct node *node, struct failure *failure)
{
	struct manager *manager = request->manager;
	char holder[UUID_BYTES];
	int error = 0;

	if (check_state(manager, record, run, failure))
		return -1;
	if (has_function(record, request->address))
		return fail(failure, PCI_DEVICE_IN_USE, PARAMS(request->address, request->uuid),
			    "%s is assigned to this VM already", request->address);
	if (json_array_size(json_object_get(record, "pci")) >= VMM_MAX_FUNCTIONS)
		return fail(failure, VALUE_INVALID, PARAMS("pci", request->address),
			    "a VM takes at most %d functions", VMM_MAX_FUNCTIONS);
	if (!store_holder(manager->store, request->address, holder)) {
		request->former = vm_record(manager, holder, failure);
		error = request->former ? vm_expect(manager, request->former, "halted", failure)
					: -1;
	}
	if (!error)
		error = assign_usable(manager, request->tree, request->address, node, failure);
	return error;
}

static void take_with_tree(struct request *request)
{
	struct failure failure = { 0 };
	json_t *record = vm_record(request->manager, request->uuid, &failure);
	struct run *run;
	struct node node;

	if (record && !check_take(request, record, &run, &node, &failure) &&
	    !give(request, &failure))
		plug_in(request, run, &node);
	else
		answer_failure(request, &failure);
	json_decref(record);
}

void vm_take(struct request *request)
{
	struct failure failure = { 0 };

	if (take_function(request, &failure))
		answer_failure(request, &failure);
	else
		request_tree(request, take_with_tree);
}
