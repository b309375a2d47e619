/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * check.h - "can this machine do hardware SR-IOV, and can it run softiov?" (docs/check.md). One thread; needs no daemon.
 */
#ifndef SOFTIOV_CHECK_CHECK_H
#define SOFTIOV_CHECK_CHECK_H

#include <jansson.h>
#include <stdbool.h>
#include "check/report.h"
#include "util/util.h"

/** enum check_vmm - whose rules the question about hardware follows. CHECK_ANY_VMM: what all have in common, on Linux. */
enum check_vmm { CHECK_ANY_VMM, CHECK_KVM, CHECK_XENSERVER, CHECK_VSPHERE, CHECK_HYPERV };

#define CHECK_GUEST_FILES 8

/**
 * struct check_options - what to check; borrowed.
 * @guest: as the user named it, or NULL; @guest_file: the files it stands for
 * @guest_problem: why it stands for none, or ""
 */
struct check_options {
	enum check_vmm vmm;
	const char *root;    /* captured root, or NULL: this machine */
	const char *capture; /* folder to record to, or NULL */
	const char *guest;
	unsigned int guest_files;
	const char *guest_file[CHECK_GUEST_FILES];
	const char *guest_problem;
};

/** struct check_result - the answers to both questions. */
struct check_result {
	bool by_hardware; /* the question about hardware decides the exit status: a VMM was named */
	struct check_answer hardware, softiov;
};

/** check_vmm_parse() - "kvm" … Return: 0 or -EINVAL. */
int check_vmm_parse(const char *word, enum check_vmm *vmm);

/**
 * check_run() - answer both questions. Takes some seconds on a live machine: it tries /dev/kvm.
 * Return: the answers (free()), or NULL with @why: the root cannot be read, the capture not be written.
 */
struct check_result *check_run(const struct check_options *options, struct reason *why);
/** check_verdict() - Return: the exit status. */
enum check_verdict check_verdict(const struct check_result *result);
/** check_print() - as text on stdout. */
void check_print(const struct check_result *result);
/** check_json() - Return: an object (the caller's). */
json_t *check_json(const struct check_result *result);

#endif
