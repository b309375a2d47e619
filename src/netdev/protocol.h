/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * protocol.h - header fields by offset, named as the RFCs name them. Private to the room.
 */
#ifndef SOFTIOV_NETDEV_PROTOCOL_H
#define SOFTIOV_NETDEV_PROTOCOL_H

/* Ethernet II, IEEE 802.1Q */
#define ETH_TYPE 12
#define ETH_HEADER_LEN 14
#define ETH_MIN_LEN 60 /* without FCS */
#define ETH_TYPE_IPV4 0x0800
#define ETH_TYPE_IPV6 0x86dd
#define ETH_TYPE_VLAN 0x8100
#define ETH_TYPE_SVLAN 0x88a8
#define VLAN_TAG_LEN 4

/* IPv4, RFC 791 section 3.1 */
#define IPV4_TOTAL_LENGTH 2
#define IPV4_ID 4
#define IPV4_FRAGMENT 6
#define IPV4_DONT_FRAGMENT 0x4000
#define IPV4_TTL 8
#define IPV4_PROTOCOL 9
#define IPV4_CHECKSUM 10
#define IPV4_SOURCE 12
#define IPV4_ADDRESSES_LEN 8
#define IPV4_HEADER_LEN 20 /* without options */
#define IPV4_PLAIN 0x45	   /* version 4, no options */

/* IPv6, RFC 8200 section 3 */
#define IPV6_PAYLOAD_LENGTH 4
#define IPV6_NEXT_HEADER 6
#define IPV6_SOURCE 8
#define IPV6_ADDRESSES_LEN 32
#define IPV6_HEADER_LEN 40

#define IP_LEN_MAX 65535

/* TCP, RFC 9293 section 3.1 */
#define TCP_SEQUENCE 4
#define TCP_ACKNOWLEDGEMENT 8
#define TCP_DATA_OFFSET 12 /* high half: header length in words */
#define TCP_FLAGS 13
#define TCP_PSH 0x08
#define TCP_ACK 0x10
#define TCP_WINDOW 14
#define TCP_CHECKSUM 16
#define TCP_HEADER_LEN 20 /* without options */

/* UDP, RFC 768 */
#define UDP_CHECKSUM 6
#define UDP_HEADER_LEN 8

#endif
