/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * check.c - one run: open the root, find out the facts, let every subject add its rows. Each subject only reads through the
 * root, so that a captured machine answers as the machine itself.
 */
#include "check/check.h"

#include <stdio.h>
#include <stdlib.h>

#include "check/internal.h"

static const char *const vmm_words[] = { [CHECK_ANY_VMM] = "",
					 [CHECK_KVM] = "kvm",
					 [CHECK_XENSERVER] = "xenserver",
					 [CHECK_VSPHERE] = "vsphere",
					 [CHECK_HYPERV] = "hyperv" };
static const char *const vmm_names[] = { [CHECK_ANY_VMM] = "",
					 [CHECK_KVM] = " with KVM",
					 [CHECK_XENSERVER] = " with XenServer",
					 [CHECK_VSPHERE] = " with vSphere",
					 [CHECK_HYPERV] = " with Hyper-V" };

int check_vmm_parse(const char *word, enum check_vmm *vmm)
{
	for (size_t i = CHECK_KVM; i < ARRAY_SIZE(vmm_words); i++)
		if (!strcmp(word, vmm_words[i])) {
			*vmm = (enum check_vmm)i;
			return 0;
		}
	return -EINVAL;
}

static int prepare(struct check *check, struct reason *why)
{
	struct check_facts *facts;
	int error;

	check->root = root_open(check->options->root, why);
	if (!check->root)
		return -EINVAL;
	if (check->options->capture) {
		error = root_record(check->root, check->options->capture, why);
		if (error)
			return error;
	}
	if (root_is_live(check->root)) {
		facts = malloc(sizeof(*facts));
		if (!facts)
			return refuse(why, -ENOMEM, "out of memory");
		live_facts(facts);
		root_set_facts(check->root, facts);
		free(facts);
	}
	check->facts = root_facts(check->root);
	cpu_read(check->root, &check->cpu);
	return pci_read(check->root, &check->pci) ? refuse(why, -ENOMEM, "out of memory") : 0;
}

static void answer_all(struct check *check)
{
	struct check_result *result = check->result;

	result->by_hardware = check->options->vmm != CHECK_ANY_VMM;
	result->hardware.id = "hardware";
	result->softiov.id = "softiov";
	snprintf(result->hardware.question, sizeof(result->hardware.question),
		 "Can this machine do hardware SR-IOV%s?", vmm_names[check->vmm]);
	snprintf(result->softiov.question, sizeof(result->softiov.question),
		 "Can this machine run softiov?");
	check_server(check);
	check_adapters(check);
	check_hypervisor(check);
	check_needs(check);
	check_guest(check);
}

/* A capture is for every question: let each VMM's rules read what they need. */
static void capture_all(struct check *check)
{
	enum check_vmm asked = check->vmm;

	if (!check->options->capture)
		return;
	for (size_t i = CHECK_ANY_VMM; i < ARRAY_SIZE(vmm_words); i++) {
		check->vmm = (enum check_vmm)i;
		answer_all(check);
		memset(check->result, 0, sizeof(*check->result));
	}
	check->vmm = asked;
}

struct check_result *check_run(const struct check_options *options, struct reason *why)
{
	struct check check = { .options = options, .vmm = options->vmm };
	int error;

	check.result = calloc(1, sizeof(*check.result));
	if (!check.result) {
		refuse(why, -ENOMEM, "out of memory");
		return NULL;
	}
	error = prepare(&check, why);
	if (!error) {
		capture_all(&check);
		answer_all(&check);
		error = root_record_end(check.root, why);
	}
	pci_free(&check.pci);
	root_close(check.root);
	if (!error)
		return check.result;
	free(check.result);
	return NULL;
}

enum check_verdict check_verdict(const struct check_result *result)
{
	return answer_verdict(result->by_hardware ? &result->hardware : &result->softiov);
}

void check_print(const struct check_result *result)
{
	answer_print(&result->hardware);
	putchar('\n');
	answer_print(&result->softiov);
}

json_t *check_json(const struct check_result *result)
{
	const struct check_answer *decides =
		result->by_hardware ? &result->hardware : &result->softiov;

	return json_pack("{s:s, s:i, s:o, s:o}", "decides", decides->id, "exit",
			 (int)answer_verdict(decides), result->hardware.id,
			 answer_json(&result->hardware), result->softiov.id,
			 answer_json(&result->softiov));
}
