// SPDX-License-Identifier: BSD-3-Clause
/*
 * service.c - looking after an open VF: what a kernel driver does in its mailbox interrupt and its
 * watchdog.
 *
 * The mailbox vector says that the PF driver has news: a message, the end of a reset, a change of
 * the link. Its eventfd and the transport's descriptor are watched by one epoll descriptor. The
 * vector masks itself (VTEIAM) and is unmasked after the look, so what comes in between fires
 * again. In case that a signal is lost the card is looked at twice a second in any case.
 *
 * When the VF has to start anew (mailbox.c says when), everything is done again as at the open,
 * then what was configured since, then the queues that run. One that fails is tried again by a
 * later call; two in a row keep a distance, or a PF driver that refuses for good would keep its
 * VFs' processors busy.
 *
 * Linux ixgbevf: ixgbevf_watchdog_update_link(), ixgbevf_reinit_locked().
 */
#include <unistd.h>

#include "util/util.h"
#include "vf/mailbox.h"
#include "vf/queue.h"
#include "vf/regs.h"
#include "vf/vf.h"

#define LOOK_PERIOD_NS (NSEC_PER_SEC / 2)
#define RESET_DISTANCE_NS (NSEC_PER_SEC / 5)

/* Is it time for a look at the card? */
static bool is_due(struct softiov_vf *vf, uint64_t now)
{
	uint64_t count;

	if (read(vf->vector[VF_MAILBOX_VECTOR], &count, sizeof(count)) != sizeof(count) &&
	    now - vf->looked_ns < LOOK_PERIOD_NS &&
	    (!vf->reset_due || now - vf->reset_ns < RESET_DISTANCE_NS))
		return false;
	vf->looked_ns = now;
	return true;
}

/* All ones: is it the register, or is nobody there? Configuration space knows. */
static void check_presence(struct softiov_vf *vf)
{
	uint32_t id;

	if (vf_read(vf, REG_VFLINKS) == UINT32_MAX && !vf->gone &&
	    vf->transport->ops->read(vf->transport, VF_CONFIG, 0, &id, sizeof(id)))
		vf->gone = true;
}

static int restart_queues(struct softiov_vf *vf)
{
	int error = 0;

	for (unsigned int i = 0; i < SOFTIOV_QUEUES_MAX && !error; i++) {
		struct softiov_queue *queue = vf->queue[i];

		if (!queue)
			continue;
		error = vf_queue_setup(queue, NULL);
		if (!error)
			vf_napi_setup(queue->napi);
	}
	return error;
}

static int restart(struct softiov_vf *vf)
{
	int error;

	for (unsigned int i = 0; i < SOFTIOV_QUEUES_MAX; i++)
		if (vf->queue[i])
			vf_queue_disable(vf->queue[i]);
	error = vf_start(vf, NULL);
	if (!error)
		error = vf_ask_max_frame(vf);
	if (!error || error == -SOFTIOV_ERR_REFUSED)
		error = vf_restore_filters(vf);
	if (!error)
		error = restart_queues(vf);
	if (!error)
		return 0;
	vf->reset_due = true;
	return vf->gone ? -SOFTIOV_ERR_GONE : -SOFTIOV_ERR_NO_PF;
}

int softiov_vf_service(struct softiov_vf *vf)
{
	uint64_t now = now_ns();
	bool pf_in_reset;
	int events = 0, error;

	if (vf->transport->ops->serve(vf->transport))
		vf->gone = true;
	if (vf->gone)
		return -SOFTIOV_ERR_GONE;
	if (!is_due(vf, now))
		return 0;
	check_presence(vf);
	pf_in_reset = vf_mailbox_look(vf);
	if (vf->reset_due && !pf_in_reset && now - vf->reset_ns >= RESET_DISTANCE_NS) {
		error = restart(vf);
		if (error)
			return error;
		events |= SOFTIOV_EVENT_RESET;
	}
	if (vf_look_at_link(vf))
		events |= SOFTIOV_EVENT_LINK;
	vf_post(vf, REG_VTEIMS, BIT(VF_MAILBOX_VECTOR));
	return vf->gone ? -SOFTIOV_ERR_GONE : events;
}
