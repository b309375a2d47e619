// SPDX-License-Identifier: BSD-3-Clause
/*
 * vf.c - a VF from the open to the close: the PCI function first, then what its registers say, then
 * what the PF driver grants.
 *
 * Order of the open, as of a PCI driver's probe: is it the right device? Then memory decoding and
 * bus mastering on, BAR 0 mapped, vectors assigned; reset; the mailbox. A BAR answers only once
 * memory decoding is on (PCI Express Base 5.0, 7.5.1.1.3).
 *
 * 82599 data sheet 4.6.11 (initialisation of a VF), 7.3.4 (its interrupts); order of steps as in
 * Linux ixgbevf.
 */
#include "vf/vf.h"

#include <linux/pci_regs.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/random.h>
#include <unistd.h>

#include "util/util.h"
#include "vf/mailbox.h"
#include "vf/queue.h"
#include "vf/regs.h"

#define TIMEOUT_MS 2000
#define MAX_FRAME 1514
#define MIN_FRAME 64
#define API_QUEUES 1 /* minor version that knows GET_QUEUES */
#define API_LINK 2
#define MAC_LOCAL 0x02
#define MAC_GROUP 0x01
#define MBPS_10G 10000
#define MBPS_1G 1000
#define MBPS_100M 100
#define LINK_LOOKS 5 /* an 82599's link is sure after 500 us of looking (Linux ixgbevf) */
#define LINK_LOOK_US 100

static const char unix_prefix[] = "unix:", vfio_prefix[] = "vfio:";

/* --- the PCI function ------------------------------------------------------------------------ */

static int open_transport(struct softiov_vf *vf, struct softiov_reason *why)
{
	const char *rest = vf->address + sizeof(unix_prefix) - 1;

	_Static_assert(sizeof(unix_prefix) == sizeof(vfio_prefix), "both as long");
	if (!strncmp(vf->address, unix_prefix, sizeof(unix_prefix) - 1) && *rest)
		return vf_transport_unix(&vf->transport, rest, vf->options.timeout_ms, why);
	if (!strncmp(vf->address, vfio_prefix, sizeof(vfio_prefix) - 1) && *rest)
		return vf_transport_vfio(&vf->transport, rest, why);
	return vf_fail(why, -SOFTIOV_ERR_ADDRESS,
		       "%s: not an address: unix:PATH or vfio:DDDD:BB:DD.F is", vf->address);
}

static int config_read(struct softiov_vf *vf, uint32_t offset, uint16_t *value)
{
	return vf->transport->ops->read(vf->transport, VF_CONFIG, offset, value, sizeof(*value));
}

/* The transport broke in mid-course, whatever it is that it says. */
static int lost(struct softiov_vf *vf, int error, struct softiov_reason *why)
{
	return vf_fail(why, -SOFTIOV_ERR_GONE, "%s: the card is gone: %s", vf->address,
		       strerror(-error));
}

static int check_identity(struct softiov_vf *vf, struct softiov_reason *why)
{
	static const uint16_t devices[] = { DEVICE_82599_VF, DEVICE_X540_VF, DEVICE_X550_VF,
					    DEVICE_X550EM_X_VF, DEVICE_X550EM_A_VF };
	uint16_t vendor, device;
	int error = config_read(vf, PCI_VENDOR_ID, &vendor);

	if (!error)
		error = config_read(vf, PCI_DEVICE_ID, &device);
	if (error)
		return lost(vf, error, why);
	vf->info.device_id = device;
	for (unsigned int i = 0; i < ARRAY_SIZE(devices); i++)
		if (vendor == VENDOR_INTEL && device == devices[i])
			return 0;
	return vf_fail(why, -SOFTIOV_ERR_NOT_VF,
		       "%s: PCI device %04x:%04x is not a virtual function of the 82599 class",
		       vf->address, vendor, device);
}

/* Memory decoding and bus mastering. A function that had lost them was reset: its vectors, too. */
static int enable_function(struct softiov_vf *vf)
{
	const uint16_t wanted = PCI_COMMAND_MEMORY | PCI_COMMAND_MASTER;
	uint16_t command;
	int error = config_read(vf, PCI_COMMAND, &command);

	if (error || (command & wanted) == wanted)
		return error;
	command |= wanted;
	error = vf->transport->ops->write(vf->transport, VF_CONFIG, PCI_COMMAND, &command,
					  sizeof(command), false);
	return error ? error
		     : vf->transport->ops->set_vectors(vf->transport, VF_VECTORS, vf->vector);
}

static int open_bar(struct softiov_vf *vf, struct softiov_reason *why)
{
	int error = vf->transport->ops->map_region(vf->transport, VF_BAR0, &vf->bar);

	if (error)
		return lost(vf, error, why);
	if (vf->bar.size < VF_BAR0_SIZE)
		return vf_fail(why, -SOFTIOV_ERR_NOT_VF,
			       "%s: BAR 0 has %llu bytes, that of a VF %u", vf->address,
			       (unsigned long long)vf->bar.size, VF_BAR0_SIZE);
	vf->info.shared_registers = vf_register(vf, REG_VFRDT(0)) && vf_register(vf, REG_VFTDT(0));
	return 0;
}

/* --- descriptors ----------------------------------------------------------------------------- */

static int watch(int events, int fd)
{
	struct epoll_event event = { .events = EPOLLIN };

	return epoll_ctl(events, EPOLL_CTL_ADD, fd, &event) ? -errno : 0;
}

static int make_events(struct softiov_vf *vf)
{
	int fd, error;

	for (unsigned int i = 0; i < VF_VECTORS; i++) {
		vf->vector[i] = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
		if (vf->vector[i] < 0)
			return -errno;
	}
	vf->events = epoll_create1(EPOLL_CLOEXEC);
	if (vf->events < 0)
		return -errno;
	error = watch(vf->events, vf->vector[VF_MAILBOX_VECTOR]);
	fd = vf->transport->ops->fd(vf->transport);
	return error || fd < 0 ? error : watch(vf->events, fd);
}

static int open_function(struct softiov_vf *vf, struct softiov_reason *why)
{
	uint32_t vectors = 0;
	int error = check_identity(vf, why);

	if (error)
		return error;
	/* Whatever an earlier driver left; a function that cannot be reset so is reset by VFCTRL. */
	(void)vf->transport->ops->reset(vf->transport);
	error = vf->transport->ops->vectors(vf->transport, &vectors);
	if (error)
		return lost(vf, error, why);
	if (vectors < VF_VECTORS)
		return vf_fail(why, -SOFTIOV_ERR_NOT_VF, "%s: %u MSI-X vectors, a VF has %u",
			       vf->address, vectors, VF_VECTORS);
	error = make_events(vf);
	if (error)
		return vf_fail(why, error, "%s: no event descriptors: %s", vf->address,
			       strerror(-error));
	error = vf->transport->ops->set_vectors(vf->transport, VF_VECTORS, vf->vector);
	if (error == -ENODEV)
		return vf_fail(why, -SOFTIOV_ERR_NOT_VF, "%s: no MSI-X, which a VF has",
			       vf->address);
	if (!error)
		error = enable_function(vf);
	return error ? lost(vf, error, why) : open_bar(vf, why);
}

/* --- the VF ---------------------------------------------------------------------------------- */

static int no_start(const struct softiov_vf *vf, int error, struct softiov_reason *why)
{
	switch (-error) {
	case SOFTIOV_ERR_GONE:
		return vf_fail(why, error, "%s: the card is gone", vf->address);
	case SOFTIOV_ERR_REFUSED:
		return vf_fail(why, error, "%s: the PF driver refuses the VF", vf->address);
	default:
		return vf_fail(why, -SOFTIOV_ERR_NO_PF,
			       "%s: the PF driver does not answer: is the PF up?", vf->address);
	}
}

/* The vector of mailbox and link; those of queues are their NAPI contexts' to route. */
static void program_interrupts(struct softiov_vf *vf)
{
	vf_write(vf, REG_VTEIMC, VTEI_ALL);
	vf_write(vf, REG_VTEIAC, VTEI_ALL);
	vf_write(vf, REG_VTEIAM, VTEI_ALL);
	vf_write(vf, REG_VTEITR(VF_MAILBOX_VECTOR), 0);
	vf_write(vf, REG_VTIVAR_MISC, VTIVAR_VALID | VF_MAILBOX_VECTOR);
	vf_write(vf, REG_VTEIMS, BIT(VF_MAILBOX_VECTOR));
}

/* How many queues there are; without an answer, one, which every version has. */
static int ask_queues(struct softiov_vf *vf)
{
	uint32_t msg[MAILBOX_WORDS] = { MSG_GET_QUEUES }, queues;
	int error;

	vf->info.queues = 1;
	vf->info.port_vlan = false;
	if (vf->info.mailbox_api < API_QUEUES)
		return 0;
	error = vf_mailbox_ask(vf, msg, 5);
	if (error)
		return error;
	queues = MIN(msg[MSG_TX_QUEUES], msg[MSG_RX_QUEUES]);
	vf->info.queues = MAX(MIN(queues, SOFTIOV_QUEUES_MAX + 0u), 1u);
	vf->info.port_vlan = msg[MSG_TRANSPARENT_VLAN];
	return 0;
}

/* May the link be up? PF drivers that do not know the question never forbid it. */
static int ask_link(struct softiov_vf *vf)
{
	uint32_t msg[MAILBOX_WORDS] = { MSG_GET_LINK_STATE };
	int error;

	vf->link_allowed = true;
	if (vf->info.mailbox_api < API_LINK)
		return 0;
	error = vf_mailbox_ask(vf, msg, 2);
	if (!error)
		vf->link_allowed = msg[1];
	return error == -SOFTIOV_ERR_REFUSED ? 0 : error;
}

/* The PF driver assigned no address: take one at random, as Linux does. */
static int take_random_mac(struct softiov_vf *vf)
{
	uint8_t mac[ETH_ALEN];
	int error;

	if (getrandom(mac, sizeof(mac), 0) != sizeof(mac))
		return -EIO;
	mac[0] = (uint8_t)((mac[0] | MAC_LOCAL) & ~MAC_GROUP);
	error = vf_ask_mac(vf, mac);
	return error == -SOFTIOV_ERR_REFUSED ? 0 : error;
}

/*
 * Silicon keeps queues enabled over a reset of the VF (82599 specification update; DPDK clears all eight for it, too):
 * nothing that an earlier driver left may come to life again.
 */
static void stop_queues(struct softiov_vf *vf)
{
	for (unsigned int i = 0; i < SOFTIOV_QUEUES_MAX; i++) {
		vf_post(vf, REG_VFRXDCTL(i), 0);
		vf_post(vf, REG_VFTXDCTL(i), 0);
	}
}

int vf_start(struct softiov_vf *vf, struct softiov_reason *why)
{
	static const uint8_t none[ETH_ALEN];
	int error;

	vf->reset_ns = now_ns();
	error = enable_function(vf);
	if (error) {
		vf->gone = true;
		return lost(vf, error, why);
	}
	stop_queues(vf);
	error = vf_mailbox_reset(vf, vf->info.mac);
	if (!error)
		error = vf_mailbox_negotiate(vf);
	if (!error)
		error = ask_queues(vf);
	if (!error)
		error = ask_link(vf);
	if (!error && !memcmp(vf->info.mac, none, ETH_ALEN) && !vf->mac_set)
		error = take_random_mac(vf);
	if (error) {
		vf->reset_due = true;
		return no_start(vf, error, why);
	}
	program_interrupts(vf);
	return 0;
}

static bool link_is_up(struct softiov_vf *vf, uint32_t *links)
{
	unsigned int looks = vf->info.link_up ? 1 : LINK_LOOKS;

	for (unsigned int i = 0; i < looks; i++) {
		if (i)
			usleep(LINK_LOOK_US);
		*links = vf_read(vf, REG_VFLINKS);
		if (vf->gone || !(*links & VFLINKS_UP))
			return false;
	}
	return true;
}

bool vf_look_at_link(struct softiov_vf *vf)
{
	const struct softiov_vf_info before = vf->info;
	uint32_t links = 0;

	vf->info.link_up = vf->link_allowed && !vf->reset_due && link_is_up(vf, &links);
	vf->info.link_mbps = 0;
	if (vf->info.link_up)
		switch (links & VFLINKS_SPEED) {
		case VFLINKS_10G:
			vf->info.link_mbps = MBPS_10G;
			break;
		case VFLINKS_1G:
			vf->info.link_mbps = MBPS_1G;
			break;
		case VFLINKS_100M:
			vf->info.link_mbps = MBPS_100M;
			break;
		}
	return vf->info.link_up != before.link_up || vf->info.link_mbps != before.link_mbps;
}

static int configure(struct softiov_vf *vf, struct softiov_reason *why)
{
	int error = vf_start(vf, why);

	if (error)
		return error;
	error = vf_ask_max_frame(vf);
	if (error == -SOFTIOV_ERR_REFUSED)
		return vf_fail(why, error, "%s: the PF driver refuses frames of %u bytes",
			       vf->address, vf->info.max_frame);
	if (!error)
		error = vf_restore_filters(vf);
	if (error)
		return no_start(vf, error, why);
	(void)vf_look_at_link(vf);
	return vf->gone ? no_start(vf, -SOFTIOV_ERR_GONE, why) : 0;
}

static int set_options(struct softiov_vf *vf, const struct softiov_vf_options *options,
		       struct softiov_reason *why)
{
	if (options)
		vf->options = *options;
	if (!vf->options.timeout_ms)
		vf->options.timeout_ms = TIMEOUT_MS;
	if (!vf->options.max_frame)
		vf->options.max_frame = MAX_FRAME;
	if (vf->options.max_frame < MIN_FRAME || vf->options.max_frame > SOFTIOV_FRAME_MAX)
		return vf_fail(why, -EINVAL, "%s: frames of %u bytes: must be %u ... %u",
			       vf->address, vf->options.max_frame, MIN_FRAME, SOFTIOV_FRAME_MAX);
	vf->info.max_frame = vf->options.max_frame;
	return 0;
}

int softiov_vf_open(struct softiov_vf **out, const char *address,
		    const struct softiov_vf_options *options, struct softiov_reason *why)
{
	struct softiov_vf *vf = calloc(1, sizeof(*vf));
	int error;

	if (!vf)
		return vf_fail(why, -SOFTIOV_ERR_NO_MEMORY, "%s: out of memory", address);
	vf->events = -1;
	for (unsigned int i = 0; i < VF_VECTORS; i++)
		vf->vector[i] = -1;
	vf->address = strdup(address);
	if (!vf->address) {
		error = vf_fail(why, -SOFTIOV_ERR_NO_MEMORY, "%s: out of memory", address);
		goto fail;
	}
	error = set_options(vf, options, why);
	if (!error)
		error = open_transport(vf, why);
	if (!error)
		error = open_function(vf, why);
	if (!error)
		error = configure(vf, why);
	if (error)
		goto fail;
	*out = vf;
	return 0;

fail:
	softiov_vf_close(vf);
	return error;
}

void softiov_vf_close(struct softiov_vf *vf)
{
	if (!vf)
		return;
	for (unsigned int i = 0; i < SOFTIOV_QUEUES_MAX; i++)
		if (vf->queue[i])
			softiov_queue_stop(vf->queue[i]);
	if (vf->transport)
		vf->transport->ops->close(vf->transport);
	if (vf->events >= 0)
		close(vf->events);
	for (unsigned int i = 0; i < VF_VECTORS; i++)
		if (vf->vector[i] >= 0)
			close(vf->vector[i]);
	free(vf->address);
	free(vf);
}

void softiov_vf_info(const struct softiov_vf *vf, struct softiov_vf_info *info)
{
	*info = vf->info;
}

const char *softiov_vf_address(const struct softiov_vf *vf)
{
	return vf->address;
}

int softiov_vf_fd(const struct softiov_vf *vf)
{
	return vf->events;
}

/* --- pools ----------------------------------------------------------------------------------- */

static struct vf_pool_map *find_map(struct softiov_vf *vf, const struct softiov_pool *pool)
{
	for (unsigned int i = 0; i < VF_POOLS_MAX; i++)
		if (vf->pool[i].pool == pool)
			return &vf->pool[i];
	return NULL;
}

int vf_map_pool(struct softiov_vf *vf, struct softiov_pool *pool, struct softiov_reason *why)
{
	struct vf_pool_map *map = find_map(vf, pool);
	int error;

	if (!map) {
		map = find_map(vf, NULL);
		if (!map)
			return vf_fail(why, -ENOSPC, "%s: more than %u pools", vf->address,
				       VF_POOLS_MAX);
		error = vf->transport->ops->dma_map(vf->transport, pool->memory.iova,
						    pool->memory.size, pool->memory.host,
						    pool->memory.fd, 0);
		if (error)
			return vf_fail(why, error, "%s: the card cannot reach the pool: %s",
				       vf->address, vf_transport_words(vf->transport, error));
		map->pool = pool;
	}
	map->queues++;
	return 0;
}

void vf_unmap_pool(struct softiov_vf *vf, struct softiov_pool *pool)
{
	struct vf_pool_map *map = find_map(vf, pool);

	if (--map->queues)
		return;
	/* Where it fails the card is gone, and nobody reaches anything. */
	(void)vf->transport->ops->dma_unmap(vf->transport, pool->memory.iova, pool->memory.size);
	*map = (struct vf_pool_map){ 0 };
}
