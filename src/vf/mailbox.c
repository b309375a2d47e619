// SPDX-License-Identifier: BSD-3-Clause
/*
 * mailbox.c - talking to the PF driver: 82599 data sheet 4.6.11 and 8.3.5.1 (mailbox), order of
 * steps as in Linux ixgbevf.
 *
 * One buffer of sixteen dwords serves both directions; whoever sets its bit first (VFU, PFU) has
 * it. Reading VFMAILBOX clears what the PF signalled (PFSTS, PFACK, RSTD), so each read is added to
 * @mailbox.seen until it is dealt with.
 *
 * Up to version 1.4 a request is: take the buffer, write, ring REQ, which also lets go of the
 * buffer; PFSTS announces the reply; take the buffer, read, ring ACK. From 1.5 on the VF keeps the
 * buffer until PFACK says that the PF has read the request, and reads the reply without taking it.
 *
 * What arrives is not always the reply. The PF driver may say that something changed, or, with a
 * word that lacks CTS, that it does not consider the VF initialised any more: because it was reset
 * itself, or because the administrator changed what the VF is. Then the VF has to start anew. So
 * it has when RSTI or RSTD tell of a reset of the PF, which took the queues with it.
 */
#include "vf/mailbox.h"

#include <string.h>
#include <time.h>

#include "util/util.h"
#include "vf/regs.h"
#include "vf/vf.h"

#define LOOK_NS 50000 /* between two looks at a register */
#define NSEC_PER_MSEC 1000000ull
#define READ_TO_CLEAR (VFMAILBOX_PFSTS | VFMAILBOX_PFACK | VFMAILBOX_RSTD)

/* Versions by their number in API_NEGOTIATE, best first; 2.0 took number 1 and died. */
static const struct {
	uint32_t number, minor;
} versions[] = { { 6, 5 }, { 5, 4 }, { 4, 3 }, { 3, 2 }, { 2, 1 }, { 0, 0 } };

#define MINOR_HANDSHAKE 5

static uint64_t deadline(const struct softiov_vf *vf)
{
	return now_ns() + vf->options.timeout_ms * NSEC_PER_MSEC;
}

/* Sleep a little. Return: 0, or why there is no point in another look. */
static int wait_until(const struct softiov_vf *vf, uint64_t end_ns)
{
	static const struct timespec pause = { .tv_nsec = LOOK_NS };

	if (vf->gone)
		return -SOFTIOV_ERR_GONE;
	if (now_ns() >= end_ns)
		return -SOFTIOV_ERR_NO_PF;
	nanosleep(&pause, NULL);
	return 0;
}

/* VFMAILBOX, with the signals that were seen earlier and not dealt with. */
static uint32_t look(struct softiov_vf *vf)
{
	uint32_t value = vf_read(vf, REG_VFMAILBOX);

	if (vf->gone)
		return 0;
	vf->mailbox.seen |= value & READ_TO_CLEAR;
	return value | vf->mailbox.seen;
}

static int take_buffer(struct softiov_vf *vf, uint64_t end_ns)
{
	int error;

	for (;;) {
		vf_write(vf, REG_VFMAILBOX, VFMAILBOX_VFU);
		if (look(vf) & VFMAILBOX_VFU)
			return 0;
		error = wait_until(vf, end_ns);
		if (error)
			return error;
	}
}

/* Wait for signal @bit, and take note of it. A reset of the PF ends the wait: no answer will come. */
static int wait_for(struct softiov_vf *vf, uint32_t bit, uint64_t end_ns)
{
	int error;

	for (;;) {
		uint32_t value = look(vf);

		if (value & bit) {
			vf->mailbox.seen &= ~bit;
			return 0;
		}
		if (value & (VFMAILBOX_RSTI | VFMAILBOX_RSTD)) {
			vf->reset_due = true;
			return -EAGAIN;
		}
		error = wait_until(vf, end_ns);
		if (error)
			return error;
	}
}

static int send(struct softiov_vf *vf, const uint32_t *msg, unsigned int words, uint64_t end_ns)
{
	int error = take_buffer(vf, end_ns);

	if (error)
		return error;
	/* Whatever was announced is about to be overwritten. */
	vf->mailbox.seen &= ~(VFMAILBOX_PFSTS | VFMAILBOX_PFACK);
	for (unsigned int i = 0; i < words; i++)
		vf_write(vf, REG_VFMBMEM(i), msg[i]);
	if (!vf->mailbox.handshake) {
		vf_write(vf, REG_VFMAILBOX, VFMAILBOX_REQ);
		return 0;
	}
	vf_write(vf, REG_VFMAILBOX, VFMAILBOX_REQ | VFMAILBOX_VFU);
	error = wait_for(vf, VFMAILBOX_PFACK, end_ns);
	vf_write(vf, REG_VFMAILBOX, 0);
	return error;
}

static int receive(struct softiov_vf *vf, uint32_t *msg, unsigned int words, uint64_t end_ns)
{
	int error = vf->mailbox.handshake ? 0 : take_buffer(vf, end_ns);

	if (error)
		return error;
	vf->mailbox.seen &= ~VFMAILBOX_PFSTS;
	for (unsigned int i = 0; i < words; i++)
		msg[i] = vf_read(vf, REG_VFMBMEM(i));
	vf_write(vf, REG_VFMAILBOX, VFMAILBOX_ACK);
	return vf->gone ? -SOFTIOV_ERR_GONE : 0;
}

/* A word that answers nothing. */
static void take_news(struct softiov_vf *vf, uint32_t word)
{
	if (!(word & MSG_CTS))
		vf->reset_due = true;
}

static bool answers(uint32_t reply, uint32_t request)
{
	return reply & (MSG_ACK | MSG_NACK) && (reply & MSG_TYPE_MASK) == (request & MSG_TYPE_MASK);
}

int vf_mailbox_ask(struct softiov_vf *vf, uint32_t *msg, unsigned int words)
{
	uint64_t end_ns = deadline(vf);
	uint32_t request = msg[0];
	int error = send(vf, msg, words, end_ns);

	while (!error) {
		error = wait_for(vf, VFMAILBOX_PFSTS, end_ns);
		if (!error)
			error = receive(vf, msg, MAILBOX_WORDS, end_ns);
		if (error)
			return error;
		if (answers(msg[0], request))
			break;
		take_news(vf, msg[0]);
		if (now_ns() >= end_ns) /* or one that never stops talking would keep us here */
			return -SOFTIOV_ERR_NO_PF;
	}
	if (error || !(msg[0] & MSG_NACK))
		return error;
	if (msg[0] & MSG_CTS || request == MSG_RESET)
		return -SOFTIOV_ERR_REFUSED;
	vf->reset_due = true;
	return -EAGAIN;
}

/* The VF's own reset; then wait until the PF, if it is in a reset, has come up. */
static int reset_function(struct softiov_vf *vf)
{
	uint64_t end_ns = deadline(vf);
	int error = 0;

	vf->mailbox = (struct vf_mailbox){ 0 };
	vf_write(vf, REG_VFCTRL, VFCTRL_RST);
	(void)vf_read(vf, REG_VFSTATUS);
	while (!error && vf_read(vf, REG_VFMAILBOX) & (VFMAILBOX_RSTI | VFMAILBOX_RSTD))
		error = wait_until(vf, end_ns);
	return error;
}

int vf_mailbox_reset(struct softiov_vf *vf, uint8_t mac[6])
{
	uint32_t msg[MAILBOX_WORDS] = { MSG_RESET };
	int error = reset_function(vf);

	memset(mac, 0, ETH_ALEN);
	if (!error)
		error = vf_mailbox_ask(vf, msg, 1);
	/* Refused means: initialised, but no address was assigned. */
	if (error && error != -SOFTIOV_ERR_REFUSED)
		return error == -EAGAIN ? -SOFTIOV_ERR_NO_PF : error;
	if (!error)
		memcpy(mac, msg + 1, ETH_ALEN);
	vf->multicast_type = msg[MSG_MULTICAST_TYPE];
	vf->reset_due = false;
	return 0;
}

int vf_mailbox_negotiate(struct softiov_vf *vf)
{
	vf->info.mailbox_api = 0;
	for (unsigned int i = 0; i < ARRAY_SIZE(versions); i++) {
		uint32_t msg[MAILBOX_WORDS] = { MSG_API_NEGOTIATE, versions[i].number };
		int error = vf_mailbox_ask(vf, msg, 3);

		if (error == -SOFTIOV_ERR_REFUSED)
			continue;
		if (error)
			return error;
		vf->info.mailbox_api = versions[i].minor;
		vf->mailbox.handshake = versions[i].minor >= MINOR_HANDSHAKE;
		return 0;
	}
	return 0; /* a PF driver from before there were versions */
}

bool vf_mailbox_look(struct softiov_vf *vf)
{
	uint32_t value = look(vf), word;

	if (value & (VFMAILBOX_RSTI | VFMAILBOX_RSTD)) {
		vf->reset_due = true;
		return value & VFMAILBOX_RSTI;
	}
	if (value & VFMAILBOX_PFSTS && !receive(vf, &word, 1, now_ns()))
		take_news(vf, word);
	return false;
}
