/* SPDX-License-Identifier: BSD-3-Clause */
/* test_records.c - VMs, assignments, policies, networks: what is stored, what is refused, what is there after reopening. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "store/store.h"

#define VM_A "a0000000-0000-4000-8000-000000000001"
#define VM_B "b0000000-0000-4000-8000-000000000002"
#define NET "c0000000-0000-4000-8000-000000000003"
#define TIE "d0000000-0000-4000-8000-000000000004"
#define MANY 100

struct fixture {
	char dir[64];
	struct store *store;
	struct reason why;
};

static int setup(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));

	snprintf(f->dir, sizeof(f->dir), "/tmp/softiov-test-XXXXXX");
	assert_non_null(mkdtemp(f->dir));
	assert_int_equal(store_open(&f->store, f->dir, &f->why), 0);
	*state = f;
	return 0;
}

static int teardown(void **state)
{
	struct fixture *f = *state;
	char path[128];

	store_close(f->store);
	snprintf(path, sizeof(path), "%s/inventory.db", f->dir);
	assert_int_equal(unlink(path), 0);
	/* Closing left nothing else. */
	assert_int_equal(rmdir(f->dir), 0);
	free(f);
	return 0;
}

static void reopen(struct fixture *f)
{
	store_close(f->store);
	assert_int_equal(store_open(&f->store, f->dir, &f->why), 0);
}

static json_t *record(const char *uuid, const char *name)
{
	return json_pack(
		"{s:s, s:s, s:s, s:I, s:i, s:s, s:s, s:s, s:s, s:s, s:s, s:[{s:s, s:s, s:b}], "
		"s:{s:s, s:s}}",
		"uuid", uuid, "name-label", name, "name-description", "größer", "memory",
		(json_int_t)64 << 30, "vcpus", 4, "kernel", "/boot/k", "initrd", "", "kernel-args",
		"quiet 'x' ; --", "firmware", "", "accel", "auto", "restart", "never", "disks",
		"path", "/d.img", "format", "raw", "read-only", 1, "other-config", "a", "1", "b",
		"x'); DROP TABLE vm; --");
}

static void insert(struct fixture *f, const char *uuid, const char *name)
{
	json_t *vm = record(uuid, name);

	assert_int_equal(store_vm_insert(f->store, vm, &f->why), 0);
	json_decref(vm);
}

static int assign(struct fixture *f, const char *uuid, json_t *functions, char holder[37])
{
	int result = store_assign(f->store, uuid, functions, holder, &f->why);

	json_decref(functions);
	return result;
}

static void expect_pci(struct fixture *f, const char *uuid, json_t *expected)
{
	json_t *vm = store_vm(f->store, uuid, &f->why);

	assert_non_null(vm);
	assert_true(json_equal(json_object_get(vm, "pci"), expected));
	json_decref(expected);
	json_decref(vm);
}

static void test_vm(void **state)
{
	struct fixture *f = *state;
	json_t *vm = record(VM_A, "web");
	json_t *found;

	assert_int_equal(store_vm_insert(f->store, vm, &f->why), 0);
	assert_int_equal(store_vm_insert(f->store, vm, &f->why), -EEXIST);
	assert_non_null(strstr(f->why.text, VM_A));
	reopen(f);
	found = store_vm(f->store, VM_A, &f->why);
	json_object_set_new(vm, "pci", json_array());
	assert_true(json_equal(found, vm));
	json_decref(found);
	json_decref(vm);

	assert_null(store_vm(f->store, VM_B, &f->why));
	assert_int_equal(errno, ENOENT);
	assert_int_equal(store_vm_delete(f->store, VM_B, &f->why), -ENOENT);
	assert_int_equal(store_vm_delete(f->store, VM_A, &f->why), 0);
	found = store_vms(f->store, &f->why);
	assert_int_equal(json_array_size(found), 0);
	json_decref(found);
}

static void test_vm_refused(void **state)
{
	struct fixture *f = *state;
	static const char *const changes[] = {
		"{\"name-label\": 1}",
		"{\"memory\": \"1\"}",
		"{\"vcpus\": 1.5}",
		"{\"pci\": 7}",
		"{\"power-state\": \"halted\"}",
		"{\"uuid\": \"" VM_B "\"}",
		"{\"disks\": {}}",
		"{\"disks\": [{\"path\": \"a\", \"format\": \"raw\"}]}",
		"{\"disks\": [{\"path\": \"a\", \"format\": \"raw\", \"read-only\": 1}]}",
		"{\"other-config\": []}",
		"{\"other-config\": {\"a\": 1}}",
		"{\"other-config\": {\"pci\": \"0/0000:07:10.0\"}}",
		"[]",
	};
	json_t *vm = record(VM_A, "web");
	json_t *before, *after, *change;
	const char *name;
	json_t *value;

	insert(f, VM_A, "web");
	before = store_vms(f->store, &f->why);
	for (size_t i = 0; i < ARRAY_SIZE(changes); i++) {
		change = json_loads(changes[i], 0, NULL);
		f->why.text[0] = '\0';
		assert_int_equal(store_vm_update(f->store, VM_A, change, &f->why), -EINVAL);
		assert_true(f->why.text[0]);
		json_decref(change);
	}
	/* Each member must be there. */
	json_object_foreach (vm, name, value) {
		change = record(VM_B, "other");
		json_object_del(change, name);
		assert_int_equal(store_vm_insert(f->store, change, &f->why), -EINVAL);
		assert_non_null(strstr(f->why.text, name));
		json_decref(change);
	}
	json_object_set_new(vm, "uuid", json_string("A0000000-0000-4000-8000-000000000001"));
	assert_int_equal(store_vm_insert(f->store, vm, &f->why), -EINVAL);
	after = store_vms(f->store, &f->why);
	assert_true(json_equal(before, after));
	json_decref(before);
	json_decref(after);
	json_decref(vm);
}

static void test_vm_update(void **state)
{
	struct fixture *f = *state;
	json_t *changes = json_pack("{s:s, s:I, s:[], s:{s:s}}", "name-label", "new", "memory",
				    (json_int_t)1 << 20, "disks", "other-config", "only", "this");
	json_t *expected = record(VM_A, "web");
	json_t *found;

	insert(f, VM_A, "web");
	assert_int_equal(assign(f, VM_A, json_pack("[s]", "0000:07:10.0"), NULL), 0);
	assert_int_equal(store_vm_update(f->store, VM_B, changes, &f->why), -ENOENT);
	assert_int_equal(store_vm_update(f->store, VM_A, changes, &f->why), 0);
	json_object_update(expected, changes);
	json_object_set_new(expected, "pci", json_pack("[s]", "0000:07:10.0"));
	found = store_vm(f->store, VM_A, &f->why);
	assert_true(json_equal(found, expected));
	json_decref(found);
	json_decref(expected);
	json_decref(changes);
}

static void test_assign(void **state)
{
	struct fixture *f = *state;
	char holder[37] = "";

	insert(f, VM_A, "web");
	insert(f, VM_B, "db");
	assert_int_equal(assign(f, VM_A, json_pack("[s, s]", "0000:07:10.2", "0000:07:10.0"), NULL),
			 0);
	/* One that it has stays, in the new order. */
	assert_int_equal(assign(f, VM_A, json_pack("[s, s]", "0000:07:10.0", "0000:07:10.4"), NULL),
			 0);
	reopen(f);
	expect_pci(f, VM_A, json_pack("[s, s]", "0000:07:10.0", "0000:07:10.4"));

	assert_int_equal(assign(f, VM_B, json_pack("[s, s]", "0000:07:10.6", "0000:07:10.4"),
				holder),
			 -EBUSY);
	assert_string_equal(holder, VM_A);
	assert_non_null(strstr(f->why.text, "0000:07:10.4"));
	assert_int_equal(assign(f, VM_B, json_pack("[s, s]", "0000:07:10.6", "0000:07:10.6"), NULL),
			 -EEXIST);
	assert_int_equal(assign(f, NET, json_pack("[s]", "0000:07:10.6"), NULL), -ENOENT);
	assert_int_equal(assign(f, VM_B, json_pack("[s]", "0000:07:1A.0"), NULL), -EINVAL);
	assert_int_equal(assign(f, VM_B, json_pack("[s]", "0000:07:20.0"), NULL), -EINVAL);
	assert_int_equal(assign(f, VM_B, json_pack("[s]", "0000:07:10.8"), NULL), -EINVAL);
	assert_int_equal(assign(f, VM_B, json_pack("[s]", "0000:07:10.00"), NULL), -EINVAL);
	assert_int_equal(assign(f, VM_B, json_pack("[s]", "07:10.0"), NULL), -EINVAL);
	assert_int_equal(assign(f, VM_B, json_pack("[i]", 7), NULL), -EINVAL);
	assert_int_equal(assign(f, VM_B, json_object(), NULL), -EINVAL);
	expect_pci(f, VM_B, json_array());
	assert_int_equal(store_holder(f->store, "0000:07:10.6", holder), -ENOENT);
	assert_int_equal(store_holder(f->store, "0000:07:10.0", holder), 0);
	assert_string_equal(holder, VM_A);
	/* A VM's end frees what it had. */
	assert_int_equal(store_vm_delete(f->store, VM_A, &f->why), 0);
	assert_int_equal(store_holder(f->store, "0000:07:10.0", holder), -ENOENT);
}

static void test_move(void **state)
{
	struct fixture *f = *state;

	insert(f, VM_A, "web");
	insert(f, VM_B, "db");
	assert_int_equal(assign(f, VM_A, json_pack("[s, s]", "0000:07:10.0", "0000:07:10.2"), NULL),
			 0);
	assert_int_equal(assign(f, VM_B, json_pack("[s]", "0000:07:10.4"), NULL), 0);
	assert_int_equal(store_move(f->store, "0000:07:10.0", VM_B, &f->why), 0);
	assert_int_equal(store_move(f->store, "0000:07:10.6", VM_B, &f->why), 0);
	assert_int_equal(store_move(f->store, "0000:07:10.4", VM_B, &f->why), 0);
	assert_int_equal(store_move(f->store, "0000:07:10.0", NET, &f->why), -ENOENT);
	assert_int_equal(store_move(f->store, "nonsense", VM_B, &f->why), -EINVAL);
	expect_pci(f, VM_A, json_pack("[s]", "0000:07:10.2"));
	expect_pci(f, VM_B, json_pack("[s, s, s]", "0000:07:10.0", "0000:07:10.6", "0000:07:10.4"));
}

static void test_policy(void **state)
{
	struct fixture *f = *state;
	json_t *first = json_pack("{s:i, s:b}", "vlan", 7, "trust", 1);
	json_t *second = json_pack("{s:i, s:s}", "vlan", 8, "state", "enable");
	json_t *wrong = json_pack("{s:i, s:n}", "vlan", 9, "mac");
	json_t *expected = json_pack("{s:{s:i, s:b, s:s}}", "0000:07:10.0", "vlan", 8, "trust", 1,
				     "state", "enable");
	json_t *found;

	assert_int_equal(store_policy_set(f->store, "0000:07:10.0", first, &f->why), 0);
	assert_int_equal(store_policy_set(f->store, "0000:07:10.0", second, &f->why), 0);
	assert_int_equal(store_policy_set(f->store, "0000:07:10.0", wrong, &f->why), -EINVAL);
	assert_int_equal(store_policy_set(f->store, "somewhere", first, &f->why), -EINVAL);
	reopen(f);
	found = store_policies(f->store);
	assert_true(json_equal(found, expected));
	json_decref(found);
	found = store_policy(f->store, "0000:07:10.0");
	assert_true(json_equal(found, json_object_get(expected, "0000:07:10.0")));
	json_decref(found);
	assert_int_equal(store_policy_clear(f->store, "0000:07:10.0", &f->why), 0);
	found = store_policy(f->store, "0000:07:10.0");
	assert_true(json_is_object(found));
	assert_int_equal(json_object_size(found), 0);
	json_decref(found);
	json_decref(first);
	json_decref(second);
	json_decref(wrong);
	json_decref(expected);
}

static void test_network(void **state)
{
	struct fixture *f = *state;
	json_t *net = json_pack("{s:s, s:s, s:s}", "uuid", NET, "name-label", "lan",
				"name-description", "");
	json_t *tie = json_pack("{s:s, s:s, s:s, s:i}", "uuid", TIE, "network", NET, "pf",
				"0000:07:00.0", "numvfs", 8);
	json_t *found;

	assert_int_equal(store_insert(f->store, STORE_SRIOV, tie, &f->why), -ENOENT);
	assert_int_equal(store_insert(f->store, STORE_NETWORK, tie, &f->why), -EINVAL);
	assert_int_equal(store_insert(f->store, STORE_NETWORK, net, &f->why), 0);
	assert_int_equal(store_insert(f->store, STORE_NETWORK, net, &f->why), -EEXIST);
	assert_int_equal(store_insert(f->store, STORE_SRIOV, tie, &f->why), 0);
	assert_int_equal(store_delete(f->store, STORE_NETWORK, NET, &f->why), -EBUSY);
	assert_non_null(strstr(f->why.text, "0000:07:00.0"));
	json_object_set_new(tie, "uuid", json_string(VM_A));
	assert_int_equal(store_insert(f->store, STORE_SRIOV, tie, &f->why), -EEXIST);
	json_object_set_new(tie, "uuid", json_string(TIE));
	reopen(f);
	found = store_list(f->store, STORE_SRIOV, &f->why);
	assert_true(json_equal(json_array_get(found, 0), tie));
	json_decref(found);
	assert_int_equal(store_sriov_numvfs(f->store, VM_A, 5, &f->why), -ENOENT);
	assert_int_equal(store_sriov_numvfs(f->store, TIE, 5, &f->why), 0);
	json_object_set_new(tie, "numvfs", json_integer(5));
	reopen(f);
	found = store_list(f->store, STORE_SRIOV, &f->why);
	assert_int_equal(json_array_size(found), 1);
	assert_true(json_equal(json_array_get(found, 0), tie));
	json_decref(found);
	found = store_list(f->store, STORE_NETWORK, &f->why);
	assert_int_equal(json_array_size(found), 1);
	assert_true(json_equal(json_array_get(found, 0), net));
	json_decref(found);
	assert_int_equal(store_delete(f->store, STORE_SRIOV, TIE, &f->why), 0);
	assert_int_equal(store_delete(f->store, STORE_SRIOV, TIE, &f->why), -ENOENT);
	assert_int_equal(store_delete(f->store, STORE_NETWORK, NET, &f->why), 0);
	json_decref(net);
	json_decref(tie);
}

/* Ordered by name; how long it takes is printed only. */
static void test_many(void **state)
{
	struct fixture *f = *state;
	char uuid[37], name[16];
	uint64_t start;
	json_t *vms;

	for (unsigned int i = 0; i < MANY; i++) {
		snprintf(uuid, sizeof(uuid), "a0000000-0000-4000-8000-%012u", i);
		snprintf(name, sizeof(name), "vm-%03u", MANY - i);
		insert(f, uuid, name);
		snprintf(name, sizeof(name), "0000:07:%02x.%u", i / 8 % 32, i % 8);
		assert_int_equal(assign(f, uuid, json_pack("[s]", name), NULL), 0);
	}
	start = now_ns();
	vms = store_vms(f->store, &f->why);
	printf("%u VMs listed in %u us\n", MANY, (unsigned int)((now_ns() - start) / 1000));
	assert_int_equal(json_array_size(vms), MANY);
	for (unsigned int i = 0; i < MANY; i++) {
		snprintf(name, sizeof(name), "vm-%03u", i + 1);
		assert_string_equal(
			json_string_value(json_object_get(json_array_get(vms, i), "name-label")),
			name);
	}
	json_decref(vms);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_vm, setup, teardown),
		cmocka_unit_test_setup_teardown(test_vm_refused, setup, teardown),
		cmocka_unit_test_setup_teardown(test_vm_update, setup, teardown),
		cmocka_unit_test_setup_teardown(test_assign, setup, teardown),
		cmocka_unit_test_setup_teardown(test_move, setup, teardown),
		cmocka_unit_test_setup_teardown(test_policy, setup, teardown),
		cmocka_unit_test_setup_teardown(test_network, setup, teardown),
		cmocka_unit_test_setup_teardown(test_many, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
