/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * rings.c - descriptors of the PF's own queue pair: 82599 data sheet 7.1 (receive) and 7.2 (transmit),
 * 4.6.7 and 4.6.8 (enabling queues).
 *
 * Ring memory is the driver's own, in a memory file, and the PF's DMA domain maps exactly it; the card
 * reaches nothing else of this process.
 *
 * Receive: the card writes status and length last; a frame is there when each descriptor up to one with EOP
 * says DD. A jumbo frame takes several. Tags stay in the bytes, as a TAP wants them.
 *
 * Transmit: a frame is read from the TAP into a slot and posted from there; the offload request, neutral in
 * struct frame, becomes a context descriptor. Completion is reported (RS) for every 32nd slot only, and
 * frees all before it, so that sending costs few interrupts.
 */
#include <netinet/in.h>
#include <stdatomic.h>
#include <sys/mman.h>
#include <unistd.h>
#include "pf/rings.h"

#define RINGS_IOVA \
	0x100000000ull /* beyond 4 GiB: the high halves of the base registers are used too */

static void write_reg(const struct rings *rings, uint32_t reg, uint32_t value)
{
	rings->access->write(rings->access->ctx, reg, value);
}

static uint64_t iova_of(const struct rings *rings, const void *p)
{
	return RINGS_IOVA + (uint64_t)((const uint8_t *)p - (const uint8_t *)rings->memory);
}

static uint64_t memory_size(void)
{
	return ALIGN_UP(sizeof(struct ring_memory), (size_t)PAGE_SIZE_4K);
}

void rings_free(struct rings *rings)
{
	munmap(rings->memory, memory_size());
	close(rings->fd);
}

int rings_create(struct rings *rings, const struct pf_access *access)
{
	int error;

	rings->access = access;
	rings->memory = memfile_create("softiov-pf-rings", memory_size(), true, &rings->fd);
	if (!rings->memory)
		return -errno;
	error = access->dma_map(access->ctx, RINGS_IOVA, memory_size(), rings->memory);
	if (error)
		rings_free(rings);
	return error;
}

void rings_unmap(struct rings *rings, void (*done)(void *ctx), void *ctx)
{
	rings->access->dma_unmap(rings->access->ctx, RINGS_IOVA, memory_size(), done, ctx);
}

static void post_buffer(struct rings *rings, uint32_t index)
{
	struct pf_desc *desc = &rings->memory->rx[index];
	uint64_t address = iova_of(rings, rings->memory->rx_buffer[index]);

	desc->dword[0] = (uint32_t)address;
	desc->dword[1] = (uint32_t)(address >> 32);
	desc->dword[2] = 0;
	desc->dword[3] = 0;
}

void rings_enable(struct rings *rings, unsigned int queue)
{
	uint64_t rx = iova_of(rings, rings->memory->rx), tx = iova_of(rings, rings->memory->tx);

	rings->queue = queue;
	rings->rx_next = rings->tx_next = rings->tx_slot = rings->tx_clean = 0;
	for (uint32_t i = 0; i < RX_DESCRIPTORS; i++)
		post_buffer(rings, i);
	memset(rings->memory->tx, 0, sizeof(rings->memory->tx));

	write_reg(rings, REG_TDBAL(queue), (uint32_t)tx);
	write_reg(rings, REG_TDBAH(queue), (uint32_t)(tx >> 32));
	write_reg(rings, REG_TDLEN(queue), sizeof(rings->memory->tx));
	write_reg(rings, REG_TDH(queue), 0);
	write_reg(rings, REG_TDT(queue), 0);
	write_reg(rings, REG_TXDCTL(queue), TXDCTL_THRESHOLDS | DCTL_ENABLE);

	write_reg(rings, REG_RDBAL(queue), (uint32_t)rx);
	write_reg(rings, REG_RDBAH(queue), (uint32_t)(rx >> 32));
	write_reg(rings, REG_RDLEN(queue), sizeof(rings->memory->rx));
	write_reg(rings, REG_RDH(queue), 0);
	write_reg(rings, REG_RDT(queue), 0);
	write_reg(rings, REG_SRRCTL(queue),
		  SRRCTL_BSIZEPKT(RX_BUFFER) | SRRCTL_ADV_ONE_BUFFER | SRRCTL_DROP_EN);
	write_reg(rings, REG_RXDCTL(queue), DCTL_ENABLE);
	rings_refill(rings);
}

void rings_disable(struct rings *rings)
{
	write_reg(rings, REG_RXDCTL(rings->queue), 0);
	write_reg(rings, REG_TXDCTL(rings->queue), 0);
}

/* Receive */

/* Status last: what it promises was written before. */
static uint32_t rx_status(const struct rings *rings, uint32_t index)
{
	return __atomic_load_n(&rings->memory->rx[index % RX_DESCRIPTORS].dword[2],
			       __ATOMIC_ACQUIRE);
}

static void describe(struct rings *rings, struct frame *frame, unsigned int n, uint32_t status)
{
	struct frame_segment *first = &rings->segment[0];

	memset(frame, 0, offsetof(struct frame, header));
	for (unsigned int i = 0; i < n; i++)
		frame->len += rings->segment[i].len;
	frame->header_len = (uint16_t)MIN(first->len, (uint32_t)FRAME_HEADER_MAX);
	memcpy(frame->header, first->base, frame->header_len);
	first->base += frame->header_len;
	first->len -= frame->header_len;
	frame->segment = rings->segment;
	frame->segments = (uint16_t)n;
	if (status & RXD_L4CS && !(status & (RXD_TCPE | RXD_IPE)))
		frame->flags = FRAME_CSUM_GOOD;
}

enum rings_result rings_receive(struct rings *rings, struct frame *frame, unsigned int *descriptors)
{
	for (unsigned int n = 0; n < RX_CHAIN_MAX; n++) {
		uint32_t index = (rings->rx_next + n) % RX_DESCRIPTORS;
		uint32_t status = rx_status(rings, index);

		if (!(status & RXD_DD))
			return RINGS_EMPTY;
		rings->segment[n].base = rings->memory->rx_buffer[index];
		rings->segment[n].len =
			MIN(RXD_LENGTH(rings->memory->rx[index].dword[3]), (uint32_t)RX_BUFFER);
		if (status & RXD_EOP) {
			*descriptors = n + 1;
			describe(rings, frame, n + 1, status);
			return RINGS_FRAME;
		}
	}
	*descriptors = RX_CHAIN_MAX;
	return RINGS_BAD;
}

void rings_received(struct rings *rings, unsigned int descriptors)
{
	for (unsigned int i = 0; i < descriptors; i++) {
		post_buffer(rings, rings->rx_next);
		rings->rx_next = (rings->rx_next + 1) % RX_DESCRIPTORS;
	}
}

/* The descriptor at the tail is never used, or full and empty would look the same. */
void rings_refill(struct rings *rings)
{
	atomic_thread_fence(memory_order_release);
	write_reg(rings, REG_RDT(rings->queue), (rings->rx_next - 1) % RX_DESCRIPTORS);
}

/* Transmit */

uint8_t *rings_tx_slot(struct rings *rings)
{
	if (rings->tx_slot - rings->tx_clean == TX_SLOTS)
		return NULL;
	return rings->memory->tx_buffer[rings->tx_slot % TX_SLOTS];
}

static struct pf_desc *next_desc(struct rings *rings)
{
	struct pf_desc *desc = &rings->memory->tx[rings->tx_next];

	rings->tx_next = (rings->tx_next + 1) % TX_DESCRIPTORS;
	return desc;
}

static void post_context(struct rings *rings, const struct frame *frame)
{
	struct pf_desc *desc = next_desc(rings);
	uint32_t command = TXD_DEXT | TXD_DTYP_CONTEXT;

	if (frame->flags & FRAME_IP_CSUM)
		command |= CTX_IPV4;
	command |= frame->l4_proto == IPPROTO_TCP ? CTX_L4T_TCP : CTX_L4T_UDP;
	desc->dword[0] = CTX_VLAN(frame->flags & FRAME_VLAN ? frame->vlan : 0) |
			 CTX_MACLEN(frame->l2_len) | CTX_IPLEN(frame->l3_len);
	desc->dword[1] = 0;
	desc->dword[2] = command;
	desc->dword[3] = CTX_MSS(frame->mss) | CTX_L4LEN(frame->l4_len);
}

static uint32_t data_command(const struct frame *frame)
{
	uint32_t command = TXD_DEXT | TXD_DTYP_DATA | TXD_IFCS;

	if (frame->flags & FRAME_VLAN)
		command |= TXD_VLE;
	if (frame->flags & FRAME_TSO)
		command |= TXD_TSE;
	return command;
}

static uint32_t data_options(const struct frame *frame)
{
	uint32_t options = TXD_PAYLEN(frame->len);

	if (frame->flags & FRAME_TSO)
		options = TXD_PAYLEN(frame->len - frame->l2_len - frame->l3_len - frame->l4_len);
	if (frame->flags & FRAME_IP_CSUM)
		options |= TXD_IXSM;
	if (frame->flags & FRAME_L4_CSUM)
		options |= TXD_TXSM;
	return options;
}

void rings_transmit(struct rings *rings, const struct frame *frame)
{
	const uint16_t context = FRAME_VLAN | FRAME_IP_CSUM | FRAME_L4_CSUM | FRAME_TSO;
	/* tap_read_frame() left the rest of the frame behind where the header was, and took the tag and
	 * the length in the checksum out of its copy: put that copy in front of the rest. */
	uint8_t *start = (uint8_t *)frame->segment->base - frame->header_len;
	uint64_t address = iova_of(rings, start);
	uint32_t command = data_command(frame), options = data_options(frame), left = frame->len;
	uint32_t slot = rings->tx_slot % TX_SLOTS;
	struct pf_desc *desc;

	memcpy(start, frame->header, frame->header_len);
	if (frame->flags & context) {
		post_context(rings, frame);
		options |= TXD_CC;
	}
	do {
		uint32_t len = MIN(left, (uint32_t)TXD_MAX_DATA);

		left -= len;
		rings->tx_last[slot] = (uint16_t)rings->tx_next;
		desc = next_desc(rings);
		desc->dword[0] = (uint32_t)address;
		desc->dword[1] = (uint32_t)(address >> 32);
		desc->dword[2] = command | len | (left ? 0 : TXD_EOP);
		desc->dword[3] = options;
		address += len;
	} while (left);
	if (slot % TX_REPORT == TX_REPORT - 1)
		desc->dword[2] |= TXD_RS;
	rings->tx_slot++;
}

void rings_tx_kick(struct rings *rings)
{
	atomic_thread_fence(memory_order_release);
	write_reg(rings, REG_TDT(rings->queue), rings->tx_next);
}

bool rings_reclaim(struct rings *rings)
{
	bool freed = false;

	while (rings->tx_slot - rings->tx_clean >= TX_REPORT) {
		uint32_t last = (rings->tx_clean + TX_REPORT - 1) % TX_SLOTS;
		const uint32_t *report = &rings->memory->tx[rings->tx_last[last]].dword[3];

		if (!(__atomic_load_n(report, __ATOMIC_ACQUIRE) & TXD_DD))
			break;
		rings->tx_clean += TX_REPORT;
		freed = true;
	}
	return freed;
}
