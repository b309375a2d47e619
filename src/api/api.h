/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * api.h - the daemon's control interface: HTTP/JSON on a Unix socket, served by the management thread.
 *
 *	GET   /v1/show				the whole tree, see docs/api.md
 *	GET   /v1/workers			its "workers" alone: cheap however many VFs there are
 *	PATCH /v1/pf/0000:07:00.0		{"numvfs": 8}
 *	PATCH /v1/pf/0000:07:00.0/vf/3		{"mac": "52:54:…", "vlan": 100, "qos": 0, "spoofchk": true, "trust": false,
 *						 "state": "auto", "query_rss": false, "registers": "shared", "max_tx_rate": 100}
 *	PATCH /v1/vf/0000:07:10.6		the same by the VF's own address
 *	PATCH /v1/card/0000:07			{"mode": "vm"}
 *	POST  /v1/stop				{"force": false}
 *
 *	DELETE /v1/vf/0000:07:10.6/policy	forget what was set and kept
 *	…     /v1/vm, /v1/network, /v1/sriov, /v1/pif, /v1/pci, /v1/host	VMs and what they are given, see docs/api.md
 *
 * Errors are {"error": "…"} with status 400 (malformed), 404 (no such thing), 405, 409 (refused), 503.
 * This room checks the form of a request; what it means is the daemon's business, reached through submit(), and the
 * manager's, reached through manage().
 */
#ifndef SOFTIOV_API_API_H
#define SOFTIOV_API_API_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>
#include "util/util.h"

enum api_kind {
	API_SHOW,
	API_WORKERS,
	API_VF_SET,
	API_PF_SET,
	API_CARD_SET,
	API_STOP,
	API_MANAGE, /* for the manager */
};

enum api_method { API_GET, API_PATCH, API_POST, API_DELETE, API_OTHER };

#define API_MAX_PATH 128

/** struct api_vf_change - what a client wants changed; only fields whose has_… is set. */
struct api_vf_change {
	bool has_mac, has_vlan, has_qos, has_spoofchk, has_trust, has_state, has_query_rss,
		has_registers, has_max_tx_rate;
	uint8_t mac[ETH_ALEN];
	uint16_t vlan;
	uint16_t max_tx_rate; /* Mbit/s */
	uint8_t qos;
	bool spoofchk, trust, query_rss, registers_shared;
	int state; /* enum pf_vf_link */
};

/**
 * struct api_call - one request, checked in form. Whoever got it by submit() or manage() owes exactly one api_answer().
 * @method, @path: path without "/v1/"
 * @body: a JSON object, NULL: none; belongs to the call
 * @address: of a card, of a PF, or of a VF when @vf is -1; who carries out an API_VF_SET makes it the VF's own
 */
struct api_call {
	enum api_kind kind;
	enum api_method method;
	char path[API_MAX_PATH];
	json_t *body;
	char address[16];
	int vf;
	struct api_vf_change change;
	unsigned int numvfs;
	bool vm_mode;
	bool force;
};

struct api_server;
struct event_base;

/**
 * struct api_config - all callbacks run on the management thread and must not block it for long.
 * @submit: take over a call for the cards
 * @manage: take over a call of kind API_MANAGE
 * @changed: a call changed something of the cards (API_VF_SET, API_PF_SET, API_CARD_SET); it is answered afterwards
 */
struct api_config {
	const char *path;
	uid_t owner; /* (uid_t)-1: unchanged */
	gid_t group;
	mode_t mode;
	void (*submit)(void *ctx, struct api_call *call);
	void *ctx;
	void (*manage)(void *ctx, struct api_call *call);
	void (*changed)(void *ctx, const struct api_call *call);
	void *manage_ctx;
};

/** api_create() - listen; clients wait until api_start(). Return: 0, or -errno with @why. */
int api_create(struct api_server **server, const struct api_config *config, struct reason *why);

/** api_base() - the event loop of the management thread, to prepare events on. */
struct event_base *api_base(const struct api_server *server);

/** api_start() - start the management thread. Return: 0, or -errno with @why. */
int api_start(struct api_server *server, struct reason *why);

/**
 * api_stop() - end the thread. Every call for the cards must have been answered; requests of our own are told their
 * answers here at the latest, and no callback comes afterwards. Calls of the manager may still be answered.
 */
void api_stop(struct api_server *server);

/** api_destroy() - after api_stop(): unlink the socket, free. No call is left to be answered. */
void api_destroy(struct api_server *server);

/** api_answer() - reply to @call and free it. Takes over the reference to @body. Any thread. */
void api_answer(struct api_call *call, int status, json_t *body);

/** api_refuse() - reply {"error": @why}; the status follows from @error (a negative errno). Any thread. */
void api_refuse(struct api_call *call, int error, const char *why);

/** api_done - the answer to a request of our own; @body is borrowed, NULL: memory was short. Management thread. */
typedef void api_done(void *arg, int status, const json_t *body);

/**
 * api_request() - a request of our own: checked and carried out as a client's. Management thread, or before
 * api_start(). @path: with "/v1/"; @body: NULL or an object (not owned). @done comes once, later.
 * Return: 0, or -ENOMEM: no @done comes.
 */
int api_request(struct api_server *server, enum api_method method, const char *path,
		const json_t *body, api_done *done, void *arg);

#endif
