/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * record.c - a captured root is what people send to strangers. So it holds only what the check reads, and of that not:
 * kernel parameters that have nothing to do with it (they may hold addresses, keys), the Device Serial Number capability
 * (PCIe base specification 7.9.3; mostly the MAC address), all lines of XenServer's inventory but the product's, and of
 * /proc/cpuinfo all processors but the first. A QEMU in somebody's home is in "~".
 */
#include "check/record.h"

#include <dirent.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "check/pci_config.h"

#define SERIAL_NUMBER_BYTES 8u
#define HOMES "/home/"

struct recorder {
	int dir, error;
	struct check_facts facts;
};

static void failed(struct recorder *recorder, int error)
{
	if (!recorder->error)
		recorder->error = error;
}

static bool is_empty(int fd)
{
	DIR *dir = fdopendir(dup(fd));
	unsigned int entries = 0;

	while (dir && readdir(dir))
		entries++;
	if (dir)
		closedir(dir);
	return dir && entries == 2; /* "." and ".." */
}

struct recorder *recorder_open(const char *dir, struct reason *why)
{
	struct recorder *recorder = calloc(1, sizeof(*recorder));

	if (!recorder) {
		refuse(why, -ENOMEM, "out of memory");
		return NULL;
	}
	if (mkdir(dir, 0755) && errno != EEXIST) {
		refuse(why, -errno, "cannot make %s: %s", dir, strerror(errno));
		free(recorder);
		return NULL;
	}
	recorder->dir = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (recorder->dir >= 0 && is_empty(recorder->dir))
		return recorder;
	refuse(why, -EEXIST, "%s is not an empty folder", dir);
	recorder_close(recorder);
	return NULL;
}

void recorder_close(struct recorder *recorder)
{
	if (!recorder)
		return;
	if (recorder->dir >= 0)
		close(recorder->dir);
	free(recorder);
}

/* Make the folders above the last part of @path. Return: @path without its leading slash. */
static const char *make_parents(struct recorder *recorder, const char *path)
{
	char folder[PATH_MAX];

	path += strspn(path, "/");
	for (const char *slash = strchr(path, '/'); slash; slash = strchr(slash + 1, '/')) {
		snprintf(folder, sizeof(folder), "%.*s", (int)(slash - path), path);
		if (mkdirat(recorder->dir, folder, 0755) && errno != EEXIST)
			failed(recorder, -errno);
	}
	return path;
}

static void write_file(struct recorder *recorder, const char *path, const void *data, size_t size)
{
	int fd = openat(recorder->dir, make_parents(recorder, path),
			O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC, 0644);

	if (fd < 0 || write(fd, data, size) != (ssize_t)size)
		failed(recorder, fd < 0 ? -errno : -EIO);
	if (fd >= 0)
		close(fd);
}

/* What of the kernel's command line may matter to SR-IOV. */
static bool is_wanted_parameter(const char *word)
{
	static const char *const wanted[] = { "intel_iommu", "amd_iommu",  "iommu",
					      "pci=",	     "vfio",	   "kvm",
					      "hugepages",   "hugepagesz", "default_hugepagesz",
					      "intremap",    "nox2apic" };

	for (size_t i = 0; i < ARRAY_SIZE(wanted); i++)
		if (!strncmp(word, wanted[i], strlen(wanted[i])))
			return true;
	return false;
}

static size_t keep_words(char *text)
{
	char *copy = strdup(text), *save = NULL, *out = text;

	for (char *word = copy ? strtok_r(copy, " \n", &save) : NULL; word;
	     word = strtok_r(NULL, " \n", &save))
		if (is_wanted_parameter(word))
			out += sprintf(out, "%s ", word);
	free(copy);
	*out = '\0';
	return (size_t)(out - text);
}

static size_t keep_lines(char *text, const char *start)
{
	char *copy = strdup(text), *save = NULL, *out = text;

	for (char *line = copy ? strtok_r(copy, "\n", &save) : NULL; line;
	     line = strtok_r(NULL, "\n", &save))
		if (!strncmp(line, start, strlen(start)))
			out += sprintf(out, "%s\n", line);
	free(copy);
	*out = '\0';
	return (size_t)(out - text);
}

static size_t keep_first_paragraph(char *text)
{
	char *end = strstr(text, "\n\n");

	if (end)
		end[1] = '\0';
	return strlen(text);
}

static void blank_serial_number(uint8_t *config, size_t size)
{
	int at = pci_find_ext(config, size, PCI_EXT_SERIAL_NUMBER);

	if (at > 0 && (size_t)at + 4 + SERIAL_NUMBER_BYTES <= size)
		memset(config + at + 4, 0, SERIAL_NUMBER_BYTES);
}

void recorder_file(struct recorder *recorder, const char *path, const void *data, size_t size)
{
	const char *name = strrchr(path, '/');
	char *copy = calloc(1, size + 1);

	if (!copy) {
		failed(recorder, -ENOMEM);
		return;
	}
	memcpy(copy, data, size);
	if (!strcmp(path, "/proc/cmdline"))
		size = keep_words(copy);
	else if (!strcmp(path, "/etc/xensource-inventory"))
		size = keep_lines(copy, "PRODUCT_");
	else if (!strcmp(path, "/proc/cpuinfo"))
		size = keep_first_paragraph(copy);
	else if (name && !strcmp(name, "/config"))
		blank_serial_number((uint8_t *)copy, size);
	write_file(recorder, path, copy, size);
	free(copy);
}

void recorder_folder(struct recorder *recorder, const char *path, const struct root_names *names)
{
	char entry[PATH_MAX];

	if (mkdirat(recorder->dir, make_parents(recorder, path), 0755) && errno != EEXIST)
		failed(recorder, -errno);
	for (size_t i = 0; i < names->n; i++) {
		snprintf(entry, sizeof(entry), "%s/%s", path, names->name[i]);
		if (mkdirat(recorder->dir, make_parents(recorder, entry), 0755) && errno != EEXIST)
			failed(recorder, -errno);
	}
}

void recorder_link(struct recorder *recorder, const char *path, const char *target)
{
	if (symlinkat(target, recorder->dir, make_parents(recorder, path)) && errno != EEXIST)
		failed(recorder, -errno);
}

void recorder_touch(struct recorder *recorder, const char *path)
{
	if (faccessat(recorder->dir, make_parents(recorder, path), F_OK, AT_SYMLINK_NOFOLLOW))
		write_file(recorder, path, "", 0);
}

void recorder_unreadable(struct recorder *recorder, const char *path)
{
	fact_add(&recorder->facts, "unreadable", "%s", path);
}

/* "/home/somebody/bin" is "~/bin". */
static void hide_homes(char *value)
{
	char *home = strstr(value, HOMES);

	while (home) {
		char *rest = home + strlen(HOMES);

		rest += strcspn(rest, "/ ,:'");
		*home++ = '~';
		memmove(home, rest, strlen(rest) + 1);
		home = strstr(home, HOMES);
	}
}

void recorder_facts(struct recorder *recorder, const struct check_facts *facts)
{
	struct check_facts mine = *facts;

	for (unsigned int i = 0; i < mine.n; i++)
		hide_homes(mine.fact[i].value);
	for (unsigned int i = 0; i < recorder->facts.n; i++)
		fact_add(&mine, recorder->facts.fact[i].name, "%s", recorder->facts.fact[i].value);
	recorder->facts = mine;
}

static void print_facts(FILE *out, const struct check_facts *facts)
{
	for (unsigned int i = 0; i < facts->n; i++)
		fprintf(out, "%s: %s\n", facts->fact[i].name, facts->fact[i].value);
}

static void print_leaves(FILE *out, const struct check_facts *facts)
{
	for (unsigned int i = 0; i < facts->leaves; i++) {
		const struct cpuid_leaf *l = &facts->leaf[i];

		fprintf(out, "%08x %08x %08x %08x %08x %08x\n", l->leaf, l->subleaf, l->eax, l->ebx,
			l->ecx, l->edx);
	}
}

static void write_printed(struct recorder *recorder, const char *path,
			  void (*print)(FILE *out, const struct check_facts *facts))
{
	char *text = NULL;
	size_t size = 0;
	FILE *out = open_memstream(&text, &size);

	if (out)
		print(out, &recorder->facts);
	if (!out || fclose(out))
		failed(recorder, -ENOMEM);
	else
		write_file(recorder, path, text, size);
	free(text);
}

int recorder_end(struct recorder *recorder, struct reason *why)
{
	write_printed(recorder, "/softiov-check/facts", print_facts);
	write_printed(recorder, "/softiov-check/cpuid", print_leaves);
	if (recorder->error)
		return refuse(why, recorder->error, "cannot write the capture: %s",
			      strerror(-recorder->error));
	return 0;
}
