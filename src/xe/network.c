/* SPDX-License-Identifier: BSD-3-Clause */
/* network.c - networks, and SR-IOV on physical interfaces that are tied to them. */
#include "xe/internal.h"
#include "xe/values.h"

#define PATH_SIZE 512

/* POST @body (taken over) and print the uuid of what came of it. */
static int create(const struct xe *xe, json_t *body)
{
	struct client_refusal why = { 0 };
	json_t *answer = client_call(xe->socket, "POST", xe->command->class->path, body, &why);

	json_decref(body);
	if (!answer)
		return xe_print_refusal(&why);
	xe_print_text(xe, xe_text(answer, "uuid"));
	json_decref(answer);
	return XE_DONE;
}

static int destroy(const struct xe *xe)
{
	struct client_refusal why = { 0 };
	json_t *record = xe_record(xe, xe->command->class, "uuid", &why);
	json_t *answer = NULL;
	char path[PATH_SIZE];

	if (record) {
		snprintf(path, sizeof(path), "%s/%s", xe->command->class->path,
			 xe_text(record, "uuid"));
		answer = client_call(xe->socket, "DELETE", path, NULL, &why);
	}
	json_decref(record);
	if (!answer)
		return xe_print_refusal(&why);
	json_decref(answer);
	return XE_DONE;
}

int xe_network_create(struct xe *xe)
{
	const char *description = xe_value(xe, "name-description");

	return create(xe, json_pack("{s:s s:s}", "name-label", xe_value(xe, "name-label"),
				    "name-description", description ? description : ""));
}

int xe_network_destroy(struct xe *xe)
{
	return destroy(xe);
}

int xe_sriov_create(struct xe *xe)
{
	return create(xe, json_pack("{s:s s:s}", "pif", xe_value(xe, "pif-uuid"), "network",
				    xe_value(xe, "network-uuid")));
}

int xe_sriov_destroy(struct xe *xe)
{
	return destroy(xe);
}
