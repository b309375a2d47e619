/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * test_vm.c - a VM's life: real processes in the place of QEMU, and a monitor that this test plays.
 *
 * The process is data/qemu-in-disguise, which does what FAKE says. The monitor's socket, which a QEMU would make, is made
 * here: what it says and when is the test's to decide.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <cmocka.h>
#include <event2/event.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "vmm/internal.h"

#define UUID "11111111-2222-3333-4444-555555555555"
#define GREETING "{\"QMP\": {}}\n"
#define SOON_US 1000

static struct vmm_qemu qemu = { .path = DATA "/qemu-in-disguise",
				.version = "11.1.3",
				.major = 11,
				.minor = 1,
				.vfio_user = true };

/** struct stage - a VM, the monitor's other end, and what the owner was told. */
struct stage {
	char dir[64];
	struct event_base *base;
	struct vmm_vm *vm;
	struct vmm_spec spec;
	int listener, peer;
	unsigned int running, ended, done;
	bool clean, keep;
	int error;
	char why[256];
	char heard[1024];
};

static void on_running(void *ctx)
{
	((struct stage *)ctx)->running++;
}

static void on_ended(void *ctx, bool clean, const char *why)
{
	struct stage *s = ctx;

	s->ended++;
	s->clean = clean;
	snprintf(s->why, sizeof(s->why), "%s", why);
	if (!s->keep) {
		vmm_free(s->vm);
		s->vm = NULL;
	}
}

static void on_done(void *ctx, int error, const char *why)
{
	struct stage *s = ctx;

	s->done++;
	s->error = error;
	snprintf(s->why, sizeof(s->why), "%s", why ? why : "");
}

static const char *path(const struct stage *s, const char *name)
{
	static char text[128];

	snprintf(text, sizeof(text), "%s/%s", s->dir, name);
	return text;
}

static int setup(void **state)
{
	struct stage *s = calloc(1, sizeof(*s));

	signal(SIGPIPE, SIG_IGN);
	strcpy(s->dir, "/tmp/softiov-vm.XXXXXX");
	if (!mkdtemp(s->dir))
		return -1;
	s->base = event_base_new();
	s->listener = s->peer = -1;
	s->spec = (struct vmm_spec){ .uuid = UUID,
				     .name = "a",
				     .memory = 64 * VMM_MIB,
				     .vcpus = 1,
				     .kernel = "/bin/sh",
				     .accel = VMM_TCG,
				     .qemu = &qemu,
				     .dir = s->dir };
	qemu.unplug = false;
	*state = s;
	return 0;
}

static int teardown(void **state)
{
	static const char *const names[] = { VMM_QMP, VMM_CONSOLE_LOG, VMM_QEMU_LOG, VMM_PID };
	struct stage *s = *state;

	if (s->vm) {
		kill(vmm_pid(s->vm), SIGKILL);
		waitpid(vmm_pid(s->vm), NULL, 0);
		vmm_free(s->vm);
	}
	if (s->listener >= 0)
		close(s->listener);
	if (s->peer >= 0)
		close(s->peer);
	for (unsigned int i = 0; i < ARRAY_SIZE(names); i++)
		unlink(path(s, names[i]));
	event_base_free(s->base);
	if (rmdir(s->dir))
		return -1;
	free(s);
	return 0;
}

static int start(struct stage *s, const char *fake)
{
	const struct vmm_ops ops = { .running = on_running, .ended = on_ended, .ctx = s };
	struct reason why = { "" };
	int error;

	setenv("FAKE", fake, 1);
	error = vmm_start(&s->vm, s->base, &s->spec, &ops, &why);
	snprintf(s->why, sizeof(s->why), "%s", why.text);
	return error;
}

/* A test that hangs is ended by meson. */
static void wait_for(struct stage *s, const unsigned int *count)
{
	while (!*count)
		event_base_loop(s->base, EVLOOP_ONCE);
}

static void take_call(struct stage *s)
{
	while ((s->peer = accept4(s->listener, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK)) < 0)
		event_base_loop(s->base, EVLOOP_ONCE);
}

static void listen_as_monitor(struct stage *s)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };

	assert_true(snprintf(address.sun_path, sizeof(address.sun_path), "%s/" VMM_QMP,
			     s->spec.dir) < (int)sizeof(address.sun_path));
	s->listener = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	assert_int_equal(bind(s->listener, (struct sockaddr *)&address, sizeof(address)), 0);
	assert_int_equal(listen(s->listener, 1), 0);
	take_call(s);
}

static void say(struct stage *s, const char *text)
{
	assert_int_equal(write(s->peer, text, strlen(text)), strlen(text));
}

/* Wait for a command that has @words in it, and answer it with @answer ("return": ...). */
static void answer(struct stage *s, const char *words, const char *reply)
{
	const char *id;
	char text[1100];
	size_t used = 0;
	ssize_t n;

	memset(s->heard, 0, sizeof(s->heard));
	while (!strchr(s->heard, '\n')) {
		event_base_loop(s->base, EVLOOP_NONBLOCK);
		n = read(s->peer, s->heard + used, sizeof(s->heard) - 1 - used);
		used += n > 0 ? (size_t)n : 0;
		if (n < 0)
			usleep(SOON_US);
	}
	if (!strstr(s->heard, words))
		fail_msg("'%s' has no '%s'", s->heard, words);
	id = strstr(s->heard, "\"id\":");
	assert_non_null(id);
	snprintf(text, sizeof(text), "{%s, \"id\": %d}\n", reply, atoi(id + strlen("\"id\":")));
	say(s, text);
}

static void bring_up(struct stage *s)
{
	assert_int_equal(start(s, "stay"), 0);
	assert_int_equal(vmm_state(s->vm), VMM_STARTING);
	listen_as_monitor(s);
	say(s, GREETING);
	answer(s, "qmp_capabilities", "\"return\": {}");
	answer(s, "query-status", "\"return\": {\"status\": \"running\", \"running\": true}");
	wait_for(s, &s->running);
	assert_int_equal(vmm_state(s->vm), VMM_RUNNING);
}

/* The process goes, as QEMU does after it said why. */
static void end_process(struct stage *s, const char *event)
{
	say(s, event);
	close(s->peer);
	s->peer = -1;
	kill(vmm_pid(s->vm), SIGTERM);
	wait_for(s, &s->ended);
}

static void a_process_that_fails(void **state)
{
	struct stage *s = *state;

	assert_int_equal(start(s, "words 1 qemu: could not open 'x'"), 0);
	wait_for(s, &s->ended);
	assert_false(s->clean);
	assert_string_equal(s->why, "QEMU ended with status 1: qemu: could not open 'x'");
	assert_int_equal(s->running, 0);
}

/* Its words may be a guest's: nothing for a terminal to obey, nothing that no JSON can hold. */
static void words_of_a_guest(void **state)
{
	struct stage *s = *state;

	assert_int_equal(start(s, "words 1 \033[2J\007device\377:\303\244"), 0);
	wait_for(s, &s->ended);
	assert_string_equal(s->why, "QEMU ended with status 1: ?[2J?device?:\303\244");
}

static void a_process_that_just_ends(void **state)
{
	struct stage *s = *state;

	assert_int_equal(start(s, "exit 0"), 0);
	wait_for(s, &s->ended);
	assert_false(s->clean); /* nobody asked for it */
	assert_string_equal(s->why, "QEMU ended with status 0");
}

static void a_process_that_is_killed(void **state)
{
	struct stage *s = *state;

	assert_int_equal(start(s, "kill SEGV"), 0);
	wait_for(s, &s->ended);
	assert_false(s->clean);
	assert_non_null(strstr(s->why, "signal 11 (Segmentation fault)"));
}

static void a_program_that_is_not_there(void **state)
{
	static const struct vmm_qemu none = { .path = "/nowhere/qemu",
					      .version = "11.1.3",
					      .major = 11,
					      .minor = 1,
					      .vfio_user = true };
	struct stage *s = *state;

	s->spec.qemu = &none;
	assert_int_equal(start(s, "stay"), -ENOENT);
	assert_non_null(strstr(s->why, "cannot run /nowhere/qemu: No such file"));
	s->spec.kernel = "/nowhere/vmlinuz";
	assert_int_equal(start(s, "stay"), -ENOENT);
	assert_non_null(strstr(s->why, "kernel /nowhere/vmlinuz"));
	s->spec.kernel = "/bin/sh";
	s->spec.qemu = &qemu;
	s->spec.dir = "/nowhere/at/all";
	assert_int_equal(start(s, "stay"), -ENOENT);
	assert_non_null(strstr(s->why, "cannot make /nowhere/at/all"));
}

/* Its own session, its own descriptors, its own directory. */
static void the_process_is_on_its_own(void **state)
{
	struct stage *s = *state;
	char name[64];
	struct stat st;

	rmdir(s->dir);
	assert_int_equal(start(s, "stay"), 0);
	assert_int_equal(stat(s->dir, &st), 0);
	assert_int_equal(st.st_mode & 0777, 0700);
	assert_int_equal(getsid(vmm_pid(s->vm)), vmm_pid(s->vm));
	for (int fd = STDERR_FILENO + 1; fd < 64; fd++) {
		/* A shell keeps its script open, at 10 and up. */
		snprintf(name, sizeof(name), "/proc/%d/fd/%d", vmm_pid(s->vm), fd);
		if (fd < 10)
			assert_int_equal(access(name, F_OK), -1);
	}
	vmm_kill(s->vm);
	wait_for(s, &s->ended);
}

/* The longest directory that is accepted is one that works. */
static void a_long_directory(void **state)
{
	struct stage *s = *state;
	char dir[sizeof(((struct sockaddr_un *)0)->sun_path)];
	const size_t longest = sizeof(dir) - sizeof("/" VMM_CONSOLE);
	size_t n = (size_t)snprintf(dir, sizeof(dir), "%s/", s->dir);

	memset(dir + n, 'x', sizeof(dir) - n);
	dir[longest + 1] = '\0';
	s->spec.dir = dir;
	assert_int_equal(start(s, "stay"), -ENAMETOOLONG);
	dir[longest] = '\0';
	bring_up(s);
	vmm_kill(s->vm);
	close(s->peer);
	s->peer = -1;
	wait_for(s, &s->ended);
	snprintf(s->heard, sizeof(s->heard), "rm -r %s", dir);
	assert_int_equal(system(s->heard), 0);
}

/* A directory that is there already: ours, whatever its mode was; not another's, and no link to one. */
static void the_directory_is_ours(void **state)
{
	struct stage *s = *state;
	char link[80];
	struct stat st;

	snprintf(link, sizeof(link), "%s/link", s->dir);
	assert_int_equal(symlink(s->dir, link), 0);
	s->spec.dir = link;
	assert_int_equal(start(s, "exit 0"), -ENOTDIR);
	unlink(link);
	s->spec.dir = "/proc/sys"; /* root's, or, if that is who we are, not to be changed */
	assert_true(start(s, "exit 0") < 0);
	s->spec.dir = s->dir;
	assert_int_equal(chmod(s->dir, 0777), 0);
	assert_int_equal(start(s, "exit 0"), 0);
	assert_int_equal(stat(s->dir, &st), 0);
	assert_int_equal(st.st_mode & 07777, 0700);
	wait_for(s, &s->ended);
}

static mode_t mode_of(const struct stage *s, const char *name)
{
	struct stat st;

	return lstat(path(s, name), &st) ? 0 : st.st_mode & 07777;
}

/* Whoever may use the API's socket may join the console, and has nothing else of the VM. */
static void the_console_is_shared(void **state)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	struct stage *s = *state;
	mode_t mask = umask(0);
	struct reason why;
	int console;

	bring_up(s);
	assert_int_equal(mode_of(s, VMM_QMP), 0777); /* without a umask */
	assert_int_equal(vmm_share_console(s->vm, (uid_t)-1, (gid_t)-1, 0660, &why), -ENOENT);
	assert_int_equal(mode_of(s, ""), 0700);
	assert_int_equal(symlink(VMM_QEMU_LOG, path(s, VMM_CONSOLE)), 0);
	assert_true(vmm_share_console(s->vm, (uid_t)-1, (gid_t)-1, 0660, &why) < 0);
	assert_int_equal(mode_of(s, VMM_QEMU_LOG), 0600);
	unlink(path(s, VMM_CONSOLE));
	strcpy(address.sun_path, path(s, VMM_CONSOLE));
	console = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	assert_int_equal(bind(console, (struct sockaddr *)&address, sizeof(address)), 0);
	assert_int_equal(vmm_share_console(s->vm, (uid_t)-1, getegid(), 0660, &why), 0);
	assert_int_equal(mode_of(s, VMM_CONSOLE), 0660);
	assert_int_equal(mode_of(s, VMM_QMP), 0600);
	assert_int_equal(mode_of(s, ""), 0710);
	assert_int_equal(vmm_share_console(s->vm, (uid_t)-1, (gid_t)-1, 0600, &why), 0);
	assert_int_equal(mode_of(s, ""), 0700);
	close(console);
	unlink(path(s, VMM_CONSOLE));
	umask(mask);
}

static void write_file(const struct stage *s, const char *name, size_t size)
{
	FILE *file = fopen(path(s, name), "w");

	for (size_t i = 0; i < size; i++)
		fputc("0123456789"[i % 10], file);
	assert_int_equal(fclose(file), 0);
}

/* Half a copy of a firmware's variables would be taken for all of them at the next start. */
static void variables_are_there_as_a_whole(void **state)
{
	struct stage *s = *state;
	struct rlimit limit, small;
	char code[128];
	int error;

	write_file(s, "X_CODE.fd", 1);
	write_file(s, "X_VARS.fd", 20000);
	snprintf(code, sizeof(code), "%s", path(s, "X_CODE.fd"));
	s->spec.firmware = code;
	s->spec.kernel = NULL;
	signal(SIGXFSZ, SIG_IGN);
	getrlimit(RLIMIT_FSIZE, &limit);
	small = (struct rlimit){ 8192, limit.rlim_max };
	setrlimit(RLIMIT_FSIZE, &small);
	error = start(s, "exit 0");
	setrlimit(RLIMIT_FSIZE, &limit);
	assert_int_equal(error, -EFBIG);
	assert_int_equal(access(path(s, VMM_VARS), F_OK), -1);
	assert_int_equal(access(path(s, VMM_VARS ".new"), F_OK), -1);
	assert_int_equal(start(s, "exit 0"), 0);
	assert_int_equal(access(path(s, VMM_VARS), F_OK), 0);
	wait_for(s, &s->ended);
	unlink(path(s, VMM_VARS));
	unlink(path(s, "X_CODE.fd"));
	unlink(path(s, "X_VARS.fd"));
}

static off_t size_of(const struct stage *s, const char *name)
{
	struct stat st;

	return lstat(path(s, name), &st) ? -1 : st.st_size;
}

/* A guest writes what it likes: the host's memory is not for that. */
static void logs_do_not_grow_for_ever(void **state)
{
	const struct timeval soon = { .tv_usec = SOON_US };
	struct stage *s = *state;
	char last[4] = "";
	int fd;

	assert_int_equal(start(s, "stay"), 0);
	write_file(s, VMM_CONSOLE_LOG, VMM_LOG_MAX);
	vmm_trim_logs(s->dir);
	assert_int_equal(size_of(s, VMM_CONSOLE_LOG), VMM_LOG_MAX);
	fd = open(path(s, VMM_CONSOLE_LOG), O_RDWR | O_APPEND | O_CLOEXEC); /* as QEMU does */
	assert_int_equal(write(fd, "xyz", 3), 3);
	assert_int_equal(fchmod(fd, 0644), 0);
	event_add(s->vm->logs, &soon);
	while (size_of(s, VMM_CONSOLE_LOG))
		event_base_loop(s->base, EVLOOP_ONCE);
	assert_int_equal(size_of(s, VMM_CONSOLE_LOG VMM_OLD), VMM_LOG_MAX);
	assert_int_equal(mode_of(s, VMM_CONSOLE_LOG VMM_OLD), 0644);
	assert_int_equal(size_of(s, VMM_QEMU_LOG VMM_OLD), -1);
	assert_int_equal(write(fd, "next", 4), 4);
	close(fd);
	assert_int_equal(size_of(s, VMM_CONSOLE_LOG), 4);
	fd = open(path(s, VMM_CONSOLE_LOG VMM_OLD), O_RDONLY | O_CLOEXEC);
	assert_int_equal(pread(fd, last, 3, VMM_LOG_MAX - 3), 3);
	close(fd);
	assert_string_equal(last, "xyz");

	/* No other file is cut by way of a link. */
	write_file(s, VMM_PID, VMM_LOG_MAX + 1);
	unlink(path(s, VMM_CONSOLE_LOG));
	assert_int_equal(symlink(VMM_PID, path(s, VMM_CONSOLE_LOG)), 0);
	vmm_trim_logs(s->dir);
	assert_int_equal(size_of(s, VMM_PID), VMM_LOG_MAX + 1);
	unlink(path(s, VMM_CONSOLE_LOG VMM_OLD));
}

/* Of a VM that is deleted nothing stays, and nothing else goes. */
static void a_directory_is_forgotten(void **state)
{
	struct stage *s = *state;
	char link[80];

	assert_int_equal(start(s, "stay"), 0);
	write_file(s, VMM_CONSOLE_LOG, VMM_LOG_MAX + 1);
	vmm_trim_logs(s->dir);
	write_file(s, VMM_VARS, 1);
	write_file(s, "mine", 1);
	vmm_kill(s->vm);
	wait_for(s, &s->ended);
	vmm_forget_dir(s->dir);
	assert_int_equal(size_of(s, "mine"), 1);
	unlink(path(s, "mine"));
	snprintf(link, sizeof(link), "%s.link", s->dir);
	assert_int_equal(symlink(s->dir, link), 0);
	write_file(s, VMM_PID, 1);
	vmm_forget_dir(link);
	assert_int_equal(size_of(s, VMM_PID), 1);
	unlink(link);
	vmm_forget_dir(s->dir);
	assert_int_equal(access(s->dir, F_OK), -1);
	vmm_forget_dir(s->dir);
	assert_int_equal(mkdir(s->dir, 0700), 0); /* for teardown() */
}

/* The test does not wait for the deadline: it brings it forward. */
static void a_monitor_that_never_is(void **state)
{
	const struct timeval soon = { .tv_usec = SOON_US };
	struct stage *s = *state;

	assert_int_equal(start(s, "stay"), 0);
	event_add(s->vm->deadline, &soon);
	wait_for(s, &s->ended);
	assert_false(s->clean);
	assert_string_equal(s->why, "QEMU does not answer at its monitor");
}

static void a_monitor_that_never_answers(void **state)
{
	const struct timeval soon = { .tv_usec = SOON_US };
	struct stage *s = *state;

	assert_int_equal(start(s, "stay"), 0);
	listen_as_monitor(s);
	event_add(s->vm->deadline, &soon);
	wait_for(s, &s->ended);
	assert_false(s->clean);
	assert_string_equal(s->why, "QEMU does not answer at its monitor");
	assert_int_equal(s->running, 0);
}

static void a_monitor_that_speaks_something_else(void **state)
{
	struct stage *s = *state;

	assert_int_equal(start(s, "stay"), 0);
	listen_as_monitor(s);
	say(s, "hello\n");
	wait_for(s, &s->ended);
	assert_false(s->clean);
	assert_string_equal(s->why, "what listens there is not QEMU's monitor");
}

static void the_guest_powers_off(void **state)
{
	struct stage *s = *state;

	bring_up(s);
	vmm_powerdown(s->vm, on_done, s);
	answer(s, "system_powerdown", "\"return\": {}");
	wait_for(s, &s->done);
	assert_int_equal(s->error, 0);
	assert_int_equal(vmm_state(s->vm), VMM_STOPPING);
	s->keep = true;
	/* A QEMU that was told by a signal ends with status 0; a killed process is an accident. */
	end_process(s, "{\"event\": \"SHUTDOWN\", \"data\": {\"reason\": \"guest-shutdown\"}}\n");
	assert_false(s->clean);
	assert_non_null(strstr(s->why, "signal 15"));
	assert_int_equal(vmm_state(s->vm), VMM_ENDED);
	vmm_free(s->vm);
	s->vm = NULL;
}

/* The reason comes by the monitor, and is read even when the process is gone already. */
static void last_words_count(void **state)
{
	static const struct {
		const char *event, *why;
		bool clean;
	} ends[] = {
		{ "{\"event\": \"SHUTDOWN\", \"data\": {\"reason\": \"guest-shutdown\"}}\n",
		  "the guest powered off", true },
		{ "{\"event\": \"SHUTDOWN\", \"data\": {\"reason\": \"host-signal\"}}\n",
		  "QEMU was told to end by a signal", true },
		{ "{\"event\": \"SHUTDOWN\", \"data\": {\"reason\": \"guest-panic\"}}\n",
		  "the guest's kernel panicked", false },
		{ "{\"event\": \"SHUTDOWN\"}\n", "QEMU is gone, and whose child", false },
		{ "{\"event\": \"STOP\"}\n", "QEMU is gone, and whose child", false },
	};

	for (unsigned int i = 0; i < ARRAY_SIZE(ends); i++) {
		void *one = NULL;
		struct stage *s;

		assert_int_equal(setup(&one), 0);
		s = one;
		bring_up(s);
		s->vm->child = false; /* as one that was adopted: how it ended is not known */
		say(s, ends[i].event);
		kill(vmm_pid(s->vm), SIGKILL);
		waitpid(vmm_pid(s->vm), NULL, 0);
		close(s->peer);
		s->peer = -1;
		wait_for(s, &s->ended);
		assert_non_null(strstr(s->why, ends[i].why));
		assert_int_equal(s->clean, ends[i].clean);
		assert_int_equal(teardown(&one), 0);
	}
}

static void the_plug_is_pulled(void **state)
{
	struct stage *s = *state;

	bring_up(s);
	vmm_powerdown(s->vm, on_done, s); /* never answered: the process is gone first */
	vmm_kill(s->vm);
	assert_int_equal(vmm_state(s->vm), VMM_STOPPING);
	close(s->peer);
	s->peer = -1;
	wait_for(s, &s->ended);
	assert_int_equal(s->done, 1);
	assert_int_equal(s->error, -EPIPE);
	assert_true(s->clean);
	assert_string_equal(s->why, "the plug was pulled");
}

/* A monitor that hangs up on a running guest costs the guest nothing. */
static void the_monitor_hangs_up(void **state)
{
	struct stage *s = *state;

	bring_up(s);
	close(s->peer);
	s->peer = -1;
	while (s->vm->qmp)
		event_base_loop(s->base, EVLOOP_ONCE);
	assert_int_equal(vmm_state(s->vm), VMM_RUNNING);
	vmm_reset(s->vm, on_done, s);
	assert_int_equal(s->error, -ENOTCONN);
	vmm_kill(s->vm);
	wait_for(s, &s->ended);
	assert_true(s->clean);
}

#define PORTS                                                         \
	"{\"name\": \"port0\", \"type\": \"child<pcie-root-port>\"}," \
	"{\"name\": \"port1\", \"type\": \"child<pcie-root-port>\"}," \
	"{\"name\": \"type\", \"type\": \"string\"},"                 \
	"{\"name\": \"vf0-0000-07-10.0\", \"type\": \"child<vfio-user-pci>\"}"

static void plug_into_the_next_free_port(void **state)
{
	const struct vmm_function function = { "0000:07:10.2", "/run/s" };
	struct stage *s = *state;

	bring_up(s);
	vmm_plug(s->vm, &function, on_done, s);
	answer(s, "\"path\":\"/machine/peripheral\"", "\"return\": [" PORTS "]");
	answer(s,
	       "\"device_add\",\"id\":4,\"arguments\":{\"driver\":\"vfio-user-pci\","
	       "\"id\":\"vf1-0000-07-10.2\",\"bus\":\"port1\",\"socket\":{\"type\":\"unix\","
	       "\"path\":\"/run/s\"}}",
	       "\"return\": {}");
	wait_for(s, &s->done);
	assert_int_equal(s->error, 0);
}

static void plug_refusals(void **state)
{
	const struct vmm_function here = { "0000:07:10.0", "/run/s" };
	const struct vmm_function other = { "0000:07:10.2", "/run/s" };
	const struct vmm_function bad = { "7:10.2,bus=x", "/run/s" };
	struct stage *s = *state;

	bring_up(s);
	vmm_plug(s->vm, &bad, on_done, s);
	assert_int_equal(s->error, -EINVAL);
	s->done = 0;
	vmm_plug(s->vm, &here, on_done, s);
	answer(s, "qom-list", "\"return\": [" PORTS "]");
	wait_for(s, &s->done);
	assert_int_equal(s->error, -EEXIST);
	s->done = 0;
	vmm_plug(s->vm, &other, on_done, s);
	answer(s, "qom-list", "\"return\": [" PORTS ", {\"name\": \"vf1-0000-07-11.0\"}]");
	wait_for(s, &s->done);
	assert_int_equal(s->error, -EBUSY);
	s->done = 0;
	vmm_plug(s->vm, &other, on_done, s);
	answer(s, "qom-list", "\"return\": [" PORTS ", {}, 5, {\"name\": \"vf99-x\"}]");
	answer(s, "device_add", "\"error\": {\"desc\": \"Failed to connect socket\"}");
	wait_for(s, &s->done);
	assert_int_equal(s->error, -EREMOTEIO);
	assert_string_equal(s->why, "Failed to connect socket");
	assert_int_equal(s->vm->ports_taken, 0);
}

/* The port that a request is about to fill is not offered to the next. */
static void two_plugs_at_once(void **state)
{
	const struct vmm_function one = { "0000:07:10.2", "/run/s" };
	const struct vmm_function two = { "0000:07:10.4", "/run/t" };
	struct stage *s = *state;

	bring_up(s);
	vmm_plug(s->vm, &one, on_done, s);
	answer(s, "qom-list", "\"return\": [" PORTS "]");
	while (!s->vm->ports_taken)
		event_base_loop(s->base, EVLOOP_ONCE);
	vmm_plug(s->vm, &two, on_done, s);
	say(s, "{\"return\": [" PORTS "], \"id\": 5}\n");
	wait_for(s, &s->done);
	assert_int_equal(s->error, -EBUSY);
}

static void unplug_where_qemu_aborts(void **state)
{
	struct stage *s = *state;

	bring_up(s);
	vmm_unplug(s->vm, "0000:07:10.0", &qemu, on_done, s);
	assert_int_equal(s->done, 1);
	assert_int_equal(s->error, -EOPNOTSUPP);
	assert_non_null(strstr(s->why, "QEMU 11.1.3 would abort"));
}

static void unplug_where_it_does_not(void **state)
{
	struct stage *s = *state;

	qemu.unplug = true;
	bring_up(s);
	vmm_unplug(s->vm, "0000:07:10.0", &qemu, on_done, s);
	answer(s, "qom-list", "\"return\": [" PORTS "]");
	answer(s, "\"device_del\",\"id\":4,\"arguments\":{\"id\":\"vf0-0000-07-10.0\"}",
	       "\"return\": {}");
	say(s, "{\"event\": \"DEVICE_DELETED\", \"data\": {\"path\": \"/x\"}}\n"
	       "{\"event\": \"DEVICE_DELETED\", \"data\": {\"device\": \"vf1-0000-07-10.0\"}}\n");
	for (int i = 0; i < 10; i++)
		event_base_loop(s->base, EVLOOP_NONBLOCK);
	assert_int_equal(s->done, 0); /* the guest has not let go yet */
	say(s, "{\"event\": \"DEVICE_DELETED\", \"data\": {\"device\": \"vf0-0000-07-10.0\"}}\n");
	wait_for(s, &s->done);
	assert_int_equal(s->error, 0);
	s->done = 0;
	vmm_unplug(s->vm, "0000:07:1f.0", &qemu, on_done, s);
	answer(s, "qom-list", "\"return\": [" PORTS "]");
	wait_for(s, &s->done);
	assert_int_equal(s->error, -ENOENT);
	/* Refused by QEMU; asked twice; and with the end of QEMU all ends. */
	s->done = 0;
	vmm_unplug(s->vm, "0000:07:10.0", &qemu, on_done, s);
	answer(s, "qom-list", "\"return\": [" PORTS "]");
	answer(s, "device_del", "\"error\": {\"desc\": \"is in the process of unplug\"}");
	wait_for(s, &s->done);
	assert_int_equal(s->error, -EREMOTEIO);
	s->done = 0;
	vmm_unplug(s->vm, "0000:07:10.0", &qemu, on_done, s);
	answer(s, "qom-list", "\"return\": [" PORTS "]");
	answer(s, "device_del", "\"return\": {}");
	vmm_unplug(s->vm, "0000:07:10.0", &qemu, on_done, s);
	answer(s, "qom-list", "\"return\": [" PORTS "]");
	wait_for(s, &s->done);
	assert_int_equal(s->error, -EALREADY);
	vmm_kill(s->vm);
	close(s->peer);
	s->peer = -1;
	wait_for(s, &s->ended);
	assert_int_equal(s->done, 2);
	assert_int_equal(s->error, -EPIPE);
}

/* What an earlier daemon left: a process with the VM's uuid on its command line and its number in a file. */
static void adopt(void **state)
{
	struct stage *s = *state;
	const struct vmm_ops ops = { .running = on_running, .ended = on_ended, .ctx = s };
	struct vmm_vm *second = NULL;
	struct reason why;
	FILE *file;
	pid_t pid;

	assert_int_equal(vmm_adopt(&second, s->base, s->dir, UUID, &ops, &why), -ESRCH);
	file = fopen(path(s, VMM_PID), "w");
	fprintf(file, "%d\n", getpid()); /* some other process has the number */
	fclose(file);
	assert_int_equal(vmm_adopt(&second, s->base, s->dir, UUID, &ops, &why), -ESRCH);

	/* A shell's words are its own, so it is found by them. */
	pid = fork();
	if (!pid) {
		execl("/bin/sh", "qemu", "-c", "kill -STOP $$; :", "qemu", "-uuid", UUID, NULL);
		_exit(1);
	}
	file = fopen(path(s, VMM_PID), "w");
	fprintf(file, "%d\n", pid);
	fclose(file);
	while ((s->error = vmm_adopt(&s->vm, s->base, s->dir, UUID, &ops, &why)) == -ESRCH)
		usleep(SOON_US); /* until the child has become the shell */
	assert_int_equal(s->error, 0);
	assert_int_equal(vmm_pid(s->vm), pid);
	assert_int_equal(vmm_adopt(&second, s->base, s->dir, "22222222-2222-3333-4444-555555555555",
				   &ops, &why),
			 -ESRCH);
	/* Whatever its monitor says, a VM that may run a guest is left alone, and asked again. */
	listen_as_monitor(s);
	say(s, "hello\n");
	while (s->vm->qmp)
		event_base_loop(s->base, EVLOOP_ONCE);
	close(s->peer);
	assert_int_equal(kill(pid, 0), 0);
	assert_false(s->vm->killed);
	take_call(s);
	say(s, GREETING);
	answer(s, "qmp_capabilities", "\"return\": {}");
	answer(s, "query-status", "\"return\": {\"running\": true}");
	wait_for(s, &s->running);
	vmm_kill(s->vm);
	waitpid(pid, NULL, 0);
	close(s->peer);
	s->peer = -1;
	wait_for(s, &s->ended);
	assert_true(s->clean);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(a_process_that_fails),
		TEST(words_of_a_guest),
		TEST(a_process_that_just_ends),
		TEST(a_process_that_is_killed),
		TEST(a_program_that_is_not_there),
		TEST(the_process_is_on_its_own),
		TEST(a_long_directory),
		TEST(the_directory_is_ours),
		TEST(the_console_is_shared),
		TEST(variables_are_there_as_a_whole),
		TEST(logs_do_not_grow_for_ever),
		TEST(a_directory_is_forgotten),
		TEST(a_monitor_that_never_is),
		TEST(a_monitor_that_never_answers),
		TEST(a_monitor_that_speaks_something_else),
		TEST(the_guest_powers_off),
		cmocka_unit_test(last_words_count),
		TEST(the_plug_is_pulled),
		TEST(the_monitor_hangs_up),
		TEST(plug_into_the_next_free_port),
		TEST(plug_refusals),
		TEST(two_plugs_at_once),
		TEST(unplug_where_qemu_aborts),
		TEST(unplug_where_it_does_not),
		TEST(adopt),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
