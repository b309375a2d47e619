/* SPDX-License-Identifier: BSD-3-Clause */
/* drivers.h - Linux' VF drivers, what they are called and which VFs they drive. */
#ifndef SOFTIOV_CHECK_DRIVERS_H
#define SOFTIOV_CHECK_DRIVERS_H

#include <stddef.h>
#include <stdint.h>

#define VF_DRIVERS 13
#define VF_DRIVER_NONE (-1)
#define VF_DRIVER_SOFTIOV 0 /* ixgbevf */

/** struct vf_driver - @option: of the kernel's configuration, without CONFIG_; @drives: for people. */
struct vf_driver {
	const char *module, *option, *drives;
};

extern const struct vf_driver vf_drivers[VF_DRIVERS];

/** vf_driver_of() - Return: index of the driver of a VF, or VF_DRIVER_NONE: not in our list. */
int vf_driver_of(uint16_t vendor, uint16_t vf_device);
/** vf_driver_by_option() - Return: index, or VF_DRIVER_NONE. @length: of @option. */
int vf_driver_by_option(const char *option, size_t length);
/** vf_driver_by_file() - of a path that ends in MODULE.ko, .ko.xz … Return: index, or VF_DRIVER_NONE. */
int vf_driver_by_file(const char *path, size_t length);

#endif
