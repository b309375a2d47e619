/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * statements.c - every statement of this room, by its number in enum statement. Values are bound, never written into the
 * text. They are all prepared when the inventory is opened, which also finds out whether it has the tables they name.
 */
#include "store/db.h"

#define VM_COLUMNS                                                                        \
	"uuid, name_label, name_description, memory, vcpus, kernel, initrd, kernel_args," \
	" firmware, accel, restart"

const char *const store_statements[STMT_COUNT] = {
	[STMT_BEGIN] = "BEGIN",
	[STMT_BEGIN_WRITE] = "BEGIN IMMEDIATE",
	[STMT_COMMIT] = "COMMIT",
	[STMT_ROLLBACK] = "ROLLBACK",
	[STMT_VMS] = "SELECT " VM_COLUMNS " FROM vm ORDER BY name_label, uuid",
	[STMT_VM] = "SELECT " VM_COLUMNS " FROM vm WHERE uuid = ?1",
	[STMT_VM_EXISTS] = "SELECT 1 FROM vm WHERE uuid = ?1",
	[STMT_VM_INSERT] = "INSERT INTO vm(" VM_COLUMNS ") VALUES"
			   "(?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11)",
	[STMT_VM_UPDATE] = "UPDATE vm SET name_label = ?2, name_description = ?3, memory = ?4,"
			   " vcpus = ?5, kernel = ?6, initrd = ?7, kernel_args = ?8, firmware = ?9,"
			   " accel = ?10, restart = ?11 WHERE uuid = ?1",
	[STMT_VM_DELETE] = "DELETE FROM vm WHERE uuid = ?1",
	[STMT_DISKS] = "SELECT path, format, read_only FROM disk WHERE vm = ?1 ORDER BY position",
	[STMT_DISK_INSERT] = "INSERT INTO disk(vm, position, path, format, read_only)"
			     " VALUES(?1, ?2, ?3, ?4, ?5)",
	[STMT_DISKS_DELETE] = "DELETE FROM disk WHERE vm = ?1",
	[STMT_CONFIG] = "SELECT name, value FROM other_config WHERE vm = ?1 ORDER BY name",
	[STMT_CONFIG_INSERT] = "INSERT INTO other_config(vm, name, value) VALUES(?1, ?2, ?3)",
	[STMT_CONFIG_DELETE] = "DELETE FROM other_config WHERE vm = ?1",
	[STMT_FUNCTIONS] = "SELECT function FROM assignment WHERE vm = ?1 ORDER BY position",
	[STMT_HOLDER] = "SELECT vm FROM assignment WHERE function = ?1",
	[STMT_ASSIGN] = "INSERT INTO assignment(function, vm, position) VALUES(?1, ?2, ?3)",
	[STMT_APPEND] = "INSERT INTO assignment(function, vm, position) SELECT ?1, ?2,"
			" coalesce(max(position) + 1, 0) FROM assignment WHERE vm = ?2",
	[STMT_RELEASE] = "DELETE FROM assignment WHERE function = ?1",
	[STMT_RELEASE_ALL] = "DELETE FROM assignment WHERE vm = ?1",
	[STMT_POLICY] = "SELECT member, value FROM policy WHERE function = ?1 ORDER BY member",
	[STMT_POLICIES] = "SELECT member, value, function FROM policy ORDER BY function, member",
	[STMT_POLICY_SET] = "INSERT INTO policy(function, member, value) VALUES(?1, ?2, ?3)"
			    " ON CONFLICT(function, member) DO UPDATE SET value = ?3",
	[STMT_POLICY_CLEAR] = "DELETE FROM policy WHERE function = ?1",
	[STMT_NETWORKS] = "SELECT uuid, name_label, name_description FROM network"
			  " ORDER BY name_label, uuid",
	[STMT_NETWORK_INSERT] = "INSERT INTO network(uuid, name_label, name_description)"
				" VALUES(?1, ?2, ?3)",
	[STMT_NETWORK_DELETE] = "DELETE FROM network WHERE uuid = ?1",
	[STMT_NETWORK_TIES] = "SELECT pf FROM sriov WHERE network = ?1 ORDER BY pf LIMIT 1",
	[STMT_SRIOVS] = "SELECT uuid, network, pf, numvfs FROM sriov ORDER BY pf",
	[STMT_SRIOV_INSERT] = "INSERT INTO sriov(uuid, network, pf, numvfs) VALUES(?1, ?2, ?3, ?4)",
	[STMT_SRIOV_NUMVFS] = "UPDATE sriov SET numvfs = ?2 WHERE uuid = ?1",
	[STMT_SRIOV_DELETE] = "DELETE FROM sriov WHERE uuid = ?1",
};
