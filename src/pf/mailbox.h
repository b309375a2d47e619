/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * mailbox.h - the messages between PF and VF drivers, 16 dwords in a mailbox: word 0 says what it is.
 *
 * Not in the data sheet, which only defines the mailbox: a convention of the drivers. Source: Linux
 * ixgbe_mbx.h and ixgbevf/mbx.h; the VF drivers of DPDK and iPXE keep to it.
 */
#ifndef SOFTIOV_PF_MAILBOX_H
#define SOFTIOV_PF_MAILBOX_H

#include "util/util.h"

/* Word 0 */
#define MSG_TYPE(word) ((word)&0xffff)
#define MSG_INFO(word) ((word) >> 16 & 0xff)
#define MSG_CTS BIT(29) /* clear to send: the PF considers the VF initialised */
#define MSG_NACK BIT(30)
#define MSG_ACK BIT(31)

enum msg_type {
	MSG_RESET = 0x01,
	MSG_SET_MAC_ADDR = 0x02,
	MSG_SET_MULTICAST = 0x03,
	MSG_SET_VLAN = 0x04,
	MSG_SET_LPE = 0x05,
	MSG_SET_MACVLAN = 0x06,
	MSG_API_NEGOTIATE = 0x08,
	MSG_GET_QUEUES = 0x09,
	MSG_GET_RETA = 0x0a,
	MSG_GET_RSS_KEY = 0x0b,
	MSG_UPDATE_XCAST_MODE = 0x0c,
	MSG_GET_LINK_STATE = 0x10,
	MSG_TYPES,		/* types above are refused */
	MSG_PF_CONTROL = 0x100, /* from the PF: look around, something changed */
};

/* Versions of the convention, as API_NEGOTIATE carries them; 2.0 took number 1 and died. */
enum msg_api { MSG_API_10 = 0, MSG_API_20 = 1, MSG_API_11 = 2, MSG_API_12 = 3, MSG_API_13 = 4 };

/* UPDATE_XCAST_MODE */
enum msg_xcast { MSG_XCAST_NONE, MSG_XCAST_MULTI, MSG_XCAST_ALLMULTI, MSG_XCAST_PROMISC };

#define MSG_RESET_REPLY_WORDS 4
#define MSG_MAX_HASHES 30

/* GET_QUEUES: words of the reply */
#define MSG_TX_QUEUES 1
#define MSG_RX_QUEUES 2
#define MSG_TRANSPARENT_VLAN 3
#define MSG_DEFAULT_QUEUE 4

#endif
