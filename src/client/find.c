/* SPDX-License-Identifier: BSD-3-Clause */
/* find.c - the daemon's objects by their names: the API knows uuids only. */
#include "client/client.h"

#include <stdio.h>
#include <string.h>

#define PATH_SIZE 512

json_t *client_list(const char *socket, const char *path, const char *member,
		    struct client_refusal *why)
{
	json_t *answer = client_call(socket, "GET", path, NULL, why);
	json_t *list;

	if (!answer)
		return NULL;
	list = json_incref(json_object_get(answer, member));
	json_decref(answer);
	if (json_is_array(list))
		return list;
	json_decref(list);
	client_refuse(why, "", NULL, "the daemon's answer has no %s", member);
	return NULL;
}

static bool is(const json_t *record, const char *member, const char *value)
{
	const char *text = json_string_value(json_object_get(record, member));

	return text && !strcmp(text, value);
}

/* Return: uuids of all that match; *@found is the last of them. A uuid is nobody else's name. */
static json_t *matches(const json_t *vms, const char *name, json_t **found)
{
	json_t *uuids = json_array(), *vm;
	size_t i;

	json_array_foreach (vms, i, vm) {
		if (is(vm, "uuid", name)) {
			json_array_clear(uuids);
			json_array_append(uuids, json_object_get(vm, "uuid"));
			*found = vm;
			break;
		}
		if (is(vm, "name-label", name)) {
			json_array_append(uuids, json_object_get(vm, "uuid"));
			*found = vm;
		}
	}
	return uuids;
}

json_t *client_find_vm(const char *socket, const char *name, struct client_refusal *why)
{
	json_t *vms = client_list(socket, "/v1/vm", "vms", why);
	json_t *vm = NULL, *uuids;

	if (!vms)
		return NULL;
	uuids = matches(vms, name, &vm);
	if (json_array_size(uuids) == 1)
		json_incref(vm);
	else
		vm = NULL;
	json_decref(vms);
	if (vm)
		json_decref(uuids);
	else if (!json_array_size(uuids)) {
		json_decref(uuids);
		client_refuse(why, "UUID_INVALID", json_pack("[ss]", "VM", name),
			      "no VM has the name or uuid %s", name);
	} else
		client_refuse(why, "NAME_AMBIGUOUS", uuids,
			      "%zu VMs have the name %s: say which by its uuid",
			      json_array_size(uuids), name);
	return vm;
}

json_t *client_vm_call(const char *socket, const char *method, const char *uuid, const char *verb,
		       const json_t *body, struct client_refusal *why)
{
	char path[PATH_SIZE];

	snprintf(path, sizeof(path), "/v1/vm/%s%s%s", uuid, verb ? "/" : "", verb ? verb : "");
	return client_call(socket, method, path, body, why);
}
