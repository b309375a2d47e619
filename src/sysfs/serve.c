/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * serve.c - FUSE requests (libfuse's low-level interface): look-ups by inode number, directories, files.
 *
 * Nothing here is cached by the kernel that may change: functions, their links and contents are asked for each
 * time, what never changes (bus/pci/devices; the files of a function that is there) only now and then. Files are
 * opened for direct I/O, so that a read or a write of the caller is one request with its size and offset, as sysfs
 * has it.
 *
 * A directory's entries are put together when it is opened: who reads it in pieces sees one state of it.
 */
#define FUSE_USE_VERSION 312

#include <fcntl.h>
#include <fuse_lowlevel.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "sysfs/internal.h"

#define LASTING_S 60.0 /* of what never changes */
#define ENTRIES_AT_FIRST 64
#define MAX_OPEN_DIRECTORIES 1024

static struct sysfs *sysfs_of(fuse_req_t req)
{
	return fuse_req_userdata(req);
}

static void fail(fuse_req_t req, int error)
{
	/* A stopping daemon's functions are gone: no caller knows ESHUTDOWN of a sysfs. */
	fuse_reply_err(req, error == -ESHUTDOWN ? ENODEV : -error);
}

/* What @ino stands for, with the functions as they are now. */
static int begin(fuse_req_t req, fuse_ino_t ino, struct node *node)
{
	int error = node_of(ino, node);

	return error ? error : functions_refresh(sysfs_of(req));
}

/* A name that stands for a function, or for a relation between functions, may be gone the next moment. */
static double lasts(const struct node *node)
{
	return node->kind < NODE_HOST_BRIDGE || node->kind == NODE_ATTRIBUTE ? LASTING_S : 0;
}

static void op_lookup(fuse_req_t req, fuse_ino_t parent, const char *name)
{
	struct fuse_entry_param entry = { 0 };
	struct node directory, node;
	int error = begin(req, parent, &directory);

	if (!error)
		error = tree_lookup(sysfs_of(req), &directory, name, &node);
	if (!error)
		error = tree_stat(sysfs_of(req), &node, &entry.attr);
	if (error) {
		fail(req, error);
		return;
	}
	entry.ino = node_ino(&node);
	entry.entry_timeout = entry.attr_timeout = lasts(&node);
	fuse_reply_entry(req, &entry);
}

static void op_getattr(fuse_req_t req, fuse_ino_t ino, struct fuse_file_info *fi)
{
	struct node node;
	struct stat st;
	int error = begin(req, ino, &node);

	(void)fi;
	if (!error)
		error = tree_stat(sysfs_of(req), &node, &st);
	if (error)
		fail(req, error);
	else
		fuse_reply_attr(req, &st, lasts(&node));
}

/* "echo 8 > file" truncates first; times are set by who touches. Modes and owners stay. */
static void op_setattr(fuse_req_t req, fuse_ino_t ino, struct stat *attr, int to_set,
		       struct fuse_file_info *fi)
{
	(void)attr;
	if (to_set & (FUSE_SET_ATTR_MODE | FUSE_SET_ATTR_UID | FUSE_SET_ATTR_GID))
		fail(req, -EPERM);
	else
		op_getattr(req, ino, fi);
}

static void op_readlink(fuse_req_t req, fuse_ino_t ino)
{
	char target[SYSFS_TARGET_MAX];
	struct node node;
	int error = begin(req, ino, &node);

	if (!error)
		error = tree_readlink(sysfs_of(req), &node, target);
	if (error)
		fail(req, error);
	else
		fuse_reply_readlink(req, target);
}

/* Directories */

/* struct listing - an open directory. A reader's position is the number of the next entry, whatever it makes of it. */
struct listing {
	struct entry {
		uint64_t ino;
		mode_t type;
		char name[SYSFS_NAME_MAX];
	} * entry;
	unsigned int count, room;
	bool failed;
};

static bool add_entry(void *ctx, const char *name, const struct node *node)
{
	struct listing *l = ctx;

	if (l->count == l->room) {
		unsigned int room = 2 * l->room + ENTRIES_AT_FIRST;
		struct entry *grown = realloc(l->entry, room * sizeof(*grown));

		l->failed = !grown;
		if (!grown)
			return false;
		l->entry = grown;
		l->room = room;
	}
	l->entry[l->count] = (struct entry){ .ino = node_ino(node),
					     .type = node->kind >= NODE_LINKS	    ? S_IFLNK
						     : node->kind == NODE_ATTRIBUTE ? S_IFREG
										    : S_IFDIR };
	snprintf(l->entry[l->count++].name, SYSFS_NAME_MAX, "%s", name);
	return true;
}

static void free_listing(struct sysfs *sysfs, struct listing *l)
{
	if (!l)
		return;
	sysfs->open_directories--;
	free(l->entry);
	free(l);
}

/* Everybody may open directories, so the memory that they take has a limit. */
static int new_listing(struct sysfs *sysfs, struct listing **l)
{
	*l = NULL;
	if (sysfs->open_directories >= MAX_OPEN_DIRECTORIES)
		return -ENFILE;
	*l = calloc(1, sizeof(**l));
	if (!*l)
		return -ENOMEM;
	sysfs->open_directories++;
	return 0;
}

static int list(struct sysfs *sysfs, const struct node *node, struct listing *l)
{
	struct node parent = tree_parent(sysfs, node);
	struct stat st;
	int error = tree_stat(sysfs, node, &st);

	if (error)
		return error;
	if (add_entry(l, ".", node) && add_entry(l, "..", &parent))
		tree_list(sysfs, node, add_entry, l);
	return l->failed ? -ENOMEM : 0;
}

static void op_opendir(fuse_req_t req, fuse_ino_t ino, struct fuse_file_info *fi)
{
	struct sysfs *sysfs = sysfs_of(req);
	struct listing *l;
	struct node node;
	int error = new_listing(sysfs, &l);

	if (!error)
		error = begin(req, ino, &node);
	if (!error)
		error = list(sysfs, &node, l);
	fi->fh = (uint64_t)(uintptr_t)l;
	if (error)
		fail(req, error);
	else if (!fuse_reply_open(req, fi))
		return; /* op_releasedir() frees it */
	free_listing(sysfs, l);
}

static void op_readdir(fuse_req_t req, fuse_ino_t ino, size_t size, off_t offset,
		       struct fuse_file_info *fi)
{
	const struct listing *l = (const struct listing *)(uintptr_t)fi->fh;
	char page[SYSFS_PAGE];
	size_t used = 0;

	(void)ino;
	size = MIN(size, sizeof(page));
	for (uint64_t i = (uint64_t)offset; i < l->count; i++) {
		const struct entry *entry = &l->entry[i];
		const struct stat st = { .st_ino = entry->ino, .st_mode = entry->type };
		size_t needed = fuse_add_direntry(req, page + used, size - used, entry->name, &st,
						  (off_t)(i + 1));

		if (needed > size - used)
			break;
		used += needed;
	}
	fuse_reply_buf(req, page, used);
}

static void op_releasedir(fuse_req_t req, fuse_ino_t ino, struct fuse_file_info *fi)
{
	(void)ino;
	free_listing(sysfs_of(req), (struct listing *)(uintptr_t)fi->fh);
	fuse_reply_err(req, 0);
}

/* Files */

static int find_attribute(fuse_req_t req, fuse_ino_t ino, const struct attribute **attribute,
			  struct access *access)
{
	const struct fuse_ctx *caller = fuse_req_ctx(req);
	struct sysfs *sysfs = sysfs_of(req);
	struct node node;
	int error = begin(req, ino, &node);

	if (error)
		return error;
	*attribute = node.kind == NODE_ATTRIBUTE ? attribute_get(node.index) : NULL;
	if (!*attribute)
		return -EISDIR;
	*access = (struct access){ .sysfs = sysfs,
				   .function = functions_find(sysfs, node.domain, node.routing_id),
				   .view = node.view,
				   .privileged = !caller->uid || caller->uid == geteuid() };
	if (!access->function || !attribute_visible(*attribute, access->function, access->view))
		return -ENODEV;
	return 0;
}

/* fs/kernfs/file.c: even root may not open an attribute for what it does not offer. */
static int check_mode(const struct attribute *attribute, const struct access *access, int flags)
{
	mode_t mode = attribute_mode(attribute, access->view);
	int how = flags & O_ACCMODE;

	if (how != O_WRONLY && !(mode & 0444))
		return -EACCES;
	return how != O_RDONLY && !(mode & 0222) ? -EACCES : 0;
}

static void op_open(fuse_req_t req, fuse_ino_t ino, struct fuse_file_info *fi)
{
	const struct attribute *attribute;
	struct access access;
	int error = find_attribute(req, ino, &attribute, &access);

	if (!error)
		error = check_mode(attribute, &access, fi->flags);
	if (error) {
		fail(req, error);
		return;
	}
	fi->direct_io = 1;
	fuse_reply_open(req, fi);
}

static void op_read(fuse_req_t req, fuse_ino_t ino, size_t size, off_t offset,
		    struct fuse_file_info *fi)
{
	const struct attribute *attribute;
	struct access access;
	char page[SYSFS_PAGE];
	int result = find_attribute(req, ino, &attribute, &access);

	(void)fi;
	if (!result)
		result = attribute_read(attribute, &access, (uint64_t)offset, page,
					MIN(size, sizeof(page)));
	if (result < 0)
		fail(req, result);
	else
		fuse_reply_buf(req, page, (size_t)result);
}

static void op_write(fuse_req_t req, fuse_ino_t ino, const char *data, size_t size, off_t offset,
		     struct fuse_file_info *fi)
{
	const struct attribute *attribute;
	struct access access;
	int result = find_attribute(req, ino, &attribute, &access);

	(void)fi;
	if (!result)
		result = attribute_write(attribute, &access, (uint64_t)offset, data, size);
	if (result < 0)
		fail(req, result);
	else
		fuse_reply_write(req, (size_t)result);
}

static void op_statfs(fuse_req_t req, fuse_ino_t ino)
{
	const struct statvfs st = { .f_bsize = SYSFS_PAGE,
				    .f_frsize = SYSFS_PAGE,
				    .f_namemax = SYSFS_NAME_MAX - 1 };

	(void)ino;
	fuse_reply_statfs(req, &st);
}

/* The tree cannot be changed. Which error says so is a kernel's: a missing inode operation. */

static void op_create(fuse_req_t req, fuse_ino_t parent, const char *name, mode_t mode,
		      struct fuse_file_info *fi)
{
	(void)parent, (void)name, (void)mode, (void)fi;
	fail(req, -EACCES);
}

static void op_mknod(fuse_req_t req, fuse_ino_t parent, const char *name, mode_t mode, dev_t rdev)
{
	(void)parent, (void)name, (void)mode, (void)rdev;
	fail(req, -EPERM);
}

static void op_mkdir(fuse_req_t req, fuse_ino_t parent, const char *name, mode_t mode)
{
	(void)parent, (void)name, (void)mode;
	fail(req, -EPERM);
}

static void op_unlink(fuse_req_t req, fuse_ino_t parent, const char *name)
{
	(void)parent, (void)name;
	fail(req, -EPERM);
}

static void op_symlink(fuse_req_t req, const char *target, fuse_ino_t parent, const char *name)
{
	(void)target, (void)parent, (void)name;
	fail(req, -EPERM);
}

static void op_rename(fuse_req_t req, fuse_ino_t parent, const char *name, fuse_ino_t to,
		      const char *to_name, unsigned int flags)
{
	(void)parent, (void)name, (void)to, (void)to_name, (void)flags;
	fail(req, -EPERM);
}

static void op_link(fuse_req_t req, fuse_ino_t ino, fuse_ino_t to, const char *to_name)
{
	(void)ino, (void)to, (void)to_name;
	fail(req, -EPERM);
}

const struct fuse_lowlevel_ops sysfs_fuse_ops = {
	.lookup = op_lookup,
	.getattr = op_getattr,
	.setattr = op_setattr,
	.readlink = op_readlink,
	.opendir = op_opendir,
	.readdir = op_readdir,
	.releasedir = op_releasedir,
	.open = op_open,
	.read = op_read,
	.write = op_write,
	.statfs = op_statfs,
	.create = op_create,
	.mknod = op_mknod,
	.mkdir = op_mkdir,
	.unlink = op_unlink,
	.rmdir = op_unlink,
	.symlink = op_symlink,
	.rename = op_rename,
	.link = op_link,
};
