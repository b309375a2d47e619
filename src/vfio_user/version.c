// SPDX-License-Identifier: BSD-3-Clause
/*
 * version.c - VFIO_USER_VERSION: which protocol, and what the client can take.
 *
 * The answer is constant and must be short: QEMU receives it into the buffer of its request.
 *
 * Specification: "VFIO_USER_VERSION".
 */
#include "vfio_user/capabilities.h"
#include "vfio_user/connection.h"

static const char offered[] =
	"{\"capabilities\":{\"max_msg_fds\":16,\"max_data_xfer_size\":1048576,"
	"\"pgsizes\":4096,\"max_dma_maps\":65535}}";
_Static_assert(MAX_MSG_FDS == 16 && MAX_XFER_SIZE == 1048576 && MAX_DMA_MAPS == 65535,
	       "announced above");
_Static_assert(sizeof(struct vfio_user_header) + sizeof(struct vfio_user_version) +
			       sizeof(offered) <=
		       VFIO_USER_VERSION_REPLY_MAX,
	       "QEMU would drop the connection");

int command_version(struct connection *c)
{
	struct vfio_user_capabilities client;
	const struct message *m = &c->message;
	const struct vfio_user_version *asked = (const void *)m->body;
	struct vfio_user_version *granted;
	int result;

	if (c->phase != PHASE_HANDSHAKE || (m->header.flags & VFIO_USER_FLAG_NO_REPLY))
		return -EINVAL;
	if (asked->major != VFIO_USER_MAJOR)
		return -EINVAL;
	result = vfio_user_capabilities_parse((const char *)(asked + 1),
					      m->body_size - (uint32_t)sizeof(*asked), &client);
	if (result)
		return result;
	granted = reply_buffer(c, (uint32_t)(sizeof(*granted) + sizeof(offered)));
	if (!granted)
		return -ENOMEM;
	granted->major = VFIO_USER_MAJOR;
	granted->minor = MIN(asked->minor, VFIO_USER_MINOR);
	memcpy(granted + 1, offered, sizeof(offered));

	result = server_admit(c->server, c);
	if (result < 0 || result == COMMAND_WAIT)
		return result;
	c->peer = client;
	c->phase = PHASE_RUNNING;
	event_del(&c->deadline);
	return result;
}
