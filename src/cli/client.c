/* SPDX-License-Identifier: BSD-3-Clause */
/* client.c - one HTTP request over the daemon's Unix socket, by libcurl. */
#include "cli/cli.h"

#include <curl/curl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define TIMEOUT_S 30L
#define MAX_REPLY (64u << 20)
#define HTTP_OK 200
#define HTTP_BAD_REQUEST 400

struct reply {
	char *text;
	size_t len;
};

static size_t on_data(char *data, size_t size, size_t n, void *ctx)
{
	struct reply *reply = ctx;
	char *text;

	if (reply->len + size * n > MAX_REPLY)
		return 0;
	text = realloc(reply->text, reply->len + size * n + 1);
	if (!text)
		return 0;
	memcpy(text + reply->len, data, size * n);
	reply->text = text;
	reply->len += size * n;
	return size * n;
}

static json_t *complain(const struct cli *cli, CURLcode result, long status, json_t *body)
{
	const char *why = json_string_value(json_object_get(body, "error"));

	if (result == CURLE_COULDNT_CONNECT)
		fprintf(stderr,
			"softiov: no daemon answers at %s: is softiovd running? (--socket PATH "
			"names another)\n",
			cli->socket);
	else if (result != CURLE_OK)
		fprintf(stderr, "softiov: %s: %s\n", cli->socket, curl_easy_strerror(result));
	else if (why)
		fprintf(stderr, "softiov: %s\n", why);
	else
		fprintf(stderr, "softiov: the daemon answered with status %ld\n", status);
	json_decref(body);
	return NULL;
}

json_t *cli_call(const struct cli *cli, const char *method, const char *path, const json_t *body,
		 int *exit_status)
{
	char *text = body ? json_dumps(body, JSON_COMPACT) : NULL;
	struct reply reply = { NULL, 0 };
	CURL *curl = curl_easy_init();
	CURLcode result;
	json_t *json = NULL;
	char url[256];
	long status = 0;

	*exit_status = EXIT_REFUSED;
	if (!curl) {
		free(text);
		fprintf(stderr, "softiov: out of memory\n");
		return NULL;
	}
	snprintf(url, sizeof(url), "http://softiov%s", path);
	curl_easy_setopt(curl, CURLOPT_URL, url);
	curl_easy_setopt(curl, CURLOPT_UNIX_SOCKET_PATH, cli->socket);
	curl_easy_setopt(curl, CURLOPT_CUSTOMREQUEST, method);
	curl_easy_setopt(curl, CURLOPT_TIMEOUT, TIMEOUT_S);
	curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, on_data);
	curl_easy_setopt(curl, CURLOPT_WRITEDATA, &reply);
	if (text)
		curl_easy_setopt(curl, CURLOPT_POSTFIELDS, text);
	result = curl_easy_perform(curl);
	curl_easy_getinfo(curl, CURLINFO_RESPONSE_CODE, &status);
	curl_easy_cleanup(curl);
	if (reply.len)
		json = json_loadb(reply.text, reply.len, 0, NULL);
	free(reply.text);
	free(text);
	*exit_status = EXIT_SUCCESS;
	if (result == CURLE_OK && status == HTTP_OK && json)
		return json;
	*exit_status = result == CURLE_OK && status == HTTP_BAD_REQUEST ? EXIT_USAGE : EXIT_REFUSED;
	return complain(cli, result, status, json);
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
