/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * region.c - the client's maps in order of their IOVA: a treap.
 *
 * A treap is a search tree by key (IOVA) and a heap by a random priority, which keeps it balanced
 * whatever the order in which a guest maps. It is made of two operations, both one descent: split a
 * tree at a key, and merge two trees of which all of one lies before the other. Taking a range out,
 * however many regions it holds, is two splits and a merge.
 *
 * R. Seidel, C. Aragon: Randomized Search Trees, Algorithmica 16 (1996).
 */
#include "iommu/internal.h"

/* All of @tree that begins before @iova goes to *@left, the rest to *@right. */
static void split(struct region *tree, uint64_t iova, struct region **left, struct region **right)
{
	while (tree) {
		if (tree->iova < iova) {
			*left = tree;
			left = &tree->right;
			tree = tree->right;
		} else {
			*right = tree;
			right = &tree->left;
			tree = tree->left;
		}
	}
	*left = NULL;
	*right = NULL;
}

static struct region *merge(struct region *left, struct region *right)
{
	struct region *root, **link = &root;

	while (left && right) {
		if (left->priority > right->priority) {
			*link = left;
			link = &left->right;
			left = left->right;
		} else {
			*link = right;
			link = &right->left;
			right = right->left;
		}
	}
	*link = left ? left : right;
	return root;
}

struct region *region_floor(struct region *root, uint64_t iova)
{
	struct region *floor = NULL;

	while (root) {
		if (root->iova <= iova) {
			floor = root;
			root = root->right;
		} else {
			root = root->left;
		}
	}
	return floor;
}

void region_insert(struct region **root, struct region *region)
{
	while (*root && (*root)->priority >= region->priority)
		root = region->iova < (*root)->iova ? &(*root)->left : &(*root)->right;
	split(*root, region->iova, &region->left, &region->right);
	*root = region;
}

struct region *region_cut(struct region **root, uint64_t first, uint64_t last)
{
	struct region *left, *middle, *right = NULL;

	split(*root, first, &left, &middle);
	if (last != UINT64_MAX)
		split(middle, last + 1, &middle, &right);
	*root = merge(left, right);
	return middle;
}

/* Rotates the first region to the top: no stack, and a whole tree is popped in linear time. */
struct region *region_pop(struct region **root)
{
	struct region *top = *root;

	while (top->left) {
		struct region *first = top->left;

		top->left = first->right;
		first->right = top;
		top = first;
	}
	*root = top->right;
	return top;
}
