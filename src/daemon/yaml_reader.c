/* SPDX-License-Identifier: BSD-3-Clause */
/* yaml_reader.c - walk mappings by tables of keys; scalars that need no knowledge of what they mean. */
#include "daemon/yaml_reader.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

int yaml_fail(struct yaml_reader *reader, const yaml_node_t *node, const char *format, ...)
{
	char text[200];
	va_list args;

	va_start(args, format);
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	return refuse(reader->why, -EINVAL, "%s:%zu: %s", reader->file, node->start_mark.line + 1,
		      text);
}

const char *yaml_text(const yaml_node_t *node)
{
	return node->type == YAML_SCALAR_NODE ? (const char *)node->data.scalar.value : "?";
}

yaml_node_t *yaml_node(struct yaml_reader *reader, int id)
{
	return yaml_document_get_node(&reader->document, id);
}

long yaml_length(const yaml_node_t *node)
{
	if (node->type != YAML_SEQUENCE_NODE)
		return 0;
	return node->data.sequence.items.top - node->data.sequence.items.start;
}

yaml_node_t *yaml_item(struct yaml_reader *reader, const yaml_node_t *node, long i)
{
	return yaml_node(reader, node->data.sequence.items.start[i]);
}

static int unknown_key(struct yaml_reader *reader, const yaml_node_t *node,
		       const struct yaml_key *keys, const char *what)
{
	char allowed[160] = "";
	size_t used = 0;

	for (; keys->name && used < sizeof(allowed); keys++)
		used += (size_t)snprintf(allowed + used, sizeof(allowed) - used, "%s%s",
					 used ? ", " : "", keys->name);
	return yaml_fail(reader, node, "unknown key '%s' in %s; allowed: %s", yaml_text(node), what,
			 allowed);
}

static const struct yaml_key *find_key(const struct yaml_key *keys, const char *name)
{
	while (keys->name && strcmp(keys->name, name))
		keys++;
	return keys->name ? keys : NULL;
}

static bool appears_before(struct yaml_reader *reader, const yaml_node_t *mapping,
			   const yaml_node_pair_t *pair)
{
	const char *name = yaml_text(yaml_node(reader, pair->key));

	for (const yaml_node_pair_t *other = mapping->data.mapping.pairs.start; other < pair;
	     other++)
		if (!strcmp(yaml_text(yaml_node(reader, other->key)), name))
			return true;
	return false;
}

int yaml_mapping(struct yaml_reader *reader, yaml_node_t *node, const struct yaml_key *keys,
		 const char *what, void *object)
{
	int error = 0;

	if (node->type != YAML_MAPPING_NODE)
		return yaml_fail(reader, node, "%s must be a mapping (key: value)", what);
	for (yaml_node_pair_t *pair = node->data.mapping.pairs.start;
	     !error && pair < node->data.mapping.pairs.top; pair++) {
		const yaml_node_t *name = yaml_node(reader, pair->key);
		const struct yaml_key *key = find_key(keys, yaml_text(name));

		if (!key)
			return unknown_key(reader, name, keys, what);
		if (appears_before(reader, node, pair))
			return yaml_fail(reader, name, "key '%s' appears twice in %s", key->name,
					 what);
		error = key->read(reader, yaml_node(reader, pair->value), key,
				  (char *)object + key->offset);
	}
	return error;
}

int yaml_number(struct yaml_reader *reader, yaml_node_t *node, const char *what, long min, long max,
		long *value)
{
	const char *text = yaml_text(node);
	char *end;

	errno = 0;
	*value = strtol(text, &end, 10);
	if (*text && !*end && !errno && *value >= min && *value <= max)
		return 0;
	return yaml_fail(reader, node, "%s '%s' is not a number from %ld to %ld", what, text, min,
			 max);
}

static int read_number(struct yaml_reader *reader, yaml_node_t *node, const struct yaml_key *key,
		       long *value)
{
	return yaml_number(reader, node, key->what ? key->what : key->name, key->min, key->max,
			   value);
}

int yaml_read_u8(struct yaml_reader *reader, yaml_node_t *node, const struct yaml_key *key,
		 void *field)
{
	long value;
	int error = read_number(reader, node, key, &value);

	*(uint8_t *)field = (uint8_t)value;
	return error;
}

int yaml_read_u16(struct yaml_reader *reader, yaml_node_t *node, const struct yaml_key *key,
		  void *field)
{
	long value;
	int error = read_number(reader, node, key, &value);

	*(uint16_t *)field = (uint16_t)value;
	return error;
}

int yaml_read_u32(struct yaml_reader *reader, yaml_node_t *node, const struct yaml_key *key,
		  void *field)
{
	long value;
	int error = read_number(reader, node, key, &value);

	*(uint32_t *)field = (uint32_t)value;
	return error;
}

int yaml_read_bool(struct yaml_reader *reader, yaml_node_t *node, const struct yaml_key *key,
		   void *field)
{
	static const char *const words[] = { "off", "on", "false", "true", "no", "yes" };
	const char *text = yaml_text(node);

	for (size_t i = 0; i < ARRAY_SIZE(words); i++)
		if (!strcmp(text, words[i])) {
			*(bool *)field = i & 1;
			return 0;
		}
	return yaml_fail(reader, node, "%s '%s' is not one of: on, off", key->name, text);
}

int yaml_read_mapping(struct yaml_reader *reader, yaml_node_t *node, const struct yaml_key *key,
		      void *field)
{
	return yaml_mapping(reader, node, key->keys, key->what ? key->what : key->name, field);
}

int yaml_read_ignored(struct yaml_reader *reader, yaml_node_t *node, const struct yaml_key *key,
		      void *field)
{
	(void)reader, (void)node, (void)key, (void)field;
	return 0;
}
