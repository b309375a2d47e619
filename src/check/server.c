/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * server.c - the rows of processor and IOMMU. Firmware tells of an IOMMU by a DMAR (Intel) or IVRS (AMD) table; Linux uses it
 * if told to (Documentation/admin-guide/kernel-parameters.txt: intel_iommu=, amd_iommu=, iommu=), and then has IOMMU groups.
 */
#include <stdio.h>
#include <stdlib.h>

#include "check/acpi.h"
#include "check/internal.h"

#define TABLES "/sys/firmware/acpi/tables"
#define TABLE_BYTES (1u << 20)
#define CMDLINE_BYTES 4096u

static void machine_row(struct check *check)
{
	struct check_answer *answer = &check->result->hardware;
	struct check_row *row;

	if (!check->cpu.known)
		return;
	if (check->cpu.dom0) {
		row_add(answer, CHECK_OK, "machine", "Machine", "Dom0 of Xen");
		return;
	}
	if (!check->cpu.in_vm) {
		row_add(answer, CHECK_OK, "machine", "Machine", "no hypervisor below");
		return;
	}
	row = row_add(answer, CHECK_NOTE, "machine", "Machine", "a virtual machine (%s)",
		      cpu_hypervisor_name(&check->cpu));
	row_needs(row, "the machine itself: in a VM everything below tells what the VM was given");
	row_todo(row, "ask on the host");
}

static void processor_row(struct check *check)
{
	static const char needed[] = "Intel VT-x or AMD-V, on in firmware";
	const struct check_cpu *cpu = &check->cpu;
	const char *name = cpu->amd ? "AMD-V (SVM)" : "VT-x (VMX)";
	struct check_answer *answer = &check->result->hardware;
	struct check_row *row;

	if (!cpu->known) {
		row = row_add(answer, CHECK_UNKNOWN, "cpu", "Processor", "no CPUID leaves");
		row_todo(row, "capture again on the machine: softiov check --capture FOLDER");
	} else if (!cpu->virtualization) {
		row = row_add(answer, CHECK_NO, "cpu", "Processor", "%s without %s", cpu->vendor,
			      name);
		row_todo(row, "%s",
			 cpu->in_vm  ? "switch on nested virtualization for this VM on its host"
			 : cpu->dom0 ? "switch on virtualization in the firmware setup"
				     : "another processor, or on some servers the firmware setup");
	} else if (cpu->firmware_off) {
		row = row_add(answer, CHECK_NO, "cpu", "Processor",
			      "%s with %s, but firmware locked it", cpu->vendor, name);
		row_todo(row,
			 "switch it on in the firmware setup (Intel Virtualization Technology, "
			 "SVM Mode)");
	} else {
		row = row_add(answer, CHECK_OK, "cpu", "Processor", "%s with %s", cpu->vendor,
			      cpu->dom0 ? "hardware-assisted guests (by Xen)" : name);
	}
	row_needs(row, "%s", needed);
}

/* The rule as administrators know it; whether a newer product is less strict is not ours to say. */
static void xenserver_rule(struct check *check)
{
	const struct check_cpu *cpu = &check->cpu;
	enum check_state state = cpu->intel ? CHECK_OK : cpu->known ? CHECK_NO : CHECK_UNKNOWN;
	struct check_row *row;

	row = row_add(&check->result->hardware, state, "xenserver-rule",
		      "The classic XenServer rule", "%s",
		      cpu->known ? cpu->vendor : "the processor's vendor is not known");
	row_needs(row, "SR-IOV on XenServer: Intel only, AMD hosts unsupported");
	if (state == CHECK_NO)
		row_todo(row, "an Intel server; or KVM (--vmm kvm), which has no such rule; or "
			      "softiov, which needs no hardware SR-IOV");
}

static void no_table_row(struct check *check)
{
	struct check_row *row;

	if (!root_has(check->root, TABLES)) {
		row = row_add(&check->result->hardware, CHECK_UNKNOWN, "iommu-table",
			      "IOMMU in firmware", "no ACPI tables can be seen here");
		row_todo(row, "ask on the machine itself, not in a container; or look for VT-d or "
			      "AMD-Vi in its firmware setup");
	} else {
		row = row_add(&check->result->hardware, CHECK_NO, "iommu-table",
			      "IOMMU in firmware", "neither a DMAR nor an IVRS table");
		row_todo(row, "%s",
			 check->cpu.in_vm
				 ? "ask on the host; for nested SR-IOV give this VM an IOMMU"
			 : check->cpu.amd ? "switch on IOMMU (AMD-Vi) in the firmware setup"
					  : "switch on VT-d (Virtualization for Directed I/O) in "
					    "the firmware "
					    "setup; if it is not there, the board has none");
	}
	row_needs(row, "a DMAR (Intel VT-d) or IVRS (AMD-Vi) table: an IOMMU, switched on");
}

/* Without it a device can forge interrupts: Linux' VFIO then refuses to assign unless told otherwise, Hyper-V always. */
static void remapping_row(struct check *check, const struct acpi_iommu *iommu)
{
	bool must = check->vmm == CHECK_HYPERV;
	struct check_row *row;

	if (iommu->interrupt_remapping) {
		row = row_add(&check->result->hardware, CHECK_OK, "interrupt-remapping",
			      "Interrupt remapping", "offered by firmware");
	} else {
		row = row_add(&check->result->hardware, must ? CHECK_NO : CHECK_NOTE,
			      "interrupt-remapping", "Interrupt remapping",
			      "not offered (DMAR flags)");
		row_todo(row,
			 must ? "switch it on in the firmware setup, or update the firmware"
			      : "switch it on in the firmware setup; Linux VFIO otherwise needs "
				"vfio_iommu_type1 allow_unsafe_interrupts=1");
	}
	row_needs(row, "INTR_REMAP: a guest's adapter cannot forge interrupts");
}

static void table_rows(struct check *check, const char *name, const uint8_t *table, ssize_t length)
{
	bool intel = strcmp(name, "IVRS");
	int (*parse)(const uint8_t *bytes, size_t size, struct acpi_iommu *out,
		     struct reason *reason) = intel ? acpi_dmar : acpi_ivrs;
	struct check_answer *answer = &check->result->hardware;
	struct acpi_iommu iommu = { 0 };
	struct check_row *row;
	struct reason why = { "" };

	if (length == -EACCES || length == -EPERM) {
		row = row_add(answer, CHECK_OK, "iommu-table", "IOMMU in firmware",
			      "%s is there; only root may read it", name);
	} else if (length < 0) {
		row = row_add(answer, CHECK_UNKNOWN, "iommu-table", "IOMMU in firmware",
			      "%s is there but cannot be read", name);
	} else if (parse(table, (size_t)length, &iommu, &why)) {
		row = row_add(answer, CHECK_NO, "iommu-table", "IOMMU in firmware", "damaged: %s",
			      why.text);
		row_todo(row, "update the firmware; the kernel does not use such a table");
	} else if (!iommu.units) {
		row = row_add(answer, CHECK_NO, "iommu-table", "IOMMU in firmware",
			      "%s without any %s structure", name, intel ? "DRHD" : "IVHD");
		row_todo(row, "switch on %s in the firmware setup, or update the firmware",
			 intel ? "VT-d" : "IOMMU (AMD-Vi)");
	} else {
		row = row_add(answer, CHECK_OK, "iommu-table", "IOMMU in firmware",
			      "%s with %u %s structure%s%s", name, iommu.units,
			      intel ? "DRHD" : "IVHD", iommu.units == 1 ? "" : "s",
			      iommu.hidden ? " (Xen has it)" : "");
		remapping_row(check, &iommu);
	}
	row_needs(row, "a DMAR (Intel VT-d) or IVRS (AMD-Vi) table: an IOMMU, switched on");
}

/* Return: was there an IOMMU table? */
static bool check_tables(struct check *check)
{
	static const char *const names[] = { "DMAR", "XMAR", "IVRS" };
	uint8_t *table = malloc(TABLE_BYTES);
	bool any = false;
	char path[64];

	for (size_t i = 0; i < ARRAY_SIZE(names) && table && !any; i++) {
		snprintf(path, sizeof(path), TABLES "/%s", names[i]);
		if (!root_has(check->root, path))
			continue;
		any = true;
		table_rows(check, names[i], table,
			   root_read(check->root, path, table, TABLE_BYTES));
	}
	free(table);
	if (!any)
		no_table_row(check);
	return any;
}

static bool has_word(const char *text, const char *word)
{
	size_t length = strlen(word);

	for (const char *at = text; (at = strstr(at, word)); at += length)
		if ((at == text || at[-1] == ' ') && strchr(" ,", at[length]))
			return true;
	return false;
}

/* Why there are no IOMMU groups although there is a table, and what to do. */
static void explain_no_groups(struct check *check, const char *cmdline, struct check_row *row)
{
	static const char *const off[] = { "intel_iommu=off", "amd_iommu=off", "iommu=off" };
	size_t said = strlen(row->found);

	for (size_t i = 0; i < ARRAY_SIZE(off); i++)
		if (has_word(cmdline, off[i])) {
			snprintf(row->found + said, sizeof(row->found) - said, "; %s", off[i]);
			row_todo(row, "remove %s from the kernel command line and restart", off[i]);
			return;
		}
	if (!check->cpu.amd && !has_word(cmdline, "intel_iommu=on") &&
	    !fact_is(check->facts, "kernel-intel-iommu-on", "y")) {
		snprintf(row->found + said, sizeof(row->found) - said,
			 "; no intel_iommu=on on the kernel command line");
		row_todo(row, "add intel_iommu=on (and iommu=pt, which spares the host's own "
			      "devices the translation) to the kernel command line and restart");
		return;
	}
	row_todo(row, "see what the kernel says of %s (dmesg | grep -e DMAR -e AMD-Vi)",
		 check->cpu.amd ? "AMD-Vi" : "DMAR");
}

static void groups_row(struct check *check, bool table)
{
	struct check_answer *answer = &check->result->hardware;
	struct root_names groups, units;
	char cmdline[CMDLINE_BYTES];
	struct check_row *row;

	if (root_text(check->root, "/proc/cmdline", cmdline, sizeof(cmdline)))
		cmdline[0] = '\0';
	if (root_list(check->root, "/sys/kernel/iommu_groups", &groups)) {
		row = row_add(answer, CHECK_UNKNOWN, "iommu-groups", "IOMMU in Linux",
			      "no /sys/kernel/iommu_groups to look at");
		row_todo(row, "ask with /sys mounted, and a kernel with CONFIG_IOMMU_API");
	} else if (groups.n) {
		if (root_list(check->root, "/sys/class/iommu", &units))
			units.n = 0;
		row = row_add(answer, CHECK_OK, "iommu-groups", "IOMMU in Linux",
			      "%zu groups, %zu unit%s%s", groups.n, units.n,
			      units.n == 1 ? "" : "s",
			      has_word(cmdline, "iommu=pt") ? ", iommu=pt" : "");
		root_names_free(&units);
		root_names_free(&groups);
	} else {
		row = row_add(answer, CHECK_NO, "iommu-groups", "IOMMU in Linux",
			      "off: no IOMMU groups");
		if (table)
			explain_no_groups(check, cmdline, row);
		else
			row_todo(row, "first the firmware: see the row above");
	}
	row_needs(row, "IOMMU groups: the kernel translates what adapters address");
}

/* Only where the configuration could be read; a kernel that shows IOMMU groups and VFs needs no further proof. */
static void kernel_row(struct check *check)
{
	const char *iov = fact_get(check->facts, "kernel-pci-iov");
	const char *iommu =
		fact_get(check->facts, check->cpu.amd ? "kernel-amd-iommu" : "kernel-intel-iommu");
	const char *option = check->cpu.amd ? "CONFIG_AMD_IOMMU" : "CONFIG_INTEL_IOMMU";
	bool no_iov = iov && strcmp(iov, "y"), no_iommu = iommu && strcmp(iommu, "y");
	struct check_row *row;

	if (!iov && !iommu)
		return;
	row = row_add(&check->result->hardware, no_iov || no_iommu ? CHECK_NO : CHECK_OK, "kernel",
		      "Linux kernel", "%s%s%s%s",
		      no_iov || no_iommu ? "built without" : "built with",
		      no_iov == no_iommu || no_iov ? " CONFIG_PCI_IOV" : "",
		      no_iov == no_iommu ? " and "
		      : no_iommu	 ? " "
					 : "",
		      no_iov == no_iommu || no_iommu ? option : "");
	row_needs(row, "CONFIG_PCI_IOV and %s", option);
	if (no_iov || no_iommu)
		row_todo(row, "another kernel; those of the usual distributions have both");
}

static void slat_row(struct check *check)
{
	const struct check_cpu *cpu = &check->cpu;
	enum check_state state = !cpu->slat_known ? CHECK_UNKNOWN : cpu->slat ? CHECK_OK : CHECK_NO;
	struct check_row *row;

	row = row_add(&check->result->hardware, state, "slat", "Second-level address translation",
		      "%s",
		      !cpu->slat_known ? "could not tell"
		      : cpu->slat      ? "there"
				       : "not there");
	row_needs(row, "EPT or NPT: Hyper-V since Windows Server 2016 does not start without (its "
		       "system requirements)");
	if (state == CHECK_NO)
		row_todo(row,
			 "another processor; or switch on virtualization in the firmware setup");
}

void check_server(struct check *check)
{
	bool table;

	machine_row(check);
	processor_row(check);
	if (check->vmm == CHECK_XENSERVER)
		xenserver_rule(check);
	if (check->vmm == CHECK_HYPERV)
		slat_row(check);
	table = check_tables(check);
	/* What this Linux does with the IOMMU matters only where it is Linux that will assign VFs. */
	if (check->cpu.dom0 || (check->vmm != CHECK_ANY_VMM && check->vmm != CHECK_KVM))
		return;
	kernel_row(check);
	groups_row(check, table);
}
