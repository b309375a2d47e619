# SPDX-License-Identifier: BSD-3-Clause
"""
SR-IOV in a guest that drives a whole card: VFs come and go, each setting of `ip link set PF vf N`
does what its man page says. VFs 0 and 1 are in namespaces of their own; the wire is the other PF.
"""

import json
import re
import time
from types import SimpleNamespace

import pytest

from card import KNOWN, WIRE_ADDRESS, dom0_of, settle, wire_up
from lab import count_frames, iperf3, wait_until

FOREIGN = "02:00:00:00:00:66"
GROUP = "01:00:5e:11:22:33"     # nobody's
MAC = "52:54:00:aa:00:01"
# What was asked for above; and VFs that go while they are up say goodbye to an ixgbe that does not
# listen any more.
KNOWN_VF = (r"attempted to override administratively set MAC", r"will disable legacy VFs",
            r"Could not remove VLAN 0", r"failed to kill vid 0081/0")


@pytest.fixture(scope="module")
def dom0(module_crew):
    return dom0_of(module_crew)


def place(vf, machine):
    """A VF's interface, in the guest's own namespace until now, into one: addressed, up."""
    machine.take(vf.nic)
    machine.up(vf.nic, f"{vf.address}/24", timeout=40)
    vf.machine, vf.mac = machine, machine.mac(vf.nic)


@pytest.fixture(scope="module")
def vfs(dom0):
    """Eight VFs; the first two in namespaces v0 and v1."""
    guest = dom0.guest
    guest.numvfs(dom0.pf, 8)
    found = [SimpleNamespace(number=number, nic=nic, pci=pci, address=f"10.0.0.{10 + number}")
             for number, (nic, pci) in enumerate(guest.vfs_of(dom0.pf, 8))]
    for vf in found[:2]:
        place(vf, guest.namespace(f"v{vf.number}"))
    return found


def reload(dom0, vf):
    """Bind the driver of a VF anew."""
    driver = "/sys/bus/pci/drivers/ixgbevf"
    dom0.guest.sh(f"echo {vf.pci} >{driver}/unbind && echo {vf.pci} >{driver}/bind")
    vf.nic = wait_until(lambda: [name for name, pci, _ in dom0.guest.interfaces() if pci == vf.pci],
                        20, "the VF's new interface")[0]
    vf.machine.nics.clear()
    place(vf, vf.machine)


def vf_set(dom0, vf, words):
    dom0.guest.sh(f"ip link set {dom0.pf[0]} vf {vf.number} {words}")


def shown(dom0, vf):
    return dom0.guest.vf_shown(dom0.pf, vf.number)


def reaches(one, address):
    return one.machine.ping(address, 1)["received"] == 1


def talking(vf, address=WIRE_ADDRESS):
    """Once the VF is through with a reset, it loses nothing."""
    wait_until(lambda: vf.machine.carrier(vf.nic) and reaches(vf, address), 60,
               f"traffic of VF {vf.number}", 0.5)
    assert vf.machine.ping(address, 5)["loss"] == 0


def to_wire(dom0, vf, what="promisc=1", **keys):
    keys.setdefault("src", vf.mac)
    return count_frames(vf.machine, vf.nic, dom0.wire, what, dom0.other[0], **keys)


def from_wire(dom0, vf, what="vlan=0", **keys):
    keys.setdefault("src", dom0.wire.mac(dom0.other[0]))
    return count_frames(dom0.wire, dom0.other[0], vf.machine, what, vf.nic, **keys)


def test_eight_vfs(dom0, vfs):
    said = dom0.guest.sh("lspci -D")
    assert len(re.findall(r"^1\w{4}:00:1[01]\.[0246] Ethernet controller: Intel Corporation 82599 "
                          r"Ethernet Controller Virtual Function \(rev 01\)$", said, re.M)) == 8
    said = dom0.guest.sh(f"lspci -vv -s {dom0.pf[1]}")
    assert re.search(r"Initial VFs: 64, Total VFs: 64, Number of VFs: 8", said)
    assert "IOVCtl:\tEnable+" in said
    assert len({vf.pci for vf in vfs}) == 8


def test_vfs_talk(dom0, vfs):
    talking(vfs[0])
    talking(vfs[1])
    talking(vfs[0], vfs[1].address)
    assert iperf3(vfs[0].machine, vfs[1].machine, vfs[0].address, 1)["mbits"] > 20
    assert iperf3(dom0.wire, vfs[0].machine, WIRE_ADDRESS, 1)["mbits"] > 20


def counted(dom0, vfs):
    """What ip says the VFs had; ixgbe looks at the card's counters every other second."""
    stats = None
    while stats != (now := [dom0.guest.vf_stats(dom0.pf, vf.number) for vf in vfs]):
        stats = now
        time.sleep(3)
    return stats


def test_counters(dom0, vfs):
    """ip -s link show PF: a VF's own frames, and only those."""
    before = counted(dom0, vfs[:3])
    assert {"rx_packets", "tx_packets", "rx_bytes", "tx_bytes"} <= set(before[0])
    vfs[0].machine.ping(WIRE_ADDRESS, 50, interval=0.02)
    after = counted(dom0, vfs[:3])
    assert before[0]["rx_packets"] < 1 << 31, "counted from the VF's beginning"
    assert 50 <= after[0]["rx_packets"] - before[0]["rx_packets"] < 70
    assert 50 * 98 <= after[0]["tx_bytes"] - before[0]["tx_bytes"] < 70 * 102
    assert after[2]["tx_packets"] == before[2]["tx_packets"]


def test_mac(dom0, vfs):
    vf, old = vfs[0], vfs[0].mac
    vf_set(dom0, vf, f"mac {MAC}")
    assert MAC in shown(dom0, vf)
    reload(dom0, vf)
    assert vf.mac == MAC
    assert from_wire(dom0, vf, dst=MAC) == 50
    assert from_wire(dom0, vf, dst=old) == 0
    talking(vf)
    assert vf.machine.run(f"ip link set {vf.nic} address {old}").rc != 0, "not the guest's"
    assert vf.machine.mac(vf.nic) == MAC
    talking(vf)


def priority(dom0, vf):
    """802.1p priorities of what the VF sends into VLAN 100, as the wire sees them."""
    nic = dom0.other[0]
    capture = dom0.wire.start_bg(f"timeout 20 tcpdump -Z root -n -e -c 3 -i {nic} ether src "
                                 f"{vf.mac} and vlan 100 2>&1").wait_for("listening")
    to_wire(dom0, vf)
    return set(re.findall(r"vlan 100, p (\d)", capture.wait(30).stdout))


def test_vlan(dom0, vfs):
    """Untagged inside, tagged outside; only its like hear it."""
    one, other = vfs[:2]
    vf_set(dom0, one, "vlan 100 qos 5")
    assert "vlan 100, qos 5" in shown(dom0, one)
    wait_until(lambda: to_wire(dom0, one, "promisc=1,vlan=100") == 50, 30, "tagged frames")
    assert to_wire(dom0, one, "promisc=1,vlan=0") == 0
    assert priority(dom0, one) == {"5"}
    assert from_wire(dom0, one, dst=one.mac, vlan=100) == 50
    assert from_wire(dom0, one, dst=one.mac) == 0
    assert from_wire(dom0, one, dst=one.mac, vlan=101) == 0
    assert not reaches(one, other.address)
    vf_set(dom0, other, "vlan 100")
    assert re.search(r"vlan 100,(?! qos)", shown(dom0, other))
    talking(one, other.address)
    for vf in (one, other):
        vf_set(dom0, vf, "vlan 0")
        assert "vlan" not in shown(dom0, vf)
        talking(vf)
    talking(one, other.address)


def test_vlan_of_the_guest_s_own(dom0, vfs):
    for vf in vfs[:2]:
        vf.machine.sh(f"ip link add link {vf.nic} name tagged type vlan id 7")
        vf.machine.up("tagged", f"10.7.0.{vf.number + 1}/24")
    assert vfs[0].machine.ping("10.7.0.2", 5)["loss"] == 0
    for vf in vfs[:2]:
        vf.machine.sh("ip link del tagged")


def test_spoofchk(dom0, vfs):
    vf = vfs[0]
    assert "spoof checking on" in shown(dom0, vf)
    assert to_wire(dom0, vf, src=FOREIGN) == 0
    wait_until(lambda: "Spoofed packets detected" in dom0.guest.dmesg(), 15, "the driver's word")
    assert to_wire(dom0, vf, vlan=77) == 0, "a VLAN it has not joined"
    vf_set(dom0, vf, "spoofchk off")
    assert "spoof checking off" in shown(dom0, vf)
    assert to_wire(dom0, vf, src=FOREIGN) == 50
    vf_set(dom0, vf, "spoofchk on")
    assert to_wire(dom0, vf, src=FOREIGN) == 0
    assert to_wire(dom0, vf) == 50


def test_max_tx_rate(dom0, vfs):
    vf = vfs[0]

    def mbits():
        return iperf3(dom0.wire, vf.machine, WIRE_ADDRESS, 3)["mbits"]
    for rate in (20, 60):
        vf_set(dom0, vf, f"max_tx_rate {rate}")
        assert f"tx rate {rate} (Mbps), max_tx_rate {rate}Mbps" in shown(dom0, vf)
        assert mbits() < rate * 1.2
    vf_set(dom0, vf, "max_tx_rate 0")
    assert "max_tx_rate" not in shown(dom0, vf)
    assert mbits() > 75
    for refused in (5, 20000):
        assert dom0.guest.run(f"ip link set {dom0.pf[0]} vf 0 max_tx_rate {refused}").rc != 0


def test_state(dom0, vfs):
    one, other = vfs[:2]
    vf_set(dom0, one, "state disable")
    assert "link-state disable" in shown(dom0, one)
    wait_until(lambda: not one.machine.carrier(one.nic), 40, "no carrier")
    assert not reaches(other, one.address)
    assert other.machine.carrier(other.nic)
    vf_set(dom0, one, "state auto")
    assert "link-state auto" in shown(dom0, one)
    settle([(one.machine, one.nic)])
    talking(one, other.address)


def test_trust(dom0, vfs):
    """A trusted guest may have all groups and a MAC of its choice."""
    vf = vfs[1]
    vf_set(dom0, vf, f"mac {vf.mac}")
    vf.machine.sh(f"ip link set {vf.nic} allmulticast on")
    assert "trust off" in shown(dom0, vf)
    assert from_wire(dom0, vf, "type=0x88b5", dst=GROUP) == 0
    vf_set(dom0, vf, "trust on")
    assert "trust on" in shown(dom0, vf)
    wait_until(lambda: from_wire(dom0, vf, "type=0x88b5", dst=GROUP) == 50, 60, "all groups")
    vf.machine.sh(f"ip link set {vf.nic} address 02:00:00:00:00:0b")
    assert "02:00:00:00:00:0b" in shown(dom0, vf)
    assert from_wire(dom0, vf, dst="02:00:00:00:00:0b") == 50
    vf.machine.sh(f"ip link set {vf.nic} address {vf.mac}; "
                  f"ip link set {vf.nic} allmulticast off")
    vf_set(dom0, vf, "trust off")
    assert "trust off" in shown(dom0, vf)
    settle([(vf.machine, vf.nic)])
    talking(vf)
    assert vf.machine.run(f"ip link set {vf.nic} address 02:00:00:00:00:0b").rc != 0
    talking(vf)


def test_query_rss(dom0, vfs):
    vf = vfs[0]
    assert "query_rss on" not in shown(dom0, vf)
    refused = vf.machine.run(f"ethtool -x {vf.nic}")
    assert refused.rc != 0 and "not permitted" in refused.stderr
    vf_set(dom0, vf, "query_rss on")
    assert "query_rss on" in shown(dom0, vf)
    table = vf.machine.sh(f"ethtool -x {vf.nic}")
    assert "RX flow hash indirection table" in table and re.search(r"(\w\w:){39}\w\w", table)
    vf_set(dom0, vf, "query_rss off")
    assert vf.machine.run(f"ethtool -x {vf.nic}").rc != 0


def test_pf_resets_with_vfs_alive(dom0, vfs):
    """MTU changes reset the 82599; the VFs find their way back by themselves."""
    for mtu in (9000, 1500):
        for machine, nic in ((dom0.guest, dom0.pf[0]), (dom0.wire, dom0.other[0])):
            machine.up(nic, mtu=mtu)
        for vf in vfs[:2]:
            talking(vf)
        talking(vfs[0], vfs[1].address)
    assert MAC in shown(dom0, vfs[0])


def test_pf_down_and_up(dom0, vfs):
    dom0.guest.sh(f"ip link set {dom0.pf[0]} down")
    for vf in vfs[:2]:
        wait_until(lambda: not vf.machine.carrier(vf.nic), 40, "no carrier")
    dom0.guest.up(dom0.pf[0])
    for vf in vfs[:2]:
        talking(vf)


def test_vf_driver_loaded_again(dom0, vfs):
    for _ in range(3):
        reload(dom0, vfs[1])
        assert vfs[1].machine.ping(WIRE_ADDRESS, 5)["loss"] == 0


def test_more_vfs_than_there_are(dom0, vfs):
    path = f"/sys/bus/pci/devices/{dom0.pf[1]}/sriov_numvfs"
    for number in (64, 65, 1000):
        assert dom0.guest.run(f"echo 0 >{path}; echo {number} >{path}").rc != 0
    dom0.guest.numvfs(dom0.pf, 0)


def test_more_vfs_than_there_are_by_hand(dom0):
    """NumVFs 65 and VF Enable, written past the driver: there are no such VFs."""
    guest, (_, pci) = dom0.guest, dom0.pf
    control, number = "168.w", "170.w"
    try:
        guest.sh(f"setpci -s {pci} {number}=41 && setpci -s {pci} {control}=1:1")
        assert int(guest.sh(f"setpci -s {pci} {control}"), 16) & 1 == 0
    finally:
        guest.sh(f"setpci -s {pci} {control}=0:1 && setpci -s {pci} {number}=0")
    assert guest.ping(WIRE_ADDRESS, 3)["loss"] == 0


def mesh(dom0, found):
    """All VFs in namespaces of their own ping each other."""
    guest = dom0.guest
    # The table of neighbours is one for all namespaces: 63 * 62 entries, and room.
    guest.sh("cd /proc/sys/net/ipv4/neigh/default && for n in 3 2 1; do echo 20000 >gc_thresh$n; "
             "done")
    names = [f"m{number}" for number in range(len(found))]
    guest.sh("\n".join(
        f"ip netns add {name} && ip link set {nic} netns {name} && "
        f"ip -n {name} addr add 10.63.0.{number}/24 dev {nic} && ip -n {name} link set {nic} up "
        "|| exit 1" for number, (name, (nic, _)) in enumerate(zip(names, found), 1)), 120)
    carriers = " ".join(f"{name}/{nic}" for name, (nic, _) in zip(names, found))
    wait_until(lambda: not guest.run(
        f"for i in {carriers}; do ip -n ${{i%/*}} link show ${{i#*/}} | grep -q LOWER_UP || "
        "echo $i; done").stdout, 120, "63 links", 1)
    pairs = " ".join(f"{name}=10.63.0.{number}" for number, name in enumerate(names, 1))
    result = guest.run(f"mesh 5 {pairs}", 400)
    assert result.rc == 0, result
    assert json.loads(result.stdout)["answered"] == len(found) * (len(found) - 1)


def test_63_vfs(dom0):
    guest, pf = dom0.guest, dom0.pf
    for number in (8, 0, 63):
        guest.numvfs(pf, number)
        assert guest.sh(f"cat /sys/bus/pci/devices/{pf[1]}/sriov_numvfs").strip() == str(number)
    found = guest.vfs_of(pf, 63)
    assert len(dom0.daemon.functions()) >= 65
    mesh(dom0, found)
    assert guest.ping(WIRE_ADDRESS, 3)["loss"] == 0
    # While VFs go ixgbe hears none of them: each that is up would wait in vain for its answers.
    guest.sh("".join(f"ip -n m{number} link set {nic} down\n" for number, (nic, _) in
                     enumerate(found)), 120)
    guest.numvfs(pf, 0)
    assert not guest.vf_addresses(pf)
    guest.sh("for i in $(seq 0 62); do ip netns del m$i; done")


def test_pf_driver_goes_with_vfs_there(dom0):
    """rmmod takes the VFs with it; the next load starts without any, and can have them again."""
    for number in (8, 2):
        dom0.guest.numvfs(dom0.pf, number)
        dom0.guest.vfs_of(dom0.pf, number)
        dom0.guest.sh("rmmod ixgbe && modprobe ixgbe", 120)
        wire_up(dom0)
        assert not dom0.guest.vf_addresses(dom0.pf)
    dom0.guest.numvfs(dom0.pf, 2)
    assert len(dom0.guest.vfs_of(dom0.pf, 2)) == 2
    dom0.guest.numvfs(dom0.pf, 0)


def test_vfs_of_both_pfs(dom0):
    """The second port's VFs are its own: they speak through the cable to those of the first."""
    guest = dom0.guest
    found = []
    guest.sh(f"ip -n wire link set {dom0.other[0]} netns 1")
    guest.up(dom0.other[0])
    for number, pf in enumerate((dom0.pf, dom0.other)):
        guest.numvfs(pf, 4)
        (nic, _), *_ = guest.vfs_of(pf, 4)
        found.append(SimpleNamespace(number=number, nic=nic, address=f"10.8.0.{number + 1}"))
        place(found[-1], guest.namespace(f"p{number}"))
    talking(found[0], found[1].address)
    assert iperf3(found[0].machine, found[1].machine, found[0].address, 1)["mbits"] > 20
    for pf in (dom0.pf, dom0.other):
        guest.numvfs(pf, 0)


def test_nothing_to_complain_of(dom0):
    assert dom0.guest.complaints(KNOWN + KNOWN_VF) == []
    assert dom0.daemon.alive()
