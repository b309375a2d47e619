/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * mailbox.h - the messages between VF and PF driver, 16 dwords in a mailbox: word 0 says what it is.
 *
 * Not in the data sheet, which only defines the mailbox: a convention of the drivers. Source: Linux ixgbevf/mbx.h.
 */
#ifndef SOFTIOV_VF_MAILBOX_H
#define SOFTIOV_VF_MAILBOX_H

#include <stdbool.h>
#include <stdint.h>

struct softiov_vf;

/* Word 0 */
#define MSG_TYPE_MASK 0xffffu
#define MSG_INFO_SHIFT 16
#define MSG_CTS (1u << 29) /* clear to send: the PF driver considers the VF initialised */
#define MSG_NACK (1u << 30)
#define MSG_ACK (1u << 31)

#define MSG_RESET 0x01
#define MSG_SET_MAC_ADDR 0x02
#define MSG_SET_MULTICAST 0x03
#define MSG_SET_VLAN 0x04
#define MSG_SET_LPE 0x05
#define MSG_API_NEGOTIATE 0x08
#define MSG_GET_QUEUES 0x09
#define MSG_UPDATE_XCAST_MODE 0x0c
#define MSG_GET_LINK_STATE 0x10

/* RESET: words of the reply, behind the MAC address */
#define MSG_MULTICAST_TYPE 3 /* which bits of an address its hash is, as MCSTCTRL.MO */

/* GET_QUEUES: words of the reply */
#define MSG_TX_QUEUES 1
#define MSG_RX_QUEUES 2
#define MSG_TRANSPARENT_VLAN 3

/* UPDATE_XCAST_MODE */
#define XCAST_MULTI 1
#define XCAST_ALLMULTI 2
#define XCAST_PROMISC 3

/**
 * vf_mailbox_reset() - reset the VF, and tell the PF driver so. Return: 0, -SOFTIOV_ERR_NO_PF or -SOFTIOV_ERR_GONE.
 * @mac: the VF's address, all zero when it has none yet
 */
int vf_mailbox_reset(struct softiov_vf *vf, uint8_t mac[6]);

/** vf_mailbox_negotiate() - agree on the highest version that both sides speak; info.mailbox_api is set. */
int vf_mailbox_negotiate(struct softiov_vf *vf);

/**
 * vf_mailbox_ask() - send @words of @msg, whose room is MAILBOX_WORDS; the reply is put there.
 * Return: 0, -SOFTIOV_ERR_REFUSED, -SOFTIOV_ERR_NO_PF (no answer in time), -SOFTIOV_ERR_GONE, or -EAGAIN: the PF driver
 * wants the VF to start anew first (@vf->reset_due).
 */
int vf_mailbox_ask(struct softiov_vf *vf, uint32_t *msg, unsigned int words);

/** vf_mailbox_look() - read what the PF driver has to say; may set @vf->reset_due. Return: is the PF in a reset? */
bool vf_mailbox_look(struct softiov_vf *vf);

#endif
