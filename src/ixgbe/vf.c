// SPDX-License-Identifier: BSD-3-Clause
/*
 * vf.c - a VF as a whole: its reset, its register pages, and following what its guest does in them.
 *
 * Pages 1 and 2 of a VF's BAR0 are a memory file of their own, the only one that ever leaves the
 * daemon. A client that mapped it writes ENABLE without telling anybody; so every trapped access
 * and a slow poll compare ENABLE with what is started (ixgbe_vf_sync()). A queue that was seen to stop
 * is *draining* until a grace period has passed, and accesses that drivers make before they free
 * their buffers are answered only after that: VFCTRL.RST, a VFSTATUS read, a VFPSRTYPE write.
 *
 * Source: data sheet 4.2.2, 8.3; Linux ixgbe, ixgbevf.
 */
#include "ixgbe/registers.h"

#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "util/log.h"

#define PAGES_BYTES (3 * IXGBE_PAGE_BYTES)

struct ixgbe_vf *ixgbe_get_vf(struct ixgbe_pf *pf, unsigned int vf)
{
	return vf < IXGBE_MAX_VFS ? &pf->vf[vf] : NULL;
}

/* --- grace periods ---------------- */

static void drain(struct ixgbe_vf *vf);

static void drained(struct quiesce_head *head)
{
	struct ixgbe_vf *vf = container_of(head, struct ixgbe_vf, drain);
	bool again = vf->drain_again;

	vf->draining = vf->drain_again = false;
	if (again)
		drain(vf);
	ixgbe_put(vf->pf);
}

/* A queue of @vf was stopped: remember until no worker can be using it any more. */
static void drain(struct ixgbe_vf *vf)
{
	if (vf->draining) {
		vf->drain_again = true;
		return;
	}
	vf->draining = true;
	ixgbe_get(vf->pf);
	quiesce_call(vf->pf->quiesce, &vf->drain, drained);
}

int ixgbe_vf_sync(struct ixgbe_vf *vf)
{
	int result = PCIE_DONE;

	for (unsigned int i = 0; i < IXGBE_VF_QUEUES; i++)
		result |= ixgbe_home_sync(vf->pf, &vf->home[i]);
	if (result == PCIE_QUIESCE)
		drain(vf);
	return result;
}

/* PCIE_QUIESCE when a stop of a queue may still be under way, whoever noticed it. */
static int settled(struct ixgbe_vf *vf)
{
	int result = ixgbe_vf_sync(vf);

	return vf->draining ? PCIE_QUIESCE : result;
}

/* --- reset ---------------- */

/* VFRE and VFTE fall with a reset: the data path is closed until the PF driver opens it again. */
static void close_pool(struct ixgbe_pf *pf, unsigned int pool)
{
	static const uint32_t enables[] = { IXGBE_VFRE, IXGBE_VFTE };

	for (unsigned int i = 0; i < ARRAY_SIZE(enables); i++) {
		uint32_t offset = enables[i] + pool / 32 * 4;

		ixgbe_pf_reg_set(pf, offset, ixgbe_pf_reg(pf, offset) & ~BIT(pool % 32));
	}
}

/* VFPSRTYPE is PSRTYPE of the VF's pool; without the VF the pool is the PF's. */
static void set_psrtype(struct ixgbe_vf *vf, uint32_t value)
{
	if (ixgbe_vf_exists(vf))
		ixgbe_pf_reg_set(vf->pf, IXGBE_PSRTYPE + vf->index * 4, value);
}

static void reset_registers(struct ixgbe_vf *vf)
{
	for (unsigned int i = 0; i < IXGBE_VF_QUEUES; i++)
		ixgbe_home_reset(vf->pf, &vf->home[i]);
	ixgbe_irq_reset_vf(vf);
	ixgbe_map_reset(&ixgbe_vf_map, vf->state->reg, sizeof(vf->state->reg));
	ixgbe_mailbox_reset(vf);
}

int ixgbe_vf_reset(struct ixgbe_vf *vf)
{
	reset_registers(vf);
	set_psrtype(vf, 0);
	if (vf->index < ixgbe_vf_pools(vf->pf))
		close_pool(vf->pf, vf->index);
	ixgbe_vf_was_reset(vf);
	drain(vf);
	ixgbe_changed(vf->pf);
	return PCIE_QUIESCE;
}

void ixgbe_vf_power_on(struct ixgbe_vf *vf)
{
	reset_registers(vf);
	ixgbe_pf_reg_set(vf->pf, IXGBE_PSRTYPE + vf->index * 4, 0);
	ixgbe_msix_power_on(vf->pf, (int)vf->index);
	memset(&vf->state->mailbox, 0, sizeof(vf->state->mailbox));
	vf->state->resets = 0;
	vf->state->mailbox_requests = 0;
}

IXGBE_WRITE(ixgbe_write_vfctrl)
{
	return value & IXGBE_VFCTRL_RST ? ixgbe_vf_reset(access->vf) : PCIE_DONE;
}

/* --- registers at which drivers wait for their queues to be quiet ---------------- */

IXGBE_READ(ixgbe_read_vfstatus)
{
	ixgbe_read_status(access, value);
	return settled(access->vf);
}

IXGBE_READ(ixgbe_read_psrtype)
{
	*value = ixgbe_vf_exists(access->vf)
			 ? ixgbe_pf_reg(access->pf, IXGBE_PSRTYPE + access->vf->index * 4)
			 : 0;
	return PCIE_DONE;
}

IXGBE_WRITE(ixgbe_write_psrtype)
{
	set_psrtype(access->vf, value);
	return settled(access->vf);
}

/* --- pages ---------------- */

/** struct old_pages - pages nobody is given any more, until workers have let go of them. */
struct old_pages {
	struct quiesce_head head;
	struct ixgbe_pf *pf;
	void *pages;
};

static void unmap_old(struct quiesce_head *head)
{
	struct old_pages *old = container_of(head, struct old_pages, head);

	munmap(old->pages, PAGES_BYTES);
	ixgbe_put(old->pf);
	free(old);
}

static void set_pages(struct ixgbe_vf *vf, ixgbe_reg *pages, int fd)
{
	vf->pages = pages;
	vf->pages_fd = fd;
	for (unsigned int i = 0; i < IXGBE_VF_QUEUES; i++) {
		uint32_t block = i * IXGBE_Q_STRIDE;

		atomic_store(&vf->home[i].rx, &pages[(IXGBE_VF_RX_PAGE + block) / 4]);
		atomic_store(&vf->home[i].tx, &pages[(IXGBE_VF_TX_PAGE + block) / 4]);
	}
}

/* A file for a client that will map it; memory without a name for one that will not. */
static ixgbe_reg *new_pages(bool shared, int *fd)
{
	void *pages;

	*fd = -1;
	if (shared)
		return memfile_create("softiov-vf-registers", PAGES_BYTES, true, fd);
	pages = mmap(NULL, PAGES_BYTES, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	return pages == MAP_FAILED ? NULL : pages;
}

int ixgbe_vf_pages_create(struct ixgbe_vf *vf)
{
	int fd;
	ixgbe_reg *pages = new_pages(false, &fd);

	if (!pages)
		return -ENOMEM;
	set_pages(vf, pages, fd);
	return 0;
}

void ixgbe_vf_pages_destroy(struct ixgbe_vf *vf)
{
	if (vf->pages)
		munmap(vf->pages, PAGES_BYTES);
	if (vf->pages_fd >= 0)
		close(vf->pages_fd);
	vf->pages = NULL;
	vf->pages_fd = -1;
}

/* Registers only: what a guest wrote into the holes between them is not for the next one. */
static void copy_registers(const struct ixgbe_vf *vf, ixgbe_reg *to)
{
	unsigned int index;

	for (uint32_t at = IXGBE_VF_RX_PAGE; at < PAGES_BYTES; at += 4) {
		if (ixgbe_map_find(&ixgbe_vf_map, at, &index))
			reg_store(&to[at / 4], reg_load(&vf->pages[at / 4]));
	}
}

int ixgbe_vf_share(struct ixgbe_vf *vf, bool shared)
{
	struct old_pages *old = malloc(sizeof(*old));
	int fd = -1, old_fd = vf->pages_fd;
	ixgbe_reg *pages = old ? new_pages(shared, &fd) : NULL;

	if (!pages) {
		log_error("VF %u: no memory for its register pages: %s", vf->index,
			  strerror(errno));
		free(old);
		return -1;
	}
	copy_registers(vf, pages);
	*old = (struct old_pages){ .pf = vf->pf, .pages = vf->pages };
	set_pages(vf, pages, fd);
	vf->shared = shared;
	ixgbe_vf_clear_counters(vf);
	/* What the earlier client writes from now on stays in its own pages. */
	ixgbe_vf_sync(vf);
	ixgbe_changed(vf->pf);
	if (old_fd >= 0)
		close(old_fd);
	ixgbe_get(vf->pf);
	quiesce_call(vf->pf->quiesce, &old->head, unmap_old);
	return fd;
}
