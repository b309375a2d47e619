/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * vmm.c - one VM, by the calls of src/vmm/vmm.h, for a test that types.
 *
 *	vmm start QEMU SPEC    run the VM that the JSON object SPEC describes: dir, name, uuid, memory, vcpus, kernel, initrd,
 *	                       kernel-args, firmware, disks, functions ([[address, socket], ...]), accel
 *	vmm adopt QEMU SPEC    look after the one that runs in its dir already
 *	vmm command QEMU SPEC  print the command line
 *
 * Then standard input takes words: powerdown, reset, kill, state, plug ADDRESS SOCKET, unplug ADDRESS; its end ends this
 * program and leaves QEMU alone. Each thing that happens is one line of JSON. Exit status 0; 1: refused.
 */
#include <event2/buffer.h>
#include <event2/bufferevent.h>
#include <event2/event.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "vmm/vmm.h"

#define DISKS_MAX 4

static struct event_base *base;
static struct vmm_vm *vm;
static struct vmm_qemu qemu;

static void say(json_t *line)
{
	json_dumpf(line, stdout, JSON_COMPACT);
	putchar('\n');
	fflush(stdout);
	json_decref(line);
}

static int refused(const struct reason *why)
{
	say(json_pack("{s:s, s:s}", "event", "refused", "why", why->text));
	return 1;
}

static void on_running(void *ctx)
{
	say(json_pack("{s:s, s:i}", "event", "running", "pid", vmm_pid(vm)));
}

static void on_ended(void *ctx, bool clean, const char *why)
{
	say(json_pack("{s:s, s:b, s:s}", "event", "ended", "clean", clean, "why", why));
	event_base_loopbreak(base);
}

static void on_done(void *ctx, int error, const char *why)
{
	say(json_pack("{s:s, s:s, s:i, s:s*}", "event", "done", "what", ctx, "error", error, "why",
		      why));
}

static void obey(const char *line)
{
	char word[16] = "", address[32] = "", socket[256] = "";

	sscanf(line, "%15s %31s %255s", word, address, socket);
	if (!strcmp(word, "powerdown"))
		vmm_powerdown(vm, on_done, "powerdown");
	else if (!strcmp(word, "reset"))
		vmm_reset(vm, on_done, "reset");
	else if (!strcmp(word, "kill"))
		vmm_kill(vm);
	else if (!strcmp(word, "state"))
		say(json_pack("{s:s, s:i}", "event", "state", "state", vmm_state(vm)));
	else if (!strcmp(word, "plug"))
		vmm_plug(vm, &(struct vmm_function){ address, socket }, on_done, "plug");
	else if (!strcmp(word, "unplug"))
		vmm_unplug(vm, address, &qemu, on_done, "unplug");
}

static void on_input(struct bufferevent *bev, void *ctx)
{
	char *line;

	while ((line = evbuffer_readln(bufferevent_get_input(bev), NULL, EVBUFFER_EOL_LF))) {
		obey(line);
		free(line);
	}
}

static void on_input_end(struct bufferevent *bev, short what, void *ctx)
{
	event_base_loopbreak(base);
}

static const char *text(const json_t *record, const char *name)
{
	return json_string_value(json_object_get(record, name));
}

static void read_spec(const json_t *record, struct vmm_spec *spec, struct vmm_disk *disk)
{
	const char *accel = text(record, "accel");
	json_t *item;
	size_t i;

	*spec = (struct vmm_spec){
		.uuid = text(record, "uuid"),
		.name = text(record, "name"),
		.memory = (uint64_t)json_integer_value(json_object_get(record, "memory")),
		.vcpus = (unsigned int)json_integer_value(json_object_get(record, "vcpus")),
		.kernel = text(record, "kernel"),
		.initrd = text(record, "initrd"),
		.kernel_args = text(record, "kernel-args"),
		.firmware = text(record, "firmware"),
		.disk = disk,
		.accel = accel && !strcmp(accel, "kvm")	  ? VMM_KVM
			 : accel && !strcmp(accel, "tcg") ? VMM_TCG
							  : VMM_AUTO,
		.qemu = &qemu,
		.dir = text(record, "dir"),
	};
	json_array_foreach (json_object_get(record, "disks"), i, item)
		if (spec->disks < DISKS_MAX)
			disk[spec->disks++] = (struct vmm_disk){
				text(item, "path"), text(item, "format"),
				json_is_true(json_object_get(item, "read-only"))
			};
	json_array_foreach (json_object_get(record, "functions"), i, item)
		if (spec->functions < VMM_MAX_FUNCTIONS)
			spec->function[spec->functions++] =
				(struct vmm_function){ json_string_value(json_array_get(item, 0)),
						       json_string_value(json_array_get(item, 1)) };
}

static int run(const char *verb, const struct vmm_spec *spec)
{
	const struct vmm_ops ops = { .running = on_running, .ended = on_ended };
	struct bufferevent *input;
	struct reason why;
	json_t *command;

	if (!strcmp(verb, "command")) {
		command = vmm_command(spec, &why);
		if (!command)
			return refused(&why);
		say(command);
		return 0;
	}
	base = event_base_new();
	if (!strcmp(verb, "adopt") ? vmm_adopt(&vm, base, spec->dir, spec->uuid, &ops, &why)
				   : vmm_start(&vm, base, spec, &ops, &why)) {
		event_base_free(base);
		return refused(&why);
	}
	input = bufferevent_socket_new(base, STDIN_FILENO, 0);
	bufferevent_setcb(input, on_input, NULL, on_input_end, NULL);
	bufferevent_enable(input, EV_READ);
	event_base_dispatch(base);
	vmm_free(vm);
	bufferevent_free(input);
	event_base_free(base);
	return 0;
}

int main(int argc, char **argv)
{
	struct vmm_disk disk[DISKS_MAX];
	struct vmm_spec spec;
	struct reason why;
	json_t *record;
	int status;

	if (argc != 4 || !(record = json_loads(argv[3], 0, NULL))) {
		fprintf(stderr, "usage: vmm start|adopt|command QEMU SPEC\n");
		return 2;
	}
	signal(SIGPIPE, SIG_IGN);
	if (vmm_probe(argv[2], &qemu, &why)) {
		json_decref(record);
		return refused(&why);
	}
	read_spec(record, &spec, disk);
	status = run(argv[1], &spec);
	json_decref(record);
	return status;
}
