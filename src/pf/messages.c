/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * messages.c - what the VFs may ask for, one function per message. The rules of trust are those of the
 * stock PF driver (Linux ixgbe, ixgbe_sriov.c), since the VF drivers were written against it.
 *
 * A message is granted (ACK) or refused (NACK); either way it goes back as it came, with CTS. Before RESET
 * everything else is refused without CTS. Versions 1.0 to 1.3 are spoken: 1.4 would offer IPsec to the VF,
 * 1.5 a mailbox handshake in which the VF keeps the buffer while it waits.
 *
 * Where this driver differs from Linux, and why:
 *  - RESET always tells an address: each VF has one from its birth, derived from card and number.
 *  - A VF that is not trusted may not take an address that somebody else uses: it would hear his mail.
 *  - A further address (SET_MACVLAN) does not end the anti-spoofing check: the check knows all addresses
 *    of a pool.
 *  - Jumbo frames do not depend on the interface's MTU: a frame longer than the receiver's buffers is cut
 *    over several of its descriptors. Drivers of version 1.0 cannot put such a frame together again, so
 *    they are held to standard frames.
 */
#include "pf/driver.h"
#include "pf/mailbox.h"

#define MACVLANS_PER_VF 16 /* stock drivers ask for 10; one guest must not use up the table */
#define RETA_BITS 2	   /* of each entry that GET_RETA carries */
#define MIN_FRAME 68
#define MULTICAST_HASH 0xfff /* bits of a hash: the table has 4096 */

static struct pf_vf_state *vf_state(struct pf_driver *driver, unsigned int vf)
{
	return &driver->state->vf[vf];
}

/* A guest's address is the six bytes from word 1 on. */
static void get_mac(const uint32_t *msg, uint8_t mac[ETH_ALEN])
{
	memcpy(mac, msg + 1, ETH_ALEN);
}

static bool knows(struct pf_driver *driver, unsigned int vf, enum msg_api api)
{
	return vf_state(driver, vf)->api >= api;
}

/* An address is taken also while its owner is closed: he will be back. */
static bool is_taken(struct pf_driver *driver, unsigned int vf, const uint8_t mac[ETH_ALEN])
{
	for (unsigned int other = 0; other < driver->state->num_vfs; other++) {
		const struct pf_vf_state *state = vf_state(driver, other);

		if (other != vf && (!memcmp(mac, state->mac, ETH_ALEN) ||
				    !memcmp(mac, state->derived_mac, ETH_ALEN)))
			return true;
	}
	return !memcmp(mac, driver->mac, ETH_ALEN) || pf_mac_owners(driver, mac) & ~BIT64(vf);
}

/* May @vf, of its own will, receive @mac? */
static bool may_take_mac(struct pf_driver *driver, unsigned int vf, const uint8_t mac[ETH_ALEN])
{
	return mac_is_unicast(mac) && (vf_state(driver, vf)->trusted || !is_taken(driver, vf, mac));
}

static int set_mac_addr(struct pf_driver *driver, unsigned int vf, uint32_t *msg)
{
	struct pf_vf_state *state = vf_state(driver, vf);
	uint8_t mac[ETH_ALEN];

	get_mac(msg, mac);
	if (!memcmp(mac, state->mac, ETH_ALEN))
		return 0;
	if ((state->mac_by_admin && !state->trusted) || !may_take_mac(driver, vf, mac))
		return -EPERM;
	pf_remove_mac(driver, state->mac, vf);
	if (pf_add_mac(driver, mac, vf)) {
		pf_add_mac(driver, state->mac, vf);
		return -ENOSPC;
	}
	memcpy(state->mac, mac, ETH_ALEN);
	return 0;
}

static int set_multicast(struct pf_driver *driver, unsigned int vf, uint32_t *msg)
{
	struct pf_vf_state *state = vf_state(driver, vf);
	unsigned int hashes = MIN(MSG_INFO(msg[0]), (uint32_t)MSG_MAX_HASHES);

	for (unsigned int i = 0; i < hashes; i++)
		state->multicast_hash[i] = msg[1 + i / 2] >> (16 * (i % 2)) & MULTICAST_HASH;
	state->multicast_hashes = (uint16_t)hashes;
	pf_rebuild_mta(driver);
	pf_program_accept(driver, vf);
	return 0;
}

static int set_vlan(struct pf_driver *driver, unsigned int vf, uint32_t *msg)
{
	struct pf_vf_state *state = vf_state(driver, vf);
	bool add = MSG_INFO(msg[0]), has;
	uint16_t vid = msg[1] & VLAN_VID;

	if (state->vlan || state->qos)
		return -EPERM;
	if (!vid)
		return 0; /* a member for good: untagged frames */
	has = pf_has_vlan(driver, vid, vf);
	if (add && !has) {
		if (pf_add_vlan(driver, vid, vf))
			return -ENOSPC;
		state->vlans++;
	} else if (!add && has) {
		pf_remove_vlan(driver, vid, vf);
		state->vlans--;
	}
	return 0;
}

static int set_lpe(struct pf_driver *driver, unsigned int vf, uint32_t *msg)
{
	uint32_t max = knows(driver, vf, MSG_API_11) ? PF_MAX_FRAME : PF_STANDARD_FRAME;

	if (msg[1] < MIN_FRAME || msg[1] > max)
		return -EINVAL;
	vf_state(driver, vf)->max_frame = msg[1];
	return 0;
}

/* Number 0 clears the list, 1 clears it and adds, others add. */
static int set_macvlan(struct pf_driver *driver, unsigned int vf, uint32_t *msg)
{
	struct pf_vf_state *state = vf_state(driver, vf);
	unsigned int number = MSG_INFO(msg[0]);
	uint8_t mac[ETH_ALEN];

	if (number && state->mac_by_admin && !state->trusted)
		return -EPERM;
	if (number <= 1) {
		pf_remove_macs(driver, vf, state->mac);
		state->macvlans = 0;
	}
	if (!number)
		return 0;
	get_mac(msg, mac);
	if (!may_take_mac(driver, vf, mac))
		return -EPERM;
	if (pf_mac_owners(driver, mac) & BIT64(vf))
		return 0;
	if (state->macvlans >= MACVLANS_PER_VF || !pf_free_macs(driver) ||
	    pf_add_mac(driver, mac, vf))
		return -ENOSPC;
	state->macvlans++;
	return 0;
}

static int api_negotiate(struct pf_driver *driver, unsigned int vf, uint32_t *msg)
{
	switch (msg[1]) {
	case MSG_API_10:
	case MSG_API_11:
	case MSG_API_12:
	case MSG_API_13:
		vf_state(driver, vf)->api = (uint8_t)msg[1];
		return 0;
	default:
		return -EOPNOTSUPP;
	}
}

static int get_queues(struct pf_driver *driver, unsigned int vf, uint32_t *msg)
{
	const struct pf_vf_state *state = vf_state(driver, vf);

	if (!knows(driver, vf, MSG_API_11))
		return -EOPNOTSUPP;
	msg[MSG_TX_QUEUES] = driver->queues_per_pool;
	msg[MSG_RX_QUEUES] = driver->queues_per_pool;
	msg[MSG_TRANSPARENT_VLAN] = state->vlan || state->qos;
	msg[MSG_DEFAULT_QUEUE] = 0;
	return 0;
}

/* The redirection table and key are the PF's and shared by all: off unless the administrator says. */
static int may_query_rss(struct pf_driver *driver, unsigned int vf)
{
	if (!vf_state(driver, vf)->rss_query)
		return -EPERM;
	return knows(driver, vf, MSG_API_12) ? 0 : -EOPNOTSUPP;
}

static int get_reta(struct pf_driver *driver, unsigned int vf, uint32_t *msg)
{
	const unsigned int per_word = 32 / RETA_BITS;
	int error = may_query_rss(driver, vf);

	if (error)
		return error;
	memset(msg + 1, 0, RETA_ENTRIES / per_word * sizeof(*msg));
	for (unsigned int i = 0; i < RETA_ENTRIES; i++) {
		uint32_t entry = driver->reta[i / 4] >> (8 * (i % 4)) & (BIT(RETA_BITS) - 1);

		msg[1 + i / per_word] |= entry << (RETA_BITS * (i % per_word));
	}
	return 0;
}

static int get_rss_key(struct pf_driver *driver, unsigned int vf, uint32_t *msg)
{
	int error = may_query_rss(driver, vf);

	if (!error)
		memcpy(msg + 1, driver->rss_key, sizeof(driver->rss_key));
	return error;
}

/* An 82599 pool cannot be promiscuous for unicast: whoever may have it is refused, others get less. */
static int update_xcast_mode(struct pf_driver *driver, unsigned int vf, uint32_t *msg)
{
	struct pf_vf_state *state = vf_state(driver, vf);
	uint32_t mode = msg[1];

	if (!knows(driver, vf, MSG_API_12) || mode > MSG_XCAST_PROMISC ||
	    (mode == MSG_XCAST_PROMISC && !knows(driver, vf, MSG_API_13)))
		return -EOPNOTSUPP;
	if (!state->trusted)
		mode = MIN(mode, (uint32_t)MSG_XCAST_MULTI);
	if (mode == MSG_XCAST_PROMISC)
		return -EOPNOTSUPP;
	state->xcast = (uint8_t)mode;
	pf_program_accept(driver, vf);
	msg[1] = mode;
	return 0;
}

static int get_link_state(struct pf_driver *driver, unsigned int vf, uint32_t *msg)
{
	if (!knows(driver, vf, MSG_API_12))
		return -EOPNOTSUPP;
	msg[1] = vf_state(driver, vf)->link != PF_VF_LINK_DISABLE;
	return 0;
}

static const struct {
	const char *name;
	int (*handle)(struct pf_driver *driver, unsigned int vf, uint32_t *msg);
} messages[MSG_TYPES] = {
	[MSG_SET_MAC_ADDR] = { "SET_MAC_ADDR", set_mac_addr },
	[MSG_SET_MULTICAST] = { "SET_MULTICAST", set_multicast },
	[MSG_SET_VLAN] = { "SET_VLAN", set_vlan },
	[MSG_SET_LPE] = { "SET_LPE", set_lpe },
	[MSG_SET_MACVLAN] = { "SET_MACVLAN", set_macvlan },
	[MSG_API_NEGOTIATE] = { "API_NEGOTIATE", api_negotiate },
	[MSG_GET_QUEUES] = { "GET_QUEUES", get_queues },
	[MSG_GET_RETA] = { "GET_RETA", get_reta },
	[MSG_GET_RSS_KEY] = { "GET_RSS_KEY", get_rss_key },
	[MSG_UPDATE_XCAST_MODE] = { "UPDATE_XCAST_MODE", update_xcast_mode },
	[MSG_GET_LINK_STATE] = { "GET_LINK_STATE", get_link_state },
};

static bool is_known(uint32_t type)
{
	return type < MSG_TYPES && messages[type].handle;
}

/* The reply carries no CTS: drivers compare word 0 as a whole. */
static unsigned int reset(struct pf_driver *driver, unsigned int vf, uint32_t *msg)
{
	pf_pool_close(driver, vf);
	for (unsigned int i = 0; i < MAILBOX_WORDS; i++)
		wr(driver, REG_PFMBMEM(vf, i), 0);
	pf_pool_open(driver, vf);

	memset(msg, 0, MSG_RESET_REPLY_WORDS * sizeof(*msg));
	msg[0] = MSG_RESET | MSG_ACK;
	memcpy(msg + 1, vf_state(driver, vf)->mac, ETH_ALEN);
	msg[3] = MCSTCTRL_MO;
	log_debug("VF %u: driver reset it", vf);
	return MSG_RESET_REPLY_WORDS;
}

static void note_refusal(struct pf_driver *driver, unsigned int vf, uint32_t word, int error)
{
	uint32_t type = MSG_TYPE(word);

	vf_state(driver, vf)->nacks++;
	/* Drivers find the version to speak by trying: no news. */
	if (type == MSG_API_NEGOTIATE || !log_ratelimit(&driver->limit[vf]))
		return;
	log_info("VF %u: mailbox message %s (0x%08x) refused: %s", vf,
		 is_known(type) ? messages[type].name : "of unknown type", word, strerror(-error));
}

unsigned int pf_message(struct pf_driver *driver, unsigned int vf, uint32_t msg[MAILBOX_WORDS])
{
	struct pf_vf_state *state = vf_state(driver, vf);
	uint32_t word = msg[0], type = MSG_TYPE(word);
	int error;

	if (word & (MSG_ACK | MSG_NACK))
		return 0; /* our own reply, sent back */
	state->messages++;
	if (word == MSG_RESET)
		return reset(driver, vf, msg);
	if (!state->clear_to_send) {
		state->nacks++;
		msg[0] |= MSG_NACK;
		return 1;
	}
	error = is_known(type) ? messages[type].handle(driver, vf, msg) : -EOPNOTSUPP;
	if (error)
		note_refusal(driver, vf, word, error);
	msg[0] = word | (error ? MSG_NACK : MSG_ACK) | MSG_CTS;
	return MAILBOX_WORDS;
}
