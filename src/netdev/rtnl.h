/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * rtnl.h - the little of rtnetlink(7) that is needed: requests about interfaces, and news of them. Requests use a socket
 * that is open only while they last, because a socket keeps its network namespace alive.
 */
#ifndef SOFTIOV_NETDEV_RTNL_H
#define SOFTIOV_NETDEV_RTNL_H

#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <stddef.h>
#include <stdint.h>

/** struct rtnl_request - a message about an interface; rtnl_start(), then rtnl_put() for each attribute. */
struct rtnl_request {
	struct nlmsghdr header;
	struct ifinfomsg link;
	uint8_t attributes[256];
};

void rtnl_start(struct rtnl_request *request, uint16_t type, uint16_t flags);
/** rtnl_put() - append attribute @type; what does not fit is a mistake of ours and left out. */
void rtnl_put(struct rtnl_request *request, uint16_t type, const void *data, size_t len);
/** rtnl_nest(), rtnl_nest_end() - the attributes put in between are inside attribute @type. */
struct rtattr *rtnl_nest(struct rtnl_request *request, uint16_t type);
void rtnl_nest_end(struct rtnl_request *request, struct rtattr *nest);

/**
 * rtnl_call() - send the request in the thread's network namespace and take its answers.
 * @each: called for each message of the answer; may be NULL
 * Return: 0 or the kernel's error.
 */
int rtnl_call(struct rtnl_request *request, void (*each)(void *ctx, const struct nlmsghdr *message),
	      void *ctx);

/**
 * rtnl_attributes() - @table[t] = the attribute of type t, or NULL, for t < @n.
 */
void rtnl_attributes(const struct rtattr **table, unsigned int n, const void *first, size_t len);
uint32_t rtnl_u32(const struct rtattr *attribute, uint32_t missing);

/**
 * rtnl_news() - a non-blocking socket that becomes readable when interfaces, their addresses or their multicast groups
 * change, in this namespace and in those that it has made interfaces for. Return: descriptor or -errno.
 */
int rtnl_news(void);
/** rtnl_drain() - take all news. Their content does not matter: look what is. */
void rtnl_drain(int fd);

#endif
