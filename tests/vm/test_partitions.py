# SPDX-License-Identifier: BSD-3-Clause
"""Four PFs on one port: one switch, every member of it reaches every other."""

from types import SimpleNamespace

import pytest

from lab import iperf3, wait_until

CONFIG = """\
cards:
  - address: "0000:07"
    ports:
      - uplink: tap:up0
        pfs: [{ vfs: 2 }, { vfs: 2 }, { vfs: 2 }, { vfs: 2 }]
"""
PFS = [f"0000:07:00.{number}" for number in range(4)]


@pytest.fixture(scope="module")
def port(module_crew):
    """A guest on a VF of PF 0 and one on PF 3; each svN and the wire in a namespace of its own."""
    daemon = module_crew.daemon(CONFIG)
    a = module_crew.guest("a", vfs=[daemon.socket("0000:07:10.0")])
    b = module_crew.guest("b", vfs=[daemon.socket("0000:08:00.1")])
    hosts = []
    for number, nic in enumerate(("sv0", "sv1", "sv2", "sv3", "up0"), 100):
        host = module_crew.namespace(nic)
        host.take(nic, daemon.net)
        host.nic, host.address = nic, f"10.0.0.{number}"
        host.sh("sysctl -q -w net.ipv6.conf.all.disable_ipv6=1")
        host.up(nic, f"{host.address}/24")
        hosts.append(host)
    for number, guest in enumerate((a, b), 1):
        guest.wait_ready()
        guest.nic, guest.address = guest.interface(), f"10.0.0.{number}"
        guest.up(guest.nic, f"{guest.address}/24")
    return SimpleNamespace(daemon=daemon, a=a, b=b, hosts=hosts)


def test_addresses(port):
    seen = port.daemon.functions()
    assert [address for address, function in seen.items() if "vfs" in function] == PFS
    assert [seen[address]["netdev"] for address in PFS] == ["sv0", "sv1", "sv2", "sv3"]
    assert [[vf["address"] for vf in seen[address]["vfs"]] for address in PFS] == [
        ["0000:07:10.0", "0000:07:10.2"], ["0000:07:10.1", "0000:07:10.3"],
        ["0000:08:00.0", "0000:08:00.2"], ["0000:08:00.1", "0000:08:00.3"]]
    assert len({function["mac"] for function in seen.values()}) == 12
    for host, address in zip(port.hosts, PFS):
        assert host.mac(host.nic) == seen[address]["mac"]


def test_vms_of_different_pfs(port):
    for one, other in ((port.a, port.b), (port.b, port.a)):
        assert one.ping(other.address, 5)["loss"] == 0
        assert iperf3(other, one, other.address, 2)["mbits"] > 20


@pytest.mark.parametrize("nic", ["sv0", "sv1", "sv2", "sv3", "up0"])
def test_vms_reach_every_interface(port, nic):
    host, = (host for host in port.hosts if host.nic == nic)
    for guest in (port.a, port.b):
        assert guest.ping(host.address, 3)["loss"] == 0
        assert host.ping(guest.address, 3)["loss"] == 0
    for other in port.hosts:
        if other is not host:
            assert host.ping(other.address, 2)["loss"] == 0


def test_broadcast_reaches_every_member_once(port):
    members = [port.a, port.b, *port.hosts]
    for sender in members:
        listeners = {member: member.start_bg(f"traffic raw-recv {member.nic} mark=4 3")
                     for member in members if member is not sender}
        for listener in listeners.values():
            listener.wait_for("listening")
        sender.sh(f"traffic raw-send {sender.nic} src={sender.mac(sender.nic)} size=100 "
                  "rate=200 count=50 mark=4")
        for member, listener in listeners.items():
            seen = listener.wait().stdout
            assert '"matched": 50, "altered": 0' in seen, (sender.name, member.name, seen)


def test_unicast_reaches_nobody_else(port):
    others = [port.b, *port.hosts[1:]]
    target = port.hosts[0]
    wait_until(lambda: port.a.ping(target.address, 1)["loss"] == 0, 30, "a first ping")
    listeners = [member.start_bg(f"traffic raw-recv {member.nic} mark=5,promisc=1 2")
                 for member in others]
    for listener in listeners:
        listener.wait_for("listening")
    port.a.sh(f"traffic raw-send {port.a.nic} src={port.a.mac(port.a.nic)} "
              f"dst={target.mac(target.nic)} count=50 mark=5")
    for listener in listeners:
        assert '"matched": 0' in listener.wait().stdout
