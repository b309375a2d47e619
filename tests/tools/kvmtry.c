/* SPDX-License-Identifier: BSD-3-Clause */
/* kvmtry.c - does KVM work on the machine that this runs on? Prints "yes", or "no: " and why. */
#include <stdio.h>

#include "vmm/vmm.h"

int main(void)
{
	struct reason why = { "" };

	if (vmm_kvm_works(&why))
		puts("yes");
	else
		printf("no: %s\n", why.text);
	return 0;
}
