/* SPDX-License-Identifier: BSD-3-Clause */
/* kvm_guest.h - a guest of a few instructions that tries what a kernel needs of KVM. */
#ifndef SOFTIOV_VMM_KVM_GUEST_H
#define SOFTIOV_VMM_KVM_GUEST_H

#include "util/util.h"

/**
 * kvm_guest_run() - run it through /dev/kvm. Blocks for as long as the guest runs, which may be for ever.
 * Return: 0: it ran to its end; or -errno with @why.
 */
int kvm_guest_run(struct reason *why);

#endif
