/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * internal.h - what the manager's files share. All of it belongs to the management thread.
 */
#ifndef SOFTIOV_MANAGER_INTERNAL_H
#define SOFTIOV_MANAGER_INTERNAL_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/queue.h>
#include "manager/manager.h"
#include "store/store.h"

#define HTTP_OK 200
#define UUID_BYTES 37 /* text and its end */
#define ADDRESS_BYTES 16
#define NEEDED_QEMU "10.1" /* the first with vfio-user-pci */

struct event;
struct spec;

/* Refusals (error.c) */

enum code {
	UUID_INVALID,
	VM_BAD_POWER_STATE,
	PCI_ADDRESS_INVALID,
	PCI_DEVICE_MISSING,
	PCI_DEVICE_DUPLICATE,
	PCI_DEVICE_IN_USE,
	PCI_DEVICE_WRONG_MODE,
	FILE_MISSING,
	QEMU_TOO_OLD,
	VM_START_FAILED,
	PLUG_FAILED,
	UNPLUG_UNSAFE,
	VALUE_INVALID,
	SRIOV_IN_USE,
	INTERNAL_ERROR,
	NO_SUCH_PATH,
	WRONG_METHOD,
};

/** struct failure - why a request is refused: a word for programs, the objects it is about, and a sentence. */
struct failure {
	enum code code;
	json_t *params; /* of strings; NULL: none */
	char text[512];
};

/**
 * fail() - fill @failure, whose former content is dropped. @params: a NULL-terminated list of strings, see PARAMS().
 * Return: -1, so that a refusal is one statement.
 */
int fail(struct failure *failure, enum code code, const char *const *params, const char *format,
	 ...) __attribute__((format(printf, 4, 5)));
#define PARAMS(...) ((const char *const[]){ __VA_ARGS__, NULL })

/** fail_store() - the inventory refused for a reason of its own. Return: -1. */
int fail_store(struct failure *failure, const struct reason *why);

/** failure_body() - the answer's body; drops @failure's content. */
json_t *failure_body(struct failure *failure);
int failure_status(const struct failure *failure);

/* Requests (manager.c) */

/** struct request - a call under way. Whoever has it owes one answer_…(), which frees it. */
struct request {
	struct manager *manager;
	struct api_call *call;
	char uuid[UUID_BYTES]; /* of the path, "": none */
	const json_t *tree;    /* of the cards, in the function that request_tree() calls */
	void (*then)(struct request *request);
	char address[ADDRESS_BYTES];	 /* of the function to plug */
	json_t *former;			 /* record of the VM that had it, NULL: none */
	TAILQ_ENTRY(request) link, wait; /* wait: of run.stoppers */
};

TAILQ_HEAD(request_list, request);

/** shutdown_progress() - a VM is halted: was it the last that manager_shutdown() waited for? */
void shutdown_progress(struct manager *manager);

/** answer() - 200 and @body (taken over). */
void answer(struct request *request, json_t *body);
void answer_ok(struct request *request);
void answer_failure(struct request *request, struct failure *failure);

/** request_tree() - ask the cards what there is, then call @then with request->tree. */
void request_tree(struct request *request, void (*then)(struct request *request));

/** body_string(), body_bool() - a member of the body; string: NULL if it is not there or none. */
const char *body_string(const struct request *request, const char *name);
/** check_members() - is every member of the body one of @names (NULL-terminated)? Return: 0 or -1. */
int check_members(const struct request *request, const char *const *names, struct failure *failure);
/** body_force() - {"force": bool}, all of it optional. Return: 0 or -1. */
int body_force(const struct request *request, bool *force, struct failure *failure);

typedef void handler(struct request *request);
handler vm_list, vm_create, vm_get, vm_patch, vm_delete;
handler vm_plug, vm_unplug, vm_take;
handler vm_start, vm_shutdown, vm_reboot, vm_qemu_args, vm_console;
handler host_get, pci_list, pif_list;
handler network_list, network_create, network_delete, sriov_list, sriov_create, sriov_delete;
handler policy_delete;

/**
 * struct manager - see manager.h.
 * @qemu: as far as @qemu_known
 * @qemu_rest_ns: it did not answer and is not asked again before then; @qemu_why
 * @runs: VMs that are not halted; @gone: those to be freed by @reaper, when no callback of theirs is on the stack
 * @shutting: manager_shutdown() is under way: @shutdown_done is owed
 */
struct manager {
	struct store *store;
	struct event_base *base;
	struct api_server *api;
	char run_dir[128];
	char qemu_path[256];
	bool qemu_known;
	ino_t qemu_ino;
	time_t qemu_time;
	struct vmm_qemu qemu;
	uint64_t qemu_rest_ns;
	struct reason qemu_why;
	enum vmm_accel accel;
	uid_t console_owner;
	gid_t console_group;
	mode_t console_mode;
	char host[UUID_BYTES];
	struct request_list requests;
	TAILQ_HEAD(run_list, run) runs, gone;
	atomic_uint running;
	struct event *reaper;

	struct event *vfs_changed;
	atomic_bool came_up;
	bool replaying, replay_again, restore_again;
	unsigned int restoring; /* changes of numvfs under way */

	struct event *shutdown, *shutdown_limit;
	pthread_mutex_t lock; /* the next three */
	unsigned int shutdown_seconds;
	void (*shutdown_done)(void *ctx);
	void *shutdown_ctx;
	bool shutting;
};

/* The tree of the cards (tree.c) */

/** struct node - a PF, or a VF with its PF, and where it is. Borrowed from the tree. */
struct node {
	const json_t *card, *port, *pf, *vf;
};

/** tree_each() - @visit every PF and VF until it returns true. Return: did it? */
bool tree_each(const json_t *tree, bool (*visit)(void *ctx, const struct node *node), void *ctx);
/** tree_find() - PF or VF at @address. */
bool tree_find(const json_t *tree, const char *address, struct node *node);
/** tree_in_vm() - is @address on a card that is in a VM? */
bool tree_in_vm(const json_t *tree, const char *address);

static inline const char *string_of(const json_t *object, const char *name)
{
	const char *text = json_string_value(json_object_get(object, name));

	return text ? text : "";
}

static inline pid_t attached_of(const json_t *node)
{
	return (pid_t)json_integer_value(json_object_get(node, "attached"));
}

/* Uuids that are the same after every restart (identity.c) */

void identity_host(char uuid[UUID_BYTES]);
/** identity_of() - of a thing of this host: @kind and @name make it. */
void identity_of(const struct manager *manager, const char *kind, const char *name,
		 char uuid[UUID_BYTES]);
void identity_random(char uuid[UUID_BYTES]);
bool identity_valid(const char *text);
/** identity_normal() - a valid one in lower case, as in the inventory. */
void identity_normal(const char *text, char normal[UUID_BYTES]);

/* Records of VMs (vm.c) */

/** vm_record() - from the inventory, or NULL with @failure. */
json_t *vm_record(struct manager *manager, const char *uuid, struct failure *failure);
/** vm_expect() - is it in this state ("halted", "running")? Return: 0 or -1. */
int vm_expect(struct manager *manager, const json_t *record, const char *state,
	      struct failure *failure);

/* Assignment (assign.c) */

/** address_normal() - "DDDD:BB:DD.F" in lower case. Return: is it one? */
bool address_normal(const char *text, char address[ADDRESS_BYTES]);
/** assign_parse() - "0/0000:07:10.0,1/0000:07:10.2" into an array of addresses in the order of the numbers, or NULL. */
json_t *assign_parse(const char *text, struct failure *failure);
/** assign_format() - the other way round: a string. */
json_t *assign_format(const json_t *functions);
/** assign_list() - check and normalize an array of addresses. Return: a new array, or NULL. */
json_t *assign_list(const json_t *functions, struct failure *failure);
/**
 * assign_check() - may VM @uuid (NULL: one to be made) be given these functions? Those of @now it has already and may
 * keep whatever became of them.
 */
int assign_check(struct manager *manager, const json_t *tree, const char *uuid, const json_t *now,
		 const json_t *functions, struct failure *failure);
/** assign_find() - is there a VF at @address? Return: 0 with @node, or -1. */
int assign_find(const json_t *tree, const char *address, struct node *node,
		struct failure *failure);
/** assign_usable() - is the VF there, the host's or its card's VM's to give, and nobody's at this moment? */
int assign_usable(struct manager *manager, const json_t *tree, const char *address,
		  struct node *node, struct failure *failure);
/** assign_failed() - what store_assign() and its kin refused. Return: -1. */
int assign_failed(struct manager *manager, int error, const char *uuid, const json_t *functions,
		  const struct reason *why, struct failure *failure);

/* The life of a VM (run.c), and who asks for changes of it (life.c) */

/**
 * enum run_state - a VM that is not halted.
 * RUN_WAITING: it ended and will be started again
 */
enum run_state { RUN_WAITING, RUN_STARTING, RUN_RUNNING, RUN_STOPPING };

/**
 * struct run - a VM that is not halted.
 * @vmm: NULL in RUN_WAITING
 * @asked: the power button was pressed by us: when it ends cleanly, that is why
 * @reboot: start it again when it has ended
 * @adopted: QEMU was started by a former daemon, and what functions it had it has lost
 * @deaths: how often in a row it ended soon after its start
 * @timer: in RUN_STOPPING the time limit, in RUN_WAITING the next start
 * @starter: to be answered when it runs; @stoppers: when it is halted
 */
struct run {
	struct manager *manager;
	char uuid[UUID_BYTES], name[64];
	struct vmm_vm *vmm;
	enum run_state state;
	bool asked, reboot, adopted;
	unsigned int deaths;
	uint64_t since_ns;
	time_t start_time;
	struct event *timer;
	struct request *starter;
	struct request_list stoppers;
	TAILQ_ENTRY(run) link;
};

struct run *run_find(struct manager *manager, const char *uuid);
/** run_state() - "halted", "starting", "running", "stopping". */
const char *run_state(struct manager *manager, const char *uuid);
/** run_decorate() - power-state, pid, start-time. */
void run_decorate(struct manager *manager, json_t *record);
/** run_of_pid() - uuid of the VM whose QEMU that is, or NULL. */
const char *run_of_pid(struct manager *manager, pid_t pid);
/** run_launch() - start a halted VM. @starter: told how it went. Return: 0 or -1 (nothing happened). */
int run_launch(struct manager *manager, const struct spec *spec, struct request *starter,
	       struct failure *failure);
/** run_end() - power button or plug (@force); @stopper is told when the VM is halted. */
void run_end(struct run *run, bool force, struct request *stopper);
/** run_again() - end it and start it again. @starter: told when it runs. */
void run_again(struct run *run, bool force, struct request *starter);
/** run_adopt() - take over the VMs that still run. */
void run_adopt(struct manager *manager);
/** run_free_all() - forget them; they go on. */
void run_free_all(struct manager *manager);
/** run_shutdown_all() - press all power buttons; what waits for its start is halted. */
void run_shutdown_all(struct manager *manager);
/** run_reap() - event callback: free what is gone. */
void run_reap(int fd, short events, void *manager);

/* What a start needs (spec.c) */

/**
 * spec_qemu() - the QEMU to be used, asked of itself once per version; one that does not answer is left alone for a while.
 * Return: 0 or -errno with @why.
 */
int spec_qemu(struct manager *manager, struct reason *why);

/** struct spec - a vmm_spec and what it borrows from. */
struct spec {
	struct vmm_spec vmm;
	json_t *record;
	struct vmm_disk disks[16];
	char dir[192];
	char sockets[VMM_MAX_FUNCTIONS][128];
};

/**
 * spec_make() - all that can be known before: functions there, files there, QEMU new enough.
 * @unused: the functions must be without a client, too
 * Return: 0 with @spec, to be freed by spec_free(), or -1.
 */
int spec_make(struct manager *manager, const json_t *record, const json_t *tree, bool unused,
	      struct spec *spec, struct failure *failure);
void spec_free(struct spec *spec);

/* Policy and SR-IOV of the PFs (policy.c, sriov.c) */

void policy_store(struct manager *manager, const struct api_call *call);
/** policy_replay() - give VFs what was set of them; @restore: and PFs, before that, the VFs that they had. */
void policy_replay(struct manager *manager, bool restore);
/** sriov_follow() - the records follow what the PFs have. */
void sriov_follow(struct manager *manager, const json_t *tree);
/** sriov_restore() - the PFs follow the records. */
void sriov_restore(struct manager *manager, const json_t *tree);

#endif
