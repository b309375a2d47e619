/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * assign.c - which VF may be given to which VM. That a VF is assigned to one VM at most the inventory guarantees; here
 * is what depends on the cards.
 *
 * other-config:pci is a list "N/DDDD:BB:DD.F,…", as with XenServer: the numbers give the order in the guest.
 */
#include "manager/internal.h"

#include <ctype.h>
#include <signal.h>

#include "util/bdf.h"

#define ADDRESS_LENGTH 12 /* of DDDD:BB:DD.F */

bool address_normal(const char *text, char address[ADDRESS_BYTES])
{
	uint16_t domain, routing_id;

	if (strlen(text) != ADDRESS_LENGTH || bdf_parse(text, &domain, &routing_id))
		return false;
	bdf_format(domain, routing_id, address);
	return true;
}

/* XenServer's words */

struct item {
	unsigned long number;
	char address[ADDRESS_BYTES];
};

static bool parse_item(const char *word, struct item *item)
{
	char *end;

	if (!isdigit((unsigned char)*word))
		return false;
	errno = 0;
	item->number = strtoul(word, &end, 10);
	return !errno && *end == '/' && address_normal(end + 1, item->address);
}

/* Keeps those of the same number as they came. */
static void insert_item(struct item *items, unsigned int n, const struct item *item)
{
	while (n && items[n - 1].number > item->number) {
		items[n] = items[n - 1];
		n--;
	}
	items[n] = *item;
}

static int check_new(const json_t *functions, const char *address, struct failure *failure)
{
	const json_t *other;
	size_t i;

	json_array_foreach (functions, i, other)
		if (!strcmp(json_string_value(other), address))
			return fail(failure, PCI_DEVICE_DUPLICATE, PARAMS(address),
				    "%s is named twice", address);
	if (json_array_size(functions) == VMM_MAX_FUNCTIONS)
		return fail(failure, VALUE_INVALID, PARAMS("pci", address),
			    "a VM takes at most %d functions", VMM_MAX_FUNCTIONS);
	return 0;
}

json_t *assign_parse(const char *text, struct failure *failure)
{
	struct item items[VMM_MAX_FUNCTIONS + 1];
	unsigned int n = 0;
	json_t *functions = json_array();
	const char *rest = text;
	int error = 0;

	while (*rest && n < ARRAY_SIZE(items)) {
		struct item item;
		size_t length = strcspn(rest, ",");
		char word[64] = "";

		memcpy(word, rest, MIN(length, sizeof(word) - 1));
		text_repair(word);
		rest += length;
		if (!parse_item(word, &item) || (*rest == ',' && !rest[1])) {
			fail(failure, PCI_ADDRESS_INVALID, PARAMS(word),
			     "'%s' is not an index and a PCI address like 0/0000:07:10.0", word);
			json_decref(functions);
			return NULL;
		}
		rest += *rest == ',';
		insert_item(items, n++, &item);
	}
	for (unsigned int i = 0; !error && i < n; i++) {
		error = check_new(functions, items[i].address, failure);
		if (!error)
			json_array_append_new(functions, json_string(items[i].address));
	}
	if (!error)
		return functions;
	json_decref(functions);
	return NULL;
}

json_t *assign_format(const json_t *functions)
{
	char text[VMM_MAX_FUNCTIONS * (ADDRESS_BYTES + 4)] = "";
	const json_t *function;
	size_t i;

	json_array_foreach (functions, i, function)
		snprintf(text + strlen(text), sizeof(text) - strlen(text), "%s%zu/%s", i ? "," : "",
			 i, json_string_value(function));
	return json_string(text);
}

json_t *assign_list(const json_t *given, struct failure *failure)
{
	json_t *functions = json_array();
	char address[ADDRESS_BYTES];
	const json_t *function;
	int error = 0;
	size_t i;

	if (!json_is_array(given))
		error = fail(failure, VALUE_INVALID, PARAMS("pci", ""),
			     "pci must be a list of addresses");
	json_array_foreach (given, i, function) {
		const char *text = json_string_value(function);

		if (!text || !address_normal(text, address))
			error = fail(failure, PCI_ADDRESS_INVALID, PARAMS(text ? text : "?"),
				     "'%s' is not a PCI address like 0000:07:10.0",
				     text ? text : "?");
		else
			error = check_new(functions, address, failure);
		if (error)
			break;
		json_array_append_new(functions, json_string(address));
	}
	if (!error)
		return functions;
	json_decref(functions);
	return NULL;
}

/* Rules */

int assign_find(const json_t *tree, const char *address, struct node *node, struct failure *failure)
{
	if (tree_find(tree, address, node) && node->vf)
		return 0;
	if (tree_in_vm(tree, address))
		return fail(failure, PCI_DEVICE_WRONG_MODE, PARAMS(address),
			    "%s: the card is in a VM, which has not made this VF", address);
	return fail(failure, PCI_DEVICE_MISSING, PARAMS(address), "no VF %s here", address);
}

/* A client whose process has ended has lost the VF, whether or not the card has noticed. */
static bool is_alive(pid_t pid)
{
	return pid > 0 && (!kill(pid, 0) || errno != ESRCH);
}

static int check_unused(struct manager *manager, const struct node *node, struct failure *failure)
{
	const char *address = string_of(node->vf, "address");
	pid_t pid = attached_of(node->vf);
	const char *vm = pid ? run_of_pid(manager, pid) : NULL;
	char client[32];

	if (!is_alive(pid))
		return 0;
	snprintf(client, sizeof(client), "pid %ld", (long)pid);
	return fail(failure, PCI_DEVICE_IN_USE, PARAMS(address, vm ? vm : client),
		    "%s is in use by %s %s", address, vm ? "VM" : "the process", vm ? vm : client);
}

/* In vm mode the card's VM gives its VFs away by not using them. */
static int check_given(const struct node *node, struct failure *failure)
{
	const char *address = string_of(node->vf, "address");

	if (strcmp(string_of(node->vf, "custody"), "home") ||
	    (!json_is_true(json_object_get(node->vf, "receive_enabled")) &&
	     !json_is_true(json_object_get(node->vf, "transmit_enabled"))))
		return 0;
	return fail(failure, PCI_DEVICE_WRONG_MODE, PARAMS(address),
		    "%s: the card is in a VM, which uses this VF itself", address);
}

int assign_usable(struct manager *manager, const json_t *tree, const char *address,
		  struct node *node, struct failure *failure)
{
	int error = assign_find(tree, address, node, failure);

	if (!error)
		error = check_unused(manager, node, failure);
	return error ? error : check_given(node, failure);
}

static bool contains(const json_t *functions, const char *address)
{
	const json_t *function;
	size_t i;

	json_array_foreach (functions, i, function)
		if (!strcmp(json_string_value(function), address))
			return true;
	return false;
}

static int in_use(const char *address, const char *holder, struct failure *failure)
{
	return fail(failure, PCI_DEVICE_IN_USE, PARAMS(address, holder), "%s is assigned to VM %s",
		    address, holder);
}

int assign_check(struct manager *manager, const json_t *tree, const char *uuid, const json_t *now,
		 const json_t *functions, struct failure *failure)
{
	const json_t *function;
	size_t i;

	json_array_foreach (functions, i, function) {
		const char *address = json_string_value(function);
		char holder[UUID_BYTES];
		struct node node;

		if (contains(now, address))
			continue;
		if (!store_holder(manager->store, address, holder) &&
		    (!uuid || strcmp(holder, uuid)))
			return in_use(address, holder, failure);
		if (assign_usable(manager, tree, address, &node, failure))
			return -1;
	}
	return 0;
}

int assign_failed(struct manager *manager, int error, const char *uuid, const json_t *functions,
		  const struct reason *why, struct failure *failure)
{
	const json_t *function;
	size_t i;

	if (error == -ENOENT)
		return fail(failure, UUID_INVALID, PARAMS("VM", uuid), "no VM %s here", uuid);
	if (error == -EBUSY)
		json_array_foreach (functions, i, function) {
			const char *address = json_string_value(function);
			char holder[UUID_BYTES];

			if (!store_holder(manager->store, address, holder) && strcmp(holder, uuid))
				return in_use(address, holder, failure);
		}
	return fail_store(failure, why);
}
