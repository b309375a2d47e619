/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * guest_tree.c - a folder: a module tree (/lib/modules, or one release of it), or a root file system that has one. modules.dep
 * names every module and modules.builtin what is in the kernel's image (kmod's depmod(8)). Where a package was only unpacked
 * they may be missing: then the names of the files count. Links in it stay in it.
 */
#include <stdio.h>
#include <stdlib.h>

#include "check/guest.h"
#include "check/root.h"

#define RELEASES_MAX 64u
#define DEPTH_MAX 12u
#define NAMES_MAX 100000u

static bool read_list(struct check_root *root, const char *folder, const char *name, bool built_in,
		      struct guest_found *found)
{
	char *text = malloc(GUEST_LIST_BYTES + 1), path[512];
	ssize_t length = -ENOMEM;

	snprintf(path, sizeof(path), "%s/%s", folder, name);
	if (text)
		length = root_read(root, path, text, GUEST_LIST_BYTES);
	if (length >= 0) {
		text[length] = '\0';
		guest_list(found, text, built_in);
	}
	free(text);
	return length >= 0;
}

/* The modules below a folder; @budget bounds how much is looked at, also where links make a loop. */
static bool walk(struct check_root *root, const char *folder, unsigned int depth,
		 unsigned int *budget, struct guest_found *found)
{
	struct root_names names;
	bool any = false;
	char path[512];

	if (depth == DEPTH_MAX || root_list(root, folder, &names))
		return false;
	for (size_t i = 0; i < names.n && *budget; i++) {
		const char *name = names.name[i];

		--*budget;
		if (strstr(name, ".ko")) {
			guest_file_name(found, name, strlen(name));
			any = true;
		} else if (!strchr(name, '.') && snprintf(path, sizeof(path), "%s/%s", folder,
							  name) < (int)sizeof(path)) {
			any |= walk(root, path, depth + 1, budget, found);
		}
	}
	root_names_free(&names);
	return any;
}

static bool read_release(struct check_root *root, const char *folder, struct guest_found *found)
{
	bool modules = read_list(root, folder, "modules.dep", false, found);
	bool built_in = read_list(root, folder, "modules.builtin", true, found);
	unsigned int budget = NAMES_MAX;
	char path[512];

	snprintf(path, sizeof(path), "%s/kernel", folder);
	if (!modules)
		modules = walk(root, path, 0, &budget, found);
	return modules || built_in;
}

static bool read_releases(struct check_root *root, const char *folder, struct guest_found *found)
{
	struct root_names names;
	bool any = false;
	char path[400];

	if (root_list(root, folder, &names))
		return false;
	for (size_t i = 0; i < names.n && i < RELEASES_MAX; i++) {
		snprintf(path, sizeof(path), "%s/%s", folder, names.name[i]);
		any |= read_release(root, path, found);
	}
	root_names_free(&names);
	return any;
}

int guest_tree(const char *path, struct guest_found *found, struct reason *why)
{
	static const char *const places[] = { "/lib/modules", "/usr/lib/modules", "/" };
	struct check_root *root = root_open(path, why);
	bool any;

	if (!root)
		return -EACCES;
	snprintf(found->kind, sizeof(found->kind), "module tree");
	any = read_release(root, "", found);
	for (size_t i = 0; i < ARRAY_SIZE(places) && !any; i++)
		any = read_releases(root, places[i], found);
	root_close(root);
	return any ? 0
		   : refuse(why, -EOPNOTSUPP,
			    "neither modules nor modules.dep in it or its lib/modules");
}
