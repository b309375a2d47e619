/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * call.c - one HTTP request over the daemon's Unix socket, by libcurl, and the refusals of docs/api.md.
 *
 * A program that makes one request and ends is as fast as its start: libcurl is initialized without TLS, which a Unix
 * socket has no use for.
 */
#include "client/client.h"

#include <curl/curl.h>
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* The daemon waits up to 60 s for a guest that was asked to power off, and may start it again after that. */
#define TIMEOUT_S 180L
#define MAX_REPLY (64u << 20)
#define HTTP_OK 200

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

int client_refuse(struct client_refusal *why, const char *code, json_t *params, const char *format,
		  ...)
{
	va_list args;

	client_refusal_clear(why);
	snprintf(why->code, sizeof(why->code), "%s", code);
	why->params = params;
	va_start(args, format);
	vsnprintf(why->text, sizeof(why->text), format, args);
	va_end(args);
	return CLIENT_REFUSED;
}

void client_refusal_clear(struct client_refusal *why)
{
	json_decref(why->params);
	*why = (struct client_refusal){ 0 };
}

static void no_answer(const char *socket, CURLcode result, struct client_refusal *why)
{
	if (result == CURLE_COULDNT_CONNECT && access(socket, W_OK) && errno == EACCES)
		client_refuse(
			why, "", NULL,
			"%s: no permission: be root, or a member of the group that may use it",
			socket);
	else if (result == CURLE_COULDNT_CONNECT)
		client_refuse(why, "", NULL,
			      "no daemon answers at %s: is softiovd running? (--socket PATH names "
			      "another)",
			      socket);
	else
		client_refuse(why, "", NULL, "%s: %s", socket, curl_easy_strerror(result));
}

static void refused(long status, const json_t *body, struct client_refusal *why)
{
	const char *text = json_string_value(json_object_get(body, "error"));
	const char *code = json_string_value(json_object_get(body, "code"));
	json_t *params = json_object_get(body, "params");

	if (text)
		client_refuse(why, code ? code : "", json_incref(params), "%s", text);
	else
		client_refuse(why, "", NULL, "the daemon answered with status %ld", status);
	why->status = status;
}

static CURL *prepare(const char *socket, const char *method, const char *path)
{
	char url[512];
	CURL *curl;

	if (snprintf(url, sizeof(url), "http://softiov%s", path) >= (int)sizeof(url))
		return NULL;
	curl_global_init(CURL_GLOBAL_NOTHING);
	curl = curl_easy_init();
	if (!curl)
		return NULL;
	curl_easy_setopt(curl, CURLOPT_URL, url);
	curl_easy_setopt(curl, CURLOPT_UNIX_SOCKET_PATH, socket);
	curl_easy_setopt(curl, CURLOPT_CUSTOMREQUEST, method);
	curl_easy_setopt(curl, CURLOPT_TIMEOUT, TIMEOUT_S);
	curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, on_data);
	return curl;
}

json_t *client_call(const char *socket, const char *method, const char *path, const json_t *body,
		    struct client_refusal *why)
{
	char *text = body ? json_dumps(body, JSON_COMPACT) : NULL;
	CURL *curl = prepare(socket, method, path);
	struct reply reply = { NULL, 0 };
	json_t *json = NULL;
	CURLcode result;
	long status = 0;

	if (!curl || (body && !text)) {
		curl_easy_cleanup(curl);
		free(text);
		client_refuse(why, "", NULL, "%s: out of memory, or too long a name", path);
		return NULL;
	}
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
	if (result == CURLE_OK && status == HTTP_OK && json)
		return json;
	if (result != CURLE_OK)
		no_answer(socket, result, why);
	else
		refused(status, json, why);
	json_decref(json);
	return NULL;
}
