/* SPDX-License-Identifier: BSD-3-Clause */
/* drivers.c - VF drivers of Linux (drivers/net/ethernet) with the device IDs of their PCI tables. */
#include "check/drivers.h"

#include "util/util.h"

#define INTEL 0x8086
#define MELLANOX 0x15b3
#define BROADCOM 0x14e4

enum {
	IXGBEVF = VF_DRIVER_SOFTIOV,
	IGBVF,
	IAVF,
	I40EVF,
	MLX5,
	MLX4,
	BNXT,
	BNX2X,
	BE2NET,
	CXGB4VF,
	QEDE,
	HINIC,
	NFP
};

const struct vf_driver vf_drivers[VF_DRIVERS] = {
	[IXGBEVF] = { "ixgbevf", "IXGBEVF", "softiov's VFs, Intel 82599, X540, X550, E610" },
	[IGBVF] = { "igbvf", "IGBVF", "Intel 82576, I350" },
	[IAVF] = { "iavf", "IAVF", "Intel X710, XL710, X722, E810" },
	[I40EVF] = { "i40evf", "I40EVF", "Intel X710, XL710 (before Linux 4.20)" },
	[MLX5] = { "mlx5_core", "MLX5_CORE", "NVIDIA ConnectX-4 and newer, BlueField" },
	[MLX4] = { "mlx4_core", "MLX4_CORE", "NVIDIA ConnectX-2, ConnectX-3" },
	[BNXT] = { "bnxt_en", "BNXT", "Broadcom NetXtreme-C/E (BCM573xx, 574xx, 575xx)" },
	[BNX2X] = { "bnx2x", "BNX2X", "Broadcom NetXtreme II 10G (BCM578xx)" },
	[BE2NET] = { "be2net", "BE2NET", "Emulex OneConnect" },
	[CXGB4VF] = { "cxgb4vf", "CHELSIO_T4VF", "Chelsio T4, T5, T6" },
	[QEDE] = { "qede", "QEDE", "Marvell FastLinQ 4xxxx" },
	[HINIC] = { "hinic", "HINIC", "Huawei IN200" },
	[NFP] = { "nfp", "NFP", "Netronome/Corigine Agilio" },
};

static const struct {
	uint16_t vendor, device;
	int driver;
} devices[] = {
	{ INTEL, 0x10ed, IXGBEVF }, { INTEL, 0x152e, IXGBEVF }, { INTEL, 0x1515, IXGBEVF },
	{ INTEL, 0x1530, IXGBEVF }, { INTEL, 0x1565, IXGBEVF }, { INTEL, 0x1564, IXGBEVF },
	{ INTEL, 0x15a8, IXGBEVF }, { INTEL, 0x15a9, IXGBEVF }, { INTEL, 0x15c5, IXGBEVF },
	{ INTEL, 0x57ad, IXGBEVF }, { INTEL, 0x10ca, IGBVF },	{ INTEL, 0x1520, IGBVF },
	{ INTEL, 0x154c, IAVF },    { INTEL, 0x1571, IAVF },	{ INTEL, 0x37cd, IAVF },
	{ INTEL, 0x1889, IAVF },    { MELLANOX, 0x1002, MLX4 }, { MELLANOX, 0x1004, MLX4 },
	{ MELLANOX, 0x1014, MLX5 }, { MELLANOX, 0x1016, MLX5 }, { MELLANOX, 0x1018, MLX5 },
	{ MELLANOX, 0x101a, MLX5 }, { MELLANOX, 0x101c, MLX5 }, { MELLANOX, 0x101e, MLX5 },
	{ BROADCOM, 0x16dc, BNXT }, { BROADCOM, 0x16e1, BNXT }, { BROADCOM, 0x1806, BNXT },
	{ BROADCOM, 0x1807, BNXT },
};

int vf_driver_of(uint16_t vendor, uint16_t vf_device)
{
	for (size_t i = 0; i < ARRAY_SIZE(devices); i++)
		if (devices[i].vendor == vendor && devices[i].device == vf_device)
			return devices[i].driver;
	return VF_DRIVER_NONE;
}

int vf_driver_by_option(const char *option, size_t length)
{
	for (int i = 0; i < VF_DRIVERS; i++)
		if (strlen(vf_drivers[i].option) == length &&
		    !memcmp(vf_drivers[i].option, option, length))
			return i;
	return VF_DRIVER_NONE;
}

/* Module names have '-' and '_' for each other. */
static bool is_module(const char *name, size_t length, const char *module)
{
	if (strlen(module) != length)
		return false;
	for (size_t i = 0; i < length; i++)
		if ((name[i] == '-' ? '_' : name[i]) != module[i])
			return false;
	return true;
}

int vf_driver_by_file(const char *path, size_t length)
{
	static const char *const endings[] = { ".ko", ".ko.xz", ".ko.gz", ".ko.zst" };
	const char *slash = memrchr(path, '/', length);
	const char *name = slash ? slash + 1 : path;
	size_t rest = length - (size_t)(name - path);

	for (size_t e = 0; e < ARRAY_SIZE(endings); e++) {
		size_t ending = strlen(endings[e]);

		if (rest <= ending || memcmp(name + rest - ending, endings[e], ending))
			continue;
		for (int i = 0; i < VF_DRIVERS; i++)
			if (is_module(name, rest - ending, vf_drivers[i].module))
				return i;
	}
	return VF_DRIVER_NONE;
}
