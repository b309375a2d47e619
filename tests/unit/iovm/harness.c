// SPDX-License-Identifier: BSD-3-Clause
/* harness.c - a managed VF on a device thread of its own. */
#include "harness.h"

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <cmocka.h>

#include <event2/event.h>
#include <event2/thread.h>
#include <linux/pci_regs.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

static const struct pcie_ids ids = { .vendor = 0x8086,
				     .device = 0x10f8,
				     .subsystem_vendor = 0x1af4,
				     .subsystem = 0x7a11,
				     .revision = 1,
				     .class_code = 0x020000 };

static int model_read(void *ctx, unsigned int bar, uint64_t offset, void *data, uint32_t len)
{
	struct model *model = ctx;

	assert_int_equal(len, 4);
	assert_int_equal(offset % 4, 0);
	assert_true(bar == 0 || bar == MSIX_BAR);
	model->reads++;
	put_le32(data, (bar ? model->msix_bar : model->reg)[offset / 4]);
	return model->bar_result;
}

static int model_write(void *ctx, unsigned int bar, uint64_t offset, const void *data, uint32_t len)
{
	struct model *model = ctx;

	assert_int_equal(len, 4);
	assert_int_equal(offset % 4, 0);
	assert_true(bar == 0 || bar == MSIX_BAR);
	model->writes++;
	(bar ? model->msix_bar : model->reg)[offset / 4] = get_le32(data);
	return model->bar_result;
}

static int model_reset(void *ctx)
{
	struct model *model = ctx;

	model->resets++;
	memset(model->reg, 0, sizeof(model->reg));
	return PCIE_DONE;
}

static void model_command(void *ctx, uint16_t command)
{
	struct model *model = ctx;

	model->commands++;
	model->command = command;
}

static void model_msix(void *ctx, bool enable, bool mask)
{
	struct model *model = ctx;

	model->msix++;
	model->msix_enable = enable;
	model->msix_mask = mask;
}

static const struct function_ops model_ops = { .bar_read = model_read,
					       .bar_write = model_write,
					       .reset = model_reset,
					       .command = model_command,
					       .msix = model_msix };

/* A fresh file each time; what was handed out before stays with whoever mapped it. */
static int model_share(void *ctx, bool shared)
{
	struct model *model = &((struct rig *)ctx)->model;
	void *map;

	model->shares++;
	if (model->share_fd >= 0)
		close(model->share_fd);
	model->share_fd = -1;
	if (shared) {
		map = memfile_create("registers", BAR_SIZE, true, &model->share_fd);
		assert_non_null(map);
		munmap(map, BAR_SIZE);
	}
	return model->share_fd;
}

static int model_admit(void *ctx, struct reason *why)
{
	struct model *model = &((struct rig *)ctx)->model;

	model->admits++;
	return model->admit_result < 0 ? refuse(why, model->admit_result, "it is somebody else's")
				       : model->admit_result;
}

static void model_changed(void *ctx, bool attached)
{
	struct model *model = &((struct rig *)ctx)->model;

	model->changes++;
	model->attached = attached;
}

void rig_layouts(struct rig *rig)
{
	struct pcie_sriov_config sriov = { .total_vfs = 64,
					   .first_vf_offset = 128,
					   .vf_stride = 2,
					   .vf_device_id = 0x10ed,
					   .supported_page_sizes = 0x553 };
	uint16_t numvfs = 8, control = PCI_SRIOV_CTRL_VFE | PCI_SRIOV_CTRL_MSE;

	sriov.vf_bar[0] = (struct pcie_bar){ .size = BAR_SIZE, .is_64bit = true };
	sriov.vf_bar[MSIX_BAR] = (struct pcie_bar){ .size = BAR_SIZE, .is_64bit = true };
	pcie_layout_init(&rig->pf_layout, &ids, true);
	pcie_add_express(&rig->pf_layout, EXPRESS, 2, 8);
	pcie_add_aer(&rig->pf_layout, AER);
	pcie_add_sriov(&rig->pf_layout, SRIOV, &sriov);
	pcie_function_init(&rig->pf, &rig->pf_layout, &rig->pf_state, 0x0700, NULL, NULL);
	pcie_config_write(&rig->pf, SRIOV + PCI_SRIOV_NUM_VF, &numvfs, 2);
	pcie_config_write(&rig->pf, SRIOV + PCI_SRIOV_CTRL, &control, 2);

	pcie_layout_init_vf(&rig->bare_layout, &ids);
	pcie_add_msix(&rig->bare_layout, MSIX, VECTORS, MSIX_BAR, 0, PBA_OFFSET);
	pcie_add_express(&rig->bare_layout, EXPRESS, 2, 8);
	pcie_add_aer(&rig->bare_layout, AER);
	pcie_add_ari(&rig->bare_layout, ARI, 0);
	pcie_function_init(&rig->bare, &rig->bare_layout, &rig->bare_state,
			   pcie_vf_routing_id(&rig->pf, VF_NUMBER), &model_ops, &rig->model);
}

static void on_kick(evutil_socket_t fd, short events, void *arg)
{
	quiesce_poll(((struct rig *)arg)->quiesce);
}

static void *device_thread(void *arg)
{
	struct rig *rig = arg;

	event_base_loop(rig->base, EVLOOP_NO_EXIT_ON_EMPTY);
	return NULL;
}

static void *worker_thread(void *arg)
{
	struct rig *rig = arg;
	int slot = quiesce_register(rig->quiesce);

	quiesce_online(rig->quiesce, slot);
	while (!atomic_load(&rig->stop)) {
		int vector = atomic_load(&rig->raise), once = atomic_exchange(&rig->raise_once, -1);

		if (vector >= 0)
			iovm_vf_signal(rig->vf, (unsigned int)vector);
		if (once >= 0)
			iovm_vf_signal(rig->vf, (unsigned int)once);
		while (atomic_load(&rig->hold)) {
			atomic_store(&rig->holding, true);
			usleep(100);
		}
		atomic_store(&rig->holding, false);
		quiesce_point(rig->quiesce, slot);
		sched_yield();
	}
	quiesce_offline(rig->quiesce, slot);
	quiesce_unregister(rig->quiesce, slot);
	return NULL;
}

struct job {
	struct rig *rig;
	void (*f)(struct rig *rig);
};

static void run_job(evutil_socket_t fd, short events, void *arg)
{
	struct job *job = arg;

	job->f(job->rig);
	sem_post(&job->rig->done);
}

void rig_run(struct rig *rig, void (*f)(struct rig *rig))
{
	struct job job = { rig, f };
	static const struct timeval now = { 0, 0 };

	assert_int_equal(event_base_once(rig->base, -1, EV_TIMEOUT, run_job, &job, &now), 0);
	while (sem_wait(&rig->done))
		;
}

struct rig *rig_start(void)
{
	struct rig *rig = calloc(1, sizeof(*rig));
	struct reason why = { "" };

	rig->quiesce = aligned_alloc(64, sizeof(*rig->quiesce));
	assert_int_equal(quiesce_init(rig->quiesce), 0);
	evthread_use_pthreads();
	rig->base = event_base_new();
	sem_init(&rig->done, 0, 0);
	rig->model.share_fd = -1;
	atomic_store(&rig->raise, -1);
	atomic_store(&rig->raise_once, -1);
	rig_layouts(rig);
	rig->iommu_state = calloc(1, sizeof(*rig->iommu_state));
	assert_int_equal(iommu_domain_create(&rig->domain, rig->bare.routing_id, rig->iommu_state,
					     rig->quiesce),
			 0);
	strcpy(rig->directory, "/tmp/test-iovm-XXXXXX");
	assert_non_null(mkdtemp(rig->directory));
	snprintf(rig->socket, sizeof(rig->socket), "%s/vf.sock", rig->directory);
	rig->config = (struct iovm_vf_config){ .socket_path = rig->socket,
					       .owner = (uid_t)-1,
					       .group = (gid_t)-1,
					       .mode = 0600,
					       .registers_shared = true,
					       .pf = &rig->pf,
					       .bare = &rig->bare,
					       .vf = VF_NUMBER,
					       .domain = rig->domain,
					       .state = &rig->state,
					       .share = model_share,
					       .shared_bar = 0,
					       .shared_offset = SHARED_OFFSET,
					       .shared_size = SHARED_SIZE,
					       .admit = model_admit,
					       .changed = model_changed,
					       .ctx = rig };
	if (iovm_vf_create(&rig->vf, rig->base, rig->quiesce, &rig->config, &why))
		fail_msg("%s", why.text);
	rig->kick = event_new(rig->base, rig->quiesce->kick_fd, EV_READ | EV_PERSIST, on_kick, rig);
	event_add(rig->kick, NULL);
	pthread_create(&rig->device, NULL, device_thread, rig);
	pthread_create(&rig->worker, NULL, worker_thread, rig);
	return rig;
}

static void destroy_vf(struct rig *rig)
{
	iovm_vf_destroy(rig->vf);
	rig->vf = NULL;
}

static void break_loop(struct rig *rig)
{
	event_base_loopbreak(rig->base);
}

void rig_stop(struct rig *rig)
{
	atomic_store(&rig->stop, true);
	atomic_store(&rig->hold, false);
	pthread_join(rig->worker, NULL);
	rig_run(rig, destroy_vf);
	rig_run(rig, break_loop);
	pthread_join(rig->device, NULL);
	quiesce_fini(rig->quiesce);
	iommu_domain_destroy(rig->domain);
	event_free(rig->kick);
	event_base_free(rig->base);
	if (rig->model.share_fd >= 0)
		close(rig->model.share_fd);
	rmdir(rig->directory);
	free(rig->iommu_state);
	free(rig->quiesce);
	free(rig);
}

void rig_hold(struct rig *rig, bool hold)
{
	atomic_store(&rig->hold, hold);
	while (atomic_load(&rig->holding) != hold)
		usleep(100);
}

static struct iovm_vf_info info;

static void get_info(struct rig *rig)
{
	iovm_vf_info(rig->vf, &info);
}

struct iovm_vf_info rig_info(struct rig *rig)
{
	rig_run(rig, get_info);
	return info;
}

static struct model model_copy;

static void get_model(struct rig *rig)
{
	model_copy = rig->model;
	model_copy.bare_command = pcie_command(&rig->bare);
}

const struct model *rig_model(struct rig *rig)
{
	rig_run(rig, get_model);
	return &model_copy;
}

static struct iommu_summary summary;

static void get_summary(struct rig *rig)
{
	iommu_summarize(rig->domain, &summary);
}

const struct iommu_summary *rig_summary(struct rig *rig)
{
	rig_run(rig, get_summary);
	return &summary;
}

static int bar_result;

static void set_bar_result(struct rig *rig)
{
	rig->model.bar_result = bar_result;
}

void rig_set_bar_result(struct rig *rig, int result)
{
	bar_result = result;
	rig_run(rig, set_bar_result);
}

static unsigned int vector_to_signal;

static void signal_vector(struct rig *rig)
{
	iovm_vf_signal(rig->vf, vector_to_signal);
}

void rig_signal(struct rig *rig, unsigned int vector)
{
	vector_to_signal = vector;
	rig_run(rig, signal_vector);
}

void rig_wait_detached(struct rig *rig)
{
	for (unsigned int i = 0; rig_info(rig).client; i++) {
		assert_true(i < 5000);
		usleep(1000);
	}
}

struct vfio_user_client *rig_connect(struct rig *rig)
{
	struct vfio_user_client *client;
	struct reason why = { "" };

	if (vfio_user_client_connect(&client, rig->socket, NULL, NULL, &why))
		fail_msg("%s", why.text);
	return client;
}

uint32_t config_get(struct vfio_user_client *client, uint32_t offset, uint32_t len)
{
	uint32_t value = 0;

	assert_int_equal(vfio_user_client_read(client, 7, offset, &value, len), 0);
	return value;
}

void config_set(struct vfio_user_client *client, uint32_t offset, uint32_t value, uint32_t len)
{
	assert_int_equal(vfio_user_client_write(client, 7, offset, &value, len, false), 0);
}

void start_function(struct vfio_user_client *client)
{
	config_set(client, PCI_COMMAND, PCI_COMMAND_MEMORY | PCI_COMMAND_MASTER, 2);
	config_set(client, MSIX + PCI_MSIX_FLAGS, PCI_MSIX_FLAGS_ENABLE, 2);
}
