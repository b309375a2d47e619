/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * sysfs.h - the cards as a sysfs tree, by FUSE: what lspci, setpci and scripts expect below /sys, with the kernel's
 * names, modes, formats and errors. docs/sysfs.md shows the tree and tells where it differs from a kernel's.
 *
 * One thread of its own serves it. It knows the cards only by struct sysfs_ops, whose functions it calls one at a
 * time and which may wait; nobody ever waits for it.
 */
#ifndef SOFTIOV_SYSFS_SYSFS_H
#define SOFTIOV_SYSFS_SYSFS_H

#include <stdbool.h>
#include <stdint.h>
#include "util/util.h"

#define SYSFS_CONFIG_SIZE 4096u
#define SYSFS_RESOURCES 13	 /* 6 BARs, expansion ROM, 6 VF BARs: the lines of "resource" */
#define SYSFS_VF_RESOURCE 7	 /* the first VF BAR among them */
#define SYSFS_MAX_FUNCTIONS 8192 /* more than all cards of a daemon have */

/**
 * enum sysfs_view - which configuration space of a VF: the virtual one that the SR-IOV manager gives it, or what
 * the bare VF answers on the bus. For a PF they are one.
 */
enum sysfs_view { SYSFS_VIRTUAL, SYSFS_BARE };

/**
 * enum sysfs_driver - who drives a function: nobody, the daemon's own PF driver, or a client at its vfio-user socket.
 * lspci -k shows them as "softiov-pf" and "vfio-user".
 */
enum sysfs_driver { SYSFS_NO_DRIVER, SYSFS_PF_DRIVER, SYSFS_CLIENT, SYSFS_DRIVERS };

/**
 * struct sysfs_function - a function at the time it was listed.
 * @root_bus: bus of the card; the function is below devices/pciDDDD:BB of it
 * @ari: ARI Capable Hierarchy is set for its card
 * @pf: of a VF, routing ID of its PF
 * @vf: of a VF, its number
 * @total_vfs: of a PF, how many VFs it can have; 0: no SR-IOV
 * @vpd_size: bytes of vital product data
 */
struct sysfs_function {
	uint16_t domain, routing_id;
	uint8_t root_bus;
	bool is_vf, ari;
	enum sysfs_driver driver;
	uint16_t pf, vf;
	uint16_t total_vfs, num_vfs, vf_offset, vf_stride, vf_device;
	uint16_t vpd_size;
};

/** struct sysfs_resource - a memory range of a function; @size 0: none. @start 0: it has no address. */
struct sysfs_resource {
	uint64_t start, size;
	bool is_64bit, prefetchable;
};

struct sysfs_list;

/** sysfs_list_add() - from sysfs_ops.list(). Return: 0 or -ENOMEM. */
int sysfs_list_add(struct sysfs_list *list, const struct sysfs_function *function);

/**
 * struct sysfs_ops - the cards. All is called on the tree's own thread. Results are negative errnos: -ENODEV when the
 * function is gone, -ESHUTDOWN when the daemon is stopping; with @why where words help.
 * @generation: grows whenever list() would tell something new; cheap
 * @list: calls sysfs_list_add() for every function; the order does not matter
 * @config_read, @config_write: @len bytes at @offset, inside the configuration space
 * @resources: fills in those that there are; the array is zeroed
 * @vpd_read: inside vpd_size
 * @set_num_vfs: @n is in range, another number than now, and one of both is 0
 */
struct sysfs_ops {
	uint64_t (*generation)(void *ctx);
	int (*list)(void *ctx, struct sysfs_list *list);
	int (*config_read)(void *ctx, const struct sysfs_function *function, enum sysfs_view view,
			   uint16_t offset, void *data, uint32_t len);
	int (*config_write)(void *ctx, const struct sysfs_function *function, uint16_t offset,
			    const void *data, uint32_t len, struct reason *why);
	int (*resources)(void *ctx, const struct sysfs_function *function,
			 struct sysfs_resource resource[SYSFS_RESOURCES]);
	int (*vpd_read)(void *ctx, const struct sysfs_function *function, uint16_t offset,
			void *data, uint32_t len);
	int (*set_num_vfs)(void *ctx, const struct sysfs_function *function, unsigned int n,
			   struct reason *why);
	int (*reset)(void *ctx, const struct sysfs_function *function, struct reason *why);
};

struct sysfs;

/**
 * sysfs_start() - mount the tree at @path and serve it. The directory is made, and what a killed daemon left there is
 * unmounted. @ops and @ctx must outlive it.
 * Return: 0, or -errno with @why: nothing is mounted then, and nothing left behind.
 */
int sysfs_start(struct sysfs **sysfs, const char *path, const struct sysfs_ops *ops, void *ctx,
		struct reason *why);

/**
 * sysfs_stop() - end the thread, unmount, remove the directory, free. Who has a file open finds it dead. The
 * functions of sysfs_ops must not wait any more. NULL is allowed.
 */
void sysfs_stop(struct sysfs *sysfs);

#endif
