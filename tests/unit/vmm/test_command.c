/* SPDX-License-Identifier: BSD-3-Clause */
/* test_command.c - QEMU's command line, word for word, and everything that is refused before QEMU runs. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <cmocka.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "vmm/internal.h"

#define NOBODY 65534

static char dir[] = "/tmp/softiov-vmm.XXXXXX";
static char kernel[64], initrd[64], disk_path[64], code[64], vars[64];

static const struct vmm_qemu qemu = {
	.path = "/usr/bin/qemu", .version = "11.1.3", .major = 11, .minor = 1, .vfio_user = true
};

static const char *file(char *path, const char *name)
{
	int fd;

	snprintf(path, 64, "%s/%s", dir, name);
	fd = open(path, O_CREAT | O_WRONLY | O_CLOEXEC, 0600);
	assert_true(fd >= 0);
	close(fd);
	return path;
}

static int setup(void **state)
{
	if (!mkdtemp(dir))
		return -1;
	file(kernel, "vmlinuz");
	file(initrd, "initrd,1");
	file(disk_path, "disk");
	file(code, "OVMF_CODE_4M.fd");
	unsetenv("SOFTIOV_ACCEL");
	return 0;
}

static int teardown(void **state)
{
	unlink(kernel);
	unlink(initrd);
	unlink(disk_path);
	unlink(code);
	unlink(vars);
	return rmdir(dir);
}

static struct vmm_spec small(void)
{
	return (struct vmm_spec){ .uuid = "11111111-2222-3333-4444-555555555555",
				  .name = "a",
				  .memory = 64 * VMM_MIB,
				  .vcpus = 1,
				  .kernel = kernel,
				  .accel = VMM_TCG,
				  .qemu = &qemu,
				  .dir = "/run/vm/a" };
}

/* Exactly @words, a NULL at the end. */
static void expect(json_t *command, const char *const *words)
{
	size_t i = 0;

	assert_non_null(command);
	for (; words[i]; i++)
		assert_string_equal(json_string_value(json_array_get(command, i)) ?: "(none)",
				    words[i]);
	assert_int_equal(json_array_size(command), i);
	json_decref(command);
}

static bool has(const json_t *command, const char *first, const char *second)
{
	for (size_t i = 0; i + 1 < json_array_size(command); i++)
		if (!strcmp(json_string_value(json_array_get(command, i)), first) &&
		    !strcmp(json_string_value(json_array_get(command, i + 1)), second))
			return true;
	return false;
}

#define PORT(n, address)                                          \
	"-device",                                                \
		"{\"driver\":\"pcie-root-port\",\"id\":\"port" #n \
		"\",\"bus\":\"pcie.0\",\"addr\":\"" address       \
		"\",\"multifunction\":true,\"chassis\":" CHASSIS_##n ",\"slot\":" CHASSIS_##n "}"
#define CHASSIS_0 "1"
#define CHASSIS_1 "2"
#define CHASSIS_2 "3"
#define CHASSIS_3 "4"
#define CHASSIS_4 "5"
#define CHASSIS_5 "6"

static void every_word_of_it(void **state)
{
	const struct vmm_disk disks[] = { { disk_path, "qcow2", true } };
	struct vmm_spec spec = small();
	struct reason why;
	char blockdev[256];

	spec.name = "a,b";
	spec.dir = "/run/vm,/a";
	spec.initrd = initrd;
	spec.kernel_args = "console=ttyS0";
	spec.memory = 512 * VMM_MIB;
	spec.vcpus = 2;
	spec.disk = disks;
	spec.disks = 1;
	spec.functions = 2;
	spec.function[0] = (struct vmm_function){ "0000:07:10.0", "/run/0000:07:10.0.sock" };
	spec.function[1] = (struct vmm_function){ "0000:07:11.2", "/run/\"2\".sock" };
	snprintf(blockdev, sizeof(blockdev),
		 "{\"driver\":\"qcow2\",\"node-name\":\"disk0\",\"read-only\":true,\"file\":{"
		 "\"driver\":\"file\",\"filename\":\"%s\"}}",
		 disk_path);
	expect(vmm_command(&spec, &why),
	       (const char *const[]){
		       "/usr/bin/qemu",
		       "-name",
		       "guest=a,,b,debug-threads=on",
		       "-uuid",
		       "11111111-2222-3333-4444-555555555555",
		       "-nodefaults",
		       "-no-user-config",
		       "-display",
		       "none",
		       "-vga",
		       "none",
		       "-nic",
		       "none",
		       "-sandbox",
		       "on,obsolete=deny,elevateprivileges=deny,spawn=deny,resourcecontrol=deny",
		       "-machine",
		       "q35,memory-backend=mem",
		       "-accel",
		       "tcg,thread=multi",
		       "-cpu",
		       "max",
		       "-smp",
		       "2",
		       "-m",
		       "512M",
		       "-object",
		       "{\"qom-type\":\"memory-backend-memfd\",\"id\":\"mem\",\"size\":536870912,"
		       "\"share\":true}",
		       "-pidfile",
		       "/run/vm,/a/pid",
		       "-qmp",
		       "unix:/run/vm,,/a/qmp.sock,server=on,wait=off",
		       "-chardev",
		       "socket,id=console,path=/run/vm,,/a/console.sock,server=on,wait=off,"
		       "logfile=/run/vm,,/a/console.log,logappend=on",
		       "-serial",
		       "chardev:console",
		       "-kernel",
		       kernel,
		       "-initrd",
		       initrd,
		       "-append",
		       "console=ttyS0 no_timer_check",
		       "-blockdev",
		       blockdev,
		       "-device",
		       "{\"driver\":\"virtio-blk-pci\",\"drive\":\"disk0\",\"bus\":\"pcie.0\","
		       "\"addr\":\"2\",\"bootindex\":1}",
		       PORT(0, "10.0"),
		       PORT(1, "10.1"),
		       PORT(2, "10.2"),
		       PORT(3, "10.3"),
		       PORT(4, "10.4"),
		       PORT(5, "10.5"),
		       "-device",
		       "{\"driver\":\"vfio-user-pci\",\"id\":\"vf0-0000-07-10.0\",\"bus\":"
		       "\"port0\","
		       "\"socket\":{\"type\":\"unix\",\"path\":\"/run/0000:07:10.0.sock\"}}",
		       "-device",
		       "{\"driver\":\"vfio-user-pci\",\"id\":\"vf1-0000-07-11.2\",\"bus\":"
		       "\"port1\","
		       "\"socket\":{\"type\":\"unix\",\"path\":\"/run/\\\"2\\\".sock\"}}",
		       NULL });
}

static void ports_go_on_in_the_next_slot(void **state)
{
	struct vmm_spec spec = small();
	struct reason why;
	json_t *command;
	char *text;

	spec.functions = VMM_MAX_FUNCTIONS;
	for (unsigned int i = 0; i < VMM_MAX_FUNCTIONS; i++)
		spec.function[i] = (struct vmm_function){ "0000:07:10.0", "/run/s" };
	command = vmm_command(&spec, &why);
	assert_non_null(command);
	text = json_dumps(command, 0);
	assert_non_null(
		strstr(text, "\\\"port8\\\",\\\"bus\\\":\\\"pcie.0\\\",\\\"addr\\\":\\\"11.0"));
	assert_non_null(
		strstr(text, "\\\"port19\\\",\\\"bus\\\":\\\"pcie.0\\\",\\\"addr\\\":\\\"12.3"));
	assert_null(strstr(text, "port20"));
	free(text);
	json_decref(command);
}

static void firmware_with_and_without_variables(void **state)
{
	struct vmm_spec spec = small();
	struct reason why;
	json_t *command;
	char flash[256];

	spec.kernel = "";
	spec.firmware = code;
	command = vmm_command(&spec, &why);
	assert_true(has(command, "-bios", code));
	json_decref(command);
	file(vars, "OVMF_VARS_4M.fd");
	command = vmm_command(&spec, &why);
	snprintf(flash, sizeof(flash), "if=pflash,unit=0,format=raw,readonly=on,file=%s", code);
	assert_true(has(command, "-drive", flash));
	assert_true(has(command, "-drive",
			"if=pflash,unit=1,format=raw,readonly=off,file=/run/vm/a/vars.fd"));
	json_decref(command);
}

static void kvm_by_word_and_by_trial(void **state)
{
	struct vmm_spec spec = small();
	struct reason why, broken;
	bool works = vmm_kvm_works(&broken);
	json_t *command;

	spec.accel = VMM_KVM;
	setenv("SOFTIOV_ACCEL", "kvm", 1);
	command = vmm_command(&spec, &why);
	assert_true(has(command, "-accel", "kvm"));
	assert_true(has(command, "-cpu", "host"));
	json_decref(command);
	setenv("SOFTIOV_ACCEL", "tcg", 1);
	assert_null(vmm_command(&spec, &why));
	assert_int_equal(errno, ENOTSUP);
	assert_non_null(strstr(why.text, "KVM does not work here: SOFTIOV_ACCEL"));
	unsetenv("SOFTIOV_ACCEL");
	spec.accel = VMM_AUTO;
	command = vmm_command(&spec, &why);
	assert_true(has(command, "-accel", works ? "kvm" : "tcg,thread=multi"));
	json_decref(command);
}

static void refused(const struct vmm_spec *spec, int error, const char *words)
{
	struct reason why = { "" };

	errno = 0;
	assert_null(vmm_command(spec, &why));
	assert_int_equal(errno, error);
	if (!strstr(why.text, words))
		fail_msg("'%s' does not say '%s'", why.text, words);
}

static void values_that_are_refused(void **state)
{
	struct vmm_spec spec = small();

	spec.memory = 64 * VMM_MIB - 1;
	refused(&spec, EINVAL, "at least 64 MiB");
	spec.memory = 64 * VMM_MIB + 4096;
	refused(&spec, EINVAL, "not a multiple of 1 MiB");
	spec.memory = 1ull << 60;
	refused(&spec, EINVAL, "this host has");
	spec = small();
	spec.vcpus = 0;
	refused(&spec, EINVAL, "0 vcpus: 1 to 64");
	spec.vcpus = 65;
	refused(&spec, EINVAL, "65 vcpus: 1 to 64");
	spec = small();
	spec.functions = VMM_MAX_FUNCTIONS + 1;
	refused(&spec, EINVAL, "17 functions: at most 16");
	spec.functions = 1;
	spec.function[0] = (struct vmm_function){ "0000:07:10", "/run/s" };
	refused(&spec, EINVAL, "'0000:07:10' is not a function's address");
	spec.function[0].address = "0000:07:10.0,x=y";
	refused(&spec, EINVAL, "is not a function's address");
	spec = small();
	spec.dir = "/run/a-directory-with-a-name-so-long-that-the-path-of-a-socket-in-it-would-not-"
		   "fit-into-a-socket's-address";
	refused(&spec, ENAMETOOLONG, "path is too long");
	spec = small();
	spec.name = "not UTF-8: \xff";
	refused(&spec, ENOMEM, "UTF-8");
}

static void files_that_are_refused(void **state)
{
	struct vmm_disk disk = { "/nowhere/disk", "raw", false };
	struct vmm_spec spec = small();

	spec.kernel = "/nowhere/vmlinuz";
	refused(&spec, ENOENT, "kernel /nowhere/vmlinuz: No such file");
	spec.kernel = "/tmp";
	refused(&spec, EINVAL, "kernel /tmp: not a file");
	spec = small();
	spec.initrd = "/nowhere/initrd";
	refused(&spec, ENOENT, "initrd /nowhere/initrd: No such file");
	spec = small();
	spec.firmware = "/nowhere/firmware";
	refused(&spec, ENOENT, "firmware /nowhere/firmware: No such file");
	spec = small();
	spec.kernel = NULL;
	refused(&spec, EINVAL, "neither kernel nor disk");
	spec.kernel_args = "quiet";
	refused(&spec, EINVAL, "kernel-args need a kernel");
	spec.initrd = initrd;
	refused(&spec, EINVAL, "an initrd needs a kernel");
	spec = small();
	spec.disk = &disk;
	spec.disks = 1;
	refused(&spec, ENOENT, "disk /nowhere/disk: No such file");
	disk = (struct vmm_disk){ disk_path, "vmdk", false };
	refused(&spec, EINVAL, "format 'vmdk' is neither raw nor qcow2");
	spec.disks = VMM_MAX_DISKS + 1;
	refused(&spec, EINVAL, "15 disks: at most 14");
}

/* Root may read everything: this is asked in a child that is somebody else. */
static void a_disk_that_is_not_ours(void **state)
{
	const struct vmm_disk disk = { "/etc/shadow", "raw", true };
	struct vmm_spec spec = small();
	struct reason why = { "" };
	int status = 0;
	pid_t pid;

	spec.disk = &disk;
	spec.disks = 1;
	spec.kernel = NULL;
	pid = fork();
	if (!pid) {
		if (!getuid() && setresuid(NOBODY, NOBODY, NOBODY))
			_exit(2);
		_exit(vmm_command(&spec, &why) || errno != EACCES ||
		      strcmp(why.text, "disk /etc/shadow: Permission denied"));
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
}

static void a_qemu_that_is_refused(void **state)
{
	struct vmm_qemu other = {
		.path = "/usr/bin/qemu", .version = "7.2.19", .major = 7, .minor = 2
	};
	struct vmm_spec spec = small();

	spec.qemu = &other;
	refused(&spec, ENOTSUP, "QEMU 7.2.19 at /usr/bin/qemu is too old: 10.1 or newer needed");
	other.major = 10;
	other.minor = 0;
	refused(&spec, ENOTSUP, "too old");
	other.minor = 1;
	refused(&spec, ENOTSUP, "was built without vfio-user-pci");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_word_of_it),
		cmocka_unit_test(ports_go_on_in_the_next_slot),
		cmocka_unit_test(firmware_with_and_without_variables),
		cmocka_unit_test(kvm_by_word_and_by_trial),
		cmocka_unit_test(values_that_are_refused),
		cmocka_unit_test(files_that_are_refused),
		cmocka_unit_test(a_disk_that_is_not_ours),
		cmocka_unit_test(a_qemu_that_is_refused),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
