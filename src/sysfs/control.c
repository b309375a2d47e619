/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * control.c - the attributes that do something. What is refused, with which error and in which order, is that of Linux
 * drivers/pci/iov.c and drivers/pci/pci-sysfs.c; what a kernel lets root do and this tree does not is in docs/sysfs.md.
 */
#include <unistd.h>

#include "sysfs/internal.h"

#define NO_NODE -1
#define MAX_NODES 1024 /* MAX_NUMNODES of a distribution's kernel on x86-64 */

int store_numvfs(const struct access *access, const char *text)
{
	const struct sysfs_function *f = access->function;
	const struct sysfs *sysfs = access->sysfs;
	struct reason why = { "" };
	uint64_t n;
	int error;

	if (parse_unsigned(text, UINT16_MAX, &n))
		return -EINVAL;
	if (n > f->total_vfs)
		return -ERANGE;
	if (n == f->num_vfs)
		return 0;
	if (f->driver != SYSFS_PF_DRIVER) {
		error = refuse(&why, -ENOENT, "its PF driver is in a VM: change it there");
		return refused(access, "sriov_numvfs", error, &why);
	}
	if (n && f->num_vfs) {
		error = refuse(&why, -EBUSY,
			       "%u VFs already enabled. Disable before enabling %u VFs", f->num_vfs,
			       (unsigned int)n);
		return refused(access, "sriov_numvfs", error, &why);
	}
	error = sysfs->ops->set_num_vfs(sysfs->ctx, f, (unsigned int)n, &why);
	return error ? refused(access, "sriov_numvfs", error, &why) : 0;
}

/* It says whether drivers of this host bind to new VFs. None ever does, so it is only remembered. */

bool autoprobe(const struct access *access)
{
	uint16_t rid = access->function->routing_id;

	return !(access->sysfs->no_autoprobe[rid / 8] & BIT(rid % 8));
}

int store_autoprobe(const struct access *access, const char *text)
{
	uint16_t rid = access->function->routing_id;
	uint8_t *byte = &access->sysfs->no_autoprobe[rid / 8];
	bool on;

	if (parse_bool(text, &on))
		return -EINVAL;
	*byte = (uint8_t)(on ? *byte & ~BIT(rid % 8) : *byte | BIT(rid % 8));
	return 0;
}

int store_msix_count(const struct access *access, const char *text)
{
	int count;

	(void)access;
	return parse_int(text, &count) || count < 0 ? -EINVAL : -EOPNOTSUPP;
}

int store_reset(const struct access *access, const char *text)
{
	const struct sysfs *sysfs = access->sysfs;
	struct reason why = { "" };
	uint64_t value;
	int error;

	if (parse_unsigned(text, UINT64_MAX, &value) || value != 1)
		return -EINVAL;
	error = sysfs->ops->reset(sysfs->ctx, access->function, &why);
	return error ? refused(access, "reset", error, &why) : 0;
}

/* A function without a client is still its manager's, who enables it for the next one: always somebody's. */
int store_enable(const struct access *access, const char *text)
{
	uint64_t value;

	(void)access;
	return parse_unsigned(text, UINT64_MAX, &value) ? -EINVAL : -EBUSY;
}

int store_numa_node(const struct access *access, const char *text)
{
	int node;

	(void)access;
	if (parse_int(text, &node) || node < NO_NODE || node >= MAX_NODES)
		return -EINVAL;
	return node == NO_NODE ? 0 : -EPERM;
}

int store_remove(const struct access *access, const char *text)
{
	struct reason why;
	uint64_t value;

	if (parse_unsigned(text, UINT64_MAX, &value))
		return -EINVAL;
	if (!value)
		return 0;
	refuse(&why, 0, "functions come and go with sriov_numvfs");
	return refused(access, "remove", -EPERM, &why);
}

/* Every function that there is is in the tree already. */
int store_rescan(const struct access *access, const char *text)
{
	uint64_t value;

	(void)access;
	return parse_unsigned(text, UINT64_MAX, &value) ? -EINVAL : 0;
}

int write_config(const struct access *access, uint64_t offset, const void *data, size_t len)
{
	const struct sysfs *sysfs = access->sysfs;
	struct reason why = { "" };
	int error;

	if (offset >= SYSFS_CONFIG_SIZE)
		return -EFBIG; /* fs/sysfs/file.c, sysfs_kf_bin_write() */
	len = MIN(len, SYSFS_CONFIG_SIZE - offset);
	error = sysfs->ops->config_write(sysfs->ctx, access->function, (uint16_t)offset, data,
					 (uint32_t)len, &why);
	return error ? refused(access, "config", error, &why) : (int)len;
}
