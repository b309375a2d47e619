/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * test_card.c - the PF driver on the real device model, switch and data path, in a network of its own: VFs'
 * mailboxes through their BARs, and the PF's interface talking TCP to the wire through the card.
 *
 *	host: sv0 - PF driver's rings - 82599 - switch - uplink TAP "wire" - the other network namespace
 */
#include <arpa/inet.h>
#include <event2/event.h>
#include <fcntl.h>
#include <linux/pci_regs.h>
#include <netinet/in.h>
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "../uplink/netns.h"
#include "../uplink/packets.h"
#include "dataplane/dataplane.h"
#include "ixgbe/ixgbe.h"
#include "pf/mailbox.h"
#include "pf/pf.h"
#include "uplink/uplink.h"

#include <setjmp.h>
#include <cmocka.h>

#define MTU 9000
#define TRANSFER (32u << 20)

/* VF registers: data sheet 8.3 */
#define VFCTRL 0x000
#define VFCTRL_RST BIT(26)
#define VFMAILBOX 0x2fc
#define VFMAILBOX_REQ BIT(0)
#define VFMAILBOX_ACK BIT(1)
#define VFMAILBOX_VFU BIT(2)
#define VFMAILBOX_PFSTS BIT(4)
#define VFMBMEM(word) (0x200 + 4 * (word))

struct card {
	struct event_base *base;
	struct quiesce *quiesce;
	struct event *quiesce_event;
	struct iommu_state *domain_state;
	struct iommu_domain *pf_domain, *vf_domain[IXGBE_MAX_VFS];
	void *model_state;
	struct vport_stats stats[IXGBE_POOLS], uplink_stats;
	struct ixgbe_pf *model;
	struct pcie_layout layout;
	struct pcie_function_state function_state;
	struct pcie_function function;
	struct pf_state state;
	_Atomic(struct pf_driver *) driver;
	struct dp *dp;
	struct dp_port *port;
	struct uplink *uplink;
	bool dirty, ready;
	int wire_netns, host_netns;
	_Atomic bool stop;
};

static const uint8_t pf_mac[ETH_ALEN] = { 0x02, 0x53, 0x49, 1, 2, 3 };

static void publish(struct card *card)
{
	const struct eswitch_partition *partition[ESWITCH_PARTITIONS] = { ixgbe_partition(
		card->model) };
	struct dp_config *config =
		calloc(1, sizeof(*config) + IXGBE_QUEUES * sizeof(config->queue[0]));
	void *queue[IXGBE_QUEUES];
	uint8_t pool[IXGBE_QUEUES];

	assert_non_null(config);
	config->link_up = true;
	config->queues = ixgbe_tx_queues(card->model, queue, pool, IXGBE_QUEUES);
	for (unsigned int i = 0; i < config->queues; i++)
		config->queue[i] = (struct dp_tx_queue){
			.ops = &ixgbe_model_ops,
			.queue = queue[i],
			.doorbell = ixgbe_tx_doorbell(queue[i]),
			.vport = (uint16_t)eswitch_vport(0, pool[i]),
		};
	config->vport[ESWITCH_UPLINK].stats = &card->uplink_stats;
	for (unsigned int i = 0; i < IXGBE_POOLS; i++)
		config->vport[eswitch_vport(0, i)] =
			(struct dp_vport){ &ixgbe_model_ops, ixgbe_pool(card->model, i),
					   &card->stats[i] };
	config->table = eswitch_build(partition, 1);
	dp_port_publish(card->port, config);
	card->dirty = false;
}

static void run(struct card *card)
{
	for (unsigned int i = 0; i < 16; i++) {
		event_base_loop(card->base, EVLOOP_NONBLOCK);
		if (card->dirty)
			publish(card);
	}
}

/* The bus. */
static uint32_t bus_config_read(void *ctx, uint16_t offset, unsigned int len)
{
	uint32_t value = 0;

	pcie_config_read(&((struct card *)ctx)->function, offset, &value, len);
	return value;
}

static int bus_config_write(void *ctx, uint16_t offset, uint32_t value, unsigned int len)
{
	struct card *card = ctx;
	int result = pcie_config_write(&card->function, offset, &value, len);

	iommu_set_bus_master(card->pf_domain, pcie_command(&card->function) & PCI_COMMAND_MASTER);
	return result;
}

static uint32_t bus_read(void *ctx, uint32_t offset)
{
	uint32_t value = 0;

	ixgbe_pf_function_ops.bar_read(((struct card *)ctx)->model, 0, offset, &value,
				       sizeof(value));
	return value;
}

static void bus_write(void *ctx, uint32_t offset, uint32_t value)
{
	ixgbe_pf_function_ops.bar_write(((struct card *)ctx)->model, 0, offset, &value,
					sizeof(value));
}

static int bus_dma_map(void *ctx, uint64_t iova, uint64_t size, void *host)
{
	return iommu_map_host(((struct card *)ctx)->pf_domain, iova, size, IOMMU_READ | IOMMU_WRITE,
			      host);
}

struct settled {
	struct quiesce_head head;
	void (*done)(void *ctx);
	void *ctx;
};

static void on_settled(struct quiesce_head *head)
{
	struct settled *settled = container_of(head, struct settled, head);

	settled->done(settled->ctx);
	free(settled);
}

static void bus_settle(void *ctx, void (*done)(void *ctx), void *done_ctx)
{
	struct card *card = ctx;
	struct settled *settled = malloc(sizeof(*settled));

	assert_non_null(settled);
	settled->done = done;
	settled->ctx = done_ctx;
	if (card->dirty && card->port)
		publish(card);
	quiesce_call(card->quiesce, &settled->head, on_settled);
}

static void bus_dma_unmap(void *ctx, uint64_t iova, uint64_t size, void (*done)(void *ctx),
			  void *done_ctx)
{
	iommu_unmap(((struct card *)ctx)->pf_domain, iova, iova + size - 1, NULL);
	bus_settle(ctx, done, done_ctx);
}

/* The model's wiring. */
static void on_changed(void *ctx)
{
	((struct card *)ctx)->dirty = true;
}

static void on_signal(void *ctx, int function, unsigned int vector)
{
	struct pf_driver *driver = atomic_load(&((struct card *)ctx)->driver);

	if (function < 0 && driver)
		pf_driver_interrupt(driver, vector);
}

static void on_arm(void *ctx, unsigned int pool, uint64_t due_ns)
{
	struct card *card = ctx;

	if (card->port)
		dp_port_arm(card->port, eswitch_vport(0, pool), due_ns);
}

static void on_kick(void *ctx)
{
	struct card *card = ctx;

	if (card->port)
		dp_port_kick(card->port);
}

static void on_quiesce(evutil_socket_t fd, short what, void *ctx)
{
	quiesce_poll(ctx);
}

static void on_ready(void *ctx)
{
	((struct card *)ctx)->ready = true;
}

static void *make_wire(void *ctx)
{
	struct card *card = ctx;
	struct reason why = { "" };

	card->wire_netns = netns_new();
	if (card->wire_netns >= 0 && !uplink_tap(&card->uplink, "wire", MTU, &why) &&
	    if_address("wire", "10.2.0.2"))
		return card;
	fprintf(stderr, "%s\n", why.text);
	return NULL;
}

static void make_model(struct card *card)
{
	struct ixgbe_config config = { .device_id = 0x10f8,
				       .first_vf_offset = 128,
				       .total_vfs = 64 };
	const struct ixgbe_wiring wiring = { on_changed, on_signal, on_arm, on_kick, card };

	memcpy(config.mac, pf_mac, ETH_ALEN);
	card->domain_state = calloc(IXGBE_MAX_VFS + 1, sizeof(*card->domain_state));
	assert_int_equal(iommu_domain_create(&card->pf_domain, 0x700, &card->domain_state[64],
					     card->quiesce),
			 0);
	for (unsigned int vf = 0; vf < IXGBE_MAX_VFS; vf++)
		assert_int_equal(iommu_domain_create(&card->vf_domain[vf],
						     (uint16_t)(0x780 + 2 * vf),
						     &card->domain_state[vf], card->quiesce),
				 0);
	card->model_state = calloc(1, ixgbe_state_size());
	assert_int_equal(ixgbe_create(&card->model, &config, card->model_state, card->pf_domain,
				      card->vf_domain, card->stats, card->quiesce, &wiring),
			 0);
	ixgbe_pf_layout(&config, &card->layout);
	pcie_function_init(&card->function, &card->layout, &card->function_state, 0x700,
			   &ixgbe_pf_function_ops, card->model);
	ixgbe_set_link(card->model, true);
}

static int power_on(void **state)
{
	const struct pf_access access = { .config_read = bus_config_read,
					  .config_write = bus_config_write,
					  .read = bus_read,
					  .write = bus_write,
					  .dma_map = bus_dma_map,
					  .dma_unmap = bus_dma_unmap,
					  .settle = bus_settle };
	const struct pf_config config = { "card--0", 8, "sv0", MTU };
	const struct dp_policy policy = DP_POLICY_DEFAULT;
	struct card *card = calloc(1, sizeof(*card));
	struct pf_access bus = access;
	struct pf_driver *driver;
	struct reason why = { "" };
	pthread_t thread;
	void *made;

	*state = card;
	card->host_netns = open("/proc/thread-self/ns/net", 0);
	pthread_create(&thread, NULL, make_wire, card);
	pthread_join(thread, &made);
	assert_non_null(made);
	card->base = event_base_new();
	card->quiesce = aligned_alloc(64, sizeof(*card->quiesce));
	assert_int_equal(quiesce_init(card->quiesce), 0);
	card->quiesce_event = event_new(card->base, card->quiesce->kick_fd, EV_READ | EV_PERSIST,
					on_quiesce, card->quiesce);
	event_add(card->quiesce_event, NULL);
	make_model(card);
	assert_int_equal(dp_create(&card->dp, 1, NULL, &policy, card->quiesce, &why), 0);
	assert_int_equal(dp_port_create(card->dp, &card->port, card->uplink), 0);
	bus.ctx = card;
	if (pf_driver_create(&driver, card->base, &bus, &card->state, &config, on_ready, card,
			     &why))
		fail_msg("%s", why.text);
	atomic_store(&card->driver, driver);
	for (unsigned int i = 0; i < 10000 && !card->ready; i++) {
		run(card);
		usleep(100);
	}
	assert_true(card->ready);
	assert_true(if_address("sv0", "10.2.0.1"));
	return 0;
}

static void on_destroyed(void *ctx)
{
	((struct card *)ctx)->ready = false;
}

static int power_off(void **state)
{
	struct card *card = *state;

	pf_driver_destroy(card->driver, on_destroyed, card);
	for (unsigned int i = 0; i < 10000 && card->ready; i++) {
		run(card);
		usleep(100);
	}
	assert_false(card->ready);
	atomic_store(&card->driver, NULL);
	dp_destroy(card->dp);
	card->port = NULL;
	quiesce_poll(card->quiesce);
	ixgbe_destroy(card->model);
	for (unsigned int vf = 0; vf < IXGBE_MAX_VFS; vf++)
		iommu_domain_destroy(card->vf_domain[vf]);
	iommu_domain_destroy(card->pf_domain);
	event_free(card->quiesce_event);
	quiesce_fini(card->quiesce);
	event_base_free(card->base);
	card->uplink->ops->close(card->uplink);
	close(card->wire_netns);
	close(card->host_netns);
	free(card->quiesce);
	free(card->domain_state);
	free(card->model_state);
	free(card);
	return 0;
}

/* A VF driver's accesses. */
static uint32_t vf_read(struct card *card, unsigned int vf, uint32_t offset)
{
	uint32_t value = 0;

	ixgbe_vf_function_ops.bar_read(ixgbe_get_vf(card->model, vf), 0, offset, &value,
				       sizeof(value));
	return value;
}

static void vf_write(struct card *card, unsigned int vf, uint32_t offset, uint32_t value)
{
	ixgbe_vf_function_ops.bar_write(ixgbe_get_vf(card->model, vf), 0, offset, &value,
					sizeof(value));
}

static uint32_t vf_ask(struct card *card, unsigned int vf, uint32_t *msg, unsigned int words)
{
	vf_write(card, vf, VFMAILBOX, VFMAILBOX_VFU);
	assert_true(vf_read(card, vf, VFMAILBOX) & VFMAILBOX_VFU);
	for (unsigned int i = 0; i < words; i++)
		vf_write(card, vf, VFMBMEM(i), msg[i]);
	vf_write(card, vf, VFMAILBOX, VFMAILBOX_REQ);
	for (unsigned int i = 0; i < 1000; i++) {
		run(card);
		if (!(vf_read(card, vf, VFMAILBOX) & VFMAILBOX_PFSTS))
			continue;
		vf_write(card, vf, VFMAILBOX, VFMAILBOX_VFU);
		for (unsigned int k = 0; k < 16; k++)
			msg[k] = vf_read(card, vf, VFMBMEM(k));
		vf_write(card, vf, VFMAILBOX, VFMAILBOX_ACK);
		run(card);
		return msg[0];
	}
	fail_msg("VF %u: no reply", vf);
	return 0;
}

static void start_vf(struct card *card, unsigned int vf, uint8_t mac[ETH_ALEN])
{
	uint32_t msg[16] = { MSG_RESET };

	vf_write(card, vf, VFCTRL, VFCTRL_RST);
	assert_int_equal(vf_ask(card, vf, msg, 1), MSG_RESET | MSG_ACK);
	memcpy(mac, msg + 1, ETH_ALEN);
	msg[0] = MSG_API_NEGOTIATE;
	msg[1] = MSG_API_13;
	assert_int_equal(vf_ask(card, vf, msg, 2), MSG_API_NEGOTIATE | MSG_ACK | MSG_CTS);
	msg[0] = MSG_GET_QUEUES;
	assert_int_equal(vf_ask(card, vf, msg, 5), MSG_GET_QUEUES | MSG_ACK | MSG_CTS);
	assert_int_equal(msg[MSG_RX_QUEUES], 4);
}

static void mailboxes_of_real_vfs(void **state)
{
	static const uint8_t admin[ETH_ALEN] = { 0x02, 9, 9, 9, 9, 9 };
	struct card *card = *state;
	uint8_t mac[ETH_ALEN], derived[ETH_ALEN];
	struct ixgbe_vf_info info;

	assert_int_equal(pcie_num_vfs(&card->function), 8);
	assert_int_equal(ixgbe_vf_pools(card->model), 8);
	for (unsigned int vf = 0; vf < 8; vf++) {
		start_vf(card, vf, mac);
		pf_derive_mac((const uint8_t *)"card--0", vf, derived);
		assert_memory_equal(mac, derived, ETH_ALEN);
		ixgbe_vf_info(card->model, vf, &info);
		assert_true(info.receive_enabled && info.transmit_enabled);
	}
	assert_int_equal(pf_set_vf_mac(card->driver, 3, admin, NULL), 0);
	assert_true(vf_read(card, 3, VFMAILBOX) & VFMAILBOX_PFSTS);
	assert_int_equal(vf_read(card, 3, VFMBMEM(0)), MSG_PF_CONTROL);
	start_vf(card, 3, mac);
	assert_memory_equal(mac, admin, ETH_ALEN);
	/* The link: every VF has an interrupt and a word with CTS. */
	ixgbe_set_link(card->model, false);
	run(card);
	for (unsigned int vf = 0; vf < 8; vf++) {
		assert_true(vf_read(card, vf, VFMAILBOX) & VFMAILBOX_PFSTS);
		assert_int_equal(vf_read(card, vf, VFMBMEM(0)), MSG_PF_CONTROL | MSG_CTS);
	}
	ixgbe_set_link(card->model, true);
	run(card);
}

/* The device thread, while the test's own thread waits for sockets. */
static void *serve(void *ctx)
{
	struct card *card = ctx;

	while (!atomic_load(&card->stop)) {
		run(card);
		usleep(200);
	}
	return NULL;
}

static int socket_in(int netns, int type)
{
	struct timeval patience = { .tv_sec = 20 };
	int sock;

	assert_int_equal(setns(netns, CLONE_NEWNET), 0);
	sock = socket(AF_INET, type, 0);
	assert_true(sock >= 0);
	setsockopt(sock, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience));
	setsockopt(sock, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof(patience));
	return sock;
}

static struct sockaddr_in address_of(const char *text, uint16_t port)
{
	struct sockaddr_in address = { .sin_family = AF_INET, .sin_port = htons(port) };

	inet_pton(AF_INET, text, &address.sin_addr);
	return address;
}

static void *send_all(void *ctx)
{
	static uint32_t value[4096];
	uint32_t next = 0;

	for (unsigned int sent = 0; sent < TRANSFER; sent += sizeof(value)) {
		for (unsigned int i = 0; i < ARRAY_SIZE(value); i++)
			value[i] = next++ * 2654435761u;
		if (send(*(int *)ctx, value, sizeof(value), MSG_NOSIGNAL) != sizeof(value))
			break;
	}
	shutdown(*(int *)ctx, SHUT_WR);
	return NULL;
}

static void transfer(int from, const char *from_address, int to, const char *to_address)
{
	struct sockaddr_in address = address_of(to_address, 5001);
	int listener = socket_in(to, SOCK_STREAM), client, server, on = 1;
	uint32_t value[1024], next = 0;
	uint64_t start = now_ns();
	pthread_t sending;
	size_t got;

	setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
	assert_int_equal(bind(listener, (struct sockaddr *)&address, sizeof(address)), 0);
	assert_int_equal(listen(listener, 1), 0);
	client = socket_in(from, SOCK_STREAM);
	assert_int_equal(connect(client, (struct sockaddr *)&address, sizeof(address)), 0);
	server = accept(listener, NULL, NULL);
	assert_true(server >= 0);
	pthread_create(&sending, NULL, send_all, &client);
	for (got = 0; recv(server, value, sizeof(value), MSG_WAITALL) == sizeof(value);
	     got += sizeof(value))
		for (unsigned int i = 0; i < ARRAY_SIZE(value); i++)
			if (value[i] != next++ * 2654435761u)
				fail_msg("byte %zu differs", got + 4 * i);
	assert_int_equal(got, TRANSFER);
	pthread_join(sending, NULL);
	print_message("%s -> %s: %u MiB in %llu ms\n", from_address, to_address, TRANSFER >> 20,
		      (unsigned long long)(now_ns() - start) / 1000000);
	close(client);
	close(server);
	close(listener);
}

static void host_talks_to_the_wire(void **state)
{
	struct card *card = *state;
	struct vport_stats *pf = &card->stats[8];
	struct pf_netdev_stats stats;
	pthread_t serving;

	atomic_store(&card->stop, false);
	pthread_create(&serving, NULL, serve, card);
	transfer(card->host_netns, "10.2.0.1", card->wire_netns, "10.2.0.2");
	transfer(card->wire_netns, "10.2.0.2", card->host_netns, "10.2.0.1");
	atomic_store(&card->stop, true);
	pthread_join(serving, NULL);
	assert_int_equal(setns(card->host_netns, CLONE_NEWNET), 0);

	assert_true(pf_netdev_stats(card->driver, &stats));
	assert_int_equal(stats.from_card_dropped, 0);
	assert_int_equal(stats.to_card_dropped, 0);
	assert_true(stats.to_card > 0 && stats.from_card > 0);
	/* The host's TCP sent in large pieces, which the card cut or passed on. */
	assert_true(__atomic_load_n(&pf->tx_tso_requests, __ATOMIC_RELAXED) > 0);
	assert_true(__atomic_load_n(&pf->tx_tso_segments, __ATOMIC_RELAXED) >
		    __atomic_load_n(&pf->tx_tso_requests, __ATOMIC_RELAXED));
}

static uint32_t wait_for(struct card *card, int sock, const uint8_t *wanted, uint32_t len)
{
	static uint8_t bytes[PACKET_MAX];

	for (unsigned int i = 0; i < 2000; i++) {
		ssize_t n = read(sock, bytes, sizeof(bytes));

		run(card);
		if (n < 0)
			usleep(500);
		else if ((size_t)n == len + sizeof(struct virtio_net_hdr) &&
			 !memcmp(bytes + sizeof(struct virtio_net_hdr), wanted, 12))
			return (uint32_t)n;
	}
	return 0;
}

/* VLAN interfaces on top of sv0 work without the driver being told: frames of any VLAN come through, tagged. */
static void host_hears_vlans(void **state)
{
	struct card *card = *state;
	const struct packet tagged = { .udp = true, .vlan = 77, .payload = 300 };
	static uint8_t bytes[sizeof(struct virtio_net_hdr) + 2048];
	uint8_t *frame = bytes + sizeof(struct virtio_net_hdr);
	struct virtio_net_hdr vnet;
	int host, wire;
	uint32_t len = packet_make(&tagged, frame, &vnet);

	host = packet_socket("sv0");
	assert_int_equal(setns(card->wire_netns, CLONE_NEWNET), 0);
	wire = packet_socket("wire");
	assert_int_equal(setns(card->host_netns, CLONE_NEWNET), 0);
	assert_true(host >= 0 && wire >= 0);

	memcpy(bytes, &vnet, sizeof(vnet));
	memcpy(frame, pf_mac, ETH_ALEN);
	assert_int_equal(write(wire, bytes, sizeof(vnet) + len), sizeof(vnet) + len);
	/* The kernel takes the tag out of the bytes that a packet socket sees. */
	assert_true(wait_for(card, host, frame, len - 4));

	memset(frame, 0xff, ETH_ALEN);
	memcpy(frame + 6, pf_mac, ETH_ALEN);
	assert_int_equal(write(host, bytes, sizeof(vnet) + len), sizeof(vnet) + len);
	assert_true(wait_for(card, wire, frame, len - 4));
	close(host);
	close(wire);
}

static void on_changed_number(void *ctx, int error)
{
	assert_int_equal(error, 0);
	((struct card *)ctx)->ready = true;
}

/* The PF's pool moves, and with it the queues of the interface. */
static void interface_survives_a_change_of_vfs(void **state)
{
	struct card *card = *state;
	uint8_t mac[ETH_ALEN];
	pthread_t serving;

	card->ready = false;
	assert_int_equal(pf_set_num_vfs(card->driver, 40, on_changed_number, card, NULL), 0);
	for (unsigned int i = 0; i < 10000 && !card->ready; i++) {
		run(card);
		usleep(100);
	}
	assert_true(card->ready);
	run(card);
	vf_write(card, 39, VFCTRL, VFCTRL_RST);
	assert_int_equal(vf_ask(card, 39, (uint32_t[16]){ MSG_RESET }, 1), MSG_RESET | MSG_ACK);
	atomic_store(&card->stop, false);
	pthread_create(&serving, NULL, serve, card);
	transfer(card->host_netns, "10.2.0.1", card->wire_netns, "10.2.0.2");
	atomic_store(&card->stop, true);
	pthread_join(serving, NULL);
	assert_int_equal(setns(card->host_netns, CLONE_NEWNET), 0);
	assert_true(if_get_mac("sv0", mac));
	assert_memory_equal(mac, pf_mac, ETH_ALEN);
	assert_int_equal(if_get_mtu("sv0"), MTU);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(mailboxes_of_real_vfs),
		cmocka_unit_test(host_talks_to_the_wire),
		cmocka_unit_test(host_hears_vlans),
		cmocka_unit_test(interface_survives_a_change_of_vfs),
	};
	int status = netns_enter();

	return status ? status : cmocka_run_group_tests(tests, power_on, power_off);
}
