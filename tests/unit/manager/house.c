/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * house.c - the API runs on the test's own thread: nobody called api_start(). The cards answer at once: a tree to "show",
 * and to a change of a VF or a PF that it is done, which they also do to the tree.
 */
#include "house.h"

#include <event2/event.h>
#include <stdlib.h>
#include <unistd.h>

#define TURNS 20

static json_t *make_tree(void)
{
	json_t *vfs = json_array();

	for (int i = 0; i < 4; i++) {
		char address[16], socket[32];

		snprintf(address, sizeof(address), "0000:07:10.%d", 2 * i);
		snprintf(socket, sizeof(socket), "/run/x/%s.sock", address);
		json_array_append_new(vfs,
				      json_pack("{s:s, s:i, s:s, s:n, s:s, s:b, s:b, s:i}",
						"address", address, "vf", i, "socket", socket,
						"attached", "custody", "host", "receive_enabled", 0,
						"transmit_enabled", 0, "vlan", 0));
	}
	return json_pack("{s:[{s:s, s:s, s:s, s:[{s:{s:b, s:i}, s:[{s:s, s:s, s:i, s:i, s:i, "
			 "s:o}]}]}]}",
			 "cards", "address", "0000:07", "mode", "host", "device", "10fb", "ports",
			 "link", "up", 1, "speed_mbps", 10000, "pfs", "address", "0000:07:00.0",
			 "mac", "52:54:00:00:00:01", "numvfs", 4, "maxvfs", 63, "totalvfs", 64,
			 "vfs", vfs);
}

static json_t *first(json_t *object, const char *list)
{
	return json_array_get(json_object_get(object, list), 0);
}

static json_t *pf_of(const struct house *house)
{
	return first(first(first(house->tree, "cards"), "ports"), "pfs");
}

json_t *house_vf(struct house *house, size_t n)
{
	return json_array_get(json_object_get(pf_of(house), "vfs"), n);
}

static void change(struct house *house, struct api_call *call)
{
	json_t *vf;
	size_t i;

	json_object_set(house->patches, call->address, call->body);
	if (house->refuse) {
		api_answer(call, house->refuse, json_pack("{s:s}", "error", "the card says no"));
		return;
	}
	if (call->kind == API_PF_SET)
		json_object_update(pf_of(house), call->body);
	json_array_foreach (json_object_get(pf_of(house), "vfs"), i, vf)
		if (!strcmp(json_string_value(json_object_get(vf, "address")), call->address))
			json_object_update(vf, call->body);
	api_answer(call, 200, json_pack("{s:b}", "ok", 1));
}

static void submit(void *ctx, struct api_call *call)
{
	struct house *house = ctx;

	if (call->kind == API_SHOW)
		api_answer(call, 200, json_deep_copy(house->tree));
	else
		change(house, call);
}

static void manage(void *ctx, struct api_call *call)
{
	manager_request(((struct house *)ctx)->manager, call);
}

static void changed(void *ctx, const struct api_call *call)
{
	manager_changed(((struct house *)ctx)->manager, call);
}

static void open_manager(struct house *house)
{
	const struct api_config api = {
		.path = house->socket,
		.owner = (uid_t)-1,
		.group = (gid_t)-1,
		.mode = 0600,
		.submit = submit,
		.ctx = house,
		.manage = manage,
		.changed = changed,
		.manage_ctx = house,
	};
	struct manager_config config = { .data_dir = house->data,
					 .run_dir = house->run,
					 .qemu = house->qemu };
	struct reason why = { "" };

	if (api_create(&house->api, &api, &why))
		fail_msg("%s", why.text);
	config.api = house->api;
	config.base = api_base(house->api);
	if (manager_create(&house->manager, &config, &why))
		fail_msg("%s", why.text);
}

static void close_manager(struct house *house)
{
	api_stop(house->api);
	manager_destroy(house->manager);
	api_destroy(house->api);
}

int house_open(void **state)
{
	struct house *house = calloc(1, sizeof(*house));

	strcpy(house->dir, "/tmp/test-manager-XXXXXX");
	if (!mkdtemp(house->dir))
		return -1;
	snprintf(house->data, sizeof(house->data), "%s/data", house->dir);
	snprintf(house->socket, sizeof(house->socket), "%s/sock", house->dir);
	strcpy(house->qemu, "/nowhere/qemu");
	strcpy(house->run, house->dir);
	house->tree = make_tree();
	house->patches = json_object();
	open_manager(house);
	*state = house;
	return 0;
}

void house_reopen(struct house *house)
{
	close_manager(house);
	open_manager(house);
}

int house_close(void **state)
{
	struct house *house = *state;
	char path[128];

	close_manager(house);
	snprintf(path, sizeof(path), "%s/inventory.db", house->data);
	unlink(path);
	rmdir(house->data);
	json_decref(house->tree);
	json_decref(house->patches);
	json_decref(house->answer);
	if (rmdir(house->dir))
		return -1;
	free(house);
	return 0;
}

void house_turn(struct house *house)
{
	for (int i = 0; i < TURNS; i++)
		event_base_loop(api_base(house->api), EVLOOP_NONBLOCK);
}

static void on_done(void *arg, int status, const json_t *body)
{
	struct house *house = arg;

	house->status = status;
	house->answer = json_deep_copy(body);
}

int house_call(struct house *house, enum api_method method, const char *path, const char *body)
{
	json_t *object = body ? json_loads(body, 0, NULL) : NULL;

	json_decref(house->answer);
	house->answer = NULL;
	house->status = 0;
	assert_true(!body || object);
	assert_int_equal(api_request(house->api, method, path, object, on_done, house), 0);
	json_decref(object);
	house_turn(house);
	assert_int_not_equal(house->status, 0);
	return house->status;
}

const char *house_code(const struct house *house)
{
	const char *code = json_string_value(json_object_get(house->answer, "code"));

	return code ? code : "";
}

const char *house_param(const struct house *house, size_t i)
{
	const char *text =
		json_string_value(json_array_get(json_object_get(house->answer, "params"), i));

	return text ? text : "";
}

const char *house_define(struct house *house, const char *name, char uuid[37])
{
	char body[128];

	snprintf(body, sizeof(body), "{\"name-label\": \"%s\"}", name);
	assert_int_equal(house_call(house, API_POST, "/v1/vm", body), 200);
	snprintf(uuid, 37, "%s", json_string_value(json_object_get(house->answer, "uuid")));
	return uuid;
}
