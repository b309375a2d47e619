/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * filters.c - the filter tables that all pools of a PF share: 82599 data sheet 7.10.3.2 (address and
 * VLAN filters of pools) and 8.2.3.7, 8.2.3.27 (registers).
 *
 * Addresses. 128 receive address registers, each with a bitmap of the pools that want it (MPSAR). An
 * address stands in one register however many pools want it. Register 0 is the PF's own.
 *
 * VLANs. 64 shared filters (VLVF), each with a bitmap of member pools (VLVFB). Filter 0 is for VLAN 0:
 * untagged and priority-tagged frames. The PF's pool is a member of every VLAN that a VF uses, and
 * frames of VLANs without a filter fall to the default pool, which is the PF's: so VLAN interfaces on
 * top of the host's interface work without telling the driver, as on a Linux PF in VLAN promiscuous
 * mode. Without an interface there is no PF pool and only VLANs of VFs pass.
 *
 * Multicast. One table of 4096 hashes; which pools look at it says VMOLR.ROMPE. It is the union of what
 * the VFs asked for, built anew when one of them changes its list.
 */
#include "pf/driver.h"

#define MACVLAN_RESERVE 16 /* address filters kept for the PF, as Linux does */

static uint64_t pf_pool_bit(const struct pf_driver *driver)
{
	return driver->config.netdev ? BIT64(driver->pf_pool) : 0;
}

static void write_rar(struct pf_driver *driver, unsigned int n)
{
	const struct pf_rar *rar = &driver->rar[n];

	if (!rar->pools)
		wr(driver, REG_RAH(n), 0);
	wr(driver, REG_MPSAR_LO(n), (uint32_t)rar->pools);
	wr(driver, REG_MPSAR_HI(n), (uint32_t)(rar->pools >> 32));
	if (rar->pools) {
		wr(driver, REG_RAL(n), get_le32(rar->mac));
		wr(driver, REG_RAH(n), RAH_AV | get_le16(rar->mac + 4));
	}
}

static void write_vlvf(struct pf_driver *driver, unsigned int n)
{
	const struct pf_vlvf *vlvf = &driver->vlvf[n];

	/* Members before validity, and validity gone before members: no frame strays in between. */
	if (!vlvf->valid)
		wr(driver, REG_VLVF(n), 0);
	wr(driver, REG_VLVFB_LO(n), (uint32_t)vlvf->pools);
	wr(driver, REG_VLVFB_HI(n), (uint32_t)(vlvf->pools >> 32));
	if (vlvf->valid)
		wr(driver, REG_VLVF(n), VLVF_VIEN | vlvf->vid);
}

void pf_filters_init(struct pf_driver *driver)
{
	uint64_t pf = pf_pool_bit(driver);

	memset(driver->rar, 0, sizeof(driver->rar));
	memset(driver->vlvf, 0, sizeof(driver->vlvf));
	memset(driver->mta, 0, sizeof(driver->mta));

	memcpy(driver->rar[0].mac, driver->mac, ETH_ALEN);
	driver->rar[0].pools = pf;
	for (unsigned int n = 0; n < RAR_ENTRIES; n++)
		write_rar(driver, n);

	driver->vlvf[0].valid = true;
	driver->vlvf[0].pools = pf;
	for (unsigned int n = 0; n < VLVF_ENTRIES; n++)
		write_vlvf(driver, n);

	for (unsigned int n = 0; n < HASH_WORDS; n++) {
		wr(driver, REG_MTA(n), 0);
		wr(driver, REG_UTA(n), 0);
		wr(driver, REG_VFTA(n), pf ? UINT32_MAX : !n);
	}
	wr(driver, REG_MCSTCTRL, MCSTCTRL_MFE | MCSTCTRL_MO);
	wr(driver, REG_VLNCTRL, VLNCTRL_VFE | VLNCTRL_VET);
}

/* Register 0 belongs to the PF even when no pool of it exists. */
static int find_mac(const struct pf_driver *driver, const uint8_t mac[ETH_ALEN])
{
	for (unsigned int n = 0; n < RAR_ENTRIES; n++) {
		if (driver->rar[n].pools && !memcmp(driver->rar[n].mac, mac, ETH_ALEN))
			return (int)n;
	}
	return -ENOENT;
}

static int find_free_mac(const struct pf_driver *driver)
{
	for (unsigned int n = 1; n < RAR_ENTRIES; n++) {
		if (!driver->rar[n].pools)
			return (int)n;
	}
	return -ENOSPC;
}

int pf_add_mac(struct pf_driver *driver, const uint8_t mac[ETH_ALEN], unsigned int pool)
{
	int n = find_mac(driver, mac);

	if (n < 0)
		n = find_free_mac(driver);
	if (n < 0)
		return n;
	memcpy(driver->rar[n].mac, mac, ETH_ALEN);
	driver->rar[n].pools |= BIT64(pool);
	write_rar(driver, (unsigned int)n);
	return 0;
}

void pf_remove_mac(struct pf_driver *driver, const uint8_t mac[ETH_ALEN], unsigned int pool)
{
	int n = find_mac(driver, mac);

	if (n < 0 || !(driver->rar[n].pools & BIT64(pool)))
		return;
	driver->rar[n].pools &= ~BIT64(pool);
	write_rar(driver, (unsigned int)n);
}

void pf_remove_macs(struct pf_driver *driver, unsigned int pool, const uint8_t *keep)
{
	for (unsigned int n = 0; n < RAR_ENTRIES; n++) {
		struct pf_rar *rar = &driver->rar[n];

		if (!(rar->pools & BIT64(pool)) || (keep && !memcmp(rar->mac, keep, ETH_ALEN)))
			continue;
		rar->pools &= ~BIT64(pool);
		write_rar(driver, n);
	}
}

uint64_t pf_mac_owners(const struct pf_driver *driver, const uint8_t mac[ETH_ALEN])
{
	int n = find_mac(driver, mac);

	return n < 0 ? 0 : driver->rar[n].pools;
}

unsigned int pf_free_macs(const struct pf_driver *driver)
{
	unsigned int used = 0, reserved = MACVLAN_RESERVE;

	for (unsigned int n = 1; n < RAR_ENTRIES; n++)
		used += driver->rar[n].pools != 0;
	/* VFs that are closed now will want theirs. */
	for (unsigned int vf = 0; vf < driver->state->num_vfs; vf++)
		reserved += !driver->state->vf[vf].active;
	return used + reserved < RAR_ENTRIES - 1 ? RAR_ENTRIES - 1 - used - reserved : 0;
}

static int find_vlan(const struct pf_driver *driver, uint16_t vid)
{
	for (unsigned int n = 0; n < VLVF_ENTRIES; n++) {
		if (driver->vlvf[n].valid && driver->vlvf[n].vid == vid)
			return (int)n;
	}
	return -ENOENT;
}

static int find_free_vlan(const struct pf_driver *driver)
{
	for (unsigned int n = 1; n < VLVF_ENTRIES; n++) {
		if (!driver->vlvf[n].valid)
			return (int)n;
	}
	return -ENOSPC;
}

/* With an interface every VLAN passes the table, for the default pool's sake. */
static void write_vfta(struct pf_driver *driver, uint16_t vid, bool on)
{
	if (!driver->config.netdev)
		wr_bits(driver, REG_VFTA(vid / 32), BIT(vid % 32), on);
}

int pf_add_vlan(struct pf_driver *driver, uint16_t vid, unsigned int vf)
{
	int n = find_vlan(driver, vid);

	if (n < 0)
		n = find_free_vlan(driver);
	if (n < 0)
		return n;
	driver->vlvf[n].vid = vid;
	driver->vlvf[n].valid = true;
	driver->vlvf[n].pools |= BIT64(vf) | pf_pool_bit(driver);
	write_vlvf(driver, (unsigned int)n);
	write_vfta(driver, vid, true);
	return 0;
}

static void leave_vlan(struct pf_driver *driver, unsigned int n, unsigned int vf)
{
	struct pf_vlvf *vlvf = &driver->vlvf[n];

	vlvf->pools &= ~BIT64(vf);
	if (n && !(vlvf->pools & ~pf_pool_bit(driver))) {
		write_vfta(driver, vlvf->vid, false);
		vlvf->valid = false;
		vlvf->pools = 0;
	}
	write_vlvf(driver, n);
}

void pf_remove_vlan(struct pf_driver *driver, uint16_t vid, unsigned int vf)
{
	int n = find_vlan(driver, vid);

	if (n >= 0 && driver->vlvf[n].pools & BIT64(vf))
		leave_vlan(driver, (unsigned int)n, vf);
}

void pf_remove_vlans(struct pf_driver *driver, unsigned int vf)
{
	for (unsigned int n = 0; n < VLVF_ENTRIES; n++) {
		if (driver->vlvf[n].pools & BIT64(vf))
			leave_vlan(driver, n, vf);
	}
}

bool pf_has_vlan(const struct pf_driver *driver, uint16_t vid, unsigned int vf)
{
	int n = find_vlan(driver, vid);

	return n >= 0 && driver->vlvf[n].pools & BIT64(vf);
}

bool pf_vlan_fits(const struct pf_driver *driver, uint16_t vid, unsigned int vf)
{
	if (find_vlan(driver, vid) >= 0 || find_free_vlan(driver) >= 0)
		return true;
	for (unsigned int n = 1; n < VLVF_ENTRIES; n++) {
		if ((driver->vlvf[n].pools & ~pf_pool_bit(driver)) == BIT64(vf))
			return true;
	}
	return false;
}

void pf_rebuild_mta(struct pf_driver *driver)
{
	uint32_t mta[HASH_WORDS] = { 0 };

	for (unsigned int vf = 0; vf < driver->state->num_vfs; vf++) {
		const struct pf_vf_state *state = &driver->state->vf[vf];

		for (unsigned int i = 0; i < state->multicast_hashes; i++) {
			unsigned int hash = state->multicast_hash[i];

			mta[hash / 32] |= BIT(hash % 32);
		}
	}
	for (unsigned int n = 0; n < HASH_WORDS; n++) {
		if (mta[n] != driver->mta[n])
			wr(driver, REG_MTA(n), mta[n]);
	}
	memcpy(driver->mta, mta, sizeof(mta));
}
