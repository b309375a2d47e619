/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * client.h - the daemon's API (docs/api.md) from a program's side: one request, the objects it knows, the console of a VM,
 * and the words for values that "softiov vm" and "xe" both take. One thread.
 */
#ifndef SOFTIOV_CLIENT_CLIENT_H
#define SOFTIOV_CLIENT_CLIENT_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

#define CLIENT_REFUSED (-1)

/** struct client_refusal - why something was not done. Start with {0}, end with client_refusal_clear(). */
struct client_refusal {
	long status;	/* of HTTP; 0: nobody answered */
	char code[48];	/* of docs/api.md; "": none was given */
	json_t *params; /* what it is about: an array of strings, or NULL */
	char text[768]; /* a sentence for a person */
};

/**
 * client_call() - one request.
 * @socket: path of the API's socket
 * @path: with "/v1/"; @body: may be NULL, not taken over
 * Return: what the daemon says of a success (caller's reference), or NULL with @why filled.
 */
json_t *client_call(const char *socket, const char *method, const char *path, const json_t *body,
		    struct client_refusal *why);

/**
 * client_refuse() - fill @why with a refusal of our own.
 * @params: taken over; may be NULL
 * Return: CLIENT_REFUSED, so that a refusal is one statement.
 */
int client_refuse(struct client_refusal *why, const char *code, json_t *params, const char *format,
		  ...) __attribute__((format(printf, 4, 5)));

void client_refusal_clear(struct client_refusal *why);

/** client_list() - GET @path, and of the answer the array @member (caller's reference), or NULL with @why. */
json_t *client_list(const char *socket, const char *path, const char *member,
		    struct client_refusal *why);

/** client_find_vm() - the record of the VM with this uuid or name (caller's), or NULL: none, or several (NAME_AMBIGUOUS). */
json_t *client_find_vm(const char *socket, const char *name, struct client_refusal *why);

/**
 * client_vm_call() - a request about one VM: @method /v1/vm/@uuid[/@verb].
 * Return: as client_call().
 */
json_t *client_vm_call(const char *socket, const char *method, const char *uuid, const char *verb,
		       const json_t *body, struct client_refusal *why);

/**
 * client_console() - join standard input and output to the serial console of a VM until it ends, or until Ctrl-] is typed
 * at a terminal. When input that is not a terminal ends, output goes on.
 * Return: 0, or CLIENT_REFUSED with @why.
 */
int client_console(const char *socket, const char *uuid, struct client_refusal *why);

/** client_parse_size() - "512MiB", "512M", "1G", "536870912" into bytes. Return: 0 or -EINVAL. */
int client_parse_size(const char *text, uint64_t *bytes);

/** client_parse_count() - a number from 1 on. Return: 0 or -EINVAL. */
int client_parse_count(const char *text, unsigned int *count);

/** client_parse_disk() - "PATH[,format=raw|qcow2][,ro]" as a disk of a VM's record, or NULL: not of this form. */
json_t *client_parse_disk(const char *text);

/** client_format_disk() - the same the other way round (caller frees). NULL: out of memory. */
char *client_format_disk(const json_t *disk);

#endif
