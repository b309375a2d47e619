/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * follow.c - interface and VF stay alike.
 *
 * The kernel tells a TAP's owner nothing of what its interface should receive. rtnetlink tells that something changed,
 * but not all, and news can be lost. So nothing is made of the news themselves: whenever there are some, and once a
 * second, the state is read and compared with what was last asked of the PF driver.
 *
 *	address, promiscuous and all-multicast mode, MTU	RTM_GETLINK
 *	VLAN sub-interfaces					RTM_GETLINK of kind "vlan" on top of the interface
 *	multicast groups					/proc/net/dev_mcast
 *
 * These are seen only from the interface's network namespace, so the thread goes there for the moment of reading.
 *
 * What a VF that is not trusted is not granted (data sheet 4.6.11.2.1; Linux ixgbe, ixgbe_sriov.c): promiscuous and
 * all-multicast mode. Groups come as a hash list, as a stock driver sends them, of at most 30; when there are more the
 * first 30 are heard.
 */
#include "netdev/follow.h"

#include <linux/if_link.h>
#include <net/if.h>
#include <stdio.h>
#include "netdev/namespace.h"
#include "netdev/netdev.h"
#include "netdev/protocol.h"
#include "netdev/rtnl.h"
#include "netdev/tap.h"

#define MULTICAST_FILE "/proc/thread-self/net/dev_mcast"
#define VLAN_ID_MAX 4094

#define ATTRIBUTES (IFLA_ALLMULTI + 1)

enum refusal { REFUSED_MODE, REFUSED_GROUPS, TOO_MANY_GROUPS, NO_GROUPS };

/** struct wanted - what the interface is and wants. */
struct wanted {
	char name[IFNAMSIZ];
	int index;
	uint8_t mac[ETH_ALEN];
	uint32_t mtu;
	enum softiov_rx_mode mode;
	struct follow_vlans vlans;
	uint8_t multicast[FOLLOW_MULTICAST_MAX][ETH_ALEN];
	unsigned int multicasts;
	bool more_groups, groups_unknown;
};

static bool has(const struct follow_vlans *vlans, unsigned int id)
{
	return vlans->bit[id / 64] & BIT64(id % 64);
}

static void set(struct follow_vlans *vlans, unsigned int id, bool on)
{
	if (on)
		vlans->bit[id / 64] |= BIT64(id % 64);
	else
		vlans->bit[id / 64] &= ~BIT64(id % 64);
}

/* --- reading what is ------------------------------------------------------------------------- */

static void take_link(void *ctx, const struct nlmsghdr *message)
{
	const struct ifinfomsg *link = NLMSG_DATA(message);
	const struct rtattr *attribute[ATTRIBUTES];
	struct wanted *wanted = ctx;

	if (message->nlmsg_type != RTM_NEWLINK || message->nlmsg_len < NLMSG_LENGTH(sizeof(*link)))
		return;
	rtnl_attributes(attribute, ATTRIBUTES, IFLA_RTA(link), IFLA_PAYLOAD(message));
	wanted->index = link->ifi_index;
	wanted->mtu = rtnl_u32(attribute[IFLA_MTU], 0);
	if (attribute[IFLA_ADDRESS] && RTA_PAYLOAD(attribute[IFLA_ADDRESS]) == ETH_ALEN)
		memcpy(wanted->mac, RTA_DATA(attribute[IFLA_ADDRESS]), ETH_ALEN);
	if (rtnl_u32(attribute[IFLA_PROMISCUITY], link->ifi_flags & IFF_PROMISC))
		wanted->mode = SOFTIOV_RX_PROMISCUOUS;
	else if (rtnl_u32(attribute[IFLA_ALLMULTI], link->ifi_flags & IFF_ALLMULTI))
		wanted->mode = SOFTIOV_RX_ALL_MULTICAST;
}

/* Of a VLAN link: its ID, or 0 when its tags are of another kind. */
static unsigned int vlan_id(const struct rtattr *info)
{
	const struct rtattr *attribute[IFLA_INFO_MAX + 1], *data[IFLA_VLAN_MAX + 1];
	uint16_t id, type = 0;

	rtnl_attributes(attribute, ARRAY_SIZE(attribute), RTA_DATA(info), RTA_PAYLOAD(info));
	if (!attribute[IFLA_INFO_KIND] || !attribute[IFLA_INFO_DATA] ||
	    strncmp(RTA_DATA(attribute[IFLA_INFO_KIND]), "vlan",
		    RTA_PAYLOAD(attribute[IFLA_INFO_KIND])))
		return 0;
	rtnl_attributes(data, ARRAY_SIZE(data), RTA_DATA(attribute[IFLA_INFO_DATA]),
			RTA_PAYLOAD(attribute[IFLA_INFO_DATA]));
	if (!data[IFLA_VLAN_ID] || RTA_PAYLOAD(data[IFLA_VLAN_ID]) < sizeof(id))
		return 0;
	id = get_le16(RTA_DATA(data[IFLA_VLAN_ID]));
	if (data[IFLA_VLAN_PROTOCOL] && RTA_PAYLOAD(data[IFLA_VLAN_PROTOCOL]) >= sizeof(type))
		type = get_be16(RTA_DATA(data[IFLA_VLAN_PROTOCOL]));
	return id <= VLAN_ID_MAX && (!type || type == ETH_TYPE_VLAN) ? id : 0;
}

static void take_vlan(void *ctx, const struct nlmsghdr *message)
{
	const struct ifinfomsg *link = NLMSG_DATA(message);
	const struct rtattr *attribute[ATTRIBUTES];
	struct wanted *wanted = ctx;
	unsigned int id;

	if (message->nlmsg_type != RTM_NEWLINK || message->nlmsg_len < NLMSG_LENGTH(sizeof(*link)))
		return;
	rtnl_attributes(attribute, ATTRIBUTES, IFLA_RTA(link), IFLA_PAYLOAD(message));
	if (!attribute[IFLA_LINKINFO] || attribute[IFLA_LINK_NETNSID] ||
	    rtnl_u32(attribute[IFLA_LINK], 0) != (uint32_t)wanted->index)
		return;
	id = vlan_id(attribute[IFLA_LINKINFO]);
	if (id)
		set(&wanted->vlans, id, true);
}

static int read_link(struct wanted *wanted)
{
	struct rtnl_request request;

	rtnl_start(&request, RTM_GETLINK, 0);
	rtnl_put(&request, IFLA_IFNAME, wanted->name, strlen(wanted->name) + 1);
	return rtnl_call(&request, take_link, wanted);
}

/* The kernel filters by kind where it knows the kind; else there are none. */
static int read_vlans(struct wanted *wanted)
{
	struct rtnl_request request;
	struct rtattr *info;

	rtnl_start(&request, RTM_GETLINK, NLM_F_DUMP);
	info = rtnl_nest(&request, IFLA_LINKINFO);
	rtnl_put(&request, IFLA_INFO_KIND, "vlan", sizeof("vlan"));
	rtnl_nest_end(&request, info);
	return rtnl_call(&request, take_vlan, wanted);
}

static void read_groups(struct wanted *wanted)
{
	FILE *file = fopen(MULTICAST_FILE, "re");
	unsigned int mac[ETH_ALEN];
	char line[128];
	int index;

	wanted->groups_unknown = !file;
	while (file && fgets(line, sizeof(line), file)) {
		if (sscanf(line, "%d %*s %*d %*d %2x%2x%2x%2x%2x%2x", &index, &mac[0], &mac[1],
			   &mac[2], &mac[3], &mac[4], &mac[5]) != 1 + ETH_ALEN ||
		    index != wanted->index)
			continue;
		if (wanted->multicasts == FOLLOW_MULTICAST_MAX) {
			wanted->more_groups = true;
			break;
		}
		for (unsigned int i = 0; i < ETH_ALEN; i++)
			wanted->multicast[wanted->multicasts][i] = (uint8_t)mac[i];
		wanted->multicasts++;
	}
	if (file)
		fclose(file);
}

static int read_wanted(const struct follow *follow, struct wanted *wanted)
{
	int home, error = namespace_enter(follow->tap, &home);

	*wanted = (struct wanted){ .mode = SOFTIOV_RX_NORMAL };
	if (error)
		return error;
	if (!tap_name(follow->tap, wanted->name))
		error = -EBADFD;
	if (!error)
		error = read_link(wanted);
	if (!error && wanted->mtu > NETDEV_MTU_MAX) {
		fprintf(stderr, "softiov: %s: MTU %u is more than the card can send: set to %u\n",
			wanted->name, wanted->mtu, NETDEV_MTU_MAX);
		error = tap_set_mtu(wanted->name, NETDEV_MTU_MAX);
	}
	if (!error)
		error = read_vlans(wanted);
	if (!error)
		read_groups(wanted);
	namespace_return(home);
	return error;
}

/* --- asking for it --------------------------------------------------------------------------- */

/* Errors that end it all; the others were said, and time may mend them. */
static int fatal(int error)
{
	return error == -SOFTIOV_ERR_GONE ? error : 0;
}

static void say_once(struct follow *follow, enum refusal refusal, const char *name,
		     const char *what)
{
	if (!(follow->refused & BIT(refusal)))
		fprintf(stderr, "softiov: %s: %s\n", name, what);
	follow->refused |= BIT(refusal);
}

static int ask_mac(struct follow *follow, const struct wanted *wanted)
{
	char text[18];
	int error;

	if (!memcmp(wanted->mac, follow->mac, ETH_ALEN))
		return 0;
	error = softiov_vf_set_mac(follow->vf, wanted->mac);
	if (!error) {
		memcpy(follow->mac, wanted->mac, ETH_ALEN);
		return 0;
	}
	fprintf(stderr, "softiov: %s: the PF driver does not let it have address %s: %s\n",
		wanted->name, mac_format(wanted->mac, text), softiov_error_name(error));
	tap_set_mac(follow->tap, follow->mac);
	return fatal(error);
}

static int ask_vlans(struct follow *follow, const struct wanted *wanted)
{
	for (unsigned int id = 1; id <= VLAN_ID_MAX; id++) {
		bool join = has(&wanted->vlans, id);
		int error;

		if (join == has(&follow->joined, id) && !(join && follow->again))
			continue;
		error = softiov_vf_set_vlan(follow->vf, (uint16_t)id, join);
		if (error && join)
			fprintf(stderr,
				"softiov: %s: the PF driver does not let it join VLAN %u: %s\n",
				wanted->name, id, softiov_error_name(error));
		if (fatal(error))
			return error;
		set(&follow->joined, id, join);
	}
	return 0;
}

/* The mode asked for, or what is next to it. */
static int ask_mode(struct follow *follow, const struct wanted *wanted)
{
	int error = 0;

	if (wanted->mode == follow->mode && !follow->again)
		return 0;
	for (int mode = wanted->mode; mode >= SOFTIOV_RX_NORMAL; mode--) {
		error = softiov_vf_set_mode(follow->vf, (enum softiov_rx_mode)mode);
		if (!error || fatal(error))
			break;
		if (mode == SOFTIOV_RX_PROMISCUOUS)
			say_once(follow, REFUSED_MODE, wanted->name,
				 "the card has no promiscuous mode for it: it receives what is its "
				 "own");
	}
	follow->mode = wanted->mode;
	return fatal(error);
}

static int ask_groups(struct follow *follow, const struct wanted *wanted)
{
	size_t bytes = wanted->multicasts * sizeof(wanted->multicast[0]);
	int error;

	if (wanted->groups_unknown)
		say_once(follow, NO_GROUPS, wanted->name,
			 "cannot read " MULTICAST_FILE ": multicast groups unknown");
	if (wanted->more_groups)
		say_once(follow, TOO_MANY_GROUPS, wanted->name,
			 "more multicast groups than a VF can join: it hears the first 30");
	if (wanted->multicasts == follow->multicasts && !follow->again &&
	    !memcmp(wanted->multicast, follow->multicast, bytes))
		return 0;
	error = softiov_vf_set_multicast(follow->vf, wanted->multicast, wanted->multicasts);
	if (error)
		say_once(follow, REFUSED_GROUPS, wanted->name,
			 "the PF driver does not let it join multicast groups");
	memcpy(follow->multicast, wanted->multicast, bytes);
	follow->multicasts = wanted->multicasts;
	return fatal(error);
}

int follow_interface(struct follow *follow)
{
	struct wanted wanted;
	int error = read_wanted(follow, &wanted);

	if (!error)
		error = ask_mac(follow, &wanted);
	if (!error)
		error = ask_vlans(follow, &wanted);
	if (!error)
		error = ask_mode(follow, &wanted);
	if (!error)
		error = ask_groups(follow, &wanted);
	if (!error)
		follow->again = false;
	return error;
}

/* --- the other way --------------------------------------------------------------------------- */

/* What ethtool shows; nothing depends on it. */
static void show_speed(const struct follow *follow, uint32_t mbps)
{
	char name[IFNAMSIZ];
	int home;

	if (!mbps || namespace_enter(follow->tap, &home))
		return;
	if (tap_name(follow->tap, name))
		tap_set_speed(name, mbps);
	namespace_return(home);
}

void follow_vf(struct follow *follow, bool reset)
{
	struct softiov_vf_info info;

	softiov_vf_info(follow->vf, &info);
	tap_set_carrier(follow->tap, info.link_up);
	show_speed(follow, info.link_mbps);
	if (!reset)
		return;
	follow->again = true;
	follow->refused = 0;
	if (memcmp(info.mac, follow->mac, ETH_ALEN)) {
		memcpy(follow->mac, info.mac, ETH_ALEN);
		tap_set_mac(follow->tap, info.mac);
	}
}

void follow_start(struct follow *follow, struct softiov_vf *vf, int tap)
{
	struct softiov_vf_info info;

	*follow = (struct follow){ .vf = vf, .tap = tap, .mode = SOFTIOV_RX_NORMAL };
	softiov_vf_info(vf, &info);
	memcpy(follow->mac, info.mac, ETH_ALEN);
	follow_vf(follow, false);
}
