/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * vm.c - records of VMs: one table says for each member what it must look like, what it is if nobody says, and whether
 * it may change while the VM is not halted.
 */
#include "manager/internal.h"

#define MEMORY_MIN (64ll << 20)
#define MEMORY_MAX (16ll << 40)
#define MEMORY_UNIT (1ll << 20)
#define VCPUS_MAX 64
#define DISKS_MAX 14
#define NAME_MAX_BYTES 255
#define TEXT_MAX_BYTES 2048
#define PATH_MAX_BYTES 1023

struct member {
	const char *name;
	bool (*check)(const json_t *value);
	const char *expects;
	bool any_time;
	json_t *(*initial)(void); /* NULL: must be given */
};

/* What a value must be */

static bool text_within(const json_t *value, size_t max)
{
	return json_is_string(value) && json_string_length(value) <= max;
}

static bool check_name(const json_t *value)
{
	const char *text = json_string_value(value);

	if (!text_within(value, NAME_MAX_BYTES) || !text[0])
		return false;
	for (; *text; text++)
		if ((unsigned char)*text < ' ')
			return false;
	return true;
}

static bool check_text(const json_t *value)
{
	return text_within(value, TEXT_MAX_BYTES);
}

static bool check_path(const json_t *value)
{
	const char *text = json_string_value(value);

	return text_within(value, PATH_MAX_BYTES) && (!text[0] || text[0] == '/');
}

static bool check_memory(const json_t *value)
{
	json_int_t n = json_integer_value(value);

	return json_is_integer(value) && n >= MEMORY_MIN && n <= MEMORY_MAX && n % MEMORY_UNIT == 0;
}

static bool check_vcpus(const json_t *value)
{
	json_int_t n = json_integer_value(value);

	return json_is_integer(value) && n >= 1 && n <= VCPUS_MAX;
}

static bool one_of(const json_t *value, const char *const *words)
{
	const char *text = json_string_value(value);

	while (text && *words)
		if (!strcmp(text, *words++))
			return true;
	return false;
}

static bool check_accel(const json_t *value)
{
	return one_of(value, PARAMS("auto", "kvm", "tcg"));
}

static bool check_restart(const json_t *value)
{
	return one_of(value, PARAMS("never", "on-failure", "always"));
}

static bool check_disk(const json_t *disk)
{
	const json_t *value;
	const char *name;

	json_object_foreach ((json_t *)disk, name, value) {
		if (!strcmp(name, "path")	 ? !check_path(value) || !json_string_length(value)
		    : !strcmp(name, "format")	 ? !one_of(value, PARAMS("raw", "qcow2"))
		    : !strcmp(name, "read-only") ? !json_is_boolean(value)
						 : true)
			return false;
	}
	return json_object_get(disk, "path");
}

static bool check_disks(const json_t *value)
{
	const json_t *disk;
	size_t i;

	if (!json_is_array(value) || json_array_size(value) > DISKS_MAX)
		return false;
	json_array_foreach (value, i, disk)
		if (!json_is_object(disk) || !check_disk(disk))
			return false;
	return true;
}

/* Here a null is a key to be removed. */
static bool check_config(const json_t *value)
{
	const json_t *text;
	const char *key;

	if (!json_is_object(value))
		return false;
	json_object_foreach ((json_t *)value, key, text)
		if (!key[0] || strlen(key) > NAME_MAX_BYTES ||
		    (!json_is_null(text) && !text_within(text, TEXT_MAX_BYTES)))
			return false;
	return true;
}

static bool check_uuid(const json_t *value)
{
	return json_is_string(value) && identity_valid(json_string_value(value));
}

/* What it is if nobody says */

static json_t *initial_empty(void)
{
	return json_string("");
}

static json_t *initial_memory(void)
{
	return json_integer(512ll << 20);
}

static json_t *initial_vcpus(void)
{
	return json_integer(1);
}

static json_t *initial_accel(void)
{
	return json_string("auto");
}

static json_t *initial_restart(void)
{
	return json_string("never");
}

static json_t *initial_uuid(void)
{
	char uuid[UUID_BYTES];

	identity_random(uuid);
	return json_string(uuid);
}

#define A_PATH "an absolute path or empty"
static const struct member members[] = {
	{ "uuid", check_uuid, "a uuid", false, initial_uuid },
	{ "name-label", check_name, "1 to 255 printable bytes", true, NULL },
	{ "name-description", check_text, "at most 2048 bytes", true, initial_empty },
	{ "memory", check_memory, "bytes, whole MiB, at least 64 MiB", false, initial_memory },
	{ "vcpus", check_vcpus, "1 to 64", false, initial_vcpus },
	{ "kernel", check_path, A_PATH, false, initial_empty },
	{ "initrd", check_path, A_PATH, false, initial_empty },
	{ "kernel-args", check_text, "at most 2048 bytes", false, initial_empty },
	{ "firmware", check_path, A_PATH, false, initial_empty },
	{ "disks", check_disks,
	  "at most 14 of {\"path\": \"/…\", \"format\": \"raw\" or \"qcow2\", \"read-only\": bool}",
	  false, json_array },
	{ "accel", check_accel, "auto, kvm or tcg", false, initial_accel },
	{ "restart", check_restart, "never, on-failure or always", true, initial_restart },
	{ "other-config", check_config, "strings by name", true, json_object },
	{ "pci", NULL, "addresses", false, json_array }, /* checked in assign.c */
};

static const struct member *find_member(const char *name)
{
	for (size_t i = 0; i < ARRAY_SIZE(members); i++)
		if (!strcmp(members[i].name, name))
			return &members[i];
	return NULL;
}

static int invalid(const char *name, const json_t *value, const char *expects,
		   struct failure *failure)
{
	char *dump =
		json_is_string(value) ? NULL : json_dumps(value, JSON_COMPACT | JSON_ENCODE_ANY);
	const char *text = dump ? dump : json_string_value(value);

	fail(failure, VALUE_INVALID, PARAMS(name, text ? text : ""), "%s '%.100s' is not %s", name,
	     text ? text : "", expects);
	free(dump);
	return -1;
}

/* @record: of a VM that is there, NULL: of one to be made. */
static int check_body(struct manager *manager, const json_t *body, const json_t *record,
		      struct failure *failure)
{
	const json_t *value;
	const char *name;

	json_object_foreach ((json_t *)body, name, value) {
		const struct member *member = find_member(name);

		if (!member || (record && !strcmp(name, "uuid")))
			return invalid(name, value, "a member that can be set", failure);
		if (member->check && !member->check(value))
			return invalid(name, value, member->expects, failure);
		if (record && !member->any_time && vm_expect(manager, record, "halted", failure))
			return -1;
	}
	return 0;
}

/* Records as they are told */

static void show_pci(json_t *record)
{
	json_t *pci = json_object_get(record, "pci");

	if (json_array_size(pci))
		json_object_set_new(json_object_get(record, "other-config"), "pci",
				    assign_format(pci));
}

json_t *vm_record(struct manager *manager, const char *uuid, struct failure *failure)
{
	struct reason why = { "" };
	json_t *record;

	errno = 0;
	record = store_vm(manager->store, uuid, &why);
	if (!record) {
		if (errno == ENOENT)
			fail(failure, UUID_INVALID, PARAMS("VM", uuid), "no VM %s here", uuid);
		else
			fail_store(failure, &why);
	}
	return record;
}

int vm_expect(struct manager *manager, const json_t *record, const char *state,
	      struct failure *failure)
{
	const char *uuid = string_of(record, "uuid");
	const char *actual = run_state(manager, uuid);

	if (!strcmp(actual, state))
		return 0;
	return fail(failure, VM_BAD_POWER_STATE, PARAMS(uuid, state, actual), "VM %s is %s, not %s",
		    string_of(record, "name-label"), actual, state);
}

static void decorate(struct manager *manager, json_t *record)
{
	run_decorate(manager, record);
	show_pci(record);
}

void vm_list(struct request *request)
{
	struct reason why = { "" };
	json_t *vms = store_vms(request->manager->store, &why), *record;
	struct failure failure = { 0 };
	size_t i;

	if (!vms) {
		fail_store(&failure, &why);
		answer_failure(request, &failure);
		return;
	}
	json_array_foreach (vms, i, record)
		decorate(request->manager, record);
	answer(request, json_pack("{s:o}", "vms", vms));
}

void vm_get(struct request *request)
{
	struct failure failure = { 0 };
	json_t *record = vm_record(request->manager, request->uuid, &failure);

	if (!record) {
		answer_failure(request, &failure);
		return;
	}
	decorate(request->manager, record);
	answer(request, record);
}

/* From a body to what the inventory is to hold */

static void complete_disks(json_t *disks)
{
	json_t *disk;
	size_t i;

	json_array_foreach (disks, i, disk) {
		if (!json_object_get(disk, "format"))
			json_object_set_new(disk, "format", json_string("raw"));
		if (!json_object_get(disk, "read-only"))
			json_object_set_new(disk, "read-only", json_false());
	}
}

/* @changes wants functions by its "pci", by other-config:pci, or not at all. @functions: a new array, or NULL. */
static int take_functions(const json_t *changes, json_t **functions, struct failure *failure)
{
	json_t *config = json_object_get(changes, "other-config");
	json_t *words = json_object_get(config, "pci");
	json_t *list = json_object_get(changes, "pci");

	*functions = NULL;
	if (words && list)
		return invalid("pci", list, "given once: other-config:pci is the same", failure);
	if (list)
		*functions = assign_list(list, failure);
	else if (json_is_null(words))
		*functions = json_array();
	else if (words)
		*functions = assign_parse(string_of(config, "pci"), failure);
	return *functions || (!words && !list) ? 0 : -1;
}

/* Merge @change, whose null members remove, into @config. */
static void merge_config(json_t *config, const json_t *change)
{
	json_t *value;
	const char *key;

	json_object_foreach ((json_t *)change, key, value) {
		if (!strcmp(key, "pci"))
			continue;
		if (json_is_null(value))
			json_object_del(config, key);
		else
			json_object_set(config, key, value);
	}
}

/* The body of the request, with everything that is to be replaced. @record: as above. */
static json_t *changes_of(struct request *request, const json_t *record, struct failure *failure)
{
	json_t *changes, *functions, *config;

	if (check_body(request->manager, request->call->body, record, failure) ||
	    take_functions(request->call->body, &functions, failure))
		return NULL;
	if (functions && record && vm_expect(request->manager, record, "halted", failure)) {
		json_decref(functions);
		return NULL;
	}
	changes = request->call->body ? json_deep_copy(request->call->body) : json_object();
	json_object_del(changes, "pci");
	if (functions)
		json_object_set_new(changes, "pci", functions);
	complete_disks(json_object_get(changes, "disks"));
	if (json_object_get(changes, "uuid")) {
		char uuid[UUID_BYTES];

		identity_normal(string_of(changes, "uuid"), uuid);
		json_object_set_new(changes, "uuid", json_string(uuid));
	}
	if (json_object_get(changes, "other-config")) {
		config = json_deep_copy(json_object_get(record, "other-config"));
		if (!config)
			config = json_object();
		merge_config(config, json_object_get(changes, "other-config"));
		json_object_set_new(changes, "other-config", config);
	}
	return changes;
}

/* Making one */

static int complete(json_t *record, struct failure *failure)
{
	for (size_t i = 0; i < ARRAY_SIZE(members); i++) {
		if (json_object_get(record, members[i].name))
			continue;
		if (!members[i].initial)
			return fail(failure, VALUE_INVALID, PARAMS(members[i].name, ""),
				    "a VM needs a %s", members[i].name);
		json_object_set_new(record, members[i].name, members[i].initial());
	}
	return 0;
}

static int insert(struct manager *manager, const json_t *tree, const json_t *record,
		  struct failure *failure)
{
	const char *uuid = string_of(record, "uuid");
	const json_t *functions = json_object_get(record, "pci");
	struct reason why = { "" };
	int error;

	if (json_array_size(functions) &&
	    assign_check(manager, tree, NULL, NULL, functions, failure))
		return -1;
	error = store_vm_insert(manager->store, record, &why);
	if (error == -EEXIST)
		return fail(failure, VALUE_INVALID, PARAMS("uuid", uuid),
			    "there is a VM %s already", uuid);
	return error ? assign_failed(manager, error, uuid, functions, &why, failure) : 0;
}

static void create_with_tree(struct request *request)
{
	struct failure failure = { 0 };
	json_t *record = changes_of(request, NULL, &failure), *reply = NULL;

	if (record && !complete(record, &failure) &&
	    !insert(request->manager, request->tree, record, &failure))
		reply = json_pack("{s:O}", "uuid", json_object_get(record, "uuid"));
	json_decref(record);
	if (reply)
		answer(request, reply);
	else
		answer_failure(request, &failure);
}

static bool wants_functions(const json_t *body)
{
	return json_object_get(body, "pci") ||
	       json_object_get(json_object_get(body, "other-config"), "pci");
}

void vm_create(struct request *request)
{
	if (wants_functions(request->call->body))
		request_tree(request, create_with_tree);
	else
		create_with_tree(request);
}

/* Changing one */

static int update(struct request *request, const json_t *record, const json_t *changes,
		  struct failure *failure)
{
	struct manager *manager = request->manager;
	const json_t *functions = json_object_get(changes, "pci");
	struct reason why = { "" };
	int error;

	if (functions && assign_check(manager, request->tree, request->uuid,
				      json_object_get(record, "pci"), functions, failure))
		return -1;
	error = store_vm_update(manager->store, request->uuid, changes, &why);
	return error ? assign_failed(manager, error, request->uuid, functions, &why, failure) : 0;
}

static void patch_with_tree(struct request *request)
{
	struct failure failure = { 0 };
	json_t *record = vm_record(request->manager, request->uuid, &failure);
	json_t *changes = record ? changes_of(request, record, &failure) : NULL;
	int error = changes ? update(request, record, changes, &failure) : -1;

	json_decref(changes);
	json_decref(record);
	if (error)
		answer_failure(request, &failure);
	else
		answer_ok(request);
}

void vm_patch(struct request *request)
{
	if (wants_functions(request->call->body))
		request_tree(request, patch_with_tree);
	else
		patch_with_tree(request);
}

void vm_delete(struct request *request)
{
	struct manager *manager = request->manager;
	struct failure failure = { 0 };
	json_t *record = vm_record(manager, request->uuid, &failure);
	struct reason why = { "" };
	int error = record ? vm_expect(manager, record, "halted", &failure) : -1;
	char dir[192];

	json_decref(record);
	if (!error) {
		error = store_vm_delete(manager->store, request->uuid, &why);
		if (error)
			assign_failed(manager, error, request->uuid, NULL, &why, &failure);
	}
	if (error) {
		answer_failure(request, &failure);
		return;
	}
	/* Another VM may be given the same uuid. */
	snprintf(dir, sizeof(dir), "%s/vm/%s", manager->run_dir, request->uuid);
	vmm_forget_dir(dir);
	answer_ok(request);
}
