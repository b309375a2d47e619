/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * guest_disk.c - a raw disk image: bare, or with an MBR or GPT partition table (UEFI specification 5), and ext2, ext3 or ext4
 * in it, read by libext2fs without mounting. Other images and file systems are named, and nothing is guessed of them. Of
 * MBR's partitions the four primary ones are looked at.
 */
#include <ext2fs/ext2fs.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "check/guest.h"

#define SECTOR 512u
#define HEAD_BYTES 4096u
#define EXT_MAGIC_AT (1024u + 56u)
#define MBR_SIGNATURE_AT 510u
#define MBR_SIGNATURE 0xaa55
#define MBR_ENTRIES_AT 446u
#define MBR_ENTRY_BYTES 16u
#define MBR_ENTRIES 4u
#define MBR_ENTRY_TYPE 4u
#define MBR_ENTRY_START 8u
#define GPT_ENTRIES_LBA 72u
#define GPT_ENTRY_COUNT 80u
#define GPT_ENTRY_BYTES 84u
#define GPT_ENTRY_START 32u
#define PARTITIONS_MAX 128u
#define RELEASES_MAX 64u

struct disk {
	int fd;
	const char *path;
	struct guest_found *found;
	bool read; /* a module tree was */
};

/* One file system and the names in its module folder. */
struct tree {
	ext2_filsys fs;
	struct disk *disk;
	ext2_ino_t release[RELEASES_MAX];
	unsigned int releases;
};

static bool read_at(int fd, uint64_t at, void *data, size_t size)
{
	return at <= INT64_MAX - size && pread(fd, data, size, (off_t)at) == (ssize_t)size;
}

static void read_list(struct tree *tree, ext2_ino_t folder, const char *name, bool built_in)
{
	char *text = malloc(GUEST_LIST_BYTES + 1);
	unsigned int length = 0;
	ext2_file_t file;
	ext2_ino_t inode;

	if (text && !ext2fs_namei_follow(tree->fs, EXT2_ROOT_INO, folder, name, &inode) &&
	    !ext2fs_file_open(tree->fs, inode, 0, &file)) {
		if (!ext2fs_file_read(file, text, GUEST_LIST_BYTES, &length) && length) {
			text[length] = '\0';
			guest_list(tree->disk->found, text, built_in);
			tree->disk->read = true;
		}
		ext2fs_file_close(file);
	}
	free(text);
}

static int on_release(struct ext2_dir_entry *entry, int offset, int blocksize, char *buffer,
		      void *ctx)
{
	struct tree *tree = ctx;

	if (entry->inode && (ext2fs_dirent_name_len(entry) != 1 || entry->name[0] != '.') &&
	    (ext2fs_dirent_name_len(entry) != 2 || memcmp(entry->name, "..", 2)))
		tree->release[tree->releases++] = entry->inode;
	return tree->releases == RELEASES_MAX ? DIRENT_ABORT : 0;
}

static void read_file_system(struct disk *disk, uint64_t offset)
{
	static const char *const places[] = { "/lib/modules", "/usr/lib/modules" };
	struct tree tree = { .disk = disk };
	ext2_ino_t folder;
	char options[40];

	snprintf(options, sizeof(options), "offset=%llu", (unsigned long long)offset);
	if (ext2fs_open2(disk->path, options, EXT2_FLAG_64BITS, 0, 0, unix_io_manager, &tree.fs))
		return;
	for (size_t i = 0; i < ARRAY_SIZE(places) && !disk->read; i++) {
		if (ext2fs_namei_follow(tree.fs, EXT2_ROOT_INO, EXT2_ROOT_INO, places[i], &folder))
			continue;
		tree.releases = 0;
		ext2fs_dir_iterate(tree.fs, folder, 0, NULL, on_release, &tree);
		for (unsigned int k = 0; k < tree.releases; k++) {
			read_list(&tree, tree.release[k], "modules.dep", false);
			read_list(&tree, tree.release[k], "modules.builtin", true);
		}
	}
	ext2fs_free(tree.fs);
}

/* Return: is there a file system that can be read? */
static bool try_file_system(struct disk *disk, uint64_t offset)
{
	uint8_t magic[2];

	if (!read_at(disk->fd, offset + EXT_MAGIC_AT, magic, sizeof(magic)) ||
	    get_le16(magic) != EXT2_SUPER_MAGIC)
		return false;
	read_file_system(disk, offset);
	return true;
}

static unsigned int try_gpt(struct disk *disk, const uint8_t *header)
{
	uint64_t at = get_le64(header + GPT_ENTRIES_LBA);
	uint32_t count = MIN(get_le32(header + GPT_ENTRY_COUNT), PARTITIONS_MAX);
	uint32_t size = get_le32(header + GPT_ENTRY_BYTES);
	unsigned int readable = 0;
	uint8_t start[8];

	if (at > UINT32_MAX || size > HEAD_BYTES)
		return 0;
	for (uint32_t i = 0; i < count; i++) {
		if (!read_at(disk->fd, at * SECTOR + (uint64_t)i * size + GPT_ENTRY_START, start,
			     sizeof(start)))
			break;
		if (get_le64(start) && get_le64(start) < INT64_MAX / SECTOR)
			readable += try_file_system(disk, get_le64(start) * SECTOR);
	}
	return readable;
}

static unsigned int try_mbr(struct disk *disk, const uint8_t *head)
{
	unsigned int readable = 0;

	for (unsigned int i = 0; i < MBR_ENTRIES; i++) {
		const uint8_t *entry = head + MBR_ENTRIES_AT + (size_t)i * MBR_ENTRY_BYTES;

		if (entry[MBR_ENTRY_TYPE] && get_le32(entry + MBR_ENTRY_START))
			readable += try_file_system(
				disk, (uint64_t)get_le32(entry + MBR_ENTRY_START) * SECTOR);
	}
	return readable;
}

/* What is known not to be readable here, by its first bytes. */
static const char *name_other(const uint8_t *head)
{
	static const struct {
		const char *magic;
		size_t at;
		const char *words;
	} others[] = {
		{ "QFI\xfb", 0,
		  "a qcow2 image: qemu-img convert -O raw makes one that can be read" },
		{ "KDMV", 0, "a VMDK image: qemu-img convert -O raw makes one that can be read" },
		{ "vhdxfile", 0,
		  "a VHDX image: qemu-img convert -O raw makes one that can be read" },
		{ "conectix", 0,
		  "a VHD image: qemu-img convert -O raw makes one that can be read" },
		{ "XFSB", 0, "XFS, which is not read here" },
		{ "HdrS", 0x202, "a kernel image; its modules are elsewhere" },
		{ "hsqs", 0, "a squashfs image, which is not read here" },
	};

	for (size_t i = 0; i < ARRAY_SIZE(others); i++)
		if (!memcmp(head + others[i].at, others[i].magic, strlen(others[i].magic)))
			return others[i].words;
	return NULL;
}

int guest_disk(int fd, const char *path, struct guest_found *found, struct reason *why)
{
	struct disk disk = { .fd = fd, .path = path, .found = found };
	uint8_t head[HEAD_BYTES];
	unsigned int readable;

	*found = (struct guest_found){ 0 };
	snprintf(found->kind, sizeof(found->kind), "disk image");
	if (!read_at(fd, 0, head, sizeof(head)))
		return refuse(why, -EOPNOTSUPP, "not a kind of file that is known");
	if (name_other(head))
		return refuse(why, -EOPNOTSUPP, "%s", name_other(head));
	readable = try_file_system(&disk, 0);
	if (!readable && !memcmp(head + SECTOR, "EFI PART", 8))
		readable = try_gpt(&disk, head + SECTOR);
	else if (!readable && get_le16(head + MBR_SIGNATURE_AT) == MBR_SIGNATURE)
		readable = try_mbr(&disk, head);
	if (disk.read)
		return 0;
	return refuse(why, -EOPNOTSUPP, "%s",
		      readable ? "no /lib/modules in its ext4 file systems"
			       : "no ext2, ext3 or ext4 file system is found in it");
}
