/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * hypervisor.c - the rows of the VMM: what runs here, seen by trying; and for the VMM asked for (--vmm) what its own rules
 * say that can be told from Linux. vSphere and Hyper-V do not run under Linux: whether their version is new enough can never
 * be told from here, and a row says so.
 */
#include <stdio.h>
#include <stdlib.h>

#include "check/internal.h"

#define INVENTORY_BYTES 4096u

static void kvm_row(struct check *check)
{
	const char *kvm = fact_get(check->facts, "kvm");
	bool must = check->vmm == CHECK_KVM;
	struct check_answer *answer = &check->result->hardware;
	struct check_row *row;

	if (!kvm) {
		row = row_add(answer, must ? CHECK_UNKNOWN : CHECK_NOTE, "vmm", "VMM: KVM",
			      "not tried");
		row_todo(row, "capture again on the machine: softiov check --capture FOLDER");
	} else if (!strcmp(kvm, "works")) {
		row = row_add(answer, CHECK_OK, "vmm", "VMM: KVM", "/dev/kvm works (tried)");
	} else {
		row = row_add(answer, must ? CHECK_NO : CHECK_NOTE, "vmm", "VMM: KVM",
			      "/dev/kvm does not work: %s", kvm);
		row_todo(row, "%s",
			 check->cpu.in_vm
				 ? "switch on nested virtualization for this VM on its host"
				 : "load kvm_intel or kvm_amd, after switching on virtualization "
				   "in the "
				   "firmware setup; be in the group kvm");
	}
	row_needs(row, "a /dev/kvm that runs code");
}

static bool has_vfio_pci(struct check *check, bool *known)
{
	const char *modules = fact_get(check->facts, "vfio-pci");

	*known = modules;
	return root_has(check->root, "/sys/bus/pci/drivers/vfio-pci") ||
	       (modules && !strcmp(modules, "yes"));
}

static void vfio_row(struct check *check)
{
	bool known, has = has_vfio_pci(check, &known), must = check->vmm == CHECK_KVM;
	enum check_state state = has	 ? CHECK_OK
				 : !must ? CHECK_NOTE
				 : known ? CHECK_NO
					 : CHECK_UNKNOWN;
	struct check_row *row;

	row = row_add(&check->result->hardware, state, "vfio-pci", "Driver vfio-pci", "%s",
		      has     ? "there"
		      : known ? "not among this kernel's modules"
			      : "not loaded; its modules were not looked at");
	row_needs(row, "vfio-pci, which hands a VF to QEMU");
	if (!has)
		row_todo(row, "modprobe vfio-pci, or a kernel with CONFIG_VFIO_PCI");
}

/* PRODUCT_VERSION='8.2.1' of XenServer's inventory. Return: 0, -ENOENT. */
static int xenserver_version(struct check *check, char *version, size_t size)
{
	static const char key[] = "PRODUCT_VERSION='";
	char text[INVENTORY_BYTES + 1], *at;
	ssize_t length = root_read(check->root, "/etc/xensource-inventory", text, INVENTORY_BYTES);

	if (length < 0)
		return (int)length;
	text[length] = '\0';
	at = strstr(text, key);
	if (!at)
		return -ENOENT;
	at += strlen(key);
	snprintf(version, size, "%.*s", (int)strcspn(at, "'\n"), at);
	return 0;
}

static void xenserver_row(struct check *check)
{
	struct check_answer *answer = &check->result->hardware;
	char version[32];
	struct check_row *row;

	if (!xenserver_version(check, version, sizeof(version))) {
		bool enough = atoi(version) >= 6;

		row = row_add(answer, enough ? CHECK_OK : CHECK_NO, "vmm", "VMM: XenServer",
			      "XenServer %s", version);
		if (!enough)
			row_todo(row, "a newer XenServer");
	} else if (check->cpu.dom0) {
		row = row_add(answer, CHECK_UNKNOWN, "vmm", "VMM: XenServer",
			      "Xen without XenServer's tool stack");
		row_todo(row, "with xl write pci=['0000:07:10.0'] into the domain's file");
	} else {
		row = row_add(answer, CHECK_UNKNOWN, "vmm", "VMM: XenServer",
			      "could not tell: XenServer does not run here");
		row_todo(row, "install XenServer 6.0 or newer and ask in its Dom0");
	}
	row_needs(row, "XenServer 6.0 or newer, which assigns a VF by xe vm-param-set "
		       "other-config:pci=");
}

static void vsphere_row(struct check *check)
{
	bool here = check->cpu.in_vm && !strcmp(check->cpu.hypervisor, "VMwareVMware");
	struct check_row *row;

	row = row_add(&check->result->hardware, CHECK_UNKNOWN, "vmm", "VMM: vSphere",
		      "could not tell: %s",
		      here ? "a VM on VMware sees neither its host's version nor its settings"
			   : "ESXi does not run under Linux");
	row_needs(row, "ESXi 5.1 or newer, adapter and its driver in the compatibility guide, the "
		       "VM's memory all reserved (vSphere Networking, \"SR-IOV Support\")");
	row_todo(row, "on ESXi: esxcli network sriovnic list");
}

static void hyperv_row(struct check *check)
{
	bool here = check->cpu.in_vm && !strcmp(check->cpu.hypervisor, "Microsoft Hv");
	struct check_row *row;

	row = row_add(&check->result->hardware, CHECK_UNKNOWN, "vmm", "VMM: Hyper-V",
		      "could not tell: %s",
		      here ? "a VM on Hyper-V sees neither its host's version nor its switch"
			   : "Hyper-V does not run under Linux");
	row_needs(row, "Windows Server 2012 or newer, a virtual switch made with SR-IOV "
		       "(Microsoft: Overview of Single Root I/O Virtualization)");
	row_todo(row, "on the host, in PowerShell: (Get-VMHost).IovSupport, "
		      "(Get-VMHost).IovSupportReasons");
}

void check_hypervisor(struct check *check)
{
	switch (check->vmm) {
	case CHECK_XENSERVER:
		xenserver_row(check);
		break;
	case CHECK_VSPHERE:
		vsphere_row(check);
		break;
	case CHECK_HYPERV:
		hyperv_row(check);
		break;
	default:
		if (check->cpu.dom0) {
			struct check_row *row = row_add(&check->result->hardware, CHECK_NOTE, "vmm",
							"VMM", "Xen (this is its Dom0)");

			row_needs(row, "any that assigns PCI devices");
			row_todo(row, "for the rules of XenServer: --vmm xenserver");
			if (check->vmm == CHECK_KVM)
				row->state = CHECK_NO;
		} else {
			kvm_row(check);
			vfio_row(check);
		}
	}
}
