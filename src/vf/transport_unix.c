// SPDX-License-Identifier: BSD-3-Clause
/*
 * transport_unix.c - the way to a function behind a vfio-user socket: every access is a message to
 * the process that is the card, but for the parts of a BAR that it lets us map, which are plain
 * memory.
 *
 * The socket carries one conversation, and a queue's thread unmasks its interrupt while the VF's
 * thread asks for the link: a lock keeps each message and its answer together. Posted writes, all
 * that a queue's thread sends, wait for no answer.
 *
 * A VFIO user behind Linux enables MSI-X by assigning eventfds; here the driver also sets MSI-X
 * Enable in configuration space, as the protocol only carries what a guest's driver would do.
 *
 * Specification: vfio-user protocol (QEMU, docs/interop/vfio-user.rst); PCI Express Base 5.0, 7.7.2.
 */
#include <linux/pci_regs.h>
#include <poll.h>
#include <pthread.h>
#include <stdlib.h>
#include <sys/socket.h>

#include "util/util.h"
#include "vf/transport.h"
#include "vf/vf.h"
#include "vfio_user/client.h"

#define REGIONS 9
#define MSIX 2
#define DMA_READ_WRITE 3
#define CAPABILITIES_MAX 48 /* as many as fit into 256 bytes */

/** struct unix_transport - @msix: offset of the capability, 0: not looked up yet. */
struct unix_transport {
	struct vf_transport transport;
	struct vfio_user_client *client;
	struct vfio_user_client_region region[REGIONS];
	pthread_mutex_t lock;
	bool can_reset;
	uint8_t msix;
};

_Static_assert(VF_AREAS_MAX >= VFIO_USER_CLIENT_AREAS, "a region's areas fit");

static struct unix_transport *lock(struct vf_transport *transport)
{
	struct unix_transport *unix_transport =
		container_of(transport, struct unix_transport, transport);

	pthread_mutex_lock(&unix_transport->lock);
	return unix_transport;
}

static int unlock(struct unix_transport *t, int result)
{
	if (result == -ETIMEDOUT)
		shutdown(vfio_user_client_fd(t->client), SHUT_RDWR);
	pthread_mutex_unlock(&t->lock);
	return result;
}

static int unix_map_region(struct vf_transport *transport, uint32_t index, struct vf_region *region)
{
	struct unix_transport *t = lock(transport);
	struct vfio_user_client_region *mine;
	int error = 0;

	*region = (struct vf_region){ 0 };
	if (index >= REGIONS)
		return unlock(t, -EINVAL);
	mine = &t->region[index];
	if (!mine->size)
		error = vfio_user_client_map_region(t->client, index, mine);
	if (error)
		return unlock(t, error);
	region->size = mine->size;
	for (unsigned int i = 0; i < mine->areas; i++) {
		const struct vfio_user_client_area *area = &mine->area[i];

		/* A register is loaded from and stored to: an area for less is of no use. */
		if (area->map && mine->readable && mine->writable)
			region->area[region->areas++] =
				(struct vf_area){ area->offset, area->size, area->map };
	}
	return unlock(t, 0);
}

static int unix_read(struct vf_transport *transport, uint32_t region, uint64_t offset, void *data,
		     uint32_t len)
{
	struct unix_transport *t = lock(transport);

	return unlock(t, vfio_user_client_read(t->client, region, offset, data, len));
}

static int unix_write(struct vf_transport *transport, uint32_t region, uint64_t offset,
		      const void *data, uint32_t len, bool posted)
{
	struct unix_transport *t = lock(transport);

	return unlock(t, vfio_user_client_write(t->client, region, offset, data, len, posted));
}

static int unix_dma_map(struct vf_transport *transport, uint64_t iova, uint64_t size, void *host,
			int fd, uint64_t offset)
{
	struct unix_transport *t = lock(transport);

	return unlock(t,
		      vfio_user_client_dma_map(t->client, iova, size, DMA_READ_WRITE, fd, offset));
}

static int unix_dma_unmap(struct vf_transport *transport, uint64_t iova, uint64_t size)
{
	struct unix_transport *t = lock(transport);

	return unlock(t, vfio_user_client_dma_unmap(t->client, iova, size));
}

static int unix_vectors(struct vf_transport *transport, uint32_t *n)
{
	struct unix_transport *t = lock(transport);

	return unlock(t, vfio_user_client_get_irq(t->client, MSIX, n));
}

static int find_msix(struct unix_transport *t)
{
	uint8_t config[PCI_CFG_SPACE_SIZE], at;
	int error;

	error = vfio_user_client_read(t->client, VF_CONFIG, 0, config, sizeof(config));
	if (error)
		return error;
	at = config[PCI_CAPABILITY_LIST] & 0xfc;
	for (unsigned int n = 0; at && n < CAPABILITIES_MAX; n++) {
		if (config[at] == PCI_CAP_ID_MSIX) {
			t->msix = at;
			return 0;
		}
		at = config[at + PCI_CAP_LIST_NEXT] & 0xfc;
	}
	return -ENODEV;
}

static int enable_msix(struct unix_transport *t, bool on)
{
	uint16_t control;
	int error = t->msix ? 0 : find_msix(t);

	if (!error)
		error = vfio_user_client_read(t->client, VF_CONFIG, t->msix + PCI_MSIX_FLAGS,
					      &control, sizeof(control));
	if (error)
		return error;
	control &= (uint16_t) ~(PCI_MSIX_FLAGS_ENABLE | PCI_MSIX_FLAGS_MASKALL);
	control |= on ? PCI_MSIX_FLAGS_ENABLE : 0;
	return vfio_user_client_write(t->client, VF_CONFIG, t->msix + PCI_MSIX_FLAGS, &control,
				      sizeof(control), false);
}

static int unix_set_vectors(struct vf_transport *transport, uint32_t n, const int *fds)
{
	struct unix_transport *t = lock(transport);
	int error;

	if (n)
		error = vfio_user_client_set_irqs(t->client, MSIX, 0, n, fds);
	else
		error = vfio_user_client_disable_irq(t->client, MSIX);
	if (!error)
		error = enable_msix(t, n);
	return unlock(t, error);
}

static int unix_reset(struct vf_transport *transport)
{
	struct unix_transport *t = lock(transport);

	return unlock(t, t->can_reset ? vfio_user_client_reset(t->client) : -ENOTSUP);
}

static int unix_fd(const struct vf_transport *transport)
{
	return vfio_user_client_fd(
		container_of(transport, const struct unix_transport, transport)->client);
}

static int unix_serve(struct vf_transport *transport)
{
	struct unix_transport *t = lock(transport);

	return unlock(t, vfio_user_client_serve(t->client) ? -SOFTIOV_ERR_GONE : 0);
}

static void unix_close(struct vf_transport *transport)
{
	struct unix_transport *t = container_of(transport, struct unix_transport, transport);

	vfio_user_client_close(t->client);
	for (unsigned int i = 0; i < REGIONS; i++)
		vfio_user_client_unmap_region(&t->region[i]);
	pthread_mutex_destroy(&t->lock);
	free(t);
}

static const struct vf_transport_ops ops = {
	.map_region = unix_map_region,
	.read = unix_read,
	.write = unix_write,
	.dma_map = unix_dma_map,
	.dma_unmap = unix_dma_unmap,
	.vectors = unix_vectors,
	.set_vectors = unix_set_vectors,
	.reset = unix_reset,
	.fd = unix_fd,
	.hangup = POLLRDHUP,
	.serve = unix_serve,
	.close = unix_close,
};

/*
 * What a failed connection means. Nobody listens: there is no such card. EBUSY is the server's
 * answer to the version of a second client; whatever else keeps the two from agreeing means that it
 * is no server of that kind.
 */
static int connect_error(int error)
{
	switch (error) {
	case -ENOENT:
	case -ENOTDIR:
	case -ECONNREFUSED:
		return -SOFTIOV_ERR_NOT_FOUND;
	case -EBUSY:
		return -SOFTIOV_ERR_OWNED;
	case -ENAMETOOLONG:
		return -SOFTIOV_ERR_ADDRESS;
	case -EACCES:
	case -EPERM:
	case -EMFILE:
	case -ENFILE:
	case -ENOMEM:
		return error;
	default:
		return -SOFTIOV_ERR_NOT_CARD;
	}
}

static int refuse_connect(const char *path, int error, struct softiov_reason *why)
{
	int named = connect_error(error);

	switch (-named) {
	case SOFTIOV_ERR_NOT_FOUND:
		return vf_fail(why, named, "unix:%s: %s", path,
			       error == -ECONNREFUSED ? "nobody listens there: is softiovd running?"
						      : "there is no such socket");
	case SOFTIOV_ERR_OWNED:
		return vf_fail(why, named, "unix:%s: another driver has it", path);
	case SOFTIOV_ERR_NOT_CARD:
		return vf_fail(why, named,
			       "unix:%s: what answers there does not speak vfio-user: %s", path,
			       strerror(-error));
	default:
		return vf_fail(why, named, "unix:%s: %s", path, strerror(-error));
	}
}

int vf_transport_unix(struct vf_transport **transport, const char *path, unsigned int timeout_ms,
		      struct softiov_reason *why)
{
	struct unix_transport *t = calloc(1, sizeof(*t));
	struct vfio_user_client_info info;
	int error;

	if (!t)
		return vf_fail(why, -SOFTIOV_ERR_NO_MEMORY, "unix:%s: out of memory", path);
	error = vfio_user_client_connect_within(&t->client, path, timeout_ms, NULL, NULL, NULL);
	if (error) {
		free(t);
		return refuse_connect(path, error, why);
	}
	pthread_mutex_init(&t->lock, NULL);
	t->transport.ops = &ops;
	error = vfio_user_client_get_info(t->client, &info);
	if (error) {
		unix_close(&t->transport);
		return refuse_connect(path, error, why);
	}
	t->can_reset = info.reset;
	*transport = &t->transport;
	return 0;
}
