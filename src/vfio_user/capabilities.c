// SPDX-License-Identifier: BSD-3-Clause
/*
 * capabilities.c - the JSON text of a VERSION message, from either side.
 *
 * The parser is a library, so what reaches it is limited first: the size by whoever received the
 * message, nesting here. Types and values follow the specification's "Version data" table; unknown
 * keys are ignored, because newer peers have more of them.
 */
#include "vfio_user/capabilities.h"

#include <jansson.h>
#include "util/util.h"
#include "vfio_user/protocol.h"

#define MAX_NESTING 8
#define MAX_PEER_FDS 1024 /* more than a kernel message can carry: nonsense */

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

/* If @object has member @key, is it an integer in [@low, @high]? Absent leaves *@value alone. */
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

int vfio_user_capabilities_parse(const char *text, size_t size,
				 struct vfio_user_capabilities *capabilities)
{
	json_t *root, *object;
	uint32_t ignored;
	int error = -EINVAL;

	*capabilities = (struct vfio_user_capabilities){ VFIO_USER_DEFAULT_MSG_FDS,
							 VFIO_USER_DEFAULT_XFER_SIZE };
	if (!size)
		return 0;
	if (text[size - 1] != '\0' || nests_too_deep(text))
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
	    get_number(object, "max_msg_fds", 0, MAX_PEER_FDS, &capabilities->msg_fds) &&
	    get_number(object, "max_data_xfer_size", 1, UINT32_MAX, &capabilities->xfer_size) &&
	    get_number(object, "max_dma_maps", 0, UINT32_MAX, &ignored) &&
	    type_is(object, "pgsizes", JSON_INTEGER) && type_is(object, "migration", JSON_OBJECT) &&
	    (type_is(object, "write_multiple", JSON_TRUE) ||
	     type_is(object, "write_multiple", JSON_FALSE)))
		error = 0;
out:
	json_decref(root);
	return error;
}
