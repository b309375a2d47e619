/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * private.c - does the client see the memory that we see?
 *
 * QEMU passes the descriptor of a memory backend that was made with share=off like any other. But
 * it has mapped the file privately: what the guest writes goes to copies that only QEMU has, and
 * our mapping of the file stays empty. No message tells, so frames would be zeros without a word.
 * /proc/PID/maps does tell (proc_pid_maps(5)): the last letter of the permissions is 'p' for
 * private and 's' for shared, and device and inode name the file.
 */
#include "iommu/internal.h"

#include <inttypes.h>
#include <stdio.h>
#include <sys/sysmacros.h>

#define LARGE_FILE_BYTES (1ull << 20) /* below: firmware and other small things that are no RAM */

struct seen {
	bool private_writable, shared;
};

static void look_at_line(const char *line, dev_t device, ino_t inode, struct seen *seen)
{
	unsigned int major_number, minor_number;
	uint64_t line_inode;
	char permissions[5];

	if (sscanf(line, "%*x-%*x %4s %*x %x:%x %" SCNu64, permissions, &major_number,
		   &minor_number, &line_inode) != 4)
		return;
	if (line_inode != inode || makedev(major_number, minor_number) != device)
		return;
	if (permissions[3] == 's')
		seen->shared = true;
	else if (permissions[1] == 'w')
		seen->private_writable = true;
}

bool iommu_file_private(pid_t client, dev_t device, ino_t inode)
{
	struct seen seen = { 0 };
	char path[32], line[512];
	bool line_start = true;
	FILE *maps;

	snprintf(path, sizeof(path), "/proc/%d/maps", client);
	maps = fopen(path, "re");
	if (!maps)
		return false;
	while (fgets(line, sizeof(line), maps)) {
		if (line_start)
			look_at_line(line, device, inode, &seen);
		line_start = strchr(line, '\n'); /* a long path comes in pieces */
	}
	fclose(maps);
	return seen.private_writable && !seen.shared;
}

bool iommu_check_private(struct iommu_domain *domain, pid_t client)
{
	const struct iommu_file_state *file = domain->state->file;
	struct iommu_private *priv = domain->private;
	bool found = false;

	for (uint32_t i = 0; i < priv->files && !found; i++) {
		if (file[i].used && file[i].size >= LARGE_FILE_BYTES)
			found = iommu_file_private(client, file[i].device, file[i].inode);
	}
	priv->private_memory = found;
	return found;
}
