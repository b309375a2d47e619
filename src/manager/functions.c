/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * functions.c - what there is: /v1/pci, /v1/pif, /v1/host.
 */
#include "manager/internal.h"

#include <net/if.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#define INTEL "8086"
#define DEVICE_VF "10ed" /* 82599 data sheet, section 9.3.3 */
#define NO_MTU 0

/* Names as in the PCI ID repository; these devices are all that the cards can be. */
static const char *device_name(const char *device)
{
	if (!strcmp(device, DEVICE_VF))
		return "82599 Ethernet Controller Virtual Function";
	if (!strcmp(device, "10fb"))
		return "82599ES 10-Gigabit SFI/SFP+ Network Connection";
	return "82599 10 Gigabit Dual Port Backplane Connection";
}

static json_t *text_or_null(const char *text)
{
	return text[0] ? json_string(text) : json_null();
}

/** struct listing - of what is being told of all functions. */
struct listing {
	struct manager *manager;
	json_t *list;
	json_t *sriov; /* of the inventory */
};

static json_t *holder_of(struct manager *manager, const char *address)
{
	char uuid[UUID_BYTES];

	return store_holder(manager->store, address, uuid) ? json_null() : json_string(uuid);
}

static const char *driver_of(const struct node *node)
{
	if (node->vf)
		return attached_of(node->vf) ? "vfio-user" : "";
	return strcmp(string_of(node->card, "mode"), "host") ? "" : "softiovd";
}

static bool add_pci(void *ctx, const struct node *node)
{
	struct listing *listing = ctx;
	const json_t *self = node->vf ? node->vf : node->pf;
	const char *address = string_of(self, "address");
	const char *device = node->vf ? DEVICE_VF : string_of(node->card, "device");
	json_t *function = json_object();
	char uuid[UUID_BYTES];

	identity_of(listing->manager, "pci", address, uuid);
	json_object_set_new(function, "uuid", json_string(uuid));
	json_object_set_new(function, "address", json_string(address));
	json_object_set_new(function, "kind", json_string(node->vf ? "VF" : "PF"));
	json_object_set_new(function, "physfn",
			    text_or_null(node->vf ? string_of(node->pf, "address") : ""));
	json_object_set_new(function, "vendor", json_string(INTEL));
	json_object_set_new(function, "device", json_string(device));
	json_object_set_new(function, "vendor-name", json_string("Intel Corporation"));
	json_object_set_new(function, "device-name", json_string(device_name(device)));
	json_object_set_new(function, "class-name", json_string("Ethernet controller"));
	json_object_set_new(function, "driver", text_or_null(driver_of(node)));
	json_object_set_new(function, "socket", text_or_null(string_of(node->vf, "socket")));
	json_object_set_new(function, "vm", holder_of(listing->manager, address));
	json_object_set_new(function, "mac", text_or_null(string_of(self, "mac")));
	json_array_append_new(listing->list, function);
	return false;
}

static void pci_with_tree(struct request *request)
{
	struct listing listing = { .manager = request->manager, .list = json_array() };

	tree_each(request->tree, add_pci, &listing);
	answer(request, json_pack("{s:o}", "functions", listing.list));
}

void pci_list(struct request *request)
{
	request_tree(request, pci_with_tree);
}

/* PIFs: the PFs as network interfaces */

/* By ioctl and not from /sys, which shows the network namespace that it was mounted in. */
static int mtu_of(const char *interface)
{
	struct ifreq request = { 0 };
	int fd = interface[0] ? socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0) : -1;

	if (fd < 0)
		return NO_MTU;
	snprintf(request.ifr_name, sizeof(request.ifr_name), "%s", interface);
	if (ioctl(fd, SIOCGIFMTU, &request))
		request.ifr_mtu = NO_MTU;
	close(fd);
	return request.ifr_mtu;
}

static const json_t *sriov_of(const struct listing *listing, const char *pf)
{
	const json_t *record;
	size_t i;

	json_array_foreach (listing->sriov, i, record)
		if (!strcmp(string_of(record, "pf"), pf))
			return record;
	return NULL;
}

static bool add_pif(void *ctx, const struct node *node)
{
	struct listing *listing = ctx;
	const char *address = string_of(node->pf, "address");
	const char *interface = string_of(node->pf, "netdev");
	const json_t *link = json_object_get(node->port, "link");
	const json_t *sriov;
	json_t *pif;
	char uuid[UUID_BYTES];
	int mtu;

	if (node->vf)
		return false;
	sriov = sriov_of(listing, address);
	mtu = mtu_of(interface);
	pif = json_object();
	identity_of(listing->manager, "pif", address, uuid);
	json_object_set_new(pif, "uuid", json_string(uuid));
	json_object_set_new(pif, "address", json_string(address));
	json_object_set_new(pif, "device", json_string(interface[0] ? interface : address));
	json_object_set_new(pif, "mac", text_or_null(string_of(node->pf, "mac")));
	json_object_set_new(pif, "mtu", mtu ? json_integer(mtu) : json_null());
	json_object_set_new(pif, "carrier",
			    json_boolean(json_is_true(json_object_get(link, "up"))));
	json_object_set(pif, "speed", json_object_get(link, "speed_mbps"));
	json_object_set(pif, "numvfs", json_object_get(node->pf, "numvfs"));
	json_object_set(pif, "totalvfs", json_object_get(node->pf, "totalvfs"));
	json_object_set_new(pif, "sriov", text_or_null(string_of(sriov, "uuid")));
	json_object_set_new(pif, "network", text_or_null(string_of(sriov, "network")));
	json_array_append_new(listing->list, pif);
	return false;
}

static void pif_with_tree(struct request *request)
{
	struct listing listing = { .manager = request->manager, .list = json_array() };
	struct reason why = { "" };
	struct failure failure = { 0 };

	listing.sriov = store_list(request->manager->store, STORE_SRIOV, &why);
	if (!listing.sriov) {
		json_decref(listing.list);
		fail_store(&failure, &why);
		answer_failure(request, &failure);
		return;
	}
	tree_each(request->tree, add_pif, &listing);
	json_decref(listing.sriov);
	answer(request, json_pack("{s:o}", "pifs", listing.list));
}

void pif_list(struct request *request)
{
	request_tree(request, pif_with_tree);
}

/* The host */

static const char *accel_here(const struct manager *manager)
{
	if (manager->accel == VMM_AUTO)
		return vmm_kvm_works(NULL) ? "kvm" : "tcg";
	return manager->accel == VMM_KVM ? "kvm" : "tcg";
}

void host_get(struct request *request)
{
	struct manager *manager = request->manager;
	json_t *host = json_object();
	char name[256] = "localhost";
	bool qemu = !spec_qemu(manager, NULL);

	(void)gethostname(name, sizeof(name) - 1);
	json_object_set_new(host, "uuid", json_string(manager->host));
	json_object_set_new(host, "name-label", json_string(name));
	json_object_set_new(host, "software-version", json_string(SOFTIOV_VERSION));
	json_object_set_new(host, "qemu-version", text_or_null(qemu ? manager->qemu.version : ""));
	json_object_set_new(host, "qemu-path", text_or_null(qemu ? manager->qemu.path : ""));
	json_object_set_new(host, "accel", json_string(accel_here(manager)));
	json_object_set_new(
		host, "memory",
		json_integer((json_int_t)sysconf(_SC_PHYS_PAGES) * sysconf(_SC_PAGESIZE)));
	json_object_set_new(host, "cpus", json_integer(sysconf(_SC_NPROCESSORS_ONLN)));
	answer(request, host);
}
