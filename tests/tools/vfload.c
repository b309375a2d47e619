/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * vfload.c - many VFs attached at once without a VM: a minimal 82599 VF driver over vfio-user, for tests of scale.
 *
 *	vfload SECONDS PACKETS SOCKET...
 *
 * Attaches to every socket, resets each VF, asks the PF for its MAC over the mailbox, enables one receive and one
 * transmit ring and fills the receive ring; prints "ready"; stays silent for SECONDS; prints "quiet"; then sends
 * PACKETS frames from the first VF to the second, each after 100 ms of silence, and prints one JSON object: how many
 * VFs are attached and how long each frame took, in microseconds. Exit status 0 when all of it worked.
 *
 * Initialisation follows Linux ixgbevf; the receive ring is watched by reading the descriptor, so the time includes
 * little but the card's.
 */
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <unistd.h>

#include "ixgbe/desc.h"
#include "ixgbe/queue.h"
#include "ixgbe/regs.h"
#include "vfio_user/client.h"

#define RING 64u
#define BUFFER 2048u
#define MEMORY (2u * RING * IXGBE_DESC_SIZE + RING * BUFFER + BUFFER)
#define MEMORY_SIZE ALIGN_UP(MEMORY, PAGE_SIZE_4K)
#define IOVA 0x100000ull
#define RX_RING 0u
#define TX_RING (RING * IXGBE_DESC_SIZE)
#define RX_BUFFERS (2 * RING * IXGBE_DESC_SIZE)
#define TX_BUFFER (RX_BUFFERS + RING * BUFFER)
#define CONFIG_REGION 7
#define COMMAND_OFFSET 4
#define COMMAND_MEMORY_MASTER 6
#define MAILBOX_RESET 1u
#define MAILBOX_ACK BIT(31)
#define PATIENCE_NS (2 * NSEC_PER_SEC)
#define SILENCE_US 100000
#define FRAME_LEN 64u
/* Asleep between looks: who spins may keep the worker's own processor busy for a whole tick. */
#define LOOK_US 20

struct vf {
	const char *socket;
	struct vfio_user_client *client;
	struct vfio_user_client_region bar;
	uint8_t *memory;
	int fd;
	uint8_t mac[ETH_ALEN];
	unsigned int tx_tail, rx_next;
};

static int failed(const struct vf *vf, const char *what, int error)
{
	fprintf(stderr, "vfload: %s: %s: %s\n", vf->socket, what, strerror(-error));
	return error;
}

static uint32_t reg_read(struct vf *vf, uint32_t offset)
{
	uint32_t value = 0;
	int error = vfio_user_client_read(vf->client, 0, offset, &value, sizeof(value));

	if (error)
		failed(vf, "read", error);
	return value;
}

static void reg_write(struct vf *vf, uint32_t offset, uint32_t value)
{
	int error = vfio_user_client_write(vf->client, 0, offset, &value, sizeof(value), false);

	if (error)
		failed(vf, "write", error);
}

/* A queue register: in shared memory where the card allows it. */
static void queue_write(struct vf *vf, uint32_t offset, uint32_t value)
{
	for (unsigned int i = 0; i < vf->bar.areas; i++) {
		const struct vfio_user_client_area *area = &vf->bar.area[i];

		if (area->map && offset >= area->offset && offset < area->offset + area->size) {
			_Atomic uint32_t *reg =
				(_Atomic uint32_t *)((char *)area->map + (offset - area->offset));

			atomic_store(reg, value);
			return;
		}
	}
	reg_write(vf, offset, value);
}

/* RESET: the reply carries the MAC address in its second and third word. */
static int mailbox_reset(struct vf *vf)
{
	uint64_t end = now_ns() + PATIENCE_NS;
	uint32_t words[3];

	reg_write(vf, IXGBE_VFCTRL, IXGBE_VFCTRL_RST);
	while (reg_read(vf, IXGBE_VFMAILBOX) & (IXGBE_VFMAILBOX_RSTI | IXGBE_VFMAILBOX_RSTD))
		if (now_ns() > end)
			return failed(vf, "PF is not up", -ETIMEDOUT);
	reg_write(vf, IXGBE_VFMAILBOX, IXGBE_VFMAILBOX_VFU);
	reg_write(vf, IXGBE_VFMBMEM, MAILBOX_RESET);
	reg_write(vf, IXGBE_VFMAILBOX, IXGBE_VFMAILBOX_REQ);
	while (!(reg_read(vf, IXGBE_VFMAILBOX) & IXGBE_VFMAILBOX_PFSTS))
		if (now_ns() > end)
			return failed(vf, "no answer to RESET", -ETIMEDOUT);
	for (unsigned int i = 0; i < ARRAY_SIZE(words); i++)
		words[i] = reg_read(vf, IXGBE_VFMBMEM + 4 * i);
	reg_write(vf, IXGBE_VFMAILBOX, IXGBE_VFMAILBOX_ACK);
	if (words[0] != (MAILBOX_RESET | MAILBOX_ACK))
		return failed(vf, "RESET refused", -EPERM);
	put_le32(vf->mac, words[1]);
	put_le16(vf->mac + 4, (uint16_t)words[2]);
	return 0;
}

static void fill_receive_ring(struct vf *vf)
{
	for (unsigned int i = 0; i < RING; i++) {
		struct ixgbe_desc *desc = (struct ixgbe_desc *)(vf->memory + RX_RING) + i;

		memset(desc, 0, sizeof(*desc));
		put_le64(desc, IOVA + RX_BUFFERS + i * BUFFER);
	}
}

static void enable_rings(struct vf *vf)
{
	static const uint32_t page[] = { IXGBE_VF_TX_PAGE, IXGBE_VF_RX_PAGE };
	static const uint32_t ring[] = { TX_RING, RX_RING };

	fill_receive_ring(vf);
	for (unsigned int i = 0; i < ARRAY_SIZE(page); i++) {
		queue_write(vf, page[i] + 4 * IXGBE_Q_BAL, (uint32_t)(IOVA + ring[i]));
		queue_write(vf, page[i] + 4 * IXGBE_Q_BAH, 0);
		queue_write(vf, page[i] + 4 * IXGBE_Q_LEN, RING * IXGBE_DESC_SIZE);
		queue_write(vf, page[i] + 4 * IXGBE_Q_HEAD, 0);
		queue_write(vf, page[i] + 4 * IXGBE_Q_TAIL, 0);
	}
	queue_write(vf, IXGBE_VF_RX_PAGE + 4 * IXGBE_Q_SRRCTL,
		    IXGBE_SRRCTL_DESCTYPE_ADV_ONE << 25 | BUFFER / 1024);
	queue_write(vf, IXGBE_VF_RX_PAGE + 4 * IXGBE_Q_CTL, IXGBE_QCTL_ENABLE);
	queue_write(vf, IXGBE_VF_TX_PAGE + 4 * IXGBE_Q_CTL, IXGBE_QCTL_ENABLE);
	(void)reg_read(vf, IXGBE_VFSTATUS); /* a trapped access: the card looks at the rings now */
	queue_write(vf, IXGBE_VF_RX_PAGE + 4 * IXGBE_Q_TAIL, RING - 1);
}

static int attach(struct vf *vf)
{
	uint16_t command = COMMAND_MEMORY_MASTER;
	struct reason why = { "" };
	int error = vfio_user_client_connect(&vf->client, vf->socket, NULL, NULL, &why);

	if (error) {
		fprintf(stderr, "vfload: %s\n", why.text);
		return error;
	}
	vf->memory = memfile_create("vfload", MEMORY_SIZE, true, &vf->fd);
	if (!vf->memory)
		return failed(vf, "memory", -errno);
	error = vfio_user_client_map_region(vf->client, 0, &vf->bar);
	if (error)
		return failed(vf, "BAR 0", error);
	error = vfio_user_client_dma_map(vf->client, IOVA, MEMORY_SIZE, 3, vf->fd, 0);
	if (error)
		return failed(vf, "DMA map", error);
	error = vfio_user_client_write(vf->client, CONFIG_REGION, COMMAND_OFFSET, &command,
				       sizeof(command), false);
	if (error)
		return failed(vf, "Command", error);
	error = mailbox_reset(vf);
	if (!error)
		enable_rings(vf);
	return error;
}

static void send_frame(struct vf *from, const struct vf *to)
{
	struct ixgbe_desc *desc = (struct ixgbe_desc *)(from->memory + TX_RING) + from->tx_tail;
	uint8_t *frame = from->memory + TX_BUFFER;

	memset(frame, 0, FRAME_LEN);
	memcpy(frame, to->mac, ETH_ALEN);
	memcpy(frame + ETH_ALEN, from->mac, ETH_ALEN);
	put_be16(frame + 2 * ETH_ALEN, 0x88b5); /* local experiments */
	put_le64(desc, IOVA + TX_BUFFER);
	desc->dword[2] = FRAME_LEN | IXGBE_TXD_DTYP_DATA << 20 | IXGBE_TXD_EOP | IXGBE_TXD_IFCS |
			 IXGBE_TXD_DEXT;
	desc->dword[3] = FRAME_LEN << 14;
	from->tx_tail = (from->tx_tail + 1) % RING;
	queue_write(from, IXGBE_VF_TX_PAGE + 4 * IXGBE_Q_TAIL, from->tx_tail);
}

/* Return: the time the frame took, or -ETIMEDOUT. */
static int64_t time_frame(struct vf *from, struct vf *to)
{
	struct ixgbe_desc *desc = (struct ixgbe_desc *)(to->memory + RX_RING) + to->rx_next;
	volatile uint32_t *status = &desc->dword[2];
	uint64_t start = now_ns();

	send_frame(from, to);
	while (!(*status & IXGBE_RXD_DD)) {
		if (now_ns() - start > PATIENCE_NS)
			return failed(to, "frame lost", -ETIMEDOUT);
		usleep(LOOK_US);
	}
	start = now_ns() - start;
	memset(desc, 0, sizeof(*desc));
	put_le64(desc, IOVA + RX_BUFFERS + to->rx_next * BUFFER);
	queue_write(to, IXGBE_VF_RX_PAGE + 4 * IXGBE_Q_TAIL, to->rx_next);
	to->rx_next = (to->rx_next + 1) % RING;
	return (int64_t)start;
}

int main(int argc, char **argv)
{
	struct rlimit files = { 65536, 65536 };
	unsigned int n = argc > 3 ? (unsigned int)argc - 3 : 0;
	struct vf *vf = calloc(n + 1, sizeof(*vf));
	long packets = n >= 2 ? strtol(argv[2], NULL, 10) : 0;

	if (!n || !vf) {
		fprintf(stderr, "usage: vfload SECONDS PACKETS SOCKET...\n");
		return 2;
	}
	(void)setrlimit(RLIMIT_NOFILE, &files);
	for (unsigned int i = 0; i < n; i++) {
		vf[i].socket = argv[3 + i];
		if (attach(&vf[i]))
			return 1;
	}
	printf("ready\n");
	fflush(stdout);
	usleep((useconds_t)(strtod(argv[1], NULL) * 1e6));
	printf("quiet\n");
	fflush(stdout);
	printf("{\"attached\": %u, \"latency_us\": [", n);
	for (long i = 0; i < packets; i++) {
		int64_t ns;

		usleep(SILENCE_US);
		ns = time_frame(&vf[0], &vf[1]);
		if (ns < 0)
			return 1;
		printf("%s%.1f", i ? ", " : "", (double)ns / 1000);
	}
	printf("]}\n");
	for (unsigned int i = 0; i < n; i++)
		vfio_user_client_close(vf[i].client);
	free(vf);
	return 0;
}
