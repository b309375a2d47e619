// SPDX-License-Identifier: BSD-3-Clause
/*
 * libvirt.c - a VM read from a libvirt domain (libvirt, formatdomain): one function for each element that has a meaning here,
 * found by a table. Whatever has none is named in "ignored", so that nobody misses it later without notice.
 *
 * The file may come from anywhere. No document type is accepted, hence no entity is ever defined or expanded, nothing is
 * loaded from elsewhere, and neither size nor depth (libxml2's own limit) is unbounded.
 */
#include "vmm/internal.h"

#include <libxml/parser.h>
#include <libxml/parserInternals.h>
#include <libxml/tree.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>

#define FILE_MAX_BYTES (1024u * 1024)
#define OPTIONS (XML_PARSE_NONET | XML_PARSE_NOERROR | XML_PARSE_NOWARNING | XML_PARSE_COMPACT)
#define UUID_LENGTH 36

/** struct import - a domain that is being read: @path and @why for refusals, @record the result. */
struct import {
	const char *path;
	struct reason *why;
	json_t *record, *ignored;
};

typedef int reader(struct import *import, xmlNode *node);

/** struct element - how to read a child element; @read NULL: nothing to read, and nothing lost. */
struct element {
	const char *name;
	reader *read;
};

static __attribute__((format(printf, 3, 4))) int wrong(const struct import *import,
						       const xmlNode *node, const char *format, ...)
{
	char text[160];
	va_list list;

	va_start(list, format);
	vsnprintf(text, sizeof(text), format, list);
	va_end(list);
	return refuse(import->why, -EINVAL, "%s:%ld: %s", import->path, xmlGetLineNo(node), text);
}

static const char *name_of(const xmlNode *node)
{
	return (const char *)node->name;
}

static bool is(const char *text, const char *word)
{
	return text && !strcmp(text, word);
}

/* Text of @node, or its attribute @name, without spaces around it; NULL: none. The caller's (xmlFree). */
static char *text_of(xmlNode *node, const char *name)
{
	xmlChar *text = name ? xmlGetNoNsProp(node, BAD_CAST name) : xmlNodeGetContent(node);
	char *start = (char *)text, *end;

	if (!text)
		return NULL;
	start += strspn(start, " \t\r\n");
	end = start + strlen(start);
	while (end > start && strchr(" \t\r\n", end[-1]))
		end--;
	memmove(text, start, (size_t)(end - start));
	text[end - start] = '\0';
	return (char *)text;
}

static xmlNode *child(xmlNode *node, const char *name)
{
	for (node = node->children; node; node = node->next)
		if (node->type == XML_ELEMENT_NODE && is(name_of(node), name))
			return node;
	return NULL;
}

/* Once for each kind: "devices/graphics". */
static int ignore(struct import *import, const xmlNode *node)
{
	const char *parent = node->parent && node->parent->parent &&
					     node->parent->parent->type == XML_ELEMENT_NODE
				     ? name_of(node->parent)
				     : NULL;
	char name[160];
	json_t *other;
	size_t i;

	snprintf(name, sizeof(name), "%.80s%s%.70s", parent ? parent : "", parent ? "/" : "",
		 name_of(node));
	json_array_foreach (import->ignored, i, other)
		if (is(json_string_value(other), name))
			return 0;
	return json_array_append_new(import->ignored, json_string(name)) ? -ENOMEM : 0;
}

static int read_children(struct import *import, xmlNode *node, const struct element *elements,
			 size_t count)
{
	int error = 0;

	for (node = node->children; !error && node; node = node->next) {
		size_t i = 0;

		if (node->type != XML_ELEMENT_NODE)
			continue;
		while (i < count && !is(name_of(node), elements[i].name))
			i++;
		if (i == count)
			error = ignore(import, node);
		else if (elements[i].read)
			error = elements[i].read(import, node);
	}
	return error;
}

static int set_text(struct import *import, xmlNode *node, const char *member)
{
	char *text = text_of(node, NULL);
	int error = text && !json_object_set_new(import->record, member, json_string(text))
			    ? 0
			    : -ENOMEM;

	xmlFree(text);
	return error;
}

static int read_name(struct import *import, xmlNode *node)
{
	return set_text(import, node, "name-label");
}

static int read_description(struct import *import, xmlNode *node)
{
	return set_text(import, node, "name-description");
}

static int read_kernel(struct import *import, xmlNode *node)
{
	return set_text(import, node, "kernel");
}

static int read_initrd(struct import *import, xmlNode *node)
{
	return set_text(import, node, "initrd");
}

static int read_cmdline(struct import *import, xmlNode *node)
{
	return set_text(import, node, "kernel-args");
}

static int read_loader(struct import *import, xmlNode *node)
{
	return set_text(import, node, "firmware");
}

static int read_uuid(struct import *import, xmlNode *node)
{
	char *text = text_of(node, NULL);
	int error = 0;

	for (char *c = text; c && *c; c++)
		*c |= *c >= 'A' && *c <= 'F' ? 0x20 : 0;
	if (!text || strlen(text) != UUID_LENGTH ||
	    strspn(text, "0123456789abcdef-") != UUID_LENGTH || text[8] != '-' || text[13] != '-' ||
	    text[18] != '-' || text[23] != '-')
		error = wrong(import, node, "'%.40s' is not a uuid", text ? text : "");
	else if (json_object_set_new(import->record, "uuid", json_string(text)))
		error = -ENOMEM;
	xmlFree(text);
	return error;
}

/* Decimal or, with 0x, hexadecimal; not more than @max. */
static bool parse_number(const char *text, uint64_t max, uint64_t *number)
{
	char *end;

	if (!text || *text < '0' || *text > '9')
		return false;
	errno = 0;
	*number = strtoull(text, &end, strncmp(text, "0x", 2) ? 10 : 16);
	return !errno && !*end && *number <= max;
}

static uint64_t bytes_per(const char *unit)
{
	static const struct {
		const char *unit;
		uint64_t bytes;
	} units[] = {
		{ "b", 1 },	     { "bytes", 1 },	    { "KB", 1000 },
		{ "k", 1ull << 10 }, { "KiB", 1ull << 10 }, { "MB", 1000000 },
		{ "M", 1ull << 20 }, { "MiB", 1ull << 20 }, { "GB", 1000000000 },
		{ "G", 1ull << 30 }, { "GiB", 1ull << 30 }, { "TB", 1000000000000 },
		{ "T", 1ull << 40 }, { "TiB", 1ull << 40 },
	};

	for (unsigned int i = 0; i < ARRAY_SIZE(units); i++)
		if (is(unit, units[i].unit))
			return units[i].bytes;
	return 0;
}

/* Rounded up to whole MiB, as memory is here. */
static int read_memory(struct import *import, xmlNode *node)
{
	char *text = text_of(node, NULL), *unit = text_of(node, "unit");
	uint64_t bytes = bytes_per(unit ? unit : "KiB"), number;
	int error = 0;

	if (!bytes)
		error = wrong(import, node, "'%.40s' is not a unit of memory", unit);
	else if (!parse_number(text, (uint64_t)(INT64_MAX - VMM_MIB) / bytes, &number))
		error = wrong(import, node, "'%.40s' is not an amount of memory", text ? text : "");
	else if (json_object_set_new(import->record, "memory",
				     json_integer((json_int_t)(ALIGN_UP(number * bytes, VMM_MIB)))))
		error = -ENOMEM;
	xmlFree(text);
	xmlFree(unit);
	return error;
}

static int read_vcpu(struct import *import, xmlNode *node)
{
	char *text = text_of(node, NULL);
	uint64_t number;
	int error = 0;

	if (!parse_number(text, VMM_MAX_VCPUS, &number) || !number)
		error = wrong(import, node, "'%.40s' vcpus: 1 to %u", text ? text : "",
			      VMM_MAX_VCPUS);
	else if (json_object_set_new(import->record, "vcpus", json_integer((json_int_t)number)))
		error = -ENOMEM;
	xmlFree(text);
	return error;
}

static int read_os_type(struct import *import, xmlNode *node)
{
	char *text = text_of(node, NULL);
	int error = is(text, "hvm") ? 0 : wrong(import, node, "os type '%.40s': only hvm", text);

	xmlFree(text);
	return error;
}

static int read_os(struct import *import, xmlNode *node)
{
	static const struct element elements[] = {
		{ "type", read_os_type },    { "kernel", read_kernel }, { "initrd", read_initrd },
		{ "cmdline", read_cmdline }, { "loader", read_loader },
	};

	return read_children(import, node, elements, ARRAY_SIZE(elements));
}

/* Where a disk is, of a kind that is known here. NULL: elsewhere, or an empty drive. */
static char *disk_path(xmlNode *node)
{
	xmlNode *source = child(node, "source");
	char *type = text_of(node, "type"), *device = text_of(node, "device"), *path = NULL;

	if (source && (!device || is(device, "disk") || is(device, "cdrom")))
		path = is(type, "file")	   ? text_of(source, "file")
		       : is(type, "block") ? text_of(source, "dev")
					   : NULL;
	xmlFree(type);
	xmlFree(device);
	return path;
}

static int read_disk(struct import *import, xmlNode *node)
{
	xmlNode *driver = child(node, "driver");
	char *path = disk_path(node), *format = driver ? text_of(driver, "type") : NULL;
	char *device = text_of(node, "device");
	bool read_only = child(node, "readonly") || is(device, "cdrom");
	int error = 0;

	if (!path)
		error = ignore(import, node);
	else if (format && strcmp(format, "raw") && strcmp(format, "qcow2"))
		error = wrong(import, driver, "disk format '%.40s': raw or qcow2", format);
	else if (json_array_append_new(json_object_get(import->record, "disks"),
				       json_pack("{s:s, s:s, s:b}", "path", path, "format",
						 format ? format : "raw", "read-only", read_only)))
		error = -ENOMEM;
	xmlFree(path);
	xmlFree(format);
	xmlFree(device);
	return error;
}

static bool address_part(xmlNode *node, const char *name, uint64_t max, unsigned int *part)
{
	char *text = text_of(node, name);
	uint64_t number = 0;
	/* "bus='07'" is hexadecimal nowhere in libvirt's output: it writes 0x. Only the domain may be missing. */
	bool good = text ? parse_number(text, max, &number) : is(name, "domain");

	*part = (unsigned int)number;
	xmlFree(text);
	return good;
}

static int read_function(struct import *import, xmlNode *node)
{
	xmlNode *source = child(node, "source"),
		*address = source ? child(source, "address") : NULL;
	unsigned int domain, bus, slot, function;
	char text[24];

	if (!address)
		return wrong(import, node, "a PCI device without the address of its source");
	if (!address_part(address, "domain", 0xffff, &domain) ||
	    !address_part(address, "bus", 0xff, &bus) ||
	    !address_part(address, "slot", 0x1f, &slot) ||
	    !address_part(address, "function", 7, &function))
		return wrong(import, address, "not the address of a PCI device");
	snprintf(text, sizeof(text), "%04x:%02x:%02x.%x", domain, bus, slot, function);
	return json_array_append_new(json_object_get(import->record, "functions"),
				     json_string(text))
		       ? -ENOMEM
		       : 0;
}

static int read_hostdev(struct import *import, xmlNode *node)
{
	char *type = text_of(node, "type");
	bool pci = is(type, "pci");

	xmlFree(type);
	return pci ? read_function(import, node) : ignore(import, node);
}

/* <interface type='hostdev'> is a VF with words for the PF: those are ours to give otherwise. */
static int read_interface(struct import *import, xmlNode *node)
{
	char *type = text_of(node, "type");
	bool hostdev = is(type, "hostdev");
	xmlNode *mac = child(node, "mac"), *vlan = child(node, "vlan");
	int error = 0;

	xmlFree(type);
	if (!hostdev)
		return ignore(import, node);
	if (mac)
		error = ignore(import, mac);
	if (!error && vlan)
		error = ignore(import, vlan);
	return error ? error : read_function(import, node);
}

static int read_devices(struct import *import, xmlNode *node)
{
	static const struct element elements[] = {
		{ "disk", read_disk },
		{ "hostdev", read_hostdev },
		{ "interface", read_interface },
		{ "emulator", NULL },
	};

	return read_children(import, node, elements, ARRAY_SIZE(elements));
}

static int read_domain(struct import *import, xmlNode *node)
{
	static const struct element elements[] = {
		{ "name", read_name },
		{ "uuid", read_uuid },
		{ "description", read_description },
		{ "memory", read_memory },
		{ "vcpu", read_vcpu },
		{ "os", read_os },
		{ "devices", read_devices },
	};
	char *type;
	int error = 0;

	if (!node || !is(name_of(node), "domain"))
		return refuse(import->why, -EINVAL, "%s:1: not a libvirt domain", import->path);
	type = text_of(node, "type");
	if (type && strcmp(type, "kvm") && strcmp(type, "qemu"))
		error = wrong(import, node, "domain type '%.40s': only kvm and qemu", type);
	xmlFree(type);
	if (!error)
		error = read_children(import, node, elements, ARRAY_SIZE(elements));
	if (!error && !*(json_string_value(json_object_get(import->record, "name-label")) ?: ""))
		error = wrong(import, node, "the domain has no name");
	return error;
}

/* Called for a DOCTYPE, before anything in it is read. */
static void refuse_document_type(void *ctx, const xmlChar *name, const xmlChar *external,
				 const xmlChar *system)
{
	xmlParserCtxt *parser = ctx;

	*(int *)parser->_private = xmlSAX2GetLineNumber(parser);
	xmlStopParser(parser);
}

static xmlDoc *parse(const char *path, const char *text, size_t size, struct reason *why)
{
	xmlParserCtxt *parser = xmlNewParserCtxt();
	const xmlError *error;
	int document_type = 0;
	xmlDoc *doc;

	if (!parser) {
		refuse(why, 0, "memory is short");
		return NULL;
	}
	parser->_private = &document_type;
	parser->sax->internalSubset = refuse_document_type;
	doc = xmlCtxtReadMemory(parser, text, (int)size, NULL, NULL, OPTIONS);
	error = xmlCtxtGetLastError(parser);
	if (document_type)
		refuse(why, 0, "%s:%d: a document type (and entities) is not accepted", path,
		       document_type);
	else if (!doc)
		refuse(why, 0, "%s:%d: %.*s", path, error ? error->line : 1,
		       error && error->message ? (int)strcspn(error->message, "\n") : 7,
		       error && error->message ? error->message : "not XML");
	if (document_type && doc) {
		xmlFreeDoc(doc);
		doc = NULL;
	}
	xmlFreeParserCtxt(parser);
	return doc;
}

static char *read_text(const char *path, size_t *size, struct reason *why)
{
	FILE *file = fopen(path, "re");
	char *text = malloc(FILE_MAX_BYTES + 1);

	*size = file && text ? fread(text, 1, FILE_MAX_BYTES + 1, file) : 0;
	if (!file || !text || ferror(file))
		refuse(why, 0, "%s: %s", path, strerror(errno));
	else if (*size > FILE_MAX_BYTES)
		refuse(why, 0, "%s: too large for a libvirt domain", path);
	else
		goto out;
	free(text);
	text = NULL;
out:
	if (file)
		fclose(file);
	return text;
}

json_t *vmm_import_libvirt(const char *path, struct reason *why)
{
	struct import import = { .path = path, .why = why };
	size_t size = 0;
	char *text = read_text(path, &size, why);
	xmlDoc *doc = text ? parse(path, text, size, why) : NULL;
	int error = -ENOMEM;

	free(text);
	if (!doc)
		return NULL;
	import.record = json_pack("{s:[], s:[], s:[]}", "disks", "functions", "ignored");
	import.ignored = json_object_get(import.record, "ignored");
	if (import.record)
		error = read_domain(&import, xmlDocGetRootElement(doc));
	if (error == -ENOMEM)
		refuse(why, error, "%s: memory is short", path);
	if (error) {
		json_decref(import.record);
		import.record = NULL;
	}
	xmlFreeDoc(doc);
	return import.record;
}
