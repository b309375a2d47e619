// SPDX-License-Identifier: BSD-3-Clause
/*
 * regs_pf.c - the registers of the PF's BAR0, row by row.
 *
 * What each register does stands in the file named in registers.h for its handler. Many have no
 * effect on a software card (flow control, DCB weights, manageability): they are memory, because
 * drivers read back what they wrote.
 *
 * Source: data sheet 8.2.3; Linux ixgbe, ixgbevf. Reset values: there, else 0.
 */
#include "ixgbe/registers.h"

#define ALL UINT32_MAX
#define NONE 0u
#define Q IXGBE_Q_STRIDE
#define NV IXGBE_MAX_VFS
#define RX(dword) (IXGBE_RX_WINDOW + (dword)*4)
#define RXH(dword) (IXGBE_RX_WINDOW_HIGH + (dword)*4)
#define TX(dword) (IXGBE_TX_WINDOW + (dword)*4)
#define NRX IXGBE_RX_WINDOW_QUEUES
#define NTX IXGBE_QUEUES
#define NS IXGBE_QSTAT_QUEUES
#define QUEUE ixgbe_read_queue, ixgbe_write_queue
#define ALIAS ixgbe_read_queue_alias, ixgbe_write_queue_alias
#define I2C_OUT (IXGBE_I2CCTL_CLK_OUT | IXGBE_I2CCTL_DATA_OUT)
#define I2C ixgbe_read_i2cctl, ixgbe_write_i2cctl
#define CTRL_KEPT (~(IXGBE_CTRL_RST | IXGBE_CTRL_LRST))
#define CTRL_EXT_KEPT (~IXGBE_CTRL_EXT_PFRSTD)
#define SWSM_BOTH (IXGBE_SWSM_SMBI | IXGBE_SWSM_SWESMBI)
#define EITR_LOW IXGBE_EITR_LOW_COUNT
#define EITR_HIGH (IXGBE_PF_VECTORS - IXGBE_EITR_LOW_COUNT)
#define EITR_ROW 0, IXGBE_EITR_MASK, NULL, ixgbe_write_eitr
#define PFMBX ixgbe_read_pfmailbox, ixgbe_write_pfmailbox
#define FDIRCTRL ixgbe_read_fdirctrl, ixgbe_write_fdirctrl
#define SECSTAT ixgbe_read_secstat, NULL
#define MEMORY ixgbe_read_mbmem, ixgbe_write_mbmem
#define NA IXGBE_QUEUE_ALIASES
#define SWITCH NULL, ixgbe_write_switch /* memory that the switch tables are made from */
#define MODE NULL, ixgbe_write_mode	/* and that decides which queue belongs to which pool */
#define ENABLE NULL, ixgbe_write_enable /* clearing a bit stops queues */
#define COUNT(id) ixgbe_read_counter, NULL, 0, IXGBE_COUNT_##id
#define COUNT_LOW(id) ixgbe_read_counter_low, NULL, 0, IXGBE_COUNT_##id
#define COUNT_HIGH(id) ixgbe_read_counter_high, NULL, 0, IXGBE_COUNT_##id

/* clang-format off */
static const struct ixgbe_register table[] = {
	/* name         offset           stride count reset mask  read, write, alias of, argument */
	/* general control (8.2.3.1) */
	{ "CTRL",       IXGBE_CTRL,       0, 1, 0, CTRL_KEPT, NULL, ixgbe_write_ctrl },
	{ "STATUS",     IXGBE_STATUS,     0, 1, 0, NONE, ixgbe_read_status },
	{ "CTRL_EXT",   IXGBE_CTRL_EXT,   0, 1, 0, CTRL_EXT_KEPT, NULL, ixgbe_write_ctrl_ext },
	{ "ESDP",       IXGBE_ESDP,       0, 1, 0, ALL, ixgbe_read_esdp },
	{ "I2CCTL",     IXGBE_I2CCTL,     0, 1, I2C_OUT, I2C_OUT, I2C },
	{ "FRTIMER",    IXGBE_FRTIMER,    0, 1, 0, NONE, ixgbe_read_frtimer },
	{ "TCPTIMER",   IXGBE_TCPTIMER,   0, 1, 0, ALL },
	{ "LEDCTL",     IXGBE_LEDCTL,     0, 1, 0, ALL },

	/* EEPROM, semaphores, firmware (8.2.3.2) */
	{ "EEC",        IXGBE_EEC,        0, 1, 0, IXGBE_EEC_REQ, ixgbe_read_eec },
	{ "EERD",       IXGBE_EERD,       0, 1, 0, ALL, NULL, ixgbe_write_eerd },
	{ "SWSM",       IXGBE_SWSM,       0, 1, 0, SWSM_BOTH, ixgbe_read_swsm },
	{ "FWSM",       IXGBE_FWSM,       0, 1, IXGBE_FWSM_VALID, NONE },
	{ "FACTPS",     IXGBE_FACTPS,     0, 1, 0, NONE },
	{ "SW_FW_SYNC", IXGBE_SW_FW_SYNC, 0, 1, 0, ~IXGBE_SW_FW_SYNC_FW },

	/* PCI Express, wake-up (8.2.3.4, 8.2.3.24) */
	{ "GCR",        IXGBE_GCR,        0, 1, 0, ALL },
	{ "GCR_EXT",    IXGBE_GCR_EXT,    0, 1, 0, ALL, MODE },
	{ "PBACL",      IXGBE_PBACL,      0, 1, 0, NONE },
	{ "WUC",        IXGBE_WUC,        0, 1, 0, ALL },
	{ "WUFC",       IXGBE_WUFC,       0, 1, 0, ALL },
	{ "WUS",        IXGBE_WUS,        0, 1, 0, NONE },

	/* interrupts (8.2.3.5) */
	{ "EICR",       IXGBE_EICR,       0, 1, 0, NONE, ixgbe_read_eicr, ixgbe_write_eicr },
	{ "EICS",       IXGBE_EICS,       0, 1, 0, NONE, ixgbe_read_eics, ixgbe_write_eics },
	{ "EIAC",       IXGBE_EIAC,       0, 1, 0, ALL, NULL, ixgbe_write_auto },
	{ "EITR",       IXGBE_EITR,       4, EITR_LOW, EITR_ROW },
	{ "EITR",       IXGBE_EITR_HIGH,  4, EITR_HIGH, EITR_ROW },
	{ "EIMS",       IXGBE_EIMS,       0, 1, 0, NONE, ixgbe_read_eims, ixgbe_write_eims },
	{ "EIMC",       IXGBE_EIMC,       0, 1, 0, NONE, ixgbe_read_eims, ixgbe_write_eimc },
	{ "EIAM",       IXGBE_EIAM,       0, 1, 0, ALL, NULL, ixgbe_write_auto },
	{ "EITRSEL",    IXGBE_EITRSEL,    0, 1, 0, ALL },
	{ "GPIE",       IXGBE_GPIE,       0, 1, 0, ALL, NULL, ixgbe_write_auto },
	{ "IVAR",       IXGBE_IVAR,       4, 64, 0, 0xbfbfbfbf },
	{ "IVAR_MISC",  IXGBE_IVAR_MISC,  0, 1, 0, 0x0000bfbf, NULL, ixgbe_write_auto },
	{ "EICS_EX",    IXGBE_EICS_EX,    4, 2, 0, NONE, ixgbe_read_eics_ex, ixgbe_write_eics_ex },
	{ "EIMS_EX",    IXGBE_EIMS_EX,    4, 2, 0, NONE, ixgbe_read_eims_ex, ixgbe_write_eims_ex },
	{ "EIMC_EX",    IXGBE_EIMC_EX,    4, 2, 0, NONE, ixgbe_read_eims_ex, ixgbe_write_eimc_ex },
	{ "EIAM_EX",    IXGBE_EIAM_EX,    4, 2, 0, ALL, NULL, ixgbe_write_auto },

	/* VF resets and mailboxes (8.2.3.22, 8.2.3.23); MBVFIMR: no driver writes it */
	{ "VFLRE",      IXGBE_VFLRE0,     0, 1, 0, NONE, ixgbe_read_vflre },
	{ "VFLRE",      IXGBE_VFLRE1,     0, 1, 0, NONE, ixgbe_read_vflre },
	{ "VFLREC",     IXGBE_VFLREC,     4, 2, 0, NONE, ixgbe_read_vflrec, ixgbe_write_vflrec },
	{ "MBVFICR",    IXGBE_MBVFICR,    4, 4, 0, NONE, ixgbe_read_mbvficr, ixgbe_write_mbvficr },
	{ "PFMAILBOX",  IXGBE_PFMAILBOX,  4, NV, 0, NONE, PFMBX },
	{ "PFMBMEM",    IXGBE_PFMBMEM,    4, NV * IXGBE_MBMEM_DWORDS, 0, ALL, MEMORY },

	/* receive: global (8.2.3.8) */
	{ "RXCTRL",     IXGBE_RXCTRL,     0, 1, 0, IXGBE_RXCTRL_RXEN, ENABLE },
	{ "PFCTOP",     IXGBE_PFCTOP,     0, 1, 0, ALL },
	{ "RTRUP2TC",   IXGBE_RTRUP2TC,   0, 1, 0, ALL },
	{ "RTRPCS",     IXGBE_RTRPCS,     0, 1, 0, ALL },
	{ "RTRPT4C",    IXGBE_RTRPT4C,    4, 8, 0, ALL },
	{ "RXPBSIZE",   IXGBE_RXPBSIZE,   4, 1, IXGBE_RXPBSIZE_RESET, ALL },
	{ "RXPBSIZE",   IXGBE_RXPBSIZE + 4, 4, 7, 0, ALL },
	{ "RDRXCTL",    IXGBE_RDRXCTL,    0, 1, 0, ALL, ixgbe_read_dmaidone },
	{ "QDE",        IXGBE_QDE,        0, 1, 0, ALL, ixgbe_read_qde, ixgbe_write_qde },
	{ "RQSMR",      IXGBE_RQSMR,      4, 32, 0, 0x0f0f0f0f },
	{ "RXCSUM",     IXGBE_RXCSUM,     0, 1, 0, ALL },
	{ "RFCTL",      IXGBE_RFCTL,      0, 1, 0, ALL },
	{ "PSRTYPE",    IXGBE_PSRTYPE,    4, IXGBE_POOLS, 0, ALL },
	{ "PSRTYPE",    IXGBE_PSRTYPE_LOW, 4, 16, 0, ALL, NULL, NULL, IXGBE_PSRTYPE },
	{ "MRQC",       IXGBE_MRQC,       0, 1, 0, ALL, MODE },
	{ "RETA",       IXGBE_RETA,       4, 32, 0, ALL },
	{ "RSSRK",      IXGBE_RSSRK,      4, 10, 0, ALL },

	/* receive filters (8.2.3.7) */
	{ "FCTRL",      IXGBE_FCTRL,      0, 1, 0, ALL, SWITCH },
	{ "VLNCTRL",    IXGBE_VLNCTRL,    0, 1, IXGBE_VLNCTRL_RESET, ALL, SWITCH },
	{ "MCSTCTRL",   IXGBE_MCSTCTRL,   0, 1, 0, ALL, SWITCH },
	{ "MTA",        IXGBE_MTA,        4, 128, 0, ALL, SWITCH },
	{ "PFUTA",      IXGBE_PFUTA,      4, 128, 0, ALL, SWITCH },
	{ "VFTA",       IXGBE_VFTA,       4, 128, 0, ALL, SWITCH },
	{ "RAL",        IXGBE_RAL,        8, ESWITCH_MACS, 0, ALL, SWITCH },
	{ "RAH",        IXGBE_RAH,        8, ESWITCH_MACS, 0, IXGBE_RAH_MASK, SWITCH },
	{ "RAL",        IXGBE_RAL_LOW,    8, 16, 0, ALL, SWITCH, IXGBE_RAL },
	{ "RAH",        IXGBE_RAH_LOW,    8, 16, 0, IXGBE_RAH_MASK, SWITCH, IXGBE_RAH },
	{ "MPSAR_LO",   IXGBE_MPSAR_LO,   8, ESWITCH_MACS, 0, ALL, SWITCH },
	{ "MPSAR_HI",   IXGBE_MPSAR_HI,   8, ESWITCH_MACS, 0, ALL, SWITCH },
	{ "ETQF",       IXGBE_ETQF,       4, 8, 0, ALL },
	{ "ETQS",       IXGBE_ETQS,       4, 8, 0, ALL },
	{ "SAQF",       IXGBE_SAQF,       4, 128, 0, ALL },
	{ "DAQF",       IXGBE_DAQF,       4, 128, 0, ALL },
	{ "SDPQF",      IXGBE_SDPQF,      4, 128, 0, ALL },
	{ "FTQF",       IXGBE_FTQF,       4, 128, 0, ALL },
	{ "L34T_IMIR",  IXGBE_L34T_IMIR,  4, 128, 0, ALL },
	{ "SYNQF",      IXGBE_SYNQF,      0, 1, 0, ALL },

	/* virtualization (8.2.3.27) */
	{ "VT_CTL",     IXGBE_VT_CTL,     0, 1, 0, ALL, MODE },
	{ "VFRE",       IXGBE_VFRE,       4, 2, 0, ALL, ENABLE },
	{ "VFTE",       IXGBE_VFTE,       4, 2, 0, ALL, ENABLE },
	{ "PFVMTXSW",   IXGBE_PFVMTXSW,   4, 2, 0, ALL, SWITCH },
	{ "PFFLP",      IXGBE_PFFLP,      4, 2, 0, ALL, SWITCH },
	{ "VMOLR",      IXGBE_VMOLR,      4, IXGBE_POOLS, 0, ALL, SWITCH },
	{ "VLVF",       IXGBE_VLVF,       4, ESWITCH_VLANS, 0, ALL, SWITCH },
	{ "VLVFB",      IXGBE_VLVFB,      4, 2 * ESWITCH_VLANS, 0, ALL, SWITCH },
	{ "PFVFSPOOF",  IXGBE_PFVFSPOOF,  4, NV / IXGBE_PFVFSPOOF_VFS, 0, ALL, SWITCH },
	{ "PFDTXGSWC",  IXGBE_PFDTXGSWC,  0, 1, 0, ALL, SWITCH },
	{ "VMVIR",      IXGBE_VMVIR,      4, IXGBE_POOLS, 0, ALL, SWITCH },
	{ "VMECM",      IXGBE_VMECM,      4, 2, 0, ALL },
	{ "MRCTL",      IXGBE_MRCTL,      4, 4, 0, ALL, SWITCH },
	{ "VMRVLAN",    IXGBE_VMRVLAN,    4, 8, 0, ALL, SWITCH },
	{ "VMRVM",      IXGBE_VMRVM,      4, 8, 0, ALL, SWITCH },

	/* transmit: global, DCB, rate (8.2.3.9, 8.2.3.10) */
	{ "DMATXCTL",   IXGBE_DMATXCTL,   0, 1, 0, ALL, ENABLE },
	{ "DTXTCPFLGL", IXGBE_DTXTCPFLGL, 0, 1, IXGBE_DTXTCPFLGL_RESET, ALL },
	{ "DTXTCPFLGH", IXGBE_DTXTCPFLGH, 0, 1, IXGBE_DTXTCPFLGH_RESET, ALL },
	{ "DTXMXSZRQ",  IXGBE_DTXMXSZRQ,  0, 1, 0, ALL },
	{ "TXPBTHRESH", IXGBE_TXPBTHRESH, 4, 8, 0, ALL },
	{ "TXPBSIZE",   IXGBE_TXPBSIZE,   4, 8, 0, ALL },
	{ "MTQC",       IXGBE_MTQC,       0, 1, 0, ALL, MODE },
	{ "RTTDCS",     IXGBE_RTTDCS,     0, 1, 0, ALL },
	{ "RTTDQSEL",   IXGBE_RTTDQSEL,   0, 1, 0, IXGBE_RTTDQSEL_MASK },
	{ "RTTDT1C",    IXGBE_RTTDT1C,    0, 1, 0, ALL, ixgbe_read_rtt, ixgbe_write_rtt },
	{ "RTTDT2C",    IXGBE_RTTDT2C,    4, 8, 0, ALL },
	{ "RTTBCNRM",   IXGBE_RTTBCNRM,   0, 1, 0, ALL },
	{ "RTTBCNRC",   IXGBE_RTTBCNRC,   0, 1, 0, ALL, ixgbe_read_rate, ixgbe_write_rate },
	{ "RTTPCS",     IXGBE_RTTPCS,     0, 1, 0, ALL },
	{ "RTTPT2C",    IXGBE_RTTPT2C,    4, 8, 0, ALL },
	{ "RTTUP2TC",   IXGBE_RTTUP2TC,   0, 1, 0, ALL },
	{ "TQSM",       IXGBE_TQSM,       4, 32, 0, 0x0f0f0f0f },

	/* security blocks (8.2.3.13) */
	{ "SECTXCTRL",  IXGBE_SECTXCTRL,  0, 1, 0, ALL },
	{ "SECTXSTAT",  IXGBE_SECTXSTAT,  0, 1, 0, NONE, SECSTAT, IXGBE_SECTXCTRL },
	{ "SECTXBUFFAF", IXGBE_SECTXBUFFAF, 0, 1, 0, ALL },
	{ "SECTXMINIFG", IXGBE_SECTXMINIFG, 0, 1, 0, ALL },
	{ "SECRXCTRL",  IXGBE_SECRXCTRL,  0, 1, 0, ALL },
	{ "SECRXSTAT",  IXGBE_SECRXSTAT,  0, 1, 0, NONE, SECSTAT, IXGBE_SECRXCTRL },

	/* MAC, link, flow control (8.2.3.22, 8.2.3.3) */
	{ "PCS1GLCTL",  IXGBE_PCS1GLCTL,  0, 1, 0, ALL },
	{ "PCS1GLSTA",  IXGBE_PCS1GLSTA,  0, 1, 0, ALL },
	{ "PCS1GANA",   IXGBE_PCS1GANA,   0, 1, 0, ALL },
	{ "HLREG0",     IXGBE_HLREG0,     0, 1, IXGBE_HLREG0_RESET, ALL, SWITCH },
	{ "MAXFRS",     IXGBE_MAXFRS,     0, 1, IXGBE_MAXFRS_RESET, ALL },
	{ "MSCA",       IXGBE_MSCA,       0, 1, 0, ~IXGBE_MSCA_COMMAND },
	{ "MSRWD",      IXGBE_MSRWD,      0, 1, IXGBE_MSRWD_ABSENT, ~IXGBE_MSRWD_ABSENT },
	{ "MFLCN",      IXGBE_MFLCN,      0, 1, 0, ALL },
	{ "MACC",       IXGBE_MACC,       0, 1, 0, ALL },
	{ "AUTOC",      IXGBE_AUTOC,      0, 1, IXGBE_AUTOC_RESET, ~IXGBE_AUTOC_AN_RESTART },
	{ "LINKS",      IXGBE_LINKS,      0, 1, 0, NONE, ixgbe_read_links },
	{ "AUTOC2",     IXGBE_AUTOC2,     0, 1, 0, ALL },
	{ "ANLP1",      IXGBE_ANLP1,      0, 1, IXGBE_ANLP1_AN_STATE, NONE },
	{ "LINKS2",     IXGBE_LINKS2,     0, 1, 0, NONE, ixgbe_read_links2 },
	{ "MMNGC",      IXGBE_MMNGC,      0, 1, 0, NONE },
	{ "CORECTL",    IXGBE_CORECTL,    0, 1, 0, ALL },
	{ "FCTTV",      IXGBE_FCTTV,      4, 4, 0, ALL },
	{ "FCRTL",      IXGBE_FCRTL,      4, 8, 0, IXGBE_FCRT_MASK },
	{ "FCRTH",      IXGBE_FCRTH,      4, 8, 0, IXGBE_FCRT_MASK },
	{ "FCRTV",      IXGBE_FCRTV,      0, 1, 0, ALL },
	{ "FCCFG",      IXGBE_FCCFG,      0, 1, 0, ALL },

	/* flow director (8.2.3.21) */
	{ "FDIRCTRL",   IXGBE_FDIRCTRL,   0, 1, 0, ALL, FDIRCTRL },
	{ "FDIRSIPV6",  IXGBE_FDIRSIPV6,  4, 7, 0, ALL }, /* and IPSA, IPDA, PORT, VLAN */
	{ "FDIRHASH",   IXGBE_FDIRHASH,   0, 1, 0, ALL },
	{ "FDIRCMD",    IXGBE_FDIRCMD,    0, 1, 0, ALL, NULL, ixgbe_write_fdircmd },
	{ "FDIRMATCH",  IXGBE_FDIRMATCH,  0, 1, 0, NONE, COUNT(FDIRMATCH) },
	{ "FDIRMISS",   IXGBE_FDIRMISS,   0, 1, 0, NONE, COUNT(FDIRMISS) },
	{ "FDIRFREE",   IXGBE_FDIRFREE,   0, 1, 0, ALL },
	{ "FDIRDIP4M",  IXGBE_FDIRDIP4M,  4, 4, 0, ALL }, /* and SIP4M, TCPM, UDPM */
	{ "FDIRHKEY",   IXGBE_FDIRHKEY,   0, 1, 0, ALL },
	{ "FDIRSKEY",   IXGBE_FDIRSKEY,   0, 1, 0, ALL },
	{ "FDIRM",      IXGBE_FDIRM,      4, 3, 0, ALL }, /* and IP6M, SCTPM */

	/* time (8.2.3.14) */
	{ "TSYNCTXCTL", IXGBE_TSYNCTXCTL, 0, 1, 0, ALL },
	{ "TXSTMPL",    IXGBE_TXSTMPL,    0, 1, 0, NONE },
	{ "TXSTMPH",    IXGBE_TXSTMPH,    0, 1, 0, NONE },
	{ "SYSTIML",    IXGBE_SYSTIML,    0, 1, 0, ALL, ixgbe_read_systim, ixgbe_write_systim },
	{ "SYSTIMH",    IXGBE_SYSTIMH,    0, 1, 0, ALL, ixgbe_read_systim, ixgbe_write_systim },
	{ "TIMINCA",    IXGBE_TIMINCA,    0, 1, 0, ALL, NULL, ixgbe_write_timinca },
	{ "TIMADJL",    IXGBE_TIMADJL,    0, 1, 0, ALL },
	{ "TIMADJH",    IXGBE_TIMADJH,    0, 1, 0, ALL },
	{ "TSAUXC",     IXGBE_TSAUXC,     0, 1, 0, ALL },
	{ "TSYNCRXCTL", IXGBE_TSYNCRXCTL, 0, 1, 0, ALL },
	{ "RXMTRL",     IXGBE_RXMTRL,     0, 1, 0, ALL },
	{ "RXSTMPL",    IXGBE_RXSTMPL,    0, 1, 0, NONE },
	{ "RXSTMPH",    IXGBE_RXSTMPH,    0, 1, 0, NONE },

	/* receive queues 0 ... 63, 64 ... 127 (8.2.3.8) */
	{ "RDBAL",      RX(IXGBE_Q_BAL),     Q, NRX, 0, IXGBE_QBAL_MASK, QUEUE },
	{ "RDBAH",      RX(IXGBE_Q_BAH),     Q, NRX, 0, ALL, QUEUE },
	{ "RDLEN",      RX(IXGBE_Q_LEN),     Q, NRX, 0, IXGBE_QLEN_MASK, QUEUE },
	{ "DCA_RXCTRL", RX(IXGBE_Q_DCA),     Q, NRX, IXGBE_DCA_RXCTRL_RESET, ALL, QUEUE },
	{ "RDH",        RX(IXGBE_Q_HEAD),    Q, NRX, 0, IXGBE_QTAIL_MASK, QUEUE },
	{ "SRRCTL",     RX(IXGBE_Q_SRRCTL),  Q, NRX, IXGBE_SRRCTL_RESET, ALL, QUEUE },
	{ "RDT",        RX(IXGBE_Q_TAIL),    Q, NRX, 0, IXGBE_QTAIL_MASK, QUEUE },
	{ "RXDCTL",     RX(IXGBE_Q_CTL),     Q, NRX, 0, ~IXGBE_QCTL_SWFLSH, QUEUE },
	{ "RSCCTL",     RX(IXGBE_Q_RSCCTL),  Q, NRX, 0, ALL, QUEUE },
	{ "RDBAL",      RXH(IXGBE_Q_BAL),    Q, NRX, 0, IXGBE_QBAL_MASK, QUEUE },
	{ "RDBAH",      RXH(IXGBE_Q_BAH),    Q, NRX, 0, ALL, QUEUE },
	{ "RDLEN",      RXH(IXGBE_Q_LEN),    Q, NRX, 0, IXGBE_QLEN_MASK, QUEUE },
	{ "DCA_RXCTRL", RXH(IXGBE_Q_DCA),    Q, NRX, IXGBE_DCA_RXCTRL_RESET, ALL, QUEUE },
	{ "RDH",        RXH(IXGBE_Q_HEAD),   Q, NRX, 0, IXGBE_QTAIL_MASK, QUEUE },
	{ "SRRCTL",     RXH(IXGBE_Q_SRRCTL), Q, NRX, IXGBE_SRRCTL_RESET, ALL, QUEUE },
	{ "RDT",        RXH(IXGBE_Q_TAIL),   Q, NRX, 0, IXGBE_QTAIL_MASK, QUEUE },
	{ "RXDCTL",     RXH(IXGBE_Q_CTL),    Q, NRX, 0, ~IXGBE_QCTL_SWFLSH, QUEUE },
	{ "RSCCTL",     RXH(IXGBE_Q_RSCCTL), Q, NRX, 0, ALL, QUEUE },
	{ "SRRCTL",     IXGBE_SRRCTL_LEGACY, 4, NA, IXGBE_SRRCTL_RESET, ALL, ALIAS },
	{ "DCA_RXCTRL", IXGBE_DCA_RXCTRL_LEGACY, 4, NA, IXGBE_DCA_RXCTRL_RESET, ALL, ALIAS },

	/* transmit queues 0 ... 127 (8.2.3.9) */
	{ "TDBAL",      TX(IXGBE_Q_BAL),     Q, NTX, 0, IXGBE_QBAL_MASK, QUEUE },
	{ "TDBAH",      TX(IXGBE_Q_BAH),     Q, NTX, 0, ALL, QUEUE },
	{ "TDLEN",      TX(IXGBE_Q_LEN),     Q, NTX, 0, IXGBE_QLEN_MASK, QUEUE },
	{ "DCA_TXCTRL", TX(IXGBE_Q_DCA),     Q, NTX, IXGBE_DCA_TXCTRL_RESET, ALL, QUEUE },
	{ "TDH",        TX(IXGBE_Q_HEAD),    Q, NTX, 0, IXGBE_QTAIL_MASK, QUEUE },
	{ "TDT",        TX(IXGBE_Q_TAIL),    Q, NTX, 0, IXGBE_QTAIL_MASK, QUEUE },
	{ "TXDCTL",     TX(IXGBE_Q_CTL),     Q, NTX, 0, ~IXGBE_QCTL_SWFLSH, QUEUE },
	{ "TDWBAL",     TX(IXGBE_Q_WBAL),    Q, NTX, 0, ALL, QUEUE },
	{ "TDWBAH",     TX(IXGBE_Q_WBAH),    Q, NTX, 0, ALL, QUEUE },

	/* counters of the VFs (8.2.3.27): in holes of the queue windows, not cleared */
	{ "PVFGPRC",     IXGBE_PVFGPRC,     Q, NV, 0, NONE, ixgbe_read_pvf_counter },
	{ "PVFGORC_LSB", IXGBE_PVFGORC_LSB, Q, NV, 0, NONE, ixgbe_read_pvf_counter },
	{ "PVFGORC_MSB", IXGBE_PVFGORC_MSB, Q, NV, 0, NONE, ixgbe_read_pvf_counter },
	{ "PVFMPRC",     IXGBE_PVFMPRC,     Q, NV, 0, NONE, ixgbe_read_pvf_counter },
	{ "PVFGPTC",     IXGBE_PVFGPTC,     4, NV, 0, NONE, ixgbe_read_pvf_counter },
	{ "PVFGOTC_LSB", IXGBE_PVFGOTC_LSB, 8, NV, 0, NONE, ixgbe_read_pvf_counter },
	{ "PVFGOTC_MSB", IXGBE_PVFGOTC_MSB, 8, NV, 0, NONE, ixgbe_read_pvf_counter },

	/* statistics, cleared by reading (8.2.3.26); others count what cannot happen */
	{ "MPC",        IXGBE_MPC,        0, 1, 0, NONE, COUNT(MPC) },
	{ "GPRC",       IXGBE_GPRC,       0, 1, 0, NONE, COUNT(GPRC) },
	{ "BPRC",       IXGBE_BPRC,       0, 1, 0, NONE, COUNT(BPRC) },
	{ "MPRC",       IXGBE_MPRC,       0, 1, 0, NONE, COUNT(MPRC) },
	{ "GPTC",       IXGBE_GPTC,       0, 1, 0, NONE, COUNT(GPTC) },
	{ "GORCL",      IXGBE_GORCL,      0, 1, 0, NONE, COUNT_LOW(GORC) },
	{ "GORCH",      IXGBE_GORCH,      0, 1, 0, NONE, COUNT_HIGH(GORC) },
	{ "GOTCL",      IXGBE_GOTCL,      0, 1, 0, NONE, COUNT_LOW(GOTC) },
	{ "GOTCH",      IXGBE_GOTCH,      0, 1, 0, NONE, COUNT_HIGH(GOTC) },
	{ "ROC",        IXGBE_ROC,        0, 1, 0, NONE, COUNT(ROC) },
	{ "TORL",       IXGBE_TORL,       0, 1, 0, NONE, COUNT_LOW(TOR) },
	{ "TORH",       IXGBE_TORH,       0, 1, 0, NONE, COUNT_HIGH(TOR) },
	{ "TPR",        IXGBE_TPR,        0, 1, 0, NONE, COUNT(TPR) },
	{ "TPT",        IXGBE_TPT,        0, 1, 0, NONE, COUNT(TPT) },
	{ "SSVPC",      IXGBE_SSVPC,      0, 1, 0, NONE, COUNT(SSVPC) },
	{ "TXDGPC",     IXGBE_TXDGPC,     0, 1, 0, NONE, COUNT(TXDGPC) },
	{ "QPRC",       IXGBE_QPRC,       Q, NS, 0, NONE, COUNT(QPRC) },
	{ "QBRC_L",     IXGBE_QBRC_L,     Q, NS, 0, NONE, COUNT_LOW(QBRC) },
	{ "QBRC_H",     IXGBE_QBRC_H,     Q, NS, 0, NONE, COUNT_HIGH(QBRC) },
	{ "QPRDC",      IXGBE_QPRDC,      Q, NS, 0, NONE, COUNT(QPRDC) },
	{ "QPTC",       IXGBE_QPTC,       Q, NS, 0, NONE, COUNT(QPTC) },
	{ "QPTC",       IXGBE_QPTC_82599, 4, NS, 0, NONE, COUNT(QPTC) },
	{ "QBTC_L",     IXGBE_QBTC_L,     8, NS, 0, NONE, COUNT_LOW(QBTC) },
	{ "QBTC_H",     IXGBE_QBTC_H,     8, NS, 0, NONE, COUNT_HIGH(QBTC) },
};
/* clang-format on */

static uint16_t rows_by_dword[IXGBE_PF_REG_BYTES / 4];

struct ixgbe_register_map ixgbe_pf_map = {
	.table = table,
	.rows = ARRAY_SIZE(table),
	.row = rows_by_dword,
	.bytes = IXGBE_PF_REG_BYTES,
};
