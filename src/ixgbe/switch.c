// SPDX-License-Identifier: BSD-3-Clause
/*
 * switch.c - the filter and virtualization registers of a PF as the tables of its switch partition.
 *
 * The tables are made when somebody asks for them after a register changed, all at once: a driver
 * that writes a hundred filters costs one rebuild.
 *
 * Without virtualization (VT_CTL.VT_ENA) there is one pool, 0, and only the global filters count.
 *
 * Source: data sheet 7.1.1 (filtering), 7.10.3 (switching); Linux ixgbe, ixgbevf.
 */
#include "ixgbe/registers.h"

static uint64_t reg_pair(const struct ixgbe_pf *pf, uint32_t low, uint32_t high)
{
	return ixgbe_pf_reg(pf, low) | (uint64_t)ixgbe_pf_reg(pf, high) << 32;
}

static void copy_array(const struct ixgbe_pf *pf, uint32_t offset, uint32_t *to, unsigned int n)
{
	for (unsigned int i = 0; i < n; i++)
		to[i] = ixgbe_pf_reg(pf, offset + i * 4);
}

static void fill_macs(const struct ixgbe_pf *pf, struct eswitch_partition *partition)
{
	for (unsigned int i = 0; i < ESWITCH_MACS; i++) {
		struct eswitch_mac *mac = &partition->mac[i];
		uint32_t high = ixgbe_pf_reg(pf, IXGBE_RAH + i * 8);

		mac->valid = high & IXGBE_RAH_AV ? 1 : 0;
		put_le32(mac->mac, ixgbe_pf_reg(pf, IXGBE_RAL + i * 8));
		put_le16(mac->mac + 4, (uint16_t)high);
		mac->pools = partition->virtualized
				     ? reg_pair(pf, IXGBE_MPSAR_LO + i * 8, IXGBE_MPSAR_HI + i * 8)
				     : BIT64(0);
	}
}

static void fill_vlans(const struct ixgbe_pf *pf, struct eswitch_partition *partition)
{
	for (unsigned int i = 0; i < ESWITCH_VLANS; i++) {
		struct eswitch_vlan *vlan = &partition->vlan[i];
		uint32_t vlvf = ixgbe_pf_reg(pf, IXGBE_VLVF + i * 4);

		vlan->valid = vlvf & IXGBE_VLVF_VIEN ? 1 : 0;
		vlan->vid = vlvf & IXGBE_VLVF_VID;
		vlan->pools = reg_pair(pf, IXGBE_VLVFB + i * 8, IXGBE_VLVFB + i * 8 + 4);
	}
}

/* VMOLR bits and what they mean to the switch */
static uint32_t accept_flags(uint32_t vmolr)
{
	static const struct {
		uint32_t vmolr, flag;
	} bits[] = {
		{ IXGBE_VMOLR_AUPE, ESWITCH_ACCEPT_UNTAGGED },
		{ IXGBE_VMOLR_BAM, ESWITCH_ACCEPT_BROADCAST },
		{ IXGBE_VMOLR_ROMPE, ESWITCH_ACCEPT_MC_HASH },
		{ IXGBE_VMOLR_ROPE, ESWITCH_ACCEPT_UC_HASH },
		{ IXGBE_VMOLR_MPE, ESWITCH_MC_PROMISC },
		{ IXGBE_VMOLR_UPE, ESWITCH_UC_PROMISC },
	};
	uint32_t flags = 0;

	for (unsigned int i = 0; i < ARRAY_SIZE(bits); i++)
		flags |= vmolr & bits[i].vmolr ? bits[i].flag : 0;
	return flags;
}

static uint32_t spoof_flags(const struct ixgbe_pf *pf, unsigned int p)
{
	uint32_t spoof = ixgbe_pf_reg(pf, IXGBE_PFVFSPOOF + p / IXGBE_PFVFSPOOF_VFS * 4) >>
			 (p % IXGBE_PFVFSPOOF_VFS);

	return (spoof & 1 ? ESWITCH_CHECK_MAC : 0) |
	       (spoof >> IXGBE_PFVFSPOOF_VFS & 1 ? ESWITCH_CHECK_VLAN : 0);
}

static uint32_t vlan_flags(uint32_t vmvir)
{
	switch (vmvir >> IXGBE_VMVIR_VLANA_SHIFT) {
	case IXGBE_VMVIR_VLANA_DEFAULT:
		return ESWITCH_VLAN_INSERT;
	case IXGBE_VMVIR_VLANA_NEVER:
		return ESWITCH_VLAN_NEVER;
	default:
		return 0;
	}
}

static void fill_pool(const struct ixgbe_pf *pf, struct eswitch_pool *pool, unsigned int p)
{
	uint32_t vmvir = ixgbe_pf_reg(pf, IXGBE_VMVIR + p * 4);

	pool->flags = accept_flags(ixgbe_pf_reg(pf, IXGBE_VMOLR + p * 4)) | spoof_flags(pf, p) |
		      vlan_flags(vmvir);
	if (ixgbe_pool_bit(pf, IXGBE_VFRE, p))
		pool->flags |= ESWITCH_RX_ENABLE;
	if (ixgbe_pool_bit(pf, IXGBE_VFTE, p))
		pool->flags |= ESWITCH_TX_ENABLE;
	if (ixgbe_pool_bit(pf, IXGBE_PFVMTXSW, p))
		pool->flags |= ESWITCH_LOCAL_LOOPBACK;
	pool->default_vlan = (uint16_t)(vmvir & IXGBE_VMVIR_TCI);
}

static void fill_pools(const struct ixgbe_pf *pf, struct eswitch_partition *partition)
{
	memset(partition->pool, 0, sizeof(partition->pool));
	if (!partition->virtualized) {
		partition->pool[0].flags = ESWITCH_RX_ENABLE | ESWITCH_TX_ENABLE |
					   ESWITCH_ACCEPT_UNTAGGED | ESWITCH_ACCEPT_MC_HASH |
					   ESWITCH_ACCEPT_UC_HASH;
		return;
	}
	for (unsigned int p = 0; p < ESWITCH_POOLS; p++)
		fill_pool(pf, &partition->pool[p], p);
}

static int16_t default_pool(const struct ixgbe_pf *pf, uint32_t vt_ctl)
{
	if (!(vt_ctl & IXGBE_VT_CTL_VT_ENA))
		return 0;
	if (vt_ctl & IXGBE_VT_CTL_DIS_DEFPL)
		return -1;
	return (int16_t)(vt_ctl >> IXGBE_VT_CTL_POOL_SHIFT & IXGBE_VT_CTL_POOL_MASK);
}

static void fill_globals(const struct ixgbe_pf *pf, struct eswitch_partition *partition)
{
	uint32_t vt_ctl = ixgbe_pf_reg(pf, IXGBE_VT_CTL), fctrl = ixgbe_pf_reg(pf, IXGBE_FCTRL);
	uint32_t mcstctrl = ixgbe_pf_reg(pf, IXGBE_MCSTCTRL);

	partition->enabled = ixgbe_pf_reg(pf, IXGBE_RXCTRL) & IXGBE_RXCTRL_RXEN ? 1 : 0;
	partition->transmit = ixgbe_pf_reg(pf, IXGBE_DMATXCTL) & IXGBE_DMATXCTL_TE ? 1 : 0;
	partition->virtualized = vt_ctl & IXGBE_VT_CTL_VT_ENA ? 1 : 0;
	partition->loopback = ixgbe_pf_reg(pf, IXGBE_PFDTXGSWC) & IXGBE_PFDTXGSWC_LBEN ? 1 : 0;
	partition->mac_loopback = ixgbe_pf_reg(pf, IXGBE_HLREG0) & IXGBE_HLREG0_LPBK ? 1 : 0;
	partition->replicate = vt_ctl & IXGBE_VT_CTL_REPLEN ? 1 : 0;
	partition->vlan_filter = ixgbe_pf_reg(pf, IXGBE_VLNCTRL) & IXGBE_VLNCTRL_VFE ? 1 : 0;
	partition->mc_enable = mcstctrl & IXGBE_MCSTCTRL_MFE ? 1 : 0;
	partition->mc_shift = (uint8_t)(mcstctrl & IXGBE_MCSTCTRL_MO);
	partition->default_pool = default_pool(pf, vt_ctl);
	partition->accept = (fctrl & IXGBE_FCTRL_BAM ? ESWITCH_ACCEPT_BROADCAST : 0) |
			    (fctrl & IXGBE_FCTRL_MPE ? ESWITCH_MC_PROMISC : 0) |
			    (fctrl & IXGBE_FCTRL_UPE ? ESWITCH_UC_PROMISC : 0);
}

const struct eswitch_partition *ixgbe_partition(struct ixgbe_pf *pf)
{
	struct eswitch_partition *partition = &pf->state->partition;

	if (!pf->partition_dirty)
		return partition;
	fill_globals(pf, partition);
	fill_pools(pf, partition);
	fill_macs(pf, partition);
	fill_vlans(pf, partition);
	copy_array(pf, IXGBE_VFTA, partition->vlan_table, ARRAY_SIZE(partition->vlan_table));
	copy_array(pf, IXGBE_MTA, partition->mc_hash, ARRAY_SIZE(partition->mc_hash));
	copy_array(pf, IXGBE_PFUTA, partition->uc_hash, ARRAY_SIZE(partition->uc_hash));
	pf->partition_dirty = false;
	return partition;
}
