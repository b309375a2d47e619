/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * regs.h - the registers of an 82599 VF in BAR0, and its descriptors: a driver's own copy of what it uses.
 *
 * Descriptors are two little-endian quadwords (struct vf_desc); their fields are given as bits of these.
 *
 * Sources: Intel 82599 data sheet, chapter 8.3 (registers), 7.1.6 and 7.2.3 (descriptors), 7.3.4 (interrupts); names as
 * there. The device IDs of the X540, X550 and their kin: Linux ixgbevf/defines.h.
 */
#ifndef SOFTIOV_VF_REGS_H
#define SOFTIOV_VF_REGS_H

#include <stdint.h>
#include "util/util.h"

/* PCI identity; Linux ixgbevf_pci_tbl */
#define VENDOR_INTEL 0x8086
#define DEVICE_82599_VF 0x10ed
#define DEVICE_X540_VF 0x1515
#define DEVICE_X550_VF 0x1565
#define DEVICE_X550EM_X_VF 0x15a8
#define DEVICE_X550EM_A_VF 0x15c5

#define VF_BAR0_SIZE 0x4000u /* 8.3.1 */

/* General (8.3.5.1) */
#define REG_VFCTRL 0x0000
#define VFCTRL_RST BIT(26)
#define REG_VFSTATUS 0x0008
#define REG_VFLINKS 0x0010
#define VFLINKS_UP BIT(30)
#define VFLINKS_SPEED (3u << 28)
#define VFLINKS_10G (3u << 28)
#define VFLINKS_1G (2u << 28)
#define VFLINKS_100M (1u << 28)

/* Interrupts (8.3.5.5): bit n is vector n */
#define REG_VTEICR 0x0100
#define REG_VTEICS 0x0104
#define REG_VTEIMS 0x0108
#define REG_VTEIMC 0x010c
#define REG_VTEIAC 0x0110
#define REG_VTEIAM 0x0114
#define VTEI_ALL 0x7u
#define REG_VTIVAR(queue) \
	(0x0120 + 4 * ((queue) / 2)) /* one byte per cause: rx 2n, tx 2n, rx 2n + 1, tx 2n + 1 */
#define VTIVAR_RX_SHIFT(queue) (16 * ((queue)&1))
#define VTIVAR_TX_SHIFT(queue) (16 * ((queue)&1) + 8)
#define VTIVAR_VALID 0x80u
#define REG_VTIVAR_MISC 0x0140 /* mailbox */
#define REG_VTEITR(vector) (0x0820 + 4 * (vector))
#define VTEITR_INTERVAL_SHIFT 3 /* in units of 2 us (at 10 Gb/s) */
#define VTEITR_INTERVAL 0xff8u
#define VTEITR_CNT_WDIS BIT(31) /* leave the running interval alone */

/* Mailbox (8.3.5.1) */
#define REG_VFMBMEM(word) (0x0200 + 4 * (word))
#define MAILBOX_WORDS 16
#define REG_VFMAILBOX 0x02fc
#define VFMAILBOX_REQ BIT(0)
#define VFMAILBOX_ACK BIT(1)
#define VFMAILBOX_VFU BIT(2)
#define VFMAILBOX_PFU BIT(3)
#define VFMAILBOX_PFSTS BIT(4) /* read to clear, as PFACK and RSTD */
#define VFMAILBOX_PFACK BIT(5)
#define VFMAILBOX_RSTI BIT(6)
#define VFMAILBOX_RSTD BIT(7)

/* RSS: how many queues of the pool the hash chooses from (8.2.3.7) */
#define REG_VFPSRTYPE 0x0300
#define VFPSRTYPE_RQPL_SHIFT 29 /* log2 */

/* Receive queues (8.3.5.6) */
#define REG_VFRDBAL(queue) (0x1000 + 0x40 * (queue))
#define REG_VFRDBAH(queue) (0x1004 + 0x40 * (queue))
#define REG_VFRDLEN(queue) (0x1008 + 0x40 * (queue))
#define REG_VFRDH(queue) (0x1010 + 0x40 * (queue))
#define REG_VFSRRCTL(queue) (0x1014 + 0x40 * (queue))
#define SRRCTL_BSIZEPACKET_SHIFT 10 /* in KiB, 1 ... 16 */
#define SRRCTL_DESCTYPE_ONE_BUFFER (1u << 25)
#define SRRCTL_DROP_EN BIT(28)
#define REG_VFRDT(queue) (0x1018 + 0x40 * (queue))
#define REG_VFRXDCTL(queue) (0x1028 + 0x40 * (queue))
#define RXDCTL_ENABLE BIT(25)
#define RXDCTL_VME BIT(30) /* strip VLAN tags */

/* Transmit queues (8.3.5.7) */
#define REG_VFTDBAL(queue) (0x2000 + 0x40 * (queue))
#define REG_VFTDBAH(queue) (0x2004 + 0x40 * (queue))
#define REG_VFTDLEN(queue) (0x2008 + 0x40 * (queue))
#define REG_VFTDH(queue) (0x2010 + 0x40 * (queue))
#define REG_VFTDT(queue) (0x2018 + 0x40 * (queue))
#define REG_VFTXDCTL(queue) (0x2028 + 0x40 * (queue))
#define TXDCTL_PTHRESH_SHIFT 0
#define TXDCTL_HTHRESH_SHIFT 8
#define TXDCTL_WTHRESH_SHIFT 16
#define TXDCTL_ENABLE BIT(25)
#define REG_VFTDWBAL(queue) (0x2038 + 0x40 * (queue))
#define REG_VFTDWBAH(queue) (0x203c + 0x40 * (queue))

#define RING_ALIGN 128 /* of a ring's address and length (8.2.3.8, 8.2.3.9) */

/* Receive descriptor, read by the card (7.1.6.1): quadword 0 packet buffer, quadword 1 header buffer (0: none). */

/* Receive descriptor, written back (7.1.6.2), quadword 0: RSS type, packet type, hash */
#define RXD_RSS_TYPE 0xfull
#define RXD_IPV4 BIT64(4)
#define RXD_IPV6 BIT64(6)
#define RXD_TCP BIT64(8)
#define RXD_UDP BIT64(9)
#define RXD_SCTP BIT64(10)
#define RXD_HASH_SHIFT 32
/* quadword 1: status, errors, length, VLAN tag */
#define RXD_DD BIT64(0)
#define RXD_EOP BIT64(1)
#define RXD_VP BIT64(3)
#define RXD_UDPCS BIT64(4)
#define RXD_L4CS BIT64(5)
#define RXD_IPCS BIT64(6)
#define RXD_TCPE BIT64(30)
#define RXD_IPE BIT64(31)
#define RXD_LENGTH_SHIFT 32
#define RXD_LENGTH_MASK 0xffffull
#define RXD_VLAN_SHIFT 48

/* Advanced transmit data descriptor (7.2.3.2.4): quadword 0 address; quadword 1 */
#define TXD_DTYP_CONTEXT (2ull << 20)
#define TXD_DTYP_DATA (3ull << 20)
#define TXD_EOP BIT64(24)
#define TXD_IFCS BIT64(25)
#define TXD_RS BIT64(27)
#define TXD_DEXT BIT64(29)
#define TXD_VLE BIT64(30)
#define TXD_TSE BIT64(31)
#define TXD_DD BIT64(32)
#define TXD_IDX_SHIFT 36
#define TXD_CC BIT64(39)
#define TXD_IXSM BIT64(40)
#define TXD_TXSM BIT64(41)
#define TXD_PAYLEN_SHIFT 46
/* Advanced transmit context descriptor (7.2.3.2.3): quadword 0 */
#define CTX_IPLEN_SHIFT 0
#define CTX_MACLEN_SHIFT 9
#define CTX_VLAN_SHIFT 16
/* quadword 1 */
#define CTX_IPV4 BIT64(10)
#define CTX_L4T_UDP (0ull << 11)
#define CTX_L4T_TCP (1ull << 11)
#define CTX_L4T_SCTP (2ull << 11)
#define CTX_L4LEN_SHIFT 40
#define CTX_MSS_SHIFT 48

#endif
