/* SPDX-License-Identifier: BSD-3-Clause */
/* client.c - one request of the daemon's API, and what is said on stderr when it is refused. */
#include "cli/cli.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "client/client.h"

#define HTTP_BAD_REQUEST 400

json_t *cli_call(const struct cli *cli, const char *method, const char *path, const json_t *body,
		 int *exit_status)
{
	struct client_refusal why = { 0 };
	json_t *answer = client_call(cli->socket, method, path, body, &why);

	*exit_status = EXIT_SUCCESS;
	if (answer)
		return answer;
	*exit_status = why.status == HTTP_BAD_REQUEST ? EXIT_USAGE : EXIT_REFUSED;
	cli_refuse(&why);
	return NULL;
}

int cli_refuse(struct client_refusal *why)
{
	fprintf(stderr, "softiov: %s\n", why->text);
	client_refusal_clear(why);
	return EXIT_REFUSED;
}

int cli_usage(const char *format, ...)
{
	va_list args;

	va_start(args, format);
	fprintf(stderr, "softiov: ");
	vfprintf(stderr, format, args);
	fprintf(stderr, "; see softiov --help\n");
	va_end(args);
	return EXIT_USAGE;
}
