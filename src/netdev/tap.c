/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * tap.c - making and changing a TAP interface: Linux Documentation/networking/tuntap.rst, netdevice(7).
 *
 * Offloads: what the kernel may leave to us (TUNSETOFFLOAD) is what an 82599 can do for us in turn (data sheet 7.2.4,
 * 7.2.5): checksums and TCP segmentation, with the congestion window bit in the first segment only. UDP segmentation
 * it keeps.
 */
#include "netdev/tap.h"

#include <fcntl.h>
#include <linux/ethtool.h>
#include <linux/if_tun.h>
#include <linux/sockios.h>
#include <linux/virtio_net.h>
#include <net/if_arp.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#define TUN_DEVICE "/dev/net/tun"
#define OFFLOADS (TUN_F_CSUM | TUN_F_TSO4 | TUN_F_TSO6 | TUN_F_TSO_ECN)

static int no_interface(struct reason *why, const char *name, int error)
{
	switch (error) {
	case EPERM:
		return refuse(
			why, -error,
			"no permission to make interface %s: it takes CAP_NET_ADMIN (be root, or "
			"try unshare -Urn)",
			name);
	case EBUSY:
	case EEXIST:
		return refuse(why, -error,
			      "there is an interface %s already: choose another --name", name);
	case EINVAL: /* it exists, and is of another kind or another make of TAP */
		return refuse(why, -EEXIST,
			      "there is an interface %s already: choose another --name", name);
	default:
		return refuse(why, -error, "cannot make interface %s: %s", name, strerror(error));
	}
}

static int attach(int fd, const char *name, unsigned int queues, struct reason *why)
{
	struct ifreq ifr = { .ifr_flags = IFF_TAP | IFF_NO_PI | IFF_VNET_HDR };
	int header = sizeof(struct virtio_net_hdr);

	if (queues > 1)
		ifr.ifr_flags |= IFF_MULTI_QUEUE;
	strncpy(ifr.ifr_name, name, sizeof(ifr.ifr_name) - 1);
	if (ioctl(fd, TUNSETIFF, &ifr) < 0)
		return no_interface(why, name, errno);
	if (ioctl(fd, TUNSETVNETHDRSZ, &header) < 0 ||
	    ioctl(fd, TUNSETOFFLOAD, (unsigned long)OFFLOADS) < 0)
		return refuse(why, -errno, "interface %s: no offloads: %s", name, strerror(errno));
	return 0;
}

/* Making an interface whose name is taken by a lone TAP would take that over: look before. */
static int check_free(const char *name, struct reason *why)
{
	return if_nametoindex(name) ? no_interface(why, name, EEXIST) : 0;
}

int tap_create(int fd[], unsigned int queues, const char *name, struct reason *why)
{
	int error = check_free(name, why);
	unsigned int n;

	for (n = 0; n < queues && !error; n++) {
		fd[n] = open(TUN_DEVICE, O_RDWR | O_NONBLOCK | O_CLOEXEC);
		if (fd[n] < 0) {
			error = refuse(why, -errno, "cannot open " TUN_DEVICE ": %s",
				       strerror(errno));
			break;
		}
		error = attach(fd[n], name, queues, why);
	}
	if (!error)
		return 0;
	while (n--) {
		close(fd[n]);
		fd[n] = -1;
	}
	return error;
}

bool tap_name(int fd, char name[IFNAMSIZ])
{
	struct ifreq ifr;

	if (ioctl(fd, TUNGETIFF, &ifr) < 0)
		return false;
	memcpy(name, ifr.ifr_name, IFNAMSIZ);
	name[IFNAMSIZ - 1] = '\0';
	return true;
}

int tap_set_mac(int fd, const uint8_t mac[ETH_ALEN])
{
	struct ifreq ifr = { .ifr_hwaddr.sa_family = ARPHRD_ETHER };

	memcpy(ifr.ifr_hwaddr.sa_data, mac, ETH_ALEN);
	return ioctl(fd, SIOCSIFHWADDR, &ifr) < 0 ? -errno : 0;
}

int tap_set_carrier(int fd, bool up)
{
	int value = up;

	return ioctl(fd, TUNSETCARRIER, &value) < 0 ? -errno : 0;
}

/* A request about interface @name, by a socket of any kind. */
static int interface_ioctl(unsigned long request, const char *name, struct ifreq *ifr)
{
	int sock = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0), error = 0;

	if (sock < 0)
		return -errno;
	strncpy(ifr->ifr_name, name, sizeof(ifr->ifr_name) - 1);
	if (ioctl(sock, request, ifr) < 0)
		error = -errno;
	close(sock);
	return error;
}

int tap_set_speed(const char *name, uint32_t mbps)
{
	struct {
		struct ethtool_link_settings link;
		uint32_t masks[3 * SCHAR_MAX]; /* as long as the kernel says */
	} settings = { .link.cmd = ETHTOOL_GLINKSETTINGS };
	struct ifreq ifr = { .ifr_data = (void *)&settings };
	int error = interface_ioctl(SIOCETHTOOL, name, &ifr);

	if (error)
		return error;
	/* The kernel has answered with the length of its masks, negative; asked in that length it fills them. */
	settings.link.cmd = ETHTOOL_GLINKSETTINGS;
	settings.link.link_mode_masks_nwords = (int8_t)-settings.link.link_mode_masks_nwords;
	error = interface_ioctl(SIOCETHTOOL, name, &ifr);
	if (error)
		return error;
	settings.link.cmd = ETHTOOL_SLINKSETTINGS;
	settings.link.speed = mbps;
	settings.link.duplex = DUPLEX_FULL;
	return interface_ioctl(SIOCETHTOOL, name, &ifr);
}

int tap_set_mtu(const char *name, unsigned int mtu)
{
	struct ifreq ifr = { .ifr_mtu = (int)mtu };

	return interface_ioctl(SIOCSIFMTU, name, &ifr);
}
