/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * mailbox.c - carrying messages: 82599 data sheet 7.10.2.9 (mailbox) and 8.2.3.6 (its registers).
 *
 * One buffer of 16 dwords per VF serves both directions. Who writes or reads it first takes it (VFU, PFU);
 * the bits REQ and ACK of the VF appear in MBVFICR, those of the PF (STS, ACK) in the VF's VFMAILBOX. All
 * VFs share one interrupt cause.
 *
 * Per VF the order is reset, message, acknowledgement, as in Linux ixgbe: a driver resets its VF before it
 * sends RESET, and both are often found at once. What a VF left behind when it was reset is void.
 *
 * A message is always read, then acknowledged, then answered: iPXE discards a reply that it sees before the
 * acknowledgement. The PF's own news ("ping") use the same buffer, so they wait while a request is to be
 * read or a reply is unread; else the VF's driver would take the news for the reply, time out and give up
 * its mailbox.
 *
 * Withdrawing "clear to send" makes stock drivers reset themselves: they read the ping, which lacks CTS,
 * and acknowledge it; the acknowledgement of a VF without CTS is answered by a bare NACK, and a VF that
 * finds this in its mailbox resets, at most 10 s after its previous reset (ixgbevf: check_mac_link_vf).
 * The NACK is not repeated while it is still in the buffer, or the two would play ball at full speed.
 *
 * A guest may fill its mailbox as fast as it can: each pass serves a few VFs, beginning behind the last
 * one served, and leaves the rest to the next turn of the event loop. A VF that holds its buffer is
 * no reason for another pass.
 */
#include "pf/driver.h"
#include "pf/mailbox.h"

#define VFS_PER_PASS 8
#define PINGS_PER_PASS 16
#define REPLY_PATIENCE_NS \
	(2 * NSEC_PER_SEC) /* a driver that has not read its reply by then never will */

/* PFU is granted unless the VF has the buffer. */
static bool take_buffer(struct pf_driver *driver, unsigned int vf)
{
	wr(driver, REG_PFMAILBOX(vf), PFMAILBOX_PFU);
	return rd(driver, REG_PFMAILBOX(vf)) & PFMAILBOX_PFU;
}

int pf_mailbox_write(struct pf_driver *driver, unsigned int vf, const uint32_t *msg,
		     unsigned int words)
{
	if (!take_buffer(driver, vf))
		return -EBUSY;
	for (unsigned int i = 0; i < words; i++)
		wr(driver, REG_PFMBMEM(vf, i), msg[i]);
	wr(driver, REG_PFMAILBOX(vf), PFMAILBOX_STS);
	driver->refused &= ~BIT64(vf);
	return 0;
}

static int read_message(struct pf_driver *driver, unsigned int vf, uint32_t msg[MAILBOX_WORDS])
{
	if (!take_buffer(driver, vf))
		return -EBUSY;
	for (unsigned int i = 0; i < MAILBOX_WORDS; i++)
		msg[i] = rd(driver, REG_PFMBMEM(vf, i));
	wr(driver, REG_PFMAILBOX(vf), PFMAILBOX_ACK);
	return 0;
}

static void serve_reset(struct pf_driver *driver, unsigned int vf)
{
	wr(driver, REG_VFLREC(vf), POOL_BIT(vf));
	wr(driver, REG_MBVFICR(vf), MBVFICR_VFACK(vf));
	pf_pool_close(driver, vf);
}

static void serve_message(struct pf_driver *driver, unsigned int vf)
{
	uint32_t msg[MAILBOX_WORDS];
	unsigned int words;

	/* The VF took the buffer again after it sent: its next word comes with an interrupt. */
	if (read_message(driver, vf, msg)) {
		driver->held |= BIT64(vf);
		return;
	}
	wr(driver, REG_MBVFICR(vf), MBVFICR_VFREQ(vf));
	words = pf_message(driver, vf, msg);
	if (words && !pf_mailbox_write(driver, vf, msg, words))
		driver->reply_ns[vf] = now_ns();
}

static void serve_ack(struct pf_driver *driver, unsigned int vf)
{
	static const uint32_t nack = MSG_NACK;

	wr(driver, REG_MBVFICR(vf), MBVFICR_VFACK(vf));
	driver->reply_ns[vf] = 0;
	if (driver->state->vf[vf].clear_to_send || driver->refused & BIT64(vf))
		return;
	if (!pf_mailbox_write(driver, vf, &nack, 1))
		driver->refused |= BIT64(vf);
}

static bool request_waits(struct pf_driver *driver, unsigned int vf)
{
	return rd(driver, REG_MBVFICR(vf)) & MBVFICR_VFREQ(vf);
}

/* A ping that cannot be posted stays due: what hinders it ends with an interrupt. */
static void try_ping(struct pf_driver *driver, unsigned int vf)
{
	uint32_t ping = MSG_PF_CONTROL;

	if (driver->reply_ns[vf] && now_ns() - driver->reply_ns[vf] < REPLY_PATIENCE_NS)
		return;
	if (request_waits(driver, vf))
		return;
	if (driver->state->vf[vf].clear_to_send)
		ping |= MSG_CTS;
	if (!pf_mailbox_write(driver, vf, &ping, 1))
		driver->pings &= ~BIT64(vf);
}

static uint64_t pending_vfs(struct pf_driver *driver, uint64_t *resets, uint64_t *requests,
			    uint64_t *acks)
{
	uint64_t existing = 0;

	*resets = rd(driver, REG_VFLRE(0)) | (uint64_t)rd(driver, REG_VFLRE(32)) << 32;
	*requests = *acks = 0;
	for (unsigned int vf = 0; vf < PF_MAX_VFS; vf += MBVFICR_VFS) {
		uint64_t causes = rd(driver, REG_MBVFICR(vf));

		*requests |= (uint64_t)(uint16_t)causes << vf;
		*acks |= (causes >> MBVFICR_VFS) << vf;
	}
	*requests &= ~driver->held;
	if (driver->state->num_vfs)
		existing = UINT64_MAX >> (PF_MAX_VFS - driver->state->num_vfs);
	return (*resets | *requests | *acks) & existing;
}

/* The first VF of @set at or after @from, counting round. */
static unsigned int next_vf(uint64_t set, unsigned int from)
{
	uint64_t later = from < PF_MAX_VFS ? set & (UINT64_MAX << from) : 0;

	return (unsigned int)__builtin_ctzll(later ? later : set);
}

void pf_mailbox_service(struct pf_driver *driver)
{
	uint64_t resets, requests, acks, pings;
	uint64_t vfs = pending_vfs(driver, &resets, &requests, &acks);

	for (unsigned int n = 0; vfs && n < VFS_PER_PASS; n++) {
		unsigned int vf = next_vf(vfs, driver->first_vf);

		if (resets & BIT64(vf)) {
			serve_reset(driver, vf);
			acks &= ~BIT64(vf);
		}
		if (requests & BIT64(vf))
			serve_message(driver, vf);
		if (acks & BIT64(vf))
			serve_ack(driver, vf);
		vfs &= ~BIT64(vf);
		driver->first_vf = vf + 1;
	}

	pings = driver->pings & ~vfs;
	for (unsigned int n = 0; pings && n < PINGS_PER_PASS; n++) {
		unsigned int vf = next_vf(pings, 0);

		try_ping(driver, vf);
		pings &= ~BIT64(vf);
	}
	if (vfs || pings)
		pf_work_soon(driver);
}

void pf_ping(struct pf_driver *driver, uint64_t vfs)
{
	driver->pings |= vfs;
	pf_mailbox_service(driver);
}

void pf_restart_vf(struct pf_driver *driver, unsigned int vf)
{
	/* Without CTS its driver has not started, or has been told already. */
	if (!driver->state->vf[vf].clear_to_send)
		return;
	driver->state->vf[vf].clear_to_send = false;
	pf_ping(driver, BIT64(vf));
}
