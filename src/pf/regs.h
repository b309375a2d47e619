/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * regs.h - the registers and descriptors of the 82599 that the PF driver uses, in BAR0.
 *
 * A driver's own copy of what it needs, as every driver of the card has one: the driver reaches the
 * card through its registers only, so it shares no header with the device model, and a slip of the
 * pen in either shows up in their common test instead of cancelling out.
 *
 * Sources: Intel 82599 data sheet, chapters 7.1, 7.2 and 8.2.3; names as there.
 */
#ifndef SOFTIOV_PF_REGS_H
#define SOFTIOV_PF_REGS_H

#include <stdint.h>
#include "util/util.h"

/* Control (8.2.3.1) */
#define REG_CTRL 0x00000
#define CTRL_RST BIT(26) /* self-clearing */
#define REG_STATUS 0x00008
#define REG_CTRL_EXT 0x00018
#define CTRL_EXT_PFRSTD BIT(14) /* "PF reset done": ends RSTI in the VFs' mailboxes */
#define CTRL_EXT_NS_DIS BIT(16) /* no snoop disabled */
#define CTRL_EXT_DRV_LOAD BIT(28)
#define REG_LINKS 0x042a4
#define LINKS_UP BIT(30)

/* Interrupts (8.2.3.5) */
#define REG_EICR 0x00800
#define REG_EICS 0x00808 /* reads as EICR without clearing it */
#define REG_EIAC 0x00810
#define REG_EITR(vector) (0x00820 + 4 * (vector)) /* vectors below 24 */
#define REG_EIMS 0x00880
#define REG_EIMC 0x00888
#define REG_EIAM 0x00890
#define REG_GPIE 0x00898
#define REG_IVAR(n) (0x00900 + 4 * (n))
#define REG_IVAR_MISC 0x00a00
#define REG_EIMS_EX(n) (0x00aa0 + 4 * (n))
#define REG_EIMC_EX(n) (0x00ab0 + 4 * (n))
#define EICR_MAILBOX BIT(19)
#define EICR_LSC BIT(20)
#define EICR_OTHER BIT(31)
#define EICR_NOT_QUEUES 0xffff0000u
#define GPIE_MSIX BIT(4)
#define GPIE_OCD BIT(5)
#define GPIE_VTMODE_32 (2u << 14)
#define GPIE_VTMODE_64 (3u << 14)
#define GPIE_PBA BIT(31)
#define IVAR_VALID 0x80u
/* One byte per cause: receive 2n, transmit 2n, receive 2n + 1, transmit 2n + 1. */
#define IVAR_RX_SHIFT(queue) (16 * ((queue)&1))
#define IVAR_TX_SHIFT(queue) (16 * ((queue)&1) + 8)
#define IVAR_MISC_OTHER_SHIFT 8

/* Mailboxes and VF resets (8.2.3.6, 8.2.3.27.15 and following) */
#define REG_VFLRE(vf) ((vf) < 32 ? 0x00600 : 0x001c0)
#define REG_VFLREC(vf) (0x00700 + 4 * ((vf) / 32))
#define REG_MBVFICR(vf) (0x00710 + 4 * ((vf) / MBVFICR_VFS))
#define MBVFICR_VFS 16 /* VFs of one register: requests in the low half, ACKs in the high */
#define MBVFICR_VFREQ(vf) BIT((vf) % MBVFICR_VFS)
#define MBVFICR_VFACK(vf) BIT(MBVFICR_VFS + (vf) % MBVFICR_VFS)
#define REG_PFMAILBOX(vf) (0x04b00 + 4 * (vf))
#define PFMAILBOX_STS BIT(0)
#define PFMAILBOX_ACK BIT(1)
#define PFMAILBOX_PFU BIT(3)
#define REG_PFMBMEM(vf, word) (0x13000 + 64 * (vf) + 4 * (word))
#define MAILBOX_WORDS 16

/* Pools (8.2.3.27) */
#define REG_GCR_EXT 0x11050
#define GCR_EXT_VT_MODE_32 2u
#define GCR_EXT_VT_MODE_64 3u
#define REG_VT_CTL 0x051b0
#define VT_CTL_VT_ENA BIT(0)
#define VT_CTL_POOL_SHIFT 7
#define VT_CTL_DIS_DEFPL BIT(29)
#define VT_CTL_REPLEN BIT(30)
#define REG_VFRE(vf) (0x051e0 + 4 * ((vf) / 32))
#define REG_VFTE(vf) (0x08110 + 4 * ((vf) / 32))
#define REG_VMECM(vf) (0x08790 + 4 * ((vf) / 32)) /* count spoofed frames of these pools */
#define POOL_BIT(vf) BIT((vf) % 32)
#define REG_PFDTXGSWC 0x08220
#define PFDTXGSWC_LBEN BIT(0)
#define REG_PFVFSPOOF(vf) (0x08200 + 4 * ((vf) / 8))
#define PFVFSPOOF_MAC(vf) BIT((vf) % 8)
#define PFVFSPOOF_VLAN(vf) BIT(8 + (vf) % 8)
#define REG_VMVIR(vf) (0x08000 + 4 * (vf))
#define VMVIR_DEFAULT (1u << 30) /* every frame gets the tag in bits 15:0 */
#define VMVIR_QOS_SHIFT 13
#define REG_VMOLR(pool) (0x0f000 + 4 * (pool))
#define VMOLR_AUPE BIT(24)
#define VMOLR_ROMPE BIT(25)
#define VMOLR_BAM BIT(27)
#define VMOLR_MPE BIT(28)
#define REG_QDE 0x02f04
#define QDE_EN BIT(0)
#define QDE_IDX_SHIFT 8
#define QDE_WE BIT(16)

/* Address and VLAN filters (8.2.3.7, 8.2.3.27) */
#define REG_RAL(n) (0x0a200 + 8 * (n))
#define REG_RAH(n) (0x0a204 + 8 * (n))
#define RAH_AV BIT(31)
#define RAH_ADDRESS 0xffffu
#define RAR_ENTRIES 128
#define REG_MPSAR_LO(n) (0x0a600 + 8 * (n))
#define REG_MPSAR_HI(n) (0x0a604 + 8 * (n))
#define REG_FCTRL 0x05080
#define FCTRL_MPE BIT(8)
#define FCTRL_BAM BIT(10)
#define REG_VLNCTRL 0x05088
#define VLNCTRL_VET 0x8100u
#define VLNCTRL_VFE BIT(30)
#define REG_MCSTCTRL 0x05090
#define MCSTCTRL_MFE BIT(2)
#define MCSTCTRL_MO 0 /* hash from address bits 47:36: what VFs are told in the RESET reply */
#define REG_MTA(n) (0x05200 + 4 * (n))
#define REG_UTA(n) (0x0f400 + 4 * (n))
#define REG_VFTA(n) (0x0a000 + 4 * (n))
#define HASH_WORDS 128 /* of MTA, UTA and VFTA: 4096 bits */
#define REG_VLVF(n) (0x0f100 + 4 * (n))
#define VLVF_VIEN BIT(31)
#define REG_VLVFB_LO(n) (0x0f200 + 8 * (n))
#define REG_VLVFB_HI(n) (0x0f204 + 8 * (n))
#define VLVF_ENTRIES 64
#define VLAN_VID 0xfffu

/* Receive and transmit engines (8.2.3.8 - 8.2.3.10) */
#define REG_RXCTRL 0x03000
#define RXCTRL_RXEN BIT(0)
#define REG_DMATXCTL 0x04a80
#define DMATXCTL_TE BIT(0)
#define REG_RDRXCTL 0x02f00
#define RDRXCTL_CRCSTRIP BIT(1)
#define REG_HLREG0 0x04240
#define HLREG0_TXCRCEN BIT(0)
#define HLREG0_RXCRCSTRP BIT(1)
#define HLREG0_JUMBOEN BIT(2)
#define HLREG0_TXPADEN BIT(10)
#define REG_MAXFRS 0x04268
#define MAXFRS_MFS_SHIFT 16
#define REG_RTTDCS 0x04900
#define RTTDCS_ARBDIS BIT(6)
#define REG_RTTDQSEL 0x04904
#define REG_RTTBCNRM 0x04980
#define RTTBCNRM_MMW_SIZE 0x4u /* KiB; as Linux ixgbe */
#define REG_RTTBCNRC 0x04984   /* of the queue in RTTDQSEL */
#define RTTBCNRC_RS_ENA BIT(31)
#define RTTBCNRC_RF_INT_SHIFT 14
#define REG_MTQC 0x08120
#define MTQC_VT_ENA BIT(1)
#define MTQC_64VF (1u << 2)
#define MTQC_32VF (2u << 2)
#define REG_MRQC 0x05818
#define MRQC_VMDQ_RSS32 0xau
#define MRQC_VMDQ_RSS64 0xbu
#define MRQC_TCP_IPV4 BIT(16)
#define MRQC_IPV4 BIT(17)
#define MRQC_IPV6 BIT(20)
#define MRQC_TCP_IPV6 BIT(21)
#define REG_RXCSUM 0x05000
#define RXCSUM_PCSD BIT(13) /* RSS hash instead of fragment checksum in the descriptor */
#define REG_PSRTYPE(pool) (0x0ea00 + 4 * (pool))
#define REG_RETA(n) (0x05c00 + 4 * (n))
#define RETA_ENTRIES 128
#define REG_RSSRK(n) (0x05c80 + 4 * (n))
#define RSSRK_WORDS 10

/* Queues (8.2.3.8, 8.2.3.9): 128 per direction */
#define RXQ(n) ((n) < 64 ? 0x01000 + 0x40 * (n) : 0x0d000 + 0x40 * ((n)-64))
#define REG_RDBAL(n) (RXQ(n) + 0x00)
#define REG_RDBAH(n) (RXQ(n) + 0x04)
#define REG_RDLEN(n) (RXQ(n) + 0x08)
#define REG_RDH(n) (RXQ(n) + 0x10)
#define REG_SRRCTL(n) (RXQ(n) + 0x14)
#define REG_RDT(n) (RXQ(n) + 0x18)
#define REG_RXDCTL(n) (RXQ(n) + 0x28)
#define REG_TDBAL(n) (0x06000 + 0x40 * (n))
#define REG_TDBAH(n) (0x06004 + 0x40 * (n))
#define REG_TDLEN(n) (0x06008 + 0x40 * (n))
#define REG_TDH(n) (0x06010 + 0x40 * (n))
#define REG_TDT(n) (0x06018 + 0x40 * (n))
#define REG_TXDCTL(n) (0x06028 + 0x40 * (n))
#define REG_TDWBAL(n) (0x06038 + 0x40 * (n))
#define REG_TDWBAH(n) (0x0603c + 0x40 * (n))
#define QUEUES 128
#define DCTL_ENABLE BIT(25)
#define TXDCTL_THRESHOLDS (1u << 16 | 1u << 8 | 32u) /* WTHRESH 1, HTHRESH 1, PTHRESH 32 */
#define SRRCTL_BSIZEPKT(bytes) ((bytes) / 1024)
#define SRRCTL_ADV_ONE_BUFFER (1u << 25)
#define SRRCTL_DROP_EN BIT(28)

/** struct pf_desc - a descriptor as four little-endian dwords (7.1.6, 7.2.3.2). */
struct pf_desc {
	_Alignas(16) uint32_t dword[4];
};

/* Advanced transmit context (7.2.3.2.3): dwords 0, 2, 3 */
#define CTX_IPLEN(bytes) ((uint32_t)(bytes))
#define CTX_IPLEN_MAX 511
#define CTX_MACLEN(bytes) ((uint32_t)(bytes) << 9)
#define CTX_MACLEN_MAX 127
#define CTX_VLAN(tci) ((uint32_t)(tci) << 16)
#define CTX_IPV4 BIT(10)
#define CTX_L4T_UDP (0u << 11)
#define CTX_L4T_TCP (1u << 11)
#define CTX_L4T_SCTP (2u << 11)
#define CTX_L4LEN(bytes) ((uint32_t)(bytes) << 8)
#define CTX_L4LEN_MAX 255
#define CTX_MSS(bytes) ((uint32_t)(bytes) << 16)
#define TXD_DTYP_CONTEXT (2u << 20)
#define TXD_DTYP_DATA (3u << 20)
/* Advanced transmit data (7.2.3.2.4): dword 2 holds DTALEN in 15:0, dword 3 PAYLEN in 31:14 */
#define TXD_EOP BIT(24)
#define TXD_IFCS BIT(25)
#define TXD_RS BIT(27)
#define TXD_DEXT BIT(29)
#define TXD_VLE BIT(30)
#define TXD_TSE BIT(31)
#define TXD_DD BIT(0) /* dword 3 when written back */
#define TXD_CC BIT(7)
#define TXD_IXSM BIT(8)
#define TXD_TXSM BIT(9)
#define TXD_PAYLEN(bytes) ((uint32_t)(bytes) << 14)
#define TXD_MAX_DATA 16384 /* bytes of one descriptor, as stock drivers use it */

/* Advanced receive, written back (7.1.6.2): dword 2 status and errors, dword 3 length in 15:0 */
#define RXD_DD BIT(0)
#define RXD_EOP BIT(1)
#define RXD_L4CS BIT(5)
#define RXD_TCPE BIT(30)
#define RXD_IPE BIT(31)
#define RXD_LENGTH(dword3) ((dword3)&0xffff)

#endif
