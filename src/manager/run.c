/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * run.c - the life of a VM, on top of vmm, which knows only one QEMU from its start to its end.
 *
 *	halted -> starting -> running -> stopping -> halted
 *
 * A VM that ends by itself is started again as its record's "restart" says; one that keeps ending soon after its start
 * waits 1, 2, 4, … 60 seconds before the next. A QEMU outlives this daemon: a later one takes it over (run_adopt()), but
 * the functions it had are lost, because QEMU does not connect again.
 *
 * vmm calls back from deep inside: a run that has ended is put aside and freed in a later turn of the event loop.
 */
#include "manager/internal.h"

#include <dirent.h>
#include <event2/event.h>
#include <sys/stat.h>
#include <time.h>

#include "util/log.h"

#define POWER_BUTTON_S 60
#define RESTART_MAX_S 60
#define SETTLED_NS (60 * NSEC_PER_SEC) /* who runs that long has not died at once */

struct run *run_find(struct manager *manager, const char *uuid)
{
	struct run *run;

	TAILQ_FOREACH (run, &manager->runs, link)
		if (!strcmp(run->uuid, uuid))
			return run;
	return NULL;
}

static const char *state_name(const struct run *run)
{
	static const char *const names[] = { "starting", "starting", "running", "stopping" };

	return run ? names[run->state] : "halted";
}

const char *run_state(struct manager *manager, const char *uuid)
{
	return state_name(run_find(manager, uuid));
}

void run_decorate(struct manager *manager, json_t *record)
{
	const struct run *run = run_find(manager, string_of(record, "uuid"));
	bool up = run && run->vmm && run->state != RUN_WAITING;

	json_object_set_new(record, "power-state", json_string(state_name(run)));
	json_object_set_new(record, "pid", up ? json_integer(vmm_pid(run->vmm)) : json_null());
	json_object_set_new(record, "start-time",
			    up && run->start_time ? json_integer(run->start_time) : json_null());
}

const char *run_of_pid(struct manager *manager, pid_t pid)
{
	const struct run *run;

	TAILQ_FOREACH (run, &manager->runs, link)
		if (run->vmm && vmm_pid(run->vmm) == pid)
			return run->uuid;
	return NULL;
}

static void set_timer(struct run *run, unsigned int seconds)
{
	const struct timeval delay = { .tv_sec = seconds };

	event_add(run->timer, &delay);
}

/* Who waits is told */

static void started(struct run *run)
{
	struct request *request = run->starter;

	run->starter = NULL;
	if (request)
		answer_ok(request);
}

static void not_started(struct run *run, struct failure *failure)
{
	struct request *request = run->starter;

	run->starter = NULL;
	if (request)
		answer_failure(request, failure);
	else
		log_warning("VM %s: %s", run->name, failure->text);
	json_decref(failure->params);
	failure->params = NULL;
}

static void halted(struct run *run)
{
	struct request *request;

	while ((request = TAILQ_FIRST(&run->stoppers))) {
		TAILQ_REMOVE(&run->stoppers, request, wait);
		answer_ok(request);
	}
}

static void still_running(struct run *run, const char *why)
{
	struct request *request;
	struct failure failure = { 0 };

	while ((request = TAILQ_FIRST(&run->stoppers))) {
		TAILQ_REMOVE(&run->stoppers, request, wait);
		fail(&failure, VM_BAD_POWER_STATE, PARAMS(run->uuid, "halted", "running"),
		     "VM %s: %s", run->name, why);
		answer_failure(request, &failure);
	}
	if (!run->reboot)
		return;
	run->reboot = false;
	fail(&failure, VM_BAD_POWER_STATE, PARAMS(run->uuid, "halted", "running"), "VM %s: %s",
	     run->name, why);
	not_started(run, &failure);
}

/* Coming and going */

static void free_run(struct run *run)
{
	if (run->vmm)
		vmm_free(run->vmm);
	if (run->timer)
		event_free(run->timer);
	free(run);
}

void run_reap(int fd, short events, void *ctx)
{
	struct manager *manager = ctx;
	struct run *run;

	(void)fd, (void)events;
	while ((run = TAILQ_FIRST(&manager->gone))) {
		TAILQ_REMOVE(&manager->gone, run, link);
		free_run(run);
	}
}

/* It is halted. */
static void drop(struct run *run)
{
	struct manager *manager = run->manager;
	struct failure failure = { 0 };

	if (run->starter) {
		fail(&failure, VM_START_FAILED, PARAMS(run->uuid, "shut down"),
		     "VM %s was shut down meanwhile", run->name);
		not_started(run, &failure);
	}
	TAILQ_REMOVE(&manager->runs, run, link);
	atomic_fetch_sub(&manager->running, 1);
	event_del(run->timer);
	TAILQ_INSERT_TAIL(&manager->gone, run, link);
	event_active(manager->reaper, EV_READ, 0);
	halted(run);
	shutdown_progress(manager);
}

static void on_timer(evutil_socket_t fd, short events, void *ctx);

static struct run *add_run(struct manager *manager, const json_t *record)
{
	struct run *run = calloc(1, sizeof(*run));

	if (!run)
		return NULL;
	run->manager = manager;
	TAILQ_INIT(&run->stoppers);
	snprintf(run->uuid, sizeof(run->uuid), "%s", string_of(record, "uuid"));
	snprintf(run->name, sizeof(run->name), "%s", string_of(record, "name-label"));
	text_repair(run->name);
	run->timer = evtimer_new(manager->base, on_timer, run);
	if (!run->timer) {
		free(run);
		return NULL;
	}
	TAILQ_INSERT_TAIL(&manager->runs, run, link);
	atomic_fetch_add(&manager->running, 1);
	return run;
}

static void forget_run(struct run *run)
{
	TAILQ_REMOVE(&run->manager->runs, run, link);
	atomic_fetch_sub(&run->manager->running, 1);
	free_run(run);
}

/* What vmm tells */

static void share_console(const struct run *run)
{
	const struct manager *manager = run->manager;
	struct reason why;

	if (manager->console_mode &&
	    vmm_share_console(run->vmm, manager->console_owner, manager->console_group,
			      manager->console_mode, &why))
		log_warning("VM %s: %s", run->name, why.text);
}

static void on_running(void *ctx)
{
	struct run *run = ctx;

	share_console(run);
	if (run->state != RUN_STARTING)
		return;
	run->state = RUN_RUNNING;
	if (!run->adopted) {
		run->since_ns = now_ns();
		run->start_time = time(NULL);
		log_info("VM %s runs, process %ld", run->name, (long)vmm_pid(run->vmm));
	}
	started(run);
	if (run->manager->shutting)
		run_end(run, false, NULL);
}

static void wait_for_restart(struct run *run)
{
	unsigned int seconds = run->deaths < 6 ? 1u << run->deaths : RESTART_MAX_S;

	if (run->since_ns && now_ns() - run->since_ns > SETTLED_NS) {
		run->deaths = 0;
		seconds = 1;
	}
	run->deaths++;
	run->state = RUN_WAITING;
	log_info("VM %s starts again in %u s", run->name, seconds);
	set_timer(run, seconds);
}

/* Does its record say that it is to be started again? */
static bool wants_restart(struct run *run, bool clean)
{
	json_t *record = store_vm(run->manager->store, run->uuid, NULL);
	const char *policy = string_of(record, "restart");
	bool wanted = !strcmp(policy, "always") || (!clean && !strcmp(policy, "on-failure"));

	json_decref(record);
	return wanted && !run->manager->shutting;
}

static void on_ended(void *ctx, bool clean, const char *why)
{
	struct run *run = ctx;
	struct failure failure = { 0 };

	event_del(run->timer);
	if (run->reboot && !run->manager->shutting) {
		run->reboot = false;
		run->state = RUN_WAITING;
		set_timer(run, 0);
		return;
	}
	if (run->state == RUN_STARTING && (run->starter || !wants_restart(run, clean))) {
		fail(&failure, VM_START_FAILED, PARAMS(run->uuid, why), "VM %s did not start: %s",
		     run->name, why);
		not_started(run, &failure);
		drop(run);
		return;
	}
	log_info("VM %s ended: %s", run->name, why);
	if (run->state == RUN_STOPPING || (run->asked && clean) || !wants_restart(run, clean))
		drop(run);
	else
		wait_for_restart(run);
}

/* Starting */

static int start_vmm(struct run *run, const struct spec *spec, struct failure *failure)
{
	const struct vmm_ops ops = { .running = on_running, .ended = on_ended, .ctx = run };
	struct reason why = { "" };

	if (run->vmm)
		vmm_free(run->vmm);
	run->vmm = NULL;
	run->state = RUN_STARTING;
	run->asked = run->adopted = false;
	run->start_time = 0;
	run->since_ns = 0;
	if (vmm_start(&run->vmm, run->manager->base, &spec->vmm, &ops, &why))
		return fail(failure, VM_START_FAILED, PARAMS(run->uuid, why.text),
			    "VM %s did not start: %s", run->name, why.text);
	return 0;
}

int run_launch(struct manager *manager, const struct spec *spec, struct request *starter,
	       struct failure *failure)
{
	struct run *run;

	if (manager->shutting)
		return fail(failure, INTERNAL_ERROR, NULL, "the daemon is stopping");
	run = add_run(manager, spec->record);
	if (!run)
		return fail(failure, INTERNAL_ERROR, NULL, "out of memory");
	if (start_vmm(run, spec, failure)) {
		forget_run(run);
		return -1;
	}
	run->starter = starter;
	return 0;
}

/* Starting again */

struct again {
	struct manager *manager;
	char uuid[UUID_BYTES];
};

static int relaunch(struct run *run, int status, const json_t *tree, struct failure *failure)
{
	struct manager *manager = run->manager;
	json_t *record = vm_record(manager, run->uuid, failure);
	struct spec spec;
	int error;

	if (!record)
		return -1;
	if (status == HTTP_OK)
		error = spec_make(manager, record, tree, true, &spec, failure);
	else
		error = fail(failure, INTERNAL_ERROR, NULL, "the cards do not answer");
	if (!error) {
		error = start_vmm(run, &spec, failure);
		spec_free(&spec);
	}
	json_decref(record);
	return error;
}

static void on_again(void *arg, int status, const json_t *tree)
{
	struct again *again = arg;
	struct run *run = run_find(again->manager, again->uuid);
	struct failure failure = { 0 };
	bool by_request;

	free(again);
	if (!run || run->state != RUN_WAITING) /* somebody decided otherwise meanwhile */
		return;
	by_request = run->starter;
	if (!relaunch(run, status, tree, &failure))
		return;
	not_started(run, &failure);
	if (by_request || !wants_restart(run, false))
		drop(run);
	else
		wait_for_restart(run);
}

static void start_again(struct run *run)
{
	struct again *again = malloc(sizeof(*again));

	if (again) {
		again->manager = run->manager;
		memcpy(again->uuid, run->uuid, sizeof(again->uuid));
		if (!api_request(run->manager->api, API_GET, "/v1/show", NULL, on_again, again))
			return;
	}
	free(again);
	set_timer(run, RESTART_MAX_S);
}

static void on_timer(evutil_socket_t fd, short events, void *ctx)
{
	struct run *run = ctx;

	(void)fd, (void)events;
	if (run->state == RUN_WAITING) {
		start_again(run);
	} else if (run->state == RUN_STOPPING) {
		run->state = RUN_RUNNING;
		still_running(run, "the guest does not obey the power button");
	}
}

/* Ending */

static void on_powerdown(void *ctx, int error, const char *why)
{
	struct run *run = ctx;

	if (!error || run->state != RUN_STOPPING)
		return;
	event_del(run->timer);
	run->state = RUN_RUNNING;
	still_running(run, why);
}

void run_end(struct run *run, bool force, struct request *stopper)
{
	if (stopper)
		TAILQ_INSERT_TAIL(&run->stoppers, stopper, wait);
	run->asked = true;
	run->reboot = false;
	if (run->state == RUN_WAITING) {
		drop(run);
		return;
	}
	run->state = RUN_STOPPING;
	if (force) {
		event_del(run->timer);
		vmm_kill(run->vmm);
	} else {
		set_timer(run, POWER_BUTTON_S);
		vmm_powerdown(run->vmm, on_powerdown, run);
	}
}

void run_again(struct run *run, bool force, struct request *starter)
{
	run->reboot = true;
	run->starter = starter;
	run->state = RUN_STOPPING;
	if (force) {
		vmm_kill(run->vmm);
	} else {
		set_timer(run, POWER_BUTTON_S);
		vmm_powerdown(run->vmm, on_powerdown, run);
	}
}

void run_shutdown_all(struct manager *manager)
{
	struct run *run, *next;

	for (run = TAILQ_FIRST(&manager->runs); run; run = next) {
		next = TAILQ_NEXT(run, link);
		if (run->state == RUN_RUNNING || run->state == RUN_WAITING)
			run_end(run, false, NULL);
	}
}

/* After a restart of the daemon */

static time_t started_at(const char *dir)
{
	char path[512];
	struct stat status;

	snprintf(path, sizeof(path), "%s/pid", dir);
	return stat(path, &status) ? 0 : status.st_mtime;
}

static void adopt_one(struct manager *manager, const json_t *record, const char *dir)
{
	struct run *run = add_run(manager, record);
	const struct vmm_ops ops = { .running = on_running, .ended = on_ended, .ctx = run };
	struct reason why = { "" };
	int error;

	if (!run)
		return;
	run->adopted = true;
	run->state = RUN_RUNNING;
	run->since_ns = now_ns();
	run->start_time = started_at(dir);
	error = vmm_adopt(&run->vmm, manager->base, dir, run->uuid, &ops, &why);
	if (error) {
		if (error != -ESRCH)
			log_warning("VM %s: cannot take over its process: %s", run->name, why.text);
		forget_run(run);
		return;
	}
	if (vmm_state(run->vmm) == VMM_STARTING)
		run->state = RUN_STARTING;
	log_info("VM %s still runs, process %ld%s", run->name, (long)vmm_pid(run->vmm),
		 json_array_size(json_object_get(record, "pci"))
			 ? "; its VFs were lost with the former daemon: reboot it to give them back"
			 : "");
}

void run_adopt(struct manager *manager)
{
	char vms[160], dir[sizeof(vms) + 260];
	struct dirent *entry;
	DIR *list;

	snprintf(vms, sizeof(vms), "%s/vm", manager->run_dir);
	list = opendir(vms);
	while (list && (entry = readdir(list))) {
		json_t *record = identity_valid(entry->d_name)
					 ? store_vm(manager->store, entry->d_name, NULL)
					 : NULL;

		if (!record)
			continue;
		snprintf(dir, sizeof(dir), "%s/%s", vms, entry->d_name);
		adopt_one(manager, record, dir);
		json_decref(record);
	}
	if (list)
		closedir(list);
}

void run_free_all(struct manager *manager)
{
	struct run *run;

	run_reap(-1, 0, manager);
	while ((run = TAILQ_FIRST(&manager->runs)))
		forget_run(run);
}
