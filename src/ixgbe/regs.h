/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * regs.h - every register offset and bit of the 82599 that this model gives a meaning.
 *
 * Names are the data sheet's (and Linux's where the data sheet has two); an offset without index is
 * the register's or the array's first dword. Strides and counts stand in the tables of regs_pf.c,
 * regs_stats.c and regs_vf.c. The layout of a queue's register block is in queue.h.
 *
 * Source of each block: Intel 82599 data sheet, section named there; Linux ixgbe_type.h,
 * ixgbevf/regs.h and ixgbevf/defines.h.
 */
#ifndef SOFTIOV_IXGBE_REGS_H
#define SOFTIOV_IXGBE_REGS_H

#include "util/util.h"

/* General control (8.2.3.1) */
#define IXGBE_CTRL 0x00000
#define IXGBE_CTRL_GIO_DIS BIT(2)
#define IXGBE_CTRL_LRST BIT(3)
#define IXGBE_CTRL_RST BIT(26)
#define IXGBE_STATUS 0x00008
#define IXGBE_STATUS_LAN_ID_SHIFT 2
#define IXGBE_STATUS_LINK_UP BIT(7)
#define IXGBE_STATUS_NUM_VFS_SHIFT 10
#define IXGBE_STATUS_IOV_ACTIVE BIT(18)
#define IXGBE_STATUS_GIO BIT(19) /* master requests enabled */
#define IXGBE_CTRL_EXT 0x00018
#define IXGBE_CTRL_EXT_PFRSTD BIT(14)
#define IXGBE_ESDP 0x00020
#define IXGBE_ESDP_SDP2 BIT(2) /* 10fb: module cage occupied */
#define IXGBE_I2CCTL 0x00028
#define IXGBE_I2CCTL_CLK_IN BIT(0)
#define IXGBE_I2CCTL_CLK_OUT BIT(1)
#define IXGBE_I2CCTL_DATA_IN BIT(2)
#define IXGBE_I2CCTL_DATA_OUT BIT(3)
#define IXGBE_FRTIMER 0x00048
#define IXGBE_TCPTIMER 0x0004c
#define IXGBE_LEDCTL 0x00200

/* EEPROM, semaphores, firmware (8.2.3.2) */
#define IXGBE_EEC 0x10010
#define IXGBE_EEC_REQ BIT(6)
#define IXGBE_EEC_GNT BIT(7)
#define IXGBE_EEC_PRES BIT(8)
#define IXGBE_EEC_ARD BIT(9)
#define IXGBE_EEC_SIZE_SHIFT 11
#define IXGBE_EERD 0x10014
#define IXGBE_EERD_START BIT(0)
#define IXGBE_EERD_DONE BIT(1)
#define IXGBE_EERD_ADDR_SHIFT 2
#define IXGBE_EERD_ADDR_MASK 0x3fff
#define IXGBE_EERD_DATA_SHIFT 16
#define IXGBE_SWSM 0x10140
#define IXGBE_SWSM_SMBI BIT(0)
#define IXGBE_SWSM_SWESMBI BIT(1)
#define IXGBE_FWSM 0x10148
#define IXGBE_FWSM_VALID BIT(15)
#define IXGBE_FACTPS 0x10150
#define IXGBE_SW_FW_SYNC 0x10160
#define IXGBE_SW_FW_SYNC_FW 0x000003e0u /* owned by firmware: never taken here */

/* PCI Express (8.2.3.4) */
#define IXGBE_GCR 0x11000
#define IXGBE_GCR_EXT 0x11050
#define IXGBE_GCR_EXT_VT_MODE 0x3u
#define IXGBE_GCR_EXT_VT_MODE_16 1u
#define IXGBE_GCR_EXT_VT_MODE_32 2u
#define IXGBE_GCR_EXT_VT_MODE_64 3u
#define IXGBE_PBACL 0x11068

/* Wake-up and manageability (8.2.3.24) */
#define IXGBE_WUC 0x05800
#define IXGBE_WUFC 0x05808
#define IXGBE_WUS 0x05810

/* Interrupts (8.2.3.5) */
#define IXGBE_EICR 0x00800
#define IXGBE_EICR_QUEUES 0x0000ffffu
#define IXGBE_EICR_OTHER 0xffff0000u
#define IXGBE_EICR_MAILBOX BIT(19)
#define IXGBE_EICR_LSC BIT(20)
#define IXGBE_EICR_OCD_CLEARS 0x3fff0000u /* what a read clears with GPIE.OCD */
#define IXGBE_EICS 0x00808
#define IXGBE_EIAC 0x00810
#define IXGBE_EITR 0x00820
#define IXGBE_EITR_HIGH 0x12300 /* vectors 24 ... 63 */
#define IXGBE_EITR_LOW_COUNT 24
#define IXGBE_EITR_MASK 0x00000ff8u /* bit 31 CNT_WDIS only acts in the write */
#define IXGBE_EITR_SHIFT 3
#define IXGBE_EITR_UNIT_NS 2000u
#define IXGBE_EIMS 0x00880
#define IXGBE_EIMC 0x00888
#define IXGBE_EIAM 0x00890
#define IXGBE_EITRSEL 0x00894
#define IXGBE_GPIE 0x00898
#define IXGBE_GPIE_MSIX BIT(4)
#define IXGBE_GPIE_OCD BIT(5)
#define IXGBE_GPIE_EIAME BIT(30)
#define IXGBE_IVAR 0x00900
#define IXGBE_IVAR_MISC 0x00a00
#define IXGBE_IVAR_VALID 0x80u
#define IXGBE_IVAR_PF_VECTOR 0x3fu
#define IXGBE_IVAR_VF_VECTOR 0x03u
#define IXGBE_EICS_EX 0x00a90
#define IXGBE_EIMS_EX 0x00aa0
#define IXGBE_EIMC_EX 0x00ab0
#define IXGBE_EIAM_EX 0x00ad0

/* Mailbox and VF resets, PF side (8.2.3.22, 8.2.3.23) */
#define IXGBE_VFLRE0 0x00600
#define IXGBE_VFLRE1 0x001c0
#define IXGBE_VFLREC 0x00700
#define IXGBE_MBVFICR 0x00710
#define IXGBE_MBVFICR_VFS 16	   /* VFs per register */
#define IXGBE_MBVFICR_ACK_SHIFT 16 /* VFREQ bits 15:0, VFACK bits 31:16 */
#define IXGBE_PFMAILBOX 0x04b00
#define IXGBE_PFMAILBOX_STS BIT(0)
#define IXGBE_PFMAILBOX_ACK BIT(1)
#define IXGBE_PFMAILBOX_VFU BIT(2)
#define IXGBE_PFMAILBOX_PFU BIT(3)
#define IXGBE_PFMAILBOX_RVFU BIT(4)
#define IXGBE_PFMBMEM 0x13000

/* Receive: global (8.2.3.7, 8.2.3.8) */
#define IXGBE_RXCTRL 0x03000
#define IXGBE_RXCTRL_RXEN BIT(0)
#define IXGBE_PFCTOP 0x03008
#define IXGBE_RTRUP2TC 0x03020
#define IXGBE_RTRPCS 0x02430
#define IXGBE_RXPBSIZE 0x03c00
#define IXGBE_RXPBSIZE_RESET (512u << 10)
#define IXGBE_RDRXCTL 0x02f00
#define IXGBE_RDRXCTL_CRCSTRIP BIT(1)
#define IXGBE_RDRXCTL_DMAIDONE BIT(3)
#define IXGBE_QDE 0x02f04 /* drop enable of one queue, indirect */
#define IXGBE_QDE_ENABLE BIT(0)
#define IXGBE_QDE_IDX_SHIFT 8
#define IXGBE_QDE_IDX_MASK 0x7fu
#define IXGBE_QDE_WRITE BIT(16)
#define IXGBE_QDE_READ BIT(17)
#define IXGBE_SRRCTL_LEGACY 0x02100
#define IXGBE_DCA_RXCTRL_LEGACY 0x02200
#define IXGBE_RQSMR 0x02300
#define IXGBE_RXCSUM 0x05000
#define IXGBE_RXCSUM_PCSD BIT(13)
#define IXGBE_RFCTL 0x05008
#define IXGBE_PSRTYPE_LOW 0x05480 /* alias of the first 16 */
#define IXGBE_PSRTYPE 0x0ea00
#define IXGBE_PSRTYPE_RQPL_SHIFT 29
#define IXGBE_MRQC 0x05818
#define IXGBE_MRQC_MODE 0xfu
#define IXGBE_MRQC_RSS 1u
#define IXGBE_MRQC_RSS_8TC 4u /* RSS within each traffic class */
#define IXGBE_MRQC_RSS_4TC 5u
#define IXGBE_MRQC_VMDQ 8u
#define IXGBE_MRQC_VMDQ_RSS32 0xau
#define IXGBE_MRQC_VMDQ_RSS64 0xbu
#define IXGBE_MRQC_VMDQ_4TC 0xcu
#define IXGBE_MRQC_VMDQ_8TC 0xdu
#define IXGBE_MRQC_RSS_TCP4 BIT(16)
#define IXGBE_MRQC_RSS_IP4 BIT(17)
#define IXGBE_MRQC_RSS_IP6 BIT(20)
#define IXGBE_MRQC_RSS_TCP6 BIT(21)
#define IXGBE_MRQC_RSS_UDP4 BIT(22)
#define IXGBE_MRQC_RSS_UDP6 BIT(23)
#define IXGBE_RETA 0x05c00
#define IXGBE_RSSRK 0x05c80

/* Receive address, multicast, VLAN filters (8.2.3.7) */
#define IXGBE_FCTRL 0x05080
#define IXGBE_FCTRL_SBP BIT(1)
#define IXGBE_FCTRL_MPE BIT(8)
#define IXGBE_FCTRL_UPE BIT(9)
#define IXGBE_FCTRL_BAM BIT(10)
#define IXGBE_VLNCTRL 0x05088
#define IXGBE_VLNCTRL_VFE BIT(30)
#define IXGBE_VLNCTRL_RESET 0x00008100u /* VLAN EtherType */
#define IXGBE_MCSTCTRL 0x05090
#define IXGBE_MCSTCTRL_MO 0x3u
#define IXGBE_MCSTCTRL_MFE BIT(2)
#define IXGBE_MTA 0x05200
#define IXGBE_PFUTA 0x0f400
#define IXGBE_VFTA 0x0a000
#define IXGBE_RAL_LOW 0x05400 /* alias of the first 16 */
#define IXGBE_RAH_LOW 0x05404
#define IXGBE_RAL 0x0a200
#define IXGBE_RAH 0x0a204
#define IXGBE_RAH_AV BIT(31)
#define IXGBE_RAH_MASK 0x8000ffffu
#define IXGBE_MPSAR_LO 0x0a600
#define IXGBE_MPSAR_HI 0x0a604
#define IXGBE_SAQF 0x0e000 /* 5-tuple filters: plain memory */
#define IXGBE_DAQF 0x0e200
#define IXGBE_SDPQF 0x0e400
#define IXGBE_FTQF 0x0e600
#define IXGBE_SYNQF 0x0ec30
#define IXGBE_L34T_IMIR 0x0e800
#define IXGBE_ETQF 0x05128
#define IXGBE_ETQS 0x0ec00

/* Virtualization (8.2.3.27) */
#define IXGBE_VT_CTL 0x051b0
#define IXGBE_VT_CTL_VT_ENA BIT(0)
#define IXGBE_VT_CTL_POOL_SHIFT 7
#define IXGBE_VT_CTL_POOL_MASK 0x3fu
#define IXGBE_VT_CTL_DIS_DEFPL BIT(29)
#define IXGBE_VT_CTL_REPLEN BIT(30)
#define IXGBE_VFRE 0x051e0
#define IXGBE_VFTE 0x08110
#define IXGBE_PFVMTXSW 0x05180 /* local loopback enable, by pool */
#define IXGBE_PFFLP 0x050b0
#define IXGBE_VMOLR 0x0f000
#define IXGBE_VMOLR_UPE BIT(22)
#define IXGBE_VMOLR_AUPE BIT(24)
#define IXGBE_VMOLR_ROMPE BIT(25)
#define IXGBE_VMOLR_ROPE BIT(26)
#define IXGBE_VMOLR_BAM BIT(27)
#define IXGBE_VMOLR_MPE BIT(28)
#define IXGBE_VLVF 0x0f100
#define IXGBE_VLVF_VID 0xfffu
#define IXGBE_VLVF_VIEN BIT(31)
#define IXGBE_VLVFB 0x0f200
#define IXGBE_MRCTL 0x0f600
#define IXGBE_VMRVLAN 0x0f610
#define IXGBE_VMRVM 0x0f630
#define IXGBE_PFVFSPOOF 0x08200
#define IXGBE_PFVFSPOOF_VFS 8 /* VFs per register: MAC check 7:0, VLAN check 15:8 */
#define IXGBE_PFDTXGSWC 0x08220
#define IXGBE_PFDTXGSWC_LBEN BIT(0)
#define IXGBE_VMVIR 0x08000
#define IXGBE_VMVIR_TCI 0xffffu
#define IXGBE_VMVIR_VLANA_SHIFT 30
#define IXGBE_VMVIR_VLANA_DEFAULT 1u
#define IXGBE_VMVIR_VLANA_NEVER 2u
#define IXGBE_SSVPC 0x08780
#define IXGBE_VMECM 0x08790

/* Transmit: global, DCB, rate (8.2.3.9, 8.2.3.10) */
#define IXGBE_DMATXCTL 0x04a80
#define IXGBE_DMATXCTL_TE BIT(0)
#define IXGBE_DTXTCPFLGL 0x04a88
#define IXGBE_DTXTCPFLGH 0x04a8c
#define IXGBE_DTXTCPFLGL_RESET 0x0ff60ff6u
#define IXGBE_DTXTCPFLGH_RESET 0x00000f7fu
#define IXGBE_DTXMXSZRQ 0x08100
#define IXGBE_TXPBTHRESH 0x04950
#define IXGBE_TXPBSIZE 0x0cc00
#define IXGBE_MTQC 0x08120
#define IXGBE_MTQC_VT_ENA BIT(1)
#define IXGBE_MTQC_NUM_SHIFT 2
#define IXGBE_MTQC_NUM_64 1u
#define IXGBE_MTQC_NUM_32 2u
#define IXGBE_MTQC_NUM_16 3u
#define IXGBE_RTTDCS 0x04900
#define IXGBE_RTTDQSEL 0x04904
#define IXGBE_RTTDQSEL_MASK 0x7fu
#define IXGBE_RTTDT1C 0x04908 /* indirect: RTTDQSEL */
#define IXGBE_RTTDT2C 0x04910
#define IXGBE_RTTBCNRM 0x04980
#define IXGBE_RTTBCNRC 0x04984 /* indirect: RTTDQSEL */
#define IXGBE_RTTPCS 0x0cd00
#define IXGBE_RTTPT2C 0x0cd20
#define IXGBE_RTTUP2TC 0x0c800
#define IXGBE_RTRPT4C 0x02140
#define IXGBE_TQSM 0x08600

/* Security blocks: here only their on/off handshakes (8.2.3.13) */
#define IXGBE_SECTXCTRL 0x08800
#define IXGBE_SECTXSTAT 0x08804
#define IXGBE_SECTXBUFFAF 0x08808
#define IXGBE_SECTXMINIFG 0x08810
#define IXGBE_SECRXCTRL 0x08d00
#define IXGBE_SECRXSTAT 0x08d04
#define IXGBE_SEC_DIS BIT(1)
#define IXGBE_SECSTAT_RDY BIT(0)
#define IXGBE_SECSTAT_OFF_DIS BIT(1)

/* MAC and link (8.2.3.22) */
#define IXGBE_PCS1GLCTL 0x04208
#define IXGBE_PCS1GLSTA 0x0420c
#define IXGBE_PCS1GANA 0x04218
#define IXGBE_HLREG0 0x04240
#define IXGBE_HLREG0_RXCRCSTRP BIT(1)
#define IXGBE_HLREG0_JUMBOEN BIT(2)
#define IXGBE_HLREG0_TXPADEN BIT(10)
#define IXGBE_HLREG0_LPBK BIT(15)
#define IXGBE_HLREG0_RESET 0x00000c03u /* CRC appended and stripped, padding, reserved bit 11 */
#define IXGBE_MAXFRS 0x04268
#define IXGBE_MAXFRS_SHIFT 16 /* with FCS */
#define IXGBE_MAXFRS_RESET (1518u << IXGBE_MAXFRS_SHIFT)
#define IXGBE_MSCA 0x0425c
#define IXGBE_MSCA_COMMAND BIT(30)
#define IXGBE_MSRWD 0x04260
#define IXGBE_MSRWD_ABSENT 0xffff0000u /* what an MDIO bus without PHY gives */
#define IXGBE_MFLCN 0x04294
#define IXGBE_MACC 0x04330
#define IXGBE_AUTOC 0x042a0
#define IXGBE_AUTOC_AN_RESTART BIT(12)
#define IXGBE_AUTOC_RESET 0xc0018000u /* LMS 4 (KX4/KX/KR), KX4, KX and KR supported */
#define IXGBE_AUTOC_SFP 0xc0006000u   /* LMS 3 (10G serial) */
#define IXGBE_LINKS 0x042a4
#define IXGBE_LINKS_UP BIT(30)
#define IXGBE_LINKS_10G (3u << 28)
#define IXGBE_LINKS_KX_AN_COMP BIT(31)
#define IXGBE_AUTOC2 0x042a8
#define IXGBE_AUTOC2_10G_SFI (2u << 16)
#define IXGBE_ANLP1 0x042b0
#define IXGBE_ANLP1_AN_STATE 0x00080000u /* anything but 0 in 19:16 */
#define IXGBE_LINKS2 0x04324
#define IXGBE_LINKS2_PARTNER_AN BIT(6)
#define IXGBE_MMNGC 0x042d0
#define IXGBE_CORECTL 0x14f00
#define IXGBE_FCTTV 0x03200
#define IXGBE_FCRTL 0x03220
#define IXGBE_FCRTH 0x03260
#define IXGBE_FCRT_MASK 0x8007fff0u
#define IXGBE_FCRTV 0x032a0
#define IXGBE_FCCFG 0x03d00

/* Flow director (8.2.3.21) */
#define IXGBE_FDIRCTRL 0x0ee00
#define IXGBE_FDIRCTRL_INIT_DONE BIT(3)
#define IXGBE_FDIRCTRL_PERFECT BIT(4)
#define IXGBE_FDIRCTRL_FLEX_SHIFT 16 /* offset of the flexible bytes, in words */
#define IXGBE_FDIRCTRL_FLEX_MASK 0x1fu
#define IXGBE_FDIRSIP4M 0x0ee40
#define IXGBE_FDIRHASH 0x0ee28
#define IXGBE_FDIRCMD 0x0ee2c
#define IXGBE_FDIRCMD_CMD 0x3u
#define IXGBE_FDIRCMD_ADD 1u
#define IXGBE_FDIRCMD_REMOVE 2u
#define IXGBE_FDIRCMD_QUERY 3u
#define IXGBE_FDIRCMD_FILTER_VALID BIT(2)
#define IXGBE_FDIRCMD_FLOW_SHIFT 5
#define IXGBE_FDIRCMD_IPV6 BIT(7)
#define IXGBE_FDIRCMD_DROP BIT(9)
#define IXGBE_FDIRCMD_QUEUE_SHIFT 16
#define IXGBE_FDIRCMD_POOL_SHIFT 24
#define IXGBE_FDIRFREE 0x0ee38
#define IXGBE_FDIRHKEY 0x0ee68
#define IXGBE_FDIRSKEY 0x0ee6c
#define IXGBE_FDIRSIPV6 0x0ee0c
#define IXGBE_FDIRIPSA 0x0ee18
#define IXGBE_FDIRIPDA 0x0ee1c
#define IXGBE_FDIRPORT 0x0ee20	/* destination 31:16, source 15:0 */
#define IXGBE_FDIRVLAN 0x0ee24	/* flexible bytes 31:16, tag 15:0 */
#define IXGBE_FDIRDIP4M 0x0ee3c /* a set bit is not compared */
#define IXGBE_FDIRTCPM 0x0ee44
#define IXGBE_FDIRUDPM 0x0ee48
#define IXGBE_FDIRM 0x0ee70
#define IXGBE_FDIRM_VLANID BIT(0)
#define IXGBE_FDIRM_VLANP BIT(1)
#define IXGBE_FDIRM_POOL BIT(2)
#define IXGBE_FDIRM_L4P BIT(3)
#define IXGBE_FDIRM_FLEX BIT(4)
#define IXGBE_FDIRMATCH 0x0ee58
#define IXGBE_FDIRMISS 0x0ee5c

/* Time stamps (8.2.3.14) */
#define IXGBE_TSYNCTXCTL 0x08c00
#define IXGBE_TXSTMPL 0x08c04
#define IXGBE_TXSTMPH 0x08c08
#define IXGBE_SYSTIML 0x08c0c
#define IXGBE_SYSTIMH 0x08c10
#define IXGBE_TIMINCA 0x08c14
#define IXGBE_TIMADJL 0x08c18
#define IXGBE_TIMADJH 0x08c1c
#define IXGBE_TSAUXC 0x08c20
#define IXGBE_TSYNCRXCTL 0x05188
#define IXGBE_RXMTRL 0x05120
#define IXGBE_RXSTMPL 0x051e8
#define IXGBE_RXSTMPH 0x051a4

/* Queue register windows of the PF (8.2.3.8, 8.2.3.9): blocks of 0x40 bytes */
#define IXGBE_Q_STRIDE 0x40
#define IXGBE_RX_WINDOW 0x01000 /* queues 0 ... 63 */
#define IXGBE_RX_WINDOW_HIGH 0x0d000
#define IXGBE_RX_WINDOW_QUEUES 64
#define IXGBE_TX_WINDOW 0x06000 /* queues 0 ... 127 */
#define IXGBE_QUEUE_ALIASES 16	/* SRRCTL_LEGACY, DCA_RXCTRL_LEGACY */
#define IXGBE_QBAL_MASK 0xffffff80u
#define IXGBE_QLEN_MASK 0x000fff80u
#define IXGBE_QTAIL_MASK 0x0000ffffu
#define IXGBE_SRRCTL_RESET 0x00000402u
#define IXGBE_DCA_RXCTRL_RESET 0x0000a200u
#define IXGBE_DCA_TXCTRL_RESET 0x00002a00u

/* PF views of the VFs' counters (8.2.3.27) */
#define IXGBE_PVFGPRC 0x0101c
#define IXGBE_PVFGORC_LSB 0x01020
#define IXGBE_PVFGORC_MSB 0x0d020
#define IXGBE_PVFMPRC 0x0d01c
#define IXGBE_PVFGPTC 0x08300
#define IXGBE_PVFGOTC_LSB 0x08400
#define IXGBE_PVFGOTC_MSB 0x08404

/* Statistics, all cleared by reading (8.2.3.26) */
#define IXGBE_MPC 0x03fa0 /* by packet buffer; here there is one */
#define IXGBE_GPRC 0x04074
#define IXGBE_BPRC 0x04078
#define IXGBE_MPRC 0x0407c
#define IXGBE_GPTC 0x04080
#define IXGBE_GORCL 0x04088
#define IXGBE_GORCH 0x0408c
#define IXGBE_GOTCL 0x04090
#define IXGBE_GOTCH 0x04094
#define IXGBE_ROC 0x040ac
#define IXGBE_TORL 0x040c0
#define IXGBE_TORH 0x040c4
#define IXGBE_TPR 0x040d0
#define IXGBE_TPT 0x040d4
#define IXGBE_QPRC 0x01030
#define IXGBE_QBRC_L 0x01034
#define IXGBE_QBRC_H 0x01038
#define IXGBE_QPRDC 0x01430
#define IXGBE_QPTC 0x06030 /* where Linux reads it */
#define IXGBE_QPTC_82599 0x08680
#define IXGBE_QBTC_L 0x08700
#define IXGBE_QBTC_H 0x08704
#define IXGBE_QSTAT_QUEUES 16
#define IXGBE_TXDGPC 0x087a0

/* VF page 0 (8.3.5): control. Pages 1 and 2: see queue.h */
#define IXGBE_VFCTRL 0x0000
#define IXGBE_VFCTRL_RST BIT(26)
#define IXGBE_VFSTATUS 0x0008
#define IXGBE_VFLINKS 0x0010
#define IXGBE_VFFRTIMER 0x0048
#define IXGBE_VTEICR 0x0100
#define IXGBE_VTEICS 0x0104
#define IXGBE_VTEIMS 0x0108
#define IXGBE_VTEIMC 0x010c
#define IXGBE_VTEIAC 0x0110
#define IXGBE_VTEIAM 0x0114
#define IXGBE_VTIVAR 0x0120
#define IXGBE_VTIVAR_MISC 0x0140
#define IXGBE_VTEI_MASK 0x7u /* three vectors */
#define IXGBE_VFPBACL 0x0148
#define IXGBE_VTRSCINT 0x0180
#define IXGBE_VFMBMEM 0x0200
#define IXGBE_VFMAILBOX 0x02fc
#define IXGBE_VFMAILBOX_REQ BIT(0)
#define IXGBE_VFMAILBOX_ACK BIT(1)
#define IXGBE_VFMAILBOX_VFU BIT(2)
#define IXGBE_VFMAILBOX_PFU BIT(3)
#define IXGBE_VFMAILBOX_PFSTS BIT(4)
#define IXGBE_VFMAILBOX_PFACK BIT(5)
#define IXGBE_VFMAILBOX_RSTI BIT(6)
#define IXGBE_VFMAILBOX_RSTD BIT(7)
#define IXGBE_VFPSRTYPE 0x0300
#define IXGBE_VTEITR 0x0820
#define IXGBE_VF_RX_PAGE 0x1000
#define IXGBE_VF_TX_PAGE 0x2000

/* MSI-X table (PCI Express Base 5.0, 7.7.2.2) and where it lies in its BAR (9.3.6.8) */
#define IXGBE_MSIX_PBA 0x2000
#define IXGBE_MSIX_BAR_SIZE 0x4000
#define IXGBE_MSIX_ENTRY_SIZE 16
#define IXGBE_MSIX_CONTROL 12
#define IXGBE_MSIX_CONTROL_MASK BIT(0)

#endif
