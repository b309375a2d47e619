/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * test_manager.c - what no daemon can be brought to at will: clients that have just died, cards in a VM that use their
 * VFs, cards that refuse, an inventory that cannot be written.
 */
#include "house.h"

#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "store/store.h"
#include "util/util.h"

#define VF0 "0000:07:10.0"
#define ASSIGN "{\"other-config\": {\"pci\": \"0/" VF0 "\"}}"

static char *path_of(const char *uuid, const char *what)
{
	static char path[128];

	snprintf(path, sizeof(path), "/v1/vm/%s%s", uuid, what);
	return path;
}

/* A process ID that nobody has any more. */
static pid_t dead_process(void)
{
	pid_t pid = fork();

	if (!pid)
		_exit(0);
	assert_int_equal(waitpid(pid, NULL, 0), pid);
	return pid;
}

static void test_clients(void **state)
{
	struct house *house = *state;
	char uuid[37], client[32];

	house_define(house, "one", uuid);
	json_object_set_new(house_vf(house, 0), "attached", json_integer(getpid()));
	assert_int_equal(house_call(house, API_PATCH, path_of(uuid, ""), ASSIGN), 409);
	assert_string_equal(house_code(house), "PCI_DEVICE_IN_USE");
	assert_string_equal(house_param(house, 0), VF0);
	snprintf(client, sizeof(client), "pid %d", (int)getpid());
	assert_string_equal(house_param(house, 1), client);
	/* The card has not noticed yet. */
	json_object_set_new(house_vf(house, 0), "attached", json_integer(dead_process()));
	assert_int_equal(house_call(house, API_PATCH, path_of(uuid, ""), ASSIGN), 200);
}

static void test_card_in_a_vm(void **state)
{
	struct house *house = *state;
	json_t *card = json_array_get(json_object_get(house->tree, "cards"), 0);
	char uuid[37];

	house_define(house, "one", uuid);
	json_object_set_new(card, "mode", json_string("vm"));
	json_object_set_new(house_vf(house, 0), "custody", json_string("home"));
	json_object_set_new(house_vf(house, 0), "receive_enabled", json_true());
	assert_int_equal(house_call(house, API_PATCH, path_of(uuid, ""), ASSIGN), 409);
	assert_string_equal(house_code(house), "PCI_DEVICE_WRONG_MODE");
	/* Another VF of its third bus: the card's VM has not made it. A fourth bus is not the card's. */
	assert_int_equal(house_call(house, API_POST, path_of(uuid, "/plug"),
				    "{\"function\": \"0000:09:11.6\"}"),
			 409);
	assert_string_equal(house_code(house), "PCI_DEVICE_WRONG_MODE");
	assert_int_equal(house_call(house, API_POST, path_of(uuid, "/plug"),
				    "{\"function\": \"0000:0a:10.0\"}"),
			 404);
	assert_string_equal(house_code(house), "PCI_DEVICE_MISSING");
	json_object_set_new(house_vf(house, 0), "receive_enabled", json_false());
	assert_int_equal(house_call(house, API_PATCH, path_of(uuid, ""), ASSIGN), 200);
}

static void expect_patch(struct house *house, const char *vf, const char *member, json_int_t value)
{
	json_t *patch = json_object_get(house->patches, vf);

	assert_int_equal(json_integer_value(json_object_get(patch, member)), value);
}

/* What was set comes back once, and only what differs; what is refused is not lost. */
static void test_policy(void **state)
{
	struct house *house = *state;

	assert_int_equal(house_call(house, API_PATCH, "/v1/vf/" VF0,
				    "{\"vlan\": 7, \"mac\": \"52:54:00:AA:00:01\"}"),
			 200);
	json_object_set_new(house_vf(house, 0), "vlan", json_integer(0));
	json_object_set_new(house_vf(house, 0), "mac", json_string("52:54:00:aa:00:01"));
	for (int refused = 1; refused >= 0; refused--) {
		house->refuse = refused ? 409 : 0;
		house_reopen(house);
		json_object_clear(house->patches);
		manager_vfs_changed(house->manager, true);
		house_turn(house);
		expect_patch(house, VF0, "vlan", 7);
		assert_int_equal(json_object_size(json_object_get(house->patches, VF0)), 1);
		assert_int_equal(json_object_size(house->patches), 1);
	}
	json_object_clear(house->patches);
	manager_vfs_changed(house->manager, true);
	house_turn(house);
	assert_int_equal(json_object_size(house->patches), 0); /* it has it all */
	assert_int_equal(house_call(house, API_DELETE, "/v1/vf/" VF0 "/policy", NULL), 200);
	json_object_set_new(house_vf(house, 0), "vlan", json_integer(0));
	manager_vfs_changed(house->manager, false);
	house_turn(house);
	assert_int_equal(json_object_size(house->patches), 0);
}

static const char *pif_of(struct house *house)
{
	assert_int_equal(house_call(house, API_GET, "/v1/pif", NULL), 200);
	return json_string_value(
		json_object_get(json_array_get(json_object_get(house->answer, "pifs"), 0), "uuid"));
}

/* A tie whose VFs the card refuses does not stay; PFs that come up get the VFs that they had. */
static void test_sriov(void **state)
{
	struct house *house = *state;
	json_t *pf = json_array_get(
		json_object_get(
			json_array_get(
				json_object_get(
					json_array_get(json_object_get(house->tree, "cards"), 0),
					"ports"),
				0),
			"pfs"),
		0);
	char network[37], body[160];

	assert_int_equal(house_call(house, API_POST, "/v1/network", "{\"name-label\": \"n\"}"),
			 200);
	snprintf(network, sizeof(network), "%s",
		 json_string_value(json_object_get(house->answer, "uuid")));
	snprintf(body, sizeof(body), "{\"network\": \"%s\", \"pif\": \"%s\"}", network,
		 pif_of(house));
	json_object_set_new(pf, "numvfs", json_integer(0));
	house->refuse = 409;
	assert_int_equal(house_call(house, API_POST, "/v1/sriov", body), 409);
	assert_int_equal(house_call(house, API_GET, "/v1/sriov", NULL), 200);
	assert_int_equal(json_array_size(json_object_get(house->answer, "sriovs")), 0);
	house->refuse = 0;
	assert_int_equal(house_call(house, API_POST, "/v1/sriov", body), 200);
	assert_int_equal(json_integer_value(json_object_get(pf, "numvfs")), 63);
	json_object_set_new(pf, "numvfs", json_integer(5));
	manager_vfs_changed(house->manager, false);
	house_turn(house);
	house_reopen(house);
	json_object_set_new(pf, "numvfs", json_integer(8));
	manager_vfs_changed(house->manager, true);
	house_turn(house);
	assert_int_equal(json_integer_value(json_object_get(pf, "numvfs")), 5);
}

static void note_status(void *arg, int status, const json_t *body)
{
	(void)body;
	*(int *)arg = status;
}

/* Of two who take a tie away at once, the second is told that there is none. */
static void test_deleted_twice(void **state)
{
	struct house *house = *state;
	char body[160], path[64];
	int first = 0;

	assert_int_equal(house_call(house, API_POST, "/v1/network", "{\"name-label\": \"n\"}"),
			 200);
	snprintf(body, sizeof(body), "{\"network\": \"%s\", ",
		 json_string_value(json_object_get(house->answer, "uuid")));
	snprintf(body + strlen(body), sizeof(body) - strlen(body), "\"pif\": \"%s\"}",
		 pif_of(house));
	assert_int_equal(house_call(house, API_POST, "/v1/sriov", body), 200);
	snprintf(path, sizeof(path), "/v1/sriov/%s",
		 json_string_value(json_object_get(house->answer, "uuid")));
	assert_int_equal(api_request(house->api, API_DELETE, path, NULL, note_status, &first), 0);
	assert_int_equal(house_call(house, API_DELETE, path, NULL), 404);
	assert_int_equal(first, 200);
	assert_string_equal(house_code(house), "UUID_INVALID");
	assert_string_equal(house_param(house, 0), "network_sriov");
}

/* Members and assignment of one request are changed together or not at all. */
static void test_together(void **state)
{
	struct house *house = *state;
	char one[37], two[37];

	house_define(house, "one", one);
	house_define(house, "two", two);
	assert_int_equal(house_call(house, API_PATCH, path_of(one, ""), ASSIGN), 200);
	assert_int_equal(house_call(house, API_PATCH, path_of(two, ""),
				    "{\"vcpus\": 4, \"name-label\": \"x\", \"pci\": [\"" VF0
				    "\"]}"),
			 409);
	assert_string_equal(house_param(house, 1), one);
	assert_int_equal(house_call(house, API_GET, path_of(two, ""), NULL), 200);
	assert_int_equal(json_integer_value(json_object_get(house->answer, "vcpus")), 1);
	assert_string_equal(json_string_value(json_object_get(house->answer, "name-label")), "two");
}

/* Somebody else has the inventory: a second manager is refused, the first is not disturbed. */
static void test_second_daemon(void **state)
{
	struct house *house = *state;
	struct manager *second = NULL;
	const struct manager_config config = { .data_dir = house->data,
					       .run_dir = house->dir,
					       .base = api_base(house->api),
					       .api = house->api };
	struct reason why = { "" };
	char uuid[37];

	assert_int_equal(manager_create(&second, &config, &why), -EBUSY);
	assert_null(second);
	assert_true(why.text[0]);
	house_define(house, "one", uuid);
	assert_int_equal(manager_running(house->manager), 0);
}

/* A VM which is there but cannot start; house_param() says why. */
static void define_that_fails(struct house *house, char uuid[37])
{
	house_define(house, "one", uuid);
	assert_int_equal(house_call(house, API_PATCH, path_of(uuid, ""),
				    "{\"kernel\": \"/dev/null\"}"),
			 200);
	assert_int_equal(house_call(house, API_POST, path_of(uuid, "/start"), NULL), 409);
	assert_string_equal(house_code(house), "VM_START_FAILED");
	assert_string_equal(house_param(house, 0), uuid);
}

/* No QEMU: refused with its name, and nothing runs. */
static void test_no_qemu(void **state)
{
	struct house *house = *state;
	char uuid[37];

	define_that_fails(house, uuid);
	assert_non_null(strstr(house_param(house, 1), "/nowhere/qemu"));
	assert_int_equal(house_call(house, API_GET, "/v1/host", NULL), 200);
	assert_true(json_is_null(json_object_get(house->answer, "qemu-version")));
}

static void write_qemu(struct house *house, const char *script)
{
	FILE *file;

	snprintf(house->qemu, sizeof(house->qemu), "%s/qemu", house->dir);
	file = fopen(house->qemu, "w");
	assert_non_null(file);
	fprintf(file, "#!/bin/sh\n%s\n", script);
	assert_int_equal(fchmod(fileno(file), 0700), 0);
	assert_int_equal(fclose(file), 0);
}

/* A QEMU that does not answer is asked once: those who come next do not wait for it again. */
static void test_silent_qemu(void **state)
{
	struct house *house = *state;
	char asked[96], line[16], script[160];
	int lines = 0;
	FILE *file;

	snprintf(asked, sizeof(asked), "%s/asked", house->dir);
	snprintf(script, sizeof(script), "echo once >> %s\nexec sleep 1000", asked);
	write_qemu(house, script);
	house_reopen(house);
	for (int i = 0; i < 3; i++) {
		assert_int_equal(house_call(house, API_GET, "/v1/host", NULL), 200);
		assert_true(json_is_null(json_object_get(house->answer, "qemu-version")));
	}
	file = fopen(asked, "r");
	assert_non_null(file);
	while (fgets(line, sizeof(line), file))
		lines++;
	fclose(file);
	assert_int_equal(unlink(asked), 0);
	assert_int_equal(unlink(house->qemu), 0);
	assert_int_equal(lines, 1);
}

/* A directory whose name leaves no room for the names of a VM's sockets: refused with that, and nothing runs. */
static void test_long_run_dir(void **state)
{
	struct house *house = *state;
	char uuid[37], former[sizeof(house->run)];

	write_qemu(house, "case $1 in\n"
			  "--version) echo QEMU emulator version 10.2.0;;\n"
			  "-device) echo 'name \"vfio-user-pci\", bus PCI';;\n"
			  "esac");
	snprintf(house->run, sizeof(house->run), "%s/%040d", house->dir, 0);
	assert_int_equal(mkdir(house->run, 0700), 0);
	house_reopen(house);
	define_that_fails(house, uuid);
	assert_non_null(strstr(house_param(house, 1), "too long"));
	assert_non_null(strstr(house_param(house, 1), house->run));
	assert_int_equal(manager_running(house->manager), 0);
	assert_int_equal(unlink(house->qemu), 0);
	strcpy(house->qemu, "/nowhere/qemu");
	snprintf(former, sizeof(former), "%s", house->run);
	strcpy(house->run, house->dir);
	house_reopen(house);
	assert_int_equal(rmdir(former), 0);
}

/* A request without a body is one without members. */
static void test_no_body(void **state)
{
	struct house *house = *state;
	char uuid[37];

	assert_int_equal(house_call(house, API_POST, "/v1/vm", NULL), 400);
	assert_string_equal(house_code(house), "VALUE_INVALID");
	assert_string_equal(house_param(house, 0), "name-label");
	house_define(house, "one", uuid);
	assert_int_equal(house_call(house, API_PATCH, path_of(uuid, ""), NULL), 200);
}

#define IN_HOUSE(test) cmocka_unit_test_setup_teardown(test, house_open, house_close)

int main(void)
{
	const struct CMUnitTest tests[] = {
		IN_HOUSE(test_clients),	      IN_HOUSE(test_card_in_a_vm),
		IN_HOUSE(test_policy),	      IN_HOUSE(test_sriov),
		IN_HOUSE(test_together),      IN_HOUSE(test_second_daemon),
		IN_HOUSE(test_no_qemu),	      IN_HOUSE(test_silent_qemu),
		IN_HOUSE(test_no_body),	      IN_HOUSE(test_long_run_dir),
		IN_HOUSE(test_deleted_twice),
	};
	int failed = test_assign();

	return failed + cmocka_run_group_tests_name("manager", tests, NULL, NULL);
}
