/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * fake_card.h - a card that is nothing but registers, and VF drivers written as a script: enough to see what
 * the PF driver says and does, message by message. Mailboxes behave as the data sheet says (7.10.2.9).
 */
#ifndef TESTS_UNIT_PF_FAKE_CARD_H
#define TESTS_UNIT_PF_FAKE_CARD_H

#include <stdbool.h>
#include <stdint.h>
#include "pf/mailbox.h"
#include "pf/pf.h"
#include "pf/regs.h"

#define FAKE_REGS 0x20000
#define FAKE_SRIOV 0x160
#define FAKE_MSIX 0x70

/** struct fake_card - @defer: settle() waits for fake_settle(). @vfe_before_rstd: VFs came too early. */
struct fake_card {
	uint32_t reg[FAKE_REGS / 4];
	uint8_t config[4096];
	uint64_t vfu, pfu, sts, pfack;
	uint64_t vflre;
	uint64_t queue_drop[2];
	uint32_t rate[QUEUES]; /* RTTBCNRC */
	bool ready, vfe_before_rstd, refuse_vfe, defer;
	unsigned int resets, accesses;
	void (*settled)(void *ctx);
	void *settled_ctx;
	struct event_base *base;
	struct pf_driver *driver;
	struct pf_state state;
	struct pf_config pf_config;
	unsigned int ready_calls;
};

extern const uint8_t fake_pf_mac[ETH_ALEN];

/** fake_create() - a card with its driver and @num_vfs VFs up, no interface. */
struct fake_card *fake_create(unsigned int num_vfs);
/** fake_card_new() - only the card; fake_probe() starts the driver. */
struct fake_card *fake_card_new(unsigned int num_vfs);
int fake_probe(struct fake_card *card, struct reason *why);
void fake_destroy(struct fake_card *card);
/** fake_run() - let the event loop do what is due. */
void fake_run(struct fake_card *card);
/** fake_settle() - the card has settled. */
void fake_settle(struct fake_card *card);

static inline uint32_t fake_reg(const struct fake_card *card, uint32_t offset)
{
	return card->reg[offset / 4];
}

/** fake_raise() - causes for the other vector. */
void fake_raise(struct fake_card *card, uint32_t causes);

/* The VF's side of a mailbox. */
/** vf_reset() - VFCTRL.RST. @interrupt: let the PF notice at once. */
void vf_reset(struct fake_card *card, unsigned int vf, bool interrupt);
/** vf_post() - put a message into the mailbox and ring. Return: false when the PF has the buffer. */
bool vf_post(struct fake_card *card, unsigned int vf, const uint32_t *msg, unsigned int words);
/** vf_take() - read what the PF posted and acknowledge it. Return: false if there is nothing. */
bool vf_take(struct fake_card *card, unsigned int vf, uint32_t msg[MAILBOX_WORDS]);
/** vf_ask() - post @msg (16 words), let the PF work, take the reply into @msg. Return: its word 0. */
uint32_t vf_ask(struct fake_card *card, unsigned int vf, uint32_t msg[MAILBOX_WORDS]);
/** vf_say() - vf_ask() of a message of words 0 and 1. */
uint32_t vf_say(struct fake_card *card, unsigned int vf, uint32_t word0, uint32_t word1);
/** vf_mac() - SET_MAC_ADDR or SET_MACVLAN. */
uint32_t vf_mac(struct fake_card *card, unsigned int vf, uint32_t word0,
		const uint8_t mac[ETH_ALEN]);
/** vf_start() - what a driver does first: reset, RESET, negotiate @api. */
void vf_start(struct fake_card *card, unsigned int vf, uint32_t api);

/** fake_pools_of_mac(), fake_pools_of_vlan() - by the registers; 0 when there is no such filter. */
uint64_t fake_pools_of_mac(const struct fake_card *card, const uint8_t mac[ETH_ALEN]);
uint64_t fake_pools_of_vlan(const struct fake_card *card, uint16_t vid);

#endif
