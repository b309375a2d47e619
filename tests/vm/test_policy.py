# SPDX-License-Identifier: BSD-3-Clause
"""What the administrator allows a guest, and what becomes of attempts at more."""

import re
import time

import pytest

from lab import traffic, wait_until

ADMIN_MAC = "52:54:00:00:07:01"
ADMIN_MAC_SOON_S = 15
# The wire is observed at up0. The host's own interface is off: it would see every broadcast.
PAIR_CONFIG = f"""\
cards:
  - address: "0000:07"
    ports:
      - uplink: tap:up0
        pfs:
          - vfs: 8
            netdev: none
            vf:
              1: {{ mac: "{ADMIN_MAC}" }}
"""


@pytest.fixture(scope="module")
def wire(pair):
    """The namespace that holds the other end of the port's wire, up0."""
    net = pair.daemon.net
    net.sh("sysctl -q -w net.ipv6.conf.all.disable_ipv6=1")
    net.up("up0")
    return net


def reaches(one, other, count=1):
    """Does a ping come back? An older MAC of the other is forgotten first."""
    one.sh(f"ip neigh flush dev {one.nic}")
    return one.ping(other.address, count)["loss"] == 0


def drops(pair, guest):
    return pair.daemon.function(guest.function)["stats"]["drops"]


def frames(sender, nic, receiver, what, where, seconds=2, **keys):
    """How many of 50 frames sent with keys the receiver saw, by a filter."""
    keys = " ".join(f"{key}={value}" for key, value in keys.items())
    _, report = traffic(sender, receiver, f"raw-send {nic} size=200 count=50 mark=7 {keys}",
                        f"raw-recv {where} mark=7,until=50,{what} {seconds}")
    assert report["altered"] == 0
    return report["matched"]


def test_guest_may_choose_its_mac(pair):
    """No administrator has set it."""
    guest = pair.a
    derived = guest.mac(guest.nic)
    guest.sh(f"ip link set {guest.nic} address 02:00:00:00:00:0a")
    assert pair.daemon.function(guest.function)["mac"] == "02:00:00:00:00:0a"
    assert reaches(pair.b, guest, 3)
    guest.sh(f"ip link set {guest.nic} address {derived}")
    assert pair.daemon.function(guest.function)["mac"] == derived
    assert reaches(pair.b, guest, 3)


def test_guest_may_not_change_the_administrator_s_mac(pair):
    guest = pair.b
    assert guest.run(f"ip link set {guest.nic} address 02:00:00:00:00:0b").rc != 0
    assert guest.mac(guest.nic) == ADMIN_MAC
    assert pair.daemon.function(guest.function)["mac"] == ADMIN_MAC
    assert reaches(pair.a, guest, 3)


def test_trusted_guest_may(pair):
    guest = pair.b

    def change(mac):
        return guest.run(f"ip link set {guest.nic} address {mac}").rc == 0

    pair.daemon.vf_set("0000:07:00.0", "vf", 1, "trust", "on")
    wait_until(lambda: change("02:00:00:00:00:0b"), 20, "a trusted guest's own MAC", 0.5)
    wait_until(lambda: reaches(pair.a, guest), 20, "traffic")
    assert pair.daemon.function(guest.function)["mac"] == "02:00:00:00:00:0b"
    pair.daemon.vf_set("0000:07:00.0", "vf", 1, "trust", "off", "mac", ADMIN_MAC)
    wait_until(lambda: guest.mac(guest.nic) == ADMIN_MAC, ADMIN_MAC_SOON_S, "the old MAC")
    guest.up(guest.nic)


def test_administrator_s_mac_shows_in_the_guest(pair):
    guest = pair.b
    pair.daemon.vf_set(guest.function, "mac", "52:54:00:00:07:77")
    wait_until(lambda: guest.mac(guest.nic) == "52:54:00:00:07:77", ADMIN_MAC_SOON_S, "the MAC")
    guest.up(guest.nic)
    wait_until(lambda: reaches(pair.a, guest), 30, "traffic")
    assert pair.b.ping(pair.a.address, 5)["loss"] == 0


def test_link_state(pair):
    guest = pair.a
    pair.daemon.vf_set(guest.function, "state", "disable")
    wait_until(lambda: not guest.carrier(guest.nic), 15, "link down")
    assert pair.b.ping(guest.address, 2)["received"] == 0
    pair.daemon.vf_set(guest.function, "state", "auto")
    guest.up(guest.nic)
    wait_until(lambda: reaches(pair.b, guest), 30, "traffic")


def test_spoofed_mac_is_dropped_and_counted(pair, wire):
    target, before = pair.b.mac(pair.b.nic), drops(pair, pair.a)["tx_spoofed_mac"]
    spoofed = {"dst": target, "src": "02:00:00:00:00:66"}
    assert frames(pair.a, pair.a.nic, pair.b, "promisc=1", pair.b.nic, **spoofed) == 0
    assert drops(pair, pair.a)["tx_spoofed_mac"] - before == 50
    broadcast = {"dst": "ff:ff:ff:ff:ff:ff", "src": "02:00:00:00:00:66"}
    assert frames(pair.a, pair.a.nic, wire, "promisc=1", "up0", **broadcast) == 0
    assert drops(pair, pair.a)["tx_spoofed_mac"] - before == 100


def test_spoof_check_can_be_off(pair):
    pair.daemon.vf_set(pair.a.function, "spoofchk", "off")
    before = drops(pair, pair.a)["tx_spoofed_mac"]
    assert frames(pair.a, pair.a.nic, pair.b, "promisc=1", pair.b.nic,
                  dst=pair.b.mac(pair.b.nic), src="02:00:00:00:00:66") == 50
    assert drops(pair, pair.a)["tx_spoofed_mac"] == before
    pair.daemon.vf_set(pair.a.function, "spoofchk", "on")


def test_foreign_vlan_is_dropped_and_counted(pair, wire):
    """A tag that the guest has not joined."""
    before = drops(pair, pair.a)["tx_spoofed_vlan"]
    assert frames(pair.a, pair.a.nic, wire, "promisc=1", "up0", vlan=77,
                  src=pair.a.mac(pair.a.nic)) == 0
    assert drops(pair, pair.a)["tx_spoofed_vlan"] - before == 50


@pytest.fixture
def port_vlan(pair):
    """Guest a in port VLAN 100; its driver has to reset for it."""
    pair.daemon.vf_set("0000:07:00.0", "vf", 0, "vlan", 100)
    yield
    pair.daemon.vf_set("0000:07:00.0", "vf", 0, "vlan", 0)
    wait_until(lambda: reaches(pair.a, pair.b), 20, "traffic")


def test_port_vlan(pair, wire, port_vlan):
    """Untagged inside, tagged outside."""
    mac = pair.a.mac(pair.a.nic)

    def out(what):
        return frames(pair.a, pair.a.nic, wire, f"promisc=1,{what}", "up0", 1.5, src=mac)

    def into(**keys):
        return frames(wire, "up0", pair.a, "vlan=0", pair.a.nic, 1.5, dst=mac,
                      src="02:00:00:00:00:55", **keys)

    wait_until(lambda: out("vlan=100") == 50, 20, "tagged frames on the wire")
    assert out("vlan=0") == 0
    assert into(vlan=100) == 50
    assert into() == 0
    assert into(vlan=101) == 0
    assert pair.a.ping(pair.b.address, 2)["received"] == 0, "b is in no VLAN"
    assert pair.a.run(f"ip link add v5 link {pair.a.nic} type vlan id 5 && "
                      "ip link set v5 up && sleep 0.2").rc in (0, 1, 2)
    assert drops(pair, pair.a)["tx_bad_descriptor"] == 0
    pair.a.run("ip link del v5")


def test_port_vlan_with_its_like(pair, wire, port_vlan):
    pair.daemon.vf_set("0000:07:00.0", "vf", 1, "vlan", 100, "qos", 5)
    try:
        wait_until(lambda: reaches(pair.a, pair.b), 20, "traffic")
        time.sleep(1)
        assert pair.a.ping(pair.b.address, 5)["loss"] == 0
        assert re.search(r"vlan 100 qos 5", pair.daemon.cli("show")[1])
    finally:
        pair.daemon.vf_set("0000:07:00.0", "vf", 1, "vlan", 0, "qos", 0)


def test_refusals_change_nothing(pair):
    before = pair.daemon.function(pair.a.function)
    for words in (["mac", "01:00:00:00:00:01"], ["vlan", "4095"], ["qos", "8"],
                  ["spoofchk", "maybe"], ["state", "sideways"]):
        rc, out, err = pair.daemon.cli("vf", "set", pair.a.function, *words)
        assert rc != 0 and not out and words[0] in err
    after = pair.daemon.function(pair.a.function)
    for name in ("mac", "vlan", "qos", "spoofchk", "trust", "state"):
        assert before[name] == after[name]
