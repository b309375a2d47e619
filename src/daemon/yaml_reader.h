/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * yaml_reader.h - from a YAML document to C structures by tables. A table of keys is the grammar of one kind of mapping
 * and the source of the "allowed: …" in error messages; every error names file and line.
 */
#ifndef SOFTIOV_DAEMON_YAML_READER_H
#define SOFTIOV_DAEMON_YAML_READER_H

#include <stdbool.h>
#include <stddef.h>
#include <yaml.h>
#include "util/util.h"

struct yaml_reader {
	const char *file;
	yaml_document_t document;
	struct reason *why;
};

/**
 * struct yaml_key - a key of a mapping.
 * @read: checks @node and stores it at @field, which is the object of the mapping plus @offset
 * @min, @max: of a number
 * @keys: of a mapping
 * @what: how errors call the value, the name when NULL
 */
struct yaml_key {
	const char *name;
	int (*read)(struct yaml_reader *reader, yaml_node_t *node, const struct yaml_key *key,
		    void *field);
	size_t offset;
	long min, max;
	const struct yaml_key *keys;
	const char *what;
};

/** yaml_fail() - fill in the reason, with file and line of @node. Return: -EINVAL. */
int yaml_fail(struct yaml_reader *reader, const yaml_node_t *node, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

/** yaml_text() - the text of a scalar; "?" for anything else, which no value is. */
const char *yaml_text(const yaml_node_t *node);

yaml_node_t *yaml_node(struct yaml_reader *reader, int id);

/** yaml_length() - how many items the list @node has; 0 for anything else. */
long yaml_length(const yaml_node_t *node);

/** yaml_item() - item @i of the list @node, below yaml_length(). */
yaml_node_t *yaml_item(struct yaml_reader *reader, const yaml_node_t *node, long i);

/** yaml_mapping() - read every key of @node by the table @keys (ends with a NULL name) into @object. */
int yaml_mapping(struct yaml_reader *reader, yaml_node_t *node, const struct yaml_key *keys,
		 const char *what, void *object);

/** yaml_number() - a decimal number from @min to @max. */
int yaml_number(struct yaml_reader *reader, yaml_node_t *node, const char *what, long min, long max,
		long *value);

/* Readers for tables */
int yaml_read_mapping(struct yaml_reader *reader, yaml_node_t *node, const struct yaml_key *key,
		      void *field);
int yaml_read_u8(struct yaml_reader *reader, yaml_node_t *node, const struct yaml_key *key,
		 void *field);
int yaml_read_u16(struct yaml_reader *reader, yaml_node_t *node, const struct yaml_key *key,
		  void *field);
int yaml_read_u32(struct yaml_reader *reader, yaml_node_t *node, const struct yaml_key *key,
		  void *field);
int yaml_read_bool(struct yaml_reader *reader, yaml_node_t *node, const struct yaml_key *key,
		   void *field);
/** yaml_read_ignored() - for a key that another pass over the same mapping reads. */
int yaml_read_ignored(struct yaml_reader *reader, yaml_node_t *node, const struct yaml_key *key,
		      void *field);

#endif
