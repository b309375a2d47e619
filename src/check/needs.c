/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * needs.c - the rows of softiov's own needs. It is a program, so the processor, firmware and adapters that hardware SR-IOV
 * asks for do not appear here. What makes it only slower or less comfortable is a note.
 */
#include <stdio.h>

#include "check/internal.h"

#define MEMINFO_BYTES 4096u
#define QEMU_NEEDED "10.1"

static struct check_row *unknown_row(struct check *check, enum check_state state, const char *id,
				     const char *what)
{
	struct check_row *row = row_add(&check->result->softiov, state, id, what, "not known");

	row_todo(row, "capture again on the machine: softiov check --capture FOLDER");
	return row;
}

static void system_row(struct check *check)
{
	const char *machine = fact_get(check->facts, "machine");
	struct check_answer *answer = &check->result->softiov;
	struct check_row *row;

	if (!machine) {
		row = unknown_row(check, CHECK_UNKNOWN, "system", "System");
	} else {
		const char *release = fact_get(check->facts, "release");
		bool good = !strcmp(machine, "x86_64");

		row = row_add(answer, good ? CHECK_OK : CHECK_NO, "system", "System",
			      "Linux %s on %s", release ? release : "", machine);
		if (!good)
			row_todo(row, "a machine with an x86-64 processor");
	}
	row_needs(row, "Linux on x86-64");
}

static void qemu_row(struct check *check)
{
	const char *qemu = fact_get(check->facts, "qemu");
	const char *able = fact_get(check->facts, "qemu-vfio-user");
	bool good = able && !strcmp(able, "yes");
	struct check_row *row;

	if (!qemu) {
		row = unknown_row(check, CHECK_UNKNOWN, "qemu", "QEMU");
	} else {
		row = row_add(&check->result->softiov, good ? CHECK_OK : CHECK_NO, "qemu", "QEMU",
			      "%s%s", qemu,
			      good   ? ", with vfio-user-pci"
			      : able ? ", without vfio-user-pci"
				     : "");
		if (!good)
			row_todo(row, "install QEMU " QEMU_NEEDED
				      " or newer (Debian 13: qemu-system-x86 of trixie-backports). "
				      "Containers (softiov netdev) and programs on libsoftiov need "
				      "none");
	}
	row_needs(row, "QEMU " QEMU_NEEDED " or newer, with the device vfio-user-pci");
}

static void kvm_row(struct check *check)
{
	const char *kvm = fact_get(check->facts, "kvm");
	struct check_row *row;

	if (!kvm) {
		row = unknown_row(check, CHECK_NOTE, "kvm", "KVM");
	} else if (!strcmp(kvm, "works")) {
		row = row_add(&check->result->softiov, CHECK_OK, "kvm", "KVM",
			      "/dev/kvm works (tried)");
	} else {
		row = row_add(&check->result->softiov, CHECK_NOTE, "kvm", "KVM",
			      "/dev/kvm does not work: %s", kvm);
		row_todo(row,
			 "VMs run emulated, which works and is slow; to be fast, use a machine "
			 "with working KVM");
	}
	row_needs(row, "nothing; a working /dev/kvm makes VMs fast");
}

static void memfd_row(struct check *check)
{
	const char *memfd = fact_get(check->facts, "memfd");
	struct check_row *row;

	if (!memfd) {
		row = unknown_row(check, CHECK_UNKNOWN, "memfd", "Memory files");
	} else {
		bool good = !strcmp(memfd, "sealed");

		row = row_add(&check->result->softiov, good ? CHECK_OK : CHECK_NO, "memfd",
			      "Memory files", "%s", memfd);
		if (!good)
			row_todo(row,
				 "a kernel with CONFIG_MEMFD_CREATE; in a container, let it call "
				 "memfd_create(2)");
	}
	row_needs(row, "memfd_create(2) with sealing: registers that guests map");
}

static void memlock_row(struct check *check)
{
	const char *limit = fact_get(check->facts, "memlock");
	struct check_row *row;

	if (!limit) {
		row = unknown_row(check, CHECK_NOTE, "memlock", "Locked memory");
	} else {
		bool good = !strcmp(limit, "unlimited");

		row = row_add(&check->result->softiov, good ? CHECK_OK : CHECK_NOTE, "memlock",
			      "Locked memory", "%s%s", limit, good ? "" : " bytes");
		if (!good)
			row_todo(row, "for libsoftiov through Linux VFIO only: ulimit -l unlimited "
				      "(limits.conf: memlock)");
	}
	row_needs(row, "nothing for softiovd; unlimited for libsoftiov on a VF through Linux VFIO");
}

static void hugepages_row(struct check *check)
{
	char text[MEMINFO_BYTES + 1], *at;
	ssize_t length = root_read(check->root, "/proc/meminfo", text, MEMINFO_BYTES);
	unsigned long free_pages = 0, total = 0;
	struct check_row *row;

	text[MAX(length, (ssize_t)0)] = '\0';
	at = strstr(text, "HugePages_Total:");
	if (!at || sscanf(at, "HugePages_Total: %lu HugePages_Free: %lu", &total, &free_pages) < 1)
		row = row_add(&check->result->softiov, CHECK_NOTE, "hugepages", "Huge pages",
			      "not known");
	else
		row = row_add(&check->result->softiov, total ? CHECK_OK : CHECK_NOTE, "hugepages",
			      "Huge pages", "%lu reserved, %lu free", total, free_pages);
	row_needs(row, "nothing; with some, translations are faster");
	if (!total)
		row_todo(row, "sysctl vm.nr_hugepages=512");
}

static void run_dir_row(struct check *check)
{
	const char *dir = fact_get(check->facts, "run-dir");
	const char *able = fact_get(check->facts, "run-dir-writable");
	struct check_row *row;

	if (!dir || !able) {
		row = unknown_row(check, CHECK_UNKNOWN, "run-dir", "Folder of the sockets");
	} else {
		bool good = !strcmp(able, "yes");

		row = row_add(&check->result->softiov, good ? CHECK_OK : CHECK_NO, "run-dir",
			      "Folder of the sockets", "%s%s", dir,
			      good ? ", writable" : " cannot be written to");
		if (!good)
			row_todo(row,
				 "run softiovd as root, or name another folder (run-dir: in the "
				 "configuration)");
	}
	row_needs(row, "a folder to create sockets in");
}

static void fuse_row(struct check *check)
{
	const char *fuse = fact_get(check->facts, "fuse");
	const char *mount = fact_get(check->facts, "fusermount3");
	struct check_row *row;

	if (!fuse) {
		row = unknown_row(check, CHECK_NOTE, "fuse", "FUSE");
	} else {
		/* Root mounts by itself. */
		bool able =
			fact_is(check->facts, "user", "root") || (mount && strcmp(mount, "none"));
		bool good = !strcmp(fuse, "works") && able;

		row = row_add(&check->result->softiov, good ? CHECK_OK : CHECK_NOTE, "fuse", "FUSE",
			      "/dev/fuse: %s, fusermount3: %s", fuse, mount ? mount : "none");
		if (!good)
			row_todo(row, "modprobe fuse; install fuse3. Without, there is no "
				      "/run/softiov/sys and no softiov lspci; all else works");
	}
	row_needs(row, "/dev/fuse, and for others than root fusermount3: for softiov lspci");
}

void check_needs(struct check *check)
{
	system_row(check);
	qemu_row(check);
	kvm_row(check);
	memfd_row(check);
	run_dir_row(check);
	fuse_row(check);
	memlock_row(check);
	hugepages_row(check);
}
