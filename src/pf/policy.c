/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * policy.c - what the administrator says about a VF, in the words of "ip link set DEV vf N ...".
 *
 * A setting goes into the state, then into the registers, and where the guest must notice, its driver is
 * made to reset itself (mailbox.c): after that it asks for its address, VLANs and queues again. The rules
 * are those of Linux ixgbe, ixgbe_ndo_set_vf_*(); 82599 data sheet 7.10.3.
 *
 * Taking a right away works at once: what the guest holds by virtue of it is withdrawn here, whether its
 * driver plays along or not.
 */
#include "pf/driver.h"
#include "pf/mailbox.h"

#define VLAN_MAX 4094
#define QOS_MAX 7

/* While the number of VFs changes, the new ones can be spoken of: bring-up goes by the state. */
static unsigned int vfs_to_be(const struct pf_driver *driver)
{
	return driver->step ? driver->next_vfs : driver->state->num_vfs;
}

static int check_vf(struct pf_driver *driver, unsigned int vf, struct reason *why)
{
	if (vf >= vfs_to_be(driver))
		return refuse(why, -ENOENT, "there is no VF %u: the PF has %u", vf,
			      vfs_to_be(driver));
	return 0;
}

/* VFs that are not there now count too: they come back as they were. */
static int check_address_free(struct pf_driver *driver, unsigned int vf, const uint8_t *mac,
			      struct reason *why)
{
	char text[18];

	if (!memcmp(mac, driver->mac, ETH_ALEN))
		return refuse(why, -EADDRINUSE, "%s is the address of the PF itself",
			      mac_format(mac, text));
	for (unsigned int other = 0; other < PF_MAX_VFS; other++) {
		const struct pf_vf_state *state = &driver->state->vf[other];

		if (other != vf && state->mac_by_admin && !memcmp(mac, state->admin_mac, ETH_ALEN))
			return refuse(why, -EADDRINUSE, "%s is already assigned to VF %u",
				      mac_format(mac, text), other);
	}
	return 0;
}

/* Give @vf the address @mac, in the filters too while its pool is open. */
static void use_mac(struct pf_driver *driver, unsigned int vf, const uint8_t *mac)
{
	struct pf_vf_state *state = &driver->state->vf[vf];

	if (state->active)
		pf_remove_mac(driver, state->mac, vf);
	memcpy(state->mac, mac, ETH_ALEN);
	if (state->active && pf_add_mac(driver, mac, vf))
		log_error("VF %u: no address filter left for its address", vf);
}

static void drop_macvlans(struct pf_driver *driver, unsigned int vf)
{
	pf_remove_macs(driver, vf, driver->state->vf[vf].mac);
	driver->state->vf[vf].macvlans = 0;
}

/*
 * What the administrator gives to @vf no other guest may go on receiving because it was quicker. Who is
 * trusted may share addresses.
 */
static void take_from_others(struct pf_driver *driver, unsigned int vf, const uint8_t *mac)
{
	for (unsigned int other = 0; other < driver->state->num_vfs; other++) {
		struct pf_vf_state *state = &driver->state->vf[other];

		if (other == vf || state->trusted)
			continue;
		if (memcmp(state->mac, mac, ETH_ALEN)) {
			pf_remove_mac(driver, mac, other);
		} else if (memcmp(state->derived_mac, mac, ETH_ALEN)) {
			use_mac(driver, other, state->derived_mac);
			pf_restart_vf(driver, other);
		}
	}
}

/* May the administrator give @mac, or none, to @vf? */
static int check_mac(struct pf_driver *driver, unsigned int vf, const uint8_t *mac,
		     struct reason *why)
{
	char text[18];

	if (mac_is_zero(mac))
		return 0;
	if (!mac_is_unicast(mac))
		return refuse(why, -EINVAL, "%s is a multicast address", mac_format(mac, text));
	return check_address_free(driver, vf, mac, why);
}

int pf_check_vf_mac(struct pf_driver *driver, unsigned int vf, const uint8_t mac[ETH_ALEN],
		    struct reason *why)
{
	int error = check_vf(driver, vf, why);

	return error ? error : check_mac(driver, vf, mac, why);
}

int pf_set_vf_mac(struct pf_driver *driver, unsigned int vf, const uint8_t mac[ETH_ALEN],
		  struct reason *why)
{
	struct pf_vf_state *state;
	bool clear = mac_is_zero(mac), changed;
	int error = pf_check_vf_mac(driver, vf, mac, why);

	if (error)
		return error;
	state = &driver->state->vf[vf];
	if (clear)
		mac = state->derived_mac;
	changed = memcmp(mac, state->mac, ETH_ALEN);
	state->mac_by_admin = !clear;
	memcpy(state->admin_mac, mac, ETH_ALEN);
	use_mac(driver, vf, mac);
	if (!clear && !state->trusted)
		drop_macvlans(driver, vf);
	if (!clear)
		take_from_others(driver, vf, mac);
	if (changed)
		pf_restart_vf(driver, vf);
	return 0;
}

static int check_vlan(uint16_t vlan, uint8_t qos, struct reason *why)
{
	if (vlan > VLAN_MAX)
		return refuse(why, -EINVAL, "VLAN %u is out of range: 0 (none) to %u", vlan,
			      VLAN_MAX);
	if (qos > QOS_MAX)
		return refuse(why, -EINVAL, "priority %u is out of range: 0 to %u", qos, QOS_MAX);
	return 0;
}

int pf_set_vf_vlan(struct pf_driver *driver, unsigned int vf, uint16_t vlan, uint8_t qos,
		   struct reason *why)
{
	struct pf_vf_state *state;
	int error = check_vf(driver, vf, why);

	if (!error)
		error = check_vlan(vlan, qos, why);
	if (error)
		return error;
	state = &driver->state->vf[vf];
	if (vlan == state->vlan && qos == state->qos)
		return 0;
	if (vlan && !pf_vlan_fits(driver, vlan, vf))
		return refuse(why, -ENOSPC, "all %u VLAN filters of the card are in use",
			      VLVF_ENTRIES - 1);

	/* Tagged traffic of its own choice ends here, and untagged access with a port VLAN. */
	pf_remove_vlans(driver, vf);
	state->vlans = 0;
	state->vlan = vlan;
	state->qos = qos;
	if (vlan || state->active)
		pf_add_vlan(driver, vlan, vf);
	if (state->active) {
		pf_program_accept(driver, vf);
		pf_program_tag(driver, vf);
	}
	pf_restart_vf(driver, vf);
	return 0;
}

static int check_rate(unsigned int max_tx_rate, struct reason *why)
{
	if (max_tx_rate && (max_tx_rate < PF_RATE_MIN || max_tx_rate > PF_LINK_MBPS))
		return refuse(why, -EINVAL,
			      "max_tx_rate %u is out of range: 0 (none), or %u to %u Mbit/s",
			      max_tx_rate, PF_RATE_MIN, PF_LINK_MBPS);
	return 0;
}

int pf_set_vf_rate(struct pf_driver *driver, unsigned int vf, unsigned int max_tx_rate,
		   struct reason *why)
{
	int error = check_vf(driver, vf, why);

	if (!error)
		error = check_rate(max_tx_rate, why);
	if (error)
		return error;
	driver->state->vf[vf].max_tx_rate = (uint16_t)max_tx_rate;
	pf_program_rate(driver, vf);
	return 0;
}

int pf_set_vf_spoofchk(struct pf_driver *driver, unsigned int vf, bool on, struct reason *why)
{
	int error = check_vf(driver, vf, why);

	if (error)
		return error;
	driver->state->vf[vf].spoofchk = on;
	pf_program_spoof(driver, vf);
	return 0;
}

int pf_set_vf_trust(struct pf_driver *driver, unsigned int vf, bool on, struct reason *why)
{
	struct pf_vf_state *state;
	int error = check_vf(driver, vf, why);

	if (error)
		return error;
	state = &driver->state->vf[vf];
	if (state->trusted == on)
		return 0;
	state->trusted = on;
	if (!on) {
		state->xcast = MIN(state->xcast, (uint8_t)MSG_XCAST_MULTI);
		pf_program_accept(driver, vf);
		if (state->mac_by_admin) {
			use_mac(driver, vf, state->admin_mac);
			drop_macvlans(driver, vf);
		}
	}
	pf_restart_vf(driver, vf);
	return 0;
}

/*
 * A VF sees the port's link in VFLINKS, which no register of the 82599 can override: "enable" cannot raise
 * it, and is like "auto". "disable" closes the pool and tells the VF's driver so.
 */
int pf_set_vf_link(struct pf_driver *driver, unsigned int vf, enum pf_vf_link link,
		   struct reason *why)
{
	struct pf_vf_state *state;
	int error = check_vf(driver, vf, why);

	if (error)
		return error;
	state = &driver->state->vf[vf];
	if (link > PF_VF_LINK_DISABLE)
		return refuse(why, -EINVAL, "link state is none of auto, enable, disable");
	if (state->link == link)
		return 0;
	state->link = (uint8_t)link;
	pf_program_enable(driver, vf);
	pf_restart_vf(driver, vf);
	return 0;
}

int pf_set_vf_rss_query(struct pf_driver *driver, unsigned int vf, bool on, struct reason *why)
{
	int error = check_vf(driver, vf, why);

	if (error)
		return error;
	driver->state->vf[vf].rss_query = on;
	return 0;
}

void pf_vf_released(struct pf_driver *driver, unsigned int vf)
{
	struct pf_vf_state *state;

	if (vf >= PF_MAX_VFS)
		return;
	state = &driver->state->vf[vf];
	use_mac(driver, vf, state->mac_by_admin ? state->admin_mac : state->derived_mac);
}

static int init_vf_policy(struct pf_driver *driver, unsigned int vf,
			  const struct pf_vf_policy *policy, struct reason *why)
{
	struct pf_vf_state *state = &driver->state->vf[vf];
	int error = check_mac(driver, vf, policy->mac, why);

	if (!error)
		error = check_vlan(policy->vlan, policy->qos, why);
	if (!error)
		error = check_rate(policy->max_tx_rate, why);
	if (error)
		return error;
	if (!mac_is_zero(policy->mac)) {
		state->mac_by_admin = true;
		memcpy(state->admin_mac, policy->mac, ETH_ALEN);
		memcpy(state->mac, policy->mac, ETH_ALEN);
	}
	state->vlan = policy->vlan;
	state->qos = policy->qos;
	state->spoofchk = policy->spoofchk;
	state->trusted = policy->trusted;
	state->max_tx_rate = policy->max_tx_rate;
	return 0;
}

/* Port VLANs of the first @vfs VFs, each counted once. */
static unsigned int count_vlans(const struct pf_vf_policy *policy, unsigned int vfs)
{
	unsigned int count = 0;

	for (unsigned int vf = 0; vf < vfs; vf++) {
		bool seen = !policy[vf].vlan;

		for (unsigned int other = 0; other < vf && !seen; other++)
			seen = policy[other].vlan == policy[vf].vlan;
		count += !seen;
	}
	return count;
}

int pf_init_policy(struct pf_driver *driver, const struct pf_vf_policy *policy, struct reason *why)
{
	int error = 0;

	if (count_vlans(policy, driver->config.num_vfs) > VLVF_ENTRIES - 1)
		return refuse(why, -ENOSPC,
			      "more than %u different port VLANs: the card has no "
			      "more filters",
			      VLVF_ENTRIES - 1);
	for (unsigned int vf = 0; vf < PF_MAX_VFS && !error; vf++)
		error = init_vf_policy(driver, vf, &policy[vf], why);
	return error;
}
