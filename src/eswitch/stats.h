/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * stats.h - counters of a vport. One writer (the worker of its port), any readers. In the card's
 * state file.
 *
 * Every frame that enters a vport is delivered or counted in exactly one drop counter: of the
 * sender when the switch refuses it or nobody wants it, of the receiver when that one cannot take
 * its copy.
 */
#ifndef SOFTIOV_ESWITCH_STATS_H
#define SOFTIOV_ESWITCH_STATS_H

#include <stdint.h>

#define VPORT_DROP_LIST(X)                                                                     \
	X(TX_DISABLED, "tx_disabled")		  /* the pool may not transmit */              \
	X(TX_SPOOFED_MAC, "tx_spoofed_mac")	  /* anti-spoof */                             \
	X(TX_SPOOFED_VLAN, "tx_spoofed_vlan")	  /* anti-spoof */                             \
	X(TX_NO_RECEIVER, "tx_no_receiver")	  /* no vport wants it */                      \
	X(TX_BAD_DESCRIPTOR, "tx_bad_descriptor") /* descriptors make no valid frame */        \
	X(TX_DMA_FAULT, "tx_dma_fault")		  /* the IOMMU refused a buffer */             \
	X(TX_LINK_DOWN, "tx_link_down")		  /* drained without link */                   \
	X(RX_NO_DESCRIPTOR, "rx_no_descriptor")	  /* receive ring full */                      \
	X(RX_DISABLED, "rx_disabled")		  /* pool or queue not enabled */              \
	X(RX_TOO_LONG, "rx_too_long")		  /* longer than the maximum frame */          \
	X(RX_FILTERED, "rx_filtered")		  /* a filter of the PF driver says so */      \
	X(RX_DMA_FAULT, "rx_dma_fault")		  /* the IOMMU refused a buffer or the ring */ \
	X(UPLINK_DOWN, "uplink_down")		  /* the wire is tied to nothing */            \
	X(UPLINK_FULL, "uplink_full")		  /* the wire did not take it */

/* clang-format off */
enum vport_drop {
#define X(id, name) VPORT_DROP_##id,
	VPORT_DROP_LIST(X)
#undef X
	VPORT_DROPS
};
/* clang-format on */

/**
 * struct vport_stats - tx: from the vport into the switch; rx: from the switch to the vport. Bytes
 * without FCS.
 */
struct vport_stats {
	uint64_t tx_packets, tx_bytes; /* after segmentation */
	uint64_t tx_tso_requests;      /* frames that asked to be cut */
	uint64_t tx_tso_segments;      /* frames they became */
	uint64_t tx_csum;	       /* frames whose checksum was computed here */
	uint64_t rx_packets, rx_bytes, rx_multicast, rx_broadcast;
	uint64_t rx_csum_bad;
	uint64_t drop[VPORT_DROPS];
};

/** vport_drop_name() - the counter's name in JSON and tables. */
const char *vport_drop_name(enum vport_drop drop);

#endif
