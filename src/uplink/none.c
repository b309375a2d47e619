/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * none.c - a port without a link partner: nothing comes, and what is sent is counted and gone.
 */
#include <stdio.h>
#include <stdlib.h>
#include "uplink/uplink.h"

static void none_send(struct uplink *uplink, struct frame *const frame[], unsigned int n,
		      enum uplink_fate fate[])
{
	uplink_send_nowhere(uplink, n, fate);
}

static unsigned int none_receive(struct uplink *uplink, struct frame *frame, unsigned int max)
{
	return 0;
}

static int none_poll_fd(const struct uplink *uplink)
{
	return -1;
}

static void none_close(struct uplink *uplink)
{
	free(uplink);
}

static const struct uplink_ops none_ops = {
	.send = none_send,
	.receive = none_receive,
	.poll_fd = none_poll_fd,
	.close = none_close,
};

int uplink_none(struct uplink **uplink)
{
	struct uplink *new = calloc(1, sizeof(*new));

	if (!new)
		return -ENOMEM;
	new->ops = &none_ops;
	snprintf(new->name, sizeof(new->name), "none");
	*uplink = new;
	return 0;
}
