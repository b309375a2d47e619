/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * live.c - finding out what is no file: asks the processor (CPUID), tries /dev/kvm, /dev/fuse and memory files, looks for
 * programs. Facts are only what the check reads; none tells who or where this machine is.
 */
#include <cpuid.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "check/expand.h"
#include "check/internal.h"
#include "vmm/vmm.h"

#define KERNEL_CONFIG_BYTES (1u << 20)
#define MODULES_BYTES (8u << 20)
#define RUN_DIR "/run/softiov"
#define LEAF_HYPERVISOR 0x40000000u
#define CPUID_HYPERVISOR BIT(31)

static void add_leaf(struct check_facts *facts, uint32_t leaf)
{
	struct cpuid_leaf *l = &facts->leaf[facts->leaves];

	if (facts->leaves == CPUID_MAX)
		return;
	*l = (struct cpuid_leaf){ .leaf = leaf };
	__cpuid_count(leaf, 0, l->eax, l->ebx, l->ecx, l->edx);
	facts->leaves++;
}

/* Leaf 1 holds, in EBX, on which processor this runs: left out. */
static void processor_facts(struct check_facts *facts)
{
	static const uint32_t extended[] = { 0x80000001u, 0x8000000au };
	uint32_t last = __get_cpuid_max(0x80000000u, NULL);

	add_leaf(facts, 0);
	add_leaf(facts, 1);
	facts->leaf[1].ebx = 0;
	if (facts->leaf[1].ecx & CPUID_HYPERVISOR)
		add_leaf(facts, LEAF_HYPERVISOR);
	for (size_t i = 0; i < ARRAY_SIZE(extended); i++)
		if (extended[i] <= last)
			add_leaf(facts, extended[i]);
}

static void vmm_facts(struct check_facts *facts)
{
	struct vmm_qemu qemu;
	struct reason why;

	if (vmm_kvm_works(&why))
		fact_add(facts, "kvm", "works");
	else
		fact_add(facts, "kvm", "%s", why.text);
	if (vmm_probe(NULL, &qemu, &why)) {
		fact_add(facts, "qemu", "%s", why.text);
		return;
	}
	fact_add(facts, "qemu", "%s, version %s", qemu.path, qemu.version);
	fact_add(facts, "qemu-vfio-user", "%s", qemu.vfio_user ? "yes" : "no");
}

static void memory_facts(struct check_facts *facts)
{
	struct rlimit limit;
	void *page;
	int fd;

	page = memfile_create("softiov-check", PAGE_SIZE_4K, true, &fd);
	if (page) {
		fact_add(facts, "memfd", "sealed");
		munmap(page, PAGE_SIZE_4K);
		close(fd);
	} else {
		fact_add(facts, "memfd", "%s", strerror(errno));
	}
	if (getrlimit(RLIMIT_MEMLOCK, &limit))
		return;
	if (limit.rlim_cur == RLIM_INFINITY)
		fact_add(facts, "memlock", "unlimited");
	else
		fact_add(facts, "memlock", "%llu", (unsigned long long)limit.rlim_cur);
}

static bool in_path(const char *name, char *path, size_t size)
{
	const char *folders = getenv("PATH");

	for (; folders && *folders; folders += strcspn(folders, ":"), folders += *folders == ':') {
		snprintf(path, size, "%.*s/%s", (int)strcspn(folders, ":"), folders, name);
		if (!access(path, X_OK))
			return true;
	}
	return false;
}

static void folder_facts(struct check_facts *facts)
{
	const char *runtime = getenv("XDG_RUNTIME_DIR");
	char path[256];
	int fuse = open("/dev/fuse", O_RDWR | O_CLOEXEC);
	bool there;

	if (fuse >= 0) {
		fact_add(facts, "fuse", "works");
		close(fuse);
	} else {
		fact_add(facts, "fuse", "%s", strerror(errno));
	}
	fact_add(facts, "fusermount3", "%s",
		 in_path("fusermount3", path, sizeof(path)) ? path : "none");
	fact_add(facts, "user", "%s", geteuid() ? "other" : "root");
	if (!geteuid() || !runtime || !access(RUN_DIR, W_OK))
		snprintf(path, sizeof(path), "%s", RUN_DIR);
	else
		snprintf(path, sizeof(path), "%s/softiov", runtime);
	fact_add(facts, "run-dir", "%s",
		 geteuid() && strcmp(path, RUN_DIR) ? "$XDG_RUNTIME_DIR/softiov" : path);
	there = !access(path, F_OK);
	if (!there)
		*strrchr(path, '/') = '\0'; /* softiovd makes it */
	fact_add(facts, "run-dir-writable", "%s", access(path, W_OK) ? "no" : "yes");
}

static void option_fact(struct check_facts *facts, const char *name, const char *config,
			const char *option)
{
	char yes[64];

	snprintf(yes, sizeof(yes), "\n%s=y", option);
	fact_add(facts, name, "%s", strstr(config, yes) ? "y" : "n");
}

/* /proc/config.gz where the kernel has it, or what distributions put beside it. */
static void kernel_facts(struct check_facts *facts, const char *release)
{
	char *config = calloc(1, KERNEL_CONFIG_BYTES + 1), path[256];
	ssize_t length = -ENOMEM;

	if (config) {
		length = expand_file("/proc/config.gz", config, KERNEL_CONFIG_BYTES);
		snprintf(path, sizeof(path), "/boot/config-%s", release);
		if (length < 0)
			length = expand_file(path, config, KERNEL_CONFIG_BYTES);
	}
	if (length > 0) {
		option_fact(facts, "kernel-pci-iov", config, "CONFIG_PCI_IOV");
		option_fact(facts, "kernel-intel-iommu", config, "CONFIG_INTEL_IOMMU");
		option_fact(facts, "kernel-intel-iommu-on", config,
			    "CONFIG_INTEL_IOMMU_DEFAULT_ON");
		option_fact(facts, "kernel-amd-iommu", config, "CONFIG_AMD_IOMMU");
	}
	free(config);
}

static void module_facts(struct check_facts *facts, const char *release)
{
	static const char *const lists[] = { "modules.dep", "modules.builtin" };
	char *text = malloc(MODULES_BYTES + 1), path[256];
	bool known = false, there = false;

	for (size_t i = 0; i < ARRAY_SIZE(lists) && text; i++) {
		ssize_t length;

		snprintf(path, sizeof(path), "/lib/modules/%s/%s", release, lists[i]);
		length = expand_file(path, text, MODULES_BYTES);
		if (length < 0)
			continue;
		text[length] = '\0';
		known = true;
		there |= strstr(text, "/vfio-pci.ko") != NULL;
	}
	free(text);
	if (known)
		fact_add(facts, "vfio-pci", "%s", there ? "yes" : "no");
}

void live_facts(struct check_facts *facts)
{
	struct utsname name;

	*facts = (struct check_facts){ 0 };
	fact_add(facts, "format", "1");
	if (!uname(&name)) {
		fact_add(facts, "machine", "%s", name.machine);
		fact_add(facts, "release", "%s", name.release);
		kernel_facts(facts, name.release);
		module_facts(facts, name.release);
	}
	processor_facts(facts);
	vmm_facts(facts);
	memory_facts(facts);
	folder_facts(facts);
}
