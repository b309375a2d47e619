/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * internal.h - between the files of the room: functions.c (who is there), tree.c (names and places), attribute.c (what
 * is in the files), number.c (what is written to them), serve.c (FUSE requests), mount.c (thread, beginning and end).
 */
#ifndef SOFTIOV_SYSFS_INTERNAL_H
#define SOFTIOV_SYSFS_INTERNAL_H

#include <sys/stat.h>
#include "sysfs/sysfs.h"
#include "util/log.h"

#define SYSFS_PAGE 4096u    /* a text attribute is at most a page, as a kernel's on x86 */
#define SYSFS_NAME_MAX 32   /* of an entry, with its end */
#define SYSFS_TARGET_MAX 64 /* of a symbolic link, with its end */

struct fuse_lowlevel_ops;
struct fuse_session;

/** struct sysfs_list - functions in the order of domain and routing ID. */
struct sysfs_list {
	struct sysfs_function *function;
	unsigned int count, room;
};

/**
 * struct sysfs - the tree.
 * @generation: of @list
 * @no_autoprobe: PFs whose sriov_drivers_autoprobe is off, by routing ID; one domain's PFs are never so many that two
 *	cards share one
 * @open_directories: each holds a list of its entries
 */
struct sysfs {
	const struct sysfs_ops *ops;
	void *ctx;
	struct sysfs_list list;
	uint64_t generation;
	bool listed;
	uint8_t no_autoprobe[(UINT16_MAX + 1) / 8];
	time_t born;
	unsigned int open_directories;
	struct log_limit limit;
	struct mount *mount; /* mount.c */
};

/* functions.c */

/** functions_refresh() - list the functions again if anything changed. Return: 0 or -errno. */
int functions_refresh(struct sysfs *sysfs);

/** functions_find() - NULL: not there. Valid until the next functions_refresh(). */
const struct sysfs_function *functions_find(const struct sysfs *sysfs, uint16_t domain,
					    uint16_t routing_id);
void functions_free(struct sysfs *sysfs);

/* tree.c */

enum node_kind {
	NODE_ROOT,		       /* / and, in the bare view, /bare */
	NODE_BUS,		       /* bus */
	NODE_PCI,		       /* bus/pci */
	NODE_PCI_DEVICES,	       /* bus/pci/devices */
	NODE_PCI_DRIVERS,	       /* bus/pci/drivers */
	NODE_PCI_DRIVER,	       /* bus/pci/drivers/NAME; @index: which */
	NODE_PCI_SLOTS,		       /* bus/pci/slots */
	NODE_DEVICES,		       /* devices */
	NODE_HOST_BRIDGE,	       /* devices/pciDDDD:BB; @routing_id: of its first function */
	NODE_FUNCTION,		       /* …/DDDD:BB:DD.F */
	NODE_ATTRIBUTE,		       /* …/NAME; @index: in the table of attributes */
	NODE_LINKS,		       /* from here on symbolic links */
	NODE_DEVICE_LINK = NODE_LINKS, /* bus/pci/devices/DDDD:BB:DD.F */
	NODE_BOUND_LINK,	       /* bus/pci/drivers/NAME/DDDD:BB:DD.F; @index: the driver */
	NODE_SUBSYSTEM_LINK,	       /* …/DDDD:BB:DD.F/subsystem */
	NODE_DRIVER_LINK,	       /* …/driver; @index: which */
	NODE_PHYSFN_LINK,	       /* …/physfn */
	NODE_VIRTFN_LINK,	       /* …/virtfnN; @index: N */
	NODE_KINDS,
};

/** struct node - a place in the tree; its inode number holds all of it, so nothing is kept of what was looked up. */
struct node {
	enum node_kind kind;
	enum sysfs_view view;
	uint8_t index;
	uint16_t domain, routing_id;
};

uint64_t node_ino(const struct node *node);
/** node_of() - Return: 0, or -ESTALE: @ino was never one of ours. */
int node_of(uint64_t ino, struct node *node);

/** tree_lookup() - entry @name of directory @parent. Return: 0 with @child, -ENOENT, -ENOTDIR. */
int tree_lookup(const struct sysfs *sysfs, const struct node *parent, const char *name,
		struct node *child);

/** tree_list() - call @emit for each entry but . and .. until it returns false. */
void tree_list(const struct sysfs *sysfs, const struct node *parent,
	       bool (*emit)(void *ctx, const char *name, const struct node *child), void *ctx);

/** tree_parent() - the directory @node is in. */
struct node tree_parent(const struct sysfs *sysfs, const struct node *node);

/** tree_stat() - Return: 0 or -ENOENT: the function, or the driver of it, is gone. */
int tree_stat(const struct sysfs *sysfs, const struct node *node, struct stat *st);

/** tree_readlink() - Return: 0, -ENOENT or -EINVAL: not a symbolic link. */
int tree_readlink(const struct sysfs *sysfs, const struct node *node,
		  char target[SYSFS_TARGET_MAX]);

/** tree_driver_name() - as lspci -k shows it. */
const char *tree_driver_name(enum sysfs_driver driver);

/* attribute.c */

/** struct access - a function whose attribute is read or written, and how. */
struct access {
	struct sysfs *sysfs;
	const struct sysfs_function *function;
	enum sysfs_view view;
	bool privileged; /* root, or who runs the daemon: may see more than the header of configuration space */
};

/**
 * struct attribute - a file of a function.
 * @mode: of the virtual view; the bare view is read-only
 * @kinds: which functions have it
 * @size: as stat tells, except for "vpd"
 * @show: fill @page. Return: length or -errno
 * @store: @text is one page at most and ended by a null byte. Return: 0 or -errno
 * @read, @write: of a binary attribute instead. Return: bytes or -errno
 */
struct attribute {
	const char *name;
	mode_t mode;
	unsigned int kinds;
	unsigned int size;
	int (*show)(const struct access *access, char page[SYSFS_PAGE]);
	int (*store)(const struct access *access, const char *text);
	int (*read)(const struct access *access, uint64_t offset, void *data, size_t len);
	int (*write)(const struct access *access, uint64_t offset, const void *data, size_t len);
};

/** attribute_get() - number @index of the table; NULL: past its end. */
const struct attribute *attribute_get(unsigned int index);

/** attribute_visible() - does @function have it, in this view? */
bool attribute_visible(const struct attribute *attribute, const struct sysfs_function *function,
		       enum sysfs_view view);

/** attribute_mode() - permission bits. */
mode_t attribute_mode(const struct attribute *attribute, enum sysfs_view view);

/** attribute_read(), attribute_write() - with a kernel's cuts. Return: bytes or -errno. */
int attribute_read(const struct attribute *attribute, const struct access *access, uint64_t offset,
		   void *data, size_t len);
int attribute_write(const struct attribute *attribute, const struct access *access, uint64_t offset,
		    const void *data, size_t len);

/** refused() - log, at a limited rate, why @attribute was refused. Return: @error. */
int refused(const struct access *access, const char *attribute, int error,
	    const struct reason *why);

/* control.c: the attributes that do something when they are written; as struct attribute.store and .write */
int store_numvfs(const struct access *access, const char *text);
int store_autoprobe(const struct access *access, const char *text);
int store_msix_count(const struct access *access, const char *text);
int store_reset(const struct access *access, const char *text);
int store_enable(const struct access *access, const char *text);
int store_numa_node(const struct access *access, const char *text);
int store_remove(const struct access *access, const char *text);
int store_rescan(const struct access *access, const char *text);
int write_config(const struct access *access, uint64_t offset, const void *data, size_t len);
bool autoprobe(const struct access *access);

/* number.c: as kstrtoull(), kstrtoint() and kstrtobool() of Linux. Return: 0, -EINVAL or -ERANGE. */
int parse_unsigned(const char *text, uint64_t max, uint64_t *value);
int parse_int(const char *text, int *value);
int parse_bool(const char *text, bool *value);

/* serve.c */
extern const struct fuse_lowlevel_ops sysfs_fuse_ops;

#endif
