/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * control.c - the management thread puts calls on a queue and wakes the device thread, which carries them out one
 * after the other. "show" visits one card, port, PF or VF per turn of the event loop: a tree of 512 VFs takes
 * milliseconds in all, but no guest waits longer than for one of its nodes.
 */
#include "daemon/control.h"

#include <event2/event.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "daemon/inspect.h"
#include "util/bdf.h"
#include "util/log.h"

#define HTTP_OK 200

struct job {
	struct api_call *call;
	struct job *next;
};

struct control {
	struct card *const *cards;
	const unsigned int *ncards;
	const struct dp *dp;
	unsigned int (*vms)(void *ctx);
	void (*stop)(void *ctx);
	void *stop_ctx;
	struct event *wake; /* activated by the management thread */
	struct event *turn;
	pthread_mutex_t lock; /* first, last, closed */
	struct job *first, **last;
	bool closed;

	/* the call being carried out over several turns, NULL: none */
	struct api_call *show;
	json_t *tree, *ports, *pfs, *vfs;
	unsigned int card, port, pf, vf;
	bool port_open, pf_open;
};

static void answer_ok(struct api_call *call)
{
	api_answer(call, HTTP_OK, json_pack("{s:b}", "ok", 1));
}

/* show: a cursor over the tree; each step adds one node. */

static void show_begin(struct control *control, struct api_call *call)
{
	control->show = call;
	control->card = control->port = control->pf = control->vf = 0;
	control->port_open = control->pf_open = false;
	control->ports = NULL;
	control->tree = json_pack("{s:s, s:i, s:o, s:[]}", "version", SOFTIOV_VERSION, "pid",
				  (int)getpid(), "workers", inspect_workers(control->dp), "cards");
}

static json_t *append(json_t *list, json_t *node, const char *children)
{
	json_array_append_new(list, node);
	return json_object_get(node, children);
}

/* Return: false when the tree is complete. */
static bool show_step(struct control *control)
{
	struct card *card;
	struct card_port *port;
	struct card_pf *pf;

	if (control->card == *control->ncards)
		return false;
	card = control->cards[control->card];
	if (!control->ports) {
		control->ports = append(json_object_get(control->tree, "cards"), inspect_card(card),
					"ports");
		control->port = 0;
		return true;
	}
	if (control->port == card->ports) {
		control->ports = NULL;
		control->card++;
		return true;
	}
	port = &card->port[control->port];
	if (!control->port_open) {
		control->pfs = append(control->ports, inspect_port(port), "pfs");
		control->port_open = true;
		control->pf = 0;
		return true;
	}
	if (control->pf == port->pfs) {
		control->port_open = false;
		control->port++;
		return true;
	}
	pf = &port->pf[control->pf];
	if (!control->pf_open) {
		control->vfs = append(control->pfs, inspect_pf(pf), "vfs");
		control->pf_open = true;
		control->vf = 0;
		return true;
	}
	while (control->vf < IXGBE_MAX_VFS) {
		struct card_vf *vf = card_managed(pf, control->vf++);

		if (vf) {
			json_array_append_new(control->vfs, inspect_vf(vf));
			return true;
		}
	}
	control->pf_open = false;
	control->pf++;
	return true;
}

/* vf set */

static struct card_pf *find_pf(struct control *control, const char *address)
{
	uint16_t domain, rid;

	if (bdf_parse(address, &domain, &rid))
		return NULL;
	for (unsigned int i = 0; i < *control->ncards; i++) {
		struct card_pf *pf = control->cards[i]->config->domain == domain
					     ? card_find_pf(control->cards[i], rid)
					     : NULL;

		if (pf)
			return pf;
	}
	return NULL;
}

static struct card_vf *find_vf(struct control *control, const struct api_call *call,
			       struct reason *why)
{
	uint16_t domain, rid;

	if (call->vf >= 0) {
		struct card_pf *pf = find_pf(control, call->address);

		if (!pf)
			refuse(why, 0, "no PF %s here", call->address);
		else if (!card_managed(pf, (unsigned int)call->vf))
			refuse(why, 0, "%s has no VF %d: it has %u", call->address, call->vf,
			       pf->vfs);
		else
			return &pf->vf[call->vf];
		return NULL;
	}
	if (bdf_parse(call->address, &domain, &rid)) {
		refuse(why, 0, "'%s' is not a PCI address like 0000:07:10.0", call->address);
		return NULL;
	}
	for (unsigned int i = 0; i < *control->ncards; i++) {
		struct card_vf *vf = control->cards[i]->config->domain == domain
					     ? card_find_vf(control->cards[i], rid)
					     : NULL;

		if (vf)
			return vf;
	}
	refuse(why, 0, "no VF %s here", call->address);
	return NULL;
}

/* Does it ask for what only the PF driver can do? */
static bool is_policy(const struct api_vf_change *change)
{
	return change->has_mac || change->has_vlan || change->has_qos || change->has_spoofchk ||
	       change->has_trust || change->has_state || change->has_query_rss ||
	       change->has_max_tx_rate;
}

/*
 * All checks were made on the call's form. The driver can refuse an address or a VLAN, nothing else: the
 * address is tried first and the VLAN set first, so a refusal leaves everything as it was.
 */
static int change_vf(struct card_vf *vf, const struct api_vf_change *c, struct reason *why)
{
	const struct pf_vf_state *now = &vf->pf->state->driver.vf[vf->index];
	struct pf_driver *driver = card_pf_driver(vf->pf, why);
	int error = 0;

	if (!driver && is_policy(c))
		return -EBUSY;
	if (c->has_mac)
		error = pf_check_vf_mac(driver, vf->index, c->mac, why);
	if (!error && (c->has_vlan || c->has_qos))
		error = pf_set_vf_vlan(driver, vf->index, c->has_vlan ? c->vlan : now->vlan,
				       c->has_qos ? c->qos : now->qos, why);
	if (!error && c->has_mac)
		error = pf_set_vf_mac(driver, vf->index, c->mac, why);
	if (!error && c->has_max_tx_rate)
		error = pf_set_vf_rate(driver, vf->index, c->max_tx_rate, why);
	if (!error && c->has_spoofchk)
		error = pf_set_vf_spoofchk(driver, vf->index, c->spoofchk, why);
	if (!error && c->has_query_rss)
		error = pf_set_vf_rss_query(driver, vf->index, c->query_rss, why);
	if (!error && c->has_trust)
		error = pf_set_vf_trust(driver, vf->index, c->trust, why);
	if (!error && c->has_state)
		error = pf_set_vf_link(driver, vf->index, (enum pf_vf_link)c->state, why);
	if (!error && c->has_registers) {
		vf->registers_shared = c->registers_shared;
		iovm_vf_set_registers(atomic_load(&vf->iovm), c->registers_shared);
	}
	return error;
}

static void vf_set(struct control *control, struct api_call *call)
{
	struct reason why = { "" };
	struct card_vf *vf = find_vf(control, call, &why);
	int error;

	if (!vf) {
		api_refuse(call, -ENODEV, why.text);
		return;
	}
	error = change_vf(vf, &call->change, &why);
	if (error) {
		api_refuse(call, error, why.text);
		return;
	}
	memcpy(call->address, vf->bdf, sizeof(call->address)); /* whose policy is to be kept */
	answer_ok(call);
}

/* pf set … numvfs */

static void on_numvfs(void *ctx, int error)
{
	struct api_call *call = ctx;

	if (error)
		api_refuse(call, error, "the card refused to enable the VFs: see the daemon's log");
	else
		answer_ok(call);
}

static void pf_set(struct control *control, struct api_call *call)
{
	struct card_pf *pf = find_pf(control, call->address);
	struct reason why = { "" };
	int error;

	if (!pf) {
		refuse(&why, 0, "no PF %s here", call->address);
		api_refuse(call, -ENODEV, why.text);
		return;
	}
	error = card_pf_set_num_vfs(pf, call->numvfs, on_numvfs, call, &why);
	if (error)
		api_refuse(call, error, why.text);
}

/* card plug, card unplug */

static void on_mode(void *ctx, int error, const char *why)
{
	struct api_call *call = ctx;

	if (error)
		api_refuse(call, error, why);
	else
		answer_ok(call);
}

static struct card *find_card(struct control *control, const char *address)
{
	for (unsigned int i = 0; i < *control->ncards; i++)
		if (!strcmp(control->cards[i]->address, address))
			return control->cards[i];
	return NULL;
}

static void card_set(struct control *control, struct api_call *call)
{
	struct card *card = find_card(control, call->address);
	struct reason why = { "" };
	int error;

	if (!card) {
		refuse(&why, 0, "no card %s here", call->address);
		api_refuse(call, -ENODEV, why.text);
		return;
	}
	error = card_set_mode(card, call->vm_mode ? CONFIG_MODE_VM : CONFIG_MODE_HOST, on_mode,
			      call, &why);
	if (error)
		api_refuse(call, error, why.text);
}

static void stop(struct control *control, struct api_call *call)
{
	unsigned int attached = 0, vms = control->vms(control->stop_ctx);
	struct reason why;

	for (unsigned int i = 0; i < *control->ncards; i++)
		attached += card_attached(control->cards[i]);
	if (attached && !call->force) {
		refuse(&why, 0,
		       "%u VFs or cards are attached to VMs, whose network would die: stop the VMs "
		       "or use --force",
		       attached);
		api_refuse(call, -EBUSY, why.text);
		return;
	}
	if (vms && !call->force) {
		refuse(&why, 0, "%u VMs run: shut them down or use --force", vms);
		api_refuse(call, -EBUSY, why.text);
		return;
	}
	answer_ok(call);
	control->stop(control->stop_ctx);
}

static void begin(struct control *control, struct api_call *call)
{
	switch (call->kind) {
	case API_SHOW:
		show_begin(control, call);
		break;
	case API_WORKERS:
		api_answer(call, HTTP_OK, inspect_workers(control->dp));
		break;
	case API_VF_SET:
		vf_set(control, call);
		break;
	case API_PF_SET:
		pf_set(control, call);
		break;
	case API_CARD_SET:
		card_set(control, call);
		break;
	case API_STOP:
		stop(control, call);
		break;
	case API_MANAGE: /* goes to the manager */
		api_refuse(call, -ENOENT, "not a call for the cards");
		break;
	}
}

static struct job *take_job(struct control *control)
{
	struct job *job;

	pthread_mutex_lock(&control->lock);
	job = control->first;
	if (job) {
		control->first = job->next;
		if (!control->first)
			control->last = &control->first;
	}
	pthread_mutex_unlock(&control->lock);
	return job;
}

/* One turn of the event loop each: a timer of zero length runs after the guests' messages. */
static void next_turn(struct control *control)
{
	static const struct timeval now = { 0, 0 };

	event_add(control->turn, &now);
}

static void on_turn(evutil_socket_t fd, short events, void *ctx)
{
	struct control *control = ctx;
	struct job *job;

	(void)fd, (void)events;
	if (control->show) {
		if (!show_step(control)) {
			api_answer(control->show, HTTP_OK, control->tree);
			control->show = NULL;
		}
	} else {
		job = take_job(control);
		if (!job)
			return;
		begin(control, job->call);
		free(job);
	}
	next_turn(control);
}

static void on_wake(evutil_socket_t fd, short events, void *ctx)
{
	(void)fd, (void)events;
	next_turn(ctx);
}

static void refuse_stopping(struct api_call *call)
{
	api_refuse(call, -ESHUTDOWN, "the daemon is stopping");
}

static void refuse_job(struct job *job)
{
	refuse_stopping(job->call);
	free(job);
}

void control_submit(void *ctx, struct api_call *call)
{
	struct control *control = ctx;
	struct job *job = malloc(sizeof(*job));
	bool closed;

	if (!job) {
		api_refuse(call, -ENOMEM, "out of memory");
		return;
	}
	*job = (struct job){ .call = call };
	pthread_mutex_lock(&control->lock);
	closed = control->closed;
	if (!closed) {
		*control->last = job;
		control->last = &job->next;
	}
	pthread_mutex_unlock(&control->lock);
	if (closed)
		refuse_job(job);
	else
		event_active(control->wake, EV_READ, 0);
}

void control_close(struct control *control)
{
	struct job *job;

	if (!control)
		return;
	pthread_mutex_lock(&control->lock);
	control->closed = true;
	pthread_mutex_unlock(&control->lock);
	if (control->show) {
		json_decref(control->tree);
		refuse_stopping(control->show);
		control->show = NULL;
	}
	while ((job = take_job(control)))
		refuse_job(job);
}

struct control *control_create(struct event_base *base, struct card *const *cards,
			       const unsigned int *n, const struct dp *dp,
			       unsigned int (*vms)(void *ctx), void (*stop_fn)(void *ctx),
			       void *ctx)
{
	struct control *control = calloc(1, sizeof(*control));

	if (!control)
		return NULL;
	control->cards = cards;
	control->ncards = n;
	control->dp = dp;
	control->vms = vms;
	control->stop = stop_fn;
	control->stop_ctx = ctx;
	control->last = &control->first;
	pthread_mutex_init(&control->lock, NULL);
	control->wake = event_new(base, -1, EV_PERSIST, on_wake, control);
	control->turn = evtimer_new(base, on_turn, control);
	if (!control->wake || !control->turn) {
		control_destroy(control);
		return NULL;
	}
	event_add(control->wake, NULL);
	return control;
}

void control_destroy(struct control *control)
{
	if (!control)
		return;
	if (control->wake)
		event_free(control->wake);
	if (control->turn)
		event_free(control->turn);
	pthread_mutex_destroy(&control->lock);
	free(control);
}
