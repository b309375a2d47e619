/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * card_mode.c - a card changes hands between this daemon and VMs, while everything else goes on. Its ports, their wires
 * and its counters stay; its functions begin at power-on.
 *
 *	host -> vm	VFs' sockets closed -> PF drivers end -> PFs reset -> grace period -> the card's socket opened
 *	vm -> host	the card's socket closed -> PFs reset -> grace period -> PF drivers begin -> VFs are there
 *
 * Nobody may be attached; so what can fail is what would fail at start, too: a socket or an interface that is in use.
 * A card whose way into a VM fails is in host mode again; a PF whose driver fails has none until the next change.
 */
#include "daemon/card_internal.h"

#include "util/log.h"

static const char *const mode_name[] = { [CONFIG_MODE_HOST] = "host", [CONFIG_MODE_VM] = "vm" };

static void finish(struct card *card)
{
	struct card_change *change = &card->change;

	change->active = change->beginning = false;
	if (change->error)
		log_error("card %s: %s", card->address, change->why.text);
	else
		log_info("card %s: in %s mode", card->address, mode_name[card->mode]);
	change->done(change->ctx, change->error, change->why.text);
}

/* The first error is the one to be told. */
static void failed(struct card *card, int error, const struct reason *why)
{
	if (card->change.error)
		return;
	card->change.error = error;
	card->change.why = *why;
}

static bool stopping(struct card *card)
{
	struct reason why;

	if (card->closing)
		failed(card, refuse(&why, -ESHUTDOWN, "the daemon is stopping"), &why);
	return card->closing;
}

/* To host mode */

void card_driver_ready(struct card *card)
{
	if (!--card->change.pending)
		finish(card);
}

static void begin_host(struct card *card)
{
	struct reason why = { "" };
	int error;

	card->mode = CONFIG_MODE_HOST;
	card_changed(card);
	card->change.beginning = true;
	card->change.pending = 1 + card->pfs;
	for (unsigned int i = 0; i < card->pfs; i++) {
		error = card_start_driver(card->pf[i], &why);
		if (error) {
			failed(card, error, &why);
			card_driver_ready(card);
		}
	}
	card_driver_ready(card);
}

static void on_vm_gone(struct quiesce_head *head)
{
	struct card *card = container_of(head, struct card, change.grace);

	if (stopping(card)) {
		finish(card);
		return;
	}
	card_vm_leave(card);
	begin_host(card);
}

static void unplug(struct card *card)
{
	card_vm_stop(card);
	for (unsigned int i = 0; i < card->pfs; i++) {
		card_pf_power_on(card->pf[i]);
		card_vf_destroy_all(card->pf[i]);
	}
	quiesce_call(card->env->quiesce, &card->change.grace, on_vm_gone);
}

/* To vm mode */

static void on_host_gone(struct quiesce_head *head)
{
	struct card *card = container_of(head, struct card, change.grace);
	struct reason why = { "" };
	int error;

	if (stopping(card)) {
		finish(card);
		return;
	}
	error = card_vm_start(card, &why);
	if (error) {
		failed(card, error, &why);
		begin_host(card);
		return;
	}
	card->mode = CONFIG_MODE_VM;
	card_changed(card);
	finish(card);
}

static void driver_gone(void *ctx)
{
	struct card *card = ctx;

	if (--card->change.pending)
		return;
	for (unsigned int i = 0; i < card->pfs; i++)
		card_pf_power_on(card->pf[i]);
	quiesce_call(card->env->quiesce, &card->change.grace, on_host_gone);
}

static void plug(struct card *card)
{
	card->change.pending = 1 + card->pfs;
	for (unsigned int i = 0; i < card->pfs; i++) {
		card_vf_destroy_all(card->pf[i]);
		card_stop_driver(card->pf[i], driver_gone, card);
	}
	driver_gone(card);
}

/* What stands against it */

/* Whichever mode is asked for. */
static int check_card(struct card *card, struct reason *why)
{
	pid_t client = card_vm_client(card);

	if (card->change.active)
		return refuse(why, -EBUSY, "card %s: its mode is just being changed",
			      card->address);
	if (client)
		return refuse(why, -EBUSY,
			      "card %s is plugged into a VM (process %d): stop it first",
			      card->address, (int)client);
	return 0;
}

static int check_functions(struct card *card, struct reason *why)
{
	unsigned int attached = card_attached(card);

	if (attached)
		return refuse(why, -EBUSY,
			      "card %s: %u of its VFs are attached to VMs: stop these first",
			      card->address, attached);
	return 0;
}

int card_set_mode(struct card *card, enum config_mode mode,
		  void (*done)(void *ctx, int error, const char *why), void *ctx,
		  struct reason *why)
{
	int error = check_card(card, why);

	if (error)
		return error;
	if (mode == card->mode) {
		done(ctx, 0, "");
		return 0;
	}
	error = check_functions(card, why);
	if (error)
		return error;
	card->change = (struct card_change){ .active = true, .done = done, .ctx = ctx };
	if (mode == CONFIG_MODE_VM)
		plug(card);
	else
		unplug(card);
	return 0;
}
