/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * pool.c - a VF's pool between two resets of the VF: closed until its driver has sent RESET, open from
 * the reply on. The settings that registers hold per pool are functions of the state, so each is written
 * by one function whatever made it change.
 *
 * 82599 data sheet 7.10.3 (pools), 8.2.3.27 (registers); order of steps as in Linux ixgbe.
 */
#include "pf/driver.h"
#include "pf/mailbox.h"

void pf_program_enable(struct pf_driver *driver, unsigned int vf)
{
	const struct pf_vf_state *state = &driver->state->vf[vf];
	bool on = state->active && state->link != PF_VF_LINK_DISABLE;

	wr_bits(driver, REG_VFTE(vf), POOL_BIT(vf), on);
	wr_bits(driver, REG_VFRE(vf), POOL_BIT(vf), on);
}

void pf_program_spoof(struct pf_driver *driver, unsigned int vf)
{
	wr_bits(driver, REG_PFVFSPOOF(vf), PFVFSPOOF_MAC(vf) | PFVFSPOOF_VLAN(vf),
		driver->state->vf[vf].spoofchk);
	wr_bits(driver, REG_VMECM(vf), POOL_BIT(vf), true);
}

/*
 * ROMPE only with hashes of its own: the table is shared, and a VF that asked for nothing would hear what
 * others asked for.
 */
void pf_program_accept(struct pf_driver *driver, unsigned int vf)
{
	const struct pf_vf_state *state = &driver->state->vf[vf];
	uint32_t vmolr = VMOLR_BAM;

	if (!state->vlan)
		vmolr |= VMOLR_AUPE;
	if (state->multicast_hashes)
		vmolr |= VMOLR_ROMPE;
	if (state->xcast >= MSG_XCAST_ALLMULTI)
		vmolr |= VMOLR_MPE;
	wr(driver, REG_VMOLR(vf), vmolr);
}

void pf_program_tag(struct pf_driver *driver, unsigned int vf)
{
	const struct pf_vf_state *state = &driver->state->vf[vf];
	uint32_t tag = state->vlan | (uint32_t)state->qos << VMVIR_QOS_SHIFT;

	wr(driver, REG_VMVIR(vf), tag ? VMVIR_DEFAULT | tag : 0);
}

/* Each queue of the pool; Linux ixgbe_set_vf_rate_limit(). */
void pf_program_rate(struct pf_driver *driver, unsigned int vf)
{
	unsigned int rate = driver->state->vf[vf].max_tx_rate;
	uint32_t factor = 0;

	if (rate)
		factor = RTTBCNRC_RS_ENA | ((uint32_t)PF_LINK_MBPS << RTTBCNRC_RF_INT_SHIFT) / rate;
	wr(driver, REG_RTTBCNRM, RTTBCNRM_MMW_SIZE);
	for (unsigned int i = 0; i < driver->queues_per_pool; i++) {
		wr(driver, REG_RTTDQSEL, vf * driver->queues_per_pool + i);
		wr(driver, REG_RTTBCNRC, factor);
	}
}

void pf_pool_close(struct pf_driver *driver, unsigned int vf)
{
	struct pf_vf_state *state = &driver->state->vf[vf];
	bool had_hashes = state->multicast_hashes;

	state->active = false;
	state->clear_to_send = false;
	pf_program_enable(driver, vf);

	pf_remove_vlans(driver, vf);
	pf_remove_macs(driver, vf, NULL);
	/* Its port VLAN keeps the filter, or others could take the last one meanwhile. */
	if (state->vlan && pf_add_vlan(driver, state->vlan, vf))
		log_error("VF %u: no VLAN filter left for its port VLAN %u", vf, state->vlan);
	state->vlans = 0;
	state->macvlans = 0;
	state->multicast_hashes = 0;
	if (had_hashes)
		pf_rebuild_mta(driver);
	state->xcast = MSG_XCAST_NONE;
	state->api = MSG_API_10;
	state->max_frame = PF_STANDARD_FRAME;
	pf_program_accept(driver, vf);

	driver->refused &= ~BIT64(vf);
	driver->pings &= ~BIT64(vf);
	driver->reply_ns[vf] = 0;
}

void pf_pool_open(struct pf_driver *driver, unsigned int vf)
{
	struct pf_vf_state *state = &driver->state->vf[vf];

	if (!state->vlan)
		pf_add_vlan(driver, 0, vf); /* its filter always exists */
	if (pf_add_mac(driver, state->mac, vf))
		log_error("VF %u: no address filter left for its address", vf);
	pf_program_accept(driver, vf);
	pf_program_tag(driver, vf);
	pf_program_spoof(driver, vf);

	for (unsigned int i = 0; i < driver->queues_per_pool; i++) {
		unsigned int queue = vf * driver->queues_per_pool + i;

		/* A full ring of one VF must not hold up the others. */
		wr(driver, REG_QDE, QDE_WE | queue << QDE_IDX_SHIFT | QDE_EN);
		/* Head write-back survives a VF reset. */
		wr(driver, REG_TDWBAL(queue), 0);
		wr(driver, REG_TDWBAH(queue), 0);
	}
	state->active = true;
	state->clear_to_send = true;
	pf_program_enable(driver, vf);
}
