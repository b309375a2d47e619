/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * spec.c - from a VM's record to what vmm is to run: everything is checked that can be known before, so that a start is
 * refused by the name of what is wrong and not by the last words of a QEMU.
 */
#include "manager/internal.h"

#include <sys/stat.h>
#include <unistd.h>

#define QEMU_REST_S 30

/* The QEMU */

/* Is it still the file that was asked? */
static bool same_qemu(const struct manager *manager)
{
	struct stat status;

	return manager->qemu_known && !stat(manager->qemu.path, &status) &&
	       status.st_ino == manager->qemu_ino && status.st_mtime == manager->qemu_time;
}

int spec_qemu(struct manager *manager, struct reason *why)
{
	struct stat status;
	int error;

	if (same_qemu(manager))
		return 0;
	manager->qemu_known = false;
	if (now_ns() < manager->qemu_rest_ns)
		return refuse(why, -ETIMEDOUT, "%s", manager->qemu_why.text);
	error = vmm_probe(manager->qemu_path[0] ? manager->qemu_path : NULL, &manager->qemu,
			  &manager->qemu_why);
	/* Everybody has waited for this one: not with every request. */
	if (error == -ETIMEDOUT)
		manager->qemu_rest_ns = now_ns() + QEMU_REST_S * NSEC_PER_SEC;
	if (error)
		return refuse(why, error, "%s", manager->qemu_why.text);
	if (!stat(manager->qemu.path, &status)) {
		manager->qemu_ino = status.st_ino;
		manager->qemu_time = status.st_mtime;
		manager->qemu_known = true;
	}
	return 0;
}

static int check_qemu(struct manager *manager, const json_t *record, struct failure *failure)
{
	const struct vmm_qemu *qemu = &manager->qemu;
	struct reason why = { "" };

	if (spec_qemu(manager, &why))
		return fail(failure, VM_START_FAILED, PARAMS(string_of(record, "uuid"), why.text),
			    "%s", why.text);
	if (qemu->vfio_user || !json_array_size(json_object_get(record, "pci")))
		return 0;
	return fail(failure, QEMU_TOO_OLD, PARAMS(qemu->version, NEEDED_QEMU),
		    "%s is version %s and has no vfio-user-pci, which came with %s", qemu->path,
		    qemu->version, NEEDED_QEMU);
}

/* Files */

static int check_file(const char *member, const char *path, struct failure *failure)
{
	if (!path[0] || !access(path, R_OK))
		return 0;
	return fail(failure, FILE_MISSING, PARAMS(member, path), "%s %s: %s", member, path,
		    strerror(errno));
}

static int add_disks(struct spec *spec, struct failure *failure)
{
	const json_t *disk;
	size_t i;

	json_array_foreach (json_object_get(spec->record, "disks"), i, disk) {
		const char *path = string_of(disk, "path");

		if (i == ARRAY_SIZE(spec->disks))
			break;
		if (check_file("disks", path, failure))
			return -1;
		spec->disks[i] = (struct vmm_disk){
			.path = path,
			.format = string_of(disk, "format"),
			.read_only = json_is_true(json_object_get(disk, "read-only")),
		};
		spec->vmm.disks++;
	}
	spec->vmm.disk = spec->disks;
	return 0;
}

static int add_files(struct spec *spec, struct failure *failure)
{
	struct vmm_spec *vmm = &spec->vmm;

	vmm->kernel = string_of(spec->record, "kernel");
	vmm->initrd = string_of(spec->record, "initrd");
	vmm->kernel_args = string_of(spec->record, "kernel-args");
	vmm->firmware = string_of(spec->record, "firmware");
	if (check_file("kernel", vmm->kernel, failure) ||
	    check_file("initrd", vmm->initrd, failure) ||
	    check_file("firmware", vmm->firmware, failure))
		return -1;
	return add_disks(spec, failure);
}

/* Functions */

static int add_function(struct manager *manager, struct spec *spec, const char *address,
			const json_t *tree, bool unused, struct failure *failure)
{
	struct vmm_function *function = &spec->vmm.function[spec->vmm.functions];
	char *socket = spec->sockets[spec->vmm.functions];
	struct node node;

	if (unused && assign_usable(manager, tree, address, &node, failure))
		return -1;
	if (!unused && assign_find(tree, address, &node, failure))
		return -1;
	snprintf(socket, sizeof(spec->sockets[0]), "%s", string_of(node.vf, "socket"));
	function->address = address;
	function->socket = socket;
	spec->vmm.functions++;
	return 0;
}

static int add_functions(struct manager *manager, struct spec *spec, const json_t *tree,
			 bool unused, struct failure *failure)
{
	const json_t *function;
	size_t i;

	json_array_foreach (json_object_get(spec->record, "pci"), i, function) {
		if (i == VMM_MAX_FUNCTIONS)
			break;
		if (add_function(manager, spec, json_string_value(function), tree, unused, failure))
			return -1;
	}
	return 0;
}

static enum vmm_accel accel_of(const struct manager *manager, const json_t *record)
{
	const char *accel = string_of(record, "accel");

	if (!strcmp(accel, "kvm"))
		return VMM_KVM;
	return strcmp(accel, "tcg") ? manager->accel : VMM_TCG;
}

int spec_make(struct manager *manager, const json_t *record, const json_t *tree, bool unused,
	      struct spec *spec, struct failure *failure)
{
	struct vmm_spec *vmm = &spec->vmm;

	memset(spec, 0, sizeof(*spec));
	spec->record = json_deep_copy(record);
	vmm->uuid = string_of(spec->record, "uuid");
	vmm->name = string_of(spec->record, "name-label");
	vmm->memory = (uint64_t)json_integer_value(json_object_get(record, "memory"));
	vmm->vcpus = (unsigned int)json_integer_value(json_object_get(record, "vcpus"));
	vmm->accel = accel_of(manager, record);
	vmm->qemu = &manager->qemu;
	snprintf(spec->dir, sizeof(spec->dir), "%s/vm/%s", manager->run_dir, vmm->uuid);
	vmm->dir = spec->dir;
	if (!add_functions(manager, spec, tree, unused, failure) && !add_files(spec, failure) &&
	    !check_qemu(manager, record, failure))
		return 0;
	spec_free(spec);
	return -1;
}

void spec_free(struct spec *spec)
{
	json_decref(spec->record);
}
