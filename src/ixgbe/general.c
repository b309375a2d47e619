// SPDX-License-Identifier: BSD-3-Clause
/*
 * general.c - what is not special to networking: the PF's reset, its clocks, the EEPROM interface,
 * semaphores, and the link.
 *
 * A reset ends at once, so every bit that a driver polls for completion is already done when it
 * looks. What the link says depends on the wire alone: AUTOC is remembered, but no setting of it
 * takes the link down.
 *
 * Source: data sheet 4.2.1 (resets), 8.2.3.1 to 8.2.3.4, 8.2.3.14, 8.2.3.22; Linux ixgbe.
 */
#include "ixgbe/registers.h"

#define FRTIMER_UNIT_NS 1000u	  /* VFFRTIMER and FRTIMER count microseconds */
#define SYSTIM_TICK_PS 6400u	  /* DMA clock at 10 Gb/s: 156.25 MHz (7.9.3.1) */
#define TIMINCA_VALUE 0x00ffffffu /* added to SYSTIM every IP ticks */
#define TIMINCA_PERIOD_SHIFT 24
#define STATUS_NUM_VFS_MASK 0xffu

/* --- reset ---------------- */

static void load_permanent_mac(struct ixgbe_pf *pf)
{
	const uint8_t *mac = pf->config.mac;

	ixgbe_pf_reg_set(pf, IXGBE_RAL, get_le32(mac));
	ixgbe_pf_reg_set(pf, IXGBE_RAH, get_le16(mac + 4) | IXGBE_RAH_AV);
}

/* What the EEPROM of an SFP+ card says; a backplane's settings are the reset values. */
static void load_link_settings(struct ixgbe_pf *pf)
{
	if (!ixgbe_is_sfp(&pf->config))
		return;
	ixgbe_pf_reg_set(pf, IXGBE_AUTOC, IXGBE_AUTOC_SFP);
	ixgbe_pf_reg_set(pf, IXGBE_AUTOC2, IXGBE_AUTOC2_10G_SFI);
}

static void reset_registers(struct ixgbe_pf *pf)
{
	/* Held by whoever took them, reset or not. */
	uint32_t swsm = ixgbe_pf_reg(pf, IXGBE_SWSM);
	uint32_t sw_fw_sync = ixgbe_pf_reg(pf, IXGBE_SW_FW_SYNC);

	ixgbe_map_reset(&ixgbe_pf_map, pf->state->reg, sizeof(pf->state->reg));
	ixgbe_pf_reg_set(pf, IXGBE_SWSM, swsm);
	ixgbe_pf_reg_set(pf, IXGBE_SW_FW_SYNC, sw_fw_sync);
	load_permanent_mac(pf);
	load_link_settings(pf);
	for (unsigned int i = 0; i < ARRAY_SIZE(pf->state->drop_enable); i++)
		atomic_store(&pf->state->drop_enable[i], 0);
	for (unsigned int q = 0; q < IXGBE_QUEUES; q++)
		reg_store(&pf->state->rate[q], 0);
	memset(pf->state->credit, 0, sizeof(pf->state->credit));
	ixgbe_fdir_clear(pf);
	pf->state->i2c = (struct ixgbe_i2c){ .phase = IXGBE_I2C_IDLE };
}

/* A VF whose PF was reset keeps its ring addresses, but runs none until its driver starts anew. */
static void stop_vf_queues(struct ixgbe_vf *vf)
{
	for (unsigned int i = 0; i < IXGBE_VF_QUEUES; i++) {
		struct ixgbe_home *home = &vf->home[i];
		ixgbe_reg *rxdctl = &atomic_load(&home->rx)[IXGBE_Q_CTL];
		ixgbe_reg *txdctl = &atomic_load(&home->tx)[IXGBE_Q_CTL];

		reg_store(rxdctl, reg_load(rxdctl) & ~IXGBE_QCTL_ENABLE);
		reg_store(txdctl, reg_load(txdctl) & ~IXGBE_QCTL_ENABLE);
		ixgbe_home_sync(vf->pf, home);
	}
}

int ixgbe_pf_reset(struct ixgbe_pf *pf)
{
	for (unsigned int q = 0; q < IXGBE_QUEUES; q++)
		ixgbe_home_reset(pf, &pf->own[q]);
	for (unsigned int v = 0; v < IXGBE_MAX_VFS; v++)
		stop_vf_queues(&pf->vf[v]);
	ixgbe_irq_reset_pf(pf);
	reset_registers(pf);
	ixgbe_mailbox_pf_reset(pf);
	ixgbe_rebind(pf);
	ixgbe_changed(pf);
	return PCIE_QUIESCE;
}

IXGBE_WRITE(ixgbe_write_ctrl)
{
	access_store(access, value);
	if (value & (IXGBE_CTRL_RST | IXGBE_CTRL_LRST))
		return ixgbe_pf_reset(access->pf);
	return PCIE_DONE;
}

IXGBE_READ(ixgbe_read_status)
{
	const struct ixgbe_pf *pf = access->pf;
	uint32_t vfs = pf->state->num_vfs;

	*value = (uint32_t)pf->config.lan_id << IXGBE_STATUS_LAN_ID_SHIFT;
	*value |= (vfs & STATUS_NUM_VFS_MASK) << IXGBE_STATUS_NUM_VFS_SHIFT;
	if (atomic_load(&pf->state->link_up))
		*value |= IXGBE_STATUS_LINK_UP;
	if (vfs)
		*value |= IXGBE_STATUS_IOV_ACTIVE;
	if (!(ixgbe_pf_reg(pf, IXGBE_CTRL) & IXGBE_CTRL_GIO_DIS))
		*value |= IXGBE_STATUS_GIO;
	return PCIE_DONE;
}

IXGBE_WRITE(ixgbe_write_ctrl_ext)
{
	access_store(access, value);
	if (value & IXGBE_CTRL_EXT_PFRSTD)
		ixgbe_mailbox_pf_ready(access->pf);
	return PCIE_DONE;
}

/* --- EEPROM, semaphores ---------------- */

/*
 * The serial lines of the EEPROM are never granted (EEC.GNT): it is read through EERD, and a driver that would write it
 * is refused, as by one that is write-protected.
 */
IXGBE_READ(ixgbe_read_eec)
{
	*value |= IXGBE_EEC_PRES | IXGBE_EEC_ARD | IXGBE_EEPROM_SIZE_CODE << IXGBE_EEC_SIZE_SHIFT;
	return PCIE_DONE;
}

IXGBE_WRITE(ixgbe_write_eerd)
{
	uint32_t word = value >> IXGBE_EERD_ADDR_SHIFT & IXGBE_EERD_ADDR_MASK;
	uint32_t data = word < IXGBE_EEPROM_WORDS ? access->pf->eeprom[word] : IXGBE_EEPROM_ERASED;

	if (value & IXGBE_EERD_START)
		reg_store(access->store, data << IXGBE_EERD_DATA_SHIFT |
						 word << IXGBE_EERD_ADDR_SHIFT | IXGBE_EERD_DONE);
	return PCIE_DONE;
}

/* Reading takes the semaphore: whoever reads 0 in SMBI has it. */
IXGBE_READ(ixgbe_read_swsm)
{
	reg_store(access->store, *value | IXGBE_SWSM_SMBI);
	return PCIE_DONE;
}

/* --- bits that say "done" ---------------- */

IXGBE_READ(ixgbe_read_dmaidone)
{
	*value |= IXGBE_RDRXCTL_DMAIDONE;
	return PCIE_DONE;
}

/*
 * SECTXSTAT, SECRXSTAT: *value is the control register, whose storage they share. Offload is said to be off by strap: a
 * driver that believed in it would send in the clear what it was asked to encrypt.
 */
IXGBE_READ(ixgbe_read_secstat)
{
	*value = IXGBE_SECSTAT_OFF_DIS | (*value & IXGBE_SEC_DIS ? IXGBE_SECSTAT_RDY : 0);
	return PCIE_DONE;
}

/* --- link ---------------- */

uint32_t ixgbe_links(const struct ixgbe_pf *pf)
{
	uint32_t up = IXGBE_LINKS_UP | IXGBE_LINKS_10G;

	if (!ixgbe_is_sfp(&pf->config))
		up |= IXGBE_LINKS_KX_AN_COMP;
	return atomic_load(&pf->state->link_up) ? up : 0;
}

/* LINKS and VFLINKS; a VF without its PF has no link, whatever the wire has. */
IXGBE_READ(ixgbe_read_links)
{
	*value = access->vf && !ixgbe_vf_served(access->vf) ? 0 : ixgbe_links(access->pf);
	return PCIE_DONE;
}

IXGBE_READ(ixgbe_read_links2)
{
	*value = atomic_load(&access->pf->state->link_up) ? IXGBE_LINKS2_PARTNER_AN : 0;
	return PCIE_DONE;
}

/* --- clocks ---------------- */

/* FRTIMER and VFFRTIMER; 31 bits, so that no reading looks like a missing device. */
IXGBE_READ(ixgbe_read_frtimer)
{
	*value = (uint32_t)(now_ns() / FRTIMER_UNIT_NS) & INT32_MAX;
	return PCIE_DONE;
}

/* TIMINCA: every IP ticks of 6.4 ns add IV to SYSTIM; IV 0 stops it. */
static uint64_t systim_now(const struct ixgbe_pf *pf, uint64_t now)
{
	uint32_t timinca = ixgbe_pf_reg(pf, IXGBE_TIMINCA);
	uint64_t ticks = (now - pf->state->systim_ns) * 10 / (SYSTIM_TICK_PS / 100);
	uint32_t period = timinca >> TIMINCA_PERIOD_SHIFT;

	if (!period)
		return pf->state->systim;
	return pf->state->systim + ticks / period * (timinca & TIMINCA_VALUE);
}

static void systim_set(struct ixgbe_pf *pf, uint64_t systim, uint64_t now)
{
	pf->state->systim = systim;
	pf->state->systim_ns = now;
}

IXGBE_WRITE(ixgbe_write_timinca)
{
	uint64_t now = now_ns();

	systim_set(access->pf, systim_now(access->pf, now), now);
	access_store(access, value);
	return PCIE_DONE;
}

/* Reading the low half latches the high half. */
IXGBE_READ(ixgbe_read_systim)
{
	uint64_t systim = systim_now(access->pf, now_ns());

	if (access->offset == IXGBE_SYSTIML) {
		*value = (uint32_t)systim;
		ixgbe_pf_reg_set(access->pf, IXGBE_SYSTIMH, (uint32_t)(systim >> 32));
	}
	return PCIE_DONE;
}

IXGBE_WRITE(ixgbe_write_systim)
{
	uint64_t now = now_ns(), systim = systim_now(access->pf, now);

	if (access->offset == IXGBE_SYSTIML)
		systim = (systim & ~(uint64_t)UINT32_MAX) | value;
	else
		systim = (uint32_t)systim | (uint64_t)value << 32;
	systim_set(access->pf, systim, now);
	access_store(access, value);
	return PCIE_DONE;
}
