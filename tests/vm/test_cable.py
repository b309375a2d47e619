# SPDX-License-Identifier: BSD-3-Clause
"""
`uplink: cable:NAME`: two ports tied together, of one card and of two. A namespace at each end has a
VF of its port as interface, and so has the host (svN); what one end sends the other receives.
"""

from types import SimpleNamespace

import pytest

from lab import iperf3, traffic, wait_until

CONFIG = """\
workers: 2
cards:
  - address: "0000:07"
    ports:
      - { uplink: "cable:inner", pfs: [{ vfs: 2 }] }
      - { uplink: "cable:inner", pfs: [{ vfs: 2 }] }
  - address: "0000:0a"
    ports: [{ uplink: "cable:outer", pfs: [{ vfs: 2, netdev: none }] }]
  - address: "0000:0d"
    ports: [{ uplink: "cable:outer", pfs: [{ vfs: 2, netdev: none }] }]
"""
ENDS = {"one card": ("0000:07:10.0", "0000:07:10.1"),
        "two cards": ("0000:0a:10.0", "0000:0d:10.0")}
WORKS_MBITS = 20


@pytest.fixture(scope="module")
def daemon(module_crew):
    return module_crew.daemon(CONFIG)


@pytest.fixture(scope="module", params=ENDS)
def ends(request, module_crew, daemon):
    """Namespaces a and b at the two ends, each with a VF of its port as eth0."""
    ends = SimpleNamespace(daemon=daemon, functions=ENDS[request.param])
    for number, function in enumerate(ends.functions, 1):
        net = module_crew.namespace("ab"[number - 1])
        module_crew.netdev(daemon, function, net, queues=2)
        net.address = f"10.0.0.{number}"
        net.up("eth0", f"{net.address}/24")
        setattr(ends, net.name, net)
    return ends


def port_of(daemon, function):
    """The port that has a VF, as show() has it."""
    for card in daemon.show()["cards"]:
        for port in card["ports"]:
            if any(vf["address"] == function for pf in port["pfs"] for vf in pf["vfs"]):
                return port
    raise AssertionError(f"no {function}")


def uplinks(ends):
    return [port_of(ends.daemon, function)["uplink"] for function in ends.functions]


def test_links_are_up(ends):
    for function in ends.functions:
        port = port_of(ends.daemon, function)
        assert port["link"]["up"] and port["uplink"]["name"].startswith("cable:")


def test_ping(ends):
    for one, other in ((ends.a, ends.b), (ends.b, ends.a)):
        one.sh("ip neigh flush dev eth0")     # broadcasts cross, too
        assert one.ping(other.address, 5)["loss"] == 0


@pytest.mark.parametrize("way", ["to b", "to a"])
def test_tcp_crosses_uncut(ends, way):
    one, other = (ends.a, ends.b) if way == "to b" else (ends.b, ends.a)
    near, far = (0, 1) if way == "to b" else (1, 0)
    before = uplinks(ends)
    assert iperf3(other, one, other.address, 2)["mbits"] > WORKS_MBITS
    rc, report = traffic(one, other, f"hash-send tcp {other.address} 7000 8000000",
                         "hash-recv tcp 7000")
    assert rc == 0 and report["complete"]
    after = uplinks(ends)
    assert after[near]["tx_bytes"] > before[near]["tx_bytes"] + 8_000_000
    requests = [uplink[far]["vport"]["tx_tso_requests"] for uplink in (before, after)]
    assert requests[1] > requests[0] + 50, "segmentation requests arrive whole"


def test_jumbo_frames(ends):
    try:
        for net in (ends.a, ends.b):
            net.up("eth0", mtu=9000)
        assert ends.a.ping(ends.b.address, 3, size=8972, args="-M do")["loss"] == 0
        assert iperf3(ends.a, ends.b, ends.a.address, 1)["mbits"] > WORKS_MBITS
    finally:
        for net in (ends.a, ends.b):
            net.up("eth0", mtu=1500)


def test_port_vlans_meet(ends):
    """The tag crosses: the same port VLAN at both ends is one network, two are two."""
    daemon, (a, b) = ends.daemon, ends.functions
    try:
        daemon.vf_set(a, "vlan", "100")
        daemon.vf_set(b, "vlan", "100")
        wait_until(lambda: ends.a.ping(ends.b.address, 2)["loss"] == 0, 20, "ping in VLAN 100")
        daemon.vf_set(b, "vlan", "101")
        wait_until(lambda: ends.a.ping(ends.b.address, 2)["received"] == 0, 20, "two networks")
    finally:
        daemon.vf_set(a, "vlan", "0")
        daemon.vf_set(b, "vlan", "0")
    wait_until(lambda: ends.a.ping(ends.b.address, 2)["loss"] == 0, 20, "ping without VLAN")


def test_every_frame_is_counted_once(ends):
    """What one wire sent the other received, and each end's switch took every frame of it."""
    iperf3(ends.b, ends.a, ends.b.address, 1, "-u -b 200M -l 1400 --bidir")

    def settled():
        seen = uplinks(ends)
        return seen if seen == uplinks(ends) else None

    one, other = wait_until(settled, 30, "silence")
    assert (one["tx_packets"], one["tx_bytes"]) == (other["rx_packets"], other["rx_bytes"])
    assert (other["tx_packets"], other["tx_bytes"]) == (one["rx_packets"], one["rx_bytes"])
    for uplink in (one, other):
        vport = uplink["vport"]
        dropped = sum(count for name, count in vport["drops"].items() if name.startswith("tx_"))
        assert vport["tx_packets"] + dropped == uplink["rx_packets"]
        assert vport["rx_packets"] == uplink["tx_packets"]
        assert uplink["tx_full"] == uplink["rx_errors"] == 0


def test_the_hosts_interfaces(crew, daemon):
    """sv0 and sv1 are the PFs of the two ports."""
    hosts = []
    for number, nic in enumerate(("sv0", "sv1"), 1):
        host = crew.namespace(nic)
        host.take(nic, daemon.net)
        host.address = f"10.1.0.{number}"
        host.up(nic, f"{host.address}/24")
        hosts.append(host)
    assert hosts[0].ping(hosts[1].address, 5)["loss"] == 0
    assert iperf3(hosts[1], hosts[0], hosts[1].address, 1)["mbits"] > WORKS_MBITS
