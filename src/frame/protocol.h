/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * protocol.h - header fields by offset, named as the RFCs name them.
 */
#ifndef SOFTIOV_FRAME_PROTOCOL_H
#define SOFTIOV_FRAME_PROTOCOL_H

/* Ethernet II, IEEE 802.1Q */
#define ETH_TYPE 12
#define ETH_HEADER_LEN 14
#define ETH_TYPE_IPV4 0x0800
#define ETH_TYPE_IPV6 0x86dd
#define ETH_TYPE_VLAN 0x8100
#define VLAN_TAG_LEN 4

/* IPv4, RFC 791 section 3.1 */
#define IPV4_NO_OPTIONS 0x45 /* version and header length */
#define IPV4_TOTAL_LENGTH 2
#define IPV4_ID 4
#define IPV4_FRAGMENT 6
#define IPV4_FRAGMENT_MASK 0x3fff /* more fragments, offset */
#define IPV4_PROTOCOL 9
#define IPV4_CHECKSUM 10
#define IPV4_SOURCE 12
#define IPV4_ADDRESSES_LEN 8
#define IPV4_HEADER_LEN 20 /* without options */

/* IPv6, RFC 8200 section 3 */
#define IPV6_PAYLOAD_LENGTH 4
#define IPV6_NEXT_HEADER 6
#define IPV6_SOURCE 8
#define IPV6_ADDRESSES_LEN 32
#define IPV6_HEADER_LEN 40

/* next headers that extend the IPv6 header, RFC 8200 section 4 */
#define IPV6_HOP_BY_HOP 0
#define IPV6_ROUTING 43
#define IPV6_FRAGMENT 44
#define IPV6_DESTINATION 60

/* TCP, RFC 9293 section 3.1 */
#define TCP_SEQUENCE 4
#define TCP_FLAGS 13
#define TCP_FIN 0x01
#define TCP_PSH 0x08
#define TCP_CWR 0x80
#define TCP_CHECKSUM 16
#define TCP_HEADER_LEN 20

/* UDP, RFC 768 */
#define UDP_LENGTH 4
#define UDP_CHECKSUM 6
#define UDP_CHECKSUM_ZERO 0xffff /* a field of 0 means that there is none */
#define UDP_HEADER_LEN 8

/* SCTP common header, RFC 9260 section 3.1 */
#define SCTP_CHECKSUM 8
#define SCTP_HEADER_LEN 12

#endif
