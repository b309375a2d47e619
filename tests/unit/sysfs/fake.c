/* SPDX-License-Identifier: BSD-3-Clause */
#include "fake.h"

#include <linux/pci_regs.h>

static uint64_t op_generation(void *ctx)
{
	return ((struct fake *)ctx)->generation;
}

static struct sysfs_function pf(const struct fake *fake)
{
	return (struct sysfs_function){ .routing_id = FAKE_PF,
					.root_bus = FAKE_PF >> 8,
					.driver = fake->vm ? SYSFS_NO_DRIVER : SYSFS_PF_DRIVER,
					.total_vfs = FAKE_TOTAL_VFS,
					.num_vfs = fake->num_vfs,
					.vf_offset = FAKE_OFFSET,
					.vf_stride = FAKE_STRIDE,
					.vf_device = 0x10ed,
					.vpd_size = FAKE_VPD };
}

static int op_list(void *ctx, struct sysfs_list *list)
{
	struct fake *fake = ctx;
	const struct sysfs_function first = pf(fake);
	const struct sysfs_function other = {
		.domain = 1, .routing_id = 0x2000, .root_bus = 0x20, .driver = SYSFS_PF_DRIVER
	};
	int error = 0;

	fake->listings++;
	if (fake->gone)
		return -ENODEV;
	/* Not in order. */
	error = sysfs_list_add(list, &other);
	for (unsigned int i = fake->num_vfs; !error && i--;) {
		const struct sysfs_function vf = {
			.routing_id = (uint16_t)(FAKE_PF + FAKE_OFFSET + i * FAKE_STRIDE),
			.root_bus = FAKE_PF >> 8,
			.is_vf = true,
			.pf = FAKE_PF,
			.vf = (uint16_t)i,
			.driver = (int)i == fake->attached ? SYSFS_CLIENT : SYSFS_NO_DRIVER,
		};

		error = sysfs_list_add(list, &vf);
	}
	return error ? error : sysfs_list_add(list, &first);
}

/* IDs, class and a PCI Express capability at 0xa0, behind another one; byte n of the rest is n. */
static void fill(const struct sysfs_function *f, enum sysfs_view view, uint8_t *config)
{
	bool bare = f->is_vf && view == SYSFS_BARE;

	for (unsigned int i = 0; i < SYSFS_CONFIG_SIZE; i++)
		config[i] = (uint8_t)i;
	put_le16(config + PCI_VENDOR_ID, bare ? 0xffff : 0x8086);
	put_le16(config + PCI_DEVICE_ID, bare ? 0xffff : f->is_vf ? 0x10ed : 0x10fb);
	put_le32(config + PCI_REVISION_ID, 0x02000001);
	put_le16(config + PCI_SUBSYSTEM_VENDOR_ID, 0x8086);
	put_le16(config + PCI_SUBSYSTEM_ID, 0x000c);
	config[PCI_CAPABILITY_LIST] = 0x70;
	put_le16(config + 0x70, 0xa000 | PCI_CAP_ID_MSIX);
	put_le16(config + 0xa0, PCI_CAP_ID_EXP);
	put_le32(config + 0xa0 + PCI_EXP_LNKCAP, 2 | 8 << 4);
	put_le16(config + 0xa0 + PCI_EXP_LNKSTA, 1 | 4 << 4);
}

static int op_config_read(void *ctx, const struct sysfs_function *f, enum sysfs_view view,
			  uint16_t offset, void *data, uint32_t len)
{
	uint8_t config[SYSFS_CONFIG_SIZE];

	if (((struct fake *)ctx)->gone)
		return -ENODEV;
	fill(f, view, config);
	memcpy(data, config + offset, len);
	return 0;
}

static int op_config_write(void *ctx, const struct sysfs_function *f, uint16_t offset,
			   const void *data, uint32_t len, struct reason *why)
{
	struct fake *fake = ctx;

	(void)f, (void)data;
	if (offset + len > SYSFS_CONFIG_SIZE)
		return -E2BIG; /* which the tree must not let happen */
	fake->config_writes++;
	fake->written_at = offset;
	fake->written_len = len;
	return fake->vm ? refuse(why, -EPERM, "it is a VM's") : 0;
}

static int op_resources(void *ctx, const struct sysfs_function *f,
			struct sysfs_resource resource[SYSFS_RESOURCES])
{
	(void)ctx;
	resource[0] = (struct sysfs_resource){ 0x380700000000, 0x4000, true, false };
	if (!f->is_vf)
		resource[SYSFS_VF_RESOURCE] = (struct sysfs_resource){ 0, 0x1000, false, true };
	return 0;
}

static int op_vpd_read(void *ctx, const struct sysfs_function *f, uint16_t offset, void *data,
		       uint32_t len)
{
	(void)ctx;
	if (offset + len > f->vpd_size)
		return -E2BIG;
	memset(data, 'v', len);
	return 0;
}

static int op_set_num_vfs(void *ctx, const struct sysfs_function *f, unsigned int n,
			  struct reason *why)
{
	struct fake *fake = ctx;

	(void)f;
	fake->set_num_vfs = (int)n;
	if (fake->attached >= 0)
		return refuse(why, -EBUSY, "VF %d is attached", fake->attached);
	fake->num_vfs = (uint16_t)n;
	fake->generation++;
	return 0;
}

static int op_reset(void *ctx, const struct sysfs_function *f, struct reason *why)
{
	struct fake *fake = ctx;

	if (!f->is_vf)
		return refuse(why, -EBUSY, "it has a driver");
	fake->resets++;
	return 0;
}

static const struct sysfs_ops ops = {
	.generation = op_generation,
	.list = op_list,
	.config_read = op_config_read,
	.config_write = op_config_write,
	.resources = op_resources,
	.vpd_read = op_vpd_read,
	.set_num_vfs = op_set_num_vfs,
	.reset = op_reset,
};

void fake_init(struct fake *fake)
{
	*fake = (struct fake){ .num_vfs = 8, .attached = -1, .set_num_vfs = -1 };
	fake->tree.ops = &ops;
	fake->tree.ctx = fake;
}

void fake_fini(struct fake *fake)
{
	functions_free(&fake->tree);
}

void fake_change(struct fake *fake)
{
	fake->generation++;
}
