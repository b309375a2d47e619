/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * store.h - the inventory: VMs, which VF is assigned to which of them, networks, and each VF's policy, in one SQLite
 * database in WAL mode that survives a kill or a power loss at any write.
 *
 * Every function that changes something is one transaction: all of it or nothing. All of it is called on the management
 * thread (it may wait for the disk). Records go in and out as JSON objects whose members are those of docs/api.md;
 * what is returned is the caller's.
 *
 * uuids and addresses of functions have one spelling, lower case; another one is refused (-EINVAL) where it would be
 * written and is nobody's where it is looked up. So are members that are missing, unknown, or of another type. Further
 * errors of all functions that write: -ENOSPC, -EIO, -EROFS (nothing changed, and it may be tried again), -EAGAIN (a
 * stranger, such as the program sqlite3, keeps the file locked), -ENOMEM.
 */
#ifndef SOFTIOV_STORE_STORE_H
#define SOFTIOV_STORE_STORE_H

#include <jansson.h>
#include "util/util.h"

#define STORE_SCHEMA 1 /* PRAGMA user_version; a newer one is refused and not touched */

struct store;

/**
 * store_open() - open, or make, @dir/inventory.db (directory and file: mode 0700, 0600).
 * Return: 0; -EPROTONOSUPPORT: of a newer schema; -EUCLEAN: damaged or not such a database; -EBUSY: another softiovd has
 * it; other -errno; @why. What is refused was not touched, and *store is NULL.
 */
int store_open(struct store **store, const char *dir, struct reason *why);
void store_close(struct store *store);

/**
 * VMs. A record: uuid, name-label, name-description (strings), memory (bytes), vcpus, kernel, initrd, kernel-args,
 * firmware (strings, maybe ""), disks (array of {path, format, read-only}), accel, restart (strings), other-config (object
 * of strings, without "pci"), pci (array of addresses in the order of their assignment; see store_assign()).
 */

/** store_vms() - all VMs, ordered by name-label and uuid. Return: an array, or NULL with @why. */
json_t *store_vms(struct store *store, struct reason *why);

/** store_vm() - one. Return: the record, or NULL with @why (no such VM: errno ENOENT). */
json_t *store_vm(struct store *store, const char *uuid, struct reason *why);

/**
 * store_vm_insert() - all members; with "pci", if it has that, assigned in the same transaction.
 * Return: 0, -EEXIST (the uuid), what store_assign() returns, or -errno with @why.
 */
int store_vm_insert(struct store *store, const json_t *record, struct reason *why);

/**
 * store_vm_update() - replace the members that @changes has (other-config as a whole; pci as store_assign() does, in the
 * same transaction). Return: 0, -ENOENT, what store_assign() returns, -errno.
 */
int store_vm_update(struct store *store, const char *uuid, const json_t *changes,
		    struct reason *why);

/** store_vm_delete() - the VM and its assignments. Return: 0, -ENOENT, or -errno with @why. */
int store_vm_delete(struct store *store, const char *uuid, struct reason *why);

/**
 * store_assign() - the VM has exactly these functions (array of addresses, "0000:07:10.0") from now on. A function is
 * assigned to one VM at most.
 * @holder: filled with the uuid of the VM that has one of them already (-EBUSY); may be NULL
 * Return: 0, -ENOENT (no such VM), -EBUSY, -EEXIST (one is named twice), or -errno with @why.
 */
int store_assign(struct store *store, const char *uuid, const json_t *functions, char holder[37],
		 struct reason *why);

/** store_move() - @function leaves the VM that has it, if any, and becomes the last one of VM @to. Return: as above. */
int store_move(struct store *store, const char *function, const char *to, struct reason *why);

/** store_holder() - whose is @function? Return: 0 with @uuid, -ENOENT: nobody's. */
int store_holder(struct store *store, const char *function, char uuid[37]);

/** Policy of a VF: members of a PATCH of /v1/vf (docs/api.md). Setting merges. Return: an object, {} when none is set. */
json_t *store_policy(struct store *store, const char *function);
/** store_policies() - of all: {"0000:07:10.0": {…}, …}. Both: NULL with errno when they cannot be read. */
json_t *store_policies(struct store *store);

int store_policy_set(struct store *store, const char *function, const json_t *members,
		     struct reason *why);
int store_policy_clear(struct store *store, const char *function, struct reason *why);

/**
 * Networks {uuid, name-label, name-description} and their ties to PFs, sriov {uuid, network, pf, numvfs}. Inserting:
 * -EEXIST (the uuid is taken; the PF has a tie), -ENOENT (no such network). Deleting: -ENOENT, -EBUSY (a network with ties).
 */
enum store_kind { STORE_NETWORK, STORE_SRIOV };
json_t *store_list(struct store *store, enum store_kind kind, struct reason *why);
int store_insert(struct store *store, enum store_kind kind, const json_t *record,
		 struct reason *why);
/** store_sriov_numvfs() - the tie @uuid has so many VFs from now on. Return: 0, -ENOENT, or -errno with @why. */
int store_sriov_numvfs(struct store *store, const char *uuid, json_int_t numvfs,
		       struct reason *why);
int store_delete(struct store *store, enum store_kind kind, const char *uuid, struct reason *why);

#endif
