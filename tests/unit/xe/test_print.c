/* SPDX-License-Identifier: BSD-3-Clause */
/* test_print.c - records and refusals as xe writes them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>

#include "line.h"

static const char two[] =
	"[{\"uuid\": \"u1\", \"name-label\": \"a,b\\\\\", \"power-state\": \"running\", "
	"\"memory\": "
	"512, \"pid\": 7, \"start-time\": 1700000000, \"restart\": \"never\", \"other-config\": "
	"{\"z\": \"1\", \"pci\": \"0/0000:07:10.0\"}, \"disks\": [{\"path\": \"/d\", \"format\": "
	"\"qcow2\", \"read-only\": true}, {\"path\": \"/e\", \"format\": \"raw\"}]},"
	" {\"uuid\": \"u2\", \"name-label\": \"c\", \"power-state\": \"halted\", \"memory\": 512, "
	"\"pid\": null, \"start-time\": null, \"restart\": \"on-failure\", \"other-config\": {}, "
	"\"disks\": []}]";

/** struct capture - a standard stream goes to a file for a while. */
struct capture {
	FILE *file;
	int fd, saved;
	FILE *stream;
	char text[8192];
};

static void capture_start(struct capture *capture, FILE *stream, int fd)
{
	fflush(stream);
	capture->stream = stream;
	capture->fd = fd;
	capture->file = tmpfile();
	capture->saved = dup(fd);
	assert_non_null(capture->file);
	dup2(fileno(capture->file), fd);
}

static void capture_end(struct capture *capture)
{
	size_t len;

	fflush(capture->stream);
	dup2(capture->saved, capture->fd);
	close(capture->saved);
	rewind(capture->file);
	len = fread(capture->text, 1, sizeof(capture->text) - 1, capture->file);
	capture->text[len] = '\0';
	fclose(capture->file);
}

/* @words prints of @records, those its selectors leave, @expected. */
static void check(const char *const *words, const char *shown, const char *expected)
{
	json_t *records = json_loads(two, 0, NULL);
	struct capture capture;
	struct line line;
	int status;

	assert_non_null(records);
	assert_int_equal(line_start(&line, words), 0);
	xe_filter(&line.xe, records);
	capture_start(&capture, stdout, STDOUT_FILENO);
	status = xe_print_records(&line.xe, records, shown);
	capture_end(&capture);
	assert_int_equal(status, 0);
	assert_string_equal(capture.text, expected);
	line_end(&line);
	json_decref(records);
}

static void test_records(void **state)
{
	check(LINE("vm-list"), xe_vm.shown,
	      "uuid ( RO)           : u1\n"
	      "     name-label ( RW): a,b\\\n"
	      "    power-state ( RO): running\n\n\n"
	      "uuid ( RO)           : u2\n"
	      "     name-label ( RW): c\n"
	      "    power-state ( RO): halted\n\n\n");
	check(LINE("vm-list", "name-label=none"), xe_vm.shown, "");
}

static void test_values(void **state)
{
	check(LINE("vm-list", "uuid=u1"), "disks,other-config,start-time,live,dom-id",
	      "other-config (MRW)    : pci: 0/0000:07:10.0; z: 1\n"
	      "          dom-id ( RO): 7\n"
	      "      start-time ( RO): 2023-11-14T22:13:20Z\n"
	      "           disks (SRW): /d,format=qcow2,ro; /e,format=raw\n"
	      "            live ( RO): true\n\n\n");
	check(LINE("vm-list", "uuid=u2"), "start-time,actions-after-crash,dom-id,memory-actual",
	      "memory-actual ( RO)          : 0\n"
	      "    actions-after-crash ( RW): Restart\n"
	      "                 dom-id ( RO): -1\n"
	      "             start-time ( RO): <unknown time>\n\n\n");
}

static void test_minimal(void **state)
{
	check(LINE("vm-list", "--minimal"), xe_vm.shown, "u1,u2\n");
	check(LINE("vm-list", "--minimal"), "power-state,name-label", "a\\,b\\\\,c\n");
	check(LINE("vm-list", "--minimal", "uuid=none"), xe_vm.shown, "\n");
}

static void test_selection(void **state)
{
	check(LINE("vm-list", "power-state=running"), "uuid", "uuid ( RO)    : u1\n\n\n");
	check(LINE("vm-list", "other-config:z=1", "--minimal"), "uuid", "u1\n");
	check(LINE("vm-list", "other-config:z=2", "--minimal"), "uuid", "\n");
	check(LINE("vm-list", "disks:contains=/e,format=raw", "--minimal"), "uuid", "u1\n");
	check(LINE("vm-list", "allowed-operations:contains=start", "--minimal"), "uuid", "u2\n");
	check(LINE("vm-list", "memory-static-max=512", "--minimal"), "uuid", "u1,u2\n");
	check(LINE("vm-start", "vm=c"), "uuid", "uuid ( RO)    : u2\n\n\n");
	check(LINE("vm-start", "vm=u1", "power-state=halted"), "uuid", "");
}

static void check_refusal(struct client_refusal *why, const char *expected)
{
	struct capture capture;
	int status;

	capture_start(&capture, stderr, STDERR_FILENO);
	status = xe_print_refusal(why);
	capture_end(&capture);
	assert_int_equal(status, XE_REFUSED);
	assert_string_equal(capture.text, expected);
	assert_null(why->params);
}

static void test_refusals(void **state)
{
	struct client_refusal why = { 0 };

	client_refuse(&why, "PCI_DEVICE_IN_USE", json_pack("[ss]", "0000:07:10.0", "u1"),
		      "0000:07:10.0 is VM %s's", "u1");
	check_refusal(&why, "0000:07:10.0 is VM u1's\nError code: PCI_DEVICE_IN_USE\n"
			    "Error parameters: 0000:07:10.0, u1\n");
	client_refuse(&why, "", NULL, "no daemon");
	check_refusal(&why, "xe: no daemon\n");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_records),	 cmocka_unit_test(test_values),
		cmocka_unit_test(test_minimal),	 cmocka_unit_test(test_selection),
		cmocka_unit_test(test_refusals),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
