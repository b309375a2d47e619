/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * tap_open.c - making a TAP interface: Linux Documentation/networking/tuntap.rst, netdevice(7).
 *
 * Frames cross the descriptor behind a struct virtio_net_hdr (IFF_VNET_HDR), in which the kernel says what
 * it left undone (checksum, segmentation) and we say the same to it. TUNSETOFFLOAD tells the kernel which
 * requests we understand: all that a struct frame can express.
 */
#include <fcntl.h>
#include <linux/if_tun.h>
#include <linux/virtio_net.h>
#include <net/if.h>
#include <net/if_arp.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>
#include "uplink/uplink.h"

/* UDP segmentation, Linux 6.2: older headers lack it, older kernels refuse it. */
#ifndef TUN_F_USO4
#define TUN_F_USO4 0x20
#define TUN_F_USO6 0x40
#endif

#define TUN_OFFLOADS (TUN_F_CSUM | TUN_F_TSO4 | TUN_F_TSO6 | TUN_F_TSO_ECN)
#define TUN_OFFLOADS_USO (TUN_OFFLOADS | TUN_F_USO4 | TUN_F_USO6)

static int attach(int fd, const char *ifname, struct reason *why)
{
	struct ifreq ifr = { .ifr_flags = IFF_TAP | IFF_NO_PI | IFF_VNET_HDR };
	int header = sizeof(struct virtio_net_hdr);

	memcpy(ifr.ifr_name, ifname, strlen(ifname));
	if (ioctl(fd, TUNSETIFF, &ifr) < 0) {
		switch (errno) {
		case EPERM:
			return refuse(why, -EPERM,
				      "no permission to use interface %s: CAP_NET_ADMIN is needed",
				      ifname);
		case EBUSY:
			return refuse(why, -EBUSY, "interface %s is in use by another program",
				      ifname);
		case EINVAL:
			return refuse(why, -EINVAL,
				      "interface %s exists and is not a TAP, or the name is bad",
				      ifname);
		default:
			return refuse(why, -errno, "cannot make interface %s: %s", ifname,
				      strerror(errno));
		}
	}
	if (ioctl(fd, TUNSETVNETHDRSZ, &header) < 0)
		return refuse(why, -errno, "interface %s: no offload headers: %s", ifname,
			      strerror(errno));
	if (ioctl(fd, TUNSETOFFLOAD, (unsigned long)TUN_OFFLOADS_USO) < 0 &&
	    ioctl(fd, TUNSETOFFLOAD, (unsigned long)TUN_OFFLOADS) < 0)
		return refuse(why, -errno, "interface %s: no offloads: %s", ifname,
			      strerror(errno));
	return 0;
}

static int set_up(int sock, const char *ifname, const uint8_t *mac, unsigned int mtu,
		  struct reason *why)
{
	struct ifreq ifr = { 0 };
	char text[18];

	memcpy(ifr.ifr_name, ifname, strlen(ifname));
	if (mac) {
		ifr.ifr_hwaddr.sa_family = ARPHRD_ETHER;
		memcpy(ifr.ifr_hwaddr.sa_data, mac, ETH_ALEN);
		if (ioctl(sock, SIOCSIFHWADDR, &ifr) < 0)
			return refuse(why, -errno, "interface %s: cannot set address %s: %s",
				      ifname, mac_format(mac, text), strerror(errno));
	}
	ifr.ifr_mtu = (int)mtu;
	if (ioctl(sock, SIOCSIFMTU, &ifr) < 0)
		return refuse(why, -errno, "interface %s: cannot set MTU %u: %s", ifname, mtu,
			      strerror(errno));
	if (ioctl(sock, SIOCGIFFLAGS, &ifr) < 0)
		return refuse(why, -errno, "interface %s: %s", ifname, strerror(errno));
	ifr.ifr_flags |= IFF_UP;
	if (ioctl(sock, SIOCSIFFLAGS, &ifr) < 0)
		return refuse(why, -errno, "interface %s: cannot bring it up: %s", ifname,
			      strerror(errno));
	return 0;
}

int tap_open(const char *ifname, const uint8_t mac[ETH_ALEN], unsigned int mtu, struct reason *why)
{
	int fd, sock, error;

	if (!*ifname || strlen(ifname) >= IFNAMSIZ)
		return refuse(why, *ifname ? -ENAMETOOLONG : -EINVAL,
			      "interface name \"%s\" must have 1 to %d characters", ifname,
			      IFNAMSIZ - 1);
	fd = open("/dev/net/tun", O_RDWR | O_NONBLOCK | O_CLOEXEC);
	if (fd < 0)
		return refuse(why, -errno, "cannot open /dev/net/tun: %s", strerror(errno));
	error = attach(fd, ifname, why);
	if (error)
		goto close_tap;
	/* A socket of any kind reaches the interfaces. */
	sock = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (sock < 0) {
		error = refuse(why, -errno, "cannot make a socket: %s", strerror(errno));
		goto close_tap;
	}
	error = set_up(sock, ifname, mac, mtu, why);
	close(sock);
	if (!error)
		return fd;
close_tap:
	close(fd);
	return error;
}
