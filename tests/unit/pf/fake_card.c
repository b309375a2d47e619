/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * fake_card.c - see fake_card.h. Registers are memory but for those whose behaviour the driver relies on.
 */
#include "fake_card.h"

#include <event2/event.h>
#include <linux/pci_regs.h>
#include <stdlib.h>

#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>

const uint8_t fake_pf_mac[ETH_ALEN] = { 0x52, 0x54, 0, 0x12, 0x34, 0x56 };

static uint32_t *at(struct fake_card *card, uint32_t offset)
{
	assert_true(offset < FAKE_REGS && offset % 4 == 0);
	return &card->reg[offset / 4];
}

static void power_on(struct fake_card *card)
{
	memset(card->reg, 0, sizeof(card->reg));
	*at(card, REG_RAL(0)) = get_le32(fake_pf_mac);
	*at(card, REG_RAH(0)) = RAH_AV | get_le16(fake_pf_mac + 4);
	*at(card, REG_LINKS) = LINKS_UP;
	card->ready = false;
	card->vfu = card->pfu = card->sts = card->pfack = card->vflre = 0;
	card->queue_drop[0] = card->queue_drop[1] = 0;
	memset(card->rate, 0, sizeof(card->rate));
}

static bool is_pfmailbox(uint32_t offset, unsigned int *vf)
{
	*vf = (offset - REG_PFMAILBOX(0)) / 4;
	return offset >= REG_PFMAILBOX(0) && offset < REG_PFMAILBOX(PF_MAX_VFS);
}

static uint32_t card_read(void *ctx, uint32_t offset)
{
	struct fake_card *card = ctx;
	unsigned int vf;
	uint32_t value;

	card->accesses++;
	if (is_pfmailbox(offset, &vf))
		return card->pfu >> vf & 1 ? PFMAILBOX_PFU : 0;
	switch (offset) {
	case REG_EICS:
		return *at(card, REG_EICR);
	case REG_EICR:
		value = *at(card, REG_EICR);
		*at(card, REG_EICR) = 0;
		return value;
	case REG_VFLRE(0):
		return (uint32_t)card->vflre;
	case REG_VFLRE(32):
		return (uint32_t)(card->vflre >> 32);
	default:
		return *at(card, offset);
	}
}

static void write_pfmailbox(struct fake_card *card, unsigned int vf, uint32_t value)
{
	uint64_t bit = BIT64(vf);

	card->pfu &= ~bit;
	if (value & PFMAILBOX_PFU && !(card->vfu & bit))
		card->pfu |= bit;
	if (value & PFMAILBOX_STS)
		card->sts |= bit;
	if (value & PFMAILBOX_ACK)
		card->pfack |= bit;
}

static void card_write(void *ctx, uint32_t offset, uint32_t value)
{
	struct fake_card *card = ctx;
	unsigned int vf;

	card->accesses++;
	if (is_pfmailbox(offset, &vf)) {
		write_pfmailbox(card, vf, value);
		return;
	}
	switch (offset) {
	case REG_EICR:
	case REG_MBVFICR(0):
	case REG_MBVFICR(16):
	case REG_MBVFICR(32):
	case REG_MBVFICR(48):
		*at(card, offset) &= ~value;
		break;
	case REG_VFLREC(0):
		card->vflre &= ~(uint64_t)value;
		break;
	case REG_VFLREC(32):
		card->vflre &= ~((uint64_t)value << 32);
		break;
	case REG_CTRL:
		if (value & CTRL_RST) {
			power_on(card);
			card->resets++;
		}
		break;
	case REG_CTRL_EXT:
		card->ready |= value & CTRL_EXT_PFRSTD;
		*at(card, offset) = value & ~CTRL_EXT_PFRSTD;
		break;
	case REG_QDE:
		assert_true(value & QDE_WE);
		card->queue_drop[(value >> QDE_IDX_SHIFT & 127) / 64] |=
			BIT64((value >> QDE_IDX_SHIFT) % 64);
		break;
	case REG_RTTBCNRC:
		card->rate[*at(card, REG_RTTDQSEL) & (QUEUES - 1)] = value;
		break;
	default:
		*at(card, offset) = value;
	}
}

static uint32_t config_read(void *ctx, uint16_t offset, unsigned int len)
{
	struct fake_card *card = ctx;
	uint32_t value = 0;

	assert_true(offset + len <= sizeof(card->config));
	memcpy(&value, card->config + offset, len);
	return value;
}

static int config_write(void *ctx, uint16_t offset, uint32_t value, unsigned int len)
{
	struct fake_card *card = ctx;

	assert_true(offset + len <= sizeof(card->config));
	if (offset == FAKE_SRIOV + PCI_SRIOV_CTRL && value & PCI_SRIOV_CTRL_VFE) {
		card->vfe_before_rstd |= !card->ready;
		if (card->refuse_vfe)
			value &= ~PCI_SRIOV_CTRL_VFE;
	}
	memcpy(card->config + offset, &value, len);
	return 0;
}

static int dma_map(void *ctx, uint64_t iova, uint64_t size, void *host)
{
	return 0;
}

static void dma_unmap(void *ctx, uint64_t iova, uint64_t size, void (*done)(void *ctx),
		      void *done_ctx)
{
	done(done_ctx);
}

static void card_settle(void *ctx, void (*done)(void *ctx), void *done_ctx)
{
	struct fake_card *card = ctx;

	if (!card->defer) {
		done(done_ctx);
		return;
	}
	assert_null(card->settled);
	card->settled = done;
	card->settled_ctx = done_ctx;
}

void fake_settle(struct fake_card *card)
{
	void (*done)(void *ctx) = card->settled;

	assert_non_null(done);
	card->settled = NULL;
	done(card->settled_ctx);
}

static void on_ready(void *ctx)
{
	struct fake_card *card = ctx;

	card->ready_calls++;
}

static void init_config(struct fake_card *card)
{
	/* Chains with something before what is looked for. */
	card->config[PCI_CAPABILITY_LIST] = 0x40;
	put_le16(card->config + 0x40, PCI_CAP_ID_PM | FAKE_MSIX << 8);
	put_le16(card->config + FAKE_MSIX, PCI_CAP_ID_MSIX);
	put_le32(card->config + 0x100, PCI_EXT_CAP_ID_ERR | 1 << 16 | (uint32_t)FAKE_SRIOV << 20);
	put_le32(card->config + FAKE_SRIOV, PCI_EXT_CAP_ID_SRIOV | 1 << 16);
	put_le16(card->config + FAKE_SRIOV + PCI_SRIOV_TOTAL_VF, 64);
}

struct fake_card *fake_card_new(unsigned int num_vfs)
{
	struct fake_card *card = calloc(1, sizeof(*card));

	assert_non_null(card);
	card->base = event_base_new();
	assert_non_null(card->base);
	init_config(card);
	power_on(card);
	card->pf_config.num_vfs = (uint16_t)num_vfs;
	memcpy(card->pf_config.mac_seed, "card0pf0", 8);
	return card;
}

int fake_probe(struct fake_card *card, struct reason *why)
{
	const struct pf_access access = {
		.ctx = card,
		.config_read = config_read,
		.config_write = config_write,
		.read = card_read,
		.write = card_write,
		.dma_map = dma_map,
		.dma_unmap = dma_unmap,
		.settle = card_settle,
	};

	return pf_driver_create(&card->driver, card->base, &access, &card->state, &card->pf_config,
				on_ready, card, why);
}

struct fake_card *fake_create(unsigned int num_vfs)
{
	struct fake_card *card = fake_card_new(num_vfs);
	struct reason why = { "" };

	if (fake_probe(card, &why))
		fail_msg("%s", why.text);
	fake_run(card);
	return card;
}

void fake_destroy(struct fake_card *card)
{
	if (card->driver)
		pf_driver_destroy(card->driver, NULL, NULL);
	event_base_free(card->base);
	free(card);
}

void fake_run(struct fake_card *card)
{
	for (unsigned int i = 0; i < 32; i++)
		event_base_loop(card->base, EVLOOP_NONBLOCK);
}

void fake_raise(struct fake_card *card, uint32_t causes)
{
	*at(card, REG_EICR) |= causes;
	if (causes & *at(card, REG_EIMS))
		pf_driver_interrupt(card->driver, 1);
}

void vf_reset(struct fake_card *card, unsigned int vf, bool interrupt)
{
	uint64_t bit = BIT64(vf);

	card->vfu &= ~bit;
	card->pfu &= ~bit;
	card->sts &= ~bit;
	card->pfack &= ~bit;
	card->vflre |= bit;
	fake_raise(card, EICR_MAILBOX);
	if (interrupt)
		fake_run(card);
}

static void ring(struct fake_card *card, unsigned int vf, uint32_t bits)
{
	*at(card, REG_MBVFICR(vf)) |= bits;
	fake_raise(card, EICR_MAILBOX);
}

bool vf_post(struct fake_card *card, unsigned int vf, const uint32_t *msg, unsigned int words)
{
	uint64_t bit = BIT64(vf);

	if (card->pfu & bit)
		return false;
	card->sts &= ~bit;
	card->pfack &= ~bit;
	for (unsigned int i = 0; i < words; i++)
		*at(card, REG_PFMBMEM(vf, i)) = msg[i];
	ring(card, vf, MBVFICR_VFREQ(vf));
	return true;
}

bool vf_take(struct fake_card *card, unsigned int vf, uint32_t msg[MAILBOX_WORDS])
{
	if (!(card->sts & BIT64(vf)))
		return false;
	card->sts &= ~BIT64(vf);
	for (unsigned int i = 0; i < MAILBOX_WORDS; i++)
		msg[i] = *at(card, REG_PFMBMEM(vf, i));
	ring(card, vf, MBVFICR_VFACK(vf));
	return true;
}

uint32_t vf_ask(struct fake_card *card, unsigned int vf, uint32_t msg[MAILBOX_WORDS])
{
	assert_true(vf_post(card, vf, msg, MAILBOX_WORDS));
	fake_run(card);
	assert_true(card->pfack & BIT64(vf));
	assert_true(vf_take(card, vf, msg));
	fake_run(card);
	return msg[0];
}

uint32_t vf_say(struct fake_card *card, unsigned int vf, uint32_t word0, uint32_t word1)
{
	uint32_t msg[MAILBOX_WORDS] = { word0, word1 };

	return vf_ask(card, vf, msg);
}

uint32_t vf_mac(struct fake_card *card, unsigned int vf, uint32_t word0,
		const uint8_t mac[ETH_ALEN])
{
	uint32_t msg[MAILBOX_WORDS] = { word0 };

	memcpy(msg + 1, mac, ETH_ALEN);
	return vf_ask(card, vf, msg);
}

void vf_start(struct fake_card *card, unsigned int vf, uint32_t api)
{
	vf_reset(card, vf, false);
	assert_int_equal(vf_say(card, vf, MSG_RESET, 0), MSG_RESET | MSG_ACK);
	if (api != MSG_API_10)
		assert_int_equal(vf_say(card, vf, MSG_API_NEGOTIATE, api),
				 MSG_API_NEGOTIATE | MSG_ACK | MSG_CTS);
}

uint64_t fake_pools_of_mac(const struct fake_card *card, const uint8_t mac[ETH_ALEN])
{
	uint64_t pools = 0;

	for (unsigned int n = 0; n < RAR_ENTRIES; n++) {
		if (fake_reg(card, REG_RAL(n)) == get_le32(mac) &&
		    fake_reg(card, REG_RAH(n)) == (RAH_AV | get_le16(mac + 4)))
			pools |= fake_reg(card, REG_MPSAR_LO(n)) |
				 (uint64_t)fake_reg(card, REG_MPSAR_HI(n)) << 32;
	}
	return pools;
}

uint64_t fake_pools_of_vlan(const struct fake_card *card, uint16_t vid)
{
	uint64_t pools = 0;
	unsigned int found = 0;

	for (unsigned int n = 0; n < VLVF_ENTRIES; n++) {
		if (fake_reg(card, REG_VLVF(n)) != (VLVF_VIEN | vid))
			continue;
		pools |= fake_reg(card, REG_VLVFB_LO(n)) | (uint64_t)fake_reg(card, REG_VLVFB_HI(n))
								   << 32;
		found++;
	}
	assert_true(found <= 1);
	return pools;
}
