# SPDX-License-Identifier: BSD-3-Clause
"""
All kinds of traffic between two machines of two queue pairs each: guests of two processors with the
stock driver, and namespaces with the library's, which sleeps until an interrupt or polls, and takes
64 frames at a time or one.
"""

import re
import subprocess

import pytest

from lab import iperf3, traffic, wait_until

PAIR_GUESTS = {"smp": 2}
WORKS_MBITS = 10    # less is not slow but broken

LIBRARY = ("interrupt-64", "interrupt-1", "poll-64", "poll-1")


def host_has_vlans():
    """Whether this machine's kernel has VLAN interfaces; those of guests always have."""
    line = "ip link add v0 type veth && ip link add v1 link v0 type vlan id 1"
    root = "--map-root-user"    # harmless for root
    return not subprocess.run(["unshare", "--net", root, "sh", "-c", line],
                              stderr=subprocess.DEVNULL).returncode


def drivers(*names):
    return pytest.mark.parametrize("pair", names, indirect=True, scope="module")


every_driver = drivers("guests", *LIBRARY)
stock_driver = drivers("guests")
# test_netdev.py has VLAN interfaces on a netdev in a guest, whatever this machine's kernel is.
every_driver_with_vlans = drivers("guests", *(LIBRARY if host_has_vlans() else ()))


def both_ways(pair):
    return (pair.a, pair.b), (pair.b, pair.a)


@every_driver
def test_tcp_both_ways(pair):
    for client, server in both_ways(pair):
        assert iperf3(server, client, server.address, pair.seconds)["mbits"] > WORKS_MBITS


@every_driver
def test_tcp_both_ways_at_once(pair):
    report = iperf3(pair.b, pair.a, pair.b.address, pair.seconds, "--bidir")
    for total in ("sum_received", "sum_received_bidir_reverse"):
        assert report["end"][total]["bits_per_second"] > WORKS_MBITS * 1e6 / 2


@every_driver
def test_tcp_with_4_streams(pair):
    report = iperf3(pair.b, pair.a, pair.b.address, pair.seconds, "-P 4")
    assert len(report["end"]["streams"]) == 4
    for stream in report["end"]["streams"]:
        assert stream["receiver"]["bytes"] > 30000 * pair.seconds


def kernel_counts(machine, protocol):
    """The counters of machine's kernel for "Tcp" or "Udp", by name."""
    names, values = re.findall(rf"^{protocol}: (.*)", machine.sh("cat /proc/net/snmp"), re.M)
    return dict(zip(names.split(), map(int, values.split())))


@every_driver
def test_udp(pair):
    for client, server in both_ways(pair):
        before = kernel_counts(server, "Udp")["RcvbufErrors"]
        report = iperf3(server, client, server.address, pair.seconds, "-u -b 10M -l 1400")
        total = report["end"]["sum"]
        # What arrived, and iperf3 did not fetch in time, is not lost on the way.
        late = kernel_counts(server, "Udp")["RcvbufErrors"] - before
        assert total["packets"] > 300 * pair.seconds
        assert total["lost_packets"] - late < 0.05 * total["packets"]


@every_driver
def test_ipv6(pair):
    for number, guest in enumerate((pair.a, pair.b), 1):
        guest.sh(f"ip addr add fd00::{number}/64 dev {guest.nic} nodad")
    for client, target in ((pair.a, "fd00::2"), (pair.b, "fd00::1")):
        assert client.ping(target, 5, args="-6")["loss"] == 0
        assert client.ping(target, 3, size=20000, args="-6")["loss"] == 0
    assert iperf3(pair.b, pair.a, "fd00::2", pair.seconds, "-6")["mbits"] > WORKS_MBITS


@every_driver_with_vlans
def test_vlan_sub_interfaces(pair):
    for number, guest in enumerate((pair.a, pair.b), 1):
        guest.sh(f"ip link add v42 link {guest.nic} type vlan id 42")
        guest.up("v42", f"10.42.0.{number}/24")
    try:
        # A netdev is told of the interface, a moment later.
        wait_until(lambda: pair.a.ping("10.42.0.2", 1)["loss"] == 0, 30, "VLAN 42")
        assert pair.a.ping("10.42.0.2", 5)["loss"] == 0
        for client, server, target in ((pair.a, pair.b, "10.42.0.2"),
                                       (pair.b, pair.a, "10.42.0.1")):
            assert iperf3(server, client, target, pair.seconds)["mbits"] > WORKS_MBITS
        rc, report = traffic(pair.a, pair.b, "hash-send tcp 10.42.0.2 7000 4000000",
                             "hash-recv tcp 7000")
        assert rc == 0 and report["complete"]
    finally:
        for guest in (pair.a, pair.b):
            guest.sh("ip link del v42")


@every_driver_with_vlans
def test_a_vlan_that_only_one_side_has_joined(pair):
    pair.a.sh(f"ip link add v43 link {pair.a.nic} type vlan id 43")
    try:
        pair.a.up("v43")
        _, report = traffic(
            pair.a, pair.b, f"raw-send {pair.a.nic} src={pair.a.mac(pair.a.nic)} vlan=43 count=20",
            f"raw-recv {pair.b.nic} src={pair.a.mac(pair.a.nic)} 1.5")
        assert report["matched"] == 0
    finally:
        pair.a.sh("ip link del v43")


@every_driver
def test_vxlan(pair):
    for number, (guest, other) in enumerate(both_ways(pair), 1):
        guest.sh(f"ip link add vx type vxlan id 7 dstport 4789 dev {guest.nic} "
                 f"remote {other.address}")
        guest.up("vx", f"10.7.0.{number}/24")
    try:
        assert pair.a.ping("10.7.0.2", 5)["loss"] == 0
        for client, server, target in ((pair.a, pair.b, "10.7.0.2"),
                                       (pair.b, pair.a, "10.7.0.1")):
            assert iperf3(server, client, target, pair.seconds)["mbits"] > WORKS_MBITS
        rc, report = traffic(pair.a, pair.b, "hash-send tcp 10.7.0.2 7000 4000000",
                             "hash-recv tcp 7000")
        assert rc == 0 and report["complete"]
    finally:
        for guest in (pair.a, pair.b):
            guest.sh("ip link del vx")


@every_driver
def test_jumbo_frames(pair):
    try:
        for mtu in (9710, 9000):  # the most that the 82599 and its driver take, and the usual
            for guest in (pair.a, pair.b):
                guest.up(guest.nic, mtu=mtu)
            for client, server in both_ways(pair):
                assert client.ping(server.address, 5, size=mtu - 28, args="-M do")["loss"] == 0
        for client, server in both_ways(pair):
            assert iperf3(server, client, server.address, pair.seconds)["mbits"] > WORKS_MBITS
        rc, report = traffic(pair.a, pair.b, f"hash-send tcp {pair.b.address} 7000 8000000",
                             "hash-recv tcp 7000")
        assert rc == 0 and report["complete"]
    finally:
        for guest in (pair.a, pair.b):
            guest.up(guest.nic, mtu=1500)


@every_driver
@pytest.mark.parametrize("version", ["4", "6"])
def test_random_sizes_arrive_intact_tcp(pair, version):
    target = pair.b.address if version == "4" else "fd00::2"
    rc, report = traffic(pair.a, pair.b, f"hash-send tcp {target} 7000 20000000",
                         "hash-recv tcp 7000")
    assert rc == 0 and report["complete"] and report["bytes"] == 20000000


@every_driver
def test_random_sizes_arrive_intact_udp(pair):
    rc, report = traffic(pair.a, pair.b, f"hash-send udp {pair.b.address} 7000 5000000 200",
                         "hash-recv udp 7000")
    assert rc == 0 and report["corrupt"] == 0
    assert report["received"] > 0.9 * report["sent"]


@stock_driver
def test_offloads_of_the_stock_driver(pair):
    features = pair.a.sh(f"ethtool -k {pair.a.nic}")
    for feature in ("tcp-segmentation-offload", "tx-tcp-segmentation", "tx-tcp6-segmentation",
                    "tx-udp_tnl-segmentation", "tx-checksumming", "rx-checksumming",
                    "tx-checksum-sctp", "tx-vlan-offload", "rx-vlan-offload"):
        assert re.search(rf"^\s*{feature}: on", features, re.M), feature


@every_driver
def test_the_card_cuts_and_sums(pair):
    before = pair.daemon.function(pair.a.function)["stats"]
    sent = pair.a.link_stats(pair.a.nic)["tx_packets"]
    iperf3(pair.b, pair.a, pair.b.address, 2)
    after = pair.daemon.function(pair.a.function)["stats"]
    grown = {name: after[name] - before[name]
             for name in ("tx_tso_requests", "tx_tso_segments", "tx_csum", "tx_packets")}
    assert grown["tx_tso_requests"] > 100
    assert grown["tx_tso_segments"] > 2 * grown["tx_tso_requests"]
    assert grown["tx_csum"] > 100
    assert grown["tx_packets"] >= pair.a.link_stats(pair.a.nic)["tx_packets"] - sent


@every_driver
def test_checksums_are_checked(pair):
    before = [kernel_counts(machine, "Tcp") for machine in (pair.a, pair.b)]
    iperf3(pair.b, pair.a, pair.b.address, 1)
    for machine, old in zip((pair.a, pair.b), before):
        now = kernel_counts(machine, "Tcp")
        assert now["InSegs"] > old["InSegs"] + 100
        assert now["InCsumErrors"] == old["InCsumErrors"]
        assert pair.daemon.function(machine.function)["stats"]["rx_csum_bad"] == 0


@stock_driver
def test_the_stock_driver_sees_good_checksums(pair):
    good = pair.b.ethtool_stats(pair.b.nic)
    iperf3(pair.b, pair.a, pair.b.address, 1)
    now = pair.b.ethtool_stats(pair.b.nic)
    assert now["rx_csum_offload_errors"] == good["rx_csum_offload_errors"]


@every_driver
def test_both_queue_pairs_work_with_8_flows(pair):
    def packets(guest):
        queues = pair.daemon.function(guest.function)["queues"]
        assert [queue["queue"] for queue in queues] == [0, 1]
        return [(queue["rx_packets"], queue["tx_packets"]) for queue in queues]

    def all_grown():
        iperf3(pair.b, pair.a, pair.b.address, 2, "-P 8")
        return all(now - then > 50 for guest, old in zip(guests, before)
                   for queue, old_queue in zip(packets(guest), old)
                   for now, then in zip(queue, old_queue))

    guests = (pair.a, pair.b)
    before = [packets(guest) for guest in guests]
    # The kernel throws dice for every flow: once in a hundred times all 8 fall on one side.
    wait_until(all_grown, 30, "traffic on all queues")


@stock_driver
def test_the_stock_driver_counts_both_queue_pairs(pair):
    def all_counted():
        iperf3(pair.b, pair.a, pair.b.address, 1, "-P 8")
        stats = [guest.ethtool_stats(guest.nic) for guest in (pair.a, pair.b)]
        return all(counted[f"{way}_queue_{queue}_packets"] > 50
                   for counted in stats for way in ("rx", "tx") for queue in (0, 1))

    wait_until(all_counted, 30, "traffic on all queues")


@every_driver
def test_every_frame_is_delivered_or_counted_once(pair):
    def frames(guest):
        stats = pair.daemon.function(guest.function)["stats"]
        drops = {name: n for name, n in stats["drops"].items() if name.startswith("rx_")}
        return (stats["tx_packets"], stats["rx_packets"] - stats["rx_multicast"]
                - stats["rx_broadcast"] + sum(drops.values()))

    # A TAP, unlike a driver, drops what its queue has no room for, which no card can count.
    pair.a.sh(f"ip link set {pair.a.nic} txqueuelen 20000")
    sent, taken = frames(pair.a)[0], frames(pair.b)[1]
    mac = pair.a.mac(pair.a.nic)
    _, report = traffic(
        pair.a, pair.b,
        f"raw-send {pair.a.nic} dst={pair.b.mac(pair.b.nic)} src={mac} size=300 count=20000 mark=9",
        f"raw-recv {pair.b.nic} src={mac},mark=9,until=20000 6")
    assert report["altered"] == 0
    assert frames(pair.a)[0] - sent >= 20000
    assert 20000 <= frames(pair.b)[1] - taken <= 20010, "but for a few ARP frames"


@every_driver
def test_no_faults(pair):
    for machine in (pair.a, pair.b):
        vf = pair.daemon.function(machine.function)
        assert vf["dma"]["faults"] == 0
        assert vf["stats"]["drops"]["tx_bad_descriptor"] == 0


@stock_driver
def test_no_resets_of_the_stock_driver(pair):
    for guest in (pair.a, pair.b):
        assert not re.search(r"Tx Unit Hang|Reset adapter|WARNING:|BUG:", guest.dmesg())
