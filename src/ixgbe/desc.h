/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * desc.h - descriptors of the 82599: 16 bytes, little endian, in the driver's memory.
 *
 * Sources: Intel 82599 data sheet, 7.1.5 and 7.1.6 (receive descriptors), 7.2.3 (transmit
 * descriptors); Linux ixgbe_type.h and DPDK ixgbe_type.h for the names drivers use.
 */
#ifndef SOFTIOV_IXGBE_DESC_H
#define SOFTIOV_IXGBE_DESC_H

#include <stdbool.h>
#include <stdint.h>
#include "util/util.h"

/** struct ixgbe_desc - one descriptor as four dwords, the way the data sheet draws it. */
struct ixgbe_desc {
	_Alignas(16) uint32_t dword[4];
};

#define IXGBE_DESC_SIZE 16u
#define IXGBE_RING_ALIGN \
	128u /* of base and length: RDBAL, RDLEN, TDBAL, TDLEN (8.2.3.8, 8.2.3.9) */

/* Transmit, all kinds (7.2.3.2): dword 2 */
#define IXGBE_TXD_EOP BIT(24)
#define IXGBE_TXD_IFCS BIT(25)
#define IXGBE_TXD_RS BIT(27)
#define IXGBE_TXD_DEXT BIT(29) /* advanced; 0: legacy */
#define IXGBE_TXD_VLE BIT(30)
#define IXGBE_TXD_LEN(dword2) ((dword2)&0xffff)
/* Transmit, all kinds: dword 3 */
#define IXGBE_TXD_DD BIT(0)

static inline bool ixgbe_txd_advanced(const struct ixgbe_desc *desc)
{
	return desc->dword[2] & IXGBE_TXD_DEXT;
}

/* Legacy transmit (7.2.3.2.1) */
#define IXGBE_TXD_IC BIT(26)			      /* dword 2: insert checksum at CSO */
#define IXGBE_TXD_CSO(dword2) ((dword2) >> 16 & 0xff) /* where the checksum goes */
#define IXGBE_TXD_CSS(dword3) ((dword3) >> 8 & 0xff)  /* where summing starts */
#define IXGBE_TXD_VLAN(dword3) ((dword3) >> 16)

/* Advanced transmit (7.2.3.2.3, 7.2.3.2.4): dword 2 */
#define IXGBE_TXD_DTYP_SHIFT 20
#define IXGBE_TXD_DTYP_MASK (0xfu << IXGBE_TXD_DTYP_SHIFT)
#define IXGBE_TXD_DTYP(dword2) (((dword2)&IXGBE_TXD_DTYP_MASK) >> IXGBE_TXD_DTYP_SHIFT)
#define IXGBE_TXD_DTYP_CONTEXT 2
#define IXGBE_TXD_DTYP_DATA 3
#define IXGBE_TXD_TSE BIT(31)

/* Advanced transmit data: dword 3 */
#define IXGBE_TXD_CC BIT(7) /* take VLAN and lengths from the context IDX names */
#define IXGBE_TXD_IXSM BIT(8)
#define IXGBE_TXD_TXSM BIT(9)
#define IXGBE_TXD_IPSEC BIT(10)
#define IXGBE_TXD_PAYLEN(dword3) ((dword3) >> 14)
/* Advanced transmit, data and context: dword 3 */
#define IXGBE_TXD_IDX(dword3) ((dword3) >> 4 & 0x7)

/* Advanced transmit context (7.2.3.2.3) */
#define IXGBE_CTX_IPLEN(dword0) ((dword0)&0x1ff)
#define IXGBE_CTX_MACLEN(dword0) ((dword0) >> 9 & 0x7f)
#define IXGBE_CTX_VLAN(dword0) ((dword0) >> 16)
#define IXGBE_CTX_IPV4 BIT(10) /* dword 2 */
#define IXGBE_CTX_L4T(dword2) ((dword2) >> 11 & 0x3)
#define IXGBE_CTX_L4T_UDP 0
#define IXGBE_CTX_L4T_TCP 1
#define IXGBE_CTX_L4T_SCTP 2
#define IXGBE_CTX_L4LEN(dword3) ((dword3) >> 8 & 0xff)
#define IXGBE_CTX_MSS(dword3) ((dword3) >> 16)

static inline bool ixgbe_txd_context(const struct ixgbe_desc *desc)
{
	return ixgbe_txd_advanced(desc) && IXGBE_TXD_DTYP(desc->dword[2]) == IXGBE_TXD_DTYP_CONTEXT;
}

static inline bool ixgbe_txd_data(const struct ixgbe_desc *desc)
{
	return !ixgbe_txd_advanced(desc) || IXGBE_TXD_DTYP(desc->dword[2]) == IXGBE_TXD_DTYP_DATA;
}

#define IXGBE_TX_CONTEXTS 2 /* per queue: IDX 0 and 1 */

/* Advanced receive write-back (7.1.6.2): dword 0 */
#define IXGBE_RXD_RSSTYPE_NONE 0u
#define IXGBE_RXD_RSSTYPE_TCP4 1u
#define IXGBE_RXD_RSSTYPE_IP4 2u
#define IXGBE_RXD_RSSTYPE_TCP6 3u
#define IXGBE_RXD_RSSTYPE_IP6 5u
#define IXGBE_RXD_RSSTYPE_UDP4 7u
#define IXGBE_RXD_RSSTYPE_UDP6 8u
#define IXGBE_RXD_IPV4 BIT(4)
#define IXGBE_RXD_IPV4E BIT(5) /* with options */
#define IXGBE_RXD_IPV6 BIT(6)
#define IXGBE_RXD_IPV6E BIT(7) /* with extension headers */
#define IXGBE_RXD_TCP BIT(8)
#define IXGBE_RXD_UDP BIT(9)
#define IXGBE_RXD_SCTP BIT(10)
/* dword 1: RSS hash (RXCSUM.PCSD) or IP identification 15:0, fragment checksum 31:16 */
/* dword 2: status and errors */
#define IXGBE_RXD_DD BIT(0)
#define IXGBE_RXD_EOP BIT(1)
#define IXGBE_RXD_VP BIT(3)
#define IXGBE_RXD_UDPCS BIT(4)
#define IXGBE_RXD_L4CS BIT(5)
#define IXGBE_RXD_IPCS BIT(6)
#define IXGBE_RXD_LB BIT(18)
#define IXGBE_RXD_TCPE BIT(30)
#define IXGBE_RXD_IPE BIT(31)
/* dword 3: length 15:0, VLAN tag 31:16 */
#define IXGBE_RXD_VLAN_SHIFT 16

/* Redirection table (8.2.3.7.13) */
#define IXGBE_RETA_ENTRIES 128u
#define IXGBE_RETA_QUEUES 16u /* an entry is 4 bits */

/* Legacy receive write-back (7.1.5): dword 2 length 15:0, checksum 31:16; dword 3 status, errors,
 * VLAN */
#define IXGBE_RXL_DD BIT(0)
#define IXGBE_RXL_EOP BIT(1)
#define IXGBE_RXL_VP BIT(3)
#define IXGBE_RXL_UDPCS BIT(4)
#define IXGBE_RXL_L4CS BIT(5)
#define IXGBE_RXL_IPCS BIT(6)
#define IXGBE_RXL_TCPE BIT(14)
#define IXGBE_RXL_IPE BIT(15)
#define IXGBE_RXL_VLAN_SHIFT 16

#endif
