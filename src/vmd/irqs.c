// SPDX-License-Identifier: BSD-3-Clause
/*
 * irqs.c - MSI-X and MSI of the functions behind the endpoint: from a worker's signal to a message.
 *
 * An MSI-X interrupt is a write of four bytes, data and address from the vector's table entry
 * (6.1.4); a function that uses MSI instead has one vector, in its capability (7.7.1). The
 * endpoint's client is the bus: it is sent a DMA_WRITE. Sockets and tables are the device thread's,
 * so any other thread only leaves a note:
 *
 *	pending[slot]	vectors raised, one bit each
 *	ready[word]	slots that have such vectors
 *	awake		the device thread has been told, and has not looked yet
 *
 * Each is set after what it stands for; the device thread takes them in the other order, so what is
 * raised while it looks is either seen or wakes it again. The eventfd between is this process's
 * own and non-blocking: writing it never waits.
 *
 * A note names a routing ID, nothing else. Who has that ID when the device thread comes to it, what
 * his table says, whether he and the endpoint may master the bus, is found out then: a function may
 * be gone or reset, an entry changed.
 *
 * The device model holds back what is masked when it is raised. An entry may become masked before
 * its message is sent: the vector is then *held* here until the guest writes to that function
 * again. The client takes a limited number of messages at a time: what is too much is tried again.
 */
#include <sys/eventfd.h>
#include <unistd.h>

#include "vmd/internal.h"

#define RETRY_US 500

static void lose(struct vmd *vmd, uint64_t vectors)
{
	if (vectors)
		atomic_fetch_add_explicit(&vmd->lost, (unsigned int)__builtin_popcountll(vectors),
					  memory_order_relaxed);
}

/* Any thread. */

static unsigned int slot_of(const struct vmd *vmd, uint16_t routing_id)
{
	return routing_id - vmd->config.first_bus * VMD_FUNCTIONS_PER_BUS;
}

static void wake(struct vmd *vmd)
{
	static const uint64_t one = 1;
	ssize_t written;

	if (atomic_exchange(&vmd->awake, true))
		return;
	written = write(vmd->wake_fd, &one, sizeof(one));
	(void)written; /* the counter cannot be full: nobody else writes it */
}

static void post(struct vmd *vmd, unsigned int slot, uint64_t vectors)
{
	uint64_t bit = BIT64(slot % VMD_SLOTS_PER_WORD);

	if (!(vectors & ~atomic_fetch_or(&vmd->pending[slot], vectors)))
		return;
	if (!(atomic_fetch_or(&vmd->ready[slot / VMD_SLOTS_PER_WORD], bit) & bit))
		wake(vmd);
}

void vmd_signal(struct vmd *vmd, uint16_t routing_id, unsigned int vector)
{
	unsigned int slot = slot_of(vmd, routing_id);

	if (slot >= vmd->config.buses * VMD_FUNCTIONS_PER_BUS || vector >= VMD_SLOTS_PER_WORD)
		lose(vmd, 1);
	else
		post(vmd, slot, BIT64(vector));
}

/* The device thread. */

/* struct msi - the message that a vector stands for. */
struct msi {
	uint64_t address;
	uint8_t data[sizeof(uint32_t)];
	bool masked;
};

/* A register of a capability; 0 without it. */
static uint16_t control_of(const struct pcie_function *function, uint16_t capability,
			   unsigned int reg)
{
	return capability ? get_le16(function->state->config + capability + reg) : 0;
}

static uint16_t msix_control(const struct pcie_function *function)
{
	return control_of(function, function->layout->msix, PCI_MSIX_FLAGS);
}

static bool msi_enabled(const struct pcie_function *function)
{
	return control_of(function, function->layout->msi, PCI_MSI_FLAGS) & PCI_MSI_FLAGS_ENABLE;
}

static bool may_send(const struct vmd *vmd, const struct pcie_function *function)
{
	return function && function->state->present && endpoint_bus_master(vmd) &&
	       endpoint_bypasses_remapping(vmd) &&
	       (pcie_command_in_force(function) & PCI_COMMAND_MASTER) &&
	       ((msix_control(function) & PCI_MSIX_FLAGS_ENABLE) || msi_enabled(function));
}

static int read_msix(const struct pcie_function *function, unsigned int vector, struct msi *msi)
{
	uint32_t table =
		get_le32(function->state->config + function->layout->msix + PCI_MSIX_TABLE);
	uint8_t entry[PCI_MSIX_ENTRY_SIZE];

	if (vector >= function->layout->msix_vectors)
		return -EINVAL;
	(void)pcie_bar_read(function, table & PCI_MSIX_TABLE_BIR,
			    (table & PCI_MSIX_TABLE_OFFSET) + vector * PCI_MSIX_ENTRY_SIZE, entry,
			    sizeof(entry));
	msi->address = get_le64(entry + PCI_MSIX_ENTRY_LOWER_ADDR);
	memcpy(msi->data, entry + PCI_MSIX_ENTRY_DATA, sizeof(msi->data));
	msi->masked = (msix_control(function) & PCI_MSIX_FLAGS_MASKALL) ||
		      (get_le32(entry + PCI_MSIX_ENTRY_VECTOR_CTRL) & PCI_MSIX_ENTRY_CTRL_MASKBIT);
	return 0;
}

/* pcie_add_msi() makes capabilities of one vector, a 64-bit address and a mask bit. */
static int read_msi(const struct pcie_function *function, unsigned int vector, struct msi *msi)
{
	const uint8_t *capability = function->state->config + function->layout->msi;

	if (vector)
		return -EINVAL;
	msi->address = get_le64(capability + PCI_MSI_ADDRESS_LO);
	put_le32(msi->data, get_le16(capability + PCI_MSI_DATA_64));
	msi->masked = get_le32(capability + PCI_MSI_MASK_64) & 1;
	return 0;
}

/* Return: 0, -EAGAIN (masked), -ENOBUFS (later), or why it is lost. */
static int send_vector(struct vmd *vmd, const struct pcie_function *function, unsigned int vector)
{
	struct msi msi;
	int error = msix_control(function) & PCI_MSIX_FLAGS_ENABLE
			    ? read_msix(function, vector, &msi)
			    : read_msi(function, vector, &msi);

	if (error)
		return error;
	if (msi.masked)
		return -EAGAIN;
	if (!msi.address)
		return -EINVAL; /* not there: of a VF that is lent all reads 0 */
	return vfio_user_server_dma_write(vmd->server, msi.address, msi.data, sizeof(msi.data));
}

/* Return: 0 or -ENOBUFS: @slot has vectors left. */
static int send_slot(struct vmd *vmd, unsigned int slot)
{
	uint64_t vectors = atomic_exchange(&vmd->pending[slot], 0);
	const struct pcie_function *function = pcie_hierarchy_find(
		vmd->config.hierarchy,
		(uint16_t)(vmd->config.first_bus * VMD_FUNCTIONS_PER_BUS + slot));

	if (!may_send(vmd, function)) {
		lose(vmd, vectors);
		return 0;
	}
	for (; vectors; vectors &= vectors - 1) {
		unsigned int vector = (unsigned int)__builtin_ctzll(vectors);
		int error = send_vector(vmd, function, vector);

		if (error == -ENOBUFS) {
			atomic_fetch_or(&vmd->pending[slot], vectors);
			return error;
		}
		if (error == -EAGAIN)
			vmd->held[slot] |= BIT64(vector);
		else if (error)
			lose(vmd, 1);
		else
			vmd->sent++;
	}
	return 0;
}

static void send_later(struct vmd *vmd)
{
	static const struct timeval soon = { 0, RETRY_US };

	event_add(&vmd->retry, &soon);
}

static void send_all(struct vmd *vmd)
{
	for (unsigned int i = 0; i < ARRAY_SIZE(vmd->ready); i++) {
		uint64_t slots = atomic_exchange(&vmd->ready[i], 0);

		for (; slots; slots &= slots - 1) {
			if (!send_slot(vmd, i * VMD_SLOTS_PER_WORD +
						    (unsigned int)__builtin_ctzll(slots)))
				continue;
			atomic_fetch_or(&vmd->ready[i], slots);
			send_later(vmd);
			return;
		}
	}
}

static void on_wake(evutil_socket_t fd, short events, void *arg)
{
	struct vmd *vmd = arg;
	uint64_t count;

	if (read((int)fd, &count, sizeof(count)) < 0)
		return;
	atomic_store(&vmd->awake, false);
	send_all(vmd);
}

static void on_retry(evutil_socket_t fd, short events, void *arg)
{
	send_all(arg);
}

void irqs_written(struct vmd *vmd, uint16_t routing_id)
{
	unsigned int slot = slot_of(vmd, routing_id);
	uint64_t held;

	/* The functions of a hierarchy may lie on buses that the endpoint does not show. */
	if (slot >= VMD_SLOTS || !vmd->held[slot])
		return;
	held = vmd->held[slot];
	vmd->held[slot] = 0;
	post(vmd, slot, held);
}

void irqs_reset(struct vmd *vmd)
{
	for (unsigned int i = 0; i < VMD_SLOTS; i++) {
		lose(vmd, atomic_exchange(&vmd->pending[i], 0) | vmd->held[i]);
		vmd->held[i] = 0;
	}
}

int irqs_open(struct vmd *vmd, struct event_base *base)
{
	vmd->wake_fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
	if (vmd->wake_fd < 0)
		return -errno;
	event_assign(&vmd->wake, base, vmd->wake_fd, EV_READ | EV_PERSIST, on_wake, vmd);
	event_assign(&vmd->retry, base, -1, 0, on_retry, vmd);
	event_add(&vmd->wake, NULL);
	return 0;
}

void irqs_stop(struct vmd *vmd)
{
	event_del(&vmd->wake);
	event_del(&vmd->retry);
}

void irqs_close(struct vmd *vmd)
{
	if (vmd->wake_fd >= 0)
		close(vmd->wake_fd);
}
