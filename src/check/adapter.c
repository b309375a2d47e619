/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * adapter.c - the rows of SR-IOV adapters: numbers of VFs, addresses of VF BARs, ARI (PCIe base specification 6.13) of adapter
 * and port above, ACS of that port. One adapter that is ready is enough: what is wrong with others is then a note.
 */
#include <stdio.h>

#include "check/internal.h"

#define CLASS_NETWORK 0x02
#define CLASS_SHIFT 16
#define ADAPTERS_SHOWN 32u
#define MIB (1ull << 20)
#define KIB (1ull << 10)

/* One PF's rows start at @first. */
struct adapter {
	const struct pci_function *function;
	struct pci_sriov sriov;
	unsigned int first, end;
};

static struct check_row *adapter_row(struct check *check, const struct adapter *adapter,
				     enum check_state state, const char *id, const char *what,
				     const char *found)
{
	struct check_row *row = row_add(&check->result->hardware, state, id, what, "%s", found);

	snprintf(row->object, sizeof(row->object), "%s", adapter->function->address);
	return row;
}

static void numbers_row(struct check *check, const struct adapter *adapter)
{
	const struct pci_sriov *sriov = &adapter->sriov;
	struct check_row *row;
	char found[160];

	snprintf(found, sizeof(found), "%04x:%04x, TotalVFs %u, NumVFs %u, %s%s",
		 adapter->function->vendor, adapter->function->device, sriov->total, sriov->enabled,
		 *sriov->driver ? "driver " : "no driver", sriov->driver);
	row = adapter_row(check, adapter,
			  !sriov->total	    ? CHECK_NO
			  : !*sriov->driver ? CHECK_NOTE
					    : CHECK_OK,
			  "adapter", "SR-IOV adapter", found);
	row_needs(row, "TotalVFs above 0 and a PF driver");
	if (!sriov->total)
		row_todo(row,
			 "switch on SR-IOV for this adapter in the firmware setup, or with its "
			 "vendor's tool");
	else if (!*sriov->driver)
		row_todo(row, "load the adapter's driver: it creates the VFs");
	else if (!sriov->enabled)
		row_todo(row, "to create VFs: echo %u > /sys/bus/pci/devices/%s/sriov_numvfs",
			 MIN(sriov->total, 8u), adapter->function->address);
}

static void bars_row(struct check *check, const struct adapter *adapter)
{
	const struct pci_sriov *sriov = &adapter->sriov;
	struct check_row *row;
	char found[80];

	if (sriov->assigned == PCI_YES) {
		snprintf(found, sizeof(found), "%llu %s for all VFs, assigned",
			 (unsigned long long)(sriov->bar_bytes /
					      (sriov->bar_bytes < MIB ? KIB : MIB)),
			 sriov->bar_bytes < MIB ? "KiB" : "MiB");
		row = adapter_row(check, adapter, CHECK_OK, "vf-bars", "VF BARs", found);
	} else if (sriov->assigned == PCI_NO) {
		row = adapter_row(check, adapter, CHECK_NO, "vf-bars", "VF BARs",
				  "no addresses assigned: SR-IOV is off in firmware, or the space "
				  "below the port too small");
		row_todo(row, "switch on SR-IOV Support (and Above 4G Decoding) in the firmware "
			      "setup; if there is none, pci=realloc on the kernel command line");
	} else {
		row = adapter_row(check, adapter, CHECK_UNKNOWN, "vf-bars", "VF BARs",
				  "its resources cannot be read");
		row_todo(row, "look for the file \"resource\" of the function in /sys");
	}
	row_needs(row, "addresses for the BARs of all VFs, given by firmware");
}

static const char *words(enum pci_answer answer)
{
	static const char *const text[] = { [PCI_NO] = "no",
					    [PCI_YES] = "yes",
					    [PCI_NO_CONFIG] = "could not tell (configuration space "
							      "not readable that far)",
					    [PCI_DAMAGED] = "could not tell (damaged capability "
							    "list)" };

	return text[answer];
}

static void ari_row(struct check *check, const struct adapter *adapter)
{
	const struct pci_sriov *sriov = &adapter->sriov;
	bool both = sriov->ari == PCI_YES && sriov->port && sriov->port_ari == PCI_YES;
	bool unreadable =
		sriov->ari == PCI_NO_CONFIG || (sriov->port && sriov->port_ari == PCI_NO_CONFIG);
	struct check_row *row;
	char found[224];

	if (sriov->port)
		snprintf(found, sizeof(found), "adapter: %s; forwarding of port %s: %s%s",
			 words(sriov->ari), sriov->port->address, words(sriov->port_ari),
			 sriov->port_ari == PCI_YES && sriov->port_ari_enabled ? ", on" : "");
	else
		snprintf(found, sizeof(found), "adapter: %s; no port above it is seen here",
			 words(sriov->ari));
	row = adapter_row(check, adapter, both ? CHECK_OK : CHECK_NOTE, "ari", "ARI", found);
	row_needs(row, "both, for all VFs on the adapter's own bus; without, VFs take further bus "
		       "numbers, and there may be fewer");
	if (!both)
		row_todo(row, "%s",
			 unreadable ? "ask as root"
				    : "if VFs are missing: switch on ARI in the firmware setup, or "
				      "try another slot");
}

static void acs_row(struct check *check, const struct adapter *adapter)
{
	const struct pci_sriov *sriov = &adapter->sriov;
	enum pci_answer acs = sriov->port ? sriov->port_acs : PCI_NO;
	struct check_row *row;

	row = adapter_row(check, adapter,
			  acs == PCI_YES  ? CHECK_OK
			  : acs == PCI_NO ? CHECK_NO
					  : CHECK_UNKNOWN,
			  "acs", "ACS of the port above",
			  sriov->port ? words(acs) : "no port above it is seen here");
	row_needs(row, "Access Control Services in the root port: Hyper-V's requirement for SR-IOV "
		       "(\"Everything you wanted to know about SR-IOV in Hyper-V\", part 3)");
	if (acs != PCI_YES)
		row_todo(row, acs == PCI_NO ? "another slot, or another server" : "ask as root");
}

static void adapter_rows(struct check *check, struct adapter *adapter)
{
	adapter->first = check->result->hardware.rows;
	numbers_row(check, adapter);
	if (adapter->sriov.total) {
		bars_row(check, adapter);
		ari_row(check, adapter);
		if (check->vmm == CHECK_HYPERV)
			acs_row(check, adapter);
	}
	adapter->end = check->result->hardware.rows;
}

static enum check_state worst(const struct check_answer *answer, unsigned int first,
			      unsigned int end)
{
	enum check_state state = CHECK_OK;

	for (unsigned int i = first; i < end; i++)
		state = MAX(state, answer->row[i].state);
	return state;
}

/* If one adapter is ready, the others decide nothing. */
static void forgive(struct check_answer *answer, const struct adapter *adapters, unsigned int n)
{
	bool ready = false;

	for (unsigned int i = 0; i < n; i++)
		ready |= worst(answer, adapters[i].first, adapters[i].end) < CHECK_UNKNOWN;
	for (unsigned int i = 0; i < n && ready; i++)
		for (unsigned int k = adapters[i].first; k < adapters[i].end; k++)
			if (answer->row[k].state > CHECK_NOTE)
				answer->row[k].state = CHECK_NOTE;
}

static void no_adapter_row(struct check *check, unsigned int cards, enum pci_answer unclear,
			   const struct pci_function *which)
{
	struct check_answer *answer = &check->result->hardware;
	struct check_row *row;

	if (!check->pci.readable) {
		row = row_add(answer, CHECK_UNKNOWN, "adapter", "SR-IOV adapter",
			      "no PCI bus is seen here");
		row_todo(row, "ask with /sys mounted, on a machine with PCI");
	} else if (unclear == PCI_NO_CONFIG) {
		row = row_add(answer, CHECK_UNKNOWN, "adapter", "SR-IOV adapter",
			      "could not tell: %zu bytes of configuration space of %s can be read",
			      which->length, which->address);
		row_todo(row, "ask as root");
	} else if (unclear == PCI_DAMAGED) {
		row = row_add(
			answer, CHECK_UNKNOWN, "adapter", "SR-IOV adapter",
			"could not tell: the capability list of %s is damaged (a loop, or out "
			"of bounds)",
			which->address);
		row_todo(row, "update the adapter's firmware, or capture again");
	} else {
		row = row_add(answer, CHECK_NO, "adapter", "SR-IOV adapter",
			      "%u network adapter%s, none with SR-IOV", cards,
			      cards == 1 ? "" : "s");
		row_todo(row, "%s",
			 check->cpu.in_vm
				 ? "ask on the host, or use softiov on it"
				 : "an adapter with SR-IOV (Intel 82599 or newer 10-Gbit/s "
				   "ones, 82576, I350, NVIDIA ConnectX, Broadcom NetXtreme-E) "
				   "or softiov, which needs none");
	}
	row_needs(row, "a network adapter with the SR-IOV capability");
}

void check_adapters(struct check *check)
{
	struct adapter adapters[ADAPTERS_SHOWN];
	const struct pci_function *which = NULL;
	enum pci_answer unclear = PCI_NO;
	unsigned int n = 0, cards = 0;

	for (size_t i = 0; i < check->pci.n && n < ADAPTERS_SHOWN; i++) {
		struct adapter *adapter = &adapters[n];

		adapter->function = &check->pci.function[i];
		if (adapter->function->class >> CLASS_SHIFT != CLASS_NETWORK ||
		    adapter->function->is_vf)
			continue;
		cards++;
		pci_sriov_read(check->root, &check->pci, adapter->function, &adapter->sriov);
		if (adapter->sriov.has == PCI_YES) {
			adapter_rows(check, adapter);
			n++;
		} else if (adapter->sriov.has != PCI_NO && !which) {
			unclear = adapter->sriov.has;
			which = adapter->function;
		}
	}
	if (n)
		forgive(&check->result->hardware, adapters, n);
	else
		no_adapter_row(check, cards, unclear, which);
}
