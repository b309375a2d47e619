// SPDX-License-Identifier: BSD-3-Clause
/*
 * napi_core.c - the state machine of NAPI: when to poll and when to sleep.
 *
 * The one thing that must not happen: a frame lies in the ring, the thread sleeps, and no interrupt will come. What
 * keeps it from happening, for a vector that masks itself when it fires:
 *
 *  1. The ring is looked at once more after unmasking. A frame that came before the vector was unmasked is seen then; one
 *     that comes later fires it.
 *  2. Unmasking may be a message to the card that takes effect after that second look. The card keeps a cause that meets
 *     a masked vector and fires when it is unmasked (7.3.1.2), so a frame in between fires it, too. Where a card keeps
 *     nothing, unmasking must have taken effect when arm() returns; then 1 suffices.
 *  3. Whether the vector fired is asked before it is unmasked, never after: what fires later belongs to the sleep that
 *     follows. Asked after, the answer to the unmasking itself would be swallowed, and the vector would stay masked.
 *  4. A frame that the second look finds leaves the vector unmasked ("armed"); when the ring is empty again it need
 *     not be unmasked a second time, unless it has fired meanwhile.
 *
 * The cause of a frame that is polled while the vector is masked is kept as well, and fires when it is unmasked: an
 * interrupt for nothing. Clearing causes before unmasking would spare it, but both are messages, and a frame between
 * the second look and the clearing would be lost; moderation bounds what it costs.
 *
 * 82599 data sheet: 7.3 (interrupts).
 */
#include "vf/napi_core.h"

static void count_interrupt(struct napi_core *core)
{
	core->stats.interrupts++;
	core->armed = false;
}

static void moderate(struct napi_core *core)
{
	if (!core->adaptive || !moderation_update(&core->moderation, core->ops->now_ns(core->ctx)))
		return;
	core->stats.moderation = core->moderation.level;
	core->stats.interval_us = moderation_interval_us(core->moderation.level);
	core->stats.interval_changes++;
	core->ops->throttle(core->ctx, core->stats.interval_us);
}

/* The ring was found empty: unmask, look once more. */
static enum softiov_napi_state rest(struct napi_core *core)
{
	if (core->armed && core->ops->fired(core->ctx)) /* a masked one does not */
		count_interrupt(core);
	if (!core->armed) {
		core->armed = true;
		core->stats.rearms++;
		core->ops->arm(core->ctx);
	}
	if (core->ops->pending(core->ctx)) {
		core->stats.rearm_races++;
		return SOFTIOV_NAPI_POLLING;
	}
	return SOFTIOV_NAPI_ARMED;
}

static enum softiov_napi_state poll_once(struct napi_core *core)
{
	struct napi_work work = core->ops->poll(core->ctx, core->budget);

	core->stats.polls++;
	core->stats.frames += work.frames;
	if (core->woken && !work.frames && !work.completions)
		core->stats.spurious++;
	core->woken = false;
	moderation_add(&core->moderation, work.frames, work.bytes);
	if (work.frames >= core->budget) {
		core->stats.budget_spent++;
		return SOFTIOV_NAPI_POLLING;
	}
	moderate(core);
	return rest(core);
}

enum softiov_napi_state napi_core_turn(struct napi_core *core)
{
	switch (core->stats.state) {
	case SOFTIOV_NAPI_ARMED:
		if (core->ops->fired(core->ctx)) {
			count_interrupt(core);
			core->woken = true;
			core->stats.state = SOFTIOV_NAPI_POLLING;
		}
		break;
	case SOFTIOV_NAPI_POLLING:
		core->stats.state = poll_once(core);
		break;
	case SOFTIOV_NAPI_DISABLED:
		break;
	}
	return core->stats.state;
}

static void start(struct napi_core *core)
{
	core->armed = core->woken = false;
	core->moderation.since_ns = core->ops->now_ns(core->ctx);
	core->moderation.frames = core->moderation.bytes = 0;
	core->stats.state = SOFTIOV_NAPI_POLLING;
}

void napi_core_enable(struct napi_core *core)
{
	if (core->stats.state == SOFTIOV_NAPI_DISABLED)
		start(core);
}

void napi_core_disable(struct napi_core *core)
{
	if (core->stats.state == SOFTIOV_NAPI_DISABLED)
		return;
	core->ops->mask(core->ctx);
	if (core->ops->fired(core->ctx))
		count_interrupt(core);
	core->stats.state = SOFTIOV_NAPI_DISABLED;
}

void napi_core_restart(struct napi_core *core)
{
	if (core->stats.state == SOFTIOV_NAPI_DISABLED)
		return;
	if (core->ops->fired(core->ctx))
		count_interrupt(core);
	start(core);
}
