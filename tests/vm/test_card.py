# SPDX-License-Identifier: BSD-3-Clause
"""
A whole card in a VM: its PFs as the guest's stock ixgbe and ethtool see them, for both identities
of the card, over a cable and over TAPs, and with the newest kernel of Debian backports.
"""

import re

import pytest

from card import (BACKPLANE, CABLE, KNOWN, SFP, TAPS, WIRE_ADDRESS, dom0_of, wire_up)
from lab import count_frames, iperf3, traffic, wait_until

VARIANTS = {
    "backplane": {"identity": BACKPLANE, "uplinks": CABLE},
    "sfp": {"identity": SFP, "uplinks": TAPS},
    "newer-kernel": {"identity": SFP, "uplinks": CABLE, "kernel": "backports"},
}
LSPCI = {
    BACKPLANE: r"82599 10 Gigabit Dual Port Backplane Connection",
    SFP: r"82599ES 10-Gigabit SFI/SFP\+ Network Connection",
}


@pytest.fixture(scope="module", params=VARIANTS)
def dom0(request, module_crew):
    return dom0_of(module_crew, **VARIANTS[request.param])


@pytest.fixture(scope="module", autouse=True)
def only_one_at_a_time(request, dom0):
    """A variant's guest ends before the next one boots."""
    yield
    dom0.guest.close(keep=True)


def ends(dom0):
    """(machine, interface, the other's address) of both ends."""
    return ((dom0.guest, dom0.pf[0], WIRE_ADDRESS), (dom0.wire, dom0.other[0], "10.0.0.1"))


def test_pci(dom0):
    shown = dom0.guest.sh("lspci -D")
    found = re.findall(rf"^1\w{{4}}:00:00\.([01]) Ethernet controller: Intel Corporation "
                       rf"{LSPCI[dom0.identity]} \(rev 01\)$", shown, re.M)
    assert found == ["0", "1"], shown
    for _, address in dom0.guest.pfs(1) + [dom0.other]:
        said = dom0.guest.sh(f"lspci -vvv -s {address}")
        for capability in ("Single Root I/O Virtualization", "Alternative Routing-ID",
                           "Device Serial Number", "Advanced Error Reporting", "MSI-X: Enable+",
                           "LnkSta:\tSpeed 5GT/s, Width x8"):
            assert capability in said


def test_stock_driver(dom0):
    for machine, nic, _ in ends(dom0):
        address = dict([dom0.pf, dom0.other])[nic]
        said = machine.sh(f"ethtool -i {nic}")
        assert "driver: ixgbe\n" in said
        assert f"bus-info: {address}\n" in said
        assert re.search(r"^firmware-version: 0x\w{8}", said, re.M)
    assert dom0.guest.sh("modinfo -F intree ixgbe").strip() == "Y"


def test_total_vfs(dom0):
    for _, address in (dom0.pf, dom0.other):
        path = f"/sys/bus/pci/devices/{address}/sriov_"
        assert dom0.guest.sh(f"cat {path}totalvfs {path}numvfs").split() == ["63", "0"]


def test_link(dom0):
    for machine, nic, _ in ends(dom0):
        said = machine.sh(f"ethtool {nic}")
        assert "Speed: 10000Mb/s\n" in said
        assert "Duplex: Full\n" in said
        assert "Link detected: yes" in said
        assert ("Port: Direct Attach Copper" in said) == (dom0.identity == SFP)


def test_macs(dom0):
    macs = [machine.mac(nic) for machine, nic, _ in ends(dom0)]
    assert len(set(macs)) == 2
    assert all(int(mac[:2], 16) & 1 == 0 for mac in macs)
    for machine, nic, _ in ends(dom0):
        assert machine.mac(nic) in machine.sh(f"ethtool -P {nic}")


def test_ping(dom0):
    for machine, _, address in ends(dom0):
        assert machine.ping(address, 10)["loss"] == 0
        assert machine.ping(address, 5, size=1472, args="-M do")["loss"] == 0
        assert machine.ping(address, 5, size=20000)["loss"] == 0


def test_iperf3(dom0):
    (one, _, _), (other, _, address) = ends(dom0)
    assert iperf3(one, other, address, 2)["mbits"] > 20
    assert iperf3(other, one, WIRE_ADDRESS, 2)["mbits"] > 20


def test_what_is_sent_arrives(dom0):
    for tcp in ("on", "off"):
        for machine, nic, _ in ends(dom0):
            machine.sh(f"ethtool -K {nic} tso {tcp} gro {tcp} rx {tcp} tx {tcp}")
        rc, report = traffic(dom0.guest, dom0.wire, f"hash-send tcp {WIRE_ADDRESS} 7000 3000000",
                             "hash-recv tcp 7000")
        assert rc == 0 and report["complete"] and report["bytes"] == 3000000
        rc, report = traffic(dom0.guest, dom0.wire,
                             f"hash-send udp {WIRE_ADDRESS} 7000 500000 200", "hash-recv udp 7000")
        assert rc == 0 and report["corrupt"] == 0 and report["received"] > 0
    for machine, nic, _ in ends(dom0):
        machine.sh(f"ethtool -K {nic} tso on gro on rx on tx on")


def test_segments(dom0):
    """TCP hands the card what is longer than a frame; the wire has no frame that is."""
    (one, nic, _), (other, other_nic, _) = ends(dom0)
    assert "tcp-segmentation-offload: on" in one.sh(f"ethtool -k {nic}")
    other.sh(f"ethtool -K {other_nic} gro off lro off")
    capture = "timeout 8 tcpdump -Z root -n -p -c 1 -i {} tcp and greater {} 2>&1"
    long = one.start_bg(capture.format(nic, 3000)).wait_for("listening")
    longer = other.start_bg(capture.format(other_nic, 1515)).wait_for("listening")
    iperf3(other, one, WIRE_ADDRESS, 2)
    assert "1 packet captured" in long.wait(30).stdout
    assert "0 packets captured" in longer.wait(30).stdout
    other.sh(f"ethtool -K {other_nic} gro on")


def test_vlan(dom0):
    for number, (machine, nic, _) in enumerate(ends(dom0), 1):
        machine.sh(f"ip link add link {nic} name tagged type vlan id 5")
        machine.up("tagged", f"10.5.0.{number}/24")
    assert dom0.guest.ping("10.5.0.2", 5)["loss"] == 0
    assert iperf3(dom0.wire, dom0.guest, "10.5.0.2", 1)["mbits"] > 20
    (one, nic, _), (other, other_nic, _) = ends(dom0)
    keys = {"src": one.mac(nic), "dst": other.mac(other_nic)}
    assert count_frames(one, nic, other, "vlan=5", other_nic, vlan=5, **keys) == 50
    assert count_frames(one, nic, other, "vlan=6", other_nic, vlan=6, **keys) == 0, "not joined"
    for machine, _, _ in ends(dom0):
        machine.sh("ip link del tagged")


def test_receive_filters(dom0):
    """Addresses and groups that are not the PF's own stay out, unless it wants everything."""
    (one, nic, _), (other, other_nic, _) = ends(dom0)
    for address in ("02:00:00:00:00:77", "01:00:5e:11:22:33"):
        keys = {"src": one.mac(nic), "dst": address}
        assert count_frames(one, nic, other, "type=0x88b5", other_nic, **keys) == 0
        assert count_frames(one, nic, other, "promisc=1", other_nic, **keys) == 50
    other.sh(f"ip maddr add 01:00:5e:11:22:33 dev {other_nic}")
    assert count_frames(one, nic, other, "type=0x88b5", other_nic, **keys) == 50
    other.sh(f"ip maddr del 01:00:5e:11:22:33 dev {other_nic}")


def test_jumbo(dom0):
    for mtu in (9000, 1500):
        for machine, nic, _ in ends(dom0):
            machine.up(nic, mtu=mtu)
        wait_until(lambda: dom0.guest.ping(WIRE_ADDRESS, 1)["received"], 20, "traffic again")
        for machine, _, address in ends(dom0):
            assert machine.ping(address, 5, size=mtu - 28, args="-M do")["loss"] == 0
    (one, nic, _), (other, other_nic, _) = ends(dom0)
    keys = {"src": one.mac(nic), "dst": other.mac(other_nic), "size": 1514}
    _, report = traffic(one, other, f"raw-send {nic} count=50 mark=7 " +
                        " ".join(f"{key}={value}" for key, value in keys.items()),
                        f"raw-recv {other_nic} mark=7,size=1514,until=50 10")
    assert (report["matched"], report["altered"]) == (50, 0)


def test_rss(dom0):
    """Several flows, several queues."""
    nic = dom0.other[0]
    shown = dom0.wire.sh(f"ethtool -x {nic}")
    assert "with 2 RX ring(s)" in shown
    assert {"0", "1"} <= set(re.search(r"^\s*0:(.*)", shown, re.M)[1].split())
    before = dom0.wire.ethtool_stats(nic)
    iperf3(dom0.wire, dom0.guest, WIRE_ADDRESS, 2, "-P 8")
    after = dom0.wire.ethtool_stats(nic)
    for queue in (0, 1):
        name = f"rx_queue_{queue}_packets"
        assert after[name] - before[name] > 100


VERBS = {
    "-i": r"driver: ixgbe\n",
    "-k": r"rx-checksumming: on\n(.*\n)*tcp-segmentation-offload: on\n",
    "-S": r"\s+rx_packets: [1-9]\d*\n(.*\n)*\s+tx_bytes_nic: [1-9]",
    "-d": r"LINKS \(Link Status register\) .*\n\s+Link Status:\s+up\n\s+Link Speed:\s+10G\n",
    "-e": r"0x0000:\s+\w\w \w\w (.*\n)*0x1ff0:",
    "-a": r"RX:\s+(on|off)\nTX:\s+(on|off)",
    "-c": r"rx-usecs:\s+\d+",
    "-g": r"Current hardware settings:\nRX:\s+512\n(.*\n)*TX:\s+512",
    "-l": r"Current hardware settings:\n(.*\n)*Combined:\s+2\n",
    "-x": r"RX flow hash indirection table",
    "-T": r"Time stamping parameters",
}


@pytest.mark.parametrize("verb", VERBS)
def test_ethtool(dom0, verb):
    for machine, nic, _ in ends(dom0):
        said = machine.sh(f"ethtool {verb} {nic}")
        assert re.search(VERBS[verb], said), said[:2000]


def test_module_of_the_port(dom0):
    """The SFP+ cage holds a copper cable; a backplane has no cage."""
    for machine, nic, _ in ends(dom0):
        result = machine.run(f"ethtool -m {nic}")
        if dom0.identity == SFP:
            assert re.search(r"Identifier\s+: 0x03 \(SFP\)", result.stdout), result
            assert re.search(r"Passive Cu", result.stdout), result
        else:
            assert result.rc != 0 and not result.stdout


def test_self_test(dom0):
    """With the other end silent: a frame of its own among those of the loopback test fails it."""
    for (machine, nic, _), (other, other_nic, _) in (ends(dom0), ends(dom0)[::-1]):
        other.sh(f"ip link set {other_nic} down")
        for how in ("online", "offline"):
            result = machine.run(f"ethtool -t {nic} {how}", 120)
            assert "The test result is PASS" in result.stdout, result
            machine.up(nic, timeout=30)
        other.up(other_nic, timeout=30)
    wait_until(lambda: dom0.guest.ping(WIRE_ADDRESS, 1)["received"], 20, "traffic again")


def test_statistics(dom0):
    """The card's own counters, which a read clears, lose nothing and count nothing twice."""
    (one, nic, _), (other, other_nic, _) = ends(dom0)
    before = one.ethtool_stats(nic), other.ethtool_stats(other_nic)
    assert count_frames(one, nic, other, "type=0x88b5", other_nic, count=500, seconds=10,
                        src=one.mac(nic), dst=other.mac(other_nic)) == 500
    after = one.ethtool_stats(nic), other.ethtool_stats(other_nic)
    for name, end in (("tx_pkts_nic", 0), ("rx_pkts_nic", 1)):
        assert 500 <= after[end][name] - before[end][name] < 520, name
    for name, end in (("tx_bytes_nic", 0), ("rx_bytes_nic", 1)):
        assert 500 * 204 <= after[end][name] - before[end][name] < 510 * 204 + 2000, name
    for end in (0, 1):
        assert not [name for name in after[end]
                    if "error" in name and after[end][name] != before[end][name]]


def test_interrupts(dom0):
    before = dom0.guest.interrupts(f"{dom0.pf[0]}-TxRx")
    assert len(before) == 2
    dom0.guest.ping(WIRE_ADDRESS, 20, interval=0.05)
    after = dom0.guest.interrupts(f"{dom0.pf[0]}-TxRx")
    assert sum(after.values()) - sum(before.values()) >= 20


def test_driver_loaded_again(dom0):
    for _ in range(3):
        dom0.guest.sh("rmmod ixgbe && modprobe ixgbe", 120)
        wire_up(dom0)
        assert dom0.guest.ping(WIRE_ADDRESS, 5)["loss"] == 0


def test_nothing_to_complain_of(dom0):
    assert dom0.guest.complaints(KNOWN) == []
    assert dom0.daemon.alive()
