/* SPDX-License-Identifier: BSD-3-Clause */
/* values.h - how members of the API's records become values of fields; see struct xe_field. */
#ifndef SOFTIOV_XE_VALUES_H
#define SOFTIOV_XE_VALUES_H

#include "xe/internal.h"

/** xe_text() - a string member, "" if it is not there or no string. */
const char *xe_text(const json_t *record, const char *member);

/** xe_get_text() - a string, number or truth value as a string; "" for null. */
json_t *xe_get_text(const json_t *record, const struct xe_field *field);
/** xe_get_reference() - a uuid, or that there is none. */
json_t *xe_get_reference(const json_t *record, const struct xe_field *field);
/** xe_get_constant() - the field's @member itself. */
json_t *xe_get_constant(const json_t *record, const struct xe_field *field);
/** xe_get_json() - an object or array of strings as it is. */
json_t *xe_get_json(const json_t *record, const struct xe_field *field);

/** xe_set_text() - any string. */
int xe_set_text(const struct xe_field *field, const json_t *record, const char *text,
		json_t *changes);
/** xe_set_size() - bytes; xe_set_count() - a number from 1 on. */
int xe_set_size(const struct xe_field *field, const json_t *record, const char *text,
		json_t *changes);
int xe_set_count(const struct xe_field *field, const json_t *record, const char *text,
		 json_t *changes);

#endif
