/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * sriov.c - networks, and SR-IOV on a PF in XenServer's words: an object that ties a PF's VFs to a network. Making it
 * creates the VFs, destroying it takes them away. The inventory remembers how many there were; when the card comes up
 * with fewer, it is told (sriov_restore()).
 */
#include "manager/internal.h"

#include <strings.h>

#include "util/log.h"

static json_t *list_of(struct manager *manager, enum store_kind kind, struct failure *failure)
{
	struct reason why = { "" };
	json_t *list = store_list(manager->store, kind, &why);

	if (!list)
		fail_store(failure, &why);
	return list;
}

/* The record whose @member is @value, a new reference, or NULL. */
static json_t *find_record(struct manager *manager, enum store_kind kind, const char *member,
			   const char *value)
{
	json_t *list = store_list(manager->store, kind, NULL), *record, *found = NULL;
	size_t i;

	json_array_foreach (list, i, record)
		if (!strcmp(string_of(record, member), value))
			found = json_incref(record);
	json_decref(list);
	return found;
}

static void answer_list(struct request *request, enum store_kind kind, const char *name)
{
	struct failure failure = { 0 };
	json_t *list = list_of(request->manager, kind, &failure);

	if (list)
		answer(request, json_pack("{s:o}", name, list));
	else
		answer_failure(request, &failure);
}

/* Return: 0 or -1. */
static int insert(struct manager *manager, enum store_kind kind, const json_t *record,
		  struct failure *failure)
{
	struct reason why = { "" };

	return store_insert(manager->store, kind, record, &why) ? fail_store(failure, &why) : 0;
}

static int unknown(const char *kind, const char *uuid, struct failure *failure)
{
	return fail(failure, UUID_INVALID, PARAMS(kind, uuid), "no %s %s here", kind, uuid);
}

/* Somebody else may have been first, since it was looked up. */
static int delete (struct manager *manager, enum store_kind kind, const char *uuid,
		   struct failure *failure)
{
	struct reason why = { "" };
	int error = store_delete(manager->store, kind, uuid, &why);

	if (error == -ENOENT)
		return unknown(kind == STORE_SRIOV ? "network_sriov" : "network", uuid, failure);
	return error ? fail_store(failure, &why) : 0;
}

/* Networks */

void network_list(struct request *request)
{
	answer_list(request, STORE_NETWORK, "networks");
}

static int check_network(const struct request *request, struct failure *failure)
{
	const char *name = body_string(request, "name-label");
	const json_t *description = json_object_get(request->call->body, "name-description");

	if (check_members(request, PARAMS("name-label", "name-description"), failure))
		return -1;
	if (!name || !name[0])
		return fail(failure, VALUE_INVALID, PARAMS("name-label", name ? name : ""),
			    "a network needs a name-label");
	if (description && !json_is_string(description))
		return fail(failure, VALUE_INVALID, PARAMS("name-description", ""),
			    "name-description must be a string");
	return 0;
}

void network_create(struct request *request)
{
	struct failure failure = { 0 };
	const char *description = body_string(request, "name-description");
	json_t *record = NULL, *reply = NULL;
	char uuid[UUID_BYTES];

	if (!check_network(request, &failure)) {
		identity_random(uuid);
		record = json_pack("{s:s, s:s, s:s}", "uuid", uuid, "name-label",
				   body_string(request, "name-label"), "name-description",
				   description ? description : "");
		if (!insert(request->manager, STORE_NETWORK, record, &failure))
			reply = json_pack("{s:s}", "uuid", uuid);
	}
	json_decref(record);
	if (reply)
		answer(request, reply);
	else
		answer_failure(request, &failure);
}

void network_delete(struct request *request)
{
	struct manager *manager = request->manager;
	struct failure failure = { 0 };
	json_t *record = find_record(manager, STORE_NETWORK, "uuid", request->uuid);
	json_t *tie = find_record(manager, STORE_SRIOV, "network", request->uuid);
	const char *tie_uuid = string_of(tie, "uuid");
	int error;

	if (!record)
		error = unknown("network", request->uuid, &failure);
	else if (tie)
		error = fail(&failure, SRIOV_IN_USE, PARAMS(tie_uuid),
			     "SR-IOV on %s belongs to this network", string_of(tie, "pf"));
	else
		error = delete (manager, STORE_NETWORK, request->uuid, &failure);
	json_decref(record);
	json_decref(tie);
	if (error)
		answer_failure(request, &failure);
	else
		answer_ok(request);
}

/* SR-IOV on a PF */

void sriov_list(struct request *request)
{
	answer_list(request, STORE_SRIOV, "sriovs");
}

/** struct pif_search - by uuid or address. */
struct pif_search {
	struct manager *manager;
	const char *uuid, *address;
	struct node node;
};

static bool is_pif(void *ctx, const struct node *node)
{
	struct pif_search *search = ctx;
	const char *address = string_of(node->pf, "address");
	char uuid[UUID_BYTES];

	if (node->vf)
		return false;
	identity_of(search->manager, "pif", address, uuid);
	if (search->uuid ? strcasecmp(uuid, search->uuid) : strcmp(address, search->address))
		return false;
	search->node = *node;
	return true;
}

/* The answer to our own change of numvfs */

static void refused_by_card(struct request *request, const json_t *body)
{
	struct failure failure = { 0 };

	if (body)
		fail(&failure, SRIOV_IN_USE, PARAMS(request->uuid), "%s", string_of(body, "error"));
	else
		fail(&failure, INTERNAL_ERROR, NULL, "SR-IOV %s: the cards do not answer",
		     request->uuid);
	answer_failure(request, &failure);
}

static void on_created(void *arg, int status, const json_t *body)
{
	struct request *request = arg;
	struct failure failure = { 0 };
	json_t *reply = json_pack("{s:s}", "uuid", request->uuid);

	if (status == HTTP_OK) {
		answer(request, reply);
		return;
	}
	json_decref(reply);
	if (delete (request->manager, STORE_SRIOV, request->uuid, &failure))
		log_error("SR-IOV %s stays without VFs: %s", request->uuid, failure.text);
	json_decref(failure.params);
	refused_by_card(request, body);
}

static int set_numvfs(struct manager *manager, const char *pf, json_int_t numvfs, api_done *done,
		      void *arg)
{
	json_t *body = json_pack("{s:I}", "numvfs", numvfs);
	char path[64];
	int error;

	snprintf(path, sizeof(path), "/v1/pf/%s", pf);
	error = api_request(manager->api, API_PATCH, path, body, done, arg);
	json_decref(body);
	return error;
}

static int check_create(struct request *request, struct pif_search *search, struct failure *failure)
{
	struct manager *manager = request->manager;
	const char *network = body_string(request, "network"), *pf;
	json_t *there;
	int error = 0;

	if (!tree_each(request->tree, is_pif, search))
		return unknown("PIF", search->uuid, failure);
	pf = string_of(search->node.pf, "address");
	there = find_record(manager, STORE_NETWORK, "uuid", network);
	if (!there)
		return unknown("network", network, failure);
	json_decref(there);
	if (strcmp(string_of(search->node.card, "mode"), "host"))
		return fail(failure, PCI_DEVICE_WRONG_MODE, PARAMS(pf),
			    "%s: the card is in a VM, whose driver makes the VFs", pf);
	if (!json_integer_value(json_object_get(search->node.pf, "totalvfs")))
		return fail(failure, VALUE_INVALID, PARAMS("pif", search->uuid),
			    "%s is without the SR-IOV capability", pf);
	there = find_record(manager, STORE_SRIOV, "pf", pf);
	if (there)
		error = fail(failure, SRIOV_IN_USE, PARAMS(string_of(there, "uuid")),
			     "%s has SR-IOV already", pf);
	json_decref(there);
	return error;
}

static void create_with_tree(struct request *request)
{
	struct manager *manager = request->manager;
	struct pif_search search = { .manager = manager, .uuid = body_string(request, "pif") };
	struct failure failure = { 0 };
	const char *pf;
	json_int_t numvfs, now;
	json_t *record;
	int error;

	if (check_create(request, &search, &failure)) {
		answer_failure(request, &failure);
		return;
	}
	pf = string_of(search.node.pf, "address");
	now = json_integer_value(json_object_get(search.node.pf, "numvfs"));
	numvfs = now ? now : json_integer_value(json_object_get(search.node.pf, "maxvfs"));
	identity_random(request->uuid);
	record = json_pack("{s:s, s:s, s:s, s:I}", "uuid", request->uuid, "network",
			   body_string(request, "network"), "pf", pf, "numvfs", numvfs);
	error = insert(manager, STORE_SRIOV, record, &failure);
	json_decref(record);
	if (error)
		answer_failure(request, &failure);
	else if (now)
		on_created(request, HTTP_OK, NULL);
	else if (set_numvfs(manager, pf, numvfs, on_created, request))
		on_created(request, 0, NULL);
}

void sriov_create(struct request *request)
{
	struct failure failure = { 0 };
	int error = check_members(request, PARAMS("pif", "network"), &failure);

	if (!error && !body_string(request, "pif"))
		error = unknown("PIF", "", &failure);
	if (!error && !body_string(request, "network"))
		error = unknown("network", "", &failure);
	if (error)
		answer_failure(request, &failure);
	else
		request_tree(request, create_with_tree);
}

/* Taking it away */

static void on_deleted(void *arg, int status, const json_t *body)
{
	struct request *request = arg;
	struct failure failure = { 0 };

	if (status != HTTP_OK)
		refused_by_card(request, body);
	else if (delete (request->manager, STORE_SRIOV, request->uuid, &failure))
		answer_failure(request, &failure);
	else
		answer_ok(request);
}

static int check_unused(struct request *request, const json_t *pf, struct failure *failure)
{
	char holder[UUID_BYTES];
	const json_t *vf;
	size_t i;

	json_array_foreach (json_object_get(pf, "vfs"), i, vf) {
		const char *address = string_of(vf, "address");

		if (attached_of(vf))
			return fail(failure, SRIOV_IN_USE, PARAMS(request->uuid),
				    "%s is attached to process %ld", address,
				    (long)attached_of(vf));
		if (!store_holder(request->manager->store, address, holder))
			return fail(failure, SRIOV_IN_USE, PARAMS(request->uuid),
				    "%s is assigned to VM %s", address, holder);
	}
	return 0;
}

static void delete_with_tree(struct request *request)
{
	struct manager *manager = request->manager;
	struct failure failure = { 0 };
	json_t *record = find_record(manager, STORE_SRIOV, "uuid", request->uuid);
	const char *pf = string_of(record, "pf");
	struct pif_search search = { .manager = manager, .address = pf };
	int error = 0;

	if (!record) {
		error = unknown("network_sriov", request->uuid, &failure);
	} else if (!tree_each(request->tree, is_pif, &search)) {
		on_deleted(request, HTTP_OK, NULL); /* the PF is gone, and its VFs */
	} else {
		error = check_unused(request, search.node.pf, &failure);
		if (!error && set_numvfs(manager, pf, 0, on_deleted, request))
			error = fail(&failure, INTERNAL_ERROR, NULL, "out of memory");
	}
	json_decref(record);
	if (error)
		answer_failure(request, &failure);
}

void sriov_delete(struct request *request)
{
	request_tree(request, delete_with_tree);
}

/* What the cards have and what the inventory says */

/* How many VFs the PF of a record has, -1: unknown, because it is not there or not ours. */
static json_int_t numvfs_of(struct manager *manager, const json_t *tree, const json_t *record)
{
	struct pif_search search = { .manager = manager, .address = string_of(record, "pf") };

	if (!tree_each(tree, is_pif, &search) ||
	    strcmp(string_of(search.node.card, "mode"), "host"))
		return -1;
	return json_integer_value(json_object_get(search.node.pf, "numvfs"));
}

static void follow_one(struct manager *manager, const json_t *record, json_int_t numvfs)
{
	struct reason why = { "" };

	if (store_sriov_numvfs(manager->store, string_of(record, "uuid"), numvfs, &why))
		log_error("%s: its number of VFs is not kept: %s", string_of(record, "pf"),
			  why.text);
}

void sriov_follow(struct manager *manager, const json_t *tree)
{
	json_t *list = manager->restoring ? NULL : store_list(manager->store, STORE_SRIOV, NULL);
	json_t *record;
	size_t i;

	json_array_foreach (list, i, record) {
		json_int_t numvfs = numvfs_of(manager, tree, record);

		if (numvfs > 0 && numvfs != json_integer_value(json_object_get(record, "numvfs")))
			follow_one(manager, record, numvfs);
	}
	json_decref(list);
}

static void on_restored(void *arg, int status, const json_t *body)
{
	struct manager *manager = arg;

	manager->restoring--;
	if (status != HTTP_OK)
		log_warning("VFs of the inventory are not there: %s", string_of(body, "error"));
}

void sriov_restore(struct manager *manager, const json_t *tree)
{
	json_t *list = store_list(manager->store, STORE_SRIOV, NULL), *record;
	size_t i;

	json_array_foreach (list, i, record) {
		json_int_t wanted = json_integer_value(json_object_get(record, "numvfs"));
		json_int_t numvfs = numvfs_of(manager, tree, record);

		if (numvfs < 0 || numvfs == wanted)
			continue;
		if (set_numvfs(manager, string_of(record, "pf"), wanted, on_restored, manager))
			log_error("%s: out of memory: its VFs are not there",
				  string_of(record, "pf"));
		else
			manager->restoring++;
	}
	json_decref(list);
}
