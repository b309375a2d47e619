/* SPDX-License-Identifier: BSD-3-Clause */
/* netns.c - see netns.h; namespaces(7), packet(7), netdevice(7). */
#include "netns.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/if_packet.h>
#include <net/ethernet.h>
#include <net/if.h>
#include <net/if_arp.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

static bool request(unsigned long code, struct ifreq *ifr, const char *ifname)
{
	int sock = socket(AF_INET, SOCK_DGRAM, 0);
	bool done;

	strncpy(ifr->ifr_name, ifname, IFNAMSIZ - 1);
	done = sock >= 0 && ioctl(sock, code, ifr) == 0;
	close(sock);
	return done;
}

static bool lo_up(void)
{
	struct ifreq ifr = { .ifr_flags = IFF_UP };

	return request(SIOCSIFFLAGS, &ifr, "lo");
}

static bool disable_ipv6(void)
{
	int fd = open("/proc/sys/net/ipv6/conf/default/disable_ipv6", O_WRONLY);
	bool done = fd >= 0 && write(fd, "1", 1) == 1;

	/* Or its router solicitations would be among what a test sees. */
	if (fd >= 0)
		close(fd);
	return done;
}

int netns_enter(void)
{
	int tun;

	if (unshare(CLONE_NEWNET) && (geteuid() == 0 || unshare(CLONE_NEWUSER | CLONE_NEWNET))) {
		fprintf(stderr, "cannot make a network namespace: %s\n", strerror(errno));
		return geteuid() == 0 ? 1 : TEST_SKIPPED;
	}
	tun = open("/dev/net/tun", O_RDWR);
	if (tun < 0) {
		fprintf(stderr, "cannot open /dev/net/tun: %s\n", strerror(errno));
		return geteuid() == 0 ? 1 : TEST_SKIPPED;
	}
	close(tun);
	lo_up();
	disable_ipv6();
	return 0;
}

int netns_new(void)
{
	if (unshare(CLONE_NEWNET))
		return -1;
	lo_up();
	disable_ipv6();
	return open("/proc/thread-self/ns/net", O_RDONLY | O_CLOEXEC);
}

static void set_address(struct sockaddr *to, const char *address)
{
	struct sockaddr_in *in = (struct sockaddr_in *)to;

	in->sin_family = AF_INET;
	inet_pton(AF_INET, address, &in->sin_addr);
}

bool if_address(const char *ifname, const char *address)
{
	struct ifreq ifr = { 0 }, mask = { 0 };

	set_address(&ifr.ifr_addr, address);
	set_address(&mask.ifr_netmask, "255.255.255.0");
	return request(SIOCSIFADDR, &ifr, ifname) && request(SIOCSIFNETMASK, &mask, ifname);
}

bool if_get_mac(const char *ifname, uint8_t mac[6])
{
	struct ifreq ifr = { 0 };

	if (!request(SIOCGIFHWADDR, &ifr, ifname))
		return false;
	memcpy(mac, ifr.ifr_hwaddr.sa_data, 6);
	return true;
}

int if_get_mtu(const char *ifname)
{
	struct ifreq ifr = { 0 };

	return request(SIOCGIFMTU, &ifr, ifname) ? ifr.ifr_mtu : -1;
}

bool if_neighbour(const char *ifname, const char *address, const uint8_t mac[6])
{
	struct arpreq arp = { .arp_flags = ATF_PERM | ATF_COM };
	int sock = socket(AF_INET, SOCK_DGRAM, 0);
	bool done;

	set_address(&arp.arp_pa, address);
	arp.arp_ha.sa_family = ARPHRD_ETHER;
	memcpy(arp.arp_ha.sa_data, mac, 6);
	strncpy(arp.arp_dev, ifname, sizeof(arp.arp_dev) - 1);
	done = sock >= 0 && ioctl(sock, SIOCSARP, &arp) == 0;
	close(sock);
	return done;
}

int packet_socket(const char *ifname)
{
	struct sockaddr_ll address = { .sll_family = AF_PACKET,
				       .sll_protocol = htons(ETH_P_ALL),
				       .sll_ifindex = (int)if_nametoindex(ifname) };
	int sock = socket(AF_PACKET, SOCK_RAW | SOCK_NONBLOCK, 0), on = 1, size = 8 << 20;

	if (sock < 0 || setsockopt(sock, SOL_PACKET, PACKET_VNET_HDR, &on, sizeof(on)) ||
	    setsockopt(sock, SOL_PACKET, PACKET_AUXDATA, &on, sizeof(on)) ||
	    setsockopt(sock, SOL_SOCKET, SO_RCVBUFFORCE, &size, sizeof(size)) ||
	    bind(sock, (struct sockaddr *)&address, sizeof(address)))
		return -1;
	return sock;
}
