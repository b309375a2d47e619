# SPDX-License-Identifier: BSD-3-Clause
"""
Guests, the host and the wire: the host's own interfaces sv0 and sv1, the TAP uplink, two cards, and
a guest that was booted by UEFI firmware.
"""

from types import SimpleNamespace

import pytest

from lab import iperf3, traffic

CONFIG = """\
cards:
  - address: "0000:07"
    ports:
      - uplink: tap:up0
        uplink-mtu: 9000
        pfs:
          - vfs: 4
            mtu: 9000
  - address: "0000:0a"
    ports:
      - pfs:
          - vfs: 4
"""


@pytest.fixture(scope="module")
def site(module_crew):
    """Guest a on card 07, guest b, booted by OVMF, on card 0a; sv0, sv1; up0 far away."""
    daemon = module_crew.daemon(CONFIG)
    far = module_crew.namespace("far")
    far.take("up0", daemon.net)
    far.up("up0", "10.0.0.200/24")
    a = module_crew.guest("a", vfs=[daemon.socket("0000:07:10.0")])
    b = module_crew.guest("b", vfs=[daemon.socket("0000:0a:10.0")], firmware="ovmf")
    daemon.net.up("sv0", "10.0.0.100/24")
    daemon.net.up("sv1", "10.1.0.100/24")
    for guest, address in ((a, "10.0.0.1"), (b, "10.1.0.1")):
        guest.wait_ready(90)
        guest.nic, guest.address = guest.interface(), address
        guest.up(guest.nic, f"{address}/24")
    return SimpleNamespace(daemon=daemon, host=daemon.net, far=far, a=a, b=b)


def talk(one, other, one_address, other_address):
    assert one.ping(other_address, 5)["loss"] == 0
    assert other.ping(one_address, 5)["loss"] == 0
    assert iperf3(other, one, other_address, 3)["mbits"] > 20
    assert iperf3(one, other, one_address, 3)["mbits"] > 20
    rc, report = traffic(one, other, f"hash-send tcp {other_address} 7000 4000000",
                         "hash-recv tcp 7000")
    assert rc == 0 and report["complete"]


def test_host_and_vm(site):
    talk(site.host, site.a, "10.0.0.100", site.a.address)


def test_wire_and_vm(site):
    talk(site.far, site.a, "10.0.0.200", site.a.address)


def test_wire_and_host(site):
    talk(site.far, site.host, "10.0.0.200", "10.0.0.100")


def test_jumbo_frames_to_host_and_wire(site):
    site.a.up(site.a.nic, mtu=9000)
    try:
        for machine, nic in ((site.host, "sv0"), (site.far, "up0")):
            machine.up(nic, mtu=9000)
            assert machine.ping(site.a.address, 3, size=8972, args="-M do")["loss"] == 0
            assert iperf3(site.a, machine, site.a.address, 2)["mbits"] > 20
            assert iperf3(machine, site.a,
                          "10.0.0.100" if nic == "sv0" else "10.0.0.200", 2)["mbits"] > 20
    finally:
        site.a.up(site.a.nic, mtu=1500)


def test_guest_with_uefi_firmware(site):
    assert site.b.run("[ -d /sys/firmware/efi ]").rc == 0
    talk(site.host, site.b, "10.1.0.100", site.b.address)


def test_two_cards_are_two_networks(site):
    seen = site.daemon.functions()
    assert {"0000:07:00.0", "0000:07:10.0", "0000:0a:00.0", "0000:0a:10.0"} <= set(seen)
    assert len({function["mac"] for function in seen.values()}) == len(seen)
    _, report = traffic(site.a, site.b,
                        f"raw-send {site.a.nic} src={site.a.mac(site.a.nic)} count=20 mark=3",
                        f"raw-recv {site.b.nic} mark=3,promisc=1 1.5")
    assert report["matched"] == 0


def test_interface_names_and_counters(site):
    pfs = {address: function for address, function in site.daemon.functions().items()
           if "vfs" in function}
    assert [pf["netdev"] for pf in pfs.values()] == ["sv0", "sv1"]
    for pf in pfs.values():
        assert pf["netdev_stats"]["to_card"] > 100 and pf["netdev_stats"]["from_card"] > 100
        assert site.host.mac(pf["netdev"]) == pf["mac"]
    uplink = site.daemon.show()["cards"][0]["ports"][0]["uplink"]
    assert uplink["name"].endswith("up0")
    assert uplink["tx_packets"] > 100 and uplink["rx_packets"] > 100
