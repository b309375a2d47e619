/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * error.c - refusals: {"error": sentence, "code": word, "params": [objects]}, the table of docs/api.md.
 */
#include "manager/internal.h"

#include <stdarg.h>

#define HTTP_BAD_REQUEST 400
#define HTTP_NOT_FOUND 404
#define HTTP_METHOD_NOT_ALLOWED 405
#define HTTP_CONFLICT 409
#define HTTP_UNAVAILABLE 503

static const struct {
	const char *word; /* NULL: of the API, not of an object */
	int status;
} codes[] = {
	[UUID_INVALID] = { "UUID_INVALID", HTTP_NOT_FOUND },
	[VM_BAD_POWER_STATE] = { "VM_BAD_POWER_STATE", HTTP_CONFLICT },
	[PCI_ADDRESS_INVALID] = { "PCI_ADDRESS_INVALID", HTTP_BAD_REQUEST },
	[PCI_DEVICE_MISSING] = { "PCI_DEVICE_MISSING", HTTP_NOT_FOUND },
	[PCI_DEVICE_DUPLICATE] = { "PCI_DEVICE_DUPLICATE", HTTP_BAD_REQUEST },
	[PCI_DEVICE_IN_USE] = { "PCI_DEVICE_IN_USE", HTTP_CONFLICT },
	[PCI_DEVICE_WRONG_MODE] = { "PCI_DEVICE_WRONG_MODE", HTTP_CONFLICT },
	[FILE_MISSING] = { "FILE_MISSING", HTTP_CONFLICT },
	[QEMU_TOO_OLD] = { "QEMU_TOO_OLD", HTTP_CONFLICT },
	[VM_START_FAILED] = { "VM_START_FAILED", HTTP_CONFLICT },
	[PLUG_FAILED] = { "PLUG_FAILED", HTTP_CONFLICT },
	[UNPLUG_UNSAFE] = { "UNPLUG_UNSAFE", HTTP_CONFLICT },
	[VALUE_INVALID] = { "VALUE_INVALID", HTTP_BAD_REQUEST },
	[SRIOV_IN_USE] = { "SRIOV_IN_USE", HTTP_CONFLICT },
	[INTERNAL_ERROR] = { "INTERNAL_ERROR", HTTP_UNAVAILABLE },
	[NO_SUCH_PATH] = { NULL, HTTP_NOT_FOUND },
	[WRONG_METHOD] = { NULL, HTTP_METHOD_NOT_ALLOWED },
};

int fail(struct failure *failure, enum code code, const char *const *params, const char *format,
	 ...)
{
	va_list args;

	json_decref(failure->params);
	failure->code = code;
	failure->params = json_array();
	while (params && *params)
		json_array_append_new(failure->params, json_string(*params++));
	va_start(args, format);
	vsnprintf(failure->text, sizeof(failure->text), format, args);
	va_end(args);
	text_repair(failure->text);
	return -1;
}

int fail_store(struct failure *failure, const struct reason *why)
{
	return fail(failure, INTERNAL_ERROR, NULL, "inventory: %s", why->text);
}

json_t *failure_body(struct failure *failure)
{
	json_t *params = failure->params;

	failure->params = NULL;
	if (!codes[failure->code].word) {
		json_decref(params);
		return json_pack("{s:s}", "error", failure->text);
	}
	return json_pack("{s:s, s:s, s:o}", "error", failure->text, "code",
			 codes[failure->code].word, "params", params ? params : json_array());
}

int failure_status(const struct failure *failure)
{
	return codes[failure->code].status;
}
