/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * cpu.c - CPUID: vendor (leaf 0), VMX and "a hypervisor is present" (leaf 1 ECX bits 5, 31: Intel SDM 2A, CPUID), SVM (leaf
 * 0x80000001 ECX bit 2), nested paging (0x8000000a EDX bit 0: AMD APM 3, E.4), the hypervisor's signature (0x40000000).
 * Firmware that locks VMX or SVM leaves the CPUID bit set; Linux then removes the flag from /proc/cpuinfo.
 */
#include "check/cpu.h"

#include <stdio.h>
#include <stdlib.h>

#define LEAF_VENDOR 0u
#define LEAF_FEATURES 1u
#define FEATURE_VMX BIT(5)
#define FEATURE_HYPERVISOR BIT(31)
#define LEAF_HYPERVISOR 0x40000000u
#define LEAF_AMD_FEATURES 0x80000001u
#define FEATURE_SVM BIT(2)
#define LEAF_SVM 0x8000000au
#define SVM_NPT BIT(0)
#define CPUINFO_BYTES 32768u

static const struct {
	const char *signature, *name;
} hypervisors[] = {
	{ "KVMKVMKVM", "KVM" },		{ "TCGTCGTCGTCG", "QEMU without KVM" },
	{ "VMwareVMware", "VMware" },	{ "Microsoft Hv", "Hyper-V" },
	{ "XenVMMXenVMM", "Xen" },	{ "bhyve bhyve ", "bhyve" },
	{ "ACRNACRNACRN", "ACRN" },	{ "VBoxVBoxVBox", "VirtualBox" },
	{ " lrpepyh vr", "Parallels" },
};

const char *cpu_hypervisor_name(const struct check_cpu *cpu)
{
	for (size_t i = 0; i < ARRAY_SIZE(hypervisors); i++)
		if (!strcmp(hypervisors[i].signature, cpu->hypervisor))
			return hypervisors[i].name;
	return *cpu->hypervisor ? cpu->hypervisor : "unnamed";
}

static void registers_text(char text[13], uint32_t a, uint32_t b, uint32_t c)
{
	put_le32(text, a);
	put_le32(text + 4, b);
	put_le32(text + 8, c);
	text[12] = '\0';
	text_clean(text);
}

/* Has a line "@field : …" of /proc/cpuinfo the word @flag? */
static bool has_flag(const char *cpuinfo, const char *field, const char *flag)
{
	const char *line = strstr(cpuinfo, field), *end, *at;
	size_t length = strlen(flag);

	if (!line)
		return false;
	end = line + strcspn(line + strlen(field), "\n") + strlen(field);
	for (at = line; (at = strstr(at, flag)) && at < end; at += length)
		if (at[-1] == ' ' && strchr(" \n", at[length]))
			return true;
	return false;
}

static void read_cpuinfo(struct check_root *root, struct check_cpu *cpu)
{
	char *text = calloc(1, CPUINFO_BYTES + 1);

	if (text && root_read(root, "/proc/cpuinfo", text, CPUINFO_BYTES) > 0 &&
	    strstr(text, "\nflags")) {
		cpu->firmware_off = cpu->virtualization &&
				    !has_flag(text, "\nflags", cpu->intel ? "vmx" : "svm");
		if (cpu->intel) {
			cpu->slat_known = true;
			cpu->slat = has_flag(text, "\nflags", "ept") ||
				    has_flag(text, "\nvmx flags", "ept");
		}
	}
	free(text);
}

static void read_xen(struct check_root *root, struct check_cpu *cpu)
{
	char text[256];

	if (!root_text(root, "/proc/xen/capabilities", text, sizeof(text)))
		cpu->dom0 = strstr(text, "control_d");
	if (!cpu->dom0)
		return;
	cpu->in_vm = cpu->firmware_off = false;
	/* Xen hides VMX and SVM from Dom0 and tells by this file whether it can run hardware-assisted guests. */
	if (!root_text(root, "/sys/hypervisor/properties/capabilities", text, sizeof(text)))
		cpu->virtualization = strstr(text, "hvm");
}

void cpu_read(struct check_root *root, struct check_cpu *cpu)
{
	const struct check_facts *facts = root_facts(root);
	const struct cpuid_leaf *vendor = fact_cpuid(facts, LEAF_VENDOR);
	const struct cpuid_leaf *features = fact_cpuid(facts, LEAF_FEATURES);
	const struct cpuid_leaf *amd = fact_cpuid(facts, LEAF_AMD_FEATURES);
	const struct cpuid_leaf *svm = fact_cpuid(facts, LEAF_SVM);
	const struct cpuid_leaf *hypervisor = fact_cpuid(facts, LEAF_HYPERVISOR);

	*cpu = (struct check_cpu){ .known = vendor && features };
	if (cpu->known) {
		registers_text(cpu->vendor, vendor->ebx, vendor->edx, vendor->ecx);
		cpu->intel = !strcmp(cpu->vendor, "GenuineIntel");
		cpu->amd = !strcmp(cpu->vendor, "AuthenticAMD") ||
			   !strcmp(cpu->vendor, "HygonGenuine");
		cpu->virtualization =
			cpu->amd ? amd && amd->ecx & FEATURE_SVM : features->ecx & FEATURE_VMX;
		cpu->in_vm = features->ecx & FEATURE_HYPERVISOR;
		if (cpu->amd && svm) {
			cpu->slat_known = true;
			cpu->slat = svm->edx & SVM_NPT;
		}
	}
	if (cpu->known && hypervisor && (cpu->in_vm || hypervisor->ebx))
		registers_text(cpu->hypervisor, hypervisor->ebx, hypervisor->ecx, hypervisor->edx);
	cpu->hypervisor[strcspn(cpu->hypervisor, "?")] = '\0'; /* "KVMKVMKVM" has three NULs */
	if (!cpu->in_vm)
		cpu->hypervisor[0] = '\0';
	read_cpuinfo(root, cpu);
	read_xen(root, cpu);
}
