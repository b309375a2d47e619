/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * policy.c - what was set of a VF is kept, and given back when the VF comes into existence: at the daemon's start, after
 * a change of numvfs, or when the card comes back from a VM. So a VF that moves from one VM to another keeps it, too.
 *
 * Giving back ("replay") asks the cards what there is and sends each VF that differs a PATCH, as a client would. What
 * the card refuses is logged and stays in the inventory. Whatever happens meanwhile starts another round.
 */
#include "manager/internal.h"

#include <strings.h>

#include "util/log.h"

void policy_store(struct manager *manager, const struct api_call *call)
{
	json_t *stored = store_policy(manager->store, call->address), *value;
	struct reason why = { "" };
	const char *name;
	bool differs = false;

	json_object_foreach (call->body, name, value)
		differs |= !json_equal(value, json_object_get(stored, name));
	json_decref(stored);
	if (!differs)
		return;
	if (store_policy_set(manager->store, call->address, call->body, &why))
		log_error("%s: its policy is in force but not kept: %s", call->address, why.text);
	manager->replay_again |= manager->replaying;
}

/* Replay */

struct replay {
	struct manager *manager;
	json_t *policies;
	bool restore;
	unsigned int pending;
};

struct given {
	struct replay *replay;
	char address[ADDRESS_BYTES];
};

static void on_round_end(struct replay *replay)
{
	struct manager *manager = replay->manager;
	bool restore = manager->restore_again;

	json_decref(replay->policies);
	free(replay);
	manager->replaying = manager->restore_again = false;
	if (!manager->replay_again)
		return;
	manager->replay_again = false;
	policy_replay(manager, restore);
}

static void one_less(struct replay *replay)
{
	if (--replay->pending == 0)
		on_round_end(replay);
}

static void on_given(void *arg, int status, const json_t *body)
{
	struct given *given = arg;
	struct replay *replay = given->replay;

	if (status != HTTP_OK)
		log_warning("%s: what was set of it is kept but not in force: %s", given->address,
			    string_of(body, "error"));
	free(given);
	one_less(replay);
}

static bool same(const json_t *a, const json_t *b)
{
	if (json_is_string(a) && json_is_string(b)) /* addresses in either case */
		return !strcasecmp(json_string_value(a), json_string_value(b));
	return json_equal(a, b);
}

/* Members of @policy that the VF does not have. */
static json_t *missing(const json_t *policy, const json_t *vf)
{
	json_t *members = json_object(), *value;
	const char *name;

	json_object_foreach ((json_t *)policy, name, value)
		if (!same(value, json_object_get(vf, name)))
			json_object_set(members, name, value);
	return members;
}

static void give(struct replay *replay, const json_t *vf, const json_t *members)
{
	const char *address = string_of(vf, "address");
	struct given *given = malloc(sizeof(*given));
	char path[64];

	if (given) {
		given->replay = replay;
		snprintf(given->address, sizeof(given->address), "%s", address);
		snprintf(path, sizeof(path), "/v1/vf/%s", address);
		replay->pending++;
		if (!api_request(replay->manager->api, API_PATCH, path, members, on_given, given))
			return;
		replay->pending--;
		free(given);
	}
	log_error("%s: out of memory: what was set of it is not in force", address);
}

static bool replay_vf(void *ctx, const struct node *node)
{
	struct replay *replay = ctx;
	const json_t *policy = json_object_get(replay->policies, string_of(node->vf, "address"));
	json_t *members;

	if (!node->vf || !policy || strcmp(string_of(node->card, "mode"), "host"))
		return false;
	members = missing(policy, node->vf);
	if (json_object_size(members))
		give(replay, node->vf, members);
	json_decref(members);
	return false;
}

static void on_tree(void *arg, int status, const json_t *tree)
{
	struct replay *replay = arg;

	if (status == HTTP_OK && tree) {
		if (replay->restore)
			sriov_restore(replay->manager, tree);
		else
			sriov_follow(replay->manager, tree);
		tree_each(tree, replay_vf, replay);
	}
	one_less(replay);
}

void policy_replay(struct manager *manager, bool restore)
{
	struct replay *replay;

	manager->replay_again = manager->replaying;
	manager->restore_again |= manager->replaying && restore;
	if (manager->replaying)
		return;
	replay = calloc(1, sizeof(*replay));
	if (replay) {
		replay->manager = manager;
		replay->policies = store_policies(manager->store);
		replay->restore = restore;
		replay->pending = 1;
		manager->replaying = true;
		if (!api_request(manager->api, API_GET, "/v1/show", NULL, on_tree, replay))
			return;
		manager->replaying = false;
		json_decref(replay->policies);
		free(replay);
	}
	log_error("out of memory: VFs do not get what was set of them");
}

/* DELETE /v1/vf/ADDRESS/policy */

void policy_delete(struct request *request)
{
	struct manager *manager = request->manager;
	struct failure failure = { 0 };
	char address[ADDRESS_BYTES];
	struct reason why = { "" };
	int error = 0;

	if (!address_normal(request->uuid, address))
		error = fail(&failure, PCI_ADDRESS_INVALID, PARAMS(request->uuid),
			     "'%s' is not a PCI address like 0000:07:10.0", request->uuid);
	else if (store_policy_clear(manager->store, address, &why))
		error = fail_store(&failure, &why);
	if (error)
		answer_failure(request, &failure);
	else
		answer_ok(request);
}
