/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * workload.c - see workload.h. A record is made from one number, its version, through all its members, disks and settings:
 * a half-written VM is like no version. Texts of up to some pages make transactions of many pages.
 */
#include "workload.h"

#include <dirent.h>
#include <fcntl.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define LONG_TEXT_MAX 9000

uint32_t random_next(uint64_t *state, uint32_t limit)
{
	uint64_t z = *state += 0x9e3779b97f4a7c15ull;

	z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9ull;
	z = (z ^ z >> 27) * 0x94d049bb133111ebull;
	return (uint32_t)((z ^ z >> 31) % limit);
}

static const char *uuid_of(char kind, unsigned int n)
{
	static char text[4][37];
	static unsigned int turn;
	char *uuid = text[turn++ % ARRAY_SIZE(text)];

	snprintf(uuid, sizeof(text[0]), "%c0000000-0000-4000-8000-%012u", kind, n);
	return uuid;
}

static const char *function_of(unsigned int n)
{
	static char text[2][24];
	static unsigned int turn;
	char *function = text[turn++ % ARRAY_SIZE(text)];

	snprintf(function, sizeof(text[0]), "0000:07:%02x.%u", 0x10 + n / 8, n % 8);
	return function;
}

static json_t *long_text(uint32_t version)
{
	static char text[LONG_TEXT_MAX];
	size_t length = version % 3 ? version % 90 : version % LONG_TEXT_MAX;

	memset(text, 'a' + (char)(version % 26), length);
	return json_stringn(text, length);
}

/* All members that @version gives, as store_vm_update() takes them. */
static json_t *vm_members(unsigned int n, uint32_t version)
{
	char text[64];
	json_t *disks = json_array();
	json_t *config = json_object();
	json_t *vm;

	for (uint32_t i = 0; i < version % 4; i++) {
		snprintf(text, sizeof(text), "/disks/%u-%u.img", version, i);
		json_array_append_new(disks, json_pack("{s:s, s:s, s:b}", "path", text, "format",
						       version % 2 ? "raw" : "qcow2", "read-only",
						       (int)(version + i) % 2));
	}
	for (uint32_t i = 0; i < version % 6; i++) {
		snprintf(text, sizeof(text), "key-%u", i);
		json_object_set_new(config, text, long_text(version + i));
	}
	snprintf(text, sizeof(text), "version %u", version);
	vm = json_pack("{s:o, s:s, s:I, s:i, s:s, s:s, s:s, s:s, s:s, s:s, s:o, s:o}", "name-label",
		       json_sprintf("vm-%02u", n), "name-description", text, "memory",
		       (json_int_t)version << 20, "vcpus", (int)(version % 64), "kernel", text,
		       "initrd", version % 2 ? text : "", "kernel-args", text, "firmware",
		       version % 3 ? text : "", "accel", version % 2 ? "kvm" : "tcg", "restart",
		       version % 2 ? "always" : "never", "disks", disks, "other-config", config);
	return vm;
}

static json_t *vm_record(unsigned int n, uint32_t version)
{
	json_t *vm = vm_members(n, version);

	json_object_set_new(vm, "uuid", json_string(uuid_of('a', n)));
	return vm;
}

static json_t *policy_members(uint32_t version)
{
	return json_pack("{s:i, s:b, s:s}", "vlan", (int)(version % 4095), "spoofchk",
			 (int)version % 2, "state", version % 3 ? "auto" : "enable");
}

static json_t *network_record(unsigned int n)
{
	return json_pack("{s:s, s:o, s:s}", "uuid", uuid_of('b', n), "name-label",
			 json_sprintf("network-%u", n), "name-description", "");
}

static json_t *tie_record(unsigned int pf, unsigned int network)
{
	return json_pack("{s:s, s:s, s:s, s:i}", "uuid", uuid_of('c', pf), "network",
			 uuid_of('b', network), "pf", pf ? "0000:07:00.1" : "0000:07:00.0",
			 "numvfs", (int)network + 1);
}

/* Nobody: -1 */
static int holder_of(const struct model *model, unsigned int function)
{
	for (unsigned int n = 0; n < MODEL_VMS; n++) {
		for (unsigned int i = 0; i < model->vm[n].count; i++) {
			if (model->vm[n].functions[i] == function)
				return (int)n;
		}
	}
	return -1;
}

static void release(struct model *model, unsigned int function)
{
	int n = holder_of(model, function);
	unsigned int *functions;
	unsigned int i = 0;

	if (n < 0)
		return;
	functions = model->vm[n].functions;
	while (functions[i] != function)
		i++;
	model->vm[n].count--;
	memmove(functions + i, functions + i + 1, (model->vm[n].count - i) * sizeof(functions[0]));
}

/* Consume @record; the answer of the store, or @expected without one. */
static int change_vm(struct model *model, uint64_t *random, struct store *store, int *expected,
		     struct reason *why)
{
	unsigned int n = random_next(random, MODEL_VMS);
	uint32_t version = 1 + random_next(random, 1u << 24);
	bool remove = random_next(random, 3) == 0;
	bool exists = model->vm[n].version != 0;
	json_t *record;
	int result;

	if (exists && remove) {
		memset(&model->vm[n], 0, sizeof(model->vm[n]));
		return store ? store_vm_delete(store, uuid_of('a', n), why) : 0;
	}
	*expected = remove ? -ENOENT : 0;
	if (!remove)
		model->vm[n].version = version;
	if (!store)
		return *expected;
	record = exists || remove ? vm_members(n, version) : vm_record(n, version);
	result = exists || remove ? store_vm_update(store, uuid_of('a', n), record, why)
				  : store_vm_insert(store, record, why);
	json_decref(record);
	return result;
}

/* What store_assign() must answer; the model has it then. */
static int model_assign(struct model *model, unsigned int n, const unsigned int *functions,
			unsigned int count)
{
	if (!model->vm[n].version)
		return -ENOENT;
	for (unsigned int i = 0; i < count; i++) {
		int other = holder_of(model, functions[i]);

		if (other >= 0 && other != (int)n)
			return -EBUSY;
		for (unsigned int k = 0; k < i; k++) {
			if (functions[k] == functions[i])
				return -EEXIST;
		}
	}
	memcpy(model->vm[n].functions, functions, count * sizeof(functions[0]));
	model->vm[n].count = count;
	return 0;
}

static int assign(struct model *model, uint64_t *random, struct store *store, int *expected,
		  struct reason *why)
{
	unsigned int n = random_next(random, MODEL_VMS);
	unsigned int functions[MODEL_FUNCTIONS];
	unsigned int count = random_next(random, 4);
	json_t *list = json_array();
	int result;

	for (unsigned int i = 0; i < count; i++) {
		functions[i] = random_next(random, MODEL_FUNCTIONS);
		json_array_append_new(list, json_string(function_of(functions[i])));
	}
	*expected = model_assign(model, n, functions, count);
	result = store ? store_assign(store, uuid_of('a', n), list, NULL, why) : *expected;
	json_decref(list);
	return result;
}

static int move(struct model *model, uint64_t *random, struct store *store, int *expected,
		struct reason *why)
{
	unsigned int function = random_next(random, MODEL_FUNCTIONS);
	unsigned int n = random_next(random, MODEL_VMS);

	*expected = model->vm[n].version ? 0 : -ENOENT;
	if (*expected == 0) {
		release(model, function);
		model->vm[n].functions[model->vm[n].count++] = function;
	}
	return store ? store_move(store, function_of(function), uuid_of('a', n), why) : *expected;
}

static int set_policy(struct model *model, uint64_t *random, struct store *store, int *expected,
		      struct reason *why)
{
	unsigned int function = random_next(random, MODEL_FUNCTIONS);
	uint32_t version = random_next(random, 4) ? 1 + random_next(random, 1u << 24) : 0;
	json_t *members;
	int result;

	model->policy[function] = version;
	if (!store)
		return 0;
	if (!version)
		return store_policy_clear(store, function_of(function), why);
	members = policy_members(version);
	result = store_policy_set(store, function_of(function), members, why);
	json_decref(members);
	return result;
}

static int insert(struct store *store, enum store_kind kind, json_t *record, struct reason *why)
{
	int result = store_insert(store, kind, record, why);

	json_decref(record);
	return result;
}

static int change_network(struct model *model, uint64_t *random, struct store *store, int *expected,
			  struct reason *why)
{
	unsigned int n = random_next(random, MODEL_NETWORKS);

	if (!model->network[n]) {
		model->network[n] = true;
		return store ? insert(store, STORE_NETWORK, network_record(n), why) : 0;
	}
	for (unsigned int pf = 0; pf < MODEL_PFS; pf++) {
		if (model->tie[pf] == n + 1)
			*expected = -EBUSY;
	}
	if (*expected == 0)
		model->network[n] = false;
	return store ? store_delete(store, STORE_NETWORK, uuid_of('b', n), why) : *expected;
}

static int tie(struct model *model, uint64_t *random, struct store *store, int *expected,
	       struct reason *why)
{
	unsigned int pf = random_next(random, MODEL_PFS);
	unsigned int n = random_next(random, MODEL_NETWORKS);

	if (model->tie[pf]) {
		model->tie[pf] = 0;
		return store ? store_delete(store, STORE_SRIOV, uuid_of('c', pf), why) : 0;
	}
	*expected = model->network[n] ? 0 : -ENOENT;
	if (*expected == 0)
		model->tie[pf] = n + 1;
	return store ? insert(store, STORE_SRIOV, tie_record(pf, n), why) : *expected;
}

bool workload_step(struct model *model, uint64_t *random, struct store *store, struct reason *why)
{
	static int (*const changes[])(struct model *, uint64_t *, struct store *, int *,
				      struct reason *) = { change_vm,	   change_vm, assign,
							   assign,	   move,      set_policy,
							   change_network, tie };
	struct reason said = { "nothing" };
	unsigned int which = random_next(random, ARRAY_SIZE(changes));
	int expected = 0;
	int result = changes[which](model, random, store, &expected, &said);

	if (result == expected)
		return true;
	refuse(why, 0, "change %u: %d (%.150s) instead of %d", which, result, said.text, expected);
	return false;
}

static json_t *model_dump(const struct model *model)
{
	json_t *vms = json_array(), *networks = json_array(), *ties = json_array();
	json_t *policies = json_object();
	json_t *vm, *pci;

	for (unsigned int n = 0; n < MODEL_VMS; n++) {
		if (!model->vm[n].version)
			continue;
		vm = vm_record(n, model->vm[n].version);
		pci = json_array();
		for (unsigned int i = 0; i < model->vm[n].count; i++)
			json_array_append_new(pci,
					      json_string(function_of(model->vm[n].functions[i])));
		json_object_set_new(vm, "pci", pci);
		json_array_append_new(vms, vm);
	}
	for (unsigned int n = 0; n < MODEL_FUNCTIONS; n++) {
		if (model->policy[n])
			json_object_set_new(policies, function_of(n),
					    policy_members(model->policy[n]));
	}
	for (unsigned int n = 0; n < MODEL_NETWORKS; n++) {
		if (model->network[n])
			json_array_append_new(networks, network_record(n));
	}
	for (unsigned int n = 0; n < MODEL_PFS; n++) {
		if (model->tie[n])
			json_array_append_new(ties, tie_record(n, model->tie[n] - 1));
	}
	return json_pack("{s:o, s:o, s:o, s:o}", "vms", vms, "policies", policies, "networks",
			 networks, "ties", ties);
}

static json_t *store_dump(struct store *store, struct reason *why)
{
	return json_pack("{s:o, s:o, s:o, s:o}", "vms", store_vms(store, why), "policies",
			 store_policies(store), "networks", store_list(store, STORE_NETWORK, why),
			 "ties", store_list(store, STORE_SRIOV, why));
}

static bool check_integrity(const char *dir)
{
	sqlite3 *db = NULL;
	sqlite3_stmt *stmt = NULL;
	char path[128];
	bool sound = false;

	snprintf(path, sizeof(path), "%s/inventory.db", dir);
	if (sqlite3_open_v2(path, &db, SQLITE_OPEN_READWRITE, NULL) == SQLITE_OK &&
	    sqlite3_prepare_v2(db, "PRAGMA integrity_check", -1, &stmt, NULL) == SQLITE_OK &&
	    sqlite3_step(stmt) == SQLITE_ROW)
		sound = !strcmp((const char *)sqlite3_column_text(stmt, 0), "ok");
	sqlite3_finalize(stmt);
	stmt = NULL;
	if (sound)
		sound = sqlite3_prepare_v2(db, "PRAGMA foreign_key_check", -1, &stmt, NULL) ==
				SQLITE_OK &&
			sqlite3_step(stmt) == SQLITE_DONE;
	if (!sound)
		fprintf(stderr, "%s: integrity check failed: %s\n", path, sqlite3_errmsg(db));
	sqlite3_finalize(stmt);
	sqlite3_close(db);
	return sound;
}

static enum outcome compare(const json_t *found, const struct model *before,
			    const struct model *after)
{
	json_t *old = model_dump(before);
	json_t *new = model_dump(after);
	enum outcome outcome = OUTCOME_BROKEN;

	if (json_equal(found, old))
		outcome = json_equal(old, new) ? OUTCOME_SAME : OUTCOME_BEFORE;
	else if (json_equal(found, new))
		outcome = OUTCOME_AFTER;
	if (outcome == OUTCOME_BROKEN) {
		fputs("neither before nor after the change in flight; found, before, after:\n",
		      stderr);
		json_dumpf(found, stderr, JSON_SORT_KEYS);
		fputc('\n', stderr);
		json_dumpf(old, stderr, JSON_SORT_KEYS);
		fputc('\n', stderr);
		json_dumpf(new, stderr, JSON_SORT_KEYS);
		fputc('\n', stderr);
	}
	json_decref(old);
	json_decref(new);
	return outcome;
}

enum outcome workload_verify(const char *dir, const struct model *before, const struct model *after)
{
	struct reason why = { "" };
	struct store *store;
	enum outcome outcome;
	json_t *found;

	if (store_open(&store, dir, &why)) {
		fprintf(stderr, "the inventory does not open: %s\n", why.text);
		return OUTCOME_BROKEN;
	}
	found = store_dump(store, &why);
	outcome = found ? compare(found, before, after) : OUTCOME_BROKEN;
	if (!found)
		fprintf(stderr, "the inventory cannot be read: %s\n", why.text);
	json_decref(found);
	store_close(store);
	return check_integrity(dir) ? outcome : OUTCOME_BROKEN;
}

void directory_make(char path[64])
{
	snprintf(path, 64, "%s/softiov-store-XXXXXX",
		 access("/dev/shm", W_OK) ? "/tmp" : "/dev/shm");
	if (!mkdtemp(path)) {
		perror(path);
		exit(1);
	}
}

void directory_clear(const char *path)
{
	DIR *dir = opendir(path);
	struct dirent *entry;

	while (dir && (entry = readdir(dir)) != NULL)
		unlinkat(dirfd(dir), entry->d_name, 0);
	if (dir)
		closedir(dir);
}
