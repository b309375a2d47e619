// SPDX-License-Identifier: BSD-3-Clause
/*
 * mailbox.c - messages between each VF and the PF, and the signs of resets that travel with them.
 *
 * A mailbox is sixteen dwords that both sides address, a lock (VFU or PFU: whoever sets its bit
 * first has the buffer, writing without the bit releases it), and doorbells. Doorbells of the VF
 * (REQ, ACK) are latched for the PF in MBVFICR and raise EICR.MAILBOX; doorbells of the PF (STS,
 * ACK) are latched for the VF as PFSTS and PFACK, cleared when the VF reads them, and raise the
 * VF's mailbox cause. The device itself never looks into the memory: the protocol is the
 * drivers'.
 *
 * Resets. RSTI tells every VF that the PF was reset and has not come up (CTRL_EXT.PFRSTD) since;
 * the end of it shows once as RSTD. A VF that is not there now (VF Enable was cleared) while
 * somebody still looks at its registers reads RSTI too, and what it says reaches nobody. VFLRE tells
 * the PF that a VF was reset; it is raised by the reset itself and so before any message the VF
 * sends afterwards, and drops what the VF had asked before.
 *
 * Source: data sheet 7.10.2.9.1, 8.2.3.22, 8.3.5.1; Linux ixgbe, ixgbevf.
 */
#include "ixgbe/registers.h"

static uint64_t vf_bit(const struct ixgbe_vf *vf)
{
	return BIT64(vf->index);
}

static void other_mailbox(struct ixgbe_vf *vf)
{
	ixgbe_other_cause(vf->pf, IXGBE_EICR_MAILBOX);
}

/* --- memory: VFMBMEM, PFMBMEM ---------------- */

static uint32_t *mbmem(const struct ixgbe_access *access)
{
	unsigned int vf = access->index / IXGBE_MBMEM_DWORDS;

	if (access->vf)
		return &access->vf->state->mailbox.mem[access->index];
	return &access->pf->state->vf[vf].mailbox.mem[access->index % IXGBE_MBMEM_DWORDS];
}

IXGBE_READ(ixgbe_read_mbmem)
{
	*value = *mbmem(access);
	return PCIE_DONE;
}

IXGBE_WRITE(ixgbe_write_mbmem)
{
	*mbmem(access) = value;
	return PCIE_DONE;
}

/* --- the VF's side ---------------- */

IXGBE_READ(ixgbe_read_vfmailbox)
{
	struct ixgbe_mailbox *mailbox = &access->vf->state->mailbox;

	*value = (mailbox->vfu ? IXGBE_VFMAILBOX_VFU : 0) |
		 (mailbox->pfu ? IXGBE_VFMAILBOX_PFU : 0) |
		 (mailbox->pfsts ? IXGBE_VFMAILBOX_PFSTS : 0) |
		 (mailbox->pfack ? IXGBE_VFMAILBOX_PFACK : 0) |
		 (ixgbe_vf_served(access->vf) ? 0 : IXGBE_VFMAILBOX_RSTI) |
		 (mailbox->rstd ? IXGBE_VFMAILBOX_RSTD : 0);
	mailbox->pfsts = mailbox->pfack = mailbox->rstd = 0;
	return PCIE_DONE;
}

/*
 * Drivers write back what they read, so all bits but REQ, ACK and VFU are ignored. One write may
 * hold both doorbells (iPXE); one with VFU keeps the buffer while it rings (the handshake of
 * mailbox API 1.5).
 */
IXGBE_WRITE(ixgbe_write_vfmailbox)
{
	struct ixgbe_vf *vf = access->vf;
	struct ixgbe_state *state = access->pf->state;
	struct ixgbe_mailbox *mailbox = &vf->state->mailbox;

	mailbox->vfu = value & IXGBE_VFMAILBOX_VFU && !mailbox->pfu;
	if (!ixgbe_vf_exists(vf))
		return PCIE_DONE;
	if (value & IXGBE_VFMAILBOX_ACK)
		state->vfack |= vf_bit(vf);
	if (value & IXGBE_VFMAILBOX_REQ) {
		state->vfreq |= vf_bit(vf);
		vf->state->mailbox_requests++;
	}
	if (value & (IXGBE_VFMAILBOX_REQ | IXGBE_VFMAILBOX_ACK))
		other_mailbox(vf);
	return PCIE_DONE;
}

/* --- the PF's side ---------------- */

IXGBE_READ(ixgbe_read_pfmailbox)
{
	const struct ixgbe_mailbox *mailbox = &access->pf->state->vf[access->index].mailbox;

	*value =
		(mailbox->vfu ? IXGBE_PFMAILBOX_VFU : 0) | (mailbox->pfu ? IXGBE_PFMAILBOX_PFU : 0);
	return PCIE_DONE;
}

IXGBE_WRITE(ixgbe_write_pfmailbox)
{
	struct ixgbe_vf *vf = &access->pf->vf[access->index];
	struct ixgbe_mailbox *mailbox = &vf->state->mailbox;

	if (value & IXGBE_PFMAILBOX_RVFU)
		mailbox->vfu = 0;
	mailbox->pfu = value & IXGBE_PFMAILBOX_PFU && !mailbox->vfu;
	/* One write with both shows both: iPXE throws a reply away that it sees before the ACK. */
	if (value & IXGBE_PFMAILBOX_ACK)
		mailbox->pfack = 1;
	if (value & IXGBE_PFMAILBOX_STS)
		mailbox->pfsts = 1;
	if (value & (IXGBE_PFMAILBOX_ACK | IXGBE_PFMAILBOX_STS))
		ixgbe_mailbox_cause(vf);
	return PCIE_DONE;
}

/* MBVFICR(i): requests of VFs 16i ... 16i + 15 in the low half, their ACKs in the high half. */
IXGBE_READ(ixgbe_read_mbvficr)
{
	const struct ixgbe_state *state = access->pf->state;
	unsigned int first = access->index * IXGBE_MBVFICR_VFS;

	*value = (uint32_t)(state->vfreq >> first & UINT16_MAX) |
		 (uint32_t)(state->vfack >> first & UINT16_MAX) << IXGBE_MBVFICR_ACK_SHIFT;
	return PCIE_DONE;
}

IXGBE_WRITE(ixgbe_write_mbvficr)
{
	struct ixgbe_state *state = access->pf->state;
	unsigned int first = access->index * IXGBE_MBVFICR_VFS;

	state->vfreq &= ~((uint64_t)(value & UINT16_MAX) << first);
	state->vfack &= ~((uint64_t)(value >> IXGBE_MBVFICR_ACK_SHIFT) << first);
	return PCIE_DONE;
}

/* --- VF resets as the PF sees them ---------------- */

IXGBE_READ(ixgbe_read_vflre)
{
	*value = (uint32_t)(access->pf->state->vflre >> (access->offset == IXGBE_VFLRE0 ? 0 : 32));
	return PCIE_DONE;
}

IXGBE_READ(ixgbe_read_vflrec)
{
	*value = (uint32_t)(access->pf->state->vflre >> (access->index * 32));
	return PCIE_DONE;
}

IXGBE_WRITE(ixgbe_write_vflrec)
{
	access->pf->state->vflre &= ~((uint64_t)value << (access->index * 32));
	return PCIE_DONE;
}

/* --- resets ---------------- */

/*
 * The memory stays: the VF's link check looks at the last reply, whoever was reset since. Only a
 * function-level reset empties it.
 */
static void clear_flags(struct ixgbe_mailbox *mailbox)
{
	mailbox->vfu = mailbox->pfu = 0;
	mailbox->pfsts = mailbox->pfack = mailbox->rstd = 0;
}

void ixgbe_mailbox_reset(struct ixgbe_vf *vf)
{
	struct ixgbe_state *state = vf->pf->state;

	clear_flags(&vf->state->mailbox);
	state->vfreq &= ~vf_bit(vf);
	state->vfack &= ~vf_bit(vf);
}

void ixgbe_vf_was_reset(struct ixgbe_vf *vf)
{
	vf->state->resets++;
	if (!ixgbe_vf_exists(vf))
		return;
	vf->pf->state->vflre |= vf_bit(vf);
	other_mailbox(vf);
}

void ixgbe_mailbox_pf_reset(struct ixgbe_pf *pf)
{
	pf->state->pf_ready = 0;
	pf->state->vflre = pf->state->vfreq = pf->state->vfack = 0;
	for (unsigned int v = 0; v < IXGBE_MAX_VFS; v++)
		clear_flags(&pf->state->vf[v].mailbox);
}

/* Stock drivers write PFRSTD at every "up"; only the first after a reset is news. */
void ixgbe_mailbox_pf_ready(struct ixgbe_pf *pf)
{
	if (pf->state->pf_ready)
		return;
	pf->state->pf_ready = 1;
	for (unsigned int v = 0; v < pf->state->num_vfs; v++) {
		pf->state->vf[v].mailbox.rstd = 1;
		ixgbe_mailbox_cause(&pf->vf[v]);
	}
}
