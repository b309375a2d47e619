/* SPDX-License-Identifier: BSD-3-Clause */
/* pci.h - the functions on the PCI buses, and the adapters with SR-IOV among them. */
#ifndef SOFTIOV_CHECK_PCI_H
#define SOFTIOV_CHECK_PCI_H

#include "check/pci_config.h"
#include "check/root.h"

/** enum pci_answer - yes, no, or the reason why it cannot be told. */
enum pci_answer { PCI_NO, PCI_YES, PCI_NO_CONFIG /* not readable so far */, PCI_DAMAGED };

/** struct pci_function - one function. @config holds @length bytes. */
struct pci_function {
	char address[20];
	unsigned int domain, bus;
	uint16_t vendor, device;
	uint32_t class; /* 24 bits */
	bool is_vf;
	size_t length;
	uint8_t *config;
};

struct pci_list {
	size_t n;
	struct pci_function *function;
	bool readable; /* was there a list of functions at all? */
};

/** pci_read() - Return: 0 with @list (pci_free()), -ENOMEM. */
int pci_read(struct check_root *root, struct pci_list *list);
void pci_free(struct pci_list *list);

/** struct pci_sriov - a PF. Numbers are those of sysfs, else those of the capability. */
struct pci_sriov {
	enum pci_answer has;	     /* the capability */
	unsigned int total, enabled; /* TotalVFs, NumVFs */
	uint16_t vf_device;	     /* 0: not known */
	char driver[32];	     /* of the PF; "": none */
	enum pci_answer assigned;    /* have the VF BARs addresses? */
	uint64_t bar_bytes;	     /* of all VFs' BARs that have */
	enum pci_answer ari;	     /* capability of the adapter */
	const struct pci_function
		*port;		  /* the root or switch port above, or NULL: none, or none found */
	enum pci_answer port_ari; /* ARI forwarding of that port */
	bool port_ari_enabled;
	enum pci_answer port_acs; /* access control services of that port */
};

/** pci_sriov_read() - look at one function. */
void pci_sriov_read(struct check_root *root, const struct pci_list *list,
		    const struct pci_function *function, struct pci_sriov *sriov);

#endif
