// SPDX-License-Identifier: BSD-3-Clause
/*
 * command.c - QEMU's command line for a VM.
 *
 * A q35 machine without any default device. Its memory is a memory file that devices may map (share=on): without it a
 * vfio-user device reaches none of it. Each function is behind a PCIe root port of its own, as it would be in a real
 * machine, and VMM_FREE_PORTS more stay empty for hot plug. The ports have fixed places (eight to a slot, from slot 10h on),
 * chassis and slot numbers, and so guests find a function at the same address again and again as long as it keeps its place
 * in the list; disks are at slots 2 and up.
 *
 * What has a JSON form is given in it; in the rest a comma is doubled. A file name may hold anything.
 *
 * The guest may take QEMU over: -sandbox forbids it to start programs and to become somebody else.
 */
#include "vmm/internal.h"

#include <fcntl.h>
#include <linux/pci.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "util/bdf.h"

#define PORT_SLOT 0x10
#define PORTS_PER_SLOT 8
#define DISK_SLOT 2
#define SANDBOX "on,obsolete=deny,elevateprivileges=deny,spawn=deny,resourcecontrol=deny"

/* The kernel tries its timer against emulated clocks and gives up when this host was busy elsewhere in these milliseconds. */
#define TCG_KERNEL_ARGS "no_timer_check"

static __attribute__((format(printf, 2, 3))) int add(json_t *args, const char *format, ...)
{
	va_list list;
	char *text;
	int n;

	va_start(list, format);
	n = vasprintf(&text, format, list);
	va_end(list);
	if (n < 0)
		return -ENOMEM;
	n = json_array_append_new(args, json_string(text));
	free(text);
	return n ? -ENOMEM : 0;
}

/* Takes @value over. */
static int add_json(json_t *args, const char *option, json_t *value)
{
	char *text = value ? json_dumps(value, JSON_COMPACT) : NULL;
	int error = -ENOMEM;

	if (text)
		error = add(args, "%s", option) ?: add(args, "%s", text);
	free(text);
	json_decref(value);
	return error;
}

/* An option's value, its commas doubled. The caller's. */
static char *quoted(const char *text)
{
	char *quote = malloc(2 * strlen(text) + 1), *to = quote;

	if (!quote)
		return NULL;
	for (; *text; text++) {
		*to++ = *text;
		if (*text == ',')
			*to++ = ',';
	}
	*to = '\0';
	return quote;
}

static bool given(const char *text)
{
	return text && *text;
}

static int check_file(const char *what, const char *path, int mode, struct reason *why)
{
	struct stat st;

	if (stat(path, &st) || access(path, mode))
		return refuse(why, -errno, "%s %s: %s", what, path, strerror(errno));
	if (!S_ISREG(st.st_mode) && !S_ISBLK(st.st_mode))
		return refuse(why, -EINVAL, "%s %s: not a file", what, path);
	return 0;
}

static int check_disks(const struct vmm_spec *spec, struct reason *why)
{
	int error = 0;

	if (spec->disks > VMM_MAX_DISKS)
		return refuse(why, -EINVAL, "%u disks: at most %u", spec->disks, VMM_MAX_DISKS);
	for (unsigned int i = 0; !error && i < spec->disks; i++) {
		const struct vmm_disk *disk = &spec->disk[i];

		if (strcmp(disk->format, "raw") && strcmp(disk->format, "qcow2"))
			return refuse(why, -EINVAL, "disk %s: format '%s' is neither raw nor qcow2",
				      disk->path, disk->format);
		error = check_file("disk", disk->path, disk->read_only ? R_OK : R_OK | W_OK, why);
	}
	return error;
}

static int check_files(const struct vmm_spec *spec, struct reason *why)
{
	int error = 0;

	if (!given(spec->kernel) && given(spec->initrd))
		return refuse(why, -EINVAL, "an initrd needs a kernel");
	if (!given(spec->kernel) && given(spec->kernel_args))
		return refuse(why, -EINVAL, "kernel-args need a kernel");
	if (!given(spec->kernel) && !given(spec->firmware) && !spec->disks)
		return refuse(why, -EINVAL, "nothing to boot: neither kernel nor disk");
	if (given(spec->kernel))
		error = check_file("kernel", spec->kernel, R_OK, why);
	if (!error && given(spec->initrd))
		error = check_file("initrd", spec->initrd, R_OK, why);
	if (!error && given(spec->firmware))
		error = check_file("firmware", spec->firmware, R_OK, why);
	return error ? error : check_disks(spec, why);
}

static int check_memory(uint64_t memory, struct reason *why)
{
	uint64_t host = (uint64_t)sysconf(_SC_PHYS_PAGES) * (uint64_t)sysconf(_SC_PAGESIZE);

	if (memory < VMM_MIN_MEMORY)
		return refuse(why, -EINVAL, "memory of %llu bytes: at least 64 MiB",
			      (unsigned long long)memory);
	if (memory % VMM_MIB)
		return refuse(why, -EINVAL, "memory of %llu bytes: not a multiple of 1 MiB",
			      (unsigned long long)memory);
	if (memory > host)
		return refuse(why, -EINVAL, "memory of %llu MiB: this host has %llu MiB",
			      (unsigned long long)(memory / VMM_MIB),
			      (unsigned long long)(host / VMM_MIB));
	return 0;
}

static int check_functions(const struct vmm_spec *spec, struct reason *why)
{
	struct sockaddr_un address;
	char id[VMM_ID_MAX];

	if (spec->functions > VMM_MAX_FUNCTIONS)
		return refuse(why, -EINVAL, "%u functions: at most %u", spec->functions,
			      VMM_MAX_FUNCTIONS);
	for (unsigned int i = 0; i < spec->functions; i++) {
		const struct vmm_function *function = &spec->function[i];

		if (vmm_function_id(id, i, function->address))
			return refuse(why, -EINVAL, "'%s' is not a function's address",
				      function->address);
		if (strlen(function->socket) >= sizeof(address.sun_path))
			return refuse(why, -ENAMETOOLONG, "path of a socket is too long: %s",
				      function->socket);
	}
	return 0;
}

static int check(const struct vmm_spec *spec, struct reason *why)
{
	const struct vmm_qemu *qemu = spec->qemu;
	struct sockaddr_un address;
	int error;

	if (!qemu->vfio_user && (qemu->major < 10 || (qemu->major == 10 && qemu->minor < 1)))
		return refuse(why, -ENOTSUP, "QEMU %s at %s is too old: 10.1 or newer needed",
			      qemu->version, qemu->path);
	if (!qemu->vfio_user)
		return refuse(why, -ENOTSUP, "QEMU %s at %s was built without vfio-user-pci",
			      qemu->version, qemu->path);
	if (strlen(spec->dir) + sizeof("/" VMM_CONSOLE) > sizeof(address.sun_path))
		return refuse(why, -ENAMETOOLONG, "path is too long for sockets: %s", spec->dir);
	if (!spec->vcpus || spec->vcpus > VMM_MAX_VCPUS)
		return refuse(why, -EINVAL, "%u vcpus: 1 to %u", spec->vcpus, VMM_MAX_VCPUS);
	error = check_memory(spec->memory, why);
	if (!error)
		error = check_functions(spec, why);
	return error ? error : check_files(spec, why);
}

/* Which accelerator. Return: true for KVM; *@error: it was asked for and does not work. */
static bool use_kvm(const struct vmm_spec *spec, int *error, struct reason *why)
{
	struct reason broken = { "" };

	*error = 0;
	if (spec->accel == VMM_TCG)
		return false;
	if (vmm_kvm_works(&broken))
		return true;
	if (spec->accel == VMM_KVM)
		*error = refuse(why, -ENOTSUP, "KVM does not work here: %.200s", broken.text);
	return false;
}

static int add_machine(json_t *args, const struct vmm_spec *spec, bool kvm)
{
	char *name = quoted(spec->name);
	int error = -ENOMEM;

	if (!name)
		return error;
	error = add(args, "-name") ?: add(args, "guest=%s,debug-threads=on", name) ?:
		add(args, "-uuid") ?: add(args, "%s", spec->uuid) ?:
		add(args, "-nodefaults") ?: add(args, "-no-user-config") ?:
		add(args, "-display") ?: add(args, "none") ?: add(args, "-vga") ?:
		add(args, "none") ?: add(args, "-nic") ?: add(args, "none") ?:
		add(args, "-sandbox") ?: add(args, SANDBOX) ?: add(args, "-machine") ?:
		add(args, "q35,memory-backend=mem") ?: add(args, "-accel") ?:
		add(args, kvm ? "kvm" : "tcg,thread=multi") ?: add(args, "-cpu") ?:
		add(args, kvm ? "host" : "max") ?: add(args, "-smp") ?:
		add(args, "%u", spec->vcpus) ?: add(args, "-m") ?:
		add(args, "%lluM", (unsigned long long)(spec->memory / VMM_MIB));
	free(name);
	if (error)
		return error;
	return add_json(args, "-object",
			json_pack("{s:s, s:s, s:I, s:b}", "qom-type", "memory-backend-memfd", "id",
				  "mem", "size", (json_int_t)spec->memory, "share", 1));
}

static int add_sockets(json_t *args, const struct vmm_spec *spec)
{
	char *dir = quoted(spec->dir);
	int error = -ENOMEM;

	if (!dir)
		return error;
	error = add(args, "-pidfile") ?: add(args, "%s/" VMM_PID, spec->dir) ?: add(args, "-qmp") ?:
		add(args, "unix:%s/" VMM_QMP ",server=on,wait=off", dir) ?: add(args, "-chardev") ?:
		add(args,
		    "socket,id=console,path=%s/" VMM_CONSOLE ",server=on,wait=off,logfile=%s/"
		    VMM_CONSOLE_LOG ",logappend=on", dir, dir) ?:
		add(args, "-serial") ?: add(args, "chardev:console");
	free(dir);
	return error;
}

bool vmm_vars_template(const char *code, char *path)
{
	const char *name = strrchr(code, '/'), *word = strstr(name ? name : code, "CODE");
	int n;

	if (!word)
		return false;
	n = snprintf(path, VMM_PATH_MAX, "%.*sVARS%s", (int)(word - code), code,
		     word + strlen("CODE"));
	return n > 0 && n < VMM_PATH_MAX && !access(path, R_OK);
}

static int add_flash(json_t *args, unsigned int unit, const char *path, bool read_only)
{
	char *file = quoted(path);
	int error = -ENOMEM;

	if (file)
		error = add(args, "-drive")
				?: add(args, "if=pflash,unit=%u,format=raw,readonly=%s,file=%s",
				       unit, read_only ? "on" : "off", file);
	free(file);
	return error;
}

/* Firmware that keeps its variables in a file of its own is flash memory, any other a ROM. */
static int add_firmware(json_t *args, const struct vmm_spec *spec)
{
	char path[VMM_PATH_MAX];
	int error;

	if (!given(spec->firmware))
		return 0;
	if (!vmm_vars_template(spec->firmware, path))
		return add(args, "-bios") ?: add(args, "%s", spec->firmware);
	error = add_flash(args, 0, spec->firmware, true);
	if (error)
		return error;
	if (snprintf(path, sizeof(path), "%s/" VMM_VARS, spec->dir) >= (int)sizeof(path))
		return -ENAMETOOLONG;
	return add_flash(args, 1, path, false);
}

static int add_kernel(json_t *args, const struct vmm_spec *spec, bool kvm)
{
	const char *own = spec->kernel_args ? spec->kernel_args : "";
	const char *more = kvm || strstr(own, TCG_KERNEL_ARGS) ? "" : TCG_KERNEL_ARGS;
	int error;

	if (!given(spec->kernel))
		return 0;
	error = add(args, "-kernel") ?: add(args, "%s", spec->kernel);
	if (!error && given(spec->initrd))
		error = add(args, "-initrd") ?: add(args, "%s", spec->initrd);
	if (!error && (*own || *more))
		error = add(args, "-append")
				?: add(args, "%s%s%s", own, *own && *more ? " " : "", more);
	return error;
}

static int add_disk(json_t *args, const struct vmm_disk *disk, unsigned int number)
{
	char node[16], address[8];
	struct stat st = { 0 };
	bool block = !stat(disk->path, &st) && S_ISBLK(st.st_mode);
	int error;

	snprintf(node, sizeof(node), "disk%u", number);
	snprintf(address, sizeof(address), "%x", DISK_SLOT + number);
	error = add_json(args, "-blockdev",
			 json_pack("{s:s, s:s, s:b, s:{s:s, s:s}}", "driver", disk->format,
				   "node-name", node, "read-only", disk->read_only, "file",
				   "driver", block ? "host_device" : "file", "filename",
				   disk->path));
	if (error)
		return error;
	return add_json(args, "-device",
			json_pack("{s:s, s:s, s:s, s:s, s:i}", "driver", "virtio-blk-pci", "drive",
				  node, "bus", "pcie.0", "addr", address, "bootindex",
				  (int)number + 1));
}

static int add_port(json_t *args, unsigned int number)
{
	char id[VMM_ID_MAX], address[16];

	snprintf(id, sizeof(id), VMM_PORT_ID, number);
	snprintf(address, sizeof(address), "%x.%x", PORT_SLOT + number / PORTS_PER_SLOT,
		 number % PORTS_PER_SLOT);
	return add_json(args, "-device",
			json_pack("{s:s, s:s, s:s, s:s, s:b, s:i, s:i}", "driver", "pcie-root-port",
				  "id", id, "bus", "pcie.0", "addr", address, "multifunction", 1,
				  "chassis", (int)number + 1, "slot", (int)number + 1));
}

int vmm_function_id(char *id, unsigned int port, const char *address)
{
	uint16_t domain, routing_id;

	if (bdf_parse(address, &domain, &routing_id))
		return -EINVAL;
	snprintf(id, VMM_ID_MAX, "vf%u-%04x-%02x-%02x.%x", port, domain, routing_id >> 8,
		 PCI_SLOT(routing_id), PCI_FUNC(routing_id));
	return 0;
}

json_t *vmm_function_device(const struct vmm_function *function, unsigned int port)
{
	char id[VMM_ID_MAX], bus[VMM_ID_MAX];

	if (vmm_function_id(id, port, function->address))
		return NULL;
	snprintf(bus, sizeof(bus), VMM_PORT_ID, port);
	return json_pack("{s:s, s:s, s:s, s:{s:s, s:s}}", "driver", "vfio-user-pci", "id", id,
			 "bus", bus, "socket", "type", "unix", "path", function->socket);
}

static int add_devices(json_t *args, const struct vmm_spec *spec)
{
	int error = 0;

	for (unsigned int i = 0; !error && i < spec->disks; i++)
		error = add_disk(args, &spec->disk[i], i);
	for (unsigned int i = 0; !error && i < spec->functions + VMM_FREE_PORTS; i++)
		error = add_port(args, i);
	for (unsigned int i = 0; !error && i < spec->functions; i++)
		error = add_json(args, "-device", vmm_function_device(&spec->function[i], i));
	return error;
}

json_t *vmm_command(const struct vmm_spec *spec, struct reason *why)
{
	int error = check(spec, why);
	json_t *args;
	bool kvm;

	kvm = !error && use_kvm(spec, &error, why);
	if (error) {
		errno = -error;
		return NULL;
	}
	args = json_array();
	error = !args ? -ENOMEM :
			add(args, "%s", spec->qemu->path) ?:
			add_machine(args, spec, kvm) ?: add_sockets(args, spec) ?:
			add_firmware(args, spec) ?: add_kernel(args, spec, kvm) ?:
			add_devices(args, spec);
	if (error) {
		json_decref(args);
		refuse(why, error, "the command line: %s (is a name not UTF-8?)", strerror(-error));
		errno = -error;
		return NULL;
	}
	return args;
}
