/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * driver.c - the PF driver's life: probe, bring-up, VFs on and off, interrupts, end. PCI Express Base 5.0
 * sections 9.3.3 (SR-IOV capability) and 7.7.2 (MSI-X); 82599 data sheet 4.6 and 7.3.
 *
 * A reset, the end of DMA and the birth of VFs take the card some time. A driver in a kernel sleeps then;
 * this one lives on a thread that must not, so each long operation is a chain of steps with a settle()
 * between them, and one operation at a time:
 *
 *	change of NumVFs  VFs off -> reset -> bring-up -> VFs on -> done
 *	destruction       VFs off -> reset -> rings unmapped -> done
 *
 * NumVFs decides the layout of pools and queues, so a change of it goes through a reset of the card, as
 * with Linux ixgbe. VFs appear only when the PF is ready to answer them.
 */
#include <linux/pci_regs.h>
#include <event2/event.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <unistd.h>
#include "pf/driver.h"
#include "pf/mailbox.h"
#include "pf/netdev.h"

#define CONFIG_END 0x1000
#define CAPABILITIES_MAX 64
#define EXT_CAPABILITIES_MAX 480

static uint32_t config_read(struct pf_driver *driver, unsigned int offset, unsigned int len)
{
	return driver->access.config_read(driver->access.ctx, (uint16_t)offset, len);
}

static int config_write16(struct pf_driver *driver, unsigned int offset, uint32_t value)
{
	int error = driver->access.config_write(driver->access.ctx, (uint16_t)offset, value, 2);

	return MIN(error, 0);
}

static unsigned int find_capability(struct pf_driver *driver, uint8_t id)
{
	unsigned int offset = config_read(driver, PCI_CAPABILITY_LIST, 1) & ~3u;

	for (unsigned int n = 0; offset && n < CAPABILITIES_MAX; n++) {
		uint32_t header = config_read(driver, offset, 2);

		if ((header & 0xff) == id)
			return offset;
		offset = header >> 8 & ~3u;
	}
	return 0;
}

static unsigned int find_ext_capability(struct pf_driver *driver, uint16_t id)
{
	unsigned int offset = PCI_CFG_SPACE_SIZE;

	for (unsigned int n = 0; offset >= PCI_CFG_SPACE_SIZE && n < EXT_CAPABILITIES_MAX; n++) {
		uint32_t header = config_read(driver, offset, 4);

		if (PCI_EXT_CAP_ID(header) == id)
			return offset;
		offset = PCI_EXT_CAP_NEXT(header);
	}
	return 0;
}

/* The permanent address, which the card loaded from its EEPROM. */
static int read_mac(struct pf_driver *driver, struct reason *why)
{
	uint32_t high = rd(driver, REG_RAH(0));
	char text[18];

	put_le32(driver->mac, rd(driver, REG_RAL(0)));
	put_le16(driver->mac + 4, (uint16_t)(high & RAH_ADDRESS));
	if (!mac_is_unicast(driver->mac))
		return refuse(why, -EADDRNOTAVAIL, "the card's address %s is none",
			      mac_format(driver->mac, text));
	return 0;
}

static int probe(struct pf_driver *driver, struct reason *why)
{
	unsigned int msix;

	if (rd(driver, REG_STATUS) == UINT32_MAX)
		return refuse(why, -ENODEV, "the card does not answer");
	driver->sriov = (uint16_t)find_ext_capability(driver, PCI_EXT_CAP_ID_SRIOV);
	driver->total_vfs = 0; /* without the capability */
	if (driver->sriov)
		driver->total_vfs =
			(uint16_t)config_read(driver, driver->sriov + PCI_SRIOV_TOTAL_VF, 2);
	msix = find_capability(driver, PCI_CAP_ID_MSIX);
	if (!msix)
		return refuse(why, -ENODEV, "the card has no MSI-X capability");
	if (driver->config.num_vfs > pf_max_vfs(driver))
		return refuse(why, -ERANGE, "%u VFs are too many: this PF can have %u",
			      driver->config.num_vfs, pf_max_vfs(driver));

	config_write16(driver, PCI_COMMAND,
		       config_read(driver, PCI_COMMAND, 2) | PCI_COMMAND_MEMORY |
			       PCI_COMMAND_MASTER);
	config_write16(driver, msix + PCI_MSIX_FLAGS,
		       (config_read(driver, msix + PCI_MSIX_FLAGS, 2) & ~PCI_MSIX_FLAGS_MASKALL) |
			       PCI_MSIX_FLAGS_ENABLE);
	return read_mac(driver, why);
}

/* Settings survive a restart of the driver over a card that was up; else all VFs are as new. */
static int init_state(struct pf_driver *driver, const struct pf_vf_policy *policy,
		      struct reason *why)
{
	struct pf_state *state = driver->state;

	if (!state->up)
		memset(state, 0, sizeof(*state));
	for (unsigned int vf = 0; vf < PF_MAX_VFS; vf++) {
		struct pf_vf_state *of = &state->vf[vf];

		pf_derive_mac(driver->config.mac_seed, vf, of->derived_mac);
		if (state->up)
			continue;
		memcpy(of->mac, of->derived_mac, ETH_ALEN);
		of->spoofchk = true;
		of->max_frame = PF_STANDARD_FRAME;
	}
	state->num_vfs = 0;
	return policy && !state->up ? pf_init_policy(driver, policy, why) : 0;
}

/* The long operations. */

static void run_step(void *ctx)
{
	struct pf_driver *driver = ctx;

	driver->step(driver);
}

static void settle(struct pf_driver *driver, void (*next)(struct pf_driver *driver))
{
	driver->step = next;
	driver->access.settle(driver->access.ctx, run_step, driver);
}

static void begin_destroy(struct pf_driver *driver);

static void step_done(struct pf_driver *driver)
{
	void (*finish)(void *ctx, int error) = driver->finish;
	bool destroying = driver->destroying; /* not asked for in finish() */

	driver->step = NULL;
	driver->finish = NULL;
	/* VFs that were quick have been waiting for an ear. */
	pf_driver_interrupt(driver, PF_VECTOR_OTHER);
	if (finish)
		finish(driver->finish_ctx, driver->error);
	if (destroying)
		begin_destroy(driver);
}

static bool vf_enabled(struct pf_driver *driver)
{
	return driver->sriov &&
	       config_read(driver, driver->sriov + PCI_SRIOV_CTRL, 2) & PCI_SRIOV_CTRL_VFE;
}

static int set_vf_enable(struct pf_driver *driver, bool on)
{
	const uint32_t bits = PCI_SRIOV_CTRL_VFE | PCI_SRIOV_CTRL_MSE;
	uint32_t control = config_read(driver, driver->sriov + PCI_SRIOV_CTRL, 2);

	return config_write16(driver, driver->sriov + PCI_SRIOV_CTRL,
			      on ? control | bits : control & ~bits);
}

static void step_check_vfs(struct pf_driver *driver)
{
	if (!driver->error && !vf_enabled(driver))
		driver->error = -EIO;
	if (driver->error) {
		log_error("the card refuses to enable %u VFs: %s", driver->next_vfs,
			  strerror(-driver->error));
		driver->state->num_vfs = 0;
	}
	step_done(driver);
}

static void step_enable_vfs(struct pf_driver *driver)
{
	if (!driver->next_vfs) {
		step_done(driver);
		return;
	}
	driver->error = config_write16(driver, driver->sriov + PCI_SRIOV_NUM_VF, driver->next_vfs);
	if (!driver->error)
		driver->error = set_vf_enable(driver, true);
	settle(driver, step_check_vfs);
}

static void step_bring_up(struct pf_driver *driver)
{
	pf_bring_up(driver, driver->next_vfs);
	settle(driver, step_enable_vfs);
}

static void step_stop(struct pf_driver *driver)
{
	if (driver->netdev)
		netdev_stop(driver->netdev);
	pf_reset(driver);
	settle(driver, step_bring_up);
}

static void forget_vfs(struct pf_driver *driver)
{
	for (unsigned int vf = 0; vf < PF_MAX_VFS; vf++) {
		driver->state->vf[vf].active = false;
		driver->state->vf[vf].clear_to_send = false;
	}
	driver->state->num_vfs = 0;
	driver->pings = 0;
}

static void begin_change(struct pf_driver *driver, unsigned int num_vfs)
{
	driver->next_vfs = num_vfs;
	driver->error = 0;
	forget_vfs(driver);
	if (vf_enabled(driver))
		set_vf_enable(driver, false);
	settle(driver, step_stop);
}

static void free_driver(void *ctx)
{
	struct pf_driver *driver = ctx;
	void (*destroyed)(void *ctx) = driver->destroyed;
	void *destroyed_ctx = driver->destroyed_ctx;

	if (driver->interrupt)
		event_free(driver->interrupt);
	if (driver->work)
		event_free(driver->work);
	if (driver->interrupt_fd >= 0)
		close(driver->interrupt_fd);
	free(driver);
	if (destroyed)
		destroyed(destroyed_ctx);
}

static void step_free(struct pf_driver *driver)
{
	driver->state->up = 0;
	netdev_destroy(driver->netdev, free_driver, driver);
}

static void step_destroy(struct pf_driver *driver)
{
	if (driver->netdev)
		netdev_stop(driver->netdev);
	pf_reset(driver);
	settle(driver, step_free);
}

static void begin_destroy(struct pf_driver *driver)
{
	forget_vfs(driver);
	if (vf_enabled(driver))
		set_vf_enable(driver, false);
	settle(driver, step_destroy);
}

/* Interrupts. */

static uint64_t vfs_clear_to_send(const struct pf_driver *driver)
{
	uint64_t vfs = 0;

	for (unsigned int vf = 0; vf < driver->state->num_vfs; vf++)
		vfs |= (uint64_t)driver->state->vf[vf].clear_to_send << vf;
	return vfs;
}

/* Causes are cleared before the work: one that comes meanwhile brings another interrupt. */
static void on_interrupt(evutil_socket_t fd, short what, void *ctx)
{
	struct pf_driver *driver = ctx;
	uint64_t count;
	uint32_t causes;

	if (read(fd, &count, sizeof(count)) != sizeof(count) || driver->step)
		return;
	driver->held = 0;
	causes = rd(driver, REG_EICS) & EICR_NOT_QUEUES;
	wr(driver, REG_EICR, causes);
	if (causes & EICR_LSC) {
		log_debug("PF: link is %s", rd(driver, REG_LINKS) & LINKS_UP ? "up" : "down");
		driver->pings |= vfs_clear_to_send(driver);
	}
	if (causes & (EICR_LSC | EICR_MAILBOX))
		pf_mailbox_service(driver);
	wr(driver, REG_EIMS, EICR_MAILBOX | EICR_LSC | EICR_OTHER);
}

static void on_work(evutil_socket_t fd, short what, void *ctx)
{
	struct pf_driver *driver = ctx;

	if (!driver->step)
		pf_mailbox_service(driver);
}

void pf_work_soon(struct pf_driver *driver)
{
	event_active(driver->work, EV_TIMEOUT, 0);
}

void pf_driver_interrupt(struct pf_driver *driver, unsigned int vector)
{
	static const uint64_t one = 1;

	if (vector == PF_VECTOR_QUEUE) {
		if (driver->netdev)
			netdev_interrupt(driver->netdev);
	} else if (write(driver->interrupt_fd, &one, sizeof(one)) < 0) {
		/* The counter is full: the reader is due anyway. */
	}
}

/* Creation and destruction. */

static int prepare_events(struct pf_driver *driver)
{
	driver->interrupt_fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
	if (driver->interrupt_fd < 0)
		return -errno;
	driver->interrupt = event_new(driver->base, driver->interrupt_fd, EV_READ | EV_PERSIST,
				      on_interrupt, driver);
	driver->work = event_new(driver->base, -1, 0, on_work, driver);
	if (!driver->interrupt || !driver->work || event_add(driver->interrupt, NULL))
		return -ENOMEM;
	return 0;
}

static int prepare_netdev(struct pf_driver *driver, const struct pf_config *config,
			  struct reason *why)
{
	if (!config->netdev)
		return 0;
	return netdev_create(&driver->netdev, &driver->access, driver->netdev_name, driver->mac,
			     config->mtu, why);
}

static void tell_ready(void *ctx, int error)
{
	struct pf_driver *driver = ctx;

	driver->ready(driver->ready_ctx);
}

int pf_driver_create(struct pf_driver **driver, struct event_base *base,
		     const struct pf_access *access, struct pf_state *state,
		     const struct pf_config *config, void (*ready)(void *ctx), void *ctx,
		     struct reason *why)
{
	struct pf_driver *new;
	int error;

	if (config->netdev && strlen(config->netdev) >= IFNAMSIZ)
		return refuse(why, -ENAMETOOLONG, "interface name \"%s\" is longer than %u",
			      config->netdev, IFNAMSIZ - 1);
	new = calloc(1, sizeof(*new));
	if (!new)
		return refuse(why, -ENOMEM, "out of memory");
	new->base = base;
	new->access = *access;
	new->state = state;
	new->config = *config;
	new->config.policy = NULL; /* the caller's */
	new->ready = ready;
	new->ready_ctx = ctx;
	if (config->netdev) {
		memcpy(new->netdev_name, config->netdev, strlen(config->netdev));
		new->config.netdev = new->netdev_name;
	}
	error = prepare_events(new);
	if (error)
		refuse(why, error, "cannot prepare events: %s", strerror(-error));
	else
		error = probe(new, why);
	if (!error)
		error = init_state(new, config->policy, why);
	if (!error)
		error = prepare_netdev(new, config, why);
	if (error) {
		free_driver(new);
		return error;
	}
	*driver = new;
	new->finish = tell_ready;
	new->finish_ctx = new;
	begin_change(new, config->num_vfs);
	return 0;
}

void pf_driver_destroy(struct pf_driver *driver, void (*done)(void *ctx), void *ctx)
{
	driver->destroying = true;
	driver->destroyed = done;
	driver->destroyed_ctx = ctx;
	if (!driver->step)
		begin_destroy(driver);
}

int pf_set_num_vfs(struct pf_driver *driver, unsigned int num_vfs,
		   void (*done)(void *ctx, int error), void *ctx, struct reason *why)
{
	if (driver->step || driver->destroying)
		return refuse(why, -EBUSY, "the number of VFs is just being changed");
	if (num_vfs > pf_max_vfs(driver))
		return refuse(why, -ERANGE, "%u VFs are too many: this PF can have %u", num_vfs,
			      pf_max_vfs(driver));
	driver->finish = done;
	driver->finish_ctx = ctx;
	begin_change(driver, num_vfs);
	return 0;
}

unsigned int pf_max_vfs(const struct pf_driver *driver)
{
	unsigned int max = driver->config.netdev ? PF_MAX_VFS - 1 : PF_MAX_VFS;

	return MIN(max, (unsigned int)driver->total_vfs);
}

const struct pf_state *pf_driver_state(const struct pf_driver *driver)
{
	return driver->state;
}

void pf_driver_mac(const struct pf_driver *driver, uint8_t mac[ETH_ALEN])
{
	memcpy(mac, driver->mac, ETH_ALEN);
}

bool pf_netdev_stats(const struct pf_driver *driver, struct pf_netdev_stats *stats)
{
	if (!driver->netdev)
		return false;
	netdev_stats(driver->netdev, stats);
	return true;
}

/* FNV-1a over the seed; the VF's number stands in the last byte, so that no two VFs of a PF collide. */
void pf_derive_mac(const uint8_t seed[8], unsigned int vf, uint8_t mac[ETH_ALEN])
{
	const uint64_t prime = 0x100000001b3, basis = 0xcbf29ce484222325;
	uint64_t hash = basis;

	for (unsigned int i = 0; i < 8; i++)
		hash = (hash ^ seed[i]) * prime;
	hash ^= hash >> 32;
	put_be32(mac + 1, (uint32_t)hash);
	mac[0] = (uint8_t)((hash >> 32 & 0xfc) | 0x02); /* locally administered, unicast */
	mac[5] = (uint8_t)vf;
}
