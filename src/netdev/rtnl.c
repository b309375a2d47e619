/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * rtnl.c - requests and news about interfaces: netlink(7), rtnetlink(7).
 *
 * A request that is not a dump asks for an acknowledgement, so every call ends: with NLMSG_ERROR (0: done) or, after a
 * dump, with NLMSG_DONE. The kernel answers before sendto() returns; there is nothing to wait for.
 *
 * News of another namespace reach a socket here (NETLINK_LISTEN_ALL_NSID) if that namespace has a number in this one: it
 * gets one when an interface moves from here to there.
 */
#include "netdev/rtnl.h"

#include <errno.h>
#include <stdbool.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define ANSWER_SIZE 32768 /* what the kernel fills at most in one go */

/* Linux 6.14: joins and leaves of multicast groups. */
#ifndef RTNLGRP_IPV4_MCADDR
#define RTNLGRP_IPV4_MCADDR 37
#define RTNLGRP_IPV6_MCADDR 38
#endif

void rtnl_start(struct rtnl_request *request, uint16_t type, uint16_t flags)
{
	memset(request, 0, sizeof(*request));
	request->header.nlmsg_len = NLMSG_LENGTH(sizeof(request->link));
	request->header.nlmsg_type = type;
	request->header.nlmsg_flags = NLM_F_REQUEST | flags;
}

void rtnl_put(struct rtnl_request *request, uint16_t type, const void *data, size_t len)
{
	size_t at = NLMSG_ALIGN(request->header.nlmsg_len);
	struct rtattr *attribute = (struct rtattr *)((uint8_t *)request + at);

	if (at + RTA_SPACE(len) > sizeof(*request))
		return;
	attribute->rta_type = type;
	attribute->rta_len = (unsigned short)RTA_LENGTH(len);
	if (len)
		memcpy(RTA_DATA(attribute), data, len);
	request->header.nlmsg_len = (uint32_t)(at + RTA_LENGTH(len));
}

struct rtattr *rtnl_nest(struct rtnl_request *request, uint16_t type)
{
	struct rtattr *nest =
		(struct rtattr *)((uint8_t *)request + NLMSG_ALIGN(request->header.nlmsg_len));

	rtnl_put(request, type, NULL, 0);
	return nest;
}

void rtnl_nest_end(struct rtnl_request *request, struct rtattr *nest)
{
	nest->rta_len =
		(unsigned short)((uint8_t *)request + request->header.nlmsg_len - (uint8_t *)nest);
}

/* Return: 1: there is more to come, 0: done, or the kernel's error. */
static int take_answer(const void *data, size_t len,
		       void (*each)(void *ctx, const struct nlmsghdr *message), void *ctx)
{
	const struct nlmsghdr *message = data;

	for (; NLMSG_OK(message, len); message = NLMSG_NEXT(message, len)) {
		const struct nlmsgerr *error = NLMSG_DATA(message);

		if (message->nlmsg_type == NLMSG_DONE)
			return 0;
		if (message->nlmsg_type == NLMSG_ERROR)
			return message->nlmsg_len < NLMSG_LENGTH(sizeof(error->error))
				       ? -EPROTO
				       : error->error;
		if (each)
			each(ctx, message);
	}
	return 1;
}

int rtnl_call(struct rtnl_request *request, void (*each)(void *ctx, const struct nlmsghdr *message),
	      void *ctx)
{
	uint8_t answer[ANSWER_SIZE] __attribute__((aligned(NLMSG_ALIGNTO)));
	int fd, error = 1;

	if (!(request->header.nlmsg_flags & NLM_F_DUMP))
		request->header.nlmsg_flags |= NLM_F_ACK;
	fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE);
	if (fd < 0)
		return -errno;
	if (send(fd, request, request->header.nlmsg_len, 0) < 0)
		error = -errno;
	while (error > 0) {
		ssize_t n = recv(fd, answer, sizeof(answer), 0);

		if (n >= 0)
			error = n ? take_answer(answer, (size_t)n, each, ctx) : -EPROTO;
		else if (errno != EINTR)
			error = -errno;
	}
	close(fd);
	return error;
}

void rtnl_attributes(const struct rtattr **table, unsigned int n, const void *first, size_t len)
{
	const struct rtattr *attribute = first;

	memset(table, 0, n * sizeof(*table));
	for (; RTA_OK(attribute, len); attribute = RTA_NEXT(attribute, len)) {
		unsigned int type = attribute->rta_type & NLA_TYPE_MASK;

		if (type < n)
			table[type] = attribute;
	}
}

uint32_t rtnl_u32(const struct rtattr *attribute, uint32_t missing)
{
	uint32_t value;

	if (!attribute || RTA_PAYLOAD(attribute) < sizeof(value))
		return missing;
	memcpy(&value, RTA_DATA(attribute), sizeof(value));
	return value;
}

int rtnl_news(void)
{
	static const int groups[] = { RTNLGRP_LINK, RTNLGRP_IPV4_IFADDR, RTNLGRP_IPV6_IFADDR };
	static const int recent_groups[] = { RTNLGRP_IPV4_MCADDR, RTNLGRP_IPV6_MCADDR };
	const struct sockaddr_nl address = { .nl_family = AF_NETLINK };
	static const int on = 1;
	int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_NONBLOCK | SOCK_CLOEXEC, NETLINK_ROUTE), error;

	if (fd < 0)
		return -errno;
	if (bind(fd, (const struct sockaddr *)&address, sizeof(address)) < 0)
		goto failed;
	for (size_t i = 0; i < sizeof(groups) / sizeof(groups[0]); i++)
		if (setsockopt(fd, SOL_NETLINK, NETLINK_ADD_MEMBERSHIP, &groups[i],
			       sizeof(groups[i])) < 0)
			goto failed;
	/* Where there are no such news, and of namespaces whose news we may not hear, a look in time will do. */
	for (size_t i = 0; i < sizeof(recent_groups) / sizeof(recent_groups[0]); i++)
		setsockopt(fd, SOL_NETLINK, NETLINK_ADD_MEMBERSHIP, &recent_groups[i],
			   sizeof(recent_groups[i]));
	setsockopt(fd, SOL_NETLINK, NETLINK_LISTEN_ALL_NSID, &on, sizeof(on));
	return fd;
failed:
	error = -errno;
	close(fd);
	return error;
}

void rtnl_drain(int fd)
{
	uint8_t news[ANSWER_SIZE];

	/* ENOBUFS says that some are lost: there is something new, that is all. */
	while (recv(fd, news, sizeof(news), MSG_TRUNC) >= 0 || errno == ENOBUFS || errno == EINTR)
		;
}
