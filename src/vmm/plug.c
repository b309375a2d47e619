// SPDX-License-Identifier: BSD-3-Clause
/*
 * plug.c - functions that come and go while the VM runs.
 *
 * What is plugged in where is asked of QEMU each time (its objects below /machine/peripheral are the devices that have an
 * id), and the ids say it all: "port3" is a root port, "vf3-0000-07-10.0" is what sits in it. So there is nothing to
 * remember, and a VM that an earlier daemon started is like any other. A port that a request is about to fill is kept from
 * others meanwhile.
 *
 * Taking one away is a request to the guest (PCIe 6.7, hot plug: attention button), which may need its time; QEMU tells
 * by an event that the guest let go.
 */
#include "vmm/internal.h"

#include <stdio.h>
#include <stdlib.h>

#define PERIPHERALS "/machine/peripheral"
#define LET_GO_S 30

/** struct job - one request to plug or unplug. @port: where. */
struct job {
	struct vmm_vm *vm;
	struct vmm_function function; /* strings are ours */
	unsigned int port;
	vmm_done *done;
	void *ctx;
};

static void free_job(struct job *job)
{
	if (!job)
		return;
	free((char *)job->function.address);
	free((char *)job->function.socket);
	free(job);
}

static void end_job(struct job *job, int error, const char *why)
{
	vmm_done *done = job->done;
	void *ctx = job->ctx;

	free_job(job);
	if (done && error != -ECANCELED)
		done(ctx, error, why);
}

static struct job *new_job(struct vmm_vm *vm, const char *address, const char *socket,
			   vmm_done *done, void *ctx)
{
	struct job *job = calloc(1, sizeof(*job));

	if (!job)
		return NULL;
	*job = (struct job){
		.vm = vm, .function = { strdup(address), strdup(socket) }, .done = done, .ctx = ctx
	};
	if (job->function.address && job->function.socket)
		return job;
	free_job(job);
	return NULL;
}

/* Which root ports there are and which are taken, as bits, and where @address is (VMM_PORTS_MAX: nowhere). */
static unsigned int look(const json_t *devices, const char *address, uint32_t *ports,
			 uint32_t *taken)
{
	unsigned int port, at = VMM_PORTS_MAX;
	char id[VMM_ID_MAX];
	json_t *device;
	size_t i;

	*ports = *taken = 0;
	json_array_foreach (devices, i, device) {
		const char *name = json_string_value(json_object_get(device, "name"));

		if (name && sscanf(name, VMM_PORT_ID, &port) == 1 && port < VMM_PORTS_MAX)
			*ports |= BIT(port);
		if (!name || sscanf(name, "vf%u-", &port) != 1 || port >= VMM_PORTS_MAX)
			continue;
		*taken |= BIT(port);
		if (!vmm_function_id(id, port, address) && !strcmp(name, id))
			at = port;
	}
	return at;
}

static int ask(struct job *job, qmp_done *done)
{
	if (!job->vm->qmp)
		return -ENOTCONN;
	return qmp_command(job->vm->qmp, "qom-list", json_pack("{s:s}", "path", PERIPHERALS), done,
			   job);
}

static void begin(struct vmm_vm *vm, const char *address, const char *socket, qmp_done *listed,
		  vmm_done *done, void *ctx)
{
	struct job *job = new_job(vm, address, socket, done, ctx);
	char id[VMM_ID_MAX];
	int error;

	if (!job) {
		if (done)
			done(ctx, -ENOMEM, "memory is short");
	} else if (vmm_function_id(id, 0, address)) {
		end_job(job, -EINVAL, "not a function's address");
	} else {
		error = ask(job, listed);
		if (error)
			end_job(job, error, "the VM's monitor is not connected");
	}
}

static void on_added(void *ctx, int error, const json_t *result, const char *why)
{
	struct job *job = ctx;

	job->vm->ports_taken &= ~BIT(job->port);
	end_job(job, error, why);
}

static void on_listed_to_plug(void *ctx, int error, const json_t *result, const char *why)
{
	struct job *job = ctx;
	struct vmm_vm *vm = job->vm;
	uint32_t ports, taken;
	json_t *device;

	if (error)
		return end_job(job, error, why);
	if (look(result, job->function.address, &ports, &taken) < VMM_PORTS_MAX)
		return end_job(job, -EEXIST, "it is plugged in already");
	ports &= ~(taken | vm->ports_taken);
	if (!ports)
		return end_job(job, -EBUSY, "no root port of the VM is free");
	job->port = (unsigned int)__builtin_ctz(ports);
	device = vmm_function_device(&job->function, job->port);
	if (!device || qmp_command(vm->qmp, "device_add", device, on_added, job))
		return end_job(job, -ENOMEM, "memory is short");
	vm->ports_taken |= BIT(job->port);
}

void vmm_plug(struct vmm_vm *vm, const struct vmm_function *function, vmm_done *done, void *ctx)
{
	begin(vm, function->address, function->socket, on_listed_to_plug, done, ctx);
}

/* End waiting. */
static void let_go(struct vmm_unplugging *waiting, int error, const char *why)
{
	vmm_done *done = waiting->done;

	waiting->done = NULL;
	event_free(waiting->deadline);
	waiting->deadline = NULL;
	done(waiting->ctx, error, why);
}

static void on_not_let_go(evutil_socket_t fd, short what, void *ctx)
{
	let_go(ctx, -ETIMEDOUT, "the guest did not let go of it");
}

static void ignore(void *ctx, int error, const char *why)
{
}

void vmm_device_deleted(struct vmm_vm *vm, const char *id, const char *why)
{
	for (unsigned int i = 0; i < VMM_PORTS_MAX; i++) {
		struct vmm_unplugging *waiting = &vm->unplugging[i];

		if (!waiting->done || (id && strcmp(waiting->id, id)))
			continue;
		let_go(waiting, id ? 0 : -EPIPE, why);
		if (id)
			return; /* the owner may have freed the VM */
	}
}

/* QEMU takes the request: now the guest has to. */
static void on_deleting(void *ctx, int error, const json_t *result, const char *why)
{
	struct job *job = ctx;
	struct vmm_unplugging *waiting = &job->vm->unplugging[job->port];

	if (error && waiting->done) {
		free_job(job);
		if (error == -ECANCELED)
			return;
		let_go(waiting, error, why);
		return;
	}
	free_job(job);
}

static void on_listed_to_unplug(void *ctx, int error, const json_t *result, const char *why)
{
	const struct timeval patience = { .tv_sec = LET_GO_S };
	struct job *job = ctx;
	struct vmm_unplugging *waiting;
	uint32_t ports, taken;

	if (error)
		return end_job(job, error, why);
	job->port = look(result, job->function.address, &ports, &taken);
	if (job->port >= VMM_PORTS_MAX)
		return end_job(job, -ENOENT, "it is not plugged in");
	waiting = &job->vm->unplugging[job->port];
	if (waiting->done)
		return end_job(job, -EALREADY, "the guest is asked already");
	vmm_function_id(waiting->id, job->port, job->function.address);
	waiting->deadline = evtimer_new(job->vm->base, on_not_let_go, waiting);
	if (!waiting->deadline)
		return end_job(job, -ENOMEM, "memory is short");
	waiting->done = job->done ? job->done : ignore;
	waiting->ctx = job->ctx;
	event_add(waiting->deadline, &patience);
	if (qmp_command(job->vm->qmp, "device_del", json_pack("{s:s}", "id", waiting->id),
			on_deleting, job)) {
		free_job(job);
		let_go(waiting, -ENOMEM, "memory is short");
	}
}

void vmm_unplug(struct vmm_vm *vm, const char *address, const struct vmm_qemu *qemu, vmm_done *done,
		void *ctx)
{
	struct reason why;

	if (qemu->unplug)
		return begin(vm, address, "", on_listed_to_unplug, done, ctx);
	refuse(&why, 0,
	       "QEMU %s would abort when a function is taken out of a running VM: shut it down "
	       "first",
	       qemu->version);
	if (done)
		done(ctx, -EOPNOTSUPP, why.text);
}
