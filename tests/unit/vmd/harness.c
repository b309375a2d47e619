// SPDX-License-Identifier: BSD-3-Clause
/* harness.c - a VMD endpoint on a device thread of its own. */
#include "harness.h"

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <cmocka.h>

#include <event2/event.h>
#include <event2/thread.h>
#include <linux/pci_regs.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

static const struct pcie_ids pf_ids = { .vendor = 0x8086,
					.device = 0x10fb,
					.subsystem_vendor = 0x8086,
					.subsystem = 0x000c,
					.revision = 1,
					.class_code = 0x020000 };
static const struct pcie_ids vf_ids = { .vendor = 0x8086,
					.device = 0x10ed,
					.subsystem_vendor = 0x8086,
					.subsystem = 0x000c,
					.revision = 1,
					.class_code = 0x020000 };

/* The device model. */

static uint32_t *registers(struct model *model, unsigned int bar, uint64_t offset, uint32_t len)
{
	bool is_vf = !model->function.layout->sriov;
	unsigned int msix_bar = is_vf ? VF_MSIX_BAR : MSIX_BAR;

	assert_int_equal(len, 4);
	assert_int_equal(offset % 4, 0);
	assert_true(bar == 0 || bar == msix_bar);
	assert_true(offset < (bar || is_vf ? SMALL_BAR_SIZE : PF_BAR_SIZE));
	return (bar ? model->msix_bar : model->reg) + offset / 4;
}

static int model_read(void *ctx, unsigned int bar, uint64_t offset, void *data, uint32_t len)
{
	struct model *model = ctx;

	model->reads++;
	put_le32(data, *registers(model, bar, offset, len));
	return model->bar_result;
}

static int model_write(void *ctx, unsigned int bar, uint64_t offset, const void *data, uint32_t len)
{
	struct model *model = ctx;

	model->writes++;
	*registers(model, bar, offset, len) = get_le32(data);
	return model->bar_result;
}

static int model_reset(void *ctx)
{
	struct model *model = ctx;

	model->resets++;
	memset(model->reg, 0, sizeof(model->reg));
	memset(model->msix_bar, 0, sizeof(model->msix_bar));
	return PCIE_DONE;
}

static const struct function_ops vf_ops = { .bar_read = model_read,
					    .bar_write = model_write,
					    .reset = model_reset };

static int model_vf_enable(void *ctx, unsigned int numvfs)
{
	struct model *pf = ctx;
	struct rig *rig = pf->rig;

	for (unsigned int i = 0; i < numvfs; i++) {
		struct model *vf = &rig->vf[pf->pf][i];

		vf->rig = rig;
		pcie_function_init(&vf->function, &rig->vf_layout, &vf->state,
				   pcie_vf_routing_id(&pf->function, i), &vf_ops, vf);
		assert_int_equal(pcie_hierarchy_add(rig->hierarchy, &vf->function), 0);
	}
	rig->vfs[pf->pf] = numvfs;
	return 0;
}

static int model_vf_disable(void *ctx)
{
	struct model *pf = ctx;
	struct rig *rig = pf->rig;

	for (unsigned int i = 0; i < rig->vfs[pf->pf]; i++)
		pcie_hierarchy_remove(rig->hierarchy, &rig->vf[pf->pf][i].function);
	rig->vfs[pf->pf] = 0;
	return PCIE_QUIESCE;
}

static const struct function_ops pf_ops = { .bar_read = model_read,
					    .bar_write = model_write,
					    .reset = model_reset,
					    .vf_enable = model_vf_enable,
					    .vf_disable = model_vf_disable };

static void make_card(struct rig *rig)
{
	struct pcie_sriov_config sriov = { .total_vfs = VFS,
					   .first_vf_offset = 128,
					   .vf_stride = 2,
					   .vf_device_id = 0x10ed,
					   .supported_page_sizes = 0x553 };

	sriov.vf_bar[0] = (struct pcie_bar){ .size = SMALL_BAR_SIZE, .is_64bit = true };
	sriov.vf_bar[VF_MSIX_BAR] = (struct pcie_bar){ .size = SMALL_BAR_SIZE, .is_64bit = true };
	rig->hierarchy = pcie_hierarchy_create();
	for (unsigned int i = 0; i < PFS; i++) {
		struct pcie_layout *layout = &rig->pf_layout[i];
		struct model *pf = &rig->pf[i];

		pcie_layout_init(layout, &pf_ids, true);
		pcie_add_bar(layout, 0, PF_BAR_SIZE, true, false);
		pcie_add_bar(layout, MSIX_BAR, SMALL_BAR_SIZE, true, false);
		pcie_add_msi(layout, MSI);
		pcie_add_msix(layout, MSIX, VECTORS, MSIX_BAR, 0, PBA_OFFSET);
		pcie_add_express(layout, EXPRESS, 2, 8);
		pcie_add_aer(layout, PCI_CFG_SPACE_SIZE);
		pcie_add_ari(layout, ARI, i ? 0 : 1);
		pcie_add_sriov(layout, SRIOV, &sriov);
		pf->rig = rig;
		pf->pf = i;
		pcie_function_init(&pf->function, layout, &pf->state, routing_id(i), &pf_ops, pf);
		assert_int_equal(pcie_hierarchy_add(rig->hierarchy, &pf->function), 0);
	}
	pcie_layout_init_vf(&rig->vf_layout, &vf_ids);
	pcie_add_msix(&rig->vf_layout, MSIX, VF_VECTORS, VF_MSIX_BAR, 0, PBA_OFFSET);
	pcie_add_express(&rig->vf_layout, EXPRESS, 2, 8);
}

/* Threads. */

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
	for (unsigned int turn = 0; !atomic_load(&rig->stop); turn++) {
		if (atomic_load(&rig->storm))
			vmd_signal(rig->vmd, routing_id(turn * 7 % 0x100), turn * 11 % 70);
		while (atomic_load(&rig->hold)) {
			atomic_store(&rig->holding, true);
			usleep(100);
		}
		atomic_store(&rig->holding, false);
		quiesce_point(rig->quiesce, slot);
		usleep(50);
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

static void run_after(struct rig *rig, void (*f)(struct rig *rig), const struct timeval *delay)
{
	struct job job = { rig, f };

	assert_int_equal(event_base_once(rig->base, -1, EV_TIMEOUT, run_job, &job, delay), 0);
	while (sem_wait(&rig->done))
		;
}

void rig_run(struct rig *rig, void (*f)(struct rig *rig))
{
	static const struct timeval now = { 0, 0 };

	run_after(rig, f, &now);
}

static void nothing(struct rig *rig)
{
}

static void on_attached(void *ctx, bool attached)
{
	struct rig *rig = ctx;

	if (attached)
		rig->attaches++;
	else
		rig->detaches++;
	rig->resets_at_detach = rig->pf[0].resets;
}

struct rig *rig_start_buses(unsigned int buses)
{
	struct rig *rig = calloc(1, sizeof(*rig));
	struct reason why = { "" };

	rig->quiesce = aligned_alloc(64, sizeof(*rig->quiesce));
	assert_int_equal(quiesce_init(rig->quiesce), 0);
	evthread_use_pthreads();
	rig->base = event_base_new();
	sem_init(&rig->done, 0, 0);
	make_card(rig);
	rig->state = calloc(1, sizeof(*rig->state));
	assert_int_equal(iommu_domain_create(&rig->domain, 0, &rig->state->domain, rig->quiesce),
			 0);
	strcpy(rig->directory, "/tmp/test-vmd-XXXXXX");
	assert_non_null(mkdtemp(rig->directory));
	snprintf(rig->socket, sizeof(rig->socket), "%s/card.sock", rig->directory);
	rig->config = (struct vmd_config){ .socket_path = rig->socket,
					   .owner = (uid_t)-1,
					   .group = (gid_t)-1,
					   .mode = 0600,
					   .hierarchy = rig->hierarchy,
					   .first_bus = FIRST_BUS,
					   .buses = buses,
					   .domain = rig->domain,
					   .state = rig->state,
					   .attached = on_attached,
					   .ctx = rig };
	if (vmd_create(&rig->vmd, rig->base, rig->quiesce, &rig->config, &why))
		fail_msg("%s", why.text);
	rig->kick = event_new(rig->base, rig->quiesce->kick_fd, EV_READ | EV_PERSIST, on_kick, rig);
	event_add(rig->kick, NULL);
	pthread_create(&rig->device, NULL, device_thread, rig);
	pthread_create(&rig->worker, NULL, worker_thread, rig);
	return rig;
}

struct rig *rig_start(void)
{
	return rig_start_buses(1);
}

static void destroy_vmd(struct rig *rig)
{
	vmd_destroy(rig->vmd);
	rig->vmd = NULL;
}

static void break_loop(struct rig *rig)
{
	event_base_loopbreak(rig->base);
}

void rig_stop(struct rig *rig)
{
	if (rig->client)
		guest_leave(rig);
	atomic_store(&rig->stop, true);
	atomic_store(&rig->hold, false);
	pthread_join(rig->worker, NULL);
	rig_run(rig, destroy_vmd);
	rig_run(rig, break_loop);
	pthread_join(rig->device, NULL);
	quiesce_fini(rig->quiesce);
	iommu_domain_destroy(rig->domain);
	event_free(rig->kick);
	event_base_free(rig->base);
	pcie_hierarchy_destroy(rig->hierarchy);
	rmdir(rig->directory);
	free(rig->state);
	free(rig->quiesce);
	free(rig);
}

void rig_hold(struct rig *rig, bool hold)
{
	atomic_store(&rig->hold, hold);
	while (atomic_load(&rig->holding) != hold)
		usleep(100);
}

static struct vmd_info info;

static void get_info(struct rig *rig)
{
	vmd_info(rig->vmd, &info);
}

struct vmd_info rig_info(struct rig *rig)
{
	rig_run(rig, get_info);
	return info;
}

void rig_signal(struct rig *rig, uint16_t id, unsigned int vector)
{
	vmd_signal(rig->vmd, id, vector);
}

/* Unlike a job to be done at once, a timer comes after what was readable before. */
void rig_settle(struct rig *rig)
{
	static const struct timeval soon = { 0, 1000 };

	run_after(rig, nothing, &soon);
	(void)guest_read(rig, CONFIG, 0, 2); /* serves what came before the answer */
}

/* The guest. */

static int guest_dma_write(void *ctx, uint64_t iova, const void *data, uint32_t len)
{
	struct rig *rig = ctx;
	struct message *message = &rig->message[rig->messages++ % MAX_MESSAGES];

	*message = (struct message){ .address = iova, .len = len };
	memcpy(&message->data, data, MIN((size_t)len, sizeof(message->data)));
	return rig->refuse_messages ? -ENODEV : 0;
}

static const struct vfio_user_client_ops guest_ops = { .dma_write = guest_dma_write };

void guest_connect(struct rig *rig)
{
	struct reason why;

	if (vfio_user_client_connect(&rig->client, rig->socket, &guest_ops, rig, &why))
		fail_msg("%s", why.text);
}

void guest_leave(struct rig *rig)
{
	rig_run(rig, nothing); /* what this thread saw of the models it saw before what follows */
	vfio_user_client_close(rig->client);
	rig->client = NULL;
	for (unsigned int i = 0; rig_info(rig).client; i++) {
		assert_true(i < 5000);
		usleep(1000);
	}
}

uint32_t guest_read(struct rig *rig, unsigned int region, uint64_t offset, uint32_t len)
{
	uint32_t value = 0;

	assert_int_equal(vfio_user_client_read(rig->client, region, offset, &value, len), 0);
	return value;
}

void guest_write(struct rig *rig, unsigned int region, uint64_t offset, uint64_t value,
		 uint32_t len)
{
	/* As QEMU does: memory is written without waiting. */
	assert_int_equal(vfio_user_client_write(rig->client, region, offset, &value, len,
						region != CONFIG),
			 0);
}

uint32_t guest_config(struct rig *rig, unsigned int devfn, unsigned int offset, uint32_t len)
{
	return guest_read(rig, CFGBAR, devfn << 12 | offset, len);
}

void guest_set_config(struct rig *rig, unsigned int devfn, unsigned int offset, uint32_t value,
		      uint32_t len)
{
	guest_write(rig, CFGBAR, devfn << 12 | offset, value, len);
	(void)guest_config(rig, devfn, offset, len); /* as the driver does */
}

void guest_boot(struct rig *rig)
{
	guest_write(rig, CONFIG, PCI_BASE_ADDRESS_0, CFGBAR_ADDRESS & UINT32_MAX, 4);
	guest_write(rig, CONFIG, PCI_BASE_ADDRESS_1, CFGBAR_ADDRESS >> 32, 4);
	guest_write(rig, CONFIG, PCI_BASE_ADDRESS_2, MEMBAR1_ADDRESS, 4);
	guest_write(rig, CONFIG, PCI_BASE_ADDRESS_4, MEMBAR2_ADDRESS, 4);
	guest_write(rig, CONFIG, PCI_COMMAND, PCI_COMMAND_MEMORY | PCI_COMMAND_MASTER, 2);
	guest_write(rig, CONFIG, VMCONFIG, guest_read(rig, CONFIG, VMCONFIG, 2) | VMCONFIG_BYPASS,
		    2);
}

static void set_bar(struct rig *rig, unsigned int devfn, unsigned int offset, uint64_t address)
{
	guest_set_config(rig, devfn, offset, (uint32_t)address, 4);
	guest_set_config(rig, devfn, offset + 4, (uint32_t)(address >> 32), 4);
}

static void start_function(struct rig *rig, unsigned int devfn)
{
	guest_set_config(rig, devfn, PCI_COMMAND, PCI_COMMAND_MEMORY | PCI_COMMAND_MASTER, 2);
	guest_set_config(rig, devfn, MSIX + PCI_MSIX_FLAGS, PCI_MSIX_FLAGS_ENABLE, 2);
}

void guest_place(struct rig *rig)
{
	for (unsigned int pf = 0; pf < PFS; pf++) {
		set_bar(rig, pf, PCI_BASE_ADDRESS_0, MEMBAR1_ADDRESS + pf_bar(pf));
		set_bar(rig, pf, PCI_BASE_ADDRESS_0 + 4 * MSIX_BAR, MEMBAR1_ADDRESS + pf_table(pf));
		set_bar(rig, pf, SRIOV + PCI_SRIOV_BAR, MEMBAR1_ADDRESS + vf_bar(pf, 0));
		set_bar(rig, pf, SRIOV + PCI_SRIOV_BAR + 4 * VF_MSIX_BAR,
			MEMBAR1_ADDRESS + vf_table(pf, 0));
		start_function(rig, pf);
	}
}

void guest_enable_vfs(struct rig *rig, unsigned int pf, unsigned int numvfs)
{
	guest_set_config(rig, pf, SRIOV + PCI_SRIOV_NUM_VF, numvfs, 2);
	guest_set_config(rig, pf, SRIOV + PCI_SRIOV_CTRL, PCI_SRIOV_CTRL_VFE | PCI_SRIOV_CTRL_MSE,
			 2);
	for (unsigned int vf = 0; vf < numvfs; vf++)
		start_function(rig, vf_devfn(pf, vf));
}

void guest_set_vector(struct rig *rig, uint32_t table, unsigned int vector, uint64_t address,
		      uint32_t data, bool masked)
{
	uint32_t entry = table + vector * PCI_MSIX_ENTRY_SIZE;

	guest_write(rig, MEMBAR1, entry + PCI_MSIX_ENTRY_LOWER_ADDR, address & UINT32_MAX, 4);
	guest_write(rig, MEMBAR1, entry + PCI_MSIX_ENTRY_UPPER_ADDR, address >> 32, 4);
	guest_write(rig, MEMBAR1, entry + PCI_MSIX_ENTRY_DATA, data, 4);
	guest_write(rig, MEMBAR1, entry + PCI_MSIX_ENTRY_VECTOR_CTRL, masked, 4);
	(void)guest_read(rig, MEMBAR1, entry, 4);
}
