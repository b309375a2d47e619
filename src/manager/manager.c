/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * manager.c - requests come in, find their handler by method and path, and go out with an answer.
 *
 * Everything happens on the management thread, one handler at a time, so what a handler decides by the inventory and by
 * the VMs that run, nobody changes under it. Only what the cards are has to be asked for (request_tree()): the rest of
 * such a handler runs when the answer has come, and looks at everything else then.
 */
#include "manager/internal.h"

#include <event2/event.h>
#include <pthread.h>
#include <strings.h>
#include <sys/stat.h>
#include <unistd.h>

#include "util/log.h"

struct route {
	enum api_method method;
	const char *path; /* '*': a segment, which becomes request.uuid */
	const char *kind; /* of the object that it names; NULL: not by uuid */
	handler *handle;
};

static const struct route routes[] = {
	{ API_GET, "vm", NULL, vm_list },
	{ API_POST, "vm", NULL, vm_create },
	{ API_GET, "vm/*", "VM", vm_get },
	{ API_PATCH, "vm/*", "VM", vm_patch },
	{ API_DELETE, "vm/*", "VM", vm_delete },
	{ API_POST, "vm/*/start", "VM", vm_start },
	{ API_POST, "vm/*/shutdown", "VM", vm_shutdown },
	{ API_POST, "vm/*/reboot", "VM", vm_reboot },
	{ API_POST, "vm/*/plug", "VM", vm_plug },
	{ API_POST, "vm/*/unplug", "VM", vm_unplug },
	{ API_POST, "vm/*/take", "VM", vm_take },
	{ API_GET, "vm/*/qemu-args", "VM", vm_qemu_args },
	{ API_GET, "vm/*/console", "VM", vm_console },
	{ API_GET, "pci", NULL, pci_list },
	{ API_GET, "pif", NULL, pif_list },
	{ API_GET, "network", NULL, network_list },
	{ API_POST, "network", NULL, network_create },
	{ API_DELETE, "network/*", "network", network_delete },
	{ API_GET, "sriov", NULL, sriov_list },
	{ API_POST, "sriov", NULL, sriov_create },
	{ API_DELETE, "sriov/*", "network_sriov", sriov_delete },
	{ API_GET, "host", NULL, host_get },
	{ API_DELETE, "vf/*/policy", NULL, policy_delete },
};

/* Answers */

static void finish(struct request *request, int status, json_t *body)
{
	TAILQ_REMOVE(&request->manager->requests, request, link);
	api_answer(request->call, status, body);
	json_decref(request->former);
	free(request);
}

void answer(struct request *request, json_t *body)
{
	finish(request, HTTP_OK, body);
}

void answer_ok(struct request *request)
{
	answer(request, json_pack("{s:b}", "ok", 1));
}

void answer_failure(struct request *request, struct failure *failure)
{
	int status = failure_status(failure);

	finish(request, status, failure_body(failure));
}

/* What the cards are */

static void on_tree(void *arg, int status, const json_t *body)
{
	struct request *request = arg;
	struct failure failure = { 0 };

	if (status != HTTP_OK || !body) {
		fail(&failure, INTERNAL_ERROR, NULL, "the cards do not answer: %s",
		     string_of(body, "error"));
		answer_failure(request, &failure);
		return;
	}
	request->tree = body;
	request->then(request);
}

void request_tree(struct request *request, void (*then)(struct request *request))
{
	struct failure failure = { 0 };

	request->then = then;
	if (!api_request(request->manager->api, API_GET, "/v1/show", NULL, on_tree, request))
		return;
	fail(&failure, INTERNAL_ERROR, NULL, "out of memory");
	answer_failure(request, &failure);
}

/* Bodies */

const char *body_string(const struct request *request, const char *name)
{
	return json_string_value(json_object_get(request->call->body, name));
}

int check_members(const struct request *request, const char *const *names, struct failure *failure)
{
	const char *name;
	json_t *value;

	json_object_foreach (request->call->body, name, value) {
		const char *const *known = names;

		while (*known && strcmp(*known, name))
			known++;
		if (!*known)
			return fail(failure, VALUE_INVALID, PARAMS(name, ""),
				    "unknown member '%.40s'", name);
	}
	return 0;
}

int body_force(const struct request *request, bool *force, struct failure *failure)
{
	const json_t *value = json_object_get(request->call->body, "force");

	*force = json_is_true(value);
	if (value && !json_is_boolean(value))
		return fail(failure, VALUE_INVALID, PARAMS("force", ""),
			    "force must be true or false");
	return check_members(request, PARAMS("force"), failure);
}

/* Routing */

/* Return: does @path fit @pattern? Then *@segment is what '*' stood for, @length long. */
static bool fits(const char *pattern, const char *path, const char **segment, size_t *length)
{
	const char *star = strchr(pattern, '*');
	size_t before = star ? (size_t)(star - pattern) : 0;

	*segment = "";
	*length = 0;
	if (!star)
		return !strcmp(pattern, path);
	if (strncmp(pattern, path, before))
		return false;
	*segment = path + before;
	*length = strcspn(*segment, "/");
	return *length && !strcmp(star + 1, *segment + *length);
}

static int take_segment(struct request *request, const struct route *route, const char *segment,
			size_t length, struct failure *failure)
{
	char text[API_MAX_PATH];

	snprintf(text, sizeof(text), "%.*s", (int)length, segment);
	if (route->kind && !identity_valid(text))
		return fail(failure, UUID_INVALID, PARAMS(route->kind, text), "'%s' is not a uuid",
			    text);
	if (route->kind)
		identity_normal(text, request->uuid);
	else
		snprintf(request->uuid, sizeof(request->uuid), "%.*s", UUID_BYTES - 1, text);
	return 0;
}

static const char *method_name(enum api_method method)
{
	static const char *const names[] = { "GET", "PATCH", "POST", "DELETE", "?" };

	return names[method];
}

/* Return: the route, with its segment taken, or NULL. */
static const struct route *find_route(struct request *request, struct failure *failure)
{
	const char *path = request->call->path, *segment;
	char allowed[64] = "";
	size_t length;

	for (size_t i = 0; i < ARRAY_SIZE(routes); i++) {
		const struct route *route = &routes[i];

		if (!fits(route->path, path, &segment, &length))
			continue;
		if (route->method == request->call->method)
			return take_segment(request, route, segment, length, failure) ? NULL
										      : route;
		snprintf(allowed + strlen(allowed), sizeof(allowed) - strlen(allowed), "%s%s",
			 allowed[0] ? ", " : "", method_name(route->method));
	}
	if (allowed[0])
		fail(failure, WRONG_METHOD, NULL, "/v1/%s takes %s only", path, allowed);
	else
		fail(failure, NO_SUCH_PATH, NULL, "no such path: /v1/%s", path);
	return NULL;
}

void manager_request(struct manager *manager, struct api_call *call)
{
	struct request *request = calloc(1, sizeof(*request));
	struct failure failure = { 0 };
	const struct route *route;

	if (!request) {
		api_refuse(call, -ENOMEM, "out of memory");
		return;
	}
	request->manager = manager;
	request->call = call;
	TAILQ_INSERT_TAIL(&manager->requests, request, link);
	route = find_route(request, &failure);
	if (route)
		route->handle(request);
	else
		answer_failure(request, &failure);
}

void manager_changed(struct manager *manager, const struct api_call *call)
{
	if (call->kind == API_VF_SET)
		policy_store(manager, call);
	else
		policy_replay(manager, call->kind == API_CARD_SET);
}

/* Other threads */

void manager_vfs_changed(struct manager *manager, bool came_up)
{
	if (came_up)
		atomic_store(&manager->came_up, true);
	event_active(manager->vfs_changed, EV_READ, 0);
}

static void on_vfs_changed(evutil_socket_t fd, short events, void *ctx)
{
	struct manager *manager = ctx;

	(void)fd, (void)events;
	policy_replay(manager, atomic_exchange(&manager->came_up, false));
}

unsigned int manager_running(const struct manager *manager)
{
	return atomic_load(&manager->running);
}

void manager_shutdown(struct manager *manager, unsigned int seconds, void (*done)(void *ctx),
		      void *ctx)
{
	pthread_mutex_lock(&manager->lock);
	manager->shutdown_seconds = seconds;
	manager->shutdown_done = done;
	manager->shutdown_ctx = ctx;
	pthread_mutex_unlock(&manager->lock);
	event_active(manager->shutdown, EV_READ, 0);
}

static void on_shutdown(evutil_socket_t fd, short events, void *ctx)
{
	struct manager *manager = ctx;
	struct timeval limit = { 0, 0 };

	(void)fd, (void)events;
	pthread_mutex_lock(&manager->lock);
	limit.tv_sec = manager->shutdown_seconds;
	pthread_mutex_unlock(&manager->lock);
	manager->shutting = true;
	event_add(manager->shutdown_limit, &limit);
	run_shutdown_all(manager);
	shutdown_progress(manager);
}

static void end_shutdown(struct manager *manager)
{
	void (*done)(void *ctx);
	void *ctx;

	pthread_mutex_lock(&manager->lock);
	done = manager->shutdown_done;
	ctx = manager->shutdown_ctx;
	pthread_mutex_unlock(&manager->lock);
	manager->shutting = false;
	event_del(manager->shutdown_limit);
	done(ctx);
}

void shutdown_progress(struct manager *manager)
{
	if (manager->shutting && TAILQ_EMPTY(&manager->runs))
		end_shutdown(manager);
}

static void on_shutdown_limit(evutil_socket_t fd, short events, void *ctx)
{
	struct manager *manager = ctx;

	(void)fd, (void)events;
	log_warning("%u VMs did not obey the power button", manager_running(manager));
	end_shutdown(manager);
}

/* Beginning and end */

static int make_dir(const char *path, struct reason *why)
{
	if (mkdir(path, 0711) && errno != EEXIST)
		return refuse(why, -errno, "%s: %s", path, strerror(errno));
	return 0;
}

static int prepare(struct manager *manager, const struct manager_config *config, struct reason *why)
{
	char vms[sizeof(manager->run_dir) + 8];
	int error;

	manager->vfs_changed = event_new(manager->base, -1, EV_PERSIST, on_vfs_changed, manager);
	manager->shutdown = event_new(manager->base, -1, EV_PERSIST, on_shutdown, manager);
	manager->shutdown_limit = evtimer_new(manager->base, on_shutdown_limit, manager);
	manager->reaper = event_new(manager->base, -1, EV_PERSIST, run_reap, manager);
	if (!manager->vfs_changed || !manager->shutdown || !manager->shutdown_limit ||
	    !manager->reaper)
		return refuse(why, -ENOMEM, "out of memory");
	snprintf(vms, sizeof(vms), "%s/vm", manager->run_dir);
	error = make_dir(vms, why);
	return error ? error : store_open(&manager->store, config->data_dir, why);
}

int manager_create(struct manager **result, const struct manager_config *config, struct reason *why)
{
	struct manager *manager = calloc(1, sizeof(*manager));
	int error;

	if (!manager)
		return refuse(why, -ENOMEM, "out of memory");
	TAILQ_INIT(&manager->requests);
	TAILQ_INIT(&manager->runs);
	TAILQ_INIT(&manager->gone);
	pthread_mutex_init(&manager->lock, NULL);
	manager->base = config->base;
	manager->api = config->api;
	manager->accel = config->accel;
	manager->console_owner = config->console_owner;
	manager->console_group = config->console_group;
	manager->console_mode = config->console_mode;
	snprintf(manager->run_dir, sizeof(manager->run_dir), "%s", config->run_dir);
	snprintf(manager->qemu_path, sizeof(manager->qemu_path), "%s",
		 config->qemu ? config->qemu : "");
	identity_host(manager->host);
	error = prepare(manager, config, why);
	if (error) {
		manager_destroy(manager);
		return error;
	}
	run_adopt(manager);
	*result = manager;
	return 0;
}

void manager_destroy(struct manager *manager)
{
	char vms[sizeof(manager->run_dir) + 8];
	struct request *request;

	if (!manager)
		return;
	run_free_all(manager);
	snprintf(vms, sizeof(vms), "%s/vm", manager->run_dir);
	rmdir(vms); /* unless something is in it */
	while ((request = TAILQ_FIRST(&manager->requests))) {
		struct failure failure = { 0 };

		fail(&failure, INTERNAL_ERROR, NULL, "the daemon is stopping");
		answer_failure(request, &failure);
	}
	if (manager->store)
		store_close(manager->store);
	if (manager->vfs_changed)
		event_free(manager->vfs_changed);
	if (manager->shutdown)
		event_free(manager->shutdown);
	if (manager->shutdown_limit)
		event_free(manager->shutdown_limit);
	if (manager->reaper)
		event_free(manager->reaper);
	pthread_mutex_destroy(&manager->lock);
	free(manager);
}
