/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * test_iommu_files.c - files of clients: which are refused, how they are shared, what happens when
 * they shrink.
 */
#include "common.h"

#include <dirent.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <signal.h>
#include <stdio.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <sys/wait.h>

static unsigned int count_fds(void)
{
	DIR *dir = opendir("/proc/self/fd");
	unsigned int count = 0;

	while (readdir(dir))
		count++;
	closedir(dir);
	return count;
}

/* Mappings of memory files in this process. */
static unsigned int count_mappings(void)
{
	FILE *maps = fopen("/proc/self/maps", "r");
	unsigned int count = 0;
	char line[512];

	while (fgets(line, sizeof(line), maps))
		count += strstr(line, "memfd:test") != NULL;
	fclose(maps);
	return count;
}

static int reopen(int fd, int flags)
{
	char path[64];
	int again;

	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	again = open(path, flags | O_CLOEXEC);
	assert_true(again >= 0);
	return again;
}

static uint64_t tag(const uint8_t *host)
{
	return get_le64(host);
}

static void test_offset(void **state)
{
	struct fixture *f = *state;
	int fd = file_create(16 * PAGE);
	uint8_t *host;

	assert_int_equal(iommu_map(f->domain, 0x10000, 4 * PAGE, RW, fd, 8 * PAGE), 0);
	assert_int_equal(iommu_map(f->domain, 0x20000, 4 * PAGE, RW, fd, 0), 0);
	assert_int_equal(tag(good(f, 0x11000, 8, RW)), 9 * PAGE);
	assert_int_equal(tag(good(f, 0x20000, 8, RW)), 0);
	host = good(f, 0x10ff0, 16, RW);
	put_le64(host, 0x1234567890);
	host = alloca(8);
	assert_int_equal(pread(fd, host, 8, 8 * PAGE + 0xff0), 8);
	assert_int_equal(tag(host), 0x1234567890);

	assert_int_equal(iommu_map(f->domain, 0x10000, 4 * PAGE, RW, fd, 8 * PAGE), 0);
	assert_int_equal(iommu_map(f->domain, 0x10000, 4 * PAGE, RW, fd, 9 * PAGE), -EEXIST);
	assert_int_equal(iommu_map(f->domain, 0x10000, 4 * PAGE, RW, -1, 0), -EEXIST);

	assert_int_equal(iommu_map(f->domain, 0x80000, 4 * PAGE, RW, fd, 13 * PAGE), -EINVAL);
	assert_int_equal(iommu_map(f->domain, 0x80000, PAGE, RW, fd, 16 * PAGE), -EINVAL);
	assert_int_equal(iommu_map(f->domain, 0x80000, PAGE, RW, fd, -PAGE), -EINVAL);
	assert_int_equal(iommu_map(f->domain, 0x80000, PAGE, RW, fd, BIT64(63)), -EINVAL);
	assert_int_equal(iommu_map(f->domain, 0x80000, PAGE, RW, fd, 512), -EINVAL);
	assert_int_equal(iommu_map(f->domain, 0x80000, 17 * PAGE, RW, fd, 0), -EINVAL);
	assert_int_equal(ftruncate(fd, 16 * PAGE + 100), 0); /* a part of a page is no page */
	assert_int_equal(iommu_map(f->domain, 0x80000, PAGE, RW, fd, 16 * PAGE), -EINVAL);
	assert_int_equal(iommu_map(f->domain, 0x80000, PAGE, RW, fd, 15 * PAGE), 0);
	close(fd);
	assert_int_equal(iommu_map(f->domain, 0x90000, PAGE, RW, fd, 0), -EINVAL);
}

static void refuse_fd(struct fixture *f, int fd, uint32_t perm)
{
	assert_true(fd >= 0);
	assert_int_equal(iommu_map(f->domain, 0, PAGE, perm, fd, 0), -EINVAL);
	close(fd);
}

static void test_refused(void **state)
{
	struct fixture *f = *state;
	int fd = file_create(4 * PAGE), pipe_fd[2], disk;
	struct statfs fs;

	assert_int_equal(pipe(pipe_fd), 0);
	refuse_fd(f, pipe_fd[0], IOMMU_READ);
	close(pipe_fd[1]);
	refuse_fd(f, eventfd(0, 0), IOMMU_READ);
	refuse_fd(f, socket(AF_UNIX, SOCK_STREAM, 0), IOMMU_READ);
	refuse_fd(f, open("/", O_RDONLY | O_DIRECTORY), IOMMU_READ);
	refuse_fd(f, open("/dev/zero", O_RDWR), RW);
	refuse_fd(f, open("/proc/self/status", O_RDONLY), IOMMU_READ);
	refuse_fd(f, file_create(0), IOMMU_READ);
	disk = open("/proc/self/exe", O_RDONLY);
	assert_int_equal(fstatfs(disk, &fs), 0);
	if (fs.f_type == TMPFS_MAGIC)
		close(disk);
	else
		refuse_fd(f, disk, IOMMU_READ);

	/* Also when the file is mapped already, for somebody who may. */
	assert_int_equal(iommu_map(f->domain, 0x10000, PAGE, RW, fd, 0), 0);
	assert_int_equal(iommu_map(f->domain, 0x20000, PAGE, IOMMU_READ, fd, 0), 0);
	refuse_fd(f, reopen(fd, O_RDONLY), RW);
	refuse_fd(f, reopen(fd, O_RDONLY), IOMMU_WRITE);
	refuse_fd(f, reopen(fd, O_WRONLY), IOMMU_WRITE);
	refuse_fd(f, reopen(fd, O_PATH), IOMMU_READ);
	assert_int_equal(fcntl(fd, F_ADD_SEALS, F_SEAL_FUTURE_WRITE), 0);
	refuse_fd(f, reopen(fd, O_RDONLY), RW);
	assert_int_equal(iommu_map(f->domain, 0x30000, PAGE, RW, fd, 0), -EINVAL);
	assert_int_equal(iommu_map(f->domain, 0x30000, PAGE, IOMMU_READ, fd, 0), 0);
	close(fd);
	assert_int_equal(f->state->regions, 3);
}

static void test_sealed(void **state)
{
	struct fixture *f = *state;
	int fd = file_create(4 * PAGE);

	assert_int_equal(fcntl(fd, F_ADD_SEALS, F_SEAL_SEAL | F_SEAL_SHRINK | F_SEAL_GROW), 0);
	assert_int_equal(iommu_map(f->domain, 0x10000, 4 * PAGE, RW, fd, 0), 0);
	assert_int_equal(tag(good(f, 0x13000, 8, RW)), 3 * PAGE);
	close(fd);
}

/* What the client may only read is not writable for the processor either. */
static void test_read_only_mapping(void **state)
{
	struct fixture *f = *state;
	int fd = file_create(4 * PAGE), write_only_fd;
	int pipe_fd[2];

	assert_int_equal(iommu_map(f->domain, 0x10000, 4 * PAGE, IOMMU_READ, fd, 0), 0);
	assert_int_equal(iommu_map(f->domain, 0x20000, 4 * PAGE, RW, fd, 0), 0);
	assert_int_equal(count_mappings(), 2);
	/* The kernel writes into a buffer for us, and fails where we would have died. */
	assert_int_equal(pipe(pipe_fd), 0);
	write_only_fd = pipe_fd[1];
	assert_int_equal(write(write_only_fd, "x", 1), 1);
	assert_int_equal(read(pipe_fd[0], good(f, 0x10000, 1, IOMMU_READ), 1), -1);
	assert_int_equal(errno, EFAULT);
	assert_int_equal(read(pipe_fd[0], good(f, 0x20000, 1, RW), 1), 1);
	close(pipe_fd[0]);
	close(pipe_fd[1]);
	close(fd);
}

/* Under a guest IOMMU each page comes with its own copy of the descriptor. */
static void test_thousands(void **state)
{
	struct fixture *f = *state;
	int fd = file_create(8 * MIB);
	unsigned int fds = count_fds();

	for (uint64_t i = 0; i < 2048; i++) {
		int copy = dup(fd);

		assert_int_equal(iommu_map(f->domain, i * 3 * PAGE, PAGE, RW, copy, i * PAGE), 0);
		close(copy);
	}
	assert_int_equal(count_fds(), fds);
	assert_int_equal(count_mappings(), 1);
	assert_int_equal(f->state->file[0].used, 1);
	assert_int_equal(f->state->file[1].used, 0);
	for (uint64_t i = 0; i < 2048; i++)
		assert_int_equal(tag(good(f, i * 3 * PAGE, 8, RW)), i * PAGE);
	iommu_unmap_all(f->domain);
	assert_int_equal(count_mappings(), 0);
	assert_int_equal(f->state->file[0].used, 0);
	close(fd);
}

static void test_grown(void **state)
{
	struct fixture *f = *state;
	int fd = file_create(4 * PAGE);
	uint64_t offset = 5 * PAGE;
	uint8_t *host;

	assert_int_equal(iommu_map(f->domain, 0x10000, 4 * PAGE, RW, fd, 0), 0);
	host = good(f, 0x10000, 8, RW);
	assert_int_equal(ftruncate(fd, 8 * PAGE), 0);
	assert_int_equal(pwrite(fd, &offset, 8, (off_t)offset), 8);
	assert_int_equal(iommu_map(f->domain, 0x20000, 4 * PAGE, RW, fd, 4 * PAGE), 0);
	assert_int_equal(count_mappings(), 2);
	assert_int_equal(tag(good(f, 0x21000, 8, RW)), 5 * PAGE);
	assert_ptr_equal(good(f, 0x10000, 8, RW), host); /* stays where it was */
	assert_int_equal(tag(good(f, 0x11000, 8, RW)), PAGE);
	assert_int_equal(iommu_unmap(f->domain, 0x10000, 0x13fff, NULL), 0);
	assert_int_equal(count_mappings(), 1);
	assert_int_equal(iommu_map(f->domain, 0x10000, 4 * PAGE, RW, fd, 0), 0);
	assert_int_equal(count_mappings(), 1); /* the larger one does for all */
	close(fd);
}

static void test_shared_by_domains(void **state)
{
	struct fixture *f = *state;
	struct iommu_state *other_state = calloc(1, sizeof(*other_state));
	struct iommu_domain *other;
	struct iommu_tlb tlb = { 0 };
	int fd = file_create(4 * PAGE);
	bool split;

	assert_int_equal(iommu_domain_create(&other, 1, other_state, &f->quiesce), 0);
	iommu_set_bus_master(other, true);
	assert_int_equal(iommu_map(f->domain, 0x10000, 4 * PAGE, RW, fd, 0), 0);
	assert_int_equal(iommu_map(other, 0x50000, 2 * PAGE, RW, fd, PAGE), 0);
	assert_int_equal(count_mappings(), 1);
	assert_ptr_equal(iommu_translate(other, &tlb, 0x50000, 8, RW, &split),
			 good(f, 0x11000, 8, RW));
	iommu_unmap_all(f->domain);
	assert_int_equal(count_mappings(), 1);
	assert_int_equal(tag(iommu_translate(other, &tlb, 0x50000, 8, RW, &split)), PAGE);
	iommu_domain_destroy(other);
	assert_int_equal(count_mappings(), 0);
	assert_int_equal(other_state->region[0].size, 2 * PAGE); /* there to be adopted */
	free(other_state);
	close(fd);
}

static void test_limits(void **state)
{
	struct fixture *f = *state;
	int fd;

	for (uint64_t i = 0; i <= IOMMU_MAX_FILES; i++) {
		fd = file_create(PAGE);
		assert_int_equal(iommu_map(f->domain, i * PAGE, PAGE, RW, fd, 0),
				 i < IOMMU_MAX_FILES ? 0 : -ENOSPC);
		close(fd);
	}
	assert_int_equal(iommu_unmap(f->domain, 5 * PAGE, 6 * PAGE - 1, NULL), 0);
	fd = file_create(IOMMU_MAX_FILE_BYTES);
	assert_int_equal(iommu_map(f->domain, 5 * PAGE, PAGE, RW, fd, 0), -ENOSPC);
	iommu_unmap_all(f->domain);
#ifndef __SANITIZE_THREAD__ /* which keeps most of the address space for itself */
	assert_int_equal(iommu_map(f->domain, 0, PAGE, RW, fd, 0), 0);
	assert_int_equal(iommu_map(f->domain, PAGE, PAGE, IOMMU_READ, fd, 0), -ENOSPC);
	assert_int_equal(iommu_map(f->domain, PAGE, PAGE, RW, fd, PAGE), 0);
#endif
	close(fd);
	assert_int_equal(f->state->file[1].used, 0);
}

/* A large mapping is removed by a thread of its own. */
static void test_large_unmap(void **state)
{
	struct fixture *f = *state;
	int fd = file_create(GIB);

	assert_int_equal(iommu_map(f->domain, 0, GIB, RW, fd, 0), 0);
	*good(f, 5 * MIB, 1, RW) = 1;
	iommu_unmap_all(f->domain);
	for (int i = 0; count_mappings() && i < 5000; i++)
		usleep(1000);
	assert_int_equal(count_mappings(), 0);
	close(fd);
}

static void test_grace_period(void **state)
{
	struct fixture *f = *state;
	int fd = file_create(4 * PAGE), worker = quiesce_register(&f->quiesce);
	uint8_t *host;

	quiesce_online(&f->quiesce, worker);
	assert_int_equal(iommu_map(f->domain, 0, 4 * PAGE, RW, fd, 0), 0);
	host = good(f, PAGE, 8, RW);
	iommu_unmap_all(f->domain);
	assert_int_equal(bad(f, PAGE, 8, RW), IOMMU_FAULT_NOT_MAPPED);
	assert_int_equal(tag(host), PAGE); /* the worker is in the middle of a copy */

	/* QEMU's reset: all RAM comes back at once, and finds its mapping alive. */
	assert_int_equal(iommu_map(f->domain, 0, 4 * PAGE, RW, fd, 0), 0);
	assert_ptr_equal(good(f, PAGE, 8, RW), host);
	quiesce_point(&f->quiesce, worker);
	iommu_unmap_all(f->domain); /* while the call of the first drop is in flight: that one */
	quiesce_poll(&f->quiesce);  /* must not take the mapping away, */
	assert_int_equal(count_mappings(), 1);
	assert_int_equal(tag(host), PAGE);
	quiesce_point(&f->quiesce, worker);
	quiesce_poll(&f->quiesce);
	quiesce_point(&f->quiesce, worker);
	quiesce_poll(&f->quiesce);
	assert_int_equal(count_mappings(), 0); /* but the second one must. */
	quiesce_unregister(&f->quiesce, worker);
	close(fd);
}

static void test_adopt(void **state)
{
	struct fixture *f = *state;
	int fd = file_create(16 * PAGE), other = file_create(16 * PAGE);

	assert_int_equal(iommu_map(f->domain, 0x10000, PAGE, RW, fd, 0), 0);
	assert_int_equal(iommu_map(f->domain, 0x20000, PAGE, RW, fd, PAGE), 0);
	assert_int_equal(iommu_map(f->domain, 0x30000, PAGE, IOMMU_READ, fd, 2 * PAGE), 0);
	fixture_adopt(f);
	assert_int_equal(count_mappings(), 0);
	assert_int_equal(bad(f, 0x10000, 1, RW), IOMMU_FAULT_NOT_MAPPED);

	assert_int_equal(iommu_map(f->domain, 0x10000, PAGE, RW, other, 0), -EEXIST);
	assert_int_equal(iommu_map(f->domain, 0x10000, PAGE, RW, fd, PAGE), -EEXIST);
	assert_int_equal(iommu_map(f->domain, 0x10000, PAGE, RW, fd, 0), 0);
	assert_int_equal(tag(good(f, 0x10000, 8, RW)), 0);
	assert_int_equal(bad(f, 0x20000, 1, RW), IOMMU_FAULT_NOT_MAPPED);
	assert_int_equal(iommu_map(f->domain, 0x20000, PAGE, RW, fd, PAGE), 0);
	assert_int_equal(tag(good(f, 0x20000, 8, RW)), PAGE);
	assert_int_equal(count_mappings(), 1);
	assert_int_equal(f->state->regions, 3);
	/* A file that shrank in between is not the one that was mapped. */
	assert_int_equal(ftruncate(fd, 8 * PAGE), 0);
	assert_int_equal(iommu_map(f->domain, 0x30000, PAGE, IOMMU_READ, fd, 2 * PAGE), -EINVAL);
	assert_int_equal(iommu_unmap(f->domain, 0x30000, 0x30fff, NULL), 0);
	assert_int_equal(f->state->file[1].used, 0);
	iommu_unmap_all(f->domain);
	assert_int_equal(count_mappings(), 0);
	close(fd);
	close(other);
}

static void test_truncated(void **state)
{
	struct fixture *f = *state;
	struct iommu_state *other_state = calloc(1, sizeof(*other_state));
	struct iommu_domain *other;
	int fd = file_create(8 * PAGE), good_fd = file_create(PAGE);

	assert_int_equal(iommu_sigbus_guard(), 0);
	assert_int_equal(iommu_domain_create(&other, 1, other_state, &f->quiesce), 0);
	assert_int_equal(iommu_map(other, 0, PAGE, RW, good_fd, 0), 0);
	assert_int_equal(iommu_map(f->domain, 0, 8 * PAGE, RW, fd, 0), 0);
	assert_int_equal(ftruncate(fd, 2 * PAGE), 0);
	assert_false(iommu_broken(f->domain));

	assert_int_equal(tag(good(f, 5 * PAGE, 8, RW)), 0); /* SIGBUS, and we live */
	assert_true(iommu_broken(f->domain));
	assert_false(iommu_broken(other));
	memset(good(f, 7 * PAGE, PAGE, RW), 1, PAGE);
	memset(good(f, 2 * PAGE, 6 * PAGE, RW), 2, 6 * PAGE);
	assert_int_equal(tag(good(f, PAGE, 8, RW)), PAGE); /* what is left is still shared */
	put_le64(good(f, PAGE, 8, RW), 77);
	assert_int_equal(pread(fd, &(uint64_t){ 0 }, 8, PAGE), 8);

	/* The next client with this file gets a sound mapping. */
	assert_int_equal(ftruncate(fd, 8 * PAGE), 0);
	assert_int_equal(iommu_map(other, 0x10000, 8 * PAGE, RW, fd, 0), 0);
	assert_false(iommu_broken(other));
	iommu_unmap_all(f->domain);
	assert_false(iommu_broken(f->domain));
	iommu_domain_destroy(other);
	free(other_state);
	close(fd);
	close(good_fd);
}

static int child_status(void (*run)(void))
{
	int status;
	pid_t pid = fork();

	if (!pid) {
		signal(SIGBUS, SIG_DFL);
		iommu_sigbus_guard();
		run();
		_exit(0);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	return status;
}

static void fault_elsewhere(void)
{
	int fd = memfd_create("elsewhere", 0);
	volatile uint8_t *memory = mmap(NULL, PAGE, PROT_READ, MAP_SHARED, fd, 0);

	(void)memory[0];
}

static void sent_by_kill(void)
{
	kill(getpid(), SIGBUS);
}

static void test_sigbus_elsewhere(void **state)
{
	assert_int_equal(WTERMSIG(child_status(fault_elsewhere)), SIGBUS);
	assert_int_equal(WTERMSIG(child_status(sent_by_kill)), SIGBUS);
}

/* A process that has mapped @fd like a backend with or without share=on. */
static pid_t client_start(int fd, size_t size, int flags)
{
	int pipe_fd[2];
	pid_t pid;
	char ready;

	assert_int_equal(pipe(pipe_fd), 0);
	pid = fork();
	if (!pid) {
		if (mmap(NULL, size, PROT_READ | PROT_WRITE, flags, fd, 0) == MAP_FAILED)
			_exit(1);
		if (write(pipe_fd[1], "", 1) != 1)
			_exit(1);
		pause();
		_exit(0);
	}
	assert_int_equal(read(pipe_fd[0], &ready, 1), 1);
	close(pipe_fd[0]);
	close(pipe_fd[1]);
	return pid;
}

static void client_stop(pid_t pid)
{
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
}

/* Ask and wait. The asker himself must never wait, whatever the client does to its maps. */
static int check_private(struct iommu_domain *domain, pid_t client)
{
	int answer;

	assert_int_equal(iommu_check_private_begin(domain, client), 0);
	while ((answer = iommu_check_private_end(domain)) == -EAGAIN)
		usleep(1000);
	assert_int_equal(iommu_check_private_end(domain), -EAGAIN);
	return answer;
}

static void test_private_memory(void **state)
{
	struct fixture *f = *state;
	struct iommu_summary summary;
	int fd = file_create(4 * MIB);
	struct stat st;
	pid_t client;

	assert_int_equal(fstat(fd, &st), 0);
	client = client_start(fd, 4 * MIB, MAP_PRIVATE);
	assert_int_equal(iommu_map(f->domain, 0, 4 * MIB, RW, fd, 0), 0);
	assert_true(iommu_file_private(client, st.st_dev, st.st_ino));
	assert_false(iommu_file_private(client, st.st_dev, st.st_ino + 1));
	assert_false(iommu_file_private(client, st.st_dev + 1, st.st_ino));
	assert_false(iommu_file_private(-5, st.st_dev, st.st_ino));
	assert_int_equal(check_private(f->domain, client), 1);
	iommu_summarize(f->domain, &summary);
	assert_true(summary.private_memory);

	/* The next client does it right, and hears nothing of what was asked about this one. */
	assert_int_equal(iommu_check_private_begin(f->domain, client), 0);
	assert_int_equal(iommu_check_private_begin(f->domain, client), -EBUSY);
	iommu_unmap_all(f->domain);
	assert_int_equal(iommu_check_private_end(f->domain), -EAGAIN);
	client_stop(client);
	iommu_summarize(f->domain, &summary);
	assert_false(summary.private_memory);
	client = client_start(fd, 4 * MIB, MAP_SHARED);
	assert_int_equal(iommu_map(f->domain, 0, 4 * MIB, RW, fd, 0), 0);
	assert_int_equal(check_private(f->domain, client), 0);
	assert_int_equal(iommu_check_private_begin(f->domain, client), 0); /* never asked for */
	client_stop(client);
	close(fd);
}

#define HUGE_PAGES "/proc/sys/vm/nr_hugepages"

/* Set the number of the host's huge pages (root only). Return: what it was, -1: not permitted. */
static int set_huge_pages(int pages)
{
	FILE *f = fopen(HUGE_PAGES, "r+e");
	int had = -1;

	if (!f)
		return -1;
	assert_int_equal(fscanf(f, "%d", &had), 1);
	rewind(f);
	fprintf(f, "%d", pages);
	assert_int_equal(fclose(f), 0);
	return had;
}

/* Return: the huge pages the host has, those included that others keep although they were taken back ("surplus"). */
static int count_huge_pages(void)
{
	FILE *f = fopen("/proc/meminfo", "re");
	char line[128];
	int pages = 0;

	assert_non_null(f);
	while (fgets(line, sizeof(line), f))
		if (sscanf(line, "HugePages_Total: %d", &pages) == 1)
			break;
	fclose(f);
	return pages;
}

static void test_hugetlb(void **state)
{
	struct fixture *f = *state;
	int had = set_huge_pages(count_huge_pages() + 2);
	int fd = memfd_create("test", MFD_CLOEXEC | MFD_HUGETLB);
	void *probe;

	assert_true(fd >= 0);
	assert_int_equal(ftruncate(fd, 4 * MIB), 0);
	assert_int_equal(iommu_sigbus_guard(), 0);
	probe = mmap(NULL, 4 * MIB, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (probe == MAP_FAILED) {
		/* None to be had here: the VMM that brings such a file is told so. */
		assert_int_equal(iommu_map(f->domain, 0, 4 * MIB, RW, fd, 0), -ENOMEM);
	} else {
		munmap(probe, 4 * MIB);
		assert_int_equal(iommu_map(f->domain, 0, 4 * MIB, RW, fd, 0), 0);
		put_le64(good(f, 3 * MIB, 8, RW), 5);
		assert_int_equal(ftruncate(fd, 2 * MIB), 0);
		assert_int_equal(tag(good(f, 3 * MIB, 8, RW)), 0);
		assert_true(iommu_broken(f->domain));
		iommu_unmap_all(f->domain);
	}
	assert_int_equal(count_mappings(), 0);
	close(fd);
	if (had >= 0)
		set_huge_pages(had);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_offset),
		TEST(test_refused),
		TEST(test_sealed),
		TEST(test_read_only_mapping),
		TEST(test_thousands),
		TEST(test_grown),
		TEST(test_shared_by_domains),
		TEST(test_limits),
		TEST(test_large_unmap),
		TEST(test_grace_period),
		TEST(test_adopt),
		TEST(test_truncated),
		TEST(test_sigbus_elsewhere),
		TEST(test_private_memory),
		TEST(test_hugetlb),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
