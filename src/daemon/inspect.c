/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * inspect.c - what "softiov show" shows. Counters have one writer each and are read without locks: a figure may be a
 * moment older than its neighbour, never wrong.
 */
#include "daemon/inspect.h"

#include <time.h>

#include "util/bdf.h"

#define SPEED_10G_MBPS 10000
#define SHOWN_QUEUES 8
#define SHOWN_FAULTS 16

static void set_u64(json_t *object, const char *name, uint64_t value)
{
	json_object_set_new(object, name, json_integer((json_int_t)value));
}

static void set_mac(json_t *object, const char *name, const uint8_t mac[ETH_ALEN])
{
	char text[18];

	json_object_set_new(object, name, json_string(mac_format(mac, text)));
}

json_t *inspect_workers(const struct dp *dp)
{
	json_t *list = json_array();

	for (unsigned int i = 0; i < dp_workers(dp); i++) {
		struct dp_worker_stats stats;
		json_t *worker = json_object();

		dp_worker_stats(dp, i, &stats);
		json_object_set_new(worker, "cpu",
				    stats.cpu < 0 ? json_null() : json_integer(stats.cpu));
		set_u64(worker, "loops", stats.loops);
		set_u64(worker, "busy_loops", stats.busy_loops);
		set_u64(worker, "busy_ns", stats.busy_ns);
		set_u64(worker, "naps", stats.naps);
		set_u64(worker, "nap_ns", stats.nap_ns);
		set_u64(worker, "kicks", stats.kicks);
		set_u64(worker, "quiesced", stats.quiesced);
		set_u64(worker, "quiesce_ns_max", stats.quiesce_ns_max);
		set_u64(worker, "round_ns_max", stats.round_ns_max);
		json_array_append_new(list, worker);
	}
	return list;
}

static json_t *vport_stats(const struct vport_stats *stats)
{
	json_t *object = json_object(), *drops = json_object();

	set_u64(object, "tx_packets", stats->tx_packets);
	set_u64(object, "tx_bytes", stats->tx_bytes);
	set_u64(object, "tx_tso_requests", stats->tx_tso_requests);
	set_u64(object, "tx_tso_segments", stats->tx_tso_segments);
	set_u64(object, "tx_csum", stats->tx_csum);
	set_u64(object, "rx_packets", stats->rx_packets);
	set_u64(object, "rx_bytes", stats->rx_bytes);
	set_u64(object, "rx_multicast", stats->rx_multicast);
	set_u64(object, "rx_broadcast", stats->rx_broadcast);
	set_u64(object, "rx_csum_bad", stats->rx_csum_bad);
	for (enum vport_drop i = 0; i < VPORT_DROPS; i++)
		set_u64(drops, vport_drop_name(i), stats->drop[i]);
	json_object_set_new(object, "drops", drops);
	return object;
}

json_t *inspect_port(const struct card_port *port)
{
	const struct uplink_stats *stats = &port->uplink->stats;
	bool up = ixgbe_link(port->pf[0].model);
	json_t *object = json_pack("{s:i, s:{s:b, s:i}, s:[]}", "port", (int)port->index, "link",
				   "up", up, "speed_mbps", up ? SPEED_10G_MBPS : 0, "pfs");
	json_t *uplink = json_object();

	json_object_set_new(uplink, "name", json_string(port->uplink->name));
	set_u64(uplink, "tx_packets", stats->tx_packets);
	set_u64(uplink, "tx_bytes", stats->tx_bytes);
	set_u64(uplink, "tx_full", stats->tx_full);
	set_u64(uplink, "tx_down", stats->tx_down);
	set_u64(uplink, "rx_packets", stats->rx_packets);
	set_u64(uplink, "rx_bytes", stats->rx_bytes);
	set_u64(uplink, "rx_errors", stats->rx_errors);
	json_object_set_new(uplink, "vport", vport_stats(&port->card->state->uplink[port->index]));
	json_object_set_new(object, "uplink", uplink);
	return object;
}

static json_t *faults(const struct iommu_domain *domain, uint16_t pci_domain)
{
	struct iommu_fault fault[SHOWN_FAULTS];
	unsigned int n = iommu_faults(domain, fault, SHOWN_FAULTS);
	json_t *list = json_array();

	for (unsigned int i = 0; i < n; i++) {
		json_t *object = json_object();
		time_t seconds = (time_t)(fault[i].time_ns / NSEC_PER_SEC);
		char text[32], stamp[40];
		struct tm tm;

		bdf_format(pci_domain, fault[i].requester, text);
		json_object_set_new(object, "requester", json_string(text));
		snprintf(text, sizeof(text), "0x%llx", (unsigned long long)fault[i].iova);
		json_object_set_new(object, "address", json_string(text));
		set_u64(object, "length", fault[i].len);
		json_object_set_new(object, "access",
				    json_string(fault[i].perm & IOMMU_WRITE ? "write" : "read"));
		json_object_set_new(
			object, "reason",
			json_string(iommu_fault_text((enum iommu_fault_reason)fault[i].reason)));
		gmtime_r(&seconds, &tm);
		strftime(text, sizeof(text), "%Y-%m-%dT%H:%M:%S", &tm);
		snprintf(stamp, sizeof(stamp), "%s.%06uZ", text,
			 (unsigned int)(fault[i].time_ns % NSEC_PER_SEC / 1000));
		json_object_set_new(object, "time", json_string(stamp));
		json_array_append_new(list, object);
	}
	return list;
}

static json_t *dma(const struct iommu_domain *domain)
{
	struct iommu_summary summary;
	json_t *object = json_object();

	iommu_summarize(domain, &summary);
	set_u64(object, "regions", summary.regions);
	set_u64(object, "bytes", summary.bytes);
	set_u64(object, "not_shared_regions", summary.not_shared_regions);
	set_u64(object, "not_shared_bytes", summary.not_shared_bytes);
	set_u64(object, "leaves_4k", summary.leaves_4k);
	set_u64(object, "leaves_2m", summary.leaves_2m);
	set_u64(object, "leaves_1g", summary.leaves_1g);
	set_u64(object, "maps", summary.maps);
	set_u64(object, "unmaps", summary.unmaps);
	set_u64(object, "translations", summary.translations);
	set_u64(object, "faults", summary.faults);
	return object;
}

/* The VM that has the whole card, and the endpoint by which it has it. */
static void set_endpoint(json_t *object, const struct card *card, struct vmd *vmd)
{
	const char *advice = card_vm_advice(card);
	struct vmd_info info;

	vmd_info(vmd, &info);
	json_object_set_new(object, "socket", json_string(info.socket_path));
	json_object_set_new(object, "attached",
			    info.client ? json_integer(info.client) : json_null());
	set_u64(object, "attaches", info.attaches);
	set_u64(object, "interrupts", info.interrupts);
	set_u64(object, "lost_interrupts", info.lost_interrupts);
	set_u64(object, "messages", info.messages);
	set_u64(object, "message_errors", info.message_errors);
	json_object_set_new(object, "dma", dma(card->leader));
	if (advice)
		json_object_set_new(object, "advice", json_string(advice));
}

json_t *inspect_card(const struct card *card)
{
	struct vmd *vmd = atomic_load(&card->vmd);
	char device[8];
	json_t *object;

	snprintf(device, sizeof(device), "%04x", card->config->device_id);
	object = json_pack("{s:s, s:s, s:s, s:[]}", "address", card->address, "mode",
			   card->mode == CONFIG_MODE_VM ? "vm" : "host", "device", device, "ports");
	if (vmd)
		set_endpoint(object, card, vmd);
	return object;
}

static json_t *interrupts(struct card_pf *pf, int function)
{
	json_t *list = json_array();
	const struct irq_vector *irq;

	for (unsigned int i = 0; (irq = ixgbe_irq(pf->model, function, i)); i++) {
		json_t *object;
		uint64_t causes = atomic_load(&irq->causes);

		if (function < 0 && !causes)
			continue;
		object = json_object();
		set_u64(object, "vector", i);
		set_u64(object, "causes", causes);
		set_u64(object, "held_by_mask", atomic_load(&irq->held_by_mask));
		set_u64(object, "held_by_moderation", atomic_load(&irq->held_by_moderation));
		set_u64(object, "signalled", atomic_load(&irq->signalled));
		set_u64(object, "interval_us", atomic_load(&irq->interval_ns) / 1000);
		json_array_append_new(list, object);
	}
	return list;
}

static json_t *queues(struct card_pf *pf, int function)
{
	json_t *list = json_array();

	for (unsigned int i = 0; i < SHOWN_QUEUES; i++) {
		struct ixgbe_queue_info info;
		json_t *object;

		if (ixgbe_queue_info(pf->model, function, i, &info))
			break;
		if (!info.rx_enabled && !info.tx_enabled && !info.rx_packets && !info.tx_packets)
			continue;
		object = json_pack("{s:i, s:b, s:b}", "queue", (int)i, "rx_enabled",
				   info.rx_enabled, "tx_enabled", info.tx_enabled);
		set_u64(object, "rx_size", info.rx_size);
		set_u64(object, "rx_head", info.rx_head);
		set_u64(object, "rx_tail", info.rx_tail);
		set_u64(object, "rx_packets", info.rx_packets);
		set_u64(object, "rx_bytes", info.rx_bytes);
		set_u64(object, "tx_size", info.tx_size);
		set_u64(object, "tx_head", info.tx_head);
		set_u64(object, "tx_tail", info.tx_tail);
		set_u64(object, "tx_packets", info.tx_packets);
		set_u64(object, "tx_bytes", info.tx_bytes);
		json_array_append_new(list, object);
	}
	return list;
}

json_t *inspect_pf(struct card_pf *pf)
{
	struct pf_driver *driver = atomic_load(&pf->driver);
	unsigned int pool = ixgbe_vf_pools(pf->model);
	int total = pf->config->sriov ? IXGBE_MAX_VFS : 0;
	json_t *object = json_pack("{s:s, s:i, s:i, s:i, s:[]}", "address", pf->bdf, "numvfs",
				   (int)pf->vfs, "maxvfs", driver ? (int)pf_max_vfs(driver) : total,
				   "totalvfs", total, "vfs");
	struct pf_netdev_stats netdev;
	uint8_t mac[ETH_ALEN];

	card_pf_mac(pf, mac);
	set_mac(object, "mac", mac);
	json_object_set_new(object, "netdev",
			    pf->netdev[0] ? json_string(pf->netdev) : json_null());
	if (driver && pf_netdev_stats(driver, &netdev)) {
		json_t *stats = json_object();

		set_u64(stats, "to_card", netdev.to_card);
		set_u64(stats, "from_card", netdev.from_card);
		set_u64(stats, "to_card_dropped", netdev.to_card_dropped);
		set_u64(stats, "from_card_dropped", netdev.from_card_dropped);
		json_object_set_new(object, "netdev_stats", stats);
	}
	if (pool < IXGBE_POOLS)
		json_object_set_new(object, "stats", vport_stats(&pf->state->stats[pool]));
	json_object_set_new(object, "interrupts", interrupts(pf, -1));
	json_object_set_new(object, "queues", queues(pf, -1));
	json_object_set_new(object, "dma", dma(pf->domain));
	json_object_set_new(object, "faults", faults(pf->domain, pf->port->card->config->domain));
	return object;
}

static void set_policy(json_t *object, const struct pf_vf_state *vf)
{
	static const char *const link[] = { "auto", "enable", "disable" };

	set_mac(object, "mac", vf->mac);
	set_u64(object, "vlan", vf->vlan);
	set_u64(object, "qos", vf->qos);
	json_object_set_new(object, "spoofchk", json_boolean(vf->spoofchk));
	json_object_set_new(object, "trust", json_boolean(vf->trusted));
	set_u64(object, "max_tx_rate", vf->max_tx_rate);
	json_object_set_new(object, "state", json_string(vf->link < 3 ? link[vf->link] : "?"));
	json_object_set_new(object, "query_rss", json_boolean(vf->rss_query));
}

static void set_mailbox(json_t *object, const struct pf_vf_state *vf,
			const struct ixgbe_vf_info *model)
{
	static const char *const api[] = { "1.0", "2.0", "1.1", "1.2", "1.3",
					   "1.4", "1.5", "1.6", "1.7" };
	json_t *mailbox =
		json_pack("{s:s, s:b}", "api", vf->api < ARRAY_SIZE(api) ? api[vf->api] : "?",
			  "clear_to_send", vf->clear_to_send);

	set_u64(mailbox, "requests", model->mailbox_requests);
	set_u64(mailbox, "nacks", vf->nacks);
	set_u64(mailbox, "resets", model->resets);
	json_object_set_new(object, "mailbox", mailbox);
}

/* Who has the VF: the host, for its VMs; the card's own VM; a client; a client whom the card's VM took it from. */
static const char *custody(const struct card_vf *vf)
{
	if (vf->pf->port->card->mode == CONFIG_MODE_HOST)
		return "host";
	if (vf->attached)
		return card_vf_exists(vf) ? "away" : "orphan";
	return atomic_load(&vf->home) ? "home" : "returning";
}

json_t *inspect_vf(struct card_vf *vf)
{
	struct card_pf *pf = vf->pf;
	const struct pf_vf_state *policy = &pf->state->driver.vf[vf->index];
	json_t *object = json_pack("{s:s, s:i, s:s}", "address", vf->bdf, "vf", (int)vf->index,
				   "socket", vf->socket);
	struct ixgbe_vf_info model;
	struct iovm_vf_info info;

	iovm_vf_info(atomic_load(&vf->iovm), &info);
	ixgbe_vf_info(pf->model, vf->index, &model);
	json_object_set_new(object, "attached",
			    info.client ? json_integer(info.client) : json_null());
	json_object_set_new(object, "registers",
			    json_string(info.registers_shared ? "shared" : "trapped"));
	json_object_set_new(object, "bus_master", json_boolean(info.bus_master));
	json_object_set_new(object, "receive_enabled", json_boolean(model.receive_enabled));
	json_object_set_new(object, "transmit_enabled", json_boolean(model.transmit_enabled));
	set_u64(object, "vectors", info.vectors);
	set_u64(object, "lost_signals", info.lost_signals);
	set_u64(object, "attaches", info.attaches);
	set_u64(object, "messages", info.messages);
	set_u64(object, "message_errors", info.message_errors);
	if (info.advice)
		json_object_set_new(object, "advice", json_string(info.advice));
	json_object_set_new(object, "custody", json_string(custody(vf)));
	if (atomic_load(&pf->driver)) {
		set_policy(object, policy);
		set_mailbox(object, policy, &model);
	}
	json_object_set_new(object, "stats", vport_stats(&pf->state->stats[vf->index]));
	json_object_set_new(object, "interrupts", interrupts(pf, (int)vf->index));
	json_object_set_new(object, "queues", queues(pf, (int)vf->index));
	json_object_set_new(object, "dma", dma(vf->domain));
	json_object_set_new(object, "faults", faults(vf->domain, pf->port->card->config->domain));
	return object;
}
