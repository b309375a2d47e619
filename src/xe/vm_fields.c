/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * vm_fields.c - the class of VMs: what XenServer's words mean here.
 *
 * Memory is one figure: all four limits show it, the two maxima set it. So are the VCPUs. What happens when a VM ends by
 * itself is the record's "restart"; the two actions show and set it together:
 *
 *	restart		actions-after-shutdown	actions-after-crash
 *	never		Destroy			Destroy
 *	on-failure	Destroy			Restart
 *	always		Restart			Restart
 */
#include "xe/internal.h"
#include "xe/values.h"

#include <errno.h>
#include <string.h>
#include <strings.h>
#include <time.h>

#include "util/util.h"

#define NO_TIME "<unknown time>"
#define NO_DOMAIN -1

static bool is_running(const json_t *record)
{
	return !strcmp(xe_text(record, "power-state"), "running");
}

static json_t *get_memory_actual(const json_t *record, const struct xe_field *field)
{
	return is_running(record) ? xe_get_text(record, field) : json_string("0");
}

static json_t *get_live(const json_t *record, const struct xe_field *field)
{
	return json_string(is_running(record) ? "true" : "false");
}

static json_t *get_domain(const json_t *record, const struct xe_field *field)
{
	return json_is_integer(json_object_get(record, field->member))
		       ? xe_get_text(record, field)
		       : json_sprintf("%d", NO_DOMAIN);
}

static json_t *get_time(const json_t *record, const struct xe_field *field)
{
	const json_t *value = json_object_get(record, field->member);
	time_t seconds = (time_t)json_integer_value(value);
	struct tm utc;
	char text[64];

	if (!json_is_integer(value) || !gmtime_r(&seconds, &utc) ||
	    !strftime(text, sizeof(text), "%Y-%m-%dT%H:%M:%SZ", &utc))
		return json_string(NO_TIME);
	return json_string(text);
}

static json_t *get_operations(const json_t *record, const struct xe_field *field)
{
	const char *state = xe_text(record, "power-state");

	if (!strcmp(state, "halted"))
		return json_pack("[sss]", "start", "changing_static_range", "destroy");
	if (!strcmp(state, "running"))
		return json_pack("[ssss]", "clean_shutdown", "clean_reboot", "hard_shutdown",
				 "hard_reboot");
	return json_pack("[s]", "hard_shutdown");
}

static json_t *get_after_shutdown(const json_t *record, const struct xe_field *field)
{
	return json_string(strcmp(xe_text(record, field->member), "always") ? "Destroy"
									    : "Restart");
}

static json_t *get_after_crash(const json_t *record, const struct xe_field *field)
{
	return json_string(strcmp(xe_text(record, field->member), "never") ? "Restart" : "Destroy");
}

/* Return: whether the VM shall be started again, or -EINVAL. */
static int wants_restart(const char *text)
{
	if (!strcasecmp(text, "restart"))
		return 1;
	return strcasecmp(text, "destroy") ? -EINVAL : 0;
}

/* What "restart" is after the changes so far. */
static const char *current_restart(const struct xe_field *field, const json_t *record,
				   const json_t *changes)
{
	const char *changed = xe_text(changes, field->member);

	return *changed ? changed : xe_text(record, field->member);
}

static int set_after_shutdown(const struct xe_field *field, const json_t *record, const char *text,
			      json_t *changes)
{
	const char *now = current_restart(field, record, changes);
	int again = wants_restart(text);

	if (again < 0)
		return again;
	if (again)
		now = "always";
	else if (!strcmp(now, "always"))
		now = "on-failure";
	return xe_set_text(field, record, *now ? now : "never", changes);
}

static int set_after_crash(const struct xe_field *field, const json_t *record, const char *text,
			   json_t *changes)
{
	const char *now = current_restart(field, record, changes);
	int again = wants_restart(text);

	if (again < 0)
		return again;
	if (!again)
		now = "never";
	else if (strcmp(now, "always"))
		now = "on-failure";
	return xe_set_text(field, record, now, changes);
}

static json_t *get_disks(const json_t *record, const struct xe_field *field)
{
	json_t *texts = json_array();
	const json_t *disk;
	size_t i;

	json_array_foreach (json_object_get(record, field->member), i, disk) {
		char *text = client_format_disk(disk);

		json_array_append_new(texts, json_string(text));
		free(text);
	}
	return texts;
}

/* One more. */
static int set_disk(const struct xe_field *field, const json_t *record, const char *text,
		    json_t *changes)
{
	json_t *disk = client_parse_disk(text);
	json_t *disks = json_object_get(changes, field->member);

	if (!disk)
		return -EINVAL;
	if (!disks) {
		disks = json_copy(json_object_get(record, field->member));
		if (!disks)
			disks = json_array();
		json_object_set_new(changes, field->member, disks);
	}
	return json_array_append_new(disks, disk);
}

static const struct xe_field vm_fields[] = {
	{ "uuid", XE_RO, "uuid", xe_get_text },
	{ "name-label", XE_RW, "name-label", xe_get_text, xe_set_text },
	{ "name-description", XE_RW, "name-description", xe_get_text, xe_set_text },
	{ "is-a-template", XE_RO, "false", xe_get_constant },
	{ "is-a-snapshot", XE_RO, "false", xe_get_constant },
	{ "is-control-domain", XE_RO, "false", xe_get_constant },
	{ "power-state", XE_RO, "power-state", xe_get_text },
	{ "memory-actual", XE_RO, "memory", get_memory_actual },
	{ "memory-static-max", XE_RW, "memory", xe_get_text, xe_set_size },
	{ "memory-dynamic-max", XE_RW, "memory", xe_get_text, xe_set_size },
	{ "memory-dynamic-min", XE_RO, "memory", xe_get_text },
	{ "memory-static-min", XE_RO, "memory", xe_get_text },
	{ "VCPUs-max", XE_RW, "vcpus", xe_get_text, xe_set_count },
	{ "VCPUs-at-startup", XE_RW, "vcpus", xe_get_text, xe_set_count },
	{ "actions-after-shutdown", XE_RW, "restart", get_after_shutdown, set_after_shutdown },
	{ "actions-after-reboot", XE_RO, "Restart", xe_get_constant },
	{ "actions-after-crash", XE_RW, "restart", get_after_crash, set_after_crash },
	{ "allowed-operations", XE_SRO, "power-state", get_operations },
	{ "PV-kernel", XE_RW, "kernel", xe_get_text, xe_set_text },
	{ "PV-ramdisk", XE_RW, "initrd", xe_get_text, xe_set_text },
	{ "PV-args", XE_RW, "kernel-args", xe_get_text, xe_set_text },
	{ "other-config", XE_MRW, "other-config", xe_get_json },
	{ "dom-id", XE_RO, "pid", get_domain },
	{ "start-time", XE_RO, "start-time", get_time },
	{ "disks", XE_SRW, "disks", get_disks, set_disk },
	{ "live", XE_RO, "power-state", get_live },
	{ "firmware", XE_RW, "firmware", xe_get_text, xe_set_text },
	{ "accel", XE_RW, "accel", xe_get_text, xe_set_text },
};

const struct xe_class xe_vm = {
	"vm",
	"VM",
	"/v1/vm",
	"vms",
	vm_fields,
	ARRAY_SIZE(vm_fields),
	"uuid,name-label,power-state",
	NULL,
};
