/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * attribute.c - the files of a function and what is in them: formats, modes and cuts as in Linux
 * drivers/pci/pci-sysfs.c, drivers/pci/iov.c and fs/sysfs/file.c. The table at the end is the list of files.
 *
 * What a kernel remembers of a function from its enumeration (IDs, class, link) is read from configuration space
 * here each time: the cards are the only ones who know.
 */
#include <linux/pci.h>
#include <stdio.h>
#include <unistd.h>

#include "sysfs/internal.h"

#define KIND_PF BIT(0)
#define KIND_VF BIT(1)
#define KIND_SRIOV BIT(2) /* PFs that can have VFs */
#define KIND_VPD BIT(3)
#define EVERY (KIND_PF | KIND_VF)
#define WRITABLE 0222
#define MAX_CAPABILITIES 48
#define CPUS_PER_WORD 32

/* Linux include/linux/ioport.h, and the low bits of a BAR as drivers/pci/probe.c keeps them. */
#define IORESOURCE_MEM 0x00000200u
#define IORESOURCE_PREFETCH 0x00002000u
#define IORESOURCE_SIZEALIGN 0x00040000u
#define IORESOURCE_MEM_64 0x00100000u
#define IORESOURCE_UNSET 0x20000000u

static int config_read(const struct access *access, unsigned int offset, void *data, uint32_t len)
{
	return access->sysfs->ops->config_read(access->sysfs->ctx, access->function, access->view,
					       (uint16_t)offset, data, len);
}

/* IDs */

static int show_hex(const struct access *access, char *page, unsigned int offset, unsigned int len)
{
	uint32_t value = 0;
	int error = config_read(access, offset, &value, len);

	return error ? error : snprintf(page, SYSFS_PAGE, "0x%0*x\n", (int)len * 2, value);
}

static int show_vendor(const struct access *access, char *page)
{
	return show_hex(access, page, PCI_VENDOR_ID, 2);
}

static int show_device(const struct access *access, char *page)
{
	return show_hex(access, page, PCI_DEVICE_ID, 2);
}

static int show_subsystem_vendor(const struct access *access, char *page)
{
	return show_hex(access, page, PCI_SUBSYSTEM_VENDOR_ID, 2);
}

static int show_subsystem_device(const struct access *access, char *page)
{
	return show_hex(access, page, PCI_SUBSYSTEM_ID, 2);
}

static int show_revision(const struct access *access, char *page)
{
	return show_hex(access, page, PCI_REVISION_ID, 1);
}

static int show_class(const struct access *access, char *page)
{
	return show_hex(access, page, PCI_CLASS_PROG, 3);
}

static int modalias(const struct access *access, char *text, size_t size,
		    uint8_t header[PCI_STD_HEADER_SIZEOF])
{
	int error = config_read(access, 0, header, PCI_STD_HEADER_SIZEOF);

	if (error)
		return error;
	return snprintf(text, size, "pci:v%08Xd%08Xsv%08Xsd%08Xbc%02Xsc%02Xi%02X\n",
			get_le16(header + PCI_VENDOR_ID), get_le16(header + PCI_DEVICE_ID),
			get_le16(header + PCI_SUBSYSTEM_VENDOR_ID),
			get_le16(header + PCI_SUBSYSTEM_ID), header[PCI_CLASS_DEVICE + 1],
			header[PCI_CLASS_DEVICE], header[PCI_CLASS_PROG]);
}

static int show_modalias(const struct access *access, char *page)
{
	uint8_t header[PCI_STD_HEADER_SIZEOF];

	return modalias(access, page, SYSFS_PAGE, header);
}

static const char *driver_name(const struct access *access)
{
	bool nobody = access->view == SYSFS_BARE && access->function->is_vf;

	return nobody ? NULL : tree_driver_name(access->function->driver);
}

static int show_uevent(const struct access *access, char *page)
{
	const struct sysfs_function *f = access->function;
	const char *driver = driver_name(access);
	uint8_t header[PCI_STD_HEADER_SIZEOF];
	char alias[96];
	int len = modalias(access, alias, sizeof(alias), header);

	if (len < 0)
		return len;
	return snprintf(page, SYSFS_PAGE,
			"%s%s%sPCI_CLASS=%04X\nPCI_ID=%04X:%04X\nPCI_SUBSYS_ID=%04X:%04X\n"
			"PCI_SLOT_NAME=%04x:%02x:%02x.%x\nMODALIAS=%s",
			driver ? "DRIVER=" : "", driver ? driver : "", driver ? "\n" : "",
			get_le32(header + PCI_REVISION_ID) >> 8, get_le16(header + PCI_VENDOR_ID),
			get_le16(header + PCI_DEVICE_ID),
			get_le16(header + PCI_SUBSYSTEM_VENDOR_ID),
			get_le16(header + PCI_SUBSYSTEM_ID), f->domain, f->routing_id >> 8,
			PCI_SLOT(f->routing_id), PCI_FUNC(f->routing_id), alias);
}

/* Where it is */

static int show_resource(const struct access *access, char *page)
{
	struct sysfs_resource resource[SYSFS_RESOURCES] = { { 0 } };
	int error = 0, len = 0;

	if (access->view == SYSFS_VIRTUAL || !access->function->is_vf) /* a bare VF has no BARs */
		error = access->sysfs->ops->resources(access->sysfs->ctx, access->function,
						      resource);
	if (error)
		return error;
	for (unsigned int i = 0; i < SYSFS_RESOURCES; i++) {
		const struct sysfs_resource *r = &resource[i];
		uint32_t flags = 0;

		if (r->size)
			flags = IORESOURCE_MEM | IORESOURCE_SIZEALIGN |
				(r->is_64bit ? IORESOURCE_MEM_64 | PCI_BASE_ADDRESS_MEM_TYPE_64
					     : 0) |
				(r->prefetchable
					 ? IORESOURCE_PREFETCH | PCI_BASE_ADDRESS_MEM_PREFETCH
					 : 0) |
				(r->start ? 0 : IORESOURCE_UNSET);
		len += snprintf(page + len, SYSFS_PAGE - (size_t)len,
				"0x%016llx 0x%016llx 0x%016llx\n", (unsigned long long)r->start,
				(unsigned long long)(r->size ? r->start + r->size - 1 : 0),
				(unsigned long long)flags);
	}
	return len;
}

static int show_irq(const struct access *access, char *page)
{
	return snprintf(page, SYSFS_PAGE, "0\n");
}

static int show_numa_node(const struct access *access, char *page)
{
	return snprintf(page, SYSFS_PAGE, "-1\n");
}

static unsigned int processors(void)
{
	long n = sysconf(_SC_NPROCESSORS_CONF);

	return n > 0 ? (unsigned int)n : 1;
}

static int show_local_cpulist(const struct access *access, char *page)
{
	unsigned int n = processors();

	return n == 1 ? snprintf(page, SYSFS_PAGE, "0\n")
		      : snprintf(page, SYSFS_PAGE, "0-%u\n", n - 1);
}

/* All of them; words of 32 bits, the first as short as its bits allow (lib/vsprintf.c, bitmap_string()). */
static int show_local_cpus(const struct access *access, char *page)
{
	unsigned int n = processors();
	unsigned int left = (n - 1) / CPUS_PER_WORD, first = n - left * CPUS_PER_WORD;
	int len = snprintf(page, SYSFS_PAGE, "%0*x", (int)(first + 3) / 4,
			   first == CPUS_PER_WORD ? UINT32_MAX : BIT(first) - 1);

	while (left--)
		len += snprintf(page + len, SYSFS_PAGE - (size_t)len, ",%x", UINT32_MAX);
	return len + snprintf(page + len, SYSFS_PAGE - (size_t)len, "\n");
}

static int show_enable(const struct access *access, char *page)
{
	return snprintf(page, SYSFS_PAGE, "%d\n", driver_name(access) != NULL);
}

static int show_ari_enabled(const struct access *access, char *page)
{
	return snprintf(page, SYSFS_PAGE, "%d\n", access->function->ari);
}

static int show_reset_method(const struct access *access, char *page)
{
	return snprintf(page, SYSFS_PAGE, "flr\n");
}

/* The link: registers of the PCI Express capability, which is found as a driver finds it. */

static int express_read(const struct access *access, unsigned int field, uint32_t *value)
{
	uint8_t config[PCI_CFG_SPACE_SIZE];
	int error = config_read(access, 0, config, sizeof(config));
	unsigned int at = config[PCI_CAPABILITY_LIST] & ~3u;

	for (unsigned int i = 0; !error && at >= PCI_STD_HEADER_SIZEOF && i < MAX_CAPABILITIES;
	     i++) {
		if (config[at + PCI_CAP_LIST_ID] == PCI_CAP_ID_EXP)
			return config_read(access, at + field, value, sizeof(*value));
		at = config[at + PCI_CAP_LIST_NEXT] & ~3u;
	}
	return error ? error : -EINVAL;
}

static int show_speed(char *page, uint32_t speed)
{
	static const char *const speeds[] = {
		[1] = "2.5 GT/s PCIe",	[2] = "5.0 GT/s PCIe",	[3] = "8.0 GT/s PCIe",
		[4] = "16.0 GT/s PCIe", [5] = "32.0 GT/s PCIe", [6] = "64.0 GT/s PCIe"
	};

	return snprintf(page, SYSFS_PAGE, "%s\n",
			speed && speed < ARRAY_SIZE(speeds) ? speeds[speed] : "Unknown");
}

static int show_current_link_speed(const struct access *access, char *page)
{
	uint32_t control;
	int error = express_read(access, PCI_EXP_LNKCTL, &control);

	return error ? error : show_speed(page, control >> 16 & PCI_EXP_LNKSTA_CLS);
}

static int show_current_link_width(const struct access *access, char *page)
{
	uint32_t control;
	int error = express_read(access, PCI_EXP_LNKCTL, &control);

	return error ? error
		     : snprintf(page, SYSFS_PAGE, "%u\n",
				(control >> 16 & PCI_EXP_LNKSTA_NLW) >> PCI_EXP_LNKSTA_NLW_SHIFT);
}

static int show_max_link_speed(const struct access *access, char *page)
{
	uint32_t capabilities;
	int error = express_read(access, PCI_EXP_LNKCAP, &capabilities);

	return error ? error : show_speed(page, capabilities & PCI_EXP_LNKCAP_SLS);
}

static int show_max_link_width(const struct access *access, char *page)
{
	uint32_t capabilities;
	int error = express_read(access, PCI_EXP_LNKCAP, &capabilities);

	return error ? error
		     : snprintf(page, SYSFS_PAGE, "%u\n",
				(capabilities & PCI_EXP_LNKCAP_MLW) >> PCI_EXP_LNKSTA_NLW_SHIFT);
}

/* SR-IOV */

static int show_totalvfs(const struct access *access, char *page)
{
	return snprintf(page, SYSFS_PAGE, "%u\n", access->function->total_vfs);
}

static int show_numvfs(const struct access *access, char *page)
{
	return snprintf(page, SYSFS_PAGE, "%u\n", access->function->num_vfs);
}

static int show_offset(const struct access *access, char *page)
{
	return snprintf(page, SYSFS_PAGE, "%u\n", access->function->vf_offset);
}

static int show_stride(const struct access *access, char *page)
{
	return snprintf(page, SYSFS_PAGE, "%u\n", access->function->vf_stride);
}

static int show_vf_device(const struct access *access, char *page)
{
	return snprintf(page, SYSFS_PAGE, "%x\n", access->function->vf_device);
}

/* Vectors that VFs could share out among them: an 82599 has none (Linux: 0 unless the driver says so). */
static int show_vf_total_msix(const struct access *access, char *page)
{
	return snprintf(page, SYSFS_PAGE, "0\n");
}

static int show_autoprobe(const struct access *access, char *page)
{
	return snprintf(page, SYSFS_PAGE, "%d\n", autoprobe(access));
}

/* Binary attributes */

static int read_config(const struct access *access, uint64_t offset, void *data, size_t len)
{
	unsigned int size = access->privileged ? SYSFS_CONFIG_SIZE : PCI_STD_HEADER_SIZEOF;
	int error;

	if (offset >= size)
		return 0;
	len = MIN(len, size - offset);
	error = config_read(access, (unsigned int)offset, data, (uint32_t)len);
	return error ? error : (int)len;
}

static int read_vpd(const struct access *access, uint64_t offset, void *data, size_t len)
{
	unsigned int size = access->function->vpd_size;
	int error;

	if (offset >= size)
		return 0;
	len = MIN(len, size - offset);
	error = access->sysfs->ops->vpd_read(access->sysfs->ctx, access->function, (uint16_t)offset,
					     data, (uint32_t)len);
	return error ? error : (int)len;
}

static const struct attribute attributes[] = {
	{ "ari_enabled", 0444, EVERY, SYSFS_PAGE, show_ari_enabled },
	{ "class", 0444, EVERY, SYSFS_PAGE, show_class },
	{ "config", 0644, EVERY, SYSFS_CONFIG_SIZE, .read = read_config, .write = write_config },
	{ "current_link_speed", 0444, EVERY, SYSFS_PAGE, show_current_link_speed },
	{ "current_link_width", 0444, EVERY, SYSFS_PAGE, show_current_link_width },
	{ "device", 0444, EVERY, SYSFS_PAGE, show_device },
	{ "enable", 0644, EVERY, SYSFS_PAGE, show_enable, store_enable },
	{ "irq", 0444, EVERY, SYSFS_PAGE, show_irq },
	{ "local_cpulist", 0444, EVERY, SYSFS_PAGE, show_local_cpulist },
	{ "local_cpus", 0444, EVERY, SYSFS_PAGE, show_local_cpus },
	{ "max_link_speed", 0444, EVERY, SYSFS_PAGE, show_max_link_speed },
	{ "max_link_width", 0444, EVERY, SYSFS_PAGE, show_max_link_width },
	{ "modalias", 0444, EVERY, SYSFS_PAGE, show_modalias },
	{ "numa_node", 0644, EVERY, SYSFS_PAGE, show_numa_node, store_numa_node },
	{ "remove", 0220, EVERY, SYSFS_PAGE, NULL, store_remove },
	{ "rescan", 0220, EVERY, SYSFS_PAGE, NULL, store_rescan },
	{ "reset", 0200, EVERY, SYSFS_PAGE, NULL, store_reset },
	{ "reset_method", 0444, EVERY, SYSFS_PAGE, show_reset_method },
	{ "resource", 0444, EVERY, SYSFS_PAGE, show_resource },
	{ "revision", 0444, EVERY, SYSFS_PAGE, show_revision },
	{ "sriov_drivers_autoprobe", 0644, KIND_SRIOV, SYSFS_PAGE, show_autoprobe,
	  store_autoprobe },
	{ "sriov_numvfs", 0644, KIND_SRIOV, SYSFS_PAGE, show_numvfs, store_numvfs },
	{ "sriov_offset", 0444, KIND_SRIOV, SYSFS_PAGE, show_offset },
	{ "sriov_stride", 0444, KIND_SRIOV, SYSFS_PAGE, show_stride },
	{ "sriov_totalvfs", 0444, KIND_SRIOV, SYSFS_PAGE, show_totalvfs },
	{ "sriov_vf_device", 0444, KIND_SRIOV, SYSFS_PAGE, show_vf_device },
	{ "sriov_vf_msix_count", 0200, KIND_VF, SYSFS_PAGE, NULL, store_msix_count },
	{ "sriov_vf_total_msix", 0444, KIND_SRIOV, SYSFS_PAGE, show_vf_total_msix },
	{ "subsystem_device", 0444, EVERY, SYSFS_PAGE, show_subsystem_device },
	{ "subsystem_vendor", 0444, EVERY, SYSFS_PAGE, show_subsystem_vendor },
	{ "uevent", 0444, EVERY, SYSFS_PAGE, show_uevent },
	{ "vendor", 0444, EVERY, SYSFS_PAGE, show_vendor },
	{ "vpd", 0400, KIND_VPD, 0, .read = read_vpd },
};

const struct attribute *attribute_get(unsigned int index)
{
	return index < ARRAY_SIZE(attributes) ? &attributes[index] : NULL;
}

/* The bare view is to look at: what can only be written is not in it. */
bool attribute_visible(const struct attribute *attribute, const struct sysfs_function *function,
		       enum sysfs_view view)
{
	unsigned int kinds = (function->is_vf ? KIND_VF : KIND_PF) |
			     (function->total_vfs ? KIND_SRIOV : 0) |
			     (function->vpd_size ? KIND_VPD : 0);

	return (attribute->kinds & kinds) && attribute_mode(attribute, view);
}

mode_t attribute_mode(const struct attribute *attribute, enum sysfs_view view)
{
	return view == SYSFS_BARE ? attribute->mode & ~(mode_t)WRITABLE : attribute->mode;
}

int attribute_read(const struct attribute *attribute, const struct access *access, uint64_t offset,
		   void *data, size_t len)
{
	char page[SYSFS_PAGE];
	int size;

	if (attribute->read)
		return attribute->read(access, offset, data, MIN(len, (size_t)SYSFS_PAGE));
	if (!attribute->show)
		return -EIO; /* fs/sysfs/file.c: no such operation */
	size = attribute->show(access, page);
	if (size < 0)
		return size;
	if (offset >= (uint64_t)size)
		return 0;
	len = MIN(len, (size_t)size - offset);
	memcpy(data, page + offset, len);
	return (int)len;
}

int attribute_write(const struct attribute *attribute, const struct access *access, uint64_t offset,
		    const void *data, size_t len)
{
	char page[SYSFS_PAGE + 1];
	int error;

	len = MIN(len, (size_t)SYSFS_PAGE);
	if (!len)
		return 0;
	if (attribute->write)
		return attribute->write(access, offset, data, len);
	if (!attribute->store)
		return -EIO;
	memcpy(page, data, len);
	page[len] = '\0';
	error = attribute->store(access, page);
	return error ? error : (int)len;
}

int refused(const struct access *access, const char *attribute, int error, const struct reason *why)
{
	const struct sysfs_function *f = access->function;

	if (why->text[0] && log_ratelimit(&access->sysfs->limit))
		log_info("%04x:%02x:%02x.%x/%s: refused: %s", f->domain, f->routing_id >> 8,
			 PCI_SLOT(f->routing_id), PCI_FUNC(f->routing_id), attribute, why->text);
	return error;
}
