/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * tree.c - finding PFs and VFs in the tree that GET /v1/show answers: cards[], ports[], pfs[], vfs[].
 */
#include "manager/internal.h"

#define CARD_BUSES 3 /* a card's VFs spill into the two buses after its own */

static bool each_vf(struct node *node, bool (*visit)(void *ctx, const struct node *node), void *ctx)
{
	const json_t *vf;
	size_t i;

	node->vf = NULL;
	if (visit(ctx, node))
		return true;
	json_array_foreach (json_object_get(node->pf, "vfs"), i, vf) {
		node->vf = vf;
		if (visit(ctx, node))
			return true;
	}
	return false;
}

bool tree_each(const json_t *tree, bool (*visit)(void *ctx, const struct node *node), void *ctx)
{
	struct node node;
	size_t i, k, l;

	json_array_foreach (json_object_get(tree, "cards"), i, node.card)
		json_array_foreach (json_object_get(node.card, "ports"), k, node.port)
			json_array_foreach (json_object_get(node.port, "pfs"), l, node.pf)
				if (each_vf(&node, visit, ctx))
					return true;
	return false;
}

struct search {
	const char *address;
	struct node *found;
};

static bool is_it(void *ctx, const struct node *node)
{
	struct search *search = ctx;

	if (strcmp(string_of(node->vf ? node->vf : node->pf, "address"), search->address))
		return false;
	*search->found = *node;
	return true;
}

bool tree_find(const json_t *tree, const char *address, struct node *node)
{
	struct search search = { address, node };

	return tree_each(tree, is_it, &search);
}

bool tree_in_vm(const json_t *tree, const char *address)
{
	unsigned int domain, bus, card_domain, card_bus;
	const json_t *card;
	size_t i;

	if (sscanf(address, "%4x:%2x", &domain, &bus) != 2)
		return false;
	json_array_foreach (json_object_get(tree, "cards"), i, card)
		if (sscanf(string_of(card, "address"), "%4x:%2x", &card_domain, &card_bus) == 2 &&
		    card_domain == domain && bus >= card_bus && bus < card_bus + CARD_BUSES)
			return !strcmp(string_of(card, "mode"), "vm");
	return false;
}
