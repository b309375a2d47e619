/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * request.c - what clients may ask, and how it must look.
 *
 * Every member of a JSON body is named in a table with the function that checks and stores it; an unknown member, a
 * wrong type or an impossible value refuses the whole request, so nothing is ever half done.
 */
#include "api/request.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>

#define HTTP_BAD_REQUEST 400
#define HTTP_NOT_FOUND 404
#define HTTP_METHOD_NOT_ALLOWED 405
#define RATE_MIN 10 /* Mbit/s */
#define RATE_MAX 10000

struct member {
	const char *name;
	int (*store)(const json_t *value, struct api_call *call, struct reason *why);
};

static int store_mac(const json_t *value, struct api_call *call, struct reason *why)
{
	static const uint8_t zero[ETH_ALEN];
	const char *text = json_string_value(value);

	if (!text || mac_parse(text, call->change.mac) || call->change.mac[0] & 1 ||
	    !memcmp(call->change.mac, zero, ETH_ALEN))
		return refuse(why, HTTP_BAD_REQUEST,
			      "mac '%s' is not a unicast address like 52:54:00:12:34:56",
			      text ? text : "?");
	call->change.has_mac = true;
	return 0;
}

static int number(const json_t *value, const char *name, json_int_t max, json_int_t *result,
		  struct reason *why)
{
	*result = json_integer_value(value);
	if (!json_is_integer(value) || *result < 0 || *result > max)
		return refuse(why, HTTP_BAD_REQUEST, "%s must be a number from 0 to %lld", name,
			      (long long)max);
	return 0;
}

static int store_vlan(const json_t *value, struct api_call *call, struct reason *why)
{
	json_int_t n;
	int status = number(value, "vlan", 4094, &n, why);

	call->change.vlan = (uint16_t)n;
	call->change.has_vlan = true;
	return status;
}

static int store_qos(const json_t *value, struct api_call *call, struct reason *why)
{
	json_int_t n;
	int status = number(value, "qos", 7, &n, why);

	call->change.qos = (uint8_t)n;
	call->change.has_qos = true;
	return status;
}

static int store_max_tx_rate(const json_t *value, struct api_call *call, struct reason *why)
{
	json_int_t n;
	int status = number(value, "max_tx_rate", RATE_MAX, &n, why);

	if (!status && n && n < RATE_MIN)
		status = refuse(why, HTTP_BAD_REQUEST,
				"max_tx_rate must be 0 (no limit) or %d to %d Mbit/s", RATE_MIN,
				RATE_MAX);
	call->change.max_tx_rate = (uint16_t)n;
	call->change.has_max_tx_rate = true;
	return status;
}

static int boolean(const json_t *value, const char *name, bool *result, bool *has,
		   struct reason *why)
{
	if (!json_is_boolean(value))
		return refuse(why, HTTP_BAD_REQUEST, "%s must be true or false", name);
	*result = json_is_true(value);
	*has = true;
	return 0;
}

static int store_spoofchk(const json_t *value, struct api_call *call, struct reason *why)
{
	return boolean(value, "spoofchk", &call->change.spoofchk, &call->change.has_spoofchk, why);
}

static int store_trust(const json_t *value, struct api_call *call, struct reason *why)
{
	return boolean(value, "trust", &call->change.trust, &call->change.has_trust, why);
}

static int store_query_rss(const json_t *value, struct api_call *call, struct reason *why)
{
	return boolean(value, "query_rss", &call->change.query_rss, &call->change.has_query_rss,
		       why);
}

static int store_force(const json_t *value, struct api_call *call, struct reason *why)
{
	bool has;

	return boolean(value, "force", &call->force, &has, why);
}

/* One of @words (NULL-terminated); *@index tells which. */
static int word(const json_t *value, const char *name, const char *const words[], int *index,
		struct reason *why)
{
	const char *text = json_string_value(value);
	char allowed[64] = "";

	for (*index = 0; words[*index]; (*index)++) {
		if (text && !strcmp(text, words[*index]))
			return 0;
		snprintf(allowed + strlen(allowed), sizeof(allowed) - strlen(allowed), "%s%s",
			 *index ? ", " : "", words[*index]);
	}
	return refuse(why, HTTP_BAD_REQUEST, "%s '%s' is not one of: %s", name, text ? text : "?",
		      allowed);
}

static int store_state(const json_t *value, struct api_call *call, struct reason *why)
{
	static const char *const words[] = { "auto", "enable", "disable",
					     NULL }; /* enum pf_vf_link */

	call->change.has_state = true;
	return word(value, "state", words, &call->change.state, why);
}

static int store_registers(const json_t *value, struct api_call *call, struct reason *why)
{
	static const char *const words[] = { "trapped", "shared", NULL };
	int index, status = word(value, "registers", words, &index, why);

	call->change.registers_shared = index == 1;
	call->change.has_registers = true;
	return status;
}

static int store_numvfs(const json_t *value, struct api_call *call, struct reason *why)
{
	json_int_t n;
	int status = number(value, "numvfs", 64, &n, why);

	call->numvfs = (unsigned int)n;
	return status;
}

static int store_mode(const json_t *value, struct api_call *call, struct reason *why)
{
	static const char *const words[] = { "host", "vm", NULL };
	int index, status = word(value, "mode", words, &index, why);

	call->vm_mode = index == 1;
	return status;
}

static const struct member vf_members[] = {
	{ "mac", store_mac },
	{ "vlan", store_vlan },
	{ "qos", store_qos },
	{ "spoofchk", store_spoofchk },
	{ "trust", store_trust },
	{ "state", store_state },
	{ "query_rss", store_query_rss },
	{ "registers", store_registers },
	{ "max_tx_rate", store_max_tx_rate },
	{ NULL, NULL },
};
static const struct member pf_members[] = { { "numvfs", store_numvfs }, { NULL, NULL } };
static const struct member card_members[] = { { "mode", store_mode }, { NULL, NULL } };
static const struct member stop_members[] = { { "force", store_force }, { NULL, NULL } };

static int store_member(const struct member *members, const char *name, const json_t *value,
			struct api_call *call, struct reason *why)
{
	char allowed[128] = "";

	for (const struct member *m = members; m->name; m++) {
		if (!strcmp(m->name, name))
			return m->store(value, call, why);
		snprintf(allowed + strlen(allowed), sizeof(allowed) - strlen(allowed), "%s%s",
			 m == members ? "" : ", ", m->name);
	}
	return refuse(why, HTTP_BAD_REQUEST, "unknown member '%.40s'; allowed: %s", name, allowed);
}

/* Return: 0 with the object in the call, none when @optional and there is no text; or a status. */
static int parse_body(const char *body, size_t len, bool optional, struct api_call *call,
		      struct reason *why)
{
	json_error_t error;

	if (!len && optional)
		return 0;
	call->body = json_loadb(body ? body : "", len, JSON_REJECT_DUPLICATES, &error);
	if (!call->body)
		return refuse(why, HTTP_BAD_REQUEST, "body is not JSON: line %d: %s", error.line,
			      error.text);
	if (!json_is_object(call->body) || (!json_object_size(call->body) && !optional))
		return refuse(why, HTTP_BAD_REQUEST, "body must be a JSON object%s",
			      optional ? "" : " with at least one member");
	return 0;
}

static int store_members(const struct member *members, struct api_call *call, struct reason *why)
{
	const char *name;
	json_t *value;
	int status = 0;

	json_object_foreach (call->body, name, value) {
		status = store_member(members, name, value, call, why);
		if (status)
			break;
	}
	return status;
}

/* "0000:07:00.0" up to the end or a '/'; advances *@path. */
static bool take_address(const char **path, char address[16])
{
	size_t len = strcspn(*path, "/");

	if (len < 7 || len > 15)
		return false;
	memcpy(address, *path, len);
	address[len] = '\0';
	*path += len;
	return true;
}

static bool take_prefix(const char **path, const char *prefix)
{
	size_t len = strlen(prefix);

	if (strncmp(*path, prefix, len))
		return false;
	*path += len;
	return true;
}

static bool take_vf_number(const char **path, int *vf)
{
	char *end = NULL;

	if (!take_prefix(path, "/vf/") || !isdigit((unsigned char)**path))
		return false;
	*vf = (int)MIN(strtoul(*path, &end, 10), 9999ul);
	*path = end;
	return true;
}

/* Is it one of the manager's? What is below its words, the manager knows. */
static bool is_managed(const char *path)
{
	static const char *const words[] = { "vm", "network", "sriov", "pif", "pci", "host" };
	const char *rest = path;
	char address[16];

	if (take_prefix(&rest, "/v1/vf/") && take_address(&rest, address))
		return !strcmp(rest, "/policy");
	rest = path;
	if (!take_prefix(&rest, "/v1/"))
		return false;
	for (unsigned int i = 0; i < ARRAY_SIZE(words); i++) {
		size_t len = strlen(words[i]);

		if (!strncmp(rest, words[i], len) && (!rest[len] || rest[len] == '/'))
			return true;
	}
	return false;
}

static int parse_managed(enum api_method method, const char *path, const char *body, size_t len,
			 struct api_call *call, struct reason *why)
{
	call->kind = API_MANAGE;
	call->method = method;
	if (strlen(path) >= sizeof(call->path))
		return refuse(why, HTTP_NOT_FOUND, "no such path: %.100s", path);
	strcpy(call->path, path + strlen("/v1/"));
	return parse_body(body, len, true, call, why);
}

int api_parse(enum api_method method, const char *path, const char *body, size_t len,
	      struct api_call *call, struct reason *why)
{
	const char *rest = path;
	const struct member *members = NULL;
	enum api_method wanted;
	int status;

	memset(call, 0, sizeof(*call));
	call->vf = -1;
	if (is_managed(path))
		return parse_managed(method, path, body, len, call, why);
	if (!strcmp(path, "/v1/show")) {
		call->kind = API_SHOW;
		wanted = API_GET;
	} else if (!strcmp(path, "/v1/workers")) {
		call->kind = API_WORKERS;
		wanted = API_GET;
	} else if (!strcmp(path, "/v1/stop")) {
		call->kind = API_STOP;
		wanted = API_POST;
		members = stop_members;
	} else if (take_prefix(&rest, "/v1/vf/") && take_address(&rest, call->address) && !*rest) {
		call->kind = API_VF_SET;
		wanted = API_PATCH;
		members = vf_members;
	} else if ((rest = path, take_prefix(&rest, "/v1/card/")) &&
		   take_address(&rest, call->address) && !*rest) {
		call->kind = API_CARD_SET;
		wanted = API_PATCH;
		members = card_members;
	} else if ((rest = path, take_prefix(&rest, "/v1/pf/")) &&
		   take_address(&rest, call->address) &&
		   (!*rest || (take_vf_number(&rest, &call->vf) && !*rest))) {
		call->kind = call->vf < 0 ? API_PF_SET : API_VF_SET;
		wanted = API_PATCH;
		members = call->vf < 0 ? pf_members : vf_members;
	} else {
		return refuse(why, HTTP_NOT_FOUND, "no such path: %.100s", path);
	}
	if (method != wanted)
		return refuse(why, HTTP_METHOD_NOT_ALLOWED, "%.100s takes %s only", path,
			      wanted == API_GET	   ? "GET"
			      : wanted == API_POST ? "POST"
						   : "PATCH");
	if (!members)
		return 0;
	status = parse_body(body, len, call->kind == API_STOP, call, why);
	return status ? status : store_members(members, call, why);
}
