# SPDX-License-Identifier: BSD-3-Clause
"""
Dom0 and DomU apart: guest A drives the card's PFs, guests B and C have a VF each of its first one.
A comes and goes, B and C live on. After that the same card is back in host mode, and forth again.
"""

import re
from types import SimpleNamespace

import pytest

from card import CARD, CABLE, KNOWN, WIRE_ADDRESS, boot, config, wire_up
from lab import Guest, LabError, iperf3, wait_until
from vfio_user import Client, Refused

VF = [f"{CARD}:10.{2 * number}" for number in range(4)]
VFMAILBOX, RSTI = 0x2fc, 1 << 6
# A VF without a PF is nothing to be silent about.
KNOWN_VF = (r"NIC Link is Down", r"PF still in reset", r"PF still resetting", r"Reset still")


def enable_vfs(dom0, number):
    """For others: A's own driver keeps its hands off them."""
    path = f"/sys/bus/pci/devices/{dom0.pf[1]}"
    dom0.guest.sh(f"echo 0 >{path}/sriov_drivers_autoprobe")
    dom0.guest.numvfs(dom0.pf, number)


@pytest.fixture(scope="module")
def dom0(module_crew):
    daemon = module_crew.daemon(config(CABLE))
    dom0 = SimpleNamespace(daemon=daemon, guest=boot(module_crew, daemon, "a", mem="512M"),
                           wire=None)
    wire_up(dom0)
    return dom0


@pytest.fixture(scope="module")
def domains(dom0, module_crew):
    """B and C, with VF 0 and VF 1."""
    enable_vfs(dom0, 4)
    guests = [module_crew.guest(name, vfs=[dom0.daemon.socket(function)], mem="192M")
              for name, function in zip("bc", VF)]
    for number, guest in enumerate(guests):
        guest.wait_ready()
        guest.nic = guest.interface()
        guest.address = f"10.0.0.{11 + number}"
        guest.up(guest.nic, f"{guest.address}/24", timeout=40)
        guest.boot_id = guest.sh("cat /proc/sys/kernel/random/boot_id")
    return SimpleNamespace(b=guests[0], c=guests[1])


def reaches(one, address):
    one.run(f"ip neigh flush dev {one.nic}")
    return one.ping(address, 1)["received"] == 1


def talking(domains, address=None):
    """Once both are through with a reset of theirs, nothing is lost."""
    address = address or domains.c.address
    for guest in (domains.b, domains.c):
        wait_until(lambda: guest.carrier(guest.nic), 60, f"{guest.name}: link", 0.5)
    wait_until(lambda: reaches(domains.b, address), 60, "traffic", 0.5)
    assert domains.b.ping(address, 5)["loss"] == 0


def without_link(domains):
    for guest in (domains.b, domains.c):
        wait_until(lambda: not guest.carrier(guest.nic), 60, f"{guest.name}: no link", 0.5)


def not_rebooted(domains):
    for guest in (domains.b, domains.c):
        assert guest.sh("cat /proc/sys/kernel/random/boot_id") == guest.boot_id


def test_sockets_come_and_go_with_the_vfs(dom0):
    sockets = [dom0.daemon.run_dir / f"{function}.sock" for function in VF]
    assert not any(socket.exists() for socket in sockets)
    enable_vfs(dom0, 2)
    for function in VF[:2]:
        dom0.daemon.socket(function)
    assert not sockets[2].exists()
    dom0.guest.numvfs(dom0.pf, 0)
    wait_until(lambda: not any(socket.exists() for socket in sockets), 30, "no sockets")


def test_domains_talk(dom0, domains):
    talking(domains)
    assert iperf3(domains.b, domains.c, domains.b.address, 2)["mbits"] > 20
    talking(domains, WIRE_ADDRESS)
    for guest, function in ((domains.b, VF[0]), (domains.c, VF[1])):
        assert dom0.daemon.function(function)["attached"] == guest.process.pid


def test_macs_are_dom0_s_to_give(dom0, domains):
    for number, guest in enumerate((domains.b, domains.c)):
        assert guest.mac(guest.nic) in dom0.guest.vf_shown(dom0.pf, number)


def test_vlan_parts_them(dom0, domains):
    dom0.guest.sh(f"ip link set {dom0.pf[0]} vf 1 vlan 200")
    wait_until(lambda: not reaches(domains.b, domains.c.address), 30, "parting")
    assert domains.b.ping(domains.c.address, 3)["received"] == 0
    assert domains.b.ping(WIRE_ADDRESS, 3)["loss"] == 0, "B is where it was"
    dom0.guest.sh(f"ip link set {dom0.pf[0]} vf 1 vlan 0")
    talking(domains)


def test_state_of_one(dom0, domains):
    dom0.guest.sh(f"ip link set {dom0.pf[0]} vf 1 state disable")
    wait_until(lambda: not domains.c.carrier(domains.c.nic), 60, "no link", 0.5)
    assert domains.b.ping(WIRE_ADDRESS, 3)["loss"] == 0
    dom0.guest.sh(f"ip link set {dom0.pf[0]} vf 1 state auto")
    talking(domains)


def test_vf_kept_by_dom0(dom0, domains):
    """A's own driver has VF 2: it talks to the others', and nobody else gets it."""
    guest = dom0.guest
    address = guest.vf_addresses(dom0.pf)[2]
    guest.sh(f"echo ixgbevf >/sys/bus/pci/devices/{address}/driver_override && "
             f"echo {address} >/sys/bus/pci/drivers_probe")
    own = guest.namespace("own")
    nic = wait_until(lambda: [name for name, pci, _ in guest.interfaces() if pci == address], 20,
                     "ixgbevf on VF 2")[0]
    own.take(nic).up(nic, "10.0.0.13/24", timeout=40)
    for other in (domains.b, domains.c):
        assert own.ping(other.address, 3)["loss"] == 0
    with pytest.raises((Refused, ConnectionError)):
        Client(dom0.daemon.socket(VF[2]))
    intruder = Guest("intruder", vfs=[dom0.daemon.socket(VF[2])])
    with pytest.raises(LabError, match="QEMU ended"):
        intruder.start()
    intruder.close()
    assert own.ping(domains.b.address, 3)["loss"] == 0
    own.close()
    guest.sh(f"echo {address} >/sys/bus/pci/drivers/ixgbevf/unbind")
    with Client(dom0.daemon.socket(VF[2])):
        pass    # let go of, it may be had


def test_vf_given_away_as_dom0_sees_it(dom0, domains):
    """Its configuration space is readable, its registers say reset."""
    guest = dom0.guest
    for address in guest.vf_addresses(dom0.pf)[:2]:
        said = guest.sh(f"lspci -vv -s {address}")
        assert "82599 Ethernet Controller Virtual Function" in said
        assert "MSI-X: Enable" in said and "Advanced Error Reporting" in said
        assert guest.sh(f"setpci -s {address} 34.b 70.b a0.b").split() == ["70", "11", "10"]
        guest.sh(f"setpci -s {address} COMMAND=2:2")
        assert int(guest.sh(f"traffic peek {address} 0 {VFMAILBOX}"), 0) & RSTI
    talking(domains)


def test_nobody_takes_what_is_taken(dom0, domains):
    for path in (dom0.daemon.card_socket(), dom0.daemon.socket(VF[0])):
        with pytest.raises((Refused, ConnectionError)):
            Client(path)
    rc, _, err = dom0.daemon.cli("card", "plug", CARD)
    assert rc != 0 and CARD in err
    talking(domains)


def test_pf_resets(dom0, domains):
    for mtu in (9000, 1500):
        for machine, nic in ((dom0.guest, dom0.pf[0]), (dom0.wire, dom0.other[0])):
            machine.up(nic, mtu=mtu)
        talking(domains)


def test_pf_down_and_up(dom0, domains):
    dom0.guest.sh(f"ip link set {dom0.pf[0]} down")
    without_link(domains)
    dom0.guest.up(dom0.pf[0])
    talking(domains)


def test_vfs_switched_off_and_on(dom0, domains):
    """Under the feet of B and C."""
    dom0.guest.numvfs(dom0.pf, 0)
    without_link(domains)
    assert dom0.guest.ping(WIRE_ADDRESS, 3)["loss"] == 0
    enable_vfs(dom0, 4)
    talking(domains)
    not_rebooted(domains)


def test_dom0_is_killed(dom0, domains, module_crew):
    """B and C lose their link, nothing else; a new A brings it back."""
    dom0.guest.kill()
    without_link(domains)
    assert dom0.daemon.alive()
    assert domains.b.ping(domains.c.address, 2)["received"] == 0
    dom0.guest, dom0.wire = boot(module_crew, dom0.daemon, "a2", mem="512M"), None
    wire_up(dom0)
    enable_vfs(dom0, 2)
    talking(domains)
    talking(domains, WIRE_ADDRESS)
    assert iperf3(domains.b, domains.c, domains.b.address, 1)["mbits"] > 20
    not_rebooted(domains)


def test_dom0_reboots(dom0, domains):
    dom0.guest.reboot(120)
    without_link(domains)
    dom0.wire = None
    wire_up(dom0)
    enable_vfs(dom0, 2)
    talking(domains)
    not_rebooted(domains)


def test_nothing_to_complain_of(dom0, domains):
    assert dom0.guest.complaints(KNOWN) == []
    trouble = re.compile(r"WARNING:|BUG:|Call Trace|Oops|Hang|removed|nobody cared")
    for guest in (domains.b, domains.c):
        assert not [line for line in guest.dmesg().splitlines() if trouble.search(line)]


def test_host_mode_and_back(dom0, domains, module_crew, crew):
    """The same daemon takes the card out of the VM's hands, drives it, and gives it away again."""
    daemon = dom0.daemon
    for guest in (domains.b, domains.c):
        guest.kill()
    assert dom0.guest.poweroff() == 0
    pid = daemon.process.pid
    for _ in range(2):
        rc, _, err = daemon.cli("card", "unplug", CARD)
        assert rc == 0, err
        talk_in_host_mode(daemon, crew)
        rc, _, err = daemon.cli("card", "plug", CARD)
        assert rc == 0, err
        daemon.card_socket()
    dom0.guest, dom0.wire = boot(module_crew, daemon, "a3", mem="512M"), None
    wire_up(dom0)
    assert dom0.guest.ping(WIRE_ADDRESS, 5)["loss"] == 0
    assert daemon.process.pid == pid and daemon.alive()


def talk_in_host_mode(daemon, crew):
    spaces = [crew.namespace(f"host{number}") for number in range(2)]
    netdevs = [crew.netdev(daemon, function, space) for function, space in zip(VF, spaces)]
    for number, space in enumerate(spaces, 1):
        space.up("eth0", f"10.9.0.{number}/24")
    assert spaces[0].ping("10.9.0.2", 5)["loss"] == 0
    for netdev in netdevs:
        netdev.stop()
    wait_until(lambda: all(daemon.function(function)["attached"] is None for function in VF[:2]),
               5, "detachment")
