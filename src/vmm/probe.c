// SPDX-License-Identifier: BSD-3-Clause
/*
 * probe.c - what can this QEMU do? It is asked for its version and for its devices.
 *
 * vfio-user-pci, the client side of vfio-user, is in QEMU since 10.1 and is a matter of how it was built as well: so the
 * version is for the message, the list of devices is what counts. Known trouble goes by the version.
 */
#include "vmm/internal.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#define PROGRAM "qemu-system-x86_64"
#define ANSWER_MS 5000
#define VERSION(major, minor) ((major)*1000u + (minor))
#define ANSWER_BYTES (256u * 1024)

/*
 * Versions that abort in device_del of a vfio-user-pci device that uses MSI-X, as every VF does: seen with 11.1.3. The
 * code that does it is there since the device is: vfio_user_msix_teardown() is called when the device is finalized, after
 * its children, among them the memory region of the PBA that is still mapped then.
 */
static const struct {
	unsigned int first, last; /* major and minor, as VERSION() */
} aborts_on_unplug[] = { { VERSION(10, 1), VERSION(11, 1) } };

static bool unplug_is_safe(unsigned int version)
{
	for (unsigned int i = 0; i < ARRAY_SIZE(aborts_on_unplug); i++)
		if (version >= aborts_on_unplug[i].first && version <= aborts_on_unplug[i].last)
			return false;
	return true;
}

/* A program by $PATH, as execvp() finds it. */
static int find(const char *name, struct vmm_qemu *qemu, struct reason *why)
{
	const char *at = getenv("PATH");
	char path[sizeof(qemu->path)];

	while (at && *at) {
		size_t length = strcspn(at, ":");
		int n = snprintf(path, sizeof(path), "%.*s/%s", (int)length, at, name);

		if (n > 0 && (size_t)n < sizeof(path) && !access(path, X_OK)) {
			memcpy(qemu->path, path, sizeof(path));
			return 0;
		}
		at += length + (at[length] == ':');
	}
	return refuse(why, -ENOENT, "no %s in PATH: install QEMU 10.1 or newer", name);
}

static int resolve(const char *path, struct vmm_qemu *qemu, struct reason *why)
{
	if (!path || !*path)
		return find(PROGRAM, qemu, why);
	if (!strchr(path, '/'))
		return find(path, qemu, why);
	if (strlen(path) >= sizeof(qemu->path))
		return refuse(why, -ENAMETOOLONG, "the path of QEMU is too long: %s", path);
	strcpy(qemu->path, path);
	if (access(path, X_OK))
		return refuse(why, -errno, "cannot run QEMU at %s: %s", path, strerror(errno));
	return 0;
}

static int ask_version(struct vmm_qemu *qemu, char *answer, struct reason *why)
{
	char *argv[] = { qemu->path, "--version", NULL };
	int status = vmm_run(argv, answer, ANSWER_BYTES, ANSWER_MS, why);

	if (status < 0)
		return status;
	if (status || sscanf(answer, "QEMU emulator version %63[0-9.]", qemu->version) != 1 ||
	    sscanf(qemu->version, "%u.%u", &qemu->major, &qemu->minor) != 2)
		return refuse(why, -EINVAL, "%s is not a QEMU: it says '%.*s'", qemu->path,
			      (int)MIN(strcspn(answer, "\n"), (size_t)100), answer);
	return 0;
}

static int ask_devices(struct vmm_qemu *qemu, char *answer, struct reason *why)
{
	char *argv[] = { qemu->path, "-device", "help", NULL };
	int status = vmm_run(argv, answer, ANSWER_BYTES, ANSWER_MS, why);

	if (status < 0)
		return status;
	qemu->vfio_user = status == 0 && strstr(answer, "\"vfio-user-pci\"");
	return 0;
}

int vmm_probe(const char *path, struct vmm_qemu *qemu, struct reason *why)
{
	char *answer = malloc(ANSWER_BYTES);
	int error;

	memset(qemu, 0, sizeof(*qemu));
	if (!answer)
		return refuse(why, -ENOMEM, "memory is short");
	error = resolve(path, qemu, why);
	if (!error)
		error = ask_version(qemu, answer, why);
	if (!error)
		error = ask_devices(qemu, answer, why);
	qemu->unplug = !error && unplug_is_safe(VERSION(qemu->major, qemu->minor));
	free(answer);
	return error;
}
