/* SPDX-License-Identifier: BSD-3-Clause */
/* test_request.c - what the API accepts and how it refuses: status and the words that tell the client why. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <cmocka.h>

#include "api/request.h"

/* The body of the last call, for the one after it to drop. */
static json_t *last_body;

static int parse(enum api_method method, const char *path, const char *body, struct api_call *call,
		 struct reason *why)
{
	int status = api_parse(method, path, body, body ? strlen(body) : 0, call, why);

	json_decref(last_body);
	last_body = call->body;
	return status;
}

static const struct {
	enum api_method method;
	const char *path, *body;
	int status;
	const char *words;
} refusals[] = {
	{ API_GET, "/", NULL, 404, "no such path" },
	{ API_GET, "/v1/showx", NULL, 404, "no such path" },
	{ API_GET, "/v1/vf/", NULL, 404, "no such path" },
	{ API_PATCH, "/v1/pf/0000:07:00.0/vf/", "{}", 404, "no such path" },
	{ API_PATCH, "/v1/pf/0000:07:00.0/vf/1x", "{}", 404, "no such path" },
	{ API_PATCH, "/v1/pf/0000:07:00.0/vf/-1", "{}", 404, "no such path" },
	{ API_PATCH, "/v1/show", NULL, 405, "GET only" },
	{ API_POST, "/v1/workers", NULL, 405, "GET only" },
	{ API_GET, "/v1/stop", NULL, 405, "POST only" },
	{ API_OTHER, "/v1/vf/0000:07:10.0", "{}", 405, "PATCH only" },
	{ API_PATCH, "/v1/vf/0000:07:10.0", NULL, 400, "not JSON" },
	{ API_PATCH, "/v1/vf/0000:07:10.0", "{", 400, "not JSON" },
	{ API_PATCH, "/v1/vf/0000:07:10.0", "[1]", 400, "object" },
	{ API_PATCH, "/v1/vf/0000:07:10.0", "{}", 400, "at least one" },
	{ API_PATCH, "/v1/vf/0000:07:10.0", "{\"speed\":1}", 400,
	  "unknown member 'speed'; allowed: mac, vlan" },
	{ API_PATCH, "/v1/vf/0000:07:10.0", "{\"vlan\":1,\"vlan\":2}", 400, "not JSON" },
	{ API_PATCH, "/v1/vf/0000:07:10.0", "{\"mac\":\"x\"}", 400, "mac 'x'" },
	{ API_PATCH, "/v1/vf/0000:07:10.0", "{\"mac\":\"01:00:5e:00:00:01\"}", 400, "unicast" },
	{ API_PATCH, "/v1/vf/0000:07:10.0", "{\"mac\":5}", 400, "unicast" },
	{ API_PATCH, "/v1/vf/0000:07:10.0", "{\"vlan\":4095}", 400, "0 to 4094" },
	{ API_PATCH, "/v1/vf/0000:07:10.0", "{\"vlan\":\"1\"}", 400, "0 to 4094" },
	{ API_PATCH, "/v1/vf/0000:07:10.0", "{\"vlan\":1,\"qos\":8}", 400, "0 to 7" },
	{ API_PATCH, "/v1/vf/0000:07:10.0", "{\"spoofchk\":1}", 400, "true or false" },
	{ API_PATCH, "/v1/vf/0000:07:10.0", "{\"max_tx_rate\":9}", 400, "10 to 10000" },
	{ API_PATCH, "/v1/vf/0000:07:10.0", "{\"max_tx_rate\":10001}", 400, "0 to 10000" },
	{ API_PATCH, "/v1/vf/0000:07:10.0", "{\"max_tx_rate\":\"1G\"}", 400, "a number" },
	{ API_PATCH, "/v1/vf/0000:07:10.0", "{\"min_tx_rate\":10}", 400, "unknown member" },
	{ API_PATCH, "/v1/vf/0000:07:10.0", "{\"state\":\"up\"}", 400, "auto, enable, disable" },
	{ API_PATCH, "/v1/vf/0000:07:10.0", "{\"registers\":\"fast\"}", 400, "trapped, shared" },
	{ API_PATCH, "/v1/pf/0000:07:00.0", "{\"numvfs\":65}", 400, "0 to 64" },
	{ API_PATCH, "/v1/pf/0000:07:00.0", "{\"numvfs\":-1}", 400, "0 to 64" },
	{ API_GET, "/v1/card/0000:07", NULL, 405, "PATCH only" },
	{ API_PATCH, "/v1/card/", "{}", 404, "no such path" },
	{ API_PATCH, "/v1/card/0000:07/vf/1", "{\"mode\":\"vm\"}", 404, "no such path" },
	{ API_PATCH, "/v1/card/0000:07", NULL, 400, "not JSON" },
	{ API_PATCH, "/v1/card/0000:07", "{}", 400, "at least one" },
	{ API_PATCH, "/v1/card/0000:07", "{\"mode\":\"guest\"}", 400, "mode 'guest'" },
	{ API_PATCH, "/v1/card/0000:07", "{\"mode\":1}", 400, "host, vm" },
	{ API_PATCH, "/v1/card/0000:07", "{\"numvfs\":1}", 400, "allowed: mode" },
	{ API_POST, "/v1/stop", "{\"force\":\"yes\"}", 400, "true or false" },
	{ API_GET, "/v1/vms", NULL, 404, "no such path" },
	{ API_GET, "/v1/hostess/1", NULL, 404, "no such path" },
	{ API_GET, "/vm", NULL, 404, "no such path" },
	{ API_DELETE, "/v1/vf/0000:07:10.0/policies", NULL, 404, "no such path" },
	{ API_DELETE, "/v1/vf/0000:07:10.0", NULL, 405, "PATCH only" },
	{ API_POST, "/v1/vm", "{", 400, "not JSON" },
	{ API_POST, "/v1/vm", "[]", 400, "object" },
	{ API_POST, "/v1/vm", "{\"vcpus\":1,\"vcpus\":2}", 400, "not JSON" },
	{ API_POST, "/v1/vm", "{\"name-label\":\"a\\u0000b\"}", 400, "not JSON" },
	{ API_GET,
	  "/v1/vm/"
	  "0123456789012345678901234567890123456789012345678901234567890123456789012345678901"
	  "2345678901234567890123456789012345678901234567890123456789",
	  NULL, 404, "no such path" },
};

static void test_refusals(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(refusals); i++) {
		struct reason why = { "" };
		struct api_call call;
		int status =
			parse(refusals[i].method, refusals[i].path, refusals[i].body, &call, &why);

		if (status != refusals[i].status || !strstr(why.text, refusals[i].words))
			fail_msg("%s %s: %d '%s'", refusals[i].path,
				 refusals[i].body ? refusals[i].body : "", status, why.text);
	}
}

static void test_vf(void **state)
{
	static const uint8_t mac[ETH_ALEN] = { 0x52, 0x54, 0, 0, 0, 9 };
	struct reason why;
	struct api_call call;

	(void)state;
	assert_int_equal(parse(API_PATCH, "/v1/pf/0000:07:00.0/vf/12",
			       "{\"mac\":\"52:54:00:00:00:09\",\"vlan\":4094,\"qos\":7,"
			       "\"spoofchk\":false,\"trust\":true,"
			       "\"state\":\"disable\",\"query_rss\":true,\"registers\":\"shared\","
			       "\"max_tx_rate\":10}",
			       &call, &why),
			 0);
	assert_int_equal(call.kind, API_VF_SET);
	assert_string_equal(call.address, "0000:07:00.0");
	assert_int_equal(call.vf, 12);
	assert_memory_equal(call.change.mac, mac, ETH_ALEN);
	assert_true(call.change.has_mac && call.change.has_vlan && call.change.has_qos &&
		    call.change.has_spoofchk);
	assert_true(call.change.has_trust && call.change.has_state && call.change.has_query_rss);
	assert_int_equal(call.change.vlan, 4094);
	assert_int_equal(call.change.qos, 7);
	assert_false(call.change.spoofchk);
	assert_true(call.change.trust && call.change.query_rss && call.change.registers_shared);
	assert_int_equal(call.change.state, 2);
	assert_true(call.change.has_max_tx_rate);
	assert_int_equal(call.change.max_tx_rate, 10);

	assert_int_equal(parse(API_PATCH, "/v1/vf/0000:07:10.6", "{\"vlan\":0}", &call, &why), 0);
	assert_int_equal(call.vf, -1);
	assert_string_equal(call.address, "0000:07:10.6");
	assert_false(call.change.has_mac);
}

static void test_others(void **state)
{
	struct reason why;
	struct api_call call;

	(void)state;
	assert_int_equal(parse(API_GET, "/v1/show", NULL, &call, &why), 0);
	assert_int_equal(call.kind, API_SHOW);
	assert_int_equal(parse(API_GET, "/v1/workers", NULL, &call, &why), 0);
	assert_int_equal(call.kind, API_WORKERS);
	assert_int_equal(parse(API_PATCH, "/v1/pf/0000:07:00.1", "{\"numvfs\":63}", &call, &why),
			 0);
	assert_int_equal(call.kind, API_PF_SET);
	assert_int_equal(call.numvfs, 63);
	assert_int_equal(parse(API_PATCH, "/v1/card/0001:1f", "{\"mode\":\"vm\"}", &call, &why), 0);
	assert_int_equal(call.kind, API_CARD_SET);
	assert_string_equal(call.address, "0001:1f");
	assert_true(call.vm_mode);
	assert_int_equal(parse(API_PATCH, "/v1/card/0000:07", "{\"mode\":\"host\"}", &call, &why),
			 0);
	assert_false(call.vm_mode);
	assert_int_equal(parse(API_POST, "/v1/stop", NULL, &call, &why), 0);
	assert_false(call.force);
	assert_int_equal(parse(API_POST, "/v1/stop", "{\"force\":true}", &call, &why), 0);
	assert_true(call.force);
}

/* What goes to the manager: path and body as they came, which may be none. */
static void test_managed(void **state)
{
	static const struct {
		enum api_method method;
		const char *path;
	} calls[] = {
		{ API_GET, "vm" },	   { API_DELETE, "vm/1-2/x" },
		{ API_POST, "network" },   { API_OTHER, "sriov" },
		{ API_GET, "pif" },	   { API_PATCH, "pci/" },
		{ API_GET, "host/a/b/c" }, { API_DELETE, "vf/0000:07:10.0/policy" },
	};
	struct reason why;
	struct api_call call;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(calls); i++) {
		char path[64];

		snprintf(path, sizeof(path), "/v1/%s", calls[i].path);
		assert_int_equal(parse(calls[i].method, path, NULL, &call, &why), 0);
		assert_int_equal(call.kind, API_MANAGE);
		assert_int_equal(call.method, calls[i].method);
		assert_string_equal(call.path, calls[i].path);
		assert_null(call.body);
	}
	assert_int_equal(parse(API_POST, "/v1/vm/x/start", "{}", &call, &why), 0);
	assert_int_equal(json_object_size(call.body), 0);
	assert_int_equal(parse(API_PATCH, "/v1/vm/x", "{\"vcpus\": 2}", &call, &why), 0);
	assert_int_equal(json_integer_value(json_object_get(call.body, "vcpus")), 2);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_refusals),
		cmocka_unit_test(test_vf),
		cmocka_unit_test(test_others),
		cmocka_unit_test(test_managed),
	};
	int failed = cmocka_run_group_tests_name("request", tests, NULL, NULL);

	json_decref(last_body);
	return failed;
}
