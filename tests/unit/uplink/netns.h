/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * netns.h - a network of its own for a test that needs real interfaces.
 */
#ifndef TESTS_UNIT_UPLINK_NETNS_H
#define TESTS_UNIT_UPLINK_NETNS_H

#include <stdbool.h>
#include <stdint.h>

#define TEST_SKIPPED 77 /* meson's word for it */

/**
 * netns_enter() - leave the host's network for an empty one, with lo up. Return: 0, or the exit status of a
 * test that cannot run: skipped, and says so, for want of privilege; failed when root.
 */
int netns_enter(void);

/** netns_new() - another one, entered by the calling thread. Return: a descriptor of it, or -1. */
int netns_new(void);

/** if_address() - give @ifname the IPv4 address @address/24. if_get_mac(), if_get_mtu(): what it has. */
bool if_address(const char *ifname, const char *address);
bool if_get_mac(const char *ifname, uint8_t mac[6]);
int if_get_mtu(const char *ifname);

/** if_neighbour() - @address is at @mac, no need to ask. */
bool if_neighbour(const char *ifname, const char *address, const uint8_t mac[6]);

/** packet_socket() - all that passes @ifname, with offload headers. Return: descriptor or -1. */
int packet_socket(const char *ifname);

#endif
