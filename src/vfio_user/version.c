// SPDX-License-Identifier: BSD-3-Clause
/*
 * version.c - VFIO_USER_VERSION: which protocol, and what the client can take.
 *
 * The payload is two numbers and a JSON object. The parser is a library, so what reaches it is
 * limited first: total size by framing, nesting here. Types and values follow the specification's
 * "Version data" table; unknown keys are ignored, because newer clients have more of them.
 */
#include "vfio_user/connection.h"

#include <jansson.h>

#define MAX_NESTING 8
#define MAX_CLIENT_FDS 1024 /* more than a kernel message can carry: nonsense */

static const char capabilities[] =
	"{\"capabilities\":{\"max_msg_fds\":16,\"max_data_xfer_size\":1048576,"
	"\"pgsizes\":4096,\"max_dma_maps\":65535}}";
_Static_assert(MAX_MSG_FDS == 16 && MAX_XFER_SIZE == 1048576 && MAX_DMA_MAPS == 65535,
	       "announced above");
_Static_assert(sizeof(struct vfio_user_header) + sizeof(struct vfio_user_version) +
			       sizeof(capabilities) <=
		       VFIO_USER_VERSION_REPLY_MAX,
	       "QEMU would drop the connection");

/* Brackets inside strings do not count; whether the text is JSON at all the parser tells. */
static bool nests_too_deep(const char *text)
{
	unsigned int depth = 0;
	bool quoted = false;

	for (; *text; text++) {
		if (*text == '\\' && quoted && text[1])
			text++;
		else if (*text == '"')
			quoted = !quoted;
		else if (!quoted && (*text == '{' || *text == '['))
			depth++;
		else if (!quoted && (*text == '}' || *text == ']') && depth)
			depth--;
		if (depth > MAX_NESTING)
			return true;
	}
	return false;
}

/* Member @key of @object, if present, must be an integer in [@low, @high]; absent leaves *@value
 * alone. */
static bool get_number(json_t *object, const char *key, uint32_t low, uint32_t high,
		       uint32_t *value)
{
	json_t *number = json_object_get(object, key);

	if (!number)
		return true;
	if (!json_is_integer(number) || json_integer_value(number) < low ||
	    json_integer_value(number) > high)
		return false;
	*value = (uint32_t)json_integer_value(number);
	return true;
}

static bool type_is(json_t *object, const char *key, json_type type)
{
	json_t *member = json_object_get(object, key);

	return !member || json_typeof(member) == type;
}

static int parse_capabilities(const char *text, uint32_t *msg_fds, uint32_t *xfer_size)
{
	json_t *root, *object;
	uint32_t ignored;
	int error = -EINVAL;

	if (nests_too_deep(text))
		return -EINVAL;
	root = json_loads(text, JSON_REJECT_DUPLICATES, NULL);
	if (!json_is_object(root))
		goto out;
	object = json_object_get(root, "capabilities");
	if (!object) {
		error = 0;
		goto out;
	}
	if (json_is_object(object) &&
	    get_number(object, "max_msg_fds", 0, MAX_CLIENT_FDS, msg_fds) &&
	    get_number(object, "max_data_xfer_size", 1, UINT32_MAX, xfer_size) &&
	    get_number(object, "max_dma_maps", 0, UINT32_MAX, &ignored) &&
	    type_is(object, "pgsizes", JSON_INTEGER) && type_is(object, "migration", JSON_OBJECT) &&
	    (type_is(object, "write_multiple", JSON_TRUE) ||
	     type_is(object, "write_multiple", JSON_FALSE)))
		error = 0;
out:
	json_decref(root);
	return error;
}

int command_version(struct connection *c)
{
	uint32_t msg_fds = VFIO_USER_DEFAULT_MSG_FDS, xfer_size = VFIO_USER_DEFAULT_XFER_SIZE;
	const struct message *m = &c->message;
	const struct vfio_user_version *asked = (const void *)m->body;
	struct vfio_user_version *granted;
	int error;

	if (c->phase != PHASE_HANDSHAKE || (m->header.flags & VFIO_USER_FLAG_NO_REPLY))
		return -EINVAL;
	if (asked->major != VFIO_USER_MAJOR)
		return -EINVAL;
	if (m->body_size > sizeof(*asked)) {
		if (m->body[m->body_size - 1] != '\0')
			return -EINVAL;
		error = parse_capabilities((const char *)(asked + 1), &msg_fds, &xfer_size);
		if (error)
			return error;
	}
	granted = reply_buffer(c, (uint32_t)(sizeof(*granted) + sizeof(capabilities)));
	if (!granted)
		return -ENOMEM;
	granted->major = VFIO_USER_MAJOR;
	granted->minor = MIN(asked->minor, VFIO_USER_MINOR);
	memcpy(granted + 1, capabilities, sizeof(capabilities));

	error = server_admit(c->server, c);
	if (error)
		return error;
	c->peer_msg_fds = msg_fds;
	c->peer_xfer_size = xfer_size;
	c->phase = PHASE_RUNNING;
	event_del(&c->deadline);
	return 0;
}
