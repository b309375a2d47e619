/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * identity.c - uuids. What the inventory makes gets a random one; the host, its functions and its PFs' interfaces get
 * one that follows from what they are (RFC 4122 section 4.3, version 5), so that it is the same after every restart.
 */
#include "manager/internal.h"

#include <unistd.h>
#include <uuid/uuid.h>

/* Namespace of everything here: made once, at random. */
static const char softiov_namespace[] = "8d0dfc1e-7a55-4cb7-9f3a-1f0c7b7c3a52";

static void derive(const char *namespace, const char *name, char text[UUID_BYTES])
{
	uuid_t ns, uuid;

	uuid_parse(namespace, ns);
	uuid_generate_sha1(uuid, ns, name, strlen(name));
	uuid_unparse_lower(uuid, text);
}

void identity_host(char uuid[UUID_BYTES])
{
	char id[256] = "";
	FILE *file = fopen("/etc/machine-id", "re");

	if (file) {
		if (!fgets(id, sizeof(id), file))
			id[0] = '\0';
		fclose(file);
	}
	id[strcspn(id, "\n")] = '\0';
	if (!id[0] && gethostname(id, sizeof(id) - 1))
		strcpy(id, "localhost");
	derive(softiov_namespace, id, uuid);
}

void identity_of(const struct manager *manager, const char *kind, const char *name,
		 char uuid[UUID_BYTES])
{
	char whole[128];

	snprintf(whole, sizeof(whole), "%s/%s", kind, name);
	derive(manager->host, whole, uuid);
}

void identity_random(char text[UUID_BYTES])
{
	uuid_t uuid;

	uuid_generate_random(uuid);
	uuid_unparse_lower(uuid, text);
}

bool identity_valid(const char *text)
{
	uuid_t uuid;

	return uuid_parse(text, uuid) == 0;
}

void identity_normal(const char *text, char normal[UUID_BYTES])
{
	uuid_t uuid;

	uuid_parse(text, uuid);
	uuid_unparse_lower(uuid, normal);
}
