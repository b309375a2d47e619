/* SPDX-License-Identifier: BSD-3-Clause */
/* cpu.h - the processor and what runs below this system, by CPUID and the few files that know more. */
#ifndef SOFTIOV_CHECK_CPU_H
#define SOFTIOV_CHECK_CPU_H

#include "check/root.h"

/** struct check_cpu - @known: were there CPUID leaves? Else the rest says nothing. */
struct check_cpu {
	bool known, intel, amd;
	char vendor[13];       /* "GenuineIntel" */
	bool virtualization;   /* VMX (Intel) or SVM (AMD) */
	bool firmware_off;     /* the processor has it, Linux cannot use it: locked by firmware */
	bool slat, slat_known; /* second-level address translation: EPT or NPT */
	bool in_vm;	       /* a hypervisor runs below, and this is not its Dom0 */
	bool dom0;	       /* Xen's control domain */
	char hypervisor[13];   /* signature of leaf 0x40000000: "KVMKVMKVM"; or "" */
};

void cpu_read(struct check_root *root, struct check_cpu *cpu);
/** cpu_hypervisor_name() - "KVM", "VMware" …, or the signature itself. */
const char *cpu_hypervisor_name(const struct check_cpu *cpu);

#endif
