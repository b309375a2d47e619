/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * guest.c - what kind of file is it, and which rows come of it. Archives and file systems that strangers made are read by
 * libraries, so that happens in a child process: it may crash or ask for the moon, and the check says "could not tell".
 */
#include "check/guest.h"

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "check/internal.h"

#define CHILD_MEMORY (2ull << 30)
#define CHILD_SECONDS 60u

/* What the child tells. */
struct finding {
	int error;
	struct guest_found found;
	struct reason why;
};

void guest_file_name(struct guest_found *found, const char *path, size_t length)
{
	int driver = vf_driver_by_file(path, length);

	if (memmem(path, length, ".ko", 3))
		found->modules++;
	if (driver != VF_DRIVER_NONE)
		found->module[driver] = true;
}

void guest_list(struct guest_found *found, const char *text, bool built_in)
{
	for (; *text; text += strcspn(text, "\n"), text += *text == '\n') {
		size_t length = strcspn(text, ":\n");
		int driver = vf_driver_by_file(text, length);

		found->modules += length && !built_in;
		if (driver != VF_DRIVER_NONE && built_in)
			found->built_in[driver] = true;
		else if (driver != VF_DRIVER_NONE)
			found->module[driver] = true;
	}
}

static int inspect_file(int fd, const char *path, struct guest_found *found, struct reason *why)
{
	int error = guest_initramfs(fd, found, why);

	if (error == -EOPNOTSUPP)
		error = guest_config(fd, found, why);
	if (error == -EOPNOTSUPP)
		error = guest_disk(fd, path, found, why);
	return error;
}

static int inspect(const char *path, struct guest_found *found, struct reason *why)
{
	struct stat status;
	int fd, error;

	if (stat(path, &status))
		return refuse(why, -errno, "%s", strerror(errno));
	if (S_ISDIR(status.st_mode))
		return guest_tree(path, found, why);
	if (!S_ISREG(status.st_mode) && !S_ISBLK(status.st_mode))
		return refuse(why, -EOPNOTSUPP, "neither a file nor a folder");
	fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	if (fd < 0)
		return refuse(why, -errno, "%s", strerror(errno));
	error = inspect_file(fd, path, found, why);
	close(fd);
	return error;
}

static void child(const char *path, int out)
{
	struct rlimit memory = { CHILD_MEMORY, CHILD_MEMORY };
	struct rlimit seconds = { CHILD_SECONDS, CHILD_SECONDS };
	struct rlimit none = { 0, 0 };
	struct finding finding = { 0 };
	int quiet = open("/dev/null", O_WRONLY | O_CLOEXEC);

	prctl(PR_SET_PDEATHSIG, SIGKILL);
#ifndef __SANITIZE_ADDRESS__ /* which maps terabytes */
	setrlimit(RLIMIT_AS, &memory);
#endif
	(void)memory;
	setrlimit(RLIMIT_CPU, &seconds);
	setrlimit(RLIMIT_CORE, &none);
	if (quiet >= 0)
		dup2(quiet, STDERR_FILENO); /* libraries complain there */
	finding.error = inspect(path, &finding.found, &finding.why);
	_exit(write(out, &finding, sizeof(finding)) != (ssize_t)sizeof(finding));
}

int guest_inspect(const char *path, struct guest_found *found, struct reason *why)
{
	struct finding finding;
	int pipes[2], status;
	size_t length = 0;
	ssize_t n = 1;
	pid_t pid;

	if (pipe2(pipes, O_CLOEXEC))
		return refuse(why, -errno, "%s", strerror(errno));
	pid = fork();
	if (!pid)
		child(path, pipes[1]);
	close(pipes[1]);
	while (pid > 0 && n > 0 && length < sizeof(finding)) {
		n = read(pipes[0], (char *)&finding + length, sizeof(finding) - length);
		if (n > 0)
			length += (size_t)n;
		else if (n < 0 && errno == EINTR)
			n = 1;
	}
	close(pipes[0]);
	if (pid < 0)
		return refuse(why, -EAGAIN, "no process to look into it");
	while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
		;
	if (length < sizeof(finding))
		return refuse(why, -EBADMSG, "damaged, or too large to look into");
	/* What a stranger's file has made of the child is no better than the file. */
	finding.found.kind[sizeof(finding.found.kind) - 1] = '\0';
	finding.why.text[sizeof(finding.why.text) - 1] = '\0';
	*found = finding.found;
	if (finding.error)
		return refuse(why, finding.error, "%s", finding.why.text);
	return 0;
}

static void merge(struct guest_found *all, const struct guest_found *one)
{
	if (!*all->kind)
		memcpy(all->kind, one->kind, sizeof(all->kind));
	all->modules += one->modules;
	for (int i = 0; i < VF_DRIVERS; i++) {
		all->module[i] |= one->module[i];
		all->built_in[i] |= one->built_in[i];
	}
}

static void name_drivers(const struct guest_found *found, char *text, size_t size)
{
	int at = snprintf(text, size, "%s", found->kind);
	bool any = false;

	for (int i = 0; i < VF_DRIVERS && at < (int)size; i++)
		if (found->module[i] || found->built_in[i]) {
			at += snprintf(text + at, size - (size_t)at, "%s %s%s", any ? "," : " with",
				       vf_drivers[i].module,
				       found->built_in[i] ? " (built in)" : "");
			any = true;
		}
	if (!any && at < (int)size)
		snprintf(text + at, size - (size_t)at, " without any VF driver (%u modules)",
			 found->modules);
}

static void driver_row(struct check_answer *answer, const struct guest_found *found, int driver)
{
	const struct vf_driver *needed = &vf_drivers[driver];
	bool has = found->module[driver] || found->built_in[driver];
	char text[CHECK_TEXT];
	struct check_row *row;

	name_drivers(found, text, sizeof(text));
	row = row_add(answer, has ? CHECK_OK : CHECK_NO, "guest-driver", "Guest's VF driver", "%s",
		      text);
	row_needs(row, "%s, which drives VFs of: %s", needed->module, needed->drives);
	if (!has)
		row_todo(row,
			 "install the guest's kernel package with all modules (Debian: "
			 "linux-image-amd64, not -cloud), or build one with CONFIG_%s",
			 needed->option);
}

/* Hardware: the drivers of the VFs that this machine's adapters can have; without such an adapter any VF driver. */
static void hardware_rows(struct check *check, const struct guest_found *found)
{
	struct check_answer *answer = &check->result->hardware;
	bool asked[VF_DRIVERS] = { false }, any = false;
	struct pci_sriov sriov;
	char text[CHECK_TEXT];
	struct check_row *row;

	for (size_t i = 0; i < check->pci.n; i++) {
		const struct pci_function *function = &check->pci.function[i];
		int driver;

		pci_sriov_read(check->root, &check->pci, function, &sriov);
		driver = vf_driver_of(function->vendor, sriov.vf_device);
		if (sriov.has != PCI_YES || driver == VF_DRIVER_NONE || asked[driver])
			continue;
		asked[driver] = any = true;
		driver_row(answer, found, driver);
	}
	if (any)
		return;
	name_drivers(found, text, sizeof(text));
	row = row_add(answer, CHECK_NOTE, "guest-driver", "Guest's VF driver", "%s", text);
	row_needs(row, "the driver of the adapter's VFs");
}

static void unknown_rows(struct check *check, const char *name, const char *why)
{
	struct check_answer *answers[] = { &check->result->hardware, &check->result->softiov };

	for (size_t i = 0; i < ARRAY_SIZE(answers); i++) {
		struct check_row *row =
			row_add(answers[i], CHECK_UNKNOWN, "guest-driver", "Guest's VF driver",
				"%s: could not tell: %s", name, why);

		row_needs(row, "a VF driver in the guest");
		row_todo(row,
			 "name the guest's /lib/modules, initramfs, kernel configuration or raw "
			 "disk image; or run softiov-guest-check inside it");
	}
}

void check_guest(struct check *check)
{
	const struct check_options *options = check->options;
	struct guest_found all = { 0 }, one;
	bool any = false;
	struct reason why = { "" };

	if (!options->guest)
		return;
	for (unsigned int i = 0; i < options->guest_files; i++) {
		one = (struct guest_found){ 0 };
		if (guest_inspect(options->guest_file[i], &one, &why))
			continue;
		merge(&all, &one);
		any = true;
	}
	if (!any) {
		unknown_rows(check, options->guest,
			     options->guest_files ? why.text : options->guest_problem);
		return;
	}
	hardware_rows(check, &all);
	driver_row(&check->result->softiov, &all, VF_DRIVER_SOFTIOV);
}
