/* SPDX-License-Identifier: BSD-3-Clause */
/* test_libvirt.c - domains of libvirt: what is taken, what is named as left out, what is refused and where. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <cmocka.h>
#include <unistd.h>

#include "vmm/vmm.h"

static json_t *import(const char *path)
{
	struct reason why = { "" };
	json_t *record = vmm_import_libvirt(path, &why);

	if (!record)
		fail_msg("refused: %s", why.text);
	return record;
}

static void same(json_t *record, const char *expected)
{
	json_t *other = json_loads(expected, 0, NULL);
	char *text = json_dumps(record, JSON_INDENT(1));

	assert_non_null(other);
	if (!json_equal(record, other))
		fail_msg("%s", text);
	free(text);
	json_decref(other);
	json_decref(record);
}

static void a_whole_domain(void **state)
{
	same(import(DATA "/whole.xml"),
	     "{\"name-label\": \"web-1\", \"uuid\": \"c7a5fdbd-edaf-9455-926a-d65c16db1809\","
	     " \"name-description\": \"the shop\", \"memory\": 1074790400, \"vcpus\": 4,"
	     " \"firmware\": \"/usr/share/OVMF/OVMF_CODE_4M.fd\", \"kernel\": \"/boot/vmlinuz\","
	     " \"initrd\": \"/boot/initrd.img\","
	     " \"kernel-args\": \"console=ttyS0 root=/dev/vda & more\","
	     " \"disks\": ["
	     "  {\"path\": \"/var/lib/libvirt/images/web-1.qcow2\", \"format\": \"qcow2\","
	     "   \"read-only\": false},"
	     "  {\"path\": \"/dev/vg/data\", \"format\": \"raw\", \"read-only\": true},"
	     "  {\"path\": \"/srv/install.iso\", \"format\": \"raw\", \"read-only\": true}],"
	     " \"functions\": [\"0000:07:10.2\", \"0000:07:1f.7\"],"
	     " \"ignored\": [\"currentMemory\", \"os/nvram\", \"os/boot\", \"features\","
	     "  \"devices/disk\", \"devices/hostdev\", \"interface/mac\", \"devices/interface\","
	     "  \"devices/graphics\"]}");
}

static void the_least(void **state)
{
	same(import(DATA "/least.xml"), "{\"name-label\": \"a\", \"memory\": 268435456,"
					" \"disks\": [], \"functions\": [], \"ignored\": []}");
}

static void refused(const char *path, const char *words)
{
	struct reason why = { "" };

	assert_null(vmm_import_libvirt(path, &why));
	if (!strstr(why.text, words))
		fail_msg("'%s' does not say '%s'", why.text, words);
}

static void files_that_are_refused(void **state)
{
	refused("/nowhere/a.xml", "/nowhere/a.xml: No such file");
	refused("/tmp", "/tmp: ");
	refused("/dev/zero", "/dev/zero: too large");
	refused("/dev/null", "/dev/null:1: ");
	refused(DATA "/malformed.xml", "malformed.xml:3: Opening and ending tag mismatch");
	refused(DATA "/bomb.xml", "bomb.xml:2: a document type");
	refused(DATA "/outside.xml", "outside.xml:1: a document type");
	refused(DATA "/undefined.xml", "undefined.xml:1: Entity 'nobody' not defined");
}

#define DOMAIN(rest) "<domain type='kvm'>\n<name>a</name>\n" rest "</domain>"
#define HOSTDEV(address) \
	DOMAIN("<devices><hostdev type='pci'><source>\n" address "</source></hostdev></devices>")

/* Small domains, and what is wrong with them, line included. */
static const struct {
	const char *text, *words;
} wrong[] = {
	{ "<network/>", ":1: not a libvirt domain" },
	{ "<domain type='xen'><name>a</name></domain>", ":1: domain type 'xen'" },
	{ "<domain/>", ":1: the domain has no name" },
	{ "<domain><name> </name></domain>", "the domain has no name" },
	{ DOMAIN("<uuid>1234</uuid>"), ":3: '1234' is not a uuid" },
	{ DOMAIN("<uuid>c7a5fdbd-edaf-9455-926ad-65c16db1809</uuid>"), "is not a uuid" },
	{ DOMAIN("<memory>many</memory>"), ":3: 'many' is not an amount of memory" },
	{ DOMAIN("<memory>-1</memory>"), "'-1' is not an amount" },
	{ DOMAIN("<memory/>"), "'' is not an amount" },
	{ DOMAIN("<memory unit='furlong'>1</memory>"), "'furlong' is not a unit" },
	{ DOMAIN("<memory unit='TiB'>99999999999999</memory>"), "is not an amount" },
	{ DOMAIN("<memory>99999999999999999999999</memory>"), "is not an amount" },
	{ DOMAIN("<vcpu>0</vcpu>"), "'0' vcpus: 1 to 64" },
	{ DOMAIN("<vcpu>65</vcpu>"), "'65' vcpus: 1 to 64" },
	{ DOMAIN("<os><type>linux</type></os>"), "os type 'linux'" },
	{ DOMAIN("<devices>\n<disk type='file'><driver type='vmdk'/><source file='/d'/></disk>"
		 "</devices>"),
	  ":4: disk format 'vmdk'" },
	{ DOMAIN("<devices><hostdev type='pci'/></devices>"), "without the address" },
	{ HOSTDEV("<address bus='0x100' slot='0' function='0'/>"), ":4: not the address" },
	{ HOSTDEV("<address bus='7' slot='0x20' function='0'/>"), "not the address" },
	{ HOSTDEV("<address bus='7' slot='0' function='8'/>"), "not the address" },
	{ HOSTDEV("<address bus='7' slot='0'/>"), "not the address" },
	{ HOSTDEV("<address domain='x' bus='7' slot='0' function='0'/>"), "not the address" },
};

static void domains_that_are_refused(void **state)
{
	char path[] = "/tmp/softiov-domain.XXXXXX";
	int fd = mkstemp(path);

	assert_true(fd >= 0);
	for (unsigned int i = 0; i < ARRAY_SIZE(wrong); i++) {
		size_t length = strlen(wrong[i].text);

		assert_int_equal(ftruncate(fd, 0), 0);
		assert_int_equal(pwrite(fd, wrong[i].text, length, 0), length);
		refused(path, wrong[i].words);
	}
	close(fd);
	unlink(path);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_whole_domain),
		cmocka_unit_test(the_least),
		cmocka_unit_test(files_that_are_refused),
		cmocka_unit_test(domains_that_are_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
