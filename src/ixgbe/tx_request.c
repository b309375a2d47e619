/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * tx_request.c - what a transmit descriptor asks for: VLAN insertion, checksums, segmentation.
 *
 * Legacy descriptors carry the request themselves; advanced ones name one of two contexts that the
 * driver sent earlier and may use for any number of frames. Only what can be seen in descriptors is
 * checked here; frame_finish() checks the request against the frame's bytes.
 *
 * 82599 data sheet: 7.2.3.2 (descriptors), 7.2.4 (segmentation), 7.2.5 (checksum offload).
 */
#include "ixgbe/internal.h"

#include <linux/if_ether.h>
#include <netinet/in.h>

/* Legacy checksum offload: CSO - CSS tells which protocol it is (RFC 9293, RFC 768, RFC 791) */
#define CSUM_AT_TCP 16u
#define CSUM_AT_UDP 6u
#define CSUM_AT_IPV4 10u

void ixgbe_tx_context(struct ixgbe_txq_state *state, const struct ixgbe_desc *desc)
{
	unsigned int idx = IXGBE_TXD_IDX(desc->dword[3]);

	if (idx >= IXGBE_TX_CONTEXTS)
		return; /* a frame that names it is bad */
	state->context[idx] = (struct ixgbe_tx_context){
		.vlan = IXGBE_CTX_VLAN(desc->dword[0]),
		.mac_len = IXGBE_CTX_MACLEN(desc->dword[0]),
		.ip_len = IXGBE_CTX_IPLEN(desc->dword[0]),
		.l4t = IXGBE_CTX_L4T(desc->dword[2]),
		.l4_len = IXGBE_CTX_L4LEN(desc->dword[3]),
		.mss = IXGBE_CTX_MSS(desc->dword[3]),
		.valid = true,
	};
}

static int l4_protocol(unsigned int l4t)
{
	switch (l4t) {
	case IXGBE_CTX_L4T_TCP:
		return IPPROTO_TCP;
	case IXGBE_CTX_L4T_UDP:
		return IPPROTO_UDP;
	case IXGBE_CTX_L4T_SCTP:
		return IPPROTO_SCTP;
	default:
		return -1;
	}
}

/* TSE: PAYLEN is what follows the headers (7.2.4); the length of the buffers must agree. */
static bool request_tso(struct frame *frame, const struct ixgbe_tx_context *context,
			uint32_t paylen)
{
	if (context->mss < IXGBE_TX_MSS_MIN || context->l4t == IXGBE_CTX_L4T_SCTP ||
	    frame->len != paylen + context->mac_len + context->ip_len + context->l4_len)
		return false;
	frame->flags |= FRAME_TSO | FRAME_L4_CSUM;
	frame->mss = context->mss;
	return true;
}

/* What the first descriptor of a frame asks for in terms of context IDX (7.2.3.2.4). */
static bool request_offloads(const struct ixgbe_txq_state *state, const struct ixgbe_desc *desc,
			     struct frame *frame)
{
	uint32_t command = desc->dword[2], options = desc->dword[3];
	unsigned int idx = IXGBE_TXD_IDX(options);
	const struct ixgbe_tx_context *context;
	int protocol;

	if (options & IXGBE_TXD_IPSEC || idx >= IXGBE_TX_CONTEXTS || !state->context[idx].valid)
		return false;
	context = &state->context[idx];
	frame->l2_len = context->mac_len;
	frame->l3_len = context->ip_len;
	frame->l4_len = context->l4_len;
	if (command & IXGBE_TXD_VLE) {
		frame->flags |= FRAME_VLAN;
		frame->vlan = context->vlan;
	}
	if (options & IXGBE_TXD_IXSM)
		frame->flags |= FRAME_IP_CSUM;
	if (options & IXGBE_TXD_TXSM || command & IXGBE_TXD_TSE) {
		protocol = l4_protocol(context->l4t);
		if (protocol < 0)
			return false;
		frame->l4_proto = (uint8_t)protocol;
		frame->flags |= FRAME_L4_CSUM;
	}
	if (command & IXGBE_TXD_TSE)
		return request_tso(frame, context, IXGBE_TXD_PAYLEN(options));
	return true;
}

static bool request_advanced(const struct ixgbe_txq_state *state, const struct ixgbe_desc *desc,
			     struct frame *frame)
{
	uint32_t command = desc->dword[2], options = desc->dword[3];

	if (!(command & IXGBE_TXD_TSE) && IXGBE_TXD_PAYLEN(options) != frame->len)
		return false;
	if (likely(!(command & (IXGBE_TXD_TSE | IXGBE_TXD_VLE)) &&
		   !(options & (IXGBE_TXD_IXSM | IXGBE_TXD_TXSM | IXGBE_TXD_IPSEC))))
		return true; /* CC alone asks for nothing */
	return request_offloads(state, desc, frame);
}

/* IC: sum from CSS on, put at CSO (7.2.3.2.1). */
static bool request_legacy_checksum(struct frame *frame, const struct ixgbe_desc *desc)
{
	unsigned int start = IXGBE_TXD_CSS(desc->dword[3]), at = IXGBE_TXD_CSO(desc->dword[2]);

	if (start < ETH_HLEN || at < start)
		return false;
	frame->l2_len = ETH_HLEN;
	switch (at - start) {
	case CSUM_AT_TCP:
		frame->l4_proto = IPPROTO_TCP;
		break;
	case CSUM_AT_UDP:
		frame->l4_proto = IPPROTO_UDP;
		break;
	case CSUM_AT_IPV4:
		frame->l2_len = (uint16_t)start;
		frame->flags |= FRAME_IP_CSUM;
		return true;
	default:
		return false;
	}
	frame->l3_len = (uint16_t)(start - ETH_HLEN);
	frame->flags |= FRAME_L4_CSUM;
	return true;
}

static bool request_legacy(struct frame *frame, const struct ixgbe_desc *desc)
{
	if (desc->dword[2] & IXGBE_TXD_VLE) {
		frame->flags |= FRAME_VLAN;
		frame->vlan = IXGBE_TXD_VLAN(desc->dword[3]);
	}
	return desc->dword[2] & IXGBE_TXD_IC ? request_legacy_checksum(frame, desc) : true;
}

bool ixgbe_tx_request(const struct ixgbe_txq_state *state, const struct ixgbe_desc *first,
		      struct frame *frame)
{
	ixgbe_tx_no_request(frame);
	return likely(ixgbe_txd_advanced(first)) ? request_advanced(state, first, frame)
						 : request_legacy(frame, first);
}
