// SPDX-License-Identifier: BSD-3-Clause
/*
 * filters.c - what a VF receives beside its own address is the PF driver's to grant: the messages
 * for address, VLANs, multicast and modes, and all of them once more after a reset.
 *
 * A wish that was granted once is kept: after a reset it is put forward again, and a refusal then
 * is no error, since the administrator may have changed his mind, and may do so again.
 *
 * Messages as in Linux ixgbevf/vf.c; 82599 data sheet 8.2.3.7 (MCSTCTRL: multicast hash).
 */
#include <string.h>

#include "util/util.h"
#include "vf/mailbox.h"
#include "vf/regs.h"
#include "vf/vf.h"

#define VLAN_MAX 4094
#define FCS_LEN 4
#define HASH_MASK 0xfffu
#define API_XCAST 2 /* minor version that knows UPDATE_XCAST_MODE */
#define API_PROMISCUOUS 3

static bool is_multicast(const uint8_t mac[ETH_ALEN])
{
	return mac[0] & 1;
}

static bool is_zero(const uint8_t mac[ETH_ALEN])
{
	static const uint8_t zero[ETH_ALEN];

	return !memcmp(mac, zero, ETH_ALEN);
}

int vf_ask_max_frame(struct softiov_vf *vf)
{
	uint32_t msg[MAILBOX_WORDS] = { MSG_SET_LPE, vf->info.max_frame + FCS_LEN };

	return vf_mailbox_ask(vf, msg, 2);
}

int vf_ask_mac(struct softiov_vf *vf, const uint8_t mac[ETH_ALEN])
{
	uint32_t msg[MAILBOX_WORDS] = { MSG_SET_MAC_ADDR };
	int error;

	memcpy(msg + 1, mac, ETH_ALEN);
	error = vf_mailbox_ask(vf, msg, 3);
	if (!error)
		memcpy(vf->info.mac, mac, ETH_ALEN);
	return error;
}

static int ask_vlan(struct softiov_vf *vf, uint16_t id, bool join)
{
	uint32_t msg[MAILBOX_WORDS] = { MSG_SET_VLAN | (uint32_t)join << MSG_INFO_SHIFT, id };

	return vf_mailbox_ask(vf, msg, 2);
}

/* Twelve of the last sixteen bits of the address; the PF driver said which. */
static uint16_t multicast_hash(const struct softiov_vf *vf, const uint8_t mac[ETH_ALEN])
{
	static const unsigned int shift[] = { 4, 3, 2, 0 }; /* bits 47:36, 46:35, 45:34, 43:32 */
	uint32_t type = vf->multicast_type % ARRAY_SIZE(shift);

	return (uint16_t)(((uint32_t)mac[4] | (uint32_t)mac[5] << 8) >> shift[type] & HASH_MASK);
}

static int ask_multicast(struct softiov_vf *vf, const uint8_t (*mac)[ETH_ALEN], unsigned int n)
{
	uint32_t msg[MAILBOX_WORDS] = { MSG_SET_MULTICAST | n << MSG_INFO_SHIFT };

	_Static_assert(VF_MULTICAST_MAX / 2 + 1 == MAILBOX_WORDS, "two hashes a word");
	for (unsigned int i = 0; i < n; i++)
		msg[1 + i / 2] |= (uint32_t)multicast_hash(vf, mac[i]) << (16 * (i % 2));
	return vf_mailbox_ask(vf, msg, MAILBOX_WORDS);
}

/*
 * A PF driver grants what it can: word 1 of the reply is the mode that it set, which for a VF it
 * does not trust is less than was asked for.
 */
static int ask_mode(struct softiov_vf *vf, enum softiov_rx_mode mode)
{
	static const uint32_t xcast[] = { [SOFTIOV_RX_NORMAL] = XCAST_MULTI,
					  [SOFTIOV_RX_ALL_MULTICAST] = XCAST_ALLMULTI,
					  [SOFTIOV_RX_PROMISCUOUS] = XCAST_PROMISC };
	uint32_t msg[MAILBOX_WORDS] = { MSG_UPDATE_XCAST_MODE, xcast[mode] };
	int error;

	if (vf->info.mailbox_api < API_XCAST && mode == SOFTIOV_RX_NORMAL)
		return 0;
	if (vf->info.mailbox_api < API_XCAST ||
	    (vf->info.mailbox_api < API_PROMISCUOUS && mode == SOFTIOV_RX_PROMISCUOUS))
		return -EOPNOTSUPP;
	error = vf_mailbox_ask(vf, msg, 2);
	if (!error && msg[1] < xcast[mode])
		return -SOFTIOV_ERR_REFUSED;
	return error;
}

int softiov_vf_set_mac(struct softiov_vf *vf, const uint8_t mac[ETH_ALEN])
{
	int error;

	if (is_multicast(mac) || is_zero(mac))
		return -EINVAL;
	error = vf_ask_mac(vf, mac);
	if (error)
		return error;
	memcpy(vf->own_mac, mac, ETH_ALEN);
	vf->mac_set = true;
	return 0;
}

int softiov_vf_set_vlan(struct softiov_vf *vf, uint16_t id, bool join)
{
	int error;

	if (!id || id > VLAN_MAX)
		return -EINVAL;
	error = ask_vlan(vf, id, join);
	if (error)
		return error;
	if (join)
		vf->vlan[id / 64] |= BIT64(id % 64);
	else
		vf->vlan[id / 64] &= ~BIT64(id % 64);
	return 0;
}

int softiov_vf_set_multicast(struct softiov_vf *vf, const uint8_t (*mac)[ETH_ALEN], unsigned int n)
{
	int error;

	if (n > VF_MULTICAST_MAX)
		return -EINVAL;
	for (unsigned int i = 0; i < n; i++)
		if (!is_multicast(mac[i]))
			return -EINVAL;
	error = ask_multicast(vf, mac, n);
	if (error)
		return error;
	vf->multicasts = n;
	if (n)
		memcpy(vf->multicast, mac, n * sizeof(*mac));
	return 0;
}

int softiov_vf_set_mode(struct softiov_vf *vf, enum softiov_rx_mode mode)
{
	int error;

	if (mode > SOFTIOV_RX_PROMISCUOUS)
		return -EINVAL;
	error = ask_mode(vf, mode);
	if (!error)
		vf->mode = mode;
	return error;
}

/* Not granted any more is no reason to stop. */
static bool fatal(int error)
{
	return error && error != -SOFTIOV_ERR_REFUSED && error != -EOPNOTSUPP;
}

static int restore_vlans(struct softiov_vf *vf)
{
	int error = 0;

	for (unsigned int i = 0; i < ARRAY_SIZE(vf->vlan) && !fatal(error); i++)
		for (uint64_t left = vf->vlan[i]; left && !fatal(error); left &= left - 1)
			error = ask_vlan(
				vf, (uint16_t)(i * 64 + (unsigned int)__builtin_ctzll(left)), true);
	return error;
}

int vf_restore_filters(struct softiov_vf *vf)
{
	int error = ask_mode(vf, vf->mode);

	if (!fatal(error) && vf->mac_set)
		error = vf_ask_mac(vf, vf->own_mac);
	if (!fatal(error))
		error = restore_vlans(vf);
	if (!fatal(error) && vf->multicasts)
		error = ask_multicast(vf, (const uint8_t(*)[ETH_ALEN])vf->multicast,
				      vf->multicasts);
	return fatal(error) ? error : 0;
}
