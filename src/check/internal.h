/* SPDX-License-Identifier: BSD-3-Clause */
/* internal.h - what the parts of the check share: where to read, what is known, where the rows go. */
#ifndef SOFTIOV_CHECK_INTERNAL_H
#define SOFTIOV_CHECK_INTERNAL_H

#include "check/check.h"
#include "check/cpu.h"
#include "check/pci.h"

/** struct check - one run. */
struct check {
	const struct check_options *options;
	enum check_vmm vmm;
	struct check_root *root;
	const struct check_facts *facts;
	struct check_cpu cpu;
	struct pci_list pci;
	struct check_result *result;
};

/** live_facts() - find out what is no file on this machine (live.c). */
void live_facts(struct check_facts *facts);

/** Each adds the rows of its subject to the answers. */
void check_server(struct check *check);	  /* processor and IOMMU */
void check_adapters(struct check *check); /* SR-IOV adapters and the ports above them */
void check_hypervisor(
	struct check *check);	       /* what runs VMs here, by the rules of the VMM asked for */
void check_needs(struct check *check); /* softiov's own */
void check_guest(struct check *check); /* VF drivers of the guest */

#endif
