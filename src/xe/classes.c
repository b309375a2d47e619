/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * classes.c - the classes of objects but VMs: physical interfaces, networks, SR-IOV on them, PCI functions, this host. Each
 * table says a parameter's name in XenServer's words, or ours where there is none, and the member of the API's record.
 */
#include "xe/internal.h"
#include "xe/values.h"

#include "util/util.h"

#define SPEED_UNIT "Mbit/s"

static json_t *get_speed(const json_t *record, const struct xe_field *field)
{
	const json_t *speed = json_object_get(record, field->member);

	return json_integer_value(speed)
		       ? json_sprintf("%lld " SPEED_UNIT, (long long)json_integer_value(speed))
		       : json_string("unknown");
}

static json_t *get_one_set(const json_t *record, const struct xe_field *field)
{
	const json_t *value = json_object_get(record, field->member);

	return json_is_string(value) ? json_pack("[O]", value) : json_array();
}

static json_t *get_sriov_word(const json_t *record, const struct xe_field *field)
{
	return json_integer_value(json_object_get(record, field->member))
		       ? json_pack("[s]", "sriov")
		       : json_array();
}

static json_t *get_versions(const json_t *record, const struct xe_field *field)
{
	return json_pack("{s:s s:s* s:s* s:s*}", "product_brand", "softiov", "product_version",
			 xe_text(record, "software-version"), "qemu_version",
			 xe_text(record, "qemu-version"), "qemu_path",
			 xe_text(record, "qemu-path"));
}

static json_t *get_cpu_info(const json_t *record, const struct xe_field *field)
{
	return json_pack("{s:o}", "cpu_count", xe_get_text(record, field));
}

/* The host's uuid and name with every record. */
static int join_host(const char *socket, json_t *records, struct client_refusal *why)
{
	json_t *host = client_call(socket, "GET", "/v1/host", NULL, why);
	json_t *record;
	size_t i;

	if (!host)
		return CLIENT_REFUSED;
	json_array_foreach (records, i, record) {
		json_object_set(record, "host-uuid", json_object_get(host, "uuid"));
		json_object_set(record, "host-name-label", json_object_get(host, "name-label"));
	}
	json_decref(host);
	return 0;
}

/* With every network the uuids of the interfaces that are tied to it. */
static int join_pifs(const char *socket, json_t *records, struct client_refusal *why)
{
	json_t *pifs = client_list(socket, "/v1/pif", "pifs", why);
	json_t *network, *pif, *uuids;
	size_t i, k;

	if (!pifs)
		return CLIENT_REFUSED;
	json_array_foreach (records, i, network) {
		uuids = json_array();
		json_array_foreach (pifs, k, pif)
			if (json_equal(json_object_get(pif, "network"),
				       json_object_get(network, "uuid")))
				json_array_append(uuids, json_object_get(pif, "uuid"));
		json_object_set_new(network, "pifs", uuids);
	}
	json_decref(pifs);
	return 0;
}

/* With every SR-IOV object the uuid of the interface whose PF it is on. */
static int join_pif(const char *socket, json_t *records, struct client_refusal *why)
{
	json_t *pifs = client_list(socket, "/v1/pif", "pifs", why);
	json_t *sriov, *pif;
	size_t i, k;

	if (!pifs)
		return CLIENT_REFUSED;
	json_array_foreach (records, i, sriov)
		json_array_foreach (pifs, k, pif)
			if (json_equal(json_object_get(pif, "address"),
				       json_object_get(sriov, "pf")))
				json_object_set(sriov, "pif", json_object_get(pif, "uuid"));
	json_decref(pifs);
	return 0;
}

static const struct xe_field pif_fields[] = {
	{ "uuid", XE_RO, "uuid", xe_get_text },
	{ "device", XE_RO, "device", xe_get_text },
	{ "MAC", XE_RO, "mac", xe_get_text },
	{ "physical", XE_RO, "true", xe_get_constant },
	{ "managed", XE_RO, "true", xe_get_constant },
	{ "currently-attached", XE_RO, "true", xe_get_constant },
	{ "MTU", XE_RO, "mtu", xe_get_text },
	{ "VLAN", XE_RO, "-1", xe_get_constant },
	{ "sriov-physical-PIF-of", XE_SRO, "sriov", get_one_set },
	{ "network-uuid", XE_RO, "network", xe_get_reference },
	{ "host-uuid", XE_RO, "host-uuid", xe_get_text },
	{ "host-name-label", XE_RO, "host-name-label", xe_get_text },
	{ "capabilities", XE_SRO, "totalvfs", get_sriov_word },
	{ "carrier", XE_RO, "carrier", xe_get_text },
	{ "speed", XE_RO, "speed", get_speed },
	{ "pci-bus-path", XE_RO, "address", xe_get_text },
	{ "numvfs", XE_RO, "numvfs", xe_get_text },
	{ "totalvfs", XE_RO, "totalvfs", xe_get_text },
};

const struct xe_class xe_pif = {
	"pif",
	"PIF",
	"/v1/pif",
	"pifs",
	pif_fields,
	ARRAY_SIZE(pif_fields),
	"uuid,device,VLAN,MAC,network-uuid,currently-attached,host-uuid",
	join_host,
};

static const struct xe_field network_fields[] = {
	{ "uuid", XE_RO, "uuid", xe_get_text },
	{ "name-label", XE_RO, "name-label", xe_get_text },
	{ "name-description", XE_RO, "name-description", xe_get_text },
	{ "PIF-uuids", XE_SRO, "pifs", xe_get_json },
};

const struct xe_class xe_network = {
	"network",
	"network",
	"/v1/network",
	"networks",
	network_fields,
	ARRAY_SIZE(network_fields),
	"uuid,name-label,name-description",
	join_pifs,
};

static const struct xe_field sriov_fields[] = {
	{ "uuid", XE_RO, "uuid", xe_get_text },
	{ "physical-PIF", XE_RO, "pif", xe_get_reference },
	{ "network-uuid", XE_RO, "network", xe_get_reference },
	{ "requires-reboot", XE_RO, "false", xe_get_constant },
	{ "configuration-mode", XE_RO, "sysfs", xe_get_constant },
	{ "numvfs", XE_RO, "numvfs", xe_get_text },
	{ "pci-bus-path", XE_RO, "pf", xe_get_text },
};

const struct xe_class xe_sriov = {
	"network-sriov",
	"network_sriov",
	"/v1/sriov",
	"sriovs",
	sriov_fields,
	ARRAY_SIZE(sriov_fields),
	"uuid,physical-PIF,network-uuid,requires-reboot,configuration-mode",
	join_pif,
};

static const struct xe_field pci_fields[] = {
	{ "uuid", XE_RO, "uuid", xe_get_text },
	{ "vendor-name", XE_RO, "vendor-name", xe_get_text },
	{ "device-name", XE_RO, "device-name", xe_get_text },
	{ "driver-name", XE_RO, "driver", xe_get_text },
	{ "host-uuid", XE_RO, "host-uuid", xe_get_text },
	{ "host-name-label", XE_RO, "host-name-label", xe_get_text },
	{ "pci-id", XE_RO, "address", xe_get_text },
	{ "class-name", XE_RO, "class-name", xe_get_text },
	{ "vendor-id", XE_RO, "vendor", xe_get_text },
	{ "device-id", XE_RO, "device", xe_get_text },
	{ "kind", XE_RO, "kind", xe_get_text },
	{ "physfn", XE_RO, "physfn", xe_get_text },
	{ "MAC", XE_RO, "mac", xe_get_text },
	{ "vm-uuid", XE_RO, "vm", xe_get_reference },
	{ "socket", XE_RO, "socket", xe_get_text },
};

const struct xe_class xe_pci = {
	"pci",
	"PCI",
	"/v1/pci",
	"functions",
	pci_fields,
	ARRAY_SIZE(pci_fields),
	"uuid,vendor-name,device-name,pci-id",
	join_host,
};

static const struct xe_field host_fields[] = {
	{ "uuid", XE_RO, "uuid", xe_get_text },
	{ "name-label", XE_RO, "name-label", xe_get_text },
	{ "name-description", XE_RO, "", xe_get_constant },
	{ "enabled", XE_RO, "true", xe_get_constant },
	{ "software-version", XE_MRO, "", get_versions },
	{ "cpu_info", XE_MRO, "cpus", get_cpu_info },
	{ "hostname", XE_RO, "name-label", xe_get_text },
	{ "memory-total", XE_RO, "memory", xe_get_text },
	{ "accel", XE_RO, "accel", xe_get_text },
};

const struct xe_class xe_host = {
	"host",
	"host",
	"/v1/host",
	NULL,
	host_fields,
	ARRAY_SIZE(host_fields),
	"uuid,name-label,name-description",
	NULL,
};
