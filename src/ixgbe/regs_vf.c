// SPDX-License-Identifier: BSD-3-Clause
/*
 * regs_vf.c - the registers of a VF's BAR0, row by row.
 *
 * Page 0 is control and always trapped. Pages 1 and 2 are the VF's eight receive and eight transmit
 * register blocks; a client may map them, and then these rows see only what it does not map.
 * Page 3 has nothing on this device.
 *
 * Source: data sheet 8.3; Linux ixgbe, ixgbevf.
 */
#include "ixgbe/registers.h"

#define ALL UINT32_MAX
#define NONE 0u
#define Q IXGBE_Q_STRIDE
#define NQ IXGBE_VF_QUEUES
#define RX(dword) (IXGBE_VF_RX_PAGE + (dword)*4)
#define TX(dword) (IXGBE_VF_TX_PAGE + (dword)*4)
#define EITR_ROW 0, IXGBE_EITR_MASK, NULL, ixgbe_write_vteitr
#define VFMBX ixgbe_read_vfmailbox, ixgbe_write_vfmailbox
#define MEMORY 0, ALL, ixgbe_read_mbmem, ixgbe_write_mbmem
#define QUEUE ixgbe_read_queue, ixgbe_write_queue

/* clang-format off */
static const struct ixgbe_register table[] = {
	/* name          offset            stride count reset mask  read, write */
	{ "VFCTRL",      IXGBE_VFCTRL,      0, 1, 0, NONE, NULL, ixgbe_write_vfctrl },
	{ "VFSTATUS",    IXGBE_VFSTATUS,    0, 1, 0, NONE, ixgbe_read_vfstatus },
	{ "VFLINKS",     IXGBE_VFLINKS,     0, 1, 0, NONE, ixgbe_read_links },
	{ "VFFRTIMER",   IXGBE_VFFRTIMER,   0, 1, 0, NONE, ixgbe_read_frtimer },
	/* interrupts (8.3.5.5) */
	{ "VTEICR",      IXGBE_VTEICR,      0, 1, 0, NONE, ixgbe_read_vteicr, ixgbe_write_vteicr },
	{ "VTEICS",      IXGBE_VTEICS,      0, 1, 0, NONE, ixgbe_read_vteics, ixgbe_write_vteics },
	{ "VTEIMS",      IXGBE_VTEIMS,      0, 1, 0, NONE, ixgbe_read_vteims, ixgbe_write_vteims },
	{ "VTEIMC",      IXGBE_VTEIMC,      0, 1, 0, NONE, ixgbe_read_vteims, ixgbe_write_vteimc },
	{ "VTEIAC",      IXGBE_VTEIAC,      0, 1, 0, IXGBE_VTEI_MASK, NULL, ixgbe_write_vtauto },
	{ "VTEIAM",      IXGBE_VTEIAM,      0, 1, 0, IXGBE_VTEI_MASK, NULL, ixgbe_write_vtauto },
	{ "VTIVAR",      IXGBE_VTIVAR,      4, 4, 0, 0x83838383 },
	{ "VTIVAR_MISC", IXGBE_VTIVAR_MISC, 0, 1, 0, 0x00000083 },
	{ "VFPBACL",     IXGBE_VFPBACL,     0, 1, 0, NONE },
	{ "VTRSCINT",    IXGBE_VTRSCINT,    4, 3, 0, ALL },
	{ "VTEITR",      IXGBE_VTEITR,      4, IXGBE_VF_VECTORS, EITR_ROW },
	/* mailbox (8.3.5.1) */
	{ "VFMBMEM",     IXGBE_VFMBMEM,     4, IXGBE_MBMEM_DWORDS, MEMORY },
	{ "VFMAILBOX",   IXGBE_VFMAILBOX,   0, 1, 0, NONE, VFMBX },
	{ "VFPSRTYPE",   IXGBE_VFPSRTYPE,   0, 1, 0, ALL, ixgbe_read_psrtype, ixgbe_write_psrtype },

	/* receive queues (8.3.5.6) */
	{ "VFRDBAL",     RX(IXGBE_Q_BAL),    Q, NQ, 0, IXGBE_QBAL_MASK, QUEUE },
	{ "VFRDBAH",     RX(IXGBE_Q_BAH),    Q, NQ, 0, ALL, QUEUE },
	{ "VFRDLEN",     RX(IXGBE_Q_LEN),    Q, NQ, 0, IXGBE_QLEN_MASK, QUEUE },
	{ "VFDCA_RXCTRL", RX(IXGBE_Q_DCA),   Q, NQ, IXGBE_DCA_RXCTRL_RESET, ALL, QUEUE },
	{ "VFRDH",       RX(IXGBE_Q_HEAD),   Q, NQ, 0, IXGBE_QTAIL_MASK, QUEUE },
	{ "VFSRRCTL",    RX(IXGBE_Q_SRRCTL), Q, NQ, IXGBE_SRRCTL_RESET, ALL, QUEUE },
	{ "VFRDT",       RX(IXGBE_Q_TAIL),   Q, NQ, 0, IXGBE_QTAIL_MASK, QUEUE },
	{ "VFRXDCTL",    RX(IXGBE_Q_CTL),    Q, NQ, 0, ~IXGBE_QCTL_SWFLSH, QUEUE },
	{ "VFRSCCTL",    RX(IXGBE_Q_RSCCTL), Q, NQ, 0, ALL, QUEUE },
	{ "VFGPRC",      RX(IXGBE_Q_GPC),    0, 1, 0, NONE, ixgbe_read_vf_counter },
	{ "VFGORC_LSB",  RX(IXGBE_Q_GOCL),   0, 1, 0, NONE, ixgbe_read_vf_counter },
	{ "VFGORC_MSB",  RX(IXGBE_Q_GOCH),   0, 1, 0, NONE, ixgbe_read_vf_counter },
	{ "VFMPRC",      RX(IXGBE_Q_MPRC),   0, 1, 0, NONE, ixgbe_read_vf_counter },

	/* transmit queues (8.3.5.7) */
	{ "VFTDBAL",     TX(IXGBE_Q_BAL),    Q, NQ, 0, IXGBE_QBAL_MASK, QUEUE },
	{ "VFTDBAH",     TX(IXGBE_Q_BAH),    Q, NQ, 0, ALL, QUEUE },
	{ "VFTDLEN",     TX(IXGBE_Q_LEN),    Q, NQ, 0, IXGBE_QLEN_MASK, QUEUE },
	{ "VFDCA_TXCTRL", TX(IXGBE_Q_DCA),   Q, NQ, IXGBE_DCA_TXCTRL_RESET, ALL, QUEUE },
	{ "VFTDH",       TX(IXGBE_Q_HEAD),   Q, NQ, 0, IXGBE_QTAIL_MASK, QUEUE },
	{ "VFTDT",       TX(IXGBE_Q_TAIL),   Q, NQ, 0, IXGBE_QTAIL_MASK, QUEUE },
	{ "VFTXDCTL",    TX(IXGBE_Q_CTL),    Q, NQ, 0, ~IXGBE_QCTL_SWFLSH, QUEUE },
	{ "VFTDWBAL",    TX(IXGBE_Q_WBAL),   Q, NQ, 0, ALL, QUEUE },
	{ "VFTDWBAH",    TX(IXGBE_Q_WBAH),   Q, NQ, 0, ALL, QUEUE },
	{ "VFGPTC",      TX(IXGBE_Q_GPC),    0, 1, 0, NONE, ixgbe_read_vf_counter },
	{ "VFGOTC_LSB",  TX(IXGBE_Q_GOCL),   0, 1, 0, NONE, ixgbe_read_vf_counter },
	{ "VFGOTC_MSB",  TX(IXGBE_Q_GOCH),   0, 1, 0, NONE, ixgbe_read_vf_counter },
};
/* clang-format on */

static uint16_t rows_by_dword[IXGBE_VF_BAR_SIZE / 4];

struct ixgbe_register_map ixgbe_vf_map = {
	.table = table,
	.rows = ARRAY_SIZE(table),
	.row = rows_by_dword,
	.bytes = IXGBE_VF_BAR_SIZE,
};
