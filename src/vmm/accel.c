// SPDX-License-Identifier: BSD-3-Clause
/*
 * accel.c - does KVM work here?
 */
#include "vmm/internal.h"

#include <stdlib.h>

bool vmm_kvm_works(struct reason *why)
{
	const char *accel = getenv("SOFTIOV_ACCEL");

	if (accel && !strcmp(accel, "kvm"))
		return true;
	refuse(why, 0, "not tried yet");
	return false;
}
