/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * private.c - does the client see the memory that we see?
 *
 * QEMU passes the descriptor of a memory backend that was made with share=off like any other. But
 * it has mapped the file privately: what the guest writes goes to copies that only QEMU has, and
 * our mapping of the file stays empty. No message tells, so frames would be zeros without a word.
 * /proc/PID/maps does tell (proc_pid_maps(5)): the last letter of the permissions is 'p' for
 * private and 's' for shared, and device and inode name the file.
 *
 * Reading it takes as long as the client likes: it may have any number of maps, and its own threads
 * may hold the lock of its address space. So a short-lived thread does it, for all files of a
 * domain in one pass, on a copy of what it needs. Thread and domain share the copy; the one that
 * comes last frees it: the domain when it took the answer, the thread when nobody waits any more.
 */
#include "iommu/internal.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/sysmacros.h>

#define LARGE_FILE_BYTES (1ull << 20) /* below: firmware and other small things that are no RAM */

/** struct file_seen - a file, and how the client has mapped it. */
struct file_seen {
	dev_t device;
	ino_t inode;
	bool private_writable, shared;
};

enum check_state { CHECK_RUNNING, CHECK_DONE, CHECK_ABANDONED };

/** struct private_check - @answer: of the thread, before CHECK_DONE. */
struct private_check {
	_Atomic int state;
	pid_t client;
	bool answer;
	uint32_t files;
	struct file_seen file[IOMMU_MAX_FILES];
};

static void look_at_line(const char *line, struct file_seen *file, uint32_t files)
{
	unsigned int major_number, minor_number;
	char permissions[5];
	uint64_t inode;

	if (sscanf(line, "%*x-%*x %4s %*x %x:%x %" SCNu64, permissions, &major_number,
		   &minor_number, &inode) != 4)
		return;
	for (uint32_t i = 0; i < files; i++) {
		if (inode != file[i].inode || makedev(major_number, minor_number) != file[i].device)
			continue;
		if (permissions[3] == 's')
			file[i].shared = true;
		else if (permissions[1] == 'w')
			file[i].private_writable = true;
	}
}

/* Return: is one of the files mapped privately and not shared? */
static bool look_at_client(pid_t client, struct file_seen *file, uint32_t files)
{
	char path[32], line[512];
	bool line_start = true, found = false;
	FILE *maps;

	snprintf(path, sizeof(path), "/proc/%d/maps", client);
	maps = fopen(path, "re");
	if (!maps)
		return false;
	while (fgets(line, sizeof(line), maps)) {
		if (line_start)
			look_at_line(line, file, files);
		line_start = strchr(line, '\n'); /* a long path comes in pieces */
	}
	fclose(maps);
	for (uint32_t i = 0; i < files; i++)
		found |= file[i].private_writable && !file[i].shared;
	return found;
}

bool iommu_file_private(pid_t client, dev_t device, ino_t inode)
{
	struct file_seen file = { .device = device, .inode = inode };

	return look_at_client(client, &file, 1);
}

static void *check_thread(void *arg)
{
	struct private_check *check = arg;

	check->answer = look_at_client(check->client, check->file, check->files);
	if (atomic_exchange(&check->state, CHECK_DONE) == CHECK_ABANDONED)
		free(check);
	return NULL;
}

int iommu_check_private_begin(struct iommu_domain *domain, pid_t client)
{
	const struct iommu_file_state *file = domain->state->file;
	struct iommu_private *priv = domain->private;
	struct private_check *check;
	int error;

	if (priv->private_check)
		return -EBUSY;
	check = calloc(1, sizeof(*check));
	if (!check)
		return -ENOMEM;
	check->client = client;
	for (uint32_t i = 0; i < priv->files; i++) {
		if (file[i].used && file[i].size >= LARGE_FILE_BYTES)
			check->file[check->files++] = (struct file_seen){ .device = file[i].device,
									  .inode = file[i].inode };
	}
	error = run_by_thread(check_thread, check);
	if (error) {
		free(check);
		return error;
	}
	priv->private_check = check;
	return 0;
}

int iommu_check_private_end(struct iommu_domain *domain)
{
	struct iommu_private *priv = domain->private;
	struct private_check *check = priv->private_check;

	if (!check || atomic_load(&check->state) != CHECK_DONE)
		return -EAGAIN;
	priv->private_memory = check->answer;
	priv->private_check = NULL;
	free(check);
	return priv->private_memory;
}

void private_check_abandon(struct iommu_private *priv)
{
	struct private_check *check = priv->private_check;

	priv->private_check = NULL;
	if (check && atomic_exchange(&check->state, CHECK_ABANDONED) == CHECK_DONE)
		free(check);
}
