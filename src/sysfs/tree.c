/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * tree.c - names and places: which entries a directory has, where a symbolic link leads, what stat tells.
 *
 *	bus/pci/devices/DDDD:BB:DD.F -> ../../../devices/pciDDDD:BB/DDDD:BB:DD.F
 *	bus/pci/drivers/NAME/DDDD:BB:DD.F -> ../../../../devices/…
 *	bus/pci/slots/
 *	devices/pciDDDD:BB/DDDD:BB:DD.F/{attributes, subsystem, driver, physfn, virtfnN}
 *	bare/{bus, devices}: the same with VFs as the bus has them
 *
 * A kernel has a host bridge above a card's bus, and below that the card itself when its bus is the bridge's own:
 * that is how the cards appear, each on a root bus. VFs that spill over to the next bus are below the same bridge,
 * as Linux's virtual buses are (drivers/pci/iov.c, virtfn_add_bus()).
 *
 * A node is a few numbers, and so is its inode number: the tree needs no memory for what was looked up.
 */
#include <stdio.h>
#include <unistd.h>

#include "sysfs/internal.h"
#include "util/bdf.h"

#define ROOT_INO 1 /* FUSE_ROOT_ID */
#define RID_BITS 16
#define DOMAIN_BITS 16
#define INDEX_BITS 8
#define VIEW_BITS 1
#define DOMAIN_SHIFT RID_BITS
#define INDEX_SHIFT (DOMAIN_SHIFT + DOMAIN_BITS)
#define VIEW_SHIFT (INDEX_SHIFT + INDEX_BITS)
#define KIND_SHIFT (VIEW_SHIFT + VIEW_BITS)
#define BUS_SHIFT 8

static const char *const driver_names[SYSFS_DRIVERS] = {
	[SYSFS_PF_DRIVER] = "softiov-pf", [SYSFS_CLIENT] = "vfio-user"
};

const char *tree_driver_name(enum sysfs_driver driver)
{
	return driver_names[driver];
}

uint64_t node_ino(const struct node *node)
{
	if (node->kind == NODE_ROOT && node->view == SYSFS_VIRTUAL)
		return ROOT_INO;
	return (uint64_t)(node->kind + 1) << KIND_SHIFT | (uint64_t)node->view << VIEW_SHIFT |
	       (uint64_t)node->index << INDEX_SHIFT | (uint64_t)node->domain << DOMAIN_SHIFT |
	       node->routing_id;
}

int node_of(uint64_t ino, struct node *node)
{
	uint64_t kind = ino >> KIND_SHIFT;

	*node = (struct node){ .kind = NODE_ROOT };
	if (ino == ROOT_INO)
		return 0;
	if (!kind || kind > NODE_KINDS)
		return -ESTALE;
	*node = (struct node){ .kind = (enum node_kind)(kind - 1),
			       .view = (enum sysfs_view)(ino >> VIEW_SHIFT & BIT(0)),
			       .index = (uint8_t)(ino >> INDEX_SHIFT),
			       .domain = (uint16_t)(ino >> DOMAIN_SHIFT),
			       .routing_id = (uint16_t)ino };
	return 0;
}

static const struct sysfs_function *function_of(const struct sysfs *sysfs, const struct node *node)
{
	return functions_find(sysfs, node->domain, node->routing_id);
}

static uint16_t bridge_of(const struct sysfs_function *function)
{
	return (uint16_t)(function->root_bus << BUS_SHIFT);
}

/* Who drives it in this view: a bare VF is nobody's. */
static enum sysfs_driver driver_of(const struct sysfs_function *function, enum sysfs_view view)
{
	return view == SYSFS_BARE && function->is_vf ? SYSFS_NO_DRIVER : function->driver;
}

static bool has_virtfn(const struct sysfs_function *function, unsigned int vf)
{
	return !function->is_vf && vf < function->num_vfs;
}

static uint16_t virtfn(const struct sysfs_function *pf, unsigned int vf)
{
	return (uint16_t)(pf->routing_id + pf->vf_offset + vf * pf->vf_stride);
}

/* Listing */

struct emitter {
	const struct sysfs *sysfs;
	const struct node *parent;
	bool (*emit)(void *ctx, const char *name, const struct node *child);
	void *ctx;
};

static bool emit(const struct emitter *e, const char *name, struct node child)
{
	child.view = e->parent->view;
	return e->emit(e->ctx, name, &child);
}

static void list_root(const struct emitter *e)
{
	static const struct node bare = { .kind = NODE_ROOT, .view = SYSFS_BARE };

	if (emit(e, "bus", (struct node){ .kind = NODE_BUS }) &&
	    emit(e, "devices", (struct node){ .kind = NODE_DEVICES }) &&
	    e->parent->view == SYSFS_VIRTUAL)
		e->emit(e->ctx, "bare", &bare);
}

static void list_pci(const struct emitter *e)
{
	if (emit(e, "devices", (struct node){ .kind = NODE_PCI_DEVICES }) &&
	    emit(e, "drivers", (struct node){ .kind = NODE_PCI_DRIVERS }))
		emit(e, "slots", (struct node){ .kind = NODE_PCI_SLOTS });
}

static void list_drivers(const struct emitter *e)
{
	for (enum sysfs_driver i = SYSFS_NO_DRIVER + 1; i < SYSFS_DRIVERS; i++)
		if (!emit(e, driver_names[i],
			  (struct node){ .kind = NODE_PCI_DRIVER, .index = (uint8_t)i }))
			return;
}

static void list_bridges(const struct emitter *e)
{
	char name[SYSFS_NAME_MAX];
	const struct sysfs_function *before = NULL;

	for (unsigned int i = 0; i < e->sysfs->list.count; i++) {
		const struct sysfs_function *f = &e->sysfs->list.function[i];

		if (before && before->domain == f->domain && before->root_bus == f->root_bus)
			continue;
		before = f;
		snprintf(name, sizeof(name), "pci%04x:%02x", f->domain, f->root_bus);
		if (!emit(e, name,
			  (struct node){ .kind = NODE_HOST_BRIDGE,
					 .domain = f->domain,
					 .routing_id = bridge_of(f) }))
			return;
	}
}

/* Is @function in this directory of functions, or of links to them? */
static bool is_member(const struct node *parent, const struct sysfs_function *function)
{
	switch (parent->kind) {
	case NODE_PCI_DRIVER:
		return driver_of(function, parent->view) == (enum sysfs_driver)parent->index;
	case NODE_HOST_BRIDGE:
		return function->domain == parent->domain &&
		       bridge_of(function) == parent->routing_id;
	default:
		return true;
	}
}

static struct node member(const struct node *parent, const struct sysfs_function *function)
{
	return (struct node){ .kind = parent->kind == NODE_PCI_DRIVER	 ? NODE_BOUND_LINK
				      : parent->kind == NODE_PCI_DEVICES ? NODE_DEVICE_LINK
									 : NODE_FUNCTION,
			      .view = parent->view,
			      .index = parent->kind == NODE_PCI_DRIVER ? parent->index : 0,
			      .domain = function->domain,
			      .routing_id = function->routing_id };
}

static void list_members(const struct emitter *e)
{
	char name[SYSFS_NAME_MAX];

	for (unsigned int i = 0; i < e->sysfs->list.count; i++) {
		const struct sysfs_function *f = &e->sysfs->list.function[i];

		bdf_format(f->domain, f->routing_id, name);
		if (is_member(e->parent, f) && !emit(e, name, member(e->parent, f)))
			return;
	}
}

static bool list_links(const struct emitter *e, const struct sysfs_function *f, struct node child)
{
	enum sysfs_driver driver = driver_of(f, e->parent->view);
	char name[SYSFS_NAME_MAX];

	child.kind = NODE_SUBSYSTEM_LINK;
	if (!emit(e, "subsystem", child))
		return false;
	child.kind = NODE_DRIVER_LINK;
	child.index = (uint8_t)driver;
	if (driver != SYSFS_NO_DRIVER && !emit(e, "driver", child))
		return false;
	child.index = 0;
	child.kind = NODE_PHYSFN_LINK;
	if (f->is_vf && !emit(e, "physfn", child))
		return false;
	child.kind = NODE_VIRTFN_LINK;
	for (unsigned int vf = 0; has_virtfn(f, vf); vf++) {
		child.index = (uint8_t)vf;
		snprintf(name, sizeof(name), "virtfn%u", vf);
		if (!emit(e, name, child))
			return false;
	}
	return true;
}

static void list_function(const struct emitter *e)
{
	const struct sysfs_function *f = function_of(e->sysfs, e->parent);
	struct node child = *e->parent;
	const struct attribute *attribute;

	if (!f || !list_links(e, f, child))
		return;
	child.kind = NODE_ATTRIBUTE;
	for (unsigned int i = 0; (attribute = attribute_get(i)); i++) {
		child.index = (uint8_t)i;
		if (attribute_visible(attribute, f, child.view) && !emit(e, attribute->name, child))
			return;
	}
}

void tree_list(const struct sysfs *sysfs, const struct node *parent,
	       bool (*fn)(void *ctx, const char *name, const struct node *child), void *ctx)
{
	const struct emitter e = { .sysfs = sysfs, .parent = parent, .emit = fn, .ctx = ctx };

	switch (parent->kind) {
	case NODE_ROOT:
		list_root(&e);
		break;
	case NODE_BUS:
		emit(&e, "pci", (struct node){ .kind = NODE_PCI });
		break;
	case NODE_PCI:
		list_pci(&e);
		break;
	case NODE_PCI_DRIVERS:
		list_drivers(&e);
		break;
	case NODE_DEVICES:
		list_bridges(&e);
		break;
	case NODE_PCI_DEVICES:
	case NODE_PCI_DRIVER:
	case NODE_HOST_BRIDGE:
		list_members(&e);
		break;
	case NODE_FUNCTION:
		list_function(&e);
		break;
	default:
		break;
	}
}

/* Look-up: by listing, but for the directories that may have hundreds of functions. */

struct wanted {
	const char *name;
	struct node *child;
	bool found;
};

static bool is_wanted(void *ctx, const char *name, const struct node *child)
{
	struct wanted *wanted = ctx;

	wanted->found = !strcmp(name, wanted->name);
	if (wanted->found)
		*wanted->child = *child;
	return !wanted->found;
}

int tree_lookup(const struct sysfs *sysfs, const struct node *parent, const char *name,
		struct node *child)
{
	struct wanted wanted = { .name = name, .child = child };
	const struct sysfs_function *f;
	uint16_t domain, rid;

	if (parent->kind >= NODE_ATTRIBUTE)
		return -ENOTDIR;
	if (parent->kind == NODE_PCI_DEVICES || parent->kind == NODE_PCI_DRIVER ||
	    parent->kind == NODE_HOST_BRIDGE) {
		f = bdf_is_canonical(name) && !bdf_parse(name, &domain, &rid)
			    ? functions_find(sysfs, domain, rid)
			    : NULL;
		if (!f || !is_member(parent, f))
			return -ENOENT;
		*child = member(parent, f);
		return 0;
	}
	tree_list(sysfs, parent, is_wanted, &wanted);
	return wanted.found ? 0 : -ENOENT;
}

struct node tree_parent(const struct sysfs *sysfs, const struct node *node)
{
	static const enum node_kind parents[NODE_KINDS] = {
		[NODE_ROOT] = NODE_ROOT,
		[NODE_BUS] = NODE_ROOT,
		[NODE_PCI] = NODE_BUS,
		[NODE_PCI_DEVICES] = NODE_PCI,
		[NODE_PCI_DRIVERS] = NODE_PCI,
		[NODE_PCI_DRIVER] = NODE_PCI_DRIVERS,
		[NODE_PCI_SLOTS] = NODE_PCI,
		[NODE_DEVICES] = NODE_ROOT,
		[NODE_HOST_BRIDGE] = NODE_DEVICES,
		[NODE_FUNCTION] = NODE_HOST_BRIDGE,
	};
	const struct sysfs_function *f = function_of(sysfs, node);
	struct node parent = { .kind = parents[node->kind], .view = node->view };

	if (node->kind == NODE_ROOT)
		parent.view = SYSFS_VIRTUAL; /* of /bare */
	if (node->kind == NODE_FUNCTION) {
		parent.domain = node->domain;
		parent.routing_id = f ? bridge_of(f) : 0;
	}
	return parent;
}

/* Is what the node stands for still there? Directories that do not depend on a function always are. */
static bool exists(const struct sysfs *sysfs, const struct node *node)
{
	const struct sysfs_function *f = function_of(sysfs, node);
	const struct attribute *attribute;

	switch (node->kind) {
	case NODE_PCI_DRIVER:
		return node->index && node->index < SYSFS_DRIVERS;
	case NODE_FUNCTION:
	case NODE_DEVICE_LINK:
	case NODE_SUBSYSTEM_LINK:
		return f;
	case NODE_ATTRIBUTE:
		attribute = attribute_get(node->index);
		return f && attribute && attribute_visible(attribute, f, node->view);
	case NODE_BOUND_LINK:
	case NODE_DRIVER_LINK:
		return f && node->index &&
		       driver_of(f, node->view) == (enum sysfs_driver)node->index;
	case NODE_PHYSFN_LINK:
		return f && f->is_vf;
	case NODE_VIRTFN_LINK:
		return f && has_virtfn(f, node->index);
	default:
		return true;
	}
}

int tree_stat(const struct sysfs *sysfs, const struct node *node, struct stat *st)
{
	const struct sysfs_function *f = function_of(sysfs, node);
	const struct attribute *attribute;

	if (!exists(sysfs, node))
		return -ENOENT;
	*st = (struct stat){ .st_ino = node_ino(node),
			     .st_nlink = 1,
			     .st_uid = geteuid(),
			     .st_gid = getegid(),
			     .st_blksize = SYSFS_PAGE,
			     .st_atim.tv_sec = sysfs->born,
			     .st_mtim.tv_sec = sysfs->born,
			     .st_ctim.tv_sec = sysfs->born };
	if (node->kind >= NODE_LINKS) {
		st->st_mode = S_IFLNK | 0777;
	} else if (node->kind == NODE_ATTRIBUTE) {
		attribute = attribute_get(node->index);
		st->st_mode = S_IFREG | attribute_mode(attribute, node->view);
		st->st_size = attribute->size ? attribute->size : f->vpd_size;
	} else {
		st->st_mode = S_IFDIR | 0755;
		st->st_nlink = 2;
	}
	return 0;
}

int tree_readlink(const struct sysfs *sysfs, const struct node *node, char target[SYSFS_TARGET_MAX])
{
	const struct sysfs_function *f = function_of(sysfs, node);
	char address[SYSFS_NAME_MAX];

	if (node->kind < NODE_LINKS)
		return -EINVAL;
	if (!f || !exists(sysfs, node))
		return -ENOENT;
	bdf_format(f->domain, f->routing_id, address);
	switch (node->kind) {
	case NODE_DEVICE_LINK:
		snprintf(target, SYSFS_TARGET_MAX, "../../../devices/pci%04x:%02x/%s", f->domain,
			 f->root_bus, address);
		return 0;
	case NODE_BOUND_LINK:
		snprintf(target, SYSFS_TARGET_MAX, "../../../../devices/pci%04x:%02x/%s", f->domain,
			 f->root_bus, address);
		return 0;
	case NODE_DRIVER_LINK:
		snprintf(target, SYSFS_TARGET_MAX, "../../../bus/pci/drivers/%s",
			 driver_names[f->driver]);
		return 0;
	case NODE_PHYSFN_LINK:
		bdf_format(f->domain, f->pf, address);
		break;
	case NODE_VIRTFN_LINK:
		bdf_format(f->domain, virtfn(f, node->index), address);
		break;
	default:
		snprintf(target, SYSFS_TARGET_MAX, "../../../bus/pci");
		return 0;
	}
	snprintf(target, SYSFS_TARGET_MAX, "../%s", address);
	return 0;
}
